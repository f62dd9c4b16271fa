//! What it costs that everybody sees a call: boards, which get the same frame, and phones, which each get another.

use std::time::Duration;

use super::rig::{Bare, Ours, Pace, Turn};
use super::{Bar, Figure, TableError, TableOptions, median};
use crate::server::SMALL_BOARD;
use crate::viewers::Viewers;

/// Frames a second that are asked for, about half of what one core can write: neither side falls behind.
const FRAMES_PER_S: usize = 50_000;
/// Frames of one turn.
const FRAMES_PER_TURN: usize = 200_000;
/// Publications of one turn at least: less have no tail.
const PUBLICATIONS_MIN: usize = 20;
/// And at most: so many wait to be called, and a venue reckons for each of them at each call.
const PUBLICATIONS_MAX: usize = 200;

/// How long one turn of one side takes.
pub fn turn(viewers: usize) -> Duration {
    let Pace { publications, every } = pace(viewers);
    every * u32::try_from(publications).unwrap_or(u32::MAX)
}

fn pace(viewers: usize) -> Pace {
    let publications = (FRAMES_PER_TURN / viewers.max(1)).clamp(PUBLICATIONS_MIN, PUBLICATIONS_MAX);
    let per_s = (FRAMES_PER_S / viewers.max(1)).max(1);
    Pace { publications, every: Duration::from_secs(1) / u32::try_from(per_s).unwrap_or(1) }
}

/// What is measured of boards.
pub fn boards_bars(viewers: usize) -> [Bar; 3] {
    let bar =
        |what: &str, at_most| Bar::new(format!("boards, {viewers} viewers: {what}, times the bare loop"), at_most);
    [
        bar("processor time per frame", 1.15),
        bar("publish to last viewer, p50", 1.15),
        bar("publish to last viewer, p99", 1.3),
    ]
}

/// What is measured of phones.
pub fn phones_bars(viewers: usize) -> [Bar; 2] {
    let bar = |what: &str, at_most| Bar::new(format!("phones, {viewers} cards: {what}, times the bare loop"), at_most);
    [bar("processor time per card", 1.6), bar("publish to last phone, p99", 2.0)]
}

/// Boards: one frame for all of them.
pub async fn boards(options: &TableOptions, viewers: usize) -> Result<Vec<Figure>, TableError> {
    let pace = pace(viewers);
    let mut ours = Ours::start(options.workers).await?;
    ours.open(vec![Viewers::boards(SMALL_BOARD, viewers)]).await?;
    let turns = take_turns(options, &mut ours, viewers, pace, false).await?;
    let [cpu, p50, p99] = boards_bars(viewers);
    Ok(vec![
        ratio(cpu, &turns, |turn| turn.cpu_ns, "ns"),
        ratio(p50, &turns, |turn| turn.last_p50_ms, "ms"),
        ratio(p99, &turns, |turn| turn.last_p99_ms, "ms"),
    ])
}

/// Phones: a call moves everybody who waits one place up, so each card is another.
pub async fn phones(options: &TableOptions, viewers: usize) -> Result<Vec<Figure>, TableError> {
    let pace = pace(viewers);
    let mut ours = Ours::start(options.workers).await?;
    // Whoever is called first has no phone open, so that every phone's card changes with each call.
    ours.clerk.take(pace.publications * usize::from(options.runs + 1)).await?;
    let phones = ours.clerk.take(viewers).await?;
    ours.open(vec![Viewers::phones(phones)]).await?;
    let turns = take_turns(options, &mut ours, viewers, pace, true).await?;
    let [cpu, p99] = phones_bars(viewers);
    Ok(vec![ratio(cpu, &turns, |turn| turn.cpu_ns, "ns"), ratio(p99, &turns, |turn| turn.last_p99_ms, "ms")])
}

/// Turns of both sides: ours first, the bare loop right after it, with frames of the same length.
async fn take_turns(
    options: &TableOptions,
    ours: &mut Ours,
    viewers: usize,
    pace: Pace,
    each: bool,
) -> Result<Vec<(Turn, Turn)>, TableError> {
    let mut bare = Bare::start().await?;
    bare.open(viewers).await?;
    // Whoever is called waits first: boards are measured with as many waiting as are called, and not the whole day's.
    let queue = if each { 0 } else { pace.publications };
    ours.clerk.take(queue).await?;
    let warm = ours.turn(pace).await?;
    bare.turn(pace, warm.tally.frame_bytes, each).await?;
    let mut turns = Vec::new();
    for run in 0..options.runs {
        ours.clerk.take(queue).await?;
        let our_turn = ours.turn(pace).await?;
        let bare_turn = bare.turn(pace, our_turn.tally.frame_bytes, each).await?;
        super::progress(&format!(
            "  run {}: {} B, {} of {} frames; {:.0} and {:.0} ns per frame; first viewer {:.2} and {:.2} ms, \
             last {:.1} and {:.1} ms, p99 {:.1} and {:.1} ms",
            run + 1,
            our_turn.tally.frame_bytes,
            our_turn.tally.frames,
            our_turn.tally.expected,
            our_turn.cpu_ns,
            bare_turn.cpu_ns,
            our_turn.first_p50_ms,
            bare_turn.first_p50_ms,
            our_turn.last_p50_ms,
            bare_turn.last_p50_ms,
            our_turn.last_p99_ms,
            bare_turn.last_p99_ms,
        ));
        turns.push((our_turn, bare_turn));
    }
    let standing = ours.gallery.look().await?;
    if standing.violations > 0 {
        return Err(TableError::Lost(format!("violations: {:?}", standing.first_violations)));
    }
    Ok(turns)
}

fn ratio(bar: Bar, turns: &[(Turn, Turn)], of: impl Fn(&Turn) -> f64, unit: &str) -> Figure {
    let ratios = turns.iter().map(|(ours, bare)| of(ours) / of(bare)).collect();
    let ours = median(turns.iter().map(|(ours, _)| of(ours)).collect());
    let bare = median(turns.iter().map(|(_, bare)| of(bare)).collect());
    let bytes = turns.last().map_or(0, |(ours, _)| ours.tally.frame_bytes);
    let note = format!("{ours:.1} {unit} and {bare:.1} {unit}; frames of {bytes} B");
    bar.came_to(median(ratios), note)
}
