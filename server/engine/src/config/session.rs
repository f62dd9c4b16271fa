//! Sessions: the parts of a business day, usually halves, with quotas and numbers of their own (B14).

use chrono::{NaiveTime, Timelike};
use serde::{Deserialize, Serialize};

use crate::config::{VenueConfig, hour_minute};
use crate::ids::SessionId;
use crate::text::Text;
use crate::time::{BusinessDay, Timestamp};

/// Most sessions of one business day: a hall that works around the clock has one every two hours.
pub const SESSIONS_MAX: usize = 12;

/// One session as declared. Times are local; a time before the start of the business day is the next morning's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SessionConfig {
    /// The session's name in events and frames.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub id: SessionId,
    /// The session's name as people read it.
    pub name: Text,
    /// First minute of it (B14).
    #[serde(with = "hour_minute")]
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub start: NaiveTime,
    /// First minute after it; the hour at which the business day starts stands for the day's end (B14).
    #[serde(with = "hour_minute")]
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub end: NaiveTime,
    /// The letter its numbers carry behind the service's prefix, where numbers begin anew with each session (B14).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub letter: String,
}

/// When numbers begin at 1 again (B14).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Numbering {
    /// With each business day.
    #[default]
    Day,
    /// With each session, whose letter makes them differ: `AM001`, `AP001`.
    Session,
}

impl Numbering {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// One session of one day. Half open: it does not hold its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Which.
    pub id: SessionId,
    /// First instant of it.
    pub start: Timestamp,
    /// First instant after it.
    pub end: Timestamp,
    /// What its numbers carry behind the prefix; empty where numbers go on through the day.
    pub letter: String,
}

impl VenueConfig {
    /// The sessions of a day, in order; none where none are declared, and the day is one.
    pub fn sessions_of(&self, day: &BusinessDay) -> Vec<Session> {
        let session = |declared: &SessionConfig| Session {
            id: declared.id.clone(),
            start: day.at(declared.start, self.time_zone, self.day_start),
            end: if declared.end == self.day_start {
                day.end
            } else {
                day.at(declared.end, self.time_zone, self.day_start).min(day.end)
            },
            letter: match self.numbering {
                Numbering::Day => String::new(),
                Numbering::Session => declared.letter.clone(),
            },
        };
        self.sessions.iter().map(session).collect()
    }
}

impl<P: Default> VenueConfig<P> {
    /// Minutes from the start of a business day to this session's start and end, as clocks that never change show
    /// them.
    pub(super) fn minutes_of(&self, session: &SessionConfig) -> (u32, u32) {
        const DAY: u32 = 24 * 60;
        let minutes = |time: NaiveTime| time.hour() * 60 + time.minute();
        let into_day = |time: NaiveTime| (minutes(time) + DAY - minutes(self.day_start)) % DAY;
        let end = into_day(session.end);
        (into_day(session.start), if end == 0 { DAY } else { end })
    }
}
