//! The digest of a venue's value, by which a restored day is known to be the one that was snapshotted.
//!
//! From format 2 on it is made of what is left of the value without its tickets, and of each ticket by number as
//! [`callnext_engine::replay`] hands it out: a line of JSON each. Whoever makes it need not have the day in memory. In
//! format 1 it is made of the value as one.

use std::io::{self, BufWriter, Write};

use callnext_engine::Venue;
use callnext_engine::replay::Replay;
use serde::Serialize;

use super::digest::{Digest, Hashing};

/// A digest that is being made.
pub(super) struct State(BufWriter<Hashing<io::Sink>>);

impl State {
    /// Of what is left of a value without its tickets.
    pub(super) fn of(rest: &Venue) -> io::Result<Self> {
        let mut state = Self(BufWriter::new(Hashing::new(io::sink())));
        // Made on the way: the text is never there as a whole.
        state.line(rest)?;
        Ok(state)
    }

    /// The next ticket, as JSON.
    pub(super) fn ticket(&mut self, retired: &[u8]) -> io::Result<()> {
        self.0.write_all(retired)?;
        self.0.write_all(b"\n")
    }

    pub(super) fn digest(self) -> io::Result<Digest> {
        Ok(self.0.into_inner().map_err(io::IntoInnerError::into_error)?.finish().2)
    }

    fn line(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.0, value)?;
        self.0.write_all(b"\n")
    }
}

/// The digest of a value that is in memory as a whole, as a file of this format has it.
pub fn digest(format: u32, venue: Venue) -> io::Result<Digest> {
    if format == 1 {
        let mut hashing = Hashing::new(io::sink());
        serde_json::to_writer(BufWriter::new(&mut hashing), &venue)?;
        return Ok(hashing.finish().2);
    }
    let mut replay = Replay::new(venue);
    let tickets = replay.retire_all();
    let mut state = State::of(replay.venue())?;
    tickets.iter().try_for_each(|retired| state.line(retired))?;
    state.digest()
}
