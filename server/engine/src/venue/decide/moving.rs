//! Judging moves from one queue to another.

use std::sync::Arc;

use crate::event::Event;
use crate::ids::{CounterId, ServiceId, TicketId};
use crate::lane::Lane;
use crate::ticket::{TicketState, Urgency};
use crate::venue::Venue;
use crate::venue::decide::Decided;
use crate::venue::decide::known::{about, check_reason, invalid};

impl Venue {
    pub(super) fn decide_transfer(
        &self,
        ticket: TicketId,
        service: &ServiceId,
        reason: &Arc<str>,
        wants: Option<&CounterId>,
        urgency: Option<Urgency>,
    ) -> Decided {
        let ticket = self.in_state(ticket, "here", TicketState::is_here)?;
        self.known_service(service)?;
        self.check_wants(wants, service)?;
        check_reason("reason", reason)?;
        if ticket.service == *service && ticket.wants.as_ref() == wants {
            return Err(invalid("service", "is where the ticket already is"));
        }
        self.takes_new(service, wants)?;
        // R7: a first visit there. To another counter of the same service is no other visit.
        let lane = if ticket.service == *service { ticket.lane } else { Lane::Referral };
        let event = Event::TicketTransferred {
            ticket: ticket.id,
            service: service.clone(),
            lane,
            reason: reason.clone(),
            wants: wants.cloned(),
        };
        let (mut events, outcome) = about(ticket.id, event);
        let (id, reason) = (ticket.id, reason.clone());
        events.extend(urgency.map(|urgency| Event::GreenChannelGranted { ticket: id, urgency, reason, code: None }));
        Ok((events, outcome))
    }
}
