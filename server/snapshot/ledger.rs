//! Follows a day, change by change, and keeps what becomes of each ticket.
//!
//! What happened is the engine's to say: a venue's value is played from the day's opening on, as a server does that
//! opens the venue. It is the one part of a snapshot that grows with the day, as it does in the server itself; beside
//! it stand some 200 bytes per ticket.

use std::collections::VecDeque;

use callnext_engine::event::Rule;
use callnext_engine::figures;
use callnext_engine::{
    BusinessDay, Change, CounterId, Event, Millis, Seq, Ticket, TicketId, Timestamp, Venue, VenueConfig,
};

use super::digest::{Digest, Hashing};
use super::figures::{DayFigures, Tally};
use super::record::{Announced, TicketRecord};

/// Calls that are remembered for being taken back: more than the engine lets anybody take back.
const RECENT_MAX: usize = 4_000;

/// A day that is followed.
pub struct Ledger {
    venue: Venue,
    first_ticket: TicketId,
    stories: Vec<Story>,
    counted: figures::Ledger,
    /// What the latest called tickets were before.
    recent: VecDeque<(Seq, TicketId, Story)>,
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

impl Ledger {
    /// A day that begins with this change; none where it does not open one.
    pub fn open(first: &Change) -> Option<Self> {
        let Some(Event::DayOpened { config, next_ticket, .. }) = first.events.first() else { return None };
        let venue = Venue::new(VenueConfig::clone(config));
        let (stories, counted, recent) = (Vec::new(), figures::Ledger::default(), VecDeque::new());
        let mut ledger = Self { venue, first_ticket: *next_ticket, stories, counted, recent };
        ledger.follow(first);
        Some(ledger)
    }

    /// One more change.
    pub fn follow(&mut self, change: &Change) {
        for event in &change.events {
            match event {
                Event::TicketCalled { ticket, counter, why, .. } => self.called(change, *ticket, counter, why.rule),
                Event::ChangeUndone { seq } => self.undone(*seq),
                _ => {}
            }
        }
        self.venue.apply(change);
        self.counted.hear(&self.venue, change);
        for event in &change.events {
            if let Event::WaitAnnounced { ticket, raw } = event {
                let forecast = self.venue.ticket(*ticket).and_then(|ticket| self.venue.forecast(&ticket.service).ok());
                let shown = forecast.map(|forecast| forecast.range(*raw));
                self.story(*ticket).announced = shown.map(|wait| Announced {
                    likely_ms: wait.likely,
                    low_ms: wait.low,
                    high_ms: wait.high,
                    raw_ms: *raw,
                });
            }
        }
    }

    /// The value after the latest change.
    pub fn venue(&self) -> &Venue {
        &self.venue
    }

    /// The day that is followed.
    pub fn day(&self) -> BusinessDay {
        self.venue.day()
    }

    /// A call, as it finds its ticket: the queue tells how often somebody was overtaken only while they stand in it.
    fn called(&mut self, change: &Change, id: TicketId, counter: &CounterId, rule: Rule) {
        let Some(ticket) = self.venue.ticket(id) else { return };
        let queue = self.venue.queue(&ticket.service);
        let overtaken = queue.zip(ticket.place.as_ref()).map_or(0, |(queue, place)| queue.overtaken(id, place));
        let waited = change.at.since(ticket.queued_at);
        let since_issued = change.at.since(ticket.issued_at);
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
        let at = usize::try_from(id.0.saturating_sub(self.first_ticket.0)).unwrap_or_default();
        if self.stories.len() <= at {
            self.stories.resize_with(at + 1, Story::default);
        }
        // Made longer just above.
        #[expect(clippy::indexing_slicing, reason = "the list was made long enough")]
        &mut self.stories[at]
    }

    /// Tells every ticket's record, and what they come to.
    pub fn close<E>(self, mut tell: impl FnMut(&TicketRecord) -> Result<(), E>) -> Result<(Venue, DayFigures), E> {
        let mut tally = Tally::default();
        let nothing = Story::default();
        for ticket in self.venue.tickets() {
            let at = usize::try_from(ticket.id.0.saturating_sub(self.first_ticket.0)).ok();
            let story = at.and_then(|at| self.stories.get(at)).unwrap_or(&nothing);
            let record = record(ticket, story);
            tally.add(ticket, &record);
            tell(&record)?;
        }
        let figures = tally.figures(&self.counted, &self.venue);
        Ok((self.venue, figures))
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

/// The digest of a venue's value, as the engine serialises it. Made on the way: the text is never there as a whole.
pub fn state_digest(venue: &Venue) -> Result<Digest, serde_json::Error> {
    let mut hashing = Hashing::new(std::io::sink());
    serde_json::to_writer(std::io::BufWriter::new(&mut hashing), venue)?;
    Ok(hashing.finish().2)
}
