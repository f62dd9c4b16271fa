//! Following those who move: to other venues and from them, out of what was closed, from step to step.

use callnext_engine::closure::Closable;
use callnext_engine::event::Event;
use callnext_engine::handover::Arrival;
use callnext_engine::step::Step;
use callnext_engine::{Lane, ServiceId, TicketId, Timestamp};

use super::{Is, Oracle, Person, expect};

impl Oracle {
    pub(super) fn moves(&mut self, event: &Event, at: Timestamp) -> Result<(), String> {
        const HERE: [Is; 5] = [Is::Waiting, Is::Called, Is::Serving, Is::Held, Is::Missed];
        match event {
            Event::TicketSent { ticket, .. } => {
                let is = self.person(*ticket)?.is;
                self.leave(*ticket, &HERE)?;
                let person = self.people.get_mut(ticket).unwrap();
                person.was = if matches!(is, Is::Held | Is::Missed) { is } else { Is::Waiting };
                person.is = Is::Away;
            }
            Event::TransferSettled { ticket, came, .. } => {
                // It may be of a day that is over.
                let Some(was) = self.people.get(ticket).map(|person| person.was) else { return Ok(()) };
                self.leave(*ticket, &[Is::Away])?;
                match came {
                    Arrival::Arrived { .. } | Arrival::Settled => self.set(*ticket, Is::Over),
                    Arrival::Declined { .. } => {
                        self.wait(*ticket, |person| person.joined = at.0);
                        self.set(*ticket, was);
                    }
                }
            }
            Event::TicketReceived { ticket, number, parcel, .. } => {
                expect(ticket.0 == self.highest_ticket + 1, || format!("{ticket} after {}", self.highest_ticket))?;
                self.highest_ticket = ticket.0;
                let own = self.config().services.iter().any(|own| {
                    let digits = number.to_string().strip_prefix(&own.prefix).map(|rest| rest.parse::<u32>().is_ok());
                    digits == Some(true)
                });
                let home = parcel.guest.home == self.config().id;
                expect(home || !own, || format!("guest {ticket} has {number}, which is one of the house"))?;
                let person = Person {
                    slot: parcel.slot,
                    queued: parcel.queued_at.0.min(at.0),
                    wants: parcel.wants.clone(),
                    urgent: parcel.grant.as_ref().map(|grant| (grant.urgency, grant.at.0)),
                    misses: parcel.misses,
                    ..Person::new(*ticket, number, &parcel.service, Lane::Referral, parcel.guest.count, at)
                };
                self.people.insert(*ticket, person);
                self.wait(*ticket, |_| {});
            }
            Event::StepCompleted { ticket, service, lane, wants } => {
                self.leave(*ticket, &[Is::Called, Is::Serving])?;
                self.set(*ticket, Is::Away);
                expect(*lane == Lane::Referral, || format!("{ticket} goes on as {lane:?}"))?;
                self.between = Some((*ticket, Step { service: service.clone(), wants: wants.clone() }));
            }
            Event::StepSkipped { ticket, service, lane, wants, .. } => {
                self.leave(*ticket, &HERE)?;
                self.wait(*ticket, |person| {
                    (person.service, person.lane, person.joined) = (service.clone(), *lane, at.0);
                    person.wants.clone_from(wants);
                    person.joins = None;
                });
            }
            Event::Closed { closure, tickets } => {
                let Some(to) = &closure.to else { return expect(tickets.is_empty(), || "moved nowhere".to_owned()) };
                let lines = self.lines(tickets);
                let mut kept = true;
                for id in tickets {
                    let before = self.person(*id)?.clone();
                    let service = to.service.clone().unwrap_or_else(|| before.service.clone());
                    // Turns and calls are counted in one queue: in another they mean nothing.
                    let counted = before.service != service && before.is_by_calls();
                    let orders = (self.policy(&before.service).order, self.policy(&service).order);
                    let same_order = orders.0 == orders.1 && !counted;
                    self.leave(*id, &[Is::Waiting, Is::Held, Is::Missed])?;
                    let is = self.person(*id)?.is;
                    self.wait(*id, |person| {
                        (person.service, person.joined) = (service, at.0);
                        person.joins = person.joins.filter(|_| !counted);
                        person.wants.clone_from(&to.wants);
                    });
                    let person = self.people.get_mut(id).unwrap();
                    person.is = is;
                    if same_order {
                        person.key = before.key;
                    }
                    kept &= same_order;
                }
                expect(!kept || lines == self.lines(tickets), || "places were not kept".to_owned())?;
                let left = self.people.values().find(|person| {
                    let concerned = match &closure.closed {
                        Closable::Service { service } => person.service == *service,
                        Closable::Counter { counter } => person.wants.as_ref() == Some(counter),
                    };
                    concerned && matches!(person.is, Is::Waiting | Is::Inside | Is::Held | Is::Missed)
                });
                expect(left.is_none(), || format!("left behind: {left:?}"))?;
            }
            other => return Err(format!("oracle: {other:?} is no move")),
        }
        Ok(())
    }

    pub(super) fn next_step_is_waited_for(&mut self, at: Timestamp) {
        let Some((ticket, step)) = self.between.take() else { return };
        self.wait(ticket, |person| {
            (person.service, person.lane, person.wants) = (step.service, Lane::Referral, step.wants);
            (person.queued, person.joined, person.joins) = (at.0, at.0, None);
        });
    }

    /// Whether the one who goes on to a next step waits there for an ordinary call: nobody's turn by this one, but
    /// an urgent one is called while they could be.
    pub(super) fn somebody_goes_on_to(&self, service: &ServiceId) -> bool {
        let between = self.between.as_ref().filter(|(_, step)| step.service == *service);
        between.is_some_and(|(ticket, _)| self.people.get(ticket).is_some_and(|person| person.urgent.is_none()))
    }

    /// Those of these who wait, lane by lane, in their order.
    fn lines(&self, tickets: &[TicketId]) -> Vec<TicketId> {
        let people = tickets.iter().filter_map(|id| self.people.get(id));
        let mut line: Vec<&Person> = people.filter(|person| matches!(person.is, Is::Waiting | Is::Inside)).collect();
        line.sort_by(|a, b| a.lane.cmp(&b.lane).then(a.key.partial_cmp(&b.key).unwrap()).then(a.id.cmp(&b.id)));
        line.into_iter().map(|person| person.id).collect()
    }
}
