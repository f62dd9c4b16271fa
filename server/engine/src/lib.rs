//! The pure heart of callnext: a venue is a value, and one dispatcher says who goes next.
//!
//! Nothing in this crate reads a clock, draws a random number, does I/O, logs, or waits. Time, identity
//! and chance come in with a [`Command`]; what happened comes out as a [`Change`]. Replaying the changes
//! of a venue gives the same [`Venue`], byte for byte.
//!
//! # Layout
//!
//! The modules in reading order:
//!
//! * [`ids`], [`time`], [`text`]: the small words everything else is made of.
//! * [`config`]: what an operator declares about a venue, its services, counters and rules.
//! * [`lane`], [`joining`], [`ticket`], [`counter`], [`appointment`]: the parts of a venue's state.
//! * [`closure`], [`handover`], [`step`]: closing, going to another venue, visits in several steps.
//! * [`command`], [`event`], [`refusal`]: what can be asked, what can happen, and how a venue says no.
//! * [`venue`]: `decide`, `apply`, `execute`, `check`.
//! * [`dispatch`]: **the one ordering in the whole system**, and [`projection`], its second caller.
//! * [`estimate`]: minutes, from people really ahead and the measured gap between calls; [`staffing`]: counters
//!   for a wait that is to be kept.
//! * [`story`], [`figures`]: what a day's events tell of one ticket, and of all; [`replay`]: a day followed with no
//!   more at hand than is still going on.
//! * `testing` (a feature): words for tests, here and in the server.

pub mod appointment;
pub mod closure;
pub mod command;
pub mod config;
pub mod counter;
pub mod dispatch;
pub mod estimate;
pub mod event;
pub mod figures;
pub mod handover;
pub mod ids;
pub mod joining;
pub mod lane;
pub mod projection;
pub mod refusal;
pub mod replay;
pub mod staffing;
pub mod step;
pub mod story;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod text;
pub mod ticket;
pub mod time;
pub mod venue;

pub use command::{Action, Actor, Command, CommandId, PolicyWish};
pub use config::{Declaration, VenueConfig};
pub use event::{Change, Event};
pub use ids::{CallId, ClassId, CounterId, ReasonCode, Seq, ServiceId, SessionId, TicketId, TicketNumber, VenueId};
pub use joining::Joining;
pub use lane::Lane;
pub use refusal::Refusal;
pub use text::Text;
pub use ticket::{Ticket, TicketState};
pub use time::{BusinessDay, Millis, Timestamp};
pub use venue::{Decision, Outcome, Receipt, Venue};

/// The engine's version: histories are kept with the version that made them.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
