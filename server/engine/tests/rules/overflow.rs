//! R5, B3: numbers beyond the quota, few and traceable.

use callnext_engine::testing::{Hall, Plan, overflow, service_id};
use callnext_engine::{Lane, Refusal};

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
