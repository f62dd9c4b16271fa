//! A set of tickets that is asked often.

use crate::ids::TicketId;

/// Tickets, as bits: those of a queue were numbered one after the other, so that they stand close together.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// The first word's place among all words.
    first: u64,
    words: Vec<u64>,
}

impl Marks {
    pub(super) fn add(&mut self, ticket: TicketId) {
        let word = ticket.0 / 64;
        if self.words.is_empty() {
            self.first = word;
        }
        if word < self.first {
            let missing = usize::try_from(self.first - word).unwrap_or(usize::MAX);
            self.words.splice(..0, std::iter::repeat_n(0, missing));
            self.first = word;
        }
        let at = usize::try_from(word - self.first).unwrap_or(usize::MAX);
        if self.words.len() <= at {
            self.words.resize(at + 1, 0);
        }
        if let Some(word) = self.words.get_mut(at) {
            *word |= 1 << (ticket.0 % 64);
        }
    }

    pub(super) fn has(&self, ticket: TicketId) -> bool {
        let at = (ticket.0 / 64).checked_sub(self.first).and_then(|at| usize::try_from(at).ok());
        at.and_then(|at| self.words.get(at)).is_some_and(|word| word & (1 << (ticket.0 % 64)) != 0)
    }
}

impl FromIterator<TicketId> for Marks {
    fn from_iter<I: IntoIterator<Item = TicketId>>(tickets: I) -> Self {
        let mut marks = Self::default();
        tickets.into_iter().for_each(|ticket| marks.add(ticket));
        marks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_those_are_in_it_that_were_added() {
        let tickets = [700, 64, 63, 1_000_000, 65, 699, 0];
        let mut marks = Marks::default();
        for (nth, ticket) in tickets.into_iter().enumerate() {
            assert!(!marks.has(TicketId(ticket)));
            marks.add(TicketId(ticket));
            assert!(tickets[..=nth].iter().all(|ticket| marks.has(TicketId(*ticket))));
        }
        let others = (0..2_000).filter(|ticket| !tickets.contains(ticket));
        assert!(others.chain([999_999, u64::MAX]).all(|ticket| !marks.has(TicketId(ticket))));
    }
}
