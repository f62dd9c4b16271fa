//! Many venues over several nodes: one node comes, one goes in order, one is killed, and how long each venue was without
//! an owner.
//!
//! Two things are measured beside each other. Every venue's lease is read again and again: it names a living node, or
//! nobody owns the venue. And people ask: one venue after the other, at whichever node, until they are answered.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use callnext::cluster::lease::Node;
use callnext::cluster::spread::preferred;
use callnext_engine::VenueId;
use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::chaos::free_port;
use crate::redis::{NoRedis, Redis};

/// Pause between two looks at all leases: a gap is known to this.
const LOOK_PAUSE: Duration = Duration::from_millis(10);
/// Longest time anything may take before the run is given up.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long somebody waits for an answer before they ask at the next node.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// Pause before somebody asks again.
const AGAIN: Duration = Duration::from_millis(10);
/// What calls need beyond the lease once an owner is dead: the bar of a take-over.
const TAKE_OVER: Duration = Duration::from_secs(1);
/// The nodes of the beginning, and the one that comes.
const NAMES: [&str; 4] = ["a", "b", "c", "d"];
const AT_FIRST: usize = 3;
const USER: &str = "admin";
const PASSWORD: &str = "loadtest only";

/// Measure how long venues are without an owner while nodes come and go.
#[derive(Debug, Clone, clap::Args)]
pub struct SpreadOptions {
    /// Venues
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub venues: u32,
    /// How long a lease lasts, milliseconds
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1_000..=6_000))]
    pub lease_ms: u64,
    /// Numbers taken each second, at all venues together
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub asks: u32,
    /// The program to run as a node
    #[arg(long, value_name = "FILE", default_value = "target/debug/callnext")]
    pub program: PathBuf,
}

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum SpreadError {
    /// A file or a process.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// No Redis.
    #[error(transparent)]
    NoRedis(#[from] NoRedis),
    /// Redis cannot be asked.
    #[error(transparent)]
    Redis(#[from] redis::RedisError),
    /// The nodes could not be made ready.
    #[error("the nodes cannot be set up: {0}")]
    SetUp(String),
    /// Nothing ever came of it.
    #[error("it never came: {0}")]
    Never(String),
}

/// What happened to the nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Happening {
    Comes,
    Leaves,
    Dies,
}

impl Happening {
    /// For how long a venue may be without an owner.
    fn bar(self, lease: Duration) -> Duration {
        match self {
            Self::Comes | Self::Leaves => lease,
            // A lease that was renewed the moment before lasts its whole time, and then somebody must notice.
            Self::Dies => lease + TAKE_OVER,
        }
    }
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Comes => "a node comes",
            Self::Leaves => "a node leaves (SIGTERM)",
            Self::Dies => "a node is killed (-9)",
        })
    }
}

/// What one happening did to the venues.
#[derive(Debug)]
struct Seen {
    what: Happening,
    /// Venues that have another owner than before.
    moved: usize,
    /// The longest time without an owner, of each venue that was seen without one, in order.
    gaps: Vec<Duration>,
    /// The longest pause between two looks at the leases.
    looked_every: Duration,
    bar: Duration,
    /// Until every venue was where it is to stay.
    settled: Duration,
    answers: usize,
    /// Answers that were 503.
    refused: usize,
    slowest: Duration,
    /// Venues of each node.
    spread: BTreeMap<String, usize>,
}

impl Seen {
    fn longest(&self) -> Duration {
        self.gaps.last().copied().unwrap_or_default()
    }

    /// Whether every venue had an owner again in time.
    fn is_owned(&self) -> bool {
        self.longest() <= self.bar
    }

    fn is_good(&self) -> bool {
        self.is_owned()
            && match self.what {
                Happening::Comes | Happening::Leaves => self.refused == 0,
                Happening::Dies => self.slowest <= self.bar,
            }
    }
}

/// What came of it.
#[derive(Debug)]
pub struct Spread {
    venues: u32,
    lease: Duration,
    at_first: BTreeMap<String, usize>,
    seen: Vec<Seen>,
}

impl Spread {
    /// Whether no venue was without an owner for too long.
    pub fn is_owned(&self) -> bool {
        self.seen.iter().all(Seen::is_owned)
    }

    /// Whether besides nobody was refused by a node that came or went, or waited too long for one that was dead.
    pub fn is_good(&self) -> bool {
        self.seen.iter().all(Seen::is_good)
    }
}

/// `a 334, b 333, c 333`.
fn counted(spread: &BTreeMap<String, usize>) -> String {
    spread.iter().map(|(node, count)| format!("{node} {count}")).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} venues, leases of {} ms; at first {}",
            self.venues,
            self.lease.as_millis(),
            counted(&self.at_first)
        )?;
        for seen in &self.seen {
            writeln!(
                f,
                "{}: {}\n    moved {}, settled after {} ms: {}\n    without an owner: {} venues, median {} ms, longest {} ms; bar {} ms, \
                 seen to {} ms\n    asked: {} answers, slowest {} ms, {} refused",
                seen.what,
                if seen.is_good() { "good" } else { "MISSED" },
                seen.moved,
                seen.settled.as_millis(),
                counted(&seen.spread),
                seen.gaps.len(),
                seen.gaps.get(seen.gaps.len() / 2).copied().unwrap_or_default().as_millis(),
                seen.longest().as_millis(),
                seen.bar.as_millis(),
                seen.looked_every.as_millis(),
                seen.answers,
                seen.slowest.as_millis(),
                seen.refused,
            )?;
        }
        Ok(())
    }
}

/// Starts three nodes, lets a fourth come, one leave and one die, and tells what the venues had of it.
///
/// # Errors
///
/// Something could not be started, or never came back.
pub async fn run(options: &SpreadOptions) -> Result<Spread, SpreadError> {
    let mut nodes = Nodes::start(options).await?;
    let leases = nodes.settled(&NAMES[..AT_FIRST]).await?;
    let watch = Watch::begin(&nodes);
    let people = People::come(&nodes, options.asks);
    let lease = Duration::from_millis(options.lease_ms);
    let mut spread = Spread { venues: options.venues, lease, at_first: counts(&leases), seen: Vec::new() };
    let mut before = leases;
    let happenings = [
        (Happening::Comes, "d", &["a", "b", "c", "d"][..]),
        (Happening::Leaves, "a", &["b", "c", "d"][..]),
        (Happening::Dies, "b", &["c", "d"][..]),
    ];
    for (what, name, rest) in happenings {
        watch.forget();
        people.forget();
        let begun = Instant::now();
        match what {
            Happening::Comes => nodes.begin(name).await?,
            Happening::Leaves => nodes.leave(name).await?,
            Happening::Dies => nodes.kill(name)?,
        }
        let after = nodes.settled(rest).await?;
        let settled = begun.elapsed();
        // What was begun before is answered as well.
        tokio::time::sleep(lease).await;
        let asked = people.asked.borrow();
        spread.seen.push(Seen {
            what,
            moved: after.iter().filter(|(venue, owner)| before.get(*venue) != Some(owner)).count(),
            gaps: watch.gaps(),
            looked_every: watch.pause.get(),
            bar: what.bar(lease),
            settled,
            answers: asked.answers,
            refused: asked.refused,
            slowest: asked.slowest,
            spread: counts(&after),
        });
        drop(asked);
        before = after;
    }
    people.go_home();
    watch.end();
    Ok(spread)
}

fn counts(leases: &BTreeMap<VenueId, String>) -> BTreeMap<String, usize> {
    leases.values().fold(BTreeMap::new(), |mut counts, name| {
        *counts.entry(name.clone()).or_default() += 1;
        counts
    })
}

/// Looks again and again until something is there.
async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Result<Option<T>, SpreadError>) -> Result<T, SpreadError> {
    let begun = Instant::now();
    loop {
        if let Some(seen) = look().await? {
            return Ok(seen);
        }
        if begun.elapsed() > PATIENCE {
            return Err(SpreadError::Never(what.to_owned()));
        }
        tokio::time::sleep(LOOK_PAUSE).await;
    }
}

/// The nodes, by name, and their Redis.
struct Nodes {
    program: PathBuf,
    lease_ms: u64,
    venues: Rc<Vec<VenueId>>,
    folder: TempDir,
    redis: Redis,
    line: MultiplexedConnection,
    running: BTreeMap<&'static str, Child>,
    /// Those that were killed.
    dead: Rc<RefCell<BTreeSet<String>>>,
    /// Where each listens that people may ask.
    bases: Rc<RefCell<BTreeMap<&'static str, String>>>,
    token: String,
}

impl Nodes {
    async fn start(options: &SpreadOptions) -> Result<Self, SpreadError> {
        let redis = Redis::start()?;
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(Some(PATIENCE)).set_response_timeout(Some(PATIENCE));
        let line = redis::Client::open(redis.url())?.get_multiplexed_async_connection_with_config(&config).await?;
        let venue =
            |n: u32| VenueId::parse(&format!("venue-{n}")).map_err(|error| SpreadError::SetUp(error.to_string()));
        let mut nodes = Self {
            program: options.program.clone(),
            lease_ms: options.lease_ms,
            venues: Rc::new((1..=options.venues).map(venue).collect::<Result<_, _>>()?),
            folder: tempfile::tempdir()?,
            redis,
            line,
            running: BTreeMap::new(),
            dead: Rc::default(),
            bases: Rc::default(),
            token: String::new(),
        };
        for name in &NAMES[..AT_FIRST] {
            nodes.begin(name).await?;
        }
        nodes.token = nodes.log_in().await?;
        Ok(nodes)
    }

    fn settings(&self, name: &str) -> String {
        let (url, secret, lease) = (self.redis.url(), "5e".repeat(32), self.lease_ms);
        let head = format!(
            "[journal]\nstore = \"redis\"\n[journal.redis]\nurls = [\"{url}\"]\n[cluster]\nname = \"{name}\"\n\
             secret = \"{secret}\"\nlease_ms = {lease}\n"
        );
        let venue = |id: &VenueId| {
            format!(
                "[[venue]]\nid = \"{id}\"\nname = \"Hall\"\ntime_zone = \"UTC\"\n[[venue.service]]\nid = \"all\"\n\
                 name = \"All\"\n[[venue.counter]]\nid = \"1\"\nname = \"1\"\nservices = [\"all\"]\n"
            )
        };
        head + &self.venues.iter().map(venue).collect::<String>()
    }

    /// Starts a node, and waits until it answers.
    async fn begin(&mut self, name: &'static str) -> Result<(), SpreadError> {
        let home = self.folder.path().join(name);
        std::fs::create_dir_all(&home)?;
        let file = home.join("callnext.toml");
        std::fs::write(&file, self.settings(name))?;
        let log = |name: &str| std::fs::File::create(home.join(name));
        let address = format!("127.0.0.1:{}", free_port());
        let mut command = Command::new(&self.program);
        command.args(["serve", "--listen", &address, "--config"]).arg(&file).arg("--data").arg(home.join("data"));
        command.env("CALLNEXT_LOG", "warn").stdin(Stdio::null()).stdout(log("out")?).stderr(log("err")?);
        self.running.insert(name, command.spawn()?);
        let base = format!("http://{address}");
        until("a node is ready", async || {
            let client = awc::Client::builder().timeout(Duration::from_secs(2)).finish();
            let answer = client.get(format!("{base}/readyz")).send().await;
            Ok(answer.is_ok_and(|answer| answer.status() == 200).then_some(()))
        })
        .await?;
        self.bases.borrow_mut().insert(name, base);
        Ok(())
    }

    /// SIGTERM; waits for its end. People are still at it until it turns them away.
    async fn leave(&mut self, name: &'static str) -> Result<(), SpreadError> {
        let Some(mut child) = self.running.remove(name) else { return Ok(()) };
        Command::new("kill").args(["-TERM", &child.id().to_string()]).status()?;
        until("a node stops", async || Ok(child.try_wait()?.map(drop))).await?;
        self.bases.borrow_mut().remove(name);
        Ok(())
    }

    /// `kill -9`.
    fn kill(&mut self, name: &'static str) -> Result<(), SpreadError> {
        let Some(mut child) = self.running.remove(name) else { return Ok(()) };
        self.bases.borrow_mut().remove(name);
        self.dead.borrow_mut().insert(name.to_owned());
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Waits until each venue is where it is to stay with these nodes; tells who owns what.
    async fn settled(&self, names: &[&str]) -> Result<BTreeMap<VenueId, String>, SpreadError> {
        let node = |name: &&str| Node { name: (*name).to_owned(), address: String::new(), instance: String::new() };
        let nodes: Vec<Node> = names.iter().map(node).collect();
        let mut line = self.line.clone();
        until("every venue at its place", async || {
            let holders = holders(&mut line, &self.venues).await?;
            let is_at_home = |(venue, holder): (&VenueId, &Option<String>)| {
                holder.as_ref().is_some_and(|name| preferred(venue, &nodes).is_some_and(|node| node.name == *name))
            };
            if !self.venues.iter().zip(&holders).all(is_at_home) {
                return Ok(None);
            }
            Ok(Some(self.venues.iter().cloned().zip(holders.into_iter().flatten()).collect()))
        })
        .await
    }

    /// Makes the first account, and logs in.
    async fn log_in(&self) -> Result<String, SpreadError> {
        let link = until("the link of the first start", async || {
            Ok(NAMES.iter().find_map(|name| {
                let said = std::fs::read_to_string(self.folder.path().join(name).join("out")).ok()?;
                Some(said.split_once("/setup#token=")?.1.lines().next()?.trim().to_owned())
            }))
        })
        .await?;
        let base = self.bases.borrow().values().next().cloned().unwrap_or_default();
        let post = async |path: &str, body: Value| {
            let client = awc::Client::builder().timeout(PATIENCE).finish();
            let sent =
                client.post(format!("{base}/api/v1/{path}")).insert_header(("Idempotency-Key", path)).send_json(&body);
            let mut answer = sent.await.map_err(|error| SpreadError::SetUp(error.to_string()))?;
            let said: Value = answer.json().await.unwrap_or_default();
            if answer.status().is_success() { Ok(said) } else { Err(SpreadError::SetUp(said.to_string())) }
        };
        post("setup", json!({ "token": link, "user": USER, "password": PASSWORD })).await?;
        let session = post("sessions", json!({ "user": USER, "password": PASSWORD })).await?;
        let token = session.get("token").and_then(Value::as_str).map(ToOwned::to_owned);
        token.ok_or_else(|| SpreadError::SetUp("no token".to_owned()))
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        for child in self.running.values_mut() {
            // It may have ended by itself.
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// The node that each lease names.
async fn holders(line: &mut MultiplexedConnection, venues: &[VenueId]) -> Result<Vec<Option<String>>, SpreadError> {
    let keys: Vec<String> = venues.iter().map(|venue| format!("callnext:{{{venue}}}:lease")).collect();
    let leases: Vec<Option<String>> = redis::cmd("MGET").arg(&keys).query_async(line).await?;
    let name = |lease: String| serde_json::from_str::<Node>(&lease).ok().map(|node| node.name);
    Ok(leases.into_iter().map(|lease| lease.and_then(name)).collect())
}

/// Looks at all leases, again and again, and remembers the longest time each venue had no living owner.
struct Watch {
    seen: RefCell<Vec<Lease>>,
    /// The longest time between two looks: no gap is known better than to this.
    pause: Cell<Duration>,
    is_over: Cell<bool>,
}

/// What was seen of one lease.
#[derive(Debug, Clone, Copy)]
struct Lease {
    owned_at: Instant,
    is_owned: bool,
    /// The longest time from a look that found an owner to the next that did, where one between them found none.
    gap: Duration,
}

impl Lease {
    fn note(&mut self, is_owned: bool, now: Instant) {
        if is_owned {
            if !self.is_owned {
                self.gap = self.gap.max(now.duration_since(self.owned_at));
            }
            self.owned_at = now;
        }
        self.is_owned = is_owned;
    }
}

impl Watch {
    fn begin(nodes: &Nodes) -> Rc<Self> {
        let lease = Lease { owned_at: Instant::now(), is_owned: true, gap: Duration::ZERO };
        let watch = Rc::new(Self {
            seen: RefCell::new(vec![lease; nodes.venues.len()]),
            pause: Cell::default(),
            is_over: Cell::new(false),
        });
        let (this, venues, dead) = (watch.clone(), nodes.venues.clone(), nodes.dead.clone());
        let mut line = nodes.line.clone();
        actix::spawn(async move {
            let mut looked_at = Instant::now();
            while !this.is_over.get() {
                if let Ok(holders) = holders(&mut line, &venues).await {
                    let now = Instant::now();
                    this.pause.set(this.pause.get().max(now.duration_since(looked_at)));
                    looked_at = now;
                    for (lease, holder) in this.seen.borrow_mut().iter_mut().zip(holders) {
                        lease.note(holder.is_some_and(|name| !dead.borrow().contains(&name)), now);
                    }
                }
                tokio::time::sleep(LOOK_PAUSE).await;
            }
        });
        watch
    }

    fn forget(&self) {
        self.seen.borrow_mut().iter_mut().for_each(|lease| lease.gap = Duration::ZERO);
        self.pause.set(Duration::ZERO);
    }

    /// In order, without the venues that always had an owner.
    fn gaps(&self) -> Vec<Duration> {
        let mut gaps: Vec<Duration> = self.seen.borrow().iter().map(|lease| lease.gap).collect();
        gaps.retain(|gap| !gap.is_zero());
        gaps.sort_unstable();
        gaps
    }

    fn end(&self) {
        self.is_over.set(true);
    }
}

/// What people met with.
#[derive(Debug, Default)]
struct Asked {
    answers: usize,
    refused: usize,
    slowest: Duration,
}

impl Asked {
    fn note(&mut self, took: Duration, is_answered: bool, is_told: bool) {
        if is_answered {
            self.answers += 1;
            self.slowest = self.slowest.max(took);
        } else if is_told {
            self.refused += 1;
        }
    }
}

/// People who take a number at one venue after the other, at whichever node.
struct People {
    venues: Rc<Vec<VenueId>>,
    bases: Rc<RefCell<BTreeMap<&'static str, String>>>,
    token: String,
    asked: RefCell<Asked>,
    is_over: Cell<bool>,
    turn: Cell<usize>,
}

impl People {
    fn come(nodes: &Nodes, per_second: u32) -> Rc<Self> {
        let people = Rc::new(Self {
            venues: nodes.venues.clone(),
            bases: nodes.bases.clone(),
            token: nodes.token.clone(),
            asked: RefCell::default(),
            is_over: Cell::new(false),
            turn: Cell::new(0),
        });
        let this = people.clone();
        actix::spawn(async move {
            let client = awc::Client::builder().timeout(ANSWER_MAX).disable_redirects().finish();
            let mut clock = tokio::time::interval(Duration::from_secs(1) / per_second);
            while !this.is_over.get() {
                clock.tick().await;
                actix::spawn(this.clone().ask(client.clone(), Instant::now()));
            }
        });
        people
    }

    fn forget(&self) {
        *self.asked.borrow_mut() = Asked::default();
    }

    fn go_home(&self) {
        self.is_over.set(true);
    }

    /// Takes a number; asks on, at the next node, until it is given. From when it was due, so that nobody is left out
    /// while this program is busy.
    async fn ask(self: Rc<Self>, client: awc::Client, due: Instant) {
        let turn = self.turn.get();
        self.turn.set(turn + 1);
        let Some(venue) = self.venues.get(turn % self.venues.len()) else { return };
        // The next time round, another node is asked first.
        for node in turn + turn / self.venues.len().. {
            let base = {
                let bases = self.bases.borrow();
                bases.values().nth(node % bases.len().max(1)).cloned()
            };
            let Some(base) = base else { return };
            let request = client.post(format!("{base}/api/v1/venues/{venue}/tickets")).bearer_auth(&self.token);
            let sent = request.insert_header(("Idempotency-Key", format!("spread-{turn}")));
            let status = sent.send_json(&json!({ "service": "all" })).await.map(|answer| answer.status().as_u16());
            let is_answered = status.as_ref().is_ok_and(|status| *status == 201);
            // An error is of one that is dead, or has turned everybody away.
            self.asked.borrow_mut().note(due.elapsed(), is_answered, status.is_ok());
            if is_answered {
                return;
            }
            if due.elapsed() > PATIENCE || self.is_over.get() {
                return;
            }
            tokio::time::sleep(AGAIN).await;
        }
    }
}
