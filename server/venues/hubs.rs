//! Where venue actors publish: every hub of this process, and what its viewers need.

use std::sync::{Arc, PoisonError, RwLock};

use super::publication::Publication;
use super::watched::Watched;

/// Whoever wants to hear of publications. Must not wait: it is told by venue actors.
pub trait Subscriber: Send + Sync {
    /// A venue published how things stand.
    fn published(&self, publication: &Arc<Publication>);
}

/// The hubs of all workers.
#[derive(Clone, Default)]
pub struct Hubs {
    all: Arc<RwLock<Vec<Arc<dyn Subscriber>>>>,
    watched: Watched,
}

impl Hubs {
    /// Adds a hub.
    pub fn add(&self, hub: Arc<dyn Subscriber>) {
        self.all.write().unwrap_or_else(PoisonError::into_inner).push(hub);
    }

    /// What is watched at them.
    pub fn watched(&self) -> &Watched {
        &self.watched
    }

    /// Sends a publication to every hub: one message for each, whatever the number of viewers.
    pub fn publish(&self, publication: &Arc<Publication>) {
        for hub in self.all.read().unwrap_or_else(PoisonError::into_inner).iter() {
            hub.published(publication);
        }
    }
}
