//! Requests that another site's page makes with somebody's cookies are refused: changes, and sockets.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{ORIGIN, UPGRADE};
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError, web};

use super::edge::Edge;
use super::error::ApiError;

/// Lets a request through unless it changes something, or opens a socket, on behalf of a foreign page.
pub async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let risky = !request.method().is_safe() || request.headers().contains_key(UPGRADE);
    if risky && !is_welcome(&request) {
        let refused = ApiError::OriginForeign.error_response();
        return Ok(request.into_response(refused));
    }
    next.call(request).await.map(ServiceResponse::map_into_boxed_body)
}

/// Browsers always name the origin of such requests; programs do not, and have no cookies to abuse.
fn is_welcome(request: &ServiceRequest) -> bool {
    let Some(origin) = request.headers().get(ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    let edge = request.app_data::<web::Data<Edge>>();
    let from = request.connection_info();
    let own = origin.split_once("://").is_some_and(|(_, host)| host.eq_ignore_ascii_case(from.host()));
    let public = edge.and_then(|edge| edge.public_url.as_deref());
    let trusted = edge.map_or(&[][..], |edge| edge.trusted_origins.as_slice());
    own || trusted.iter().map(String::as_str).chain(public).any(|known| known.trim_end_matches('/') == origin)
}
