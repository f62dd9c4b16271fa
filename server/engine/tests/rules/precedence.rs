//! R3, R10: emergencies and the green channel.

use callnext_engine::event::Rule;
use callnext_engine::lane::Lane;
use callnext_engine::testing::{Plan, at, staff};
use callnext_engine::ticket::Urgency;

#[test]
fn r3_r10_emergencies_go_first_then_the_green_channel_then_the_others() {
    let mut hall = Plan::default().counter("1").open("08:00");
    let people = hall.walk_ins(5);
    hall.grants(people[3], Urgency::GreenChannel);
    hall.grants(people[4], Urgency::GreenChannel);
    hall.at("08:01").grants(people[2], Urgency::Emergency);
    let calls: Vec<_> = (0..5).map(|_| hall.next_and_why("1").unwrap()).collect();
    let expected = [
        (people[2], Rule::Urgent),
        (people[3], Rule::Urgent),
        (people[4], Rule::Urgent),
        (people[0], Rule::Ready),
        (people[1], Rule::Ready),
    ];
    assert_eq!(calls, expected);
}

#[test]
fn r3_a_grant_is_never_silent() {
    let mut hall = Plan::default().counter("1").open("08:00");
    let patient = hall.walk_in();
    hall.by(staff("dr-wu")).at("08:05").grants(patient, Urgency::GreenChannel);
    let grant = hall.ticket(patient).grant.clone().unwrap();
    assert_eq!((grant.by, grant.at, &*grant.reason), (staff("dr-wu"), at("08:05"), "chest pain"));
}

#[test]
fn r3_precedence_survives_a_hold_and_a_transfer() {
    let mut hall = Plan::default().service("eye", "B").counter("1").counter_for("2", &["eye"]).open("08:00");
    hall.walk_ins(2);
    let urgent = hall.walk_in();
    hall.grants(urgent, Urgency::Emergency);
    hall.holds(urgent);
    hall.returns(urgent);
    assert_eq!(hall.next_and_why("1"), Some((urgent, Rule::Urgent)));
    hall.takes("eye", Lane::WalkIn);
    hall.transfers(urgent, "eye");
    assert_eq!(hall.next_and_why("2"), Some((urgent, Rule::Urgent)), "R7: handed over with its urgency");
}

#[test]
fn r3_a_ceiling_on_consecutive_ones_keeps_the_rest_moving() {
    let mut hall = Plan::default().counter("1").rules(|rules| rules.urgent_run_max = 2).open("08:00");
    hall.walk_ins(9);
    let urgent = hall.walk_ins(6);
    for patient in &urgent {
        hall.grants(*patient, Urgency::GreenChannel);
    }
    let rules: Vec<Rule> = (0..9).map(|_| hall.next_and_why("1").unwrap().1).collect();
    let [u, o] = [Rule::Urgent, Rule::Ready];
    assert_eq!(rules, [u, u, o, u, u, o, u, u, o]);
}

#[test]
fn r3_the_ceiling_holds_nobody_back_while_nobody_else_waits() {
    let mut hall = Plan::default().counter("1").rules(|rules| rules.urgent_run_max = 2).open("08:00");
    for _ in 0..5 {
        let urgent = hall.walk_in();
        hall.grants(urgent, Urgency::Emergency);
        assert_eq!(hall.next("1"), Some(urgent));
    }
    hall.walk_in();
    let urgent = hall.walk_in();
    hall.grants(urgent, Urgency::Emergency);
    assert_eq!(hall.next("1"), Some(urgent), "the five before made nobody wait");
}

#[test]
fn r3_without_a_ceiling_all_of_them_go_first() {
    let mut hall = Plan::default().counter("1").rules(|rules| rules.urgent_run_max = 0).open("08:00");
    hall.walk_ins(2);
    for _ in 0..10 {
        let urgent = hall.walk_in();
        hall.grants(urgent, Urgency::GreenChannel);
    }
    assert!((0..10).all(|_| hall.next_and_why("1").unwrap().1 == Rule::Urgent));
}

#[test]
fn r3_an_emergency_does_not_count_as_overtaking() {
    let plan = Plan::default().counter("1").rules(|rules| (rules.overtaken_max, rules.urgent_run_max) = (1, 0));
    let mut hall = plan.open("08:00");
    let patient = hall.walk_in();
    for _ in 0..3 {
        let urgent = hall.walk_in();
        hall.grants(urgent, Urgency::Emergency);
        hall.next("1");
    }
    assert_eq!(hall.next_and_why("1"), Some((patient, Rule::Ready)), "not overdue");
}

#[test]
fn r10_precedence_acts_at_the_next_call_even_before_the_slot() {
    let mut hall = Plan::default().counter("1").open("08:00");
    hall.walk_ins(3);
    let booked = hall.appointments(1, "11:00")[0];
    hall.grants(booked, Urgency::Emergency);
    assert_eq!(hall.next_and_why("1"), Some((booked, Rule::Urgent)));
}
