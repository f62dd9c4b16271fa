//! The rules of one queue, as an operator sets them. Each is declared here and nowhere else.

use crate::config::joining::{
    EarlyCheckIn, LateRules, Miss, MissedRules, NoShowAt, OverQuotaRole, OverflowJoin, QuotaPer,
};
use crate::config::setting::{SettingInfo, SettingProblem, Value, settings, words};
use crate::config::{DAY_S, READY_MAX};
use crate::dispatch::WEIGHT_MAX;
use crate::lane::{Lane, Weights};
use crate::time::{Millis, Timestamp};

/// The lengths a slot can have, minutes: those that divide an hour and are in use (R4).
pub const SLOT_LENGTHS: [u32; 4] = [10, 15, 30, 60];

words! {
    /// The order inside a lane (R2).
    pub enum OrderInLane {
        /// By slot, then by check-in, then by number.
        #[default]
        SlotThenCheckIn = "slot_then_check_in",
        /// By number alone.
        Number = "number",
        /// By check-in alone.
        CheckIn = "check_in",
    }
}

settings! {
    /// The rules of one service's queue. Every field has a default; settings name only what differs.
    pub struct Policy, said by PolicyPatch {
        /// Calls per lane in one round of the weighted cycle, while the lane has somebody (R1, B11).
        weights: Weights = Weights::default(), in 1..=WEIGHT_MAX, of "calls";
        /// Whether returns and first visits take turns 1 : 1 while more returns than first visits can be called; missed
        /// people keep their weight against returns (B11).
        returns_even: bool = false;
        /// Order inside a lane (R2).
        order: OrderInLane = OrderInLane::default();
        /// How many are told to get ready, and are then not displaced by anybody but an emergency (C3).
        ready_count: u32 = 2, in 0..=READY_MAX, of "people";
        /// Most green-channel and emergency calls in a row while others wait; 0 for no ceiling (R3).
        urgent_run_max: u32 = 3, in 0.., of "calls";
        /// Whoever has been overtaken this often goes next; 0 for never (R3).
        overtaken_max: u32 = 12, in 0.., of "times";
        /// Whoever has waited this long goes next; 0 for never (B9).
        wait_max_s: u32 = 2 * 60 * 60, in 0..=DAY_S, of "seconds";
        /// The mean wait that the staffing hint aims at; changes no order; 0 for no hint (E1, B9).
        target_wait_s: u32 = 30 * 60, in 0..=DAY_S, of "seconds";
        /// How long before the slot's start a checked-in appointment may be called (R4).
        early_s: u32 = 15 * 60, in 0..=DAY_S, of "seconds";
        /// Whether an appointment may be called even earlier when a counter would stand idle otherwise (R4).
        early_when_idle: bool = true;
        /// Time after the latest call or recall before a ticket may be marked missed (C1).
        grace_s: u32 = 60, in 0..=DAY_S, of "seconds";
        /// Recalls needed before a ticket may be marked missed (C1).
        recalls_min: u32 = 1, in 0.., of "recalls";
        /// The miss that is final: nobody comes back after it (C1).
        misses_max: u32 = 2, in 1.., of "misses";
        /// Who marks a called person missed: the counter by hand, or the venue (C1).
        miss: Miss = Miss::default();
        /// Time after a call or recall at which the venue recalls by itself, as long as there were fewer recalls than
        /// `recalls_min`; 0 for never (C1).
        recall_every_s: u32 = 0, in 0..=DAY_S, of "seconds";
        /// Where a missed ticket rejoins (C1).
        missed: MissedRules = MissedRules::default();
        /// Where a late check-in joins (C2).
        late: LateRules = LateRules::default();
        /// What becomes of a check-in more than `check_in_early_s` before its slot (R9).
        check_in_early: EarlyCheckIn = EarlyCheckIn::default();
        /// How long before its slot a check-in is not early; without effect where early ones wait (R9).
        check_in_early_s: u32 = 2 * 60 * 60, in 0..=DAY_S, of "seconds";
        /// Overflow numbers per session or day (B3).
        overflow_max: u32 = 20, in 0.., of "numbers";
        /// For how long `overflow_max` counts (B14).
        overflow_per: QuotaPer = QuotaPer::default();
        /// Where overflow numbers join (R5).
        overflow_join: OverflowJoin = OverflowJoin::default();
        /// The least role whose named holder can approve a number over the quota (B3).
        over_quota_role: OverQuotaRole = OverQuotaRole::default();
        /// When those who never came, or never reported again after a miss, are no-shows (B12).
        no_show: NoShowAt = NoShowAt::default();
        /// How long after the session's end they are; without effect at the day's end (B12).
        no_show_after_s: u32 = 0, in 0..=DAY_S, of "seconds";
        /// Length of a slot (R4).
        slot_min: u32 = 30, in SLOT_LENGTHS.as_slice(), of "minutes";
        /// People in one slot, booked and from the kiosk, before the kiosk offers the next; 0 where it offers no slots
        /// (R4).
        slot_capacity: u32 = 0, in 0.., of "people";
    }
}

/// An object: what can be in it stands in the reference of settings, with ranges and units.
#[cfg(feature = "schema")]
impl utoipa::PartialSchema for PolicyPatch {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new().into()
    }
}

#[cfg(feature = "schema")]
impl utoipa::ToSchema for PolicyPatch {}

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

    /// The moment from which somebody who waits since then has waited too long; none where nobody ever has.
    pub fn overdue_from(&self, since: Timestamp) -> Option<Timestamp> {
        (self.wait_max_s > 0).then(|| since + Millis::from_secs(self.wait_max_s.into()))
    }

    /// The span after a call in which a ticket is not missed yet.
    pub fn grace(&self) -> Millis {
        Millis::from_secs(self.grace_s.into())
    }
}

/// Rules that can make no sense: a policy in force, or what is said of one.
pub trait Rules {
    /// What is said of a setting.
    fn said(&self, path: &str) -> Option<Value>;

    /// What cannot be together, each part being in its range.
    fn contradiction(&self) -> Option<SettingProblem> {
        None
    }

    /// Everything that makes no sense, in the order of the declaration.
    fn problems(&self) -> Vec<SettingProblem> {
        let wrong = |info: SettingInfo| {
            let Some(Value::Number(number)) = self.said(&info.path) else { return None };
            Some(SettingProblem { problem: info.range.problem(number)?, path: info.path })
        };
        Policy::settings().into_iter().filter_map(wrong).chain(self.contradiction()).collect()
    }
}

impl Rules for Policy {
    fn said(&self, path: &str) -> Option<Value> {
        self.value(path)
    }

    fn contradiction(&self) -> Option<SettingProblem> {
        let problem = "is 0, and misses are automatic: everybody would be missed when called";
        let is_wrong = self.miss == Miss::Automatic && self.grace_s == 0;
        is_wrong.then(|| SettingProblem { path: "grace_s".to_owned(), problem: problem.to_owned() })
    }
}

impl Rules for PolicyPatch {
    fn said(&self, path: &str) -> Option<Value> {
        Self::said(self, path)
    }
}
