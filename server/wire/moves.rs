//! Moves: closures, notices, visits in several steps.

use callnext_engine::closure::Advice;
use callnext_engine::ticket::Urgency;
use callnext_engine::{CounterId, ServiceId, VenueId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Named;

/// `POST …/tickets/{id}/transfers`
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransferRequest {
    /// To which service.
    #[schema(value_type = String)]
    pub service: ServiceId,
    /// Why; kept on record.
    pub reason: String,
    /// The only counter that will do there (C5).
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub counter: Option<CounterId>,
    /// To which venue; left out for this one. The ticket is then on its way until that venue has answered (R6).
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub venue: Option<VenueId>,
    /// Precedence that goes with it (R7).
    #[serde(default)]
    pub urgency: Option<Urgency>,
}

/// One step of a visit (G10).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StepRequest {
    /// What for.
    #[schema(value_type = String)]
    pub service: ServiceId,
    /// The only counter that will do there (C5).
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub counter: Option<CounterId>,
}

/// `PUT …/tickets/{id}/steps`: everything that is still to be done after the present step, in order.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StepsRequest {
    /// At most 16; none to end the visit with the present step.
    pub steps: Vec<StepRequest>,
    /// Why; kept on record.
    pub reason: String,
}

/// `POST …/services/{service}/closures` and `POST …/counters/{counter}/closures` (B10).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClosureRequest {
    /// Why; kept on record.
    pub reason: String,
    /// What people are told who are not moved: `see_desk` unless said otherwise.
    #[serde(default)]
    pub advice: Option<Advice>,
    /// Moves everybody to this service. Left out with a counter: to `to_counter` in their own service.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub to_service: Option<ServiceId>,
    /// Moves everybody to this counter, and to no other.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub to_counter: Option<CounterId>,
    /// With a counter: moves everybody to any counter of their own service.
    #[serde(default)]
    pub to_any_counter: bool,
}

/// A closure in force, as staff see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClosureRow {
    /// The reason on record.
    pub reason: String,
    /// What people are told who are not moved.
    pub advice: Advice,
    /// The service people were moved to.
    pub to_service: Option<String>,
    /// The counter they want now.
    pub to_counter: Option<String>,
    /// Whether people were moved.
    pub moved: bool,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// Whether something is closed, and whom closing it concerns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClosureAnswer {
    /// The closure in force; null when it is open.
    pub closure: Option<ClosureRow>,
    /// Whom closing it now would concern.
    pub concerns: ClosureConcerns,
}

/// Whom closing something concerns: shown before it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClosureConcerns {
    /// Waiting, with those told to get ready.
    pub waiting: u32,
    /// Told to get ready; where they are moved to, they are told anew.
    pub ready: u32,
    /// Away for tests.
    pub held: u32,
    /// Missed, and may report again.
    pub missed: u32,
    /// Called or being served: they are served to the end.
    pub at_counters: u32,
    /// Booked and not here yet: they will check in where the others went.
    pub booked: u32,
}

/// Something closed, as anybody may read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClosedNotice {
    /// The service, where a whole service is closed.
    pub service: Option<Named>,
    /// The counter, where one doctor's clinic is closed.
    pub counter: Option<Named>,
    /// The service people are moved to.
    pub to_service: Option<Named>,
    /// The counter people are moved to.
    pub to_counter: Option<Named>,
    /// Whether they were moved, with their places.
    pub moved: bool,
    /// What they are to do otherwise.
    pub advice: Advice,
    /// The services whose people it concerns.
    pub concerns: Vec<String>,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// What a holder must be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CardNotice {
    /// The service that was closed, where a whole service was.
    pub service: Option<Named>,
    /// The counter that was closed, where one doctor's clinic was.
    pub counter: Option<Named>,
    /// Whether the ticket was moved, with its place, to what the card says now.
    pub moved: bool,
    /// What to do otherwise.
    pub advice: Advice,
}

/// Where a visit in several steps stands (G10).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CardSteps {
    /// The present step, from 1.
    pub step: u32,
    /// How many there are.
    pub of: u32,
    /// What comes after this, in order.
    pub next: Vec<Named>,
}

/// One step that is still to come, as staff see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StepRow {
    /// What for.
    pub service: String,
    /// The only counter that will do.
    pub counter: Option<String>,
}

/// Why a ticket is where nobody expected it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "note", rename_all = "snake_case")]
pub enum NoteRow {
    /// What it waited for was closed, and it was moved with its place.
    Moved {
        /// The service that was closed.
        service: Option<String>,
        /// The counter that was closed.
        counter: Option<String>,
    },
    /// Another venue would not have it; it is back in its old place.
    TurnedBack {
        /// The venue.
        venue: String,
        /// The code of its refusal.
        code: String,
    },
}

/// Where a ticket of another venue comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GuestRow {
    /// The venue that gave the number.
    pub home: String,
    /// The number as it was given there.
    pub number: String,
    /// The venues that sent it on, the latest last.
    pub stops: Vec<StopRow>,
}

/// One venue that sent a ticket on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StopRow {
    /// The venue.
    pub venue: String,
    /// What the person waited for there.
    pub service: String,
    /// When it was sent on.
    pub at: DateTime<Utc>,
    /// Why.
    pub reason: String,
}
