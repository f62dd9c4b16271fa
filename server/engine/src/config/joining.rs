//! When and where a ticket joins its queue: after a miss, too late, too early, beyond the quota.

use serde::{Deserialize, Serialize};

/// Who marks a called person missed (C1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Miss {
    /// The counter, once grace and recalls have passed.
    #[default]
    ByHand,
    /// The venue, at the moment at which the counter first could. Only where counters press "start": whoever is
    /// called and not started counts as not come.
    Automatic,
}

/// Where a missed ticket rejoins its queue when the person reports again (C1). Kept by the ticket: whoever has
/// rejoined stays where they were put, whatever the setting becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissedRejoin {
    /// In the lane of the missed, by its weight.
    #[default]
    Lane,
    /// After `calls` more calls of the service, of whatever kind.
    AfterCalls,
    /// One of the missed after every `calls` turns of the cycle.
    PerCalls,
    /// In its own lane, behind everybody of the present slot.
    SlotEnd,
    /// In its own lane, behind everybody of the present session.
    SessionEnd,
    /// In its own lane, behind everybody whose time has come.
    Tail,
}

/// The rule for missed tickets that report again (C1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MissedRules {
    /// Where they rejoin.
    pub rejoin: MissedRejoin,
    /// How many calls, for `after_calls` and `per_calls`. 1 to 100.
    pub calls: u32,
}

impl Default for MissedRules {
    fn default() -> Self {
        Self { rejoin: MissedRejoin::default(), calls: 3 }
    }
}

/// Where somebody joins who checks in after the slot's end (C2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LateJoin {
    /// In the lane of the late, by its weight.
    #[default]
    Lane,
    /// One of the late after every `calls` turns of the cycle.
    PerCalls,
    /// Among the booked, as if the slot had begun later by as long as the person came after its end.
    Shifted,
    /// Among the booked, behind everybody of the present slot.
    SlotEnd,
    /// Among the booked, behind everybody of the present session.
    SessionEnd,
    /// Among the booked, in the slot that was booked.
    AsNormal,
}

/// The rule for late check-ins (C2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LateRules {
    /// Where they join.
    pub rejoin: LateJoin,
    /// How many calls, for `per_calls`. 1 to 100.
    pub calls: u32,
}

impl Default for LateRules {
    fn default() -> Self {
        Self { rejoin: LateJoin::default(), calls: 3 }
    }
}

/// What becomes of a check-in more than `check_in_early_s` before the slot (R9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EarlyCheckIn {
    /// Taken in; waits for the slot.
    #[default]
    Wait,
    /// Refused, with the moment from which it is not.
    Refuse,
    /// Taken in as on site, until it may be called as booked.
    WalkIn,
}

/// Where overflow numbers join (R5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverflowJoin {
    /// In a lane of their own, by its weight.
    #[default]
    Lane,
    /// Among the booked and those on site, by the moment of triage.
    TriageTime,
    /// Behind everybody else who can be called, by number.
    Last,
}

/// For how long a quota counts (B14).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuotaPer {
    /// A session; where none are declared, the day.
    #[default]
    Session,
    /// The business day.
    Day,
}

/// When somebody who never came, or never reported again after a miss, is a no-show (B12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoShowAt {
    /// At the end of their session and `no_show_after_s` more; where none are declared, at the day's end.
    #[default]
    SessionEnd,
    /// At the day's end.
    DayEnd,
}

/// In which role somebody approves, least powerful first: the derived order says whose word is enough (B3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ApproverRole {
    /// Works a counter, as a doctor does.
    Clerk,
    /// Works the triage desk.
    Nurse,
    /// Runs the venue.
    Manager,
    /// Runs the installation.
    Administrator,
}
