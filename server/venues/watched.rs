//! What of each venue is watched at this node: what nobody looks at need not be made after each change.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use callnext_engine::{TicketId, VenueId};

/// How long a console that was lost is expected back: it is told what it missed, and not everything again.
const CONSOLE_COMES_BACK: Duration = Duration::from_secs(60);

/// What can be watched that costs something to make; boards are made once for everybody, and at their first look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sight {
    /// The card of a ticket.
    Card(TicketId),
    /// The whole queue.
    Console,
}

#[derive(Debug, Default)]
struct Sights {
    open: BTreeMap<VenueId, BTreeMap<Sight, usize>>,
    /// When the last console of a venue was closed.
    console_left: BTreeMap<VenueId, Instant>,
}

/// What is watched.
#[derive(Debug, Clone, Default)]
pub struct Watched(Arc<Mutex<Sights>>);

/// Somebody watches, until this is dropped.
#[derive(Debug)]
pub struct Watch {
    watched: Watched,
    venue: VenueId,
    sight: Sight,
}

impl Watched {
    /// Somebody watches from now on. To be said before the first look: what is published after that must have it.
    pub fn watch(&self, venue: &VenueId, sight: Sight) -> Watch {
        *self.lock().open.entry(venue.clone()).or_default().entry(sight).or_default() += 1;
        Watch { watched: self.clone(), venue: venue.clone(), sight }
    }

    /// The tickets of a venue whose cards are watched, in their order.
    pub(super) fn cards(&self, venue: &VenueId) -> Vec<TicketId> {
        let card = |sight: &Sight| match sight {
            Sight::Card(ticket) => Some(*ticket),
            Sight::Console => None,
        };
        self.lock().open.get(venue).map(|sights| sights.keys().filter_map(card).collect()).unwrap_or_default()
    }

    /// Whether somebody watches the card of this ticket.
    pub(super) fn has_card(&self, venue: &VenueId, ticket: TicketId) -> bool {
        self.lock().open.get(venue).is_some_and(|sights| sights.contains_key(&Sight::Card(ticket)))
    }

    /// Whether somebody has a console of a venue open, or had one a moment ago.
    pub(super) fn has_console(&self, venue: &VenueId) -> bool {
        let sights = self.lock();
        sights.open.get(venue).is_some_and(|open| open.contains_key(&Sight::Console))
            || sights.console_left.get(venue).is_some_and(|left| left.elapsed() < CONSOLE_COMES_BACK)
    }

    fn lock(&self) -> MutexGuard<'_, Sights> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut sights = self.watched.lock();
        let Some(open) = sights.open.get_mut(&self.venue) else { return };
        let Some(count) = open.get_mut(&self.sight) else { return };
        *count -= 1;
        if *count > 0 {
            return;
        }
        open.remove(&self.sight);
        if open.is_empty() {
            sights.open.remove(&self.venue);
        }
        if self.sight == Sight::Console {
            sights.console_left.insert(self.venue.clone(), Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sight_is_watched_until_the_last_one_looks_away_and_then_nothing_is_kept_of_it() {
        let (watched, hall) = (Watched::default(), VenueId::parse("hall").unwrap());
        let [one, again, other] = [7, 7, 3].map(|ticket| watched.watch(&hall, Sight::Card(TicketId(ticket))));
        assert!(!watched.has_console(&hall));
        let console = watched.watch(&hall, Sight::Console);
        assert!(watched.has_console(&hall));
        assert_eq!(watched.cards(&hall), [TicketId(3), TicketId(7)]);
        assert!(watched.has_card(&hall, TicketId(3)) && !watched.has_card(&hall, TicketId(4)));
        drop((one, console));
        assert_eq!(watched.cards(&hall), [TicketId(3), TicketId(7)]);
        assert!(watched.has_console(&hall), "it may have been lost, and comes back");
        let long_ago = Instant::now().checked_sub(CONSOLE_COMES_BACK).unwrap();
        watched.lock().console_left.insert(hall.clone(), long_ago);
        assert!(!watched.has_console(&hall));
        drop((again, other));
        assert!(watched.cards(&hall).is_empty() && watched.lock().open.is_empty());
    }
}
