//! Closing a service or a doctor's clinic (B10).

use callnext_engine::counter::CounterState;
use callnext_engine::testing::{
    Hall, Plan, appointment, at, closed_counter, closed_service, counter_id, service_id, to,
};
use callnext_engine::ticket::Note;
use callnext_engine::{Action, Lane, Millis, Outcome, Refusal, TicketId, TicketState};

fn two_services() -> Hall {
    let plan = Plan::default().rules(|rules| rules.ready_count = 0);
    let plan = plan.service("eye", "B").rules(|rules| rules.ready_count = 0);
    plan.counter("1").counter_for("2", &["eye"]).open("08:00")
}

fn two_doctors() -> Hall {
    Plan::default().rules(|rules| rules.ready_count = 0).counter("li").counter("wang").counter("any").open("08:00")
}

#[test]
fn b10_everybody_is_moved_in_one_change_and_keeps_their_place() {
    let mut hall = two_services();
    let [first, second, third] = [hall.walk_in(), hall.walk_in(), hall.walk_in()];
    hall.at("08:10");
    let between = hall.takes("eye", Lane::WalkIn);
    hall.at("08:20");
    let last = hall.walk_in();
    let seq = hall.venue().seq();
    hall.closes(closed_service("ent"), to(Some("eye"), None));
    assert_eq!(hall.venue().seq(), seq.next(), "one command, one change");
    for ticket in [first, second, third, last] {
        assert_eq!((&hall.ticket(ticket).service, hall.ticket(ticket).lane), (&service_id("eye"), Lane::WalkIn));
    }
    assert_eq!(hall.ticket(first).queued_at, at("08:00"), "the wait goes on");
    assert_eq!(hall.calls("2", 5), [first, second, third, between, last], "by when they came, wherever they did");
}

#[test]
fn b10_who_let_others_go_first_still_does() {
    let mut hall = two_services();
    let [polite, second, third] = [hall.walk_in(), hall.walk_in(), hall.walk_in()];
    hall.steps_back(polite, 1);
    hall.closes(closed_service("ent"), to(Some("eye"), None));
    assert_eq!(hall.calls("2", 3), [second, polite, third]);
}

#[test]
fn b10_the_held_and_the_missed_go_along_and_those_at_counters_are_served() {
    let mut hall = two_services();
    let [missed, served, held, waiting] = [hall.walk_in(), hall.walk_in(), hall.walk_in(), hall.walk_in()];
    hall.next("1");
    hall.misses_patiently("1");
    hall.next("1");
    hall.holds(held);
    hall.closes(closed_service("ent"), to(Some("eye"), None));
    assert_eq!(hall.ticket(served).service, service_id("ent"));
    hall.completes("1");
    assert_eq!((hall.state(held), hall.state(missed)), (&TicketState::Held, &TicketState::Missed));
    hall.returns(held);
    hall.requeues(missed);
    let mut called = hall.calls("2", 3);
    called.sort();
    assert_eq!(called, [missed, held, waiting]);
}

#[test]
fn b10_a_closed_service_takes_nobody_new() {
    let mut hall = two_services();
    let other = hall.takes("eye", Lane::WalkIn);
    hall.closes(closed_service("ent"), None);
    let closed = Refusal::ServiceClosed { service: service_id("ent") };
    let visitor = callnext_engine::ticket::Visitor::default();
    let take = Action::TakeTicket { service: service_id("ent"), lane: Lane::WalkIn, visitor, wants: None };
    assert_eq!(hall.refuses(take), closed);
    assert_eq!(hall.refuses(callnext_engine::testing::overflow("ent")), closed);
    assert_eq!(hall.refuses(callnext_engine::testing::transfer(other, "ent")), closed);
    hall.does(Action::Reopen { closed: closed_service("ent") });
    hall.walk_in();
}

#[test]
fn b10_with_a_notice_alone_people_stay_and_can_still_be_called() {
    let mut hall = two_services();
    let waiting = hall.walk_in();
    hall.books(&[("a", "09:00")]);
    hall.closes(closed_service("ent"), None);
    assert!(hall.venue().closure(&closed_service("ent")).is_some());
    let booked = hall.checks_in("a");
    assert_eq!(hall.ticket(booked).service, service_id("ent"), "a cancelled clinic cancels nobody");
    assert_eq!(hall.next("1"), Some(waiting));
}

#[test]
fn b10_whoever_is_booked_checks_in_where_the_others_went() {
    let mut hall = two_services();
    hall.books(&[("a", "09:00"), ("b", "09:00")]);
    hall.closes(closed_service("ent"), to(Some("eye"), Some("2")));
    let booked = hall.at("08:55").checks_in("a");
    let ticket = hall.ticket(booked);
    assert_eq!((&ticket.service, ticket.lane), (&service_id("eye"), Lane::Appointment));
    assert_eq!((&ticket.wants, hall.number(booked).as_str()), (&Some(counter_id("2")), "B001"));
    hall.does(Action::Reopen { closed: closed_service("ent") });
    let back = hall.checks_in("b");
    assert_eq!(hall.ticket(back).service, service_id("ent"), "open again");
}

#[test]
fn b10_closures_lead_on_to_where_it_is_open() {
    let plan = Plan::default().service("eye", "B").service("ear", "C");
    let mut hall = plan.counter("1").counter_for("2", &["eye"]).counter_for("3", &["ear"]).open("08:00");
    hall.books(&[("a", "09:00")]);
    hall.closes(closed_service("ent"), to(Some("eye"), None));
    hall.closes(closed_service("eye"), to(Some("ear"), None));
    let booked = hall.checks_in("a");
    assert_eq!(hall.ticket(booked).service, service_id("ear"));
    let round = callnext_engine::closure::Closure {
        closed: closed_service("ear"),
        reason: "x".into(),
        advice: callnext_engine::closure::Advice::Wait,
        to: to(Some("ent"), None),
    };
    let refused = hall.refuses(Action::Close { closure: Box::new(round) });
    assert_eq!(refused, Refusal::ServiceClosed { service: service_id("ent") });
}

#[test]
fn b10_a_clinic_is_taken_over_by_a_substitute() {
    let mut hall = two_doctors();
    let [first, second] = [hall.walk_in_wanting("li"), hall.walk_in_wanting("li")];
    let other = hall.walk_in_wanting("wang");
    let mut booked = appointment("a", "09:00");
    booked.wants = Some(counter_id("li"));
    hall.does(Action::SetAppointments { appointments: vec![booked] });
    hall.closes(closed_counter("li"), to(None, Some("wang")));
    assert_eq!(hall.venue().counter(&counter_id("li")).unwrap().state, CounterState::Closed);
    assert_eq!(hall.ticket(first).note, Some(Note::Moved { closed: closed_counter("li") }));
    let booked = hall.checks_in("a");
    assert_eq!(hall.ticket(booked).wants, Some(counter_id("wang")));
    assert_eq!(hall.calls("wang", 3), [first, second, other]);
    assert_eq!(hall.ticket(first).note, None, "told, and called");
}

#[test]
fn c5_a_clinic_can_be_opened_to_every_doctor() {
    let mut hall = two_doctors();
    let patient = hall.walk_in_wanting("li");
    hall.closes(closed_counter("li"), to(None, None));
    assert_eq!(hall.next("any"), Some(patient));
    let want_again = Action::TakeTicket {
        service: service_id("ent"),
        lane: Lane::WalkIn,
        visitor: callnext_engine::ticket::Visitor::default(),
        wants: Some(counter_id("li")),
    };
    assert_eq!(hall.refuses(want_again), Refusal::CounterClosed { counter: counter_id("li") });
}

#[test]
fn b10_a_doctor_in_the_middle_of_a_visit_ends_it_and_calls_nobody() {
    let mut hall = two_doctors();
    let patient = hall.walk_in();
    hall.next("li");
    hall.closes(closed_counter("li"), None);
    assert_eq!(hall.venue().counter(&counter_id("li")).unwrap().state, CounterState::Paused);
    hall.completes("li");
    assert_eq!(*hall.state(patient), TicketState::Completed);
}

#[test]
fn b10_whoever_opens_the_counter_opens_the_clinic() {
    let mut hall = two_doctors();
    hall.closes(closed_counter("li"), None);
    hall.counter("li", CounterState::Open);
    assert!(hall.venue().closure(&closed_counter("li")).is_none());
    hall.walk_in_wanting("li");
}

#[test]
fn b10_it_is_said_before_whom_it_concerns() {
    let mut hall = Plan::default().service("eye", "B").counter("1").counter_for("2", &["eye"]).open("08:00");
    let people = hall.walk_ins(6);
    hall.next("1");
    hall.holds(people[4]);
    hall.books(&[("a", "09:00"), ("b", "09:30")]);
    hall.checks_in("a");
    let found = hall.venue().closing_concerns(&closed_service("ent"));
    assert_eq!((found.waiting, found.ready, found.held, found.missed), (5, 2, 1, 0));
    assert_eq!((found.at_counters, found.booked), (1, 1));
    hall.closes(closed_service("ent"), to(Some("eye"), None));
    let moved = hall.venue().queue(&service_id("eye")).unwrap().len();
    assert_eq!(u32::try_from(moved).unwrap(), found.waiting);
}

#[test]
fn b10_it_can_be_taken_back_with_the_ready_set_as_it_was() {
    let plan = Plan::default().rules(|rules| rules.ready_count = 4).service("eye", "B");
    let mut hall = plan.counter("1").counter_for("2", &["eye"]).open("08:00");
    let people = hall.walk_ins(8);
    // Readied in an order that is not that of their numbers.
    hall.steps_back(people[1], 5);
    hall.cancels(people[0]);
    let before: Vec<TicketId> = hall.venue().queue(&service_id("ent")).unwrap().ready().collect();
    let projected = hall.projected();
    hall.closes(closed_service("ent"), to(Some("eye"), None));
    hall.after(Millis::from_secs(20)).does(Action::Undo);
    assert_eq!(hall.venue().queue(&service_id("ent")).unwrap().ready().collect::<Vec<_>>(), before);
    assert_eq!(hall.projected(), projected);
    assert!(hall.venue().closure(&closed_service("ent")).is_none());
    assert_eq!(hall.venue().queue(&service_id("eye")).unwrap().len(), 0);
}

#[test]
fn b10_once_somebody_was_called_there_it_stands() {
    let mut hall = two_services();
    hall.walk_ins(3);
    hall.closes(closed_service("ent"), to(Some("eye"), None));
    hall.by(callnext_engine::testing::staff("clerk")).next("2");
    assert_eq!(hall.by(callnext_engine::testing::staff("nurse")).refuses(Action::Undo), Refusal::UndoOvertaken);
}

#[test]
fn b10_what_is_closed_is_closed_for_the_day() {
    let mut hall = two_services();
    hall.closes(closed_service("ent"), None);
    let tomorrow = hall.venue().day().end + Millis::from_mins(1);
    hall.at_instant(tomorrow);
    assert_eq!(hall.venue().closures().count(), 0);
}

#[test]
fn b10_where_to_must_be_open_known_and_elsewhere() {
    let mut hall = two_services();
    hall.walk_ins(2);
    for (closed, to) in [
        (closed_service("ent"), to(Some("ent"), None)),
        (closed_service("ent"), to(None, Some("1"))),
        (closed_service("ent"), to(Some("eye"), Some("1"))),
        (closed_counter("1"), to(None, Some("1"))),
    ] {
        let (reason, advice) = ("away".into(), callnext_engine::closure::Advice::SeeDesk);
        let closure = callnext_engine::closure::Closure { closed, reason, advice, to };
        let refused = hall.refuses(Action::Close { closure: Box::new(closure.clone()) });
        assert!(matches!(refused, Refusal::ValueInvalid { .. }), "{closure:?}: {refused:?}");
    }
    hall.closes(closed_service("eye"), None);
    let again = callnext_engine::closure::Closure {
        closed: closed_service("eye"),
        reason: "away".into(),
        advice: callnext_engine::closure::Advice::SeeDesk,
        to: None,
    };
    assert!(matches!(hall.refuses(Action::Close { closure: Box::new(again) }), Refusal::ServiceClosed { .. }));
}

#[test]
fn b10_a_substitute_must_serve_what_everybody_waits_for() {
    let plan = Plan::default().service("eye", "B").counter_for("li", &["ent", "eye"]).counter("wang");
    let mut hall = plan.open("08:00");
    hall.walk_in_wanting("li");
    let (service, visitor) = (service_id("eye"), callnext_engine::ticket::Visitor::default());
    hall.does(Action::TakeTicket { service, lane: Lane::WalkIn, visitor, wants: Some(counter_id("li")) });
    let closure = callnext_engine::closure::Closure {
        closed: closed_counter("li"),
        reason: "away".into(),
        advice: callnext_engine::closure::Advice::SeeDesk,
        to: to(None, Some("wang")),
    };
    assert!(matches!(hall.refuses(Action::Close { closure: Box::new(closure) }), Refusal::ValueInvalid { .. }));
    let outcome = hall.closes(closed_counter("li"), to(Some("ent"), Some("wang")));
    assert_eq!(outcome, Outcome::Closed { closed: closed_counter("li") });
    assert_eq!(hall.calls("wang", 2).len(), 2);
}
