//! What one Redis bears of many venues that many nodes follow: the part of the plan to three million people online (E3)
//! that one machine can show.
//!
//! Every venue is a real one, with its actor, its journal and its mirror; every node tails the streams of all venues that
//! others write, shows itself and renews its leases, through the code that nodes run. What followers do with what they
//! hear is left out: it is measured elsewhere, and would only take processor time from Redis here.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::io::Write as _;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::Arbiter;
use callnext::clock::Clock;
use callnext::cluster::{Leases as _, Node};
use callnext::journal::redis::{Ack, RedisOptions, RedisUrl};
use callnext::journal::tail::{Position, Tail as _};
use callnext::journal::{Epoch, RedisJournal};
use callnext::metrics::Metrics;
use callnext::settings::VENUES_MAX;
use callnext::venues::{Hubs, Registry};
use callnext_engine::counter::CounterState;
use callnext_engine::ticket::Visitor;
use callnext_engine::{Action, Command, CounterId, Lane, Seq, ServiceId, VenueConfig, VenueId};
use clap::Args;
use futures_util::stream::{StreamExt as _, TryStreamExt as _, iter};
use hdrhistogram::Histogram;
use serde::Serialize;
use tokio::sync::oneshot;

use crate::redis::Redis;

/// How long a lease is, and how often a node looks within it: as the program does unless told otherwise.
const LEASE: Duration = Duration::from_secs(4);
const LOOKS_PER_LEASE: u32 = 8;
/// Venues opened, and leases taken, at the same time.
const AT_ONCE: usize = 32;
/// How long everything runs before it is measured.
const WARM: Duration = Duration::from_secs(2);
/// Pause after a Redis that did not answer.
const TAIL_PAUSE: Duration = Duration::from_millis(250);
/// Lags are kept to three digits, up to a minute.
const LAG_MAX_MS: u64 = 60_000;

/// Measure what one Redis bears of many venues that many nodes follow; needs redis-server.
#[derive(Debug, Clone, Args)]
pub struct StreamsOptions {
    /// Venues
    #[arg(long, value_name = "N,N", value_delimiter = ',', default_values_t = [100, 500, 2_000],
          value_parser = clap::value_parser!(u64).range(1..=VENUES_MAX as u64))]
    venues: Vec<u64>,
    /// Nodes that follow all of them
    #[arg(long, value_name = "N,N", value_delimiter = ',', default_values_t = [3, 12],
          value_parser = clap::value_parser!(u64).range(1..=200))]
    nodes: Vec<u64>,
    /// Changes a second at each venue
    #[arg(long, value_name = "N", default_value_t = 0.5)]
    per_s: f64,
    /// Seconds of each measurement
    #[arg(long, value_name = "S", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// When a change counts as saved: on Redis's disk, or in its memory
    #[arg(long, value_name = "WHEN", default_value = "always", value_parser = ["always", "everysec"])]
    fsync: String,
}

/// What Redis bore.
#[derive(Debug, Clone, Serialize)]
pub struct Borne {
    venues: u64,
    nodes: u64,
    /// Changes a second that were to be written, and those that were.
    wanted_per_s: f64,
    written_per_s: f64,
    /// Changes that a node heard of, of all it should have.
    heard_share: f64,
    /// Commands a second that Redis carried out.
    commands_per_s: f64,
    /// Its processor time, of one core.
    redis_cpu: f64,
    /// Megabytes a second that it took in and gave out.
    in_mb_per_s: f64,
    out_mb_per_s: f64,
    /// From a change to a node that heard of it, milliseconds.
    lag_p50_ms: u64,
    lag_p99_ms: u64,
    lag_max_ms: u64,
    /// Memory that Redis uses in the end.
    redis_mb: f64,
}

/// What one Redis bears.
#[derive(Debug, Serialize)]
pub struct Streams {
    fsync: String,
    seconds: u64,
    lines: Vec<Borne>,
}

impl fmt::Display for Streams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "one Redis, appendfsync {}, {} s each", self.fsync, self.seconds)?;
        writeln!(
            f,
            "{:>6} {:>5} {:>8} {:>8} {:>6} {:>10} {:>6} {:>7} {:>7} {:>6} {:>6} {:>6} {:>7}",
            "venues",
            "nodes",
            "wanted/s",
            "kept/s",
            "heard",
            "commands/s",
            "core",
            "in MB/s",
            "out",
            "p50 ms",
            "p99",
            "max",
            "MB"
        )?;
        for line in &self.lines {
            writeln!(
                f,
                "{:>6} {:>5} {:>8.0} {:>8.0} {:>5.1}% {:>10.0} {:>5.0}% {:>7.2} {:>7.2} {:>6} {:>6} {:>6} {:>7.0}",
                line.venues,
                line.nodes,
                line.wanted_per_s,
                line.written_per_s,
                line.heard_share * 100.0,
                line.commands_per_s,
                line.redis_cpu * 100.0,
                line.in_mb_per_s,
                line.out_mb_per_s,
                line.lag_p50_ms,
                line.lag_p99_ms,
                line.lag_max_ms,
                line.redis_mb
            )?;
        }
        Ok(())
    }
}

type Failed = Box<dyn Error>;

/// Measures every number of venues with every number of nodes.
pub async fn run(options: StreamsOptions) -> Result<Streams, Failed> {
    let mut lines = Vec::new();
    for venues in &options.venues {
        for nodes in &options.nodes {
            // Beside the table, which goes to standard output.
            drop(writeln!(std::io::stderr(), "{venues} venues, {nodes} nodes"));
            lines.push(bear(&options, *venues, *nodes).await?);
        }
    }
    Ok(Streams { fsync: options.fsync, seconds: options.seconds, lines })
}

/// What Redis counted so far.
struct Counted {
    at: Instant,
    commands: f64,
    cpu_s: f64,
    bytes_in: f64,
    bytes_out: f64,
    memory: f64,
}

impl Counted {
    fn now(redis: &Redis) -> Result<Self, Failed> {
        let text = redis.cli(&["info", "all"])?;
        let number = |name: &str| -> Result<f64, Failed> {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            Ok(line.ok_or_else(|| format!("Redis does not tell its {name}"))?.trim().parse()?)
        };
        Ok(Self {
            at: Instant::now(),
            commands: number("total_commands_processed")?,
            cpu_s: number("used_cpu_sys")? + number("used_cpu_user")?,
            bytes_in: number("total_net_input_bytes")?,
            bytes_out: number("total_net_output_bytes")?,
            memory: number("used_memory")?,
        })
    }
}

/// What a node heard of.
struct Heard {
    changes: u64,
    lags_ms: Histogram<u64>,
}

impl Heard {
    fn nothing() -> Result<Self, Failed> {
        Ok(Self { changes: 0, lags_ms: Histogram::new_with_max(LAG_MAX_MS, 3)? })
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
async fn bear(options: &StreamsOptions, venues: u64, nodes: u64) -> Result<Borne, Failed> {
    let redis = Redis::start_with(&["--appendfsync", &options.fsync])?;
    let ack = if options.fsync == "always" { Ack::Always } else { Ack::Everysec };
    let reach = RedisOptions { ack, ..RedisOptions::single(RedisUrl::parse(&redis.url())?) };
    let configs = (0..venues).map(venue).collect::<Result<Vec<_>, _>>()?;
    let ids: Vec<VenueId> = configs.iter().map(|config| config.id.clone()).collect();
    let arbiter = Arbiter::new();
    let registry = Rc::new(Registry::new(
        configs.into_iter().map(Into::into).collect(),
        Arc::new(RedisJournal::connect(reach.clone()).await?),
        Clock::machine(),
        Hubs::default(),
        Arc::new(Metrics::default()),
        arbiter.handle(),
    ));
    let open = async |id: &VenueId| -> Result<(), Failed> {
        let state = CounterState::Open;
        let open = Action::SetCounter { counter: CounterId::parse("1")?, state, services: None };
        registry.submit(id, Command::system(open)).await?;
        Ok(())
    };
    iter(&ids).map(open).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
    let (begins, measured) = (Instant::now() + WARM, Duration::from_secs(options.seconds));
    let mut following = Vec::new();
    for nth in 0..nodes {
        let journal = RedisJournal::connect(reach.clone()).await?;
        let (mine, others): (Vec<_>, Vec<_>) = ids.iter().cloned().zip(0_u64..).partition(|(_, at)| at % nodes == nth);
        let mine: Vec<VenueId> = mine.into_iter().map(|(id, _)| id).collect();
        let others: Vec<VenueId> = others.into_iter().map(|(id, _)| id).collect();
        let me = Node { name: format!("node-{nth}"), address: "http://127.0.0.1".to_owned(), instance: "1".to_owned() };
        iter(&mine)
            .map(|venue| journal.acquire(&me, venue, LEASE, true))
            .buffer_unordered(AT_ONCE)
            .try_collect::<Vec<bool>>()
            .await?;
        let (stop, stopped) = oneshot::channel::<()>();
        let (beating, all) = (journal.clone(), ids.clone());
        actix::spawn(async move { beat(&beating, &me, &all, &mine, stopped).await });
        following.push((stop, actix::spawn(follow(journal, others, begins, measured))));
    }
    let writing: Vec<_> = ids
        .iter()
        .zip(0_u64..)
        .map(|(id, at)| {
            // Not all at the same moment.
            let first = Duration::from_secs_f64(at as f64 / venues as f64 / options.per_s);
            actix::spawn(write(registry.clone(), id.clone(), first, options.per_s, begins, measured))
        })
        .collect();
    tokio::time::sleep_until(begins.into()).await;
    let before = Counted::now(&redis)?;
    tokio::time::sleep(measured).await;
    let after = Counted::now(&redis)?;
    let mut written = 0;
    for writer in writing {
        written += writer.await?.map_err(|error| error.to_string())?;
    }
    let mut heard = Heard::nothing()?;
    for (stop, follower) in following {
        let one = follower.await?.map_err(|error| error.to_string())?;
        heard.changes += one.changes;
        heard.lags_ms.add(one.lags_ms)?;
        drop(stop);
    }
    arbiter.stop();
    let seconds = (after.at - before.at).as_secs_f64();
    // Everybody hears of what others own.
    let due = written as f64 * (nodes - 1) as f64;
    Ok(Borne {
        venues,
        nodes,
        wanted_per_s: venues as f64 * options.per_s,
        written_per_s: written as f64 / measured.as_secs_f64(),
        heard_share: if due > 0.0 { heard.changes as f64 / due } else { 1.0 },
        commands_per_s: (after.commands - before.commands) / seconds,
        redis_cpu: (after.cpu_s - before.cpu_s) / seconds,
        in_mb_per_s: (after.bytes_in - before.bytes_in) / seconds / 1e6,
        out_mb_per_s: (after.bytes_out - before.bytes_out) / seconds / 1e6,
        lag_p50_ms: heard.lags_ms.value_at_quantile(0.5),
        lag_p99_ms: heard.lags_ms.value_at_quantile(0.99),
        lag_max_ms: heard.lags_ms.max(),
        redis_mb: after.memory / 1e6,
    })
}

fn venue(nth: u64) -> Result<VenueConfig, serde_json::Error> {
    serde_json::from_value(serde_json::json!({
        "id": format!("hall-{nth}"), "name": "Hall", "time_zone": "Asia/Shanghai",
        "service": [{ "id": "all", "name": "All", "prefix": "A" }],
        "counter": [{ "id": "1", "name": "1", "services": ["all"] }],
    }))
}

/// Somebody takes a number, and is called: by turns, when it is due. Tells how many changes that were while it was
/// measured.
async fn write(
    registry: Rc<Registry>,
    venue: VenueId,
    first: Duration,
    per_s: f64,
    begins: Instant,
    measured: Duration,
) -> Result<u64, Failed> {
    let mut due = Instant::now() + first;
    let (mut written, mut takes) = (0, true);
    while due < begins + measured {
        tokio::time::sleep_until(due.into()).await;
        let action = if takes {
            Action::TakeTicket {
                service: ServiceId::parse("all")?,
                lane: Lane::WalkIn,
                visitor: Visitor::default(),
                wants: None,
            }
        } else {
            Action::CallNext { counter: CounterId::parse("1")? }
        };
        // What Redis does not take in time is missing from what was written, and the venue is opened again.
        let is_written = registry.submit(&venue, Command::system(action)).await.is_ok();
        let now = Instant::now();
        written += u64::from(is_written && now >= begins && now < begins + measured);
        takes = !takes;
        due += Duration::from_secs_f64(1.0 / per_s);
    }
    Ok(written)
}

/// Shows itself, and renews what it owns, until it is told to stop.
async fn beat(
    journal: &RedisJournal,
    me: &Node,
    all: &[VenueId],
    mine: &[VenueId],
    mut stopped: oneshot::Receiver<()>,
) {
    loop {
        tokio::select! {
            _ = &mut stopped => return,
            () = tokio::time::sleep(LEASE / LOOKS_PER_LEASE) => {}
        }
        let looked = journal.beat(me, all, LEASE).await.is_ok() && journal.renew(me, mine, LEASE).await.is_ok();
        if !looked {
            drop(writeln!(std::io::stderr(), "  {}: Redis did not answer in time", me.name));
        }
    }
}

/// Hears of what others write, and how old it is then.
async fn follow(
    journal: RedisJournal,
    venues: Vec<VenueId>,
    begins: Instant,
    measured: Duration,
) -> Result<Heard, Failed> {
    let mut heard = Heard::nothing()?;
    let clock = Clock::machine();
    let start = Position { epoch: Epoch(0), seq: Seq(0) };
    let mut positions: BTreeMap<VenueId, Position> = venues.into_iter().map(|venue| (venue, start)).collect();
    if positions.is_empty() {
        return Ok(heard);
    }
    let until = begins + measured;
    while let Ok(news) = tokio::time::timeout_at(until.into(), journal.next(positions.clone())).await {
        let (now, counts) = (clock.now(), Instant::now() >= begins);
        // As a node does: what Redis did not tell in time is told later, and is older then.
        let Ok(news) = news else {
            tokio::time::sleep(TAIL_PAUSE).await;
            continue;
        };
        for (venue, epoch, changes) in news {
            let Some(last) = changes.last() else { continue };
            positions.insert(venue, Position { epoch, seq: last.seq });
            if counts {
                heard.changes += changes.len() as u64;
                let lags = changes.iter().map(|change| u64::try_from(now.0 - change.at.0).unwrap_or_default());
                lags.for_each(|lag| heard.lags_ms.saturating_record(lag));
            }
        }
    }
    Ok(heard)
}
