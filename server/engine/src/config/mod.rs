//! What an operator declares: a venue, its services and counters, and the rules of each queue.
//!
//! A [`Declaration`] is what was written: a venue's rules, and where a service says otherwise. [`VenueConfig`] is
//! what came of it, with a whole policy for each service, in the one place where the two are put together
//! (`layers`). It travels whole inside an event, so a venue's history says under which rules it was made.

mod class;
mod joining;
mod layers;
mod policy;
mod problems;
mod reasons;
mod second_waiting;
mod service_weights;
mod session;
mod setting;

use chrono::NaiveTime;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::ids::{CounterId, ServiceId, VenueId};
use crate::lane::Lane;
use crate::text::{Language, Text};

pub use class::{CLASSES_MAX, ClassConfig, EXPECTED_S_MAX, LOAD_MEAN};
pub use joining::{
    ApproverRole, CALLS_BETWEEN_MAX, EarlyCheckIn, LateJoin, LatePatch, LateRules, Miss, MissedPatch, MissedRejoin,
    MissedRules, NoShowAt, OverQuotaRole, OverflowJoin, QuotaPer,
};
pub use layers::{Effect, Lasts, Layers, Override, PolicyChange};
pub use policy::{OrderInLane, Policy, PolicyPatch, Rules, SLOT_LENGTHS};
pub use problems::ConfigError;
pub use reasons::{OTHER, REASONS_MAX, Reason, Reasons};
pub use second_waiting::{INSIDE_MAX, SecondWaiting};
pub use service_weights::ServiceWeights;
pub use session::{Numbering, SESSIONS_MAX, Session, SessionConfig};
pub use setting::{Kind, Range, SettingInfo, SettingProblem, Value, Word};

/// Most services of one venue: more do not fit a kiosk, and each costs a queue.
pub const SERVICES_MAX: usize = 200;
/// Most counters of one venue.
pub const COUNTERS_MAX: usize = 1000;
/// Longest prefix of a number: it is read aloud letter by letter.
pub const PREFIX_CHARS_MAX: usize = 4;
/// Most people who can be told to get ready at one time per service.
pub const READY_MAX: u32 = 20;
/// Longest time a policy can speak of, seconds: none of its rules outlives the business day.
pub const DAY_S: u32 = 24 * 60 * 60;

/// One venue as declared in the settings: every policy names only what differs.
pub type Declaration = VenueConfig<PolicyPatch>;

/// One venue, with the policies in force. As it was declared, with what was said of them: [`Declaration`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct VenueConfig<P: Default = Policy> {
    /// The venue's name in addresses and keys.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub id: VenueId,
    /// The venue's name as people read it.
    pub name: Text,
    /// IANA time zone of the venue's clock on the wall.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub time_zone: Tz,
    /// Local time at which a business day starts; late halls choose an hour when nobody waits. Default 04:00.
    #[serde(default = "default_day_start", with = "hour_minute")]
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub day_start: NaiveTime,
    /// What a number given here begins with at another venue where it would be mistaken for one of theirs: up to
    /// 4 letters (R6). Default: the first 4 letters of `id`, in capitals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<String>,
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
    #[serde(default = "default_speech")]
    pub speech: Vec<Speech>,
    /// The rules of all its queues, as declared: what a service's own policy does not say otherwise (R11).
    #[serde(default, skip_serializing_if = "PolicyPatch::is_empty")]
    pub policy: PolicyPatch,
    /// The parts of the business day (B14); none for a day that is one.
    #[serde(default, rename = "session", alias = "sessions", skip_serializing_if = "Vec::is_empty")]
    pub sessions: Vec<SessionConfig>,
    /// Whether numbers begin at 1 with each day or with each session (B14).
    #[serde(default, skip_serializing_if = "Numbering::is_default")]
    #[cfg_attr(feature = "schema", schema(default = "day"))]
    pub numbering: Numbering,
    /// The reasons staff choose from when they grant precedence, call by hand, or add a number (R3, R10, B3).
    #[serde(default, skip_serializing_if = "Reasons::are_standard")]
    pub reasons: Reasons,
    /// What people can come for.
    #[serde(rename = "service", alias = "services")]
    pub services: Vec<ServiceConfig<P>>,
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
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ServiceConfig<P: Default = Policy> {
    /// The service's name in addresses and keys.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub id: ServiceId,
    /// The service's name as people read it.
    pub name: Text,
    /// What its numbers begin with. Services with the same prefix count together.
    #[serde(default)]
    pub prefix: String,
    /// Classes of its people, each with its own expected time (E1). Default: none.
    #[serde(rename = "class", alias = "classes", default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<ClassConfig>,
    /// The rules of its queue.
    #[serde(default)]
    pub policy: P,
}

/// One counter of a venue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CounterConfig {
    /// The counter's name in addresses and keys.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub id: CounterId,
    /// The counter's name as people read and hear it.
    pub name: Text,
    /// What it serves, until somebody changes it for the day (C5).
    #[cfg_attr(feature = "schema", schema(value_type = Vec<String>))]
    pub services: Vec<ServiceId>,
    /// Calls per service in one round of the counter's cycle, 1 to 20 each, 1 for a service left out (C5).
    /// Default: no cycle, the longest wait goes first.
    #[serde(default, skip_serializing_if = "ServiceWeights::is_empty")]
    #[cfg_attr(feature = "schema", schema(value_type = std::collections::BTreeMap<String, u32>))]
    pub weights: ServiceWeights,
    /// Its second waiting area (C4). Default: none, people are called from the hall.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_waiting: Option<SecondWaiting>,
}

fn default_day_start() -> NaiveTime {
    NaiveTime::from_hms_opt(4, 0, 0).unwrap_or(NaiveTime::MIN)
}

fn default_speech() -> Vec<Speech> {
    vec![Speech::Mandarin]
}

impl<P: Default> VenueConfig<P> {
    /// What a number given here begins with where it would be mistaken for another (R6).
    pub fn mark(&self) -> String {
        let letters = || self.id.as_str().chars().filter(char::is_ascii_alphabetic).take(PREFIX_CHARS_MAX);
        self.mark.clone().unwrap_or_else(|| letters().collect::<String>().to_ascii_uppercase())
    }

    /// The declaration of a service.
    pub fn service(&self, id: &ServiceId) -> Option<&ServiceConfig<P>> {
        self.services.iter().find(|service| service.id == *id)
    }

    /// The declaration of a counter.
    pub fn counter(&self, id: &CounterId) -> Option<&CounterConfig> {
        self.counters.iter().find(|counter| counter.id == *id)
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
