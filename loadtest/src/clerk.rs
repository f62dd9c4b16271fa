//! Whoever makes things happen: takes numbers and calls them, through the public interface.

use std::net::SocketAddr;
use std::rc::Rc;

use awc::http::Method;
use callnext::replay::client::{Client, ClientError, Seat};
use callnext::wire::{CallAnswer, ConsoleFrame, TicketIssued};
use futures_util::stream::{StreamExt as _, iter};
use serde_json::{Value, json};

use super::caller::Caller;
use super::instant::now_ns;
use super::server::{CALLED, COUNTERS, VENUE, clerk};

/// Numbers that are taken at one time when many are needed.
const TAKEN_AT_ONCE: usize = 32;

/// A clerk at all counters of the venue for measuring.
pub struct Clerk {
    desk: Rc<Desk>,
    next: usize,
}

struct Desk {
    client: Client,
    seat: Seat,
}

impl Clerk {
    /// Logs in and opens every counter.
    ///
    /// # Errors
    ///
    /// The server says no.
    pub async fn at(server: SocketAddr) -> Result<Self, ClientError> {
        let desk = Desk { client: Client::new(&format!("http://{server}"))?, seat: Seat::new(clerk()) };
        for counter in 1..=COUNTERS {
            let path = format!("/venues/{VENUE}/counters/{counter}");
            let _: Value = desk.client.write(&desk.seat, Method::PUT, &path, &json!({ "state": "open" })).await?;
        }
        Ok(Self { desk: Rc::new(desk), next: 0 })
    }

    /// Takes one number; gives back where its phone looks.
    ///
    /// # Errors
    ///
    /// The server says no.
    pub fn next_number(&self) -> impl Future<Output = Result<String, ClientError>> + use<> {
        let desk = self.desk.clone();
        async move { desk.number().await }
    }

    /// Takes this many numbers; gives back where their phones look.
    ///
    /// # Errors
    ///
    /// The server says no.
    pub fn take_many(&self, count: usize) -> impl Future<Output = Result<Vec<String>, ClientError>> + use<> {
        let desk = self.desk.clone();
        async move {
            let taken: Vec<_> = iter(0..count).map(|_| desk.number()).buffer_unordered(TAKEN_AT_ONCE).collect().await;
            taken.into_iter().collect()
        }
    }

    /// As [`Clerk::take_many`].
    ///
    /// # Errors
    ///
    /// The server says no.
    pub async fn take(&self, count: usize) -> Result<Vec<String>, ClientError> {
        self.take_many(count).await
    }

    /// Calls the next person to the next counter; gives back the call, if anybody was waiting.
    ///
    /// # Errors
    ///
    /// The server says no.
    pub fn next_call(&mut self) -> impl Future<Output = Result<Option<u64>, ClientError>> + use<> {
        let (desk, counter) = (self.desk.clone(), self.next % COUNTERS + 1);
        self.next += 1;
        async move {
            let path = format!("/venues/{VENUE}/counters/{counter}/calls");
            let answer: CallAnswer = desk.client.write(&desk.seat, Method::POST, &path, &json!({})).await?;
            Ok(answer.call)
        }
    }

    /// As [`Clerk::next_call`], with when it was sent.
    ///
    /// # Errors
    ///
    /// The server says no.
    pub async fn call(&mut self) -> Result<(u64, Option<u64>), ClientError> {
        let sent = now_ns();
        Ok((sent, self.next_call().await?))
    }

    /// Somebody who calls at the same counters, over a connection of its own.
    ///
    /// # Errors
    ///
    /// No connection.
    pub async fn caller(&self, server: SocketAddr) -> Result<Caller, std::io::Error> {
        Caller::at(server, self.desk.seat.bearer().unwrap_or_default()).await
    }

    /// Where the venue stands.
    ///
    /// # Errors
    ///
    /// The server says no.
    pub fn seen_seq(&self) -> impl Future<Output = Result<u64, ClientError>> + use<> {
        let desk = self.desk.clone();
        async move {
            let queue: ConsoleFrame = desk.client.read(&desk.seat, &format!("/venues/{VENUE}/queue")).await?;
            Ok(queue.seq)
        }
    }

    /// As [`Clerk::seen_seq`].
    ///
    /// # Errors
    ///
    /// The server says no.
    pub async fn seq(&self) -> Result<u64, ClientError> {
        self.seen_seq().await
    }
}

impl Desk {
    async fn number(&self) -> Result<String, ClientError> {
        let path = format!("/venues/{VENUE}/tickets");
        let body = json!({ "service": CALLED });
        let issued: TicketIssued = self.client.write(&self.seat, Method::POST, &path, &body).await?;
        Ok(format!("/ws/v1/tickets/{}", issued.token))
    }
}
