//! Refuses frames by the length they announce, before a byte of them is kept.
//!
//! The codec of actix-http checks its limit only when a whole frame has been buffered, so a client could
//! announce a gigabyte and have it kept. This stream reads the frame headers as they pass and ends with an error
//! at the first one that announces too much; what was read before it still arrives.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures_util::Stream;

/// Largest frame a client may send, bytes: it has nothing to say but `resume`.
pub const FRAME_BYTES_MAX: usize = 4 * 1024;

/// A stream of socket bytes that ends at a frame announcing too much.
pub struct FrameGuard<S> {
    inner: S,
    header: Header,
    ended: Rc<Cell<bool>>,
}

/// Where in the sequence of frames the stream stands.
#[derive(Debug, Default)]
struct Header {
    /// Bytes of the present frame's header so far; at most 14.
    bytes: Vec<u8>,
    /// Bytes of the present frame's content still to come.
    content: u64,
}

impl<S> FrameGuard<S> {
    /// Guards a stream that begins at a frame.
    pub fn new(inner: S) -> Self {
        Self { inner, header: Header::default(), ended: Rc::default() }
    }

    /// Turns true when the stream ends because of this guard: the session is told of an error, but not of which.
    pub fn ended(&self) -> Rc<Cell<bool>> {
        self.ended.clone()
    }
}

impl Header {
    /// Follows some bytes; false once a frame announces more than allowed.
    fn follow(&mut self, mut bytes: &[u8]) -> bool {
        while let Some((first, rest)) = bytes.split_first() {
            if self.content > 0 {
                let skipped = self.content.min(bytes.len() as u64);
                self.content -= skipped;
                bytes = bytes.get(usize::try_from(skipped).unwrap_or(usize::MAX)..).unwrap_or_default();
                continue;
            }
            self.bytes.push(*first);
            bytes = rest;
            if let Some(length) = self.announced() {
                if length > FRAME_BYTES_MAX as u64 {
                    return false;
                }
                if self.is_whole() {
                    self.content = length;
                    self.bytes.clear();
                }
            }
        }
        true
    }

    /// The announced length, once the header tells it (RFC 6455, 5.2).
    fn announced(&self) -> Option<u64> {
        match self.bytes.get(1)? & 0x7f {
            126 => Some(u64::from(u16::from_be_bytes(self.bytes.get(2..4)?.try_into().ok()?))),
            127 => Some(u64::from_be_bytes(self.bytes.get(2..10)?.try_into().ok()?)),
            short => Some(u64::from(short)),
        }
    }

    fn is_whole(&self) -> bool {
        let second = self.bytes.get(1).copied().unwrap_or_default();
        let length = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mask = if second & 0x80 == 0 { 0 } else { 4 };
        self.bytes.len() == 2 + length + mask
    }
}

impl<S: Stream<Item = Result<Bytes, PayloadError>> + Unpin> Stream for FrameGuard<S> {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended.get() {
            return Poll::Ready(None);
        }
        match Pin::new(&mut self.inner).poll_next(context) {
            Poll::Ready(Some(Ok(bytes))) if !self.header.follow(&bytes) => {
                self.ended.set(true);
                Poll::Ready(Some(Err(PayloadError::Overflow)))
            }
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A masked text frame.
    fn frame(length: u64) -> Vec<u8> {
        let mut bytes = vec![0x81];
        match length {
            0..126 => bytes.push(0x80 | u8::try_from(length).unwrap()),
            126..65_536 => {
                bytes.push(0x80 | 0x7e);
                bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
            _ => {
                bytes.push(0x80 | 0x7f);
                bytes.extend(length.to_be_bytes());
            }
        }
        bytes.extend([1, 2, 3, 4]);
        bytes
    }

    #[test]
    fn frames_up_to_the_limit_pass_however_they_are_cut() {
        let mut stream = Vec::new();
        for length in [0, 1, 125, 126, 1000, FRAME_BYTES_MAX as u64, 3] {
            stream.extend(frame(length));
            stream.extend(vec![b'x'; usize::try_from(length).unwrap()]);
        }
        for cut in [1, 2, 3, 7, 100, stream.len()] {
            let mut header = Header::default();
            assert!(stream.chunks(cut).all(|chunk| header.follow(chunk)), "in pieces of {cut}");
            assert!(header.bytes.is_empty() && header.content == 0, "ends between frames");
        }
    }

    #[test]
    fn a_frame_is_refused_by_what_it_announces() {
        for length in [FRAME_BYTES_MAX as u64 + 1, 1 << 30, u64::MAX] {
            assert!(!Header::default().follow(&frame(length)), "{length}");
        }
    }
}
