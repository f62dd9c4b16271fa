//! How many stand in the lanes: whether returns outnumber first visits (B11).

use std::collections::BTreeMap;
use std::ops::Bound;

use serde::Serialize;

use crate::dispatch::aside::Turn;
use crate::dispatch::draw::Choice;
use crate::dispatch::lanes::is_first_visit;
use crate::dispatch::queue::Place;
use crate::lane::Lane;
use crate::time::Timestamp;

/// So many people. Those who were missed are neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
struct Visits {
    /// Here for the first time.
    first: usize,
    /// Back with results.
    returns: usize,
}

impl Visits {
    fn of(&mut self, lane: Lane) -> Option<&mut usize> {
        match lane {
            Lane::ReturnVisit => Some(&mut self.returns),
            lane if is_first_visit(lane) => Some(&mut self.first),
            _ => None,
        }
    }

    fn add(&mut self, lane: Lane) {
        self.of(lane).into_iter().for_each(|count| *count += 1);
    }

    fn remove(&mut self, lane: Lane) {
        self.of(lane).into_iter().for_each(|count| *count = count.saturating_sub(1));
    }

    fn without(self, other: Self) -> Self {
        Self { first: self.first.saturating_sub(other.first), returns: self.returns.saturating_sub(other.returns) }
    }
}

/// The people in the lanes of a queue, each once. Whoever was told to get ready, or sent to a counter's door, has left
/// them; whoever wants a counter that is busy, or closed, has not. Whoever rejoins by calls stands in none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(super) struct Census {
    here: Visits,
    /// Of these, those who came before their time, by the moment from which they can be called. Ahead of now lie few:
    /// one for each slot.
    from: BTreeMap<Timestamp, Visits>,
}

impl Census {
    pub(super) fn enters(&mut self, place: &Place) {
        self.here.add(place.lane);
        if has_a_time(place) {
            self.from.entry(place.since).or_default().add(place.lane);
        }
    }

    pub(super) fn leaves(&mut self, place: &Place) {
        self.here.remove(place.lane);
        if has_a_time(place)
            && let Some(visits) = self.from.get_mut(&place.since)
        {
            visits.remove(place.lane);
            if *visits == Visits::default() {
                self.from.remove(&place.since);
            }
        }
    }

    fn before_their_time(&self, now: Timestamp) -> Visits {
        let later = self.from.range((Bound::Excluded(now), Bound::Unbounded)).map(|(_, visits)| visits);
        later.fold(Visits::default(), |sum, visits| Visits {
            first: sum.first + visits.first,
            returns: sum.returns + visits.returns,
        })
    }

    /// Whether these are those in the lanes, so many of whom stand in two.
    pub(super) fn counts(&self, in_lane: impl Fn(Lane) -> usize, twice: usize) -> bool {
        let first: usize = Lane::ALL.into_iter().filter(|lane| is_first_visit(*lane)).map(&in_lane).sum();
        let from: usize = self.from.values().map(|visits| visits.first).sum();
        self.here.first + twice == first && self.here.returns == in_lane(Lane::ReturnVisit) && from <= self.here.first
    }
}

/// Whether there is a moment before which its lane does not call it.
fn has_a_time(place: &Place) -> bool {
    place.lane == Lane::Appointment || place.turn == Turn::PutOff
}

/// Those who have left the lanes while a queue is drawn from.
#[derive(Debug, Default)]
pub(super) struct Drawn {
    gone: Visits,
    /// Those drawn before their time, and when that is.
    early: Vec<(Timestamp, Lane)>,
}

impl Drawn {
    pub(super) fn leaves(&mut self, choice: &Choice, now: Timestamp) {
        self.gone.add(choice.lane);
        if choice.since > now {
            self.early.push((choice.since, choice.lane));
        }
    }

    /// Whether more people are back with results than are here for the first time, of those who can be called.
    pub(super) fn returns_outnumber(&self, census: &Census, now: Timestamp) -> bool {
        let mut early = Visits::default();
        self.early.iter().filter(|(since, _)| *since > now).for_each(|(_, lane)| early.add(*lane));
        let early = census.before_their_time(now).without(early);
        let here = census.here.without(self.gone).without(early);
        here.returns > here.first
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::aside::Kind;
    use crate::dispatch::line::OrderKey;
    use crate::event::Rule;
    use crate::ids::TicketId;

    fn place(lane: Lane, turn: Turn, since: i64) -> Place {
        Place { lane, order: OrderKey::default(), since: Timestamp(since), wants: None, urgent: None, turn }
    }

    fn drawn(lane: Lane, since: i64) -> Choice {
        let (ticket, since) = (TicketId(1), Timestamp(since));
        Choice { ticket, rule: Rule::Early, lane, since, share: None, kind: Kind::Lane }
    }

    fn outnumber(census: &Census, drawn: &Drawn, now: i64) -> bool {
        drawn.returns_outnumber(census, Timestamp(now))
    }

    #[test]
    fn b11_those_who_came_before_their_time_count_from_it() {
        let mut census = Census::default();
        census.enters(&place(Lane::WalkIn, Turn::Lane, 0));
        [20, 30].into_iter().for_each(|since| census.enters(&place(Lane::ReturnVisit, Turn::PutOff, since)));
        let nobody = Drawn::default();
        assert!(!outnumber(&census, &nobody, 19), "both are put off");
        assert!(!outnumber(&census, &nobody, 20), "one each");
        assert!(outnumber(&census, &nobody, 30));
        census.enters(&place(Lane::Appointment, Turn::Lane, 40));
        assert!(outnumber(&census, &nobody, 39));
        assert!(!outnumber(&census, &nobody, 40));
        assert_eq!(census.from.len(), 3, "only those who have a time are kept by it");
        census.leaves(&place(Lane::Appointment, Turn::Lane, 40));
        [20, 30].into_iter().for_each(|since| census.leaves(&place(Lane::ReturnVisit, Turn::PutOff, since)));
        census.leaves(&place(Lane::WalkIn, Turn::Lane, 0));
        assert_eq!(census, Census::default());
    }

    #[test]
    fn b11_whoever_is_drawn_before_their_time_is_gone_once() {
        let mut nobody_new = Census::default();
        [5, 20, 30].into_iter().for_each(|since| nobody_new.enters(&place(Lane::ReturnVisit, Turn::PutOff, since)));
        let mut one_new = nobody_new.clone();
        one_new.enters(&place(Lane::WalkIn, Turn::Lane, 0));
        let mut gone = Drawn::default();
        gone.leaves(&drawn(Lane::ReturnVisit, 20), Timestamp(10));
        assert!(outnumber(&nobody_new, &gone, 10), "one can be called, one is early, one is gone");
        assert!(!outnumber(&one_new, &gone, 20), "the same, although it would be the other's time");
        assert!(outnumber(&one_new, &gone, 30));
        gone.leaves(&drawn(Lane::ReturnVisit, 30), Timestamp(30));
        assert!(!outnumber(&nobody_new, &gone, 29), "whoever is drawn in their time was not early");
    }

    #[test]
    fn the_lanes_are_held_against_the_counts() {
        let mut census = Census::default();
        [Lane::WalkIn, Lane::WalkIn, Lane::ReturnVisit]
            .into_iter()
            .for_each(|lane| census.enters(&place(lane, Turn::Lane, 0)));
        census.enters(&place(Lane::Appointment, Turn::Lane, 9));
        let lanes = |first: usize, returns: usize| {
            move |lane| match lane {
                Lane::WalkIn => first,
                Lane::ReturnVisit => returns,
                _ => 0,
            }
        };
        assert!(census.counts(lanes(3, 1), 0));
        assert!(census.counts(lanes(4, 1), 1), "one stands in two lanes");
        for (first, returns, twice) in [(2, 1, 0), (3, 0, 0), (3, 1, 1), (4, 1, 0)] {
            assert!(!census.counts(lanes(first, returns), twice), "{first} {returns} {twice}");
        }
        [0, 0].into_iter().for_each(|since| census.leaves(&place(Lane::WalkIn, Turn::Lane, since)));
        census.here.remove(Lane::Appointment);
        assert!(!census.counts(lanes(0, 1), 0), "somebody has a time who is not here");
    }
}
