//! A scenario: who is there, how many come and how fast they are called, and what goes wrong meanwhile. A file says it,
//! this runs it.
//!
//! Arrivals and calls are due when the schedule says so, made beforehand from the seed; each is sent then, whatever became
//! of those before it, and its latency is counted from when it was due. A server that stalls cannot hide it by keeping
//! its clients from asking.

use std::cell::RefCell;
use std::fmt;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use callnext::replay::client::ClientError;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::clerk::Clerk;
use crate::instant::{ms, now_ns};
use crate::process::{Process, eventually};
use crate::server::BOARD;
use crate::viewers::{Ask, By, Gallery, GalleryError, Standing, Viewers};

/// Latencies are kept to three digits, up to ten minutes.
const LATENCY_MAX_NS: u64 = 600 * crate::instant::NS_PER_S;
/// What is on its way when the time is over may take so long.
const SETTLE: Duration = Duration::from_secs(20);
/// How often progress is told and phones of new tickets are opened.
const STEP: Duration = Duration::from_secs(1);

/// What is run.
#[derive(Debug, Clone, clap::Args)]
pub struct ScenarioOptions {
    /// The scenario, such as loadtest/scenarios/service-hall.toml
    pub file: PathBuf,
    /// Seconds it lasts, instead of what the file says
    #[arg(long, value_name = "S")]
    pub seconds: Option<u32>,
    /// Threads of the server
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub workers: usize,
}

/// A scenario, as it is written.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it is.
    pub name: String,
    /// How long it lasts.
    pub seconds: u32,
    /// Begins the schedule of arrivals.
    #[serde(default)]
    pub seed: u64,
    /// Screens.
    pub boards: usize,
    /// People who wait when it begins.
    #[serde(default)]
    pub waiting: usize,
    /// Whether every ticket's phone is open.
    #[serde(default)]
    pub phones: bool,
    /// Numbers taken a second, at random moments.
    pub arrivals_per_s: f64,
    /// Calls a second, at random moments.
    pub calls_per_s: f64,
    /// Viewers that never read.
    #[serde(default)]
    pub deaf: usize,
    /// Viewers that come, see one frame and go, a second.
    #[serde(default)]
    pub churn_per_s: f64,
    /// Viewers that are cut off, and how often.
    #[serde(default)]
    pub kicks: Option<Kicks>,
    /// When the server is killed and started again, seconds from the beginning.
    #[serde(default)]
    pub kill_at_s: Option<u32>,
}

/// Viewers that are cut off again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kicks {
    /// How many.
    pub count: usize,
    /// How often, milliseconds.
    pub every_ms: u64,
}

/// Why a scenario has no report.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file.
    #[error("{}: {problem}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Viewers.
    #[error(transparent)]
    Gallery(#[from] GalleryError),
    /// The server said no.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A process.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl Scenario {
    /// Reads one.
    ///
    /// # Errors
    ///
    /// There is no such file, or it is not a scenario.
    pub fn read(path: &Path) -> Result<Self, ScenarioError> {
        let failed = |problem: String| ScenarioError::File { path: path.to_owned(), problem };
        let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        toml::from_str(&text).map_err(|error| failed(error.to_string()))
    }
}

/// Latencies of one kind, milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Latency {
    pub count: u64,
    pub p50_ms: f64,
    pub p90_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
}

impl From<&Histogram<u64>> for Latency {
    fn from(of: &Histogram<u64>) -> Self {
        let at = |share| ms(of.value_at_quantile(share));
        Self { count: of.len(), p50_ms: at(0.5), p90_ms: at(0.9), p99_ms: at(0.99), max_ms: ms(of.max()) }
    }
}

/// What came of a scenario.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// What it was.
    pub scenario: String,
    /// Whether all is as it must be.
    pub ok: bool,
    /// Numbers taken, from when each was due.
    pub numbers: Latency,
    /// Calls made, from when each was due to the answer.
    pub calls: Latency,
    /// The same, to each board that was open all the time.
    pub call_to_board: Latency,
    /// Requests that failed.
    pub failed: u64,
    /// Viewers that did not end with the newest state.
    pub not_current: u64,
    /// What boards and phones saw that must not be.
    pub violations: u64,
    /// The first of them.
    pub first_violations: Vec<String>,
    /// Connections that came back.
    pub returns: u64,
    /// Times viewers were told to wait (503).
    pub told_to_wait: u64,
    /// Viewers that came, saw and went.
    pub churned: u64,
    /// Frames that came.
    pub frames: u64,
    /// Processor seconds of the server.
    pub server_cpu_s: f64,
    /// Resident memory of the server at the end, MB.
    pub server_mb: f64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.scenario)?;
        writeln!(f, "{:<26} {:>8} {:>10} {:>10} {:>10} {:>10}", "ms", "count", "p50", "p90", "p99", "max")?;
        for (what, latency) in
            [("number taken", self.numbers), ("call answered", self.calls), ("call on a board", self.call_to_board)]
        {
            let Latency { count, p50_ms, p90_ms, p99_ms, max_ms } = latency;
            writeln!(f, "{what:<26} {count:>8} {p50_ms:>10.1} {p90_ms:>10.1} {p99_ms:>10.1} {max_ms:>10.1}")?;
        }
        writeln!(f)?;
        for (what, count) in [
            ("frames", self.frames),
            ("connections came back", self.returns),
            ("told to wait", self.told_to_wait),
            ("came, saw and went", self.churned),
            ("requests failed", self.failed),
            ("viewers not current", self.not_current),
            ("violations", self.violations),
        ] {
            writeln!(f, "{what:<26} {count:>8}")?;
        }
        writeln!(f, "{:<26} {:>8.1}", "server, core seconds", self.server_cpu_s)?;
        writeln!(f, "{:<26} {:>8.1}", "server, MB", self.server_mb)?;
        self.first_violations.iter().try_for_each(|violation| writeln!(f, "  {violation}"))?;
        writeln!(f, "\n{}", if self.ok { "good" } else { "NOT GOOD" })
    }
}

/// What the requests came to.
struct Asked {
    numbers: Histogram<u64>,
    calls: Histogram<u64>,
    /// Which call was due when.
    due: Vec<(u64, u64)>,
    phones: Vec<String>,
    failed: u64,
}

/// Moments at random, so many a second on average: the same for the same seed.
pub fn moments(seed: u64, per_s: f64, seconds: u32) -> Vec<Duration> {
    let (mut state, mut at, mut all) = (seed, 0.0, Vec::new());
    if per_s <= 0.0 {
        return all;
    }
    loop {
        // Of numbers spread evenly, the logarithm gives the gaps between independent arrivals.
        at -= (1.0 - fraction(&mut state)).ln() / per_s;
        if at >= f64::from(seconds) {
            break;
        }
        all.push(Duration::from_secs_f64(at));
    }
    all
}

/// The next of a row of numbers from 0 to below 1 (SplitMix64).
#[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
fn fraction(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

fn histogram() -> std::io::Result<Histogram<u64>> {
    Histogram::new_with_max(LATENCY_MAX_NS, 3).map_err(std::io::Error::other)
}

/// The server of a scenario, which may be killed.
struct Host {
    folder: tempfile::TempDir,
    workers: usize,
    process: Process,
}

impl Host {
    fn start(workers: usize) -> Result<Self, ScenarioError> {
        let folder = tempfile::tempdir()?;
        let process = Self::process(folder.path(), workers, None)?;
        Ok(Self { folder, workers, process })
    }

    fn process(folder: &Path, workers: usize, listen: Option<SocketAddr>) -> std::io::Result<Process> {
        let (data, workers) = (folder.join("data"), workers.to_string());
        let listen = listen.map_or_else(|| "127.0.0.1:0".to_owned(), |address| address.to_string());
        let data = data.to_string_lossy();
        Process::start(&["server", "--on-disk", "--data", &data, "--workers", &workers, "--listen", &listen])
    }

    /// `kill -9`, and again on the same port and folder.
    fn kill_and_start(&mut self) -> Result<(), ScenarioError> {
        self.process.kill()?;
        self.process = Self::process(self.folder.path(), self.workers, Some(self.process.address))?;
        Ok(())
    }
}

/// Runs a scenario against a server of its own, its journal on the disk.
///
/// # Errors
///
/// It could not be run; what the server did wrong is in the report.
pub async fn run(options: &ScenarioOptions) -> Result<Report, ScenarioError> {
    let mut scenario = Scenario::read(&options.file)?;
    scenario.seconds = options.seconds.unwrap_or(scenario.seconds);
    let mut host = Host::start(options.workers)?;
    let server = host.process.address;
    let clerk = Rc::new(RefCell::new(Clerk::at(server).await?));
    let first_phones = take(&clerk, scenario.waiting).await?;
    let (mut boards, mut phones) = (Gallery::start()?, Gallery::start()?);
    let mut others = Gallery::start()?;
    if scenario.boards > 0 {
        boards.open(server, vec![Viewers::boards(BOARD, scenario.boards)], None).await?;
    }
    if scenario.phones && !first_phones.is_empty() {
        phones.open(server, vec![Viewers::phones(first_phones)], None).await?;
    }
    if scenario.deaf > 0 {
        others.open(server, vec![Viewers::deaf(BOARD, scenario.deaf)], None).await?;
    }
    if scenario.churn_per_s > 0.0 {
        others.say(&Ask::Churn { server, path: BOARD.to_owned(), per_s: scenario.churn_per_s }).await?;
    }
    let asked = Rc::new(RefCell::new(Asked {
        numbers: histogram()?,
        calls: histogram()?,
        due: Vec::new(),
        phones: Vec::new(),
        failed: 0,
    }));
    let cpu = host.process.cpu()?;
    let begun = Instant::now();
    let schedule = actix::spawn(keep_schedule(scenario.clone(), clerk.clone(), asked.clone(), begun));
    let mut killed = false;
    let mut next_kick = begun;
    let end = begun + Duration::from_secs(scenario.seconds.into());
    let mut step = begun + STEP;
    while Instant::now() < end {
        let kick = scenario.kicks.map(|kicks| (next_kick, kicks));
        let wake = kick.map_or(step, |(at, _)| at.min(step));
        tokio::time::sleep_until(wake).await;
        if let Some((at, Kicks { count, every_ms })) = kick
            && Instant::now() >= at
        {
            boards.say(&Ask::Kick { count }).await?;
            next_kick += Duration::from_millis(every_ms);
        }
        if Instant::now() < step {
            continue;
        }
        step += STEP;
        let passed = begun.elapsed().as_secs();
        if scenario.kill_at_s.is_some_and(|at| passed >= at.into()) && !std::mem::replace(&mut killed, true) {
            host.kill_and_start()?;
        }
        let opened = std::mem::take(&mut asked.borrow_mut().phones);
        if scenario.phones && !opened.is_empty() {
            phones.open(server, vec![Viewers::phones(opened)], None).await?;
        }
        let asked = asked.borrow();
        let line = format!(
            "\r{passed:>4} s  {:>6} numbers  {:>6} calls  {} failed ",
            asked.numbers.len(),
            asked.calls.len(),
            asked.failed
        );
        drop(std::io::stderr().write_all(line.as_bytes()));
    }
    // It ends by itself when everything that was due has been answered.
    drop(schedule.await);
    drop(writeln!(std::io::stderr()));
    report(&scenario, &mut host, &clerk, &asked, killed, cpu, [&mut boards, &mut phones, &mut others]).await
}

/// Sends everything when it is due.
async fn keep_schedule(scenario: Scenario, clerk: Rc<RefCell<Clerk>>, asked: Rc<RefCell<Asked>>, begun: Instant) {
    let begun_ns = now_ns();
    let numbers = moments(scenario.seed, scenario.arrivals_per_s, scenario.seconds).into_iter().map(|at| (at, false));
    let calls = moments(!scenario.seed, scenario.calls_per_s, scenario.seconds).into_iter().map(|at| (at, true));
    let mut all: Vec<(Duration, bool)> = numbers.chain(calls).collect();
    all.sort_unstable();
    let mut sent = Vec::new();
    for (at, is_call) in all {
        tokio::time::sleep_until(begun + at).await;
        let due = begun_ns + u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
        sent.push(actix::spawn(ask(clerk.clone(), asked.clone(), due, is_call)));
    }
    for one in sent {
        // Whatever failed has been counted.
        drop(one.await);
    }
}

async fn ask(clerk: Rc<RefCell<Clerk>>, asked: Rc<RefCell<Asked>>, due: u64, is_call: bool) {
    if is_call {
        let call = clerk.borrow_mut().next_call();
        let answer = call.await;
        let mut asked = asked.borrow_mut();
        match answer {
            Ok(call) => {
                asked.calls.saturating_record(now_ns().saturating_sub(due));
                asked.due.extend(call.map(|call| (call, due)));
            }
            Err(_) => asked.failed += 1,
        }
    } else {
        let number = clerk.borrow().next_number();
        let answer = number.await;
        let mut asked = asked.borrow_mut();
        match answer {
            Ok(phone) => {
                asked.numbers.saturating_record(now_ns().saturating_sub(due));
                asked.phones.push(phone);
            }
            Err(_) => asked.failed += 1,
        }
    }
}

async fn take(clerk: &Rc<RefCell<Clerk>>, count: usize) -> Result<Vec<String>, ScenarioError> {
    let taken = clerk.borrow().take_many(count);
    Ok(taken.await?)
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
async fn report(
    scenario: &Scenario,
    host: &mut Host,
    clerk: &Rc<RefCell<Clerk>>,
    asked: &Rc<RefCell<Asked>>,
    killed: bool,
    cpu: Duration,
    [boards, phones, others]: [&mut Gallery; 3],
) -> Result<Report, ScenarioError> {
    let seq = clerk.borrow().seen_seq();
    let seq = seq.await?;
    let mut standings = Vec::new();
    for gallery in [&mut *boards, &mut *phones] {
        eventually(SETTLE, async || {
            let Standing { current, wanted, .. } = gallery.look().await?;
            Ok::<_, ScenarioError>(current == wanted)
        })
        .await?;
        standings.push(gallery.look().await?);
    }
    let mut due = std::mem::take(&mut asked.borrow_mut().due);
    due.sort_unstable();
    let tally = boards.tally(By::Call, due, 0).await?;
    let churned = others.look().await?.churned;
    let of = |what: fn(&Standing) -> u64| standings.iter().map(what).sum::<u64>();
    // Phones of people who are not concerned by the last change stand where they last were.
    let not_current = standings
        .first()
        .map_or(0, |boards| if boards.newest < seq { boards.wanted } else { boards.wanted - boards.current });
    let not_open = standings.get(1).map_or(0, |phones| phones.wanted - phones.open);
    let asked = asked.borrow();
    let violations = of(|standing| standing.violations);
    // A request that met the killed server is tried again with its key; one that never got through is a failure.
    let ok = violations == 0 && not_current == 0 && not_open == 0 && asked.failed == 0;
    let call_to_board = Latency {
        count: tally.delivered,
        p50_ms: ms(tally.p50_ns),
        p90_ms: ms(tally.p90_ns),
        p99_ms: ms(tally.p99_ns),
        max_ms: ms(tally.max_ns),
    };
    Ok(Report {
        scenario: scenario.name.clone(),
        ok,
        numbers: Latency::from(&asked.numbers),
        calls: Latency::from(&asked.calls),
        call_to_board,
        failed: asked.failed,
        not_current: not_current + not_open,
        violations,
        first_violations: standings.iter().flat_map(|standing| standing.first_violations.clone()).collect(),
        returns: of(|standing| standing.returns),
        told_to_wait: of(|standing| standing.shed),
        churned,
        frames: of(|standing| standing.frames),
        server_cpu_s: (host.process.cpu()?.saturating_sub(if killed { Duration::ZERO } else { cpu })).as_secs_f64(),
        server_mb: host.process.memory()?.resident as f64 / 1e6,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scenarios_of_this_folder_can_be_read() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
        let mut names = Vec::new();
        for file in std::fs::read_dir(folder).unwrap() {
            names.push(Scenario::read(&file.unwrap().path()).unwrap().name);
        }
        assert_eq!(names.len(), 6, "{names:?}");
    }

    #[test]
    fn what_is_no_scenario_is_told() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "name = \"x\"\nsecond = 3\n").unwrap();
        let told = Scenario::read(file.path()).unwrap_err().to_string();
        assert!(told.contains("second"), "{told}");
    }

    #[test]
    fn moments_are_random_and_the_same_for_the_same_seed() {
        let all = moments(7, 10.0, 1_000);
        assert_eq!(all, moments(7, 10.0, 1_000));
        assert_ne!(all, moments(8, 10.0, 1_000));
        assert!(all.is_sorted() && (9_700..10_300).contains(&all.len()), "{}", all.len());
        assert!(moments(7, 0.0, 10).is_empty());
    }
}
