//! A visit in several steps (G10): one ticket, several services, one after the other.

use serde::{Deserialize, Serialize};

use crate::ids::{CounterId, ServiceId};

/// Most steps one ticket has before it: register, blood draw, doctor, pharmacy; a full check-up has a dozen.
pub const STEPS_MAX: usize = 16;

/// One thing that is still to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What for.
    pub service: ServiceId,
    /// The only counter that will do (C5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wants: Option<CounterId>,
}
