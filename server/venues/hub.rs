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
    viewers: Viewers,
    draft: Draft,
}

/// Viewers by their names. Those of lines are small numbers that are used again: found at once, for each frame.
#[derive(Debug, Default)]
struct Viewers {
    small: Vec<Option<Watching>>,
    large: BTreeMap<ViewerKey, Watching>,
}

/// Boards that are shown something between two looks whether there is something newer.
const BOARDS_BETWEEN_LOOKS: usize = 64;

/// Names below this are small.
const SMALL: ViewerKey = 1 << 20;

impl Viewers {
    fn get_mut(&mut self, key: ViewerKey) -> Option<&mut Watching> {
        match usize::try_from(key) {
            Ok(at) if key < SMALL => self.small.get_mut(at)?.as_mut(),
            _ => self.large.get_mut(&key),
        }
    }

    fn insert(&mut self, key: ViewerKey, watching: Watching) {
        match usize::try_from(key) {
            Ok(at) if key < SMALL => {
                if self.small.len() <= at {
                    self.small.resize_with(at + 1, || None);
                }
                if let Some(place) = self.small.get_mut(at) {
                    *place = Some(watching);
                }
            }
            _ => {
                self.large.insert(key, watching);
            }
        }
    }

    fn remove(&mut self, key: ViewerKey) -> Option<Watching> {
        match usize::try_from(key) {
            Ok(at) if key < SMALL => self.small.get_mut(at)?.take(),
            _ => self.large.remove(&key),
        }
    }
}

/// The viewers of one venue.
#[derive(Debug, Default)]
struct Hall {
    latest: Option<Arc<Publication>>,
    boards: BTreeMap<BoardFilter, BTreeSet<ViewerKey>>,
    phones: BTreeSet<(TicketId, ViewerKey)>,
    consoles: BTreeSet<ViewerKey>,
}

/// Hands a frame of this moment to a viewer.
type Tell<'t> = dyn FnMut(&ViewerKey, (Epoch, u64), Sending<'_>) + 't;

#[derive(Debug)]
struct Watching {
    venue: VenueId,
    place: Place,
    /// Up to which publication it was shown everything, when it joined or ahead of its turn: that one and earlier ones
    /// may still be on their way.
    shown_at: (Epoch, u64),
    /// Whether it was sent something since it was looked at.
    was_told: bool,
}

#[derive(Debug)]
enum Place {
    Board(BoardFilter),
    /// With what it shows while its ticket is in no publication yet, or in none any more.
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
        let mut watching = Watching { venue: seen.venue.clone(), place, shown_at: seen.moment(), was_told: true };
        if !was_shown || newest.is_after(seen) {
            watching.was_told = watching.show(key, newest, &mut self.draft, outlets);
        }
        self.viewers.insert(key, watching);
    }

    /// A viewer watches no longer.
    pub fn leave(&mut self, key: ViewerKey) {
        let Some(watching) = self.viewers.remove(key) else { return };
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
    ///
    /// A round of many boards takes a while: what is published meanwhile, as `newest` tells, is shown to those who are
    /// still to be shown something, and to the others when it is published here. So a call waits for one round at most.
    pub fn publish(
        &mut self,
        pending: &Pending,
        newest: &mut impl FnMut() -> Option<Arc<Publication>>,
        outlets: &mut impl Outlets,
    ) {
        let Pending { latest, board_changed, news, .. } = pending;
        let hall = self.halls.entry(latest.venue.clone()).or_default();
        if hall.latest.as_ref().is_some_and(|known| !latest.is_after(known)) {
            return;
        }
        hall.latest = Some(latest.clone());
        let viewers = &mut self.viewers;
        let moment = latest.moment();
        let mut tell = |key: &ViewerKey, of: (Epoch, u64), frame: Sending<'_>| {
            if let Some(watching) = viewers.get_mut(*key)
                && of > watching.shown_at
            {
                let is_told = outlets.send(*key, frame);
                watching.was_told |= is_told;
                if is_told && of > moment {
                    watching.shown_at = of;
                }
            }
        };
        let draft = &mut self.draft;
        let mut cards = |is_first: bool, tell: &mut Tell<'_>| {
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
        let mut showing = latest.clone();
        let mut told = 0_usize;
        for (filter, boards) in hall.boards.iter().filter(|_| *board_changed) {
            let mut frame = showing.board_frame(filter);
            for key in boards {
                told += 1;
                if told.is_multiple_of(BOARDS_BETWEEN_LOOKS)
                    && let Some(newer) = newest().filter(|newer| newer.is_after(&showing))
                {
                    frame = newer.board_frame(filter);
                    showing = newer;
                }
                tell(key, showing.moment(), Sending::Shared(&frame));
            }
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
                if let Some(Place::Phone(_, last)) = self.viewers.get_mut(*key).map(|watching| &mut watching.place) {
                    *last = Some(Box::new(facts.clone()));
                }
            }
        }
    }

    /// Shows a viewer the newest state, or gives a console a sign of life: that is much, and it asks for what it missed
    /// when it sees another `seq` than its own.
    pub fn show(&mut self, key: ViewerKey, outlets: &mut impl Outlets) {
        let Some(watching) = self.viewers.get_mut(key) else { return };
        let Some(latest) = self.halls.get(&watching.venue).and_then(|hall| hall.latest.as_ref()) else { return };
        if latest.moment() < watching.shown_at {
            // What it was shown is still on its way to this hub.
            return;
        }
        if let Place::Phone(ticket, last) = &mut watching.place
            && latest.facts.contains_key(ticket)
        {
            // From now on it is in the publications.
            *last = None;
        }
        watching.was_told |= watching.show(key, latest, &mut self.draft, outlets);
    }

    /// Shows a viewer the newest state if it heard nothing since this was last asked: a sign of life.
    pub fn went_on(&mut self, key: ViewerKey, outlets: &mut impl Outlets) {
        let Some(watching) = self.viewers.get_mut(key) else { return };
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

#[cfg(test)]
mod tests {
    use callnext_engine::config::VenueConfig;
    use callnext_engine::estimate::Unknown;
    use callnext_engine::{Lane, Seq, ServiceId, TicketNumber, Timestamp, Venue};
    use serde_json::{Value, json};

    use super::super::backlog::Backlog;
    use super::super::card_line::Names;
    use super::super::publication::ForConsoles;
    use super::super::view;
    use super::*;
    use crate::wire::Change;

    /// What each viewer was sent; some take nothing.
    #[derive(Default)]
    struct Sent {
        frames: Vec<(ViewerKey, Value)>,
        full: BTreeSet<ViewerKey>,
    }

    impl Outlets for Sent {
        fn send(&mut self, viewer: ViewerKey, frame: Sending<'_>) -> bool {
            let text = match frame {
                Sending::Shared(frame) => frame.text(),
                Sending::Own(draft) => draft.text(),
            };
            if self.full.contains(&viewer) {
                return false;
            }
            self.frames.push((viewer, serde_json::from_str(&text).unwrap()));
            true
        }
    }

    impl Sent {
        /// Who was sent something since this was asked last, with its `seq`.
        fn take(&mut self) -> Vec<(ViewerKey, u64)> {
            self.frames.drain(..).map(|(key, frame)| (key, frame["seq"].as_u64().unwrap())).collect()
        }
    }

    fn facts(state: CardState, ahead: Option<u32>) -> Facts {
        Facts {
            service: ServiceId::parse("all").unwrap(),
            number: TicketNumber::of("A", 1),
            state,
            lane: Lane::WalkIn,
            ahead,
            wait: Err(Unknown::NotWaiting),
            counter: None,
            call: None,
            recalls: 0,
            issued_at: Timestamp(0),
            called_at: None,
            slot: None,
            green_channel: false,
            notice: None,
            steps: None,
            passed_over_by: Vec::new(),
        }
    }

    /// The publication of this edition: with these live tickets, of which some changed, and others that ended.
    fn publication(edition: u64, live: &[(u64, Facts)], changed: &[u64], ended: &[(u64, Facts)]) -> Arc<Publication> {
        publication_with(edition, true, live, changed, ended)
    }

    fn publication_with(
        edition: u64,
        board_changed: bool,
        live: &[(u64, Facts)],
        changed: &[u64],
        ended: &[(u64, Facts)],
    ) -> Arc<Publication> {
        let config: VenueConfig = serde_json::from_value(json!({
            "id": "hall", "name": "Hall", "time_zone": "Asia/Shanghai",
            "service": [{ "id": "all", "name": "All", "prefix": "A" }],
            "counter": [{ "id": "1", "name": "1", "services": ["all"] }],
        }))
        .unwrap();
        let map = |of: &[(u64, Facts)]| of.iter().map(|(id, facts)| (TicketId(*id), facts.clone())).collect();
        Arc::new(Publication::new(
            config.id.clone(),
            Epoch(1),
            Seq(edition),
            Timestamp(0),
            edition,
            (Arc::new(config.clone()), Arc::new(Names::of(&config))),
            (view::board(&Venue::new(config), std::iter::empty()), board_changed),
            Arc::new(map(live)),
            (changed.iter().map(|id| TicketId(*id)).collect(), map(ended)),
            Some(ForConsoles::Change { from: Seq(edition - 1), change: Change::default() }),
        ))
    }

    fn publish(hub: &mut Hub, sent: &mut Sent, publications: &[Arc<Publication>]) {
        let mut backlog = Backlog::default();
        publications.iter().for_each(|publication| backlog.add(publication));
        backlog.take().for_each(|pending| hub.publish(&pending, &mut || None, sent));
    }

    fn phone(ticket: u64, facts: &Facts) -> Audience {
        Audience::Phone(TicketId(ticket), Box::new(facts.clone()))
    }

    #[test]
    fn only_phones_that_changed_are_told_and_the_called_before_all_others() {
        let waits = facts(CardState::Waiting, Some(1));
        let called = facts(CardState::Called, None);
        let first = publication(1, &[(1, waits.clone()), (2, waits.clone()), (3, waits.clone())], &[], &[]);
        let (mut hub, mut sent) = (Hub::default(), Sent::default());
        for (key, ticket) in [(10, 1), (20, 2), (30, 3)] {
            hub.join(key, phone(ticket, &waits), &first, false, &mut sent);
        }
        hub.join(5, Audience::Board(Vec::new()), &first, false, &mut sent);
        hub.join(6, Audience::Console, &first, true, &mut sent);
        assert_eq!(sent.take(), [(10, 1), (20, 1), (30, 1), (5, 1)], "whoever comes is shown how things stand");
        let live = [(1, facts(CardState::Waiting, Some(0))), (2, waits), (3, called)];
        publish(&mut hub, &mut sent, &[publication(2, &live, &[1, 3], &[])]);
        assert_eq!(sent.take(), [(30, 2), (5, 2), (6, 2), (10, 2)]);
    }

    #[test]
    fn boards_that_show_the_same_are_not_woken() {
        let (mut hub, mut sent) = (Hub::default(), Sent::default());
        hub.join(1, Audience::Board(Vec::new()), &publication(1, &[], &[], &[]), true, &mut sent);
        let same = |edition| publication_with(edition, false, &[], &[], &[]);
        publish(&mut hub, &mut sent, &[same(2)]);
        assert_eq!(sent.take(), []);
        publish(&mut hub, &mut sent, &[publication(3, &[], &[], &[]), same(4)]);
        assert_eq!(sent.take(), [(1, 4)], "what was skipped showed something else");
        publish(&mut hub, &mut sent, &[same(5), publication(6, &[], &[], &[])]);
        assert_eq!(sent.take(), [(1, 6)]);
        publish(&mut hub, &mut sent, &[same(7)]);
        hub.went_on(1, &mut sent);
        hub.went_on(1, &mut sent);
        assert_eq!(sent.take(), [(1, 7)], "a sign of life says how far the venue is");
    }

    #[test]
    fn what_is_published_during_a_round_is_shown_to_the_rest_of_it_first() {
        let (mut hub, mut sent) = (Hub::default(), Sent::default());
        let [first, second, third] = [1, 2, 3].map(|edition| publication(edition, &[], &[], &[]));
        let most = BOARDS_BETWEEN_LOOKS as ViewerKey;
        let boards = 1..=most + 2;
        boards.clone().for_each(|key| hub.join(key, Audience::Board(Vec::new()), &first, true, &mut sent));
        sent.full.insert(most + 2);
        let mut backlog = Backlog::default();
        backlog.add(&second);
        let pending = backlog.take().next().unwrap();
        hub.publish(&pending, &mut || Some(third.clone()), &mut sent);
        let early = |key: &ViewerKey| *key < most;
        let told = boards.clone().filter(early).map(|key| (key, 2)).chain([(most, 3), (most + 1, 3)]);
        assert_eq!(sent.take(), told.collect::<Vec<_>>());
        hub.show(most, &mut sent);
        assert_eq!(sent.take(), [], "nobody goes back to what is older");
        sent.full.clear();
        publish(&mut hub, &mut sent, &[third]);
        let rest = boards.filter(early).chain([most + 2]).map(|key| (key, 3));
        assert_eq!(sent.take(), rest.collect::<Vec<_>>(), "everybody once, and whoever could not take it");
    }

    #[test]
    fn what_was_skipped_is_merged() {
        let (waits, left) = (facts(CardState::Waiting, Some(1)), facts(CardState::Cancelled, None));
        let first = publication(1, &[(1, waits.clone()), (2, waits.clone())], &[], &[]);
        let (mut hub, mut sent) = (Hub::default(), Sent::default());
        hub.join(10, phone(1, &waits), &first, true, &mut sent);
        hub.join(20, phone(2, &waits), &first, true, &mut sent);
        hub.join(5, Audience::Board(Vec::new()), &first, true, &mut sent);
        hub.join(6, Audience::Console, &first, true, &mut sent);
        let second = publication(2, &[(2, waits.clone())], &[1], &[(1, left)]);
        let third = publication(3, &[(2, facts(CardState::Ready, Some(0)))], &[2], &[]);
        publish(&mut hub, &mut sent, &[second, third]);
        let cancelled = sent.frames.iter().filter(|(key, _)| *key == 10).map(|(_, card)| card["state"].clone());
        assert_eq!(cancelled.collect::<Vec<_>>(), [json!("cancelled")], "although the newest knows it no longer");
        assert_eq!(sent.take(), [(5, 3), (6, 2), (6, 3), (20, 3), (10, 3)], "consoles are told each change");
        // For good: also when it asks again.
        publish(&mut hub, &mut sent, &[publication(4, &[], &[], &[])]);
        sent.take();
        hub.show(10, &mut sent);
        assert_eq!(sent.frames.first().map(|(_, card)| card["state"].clone()), Some(json!("cancelled")));
    }

    #[test]
    fn nobody_is_shown_what_is_older_than_what_it_knows() {
        let (mut hub, mut sent) = (Hub::default(), Sent::default());
        let [first, second, third] = [1, 2, 3].map(|edition| publication(edition, &[], &[], &[]));
        hub.join(1, Audience::Board(Vec::new()), &second, true, &mut sent);
        publish(&mut hub, &mut sent, std::slice::from_ref(&first));
        assert_eq!(sent.take(), [], "it was still on its way");
        publish(&mut hub, &mut sent, &[third]);
        hub.join(2, Audience::Board(Vec::new()), &first, false, &mut sent);
        assert_eq!(sent.take(), [(1, 3), (2, 3)], "the newest, whatever it came from");
        hub.leave(1);
        publish(&mut hub, &mut sent, &[publication(4, &[], &[], &[])]);
        assert_eq!(sent.take(), [(2, 4)]);
    }

    #[test]
    fn whoever_heard_nothing_for_two_looks_hears_how_things_stand() {
        let (mut hub, mut sent) = (Hub::default(), Sent::default());
        let first = publication(1, &[], &[], &[]);
        hub.join(1, Audience::Board(Vec::new()), &first, false, &mut sent);
        sent.take();
        hub.went_on(1, &mut sent);
        assert_eq!(sent.take(), []);
        hub.went_on(1, &mut sent);
        assert_eq!(sent.take(), [(1, 1)]);
        sent.full.insert(1);
        publish(&mut hub, &mut sent, &[publication(2, &[], &[], &[])]);
        hub.went_on(1, &mut sent);
        sent.full.clear();
        hub.went_on(1, &mut sent);
        assert_eq!(sent.take(), [(1, 2)], "what could not be taken was not told");
    }
}
