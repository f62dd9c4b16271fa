//! What is written reads back, and an earlier callnext's files still do.

use super::super::digest::Digest;
use super::super::error::SnapshotError;
use super::super::line::Line;
use super::super::manifest::{FORMAT, Head};
use super::super::reader::Snapshot;
use super::super::verify::verify;
use super::super::{frame, restore, sample, state};
use super::file;
use crate::journal::{Journal, MemoryJournal};
use callnext_engine::{Action, Command, Decision, Millis, Venue};
use std::path::Path;

/// A file of each format, written by the first callnext that wrote it. Never to be written anew: a later format has a
/// file of its own beside them.
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/server/snapshot/tests/golden");

#[test]
fn the_same_day_gives_the_same_bytes() {
    let days = sample::days(&sample::clinic());
    assert_eq!(sample::file(&days[0], None), sample::file(&days[0], None));
}

#[test]
fn a_file_holds_what_happened_and_what_became_of_it() {
    let days = sample::days(&sample::clinic());
    let (content, manifest) = sample::file(&days[0], None);
    let (_folder, path) = file(&content);
    assert_eq!(verify(&path).unwrap(), manifest);
    let lines: Vec<_> = Snapshot::open(&path).unwrap().lines().unwrap().map(Result::unwrap).collect();
    let changes = lines.iter().filter_map(|line| match line {
        Line::Change(change) => Some((**change).clone()),
        _ => None,
    });
    assert_eq!(changes.collect::<Vec<_>>(), days[0]);
    let tickets = lines.iter().filter_map(|line| match line {
        Line::Ticket(ticket) => Some(ticket),
        _ => None,
    });
    let tickets = tickets.collect::<Vec<_>>();
    assert_eq!(tickets.len() as u64, manifest.counts.tickets);
    assert!(tickets.iter().all(|ticket| ["completed", "no_show", "cancelled"].contains(&ticket.state.as_str())));
    assert!(tickets.iter().any(|ticket| ticket.overtaken.is_some_and(|times| times > 0)), "{tickets:?}");
    assert!(manifest.counts.estimates > 0, "{manifest:?}");
    let figures = lines.iter().find_map(|line| match line {
        Line::Figures(figures) => Some(figures),
        _ => None,
    });
    let figures = figures.unwrap();
    assert_eq!(figures["tickets"], manifest.counts.tickets);
    assert!(figures["calls"]["by_hand"].is_null(), "what was taken back did not happen: {figures}");
    assert!(figures["services"]["ent"]["ratio"]["walk_in"]["weight"] == 3, "{figures}");
    let Some(Line::Settings(settings)) = lines.iter().rev().nth(1) else {
        panic!("the settings stand before the figures")
    };
    assert_eq!(settings["service"][0]["policy"]["ready_count"], 2, "those in force in the end");
}

#[tokio::test]
async fn a_restored_day_is_the_same_state_byte_for_byte_and_the_next_morning_begins_from_it() {
    let days = sample::days(&sample::clinic());
    for day in [&days[0], &days[1]] {
        let mut original = Venue::new(sample::clinic().venue().config().clone());
        day.iter().for_each(|change| original.apply(change));
        let (_folder, path) = file(&sample::file(day, None).0);
        let journal = MemoryJournal::new();
        let read = restore::read(&Snapshot::open(&path).unwrap(), false, || ()).unwrap();
        assert!(read.is_same);
        let manifest = restore::restore(&journal, read).await.unwrap();

        let opened = journal.open(&manifest.venue).await.unwrap();
        assert_eq!(&opened.changes, day);
        let mut venue = Venue::new(original.config().clone());
        opened.changes.iter().for_each(|change| venue.apply(change));
        assert_eq!(serde_json::to_vec(&venue).unwrap(), serde_json::to_vec(&original).unwrap());
        let morning = venue.day().end + Millis::from_mins(60);
        let mut changes = venue.advance(morning);
        let service = venue.config().services[0].id.clone();
        let take = Action::TakeTicket {
            service,
            lane: callnext_engine::Lane::WalkIn,
            visitor: callnext_engine::ticket::Visitor::default(),
            wants: None,
        };
        let Ok(Decision::Changed(change)) = venue.execute(&Command::system(take), morning) else { panic!("refused") };
        changes.push(change);
        assert_eq!(venue.tickets().next().unwrap().number.to_string(), "A001");
        journal.append(&manifest.venue, opened.epoch, changes).await.unwrap();
    }
}

#[tokio::test]
async fn a_venue_with_a_history_is_not_overwritten() {
    let days = sample::days(&sample::clinic());
    let (_folder, path) = file(&sample::file(&days[0], None).0);
    let journal = MemoryJournal::new();
    let read = || restore::read(&Snapshot::open(&path).unwrap(), false, || ()).unwrap();
    let manifest = restore::restore(&journal, read()).await.unwrap();
    let refused = restore::restore(&journal, read()).await;
    assert!(matches!(refused, Err(SnapshotError::NotEmpty { .. })), "{refused:?}");
    assert_eq!(journal.read(&manifest.venue, callnext_engine::Seq(0), 9_999).await.unwrap(), days[0]);
}

#[tokio::test]
async fn every_format_is_still_read() {
    for (format, engine) in [(1, "0.1.0"), (2, "0.2.0")] {
        let path = &Path::new(GOLDEN).join(format!("format-{format}.callnext.zst"));
        if std::env::var_os("CALLNEXT_BLESS").is_some() && format == FORMAT && !path.exists() {
            std::fs::write(path, sample::file(&sample::days(&sample::clinic())[0], None).0).unwrap();
        }
        let manifest = verify(path).unwrap();
        assert_eq!((manifest.format, manifest.engine.as_str()), (format, engine));
        assert!(manifest.range().starts_with("1..="), "{}", manifest.range());
        let day = restore::read(&Snapshot::open(path).unwrap(), true, || ()).unwrap();
        assert_eq!(day.changes.len() as u64, manifest.counts.changes);
        restore::restore(&MemoryJournal::new(), day).await.unwrap();
    }
}

/// What makes a restored day the same, for each format.
#[test]
fn the_state_of_a_day_is_digested_as_its_format_says() {
    let day = &sample::days(&sample::clinic())[0];
    let mut venue = Venue::new(sample::clinic().venue().config().clone());
    day.iter().for_each(|change| venue.apply(change));
    let whole = serde_json::to_vec(&venue).unwrap();
    assert_eq!(state::digest(1, venue.clone()).unwrap(), Digest::of(&whole), "the value as one");
    let digest = state::digest(2, venue).unwrap();
    assert_eq!(sample::file(day, None).1.state_sha256, digest, "played with the tickets on the shelf, or as one");
    let mut other = Venue::new(sample::clinic().venue().config().clone());
    day[..day.len() - 1].iter().for_each(|change| other.apply(change));
    assert_ne!(state::digest(2, other).unwrap(), digest);
}

#[test]
fn a_later_format_is_refused_by_its_number() {
    let (content, manifest) = sample::file(&sample::days(&sample::clinic())[1], None);
    let head = Head { format: FORMAT + 1, venue: manifest.venue.clone(), date: manifest.date };
    let mut later = Vec::new();
    frame::write_head(&mut later, &serde_json::to_vec(&head).unwrap()).unwrap();
    let old = Head { format: FORMAT, ..head };
    let begins = 8 + serde_json::to_vec(&old).unwrap().len();
    later.extend_from_slice(&content[begins..]);
    let (_folder, path) = file(&later);
    let refused = Snapshot::open(&path).unwrap_err().to_string();
    assert!(refused.contains("its format is 3, and this callnext reads up to 2"), "{refused}");
}

#[test]
fn the_content_can_be_read_with_zstd_alone() {
    let (content, manifest) = sample::file(&sample::days(&sample::clinic())[0], None);
    let text = zstd::decode_all(&content[..]).unwrap();
    assert_eq!(text.len() as u64, manifest.content_bytes);
    assert!(text.starts_with(br#"{"change":{"seq":1,"#));
}
