//! Who owns what: the contract of whoever keeps the leases.

use std::collections::BTreeMap;
use std::time::Duration;

use callnext_engine::VenueId;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

/// A running node, as the others know it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Node {
    /// Its name, as set by its operator; stays over restarts.
    pub name: String,
    /// Where the others reach it: `http://10.0.0.1:8080`.
    pub address: String,
    /// Which start of it this is: drawn at random. A lease of an earlier start is not this one's.
    pub instance: String,
}

/// The owner of a venue.
pub type Holder = Node;

/// The keeper of the leases does not answer, or answers nonsense. Whether it did as told is not known.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the leases are not available: {0}")]
pub struct LeaseError(pub String);

/// How things stand.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// The nodes that have shown themselves within the last lease.
    pub nodes: Vec<Node>,
    /// Who owns each of the venues asked for; those that nobody owns are left out.
    pub holders: BTreeMap<VenueId, Holder>,
}

type Answer<T> = BoxFuture<'static, Result<T, LeaseError>>;

/// Keeps leases: who owns a venue, until it stops renewing.
pub trait Leases: Send + Sync + 'static {
    /// Says that this node is there, for as long as a lease lasts, and how things stand.
    fn beat(&self, me: &Node, venues: &[VenueId], lease: Duration) -> Answer<Standing>;

    /// Takes a venue that nobody owns. False if somebody does.
    ///
    /// A keeper that has never heard of the venue, because it is new or because everything was forgotten, gives it for
    /// the first lease only to whoever `held` it until now: that node alone knows all that was written.
    fn acquire(&self, me: &Node, venue: &VenueId, lease: Duration, held: bool) -> Answer<bool>;

    /// Goes on owning these; tells which of them are still this node's.
    fn renew(&self, me: &Node, venues: &[VenueId], lease: Duration) -> Answer<Vec<VenueId>>;

    /// Gives a venue up, to this node if one is named, else to whoever comes first. False if it was not ours.
    fn release(&self, me: &Node, venue: &VenueId, to: Option<&Node>, lease: Duration) -> Answer<bool>;

    /// Says that this node is gone.
    fn leave(&self, me: &Node) -> Answer<()>;
}
