//! One venue at work: decide, save, show, answer, publish.
//!
//! The actor keeps two values. `decided` runs ahead: commands are judged against it at once, and their changes
//! wait for the journal in batches (group commit: while one append is in flight, the next batch gathers).
//! [`Shown`] follows behind: a change reaches it when the journal has it, and only then is anybody told.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;
use bytestring::ByteString;
use callnext_engine::ticket::Ticket;
use callnext_engine::venue::Outcome;
use callnext_engine::{Change, Command, CommandId, Decision, Event, Refusal, Seq, TicketId, Timestamp, Venue, VenueConfig, VenueId};
use tokio::sync::oneshot;

use super::hub::Hubs;
use super::messages::{Answer, Look, Submit, SubmitError};
use super::publication::{Facts, ForConsoles, Publication};
use super::view;
use crate::clock::Clock;
use crate::journal::{Epoch, Journal, JournalError, Opened};
use crate::metrics::Metrics;
use crate::wire;

/// Commands that may wait for the journal: beyond it a caller is told to come back, and memory stays bounded.
pub const WAITING_MAX: usize = 4_096;
/// Messages an actor's mailbox holds before senders wait.
const MAILBOX: usize = 1_024;
/// How often the actor looks whether something happens by itself.
const TICK: Duration = Duration::from_millis(100);
/// How often estimates are looked at again although nothing changed.
const REFRESH: Duration = Duration::from_secs(10);
/// Changes within this span are published together; calls are published at once.
const MERGE: Duration = Duration::from_millis(50);
/// Publications a console can resume from.
const RESUMABLE_MAX: usize = 256;
/// Answers remembered word for word, beside the engine's receipts.
const ANSWERS_MAX: usize = 4_096;

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
        opened: Opened,
        config: VenueConfig,
        journal: Arc<dyn Journal>,
        clock: Clock,
        hubs: Hubs,
        metrics: Arc<Metrics>,
    ) -> Self {
        let mut venue = Venue::new(config);
        for change in &opened.changes {
            venue.apply(change);
        }
        let shown = Shown {
            venue: venue.clone(),
            epoch: opened.epoch,
            clock,
            hubs,
            metrics,
            edition: 0,
            latest: None,
            resumable: VecDeque::new(),
            dirty: Dirty { all: true, ..Dirty::default() },
            published_at: None,
        };
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
        let (change, outcome, is_repeated) = match self.decided.execute(command, self.shown.clock.now()) {
            Ok(Decision::Changed(change)) => {
                let outcome = change.outcome.clone();
                (Some(change), Ok(outcome), false)
            }
            Ok(Decision::Unchanged(outcome)) => (None, Ok(outcome), false),
            Ok(Decision::Repeated(receipt)) => (None, Ok(receipt.outcome), true),
            Err(refusal) => {
                self.shown.metrics.refused(&self.shown.venue.config().id, &refusal);
                (None, Err(refusal), false)
            }
        };
        self.waiting.push(Waiting { change, outcome, is_repeated, id: command.id.clone(), reply });
        self.pump(ctx);
    }

    fn let_time_pass(&mut self) {
        for change in self.decided.advance(self.shown.clock.now()) {
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
        let saved = self.journal.append(&self.shown.venue.config().id, self.shown.epoch, changes);
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
        let venue = &self.shown.venue.config().id;
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

/// The latest answers, word for word: a retry reads the same as the first answer did.
#[derive(Default)]
struct Answers {
    by_key: BTreeMap<Arc<str>, (u64, Answer)>,
    oldest_first: VecDeque<Arc<str>>,
}

impl Answers {
    fn find(&self, id: Option<&CommandId>) -> Option<Answer> {
        let id = id?;
        let (fingerprint, answer) = self.by_key.get(&id.key)?;
        // Another wish under the same key is the engine's to refuse.
        (*fingerprint == id.fingerprint).then(|| answer.clone())
    }

    fn keep(&mut self, id: Option<CommandId>, answer: &Answer) {
        let Some(id) = id else { return };
        if self.by_key.insert(id.key.clone(), (id.fingerprint, answer.clone())).is_none() {
            self.oldest_first.push_back(id.key);
        }
        if self.oldest_first.len() > ANSWERS_MAX
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.by_key.remove(&oldest);
        }
    }
}

/// What the world sees of a venue: the state that is saved, and what was last published of it.
pub struct Shown {
    venue: Venue,
    epoch: Epoch,
    clock: Clock,
    hubs: Hubs,
    metrics: Arc<Metrics>,
    edition: u64,
    latest: Option<Arc<Publication>>,
    resumable: VecDeque<Arc<Publication>>,
    dirty: Dirty,
    published_at: Option<Instant>,
}

/// What changed since the last publication.
#[derive(Debug, Default)]
struct Dirty {
    any: bool,
    /// Rows would not say it: a new day, another declaration.
    all: bool,
    counters: bool,
    appointments: bool,
    tickets: BTreeSet<TicketId>,
    /// What the phones of visits that ended show for good: a new day knows these tickets no longer.
    over: BTreeMap<TicketId, Facts>,
}

impl Shown {
    /// The saved state.
    pub fn venue(&self) -> &Venue {
        &self.venue
    }

    /// The venue's time: never before its latest change.
    pub fn now(&self) -> Timestamp {
        self.clock.now().max(self.venue.at())
    }

    /// The venue's name.
    pub fn id(&self) -> &VenueId {
        &self.venue.config().id
    }

    /// The latest publication, with everything saved so far in it.
    pub fn current(&mut self) -> Arc<Publication> {
        if !self.dirty.any && !self.dirty.all
            && let Some(latest) = &self.latest
        {
            return latest.clone();
        }
        self.publish()
    }

    /// The whole queue as of the latest publication, as a frame.
    pub fn console_frame(&mut self) -> ByteString {
        let current = self.current();
        let console = self.console();
        let all = Publication::new(
            current.venue.clone(),
            current.epoch,
            current.seq,
            current.at,
            current.edition,
            current.config.clone(),
            current.board.clone(),
            current.facts.clone(),
            Vec::new(),
            ForConsoles::All(Box::new(console)),
        );
        all.console_frame()
    }

    /// The whole queue.
    pub fn console(&self) -> wire::Console {
        view::console(&self.venue, &view::orders(&self.venue, self.now()))
    }

    /// The frames a console missed that stands at this point; the whole queue where they are no longer known.
    pub fn resume(&mut self, epoch: &str, seq: u64) -> Vec<ByteString> {
        let current = self.current();
        if epoch == current.epoch.to_string() {
            if seq == current.seq.0 {
                return vec![current.sign_of_life()];
            }
            let from = self.resumable.iter().position(|publication| {
                matches!(publication.console, ForConsoles::Change { from, .. } if from.0 == seq)
            });
            if let Some(from) = from {
                let missed = self.resumable.iter().skip(from);
                if missed.clone().all(|publication| matches!(publication.console, ForConsoles::Change { .. })) {
                    return missed.map(|publication| publication.console_frame()).collect();
                }
            }
        }
        vec![self.console_frame()]
    }

    /// What a phone shows of one ticket, over or not.
    pub fn card_frame(&mut self, ticket: TicketId) -> Option<(ByteString, Facts, Arc<Publication>)> {
        let current = self.current();
        let facts = match current.facts.get(&ticket) {
            Some(facts) => facts.clone(),
            None => view::one_facts(&self.venue, self.venue.ticket(ticket)?, self.now()),
        };
        Some((current.card_frame(&facts), facts, current))
    }

    fn apply(&mut self, change: &Change) {
        self.metrics.changed(&self.venue.config().id, change);
        // What a change is about may only be known before it, or only after it: an undone ticket, a new one.
        if let Outcome::Undone { tickets, .. } = &change.outcome {
            self.dirty.tickets.extend(tickets);
            self.dirty.counters = true;
        }
        for event in &change.events {
            self.dirty.note(event);
        }
        self.dirty.any = true;
        self.venue.apply(change);
        let touched = self.dirty.tickets.iter().filter_map(|id| self.venue.ticket(*id));
        let over = touched.filter(|ticket| ticket.state.is_over());
        self.dirty.over.extend(over.map(|ticket| (ticket.id, view::facts(&self.venue, ticket, None))));
    }

    fn answer(&self, outcome: Outcome, issued: bool) -> Answer {
        let row = |id: &TicketId| self.venue.ticket(*id).map(|ticket| view::ticket_row(&self.venue, ticket));
        let tickets: Vec<wire::TicketRow> = match &outcome {
            Outcome::Ticket { ticket } | Outcome::Called { ticket, .. } => row(ticket).into_iter().collect(),
            Outcome::Undone { tickets, .. } => tickets.iter().filter_map(row).collect(),
            Outcome::Done | Outcome::NobodyWaiting | Outcome::Appointments { .. } | Outcome::Counter { .. } => {
                Vec::new()
            }
        };
        let card = match &outcome {
            Outcome::Ticket { ticket } if issued => self.venue.ticket(*ticket).map(|ticket| {
                view::card(self.venue.config(), &view::one_facts(&self.venue, ticket, self.now()))
            }),
            _ => None,
        };
        let counter = match &outcome {
            Outcome::Counter { counter } => view::counter_row(&self.venue, counter),
            _ => None,
        };
        Answer { outcome, tickets, counter, card }
    }

    fn merge_is_over(&self) -> bool {
        (self.dirty.any || self.dirty.all) && self.published_at.is_none_or(|at| at.elapsed() >= MERGE)
    }

    /// Tells every worker's hub how things stand.
    fn publish(&mut self) -> Arc<Publication> {
        let now = self.now();
        let dirty = std::mem::take(&mut self.dirty);
        let venue = &self.venue;
        let orders = view::orders(venue, now);
        let facts = Arc::new(view::all_facts(venue, &orders));
        let before = self.latest.as_ref();
        let changed = match before {
            Some(before) => changed_facts(&before.facts, &facts, dirty.over.clone()),
            // This actor does not know what was shown before it.
            None => venue.tickets().map(|ticket| (ticket.id, known_facts(venue, ticket, &facts))).collect(),
        };
        let console = match before.filter(|_| !dirty.all) {
            Some(before) => ForConsoles::Change { from: before.seq, change: rows(venue, &orders, &dirty) },
            None => ForConsoles::All(Box::new(view::console(venue, &orders))),
        };
        let same_config = before.filter(|before| *before.config == *venue.config());
        let config = same_config.map_or_else(|| Arc::new(venue.config().clone()), |before| before.config.clone());
        self.edition += 1;
        let publication = Arc::new(Publication::new(
            config.id.clone(),
            self.epoch,
            venue.seq(),
            now,
            self.edition,
            config,
            view::board(venue),
            facts,
            changed,
            console,
        ));
        self.metrics.published(venue);
        self.published_at = Some(Instant::now());
        self.latest = Some(publication.clone());
        // A refresh that moves no `seq` need not be resumed from.
        if before_seq(&publication) != Some(publication.seq) {
            self.resumable.push_back(publication.clone());
            if self.resumable.len() > RESUMABLE_MAX {
                self.resumable.pop_front();
            }
        }
        self.hubs.publish(&publication);
        publication
    }
}

fn before_seq(publication: &Publication) -> Option<Seq> {
    match publication.console {
        ForConsoles::Change { from, .. } => Some(from),
        ForConsoles::All(_) => None,
    }
}

/// The tickets whose phones show something else now.
fn changed_facts(
    before: &BTreeMap<TicketId, Facts>,
    now: &BTreeMap<TicketId, Facts>,
    over: BTreeMap<TicketId, Facts>,
) -> Vec<(TicketId, Facts)> {
    let changed = now.iter().filter(|(id, facts)| before.get(id) != Some(facts));
    let ended = over.into_iter().filter(|(id, _)| !now.contains_key(id));
    changed.map(|(id, facts)| (*id, facts.clone())).chain(ended).collect()
}

/// What a phone shows of one ticket, over or not.
fn known_facts(venue: &Venue, ticket: &Ticket, live: &BTreeMap<TicketId, Facts>) -> Facts {
    live.get(&ticket.id).cloned().unwrap_or_else(|| view::facts(venue, ticket, None))
}

/// The rows consoles need after these changes.
fn rows(venue: &Venue, orders: &view::Orders, dirty: &Dirty) -> wire::Change {
    let tickets = dirty.tickets.iter().filter_map(|id| venue.ticket(*id));
    let (over, live): (Vec<_>, Vec<_>) = tickets.partition(|ticket| ticket.state.is_over());
    let order = |service: &callnext_engine::config::ServiceConfig| {
        view::queue_order(venue, service, orders.get(&service.id).map_or(&[], Vec::as_slice))
    };
    let counters = venue.counters().filter(|_| dirty.counters);
    wire::Change {
        services: if dirty.any { venue.config().services.iter().map(order).collect() } else { Vec::new() },
        counters: counters.filter_map(|counter| view::counter_row(venue, &counter.id)).collect(),
        tickets: live.into_iter().map(|ticket| view::ticket_row(venue, ticket)).collect(),
        removed: over.into_iter().map(|ticket| ticket.id.0).collect(),
        appointments: if dirty.appointments { view::appointment_rows(venue) } else { Vec::new() },
        appointments_removed: Vec::new(),
    }
}

impl Dirty {
    fn note(&mut self, event: &Event) {
        match event {
            Event::DayOpened { .. } | Event::VenueConfigured { .. } | Event::AppointmentsSet { .. } => self.all = true,
            Event::TicketIssued { ticket, appointment, .. } => {
                self.appointments |= appointment.is_some();
                self.tickets.insert(*ticket);
            }
            Event::TicketCalled { ticket, .. }
            | Event::ServiceCompleted { ticket }
            | Event::TicketMissed { ticket, .. }
            | Event::TicketHeld { ticket, .. }
            | Event::TicketTransferred { ticket, .. }
            | Event::TicketCancelled { ticket, .. }
            | Event::TicketNotShown { ticket } => {
                self.counters = true;
                self.tickets.insert(*ticket);
            }
            Event::TicketReadied { ticket, .. }
            | Event::WaitAnnounced { ticket, .. }
            | Event::TicketRecalled { ticket }
            | Event::ServiceStarted { ticket }
            | Event::TicketReturned { ticket }
            | Event::TicketRequeued { ticket, .. }
            | Event::GreenChannelGranted { ticket, .. }
            | Event::TicketSteppedBack { ticket, .. } => {
                self.tickets.insert(*ticket);
            }
            Event::CounterSet { .. } | Event::ChangeUndone { .. } => self.counters = true,
        }
    }
}
