//! Following what others write.

use std::collections::BTreeMap;

use callnext_engine::{Change, Seq, VenueId};
use futures_util::future::BoxFuture;

use super::{Epoch, JournalError};

/// The last change that is known of a venue, and the ownership under which it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The ownership; where it is lower than the entry's own, the entry is told again.
    pub epoch: Epoch,
    /// The change; 0 before the first.
    pub seq: Seq,
}

/// What one owner wrote of one venue, in order.
pub type News = (VenueId, Epoch, Vec<Change>);

/// Tells what is written, as it is written.
pub trait Tail: Send + Sync + 'static {
    /// Waits until something was written after one of these positions, and returns all of it, or as much as fits.
    /// An entry is after a position if its ownership is newer, or the same and its number higher: whoever was shown
    /// what a store lost is told of the new history from where it departs.
    fn next(&self, after: BTreeMap<VenueId, Position>) -> BoxFuture<'static, Result<Vec<News>, JournalError>>;
}
