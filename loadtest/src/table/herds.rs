//! Clients that do not behave: who never reads, who comes back all at once, who comes and goes. The others must not
//! notice.

use std::time::Duration;

use super::rig::{Ours, Pace, Turn};
use super::{Figure, TableError, TableOptions, median};
use crate::clerk::Clerk;
use crate::instant::{NS_PER_S, ms, now_ns};
use crate::process::{Process, eventually};
use crate::server::{BOARD, SMALL_BOARD};
use crate::viewers::{Ask, Gallery, Standing, Viewers};

/// Viewers of these figures, and those of them that never read.
const VIEWERS: usize = 10_000;
const DEAF: usize = VIEWERS / 100;
/// Frozen clients are gone after this.
const GONE_MAX: Duration = Duration::from_secs(30);
/// Calls of an hour: one in two seconds.
const CALLS_OF_AN_HOUR: usize = 1_800;
const CHURN_VIEWERS: usize = 5_000;
const CHURN_PER_S: f64 = 500.0;
/// How long a server is away that is killed and started again.
const AWAY: Duration = Duration::from_millis(500);
const BACK_MAX_S: f64 = 15.0;
const STORM_VIEWERS: usize = 1_000;
const STORM_ROUNDS: usize = 40;
const STORM_KICKED: usize = 250;

const PACE: Pace = Pace { publications: 40, every: Duration::from_millis(250) };

/// One in a hundred never reads: what that costs the others, what it holds, and when it is gone.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
pub async fn stragglers(options: &TableOptions) -> Result<Vec<Figure>, TableError> {
    let mut ratios = Vec::new();
    let (mut held, mut gone) = (Vec::new(), Vec::new());
    for _ in 0..options.runs {
        let mut ours = Ours::start(options.workers).await?;
        ours.clerk.take(PACE.publications * 3).await?;
        ours.open(vec![Viewers::boards(BOARD, VIEWERS - DEAF)]).await?;
        ours.turn(PACE).await?;
        let without = ours.turn(PACE).await?;
        let before = ours.process.memory()?.resident;
        let mut deaf = Gallery::start()?;
        let begun = now_ns();
        deaf.open(ours.process.address, vec![Viewers::deaf(BOARD, DEAF)], None).await?;
        let with = ours.turn(PACE).await?;
        let after = ours.process.memory()?.resident;
        ratios.push(ratio(&with, &without));
        held.push(after.saturating_sub(before) as f64 / 1e6 / DEAF as f64);
        let is_gone = eventually(GONE_MAX * 2, async || deaf.look().await.map(|standing| standing.deaf == 0)).await?;
        gone.push(if is_gone { (now_ns() - begun) as f64 / NS_PER_S as f64 } else { f64::INFINITY });
    }
    let mut ours = Ours::start(options.workers).await?;
    let grown = an_hour(&mut ours).await?;
    Ok(vec![
        Figure::at_most(
            format!("stragglers: p99 of the others, {DEAF} of {VIEWERS} never read, times without them"),
            median(ratios),
            1.2,
            "",
        ),
        Figure::at_most("stragglers: MB held for each that never reads", median(held), 0.2, ""),
        Figure::at_most("stragglers: s until those that never read are gone", median(gone), GONE_MAX.as_secs_f64(), ""),
        Figure::at_most(
            "stragglers: memory after an hour of calls, times before it",
            grown,
            1.1,
            format!("{CALLS_OF_AN_HOUR} calls beside {DEAF} that never read and are replaced"),
        ),
    ])
}

/// An hour of calls, as fast as they go, beside viewers that read and others that do not. Returns by what factor memory
/// grew in it.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
async fn an_hour(ours: &mut Ours) -> Result<f64, TableError> {
    // The people of the day are there beforehand: they are kept whoever looks.
    ours.clerk.take(CALLS_OF_AN_HOUR * 3 / 2).await?;
    ours.open(vec![Viewers::boards(BOARD, 500)]).await?;
    let server = ours.process.address;
    let mut before = 0;
    for nth in 0..CALLS_OF_AN_HOUR * 3 / 2 {
        if nth == CALLS_OF_AN_HOUR / 2 {
            // By now everything is there that stays.
            before = ours.process.memory()?.resident;
        }
        if nth.is_multiple_of(CALLS_OF_AN_HOUR / 4) {
            let mut deaf = Gallery::start()?;
            deaf.open(server, vec![Viewers::deaf(BOARD, DEAF)], None).await?;
            // Its process ends here, and its connections with it.
        }
        ours.clerk.call().await?;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    Ok(ours.process.memory()?.resident as f64 / before.max(1) as f64)
}

fn ratio(with: &Turn, without: &Turn) -> f64 {
    with.any_p99_ms / without.any_p99_ms
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
    }
    Ok(vec![
        Figure::at_most(
            format!("restart: s until all of {VIEWERS} are current again"),
            median(back),
            BACK_MAX_S,
            format!("{shed} times told to wait"),
        ),
        Figure::at_most("restart: most attempts of one client in its first second", median(attempts), 1.0, ""),
    ])
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
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Ok(vec![Figure::at_most(
        format!("churn: p99 of {CHURN_VIEWERS} viewers, {CHURN_PER_S} a second come and go beside, times without"),
        median(ratios),
        1.5,
        format!(
            "{} came, to their first frame p50 {:.1} ms, p99 {:.1} ms",
            came.churned,
            ms(came.churn_p50_ns),
            ms(came.churn_p99_ns)
        ),
    )])
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
    Ok(vec![
        Figure::at_most("storm: viewers that did not end current", behind as f64, 0.0, note),
        Figure::at_most(
            "storm: calls missing, twice or out of order on any board",
            standing.violations as f64,
            0.0,
            "",
        ),
    ])
}
