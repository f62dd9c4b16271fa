//! R5, B3: numbers beyond the quota, few and traceable.

use callnext_engine::config::{ApproverRole, OverQuotaRole, OverflowJoin};
use callnext_engine::event::Approval;
use callnext_engine::testing::{Hall, Plan, overflow, service_id};
use callnext_engine::{Action, Lane, Outcome, Refusal, TicketId};

fn quota(most: u32) -> Hall {
    Plan::default().counter("1").rules(|rules| rules.overflow_max = most).open("08:00")
}

#[test]
fn b3_the_quota_is_never_exceeded() {
    for most in [0, 1, 3] {
        let mut hall = quota(most);
        for _ in 0..most {
            hall.overflow();
        }
        let full = Refusal::OverflowQuotaReached { service: service_id("ent"), quota: most, approver: None };
        assert_eq!(hall.refuses(overflow("ent")), full);
        assert_eq!(hall.venue().overflow_count(&service_id("ent"), hall.now()), most);
    }
}

#[test]
fn b3_the_reason_and_who_answers_for_it_are_kept() {
    let mut hall = quota(1);
    let ticket = hall.overflow();
    let grant = hall.ticket(ticket).overflow.clone().unwrap();
    assert_eq!((&*grant.reason, &*grant.approved_by, grant.note), ("came from afar", "Dr Li", None));
    assert_eq!(hall.ticket(ticket).lane, Lane::Overflow);
}

#[test]
fn b3_a_number_that_was_used_stays_used() {
    let mut hall = quota(1);
    let ticket = hall.overflow();
    hall.cancels(ticket);
    assert!(matches!(hall.refuses(overflow("ent")), Refusal::OverflowQuotaReached { .. }));
}

#[test]
fn b3_a_slip_of_the_hand_costs_no_quota() {
    let mut hall = quota(1);
    hall.overflow();
    hall.undoes();
    assert_eq!(hall.venue().overflow_count(&service_id("ent"), hall.now()), 0);
    hall.overflow();
}

#[test]
fn b3_a_lower_quota_takes_effect_at_once_and_takes_nothing_back() {
    let mut hall = quota(5);
    let tickets = [hall.overflow(), hall.overflow()];
    hall.configures(|config| config.services[0].policy.overflow_max = 1).unwrap();
    assert!(matches!(hall.refuses(overflow("ent")), Refusal::OverflowQuotaReached { quota: 1, .. }));
    assert_eq!(hall.calls("1", 2), tickets);
}

#[test]
fn b3_a_new_day_has_a_new_quota() {
    let mut hall = quota(1);
    hall.overflow();
    let tomorrow = hall.venue().day().end;
    hall.at_instant(tomorrow);
    hall.overflow();
}

#[test]
fn r5_overflow_numbers_are_interleaved_by_their_own_weight() {
    let mut hall = Plan::default().counter("1").rules(|rules| rules.ready_count = 0).open("08:00");
    hall.walk_ins(20);
    for _ in 0..10 {
        hall.overflow();
    }
    let lanes = hall.lanes_called("1", 10);
    assert_eq!(lanes.matches('o').count(), 4, "2 overflow numbers to 3 walk-ins: {lanes}");
}

fn approved(role: Option<ApproverRole>) -> Action {
    let mut wish = overflow("ent");
    if let Action::AddOverflow { approval, .. } = &mut wish {
        *approval = role.map(|role| Approval { by: "chief".into(), role });
    }
    wish
}

#[test]
fn b3_over_the_quota_only_on_the_word_of_somebody_whose_role_is_enough() {
    use ApproverRole::{Administrator, Clerk, Manager, Nurse};
    for (needed, given, good) in [
        (OverQuotaRole::Nobody, Some(Administrator), false),
        (OverQuotaRole::Manager, None, false),
        (OverQuotaRole::Manager, Some(Clerk), false),
        (OverQuotaRole::Manager, Some(Nurse), false),
        (OverQuotaRole::Manager, Some(Manager), true),
        (OverQuotaRole::Manager, Some(Administrator), true),
        (OverQuotaRole::Nurse, Some(Clerk), false),
        (OverQuotaRole::Clerk, Some(Clerk), true),
    ] {
        let mut hall = quota(1);
        hall.configures(|config| config.services[0].policy.over_quota_role = needed).unwrap();
        hall.overflow();
        if good {
            let Outcome::Ticket { ticket } = hall.does(approved(given)) else { panic!("no ticket") };
            let grant = hall.ticket(ticket).overflow.clone().unwrap();
            let approval = Approval { by: "chief".into(), role: given.unwrap() };
            assert_eq!((&*grant.reason, grant.over_quota), ("came from afar", Some(approval)));
            assert_eq!(hall.venue().overflow_count(&service_id("ent"), hall.now()), 2, "it is counted");
        } else {
            let full = Refusal::OverflowQuotaReached { service: service_id("ent"), quota: 1, approver: needed.role() };
            assert_eq!(hall.refuses(approved(given)), full, "{needed:?} {given:?}");
        }
    }
}

#[test]
fn b3_a_word_that_was_not_needed_is_not_recorded() {
    let mut hall = quota(1);
    hall.configures(|config| config.services[0].policy.over_quota_role = OverQuotaRole::Manager).unwrap();
    let Outcome::Ticket { ticket } = hall.does(approved(Some(ApproverRole::Manager))) else { panic!("no ticket") };
    assert_eq!(hall.ticket(ticket).overflow.clone().unwrap().over_quota, None);
}

fn joins(join: OverflowJoin) -> Hall {
    let plan = Plan::default().counter("1").rules(|rules| (rules.overflow_join, rules.ready_count) = (join, 0));
    plan.open("09:00")
}

fn order(hall: &mut Hall) -> Vec<TicketId> {
    let projected = hall.projected();
    let called = hall.calls("1", projected.len());
    assert_eq!(called, projected);
    called
}

#[test]
fn r5_by_triage_time_among_the_booked_of_the_slot_and_those_on_site() {
    let mut hall = joins(OverflowJoin::TriageTime);
    hall.books(&[("a", "09:00"), ("b", "09:00"), ("c", "09:30")]);
    let c = hall.checks_in("c");
    let a = hall.at("09:01").checks_in("a");
    let first = hall.at("09:02").walk_in();
    let added = hall.at("09:03").overflow();
    let b = hall.at("09:04").checks_in("b");
    let second = hall.at("09:05").walk_in();
    hall.at("09:20");
    let calls = order(&mut hall);
    let place = |id| calls.iter().position(|other| *other == id).unwrap();
    assert!(place(a) < place(added) && place(added) < place(b), "among the booked of the slot: {calls:?}");
    assert!(place(b) < place(c) && place(added) < place(c), "the next slot is the next slot's: {calls:?}");
    assert!(place(first) < place(second) && place(added) < place(second), "among those on site: {calls:?}");
}

#[test]
fn r5_by_triage_time_the_turn_is_the_lanes_it_takes() {
    let mut hall = joins(OverflowJoin::TriageTime);
    let added = hall.overflow();
    hall.after(callnext_engine::Millis(1));
    hall.walk_ins(2);
    assert_eq!(hall.next("1"), Some(added));
    let share = hall.last_events().iter().find_map(|event| match event {
        callnext_engine::Event::TicketCalled { why, .. } => why.share,
        _ => None,
    });
    let among = share.map(|share| (share.lane, share.among.iter().collect::<Vec<_>>()));
    assert_eq!(among, Some((Lane::WalkIn, vec![Lane::WalkIn])));
}

#[test]
fn r5_by_triage_time_with_nobody_else_overflow_has_turns_of_its_own() {
    let mut hall = joins(OverflowJoin::TriageTime);
    let added = hall.overflow();
    let referred = hall.takes("ent", Lane::Referral);
    let mut calls = hall.calls("1", 2);
    calls.sort();
    assert_eq!(calls, [added, referred]);
}

#[test]
fn r5_last_by_number() {
    let mut hall = joins(OverflowJoin::Last);
    let added = [hall.overflow(), hall.overflow()];
    let others = hall.after(callnext_engine::Millis(1)).walk_ins(5);
    let referred = hall.takes("ent", Lane::Referral);
    let calls = order(&mut hall);
    assert_eq!(calls[6..], added, "behind everybody: {others:?} {referred}");
}

#[test]
fn r5_last_is_not_for_ever() {
    let mut hall = joins(OverflowJoin::Last);
    let added = hall.overflow();
    hall.after(callnext_engine::Millis(1)).walk_ins(30);
    assert_eq!(hall.calls("1", 13).last(), Some(&added), "overtaken twelve times");
}
