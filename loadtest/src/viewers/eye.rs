//! One viewer: a connection, what it last saw, and what it must not see.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

use mio::net::TcpStream;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::sight::Sight;
use crate::frames;

/// One source address has some 28,000 ports: viewers are spread over so many.
const SOURCES: usize = 64;
/// What a viewer that never reads has room for.
const DEAF_BUFFER: usize = 4 * 1024;

/// Where a viewer's connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// There is none.
    Away,
    /// Being made.
    Connecting,
    /// The wish was sent.
    Asking,
    /// Open.
    Open,
}

/// One viewer.
pub struct Eye {
    pub stream: Option<TcpStream>,
    pub phase: Phase,
    /// Which of the gallery's paths it looks at.
    pub path: usize,
    /// Bytes of a frame or head that is not whole yet.
    partial: Vec<u8>,
    /// Where it stands.
    pub seen: Sight,
    /// Saw something on this connection.
    pub fresh: bool,
    /// The newest call it ever saw on a board.
    pub newest_call: u64,
    /// A call may be missing: it was away.
    pub was_away: bool,
    /// When it began to come back, and how often it tried since.
    pub left_at: u64,
    pub first_try_at: u64,
    pub tries: u32,
    pub tries_in_first_s: u64,
    pub opened_at: u64,
    /// The last card of a phone.
    pub last: Vec<u8>,
}

/// What a reading came to.
pub enum Took {
    /// Nothing is left to read.
    All,
    /// The server is busy: come back after so long.
    Shed(Duration),
    /// The connection ended.
    Ended,
}

impl Eye {
    pub fn new(path: usize) -> Self {
        Self {
            stream: None,
            phase: Phase::Away,
            path,
            partial: Vec::new(),
            seen: Sight::default(),
            fresh: false,
            newest_call: 0,
            was_away: false,
            left_at: 0,
            first_try_at: 0,
            tries: 0,
            tries_in_first_s: 0,
            opened_at: 0,
            last: Vec::new(),
        }
    }

    /// Begins to connect. The stream is to be registered.
    pub fn connect(&mut self, number: usize, server: SocketAddr, deaf: bool) -> std::io::Result<&mut TcpStream> {
        let socket = Socket::new(Domain::for_address(server), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
        if server.ip().is_loopback() && server.is_ipv4() {
            let host = u8::try_from(number % SOURCES + 1).unwrap_or(1);
            socket.bind(&SockAddr::from(SocketAddrV4::new(Ipv4Addr::new(127, 0, 1, host), 0)))?;
        }
        if deaf {
            socket.set_recv_buffer_size(DEAF_BUFFER)?;
        }
        socket.set_tcp_nodelay(true)?;
        match socket.connect(&SockAddr::from(server)) {
            Err(error) if error.raw_os_error() != Some(IN_PROGRESS) && error.kind() != ErrorKind::WouldBlock => {
                return Err(error);
            }
            _ => {}
        }
        self.phase = Phase::Connecting;
        self.partial = Vec::new();
        self.fresh = false;
        Ok(self.stream.insert(TcpStream::from_std(socket.into())))
    }

    /// The connection may be there: asks for the socket. False if it is not.
    pub fn ask(&mut self, host: &str, path: &str) -> bool {
        let Some(stream) = &mut self.stream else { return false };
        if self.phase != Phase::Connecting {
            return true;
        }
        if stream.take_error().ok().flatten().is_some() {
            return false;
        }
        match stream.peer_addr() {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotConnected => return true,
            Err(_) => return false,
        }
        self.phase = Phase::Asking;
        stream.write_all(frames::upgrade(host, path, None).as_bytes()).is_ok()
    }

    /// Reads everything there is, through a buffer that all viewers share.
    pub fn read(&mut self, buffer: &mut [u8], mut frame: impl FnMut(&mut Self, &[u8])) -> Took {
        loop {
            let Some(stream) = &mut self.stream else { return Took::All };
            let read = match stream.read(buffer) {
                Ok(0) => return Took::Ended,
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Took::All,
                Err(_) => return Took::Ended,
            };
            let bytes = buffer.get(..read).unwrap_or_default();
            let ended = if self.partial.is_empty() {
                let taken = self.take(bytes, &mut frame);
                taken.map(|taken| self.partial.extend(bytes.get(taken..).unwrap_or_default()))
            } else {
                let mut partial = std::mem::take(&mut self.partial);
                partial.extend(bytes);
                let taken = self.take(&partial, &mut frame);
                taken.map(|taken| {
                    partial.drain(..taken);
                    self.partial = partial;
                })
            };
            if let Err(ended) = ended {
                return ended;
            }
            // Less than there was room for: nothing more is waiting, or an event will tell.
            if read < buffer.len() {
                return Took::All;
            }
        }
    }

    /// Takes in what is whole of these bytes, and tells how many that were.
    fn take(&mut self, bytes: &[u8], frame: &mut impl FnMut(&mut Self, &[u8])) -> Result<usize, Took> {
        let mut taken = 0;
        if self.phase == Phase::Asking {
            let Some(end) = frames::head_end(bytes) else { return Ok(0) };
            let head = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).to_lowercase();
            if head.starts_with("http/1.1 503") {
                let after = head.lines().find_map(|line| line.strip_prefix("retry-after:"));
                let after = after.and_then(|seconds| seconds.trim().parse().ok()).unwrap_or(1);
                return Err(Took::Shed(Duration::from_secs(after)));
            }
            if !head.starts_with("http/1.1 101") {
                return Err(Took::Ended);
            }
            self.phase = Phase::Open;
            taken = end;
        }
        while let Some((kind, content, length)) = frames::first(bytes.get(taken..).unwrap_or_default()) {
            taken += length;
            match kind {
                frames::kind::TEXT => frame(self, content),
                frames::kind::PING => self.say(frames::kind::PONG, content),
                frames::kind::CLOSE => {
                    self.say(frames::kind::CLOSE, content.get(..2).unwrap_or_default());
                    return Err(Took::Ended);
                }
                _ => {}
            }
        }
        Ok(taken)
    }

    fn say(&mut self, kind: u8, content: &[u8]) {
        if let Some(stream) = &mut self.stream {
            // Twenty bytes; if even they do not fit, the server will find this viewer silent, which it is.
            let _ = stream.write(&frames::control(kind, content)).is_ok();
        }
    }

    /// Lets the connection go at once, without a trace at either end.
    pub fn cut(&mut self) {
        if let Some(stream) = self.stream.take() {
            drop(socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)));
        }
        self.phase = Phase::Away;
        self.fresh = false;
        self.partial = Vec::new();
    }
}

/// `EINPROGRESS`: the usual answer to connecting without waiting.
const IN_PROGRESS: i32 = 115;
