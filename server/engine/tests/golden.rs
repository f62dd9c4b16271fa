//! The stored form of what happened. A journal written by an older version must still be read, so names, fields
//! and defaults of `golden/changes.jsonl` are for ever: add lines, never change one.
//!
//! After adding an event: `CALLNEXT_BLESS=1 cargo test -p callnext-engine --test golden`, and look at the difference.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use callnext_engine::appointment::AppointmentState;
use callnext_engine::command::{Actor, CommandId};
use callnext_engine::config::{Lasts, Layers, Override, Policy, PolicyPatch};
use callnext_engine::counter::CounterState;
use callnext_engine::dispatch::Share;
use callnext_engine::estimate::Prior;
use callnext_engine::event::{Change, Event, OverflowGrant, Rule, Why};
use callnext_engine::lane::{Lane, Weights};
use callnext_engine::testing::{Plan, appointment, at, counter_id, service_id, slot, staff};
use callnext_engine::text::Language;
use callnext_engine::ticket::{Urgency, Visitor};
use callnext_engine::venue::Outcome;
use callnext_engine::{BusinessDay, CallId, Millis, Seq, TicketId, TicketNumber};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/changes.jsonl");
const TICKET: TicketId = TicketId(12);

/// How many kinds of events there are, and which this is: a new one does not compile until it is here.
const KINDS: usize = 22;

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
        Event::PolicyChanged { .. } => 21,
    }
}

fn of(by: Actor, outcome: Outcome, events: Vec<Event>) -> Change {
    Change { seq: Seq(7), at: at("09:00"), by, command: None, outcome, events }
}

fn called(rule: Rule, share: Option<Share>, reason: Option<&str>) -> Event {
    let why = Why { rule, share, reason: reason.map(Into::into) };
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
    }
}

fn visitor() -> Visitor {
    Visitor {
        name: Some("张三".into()),
        phone: Some("13800000000".into()),
        reference: Some("5f2c".into()),
        language: Some(Language::ZhHant),
    }
}

/// One change for each kind of event, each actor, each outcome, each rule, with and without what may be left out.
fn changes() -> Vec<Change> {
    let done = || Outcome::Done;
    let about = || Outcome::Ticket { ticket: TICKET };
    let share = Share { lane: Lane::WalkIn, among: vec![Lane::Appointment, Lane::WalkIn], elsewhere: vec![] };
    let far = Share { elsewhere: vec![Lane::ReturnVisit], ..share.clone() };
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
        *overflow = Some(OverflowGrant { reason: "from afar".into(), approved_by: "Dr Li".into(), note });
    }
    let reason = || "because".into();
    let transferred = |wants| Event::TicketTransferred {
        ticket: TICKET,
        service: service_id("eye"),
        lane: Lane::Referral,
        reason: "because".into(),
        wants,
    };
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
            vec![issued(Lane::Referral), Event::TicketReadied { ticket: TICKET, share: share.clone() }],
        ),
        of(nurse(), called_outcome(Rule::Cycle), vec![called(Rule::Cycle, Some(share.clone()), None)]),
        of(nurse(), called_outcome(Rule::Overdue), vec![called(Rule::Overdue, Some(far), None)]),
        of(nurse(), called_outcome(Rule::Early), vec![called(Rule::Early, Some(share), None)]),
        of(nurse(), called_outcome(Rule::Ready), vec![called(Rule::Ready, None, None)]),
        of(nurse(), called_outcome(Rule::Urgent), vec![called(Rule::Urgent, None, None)]),
        of(nurse(), called_outcome(Rule::ByHand), vec![called(Rule::ByHand, None, Some("asked for"))]),
        of(nurse(), Outcome::NobodyWaiting, vec![Event::ServiceCompleted { ticket: TICKET }]),
        of(nurse(), about(), vec![Event::TicketRecalled { ticket: TICKET }]),
        of(nurse(), about(), vec![Event::ServiceStarted { ticket: TICKET }]),
        of(nurse(), about(), vec![Event::TicketMissed { ticket: TICKET, is_final: true }]),
        of(nurse(), about(), vec![Event::TicketHeld { ticket: TICKET, reason: reason() }]),
        of(nurse(), about(), vec![Event::TicketReturned { ticket: TICKET }]),
        of(nurse(), about(), vec![Event::TicketRequeued { ticket: TICKET, reason: reason() }]),
        of(nurse(), about(), vec![transferred(None), transferred(Some(counter_id("3")))]),
        of(Actor::Holder { ticket: TICKET }, about(), vec![Event::TicketCancelled { ticket: TICKET, reason: None }]),
        of(nurse(), about(), vec![Event::TicketCancelled { ticket: TICKET, reason: Some(reason()) }]),
        of(
            nurse(),
            about(),
            [Urgency::Emergency, Urgency::GreenChannel]
                .map(|urgency| Event::GreenChannelGranted { ticket: TICKET, urgency, reason: reason() })
                .to_vec(),
        ),
        of(nurse(), about(), vec![Event::TicketSteppedBack { ticket: TICKET, places: 2 }]),
        of(system(), done(), vec![Event::TicketNotShown { ticket: TICKET }]),
        of(nurse(), to_counter(), [CounterState::Open, CounterState::Paused, CounterState::Closed].map(open).to_vec()),
        of(nurse(), Outcome::Undone { seq: Seq(6), tickets }, vec![Event::ChangeUndone { seq: Seq(6) }]),
    ]
    .into_iter()
    .chain(policies())
    .collect()
}

/// Changes of policies while running, and a declaration under them.
fn policies() -> [Change; 2] {
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
    [
        of(staff("manager"), Outcome::PolicyChanged { version: 3 }, events),
        of(Actor::System, Outcome::Done, vec![declared]),
    ]
}

#[test]
fn every_kind_of_event_is_in_the_file() {
    let kinds: BTreeSet<usize> = changes().iter().flat_map(|change| &change.events).map(kind).collect();
    assert_eq!(kinds.len(), KINDS);
}

#[test]
fn what_was_written_is_still_read_and_written_alike() {
    let written: Vec<String> = changes().iter().map(|change| serde_json::to_string(change).unwrap()).collect();
    if std::env::var_os("CALLNEXT_BLESS").is_some() {
        std::fs::write(FILE, written.join("\n") + "\n").unwrap();
    }
    let file = std::fs::read_to_string(FILE).unwrap();
    let lines: Vec<&str> = file.lines().collect();
    assert_eq!(lines.len(), written.len());
    for ((line, written), change) in lines.into_iter().zip(&written).zip(changes()) {
        assert_eq!(serde_json::from_str::<Change>(line).unwrap(), change, "{line}");
        assert_eq!(line, written);
    }
}
