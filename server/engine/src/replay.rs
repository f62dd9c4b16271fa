//! Follows a day that is written already, with no more of it at hand than is still going on.
//!
//! A venue remembers every ticket of its day. Whoever plays a day again, to see what became of it, need not: a ticket
//! whose visit is over is handed out as soon as nobody can take its end back any more, with what the queues had kept of
//! it, and the caller keeps it elsewhere. Should the history come back to it all the same, it is given back first. What
//! is left of the value in the end and everything that was handed out are the day's state, whole.
//!
//! A venue with gaps would judge wrongly, so none leaves this file: events say what was judged.

use std::collections::{BTreeSet, VecDeque};

use crate::event::{Change, Event};
use crate::ids::{Seq, TicketId};
use crate::venue::Venue;

pub use crate::venue::{Retired, RetiredCall};

/// A day that is followed.
#[derive(Debug, Clone)]
pub struct Replay {
    venue: Venue,
    /// Which tickets the latest changes were about.
    touched: VecDeque<(Seq, TicketId)>,
}

impl Replay {
    /// From this value on, which has no gaps.
    pub fn new(venue: Venue) -> Self {
        Self { venue, touched: VecDeque::new() }
    }

    /// The value, for looking at what is going on.
    pub fn venue(&self) -> &Venue {
        &self.venue
    }

    /// How many tickets are at hand.
    pub fn held(&self) -> usize {
        self.venue.held()
    }

    /// The first change that could still be taken back; of those before it, none.
    pub fn settled_before(&self) -> Seq {
        self.venue.settled_before()
    }

    /// What was handed out and must be given back before this change is applied.
    pub fn needs(&self, change: &Change) -> BTreeSet<TicketId> {
        change.events.iter().flat_map(Event::tickets).copied().filter(|id| self.venue.is_out(*id)).collect()
    }

    /// Takes back what was handed out.
    pub fn give_back(&mut self, retired: Retired) {
        self.venue.give_back(retired);
    }

    /// Records the next change.
    pub fn apply(&mut self, change: &Change) {
        self.venue.apply(change);
        let touched = change.events.iter().flat_map(Event::tickets);
        self.touched.extend(touched.map(|ticket| (change.seq, *ticket)));
    }

    /// Hands out the tickets whose visits are over for good. It walks through all that the queues remember: worth it
    /// every thousand changes or so.
    pub fn retire(&mut self) -> Vec<Retired> {
        let settled = self.touched.partition_point(|(seq, _)| *seq < self.venue.settled_before());
        // Whoever is not over yet is touched once more.
        let ids = self.touched.drain(..settled).map(|(_, ticket)| ticket).collect();
        self.venue.retire(ids)
    }

    /// Hands out every ticket that is at hand, over or not, at the end of the history.
    pub fn retire_all(&mut self) -> Vec<Retired> {
        self.venue.retire_all()
    }
}
