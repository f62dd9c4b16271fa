//! What became of one ticket: the row of the day table, and a line of the snapshot.
//!
//! Apart from the engine's ticket, which changes with the engine: these names are for ever.

use std::sync::Arc;

use callnext_engine::event::Rule;
use callnext_engine::ticket::{Urgency, Visitor};
use callnext_engine::{CounterId, Lane, Millis, ServiceId, TicketId, TicketNumber, Timestamp};
use serde::{Deserialize, Serialize};

/// One ticket at the end of its day. Times are milliseconds since 1970 UTC, spans milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketRecord {
    /// Its name within the venue.
    pub ticket: TicketId,
    /// Its number as people read it.
    pub number: TicketNumber,
    /// The service it waited for last.
    pub service: ServiceId,
    /// The lane it waited in last.
    pub lane: Lane,
    /// Where it stood in the end: `completed`, `no_show`, `cancelled`; in a day that is not over, any other state.
    pub state: String,
    /// The person. Left out of tables unless names are asked for.
    #[serde(default, skip_serializing_if = "is_nobody")]
    pub visitor: Visitor,
    /// The first instant of its slot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot_at: Option<Timestamp>,
    /// When the number was given.
    pub issued_at: Timestamp,
    /// When it was called first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub called_at: Option<Timestamp>,
    /// When it was called last; a recall is not another call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_called_at: Option<Timestamp>,
    /// When service began, the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When the visit ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// The counter of the last call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counter: Option<CounterId>,
    /// The rule of the last call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<Rule>,
    /// From the number to the first call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waited_ms: Option<Millis>,
    /// All waits together: from the number, the return or the re-report to the call that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waited_in_all_ms: Option<Millis>,
    /// How often somebody whose wait began later was called first, before the first call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overtaken: Option<u32>,
    /// Calls, recalls not counted.
    pub calls: u32,
    /// Times called and not come.
    pub misses: u32,
    /// Precedence, if any was granted (R3, R10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urgency: Option<Urgency>,
    /// Whether it was added beyond the quota (B3).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_overflow: bool,
    /// The wait that was announced with the number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announced: Option<Announced>,
}

/// The wait that was announced with a number, as it was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// Half wait longer.
    pub likely_ms: Millis,
    /// One in ten waits less.
    pub low_ms: Millis,
    /// One in ten waits more.
    pub high_ms: Millis,
    /// The plain product before any correction, which the engine scores.
    pub raw_ms: Millis,
}

impl TicketRecord {
    /// How much longer the wait was than announced; less than nothing where it was shorter.
    pub fn estimate_error(&self) -> Option<Millis> {
        Some(Millis(self.waited_ms?.0 - self.announced?.likely_ms.0))
    }

    /// The person's hashed identity.
    pub fn reference(&self) -> Option<&Arc<str>> {
        self.visitor.reference.as_ref()
    }
}

fn is_nobody(visitor: &Visitor) -> bool {
    *visitor == Visitor::default()
}
