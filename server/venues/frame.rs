//! A text frame as it travels (RFC 6455): encoded once, and the same bytes for everybody.

use bytes::Bytes;
use bytestring::ByteString;
use serde::Serialize;

/// Room before the content for the longest header of a server's frame.
const HEADER_BYTES_MAX: usize = 10;
/// The last frame of a message, text.
const TEXT: u8 = 0x81;

/// A text frame, ready to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    whole: Bytes,
    header: u8,
}

impl Frame {
    /// The frame of this content.
    pub fn of(content: &impl Serialize) -> Self {
        let mut draft = Draft::default();
        draft.write(content);
        let header = u8::try_from(HEADER_BYTES_MAX - draft.begin).unwrap_or_default();
        let begin = draft.begin;
        Self { whole: Bytes::from(draft.bytes).slice(begin..), header }
    }

    /// Header and content.
    pub fn whole(&self) -> &Bytes {
        &self.whole
    }

    /// The content alone, for sessions that make their own header.
    pub fn text(&self) -> ByteString {
        // It was text when it was serialised.
        ByteString::try_from(self.whole.slice(usize::from(self.header)..)).unwrap_or_default()
    }
}

/// A frame that is written where the last one was: for frames that one viewer gets and nobody else.
#[derive(Debug, Default)]
pub struct Draft {
    bytes: Vec<u8>,
    begin: usize,
}

impl Draft {
    /// Writes the frame of this content over the last one.
    pub fn write(&mut self, content: &impl Serialize) {
        self.bytes.clear();
        self.bytes.resize(HEADER_BYTES_MAX, 0);
        // Frames are plain data with text keys: serialising one cannot fail. Should it, an empty object is sent, which
        // every reader ignores.
        if serde_json::to_writer(&mut self.bytes, content).is_err() {
            self.bytes.truncate(HEADER_BYTES_MAX);
            self.bytes.extend_from_slice(b"{}");
        }
        let length = self.bytes.len() - HEADER_BYTES_MAX;
        let mut header = Vec::with_capacity(HEADER_BYTES_MAX);
        header_of(length, &mut header);
        self.begin = HEADER_BYTES_MAX - header.len();
        if let Some(room) = self.bytes.get_mut(self.begin..HEADER_BYTES_MAX) {
            room.copy_from_slice(&header);
        }
    }

    /// Header and content.
    pub fn whole(&self) -> &[u8] {
        self.bytes.get(self.begin..).unwrap_or_default()
    }

    /// The content alone.
    pub fn text(&self) -> ByteString {
        let content = self.bytes.get(HEADER_BYTES_MAX..).unwrap_or_default();
        String::from_utf8_lossy(content).into_owned().into()
    }
}

fn header_of(length: usize, header: &mut Vec<u8>) {
    header.push(TEXT);
    match length {
        short @ 0..=125 => header.push(u8::try_from(short).unwrap_or_default()),
        long @ 126..=0xffff => {
            header.push(126);
            header.extend_from_slice(&u16::try_from(long).unwrap_or_default().to_be_bytes());
        }
        more => {
            header.push(127);
            header.extend_from_slice(&(more as u64).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_has_the_shortest_header_that_tells_its_length() {
        for (length, header) in [(0, 2), (123, 2), (124, 4), (0xfffd, 4), (0xfffe, 10)] {
            let content = "x".repeat(length);
            let frame = Frame::of(&content);
            let json = format!("\"{content}\"");
            assert_eq!(frame.text(), json.as_str());
            assert_eq!(frame.whole().len(), header + json.len(), "{length}");
            assert_eq!(frame.whole().first(), Some(&TEXT));
            let mut draft = Draft::default();
            draft.write(&"something longer that stood there before");
            draft.write(&content);
            assert_eq!((draft.whole(), draft.text()), (frame.whole().as_ref(), frame.text()));
        }
    }
}
