//! Recording moves: to another venue and from one, out of what was closed, from step to step.

use crate::closure::{Closable, Closure, Destination, InForce};
use crate::command::Actor;
use crate::event::Event;
use crate::handover::{Arrival, Parcel, Sent, TransferKey};
use crate::ids::{CounterId, ServiceId, TicketId, TicketNumber, VenueId};
use crate::joining::Joining;
use crate::lane::Lane;
use crate::ticket::{Note, Ticket, TicketState};
use crate::time::Timestamp;
use crate::venue::Venue;

impl Venue {
    pub(super) fn moves(&mut self, event: &Event, at: Timestamp, by: &Actor) {
        match event {
            Event::TicketTransferred { ticket, service, lane, wants, .. } => {
                self.wait_elsewhere(*ticket, service, *lane, wants.as_ref(), at, |_| {});
            }
            Event::StepCompleted { ticket, service, lane, wants } => {
                self.wait_elsewhere(*ticket, service, *lane, wants.as_ref(), at, |ticket| {
                    ticket.queued_at = at;
                    ticket.steps_done += 1;
                    take_first_step(ticket);
                });
            }
            Event::StepSkipped { ticket, service, lane, wants, .. } => {
                self.wait_elsewhere(*ticket, service, *lane, wants.as_ref(), at, take_first_step);
            }
            Event::StepsSet { ticket, steps, .. } => {
                if let Some(ticket) = self.ticket_mut(*ticket) {
                    ticket.steps.clone_from(steps);
                }
            }
            Event::TicketSent { ticket, to, parcel } => self.send(*ticket, to, parcel),
            Event::TicketReceived { ticket, number, parcel, settled_below } => {
                let came = Arrival::Arrived { ticket: *ticket };
                self.handovers.remember(&parcel.from, parcel.transfer, *settled_below, came);
                self.receive(*ticket, number, parcel, at);
            }
            Event::ParcelDeclined { from, transfer, settled_below, code } => {
                let came = Arrival::Declined { code: code.clone() };
                self.handovers.remember(from, *transfer, *settled_below, came);
            }
            Event::TransferSettled { transfer, came, .. } => self.settle(*transfer, came, at),
            Event::Closed { closure, tickets } => self.close(closure, tickets, at, by),
            Event::Reopened { closed } => {
                self.closures.remove(closed);
            }
            _ => {}
        }
    }

    fn wait_elsewhere(
        &mut self,
        id: TicketId,
        service: &ServiceId,
        lane: Lane,
        wants: Option<&CounterId>,
        at: Timestamp,
        also: impl FnOnce(&mut Ticket),
    ) {
        self.leave_counter(id);
        self.update(id, |ticket| {
            if ticket.service != *service {
                // It counted turns of the queue it leaves.
                ticket.joining = None;
            }
            ticket.service = service.clone();
            ticket.lane = lane;
            ticket.wants = wants.cloned();
            ticket.state = TicketState::Waiting;
            ticket.joined_at = at;
            ticket.note = None;
            also(ticket);
        });
    }

    fn send(&mut self, id: TicketId, to: &VenueId, parcel: &Parcel) {
        let was = match self.ticket(id).map(|ticket| &ticket.state) {
            Some(TicketState::Held) => TicketState::Held,
            Some(TicketState::Missed) => TicketState::Missed,
            // Whoever was at a counter has lost it meanwhile.
            _ => TicketState::Waiting,
        };
        self.handovers.send(Sent { ticket: id, to: to.clone(), parcel: parcel.clone(), was });
        self.leave_counter(id);
        self.update(id, |ticket| ticket.state = TicketState::Transferring { to: to.clone() });
    }

    fn settle(&mut self, transfer: TransferKey, came: &Arrival, at: Timestamp) {
        let Some(sent) = self.handovers.settle(transfer) else { return };
        let (to, id) = (sent.to, sent.ticket);
        // Its day may be over, and with it the ticket.
        if !self.ticket(id).is_some_and(|ticket| matches!(ticket.state, TicketState::Transferring { .. })) {
            return;
        }
        match came {
            Arrival::Arrived { ticket } => self.end(id, TicketState::Transferred { to, arrived: Some(*ticket) }, at),
            Arrival::Settled => self.end(id, TicketState::Transferred { to, arrived: None }, at),
            Arrival::Declined { code } => self.update(id, |ticket| {
                ticket.state = sent.was;
                // Its order in the lane is the old one; whoever was called meanwhile did not overtake it.
                ticket.joined_at = at;
                ticket.note = Some(Note::TurnedBack { venue: to, code: code.clone() });
            }),
        }
    }

    fn receive(&mut self, id: TicketId, number: &TicketNumber, parcel: &Parcel, at: Timestamp) {
        let parcel = parcel.clone();
        self.next_ticket = id.next();
        self.tickets.push(Ticket {
            id,
            number: number.clone(),
            count: parcel.guest.count,
            service: parcel.service,
            // R7: a first visit here.
            lane: Lane::Referral,
            state: TicketState::Waiting,
            visitor: parcel.visitor,
            slot: parcel.slot,
            appointment: None,
            overflow: None,
            wants: parcel.wants,
            slot_of: None,
            joining: None,
            grant: parcel.grant,
            issued_at: parcel.issued_at.min(at),
            // Two clocks may differ: nobody has waited since later than now.
            queued_at: parcel.queued_at.min(at),
            joined_at: at,
            called_at: None,
            rule: None,
            started_at: None,
            ended_at: None,
            recalls: 0,
            misses: parcel.misses,
            announced: None,
            steps: Vec::new(),
            steps_done: 0,
            note: None,
            guest: Some(Box::new(parcel.guest)),
            place: None,
        });
        self.update(id, |_| {});
    }

    fn close(&mut self, closure: &Closure, tickets: &[TicketId], at: Timestamp, by: &Actor) {
        let (what, since) = (closure.closed.clone(), at);
        self.closures.insert(what.clone(), InForce { closure: closure.clone(), by: by.clone(), since });
        let Some(to) = &closure.to else { return };
        for id in tickets {
            self.move_with_place(*id, &what, to, at);
        }
    }

    /// Into another queue, in the lane and the order in which it stood. Whoever was told to get ready is told anew
    /// there: others may stand ready already.
    fn move_with_place(&mut self, id: TicketId, what: &Closable, to: &Destination, at: Timestamp) {
        let Some(before) = self.ticket(id).cloned() else { return };
        let into = to.service.clone().unwrap_or_else(|| before.service.clone());
        let leaves = before.service != into;
        let by_calls = matches!(before.joining, Some(Joining::AfterCalls { .. } | Joining::PerCalls));
        let same_order = self.order_of(&before.service) == self.order_of(&into) && !(leaves && by_calls);
        self.update(id, |ticket| {
            if leaves && by_calls {
                ticket.joining = None;
            }
            ticket.service = into;
            ticket.wants.clone_from(&to.wants);
            ticket.joined_at = at;
            ticket.note = Some(Note::Moved { closed: what.clone() });
        });
        // Who let others go first still does.
        let Some(order) = before.place.filter(|_| same_order).map(|place| place.order) else { return };
        self.unfile(id);
        if let Some(place) = self.ticket_mut(id).and_then(|ticket| ticket.place.as_mut()) {
            place.order = order;
        }
        self.with_queue(id, |queue, ticket, place, _| queue.file(ticket.id, place));
    }

    fn order_of(&self, service: &ServiceId) -> Option<crate::config::OrderInLane> {
        self.config.service(service).map(|service| service.policy.order)
    }
}

fn take_first_step(ticket: &mut Ticket) {
    if !ticket.steps.is_empty() {
        ticket.steps.remove(0);
    }
}
