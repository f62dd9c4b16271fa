//! The staff consoles: the whole queue, once, and then what changed.

use callnext_engine::config::ApproverRole;
use callnext_engine::counter::CounterState;
use callnext_engine::event::Rule;
use callnext_engine::ticket::Urgency;
use callnext_engine::{Lane, Text};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{CardState, ClosureRow, GuestRow, Named, NoteRow, StepRow};

/// The whole queue, with its place in time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConsoleFrame {
    /// Always `console`.
    #[serde(rename = "type")]
    #[schema(pattern = "^console$")]
    pub kind: String,
    /// One unbroken ownership of the venue.
    pub epoch: String,
    /// Count of the venue's changes.
    pub seq: u64,
    /// The venue's time.
    pub at: DateTime<Utc>,
    /// What is shown.
    #[serde(flatten)]
    pub console: Console,
}

/// What changed between two points in time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangeFrame {
    /// Always `change`.
    #[serde(rename = "type")]
    #[schema(pattern = "^change$")]
    pub kind: String,
    /// One unbroken ownership of the venue.
    pub epoch: String,
    /// Count of the venue's changes after this one.
    pub seq: u64,
    /// The venue's time.
    pub at: DateTime<Utc>,
    /// The `seq` this builds on. A reader that stands elsewhere resumes.
    pub from: u64,
    /// What changed.
    #[serde(flatten)]
    pub change: Change,
}

/// The whole queue of a venue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Console {
    /// The venue.
    pub venue: Named,
    /// IANA time zone of the clock on the wall.
    pub time_zone: String,
    /// The queues, in the venue's order.
    pub services: Vec<QueueOrder>,
    /// The counters, in the venue's order.
    pub counters: Vec<CounterRow>,
    /// Every ticket whose visit is not over: the waiting ones of each service in projected order, then the others.
    pub tickets: Vec<TicketRow>,
    /// Today's bookings.
    pub appointments: Vec<AppointmentRow>,
    /// The reasons staff choose from (R3, R10, B3).
    pub reasons: ReasonLists,
    /// Since when nothing can be saved, or heard of the node that saves; absent while all is well. What is shown is no
    /// newer, whatever `at` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_since: Option<DateTime<Utc>>,
}

/// The reasons a venue accepts, by what they are for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReasonLists {
    /// For the green channel.
    pub green_channel: Vec<ReasonRow>,
    /// For an emergency.
    pub emergency: Vec<ReasonRow>,
    /// For a call by hand.
    pub by_hand: Vec<ReasonRow>,
    /// For a number beyond the quota.
    pub overflow: Vec<ReasonRow>,
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReasonRow {
    /// What is kept on record. `other` needs words.
    pub code: String,
    /// The reason as people read it; null for the standard ones, whose names the pages know.
    pub name: Option<Text>,
}

/// What changed in the queue of a venue: rows replace rows of the same name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Change {
    /// Queues whose order or counts changed.
    pub services: Vec<QueueOrder>,
    /// Counters that changed.
    pub counters: Vec<CounterRow>,
    /// Tickets that changed or are new.
    pub tickets: Vec<TicketRow>,
    /// Tickets whose visit is over.
    pub removed: Vec<u64>,
    /// Bookings that changed or are new.
    pub appointments: Vec<AppointmentRow>,
    /// Codes of bookings that are gone.
    pub appointments_removed: Vec<String>,
}

/// One service's queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueueOrder {
    /// Name in addresses.
    pub id: String,
    /// Name as people read it.
    pub name: Text,
    /// People in the queue.
    pub waiting: u32,
    /// The waiting tickets in the order in which they will be called if nobody new comes.
    pub order: Vec<u64>,
    /// Measured gap between calls, seconds, once there is one.
    pub gap_s: Option<i64>,
    /// Overflow numbers that count against the quota now: of the session, or of the day (B14).
    pub overflow_count: u32,
    /// How many may be added (B3).
    pub overflow_max: u32,
    /// The least role whose holder can approve more; none for nobody.
    pub over_quota_role: Option<ApproverRole>,
    /// The closure in force, if the service is closed (B10).
    pub closed: Option<ClosureRow>,
}

/// One counter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CounterRow {
    /// Name in addresses.
    pub id: String,
    /// Name as people read it.
    pub name: Text,
    /// Whether it takes people.
    pub state: CounterState,
    /// What it serves.
    pub services: Vec<String>,
    /// The ticket called here or being served.
    pub current: Option<u64>,
    /// Whom it calls if it calls now, and again, and so on, while the other counters stand still and nobody new
    /// comes: the first is the next one. At most 12. Of a counter that is not open: as if it opened now.
    pub next: Vec<u64>,
    /// The closure in force, if the doctor's clinic is closed (B10).
    pub closed: Option<ClosureRow>,
}

/// One ticket, as staff see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TicketRow {
    /// Name in addresses.
    pub id: u64,
    /// The number.
    pub number: String,
    /// What the person waits for.
    pub service: String,
    /// The class it waits in.
    pub lane: Lane,
    /// Where it stands.
    pub state: CardState,
    /// The person's name in full: staff only.
    pub name: Option<String>,
    /// Precedence granted.
    pub urgency: Option<Urgency>,
    /// The reason on record for precedence or overflow, in words.
    pub reason: Option<String>,
    /// Which of the venue's reasons it is.
    pub reason_code: Option<String>,
    /// Which of the service's classes the person belongs to (E1).
    pub class: Option<String>,
    /// The booking's code.
    pub appointment: Option<String>,
    /// The only counter the person wants.
    pub wants: Option<String>,
    /// The counter that has it now, or at whose door it waits.
    pub counter: Option<String>,
    /// The call, once called.
    pub call: Option<u64>,
    /// Which rule chose it, once called.
    pub rule: Option<Rule>,
    /// How often it was called again.
    pub recalls: u32,
    /// How often it was called and did not come.
    pub misses: u32,
    /// What is still to be done after this, in order (G10).
    pub steps: Vec<StepRow>,
    /// Steps of the visit that are done.
    pub steps_done: u32,
    /// Why it is where nobody expected it; gone when it is called.
    pub note: Option<NoteRow>,
    /// Where it comes from, if another venue gave the number (R6).
    pub guest: Option<GuestRow>,
    /// When the number was given.
    pub issued_at: DateTime<Utc>,
    /// When the present wait began.
    pub queued_at: DateTime<Utc>,
    /// When it was called, or called again.
    pub called_at: Option<DateTime<Utc>>,
    /// Start of the booked slot.
    pub slot_start: Option<DateTime<Utc>>,
    /// End of the booked slot.
    pub slot_end: Option<DateTime<Utc>>,
}

/// One booking, as staff see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AppointmentRow {
    /// The booking's code.
    pub code: String,
    /// What it is for.
    pub service: String,
    /// Start of the slot.
    pub slot_start: DateTime<Utc>,
    /// End of the slot.
    pub slot_end: DateTime<Utc>,
    /// The person's name in full: staff only.
    pub name: Option<String>,
    /// The ticket it became on check-in.
    pub ticket: Option<u64>,
    /// Whether the person did not come before the session was over (B12).
    pub no_show: bool,
}
