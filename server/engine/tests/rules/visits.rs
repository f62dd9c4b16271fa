//! Visits in several steps (G10), and coming back from tests within one (B11).

use callnext_engine::step::{STEPS_MAX, Step};
use callnext_engine::testing::{Hall, Plan, appointment, at, closed_service, counter_id, service_id, to};
use callnext_engine::ticket::Visitor;
use callnext_engine::{Action, Lane, Outcome, Refusal, TicketId, TicketState};

fn clinic() -> Hall {
    let plan = Plan::default().rules(|rules| rules.ready_count = 0);
    let plan = plan.service("blood", "B").rules(|rules| rules.ready_count = 0);
    let plan = plan.service("doctor", "C").rules(|rules| rules.ready_count = 0);
    plan.counter("1")
        .counter_for("2", &["blood"])
        .counter_for("3", &["doctor"])
        .counter_for("4", &["doctor"])
        .open("08:00")
}

fn step(service: &str) -> Step {
    Step { service: service_id(service), wants: None }
}

fn visit(hall: &mut Hall, steps: &[&str]) -> TicketId {
    let steps = steps.iter().map(|service| step(service)).collect();
    match hall.does(Action::TakeVisit { steps, lane: Lane::WalkIn, visitor: Visitor::default() }) {
        Outcome::Ticket { ticket } => ticket,
        other => panic!("no ticket: {other:?}"),
    }
}

#[test]
fn g10_one_ticket_goes_from_step_to_step_and_the_last_ends_the_visit() {
    let mut hall = clinic();
    let patient = visit(&mut hall, &["ent", "blood", "doctor"]);
    assert_eq!(hall.number(patient), "A001");
    hall.next("1");
    hall.starts("1");
    hall.at("08:10").completes("1");
    let ticket = hall.ticket(patient);
    assert_eq!((&ticket.service, ticket.lane), (&service_id("blood"), Lane::Referral));
    assert_eq!((ticket.steps_done, ticket.steps.len(), hall.number(patient).as_str()), (1, 1, "A001"));
    assert_eq!(hall.next("2"), Some(patient));
    assert_eq!(hall.next("2"), None, "calling the next one ends the step as well");
    assert_eq!(hall.next("3"), Some(patient));
    hall.completes("3");
    assert_eq!((hall.state(patient), hall.ticket(patient).steps_done), (&TicketState::Completed, 2));
}

#[test]
fn g10_the_wait_for_a_step_begins_when_the_one_before_ends() {
    let mut hall = clinic();
    let early = visit(&mut hall, &["ent", "blood"]);
    hall.at("08:20");
    let there = hall.takes("blood", Lane::Referral);
    hall.next("1");
    hall.at("08:30").completes("1");
    assert_eq!(hall.ticket(early).queued_at, at("08:30"));
    assert_eq!(hall.calls("2", 2), [there, early], "not past those who waited for it while one did not");
}

#[test]
fn g10_a_step_can_be_left_out_and_the_wait_goes_on() {
    let mut hall = clinic();
    let patient = visit(&mut hall, &["ent", "blood"]);
    hall.at("08:20").does(Action::SkipStep { ticket: patient, reason: "registered by phone".into() });
    let ticket = hall.ticket(patient);
    assert_eq!((&ticket.service, ticket.queued_at, ticket.steps_done), (&service_id("blood"), at("08:00"), 0));
    let refused = hall.refuses(Action::SkipStep { ticket: patient, reason: "once more".into() });
    assert_eq!(refused, Refusal::NoNextStep { ticket: patient });
}

#[test]
fn g10_steps_are_appended_left_out_and_reordered() {
    let mut hall = clinic();
    let patient = visit(&mut hall, &["ent", "blood", "doctor"]);
    let steps = vec![step("doctor"), Step { wants: Some(counter_id("4")), ..step("doctor") }, step("blood")];
    hall.does(Action::SetSteps { ticket: patient, steps: steps.clone(), reason: "results first".into() });
    assert_eq!(hall.ticket(patient).steps, steps);
    hall.does(Action::Undo);
    assert_eq!(hall.ticket(patient).steps, [step("blood"), step("doctor")]);
}

#[test]
fn c5_a_step_may_want_its_own_counter() {
    let mut hall = clinic();
    let patient = visit(&mut hall, &["ent"]);
    let steps = vec![Step { wants: Some(counter_id("4")), ..step("doctor") }];
    hall.does(Action::SetSteps { ticket: patient, steps, reason: "her own doctor".into() });
    hall.next("1");
    hall.completes("1");
    assert_eq!((hall.next("3"), hall.next("4")), (None, Some(patient)));
}

#[test]
fn g10_a_booking_can_name_its_steps() {
    let mut hall = clinic();
    let mut booking = appointment("a", "09:00");
    booking.steps = vec![step("blood")];
    hall.does(Action::SetAppointments { appointments: vec![booking] });
    let patient = hall.checks_in("a");
    assert_eq!(hall.ticket(patient).steps, [step("blood")]);
}

#[test]
fn b10_a_step_that_was_closed_leads_where_the_others_went() {
    let mut hall = clinic();
    let patient = visit(&mut hall, &["ent", "blood"]);
    hall.next("1");
    hall.closes(closed_service("blood"), to(Some("doctor"), None));
    hall.completes("1");
    assert_eq!(hall.ticket(patient).service, service_id("doctor"));
}

#[test]
fn b11_tests_within_a_step_change_no_step() {
    let mut hall = clinic();
    let patient = visit(&mut hall, &["ent", "blood"]);
    hall.next("1");
    hall.holds(patient);
    hall.returns(patient);
    assert_eq!((hall.ticket(patient).steps_done, &hall.ticket(patient).steps), (0, &vec![step("blood")]));
    hall.next("1");
    hall.completes("1");
    assert_eq!(hall.ticket(patient).service, service_id("blood"));
}

#[test]
fn g10_the_end_of_a_step_can_be_taken_back() {
    let mut hall = clinic();
    let patient = visit(&mut hall, &["ent", "blood"]);
    hall.next("1");
    hall.completes("1");
    hall.does(Action::Undo);
    assert!(matches!(hall.state(patient), TicketState::Called { .. }));
    assert_eq!(hall.ticket(patient).steps, [step("blood")]);
}

#[test]
fn g10_there_are_limits() {
    let mut hall = clinic();
    let take = |steps| Action::TakeVisit { steps, lane: Lane::WalkIn, visitor: Visitor::default() };
    assert!(matches!(hall.refuses(take(vec![])), Refusal::ValueInvalid { .. }));
    assert!(matches!(hall.refuses(take(vec![step("blood"); STEPS_MAX + 2])), Refusal::ValueInvalid { .. }));
    assert!(matches!(hall.refuses(take(vec![step("ent"), step("nothing")])), Refusal::ServiceUnknown { .. }));
    let elsewhere = Step { wants: Some(counter_id("1")), ..step("doctor") };
    assert!(matches!(hall.refuses(take(vec![step("ent"), elsewhere])), Refusal::ValueInvalid { .. }));
    hall.does(take(vec![step("blood"); STEPS_MAX + 1]));
}

#[test]
fn g10_a_service_somebody_will_need_cannot_be_taken_away() {
    let mut hall = clinic();
    visit(&mut hall, &["ent", "blood"]);
    let gone = hall.configures(|config| {
        config.services.retain(|service| service.id != service_id("blood"));
        config.counters.retain(|counter| counter.id != counter_id("2"));
    });
    assert!(matches!(gone, Err(Refusal::ConfigInvalid { .. })), "{gone:?}");
}
