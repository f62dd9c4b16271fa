//! Several nodes as an operator runs them: the program, three times, by settings files, on one Redis.
//!
//! `scripts/chaos` does worse to them, and for longer.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use callnext::cluster::lease::Node;
use callnext::cluster::spread::preferred;
use callnext::journal::Journal as _;
use callnext_engine::VenueId;
use callnext_engine::testing::{Hall, Plan, at};
use loadtest::redis::Redis;
use serde_json::{Value, json};

use crate::harness::process::{Process, program, run};
use crate::harness::{Caller, PATIENCE, eventually};
use crate::set_up::{administrator, settings};
use crate::snapshot::on;

/// Short, so that whoever waits for its end does not wait long.
const LEASE: Duration = Duration::from_secs(1);
const NAMES: [&str; 3] = ["a", "b", "c"];

struct Nodes {
    redis: Redis,
    folder: tempfile::TempDir,
    /// Where all of them keep snapshots; none for each in its own folder.
    snapshots: Option<PathBuf>,
    running: Vec<(&'static str, Process)>,
}

impl Nodes {
    /// Three nodes, one of which owns the clinic.
    async fn start() -> Self {
        let (redis, folder) = (Redis::start().unwrap(), tempfile::tempdir().unwrap());
        let mut nodes = Self { redis, folder, snapshots: None, running: Vec::new() };
        for name in NAMES {
            nodes.add(name);
        }
        nodes.owner().await;
        nodes
    }

    fn add(&mut self, name: &'static str) {
        let home = self.folder.path().join(name);
        std::fs::create_dir_all(&home).unwrap();
        let file = settings(&home);
        let venue = std::fs::read_to_string(&file).unwrap();
        let (url, secret, lease) = (self.redis.url(), "5e".repeat(32), LEASE.as_millis());
        let to = |folder: &PathBuf| format!("[snapshot]\nto = \"{}\"\n", folder.display());
        let snapshots = self.snapshots.as_ref().map(to).unwrap_or_default();
        let text = format!(
            "[journal]\nstore = \"redis\"\n[journal.redis]\nurls = [\"{url}\"]\npatience_ms = 30000\n\
             [cluster]\nname = \"{name}\"\nsecret = \"{secret}\"\nlease_ms = {lease}\n{snapshots}{venue}"
        );
        std::fs::write(&file, text).unwrap();
        self.running.push((name, Process::serve(&file, &home.join("data"))));
    }

    fn node(&self, name: &str) -> &Process {
        &self.running.iter().find(|(known, _)| *known == name).unwrap().1
    }

    fn take_out(&mut self, name: &str) -> Process {
        let at = self.running.iter().position(|(known, _)| *known == name).unwrap();
        self.running.remove(at).1
    }

    /// Who owns the clinic, as the lease says; waits until it is one of those that run.
    async fn owner(&self) -> String {
        eventually("an owner", || async {
            let lease = self.redis.cli(&["get", "callnext:{clinic}:lease"]).unwrap();
            let holder: Value = serde_json::from_str(&lease).ok()?;
            let name = holder["name"].as_str()?.to_owned();
            self.running.iter().any(|(known, _)| *known == name).then_some(name)
        })
        .await
    }

    /// Everybody but this one.
    fn others(&self, name: &str) -> Vec<&Process> {
        self.running.iter().filter(|(known, _)| *known != name).map(|(_, process)| process).collect()
    }
}

/// Takes a ticket; asks again, with the same key, whenever it hears 503.
async fn take(caller: &Caller) -> String {
    let key = caller.key();
    let answer = eventually("a number", || async {
        let answer = caller.post_with_key("venues/clinic/tickets", json!({ "service": "all" }), &key).await;
        (answer.status != 503).then(|| answer.expect(201))
    });
    answer.await["number"].as_str().unwrap().to_owned()
}

async fn numbers(caller: &Caller) -> Vec<String> {
    let queue = caller.queue().await;
    queue["tickets"].as_array().unwrap().iter().map(|ticket| ticket["number"].as_str().unwrap().to_owned()).collect()
}

fn counted(count: usize) -> Vec<String> {
    (1..=count).map(|n| format!("W{n:03}")).collect()
}

#[actix_web::test]
async fn whoever_is_let_in_at_one_node_works_at_every_node() {
    let nodes = Nodes::start().await;
    let admin = administrator(nodes.node("a")).await;
    for (count, (name, node)) in (1..).zip(&nodes.running) {
        let here = admin.moved_to(&node.base);
        assert_eq!(take(&here).await, format!("W{count:03}"), "at {name}");
        assert_eq!(numbers(&here).await.len(), count, "whoever wrote at {name} reads it there");
    }
    let mut consoles = Vec::new();
    for (_, node) in &nodes.running {
        consoles.push(admin.moved_to(&node.base).socket("/ws/v1/venues/clinic/console").await);
    }
    let caller = admin.moved_to(&nodes.node("b").base);
    caller.open("c1").await;
    assert_eq!(caller.call("c1").await["ticket"]["number"], "W001");
    for console in &mut consoles {
        console.until("the call at every node", |frame| frame.to_string().contains("\"called\"")).await;
    }
    // Out at one is out at all.
    admin.delete("sessions/current").await.expect(204);
    for (_, node) in &nodes.running {
        let there = admin.moved_to(&node.base);
        eventually("shut out", || async { (there.get("venues/clinic/queue").await.status == 401).then_some(()) }).await;
    }
}

#[actix_web::test]
async fn a_dead_owner_is_followed_by_another_and_a_stopped_one_too() {
    let mut nodes = Nodes::start().await;
    let admin = administrator(nodes.node("a")).await;
    let mut told = vec![take(&admin).await];
    let owner = nodes.owner().await;
    nodes.take_out(&owner).kill();
    told.push(take(&admin.moved_to(&nodes.running[0].1.base)).await);
    let second = nodes.owner().await;
    assert_ne!(second, owner);
    // Told to stop, it hands over first: nobody hears 503.
    let (mut stopped, third) = (nodes.take_out(&second), &nodes.running[0].1);
    let admin = admin.moved_to(&third.base);
    let (ended, number) = futures_util::future::join(stopped.terminate(), admin.take("all")).await;
    assert!(ended.0.success());
    told.push(number["number"].as_str().unwrap().to_owned());
    told.push(take(&admin).await);
    assert_eq!(told, counted(4));
    assert_eq!(numbers(&admin).await, counted(4));
}

#[actix_web::test]
async fn an_owner_that_sleeps_past_its_lease_writes_nothing_more() {
    let nodes = Nodes::start().await;
    let admin = administrator(nodes.node("a")).await;
    take(&admin).await;
    let owner = nodes.owner().await;
    let asleep = nodes.node(&owner);
    asleep.freeze();
    let awake = admin.moved_to(&nodes.others(&owner)[0].base);
    let key = admin.key();
    // Sent to the sleeper before it sleeps on, answered when it wakes up: by whoever owns the clinic then.
    let late = async {
        let there = admin.moved_to(&asleep.base);
        there.post_with_key("venues/clinic/tickets", json!({ "service": "all" }), &key).await
    };
    let meanwhile = async {
        assert_eq!(take(&awake).await, "W002");
        asleep.thaw();
    };
    let (late, ()) = tokio::time::timeout(PATIENCE, futures_util::future::join(late, meanwhile)).await.unwrap();
    assert!(matches!(late.status, 201 | 503), "{}", late.status);
    let again = awake.post_with_key("venues/clinic/tickets", json!({ "service": "all" }), &key).await;
    assert_eq!(again.expect(201)["number"], "W003", "once, whichever node was asked");
    assert_eq!(numbers(&awake).await, counted(3));
}

#[test]
fn a_node_that_others_cannot_find_does_not_start() {
    let (redis, folder) = (Redis::start().unwrap(), tempfile::tempdir().unwrap());
    let file = settings(folder.path());
    let venue = std::fs::read_to_string(&file).unwrap();
    let text = format!("[journal]\nstore = \"redis\"\n[journal.redis]\nurls = [\"{}\"]\n{venue}", redis.url());
    std::fs::write(&file, text).unwrap();
    let output = program()
        .args(["serve", "--listen", "0.0.0.0:0", "--config", file.to_str().unwrap()])
        .args(["--data", folder.path().join("data").to_str().unwrap()])
        .envs([("CALLNEXT__CLUSTER__NAME", "a"), ("CALLNEXT__CLUSTER__SECRET", &"5e".repeat(32))])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("name an address in [cluster]"), "{told}");
}

#[actix_web::test]
async fn a_redis_that_was_wiped_is_told_everything_again() {
    let mut nodes = Nodes::start().await;
    let admin = administrator(nodes.node("a")).await;
    for name in NAMES {
        // So each knows who is logged in: any of them may be the first to notice, and tell Redis again.
        take(&admin.moved_to(&nodes.node(name).base)).await;
    }
    let before = admin.queue().await;
    nodes.redis.cli(&["flushall"]).unwrap();
    for name in NAMES {
        // The first one asks before anybody noticed.
        take(&admin.moved_to(&nodes.node(name).base)).await;
    }
    assert_eq!(numbers(&admin).await, counted(6));
    let after = admin.queue().await;
    assert_eq!(nodes.redis.cli(&["hlen", "callnext:{clinic}:live"]).unwrap(), "2", "others read it again, too");
    assert!(after["seq"].as_u64() > before["seq"].as_u64() && after["epoch"] != before["epoch"]);
    // Everybody has the same history, and whoever comes next has all of it.
    let owner = nodes.owner().await;
    nodes.redis.cli(&["flushall"]).unwrap();
    nodes.take_out(&owner).kill();
    let admin = admin.moved_to(&nodes.running[0].1.base);
    take(&admin).await;
    assert_eq!(numbers(&admin).await, counted(7), "given back by a node that followed");
}

/// The owner of the clinic whose metrics have this line, looked for until there is one.
async fn owner_that_says(nodes: &Nodes, line: &str) -> String {
    eventually(line, || async {
        let owner = nodes.owner().await;
        let metrics = Caller::new(&nodes.node(&owner).base, None).get("/metrics").await;
        String::from_utf8(metrics.bytes).unwrap().contains(line).then_some(owner)
    })
    .await
}

/// The files that are kept of the clinic, without drafts, and which they are: what is written again is another one.
fn kept(folder: &Path) -> Vec<(String, u64)> {
    let entries = std::fs::read_dir(folder.join("clinic")).unwrap().map(Result::unwrap);
    let mut kept: Vec<_> = entries
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().ino()))
        .filter(|(name, _)| !name.starts_with('.'))
        .collect();
    kept.sort();
    kept
}

/// The day ends while nobody can write it, and three nodes come. The first one to try cannot, and dies; the second
/// writes the night, and dies; the third finds it written.
#[actix_web::test]
async fn a_night_is_written_once_whichever_node_dies() {
    let (redis, folder) = (Redis::start().unwrap(), tempfile::tempdir().unwrap());
    let venue = VenueId::parse("clinic").unwrap();
    let mut config = Plan::default().config();
    config.id = venue.clone();
    let mut hall = Hall::before_first_day(config, at("09:00"));
    hall.let_time_pass();
    hall.walk_ins(5);
    let journal = on(&redis).await;
    let epoch = journal.open(&venue).await.unwrap().epoch;
    journal.append(&venue, epoch, hall.changes().to_vec()).await.unwrap();
    drop(journal);

    let snapshots = folder.path().join("kept");
    let in_the_way = snapshots.join("clinic");
    std::fs::create_dir(&snapshots).unwrap();
    std::fs::write(&in_the_way, "where the folder should be").unwrap();
    let mut nodes = Nodes { redis, folder, snapshots: Some(snapshots.clone()), running: Vec::new() };
    // Whoever is to own the clinic comes first, so that it goes from hand to hand by deaths alone.
    let node = |name: &str| Node { name: name.to_owned(), address: String::new(), instance: String::new() };
    let keeps = preferred(&venue, &NAMES.map(node)).unwrap().name.clone();
    let mut names = NAMES;
    names.sort_by_key(|name| *name != keeps);
    names.into_iter().for_each(|name| nodes.add(name));

    let first = owner_that_says(&nodes, "callnext_snapshot_nights_missing{venue=\"clinic\"} 1").await;
    nodes.take_out(&first).kill();
    std::fs::remove_file(in_the_way).unwrap();
    let is_written = "callnext_snapshot_newest_day_end_timestamp_seconds{venue=\"clinic\"}";
    let second = owner_that_says(&nodes, is_written).await;
    let written = kept(&snapshots);
    let names: Vec<_> = written.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["2026-03-02.callnext.zst", "2026-03-02.csv", "2026-03-02.parquet"]);
    nodes.take_out(&second).kill();
    let third = owner_that_says(&nodes, is_written).await;
    assert!(third != first && third != second);
    assert_eq!(kept(&snapshots), written, "none is written twice");
    let verified = run(&["verify", "--json", snapshots.to_str().unwrap()]);
    let verified: Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!((&verified[0]["is_whole"], &verified[0]["manifest"]["counts"]["tickets"]), (&json!(true), &json!(5)));
    assert_eq!(verified.as_array().unwrap().len(), 1);
    for name in NAMES {
        assert!(!nodes.folder.path().join(name).join("data/snapshots").exists(), "all keep them in one place");
    }
}
