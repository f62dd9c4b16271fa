//! Lines on real connections: what is written, what is heard, and who is let go.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use super::*;

const LIMITS: Limits = Limits { message_bytes: 4096, parts: true };
const SHORT: Duration = Duration::from_millis(20);

#[derive(Default)]
struct Notes {
    heard: Vec<Message>,
    drained: Vec<LineKey>,
    gone: Vec<(LineKey, Gone)>,
    /// What to send to a line that drained.
    newest: Bytes,
}

impl Desk for Notes {
    fn heard(&mut self, _: &mut Lines, _: LineKey, message: Message) {
        self.heard.push(message);
    }

    fn drained(&mut self, lines: &mut Lines, line: LineKey) {
        self.drained.push(line);
        lines.send(line, &self.newest);
    }

    fn went_on(&mut self, _: &mut Lines, _: LineKey) {}

    fn round(&mut self, _: &mut Lines) {}

    fn gone(&mut self, line: LineKey, why: Gone) {
        self.gone.push((line, why));
    }
}

fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (client, listener.accept().unwrap().0)
}

/// Turns until something is so.
fn until(lines: &mut Lines, notes: &mut Notes, what: &str, is_so: impl Fn(&Notes) -> bool) {
    for _ in 0..500 {
        if is_so(notes) {
            return;
        }
        lines.turn(Some(SHORT), notes).unwrap();
    }
    panic!("never: {what}");
}

fn masked(first: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap();
    [&[first, 0x80 | length, 0, 0, 0, 0], content].concat()
}

#[test]
fn what_is_said_is_heard_and_pings_and_good_byes_are_answered() {
    let mut lines = Lines::new(LIMITS).unwrap();
    let mut notes = Notes::default();
    let (mut client, server) = pair();
    let line = lines.add(server).unwrap();
    client.write_all(&masked(0x81, b"hello")).unwrap();
    client.write_all(&masked(0x89, b"there?")).unwrap();
    until(&mut lines, &mut notes, "the text", |notes| !notes.heard.is_empty());
    assert_eq!(notes.heard, [Message::Text("hello".to_owned())]);
    assert!(lines.send(line, &Bytes::from_static(b"\x81\x01a")) && lines.send_own(line, b"\x81\x01b"));
    client.write_all(&masked(0x88, &[3, 232])).unwrap();
    until(&mut lines, &mut notes, "the end", |notes| !notes.gone.is_empty());
    let mut told = Vec::new();
    client.read_to_end(&mut told).unwrap();
    let pong = told.windows(8).position(|window| window == b"\x8a\x06there?").expect("a pong");
    told.drain(pong..pong + 8);
    assert_eq!(told, b"\x81\x01a\x81\x01b\x88\x02\x03\xe8");
    assert_eq!(notes.gone, [(line, Gone::Ended)]);
    drop(client);
    // Its name is free once the other side has gone, too.
    let mut next = line + 1;
    for _ in 0..500 {
        lines.turn(Some(SHORT), &mut notes).unwrap();
        next = lines.add(pair().1).unwrap();
        if next == line {
            break;
        }
    }
    assert_eq!(next, line);
    assert_eq!(notes.gone.iter().filter(|(gone, _)| *gone == line).count(), 1, "told once");
}

#[test]
fn whoever_does_not_read_is_owed_the_newest_and_nothing_else() {
    let mut lines = Lines::new(LIMITS).unwrap();
    let mut notes = Notes::default();
    let (mut client, server) = pair();
    socket2::SockRef::from(&server).set_send_buffer_size(8 * 1024).unwrap();
    let line = lines.add(server).unwrap();
    let frame = |n: u32| Bytes::from([&[0x81, 126, 0x10, 0x00][..], &n.to_be_bytes(), &[b'x'; 4092]].concat());
    let mut sent = 0;
    while lines.send(line, &frame(sent)) {
        sent += 1;
        assert!(sent < 10_000, "it is full at some time");
    }
    // However many more there are.
    for more in sent..sent + 1000 {
        assert!(!lines.send(line, &frame(more)));
    }
    notes.newest = frame(u32::MAX);
    client.write_all(&masked(0x89, b"1")).unwrap();
    client.write_all(&masked(0x89, b"2")).unwrap();
    let reading = std::thread::spawn(move || {
        let mut shown = Vec::new();
        let mut pongs: Vec<Vec<u8>> = Vec::new();
        // The answer may come before the newest or after it.
        while shown.last() != Some(&u32::MAX) || pongs.last().map(Vec::as_slice) != Some(b"2") {
            let mut header = [0; 2];
            client.read_exact(&mut header).unwrap();
            let length = if header[1] == 126 {
                let mut long = [0; 2];
                client.read_exact(&mut long).unwrap();
                usize::from(u16::from_be_bytes(long))
            } else {
                usize::from(header[1])
            };
            let mut content = vec![0; length];
            client.read_exact(&mut content).unwrap();
            if header[0] == 0x8a {
                pongs.push(content);
            } else {
                shown.push(u32::from_be_bytes(content[..4].try_into().unwrap()));
            }
        }
        shown
    });
    until(&mut lines, &mut notes, "room again", |notes| !notes.drained.is_empty());
    let turning = std::time::Instant::now();
    while !reading.is_finished() {
        lines.turn(Some(SHORT), &mut notes).unwrap();
        assert!(turning.elapsed() < Duration::from_secs(20), "the newest arrives");
    }
    let shown = reading.join().unwrap();
    let whole = shown.len() - 1;
    assert!(shown[..whole].iter().copied().eq(0..u32::try_from(whole).unwrap()), "each once and in order: {shown:?}");
    assert!(u32::try_from(whole).unwrap() <= sent + 1, "and none that came while it was behind");
}

#[test]
fn broken_rules_are_answered_with_their_code() {
    let mut lines = Lines::new(LIMITS).unwrap();
    let mut notes = Notes::default();
    let (mut client, server) = pair();
    lines.add(server).unwrap();
    client.write_all(&[0x81, 0x01, b'x']).unwrap();
    until(&mut lines, &mut notes, "the end", |notes| !notes.gone.is_empty());
    let mut told = Vec::new();
    client.read_to_end(&mut told).unwrap();
    assert_eq!(told.get(2..4), Some(&1002_u16.to_be_bytes()[..]));
}

#[test]
fn a_line_holds_little() {
    // Beside its descriptor and what its hub keeps of it.
    assert!(size_of::<Option<Line>>() <= 40, "{} bytes", size_of::<Option<Line>>());
}
