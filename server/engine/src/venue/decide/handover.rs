//! Judging what goes to another venue and what comes from one (R6, R7).

use std::sync::Arc;

use crate::command::{Actor, Sending};
use crate::event::Event;
use crate::handover::{Arrival, Delivery, Guest, OUTBOX_MAX, Parcel, STOPS_MAX, Stop, TransferKey};
use crate::ids::{CounterId, ServiceId, TicketNumber};
use crate::refusal::Refusal;
use crate::ticket::{Grant, Ticket, TicketState};
use crate::time::Timestamp;
use crate::venue::decide::Decided;
use crate::venue::decide::known::{check_reason, invalid};
use crate::venue::{Outcome, TICKETS_MAX, Venue};

impl Venue {
    /// The first half: the ticket leaves its queue, and is nobody's to change until it is known what came of it.
    /// Whether the other venue has such a service is that venue's to say.
    pub(super) fn decide_send(&self, sending: &Sending, by: &Actor, now: Timestamp) -> Decided {
        let ticket = self.in_state(sending.ticket, "here", TicketState::is_here)?;
        check_reason("reason", &sending.reason)?;
        if sending.venue == self.config.id {
            return Err(invalid("venue", "is this one: transfer to the service instead"));
        }
        if self.handovers.sent().len() >= OUTBOX_MAX {
            return Err(Refusal::VenueFull { limit: u32::try_from(OUTBOX_MAX).unwrap_or(u32::MAX) });
        }
        let mut granted = None;
        let mut grant = ticket.grant.clone();
        if let Some(urgency) = sending.urgency {
            let reason = sending.reason.clone();
            granted =
                Some(Event::GreenChannelGranted { ticket: ticket.id, urgency, reason: reason.clone(), code: None });
            grant = Some(Grant { urgency, reason, code: None, by: by.clone(), at: now });
        }
        let parcel = Parcel {
            from: self.config.id.clone(),
            transfer: TransferKey { at: now, seq: self.seq.next() },
            service: sending.service.clone(),
            wants: sending.wants.clone(),
            visitor: ticket.visitor.clone(),
            slot: ticket.slot,
            issued_at: ticket.issued_at,
            queued_at: ticket.queued_at,
            grant,
            misses: ticket.misses,
            guest: self.leaving(ticket, sending, by, now),
        };
        let sent = Event::TicketSent { ticket: ticket.id, to: sending.venue.clone(), parcel: Box::new(parcel) };
        Ok(([Some(sent), granted].into_iter().flatten().collect(), Outcome::Ticket { ticket: ticket.id }))
    }

    fn leaving(&self, ticket: &Ticket, sending: &Sending, by: &Actor, now: Timestamp) -> Guest {
        let mut guest = ticket.guest.as_deref().cloned().unwrap_or_else(|| Guest {
            home: self.config.id.clone(),
            day: self.day.date,
            ticket: ticket.id,
            number: ticket.number.clone(),
            count: ticket.count,
            mark: self.config.mark().into(),
            stops: Vec::new(),
        });
        let (venue, service) = (self.config.id.clone(), ticket.service.clone());
        guest.stops.push(Stop { venue, service, at: now, reason: sending.reason.clone(), by: by.clone() });
        if guest.stops.len() > STOPS_MAX {
            guest.stops.remove(0);
        }
        guest
    }

    /// The second half. The answer is for good: a parcel that was declined once is never taken in later, or it
    /// would be here and back there.
    pub(super) fn decide_receive(&self, delivery: &Delivery) -> Decided {
        let parcel = &delivery.parcel;
        if delivery.to != self.config.id {
            return Err(invalid("venue", "is another"));
        }
        if let Some(came) = self.handovers.answer(&parcel.from, parcel.transfer) {
            return Ok((Vec::new(), Outcome::Arrival { came }));
        }
        let (transfer, settled_below) = (parcel.transfer, delivery.settled_below);
        match self.takes_in(parcel) {
            Ok(()) => {
                let ticket = self.next_id();
                let number = self.number_of_guest(&parcel.guest);
                let event = Event::TicketReceived { ticket, number, parcel: Box::new(parcel.clone()), settled_below };
                Ok((vec![event], Outcome::Arrival { came: Arrival::Arrived { ticket } }))
            }
            Err(refusal) => {
                let code: Arc<str> = refusal.code().into();
                let from = parcel.from.clone();
                let event = Event::ParcelDeclined { from, transfer, settled_below, code: code.clone() };
                Ok((vec![event], Outcome::Arrival { came: Arrival::Declined { code } }))
            }
        }
    }

    fn takes_in(&self, parcel: &Parcel) -> Result<(), Refusal> {
        // Whoever still waited when the day ended has gone home.
        if parcel.transfer.at < self.day.start {
            return Err(Refusal::DayOver);
        }
        self.can_join(&parcel.service, parcel.wants.as_ref())
    }

    /// Whether somebody can come here from another venue to wait for this: asked before they are sent, and again
    /// when they come (R6).
    pub fn can_join(&self, service: &ServiceId, wants: Option<&CounterId>) -> Result<(), Refusal> {
        self.known_service(service)?;
        self.check_wants(wants, service)?;
        self.takes_new(service, wants)?;
        if self.tickets.len() >= usize::try_from(TICKETS_MAX).unwrap_or(usize::MAX) {
            return Err(Refusal::VenueFull { limit: TICKETS_MAX });
        }
        Ok(())
    }

    /// A guest keeps the number on its paper, unless that is or may become a number of this venue's own: then it
    /// begins with the mark of the venue that gave it. Who was here before has the old number again.
    fn number_of_guest(&self, guest: &Guest) -> TicketNumber {
        if guest.home == self.config.id && guest.day == self.day.date {
            return guest.number.clone();
        }
        let taken = |number: &TicketNumber| {
            let left = |ticket: &Ticket| {
                ticket.state.is_over() && ticket.guest.as_deref().is_some_and(|known| known.is_same_visit(guest))
            };
            self.may_be_own(number) || self.tickets.iter().any(|ticket| ticket.number == *number && !left(ticket))
        };
        let marked = format!("{}-{}", guest.mark, guest.number);
        let again = (2_u32..).map(|n| TicketNumber(format!("{marked}-{n}").into()));
        let candidates = [guest.number.clone(), TicketNumber(marked.as_str().into())].into_iter().chain(again);
        candidates.into_iter().find(|number| !taken(number)).unwrap_or_else(|| guest.number.clone())
    }

    /// Whether a number has the form of those given here.
    fn may_be_own(&self, number: &TicketNumber) -> bool {
        let digits = |rest: &str| rest.bytes().all(|byte| byte.is_ascii_digit());
        self.config.services.iter().any(|own| number.0.strip_prefix(own.prefix.as_str()).is_some_and(digits))
    }

    /// The end: it is gone, or back.
    pub(super) fn decide_settle(&self, transfer: TransferKey, came: &Arrival) -> Decided {
        // Told twice, or of a history this venue no longer has.
        let sent = self.handovers.find(transfer).ok_or(Refusal::TransferUnknown)?;
        let event = Event::TransferSettled { ticket: sent.ticket, transfer, came: came.clone() };
        Ok((vec![event], Outcome::Done))
    }
}
