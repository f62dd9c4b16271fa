//! The waiting tickets of one service, filed under the keys the rules ask for.
//!
//! Every question of the dispatcher is answered by the head of some line, so a call costs a logarithm of
//! the queue's length. Tickets that want one counter are filed apart, so that the others need not step over
//! them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::config::{OrderInLane, Policy};
use crate::dispatch::ages::Ages;
use crate::dispatch::aside::{Aside, Turn};
use crate::dispatch::census::Census;
use crate::dispatch::lanes::{LaneCycle, Share};
use crate::dispatch::line::{Entries, Filed, Line, OrderKey};
use crate::dispatch::overtakes::{Overtakes, Since};
use crate::dispatch::passed::{PASSED_MAX, Passed, PassedBy};
use crate::dispatch::reach::Reach;
use crate::estimate::Pace;
use crate::event::{Rule, Why};
use crate::ids::{CounterId, TicketId};
use crate::joining::Joining;
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
    /// What brings it its turn.
    #[serde(default)]
    pub turn: Turn,
}

impl Place {
    /// Where a ticket belongs that waits from now on.
    pub fn of(ticket: &Ticket, policy: &Policy) -> Self {
        let booked = ticket.slot.filter(|_| ticket.lane == Lane::Appointment).map(|slot| slot.start);
        let (slot, queued, put_off) = match ticket.joining {
            Some(Joining::AsOf { at, .. }) => (booked.map(|_| at), at, Some(at)),
            Some(Joining::Shifted { slot }) => (Some(slot), ticket.queued_at, None),
            Some(Joining::AfterCalls { .. } | Joining::PerCalls | Joining::OnSite) | None => {
                (booked, ticket.queued_at, None)
            }
        };
        let since = match ticket.joining {
            // Could be called before, and waits since then.
            Some(Joining::OnSite) => ticket.joined_at,
            _ => slot.or(put_off).map_or(ticket.joined_at, |start| ticket.joined_at.max(start - policy.early())),
        };
        let (order, turn) = match (ticket.joining, ticket.slot) {
            (Some(Joining::AfterCalls { due }), _) => {
                (OrderKey { band: due.into(), queued, count: ticket.count, behind: 0 }, Turn::AfterCalls)
            }
            (Some(Joining::PerCalls), _) => {
                (OrderKey { queued, count: ticket.count, ..OrderKey::default() }, Turn::PerCalls)
            }
            (Some(Joining::OnSite), Some(slot)) if ticket.lane == Lane::WalkIn => {
                let then = order(policy.order, Some(slot.start), queued, ticket);
                let until = slot.start - policy.early();
                (order(policy.order, None, queued, ticket), Turn::OnSite { until, then })
            }
            (Some(Joining::AsOf { .. }), _) => (order(policy.order, slot, queued, ticket), Turn::PutOff),
            _ => (order(policy.order, slot, queued, ticket), Turn::Lane),
        };
        Self {
            lane: ticket.lane,
            order,
            since,
            wants: ticket.wants.clone(),
            urgent: ticket.grant.as_ref().map(|grant| (grant.urgency, grant.at)),
            turn,
        }
    }
}

/// The position in a lane of one who came at `queued` for the slot that begins at `slot` (R2).
fn order(by: OrderInLane, slot: Option<Timestamp>, queued: Timestamp, ticket: &Ticket) -> OrderKey {
    match (by, ticket.joining) {
        (OrderInLane::SlotThenCheckIn, _) => {
            OrderKey { band: slot.unwrap_or_default().0, queued, count: ticket.count, behind: 0 }
        }
        // Behind whoever has that number.
        (OrderInLane::Number, Some(Joining::AsOf { count, .. })) => {
            OrderKey { count, behind: 1, ..OrderKey::default() }
        }
        (OrderInLane::Number, _) => OrderKey { count: ticket.count, ..OrderKey::default() },
        (OrderInLane::CheckIn, _) => OrderKey { queued, count: ticket.count, ..OrderKey::default() },
    }
}

fn by_urgency(urgency: Urgency, granted_at: Timestamp) -> OrderKey {
    let band = match urgency {
        Urgency::Emergency => 0,
        Urgency::GreenChannel => 1,
    };
    OrderKey { band, queued: granted_at, ..OrderKey::default() }
}

/// Somebody who was told to get ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Readied {
    pub(super) ticket: TicketId,
    pub(super) wants: Option<CounterId>,
    pub(super) lane: Lane,
    pub(super) since: Timestamp,
}

/// Somebody who was sent to a counter's second waiting area.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inside {
    /// Who.
    pub ticket: TicketId,
    /// To which counter.
    pub counter: CounterId,
    /// Counts those who were sent today, of all services: they are called in this order.
    pub nth: u64,
    /// The lane in which the person waited.
    pub(super) lane: Lane,
    /// The moment from which the person's wait counts against others.
    pub(super) since: Timestamp,
    /// What let the person go before others.
    pub(super) by: PassedBy,
    /// How often the person had been overtaken.
    pub(super) overtaken: u32,
}

/// A call, as the queue sees it.
#[derive(Debug)]
pub struct Taken<'a> {
    /// Who.
    pub ticket: TicketId,
    /// Where the ticket stood, or would have stood.
    pub place: &'a Place,
    /// Where to.
    pub counter: &'a CounterId,
    /// By which rule.
    pub rule: Rule,
    /// When.
    pub at: Timestamp,
    /// How long the person will take, in thousandths of the mean (E1).
    pub load: u32,
}

impl Taken<'_> {
    /// The key under which the call overtakes. Whoever was called before their time overtook only those who
    /// were there.
    fn since(&self) -> Since {
        (self.place.since.min(self.at), self.ticket)
    }

    /// What lets it go before others.
    pub fn passed_by(&self) -> PassedBy {
        PassedBy::of(self.rule, self.place.lane, self.place.urgent.map(|(urgency, _)| urgency))
    }

    /// Whether it goes before those at its counter's door.
    fn goes_first(&self) -> bool {
        matches!(self.rule, Rule::Urgent | Rule::ByHand)
    }

    /// The same of somebody called from inside: what let them go there.
    fn passed_by_from(&self, inside: Option<&Inside>) -> PassedBy {
        inside.filter(|_| self.rule == Rule::Inside).map_or_else(|| self.passed_by(), |inside| inside.by)
    }

    /// Whether it passes over somebody who waits at this place in the hall.
    fn passes(&self, ticket: TicketId, place: &Place) -> bool {
        place.wants.as_ref().is_none_or(|wants| wants == self.counter) && (place.since, ticket) < self.since()
    }
}

/// The queue of one service.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Queue {
    /// Each lane in its own order, without those told to get ready.
    lanes: [Line; Lane::ALL.len()],
    /// Those in the lanes, counted.
    pub(super) census: Census,
    /// Those with precedence, most urgent first. They stand in no lane.
    pub(super) urgent: Line,
    /// Everybody in a lane, longest wait first: its head is overdue first, by time and by overtakes.
    pub(super) age: Line,
    /// Told to get ready, in this order. They have left their lanes' lines, not the line of age.
    pub(super) ready: Vec<Readied>,
    /// Those who wait for something else than their lane's turn.
    pub(super) aside: Aside,
    /// Sent to the second waiting area of a counter, in this order (C4). They stand in no line.
    pub(super) inside: Vec<Inside>,
    /// The weighted cycle.
    pub(super) cycle: LaneCycle,
    /// Calls by precedence in a row while others could have been called.
    pub(super) urgent_run: u32,
    /// Today's calls, except those by precedence.
    pub(super) overtakes: Overtakes,
    /// Today's calls by what let them go first, those by precedence too: who was called before whom, and why.
    passes: BTreeMap<PassedBy, Overtakes>,
    /// Everybody, longest wait first, apart for each counter wanted. What is filed says it all.
    #[serde(skip)]
    ages: BTreeMap<Option<CounterId>, Ages>,
    /// Calls made today.
    pub(super) calls: u32,
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
        self.age.len() + self.urgent.len() + self.inside.len()
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.age.is_empty() && self.urgent.is_empty() && self.inside.is_empty()
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
        self.ready_at(ticket).is_some()
    }

    /// Where this ticket stands among those told to get ready.
    pub fn ready_at(&self, ticket: TicketId) -> Option<usize> {
        self.ready.iter().position(|readied| readied.ticket == ticket)
    }

    /// Who was sent to the second waiting area of a counter, in order.
    pub fn inside(&self) -> &[Inside] {
        &self.inside
    }

    /// Where this ticket was sent, if it was.
    pub fn inside_of(&self, ticket: TicketId) -> Option<&Inside> {
        self.inside.iter().find(|inside| inside.ticket == ticket)
    }

    /// Whether everybody who waits in a lane was told to get ready.
    pub fn is_all_ready(&self) -> bool {
        self.ready.len() == self.age.len()
    }

    /// The counters that somebody wants, or at whose doors somebody waits; one may come twice.
    pub fn wanted(&self) -> impl Iterator<Item = &CounterId> {
        let in_hall = self.age.wanted().chain(self.urgent.wanted()).flatten();
        in_hall.chain(self.inside.iter().map(|inside| &inside.counter))
    }

    /// Whether everybody else is called before this ticket if nobody new comes, whatever the policy says: it stands
    /// last in the one lane in which all stand, and nobody's wait begins later. Whoever cannot be called yet can be
    /// before it.
    pub fn is_behind_all(&self, ticket: TicketId, now: Timestamp) -> bool {
        let last = self.age.last().filter(|last| last.ticket == ticket);
        let lane = last.map(|last| self.lane(last.filed.lane(now)));
        lane.is_some_and(|lane| {
            lane.len() + self.ready.len() == self.age.len() && lane.last().is_some_and(|last| last.ticket == ticket)
        }) && self.urgent.is_empty()
            && self.inside.is_empty()
            && self.aside.is_empty()
    }

    /// How many more can be told to get ready, of those within reach: whoever was told for a counter that has
    /// stopped working takes nobody's place.
    pub fn room(&self, policy: &Policy, reach: &Reach<'_>) -> usize {
        room(&self.ready, policy, reach)
    }

    /// How often somebody whose wait began later was called before this one (R3); of somebody inside, before they
    /// were sent there.
    pub fn overtaken(&self, ticket: TicketId, place: &Place) -> u32 {
        if let Some(inside) = self.inside_of(ticket) {
            return inside.overtaken;
        }
        self.overtakes.of(place.wants.as_ref(), (place.since, ticket))
    }

    /// How many were called before this one although their waits began later, by what let them: since this one's
    /// wait began, calls taken back left out. Whom nobody passed over gets an empty list.
    pub fn passed_over(&self, ticket: TicketId, place: &Place) -> Vec<(PassedBy, u32)> {
        let since = (place.since, ticket);
        let counts = self.passes.iter().map(|(by, calls)| (*by, calls.of(place.wants.as_ref(), since)));
        counts.filter(|(_, count)| *count > 0).collect()
    }

    /// Whom this call would pass over, or sending somebody inside, while its ticket still waits. Whoever is inside
    /// passed over others when they were sent, and is passed over only by precedence, or by hand, at that counter.
    pub fn passes(&self, taken: &Taken<'_>) -> Passed {
        if taken.rule == Rule::Inside {
            return Passed::default();
        }
        let here = [None, Some(taken.counter.clone())];
        let groups = || here.iter().filter_map(|wants| self.ages.get(wants));
        let mut passed = Passed::default();
        for counts in groups().map(|ages| ages.before(taken.since())) {
            for (lane, count) in Lane::ALL.into_iter().zip(counts).filter(|(_, count)| *count > 0) {
                *passed.lanes.entry(lane).or_default() += count;
            }
        }
        let mut first: Vec<Since> = groups().flat_map(|ages| ages.first(PASSED_MAX)).collect();
        let door = self.inside.iter().filter(|inside| inside.counter == *taken.counter);
        for inside in door.filter(|_| taken.goes_first()) {
            let since = (inside.since, inside.ticket);
            if since < taken.since() {
                *passed.lanes.entry(inside.lane).or_default() += 1;
                first.push(since);
            }
        }
        first.retain(|since| *since < taken.since());
        first.sort_unstable();
        passed.first = first.into_iter().take(PASSED_MAX).map(|(_, ticket)| ticket).collect();
        passed
    }

    /// Whether this call would pass over somebody who waits at this place.
    pub fn is_passed(&self, ticket: TicketId, place: &Place, taken: &Taken<'_>) -> bool {
        match self.inside_of(ticket) {
            Some(inside) => inside.counter == *taken.counter && taken.goes_first() && taken.passes(ticket, place),
            None => taken.rule != Rule::Inside && taken.passes(ticket, place),
        }
    }

    /// The first moment after `now` at which somebody within reach, who was not told to get ready, can be
    /// called.
    pub fn next_eligible(&self, reach: &Reach<'_>, now: Timestamp) -> Option<Timestamp> {
        let wanted = self.age.wanted().filter(|wants| reach.holds(wants.as_ref()));
        let soonest =
            wanted.filter_map(|wants| self.soon(wants.as_ref(), now).find(|entry| !self.is_ready(entry.ticket)));
        soonest.map(|entry| entry.filed.since).min()
    }

    /// The first moment after `now` at which somebody within reach has waited too long: until then, whoever rejoins
    /// by calls is sent to no door (C4).
    pub fn next_overdue(&self, reach: &Reach<'_>, policy: &Policy, now: Timestamp) -> Option<Timestamp> {
        let wanted = self.age.wanted().filter(|wants| reach.holds(wants.as_ref()));
        let longest = wanted.filter_map(|wants| self.age.of(wants.as_ref()).next());
        longest.filter_map(|entry| policy.overdue_from(entry.filed.since)).filter(|due| *due > now).min()
    }

    /// Those who want this counter and cannot be called yet, soonest first.
    pub(super) fn soon(&self, wants: Option<&CounterId>, now: Timestamp) -> Entries<'_> {
        self.age.behind(wants, OrderKey::at(now), TicketId(u64::MAX))
    }

    /// The place right behind the one who stands `places` behind this ticket in its lane, or behind the last
    /// where there are fewer. Whoever can be called lets nobody go first who cannot be called yet.
    pub fn stepped_back(&self, ticket: TicketId, place: &Place, places: u32, now: Timestamp) -> Place {
        // Whom one lets go first does not count as having overtaken one.
        let mut stepped = Place { since: place.since.max(now), ..place.clone() };
        // Told to get ready, one lets those go first who were told later.
        let told = self.ready_at(ticket).map_or(0, |at| {
            let later = self.ready.iter().skip(at + 1);
            later.filter(|other| other.lane == place.lane && other.wants == place.wants).count()
        });
        let steps = usize::try_from(places).unwrap_or(usize::MAX).saturating_sub(told);
        let (line, wants) = (self.line(place), place.wants.as_ref());
        let others = line.behind(wants, place.order, ticket).filter(|other| other.filed.from <= stepped.since);
        if let Some(before) = others.take(steps).last() {
            let next = line.behind(wants, *before.key, TicketId(u64::MAX)).next();
            stepped.order = before.key.stepped_behind(next.map(|next| *next.key));
        }
        stepped
    }

    /// Files a ticket that begins to wait.
    pub fn file(&mut self, ticket: TicketId, place: &Place) {
        let (wants, filed) = (place.wants.as_ref(), Filed::of(place));
        self.ages.entry(place.wants.clone()).or_default().insert((place.since, ticket), place.lane);
        if let Some((urgency, at)) = place.urgent {
            self.urgent.insert(wants, by_urgency(urgency, at), ticket, filed);
            return;
        }
        self.age.insert(wants, OrderKey::at(place.since), ticket, filed);
        if self.aside.enter(ticket, place, filed) {
            self.lane_mut(place.lane).insert(wants, place.order, ticket, filed);
            self.census.enters(place);
        }
        if let Turn::OnSite { until, then } = place.turn {
            self.lane_mut(Lane::Appointment).insert(wants, then, ticket, filed.booked_from(until));
        }
    }

    /// Takes a ticket out of every line from which turns are given.
    fn leave(&mut self, ticket: TicketId, place: &Place) {
        let wants = place.wants.as_ref();
        self.aside.leave(ticket, place);
        if self.lane_mut(place.lane).remove(wants, place.order, ticket) {
            self.census.leaves(place);
        }
        if let Turn::OnSite { then, .. } = place.turn {
            self.lane_mut(Lane::Appointment).remove(wants, then, ticket);
        }
    }

    /// Takes out a ticket that waits no longer, or elsewhere.
    pub fn unfile(&mut self, ticket: TicketId, place: &Place) {
        let wants = place.wants.as_ref();
        if let Some(ages) = self.ages.get_mut(&place.wants) {
            ages.remove((place.since, ticket));
        }
        if let Some((urgency, at)) = place.urgent {
            self.urgent.remove(wants, by_urgency(urgency, at), ticket);
        } else {
            self.leave(ticket, place);
            self.age.remove(wants, OrderKey::at(place.since), ticket);
        }
        self.ready.retain(|readied| readied.ticket != ticket);
        self.leave_inside(ticket);
    }

    /// Whoever was sent inside and is not called from there overtook nobody.
    fn leave_inside(&mut self, ticket: TicketId) {
        if let Some(at) = self.inside.iter().position(|inside| inside.ticket == ticket) {
            let Inside { counter, since, by, .. } = self.inside.remove(at);
            self.overtakes.remove(&counter, (since, ticket));
            if let Some(calls) = self.passes.get_mut(&by) {
                calls.remove(&counter, (since, ticket));
            }
        }
    }

    /// Sends a ticket to the second waiting area of a counter: it has had its turn, and overtakes from now on.
    pub fn send_inside(&mut self, taken: &Taken<'_>, nth: u64, why: &Why, policy: &Policy) {
        let had_turn = self.is_ready(taken.ticket);
        self.unfile(taken.ticket, taken.place);
        if !had_turn {
            self.give_turn(taken.place, why.share.as_ref(), policy);
        }
        let (since, ticket) = taken.since();
        let (counter, lane, by) = (taken.counter.clone(), taken.place.lane, taken.passed_by());
        self.put_inside(Inside { ticket, counter, nth, lane, since, by, overtaken: why.overtaken });
    }

    /// Puts a ticket that stands in no line where it had been sent.
    pub fn put_inside(&mut self, inside: Inside) {
        let since = (inside.since, inside.ticket);
        self.overtakes.add([&inside.counter], since);
        self.passes.entry(inside.by).or_default().add([&inside.counter], since);
        let at = self.inside.partition_point(|other| other.nth < inside.nth);
        self.inside.insert(at, inside);
    }

    /// Tells a ticket to get ready, and charges its lane now, if it stands in one: the call's turn is decided here
    /// (C3).
    pub fn make_ready(&mut self, ticket: TicketId, place: &Place, share: Option<&Share>, policy: &Policy) {
        self.give_turn(place, share, policy);
        self.put_ready(ticket, place, self.ready.len());
    }

    /// Moves a filed ticket from its lane to this place in the ready set, or to its end. Its turn is paid.
    /// Those with precedence need no such thing.
    pub fn put_ready(&mut self, ticket: TicketId, place: &Place, at: usize) {
        if place.urgent.is_none() && !self.is_ready(ticket) {
            self.leave(ticket, place);
            let readied = Readied { ticket, wants: place.wants.clone(), lane: place.lane, since: place.since };
            self.ready.insert(at.min(self.ready.len()), readied);
        }
    }

    /// Records a call: takes the ticket out, charges the cycle, counts whom it overtook.
    pub fn take(&mut self, taken: &Taken<'_>, share: Option<&Share>, policy: &Policy) {
        let had_turn = self.is_ready(taken.ticket) || matches!(taken.rule, Rule::Urgent | Rule::Inside | Rule::ByHand);
        let by = taken.passed_by_from(self.inside_of(taken.ticket));
        self.unfile(taken.ticket, taken.place);
        if !had_turn {
            self.give_turn(taken.place, share, policy);
        }
        self.passes.entry(by).or_default().add([taken.counter], taken.since());
        match taken.rule {
            Rule::Urgent => self.urgent_run = if self.somebody_eligible(taken.at) { self.urgent_run + 1 } else { 0 },
            Rule::ByHand => self.overtakes.add([taken.counter], taken.since()),
            Rule::Overdue | Rule::Inside | Rule::Ready | Rule::Rejoin | Rule::Cycle | Rule::Early => {
                self.urgent_run = 0;
                self.overtakes.add([taken.counter], taken.since());
            }
        }
        self.calls += 1;
        self.pace.called(taken.at, !self.is_empty(), taken.load);
    }

    /// Forgets a call that was taken back: it overtook nobody, and made no gap. Whoever was called from inside goes
    /// back there afterwards.
    pub fn untake(&mut self, taken: &Taken<'_>, inside: Option<&Inside>) {
        if let Some(calls) = self.passes.get_mut(&taken.passed_by_from(inside)) {
            calls.remove(taken.counter, taken.since());
        }
        match taken.rule {
            Rule::Urgent => self.urgent_run = self.urgent_run.saturating_sub(1),
            Rule::ByHand | Rule::Overdue | Rule::Inside | Rule::Ready | Rule::Rejoin | Rule::Cycle | Rule::Early => {
                self.overtakes.remove(taken.counter, taken.since());
            }
        }
        self.calls = self.calls.saturating_sub(1);
        self.pace.uncalled();
    }

    /// Takes out what is kept of these tickets' calls: for each, what let it go first, or nothing where it is counted
    /// among those that overtake.
    pub(crate) fn forget_calls(
        &mut self,
        of: &BTreeSet<TicketId>,
        mut show: impl FnMut(Option<PassedBy>, &CounterId, Since),
    ) {
        self.overtakes.take_out(of, |counter, call| show(None, counter, call));
        for (by, calls) in &mut self.passes {
            calls.take_out(of, |counter, call| show(Some(*by), counter, call));
        }
    }

    /// Puts back what was taken out.
    pub(crate) fn remember_call(&mut self, by: Option<PassedBy>, counter: &CounterId, call: Since) {
        let calls = match by {
            None => &mut self.overtakes,
            Some(by) => self.passes.entry(by).or_default(),
        };
        calls.add([counter], call);
    }

    /// Charges a turn to the lane that gives it; those who join by calls are counted instead.
    fn give_turn(&mut self, place: &Place, share: Option<&Share>, policy: &Policy) {
        if let Some(share) = share {
            self.cycle.charge(share, &policy.weights);
            self.aside.spacing.count();
        } else if place.turn == Turn::PerCalls {
            self.aside.spacing.restart(place.lane);
        }
    }

    /// Compares an announced wait with what happened.
    pub fn score(&mut self, announced: Millis, waited: Millis) {
        self.pace.score(announced, waited);
    }

    /// Somebody is about to join by turns of the cycle: they are counted from now, unless somebody waits for them.
    pub fn joins_per_calls(&mut self, lane: Lane) {
        if self.aside.per_calls(lane).is_empty() {
            self.aside.spacing.restart(lane);
        }
    }

    /// Who waits as on site until a moment, and from then on as booked, soonest first.
    pub fn turning(&self) -> impl Iterator<Item = (Timestamp, TicketId)> + '_ {
        self.aside.turning()
    }

    /// Starts the cycle anew: its weights were changed.
    pub fn reset_cycle(&mut self) {
        self.cycle = LaneCycle::default();
    }

    /// Whether anybody without precedence could be called, by some counter.
    fn somebody_eligible(&self, now: Timestamp) -> bool {
        !self.inside.is_empty()
            || self
                .age
                .wanted()
                .any(|wants| self.age.of(wants.as_ref()).next().is_some_and(|first| first.filed.since <= now))
    }

    /// The line in which this place is one behind the other.
    fn line(&self, place: &Place) -> &Line {
        match place.turn {
            Turn::AfterCalls => &self.aside.after_calls,
            Turn::PerCalls => self.aside.per_calls(place.lane),
            Turn::Lane | Turn::PutOff | Turn::OnSite { .. } => self.lane(place.lane),
        }
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
        let inside = self.inside.iter().map(|inside| inside.ticket);
        self.age.tickets().chain(self.urgent.tickets()).chain(inside)
    }

    /// Whether the lanes and the ready set hold exactly those in the line of age, and the counted ages exactly those
    /// in a line, and the census those in the lanes, for [`crate::Venue::check`].
    pub(crate) fn is_consistent(&self) -> bool {
        let mut counted: Vec<TicketId> = self.ages.values().flat_map(Ages::tickets).collect();
        let mut filed: Vec<TicketId> = self.age.tickets().chain(self.urgent.tickets()).collect();
        counted.sort_unstable();
        filed.sort_unstable();
        if counted != filed {
            return false;
        }
        let (beside, twice) = self.aside.balance();
        self.lanes.iter().map(Line::len).sum::<usize>() + beside + self.ready.len() == self.age.len() + twice
            && self.census.counts(|lane| self.lane(lane).len(), twice)
    }
}

pub(super) fn room(ready: &[Readied], policy: &Policy, reach: &Reach<'_>) -> usize {
    let most = usize::try_from(policy.ready_count).unwrap_or(usize::MAX);
    most.saturating_sub(told(ready, reach))
}

/// How many within reach were told to get ready.
pub(super) fn told(ready: &[Readied], reach: &Reach<'_>) -> usize {
    ready.iter().filter(|readied| reach.holds(readied.wants.as_ref())).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Plan, service_id};

    #[test]
    fn what_is_filed_twice_or_nowhere_is_found() {
        let mut hall = Plan::default().counter("1").open("08:00");
        hall.walk_ins(5);
        let queue = || hall.venue().queue(&service_id("ent")).unwrap().clone();
        assert!(queue().is_consistent());
        let broken: [fn(&mut Queue); 4] = [
            |queue| drop(queue.ready.pop()),
            |queue| queue.census = Census::default(),
            |queue| queue.ages.clear(),
            |queue| queue.lanes[Lane::WalkIn.index()] = Line::default(),
        ];
        for (nth, harm) in broken.into_iter().enumerate() {
            let mut queue = queue();
            harm(&mut queue);
            assert!(!queue.is_consistent(), "{nth}");
        }
    }
}
