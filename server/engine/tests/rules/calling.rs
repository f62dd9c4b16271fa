//! R1, R2, R10: who is called next, by lane and inside a lane. And nobody is forgotten.

use callnext_engine::config::OrderInLane;
use callnext_engine::dispatch::Queue;
use callnext_engine::event::Rule;
use callnext_engine::lane::{Lane, Weights};
use callnext_engine::testing::{Hall, Plan, service_id};
use callnext_engine::{Millis, TicketId};

fn weighted(weights: &[(Lane, u32)]) -> Plan {
    let weights = Weights::new(weights.iter().copied());
    Plan::default().counter("1").rules(|rules| {
        rules.ready_count = 0;
        rules.overtaken_max = 0;
        rules.weights = weights;
    })
}

/// Both lanes full and eligible at nine.
fn crowded(plan: Plan) -> Hall {
    let mut hall = plan.open("08:00");
    hall.appointments(40, "09:00");
    hall.walk_ins(40);
    hall.at("09:00");
    hall
}

#[test]
fn r1_booked_and_on_site_are_interleaved_by_ratio() {
    for (appointment, walk_in) in [(7, 3), (8, 2), (6, 4), (1, 1), (1, 20), (20, 1)] {
        let mut hall = crowded(weighted(&[(Lane::Appointment, appointment), (Lane::WalkIn, walk_in)]));
        let lanes = hall.lanes_called("1", 40);
        for calls in 1..=lanes.len() {
            let booked = lanes[..calls].matches('a').count();
            // Within one call of the share, at every moment: |booked - calls * a / (a + w)| <= 1.
            let [booked, calls] = [booked, calls].map(|count| i64::try_from(count).unwrap());
            let (a, w) = (i64::from(appointment), i64::from(walk_in));
            assert!((booked * (a + w) - calls * a).abs() <= a + w, "{a}:{w}, {booked} of {calls}: {lanes}");
        }
    }
}

#[test]
fn r1_the_ratio_is_decided_at_the_call_and_an_empty_lane_banks_nothing() {
    let mut hall = weighted(&[(Lane::Appointment, 1), (Lane::WalkIn, 1)]).open("08:00");
    hall.walk_ins(30);
    assert_eq!(hall.lanes_called("1", 10), "wwwwwwwwww", "nobody booked is here: the others do not wait for them");
    hall.appointments(10, "08:00");
    let lanes = hall.lanes_called("1", 8);
    assert_eq!(lanes.matches('a').count(), 4, "no more than their share now: {lanes}");
}

#[test]
fn r1_each_service_has_its_own_cycle() {
    let mut hall = Plan::default().service("eye", "B").counter("1").counter_for("2", &["eye"]).open("08:00");
    hall.walk_ins(3);
    let eye = hall.takes("eye", Lane::WalkIn);
    hall.calls("1", 2);
    assert_eq!(hall.venue().queue(&service_id("eye")).map(Queue::calls), Some(0));
    assert_eq!(hall.next("2"), Some(eye));
}

#[test]
fn r1_a_lane_that_only_one_counter_can_call_gets_its_share_there() {
    // Everybody booked wants counter 1, whose calls alternate with those of counter 2, which cannot call them.
    let mut hall = weighted(&[(Lane::Referral, 1), (Lane::WalkIn, 9)]).counter("2").open("08:00");
    hall.walk_ins(100);
    let wanting: Vec<TicketId> = (0..10).map(|_| hall.walk_in_wanting("1")).collect();
    for ticket in &wanting {
        // A lane of their own: transferred people wait as referrals.
        hall.holds(*ticket);
        hall.returns(*ticket);
    }
    let lanes: String = (0..40).map(|n| hall.lanes_called(if n % 2 == 0 { "1" } else { "2" }, 1)).collect();
    let returns = lanes.matches('r').count();
    assert!(returns >= 8, "returns weigh 3, walk-ins 9: a quarter of the calls, not {returns} of 40: {lanes}");
}

#[test]
fn r2_inside_a_lane_the_order_is_a_setting() {
    // Three bookings, checked in in the order c, a, b; their slots in the order a, c, b.
    let rows = [
        (OrderInLane::SlotThenCheckIn, ["a", "c", "b"]),
        (OrderInLane::CheckIn, ["c", "a", "b"]),
        (OrderInLane::Number, ["c", "a", "b"]),
    ];
    for (order, expected) in rows {
        let plan = Plan::default().counter("1").rules(|rules| (rules.order, rules.ready_count) = (order, 0));
        let mut hall = plan.open("08:00");
        hall.books(&[("a", "09:00"), ("b", "10:00"), ("c", "09:30")]);
        for code in ["c", "a", "b"] {
            hall.checks_in(code);
            hall.after(Millis(1));
        }
        hall.at("10:00");
        let called = hall.calls("1", 3);
        let codes = called.iter().map(|ticket| hall.ticket(*ticket).appointment.as_deref().unwrap());
        assert_eq!(codes.collect::<Vec<_>>(), expected, "{order:?}");
    }
}

#[test]
fn r2_by_number_goes_by_number_even_after_a_miss() {
    let plan = Plan::default().counter("1").rules(|rules| {
        (rules.order, rules.ready_count) = (OrderInLane::Number, 0);
    });
    let mut hall = plan.open("08:00");
    let people = hall.walk_ins(3);
    for person in people.iter().rev() {
        // Reported again in reverse: by number they stand as before.
        hall.calls_by_hand("1", *person);
        hall.misses_patiently("1");
        hall.requeues(*person);
    }
    assert_eq!(hall.calls("1", 3), people);
}

#[test]
fn r2_an_early_slot_is_not_eligible_before_its_time_whatever_the_order() {
    for order in [OrderInLane::SlotThenCheckIn, OrderInLane::CheckIn, OrderInLane::Number] {
        let plan = Plan::default().counter("1").rules(|rules| (rules.order, rules.ready_count) = (order, 0));
        let mut hall = plan.open("08:00");
        hall.books(&[("late", "11:00"), ("soon", "08:00")]);
        hall.checks_in("late");
        let soon = hall.checks_in("soon");
        assert_eq!(hall.next_and_why("1"), Some((soon, Rule::Cycle)), "{order:?}");
    }
}

#[test]
fn overdue_after_being_overtaken_as_often_as_the_limit_says() {
    let weights = Weights::new([(Lane::WalkIn, 1), (Lane::Referral, 20)]);
    let plan = Plan::default().counter("1").rules(|rules| {
        rules.weights = weights;
        (rules.ready_count, rules.overtaken_max) = (0, 3);
    });
    let mut hall = plan.open("08:00");
    let patient = hall.walk_in();
    for calls in 0..3 {
        let referral = hall.takes("ent", Lane::Referral);
        assert_eq!(hall.next_and_why("1"), Some((referral, Rule::Cycle)), "call {calls}");
    }
    hall.takes("ent", Lane::Referral);
    assert_eq!(hall.next_and_why("1"), Some((patient, Rule::Overdue)), "three went before: enough");
}

#[test]
fn overdue_calls_are_charged_so_the_cycle_makes_up_for_them() {
    let plan = Plan::default().counter("1").rules(|rules| {
        rules.weights = Weights::new([(Lane::WalkIn, 1), (Lane::Referral, 1)]);
        (rules.ready_count, rules.overtaken_max, rules.wait_max_s) = (0, 0, 600);
    });
    let mut hall = plan.open("08:00");
    hall.walk_ins(3);
    hall.at("08:10");
    for _ in 0..8 {
        hall.takes("ent", Lane::Referral);
    }
    hall.walk_ins(8);
    assert_eq!(hall.lanes_called("1", 3), "www", "they have waited ten minutes");
    let lanes = hall.lanes_called("1", 8);
    assert_eq!(lanes.matches('f').count(), 5, "the other lane is made up to: {lanes}");
}

#[test]
fn overdue_somebody_told_has_paid_already() {
    let plan = Plan::default().counter("1").rules(|rules| {
        rules.weights = Weights::new([(Lane::WalkIn, 1), (Lane::Referral, 1)]);
        (rules.ready_count, rules.overtaken_max, rules.wait_max_s) = (1, 0, 600);
    });
    let mut hall = plan.open("08:00");
    let told = hall.walk_in();
    assert_eq!(hall.ready(), [told]);
    for _ in 0..4 {
        hall.takes("ent", Lane::Referral);
        hall.after(Millis(1));
        hall.walk_in();
    }
    let mut in_time = hall.clone();
    in_time.next("1");
    assert_eq!(hall.at("08:10").next_and_why("1"), Some((told, Rule::Overdue)));
    assert_eq!(hall.ready(), in_time.ready(), "the cycle stands where it stood");
}

#[test]
fn overdue_several_at_the_limit_go_in_the_order_of_arrival_and_are_not_overtaken_again() {
    let weights = Weights::new([(Lane::WalkIn, 1), (Lane::Referral, 20)]);
    let plan = Plan::default().counter("1").rules(|rules| {
        rules.weights = weights;
        (rules.ready_count, rules.overtaken_max) = (0, 4);
    });
    let mut hall = plan.open("08:00");
    let patients = hall.walk_ins(3);
    for _ in 0..20 {
        hall.takes("ent", Lane::Referral);
    }
    assert_eq!(hall.lanes_called("1", 4), "ffff");
    assert_eq!(hall.calls("1", 3), patients);
}

#[test]
fn overdue_counts_only_calls_made_while_the_person_waited() {
    let plan = Plan::default().counter("1").rules(|rules| (rules.ready_count, rules.overtaken_max) = (0, 3));
    let mut hall = plan.open("08:00");
    hall.appointments(4, "11:00");
    assert_eq!(hall.lanes_called("1", 4), "aaaa", "early, as nobody else is there");
    let others = hall.walk_ins(3);
    assert_eq!(hall.next_and_why("1"), Some((others[0], Rule::Cycle)), "nobody overtook the newcomers");
}

#[test]
fn overdue_counts_only_calls_of_counters_that_could_have_called_the_person() {
    let plan = Plan::default().counter("1").counter("2").rules(|rules| {
        (rules.ready_count, rules.overtaken_max) = (0, 3);
    });
    let mut hall = plan.open("08:00");
    let before = hall.walk_in();
    let wanting = hall.walk_in_wanting("1");
    hall.walk_ins(10);
    assert_eq!(hall.next("2"), Some(before));
    let green = hall.walk_in_wanting("1");
    hall.grants(green, callnext_engine::ticket::Urgency::GreenChannel);
    hall.calls("2", 5);
    assert_eq!(hall.next("1"), Some(green));
    assert_eq!(hall.next_and_why("1"), Some((wanting, Rule::Cycle)), "those who went to counter 2 overtook nobody");
}

#[test]
fn overdue_after_waiting_as_long_as_the_limit_says() {
    let plan = Plan::default().counter("1").rules(|rules| {
        (rules.ready_count, rules.wait_max_s) = (0, 3600);
    });
    let mut hall = plan.open("08:00");
    let patient = hall.takes("ent", Lane::WalkIn);
    hall.at("08:59:59");
    hall.appointments(3, "08:30");
    hall.next("1");
    let mut at_nine = hall.clone();
    assert_eq!(at_nine.at("08:59:59").next_and_why("1").unwrap().1, Rule::Cycle);
    assert_eq!(hall.at("09:00").next_and_why("1"), Some((patient, Rule::Overdue)));
}

#[test]
fn nobody_waiting_is_an_answer_and_ends_the_present_service() {
    let mut hall = Plan::default().counter("1").open("08:00");
    let patient = hall.walk_in();
    assert_eq!(hall.next("1"), Some(patient));
    assert_eq!(hall.next("1"), None);
    assert_eq!(hall.state(patient).name(), "completed");
    let changes = hall.changes().len();
    assert_eq!(hall.next("1"), None);
    assert_eq!(hall.changes().len(), changes, "nothing happened, so nothing is written");
}
