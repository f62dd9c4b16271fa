//! The edge: HTTP in, problems or answers out. No rules live here: parse, submit, render.
//!
//! [`app`] and `api` are the whole address space on one page. `error` is the only place that picks statuses, and
//! `socket` the only one that names `actix_web_actors`.

mod accounts;
mod admission;
mod appointments;
mod asker;
mod closures;
mod cluster;
mod counters;
mod docs;
mod edge;
mod error;
mod figures;
mod frame_guard;
mod handover;
mod here;
pub mod line;
mod moves;
mod ops;
mod origin;
mod pages;
mod phone;
mod policies;
mod porter;
mod serve;
mod sessions;
mod socket;
mod tickets;
mod venues;
mod watch;
mod write;

pub use admission::Admission;
pub use edge::{DemoState, Edge};
pub use error::ApiError;
pub use handover::hand_over;
pub use porter::{Porter, Porters};
pub use serve::{listen, serve};
pub use watch::Closing;

use actix_web::middleware::{Compress, DefaultHeaders, from_fn};
use actix_web::{App, Error, body::MessageBody, dev, web};
use utoipa::openapi::OpenApi;
use utoipa_actix_web::AppExt;
use utoipa_actix_web::service_config::ServiceConfig;

/// What a page may load: only what this server serves; sockets to it as well.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; img-src 'self' data:; style-src 'self'; \
     script-src 'self'; connect-src 'self' ws: wss:; object-src 'none'; base-uri 'none'; frame-ancestors 'self'";

/// The server's application, as the binary and every test run it.
pub fn app(
    edge: web::Data<Edge>,
    porter: web::Data<Porter>,
) -> App<
    impl dev::ServiceFactory<
        dev::ServiceRequest,
        Config = (),
        Response = dev::ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    let openapi = docs::complete(documented(App::new()).1);
    let (texts, methods) = (docs::OpenApiText::new(&openapi), docs::Methods::new(&openapi));
    // The documents' page first: the interface would swallow everything that begins as it does.
    let (app, _) = documented(App::new().configure(|config| docs::page(config, openapi)));
    app.app_data(edge)
        .app_data(porter)
        .app_data(web::Data::new(texts))
        .app_data(web::Data::new(methods))
        .configure(sockets)
        .configure(ops::routes)
        .configure(cluster::routes)
        .configure(pages::routes)
        .default_service(web::route().to(error::not_found))
        .wrap(from_fn(origin::guard))
        .wrap(Compress::default())
        .wrap(
            DefaultHeaders::new()
                .add(("Content-Security-Policy", CONTENT_SECURITY_POLICY))
                .add(("X-Content-Type-Options", "nosniff"))
                // Phone links carry a secret in the address: no other server may learn it.
                .add(("Referrer-Policy", "no-referrer")),
        )
        .wrap(from_fn(ops::measure))
        .wrap(from_fn(ops::head_as_get))
}

/// Adds the interface to an application, and tells its document.
fn documented<T>(app: App<T>) -> (App<T>, OpenApi)
where
    T: dev::ServiceFactory<dev::ServiceRequest, Config = (), Error = Error, InitError = ()>,
{
    app.into_utoipa_app().service(utoipa_actix_web::scope("/api/v1").configure(api)).split_for_parts()
}

/// Everything under `/api/v1`. Looked through from the top: what is asked at every visit comes first.
fn api(config: &mut ServiceConfig<'_>) {
    config
        .service(counters::make_call)
        .service(counters::recall)
        .service(counters::start)
        .service(counters::complete)
        .service(counters::miss)
        .service(counters::set)
        .service(tickets::take)
        .service(tickets::overflow)
        .service(tickets::hold)
        .service(tickets::bring_back)
        .service(tickets::requeue)
        .service(ops::info)
        .service(docs::openapi_json)
        .service(docs::asyncapi_json)
        .service(sessions::log_in)
        .service(sessions::current)
        .service(sessions::log_out)
        .service(accounts::set_up)
        .service(accounts::list)
        .service(accounts::put)
        .service(accounts::delete)
        .service(accounts::device_login)
        .service(accounts::device_current)
        .service(accounts::create_device)
        .service(accounts::list_devices)
        .service(accounts::delete_device)
        .service(venues::list)
        .service(venues::one)
        .service(venues::queue)
        .service(venues::staffing)
        .service(venues::undo)
        .service(policies::settings_reference)
        .service(policies::list)
        .service(policies::change)
        .service(policies::give_back)
        .service(figures::day)
        .service(figures::story)
        .service(moves::transfer)
        .service(moves::set_steps)
        .service(moves::skip_step)
        .service(tickets::cancel)
        .service(tickets::classify)
        .service(tickets::green_channel)
        .service(appointments::set)
        .service(appointments::check_in)
        .service(closures::of_service)
        .service(closures::of_counter)
        .service(closures::close_service)
        .service(closures::close_counter)
        .service(closures::reopen_service)
        .service(closures::reopen_counter)
        .service(phone::card)
        .service(phone::qr)
        .service(phone::cancel)
        .service(phone::step_back);
}

/// The sockets, under `/ws/v1`.
fn sockets(config: &mut web::ServiceConfig) {
    config
        .route("/ws/v1/venues/{venue}/board", web::get().to(watch::board))
        .route("/ws/v1/venues/{venue}/console", web::get().to(watch::console))
        .route("/ws/v1/tickets/{token}", web::get().to(watch::phone));
}
