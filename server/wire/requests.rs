//! Bodies of requests. Unknown fields are refused; the engine judges the values.

use std::collections::BTreeMap;

use callnext_engine::counter::CounterState;
use callnext_engine::text::Language;
use callnext_engine::ticket::Urgency;
use callnext_engine::{ClassId, CounterId, Lane, ReasonCode, ServiceId, TicketId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::StepRequest;

/// `POST /sessions`
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    /// Account name.
    pub user: String,
    /// Password.
    pub password: String,
}

/// `POST /setup`: the first account, by the one-time link.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetupRequest {
    /// From the link printed at first start.
    pub token: String,
    /// Account name of the administrator.
    pub user: String,
    /// At least ten characters.
    pub password: String,
}

/// `PUT /accounts/{user}`
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountRequest {
    /// A new password; left out to keep the present one.
    #[serde(default)]
    pub password: Option<String>,
    /// Role per venue (`administrator`, `manager`, `nurse`, `clerk`, `viewer`); `*` for every venue.
    pub roles: BTreeMap<String, String>,
}

/// `POST /venues/{venue}/devices`
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceRequest {
    /// A name for it: where it hangs.
    pub name: String,
    /// `board` or `kiosk`.
    pub kind: String,
}

/// `POST /devices/current`: lets a browser in as a device; the token then lives in a cookie.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceLoginRequest {
    /// From the device's link.
    pub token: String,
}

/// `POST /venues/{venue}/tickets`
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TicketRequest {
    /// What for.
    #[schema(value_type = String)]
    pub service: ServiceId,
    /// `walk_in` unless staff say otherwise.
    #[serde(default)]
    pub lane: Option<Lane>,
    /// The name to be called by.
    #[serde(default)]
    pub name: Option<String>,
    /// A phone number for messages.
    #[serde(default)]
    pub phone: Option<String>,
    /// An identity document's number; only a keyed hash of it is kept (B4).
    #[serde(default)]
    pub visitor: Option<String>,
    /// The only counter that will do (C5).
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub counter: Option<CounterId>,
    /// What is to be done after that, in order, with the same number (G10). Not for those who join by phone.
    #[serde(default)]
    pub steps: Vec<StepRequest>,
    /// The language the person reads.
    #[serde(default)]
    pub language: Option<Language>,
    /// Which of the service's classes the person belongs to (E1).
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub class: Option<ClassId>,
    /// The next free slot of today instead of a plain number (R4).
    #[serde(default)]
    pub slot: bool,
}

/// One booking of `PUT /venues/{venue}/appointments`; as CSV the same names are the header.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AppointmentRequest {
    /// The booking's code, as printed or scanned.
    pub code: String,
    /// What for.
    #[schema(value_type = String)]
    pub service: ServiceId,
    /// Start of the slot: RFC 3339, or the venue's local time `HH:MM`.
    pub slot: String,
    /// Length of the slot in minutes; 30 when left out (R4).
    #[serde(default)]
    pub slot_minutes: Option<u32>,
    /// The name to be called by.
    #[serde(default)]
    pub name: Option<String>,
    /// An identity document's number; only a keyed hash of it is kept (B4).
    #[serde(default)]
    pub visitor: Option<String>,
    /// The only counter that will do (C5).
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub counter: Option<CounterId>,
    /// Which of the service's classes the person belongs to (E1).
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub class: Option<ClassId>,
    /// The services after that, in order, separated by spaces (G10).
    #[serde(default)]
    pub steps: Option<String>,
}

/// `POST /venues/{venue}/check-ins`
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckInRequest {
    /// The booking's code.
    pub code: String,
    /// The identity shown; compared with the booking's where it has one (B4).
    #[serde(default)]
    pub visitor: Option<String>,
}

/// `POST /venues/{venue}/overflows`. Over the quota it takes the word of a person: the asker's own, if their role is
/// enough, or an approver's.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OverflowRequest {
    /// What for.
    #[schema(value_type = String)]
    pub service: ServiceId,
    /// Why: one of the venue's `overflow` reasons; without one, `reason` is needed and kept as `other` (B3).
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub code: Option<ReasonCode>,
    /// The reason in words; kept on record.
    #[serde(default)]
    pub reason: String,
    /// Who answers for it.
    pub approved_by: String,
    /// The name to be called by.
    #[serde(default)]
    pub name: Option<String>,
    /// Anything more.
    #[serde(default)]
    pub note: Option<String>,
    /// Who allows it over the quota, if it is not the asker.
    #[serde(default)]
    pub approver: Option<ApproverRequest>,
}

/// Somebody beside the asker who proves who they are. Tried as often as a login can be.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApproverRequest {
    /// Account name.
    pub user: String,
    /// Password; kept nowhere.
    pub password: String,
}

/// `POST …/counters/{counter}/calls`: `{}` for the next one, or a ticket with a reason.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CallRequest {
    /// This one, outside the rule.
    #[serde(default)]
    #[schema(value_type = Option<u64>)]
    pub ticket: Option<TicketId>,
    /// Why: one of the venue's `by_hand` reasons; without one, `reason` is needed and kept as `other`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub code: Option<ReasonCode>,
    /// The reason in words; kept on record.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A body that may be left out and says nothing: `{}`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmptyRequest {}

/// `PUT …/counters/{counter}`
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CounterRequest {
    /// Open, paused or closed.
    pub state: CounterState,
    /// What it serves from now on; left out to keep.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    pub services: Option<Vec<ServiceId>>,
}

/// Holds, requeues and cancellations by staff.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReasonRequest {
    /// Why; kept on record.
    #[serde(default)]
    pub reason: Option<String>,
}

/// `PUT …/tickets/{id}/class`
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassRequest {
    /// Which of the service's classes the person belongs to; none where it is left out (E1).
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub class: Option<ClassId>,
}

/// `POST …/tickets/{id}/green_channel`
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GreenChannelRequest {
    /// Why: one of the venue's `green_channel` or `emergency` reasons; without one, `reason` is needed and kept as
    /// `other` (R3, R10).
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub code: Option<ReasonCode>,
    /// The reason in words; kept on record.
    #[serde(default)]
    pub reason: String,
    /// `green_channel` unless said otherwise.
    #[serde(default)]
    pub urgency: Option<Urgency>,
}

/// `POST /tickets/{token}/step_backs`
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StepBackRequest {
    /// How many to let go first.
    pub places: u32,
}
