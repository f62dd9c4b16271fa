//! How the server says no: RFC 9457 problem details, with a stable `code`.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A problem, `application/problem+json` (RFC 9457).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// `urn:callnext:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// What sort of problem it is, in English, the same for every occurrence.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What went wrong this time, in English.
    pub detail: String,
    /// Stable name of the problem: programs and text tables go by it.
    pub code: String,
    /// What the text of the page may need: the ticket, the counter, the limit.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    #[schema(value_type = Object)]
    pub about: serde_json::Value,
}

/// A problem on a socket; the socket is closed after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorFrame {
    /// Always `error`.
    #[serde(rename = "type")]
    #[schema(pattern = "^error$")]
    pub kind: String,
    /// One unbroken ownership of the venue; empty where the venue is not known.
    pub epoch: String,
    /// Count of the venue's changes.
    pub seq: u64,
    /// The venue's time.
    pub at: DateTime<Utc>,
    /// Stable name of the problem.
    pub code: String,
    /// What went wrong, in English.
    pub detail: String,
}
