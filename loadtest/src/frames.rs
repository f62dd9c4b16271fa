//! The few bytes of RFC 6455 that a viewer needs: it takes frames apart where they lie, and copies nothing.

/// A frame's kind.
pub mod kind {
    /// Text.
    pub const TEXT: u8 = 1;
    /// The connection ends.
    pub const CLOSE: u8 = 8;
    /// "Are you there?"
    pub const PING: u8 = 9;
    /// "I am."
    pub const PONG: u8 = 10;
}

/// The key all viewers send: whoever answers it need not reckon.
pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// The answer to [`KEY`].
pub const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// The first whole frame of a server's bytes: its kind, its content, and how many bytes both take.
pub fn first(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    let (head, length): (usize, usize) = match bytes.get(1)? & 0x7f {
        126 => (4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
        127 => (10, usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?),
        short => (2, usize::from(short)),
    };
    let end = head.checked_add(length)?;
    Some((bytes.first()? & 0x0f, bytes.get(head..end)?, end))
}

/// A text frame as a server sends it.
pub fn text(content: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | kind::TEXT];
    match content.len() {
        short @ 0..=125 => frame.push(u8::try_from(short).unwrap_or_default()),
        long @ 126..=0xffff => {
            frame.push(126);
            frame.extend(u16::try_from(long).unwrap_or_default().to_be_bytes());
        }
        more => {
            frame.push(127);
            frame.extend((more as u64).to_be_bytes());
        }
    }
    frame.extend(content);
    frame
}

/// A control frame as a client sends it. A mask of zeros leaves the content as it is.
pub fn control(kind: u8, content: &[u8]) -> Vec<u8> {
    let content = content.get(..125).unwrap_or(content);
    let mut frame = vec![0x80 | kind, 0x80 | u8::try_from(content.len()).unwrap_or_default(), 0, 0, 0, 0];
    frame.extend(content);
    frame
}

/// A client's wish to open a socket.
pub fn upgrade(host: &str, path: &str, bearer: Option<&str>) -> String {
    let pass = bearer.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{pass}\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
    )
}

/// Where a head of HTTP ends.
pub fn head_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

/// The number that follows a name in a frame, such as `"seq":`. Frames are the server's own, without spaces.
pub fn number_after(bytes: &[u8], name: &[u8]) -> Option<u64> {
    let at = bytes.windows(name.len()).position(|window| window == name)? + name.len();
    let digits = bytes.get(at..)?.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(None, |number: Option<u64>, digit| {
        Some(number.unwrap_or_default().saturating_mul(10).saturating_add(u64::from(digit - b'0')))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_every_length_are_found_whole_or_not_at_all() {
        for length in [0, 1, 125, 126, 300, 0xffff, 0x1_0000] {
            let content = vec![b'x'; length];
            let mut bytes = text(&content);
            let whole = bytes.len();
            bytes.extend(b"and more");
            assert_eq!(first(&bytes), Some((kind::TEXT, content.as_slice(), whole)), "{length}");
            assert_eq!(first(&bytes[..whole - 1]), None, "{length}");
        }
    }

    #[test]
    fn numbers_are_found_by_their_names() {
        let frame = br#"{"type":"board","epoch":"7","seq":1042,"at":"x"}"#;
        assert_eq!(number_after(frame, b"\"seq\":"), Some(1042));
        assert_eq!(number_after(frame, b"\"epoch\":\""), Some(7));
        assert_eq!(number_after(frame, b"\"at\":"), None);
        assert_eq!(number_after(frame, b"\"none\":"), None);
    }
}
