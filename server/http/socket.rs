//! One session, from handshake to close: the only file that names `actix_web_actors`. Consoles have one, as they are told
//! each change; boards and phones only where their connection cannot be a line (`line/`).
//!
//! A session moves bytes and decides nothing. Its mailbox is bounded; when the client stops reading, the mailbox
//! fills, the hub notices, and the kernel ends the connection after [`STALLED_MAX`].

use std::any::Any;
use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix::prelude::*;
use actix_http::ws::{CloseCode, CloseReason, Codec};
use actix_web::dev::Extensions;
use actix_web::{HttpRequest, HttpResponse, web};
use actix_web_actors::ws::{self, Message, ProtocolError, WebsocketContext};
use bytestring::ByteString;

use super::error::ApiError;
use super::frame_guard::{FRAME_BYTES_MAX, FrameGuard};
use super::line::Code;

/// Frames a session holds before it counts as full.
const MAILBOX: usize = 16;
/// How often a session is pinged.
const PING: Duration = Duration::from_secs(20);
/// A client that answered nothing for this long, over several pings, is gone.
const SILENT_MAX: Duration = Duration::from_secs(65);
/// How long sent bytes may stay unacknowledged before the kernel ends the connection.
const STALLED_MAX: Duration = Duration::from_secs(20);

/// What the rest of the edge does with a socket's events.
pub trait Talk: Unpin + 'static {
    /// The socket is open: `out` is where frames go.
    fn opened(&mut self, out: Out);
    /// The client sent a text.
    fn heard(&mut self, text: &str, out: Out) -> Heard;
    /// The socket is closed.
    fn closed(&mut self);
}

/// What to do after a client's text.
pub enum Heard {
    /// Go on.
    GoOn,
    /// Send this, then close for breaking the rules of the protocol.
    Refuse(ByteString),
}

/// The sending end of a session.
#[derive(Clone)]
pub struct Out(Addr<Session>);

impl Out {
    /// Hands over a frame; false if the session is full.
    pub fn send(&self, frame: ByteString) -> bool {
        match self.0.try_send(Deliver(frame)) {
            // A session that is gone needs nothing; its leaving is on the way.
            Ok(()) | Err(SendError::Closed(_)) => true,
            Err(SendError::Full(_)) => false,
        }
    }

    /// Ends the session from outside. A jammed one does not hear this; the kernel's time limit ends it.
    pub fn close(&self, code: Code) {
        let _full = self.0.try_send(Close(CloseCode::from(code.number()))).is_err();
    }
}

/// Opens a socket.
pub fn open(
    request: &HttpRequest,
    payload: web::Payload,
    talk: Box<dyn Talk>,
) -> Result<HttpResponse, actix_web::Error> {
    let mut answer = ws::handshake(request).map_err(|_| ApiError::UpgradeRequired)?;
    let guard = FrameGuard::new(payload);
    let session = Session { talk, heard_at: Instant::now(), too_large: guard.ended() };
    let codec = Codec::new().max_size(FRAME_BYTES_MAX);
    Ok(answer.streaming(WebsocketContext::with_codec(session, guard, codec)))
}

/// Sets up each accepted connection: a client that stops reading is let go by the kernel, as its session,
/// jammed with it, cannot.
pub fn keep_socket_honest(connection: &dyn Any, _: &mut Extensions) {
    if let Some(stream) = connection.downcast_ref::<actix_web::rt::net::TcpStream>() {
        let socket = socket2::SockRef::from(stream);
        if let Err(error) = socket.set_tcp_user_timeout(Some(STALLED_MAX)) {
            tracing::debug!(%error, "a connection keeps the system's own time limit");
        }
    }
}

/// One session.
pub struct Session {
    talk: Box<dyn Talk>,
    heard_at: Instant,
    /// Whether the guard ended the stream of frames.
    too_large: Rc<Cell<bool>>,
}

#[derive(Message)]
#[rtype(result = "()")]
struct Deliver(ByteString);

#[derive(Message)]
#[rtype(result = "()")]
struct Close(CloseCode);

impl Actor for Session {
    type Context = WebsocketContext<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        self.talk.opened(Out(ctx.address()));
        ctx.run_interval(PING, |session, ctx| {
            if session.heard_at.elapsed() > SILENT_MAX {
                end(ctx, CloseCode::Away, "nothing heard");
            } else {
                ctx.ping(b"");
            }
        });
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.talk.closed();
    }
}

impl Handler<Deliver> for Session {
    type Result = ();

    fn handle(&mut self, Deliver(frame): Deliver, ctx: &mut Self::Context) {
        ctx.text(frame);
    }
}

impl Handler<Close> for Session {
    type Result = ();

    fn handle(&mut self, Close(code): Close, ctx: &mut Self::Context) {
        end(ctx, code, "come back");
    }
}

impl StreamHandler<Result<Message, ProtocolError>> for Session {
    fn handle(&mut self, message: Result<Message, ProtocolError>, ctx: &mut Self::Context) {
        self.heard_at = Instant::now();
        match message {
            Ok(Message::Ping(bytes)) => ctx.pong(&bytes),
            Ok(Message::Pong(_) | Message::Nop) => {}
            Ok(Message::Text(text)) => {
                if let Heard::Refuse(why) = self.talk.heard(&text, Out(ctx.address())) {
                    ctx.text(why);
                    end(ctx, CloseCode::Policy, "not understood");
                }
            }
            Ok(Message::Binary(_)) => end(ctx, CloseCode::Unsupported, "text only"),
            Ok(Message::Continuation(_)) => end(ctx, CloseCode::Unsupported, "whole frames only"),
            Ok(Message::Close(reason)) => {
                ctx.close(reason);
                ctx.stop();
            }
            // The same error would come again for ever: close and stop at the first.
            Err(error) => end(ctx, code_of(&error, self.too_large.get()), "protocol error"),
        }
    }
}

fn code_of(error: &ProtocolError, too_large: bool) -> CloseCode {
    match error {
        ProtocolError::Overflow => CloseCode::Size,
        ProtocolError::Io(_) if too_large => CloseCode::Size,
        // Text that is none. Or the connection broke, and nobody reads the code.
        ProtocolError::Io(_) => CloseCode::Invalid,
        _ => CloseCode::Protocol,
    }
}

fn end(ctx: &mut WebsocketContext<Session>, code: CloseCode, why: &str) {
    ctx.close(Some(CloseReason { code, description: Some(why.to_owned()) }));
    ctx.stop();
}
