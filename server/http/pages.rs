//! The pages: plain files, carried inside the binary. A debug build reads them from the folder, so that a page
//! under work needs no rebuild.

use actix_web::http::header::{CACHE_CONTROL, ETag, EntityTag, Header, IfNoneMatch};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use data_encoding::HEXLOWER;
use rust_embed::RustEmbed;

use super::error::ApiError;

#[derive(RustEmbed)]
#[folder = "static/"]
struct Files;

/// Which file is shown at which address. The page itself reads the rest of the address.
const PAGES: [(&str, &str); 10] = [
    ("/", "start.html"),
    ("/board/{venue}", "board.html"),
    ("/kiosk/{venue}", "kiosk.html"),
    ("/counter/{venue}", "counter.html"),
    ("/triage/{venue}", "triage.html"),
    ("/rules/{venue}", "rules.html"),
    ("/join/{venue}", "join.html"),
    ("/t/{token}", "ticket.html"),
    ("/login", "login.html"),
    ("/setup", "setup.html"),
];

/// The pages and what they load.
pub fn routes(config: &mut ServiceConfig) {
    for (address, file) in PAGES {
        config.route(address, web::get().to(move |request: HttpRequest| async move { show(&request, file) }));
    }
    config.route("/static/{file:.*}", web::get().to(asset));
    config.route("/favicon.ico", web::get().to(|request: HttpRequest| async move { show(&request, "icon.svg") }));
}

async fn asset(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    show(&request, request.match_info().get("file").unwrap_or_default())
}

/// A file, or "you have it": a page is asked for again after every restart of a screen, and rarely changes.
fn show(request: &HttpRequest, file: &str) -> Result<HttpResponse, ApiError> {
    let found = Files::get(file).ok_or(ApiError::NotFound)?;
    let tag = EntityTag::new_strong(HEXLOWER.encode(&found.metadata.sha256_hash()));
    let known = match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(&tag)),
        Ok(IfNoneMatch::Any) | Err(_) => false,
    };
    let mut answer = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    answer.insert_header(ETag(tag)).insert_header((CACHE_CONTROL, "no-cache"));
    if known {
        return Ok(answer.finish());
    }
    let mut kind = found.metadata.mimetype().to_owned();
    if kind.starts_with("text/") {
        kind.push_str("; charset=utf-8");
    }
    Ok(answer.content_type(kind).body(found.data.into_owned()))
}
