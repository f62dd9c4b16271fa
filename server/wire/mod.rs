//! What travels to browsers and programs: serde types only, no behaviour.
//!
//! # The contract in prose
//!
//! Base `/api/v1`, JSON, `snake_case`. Times are RFC 3339; durations are whole seconds (`_s`) or `_ms`.
//! Unknown fields are refused on the way in and may appear on the way out: readers ignore what they do not know.
//!
//! Every frame of a socket is complete enough to be acted on alone and carries `epoch`, `seq` and `at`:
//!
//! * `epoch` names one unbroken ownership of the venue. Another epoch means: forget what you knew.
//! * `seq` counts the venue's changes and never goes back within an epoch. Two frames may carry the same
//!   `seq`: the later one has newer estimates, or is only a sign of life.
//! * `at` is the venue's time. Ages are told against it, never against the reader's own clock.
//!
//! Boards and phones get complete states (`board`, `card`): only the newest matters. Consoles get one
//! `console` and then `change` frames, each saying which `seq` it starts `from`; a reader whose `seq` is
//! another sends `{"type":"resume","epoch","seq"}` and gets what it missed, or a new `console`.
//! A live connection gets some frame at least every [`HEARTBEAT_S`] seconds.

mod board;
mod card;
mod console;
mod figures;
mod moves;
mod policy;
mod problem;
mod public;
mod requests;
mod story;

pub use board::{Board, BoardCall, BoardFrame, BoardInside, BoardService, BoardTicket};
pub use card::{Card, CardFrame, CardState, Estimate, PassedOver};
pub use console::{
    AppointmentRow, Change, ChangeFrame, Console, ConsoleFrame, CounterRow, QueueOrder, ReasonLists, ReasonRow,
    TicketRow,
};
pub use figures::{ByHandRow, FiguresAnswer, FiguresRow, RatioRow, SoonRow};
pub use moves::*;
pub use policy::*;
pub use problem::{ErrorFrame, Problem};
pub use public::*;
pub use requests::*;
pub use story::{Person, PersonKind, StoryAnswer, StoryKind, StoryStep};

use callnext_engine::{Text, Timestamp};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Longest silence of a live connection, seconds: after twice this a page may call itself cut off.
pub const HEARTBEAT_S: u64 = 20;

/// A thing with a name: a service, a counter, a venue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Named {
    /// Name in addresses.
    pub id: String,
    /// Name as people read it.
    pub name: Text,
}

/// What a client may send on a socket. Anything else closes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientFrame {
    /// "This is the last I have; send what I missed." Consoles only; elsewhere the newest state is sent again.
    Resume {
        /// The epoch of the last frame received.
        epoch: String,
        /// Its `seq`.
        seq: u64,
    },
}

/// An instant as it is written on the wire.
pub fn rfc3339(at: Timestamp) -> DateTime<Utc> {
    at.to_utc()
}
