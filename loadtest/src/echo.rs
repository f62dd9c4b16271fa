//! An echo on the very socket code that boards and phones are served by: the same handshake, handover and lines, with
//! limits as wide as the conformance suites ask for. Nothing in it is of use but to test.

use std::collections::{BTreeMap, VecDeque};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::web::{self, Data};
use actix_web::{App, HttpRequest, HttpResponse};
use bytes::Bytes;
use callnext::http::line::{Desk, Gone, Limits, LineKey, Lines, Message};
use callnext::http::{hand_over, listen, serve};

/// Larger than the largest message of the suites that is to be echoed.
const LIMITS: Limits = Limits { message_bytes: 1024 * 1024, parts: true };
const SHUTDOWN: Duration = Duration::from_secs(1);

/// Serves for ever, after `tell` was told where.
///
/// # Errors
///
/// The address is taken, or the machine has no descriptor left.
pub async fn run(address: SocketAddr, tell: impl FnOnce(SocketAddr) -> std::io::Result<()>) -> std::io::Result<()> {
    let listener = listen(address)?;
    tell(listener.local_addr()?)?;
    let mut lines = Lines::new(LIMITS)?;
    let (send, came) = channel();
    let door = Arc::new(Door { send: Mutex::new(send), waker: lines.waker()? });
    std::thread::Builder::new().name("echo".to_owned()).spawn(move || {
        let mut echo = Echo { came, owed: BTreeMap::new() };
        while lines.turn(None, &mut echo).is_ok() {
            echo.let_in(&mut lines);
        }
    })?;
    let make = move || {
        let door = Data::from(door.clone());
        move || App::new().app_data(door.clone()).default_service(web::to(open))
    };
    serve(listener, 1, SHUTDOWN, make)?.await
}

/// Where connections go in.
struct Door {
    send: Mutex<Sender<(TcpStream, Bytes)>>,
    waker: mio::Waker,
}

async fn open(request: HttpRequest, door: Data<Door>) -> Result<HttpResponse, actix_web::Error> {
    let taken = hand_over(&request, move |stream, early| {
        // The loop outlives everybody who could be handed over to it.
        drop(door.send.lock().unwrap_or_else(PoisonError::into_inner).send((stream, early)));
        drop(door.waker.wake());
    });
    Ok(taken?)
}

struct Echo {
    came: Receiver<(TcpStream, Bytes)>,
    /// What a line could not take yet.
    owed: BTreeMap<LineKey, VecDeque<Bytes>>,
}

impl Echo {
    fn let_in(&mut self, lines: &mut Lines) {
        while let Ok((stream, early)) = self.came.try_recv() {
            if let Ok(line) = lines.add(stream) {
                lines.take_in(line, &early, self);
            }
        }
    }
}

impl Desk for Echo {
    fn heard(&mut self, lines: &mut Lines, line: LineKey, message: Message) {
        let (kind, content) = match message {
            Message::Text(text) => (0x81, text.into_bytes()),
            Message::Binary(bytes) => (0x82, bytes),
            Message::Ping(_) | Message::Pong | Message::Close(_) => return,
        };
        let mut frame = crate::frames::text(&content);
        if let Some(first) = frame.first_mut() {
            *first = kind;
        }
        let frame = Bytes::from(frame);
        if let Some(owed) = self.owed.get_mut(&line) {
            owed.push_back(frame);
        } else if !lines.send(line, &frame) {
            self.owed.insert(line, VecDeque::from([frame]));
        }
    }

    fn drained(&mut self, lines: &mut Lines, line: LineKey) {
        let Some(mut owed) = self.owed.remove(&line) else { return };
        while let Some(frame) = owed.front() {
            if !lines.send(line, frame) {
                self.owed.insert(line, owed);
                return;
            }
            owed.pop_front();
        }
    }

    fn went_on(&mut self, _: &mut Lines, _: LineKey) {}

    fn round(&mut self, _: &mut Lines) {}

    fn gone(&mut self, line: LineKey, _: Gone) {
        self.owed.remove(&line);
    }
}
