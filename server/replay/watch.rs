//! Open sockets of a replay: console and board, which show the player what others do, and phones that only wait.
//!
//! Apart, because these go on beside the steps: each is a task that reads until it is dropped, and comes back when the
//! connection ends. It judges nothing: what a frame means is for its receiver, what it should hold for the load test.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use awc::ws::{Frame, Message};
use callnext_engine::VenueId;
use futures_util::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::client::{Client, Seat, jitter};
use crate::wire::{BoardFrame, ChangeFrame, ClientFrame, ConsoleFrame};

/// Frames read ahead while the player waits for an answer; the server holds the rest, and sends less of it.
const READ_AHEAD: usize = 256;
/// The pause before coming back is at most this.
const RETURN_WITHIN: Duration = Duration::from_secs(2);

/// A task that ends with whoever started it.
#[derive(Debug)]
pub struct Watch(JoinHandle<()>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What a console or a board is told.
#[derive(Debug)]
pub enum Told {
    /// Everything.
    Console(ConsoleFrame),
    /// What changed.
    Change(ChangeFrame),
    /// The board: of what it shows, the player needs the calls.
    Board(BoardFrame),
}

/// Watches a venue's console and board, for as long as the watches are kept.
pub fn venue(client: &Rc<Client>, seat: &Rc<Seat>, venue: &VenueId) -> ([Watch; 2], mpsc::Receiver<Told>) {
    let (told, receiver) = mpsc::channel(READ_AHEAD);
    let watch = |what: &str| {
        let (client, seat, told) = (Rc::clone(client), Rc::clone(seat), told.clone());
        let path = format!("/ws/v1/venues/{venue}/{what}");
        Watch(tokio::task::spawn_local(async move {
            while read_to_end(&client, &seat, &path, &told).await.is_some() {
                tokio::time::sleep(jitter(RETURN_WITHIN)).await;
            }
        }))
    };
    ([watch("console"), watch("board")], receiver)
}

/// Reads one connection to its end; none when nobody listens any more.
async fn read_to_end(client: &Client, seat: &Seat, path: &str, told: &mpsc::Sender<Told>) -> Option<()> {
    let Ok(mut socket) = client.socket(seat, path).await else { return Some(()) };
    // Where this reader stands: a change that starts elsewhere is answered by asking for what was missed.
    let mut stands: Option<(String, u64)> = None;
    while let Some(Ok(frame)) = socket.next().await {
        match frame {
            Frame::Text(bytes) => match read(&bytes) {
                Some(Told::Change(frame)) if stands.as_ref() != Some(&(frame.epoch.clone(), frame.from)) => {
                    let (epoch, seq) = stands.clone().unwrap_or_default();
                    let resume = serde_json::to_string(&ClientFrame::Resume { epoch, seq }).unwrap_or_default();
                    if socket.send(Message::Text(resume.into())).await.is_err() {
                        return Some(());
                    }
                }
                Some(frame) => {
                    stands = match &frame {
                        Told::Console(frame) => Some((frame.epoch.clone(), frame.seq)),
                        Told::Change(frame) => Some((frame.epoch.clone(), frame.seq)),
                        Told::Board(_) => None,
                    };
                    told.send(frame).await.ok()?;
                }
                None => {}
            },
            Frame::Ping(bytes) => {
                if socket.send(Message::Pong(bytes)).await.is_err() {
                    return Some(());
                }
            }
            Frame::Close(_) => return Some(()),
            Frame::Pong(_) | Frame::Binary(_) | Frame::Continuation(_) => {}
        }
    }
    Some(())
}

fn read(bytes: &[u8]) -> Option<Told> {
    #[derive(Deserialize)]
    struct Kind {
        #[serde(rename = "type")]
        kind: String,
    }
    let kind: Kind = serde_json::from_slice(bytes).ok()?;
    match kind.kind.as_str() {
        "console" => serde_json::from_slice(bytes).ok().map(Told::Console),
        "change" => serde_json::from_slice(bytes).ok().map(Told::Change),
        "board" => serde_json::from_slice(bytes).ok().map(Told::Board),
        _ => None,
    }
}

/// A waiting phone: holds its card open for as long as the watch is kept, and counts the cards it was sent.
pub fn phone(client: &Rc<Client>, token: &str, cards: &Rc<Cell<u64>>) -> Watch {
    let (client, cards) = (Rc::clone(client), Rc::clone(cards));
    let path = format!("/ws/v1/tickets/{token}");
    let task = async move {
        let seat = Seat::new(super::client::Access::Public);
        loop {
            if let Ok(mut socket) = client.socket(&seat, &path).await {
                while let Some(Ok(frame)) = socket.next().await {
                    match frame {
                        Frame::Text(_) => cards.set(cards.get() + 1),
                        Frame::Ping(bytes) if socket.send(Message::Pong(bytes.clone())).await.is_err() => break,
                        Frame::Close(_) => break,
                        _ => {}
                    }
                }
            }
            tokio::time::sleep(jitter(RETURN_WITHIN)).await;
        }
    };
    Watch(tokio::task::spawn_local(task))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_told_apart_by_their_type() {
        let change = r#"{"type":"change","epoch":"1","seq":8,"at":"2026-11-22T08:00:00Z","from":7,"services":[],
            "counters":[],"tickets":[],"removed":[3],"appointments":[],"appointments_removed":[]}"#;
        let Some(Told::Change(frame)) = read(change.as_bytes()) else { panic!("a change") };
        assert_eq!((frame.from, frame.seq, frame.change.removed), (7, 8, vec![3]));
        assert!(read(br#"{"type":"error","code":"x"}"#).is_none());
        assert!(read(b"nonsense").is_none());
    }
}
