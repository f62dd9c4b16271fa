//! Where a venue is written: here, at another node, or nowhere at the moment.

use callnext_engine::{Command, VenueId};
use futures_util::future::LocalBoxFuture;
use tokio::sync::watch;

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

    /// Which start of which node it is.
    fn instance(&self) -> &str;
}

/// Knows where venues are written.
pub trait Writers: Send + Sync + 'static {
    /// Where this one is.
    fn writer(&self, venue: &VenueId) -> Writer;

    /// Told from now on when any of them is somewhere else.
    fn moves(&self) -> watch::Receiver<()>;
}

/// There are no other nodes.
#[derive(Default)]
pub struct Alone {
    moves: watch::Sender<()>,
}

impl Writers for Alone {
    fn writer(&self, _: &VenueId) -> Writer {
        Writer::Here(Term::unlimited())
    }

    /// Never.
    fn moves(&self) -> watch::Receiver<()> {
        self.moves.subscribe()
    }
}
