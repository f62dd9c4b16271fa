//! The limit: one loop that writes one frame, encoded beforehand, to every socket. Nothing a server does for its
//! viewers can be cheaper, so everything else is told as a ratio to it.
//!
//! A viewer asks for any path. Whoever asks for [`CONTROL`] is the conductor instead, and sends lines: `same SEQ BYTES`
//! writes one frame to all, `each SEQ BYTES` writes to each a frame of its own, and the line comes back when the last
//! byte is with the kernel.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

use super::frames::{ACCEPT, head_end, text};

/// What the conductor asks for.
pub const CONTROL: &str = "/control";
const LISTENER: Token = Token(usize::MAX);
const EVENTS: usize = 4_096;
const READ_BYTES: usize = 16 * 1024;

/// Serves for ever on a free port, which `tell` hears of.
///
/// # Errors
///
/// The machine gives no port, or no more descriptors.
pub fn serve(tell: impl FnOnce(SocketAddr) -> std::io::Result<()>) -> std::io::Result<()> {
    let mut listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    tell(listener.local_addr()?)?;
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut events = Events::with_capacity(EVENTS);
    let mut hall = Hall::default();
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            if event.token() == LISTENER {
                hall.accept(&listener, &poll)?;
                continue;
            }
            if event.is_writable() {
                hall.go_on(event.token());
            }
            if event.is_readable() {
                hall.read(event.token());
            }
        }
    }
}

#[derive(Default)]
struct Hall {
    sockets: BTreeMap<usize, Socket>,
    next: usize,
}

struct Socket {
    stream: TcpStream,
    /// Bytes of an unfinished head, or of an unfinished line.
    heard: Vec<u8>,
    role: Role,
    /// What did not fit the kernel's buffer.
    rest: Vec<u8>,
}

#[derive(PartialEq, Eq, Clone, Copy)]
enum Role {
    Unknown,
    Viewer,
    Conductor,
}

impl Hall {
    fn accept(&mut self, listener: &TcpListener, poll: &Poll) -> std::io::Result<()> {
        loop {
            let mut stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            stream.set_nodelay(true)?;
            self.next += 1;
            poll.registry().register(&mut stream, Token(self.next), Interest::READABLE | Interest::WRITABLE)?;
            let socket = Socket { stream, heard: Vec::new(), role: Role::Unknown, rest: Vec::new() };
            self.sockets.insert(self.next, socket);
        }
    }

    fn read(&mut self, Token(key): Token) {
        let mut buffer = [0; READ_BYTES];
        loop {
            let Some(socket) = self.sockets.get_mut(&key) else { return };
            match socket.stream.read(&mut buffer) {
                Ok(0) => {
                    self.sockets.remove(&key);
                    return;
                }
                Ok(read) => {
                    if socket.role != Role::Viewer {
                        socket.heard.extend(buffer.get(..read).unwrap_or_default());
                        self.understand(key);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => {
                    self.sockets.remove(&key);
                    return;
                }
            }
        }
    }

    fn understand(&mut self, key: usize) {
        let Some(socket) = self.sockets.get_mut(&key) else { return };
        if socket.role == Role::Unknown {
            let Some(end) = head_end(&socket.heard) else { return };
            let conducts = socket.heard.starts_with(format!("GET {CONTROL} ").as_bytes());
            socket.role = if conducts { Role::Conductor } else { Role::Viewer };
            socket.heard.drain(..end);
            let answer = format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Accept: {ACCEPT}\r\n\r\n"
            );
            socket.write(answer.as_bytes());
        }
        while let Some(line) = self.line(key) {
            self.conduct(&line);
            if let Some(socket) = self.sockets.get_mut(&key) {
                socket.write(&line);
            }
        }
    }

    /// The next whole line of the conductor.
    fn line(&mut self, key: usize) -> Option<Vec<u8>> {
        let socket = self.sockets.get_mut(&key).filter(|socket| socket.role == Role::Conductor)?;
        let end = socket.heard.iter().position(|byte| *byte == b'\n')?;
        Some(socket.heard.drain(..=end).collect())
    }

    fn conduct(&mut self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        let mut words = line.split_whitespace();
        let (what, seq, bytes) = (words.next(), words.next(), words.next());
        let (Some(seq), Some(bytes)) = (seq, bytes.and_then(|bytes| bytes.parse().ok())) else { return };
        let viewers = self.sockets.values_mut().filter(|socket| socket.role == Role::Viewer);
        if what == Some("each") {
            for (number, socket) in viewers.enumerate() {
                socket.write(&frame(seq, number, bytes));
            }
        } else {
            let frame = frame(seq, 0, bytes);
            viewers.for_each(|socket| socket.write(&frame));
        }
    }

    fn go_on(&mut self, Token(key): Token) {
        if let Some(socket) = self.sockets.get_mut(&key)
            && !socket.rest.is_empty()
        {
            let rest = std::mem::take(&mut socket.rest);
            socket.write(&rest);
        }
    }
}

impl Socket {
    fn write(&mut self, bytes: &[u8]) {
        if !self.rest.is_empty() {
            self.rest.extend(bytes);
            return;
        }
        // A broken connection is noticed when it is read.
        let written = self.stream.write(bytes).unwrap_or(0);
        if written < bytes.len() {
            self.rest.extend(bytes.get(written..).unwrap_or_default());
        }
    }
}

/// A frame that says where it stands, filled up to this many bytes of content.
fn frame(seq: &str, number: usize, bytes: usize) -> Vec<u8> {
    let mut content = format!("{{\"type\":\"bare\",\"epoch\":\"1\",\"seq\":{seq},\"number\":{number},\"fill\":\"");
    let fill = bytes.saturating_sub(content.len() + 2);
    content.extend(std::iter::repeat_n('x', fill));
    content.push_str("\"}");
    text(content.as_bytes())
}
