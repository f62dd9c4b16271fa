//! Judging what is closed and opened again (B10).

use crate::appointment::{Appointment, AppointmentState};
use crate::closure::{Closable, Closure, Concerned, Destination};
use crate::counter::CounterState;
use crate::dispatch::Queue;
use crate::event::Event;
use crate::ids::{CounterId, ServiceId, TicketId};
use crate::refusal::Refusal;
use crate::step::Step;
use crate::ticket::{Ticket, TicketState};
use crate::venue::decide::Decided;
use crate::venue::decide::known::{check_reason, invalid};
use crate::venue::{Outcome, Venue};

impl Venue {
    /// Closes it, in one change: whoever waits for it is moved with their place, or told to stay and what to do.
    /// Whoever is at a counter is served to the end.
    pub(super) fn decide_close(&self, closure: &Closure) -> Decided {
        check_reason("reason", &closure.reason)?;
        match &closure.closed {
            Closable::Service { service } => {
                self.known_service(service)?;
            }
            Closable::Counter { counter } => {
                self.known_counter(counter)?;
            }
        }
        if self.closures.contains_key(&closure.closed) {
            return Err(closed(&closure.closed));
        }
        let concerned = || self.concerned(&closure.closed);
        let tickets = match &closure.to {
            None => Vec::new(),
            Some(to) => {
                self.check_destination(&closure.closed, to)?;
                let moved = concerned().filter(|ticket| is_moved(&ticket.state)).map(|ticket| ticket.id);
                moved.collect::<Vec<TicketId>>()
            }
        };
        let mut events = vec![Event::Closed { closure: closure.clone(), tickets }];
        if let Closable::Counter { counter } = &closure.closed {
            events.extend(self.shut(counter));
        }
        Ok((events, Outcome::Closed { closed: closure.closed.clone() }))
    }

    /// A closed clinic's counter calls nobody; whoever is at it is served to the end.
    fn shut(&self, id: &CounterId) -> Option<Event> {
        let counter = self.counters.get(id)?;
        let state = if counter.current.is_some() { CounterState::Paused } else { CounterState::Closed };
        let is_so = counter.state == state || counter.state == CounterState::Closed;
        (!is_so).then(|| Event::CounterSet { counter: id.clone(), state, services: counter.services.clone() })
    }

    fn check_destination(&self, what: &Closable, to: &Destination) -> Result<(), Refusal> {
        match what {
            Closable::Service { service } => {
                let into = to.service.as_ref().ok_or_else(|| invalid("to", "names no service"))?;
                if into == service {
                    return Err(invalid("to", "is what is being closed"));
                }
            }
            Closable::Counter { counter } if to.wants.as_ref() == Some(counter) => {
                return Err(invalid("to", "is what is being closed"));
            }
            Closable::Counter { .. } => {}
        }
        if let Some(service) = &to.service {
            self.known_service(service)?;
            self.check_wants(to.wants.as_ref(), service)?;
            return self.takes_new(service, to.wants.as_ref());
        }
        // Everybody stays in their own service: the substitute must serve each of them.
        let booked = self.booked_for(what).map(|booking| &booking.service);
        let moved = self.concerned(what).filter(|ticket| is_moved(&ticket.state)).map(|ticket| &ticket.service);
        for service in moved.chain(booked) {
            self.check_wants(to.wants.as_ref(), service)?;
        }
        to.wants.iter().try_for_each(|counter| {
            self.known_counter(counter)?;
            self.clinic_takes_new(counter)
        })
    }

    /// Opens it again. Whoever was moved stays where they are.
    pub(super) fn decide_reopen(&self, closed: &Closable) -> Decided {
        if !self.closures.contains_key(closed) {
            return Err(Refusal::NotClosed);
        }
        Ok((vec![Event::Reopened { closed: closed.clone() }], Outcome::Closed { closed: closed.clone() }))
    }

    /// Tickets that wait for this, or are on their way back to it.
    fn concerned<'v>(&'v self, what: &'v Closable) -> impl Iterator<Item = &'v Ticket> {
        self.live().filter(move |ticket| concerns(what, &ticket.service, ticket.wants.as_ref()))
    }

    fn booked_for<'v>(&'v self, what: &'v Closable) -> impl Iterator<Item = &'v Appointment> {
        let expected = self.appointments.values().filter(|booking| booking.state == AppointmentState::Expected);
        expected.filter(move |booking| concerns(what, &booking.service, booking.wants.as_ref()))
    }

    /// Whom closing this would concern (B10): shown before it is done.
    pub fn closing_concerns(&self, what: &Closable) -> Concerned {
        let mut found = Concerned { booked: count(self.booked_for(what).count()), ..Concerned::default() };
        for ticket in self.concerned(what) {
            match ticket.state {
                TicketState::Waiting => {
                    found.waiting += 1;
                    let told = |queue: &Queue| queue.is_ready(ticket.id) || queue.inside_of(ticket.id).is_some();
                    found.ready += u32::from(self.queues.get(&ticket.service).is_some_and(told));
                }
                TicketState::Held => found.held += 1,
                TicketState::Missed => found.missed += 1,
                TicketState::Called { .. } | TicketState::Serving { .. } => found.at_counters += 1,
                _ => {}
            }
        }
        found
    }

    /// Whether somebody new can be let in: the service is not closed, nor the clinic that is wanted.
    pub(super) fn takes_new(&self, service: &ServiceId, wants: Option<&CounterId>) -> Result<(), Refusal> {
        let service = Closable::Service { service: service.clone() };
        if self.closures.contains_key(&service) {
            return Err(closed(&service));
        }
        wants.map_or(Ok(()), |counter| self.clinic_takes_new(counter))
    }

    fn clinic_takes_new(&self, counter: &CounterId) -> Result<(), Refusal> {
        let counter = Closable::Counter { counter: counter.clone() };
        if self.closures.contains_key(&counter) { Err(closed(&counter)) } else { Ok(()) }
    }

    /// Where somebody goes who was promised this before it was closed: a booking, the next step of a visit.
    pub fn instead_of(&self, service: &ServiceId, wants: Option<&CounterId>) -> Step {
        let mut step = Step { service: service.clone(), wants: wants.cloned() };
        // A closure leads to what was open when it was made, so no way is longer than there are closures.
        for _ in 0..self.closures.len() {
            let clinic = step.wants.clone().map(|counter| Closable::Counter { counter });
            let clinic = clinic.and_then(|clinic| self.closures.get(&clinic));
            let service = self.closures.get(&Closable::Service { service: step.service.clone() });
            let Some(to) = service.or(clinic).and_then(|closed| closed.closure.to.as_ref()) else { break };
            step = Step { service: to.service.clone().unwrap_or(step.service), wants: to.wants.clone() };
        }
        step
    }
}

fn concerns(what: &Closable, service: &ServiceId, wants: Option<&CounterId>) -> bool {
    match what {
        Closable::Service { service: closed } => closed == service,
        Closable::Counter { counter } => wants == Some(counter),
    }
}

fn is_moved(state: &TicketState) -> bool {
    matches!(state, TicketState::Waiting | TicketState::Held | TicketState::Missed)
}

fn closed(what: &Closable) -> Refusal {
    match what.clone() {
        Closable::Service { service } => Refusal::ServiceClosed { service },
        Closable::Counter { counter } => Refusal::CounterClosed { counter },
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
