//! The journal: where a venue's changes are kept, in order, before anybody is shown them.
//!
//! One contract, [`Journal`]; an in-memory one for tests, SQLite as the embedded default, Redis as the shared store.
//! The same suite (`contract`) holds every one of them to it. A journal decides nothing and does not know
//! what a change means: it keeps entries, in order, and refuses a writer that was replaced.

use std::fmt;
use std::sync::Arc;

use callnext_engine::{Change, Seq, VenueId};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

mod codec;
#[cfg(test)]
mod contract;
pub mod memory;
pub mod mirror;
mod order;
pub mod redis;
#[cfg(test)]
mod sample;
pub mod spill;
pub mod sqlite;
pub mod tail;

pub use memory::MemoryJournal;
pub use mirror::Mirror;
pub use redis::RedisJournal;
pub use spill::SpillJournal;
pub use sqlite::SqliteJournal;

/// One unbroken ownership of a venue. Higher ones depose lower ones: the number is the fencing token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Why a journal could not do it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JournalError {
    /// Another owner has opened the venue since; this one must stop. Nothing was written.
    #[error("venue {venue} was taken over: epoch {epoch} is no longer the newest")]
    Deposed {
        /// The venue.
        venue: VenueId,
        /// The epoch that was refused.
        epoch: Epoch,
    },
    /// The entries do not follow the last one kept, or each other. Nothing was written.
    #[error("venue {venue}: change {found} does not follow {last}")]
    OutOfOrder {
        /// The venue.
        venue: VenueId,
        /// The change that had to be followed.
        last: Seq,
        /// The change offered instead.
        found: Seq,
    },
    /// What is kept cannot be read.
    #[error("venue {venue}: change {seq} cannot be read: {problem}")]
    Unreadable {
        /// The venue.
        venue: VenueId,
        /// The entry.
        seq: Seq,
        /// What is wrong with it.
        problem: String,
    },
    /// The store is away, full or failing. Nothing was written, as far as this journal can tell:
    /// the venue must be loaded again before it goes on.
    #[error("the journal is not available: {0}")]
    Unavailable(String),
}

/// A venue as its journal has it.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The newest epoch.
    pub epoch: Epoch,
    /// The changes to start from, in order. As loaded, the first one, if any, opens a business day, and so stands
    /// alone.
    pub changes: Vec<Change>,
}

/// Keeps the changes of venues.
pub trait Journal: Send + Sync + 'static {
    /// Takes ownership of a venue, and so deposes whoever had it. The new epoch is durable before the future ends,
    /// so it is never given out again; the first one is 1. It is above `known`, the newest one that the asker has heard
    /// of: a store that lost its memory gives out none a second time. What is read from now on is all there is.
    fn claim(&self, venue: &VenueId, known: Epoch) -> BoxFuture<'static, Result<Epoch, JournalError>>;

    /// What is kept since the start of the last business day ([`callnext_engine::Event::DayOpened`] is a full
    /// starting point), and the newest epoch; 0 where nobody ever claimed the venue. Takes nothing over.
    fn load(&self, venue: &VenueId) -> BoxFuture<'static, Result<Opened, JournalError>>;

    /// Takes ownership of a venue and loads it.
    fn open<'j>(&'j self, venue: &'j VenueId) -> BoxFuture<'j, Result<Opened, JournalError>> {
        async move {
            let epoch = self.claim(venue, Epoch(0)).await?;
            let loaded = self.load(venue).await?;
            Ok(Opened { epoch, ..loaded })
        }
        .boxed()
    }

    /// Appends changes: all of them or none, and durably before the future ends well. The first must follow
    /// the last kept; the first of all is change 1, or opens a business day that was kept elsewhere. An empty list
    /// is allowed and writes nothing.
    ///
    /// With a mirror, it shows the live tickets that the changes lead to in the same step; a journal that is no mirror
    /// only appends.
    ///
    /// Dropping the future does not take the changes back: they may or may not have been written.
    fn keep(
        &self,
        venue: &VenueId,
        epoch: Epoch,
        changes: Arc<[Change]>,
        mirror: Option<Mirror>,
    ) -> BoxFuture<'static, Result<(), JournalError>>;

    /// Appends changes, as [`keep`](Self::keep) does, and shows nothing.
    fn append(
        &self,
        venue: &VenueId,
        epoch: Epoch,
        changes: Vec<Change>,
    ) -> BoxFuture<'static, Result<(), JournalError>> {
        self.keep(venue, epoch, changes.into(), None)
    }

    /// Whether this journal shows the live tickets to other programs: only then is a mirror worth making.
    fn is_mirror(&self) -> bool {
        false
    }

    /// Whether others were not shown what changed last, so that the next mirror must be a whole one. Said once.
    fn must_show_all(&self, venue: &VenueId) -> bool {
        let _ = venue;
        false
    }

    /// Whether the store may forget what it acknowledged: only then is the day worth remembering beside it.
    fn may_forget(&self) -> bool {
        false
    }

    /// Forgets a venue's changes before this one: they are kept elsewhere by now. What [`open`](Self::open) returns is
    /// never forgotten, whatever is asked. In steps that hold up no append for long; what was forgotten when it
    /// fails stays forgotten, and asking again goes on from there.
    fn prune(&self, venue: &VenueId, before: Seq) -> BoxFuture<'static, Result<(), JournalError>>;

    /// The changes that open the business days of a venue, of all that are kept, in order.
    fn days(&self, venue: &VenueId) -> BoxFuture<'static, Result<Vec<Seq>, JournalError>>;

    /// All changes of a venue that are kept, from the one after `after`, at most `limit`: for export and repair.
    /// Neither takes the venue over nor disturbs its owner.
    fn read(&self, venue: &VenueId, after: Seq, limit: usize) -> BoxFuture<'static, Result<Vec<Change>, JournalError>>;

    /// Whether the store answers, for `/readyz`.
    fn ready(&self) -> BoxFuture<'static, Result<(), JournalError>>;

    /// In how far the store may lose more than the settings promise, for the operator; usually nothing.
    fn shortfalls(&self) -> Vec<String> {
        Vec::new()
    }
}
