//! How many durable commands a second one venue takes: 256 callers at one venue actor, on each store, beside what the
//! store itself can do in the same run.
//!
//! Ratios, because the machine is whatever it is: on Redis to `redis-benchmark` with pipelined XADD of entries of the
//! same size; on SQLite to one transaction for each command.

use std::error::Error;
use std::fmt;
use std::process::Command as Process;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::Arbiter;
use callnext::clock::Clock;
use callnext::journal::redis::{Ack, RedisOptions, RedisUrl};
use callnext::journal::{Journal, RedisJournal, SqliteJournal};
use callnext::metrics::Metrics;
use callnext::venues::{Hubs, Registry, SubmitError, SubmitOrRegistryError};
use callnext_engine::counter::CounterState;
use callnext_engine::ticket::Visitor;
use callnext_engine::venue::Outcome;
use callnext_engine::{Action, Command, CounterId, Lane, Seq, ServiceId, VenueConfig, VenueId};
use clap::Args;
use futures_util::future::try_join_all;

use crate::redis::Redis;

/// What the venue must reach of `redis-benchmark`.
const REDIS_BAR: f64 = 0.5;
/// What the venue must reach of one transaction for each command.
const SQLITE_BAR: f64 = 20.0;
/// Entries `redis-benchmark` adds in one look.
const BENCHMARK_ENTRIES: u32 = 100_000;
/// Changes written one by one to learn the price of a transaction.
const SINGLY: usize = 2_000;
/// Changes read back to learn their size.
const SAMPLE: usize = 5_000;
/// Changes written in batches, as large as there are callers, without a venue.
const TOGETHER: usize = 20_000;

/// Measure how many durable commands a second one venue takes on each store.
#[derive(Debug, Args)]
pub struct CommitsOptions {
    /// Callers at the one venue: each counter's clerk, and people who take a number and leave again
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..=1000))]
    callers: u16,
    /// Counters among them
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1000))]
    counters: u16,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
}

/// What came of it.
#[derive(Debug)]
pub struct Commits {
    callers: u16,
    lines: Vec<Line>,
}

#[derive(Debug, Clone, Copy)]
struct Line {
    store: &'static str,
    commands: f64,
    beside: &'static str,
    other: f64,
    /// None for what only tells where the time goes.
    bar: Option<f64>,
}

impl Line {
    fn ratio(&self) -> f64 {
        self.commands / self.other
    }
}

impl Commits {
    /// The same, for programs.
    pub fn json(&self) -> serde_json::Value {
        let line = |line: &Line| {
            serde_json::json!({
                "store": line.store, "commands_per_s": line.commands, "beside": line.beside.trim_end(),
                "beside_per_s": line.other, "ratio": line.ratio(), "bar": line.bar,
            })
        };
        serde_json::json!({ "callers": self.callers, "stores": self.lines.iter().map(line).collect::<Vec<_>>() })
    }

    /// Whether every bar was reached.
    pub fn is_good(&self) -> bool {
        self.lines.iter().all(|line| line.bar.is_none_or(|bar| line.ratio() >= bar))
    }
}

impl fmt::Display for Commits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "durable commands per second, one venue, {} callers", self.callers)?;
        for line in &self.lines {
            let Line { store, commands, beside, other, bar } = line;
            write!(f, "  {store:<22} {commands:>8.0}   {beside} {other:>8.0}   ratio {:.2}", line.ratio())?;
            match bar {
                Some(bar) => writeln!(f, "   bar {bar} {}", if line.ratio() >= *bar { "reached" } else { "missed" })?,
                None => writeln!(f, "   without a venue")?,
            }
        }
        Ok(())
    }
}

type Failed = Box<dyn Error>;

/// Measures each store in turn.
pub async fn run(options: CommitsOptions) -> Result<Commits, Failed> {
    let mut lines = Vec::new();
    let settings =
        [("redis, fsync everysec", "everysec", Ack::Everysec), ("redis, fsync always", "always", Ack::Always)];
    for (store, fsync, ack) in settings {
        let redis = Redis::start_with(&["--appendfsync", fsync])?;
        let url = RedisUrl::parse(&redis.url())?;
        let journal = RedisJournal::connect(RedisOptions { ack, ..RedisOptions::single(url) }).await?;
        let journal = Arc::new(journal);
        let (commands, bytes) = venue(&options, journal.clone()).await?;
        let alone = together(journal.as_ref(), usize::from(options.callers)).await?;
        let other = benchmark(&redis, bytes)?;
        let line = Line { store, commands, beside: "pipelined XADD", other, bar: Some(REDIS_BAR) };
        lines.extend([line, Line { store: "  the journal by itself", commands: alone, bar: None, ..line }]);
    }
    let folder = tempfile::tempdir()?;
    let journal = Arc::new(SqliteJournal::open(&folder.path().join("journal.sqlite"))?);
    let (commands, _) = venue(&options, journal.clone()).await?;
    let alone = together(journal.as_ref(), usize::from(options.callers)).await?;
    let other = singly(journal.as_ref()).await?;
    let line = Line { store: "sqlite", commands, beside: "one by one    ", other, bar: Some(SQLITE_BAR) };
    lines.extend([line, Line { store: "  the journal by itself", commands: alone, bar: None, ..line }]);
    Ok(Commits { callers: options.callers, lines })
}

/// Commands a second through a venue's actor, and the mean size of a stored change.
async fn venue(options: &CommitsOptions, journal: Arc<dyn Journal>) -> Result<(f64, usize), Failed> {
    let counters: Vec<_> = (1..=options.counters)
        .map(|n| serde_json::json!({ "id": n.to_string(), "name": n.to_string(), "services": ["all"] }))
        .collect();
    let config: VenueConfig = serde_json::from_value(serde_json::json!({
        "id": "hall", "name": "Hall", "time_zone": "Asia/Shanghai",
        "service": [{ "id": "all", "name": "All", "prefix": "A" }], "counter": counters,
    }))?;
    let id = config.id.clone();
    let (arbiter, metrics) = (Arbiter::new(), Arc::new(Metrics::default()));
    let registry = Arc::new(Registry::new(
        vec![config.into()],
        journal.clone(),
        Clock::machine(),
        Hubs::default(),
        metrics,
        arbiter.handle(),
    ));
    registry.open_all().await?;
    let counters: Vec<CounterId> =
        (1..=options.counters).map(|n| CounterId::parse(&n.to_string())).collect::<Result<_, _>>()?;
    let open = |counter: &CounterId| Action::SetCounter {
        counter: counter.clone(),
        state: CounterState::Open,
        services: None,
    };
    try_join_all(counters.iter().map(|counter| registry.submit(&id, Command::system(open(counter))))).await?;
    let begun = Instant::now();
    let until = begun + Duration::from_secs(options.seconds);
    let work = (0..options.callers).map(|caller| work(&registry, &id, counters.get(usize::from(caller)), until));
    let done: u32 = try_join_all(work).await?.into_iter().sum();
    let took = begun.elapsed();
    let kept = journal.read(&id, Seq(0), SAMPLE).await?;
    let bytes: usize = kept.iter().map(|change| serde_json::to_string(change).map_or(0, |text| text.len())).sum();
    arbiter.stop();
    Ok((f64::from(done) / took.as_secs_f64(), bytes / kept.len().max(1)))
}

/// One person after the other: with a counter a number, the call and the service; without, a number given back.
async fn work(
    registry: &Registry,
    venue: &VenueId,
    counter: Option<&CounterId>,
    until: Instant,
) -> Result<u32, Failed> {
    let service = ServiceId::parse("all")?;
    let mut done = 0;
    loop {
        let visitor = Visitor::default();
        let take = Action::TakeTicket { service: service.clone(), lane: Lane::WalkIn, visitor, wants: None };
        let Outcome::Ticket { ticket } = registry.submit(venue, Command::system(take)).await?.outcome else {
            return Err("a number was not given".into());
        };
        done += 1;
        let rest = match counter {
            None => vec![Action::Cancel { ticket, reason: None }],
            Some(counter) => vec![
                Action::CallNext { counter: counter.clone() },
                Action::Start { counter: counter.clone() },
                Action::Complete { counter: counter.clone() },
            ],
        };
        for action in rest {
            // Somebody else's counter may have called the ticket; its clerk serves it.
            match registry.submit(venue, Command::system(action)).await {
                Ok(_) => done += 1,
                Err(SubmitOrRegistryError::Submit(SubmitError::Refused(_))) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if Instant::now() >= until {
            return Ok(done);
        }
    }
}

/// What `redis-benchmark` reaches with as many entries of this size under way: the best of two ways to have them so.
fn benchmark(redis: &Redis, bytes: usize) -> Result<f64, Failed> {
    let mut best: f64 = 0.0;
    for (clients, pipelined) in [("1", "256"), ("16", "16")] {
        let output = Process::new("redis-benchmark")
            .args(["-p", &redis.port().to_string(), "-c", clients, "-P", pipelined, "--csv"])
            .args(["-n", &BENCHMARK_ENTRIES.to_string(), "XADD", "benchmark", "*", "change", &"x".repeat(bytes)])
            .output()?;
        redis.cli(&["del", "benchmark"])?;
        let text = String::from_utf8_lossy(&output.stdout);
        // The last line: the command, then the rate, each in quotes.
        let rate = text.lines().last().and_then(|line| line.split("\",\"").nth(1));
        let rate: f64 = rate.ok_or("redis-benchmark said nothing")?.parse()?;
        best = best.max(rate);
    }
    Ok(best)
}

/// Batches as large as there are callers, one after the other, straight into the store: what is left of its rate when
/// nothing has to be decided, shown or answered.
async fn together(journal: &dyn Journal, batch: usize) -> Result<f64, Failed> {
    let (from, to) = (VenueId::parse("hall")?, VenueId::parse("together")?);
    let changes = journal.read(&from, Seq(0), TOGETHER).await?;
    let epoch = journal.open(&to).await?.epoch;
    let begun = Instant::now();
    for batch in changes.chunks(batch) {
        journal.append(&to, epoch, batch.to_vec()).await?;
    }
    Ok(f64::from(u32::try_from(changes.len())?) / begun.elapsed().as_secs_f64())
}

/// One transaction for each change, straight into the store.
async fn singly(journal: &dyn Journal) -> Result<f64, Failed> {
    let (from, to) = (VenueId::parse("hall")?, VenueId::parse("singly")?);
    let changes = journal.read(&from, Seq(0), SINGLY).await?;
    let epoch = journal.open(&to).await?.epoch;
    let begun = Instant::now();
    let count = u32::try_from(changes.len())?;
    for change in changes {
        journal.append(&to, epoch, vec![change]).await?;
    }
    Ok(f64::from(count) / begun.elapsed().as_secs_f64())
}
