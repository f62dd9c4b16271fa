//! What a snapshot says of itself: at its head in a line, at its end in full.

use callnext_engine::{Seq, Timestamp, VenueId};
use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::digest::Digest;

/// The format that is written. A reader for every earlier one stays; `tests/golden` has a file of each.
pub const FORMAT: u32 = 2;

/// The first thing in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The format of the content.
    #[serde(rename = "callnext_snapshot")]
    pub format: u32,
    /// The venue.
    pub venue: VenueId,
    /// The business day, by the local date on which it began.
    pub date: NaiveDate,
}

/// The last thing in a file: what is in it, and by what it can be known to be whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The format of the content.
    pub format: u32,
    /// The version of the engine that played the day: the same version gives the same state.
    pub engine: String,
    /// The venue.
    pub venue: VenueId,
    /// The business day, by the local date on which it began.
    pub date: NaiveDate,
    /// The venue's zone.
    pub time_zone: Tz,
    /// The first instant of the day, milliseconds since 1970 UTC.
    pub starts_at: Timestamp,
    /// The first instant after it.
    pub ends_at: Timestamp,
    /// Whether the day was over when this was written; otherwise it is the day so far.
    pub is_over: bool,
    /// The change that opened the day.
    pub first_seq: Seq,
    /// The last change of the day.
    pub last_seq: Seq,
    /// What is in the file.
    pub counts: Counts,
    /// Length of the content before compression.
    pub content_bytes: u64,
    /// The digest of everything in the file before the manifest.
    pub sha256: Digest,
    /// The digest of the venue's value after the last change ([`super::state`]).
    pub state_sha256: Digest,
    /// The day's part of the venue's trail (B3).
    pub trail: TrailEnds,
}

/// How many of each there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Changes: entries of the journal.
    pub changes: u64,
    /// Events in them.
    pub events: u64,
    /// Tickets.
    pub tickets: u64,
    /// Tickets that were announced a wait.
    pub estimates: u64,
    /// Entries of the trail.
    pub trail: u64,
}

impl Counts {
    /// The lines of content: the settings and the figures have one each.
    pub fn lines(&self) -> u64 {
        self.changes + self.trail + self.tickets + 2
    }
}

/// The ends of one day's part of a trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrailEnds {
    /// The day it goes on from; none where no earlier snapshot was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Link>,
    /// The digest of the last entry: the next day goes on from it.
    pub head: Digest,
}

/// An earlier day, as a later one names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its date.
    pub date: NaiveDate,
    /// Its last change: if the next day's first one follows, no day is missing between them.
    pub last_seq: Seq,
    /// The head of its trail.
    pub head: Digest,
}

impl Manifest {
    /// How a later day names this one.
    pub fn link(&self) -> Link {
        Link { date: self.date, last_seq: self.last_seq, head: self.trail.head }
    }

    /// The changes it holds, for people: `1..=96`.
    pub fn range(&self) -> String {
        format!("{}..={}", self.first_seq, self.last_seq)
    }
}
