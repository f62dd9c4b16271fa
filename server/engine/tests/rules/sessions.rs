//! B12, B14: sessions, their quotas and numbers, and who is a no-show when they end.

use callnext_engine::appointment::AppointmentState;
use callnext_engine::config::{NoShowAt, Numbering, QuotaPer};
use callnext_engine::event::Event;
use callnext_engine::testing::{Hall, Plan, at, overflow};
use callnext_engine::{Action, Lane, Millis, Refusal, TicketState, VenueConfig};

fn halves() -> Plan {
    Plan::default().counter("1").session("morning", "08:00", "12:00").session("afternoon", "13:00", "17:00")
}

fn booking_is(hall: &Hall, code: &str) -> AppointmentState {
    hall.venue().appointment(code).unwrap().state
}

#[test]
fn b14_a_moment_belongs_to_the_first_session_that_is_not_over() {
    let hall = halves().open("08:00");
    for (time, session) in [
        ("05:00", Some("morning")),
        ("08:00", Some("morning")),
        ("11:59:59", Some("morning")),
        ("12:00", Some("afternoon")),
        ("16:59:59", Some("afternoon")),
        ("17:00", None),
    ] {
        let at_that_time = hall.venue().session_at(at(time));
        assert_eq!(at_that_time.as_ref().map(|session| session.id.as_str()), session, "{time}");
    }
    assert!(Plan::default().counter("1").open("08:00").venue().session_at(at("09:00")).is_none(), "none declared");
}

#[test]
fn b14_a_session_can_go_over_midnight_and_end_with_the_day() {
    let hall =
        Plan::default().counter("1").session("night", "20:00", "02:00").session("late", "02:00", "04:00").open("21:00");
    let sessions = hall.venue().sessions();
    assert_eq!((sessions[0].start, sessions[0].end), (at("20:00"), at("02:00") + Millis::from_mins(24 * 60)));
    assert_eq!(sessions[1].end, hall.venue().day().end);
}

#[test]
fn b14_the_quota_counts_per_session_or_per_day() {
    for (per, again) in [(QuotaPer::Session, true), (QuotaPer::Day, false)] {
        let mut hall = halves().rules(|rules| (rules.overflow_max, rules.overflow_per) = (1, per)).open("09:00");
        hall.overflow();
        assert!(matches!(hall.refuses(overflow("ent")), Refusal::OverflowQuotaReached { quota: 1, .. }));
        // The break counts to the session after it.
        assert_eq!(hall.at("12:30").asks(overflow("ent")).is_ok(), again, "{per:?}");
        assert!(hall.at("13:30").asks(overflow("ent")).is_err(), "{per:?}");
        assert!(hall.at("18:00").asks(overflow("ent")).is_err(), "after the last session counts to it: {per:?}");
    }
}

#[test]
fn b14_without_sessions_the_day_is_one() {
    let mut hall = Plan::default().counter("1").rules(|rules| rules.overflow_max = 1).open("08:00");
    hall.overflow();
    assert!(hall.at("20:00").asks(overflow("ent")).is_err());
}

#[test]
fn b14_a_slip_of_the_hand_costs_no_session_its_quota() {
    let mut hall = halves().rules(|rules| rules.overflow_max = 1).open("11:59:50");
    hall.overflow();
    hall.at("12:00:10").undoes();
    hall.at("11:59:50");
    assert_eq!(hall.venue().overflow_count(&callnext_engine::testing::service_id("ent"), at("11:59:50")), 0);
    hall.at("12:00:20").overflow();
}

#[test]
fn b14_numbers_go_on_through_the_day_or_begin_anew_with_each_session() {
    let rows = [(false, ["A001", "A002", "A003", "A004"]), (true, ["AM001", "AM002", "AA001", "AA002"])];
    for (by_session, numbers) in rows {
        let plan = if by_session { halves().numbered_by_session() } else { halves() };
        let mut hall = plan.open("08:00");
        let mut given = Vec::new();
        for time in ["08:00", "11:00", "12:30", "18:00"] {
            let ticket = hall.at(time).walk_in();
            given.push(hall.number(ticket));
        }
        assert_eq!(given, numbers);
    }
}

#[test]
fn b14_r2_order_by_number_is_the_order_of_the_day() {
    let plan = halves().numbered_by_session().rules(|rules| {
        (rules.order, rules.ready_count) = (callnext_engine::config::OrderInLane::Number, 0);
    });
    let mut hall = plan.open("11:00");
    let morning = hall.walk_ins(3);
    let afternoon = hall.at("12:30").walk_in();
    assert_eq!(hall.number(afternoon), "AA001");
    assert_eq!(hall.calls("1", 4), [morning, vec![afternoon]].concat());
}

#[test]
fn b12_whoever_never_came_is_a_no_show_when_their_session_ends() {
    let mut hall = halves().open("08:00");
    hall.books(&[("early", "08:30"), ("noon", "12:15"), ("late", "16:00"), ("night", "20:00")]);
    hall.at("11:59:59");
    assert_eq!(booking_is(&hall, "early"), AppointmentState::Expected);
    hall.at("12:00");
    let rows =
        |hall: &Hall| ["early", "noon", "late", "night"].map(|code| booking_is(hall, code) == AppointmentState::NoShow);
    assert_eq!(rows(&hall), [true, false, false, false]);
    assert_eq!(hall.refuses(Action::CheckIn { code: "early".into(), reference: None }), Refusal::AppointmentNotShown);
    assert_eq!(rows(hall.at("17:00")), [true, true, true, false], "what is booked for later is the day's");
    let day_end = hall.venue().day().end;
    hall.at_instant(day_end);
    let not_shown = hall.changes().iter().flat_map(|change| &change.events);
    let codes = not_shown.filter_map(|event| match event {
        Event::AppointmentsNotShown { codes } => Some(codes.iter().map(ToString::to_string).collect::<Vec<_>>()),
        _ => None,
    });
    assert_eq!(codes.collect::<Vec<_>>(), [vec!["early"], vec!["late", "noon"], vec!["night"]]);
}

#[test]
fn b12_whoever_was_missed_and_never_reported_again_is_a_no_show_too() {
    let mut hall = halves().open("11:00");
    let [away, back] = [hall.walk_in(), hall.walk_in()];
    hall.next("1");
    hall.misses_patiently("1");
    hall.next("1");
    hall.misses_patiently("1");
    hall.requeues(back);
    hall.at("12:00");
    assert_eq!(*hall.state(away), TicketState::NoShow);
    assert_eq!(*hall.state(back), TicketState::Waiting, "whoever waits is not thrown out");
    // Missed after the morning's end: the afternoon's.
    hall.at("12:10").next("1");
    let mut hall_of_nine = hall.clone();
    hall_of_nine.configures(|config| config.services[0].policy.misses_max = 9).unwrap();
    hall_of_nine.misses_patiently("1");
    hall_of_nine.at("16:59:59");
    assert_eq!(*hall_of_nine.state(back), TicketState::Missed);
    hall_of_nine.at("17:00");
    assert_eq!(*hall_of_nine.state(back), TicketState::NoShow);
}

#[test]
fn b12_the_allowance_and_the_days_end_are_settings() {
    let rows = [(NoShowAt::SessionEnd, 0, "12:00"), (NoShowAt::SessionEnd, 1800, "12:30"), (NoShowAt::DayEnd, 0, "")];
    for (no_show, after_s, time) in rows {
        let plan = halves().rules(|rules| (rules.no_show, rules.no_show_after_s) = (no_show, after_s));
        let mut hall = plan.open("08:00");
        hall.books(&[("a", "09:00")]);
        if time.is_empty() {
            assert_eq!(booking_is(hall.at("23:00"), "a"), AppointmentState::Expected);
        } else {
            hall.at_instant(at(time).max(at("08:00")) - Millis(1));
            assert_eq!(booking_is(&hall, "a"), AppointmentState::Expected, "{time}");
            assert_eq!(booking_is(hall.at(time), "a"), AppointmentState::NoShow, "{time}");
        }
    }
}

#[test]
fn b12_a_late_timer_tells_the_same_people_at_the_same_times() {
    let mut punctual = halves().open("08:00");
    punctual.books(&[("a", "09:00"), ("b", "14:00")]);
    let mut late = punctual.clone();
    for time in ["12:00", "13:00", "17:00", "18:00"] {
        punctual.at(time);
    }
    late.at("18:00");
    assert_eq!(late.changes(), punctual.changes());
    assert_eq!(
        late.changes().iter().rev().map(|change| change.at).take(2).collect::<Vec<_>>(),
        [at("17:00"), at("12:00")]
    );
}

#[test]
fn b12_a_no_show_can_be_booked_again_for_another_slot() {
    let mut hall = halves().open("08:00");
    hall.books(&[("a", "09:00")]);
    hall.at("12:00");
    hall.books(&[("a", "09:00")]);
    assert_eq!(booking_is(&hall, "a"), AppointmentState::NoShow, "the same slot is still missed");
    hall.books(&[("a", "15:00")]);
    let ticket = hall.at("15:00").checks_in("a");
    assert_eq!(hall.ticket(ticket).lane, Lane::Appointment);
}

/// What the problem says, and what brings it about.
type Fault = (&'static str, fn(&mut VenueConfig));

#[test]
fn b14_sessions_must_be_sound() {
    let rows: [Fault; 7] = [
        ("session \"afternoon\": start: is before the end", |config| {
            config.sessions[1].start = config.sessions[0].start;
        }),
        ("session \"morning\": end: is not after its start", |config| {
            config.sessions[0].end = config.sessions[0].start;
        }),
        ("session \"morning\": is declared twice", |config| config.sessions[1].id = config.sessions[0].id.clone()),
        ("session \"morning\": letter: is not one letter", |config| config.sessions[0].letter = "AM".to_owned()),
        ("session \"afternoon\": letter: is another", |config| config.sessions[1].letter = "M".to_owned()),
        ("session: a day has at most 12", |config| {
            let one = config.sessions[0].clone();
            config.sessions.resize(13, one);
        }),
        ("numbering: is per session, but", |config| config.sessions.clear()),
    ];
    assert_eq!(halves().numbered_by_session().config().problems(), []);
    for (expected, change) in rows {
        let mut config = halves().config();
        config.numbering = Numbering::Session;
        change(&mut config);
        let problems: Vec<String> = config.problems().iter().map(ToString::to_string).collect();
        assert!(problems.iter().any(|problem| problem.contains(expected)), "{expected}: {problems:?}");
    }
}
