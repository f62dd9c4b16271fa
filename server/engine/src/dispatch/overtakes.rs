//! Who was called before whom: nobody is overtaken without end (R3).

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::ids::{CounterId, TicketId};
use crate::time::Timestamp;

/// When somebody's wait began, and whose. Whoever waits since before such a moment was overtaken by that call.
pub(super) type Since = (Timestamp, TicketId);

/// The calls of a day, except those by precedence, sorted by the beginning of the wait they ended.
///
/// Kept twice: for those who want no counter in particular every call counts; for those who want one, the
/// calls of that counter, as the others could not have called them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(super) struct Overtakes {
    all: Vec<Since>,
    of_counter: BTreeMap<CounterId, Vec<Since>>,
}

impl Overtakes {
    /// Records a call by one of these counters.
    pub(super) fn add<'c>(&mut self, counters: impl IntoIterator<Item = &'c CounterId>, called: Since) {
        insert(&mut self.all, called);
        for counter in counters {
            match self.of_counter.get_mut(counter) {
                Some(calls) => insert(calls, called),
                None => drop(self.of_counter.insert(counter.clone(), vec![called])),
            }
        }
    }

    /// Forgets a call that was taken back.
    pub(super) fn remove(&mut self, counter: &CounterId, called: Since) {
        let of_counter = self.of_counter.get_mut(counter);
        for calls in std::iter::once(&mut self.all).chain(of_counter) {
            if let Ok(at) = calls.binary_search(&called) {
                calls.remove(at);
            }
        }
    }

    /// Takes the calls of these tickets out, and shows each with its counter.
    pub(super) fn take_out(&mut self, of: &BTreeSet<TicketId>, mut show: impl FnMut(&CounterId, Since)) {
        self.all.retain(|(_, ticket)| !of.contains(ticket));
        for (counter, calls) in &mut self.of_counter {
            calls.extract_if(.., |(_, ticket)| of.contains(ticket)).for_each(|call| show(counter, call));
        }
    }

    /// How often somebody whose wait began later was called before this one, who wants this counter or none.
    pub(super) fn of(&self, wants: Option<&CounterId>, waiting: Since) -> u32 {
        let calls = match wants {
            None => Some(&self.all),
            Some(counter) => self.of_counter.get(counter),
        };
        let later = calls.map_or(0, |calls| calls.len() - calls.partition_point(|called| *called <= waiting));
        u32::try_from(later).unwrap_or(u32::MAX)
    }
}

fn insert(calls: &mut Vec<Since>, called: Since) {
    // Calls come roughly in the order of arrival, so this is an insertion near the end.
    let at = calls.partition_point(|other| *other < called);
    calls.insert(at, called);
}
