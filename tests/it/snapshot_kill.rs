//! A snapshot that is being written when the process is killed: the file of before, or a whole new one.
//!
//! This test starts itself again as a process that only writes, kills it at a random moment, and then looks at what is
//! there. The same folder is used in every round, so that each start finds what the kill before it left behind.
//! `scripts/kills --snapshots` makes many rounds.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use callnext::journal::{Journal as _, MemoryJournal};
use callnext::snapshot::keeper::DayRange;
use callnext::snapshot::store::{Kind, Store};
use callnext::snapshot::verify::verify;
use callnext::snapshot::{Keeper, SnapshotSettings};
use callnext_engine::testing::Plan;
use callnext_engine::{Change, Millis, Seq, VenueId};

use super::harness::Chance;

/// Names the folder in the process that writes.
const FOLDER: &str = "CALLNEXT_TEST_SNAPSHOTS";
/// Rounds, unless the environment says more.
const ROUNDS: u64 = 10;
/// What the writer says when a file is there.
const KEPT: &str = "kept ";
/// People of the two days that are written in turn under the same name.
const PEOPLE: [usize; 2] = [40, 90];

/// A day that is over, with so many people.
fn day(people: usize) -> Vec<Change> {
    let mut hall = Plan::default().counter("1").open("09:00");
    for _ in 0..people {
        hall.walk_in();
        hall.after(Millis::from_secs(30));
        hall.next("1");
    }
    let end = hall.venue().day().end;
    hall.at_instant(end + Millis::from_mins(60));
    hall.changes().to_vec()
}

async fn keeper(people: usize, folder: &Path) -> (Keeper, VenueId, DayRange) {
    let (journal, venue) = (MemoryJournal::new(), VenueId::parse("clinic").unwrap());
    let epoch = journal.open(&venue).await.unwrap().epoch;
    journal.append(&venue, epoch, day(people)).await.unwrap();
    let days = journal.days(&venue).await.unwrap();
    let keeper = Keeper::new(Arc::new(journal), Store::in_folder(folder), SnapshotSettings::default());
    (keeper, venue, DayRange { first: Seq(1), next: Some(days[1]) })
}

#[tokio::test]
async fn killed_at_any_moment_the_old_file_or_a_whole_new_one_is_there() {
    let number = |name: &str, default| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (rounds, seed) = (number("CALLNEXT_KILLS", ROUNDS), number("CALLNEXT_SEED", 1));
    println!("seed {seed}");
    let mut chance = Chance::new(seed);
    let folder = tempfile::tempdir().unwrap();
    let (mut found, mut cut_short) = (BTreeSet::new(), 0);
    for round in 1..=rounds {
        let mut writer = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "snapshot_kill::writer", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        let mut kept = 0;
        while kept < 1 + chance.below(3) {
            kept += u64::from(lines.next().unwrap().unwrap().starts_with(KEPT));
        }
        // Writing one takes some tens of milliseconds: any moment of it may come.
        tokio::time::sleep(Duration::from_micros(chance.below(60_000))).await;
        writer.kill().unwrap();
        writer.wait().unwrap();
        let (tickets, drafts) = look(folder.path()).await;
        found.insert(tickets);
        cut_short += u64::from(drafts);
        println!("kill {round}: passed, {tickets} tickets{}", if drafts { ", cut short" } else { "" });
    }
    assert!(rounds < ROUNDS || cut_short > 0, "some kills came while something was written");
    assert!(found.iter().all(|tickets| PEOPLE.iter().any(|people| *people as u64 == *tickets)), "{found:?}");
}

/// What is there is whole: the snapshot and both of its tables. What was cut short goes when somebody tidies up.
async fn look(folder: &Path) -> (u64, bool) {
    let store = Store::in_folder(folder);
    let mut tickets = 0;
    for kept in store.list().await.unwrap() {
        let file = store.fetch(&kept.name).await.unwrap().unwrap();
        match kept.name.kind {
            Kind::Day => tickets = verify(file.path()).unwrap().counts.tickets,
            Kind::SoFar => panic!("nobody wrote that"),
            Kind::Csv => {
                let text = std::fs::read_to_string(file.path()).unwrap();
                assert!(text.ends_with('\n') && PEOPLE.contains(&(text.lines().count() - 1)), "a torn table");
            }
            Kind::Parquet => {
                let bytes = std::fs::read(file.path()).unwrap();
                assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"), "a torn table");
            }
        }
    }
    assert!(tickets > 0, "there was one before the kill");
    let files = || std::fs::read_dir(folder.join("clinic")).unwrap().count();
    let before = files();
    store.tidy().unwrap();
    assert_eq!(files(), 3, "nothing but the snapshot and its tables");
    (tickets, before > 3)
}

/// Not a test by itself: the process that writes.
#[tokio::test]
async fn writer() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    let keepers = [keeper(PEOPLE[0], folder).await, keeper(PEOPLE[1], folder).await];
    for (keeper, venue, day) in keepers.iter().cycle() {
        let manifest = keeper.write(venue, *day).await.unwrap();
        println!("{KEPT}{}", manifest.counts.tickets);
    }
}
