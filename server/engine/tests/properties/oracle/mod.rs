//! The oracle: what happened, kept in plain lists and judged by the letter of the promises. It follows the
//! events alone, knows nothing of queues, lines or cycles, and shares no code with the dispatcher.

mod calls;
mod doors;
mod follow;
mod moves;
mod passed;
mod services;
mod turns;

use std::collections::BTreeMap;

use callnext_engine::config::{OrderInLane, Policy};
use callnext_engine::counter::CounterState;
use callnext_engine::dispatch::PassedBy;
use callnext_engine::event::{Change, Event, Rule};
use callnext_engine::step::Step;
use callnext_engine::ticket::{Slot, Urgency};
use callnext_engine::{Action, CounterId, Lane, Seq, ServiceId, TicketId, TicketNumber, Timestamp, Venue, VenueConfig};

use crate::play::Seen;
use doors::Doors;
use services::Divided;
use turns::Balances;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    Waiting,
    Inside,
    Called,
    Serving,
    Held,
    Missed,
    /// On the way to another venue.
    Away,
    Over,
}

/// Where somebody stands in their lane: by the policy's order, and how far behind that they chose to stand.
type Key = (i64, i64, u32, f64);

#[derive(Debug, Clone)]
struct Person {
    id: TicketId,
    number: TicketNumber,
    service: ServiceId,
    lane: Lane,
    is: Is,
    counter: Option<CounterId>,
    slot: Option<Slot>,
    queued: i64,
    joined: i64,
    since: i64,
    count: u32,
    key: Key,
    wants: Option<CounterId>,
    urgent: Option<(Urgency, i64)>,
    overflow: bool,
    /// What they are again if another venue turns them back.
    was: Is,
}

impl Person {
    fn place(&mut self, policy: &Policy) {
        let slot = self.slot.filter(|_| self.lane == Lane::Appointment).map(|slot| slot.start.0);
        let count = self.count;
        self.key = match policy.order {
            OrderInLane::SlotThenCheckIn => (slot.unwrap_or(0), self.queued, count, 0.0),
            OrderInLane::Number => (0, 0, count, 0.0),
            OrderInLane::CheckIn => (0, self.queued, count, 0.0),
        };
        self.since = slot.map_or(self.joined, |start| self.joined.max(start - i64::from(policy.early_s) * 1000));
    }

    fn can_be_called_by(&self, counters: &[CounterId]) -> bool {
        self.wants.as_ref().is_none_or(|wants| counters.contains(wants))
    }
}

#[derive(Debug, Clone)]
struct Counter {
    state: CounterState,
    services: Vec<ServiceId>,
    current: Option<TicketId>,
}

/// A call that passes over everybody who could have been called and waits since before `since`; not by precedence,
/// it overtakes them.
#[derive(Debug, Clone)]
struct Call {
    service: ServiceId,
    ticket: TicketId,
    counter: CounterId,
    since: i64,
    lane: Lane,
    rule: Rule,
    by: PassedBy,
    overtaken: u32,
    /// Only sent to the counter's door so far.
    is_sent: bool,
    seq: Seq,
}

/// What a change found, for taking it back.
#[derive(Debug, Clone, Default)]
struct Before {
    people: Vec<Option<(Person, Option<usize>)>>,
    doors: Doors,
    sent: Vec<Call>,
    ids: Vec<TicketId>,
    counters: Vec<(CounterId, Counter)>,
    called: Option<(TicketId, Rule)>,
}

#[derive(Debug, Default)]
pub struct Oracle {
    config: Option<VenueConfig>,
    people: BTreeMap<TicketId, Person>,
    counters: BTreeMap<CounterId, Counter>,
    ready: BTreeMap<ServiceId, Vec<TicketId>>,
    doors: Doors,
    sent: u64,
    calls: Vec<Call>,
    /// Whom each person was passed over by, and in which change; calls that were taken back as well.
    passed_by: BTreeMap<TicketId, Vec<(Seq, TicketId)>>,
    urgent_run: BTreeMap<ServiceId, u32>,
    balances: Balances,
    /// Services whose returns went even at the latest turn.
    even: Vec<ServiceId>,
    /// Services whose cycle was charged out of turn since it began: the debt may last.
    tainted: Vec<ServiceId>,
    divided: Divided,
    /// Counters whose cycle was charged out of turn since it began: the debt may last.
    indebted: Vec<CounterId>,
    overflows: BTreeMap<ServiceId, u32>,
    counts: BTreeMap<String, u32>,
    /// Whoever ended a step by this press: in no queue while it is decided who is called.
    between: Option<(TicketId, Step)>,
    befores: BTreeMap<Seq, Before>,
    latest: Option<(Seq, Timestamp)>,
    highest_ticket: u64,
    highest_call: u64,
}

fn expect(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("oracle: {}", otherwise())) }
}

impl Oracle {
    pub fn judge(&mut self, change: &Change, venue: &Venue, seen: &mut Seen) -> Result<(), String> {
        if let Some((seq, at)) = self.latest {
            expect(change.seq == seq.next(), || format!("{} after {seq}", change.seq))?;
            expect(change.at >= at, || format!("{} is before {at}", change.at))?;
        }
        self.latest = Some((change.seq, change.at));
        let ready_before = self.ready.clone();
        let before = self.before(change);
        for event in &change.events {
            if !matches!(event, Event::TicketCalled { .. }) {
                self.next_step_is_waited_for(change.at);
            }
            self.follow(event, change, seen)?;
        }
        self.next_step_is_waited_for(change.at);
        self.befores.insert(change.seq, before);
        self.befores.retain(|seq, _| seq.0 + 5000 > change.seq.0);
        self.agrees_with(venue)?;
        self.phones_are_told(venue, seen)?;
        let opened = change.events.iter().any(|event| matches!(event, Event::DayOpened { .. }));
        let undone = change.events.iter().any(|event| matches!(event, Event::ChangeUndone { .. }));
        let sent_back = change.events.iter().any(|event| matches!(event, Event::TicketSentBack { .. }));
        if !opened && !undone && !sent_back {
            self.ready_set_only_grew_at_its_end(&ready_before, change)?;
        }
        if venue.day().holds(change.at) {
            self.everybody_is_told_who_should_be(change.at)?;
            self.doors_are_full(change.at)?;
        }
        Ok(())
    }

    fn config(&self) -> &VenueConfig {
        self.config.as_ref().expect("a day was opened")
    }

    fn policy(&self, service: &ServiceId) -> Policy {
        self.config().services.iter().find(|known| known.id == *service).map(|known| known.policy.clone()).unwrap()
    }

    fn person(&self, id: TicketId) -> Result<&Person, String> {
        self.people.get(&id).ok_or_else(|| format!("oracle: nobody has ticket {id}"))
    }

    fn is_ready(&self, person: &Person) -> bool {
        self.ready.get(&person.service).is_some_and(|ready| ready.contains(&person.id))
    }

    fn staffed(&self, service: &ServiceId) -> Vec<CounterId> {
        let open = self.counters.iter();
        let open = open.filter(|(id, _)| self.config().counters.iter().any(|declared| declared.id == **id));
        let open =
            open.filter(|(_, counter)| counter.state == CounterState::Open && counter.services.contains(service));
        open.map(|(id, _)| id.clone()).collect()
    }

    /// Those who wait for a service and can be called by these counters.
    fn waiting<'a>(&'a self, service: &'a ServiceId, counters: &'a [CounterId]) -> impl Iterator<Item = &'a Person> {
        let here = self.people.values().filter(move |person| person.is == Is::Waiting && person.service == *service);
        here.filter(|person| person.can_be_called_by(counters))
    }

    fn eligible<'a>(
        &'a self,
        service: &'a ServiceId,
        counters: &'a [CounterId],
        now: Timestamp,
    ) -> impl Iterator<Item = &'a Person> {
        let ordinary = self.waiting(service, counters).filter(|person| person.urgent.is_none());
        ordinary.filter(move |person| person.since <= now.0 || self.is_ready(person))
    }

    /// The lanes with somebody eligible who was not told to get ready.
    fn lanes(&self, service: &ServiceId, counters: &[CounterId], now: Timestamp) -> Vec<Lane> {
        let unready = |person: &&Person| !self.is_ready(person);
        let mut lanes: Vec<Lane> =
            self.eligible(service, counters, now).filter(unready).map(|person| person.lane).collect();
        lanes.sort();
        lanes.dedup();
        lanes
    }

    /// How often this person was overtaken, by the letter: calls, not by precedence, of counters that could have
    /// called them, of people whose wait began later.
    fn overtaken(&self, person: &Person) -> u32 {
        u32::try_from(self.passing(person).filter(|call| call.rule != Rule::Urgent).count()).unwrap()
    }

    fn passing<'a>(&'a self, person: &'a Person) -> impl Iterator<Item = &'a Call> {
        self.calls.iter().filter(|call| {
            call.service == person.service
                && person.wants.as_ref().is_none_or(|wants| *wants == call.counter)
                && (call.since, call.ticket) > (person.since, person.id)
        })
    }

    fn is_overdue(&self, person: &Person, now: Timestamp) -> bool {
        let policy = self.policy(&person.service);
        person.since <= now.0
            && ((policy.wait_max_s > 0 && now.0 - person.since >= i64::from(policy.wait_max_s) * 1000)
                || (policy.overtaken_max > 0 && self.overtaken(person) >= policy.overtaken_max))
    }

    pub fn nobody_waiting(&self, action: &Action, now: Timestamp) -> Result<(), String> {
        let Action::CallNext { counter } = action else { return Ok(()) };
        for service in &self.counters[counter].services {
            let claim = self.claim(service, counter, now);
            expect(claim.is_none(), || format!("{counter} stands idle, with a claim of {claim:?} in {service}"))?;
        }
        Ok(())
    }

    fn ready_set_only_grew_at_its_end(
        &self,
        before: &BTreeMap<ServiceId, Vec<TicketId>>,
        change: &Change,
    ) -> Result<(), String> {
        // Whoever stepped back may have been told again at once.
        let told = |id: &TicketId| {
            change.events.iter().any(|event| matches!(event, Event::TicketReadied { ticket, .. } if ticket == id))
        };
        for (service, before) in before {
            let now = self.ready.get(service).cloned().unwrap_or_default();
            let kept: Vec<TicketId> = before.iter().copied().filter(|id| now.contains(id) && !told(id)).collect();
            expect(now.starts_with(&kept), || format!("ready in {service}: {before:?} became {now:?}"))?;
        }
        Ok(())
    }

    fn everybody_is_told_who_should_be(&self, now: Timestamp) -> Result<(), String> {
        for service in &self.config().services {
            let staffed = self.staffed(&service.id);
            let most = usize::try_from(service.policy.ready_count).unwrap();
            let ready = self.ready.get(&service.id).cloned().unwrap_or_default();
            let told = ready.iter().filter(|id| self.people[id].can_be_called_by(&staffed)).count();
            let lanes = self.lanes(&service.id, &staffed, now);
            let full = told >= most || lanes.is_empty() || staffed.is_empty();
            expect(full, || format!("{told} of {most} told in {}, though {lanes:?} have somebody", service.id))?;
        }
        Ok(())
    }

    /// The engine's lists are the oracle's.
    fn agrees_with(&self, venue: &Venue) -> Result<(), String> {
        for service in &self.config().services {
            let engine: Vec<TicketId> =
                venue.queue(&service.id).map(|queue| queue.ready().collect()).unwrap_or_default();
            let own = self.ready.get(&service.id).cloned().unwrap_or_default();
            expect(engine == own, || format!("ready in {}: {engine:?}, not {own:?}", service.id))?;
            let used = self.overflows.get(&service.id).copied().unwrap_or_default();
            expect(venue.overflow_count(&service.id, venue.at()) == used, || format!("{used} overflow numbers used"))?;
        }
        self.doors_agree(venue)?;
        for ticket in venue.tickets() {
            let person = self.person(ticket.id)?;
            let state = match person.is {
                Is::Waiting | Is::Inside => "waiting",
                Is::Called => "called",
                Is::Serving => "serving",
                Is::Held => "held",
                Is::Missed => "missed",
                Is::Away => "transferring",
                Is::Over => {
                    if ticket.state.is_over() {
                        ticket.state.name()
                    } else {
                        "over"
                    }
                }
            };
            expect(ticket.state.name() == state, || {
                format!("ticket {} is {:?}, not {state}", ticket.id, ticket.state)
            })?;
            expect(ticket.wants == person.wants, || format!("ticket {} wants {:?}", ticket.id, ticket.wants))?;
        }
        for (id, counter) in &self.counters {
            let known = venue.counter(id).map(|known| (known.state, &known.services, known.current));
            let own = Some((counter.state, &counter.services, counter.current));
            expect(known == own, || format!("counter {id} is {known:?}, not {own:?}"))?;
        }
        let at_counters: Vec<TicketId> = self.counters.values().filter_map(|counter| counter.current).collect();
        let mut once = at_counters.clone();
        once.sort();
        once.dedup();
        expect(once.len() == at_counters.len(), || format!("at two counters: {at_counters:?}"))
    }
}
