//! What the SQLite journal acknowledged survives `kill -9`, at whatever moment it comes.
//!
//! This test starts itself again as a process that only writes, kills it after a random number of
//! acknowledgements, and then looks into the file. The same file is used in every round, so that each start
//! recovers what the kill before it left behind.

#![cfg(test)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use callnext::journal::{Journal, SqliteJournal};
use callnext_engine::{Actor, Change, Event, Outcome, Seq, TicketId, Timestamp, VenueId};
use futures_util::future::join_all;

/// Names the file in the process that writes.
const FILE: &str = "CALLNEXT_TEST_JOURNAL";
const VENUES: [&str; 3] = ["a", "b", "c"];
const ROUNDS: u64 = 12;
/// What a line begins with that acknowledges a change.
const ACKNOWLEDGED: &str = "acknowledged ";

#[tokio::test]
async fn nothing_acknowledged_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let mut acknowledged = BTreeMap::new();
    for round in 0..ROUNDS {
        let count = 1 + (round * 7919 + 13) % 400;
        let mut writer = Writer::start(&path);
        writer.read(&mut acknowledged, count);
        writer.child.kill().unwrap();
        // What it had said before it died counts too.
        writer.read(&mut acknowledged, u64::MAX);
        writer.child.wait().unwrap();
        look(&path, &acknowledged).await;
    }
    let total: u64 = acknowledged.values().sum();
    assert!(total > ROUNDS, "the test itself has written something: {acknowledged:?}");
}

/// Not a test by itself: the process that writes.
#[tokio::test]
async fn writer() {
    let Some(path) = std::env::var_os(FILE) else { return };
    let journal = SqliteJournal::open(Path::new(&path)).unwrap();
    join_all(VENUES.map(|name| write_for_ever(&journal, VenueId::parse(name).unwrap()))).await;
}

async fn write_for_ever(journal: &SqliteJournal, venue: VenueId) {
    let opened = journal.open(&venue).await.unwrap();
    let mut last = opened.changes.last().map_or(0, |change| change.seq.0);
    loop {
        let changes: Vec<_> = (1..=3).map(|n| change(last + n)).collect();
        journal.append(&venue, opened.epoch, changes).await.unwrap();
        last += 3;
        println!("{ACKNOWLEDGED}{venue} {last}");
    }
}

/// Every acknowledged change is there, in order, with its content.
async fn look(path: &Path, acknowledged: &BTreeMap<String, u64>) {
    let journal = SqliteJournal::open(path).unwrap();
    for (venue, last) in acknowledged {
        let venue = VenueId::parse(venue).unwrap();
        let kept = journal.read(&venue, Seq(0), usize::MAX).await.unwrap();
        assert!(kept.len() as u64 >= *last, "{venue}: {} kept, {last} acknowledged", kept.len());
        assert!(kept.len().is_multiple_of(3), "{venue}: an append is all or nothing, not {}", kept.len());
        for (found, seq) in kept.into_iter().zip(1..) {
            assert_eq!(found, change(seq), "{venue}");
        }
    }
}

fn change(seq: u64) -> Change {
    Change {
        seq: Seq(seq),
        at: Timestamp(1_800_000_000_000 + seq.cast_signed()),
        by: Actor::System,
        command: None,
        outcome: Outcome::Done,
        events: vec![Event::ServiceCompleted { ticket: TicketId(seq) }],
    }
}

struct Writer {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Writer {
    fn start(path: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "writer", "--nocapture"])
            .env(FILE, path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, output }
    }

    /// Notes the next `count` acknowledgements, or all that are left. A line cut off by the kill says nothing.
    fn read(&mut self, acknowledged: &mut BTreeMap<String, u64>, count: u64) {
        let mut line = String::new();
        for _ in 0..count {
            line.clear();
            while !(line.starts_with(ACKNOWLEDGED) && line.ends_with('\n')) {
                line.clear();
                if self.output.read_line(&mut line).unwrap() == 0 {
                    return;
                }
            }
            let (venue, seq) = line.trim_start_matches(ACKNOWLEDGED).trim().split_once(' ').unwrap();
            acknowledged.insert(venue.to_owned(), seq.parse().unwrap());
        }
    }
}
