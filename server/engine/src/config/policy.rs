//! The rules of one queue, as an operator sets them. Each is declared here and nowhere else.

use crate::config::setting::{SettingProblem, Value, settings, words};
use crate::config::{DAY_S, READY_MAX};
use crate::lane::{WEIGHT_MAX, Weights};
use crate::time::Millis;

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
        /// Overflow numbers per business day (B3).
        overflow_max: u32 = 20, in 0.., of "numbers";
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

/// Rules that can be out of range: a policy in force, or what is said of one.
pub trait Rules {
    /// What is said of a setting.
    fn said(&self, path: &str) -> Option<Value>;

    /// Everything out of its range, in the order of the declaration.
    fn problems(&self) -> Vec<SettingProblem> {
        let wrong = |info: super::SettingInfo| {
            let Some(Value::Number(number)) = self.said(&info.path) else { return None };
            let problem = match (info.least, info.most) {
                (Some(least), Some(most)) if number < least || number > most => {
                    format!("{number} is not from {least} to {most}")
                }
                (Some(least), None) if number < least => format!("{number} is less than {least}"),
                (None, Some(most)) if number > most => format!("{number} is more than {most}"),
                _ => return None,
            };
            Some(SettingProblem { path: info.path, problem })
        };
        Policy::settings().into_iter().filter_map(wrong).collect()
    }
}

impl Rules for Policy {
    fn said(&self, path: &str) -> Option<Value> {
        self.value(path)
    }
}

impl Rules for PolicyPatch {
    fn said(&self, path: &str) -> Option<Value> {
        Self::said(self, path)
    }
}
