//! A request that opens a socket: routed, judged and answered like any other, and then its connection leaves actix.
//!
//! A handler that wants the connection itself answers with [`hand_over`]. Every other answer takes the ordinary path:
//! its body is what is written (a problem, or a session of `socket.rs`), and what the client sends is the request's
//! payload. A connection that is not plain TCP, such as one with TLS, can only go the ordinary path: [`can_hand_over`].

use std::net::TcpStream;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use actix_codec::Framed;
use actix_http::body::{BodySize, MessageBody};
use actix_http::error::PayloadError;
use actix_http::h1::{Codec, Message};
use actix_http::{ConnectionType, HttpMessage as _, Payload, Request, Response, StatusCode};
use actix_service::Service;
use actix_web::{Error, HttpRequest, HttpResponse};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio_util::codec::Encoder as _;

use super::error::ApiError;

/// Pieces of what a client sends that wait for its session; beyond it, the client waits.
const PIECES_MAX: usize = 4;
/// Bytes that are read at one time.
const READ_BYTES: usize = 2 * 1024;
/// How long a client may take to read a last answer and go.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Stands in a request whose connection can be handed over.
struct CanHandOver;

/// What takes a connection, with the bytes that came right behind the request.
struct Handover(Box<dyn FnOnce(TcpStream, Bytes)>);

/// Whether this request's connection can be handed over.
pub fn can_hand_over(request: &HttpRequest) -> bool {
    request.extensions().contains::<CanHandOver>()
}

/// Agrees to open a socket (RFC 6455, 4.2), and gives the connection away once the agreement is sent.
pub fn hand_over(
    request: &HttpRequest,
    take: impl FnOnce(TcpStream, Bytes) + 'static,
) -> Result<HttpResponse, ApiError> {
    let mut answer = actix_http::ws::handshake(request.head()).map_err(|_| ApiError::UpgradeRequired)?.finish();
    answer.extensions_mut().insert(Handover(Box::new(take)));
    Ok(HttpResponse::from(answer.map_body(|_, _| actix_http::body::BoxBody::new(()))))
}

/// Lets the application answer a request that opens a socket. A client that goes away meanwhile is no error of ours.
pub async fn upgrade<S, B>(
    application: Rc<S>,
    request: Request,
    framed: Framed<actix_web::rt::net::TcpStream, Codec>,
) -> Result<(), Error>
where
    S: Service<Request>,
    S::Error: Into<Error>,
    S::Response: Into<Response<B>>,
    B: MessageBody,
{
    match answer(application, request, framed).await {
        Err(error) if error.as_error::<std::io::Error>().is_some() => {
            tracing::debug!(%error, "a client went away while its socket was opened");
            Ok(())
        }
        answered => answered,
    }
}

async fn answer<S, B>(
    application: Rc<S>,
    request: Request,
    framed: Framed<actix_web::rt::net::TcpStream, Codec>,
) -> Result<(), Error>
where
    S: Service<Request>,
    S::Error: Into<Error>,
    S::Response: Into<Response<B>>,
    B: MessageBody,
{
    let mut parts = framed.into_parts();
    let (feed, pieces) = mpsc::channel::<Result<Bytes, PayloadError>>(PIECES_MAX);
    let pieces = futures_util::stream::unfold(pieces, async |mut pieces| Some((pieces.recv().await?, pieces)));
    let (request, _) = request.replace_payload(Payload::Stream { payload: pieces.boxed_local() });
    request.extensions_mut().insert(CanHandOver);
    let mut answer: Response<B> = match application.call(request).await {
        Ok(answer) => answer.into(),
        Err(error) => return Err(error.into()),
    };
    let handover = answer.extensions_mut().remove::<Handover>();
    let (mut head, body) = answer.into_parts();
    if head.status() != StatusCode::SWITCHING_PROTOCOLS {
        head.head_mut().set_connection_type(ConnectionType::Close);
    }
    let mut out = std::mem::take(&mut parts.write_buf);
    let size = if handover.is_some() { BodySize::Stream } else { body.size() };
    parts.codec.encode(Message::Item((head, size)), &mut out)?;
    if let Some(Handover(take)) = handover {
        parts.io.write_all(&out).await?;
        take(parts.io.into_std()?, parts.read_buf.freeze());
        return Ok(());
    }
    let (mut from, mut to) = parts.io.into_split();
    let mut read = parts.read_buf;
    let reading = async {
        loop {
            if !read.is_empty() && feed.send(Ok(read.split().freeze())).await.is_err() {
                // The session has ended: only its last words are still to be read.
                break;
            }
            read.reserve(READ_BYTES);
            match from.read_buf(&mut read).await {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => {
                    // Nobody may be there to hear it any more.
                    drop(feed.send(Err(PayloadError::Io(error))).await);
                    break;
                }
            }
        }
        drop(feed);
        from
    };
    let writing = async {
        let mut body = pin!(body);
        loop {
            to.write_all(&out).await?;
            out.clear();
            let Some(chunk) = std::future::poll_fn(|context| body.as_mut().poll_next(context)).await else { break };
            let chunk = chunk.map_err(|error| std::io::Error::other(error.into().to_string()))?;
            parts.codec.encode(Message::Chunk(Some(chunk)), &mut out)?;
        }
        to.shutdown().await
    };
    let mut reading = pin!(reading);
    let mut writing = pin!(writing);
    let ended = tokio::select! {
        written = &mut writing => { written?; None }
        from = &mut reading => { writing.await?; Some(from) }
    };
    // The client must have time to read why: a connection that is closed with bytes unread is reset.
    let rest = async {
        let mut from = match ended {
            Some(from) => from,
            None => reading.await,
        };
        let mut unread = BytesMut::with_capacity(READ_BYTES);
        while from.read_buf(&mut unread).await.is_ok_and(|read| read > 0) {
            unread.clear();
        }
    };
    drop(tokio::time::timeout(LAST_WORDS, rest).await);
    Ok(())
}
