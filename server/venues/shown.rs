//! What the world sees of a venue: the state that is saved, and what was last published of it.
//!
//! Nothing here decides. Changes come in when the journal has them; publications go out to the hubs.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytestring::ByteString;
use callnext_engine::ticket::Ticket;
use callnext_engine::venue::Outcome;
use callnext_engine::{Change, Refusal, Seq, TicketId, Timestamp, Venue, VenueId};

use super::dirty::{Dirty, rows};
use super::hub::Hubs;
use super::messages::Answer;
use super::publication::{ConsoleNews, Facts, ForConsoles, Publication};
use super::view;
use crate::clock::Clock;
use crate::journal::Epoch;
use crate::metrics::Metrics;
use crate::wire;

/// Changes within this span are published together; calls are published at once.
const MERGE: Duration = Duration::from_millis(50);
/// Publications a console can resume from.
const RESUMABLE_MAX: usize = 256;

/// What the world sees of a venue: the state that is saved, and what was last published of it.
pub struct Shown {
    venue: Venue,
    epoch: Epoch,
    clock: Clock,
    hubs: Hubs,
    metrics: Arc<Metrics>,
    edition: u64,
    latest: Option<Arc<Publication>>,
    resumable: VecDeque<Arc<ConsoleNews>>,
    dirty: Dirty,
    published_at: Option<Instant>,
}

impl Shown {
    /// A venue that nobody has been shown yet.
    pub(super) fn new(venue: Venue, epoch: Epoch, clock: Clock, hubs: Hubs, metrics: Arc<Metrics>) -> Self {
        Self {
            venue,
            epoch,
            clock,
            hubs,
            metrics,
            edition: 0,
            latest: None,
            resumable: VecDeque::new(),
            dirty: Dirty { all: true, ..Dirty::default() },
            published_at: None,
        }
    }

    /// The clock the venue goes by.
    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The ownership under which it is written.
    pub(super) fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Counts a refusal.
    pub(super) fn refused(&self, refusal: &Refusal) {
        self.metrics.refused(self.id(), refusal);
    }

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
        if !self.dirty.any
            && !self.dirty.all
            && let Some(latest) = &self.latest
        {
            return latest.clone();
        }
        self.publish()
    }

    /// The whole queue as of the latest publication, as a frame.
    pub fn console_frame(&mut self) -> ByteString {
        let current = self.current();
        let all = ForConsoles::All(Box::new(self.console()));
        ConsoleNews::new(current.epoch, current.seq, current.at, all).frame()
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
            let from = self.resumable.iter().position(|news| news.from() == Some(Seq(seq)));
            if let Some(from) = from {
                let missed = self.resumable.iter().skip(from);
                if missed.clone().all(|news| news.from().is_some()) {
                    return missed.map(|news| news.frame()).collect();
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

    pub(super) fn apply(&mut self, change: &Change) {
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

    pub(super) fn answer(&self, outcome: Outcome, issued: bool) -> Answer {
        let row = |id: &TicketId| self.venue.ticket(*id).map(|ticket| view::ticket_row(&self.venue, ticket));
        let tickets: Vec<wire::TicketRow> = match &outcome {
            Outcome::Ticket { ticket } | Outcome::Called { ticket, .. } => row(ticket).into_iter().collect(),
            Outcome::Undone { tickets, .. } => tickets.iter().filter_map(row).collect(),
            Outcome::Done
            | Outcome::NobodyWaiting
            | Outcome::Appointments { .. }
            | Outcome::Counter { .. }
            | Outcome::PolicyChanged { .. } => Vec::new(),
        };
        let card = match &outcome {
            Outcome::Ticket { ticket } if issued => self
                .venue
                .ticket(*ticket)
                .map(|ticket| view::card(self.venue.config(), &view::one_facts(&self.venue, ticket, self.now()))),
            _ => None,
        };
        let counter = match &outcome {
            Outcome::Counter { counter } => view::counter_row(&self.venue, counter),
            _ => None,
        };
        Answer { outcome, tickets, counter, card }
    }

    pub(super) fn merge_is_over(&self) -> bool {
        (self.dirty.any || self.dirty.all) && self.published_at.is_none_or(|at| at.elapsed() >= MERGE)
    }

    /// Tells every worker's hub how things stand.
    pub(super) fn publish(&mut self) -> Arc<Publication> {
        let now = self.now();
        let dirty = std::mem::take(&mut self.dirty);
        let venue = &self.venue;
        let orders = view::orders(venue, now);
        let facts = Arc::new(view::all_facts(venue, &orders));
        let before = self.latest.as_ref();
        let changed = match before {
            Some(before) => changed_facts(&before.facts, &facts, &dirty),
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
        if publication.console.from() != Some(publication.seq) {
            self.resumable.push_back(publication.console.clone());
            if self.resumable.len() > RESUMABLE_MAX {
                self.resumable.pop_front();
            }
        }
        self.hubs.publish(&publication);
        publication
    }
}

/// The tickets whose phones show something else now.
fn changed_facts(
    before: &BTreeMap<TicketId, Facts>,
    now: &BTreeMap<TicketId, Facts>,
    dirty: &Dirty,
) -> Vec<(TicketId, Facts)> {
    let changed = now.iter().filter(|(id, facts)| before.get(id) != Some(facts));
    let ended = dirty.over.iter().filter(|(id, _)| !now.contains_key(id));
    changed.chain(ended).map(|(id, facts)| (*id, facts.clone())).collect()
}

/// What a phone shows of one ticket, over or not.
fn known_facts(venue: &Venue, ticket: &Ticket, live: &BTreeMap<TicketId, Facts>) -> Facts {
    live.get(&ticket.id).cloned().unwrap_or_else(|| view::facts(venue, ticket, None))
}
