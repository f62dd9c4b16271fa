//! One venue at work: decide, save, show, answer, publish.
//!
//! The actor keeps two values. `decided` runs ahead: commands are judged against it at once, and their changes
//! wait for the journal in batches (group commit: while one append is in flight, the next batch gathers).
//! [`Shown`] follows behind: a change reaches it when the journal has it, and only then is anybody told.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;
use callnext_engine::venue::Outcome;
use callnext_engine::{Change, Command, CommandId, Decision, Declaration, Event, Refusal, Venue};
use tokio::sync::oneshot;

use super::answers::Answers;
use super::hub::Hubs;
use super::messages::{Answer, Look, Submit, SubmitError};
use super::shown::Shown;
use crate::clock::Clock;
use crate::journal::{Journal, JournalError, Opened};
use crate::metrics::Metrics;

/// Commands that may wait for the journal: beyond it a caller is told to come back, and memory stays bounded.
pub const WAITING_MAX: usize = 4_096;
/// Messages an actor's mailbox holds before senders wait.
const MAILBOX: usize = 1_024;
/// How often the actor looks whether something happens by itself.
const TICK: Duration = Duration::from_millis(100);
/// How often estimates are looked at again although nothing changed.
const REFRESH: Duration = Duration::from_secs(10);

/// The actor of one venue.
pub struct VenueActor {
    decided: Venue,
    shown: Shown,
    journal: Arc<dyn Journal>,
    waiting: Vec<Waiting>,
    in_flight: bool,
    answers: Answers,
    refreshed_at: Instant,
}

/// One command's way through the journal.
struct Waiting {
    change: Option<Change>,
    /// What its asker is told. A refusal waits too: it may rest on what is not saved yet.
    outcome: Result<Outcome, Refusal>,
    /// Whether it was carried out before.
    is_repeated: bool,
    id: Option<CommandId>,
    reply: Option<oneshot::Sender<Result<Answer, SubmitError>>>,
}

impl VenueActor {
    /// A venue as its journal has it, brought up to the declaration in the settings.
    pub fn new(
        opened: &Opened,
        config: Declaration,
        journal: Arc<dyn Journal>,
        clock: Clock,
        hubs: Hubs,
        metrics: Arc<Metrics>,
    ) -> Self {
        let mut venue = Venue::new(config);
        for change in &opened.changes {
            venue.apply(change);
        }
        let shown = Shown::new(venue.clone(), opened.epoch, clock, hubs, metrics);
        Self {
            decided: venue,
            shown,
            journal,
            waiting: Vec::new(),
            in_flight: false,
            answers: Answers::default(),
            refreshed_at: Instant::now(),
        }
    }

    fn submit(
        &mut self,
        command: &Command,
        reply: Option<oneshot::Sender<Result<Answer, SubmitError>>>,
        ctx: &mut Context<Self>,
    ) {
        if let Some(answer) = self.answers.find(command.id.as_ref()) {
            return tell(reply, Ok(answer));
        }
        if self.waiting.len() >= WAITING_MAX {
            return tell(reply, Err(SubmitError::Busy));
        }
        self.let_time_pass();
        let (change, outcome, is_repeated) = match self.decided.execute(command, self.shown.clock().now()) {
            Ok(Decision::Changed(change)) => {
                let outcome = change.outcome.clone();
                (Some(change), Ok(outcome), false)
            }
            Ok(Decision::Unchanged(outcome)) => (None, Ok(outcome), false),
            Ok(Decision::Repeated(receipt)) => (None, Ok(receipt.outcome), true),
            Err(refusal) => {
                self.shown.refused(&refusal);
                (None, Err(refusal), false)
            }
        };
        self.waiting.push(Waiting { change, outcome, is_repeated, id: command.id.clone(), reply });
        self.pump(ctx);
    }

    fn let_time_pass(&mut self) {
        for change in self.decided.advance(self.shown.clock().now()) {
            let outcome = Ok(change.outcome.clone());
            self.waiting.push(Waiting { change: Some(change), outcome, is_repeated: false, id: None, reply: None });
        }
    }

    /// Sends what is waiting to the journal, unless something is on its way there already.
    fn pump(&mut self, ctx: &mut Context<Self>) {
        if self.in_flight || self.waiting.is_empty() {
            return;
        }
        let batch = std::mem::take(&mut self.waiting);
        let changes: Vec<Change> = batch.iter().filter_map(|waiting| waiting.change.clone()).collect();
        if changes.is_empty() {
            // Nothing to save: these were decided on what is already shown.
            self.finish(batch);
            return self.pump(ctx);
        }
        self.in_flight = true;
        let saved = self.journal.append(self.shown.id(), self.shown.epoch(), changes);
        let done = saved.into_actor(self).map(|saved, actor, ctx| {
            actor.in_flight = false;
            match saved {
                Ok(()) => {
                    actor.finish(batch);
                    actor.pump(ctx);
                }
                Err(error) => actor.give_up(batch, &error, ctx),
            }
        });
        ctx.spawn(done);
    }

    /// The journal has these: show them, in order, and tell everybody who asked.
    fn finish(&mut self, batch: Vec<Waiting>) {
        let mut urgent = false;
        for Waiting { change, outcome, is_repeated, id, reply } in batch {
            // Whether it was a number that was asked for is no longer known of a command carried out earlier.
            let mut issued = is_repeated;
            if let Some(change) = &change {
                self.shown.apply(change);
                for event in &change.events {
                    match event {
                        Event::TicketCalled { .. } | Event::TicketRecalled { .. } => urgent = true,
                        Event::TicketIssued { .. } => issued = true,
                        _ => {}
                    }
                }
            }
            match outcome {
                Err(refusal) => tell(reply, Err(SubmitError::Refused(refusal))),
                Ok(_) if reply.is_none() && id.is_none() => {}
                Ok(outcome) => {
                    let known = if is_repeated { self.answers.find(id.as_ref()) } else { None };
                    let answer = known.unwrap_or_else(|| self.shown.answer(outcome, issued));
                    self.answers.keep(id, &answer);
                    tell(reply, Ok(answer));
                }
            }
        }
        if urgent || self.shown.merge_is_over() {
            self.shown.publish();
        }
    }

    /// What could not be saved did not happen. What the journal really has is only known by asking it again, so
    /// this actor ends, and the registry opens the venue anew.
    fn give_up(&mut self, batch: Vec<Waiting>, error: &JournalError, ctx: &mut Context<Self>) {
        let venue = self.shown.id();
        tracing::error!(venue = %venue, %error, "a venue could not save its changes and starts anew");
        for waiting in batch.into_iter().chain(std::mem::take(&mut self.waiting)) {
            tell(waiting.reply, Err(SubmitError::Journal(error.clone())));
        }
        ctx.stop();
    }

    fn tick(&mut self, ctx: &mut Context<Self>) {
        if self.waiting.len() < WAITING_MAX {
            self.let_time_pass();
        }
        self.pump(ctx);
        if self.refreshed_at.elapsed() >= REFRESH {
            self.refreshed_at = Instant::now();
            self.shown.publish();
        } else if self.shown.merge_is_over() {
            self.shown.publish();
        }
    }
}

impl Actor for VenueActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        self.tick(ctx);
        self.shown.publish();
        ctx.run_interval(TICK, Self::tick);
    }
}

impl Handler<Submit> for VenueActor {
    type Result = ResponseFuture<Result<Answer, SubmitError>>;

    fn handle(&mut self, Submit(command): Submit, ctx: &mut Self::Context) -> Self::Result {
        let (reply, answered) = oneshot::channel();
        self.submit(&command, Some(reply), ctx);
        // The sender only goes unused when the actor dies: its caller asks again.
        Box::pin(async move { answered.await.unwrap_or(Err(SubmitError::Broken)) })
    }
}

impl<R: Send + 'static> Handler<Look<R>> for VenueActor {
    type Result = MessageResult<Look<R>>;

    fn handle(&mut self, Look(look): Look<R>, _: &mut Self::Context) -> Self::Result {
        MessageResult(look(&mut self.shown))
    }
}

fn tell(reply: Option<oneshot::Sender<Result<Answer, SubmitError>>>, answer: Result<Answer, SubmitError>) {
    if let Some(reply) = reply {
        // Whoever asked may have gone away; the change stands all the same.
        drop(reply.send(answer));
    }
}
