//! An open socket: frames are read one by one, checked as every frame must be, and kept.

use std::pin::Pin;

use awc::error::WsProtocolError;
use awc::ws::{Frame, Message};
use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _};
use serde_json::{Value, json};

use super::PATIENCE;

trait Both: Stream<Item = Result<Frame, WsProtocolError>> + Sink<Message, Error = WsProtocolError> {}

impl<S: Stream<Item = Result<Frame, WsProtocolError>> + Sink<Message, Error = WsProtocolError>> Both for S {}

/// An open socket.
pub struct Socket {
    name: String,
    stream: Pin<Box<dyn Both>>,
    stands: Option<(String, u64)>,
    /// Everything it was told.
    pub seen: Vec<Value>,
}

/// What a socket said.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    Frame(Value),
    /// Closed, with this code; 0 without one.
    Closed(u16),
}

impl Socket {
    pub fn new(
        name: &str,
        stream: impl Stream<Item = Result<Frame, WsProtocolError>> + Sink<Message, Error = WsProtocolError> + 'static,
    ) -> Self {
        Self { name: name.to_owned(), stream: Box::pin(stream), stands: None, seen: Vec::new() }
    }

    /// The next frame or the close; `seq` may not go back on the way.
    pub async fn hear(&mut self) -> Said {
        let heard = tokio::time::timeout(PATIENCE, self.read()).await;
        heard.unwrap_or_else(|_| panic!("{}: nothing for {PATIENCE:?}; before: {:?}", self.name, self.seen.last()))
    }

    async fn read(&mut self) -> Said {
        loop {
            match self.stream.next().await {
                Some(Ok(Frame::Text(bytes))) => {
                    let frame: Value = serde_json::from_slice(&bytes).expect("frames are JSON");
                    self.check(&frame);
                    self.seen.push(frame.clone());
                    return Said::Frame(frame);
                }
                Some(Ok(Frame::Ping(bytes))) => drop(self.stream.send(Message::Pong(bytes)).await),
                Some(Ok(Frame::Pong(_))) => {}
                Some(Ok(Frame::Close(reason))) => {
                    return Said::Closed(reason.map_or(0, |reason| u16::from(reason.code)));
                }
                Some(Ok(other)) => panic!("{}: {other:?}", self.name),
                Some(Err(_)) | None => return Said::Closed(0),
            }
        }
    }

    fn check(&mut self, frame: &Value) {
        let kind = frame["type"].as_str().unwrap_or_else(|| panic!("a frame without a type: {frame}"));
        assert!(["board", "card", "console", "change", "error"].contains(&kind), "{frame}");
        if kind == "error" {
            return;
        }
        let (epoch, seq) = stands(frame);
        if let Some((known, last)) = &self.stands
            && *known == epoch
        {
            assert!(seq >= *last, "{}: seq went back from {last} to {seq}", self.name);
        }
        self.stands = Some((epoch, seq));
    }

    /// The next frame; a close is a failure.
    pub async fn next(&mut self) -> Value {
        match self.hear().await {
            Said::Frame(frame) => frame,
            Said::Closed(code) => panic!("{}: closed with {code}", self.name),
        }
    }

    /// Reads on until a frame shows this.
    pub async fn until(&mut self, what: &str, shows: impl Fn(&Value) -> bool) -> Value {
        let name = self.name.clone();
        let reading = async {
            loop {
                let frame = self.next().await;
                if shows(&frame) {
                    return frame;
                }
            }
        };
        match tokio::time::timeout(PATIENCE, reading).await {
            Ok(frame) => frame,
            Err(tokio::time::error::Elapsed { .. }) => {
                panic!("{name}: never shown: {what}; last: {:?}", self.seen.last())
            }
        }
    }

    pub async fn send(&mut self, message: Message) {
        self.stream.send(message).await.unwrap();
    }

    pub async fn say(&mut self, text: &str) {
        self.send(Message::Text(text.to_owned().into())).await;
    }

    pub async fn resume(&mut self, epoch: &str, seq: u64) {
        // What was missed begins where it is asked for.
        self.stands = None;
        self.say(&json!({ "type": "resume", "epoch": epoch, "seq": seq }).to_string()).await;
    }
}

/// Where a frame stands.
pub fn stands(frame: &Value) -> (String, u64) {
    let epoch = frame["epoch"].as_str().unwrap_or_else(|| panic!("a frame without an epoch: {frame}"));
    let seq = frame["seq"].as_u64().unwrap_or_else(|| panic!("a frame without a seq: {frame}"));
    assert!(frame["at"].is_string(), "a frame without a time: {frame}");
    (epoch.to_owned(), seq)
}
