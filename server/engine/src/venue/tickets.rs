//! A day's tickets, by number of order.
//!
//! A server keeps all of them until its day ends. Whoever only follows a history ([`crate::replay`]) may take out those
//! whose visits are over: their places stay, eight bytes each.

use serde::{Serialize, Serializer};

use crate::ticket::Ticket;

/// The tickets of a day, each at the place of its number of order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Tickets(Vec<Option<Box<Ticket>>>);

impl Tickets {
    /// How many the day has had, taken out or not.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn push(&mut self, ticket: Ticket) {
        self.0.push(Some(Box::new(ticket)));
    }

    pub(super) fn get(&self, at: usize) -> Option<&Ticket> {
        self.0.get(at)?.as_deref()
    }

    pub(super) fn get_mut(&mut self, at: usize) -> Option<&mut Ticket> {
        self.0.get_mut(at)?.as_deref_mut()
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Ticket> {
        self.0.iter().filter_map(Option::as_deref)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Ticket> {
        self.0.iter_mut().filter_map(Option::as_deref_mut)
    }

    /// Whether there was a ticket at this place that was taken out.
    pub(super) fn is_out(&self, at: usize) -> bool {
        self.0.get(at).is_some_and(Option::is_none)
    }

    pub(super) fn take_out(&mut self, at: usize) -> Option<Ticket> {
        self.0.get_mut(at)?.take().map(|ticket| *ticket)
    }

    pub(super) fn put_back(&mut self, at: usize, ticket: Ticket) {
        if let Some(place) = self.0.get_mut(at) {
            *place = Some(Box::new(ticket));
        }
    }
}

impl Serialize for Tickets {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter())
    }
}
