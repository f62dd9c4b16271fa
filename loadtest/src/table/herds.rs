//! Clients that do not behave: who never reads, who comes back all at once, who comes and goes. The others must not
//! notice.

use std::time::Duration;

use super::rig::{Ours, Pace, Turn};
use super::{Bar, Figure, TableError, TableOptions, median, progress};
use crate::clerk::Clerk;
use crate::instant::{NS_PER_S, ms, now_ns};
use crate::process::{Process, eventually};
use crate::server::{BOARD, SMALL_BOARD};
use crate::viewers::{Ask, Gallery, Standing, Viewers};

/// Viewers of these figures, and those of them that never read.
const VIEWERS: usize = 10_000;
const DEAF: usize = VIEWERS / 100;
/// Sockets of a server that are not its viewers', and may be opened in the course of an hour.
const OTHERS: usize = 5;
/// Frozen clients are gone after this.
const GONE_MAX: Duration = Duration::from_secs(30);
/// Calls of an hour: one in two seconds.
const CALLS_OF_AN_HOUR: usize = 1_800;
const CALL_EVERY: Duration = Duration::from_secs(2);
/// Viewers of that hour: what grows does so with calls and with those that never read, of whom there are one in a hundred.
const HOUR_VIEWERS: usize = 2_000;
const HOUR_DEAF: usize = HOUR_VIEWERS / 100;
/// How much faster they are made: two minutes for the hour. Whoever never reads is gone after as long as ever.
const HOUR_SPEED: u32 = 30;
/// Calls between two looks whether those that never read are gone.
const LOOK_AT_DEAF_EVERY: usize = 30;
const CHURN_VIEWERS: usize = 5_000;
const CHURN_PER_S: f64 = 500.0;
/// How long a server is away that is killed and started again.
const AWAY: Duration = Duration::from_millis(500);
const BACK_MAX_S: f64 = 15.0;
const STORM_VIEWERS: usize = 1_000;
const STORM_ROUNDS: usize = 40;
const STORM_KICKED: usize = 250;

const PACE: Pace = Pace { publications: 40, every: Duration::from_millis(250) };

/// What is measured of viewers that never read.
pub fn stragglers_bars() -> [Bar; 3] {
    [
        Bar::new(format!("stragglers: p99 of the others, {DEAF} of {VIEWERS} never read, times without them"), 1.2),
        Bar::new("stragglers: MB held for each that never reads", 0.2),
        Bar::new("stragglers: s until those that never read are gone", GONE_MAX.as_secs_f64()),
    ]
}

/// One in a hundred never reads: what that costs the others, what it holds, and when it is gone.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
pub async fn stragglers(options: &TableOptions) -> Result<Vec<Figure>, TableError> {
    let (mut ratios, mut held, mut gone) = (Vec::new(), Vec::new(), Vec::new());
    let mut ours = Ours::start(options.workers).await?;
    ours.clerk.take(PACE.publications * usize::from(2 * options.runs + 1)).await?;
    ours.open(vec![Viewers::boards(BOARD, VIEWERS - DEAF)]).await?;
    ours.turn(PACE).await?;
    for run in 0..options.runs {
        let without = ours.turn(PACE).await?;
        let (before, open) = (ours.process.memory()?.resident, ours.process.sockets()?);
        let mut deaf = Gallery::start()?;
        let begun = now_ns();
        deaf.open(ours.process.address, vec![Viewers::deaf(BOARD, DEAF)], None).await?;
        let with = ours.turn(PACE).await?;
        let after = ours.process.memory()?.resident;
        ratios.push(ratio(&with, &without));
        held.push(after.saturating_sub(before) as f64 / 1e6 / DEAF as f64);
        let is_gone = eventually(GONE_MAX * 2, async || Ok::<_, TableError>(ours.process.sockets()? <= open)).await?;
        drop(deaf);
        gone.push(if is_gone { (now_ns() - begun) as f64 / NS_PER_S as f64 } else { f64::INFINITY });
        progress(&format!(
            "  run {}: p99 {:.1} ms, without them {:.1} ms; gone: {is_gone}",
            run + 1,
            with.any_p99_ms,
            without.any_p99_ms
        ));
    }
    let [others, each, until] = stragglers_bars();
    Ok(vec![
        others.came_to(median(ratios), ""),
        each.came_to(median(held), ""),
        until.came_to(median(gone), "from the handshake of the first"),
    ])
}

/// What is measured over an hour.
pub fn hour_bars() -> [Bar; 1] {
    let what = format!("hour: memory after its calls, {HOUR_DEAF} of {HOUR_VIEWERS} never read, times before them");
    [Bar::new(what, 1.1)]
}

/// An hour of calls at [`HOUR_SPEED`] times the speed, beside viewers of whom one in a hundred never reads and is
/// replaced when it is gone. The journal is on the disk, as in a real server: in memory it would grow with every call.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
pub async fn hour(options: &TableOptions) -> Result<Vec<Figure>, TableError> {
    let mut ours = Ours::start_on_disk(options.workers).await?;
    // The people of the day are there beforehand: they are kept whoever looks.
    let warm = CALLS_OF_AN_HOUR / 4;
    ours.clerk.take(CALLS_OF_AN_HOUR + warm).await?;
    ours.open(vec![Viewers::boards(BOARD, HOUR_VIEWERS - HOUR_DEAF)]).await?;
    let every = CALL_EVERY / HOUR_SPEED;
    let (mut before, mut deaf_came, mut deaf) = (0, 0, None::<Gallery>);
    let open = ours.process.sockets()?;
    let begun = tokio::time::Instant::now();
    for nth in 0..CALLS_OF_AN_HOUR + warm {
        tokio::time::sleep_until(begun + every * u32::try_from(nth).unwrap_or(u32::MAX)).await;
        if nth == warm {
            // By now everything is there that stays.
            before = ours.process.memory()?.resident;
        }
        if nth.is_multiple_of(LOOK_AT_DEAF_EVERY) && ours.process.sockets()? <= open + OTHERS {
            drop(deaf.take());
            let mut next = Gallery::start()?;
            next.open(ours.process.address, vec![Viewers::deaf(BOARD, HOUR_DEAF)], None).await?;
            deaf_came += HOUR_DEAF;
            deaf = Some(next);
        }
        if ours.clerk.call().await?.1.is_none() {
            return Err(TableError::Lost("nobody was waiting any more".to_owned()));
        }
    }
    let after = ours.process.memory()?.resident;
    let note = format!(
        "{CALLS_OF_AN_HOUR} calls in {} s, {HOUR_SPEED} times as fast; {deaf_came} never read; {:.1} and {:.1} MB",
        (every * u32::try_from(CALLS_OF_AN_HOUR).unwrap_or(u32::MAX)).as_secs(),
        before as f64 / 1e6,
        after as f64 / 1e6,
    );
    let [flat] = hour_bars();
    Ok(vec![flat.came_to(after as f64 / before.max(1) as f64, note)])
}

fn ratio(with: &Turn, without: &Turn) -> f64 {
    with.any_p99_ms / without.any_p99_ms
}

/// What is measured of a server that was killed.
pub fn restart_bars() -> [Bar; 2] {
    [
        Bar::new(format!("restart: s until all of {VIEWERS} are current again"), BACK_MAX_S),
        Bar::new("restart: most attempts of one client in its first second", 1.0),
    ]
}

/// The server is killed under its viewers and started again.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
pub async fn restart(options: &TableOptions) -> Result<Vec<Figure>, TableError> {
    let (mut back, mut attempts) = (Vec::new(), Vec::new());
    let mut shed = 0;
    for _ in 0..options.runs.min(3) {
        let folder = tempfile::tempdir()?;
        let data = folder.path().join("data").to_string_lossy().into_owned();
        let workers = options.workers.to_string();
        let mut process = Process::start(&["server", "--data", &data, "--workers", &workers, "--on-disk"])?;
        let listen = process.address.to_string();
        let mut clerk = Clerk::at(process.address).await?;
        clerk.take(10).await?;
        clerk.call().await?;
        let mut gallery = Gallery::start()?;
        gallery.open(process.address, vec![Viewers::boards(BOARD, VIEWERS)], None).await?;
        process.kill()?;
        tokio::time::sleep(AWAY).await;
        let again = now_ns();
        let process =
            Process::start(&["server", "--data", &data, "--workers", &workers, "--on-disk", "--listen", &listen])?;
        let mut clerk = Clerk::at(process.address).await?;
        clerk.call().await?;
        let all_back = eventually(Duration::from_secs(60), async || {
            let Standing { current, wanted, .. } = gallery.look().await?;
            Ok::<_, TableError>(current == wanted)
        });
        let all_back = all_back.await?;
        let standing = gallery.look().await?;
        if standing.violations > 0 {
            return Err(TableError::Lost(format!("violations: {:?}", standing.first_violations)));
        }
        let took = standing.back_at_ns.saturating_sub(again) as f64 / NS_PER_S as f64;
        back.push(if all_back { took } else { f64::INFINITY });
        attempts.push(standing.attempts_in_first_s_max as f64);
        shed = standing.shed;
        progress(&format!(
            "  {} of {VIEWERS} current again after {took:.1} s, {shed} times told to wait",
            standing.current
        ));
    }
    let [until, most] = restart_bars();
    Ok(vec![until.came_to(median(back), format!("{shed} times told to wait")), most.came_to(median(attempts), "")])
}

/// What is measured beside viewers that come and go.
pub fn churn_bars() -> [Bar; 1] {
    let others = format!("churn: p99 of {CHURN_VIEWERS} viewers, {CHURN_PER_S} a second come and go, times without");
    [Bar::new(others, 1.5)]
}

/// Viewers that come and go beside others that stay.
pub async fn churn(options: &TableOptions) -> Result<Vec<Figure>, TableError> {
    let mut ours = Ours::start(options.workers).await?;
    ours.clerk.take(PACE.publications * usize::from(2 * options.runs + 1)).await?;
    ours.open(vec![Viewers::boards(SMALL_BOARD, CHURN_VIEWERS)]).await?;
    let server = ours.process.address;
    let mut churning = Gallery::start()?;
    ours.turn(PACE).await?;
    let mut ratios = Vec::new();
    let mut came = Standing::default();
    for _ in 0..options.runs {
        let without = ours.turn(PACE).await?;
        churning.say(&Ask::Churn { server, path: SMALL_BOARD.to_owned(), per_s: CHURN_PER_S }).await?;
        let with = ours.turn(PACE).await?;
        came = churning.look().await?;
        churning.say(&Ask::Churn { server, path: SMALL_BOARD.to_owned(), per_s: 0.0 }).await?;
        ratios.push(ratio(&with, &without));
        progress(&format!("  p99 {:.1} ms, without them {:.1} ms", with.any_p99_ms, without.any_p99_ms));
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let [others] = churn_bars();
    Ok(vec![others.came_to(
        median(ratios),
        format!(
            "{} came, to their first frame p50 {:.1} ms, p99 {:.1} ms",
            came.churned,
            ms(came.churn_p50_ns),
            ms(came.churn_p99_ns)
        ),
    )])
}

/// What is measured of viewers that are kicked.
pub fn storm_bars() -> [Bar; 2] {
    [
        Bar::new("storm: viewers that did not end current", 0.0),
        Bar::new("storm: calls missing, twice or out of order on any board", 0.0),
    ]
}

/// Viewers are kicked again and again during calls.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
pub async fn storm(options: &TableOptions) -> Result<Vec<Figure>, TableError> {
    let mut ours = Ours::start(options.workers).await?;
    ours.clerk.take(STORM_ROUNDS * 4).await?;
    ours.open(vec![Viewers::boards(BOARD, STORM_VIEWERS)]).await?;
    for _ in 0..STORM_ROUNDS {
        ours.gallery.say(&Ask::Kick { count: STORM_KICKED }).await?;
        for _ in 0..4 {
            ours.clerk.call().await?;
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }
    let settled = eventually(Duration::from_secs(20), async || {
        let Standing { current, wanted, .. } = ours.gallery.look().await?;
        Ok::<_, TableError>(current == wanted)
    });
    settled.await?;
    let seq = ours.clerk.seq().await?;
    let standing = ours.gallery.look().await?;
    let behind = if standing.newest == seq { standing.wanted - standing.current } else { standing.wanted };
    let note = format!("{} connections came back; {:?}", standing.returns, standing.first_violations);
    let [current, calls] = storm_bars();
    Ok(vec![current.came_to(behind as f64, note), calls.came_to(standing.violations as f64, "")])
}
