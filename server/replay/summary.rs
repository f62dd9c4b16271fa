//! What a replay did, counted.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// Counts of one replay, from the answers it got.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ReplaySummary {
    /// The venue it was played at.
    pub venue: String,
    /// Numbers given, all ways together.
    pub issued: u32,
    /// Of these, bookings checked in.
    pub checked_in: u32,
    /// Of these, overflow numbers.
    pub overflows: u32,
    /// Calls made.
    pub called: u32,
    /// Calls that found nobody waiting.
    pub found_nobody: u32,
    /// Tickets called again.
    pub recalled: u32,
    /// Tickets called that did not come.
    pub missed: u32,
    /// Of these, tickets that reported again.
    pub requeued: u32,
    /// Tickets sent for tests.
    pub held: u32,
    /// Of these, tickets that came back.
    pub returned: u32,
    /// Services ended.
    pub completed: u32,
    /// Tickets whose holders left.
    pub left: u32,
    /// Green channels granted.
    pub granted: u32,
    /// Cards that waiting phones were sent.
    pub cards: u64,
    /// Refusals, by code.
    pub refused: BTreeMap<String, u32>,
    /// Counters that a person took over.
    pub taken_over: Vec<String>,
    /// The most by which a step was behind its time, real milliseconds: how well the server, and the player, kept up.
    pub late_max_ms: u64,
    /// How long it took, real seconds.
    pub seconds: u64,
}

impl ReplaySummary {
    /// People in the queues, as far as the player's own doing goes.
    pub fn waiting(&self) -> u32 {
        (self.issued + self.requeued + self.returned).saturating_sub(self.called + self.left)
    }
}

impl fmt::Display for ReplaySummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { venue, issued, checked_in, overflows, called, found_nobody, recalled, .. } = self;
        writeln!(f, "{venue}: played in {} s, at most {} ms behind", self.seconds, self.late_max_ms)?;
        writeln!(f, "  {issued} numbers given ({checked_in} booked, {overflows} overflow)")?;
        writeln!(f, "  {called} calls, {recalled} recalls; {found_nobody} calls found nobody waiting")?;
        writeln!(
            f,
            "  {} served, {} missed ({} came back), {} for tests ({} came back), {} left, {} green channel",
            self.completed, self.missed, self.requeued, self.held, self.returned, self.left, self.granted
        )?;
        if !self.refused.is_empty() {
            let refused: Vec<_> = self.refused.iter().map(|(code, count)| format!("{code} {count}")).collect();
            writeln!(f, "  refused: {}", refused.join(", "))?;
        }
        if !self.taken_over.is_empty() {
            writeln!(f, "  left to people: counter {}", self.taken_over.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_counts_everybody_who_came_and_came_back() {
        let summary = ReplaySummary { issued: 10, requeued: 1, returned: 2, called: 8, left: 1, ..Default::default() };
        assert_eq!(summary.waiting(), 4);
    }

    #[test]
    fn refusals_and_yielded_counters_are_shown_only_where_there_are_any() {
        let quiet = ReplaySummary { venue: "hall".to_owned(), ..Default::default() };
        assert!(!quiet.to_string().contains("refused"));
        let refused = [("counter_idle".to_owned(), 2)].into();
        let loud = ReplaySummary { refused, taken_over: vec!["3".to_owned()], ..quiet };
        assert!(loud.to_string().contains("refused: counter_idle 2"));
        assert!(loud.to_string().contains("left to people: counter 3"));
    }
}
