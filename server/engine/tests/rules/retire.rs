//! Following a day with little at hand ([`callnext_engine::replay`]).

use callnext_engine::event::{Change, Event};
use callnext_engine::replay::Replay;
use callnext_engine::testing::{Hall, Plan};
use callnext_engine::{Millis, Venue};

/// So many people come, one a minute, and each is called when the next one comes.
fn day(people: usize) -> Hall {
    let mut hall = Plan::default().counter("1").open("04:30");
    for _ in 0..people {
        hall.walk_in();
        hall.next("1");
        hall.after(Millis::from_mins(1));
    }
    hall
}

fn followed(changes: &[Change], venue: &Venue) -> (Replay, usize) {
    let mut replay = Replay::new(Venue::new(venue.config().clone()));
    let mut most = 0;
    for change in changes {
        replay.apply(change);
        replay.retire();
        most = most.max(replay.held());
    }
    (replay, most)
}

#[test]
fn what_is_at_hand_does_not_grow_with_the_day() {
    let (short, long) = (day(40), day(400));
    let (_, few) = followed(short.changes(), short.venue());
    let (replay, most) = followed(long.changes(), long.venue());
    assert_eq!((few, most), (3, 3), "the one at the counter, and those whose end could be taken back");
    let bytes = |replay: &Replay| serde_json::to_vec(replay.venue()).unwrap().len();
    let (left, whole) = (bytes(&replay), serde_json::to_vec(long.venue()).unwrap().len());
    let begun = bytes(&followed(short.changes(), short.venue()).0);
    assert!(
        left < begun + 200 && whole > 20 * left,
        "{left} bytes are left of {whole}, {begun} after a tenth of the day"
    );
}

#[test]
fn whoever_comes_back_from_an_end_is_given_back_first() {
    let hall = day(10);
    let mut replay = Replay::new(Venue::new(hall.venue().config().clone()));
    hall.changes().iter().for_each(|change| replay.apply(change));
    let mut out = replay.retire();
    let first = out.remove(0);
    assert_eq!(first.calls.len(), 2, "among those that overtake, and among those that went first by a turn");
    // No venue of today does so, but history is history.
    let last = hall.changes().last().unwrap();
    let back = Event::TicketReturned { ticket: first.ticket.id };
    let change = Change { seq: last.seq.next(), events: vec![back], ..last.clone() };
    assert_eq!(replay.needs(&change), [first.ticket.id].into());
    replay.give_back(first.clone());
    assert!(replay.needs(&change).is_empty());
    replay.apply(&change);
    let mut whole = hall.venue().clone();
    whole.apply(&change);
    let mut whole = Replay::new(whole);
    out.extend(replay.retire_all());
    out.sort_by_key(|retired| retired.ticket.id);
    assert_eq!(out, whole.retire_all());
    assert_eq!(replay.venue(), whole.venue());
}
