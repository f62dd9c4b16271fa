//! Taking back one's own last change: within half a minute, where nothing followed from it.

use callnext_engine::appointment::AppointmentState;
use callnext_engine::counter::CounterState;
use callnext_engine::event::Rule;
use callnext_engine::lane::{Lane, Weights};
use callnext_engine::testing::{Hall, Plan, counter_id, key, service_id, staff};
use callnext_engine::ticket::Urgency;
use callnext_engine::venue::Outcome;
use callnext_engine::{Action, Actor, Millis, Refusal, TicketId, TicketState};

fn hall() -> Hall {
    Plan::default().service("eye", "B").counter("1").counter("2").open("08:00")
}

/// Everything people see: tickets and counters. Not the pace and not the cycle, which only time and calls move.
fn visible(hall: &Hall) -> (Vec<callnext_engine::Ticket>, Vec<callnext_engine::counter::Counter>, Vec<TicketId>) {
    (hall.venue().tickets().cloned().collect(), hall.venue().counters().cloned().collect(), hall.ready())
}

#[test]
fn each_kind_of_change_is_taken_back_whole() {
    type Step = fn(&mut Hall, &[TicketId]);
    // Before: 0 is completed, 1 missed, 2 held, 3 is called to counter 2, 4 is served at counter 1, the rest wait.
    let rows: [(&str, Step); 14] = [
        ("hold a waiting one", |hall, t| drop(hall.holds(t[8]))),
        ("hold a served one", |hall, t| drop(hall.holds(t[4]))),
        ("return", |hall, t| drop(hall.returns(t[2]))),
        ("requeue", |hall, t| drop(hall.requeues(t[1]))),
        ("transfer a waiting one", |hall, t| drop(hall.transfers(t[8], "eye"))),
        ("transfer a served one", |hall, t| drop(hall.transfers(t[4], "eye"))),
        ("cancel a waiting one", |hall, t| drop(hall.cancels(t[8]))),
        ("cancel a called one", |hall, t| drop(hall.cancels(t[3]))),
        ("green channel", |hall, t| drop(hall.grants(t[8], Urgency::GreenChannel))),
        ("step back", |hall, t| drop(hall.steps_back(t[8], 1))),
        ("recall", |hall, _| drop(hall.recalls("2"))),
        ("start", |hall, _| drop(hall.starts("2"))),
        ("complete", |hall, _| drop(hall.completes("1"))),
        ("pause", |hall, _| drop(hall.counter("1", CounterState::Paused))),
    ];
    for (name, step) in rows {
        let mut hall = hall();
        let tickets = hall.walk_ins(10);
        hall.next("2");
        hall.completes("2");
        hall.next("2");
        hall.misses_patiently("2");
        hall.holds(tickets[2]);
        assert_eq!([hall.next("2"), hall.next("1")], [Some(tickets[3]), Some(tickets[4])]);
        hall.starts("1");
        let before = visible(&hall);
        step(&mut hall, &tickets);
        assert_ne!(visible(&hall), before, "{name} does something");
        hall.after(Millis::from_secs(30)).undoes();
        assert_eq!(visible(&hall), before, "{name}");
    }
}

#[test]
fn an_undone_miss_brings_the_person_back_to_the_counter() {
    let mut hall = hall();
    let patient = hall.walk_in();
    hall.next("1");
    hall.recalls("1");
    hall.after(Millis::from_mins(1)).misses("1");
    hall.undoes();
    assert_eq!(hall.state(patient).counter(), Some(&counter_id("1")));
    assert_eq!(hall.ticket(patient).misses, 0);
    hall.starts("1");
}

#[test]
fn an_undone_final_miss_too() {
    let plan = Plan::default().counter("1").rules(|rules| (rules.misses_max, rules.recalls_min) = (1, 0));
    let mut hall = plan.open("08:00");
    let patient = hall.walk_in();
    hall.next("1");
    hall.after(Millis::from_mins(1)).misses("1");
    assert_eq!(*hall.state(patient), TicketState::NoShow);
    hall.undoes();
    assert_eq!(hall.state(patient).name(), "called");
    assert_eq!(hall.ticket(patient).ended_at, None);
}

#[test]
fn an_undone_call_puts_the_ticket_first_and_restores_the_counter() {
    let mut hall = hall();
    let people = hall.walk_ins(5);
    hall.next("1");
    hall.starts("1");
    hall.next("1");
    assert_eq!(
        hall.undoes(),
        Outcome::Undone { seq: callnext_engine::Seq(hall.venue().seq().0 - 1), tickets: people[..2].to_vec() }
    );
    assert_eq!(hall.state(people[0]).name(), "serving", "the one before is served again");
    assert_eq!(hall.ready()[0], people[1]);
    assert!(hall.venue().calls().all(|entry| entry.ticket != people[1]), "gone from the board");
    assert_eq!(hall.calls("1", 4), people[1..]);
}

#[test]
fn an_undone_call_does_not_charge_the_cycle_again() {
    let plan = Plan::default().counter("1").rules(|rules| {
        rules.weights = Weights::new([(Lane::Appointment, 1), (Lane::WalkIn, 1)]);
        rules.ready_count = 0;
    });
    let mut hall = plan.open("08:00");
    hall.appointments(10, "08:00");
    hall.walk_ins(10);
    let mut untouched = hall.clone();
    let first = hall.next("1");
    hall.undoes();
    assert_eq!(hall.next_and_why("1").map(|(ticket, _)| ticket), first);
    untouched.next("1");
    assert_eq!(hall.lanes_called("1", 10), untouched.lanes_called("1", 10));
}

#[test]
fn an_undone_call_overtook_nobody() {
    let plan = Plan::default().counter("1").rules(|rules| {
        rules.weights = Weights::new([(Lane::WalkIn, 1), (Lane::Referral, 20)]);
        (rules.ready_count, rules.overtaken_max) = (0, 2);
    });
    let mut hall = plan.open("08:00");
    let patient = hall.walk_in();
    for _ in 0..4 {
        hall.takes("ent", Lane::Referral);
    }
    assert_eq!(hall.lanes_called("1", 1), "f");
    hall.completes("1");
    for _ in 0..3 {
        assert_eq!(hall.lanes_called("1", 1), "f");
        hall.undoes();
    }
    assert_eq!(hall.lanes_called("1", 1), "f", "overtaken once so far");
    assert_eq!(hall.next_and_why("1"), Some((patient, Rule::Overdue)), "twice now");
}

#[test]
fn an_undone_call_by_hand_gives_no_advantage() {
    let mut hall = hall();
    let people = hall.walk_ins(6);
    let before = hall.ready();
    hall.calls_by_hand("1", people[5]);
    hall.undoes();
    assert_eq!(hall.ready(), before);
    assert_eq!(hall.calls("1", 6), people, "back where it stood");
    let mut hall = self::hall();
    let people = hall.walk_ins(3);
    hall.calls_by_hand("1", people[1]);
    hall.undoes();
    assert_eq!(hall.calls("1", 3), people, "also when it was ready");
}

#[test]
fn an_undone_call_by_hand_of_somebody_held_or_missed_overtook_nobody() {
    let plan =
        Plan::default().counter("1").counter("2").rules(|rules| (rules.ready_count, rules.overtaken_max) = (0, 1));
    let mut hall = plan.open("08:00");
    let patient = hall.walk_in_wanting("2");
    let held = hall.after(Millis(1)).walk_in();
    hall.holds(held);
    hall.calls_by_hand("2", held);
    hall.undoes();
    assert_eq!(*hall.state(held), TicketState::Held);
    assert_eq!(hall.next_and_why("2"), Some((patient, Rule::Cycle)), "not overdue");
}

#[test]
fn an_undone_call_of_an_urgent_one_does_not_count_against_the_ceiling() {
    let plan = Plan::default().counter("1").rules(|rules| rules.urgent_run_max = 1);
    let mut hall = plan.open("08:00");
    hall.walk_ins(3);
    let urgent = hall.walk_in();
    hall.grants(urgent, Urgency::Emergency);
    hall.next("1");
    hall.undoes();
    assert_eq!(hall.next_and_why("1"), Some((urgent, Rule::Urgent)));
}

#[test]
fn an_issued_number_is_cancelled_and_never_reused() {
    let mut hall = hall();
    let first = hall.walk_in();
    hall.undoes();
    assert_eq!(*hall.state(first), TicketState::Cancelled);
    let second = hall.walk_in();
    assert_eq!((hall.number(first), hall.number(second)), ("A001".to_owned(), "A002".to_owned()));
}

#[test]
fn an_undone_check_in_can_be_done_again() {
    let mut hall = hall();
    hall.books(&[("a", "09:00")]);
    let first = hall.checks_in("a");
    hall.undoes();
    assert_eq!(*hall.state(first), TicketState::Cancelled);
    assert_eq!(hall.venue().appointment("a").unwrap().state, AppointmentState::Expected);
    let second = hall.checks_in("a");
    assert_ne!(hall.number(first), hall.number(second));
}

#[test]
fn not_after_half_a_minute() {
    let mut hall = hall();
    hall.walk_in();
    hall.after(Millis(30_001));
    assert_eq!(hall.refuses(Action::Undo), Refusal::UndoTooLate);
    hall.after(Millis::from_mins(10)).by(staff("other")).walk_in();
    hall.by(staff("nurse"));
    assert_eq!(hall.refuses(Action::Undo), Refusal::NothingToUndo, "forgotten");
}

#[test]
fn not_where_somebody_went_on_from_it() {
    let mut hall = hall();
    let patient = hall.walk_in();
    hall.by(staff("clerk")).next("1");
    hall.by(staff("nurse"));
    assert_eq!(hall.refuses(Action::Undo), Refusal::UndoOvertaken);
    hall.by(staff("clerk")).undoes();
    hall.by(staff("nurse")).undoes();
    assert_eq!(*hall.state(patient), TicketState::Cancelled, "what was taken back is no obstacle");
}

#[test]
fn not_where_somebody_else_was_called_to_the_counter_since() {
    let mut hall = hall();
    hall.walk_ins(3);
    hall.next("1");
    hall.by(staff("clerk")).next("1");
    hall.by(staff("nurse"));
    assert_eq!(hall.refuses(Action::Undo), Refusal::UndoOvertaken);
}

#[test]
fn changes_of_others_elsewhere_are_no_obstacle() {
    let mut hall = hall();
    let people = hall.walk_ins(4);
    hall.cancels(people[3]);
    hall.by(staff("clerk")).next("1");
    hall.by(staff("nurse")).undoes();
    assert_eq!(*hall.state(people[3]), TicketState::Waiting);
}

#[test]
fn only_ones_own_and_only_once_and_only_staff() {
    let mut hall = hall();
    hall.by(staff("clerk"));
    assert_eq!(hall.refuses(Action::Undo), Refusal::NothingToUndo);
    hall.walk_in();
    hall.undoes();
    assert_eq!(hall.refuses(Action::Undo), Refusal::NothingToUndo, "an undo is not undone");
    for by in [Actor::Public, Actor::System, Actor::Device { name: "kiosk".into() }] {
        hall.by(by);
        hall.walk_in();
        assert_eq!(hall.refuses(Action::Undo), Refusal::NothingToUndo);
    }
}

#[test]
fn what_has_no_images_cannot_be_taken_back() {
    let mut hall = hall();
    hall.books(&[("a", "09:00")]);
    assert_eq!(hall.refuses(Action::Undo), Refusal::NothingToUndo);
}

#[test]
fn a_retried_undo_takes_back_nothing_more() {
    let mut hall = hall();
    hall.walk_in();
    let other = hall.walk_in();
    let first = hall.asks_with(key("undo", 1), Action::Undo).unwrap();
    let before = visible(&hall);
    let again = hall.asks_with(key("undo", 1), Action::Undo).unwrap();
    assert_ne!(first, again);
    assert_eq!((visible(&hall), hall.state(other).name()), (before, "cancelled"));
}

#[test]
fn a_ready_ticket_taken_back_stands_where_it_stood() {
    let mut hall = hall();
    let people = hall.walk_ins(4);
    hall.cancels(people[0]);
    assert_eq!(hall.ready(), people[1..3]);
    hall.undoes();
    assert_eq!(hall.ready(), people[..3], "first again; nobody who was told meanwhile is sent back");
    assert_eq!(hall.calls("1", 4), people);
}

#[test]
fn a_day_ends_everything() {
    let mut hall = hall();
    let end = hall.venue().day().end;
    hall.at_instant(end - Millis::from_secs(1)).walk_in();
    hall.at_instant(end);
    assert_eq!(hall.refuses(Action::Undo), Refusal::NothingToUndo);
    assert_eq!(hall.venue().queue(&service_id("ent")).unwrap().len(), 0);
}
