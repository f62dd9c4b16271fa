//! Publications on their way to a hub. What a hub could not get to is merged: of boards and phones only the newest
//! state counts, however many were skipped; consoles are told each change, or notice that they missed one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use callnext_engine::{TicketId, VenueId};

use super::publication::{ConsoleNews, Facts, Publication};

/// Changes that are kept for consoles of a hub that is behind; they resume when there were more.
const CONSOLE_NEWS_MAX: usize = 64;

/// What is on its way, by venue.
#[derive(Debug, Default)]
pub struct Backlog(BTreeMap<VenueId, Pending>);

/// What is on its way of one venue.
#[derive(Debug)]
pub struct Pending {
    /// The newest publication.
    pub latest: Arc<Publication>,
    /// Tickets that changed in it, or in one that was skipped.
    pub changed: Changed,
    /// Whether boards show something else in it, or did in one that was skipped.
    pub board_changed: bool,
    /// What consoles are told, oldest first.
    pub news: VecDeque<Arc<ConsoleNews>>,
}

/// Tickets whose phones show something else.
#[derive(Debug, Default)]
pub struct Changed {
    skipped: BTreeSet<TicketId>,
    /// What the phones of visits that ended in a skipped publication show: later ones do not know them any more.
    ended: BTreeMap<TicketId, Facts>,
}

impl Backlog {
    /// Adds a publication.
    pub fn add(&mut self, publication: &Arc<Publication>) {
        let Some(pending) = self.0.get_mut(&publication.venue) else {
            let news = publication.console.clone().into_iter().collect();
            let (latest, board_changed) = (publication.clone(), publication.board_changed);
            let pending = Pending { latest, changed: Changed::default(), board_changed, news };
            self.0.insert(publication.venue.clone(), pending);
            return;
        };
        let skipped = std::mem::replace(&mut pending.latest, publication.clone());
        pending.changed.skipped.extend(skipped.changed.iter().copied());
        pending.changed.ended.extend(skipped.ended.iter().map(|(ticket, facts)| (*ticket, facts.clone())));
        pending.board_changed |= publication.board_changed;
        pending.news.extend(publication.console.clone());
        if pending.news.len() > CONSOLE_NEWS_MAX {
            pending.news.pop_front();
        }
    }

    /// The newest publication of a venue that is on its way.
    pub fn newest(&self, venue: &VenueId) -> Option<Arc<Publication>> {
        self.0.get(venue).map(|pending| pending.latest.clone())
    }

    /// Takes everything.
    pub fn take(&mut self) -> impl Iterator<Item = Pending> + use<> {
        std::mem::take(&mut self.0).into_values()
    }
}

impl Pending {
    /// Each ticket that changed, once, with what its phone shows now.
    pub fn cards(&self) -> impl Iterator<Item = (TicketId, &Facts)> {
        let Changed { skipped, ended } = &self.changed;
        let older = skipped.iter().filter(|ticket| self.latest.changed.binary_search(ticket).is_err());
        let tickets = self.latest.changed.iter().chain(older);
        tickets.filter_map(|ticket| Some((*ticket, self.latest.facts_of(*ticket).or_else(|| ended.get(ticket))?)))
    }
}
