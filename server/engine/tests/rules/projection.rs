//! How many are really ahead: what is projected is what happens when nobody new comes.

use callnext_engine::config::OrderInLane;
use callnext_engine::event::Rule;
use callnext_engine::lane::{Lane, Weights};
use callnext_engine::projection::GAP_ASSUMED;
use callnext_engine::testing::{Hall, Plan, service_id};
use callnext_engine::ticket::Urgency;
use callnext_engine::{Millis, TicketId};

/// Lets one counter call at the projected times, and compares.
fn comes_true(hall: &mut Hall) -> Vec<(TicketId, Rule)> {
    let projected: Vec<_> = hall.venue().project(&service_id("ent"), hall.now()).collect();
    let mut happened = Vec::new();
    for call in &projected {
        hall.at_instant(call.at);
        happened.extend(hall.next_and_why("1"));
    }
    let projected: Vec<_> = projected.iter().map(|call| (call.choice.ticket, call.choice.rule)).collect();
    assert_eq!(happened, projected);
    happened
}

#[test]
fn everybody_who_waits_is_projected_once() {
    let mut hall = Plan::default().counter("1").open("08:00");
    hall.walk_ins(7);
    hall.takes("ent", Lane::Referral);
    hall.overflow();
    hall.appointments(2, "08:30");
    assert_eq!(comes_true(&mut hall).len(), 11);
    assert!(hall.projected().is_empty());
}

#[test]
fn slots_that_begin_between_two_calls_are_told_in_the_order_in_which_they_begin() {
    let plan = Plan::default().counter("1").rules(|rules| (rules.order, rules.early_s) = (OrderInLane::Number, 0));
    let mut hall = plan.open("08:28");
    hall.walk_in();
    let now = hall.now();
    let mut soon = callnext_engine::testing::appointment("soon", "08:30");
    soon.slot.start = now + Millis::from_mins(1);
    let mut later = soon.clone();
    (later.code, later.slot.start) = ("later".into(), now + Millis::from_mins(3));
    assert!(now + GAP_ASSUMED > later.slot.start, "both begin before the next call");
    hall.does(callnext_engine::Action::SetAppointments { appointments: vec![soon, later] });
    let [later, soon] = [hall.checks_in("later"), hall.checks_in("soon")];
    let calls: Vec<TicketId> = comes_true(&mut hall).into_iter().map(|(ticket, _)| ticket).collect();
    assert_eq!(calls[1..], [soon, later], "told first is called first, though the number is higher");
}

#[test]
fn the_ceiling_on_urgent_calls_begins_when_somebody_else_could_be_called() {
    let plan = Plan::default().counter("1").rules(|rules| (rules.urgent_run_max, rules.early_s) = (1, 0));
    let mut hall = plan.open("08:23");
    for _ in 0..4 {
        let urgent = hall.walk_in();
        hall.grants(urgent, Urgency::Emergency);
    }
    hall.appointments(1, "08:30");
    let rules: Vec<Rule> = comes_true(&mut hall).into_iter().map(|(_, rule)| rule).collect();
    let u = Rule::Urgent;
    assert_eq!(rules, [u, u, u, Rule::Ready, u], "at 23 and 28 nobody else, at 33 the run begins");
}

#[test]
fn two_counters_take_turns_and_call_whom_each_can() {
    let mut hall = Plan::default().counter("1").counter("2").open("08:00");
    let [one, two, three] = [hall.walk_in_wanting("2"), hall.walk_in_wanting("2"), hall.walk_in()];
    assert_eq!(hall.projected(), [three, one, two], "counter 1 begins");
}

#[test]
fn with_no_counter_open_one_that_serves_everybody_is_thought_of() {
    let mut hall = Plan::default().closed_counter("1").closed_counter("2").open("08:00");
    let people = [hall.walk_in_wanting("2"), hall.walk_in(), hall.walk_in_wanting("1")];
    assert_eq!(hall.projected(), people);
}

#[test]
fn the_overdue_are_foreseen() {
    let weights = Weights::new([(Lane::WalkIn, 1), (Lane::Referral, 20)]);
    let plan = Plan::default().counter("1").rules(|rules| {
        rules.weights = weights;
        (rules.overtaken_max, rules.ready_count) = (3, 0);
    });
    let mut hall = plan.open("08:00");
    hall.walk_ins(2);
    for _ in 0..8 {
        hall.takes("ent", Lane::Referral);
    }
    let rules: Vec<Rule> = comes_true(&mut hall).into_iter().map(|(_, rule)| rule).collect();
    assert!(rules.contains(&Rule::Overdue), "{rules:?}");
}

#[test]
fn the_pace_says_when() {
    let mut hall = Plan::default().counter("1").open("08:00");
    hall.walk_ins(10);
    for _ in 0..5 {
        hall.after(Millis::from_mins(2)).next("1");
    }
    let at: Vec<_> = hall.venue().project(&service_id("ent"), hall.now()).map(|call| call.at).collect();
    let expected: Vec<_> = (0..5).map(|n| hall.now() + Millis::from_mins(2 * n)).collect();
    assert_eq!(at, expected);
}

#[test]
fn everybody_who_waits_is_counted_wherever_they_wait() {
    let mut hall = Plan::default().counter("1").door(2).rules(|rules| rules.ready_count = 0).open("08:00");
    let waiting = |hall: &Hall| hall.venue().queue(&service_id("ent")).unwrap().len();
    hall.walk_ins(4);
    assert_eq!(waiting(&hall), 4, "two at the door");
    let urgent = hall.walk_ins(3);
    urgent.iter().for_each(|ticket| drop(hall.grants(*ticket, Urgency::GreenChannel)));
    assert_eq!(waiting(&hall), 7);
    hall.calls("1", 7);
    assert_eq!(waiting(&hall), 0);
}

#[test]
fn a_gap_in_which_nobody_waits_is_no_pace() {
    let mut hall = Plan::default().counter("1").open("08:00");
    for _ in 0..8 {
        hall.walk_in();
        hall.next("1");
        hall.after(Millis::from_mins(10));
    }
    assert_eq!(hall.venue().queue(&service_id("ent")).unwrap().pace().gap(), None);
}

#[test]
fn what_was_announced_is_held_against_what_came() {
    let mut hall = Plan::default().counter("1").open("08:00");
    hall.walk_ins(7);
    for _ in 0..6 {
        hall.after(Millis::from_mins(2)).next("1");
    }
    let announced = hall.walk_ins(30);
    assert!(announced.iter().all(|ticket| hall.ticket(*ticket).announced.is_some()));
    for _ in 0..31 {
        hall.after(Millis::from_mins(2)).next("1");
    }
    let queue = hall.venue().queue(&service_id("ent")).unwrap();
    let wait = queue.pace().forecast(Millis::from_mins(2)).wait(0);
    assert_eq!((wait.scored, wait.likely), (30, Millis::from_mins(2)), "it came as was announced");
}
