//! The porter of a worker: a thread of its own that owns the lines of boards and phones and the hub that knows what
//! each is to be shown. Sessions (consoles, and whoever comes over TLS) are in the same hub; their frames go to actors.
//!
//! Whoever else has something for it leaves it in its inbox and wakes it. The inbox is bounded: publications are merged
//! (`Backlog`), and of everything else there is at most one for each connection.

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::frame_guard::FRAME_BYTES_MAX;
use super::line::{Code, Desk, Gone, Limits, LineKey, Lines, Message};
use super::socket::Out;
use super::watch::not_understood;
use super::write::ByName;
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::venues::{Audience, Backlog, Hub, Outlets, Publication, Sending, Subscriber, ViewerKey, Watch};
use crate::wire::ClientFrame;

/// What boards and phones may send: they have nothing to say but `resume`.
const LIMITS: Limits = Limits { message_bytes: FRAME_BYTES_MAX, parts: false };
/// Viewers that are sessions have names above all lines.
const SESSIONS: ViewerKey = 1 << 63;
/// Seconds between two looks at whether sessions heard something.
const SESSION_ROUNDS: u64 = 9;
/// A session that could take nothing for this long has stopped reading, and is let go.
const STALLED_MAX: Duration = Duration::from_secs(20);
/// What a line's kernel buffer may hold: a board that stops reading must not hold megabytes there.
const SEND_BUFFER_BYTES: usize = 64 * 1024;

/// Asks, in its own time, whether a viewer may still watch, and tells by [`Porter::refuse`] if not.
pub type AskPass = Arc<dyn Fn(ViewerKey) + Send + Sync>;

/// A viewer on its way in.
pub struct Join {
    /// What it watches.
    pub audience: Audience,
    /// What it was shown, or is to be shown first.
    pub seen: Arc<Publication>,
    /// Which of both.
    pub was_shown: bool,
    /// Its kind, for the metrics.
    pub kind: &'static str,
    /// What it may watch by; none where anybody may.
    pub pass: Option<AskPass>,
    /// That it watches, for whoever makes what it sees; none where that is made in any case.
    pub watch: Option<Watch>,
}

enum Note {
    Line(TcpStream, Bytes, Box<Join>),
    Session(Out, Box<Join>, oneshot::Sender<ViewerKey>),
    Leave(ViewerKey),
    Resend(ViewerKey),
    Refuse(ViewerKey),
    SendAway(usize),
    Stop,
}

#[derive(Default)]
struct Inbox {
    notes: Vec<Note>,
    backlog: Backlog,
}

/// A porter, from the outside.
#[derive(Clone)]
pub struct Porter(Arc<Shared>);

struct Shared {
    inbox: Mutex<Inbox>,
    wake: mio::Waker,
    /// Viewers that were not sent away yet.
    open: AtomicUsize,
}

/// The porters of a server: one for each worker.
#[derive(Clone)]
pub struct Porters {
    first: Porter,
    others: Arc<[Porter]>,
    next: Arc<AtomicUsize>,
}

impl Porters {
    /// Starts this many, and at least one.
    ///
    /// # Errors
    ///
    /// As [`Porter::start`].
    pub fn start(workers: usize, clock: &Clock, metrics: &Arc<Metrics>) -> std::io::Result<Self> {
        let start = || Porter::start(clock.clone(), metrics.clone());
        Ok(Self {
            first: start()?,
            others: (1..workers).map(|_| start()).collect::<Result<_, _>>()?,
            next: Arc::default(),
        })
    }

    /// Each worker's own, in turn.
    pub fn next(&self) -> Porter {
        let at = self.next.fetch_add(1, Ordering::Relaxed) % (self.others.len() + 1);
        at.checked_sub(1).and_then(|at| self.others.get(at)).unwrap_or(&self.first).clone()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Porter> {
        std::iter::once(&self.first).chain(self.others.iter())
    }
}

impl Porter {
    /// Starts a porter on a thread of its own.
    ///
    /// # Errors
    ///
    /// The machine has no descriptor or no thread left.
    pub fn start(clock: Clock, metrics: Arc<Metrics>) -> std::io::Result<Self> {
        let lines = Lines::new(LIMITS)?;
        let inbox = Mutex::new(Inbox::default());
        let shared = Arc::new(Shared { inbox, wake: lines.waker()?, open: AtomicUsize::new(0) });
        let round = Round {
            shared: shared.clone(),
            hub: Hub::default(),
            sessions: BTreeMap::new(),
            joined: BTreeMap::new(),
            next: SESSIONS,
            clock,
            metrics,
            sends_away: false,
            rounds: 0,
        };
        std::thread::Builder::new().name("porter".to_owned()).spawn(move || run(round, lines))?;
        Ok(Self(shared))
    }

    /// Takes over a connection whose handshake is done, with what the client sent right behind it.
    pub fn take_over(&self, stream: TcpStream, early: Bytes, join: Join) {
        self.note(Note::Line(stream, early, Box::new(join)));
    }

    /// Lets a session in; returns its name, to leave by.
    pub(super) async fn join(&self, out: Out, join: Join) -> Option<ViewerKey> {
        let (tell, told) = oneshot::channel();
        self.note(Note::Session(out, Box::new(join), tell));
        told.await.ok()
    }

    /// A session watches no longer.
    pub fn leave(&self, viewer: ViewerKey) {
        self.note(Note::Leave(viewer));
    }

    /// A viewer asks for the newest state again.
    pub fn resend(&self, viewer: ViewerKey) {
        self.note(Note::Resend(viewer));
    }

    /// A viewer may watch no longer.
    pub fn refuse(&self, viewer: ViewerKey) {
        self.note(Note::Refuse(viewer));
    }

    /// Tells up to so many viewers to come back elsewhere, and everybody who still comes.
    pub fn send_away(&self, most: usize) {
        self.note(Note::SendAway(most));
    }

    /// Viewers that were not sent away yet.
    pub fn open(&self) -> usize {
        self.0.open.load(Ordering::Relaxed)
    }

    /// Ends the thread, and every line with it.
    pub fn stop(&self) {
        self.note(Note::Stop);
    }

    fn note(&self, note: Note) {
        self.0.inbox().notes.push(note);
        self.0.wake();
    }
}

impl Subscriber for Porter {
    fn published(&self, publication: &Arc<Publication>) {
        self.0.inbox().backlog.add(publication);
        self.0.wake();
    }
}

impl Shared {
    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        if let Err(error) = self.wake.wake() {
            tracing::error!(%error, "a porter cannot be woken");
        }
    }
}

fn run(mut round: Round, mut lines: Lines) {
    loop {
        if let Err(error) = lines.turn(None, &mut round) {
            tracing::error!(%error, "a porter hears of no connection any more; the process has to be started again");
            return;
        }
        let Inbox { notes, mut backlog } = std::mem::take(&mut *round.shared.inbox());
        for note in notes {
            if !round.take(note, &mut lines) {
                return;
            }
        }
        for pending in backlog.take() {
            let Round { hub, sessions, shared, .. } = &mut round;
            let mut newest = || shared.inbox().backlog.newest(&pending.latest.venue);
            hub.publish(&pending, &mut newest, &mut Paths { lines: &mut lines, sessions });
        }
    }
}

/// What a porter has in hand.
struct Round {
    shared: Arc<Shared>,
    hub: Hub,
    sessions: BTreeMap<ViewerKey, Session>,
    joined: BTreeMap<ViewerKey, Joined>,
    next: ViewerKey,
    clock: Clock,
    metrics: Arc<Metrics>,
    sends_away: bool,
    rounds: u64,
}

struct Joined {
    kind: &'static str,
    pass: Option<AskPass>,
    // For as long as it is joined.
    _watch: Option<Watch>,
}

struct Session {
    out: Out,
    /// Since when it could take nothing.
    behind_since: Option<Instant>,
}

/// The ways to a viewer.
struct Paths<'a> {
    lines: &'a mut Lines,
    sessions: &'a mut BTreeMap<ViewerKey, Session>,
}

impl Outlets for Paths<'_> {
    fn send(&mut self, viewer: ViewerKey, frame: Sending<'_>) -> bool {
        match (line_of(viewer), frame) {
            (Some(line), Sending::Shared(frame)) => self.lines.send(line, frame.whole()),
            (Some(line), Sending::Own(draft)) => self.lines.send_own(line, draft.whole()),
            (None, frame) => {
                let text = match frame {
                    Sending::Shared(frame) => frame.text(),
                    Sending::Own(draft) => draft.text(),
                };
                let Some(session) = self.sessions.get_mut(&viewer) else { return true };
                let is_taken = session.out.send(text);
                session.behind_since =
                    if is_taken { None } else { session.behind_since.or_else(|| Some(Instant::now())) };
                is_taken
            }
        }
    }
}

/// The line of a viewer, if it is not a session.
fn line_of(viewer: ViewerKey) -> Option<LineKey> {
    LineKey::try_from(viewer).ok().filter(|_| viewer < SESSIONS)
}

fn viewer_of(line: LineKey) -> ViewerKey {
    line as ViewerKey
}

impl Round {
    /// Does what a note says; false if that is to stop.
    fn take(&mut self, note: Note, lines: &mut Lines) -> bool {
        match note {
            Note::Line(stream, early, join) => self.line(stream, &early, *join, lines),
            Note::Session(out, join, tell) => {
                self.next += 1;
                let key = self.next;
                self.sessions.insert(key, Session { out, behind_since: None });
                self.join(key, *join, lines);
                if tell.send(key).is_err() {
                    self.leave(key);
                }
            }
            Note::Leave(key) => self.leave(key),
            Note::Resend(key) => self.hub.show(key, &mut Paths { lines, sessions: &mut self.sessions }),
            Note::Refuse(key) => self.close(key, Code::Policy, lines),
            Note::SendAway(most) => {
                self.sends_away = true;
                let away: Vec<ViewerKey> = self.joined.keys().copied().take(most).collect();
                away.into_iter().for_each(|key| self.close(key, Code::Restart, lines));
            }
            Note::Stop => return false,
        }
        true
    }

    fn line(&mut self, stream: TcpStream, early: &[u8], join: Join, lines: &mut Lines) {
        if let Err(error) = socket2::SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER_BYTES) {
            tracing::debug!(%error, "a line keeps the system's own buffer");
        }
        let line = match lines.add(stream) {
            Ok(line) => line,
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be taken over");
                return;
            }
        };
        let key = viewer_of(line);
        self.join(key, join, lines);
        if !early.is_empty() {
            lines.take_in(line, early, self);
        }
    }

    fn join(&mut self, key: ViewerKey, join: Join, lines: &mut Lines) {
        let Join { audience, seen, was_shown, kind, pass, watch } = join;
        self.metrics.viewer_came(kind);
        self.shared.open.fetch_add(1, Ordering::Relaxed);
        self.joined.insert(key, Joined { kind, pass, _watch: watch });
        self.hub.join(key, audience, &seen, was_shown, &mut Paths { lines, sessions: &mut self.sessions });
        if self.sends_away {
            self.close(key, Code::Restart, lines);
        }
    }

    fn leave(&mut self, key: ViewerKey) {
        self.sessions.remove(&key);
        self.hub.leave(key);
        if let Some(joined) = self.joined.remove(&key) {
            self.metrics.viewer_left(joined.kind);
            self.shared.open.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn ask_pass(&self, key: ViewerKey) {
        if let Some(pass) = self.joined.get(&key).and_then(|joined| joined.pass.as_ref()) {
            pass(key);
        }
    }

    fn close(&mut self, key: ViewerKey, code: Code, lines: &mut Lines) {
        match line_of(key) {
            Some(line) => lines.close(line, code, "come back"),
            None => {
                if let Some(session) = self.sessions.get(&key) {
                    session.out.close(code);
                }
            }
        }
        self.leave(key);
    }
}

impl Desk for Round {
    fn heard(&mut self, lines: &mut Lines, line: LineKey, message: Message) {
        let Message::Text(text) = message else { return lines.close(line, Code::Unsupported, "text only") };
        if let Ok(ByName(ClientFrame::Resume { .. })) = serde_json::from_str(&text) {
            self.hub.show(viewer_of(line), &mut Paths { lines, sessions: &mut self.sessions });
        } else {
            lines.send(line, not_understood(&self.clock).whole());
            lines.close(line, Code::Policy, "not understood");
        }
    }

    fn drained(&mut self, lines: &mut Lines, line: LineKey) {
        self.hub.show(viewer_of(line), &mut Paths { lines, sessions: &mut self.sessions });
    }

    fn went_on(&mut self, lines: &mut Lines, line: LineKey) {
        let key = viewer_of(line);
        self.ask_pass(key);
        self.hub.went_on(key, &mut Paths { lines, sessions: &mut self.sessions });
    }

    fn round(&mut self, lines: &mut Lines) {
        let now = Instant::now();
        self.rounds += 1;
        let sign = self.rounds.is_multiple_of(SESSION_ROUNDS);
        let sessions = self.sessions.iter().map(|(key, session)| (*key, session.behind_since)).collect::<Vec<_>>();
        for (key, behind_since) in sessions {
            if behind_since.is_some_and(|since| now.duration_since(since) > STALLED_MAX) {
                self.metrics.stalled_viewer();
                self.close(key, Code::Again, lines);
            } else if behind_since.is_some() {
                self.hub.show(key, &mut Paths { lines, sessions: &mut self.sessions });
            } else if sign {
                self.ask_pass(key);
                self.hub.went_on(key, &mut Paths { lines, sessions: &mut self.sessions });
            }
        }
    }

    fn gone(&mut self, line: LineKey, why: Gone) {
        if why == Gone::Stalled {
            self.metrics.stalled_viewer();
        }
        self.leave(viewer_of(line));
    }
}
