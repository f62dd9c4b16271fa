//! B11: people back with test results, in a reasonable order with first visits.

use callnext_engine::config::MissedRejoin;
use callnext_engine::lane::{Lane, Weights};
use callnext_engine::testing::{Hall, Plan};
use callnext_engine::{Event, Millis, TicketId};

const TWO_ONE_ONE: [(Lane, u32); 3] = [(Lane::WalkIn, 2), (Lane::ReturnVisit, 1), (Lane::Missed, 1)];

fn plan(weights: &[(Lane, u32)], returns_even: bool) -> Plan {
    let weights = Weights::new(weights.iter().copied());
    Plan::default().counter("1").rules(|rules| {
        (rules.weights, rules.returns_even) = (weights, returns_even);
        (rules.ready_count, rules.overtaken_max, rules.misses_max) = (0, 0, 9);
        (rules.grace_s, rules.recalls_min, rules.wait_max_s) = (0, 0, 0);
    })
}

fn back_with_results(hall: &mut Hall, count: usize) -> Vec<TicketId> {
    let people = hall.walk_ins(count);
    people.iter().for_each(|ticket| drop(hall.holds(*ticket)));
    people.iter().for_each(|ticket| drop(hall.returns(*ticket)));
    people
}

fn missed(hall: &mut Hall, count: usize) {
    for ticket in hall.walk_ins(count) {
        hall.calls_by_hand("1", ticket);
        hall.misses("1");
        hall.requeues(ticket);
    }
}

#[test]
fn b11_two_first_visits_then_one_return() {
    let mut hall = plan(&TWO_ONE_ONE, true).open("08:00");
    back_with_results(&mut hall, 6);
    hall.walk_ins(20);
    assert_eq!(hall.lanes_called("1", 9), "wwrwwrwwr", "first visits are more: the weights hold");
}

#[test]
fn b11_one_and_one_while_returns_outnumber_first_visits() {
    for (returns_even, expected) in [(false, "wwrwwrwwr"), (true, "wrwrwrwrw")] {
        let mut hall = plan(&TWO_ONE_ONE, returns_even).open("08:00");
        hall.walk_ins(20);
        back_with_results(&mut hall, 40);
        assert_eq!(hall.lanes_called("1", 9), expected, "returns_even = {returns_even}");
    }
}

#[test]
fn b11_as_many_returns_as_first_visits_are_not_more() {
    let mut hall = plan(&TWO_ONE_ONE, true).open("08:00");
    hall.walk_ins(5);
    back_with_results(&mut hall, 5);
    let even = |hall: &Hall| {
        let share = hall.last_events().iter().find_map(|event| match event {
            Event::TicketCalled { why, .. } => why.share,
            _ => None,
        });
        share.unwrap().even
    };
    hall.next("1");
    assert!(!even(&hall), "five of each");
    hall.next("1");
    assert!(even(&hall), "four first visits, five returns");
}

#[test]
fn b11_two_one_one_becomes_one_of_each() {
    let mut hall = plan(&TWO_ONE_ONE, true).open("08:00");
    missed(&mut hall, 8);
    hall.walk_ins(8);
    back_with_results(&mut hall, 30);
    let lanes = hall.lanes_called("1", 12);
    for lane in ['w', 'r', 'm'] {
        assert_eq!(lanes.matches(lane).count(), 4, "{lanes}");
    }
}

#[test]
fn b11_first_visits_together_go_even_and_keep_their_own_ratio() {
    let weights = [(Lane::WalkIn, 3), (Lane::Referral, 1), (Lane::ReturnVisit, 1)];
    let mut hall = plan(&weights, true).open("08:00");
    back_with_results(&mut hall, 60);
    for _ in 0..8 {
        hall.takes("ent", Lane::Referral);
    }
    hall.walk_ins(20);
    let lanes = hall.lanes_called("1", 16);
    assert_eq!((lanes.matches('r').count(), lanes.matches('w').count(), lanes.matches('f').count()), (8, 6, 2));
    let by_two = lanes.as_bytes().chunks(2).all(|pair| (pair[0] == b'r') != (pair[1] == b'r'));
    assert!(by_two, "within one call at every moment: {lanes}");
}

#[test]
fn b11_whoever_cannot_be_called_yet_is_not_counted() {
    let mut hall = plan(&[(Lane::Appointment, 2), (Lane::WalkIn, 2), (Lane::ReturnVisit, 1)], true).open("08:00");
    hall.appointments(20, "10:00");
    hall.walk_ins(4);
    back_with_results(&mut hall, 12);
    assert_eq!(hall.lanes_called("1", 4), "wrwr", "twenty are booked for ten o'clock, but it is eight");
    hall.at("10:00");
    let lanes = hall.lanes_called("1", 5);
    assert_eq!(lanes.matches('r').count(), 1, "two to two to one: {lanes}");
}

#[test]
fn b11_switching_back_and_forth_forgets_nothing() {
    // One first visit comes for each call: the mode changes at nearly every call, and still returns get at least
    // their share by weight, and at most half.
    let mut hall = plan(&TWO_ONE_ONE, true).open("08:00");
    hall.walk_ins(10);
    back_with_results(&mut hall, 11);
    let mut lanes = String::new();
    for _ in 0..60 {
        lanes += &hall.lanes_called("1", 1);
        hall.after(Millis(1));
        if lanes.ends_with('r') {
            back_with_results(&mut hall, 1);
        } else {
            hall.walk_in();
        }
    }
    let returns = lanes.matches('r').count();
    assert!((20..=30).contains(&returns), "{returns} of 60: {lanes}");
}

#[test]
fn b11_what_was_decided_is_told_and_not_judged_again() {
    let mut hall = plan(&TWO_ONE_ONE, true).rules(|rules| rules.ready_count = 2).open("08:00");
    back_with_results(&mut hall, 9);
    let told = hall.ready();
    hall.walk_ins(30);
    assert_eq!(hall.ready(), told);
    assert_eq!(hall.calls("1", 2), told);
}

#[test]
fn b11_c1_whoever_was_put_off_is_not_counted_before_their_time() {
    let plan = plan(&TWO_ONE_ONE, true).rules(|rules| {
        (rules.missed.rejoin, rules.slot_min, rules.early_s) = (MissedRejoin::SlotEnd, 30, 0);
    });
    let even = |hall: &Hall| {
        let share = hall.last_events().iter().find_map(|event| match event {
            Event::TicketCalled { why, .. } => why.share,
            _ => None,
        });
        share.unwrap().even
    };
    for (time, expected) in [("08:20", true), ("08:31", false)] {
        let mut hall = plan.clone().open("08:00");
        let first = hall.walk_in();
        hall.next("1");
        hall.misses("1");
        hall.requeues(first);
        let back = back_with_results(&mut hall, 1);
        hall.at(time);
        hall.calls_by_hand("1", back[0]);
        hall.holds(back[0]);
        hall.returns(back[0]);
        hall.next("1");
        assert_eq!(even(&hall), expected, "one return against one who waits again from 08:30, at {time}");
    }
}
