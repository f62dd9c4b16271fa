//! The same wish gets the same answer, however often it is sent.

use callnext_engine::testing::{Plan, at, counter_id, key, service_id, staff};
use callnext_engine::ticket::Visitor;
use callnext_engine::venue::{Decision, Outcome};
use callnext_engine::{Action, Lane, Refusal, TicketId};

fn take() -> Action {
    Action::TakeTicket { service: service_id("ent"), lane: Lane::WalkIn, visitor: Visitor::default(), wants: None }
}

#[test]
fn a_retried_tap_gets_the_same_receipt_and_does_nothing_twice() {
    let mut hall = Plan::default().counter("1").open("08:00");
    let Ok(Decision::Changed(change)) = hall.asks_with(key("tap", 1), take()) else { panic!() };
    hall.at("08:10").walk_in();
    let before = hall.venue().clone();
    let Ok(Decision::Repeated(receipt)) = hall.asks_with(key("tap", 1), take()) else { panic!() };
    assert_eq!((receipt.seq, receipt.outcome), (change.seq, Outcome::Ticket { ticket: TicketId(1) }));
    assert_eq!(before, *hall.venue());
}

#[test]
fn the_receipt_stands_even_when_the_wish_would_be_refused_now() {
    let mut hall = Plan::default().counter("1").open("08:00");
    let ticket = hall.walk_in();
    let cancel = || Action::Cancel { ticket, reason: None };
    hall.asks_with(key("leave", 7), cancel()).unwrap();
    assert!(matches!(hall.asks(cancel()), Err(Refusal::TicketNotInState { .. })));
    assert!(matches!(hall.asks_with(key("leave", 7), cancel()), Ok(Decision::Repeated(_))));
}

#[test]
fn a_key_cannot_stand_for_two_wishes() {
    let mut hall = Plan::default().counter("1").open("08:00");
    hall.asks_with(key("tap", 1), take()).unwrap();
    assert_eq!(hall.asks_with(key("tap", 2), take()), Err(Refusal::IdempotencyKeyReused));
}

#[test]
fn a_refusal_uses_up_no_key() {
    let mut hall = Plan::default().counter("1").open("08:00");
    let start = || Action::Start { counter: counter_id("1") };
    assert!(hall.asks_with(key("go", 1), start()).is_err());
    hall.walk_in();
    hall.next("1");
    assert!(matches!(hall.asks_with(key("go", 1), start()), Ok(Decision::Changed(_))));
}

#[test]
fn receipts_are_bounded_the_oldest_go_first() {
    // As in the engine: half an hour of a very large hall.
    let most = 10_000;
    let mut hall = Plan::default().counter("1").open("08:00");
    let mut venue = hall.venue().clone();
    for n in 0..=most {
        let services = None;
        let state = if n % 2 == 0 {
            callnext_engine::counter::CounterState::Paused
        } else {
            callnext_engine::counter::CounterState::Open
        };
        let action = Action::SetCounter { counter: counter_id("1"), state, services };
        let command = callnext_engine::Command { id: key(&n.to_string(), 0), by: staff("nurse"), action };
        assert!(matches!(venue.execute(&command, at("08:00")), Ok(Decision::Changed(_))), "{n}");
    }
    let remembered = (0..=most).filter(|n| venue.receipt(&key(&n.to_string(), 0).unwrap()).is_some()).count();
    assert_eq!(remembered, most);
    assert!(venue.receipt(&key("0", 0).unwrap()).is_none());
    hall.let_time_pass();
}
