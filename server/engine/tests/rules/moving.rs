//! B11, R6, R7: away for tests and back; to another service.

use callnext_engine::event::Rule;
use callnext_engine::testing::{Hall, Plan, at, counter_id, service_id, transfer};
use callnext_engine::{Action, Lane, Refusal, TicketId, TicketState};

fn two_services() -> Hall {
    let plan = Plan::default().service("eye", "B").rules(|rules| rules.ready_count = 0);
    plan.counter("1").counter_for("2", &["eye"]).open("08:00")
}

fn move_to(ticket: TicketId, service: &str, wants: Option<&str>) -> Action {
    let Action::Transfer { ticket, service, reason, .. } = transfer(ticket, service) else { unreachable!() };
    Action::Transfer { ticket, service, reason, wants: wants.map(counter_id), urgency: None }
}

#[test]
fn b11_back_from_tests_on_the_same_registration() {
    let mut hall = Plan::default().counter("1").rules(|rules| rules.ready_count = 0).open("08:00");
    let patient = hall.walk_in();
    let number = hall.number(patient);
    hall.next("1");
    hall.starts("1");
    hall.holds(patient);
    assert_eq!(*hall.state(patient), TicketState::Held);
    assert!(hall.venue().counter(&counter_id("1")).unwrap().current.is_none(), "the counter is free");
    hall.walk_ins(6);
    hall.at("08:40").returns(patient);
    assert_eq!((hall.ticket(patient).lane, hall.number(patient)), (Lane::ReturnVisit, number));
    assert_eq!(hall.ticket(patient).queued_at, at("08:40"));
    assert_eq!(hall.lanes_called("1", 2), "wr", "3 returns to 3 walk-ins: one after the other");
}

#[test]
fn b11_one_can_go_for_tests_from_the_queue_the_call_and_the_counter() {
    let mut hall = Plan::default().counter("1").open("08:00");
    let people = hall.walk_ins(3);
    hall.holds(people[2]);
    hall.next("1");
    hall.holds(people[0]);
    hall.next("1");
    hall.starts("1");
    hall.holds(people[1]);
    assert!(people.iter().all(|ticket| *hall.state(*ticket) == TicketState::Held));
    let again = Action::Hold { ticket: people[0], reason: "x-ray".into() };
    assert!(matches!(hall.refuses(again), Refusal::TicketNotInState { .. }));
}

#[test]
fn b11_only_the_held_return() {
    let mut hall = Plan::default().counter("1").open("08:00");
    let ticket = hall.walk_in();
    assert!(matches!(hall.refuses(Action::Return { ticket }), Refusal::TicketNotInState { .. }));
}

#[test]
fn r6_a_transfer_keeps_number_history_and_waiting_credit() {
    let mut hall = two_services();
    let patient = hall.walk_in();
    let before = hall.ticket(patient).clone();
    hall.at("08:30");
    let other = hall.takes("eye", Lane::Referral);
    hall.at("08:45").transfers(patient, "eye");
    let after = hall.ticket(patient);
    assert_eq!((&after.number, after.issued_at), (&before.number, before.issued_at));
    assert_eq!(after.queued_at, before.queued_at, "the wait goes on");
    assert_eq!(hall.next("2"), Some(patient), "before the one who came at half past");
    assert_eq!(hall.next("2"), Some(other));
}

#[test]
fn r7_a_transfer_counts_as_a_first_visit_in_the_new_queue() {
    let mut hall = two_services();
    let patient = hall.walk_in();
    hall.next("1");
    hall.starts("1");
    hall.transfers(patient, "eye");
    assert_eq!((&hall.ticket(patient).service, hall.ticket(patient).lane), (&service_id("eye"), Lane::Referral));
    assert!(hall.venue().counter(&counter_id("1")).unwrap().current.is_none());
    assert_eq!(hall.next("2"), Some(patient));
}

#[test]
fn r6_nobody_is_overdue_for_calls_made_before_they_came() {
    let mut hall = two_services();
    let patient = hall.walk_in();
    for _ in 0..30 {
        hall.takes("eye", Lane::WalkIn);
    }
    hall.at("08:30").calls("2", 20);
    let referral = hall.takes("eye", Lane::Referral);
    hall.transfers(patient, "eye");
    let (first, rule) = hall.next_and_why("2").unwrap();
    assert_eq!(rule, Rule::Cycle, "{first} called; the twenty before overtook nobody who was there");
    assert_ne!(first, referral, "the transferred one stands before in the lane");
}

#[test]
fn c5_another_counter_of_the_same_service_changes_no_lane() {
    let mut hall = Plan::default().counter("1").counter("2").open("08:00");
    let patient = hall.walk_in();
    hall.does(move_to(patient, "ent", Some("2")));
    assert_eq!(hall.ticket(patient).lane, Lane::WalkIn);
    assert_eq!((hall.next("1"), hall.next("2")), (None, Some(patient)));
}

#[test]
fn r6_held_and_missed_people_can_be_moved_too() {
    let mut hall = two_services();
    let [held, missed] = [hall.walk_in(), hall.walk_in()];
    hall.holds(held);
    hall.next("1");
    hall.misses_patiently("1");
    for ticket in [held, missed] {
        hall.transfers(ticket, "eye");
        assert_eq!(*hall.state(ticket), TicketState::Waiting);
    }
    assert_eq!(hall.calls("2", 2), [held, missed]);
}

#[test]
fn r6_to_where_one_is_makes_no_sense() {
    let mut hall = two_services();
    let patient = hall.walk_in();
    assert!(matches!(hall.refuses(transfer(patient, "ent")), Refusal::ValueInvalid { .. }));
    assert!(matches!(hall.refuses(move_to(patient, "eye", Some("1"))), Refusal::ValueInvalid { .. }));
    hall.cancels(patient);
    assert!(matches!(hall.refuses(transfer(patient, "eye")), Refusal::TicketNotInState { .. }));
}
