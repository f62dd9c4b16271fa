//! Three nodes as an operator runs them, and the Redis under them.

use std::cell::{Cell, RefCell};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use callnext::journal::redis::{Ack, RedisOptions, RedisUrl, Topology};
use callnext::journal::{Journal as _, RedisJournal};
use callnext_engine::{Change, Seq, VenueConfig, VenueId};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::ChaosError;
use super::line::Line;
use crate::redis::Redis;

/// The venue.
pub(super) const VENUE: &str = "clinic";
/// Its counters.
pub(super) const COUNTERS: [&str; 4] = ["c1", "c2", "c3", "c4"];
/// How long a lease lasts here: short, so that a round is.
pub(super) const LEASE: Duration = Duration::from_secs(1);
/// How long a node tries again before it takes its Redis to be away.
pub(super) const REDIS_PATIENCE: Duration = Duration::from_secs(1);
/// The name of each node.
pub(super) const NAMES: [&str; 3] = ["a", "b", "c"];
/// The one whose clock jumps.
pub(super) const CLOCKED: usize = 2;
/// Longest time anything may take before the run is given up.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
const USER: &str = "admin";
const PASSWORD: &str = "loadtest only";
/// How far a clock jumps.
const JUMP: chrono::TimeDelta = chrono::TimeDelta::hours(1);

/// Three nodes and their Redis.
pub(super) struct Nodes {
    program: PathBuf,
    folder: RefCell<TempDir>,
    lines: Vec<Line>,
    ports: Vec<u16>,
    running: RefCell<Vec<Option<Child>>>,
    pub(super) token: RefCell<Option<String>>,
    redis: RefCell<Vec<Redis>>,
    sentinel: Option<Redis>,
    is_ahead: Cell<bool>,
    setting: Setting,
}

/// What the nodes stand on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Setting {
    /// Three of them, and one Redis behind a line of each node's own.
    Lines,
    /// Three of them, a primary, a replica and a sentinel.
    Sentinel,
    /// One that works alone, with a file beside its Redis.
    Alone,
}

/// The venue as its journal's reader declares it: the history brings its own settings.
pub(super) fn venue() -> Result<VenueConfig, serde_json::Error> {
    serde_json::from_value(json!({
        "id": VENUE, "name": "Hall", "time_zone": "UTC",
        "service": [{ "id": "all", "name": "All", "prefix": "W" }],
        "counter": COUNTERS.map(|id| json!({ "id": id, "name": id, "services": ["all"] })),
    }))
}

/// A port for a node, that stays its own while it is down: from below those that the system lends to connections.
pub(crate) fn free_port() -> u16 {
    /// What this program has looked at so far: what it started lately may not listen yet.
    static LOOKED_AT: AtomicU32 = AtomicU32::new(0);
    let next = || 20_000 + (std::process::id() + LOOKED_AT.fetch_add(1, Ordering::Relaxed)) % 8_000;
    let mut all = std::iter::repeat_with(next).filter_map(|port| u16::try_from(port).ok());
    // There is always another one to look at.
    all.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap_or_default()
}

/// Looks again and again until something is there.
pub(super) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> Result<T, ChaosError> {
    let begun = Instant::now();
    loop {
        if let Some(seen) = look().await {
            return Ok(seen);
        }
        if begun.elapsed() > PATIENCE {
            return Err(ChaosError::Never(what.to_owned()));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

impl Nodes {
    /// Starts them.
    pub(super) async fn start(program: &Path, setting: Setting) -> Result<Self, ChaosError> {
        let primary = Redis::start()?;
        let count = if setting == Setting::Alone { 1 } else { NAMES.len() };
        let (mut redis, mut sentinel, mut lines) = (Vec::new(), None, Vec::new());
        if setting == Setting::Sentinel {
            let replica = Redis::start_with(&["--replicaof", "127.0.0.1", &primary.port().to_string()])?;
            let watching = Redis::sentinel_of(&primary)?;
            let port = replica.port().to_string();
            until("the sentinel knows the replica", async || {
                let known = watching.cli(&["sentinel", "replicas", "hall"]).ok()?.contains(&port);
                let linked = replica.cli(&["info", "replication"]).ok()?.contains("master_link_status:up");
                (known && linked).then_some(())
            })
            .await?;
            redis.push(replica);
            sentinel = Some(watching);
        } else {
            for _ in 0..count {
                lines.push(Line::to(primary.port()).await?);
            }
        }
        redis.insert(0, primary);
        let nodes = Self {
            program: program.to_owned(),
            folder: RefCell::new(tempfile::tempdir()?),
            lines,
            ports: (0..count).map(|_| free_port()).collect(),
            running: RefCell::new(NAMES.map(|_| None).into()),
            token: RefCell::default(),
            redis: RefCell::new(redis),
            sentinel,
            is_ahead: Cell::new(false),
            setting,
        };
        for node in 0..nodes.count() {
            nodes.begin(node).await?;
        }
        nodes.set_up().await?;
        Ok(nodes)
    }

    /// Keeps the folder, with every node's log, for whoever wants to know more.
    pub(super) fn keep(&self) -> PathBuf {
        self.folder.borrow_mut().disable_cleanup(true);
        self.path()
    }

    fn path(&self) -> PathBuf {
        self.folder.borrow().path().to_owned()
    }

    fn home(&self, node: usize) -> PathBuf {
        self.path().join(NAMES.get(node).copied().unwrap_or_default())
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.ports.len()
    }

    /// Where it listens.
    pub(super) fn base(&self, node: usize) -> String {
        format!("http://127.0.0.1:{}", self.ports.get(node % self.count()).copied().unwrap_or_default())
    }

    /// Where Debian puts what makes a process believe in another time (package libfaketime).
    fn faketime() -> PathBuf {
        format!("/usr/lib/{}-linux-gnu/faketime/libfaketime.so.1", std::env::consts::ARCH).into()
    }

    /// Whether a node's clock can be made to jump.
    pub(super) fn has_clock() -> bool {
        Self::faketime().exists()
    }

    fn settings(&self, node: usize) -> String {
        let name = NAMES.get(node).copied().unwrap_or_default();
        let (secret, lease) = ("5e".repeat(32), LEASE.as_millis());
        let redis = match (&self.sentinel, self.lines.get(node)) {
            (Some(sentinel), _) => format!(
                "topology = \"sentinel\"\nprimary = \"redis://hall\"\nurls = [\"{}\"]\nack = \"replicated\"\n",
                sentinel.url()
            ),
            (None, line) => {
                let address = line.map(|line| line.address.to_string()).unwrap_or_default();
                format!("urls = [\"redis://{address}\"]\n")
            }
        };
        let counter = |id: &str| format!("[[venue.counter]]\nid = \"{id}\"\nname = \"{id}\"\nservices = [\"all\"]\n");
        let cluster = match self.setting {
            Setting::Alone => String::new(),
            Setting::Lines | Setting::Sentinel => {
                format!("[cluster]\nname = \"{name}\"\nsecret = \"{secret}\"\nlease_ms = {lease}\n")
            }
        };
        // The day ends half a day from now, whatever a clock does by an hour.
        let hour: u32 = callnext::clock::Clock::machine().now().to_utc().format("%H").to_string().parse().unwrap_or(0);
        format!(
            "[journal]\nstore = \"redis\"\n[journal.redis]\n{redis}connect_timeout_ms = 500\nresponse_timeout_ms = 500\n\
             patience_ms = {}\n{cluster}[[venue]]\nid = \"{VENUE}\"\nname = \"Hall\"\ntime_zone = \"UTC\"\nday_start = \"{:02}:00\"\n\
             public_board = true\n[[venue.service]]\nid = \"all\"\nname = \"All\"\nprefix = \"W\"\n{}",
            REDIS_PATIENCE.as_millis(),
            (hour + 12) % 24,
            COUNTERS.map(counter).concat()
        )
    }

    /// Starts a node, and waits until it answers.
    pub(super) async fn begin(&self, node: usize) -> Result<(), ChaosError> {
        let home = self.home(node);
        std::fs::create_dir_all(&home)?;
        let file = home.join("callnext.toml");
        if !file.exists() {
            std::fs::write(&file, self.settings(node))?;
        }
        let log = |name: &str| std::fs::File::options().create(true).append(true).open(home.join(name));
        let mut command = Command::new(&self.program);
        command.args(["serve", "--listen", self.base(node).trim_start_matches("http://")]);
        command.arg("--config").arg(&file).arg("--data").arg(home.join("data"));
        command.env("CALLNEXT_LOG", "info").stdin(Stdio::null()).stdout(log("out")?).stderr(log("err")?);
        if node == CLOCKED && Self::has_clock() {
            self.write_clock()?;
            command.env("LD_PRELOAD", Self::faketime()).env("FAKETIME_TIMESTAMP_FILE", self.path().join("clock"));
            command.env("FAKETIME_CACHE_DURATION", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        }
        let mut start = || {
            let child = command.spawn()?;
            if let Some(slot) = self.running.borrow_mut().get_mut(node) {
                *slot = Some(child);
            }
            Ok::<_, ChaosError>(())
        };
        start()?;
        let url = format!("{}/readyz", self.base(node));
        let ready = until("a node is ready", async || {
            // One that finds no Redis ends, and is started again, as systemd does it.
            if self.has_ended(node) && start().is_err() {
                return None;
            }
            self.ask(&url).await.filter(|status| *status == 200).map(drop)
        })
        .await;
        ready.inspect_err(|_| drop(self.keep()))
    }

    fn has_ended(&self, node: usize) -> bool {
        let mut running = self.running.borrow_mut();
        running.get_mut(node).and_then(Option::as_mut).is_some_and(|child| matches!(child.try_wait(), Ok(Some(_))))
    }

    async fn ask(&self, url: &str) -> Option<u16> {
        let client = awc::Client::builder().timeout(Duration::from_secs(2)).finish();
        client.get(url).send().await.ok().map(|answer| answer.status().as_u16())
    }

    /// Makes the first account, logs in, opens the counters.
    async fn set_up(&self) -> Result<(), ChaosError> {
        let link = until("the link of the first start", async || {
            NAMES.iter().enumerate().find_map(|(node, _)| {
                let said = std::fs::read_to_string(self.home(node).join("out")).ok()?;
                Some(said.split_once("/setup#token=")?.1.lines().next()?.trim().to_owned())
            })
        })
        .await?;
        let post = async |path: &str, body: Value| {
            let client = awc::Client::builder().timeout(PATIENCE).finish();
            let mut request = client.post(format!("{}/api/v1/{path}", self.base(0)));
            if path.contains("/counters/") {
                request = client.put(format!("{}/api/v1/{path}", self.base(0)));
            }
            if let Some(token) = &*self.token.borrow() {
                request = request.bearer_auth(token);
            }
            let mut answer = request
                .insert_header(("Idempotency-Key", format!("set-up-{path}")))
                .send_json(&body)
                .await
                .map_err(|error| ChaosError::SetUp(error.to_string()))?;
            let status = answer.status();
            let said: Value = answer.json().await.unwrap_or_default();
            if status.is_success() { Ok(said) } else { Err(ChaosError::SetUp(format!("{path}: {status} {said}"))) }
        };
        post("setup", json!({ "token": link, "user": USER, "password": PASSWORD })).await?;
        let session = post("sessions", json!({ "user": USER, "password": PASSWORD })).await?;
        *self.token.borrow_mut() = session.get("token").and_then(Value::as_str).map(ToOwned::to_owned);
        for counter in COUNTERS {
            post(&format!("venues/{VENUE}/counters/{counter}"), json!({ "state": "open" })).await?;
        }
        Ok(())
    }

    /// The node that owns the venue, as its lease says.
    pub(super) async fn owner(&self) -> Result<usize, ChaosError> {
        until("an owner", async || {
            let lease = self.on_primary(|redis| redis.cli(&["get", "callnext:{clinic}:lease"]).ok())?;
            let holder: Value = serde_json::from_str(&lease).ok()?;
            let name = holder.get("name")?.as_str()?;
            NAMES.iter().position(|known| *known == name)
        })
        .await
    }

    fn on_primary<T>(&self, ask: impl FnOnce(&Redis) -> Option<T>) -> Option<T> {
        let redis = self.redis.borrow();
        let mut all = redis.iter();
        all.find(|redis| redis.cli(&["role"]).is_ok_and(|role| role.starts_with("master"))).and_then(ask)
    }

    /// `kill -9`.
    pub(super) fn kill(&self, node: usize) -> Result<(), ChaosError> {
        if let Some(mut child) = self.running.borrow_mut().get_mut(node).and_then(Option::take) {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// SIGSTOP, SIGCONT, SIGTERM.
    pub(super) fn signal(&self, node: usize, signal: &str) -> Result<(), ChaosError> {
        if let Some(child) = self.running.borrow().get(node).and_then(Option::as_ref) {
            Command::new("kill").args([signal, &child.id().to_string()]).status()?;
        }
        Ok(())
    }

    /// Waits for the end of a node that was told to stop.
    pub(super) async fn ended(&self, node: usize) -> Result<(), ChaosError> {
        until("a node stops", async || {
            let mut running = self.running.borrow_mut();
            let slot = running.get_mut(node)?;
            let ended = slot.as_mut().is_none_or(|child| matches!(child.try_wait(), Ok(Some(_))));
            ended.then(|| *slot = None)
        })
        .await
    }

    /// Cuts a node off from Redis, or mends that.
    pub(super) fn cut(&self, node: usize, cut: bool) {
        if let Some(line) = self.lines.get(node) {
            line.cut(cut);
        }
    }

    /// The clock of one node jumps an hour ahead; the next time, back. Waits until its answers bear the other time.
    pub(super) async fn jump(&self) -> Result<(), ChaosError> {
        self.is_ahead.set(!self.is_ahead.get());
        self.write_clock()?;
        let url = format!("{}/readyz", self.base(CLOCKED));
        let client = awc::Client::builder().timeout(Duration::from_secs(2)).finish();
        until("the clock jumps", async || {
            let answer = client.get(&url).send().await.ok()?;
            let said = chrono::DateTime::parse_from_rfc2822(answer.headers().get("date")?.to_str().ok()?).ok()?;
            let now = callnext::clock::Clock::machine().now().to_utc();
            let ahead = said.signed_duration_since(now) > JUMP / 2;
            (ahead == self.is_ahead.get()).then_some(())
        })
        .await
    }

    fn write_clock(&self) -> Result<(), ChaosError> {
        Ok(std::fs::write(self.path().join("clock"), if self.is_ahead.get() { "+3600" } else { "+0" })?)
    }

    /// What `redis-cli` answers on the primary.
    pub(super) fn cli(&self, arguments: &[&str]) -> Option<String> {
        self.on_primary(|redis| redis.cli(arguments).ok())
    }

    /// `kill -9` of Redis; started again after a moment, with its file.
    pub(super) async fn kill_redis(&self, away: Duration) -> Result<(), ChaosError> {
        if let Some(redis) = self.redis.borrow_mut().first_mut() {
            redis.kill()?;
        }
        tokio::time::sleep(away).await;
        if let Some(redis) = self.redis.borrow_mut().first_mut() {
            redis.restart()?;
        }
        Ok(())
    }

    /// `kill -9` of the primary; once the replica is promoted, it comes back as the replica of that.
    pub(super) async fn promote(&self) -> Result<(), ChaosError> {
        let role = |redis: &Redis, role: &str| redis.cli(&["role"]).is_ok_and(|is| is.starts_with(role));
        let primary = self.redis.borrow().iter().position(|redis| role(redis, "master"));
        let Some(primary) = primary else { return Ok(()) };
        if let Some(redis) = self.redis.borrow_mut().get_mut(primary) {
            redis.kill()?;
        }
        until("a promotion", async || self.on_primary(|_| Some(()))).await?;
        if let Some(redis) = self.redis.borrow_mut().get_mut(primary) {
            redis.restart()?;
        }
        until("a replica", async || {
            let redis = self.redis.borrow();
            let replica = redis.iter().find(|redis| role(redis, "slave"))?;
            replica.cli(&["info", "replication"]).ok()?.contains("master_link_status:up").then_some(())
        })
        .await
    }

    /// Waits until the journal has all that the first node shows.
    pub(super) async fn caught_up(&self) -> Result<(), ChaosError> {
        let url = format!("{}/api/v1/venues/{VENUE}/queue", self.base(0));
        until("Redis has everything", async || {
            let token = self.token.borrow().clone().unwrap_or_default();
            let mut answer = awc::Client::default().get(&url).bearer_auth(token).send().await.ok()?;
            let shown = answer.json::<Value>().await.ok()?.get("seq")?.as_u64()?;
            let kept = self.history().await.ok()?.last()?.seq;
            (kept >= Seq(shown)).then_some(())
        })
        .await
    }

    /// All that the journal has of the venue.
    pub(super) async fn history(&self) -> Result<Vec<Change>, ChaosError> {
        let options = match (&self.sentinel, self.redis.borrow().first()) {
            (Some(sentinel), _) => RedisOptions {
                urls: vec![RedisUrl::parse(&sentinel.url())?],
                topology: Topology::Sentinel,
                primary: Some(RedisUrl::parse("redis://hall")?),
                ack: Ack::Replicated,
                ..RedisOptions::default()
            },
            (None, Some(redis)) => RedisOptions::single(RedisUrl::parse(&redis.url())?),
            (None, None) => return Err(ChaosError::Never("a Redis".to_owned())),
        };
        let venue = VenueId::parse(VENUE).map_err(|error| ChaosError::SetUp(error.to_string()))?;
        Ok(RedisJournal::connect(options).await?.read(&venue, Seq(0), usize::MAX).await?)
    }
}

impl Nodes {
    /// Kills them all.
    pub(super) fn end(&self) {
        for mut child in self.running.borrow_mut().iter_mut().filter_map(Option::take) {
            // It may have ended by itself; one that sleeps is killed just so.
            drop(child.kill());
            drop(child.wait());
        }
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        self.end();
    }
}
