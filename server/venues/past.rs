//! Reading a day again from its journal: one ticket's story, and the figures of days that are over.
//!
//! Off the venue's actor and off the workers' threads, a page at a time, so that neither a long day nor many who ask
//! hold up a call or fill the memory. It costs what opening the venue costs, for those who ask.

use std::sync::Arc;

use callnext_engine::figures::{DayFigures, Ledger};
use callnext_engine::story::{Story, Storyteller};
use callnext_engine::{Change, Event, Seq, TicketId, Timestamp, Venue, VenueConfig, VenueId};
use chrono::NaiveDate;
use tokio::sync::Semaphore;

use super::registry::{Registry, RegistryError};
use super::told;
use crate::journal::{Journal, JournalError};
use crate::wire::{FiguresAnswer, StoryAnswer};

/// Changes read at a time: a few megabytes at most, and a few milliseconds of work.
const PAGE: usize = 2_000;
/// Days that are read again at the same time; whoever asks next waits.
const READINGS_MAX: usize = 2;

/// Reads days again.
pub(super) struct Past {
    journal: Arc<dyn Journal>,
    permits: Semaphore,
}

impl Past {
    /// Reads from this journal.
    pub fn new(journal: Arc<dyn Journal>) -> Self {
        Self { journal, permits: Semaphore::new(READINGS_MAX) }
    }

    /// A ticket's story, from the change that opened its day up to `last`.
    pub async fn story(
        &self,
        venue: &VenueId,
        config: VenueConfig,
        ticket: TicketId,
        opened: Seq,
        last: Seq,
    ) -> Result<Option<Story>, RegistryError> {
        let teller = Storyteller::new(config, ticket);
        let hear = move |teller: &mut Storyteller, change: &Change| {
            let is_known = change.seq <= last;
            if is_known {
                teller.hear(change);
            }
            is_known
        };
        Ok(self.read(venue, Seq(opened.0.saturating_sub(1)), teller, hear).await?.tell())
    }

    /// The figures of a day that is over, and when it was; none where the journal knows no such day.
    pub async fn figures(
        &self,
        venue: &VenueId,
        config: VenueConfig,
        date: NaiveDate,
    ) -> Result<Option<(Timestamp, DayFigures)>, RegistryError> {
        let counted = Counted { venue: Venue::new(config), ledger: Ledger::default(), is_found: false };
        let Counted { venue, ledger, is_found } =
            self.read(venue, Seq(0), counted, move |counted, change| counted.hear(date, change)).await?;
        Ok(is_found.then(|| (venue.at(), ledger.day(&venue, venue.at()))))
    }

    /// Lets `to` hear of every change after this one until it has heard enough.
    async fn read<T: Send + 'static>(
        &self,
        venue: &VenueId,
        mut after: Seq,
        mut to: T,
        hear: impl Fn(&mut T, &Change) -> bool + Clone + Send + 'static,
    ) -> Result<T, RegistryError> {
        let stopped = || JournalError::Unavailable("reading has ended".to_owned());
        let _permit = self.permits.acquire().await.map_err(|_| stopped())?;
        loop {
            let page = self.journal.read(venue, after, PAGE).await?;
            let Some(last) = page.last().map(|change| change.seq) else { return Ok(to) };
            let hear = hear.clone();
            let heard = tokio::task::spawn_blocking(move || {
                let goes_on = page.iter().all(|change| hear(&mut to, change));
                (to, goes_on)
            });
            let goes_on;
            (to, goes_on) = heard.await.map_err(|_| RegistryError::Broken)?;
            if !goes_on {
                return Ok(to);
            }
            after = last;
        }
    }
}

impl Registry {
    /// One of today's tickets' story, up to what the world sees; none where there is no such ticket.
    pub async fn story(&self, venue: &VenueId, ticket: TicketId) -> Result<Option<StoryAnswer>, RegistryError> {
        let known = self.look(venue, move |shown| {
            shown.venue().ticket(ticket)?;
            Some((shown.venue().config().clone(), shown.opened(), shown.venue().seq()))
        });
        let Some((config, opened, last)) = known.await? else { return Ok(None) };
        let story = self.past().story(venue, config, ticket, opened, last).await?;
        Ok(story.as_ref().map(told::story))
    }

    /// The figures of a day, today's if none is named; none where there is no such day.
    pub async fn figures(
        &self,
        venue: &VenueId,
        day: Option<NaiveDate>,
    ) -> Result<Option<FiguresAnswer>, RegistryError> {
        let live = self.look(venue, move |shown| {
            let (venue, now) = (shown.venue(), shown.now());
            let today = venue.day().date;
            let live = day.is_none_or(|day| day == today);
            let figures = live.then(|| told::figures(&today.to_string(), now, &shown.ledger().day(venue, now)));
            (figures, venue.config().clone())
        });
        let (live, config) = live.await?;
        let Some(day) = day.filter(|_| live.is_none()) else { return Ok(live) };
        let found = self.past().figures(venue, config, day).await?;
        Ok(found.map(|(at, figures)| told::figures(&day.to_string(), at, &figures)))
    }
}

/// A day while it is counted.
struct Counted {
    venue: Venue,
    ledger: Ledger,
    is_found: bool,
}

impl Counted {
    /// False once the day is over.
    fn hear(&mut self, date: NaiveDate, change: &Change) -> bool {
        let opened = change.events.iter().find_map(|event| match event {
            Event::DayOpened { day, .. } => Some(day.date),
            _ => None,
        });
        if opened.is_some() && self.is_found {
            return false;
        }
        self.is_found |= opened == Some(date);
        if self.is_found {
            self.venue.apply(change);
            self.ledger.hear(&self.venue, change);
        }
        true
    }
}
