//! What a venue actor can be sent, and what it answers.

use actix::Message;
use callnext_engine::venue::Outcome;
use callnext_engine::{Command, Refusal};

use super::shown::Shown;
use crate::journal::JournalError;
use crate::wire::{Card, CounterRow, TicketRow};

/// Carry this out, save it, and tell what came of it.
#[derive(Debug, Clone)]
pub struct Submit(pub Command);

impl Message for Submit {
    type Result = Result<Answer, SubmitError>;
}

/// What came of a command: the state right after it, as far as its asker is concerned.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What the engine told.
    pub outcome: Outcome,
    /// The tickets it concerned.
    pub tickets: Vec<TicketRow>,
    /// The counter it concerned.
    pub counter: Option<CounterRow>,
    /// The card of a ticket it gave out.
    pub card: Option<Card>,
}

/// Why nothing came of a command.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SubmitError {
    /// The venue says no.
    #[error("refused: {}", .0.code())]
    Refused(Refusal),
    /// It could not be saved, so it did not happen as far as anybody is told.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Too many commands are waiting to be saved.
    #[error("the venue has too much to do")]
    Busy,
    /// The venue broke on this very command, twice.
    #[error("the venue failed")]
    Broken,
}

/// Look at what the world sees of a venue.
pub struct Look<R>(pub Box<dyn FnOnce(&mut Shown) -> R + Send>);

impl<R: 'static> Message for Look<R> {
    type Result = R;
}
