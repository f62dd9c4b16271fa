//! Judging visits in several steps (G10).

use std::sync::Arc;

use crate::event::Event;
use crate::ids::TicketId;
use crate::lane::Lane;
use crate::refusal::Refusal;
use crate::step::{STEPS_MAX, Step};
use crate::ticket::TicketState;
use crate::venue::Venue;
use crate::venue::decide::Decided;
use crate::venue::decide::known::{about, check_reason, invalid};

impl Venue {
    /// What ends a service at a counter: the visit, or one step of it. The next step is a first visit there, and
    /// its wait begins now, behind those who were there before: the time before was not spent waiting for it.
    pub(super) fn completed(&self, ticket: TicketId) -> Event {
        match self.ticket(ticket).and_then(|ticket| ticket.steps.first()) {
            None => Event::ServiceCompleted { ticket },
            Some(next) => {
                let Step { service, wants } = self.instead_of(&next.service, next.wants.as_ref());
                Event::StepCompleted { ticket, service, lane: Lane::Referral, wants }
            }
        }
    }

    /// Leaves the present step out. The wait goes on: nobody was served.
    pub(super) fn decide_skip_step(&self, ticket: TicketId, reason: &Arc<str>) -> Decided {
        let ticket = self.in_state(ticket, "here", TicketState::is_here)?;
        check_reason("reason", reason)?;
        let next = ticket.steps.first().ok_or(Refusal::NoNextStep { ticket: ticket.id })?;
        let Step { service, wants } = self.instead_of(&next.service, next.wants.as_ref());
        let (id, lane, reason) = (ticket.id, Lane::Referral, reason.clone());
        Ok(about(id, Event::StepSkipped { ticket: id, service, lane, reason, wants }))
    }

    pub(super) fn decide_set_steps(&self, ticket: TicketId, steps: &[Step], reason: &Arc<str>) -> Decided {
        let ticket = self.in_state(ticket, "here", TicketState::is_here)?;
        check_reason("reason", reason)?;
        self.check_steps(steps)?;
        let event = Event::StepsSet { ticket: ticket.id, steps: steps.to_vec(), reason: reason.clone() };
        let (events, outcome) = about(ticket.id, event);
        Ok(if ticket.steps == steps { (Vec::new(), outcome) } else { (events, outcome) })
    }

    pub(super) fn check_steps(&self, steps: &[Step]) -> Result<(), Refusal> {
        if steps.len() > STEPS_MAX {
            return Err(invalid("steps", &format!("are more than {STEPS_MAX}")));
        }
        steps.iter().try_for_each(|step| {
            self.known_service(&step.service)?;
            self.check_wants(step.wants.as_ref(), &step.service)
        })
    }
}
