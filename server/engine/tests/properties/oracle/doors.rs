//! Judging who is sent to a counter's door, and back (C4).

use std::collections::BTreeMap;

use callnext_engine::counter::CounterState;
use callnext_engine::event::{Change, Rule, Why};
use callnext_engine::{CounterId, ServiceId, TicketId, Timestamp, Venue};

use super::passed::passed_by;
use super::{Call, Is, Oracle, expect};
use crate::play::Seen;

/// Who waits at each door, with the count of those sent before them, in order.
pub(super) type Doors = BTreeMap<CounterId, Vec<(u64, TicketId)>>;

impl Oracle {
    fn limit(&self, counter: &CounterId) -> usize {
        let declared = self.config().counters.iter().find(|declared| declared.id == *counter);
        let open = self.counters.get(counter).is_some_and(|counter| counter.state == CounterState::Open);
        let area = declared.and_then(|declared| declared.second_waiting).filter(|_| open);
        area.map_or(0, |area| usize::try_from(area.limit).unwrap())
    }

    fn count_at(&self, counter: &CounterId) -> usize {
        self.doors.get(counter).map_or(0, Vec::len)
    }

    pub(super) fn first_at_door(&self, counter: &CounterId, service: Option<&ServiceId>) -> Option<TicketId> {
        let of = |id: &TicketId| service.is_none_or(|service| self.people[id].service == *service);
        self.doors.get(counter)?.iter().map(|(_, id)| *id).find(of)
    }

    pub(super) fn somebody_at_a_door(&self, service: &ServiceId) -> bool {
        self.doors.values().flatten().any(|(_, id)| self.people[id].service == *service)
    }

    pub(super) fn leave_door(&mut self, id: TicketId) {
        let mut was_there = false;
        for door in self.doors.values_mut() {
            let before = door.len();
            door.retain(|(_, other)| *other != id);
            was_there |= door.len() < before;
        }
        if was_there {
            self.set(id, Is::Waiting);
            // Nobody was overtaken by somebody who was only sent.
            let sent = self.calls.iter().position(|call| call.is_sent && call.ticket == id).expect("sent");
            self.calls.remove(sent);
        }
    }

    pub(super) fn back_to_door(&mut self, id: TicketId, before: &Doors, sent: &[Call]) {
        let (counter, nth) = before
            .iter()
            .find_map(|(counter, door)| Some((counter.clone(), door.iter().find(|(_, other)| *other == id)?.0)))
            .expect("was at a door");
        let door = self.doors.entry(counter).or_default();
        door.push((nth, id));
        door.sort_unstable();
        self.calls.push(sent.iter().find(|call| call.ticket == id).expect("was sent").clone());
    }

    pub(super) fn sent_inside(
        &mut self,
        id: TicketId,
        counter: &CounterId,
        why: &Why,
        change: &Change,
        seen: &mut Seen,
    ) -> Result<(), String> {
        let now = change.at;
        let person = self.person(id)?.clone();
        expect(person.is == Is::Waiting && person.urgent.is_none(), || format!("{id} sent, but is {:?}", person.is))?;
        let told = self.is_ready(&person);
        expect(person.since <= now.0 || told, || format!("{id} sent before their time"))?;
        expect(person.can_be_called_by(std::slice::from_ref(counter)), || format!("{id} does not want {counter}"))?;
        let (count, limit) = (self.count_at(counter), self.limit(counter));
        expect(count < limit, || format!("{id} sent to {counter}, where {count} of {limit} are"))?;
        let services = self.counters[counter].services.clone();
        expect(services.contains(&person.service), || format!("{counter} does not serve {id}"))?;
        for other in self.config().counters.iter().map(|declared| &declared.id) {
            let emptier = self.count_at(other) < count && self.count_at(other) < self.limit(other);
            let could = emptier && self.would_send(other, now);
            expect(!could, || format!("{id} sent to {counter} with {count}, though {other} has fewer"))?;
        }
        let strongest = services.iter().filter_map(|service| self.claim_from_hall(service, counter, now)).min();
        let claim = match why.rule {
            Rule::Overdue => 2,
            Rule::Ready | Rule::Rejoin | Rule::Cycle => 3,
            Rule::Urgent | Rule::Inside | Rule::Early | Rule::ByHand => 9,
        };
        expect(strongest == Some(claim), || format!("{id} sent by {:?}, before a claim of {strongest:?}", why.rule))?;
        self.is_first_by(&person, counter, why.rule, now)?;
        self.divides_fairly(counter, &person.service, why, now, seen)?;
        if why.rule == Rule::Cycle {
            let here = std::slice::from_ref(counter);
            self.stands_first_in_lane(&person, here, now)?;
            let even = why.share.as_ref().is_some_and(|share| share.even);
            self.takes_a_turn(&person, here, even, now, seen)?;
        } else if why.share.is_some() {
            self.tainted.push(person.service.clone());
        }
        self.is_explained(&person, counter, why, None, change, seen)?;
        self.leave(id, &[Is::Waiting])?;
        self.set(id, Is::Inside);
        let nth = self.sent;
        self.sent += 1;
        self.doors.entry(counter.clone()).or_default().push((nth, id));
        let since = person.since.min(now.0);
        self.people.get_mut(&id).unwrap().since = since;
        self.calls.push(Call {
            service: person.service.clone(),
            ticket: id,
            counter: counter.clone(),
            since,
            lane: person.lane,
            rule: why.rule,
            by: passed_by(why.rule, &person),
            overtaken: self.overtaken(&person),
            is_sent: true,
            seq: change.seq,
        });
        Ok(())
    }

    pub(super) fn sent_back(&mut self, id: TicketId) -> Result<(), String> {
        let person = self.person(id)?.clone();
        expect(person.is == Is::Inside, || format!("{id} sent back, but is {:?}", person.is))?;
        let door = self.doors.iter().find(|(_, door)| door.iter().any(|(_, other)| *other == id));
        let counter = door.map(|(counter, _)| counter.clone()).ok_or("oracle: at no door")?;
        let serves = self.counters.get(&counter).is_some_and(|counter| counter.services.contains(&person.service));
        expect(self.limit(&counter) == 0 || !serves, || format!("{id} sent back from {counter}, which is open"))?;
        self.leave_door(id);
        self.set(id, Is::Waiting);
        self.ready.entry(person.service).or_default().insert(0, id);
        Ok(())
    }

    fn would_send(&self, counter: &CounterId, now: Timestamp) -> bool {
        let services = self.counters.get(counter).map(|counter| counter.services.clone()).unwrap_or_default();
        services.iter().any(|service| self.claim_from_hall(service, counter, now).is_some_and(|claim| claim < 4))
    }

    pub(super) fn doors_are_full(&self, now: Timestamp) -> Result<(), String> {
        for declared in &self.config().counters {
            let (count, limit) = (self.count_at(&declared.id), self.limit(&declared.id));
            expect(count >= limit || !self.would_send(&declared.id, now), || {
                format!("{count} of {limit} at the door of {}, though somebody could be sent", declared.id)
            })?;
        }
        for (counter, door) in &self.doors {
            expect(door.is_empty() || self.limit(counter) > 0, || {
                format!("{door:?} at {counter}, which calls nobody")
            })?;
        }
        Ok(())
    }

    pub(super) fn doors_agree(&self, venue: &Venue) -> Result<(), String> {
        for (counter, door) in &self.doors {
            for (_, id) in door {
                let at = venue.inside_at(*id);
                expect(at == Some(counter), || format!("{id} is at the door of {at:?}, not of {counter}"))?;
            }
        }
        let (own, engine): (usize, usize) =
            (self.doors.values().map(Vec::len).sum(), venue.counters().map(|counter| venue.inside(&counter.id)).sum());
        expect(own == engine, || format!("{engine} at doors, not {own}"))
    }
}
