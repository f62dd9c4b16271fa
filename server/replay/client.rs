//! A small client of the public API: what a kiosk, a nurse's desk and a counter send, in the wire's own types.
//!
//! Apart, so that the player reads like a day and not like HTTP. Each write has a key of its own and is sent again
//! with the same key when the network or the server fails, so it happens once. It must not know what a plan is.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::time::Duration;

use awc::http::{Method, StatusCode, header};
use callnext_engine::{CounterId, VenueId};
use futures_util::{Sink, Stream};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::wire::{Info, LoginRequest, Problem, SessionAnswer, VenueList};

/// An answer may take so long: a venue that is rebuilt from its journal, or a disk that is busy.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// How long a request is tried again for, before the player gives up: a server restart, with time to spare.
const RETRY_FOR: Duration = Duration::from_secs(120);
/// The first pause before a second try is at most this; each further one at most twice the one before.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
/// No pause is longer.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// Largest answer taken: the queue of a full venue.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Why there is no answer to go by.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ClientError {
    /// The server address is not `http://host:port`.
    #[error("\"{address}\" is not a server address like http://127.0.0.1:8080")]
    Address {
        /// As given.
        address: String,
    },
    /// The server said no.
    #[error("{method} {path}: {} {}: {}", problem.status, problem.code, problem.detail)]
    Refused {
        /// What was asked.
        method: Method,
        /// Of what. Tokens are left out.
        path: String,
        /// The answer.
        problem: Box<Problem>,
    },
    /// No answer within `RETRY_FOR`, however often it was asked.
    #[error("{method} {path}: no answer in {} s: {last}", RETRY_FOR.as_secs())]
    Unreachable {
        /// What was asked.
        method: Method,
        /// Of what.
        path: String,
        /// What went wrong the last time.
        last: Trouble,
    },
    /// An answer that is not what the contract says.
    #[error("{method} {path}: the answer ({status}) is not what was expected: {reason}")]
    Unreadable {
        /// What was asked.
        method: Method,
        /// Of what.
        path: String,
        /// The status it came with.
        status: StatusCode,
        /// What is wrong with it.
        reason: String,
    },
    /// The machine gives no random bytes for keys.
    #[error("no random bytes: {0}")]
    Random(getrandom::Error),
}

impl ClientError {
    /// The stable code of a refusal.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { problem, .. } => Some(&problem.code),
            _ => None,
        }
    }
}

/// A failure that is worth another try.
#[derive(Debug, Clone)]
pub enum Trouble {
    /// No connection, or none that lasted until the answer was there. The text is the transport's.
    Transport(String),
    /// The server is away for the moment.
    Status(StatusCode),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transport(reason) => f.write_str(reason),
            Self::Status(status) => write!(f, "{status}"),
        }
    }
}

/// An open socket: frames come out, messages go in.
pub trait Socket:
    Stream<Item = Result<awc::ws::Frame, awc::error::WsProtocolError>> + Sink<awc::ws::Message> + Unpin + 'static
{
}

impl<S> Socket for S where
    S: Stream<Item = Result<awc::ws::Frame, awc::error::WsProtocolError>> + Sink<awc::ws::Message> + Unpin + 'static
{
}

/// How somebody is let in.
#[derive(Clone)]
pub enum Access {
    /// Not at all: what anybody may do.
    Public,
    /// With a token: a device's, or a program's.
    Token(String),
    /// With a name and a password, exchanged for a token at first use, and again when that has ended.
    Login {
        /// Account name.
        user: String,
        /// Password.
        password: String,
    },
}

/// One place from which the API is used: a kiosk, the nurse's desk, the counters.
pub struct Seat {
    access: Access,
    token: RefCell<Option<String>>,
}

impl Seat {
    /// A place with this access.
    pub fn new(access: Access) -> Self {
        let token = match &access {
            Access::Token(token) => Some(token.clone()),
            Access::Public | Access::Login { .. } => None,
        };
        Self { access, token: RefCell::new(token) }
    }

    /// What it is let in by at the moment; none before the first request of whoever logs in.
    pub fn bearer(&self) -> Option<String> {
        self.token.borrow().clone()
    }
}

/// A server, over HTTP.
pub struct Client {
    http: awc::Client,
    base: String,
    /// Begins every key of this client: two players never share one.
    run: u64,
    keys: Cell<u64>,
}

impl Client {
    /// A client of the server at `http://host:port`.
    ///
    /// # Errors
    ///
    /// The address is not one, or is `https`: the player speaks plain HTTP, to a server nearby.
    pub fn new(server: &str) -> Result<Self, ClientError> {
        let base = server.trim().trim_end_matches('/');
        let uri: Result<awc::http::Uri, _> = base.parse();
        if !uri.is_ok_and(|uri| uri.scheme_str() == Some("http") && uri.host().is_some() && uri.path() == "/") {
            return Err(ClientError::Address { address: server.to_owned() });
        }
        let http = awc::Client::builder().timeout(ANSWER_MAX).disable_redirects().finish();
        let run = getrandom::u64().map_err(ClientError::Random)?;
        Ok(Self { http, base: base.to_owned(), run, keys: Cell::new(0) })
    }

    /// Every venue, as anybody may see it.
    ///
    /// # Errors
    ///
    /// As [`Client::read`].
    pub async fn venues(&self) -> Result<VenueList, ClientError> {
        self.read(&Seat::new(Access::Public), "/venues").await
    }

    /// The server itself.
    ///
    /// # Errors
    ///
    /// As [`Client::read`].
    pub async fn info(&self) -> Result<Info, ClientError> {
        self.read(&Seat::new(Access::Public), "/info").await
    }

    /// Reads something.
    ///
    /// # Errors
    ///
    /// The server says no, does not answer, or answers what cannot be read.
    pub async fn read<A: DeserializeOwned>(&self, seat: &Seat, path: &str) -> Result<A, ClientError> {
        self.ask(seat, Method::GET, path, None).await
    }

    /// Writes something, once, however often it has to be sent.
    ///
    /// # Errors
    ///
    /// As [`Client::read`].
    pub async fn write<A: DeserializeOwned>(
        &self,
        seat: &Seat,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<A, ClientError> {
        let body = serde_json::to_vec(body).map_err(|error| ClientError::Unreadable {
            method: method.clone(),
            path: path.to_owned(),
            status: StatusCode::OK,
            reason: error.to_string(),
        })?;
        self.ask(seat, method, path, Some(body)).await
    }

    /// Opens a socket.
    ///
    /// # Errors
    ///
    /// No connection, or no upgrade.
    pub async fn socket(&self, seat: &Seat, path: &str) -> Result<impl Socket + use<>, awc::error::WsClientError> {
        let mut request = self.http.ws(format!("{}{path}", self.base)).max_frame_size(ANSWER_BYTES_MAX);
        if let Some(token) = seat.bearer() {
            request = request.bearer_auth(token);
        }
        request.connect().await.map(|(_, framed)| framed)
    }

    async fn ask<A: DeserializeOwned>(
        &self,
        seat: &Seat,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<A, ClientError> {
        if seat.bearer().is_none() {
            self.log_in(seat).await?;
        }
        let key = self.next_key();
        let answer = self.send(seat.bearer(), &method, path, body.as_deref(), &key).await;
        let answer = match answer {
            // A login ends by itself, and a server may forget it over a restart: once more, by a new one.
            Ok((StatusCode::UNAUTHORIZED, _)) if matches!(seat.access, Access::Login { .. }) => {
                self.log_in(seat).await?;
                self.send(seat.bearer(), &method, path, body.as_deref(), &key).await
            }
            other => other,
        };
        let path = without_token(path);
        let (status, bytes) =
            answer.map_err(|last| ClientError::Unreachable { method: method.clone(), path: path.clone(), last })?;
        read_answer(method, path, status, &bytes)
    }

    async fn log_in(&self, seat: &Seat) -> Result<(), ClientError> {
        let Access::Login { user, password } = &seat.access else { return Ok(()) };
        let path = "/sessions";
        let request = LoginRequest { user: user.clone(), password: password.clone() };
        let body = serde_json::to_vec(&request).unwrap_or_default();
        let (status, bytes) = self
            .send(None, &Method::POST, path, Some(&body), &self.next_key())
            .await
            .map_err(|last| ClientError::Unreachable { method: Method::POST, path: path.to_owned(), last })?;
        let answer: SessionAnswer = read_answer(Method::POST, path.to_owned(), status, &bytes)?;
        *seat.token.borrow_mut() = answer.token;
        Ok(())
    }

    /// Sends until there is an answer other than "away for the moment", with full jitter between the tries.
    async fn send(
        &self,
        bearer: Option<String>,
        method: &Method,
        path: &str,
        body: Option<&[u8]>,
        key: &str,
    ) -> Result<(StatusCode, Vec<u8>), Trouble> {
        let started = Instant::now();
        let mut pause = PAUSE_FIRST;
        loop {
            let trouble = match self.send_once(bearer.as_deref(), method, path, body, key).await {
                Ok((StatusCode::SERVICE_UNAVAILABLE, _)) => Trouble::Status(StatusCode::SERVICE_UNAVAILABLE),
                Ok(answer) => return Ok(answer),
                Err(reason) => Trouble::Transport(reason),
            };
            if started.elapsed() > RETRY_FOR {
                return Err(trouble);
            }
            tokio::time::sleep(jitter(pause)).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    async fn send_once(
        &self,
        bearer: Option<&str>,
        method: &Method,
        path: &str,
        body: Option<&[u8]>,
        key: &str,
    ) -> Result<(StatusCode, Vec<u8>), String> {
        let mut request = self.http.request(method.clone(), format!("{}/api/v1{path}", self.base));
        if let Some(token) = bearer {
            request = request.bearer_auth(token);
        }
        let sent = match body {
            None => request.send(),
            Some(body) => request
                .insert_header((header::CONTENT_TYPE, "application/json"))
                .insert_header(("Idempotency-Key", key))
                .send_body(body.to_vec()),
        };
        let mut answer = sent.await.map_err(|error| error.to_string())?;
        let bytes = answer.body().limit(ANSWER_BYTES_MAX).await.map_err(|error| error.to_string())?;
        Ok((answer.status(), bytes.to_vec()))
    }

    fn next_key(&self) -> String {
        let count = self.keys.get() + 1;
        self.keys.set(count);
        format!("replay-{:016x}-{count}", self.run)
    }
}

fn read_answer<A: DeserializeOwned>(
    method: Method,
    path: String,
    status: StatusCode,
    bytes: &[u8],
) -> Result<A, ClientError> {
    let reason = if status.is_success() {
        // "Nothing to say" is an answer too, for whoever asks for `()`.
        let bytes = if bytes.is_empty() { b"null" } else { bytes };
        match serde_json::from_slice(bytes) {
            Ok(answer) => return Ok(answer),
            Err(error) => error.to_string(),
        }
    } else {
        match serde_json::from_slice(bytes) {
            Ok(problem) => return Err(ClientError::Refused { method, path, problem: Box::new(problem) }),
            Err(error) => error.to_string(),
        }
    };
    Err(ClientError::Unreadable { method, path, status, reason })
}

/// A path fit for a message: whoever holds a ticket's token is its holder.
fn without_token(path: &str) -> String {
    match path.strip_prefix("/tickets/") {
        None => path.to_owned(),
        Some(rest) => {
            rest.split_once('/').map_or_else(|| "/tickets/…".to_owned(), |(_, end)| format!("/tickets/…/{end}"))
        }
    }
}

/// A pause from nothing to `longest`, so that many clients do not come back at the same instant.
pub fn jitter(longest: Duration) -> Duration {
    let permille = getrandom::u32().map_or(500, |random| random % 1000);
    longest * permille / 1000
}

/// Where a venue's things are.
pub fn venue_path(venue: &VenueId, rest: &str) -> String {
    format!("/venues/{venue}/{rest}")
}

/// Where a counter's things are.
pub fn counter_path(venue: &VenueId, counter: &CounterId, rest: &str) -> String {
    format!("/venues/{venue}/counters/{counter}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix::test]
    async fn an_address_is_plain_http_and_nothing_after_it() {
        for good in ["http://127.0.0.1:8080", "http://localhost:8080/", " http://hall "] {
            assert!(Client::new(good).is_ok(), "{good}");
        }
        for bad in ["", "localhost:8080", "https://hall", "http://", "http://hall/api", "ftp://hall"] {
            assert!(matches!(Client::new(bad), Err(ClientError::Address { .. })), "{bad}");
        }
    }

    #[actix::test]
    async fn keys_are_never_used_twice() {
        let one = Client::new("http://hall").unwrap();
        let other = Client::new("http://hall").unwrap();
        let keys: std::collections::BTreeSet<_> = [one.next_key(), one.next_key(), other.next_key()].into();
        assert_eq!(keys.len(), 3);
    }

    #[test]
    fn a_problem_keeps_its_code_and_a_message_keeps_no_token() {
        let problem = br#"{"type":"urn:callnext:problem:counter_idle","title":"t","status":409,"detail":"d","code":"counter_idle"}"#;
        let error = read_answer::<()>(Method::POST, "/x".to_owned(), StatusCode::CONFLICT, problem).expect_err("409");
        assert_eq!(error.code(), Some("counter_idle"));
        let html =
            read_answer::<()>(Method::GET, "/x".to_owned(), StatusCode::BAD_GATEWAY, b"<html>").expect_err("502");
        assert!(matches!(html, ClientError::Unreadable { .. }));
        assert!(read_answer::<()>(Method::DELETE, "/x".to_owned(), StatusCode::NO_CONTENT, b"").is_ok());
        assert_eq!(without_token("/tickets/secret/cancellations"), "/tickets/…/cancellations");
        assert_eq!(without_token("/tickets/secret"), "/tickets/…");
        assert_eq!(without_token("/venues/hall/queue"), "/venues/hall/queue");
    }

    #[test]
    fn jitter_is_never_longer_than_asked() {
        assert!((0..100).all(|_| jitter(PAUSE_MAX) <= PAUSE_MAX));
    }
}
