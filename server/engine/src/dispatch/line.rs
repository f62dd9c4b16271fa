//! One line of a queue: tickets in order, those of each wanted counter together.

use std::collections::BTreeMap;
use std::collections::btree_map::Range;
use std::ops::Bound;

use serde::{Deserialize, Serialize, Serializer};

use crate::dispatch::aside::{Kind, Turn};
use crate::dispatch::queue::Place;
use crate::ids::{CounterId, TicketId};
use crate::lane::Lane;
use crate::time::Timestamp;

/// Position in a line. Which fields count is the line's affair, in a lane the policy's `order` (R2); the
/// others are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct OrderKey {
    /// Start of the slot in milliseconds; in the line of precedence, its rank; after so many calls, their count.
    pub band: i64,
    /// Beginning of the wait.
    pub queued: Timestamp,
    /// Number taken.
    pub count: u32,
    /// How far behind that place the person chose to stand, as a fraction of the way to the next.
    pub behind: u32,
}

impl OrderKey {
    /// By time alone.
    pub(super) fn at(queued: Timestamp) -> Self {
        Self { queued, ..Self::default() }
    }

    /// Before every position in use.
    const FIRST: Self = Self { band: i64::MIN, queued: Timestamp(i64::MIN), count: 0, behind: 0 };
    /// Behind every position in use.
    const LAST: Self = Self { band: i64::MAX, queued: Timestamp::MAX, count: u32::MAX, behind: u32::MAX };

    /// The moment from which those who came to triage stand behind it, inside its slot; where the order is by
    /// number, the number. Whoever stands right behind a number does so here as well (R5).
    pub(super) fn triage(&self) -> (Timestamp, u32, u32) {
        (self.queued.max(Timestamp(self.band)), self.count, self.behind)
    }

    /// The position between this and the next: half way, if the next stands behind the same place. After some
    /// thirty such steps at one place there is no middle any more, and the ticket's number decides.
    pub(super) fn stepped_behind(self, next: Option<Self>) -> Self {
        let same = |next: &Self| Self { behind: self.behind, ..*next } == self;
        let end = next.filter(same).map_or(u32::MAX, |next| next.behind);
        let middle = self.behind + (end - self.behind) / 2;
        Self { behind: middle.max(self.behind.saturating_add(1)), ..self }
    }
}

/// What a line remembers beside the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Filed {
    /// The ticket's lane, before `until`.
    lane: Lane,
    /// From when on its wait and its overtakes count.
    pub(super) since: Timestamp,
    /// From when on it may be called from this line: `since`, but for those who stand in two lanes.
    pub(super) from: Timestamp,
    /// From when on it waits as booked.
    until: Timestamp,
    /// What gives it its turn.
    pub(super) kind: Kind,
}

impl Filed {
    /// How a ticket is filed in every line but the second of its lanes.
    pub(super) fn of(place: &Place) -> Self {
        let until = if let Turn::OnSite { until, .. } = place.turn { until } else { Timestamp::MAX };
        Self { lane: place.lane, since: place.since, from: place.since, until, kind: place.turn.kind() }
    }

    /// How a ticket is filed in the lane in which it stands from a moment on.
    pub(super) fn booked_from(self, from: Timestamp) -> Self {
        Self { lane: Lane::Appointment, from, ..self }
    }

    /// The ticket's lane at a moment.
    pub(super) fn lane(&self, now: Timestamp) -> Lane {
        if now < self.until { self.lane } else { Lane::Appointment }
    }

    /// Whether it stands in the line of this lane no longer.
    pub(super) fn has_left(&self, lane: Lane, now: Timestamp) -> bool {
        self.lane(now) != lane
    }
}

/// A ticket in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry<'l> {
    pub(super) key: &'l OrderKey,
    pub(super) ticket: TicketId,
    pub(super) filed: &'l Filed,
}

/// Where a ticket is found: the counter it wants, its place, its name.
type Key = (Option<CounterId>, OrderKey, TicketId);

/// Tickets in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Line(BTreeMap<Key, Filed>);

/// Those who want one counter, in order, from some place on.
#[derive(Debug)]
pub(super) struct Entries<'l>(Range<'l, Key, Filed>);

impl<'l> Iterator for Entries<'l> {
    type Item = Entry<'l>;

    fn next(&mut self) -> Option<Entry<'l>> {
        self.0.next().map(|((_, key, ticket), filed)| Entry { key, ticket: *ticket, filed })
    }
}

impl Line {
    pub(super) fn insert(&mut self, wants: Option<&CounterId>, key: OrderKey, ticket: TicketId, filed: Filed) {
        self.0.insert((wants.cloned(), key, ticket), filed);
    }

    /// Takes a ticket out; whether it was there.
    pub(super) fn remove(&mut self, wants: Option<&CounterId>, key: OrderKey, ticket: TicketId) -> bool {
        self.0.remove(&(wants.cloned(), key, ticket)).is_some()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn tickets(&self) -> impl Iterator<Item = TicketId> {
        self.0.keys().map(|(_, _, ticket)| *ticket)
    }

    /// The counters that somebody in the line wants, and none if somebody wants none.
    pub(super) fn wanted(&self) -> impl Iterator<Item = &Option<CounterId>> {
        let mut next = self.0.first_key_value().map(|((wants, _, _), _)| wants);
        std::iter::from_fn(move || {
            let wants = next?;
            let last = (wants.clone(), OrderKey::LAST, TicketId(u64::MAX));
            next = self.0.range((Bound::Excluded(last), Bound::Unbounded)).next().map(|((wants, _, _), _)| wants);
            Some(wants)
        })
    }

    /// Whoever stands behind all others; none where somebody wants one counter, and so stands in an order apart.
    pub(super) fn last(&self) -> Option<Entry<'_>> {
        // Those who want none come first.
        let ((wants, key, ticket), filed) = self.0.last_key_value()?;
        wants.is_none().then_some(Entry { key, ticket: *ticket, filed })
    }

    /// Those who want this counter, in order.
    pub(super) fn of(&self, wants: Option<&CounterId>) -> Entries<'_> {
        self.behind(wants, OrderKey::FIRST, TicketId(0))
    }

    /// Those who want this counter and stand behind this place, in order.
    pub(super) fn behind(&self, wants: Option<&CounterId>, key: OrderKey, ticket: TicketId) -> Entries<'_> {
        let from = Bound::Excluded((wants.cloned(), key, ticket));
        // Not an excluded end: a range from a place to itself must be empty, not absurd.
        let to = Bound::Included((wants.cloned(), OrderKey::LAST, TicketId(u64::MAX)));
        Entries(self.0.range((from, to)))
    }
}

impl Serialize for Line {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        // As a list: not every format has maps whose keys are more than text.
        to.collect_seq(&self.0)
    }
}
