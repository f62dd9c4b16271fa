//! What a venue does with a called ticket when the counter does nothing: recalls it, marks it missed (C1).

use crate::config::Miss;
use crate::event::Event;
use crate::ticket::{Ticket, TicketState};
use crate::time::{Millis, Timestamp};
use crate::venue::Venue;

impl Venue {
    /// When the next of the called tickets is recalled or missed by itself.
    pub(super) fn next_unattended(&self) -> Option<Timestamp> {
        self.unattended().map(|(at, _)| at).min()
    }

    /// The recalls and misses that are due.
    pub(super) fn unattended_by(&self, now: Timestamp) -> impl Iterator<Item = Event> + '_ {
        self.unattended().filter(move |(at, _)| *at <= now).map(|(_, event)| event)
    }

    fn unattended(&self) -> impl Iterator<Item = (Timestamp, Event)> + '_ {
        let here = self.counters.values().filter_map(|counter| self.ticket(counter.current?));
        here.filter_map(|ticket| self.left_alone(ticket))
    }

    fn left_alone(&self, ticket: &Ticket) -> Option<(Timestamp, Event)> {
        let policy = &self.config.service(&ticket.service)?.policy;
        let called_at = ticket.called_at.filter(|_| matches!(ticket.state, TicketState::Called { .. }))?;
        if ticket.recalls < policy.recalls_min {
            let every = Millis::from_secs(policy.recall_every_s.into());
            return (every > Millis::ZERO).then(|| (called_at + every, Event::TicketRecalled { ticket: ticket.id }));
        }
        if policy.miss == Miss::ByHand {
            return None;
        }
        // Never before the person's own slot.
        let at = ticket.slot.map_or(called_at + policy.grace(), |slot| slot.start.max(called_at + policy.grace()));
        Some((at, Event::TicketMissed { ticket: ticket.id, is_final: ticket.misses + 1 >= policy.misses_max }))
    }
}
