//! Closing a service or a doctor's clinic for the day, and opening it again (B10).

use actix_web::web::{Data, Json};
use actix_web::{get, post};
use callnext_engine::Action;
use callnext_engine::closure::{Closable, Closure, Destination};

use super::asker::Asker;
use super::edge::Edge;
use super::error::ApiError;
use super::here::Here;
use super::write::Write;
use crate::access::Permission;
use crate::venues::notices;
use crate::wire::{ClosureAnswer, ClosureRequest, EmptyRequest};

/// Whether a service is closed, and whom closing it would concern.
#[utoipa::path(tag = "closures", responses((status = 200, body = ClosureAnswer)))]
#[get("/venues/{venue}/services/{service}/closure")]
pub(super) async fn of_service(edge: Data<Edge>, here: Here, asker: Asker) -> Result<Json<ClosureAnswer>, ApiError> {
    let service = here.service()?;
    seen(&edge, &here, &asker, Closable::Service { service }).await
}

/// Whether a doctor's clinic is closed, and whom closing it would concern: those who want this counter.
#[utoipa::path(tag = "closures", responses((status = 200, body = ClosureAnswer)))]
#[get("/venues/{venue}/counters/{counter}/closure")]
pub(super) async fn of_counter(edge: Data<Edge>, here: Here, asker: Asker) -> Result<Json<ClosureAnswer>, ApiError> {
    let counter = here.counter()?;
    seen(&edge, &here, &asker, Closable::Counter { counter }).await
}

/// Closes a service for the day: it gives no new numbers. Whoever waits is moved with their place, all in one
/// change, or told what to do.
#[utoipa::path(tag = "closures", request_body = ClosureRequest, responses((status = 200, body = ClosureAnswer)))]
#[post("/venues/{venue}/services/{service}/closures")]
pub(super) async fn close_service(
    edge: Data<Edge>,
    here: Here,
    write: Write<ClosureRequest>,
) -> Result<Json<ClosureAnswer>, ApiError> {
    let service = here.service()?;
    close(&edge, &here, &write, Closable::Service { service }).await
}

/// Closes a doctor's clinic for the day: those who want this counter are moved to a substitute, or told what to do.
#[utoipa::path(tag = "closures", request_body = ClosureRequest, responses((status = 200, body = ClosureAnswer)))]
#[post("/venues/{venue}/counters/{counter}/closures")]
pub(super) async fn close_counter(
    edge: Data<Edge>,
    here: Here,
    write: Write<ClosureRequest>,
) -> Result<Json<ClosureAnswer>, ApiError> {
    let counter = here.counter()?;
    close(&edge, &here, &write, Closable::Counter { counter }).await
}

/// Opens a service again. Whoever was moved stays where they are.
#[utoipa::path(tag = "closures", request_body = EmptyRequest, responses((status = 200, body = ClosureAnswer)))]
#[post("/venues/{venue}/services/{service}/reopenings")]
pub(super) async fn reopen_service(
    edge: Data<Edge>,
    here: Here,
    write: Write<EmptyRequest>,
) -> Result<Json<ClosureAnswer>, ApiError> {
    let service = here.service()?;
    reopen(&edge, &here, &write, Closable::Service { service }).await
}

/// Opens a doctor's clinic again. Opening the counter does as much.
#[utoipa::path(tag = "closures", request_body = EmptyRequest, responses((status = 200, body = ClosureAnswer)))]
#[post("/venues/{venue}/counters/{counter}/reopenings")]
pub(super) async fn reopen_counter(
    edge: Data<Edge>,
    here: Here,
    write: Write<EmptyRequest>,
) -> Result<Json<ClosureAnswer>, ApiError> {
    let counter = here.counter()?;
    reopen(&edge, &here, &write, Closable::Counter { counter }).await
}

async fn seen(edge: &Edge, here: &Here, asker: &Asker, closed: Closable) -> Result<Json<ClosureAnswer>, ApiError> {
    asker.must(Permission::SeeQueue, &here.venue()?)?;
    answer(edge, here, closed).await
}

async fn close(
    edge: &Edge,
    here: &Here,
    write: &Write<ClosureRequest>,
    closed: Closable,
) -> Result<Json<ClosureAnswer>, ApiError> {
    let asked = &write.body;
    let moves = asked.to_service.is_some() || asked.to_counter.is_some() || asked.to_any_counter;
    let to = moves.then(|| Destination { service: asked.to_service.clone(), wants: asked.to_counter.clone() });
    let (reason, advice) = (asked.reason.as_str().into(), asked.advice.unwrap_or_default());
    let action = Action::Close { closure: Box::new(Closure { closed: closed.clone(), reason, advice, to }) };
    edge.submit(&here.venue()?, write, Permission::Close, action).await?;
    answer(edge, here, closed).await
}

async fn reopen<T>(
    edge: &Edge,
    here: &Here,
    write: &Write<T>,
    closed: Closable,
) -> Result<Json<ClosureAnswer>, ApiError> {
    edge.submit(&here.venue()?, write, Permission::Close, Action::Reopen { closed: closed.clone() }).await?;
    answer(edge, here, closed).await
}

async fn answer(edge: &Edge, here: &Here, closed: Closable) -> Result<Json<ClosureAnswer>, ApiError> {
    let venue = here.venue()?;
    let found = edge.registry.look(&venue, move |shown| {
        let venue = shown.venue();
        let known = match &closed {
            Closable::Service { service } => venue.config().service(service).is_some(),
            Closable::Counter { counter } => venue.counter(counter).is_some(),
        };
        known.then(|| notices::closure_answer(venue, &closed))
    });
    found.await?.map(Json).ok_or(ApiError::NotFound)
}
