//! The weighted cycle: self-clocked fair queueing, in whole numbers. The lanes of a service take turns by it
//! (R1), and so do the services of a counter (C5).
//!
//! Every member with somebody eligible holds a *tag*, the virtual time at which its next call is due; the
//! smallest tag is called, and the member's next tag lies `UNIT / weight` later. A member that had nobody joins
//! again at the present virtual time: an absence banks nothing, and a debt is not forgiven. While two members
//! both have somebody, their shares never stray more than one call from the weights (Golestani, "A
//! self-clocked fair queueing scheme for broadband applications", INFOCOM 1994).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Largest weight. The cycle counts in units of the least common multiple of 1 to this, so every share is exact
/// in whole numbers.
pub const WEIGHT_MAX: u32 = 20;
/// One round of virtual time: the least common multiple of 1 to [`WEIGHT_MAX`], so that every `UNIT / weight` is
/// a whole number.
const UNIT: u64 = 232_792_560;

/// The position of a cycle: part of the venue's state, recovered and replicated with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "M: Ord + Deserialize<'de>"))]
pub struct Cycle<M> {
    /// Virtual time: the tag of the latest call.
    clock: u64,
    turns: BTreeMap<M, Turn>,
}

/// Where one member stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Turn {
    /// When the next call is due; none where the member had nobody eligible at the latest call.
    due: Option<u64>,
    /// When the latest call was due.
    done: u64,
}

/// Who was there when a turn was given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Present<'a, M> {
    /// Those who could have been given it.
    pub(super) among: &'a [M],
    /// Those who keep theirs until it can be given; they do not stop the clock.
    pub(super) elsewhere: &'a [M],
    /// Those to whom no time passes: it is not this cycle that gives them turns now.
    pub(super) paused: &'a [M],
}

impl<M> Default for Cycle<M> {
    fn default() -> Self {
        Self { clock: 0, turns: BTreeMap::new() }
    }
}

impl<M: Ord + Clone> Cycle<M> {
    /// Whose turn it is among the members that have somebody eligible; ties go by the members' own order.
    pub(super) fn turn(&self, among: impl IntoIterator<Item = M>, weight: impl Fn(&M) -> u32) -> Option<M> {
        let tagged = among.into_iter().map(|member| (self.tag(&member, &weight), member));
        tagged.min().map(|(_, member)| member)
    }

    /// Charges a call to a member, in turn or out of it.
    pub(super) fn charge(&mut self, charged: &M, present: &Present<'_, M>, weight: impl Fn(&M) -> u32) {
        let due = self.tag(charged, &weight);
        // Time goes on with those who could be called; whoever waits for another counter does not stop it.
        let earliest = present.among.iter().map(|member| self.tag(member, &weight)).fold(due, u64::min);
        let clock = self.clock.max(earliest);
        for (member, turn) in &mut self.turns {
            if present.paused.contains(member) {
                turn.put_off(self.clock, clock);
            } else if !present.holds(member) {
                turn.due = None;
            }
        }
        for member in present.among.iter().chain(present.elsewhere) {
            let due = self.tag(member, &weight);
            self.turns.entry(member.clone()).or_default().due = Some(due);
        }
        self.clock = clock;
        let turn = Turn { due: Some(due + step(charged, &weight)), done: due };
        self.turns.insert(charged.clone(), turn);
    }

    /// Forgets the members that are not there any more.
    pub(crate) fn retain(&mut self, kept: impl Fn(&M) -> bool) {
        self.turns.retain(|member, _| kept(member));
    }

    fn tag(&self, member: &M, weight: impl Fn(&M) -> u32) -> u64 {
        let Turn { due, done } = self.turns.get(member).copied().unwrap_or_default();
        due.unwrap_or_else(|| done.max(self.clock) + step(member, weight))
    }
}

impl Turn {
    /// Time went on without this member: it stands where it stood, seen from the clock.
    fn put_off(&mut self, from: u64, to: u64) {
        self.due = self.due.map(|due| due + (to - from));
        if self.done > from {
            self.done += to - from;
        }
    }
}

impl<M: PartialEq> Present<'_, M> {
    fn holds(&self, member: &M) -> bool {
        self.among.contains(member) || self.elsewhere.contains(member)
    }
}

fn step<M>(member: &M, weight: impl Fn(&M) -> u32) -> u64 {
    UNIT / u64::from(weight(member).clamp(1, WEIGHT_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_weight_divides_the_unit() {
        assert!((1..=u64::from(WEIGHT_MAX)).all(|weight| UNIT.is_multiple_of(weight)));
    }

    #[test]
    fn whoever_is_put_off_stands_where_they_stood() {
        let put_off = |due, done| {
            let mut turn = Turn { due, done };
            turn.put_off(5, 8);
            (turn.due, turn.done)
        };
        assert_eq!(put_off(Some(9), 7), (Some(12), 10));
        assert_eq!(put_off(None, 6), (None, 9));
        assert_eq!(put_off(Some(5), 5), (Some(8), 5), "what was done before is done");
    }

    #[test]
    fn whoever_is_not_there_any_more_is_forgotten() {
        let mut cycle = Cycle::default();
        let present = Present { among: &["a", "b"], elsewhere: &[], paused: &[] };
        cycle.charge(&"a", &present, |_| 1);
        assert_eq!(cycle.turn(["a", "b"], |_| 1), Some("b"));
        cycle.retain(|member| *member != "a");
        assert_eq!(cycle.turns.keys().collect::<Vec<_>>(), [&"b"]);
    }
}
