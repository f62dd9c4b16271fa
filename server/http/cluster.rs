//! What nodes ask each other, under `/cluster/v1`: for no one else, and not in the public documents.

use actix_web::web::{self, Bytes, Data, Json, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use callnext_engine::Command;

use super::edge::Edge;
use super::error::ApiError;
use super::here::Here;
use crate::cluster::peers::Reply;
use crate::cluster::{Member, signature};
use crate::venues::{SubmitError, SubmitOrRegistryError};

/// Largest request of another node, bytes: a day's bookings.
const BYTES_MAX: usize = 8 * 1024 * 1024;

/// The addresses that other nodes use. Without other nodes there is nothing here.
pub fn routes(config: &mut ServiceConfig) {
    config.service(
        web::scope("/cluster/v1")
            .app_data(web::PayloadConfig::new(BYTES_MAX))
            .route("/venues/{venue}/commands", web::post().to(command))
            .route("/venues/{venue}/ownership", web::post().to(ownership)),
    );
}

/// Carries out a command that another node took in: it judged who asks, this one judges what.
async fn command(request: HttpRequest, edge: Data<Edge>, body: Bytes) -> Result<Json<Reply>, ApiError> {
    let member = signed(&request, &edge, &body)?;
    let command: Command = serde_json::from_slice(&body).map_err(|error| ApiError::BodyInvalid(error.to_string()))?;
    let venue = Here(request).venue()?;
    let answer = edge.registry.submit_here(&venue, command).await.map_err(|error| match error {
        SubmitOrRegistryError::Submit(error) => error,
        // It could not be opened, so it was not even asked.
        SubmitOrRegistryError::Registry(_) => SubmitError::NotOwner,
    });
    Ok(Json(Reply::of(answer, member.holder(&venue))))
}

/// Another node has given a venue to this one.
async fn ownership(request: HttpRequest, edge: Data<Edge>, body: Bytes) -> Result<HttpResponse, ApiError> {
    let member = signed(&request, &edge, &body)?;
    let venue = Here(request).venue()?;
    if member.given(&venue, &edge.registry).await {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(ApiError::Unavailable)
    }
}

/// The node, if the request comes from another one of its installation.
fn signed<'e>(request: &HttpRequest, edge: &'e Edge, body: &[u8]) -> Result<&'e Member, ApiError> {
    let member = edge.member.as_deref().ok_or(ApiError::NotFound)?;
    let header = request.headers().get(signature::HEADER).and_then(|header| header.to_str().ok());
    let right = header.is_some_and(|header| member.peers().signer().accepts(header, request.path(), body));
    right.then_some(member).ok_or(ApiError::Forbidden)
}
