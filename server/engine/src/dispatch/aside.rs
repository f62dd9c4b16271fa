//! Those of a queue who wait for something else than their lane's turn: a number of calls, or a moment.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::dispatch::line::{Filed, Line, OrderKey};
use crate::dispatch::queue::Place;
use crate::ids::TicketId;
use crate::lane::Lane;
use crate::time::Timestamp;

/// What brings a waiting ticket its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "turn", rename_all = "snake_case")]
pub enum Turn {
    /// The cycle, when it comes to its lane (R1).
    #[default]
    Lane,
    /// The cycle, but not before a moment later than its coming; sooner only when a counter would stand idle.
    PutOff,
    /// So many calls of the service: the `band` of its order (C1). It stands in no lane.
    AfterCalls,
    /// So many turns of the cycle since the last of its kind (C1, C2). It stands in no lane.
    PerCalls,
    /// The cycle: in its own lane before `until`, from then on in the lane of the booked (R9).
    OnSite { until: Timestamp, then: OrderKey },
}

impl Turn {
    /// From whom the turn is.
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Lane | Self::PutOff | Self::OnSite { .. } => Kind::Lane,
            Self::AfterCalls => Kind::AfterCalls,
            Self::PerCalls => Kind::PerCalls,
        }
    }
}

/// What gives a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    /// The cycle.
    Lane,
    /// Calls that were made.
    AfterCalls,
    /// Turns that the cycle gave to others.
    PerCalls,
}

/// The lanes whose people can join by calls, each counted apart.
pub(super) const PER_CALLS: [Lane; 2] = [Lane::Missed, Lane::Late];

/// How many turns the cycle has given since the latest of the missed, and of the late, who join one per so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Spacing {
    missed: u32,
    late: u32,
}

impl Spacing {
    /// The cycle has given a turn.
    pub(super) fn count(&mut self) {
        self.missed = self.missed.saturating_add(1);
        self.late = self.late.saturating_add(1);
    }

    /// One of these had a turn, or the first of them has joined.
    pub(super) fn restart(&mut self, lane: Lane) {
        if lane == Lane::Late { self.late = 0 } else { self.missed = 0 }
    }

    /// Turns since then.
    pub(super) fn of(self, lane: Lane) -> u32 {
        if lane == Lane::Late { self.late } else { self.missed }
    }
}

/// The lines beside the lanes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(super) struct Aside {
    /// Those who come after so many calls, soonest first.
    pub(super) after_calls: Line,
    /// The missed of whom one comes per so many turns, in order.
    missed: Line,
    /// The late of whom one comes per so many turns, in order.
    late: Line,
    /// Those in a lane who have come before their time, soonest first.
    pub(super) put_off: Line,
    /// Those who change lanes, and when.
    turning: BTreeSet<(Timestamp, TicketId)>,
    pub(super) spacing: Spacing,
}

impl Aside {
    /// Files a ticket beside the lanes; true if it stands in a lane as well.
    pub(super) fn enter(&mut self, ticket: TicketId, place: &Place, filed: Filed) -> bool {
        let wants = place.wants.as_ref();
        match place.turn {
            Turn::Lane => true,
            Turn::PutOff => {
                self.put_off.insert(wants, OrderKey::at(place.since), ticket, filed);
                true
            }
            Turn::AfterCalls => {
                self.after_calls.insert(wants, place.order, ticket, filed);
                false
            }
            Turn::PerCalls => {
                self.per_calls_mut(place.lane).insert(wants, place.order, ticket, filed);
                false
            }
            Turn::OnSite { until, .. } => {
                self.turning.insert((until, ticket));
                true
            }
        }
    }

    /// Takes a ticket out of the lines beside the lanes.
    pub(super) fn leave(&mut self, ticket: TicketId, place: &Place) {
        let wants = place.wants.as_ref();
        match place.turn {
            Turn::Lane => {}
            Turn::PutOff => drop(self.put_off.remove(wants, OrderKey::at(place.since), ticket)),
            Turn::AfterCalls => drop(self.after_calls.remove(wants, place.order, ticket)),
            Turn::PerCalls => drop(self.per_calls_mut(place.lane).remove(wants, place.order, ticket)),
            Turn::OnSite { until, .. } => drop(self.turning.remove(&(until, ticket))),
        }
    }

    /// Those of this lane of whom one comes per so many turns.
    pub(super) fn per_calls(&self, lane: Lane) -> &Line {
        if lane == Lane::Late { &self.late } else { &self.missed }
    }

    fn per_calls_mut(&mut self, lane: Lane) -> &mut Line {
        if lane == Lane::Late { &mut self.late } else { &mut self.missed }
    }

    /// Who changes lanes next, and when.
    pub(super) fn turning(&self) -> impl Iterator<Item = (Timestamp, TicketId)> + '_ {
        self.turning.iter().copied()
    }

    /// Whether nobody waits for anything but their lane's turn.
    pub(super) fn is_empty(&self) -> bool {
        [&self.after_calls, &self.missed, &self.late, &self.put_off].into_iter().all(Line::is_empty)
            && self.turning.is_empty()
    }

    /// How many stand here and in no lane, and how many stand in two lanes.
    pub(super) fn balance(&self) -> (usize, usize) {
        let here = self.after_calls.len() + self.missed.len() + self.late.len();
        (here, self.turning.len())
    }
}
