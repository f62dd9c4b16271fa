//! Recording what happened. Nothing here judges: an event that was written is true.

use std::sync::Arc;

use crate::appointment::AppointmentState;
use crate::command::Actor;
use crate::config::VenueConfig;
use crate::dispatch::{Place, Queue, Taken, charge};
use crate::event::{Change, Event, Why};
use crate::ids::{CallId, CounterId, ServiceId, TicketId};
use crate::joining::Joining;
use crate::lane::Lane;
use crate::ticket::{Grant, Ticket, TicketState};
use crate::time::Timestamp;
use crate::venue::trail::Images;
use crate::venue::{CALLS_MAX, CallEntry, Receipt, Venue};

mod configure;
mod moves;
mod undo;

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
            Event::DayOpened { day, config, next_ticket, next_call, priors, handovers, layers } => {
                self.open_day(*day, config, *next_ticket, *next_call, priors);
                self.handovers = handovers.clone();
                self.layers.clone_from(layers);
            }
            Event::VenueConfigured { config, layers } => self.declare(config, layers, at, by),
            Event::PolicyChanged { .. } => self.change_policy(event, at, by),
            Event::AppointmentsSet { appointments } => {
                self.book(appointments);
            }
            Event::TicketIssued { .. } => self.issue(event, at),
            Event::WaitAnnounced { ticket, raw } => {
                if let Some(ticket) = self.ticket_mut(*ticket) {
                    ticket.announced = Some(*raw);
                }
            }
            Event::TicketReadied { ticket, share } => self.with_queue(*ticket, |queue, ticket, place, config| {
                if let Some(service) = config.service(&ticket.service) {
                    queue.make_ready(ticket.id, place, share.as_ref(), &service.policy);
                }
            }),
            Event::TicketSentInside { ticket, counter, why } => self.send_inside(*ticket, counter, why, at),
            Event::TicketSentBack { ticket } => self.send_back(*ticket),
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
            Event::TicketReturned { ticket } => self.wait_again(*ticket, Some(Lane::ReturnVisit), None, at),
            Event::TicketRequeued { ticket, joining, .. } => {
                // Whoever stands behind others of their own kind stays of that kind.
                let lane = (!matches!(joining, Some(Joining::AsOf { .. }))).then_some(Lane::Missed);
                self.wait_again(*ticket, lane, *joining, at);
            }
            Event::TicketSlotBegan { ticket } => self.slot_begins(*ticket),
            Event::TicketTransferred { .. }
            | Event::TicketSent { .. }
            | Event::TicketReceived { .. }
            | Event::ParcelDeclined { .. }
            | Event::TransferSettled { .. }
            | Event::Closed { .. }
            | Event::Reopened { .. }
            | Event::StepCompleted { .. }
            | Event::StepSkipped { .. }
            | Event::StepsSet { .. } => self.moves(event, at, by),
            Event::TicketCancelled { ticket, .. } => self.end(*ticket, TicketState::Cancelled, at),
            Event::GreenChannelGranted { ticket, urgency, reason, code } => self.update(*ticket, |ticket| {
                let (reason, code) = (reason.clone(), code.clone());
                ticket.grant = Some(Grant { urgency: *urgency, reason, code, by: by.clone(), at });
            }),
            Event::TicketClassified { ticket, class } => {
                if let Some(ticket) = self.ticket_mut(*ticket) {
                    ticket.visitor.class.clone_from(class);
                }
            }
            Event::TicketSteppedBack { ticket, places } => self.step_back(*ticket, *places, at),
            Event::AppointmentsNotShown { codes } => self.not_shown(codes),
            Event::SessionClosed { session, service } => {
                self.closed.insert((session.clone(), service.clone()));
            }
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

    /// Where a ticket stands among those told to get ready; first, if it was sent inside.
    fn ready_at(&self, id: TicketId) -> Option<usize> {
        let queue = self.queues.get(&self.ticket(id)?.service)?;
        queue.ready_at(id).or_else(|| queue.inside_of(id).map(|_| 0))
    }

    fn put_ready(&mut self, id: TicketId, at: Option<usize>) {
        if let Some(at) = at {
            self.with_queue(id, |queue, ticket, place, _| queue.put_ready(ticket.id, place, at));
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
            joining,
            steps,
        } = event
        else {
            return;
        };
        let prefix = self.config.service(service).map(|service| service.prefix.clone()).unwrap_or_default();
        *self.numbers.entry(self.number_prefix(&prefix, at)).or_default() += 1;
        self.given.insert(prefix, *count);
        if overflow.is_some() {
            self.count_overflow(service, at, |count| count.saturating_add(1));
        }
        let slot_of = slot.filter(|_| appointment.is_none()).map(|slot| {
            self.fill_slot(service, slot.start);
            service.clone()
        });
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
            slot_of,
            joining: *joining,
            wants: wants.clone(),
            grant: None,
            issued_at: at,
            queued_at: at,
            joined_at: at,
            called_at: None,
            rule: None,
            started_at: None,
            ended_at: None,
            recalls: 0,
            misses: 0,
            announced: None,
            steps: steps.clone(),
            steps_done: 0,
            note: None,
            guest: None,
            place: None,
        });
        self.joins(*id, Some(*lane), *joining);
        self.update(*id, |_| {});
    }

    fn call(&mut self, id: TicketId, counter: &CounterId, call: CallId, why: &Why, at: Timestamp) {
        let Some(ticket) = self.ticket(id).cloned() else { return };
        if let (Some(queue), Some(service)) =
            (self.queues.get_mut(&ticket.service), self.config.service(&ticket.service))
        {
            let first_call = ticket.called_at.is_none() && why.reason.is_none();
            let place = ticket.place.clone().unwrap_or_else(|| Place::of(&ticket, &service.policy));
            let load = service.load(ticket.visitor.class.as_ref());
            let taken = Taken { ticket: id, place: &place, counter, rule: why.rule, at, load };
            queue.take(&taken, why.share.as_ref(), &service.policy);
            if let (Some(announced), true) = (ticket.announced, first_call && ticket.grant.is_none()) {
                queue.score(announced, at.since(ticket.issued_at));
            }
        }
        if let Some(ticket) = self.ticket_mut(id) {
            ticket.place = None;
            ticket.state = TicketState::Called { counter: counter.clone(), call };
            ticket.called_at = Some(at);
            ticket.rule = Some(why.rule);
            ticket.started_at = None;
            ticket.recalls = 0;
            ticket.note = None;
        }
        if let Some(counter) = self.counters.get_mut(counter) {
            counter.current = Some(id);
        }
        self.charge_counter(counter, id, why);
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

    /// A call, or being sent inside, takes a turn of the counter's cycle (C5).
    pub(super) fn charge_counter(&mut self, counter: &CounterId, ticket: TicketId, why: &Why) {
        let service = self.ticket(ticket).map(|ticket| ticket.service.clone());
        if let (Some(service), Some(counter), Some(declared)) =
            (service, self.counters.get_mut(counter), self.config.counter(counter))
        {
            charge(&mut counter.cycle, &service, &why.services, &declared.weights);
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

    /// Without a lane: in the one it had.
    fn wait_again(&mut self, id: TicketId, lane: Option<Lane>, joining: Option<Joining>, at: Timestamp) {
        self.joins(id, lane, joining);
        self.update(id, |ticket| {
            ticket.state = TicketState::Waiting;
            ticket.lane = lane.unwrap_or(ticket.lane);
            ticket.joining = joining;
            ticket.queued_at = at;
            ticket.joined_at = at;
        });
    }

    fn step_back(&mut self, id: TicketId, places: u32, at: Timestamp) {
        let Some(ticket) = self.ticket(id).cloned() else { return };
        let (Some(place), Some(service)) = (&ticket.place, self.config.service(&ticket.service)) else { return };
        let Some(queue) = self.queues.get_mut(&ticket.service) else { return };
        // Whoever was told before their time, or under other rules, is back under those of the lane.
        let due = Place::of(&ticket, &service.policy).since;
        let from = Place { since: place.since.max(due), ..place.clone() };
        let stepped = queue.stepped_back(id, &from, places, at);
        queue.unfile(id, place);
        queue.file(id, &stepped);
        if let Some(ticket) = self.ticket_mut(id) {
            ticket.place = Some(stepped);
        }
    }

    /// R9: among the booked, as if never on site. But whoever let others go first was not overtaken by them.
    fn slot_begins(&mut self, id: TicketId) {
        let since = self.ticket(id).and_then(|ticket| ticket.place.as_ref()).map(|place| place.since);
        self.update(id, |ticket| ticket.lane = Lane::Appointment);
        self.unfile(id);
        if let Some(place) = self.ticket_mut(id).and_then(|ticket| ticket.place.as_mut()) {
            place.since = since.map_or(place.since, |since| place.since.max(since));
        }
        self.with_queue(id, |queue, ticket, place, _| queue.file(ticket.id, place));
    }

    fn joins(&mut self, id: TicketId, lane: Option<Lane>, joining: Option<Joining>) {
        let queue = self.ticket(id).map(|ticket| ticket.service.clone()).and_then(|id| self.queues.get_mut(&id));
        if let (Some(queue), Some(lane), Some(Joining::PerCalls)) = (queue, lane, joining) {
            queue.joins_per_calls(lane);
        }
    }

    fn not_shown(&mut self, codes: &[Arc<str>]) {
        for code in codes {
            let Some(booking) = self.appointments.get_mut(code) else { continue };
            booking.state = AppointmentState::NoShow;
            let (service, start) = (booking.service.clone(), booking.slot.start);
            self.free_slot(&service, start);
        }
    }

    fn count_overflow(&mut self, service: &ServiceId, at: Timestamp, change: impl Fn(u32) -> u32) {
        let session = self.counting_session(at).map(|session| session.id);
        let counts = self.overflows.entry(service.clone()).or_default();
        let of_session = session.map(|session| counts.of_session.entry(session).or_default());
        for count in of_session.into_iter().chain([&mut counts.of_day]) {
            *count = change(*count);
        }
    }

    fn end(&mut self, id: TicketId, state: TicketState, at: Timestamp) {
        if let (TicketState::Cancelled, Some(ticket)) = (&state, self.ticket(id))
            && let (Some(slot), Some(service)) = (ticket.slot, ticket.slot_of.clone())
        {
            self.free_slot(&service, slot.start);
        }
        self.leave_counter(id);
        self.update(id, |ticket| {
            ticket.state = state;
            ticket.ended_at = Some(at);
        });
    }

    fn leave_counter(&mut self, id: TicketId) {
        let counter = self.ticket(id).and_then(|ticket| ticket.state.counter().cloned());
        if let Some(counter) = counter.and_then(|counter| self.counters.get_mut(&counter)) {
            counter.current = None;
        }
    }

    /// Changes a ticket and files it where it then belongs: the only way a waiting ticket moves.
    fn update(&mut self, id: TicketId, change: impl FnOnce(&mut Ticket)) {
        let Some(ticket) = self.place_of(id).and_then(|at| self.tickets.get_mut(at)) else { return };
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

    pub(super) fn with_queue(&mut self, id: TicketId, act: impl FnOnce(&mut Queue, &Ticket, &Place, &VenueConfig)) {
        let Some(ticket) = self.ticket(id).cloned() else { return };
        if let (Some(queue), Some(place)) = (self.queues.get_mut(&ticket.service), &ticket.place) {
            act(queue, &ticket, place, &self.config);
        }
    }

    fn unfile(&mut self, id: TicketId) {
        let Some(ticket) = self.ticket(id).cloned() else { return };
        if let (Some(queue), Some(place)) = (self.queues.get_mut(&ticket.service), &ticket.place) {
            queue.unfile(id, place);
        }
    }
}
