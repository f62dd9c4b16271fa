//! The HTTP server: what `actix_web::HttpServer` puts together, with one thing more. A request that opens a socket is
//! answered by the same application, and its connection can then be handed over, out of actix (`handover.rs`).

use std::any::Any;
use std::fmt::Debug;
use std::net::TcpListener;
use std::time::Duration;

use actix_http::{HttpService, Request, Response, body::MessageBody};
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt as _, fn_factory, fn_service, map_config};
use actix_web::Error;
use actix_web::dev::{AppConfig, Server};

use super::handover::upgrade;
use super::socket::keep_socket_honest;

/// Connections that may wait to be accepted: those of a waiting room whose network just came back.
const BACKLOG: u32 = 4_096;
/// Longest time a client may take to send a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Serves on a listener, on so many threads. `make` is asked once on each thread; what it makes is asked for the
/// application: once for requests, and once for requests that open sockets.
pub fn serve<M, F, I, S, B>(
    listener: TcpListener,
    workers: usize,
    shutdown: Duration,
    make: M,
) -> std::io::Result<Server>
where
    M: Fn() -> F + Send + Clone + 'static,
    F: Fn() -> I + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: Debug,
    S::Response: Into<Response<B>> + 'static,
    S::Future: 'static,
    S::Service: 'static,
    <S::Service as actix_service::Service<Request>>::Future: 'static,
    B: MessageBody + 'static,
{
    let address = listener.local_addr()?;
    let builder = Server::build().workers(workers).shutdown_timeout(shutdown.as_secs()).disable_signals();
    let signal = builder.graceful_shutdown_signal();
    let builder = builder.listen("callnext", listener, move || {
        let application = make();
        // Its host stands in for a `Host` that a request of HTTP/1.0 may leave out, and for nothing else.
        let config = AppConfig::default;
        let signal = signal.clone();
        let requests = application().into_factory().map_err(|error| error.into().error_response());
        let upgrades = fn_factory(move || {
            let service = application().into_factory().new_service(config());
            async move {
                let service = std::rc::Rc::new(service.await?);
                Ok::<_, S::InitError>(fn_service(move |(request, framed)| upgrade(service.clone(), request, framed)))
            }
        });
        HttpService::build()
            .graceful_shutdown_signal(move || {
                let signal = signal.clone();
                async move { signal.notified().await }
            })
            .client_request_timeout(HEAD_TIMEOUT)
            .tcp_nodelay(true)
            .local_addr(address)
            .on_connect_ext(|connection: &_, extensions: _| keep_socket_honest(connection as &dyn Any, extensions))
            .upgrade(upgrades)
            .finish(map_config(requests, move |()| config()))
            .tcp()
    })?;
    Ok(builder.run())
}

/// A listener with room for many who come at once.
pub fn listen(address: std::net::SocketAddr) -> std::io::Result<TcpListener> {
    let socket = socket2::Socket::new(
        socket2::Domain::for_address(address),
        socket2::Type::STREAM,
        Some(socket2::Protocol::TCP),
    )?;
    // A server that starts again must not wait for the connections of the one before.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(BACKLOG).unwrap_or(i32::MAX))?;
    Ok(socket.into())
}
