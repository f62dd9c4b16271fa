//! Lines: sockets of boards and phones, held by one thread and one loop, and written to directly.
//!
//! A session actor costs a wake-up and a poll for each frame and some 12 KB for each connection. A line is a
//! descriptor and a few words; a frame is one `send` of bytes that were made once. Every byte of a line is written
//! here, pongs and good-byes too, so that frames never mix; what the kernel does not take is carried on when it can
//! take more. A line that is behind is owed the newest state and nothing else: frames are never queued.
//!
//! It knows nothing of venues: what is heard goes to a [`Desk`], which says what to write.

mod behind;
mod look;
mod reader;

use std::io::{ErrorKind, Read as _};
use std::net::Shutdown;
use std::time::Duration;

use bytes::Bytes;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token, Waker};
use rustix::net::SendFlags;

pub use reader::{Code, Limits, Message};

use behind::Behind;
use look::{Looks, Seen};
use reader::Reader;

/// Events that are taken from the kernel at one time.
const EVENTS: usize = 1_024;
/// Bytes that are read at one time, into one buffer for all lines.
const READ_BYTES: usize = 32 * 1024;
/// Reads of one line before the others have their turn.
const READS_MAX: usize = 4;
/// Longest reason that fits a good-bye beside its code (5.5).
const REASON_BYTES_MAX: usize = 123;
const WAKER: Token = Token(usize::MAX);

/// Names an open line.
pub type LineKey = usize;

/// Whoever is behind the lines.
pub trait Desk {
    /// A client said something: a text or bytes.
    fn heard(&mut self, lines: &mut Lines, line: LineKey, message: Message);
    /// A line that could not take a frame can take one now.
    fn drained(&mut self, lines: &mut Lines, line: LineKey);
    /// Some seconds have passed on an open line.
    fn went_on(&mut self, lines: &mut Lines, line: LineKey);
    /// A second or so has passed for all.
    fn round(&mut self, lines: &mut Lines);
    /// A line is closed; its name will be another's. Told once for each.
    fn gone(&mut self, line: LineKey, why: Gone);
}

/// How a line came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// One side said good-bye, or the connection broke.
    Ended,
    /// It took nothing, or said nothing, for too long.
    Stalled,
}

/// Many lines.
pub struct Lines {
    poll: Poll,
    events: Events,
    limits: Limits,
    places: Vec<Option<Line>>,
    free: Vec<LineKey>,
    /// Lines that had more to say than was their turn.
    unread: Vec<LineKey>,
    /// Lines whose desk is to hear that they are gone.
    gone: Vec<(LineKey, Gone)>,
    looks: Looks,
    buffer: Vec<u8>,
}

struct Line {
    stream: TcpStream,
    reader: Reader,
    behind: Option<Box<Behind>>,
    seen: Seen,
    /// Everything was said; only the other side's end is waited for.
    is_leaving: bool,
}

impl Lines {
    /// No lines yet.
    ///
    /// # Errors
    ///
    /// The machine has no descriptor left.
    pub fn new(limits: Limits) -> std::io::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            events: Events::with_capacity(EVENTS),
            limits,
            places: Vec::new(),
            free: Vec::new(),
            unread: Vec::new(),
            gone: Vec::new(),
            looks: Looks::default(),
            buffer: vec![0; READ_BYTES],
        })
    }

    /// Wakes [`Lines::turn`] from another thread.
    ///
    /// # Errors
    ///
    /// The machine has no descriptor left.
    pub fn waker(&self) -> std::io::Result<Waker> {
        Waker::new(self.poll.registry(), WAKER)
    }

    /// Takes a connection over, after its handshake, with what was read of it already.
    ///
    /// # Errors
    ///
    /// The connection is none, or cannot be watched.
    pub fn add(&mut self, stream: std::net::TcpStream) -> std::io::Result<LineKey> {
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        let key = self.free.pop().unwrap_or(self.places.len());
        let added = self.poll.registry().register(&mut stream, Token(key), Interest::READABLE | Interest::WRITABLE);
        let line = Line { stream, reader: Reader::default(), behind: None, seen: Seen::default(), is_leaving: false };
        match self.places.get_mut(key) {
            Some(place) => *place = Some(line),
            None => self.places.push(Some(line)),
        }
        if let Err(error) = added {
            self.remove(key);
            return Err(error);
        }
        Ok(key)
    }

    /// Waits for something to happen, for at most so long, and lets the desk know of it.
    ///
    /// # Errors
    ///
    /// The kernel does not tell events any more.
    pub fn turn(&mut self, most: Option<Duration>, desk: &mut impl Desk) -> std::io::Result<()> {
        let most = if self.unread.is_empty() { most } else { Some(Duration::ZERO) };
        let until_look = self.looks.wait();
        let mut events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        let polled = self.poll.poll(&mut events, Some(most.map_or(until_look, |most| most.min(until_look))));
        let mut taken = 0;
        if polled.is_ok() {
            for event in &events {
                taken += 1;
                if event.token() == WAKER {
                    continue;
                }
                let Token(key) = event.token();
                if event.is_writable() {
                    self.go_on(key, desk);
                }
                if event.is_readable() || event.is_error() || event.is_read_closed() {
                    self.read(key, desk);
                }
            }
        }
        self.events = events;
        for key in std::mem::take(&mut self.unread) {
            self.read(key, desk);
        }
        // Only when everything that came in was heard: after a stall of ours, whoever answered meanwhile has answered.
        if taken < EVENTS
            && self.unread.is_empty()
            && let Some(part) = self.looks.due()
        {
            for key in part.keys(self.places.len()) {
                self.look(key, desk);
            }
            if part.ends_second() {
                desk.round(self);
            }
        }
        self.tell_gone(desk);
        match polled {
            Err(error) if error.kind() != ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }

    /// Writes a frame that many share. False if the line is behind: it is owed the newest state, and the desk will
    /// hear when it can take it.
    pub fn send(&mut self, key: LineKey, frame: &Bytes) -> bool {
        self.write(key, frame, |written| frame.slice(written..))
    }

    /// Writes a frame that is this line's alone. As [`Lines::send`].
    pub fn send_own(&mut self, key: LineKey, frame: &[u8]) -> bool {
        self.write(key, frame, |written| Bytes::copy_from_slice(frame.get(written..).unwrap_or_default()))
    }

    /// Says good-bye: nothing more is sent, and nothing more is heard.
    pub fn close(&mut self, key: LineKey, code: Code, reason: &str) {
        self.say_good_bye(key, Some(code.number()), reason);
    }

    fn say_good_bye(&mut self, key: LineKey, code: Option<u16>, reason: &str) {
        let Some(line) = self.line(key).filter(|line| !line.is_leaving) else { return };
        let mut content = Vec::new();
        if let Some(code) = code {
            content.extend(code.to_be_bytes());
            content.extend(reason.bytes().take(REASON_BYTES_MAX));
        }
        line.control(behind::CLOSE, &content);
        line.is_leaving = true;
        line.seen = Seen::default();
        if line.behind.is_none() {
            // The other side may have gone already.
            drop(line.stream.shutdown(Shutdown::Write));
        }
        self.gone.push((key, Gone::Ended));
    }

    /// Lets the desk hear of lines that are gone, and frees their names.
    fn tell_gone(&mut self, desk: &mut impl Desk) {
        for (key, why) in std::mem::take(&mut self.gone) {
            desk.gone(key, why);
            if self.places.get(key).is_some_and(Option::is_none) {
                self.free.push(key);
            }
        }
    }

    fn line(&mut self, key: LineKey) -> Option<&mut Line> {
        self.places.get_mut(key)?.as_mut()
    }

    /// Takes a line away. One that was leaving is known to be gone already.
    fn remove(&mut self, key: LineKey) {
        self.drop_line(key, Gone::Ended);
    }

    fn drop_line(&mut self, key: LineKey, why: Gone) {
        let Some(mut line) = self.places.get_mut(key).and_then(Option::take) else { return };
        // It is closed right after this; a descriptor that is closed is not watched any more anyway.
        drop(self.poll.registry().deregister(&mut line.stream));
        if !line.is_leaving {
            self.gone.push((key, why));
        } else if self.gone.iter().all(|(gone, _)| *gone != key) {
            self.free.push(key);
        }
    }

    /// Ends a line that takes nothing any more, and what the kernel still holds for it.
    fn reset(&mut self, key: LineKey) {
        if let Some(line) = self.line(key) {
            drop(socket2::SockRef::from(&line.stream).set_linger(Some(Duration::ZERO)));
        }
        self.drop_line(key, Gone::Stalled);
    }

    fn write(&mut self, key: LineKey, bytes: &[u8], rest: impl FnOnce(usize) -> Bytes) -> bool {
        let Some(line) = self.line(key).filter(|line| !line.is_leaving) else { return true };
        if let Some(behind) = &mut line.behind {
            behind.owes_newest = true;
            return false;
        }
        match send(&line.stream, bytes) {
            Ok(written) if written == bytes.len() => true,
            Ok(written) => {
                line.behind = Some(Box::new(Behind::with(rest(written))));
                true
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                line.behind = Some(Box::new(Behind::owing()));
                false
            }
            Err(_) => {
                self.remove(key);
                true
            }
        }
    }

    /// Carries on where the kernel took no more.
    fn go_on(&mut self, key: LineKey, desk: &mut impl Desk) {
        let Some(line) = self.line(key) else { return };
        let Some(mut behind) = line.behind.take() else { return };
        match behind.write(&mut line.stream) {
            Ok(true) if line.is_leaving => drop(line.stream.shutdown(Shutdown::Write)),
            Ok(true) if behind.owes_newest => desk.drained(self, key),
            Ok(true) => {}
            Ok(false) => line.behind = Some(behind),
            Err(_) => self.remove(key),
        }
    }

    fn read(&mut self, key: LineKey, desk: &mut impl Desk) {
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut reads = 0;
        while let Some(line) = self.places.get_mut(key).and_then(Option::as_mut) {
            if reads == READS_MAX {
                self.unread.push(key);
                break;
            }
            reads += 1;
            match line.stream.read(&mut buffer) {
                Ok(0) => self.remove(key),
                Ok(read) => {
                    line.seen.heard();
                    if !line.is_leaving {
                        self.take_in(key, buffer.get(..read).unwrap_or_default(), desk);
                    }
                    if read < buffer.len() {
                        break;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.remove(key),
            }
        }
        self.buffer = buffer;
    }

    /// Understands some bytes that a client sent: also those that came with its handshake.
    pub fn take_in(&mut self, key: LineKey, bytes: &[u8], desk: &mut impl Desk) {
        let limits = self.limits;
        let Some(line) = self.line(key) else { return };
        let mut messages = Vec::new();
        let taken = line.reader.take(bytes, limits, |message| {
            let goes_on = !matches!(message, Message::Close(_));
            messages.push(message);
            goes_on
        });
        for message in messages {
            match message {
                Message::Ping(content) => {
                    if let Some(line) = self.line(key).filter(|line| !line.is_leaving) {
                        line.control(behind::PONG, &content);
                    }
                }
                Message::Pong => {}
                // Answered with the same code (5.5.1).
                Message::Close(code) => self.say_good_bye(key, code, ""),
                Message::Text(_) | Message::Binary(_) => {
                    if self.line(key).is_some_and(|line| !line.is_leaving) {
                        desk.heard(self, key, message);
                    }
                }
            }
        }
        if let Err(code) = taken {
            self.close(key, code, "protocol error");
        }
    }

    /// Looks whether a line still lives.
    fn look(&mut self, key: LineKey, desk: &mut impl Desk) {
        let Some(line) = self.line(key) else { return };
        let moved = line.behind.as_mut().is_none_or(|behind| behind.moved());
        match line.seen.look(moved, line.is_leaving) {
            look::Verdict::Lives => {}
            look::Verdict::Ask => line.control(behind::PING, b""),
            look::Verdict::End => return self.reset(key),
        }
        if !line.is_leaving {
            desk.went_on(self, key);
        }
    }
}

impl Line {
    /// Writes a control frame, or keeps it for after what is being written.
    fn control(&mut self, kind: u8, content: &[u8]) {
        let frame = behind::control_frame(kind, content);
        if let Some(behind) = &mut self.behind {
            behind.keep(kind, frame);
            return;
        }
        // A broken connection is noticed when it is read.
        let written = send(&self.stream, &frame).unwrap_or(0);
        if written < frame.len() {
            let mut behind = Behind::with(Bytes::new());
            behind.keep(kind, frame);
            if written > 0 {
                behind.begun(kind, written);
            }
            self.behind = Some(Box::new(behind));
        }
    }
}

/// The system call itself: a frame costs little else, and the C library's way to it looks each time whether its thread
/// is being cancelled.
fn send(stream: &TcpStream, bytes: &[u8]) -> std::io::Result<usize> {
    Ok(rustix::net::send(stream, bytes, SendFlags::NOSIGNAL)?)
}

#[cfg(test)]
mod tests;
