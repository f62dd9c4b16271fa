//! C1: missed calls.

use callnext_engine::testing::{Hall, Plan, counter_id};
use callnext_engine::{Action, Lane, Millis, Refusal, TicketState};

fn miss() -> Action {
    Action::Miss { counter: counter_id("1") }
}

fn called(plan: Plan) -> (Hall, callnext_engine::TicketId) {
    let mut hall = plan.counter("1").open("08:00");
    let ticket = hall.walk_in();
    hall.next("1");
    (hall, ticket)
}

#[test]
fn c1_not_before_the_recalls_and_the_grace_have_passed() {
    let (mut hall, ticket) = called(Plan::default().rules(|rules| (rules.recalls_min, rules.grace_s) = (2, 60)));
    let early = |grace_s: i64, recalls| Refusal::MissTooEarly { ticket, grace_ms: grace_s * 1000, recalls };
    assert_eq!(hall.refuses(miss()), early(60, 2));
    hall.after(Millis::from_secs(60));
    assert_eq!(hall.refuses(miss()), early(0, 2), "time alone is not enough");
    hall.recalls("1");
    hall.recalls("1");
    assert_eq!(hall.refuses(miss()), early(60, 0), "each recall gives the grace anew");
    hall.after(Millis::from_secs(59));
    assert_eq!(hall.refuses(miss()), early(1, 0));
    hall.after(Millis::from_secs(1));
    hall.misses("1");
    assert_eq!(*hall.state(ticket), TicketState::Missed);
}

#[test]
fn c1_never_before_the_persons_own_slot() {
    let mut hall = Plan::default().counter("1").rules(|rules| rules.recalls_min = 0).open("08:00");
    let booked = hall.appointments(1, "09:00")[0];
    assert_eq!(hall.next("1"), Some(booked), "called early, as nobody else waited");
    hall.at("08:59:59");
    assert_eq!(hall.refuses(miss()), Refusal::SlotNotBegun { ticket: booked });
    hall.at("09:00").misses("1");
}

#[test]
fn c1_whoever_reports_again_waits_in_the_lane_of_the_missed() {
    let (mut hall, ticket) = called(Plan::default().rules(|rules| rules.ready_count = 0));
    hall.walk_ins(9);
    hall.misses_patiently("1");
    assert!(hall.venue().counter(&counter_id("1")).unwrap().current.is_none());
    hall.requeues(ticket);
    assert_eq!(hall.ticket(ticket).lane, Lane::Missed);
    assert_eq!(hall.ticket(ticket).queued_at, hall.now(), "the wait begins anew");
    let lanes = hall.lanes_called("1", 4);
    assert_eq!(lanes, "wmww", "2 missed to 3 walk-ins");
}

#[test]
fn c1_the_last_miss_is_final() {
    for misses_max in [1, 2, 3] {
        let (mut hall, ticket) = called(Plan::default().rules(|rules| rules.misses_max = misses_max));
        for misses in 1..misses_max {
            hall.misses_patiently("1");
            assert_eq!(*hall.state(ticket), TicketState::Missed, "miss {misses} of {misses_max}");
            hall.requeues(ticket);
            assert_eq!(hall.next("1"), Some(ticket));
        }
        hall.misses_patiently("1");
        assert_eq!(*hall.state(ticket), TicketState::NoShow, "miss {misses_max}");
        assert_eq!(hall.ticket(ticket).misses, misses_max);
        assert!(hall.ticket(ticket).ended_at.is_some());
        let again = Action::Requeue { ticket, reason: "please".into() };
        assert!(matches!(hall.refuses(again), Refusal::TicketNotInState { .. }));
    }
}

#[test]
fn c1_only_a_called_ticket_can_be_missed() {
    let (mut hall, _) = called(Plan::default());
    hall.starts("1");
    assert!(matches!(hall.refuses(miss()), Refusal::TicketNotInState { .. }));
    hall.completes("1");
    assert_eq!(hall.refuses(miss()), Refusal::CounterIdle { counter: counter_id("1") });
}

#[test]
fn c1_a_missed_ticket_can_be_called_by_hand() {
    let (mut hall, ticket) = called(Plan::default());
    hall.misses_patiently("1");
    hall.calls_by_hand("1", ticket);
    assert_eq!(hall.state(ticket).name(), "called");
    assert_eq!((hall.ticket(ticket).recalls, hall.ticket(ticket).misses), (0, 1));
}

#[test]
fn c1_a_recall_keeps_the_call_and_counts() {
    let (mut hall, ticket) = called(Plan::default());
    let first = hall.state(ticket).clone();
    hall.after(Millis::from_secs(20)).recalls("1");
    assert_eq!(*hall.state(ticket), first);
    assert_eq!(hall.ticket(ticket).recalls, 1);
    let entry = hall.venue().calls().next_back().unwrap();
    assert_eq!((entry.ticket, entry.recalls, entry.at), (ticket, 1, hall.now()));
}
