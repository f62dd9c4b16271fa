//! A set of tickets that is asked often.

use std::collections::BTreeMap;

use crate::ids::TicketId;

/// Marked tickets. Their names are counted up, so those of one queue share few words of 64.
#[derive(Debug, Default)]
pub(super) struct Marks(BTreeMap<u64, u64>);

impl Marks {
    pub(super) fn add(&mut self, ticket: TicketId) {
        *self.0.entry(ticket.0 / 64).or_default() |= 1 << (ticket.0 % 64);
    }

    pub(super) fn has(&self, ticket: TicketId) -> bool {
        self.0.get(&(ticket.0 / 64)).is_some_and(|word| word & (1 << (ticket.0 % 64)) != 0)
    }
}

impl FromIterator<TicketId> for Marks {
    fn from_iter<I: IntoIterator<Item = TicketId>>(tickets: I) -> Self {
        let mut marks = Self::default();
        tickets.into_iter().for_each(|ticket| marks.add(ticket));
        marks
    }
}
