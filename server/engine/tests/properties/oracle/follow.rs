//! Following the events: who is where, by the letter of what each event says.

use callnext_engine::config::Policy;
use callnext_engine::counter::CounterState;
use callnext_engine::event::{Change, Event, Rule};
use callnext_engine::{CounterId, Lane, Seq, ServiceId, TicketId, Timestamp, VenueConfig};

use std::collections::BTreeMap;

use super::{Before, Counter, Is, Key, Oracle, Person, expect};
use crate::play::Seen;

impl Oracle {
    pub(super) fn before(&self, change: &Change) -> Before {
        let sent = self.calls.iter().filter(|call| call.is_sent).cloned().collect();
        let mut before = Before { doors: self.doors.clone(), sent, ..Before::default() };
        for event in &change.events {
            let (tickets, counter) = concerned(event);
            for id in tickets.iter().copied() {
                if before.ids.contains(&id) {
                    continue;
                }
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

    pub(super) fn leave(&mut self, id: TicketId, allowed: &[Is]) -> Result<(), String> {
        let person = self.person(id)?;
        // Whoever waits at a counter's door waits.
        let is = if person.is == Is::Inside { Is::Waiting } else { person.is };
        expect(allowed.contains(&is), || format!("ticket {id} is {:?}, not one of {allowed:?}", person.is))?;
        for ready in self.ready.values_mut() {
            ready.retain(|other| *other != id);
        }
        self.leave_door(id);
        if let Some(counter) = self.people.get_mut(&id).and_then(|person| person.counter.take()) {
            let counter = self.counters.get_mut(&counter).ok_or("oracle: no such counter")?;
            expect(counter.current == Some(id), || format!("ticket {id} is not at its counter"))?;
            counter.current = None;
        }
        Ok(())
    }

    pub(super) fn set(&mut self, id: TicketId, is: Is) {
        self.people.get_mut(&id).unwrap().is = is;
    }

    pub(super) fn wait(&mut self, id: TicketId, change: impl FnOnce(&mut Person)) {
        let mut person = self.people.get(&id).cloned().unwrap();
        change(&mut person);
        person.is = Is::Waiting;
        person.place(&self.policy(&person.service));
        self.people.insert(id, person);
    }

    pub(super) fn follow(&mut self, event: &Event, change: &Change, seen: &mut Seen) -> Result<(), String> {
        const LIVE: [Is; 5] = [Is::Waiting, Is::Called, Is::Serving, Is::Held, Is::Missed];
        let at = change.at;
        match event {
            Event::DayOpened { day, config, .. } => {
                let left = self.people.values().filter(|person| !matches!(person.is, Is::Over | Is::Away)).count();
                expect(left == 0, || format!("a day began with {left} of yesterday"))?;
                let old = std::mem::take(self);
                (self.latest, self.sessions, self.day_end) = (old.latest, old.sessions, day.end.0);
                (self.highest_ticket, self.highest_call) = (old.highest_ticket, old.highest_call);
                self.declare(config, at);
            }
            Event::VenueConfigured { config, .. } => self.declare(config, at),
            Event::PolicyChanged { policies, .. } => self.change_policies(policies, at),
            Event::AppointmentsSet { .. }
            | Event::WaitAnnounced { .. }
            | Event::TicketClassified { .. }
            | Event::AppointmentsNotShown { .. }
            | Event::SessionClosed { .. }
            | Event::ParcelDeclined { .. }
            | Event::Reopened { .. }
            | Event::StepsSet { .. } => {}
            Event::TicketReceived { .. }
            | Event::TicketSent { .. }
            | Event::TransferSettled { .. }
            | Event::StepCompleted { .. }
            | Event::StepSkipped { .. }
            | Event::Closed { .. } => self.moves(event, at)?,
            Event::TicketIssued { .. } => self.issue(event, at, seen)?,
            Event::TicketReadied { ticket, share } => self.told(*ticket, share.as_ref(), at, seen)?,
            Event::TicketSentInside { ticket, counter, why } => {
                self.sent_inside(*ticket, counter, why, change, seen)?;
            }
            Event::TicketSentBack { ticket } => self.sent_back(*ticket)?,
            Event::TicketCalled { ticket, counter, call, why } => {
                expect(call.0 > self.highest_call, || format!("call {call} was made before"))?;
                self.highest_call = call.0;
                seen.one(format!("rule {:?}", why.rule));
                self.call(*ticket, counter, why, change, seen)?;
            }
            Event::TicketRecalled { ticket } => {
                expect(self.person(*ticket)?.is == Is::Called, || format!("{ticket} recalled, not called"))?;
                let person = self.people.get_mut(ticket).unwrap();
                person.recalls += 1;
                person.called = Some(at.0);
            }
            Event::TicketSlotBegan { ticket } => self.slot_began(*ticket, at)?,
            Event::ServiceStarted { ticket } => {
                expect(self.person(*ticket)?.is == Is::Called, || format!("{ticket} started, not called"))?;
                self.set(*ticket, Is::Serving);
            }
            Event::ServiceCompleted { ticket } => {
                self.leave(*ticket, &[Is::Called, Is::Serving])?;
                self.set(*ticket, Is::Over);
            }
            Event::TicketMissed { ticket, is_final } => {
                self.missed(*ticket, *is_final, at)?;
            }
            Event::TicketHeld { ticket, .. } => {
                self.leave(*ticket, &[Is::Waiting, Is::Called, Is::Serving])?;
                self.set(*ticket, Is::Held);
            }
            Event::TicketReturned { ticket } => {
                self.leave(*ticket, &[Is::Held])?;
                self.wait(*ticket, |person| {
                    (person.lane, person.queued, person.joined) = (Lane::ReturnVisit, at.0, at.0);
                    person.joins = None;
                });
            }
            Event::TicketRequeued { ticket, joining, .. } => self.requeued(*ticket, *joining, at, seen)?,
            Event::TicketTransferred { ticket, service, lane, wants, .. } => {
                self.leave(*ticket, &LIVE)?;
                self.wait(*ticket, |person| {
                    // To another counter of the same service is no other wait.
                    person.joins = person.joins.filter(|_| person.service == *service);
                    (person.service, person.lane, person.joined) = (service.clone(), *lane, at.0);
                    person.wants.clone_from(wants);
                });
            }
            Event::GreenChannelGranted { ticket, urgency, .. } => {
                self.leave(*ticket, &[Is::Waiting, Is::Held, Is::Missed, Is::Away])?;
                let is = self.person(*ticket)?.is;
                self.wait(*ticket, |person| person.urgent = Some((*urgency, at.0)));
                self.set(*ticket, is);
            }
            Event::TicketSteppedBack { ticket, places } => self.step_back(*ticket, *places, at)?,
            Event::TicketCancelled { ticket, .. } | Event::TicketNotShown { ticket } => {
                if matches!(event, Event::TicketNotShown { .. }) {
                    self.not_shown(*ticket, at)?;
                }
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

    fn change_policies(&mut self, policies: &BTreeMap<ServiceId, Policy>, at: Timestamp) {
        let mut config = self.config().clone();
        for service in &mut config.services {
            service.policy = policies.get(&service.id).unwrap_or(&service.policy).clone();
        }
        self.declare(&config, at);
    }

    fn declare(&mut self, config: &VenueConfig, at: Timestamp) {
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
        for counter in &config.counters {
            let old = before.as_ref().and_then(|old| old.counters.iter().find(|old| old.id == counter.id));
            if old.is_none_or(|old| old.weights != counter.weights) {
                self.divides_anew(&counter.id);
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
                self.balances.retain(|of, _| of.0 != service.id);
                self.tainted.retain(|of| *of != service.id);
            }
            let same = |old: &Policy| old.order == service.policy.order && old.early_s == service.policy.early_s;
            if old.is_some_and(|old| !same(&old.policy)) {
                let ready = self.ready.get(&service.id).cloned().unwrap_or_default();
                for person in self.people.values_mut() {
                    if person.is == Is::Waiting && person.service == service.id && !ready.contains(&person.id) {
                        person.is_booked_no_more(&service.policy, at);
                        person.place(&service.policy);
                    }
                }
            }
        }
    }

    fn issue(&mut self, event: &Event, at: Timestamp, seen: &mut Seen) -> Result<(), String> {
        let Event::TicketIssued {
            ticket,
            number,
            count,
            service,
            lane,
            slot,
            appointment,
            wants,
            overflow,
            joining,
            ..
        } = event
        else {
            return Ok(());
        };
        expect(ticket.0 == self.highest_ticket + 1, || format!("{ticket} after {}", self.highest_ticket))?;
        self.highest_ticket = ticket.0;
        let (joins_lane, joins) = match (slot, appointment) {
            (Some(slot), Some(_)) => self.checks_in(service, *slot, at)?,
            (Some(slot), None) => {
                expect(slot.start > at, || format!("{ticket} takes the slot {slot:?}"))?;
                (Lane::Appointment, None)
            }
            (None, _) if overflow.is_some() => (Lane::Overflow, None),
            (None, _) => {
                expect(matches!(lane, Lane::WalkIn | Lane::Referral), || format!("{ticket} taken in {lane:?}"))?;
                (*lane, None)
            }
        };
        expect((*lane, *joining) == (joins_lane, joins), || {
            format!("{ticket} joins {lane:?} {joining:?}, not {joins_lane:?} {joins:?}")
        })?;
        if slot.is_some_and(|slot| slot.end <= at) {
            seen.one(format!("late {:?}", self.policy(service).late.rejoin));
        }
        let prefix = self.config().services.iter().find(|known| known.id == *service).unwrap().prefix.clone();
        let session = self.counting_session(at.0).map(|session| self.sessions[session].letter.clone());
        let series = format!("{prefix}{}", session.unwrap_or_default());
        let nth = self.counts.entry(series.clone()).or_default();
        *nth += 1;
        expect(number.to_string() == format!("{series}{nth:03}"), || format!("{number} is not {series}{nth}"))?;
        let given = self.given.entry(prefix).or_default();
        *given += 1;
        expect(count == given, || format!("{number} counts as {count}, not {given}"))?;
        if let Some(grant) = overflow {
            let policy = self.policy(service);
            let full = self.overflows_of(service, at.0) >= policy.overflow_max;
            let allowed = policy.over_quota_role.role().zip(grant.over_quota.as_ref());
            let fits =
                if full { allowed.is_some_and(|(role, given)| given.role >= role) } else { grant.over_quota.is_none() };
            expect(fits, || {
                format!("overflow, quota {} reached: {full}, by {:?}", policy.overflow_max, grant.over_quota)
            })?;
            if full {
                seen.one("overflow over the quota");
            }
            self.overflows.push((*ticket, service.clone(), at.0));
        }
        self.begins_to_count(service, *lane, joins);
        let person = Person {
            slot: *slot,
            wants: wants.clone(),
            joins,
            ..Person::new(*ticket, number, service, *lane, *count, at)
        };
        self.people.insert(*ticket, person);
        self.wait(*ticket, |_| {});
        Ok(())
    }

    fn step_back(&mut self, id: TicketId, places: u32, at: Timestamp) -> Result<(), String> {
        let mut person = self.person(id)?.clone();
        // Told before their time, or under other rules, they are back under those of the lane.
        let mut due = person.clone();
        due.place(&self.policy(&person.service));
        person.since = person.since.max(due.since);
        let waits = matches!(person.is, Is::Waiting | Is::Inside);
        expect(waits && person.urgent.is_none(), || format!("{id} cannot step back"))?;
        let ready = self.ready.get(&person.service).cloned().unwrap_or_default();
        let same = |other: &&Person| other.lane == person.lane && other.wants == person.wants;
        let told = ready.iter().skip_while(|other| **other != id).skip(1);
        let told = told.filter_map(|other| self.people.get(other)).filter(same).count();
        let line = self.line_of(&person);
        // Whoever can be called lets nobody go first who cannot be called yet.
        let callable = |from: i64| from <= person.since.max(at.0);
        let behind = || line.iter().filter(|(key, other, _)| (*key, *other) > (person.key, id));
        let passed: Vec<Key> = behind().filter(|(_, _, from)| callable(*from)).map(|(key, _, _)| *key).collect();
        let steps = usize::try_from(places).unwrap().saturating_sub(told).min(passed.len());
        let mut key = person.key;
        if steps > 0 {
            let last = passed[steps - 1];
            let next = behind().map(|(next, _, _)| *next).find(|next| *next > last);
            let next = next.filter(|n| (n.0, n.1, n.2) == (last.0, last.1, last.2));
            key = (last.0, last.1, last.2, f64::midpoint(last.3, next.map_or(1.0, |next| next.3)));
        }
        self.leave(id, &[Is::Waiting])?;
        let since = person.since.max(at.0);
        let person = self.people.get_mut(&id).unwrap();
        (person.key, person.since) = (key, since);
        Ok(())
    }

    fn undo(&mut self, seq: Seq) -> Result<(), String> {
        let before = self.befores.remove(&seq).ok_or("oracle: nothing to take back")?;
        let mut people: Vec<_> = before.ids.iter().zip(&before.people).collect();
        people.sort_by_key(|(_, before)| before.as_ref().and_then(|(_, ready_at)| *ready_at));
        for (id, person) in people {
            for ready in self.ready.values_mut() {
                ready.retain(|other| other != id);
            }
            self.leave_door(*id);
            let Some((person, ready_at)) = person else {
                let person = self.people.get_mut(id).unwrap();
                person.is = Is::Over;
                self.overflows.retain(|(given, _, _)| given != id);
                continue;
            };
            self.people.insert(*id, person.clone());
            let call = before.called.filter(|(called, _)| called == id).map(|(_, rule)| rule);
            if call.is_some() {
                self.calls.retain(|call| call.seq != seq || call.ticket != *id);
            }
            if call == Some(Rule::Urgent) {
                self.urgent_run.entry(person.service.clone()).and_modify(|run| *run = run.saturating_sub(1));
            }
            if person.is == Is::Inside {
                self.back_to_door(*id, &before.doors, &before.sent);
            } else if person.is == Is::Waiting && person.urgent.is_none() {
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
            self.divides_on(&id);
            self.counters.insert(id, counter);
        }
        Ok(())
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

fn concerned(event: &Event) -> (&[TicketId], Option<&CounterId>) {
    use std::slice::from_ref;
    match event {
        Event::TicketCalled { ticket, counter, .. } => (from_ref(ticket), Some(counter)),
        Event::CounterSet { counter, .. } => (&[], Some(counter)),
        Event::TicketIssued { ticket, .. }
        | Event::TicketRecalled { ticket }
        | Event::ServiceStarted { ticket }
        | Event::ServiceCompleted { ticket }
        | Event::TicketMissed { ticket, .. }
        | Event::TicketHeld { ticket, .. }
        | Event::TicketReturned { ticket }
        | Event::TicketRequeued { ticket, .. }
        | Event::TicketSlotBegan { ticket }
        | Event::TicketTransferred { ticket, .. }
        | Event::TicketCancelled { ticket, .. }
        | Event::GreenChannelGranted { ticket, .. }
        | Event::TicketClassified { ticket, .. }
        | Event::TicketSteppedBack { ticket, .. }
        | Event::TicketSent { ticket, .. }
        | Event::TicketReceived { ticket, .. }
        | Event::TransferSettled { ticket, .. }
        | Event::StepCompleted { ticket, .. }
        | Event::StepSkipped { ticket, .. }
        | Event::StepsSet { ticket, .. }
        | Event::TicketNotShown { ticket } => (from_ref(ticket), None),
        Event::Closed { tickets, .. } => (tickets, None),
        Event::DayOpened { .. }
        | Event::VenueConfigured { .. }
        | Event::PolicyChanged { .. }
        | Event::AppointmentsSet { .. }
        | Event::AppointmentsNotShown { .. }
        | Event::SessionClosed { .. }
        | Event::WaitAnnounced { .. }
        | Event::TicketReadied { .. }
        | Event::TicketSentInside { .. }
        | Event::TicketSentBack { .. }
        | Event::ParcelDeclined { .. }
        | Event::Reopened { .. }
        | Event::ChangeUndone { .. } => (&[], None),
    }
}
