//! Many sockets, each with its checker, on a thread of their own: what they do must not slow the player down.
//!
//! A client lives until it is told the truth: what was really called, or what the server says of its ticket. It then
//! waits until what it has seen agrees, for at most [`SETTLE_MAX`], and ends. A client whose connection ends before
//! that is not replaced: it is a violation.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use callnext::wire::{BoardFrame, Card, CardFrame};
use serde::de::DeserializeOwned;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::check::{BoardCheck, PhoneCheck, Violation, Violations, silence};
use super::socket::{Address, Socket, SocketError};

/// What is on its way when the day is over may still come, for so long.
const SETTLE_MAX: Duration = Duration::from_secs(10);
/// So much of a frame that cannot be read is shown.
const EXCERPT_CHARS: usize = 120;

/// The crowd could not be gathered.
#[derive(Debug, thiserror::Error)]
pub enum CrowdError {
    /// No thread for it, or no runtime.
    #[error("no thread for the sockets: {0}")]
    Thread(#[from] std::io::Error),
    /// The thread is gone.
    #[error("the thread of the sockets is gone")]
    Gone,
}

/// What one client saw.
#[derive(Debug, Clone)]
pub struct Report {
    /// Which one.
    pub who: Who,
    /// Frames it got.
    pub frames: u64,
    /// Calls it saw, for boards.
    pub calls: usize,
    /// What must not have happened.
    pub violations: Violations,
}

/// A client of the crowd.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// A screen, by its place among them.
    Board(usize),
    /// A phone, by the number of its ticket.
    Phone(String),
}

enum Client {
    Board { at: usize, path: String, open: oneshot::Sender<()>, truth: oneshot::Receiver<Arc<BTreeMap<u64, u32>>> },
    Phone { number: String, token: String, truth: oneshot::Receiver<Card> },
}

/// The crowd, from the outside.
pub struct Crowd {
    add: mpsc::UnboundedSender<Client>,
    thread: JoinHandle<Vec<Report>>,
}

impl Crowd {
    /// Gathers an empty crowd before a server.
    ///
    /// # Errors
    ///
    /// The machine gives no thread.
    pub fn gather(server: Address) -> Result<Self, CrowdError> {
        let (add, added) = mpsc::unbounded_channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new()
            .name("crowd".to_owned())
            .spawn(move || runtime.block_on(keep(server, added)))?;
        Ok(Self { add, thread })
    }

    /// Adds a screen. It is ready once the receiver hears of it; the sender takes all calls that were made.
    pub fn board(&self, at: usize, venue: &str) -> (oneshot::Receiver<()>, oneshot::Sender<Arc<BTreeMap<u64, u32>>>) {
        let (open, is_open) = oneshot::channel();
        let (tell, truth) = oneshot::channel();
        let path = format!("/ws/v1/venues/{venue}/board");
        let _ = self.add.send(Client::Board { at, path, open, truth });
        (is_open, tell)
    }

    /// Adds a phone. The sender takes what the server says of the ticket in the end.
    pub fn phone(&self, number: String, token: String) -> oneshot::Sender<Card> {
        let (tell, truth) = oneshot::channel();
        let _ = self.add.send(Client::Phone { number, token, truth });
        tell
    }

    /// Waits until every client has heard the truth and ended.
    ///
    /// # Errors
    ///
    /// The crowd's thread died.
    pub fn disperse(self) -> Result<Vec<Report>, CrowdError> {
        drop(self.add);
        self.thread.join().map_err(|_| CrowdError::Gone)
    }
}

async fn keep(server: Address, mut added: mpsc::UnboundedReceiver<Client>) -> Vec<Report> {
    let mut clients = JoinSet::new();
    let server = Arc::new(server);
    while let Some(client) = added.recv().await {
        let server = Arc::clone(&server);
        match client {
            Client::Board { at, path, open, truth } => {
                clients.spawn(async move { board(&server, at, &path, open, truth).await });
            }
            Client::Phone { number, token, truth } => {
                clients.spawn(async move { phone(&server, number, &token, truth).await });
            }
        }
    }
    clients.join_all().await
}

async fn board(
    server: &Address,
    at: usize,
    path: &str,
    open: oneshot::Sender<()>,
    truth: oneshot::Receiver<Arc<BTreeMap<u64, u32>>>,
) -> Report {
    let mut check = BoardCheck::default();
    follow(server, path, &mut check, Some(open), truth).await;
    Report { who: Who::Board(at), frames: check.frames, calls: check.calls(), violations: check.violations }
}

async fn phone(server: &Address, number: String, token: &str, truth: oneshot::Receiver<Card>) -> Report {
    let mut check = PhoneCheck::new(number.clone());
    follow(server, &format!("/ws/v1/tickets/{token}"), &mut check, None, truth).await;
    Report { who: Who::Phone(number), frames: check.frames, calls: 0, violations: check.violations }
}

/// A checker, as a connection needs it.
trait Checker {
    type Frame: DeserializeOwned;
    type Truth;
    fn frame(&mut self, frame: Self::Frame);
    fn violation(&mut self, violation: Violation);
    /// What does not agree with the truth yet.
    fn against(&self, truth: &Self::Truth) -> Vec<Violation>;
}

impl Checker for BoardCheck {
    type Frame = BoardFrame;
    type Truth = Arc<BTreeMap<u64, u32>>;

    fn frame(&mut self, frame: BoardFrame) {
        self.frame(&frame);
    }

    fn violation(&mut self, violation: Violation) {
        self.violations.add(violation);
    }

    fn against(&self, made: &Self::Truth) -> Vec<Violation> {
        self.missing(made).map(|(call, recalls)| Violation::CallMissing { call, recalls }).collect()
    }
}

impl Checker for PhoneCheck {
    type Frame = CardFrame;
    type Truth = Card;

    fn frame(&mut self, frame: CardFrame) {
        self.frame(frame);
    }

    fn violation(&mut self, violation: Violation) {
        self.violations.add(violation);
    }

    fn against(&self, card: &Card) -> Vec<Violation> {
        self.differs(card).into_iter().collect()
    }
}

/// One connection, from its opening until what was seen agrees with the truth, or the time for that is over.
async fn follow<C: Checker>(
    server: &Address,
    path: &str,
    check: &mut C,
    mut opened: Option<oneshot::Sender<()>>,
    mut truth: oneshot::Receiver<C::Truth>,
) {
    let mut socket = match Socket::open(server, path, None).await {
        Ok(socket) => socket,
        Err(error) => return check.violation(Violation::Ended { reason: error.to_string() }),
    };
    let mut heard = Instant::now();
    let truth = loop {
        tokio::select! {
            text = socket.next() => {
                if !take(check, text, &mut heard) {
                    return;
                }
                if let Some(opened) = opened.take() {
                    // Whoever waited for it may have given up.
                    let _ = opened.send(());
                }
            }
            told = &mut truth => match told {
                Ok(truth) => break truth,
                // The run was given up: there is nothing to compare with.
                Err(_) => return socket.close().await,
            },
        }
    };
    let settled = Instant::now() + SETTLE_MAX;
    while !check.against(&truth).is_empty() {
        let Ok(text) = timeout_at(settled, socket.next()).await else { break };
        if !take(check, text, &mut heard) {
            break;
        }
    }
    if let Some(violation) = silence(heard.elapsed()) {
        check.violation(violation);
    }
    check.against(&truth).into_iter().for_each(|violation| check.violation(violation));
    socket.close().await;
}

/// Takes in what a socket gave. False if it gave its end.
fn take<C: Checker>(check: &mut C, text: Result<Utf8Bytes, SocketError>, heard: &mut Instant) -> bool {
    if let Some(violation) = silence(heard.elapsed()) {
        check.violation(violation);
    }
    *heard = Instant::now();
    match text.map(|text| serde_json::from_str(&text).map_err(|error| format!("{error}: {}", excerpt(&text)))) {
        Ok(Ok(frame)) => check.frame(frame),
        Ok(Err(reason)) => check.violation(Violation::Unreadable { reason }),
        Err(error) => {
            check.violation(Violation::Ended { reason: error.to_string() });
            return false;
        }
    }
    true
}

fn excerpt(text: &str) -> String {
    text.chars().take(EXCERPT_CHARS).collect()
}
