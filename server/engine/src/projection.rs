//! How many are really ahead: the dispatcher, run on until everybody waiting is called and nobody new comes.
//!
//! The second caller of [`Draw`]. It changes nothing and knows no rule of its own.

use crate::config::Policy;
use crate::dispatch::{Area, Choice, Draw, Queue, Reach};
use crate::ids::CounterId;
use crate::time::{Millis, Timestamp};

/// Calls that are looked ahead at most: beyond this nobody's place means anything, and the time to look is bounded.
pub const PROJECTION_MAX: usize = 20_000;
/// The gap between calls that is assumed before one is measured.
pub const GAP_ASSUMED: Millis = Millis::from_mins(5);

/// One call as it will be if nobody new comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Projected {
    /// The choice the dispatcher will make.
    pub choice: Choice,
    /// When, at the measured pace.
    pub at: Timestamp,
}

/// The calls that a queue's waiting tickets can expect, in order, from `now` on.
///
/// `counters` are those that call for the service, taken in turn, and `areas` their second waiting areas; with none open, its people are shown the
/// order in which one counter that serves everybody would call them.
pub fn project<'q>(
    queue: &'q Queue,
    policy: &'q Policy,
    counters: &[&'q CounterId],
    wanted: &[&'q CounterId],
    areas: Vec<Area>,
    now: Timestamp,
) -> impl Iterator<Item = Projected> + use<'q> {
    let gap = queue.pace().gap().unwrap_or(GAP_ASSUMED).0.max(1);
    let (reaches, staffed) = if counters.is_empty() {
        let all = Reach::any(wanted.iter().copied());
        (vec![all.clone()], all)
    } else {
        let counters = || counters.iter().copied();
        (counters().map(Reach::of).collect(), Reach::any(counters()))
    };
    let mut draw = Draw::new(queue, policy, staffed, now);
    let mut at = now;
    let mut turn = 0;
    std::iter::from_fn(move || {
        loop {
            // As in the venue, the ready set is kept full: it says whose turn is already decided.
            draw.fill(&areas);
            for step in 0..reaches.len() {
                let counter = (turn + step) % reaches.len();
                if let Some(choice) = reaches.get(counter).and_then(|reach| draw.next(reach)) {
                    turn = counter + 1;
                    let projected = Projected { choice, at };
                    draw.fill(&areas);
                    at = at + Millis(gap);
                    draw.advance_to(at, &areas);
                    return Some(projected);
                }
            }
            // Nobody can be called yet: wait for the next slot.
            at = draw.next_eligible()?;
            draw.advance_to(at, &areas);
        }
    })
    .take(PROJECTION_MAX)
}
