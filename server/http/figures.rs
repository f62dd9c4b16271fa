//! Why, and how fair: a ticket's story, and a day in figures.

use actix_web::get;
use actix_web::web::{Data, Json, Query};
use callnext_engine::Refusal;
use chrono::NaiveDate;
use serde::Deserialize;

use super::asker::Asker;
use super::edge::Edge;
use super::error::ApiError;
use super::here::Here;
use crate::access::Permission;
use crate::wire::{FiguresAnswer, StoryAnswer};

/// Which day.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DayQuery {
    day: Option<NaiveDate>,
}

/// A ticket's whole story: what happened to it, who did it, and each time it was passed over, by whom and why.
#[utoipa::path(tag = "tickets", responses((status = 200, body = StoryAnswer)))]
#[get("/venues/{venue}/tickets/{id}/story")]
pub(super) async fn story(edge: Data<Edge>, here: Here, asker: Asker) -> Result<Json<StoryAnswer>, ApiError> {
    let venue = here.venue()?;
    asker.must(Permission::SeeStory, &venue)?;
    let ticket = here.ticket()?;
    let story = edge.registry.story(&venue, ticket).await?;
    Ok(Json(story.ok_or(Refusal::TicketUnknown { ticket })?))
}

/// A day in figures: waits, overtakes, the ratio kept, calls by hand and by whom (B3, B9, R1).
#[utoipa::path(
    tag = "venues",
    params(("day" = Option<String>, Query, format = Date, description = "The business day, by the local date on which \
        it started, as in `2026-03-02`; today if left out.")),
    responses((status = 200, body = FiguresAnswer))
)]
#[get("/venues/{venue}/figures")]
pub(super) async fn day(edge: Data<Edge>, here: Here, asker: Asker) -> Result<Json<FiguresAnswer>, ApiError> {
    let venue = here.venue()?;
    asker.must(Permission::SeeFigures, &venue)?;
    let Query(DayQuery { day }) = Query::from_query(here.0.query_string()).map_err(|_| Refusal::ValueInvalid {
        field: "day".to_owned(),
        problem: "is not a date as in 2026-03-02, or something else was asked as well".to_owned(),
    })?;
    Ok(Json(edge.registry.figures(&venue, day).await?.ok_or(ApiError::DayUnknown)?))
}
