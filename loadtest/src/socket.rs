//! One light WebSocket connection: thousands fit one process.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::header::{AUTHORIZATION, HeaderValue, InvalidHeaderValue};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as WebSocketError, Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// The default of 128 KiB is allocated for each connection and cleared at each read.
const READ_BUFFER_BYTES: usize = 1024;
/// Nothing is sent but answers to pings: no reason to collect.
const WRITE_BUFFER_BYTES: usize = 0;
/// Largest frame taken: a board of a full venue, with much room.
const FRAME_BYTES_MAX: usize = 1024 * 1024;
/// A server that does not answer a handshake for so long is not there.
const HANDSHAKE_MAX: Duration = Duration::from_secs(30);

/// Why a connection could not be opened, or ended.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Not `http://host:port`.
    #[error("\"{0}\" is not a server address like http://127.0.0.1:8080")]
    Address(String),
    /// No connection.
    #[error("no connection: {0}")]
    Connect(#[from] std::io::Error),
    /// The token cannot travel in a header.
    #[error("the token is not one")]
    Token(#[from] InvalidHeaderValue),
    /// No answer.
    #[error("no answer in {} s", HANDSHAKE_MAX.as_secs())]
    Timeout,
    /// The handshake failed, or the connection did.
    #[error("{0}")]
    WebSocket(#[from] Box<WebSocketError>),
    /// The server closed the connection.
    #[error("closed by the server: {code} {reason}")]
    Closed {
        /// The close code; 1005 where there was none.
        code: u16,
        /// Its words.
        reason: String,
    },
}

/// A server, as sockets reach it.
#[derive(Debug, Clone)]
pub struct Address {
    host: String,
}

impl Address {
    /// Reads `http://host:port`.
    ///
    /// # Errors
    ///
    /// It is not such an address.
    pub fn parse(server: &str) -> Result<Self, SocketError> {
        let host = server.trim().strip_prefix("http://").map(|host| host.trim_end_matches('/'));
        match host.filter(|host| !host.is_empty() && !host.contains('/')) {
            Some(host) if host.contains(':') => Ok(Self { host: host.to_owned() }),
            Some(host) => Ok(Self { host: format!("{host}:80") }),
            None => Err(SocketError::Address(server.to_owned())),
        }
    }
}

/// An open connection.
pub struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    /// Opens one.
    ///
    /// # Errors
    ///
    /// No connection, or the server refuses it.
    pub async fn open(server: &Address, path: &str, bearer: Option<&str>) -> Result<Self, SocketError> {
        let mut request = format!("ws://{}{path}", server.host).into_client_request().map_err(Box::new)?;
        if let Some(token) = bearer {
            request.headers_mut().insert(AUTHORIZATION, HeaderValue::try_from(format!("Bearer {token}"))?);
        }
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(WRITE_BUFFER_BYTES)
            .max_message_size(Some(FRAME_BYTES_MAX))
            .max_frame_size(Some(FRAME_BYTES_MAX));
        let open = async {
            let stream = TcpStream::connect(&server.host).await?;
            stream.set_nodelay(true)?;
            let (socket, _) = client_async_with_config(request, stream, Some(config)).await.map_err(Box::new)?;
            Ok(Self(socket))
        };
        timeout(HANDSHAKE_MAX, open).await.map_err(|_| SocketError::Timeout)?
    }

    /// The next text frame. Pings are answered on the way.
    ///
    /// # Errors
    ///
    /// The connection ended, however it did.
    pub async fn next(&mut self) -> Result<Utf8Bytes, SocketError> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => return Ok(text),
                Some(Ok(Message::Close(frame))) => {
                    let (code, reason) =
                        frame.map_or((1005, String::new()), |frame| (frame.code.into(), frame.reason.to_string()));
                    return Err(SocketError::Closed { code, reason });
                }
                // The answer to a ping is queued by the protocol; flushing sends it.
                Some(Ok(_)) => self.0.flush().await.map_err(Box::new)?,
                Some(Err(error)) => return Err(Box::new(error).into()),
                None => return Err(SocketError::Closed { code: 1006, reason: String::new() }),
            }
        }
    }

    /// Says good-bye; what the server makes of it does not matter any more.
    pub async fn close(mut self) {
        drop(timeout(HANDSHAKE_MAX, self.0.close(None)).await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_plain_http() {
        assert_eq!(Address::parse("http://127.0.0.1:8080/").unwrap().host, "127.0.0.1:8080");
        assert_eq!(Address::parse("http://hall").unwrap().host, "hall:80");
        for bad in ["", "hall:8080", "https://hall", "http://", "http://hall/api"] {
            assert!(matches!(Address::parse(bad), Err(SocketError::Address(_))), "{bad}");
        }
    }
}
