//! What every judgement asks: is it known, is it in that state, is the text fit to be kept.

use crate::config::{Policy, ServiceConfig};
use crate::counter::{Counter, CounterState};
use crate::event::Event;
use crate::ids::{ClassId, CounterId, ServiceId, TicketId};
use crate::refusal::Refusal;
use crate::ticket::{Ticket, TicketState, Visitor};
use crate::venue::{NAME_CHARS_MAX, Outcome, REASON_CHARS_MAX, Venue};

impl Venue {
    pub(super) fn known_service(&self, id: &ServiceId) -> Result<&ServiceConfig, Refusal> {
        self.config.service(id).ok_or_else(|| Refusal::ServiceUnknown { service: id.clone() })
    }

    pub(super) fn policy(&self, id: &ServiceId) -> Result<&Policy, Refusal> {
        self.known_service(id).map(|service| &service.policy)
    }

    pub(super) fn known_counter(&self, id: &CounterId) -> Result<&Counter, Refusal> {
        self.counters.get(id).ok_or_else(|| Refusal::CounterUnknown { counter: id.clone() })
    }

    pub(super) fn open_counter(&self, id: &CounterId) -> Result<&Counter, Refusal> {
        let counter = self.known_counter(id)?;
        match counter.state {
            CounterState::Open => Ok(counter),
            CounterState::Closed | CounterState::Paused => Err(Refusal::CounterNotOpen { counter: id.clone() }),
        }
    }

    pub(super) fn at_counter(&self, counter: &Counter) -> Result<&Ticket, Refusal> {
        let idle = || Refusal::CounterIdle { counter: counter.id.clone() };
        self.ticket(counter.current.ok_or_else(idle)?).ok_or_else(idle)
    }

    pub(super) fn called_at(&self, counter: &CounterId) -> Result<&Ticket, Refusal> {
        let ticket = self.at_counter(self.known_counter(counter)?)?;
        self.in_state(ticket.id, "called", |state| matches!(state, TicketState::Called { .. }))
    }

    pub(super) fn in_state(
        &self,
        id: TicketId,
        needed: &str,
        good: impl Fn(&TicketState) -> bool,
    ) -> Result<&Ticket, Refusal> {
        let ticket = self.ticket(id).ok_or(Refusal::TicketUnknown { ticket: id })?;
        if good(&ticket.state) {
            return Ok(ticket);
        }
        Err(not_in_state(ticket, needed))
    }

    pub(super) fn check_class(class: Option<&ClassId>, service: &ServiceConfig) -> Result<(), Refusal> {
        match class.filter(|class| service.class(class).is_none()) {
            Some(class) => Err(invalid("class", &format!("\"{class}\" is not one of \"{}\"", service.id))),
            None => Ok(()),
        }
    }

    pub(super) fn check_wants(&self, wants: Option<&CounterId>, service: &ServiceId) -> Result<(), Refusal> {
        let Some(wants) = wants else { return Ok(()) };
        let counter = self.known_counter(wants)?;
        let declared = self.config.counter(wants).is_some_and(|counter| counter.services.contains(service));
        if declared || counter.services.contains(service) {
            return Ok(());
        }
        Err(invalid("counter", &format!("\"{wants}\" does not serve \"{service}\"")))
    }
}

pub(super) fn about(ticket: TicketId, event: Event) -> (Vec<Event>, Outcome) {
    (vec![event], Outcome::Ticket { ticket })
}

pub(super) fn not_in_state(ticket: &Ticket, needed: &str) -> Refusal {
    let (state, needed) = (ticket.state.name().to_owned(), needed.to_owned());
    Refusal::TicketNotInState { ticket: ticket.id, state, needed }
}

pub(super) fn invalid(field: &str, problem: &str) -> Refusal {
    Refusal::ValueInvalid { field: field.to_owned(), problem: problem.to_owned() }
}

pub(super) fn check_reason(field: &str, text: &str) -> Result<(), Refusal> {
    check_text(field, text, REASON_CHARS_MAX)
}

pub(super) fn check_visitor(visitor: &Visitor) -> Result<(), Refusal> {
    let given = [("name", &visitor.name), ("phone", &visitor.phone), ("visitor", &visitor.reference)];
    given.into_iter().filter_map(|(field, text)| Some((field, text.as_deref()?))).try_for_each(|(field, text)| {
        check_text(field, text, if field == "name" { NAME_CHARS_MAX } else { REASON_CHARS_MAX })
    })
}

pub(super) fn check_text(field: &str, text: &str, chars_max: usize) -> Result<(), Refusal> {
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
