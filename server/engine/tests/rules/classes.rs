//! E1: classes with their own expected times, and counters for a wait that is to be kept.

use callnext_engine::appointment::Appointment;
use callnext_engine::config::ClassConfig;
use callnext_engine::staffing::counters_needed;
use callnext_engine::testing::{Hall, Plan, appointment, service_id};
use callnext_engine::text::Text;
use callnext_engine::ticket::Visitor;
use callnext_engine::venue::Outcome;
use callnext_engine::{Action, ClassId, Event, Lane, Millis, Refusal, TicketId};

fn class(id: &str) -> Option<ClassId> {
    ClassId::parse(id).ok()
}

/// Blood is drawn from adults in two minutes, from children in six: four in the mean.
fn hall() -> Hall {
    let declared = [("adult", 120), ("child", 360)].map(|(id, expected_s)| ClassConfig {
        id: class(id).unwrap(),
        name: Text::same(id),
        expected_s,
    });
    let mut hall = Plan::default().counter("1").open("08:00");
    hall.configures(|config| config.services[0].classes = declared.to_vec()).unwrap();
    hall
}

fn take(id: Option<ClassId>) -> Action {
    let visitor = Visitor { class: id, ..Visitor::default() };
    Action::TakeTicket { service: service_id("ent"), lane: Lane::WalkIn, visitor, wants: None }
}

fn comes(hall: &mut Hall, id: &str) -> TicketId {
    match hall.does(take(class(id))) {
        Outcome::Ticket { ticket } => ticket,
        other => panic!("{other:?}"),
    }
}

fn announced(hall: &Hall, ticket: TicketId) -> Option<i64> {
    hall.ticket(ticket).announced.map(|wait| wait.as_secs() / 60)
}

#[test]
fn e1_the_wait_is_that_of_those_ahead_from_the_first_minute_of_the_first_day() {
    for (ahead, minutes) in [(["adult", "adult"], 2 + 2 + 4), (["child", "child"], 6 + 6 + 4), (["adult", "child"], 12)]
    {
        let mut hall = hall();
        for id in ahead {
            comes(&mut hall, id);
        }
        let ticket = comes(&mut hall, "adult");
        assert_eq!(announced(&hall, ticket), Some(minutes), "behind {ahead:?}, and whoever is at the counter");
    }
}

#[test]
fn e1_without_classes_nothing_is_said_before_something_was_measured() {
    let mut hall = Plan::default().counter("1").open("08:00");
    let ticket = hall.walk_in();
    assert_eq!(announced(&hall, ticket), None);
}

#[test]
fn e1_measured_gaps_say_otherwise() {
    let mut hall = hall();
    for id in ["adult", "child"].repeat(6) {
        comes(&mut hall, id);
    }
    // Everybody takes twice as long as was expected.
    for _ in 0..11 {
        let called = hall.next("1").unwrap();
        let load = hall.venue().load(called);
        hall.after(Millis::from_secs(i64::from(load) * 480 / 1000));
    }
    let gap = hall.venue().queue(&service_id("ent")).unwrap().pace().gap().unwrap();
    assert_eq!(gap, Millis::from_mins(8));
}

#[test]
fn e1_a_class_is_chosen_at_the_kiosk_by_booking_or_at_the_desk() {
    let mut hall = hall();
    let ticket = comes(&mut hall, "child");
    assert_eq!(hall.ticket(ticket).visitor.class, class("child"));
    hall.does(Action::Classify { ticket, class: class("adult") });
    assert_eq!(hall.ticket(ticket).visitor.class, class("adult"));
    hall.undoes();
    assert_eq!(hall.ticket(ticket).visitor.class, class("child"));
    let visitor = Visitor { class: class("child"), ..Visitor::default() };
    let booking = Appointment { visitor, ..appointment("x", "08:00") };
    hall.does(Action::SetAppointments { appointments: vec![booking] });
    let booked = hall.checks_in("x");
    assert_eq!(hall.ticket(booked).visitor.class, class("child"));
    assert_eq!(hall.venue().load(booked), 1500);
}

#[test]
fn e1_a_class_that_the_service_does_not_have_is_refused() {
    let mut hall = hall();
    let ticket = hall.walk_in();
    assert!(matches!(hall.refuses(take(class("old"))), Refusal::ValueInvalid { .. }));
    assert!(matches!(hall.refuses(Action::Classify { ticket, class: class("old") }), Refusal::ValueInvalid { .. }));
    assert_eq!(hall.venue().load(ticket), 1000, "whoever has none is like the mean");
}

#[test]
fn e1_a_class_changes_no_order() {
    let mut hall = hall();
    let people: Vec<TicketId> = ["child", "adult", "child", "adult"].map(|id| comes(&mut hall, id)).to_vec();
    assert_eq!(hall.calls("1", 4), people);
    let unjudged = |event: &Event| !matches!(event, Event::TicketClassified { .. });
    assert!(hall.last_events().iter().all(unjudged));
}

#[test]
fn e1_classes_are_checked() {
    for (id, name, expected_s, problem) in [
        ("adult", "x", 60, "is declared twice"),
        ("old", " ", 60, "is empty"),
        ("old", "x", 0, "is not from 1 to 28800"),
    ] {
        let more = ClassConfig { id: class(id).unwrap(), name: Text::same(name), expected_s };
        match hall().configures(|config| config.services[0].classes.push(more)) {
            Err(Refusal::ConfigInvalid { problems }) => assert!(problems[0].ends_with(problem), "{problems:?}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn e1_counters_needed_come_from_the_last_hour_and_the_latest_visits() {
    let mut hall = hall();
    let plain = hall.venue().staffing(&service_id("ent"), hall.now()).unwrap();
    assert_eq!((plain.arrivals, plain.service, plain.needed), (0, Some(Millis::from_mins(4)), Some(0)));
    hall.walk_ins(10);
    for _ in 0..5 {
        hall.next("1");
        hall.after(Millis::from_mins(10));
        hall.completes("1");
    }
    let now = hall.venue().staffing(&service_id("ent"), hall.now()).unwrap();
    assert_eq!((now.arrivals, now.waiting, now.open), (10, 5, 1));
    assert_eq!(now.service, Some(Millis::from_mins(10)), "as measured");
    let target = Millis::from_mins(30);
    assert_eq!(now.needed, Some(counters_needed(10, Millis::from_mins(60), 5, Millis::from_mins(10), target)));
    hall.after(Millis::from_mins(11));
    let later = hall.venue().staffing(&service_id("ent"), hall.now()).unwrap();
    assert_eq!(later.arrivals, 0, "they came more than an hour ago");
    hall.configures(|config| config.services[0].policy.target_wait_s = 0).unwrap();
    assert_eq!(hall.venue().staffing(&service_id("ent"), hall.now()).unwrap().needed, None);
}
