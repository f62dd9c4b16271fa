//! Judging who is told and who is called.

use callnext_engine::counter::CounterState;
use callnext_engine::dispatch::Share;
use callnext_engine::event::{Change, Rule, Why};
use callnext_engine::{CounterId, Lane, ServiceId, TicketId, Timestamp};

use super::passed::passed_by;
use super::{Call, Is, Oracle, Person, expect, first};
use crate::play::Seen;

impl Oracle {
    pub(super) fn told(
        &mut self,
        id: TicketId,
        share: Option<&Share>,
        now: Timestamp,
        seen: &mut Seen,
    ) -> Result<(), String> {
        let person = self.person(id)?.clone();
        let staffed = self.staffed(&person.service);
        expect(person.is == Is::Waiting && person.urgent.is_none(), || format!("{id} told, but does not wait"))?;
        expect(!staffed.is_empty(), || format!("{id} told, but no counter is open"))?;
        expect(person.since <= now.0, || format!("{id} told before their time"))?;
        expect(!self.is_ready(&person), || format!("{id} told twice"))?;
        let most = usize::try_from(self.policy(&person.service).ready_count).unwrap();
        let ready = self.ready.get(&person.service).cloned().unwrap_or_default();
        let told = ready.iter().filter(|other| self.people[other].can_be_called_by(&staffed)).count();
        expect(told < most, || format!("{id} told, though {told} of {most} were"))?;
        // C1: whoever was told before goes before.
        let due = self.due_to_rejoin(&person.service, &staffed, told);
        if let Some(share) = share {
            expect(due.is_none(), || format!("{id} told by the cycle, before {due:?}"))?;
            self.takes_a_turn(&person, &staffed, *share, now, seen)?;
        } else {
            seen.one("told as rejoining");
            expect(due == Some(id), || format!("{id} told without a turn, but {due:?} rejoins"))?;
        }
        self.has_a_turn(&person, share.is_some());
        self.ready.entry(person.service).or_default().push(id);
        Ok(())
    }

    pub(super) fn call(
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
            let is = if why.rule == Rule::Inside { Is::Inside } else { Is::Waiting };
            expect(person.is == is, || format!("{id} called, but is {:?}", person.is))?;
            self.is_the_one(&person, counter, &place.services, why.rule, now)?;
        }
        self.divides_fairly(counter, &person.service, why, Self::claim_from_hall, now, seen)?;
        self.is_charged(&person, here, why, now, seen)?;
        let sent = self.calls.iter().find(|call| call.is_sent && call.ticket == id).cloned();
        self.is_explained(&person, counter, why, sent.as_ref(), change, seen)?;
        if !matches!(why.rule, Rule::Urgent | Rule::Inside | Rule::ByHand) && !self.is_ready(&person) {
            self.has_a_turn(&person, why.share.is_some());
        }
        self.leave(id, &[Is::Waiting, Is::Held, Is::Missed])?;
        let run = if why.rule == Rule::Urgent {
            let any: Vec<CounterId> = self.config().counters.iter().map(|counter| counter.id.clone()).collect();
            let mut others = self.eligible(&person.service, &any, now).filter(|other| other.since <= now.0);
            let others = others.next().is_some()
                || self.somebody_at_a_door(&person.service)
                || self.somebody_goes_on_to(&person.service);
            let run = self.urgent_run.get(&person.service).copied().unwrap_or_default();
            Some(if others { run + 1 } else { 0 })
        } else if why.rule == Rule::ByHand {
            None
        } else {
            Some(0)
        };
        if let Some(run) = run {
            self.urgent_run.insert(person.service.clone(), run);
        }
        let mut placed = person.clone();
        if !matches!(placed.is, Is::Waiting | Is::Inside) {
            // Away when called by hand: where they would have stood.
            placed.place(&self.policy(&placed.service));
        }
        self.calls.push(Call {
            service: person.service.clone(),
            ticket: id,
            counter: counter.clone(),
            since: placed.since.min(now.0),
            lane: person.lane,
            rule: why.rule,
            overtaken: sent.as_ref().map_or_else(|| self.overtaken(&placed), |sent| sent.overtaken),
            by: sent.filter(|_| why.rule == Rule::Inside).map_or_else(|| passed_by(why.rule, &person), |sent| sent.by),
            is_sent: false,
            seq: change.seq,
        });
        self.set(id, Is::Called);
        let called = self.people.get_mut(&id).unwrap();
        called.counter = Some(counter.clone());
        (called.called, called.recalls) = (Some(now.0), 0);
        self.counters.get_mut(counter).unwrap().current = Some(id);
        Ok(())
    }

    /// What the choice costs its lane: a turn of the cycle, one out of turn, or nothing.
    pub(super) fn is_charged(
        &mut self,
        person: &Person,
        here: &[CounterId],
        why: &Why,
        now: Timestamp,
        seen: &mut Seen,
    ) -> Result<(), String> {
        let (id, lane) = (person.id, person.stands(now).0);
        let pays = match why.rule {
            Rule::Cycle | Rule::Early => true,
            Rule::Overdue => !self.is_ready(person) && !person.is_by_calls(),
            Rule::Urgent | Rule::Inside | Rule::Ready | Rule::Rejoin | Rule::ByHand => false,
        };
        expect(pays == why.share.is_some(), || format!("{id} by {:?} is charged {:?}", why.rule, why.share))?;
        let Some(share) = why.share else { return Ok(()) };
        match why.rule {
            Rule::Cycle => self.takes_a_turn(person, here, share, now, seen)?,
            Rule::Early => self.balances.retain(|of, _| of.0 != person.service),
            _ => {
                expect(share.lane == lane, || format!("{id} of {lane:?} is charged to {:?}", share.lane))?;
                self.tainted.push(person.service.clone());
            }
        }
        Ok(())
    }

    /// How strong a claim the people of a service have on this counter, strongest first.
    pub(super) fn claim(&self, service: &ServiceId, counter: &CounterId, now: Timestamp) -> Option<u8> {
        let here = std::slice::from_ref(counter);
        let policy = self.policy(service);
        let run = self.urgent_run.get(service).copied().unwrap_or_default();
        let held_back = policy.urgent_run_max > 0 && run >= policy.urgent_run_max;
        let urgent = self.waiting(service, here).any(|person| person.urgent.is_some());
        let eligible: Vec<&Person> = self.eligible(service, here, now).collect();
        let at_door = self.first_at_door(counter, Some(service)).is_some();
        if urgent && (!held_back || (eligible.is_empty() && !at_door)) {
            Some(0)
        } else if at_door {
            Some(1)
        } else {
            self.claim_from_hall(service, counter, now)
        }
    }

    /// The same of those who are neither urgent nor at a door.
    pub(super) fn claim_from_hall(&self, service: &ServiceId, counter: &CounterId, now: Timestamp) -> Option<u8> {
        let here = std::slice::from_ref(counter);
        let eligible: Vec<&Person> = self.eligible(service, here, now).collect();
        if eligible.iter().any(|person| self.is_overdue(person, now)) {
            Some(2)
        } else if !eligible.is_empty() {
            Some(3)
        } else if self.first_early(service, here, now).is_some() {
            Some(4)
        } else {
            None
        }
    }

    /// The same for sending somebody to the door: nobody goes there because nobody else can be called.
    pub(super) fn claim_to_door(&self, service: &ServiceId, counter: &CounterId, now: Timestamp) -> Option<u8> {
        let here = std::slice::from_ref(counter);
        let claim = self.claim_from_hall(service, counter, now).filter(|claim| *claim < 4)?;
        let told = self.eligible(service, here, now).any(|person| self.is_ready(person));
        let can = claim == 2
            || told
            || self.due_to_rejoin(service, here, 0).is_some()
            || !self.heads(service, here, now).is_empty();
        can.then_some(claim)
    }

    /// Who comes before their time when nobody else can be called: whoever was put off, soonest first, then the first
    /// of the booked, where the policy says so.
    fn first_early(&self, service: &ServiceId, here: &[CounterId], now: Timestamp) -> Option<TicketId> {
        let waiting = || self.waiting(service, here).filter(|person| person.urgent.is_none() && person.since > now.0);
        let put_off = waiting().filter(|person| person.put_off).min_by_key(|person| (person.since, person.id));
        let booked = || {
            let idle = self.policy(service).early_when_idle;
            first(
                waiting().filter(|person| idle && person.lane == Lane::Appointment).map(|person| (person.key, person)),
            )
        };
        put_off.or_else(booked).map(|person| person.id)
    }

    fn is_the_one(
        &self,
        person: &Person,
        counter: &CounterId,
        services: &[ServiceId],
        rule: Rule,
        now: Timestamp,
    ) -> Result<(), String> {
        let (id, service) = (person.id, &person.service);
        let strongest = services.iter().filter_map(|service| self.claim(service, counter, now)).min();
        let claim = match rule {
            Rule::Urgent => 0,
            Rule::Inside => 1,
            Rule::Overdue => 2,
            Rule::Ready | Rule::Rejoin | Rule::Cycle => 3,
            Rule::Early => 4,
            Rule::ByHand => return Ok(()),
        };
        let own = self.claim(service, counter, now);
        expect(own == Some(claim), || format!("{id} called by {rule:?}, but the claim of {service} is {own:?}"))?;
        expect(strongest == Some(claim), || format!("{id} called by {rule:?}, before a claim of {strongest:?}"))?;
        if rule == Rule::Inside {
            let first = self.first_at_door(counter, None);
            return expect(first == Some(id), || format!("{id} called from the door, before {first:?}"));
        }
        self.is_first_by(person, counter, rule, now)
    }

    /// Whether this is whom the rule means, of all who wait for this service and can be called by this counter.
    pub(super) fn is_first_by(
        &self,
        person: &Person,
        counter: &CounterId,
        rule: Rule,
        now: Timestamp,
    ) -> Result<(), String> {
        let (id, service, here) = (person.id, &person.service, std::slice::from_ref(counter));
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
            Rule::Cycle | Rule::Rejoin => {
                expect(told.is_none(), || format!("{id} called before {told:?}, who was told"))?;
                let due = self.due_to_rejoin(service, here, 0);
                let nobody_else = || self.heads(service, here, now).is_empty();
                let rejoins = due.or_else(|| self.before_their_calls(service, here).filter(|_| nobody_else()));
                let own = if rule == Rule::Rejoin { Some(id) } else { None };
                expect(own == rejoins, || format!("{id} called by {rule:?}, but {rejoins:?} rejoins"))?;
            }
            Rule::Early => {
                let early = self.first_early(service, here, now);
                expect(early == Some(id), || format!("{id} called early, but {early:?} would be"))?;
            }
            Rule::ByHand | Rule::Inside => {}
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
}
