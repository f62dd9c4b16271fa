//! How the edge says no: the only place that picks statuses. RFC 9457 problem details, each with a stable code.

use actix_web::http::{Method, StatusCode, header};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use callnext_engine::Refusal;
use callnext_engine::refusal::RefusalKind;
use serde_json::Value;

use super::docs::Methods;
use crate::access::{AccessError, AccessErrorKind};
use crate::journal::JournalError;
use crate::venues::{RegistryError, SubmitError, SubmitOrRegistryError};
use crate::wire::Problem;

/// How long a caller should wait when the world fails, seconds.
const RETRY_AFTER_S: i64 = 2;

/// Every problem the edge can answer with.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The venue says no.
    #[error("{}", sentence(.0))]
    Refused(Refusal),
    /// Accounts, logins or devices say no.
    #[error(transparent)]
    Access(AccessError),
    /// Nobody is logged in.
    #[error("log in first, or send a token as \"Authorization: Bearer …\"")]
    Unauthenticated,
    /// Somebody is, but may not do this.
    #[error("your role does not allow this here")]
    Forbidden,
    /// The venue does not let people join by phone.
    #[error("this venue gives out numbers on site only")]
    JoinNotAllowed,
    /// A page of another origin asks.
    #[error("requests from other sites are not accepted")]
    OriginForeign,
    /// No such venue.
    #[error("there is no such venue")]
    VenueUnknown,
    /// No such service, in an address.
    #[error("there is no service \"{0}\" here")]
    ServiceUnknown(String),
    /// The journal knows no such day.
    #[error("there is nothing on record of this day")]
    DayUnknown,
    /// The phone link opens nothing.
    #[error("this link opens no ticket, or its day is over")]
    TokenUnknown,
    /// No such address.
    #[error("there is nothing at this address")]
    NotFound,
    /// Not this method.
    #[error("this address does not take {method}, only {allowed}")]
    MethodNotAllowed {
        /// The method.
        method: Method,
        /// Those it takes.
        allowed: String,
    },
    /// Here is a socket, and the request does not open one.
    #[error("this address is a WebSocket: ask for an upgrade (RFC 6455)")]
    UpgradeRequired,
    /// The body is not what it should be.
    #[error("the body cannot be read: {0}")]
    BodyInvalid(String),
    /// The body is too large.
    #[error("the body is larger than {0} bytes")]
    BodyTooLarge(usize),
    /// What stands behind the `?` of the address is not what it should be.
    #[error("the address cannot be read: {0}")]
    QueryInvalid(String),
    /// The idempotency key is not usable.
    #[error("Idempotency-Key must be 1 to 200 visible ASCII characters")]
    KeyInvalid,
    /// The bookings have faults.
    #[error("the bookings cannot be taken in: {0}")]
    AppointmentsInvalid(String),
    /// The world fails: storage is away, or there is too much to do.
    #[error("the server cannot save at the moment; nothing was changed")]
    Unavailable,
    /// More sockets come than can be opened in time.
    #[error("too many come at this moment; come back in {retry_after_s} s")]
    Crowded {
        /// When to come back, seconds.
        retry_after_s: u32,
    },
    /// We are wrong.
    #[error("something went wrong on our side")]
    Internal,
}

impl ApiError {
    fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Access(error) => error.code(),
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::JoinNotAllowed => "join_not_allowed",
            Self::OriginForeign => "origin_foreign",
            Self::VenueUnknown => "venue_unknown",
            Self::ServiceUnknown(_) => "service_unknown",
            Self::DayUnknown => "day_unknown",
            Self::TokenUnknown => "token_unknown",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::UpgradeRequired => "upgrade_required",
            Self::BodyInvalid(_) => "body_invalid",
            Self::BodyTooLarge(_) => "body_too_large",
            Self::QueryInvalid(_) => "query_invalid",
            Self::KeyInvalid => "idempotency_key_invalid",
            Self::AppointmentsInvalid(_) => "appointments_invalid",
            Self::Unavailable | Self::Crowded { .. } => "service_unavailable",
            Self::Internal => "internal_error",
        }
    }

    fn title(&self) -> String {
        let mut words = self.code().replace('_', " ");
        if let Some(first) = words.get_mut(0..1) {
            first.make_ascii_uppercase();
        }
        words
    }

    fn retry_after_s(&self) -> Option<i64> {
        match self {
            Self::Access(AccessError::TooManyAttempts { retry_after }) => Some(retry_after.as_secs().max(1)),
            Self::Crowded { retry_after_s } => Some((*retry_after_s).into()),
            other if other.status_code() == StatusCode::SERVICE_UNAVAILABLE => Some(RETRY_AFTER_S),
            _ => None,
        }
    }

    fn about(&self) -> Value {
        let Self::Refused(refusal) = self else { return Value::Null };
        let mut about = serde_json::to_value(refusal).unwrap_or_default();
        if let Some(fields) = about.as_object_mut() {
            fields.remove("code");
            if fields.is_empty() {
                return Value::Null;
            }
        }
        about
    }

    /// The problem as it is sent.
    pub fn problem(&self) -> Problem {
        Problem {
            kind: format!("urn:callnext:problem:{}", self.code()),
            title: self.title(),
            status: self.status_code().as_u16(),
            detail: self.to_string(),
            code: self.code().to_owned(),
            about: self.about(),
        }
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Refused(refusal) => match refusal.kind() {
                RefusalKind::Forbidden => StatusCode::FORBIDDEN,
                RefusalKind::Unknown => StatusCode::NOT_FOUND,
                RefusalKind::Conflict => StatusCode::CONFLICT,
                RefusalKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
                RefusalKind::Limit => StatusCode::TOO_MANY_REQUESTS,
            },
            Self::Access(error) => match error.kind() {
                AccessErrorKind::Unauthenticated => StatusCode::UNAUTHORIZED,
                AccessErrorKind::Forbidden => StatusCode::FORBIDDEN,
                AccessErrorKind::Unknown => StatusCode::NOT_FOUND,
                AccessErrorKind::Conflict => StatusCode::CONFLICT,
                AccessErrorKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
                AccessErrorKind::Limit => StatusCode::TOO_MANY_REQUESTS,
                AccessErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            },
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::JoinNotAllowed | Self::OriginForeign => StatusCode::FORBIDDEN,
            Self::VenueUnknown | Self::ServiceUnknown(_) | Self::DayUnknown | Self::TokenUnknown | Self::NotFound => {
                StatusCode::NOT_FOUND
            }
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::UpgradeRequired => StatusCode::UPGRADE_REQUIRED,
            Self::BodyInvalid(_) | Self::QueryInvalid(_) | Self::KeyInvalid => StatusCode::BAD_REQUEST,
            Self::BodyTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::AppointmentsInvalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Unavailable | Self::Crowded { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status_code());
        if let Some(seconds) = self.retry_after_s() {
            answer.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        if self.status_code() == StatusCode::UNAUTHORIZED {
            answer.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        match self {
            Self::MethodNotAllowed { allowed, .. } => {
                answer.insert_header((header::ALLOW, allowed.as_str()));
            }
            Self::UpgradeRequired => {
                answer.insert_header((header::UPGRADE, "websocket"));
            }
            _ => {}
        }
        let text = serde_json::to_string(&self.problem()).unwrap_or_default();
        answer.content_type("application/problem+json").body(text)
    }
}

/// A refusal in English, for logs and programs; pages have their own words for each code.
fn sentence(refusal: &Refusal) -> String {
    match refusal {
        Refusal::ServiceUnknown { service } => format!("there is no service \"{service}\" here"),
        Refusal::CounterUnknown { counter } => format!("there is no counter \"{counter}\" here"),
        Refusal::TicketUnknown { ticket } => format!("there is no ticket {ticket} today"),
        Refusal::AppointmentUnknown => "there is no booking with this code today".to_owned(),
        Refusal::AlreadyCheckedIn { ticket } => format!("this booking was checked in before, as ticket {ticket}"),
        Refusal::IdentityMismatch => "the identity shown is not the one that booked".to_owned(),
        Refusal::CounterNotOpen { counter } => format!("counter \"{counter}\" is not open"),
        Refusal::CounterIdle { counter } => format!("nobody was called to counter \"{counter}\""),
        Refusal::CounterBusy { counter, ticket } => format!("counter \"{counter}\" still has ticket {ticket}"),
        Refusal::CounterDoesNotServe { counter, ticket } => {
            format!("counter \"{counter}\" does not serve what ticket {ticket} waits for, or it wants another counter")
        }
        Refusal::TicketNotInState { ticket, state, needed } => {
            format!("ticket {ticket} is {state}; this needs it to be {needed}")
        }
        Refusal::MissTooEarly { ticket, grace_ms, recalls } => {
            format!("ticket {ticket} cannot be missed yet: {grace_ms} ms of grace and {recalls} recalls are left")
        }
        Refusal::SlotNotBegun { ticket } => format!("ticket {ticket} cannot be missed before its own slot"),
        Refusal::ServiceClosed { service } => format!("service \"{service}\" is closed for today"),
        Refusal::CounterClosed { counter } => format!("the clinic at counter \"{counter}\" is closed for today"),
        Refusal::NotClosed => "it is not closed".to_owned(),
        Refusal::NoNextStep { ticket } => format!("ticket {ticket} has no step after this one"),
        Refusal::DayOver => "the day on which it was sent is over".to_owned(),
        Refusal::TransferUnknown => "no such transfer is on its way".to_owned(),
        Refusal::OverflowQuotaReached { service, quota, approver: None } => {
            format!("all {quota} overflow numbers of \"{service}\" have been added")
        }
        Refusal::OverflowQuotaReached { service, quota, approver: Some(_) } => {
            format!("all {quota} overflow numbers of \"{service}\" have been added; more need somebody's approval")
        }
        Refusal::CheckInTooEarly { from } => {
            format!("it is too early to check in for this booking: come from {from} on")
        }
        Refusal::AppointmentNotShown => "the session of this booking is over: it counts as not shown".to_owned(),
        Refusal::NoFreeSlot { service } => format!("\"{service}\" has no free slot left today"),
        Refusal::VenueFull { limit } => format!("the venue's limit of {limit} is reached"),
        Refusal::ConfigInvalid { problems } | Refusal::PolicyInvalid { problems } => problems.join("; "),
        Refusal::PolicyChangedMeanwhile { version } => {
            format!("policies were changed since you looked; look again and say version {version}")
        }
        Refusal::ValueInvalid { field, problem } => format!("{field} {problem}"),
        Refusal::ReasonUnknown { reason, known } => {
            let known: Vec<&str> = known.iter().map(callnext_engine::ReasonCode::as_str).collect();
            format!("\"{reason}\" is not a reason for this here; these are: {}", known.join(", "))
        }
        Refusal::NothingToUndo => "you have changed nothing that can be taken back".to_owned(),
        Refusal::UndoTooLate => "your last change is more than 30 seconds old".to_owned(),
        Refusal::UndoOvertaken => "something followed from your last change".to_owned(),
        Refusal::IdempotencyKeyReused => "this Idempotency-Key stood for another request".to_owned(),
    }
}

/// The answer where there is no route.
pub async fn not_found(request: HttpRequest, methods: Data<Methods>) -> Result<HttpResponse, ApiError> {
    match request.match_pattern() {
        Some(address) => {
            let allowed = methods.of(&address);
            Err(ApiError::MethodNotAllowed { method: request.method().clone(), allowed })
        }
        None => Err(ApiError::NotFound),
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<AccessError> for ApiError {
    fn from(error: AccessError) -> Self {
        if error.kind() == AccessErrorKind::Unavailable {
            tracing::error!(%error, "accounts cannot be read or written");
        }
        Self::Access(error)
    }
}

impl From<JournalError> for ApiError {
    fn from(_: JournalError) -> Self {
        // Logged once by the venue that gave up.
        Self::Unavailable
    }
}

impl From<RegistryError> for ApiError {
    fn from(error: RegistryError) -> Self {
        match error {
            RegistryError::Unknown(_) => Self::VenueUnknown,
            RegistryError::Journal(error) => error.into(),
            // Nothing was to be changed: it can be asked again.
            RegistryError::Broken => Self::Unavailable,
        }
    }
}

impl From<SubmitOrRegistryError> for ApiError {
    fn from(error: SubmitOrRegistryError) -> Self {
        match error {
            SubmitOrRegistryError::Registry(error) => error.into(),
            SubmitOrRegistryError::Submit(SubmitError::Refused(refusal)) => refusal.into(),
            SubmitOrRegistryError::Submit(SubmitError::Journal(error)) => error.into(),
            SubmitOrRegistryError::Submit(
                SubmitError::Busy
                | SubmitError::Moved
                | SubmitError::NotOwner
                | SubmitError::Paused
                | SubmitError::Unsure,
            ) => Self::Unavailable,
            SubmitOrRegistryError::Submit(SubmitError::Broken) => Self::Internal,
        }
    }
}
