//! Where venue actors publish: every hub of this process.

use std::sync::{Arc, PoisonError, RwLock};

use super::publication::Publication;

/// Whoever wants to hear of publications. Must not wait: it is told by venue actors.
pub trait Subscriber: Send + Sync {
    /// A venue published how things stand.
    fn published(&self, publication: &Arc<Publication>);
}

/// The hubs of all workers.
#[derive(Clone, Default)]
pub struct Hubs(Arc<RwLock<Vec<Arc<dyn Subscriber>>>>);

impl Hubs {
    /// Adds a hub.
    pub fn add(&self, hub: Arc<dyn Subscriber>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).push(hub);
    }

    /// Sends a publication to every hub: one message for each, whatever the number of viewers.
    pub fn publish(&self, publication: &Arc<Publication>) {
        for hub in self.0.read().unwrap_or_else(PoisonError::into_inner).iter() {
            hub.published(publication);
        }
    }
}
