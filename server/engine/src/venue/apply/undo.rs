//! Recording that a change was taken back.

use crate::appointment::AppointmentState;
use crate::config::LOAD_MEAN;
use crate::counter::Counter;
use crate::dispatch::{Inside, Place, Taken};
use crate::event::Rule;
use crate::ids::{CounterId, Seq, TicketId};
use crate::ticket::{Ticket, TicketState};
use crate::time::Timestamp;
use crate::venue::Venue;
use crate::venue::trail::TicketImage;

impl Venue {
    pub(super) fn undo(&mut self, seq: Seq, at: Timestamp) {
        let Some(step) = self.trail.take(seq) else { return };
        let calls = step.before.tickets.values().flatten().filter_map(|image| image.call.as_ref());
        let charged: Vec<CounterId> = calls.filter(|(_, rule)| takes_a_turn(*rule)).map(|(id, _)| id.clone()).collect();
        // In the order in which they stood ready, or a later one would take an earlier one's place.
        let images = step.before.tickets.into_iter().filter_map(|(id, image)| Some((id, *image?)));
        let mut images: Vec<(TicketId, TicketImage)> = images.collect();
        images.sort_by_key(|(_, image)| image.ready_at);
        for (id, image) in images {
            match image.ticket {
                Some(before) => self.restore(before, image.ready_at, image.inside, image.call, step.at),
                None => self.unissue(id, at),
            }
        }
        for (id, before) in step.before.counters {
            // Turns that others had in the meantime are not given back, but for the one of this call.
            let kept = self.counters.get(&id).filter(|_| !charged.contains(&id)).map(|counter| counter.cycle.clone());
            let cycle = kept.unwrap_or_else(|| before.cycle.clone());
            self.counters.insert(id, Counter { cycle, ..before });
        }
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
        inside: Option<Inside>,
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
                let taken = Taken { ticket: id, place: &place, counter, rule: *rule, at: called_at, load: LOAD_MEAN };
                queue.untake(&taken, inside.as_ref());
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
        if let Some(inside) = inside {
            // Where they were, even if somebody else was sent there since.
            return self.with_queue(id, |queue, ticket, place, _| {
                queue.unfile(ticket.id, place);
                queue.put_inside(inside);
            });
        }
        self.put_ready(id, if chosen { Some(0) } else { ready_at });
    }
}

/// Whether a call by this rule is charged to the counter's cycle when it is made.
fn takes_a_turn(rule: Rule) -> bool {
    match rule {
        Rule::Overdue | Rule::Ready | Rule::Rejoin | Rule::Cycle | Rule::Early => true,
        Rule::Urgent | Rule::Inside | Rule::ByHand => false,
    }
}
