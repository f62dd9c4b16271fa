//! The writing side of a venue: what was decided, ahead of what is saved.

use std::time::{Duration, Instant};

use callnext_engine::venue::Outcome;
use callnext_engine::{Change, Command, CommandId, Decision, Refusal, Timestamp, Venue};
use tokio::sync::oneshot;

use super::answers::Answers;
use super::messages::{Answer, Reply, SubmitError};
use super::mirroring::Mirroring;
use crate::cluster::Term;

/// Commands that may wait for the journal: beyond it a caller is told to come back, and memory stays bounded.
pub const WAITING_MAX: usize = 4_096;

/// A batch that takes longer is worth a word to whoever looks at a console.
const SAVED_WITHIN: Duration = Duration::from_secs(1);

/// The writing side of a venue.
pub(super) struct Owner {
    /// Runs ahead: commands are judged against it at once.
    pub(super) decided: Venue,
    /// Until when it may write.
    pub(super) term: Term,
    /// What waits to be saved together.
    pub(super) next: Batch,
    /// Whether a batch is on its way to the journal.
    pub(super) in_flight: bool,
    /// When the last one was sent there.
    pub(super) sent_at: Option<Instant>,
    pub(super) answers: Answers,
    /// Until when time has passed: for commands that come at one moment it is looked once what happens by itself.
    passed: Option<Timestamp>,
    /// What other programs are shown, where the journal does that.
    pub(super) mirroring: Option<Mirroring>,
    /// Told when it has stopped writing; takes no commands meanwhile.
    pub(super) yielding: Vec<oneshot::Sender<()>>,
}

/// What is saved together, and who waits for it.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) changes: Vec<Change>,
    pub(super) waiting: Vec<Waiting>,
}

/// One command's way through the journal.
pub(super) struct Waiting {
    /// Whether the next of the batch's changes is its own.
    pub(super) is_change: bool,
    /// What its asker is told. A refusal waits too: it may rest on what is not saved yet.
    pub(super) outcome: Result<Outcome, Refusal>,
    /// Whether it was carried out before.
    pub(super) is_repeated: bool,
    pub(super) id: Option<CommandId>,
    pub(super) reply: Option<Reply>,
}

impl Owner {
    /// Begins where the journal ends.
    pub(super) fn new(decided: Venue, term: Term, mirroring: Option<Mirroring>) -> Self {
        Self {
            decided,
            term,
            next: Batch::default(),
            in_flight: false,
            sent_at: None,
            answers: Answers::default(),
            passed: None,
            mirroring,
            yielding: Vec::new(),
        }
    }

    /// Whether other programs are to be shown something although nothing is to be saved.
    pub(super) fn must_show(&self) -> bool {
        self.yielding.is_empty() && self.term.holds() && self.mirroring.as_ref().is_some_and(Mirroring::is_due)
    }

    /// Whether nothing can be saved at the moment, or has been for too long.
    pub(super) fn is_paused(&self) -> bool {
        !self.term.holds() || self.sent_at.is_some_and(|at| self.in_flight && at.elapsed() >= SAVED_WITHIN)
    }

    /// Why it takes no commands at the moment, if it does not.
    pub(super) fn closed(&self) -> Option<SubmitError> {
        if !self.yielding.is_empty() {
            return Some(SubmitError::NotOwner);
        }
        if !self.term.holds() {
            return Some(SubmitError::Paused);
        }
        (self.next.waiting.len() >= WAITING_MAX).then_some(SubmitError::Busy)
    }

    /// Judges a command, and lines up what came of it. Returns the refusal, if it was one.
    pub(super) fn judge(&mut self, command: &Command, now: Timestamp, reply: Option<Reply>) -> Option<Refusal> {
        let (is_change, outcome, is_repeated) = match self.decided.execute(command, now) {
            Ok(Decision::Changed(change)) => {
                let outcome = change.outcome.clone();
                self.next.changes.push(change);
                (true, Ok(outcome), false)
            }
            Ok(Decision::Unchanged(outcome)) => (false, Ok(outcome), false),
            Ok(Decision::Repeated(receipt)) => (false, Ok(receipt.outcome), true),
            Err(refusal) => (false, Err(refusal), false),
        };
        let refusal = outcome.as_ref().err().cloned();
        self.next.waiting.push(Waiting { is_change, outcome, is_repeated, id: command.id.clone(), reply });
        refusal
    }

    /// Everything that happens by itself up to now.
    pub(super) fn let_time_pass(&mut self, now: Timestamp) {
        if self.passed.replace(now) == Some(now) && !self.next.waiting.is_empty() {
            return;
        }
        for change in self.decided.advance(now) {
            let outcome = Ok(change.outcome.clone());
            self.next.changes.push(change);
            self.next.waiting.push(Waiting { is_change: true, outcome, is_repeated: false, id: None, reply: None });
        }
    }
}

impl Waiting {
    /// Tells its asker that nothing came of it, or that nobody knows.
    pub(super) fn fail(self, error: SubmitError) {
        tell(self.reply, Err(error));
    }
}

/// Answers whoever asked.
pub(super) fn tell(reply: Option<Reply>, answer: Result<Answer, SubmitError>) {
    if let Some(reply) = reply {
        // Whoever asked may have gone away; the change stands all the same.
        drop(reply.send(answer));
    }
}
