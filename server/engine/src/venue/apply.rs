//! Recording what happened. Nothing here judges: an event that was written is true.

use std::collections::BTreeMap;

use crate::appointment::AppointmentState;
use crate::command::Actor;
use crate::config::VenueConfig;
use crate::counter::{Counter, CounterState};
use crate::dispatch::{Place, Queue};
use crate::estimate::{Pace, Prior};
use crate::event::{Change, Event, Why};
use crate::ids::{CallId, CounterId, Seq, ServiceId, TicketId};
use crate::lane::Lane;
use crate::ticket::{Grant, Ticket, TicketState};
use crate::time::{BusinessDay, Timestamp};
use crate::venue::trail::{Images, TicketImage};
use crate::venue::{CALLS_MAX, CallEntry, Receipt, Venue};

impl Venue {
    /// Closes a change: position, time, receipt, and what can be taken back.
    pub(super) fn seal(&mut self, change: &Change, before: Images) {
        self.seq = change.seq;
        self.at = change.at;
        if let Some(id) = &change.command {
            let receipt = Receipt { fingerprint: id.fingerprint, seq: change.seq, outcome: change.outcome.clone() };
            self.receipts.keep(id, receipt);
        }
        self.trail.add(change, before);
    }

    pub(super) fn apply_event(&mut self, event: &Event, at: Timestamp, by: &Actor) {
        match event {
            Event::DayOpened { day, config, next_ticket, next_call, priors } => {
                self.open_day(*day, config, *next_ticket, *next_call, priors);
            }
            Event::VenueConfigured { config } => self.configure(config),
            Event::AppointmentsSet { appointments } => {
                self.appointments.retain(|_, known| known.state != AppointmentState::Expected);
                for appointment in appointments {
                    self.appointments.entry(appointment.code.clone()).or_insert_with(|| appointment.clone());
                }
            }
            Event::TicketIssued { .. } => self.issue(event, at),
            Event::WaitAnnounced { ticket, raw } => {
                if let Some(ticket) = self.ticket_mut(*ticket) {
                    ticket.announced = Some(*raw);
                }
            }
            Event::TicketReadied { ticket, share } => self.with_queue(*ticket, |queue, ticket, place, config| {
                if let Some(service) = config.service(&ticket.service) {
                    queue.make_ready(ticket.id, place, share, &service.policy);
                }
            }),
            Event::TicketCalled { ticket, counter, call, why } => self.call(*ticket, counter, *call, why, at),
            Event::TicketRecalled { ticket } => self.recall(*ticket, at),
            Event::ServiceStarted { ticket } => self.update(*ticket, |ticket| {
                if let TicketState::Called { counter, call } = ticket.state.clone() {
                    ticket.state = TicketState::Serving { counter, call };
                    ticket.started_at = Some(at);
                }
            }),
            Event::ServiceCompleted { ticket } => self.end(*ticket, TicketState::Completed, at),
            Event::TicketMissed { ticket, is_final } => {
                self.update(*ticket, |ticket| ticket.misses += 1);
                if *is_final {
                    self.end(*ticket, TicketState::NoShow, at);
                } else {
                    self.leave_counter(*ticket);
                    self.update(*ticket, |ticket| ticket.state = TicketState::Missed);
                }
            }
            Event::TicketHeld { ticket, .. } => {
                self.leave_counter(*ticket);
                self.update(*ticket, |ticket| ticket.state = TicketState::Held);
            }
            Event::TicketReturned { ticket } => self.wait_again(*ticket, Lane::ReturnVisit, at),
            Event::TicketRequeued { ticket, .. } => self.wait_again(*ticket, Lane::Missed, at),
            Event::TicketTransferred { ticket, service, lane, wants, .. } => {
                self.leave_counter(*ticket);
                self.update(*ticket, |ticket| {
                    ticket.service = service.clone();
                    ticket.lane = *lane;
                    ticket.wants.clone_from(wants);
                    ticket.state = TicketState::Waiting;
                });
            }
            Event::TicketCancelled { ticket, .. } => self.end(*ticket, TicketState::Cancelled, at),
            Event::GreenChannelGranted { ticket, urgency, reason } => self.update(*ticket, |ticket| {
                ticket.grant = Some(Grant { urgency: *urgency, reason: reason.clone(), by: by.clone(), at });
            }),
            Event::TicketSteppedBack { ticket, places } => self.step_back(*ticket, *places, at),
            Event::TicketNotShown { ticket } => self.end(*ticket, TicketState::NoShow, at),
            Event::CounterSet { counter, state, services } => {
                if let Some(counter) = self.counters.get_mut(counter) {
                    counter.state = *state;
                    counter.services.clone_from(services);
                }
            }
            Event::ChangeUndone { seq } => self.undo(*seq, at),
        }
    }

    fn open_day(
        &mut self,
        day: BusinessDay,
        config: &VenueConfig,
        next_ticket: TicketId,
        next_call: CallId,
        priors: &BTreeMap<ServiceId, Prior>,
    ) {
        let mut fresh = Self::new(config.clone());
        fresh.day = day;
        fresh.next_ticket = next_ticket;
        fresh.next_call = next_call;
        for service in &config.services {
            let prior = priors.get(&service.id).cloned().unwrap_or_default();
            fresh.queues.insert(service.id.clone(), Queue::with_pace(Pace::from_prior(prior)));
        }
        *self = fresh;
        self.fit_counters();
    }

    fn configure(&mut self, config: &VenueConfig) {
        let before = std::mem::replace(&mut self.config, config.clone());
        self.fit_counters();
        for service in &config.services {
            let same = before.service(&service.id).is_some_and(|old| old.policy.weights == service.policy.weights);
            let queue = self.queues.entry(service.id.clone()).or_default();
            if !same {
                queue.reset_cycle();
            }
        }
        // The order inside a lane may have changed: everybody is filed anew, the ready set stays.
        let waiting: Vec<TicketId> =
            self.tickets.iter().filter(|ticket| ticket.place.is_some()).map(|ticket| ticket.id).collect();
        for id in waiting {
            self.refile(id);
        }
    }

    fn refile(&mut self, id: TicketId) {
        let ready = self.ticket(id).and_then(|ticket| Some(self.queues.get(&ticket.service)?.is_ready(id)));
        if ready == Some(false) {
            self.update(id, |_| {});
        }
    }

    /// Counters that are declared exist; those that are not, and stand empty, go.
    fn fit_counters(&mut self) {
        let config = &self.config;
        self.counters.retain(|id, counter| config.counter(id).is_some() || counter.current.is_some());
        for counter in &config.counters {
            self.counters.entry(counter.id.clone()).or_insert_with(|| Counter {
                id: counter.id.clone(),
                state: CounterState::Closed,
                services: counter.services.clone(),
                current: None,
            });
        }
    }

    fn issue(&mut self, event: &Event, at: Timestamp) {
        let Event::TicketIssued {
            ticket: id,
            number,
            count,
            service,
            lane,
            visitor,
            slot,
            appointment,
            wants,
            overflow,
        } = event
        else {
            return;
        };
        let prefix = self.config.service(service).map(|service| service.prefix.clone()).unwrap_or_default();
        self.numbers.insert(prefix, *count);
        if overflow.is_some() {
            *self.overflows.entry(service.clone()).or_default() += 1;
        }
        if let Some(booking) = appointment.as_ref().and_then(|code| self.appointments.get_mut(code)) {
            booking.state = AppointmentState::CheckedIn { ticket: *id };
        }
        self.next_ticket = id.next();
        self.tickets.push(Ticket {
            id: *id,
            number: number.clone(),
            count: *count,
            service: service.clone(),
            lane: *lane,
            state: TicketState::Waiting,
            visitor: visitor.clone(),
            slot: *slot,
            appointment: appointment.clone(),
            overflow: overflow.clone(),
            wants: wants.clone(),
            grant: None,
            issued_at: at,
            queued_at: at,
            called_at: None,
            started_at: None,
            ended_at: None,
            recalls: 0,
            misses: 0,
            announced: None,
            place: None,
        });
        self.update(*id, |_| {});
    }

    fn call(&mut self, id: TicketId, counter: &CounterId, call: CallId, why: &Why, at: Timestamp) {
        let Some(ticket) = self.ticket(id).cloned() else { return };
        if let (Some(queue), Some(service)) =
            (self.queues.get_mut(&ticket.service), self.config.service(&ticket.service))
        {
            let first_call = ticket.called_at.is_none() && why.reason.is_none();
            let place = ticket.place.clone().unwrap_or_else(|| Place::of(&ticket, &service.policy));
            queue.take(id, &place, why.rule, why.share.as_ref(), &service.policy, at);
            if let (Some(announced), true) = (ticket.announced, first_call && ticket.grant.is_none()) {
                queue.score(announced, at.since(ticket.issued_at));
            }
        }
        if let Some(ticket) = self.ticket_mut(id) {
            ticket.place = None;
            ticket.state = TicketState::Called { counter: counter.clone(), call };
            ticket.called_at = Some(at);
            ticket.started_at = None;
            ticket.recalls = 0;
        }
        if let Some(counter) = self.counters.get_mut(counter) {
            counter.current = Some(id);
        }
        self.next_call = call.next();
        self.calls.push_back(CallEntry {
            call,
            ticket: id,
            number: ticket.number,
            counter: counter.clone(),
            service: ticket.service,
            rule: why.rule,
            recalls: 0,
            at,
        });
        if self.calls.len() > CALLS_MAX {
            self.calls.pop_front();
        }
    }

    fn recall(&mut self, id: TicketId, at: Timestamp) {
        self.update(id, |ticket| {
            ticket.recalls += 1;
            ticket.called_at = Some(at);
        });
        let recalls = self.ticket(id).map_or(0, |ticket| ticket.recalls);
        if let Some(entry) = self.calls.iter_mut().rev().find(|entry| entry.ticket == id) {
            entry.recalls = recalls;
            entry.at = at;
        }
    }

    fn wait_again(&mut self, id: TicketId, lane: Lane, at: Timestamp) {
        self.update(id, |ticket| {
            ticket.state = TicketState::Waiting;
            ticket.lane = lane;
            ticket.queued_at = at;
        });
    }

    fn step_back(&mut self, id: TicketId, places: u32, at: Timestamp) {
        let Some(ticket) = self.ticket(id).cloned() else { return };
        let (Some(place), Some(queue)) = (ticket.place, self.queues.get_mut(&ticket.service)) else { return };
        let order = queue.behind(id, &place, places);
        queue.unfile(id, &place);
        // Whom one lets go first does not count as having overtaken one.
        let place = Place { order, since: at.max(place.since), ..place };
        queue.file(id, &place);
        if let Some(ticket) = self.ticket_mut(id) {
            ticket.place = Some(place);
        }
    }

    fn end(&mut self, id: TicketId, state: TicketState, at: Timestamp) {
        self.leave_counter(id);
        self.update(id, |ticket| {
            ticket.state = state;
            ticket.ended_at = Some(at);
        });
    }

    fn leave_counter(&mut self, id: TicketId) {
        for counter in self.ticket(id).and_then(|ticket| ticket.state.counter().cloned()).iter() {
            if let Some(counter) = self.counters.get_mut(counter) {
                counter.current = None;
            }
        }
    }

    /// Changes a ticket and files it where it then belongs: the only way a waiting ticket moves.
    fn update(&mut self, id: TicketId, change: impl FnOnce(&mut Ticket)) {
        let first = self.first_ticket();
        let Some(ticket) = usize::try_from(id.0 - first).ok().and_then(|at| self.tickets.get_mut(at)) else { return };
        if let Some(place) = ticket.place.take()
            && let Some(queue) = self.queues.get_mut(&ticket.service)
        {
            queue.unfile(id, &place);
        }
        change(ticket);
        if ticket.state == TicketState::Waiting
            && let (Some(queue), Some(service)) =
                (self.queues.get_mut(&ticket.service), self.config.service(&ticket.service))
        {
            let place = Place::of(ticket, &service.policy);
            queue.file(id, &place);
            ticket.place = Some(place);
        }
    }

    fn with_queue(&mut self, id: TicketId, act: impl FnOnce(&mut Queue, &Ticket, &Place, &VenueConfig)) {
        let Some(ticket) = self.ticket(id).cloned() else { return };
        if let (Some(queue), Some(place)) = (self.queues.get_mut(&ticket.service), &ticket.place) {
            act(queue, &ticket, place, &self.config);
        }
    }

    fn undo(&mut self, seq: Seq, at: Timestamp) {
        let Some(step) = self.trail.find(seq).cloned() else { return };
        for image in step.before.tickets {
            self.restore(image, at);
        }
        for counter in step.before.counters {
            self.counters.insert(counter.id.clone(), counter);
        }
        self.trail.remove(seq);
    }

    fn restore(&mut self, image: TicketImage, at: Timestamp) {
        let id = image.id;
        let Some(before) = image.ticket else {
            // A number once given is not given again: the ticket ends instead.
            return self.end(id, TicketState::Cancelled, at);
        };
        let called = self.ticket(id).and_then(|ticket| match &ticket.state {
            TicketState::Called { call, .. } if ticket.state != before.state => Some(*call),
            _ => None,
        });
        let uncalled = called.is_some() && before.state.counter().is_none();
        self.unfile(id);
        let place = before.place.clone();
        let service = before.service.clone();
        if let Some(ticket) = self.ticket_mut(id) {
            *ticket = *before;
        }
        if let (Some(queue), Some(place)) = (self.queues.get_mut(&service), &place) {
            queue.file(id, place);
            if uncalled {
                queue.untake(id, place.since);
                queue.put_back_first(id, place);
            } else if image.was_ready {
                queue.put_back_ready(id, place);
            }
        }
        if uncalled {
            self.calls.retain(|entry| Some(entry.call) != called);
        }
    }

    fn unfile(&mut self, id: TicketId) {
        let Some(ticket) = self.ticket(id).cloned() else { return };
        if let (Some(queue), Some(place)) = (self.queues.get_mut(&ticket.service), &ticket.place) {
            queue.unfile(id, place);
        }
    }
}
