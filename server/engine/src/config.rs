//! What an operator declares: a venue, its services and counters, and the rules of each queue.
//!
//! A declaration travels whole inside an event, so a venue's history says under which rules it was made.

use std::collections::BTreeSet;
use std::fmt;

use chrono::NaiveTime;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::ids::{CounterId, ServiceId, VenueId};
use crate::lane::{Lane, WEIGHT_MAX, Weights};
use crate::text::{Language, Text};
use crate::time::Millis;

/// Most services of one venue: more do not fit a kiosk, and each costs a queue.
pub const SERVICES_MAX: usize = 200;
/// Most counters of one venue.
pub const COUNTERS_MAX: usize = 1000;
/// Longest prefix of a number: it is read aloud letter by letter.
pub const PREFIX_CHARS_MAX: usize = 4;
/// Most people who can be told to get ready at one time per service.
pub const READY_MAX: u32 = 20;

/// One venue as declared in the settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VenueConfig {
    /// The venue's name in addresses and keys.
    pub id: VenueId,
    /// The venue's name as people read it.
    pub name: Text,
    /// IANA time zone of the venue's clock on the wall.
    pub time_zone: Tz,
    /// Local time at which a business day starts; late halls choose an hour when nobody waits. Default 04:00.
    #[serde(default = "VenueConfig::default_day_start", with = "hour_minute")]
    pub day_start: NaiveTime,
    /// Whether people may take a number with their own phone (H1).
    #[serde(default)]
    pub join_by_phone: bool,
    /// Whether boards may connect without a device token. What a board shows is masked either way.
    #[serde(default)]
    pub public_board: bool,
    /// How names appear on screens (C7).
    #[serde(default)]
    pub names: NamesOnScreen,
    /// Languages in which calls are announced, in this order (C6). Default: Mandarin.
    #[serde(default = "VenueConfig::default_speech")]
    pub speech: Vec<Speech>,
    /// What people can come for.
    #[serde(rename = "service", alias = "services")]
    pub services: Vec<ServiceConfig>,
    /// Where they are served.
    #[serde(rename = "counter", alias = "counters")]
    pub counters: Vec<CounterConfig>,
}

/// How a person's name appears where others can read it (C7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum NamesOnScreen {
    /// Part of the name is replaced by an asterisk.
    #[default]
    Masked,
    /// Only the number is shown.
    Numbers,
}

/// A spoken language of announcements. Cantonese is spoken, not a script: it is apart from [`Language`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Speech {
    /// Mandarin.
    #[serde(rename = "cmn")]
    Mandarin,
    /// Cantonese.
    #[serde(rename = "yue")]
    Cantonese,
    /// English.
    #[serde(rename = "en")]
    English,
}

/// One service of a venue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceConfig {
    /// The service's name in addresses and keys.
    pub id: ServiceId,
    /// The service's name as people read it.
    pub name: Text,
    /// What its numbers begin with. Services with the same prefix count together.
    #[serde(default)]
    pub prefix: String,
    /// The rules of its queue.
    #[serde(default)]
    pub policy: Policy,
}

/// One counter of a venue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CounterConfig {
    /// The counter's name in addresses and keys.
    pub id: CounterId,
    /// The counter's name as people read and hear it.
    pub name: Text,
    /// What it serves, until somebody changes it for the day (C5).
    pub services: Vec<ServiceId>,
}

/// The order inside a lane (R2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderInLane {
    /// By slot, then by check-in, then by number.
    #[default]
    SlotThenCheckIn,
    /// By number alone.
    Number,
    /// By check-in alone.
    CheckIn,
}

/// The rules of one service's queue. Every field has a default; settings name only what differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Calls per lane in one round of the weighted cycle, 1 to 20 each (R1, B11).
    pub weights: Weights,
    /// Order inside a lane (R2).
    pub order: OrderInLane,
    /// How many are told to get ready and then not displaced (C3). 0 to 20.
    pub ready_count: u32,
    /// Most green-channel and emergency calls in a row while others wait; 0 for no ceiling (R3).
    pub urgent_run_max: u32,
    /// Whoever has been overtaken this often goes next; 0 for never (R3: no priority starves the rest).
    pub overtaken_max: u32,
    /// Whoever has waited this long goes next, seconds; 0 for never (B9).
    pub wait_max_s: u32,
    /// How long before the slot's start a checked-in appointment may be called, seconds (R4).
    pub early_s: u32,
    /// Whether an appointment may be called before that, when a counter would stand idle otherwise.
    pub early_when_idle: bool,
    /// Seconds after the latest call or recall before a ticket may be marked missed (C1).
    pub grace_s: u32,
    /// Recalls needed before a ticket may be marked missed (C1).
    pub recalls_min: u32,
    /// The miss that is final: nobody comes back after it (C1). At least 1.
    pub misses_max: u32,
    /// Overflow numbers per business day (B3).
    pub overflow_max: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            weights: Weights::default(),
            order: OrderInLane::default(),
            ready_count: 2,
            urgent_run_max: 3,
            overtaken_max: 12,
            wait_max_s: 2 * 60 * 60,
            early_s: 15 * 60,
            early_when_idle: true,
            grace_s: 60,
            recalls_min: 1,
            misses_max: 2,
            overflow_max: 20,
        }
    }
}

impl Policy {
    /// The span before a slot in which its appointments are already eligible.
    pub fn early(&self) -> Millis {
        Millis::from_secs(self.early_s.into())
    }

    /// The span after a call in which a ticket is not missed yet.
    pub fn grace(&self) -> Millis {
        Millis::from_secs(self.grace_s.into())
    }
}

/// What is wrong with a declaration: where, and in what words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The place, as a path: `venue "clinic": service "ent": prefix`.
    pub place: String,
    /// The problem and what would be right.
    pub problem: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}

impl VenueConfig {
    fn default_day_start() -> NaiveTime {
        NaiveTime::from_hms_opt(4, 0, 0).unwrap_or(NaiveTime::MIN)
    }

    fn default_speech() -> Vec<Speech> {
        vec![Speech::Mandarin]
    }

    /// The declaration of a service.
    pub fn service(&self, id: &ServiceId) -> Option<&ServiceConfig> {
        self.services.iter().find(|service| service.id == *id)
    }

    /// The declaration of a counter.
    pub fn counter(&self, id: &CounterId) -> Option<&CounterConfig> {
        self.counters.iter().find(|counter| counter.id == *id)
    }

    /// Everything wrong with this declaration, in the order in which it is written; empty when it is sound.
    pub fn problems(&self) -> Vec<ConfigError> {
        let mut found = Problems { venue: self.id.clone(), list: Vec::new() };
        if self.name.is_blank() {
            found.add("name", "is empty");
        }
        if self.services.is_empty() || self.services.len() > SERVICES_MAX {
            found.add("service", &format!("a venue has 1 to {SERVICES_MAX} services, not {}", self.services.len()));
        }
        if self.counters.is_empty() || self.counters.len() > COUNTERS_MAX {
            found.add("counter", &format!("a venue has 1 to {COUNTERS_MAX} counters, not {}", self.counters.len()));
        }
        let mut seen = BTreeSet::new();
        for service in &self.services {
            let place = format!("service \"{}\"", service.id);
            if !seen.insert(service.id.as_str()) {
                found.add(&place, "is declared twice");
            }
            service.problems(&place, &mut found);
        }
        let mut seen = BTreeSet::new();
        for counter in &self.counters {
            let place = format!("counter \"{}\"", counter.id);
            if !seen.insert(counter.id.as_str()) {
                found.add(&place, "is declared twice");
            }
            if counter.name.is_blank() {
                found.add(&format!("{place}: name"), "is empty");
            }
            if counter.services.is_empty() {
                found.add(&format!("{place}: services"), "is empty: a counter serves at least one service");
            }
            for service in counter.services.iter().filter(|id| self.service(id).is_none()) {
                found.add(&format!("{place}: services"), &format!("there is no service \"{service}\""));
            }
        }
        found.list
    }
}

struct Problems {
    venue: VenueId,
    list: Vec<ConfigError>,
}

impl Problems {
    fn add(&mut self, place: &str, problem: &str) {
        let place = format!("venue \"{}\": {place}", self.venue);
        self.list.push(ConfigError { place, problem: problem.to_owned() });
    }
}

impl ServiceConfig {
    fn problems(&self, place: &str, found: &mut Problems) {
        if self.name.is_blank() {
            found.add(&format!("{place}: name"), "is empty");
        }
        if self.prefix.chars().count() > PREFIX_CHARS_MAX || !self.prefix.chars().all(char::is_alphabetic) {
            found.add(&format!("{place}: prefix"), &format!("use at most {PREFIX_CHARS_MAX} letters"));
        }
        if let Some((lane, weight)) = self.policy.weights.out_of_range() {
            let lane = lane_name(lane);
            found.add(&format!("{place}: policy.weights.{lane}"), &format!("{weight} is not from 1 to {WEIGHT_MAX}"));
        }
        if self.policy.ready_count > READY_MAX {
            found.add(&format!("{place}: policy.ready_count"), &format!("is more than {READY_MAX}"));
        }
        if self.policy.misses_max == 0 {
            found.add(&format!("{place}: policy.misses_max"), "is 0: the first miss counts as one");
        }
    }
}

/// A lane's name in settings, events and frames.
pub fn lane_name(lane: Lane) -> &'static str {
    match lane {
        Lane::Appointment => "appointment",
        Lane::WalkIn => "walk_in",
        Lane::Overflow => "overflow",
        Lane::ReturnVisit => "return_visit",
        Lane::Missed => "missed",
        Lane::Late => "late",
        Lane::Referral => "referral",
    }
}

/// The language a page falls back to.
pub const LANGUAGE_DEFAULT: Language = Language::ZhHans;

mod hour_minute {
    //! A local time of day, written `"04:00"`.

    use chrono::NaiveTime;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub(super) fn serialize<S: Serializer>(time: &NaiveTime, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&time.format("%H:%M"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<NaiveTime, D::Error> {
        let text = String::deserialize(from)?;
        NaiveTime::parse_from_str(&text, "%H:%M")
            .map_err(|_| D::Error::custom(format!("\"{text}\" is not a time of day like \"04:00\"")))
    }
}
