//! Everything goes wrong: three real nodes and their Redis under load, one fault after another, and a judge.
//!
//! A round: people work at every node, something fails and is put right, everybody gets their answer, and what they
//! were told is held against what the journal has ([`history`]). The seed says what fails, where and when; how the
//! processes run into it is the machine's own doing.

mod fault;
mod history;
mod line;
mod nodes;
mod people;

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use callnext::journal::JournalError;
use callnext::journal::redis::{NotARedisUrl, RedisError};

use self::fault::{Chance, Fault};
pub(crate) use self::nodes::free_port;
use self::nodes::{LEASE, NAMES, Nodes, REDIS_PATIENCE, Setting, until};
use self::people::People;
use crate::redis::NoRedis;

/// Rounds on the same nodes: then new ones are started, so that a day stays short.
const ROUNDS_EACH: u32 = 10;
/// Every so many of them, with Sentinel and a replica.
const SENTINEL_EVERY: u32 = 4;
/// How long people work before something fails, at least and at most, milliseconds.
const BEFORE_MS: (u64, u64) = (200, 900);
/// One round in so many has two faults at one time.
const TWO_IN: u64 = 4;
/// How long people go on working once all is well again.
const AFTER: Duration = Duration::from_millis(700);
/// A wrong that is there is told this many times for each round: the rest says no more.
const WRONGS_MAX: usize = 10;

/// What is to go wrong.
#[derive(Debug, Clone, clap::Args)]
pub struct ChaosOptions {
    /// Faults, one after another
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,
    /// What is drawn: the same seed, the same faults
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The program to run as a node
    #[arg(long, value_name = "FILE", default_value = "target/debug/callnext")]
    pub program: PathBuf,
    /// Only faults with this in their description
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
    /// Instead of rounds: one server that works alone, and its Redis away for so many seconds
    #[arg(long, value_name = "SECONDS", conflicts_with_all = ["rounds", "only"])]
    pub away: Option<u64>,
}

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum ChaosError {
    /// A file or a process.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// No Redis.
    #[error(transparent)]
    NoRedis(#[from] NoRedis),
    /// Redis cannot be read.
    #[error(transparent)]
    Redis(#[from] RedisError),
    /// Its address.
    #[error(transparent)]
    Url(#[from] NotARedisUrl),
    /// The history cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The venue's declaration.
    #[error(transparent)]
    Venue(#[from] serde_json::Error),
    /// The nodes could not be made ready for people.
    #[error("the nodes cannot be set up: {0}")]
    SetUp(String),
    /// Nothing ever came of it.
    #[error("it never came: {0}")]
    Never(String),
    /// A round in which nothing goes wrong would prove nothing.
    #[error("there is no fault that could be made here with {0:?} in its name; clocks jump with libfaketime alone")]
    NoFault(String),
}

/// What came of all rounds.
#[derive(Debug, Default)]
pub struct Chaos {
    /// Rounds in which everything was as it must be.
    pub passed: u32,
    /// The others.
    pub failed: u32,
    /// Answers that people got.
    pub answers: usize,
}

impl Chaos {
    /// Whether nothing happened that must not.
    pub fn is_good(&self) -> bool {
        self.failed == 0
    }
}

impl std::fmt::Display for Chaos {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{} passed, {} failed, {} answers", self.passed, self.failed, self.answers)
    }
}

/// Runs the rounds, and tells of each as it ends.
///
/// # Errors
///
/// Something could not be started, or never came back.
pub async fn run(options: &ChaosOptions, mut out: impl std::io::Write) -> Result<Chaos, ChaosError> {
    if let Some(seconds) = options.away {
        return alone(options, Duration::from_secs(seconds), out).await;
    }
    let mut chance = Chance::new(options.seed);
    let mut chaos = Chaos::default();
    writeln!(out, "seed {}, {} rounds", options.seed, options.rounds)?;
    let has_clock = Nodes::has_clock();
    if !has_clock {
        writeln!(out, "no clock will jump, and this seed draws other faults than elsewhere: install libfaketime")?;
    }
    let mut round = 0;
    while round < options.rounds {
        let with_sentinel = (round / ROUNDS_EACH + 1).is_multiple_of(SENTINEL_EVERY)
            || options.only.as_ref().is_some_and(|only| Fault::Promote.to_string().contains(only.as_str()));
        let setting = if with_sentinel { Setting::Sentinel } else { Setting::Lines };
        let nodes = Rc::new(Nodes::start(&options.program, setting).await?);
        let people = People::come(nodes.clone());
        let until = options.rounds.min(round + ROUNDS_EACH);
        while round < until {
            round += 1;
            let faults = draw(&mut chance, with_sentinel, has_clock, options.only.as_deref());
            if faults.is_empty() {
                return Err(ChaosError::NoFault(options.only.clone().unwrap_or_default()));
            }
            let named = faults.iter().map(ToString::to_string).collect::<Vec<_>>().join(", and ");
            write!(out, "round {round}: {named}: ")?;
            out.flush()?;
            let before = people.answers();
            let wrongs = play(&nodes, &people, &faults, &mut chance).await?;
            let answers = people.answers() - before;
            chaos.answers += answers;
            let silence = people.silence() / crate::instant::NS_PER_MS;
            if wrongs.is_empty() {
                chaos.passed += 1;
                writeln!(out, "good; {answers} answers, none for {silence} ms")?;
                continue;
            }
            chaos.failed += 1;
            writeln!(out, "WRONG; {answers} answers, none for {silence} ms")?;
            for wrong in wrongs.iter().take(WRONGS_MAX) {
                writeln!(out, "    {wrong}")?;
            }
            writeln!(out, "    {} wrongs; logs are in {}", wrongs.len(), nodes.keep().display())?;
            // What is wrong stays wrong: the next rounds begin on new nodes.
            break;
        }
        people.go_home();
        nodes.end();
    }
    Ok(chaos)
}

/// One server that works alone, and its Redis away: calling goes on, and afterwards Redis has everything, in order.
async fn alone(options: &ChaosOptions, span: Duration, mut out: impl std::io::Write) -> Result<Chaos, ChaosError> {
    let nodes = Rc::new(Nodes::start(&options.program, Setting::Alone).await?);
    let people = People::come(nodes.clone());
    people.work(true);
    tokio::time::sleep(AFTER).await;
    write!(out, "Redis is away for {} s: ", span.as_secs())?;
    out.flush()?;
    let before = people.answers();
    let just_before_it_is_back = async {
        tokio::time::sleep(span).await;
        people.answers() - before
    };
    let (meanwhile, back) = futures_util::future::join(just_before_it_is_back, nodes.kill_redis(span)).await;
    back?;
    tokio::time::sleep(AFTER).await;
    people.work(false);
    until("everybody has an answer", async || people.is_at_rest().then_some(())).await?;
    let begun = std::time::Instant::now();
    nodes.caught_up().await?;
    let took = begun.elapsed();
    let changes = nodes.history().await?;
    let mut wrongs = history::judge(&people.told.borrow(), &changes, nodes::venue()?);
    let silence = people.silence() / crate::instant::NS_PER_MS;
    if u128::from(silence) > (REDIS_PATIENCE * 2).as_millis() {
        wrongs.push(format!("nobody was answered for {silence} ms"));
    }
    let verdict = if wrongs.is_empty() { "good" } else { "WRONG" };
    writeln!(
        out,
        "{verdict}; {meanwhile} answers meanwhile, none for {silence} ms; everything in Redis {} ms after the last",
        took.as_millis()
    )?;
    for wrong in wrongs.iter().take(WRONGS_MAX) {
        writeln!(out, "    {wrong}")?;
    }
    people.go_home();
    nodes.end();
    let (passed, failed) = if wrongs.is_empty() { (1, 0) } else { (0, 1) };
    Ok(Chaos { passed, failed, answers: people.answers() })
}

/// The faults of a round; none where there are no such. What cannot be made here is not drawn: it would be called good.
fn draw(chance: &mut Chance, with_sentinel: bool, has_clock: bool, only: Option<&str>) -> Vec<Fault> {
    let all = if with_sentinel { &Fault::SENTINEL[..] } else { &Fault::SINGLE[..] };
    let can_be_made = |fault: &Fault| has_clock || *fault != Fault::ClockJump;
    let wanted = |fault: &&Fault| can_be_made(fault) && only.is_none_or(|only| fault.to_string().contains(only));
    let drawn: Vec<Fault> = all.iter().filter(wanted).copied().collect();
    let mut faults: Vec<Fault> = chance.of(&drawn).into_iter().collect();
    let second = chance.of(&drawn);
    if chance.below(TWO_IN) == 0
        && let (Some(first), Some(second)) = (faults.first(), second)
        && first != &second
        && first.takes_company()
        && second.takes_company()
    {
        faults.push(second);
    }
    faults
}

/// One round; tells what is wrong.
async fn play(
    nodes: &Nodes,
    people: &People,
    faults: &[Fault],
    chance: &mut Chance,
) -> Result<Vec<String>, ChaosError> {
    people.work(true);
    let (least, most) = BEFORE_MS;
    tokio::time::sleep(Duration::from_millis(least + chance.below(most - least))).await;
    let owner = nodes.owner().await?;
    let followers: Vec<usize> = (0..NAMES.len()).filter(|node| *node != owner).collect();
    let follower = chance.of(&followers).unwrap_or_default();
    for done in futures_util::future::join_all(faults.iter().map(|fault| fail(nodes, *fault, owner, follower))).await {
        done?;
    }
    tokio::time::sleep(AFTER).await;
    people.work(false);
    until("everybody has an answer", async || people.is_at_rest().then_some(())).await?;
    nodes.owner().await?;
    let changes = nodes.history().await?;
    Ok(history::judge(&people.told.borrow(), &changes, nodes::venue()?))
}

/// Something goes wrong, and is put right.
async fn fail(nodes: &Nodes, fault: Fault, owner: usize, follower: usize) -> Result<(), ChaosError> {
    let past_lease = LEASE * 2;
    match fault {
        Fault::KillOwner | Fault::KillFollower => {
            let node = if fault == Fault::KillOwner { owner } else { follower };
            nodes.kill(node)?;
            tokio::time::sleep(past_lease).await;
            nodes.begin(node).await?;
        }
        Fault::KillRedis => nodes.kill_redis(LEASE / 2).await?,
        Fault::SleepOwner => {
            nodes.signal(owner, "-STOP")?;
            tokio::time::sleep(past_lease).await;
            nodes.signal(owner, "-CONT")?;
        }
        Fault::CutOwner | Fault::CutFollower => {
            let node = if fault == Fault::CutOwner { owner } else { follower };
            nodes.cut(node, true);
            tokio::time::sleep(past_lease).await;
            nodes.cut(node, false);
        }
        Fault::FullRedis => {
            nodes.cli(&["config", "set", "maxmemory", "1"]);
            tokio::time::sleep(past_lease).await;
            until("Redis has room again", async || {
                nodes.cli(&["config", "set", "maxmemory", "0"]).filter(|said| said == "OK").map(drop)
            })
            .await?;
        }
        Fault::Wipe => {
            nodes.cli(&["flushall"]);
            tokio::time::sleep(LEASE).await;
        }
        Fault::ClockJump => {
            nodes.jump().await?;
            tokio::time::sleep(past_lease).await;
        }
        Fault::Leave => {
            nodes.signal(owner, "-TERM")?;
            nodes.ended(owner).await?;
            nodes.begin(owner).await?;
        }
        Fault::Promote => nodes.promote().await?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_faults_that_can_be_made_are_drawn() {
        let mut chance = Chance::new(1);
        let mut drawn =
            |has_clock| (0..500).flat_map(|_| draw(&mut chance, false, has_clock, None)).collect::<Vec<_>>();
        assert!(drawn(true).contains(&Fault::ClockJump));
        assert!(!drawn(false).contains(&Fault::ClockJump));
        assert_eq!(draw(&mut chance, false, true, Some("no such fault")), []);
        assert_eq!(draw(&mut chance, false, false, Some("clock")), []);
    }
}
