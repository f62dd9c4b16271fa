//! Why: one ticket's whole story, for staff. Other people are numbers in it.

use callnext_engine::Lane;
use callnext_engine::dispatch::PassedBy;
use callnext_engine::event::Rule;
use callnext_engine::ticket::Urgency;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What happened to a ticket, from its number on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoryAnswer {
    /// Name of the ticket in addresses.
    pub id: u64,
    /// Its number.
    pub number: String,
    /// In order.
    pub steps: Vec<StoryStep>,
    /// Steps left out for their number: the oldest times of being passed over.
    pub left_out: u32,
}

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StoryKind {
    /// The number was given: `service`, `lane`, a slot, for overflow numbers `reason`, `reason_code` and
    /// `granted_by`.
    Issued,
    /// A wait was announced with it: `wait_s`.
    WaitAnnounced,
    /// Told to get ready.
    Readied,
    /// Sent to a counter's door, to be called from there: `counter`, `lane`, `rule`, `passed`.
    SentInside,
    /// The counter calls nobody any more: waits in the hall again, as the first.
    SentBack,
    /// Somebody whose wait began later was called: `number`, `counter`, `rule`, `lane`, `passed_by`, `reason`,
    /// `reason_code`, `granted_by`.
    PassedOver,
    /// Somebody whose wait began later was sent to a counter's door: as `passed_over`.
    PassedAtDoor,
    /// Called: `counter`, `lane`, `rule`, `reason`, `reason_code`, `wait_s`, `overtaken`, `passed`.
    Called,
    /// Called again.
    Recalled,
    /// Service began.
    Started,
    /// Service ended.
    Completed,
    /// Did not come.
    Missed,
    /// Did not come, for the last time.
    MissedForGood,
    /// Went for tests: `reason`.
    Held,
    /// Came back from tests.
    Returned,
    /// Reported again after a miss: `reason`.
    Requeued,
    /// Moved: `service`, `lane`, `reason`.
    Transferred,
    /// Sent on its way to another venue: `venue`.
    Sent,
    /// Came from another venue: `venue`, `service`.
    Received,
    /// The other venue has it.
    Gone,
    /// The other venue would not have it; waits here as before: `reason`, a refusal's code.
    TurnedBack,
    /// Moved with its place, as what it waited for was closed: `service`, `reason`.
    MovedOn,
    /// One step of the visit was done; waits for the next: `service`.
    StepDone,
    /// One step was left out; waits for the next: `service`, `reason`.
    StepSkipped,
    /// What is still to be done was set: `reason`.
    StepsSet,
    /// Waited as on site, and waits as booked from now on.
    SlotBegan,
    /// Was granted precedence: `urgency`, `reason`, `reason_code`.
    Granted,
    /// Was found to belong to a class of the service, `class`; or, without it, to none.
    Classified,
    /// Let others go first: `places`.
    SteppedBack,
    /// Left, or was taken out: `reason`.
    Cancelled,
    /// The day ended.
    NotShown,
    /// What was done to it before was taken back.
    TakenBack,
}

/// One thing that happened to a ticket. What does not belong to its kind is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoryStep {
    /// What.
    pub what: StoryKind,
    /// When.
    pub at: DateTime<Utc>,
    /// Who did it.
    pub by: Person,
    /// Whether it was taken back later.
    pub undone: bool,
    /// Whose number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// For what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The other venue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub venue: Option<String>,
    /// Where to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counter: Option<String>,
    /// From which lane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<Lane>,
    /// By which rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<Rule>,
    /// What let the other one go first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed_by: Option<PassedBy>,
    /// How urgent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urgency: Option<Urgency>,
    /// The reason on record, in words; empty where its code says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Which of the venue's reasons it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason_code: Option<String>,
    /// The class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Who answers for that reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted_by: Option<Person>,
    /// The wait announced, or the one that ended, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_s: Option<i64>,
    /// How many others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub places: Option<u32>,
    /// How often it had been overtaken in the wait that ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overtaken: Option<u32>,
    /// How many this call passed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed: Option<u32>,
    /// Start of the booked slot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot_start: Option<DateTime<Utc>>,
    /// End of the booked slot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot_end: Option<DateTime<Utc>>,
}

/// What somebody who did something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PersonKind {
    /// A member of staff.
    Staff,
    /// A kiosk or a program.
    Device,
    /// Whoever holds the ticket.
    Holder,
    /// Somebody with a phone.
    Public,
    /// The venue by itself.
    System,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Person {
    /// What they are.
    pub kind: PersonKind,
    /// The account's or the device's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}
