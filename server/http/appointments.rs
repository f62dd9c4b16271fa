//! Bookings: the day's list, and "I am here".

use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, post, put};
use callnext_engine::appointment::{Appointment, AppointmentState};
use callnext_engine::step::Step;
use callnext_engine::ticket::{Slot, Visitor};
use callnext_engine::venue::Outcome;
use callnext_engine::{Action, BusinessDay, Millis, ServiceId, Timestamp, VenueConfig};
use chrono::{DateTime, NaiveTime};

use super::edge::Edge;
use super::error::ApiError;
use super::here::Here;
use super::tickets::{issued, text};
use super::write::{ByName, RawWrite, Write, is_json};
use crate::access::Permission;
use crate::wire::{AppointmentRequest, AppointmentsAnswer, CheckInRequest, TicketIssued};

/// Length of a slot where a booking does not say, minutes (R4).
const SLOT_MINUTES: u32 = 30;
/// Longest slot, minutes: half a day.
const SLOT_MINUTES_MAX: u32 = 720;

/// Sets today's booked people: replaces those who have not checked in. A JSON array, or CSV with a header.
#[utoipa::path(
    tag = "appointments",
    request_body(content(([AppointmentRequest] = "application/json"), (String = "text/csv"))),
    responses((status = 200, body = AppointmentsAnswer))
)]
#[put("/venues/{venue}/appointments")]
pub(super) async fn set(edge: Data<Edge>, here: Here, raw: RawWrite) -> Result<Json<AppointmentsAnswer>, ApiError> {
    let venue = here.venue()?;
    raw.write.asker.must(Permission::SetAppointments, &venue)?;
    let asked = match raw.content_type.as_str() {
        "text/csv" => from_csv(&raw.bytes)?,
        kind if kind.is_empty() || is_json(kind) => from_json(&raw.bytes)?,
        other => return Err(ApiError::BodyInvalid(format!("send application/json or text/csv, not {other}"))),
    };
    let (day, config) =
        edge.registry.look(&venue, |shown| (shown.venue().day(), shown.venue().config().clone())).await?;
    let reference = |identity: &str| edge.access.links().visitor_reference(identity);
    let appointments = asked.into_iter().map(|one| appointment(one, day, &config, &reference));
    let appointments = appointments.collect::<Result<Vec<_>, _>>()?;
    let action = Action::SetAppointments { appointments };
    let answer = edge.submit(&venue, &raw.write, Permission::SetAppointments, action).await?;
    match answer.outcome {
        Outcome::Appointments { count } => Ok(Json(AppointmentsAnswer { appointments: count })),
        _ => Err(ApiError::Internal),
    }
}

/// "I am here": a booking becomes a waiting ticket (R9).
#[utoipa::path(tag = "appointments", request_body = CheckInRequest, responses((status = 201, body = TicketIssued)))]
#[post("/venues/{venue}/check-ins")]
pub(super) async fn check_in(
    edge: Data<Edge>,
    here: Here,
    write: Write<CheckInRequest>,
) -> Result<HttpResponse, ApiError> {
    let venue = here.venue()?;
    let reference = write.body.visitor.as_deref().and_then(|identity| edge.access.links().visitor_reference(identity));
    let action = Action::CheckIn { code: write.body.code.trim().into(), reference };
    let answer = edge.submit(&venue, &write, Permission::CheckIn, action).await?;
    issued(&edge, &here, &venue, answer)
}

fn from_json(bytes: &[u8]) -> Result<Vec<AppointmentRequest>, ApiError> {
    let rows: Vec<ByName<_>> =
        serde_json::from_slice(bytes).map_err(|error| ApiError::BodyInvalid(error.to_string()))?;
    Ok(rows.into_iter().map(|ByName(row)| row).collect())
}

fn from_csv(bytes: &[u8]) -> Result<Vec<AppointmentRequest>, ApiError> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    // An empty field is a field left out.
    let rows = reader.deserialize::<AppointmentRequest>();
    rows.collect::<Result<Vec<_>, _>>().map_err(|error| ApiError::BodyInvalid(error.to_string()))
}

fn appointment(
    asked: AppointmentRequest,
    day: BusinessDay,
    config: &VenueConfig,
    reference: &impl Fn(&str) -> Option<std::sync::Arc<str>>,
) -> Result<Appointment, ApiError> {
    let start = slot_start(&asked.slot, day, config).ok_or_else(|| {
        ApiError::AppointmentsInvalid(format!("slot \"{}\" is neither RFC 3339 nor HH:MM", asked.slot))
    })?;
    let minutes = asked.slot_minutes.unwrap_or(SLOT_MINUTES);
    if !(1..=SLOT_MINUTES_MAX).contains(&minutes) {
        let problem = format!("slot_minutes of \"{}\" is not from 1 to {SLOT_MINUTES_MAX}", asked.code);
        return Err(ApiError::AppointmentsInvalid(problem));
    }
    Ok(Appointment {
        code: asked.code.trim().into(),
        service: asked.service,
        slot: Slot { start, end: start + Millis::from_mins(minutes.into()) },
        visitor: Visitor {
            name: text(asked.name.as_deref()),
            reference: asked.visitor.as_deref().and_then(reference),
            class: asked.class,
            ..Visitor::default()
        },
        wants: asked.counter,
        steps: steps(asked.steps.as_deref().unwrap_or_default())?,
        state: AppointmentState::Expected,
    })
}

fn steps(text: &str) -> Result<Vec<Step>, ApiError> {
    let step = |id: &str| match ServiceId::parse(id) {
        Ok(service) => Ok(Step { service, wants: None }),
        Err(problem) => Err(ApiError::AppointmentsInvalid(format!("steps: {problem}"))),
    };
    text.split_whitespace().map(step).collect()
}

fn slot_start(text: &str, day: BusinessDay, config: &VenueConfig) -> Option<Timestamp> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(Timestamp(at.timestamp_millis()));
    }
    let time = NaiveTime::parse_from_str(text, "%H:%M").ok()?;
    Some(day.at(time, config.time_zone, config.day_start))
}
