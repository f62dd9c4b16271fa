//! Every way in which a venue says no, provoked once. A new refusal breaks this file until it is in the table.

use callnext_engine::command::Reason;
use callnext_engine::config::EarlyCheckIn;
use callnext_engine::handover::{Arrival, TransferKey};
use callnext_engine::refusal::RefusalKind;
use callnext_engine::testing::{
    Hall, Plan, appointment, at, closed_counter as counter, closed_service as service, counter_id, key, overflow,
    service_id,
};
use callnext_engine::ticket::{Urgency, Visitor};
use callnext_engine::{Action, Lane, Millis, Refusal, Seq, TicketId};

type Row = (&'static str, RefusalKind, fn(&mut Hall) -> Refusal);

fn take(service: &str, lane: Lane, name: Option<&str>) -> Action {
    let visitor = Visitor { name: name.map(Into::into), ..Visitor::default() };
    Action::TakeTicket { service: service_id(service), lane, visitor, wants: None }
}

const ROWS: [Row; 33] = [
    ("service_unknown", RefusalKind::Unknown, |hall| hall.refuses(take("ear", Lane::WalkIn, None))),
    ("counter_unknown", RefusalKind::Unknown, |hall| hall.refuses(Action::CallNext { counter: counter_id("99") })),
    ("ticket_unknown", RefusalKind::Unknown, |hall| {
        hall.refuses(Action::Cancel { ticket: TicketId(99), reason: None })
    }),
    ("appointment_unknown", RefusalKind::Unknown, |hall| {
        hall.refuses(Action::CheckIn { code: "nobody".into(), reference: None })
    }),
    ("already_checked_in", RefusalKind::Conflict, |hall| {
        hall.books(&[("a", "09:00")]);
        hall.checks_in("a");
        hall.refuses(Action::CheckIn { code: "a".into(), reference: None })
    }),
    ("identity_mismatch", RefusalKind::Forbidden, |hall| {
        let mut booking = appointment("a", "09:00");
        booking.visitor.reference = Some("zhang".into());
        hall.does(Action::SetAppointments { appointments: vec![booking] });
        hall.refuses(Action::CheckIn { code: "a".into(), reference: Some("li".into()) })
    }),
    ("counter_not_open", RefusalKind::Conflict, |hall| hall.refuses(Action::CallNext { counter: counter_id("2") })),
    ("counter_idle", RefusalKind::Conflict, |hall| hall.refuses(Action::Complete { counter: counter_id("1") })),
    ("counter_busy", RefusalKind::Conflict, |hall| {
        hall.walk_in();
        hall.next("1");
        let state = callnext_engine::counter::CounterState::Closed;
        hall.refuses(Action::SetCounter { counter: counter_id("1"), state, services: None })
    }),
    ("counter_does_not_serve", RefusalKind::Conflict, |hall| {
        let ticket = hall.takes("eye", Lane::WalkIn);
        hall.refuses(Action::CallTicket { counter: counter_id("1"), ticket, reason: "asked".into() })
    }),
    ("ticket_not_in_state", RefusalKind::Conflict, |hall| {
        let ticket = hall.walk_in();
        hall.refuses(Action::Return { ticket })
    }),
    ("miss_too_early", RefusalKind::Conflict, |hall| {
        hall.walk_in();
        hall.next("1");
        hall.refuses(Action::Miss { counter: counter_id("1") })
    }),
    ("slot_not_begun", RefusalKind::Conflict, |hall| {
        hall.appointments(1, "11:00");
        hall.next("1");
        hall.refuses(Action::Miss { counter: counter_id("1") })
    }),
    ("service_closed", RefusalKind::Conflict, |hall| {
        hall.closes(service("ent"), None);
        hall.refuses(take("ent", Lane::WalkIn, None))
    }),
    ("counter_closed", RefusalKind::Conflict, |hall| {
        hall.closes(counter("1"), None);
        let (ticket, service) = (hall.walk_in(), service_id("ent"));
        let (wants, reason) = (Some(counter_id("1")), "asked".into());
        hall.refuses(Action::Transfer { ticket, service, reason, wants, urgency: None })
    }),
    ("not_closed", RefusalKind::Conflict, |hall| hall.refuses(Action::Reopen { closed: service("ent") })),
    ("no_next_step", RefusalKind::Conflict, |hall| {
        let ticket = hall.walk_in();
        hall.refuses(Action::SkipStep { ticket, reason: "done".into() })
    }),
    ("day_over", RefusalKind::Conflict, |_| Refusal::DayOver),
    ("transfer_unknown", RefusalKind::Unknown, |hall| {
        let transfer = TransferKey { at: at("08:00"), seq: Seq(1) };
        hall.refuses(Action::Settle { transfer, came: Arrival::Settled })
    }),
    ("overflow_quota_reached", RefusalKind::Limit, |hall| {
        hall.configures(|config| config.services[0].policy.overflow_max = 0).unwrap();
        hall.refuses(overflow("ent"))
    }),
    ("venue_full", RefusalKind::Limit, |hall| {
        let most = callnext_engine::venue::APPOINTMENTS_MAX;
        let appointments = (0..=most).map(|n| appointment(&n.to_string(), "09:00")).collect();
        hall.refuses(Action::SetAppointments { appointments })
    }),
    ("config_invalid", RefusalKind::Invalid, |hall| hall.configures(|config| config.services.clear()).unwrap_err()),
    ("policy_invalid", RefusalKind::Invalid, |hall| {
        hall.changes_policy(Some("ent"), |set| set.misses_max = Some(0)).unwrap_err()
    }),
    ("policy_changed_meanwhile", RefusalKind::Conflict, |hall| {
        let mut wish = hall.policy_wish(None);
        wish.set.ready_count = Some(3);
        hall.does(Action::ChangePolicy(Box::new(wish.clone())));
        hall.refuses(Action::ChangePolicy(Box::new(wish)))
    }),
    ("value_invalid", RefusalKind::Invalid, |hall| hall.refuses(take("ent", Lane::WalkIn, Some("  ")))),
    ("nothing_to_undo", RefusalKind::Conflict, |hall| {
        hall.by(callnext_engine::testing::staff("new")).refuses(Action::Undo)
    }),
    ("undo_too_late", RefusalKind::Conflict, |hall| {
        hall.walk_in();
        hall.after(Millis::from_secs(31)).refuses(Action::Undo)
    }),
    ("undo_overtaken", RefusalKind::Conflict, |hall| {
        hall.walk_in();
        hall.by(callnext_engine::testing::staff("clerk")).next("1");
        hall.by(callnext_engine::testing::staff("nurse")).refuses(Action::Undo)
    }),
    ("idempotency_key_reused", RefusalKind::Invalid, |hall| {
        hall.asks_with(key("k", 1), take("ent", Lane::WalkIn, None)).unwrap();
        hall.asks_with(key("k", 2), take("ent", Lane::WalkIn, None)).unwrap_err()
    }),
    ("check_in_too_early", RefusalKind::Conflict, |hall| {
        hall.configures(|config| config.services[0].policy.check_in_early = EarlyCheckIn::Refuse).unwrap();
        hall.books(&[("a", "11:00")]);
        hall.refuses(Action::CheckIn { code: "a".into(), reference: None })
    }),
    ("appointment_not_shown", RefusalKind::Conflict, |hall| {
        let morning = Plan::default().session("morning", "08:00", "12:00").config().sessions;
        hall.configures(|config| config.sessions = morning).unwrap();
        hall.books(&[("a", "09:00")]);
        hall.at("12:00").refuses(Action::CheckIn { code: "a".into(), reference: None })
    }),
    ("no_free_slot", RefusalKind::Limit, |hall| {
        let (service, visitor) = (service_id("ent"), Visitor::default());
        hall.refuses(Action::TakeSlot { service, visitor, wants: None })
    }),
    ("reason_unknown", RefusalKind::Invalid, |hall| {
        let ticket = hall.walk_in();
        let reason = Reason { code: callnext_engine::ReasonCode::parse("rich").ok(), text: "".into() };
        hall.refuses(Action::GrantGreenChannel { ticket, urgency: Urgency::GreenChannel, reason })
    }),
];

/// Where a refusal stands in the table; no arm for the rest, so that a new one does not compile.
fn row(refusal: &Refusal) -> usize {
    match refusal {
        Refusal::ServiceUnknown { .. } => 0,
        Refusal::CounterUnknown { .. } => 1,
        Refusal::TicketUnknown { .. } => 2,
        Refusal::AppointmentUnknown => 3,
        Refusal::AlreadyCheckedIn { .. } => 4,
        Refusal::IdentityMismatch => 5,
        Refusal::CounterNotOpen { .. } => 6,
        Refusal::CounterIdle { .. } => 7,
        Refusal::CounterBusy { .. } => 8,
        Refusal::CounterDoesNotServe { .. } => 9,
        Refusal::TicketNotInState { .. } => 10,
        Refusal::MissTooEarly { .. } => 11,
        Refusal::SlotNotBegun { .. } => 12,
        Refusal::ServiceClosed { .. } => 13,
        Refusal::CounterClosed { .. } => 14,
        Refusal::NotClosed => 15,
        Refusal::NoNextStep { .. } => 16,
        Refusal::DayOver => 17,
        Refusal::TransferUnknown => 18,
        Refusal::OverflowQuotaReached { .. } => 19,
        Refusal::VenueFull { .. } => 20,
        Refusal::ConfigInvalid { .. } => 21,
        Refusal::PolicyInvalid { .. } => 22,
        Refusal::PolicyChangedMeanwhile { .. } => 23,
        Refusal::ValueInvalid { .. } => 24,
        Refusal::NothingToUndo => 25,
        Refusal::UndoTooLate => 26,
        Refusal::UndoOvertaken => 27,
        Refusal::IdempotencyKeyReused => 28,
        Refusal::CheckInTooEarly { .. } => 29,
        Refusal::AppointmentNotShown => 30,
        Refusal::NoFreeSlot { .. } => 31,
        Refusal::ReasonUnknown { .. } => 32,
    }
}

#[test]
fn every_refusal_can_be_provoked_and_has_its_code_and_kind() {
    for (at, (code, kind, provoke)) in ROWS.iter().enumerate() {
        let mut hall = Plan::default().service("eye", "B").counter("1").closed_counter("2").open("08:00");
        let refusal = provoke(&mut hall);
        assert_eq!(row(&refusal), at, "{refusal:?}");
        assert_eq!((refusal.code(), refusal.kind()), (*code, *kind));
        let json = serde_json::to_value(&refusal).unwrap();
        assert_eq!(json["code"], *code, "the code is the serialised form's");
        assert_eq!(serde_json::from_value::<Refusal>(json).unwrap(), refusal);
    }
}

#[test]
fn texts_are_short_and_plain() {
    let mut hall = Plan::default().counter("1").open("08:00");
    let long = "长".repeat(65);
    for (name, good) in [("张三", true), (&"长".repeat(64), true), (&long, false), ("", false), ("a\u{7}b", false)] {
        let taken = hall.asks(take("ent", Lane::WalkIn, Some(name)));
        assert_eq!(taken.is_ok(), good, "{name:?}");
    }
}

#[test]
fn lanes_that_come_about_by_rule_cannot_be_chosen() {
    let mut hall = Plan::default().counter("1").open("08:00");
    for lane in Lane::ALL {
        let good = matches!(lane, Lane::WalkIn | Lane::Referral);
        assert_eq!(hall.asks(take("ent", lane, None)).is_ok(), good, "{lane:?}");
    }
}

#[test]
fn bookings_are_looked_at() {
    let mut hall = Plan::default().counter("1").open("08:00");
    let with = |change: fn(&mut callnext_engine::appointment::Appointment)| {
        let mut booking = appointment("a", "09:00");
        change(&mut booking);
        Action::SetAppointments { appointments: vec![booking] }
    };
    for wish in [
        with(|booking| booking.slot.end = booking.slot.start),
        with(|booking| booking.slot.start = callnext_engine::Timestamp(0)),
        with(|booking| booking.slot.end = callnext_engine::Timestamp(i64::MIN)),
        with(|booking| booking.code = "".into()),
        Action::SetAppointments { appointments: vec![appointment("a", "09:00"), appointment("a", "10:00")] },
    ] {
        assert!(matches!(hall.refuses(wish), Refusal::ValueInvalid { .. }));
    }
}
