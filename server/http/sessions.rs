//! Staff logins.

use actix_web::cookie::{Cookie, SameSite, time::Duration};
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse, delete, get, post};

use super::asker::{Asker, STAFF_COOKIE, tokens};
use super::edge::Edge;
use super::error::ApiError;
use super::write::Write;
use crate::access::Login;
use crate::wire::{LoginRequest, SessionAnswer};

/// Logs in: a cookie for browsers, and a bearer token in the answer for programs.
#[utoipa::path(tag = "sessions", request_body = LoginRequest, responses((status = 201, body = SessionAnswer)))]
#[post("/sessions")]
pub(super) async fn log_in(
    request: HttpRequest,
    edge: Data<Edge>,
    write: Write<LoginRequest>,
) -> Result<HttpResponse, ApiError> {
    let (token, login) = edge.access.login(&write.body.user, &write.body.password, edge.wall.now()).await?;
    let cookie = secret_cookie(&request, STAFF_COOKIE, token.reveal().to_owned());
    Ok(HttpResponse::Created().cookie(cookie).json(answer(&login, Some(token.reveal().to_owned()))))
}

/// Who is logged in.
#[utoipa::path(tag = "sessions", responses((status = 200, body = SessionAnswer)))]
#[get("/sessions/current")]
pub(super) async fn current(request: HttpRequest, edge: Data<Edge>, _: Asker) -> Result<Json<SessionAnswer>, ApiError> {
    for token in tokens(&request) {
        if let Some(login) = edge.access.login_of(&token, edge.wall.now()) {
            return Ok(Json(answer(&login, None)));
        }
    }
    Err(ApiError::Unauthenticated)
}

/// Logs out.
#[utoipa::path(tag = "sessions", responses((status = 204)))]
#[delete("/sessions/current")]
pub(super) async fn log_out(request: HttpRequest, edge: Data<Edge>) -> Result<HttpResponse, ApiError> {
    for token in tokens(&request) {
        edge.access.logout(&token).await?;
    }
    let mut cookie = secret_cookie(&request, STAFF_COOKIE, String::new());
    cookie.make_removal();
    Ok(HttpResponse::NoContent().cookie(cookie).finish())
}

fn answer(login: &Login, token: Option<String>) -> SessionAnswer {
    SessionAnswer {
        user: login.user.to_string(),
        roles: login.roles.written(),
        token,
        expires_at: login.expires_at.to_utc(),
    }
}

/// A cookie that pages cannot read and other sites cannot use.
pub(super) fn secret_cookie(request: &HttpRequest, name: &'static str, value: String) -> Cookie<'static> {
    /// As long as a browser keeps one; the server ends logins much earlier.
    const AGE: Duration = Duration::days(365);
    Cookie::build(name, value)
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(request.connection_info().scheme() == "https")
        .max_age(AGE)
        .finish()
}
