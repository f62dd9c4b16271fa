//! Follows a day, change by change, and keeps what becomes of each ticket.
//!
//! What happened is the engine's to say: a venue's value is played from the day's opening on, as a server does that
//! opens the venue. But a ticket whose visit is over for good goes to the [`Shelf`], a file, so that in memory are those
//! who are still here, and of the others 8 bytes each in the engine, in the shelf, and for each wait.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;

use callnext_engine::event::Rule;
use callnext_engine::figures;
use callnext_engine::replay::{Replay, Retired};
use callnext_engine::{
    BusinessDay, Change, CounterId, Event, Millis, Seq, Ticket, TicketId, Timestamp, Venue, VenueConfig,
};

use super::digest::Digest;
use super::error::SnapshotError;
use super::figures::{DayFigures, Tally};
use super::line::Line;
use super::record::{Announced, TicketRecord};
use super::shelf::{Shelf, Shelved};
use super::state::State;

/// Calls that are remembered for being taken back: more than the engine lets anybody take back.
const RECENT_MAX: usize = 4_000;
/// Tickets go to the shelf after so many changes: some hundreds at a time, which are less than what is at hand anyway.
pub(super) const CHANGES_BETWEEN: u64 = 1_000;

/// A day that is followed.
pub struct Ledger<'f> {
    replay: Replay,
    /// Of the tickets that are not on the shelf.
    stories: BTreeMap<TicketId, Story>,
    counted: figures::Ledger,
    tally: Tally,
    /// What the latest called tickets were before.
    recent: VecDeque<(Seq, TicketId, Story)>,
    shelf: Shelf<'f>,
    changes: u64,
}

/// What a ticket's final state does not tell.
#[derive(Debug, Clone, Default)]
struct Story {
    called_at: Option<Timestamp>,
    last_called_at: Option<Timestamp>,
    counter: Option<CounterId>,
    rule: Option<Rule>,
    waited: Option<Millis>,
    waited_in_all: Option<Millis>,
    overtaken: Option<u32>,
    calls: u32,
    announced: Option<Announced>,
}

/// A day that was followed to its end.
pub struct Closed {
    /// The declaration in force in the end.
    pub config: VenueConfig,
    /// The day.
    pub day: BusinessDay,
    /// What its tickets come to.
    pub figures: DayFigures,
    /// The digest of the venue's value after the last change.
    pub state: Digest,
}

impl<'f> Ledger<'f> {
    /// A day that begins with this change, with room in this empty file; none where it does not open one.
    pub fn open(first: &Change, room: &'f File) -> Result<Option<Self>, SnapshotError> {
        let Some(Event::DayOpened { config, next_ticket, .. }) = first.events.first() else { return Ok(None) };
        let mut ledger = Self {
            replay: Replay::new(Venue::new(VenueConfig::clone(config))),
            stories: BTreeMap::new(),
            counted: figures::Ledger::default(),
            tally: Tally::default(),
            recent: VecDeque::new(),
            shelf: Shelf::new(room, *next_ticket),
            changes: 0,
        };
        ledger.follow(first)?;
        Ok(Some(ledger))
    }

    /// One more change.
    pub fn follow(&mut self, change: &Change) -> Result<(), SnapshotError> {
        for ticket in self.replay.needs(change) {
            self.fetch(ticket)?;
        }
        for event in &change.events {
            match event {
                Event::TicketCalled { ticket, counter, why, .. } => {
                    self.called(change, *ticket, counter, why.rule, why.overtaken);
                }
                Event::ChangeUndone { seq } => self.undone(*seq),
                _ => {}
            }
        }
        self.replay.apply(change);
        self.counted.hear(self.replay.venue(), change);
        for event in &change.events {
            if let Event::WaitAnnounced { ticket, raw } = event {
                let venue = self.replay.venue();
                let forecast = venue.ticket(*ticket).and_then(|ticket| venue.forecast(&ticket.service).ok());
                let shown = forecast.map(|forecast| forecast.range(*raw));
                self.story(*ticket).announced = shown.map(|wait| Announced {
                    likely_ms: wait.likely,
                    low_ms: wait.low,
                    high_ms: wait.high,
                    raw_ms: *raw,
                });
            }
        }
        self.changes += 1;
        if self.changes.is_multiple_of(CHANGES_BETWEEN) {
            let retired = self.replay.retire();
            self.shelve(retired, self.replay.settled_before())?;
        }
        Ok(())
    }

    /// The value after the latest change, without those on the shelf.
    pub fn venue(&self) -> &Venue {
        self.replay.venue()
    }

    /// How many tickets are in memory.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.replay.held()
    }

    /// A call, as it finds its ticket.
    fn called(&mut self, change: &Change, id: TicketId, counter: &CounterId, rule: Rule, overtaken: u32) {
        let Some(ticket) = self.replay.venue().ticket(id) else { return };
        let waited = change.at.since(ticket.queued_at);
        let since_issued = change.at.since(ticket.issued_at);
        // Nobody is overtaken who stands in no queue.
        let overtaken = if ticket.place.is_some() { overtaken } else { 0 };
        let story = self.story(id);
        let before = story.clone();
        story.called_at.get_or_insert(change.at);
        story.waited.get_or_insert(since_issued);
        story.overtaken.get_or_insert(overtaken);
        story.waited_in_all = Some(Millis(story.waited_in_all.unwrap_or_default().0 + waited.0));
        story.last_called_at = Some(change.at);
        story.counter = Some(counter.clone());
        story.rule = Some(rule);
        story.calls += 1;
        self.recent.push_back((change.seq, id, before));
        if self.recent.len() > RECENT_MAX {
            self.recent.pop_front();
        }
    }

    fn undone(&mut self, seq: Seq) {
        let (undone, recent) = std::mem::take(&mut self.recent).into_iter().partition(|(at, ..)| *at == seq);
        self.recent = recent;
        let undone: VecDeque<_> = undone;
        for (_, id, before) in undone {
            *self.story(id) = before;
        }
    }

    fn story(&mut self, id: TicketId) -> &mut Story {
        self.stories.entry(id).or_default()
    }

    /// Puts tickets on the shelf, and counts what was done before this change.
    fn shelve(&mut self, retired: Vec<Retired>, settled_before: Seq) -> Result<(), SnapshotError> {
        let over = retired.iter().map(|retired| retired.ticket.id);
        self.counted.settle(settled_before, over).for_each(|fact| self.tally.hear(&fact));
        for retired in retired {
            let story = self.stories.remove(&retired.ticket.id).unwrap_or_default();
            self.shelf.put(&retired, &record(&retired.ticket, &story))?;
        }
        Ok(())
    }

    /// Gets a ticket back from the shelf.
    fn fetch(&mut self, id: TicketId) -> Result<(), SnapshotError> {
        let Some(shelved) = self.shelf.take(id)? else { return Ok(()) };
        self.stories.insert(id, Story::of(read(&shelved)?));
        self.replay.give_back(serde_json::from_slice(&shelved.retired).map_err(std::io::Error::from)?);
        Ok(())
    }

    /// Tells every ticket's record and line, by number, and what they come to.
    pub fn close(
        mut self,
        mut tell: impl FnMut(&TicketRecord, &[u8]) -> Result<(), SnapshotError>,
    ) -> Result<Closed, SnapshotError> {
        let rest = self.replay.retire_all();
        self.shelve(rest, Seq(u64::MAX))?;
        let Self { replay, mut tally, shelf, .. } = self;
        let venue = replay.venue();
        let mut state = State::of(venue)?;
        shelf.each(|shelved| {
            state.ticket(&shelved.retired)?;
            let record = read(shelved)?;
            tally.add(&record);
            tell(&record, &shelved.line)
        })?;
        let figures = tally.figures(venue);
        Ok(Closed { config: venue.config().clone(), day: venue.day(), figures, state: state.digest()? })
    }
}

/// What was written a moment ago.
fn read(shelved: &Shelved) -> Result<TicketRecord, SnapshotError> {
    match serde_json::from_slice(&shelved.line).map_err(std::io::Error::from)? {
        Line::Ticket(record) => Ok(*record),
        _ => Err(std::io::Error::from(std::io::ErrorKind::InvalidData).into()),
    }
}

impl Story {
    fn of(record: TicketRecord) -> Self {
        Self {
            called_at: record.called_at,
            last_called_at: record.last_called_at,
            counter: record.counter,
            rule: record.rule,
            waited: record.waited_ms,
            waited_in_all: record.waited_in_all_ms,
            overtaken: record.overtaken,
            calls: record.calls,
            announced: record.announced,
        }
    }
}

fn record(ticket: &Ticket, story: &Story) -> TicketRecord {
    TicketRecord {
        ticket: ticket.id,
        number: ticket.number.clone(),
        service: ticket.service.clone(),
        lane: ticket.lane,
        state: ticket.state.name().to_owned(),
        visitor: ticket.visitor.clone(),
        slot_at: ticket.slot.map(|slot| slot.start),
        issued_at: ticket.issued_at,
        called_at: story.called_at,
        last_called_at: story.last_called_at,
        started_at: ticket.started_at,
        ended_at: ticket.ended_at,
        counter: story.counter.clone(),
        rule: story.rule,
        waited_ms: story.waited,
        waited_in_all_ms: story.waited_in_all,
        overtaken: story.overtaken,
        calls: story.calls,
        misses: ticket.misses,
        urgency: ticket.urgency(),
        is_overflow: ticket.overflow.is_some(),
        announced: story.announced,
    }
}
