//! The content of formats 1 and 2: lines of JSON, each an object whose one key says what it is.
//!
//! ```text
//! {"change":…}     every change of the day, as the journal has it; after each, what it adds to the trail:
//! {"trail":…}
//! {"ticket":…}     every ticket as it was in the end, with the wait it was announced
//! {"settings":…}   the declaration in force in the end
//! {"figures":…}    the day in figures
//! ```
//!
//! Changes are in the engine's stored form, which is for ever. The other lines have types of their own
//! ([`super::record`]): new fields are added, names stay.

use callnext_engine::{Change, VenueConfig};
use serde::{Deserialize, Serialize};

use super::figures::DayFigures;
use super::record::TicketRecord;
use super::trail::TrailEntry;

/// Longest line: the closing of a day with two million people waiting.
pub(super) const LINE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// A line to be written.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Written<'a> {
    Change(&'a Change),
    Trail(&'a TrailEntry),
    Ticket(&'a TicketRecord),
    Settings(&'a VenueConfig),
    Figures(&'a DayFigures),
}

/// A line as it is read.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// One change of the day.
    Change(Box<Change>),
    /// One entry of the trail.
    Trail(Box<TrailEntry>),
    /// One ticket, as it was in the end.
    Ticket(Box<TicketRecord>),
    /// The declaration in force in the end.
    Settings(Box<serde_json::Value>),
    /// The day in figures.
    Figures(Box<serde_json::Value>),
}
