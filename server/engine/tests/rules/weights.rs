//! C5: a counter that serves several services by weight, and whom it will call.

use callnext_engine::config::ServiceWeights;
use callnext_engine::counter::CounterState;
use callnext_engine::event::Event;
use callnext_engine::testing::{Hall, Plan, counter_id, service_id};
use callnext_engine::ticket::Urgency;
use callnext_engine::{Action, Lane, Millis, Refusal, ServiceId};

/// Counter 1 serves `ent` and `eye` by these weights.
fn plan(ent: u32, eye: u32) -> Plan {
    Plan::default()
        .rules(|rules| rules.overtaken_max = 0)
        .service("eye", "B")
        .rules(|rules| rules.overtaken_max = 0)
        .counter_by_weight("1", &[("ent", ent), ("eye", eye)])
}

fn crowd(hall: &mut Hall, service: &str, count: usize) {
    for _ in 0..count {
        hall.takes(service, Lane::WalkIn);
    }
}

/// The prefixes of the numbers called.
fn called(hall: &mut Hall, count: usize) -> String {
    let calls = hall.calls("1", count);
    calls.into_iter().map(|ticket| hall.number(ticket).remove(0)).collect()
}

#[test]
fn c5_services_are_called_by_the_counters_weights() {
    for (ent, eye, expected) in [(2, 1, "AABAABAAB"), (1, 1, "ABABABABA"), (1, 2, "BABBABBAB"), (20, 1, "AAAAAAAAA")] {
        let mut hall = plan(ent, eye).open("08:00");
        crowd(&mut hall, "eye", 20);
        crowd(&mut hall, "ent", 20);
        assert_eq!(called(&mut hall, 9), expected, "{ent} to {eye}");
    }
}

#[test]
fn c5_without_weights_the_longest_wait_goes_first() {
    let mut hall = Plan::default().service("eye", "B").counter_for("1", &["ent", "eye"]).open("08:00");
    crowd(&mut hall, "eye", 3);
    hall.after(Millis(1));
    crowd(&mut hall, "ent", 3);
    assert_eq!(called(&mut hall, 6), "BBBAAA");
    let unasked = |event: &Event| matches!(event, Event::TicketCalled { why, .. } if why.services.is_empty());
    assert!(hall.last_events().iter().any(unasked));
}

#[test]
fn c5_a_service_with_nobody_banks_nothing() {
    let mut hall = plan(1, 1).open("08:00");
    crowd(&mut hall, "ent", 30);
    assert_eq!(called(&mut hall, 10), "AAAAAAAAAA");
    crowd(&mut hall, "eye", 10);
    assert_eq!(called(&mut hall, 6).matches('B').count(), 3);
}

#[test]
fn c5_urgent_then_overdue_go_before_the_weights() {
    let mut hall = plan(20, 1).open("08:00");
    let old = hall.takes("eye", Lane::WalkIn);
    hall.at("10:00");
    crowd(&mut hall, "ent", 5);
    let urgent = hall.takes("eye", Lane::WalkIn);
    hall.grants(urgent, Urgency::Emergency);
    assert_eq!(hall.previewed("1", 2), [urgent, old]);
    assert_eq!(hall.calls("1", 2), [urgent, old]);
}

#[test]
fn c5_the_ready_sets_of_the_services_hold() {
    let mut hall = plan(1, 1).open("08:00");
    crowd(&mut hall, "ent", 4);
    let told = hall.ready();
    crowd(&mut hall, "eye", 4);
    let calls = hall.calls("1", 4);
    let of_ent: Vec<_> = calls.into_iter().filter(|ticket| hall.ticket(*ticket).service == service_id("ent")).collect();
    assert_eq!(of_ent, told);
}

#[test]
fn c5_a_call_taken_back_costs_its_service_nothing() {
    let mut hall = plan(1, 1).open("08:00");
    crowd(&mut hall, "ent", 6);
    crowd(&mut hall, "eye", 6);
    assert_eq!(called(&mut hall, 2), "AB");
    let before = hall.previewed("1", 6);
    hall.next("1");
    hall.undoes();
    assert_eq!(hall.previewed("1", 6), before);
}

#[test]
fn c5_new_weights_act_at_the_next_call() {
    let mut hall = plan(1, 1).open("08:00");
    crowd(&mut hall, "ent", 20);
    crowd(&mut hall, "eye", 20);
    assert_eq!(called(&mut hall, 2), "AB");
    let weights = ServiceWeights::new([(service_id("ent"), 1), (service_id("eye"), 3)]);
    hall.configures(|config| config.counters[0].weights = weights).unwrap();
    assert_eq!(called(&mut hall, 8).matches('B').count(), 6);
}

#[test]
fn c5_a_service_added_for_the_day_has_weight_one() {
    let mut hall = plan(2, 2).service("ear", "C").open("08:00");
    for service in ["ent", "eye", "ear"] {
        crowd(&mut hall, service, 20);
    }
    let services: Vec<ServiceId> = ["ent", "eye", "ear"].map(service_id).to_vec();
    let counter = counter_id("1");
    hall.does(Action::SetCounter { counter, state: CounterState::Open, services: Some(services) });
    assert_eq!(called(&mut hall, 10).matches('C').count(), 2);
}

#[test]
fn c5_weights_are_checked() {
    for (given, expected) in [
        (("ent", 0), "weights.ent: 0 is not from 1 to 20"),
        (("ent", 21), "weights.ent: 21 is not from 1 to 20"),
        (("ear", 1), "weights.ear: is not one of the counter's services"),
    ] {
        let mut hall = plan(1, 1).open("08:00");
        let weights = ServiceWeights::new([(service_id(given.0), given.1)]);
        match hall.configures(|config| config.counters[0].weights = weights) {
            Err(Refusal::ConfigInvalid { problems }) => assert!(problems[0].ends_with(expected), "{problems:?}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn c5_the_preview_is_what_the_counter_calls() {
    let mut hall = plan(2, 1).counter("2").open("08:00");
    crowd(&mut hall, "eye", 3);
    crowd(&mut hall, "ent", 5);
    let preview = hall.previewed("1", 20);
    assert_eq!(preview.len(), 8, "everybody, were it to go on alone");
    assert_eq!(hall.previewed("1", 3), preview[..3]);
    assert_eq!(hall.calls("1", 8), preview);
    assert!(hall.previewed("1", 20).is_empty());
}

#[test]
fn c5_the_preview_of_a_closed_counter_is_what_it_calls_once_open() {
    let mut hall = plan(2, 1).closed_counter("2").open("08:00");
    crowd(&mut hall, "ent", 5);
    let preview = hall.previewed("2", 5);
    hall.counter("2", CounterState::Open);
    assert_eq!(hall.calls("2", 5), preview);
}
