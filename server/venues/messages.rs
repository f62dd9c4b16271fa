//! What a venue actor can be sent, and what it answers.

use actix::Message;
use callnext_engine::venue::Outcome;
use callnext_engine::{Change, Command, Refusal, Seq};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::shown::Shown;
use crate::cluster::Term;
use crate::journal::{Epoch, JournalError, Opened};
use crate::wire::{Card, CounterRow, PolicyChangeRow, TicketRow};

/// Where an answer goes. Dropped unused, it says that the actor died.
pub type Reply = oneshot::Sender<Result<Answer, SubmitError>>;

/// Carry this out, save it, and tell what came of it.
///
/// The way back travels with the command: the answer comes when the journal has it, long after the message was taken.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Submit {
    /// What is asked.
    pub command: Command,
    /// Where the answer goes.
    pub reply: Reply,
}

/// What came of a command: the state right after it, as far as its asker is concerned.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Answer {
    /// The latest change at that moment: whoever has it has this answer's change.
    pub seq: Seq,
    /// What the engine told.
    pub outcome: Outcome,
    /// The tickets it concerned.
    pub tickets: Vec<TicketRow>,
    /// The counter it concerned.
    pub counter: Option<CounterRow>,
    /// The card of a ticket it gave out.
    pub card: Option<Card>,
    /// The change of policies it was.
    #[serde(default)]
    pub policy: Option<PolicyChangeRow>,
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
    /// Nothing of it happened: another node writes this venue, or is about to.
    #[error("the venue is written by another node")]
    NotOwner,
    /// Nothing of it happened: this node cannot renew its right to write.
    #[error("the venue is paused: this node cannot reach the others")]
    Paused,
    /// Too many commands are waiting to be saved.
    #[error("the venue has too much to do")]
    Busy,
    /// It may have happened: the venue went to another node before the one that was asked had answered.
    #[error("the venue went to another node")]
    Moved,
    /// It may have happened: the node that writes the venue gave no answer, or does not know.
    #[error("the node that writes the venue gave no answer")]
    Unsure,
    /// The venue broke on this very command, twice.
    #[error("the venue failed")]
    Broken,
}

/// Write this venue from now on.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Promote {
    /// The venue as its journal has it: since the last change shown, that one included, or since the day's opening.
    pub opened: Opened,
    /// Until when.
    pub term: Term,
}

/// Another node wrote this. The answer is false if it does not follow on what is known here.
#[derive(Debug, Message)]
#[rtype(result = "bool")]
pub struct Follow {
    /// The ownership under which it was written.
    pub epoch: Epoch,
    /// In order.
    pub changes: Vec<Change>,
}

/// Stop writing, and say when you have.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Yield;

/// Look at what the world sees of a venue.
pub struct Look<R>(pub Box<dyn FnOnce(&mut Shown) -> R + Send>);

impl<R: 'static> Message for Look<R> {
    type Result = R;
}
