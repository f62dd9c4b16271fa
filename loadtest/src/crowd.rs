//! Many sockets, each with its checker, on a thread of their own: what they do must not slow the player down.
//!
//! A client lives until it is told the truth: what was really called, or what the server says of its ticket. It then
//! waits until what it has seen agrees, for at most [`SETTLE_MAX`], and ends. A connection that ends before that is a
//! violation, unless the crowd was told to heal: then it is opened again, as a page would, and must be right again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use callnext::replay::client::jitter;
use callnext::wire::{BoardFrame, Card, CardFrame};
use serde::de::DeserializeOwned;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::check::{BoardCheck, PhoneCheck, Violation, Violations, silence};
use super::socket::{Address, Socket};

/// What is on its way when the day is over may still come, for so long.
const SETTLE_MAX: Duration = Duration::from_secs(10);
/// A client that heals comes back within this, at a moment of its own.
const RETURN_WITHIN: Duration = Duration::from_secs(1);
/// A client that heals gives up when it could not come back for so long.
const RETURN_MAX: Duration = Duration::from_secs(120);
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
    /// Calls it could not be told any more after an absence, for boards.
    pub excused: usize,
    /// How often it had to come back.
    pub returns: u64,
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
    /// Gathers an empty crowd before a server. One that heals bears that connections end.
    ///
    /// # Errors
    ///
    /// The machine gives no thread.
    pub fn gather(server: Address, heals: bool) -> Result<Self, CrowdError> {
        let (add, added) = mpsc::unbounded_channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new()
            .name("crowd".to_owned())
            .spawn(move || runtime.block_on(keep(Door { server, heals }, added)))?;
        Ok(Self { add, thread })
    }

    /// Adds a screen. It is ready once the receiver hears of it; the sender takes all calls that were made.
    pub fn board(&self, at: usize, venue: &str) -> (oneshot::Receiver<()>, oneshot::Sender<Arc<BTreeMap<u64, u32>>>) {
        let (open, is_open) = oneshot::channel();
        let (tell, truth) = oneshot::channel();
        let path = format!("/ws/v1/venues/{venue}/board");
        // A crowd that died says so when it disperses.
        drop(self.add.send(Client::Board { at, path, open, truth }));
        (is_open, tell)
    }

    /// Adds a phone. The sender takes what the server says of the ticket in the end.
    pub fn phone(&self, number: String, token: String) -> oneshot::Sender<Card> {
        let (tell, truth) = oneshot::channel();
        drop(self.add.send(Client::Phone { number, token, truth }));
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

/// Where clients go in, and whether they may come again.
struct Door {
    server: Address,
    heals: bool,
}

async fn keep(door: Door, mut added: mpsc::UnboundedReceiver<Client>) -> Vec<Report> {
    let mut clients = JoinSet::new();
    let door = Arc::new(door);
    while let Some(client) = added.recv().await {
        let door = Arc::clone(&door);
        match client {
            Client::Board { at, path, open, truth } => {
                clients.spawn(async move { board(&door, at, &path, open, truth).await });
            }
            Client::Phone { number, token, truth } => {
                clients.spawn(async move { phone(&door, number, &token, truth).await });
            }
        }
    }
    clients.join_all().await
}

async fn board(
    door: &Door,
    at: usize,
    path: &str,
    open: oneshot::Sender<()>,
    truth: oneshot::Receiver<Arc<BTreeMap<u64, u32>>>,
) -> Report {
    let mut check = BoardCheck::default();
    let returns = follow(door, path, &mut check, Some(open), truth).await;
    let (calls, excused) = (check.calls(), check.excused());
    Report { who: Who::Board(at), frames: check.frames, calls, excused, returns, violations: check.violations }
}

async fn phone(door: &Door, number: String, token: &str, truth: oneshot::Receiver<Card>) -> Report {
    let mut check = PhoneCheck::new(number.clone());
    let returns = follow(door, &format!("/ws/v1/tickets/{token}"), &mut check, None, truth).await;
    Report {
        who: Who::Phone(number),
        frames: check.frames,
        calls: 0,
        excused: 0,
        returns,
        violations: check.violations,
    }
}

/// A checker, as a connection needs it.
trait Checker {
    type Frame: DeserializeOwned;
    type Truth;
    fn frame(&mut self, frame: Self::Frame);
    fn violation(&mut self, violation: Violation);
    /// The connection ended, and will be opened again.
    fn went_away(&mut self);
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

    fn went_away(&mut self) {
        self.went_away();
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

    /// A card is complete: what happened meanwhile is on the next one.
    fn went_away(&mut self) {}

    fn against(&self, card: &Card) -> Vec<Violation> {
        self.differs(card).into_iter().collect()
    }
}

/// One client, from its coming until what it saw agrees with the truth, or the time for that is over. Tells how often
/// it had to come back.
async fn follow<C: Checker>(
    door: &Door,
    path: &str,
    check: &mut C,
    mut opened: Option<oneshot::Sender<()>>,
    mut truth: oneshot::Receiver<C::Truth>,
) -> u64 {
    let mut line = Line { door, path, socket: None, heard: Instant::now(), returns: 0 };
    let truth = loop {
        tokio::select! {
            taken = line.take(check) => {
                if !taken {
                    return line.returns;
                }
                if let Some(opened) = opened.take() {
                    // Whoever waited for it may have given up.
                    let _gone = opened.send(());
                }
            }
            told = &mut truth => match told {
                Ok(truth) => break truth,
                // The run was given up: there is nothing to compare with.
                Err(_) => return line.returns,
            },
        }
    };
    let settled = Instant::now() + SETTLE_MAX;
    while !check.against(&truth).is_empty() {
        if !timeout_at(settled, line.take(check)).await.unwrap_or(false) {
            break;
        }
    }
    if let Some(violation) = silence(line.heard.elapsed()) {
        check.violation(violation);
    }
    check.against(&truth).into_iter().for_each(|violation| check.violation(violation));
    if let Some(socket) = line.socket {
        socket.close().await;
    }
    line.returns
}

/// A client's connection, or the lack of one.
struct Line<'a> {
    door: &'a Door,
    path: &'a str,
    socket: Option<Socket>,
    heard: Instant,
    returns: u64,
}

impl Line<'_> {
    /// Takes in the next frame, opening the connection first where there is none. False if no frame will come.
    ///
    /// May be dropped at any time: the connection stays where it is.
    async fn take<C: Checker>(&mut self, check: &mut C) -> bool {
        loop {
            let text = match &mut self.socket {
                Some(socket) => socket.next().await,
                None => match Socket::open(&self.door.server, self.path, None).await {
                    Ok(socket) => {
                        self.socket = Some(socket);
                        continue;
                    }
                    Err(error) => Err(error),
                },
            };
            match text {
                Ok(text) => {
                    if let Some(violation) = silence(self.heard.elapsed()) {
                        check.violation(violation);
                    }
                    self.heard = Instant::now();
                    match serde_json::from_str(&text) {
                        Ok(frame) => check.frame(frame),
                        Err(error) => {
                            let reason = format!("{error}: {}", excerpt(&text));
                            check.violation(Violation::Unreadable { reason });
                        }
                    }
                    return true;
                }
                Err(error) if !self.may_return() => {
                    check.violation(Violation::Ended { reason: error.to_string() });
                    return false;
                }
                Err(_) => {
                    if self.socket.take().is_some() {
                        self.returns += 1;
                        check.went_away();
                    }
                    tokio::time::sleep(jitter(RETURN_WITHIN)).await;
                }
            }
        }
    }

    /// Whether a connection that ended, or did not begin, may be tried again.
    fn may_return(&self) -> bool {
        self.door.heals && self.heard.elapsed() < RETURN_MAX
    }
}

fn excerpt(text: &str) -> String {
    text.chars().take(EXCERPT_CHARS).collect()
}
