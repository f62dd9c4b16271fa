//! Somebody who talks to a server: a small client of the public interface.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use awc::http::Method;
use awc::http::header::HeaderMap;
use serde_json::{Value, json};

use super::Socket;

/// An answer may take so long on a busy machine.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// The largest answer.
const BYTES_MAX: usize = 32 * 1024 * 1024;

static CALLERS: AtomicU64 = AtomicU64::new(0);

/// Somebody, with their token.
pub struct Caller {
    http: awc::Client,
    pub base: String,
    pub token: Option<String>,
    name: u64,
    keys: Cell<u64>,
}

/// What came back.
pub struct Answer {
    pub asked: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Caller {
    pub fn new(base: &str, token: Option<String>) -> Self {
        let http = awc::Client::builder()
            .timeout(ANSWER_MAX)
            .disable_redirects()
            .connector(awc::Connector::new().limit(0).timeout(ANSWER_MAX))
            .finish();
        let name = CALLERS.fetch_add(1, Ordering::Relaxed);
        Self { http, base: base.to_owned(), token, name, keys: Cell::new(0) }
    }

    /// The same caller at another address: the server came back elsewhere.
    pub fn moved_to(&self, base: &str) -> Self {
        Self::new(base, self.token.clone())
    }

    /// A key nobody else uses.
    pub fn key(&self) -> String {
        self.keys.set(self.keys.get() + 1);
        format!("caller-{}-{}-{}", std::process::id(), self.name, self.keys.get())
    }

    /// One request; an error only if there was no answer at all.
    pub async fn send(
        &self,
        method: &Method,
        path: &str,
        key: Option<&str>,
        body: Option<(&str, Vec<u8>)>,
    ) -> Result<Answer, String> {
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.base)).no_decompress();
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(key) = key {
            request = request.insert_header(("Idempotency-Key", key));
        }
        let sent = match body {
            Some((kind, bytes)) => request.insert_header(("Content-Type", kind)).send_body(bytes),
            None => request.send(),
        };
        let mut answer = sent.await.map_err(|error| error.to_string())?;
        let bytes = answer.body().limit(BYTES_MAX).await.map_err(|error| error.to_string())?.to_vec();
        let asked = format!("{method} {path}");
        Ok(Answer { asked, status: answer.status().as_u16(), headers: answer.headers().clone(), bytes })
    }

    async fn ask(&self, method: Method, path: &str, key: Option<&str>, body: Option<&Value>) -> Answer {
        let body = body.map(|body| ("application/json", body.to_string().into_bytes()));
        let path = api(path);
        self.send(&method, &path, key, body).await.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, None, None).await
    }

    /// Posts with a key of its own.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::POST, path, Some(&self.key()), Some(&body)).await
    }

    pub async fn post_with_key(&self, path: &str, body: Value, key: &str) -> Answer {
        self.ask(Method::POST, path, Some(key), Some(&body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::PUT, path, Some(&self.key()), Some(&body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.ask(Method::DELETE, path, Some(&self.key()), None).await
    }

    pub async fn ask_for(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.ask(method.parse().unwrap(), path, Some(&self.key()), body).await
    }

    /// Opens a socket.
    pub async fn socket(&self, path: &str) -> Socket {
        self.try_socket(path).await.unwrap_or_else(|status| panic!("{path}: {status}"))
    }

    /// Opens a socket, or tells with which status it was refused; 0 without any answer.
    pub async fn try_socket(&self, path: &str) -> Result<Socket, u16> {
        let mut request = self.http.ws(format!("{}{path}", self.base)).max_frame_size(BYTES_MAX);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        match request.connect().await {
            Ok((_, framed)) => Ok(Socket::new(path, framed)),
            Err(awc::error::WsClientError::InvalidResponseStatus(status)) => Err(status.as_u16()),
            Err(_) => Err(0),
        }
    }

    // ---- what people do at the clinic -----------------------------------------------------------------------

    /// Takes a number.
    pub async fn take(&self, service: &str) -> Value {
        self.post("venues/clinic/tickets", json!({ "service": service })).await.expect(201)
    }

    /// Opens a counter.
    pub async fn open(&self, counter: &str) -> Value {
        self.put(&format!("venues/clinic/counters/{counter}"), json!({ "state": "open" })).await.expect(200)
    }

    /// Calls whoever is next.
    pub async fn call(&self, counter: &str) -> Value {
        self.at(counter, "calls").await.expect(200)
    }

    /// Does something at a counter: `starts`, `recalls`, `completions`, `misses`.
    pub async fn at(&self, counter: &str, what: &str) -> Answer {
        self.post(&format!("venues/clinic/counters/{counter}/{what}"), json!({})).await
    }

    /// Does something with a ticket: `holds`, `returns`, `requeues`…
    pub async fn ticket(&self, id: &Value, what: &str, body: Value) -> Answer {
        self.post(&format!("venues/clinic/tickets/{id}/{what}"), body).await
    }

    /// The whole queue.
    pub async fn queue(&self) -> Value {
        self.get("venues/clinic/queue").await.expect(200)
    }
}

fn api(path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("/api/v1/{path}") }
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{self}: {error}"))
    }

    /// The body, after a look at the status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self}");
        if self.bytes.is_empty() { Value::Null } else { self.json() }
    }

    /// A problem of this status and code, in the form of RFC 9457.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{self}");
        let problem = self.problem();
        assert_eq!(problem["code"], code, "{self}");
        problem
    }

    /// A problem, whatever it is.
    #[track_caller]
    pub fn problem(&self) -> Value {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self}");
        let problem = self.json();
        let code = problem["code"].as_str().unwrap_or_else(|| panic!("{self}"));
        assert_eq!(problem["type"], format!("urn:callnext:problem:{code}"), "{self}");
        assert_eq!(problem["status"], self.status, "{self}");
        for text in ["title", "detail"] {
            assert!(problem[text].as_str().is_some_and(|text| !text.is_empty()), "{self}");
        }
        problem
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body: String = String::from_utf8_lossy(&self.bytes).chars().take(600).collect();
        write!(f, "{} -> {} {body}", self.asked, self.status)
    }
}
