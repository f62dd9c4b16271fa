//! The stored form of what happened. A journal written by an older version must still be read, so names, fields
//! and defaults of `golden/changes.jsonl` are for ever: add lines, never change one.
//!
//! After adding an event: `CALLNEXT_BLESS=1 cargo test -p callnext-engine --test golden`, and look at the difference.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use callnext_engine::appointment::AppointmentState;
use callnext_engine::closure::{Advice, Closable, Closure};
use callnext_engine::command::{Actor, CommandId, Sending};
use callnext_engine::config::{ApproverRole, Lasts, Layers, Override, Policy, PolicyPatch};
use callnext_engine::counter::CounterState;
use callnext_engine::dispatch::{Passed, Share};
use callnext_engine::estimate::Prior;
use callnext_engine::event::{Approval, Change, Event, OverflowGrant, Rule, Why};
use callnext_engine::handover::{Arrival, Delivery, Guest, Handovers, Parcel, Stop, TransferKey};
use callnext_engine::lane::{Lane, Weights};
use callnext_engine::step::Step;
use callnext_engine::testing::{
    Plan, appointment, at, closed_counter, closed_service, counter_id, service_id, slot, staff, to, venue_id,
};
use callnext_engine::text::Language;
use callnext_engine::ticket::{Grant, Urgency, Visitor};
use callnext_engine::venue::Outcome;
use callnext_engine::{
    Action, BusinessDay, CallId, ClassId, CounterId, Joining, Millis, ReasonCode, Seq, SessionId, TicketId,
    TicketNumber,
};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/changes.jsonl");
const OLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/older.jsonl");
const TICKET: TicketId = TicketId(12);

/// How many kinds of events there are, and which this is: a new one does not compile until it is here.
const KINDS: usize = 37;

fn kind(event: &Event) -> usize {
    match event {
        Event::DayOpened { .. } => 0,
        Event::VenueConfigured { .. } => 1,
        Event::AppointmentsSet { .. } => 2,
        Event::TicketIssued { .. } => 3,
        Event::WaitAnnounced { .. } => 4,
        Event::TicketReadied { .. } => 5,
        Event::TicketCalled { .. } => 6,
        Event::TicketRecalled { .. } => 7,
        Event::ServiceStarted { .. } => 8,
        Event::ServiceCompleted { .. } => 9,
        Event::TicketMissed { .. } => 10,
        Event::TicketHeld { .. } => 11,
        Event::TicketReturned { .. } => 12,
        Event::TicketRequeued { .. } => 13,
        Event::TicketTransferred { .. } => 14,
        Event::TicketCancelled { .. } => 15,
        Event::GreenChannelGranted { .. } => 16,
        Event::TicketSteppedBack { .. } => 17,
        Event::TicketNotShown { .. } => 18,
        Event::CounterSet { .. } => 19,
        Event::ChangeUndone { .. } => 20,
        Event::TicketSlotBegan { .. } => 21,
        Event::AppointmentsNotShown { .. } => 22,
        Event::SessionClosed { .. } => 23,
        Event::TicketSent { .. } => 24,
        Event::TicketReceived { .. } => 25,
        Event::ParcelDeclined { .. } => 26,
        Event::TransferSettled { .. } => 27,
        Event::Closed { .. } => 28,
        Event::Reopened { .. } => 29,
        Event::StepCompleted { .. } => 30,
        Event::StepSkipped { .. } => 31,
        Event::StepsSet { .. } => 32,
        Event::TicketSentInside { .. } => 33,
        Event::TicketSentBack { .. } => 34,
        Event::TicketClassified { .. } => 35,
        Event::PolicyChanged { .. } => 36,
    }
}

fn of(by: Actor, outcome: Outcome, events: Vec<Event>) -> Change {
    Change { seq: Seq(7), at: at("09:00"), by, command: None, outcome, events }
}

fn why(rule: Rule) -> Why {
    Why { rule, share: None, services: Vec::new(), reason: None, code: None, overtaken: 0, passed: Passed::default() }
}

fn called(rule: Rule, share: Option<Share>, reason: Option<&str>) -> Event {
    let reason = reason.map(Into::into);
    let why = Why { rule, share, services: Vec::new(), reason, code: None, overtaken: 0, passed: Passed::default() };
    Event::TicketCalled { ticket: TICKET, counter: counter_id("3"), call: CallId(5), why }
}

fn issued(lane: Lane) -> Event {
    Event::TicketIssued {
        ticket: TICKET,
        number: TicketNumber::of("A", 12),
        count: 12,
        service: service_id("ent"),
        lane,
        visitor: Visitor::default(),
        slot: None,
        appointment: None,
        wants: None,
        overflow: None,
        joining: None,
        steps: Vec::new(),
    }
}

fn visitor() -> Visitor {
    Visitor {
        name: Some("张三".into()),
        phone: Some("13800000000".into()),
        reference: Some("5f2c".into()),
        language: Some(Language::ZhHant),
        class: ClassId::parse("adult").ok(),
    }
}

/// A call that passes people over.
fn explained() -> Event {
    let mut explained = called(Rule::Overdue, None, None);
    if let Event::TicketCalled { why, .. } = &mut explained {
        why.overtaken = 12;
        why.passed.lanes = BTreeMap::from([(Lane::Appointment, 2), (Lane::WalkIn, 1)]);
        why.passed.first = vec![TicketId(3), TicketId(5), TicketId(4)];
    }
    explained
}

/// One change for each kind of event, each actor, each outcome, each rule, with and without what may be left out.
#[expect(clippy::too_many_lines, reason = "a list of everything, in the order of the file")]
fn changes() -> Vec<Change> {
    let done = || Outcome::Done;
    let about = || Outcome::Ticket { ticket: TICKET };
    let share = Share {
        lane: Lane::WalkIn,
        among: [Lane::Appointment, Lane::WalkIn].into(),
        elsewhere: [].into(),
        even: false,
    };
    let far = Share { elsewhere: [Lane::ReturnVisit].into(), even: true, ..share };
    let mut config = Plan::default().counter("3").config();
    config.services[0].policy.weights = Weights::new([(Lane::Appointment, 7), (Lane::WalkIn, 3)]);
    let day = BusinessDay::holding(at("09:00"), config.time_zone, config.day_start);
    let prior = Prior { gap: Some(Millis::from_mins(4)), ratios: VecDeque::from([900, 1100]) };
    let priors = BTreeMap::from([(service_id("ent"), prior), (service_id("eye"), Prior::default())]);
    let mut booked = appointment("B-1", "09:30");
    (booked.visitor, booked.wants) = (visitor(), Some(counter_id("3")));
    let mut here = appointment("B-2", "10:00");
    here.state = AppointmentState::CheckedIn { ticket: TICKET };
    let mut full = issued(Lane::Overflow);
    if let Event::TicketIssued { visitor: who, slot: when, appointment, wants, overflow, .. } = &mut full {
        (*who, *when, *wants) = (visitor(), Some(slot("09:30")), Some(counter_id("3")));
        *appointment = Some("B-1".into());
        let note = Some("by telephone".into());
        let over_quota = Some(Approval { by: "chief".into(), role: ApproverRole::Manager });
        let code = ReasonCode::parse("far_away").ok();
        *overflow =
            Some(OverflowGrant { reason: "from afar".into(), code, approved_by: "Dr Li".into(), note, over_quota });
    }
    let mut by_weight = called(Rule::Ready, None, None);
    if let Event::TicketCalled { why, .. } = &mut by_weight {
        why.services = vec![service_id("ent"), service_id("eye")];
    }
    let reason = || "because".into();
    let transferred = |wants| Event::TicketTransferred {
        ticket: TICKET,
        service: service_id("eye"),
        lane: Lane::Referral,
        reason: "because".into(),
        wants,
    };
    let classified = |class| Event::TicketClassified { ticket: TICKET, class };
    let system = || Actor::System;
    let nurse = || staff("nurse");
    let mut with_key = of(Actor::Device { name: "kiosk-1".into() }, about(), vec![issued(Lane::WalkIn)]);
    with_key.command = Some(CommandId { key: "kiosk-1/42".into(), fingerprint: u64::MAX });
    let called_outcome = |rule| Outcome::Called { ticket: TICKET, call: CallId(5), rule };
    let tickets = vec![TICKET];
    let open = |state| Event::CounterSet { counter: counter_id("3"), state, services: vec![service_id("ent")] };
    let to_counter = || Outcome::Counter { counter: counter_id("3") };
    vec![
        of(
            system(),
            done(),
            vec![Event::DayOpened {
                day,
                config: Box::new(config.clone()),
                next_ticket: TICKET,
                next_call: CallId(5),
                priors,
                handovers: Handovers::default(),
                layers: Box::default(),
            }],
        ),
        of(nurse(), done(), vec![Event::VenueConfigured { config: Box::new(config), layers: Box::default() }]),
        of(
            nurse(),
            Outcome::Appointments { count: 2 },
            vec![Event::AppointmentsSet { appointments: vec![booked, here] }],
        ),
        with_key,
        of(nurse(), about(), vec![full, Event::WaitAnnounced { ticket: TICKET, raw: Millis::from_mins(20) }]),
        of(
            Actor::Public,
            about(),
            vec![issued(Lane::Referral), Event::TicketReadied { ticket: TICKET, share: Some(share) }],
        ),
        of(nurse(), called_outcome(Rule::Cycle), vec![called(Rule::Cycle, Some(share), None)]),
        of(nurse(), called_outcome(Rule::Overdue), vec![called(Rule::Overdue, Some(far), None)]),
        of(nurse(), called_outcome(Rule::Early), vec![called(Rule::Early, Some(share), None)]),
        of(nurse(), called_outcome(Rule::Ready), vec![called(Rule::Ready, None, None)]),
        of(nurse(), called_outcome(Rule::Ready), vec![by_weight]),
        of(
            system(),
            done(),
            vec![
                Event::TicketSentInside { ticket: TICKET, counter: counter_id("3"), why: why(Rule::Ready) },
                Event::TicketSentBack { ticket: TICKET },
            ],
        ),
        of(nurse(), called_outcome(Rule::Inside), vec![called(Rule::Inside, None, None)]),
        of(nurse(), called_outcome(Rule::Urgent), vec![called(Rule::Urgent, None, None)]),
        of(nurse(), called_outcome(Rule::ByHand), vec![called(Rule::ByHand, None, Some("asked for"))]),
        of(nurse(), Outcome::NobodyWaiting, vec![Event::ServiceCompleted { ticket: TICKET }]),
        of(nurse(), about(), vec![Event::TicketRecalled { ticket: TICKET }]),
        of(nurse(), about(), vec![Event::ServiceStarted { ticket: TICKET }]),
        of(nurse(), about(), vec![Event::TicketMissed { ticket: TICKET, is_final: true }]),
        of(nurse(), about(), vec![Event::TicketHeld { ticket: TICKET, reason: reason() }]),
        of(nurse(), about(), vec![Event::TicketReturned { ticket: TICKET }]),
        of(nurse(), about(), vec![Event::TicketRequeued { ticket: TICKET, reason: reason(), joining: None }]),
        of(nurse(), about(), vec![transferred(None), transferred(Some(counter_id("3")))]),
        of(Actor::Holder { ticket: TICKET }, about(), vec![Event::TicketCancelled { ticket: TICKET, reason: None }]),
        of(nurse(), about(), vec![Event::TicketCancelled { ticket: TICKET, reason: Some(reason()) }]),
        of(
            nurse(),
            about(),
            [Urgency::Emergency, Urgency::GreenChannel]
                .map(|urgency| Event::GreenChannelGranted { ticket: TICKET, urgency, reason: reason(), code: None })
                .to_vec(),
        ),
        of(nurse(), about(), vec![classified(ClassId::parse("child").ok()), classified(None)]),
        of(nurse(), about(), vec![Event::TicketSteppedBack { ticket: TICKET, places: 2 }]),
        of(system(), done(), vec![Event::TicketNotShown { ticket: TICKET }]),
        of(nurse(), to_counter(), [CounterState::Open, CounterState::Paused, CounterState::Closed].map(open).to_vec()),
        of(nurse(), Outcome::Undone { seq: Seq(6), tickets }, vec![Event::ChangeUndone { seq: Seq(6) }]),
        of(nurse(), called_outcome(Rule::Overdue), vec![explained()]),
    ]
    .into_iter()
    .chain(handovers())
    .chain(closings_and_steps())
    .collect()
}

/// Going to other venues.
fn handovers() -> Vec<Change> {
    let nurse = || staff("nurse");
    let about = || Outcome::Ticket { ticket: TICKET };
    let transfer = TransferKey { at: at("09:00"), seq: Seq(7) };
    let stop = Stop {
        venue: venue_id("clinic"),
        service: service_id("ent"),
        at: at("09:00"),
        reason: "full here".into(),
        by: nurse(),
    };
    let guest = Guest {
        home: venue_id("clinic"),
        day: at("09:00").to_utc().date_naive(),
        ticket: TICKET,
        number: TicketNumber::of("A", 12),
        count: 12,
        mark: "CLIN".into(),
        stops: vec![stop],
    };
    let bare = Parcel {
        from: venue_id("clinic"),
        transfer,
        service: service_id("eye"),
        wants: None,
        visitor: Visitor::default(),
        slot: None,
        issued_at: at("08:30"),
        queued_at: at("08:40"),
        grant: None,
        misses: 0,
        guest,
    };
    let grant =
        Grant { urgency: Urgency::Emergency, reason: "chest pain".into(), code: None, by: nurse(), at: at("09:00") };
    let full = Parcel {
        wants: Some(counter_id("3")),
        visitor: visitor(),
        slot: Some(slot("09:30")),
        grant: Some(grant),
        misses: 1,
        ..bare.clone()
    };
    let number = TicketNumber("CLIN-A012".into());
    let declined = || Arrival::Declined { code: "service_closed".into() };
    let came = [Arrival::Arrived { ticket: TicketId(3) }, declined(), Arrival::Settled];
    let settled = came.clone().map(|came| Event::TransferSettled { ticket: TICKET, transfer, came });
    let carried = {
        let mut venue = Plan::default().service("eye", "B").counter("3").open("08:00");
        let ticket = venue.walk_in();
        let (service, reason) = (service_id("eye"), "full here".into());
        let sending = Sending { ticket, venue: venue_id("hall"), service, wants: None, reason, urgency: None };
        venue.does(Action::Send(Box::new(sending)));
        let delivery = Delivery {
            to: venue_id("clinic"),
            parcel: Parcel { from: venue_id("hall"), ..bare.clone() },
            settled_below: transfer,
        };
        venue.does(Action::Receive { delivery: Box::new(delivery) });
        venue.venue().handovers().clone()
    };
    let opened = Event::DayOpened {
        day: BusinessDay::starting_on(chrono::NaiveDate::MIN, chrono_tz::Asia::Shanghai, chrono::NaiveTime::MIN),
        config: Box::new(Plan::default().counter("3").config()),
        next_ticket: TICKET,
        next_call: CallId(5),
        priors: BTreeMap::new(),
        handovers: carried,
        layers: Box::default(),
    };
    vec![
        of(Actor::System, Outcome::Done, vec![opened]),
        of(
            nurse(),
            about(),
            [bare.clone(), full.clone()]
                .map(|parcel| Event::TicketSent { ticket: TICKET, to: venue_id("hall"), parcel: Box::new(parcel) })
                .to_vec(),
        ),
        of(
            Actor::System,
            Outcome::Arrival { came: Arrival::Arrived { ticket: TICKET } },
            vec![Event::TicketReceived { ticket: TICKET, number, parcel: Box::new(full), settled_below: transfer }],
        ),
        of(
            Actor::System,
            Outcome::Arrival { came: declined() },
            vec![Event::ParcelDeclined {
                from: venue_id("clinic"),
                transfer,
                settled_below: transfer,
                code: "service_closed".into(),
            }],
        ),
        of(Actor::System, Outcome::Done, settled.to_vec()),
    ]
}

/// Closing, and visits in several steps.
fn closings_and_steps() -> Vec<Change> {
    let nurse = || staff("nurse");
    let about = || Outcome::Ticket { ticket: TICKET };
    let close = |closed: Closable, advice, to, tickets| Event::Closed {
        closure: Closure { closed, reason: "doctor away".into(), advice, to },
        tickets,
    };
    let closing = vec![
        close(closed_service("ent"), Advice::SeeDesk, to(Some("eye"), Some("3")), vec![TICKET, TicketId(13)]),
        close(closed_counter("3"), Advice::Wait, to(None, None), vec![]),
        close(closed_counter("4"), Advice::Rebook, None, vec![]),
    ];
    let closed = || Outcome::Closed { closed: closed_service("ent") };
    let reopened = [closed_service("ent"), closed_counter("3")].map(|closed| Event::Reopened { closed }).to_vec();
    let step = |wants: Option<&str>| Step { service: service_id("eye"), wants: wants.map(counter_id) };
    let mut visit = issued(Lane::WalkIn);
    if let Event::TicketIssued { steps, .. } = &mut visit {
        *steps = vec![step(None), step(Some("3"))];
    }
    let next = |wants: Option<CounterId>| {
        let (ticket, service, lane, reason) = (TICKET, service_id("eye"), Lane::Referral, "because".into());
        let completed = Event::StepCompleted { ticket, service: service.clone(), lane, wants: wants.clone() };
        [completed, Event::StepSkipped { ticket, service, lane, reason, wants }]
    };
    let steps = Event::StepsSet { ticket: TICKET, steps: vec![step(None)], reason: "more tests".into() };
    vec![
        of(nurse(), closed(), closing),
        of(nurse(), Outcome::Closed { closed: closed_counter("3") }, reopened),
        of(nurse(), about(), vec![visit]),
        of(nurse(), about(), next(None).into_iter().chain(next(Some(counter_id("3")))).collect()),
        of(nurse(), about(), vec![steps]),
    ]
}

/// The ways of joining, and what happens at moments of their own.
fn joining() -> Vec<Change> {
    vec![
        of(
            staff("nurse"),
            Outcome::Called { ticket: TICKET, call: CallId(5), rule: Rule::Rejoin },
            vec![called(Rule::Rejoin, None, None)],
        ),
        of(Actor::System, Outcome::Done, vec![Event::TicketReadied { ticket: TICKET, share: None }]),
        of(
            staff("nurse"),
            Outcome::Ticket { ticket: TICKET },
            [
                Joining::AfterCalls { due: 12 },
                Joining::PerCalls,
                Joining::AsOf { at: at("09:30"), count: 40 },
                Joining::Shifted { slot: at("09:20") },
                Joining::OnSite,
            ]
            .map(|joining| Event::TicketRequeued { ticket: TICKET, reason: "because".into(), joining: Some(joining) })
            .to_vec(),
        ),
        of(Actor::System, Outcome::Done, vec![Event::TicketSlotBegan { ticket: TICKET }]),
        of(
            Actor::System,
            Outcome::Done,
            vec![
                Event::AppointmentsNotShown { codes: vec!["B-1".into()] },
                Event::SessionClosed { session: SessionId::parse("morning").unwrap(), service: service_id("ent") },
            ],
        ),
    ]
}

/// Changes of policies while running, and a declaration under them.
fn policies() -> Vec<Change> {
    let said = PolicyPatch { ready_count: Some(3), ..PolicyPatch::default() };
    let changed = |service: Option<&str>, lasts, policies| Event::PolicyChanged {
        service: service.map(service_id),
        set: Box::new(if service.is_some() { said.clone() } else { PolicyPatch::default() }),
        dropped: if service.is_some() { vec![] } else { vec!["grace_s".into(), "weights.late".into()] },
        lasts,
        reason: "because".into(),
        version: 3,
        policies,
    };
    let over = |service: Option<&str>, lasts| Override {
        service: service.map(service_id),
        set: said.clone(),
        lasts,
        by: staff("manager"),
        at: at("08:30"),
        reason: "because".into(),
    };
    let layers = Layers {
        declared: BTreeMap::from([(service_id("ent"), said.clone())]),
        overrides: vec![over(None, Lasts::ForGood), over(Some("ent"), Lasts::Today)],
        version: 4,
    };
    let mut config = Plan::default().counter("3").config();
    config.policy = said.clone();
    let in_force = BTreeMap::from([(service_id("ent"), Policy::default())]);
    let events = vec![changed(None, Lasts::ForGood, BTreeMap::new()), changed(Some("ent"), Lasts::Today, in_force)];
    let declared = Event::VenueConfigured { config: Box::new(config), layers: Box::new(layers) };
    vec![
        of(staff("manager"), Outcome::PolicyChanged { version: 3 }, events),
        of(Actor::System, Outcome::Done, vec![declared]),
    ]
}

fn all() -> Vec<Change> {
    [changes(), joining(), policies()].concat()
}

#[test]
fn every_kind_of_event_is_in_the_file() {
    let kinds: BTreeSet<usize> = all().iter().flat_map(|change| &change.events).map(kind).collect();
    assert_eq!(kinds.len(), KINDS);
}

/// Written before a field was added: what is left out has its default.
#[test]
fn what_older_versions_wrote_is_still_read() {
    let older = std::fs::read_to_string(OLDER).unwrap();
    let changes = older.lines().map(|line| serde_json::from_str::<Change>(line).expect(line));
    assert!(changes.count() > 0);
}

#[test]
fn what_was_written_is_still_read_and_written_alike() {
    let written: Vec<String> = all().iter().map(|change| serde_json::to_string(change).unwrap()).collect();
    if std::env::var_os("CALLNEXT_BLESS").is_some() {
        std::fs::write(FILE, written.join("\n") + "\n").unwrap();
    }
    let file = std::fs::read_to_string(FILE).unwrap();
    let lines: Vec<&str> = file.lines().collect();
    assert_eq!(lines.len(), written.len());
    for ((line, written), change) in lines.into_iter().zip(&written).zip(all()) {
        assert_eq!(serde_json::from_str::<Change>(line).unwrap(), change, "{line}");
        assert_eq!(line, written);
    }
}
