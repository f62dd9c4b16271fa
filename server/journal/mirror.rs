//! What others may read of a venue's live tickets, beside its changes.
//!
//! Rows, made by the venue's actor from the state that the appended changes lead to, and kept by a journal that can
//! show them (Redis). They are a projection: nothing in this program ever reads them back. Names are masked in
//! them; phone numbers, reasons and tokens are not in them at all.

use std::time::Duration;

use callnext_engine::{Lane, Seq, ServiceId, TicketId, Timestamp};
use chrono::SecondsFormat;

/// What changed of the live tickets since the last mirror of the same owner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mirror {
    /// Whether this is all there is: whatever was shown before is forgotten first.
    pub whole: bool,
    /// The change it stands at.
    pub seq: Seq,
    /// The venue's time.
    pub at: Timestamp,
    /// After how long it is to vanish by itself, whoever is there. A span, because a venue's clock may be its own.
    pub expires_in: Duration,
    /// Tickets that are shown anew.
    pub tickets: Vec<MirrorTicket>,
    /// Tickets whose visits are over.
    pub over: Vec<TicketId>,
    /// Waiting tickets that left a queue, in a mirror that does not bring the queue itself.
    pub left: Vec<(ServiceId, Lane, TicketId)>,
    /// The queues whose order is another than before, complete.
    pub queues: Vec<MirrorQueue>,
}

/// One ticket, as others may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MirrorTicket {
    /// Which.
    pub id: TicketId,
    /// Whether it was not shown before.
    pub is_new: bool,
    /// Field and value; always the same fields, an empty value where there is none.
    pub fields: Vec<(&'static str, String)>,
}

/// The waiting tickets of one service in the order of the dispatcher's projection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MirrorQueue {
    /// The service.
    pub service: ServiceId,
    /// Who is next, and the lane each waits in.
    pub order: Vec<(Lane, TicketId)>,
}

/// A time as it stands in a mirror, the same text as on the wire: `2026-03-02T01:00:00Z`.
pub fn time_text(at: Timestamp) -> String {
    at.to_utc().to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
