//! Judging commands: every rule that can say no. Reads only.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::appointment::{Appointment, AppointmentState};
use crate::command::{Action, Actor, Command};
use crate::config::{Policy, ServiceConfig, VenueConfig};
use crate::counter::{Counter, CounterState};
use crate::dispatch::{Draw, Reach, most_pressing};
use crate::event::{Event, OverflowGrant, Rule, Why};
use crate::ids::{CounterId, ServiceId, TicketId, TicketNumber};
use crate::lane::Lane;
use crate::refusal::Refusal;
use crate::ticket::{Slot, Ticket, TicketState, Visitor};
use crate::time::{BusinessDay, Millis, Timestamp};
use crate::venue::{APPOINTMENTS_MAX, NAME_CHARS_MAX, Outcome, REASON_CHARS_MAX, STEP_BACK_MAX, TICKETS_MAX, Venue};

type Decided = Result<(Vec<Event>, Outcome), Refusal>;

impl Venue {
    /// Decides what a command would do: the events, and what its asker is told. Changes nothing.
    pub fn decide(&self, command: &Command, now: Timestamp) -> Decided {
        let now = now.max(self.at);
        match &command.action {
            Action::Configure { config } => self.decide_configure(config),
            Action::TakeTicket { service, lane, visitor, wants } => {
                self.decide_take(service, *lane, visitor, wants.as_ref())
            }
            Action::SetAppointments { appointments } => self.decide_appointments(appointments),
            Action::CheckIn { code, reference } => self.decide_check_in(code, reference.as_deref(), now),
            Action::AddOverflow { service, visitor, reason, approved_by, note } => {
                let grant =
                    OverflowGrant { reason: reason.clone(), approved_by: approved_by.clone(), note: note.clone() };
                self.decide_overflow(service, visitor, grant)
            }
            Action::CallNext { counter } => self.decide_call_next(counter, now),
            Action::CallTicket { counter, ticket, reason } => self.decide_call_ticket(counter, *ticket, reason),
            Action::Recall { counter } => {
                let ticket = self.called_at(counter)?;
                Ok(about(ticket.id, Event::TicketRecalled { ticket: ticket.id }))
            }
            Action::Start { counter } => {
                let ticket = self.called_at(counter)?;
                Ok(about(ticket.id, Event::ServiceStarted { ticket: ticket.id }))
            }
            Action::Complete { counter } => {
                let ticket = self.at_counter(self.known_counter(counter)?)?;
                Ok(about(ticket.id, Event::ServiceCompleted { ticket: ticket.id }))
            }
            Action::Miss { counter } => self.decide_miss(counter, now),
            Action::SetCounter { counter, state, services } => {
                self.decide_set_counter(counter, *state, services.as_deref())
            }
            Action::Hold { ticket, reason } => {
                let held = self.in_state(*ticket, "waiting, called or serving", |state| {
                    matches!(state, TicketState::Waiting | TicketState::Called { .. } | TicketState::Serving { .. })
                })?;
                check_reason("reason", reason)?;
                Ok(about(held.id, Event::TicketHeld { ticket: held.id, reason: reason.clone() }))
            }
            Action::Return { ticket } => {
                let ticket = self.in_state(*ticket, "held", |state| *state == TicketState::Held)?;
                Ok(about(ticket.id, Event::TicketReturned { ticket: ticket.id }))
            }
            Action::Requeue { ticket, reason } => {
                let ticket = self.in_state(*ticket, "missed", |state| *state == TicketState::Missed)?;
                check_reason("reason", reason)?;
                Ok(about(ticket.id, Event::TicketRequeued { ticket: ticket.id, reason: reason.clone() }))
            }
            Action::Transfer { ticket, service, reason, wants } => {
                self.decide_transfer(*ticket, service, reason, wants.as_ref())
            }
            Action::Cancel { ticket, reason } => {
                let ticket = self.in_state(*ticket, "not over", |state| !state.is_over())?;
                if let Some(reason) = reason {
                    check_reason("reason", reason)?;
                }
                Ok(about(ticket.id, Event::TicketCancelled { ticket: ticket.id, reason: reason.clone() }))
            }
            Action::GrantGreenChannel { ticket, urgency, reason } => {
                let ticket = self.in_state(*ticket, "waiting, held or missed", |state| {
                    matches!(state, TicketState::Waiting | TicketState::Held | TicketState::Missed)
                })?;
                check_reason("reason", reason)?;
                let (id, urgency, reason) = (ticket.id, *urgency, reason.clone());
                Ok(about(id, Event::GreenChannelGranted { ticket: id, urgency, reason }))
            }
            Action::StepBack { ticket, places } => {
                let ticket = self.in_state(*ticket, "waiting", |state| *state == TicketState::Waiting)?;
                if !(1..=STEP_BACK_MAX).contains(places) {
                    return Err(invalid("places", &format!("is not from 1 to {STEP_BACK_MAX}")));
                }
                if ticket.grant.is_some() {
                    return Err(not_in_state(ticket, "waiting without precedence"));
                }
                Ok(about(ticket.id, Event::TicketSteppedBack { ticket: ticket.id, places: *places }))
            }
            Action::Undo => self.decide_undo(&command.by, now),
            Action::Tick => Ok((self.decide_tick(now), Outcome::Done)),
        }
    }

    fn decide_configure(&self, config: &VenueConfig) -> Decided {
        let mut problems: Vec<String> = config.problems().iter().map(ToString::to_string).collect();
        if config.id != self.config.id {
            problems.push(format!("this is venue \"{}\", not \"{}\"", self.config.id, config.id));
        }
        problems.extend(self.people_without_service(config));
        problems.extend(self.people_without_counter(config));
        if !problems.is_empty() {
            return Err(Refusal::ConfigInvalid { problems });
        }
        if *config == self.config {
            return Ok((Vec::new(), Outcome::Done));
        }
        Ok((vec![Event::VenueConfigured { config: Box::new(config.clone()) }], Outcome::Done))
    }

    /// A service with people in it, or booked for it, cannot vanish under them.
    fn people_without_service(&self, config: &VenueConfig) -> Vec<String> {
        let booked = self.appointments.values().filter(|booking| booking.state == AppointmentState::Expected);
        let people = self.live().map(|ticket| &ticket.service).chain(booked.map(|booking| &booking.service));
        let mut left: BTreeMap<&ServiceId, u32> = BTreeMap::new();
        for service in people.filter(|service| config.service(service).is_none()) {
            *left.entry(service).or_default() += 1;
        }
        left.iter().map(|(service, count)| format!("service \"{service}\" is gone, but {count} are in it")).collect()
    }

    /// A counter with somebody at it cannot vanish either.
    fn people_without_counter(&self, config: &VenueConfig) -> Vec<String> {
        let gone = self.counters.values().filter(|counter| config.counter(&counter.id).is_none());
        let at_it = gone.filter_map(|counter| self.at_counter(counter).ok().map(|ticket| (&counter.id, ticket)));
        at_it.map(|(id, ticket)| format!("counter \"{id}\" is gone, but {} is at it", ticket.number)).collect()
    }

    fn decide_take(&self, service: &ServiceId, lane: Lane, visitor: &Visitor, wants: Option<&CounterId>) -> Decided {
        let service = self.known_service(service)?;
        if !matches!(lane, Lane::WalkIn | Lane::Referral) {
            return Err(invalid("lane", "only walk_in and referral can be taken; the others come about by rule"));
        }
        self.issued(service, Issue { lane, visitor, wants, slot: None, appointment: None, overflow: None })
    }

    fn decide_appointments(&self, appointments: &[Appointment]) -> Decided {
        let kept = self.appointments.values().filter(|known| known.state != AppointmentState::Expected);
        let mut codes: BTreeSet<&str> = kept.map(|known| known.code.as_ref()).collect();
        let full = || Refusal::VenueFull { limit: u32::try_from(APPOINTMENTS_MAX).unwrap_or(u32::MAX) };
        if appointments.len() > APPOINTMENTS_MAX {
            return Err(full());
        }
        let mut seen = BTreeSet::new();
        for appointment in appointments {
            self.known_service(&appointment.service)?;
            self.check_wants(appointment.wants.as_ref(), &appointment.service)?;
            check_visitor(&appointment.visitor)?;
            check_reason("code", &appointment.code)?;
            if !seen.insert(appointment.code.as_ref()) {
                return Err(invalid("code", &format!("\"{}\" is there twice", appointment.code)));
            }
            if appointment.slot.end <= appointment.slot.start {
                return Err(invalid("slot", "ends before it begins"));
            }
            if !self.day.holds(appointment.slot.start) {
                return Err(invalid("slot", &format!("of \"{}\" is not in today's business day", appointment.code)));
            }
            codes.insert(&appointment.code);
        }
        if codes.len() > APPOINTMENTS_MAX {
            return Err(full());
        }
        let count = u32::try_from(codes.len()).unwrap_or(u32::MAX);
        // Who is here is known from check-in, not from outside.
        let expected = |booking: &Appointment| Appointment { state: AppointmentState::Expected, ..booking.clone() };
        let appointments = appointments.iter().map(expected).collect();
        Ok((vec![Event::AppointmentsSet { appointments }], Outcome::Appointments { count }))
    }

    fn decide_check_in(&self, code: &str, reference: Option<&str>, now: Timestamp) -> Decided {
        let booking = self.appointments.get(code).ok_or(Refusal::AppointmentUnknown)?;
        if let AppointmentState::CheckedIn { ticket } = booking.state {
            return Err(Refusal::AlreadyCheckedIn { ticket });
        }
        // B4: where the booking names an identity, the one shown must be it.
        if let (Some(booked), Some(shown)) = (booking.visitor.reference.as_deref(), reference)
            && booked != shown
        {
            return Err(Refusal::IdentityMismatch);
        }
        let service = self.known_service(&booking.service)?;
        // C2: whoever comes after the slot waits as late.
        let lane = if now < booking.slot.end { Lane::Appointment } else { Lane::Late };
        // A wish that cannot be met any more must not turn away whoever is here.
        let wants = booking.wants.as_ref().filter(|wants| self.check_wants(Some(wants), &service.id).is_ok());
        let issue = Issue {
            lane,
            visitor: &booking.visitor,
            wants,
            slot: Some(booking.slot),
            appointment: Some(booking.code.clone()),
            overflow: None,
        };
        self.issued(service, issue)
    }

    fn decide_overflow(&self, service: &ServiceId, visitor: &Visitor, grant: OverflowGrant) -> Decided {
        let service = self.known_service(service)?;
        check_reason("reason", &grant.reason)?;
        check_reason("approved_by", &grant.approved_by)?;
        if let Some(note) = &grant.note {
            check_reason("note", note)?;
        }
        let quota = service.policy.overflow_max;
        if self.overflow_count(&service.id) >= quota {
            return Err(Refusal::OverflowQuotaReached { service: service.id.clone(), quota });
        }
        let issue =
            Issue { lane: Lane::Overflow, visitor, wants: None, slot: None, appointment: None, overflow: Some(grant) };
        self.issued(service, issue)
    }

    fn issued(&self, service: &ServiceConfig, issue: Issue<'_>) -> Decided {
        check_visitor(issue.visitor)?;
        self.check_wants(issue.wants, &service.id)?;
        if self.tickets.len() >= usize::try_from(TICKETS_MAX).unwrap_or(usize::MAX) {
            return Err(Refusal::VenueFull { limit: TICKETS_MAX });
        }
        let count = self.numbers.get(&service.prefix).copied().unwrap_or_default() + 1;
        let ticket = self.next_id();
        let event = Event::TicketIssued {
            ticket,
            number: TicketNumber::of(&service.prefix, count),
            count,
            service: service.id.clone(),
            lane: issue.lane,
            visitor: issue.visitor.clone(),
            slot: issue.slot,
            appointment: issue.appointment,
            wants: issue.wants.cloned(),
            overflow: issue.overflow,
        };
        Ok((vec![event], Outcome::Ticket { ticket }))
    }

    fn decide_call_next(&self, counter: &CounterId, now: Timestamp) -> Decided {
        let counter = self.open_counter(counter)?;
        let reach = Reach::of(&counter.id);
        let choices = counter.services.iter().filter_map(|id| {
            let service = self.config.service(id)?;
            let queue = self.queues.get(id)?;
            let staffed = self.staffed(id).filter(|_| !queue.is_empty())?;
            Some((id, Draw::new(queue, &service.policy, staffed, now).next(&reach)?))
        });
        let mut events: Vec<Event> =
            counter.current.map(|ticket| Event::ServiceCompleted { ticket }).into_iter().collect();
        let Some((_, choice)) = most_pressing(choices) else {
            return Ok((events, Outcome::NobodyWaiting));
        };
        let why = Why { rule: choice.rule, share: choice.share, reason: None };
        events.push(self.called(choice.ticket, counter, why));
        Ok((events, Outcome::Called { ticket: choice.ticket, call: self.next_call, rule: choice.rule }))
    }

    fn decide_call_ticket(&self, counter: &CounterId, ticket: TicketId, reason: &Arc<str>) -> Decided {
        let counter = self.open_counter(counter)?;
        let ticket = self.in_state(ticket, "waiting, held or missed", |state| {
            matches!(state, TicketState::Waiting | TicketState::Held | TicketState::Missed)
        })?;
        check_reason("reason", reason)?;
        let wanted = ticket.wants.as_ref().is_none_or(|wants| *wants == counter.id);
        if !wanted || !counter.services.contains(&ticket.service) {
            return Err(Refusal::CounterDoesNotServe { counter: counter.id.clone(), ticket: ticket.id });
        }
        let mut events: Vec<Event> =
            counter.current.map(|ticket| Event::ServiceCompleted { ticket }).into_iter().collect();
        let why = Why { rule: Rule::ByHand, share: None, reason: Some(reason.clone()) };
        events.push(self.called(ticket.id, counter, why));
        Ok((events, Outcome::Called { ticket: ticket.id, call: self.next_call, rule: Rule::ByHand }))
    }

    fn called(&self, ticket: TicketId, counter: &Counter, why: Why) -> Event {
        Event::TicketCalled { ticket, counter: counter.id.clone(), call: self.next_call, why }
    }

    /// C1: never before the person's own slot, nor before grace and recalls have passed.
    fn decide_miss(&self, counter: &CounterId, now: Timestamp) -> Decided {
        let ticket = self.called_at(counter)?;
        let policy = self.policy(&ticket.service)?;
        if ticket.slot.is_some_and(|slot| now < slot.start) {
            return Err(Refusal::SlotNotBegun { ticket: ticket.id });
        }
        let called_at = ticket.called_at.unwrap_or(now);
        let left = (called_at + policy.grace()).since(now);
        let recalls = policy.recalls_min.saturating_sub(ticket.recalls);
        if left > Millis::ZERO || recalls > 0 {
            return Err(Refusal::MissTooEarly { ticket: ticket.id, grace_ms: left.0, recalls });
        }
        let is_final = ticket.misses + 1 >= policy.misses_max;
        Ok(about(ticket.id, Event::TicketMissed { ticket: ticket.id, is_final }))
    }

    fn decide_set_counter(&self, id: &CounterId, state: CounterState, services: Option<&[ServiceId]>) -> Decided {
        let counter = self.known_counter(id)?;
        if let (CounterState::Closed, Some(ticket)) = (state, counter.current) {
            return Err(Refusal::CounterBusy { counter: id.clone(), ticket });
        }
        let mut served: Vec<ServiceId> = Vec::new();
        for service in services.unwrap_or(&counter.services) {
            self.known_service(service)?;
            if !served.contains(service) {
                served.push(service.clone());
            }
        }
        if served.is_empty() {
            return Err(invalid("services", "is empty: a counter serves at least one service"));
        }
        let outcome = Outcome::Counter { counter: id.clone() };
        if counter.state == state && counter.services == served {
            return Ok((Vec::new(), outcome));
        }
        Ok((vec![Event::CounterSet { counter: id.clone(), state, services: served }], outcome))
    }

    fn decide_transfer(
        &self,
        ticket: TicketId,
        service: &ServiceId,
        reason: &Arc<str>,
        wants: Option<&CounterId>,
    ) -> Decided {
        let ticket = self.in_state(ticket, "not over", |state| !state.is_over())?;
        self.known_service(service)?;
        self.check_wants(wants, service)?;
        check_reason("reason", reason)?;
        if ticket.service == *service && ticket.wants.as_ref() == wants {
            return Err(invalid("service", "is where the ticket already is"));
        }
        // R7: a first visit there. To another counter of the same service is no other visit.
        let lane = if ticket.service == *service { ticket.lane } else { Lane::Referral };
        let event = Event::TicketTransferred {
            ticket: ticket.id,
            service: service.clone(),
            lane,
            reason: reason.clone(),
            wants: wants.cloned(),
        };
        Ok(about(ticket.id, event))
    }

    fn decide_undo(&self, by: &Actor, now: Timestamp) -> Decided {
        if !Self::actor_is_staff(by) {
            return Err(Refusal::NothingToUndo);
        }
        let step = self.trail.last_of(by, now)?;
        let tickets = step.before.tickets.keys().copied().collect();
        Ok((vec![Event::ChangeUndone { seq: step.seq }], Outcome::Undone { seq: step.seq, tickets }))
    }

    /// The day's end, in two steps so that the new day stands first in its own change.
    fn decide_tick(&self, now: Timestamp) -> Vec<Event> {
        if now < self.day.end {
            return Vec::new();
        }
        let closing: Vec<Event> = self.closing().collect();
        if !closing.is_empty() {
            return closing;
        }
        let day = BusinessDay::holding(now, self.config.time_zone, self.config.day_start);
        if day == self.day {
            // The end of time: there is no other day.
            return Vec::new();
        }
        let priors = self.queues.iter().map(|(service, queue)| (service.clone(), queue.pace().to_prior())).collect();
        vec![Event::DayOpened {
            day,
            config: Box::new(self.config.clone()),
            next_ticket: self.next_ticket,
            next_call: self.next_call,
            priors,
        }]
    }

    fn known_service(&self, id: &ServiceId) -> Result<&ServiceConfig, Refusal> {
        self.config.service(id).ok_or_else(|| Refusal::ServiceUnknown { service: id.clone() })
    }

    fn policy(&self, id: &ServiceId) -> Result<&Policy, Refusal> {
        self.known_service(id).map(|service| &service.policy)
    }

    fn known_counter(&self, id: &CounterId) -> Result<&Counter, Refusal> {
        self.counters.get(id).ok_or_else(|| Refusal::CounterUnknown { counter: id.clone() })
    }

    fn open_counter(&self, id: &CounterId) -> Result<&Counter, Refusal> {
        let counter = self.known_counter(id)?;
        match counter.state {
            CounterState::Open => Ok(counter),
            CounterState::Closed | CounterState::Paused => Err(Refusal::CounterNotOpen { counter: id.clone() }),
        }
    }

    fn at_counter(&self, counter: &Counter) -> Result<&Ticket, Refusal> {
        let idle = || Refusal::CounterIdle { counter: counter.id.clone() };
        self.ticket(counter.current.ok_or_else(idle)?).ok_or_else(idle)
    }

    fn called_at(&self, counter: &CounterId) -> Result<&Ticket, Refusal> {
        let ticket = self.at_counter(self.known_counter(counter)?)?;
        self.in_state(ticket.id, "called", |state| matches!(state, TicketState::Called { .. }))
    }

    fn in_state(&self, id: TicketId, needed: &str, good: impl Fn(&TicketState) -> bool) -> Result<&Ticket, Refusal> {
        let ticket = self.ticket(id).ok_or(Refusal::TicketUnknown { ticket: id })?;
        if good(&ticket.state) {
            return Ok(ticket);
        }
        Err(not_in_state(ticket, needed))
    }

    fn check_wants(&self, wants: Option<&CounterId>, service: &ServiceId) -> Result<(), Refusal> {
        let Some(wants) = wants else { return Ok(()) };
        let counter = self.known_counter(wants)?;
        let declared = self.config.counter(wants).is_some_and(|counter| counter.services.contains(service));
        if declared || counter.services.contains(service) {
            return Ok(());
        }
        Err(invalid("counter", &format!("\"{wants}\" does not serve \"{service}\"")))
    }
}

/// What a new ticket is made of.
struct Issue<'a> {
    lane: Lane,
    visitor: &'a Visitor,
    wants: Option<&'a CounterId>,
    slot: Option<Slot>,
    appointment: Option<Arc<str>>,
    overflow: Option<OverflowGrant>,
}

fn about(ticket: TicketId, event: Event) -> (Vec<Event>, Outcome) {
    (vec![event], Outcome::Ticket { ticket })
}

fn not_in_state(ticket: &Ticket, needed: &str) -> Refusal {
    let (state, needed) = (ticket.state.name().to_owned(), needed.to_owned());
    Refusal::TicketNotInState { ticket: ticket.id, state, needed }
}

fn invalid(field: &str, problem: &str) -> Refusal {
    Refusal::ValueInvalid { field: field.to_owned(), problem: problem.to_owned() }
}

fn check_reason(field: &str, text: &str) -> Result<(), Refusal> {
    check_text(field, text, REASON_CHARS_MAX)
}

fn check_visitor(visitor: &Visitor) -> Result<(), Refusal> {
    let given = [("name", &visitor.name), ("phone", &visitor.phone), ("visitor", &visitor.reference)];
    given.into_iter().filter_map(|(field, text)| Some((field, text.as_deref()?))).try_for_each(|(field, text)| {
        check_text(field, text, if field == "name" { NAME_CHARS_MAX } else { REASON_CHARS_MAX })
    })
}

fn check_text(field: &str, text: &str, chars_max: usize) -> Result<(), Refusal> {
    if text.trim().is_empty() {
        return Err(invalid(field, "is empty"));
    }
    if text.chars().count() > chars_max {
        return Err(invalid(field, &format!("is longer than {chars_max} characters")));
    }
    if text.chars().any(char::is_control) {
        return Err(invalid(field, "holds a control character"));
    }
    Ok(())
}
