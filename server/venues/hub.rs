//! Who watches what on one thread, and what each is to be shown. It writes nothing itself: frames go to [`Outlets`].
//!
//! A venue actor sends one publication to each hub, not to each viewer. Whoever cannot take a frame is behind, and gets
//! the newest state once it can: nothing piles up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use callnext_engine::{TicketId, VenueId};

use super::backlog::Pending;
use super::frame::{Draft, Frame};
use super::publication::{BoardFilter, Facts, Publication};
use crate::journal::Epoch;
use crate::wire::CardState;

/// What a viewer watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// A board showing these services.
    Board(BoardFilter),
    /// The phone of one ticket, and what it shows to begin with.
    Phone(TicketId, Box<Facts>),
    /// A staff console.
    Console,
}

/// Names a viewer of a hub.
pub type ViewerKey = u64;

/// Where a hub's frames go.
pub trait Outlets {
    /// Hands a frame over; false if the viewer is behind, and has to be shown the newest state later.
    fn send(&mut self, viewer: ViewerKey, frame: Sending<'_>) -> bool;
}

/// A frame on its way.
#[derive(Debug, Clone, Copy)]
pub enum Sending<'a> {
    /// The same for many.
    Shared(&'a Frame),
    /// One viewer's own.
    Own(&'a Draft),
}

/// The viewers of one thread.
#[derive(Debug, Default)]
pub struct Hub {
    halls: BTreeMap<VenueId, Hall>,
    viewers: BTreeMap<ViewerKey, Watching>,
    draft: Draft,
}

/// The viewers of one venue.
#[derive(Debug, Default)]
struct Hall {
    latest: Option<Arc<Publication>>,
    boards: BTreeMap<BoardFilter, BTreeSet<ViewerKey>>,
    phones: BTreeSet<(TicketId, ViewerKey)>,
    consoles: BTreeSet<ViewerKey>,
}

#[derive(Debug)]
struct Watching {
    venue: VenueId,
    place: Place,
    /// Up to which publication it was shown everything when it joined: earlier ones may still be on their way.
    joined_at: (Epoch, u64),
    /// Whether it was sent something since it was looked at.
    was_told: bool,
}

#[derive(Debug)]
enum Place {
    Board(BoardFilter),
    /// With what it shows for good, once its ticket is in no publication any more.
    Phone(TicketId, Option<Box<Facts>>),
    Console,
}

impl Hub {
    /// Lets a viewer in. Whoever `was_shown` what `seen` holds is shown something only if there is something newer.
    pub fn join(
        &mut self,
        key: ViewerKey,
        audience: Audience,
        seen: &Arc<Publication>,
        was_shown: bool,
        outlets: &mut impl Outlets,
    ) {
        let hall = self.halls.entry(seen.venue.clone()).or_default();
        let place = match audience {
            Audience::Board(filter) => {
                hall.boards.entry(filter.clone()).or_default().insert(key);
                Place::Board(filter)
            }
            Audience::Phone(ticket, facts) => {
                hall.phones.insert((ticket, key));
                Place::Phone(ticket, (!seen.facts.contains_key(&ticket)).then_some(facts))
            }
            Audience::Console => {
                hall.consoles.insert(key);
                Place::Console
            }
        };
        // It is not made the latest if it is newer: it is still on its way to the others here.
        let latest = hall.latest.get_or_insert_with(|| seen.clone());
        let newest = if latest.is_after(seen) { &*latest } else { seen };
        let mut watching = Watching { venue: seen.venue.clone(), place, joined_at: seen.moment(), was_told: true };
        if !was_shown || newest.is_after(seen) {
            watching.was_told = watching.show(key, newest, &mut self.draft, outlets);
        }
        self.viewers.insert(key, watching);
    }

    /// A viewer watches no longer.
    pub fn leave(&mut self, key: ViewerKey) {
        let Some(watching) = self.viewers.remove(&key) else { return };
        let Some(hall) = self.halls.get_mut(&watching.venue) else { return };
        match watching.place {
            Place::Board(filter) => {
                if let Some(boards) = hall.boards.get_mut(&filter) {
                    boards.remove(&key);
                    if boards.is_empty() {
                        hall.boards.remove(&filter);
                    }
                }
            }
            Place::Phone(ticket, _) => {
                hall.phones.remove(&(ticket, key));
            }
            Place::Console => {
                hall.consoles.remove(&key);
            }
        }
    }

    /// Everybody whom it concerns is shown what was published.
    pub fn publish(&mut self, pending: &Pending, outlets: &mut impl Outlets) {
        let Pending { latest, news, .. } = pending;
        let hall = self.halls.entry(latest.venue.clone()).or_default();
        if hall.latest.as_ref().is_some_and(|known| !latest.is_after(known)) {
            return;
        }
        hall.latest = Some(latest.clone());
        let viewers = &mut self.viewers;
        let mut tell = |key: &ViewerKey, moment: (Epoch, u64), frame: Sending<'_>| {
            if let Some(watching) = viewers.get_mut(key)
                && moment > watching.joined_at
            {
                watching.was_told |= outlets.send(*key, frame);
            }
        };
        let (draft, moment) = (&mut self.draft, latest.moment());
        let mut cards = |is_first: bool, tell: &mut dyn FnMut(&ViewerKey, (Epoch, u64), Sending<'_>)| {
            for (ticket, facts) in pending.cards().filter(|(_, facts)| is_called(facts) == is_first) {
                let mut is_drawn = false;
                for (_, key) in hall.phones.range((ticket, ViewerKey::MIN)..=(ticket, ViewerKey::MAX)) {
                    if !std::mem::replace(&mut is_drawn, true) {
                        latest.draw_card(facts, draft);
                    }
                    tell(key, moment, Sending::Own(draft));
                }
            }
        };
        // The people called first: a phone in a hand is nearer than a screen on a wall. Everybody else's phone, which
        // may be thousands, after the screens.
        cards(true, &mut tell);
        for (filter, boards) in &hall.boards {
            let frame = latest.board_frame(filter);
            boards.iter().for_each(|key| tell(key, moment, Sending::Shared(&frame)));
        }
        for news in news.iter().filter(|_| !hall.consoles.is_empty()) {
            let frame = news.frame();
            hall.consoles.iter().for_each(|key| tell(key, news.moment(), Sending::Shared(&frame)));
        }
        cards(false, &mut tell);
        self.keep_ended(pending);
    }

    /// What phones of ended visits show is kept: an ended ticket is in no later publication.
    fn keep_ended(&mut self, pending: &Pending) {
        let Some(hall) = self.halls.get(&pending.latest.venue) else { return };
        for (ticket, facts) in pending.cards() {
            if pending.latest.facts.contains_key(&ticket) {
                continue;
            }
            for (_, key) in hall.phones.range((ticket, ViewerKey::MIN)..=(ticket, ViewerKey::MAX)) {
                if let Some(Place::Phone(_, last)) = self.viewers.get_mut(key).map(|watching| &mut watching.place) {
                    *last = Some(Box::new(facts.clone()));
                }
            }
        }
    }

    /// Shows a viewer the newest state, or gives a console a sign of life: that is much, and it asks for what it missed
    /// when it sees another `seq` than its own.
    pub fn show(&mut self, key: ViewerKey, outlets: &mut impl Outlets) {
        let Some(watching) = self.viewers.get_mut(&key) else { return };
        let Some(latest) = self.halls.get(&watching.venue).and_then(|hall| hall.latest.as_ref()) else { return };
        if latest.moment() < watching.joined_at {
            // What it was shown when it joined is still on its way to this hub.
            return;
        }
        watching.was_told |= watching.show(key, latest, &mut self.draft, outlets);
    }

    /// Shows a viewer the newest state if it heard nothing since this was last asked: a sign of life.
    pub fn went_on(&mut self, key: ViewerKey, outlets: &mut impl Outlets) {
        let Some(watching) = self.viewers.get_mut(&key) else { return };
        if !std::mem::take(&mut watching.was_told) {
            self.show(key, outlets);
        }
    }
}

impl Watching {
    /// Sends what there is of a publication; false if it could not be taken.
    fn show(&self, key: ViewerKey, latest: &Publication, draft: &mut Draft, outlets: &mut impl Outlets) -> bool {
        match &self.place {
            Place::Board(filter) => outlets.send(key, Sending::Shared(&latest.board_frame(filter))),
            Place::Phone(ticket, last) => {
                let Some(facts) = latest.facts_of(*ticket).or(last.as_deref()) else { return true };
                latest.draw_card(facts, draft);
                outlets.send(key, Sending::Own(draft))
            }
            Place::Console => outlets.send(key, Sending::Shared(&latest.sign_of_life())),
        }
    }
}

/// Whether this phone's holder is called right now.
fn is_called(facts: &Facts) -> bool {
    facts.state == CardState::Called
}
