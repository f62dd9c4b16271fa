//! People at every node: they take numbers, call, and watch the wall, and write down what they were told.
//!
//! A wish has a key and is sent again, at another node, until it is answered: whatever the first node made of it, it
//! happens once.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use callnext::wire::BoardFrame;
use serde_json::{Value, json};

use super::history::{Called, Taken, Told};
use super::nodes::{COUNTERS, NAMES, Nodes, VENUE};
use crate::check::BoardCheck;
use crate::instant::now_ns;
use crate::socket::{Address, Socket};

/// How long somebody waits for an answer before they ask at the next node.
const ANSWER_MAX: Duration = Duration::from_millis(2_500);
/// Pause before a wish is sent again.
const AGAIN: Duration = Duration::from_millis(40);
/// Pause between one number and the next of the same person.
const TAKE_PAUSE: Duration = Duration::from_millis(60);
/// Pause between two calls of a counter.
const CALL_PAUSE: Duration = Duration::from_millis(45);
/// A wish that is sent for so long is never answered.
const WISH_MAX: Duration = Duration::from_secs(45);
/// How many take numbers.
const TAKERS: usize = 6;

/// Everybody, and what they were told.
pub(super) struct People {
    nodes: Rc<Nodes>,
    pub(super) told: RefCell<Told>,
    /// Wishes that are under way.
    busy: Cell<usize>,
    works: Cell<bool>,
    is_over: Cell<bool>,
    keys: Cell<u64>,
    /// When somebody was last answered, and the longest time since the one before.
    answered_at: Cell<u64>,
    silence: Cell<u64>,
}

impl People {
    /// Lets them come; they work while they are told to.
    pub(super) fn come(nodes: Rc<Nodes>) -> Rc<Self> {
        let people = Rc::new(Self {
            nodes,
            told: RefCell::default(),
            busy: Cell::new(0),
            works: Cell::new(false),
            is_over: Cell::new(false),
            keys: Cell::new(0),
            answered_at: Cell::new(now_ns()),
            silence: Cell::new(0),
        });
        for taker in 0..TAKERS {
            actix::spawn(people.clone().take_numbers(taker));
        }
        for (home, counter) in COUNTERS.iter().enumerate() {
            actix::spawn(people.clone().call(home, counter));
        }
        for node in 0..people.nodes.count() {
            actix::spawn(people.clone().watch(node));
        }
        people
    }

    /// Lets them work, or rest.
    pub(super) fn work(&self, works: bool) {
        self.works.set(works);
        if works {
            self.silence.set(0);
            self.answered_at.set(now_ns());
        }
    }

    /// Sends everybody home: they leave as soon as they notice.
    pub(super) fn go_home(&self) {
        self.is_over.set(true);
    }

    /// Whether nobody waits for an answer.
    pub(super) fn is_at_rest(&self) -> bool {
        self.busy.get() == 0
    }

    /// The longest time in which nobody was answered, nanoseconds.
    pub(super) fn silence(&self) -> u64 {
        self.silence.get()
    }

    /// How many answers there were.
    pub(super) fn answers(&self) -> usize {
        let told = self.told.borrow();
        told.taken.len() + told.called.len()
    }

    async fn take_numbers(self: Rc<Self>, home: usize) {
        while !self.is_over.get() {
            tokio::time::sleep(TAKE_PAUSE).await;
            if !self.works.get() {
                continue;
            }
            let asked = now_ns();
            let path = format!("venues/{VENUE}/tickets");
            if let Some((key, answer)) = self.wish(home, &path, json!({ "service": "all" })).await {
                let number = text(&answer, "/number").unwrap_or_default();
                let ticket = count(&answer, "/id").unwrap_or_default();
                let answered = now_ns();
                self.told.borrow_mut().taken.push(Taken { key, number, ticket, asked, answered });
            }
        }
    }

    async fn call(self: Rc<Self>, home: usize, counter: &str) {
        while !self.is_over.get() {
            tokio::time::sleep(CALL_PAUSE).await;
            if !self.works.get() {
                continue;
            }
            let path = format!("venues/{VENUE}/counters/{counter}/calls");
            if let Some((key, answer)) = self.wish(home, &path, json!({})).await {
                let (ticket, call) = (count(&answer, "/ticket/id"), count(&answer, "/call"));
                self.told.borrow_mut().called.push(Called { key, counter: counter.to_owned(), ticket, call });
            }
        }
    }

    /// Sends a wish until it is answered.
    async fn wish(&self, home: usize, path: &str, body: Value) -> Option<(String, Value)> {
        self.busy.set(self.busy.get() + 1);
        self.keys.set(self.keys.get() + 1);
        let key = format!("chaos-{}", self.keys.get());
        let answer = self.send_until_answered(home, path, &body, &key).await;
        self.busy.set(self.busy.get() - 1);
        answer.map(|answer| (key, answer))
    }

    async fn send_until_answered(&self, home: usize, path: &str, body: &Value, key: &str) -> Option<Value> {
        // A connection of its own for each wish: what one wish left behind on it is no other's affair.
        let client = awc::Client::builder().timeout(ANSWER_MAX).disable_redirects().finish();
        let begun = now_ns();
        let mut node = home;
        while u128::from(now_ns() - begun) < WISH_MAX.as_nanos() {
            let mut request = client.post(format!("{}/api/v1/{path}", self.nodes.base(node)));
            if let Some(token) = &*self.nodes.token.borrow() {
                request = request.bearer_auth(token);
            }
            let sent = request.insert_header(("Idempotency-Key", key)).send_json(body).await;
            if let Ok(mut answer) = sent {
                let status = answer.status().as_u16();
                let said = answer.json::<Value>().await;
                match (status, said) {
                    (200 | 201, Ok(said)) => {
                        let now = now_ns();
                        self.silence.set(self.silence.get().max(now - self.answered_at.replace(now)));
                        return Some(said);
                    }
                    // Come back later; or the answer broke off on the way.
                    (503, _) | (200 | 201, Err(_)) => {}
                    (status, said) => {
                        let what = format!(
                            "{key} to {path} at {}: {status} {}",
                            node % self.nodes.count(),
                            said.unwrap_or_default()
                        );
                        self.told.borrow_mut().strange.push(what);
                        return None;
                    }
                }
            }
            node += 1;
            tokio::time::sleep(AGAIN).await;
        }
        self.told.borrow_mut().strange.push(format!("{key} to {path} was never answered"));
        None
    }

    /// Watches the wall at one node, coming back whenever it loses it.
    async fn watch(self: Rc<Self>, node: usize) {
        let mut check = BoardCheck::default();
        let Ok(address) = Address::parse(&self.nodes.base(node)) else { return };
        while !self.is_over.get() {
            if let Ok(mut socket) = Socket::open(&address, &format!("/ws/v1/venues/{VENUE}/board"), None).await {
                while !self.is_over.get()
                    && let Ok(text) = socket.next().await
                {
                    let before = check.violations.count;
                    match serde_json::from_str::<BoardFrame>(&text) {
                        Ok(frame) => check.frame(&frame),
                        Err(error) => self.told.borrow_mut().strange.push(format!("board at {node}: {error}")),
                    }
                    if check.violations.count > before {
                        let last = check.violations.first.last().map(ToString::to_string).unwrap_or_default();
                        let what = format!("board at {}: {last}", NAMES.get(node).copied().unwrap_or_default());
                        self.told.borrow_mut().strange.push(what);
                    }
                }
            }
            check.went_away();
            tokio::time::sleep(AGAIN).await;
        }
    }
}

fn text(answer: &Value, at: &str) -> Option<String> {
    answer.pointer(at)?.as_str().map(ToOwned::to_owned)
}

fn count(answer: &Value, at: &str) -> Option<u64> {
    answer.pointer(at)?.as_u64()
}
