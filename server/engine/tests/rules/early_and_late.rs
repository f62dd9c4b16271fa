//! C2, R9: check-in after the slot and long before it, mode by mode.

use callnext_engine::config::{EarlyCheckIn, LateJoin, Policy};
use callnext_engine::lane::Weights;
use callnext_engine::testing::{Hall, Plan, at};
use callnext_engine::{Action, Lane, Refusal, TicketId};

fn late(mode: LateJoin) -> Hall {
    let plan = Plan::default().counter("1").rules(|rules| {
        (rules.late.rejoin, rules.late.calls, rules.ready_count, rules.early_s) = (mode, 2, 0, 0);
    });
    plan.session("morning", "08:00", "10:30").open("08:00")
}

fn order(hall: &mut Hall) -> Vec<TicketId> {
    let projected = hall.projected();
    let called = hall.calls("1", projected.len());
    assert_eq!(called, projected);
    called
}

/// Booked for 09:00 to 09:30, here at 09:50; others of every slot are here.
#[test]
fn c2_each_mode_has_its_place() {
    for (mode, lane, place) in [
        (LateJoin::AsNormal, Lane::Appointment, 1),
        (LateJoin::Shifted, Lane::Appointment, 2),
        (LateJoin::PerCalls, Lane::Late, 2),
        (LateJoin::SlotEnd, Lane::Appointment, 4),
        (LateJoin::SessionEnd, Lane::Appointment, 5),
    ] {
        let mut hall = late(mode);
        hall.books(&[
            ("late", "09:00"),
            ("a", "09:00"),
            ("z", "09:10"),
            ("b", "09:30"),
            ("c", "09:40"),
            ("d", "10:00"),
            ("e", "10:30"),
        ]);
        // Checked in in time, called by nobody.
        hall.at("09:15").checks_in("a");
        for code in ["z", "b", "c", "d", "e"] {
            hall.checks_in(code);
        }
        let ticket = hall.at("09:50").checks_in("late");
        assert_eq!(hall.ticket(ticket).lane, lane, "{mode:?}");
        hall.at("10:30");
        assert_eq!(order(&mut hall).iter().position(|id| *id == ticket), Some(place), "{mode:?}");
    }
}

#[test]
fn c2_shifted_by_as_long_as_the_person_was_late() {
    let mut hall = late(LateJoin::Shifted);
    hall.books(&[("late", "09:00"), ("a", "09:15"), ("b", "09:30")]);
    hall.checks_in("a");
    hall.checks_in("b");
    let ticket = hall.at("09:50").checks_in("late");
    assert_eq!(hall.ticket(ticket).place.clone().unwrap().order.band, at("09:20").0, "20 minutes late, so for 09:20");
    let calls = order(&mut hall);
    assert_eq!(calls.iter().position(|id| *id == ticket), Some(1));
}

#[test]
fn c2_one_of_the_late_per_so_many_calls() {
    let mut hall = late(LateJoin::PerCalls);
    hall.books(&[("x", "08:00"), ("y", "08:00")]);
    hall.at("08:40").walk_ins(6);
    hall.checks_in("x");
    hall.checks_in("y");
    assert_eq!(hall.lanes_called("1", 8), "wwlwwlww");
}

fn early(mode: EarlyCheckIn) -> Hall {
    early_with(mode, |_| {})
}

fn early_with(mode: EarlyCheckIn, change: impl FnOnce(&mut Policy)) -> Hall {
    let plan = Plan::default().counter("1").rules(|rules| {
        (rules.check_in_early, rules.check_in_early_s) = (mode, 3600);
        (rules.ready_count, rules.early_s, rules.early_when_idle) = (0, 900, false);
        change(rules);
    });
    let mut hall = plan.open("08:00");
    hall.books(&[("a", "10:00")]);
    hall
}

#[test]
fn r9_an_early_check_in_is_refused_with_the_moment_from_which_it_is_not() {
    let mut hall = early(EarlyCheckIn::Refuse);
    let wish = Action::CheckIn { code: "a".into(), reference: None };
    hall.at("08:59:59");
    assert_eq!(hall.refuses(wish), Refusal::CheckInTooEarly { from: at("09:00") });
    let ticket = hall.at("09:00").checks_in("a");
    assert_eq!(hall.ticket(ticket).lane, Lane::Appointment);
}

#[test]
fn r9_an_early_check_in_waits_for_its_slot() {
    let mut hall = early(EarlyCheckIn::Wait);
    let ticket = hall.checks_in("a");
    assert_eq!(hall.at("09:44:59").next("1"), None);
    assert_eq!(hall.at("09:45").next("1"), Some(ticket));
}

#[test]
fn r9_an_early_check_in_joins_as_on_site_until_it_may_be_called_as_booked() {
    let mut hall = early(EarlyCheckIn::WalkIn);
    let before = hall.walk_in();
    let ticket = hall.at("08:30").checks_in("a");
    assert_eq!(hall.ticket(ticket).lane, Lane::WalkIn);
    let mut at_once = hall.clone();
    assert_eq!(at_once.calls("1", 2), [before, ticket], "in the order of those on site");
    hall.at("09:44:59");
    assert_eq!(hall.ticket(ticket).lane, Lane::WalkIn);
    hall.at("09:45");
    assert_eq!(hall.ticket(ticket).lane, Lane::Appointment);
    let mut punctual = early(EarlyCheckIn::WalkIn);
    let ticket = punctual.at("09:00").checks_in("a");
    assert_eq!(punctual.ticket(ticket).lane, Lane::Appointment, "an hour before is not early");
}

#[test]
fn r9_whoever_turns_booked_is_projected_so() {
    // 09:30: the booked one came first, but many have come on site since 08:00.
    let mut hall = early(EarlyCheckIn::WalkIn);
    hall.walk_ins(6);
    let ticket = hall.at("08:30").checks_in("a");
    hall.at("09:44");
    let projected: Vec<_> = hall.venue().project(&callnext_engine::testing::service_id("ent"), hall.now()).collect();
    let at_turn = projected.iter().position(|call| call.choice.ticket == ticket).unwrap();
    for call in &projected {
        hall.at_instant(call.at);
        assert_eq!(hall.next("1"), Some(call.choice.ticket));
    }
    assert_eq!(at_turn, 1, "as booked, in the second call");
}

#[test]
fn r9_whoever_turns_booked_at_the_moment_of_a_call_is_foreseen_so() {
    // A call every five minutes, one of them at 09:45: from then on the booked one stands before nobody on site.
    let mut hall = early_with(EarlyCheckIn::WalkIn, |rules| {
        rules.weights = Weights::new([(Lane::WalkIn, 20), (Lane::Appointment, 1)]);
    });
    let before = hall.walk_ins(2);
    let booked = hall.at("08:30").checks_in("a");
    let behind = hall.walk_in();
    hall.at("09:35");
    let expected = [before[0], before[1], behind, booked];
    assert_eq!(hall.projected(), expected);
    for (time, ticket) in ["09:35", "09:40", "09:45", "09:50"].into_iter().zip(expected) {
        assert_eq!(hall.at(time).next("1"), Some(ticket));
    }
}
