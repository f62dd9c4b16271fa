//! The rules of one queue, as an operator sets them.

use serde::{Deserialize, Serialize};

use crate::lane::Weights;
use crate::time::Millis;

/// The order inside a lane (R2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderInLane {
    /// By slot, then by check-in, then by number.
    #[default]
    SlotThenCheckIn,
    /// By number alone.
    Number,
    /// By check-in alone.
    CheckIn,
}

/// The rules of one service's queue. Every field has a default; settings name only what differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Calls per lane in one round of the weighted cycle, 1 to 20 each (R1, B11).
    pub weights: Weights,
    /// Whether returns and first visits take turns 1 : 1 while more returns than first visits can be called; missed
    /// people keep their weight against returns (B11).
    pub returns_even: bool,
    /// Order inside a lane (R2).
    pub order: OrderInLane,
    /// How many are told to get ready and then not displaced (C3). 0 to 20.
    pub ready_count: u32,
    /// Most green-channel and emergency calls in a row while others wait; 0 for no ceiling (R3).
    pub urgent_run_max: u32,
    /// Whoever has been overtaken this often goes next; 0 for never (R3: no priority starves the rest).
    pub overtaken_max: u32,
    /// Whoever has waited this long goes next, seconds; 0 for never (B9).
    pub wait_max_s: u32,
    /// The mean wait that the staffing hint aims at, seconds; 0 for no hint (E1, B9). Changes no order.
    pub target_wait_s: u32,
    /// How long before the slot's start a checked-in appointment may be called, seconds (R4).
    pub early_s: u32,
    /// Whether an appointment may be called before that, when a counter would stand idle otherwise.
    pub early_when_idle: bool,
    /// Seconds after the latest call or recall before a ticket may be marked missed (C1).
    pub grace_s: u32,
    /// Recalls needed before a ticket may be marked missed (C1).
    pub recalls_min: u32,
    /// The miss that is final: nobody comes back after it (C1). At least 1.
    pub misses_max: u32,
    /// Overflow numbers per business day (B3).
    pub overflow_max: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            weights: Weights::default(),
            returns_even: false,
            order: OrderInLane::default(),
            ready_count: 2,
            urgent_run_max: 3,
            overtaken_max: 12,
            wait_max_s: 2 * 60 * 60,
            target_wait_s: 30 * 60,
            early_s: 15 * 60,
            early_when_idle: true,
            grace_s: 60,
            recalls_min: 1,
            misses_max: 2,
            overflow_max: 20,
        }
    }
}

impl Policy {
    /// The span before a slot in which its appointments are already eligible.
    pub fn early(&self) -> Millis {
        Millis::from_secs(self.early_s.into())
    }

    /// The span after a call in which a ticket is not missed yet.
    pub fn grace(&self) -> Millis {
        Millis::from_secs(self.grace_s.into())
    }
}
