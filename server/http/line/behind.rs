//! What a line still has to write: the rest of one frame, the newest control frames, and whether it is owed the newest
//! state after them. Never more, however long it takes.

use std::io::{ErrorKind, Write};

use bytes::{Buf as _, Bytes};

/// The last frame of a good-bye.
pub const CLOSE: u8 = 0x88;
/// "Are you there?"
pub const PING: u8 = 0x89;
/// "I am."
pub const PONG: u8 = 0x8a;
/// Longest content of a control frame (5.5).
const CONTROL_BYTES_MAX: usize = 125;

/// What is not written yet.
#[derive(Debug, Default)]
pub struct Behind {
    /// The rest of the frame that is being written: nothing may come between.
    rest: Bytes,
    /// Only the last of several pings need be answered (5.5.3).
    pong: Option<Bytes>,
    close: Option<Bytes>,
    /// A frame could not be taken: when all this is written, the newest state is due.
    pub owes_newest: bool,
    has_moved: bool,
}

/// A control frame of a server.
pub fn control_frame(kind: u8, content: &[u8]) -> Bytes {
    let content = content.get(..CONTROL_BYTES_MAX).unwrap_or(content);
    let length = u8::try_from(content.len()).unwrap_or_default();
    [&[kind, length], content].concat().into()
}

impl Behind {
    /// With the rest of a frame.
    pub fn with(rest: Bytes) -> Self {
        Self { rest, has_moved: true, ..Self::default() }
    }

    /// With nothing begun: a frame was not taken at all.
    pub fn owing() -> Self {
        Self { owes_newest: true, ..Self::with(Bytes::new()) }
    }

    /// Keeps a control frame for later. Pings are not kept: who is behind shows by writing that it lives.
    pub fn keep(&mut self, kind: u8, frame: Bytes) {
        match kind {
            PONG => self.pong = Some(frame),
            CLOSE => self.close = Some(frame),
            _ => {}
        }
    }

    /// So many bytes of this control frame were written already.
    pub fn begun(&mut self, kind: u8, written: usize) {
        let frame = if kind == CLOSE { self.close.take() } else { self.pong.take() };
        self.rest = frame.map(|frame| frame.slice(written.min(frame.len())..)).unwrap_or_default();
    }

    /// Whether anything was written since this was asked last.
    pub fn moved(&mut self) -> bool {
        std::mem::take(&mut self.has_moved)
    }

    /// Writes as much as is taken; true when that was all.
    pub fn write(&mut self, out: &mut impl Write) -> std::io::Result<bool> {
        loop {
            if self.rest.is_empty() {
                match self.pong.take().or_else(|| self.close.take()) {
                    Some(next) => self.rest = next,
                    None => return Ok(true),
                }
            }
            match out.write(&self.rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => {
                    self.rest.advance(written);
                    self.has_moved = true;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many bytes at a time, and every other time none.
    struct Slow {
        took: Vec<u8>,
        at_once: usize,
        is_full: bool,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.is_full = !self.is_full;
            if self.is_full {
                return Err(ErrorKind::WouldBlock.into());
            }
            let taken = bytes.len().min(self.at_once);
            self.took.extend(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_frame_ends_before_the_next_begins_and_only_the_last_ping_is_answered() {
        let mut behind = Behind::with(Bytes::from_static(b"rest of a frame"));
        behind.keep(PONG, control_frame(PONG, b"one"));
        behind.keep(CLOSE, control_frame(CLOSE, b"xx"));
        behind.keep(PONG, control_frame(PONG, b"two"));
        behind.keep(PING, control_frame(PING, b""));
        let mut out = Slow { took: Vec::new(), at_once: 4, is_full: false };
        let mut times = 0;
        while !behind.write(&mut out).unwrap() {
            times += 1;
            assert!(times < 100, "it comes to an end");
        }
        assert_eq!(out.took, b"rest of a frame\x8a\x03two\x88\x02xx");
    }

    #[test]
    fn a_control_frame_that_was_begun_is_ended_first() {
        let mut behind = Behind::with(Bytes::new());
        behind.keep(PONG, control_frame(PONG, b"abc"));
        behind.begun(PONG, 2);
        behind.keep(PONG, control_frame(PONG, b"d"));
        let mut out = Vec::new();
        assert!(behind.write(&mut out).unwrap());
        assert_eq!(out, b"abc\x8a\x01d");
    }

    #[test]
    fn it_tells_whether_it_moves() {
        let mut behind = Behind::with(Bytes::from_static(b"abc"));
        assert!(behind.moved(), "what was begun has moved");
        assert!(!behind.moved());
        let mut out = Slow { took: Vec::new(), at_once: 1, is_full: true };
        assert!(!behind.write(&mut out).unwrap());
        assert!(behind.moved() && !behind.moved());
    }
}
