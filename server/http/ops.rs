//! For operators: health, readiness, metrics, and what the server says of itself.

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;
use actix_web::web::{self, Data, Json, ServiceConfig};
use actix_web::{Error, HttpResponse, get};

use super::edge::{DemoState, Edge};
use super::error::ApiError;
use crate::wire::{Info, rfc3339};

/// The addresses that programs look at.
pub fn routes(config: &mut ServiceConfig) {
    config
        .route("/healthz", web::get().to(health))
        .route("/readyz", web::get().to(ready))
        .route("/metrics", web::get().to(metrics));
}

/// What the server says of itself.
#[utoipa::path(tag = "server", responses((status = 200, body = Info)))]
#[get("/info")]
pub(super) async fn info(edge: Data<Edge>) -> Json<Info> {
    Json(Info {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        at: rfc3339(edge.clock.now()),
        clock_rate: edge.clock.rate(),
        demo: edge.demo.as_ref().map(DemoState::info),
    })
}

/// The process answers.
async fn health() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("ok\n")
}

/// The process can save, and so can work. Lines that begin with `warning:` tell in how far the store may lose more
/// than the settings promise, and which nights have no snapshot: no reasons not to work.
async fn ready(edge: Data<Edge>) -> Result<HttpResponse, ApiError> {
    if edge.closing.has_begun() {
        return Err(ApiError::Unavailable);
    }
    edge.registry.ready().await?;
    let warnings = edge.registry.shortfalls().into_iter().map(|problem| format!("warning: {problem}"));
    // Why is in the log: it may name places on this machine.
    let nights = edge.nights.troubled().into_iter().map(|(venue, night)| match night.missing {
        0 => format!("warning: venue {venue}: its snapshots cannot be looked after, see the log"),
        missing => format!("warning: venue {venue}: closed days without a snapshot: {missing}"),
    });
    let lines: Vec<String> = std::iter::once("ready".to_owned()).chain(warnings).chain(nights).collect();
    Ok(HttpResponse::Ok().content_type("text/plain").body(lines.join("\n") + "\n"))
}

async fn metrics(edge: Data<Edge>) -> HttpResponse {
    edge.metrics.judged(edge.registry.shortfalls().len());
    HttpResponse::Ok()
        .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
        .body(edge.metrics.render())
}

/// Counts and times each request, and logs those that failed on our side. By route, never by address: an
/// address can hold a secret.
pub async fn measure(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let begun = Instant::now();
    let edge = request.app_data::<Data<Edge>>().cloned();
    let method = request.method().to_string();
    let answer = next.call(request).await?;
    let route = answer.request().match_pattern().unwrap_or_else(|| "none".to_owned());
    let (status, took) = (answer.status(), begun.elapsed());
    if let Some(edge) = edge {
        edge.metrics.requested(&method, &route, status.as_u16(), took);
    }
    if status.is_server_error() {
        tracing::warn!(%method, route, status = status.as_u16(), took_ms = took.as_millis(), "request failed");
    } else {
        tracing::debug!(%method, route, status = status.as_u16(), took_ms = took.as_millis(), "request");
    }
    Ok(answer)
}

/// Whatever can be read has a head (RFC 9110, 9.3.2). The connection itself leaves the body out.
pub async fn head_as_get(
    mut request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    next.call(request).await
}
