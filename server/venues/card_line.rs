//! A card frame drawn without anything of its own: what `wire::CardFrame` is, with everything borrowed.
//!
//! One call changes thousands of cards. Names are made once for each declaration; the rest goes from a ticket's facts
//! straight into the bytes.

use std::collections::BTreeMap;
use std::fmt::Display;

use callnext_engine::config::VenueConfig;
use callnext_engine::{CounterId, Lane, ServiceId, Text, TicketNumber, VenueId};
use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

use super::publication::{Facts, Publication};
use crate::journal::Epoch;
use crate::wire::{CardState, Estimate, rfc3339};

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
            estimate_reason: facts.wait.err().map(|unknown| unknown.code()),
            counter: facts.counter.as_ref().map(counter),
            call: facts.call.map(|call| call.0),
            recalls: facts.recalls,
            issued_at: rfc3339(facts.issued_at),
            called_at: facts.called_at.map(rfc3339),
            slot_start: facts.slot.map(|slot| rfc3339(slot.start)),
            slot_end: facts.slot.map(|slot| rfc3339(slot.end)),
            green_channel: facts.green_channel,
        }
    }
}

fn as_text<S: Serializer>(what: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(what)
}
