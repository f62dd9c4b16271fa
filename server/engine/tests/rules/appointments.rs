//! R9, R4, C2, B4: bookings, check-in, early and late.

use callnext_engine::appointment::AppointmentState;
use callnext_engine::event::Rule;
use callnext_engine::testing::{Plan, appointment, at, counter_id};
use callnext_engine::ticket::Visitor;
use callnext_engine::venue::APPOINTMENTS_MAX;
use callnext_engine::{Action, Lane, Outcome, Refusal};

#[test]
fn r9_a_booking_waits_only_from_check_in() {
    let mut hall = Plan::default().counter("1").open("09:00");
    assert_eq!(hall.books(&[("a", "09:00"), ("b", "09:30")]), Outcome::Appointments { count: 2 });
    assert_eq!(hall.next("1"), None, "booked, but not here");
    let here = hall.checks_in("a");
    assert_eq!(hall.ticket(here).lane, Lane::Appointment);
    assert_eq!(hall.venue().appointment("a").unwrap().state, AppointmentState::CheckedIn { ticket: here });
    assert_eq!(hall.next("1"), Some(here));
    let again = Action::CheckIn { code: "a".into(), reference: None };
    assert_eq!(hall.refuses(again), Refusal::AlreadyCheckedIn { ticket: here });
}

#[test]
fn r9_setting_the_bookings_replaces_those_not_here_yet() {
    let mut hall = Plan::default().counter("1").open("08:00");
    hall.books(&[("a", "09:00"), ("b", "09:30")]);
    let here = hall.checks_in("a");
    assert_eq!(hall.books(&[("a", "10:00"), ("c", "10:00")]), Outcome::Appointments { count: 2 });
    assert_eq!(hall.venue().appointment("a").unwrap().state, AppointmentState::CheckedIn { ticket: here });
    assert!(hall.venue().appointment("b").is_none());
    assert!(hall.venue().appointment("c").is_some());
}

#[test]
fn r9_what_comes_from_outside_is_expected_whatever_it_says() {
    let mut hall = Plan::default().counter("1").open("08:00");
    let mut booking = appointment("a", "09:00");
    booking.state = AppointmentState::CheckedIn { ticket: callnext_engine::TicketId(77) };
    let outcome = hall.does(Action::SetAppointments { appointments: vec![booking] });
    assert_eq!(outcome, Outcome::Appointments { count: 1 });
    hall.checks_in("a");
}

#[test]
fn r9_a_full_day_can_be_sent_again_after_people_have_come() {
    let mut hall = Plan::default().counter("1").open("08:00");
    let all: Vec<_> = (0..APPOINTMENTS_MAX).map(|n| appointment(&n.to_string(), "09:00")).collect();
    hall.does(Action::SetAppointments { appointments: all.clone() });
    hall.checks_in("0");
    let count = u32::try_from(all.len()).unwrap();
    assert_eq!(hall.does(Action::SetAppointments { appointments: all }), Outcome::Appointments { count });
}

#[test]
fn r4_early_check_in_waits_for_the_slot_less_the_allowance() {
    let plan = Plan::default().counter("1").rules(|rules| (rules.ready_count, rules.early_s) = (0, 600));
    let mut hall = plan.open("08:00");
    let booked = hall.appointments(1, "09:00")[0];
    let walk_in = hall.walk_in();
    let mut at_50 = hall.clone();
    assert_eq!(hall.at("08:49:59").next("1"), Some(walk_in), "not eligible a second before");
    assert_eq!(at_50.at("08:50").next("1"), Some(booked));
}

#[test]
fn r4_no_counter_stands_idle_if_the_setting_says_so() {
    for (early_when_idle, expected) in [(true, Some(Rule::Early)), (false, None)] {
        let plan = Plan::default().counter("1").rules(|rules| rules.early_when_idle = early_when_idle);
        let mut hall = plan.open("08:00");
        hall.appointments(1, "11:00");
        assert_eq!(hall.next_and_why("1").map(|(_, rule)| rule), expected, "early_when_idle = {early_when_idle}");
    }
}

#[test]
fn r4_r2_early_calls_keep_the_order_of_the_lane() {
    let mut hall = Plan::default().counter("1").open("08:00");
    let first = hall.appointments(3, "11:00");
    let sooner = hall.appointments(1, "10:00");
    hall.steps_back(first[0], 1);
    assert_eq!(hall.calls("1", 4), [sooner[0], first[1], first[0], first[2]]);
}

#[test]
fn c2_late_means_after_the_slots_end() {
    for (time, lane) in [("09:29:59", Lane::Appointment), ("09:30", Lane::Late), ("12:00", Lane::Late)] {
        let mut hall = Plan::default().counter("1").open("08:00");
        hall.books(&[("a", "09:00")]);
        let ticket = hall.at(time).checks_in("a");
        assert_eq!(hall.ticket(ticket).lane, lane, "at {time}");
        assert_eq!(hall.next("1"), Some(ticket), "late is not lost");
    }
}

#[test]
fn c2_the_late_wait_from_their_check_in_in_a_lane_of_their_own() {
    let mut hall = Plan::default().counter("1").rules(|rules| rules.ready_count = 0).open("08:00");
    hall.books(&[("late", "08:00")]);
    hall.at("09:00");
    hall.appointments(7, "09:00");
    hall.checks_in("late");
    let lanes = hall.lanes_called("1", 8);
    assert_eq!(lanes, "aaaaaaal", "weight 1 against 7");
}

#[test]
fn b4_another_identity_is_refused() {
    let rows = [
        (Some("zhang"), Some("zhang"), true),
        (Some("zhang"), Some("li"), false),
        (Some("zhang"), None, true),
        (None, Some("li"), true),
    ];
    for (booked, shown, good) in rows {
        let mut hall = Plan::default().counter("1").open("09:00");
        let mut booking = appointment("a", "09:00");
        booking.visitor = Visitor { reference: booked.map(Into::into), ..Visitor::default() };
        hall.does(Action::SetAppointments { appointments: vec![booking] });
        let wish = Action::CheckIn { code: "a".into(), reference: shown.map(Into::into) };
        if good {
            hall.does(wish);
        } else {
            assert_eq!(hall.refuses(wish), Refusal::IdentityMismatch, "{booked:?} and {shown:?}");
        }
    }
}

#[test]
fn c5_a_booking_keeps_no_wish_that_cannot_be_met_any_more() {
    let mut hall = Plan::default().service("eye", "B").counter("1").counter("2").open("08:00");
    let mut booking = appointment("a", "09:00");
    booking.wants = Some(counter_id("2"));
    hall.does(Action::SetAppointments { appointments: vec![booking] });
    hall.configures(|config| drop(config.counters.pop())).unwrap();
    let ticket = hall.at("09:00").checks_in("a");
    assert_eq!(hall.ticket(ticket).wants, None, "the doctor is gone; the person is here");
    assert_eq!(hall.next("1"), Some(ticket));
    assert_eq!(hall.now(), at("09:00"));
}
