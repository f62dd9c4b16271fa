//! Who writes a day has in memory who is still here, however long the day was.

use callnext_engine::counter::CounterState;
use callnext_engine::testing::{Plan, at, counter_id, service_id};
use callnext_engine::ticket::Visitor;
use callnext_engine::{Action, Change, Command, Decision, Event, Lane, Millis, TicketId, Timestamp, Venue};

use super::super::ledger::{CHANGES_BETWEEN, Closed, Ledger};
use super::super::state;

/// Who waits at any time.
const WAITING: usize = 20;

struct Day {
    venue: Venue,
    now: Timestamp,
    changes: Vec<Change>,
}

impl Day {
    /// So many come, one every five seconds; each is called when [`WAITING`] more have come.
    fn of(people: usize) -> Self {
        let venue = Venue::new(Plan::default().counter("1").config());
        let mut day = Self { venue, now: at("05:00"), changes: Vec::new() };
        day.changes.extend(day.venue.advance(day.now));
        let (counter, state) = (counter_id("1"), CounterState::Open);
        day.does(Action::SetCounter { counter, state, services: None });
        for came in 0..people {
            let (service, visitor) = (service_id("ent"), Visitor::default());
            day.does(Action::TakeTicket { service, lane: Lane::WalkIn, visitor, wants: None });
            if came >= WAITING {
                day.does(Action::CallNext { counter: counter_id("1") });
            }
            day.now = day.now + Millis::from_secs(5);
        }
        day
    }

    fn does(&mut self, action: Action) {
        match self.venue.execute(&Command::system(action), self.now).unwrap() {
            Decision::Changed(change) => self.changes.push(change),
            other => panic!("{other:?}"),
        }
    }
}

/// Follows a day; tells how many tickets were in memory at most, the records by number, and what it came to.
fn follow(changes: &[Change]) -> (usize, Vec<TicketId>, Closed) {
    let room = tempfile::tempfile().unwrap();
    let mut ledger = Ledger::open(&changes[0], &room).unwrap().unwrap();
    let mut most = 0;
    for change in &changes[1..] {
        ledger.follow(change).unwrap();
        most = most.max(ledger.held());
    }
    let mut told = Vec::new();
    let closed = ledger.close(|record, _| {
        told.push(record.ticket);
        Ok(())
    });
    (most, told, closed.unwrap())
}

#[test]
fn the_tickets_in_memory_do_not_grow_with_the_day() {
    let (short, long) = (Day::of(1_200), Day::of(5_000));
    let (few, _, _) = follow(&short.changes);
    let (most, told, closed) = follow(&long.changes);
    assert_eq!(few, most);
    // Two changes for each, and a minute in which an end can be taken back.
    let at_most = usize::try_from(CHANGES_BETWEEN).unwrap() / 2 + WAITING + 60 / 5 + 10;
    assert!(most < at_most, "{most}");
    assert_eq!(told, long.venue.tickets().map(|ticket| ticket.id).collect::<Vec<_>>());
    assert_eq!(closed.figures.tickets, 5_000);
    assert_eq!(closed.state, state::digest(2, long.venue).unwrap());
}

#[test]
fn a_ticket_that_comes_back_after_its_end_comes_back_from_the_shelf() {
    let day = Day::of(1_200);
    let (mut changes, mut venue) = (day.changes, day.venue);
    let (back, last) = (TicketId(3), changes.last().unwrap().clone());
    assert!(venue.ticket(back).unwrap().state.is_over());
    let events = vec![Event::TicketReturned { ticket: back }];
    let change = Change { seq: last.seq.next(), events, ..last };
    venue.apply(&change);
    changes.push(change);
    let (_, told, closed) = follow(&changes);
    assert_eq!(told, venue.tickets().map(|ticket| ticket.id).collect::<Vec<_>>());
    assert_eq!(closed.figures.completed, 1_200 - 20 - 1 - 1, "but for those waiting, at the counter, and back");
    assert_eq!(closed.state, state::digest(2, venue).unwrap());
}
