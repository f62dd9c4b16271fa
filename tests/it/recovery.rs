//! The server is killed, breaks, and cannot save; and goes on as if nothing had been.
//!
//! `scripts/kills` runs the killing for longer. `CALLNEXT_KILLS` is the number of kills, `CALLNEXT_SEED` the chance.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use callnext::journal::Epoch;
use callnext::journal::{Journal, JournalError, MemoryJournal, Mirror, Opened};
use callnext_engine::{Change, Seq, VenueId};
use futures_util::future::{BoxFuture, join_all};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::harness::copy::Copy;
use crate::harness::process::Process;
use crate::harness::server::Plan;
use crate::harness::socket::{Said, stands};
use crate::harness::{Caller, Chance, Server, eventually, venues};
use crate::set_up::{administrator, settings};

const COUNTERS: usize = 4;
const KIOSKS: usize = 3;

// ---- kill -9 ----------------------------------------------------------------------------------------------------

/// What the people outside know for certain.
#[derive(Default)]
struct Known {
    /// Tickets whose number was told, with number and link.
    tickets: BTreeMap<u64, (String, String)>,
    /// Which ticket each call was told to be.
    calls: BTreeMap<u64, (u64, String)>,
    /// Wishes without an answer: they are sent again.
    open: Vec<Wish>,
}

#[derive(Clone)]
struct Wish {
    path: String,
    key: String,
}

impl Known {
    /// Notes an answer, and finds what cannot be.
    fn note(&mut self, wish: &Wish, answer: &Value) {
        if let Some(number) = answer["number"].as_str() {
            let (id, token) = (answer["id"].as_u64().unwrap(), answer["token"].as_str().unwrap());
            let told = (number.to_owned(), token.to_owned());
            let before = self.tickets.insert(id, told.clone());
            assert!(before.is_none_or(|before| before == told), "ticket {id} has another number now: {number}");
        }
        if wish.path.ends_with("/calls") && !answer["ticket"].is_null() {
            let (call, ticket) = (answer["call"].as_u64().unwrap(), answer["ticket"]["id"].as_u64().unwrap());
            let told = (ticket, answer["ticket"]["counter"].as_str().unwrap_or_default().to_owned());
            let before = self.calls.insert(call, told.clone());
            assert!(before.is_none_or(|before| before.0 == told.0), "call {call} was told to two: {told:?}");
        }
    }
}

struct Hall {
    base: Rc<RefCell<String>>,
    token: String,
    known: RefCell<Known>,
    /// Whether people go on.
    works: Cell<bool>,
    answered: Cell<u64>,
}

impl Hall {
    fn caller(&self) -> Caller {
        Caller::new(&self.base.borrow(), Some(self.token.clone()))
    }

    /// Sends a wish; without an answer it stays open.
    async fn wish(&self, caller: &Caller, wish: Wish) -> bool {
        let body = if wish.path.ends_with("/tickets") { json!({ "service": "all" }) } else { json!({}) };
        let body = Some(("application/json", body.to_string().into_bytes()));
        let path = format!("/api/v1/{}", wish.path);
        let answer = caller.send(&awc::http::Method::POST, &path, Some(&wish.key), body).await;
        let Ok(answer) = answer else {
            self.known.borrow_mut().open.push(wish);
            return false;
        };
        // Somebody may just have been completed, or nobody was there: then there is nothing to know.
        if answer.status < 300 {
            self.known.borrow_mut().note(&wish, &answer.json());
            self.answered.set(self.answered.get() + 1);
        } else {
            assert_eq!(answer.status, 409, "{answer}");
        }
        true
    }

    async fn kiosk(&self) {
        let caller = self.caller();
        while self.works.get()
            && self.wish(&caller, Wish { path: "venues/clinic/tickets".to_owned(), key: caller.key() }).await
        {}
    }

    async fn clerk(&self, counter: usize) {
        let caller = self.caller();
        let wish = |what: &str| Wish { path: format!("venues/clinic/counters/c{counter}/{what}"), key: caller.key() };
        while self.works.get() {
            for what in ["calls", "recalls", "starts", "completions"] {
                if !self.wish(&caller, wish(what)).await {
                    return;
                }
            }
        }
    }
}

/// Somebody who stays: comes back whenever the line is cut, and keeps what they were last shown.
struct Stayer {
    shown: Rc<RefCell<Value>>,
    copy: Rc<RefCell<Copy>>,
    task: JoinHandle<()>,
}

impl Drop for Stayer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Stayer {
    fn at(hall: &Rc<Hall>, path: &str) -> Self {
        let (shown, copy) = (Rc::new(RefCell::new(Value::Null)), Rc::new(RefCell::new(Copy::default())));
        let (hall, path, showing, copying) = (hall.clone(), path.to_owned(), shown.clone(), copy.clone());
        let is_console = path.ends_with("console");
        let task = tokio::task::spawn_local(async move {
            let mut last: Option<(String, u64)> = None;
            loop {
                let Ok(mut socket) = hall.caller().try_socket(&path).await else {
                    // It is away; another look in a moment.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                };
                while let Said::Frame(frame) = socket.hear().await {
                    let (epoch, seq) = stands(&frame);
                    if let Some((known, before)) = &last {
                        let (new, old): (u64, u64) = (epoch.parse().unwrap(), known.parse().unwrap());
                        assert!(new > old || (new == old && seq >= *before), "from {old}/{before} to {new}/{seq}");
                    }
                    last = Some((epoch, seq));
                    if is_console {
                        let fits = copying.borrow_mut().hear(&frame);
                        if !fits {
                            let (epoch, seq) = (copying.borrow().epoch.clone(), copying.borrow().seq);
                            socket.resume(&epoch, seq).await;
                        }
                    }
                    *showing.borrow_mut() = frame;
                    socket.seen.clear();
                }
            }
        });
        Self { shown, copy, task }
    }

    /// Waits until it shows what there is.
    async fn converges(&self, what: &str, truth: &Value) {
        eventually(what, || async {
            assert!(!self.task.is_finished(), "{what}: it was shown what cannot be");
            let shown = self.shown.borrow();
            (stands(truth) == (shown["epoch"].as_str()?.to_owned(), shown["seq"].as_u64()?)).then_some(())
        })
        .await;
    }
}

/// Looks at everything after a restart.
async fn examine(hall: &Rc<Hall>, board: &Stayer, console: &Stayer) {
    let caller = hall.caller();
    // Whoever got no answer asks again, and gets one.
    let open = std::mem::take(&mut hall.known.borrow_mut().open);
    for wish in open {
        assert!(hall.wish(&caller, wish).await, "an answer at last");
    }
    let (tickets, calls) = (hall.known.borrow().tickets.clone(), hall.known.borrow().calls.clone());
    let numbers: BTreeSet<&String> = tickets.values().map(|(number, _)| number).collect();
    assert_eq!(numbers.len(), tickets.len(), "no number was given twice");
    // Every wish was answered in the end: the numbers told are all there are, without a gap.
    let expected: BTreeSet<String> = (1..=tickets.len()).map(|n| format!("W{n:03}")).collect();
    assert_eq!(numbers.into_iter().cloned().collect::<BTreeSet<_>>(), expected);
    let mut called = BTreeSet::new();
    for (call, (ticket, _)) in &calls {
        assert!(called.insert(ticket), "call {call}: ticket {ticket} was called twice");
    }
    let queue = caller.queue().await;
    let mut at = BTreeSet::new();
    for row in queue["counters"].as_array().unwrap() {
        if let Some(ticket) = row["current"].as_u64() {
            assert!(at.insert(ticket), "ticket {ticket} is at two counters");
        }
    }
    let waiting: BTreeSet<u64> =
        queue["services"][0]["order"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap()).collect();
    for (ticket, (number, token)) in &tickets {
        let card = caller.get(&format!("tickets/{token}")).await.expect(200);
        assert_eq!(card["number"], *number, "ticket {ticket}");
        let state = card["state"].as_str().unwrap();
        assert_eq!(waiting.contains(ticket), ["waiting", "ready"].contains(&state), "ticket {ticket} is {state}");
        let is_called = called.contains(ticket);
        assert!(is_called != waiting.contains(ticket), "ticket {ticket} is {state}, called: {is_called}");
    }
    board.converges("the board", &queue).await;
    console.converges("the console", &queue).await;
    assert_eq!(console.copy.borrow().differences(&Copy::of(&queue)), Vec::<String>::new());
    let fresh = caller.socket("/ws/v1/venues/clinic/board").await.next().await;
    for field in ["services", "calls", "ready", "missed"] {
        assert_eq!(board.shown.borrow()[field], fresh[field], "the board's {field}");
    }
}

/// A number of the environment.
pub fn number_from(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{variable}: {text}")))
}

#[actix_web::test]
async fn killed_at_any_moment_nothing_that_was_told_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let file = settings(folder.path());
    kill_while_people_work(&file, &folder.path().join("data"), number_from("CALLNEXT_KILLS", 6)).await;
}

/// Kills the server of these settings so often, and looks after each time whether all that was told still holds.
pub async fn kill_while_people_work(file: &Path, data: &Path, kills: u64) {
    let seed = number_from("CALLNEXT_SEED", u64::from(std::process::id()));
    println!("seed {seed}, {kills} kills");
    let mut chance = Chance::new(seed);
    let mut server = Process::serve(file, data);
    let admin = administrator(&server).await;
    let hall = Rc::new(Hall {
        base: Rc::new(RefCell::new(server.base.clone())),
        token: admin.token.clone().unwrap(),
        known: RefCell::default(),
        works: Cell::new(false),
        answered: Cell::new(0),
    });
    for counter in 1..=COUNTERS {
        admin.open(&format!("c{counter}")).await;
    }
    let board = Stayer::at(&hall, "/ws/v1/venues/clinic/board");
    let console = Stayer::at(&hall, "/ws/v1/venues/clinic/console");
    let first = admin.take("all").await;
    hall.known.borrow_mut().tickets.insert(1, ("W001".to_owned(), first["token"].as_str().unwrap().to_owned()));
    let phone = Stayer::at(&hall, &format!("/ws/v1/tickets/{}", first["token"].as_str().unwrap()));
    for kill in 1..=kills {
        hall.works.set(true);
        let before = hall.answered.get();
        let people = async {
            let kiosks = join_all((0..KIOSKS).map(|_| hall.kiosk()));
            let clerks = join_all((1..=COUNTERS).map(|counter| hall.clerk(counter)));
            futures_util::future::join(kiosks, clerks).await;
        };
        // So many answers in, and a few moments on: in the middle of something.
        let (enough, moments) = (before + 1 + chance.below(120), chance.below(4_000));
        let blow = async {
            eventually("some work is done", || async { (hall.answered.get() >= enough).then_some(()) }).await;
            tokio::time::sleep(Duration::from_micros(moments)).await;
            server.kill();
            hall.works.set(false);
        };
        futures_util::future::join(people, blow).await;
        let open = hall.known.borrow().open.len();
        server = Process::serve(file, data);
        hall.base.replace(server.base.clone());
        examine(&hall, &board, &console).await;
        let card = hall.caller().get(&format!("tickets/{}", first["token"].as_str().unwrap())).await.expect(200);
        eventually("the phone shows the card", || async {
            assert!(!phone.task.is_finished(), "the phone was shown what cannot be");
            let shown = phone.shown.borrow();
            // A phone is told when its own card changes, so it may stand further back.
            let timeless = |card: &Value| {
                let mut card = card.clone();
                card.as_object_mut()?.retain(|field, _| !["at", "seq"].contains(&field.as_str()));
                Some(card)
            };
            (timeless(&shown) == timeless(&card)).then_some(())
        })
        .await;
        println!(
            "kill {kill} of {kills}: passed after {} answers, {open} wishes cut off",
            hall.answered.get() - before
        );
    }
    assert!(hall.answered.get() > kills, "the test itself has done something");
}

// ---- a venue that breaks, a journal that fails --------------------------------------------------------------------

/// A journal that panics or fails when it is told to.
#[derive(Clone, Default)]
struct Fragile {
    inner: MemoryJournal,
    panics: Arc<AtomicU32>,
    panics_later: Arc<AtomicU32>,
    opened: Arc<AtomicU32>,
}

/// Takes one from a number of times that is left.
fn is_due(left: &AtomicU32) -> bool {
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

impl Journal for Fragile {
    fn claim(&self, venue: &VenueId, known: Epoch) -> BoxFuture<'static, Result<Epoch, JournalError>> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        self.inner.claim(venue, known)
    }

    fn load(&self, venue: &VenueId) -> BoxFuture<'static, Result<Opened, JournalError>> {
        self.inner.load(venue)
    }

    fn keep(
        &self,
        venue: &VenueId,
        epoch: Epoch,
        changes: Arc<[Change]>,
        mirror: Option<Mirror>,
    ) -> BoxFuture<'static, Result<(), JournalError>> {
        assert!(!is_due(&self.panics), "told to panic before it is written");
        let (append, later) = (self.inner.keep(venue, epoch, changes, mirror), self.panics_later.clone());
        Box::pin(async move {
            append.await?;
            assert!(!is_due(&later), "told to panic after it is written");
            Ok(())
        })
    }

    fn prune(&self, venue: &VenueId, before: Seq) -> BoxFuture<'static, Result<(), JournalError>> {
        self.inner.prune(venue, before)
    }

    fn days(&self, venue: &VenueId) -> BoxFuture<'static, Result<Vec<Seq>, JournalError>> {
        self.inner.days(venue)
    }

    fn read(&self, venue: &VenueId, after: Seq, limit: usize) -> BoxFuture<'static, Result<Vec<Change>, JournalError>> {
        self.inner.read(venue, after, limit)
    }

    fn ready(&self) -> BoxFuture<'static, Result<(), JournalError>> {
        self.inner.ready()
    }
}

async fn fragile() -> (Server, Fragile) {
    let journal = Fragile::default();
    let plan = Plan { venues: vec![venues::clinic()], journal: Some(Arc::new(journal.clone())), ..Plan::default() };
    (Server::start_with(plan).await, journal)
}

#[actix_web::test]
async fn a_venue_that_panics_is_rebuilt_and_the_very_command_is_answered() {
    let (server, journal) = fragile().await;
    let (kiosk, clerk) = (server.kiosk().await, server.staff("clerk").await);
    let (mut board, mut console) = (server.board().await, server.console().await);
    let waits = kiosk.take("internal").await;
    let mut phone = server.phone(waits["token"].as_str().unwrap()).await;
    let epoch = stands(&board.until("the first", |frame| frame["services"][0]["waiting"] == 1).await).0;
    for (panics, number) in [(&journal.panics, "A002"), (&journal.panics_later, "A003")] {
        let opened = journal.opened.load(Ordering::SeqCst);
        panics.store(1, Ordering::SeqCst);
        let issued = kiosk.take("internal").await;
        assert_eq!(issued["number"], number, "once, whether or not it was written before");
        assert_eq!(journal.opened.load(Ordering::SeqCst), opened + 1, "the venue was opened again");
    }
    clerk.open("r1").await;
    let called = clerk.call("r1").await;
    assert_eq!(called["ticket"]["number"], "A001");
    // Everybody who looked on is shown the same, by the new owner.
    let queue = clerk.queue().await;
    assert_ne!(queue["epoch"], *epoch);
    let is_newest = |frame: &Value| stands(frame) == stands(&queue);
    assert_eq!(board.until("the newest", is_newest).await["services"][0]["waiting"], 2);
    let mut copy = Copy::default();
    console.until("the newest", is_newest).await;
    for frame in &console.seen {
        assert!(copy.hear(frame) || frame["type"] == "change");
    }
    assert_eq!(copy.differences(&Copy::of(&queue)), Vec::<String>::new());
    phone.until("called", |card| card["state"] == "called").await;
    // A console that missed something of the old owner's gets everything.
    console.resume(&epoch, 1).await;
    assert_eq!(console.until("everything", |frame| frame["type"] == "console").await["epoch"], queue["epoch"]);
}

#[actix_web::test]
async fn a_visit_that_ended_while_the_venue_broke_is_shown_as_ended() {
    let (server, journal) = fragile().await;
    let kiosk = server.kiosk().await;
    let issued = kiosk.take("internal").await;
    let token = issued["token"].as_str().unwrap();
    let mut phone = server.phone(token).await;
    phone.next().await;
    // It is written, and the venue breaks before anybody is shown.
    journal.panics_later.store(1, Ordering::SeqCst);
    let card = server.anybody().post(&format!("tickets/{token}/cancellations"), json!({})).await.expect(200);
    assert_eq!(card["state"], "cancelled");
    phone.until("left", |card| card["state"] == "cancelled").await;
}

#[actix_web::test]
async fn a_command_that_breaks_the_venue_every_time_is_given_up() {
    let (server, journal) = fragile().await;
    let kiosk = server.kiosk().await;
    journal.panics.store(2, Ordering::SeqCst);
    kiosk.post("venues/clinic/tickets", json!({ "service": "internal" })).await.refused(500, "internal_error");
    assert_eq!(journal.panics.load(Ordering::SeqCst), 0, "it was tried twice and no more");
    assert_eq!(kiosk.take("internal").await["number"], "A001");
    // Without a key nobody knows whether it was done: it is not tried again.
    journal.panics.store(1, Ordering::SeqCst);
    let body = Some(("application/json", b"{\"service\":\"internal\"}".to_vec()));
    let answer = kiosk.send(&awc::http::Method::POST, "/api/v1/venues/clinic/tickets", None, body).await.unwrap();
    answer.refused(500, "internal_error");
    assert_eq!(kiosk.take("internal").await["number"], "A002");
}

#[actix_web::test]
async fn what_cannot_be_saved_is_not_shown_and_can_be_asked_again() {
    let (server, journal) = fragile().await;
    let (kiosk, clerk) = (server.kiosk().await, server.staff("clerk").await);
    let mut board = server.board().await;
    board.next().await;
    let take = async || kiosk.post_with_key("venues/clinic/tickets", json!({ "service": "internal" }), "one").await;
    journal.inner.fail_next(2);
    for _ in 0..2 {
        let answer = take().await;
        answer.refused(503, "service_unavailable");
        assert!(answer.header("retry-after").parse::<u32>().unwrap() > 0);
        assert_eq!(clerk.queue().await["tickets"], json!([]), "nothing is shown");
    }
    assert_eq!(take().await.expect(201)["number"], "A001", "no number was lost to it");
    board.until("the number", |frame| frame["services"][0]["waiting"] == 1).await;
    for frame in &board.seen {
        assert!(frame["services"][0]["waiting"].as_u64() < Some(2));
    }
}

#[actix_web::test]
async fn nothing_is_told_before_it_is_saved() {
    let (server, journal) = fragile().await;
    let (kiosk, nurse) = (server.kiosk().await, server.staff("nurse").await);
    let bookings = json!([{ "code": "K1", "service": "internal", "slot": "09:00" }]);
    nurse.put("venues/clinic/appointments", bookings).await.expect(200);
    let mut board = server.board().await;
    board.next().await;
    let hold = journal.inner.hold();
    let check_in = async |key: &str| kiosk.post_with_key("venues/clinic/check-ins", json!({ "code": "K1" }), key).await;
    let first = check_in("first");
    let second = async {
        hold.reached(1).await;
        let refused = check_in("second");
        let look = async {
            // While it is on its way to the disk nobody knows of it, not even whoever is refused because of it.
            for _ in 0..5 {
                assert_eq!(nurse.queue().await["tickets"], json!([]));
            }
            drop(hold);
        };
        let (refused, ()) = futures_util::future::join(refused, look).await;
        refused.refused(409, "already_checked_in");
    };
    let (first, ()) = futures_util::future::join(first, second).await;
    assert_eq!(first.expect(201)["number"], "A001");
    board.until("the number", |frame| frame["services"][0]["waiting"] == 1).await;
    // The journal fails: who was refused on the strength of it is told to come back instead.
    journal.inner.fail_next(1);
    let hold = journal.inner.hold();
    let cancel = async |key: &str| {
        nurse.post_with_key("venues/clinic/tickets/1/cancellations", json!({ "reason": "r" }), key).await
    };
    let second = async {
        hold.reached(1).await;
        let refused = cancel("d");
        let look = async {
            nurse.queue().await;
            drop(hold);
        };
        futures_util::future::join(refused, look).await.0
    };
    let (first, second) = futures_util::future::join(cancel("c"), second).await;
    first.refused(503, "service_unavailable");
    assert!([200, 503].contains(&second.status), "not refused for what never was: {second}");
    assert!([200, 409].contains(&cancel("d").await.status));
    assert!(nurse.queue().await["tickets"].as_array().unwrap().is_empty());
}

#[actix_web::test]
async fn a_server_goes_on_where_another_one_stopped() {
    let server = Server::start().await;
    let (kiosk, clerk) = (server.kiosk().await, server.staff("clerk").await);
    let issued = kiosk.take("internal").await;
    clerk.open("r1").await;
    let before = clerk.queue().await;
    let folder = server.stop();
    let server = Server::start_with(Plan { folder: Some(folder), ..Plan::default() }).await;
    let (clerk, kiosk) = (clerk.moved_to(&server.base), kiosk.moved_to(&server.base));
    let after = clerk.queue().await;
    assert_ne!(after["epoch"], before["epoch"]);
    let mut here = Copy::of(&after);
    here.epoch = before["epoch"].as_str().unwrap().to_owned();
    assert_eq!(here.differences(&Copy::of(&before)), Vec::<String>::new());
    assert_eq!(clerk.call("r1").await["ticket"]["id"], issued["id"]);
    assert_eq!(kiosk.take("internal").await["number"], "A002");
    // The links of before still open their tickets.
    let card = server.anybody().get(&format!("tickets/{}", issued["token"].as_str().unwrap())).await.expect(200);
    assert_eq!(card["state"], "called");
}
