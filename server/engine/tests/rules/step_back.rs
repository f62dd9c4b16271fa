//! Letting others go first, by one's own wish.

use callnext_engine::testing::Plan;
use callnext_engine::ticket::Urgency;
use callnext_engine::{Action, Lane, Millis, Refusal};

fn plan() -> Plan {
    Plan::default().counter("1").rules(|rules| rules.ready_count = 0)
}

#[test]
fn so_many_of_ones_own_lane_go_first() {
    for places in [1, 2, 4, 20] {
        let mut hall = plan().open("08:00");
        let people = hall.walk_ins(5);
        hall.steps_back(people[0], places);
        let mut expected = people[1..].to_vec();
        expected.insert(expected.len().min(usize::try_from(places).unwrap()), people[0]);
        assert_eq!(hall.calls("1", 5), expected, "{places}");
    }
}

#[test]
fn whoever_comes_later_stays_behind() {
    let mut hall = plan().open("08:00");
    let people = hall.walk_ins(2);
    hall.steps_back(people[0], 5);
    hall.after(Millis(1));
    let later = hall.walk_in();
    assert_eq!(hall.calls("1", 3), [people[1], people[0], later]);
}

#[test]
fn one_can_step_back_again_and_again_and_so_can_others() {
    let mut hall = plan().open("08:00");
    let people = hall.walk_ins(4);
    hall.steps_back(people[0], 1);
    hall.steps_back(people[0], 1);
    hall.steps_back(people[1], 1);
    assert_eq!(hall.calls("1", 4), [people[2], people[1], people[0], people[3]]);
}

#[test]
fn those_let_by_have_not_overtaken() {
    let plan = plan().rules(|rules| rules.overtaken_max = 3);
    let mut hall = plan.open("08:00");
    let people = hall.walk_ins(8);
    hall.after(Millis(1)).steps_back(people[0], 5);
    let called = hall.calls("1", 6);
    assert_eq!(called, [people[1], people[2], people[3], people[4], people[5], people[0]]);
}

#[test]
fn told_to_get_ready_one_can_still_step_back() {
    let mut hall = Plan::default().counter("1").open("08:00");
    let people = hall.walk_ins(4);
    hall.steps_back(people[0], 2);
    assert_eq!(hall.ready(), [people[1], people[2]]);
    assert_eq!(hall.calls("1", 4), [people[1], people[2], people[0], people[3]]);
}

#[test]
fn whoever_can_be_called_waits_for_nobody_who_cannot_be_called_yet() {
    let mut hall = plan().open("08:00");
    let here = hall.appointments(2, "08:00");
    let later = hall.appointments(1, "10:00")[0];
    hall.steps_back(here[0], 2);
    assert_eq!(hall.calls("1", 3), [here[1], here[0], later]);
}

#[test]
fn other_lanes_are_not_concerned() {
    let mut hall = plan().open("08:00");
    let patient = hall.walk_in();
    hall.takes("ent", Lane::Referral);
    hall.steps_back(patient, 1);
    assert_eq!(hall.next("1"), Some(patient), "nobody of the lane is behind");
}

#[test]
fn only_a_few_places_only_while_waiting_and_not_with_precedence() {
    let mut hall = plan().open("08:00");
    let people = hall.walk_ins(2);
    for places in [0, 21, u32::MAX] {
        let wish = Action::StepBack { ticket: people[0], places };
        assert!(matches!(hall.refuses(wish), Refusal::ValueInvalid { .. }), "{places}");
    }
    hall.grants(people[0], Urgency::GreenChannel);
    let wish = Action::StepBack { ticket: people[0], places: 1 };
    assert!(matches!(hall.refuses(wish.clone()), Refusal::TicketNotInState { .. }), "it would do nothing");
    hall.next("1");
    assert!(matches!(hall.refuses(wish), Refusal::TicketNotInState { .. }));
}
