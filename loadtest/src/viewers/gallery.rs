//! The loop of a process of viewers.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::io::{BufRead as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use callnext::replay::client::jitter;
use hdrhistogram::Histogram;
use mio::{Events, Interest, Poll, Token, Waker};

use super::eye::{Eye, Phase, Took};
use super::sight::{Reader, Sight, card, place};
use super::{Ask, By, Kind, Standing, Tally, Tell, Viewers};
use crate::instant::{NS_PER_MS, NS_PER_S, now_ns};

const WAKER: Token = Token(usize::MAX);
const EVENTS: usize = 4_096;
const READ_BYTES: usize = 64 * 1024;
/// Connections that are being made at one time when nobody asked for a rate: fewer than any listener's backlog.
const CONNECTING_MAX: usize = 256;
/// A viewer that lost its connection comes back within this for the first time.
const RETURN_FIRST: Duration = Duration::from_secs(1);
/// And never sooner than this after it tried before; each time within twice as long.
const RETURN_LEAST: Duration = Duration::from_secs(1);
/// No pause is longer.
const RETURN_MAX: Duration = Duration::from_secs(4);
/// Violations that are told in words.
const TOLD_MAX: usize = 8;
/// Latencies are kept to three digits, up to a minute.
const LATENCY_MAX_NS: u64 = 60 * NS_PER_S;

/// Runs a gallery on standard input and output, until the input ends.
///
/// # Errors
///
/// The machine gives no descriptors, or nobody listens any more.
pub fn run() -> std::io::Result<()> {
    let poll = Poll::new()?;
    let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
    let (send, asked) = channel();
    std::thread::Builder::new().name("asked".to_owned()).spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let Ok(ask) = serde_json::from_str::<Ask>(&line) else { break };
            if send.send(ask).is_err() || waker.wake().is_err() {
                return;
            }
        }
        drop(send);
        drop(waker.wake());
    })?;
    Gallery::new(poll, asked)?.run()
}

struct Path {
    server: SocketAddr,
    host: String,
    target: String,
    kind: Kind,
    churns: bool,
    reader: Reader,
}

struct Opening {
    eyes: usize,
    /// All before this one had seen something when that was last looked at.
    seen: usize,
    begun_ns: u64,
}

struct Waiting {
    by: By,
    sent: Vec<(u64, u64)>,
    viewers: usize,
    until_ns: u64,
}

#[derive(Default)]
struct Arrivals {
    seqs: BTreeMap<u64, Vec<u64>>,
    calls: BTreeMap<u64, Vec<u64>>,
}

impl Arrivals {
    fn by(&mut self, by: By) -> &mut BTreeMap<u64, Vec<u64>> {
        match by {
            By::Seq => &mut self.seqs,
            By::Call => &mut self.calls,
        }
    }
}

struct Churn {
    path: usize,
    every_ns: u64,
    due_ns: u64,
    free: Vec<usize>,
}

struct Gallery {
    poll: Poll,
    asked: Receiver<Ask>,
    paths: Vec<Path>,
    eyes: Vec<Eye>,
    /// Who is to connect when.
    due: BinaryHeap<Reverse<(u64, usize)>>,
    /// Who is to connect as soon as there is room.
    queue: VecDeque<usize>,
    connecting: usize,
    opening: Option<Opening>,
    waiting: Option<Waiting>,
    churn: Option<Churn>,
    /// When each publication reached viewers, since the last tally.
    arrivals: Arrivals,
    frame_bytes: u64,
    churn_ns: Histogram<u64>,
    standing: Standing,
    bytes: Vec<u8>,
    kicks: usize,
    /// Frames that had come at the last tally.
    frames_told: u64,
}

fn histogram() -> std::io::Result<Histogram<u64>> {
    Histogram::new_with_max(LATENCY_MAX_NS, 3).map_err(std::io::Error::other)
}

impl Gallery {
    fn new(poll: Poll, asked: Receiver<Ask>) -> std::io::Result<Self> {
        Ok(Self {
            poll,
            asked,
            paths: Vec::new(),
            eyes: Vec::new(),
            due: BinaryHeap::new(),
            queue: VecDeque::new(),
            connecting: 0,
            opening: None,
            waiting: None,
            churn: None,
            arrivals: Arrivals::default(),
            frame_bytes: 0,
            churn_ns: histogram()?,
            standing: Standing::default(),
            bytes: vec![0; READ_BYTES],
            kicks: 0,
            frames_told: 0,
        })
    }

    fn run(mut self) -> std::io::Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        loop {
            let wait = self.next_due().map(|due| Duration::from_nanos(due.saturating_sub(now_ns())));
            match self.poll.poll(&mut events, wait) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                other => other?,
            }
            for event in &events {
                match event.token() {
                    WAKER => {}
                    Token(number) => self.stir(number),
                }
            }
            loop {
                match self.asked.try_recv() {
                    Ok(ask) => self.ask(ask)?,
                    Err(std::sync::mpsc::TryRecvError::Empty) => break,
                    Err(std::sync::mpsc::TryRecvError::Disconnected) => return Ok(()),
                }
            }
            self.connect_due();
            self.tell_opened()?;
            self.tell_tally()?;
        }
    }

    fn next_due(&self) -> Option<u64> {
        let connect = self.due.peek().map(|Reverse((at, _))| *at);
        let tally = self.waiting.as_ref().map(|waiting| waiting.until_ns);
        let churn = self.churn.as_ref().map(|churn| churn.due_ns);
        let due = [connect, tally, churn].into_iter().flatten().min();
        if self.queue.is_empty() || self.connecting >= CONNECTING_MAX { due } else { Some(0) }
    }

    fn ask(&mut self, ask: Ask) -> std::io::Result<()> {
        match ask {
            Ask::Open { server, viewers, per_s } => self.open(server, viewers, per_s),
            Ask::Tally { by, sent, wait_ms } => {
                let viewers = (0..self.eyes.len()).filter(|number| self.counts(*number)).count();
                self.waiting = Some(Waiting { by, sent, viewers, until_ns: now_ns() + wait_ms * NS_PER_MS });
            }
            Ask::Churn { server, path, per_s } => self.set_churn(server, path, per_s),
            Ask::Kick { count } => self.kick(count),
            Ask::Look => {
                let standing = self.look();
                tell(&Tell::Standing(standing))?;
            }
        }
        Ok(())
    }

    fn open(&mut self, server: SocketAddr, viewers: Vec<Viewers>, per_s: Option<f64>) {
        let begun_ns = now_ns();
        let first = self.eyes.len();
        for Viewers { paths, times, kind } in viewers {
            for path in paths {
                let at = self.paths.len();
                self.paths.push(Path {
                    server,
                    host: server.to_string(),
                    target: path,
                    kind,
                    churns: false,
                    reader: Reader::default(),
                });
                self.eyes.extend((0..times).map(|_| Eye::new(at)));
            }
        }
        for (nth, number) in (first..self.eyes.len()).enumerate() {
            match per_s {
                // A schedule made beforehand: a server that is slow does not slow its viewers down.
                Some(per_s) => self.due.push(Reverse((begun_ns + after(nth, per_s), number))),
                None => self.queue.push_back(number),
            }
        }
        self.opening = Some(Opening { eyes: self.eyes.len() - first, seen: 0, begun_ns });
    }

    fn set_churn(&mut self, server: SocketAddr, path: String, per_s: f64) {
        if per_s <= 0.0 {
            self.churn = None;
            return;
        }
        let at = self.paths.len();
        let host = server.to_string();
        self.paths.push(Path {
            server,
            host,
            target: path,
            kind: Kind::Board,
            churns: true,
            reader: Reader::default(),
        });
        self.churn = Some(Churn { path: at, every_ns: after(1, per_s), due_ns: now_ns(), free: Vec::new() });
    }

    fn kick(&mut self, count: usize) {
        let is_open = |number: &usize| self.eyes.get(*number).is_some_and(|eye| eye.phase == Phase::Open);
        let open: Vec<usize> = (0..self.eyes.len()).filter(|number| self.counts(*number) && is_open(number)).collect();
        // Every so many, beginning anywhere: all of them come to it in time.
        let step = (open.len() / count.max(1)).max(1);
        let first = self.kicks % step;
        self.kicks += 1;
        for number in open.into_iter().skip(first).step_by(step).take(count) {
            self.lose(number);
        }
    }

    /// Whether a viewer is one of those that should be open and current.
    fn counts(&self, number: usize) -> bool {
        let path = self.eyes.get(number).and_then(|eye| self.paths.get(eye.path));
        path.is_some_and(|path| path.kind != Kind::Deaf && !path.churns)
    }

    fn connect_due(&mut self) {
        let now = now_ns();
        if let Some(churn) = &mut self.churn {
            let mut begins = Vec::new();
            while churn.due_ns <= now {
                begins.push((churn.free.pop(), churn.due_ns));
                churn.due_ns += churn.every_ns;
            }
            let path = churn.path;
            for (free, due_ns) in begins {
                let number = free.unwrap_or_else(|| {
                    self.eyes.push(Eye::new(path));
                    self.eyes.len() - 1
                });
                if let Some(eye) = self.eyes.get_mut(number) {
                    // From when it was due, not from when this loop got to it.
                    eye.opened_at = due_ns;
                }
                self.connect(number);
            }
        }
        while let Some(Reverse((at, number))) = self.due.peek().copied() {
            if at > now {
                break;
            }
            self.due.pop();
            self.connect(number);
        }
        while self.connecting < CONNECTING_MAX {
            let Some(number) = self.queue.pop_front() else { break };
            self.connect(number);
        }
    }

    fn connect(&mut self, number: usize) {
        let Some(eye) = self.eyes.get_mut(number) else { return };
        let Some(path) = self.paths.get(eye.path) else { return };
        if eye.phase != Phase::Away {
            return;
        }
        let now = now_ns();
        if eye.tries == 0 {
            eye.first_try_at = now;
            eye.tries_in_first_s = 0;
        }
        eye.tries += 1;
        if now - eye.first_try_at < NS_PER_S {
            eye.tries_in_first_s += 1;
            self.standing.attempts_in_first_s_max = self.standing.attempts_in_first_s_max.max(eye.tries_in_first_s);
        }
        let interests =
            if path.kind == Kind::Deaf { Interest::WRITABLE } else { Interest::READABLE | Interest::WRITABLE };
        let begun = eye.connect(number, path.server, path.kind == Kind::Deaf);
        let begun = begun.and_then(|stream| self.poll.registry().register(stream, Token(number), interests));
        match begun {
            Ok(()) => self.connecting += 1,
            Err(_) => self.lose(number),
        }
    }

    /// Something happened on a viewer's connection.
    fn stir(&mut self, number: usize) {
        let Some(eye) = self.eyes.get_mut(number) else { return };
        let Some(path) = self.paths.get_mut(eye.path) else { return };
        if eye.phase == Phase::Connecting {
            if !eye.ask(&path.host, &path.target) {
                self.connecting -= 1;
                return self.lose(number);
            }
            if path.kind == Kind::Deaf && eye.phase == Phase::Asking {
                self.connecting -= 1;
                eye.fresh = true;
                eye.phase = Phase::Open;
            }
        }
        if path.kind == Kind::Deaf || eye.phase == Phase::Connecting {
            return;
        }
        let was_asking = eye.phase == Phase::Asking;
        let now = now_ns();
        let (arrivals, standing) = (&mut self.arrivals, &mut self.standing);
        let frame_bytes = &mut self.frame_bytes;
        let took = eye.read(&mut self.bytes, |eye, content| {
            standing.frames += 1;
            *frame_bytes = content.len() as u64;
            let sight = match path.kind {
                Kind::Phone => {
                    eye.last.clear();
                    eye.last.extend_from_slice(content);
                    Ok(place(content))
                }
                Kind::Board | Kind::Deaf => path.reader.board(content),
            };
            match sight {
                Ok(sight) => see(eye, sight, now, arrivals, standing, path.target.contains('?')),
                Err(reason) => violation(standing, format!("a frame that cannot be read: {reason}")),
            }
        });
        if was_asking && !matches!(eye.phase, Phase::Asking) {
            self.connecting = self.connecting.saturating_sub(1);
        }
        if path.churns && eye.fresh {
            // It has seen what it came for.
            self.churn_ns.saturating_record(now - eye.opened_at);
            eye.cut();
            eye.seen = Sight::default();
            eye.newest_call = 0;
            eye.tries = 0;
            if let Some(churn) = &mut self.churn {
                churn.free.push(number);
            }
            return;
        }
        match took {
            Took::All => {}
            Took::Shed(after) => {
                self.connecting = self.connecting.saturating_sub(usize::from(was_asking));
                self.standing.shed += 1;
                self.come_back(number, after);
            }
            Took::Ended => {
                if was_asking && eye.phase == Phase::Asking {
                    self.connecting = self.connecting.saturating_sub(1);
                }
                self.lose(number);
            }
        }
    }

    /// A connection is gone, or was never there.
    fn lose(&mut self, number: usize) {
        let Some(eye) = self.eyes.get_mut(number) else { return };
        if eye.phase == Phase::Open {
            self.standing.returns += 1;
            eye.left_at = now_ns();
            eye.was_away = true;
            eye.tries = 0;
        }
        let tries = eye.tries;
        let pause = if tries == 0 {
            jitter(RETURN_FIRST)
        } else {
            let most = RETURN_LEAST.saturating_mul(1 << tries.min(4)).min(RETURN_MAX);
            RETURN_LEAST + jitter(most.saturating_sub(RETURN_LEAST))
        };
        self.come_back(number, pause);
    }

    fn come_back(&mut self, number: usize, pause: Duration) {
        let Some(eye) = self.eyes.get_mut(number) else { return };
        eye.cut();
        let path = self.paths.get(eye.path);
        if path.is_some_and(|path| path.churns) {
            if let Some(churn) = &mut self.churn {
                churn.free.push(number);
            }
            return;
        }
        if path.is_some_and(|path| path.kind == Kind::Deaf) && eye.opened_at > 0 {
            return;
        }
        // Told to wait: everybody who is told so must not come at the same moment.
        let pause = pause + jitter(pause / 2);
        let at = now_ns() + u64::try_from(pause.as_nanos()).unwrap_or(u64::MAX);
        self.due.push(Reverse((at, number)));
    }

    fn tell_opened(&mut self) -> std::io::Result<()> {
        let Some(opening) = &mut self.opening else { return Ok(()) };
        let eyes = self.eyes.get(self.eyes.len().saturating_sub(opening.eyes)..).unwrap_or_default();
        // Looked at after every event: each is counted once, and all of them again at the end.
        opening.seen += eyes.iter().skip(opening.seen).take_while(|eye| eye.fresh).count();
        if opening.seen == eyes.len() && eyes.iter().all(|eye| eye.fresh) {
            let took_ns = now_ns() - opening.begun_ns;
            self.opening = None;
            tell(&Tell::Opened { took_ns })?;
        }
        Ok(())
    }

    fn tell_tally(&mut self) -> std::io::Result<()> {
        let Some(waiting) = &self.waiting else { return Ok(()) };
        let now = now_ns();
        let (by, viewers) = (waiting.by, waiting.viewers);
        let last = waiting.sent.last().map(|(number, _)| *number).unwrap_or_default();
        let there = self.arrivals.by(by).get(&last).map_or(0, Vec::len);
        if there < viewers && now < waiting.until_ns {
            return Ok(());
        }
        let arrivals = std::mem::take(self.arrivals.by(by));
        let sent = std::mem::take(&mut self.waiting).map(|waiting| waiting.sent).unwrap_or_default();
        let mut all = histogram()?;
        let mut tally =
            Tally { expected: (sent.len() * viewers) as u64, frame_bytes: self.frame_bytes, ..Tally::default() };
        for (seq, sent_at) in sent {
            let mut came = arrivals.get(&seq).cloned().unwrap_or_default();
            came.sort_unstable();
            tally.delivered += came.len() as u64;
            for at in &came {
                all.saturating_record(at.saturating_sub(sent_at));
            }
            if came.len() == viewers
                && let (Some(first), Some(last)) = (came.first(), came.last())
            {
                tally.first_ns.push(first.saturating_sub(sent_at));
                tally.last_ns.push(last.saturating_sub(sent_at));
            }
        }
        tally.frames = self.standing.frames - std::mem::replace(&mut self.frames_told, self.standing.frames);
        tally.p50_ns = all.value_at_quantile(0.5);
        tally.p90_ns = all.value_at_quantile(0.9);
        tally.p99_ns = all.value_at_quantile(0.99);
        tally.max_ns = all.max();
        tell(&Tell::Tally(tally))
    }

    fn look(&mut self) -> Standing {
        let mut standing = self.standing.clone();
        let newest = (0..self.eyes.len())
            .filter(|number| self.counts(*number))
            .filter_map(|number| self.eyes.get(number))
            .map(|eye| (eye.seen.epoch, eye.seen.seq))
            .max()
            .unwrap_or_default();
        standing.newest = newest.1;
        standing.behind_most = u64::MAX;
        for number in 0..self.eyes.len() {
            let counts = self.counts(number);
            let Some(eye) = self.eyes.get(number) else { continue };
            let path = self.paths.get(eye.path);
            if !counts {
                continue;
            }
            standing.wanted += 1;
            standing.open += u64::from(eye.phase == Phase::Open && eye.fresh);
            standing.behind_most = standing.behind_most.min(eye.seen.seq);
            standing.current += u64::from((eye.seen.epoch, eye.seen.seq) == newest && eye.fresh);
            if path.is_some_and(|path| path.kind == Kind::Phone)
                && eye.fresh
                && let Err(reason) = card(&eye.last)
            {
                violation(&mut standing, format!("a card that cannot be read: {reason}"));
            }
        }
        standing.churn_p50_ns = self.churn_ns.value_at_quantile(0.5);
        standing.churn_p99_ns = self.churn_ns.value_at_quantile(0.99);
        standing.churned = self.churn_ns.len();
        self.churn_ns.reset();
        standing
    }
}

/// Takes in where a viewer stands now, and notes what must not be.
fn see(eye: &mut Eye, sight: Sight, now: u64, arrivals: &mut Arrivals, standing: &mut Standing, is_filtered: bool) {
    let before = std::mem::replace(&mut eye.seen, sight);
    if (sight.epoch, sight.seq) < (before.epoch, before.seq) {
        let (from, to) = ((before.epoch, before.seq), (sight.epoch, sight.seq));
        violation(standing, format!("went back from {from:?} to {to:?}"));
    }
    if let Some((newest, oldest)) = sight.calls {
        if newest < eye.newest_call {
            violation(standing, format!("call {} is gone, {newest} is the newest", eye.newest_call));
        }
        let away = std::mem::take(&mut eye.was_away);
        if eye.newest_call > 0 && oldest > eye.newest_call + 1 && !away && !is_filtered {
            violation(standing, format!("the calls between {} and {oldest} were not shown", eye.newest_call));
        }
        if eye.fresh {
            for call in (eye.newest_call + 1).max(oldest)..=newest {
                arrivals.calls.entry(call).or_default().push(now);
            }
        }
        eye.newest_call = newest;
    }
    if eye.fresh && sight.epoch == before.epoch {
        for seq in before.seq + 1..=sight.seq {
            arrivals.seqs.entry(seq).or_default().push(now);
        }
    }
    if !eye.fresh {
        eye.fresh = true;
        eye.tries = 0;
        if eye.left_at > 0 {
            standing.back_at_ns = standing.back_at_ns.max(now);
        }
    }
}

fn violation(standing: &mut Standing, words: String) {
    standing.violations += 1;
    if standing.first_violations.len() < TOLD_MAX {
        standing.first_violations.push(words);
    }
}

fn tell(what: &Tell) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, what)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// When the `nth` of so many a second is due, nanoseconds from the first.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a schedule of at most some hours, to the nanosecond or so"
)]
fn after(nth: usize, per_s: f64) -> u64 {
    (nth as f64 / per_s * NS_PER_S as f64) as u64
}
