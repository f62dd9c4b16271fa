//! Where everybody stands at one moment: each service's projection, run once for all who ask before something changes.
//!
//! A call asks for the consoles, and for every open phone; so does everybody who takes a number, for its card. A crowd
//! that takes numbers at one time would go through the whole queue once each.

use std::collections::BTreeMap;

use callnext_engine::ticket::Ticket;
use callnext_engine::{Millis, ServiceId, TicketId, TicketState, Timestamp, Venue};

use super::publication::Facts;
use super::view::{self, Orders, Turn};

/// How long it may be asked while nothing changes: waits are told in whole minutes.
const ASKED_FOR: Millis = Millis(1_000);

/// Where everybody stands at one moment.
#[derive(Debug)]
pub(super) struct Standing {
    at: Timestamp,
    orders: Orders,
    /// By service, sorted by ticket.
    turns: BTreeMap<ServiceId, Vec<(TicketId, Turn)>>,
}

impl Standing {
    /// Nobody has asked yet.
    pub(super) fn new(at: Timestamp) -> Self {
        Self { at, orders: Orders::new(), turns: BTreeMap::new() }
    }

    /// Whether it still holds, if nothing changed.
    pub(super) fn holds(&self, now: Timestamp) -> bool {
        (self.at..self.at + ASKED_FOR).contains(&now)
    }

    /// Everybody, by service.
    pub(super) fn orders(&mut self, venue: &Venue) -> &Orders {
        for service in &venue.config().services {
            self.order(venue, &service.id);
        }
        &self.orders
    }

    fn order(&mut self, venue: &Venue, service: &ServiceId) -> &[TicketId] {
        if !self.orders.contains_key(service) {
            self.orders.insert(service.clone(), view::order(venue, service, self.at));
        }
        self.orders.get(service).map_or(&[], Vec::as_slice)
    }

    fn turns(&mut self, venue: &Venue, service: &ServiceId) -> &[(TicketId, Turn)] {
        if !self.turns.contains_key(service) {
            let order = self.order(venue, service).iter().copied();
            let mut turns: Vec<(TicketId, Turn)> = view::turns(venue, service, order).collect();
            turns.sort_unstable_by_key(|(id, _)| *id);
            self.turns.insert(service.clone(), turns);
        }
        self.turns.get(service).map_or(&[], Vec::as_slice)
    }

    /// The facts of one ticket, over or not.
    pub(super) fn facts(&mut self, venue: &Venue, ticket: &Ticket) -> Facts {
        let turn = (ticket.state == TicketState::Waiting).then(|| {
            let turns = self.turns(venue, &ticket.service);
            let at = turns.binary_search_by_key(&ticket.id, |(id, _)| *id).ok()?;
            turns.get(at).map(|(_, turn)| *turn)
        });
        view::facts(venue, ticket, turn.flatten())
    }

    /// The facts of these tickets, in their order, as far as their visits are not over.
    pub(super) fn facts_of(&mut self, venue: &Venue, tickets: &[TicketId]) -> BTreeMap<TicketId, Facts> {
        if tickets.is_empty() {
            return BTreeMap::new();
        }
        for service in &venue.config().services {
            self.turns(venue, &service.id);
        }
        let mut turns: Vec<(TicketId, Turn)> = self.turns.values().flatten().copied().collect();
        turns.sort_by_key(|(id, _)| *id);
        // Sorted by ticket, as those asked for are: both are walked side by side.
        let mut turns = turns.into_iter().peekable();
        let live = tickets.iter().filter_map(|id| venue.ticket(*id)).filter(|ticket| !ticket.state.is_over());
        let facts = live.map(|ticket| {
            while turns.next_if(|(id, _)| *id < ticket.id).is_some() {}
            let turn = turns.next_if(|(id, _)| *id == ticket.id).map(|(_, turn)| turn);
            (ticket.id, view::facts(venue, ticket, turn))
        });
        facts.collect()
    }
}
