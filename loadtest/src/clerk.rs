//! Whoever makes things happen: takes numbers and calls them, through the public interface.

use std::net::SocketAddr;

use awc::http::Method;
use callnext::replay::client::{Client, ClientError, Seat};
use callnext::wire::{CallAnswer, ConsoleFrame, TicketIssued};
use futures_util::stream::{StreamExt as _, iter};
use serde_json::{Value, json};

use super::instant::now_ns;
use super::server::{CALLED, COUNTERS, VENUE, clerk};

/// Numbers that are taken at one time when many are needed.
const TAKEN_AT_ONCE: usize = 32;

/// A clerk at all counters of the venue for measuring.
pub struct Clerk {
    client: Client,
    seat: Seat,
    next: usize,
}

impl Clerk {
    /// Logs in and opens every counter.
    ///
    /// # Errors
    ///
    /// The server says no.
    pub async fn at(server: SocketAddr) -> Result<Self, ClientError> {
        let clerk = Self { client: Client::new(&format!("http://{server}"))?, seat: Seat::new(clerk()), next: 0 };
        for counter in 1..=COUNTERS {
            let path = format!("/venues/{VENUE}/counters/{counter}");
            let _: Value = clerk.client.write(&clerk.seat, Method::PUT, &path, &json!({ "state": "open" })).await?;
        }
        Ok(clerk)
    }

    /// Takes this many numbers; returns where their phones look.
    ///
    /// # Errors
    ///
    /// The server says no.
    pub async fn take(&self, count: usize) -> Result<Vec<String>, ClientError> {
        let one = async |_| -> Result<String, ClientError> {
            let path = format!("/venues/{VENUE}/tickets");
            let body = json!({ "service": CALLED });
            let issued: TicketIssued = self.client.write(&self.seat, Method::POST, &path, &body).await?;
            Ok(format!("/ws/v1/tickets/{}", issued.token))
        };
        let taken: Vec<_> = iter(0..count).map(one).buffer_unordered(TAKEN_AT_ONCE).collect().await;
        taken.into_iter().collect()
    }

    /// Calls the next person to the next counter; returns when it was sent, and the call.
    ///
    /// # Errors
    ///
    /// The server says no.
    pub async fn call(&mut self) -> Result<(u64, Option<u64>), ClientError> {
        let counter = self.next % COUNTERS + 1;
        self.next += 1;
        let path = format!("/venues/{VENUE}/counters/{counter}/calls");
        let sent = now_ns();
        let answer: CallAnswer = self.client.write(&self.seat, Method::POST, &path, &json!({})).await?;
        Ok((sent, answer.call))
    }

    /// Where the venue stands.
    ///
    /// # Errors
    ///
    /// The server says no.
    pub async fn seq(&self) -> Result<u64, ClientError> {
        let queue: ConsoleFrame = self.client.read(&self.seat, &format!("/venues/{VENUE}/queue")).await?;
        Ok(queue.seq)
    }
}
