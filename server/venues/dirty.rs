//! What changed since the last publication, and the rows consoles need for it.

use std::collections::{BTreeMap, BTreeSet};

use callnext_engine::{Event, TicketId, Timestamp, Venue};

use super::publication::Facts;
use super::view;
use crate::wire;

/// What changed since the last publication.
#[derive(Debug, Default)]
pub(super) struct Dirty {
    pub(super) any: bool,
    /// Rows would not say it: a new day, another declaration.
    pub(super) all: bool,
    pub(super) appointments: bool,
    pub(super) tickets: BTreeSet<TicketId>,
    /// What the phones of visits that ended show for good: a new day knows these tickets no longer.
    pub(super) over: BTreeMap<TicketId, Facts>,
}

impl Dirty {
    /// Adds what a later change touched.
    pub(super) fn add(&mut self, later: Self) {
        let Self { any, all, appointments, tickets, over } = later;
        self.any |= any;
        self.all |= all;
        self.appointments |= appointments;
        self.tickets.extend(tickets);
        self.over.extend(over);
    }

    /// Notes what an event touched.
    pub(super) fn note(&mut self, event: &Event) {
        match event {
            Event::DayOpened { .. }
            | Event::VenueConfigured { .. }
            | Event::PolicyChanged { .. }
            | Event::AppointmentsSet { .. }
            | Event::SessionClosed { .. } => self.all = true,
            Event::AppointmentsNotShown { .. } => self.appointments = true,
            Event::TicketIssued { ticket, appointment, .. } => {
                self.appointments |= appointment.is_some();
                self.tickets.insert(*ticket);
            }
            Event::TicketCalled { ticket, .. }
            | Event::ServiceCompleted { ticket }
            | Event::TicketMissed { ticket, .. }
            | Event::TicketHeld { ticket, .. }
            | Event::TicketTransferred { ticket, .. }
            | Event::TicketSent { ticket, .. }
            | Event::TransferSettled { ticket, .. }
            | Event::StepCompleted { ticket, .. }
            | Event::StepSkipped { ticket, .. }
            | Event::TicketCancelled { ticket, .. }
            | Event::TicketNotShown { ticket }
            | Event::TicketReadied { ticket, .. }
            | Event::TicketSentInside { ticket, .. }
            | Event::TicketSentBack { ticket }
            | Event::WaitAnnounced { ticket, .. }
            | Event::TicketRecalled { ticket }
            | Event::TicketReceived { ticket, .. }
            | Event::StepsSet { ticket, .. }
            | Event::ServiceStarted { ticket }
            | Event::TicketReturned { ticket }
            | Event::TicketRequeued { ticket, .. }
            | Event::TicketSlotBegan { ticket }
            | Event::GreenChannelGranted { ticket, .. }
            | Event::TicketClassified { ticket, .. }
            | Event::TicketSteppedBack { ticket, .. } => {
                self.tickets.insert(*ticket);
            }
            Event::CounterSet { .. }
            | Event::ChangeUndone { .. }
            | Event::Reopened { .. }
            | Event::ParcelDeclined { .. } => {}
            Event::Closed { tickets, .. } => self.tickets.extend(tickets),
        }
    }
}

/// The rows consoles need after these changes.
pub(super) fn rows(venue: &Venue, orders: &view::Orders, dirty: &Dirty, now: Timestamp) -> wire::Change {
    let tickets = dirty.tickets.iter().filter_map(|id| venue.ticket(*id));
    let (over, live): (Vec<_>, Vec<_>) = tickets.partition(|ticket| ticket.state.is_over());
    let order = |service: &callnext_engine::config::ServiceConfig| {
        view::queue_order(venue, service, orders.get(&service.id).map_or(&[], Vec::as_slice))
    };
    wire::Change {
        services: if dirty.any { venue.config().services.iter().map(order).collect() } else { Vec::new() },
        // Whom a counter will call changes with every queue.
        counters: if dirty.any { view::counter_rows(venue, now) } else { Vec::new() },
        tickets: live.into_iter().map(|ticket| view::ticket_row(venue, ticket)).collect(),
        removed: over.into_iter().map(|ticket| ticket.id.0).collect(),
        appointments: if dirty.appointments { view::appointment_rows(venue) } else { Vec::new() },
        appointments_removed: Vec::new(),
    }
}
