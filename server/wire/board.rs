//! The waiting-room screen: what anybody in the hall may read.

use callnext_engine::Text;
use callnext_engine::config::Speech;
use callnext_engine::ticket::Urgency;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ClosedNotice, Named};

/// A complete board, with its place in time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BoardFrame {
    /// Always `board`.
    #[serde(rename = "type")]
    #[schema(pattern = "^board$")]
    pub kind: String,
    /// One unbroken ownership of the venue.
    pub epoch: String,
    /// Count of the venue's changes.
    pub seq: u64,
    /// The venue's time.
    pub at: DateTime<Utc>,
    /// What is shown.
    #[serde(flatten)]
    pub board: Board,
}

/// What a board shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Board {
    /// The venue.
    pub venue: Named,
    /// IANA time zone of the clock on the wall.
    pub time_zone: String,
    /// The services this board is for, in the venue's order.
    pub services: Vec<BoardService>,
    /// The latest calls, newest first. A call keeps its `id`; a recall raises its `recalls`.
    pub calls: Vec<BoardCall>,
    /// Who should get ready, in the order in which they will be called (C3).
    pub ready: Vec<BoardTicket>,
    /// Sent to a counter's door, in the order of the venue's counters (C4).
    pub inside: Vec<BoardInside>,
    /// Called and not come: please report again (C1).
    pub missed: Vec<BoardTicket>,
    /// What is closed today, and where people go instead (B10).
    pub closed: Vec<ClosedNotice>,
    /// Messages from staff.
    pub notices: Vec<Text>,
    /// Languages to announce in, in this order (C6): `cmn`, `yue`, `en`.
    pub speech: Vec<Speech>,
    /// Since when nothing can be saved, or heard of the node that saves; absent while all is well. What is shown is no
    /// newer, whatever `at` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_since: Option<DateTime<Utc>>,
}

/// One service on a board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BoardService {
    /// Name in addresses.
    pub id: String,
    /// Name as people read it.
    pub name: Text,
    /// People in its queue.
    pub waiting: u32,
    /// Counters that call for it.
    pub open_counters: u32,
}

/// One call on a board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BoardCall {
    /// Name of the call: grows with every call of the venue.
    pub id: u64,
    /// The number called.
    pub number: String,
    /// The masked name, where the venue shows names.
    pub name: Option<String>,
    /// Where to go.
    pub counter: Named,
    /// What for.
    pub service: String,
    /// How often it was called again.
    pub recalls: u32,
    /// When it was called, or called again.
    pub at: DateTime<Utc>,
    /// Whether the person is still expected at the counter (not served, missed or gone since).
    pub open: bool,
    /// Precedence by which it was called: never silent, and no more than that (R3).
    pub urgency: Option<Urgency>,
}

/// One ticket on a board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BoardTicket {
    /// The number.
    pub number: String,
    /// The masked name, where the venue shows names.
    pub name: Option<String>,
    /// What for.
    pub service: String,
}

/// A ticket that was sent to a counter's second waiting area (C4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BoardInside {
    /// The number.
    pub number: String,
    /// The name as strangers may read it; null where numbers only are shown.
    pub name: Option<String>,
    /// Name of its service.
    pub service: String,
    /// At whose door to wait.
    pub counter: Named,
}
