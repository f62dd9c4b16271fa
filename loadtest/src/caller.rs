//! Whoever calls while it is measured: a request is one write to a socket of its own, as a line of the bare loop's
//! conductor is. What a client of HTTP costs is the server's as little as the viewers' part is.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::frames::{head_end, number_after};
use super::instant::now_ns;
use super::server::{COUNTERS, VENUE};

/// Largest answer taken: that of a call is some hundred bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// A call was not answered as it should be.
#[derive(Debug, thiserror::Error)]
pub enum CallerError {
    /// The connection broke.
    #[error("a call: {0}")]
    Io(#[from] std::io::Error),
    /// The server says no, or something else.
    #[error("a call was answered: {0}")]
    Answer(String),
}

/// Calls at all counters of the venue for measuring.
pub struct Caller {
    stream: TcpStream,
    server: SocketAddr,
    token: String,
    calls: usize,
}

impl Caller {
    /// Connects, to call by this token.
    ///
    /// # Errors
    ///
    /// No connection.
    pub async fn at(server: SocketAddr, token: String) -> std::io::Result<Self> {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, server, token, calls: 0 })
    }

    /// Calls the next person to the next counter, and waits for the answer; gives back when it was sent, in nanoseconds
    /// of the machine's clock, and the call, if anybody was waiting.
    ///
    /// # Errors
    ///
    /// The server says no.
    pub async fn call(&mut self) -> Result<(u64, Option<u64>), CallerError> {
        let Self { server, token, calls, .. } = self;
        let counter = *calls % COUNTERS + 1;
        *calls += 1;
        let request = format!(
            "POST /api/v1/venues/{VENUE}/counters/{counter}/calls HTTP/1.1\r\nHost: {server}\r\n\
             Authorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
        );
        let sent = now_ns();
        self.stream.write_all(request.as_bytes()).await?;
        Ok((sent, number_after(&self.answer().await?, b"\"call\":")))
    }

    /// The content of the next answer.
    async fn answer(&mut self) -> Result<Vec<u8>, CallerError> {
        let mut bytes = Vec::with_capacity(1024);
        while bytes.len() < ANSWER_BYTES_MAX {
            if self.stream.read_buf(&mut bytes).await? == 0 {
                break;
            }
            let Some(head) = head_end(&bytes) else { continue };
            let (head, content) = bytes.split_at(head);
            let head = head.to_ascii_lowercase();
            if !head.starts_with(b"http/1.1 200 ") {
                break;
            }
            let length = number_after(&head, b"\r\ncontent-length: ");
            if length.is_some_and(|length| content.len() as u64 == length) {
                return Ok(content.to_vec());
            }
        }
        Err(CallerError::Answer(String::from_utf8_lossy(&bytes).into_owned()))
    }
}
