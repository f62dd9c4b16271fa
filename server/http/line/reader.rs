//! What a client sends, taken apart: frames in, messages out (RFC 6455). Pure: bytes go in as they come.
//!
//! Nothing is kept between frames, so a connection that says nothing holds nothing. What a frame announces is judged
//! before a byte of it is kept.

/// Longest content of a control frame (5.5).
const CONTROL_BYTES_MAX: usize = 125;
/// Longest header of a client's frame.
const HEADER_BYTES_MAX: usize = 14;

/// What a socket takes.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Largest message, bytes.
    pub message_bytes: usize,
    /// Whether a message may come in parts.
    pub parts: bool,
}

/// Something whole that a client sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Message {
    /// A text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
    /// "Are you there?", to be answered with the same bytes.
    Ping(Vec<u8>),
    /// "I am."
    Pong,
    /// Good-bye, with a code or none.
    Close(Option<u16>),
}

/// Why a connection is closed (7.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// All is said.
    Normal,
    /// The other side went away.
    Away,
    /// The protocol was broken.
    Protocol,
    /// Not what can be taken here.
    Unsupported,
    /// Text that is none.
    Invalid,
    /// Not what is allowed here.
    Policy,
    /// Too large.
    Size,
    /// The server restarts: come back.
    Restart,
    /// Come back later.
    Again,
}

impl Code {
    /// Its number.
    pub fn number(self) -> u16 {
        match self {
            Self::Normal => 1000,
            Self::Away => 1001,
            Self::Protocol => 1002,
            Self::Unsupported => 1003,
            Self::Invalid => 1007,
            Self::Policy => 1008,
            Self::Size => 1009,
            Self::Restart => 1012,
            Self::Again => 1013,
        }
    }
}

/// Reads one connection.
#[derive(Debug, Default)]
pub struct Reader(Option<Box<Unfinished>>);

/// A frame or a message that is not whole yet.
#[derive(Debug, Default)]
struct Unfinished {
    header: Vec<u8>,
    frame: Option<Present>,
    /// The message that is coming in, in one part or several.
    message: Option<Gathered>,
    /// The content of a control frame, which may stand between the parts of a message.
    control: Vec<u8>,
}

/// The frame whose content is coming in.
#[derive(Debug, Clone, Copy)]
struct Present {
    kind: Kind,
    is_last: bool,
    mask: [u8; 4],
    taken: usize,
    length: usize,
}

#[derive(Debug, Default)]
struct Gathered {
    is_text: bool,
    bytes: Vec<u8>,
    /// Up to where it is known to be text.
    valid: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Kind {
    fn of(first: u8) -> Option<Self> {
        Some(match first & 0x0f {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            _ => return None,
        })
    }

    fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

impl Reader {
    /// Takes in some bytes and hands out what is whole, until `each` says that enough was heard.
    ///
    /// # Errors
    ///
    /// The rules were broken: close with this code, and read no further.
    pub fn take(
        &mut self,
        mut bytes: &[u8],
        limits: Limits,
        mut each: impl FnMut(Message) -> bool,
    ) -> Result<(), Code> {
        let mut state = self.0.take().unwrap_or_default();
        while state.step(&mut bytes, limits, &mut each)? {}
        if !state.header.is_empty() || state.frame.is_some() || state.message.is_some() {
            self.0 = Some(state);
        }
        Ok(())
    }
}

impl Unfinished {
    /// One header, or one piece of content. False when there is nothing more to do.
    fn step(
        &mut self,
        bytes: &mut &[u8],
        limits: Limits,
        each: &mut impl FnMut(Message) -> bool,
    ) -> Result<bool, Code> {
        let Some(mut frame) = self.frame else {
            let Some((first, rest)) = bytes.split_first() else { return Ok(false) };
            self.header.push(*first);
            *bytes = rest;
            self.frame = self.begin(limits)?;
            // A frame without content is whole already.
            return match self.frame {
                Some(frame) if frame.length == 0 => self.end(frame, each),
                _ => Ok(true),
            };
        };
        if bytes.is_empty() {
            return Ok(false);
        }
        let piece = bytes.split_off(..(frame.length - frame.taken).min(bytes.len())).unwrap_or_default();
        let place = match &mut self.message {
            Some(message) if !frame.kind.is_control() => &mut message.bytes,
            _ => &mut self.control,
        };
        place.extend(piece.iter().zip(frame.mask.iter().cycle().skip(frame.taken % 4)).map(|(byte, mask)| byte ^ mask));
        frame.taken += piece.len();
        self.frame = Some(frame);
        if frame.taken == frame.length {
            return self.end(frame, each);
        }
        if !frame.kind.is_control()
            && let Some(message) = &mut self.message
        {
            message.check(false)?;
        }
        Ok(true)
    }

    /// The frame of this header, once it is whole.
    fn begin(&mut self, limits: Limits) -> Result<Option<Present>, Code> {
        let Some(first) = self.header.first().copied() else { return Ok(None) };
        let kind = Kind::of(first).ok_or(Code::Protocol)?;
        let is_last = first & 0x80 != 0;
        if first & 0x70 != 0 || (kind.is_control() && !is_last) {
            return Err(Code::Protocol);
        }
        let gathering = self.message.is_some();
        match kind {
            Kind::Continuation if !gathering => return Err(Code::Protocol),
            Kind::Text | Kind::Binary if gathering => return Err(Code::Protocol),
            Kind::Text | Kind::Binary if !is_last && !limits.parts => return Err(Code::Unsupported),
            _ => {}
        }
        let Some(second) = self.header.get(1).copied() else { return Ok(None) };
        if second & 0x80 == 0 {
            return Err(Code::Protocol);
        }
        let (at, length) = match second & 0x7f {
            126 => {
                (4, self.header.get(2..4).and_then(|two| two.try_into().ok()).map(u16::from_be_bytes).map(u64::from))
            }
            127 => (10, self.header.get(2..10).and_then(|eight| eight.try_into().ok()).map(u64::from_be_bytes)),
            short => (2, Some(u64::from(short))),
        };
        if kind.is_control() && at > 2 {
            return Err(Code::Protocol);
        }
        let Some(length) = length else { return Ok(None) };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let gathered = self.message.as_ref().map_or(0, |message| message.bytes.len());
        let most = if kind.is_control() { CONTROL_BYTES_MAX } else { limits.message_bytes.saturating_sub(gathered) };
        if length > most {
            return Err(if kind.is_control() { Code::Protocol } else { Code::Size });
        }
        debug_assert!(self.header.len() <= HEADER_BYTES_MAX);
        let Some(mask) = self.header.get(at..at + 4).and_then(|four| four.try_into().ok()) else { return Ok(None) };
        self.header.clear();
        if matches!(kind, Kind::Text | Kind::Binary) {
            self.message = Some(Gathered { is_text: kind == Kind::Text, ..Gathered::default() });
        }
        Ok(Some(Present { kind, is_last, mask, taken: 0, length }))
    }

    /// The content of this frame is whole.
    fn end(&mut self, frame: Present, each: &mut impl FnMut(Message) -> bool) -> Result<bool, Code> {
        self.frame = None;
        let message = match frame.kind {
            Kind::Ping => Message::Ping(std::mem::take(&mut self.control)),
            Kind::Pong => {
                self.control.clear();
                Message::Pong
            }
            Kind::Close => Message::Close(close_code(&std::mem::take(&mut self.control))?),
            Kind::Continuation | Kind::Text | Kind::Binary => {
                let Some(message) = &mut self.message else { return Err(Code::Protocol) };
                message.check(frame.is_last)?;
                if !frame.is_last {
                    return Ok(true);
                }
                let whole = self.message.take().unwrap_or_default();
                if whole.is_text {
                    Message::Text(String::from_utf8(whole.bytes).map_err(|_| Code::Invalid)?)
                } else {
                    Message::Binary(whole.bytes)
                }
            }
        };
        Ok(each(message))
    }
}

impl Gathered {
    /// Text that is none is refused as soon as that is certain.
    fn check(&mut self, is_whole: bool) -> Result<(), Code> {
        if !self.is_text {
            return Ok(());
        }
        match std::str::from_utf8(self.bytes.get(self.valid..).unwrap_or_default()) {
            Ok(_) => self.valid = self.bytes.len(),
            Err(error) if error.error_len().is_some() || is_whole => return Err(Code::Invalid),
            Err(error) => self.valid += error.valid_up_to(),
        }
        Ok(())
    }
}

/// The code of a good-bye, if it is one that may be said (7.4).
fn close_code(content: &[u8]) -> Result<Option<u16>, Code> {
    let Some((code, reason)) = content.split_first_chunk() else {
        return if content.is_empty() { Ok(None) } else { Err(Code::Protocol) };
    };
    let code = u16::from_be_bytes(*code);
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(Code::Protocol);
    }
    std::str::from_utf8(reason).map_err(|_| Code::Invalid)?;
    Ok(Some(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { message_bytes: 4096, parts: true };
    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

    fn frame(first: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![first];
        match content.len() {
            short @ 0..=125 => bytes.push(0x80 | u8::try_from(short).unwrap()),
            long @ 126..=0xffff => {
                bytes.push(0xfe);
                bytes.extend(u16::try_from(long).unwrap().to_be_bytes());
            }
            more => {
                bytes.push(0xff);
                bytes.extend((more as u64).to_be_bytes());
            }
        }
        bytes.extend(MASK);
        bytes.extend(content.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        bytes
    }

    /// What is heard of these bytes, in pieces of every length.
    fn heard(bytes: &[u8], limits: Limits) -> Result<Vec<Message>, Code> {
        let read = |cut: usize| {
            let (mut reader, mut all) = (Reader::default(), Vec::new());
            let read = bytes.chunks(cut).try_for_each(|piece| {
                reader.take(piece, limits, |message| {
                    all.push(message);
                    true
                })
            });
            read.map(|()| (all, reader.0.is_none()))
        };
        let whole = read(bytes.len().max(1));
        for cut in [1, 2, 3, 5, 7, 64, 1000] {
            assert_eq!(read(cut), whole, "in pieces of {cut}");
        }
        whole.map(|(all, _)| all)
    }

    #[test]
    fn messages_are_the_same_however_they_are_cut() {
        let long = "排队叫号".repeat(100);
        let bytes = [
            frame(0x81, b""),
            frame(0x81, "你好".as_bytes()),
            frame(0x89, b"there?"),
            frame(0x82, &[0, 1, 2]),
            frame(0x01, &long.as_bytes()[..100]),
            frame(0x89, b""),
            frame(0x00, &long.as_bytes()[100..101]),
            frame(0x80, &long.as_bytes()[101..]),
            frame(0x8a, b"x"),
            frame(0x88, &[3, 232, b'o', b'k']),
        ]
        .concat();
        let all = heard(&bytes, LIMITS).unwrap();
        let text = |text: &str| Message::Text(text.to_owned());
        assert_eq!(
            all,
            [
                text(""),
                text("你好"),
                Message::Ping(b"there?".to_vec()),
                Message::Binary(vec![0, 1, 2]),
                Message::Ping(Vec::new()),
                text(&long),
                Message::Pong,
                Message::Close(Some(1000)),
            ]
        );
        assert_eq!(heard(&frame(0x88, b""), LIMITS), Ok(vec![Message::Close(None)]));
    }

    #[test]
    fn nothing_is_kept_between_messages() {
        let mut reader = Reader::default();
        assert_eq!(reader.take(&frame(0x81, b"all"), LIMITS, |_| true), Ok(()));
        assert!(reader.0.is_none());
        assert_eq!(reader.take(&frame(0x81, b"all")[..3], LIMITS, |_| true), Ok(()));
        assert!(reader.0.is_some());
    }

    #[test]
    fn broken_rules_have_their_codes() {
        let unmasked = vec![0x81, 2, b'{', b'}'];
        let announced = |length: u64| [&[0x81, 0xff][..], &length.to_be_bytes()].concat();
        let close = |code: u16| frame(0x88, &code.to_be_bytes());
        let cases: Vec<(&str, Vec<u8>, Code)> = vec![
            ("no mask", unmasked, Code::Protocol),
            ("a reserved bit", frame(0xc1, b"x"), Code::Protocol),
            ("a reserved kind", frame(0x83, b"x"), Code::Protocol),
            ("a reserved control kind", frame(0x8b, b"x"), Code::Protocol),
            ("a control frame in parts", frame(0x09, b"x"), Code::Protocol),
            ("a long control frame", frame(0x89, &[0; 126]), Code::Protocol),
            ("a part of nothing", frame(0x80, b"x"), Code::Protocol),
            ("a message in a message", [frame(0x01, b"x"), frame(0x81, b"x")].concat(), Code::Protocol),
            ("half a code", frame(0x88, b"x"), Code::Protocol),
            ("a code that may not be said", close(1005), Code::Protocol),
            ("a code of nobody", close(2999), Code::Protocol),
            ("a reason that is no text", frame(0x88, &[3, 232, 0xff]), Code::Invalid),
            ("no text", frame(0x81, &[0xff]), Code::Invalid),
            ("half a letter", frame(0x81, &[0xe4, 0xbd]), Code::Invalid),
            ("a gigabyte", announced(1 << 30), Code::Size),
            ("more than there is", announced(u64::MAX), Code::Size),
            ("too much in parts", [frame(0x01, &[b'x'; 4000]), frame(0x80, &[b'x'; 97])].concat(), Code::Size),
        ];
        for (what, bytes, code) in cases {
            assert_eq!(heard(&bytes, LIMITS), Err(code), "{what}");
        }
        let whole_only = Limits { parts: false, ..LIMITS };
        assert_eq!(heard(&frame(0x01, b"x"), whole_only), Err(Code::Unsupported));
    }

    #[test]
    fn text_that_is_none_is_refused_before_it_is_whole() {
        let mut reader = Reader::default();
        let bytes = frame(0x01, &[b'a', 0xff]);
        assert_eq!(reader.take(&bytes, LIMITS, |_| true), Err(Code::Invalid));
        let mut reader = Reader::default();
        // Half a letter may still become one.
        assert_eq!(reader.take(&frame(0x01, &[b'a', 0xe4]), LIMITS, |_| true), Ok(()));
    }

    #[test]
    fn nothing_is_heard_after_enough_was() {
        let mut count = 0;
        let bytes = [frame(0x88, b""), frame(0x81, b"more")].concat();
        let read = Reader::default().take(&bytes, LIMITS, |_| {
            count += 1;
            false
        });
        assert_eq!((read, count), (Ok(()), 1));
    }
}
