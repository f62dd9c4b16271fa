//! One venue at work: decide, save, show, answer, publish.
//!
//! The actor keeps two values. What its [`Owner`] decided runs ahead: commands are judged against it at once, and
//! their changes wait for the journal in batches (group commit: while one append is in flight, the next batch
//! gathers). [`Shown`] follows behind: a change reaches it when the journal has it, and only then is anybody told.
//!
//! Where another node owns the venue there is only the second: it is fed from the journal, and shows the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix::prelude::*;
use callnext_engine::venue::Outcome;
use callnext_engine::{Change, Event};
use tokio::sync::oneshot;

use super::messages::{Answer, Follow, Look, Promote, Submit, SubmitError, Yield};
use super::mirroring::Mirroring;
use super::owner::{Batch, Owner, WAITING_MAX, Waiting, tell};
use super::shown::{Followed, Shown};
use crate::journal::{Journal, JournalError};

/// Messages an actor's mailbox holds before senders wait.
const MAILBOX: usize = 1_024;
/// How often the actor looks whether something happens by itself.
const TICK: Duration = Duration::from_millis(100);
/// How often estimates are looked at again although nothing changed.
const REFRESH: Duration = Duration::from_secs(10);

/// The actor of one venue.
pub struct VenueActor {
    shown: Shown,
    /// None while another node writes, or nobody does.
    owner: Option<Owner>,
    /// Whether there is an owner here, for the registry to see.
    is_owner: Arc<AtomicBool>,
    /// Whether the venue can be neither opened nor followed at the moment.
    is_cut_off: Arc<AtomicBool>,
    journal: Arc<dyn Journal>,
    refreshed_at: Instant,
    /// Whether a moment is set at which what is not published yet will be.
    will_publish: bool,
}

impl VenueActor {
    /// A venue that is shown, and not yet written, from here.
    pub fn new(
        shown: Shown,
        journal: Arc<dyn Journal>,
        is_owner: Arc<AtomicBool>,
        is_cut_off: Arc<AtomicBool>,
    ) -> Self {
        is_owner.store(false, Ordering::Release);
        Self { shown, owner: None, is_owner, is_cut_off, journal, refreshed_at: Instant::now(), will_publish: false }
    }

    fn submit(&mut self, Submit { command, reply }: Submit, ctx: &mut Context<Self>) {
        let reply = Some(reply);
        let Some(owner) = &mut self.owner else { return tell(reply, Err(SubmitError::NotOwner)) };
        if let Some(answer) = owner.answers.find(command.id.as_ref()) {
            return tell(reply, Ok(answer));
        }
        if let Some(error) = owner.closed() {
            return tell(reply, Err(error));
        }
        let now = self.shown.clock().now();
        owner.let_time_pass(now);
        if let Some(refusal) = owner.judge(&command, now, reply) {
            self.shown.refused(&refusal);
        }
        self.pump(ctx);
    }

    /// Sends what is waiting to the journal, unless something is on its way there already, or the right to write
    /// has run out: then it waits until that is renewed, or given to another.
    fn pump(&mut self, ctx: &mut Context<Self>) {
        let Some(owner) = &mut self.owner else { return };
        if owner.in_flight {
            return;
        }
        let must_show = owner.must_show();
        if owner.next.waiting.is_empty() && !must_show {
            if !owner.yielding.is_empty() {
                self.step_down();
            }
            return;
        }
        if owner.next.changes.is_empty() && !must_show {
            // Nothing to save: these were decided on what is already shown.
            let Batch { waiting, .. } = std::mem::take(&mut owner.next);
            self.finish(waiting, &[], ctx);
            return self.pump(ctx);
        }
        if !owner.term.holds() {
            return;
        }
        let Batch { changes, waiting } = std::mem::take(&mut owner.next);
        let changes: Arc<[Change]> = changes.into();
        owner.in_flight = true;
        owner.sent_at = Some(Instant::now());
        if let Some(mirroring) = &mut owner.mirroring
            && self.journal.must_show_all(self.shown.id())
        {
            *mirroring = Mirroring::default();
        }
        let (venue, epoch) = (self.shown.id(), self.shown.epoch());
        // These changes led to `decided` as it is now: nothing else is waiting.
        let now = self.shown.clock().now();
        let mirror = owner.mirroring.as_mut().map(|mirroring| mirroring.take(&owner.decided, &changes, now));
        let saved = self.journal.keep(venue, epoch, changes.clone(), mirror);
        let done = saved.into_actor(self).map(move |saved, actor, ctx| {
            if let Some(owner) = &mut actor.owner {
                owner.in_flight = false;
            }
            match saved {
                Ok(()) => {
                    // The journal has the next to write while these are shown.
                    if actor.owner.as_ref().is_some_and(|owner| !owner.next.changes.is_empty()) {
                        actor.pump(ctx);
                    }
                    actor.finish(waiting, &changes, ctx);
                    actor.pump(ctx);
                }
                Err(error) => actor.give_up(waiting, &error),
            }
        });
        ctx.spawn(done);
    }

    /// The journal has these: show them, in order, and tell everybody who asked.
    fn finish(&mut self, batch: Vec<Waiting>, changes: &[Change], ctx: &mut Context<Self>) {
        let (mut urgent, mut changes) = (false, changes.iter());
        let mut told = Vec::with_capacity(batch.len());
        for Waiting { is_change, outcome, is_repeated, id, reply } in batch {
            // Whether it was a number that was asked for is no longer known of a command carried out earlier.
            let mut issued = is_repeated;
            if let Some(change) = is_change.then(|| changes.next()).flatten() {
                urgent |= self.shown.apply(change);
                issued |= change.events.iter().any(|event| matches!(event, Event::TicketIssued { .. }));
            }
            match outcome {
                Err(refusal) => tell(reply, Err(SubmitError::Refused(refusal))),
                Ok(_) if reply.is_none() && id.is_none() => {}
                Ok(outcome) => {
                    let given = match &outcome {
                        Outcome::Ticket { ticket } if issued => Some(*ticket),
                        _ => None,
                    };
                    told.push((self.shown.answer(outcome), given, is_repeated, id, reply));
                }
            }
        }
        // Whoever is called sees it before the clerk does. Cards last: who is really ahead is asked once for all of them.
        self.publish_soon(urgent, ctx);
        for (answer, given, is_repeated, id, reply) in told {
            let Some(owner) = &mut self.owner else { continue };
            let known = if is_repeated { owner.answers.find(id.as_ref()) } else { None };
            let answer =
                known.unwrap_or_else(|| Answer { card: given.and_then(|id| self.shown.card_of(id)), ..answer });
            owner.answers.keep(id, &answer);
            tell(reply, Ok(answer));
        }
    }

    /// Publishes at once what cannot wait, or follows on nothing; the rest when the time for merging is over.
    fn publish_soon(&mut self, is_urgent: bool, ctx: &mut Context<Self>) {
        let Some(left) = self.shown.merges_for() else { return };
        if is_urgent || left.is_zero() {
            self.shown.publish();
        } else if !std::mem::replace(&mut self.will_publish, true) {
            ctx.run_later(left, |actor, ctx| {
                actor.will_publish = false;
                actor.publish_soon(false, ctx);
            });
        }
    }

    /// What could not be saved did not happen. What the journal really has is only known by asking it again, so
    /// this actor writes no more until the registry has opened the venue anew.
    fn give_up(&mut self, batch: Vec<Waiting>, error: &JournalError) {
        let venue = self.shown.id();
        tracing::error!(venue = %venue, %error, "a venue could not save its changes; it is opened again");
        for waiting in batch {
            waiting.fail(SubmitError::Journal(error.clone()));
        }
        // These were decided on what did not happen.
        for waiting in self.owner.iter_mut().flat_map(|owner| std::mem::take(&mut owner.next.waiting)) {
            waiting.fail(SubmitError::Journal(error.clone()));
        }
        self.step_down();
    }

    fn step_down(&mut self) {
        self.is_owner.store(false, Ordering::Release);
        for yielding in self.owner.take().into_iter().flat_map(|owner| owner.yielding) {
            // Whoever asked for it may have gone away; it is done all the same.
            let _gone = yielding.send(()).is_err();
        }
    }

    fn tick(&mut self, ctx: &mut Context<Self>) {
        if let Some(owner) = &mut self.owner
            && owner.yielding.is_empty()
            && owner.term.holds()
            && owner.next.waiting.len() < WAITING_MAX
        {
            owner.let_time_pass(self.shown.clock().now());
        }
        self.pump(ctx);
        let cut_off = self.is_cut_off.load(Ordering::Relaxed);
        self.shown.pause(self.owner.as_ref().map_or(cut_off, Owner::is_paused));
        if self.refreshed_at.elapsed() >= REFRESH {
            self.refreshed_at = Instant::now();
            if let Some(mirroring) = self.owner.as_mut().and_then(|owner| owner.mirroring.as_mut()) {
                mirroring.look_again();
            }
            self.shown.publish();
        } else {
            self.publish_soon(false, ctx);
        }
    }
}

impl Actor for VenueActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        ctx.run_interval(TICK, Self::tick);
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.is_owner.store(false, Ordering::Release);
    }
}

impl Handler<Submit> for VenueActor {
    type Result = ();

    fn handle(&mut self, submit: Submit, ctx: &mut Self::Context) {
        self.submit(submit, ctx);
    }
}

impl Handler<Promote> for VenueActor {
    type Result = ();

    /// From now on this node writes the venue: it shows what it had not heard of yet, and goes on from there.
    fn handle(&mut self, Promote { opened, term }: Promote, ctx: &mut Self::Context) {
        self.shown.catch_up(&opened);
        let mirroring = self.journal.is_mirror().then(Mirroring::default);
        self.owner = Some(Owner::new(self.shown.venue().clone(), term, mirroring));
        self.is_owner.store(true, Ordering::Release);
        self.tick(ctx);
        self.shown.publish();
    }
}

impl Handler<Follow> for VenueActor {
    type Result = bool;

    fn handle(&mut self, Follow { epoch, changes }: Follow, ctx: &mut Self::Context) -> bool {
        if self.owner.is_some() {
            // What this node wrote itself, or what came before it: known.
            return true;
        }
        let followed = self.shown.follow(epoch, &changes);
        self.publish_soon(followed == Followed::AtOnce, ctx);
        followed != Followed::NotAtAll
    }
}

impl Handler<Yield> for VenueActor {
    type Result = ResponseFuture<()>;

    /// Stops writing, once what is under way is saved.
    fn handle(&mut self, _: Yield, ctx: &mut Self::Context) -> Self::Result {
        let (tell, told) = oneshot::channel();
        if let Some(owner) = &mut self.owner {
            owner.yielding.push(tell);
            if !owner.term.holds() {
                // It may not write any more, so what waits will not be written here.
                for waiting in std::mem::take(&mut owner.next).waiting {
                    waiting.fail(SubmitError::NotOwner);
                }
            }
            self.pump(ctx);
        } else {
            drop(tell);
        }
        // The sender going away without a word means the same: nobody writes here.
        Box::pin(async move {
            let _stopped = told.await.is_ok();
        })
    }
}

impl<R: Send + 'static> Handler<Look<R>> for VenueActor {
    type Result = MessageResult<Look<R>>;

    fn handle(&mut self, Look(look): Look<R>, _: &mut Self::Context) -> Self::Result {
        MessageResult(look(&mut self.shown))
    }
}
