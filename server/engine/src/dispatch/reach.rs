//! Which tickets a counter can call.

use std::collections::BTreeMap;

use crate::counter::Counter;
use crate::ids::{CounterId, ServiceId};

/// Some counters: they can call whoever wants one of them, or no counter in particular.
#[derive(Debug, Clone)]
pub struct Reach<'c>(Counters<'c>);

#[derive(Debug, Clone)]
enum Counters<'c> {
    One(&'c CounterId),
    /// In order.
    Any(Vec<&'c CounterId>),
    Serving {
        service: &'c ServiceId,
        all: &'c BTreeMap<CounterId, Counter>,
        also: Option<&'c CounterId>,
    },
}

impl<'c> Reach<'c> {
    /// What one counter can call.
    pub const fn of(counter: &'c CounterId) -> Self {
        Self(Counters::One(counter))
    }

    /// What some counters can call together.
    pub fn any(counters: impl IntoIterator<Item = &'c CounterId>) -> Self {
        let mut counters: Vec<&CounterId> = counters.into_iter().collect();
        counters.sort_unstable();
        Self(Counters::Any(counters))
    }

    /// What the counters that serve this can call together, and one more as if it did: looked up only for those who want
    /// one.
    pub const fn serving(
        all: &'c BTreeMap<CounterId, Counter>,
        service: &'c ServiceId,
        also: Option<&'c CounterId>,
    ) -> Self {
        Self(Counters::Serving { service, all, also })
    }

    /// Whether it holds tickets that want this counter, or none in particular.
    pub fn holds(&self, wants: Option<&CounterId>) -> bool {
        wants.is_none_or(|counter| match &self.0 {
            Counters::One(one) => *one == counter,
            Counters::Any(counters) => counters.binary_search(&counter).is_ok(),
            Counters::Serving { service, all, also } => {
                *also == Some(counter) || all.get(counter).is_some_and(|counter| counter.serves(service))
            }
        })
    }
}
