//! When a line counts as dead: not by the wall clock, but by looks. A line is looked at every nine seconds at the
//! soonest; whoever said nothing between two looks is asked, and whoever said nothing until the next one is gone.
//!
//! A stall of ours makes looks late and never makes several of them at once, so it disconnects nobody. There is one
//! wheel for all lines and no timer for each.

use std::time::{Duration, Instant};

/// Parts of the wheel that are looked at in a second: small ones, as a call waits for whoever is looked at meanwhile.
const PARTS_PER_S: usize = 8;
/// Parts of the wheel: nine seconds between two looks at a line.
const PARTS: usize = 9 * PARTS_PER_S;
/// Between two parts.
const STEP: Duration = Duration::from_millis(1_000 / PARTS_PER_S as u64);
/// Looks without a word before a line is asked.
const ASK_AT: u8 = 1;
/// Looks without a word before a line is gone: 27 seconds after it froze at most, and 9 after it was asked at least.
const END_AT: u8 = 2;
/// Looks at which nothing could be written before a line is gone, and those a good-bye may take.
const STUCK_MAX: u8 = 2;

/// The wheel.
#[derive(Debug)]
pub struct Looks {
    part: usize,
    next: Instant,
}

/// A part of the wheel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part(usize);

impl Default for Looks {
    fn default() -> Self {
        Self { part: 0, next: Instant::now() + STEP }
    }
}

impl Looks {
    /// How long until something is due.
    pub fn wait(&self) -> Duration {
        self.next.saturating_duration_since(Instant::now())
    }

    /// The part that is due now, if one is.
    pub fn due(&mut self) -> Option<Part> {
        self.due_at(Instant::now())
    }

    fn due_at(&mut self, now: Instant) -> Option<Part> {
        if now < self.next {
            return None;
        }
        // From now on, and not from when it was due: what was missed is not made up for.
        self.next = now + STEP;
        self.part = (self.part + 1) % PARTS;
        Some(Part(self.part))
    }
}

impl Part {
    /// Whether a second or so is over with it.
    pub fn ends_second(self) -> bool {
        self.0.is_multiple_of(PARTS_PER_S)
    }

    /// Those of so many lines that belong to it.
    pub fn keys(self, lines: usize) -> impl Iterator<Item = usize> {
        (self.0..lines).step_by(PARTS)
    }
}

/// What the looks at one line came to so far.
#[derive(Debug, Default)]
pub struct Seen {
    /// Looks since it said something.
    quiet: u8,
    /// Looks since something could be written, while there was something to write.
    stuck: u8,
}

/// What a look comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All is well.
    Lives,
    /// Ask whether it is there.
    Ask,
    /// It is gone.
    End,
}

impl Seen {
    /// It said something.
    pub fn heard(&mut self) {
        self.quiet = 0;
    }

    /// Looks at it. `moved` tells whether something was written, or nothing was to be.
    pub fn look(&mut self, moved: bool, is_leaving: bool) -> Verdict {
        self.stuck = if moved && !is_leaving { 0 } else { self.stuck.saturating_add(1) };
        let before = self.quiet;
        self.quiet = self.quiet.saturating_add(1);
        if self.stuck >= STUCK_MAX || (before >= END_AT && !is_leaving) {
            Verdict::End
        } else if before == ASK_AT && !is_leaving {
            Verdict::Ask
        } else {
            Verdict::Lives
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_looked_at_once_in_a_round() {
        assert_eq!((0..PARTS).filter(|part| Part(*part).ends_second()).count(), 9);
        assert_eq!(STEP * u32::try_from(PARTS).unwrap(), Duration::from_secs(9));
        for lines in [0, 1, 8, 9, 10, 100] {
            let mut keys: Vec<usize> = (0..PARTS).flat_map(|part| Part(part).keys(lines)).collect();
            keys.sort_unstable();
            assert_eq!(keys, (0..lines).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_stall_of_ours_is_not_made_up_for() {
        let mut looks = Looks::default();
        let begun = looks.next;
        assert_eq!(looks.due_at(begun.checked_sub(Duration::from_millis(1)).unwrap()), None);
        assert_eq!(looks.due_at(begun), Some(Part(1)));
        assert_eq!(looks.due_at(begun + STEP / 2), None);
        let woken = begun + 100 * STEP;
        assert_eq!(looks.due_at(woken), Some(Part(2)));
        assert_eq!(looks.due_at(woken), None, "one part, however long it was away");
        assert_eq!(looks.due_at(woken + STEP), Some(Part(3)));
    }

    fn looked(seen: &mut Seen) -> Verdict {
        seen.look(true, false)
    }

    #[test]
    fn whoever_answers_lives_and_whoever_is_frozen_is_gone_at_the_third_look() {
        let mut seen = Seen::default();
        for _ in 0..5 {
            seen.heard();
            assert_eq!([looked(&mut seen), looked(&mut seen)], [Verdict::Lives, Verdict::Ask]);
        }
        assert_eq!(looked(&mut seen), Verdict::End);
    }

    #[test]
    fn whoever_takes_nothing_is_gone_although_it_speaks() {
        let mut seen = Seen::default();
        seen.heard();
        assert_eq!(seen.look(false, false), Verdict::Lives);
        seen.heard();
        assert_eq!(seen.look(false, false), Verdict::End);
        let mut leaving = Seen::default();
        assert_eq!([leaving.look(true, true), leaving.look(true, true)], [Verdict::Lives, Verdict::End]);
    }
}
