//! The oracle: what happened, kept in plain lists and judged by the letter of the promises. It follows the
//! events alone, knows nothing of queues, lines or cycles, and shares no code with the dispatcher.

use std::collections::BTreeMap;

use callnext_engine::config::{OrderInLane, Policy};
use callnext_engine::counter::CounterState;
use callnext_engine::event::{Change, Event, Rule, Why};
use callnext_engine::lane::Weights;
use callnext_engine::ticket::{Slot, Urgency};
use callnext_engine::{Action, CounterId, Lane, Seq, ServiceId, TicketId, Timestamp, Venue, VenueConfig};

use crate::play::Seen;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    Waiting,
    Called,
    Serving,
    Held,
    Missed,
    Over,
}

/// Where somebody stands in their lane: by the policy's order, and how far behind that they chose to stand.
type Key = (i64, i64, u32, f64);

#[derive(Debug, Clone)]
struct Person {
    id: TicketId,
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

/// A call that overtakes: everybody who could have been called and waits since before `since`.
#[derive(Debug, Clone)]
struct Call {
    service: ServiceId,
    ticket: TicketId,
    counter: CounterId,
    since: i64,
    seq: Seq,
}

/// What a change found, for taking it back.
#[derive(Debug, Clone, Default)]
struct Before {
    people: Vec<Option<(Person, Option<usize>)>>,
    ids: Vec<TicketId>,
    counters: Vec<(CounterId, Counter)>,
    called: Option<(TicketId, Rule)>,
}

/// Turns given to two lanes since both had somebody, weighed against each other; and how far that ever went.
#[derive(Debug, Clone, Default)]
struct Balance {
    now: i64,
    low: i64,
    high: i64,
}

#[derive(Debug, Default)]
pub struct Oracle {
    config: Option<VenueConfig>,
    people: BTreeMap<TicketId, Person>,
    counters: BTreeMap<CounterId, Counter>,
    ready: BTreeMap<ServiceId, Vec<TicketId>>,
    calls: Vec<Call>,
    urgent_run: BTreeMap<ServiceId, u32>,
    balances: BTreeMap<(ServiceId, Lane, Lane), Balance>,
    /// Services whose cycle was charged out of turn since it began: the debt may last.
    tainted: Vec<ServiceId>,
    overflows: BTreeMap<ServiceId, u32>,
    counts: BTreeMap<String, u32>,
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
            self.follow(event, change, seen)?;
        }
        self.befores.insert(change.seq, before);
        self.befores.retain(|seq, _| seq.0 + 5000 > change.seq.0);
        self.agrees_with(venue)?;
        let opened = change.events.iter().any(|event| matches!(event, Event::DayOpened { .. }));
        let undone = change.events.iter().any(|event| matches!(event, Event::ChangeUndone { .. }));
        if !opened && !undone {
            self.ready_set_only_grew_at_its_end(&ready_before, change)?;
        }
        if venue.day().holds(change.at) {
            self.everybody_is_told_who_should_be(change.at)?;
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
        let by = self.calls.iter().filter(|call| {
            call.service == person.service
                && person.wants.as_ref().is_none_or(|wants| *wants == call.counter)
                && (call.since, call.ticket) > (person.since, person.id)
        });
        u32::try_from(by.count()).unwrap()
    }

    fn is_overdue(&self, person: &Person, now: Timestamp) -> bool {
        let policy = self.policy(&person.service);
        person.since <= now.0
            && ((policy.wait_max_s > 0 && now.0 - person.since >= i64::from(policy.wait_max_s) * 1000)
                || (policy.overtaken_max > 0 && self.overtaken(person) >= policy.overtaken_max))
    }

    // Following.

    fn before(&self, change: &Change) -> Before {
        let mut before = Before::default();
        for event in &change.events {
            let (ticket, counter) = concerned(event);
            if let Some(id) = ticket
                && !before.ids.contains(&id)
            {
                before.ids.push(id);
                let person = self.people.get(&id);
                let at = person.and_then(|p| self.ready.get(&p.service)?.iter().position(|other| *other == id));
                before.people.push(person.map(|person| (person.clone(), at)));
                before.remember(person.and_then(|person| person.counter.as_ref()), &self.counters);
            }
            before.remember(counter, &self.counters);
            if let Event::TicketCalled { ticket, why, .. } = event {
                before.called = Some((*ticket, why.rule));
            }
        }
        before
    }

    fn leave(&mut self, id: TicketId, allowed: &[Is]) -> Result<(), String> {
        let person = self.person(id)?;
        expect(allowed.contains(&person.is), || format!("ticket {id} is {:?}, not one of {allowed:?}", person.is))?;
        for ready in self.ready.values_mut() {
            ready.retain(|other| *other != id);
        }
        if let Some(counter) = self.people.get_mut(&id).and_then(|person| person.counter.take()) {
            let counter = self.counters.get_mut(&counter).ok_or("oracle: no such counter")?;
            expect(counter.current == Some(id), || format!("ticket {id} is not at its counter"))?;
            counter.current = None;
        }
        Ok(())
    }

    fn set(&mut self, id: TicketId, is: Is) {
        self.people.get_mut(&id).unwrap().is = is;
    }

    fn wait(&mut self, id: TicketId, change: impl FnOnce(&mut Person)) {
        let mut person = self.people.get(&id).cloned().unwrap();
        change(&mut person);
        person.is = Is::Waiting;
        person.place(&self.policy(&person.service));
        self.people.insert(id, person);
    }

    fn follow(&mut self, event: &Event, change: &Change, seen: &mut Seen) -> Result<(), String> {
        const LIVE: [Is; 5] = [Is::Waiting, Is::Called, Is::Serving, Is::Held, Is::Missed];
        let at = change.at;
        match event {
            Event::DayOpened { config, .. } => {
                let left = self.people.values().filter(|person| person.is != Is::Over).count();
                expect(left == 0, || format!("a day began with {left} of yesterday"))?;
                let old = std::mem::take(self);
                self.latest = old.latest;
                (self.highest_ticket, self.highest_call) = (old.highest_ticket, old.highest_call);
                self.declare(config);
            }
            Event::VenueConfigured { config } => self.declare(config),
            Event::AppointmentsSet { .. } | Event::WaitAnnounced { .. } => {}
            Event::TicketIssued { .. } => self.issue(event, at)?,
            Event::TicketReadied { ticket, .. } => self.told(*ticket, at, seen)?,
            Event::TicketCalled { ticket, counter, call, why } => {
                expect(call.0 > self.highest_call, || format!("call {call} was made before"))?;
                self.highest_call = call.0;
                seen.one(format!("rule {:?}", why.rule));
                self.call(*ticket, counter, why, change, seen)?;
            }
            Event::TicketRecalled { ticket } => {
                expect(self.person(*ticket)?.is == Is::Called, || format!("{ticket} recalled, not called"))?;
            }
            Event::ServiceStarted { ticket } => {
                expect(self.person(*ticket)?.is == Is::Called, || format!("{ticket} started, not called"))?;
                self.set(*ticket, Is::Serving);
            }
            Event::ServiceCompleted { ticket } => {
                self.leave(*ticket, &[Is::Called, Is::Serving])?;
                self.set(*ticket, Is::Over);
            }
            Event::TicketMissed { ticket, is_final } => {
                let begun = self.person(*ticket)?.slot.is_none_or(|slot| slot.start <= at);
                expect(begun, || format!("{ticket} was missed before their slot"))?;
                self.leave(*ticket, &[Is::Called])?;
                self.set(*ticket, if *is_final { Is::Over } else { Is::Missed });
            }
            Event::TicketHeld { ticket, .. } => {
                self.leave(*ticket, &[Is::Waiting, Is::Called, Is::Serving])?;
                self.set(*ticket, Is::Held);
            }
            Event::TicketReturned { ticket } => {
                self.leave(*ticket, &[Is::Held])?;
                self.wait(*ticket, |person| {
                    (person.lane, person.queued, person.joined) = (Lane::ReturnVisit, at.0, at.0);
                });
            }
            Event::TicketRequeued { ticket, .. } => {
                self.leave(*ticket, &[Is::Missed])?;
                self.wait(*ticket, |person| {
                    (person.lane, person.queued, person.joined) = (Lane::Missed, at.0, at.0);
                });
            }
            Event::TicketTransferred { ticket, service, lane, wants, .. } => {
                self.leave(*ticket, &LIVE)?;
                self.wait(*ticket, |person| {
                    (person.service, person.lane, person.joined) = (service.clone(), *lane, at.0);
                    person.wants.clone_from(wants);
                });
            }
            Event::GreenChannelGranted { ticket, urgency, .. } => {
                let is = self.person(*ticket)?.is;
                self.leave(*ticket, &[Is::Waiting, Is::Held, Is::Missed])?;
                self.wait(*ticket, |person| person.urgent = Some((*urgency, at.0)));
                self.set(*ticket, is);
            }
            Event::TicketSteppedBack { ticket, places } => self.step_back(*ticket, *places, at)?,
            Event::TicketCancelled { ticket, .. } | Event::TicketNotShown { ticket } => {
                self.leave(*ticket, &LIVE)?;
                self.set(*ticket, Is::Over);
            }
            Event::CounterSet { counter, state, services } => {
                let known = self.counters.get_mut(counter).ok_or("oracle: no such counter")?;
                let over_head = *state == CounterState::Closed && known.current.is_some();
                expect(!over_head, || format!("{counter} closed over a person's head"))?;
                (known.state, known.services) = (*state, services.clone());
            }
            Event::ChangeUndone { seq } => self.undo(*seq)?,
        }
        Ok(())
    }

    fn declare(&mut self, config: &VenueConfig) {
        let before = self.config.replace(config.clone());
        let declared = |id: &CounterId| config.counters.iter().find(|counter| counter.id == *id);
        self.counters.retain(|id, _| declared(id).is_some());
        for counter in &config.counters {
            let old = before.as_ref().and_then(|old| old.counters.iter().find(|old| old.id == counter.id));
            let (state, services, current) = (CounterState::Closed, counter.services.clone(), None);
            let known = self.counters.entry(counter.id.clone()).or_insert(Counter { state, services, current });
            let untouched = old.is_some_and(|old| old.services == known.services);
            known.services.retain(|service| config.services.iter().any(|known| known.id == *service));
            if untouched || known.services.is_empty() {
                known.services.clone_from(&counter.services);
            }
        }
        for person in self.people.values_mut().filter(|person| person.is != Is::Over) {
            if person.wants.as_ref().is_some_and(|wants| declared(wants).is_none()) {
                person.wants = None;
            }
        }
        for service in &config.services {
            let old = before.as_ref().and_then(|old| old.services.iter().find(|old| old.id == service.id));
            if old.is_none_or(|old| old.policy.weights != service.policy.weights) {
                self.balances.retain(|(of, _, _), _| *of != service.id);
                self.tainted.retain(|of| *of != service.id);
            }
            let same = |old: &Policy| old.order == service.policy.order && old.early_s == service.policy.early_s;
            if old.is_some_and(|old| !same(&old.policy)) {
                let ready = self.ready.get(&service.id).cloned().unwrap_or_default();
                for person in self.people.values_mut() {
                    if person.is == Is::Waiting && person.service == service.id && !ready.contains(&person.id) {
                        person.place(&service.policy);
                    }
                }
            }
        }
    }

    fn issue(&mut self, event: &Event, at: Timestamp) -> Result<(), String> {
        let Event::TicketIssued { ticket, number, count, service, lane, slot, wants, overflow, .. } = event else {
            return Ok(());
        };
        expect(ticket.0 == self.highest_ticket + 1, || format!("{ticket} after {}", self.highest_ticket))?;
        self.highest_ticket = ticket.0;
        let prefix = self.config().services.iter().find(|known| known.id == *service).unwrap().prefix.clone();
        expect(number.to_string() == format!("{prefix}{count:03}"), || format!("{number} is not {prefix}{count}"))?;
        let latest = self.counts.entry(prefix).or_default();
        expect(*count == *latest + 1, || format!("{number} after {latest}"))?;
        *latest = *count;
        if overflow.is_some() {
            let most = self.policy(service).overflow_max;
            let used = self.overflows.entry(service.clone()).or_default();
            *used += 1;
            expect(*used <= most, || format!("{used} overflow numbers of {most}"))?;
        }
        if *lane == Lane::Late {
            expect(slot.is_some_and(|slot| slot.end <= at), || format!("{ticket} is not late"))?;
        }
        let person = Person {
            id: *ticket,
            service: service.clone(),
            lane: *lane,
            is: Is::Waiting,
            counter: None,
            slot: *slot,
            queued: at.0,
            joined: at.0,
            since: at.0,
            count: *count,
            key: (0, 0, 0, 0.0),
            wants: wants.clone(),
            urgent: None,
            overflow: overflow.is_some(),
        };
        self.people.insert(*ticket, person);
        self.wait(*ticket, |_| {});
        Ok(())
    }

    fn step_back(&mut self, id: TicketId, places: u32, at: Timestamp) -> Result<(), String> {
        let person = self.person(id)?.clone();
        expect(person.is == Is::Waiting && person.urgent.is_none(), || format!("{id} cannot step back"))?;
        let ready = self.ready.get(&person.service).cloned().unwrap_or_default();
        let same = |other: &&Person| {
            other.is == Is::Waiting
                && other.urgent.is_none()
                && other.service == person.service
                && other.lane == person.lane
                && other.wants == person.wants
        };
        let told = ready.iter().skip_while(|other| **other != id).skip(1);
        let told = told.filter_map(|other| self.people.get(other)).filter(same).count();
        let mut line: Vec<&Person> = self.people.values().filter(same).collect();
        line.retain(|other| !ready.contains(&other.id) && other.id != id);
        line.sort_by(|a, b| a.key.partial_cmp(&b.key).unwrap().then(a.id.cmp(&b.id)));
        // Whoever can be called lets nobody go first who cannot be called yet.
        let callable = |other: &&&Person| other.since <= person.since.max(at.0);
        let behind: Vec<&&Person> = line.iter().filter(|other| (other.key, other.id) > (person.key, id)).collect();
        let passed: Vec<Key> = behind.iter().copied().filter(callable).map(|other| other.key).collect();
        let steps = usize::try_from(places).unwrap().saturating_sub(told).min(passed.len());
        let mut key = person.key;
        if steps > 0 {
            let last = passed[steps - 1];
            let next = behind.iter().map(|next| next.key).find(|next| *next > last);
            let next = next.filter(|n| (n.0, n.1, n.2) == (last.0, last.1, last.2));
            key = (last.0, last.1, last.2, f64::midpoint(last.3, next.map_or(1.0, |next| next.3)));
        }
        self.leave(id, &[Is::Waiting])?;
        let person = self.people.get_mut(&id).unwrap();
        person.key = key;
        person.since = person.since.max(at.0);
        Ok(())
    }

    fn undo(&mut self, seq: Seq) -> Result<(), String> {
        let before = self.befores.remove(&seq).ok_or("oracle: nothing to take back")?;
        for (id, person) in before.ids.iter().zip(&before.people) {
            for ready in self.ready.values_mut() {
                ready.retain(|other| other != id);
            }
            let Some((person, ready_at)) = person else {
                let person = self.people.get_mut(id).unwrap();
                person.is = Is::Over;
                if person.overflow {
                    *self.overflows.get_mut(&person.service.clone()).unwrap() -= 1;
                }
                continue;
            };
            self.people.insert(*id, person.clone());
            let call = before.called.filter(|(called, _)| called == id).map(|(_, rule)| rule);
            if call.is_some() {
                self.calls.retain(|call| call.seq != seq);
            }
            if call == Some(Rule::Urgent) {
                self.urgent_run.entry(person.service.clone()).and_modify(|run| *run = run.saturating_sub(1));
            }
            if person.is == Is::Waiting && person.urgent.is_none() {
                let ready = self.ready.entry(person.service.clone()).or_default();
                match call {
                    Some(Rule::ByHand) | None => {
                        ready_at.iter().for_each(|at| ready.insert((*at).min(ready.len()), *id));
                    }
                    Some(_) => ready.insert(0, *id),
                }
            }
        }
        for (id, counter) in before.counters {
            self.counters.insert(id, counter);
        }
        Ok(())
    }

    // Judging.

    fn told(&mut self, id: TicketId, now: Timestamp, seen: &mut Seen) -> Result<(), String> {
        let person = self.person(id)?.clone();
        let staffed = self.staffed(&person.service);
        expect(person.is == Is::Waiting && person.urgent.is_none(), || format!("{id} told, but does not wait"))?;
        expect(!staffed.is_empty(), || format!("{id} told, but no counter is open"))?;
        self.stands_first_in_lane(&person, &staffed, now)?;
        self.takes_a_turn(&person, &staffed, &staffed, now, seen)?;
        let most = usize::try_from(self.policy(&person.service).ready_count).unwrap();
        let ready = self.ready.get(&person.service).cloned().unwrap_or_default();
        let told = ready.iter().filter(|other| self.people[other].can_be_called_by(&staffed)).count();
        expect(told < most, || format!("{id} told, though {told} of {most} were"))?;
        self.ready.entry(person.service).or_default().push(id);
        Ok(())
    }

    fn call(
        &mut self,
        id: TicketId,
        counter: &CounterId,
        why: &Why,
        change: &Change,
        seen: &mut Seen,
    ) -> Result<(), String> {
        let now = change.at;
        let person = self.person(id)?.clone();
        let place = self.counters.get(counter).cloned().ok_or("oracle: no such counter")?;
        expect(place.current.is_none(), || format!("{counter} calls {id}, but has {:?}", place.current))?;
        expect(place.state == CounterState::Open, || format!("{counter} calls, but is {:?}", place.state))?;
        expect(place.services.contains(&person.service), || format!("{counter} does not serve {id}"))?;
        let here = std::slice::from_ref(counter);
        expect(person.can_be_called_by(here), || format!("{id} does not want {counter}"))?;
        if why.rule != Rule::ByHand {
            expect(person.is == Is::Waiting, || format!("{id} called, but is {:?}", person.is))?;
            self.is_the_one(&person, counter, &place.services, why.rule, now)?;
        }
        if why.rule == Rule::Cycle {
            self.stands_first_in_lane(&person, here, now)?;
            self.takes_a_turn(&person, here, &self.staffed(&person.service), now, seen)?;
        } else if why.share.is_some() && why.rule != Rule::Early {
            self.tainted.push(person.service.clone());
        } else if why.rule == Rule::Early {
            self.balances.retain(|(of, _, _), _| *of != person.service);
        }
        self.leave(id, &[Is::Waiting, Is::Held, Is::Missed])?;
        let run = if why.rule == Rule::Urgent {
            let any: Vec<CounterId> = self.config().counters.iter().map(|counter| counter.id.clone()).collect();
            let mut others = self.eligible(&person.service, &any, now).filter(|other| other.since <= now.0);
            let run = self.urgent_run.get(&person.service).copied().unwrap_or_default();
            Some(if others.next().is_some() { run + 1 } else { 0 })
        } else if why.rule == Rule::ByHand {
            None
        } else {
            Some(0)
        };
        if let Some(run) = run {
            self.urgent_run.insert(person.service.clone(), run);
        }
        if why.rule != Rule::Urgent {
            let mut person = person.clone();
            if person.is != Is::Waiting {
                // Away when called by hand: where they would have stood.
                person.place(&self.policy(&person.service));
            }
            let (service, counter, since) = (person.service.clone(), counter.clone(), person.since.min(now.0));
            self.calls.push(Call { service, ticket: id, counter, since, seq: change.seq });
        }
        self.set(id, Is::Called);
        self.people.get_mut(&id).unwrap().counter = Some(counter.clone());
        self.counters.get_mut(counter).unwrap().current = Some(id);
        Ok(())
    }

    /// How strong a claim the people of a service have on this counter, strongest first.
    fn claim(&self, service: &ServiceId, counter: &CounterId, now: Timestamp) -> Option<u8> {
        let here = std::slice::from_ref(counter);
        let policy = self.policy(service);
        let run = self.urgent_run.get(service).copied().unwrap_or_default();
        let held_back = policy.urgent_run_max > 0 && run >= policy.urgent_run_max;
        let urgent = self.waiting(service, here).any(|person| person.urgent.is_some());
        let eligible: Vec<&Person> = self.eligible(service, here, now).collect();
        if urgent && (!held_back || eligible.is_empty()) {
            Some(0)
        } else if eligible.iter().any(|person| self.is_overdue(person, now)) {
            Some(1)
        } else if !eligible.is_empty() {
            Some(2)
        } else if policy.early_when_idle && self.waiting(service, here).next().is_some() {
            Some(3)
        } else {
            None
        }
    }

    fn is_the_one(
        &self,
        person: &Person,
        counter: &CounterId,
        services: &[ServiceId],
        rule: Rule,
        now: Timestamp,
    ) -> Result<(), String> {
        let (id, service, here) = (person.id, &person.service, std::slice::from_ref(counter));
        let strongest = services.iter().filter_map(|service| self.claim(service, counter, now)).min();
        let claim = match rule {
            Rule::Urgent => 0,
            Rule::Overdue => 1,
            Rule::Ready | Rule::Cycle => 2,
            Rule::Early => 3,
            Rule::ByHand => return Ok(()),
        };
        let own = self.claim(service, counter, now);
        expect(own == Some(claim), || format!("{id} called by {rule:?}, but the claim of {service} is {own:?}"))?;
        expect(strongest == Some(claim), || format!("{id} called by {rule:?}, before a claim of {strongest:?}"))?;
        let eligible: Vec<&Person> = self.eligible(service, here, now).collect();
        let told =
            self.ready.get(service).into_iter().flatten().copied().find(|told| eligible.iter().any(|p| p.id == *told));
        match rule {
            Rule::Urgent => {
                let waiting = self.waiting(service, here).filter(|other| other.urgent.is_some());
                let first = waiting.min_by_key(|other| (other.urgent, other.id));
                expect(first.is_some_and(|first| first.id == id), || format!("{id} is not the most urgent"))?;
            }
            Rule::Overdue => {
                let overdue = eligible.iter().filter(|other| self.is_overdue(other, now));
                let first = overdue.min_by_key(|other| (other.since, other.id));
                expect(first.is_some_and(|first| first.id == id), || format!("{id} is not the most overdue"))?;
            }
            Rule::Ready => expect(told == Some(id), || format!("{id} called as ready, before {told:?}"))?,
            Rule::Cycle => expect(told.is_none(), || format!("{id} called before {told:?}, who was told"))?,
            Rule::Early => {
                expect(person.lane == Lane::Appointment && person.since > now.0, || format!("{id} is not early"))?;
                let lane = self.waiting(service, here).filter(|other| other.lane == Lane::Appointment);
                let better = lane.filter(|other| (other.key, other.id) < (person.key, id)).count();
                expect(better == 0, || format!("{id} called early, with {better} before in the lane"))?;
            }
            Rule::ByHand => {}
        }
        // The promise by itself: no call by a rule overtakes anybody who is at the limit.
        let most = self.policy(service).overtaken_max;
        if rule != Rule::Urgent && most > 0 {
            for other in eligible.iter().filter(|other| (other.since, other.id) < (person.since.min(now.0), id)) {
                let times = self.overtaken(other);
                expect(times < most, || format!("{id} overtakes {}, who was overtaken {times} times", other.id))?;
            }
        }
        Ok(())
    }

    fn stands_first_in_lane(&self, person: &Person, counters: &[CounterId], now: Timestamp) -> Result<(), String> {
        expect(person.since <= now.0, || format!("{} is not eligible yet", person.id))?;
        expect(!self.is_ready(person), || format!("{} was told already", person.id))?;
        let lane = self.eligible(&person.service, counters, now);
        let lane = lane.filter(|other| other.lane == person.lane && !self.is_ready(other) && other.since <= now.0);
        let before: Vec<TicketId> =
            lane.filter(|other| (other.key, other.id) < (person.key, person.id)).map(|other| other.id).collect();
        expect(before.is_empty(), || format!("{} chosen before {before:?} of the same lane", person.id))
    }

    /// R1: while two lanes both have somebody, the turns they get never stray more than one from their weights.
    fn takes_a_turn(
        &mut self,
        person: &Person,
        counters: &[CounterId],
        staffed: &[CounterId],
        now: Timestamp,
        seen: &mut Seen,
    ) -> Result<(), String> {
        let service = &person.service;
        let lanes = self.lanes(service, counters, now);
        if lanes != self.lanes(service, staffed, now) {
            // Somebody waits for another counter only: the promise is not given.
            self.tainted.push(service.clone());
        }
        if self.tainted.contains(service) {
            return Ok(());
        }
        let weights: Weights = self.policy(service).weights;
        self.balances.retain(|(of, one, other), _| of != service || (lanes.contains(one) && lanes.contains(other)));
        for (at, one) in lanes.iter().enumerate() {
            for other in &lanes[at + 1..] {
                let (w_one, w_other) = (i64::from(weights.of(*one)), i64::from(weights.of(*other)));
                let balance = self.balances.entry((service.clone(), *one, *other)).or_default();
                balance.now += match person.lane {
                    lane if lane == *one => w_other,
                    lane if lane == *other => -w_one,
                    _ => 0,
                };
                (balance.low, balance.high) = (balance.low.min(balance.now), balance.high.max(balance.now));
                seen.one("turn judged");
                let strayed = balance.high - balance.low;
                expect(strayed <= w_one + w_other, || {
                    format!("{one:?} and {other:?} strayed {strayed} at weights {w_one} and {w_other}")
                })?;
            }
        }
        Ok(())
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
            expect(venue.overflow_count(&service.id) == used, || format!("{used} overflow numbers used"))?;
        }
        for ticket in venue.tickets() {
            let person = self.person(ticket.id)?;
            let state = match person.is {
                Is::Waiting => "waiting",
                Is::Called => "called",
                Is::Serving => "serving",
                Is::Held => "held",
                Is::Missed => "missed",
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

impl Before {
    fn remember(&mut self, id: Option<&CounterId>, counters: &BTreeMap<CounterId, Counter>) {
        if let Some((id, counter)) = id.and_then(|id| counters.get_key_value(id))
            && self.counters.iter().all(|(known, _)| known != id)
        {
            self.counters.push((id.clone(), counter.clone()));
        }
    }
}

fn concerned(event: &Event) -> (Option<TicketId>, Option<&CounterId>) {
    match event {
        Event::TicketCalled { ticket, counter, .. } => (Some(*ticket), Some(counter)),
        Event::CounterSet { counter, .. } => (None, Some(counter)),
        Event::TicketIssued { ticket, .. }
        | Event::TicketRecalled { ticket }
        | Event::ServiceStarted { ticket }
        | Event::ServiceCompleted { ticket }
        | Event::TicketMissed { ticket, .. }
        | Event::TicketHeld { ticket, .. }
        | Event::TicketReturned { ticket }
        | Event::TicketRequeued { ticket, .. }
        | Event::TicketTransferred { ticket, .. }
        | Event::TicketCancelled { ticket, .. }
        | Event::GreenChannelGranted { ticket, .. }
        | Event::TicketSteppedBack { ticket, .. }
        | Event::TicketNotShown { ticket } => (Some(*ticket), None),
        Event::DayOpened { .. }
        | Event::VenueConfigured { .. }
        | Event::AppointmentsSet { .. }
        | Event::WaitAnnounced { .. }
        | Event::TicketReadied { .. }
        | Event::ChangeUndone { .. } => (None, None),
    }
}
