//! The phone: what the holder of one ticket may read.

use callnext_engine::Lane;
use callnext_engine::dispatch::PassedBy;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{CardNotice, CardSteps, Named};

/// A complete card, with its place in time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CardFrame {
    /// Always `card`.
    #[serde(rename = "type")]
    #[schema(pattern = "^card$")]
    pub kind: String,
    /// One unbroken ownership of the venue.
    pub epoch: String,
    /// Count of the venue's changes.
    pub seq: u64,
    /// The venue's time.
    pub at: DateTime<Utc>,
    /// What is shown.
    #[serde(flatten)]
    pub card: Card,
}

/// Where a ticket stands, as its holder sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CardState {
    /// In the queue.
    Waiting,
    /// Next few: stay close.
    Ready,
    /// Sent to the second waiting area, at the counter's door (C4).
    Inside,
    /// Come now.
    Called,
    /// Being served.
    Serving,
    /// Away for tests; report when back.
    Held,
    /// Was called and did not come; report again.
    Missed,
    /// On its way to another venue.
    Transferring,
    /// Over.
    Completed,
    /// Over: did not come.
    NoShow,
    /// Over: left.
    Cancelled,
    /// Goes on at another venue: the same link shows it there, once it is opened anew.
    Transferred,
}

/// One ticket, as its holder sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Card {
    /// The venue.
    pub venue: Named,
    /// IANA time zone of the clock on the wall.
    pub time_zone: String,
    /// What the person waits for.
    pub service: Named,
    /// The number.
    pub number: String,
    /// Where it stands.
    pub state: CardState,
    /// The class it waits in.
    pub lane: Lane,
    /// How many will really be called before it, by the rule in force. Null when it is not waiting.
    pub ahead: Option<u32>,
    /// The wait that is left; null with a reason when nobody can know.
    pub estimate: Option<Estimate>,
    /// Why there is no estimate: `nothing_called_yet`, `no_counter_open`, `not_waiting`.
    pub estimate_reason: Option<String>,
    /// Where to go, once called or sent to a counter's door.
    pub counter: Option<Named>,
    /// The call, once called: a new id means a new call.
    pub call: Option<u64>,
    /// How often it was called again.
    pub recalls: u32,
    /// When the number was given.
    pub issued_at: DateTime<Utc>,
    /// When it was called, or called again.
    pub called_at: Option<DateTime<Utc>>,
    /// Start of the booked slot.
    pub slot_start: Option<DateTime<Utc>>,
    /// End of the booked slot.
    pub slot_end: Option<DateTime<Utc>>,
    /// Whether precedence was granted.
    pub green_channel: bool,
    /// What the holder must be told: what was closed, and what became of the ticket (B10).
    pub notice: Option<CardNotice>,
    /// Where a visit in several steps stands; null where there is only one (G10).
    pub steps: Option<CardSteps>,
    /// Whoever was called before it although their waits began later, in numbers: since its present wait began. Empty
    /// where there is nothing to tell.
    #[serde(default)]
    pub passed_over_by: Vec<PassedOver>,
}

/// So many were called before this ticket, by what let them go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PassedOver {
    /// What let them.
    pub by: PassedBy,
    /// How many, at least 1.
    pub count: u32,
}

/// A wait, as a range and never as one promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Estimate {
    /// Half of the people wait longer than this.
    pub likely_s: i64,
    /// One in ten waits less than this.
    pub low_s: i64,
    /// One in ten waits more than this.
    pub high_s: i64,
    /// How many earlier estimates of this service the range was learned from; 0 for a guess of half to double.
    pub scored: u32,
}
