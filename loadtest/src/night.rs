//! A night: a big day is written, verified and tabled while the same venue goes on calling.
//!
//! One process and one run: quiet and busy spells take turns, so that both see the same machine. The venue, its actor
//! and its journal are the server's own; only the network is left out, which would hide what is measured.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::Arbiter;
use callnext::clock::Clock;
use callnext::journal::{Journal, JournalError, SqliteJournal};
use callnext::metrics::Metrics;
use callnext::snapshot::keeper::DayRange;
use callnext::snapshot::{Keeper, Manifest, SnapshotError, SnapshotSettings, Store};
use callnext::venues::{Hubs, Registry, RegistryError};
use callnext_engine::counter::CounterState;
use callnext_engine::ticket::Visitor;
use callnext_engine::{
    Action, BusinessDay, Change, Command, CounterId, Decision, Lane, Millis, Timestamp, Venue, VenueConfig,
};
use futures_util::future::join_all;
use serde::Serialize;

/// A day that must be written in this time has this many tickets.
const BAR_TICKETS: u32 = 20_000;
/// The time: written, read back, tables and all.
const BAR_WRITE: Duration = Duration::from_secs(3);
/// The slowest call while it is written may take so many times as long as the slowest in a quiet spell.
const BAR_SLOWER: u32 = 3;
/// Changes that are put into the journal at once.
const BATCH: usize = 500;

/// A night.
#[derive(Clone, clap::Args)]
pub struct NightOptions {
    /// Tickets of the day that is written
    #[arg(long, value_name = "N", default_value_t = BAR_TICKETS)]
    tickets: u32,
    /// Counters of the venue
    #[arg(long, value_name = "N", default_value_t = 40)]
    counters: u32,
    /// Numbers taken and calls made each second while it is written
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=2_000))]
    rate: u32,
    /// Quiet and busy spells, of some seconds each
    #[arg(long, value_name = "N", default_value_t = 3)]
    spells: u32,
}

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum NightRunError {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Its file.
    #[error(transparent)]
    Database(#[from] callnext::database::DatabaseError),
    /// The snapshot.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The venue.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The folder.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The venue's declaration.
    #[error(transparent)]
    Config(#[from] serde_json::Error),
    /// The venue did not do what it was asked.
    #[error("the venue refused: {0}")]
    Refused(String),
}

/// What came of a night. Times are microseconds, sizes bytes.
#[derive(Debug, Clone, Serialize)]
pub struct Night {
    tickets: u64,
    changes: u64,
    content_bytes: u64,
    file_bytes: u64,
    write_us: Vec<u64>,
    memory_before: u64,
    memory_peak: u64,
    quiet: Spell,
    busy: Spell,
    is_good: bool,
}

/// How long answers took.
#[derive(Debug, Clone, Serialize)]
struct Spell {
    answers: usize,
    median_us: u64,
    p99_us: u64,
    slowest_us: u64,
}

impl Spell {
    fn of(mut took: Vec<Duration>) -> Self {
        took.sort_unstable();
        let at =
            |percent: usize| took.get((took.len() * percent / 100).min(took.len().saturating_sub(1))).map_or(0, micros);
        Self { answers: took.len(), median_us: at(50), p99_us: at(99), slowest_us: at(100) }
    }
}

fn micros(span: &Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

impl Night {
    /// Whether it is as it must be.
    pub fn is_good(&self) -> bool {
        self.is_good
    }
}

impl fmt::Display for Night {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |us: u64| format!("{}.{:03} ms", us / 1000, us % 1000);
        let mib = |bytes: u64| format!("{}.{} MiB", bytes >> 20, ((bytes & 0xf_ffff) * 10) >> 20);
        writeln!(
            f,
            "the day           {} tickets, {} changes, {} of content",
            self.tickets,
            self.changes,
            mib(self.content_bytes)
        )?;
        writeln!(f, "its file          {}", mib(self.file_bytes))?;
        let written: Vec<_> = self.write_us.iter().copied().map(ms).collect();
        writeln!(f, "written, verified, with tables  {}", written.join(", "))?;
        let more = self.memory_peak.saturating_sub(self.memory_before);
        writeln!(
            f,
            "memory            {} before, {} more at the peak of the first",
            mib(self.memory_before),
            mib(more)
        )?;
        for (name, spell) in [("quiet", &self.quiet), ("while it is written", &self.busy)] {
            let Spell { answers, median_us, p99_us, slowest_us } = spell;
            let (median, p99, slowest) = (ms(*median_us), ms(*p99_us), ms(*slowest_us));
            writeln!(f, "{name}: {answers} answers, median {median}, 99 % {p99}, slowest {slowest}")?;
        }
        writeln!(f, "{}", if self.is_good { "good" } else { "NOT GOOD" })
    }
}

/// Runs a night.
///
/// # Errors
///
/// The machine or the venue could not do it; how well it was done is in what comes back.
pub async fn run(options: NightOptions) -> Result<Night, NightRunError> {
    let folder = std::env::temp_dir().join(format!("callnext-night-{}", std::process::id()));
    std::fs::create_dir(&folder)?;
    let ran = in_folder(&options, &folder).await;
    drop(std::fs::remove_dir_all(&folder));
    ran
}

async fn in_folder(options: &NightOptions, folder: &std::path::Path) -> Result<Night, NightRunError> {
    let config = venue(options.counters)?;
    let journal = SqliteJournal::open(&folder.join("journal.sqlite"))?;
    let (date, morning) = (day_of(&config, 0), day_of(&config, 1).start + Millis::from_mins(240));
    let seqs = fill(&journal, &config, options, date, morning).await?;
    let settings = SnapshotSettings::default();
    let keeper = Keeper::new(Arc::new(journal.clone()), Store::in_folder(&folder.join("snapshots")), settings);

    let arbiter = Arbiter::new();
    let clock = Clock::own(morning, 1);
    let metrics = Arc::new(Metrics::default());
    let registry = Registry::new(
        vec![config.clone().into()],
        Arc::new(journal),
        clock,
        Hubs::default(),
        metrics,
        arbiter.handle(),
    );
    let registry = Arc::new(registry);
    registry.open_all().await?;
    for counter in &config.counters {
        let (counter, state) = (counter.id.clone(), CounterState::Open);
        ask(&registry, &config, Action::SetCounter { counter, state, services: None }).await?;
    }

    let memory_before = status("VmRSS:")?;
    // 5: the peak is measured anew from here on.
    drop(std::fs::write("/proc/self/clear_refs", "5"));
    let mut write_us = Vec::new();
    let begun = Instant::now();
    let manifest = keeper.write(&config.id, seqs).await?;
    write_us.push(micros(&begun.elapsed()));
    let memory_peak = status("VmHWM:")?;

    let (mut quiet, mut busy) = (Vec::new(), Vec::new());
    for _ in 0..options.spells {
        quiet.extend(load(&registry, &config, options.rate, tokio::time::sleep(Duration::from_secs(3))).await?);
        let writing = async {
            let begun = Instant::now();
            let written = keeper.write(&config.id, seqs).await;
            write_us.push(micros(&begun.elapsed()));
            // A little longer than the writing itself: what it leaves behind counts too.
            tokio::time::sleep(Duration::from_millis(300)).await;
            drop(written);
        };
        busy.extend(load(&registry, &config, options.rate, writing).await?);
    }
    let file = folder.join(format!("snapshots/{}/{}.callnext.zst", config.id, manifest.date));
    Ok(night(&manifest, std::fs::metadata(file)?.len(), write_us, (memory_before, memory_peak), quiet, busy))
}

fn night(
    manifest: &Manifest,
    file_bytes: u64,
    write_us: Vec<u64>,
    (memory_before, memory_peak): (u64, u64),
    quiet: Vec<Duration>,
    busy: Vec<Duration>,
) -> Night {
    let (quiet, busy) = (Spell::of(quiet), Spell::of(busy));
    let fast = manifest.counts.tickets > u64::from(BAR_TICKETS) || write_us.iter().all(|us| *us < micros(&BAR_WRITE));
    let is_good = fast && busy.slowest_us < quiet.slowest_us * u64::from(BAR_SLOWER);
    Night {
        tickets: manifest.counts.tickets,
        changes: manifest.counts.changes,
        content_bytes: manifest.content_bytes,
        file_bytes,
        write_us,
        memory_before,
        memory_peak,
        quiet,
        busy,
        is_good,
    }
}

/// Numbers are taken and calls are made at fixed moments, whether or not the last one was answered, until `until` ends.
async fn load(
    registry: &Arc<Registry>,
    config: &VenueConfig,
    rate: u32,
    until: impl Future<Output = ()>,
) -> Result<Vec<Duration>, NightRunError> {
    tokio::pin!(until);
    let mut due = tokio::time::interval(Duration::from_secs(1) / rate);
    let (mut asked, mut counters) = (Vec::new(), config.counters.iter().cycle());
    let mut takes = true;
    loop {
        let moment = tokio::select! {
            moment = due.tick() => moment,
            () = &mut until => break,
        };
        let action = match counters.next().filter(|_| !takes) {
            Some(counter) => Action::CallNext { counter: counter.id.clone() },
            None => take(config),
        };
        takes = !takes;
        let (registry, config) = (Arc::clone(registry), config.clone());
        asked.push(actix::spawn(async move {
            ask(&registry, &config, action).await?;
            Ok::<_, NightRunError>(moment.elapsed())
        }));
    }
    let refused = |error: &dyn fmt::Display| NightRunError::Refused(error.to_string());
    join_all(asked).await.into_iter().map(|took| took.map_err(|error| refused(&error))?).collect()
}

async fn ask(registry: &Registry, config: &VenueConfig, action: Action) -> Result<(), NightRunError> {
    let answer = registry.submit(&config.id, Command::system(action)).await;
    answer.map(drop).map_err(|error| NightRunError::Refused(error.to_string()))
}

fn take(config: &VenueConfig) -> Action {
    // The only service, or none where the declaration is not the one below: then nothing is taken, and it shows.
    config.services.first().map_or(Action::Tick, |service| Action::TakeTicket {
        service: service.id.clone(),
        lane: Lane::WalkIn,
        visitor: Visitor::default(),
        wants: None,
    })
}

fn venue(counters: u32) -> Result<VenueConfig, serde_json::Error> {
    let counter = |n: u32| serde_json::json!({ "id": format!("c{n}"), "name": n.to_string(), "services": ["all"] });
    let counters: Vec<_> = (1..=counters).map(counter).collect();
    serde_json::from_value(serde_json::json!({
        "id": "hall", "name": "Hall", "time_zone": "Asia/Shanghai",
        "service": [{ "id": "all", "name": "All", "prefix": "A" }],
        "counter": counters,
    }))
}

/// A business day, counted from the first.
fn day_of(config: &VenueConfig, nth: i64) -> BusinessDay {
    const FIRST: Timestamp = Timestamp(1_772_416_800_000);
    BusinessDay::holding(FIRST + Millis::from_mins(24 * 60 * nth), config.time_zone, config.day_start)
}

/// Plays a day: people come evenly over ten hours, each is called, served and goes. Then the next day begins.
async fn fill(
    journal: &SqliteJournal,
    config: &VenueConfig,
    options: &NightOptions,
    day: BusinessDay,
    next: Timestamp,
) -> Result<DayRange, NightRunError> {
    let epoch = journal.open(&config.id).await?.epoch;
    let mut venue = Venue::new(config.clone());
    let opens = day.start + Millis::from_mins(4 * 60);
    let mut changes: Vec<Change> = venue.advance(opens);
    let counters: Vec<CounterId> = config.counters.iter().map(|counter| counter.id.clone()).collect();
    let open = |counter: &CounterId| Action::SetCounter {
        counter: counter.clone(),
        state: CounterState::Open,
        services: None,
    };
    for counter in &counters {
        does(&mut venue, open(counter), opens, &mut changes)?;
    }
    let gap = 36_000_000 / i64::from(options.tickets);
    // Some forty wait at any time, so that estimates are made and looked at.
    let waiting = 40;
    for n in 0..i64::from(options.tickets) {
        let now = opens + Millis(gap * n);
        does(&mut venue, take(config), now, &mut changes)?;
        let at = usize::try_from(n).unwrap_or_default() % counters.len();
        if let Some(counter) = counters.get(at).filter(|_| n >= waiting) {
            does(&mut venue, Action::CallNext { counter: counter.clone() }, now, &mut changes)?;
            does(&mut venue, Action::Start { counter: counter.clone() }, now + Millis(gap / 2), &mut changes)?;
        }
        if changes.len() >= BATCH {
            journal.append(&config.id, epoch, std::mem::take(&mut changes)).await?;
        }
    }
    changes.extend(venue.advance(next));
    journal.append(&config.id, epoch, changes).await?;
    let days = journal.days(&config.id).await?;
    let first = days.first().copied().unwrap_or_default();
    Ok(DayRange { first, next: days.get(1).copied() })
}

fn does(venue: &mut Venue, action: Action, now: Timestamp, changes: &mut Vec<Change>) -> Result<(), NightRunError> {
    match venue.execute(&Command::system(action), now) {
        Ok(Decision::Changed(change)) => changes.push(change),
        Ok(Decision::Unchanged(_) | Decision::Repeated(_)) => {}
        Err(refusal) => return Err(NightRunError::Refused(refusal.code().to_owned())),
    }
    Ok(())
}

/// A figure of this process, in bytes.
fn status(name: &str) -> Result<u64, std::io::Error> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok());
    kilobytes.map(|kilobytes| kilobytes * 1024).ok_or_else(|| std::io::Error::other("the system tells no memory"))
}
