//! Venues: what anybody may see, and the whole queue for staff.

use actix_web::web::{Data, Json};
use actix_web::{get, post};
use callnext_engine::Action;
use callnext_engine::venue::Outcome;

use super::asker::Asker;
use super::edge::Edge;
use super::error::ApiError;
use super::here::Here;
use super::write::Write;
use crate::access::Permission;
use crate::venues::view;
use crate::wire::{ConsoleFrame, EmptyRequest, StaffingList, UndoAnswer, VenueList, VenueSummary, rfc3339};

/// All venues of this server.
#[utoipa::path(tag = "venues", responses((status = 200, body = VenueList)))]
#[get("/venues")]
pub(super) async fn list(edge: Data<Edge>) -> Result<Json<VenueList>, ApiError> {
    let mut venues = Vec::new();
    for id in edge.registry.ids() {
        venues.push(edge.registry.look(id, |shown| view::summary(shown.venue(), shown.now())).await?);
    }
    Ok(Json(VenueList { venues }))
}

/// One venue: names, services, open counters.
#[utoipa::path(tag = "venues", responses((status = 200, body = VenueSummary)))]
#[get("/venues/{venue}")]
pub(super) async fn one(edge: Data<Edge>, here: Here) -> Result<Json<VenueSummary>, ApiError> {
    Ok(Json(edge.registry.look(&here.venue()?, |shown| view::summary(shown.venue(), shown.now())).await?))
}

/// The whole queue in projected order. Staff only.
#[utoipa::path(tag = "venues", responses((status = 200, body = ConsoleFrame)))]
#[get("/venues/{venue}/queue")]
pub(super) async fn queue(edge: Data<Edge>, here: Here, asker: Asker) -> Result<Json<ConsoleFrame>, ApiError> {
    let venue = here.venue()?;
    asker.must(Permission::SeeQueue, &venue)?;
    let frame = edge.registry.look(&venue, |shown| {
        let current = shown.current();
        ConsoleFrame {
            kind: "console".to_owned(),
            epoch: current.epoch.to_string(),
            seq: current.seq.0,
            at: rfc3339(current.at),
            console: shown.console(),
        }
    });
    Ok(Json(frame.await?))
}

/// How many counters each service needs to keep its target wait: a hint, by the arrivals of the last hour (E1).
#[utoipa::path(tag = "venues", responses((status = 200, body = StaffingList)))]
#[get("/venues/{venue}/staffing")]
pub(super) async fn staffing(edge: Data<Edge>, here: Here, asker: Asker) -> Result<Json<StaffingList>, ApiError> {
    let venue = here.venue()?;
    asker.must(Permission::SeeQueue, &venue)?;
    Ok(Json(edge.registry.look(&venue, |shown| view::staffing(shown.venue(), shown.now())).await?))
}

/// Takes back one's own last change, within 30 seconds and if nothing followed from it.
#[utoipa::path(tag = "venues", request_body = EmptyRequest, responses((status = 200, body = UndoAnswer)))]
#[post("/venues/{venue}/undo")]
pub(super) async fn undo(
    edge: Data<Edge>,
    here: Here,
    write: Write<EmptyRequest>,
) -> Result<Json<UndoAnswer>, ApiError> {
    let answer = edge.submit(&here.venue()?, &write, Permission::Undo, Action::Undo).await?;
    match answer.outcome {
        Outcome::Undone { seq, .. } => Ok(Json(UndoAnswer { undone: seq.0, tickets: answer.tickets })),
        _ => Err(ApiError::Internal),
    }
}
