//! A few seats at a counter's door.

use serde::{Deserialize, Serialize};

/// Most people who can wait at one counter's door: more are a hall.
pub const INSIDE_MAX: u32 = 20;

/// The second waiting area of one counter (C4): those who come next are sent there, and called from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SecondWaiting {
    /// Most people there at one time (C4).
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 20))]
    pub limit: u32,
}
