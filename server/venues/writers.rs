//! Where a venue is written: here, at another node, or nowhere at the moment.

use callnext_engine::{Command, VenueId};
use futures_util::future::LocalBoxFuture;

use super::messages::{Answer, SubmitError};
use crate::cluster::Term;

/// Where a venue is written.
pub enum Writer {
    /// Here, until then.
    Here(Term),
    /// At another node.
    There(Box<dyn There>),
    /// Nowhere, as far as is known.
    Nobody,
}

/// A venue at another node.
pub trait There {
    /// Has a command carried out there. Takes no part in the registry's patience: one try.
    fn submit<'a>(
        &'a self,
        venue: &'a VenueId,
        command: &'a Command,
    ) -> LocalBoxFuture<'a, Result<Answer, SubmitError>>;
}

/// Knows where venues are written.
pub trait Writers: Send + Sync + 'static {
    /// Where this one is.
    fn writer(&self, venue: &VenueId) -> Writer;
}

/// There are no other nodes.
pub struct Alone;

impl Writers for Alone {
    fn writer(&self, _: &VenueId) -> Writer {
        Writer::Here(Term::unlimited())
    }
}
