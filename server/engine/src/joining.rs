//! How a ticket joined its queue, where not in the ordinary way: decided when it did, kept by the ticket.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// The way a ticket joined its queue. None of them is undone by another setting: what people were told stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "joined", rename_all = "snake_case")]
pub enum Joining {
    /// It is next once the service has made `due` calls today (C1).
    AfterCalls { due: u32 },
    /// It is next among the missed, or the late, once the cycle has given so many turns as the policy says since
    /// the last of them (C1, C2).
    PerCalls,
    /// It stands in its lane as if its slot had begun, and it had come, at `at`; where the order is by number, as
    /// if it had the number `count` (C1, C2).
    AsOf { at: Timestamp, count: u32 },
    /// It stands among the booked as if its slot had begun at `slot` (C2).
    Shifted { slot: Timestamp },
    /// It came long before its slot: on site until it may be called as booked, and among the booked from then on
    /// (R9).
    OnSite,
}
