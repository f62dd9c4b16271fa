//! Leases in memory, for tests: nodes in one process share it as they would share a Redis.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use callnext_engine::VenueId;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::lease::{Holder, LeaseError, Leases, Node, Standing};

/// Leases in memory. Clones share them; each can be cut off by itself.
#[derive(Debug, Clone, Default)]
pub struct MemoryLeases {
    kept: Arc<Mutex<Kept>>,
    cut: Arc<Mutex<bool>>,
}

#[derive(Debug, Default)]
struct Kept {
    nodes: BTreeMap<String, (Node, Instant)>,
    holders: BTreeMap<VenueId, (Holder, Instant)>,
}

impl Kept {
    fn holder(&self, venue: &VenueId, now: Instant) -> Option<&Holder> {
        self.holders.get(venue).filter(|(_, until)| *until > now).map(|(holder, _)| holder)
    }
}

impl MemoryLeases {
    /// The same leases over another line, which can be cut without cutting this one.
    #[must_use]
    pub fn line(&self) -> Self {
        Self { kept: self.kept.clone(), cut: Arc::default() }
    }

    /// Cuts this line, or mends it.
    pub fn cut(&self, cut: bool) {
        *self.cut.lock().unwrap_or_else(PoisonError::into_inner) = cut;
    }

    fn with<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Kept, Instant) -> T,
    ) -> BoxFuture<'static, Result<T, LeaseError>> {
        let answer = if *self.cut.lock().unwrap_or_else(PoisonError::into_inner) {
            Err(LeaseError("the line is cut".to_owned()))
        } else {
            Ok(act(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner), Instant::now()))
        };
        async { answer }.boxed()
    }
}

impl Leases for MemoryLeases {
    fn beat(&self, me: &Node, venues: &[VenueId], lease: Duration) -> BoxFuture<'static, Result<Standing, LeaseError>> {
        self.with(|kept, now| {
            kept.nodes.insert(me.name.clone(), (me.clone(), now + lease));
            kept.nodes.retain(|_, (_, until)| *until > now);
            Standing {
                nodes: kept.nodes.values().map(|(node, _)| node.clone()).collect(),
                holders: venues
                    .iter()
                    .filter_map(|venue| Some((venue.clone(), kept.holder(venue, now)?.clone())))
                    .collect(),
            }
        })
    }

    fn acquire(
        &self,
        me: &Node,
        venue: &VenueId,
        lease: Duration,
        _: bool,
    ) -> BoxFuture<'static, Result<bool, LeaseError>> {
        self.with(|kept, now| {
            let free = kept.holder(venue, now).is_none();
            if free {
                kept.holders.insert(venue.clone(), (me.clone(), now + lease));
            }
            free
        })
    }

    fn renew(
        &self,
        me: &Node,
        venues: &[VenueId],
        lease: Duration,
    ) -> BoxFuture<'static, Result<Vec<VenueId>, LeaseError>> {
        self.with(|kept, now| {
            let ours = venues.iter().filter(|venue| kept.holder(venue, now) == Some(me)).cloned().collect::<Vec<_>>();
            for venue in &ours {
                kept.holders.insert(venue.clone(), (me.clone(), now + lease));
            }
            ours
        })
    }

    fn release(
        &self,
        me: &Node,
        venue: &VenueId,
        to: Option<&Node>,
        lease: Duration,
    ) -> BoxFuture<'static, Result<bool, LeaseError>> {
        self.with(|kept, now| {
            let ours = kept.holder(venue, now) == Some(me);
            match to {
                Some(to) if ours => drop(kept.holders.insert(venue.clone(), (to.clone(), now + lease))),
                None if ours => drop(kept.holders.remove(venue)),
                _ => {}
            }
            ours
        })
    }

    fn leave(&self, me: &Node) -> BoxFuture<'static, Result<(), LeaseError>> {
        self.with(|kept, _| drop(kept.nodes.remove(&me.name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::cluster::contract::suite!((MemoryLeases::default(), ()));
}
