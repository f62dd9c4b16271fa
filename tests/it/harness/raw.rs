//! Bytes on a connection: for requests that no client would send.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::PATIENCE;

/// One connection.
pub struct Raw(pub TcpStream);

/// An answer, taken apart by hand.
#[derive(Debug)]
pub struct RawAnswer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Raw {
    pub async fn to(base: &str) -> Self {
        Self(TcpStream::connect(base.trim_start_matches("http://")).await.unwrap())
    }

    /// Sends everything, whether or not the other side still reads: the answer says what it thought of it.
    pub async fn send(&mut self, bytes: &[u8]) {
        drop(tokio::time::timeout(PATIENCE, self.0.write_all(bytes)).await);
    }

    /// Reads one answer. `head` tells that it has no body whatever its head says.
    pub async fn answer(&mut self, head: bool) -> RawAnswer {
        let reading = async {
            let mut bytes = Vec::new();
            let end = loop {
                if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                    break end;
                }
                let read = self.0.read_buf(&mut bytes).await.expect("the connection stays until the answer");
                assert!(read > 0, "the connection ended before the answer: {:?}", String::from_utf8_lossy(&bytes));
            };
            let text = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let mut body = bytes.split_off(end + 4);
            let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length = if head { 0 } else { length.map_or(0, |length| length.trim().parse().unwrap()) };
            while body.len() < length {
                assert!(self.0.read_buf(&mut body).await.unwrap() > 0, "the connection ended within the answer");
            }
            let status = text.split(' ').nth(1).unwrap().parse().unwrap();
            RawAnswer { status, head: text, body }
        };
        tokio::time::timeout(PATIENCE, reading).await.expect("an answer in time")
    }

    /// Reads a little more; false when the connection ended.
    pub async fn more(&mut self, bytes: &mut Vec<u8>) -> bool {
        self.0.read_buf(bytes).await.is_ok_and(|read| read > 0)
    }

    /// Reads until the other side closes.
    pub async fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let reading = self.0.read_to_end(&mut bytes);
        // A reset after the last words is a close as well.
        drop(tokio::time::timeout(PATIENCE, reading).await.expect("the connection is closed in time"));
        bytes
    }
}

/// One request, one answer.
pub async fn exchange(base: &str, request: &[u8]) -> RawAnswer {
    let mut raw = Raw::to(base).await;
    raw.send(request).await;
    raw.answer(request.starts_with(b"HEAD")).await
}

impl RawAnswer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{self:?}: {error}"))
    }
}

/// An open socket, by hand: what follows are frames as bytes.
pub async fn upgraded(base: &str, path: &str) -> Raw {
    upgraded_on(Raw::to(base).await.0, path).await
}

/// The same on this connection.
pub async fn upgraded_on(stream: TcpStream, path: &str) -> Raw {
    let mut raw = Raw(stream);
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    raw.send(request.as_bytes()).await;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(tokio::time::timeout(PATIENCE, raw.0.read_u8()).await.unwrap().unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    raw
}

/// A frame as a client sends it.
pub fn frame(first: u8, masked: bool, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    let mask = if masked { 0x80 } else { 0 };
    match content.len() {
        length @ 0..=125 => bytes.push(mask | u8::try_from(length).unwrap()),
        length @ 126..=65_535 => {
            bytes.push(mask | 0x7e);
            bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        length => {
            bytes.push(mask | 0x7f);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    if masked {
        // A mask of zeros leaves the content as it is.
        bytes.extend([0; 4]);
    }
    bytes.extend(content);
    bytes
}

/// Takes the whole frames of a server off the front: kind and content.
pub fn frames(bytes: &mut Vec<u8>) -> Vec<(u8, Vec<u8>)> {
    let mut all = Vec::new();
    while let Some((kind, head, length)) = first_frame(bytes) {
        if bytes.len() < head + length {
            break;
        }
        all.push((kind, bytes[head..head + length].to_vec()));
        bytes.drain(..head + length);
    }
    all
}

/// Kind, length of the head, length of the content.
fn first_frame(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let (head, length) = match bytes.get(1)? & 0x7f {
        126 => (4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
        127 => (10, usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?),
        length => (2, usize::from(length)),
    };
    Some((bytes[0] & 0x0f, head, length))
}

/// The code of the last close frame among server frames.
pub fn close_code(bytes: &[u8]) -> Option<u16> {
    let all = frames(&mut bytes.to_vec());
    let (_, content) = all.iter().rfind(|(kind, _)| *kind == 8)?;
    Some(u16::from_be_bytes(content.get(..2)?.try_into().ok()?))
}
