//! C5: counters, what they serve, and tickets that want one of them.

use callnext_engine::counter::CounterState;
use callnext_engine::testing::{Hall, Plan, counter_id, service_id};
use callnext_engine::{Action, Lane, Millis, Refusal, TicketState};

fn serve(counter: &str, services: &[&str]) -> Action {
    let services = Some(services.iter().map(|service| service_id(service)).collect());
    Action::SetCounter { counter: counter_id(counter), state: CounterState::Open, services }
}

fn call(counter: &str) -> Action {
    Action::CallNext { counter: counter_id(counter) }
}

#[test]
fn c5_a_counter_serves_several_services_longest_wait_first() {
    let mut hall = Plan::default().service("eye", "B").counter_for("1", &["ent", "eye"]).open("08:00");
    let mut people = Vec::new();
    for service in ["ent", "eye", "eye", "ent"] {
        people.push(hall.takes(service, Lane::WalkIn));
        hall.after(Millis(1));
    }
    assert_eq!(hall.calls("1", 4), people);
}

#[test]
fn c5_what_a_counter_serves_can_be_changed_for_the_day() {
    let mut hall = Plan::default().service("eye", "B").counter("1").open("08:00");
    let patient = hall.takes("eye", Lane::WalkIn);
    assert_eq!(hall.next("1"), None);
    hall.does(serve("1", &["eye", "eye"]));
    assert_eq!(hall.venue().counter(&counter_id("1")).unwrap().services, [service_id("eye")]);
    assert_eq!(hall.next("1"), Some(patient));
    assert!(matches!(hall.refuses(serve("1", &[])), Refusal::ValueInvalid { .. }));
    assert!(matches!(hall.refuses(serve("1", &["ear"])), Refusal::ServiceUnknown { .. }));
}

#[test]
fn c5_a_ticket_may_want_one_counter() {
    let mut hall = Plan::default().counter("1").counter("2").open("08:00");
    let wanting = hall.walk_in_wanting("2");
    let other = hall.walk_in();
    assert_eq!(hall.next("1"), Some(other), "not the one who wants counter 2");
    assert_eq!(hall.next("1"), None);
    assert_eq!(hall.next("2"), Some(wanting));
    hall.holds(wanting);
    let by_hand = Action::CallTicket { counter: counter_id("1"), ticket: wanting, reason: "free".into() };
    assert!(matches!(hall.refuses(by_hand), Refusal::CounterDoesNotServe { .. }));
}

#[test]
fn c5_a_ticket_cannot_want_a_counter_that_does_not_serve_it() {
    let mut hall = Plan::default().service("eye", "B").counter("1").counter_for("2", &["eye"]).open("08:00");
    let take = |counter| Action::TakeTicket {
        service: service_id("ent"),
        lane: Lane::WalkIn,
        visitor: callnext_engine::ticket::Visitor::default(),
        wants: Some(counter_id(counter)),
    };
    assert!(matches!(hall.refuses(take("2")), Refusal::ValueInvalid { .. }));
    assert!(matches!(hall.refuses(take("9")), Refusal::CounterUnknown { .. }));
}

#[test]
fn c5_only_an_open_counter_calls() {
    let mut hall = Plan::default().counter("1").open("08:00");
    hall.walk_ins(3);
    for state in [CounterState::Paused, CounterState::Closed] {
        hall.counter("1", state);
        assert_eq!(hall.refuses(call("1")), Refusal::CounterNotOpen { counter: counter_id("1") });
    }
    hall.counter("1", CounterState::Open);
    assert!(hall.next("1").is_some());
}

#[test]
fn c5_a_counter_does_not_close_over_a_persons_head_but_may_pause() {
    let mut hall = Plan::default().counter("1").open("08:00");
    let patient = hall.walk_in();
    hall.next("1");
    let close = Action::SetCounter { counter: counter_id("1"), state: CounterState::Closed, services: None };
    assert_eq!(hall.refuses(close), Refusal::CounterBusy { counter: counter_id("1"), ticket: patient });
    hall.counter("1", CounterState::Paused);
    hall.starts("1");
    hall.completes("1");
    hall.counter("1", CounterState::Closed);
}

#[test]
fn two_clerks_never_get_the_same_person() {
    let mut hall = Plan::default().counter("1").counter("2").counter("3").open("08:00");
    let people = hall.walk_ins(3);
    let called = ["1", "2", "3"].map(|counter| hall.next(counter).unwrap());
    assert_eq!(called.to_vec(), people);
    let taken = Action::CallTicket { counter: counter_id("1"), ticket: people[2], reason: "mine".into() };
    assert!(matches!(hall.refuses(taken), Refusal::TicketNotInState { .. }));
}

#[test]
fn calling_the_next_completes_the_one_before() {
    let mut hall = Plan::default().counter("1").open("08:00");
    let people = hall.walk_ins(2);
    hall.next("1");
    hall.starts("1");
    hall.next("1");
    assert_eq!(*hall.state(people[0]), TicketState::Completed);
    assert_eq!(hall.venue().counter(&counter_id("1")).unwrap().current, Some(people[1]));
}

fn board(hall: &Hall) -> Vec<(u64, String)> {
    hall.venue().calls().map(|entry| (entry.call.0, entry.number.to_string())).collect()
}

#[test]
fn the_latest_calls_are_remembered_with_their_own_ids() {
    let mut hall = Plan::default().counter("1").open("08:00");
    let most = callnext_engine::venue::CALLS_MAX;
    hall.walk_ins(most + 5);
    hall.calls("1", most + 5);
    let calls = board(&hall);
    assert_eq!(calls.len(), most);
    assert_eq!(calls.first().unwrap(), &(6, "A006".to_owned()));
    assert!(calls.windows(2).all(|pair| pair[0].0 + 1 == pair[1].0));
}
