//! C3: the next few are told to get ready, and are not displaced by later insertions, emergencies aside.

use callnext_engine::config::OrderInLane;
use callnext_engine::counter::CounterState;
use callnext_engine::event::{Event, Rule};
use callnext_engine::lane::{Lane, Weights};
use callnext_engine::testing::{Plan, at};
use callnext_engine::ticket::Urgency;

#[test]
fn c3_the_next_two_are_told_and_frozen() {
    let mut hall = Plan::default().counter("1").open("08:00");
    let people = hall.walk_ins(4);
    assert_eq!(hall.ready(), people[..2]);
    hall.appointments(3, "08:00");
    hall.overflow();
    assert_eq!(hall.ready(), people[..2], "insertions do not displace them");
    assert_eq!(hall.next_and_why("1"), Some((people[0], Rule::Ready)));
    assert_eq!(hall.ready()[0], people[1]);
    assert_eq!(hall.ready().len(), 2, "the next one is told");
}

#[test]
fn c3_emergencies_aside() {
    let mut hall = Plan::default().counter("1").open("08:00");
    let people = hall.walk_ins(3);
    hall.grants(people[2], Urgency::Emergency);
    assert_eq!(hall.ready(), people[..2]);
    assert_eq!(hall.next("1"), Some(people[2]));
    assert_eq!(hall.calls("1", 2), people[..2]);
}

#[test]
fn c3_who_is_ready_goes_by_the_cycle_and_is_charged_once() {
    let plan = Plan::default().counter("1").rules(|rules| {
        rules.weights = Weights::new([(Lane::Appointment, 2), (Lane::WalkIn, 1)]);
        rules.overtaken_max = 0;
    });
    let mut hall = plan.open("08:00");
    hall.counter("1", CounterState::Paused);
    hall.appointments(20, "08:00");
    hall.walk_ins(20);
    hall.counter("1", CounterState::Open);
    let lanes = hall.lanes_called("1", 12);
    assert_eq!(lanes.matches('a').count(), 8, "{lanes}");
}

#[test]
fn c3_nobody_is_told_before_a_counter_is_open() {
    let mut hall = Plan::default().closed_counter("1").open("08:00");
    let people = hall.walk_ins(3);
    assert!(hall.ready().is_empty());
    hall.counter("1", CounterState::Open);
    assert_eq!(hall.ready(), people[..2]);
    hall.counter("1", CounterState::Paused);
    assert_eq!(hall.ready(), people[..2], "told is told");
}

#[test]
fn c3_somebody_booked_is_told_when_their_time_comes() {
    let mut hall = Plan::default().counter("1").open("08:00");
    let booked = hall.appointments(1, "10:00");
    assert!(hall.ready().is_empty());
    assert_eq!(hall.venue().next_deadline(), Some(at("09:45")));
    hall.at("09:44:59");
    assert!(hall.ready().is_empty());
    hall.at("09:45");
    assert_eq!(hall.ready(), booked);
    assert!(matches!(hall.last_events(), [Event::TicketReadied { .. }]));
}

#[test]
fn c3_a_late_timer_tells_the_same_people_as_a_punctual_one() {
    let plan = Plan::default().counter("1").rules(|rules| rules.order = OrderInLane::Number);
    let mut punctual = plan.open("08:00");
    punctual.books(&[("later", "10:00"), ("soon", "09:00")]);
    punctual.checks_in("later");
    punctual.checks_in("soon");
    let mut late = punctual.clone();
    for time in ["08:45", "09:45", "11:00"] {
        punctual.at(time);
    }
    late.at("11:00");
    assert_eq!(late.venue(), punctual.venue());
    assert_eq!(late.changes(), punctual.changes());
}

#[test]
fn c3_whoever_leaves_the_ready_set_makes_room() {
    let mut hall = Plan::default().counter("1").open("08:00");
    let people = hall.walk_ins(5);
    hall.cancels(people[0]);
    assert_eq!(hall.ready(), people[1..3]);
    hall.holds(people[1]);
    assert_eq!(hall.ready(), people[2..4]);
}

#[test]
fn c3_somebody_ready_for_a_closed_counter_takes_no_place_from_the_others() {
    let mut hall = Plan::default().counter("1").counter("2").open("08:00");
    let wanting = [hall.walk_in_wanting("2"), hall.walk_in_wanting("2")];
    let others = hall.walk_ins(3);
    assert_eq!(hall.ready(), wanting);
    hall.counter("2", CounterState::Closed);
    assert_eq!(hall.ready()[2..], others[..2], "counter 1 goes on, so its next two are told");
    assert_eq!(hall.calls("1", 2), others[..2]);
}

#[test]
fn c3_a_deadline_is_never_in_the_past() {
    // Booked for a counter that is closed: nobody can be told anything when the slot begins.
    let mut hall = Plan::default().counter("1").closed_counter("2").open("08:00");
    let mut booking = callnext_engine::testing::appointment("a", "09:00");
    booking.wants = Some(callnext_engine::testing::counter_id("2"));
    let appointments = vec![booking];
    hall.does(callnext_engine::Action::SetAppointments { appointments });
    hall.checks_in("a");
    for time in ["08:30", "08:45", "09:00", "12:00"] {
        hall.at(time);
        assert!(hall.venue().next_deadline().unwrap() > hall.now(), "at {time}");
    }
}

#[test]
fn c3_none_at_all_is_a_setting() {
    let mut hall = Plan::default().counter("1").rules(|rules| rules.ready_count = 0).open("08:00");
    let people = hall.walk_ins(3);
    assert!(hall.ready().is_empty());
    assert_eq!(hall.next_and_why("1"), Some((people[0], Rule::Cycle)));
}
