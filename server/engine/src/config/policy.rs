//! The rules of one queue, as an operator sets them.

use serde::{Deserialize, Serialize};

use crate::config::joining::{
    ApproverRole, EarlyCheckIn, LateRules, Miss, MissedRules, NoShowAt, OverflowJoin, QuotaPer,
};
use crate::lane::{Lane, Weights};
use crate::time::Millis;

/// Most calls that can lie between two of the missed or the late: whoever waits for more has waited too long.
pub const CALLS_BETWEEN_MAX: u32 = 100;
/// The lengths a slot can have, minutes: those that divide an hour and are in use (R4).
pub const SLOT_LENGTHS: [u32; 4] = [10, 15, 30, 60];

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
    /// Who marks a called person missed: the counter by hand, or the venue (C1).
    pub miss: Miss,
    /// Seconds after a call or recall at which the venue recalls by itself, as long as there were fewer recalls
    /// than `recalls_min`; 0 for never (C1).
    pub recall_every_s: u32,
    /// Where a missed ticket rejoins (C1).
    pub missed: MissedRules,
    /// Where a late check-in joins (C2).
    pub late: LateRules,
    /// What becomes of a check-in long before its slot (R9).
    pub check_in_early: EarlyCheckIn,
    /// How long before its slot a check-in is not early, seconds (R9). Without effect where early ones wait.
    pub check_in_early_s: u32,
    /// Overflow numbers per session or day (B3).
    pub overflow_max: u32,
    /// Whether `overflow_max` counts per session or per day (B14).
    pub overflow_per: QuotaPer,
    /// Where overflow numbers join (R5).
    pub overflow_join: OverflowJoin,
    /// The least role whose named holder can approve a number over the quota; none for never (B3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub over_quota_role: Option<ApproverRole>,
    /// When those who never came, or never reported again, are no-shows (B12).
    pub no_show: NoShowAt,
    /// Seconds after the session's end before they are (B12). Without effect at the day's end.
    pub no_show_after_s: u32,
    /// Length of a slot, minutes: 10, 15, 30 or 60 (R4).
    pub slot_min: u32,
    /// People in one slot, booked and from the kiosk, before the kiosk offers the next; 0 where it offers no slots
    /// (R4).
    pub slot_capacity: u32,
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
            miss: Miss::default(),
            recall_every_s: 0,
            missed: MissedRules::default(),
            late: LateRules::default(),
            check_in_early: EarlyCheckIn::default(),
            check_in_early_s: 2 * 60 * 60,
            overflow_max: 20,
            overflow_per: QuotaPer::default(),
            overflow_join: OverflowJoin::default(),
            over_quota_role: None,
            no_show: NoShowAt::default(),
            no_show_after_s: 0,
            slot_min: 30,
            slot_capacity: 0,
        }
    }
}

impl Policy {
    /// The span before a slot in which its appointments are already eligible.
    pub fn early(&self) -> Millis {
        Millis::from_secs(self.early_s.into())
    }

    /// The span before a slot in which a check-in is not early.
    pub fn check_in(&self) -> Millis {
        Millis::from_secs(self.check_in_early_s.into())
    }

    /// The span after a session in which nobody is a no-show yet.
    pub fn no_show_after(&self) -> Millis {
        Millis::from_secs(self.no_show_after_s.into())
    }

    /// Turns of the cycle between two of a lane, where its people join by calls.
    pub fn calls_between(&self, lane: Lane) -> u32 {
        if lane == Lane::Late { self.late.calls } else { self.missed.calls }
    }

    /// The span after a call in which a ticket is not missed yet.
    pub fn grace(&self) -> Millis {
        Millis::from_secs(self.grace_s.into())
    }
}
