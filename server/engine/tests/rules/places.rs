//! Places that meet: right behind a number (C1) and by triage (R5); let others go first, and then booked (R9).

use callnext_engine::Lane;
use callnext_engine::config::{EarlyCheckIn, MissedRejoin, OrderInLane, OverflowJoin};
use callnext_engine::event::Event;
use callnext_engine::testing::{Plan, at};

#[test]
fn r5_whoever_rejoins_right_behind_an_added_number_stands_behind_it() {
    let plan = Plan::default().counter("1").rules(|rules| {
        (rules.order, rules.overflow_join) = (OrderInLane::Number, OverflowJoin::TriageTime);
        rules.missed.rejoin = MissedRejoin::Tail;
        (rules.ready_count, rules.recalls_min, rules.grace_s) = (0, 0, 0);
    });
    let mut hall = plan.open("08:00");
    let missed = hall.walk_in();
    hall.next("1");
    hall.misses("1");
    let added = hall.overflow();
    hall.requeues(missed);
    assert_eq!(hall.calls("1", 2), [added, missed]);
}

#[test]
fn r9_whom_one_let_go_first_on_site_does_not_count_when_the_slot_begins() {
    let plan = Plan::default().counter("1").rules(|rules| {
        (rules.check_in_early, rules.check_in_early_s, rules.early_s) = (EarlyCheckIn::WalkIn, 0, 0);
        (rules.ready_count, rules.overtaken_max) = (0, 1);
    });
    let mut hall = plan.open("08:00");
    hall.books(&[("early", "09:00")]);
    let early = hall.checks_in("early");
    let others = hall.at("08:01").walk_ins(3);
    hall.at("08:02").steps_back(early, 2);
    assert_eq!(hall.calls("1", 2), others[..2]);
    hall.at("09:00").let_time_pass();
    assert!(hall.changes().iter().any(|change| change.events.contains(&Event::TicketSlotBegan { ticket: early })));
    assert_eq!(hall.ticket(early).place.as_ref().map(|place| place.since), Some(at("08:02")));
}

#[test]
fn r9_whoever_is_booked_too_early_under_a_new_rule_is_on_site_again() {
    let plan = Plan::default().counter("1").rules(|rules| {
        (rules.check_in_early, rules.check_in_early_s, rules.early_s) = (EarlyCheckIn::WalkIn, 1800, 3600);
        (rules.ready_count, rules.early_when_idle) = (0, false);
    });
    let mut hall = plan.open("08:00");
    hall.books(&[("later", "09:30"), ("sooner", "08:45")]);
    let later = hall.checks_in("later");
    hall.at("08:30").let_time_pass();
    hall.checks_in("sooner");
    assert_eq!(hall.ticket(later).lane, Lane::Appointment);
    hall.changes_policy(Some("ent"), |set| set.early_s = Some(0)).unwrap();
    assert_eq!(hall.ticket(later).lane, Lane::WalkIn);
    assert_eq!(hall.next("1"), Some(later), "nobody else can be called, and they were here first");
}
