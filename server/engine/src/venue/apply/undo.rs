//! Recording that a change was taken back.

use crate::appointment::AppointmentState;
use crate::dispatch::{Place, Taken};
use crate::event::Rule;
use crate::ids::{CounterId, Seq, TicketId};
use crate::ticket::{Ticket, TicketState};
use crate::time::Timestamp;
use crate::venue::Venue;
use crate::venue::trail::TicketImage;

impl Venue {
    pub(super) fn undo(&mut self, seq: Seq, at: Timestamp) {
        let Some(step) = self.trail.take(seq) else { return };
        // In the order in which they stood ready, or a later one would take an earlier one's place.
        let mut images: Vec<(TicketId, TicketImage)> = step.before.tickets.into_iter().collect();
        images.sort_by_key(|(_, image)| image.ready_at);
        for (id, image) in images {
            match image.ticket {
                Some(before) => self.restore(*before, image.ready_at, image.call, step.at),
                None => self.unissue(id, at),
            }
        }
        self.counters.extend(step.before.counters);
        for (closed, before) in step.before.closures {
            match before {
                Some(closure) => drop(self.closures.insert(closed, closure)),
                None => drop(self.closures.remove(&closed)),
            }
        }
    }

    /// A number once given is not given again: the ticket ends, and what it was given for can have another.
    fn unissue(&mut self, id: TicketId, at: Timestamp) {
        self.end(id, TicketState::Cancelled, at);
        let Some(ticket) = self.ticket(id).cloned() else { return };
        if let Some(booking) = ticket.appointment.and_then(|code| self.appointments.get_mut(&code)) {
            booking.state = AppointmentState::Expected;
        }
        if ticket.overflow.is_some() {
            self.count_overflow(&ticket.service, ticket.issued_at, |count| count.saturating_sub(1));
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
        let cancelled = self.ticket(id).is_some_and(|ticket| ticket.state == TicketState::Cancelled);
        if let (true, Some(slot), Some(service)) = (cancelled, before.slot, &before.slot_of) {
            self.fill_slot(service, slot.start);
        }
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
}
