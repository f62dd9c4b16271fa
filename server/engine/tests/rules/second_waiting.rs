//! C4: the second waiting area at a counter's door.

use callnext_engine::config::{MissedRejoin, OrderInLane, SecondWaiting};
use callnext_engine::counter::CounterState;
use callnext_engine::event::{Event, Rule};
use callnext_engine::testing::{Hall, Plan, at, counter_id};
use callnext_engine::ticket::Urgency;
use callnext_engine::{Millis, Refusal, TicketId};

/// One counter with two seats at its door; two more are told to get ready.
fn hall() -> Hall {
    Plan::default().counter("1").door(2).open("08:00")
}

#[test]
fn c4_those_who_come_next_are_sent_to_the_door_up_to_the_limit() {
    let mut hall = hall();
    let people = hall.walk_ins(6);
    assert_eq!(hall.inside("1"), people[..2]);
    assert_eq!(hall.ready(), people[2..4]);
    assert_eq!(hall.venue().inside_at(people[0]), Some(&counter_id("1")));
    assert_eq!(hall.venue().inside_at(people[2]), None);
}

#[test]
fn c4_they_are_called_from_there_first_and_the_next_is_sent() {
    let mut hall = hall();
    let people = hall.walk_ins(6);
    assert_eq!(hall.next_and_why("1"), Some((people[0], Rule::Inside)));
    assert_eq!(hall.inside("1"), people[1..3]);
    assert_eq!(hall.calls("1", 5), people[1..]);
}

#[test]
fn c4_an_emergency_goes_before_those_at_the_door_and_nobody_else_does() {
    let mut hall = hall();
    let people = hall.walk_ins(6);
    hall.at("11:00");
    hall.grants(people[5], Urgency::Emergency);
    assert_eq!(hall.next_and_why("1"), Some((people[5], Rule::Urgent)));
    assert_eq!(hall.inside("1"), people[..2], "still there");
    assert_eq!(hall.next_and_why("1"), Some((people[0], Rule::Inside)), "although everybody is overdue");
}

#[test]
fn c4_urgent_people_in_a_row_let_those_at_the_door_go_in_between() {
    let mut hall = Plan::default().rules(|rules| rules.urgent_run_max = 2).counter("1").door(2).open("08:00");
    let people = hall.walk_ins(2);
    let urgent = hall.walk_ins(4);
    urgent.iter().for_each(|ticket| drop(hall.grants(*ticket, Urgency::GreenChannel)));
    assert_eq!(hall.calls("1", 6), [urgent[0], urgent[1], people[0], urgent[2], urgent[3], people[1]]);
}

#[test]
fn c4_a_few_people_are_spread_over_the_doors() {
    let mut hall = Plan::default().counter("1").door(2).counter("2").door(2).open("08:00");
    let people = hall.walk_ins(5);
    assert_eq!(hall.inside("1"), [people[0], people[2]]);
    assert_eq!(hall.inside("2"), [people[1], people[3]]);
    assert_eq!(hall.ready(), people[4..]);
    assert_eq!(hall.next("2"), Some(people[1]), "from its own door");
}

#[test]
fn c4_a_counter_that_stops_sends_them_back_to_the_front() {
    for stopped in [CounterState::Paused, CounterState::Closed] {
        let mut hall = Plan::default().counter("1").door(2).counter("2").open("08:00");
        let people = hall.walk_ins(6);
        hall.counter("1", stopped);
        assert_eq!(hall.inside("1"), []);
        assert_eq!(hall.ready(), people[..4], "nobody has lost a turn");
        assert_eq!(hall.calls("2", 6), people);
    }
}

#[test]
fn c4_a_door_that_is_taken_away_sends_them_back() {
    let mut hall = hall();
    let people = hall.walk_ins(3);
    hall.configures(|config| config.counters[0].second_waiting = None).unwrap();
    assert_eq!(hall.inside("1"), []);
    assert_eq!(hall.ready(), people);
    hall.configures(|config| config.counters[0].second_waiting = Some(SecondWaiting { limit: 1 })).unwrap();
    assert_eq!(hall.inside("1"), people[..1]);
}

#[test]
fn c4_whoever_leaves_the_door_makes_room() {
    let leave: [fn(&mut Hall, TicketId); 4] = [
        |hall, ticket| drop(hall.holds(ticket)),
        |hall, ticket| drop(hall.cancels(ticket)),
        |hall, ticket| drop(hall.steps_back(ticket, 3)),
        |hall, ticket| drop(hall.calls_by_hand("1", ticket)),
    ];
    for leaves in leave {
        let mut hall = hall();
        let people = hall.walk_ins(8);
        leaves(&mut hall, people[1]);
        assert_eq!(hall.inside("1"), [people[0], people[2]]);
    }
}

#[test]
fn c4_a_call_taken_back_stands_at_the_door_where_it_stood() {
    let mut hall = hall();
    let people = hall.walk_ins(6);
    let before = hall.previewed("1", 6);
    hall.next("1");
    hall.undoes();
    assert_eq!(hall.inside("1"), people[..3], "the one sent in the meantime stays");
    assert_eq!(hall.previewed("1", 6), before);
}

#[test]
fn c4_without_a_ready_set_the_rules_send_directly() {
    let mut hall = Plan::default().rules(|rules| rules.ready_count = 0).counter("1").door(2).open("08:00");
    let people = hall.walk_ins(4);
    assert_eq!(hall.inside("1"), people[..2]);
    assert_eq!(hall.projected(), people);
}

#[test]
fn c4_somebody_whose_time_comes_is_sent_then() {
    let mut hall = Plan::default().rules(|rules| rules.ready_count = 0).counter("1").door(2).open("08:00");
    let booked = hall.appointments(1, "09:00");
    assert_eq!(hall.inside("1"), []);
    hall.at("08:45");
    assert_eq!(hall.inside("1"), booked, "a quarter of an hour before the slot, though nobody did anything");
}

#[test]
fn c4_nobody_is_sent_past_somebody_overtaken_too_often() {
    let rules = |rules: &mut callnext_engine::config::Policy| (rules.overtaken_max, rules.ready_count) = (2, 0);
    let mut hall = Plan::default().rules(rules).counter("1").door(1).open("08:00");
    let waits = hall.walk_ins(3);
    hall.after(Millis(1));
    let later = hall.walk_ins(5);
    // Called by hand, two of them overtake.
    hall.calls_by_hand("1", later[0]);
    hall.calls_by_hand("1", later[1]);
    let sent = hall.changes().iter().flat_map(|change| &change.events).filter_map(|event| match event {
        Event::TicketSentInside { ticket, why, .. } => Some((*ticket, why.rule)),
        _ => None,
    });
    let sent: Vec<_> = sent.collect();
    assert_eq!(sent, [(waits[0], Rule::Cycle)]);
    hall.next("1");
    assert_eq!(hall.inside("1"), [waits[1]]);
}

fn after_three_calls() -> (Hall, TicketId) {
    let plan = Plan::default().counter("1").door(2).rules(|rules| {
        (rules.missed.rejoin, rules.missed.calls) = (MissedRejoin::AfterCalls, 3);
        (rules.ready_count, rules.recalls_min, rules.grace_s) = (0, 0, 0);
    });
    let mut hall = plan.open("08:00");
    let missed = hall.walk_in();
    hall.next("1");
    hall.misses("1");
    (hall, missed)
}

#[test]
fn c1_c4_whoever_is_at_the_door_counts_as_called() {
    let (mut hall, missed) = after_three_calls();
    let others = hall.walk_ins(8);
    hall.requeues(missed);
    assert_eq!(hall.inside("1"), others[..2]);
    assert_eq!(hall.projected()[..4], [others[0], others[1], others[2], missed]);
    assert_eq!(hall.calls("1", 2), others[..2]);
    assert_eq!(hall.inside("1"), [others[2], missed], "behind three calls, and not behind five");
    assert_eq!(hall.calls("1", 2), [others[2], missed]);
}

#[test]
fn c1_c4_nobody_is_sent_to_the_door_because_nobody_else_is_there() {
    let (mut hall, missed) = after_three_calls();
    hall.requeues(missed);
    assert_eq!(hall.inside("1"), [], "others may come");
    let others = hall.walk_ins(2);
    assert_eq!(hall.inside("1"), others);
    assert_eq!(hall.calls("1", 2), others);
    assert_eq!(hall.next_and_why("1"), Some((missed, Rule::Rejoin)), "no counter stands idle");
}

#[test]
fn c1_c4_whoever_has_waited_too_long_is_sent_to_the_door_then() {
    let (mut hall, missed) = after_three_calls();
    hall.at("08:30");
    hall.requeues(missed);
    hall.at("10:29");
    assert_eq!(hall.inside("1"), [], "others may come");
    assert_eq!(hall.venue().next_deadline(), Some(at("10:30")));
    hall.at("10:30");
    assert_eq!(hall.inside("1"), [missed]);
    assert_eq!(hall.next_and_why("1"), Some((missed, Rule::Inside)));
}

#[test]
fn c4_it_is_foretold_who_is_sent_first_as_their_time_comes() {
    let plan = Plan::default().counter("1").door(2).rules(|rules| {
        (rules.order, rules.ready_count, rules.early_s) = (OrderInLane::CheckIn, 0, 0);
    });
    let mut hall = plan.open("08:00");
    let inside = hall.walk_in();
    hall.books(&[("later", "08:04"), ("sooner", "08:03")]);
    let [later, sooner] = ["later", "sooner"].map(|code| hall.checks_in(code));
    let order = [inside, sooner, later];
    assert_eq!(hall.projected(), order, "five minutes apart: who came later can be called sooner");
    hall.next("1");
    hall.at("08:05");
    assert_eq!(hall.inside("1"), order[1..]);
}

#[test]
fn c1_c4_it_is_foretold_who_is_sent_having_waited_too_long() {
    let (mut hall, missed) = after_three_calls();
    hall.configures(|config| {
        let rules = &mut config.services[0].policy;
        (rules.early_s, rules.wait_max_s) = (0, 180);
    })
    .unwrap();
    hall.requeues(missed);
    let inside = hall.walk_in();
    hall.books(&[("booked", "08:04")]);
    let booked = hall.checks_in("booked");
    assert_eq!(hall.projected(), [inside, missed, booked], "overdue at 08:03");
    hall.next("1");
    hall.at("08:05");
    assert_eq!(hall.inside("1"), [missed, booked]);
}

#[test]
fn c4_the_limit_is_checked() {
    for limit in [0, 21] {
        let mut hall = hall();
        match hall.configures(|config| config.counters[0].second_waiting = Some(SecondWaiting { limit })) {
            Err(Refusal::ConfigInvalid { problems }) => {
                assert!(problems[0].ends_with("second_waiting.limit: is not from 1 to 20"), "{problems:?}");
            }
            other => panic!("{other:?}"),
        }
    }
}
