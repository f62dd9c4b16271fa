//! Changes for the tests of journals: they look like a venue's, and mean nothing.

use callnext_engine::{
    Actor, BusinessDay, CallId, Change, Event, Outcome, Seq, TicketId, Timestamp, VenueConfig, VenueId,
};

pub(super) fn venue(name: &str) -> VenueId {
    VenueId::parse(name).unwrap()
}

/// The change at this position; its content depends on the position alone.
pub(super) fn change(seq: u64) -> Change {
    Change {
        seq: Seq(seq),
        at: at(seq),
        by: Actor::Staff { user: "nurse.wang".into() },
        command: None,
        outcome: Outcome::Done,
        events: vec![
            Event::TicketHeld { ticket: TicketId(seq), reason: "抽血 \"first\"\n".into() },
            Event::ServiceCompleted { ticket: TicketId(seq) },
        ],
    }
}

/// A change that opens a business day.
pub(super) fn day_opened(seq: u64) -> Change {
    let config: VenueConfig = serde_json::from_value(serde_json::json!({
        "id": "hall", "name": "大厅", "time_zone": "Asia/Shanghai",
        "service": [{ "id": "counsel", "name": "咨询", "prefix": "A" }],
        "counter": [{ "id": "1", "name": "1", "services": ["counsel"] }],
    }))
    .unwrap();
    let day = BusinessDay::holding(at(seq), config.time_zone, config.day_start);
    let events = vec![Event::DayOpened {
        day,
        config: Box::new(config),
        next_ticket: TicketId(seq),
        next_call: CallId(seq),
        priors: std::collections::BTreeMap::new(),
        handovers: callnext_engine::handover::Handovers::default(),
        layers: Box::default(),
    }];
    Change { by: Actor::System, events, ..change(seq) }
}

/// A day opened at `first`, and the changes after it up to `last`.
pub(super) fn day(first: u64, last: u64) -> Vec<Change> {
    std::iter::once(day_opened(first)).chain(changes(first + 1, last)).collect()
}

/// The changes from `first` to `last`.
pub(super) fn changes(first: u64, last: u64) -> Vec<Change> {
    (first..=last).map(change).collect()
}

fn at(seq: u64) -> Timestamp {
    Timestamp(1_800_000_000_000 + i64::try_from(seq).unwrap() * 1000)
}
