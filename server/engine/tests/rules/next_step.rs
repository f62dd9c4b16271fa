//! G10 with C1 and C2: a next step is a new wait, even where it is in the same service.

use callnext_engine::config::{LateJoin, MissedRejoin};
use callnext_engine::event::Rule;
use callnext_engine::step::Step;
use callnext_engine::testing::{Hall, Plan, service_id};
use callnext_engine::ticket::Visitor;
use callnext_engine::{Action, Joining, Lane, Outcome, TicketId};

/// Two steps in one service.
fn visits_twice(hall: &mut Hall) -> TicketId {
    let step = Step { service: service_id("ent"), wants: None };
    let visit = Action::TakeVisit { steps: vec![step.clone(), step], lane: Lane::WalkIn, visitor: Visitor::default() };
    match hall.does(visit) {
        Outcome::Ticket { ticket } => ticket,
        other => panic!("no ticket: {other:?}"),
    }
}

fn rejoining(mode: MissedRejoin) -> Hall {
    let plan = Plan::default().counter("1").rules(|rules| {
        (rules.missed.rejoin, rules.missed.calls) = (mode, 1);
        (rules.ready_count, rules.recalls_min, rules.grace_s, rules.early_s) = (0, 0, 0, 0);
    });
    plan.open("08:00")
}

#[test]
fn c1_whoever_rejoined_after_so_many_calls_has_had_them() {
    let mut hall = rejoining(MissedRejoin::AfterCalls);
    let missed = visits_twice(&mut hall);
    hall.next("1");
    hall.misses("1");
    let others = hall.walk_ins(3);
    hall.requeues(missed);
    assert_eq!(hall.calls("1", 2), [others[0], missed]);
    hall.completes("1");
    assert_eq!(hall.ticket(missed).joining, None);
    let calls: Vec<_> = (0..3).map(|_| hall.next_and_why("1").unwrap()).collect();
    assert!(calls.contains(&(missed, Rule::Cycle)), "by its turn, as a first visit: {calls:?}");
}

#[test]
fn c1_whoever_was_put_off_is_put_off_no_longer() {
    let mut hall = rejoining(MissedRejoin::SlotEnd);
    let missed = visits_twice(&mut hall);
    hall.next("1");
    hall.misses("1");
    hall.requeues(missed);
    assert_eq!(hall.next_and_why("1"), Some((missed, Rule::Early)), "nobody else waits");
    hall.at("08:05").completes("1");
    assert_eq!(hall.next_and_why("1"), Some((missed, Rule::Cycle)));
}

#[test]
fn c2_whoever_came_late_is_late_for_one_step() {
    let mut hall = Plan::default()
        .counter("1")
        .rules(|rules| (rules.late.rejoin, rules.ready_count) = (LateJoin::PerCalls, 0))
        .open("08:00");
    hall.books(&[("late", "08:00")]);
    let late = hall.at("09:00").checks_in("late");
    assert_eq!(hall.ticket(late).joining, Some(Joining::PerCalls));
    hall.next("1");
    let steps = vec![Step { service: service_id("ent"), wants: None }];
    hall.does(Action::SetSteps { ticket: late, steps, reason: "once more".into() });
    hall.completes("1");
    assert_eq!((hall.ticket(late).lane, hall.ticket(late).joining), (Lane::Referral, None));
}
