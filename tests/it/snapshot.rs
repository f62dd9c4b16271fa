//! Days that are over, from the running server to a restored one, and by the commands an operator has.

use std::path::Path;
use std::sync::Arc;

use callnext::journal::redis::{RedisOptions, RedisUrl};
use callnext::journal::{Journal, RedisJournal, SqliteJournal};
use callnext::snapshot::digest::Digest;
use callnext::snapshot::manifest::FORMAT;
use callnext::snapshot::{Keeper, SnapshotSettings, Store};
use callnext_engine::{Millis, Seq, Venue, VenueId, testing};
use loadtest::redis::Redis;
use serde_json::Value;

use super::harness::process::run;
use super::harness::server::Plan;
use super::harness::{Server, eventually, venues};
use super::redis::settings_on;

/// Runs a command; gives how it ended and what it said.
fn said(arguments: &[&str]) -> (bool, String) {
    let output = run(arguments);
    let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    (output.status.success(), String::from_utf8(text).unwrap())
}

fn well(arguments: &[&str]) -> String {
    let (is_well, text) = said(arguments);
    assert!(is_well, "{arguments:?}: {text}");
    text
}

fn badly(arguments: &[&str]) -> String {
    let (is_well, text) = said(arguments);
    assert!(!is_well, "{arguments:?}: {text}");
    text
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// What a program reads at this address.
async fn page(server: &Server, path: &str) -> String {
    String::from_utf8(server.anybody().get(path).await.bytes).unwrap()
}

/// A clinic's day with two people, and the next day begun.
async fn two_days(snapshot: Option<SnapshotSettings>) -> Server {
    let server = Server::start_with(Plan { venues: vec![venues::clinic()], snapshot, ..Plan::default() }).await;
    let (kiosk, clerk) = (server.kiosk().await, server.staff("clerk").await);
    kiosk.take("internal").await;
    kiosk.take("internal").await;
    clerk.open("r1").await;
    clerk.call("r1").await;
    server.clock.set(server.clock.now() + Millis::from_mins(24 * 60));
    let issued = kiosk.take("internal").await;
    assert_eq!(issued["number"], "A001", "another day has begun");
    server
}

async fn state(data: &Path, venue: &str) -> Digest {
    let journal = SqliteJournal::open(&data.join("journal.sqlite")).unwrap();
    let venue = VenueId::parse(venue).unwrap();
    let opened = journal.open(&venue).await.unwrap();
    let mut value = Venue::new(venues::clinic());
    opened.changes.iter().for_each(|change| value.apply(change));
    callnext::snapshot::state::digest(FORMAT, value).unwrap()
}

#[actix_web::test]
async fn a_server_writes_the_nights_it_missed_and_goes_on_from_a_restored_one() {
    let folder = two_days(None).await.stop();
    let snapshots = SnapshotSettings::default();
    let server = Server::start_with(Plan {
        venues: vec![venues::clinic()],
        snapshot: Some(snapshots),
        folder: Some(folder),
        ..Plan::default()
    })
    .await;
    let metrics = eventually("the night is written", || async {
        let metrics = page(&server, "/metrics").await;
        metrics.contains("callnext_snapshot_newest_day_end_timestamp_seconds{venue=\"clinic\"}").then_some(metrics)
    })
    .await;
    assert!(metrics.contains("callnext_snapshot_nights_missing{venue=\"clinic\"} 0"), "{metrics}");
    assert_eq!(page(&server, "/readyz").await, "ready\n");
    let folder = server.stop();
    let data = folder.path();

    let list = well(&["snapshot", "list", "--data", text(data)]);
    assert!(list.contains("clinic") && list.contains("2 tickets"), "{list}");
    let verified: Value = serde_json::from_str(&well(&["verify", "--json", "--data", text(data)])).unwrap();
    let date = verified[0]["manifest"]["date"].as_str().unwrap().to_owned();
    let file = data.join(format!("snapshots/clinic/{date}.callnext.zst"));

    let new = tempfile::tempdir().unwrap();
    let elsewhere = new.path().join("data");
    let restored = well(&["restore", text(&file), "--data", text(&elsewhere)]);
    assert!(restored.starts_with(&format!("restored clinic {date} into ")), "{restored}");
    let refused = badly(&["restore", text(&file), "--data", text(&elsewhere)]);
    assert!(refused.contains("venue clinic has a history already"), "{refused}");
    let said: Value = serde_json::from_str(&well(&["verify", "--json", text(&file)])).unwrap();
    let state = state(&elsewhere, "clinic").await.to_string();
    assert_eq!(said[0]["manifest"]["state_sha256"], Value::from(state));

    // The next morning's server starts from it: the day that was restored is over, and another one is opened.
    let moved = tempfile::tempdir().unwrap();
    std::fs::rename(elsewhere.join("journal.sqlite"), moved.path().join("journal.sqlite")).unwrap();
    let plan = Plan { venues: vec![venues::clinic()], folder: Some(moved), ..Plan::default() };
    plan.clock.set(venues::morning() + Millis::from_mins(24 * 60));
    let server = Server::start_with(plan).await;
    let issued = server.kiosk().await.take("internal").await;
    assert_eq!(issued["number"], "A001");
}

#[actix_web::test]
async fn a_night_that_cannot_be_written_is_an_alarm_and_nothing_is_forgotten() {
    let folder = two_days(None).await.stop();
    // A file stands where the folder should be.
    std::fs::write(folder.path().join("snapshots"), "in the way").unwrap();
    let plan = Plan { venues: vec![venues::clinic()], folder: Some(folder), ..Plan::default() };
    let server = Server::start_with(Plan { snapshot: Some(SnapshotSettings::default()), ..plan }).await;
    let metrics = eventually("the alarm", || async {
        let metrics = page(&server, "/metrics").await;
        metrics.contains("callnext_snapshot_nights_missing{venue=\"clinic\"} 1").then_some(metrics)
    })
    .await;
    assert!(metrics.contains("callnext_snapshot_failures_total{venue=\"clinic\"} 1"), "{metrics}");
    let ready = page(&server, "/readyz").await;
    assert_eq!(ready, "ready\nwarning: venue clinic: closed days without a snapshot: 1\n");
    let folder = server.stop();
    let journal = SqliteJournal::open(&folder.path().join("journal.sqlite")).unwrap();
    assert_eq!(journal.days(&VenueId::parse("clinic").unwrap()).await.unwrap().len(), 2);
}

/// A journal of one's own on this Redis.
pub async fn on(redis: &Redis) -> RedisJournal {
    RedisJournal::connect(RedisOptions::single(RedisUrl::parse(&redis.url()).unwrap())).await.unwrap()
}

#[actix_web::test]
async fn redis_forgets_nothing_before_it_was_read_back_and_gets_a_day_back() {
    let (redis, folder) = (Redis::start().unwrap(), tempfile::tempdir().unwrap());
    let mut hall = testing::Plan::default().open("09:00");
    for _ in 0..3 {
        hall.walk_ins(4);
        hall.at_instant(hall.venue().day().end + Millis::from_mins(60));
    }
    let (journal, venue) = (on(&redis).await, hall.venue().config().id.clone());
    let epoch = journal.open(&venue).await.unwrap().epoch;
    journal.append(&venue, epoch, hall.changes().to_vec()).await.unwrap();
    let settings = SnapshotSettings { journal_days: 0, ..SnapshotSettings::default() };
    let keeper = Keeper::new(Arc::new(journal.clone()), Store::in_folder(folder.path()), settings);
    let stream = |command: &str| redis.cli(&[command, "callnext:{clinic}:changes"]).unwrap().trim().to_owned();

    // A file stands where the venue's folder should be.
    std::fs::write(folder.path().join("clinic"), "in the way").unwrap();
    let done = keeper.catch_up(&venue).await.unwrap();
    assert_eq!((done.missing.len(), done.written.len()), (3, 0), "{:?}", done.problem);
    assert_eq!((stream("xlen"), stream("pttl")), (hall.changes().len().to_string(), "-1".to_owned()));
    std::fs::remove_file(folder.path().join("clinic")).unwrap();
    let done = keeper.catch_up(&venue).await.unwrap();
    assert_eq!((done.written.len(), done.missing.len()), (3, 0), "{:?}", done.problem);
    let today = journal.load(&venue).await.unwrap().changes;
    assert_eq!(stream("xlen"), today.len().to_string(), "the day in progress, and nothing before it");

    // Another Redis, that knows nothing.
    let redis = Redis::start().unwrap();
    let (file, data) = (settings_on(&redis, folder.path()), folder.path().join("data"));
    let place = ["--config", text(&file), "--data", text(&data)];
    let last = done.written.last().unwrap();
    let kept = folder.path().join(format!("clinic/{}.callnext.zst", last.date));
    let restored = well(&[&["restore", text(&kept)][..], &place].concat());
    assert!(restored.contains("into Redis: 4 tickets"), "{restored}");
    let refused = badly(&[&["restore", text(&kept)][..], &place].concat());
    assert!(refused.contains("venue clinic has a history already"), "{refused}");
    let day = hall.changes().iter().filter(|change| (last.first_seq..=last.last_seq).contains(&change.seq));
    let there = on(&redis).await.read(&venue, Seq(0), 9_999).await.unwrap();
    assert_eq!(there, day.cloned().collect::<Vec<_>>());
    assert!(!data.join("journal.sqlite").exists());
    let written = well(&[&["snapshot", "now", "--so-far"][..], &place].concat());
    assert!(written.contains(&format!("written and verified  clinic  {}", last.date)), "{written}");
}

#[actix_web::test]
async fn an_operator_writes_reads_and_exports_by_hand() {
    let folder = two_days(None).await.stop();
    let data = text(folder.path());
    let written = well(&["snapshot", "now", "--so-far", "--data", data]);
    assert_eq!(written.matches("written and verified  clinic").count(), 2, "{written}");
    assert_eq!(well(&["snapshot", "now", "--data", data]), "every day that is over has its snapshot\n");
    let rows: Value = serde_json::from_str(&well(&["snapshot", "list", "--json", "--data", data])).unwrap();
    let file = folder.path().join("snapshots").join(rows[0]["file"].as_str().unwrap());
    let date = rows[0]["date"].as_str().unwrap().to_owned();

    let out = tempfile::tempdir().unwrap();
    let day = ["--venue", "clinic", "--day", &date, "--data", data];
    well(&[&["export", "--to", text(out.path())][..], &day].concat());
    let table = std::fs::read_to_string(out.path().join(format!("clinic-{date}.csv"))).unwrap();
    assert_eq!(table.lines().count(), 3, "{table}");
    let again = badly(&[&["export", "--to", text(out.path())][..], &day].concat());
    assert!(again.contains("is there already, and is left as it is"), "{again}");

    assert!(well(&["trail", "verify", text(&file)]).starts_with("whole"));
    let trail = well(&[&["trail", "export"][..], &day].concat());
    let kept = out.path().join("trail.jsonl");
    std::fs::write(&kept, &trail).unwrap();
    let head =
        serde_json::from_str::<Value>(trail.lines().last().unwrap()).unwrap()["head"].as_str().unwrap().to_owned();
    well(&["trail", "verify", text(&kept), "--head", &head]);
    let other = "00".repeat(32);
    assert!(badly(&["trail", "verify", text(&kept), "--head", &other]).contains("it does not end with 0000"));
    std::fs::write(&kept, trail.replacen("\"at\":", "\"at\":1", 1)).unwrap();
    assert!(badly(&["trail", "verify", text(&kept)]).contains("entry 1 was altered"));
    std::fs::write(&kept, trail.lines().next().unwrap()).unwrap();
    assert!(badly(&["trail", "verify", text(&kept)]).contains("its last lines are missing"));

    let mut content = std::fs::read(&file).unwrap();
    let middle = content.len() / 2;
    content[middle] ^= 1;
    std::fs::write(&file, &content).unwrap();
    let damaged = badly(&["verify", text(&folder.path().join("snapshots"))]);
    assert!(damaged.contains("DAMAGED") && damaged.contains("1 whole, 1 damaged"), "{damaged}");
    let elsewhere = out.path().join("data");
    badly(&["restore", text(&file), "--data", text(&elsewhere)]);
    assert!(!elsewhere.exists(), "nothing is touched before the file is known to be whole");
}

#[test]
fn a_slip_is_answered_with_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, answer) in [
        (&["snapshot", "list"][..], "name the settings file with --config, or the data folder with --data"),
        (&["snapshot", "now", "--data", text(folder.path())], "there is no journal in"),
        (&["verify", text(folder.path())], "there is no snapshot at"),
        (&["verify", "--data", text(folder.path())], "there is no snapshot at"),
        (&["verify", "nowhere.zst"], "0 whole, 0 damaged, 1 could not be read"),
        (&["trail", "verify", "Cargo.toml"], "it is not a callnext snapshot"),
        (&["restore", "--data", text(folder.path())], "name a file, or a day with --venue and --day"),
        (&["restore", "nowhere.zst", "--data", text(folder.path())], "nowhere.zst"),
        (&["export", "--venue", "clinic"], "--day"),
        (&["trail", "verify"], "FILES"),
        (&["trail", "verify", "x", "--head", "12"], "64 hexadecimal digits"),
    ] {
        let (is_well, said) = said(arguments);
        assert!(!is_well && said.contains(answer), "{arguments:?}: {said}");
    }
}
