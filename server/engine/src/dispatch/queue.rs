//! The waiting tickets of one service, filed under the keys the rules ask for.
//!
//! Every question of the dispatcher is answered by the head of some line, so a call costs a logarithm of
//! the queue's length. Tickets that want one counter are filed apart (the first part of each key), so that
//! the others need not step over them.

use std::collections::BTreeMap;
use std::ops::Bound;

use serde::{Deserialize, Serialize};

use crate::config::{OrderInLane, Policy};
use crate::dispatch::cycle::{Cycle, Share};
use crate::estimate::Pace;
use crate::event::Rule;
use crate::ids::{CounterId, TicketId};
use crate::lane::Lane;
use crate::ticket::{Ticket, Urgency};
use crate::time::{Millis, Timestamp};

/// Where a waiting ticket stands in its queue: everything the rules know of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The lane.
    pub lane: Lane,
    /// Its position inside the lane.
    pub order: OrderKey,
    /// From when on it may be called, and so the moment from which its wait and its overtakes count.
    pub since: Timestamp,
    /// The only counter it wants.
    pub wants: Option<CounterId>,
    /// Precedence granted, and since when.
    pub urgent: Option<(Urgency, Timestamp)>,
}

/// Position in a line. Which fields count is the line's affair, in a lane the policy's `order` (R2); the
/// others are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct OrderKey {
    /// Start of the slot in milliseconds; in the line of precedence, its rank.
    pub band: i64,
    /// Beginning of the wait.
    pub queued: Timestamp,
    /// Number taken.
    pub count: u32,
    /// How many steps behind that place the person chose to stand.
    pub behind: u32,
}

impl Place {
    /// Where a ticket belongs that waits from now on.
    pub fn of(ticket: &Ticket, policy: &Policy) -> Self {
        let slot = ticket.slot.filter(|_| ticket.lane == Lane::Appointment).map(|slot| slot.start);
        let order = match policy.order {
            OrderInLane::SlotThenCheckIn => {
                OrderKey { band: slot.unwrap_or_default().0, queued: ticket.queued_at, count: ticket.count, behind: 0 }
            }
            OrderInLane::Number => OrderKey { count: ticket.count, ..OrderKey::default() },
            OrderInLane::CheckIn => OrderKey { queued: ticket.queued_at, ..OrderKey::default() },
        };
        Self {
            lane: ticket.lane,
            order,
            since: slot.map_or(ticket.queued_at, |start| ticket.queued_at.max(start - policy.early())),
            wants: ticket.wants.clone(),
            urgent: ticket.grant.as_ref().map(|grant| (grant.urgency, grant.at)),
        }
    }
}

impl OrderKey {
    /// Before every position in use.
    pub(super) const FIRST: Self = Self { band: i64::MIN, queued: Timestamp(i64::MIN), count: 0, behind: 0 };

    fn of_urgency(urgency: Urgency, granted_at: Timestamp) -> Self {
        let band = match urgency {
            Urgency::Emergency => 0,
            Urgency::GreenChannel => 1,
        };
        Self { band, queued: granted_at, ..Self::default() }
    }

    fn of_age(since: Timestamp) -> Self {
        Self { queued: since, ..Self::default() }
    }
}

/// One line of a queue: keys in order, those of each wanted counter together.
pub(super) type Line = BTreeMap<(Option<CounterId>, OrderKey, TicketId), Filed>;

/// What a line remembers beside the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Filed {
    /// The ticket's lane.
    pub(super) lane: Lane,
    /// From when on it may be called.
    pub(super) since: Timestamp,
}

/// Somebody who was told to get ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Readied {
    pub(super) ticket: TicketId,
    pub(super) wants: Option<CounterId>,
    pub(super) lane: Lane,
    pub(super) since: Timestamp,
}

/// The queue of one service.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Queue {
    /// Each lane in its own order, without those told to get ready.
    pub(super) lanes: [Line; Lane::ALL.len()],
    /// Those with precedence, most urgent first. They stand in no lane.
    pub(super) urgent: Line,
    /// Everybody in a lane, longest wait first: its head is overdue first, by time and by overtakes.
    pub(super) age: Line,
    /// Told to get ready, in this order. They have left their lanes' lines, not the line of age.
    pub(super) ready: Vec<Readied>,
    /// The weighted cycle.
    pub(super) cycle: Cycle,
    /// Calls by precedence since somebody else was called.
    pub(super) urgent_run: u32,
    /// The waits' beginnings of everybody called today except by precedence, sorted: whoever waits since
    /// before such a moment was overtaken by that call.
    overtakes: Vec<(Timestamp, TicketId)>,
    /// Calls made today.
    calls: u32,
    /// How fast it moves.
    pace: Pace,
}

impl Queue {
    /// An empty queue that remembers the pace of earlier days.
    pub fn with_pace(pace: Pace) -> Self {
        Self { pace, ..Self::default() }
    }

    /// People waiting.
    pub fn len(&self) -> usize {
        self.age.len() + self.urgent.len()
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.age.is_empty() && self.urgent.is_empty()
    }

    /// Calls made today.
    pub fn calls(&self) -> u32 {
        self.calls
    }

    /// How fast it moves.
    pub fn pace(&self) -> &Pace {
        &self.pace
    }

    /// Who was told to get ready, in order.
    pub fn ready(&self) -> impl Iterator<Item = TicketId> + '_ {
        self.ready.iter().map(|readied| readied.ticket)
    }

    /// Whether this ticket was told to get ready.
    pub fn is_ready(&self, ticket: TicketId) -> bool {
        self.ready.iter().any(|readied| readied.ticket == ticket)
    }

    /// How often somebody whose wait began later was called before this one (R3).
    pub fn overtaken(&self, since: Timestamp, ticket: TicketId) -> u32 {
        let later = self.overtakes.len() - self.overtakes.partition_point(|key| *key <= (since, ticket));
        u32::try_from(later).unwrap_or(u32::MAX)
    }

    /// The first moment after `now` at which somebody who cannot be called yet can be.
    pub fn next_eligible(&self, now: Timestamp) -> Option<Timestamp> {
        // Few counters are wanted by name, so one look per wanted counter stays cheap.
        let mut soonest: Option<Timestamp> = None;
        let mut group = self.age.first_key_value().map(|(key, _)| key.0.clone());
        while let Some(wants) = group {
            let later = (wants.clone(), OrderKey::of_age(now), TicketId(u64::MAX));
            if let Some((key, filed)) = after(&self.age, later).next()
                && key.0 == wants
            {
                soonest = Some(soonest.map_or(filed.since, |at| at.min(filed.since)));
            }
            let past = (wants, OrderKey::of_age(Timestamp::MAX), TicketId(u64::MAX));
            group = after(&self.age, past).next().map(|(key, _)| key.0.clone());
        }
        soonest
    }

    /// The place of the ticket that stands `places` behind this one in its lane, to stand right behind it;
    /// the lane's end where there are fewer.
    pub fn behind(&self, ticket: TicketId, place: &Place, places: u32) -> OrderKey {
        let own = (place.wants.clone(), place.order, ticket);
        let lane = self.lane(place.lane);
        let steps = usize::try_from(places).unwrap_or(usize::MAX);
        after(lane, own)
            .take_while(|(key, _)| key.0 == place.wants)
            .take(steps)
            .last()
            .map_or(place.order, |(key, _)| OrderKey { behind: key.1.behind + 1, ..key.1 })
    }

    /// Files a ticket that begins to wait.
    pub fn file(&mut self, ticket: TicketId, place: &Place) {
        let filed = Filed { lane: place.lane, since: place.since };
        if let Some((urgency, at)) = place.urgent {
            self.urgent.insert((place.wants.clone(), OrderKey::of_urgency(urgency, at), ticket), filed);
        } else {
            self.lane_mut(place.lane).insert((place.wants.clone(), place.order, ticket), filed);
            self.age.insert((place.wants.clone(), OrderKey::of_age(place.since), ticket), filed);
        }
    }

    /// Takes out a ticket that waits no longer, or elsewhere.
    pub fn unfile(&mut self, ticket: TicketId, place: &Place) {
        if let Some((urgency, at)) = place.urgent {
            self.urgent.remove(&(place.wants.clone(), OrderKey::of_urgency(urgency, at), ticket));
        } else {
            self.lane_mut(place.lane).remove(&(place.wants.clone(), place.order, ticket));
            self.age.remove(&(place.wants.clone(), OrderKey::of_age(place.since), ticket));
        }
        self.ready.retain(|readied| readied.ticket != ticket);
    }

    /// Tells a ticket to get ready, and charges its lane now: the call's turn is decided here (C3).
    pub fn make_ready(&mut self, ticket: TicketId, place: &Place, share: &Share, policy: &Policy) {
        self.cycle.charge(share, &policy.weights);
        self.put_back_ready(ticket, place);
    }

    /// Puts a ticket whose call was taken back where it will be called first; its turn stays paid.
    pub fn put_back_first(&mut self, ticket: TicketId, place: &Place) {
        if place.urgent.is_none() {
            self.put_back_ready(ticket, place);
            self.ready.rotate_right(1);
        }
    }

    /// Moves a filed ticket from its lane to the end of the ready set. Those with precedence need no such thing.
    pub fn put_back_ready(&mut self, ticket: TicketId, place: &Place) {
        if place.urgent.is_none() {
            self.lane_mut(place.lane).remove(&(place.wants.clone(), place.order, ticket));
            self.ready.push(readied(ticket, place));
        }
    }

    /// Records a call: takes the ticket out, charges the cycle, counts whom it overtook.
    pub fn take(
        &mut self,
        ticket: TicketId,
        place: &Place,
        rule: Rule,
        share: Option<&Share>,
        policy: &Policy,
        now: Timestamp,
    ) {
        self.unfile(ticket, place);
        if let Some(share) = share {
            self.cycle.charge(share, &policy.weights);
        }
        match rule {
            Rule::Urgent => self.urgent_run += 1,
            Rule::ByHand => self.overtook(ticket, place.since),
            Rule::Overdue | Rule::Ready | Rule::Cycle | Rule::Early => {
                self.urgent_run = 0;
                self.overtook(ticket, place.since);
            }
        }
        self.calls += 1;
        self.pace.called(now, !self.is_empty());
    }

    /// Forgets that a call overtook anybody: it was taken back.
    pub fn untake(&mut self, ticket: TicketId, since: Timestamp) {
        if let Ok(at) = self.overtakes.binary_search(&(since, ticket)) {
            self.overtakes.remove(at);
        }
        self.calls = self.calls.saturating_sub(1);
    }

    /// Compares an announced wait with what happened.
    pub fn score(&mut self, announced: Millis, waited: Millis) {
        self.pace.score(announced, waited);
    }

    /// Starts the cycle anew: its weights were changed.
    pub fn reset_cycle(&mut self) {
        self.cycle = Cycle::default();
    }

    fn overtook(&mut self, ticket: TicketId, since: Timestamp) {
        // Calls come roughly in the order of arrival, so this is an insertion near the end.
        let at = self.overtakes.partition_point(|key| *key < (since, ticket));
        self.overtakes.insert(at, (since, ticket));
    }

    pub(super) fn lane(&self, lane: Lane) -> &Line {
        // `Lane::index` is below `Lane::ALL.len()` by definition.
        #[expect(clippy::indexing_slicing, reason = "the array has one line for each lane")]
        &self.lanes[lane.index()]
    }

    fn lane_mut(&mut self, lane: Lane) -> &mut Line {
        #[expect(clippy::indexing_slicing, reason = "the array has one line for each lane")]
        &mut self.lanes[lane.index()]
    }

    /// Every ticket filed, for [`crate::Venue::check`].
    pub(crate) fn filed(&self) -> impl Iterator<Item = TicketId> + '_ {
        self.age.keys().map(|key| key.2).chain(self.urgent.keys().map(|key| key.2))
    }

    /// Whether the lanes and the ready set hold exactly those in the line of age, for [`crate::Venue::check`].
    pub(crate) fn is_consistent(&self) -> bool {
        self.lanes.iter().map(BTreeMap::len).sum::<usize>() + self.ready.len() == self.age.len()
    }
}

/// Entries of a line behind a key.
pub(super) fn after(
    line: &Line,
    key: (Option<CounterId>, OrderKey, TicketId),
) -> impl Iterator<Item = (&(Option<CounterId>, OrderKey, TicketId), &Filed)> {
    line.range((Bound::Excluded(key), Bound::Unbounded))
}

fn readied(ticket: TicketId, place: &Place) -> Readied {
    Readied { ticket, wants: place.wants.clone(), lane: place.lane, since: place.since }
}
