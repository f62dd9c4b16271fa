//! Several nodes on one journal, in one process: who writes, who follows, and what people notice when it changes.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use callnext::access::Access;
use callnext::app::ClusterParts;
use callnext::cluster::MemberSettings;
use callnext::cluster::lease::Node;
use callnext::cluster::memory::MemoryLeases;
use callnext::cluster::spread::preferred;
use callnext::journal::MemoryJournal;
use callnext::snapshot::{Keeper, Nightly, Nights, SnapshotSettings, Store};
use callnext_engine::{Millis, VenueId};
use futures_util::future::join;
use serde_json::json;

use crate::harness::server::Plan;
use crate::harness::{Server, eventually, venues};

const LEASE: Duration = Duration::from_secs(2);

/// What the nodes of an installation share.
struct Installation {
    journal: MemoryJournal,
    leases: MemoryLeases,
    access: Access,
    _folder: tempfile::TempDir,
}

impl Installation {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let access = Access::open(folder.path()).unwrap();
        Self { journal: MemoryJournal::new(), leases: MemoryLeases::default(), access, _folder: folder }
    }

    /// A node, and its line to the leases.
    async fn node(&self, name: &str) -> (Server, MemoryLeases) {
        let line = self.leases.line();
        let settings = MemberSettings { name: name.to_owned(), address: None, lease: LEASE };
        let (leases, tail) = (Arc::new(line.clone()), Arc::new(self.journal.clone()));
        let server = Server::start_with(Plan {
            journal: Some(Arc::new(self.journal.clone())),
            access: Some(self.access.clone()),
            cluster: Some(ClusterParts { settings, leases, tail }),
            ..Plan::default()
        })
        .await;
        (server, line)
    }
}

fn owns(server: &Server) -> bool {
    server.edge.registry.is_owner(&VenueId::parse("clinic").unwrap())
}

/// Waits until exactly one of two owns the clinic; that one first.
async fn settled<'s>(one: &'s Server, other: &'s Server) -> (&'s Server, &'s Server) {
    eventually("one node owns the clinic", || async {
        match (owns(one), owns(other)) {
            (true, false) => Some((one, other)),
            (false, true) => Some((other, one)),
            _ => None,
        }
    })
    .await
}

/// Which of the two is to keep the clinic.
fn keeper() -> &'static str {
    let names = ["one", "other"];
    let nodes = names.map(|name| Node { name: name.to_owned(), address: String::new(), instance: String::new() });
    let keeper = preferred(&VenueId::parse("clinic").unwrap(), &nodes).unwrap();
    names.into_iter().find(|name| *name == keeper.name).unwrap()
}

/// Waits until the node owns the clinic that is to keep it; that one first. While nodes come, the other one may have it
/// for a moment.
async fn settled_for_good<'s>(one: &'s Server, other: &'s Server) -> (&'s Server, &'s Server) {
    let (owner, follower) = if keeper() == "one" { (one, other) } else { (other, one) };
    let settles = || async { (owns(owner) && !owns(follower)).then_some(()) };
    eventually("its keeper owns the clinic", settles).await;
    (owner, follower)
}

#[actix_web::test]
async fn a_node_that_does_not_own_a_venue_serves_it_all_the_same() {
    let installation = Installation::new();
    let ((one, _), (other, _)) = join(installation.node("one"), installation.node("other")).await;
    let (owner, follower) = settled_for_good(&one, &other).await;
    let mut board = follower.board().await;
    let clerk = follower.staff("clerk").await;
    let ticket = clerk.take("internal").await;
    assert!(ticket["number"].is_string(), "{ticket}");
    // Whoever wrote reads what they wrote, at the node they wrote at.
    let queue = clerk.queue().await;
    assert_eq!(queue["tickets"].as_array().unwrap().len(), 1);
    let mut phone = follower.phone(ticket["token"].as_str().unwrap()).await;
    assert_eq!(phone.next().await["state"], "waiting");
    let counter = queue["counters"][0]["id"].as_str().unwrap().to_owned();
    clerk.open(&counter).await;
    let called = clerk.call(&counter).await;
    assert_eq!(called["ticket"]["number"], ticket["number"]);
    // The same at both nodes, down to the count of changes.
    let there = owner.staff("clerk").await.queue().await;
    let here = clerk.queue().await;
    assert_eq!((&here["seq"], &here["tickets"]), (&there["seq"], &there["tickets"]));
    let frame = board.until("the call", |frame| frame["calls"].as_array().is_some_and(|calls| calls.len() == 1)).await;
    assert_eq!(frame["calls"][0]["number"], ticket["number"]);
    let card = phone.until("the call", |frame| frame["state"] == "called").await;
    assert_eq!(card["counter"]["id"], json!(counter));
    // A refusal comes back as itself, and a retry as the same answer.
    clerk.at("nowhere", "calls").await.refused(404, "counter_unknown");
    let first = clerk.post_with_key("venues/clinic/tickets", json!({ "service": "internal" }), "one-wish").await;
    let again = owner
        .staff("clerk")
        .await
        .post_with_key("venues/clinic/tickets", json!({ "service": "internal" }), "one-wish")
        .await;
    assert_eq!(first.expect(201)["number"], again.expect(201)["number"], "one wish, whichever node is asked");
}

#[actix_web::test]
async fn a_node_cut_off_stops_writing_and_another_takes_over_within_a_lease_and_a_second() {
    let installation = Installation::new();
    let ((one, line_of_one), (other, line_of_other)) = join(installation.node("one"), installation.node("other")).await;
    let (owner, follower) = settled(&one, &other).await;
    let line = if owner.base == one.base { &line_of_one } else { &line_of_other };
    let clerk = follower.staff("clerk").await;
    let before = clerk.take("internal").await;
    line.cut(true);
    let cut_at = Instant::now();
    let venue = VenueId::parse("clinic").unwrap();
    eventually("the follower takes over", || async { follower.edge.registry.is_owner(&venue).then_some(()) }).await;
    let after = clerk.take("internal").await;
    let took = cut_at.elapsed();
    assert!(took < LEASE + Duration::from_secs(1), "{took:?}");
    assert_ne!(before["number"], after["number"]);
    // The one cut off takes nothing in that the journal would refuse, and says so rather than guessing.
    let there = owner.staff("clerk").await;
    line.cut(false);
    eventually("the deposed owner follows", || async { (!owns(owner)).then_some(()) }).await;
    let numbers = there.take("internal").await;
    let queue = there.queue().await;
    assert_eq!(queue["tickets"].as_array().unwrap().len(), 3, "{numbers}");
    let numbers: std::collections::BTreeSet<_> =
        queue["tickets"].as_array().unwrap().iter().map(|row| row["number"].to_string()).collect();
    assert_eq!(numbers.len(), 3, "no number twice");
}

#[actix_web::test]
async fn a_node_that_is_cut_off_says_since_when() {
    let installation = Installation::new();
    let ((one, line_of_one), (other, line_of_other)) = join(installation.node("one"), installation.node("other")).await;
    let (owner, _) = settled(&one, &other).await;
    let line = if owner.base == one.base { &line_of_one } else { &line_of_other };
    let (mut board, mut console) = (owner.board().await, owner.console().await);
    line.cut(true);
    board.until("a board that says it is old", |frame| frame["paused_since"].is_string()).await;
    console.until("a console that says so", |frame| frame["paused_since"].is_string()).await;
    line.cut(false);
    board.until("a board that is not", |frame| frame["paused_since"].is_null()).await;
    let is_well = |frame: &serde_json::Value| frame["type"] == "console" && frame["paused_since"].is_null();
    console.until("a console that is not", is_well).await;
}

#[actix_web::test]
async fn a_node_that_stops_hands_over_and_no_request_fails() {
    let installation = Installation::new();
    let ((one, _), (other, _)) = join(installation.node("one"), installation.node("other")).await;
    let (owner, follower) = settled(&one, &other).await;
    let is_one = owner.base == one.base;
    let clerk = follower.staff("clerk").await;
    let (works, taken, slowest) = (Cell::new(true), Cell::new(0_u32), Cell::new(Duration::ZERO));
    let taking = async {
        while works.get() {
            let begun = Instant::now();
            clerk.take("internal").await;
            slowest.set(slowest.get().max(begun.elapsed()));
            taken.set(taken.get() + 1);
        }
    };
    let (going, staying) = if is_one { (one, other) } else { (other, one) };
    let stopping = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let before = taken.get();
        drop(going);
        eventually("the other node owns the clinic", || async { owns(&staying).then_some(()) }).await;
        eventually("it goes on", || async { (taken.get() > before + 20).then_some(()) }).await;
        works.set(false);
    };
    join(taking, stopping).await;
    let queue = clerk.queue().await;
    assert_eq!(queue["tickets"].as_array().unwrap().len(), usize::try_from(taken.get()).unwrap());
    // Timed on a busy machine: what a lease running out would have cost is far more.
    assert!(slowest.get() < LEASE / 2, "{:?}", slowest.get());
}

#[actix_web::test]
async fn whoever_writes_at_a_node_that_a_venue_leaves_reads_what_they_wrote() {
    let installation = Installation::new();
    let keeper = keeper();
    let first = installation.node(if keeper == "one" { "other" } else { "one" }).await.0;
    let clerk = first.staff("clerk").await;
    let taken = Cell::new(0);
    let write_and_read = async || {
        clerk.take("internal").await;
        taken.set(taken.get() + 1);
        let queue = clerk.queue().await;
        assert_eq!(queue["tickets"].as_array().unwrap().len(), taken.get());
    };
    write_and_read().await;
    assert!(owns(&first));
    let coming = async {
        let second = installation.node(keeper).await.0;
        eventually("the venue goes to its keeper", || async { (owns(&second) && !owns(&first)).then_some(()) }).await;
        second
    };
    let (moved, is_over) = (Cell::new(0), Cell::new(false));
    let writing = async {
        while !is_over.get() || taken.get() < moved.get() + 20 {
            write_and_read().await;
        }
    };
    let coming = async {
        let second = coming.await;
        moved.set(taken.get());
        is_over.set(true);
        second
    };
    let ((), _second) = join(writing, coming).await;
}

#[actix_web::test]
async fn one_node_writes_a_night_and_whoever_took_over_the_next() {
    let installation = Installation::new();
    let ((one, _), (other, _)) = join(installation.node("one"), installation.node("other")).await;
    let is_one = settled_for_good(&one, &other).await.0.base == one.base;
    let (going, staying) = if is_one { (one, other) } else { (other, one) };
    let folder = tempfile::tempdir().unwrap();
    let nightly = |server: &Server| {
        let journal = Arc::new(installation.journal.clone());
        let keeper = Keeper::new(journal, Store::in_folder(folder.path()), SnapshotSettings::default());
        let (registry, metrics) = (server.edge.registry.clone(), server.edge.metrics.clone());
        Nightly::new(Arc::new(keeper), registry, metrics, Nights::default())
    };
    let written = || std::fs::read_dir(folder.path().join("clinic")).map_or(0, |files| files.count() / 3);
    let another_day = async |server: &Server| {
        server.clock.set(server.clock.now() + Millis::from_mins(24 * 60));
        assert_eq!(server.staff("clerk").await.take("internal").await["number"], "A001");
    };
    another_day(&going).await;
    nightly(&staying).look_around().await;
    assert_eq!(written(), 0, "it is not this node's venue");
    let writes = async |server: &Server, nights: usize| {
        // As it does by itself, again and again.
        eventually("a snapshot and its two tables", || async {
            nightly(server).look_around().await;
            (written() == nights).then_some(())
        })
        .await;
    };
    writes(&going, 1).await;

    staying.clock.set(going.clock.now());
    drop(going);
    eventually("the other node owns the clinic", || async { owns(&staying).then_some(()) }).await;
    another_day(&staying).await;
    writes(&staying, 2).await;
}

#[actix_web::test]
async fn a_night_whose_writer_died_is_written_once_by_whoever_took_over() {
    let installation = Installation::new();
    let ((one, line_of_one), (other, line_of_other)) = join(installation.node("one"), installation.node("other")).await;
    let (dying, living) = settled_for_good(&one, &other).await;
    let line = if dying.base == one.base { &line_of_one } else { &line_of_other };
    dying.staff("clerk").await.take("internal").await;
    for server in [dying, living] {
        server.clock.set(server.clock.now() + Millis::from_mins(24 * 60));
    }
    // The day ends, and nobody hears of its writer any more.
    line.cut(true);
    eventually("the other node owns the clinic", || async { owns(living).then_some(()) }).await;
    assert_eq!(living.staff("clerk").await.take("internal").await["number"], "A001", "another day");
    let folder = tempfile::tempdir().unwrap();
    let nightly = |server: &Server| {
        let journal = Arc::new(installation.journal.clone());
        let keeper = Keeper::new(journal, Store::in_folder(folder.path()), SnapshotSettings::default());
        Nightly::new(Arc::new(keeper), server.edge.registry.clone(), server.edge.metrics.clone(), Nights::default())
    };
    eventually("the night is written", || async {
        let (mut there, mut here) = (nightly(dying), nightly(living));
        join(there.look_around(), here.look_around()).await;
        living.edge.metrics.render().contains("callnext_snapshot_nights_missing{venue=\"clinic\"} 0").then_some(())
    })
    .await;
    let files = std::fs::read_dir(folder.path().join("clinic")).unwrap();
    assert_eq!(files.count(), 3, "one snapshot and its two tables");
}

#[actix_web::test]
async fn what_is_not_signed_by_a_node_is_refused() {
    let installation = Installation::new();
    let (node, _) = installation.node("one").await;
    let stranger = node.anybody();
    let path = "/cluster/v1/venues/clinic/commands";
    stranger.post(path, json!({})).await.refused(403, "forbidden");
    node.admin().await.post(path, json!({})).await.refused(403, "forbidden");
    let alone = Server::of(venues::clinic()).await;
    alone.anybody().post(path, json!({})).await.refused(404, "not_found");
}
