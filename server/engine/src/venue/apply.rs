//! Recording what happened. Nothing here judges: an event that was written is true.

use std::collections::BTreeMap;

use crate::appointment::AppointmentState;
use crate::command::Actor;
use crate::config::VenueConfig;
use crate::counter::{Counter, CounterState};
use crate::dispatch::{Place, Queue, Taken};
use crate::estimate::{Pace, Prior};
use crate::event::{Change, Event, Rule, Why};
use crate::ids::{CallId, CounterId, Seq, ServiceId, TicketId};
use crate::lane::Lane;
use crate::ticket::{Grant, Ticket, TicketState};
use crate::time::{BusinessDay, Timestamp};
use crate::venue::trail::Images;
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
            Event::VenueConfigured { config } => self.configure(config, at),
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
                    ticket.joined_at = at;
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
    }

    fn configure(&mut self, config: &VenueConfig, at: Timestamp) {
        let before = std::mem::replace(&mut self.config, config.clone());
        if (before.day_start, before.time_zone) != (config.day_start, config.time_zone) {
            self.move_days_end(at);
        }
        self.fit_counters(Some(&before));
        self.drop_vain_wishes();
        for service in &config.services {
            let old = before.service(&service.id).map(|old| &old.policy);
            let queue = self.queues.entry(service.id.clone()).or_default();
            if old.is_none_or(|old| old.weights != service.policy.weights) {
                queue.reset_cycle();
            }
            if old.is_some_and(|old| (old.order, old.early_s) != (service.policy.order, service.policy.early_s)) {
                self.refile(&service.id);
            }
        }
    }

    /// The day keeps its date, so it ends where the next date's day begins; not in the past.
    fn move_days_end(&mut self, at: Timestamp) {
        let day = BusinessDay::starting_on(self.day.date, self.config.time_zone, self.config.day_start);
        if day.end > at && self.day.holds(at) {
            self.day.end = day.end;
        }
    }

    /// The order of a service's lanes has changed: everybody is filed anew. The ready set stays.
    fn refile(&mut self, service: &ServiceId) {
        let Some(queue) = self.queues.get(service) else { return };
        let waiting: Vec<TicketId> = queue.filed().filter(|id| !queue.is_ready(*id)).collect();
        for id in waiting {
            self.update(id, |_| {});
        }
    }

    /// Whoever wants a counter that is not there any more wants none.
    fn drop_vain_wishes(&mut self) {
        let counters = &self.counters;
        let vain = |wants: &Option<CounterId>| wants.as_ref().is_some_and(|counter| !counters.contains_key(counter));
        for booking in self.appointments.values_mut().filter(|booking| vain(&booking.wants)) {
            booking.wants = None;
        }
        let tickets = self.live().filter(|ticket| vain(&ticket.wants)).map(|ticket| ticket.id);
        for id in tickets.collect::<Vec<_>>() {
            let ready_at = self.ready_at(id);
            self.unfile(id);
            if let Some(ticket) = self.ticket_mut(id) {
                ticket.wants = None;
                ticket.place.iter_mut().for_each(|place| place.wants = None);
            }
            self.with_queue(id, |queue, ticket, place, _| queue.file(ticket.id, place));
            self.put_ready(id, ready_at);
        }
    }

    fn ready_at(&self, id: TicketId) -> Option<usize> {
        self.queues.get(&self.ticket(id)?.service)?.ready_at(id)
    }

    fn put_ready(&mut self, id: TicketId, at: Option<usize>) {
        if let Some(at) = at {
            self.with_queue(id, |queue, ticket, place, _| queue.put_ready(ticket.id, place, at));
        }
    }

    /// Counters that are declared exist; those that are not, and stand empty, go. A counter whose services
    /// nobody chose for the day follows its declaration.
    pub(super) fn fit_counters(&mut self, before: Option<&VenueConfig>) {
        let config = &self.config;
        self.counters.retain(|id, counter| config.counter(id).is_some() || counter.current.is_some());
        for declared in &config.counters {
            let counter = self.counters.entry(declared.id.clone()).or_insert_with(|| Counter {
                id: declared.id.clone(),
                state: CounterState::Closed,
                services: Vec::new(),
                current: None,
            });
            let old = before.and_then(|before| before.counter(&declared.id));
            if old.is_some_and(|old| old.services == counter.services) {
                counter.services.clear();
            }
            counter.services.retain(|service| config.service(service).is_some());
            if counter.services.is_empty() {
                counter.services.clone_from(&declared.services);
            }
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
            joined_at: at,
            called_at: None,
            rule: None,
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
            let taken = Taken { ticket: id, place: &place, counter, rule: why.rule, at };
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
            ticket.joined_at = at;
        });
    }

    fn step_back(&mut self, id: TicketId, places: u32, at: Timestamp) {
        let Some(ticket) = self.ticket(id).cloned() else { return };
        let (Some(place), Some(queue)) = (ticket.place, self.queues.get_mut(&ticket.service)) else { return };
        let stepped = queue.stepped_back(id, &place, places, at);
        queue.unfile(id, &place);
        queue.file(id, &stepped);
        if let Some(ticket) = self.ticket_mut(id) {
            ticket.place = Some(stepped);
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
        let counter = self.ticket(id).and_then(|ticket| ticket.state.counter().cloned());
        if let Some(counter) = counter.and_then(|counter| self.counters.get_mut(&counter)) {
            counter.current = None;
        }
    }

    /// Changes a ticket and files it where it then belongs: the only way a waiting ticket moves.
    fn update(&mut self, id: TicketId, change: impl FnOnce(&mut Ticket)) {
        let first = self.first_ticket();
        let at = id.0.checked_sub(first).and_then(|at| usize::try_from(at).ok());
        let Some(ticket) = at.and_then(|at| self.tickets.get_mut(at)) else { return };
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
        let Some(step) = self.trail.take(seq) else { return };
        for (id, image) in step.before.tickets {
            match image.ticket {
                Some(before) => self.restore(*before, image.ready_at, image.call, step.at),
                None => self.unissue(id, at),
            }
        }
        self.counters.extend(step.before.counters);
    }

    /// A number once given is not given again: the ticket ends, and what it was given for can have another.
    fn unissue(&mut self, id: TicketId, at: Timestamp) {
        self.end(id, TicketState::Cancelled, at);
        let Some(ticket) = self.ticket(id).cloned() else { return };
        if let Some(booking) = ticket.appointment.and_then(|code| self.appointments.get_mut(&code)) {
            booking.state = AppointmentState::Expected;
        }
        if let (Some(_), Some(count)) = (ticket.overflow, self.overflows.get_mut(&ticket.service)) {
            *count = count.saturating_sub(1);
        }
    }

    fn restore(
        &mut self,
        before: Ticket,
        ready_at: Option<usize>,
        call: Option<(CounterId, Rule)>,
        called_at: Timestamp,
    ) {
        let id = before.id;
        self.unfile(id);
        if let (Some(TicketState::Called { call, .. }), true) = (self.ticket(id).map(|t| &t.state), call.is_some()) {
            let undone = *call;
            self.calls.retain(|entry| entry.call != undone);
        }
        if let (Some(queue), Some(service)) =
            (self.queues.get_mut(&before.service), self.config.service(&before.service))
        {
            if let Some((counter, rule)) = &call {
                let place = before.place.clone().unwrap_or_else(|| Place::of(&before, &service.policy));
                queue.untake(&Taken { ticket: id, place: &place, counter, rule: *rule, at: called_at });
            }
            if let Some(place) = &before.place {
                queue.file(id, place);
            }
        }
        if let Some(ticket) = self.ticket_mut(id) {
            *ticket = before;
        }
        // Whom a rule chose is chosen: first, and the cycle is not charged again.
        let chosen = call.is_some_and(|(_, rule)| rule != Rule::ByHand);
        self.put_ready(id, if chosen { Some(0) } else { ready_at });
    }

    fn unfile(&mut self, id: TicketId) {
        let Some(ticket) = self.ticket(id).cloned() else { return };
        if let (Some(queue), Some(place)) = (self.queues.get_mut(&ticket.service), &ticket.place) {
            queue.unfile(id, place);
        }
    }
}
