//! C1: where a missed ticket rejoins, mode by mode; and misses that nobody presses for.

use callnext_engine::config::{Miss, MissedRejoin, OrderInLane, Policy};
use callnext_engine::event::{Event, Rule};
use callnext_engine::testing::{Hall, Plan, at};
use callnext_engine::ticket::Urgency;
use callnext_engine::{Lane, Millis, TicketId, TicketState};

fn rejoin(mode: MissedRejoin, calls: u32) -> Plan {
    Plan::default().counter("1").rules(|rules| {
        (rules.missed.rejoin, rules.missed.calls) = (mode, calls);
        (rules.ready_count, rules.recalls_min, rules.grace_s, rules.early_s) = (0, 0, 0, 0);
    })
}

/// Somebody was called and did not come.
fn somebody_missed(plan: Plan, time: &str) -> (Hall, TicketId) {
    let mut hall = plan.open(time);
    let missed = hall.walk_in();
    hall.next("1");
    hall.misses("1");
    (hall, missed)
}

/// Everybody, in the order in which they are called: as projected, and as it then happens.
fn order(hall: &mut Hall) -> Vec<TicketId> {
    let projected = hall.projected();
    let called = hall.calls("1", projected.len());
    assert_eq!(called, projected);
    called
}

#[test]
fn c1_after_so_many_calls_of_the_service() {
    for (calls, ready_count) in [(1, 0), (3, 0), (3, 2), (5, 2), (1, 2)] {
        let plan = rejoin(MissedRejoin::AfterCalls, calls).rules(|rules| rules.ready_count = ready_count);
        let (mut hall, missed) = somebody_missed(plan, "08:00");
        hall.walk_ins(8);
        hall.requeues(missed);
        assert_eq!(hall.ticket(missed).lane, Lane::Missed);
        // C3: nobody goes before those who were told to get ready.
        let before = usize::try_from(calls.max(ready_count)).unwrap();
        assert_eq!(
            order(&mut hall).iter().position(|id| *id == missed),
            Some(before),
            "{calls} calls, {ready_count} ready"
        );
    }
}

#[test]
fn c1_calls_of_every_kind_count_and_cancellations_do_not() {
    let (mut hall, missed) = somebody_missed(rejoin(MissedRejoin::AfterCalls, 3), "08:00");
    let others = hall.walk_ins(8);
    hall.requeues(missed);
    hall.grants(others[7], Urgency::Emergency);
    hall.cancels(others[0]);
    assert_eq!(hall.next("1"), Some(others[7]), "the first call: an emergency");
    hall.calls_by_hand("1", others[6]);
    assert_eq!(hall.calls("1", 2), [others[1], missed]);
}

#[test]
fn c1_whoever_waits_for_calls_leaves_no_counter_idle() {
    for mode in [MissedRejoin::AfterCalls, MissedRejoin::PerCalls, MissedRejoin::SlotEnd, MissedRejoin::SessionEnd] {
        let plan = rejoin(mode, 5).rules(|rules| rules.early_when_idle = false);
        let (mut hall, missed) = somebody_missed(plan, "08:00");
        let other = hall.walk_in();
        hall.requeues(missed);
        assert_eq!(order(&mut hall), [other, missed], "{mode:?}");
    }
}

#[test]
fn c1_several_come_back_each_after_their_own_calls() {
    let mut hall = rejoin(MissedRejoin::AfterCalls, 2).open("08:00");
    let tickets = hall.walk_ins(8);
    for _ in 0..2 {
        hall.next("1");
        hall.misses("1");
    }
    hall.requeues(tickets[1]);
    hall.after(Millis(1)).requeues(tickets[0]);
    assert_eq!(
        order(&mut hall)[..5],
        [tickets[2], tickets[3], tickets[1], tickets[0], tickets[4]],
        "first back, first called"
    );
}

#[test]
fn c1_one_per_so_many_normal_calls() {
    for ready_count in [0, 2] {
        let mut hall = rejoin(MissedRejoin::PerCalls, 2).rules(|rules| rules.ready_count = ready_count).open("08:00");
        let missed = hall.walk_ins(3);
        for _ in 0..3 {
            hall.next("1");
            hall.misses("1");
        }
        let others = hall.walk_ins(8);
        for ticket in &missed {
            hall.requeues(*ticket);
        }
        let told = usize::try_from(ready_count).unwrap();
        let letter = |id: TicketId| if missed.contains(&id) { 'm' } else { 'w' };
        let line: String = order(&mut hall).into_iter().map(letter).collect();
        let (first, rest) = line.split_at(told);
        assert!(first.chars().all(|who| who == 'w'), "C3: those who were told go first");
        assert!(rest.starts_with("wwmwwmw"), "{line} with {told} ready of {}", others.len());
    }
}

#[test]
fn c1_per_calls_the_first_to_report_again_is_the_first() {
    let mut hall = rejoin(MissedRejoin::PerCalls, 1).open("08:00");
    let missed = hall.walk_ins(2);
    for _ in 0..2 {
        hall.next("1");
        hall.misses("1");
    }
    hall.walk_ins(6);
    hall.requeues(missed[1]);
    hall.after(Millis::from_secs(1)).requeues(missed[0]);
    let order: Vec<_> = order(&mut hall).into_iter().filter(|ticket| missed.contains(ticket)).collect();
    assert_eq!(order, [missed[1], missed[0]]);
}

#[test]
fn c1_per_calls_a_call_by_precedence_is_no_turn_of_the_missed() {
    let mut hall = rejoin(MissedRejoin::PerCalls, 3).open("08:00");
    let missed = hall.walk_ins(2);
    for _ in 0..2 {
        hall.next("1");
        hall.misses("1");
    }
    let others = hall.walk_ins(8);
    missed.iter().for_each(|ticket| drop(hall.requeues(*ticket)));
    hall.calls("1", 2);
    hall.grants(missed[0], Urgency::GreenChannel);
    assert_eq!(order(&mut hall)[..4], [missed[0], others[2], missed[1], others[3]], "one more turn, not three");
}

#[test]
fn c1_per_calls_nothing_is_banked_while_nobody_is_back() {
    let (mut hall, missed) = somebody_missed(rejoin(MissedRejoin::PerCalls, 2), "08:00");
    hall.walk_ins(9);
    hall.calls("1", 4);
    hall.requeues(missed);
    assert_eq!(hall.lanes_called("1", 3), "wwm");
}

#[test]
fn c1_emergencies_are_no_normal_calls() {
    let (mut hall, missed) = somebody_missed(rejoin(MissedRejoin::PerCalls, 2), "08:00");
    let others = hall.walk_ins(9);
    hall.requeues(missed);
    hall.grants(others[8], Urgency::Emergency);
    hall.grants(others[7], Urgency::Emergency);
    assert_eq!(order(&mut hall)[..5], [others[7], others[8], others[0], others[1], missed]);
}

#[test]
fn c1_behind_the_end_of_the_present_slot() {
    let mut hall = rejoin(MissedRejoin::SlotEnd, 3)
        .rules(|rules| rules.weights = callnext_engine::lane::Weights::new([]))
        .open("09:00");
    hall.books(&[("missed", "09:00"), ("here", "09:00"), ("soon", "09:00"), ("next", "09:30"), ("far", "10:00")]);
    let missed = hall.checks_in("missed");
    hall.next("1");
    hall.misses("1");
    let [here, next, far] = ["here", "next", "far"].map(|code| hall.checks_in(code));
    hall.at("09:10").requeues(missed);
    assert_eq!(hall.ticket(missed).lane, Lane::Appointment, "it stays of its kind");
    let soon = hall.at("09:20").checks_in("soon");
    assert_eq!(order(&mut hall), [here, soon, missed, next, far]);
}

#[test]
fn c1_the_slots_end_lies_on_the_grid_of_the_service() {
    for (slot_min, time) in [(10, "09:20"), (15, "09:15"), (30, "09:30"), (60, "10:00")] {
        let (mut hall, missed) =
            somebody_missed(rejoin(MissedRejoin::SlotEnd, 3).rules(|rules| rules.slot_min = slot_min), "09:00");
        hall.at("09:12").requeues(missed);
        assert_eq!(hall.ticket(missed).place.clone().unwrap().since, at(time) - Millis(1), "{slot_min} minutes");
        hall.at("09:14:59");
        let before = hall.walk_in();
        hall.at(time);
        let after = hall.walk_in();
        assert_eq!(order(&mut hall), [before, missed, after], "{slot_min} minutes");
    }
}

#[test]
fn c1_behind_the_end_of_the_session() {
    let plan =
        rejoin(MissedRejoin::SessionEnd, 3).session("morning", "08:00", "12:00").session("afternoon", "13:00", "17:00");
    let (mut hall, missed) = somebody_missed(plan, "09:00");
    hall.requeues(missed);
    hall.at("11:59");
    let morning = hall.walk_ins(2);
    hall.at("12:00");
    let afternoon = hall.walk_ins(2);
    assert_eq!(order(&mut hall), [morning[0], morning[1], missed, afternoon[0], afternoon[1]]);
}

#[test]
fn c1_at_the_tail_of_those_whose_time_has_come() {
    let mut hall = rejoin(MissedRejoin::Tail, 3).open("09:00");
    hall.books(&[("missed", "09:00"), ("here", "09:00"), ("later", "09:30")]);
    let missed = hall.checks_in("missed");
    hall.next("1");
    hall.misses("1");
    let [here, later] = ["here", "later"].map(|code| hall.checks_in(code));
    hall.at("09:10").requeues(missed);
    assert_eq!(order(&mut hall), [here, missed, later]);
    let (mut hall, missed) = somebody_missed(rejoin(MissedRejoin::Tail, 3), "08:00");
    let before = hall.walk_in();
    hall.after(Millis(1)).requeues(missed);
    hall.after(Millis(1));
    let after = hall.walk_in();
    assert_eq!(order(&mut hall), [before, missed, after]);
}

#[test]
fn c1_where_the_order_is_by_number_the_tail_is_behind_the_last_number_given() {
    for mode in [MissedRejoin::Tail, MissedRejoin::SlotEnd, MissedRejoin::SessionEnd] {
        let plan = rejoin(mode, 3).rules(|rules| rules.order = OrderInLane::Number);
        let (mut hall, missed) = somebody_missed(plan.session("morning", "08:00", "09:30"), "09:00");
        let before = hall.walk_ins(3);
        hall.requeues(missed);
        let after = hall.walk_in();
        hall.at("09:30");
        assert_eq!(order(&mut hall), [before[0], before[1], before[2], missed, after], "{mode:?}");
    }
}

#[test]
fn c1_whoever_is_back_keeps_the_mode_by_which_they_came() {
    let (mut hall, missed) = somebody_missed(rejoin(MissedRejoin::AfterCalls, 2), "08:00");
    hall.walk_ins(5);
    hall.requeues(missed);
    hall.configures(|config| config.services[0].policy.missed.rejoin = MissedRejoin::Tail).unwrap();
    assert_eq!(order(&mut hall).iter().position(|id| *id == missed), Some(2));
}

#[test]
fn c1_the_overdue_guard_holds_for_those_who_wait_for_calls() {
    let plan = rejoin(MissedRejoin::AfterCalls, 50).rules(|rules| (rules.overtaken_max, rules.wait_max_s) = (3, 0));
    let (mut hall, missed) = somebody_missed(plan, "08:00");
    hall.requeues(missed);
    hall.after(Millis(1)).walk_ins(9);
    assert_eq!(hall.calls("1", 4).last(), Some(&missed));
    let Some(Event::TicketCalled { why, .. }) = hall.last_events().last() else { panic!("no call") };
    assert_eq!((why.rule, &why.share), (Rule::Overdue, &None), "it stands in no lane that could be charged");
}

#[test]
fn c1_an_undone_call_is_no_call() {
    let (mut hall, missed) = somebody_missed(rejoin(MissedRejoin::AfterCalls, 2), "08:00");
    let others = hall.walk_ins(5);
    hall.requeues(missed);
    hall.next("1");
    hall.undoes();
    assert_eq!(hall.calls("1", 3), [others[0], others[1], missed]);
}

#[test]
fn c1_another_service_has_calls_of_its_own() {
    let (mut hall, missed) = somebody_missed(rejoin(MissedRejoin::AfterCalls, 4).service("eye", "B"), "08:00");
    hall.requeues(missed);
    hall.transfers(missed, "eye");
    assert_eq!((hall.ticket(missed).lane, hall.ticket(missed).joining), (Lane::Referral, None));
}

fn unattended(rules: impl FnOnce(&mut Policy)) -> Hall {
    let mut hall = Plan::default()
        .counter("1")
        .rules(|policy| {
            (policy.miss, policy.grace_s, policy.recalls_min, policy.recall_every_s) = (Miss::Automatic, 60, 2, 20);
            rules(policy);
        })
        .open("08:00");
    hall.walk_in();
    hall.next("1");
    hall
}

#[test]
fn c1_left_alone_the_venue_recalls_and_then_marks_missed() {
    let mut hall = unattended(|_| {});
    let ticket = hall.venue().tickets().next().unwrap().id;
    for (time, recalls, state) in [
        ("08:00:19", 0, "called"),
        ("08:00:20", 1, "called"),
        ("08:00:40", 2, "called"),
        ("08:01:39", 2, "called"),
        ("08:01:40", 2, "missed"),
    ] {
        hall.at(time);
        assert_eq!((hall.ticket(ticket).recalls, hall.state(ticket).name()), (recalls, state), "{time}");
    }
    assert_eq!(hall.changes().last().unwrap().by, callnext_engine::Actor::System);
}

#[test]
fn c1_a_late_timer_misses_when_it_was_due() {
    let mut hall = unattended(|_| {});
    hall.at("10:00");
    assert_eq!(
        hall.changes().iter().rev().map(|change| change.at).take(3).collect::<Vec<_>>(),
        [at("08:01:40"), at("08:00:40"), at("08:00:20")]
    );
}

#[test]
fn c1_the_venue_misses_nobody_before_their_slot_nor_when_service_has_begun() {
    let mut hall = unattended(|rules| rules.recalls_min = 0);
    hall.starts("1");
    hall.completes("1");
    let booked = hall.appointments(1, "09:00")[0];
    hall.next("1");
    hall.at("08:59:59");
    assert_eq!(hall.state(booked).name(), "called");
    hall.at("09:00");
    assert_eq!(*hall.state(booked), TicketState::Missed);
    let mut started = unattended(|_| {});
    started.starts("1");
    started.at("09:00");
    assert_eq!(started.venue().tickets().next().unwrap().state.name(), "serving");
}

#[test]
fn c1_by_hand_the_venue_waits() {
    let mut hall = unattended(|rules| rules.miss = Miss::ByHand);
    hall.at("10:00");
    let ticket = hall.venue().tickets().next().unwrap();
    assert_eq!((ticket.recalls, ticket.state.name()), (2, "called"), "recalled, but not missed");
    let mut hall = unattended(|rules| rules.recall_every_s = 0);
    hall.at("10:00");
    assert_eq!(hall.venue().tickets().next().unwrap().recalls, 0, "no recalls: none by itself, so no miss either");
}

#[test]
fn c1_an_automatic_second_miss_is_final() {
    let mut hall = unattended(|rules| rules.recalls_min = 0);
    let ticket = hall.venue().tickets().next().unwrap().id;
    hall.at("08:01").requeues(ticket);
    hall.next("1");
    hall.at("08:02");
    assert_eq!(*hall.state(ticket), TicketState::NoShow);
}

/// What the problem says, and what brings it about.
type Fault = (&'static str, fn(&mut Policy));

#[test]
fn c1_modes_must_be_sound() {
    let rows: [Fault; 4] = [
        ("policy.missed.calls: 0 is not from 1 to 100", |rules| rules.missed.calls = 0),
        ("policy.late.calls: 101 is not from 1 to 100", |rules| rules.late.calls = 101),
        ("policy.grace_s: is 0, and misses are automatic", |rules| (rules.miss, rules.grace_s) = (Miss::Automatic, 0)),
        ("policy.slot_min: 20 is not one of 10, 15, 30, 60", |rules| rules.slot_min = 20),
    ];
    for (expected, change) in rows {
        let problems = Plan::default().counter("1").rules(change).config().problems();
        assert!(problems[0].to_string().contains(expected), "{expected}: {problems:?}");
    }
}
