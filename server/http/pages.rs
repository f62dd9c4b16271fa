//! The pages: plain files, carried inside the binary. A debug build reads them from the folder, so that a page
//! under work needs no rebuild.

use actix_web::HttpRequest;
use actix_web::web::{self, ServiceConfig};
use actix_web_rust_embed_responder::{EmbedResponse, IntoResponse};
use rust_embed::{EmbeddedFile, RustEmbed};

use super::error::ApiError;

#[derive(RustEmbed)]
#[folder = "static/"]
struct Files;

/// Which file is shown at which address. The page itself reads the rest of the address.
const PAGES: [(&str, &str); 9] = [
    ("/", "start.html"),
    ("/board/{venue}", "board.html"),
    ("/kiosk/{venue}", "kiosk.html"),
    ("/counter/{venue}", "counter.html"),
    ("/triage/{venue}", "triage.html"),
    ("/join/{venue}", "join.html"),
    ("/t/{token}", "ticket.html"),
    ("/login", "login.html"),
    ("/setup", "setup.html"),
];

/// The pages and what they load.
pub fn routes(config: &mut ServiceConfig) {
    for (address, file) in PAGES {
        config.route(address, web::get().to(move || async move { page(file) }));
    }
    config.route("/static/{file:.*}", web::get().to(asset));
}

fn page(file: &str) -> Result<EmbedResponse<EmbeddedFile>, ApiError> {
    Files::get(file).map(IntoResponse::into_response).ok_or(ApiError::NotFound)
}

async fn asset(request: HttpRequest) -> Result<EmbedResponse<EmbeddedFile>, ApiError> {
    page(request.match_info().get("file").unwrap_or_default())
}
