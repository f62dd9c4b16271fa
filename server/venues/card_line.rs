//! A card frame drawn without anything of its own: what `wire::CardFrame` is, with everything borrowed.
//!
//! One call changes thousands of cards. Names are made once for each declaration; the rest goes from a ticket's facts
//! straight into the bytes.

use std::collections::BTreeMap;
use std::fmt::Display;

use callnext_engine::config::VenueConfig;
use callnext_engine::dispatch::PassedBy;
use callnext_engine::estimate::Unknown;
use callnext_engine::{CounterId, Lane, ServiceId, Text, TicketNumber, VenueId};
use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

use super::publication::{Facts, Publication};
use crate::journal::Epoch;
use crate::wire::{CardNotice, CardState, CardSteps, Estimate, PassedOver, rfc3339};

/// The names of a declaration, found by their ids.
#[derive(Debug)]
pub struct Names {
    venue: VenueId,
    venue_name: Text,
    time_zone: &'static str,
    services: BTreeMap<ServiceId, Text>,
    counters: BTreeMap<CounterId, Text>,
}

impl Names {
    /// The names of this declaration.
    pub fn of(config: &VenueConfig) -> Self {
        Self {
            venue: config.id.clone(),
            venue_name: config.name.clone(),
            time_zone: config.time_zone.name(),
            services: config.services.iter().map(|service| (service.id.clone(), service.name.clone())).collect(),
            counters: config.counters.iter().map(|counter| (counter.id.clone(), counter.name.clone())).collect(),
        }
    }
}

/// The fields of `wire::CardFrame`, in their order.
#[derive(Serialize)]
pub(super) struct CardLine<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(serialize_with = "as_text")]
    epoch: Epoch,
    seq: u64,
    at: DateTime<Utc>,
    venue: NamedLine<'a>,
    time_zone: &'static str,
    service: NamedLine<'a>,
    #[serde(serialize_with = "as_text")]
    number: &'a TicketNumber,
    state: CardState,
    lane: Lane,
    ahead: Option<u32>,
    estimate: Option<Estimate>,
    estimate_reason: Option<&'static str>,
    counter: Option<NamedLine<'a>>,
    call: Option<u64>,
    recalls: u32,
    issued_at: DateTime<Utc>,
    called_at: Option<DateTime<Utc>>,
    slot_start: Option<DateTime<Utc>>,
    slot_end: Option<DateTime<Utc>>,
    green_channel: bool,
    notice: Option<&'a CardNotice>,
    steps: Option<&'a CardSteps>,
    #[serde(serialize_with = "as_passed_over")]
    passed_over_by: &'a [(PassedBy, u32)],
}

#[derive(Serialize)]
struct NamedLine<'a> {
    id: &'a str,
    name: Name<'a>,
}

/// A name, or the id of something that is declared no longer.
#[derive(Serialize)]
#[serde(untagged)]
enum Name<'a> {
    Known(&'a Text),
    Lost(Text),
}

impl<'a> NamedLine<'a> {
    fn of(id: &'a str, name: Option<&'a Text>) -> Self {
        Self { id, name: name.map_or_else(|| Name::Lost(Text::same(id)), Name::Known) }
    }
}

impl<'a> CardLine<'a> {
    pub(super) fn of(publication: &'a Publication, facts: &'a Facts) -> Self {
        let names = &*publication.names;
        let counter = |id: &'a CounterId| NamedLine::of(id.as_str(), names.counters.get(id));
        Self {
            kind: "card",
            epoch: publication.epoch,
            seq: publication.seq.0,
            at: rfc3339(publication.at),
            venue: NamedLine::of(names.venue.as_str(), Some(&names.venue_name)),
            time_zone: names.time_zone,
            service: NamedLine::of(facts.service.as_str(), names.services.get(&facts.service)),
            number: &facts.number,
            state: facts.state,
            lane: facts.lane,
            ahead: facts.ahead,
            estimate: facts.wait.ok(),
            estimate_reason: facts.wait.err().map(Unknown::code),
            counter: facts.counter.as_ref().map(counter),
            call: facts.call.map(|call| call.0),
            recalls: facts.recalls,
            issued_at: rfc3339(facts.issued_at),
            called_at: facts.called_at.map(rfc3339),
            slot_start: facts.slot.map(|slot| rfc3339(slot.start)),
            slot_end: facts.slot.map(|slot| rfc3339(slot.end)),
            green_channel: facts.green_channel,
            notice: facts.notice.as_deref(),
            steps: facts.steps.as_deref(),
            passed_over_by: &facts.passed_over_by,
        }
    }
}

fn as_passed_over<S: Serializer>(passed: &[(PassedBy, u32)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(passed.iter().map(|(by, count)| PassedOver { by: *by, count: *count }))
}

fn as_text<S: Serializer>(what: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(what)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use callnext_engine::config::VenueConfig;
    use callnext_engine::ticket::Slot;
    use callnext_engine::{CallId, Seq, Timestamp, Venue};
    use serde_json::json;

    use super::super::frame::Draft;
    use super::super::publication::ForConsoles;
    use super::super::view;
    use super::*;
    use crate::wire::{CardFrame, Change};

    fn config() -> VenueConfig {
        serde_json::from_value(json!({
            "id": "clinic", "name": { "zh-Hans": "门诊", "en": "\"Clinic\"" }, "time_zone": "Asia/Shanghai",
            "service": [{ "id": "internal", "name": "内科", "prefix": "A" }],
            "counter": [{ "id": "r1", "name": "Room 1", "services": ["internal"] }],
        }))
        .unwrap()
    }

    fn facts() -> Vec<Facts> {
        let waiting = Facts {
            service: ServiceId::parse("internal").unwrap(),
            number: TicketNumber::of("A", 7),
            state: CardState::Waiting,
            lane: Lane::WalkIn,
            ahead: Some(3),
            wait: Ok(Estimate { likely_s: 600, low_s: 300, high_s: 1200, scored: 4 }),
            counter: None,
            call: None,
            recalls: 0,
            issued_at: Timestamp(1_772_413_200_123),
            called_at: None,
            slot: None,
            green_channel: false,
            notice: None,
            steps: None,
            passed_over_by: Vec::new(),
        };
        let called = Facts {
            state: CardState::Called,
            lane: Lane::Appointment,
            ahead: None,
            wait: Err(Unknown::NotWaiting),
            counter: Some(CounterId::parse("r1").unwrap()),
            call: Some(CallId(12)),
            recalls: 2,
            called_at: Some(Timestamp(1_772_413_260_000)),
            slot: Some(Slot { start: Timestamp(1_772_413_200_000), end: Timestamp(1_772_415_000_000) }),
            green_channel: true,
            passed_over_by: vec![(PassedBy::GreenChannel, 2), (PassedBy::ByHand, 1)],
            ..waiting.clone()
        };
        // Declared no longer: the id stands for the name.
        let lost = Facts {
            service: ServiceId::parse("gone").unwrap(),
            counter: Some(CounterId::parse("r9").unwrap()),
            ..called.clone()
        };
        vec![waiting, called, lost]
    }

    #[test]
    fn a_drawn_card_is_the_frame_of_the_wire_to_the_byte() {
        let config = config();
        let board = view::board(&Venue::new(config.clone()), std::iter::empty());
        let at = Timestamp(1_772_413_300_000);
        let publication = Publication::new(
            config.id.clone(),
            Epoch(3),
            Seq(41),
            at,
            1,
            (Arc::new(config.clone()), Arc::new(Names::of(&config))),
            (board, true),
            Arc::default(),
            (Vec::new(), BTreeMap::new()),
            Some(ForConsoles::Change { from: Seq(40), change: Change::default() }),
        );
        for facts in facts() {
            let frame = CardFrame {
                kind: "card".to_owned(),
                epoch: "3".to_owned(),
                seq: 41,
                at: rfc3339(at),
                card: view::card(&config, &facts),
            };
            let mut draft = Draft::default();
            publication.draw_card(&facts, &mut draft);
            assert_eq!(draft.text(), serde_json::to_string(&frame).unwrap().as_str());
        }
    }
}
