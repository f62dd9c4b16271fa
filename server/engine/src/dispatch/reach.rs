//! Which tickets a counter can call.

use std::collections::BTreeSet;

use crate::ids::CounterId;

/// Which tickets can be called: those that want no counter in particular, and those that want one of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach(BTreeSet<CounterId>);

impl Reach {
    /// What one counter can call.
    pub fn of(counter: &CounterId) -> Self {
        Self::any([counter])
    }

    /// What some of these counters can call.
    pub fn any<'c>(counters: impl IntoIterator<Item = &'c CounterId>) -> Self {
        Self(counters.into_iter().cloned().collect())
    }

    /// Whether a ticket that wants this can be called.
    pub fn holds(&self, wants: Option<&CounterId>) -> bool {
        wants.is_none_or(|counter| self.0.contains(counter))
    }

    /// The counters.
    pub fn counters(&self) -> impl Iterator<Item = &CounterId> {
        self.0.iter()
    }
}
