//! The player's picture of the counters: which are free, which ticket each has, and which a person has taken over.
//!
//! Pure, so that taking over can be tested without a server. What the player did itself it knows from the answers;
//! anything else that happens to a counter of its own was done by somebody, and that counter is then theirs for good.
//! Calls are looked for on the board: it keeps the latest ones, so none is overlooked when frames are merged.

use std::collections::{BTreeMap, BTreeSet};

use callnext_engine::counter::CounterState;
use callnext_engine::{CounterId, ServiceId, Timestamp};

use crate::wire::{BoardCall, CounterRow};

/// The counters of a venue.
#[derive(Debug, Default)]
pub struct Counters {
    all: BTreeMap<CounterId, Post>,
    /// Calls that are accounted for: the player's own, and those that were there before it; none before the first board.
    calls: Option<BTreeSet<u64>>,
    /// Calls the player made before the first board came.
    made: BTreeSet<u64>,
}

/// One counter, as the player knows it.
#[derive(Debug)]
struct Post {
    services: Vec<ServiceId>,
    /// Whether a person has it.
    taken_over: bool,
    /// Whether the player has it open.
    open: bool,
    /// Whether the console has shown it open since: frames lag behind answers.
    seen_open: bool,
    /// What it is doing.
    work: Work,
}

/// What a counter is doing, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Nothing.
    Idle {
        /// When it became free.
        since: Timestamp,
    },
    /// Somebody was called and is not there yet.
    Called {
        /// The ticket.
        ticket: u64,
        /// When.
        since: Timestamp,
    },
    /// Serving.
    Serving {
        /// The ticket.
        ticket: u64,
        /// When it was called.
        since: Timestamp,
    },
}

impl Work {
    /// The ticket at the counter.
    pub fn ticket(self) -> Option<u64> {
        match self {
            Self::Idle { .. } => None,
            Self::Called { ticket, .. } | Self::Serving { ticket, .. } => Some(ticket),
        }
    }
}

impl Counters {
    /// The counters as the console shows them when the player starts. Whatever ticket is there is taken for the
    /// player's own: after a restart it is.
    pub fn of(rows: &[CounterRow], now: Timestamp) -> Self {
        let post = |row: &CounterRow| {
            let services = row.services.iter().filter_map(|name| ServiceId::parse(name).ok()).collect();
            let work = row.current.map_or(Work::Idle { since: now }, |ticket| Work::Serving { ticket, since: now });
            let open = row.state == CounterState::Open;
            let post = Post { services, taken_over: false, open, seen_open: open, work };
            Some((CounterId::parse(&row.id).ok()?, post))
        };
        Self { all: rows.iter().filter_map(post).collect(), ..Self::default() }
    }

    /// The counters the player still works, and whether each is open.
    pub fn own(&self) -> impl Iterator<Item = (&CounterId, bool)> {
        self.all.iter().filter(|(_, post)| !post.taken_over).map(|(id, post)| (id, post.open))
    }

    /// The counters that a person has.
    pub fn taken_over(&self) -> impl Iterator<Item = &CounterId> {
        self.all.iter().filter(|(_, post)| post.taken_over).map(|(id, _)| id)
    }

    /// What a counter of the player's own is doing; none for one it does not work (any more).
    pub fn work(&self, counter: &CounterId) -> Option<Work> {
        self.all.get(counter).filter(|post| !post.taken_over && post.open).map(|post| post.work)
    }

    /// The player's own counters that are serving, and whom.
    pub fn serving(&self) -> impl Iterator<Item = (&CounterId, u64)> {
        let own = self.all.iter().filter(|(_, post)| post.open && !post.taken_over);
        own.filter_map(|(id, post)| Some((id, post.work.ticket()?)))
    }

    /// What a counter serves.
    pub fn services(&self, counter: &CounterId) -> &[ServiceId] {
        self.all.get(counter).map_or(&[], |post| &post.services)
    }

    /// The counter that should call for a service: the longest idle, else the one that is serving the longest.
    /// One that waits for somebody to come is left to wait.
    pub fn choose(&self, service: &ServiceId) -> Option<CounterId> {
        let rank = |post: &Post| match post.work {
            Work::Idle { since } => Some((0, since)),
            Work::Serving { since, .. } => Some((1, since)),
            Work::Called { .. } => None,
        };
        let own = self.all.iter().filter(|(_, post)| post.open && !post.taken_over && post.services.contains(service));
        own.filter_map(|(id, post)| Some((rank(post)?, id))).min().map(|(_, id)| id.clone())
    }

    /// The counter of a service that has nothing to do, the longest idle of them.
    pub fn idle(&self, service: &ServiceId) -> Option<CounterId> {
        let chosen = self.choose(service)?;
        matches!(self.work(&chosen), Some(Work::Idle { .. })).then_some(chosen)
    }

    /// The player opened or closed it.
    pub fn set_open(&mut self, counter: &CounterId, open: bool) {
        if let Some(post) = self.all.get_mut(counter) {
            post.open = open;
            post.seen_open = false;
        }
    }

    /// The player called a ticket there, by this call.
    pub fn called(&mut self, counter: &CounterId, ticket: u64, call: Option<u64>, now: Timestamp) {
        self.calls.as_mut().unwrap_or(&mut self.made).extend(call);
        if let Some(post) = self.all.get_mut(counter) {
            post.work = Work::Called { ticket, since: now };
        }
    }

    /// The player started the service there.
    pub fn started(&mut self, counter: &CounterId) {
        if let Some(post) = self.all.get_mut(counter)
            && let Work::Called { ticket, since } = post.work
        {
            post.work = Work::Serving { ticket, since };
        }
    }

    /// The player's ticket is gone from there.
    pub fn freed(&mut self, counter: &CounterId, now: Timestamp) {
        if let Some(post) = self.all.get_mut(counter) {
            post.work = Work::Idle { since: now };
        }
    }

    /// A person has it: the player leaves it alone for good. True if that is news.
    pub fn leave_to_staff(&mut self, counter: &CounterId) -> bool {
        self.all.get_mut(counter).is_some_and(|post| !std::mem::replace(&mut post.taken_over, true))
    }

    /// The console shows a counter. True if it shows that a person has it: it is not open though the player has it open.
    pub fn seen(&mut self, row: &CounterRow) -> bool {
        let Some(post) = CounterId::parse(&row.id).ok().and_then(|id| self.all.get_mut(&id)) else { return false };
        let closed = post.open && post.seen_open && row.state != CounterState::Open;
        post.seen_open |= post.open && row.state == CounterState::Open;
        post.services = row.services.iter().filter_map(|name| ServiceId::parse(name).ok()).collect();
        closed && !post.taken_over
    }

    /// A board shows the latest calls. The counters of the player's own at which somebody else has called.
    pub fn on_board(&mut self, shown: &[BoardCall]) -> Vec<CounterId> {
        let Some(calls) = &mut self.calls else {
            // What is there at first was called before the player came.
            let made = std::mem::take(&mut self.made);
            self.calls = Some(shown.iter().map(|call| call.id).chain(made).collect());
            return Vec::new();
        };
        let foreign: Vec<_> = shown.iter().filter(|call| calls.insert(call.id)).collect();
        let counters = foreign.into_iter().filter_map(|call| CounterId::parse(&call.counter.id).ok());
        counters.filter(|id| self.all.get(id).is_some_and(|post| !post.taken_over)).collect()
    }

    /// The console shows that a visit is over. The counter that has the ticket, if the player thinks one has:
    /// then a person ended it.
    pub fn has(&self, ticket: u64) -> Option<CounterId> {
        let own = self.all.iter().filter(|(_, post)| !post.taken_over);
        own.filter(|(_, post)| post.work.ticket() == Some(ticket)).map(|(id, _)| id.clone()).next()
    }
}

#[cfg(test)]
mod tests {
    use callnext_engine::Text;

    use super::*;
    use crate::wire::Named;

    fn row(id: &str, state: CounterState, services: &[&str], current: Option<u64>) -> CounterRow {
        let services = services.iter().map(|service| (*service).to_owned()).collect();
        let (name, next) = (Text::same(id), Vec::new());
        CounterRow { id: id.to_owned(), name, state, services, current, next, closed: None }
    }

    fn board_call(id: u64, counter: &str) -> BoardCall {
        BoardCall {
            id,
            number: "A001".to_owned(),
            name: None,
            counter: Named { id: counter.to_owned(), name: Text::same(counter) },
            service: "a".to_owned(),
            recalls: 0,
            at: chrono::DateTime::UNIX_EPOCH,
            open: true,
            urgency: None,
        }
    }

    fn id(name: &str) -> CounterId {
        CounterId::parse(name).unwrap()
    }

    fn service(name: &str) -> ServiceId {
        ServiceId::parse(name).unwrap()
    }

    fn open(ids: &[&str]) -> Counters {
        let rows: Vec<_> = ids.iter().map(|id| row(id, CounterState::Open, &["a"], None)).collect();
        Counters::of(&rows, Timestamp(0))
    }

    #[test]
    fn the_longest_idle_calls_and_else_the_longest_serving() {
        let mut counters = open(&["1", "2"]);
        counters.freed(&id("1"), Timestamp(50));
        counters.freed(&id("2"), Timestamp(40));
        assert_eq!(counters.choose(&service("a")), Some(id("2")));
        counters.called(&id("2"), 7, None, Timestamp(60));
        assert_eq!(counters.choose(&service("a")), Some(id("1")));
        counters.called(&id("1"), 8, None, Timestamp(70));
        assert_eq!(counters.choose(&service("a")), None, "both wait for somebody to come");
        counters.started(&id("1"));
        assert_eq!(counters.choose(&service("a")), Some(id("1")));
        counters.started(&id("2"));
        assert_eq!(counters.choose(&service("a")), Some(id("2")), "at its ticket since 60, the other since 70");
        assert_eq!(counters.idle(&service("a")), None);
        assert_eq!(counters.choose(&service("b")), None);
    }

    #[test]
    fn a_call_that_is_not_the_players_means_a_person_took_over() {
        let mut counters = open(&["1", "2"]);
        counters.called(&id("2"), 6, Some(2), Timestamp(10));
        assert_eq!(counters.on_board(&[board_call(1, "1")]), [], "called before the player came");
        counters.called(&id("1"), 7, Some(3), Timestamp(10));
        assert_eq!(counters.on_board(&[board_call(3, "1"), board_call(2, "2"), board_call(1, "1")]), []);
        assert_eq!(counters.on_board(&[board_call(4, "1"), board_call(3, "1"), board_call(2, "2")]), [id("1")]);
        assert!(counters.leave_to_staff(&id("1")));
        assert!(!counters.leave_to_staff(&id("1")), "no news the second time");
        assert_eq!(counters.on_board(&[board_call(5, "1"), board_call(4, "1")]), []);
        counters.started(&id("2"));
        assert_eq!(counters.choose(&service("a")), Some(id("2")), "the rest goes on");
        assert_eq!(counters.taken_over().collect::<Vec<_>>(), [&id("1")]);
        assert_eq!(counters.work(&id("1")), None);
    }

    #[test]
    fn a_call_is_found_even_when_the_players_own_covers_it() {
        let mut counters = open(&["1"]);
        assert_eq!(counters.on_board(&[]), []);
        // Somebody makes call 1 there and the player call 2 before a frame is out: the console shows the second only.
        counters.called(&id("1"), 8, Some(2), Timestamp(10));
        assert_eq!(counters.on_board(&[board_call(2, "1"), board_call(1, "1")]), [id("1")]);
    }

    #[test]
    fn a_counter_closed_by_another_hand_is_taken_over() {
        let mut counters = Counters::of(&[row("1", CounterState::Closed, &["a"], None)], Timestamp(0));
        assert_eq!(counters.choose(&service("a")), None);
        counters.set_open(&id("1"), true);
        assert!(!counters.seen(&row("1", CounterState::Closed, &["a"], None)), "a frame from before the opening");
        assert!(!counters.seen(&row("1", CounterState::Open, &["a"], None)));
        assert!(counters.seen(&row("1", CounterState::Paused, &["a"], None)));
        let mut counters = open(&["1"]);
        counters.set_open(&id("1"), false);
        assert!(!counters.seen(&row("1", CounterState::Closed, &["a"], None)), "the player closed it itself");
    }

    #[test]
    fn a_visit_ended_by_another_hand_is_noticed() {
        let mut counters = open(&["1"]);
        counters.called(&id("1"), 7, None, Timestamp(10));
        assert_eq!(counters.has(7), Some(id("1")));
        counters.freed(&id("1"), Timestamp(20));
        assert_eq!(counters.has(7), None, "the player ended it itself");
    }

    #[test]
    fn what_is_there_at_the_start_is_taken_for_ones_own() {
        let counters = Counters::of(&[row("1", CounterState::Open, &["a"], Some(5))], Timestamp(0));
        assert_eq!(counters.work(&id("1")).and_then(Work::ticket), Some(5));
        assert_eq!(counters.choose(&service("a")), Some(id("1")), "and can be completed for the next call");
    }
}
