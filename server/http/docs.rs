//! The published documents: OpenAPI 3.1 for requests, from the handlers themselves, and AsyncAPI 3.0 for frames,
//! from the same types. Tests hold both against what the server really sends.

use std::collections::BTreeMap;

use actix_web::middleware::DefaultHeaders;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpResponse, get};
use serde_json::{Value, json};
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{
    Components, ContentBuilder, InfoBuilder, Object, OpenApi, Ref, RefOr, Required, ResponseBuilder, Type,
};
use utoipa::{PartialSchema, ToSchema};
use utoipa_swagger_ui::SwaggerUi;

use crate::wire::{BoardFrame, CardFrame, ChangeFrame, ClientFrame, ConsoleFrame, ErrorFrame, HEARTBEAT_S, Problem};

/// The finished OpenAPI document.
pub struct OpenApiText(String);

impl OpenApiText {
    /// Writes the document down once.
    pub fn new(openapi: &OpenApi) -> Self {
        Self(openapi.to_pretty_json().unwrap_or_default())
    }
}

/// Which methods each documented address takes.
pub struct Methods(BTreeMap<String, String>);

impl Methods {
    /// As the document says.
    pub fn new(openapi: &OpenApi) -> Self {
        let of = |item: &PathItem| {
            let known = [
                ("GET, HEAD", item.get.is_some()),
                ("POST", item.post.is_some()),
                ("PUT", item.put.is_some()),
                ("PATCH", item.patch.is_some()),
                ("DELETE", item.delete.is_some()),
            ];
            known.into_iter().filter(|(_, is)| *is).map(|(method, _)| method).collect::<Vec<_>>().join(", ")
        };
        Self(openapi.paths.paths.iter().map(|(address, item)| (address.clone(), of(item))).collect())
    }

    /// Those of one address. Pages and sockets are in no document: they are only read.
    pub fn of(&self, address: &str) -> String {
        self.0.get(address).cloned().unwrap_or_else(|| "GET, HEAD".to_owned())
    }
}

/// This document.
#[utoipa::path(tag = "server", responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json")))]
#[get("/openapi.json")]
pub(super) async fn openapi_json(text: Data<OpenApiText>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(text.0.clone())
}

/// The frames of the sockets, as an AsyncAPI document.
#[utoipa::path(tag = "server", responses((status = 200, description = "AsyncAPI 3.0", content_type = "application/json")))]
#[get("/asyncapi.json")]
pub(super) async fn asyncapi_json() -> HttpResponse {
    HttpResponse::Ok().json(asyncapi())
}

/// The browsable page, from files inside the binary.
pub fn page(config: &mut ServiceConfig, openapi: OpenApi) {
    // The page's own files style themselves in place; nothing else may.
    let policy = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; script-src 'self'";
    config.service(web::redirect("/api/v1/docs", "/api/v1/docs/"));
    config.service(
        web::scope("/api/v1/docs")
            .wrap(DefaultHeaders::new().add(("Content-Security-Policy", policy)))
            .service(SwaggerUi::new("/{_:.*}").url("/api/v1/openapi.json", openapi)),
    );
}

/// What holds for every operation, added in one place: names in addresses, the retry key, problems.
pub fn complete(mut openapi: OpenApi) -> OpenApi {
    openapi.info = InfoBuilder::new()
        .title("callnext")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Queue dispatch: venues, tickets, counters. Times are RFC 3339, durations seconds (`_s`) or `_ms`. Every \
             write may carry an `Idempotency-Key`: the same key gives the same answer. Problems follow RFC 9457.",
        ))
        .build();
    let components = openapi.components.get_or_insert_with(Components::new);
    components.add_security_scheme("bearer", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    components.schemas.insert("Problem".to_owned(), Problem::schema());
    for (address, item) in &mut openapi.paths.paths {
        for (operation, writes) in [
            (&mut item.get, false),
            (&mut item.post, true),
            (&mut item.put, true),
            (&mut item.patch, true),
            (&mut item.delete, true),
        ] {
            if let Some(operation) = operation {
                complete_operation(address, operation, writes);
            }
        }
    }
    openapi
}

fn complete_operation(address: &str, operation: &mut Operation, writes: bool) {
    let names = address.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let mut parameters: Vec<RefOr<Parameter>> = names.map(in_address).map(RefOr::T).collect();
    let of_query = |parameter: &Parameter| matches!(parameter.parameter_in, ParameterIn::Query);
    let declared = operation.parameters.take().into_iter().flatten();
    parameters.extend(declared.filter(|declared| matches!(declared, RefOr::T(declared) if of_query(declared))));
    if writes {
        let key = ParameterBuilder::new()
            .name("Idempotency-Key")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some("A name for this wish, 1 to 200 bytes: the same key gives the same answer."));
        parameters.push(RefOr::T(key.schema(Some(Object::with_type(Type::String))).build()));
    }
    let queried = operation.parameters.take().unwrap_or_default();
    parameters.extend(
        queried
            .into_iter()
            .filter(|known| matches!(known, RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Query)),
    );
    operation.parameters = Some(parameters);
    let problem = ResponseBuilder::new()
        .description("A problem (RFC 9457)")
        .content(
            "application/problem+json",
            ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build(),
        )
        .build();
    operation.responses.responses.insert("default".to_owned(), RefOr::T(problem));
}

fn in_address(name: &str) -> Parameter {
    let description = match name {
        "venue" => "Name of the venue",
        "counter" => "Name of the counter",
        "service" => "Name of the service",
        "id" => "Name of the ticket",
        "token" => "From the phone link",
        "user" => "Account name",
        "setting" => "The way to a setting, as in the reference",
        _ => "Name of the device",
    };
    let kind = if name == "id" { Type::Integer } else { Type::String };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(description))
        .schema(Some(Object::with_type(kind)))
        .build()
}

/// The AsyncAPI document.
pub fn asyncapi() -> Value {
    let mut schemas = Vec::new();
    let mut messages = serde_json::Map::new();
    let mut add = |name: &str, frame: RefOr<utoipa::openapi::Schema>| {
        schemas.push((name.to_owned(), frame));
        messages.insert(name.to_owned(), json!({ "payload": { "$ref": format!("#/components/schemas/{name}") } }));
    };
    add("BoardFrame", BoardFrame::schema());
    add("CardFrame", CardFrame::schema());
    add("ConsoleFrame", ConsoleFrame::schema());
    add("ChangeFrame", ChangeFrame::schema());
    add("ErrorFrame", ErrorFrame::schema());
    add("ClientFrame", ClientFrame::schema());
    BoardFrame::schemas(&mut schemas);
    CardFrame::schemas(&mut schemas);
    ConsoleFrame::schemas(&mut schemas);
    ChangeFrame::schemas(&mut schemas);
    let schemas: serde_json::Map<String, Value> =
        schemas.into_iter().filter_map(|(name, schema)| Some((name, serde_json::to_value(schema).ok()?))).collect();
    let channel = |address: &str, frames: &[&str], about: &str| {
        let named = |name: &&str| ((*name).to_owned(), json!({ "$ref": format!("#/components/messages/{name}") }));
        let messages: serde_json::Map<String, Value> = frames.iter().map(named).collect();
        json!({ "address": address, "description": about, "messages": messages })
    };
    let operation = |action: &str, channel: &str, frames: &[&str]| {
        let to = |name: &&str| json!({ "$ref": format!("#/channels/{channel}/messages/{name}") });
        json!({
            "action": action,
            "channel": { "$ref": format!("#/channels/{channel}") },
            "messages": frames.iter().map(to).collect::<Vec<_>>(),
        })
    };
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "callnext frames",
            "version": env!("CARGO_PKG_VERSION"),
            "description": format!(
                "Text frames of JSON. Every frame carries `epoch`, `seq` and `at`; `seq` never goes back within an \
                 epoch. Boards and phones get complete states, consoles a `console` and then `change` frames. Some \
                 frame comes at least every {HEARTBEAT_S} seconds. Close codes: 1008 the client broke the rules, \
                 1009 its frame was too large, 1012 and 1013 come back with jitter."
            ),
        },
        "channels": {
            "board": channel(
                "/ws/v1/venues/{venue}/board?services={services}",
                &["BoardFrame", "ErrorFrame", "ClientFrame"],
                "A waiting-room screen. Complete on connect and on change.",
            ),
            "phone": channel(
                "/ws/v1/tickets/{token}",
                &["CardFrame", "ErrorFrame", "ClientFrame"],
                "One ticket's phone. Complete on connect and on change.",
            ),
            "console": channel(
                "/ws/v1/venues/{venue}/console",
                &["ConsoleFrame", "ChangeFrame", "ErrorFrame", "ClientFrame"],
                "A staff console. Complete on connect, then changes; `resume` after a gap.",
            ),
        },
        "operations": {
            "showBoard": operation("send", "board", &["BoardFrame", "ErrorFrame"]),
            "showCard": operation("send", "phone", &["CardFrame", "ErrorFrame"]),
            "showQueue": operation("send", "console", &["ConsoleFrame", "ChangeFrame", "ErrorFrame"]),
            "resume": operation("receive", "console", &["ClientFrame"]),
        },
        "components": { "messages": messages, "schemas": schemas },
    })
}
