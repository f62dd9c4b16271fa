//! The phone: one ticket, by its link.

use actix_web::web::Data;
use actix_web::{HttpResponse, get, post};
use callnext_engine::Action;

use super::edge::Edge;
use super::error::ApiError;
use super::here::Here;
use super::write::Write;
use crate::wire::{CardFrame, EmptyRequest, StepBackRequest};

/// The card: number, state, how many are really ahead, the wait, where to go.
#[utoipa::path(tag = "phone", responses((status = 200, body = CardFrame)))]
#[get("/tickets/{token}")]
pub(super) async fn card(edge: Data<Edge>, here: Here) -> Result<HttpResponse, ApiError> {
    show(&edge, &here).await
}

/// The phone page's address as a picture to point a camera at.
#[utoipa::path(tag = "phone", responses((status = 200, body = String, content_type = "image/svg+xml")))]
#[get("/tickets/{token}/qr.svg")]
pub(super) async fn qr(edge: Data<Edge>, here: Here) -> Result<HttpResponse, ApiError> {
    use fast_qr::convert::{Builder, svg::SvgBuilder};
    here.link()?;
    let address = format!("{}/t/{}", edge.base_url(&here.0), here.part("token"));
    let code = fast_qr::QRBuilder::new(address).build().map_err(|_| ApiError::Internal)?;
    let picture = SvgBuilder::default().margin(2).to_str(&code);
    Ok(HttpResponse::Ok().content_type("image/svg+xml").insert_header(("Cache-Control", "no-store")).body(picture))
}

/// Leaves the queue.
#[utoipa::path(tag = "phone", request_body = EmptyRequest, responses((status = 200, body = CardFrame)))]
#[post("/tickets/{token}/cancellations")]
pub(super) async fn cancel(edge: Data<Edge>, here: Here, write: Write<EmptyRequest>) -> Result<HttpResponse, ApiError> {
    let link = edge.follow(here.link()?).await?;
    edge.submit_as_holder(&link, &write, Action::Cancel { ticket: link.ticket, reason: None }).await?;
    show(&edge, &here).await
}

/// Lets the next few go first.
#[utoipa::path(tag = "phone", request_body = StepBackRequest, responses((status = 200, body = CardFrame)))]
#[post("/tickets/{token}/step_backs")]
pub(super) async fn step_back(
    edge: Data<Edge>,
    here: Here,
    write: Write<StepBackRequest>,
) -> Result<HttpResponse, ApiError> {
    let link = edge.follow(here.link()?).await?;
    let action = Action::StepBack { ticket: link.ticket, places: write.body.places };
    edge.submit_as_holder(&link, &write, action).await?;
    show(&edge, &here).await
}

async fn show(edge: &Edge, here: &Here) -> Result<HttpResponse, ApiError> {
    let link = edge.follow(here.link()?).await?;
    let frame = edge.registry.look(&link.venue, move |shown| shown.card_frame(link.ticket)).await?;
    // The card is already text: the very bytes a socket would get.
    let body = frame.ok_or(ApiError::TokenUnknown)?.text().into_bytes();
    Ok(HttpResponse::Ok().content_type("application/json").insert_header(("Cache-Control", "no-store")).body(body))
}
