//! What the world sees of a venue: the state that is saved, and what was last published of it.
//!
//! Nothing here decides. Changes come in when the journal has them; publications go out to the hubs.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use callnext_engine::figures::Ledger;
use callnext_engine::venue::Outcome;
use callnext_engine::{Change, Event, Refusal, Seq, TicketId, TicketState, Timestamp, Venue, VenueId};
use tokio::sync::watch;

use super::card_line::Names;
use super::dirty::{Dirty, rows};
use super::frame::{Draft, Frame};
use super::hubs::Hubs;
use super::messages::Answer;
use super::publication::{ConsoleNews, Facts, ForConsoles, Publication};
use super::standing::Standing;
use super::today::Today;
use super::{policies, view};
use crate::clock::Clock;
use crate::journal::tail::Position;
use crate::journal::{Epoch, Opened};
use crate::metrics::Metrics;
use crate::wire;

/// Changes within this span are published together, unless the settings say otherwise.
pub const MERGE: Duration = Duration::from_millis(50);
/// A pause that is shorter is not worth a word: a venue that moves has one.
const PAUSE_TOLD: Duration = Duration::from_secs(1);
/// Publications a console can resume from.
const RESUMABLE_MAX: usize = 256;

/// What the world sees of a venue: the state that is saved, and what was last published of it.
pub struct Shown {
    venue: Venue,
    /// What today's figures are counted from.
    ledger: Ledger,
    /// The change that opened the day.
    opened: Seq,
    epoch: Epoch,
    clock: Clock,
    hubs: Hubs,
    metrics: Arc<Metrics>,
    edition: u64,
    latest: Option<Arc<Publication>>,
    /// Where everybody stands; none before somebody asks after a change.
    standing: Option<Standing>,
    /// Who was missed and may come back: few of a day's many.
    missed: BTreeSet<TicketId>,
    /// What phones were shown that opened since the latest publication.
    opened_with: BTreeMap<TicketId, Facts>,
    resumable: VecDeque<Arc<ConsoleNews>>,
    dirty: Dirty,
    published_at: Option<Instant>,
    /// How long what is not urgent waits for more to go with it.
    merge: Duration,
    progress: watch::Sender<Seq>,
    last_change: Option<Change>,
    pause: Option<Pause>,
    /// What the journal may forget; none where it does not.
    today: Option<Today>,
}

/// Nothing can be saved, or heard.
#[derive(Debug, Clone, Copy)]
struct Pause {
    since: Timestamp,
    begun: Instant,
    is_told: bool,
}

/// What became of changes that another node wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Followed {
    /// Taken in, and to be published at once.
    AtOnce,
    /// Taken in, and to be published with what comes within the next moment.
    Soon,
    /// They do not follow on what is shown: the venue must be loaded anew.
    NotAtAll,
}

impl Shown {
    /// A venue that nobody has been shown yet.
    pub(super) fn new(venue: Venue, epoch: Epoch, clock: Clock, hubs: Hubs, metrics: Arc<Metrics>) -> Self {
        Self {
            venue,
            ledger: Ledger::default(),
            opened: Seq(0),
            epoch,
            clock,
            hubs,
            metrics,
            edition: 0,
            latest: None,
            standing: None,
            missed: BTreeSet::new(),
            opened_with: BTreeMap::new(),
            resumable: VecDeque::new(),
            dirty: Dirty { all: true, ..Dirty::default() },
            published_at: None,
            merge: MERGE,
            progress: watch::Sender::new(Seq(0)),
            last_change: None,
            pause: None,
            today: None,
        }
    }

    /// The same, with the day remembered beside a journal that may forget it.
    pub(super) fn remembering(self) -> Self {
        Self { today: Some(Today::default()), ..self }
    }

    /// The same, with changes merged for so long.
    pub(super) fn merging(self, merge: Duration) -> Self {
        Self { merge, ..self }
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

    /// What today's figures are counted from.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The change that opened the day.
    pub fn opened(&self) -> Seq {
        self.opened
    }

    /// Notes whether changes can be saved, or heard of, at the moment.
    pub(super) fn pause(&mut self, is_paused: bool) {
        let since = self.clock.now();
        match &mut self.pause {
            None if is_paused => self.pause = Some(Pause { since, begun: Instant::now(), is_told: false }),
            Some(pause) if is_paused && !pause.is_told && pause.begun.elapsed() >= PAUSE_TOLD => {
                pause.is_told = true;
                self.dirty.all = true;
            }
            Some(pause) if !is_paused => {
                self.dirty.all |= pause.is_told;
                self.pause = None;
            }
            _ => {}
        }
    }

    fn paused_since(&self) -> Option<chrono::DateTime<chrono::Utc>> {
        self.pause.filter(|pause| pause.is_told).map(|pause| pause.since.to_utc())
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
    pub fn console_frame(&mut self) -> Frame {
        let current = self.current();
        let all = ForConsoles::All(Box::new(self.console()));
        ConsoleNews::new(current.epoch, current.seq, current.at, current.edition, all).frame()
    }

    /// The whole queue.
    pub fn console(&self) -> wire::Console {
        let now = self.now();
        let console = view::console(&self.venue, &view::orders(&self.venue, now), now);
        wire::Console { paused_since: self.paused_since(), ..console }
    }

    /// The frames a console missed that stands at this point; the whole queue where they are no longer known.
    pub fn resume(&mut self, epoch: &str, seq: u64) -> Vec<Frame> {
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

    /// What a phone shows of one ticket, over or not, as a frame.
    pub fn card_frame(&mut self, ticket: TicketId) -> Option<Draft> {
        let (facts, current) = self.card(ticket)?;
        let mut draft = Draft::default();
        current.draw_card(&facts, &mut draft);
        Some(draft)
    }

    /// What a phone shows of one ticket, over or not, and the publication it belongs to.
    pub fn card(&mut self, ticket: TicketId) -> Option<(Facts, Arc<Publication>)> {
        let current = self.current();
        if let Some(facts) = current.facts.get(&ticket) {
            return Some((facts.clone(), current));
        }
        let facts = self.facts(ticket)?;
        if self.venue.ticket(ticket).is_some_and(|ticket| !ticket.state.is_over()) {
            self.opened_with.insert(ticket, facts.clone());
        }
        Some((facts, current))
    }

    /// What a phone shows of one ticket, over or not.
    fn facts(&mut self, ticket: TicketId) -> Option<Facts> {
        let now = self.now();
        let ticket = self.venue.ticket(ticket)?;
        let standing = self.standing.get_or_insert_with(|| Standing::new(now));
        Some(standing.facts(&self.venue, ticket))
    }

    /// The card of a ticket that was given out.
    pub(super) fn card_of(&mut self, ticket: TicketId) -> Option<wire::Card> {
        self.facts(ticket).map(|facts| view::card(self.venue.config(), &facts))
    }

    /// The latest change taken in; none before the first.
    pub(super) fn last_change(&self) -> Option<&Change> {
        self.last_change.as_ref()
    }

    /// Shows the venue as its journal has it, before this node writes it: from the changes since the last one taken
    /// in, that one included, or from those since the day's opening.
    pub(super) fn catch_up(&mut self, opened: &Opened) {
        let same_history = match (&self.last_change, opened.changes.first()) {
            (Some(known), Some(first)) => known == first,
            (known, _) => known.is_none(),
        };
        if !same_history {
            self.forget();
        }
        self.begin(opened.epoch);
        for change in &opened.changes {
            self.take_in(change);
        }
    }

    /// Shows the venue as it was loaded, whatever was shown before.
    pub(super) fn reload(&mut self, loaded: &Opened) {
        self.last_change = None;
        self.forget();
        self.catch_up(loaded);
    }

    /// Shows what another node wrote. Says whether that follows on what is shown; if not, nothing was taken in.
    pub(super) fn follow(&mut self, epoch: Epoch, changes: &[Change]) -> Followed {
        let Some(first) = changes.first() else { return Followed::Soon };
        // A new owner begins where the journal ends. If this was shown more than that, the store has lost something: it
        // was given back the same, or there is another history now.
        let told_again = changes.iter().take_while(|change| change.seq <= self.venue.seq()).count();
        let (again, _) = changes.split_at(told_again);
        let differs = match &self.today {
            Some(today) => !today.knows(again),
            None => epoch > self.epoch && !again.is_empty(),
        };
        if differs || (first.seq > self.venue.seq().next() && !opens_day(first)) {
            return Followed::NotAtAll;
        }
        if epoch > self.epoch {
            self.begin(epoch);
        }
        let mut at_once = false;
        for change in changes {
            at_once |= self.take_in(change);
        }
        if at_once { Followed::AtOnce } else { Followed::Soon }
    }

    fn forget(&mut self) {
        self.venue = Venue::new(self.venue.config().clone());
        self.standing = None;
        self.missed.clear();
        self.ledger = Ledger::default();
        if let Some(today) = &mut self.today {
            today.forget();
        }
    }

    /// What a journal has lost that keeps only these of the day.
    pub(super) fn lost_by(&self, kept: &[Change]) -> Vec<Change> {
        self.today.as_ref().map_or_else(Vec::new, |today| today.lost_by(kept))
    }

    /// Another ownership: whoever watches is told everything anew.
    fn begin(&mut self, epoch: Epoch) {
        self.epoch = epoch;
        self.resumable.clear();
        self.dirty.all = true;
    }

    fn take_in(&mut self, change: &Change) -> bool {
        let follows = change.seq == self.venue.seq().next() || (opens_day(change) && change.seq > self.venue.seq());
        follows && self.apply(change)
    }

    /// Takes in a saved change; true if it should be published at once.
    pub(super) fn apply(&mut self, change: &Change) -> bool {
        self.metrics.changed(&self.venue.config().id, change);
        // What a change is about may only be known before it, or only after it: an undone ticket, a new one.
        let mut touched = Dirty { any: true, ..Dirty::default() };
        if let Outcome::Undone { tickets, .. } = &change.outcome {
            touched.tickets.extend(tickets);
        }
        for event in &change.events {
            touched.note(event);
        }
        self.standing = None;
        self.venue.apply(change);
        self.ledger.hear(&self.venue, change);
        if opens_day(change) {
            self.opened = change.seq;
        }
        if let Some(today) = &mut self.today {
            if opens_day(change) {
                today.forget();
            }
            today.push(change);
        }
        self.note_missed(&touched);
        let over = touched.tickets.iter().filter_map(|id| self.venue.ticket(*id));
        let over = over.filter(|ticket| ticket.state.is_over() && self.is_watched(ticket.id));
        touched.over = over.map(|ticket| (ticket.id, view::facts(&self.venue, ticket, None))).collect();
        self.dirty.add(touched);
        self.last_change = Some(change.clone());
        self.progress.send_replace(self.venue.seq());
        change.events.iter().any(|event| matches!(event, Event::TicketCalled { .. } | Event::TicketRecalled { .. }))
    }

    /// Follows who is missed: looking through the day's tickets for them would cost every publication a walk.
    fn note_missed(&mut self, touched: &Dirty) {
        if touched.all {
            self.missed = missed(&self.venue);
        }
        let is_missed = |id: &TicketId| self.venue.ticket(*id).is_some_and(|it| it.state == TicketState::Missed);
        for id in &touched.tickets {
            if is_missed(id) {
                self.missed.insert(*id);
            } else {
                self.missed.remove(id);
            }
        }
    }

    /// Whether a phone shows this ticket here.
    fn is_watched(&self, ticket: TicketId) -> bool {
        self.hubs.watched().has_card(self.id(), ticket)
    }

    /// Up to where the venue's journal is shown.
    pub fn position(&self) -> Position {
        Position { epoch: self.epoch, seq: self.venue.seq() }
    }

    /// Tells how far this is, now and later.
    pub fn progress(&self) -> watch::Receiver<Seq> {
        self.progress.subscribe()
    }

    /// What its asker is told of an outcome, but for the [card](Self::card_of) of a ticket that was given out.
    pub(super) fn answer(&self, outcome: Outcome) -> Answer {
        let row = |id: &TicketId| self.venue.ticket(*id).map(|ticket| view::ticket_row(&self.venue, ticket));
        let tickets: Vec<wire::TicketRow> = match &outcome {
            Outcome::Ticket { ticket } | Outcome::Called { ticket, .. } => row(ticket).into_iter().collect(),
            Outcome::Undone { tickets, .. } => tickets.iter().filter_map(row).collect(),
            Outcome::Done
            | Outcome::NobodyWaiting
            | Outcome::Appointments { .. }
            | Outcome::Arrival { .. }
            | Outcome::Closed { .. }
            | Outcome::Counter { .. }
            | Outcome::PolicyChanged { .. } => Vec::new(),
        };
        let counter = match &outcome {
            Outcome::Counter { counter } => view::counter_row(&self.venue, counter, self.now()),
            _ => None,
        };
        let policy = match &outcome {
            Outcome::PolicyChanged { version } => policies::change(&self.venue, *version),
            _ => None,
        };
        Answer { seq: self.venue.seq(), outcome, tickets, counter, card: None, policy }
    }

    /// How long what is not published yet may still wait for more to go with it; none if all is published.
    pub(super) fn merges_for(&self) -> Option<Duration> {
        let since = self.published_at.map_or(Duration::MAX, |at| at.elapsed());
        (self.dirty.any || self.dirty.all).then(|| self.merge.saturating_sub(since))
    }

    /// Tells every worker's hub how things stand.
    pub(super) fn publish(&mut self) -> Arc<Publication> {
        let now = self.now();
        self.standing.take_if(|standing| !standing.holds(now));
        let paused_since = self.paused_since();
        let standing = self.standing.get_or_insert_with(|| Standing::new(now));
        let dirty = std::mem::take(&mut self.dirty);
        let venue = &self.venue;
        // What nobody looks at need not be known.
        let open = self.hubs.watched().cards(&venue.config().id);
        let facts = Arc::new(standing.facts_of(venue, &open));
        let opened_with = std::mem::take(&mut self.opened_with);
        let before = self.latest.as_ref();
        let (changed, ended) = match before {
            Some(before) => {
                let known = |id: &TicketId| before.facts.get(id).or_else(|| opened_with.get(id));
                changed_facts(known, &facts, dirty.over.clone())
            }
            // This actor does not know what was shown before it.
            None => {
                let over = open.iter().filter_map(|id| venue.ticket(*id)).filter(|ticket| ticket.state.is_over());
                let ended = over.map(|ticket| (ticket.id, view::facts(venue, ticket, None))).collect();
                (open, ended)
            }
        };
        let console = self.hubs.watched().has_console(&venue.config().id).then(|| {
            let orders = standing.orders(venue);
            match before.filter(|_| !dirty.all) {
                Some(before) => ForConsoles::Change { from: before.seq, change: rows(venue, orders, &dirty, now) },
                None => ForConsoles::All(Box::new(wire::Console { paused_since, ..view::console(venue, orders, now) })),
            }
        });
        debug_assert_eq!(self.missed, missed(venue), "those who are missed, as their tickets say");
        let board = wire::Board { paused_since, ..view::board(venue, self.missed.iter().copied()) };
        let same_board = before.is_some_and(|before| before.epoch == self.epoch && before.board == board);
        let same_config = before.filter(|before| *before.config == *venue.config());
        let config = match same_config {
            Some(before) => (before.config.clone(), before.names.clone()),
            None => (Arc::new(venue.config().clone()), Arc::new(Names::of(venue.config()))),
        };
        self.edition += 1;
        let publication = Arc::new(Publication::new(
            venue.config().id.clone(),
            self.epoch,
            venue.seq(),
            now,
            self.edition,
            config,
            (board, !same_board),
            facts,
            (changed, ended),
            console,
        ));
        self.metrics.published(venue);
        self.published_at = Some(Instant::now());
        self.latest = Some(publication.clone());
        match &publication.console {
            // A refresh that moves no `seq` need not be resumed from.
            Some(news) if news.from() == Some(publication.seq) => {}
            Some(news) => {
                self.resumable.push_back(news.clone());
                if self.resumable.len() > RESUMABLE_MAX {
                    self.resumable.pop_front();
                }
            }
            // Whoever comes back later has missed what nobody was told.
            None => self.resumable.clear(),
        }
        self.hubs.publish(&publication);
        publication
    }
}

/// Everybody who was missed and may come back.
fn missed(venue: &Venue) -> BTreeSet<TicketId> {
    venue.live().filter(|ticket| ticket.state == TicketState::Missed).map(|ticket| ticket.id).collect()
}

/// Whether a change is a full starting point.
fn opens_day(change: &Change) -> bool {
    change.events.iter().any(|event| matches!(event, Event::DayOpened { .. }))
}

/// The tickets whose phones show something else now, in their order, and what those show that ended.
fn changed_facts<'f>(
    before: impl Fn(&TicketId) -> Option<&'f Facts>,
    now: &BTreeMap<TicketId, Facts>,
    mut ended: BTreeMap<TicketId, Facts>,
) -> (Vec<TicketId>, BTreeMap<TicketId, Facts>) {
    ended.retain(|ticket, _| !now.contains_key(ticket));
    let changed = now.iter().filter(|(id, facts)| before(id) != Some(facts)).map(|(id, _)| *id);
    let mut changed: Vec<TicketId> = changed.chain(ended.keys().copied()).collect();
    changed.sort_unstable();
    (changed, ended)
}
