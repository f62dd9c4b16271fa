//! When and where a ticket joins its queue: after a miss, too late, too early, beyond the quota.

use serde::{Deserialize, Serialize};

use crate::config::setting::{settings, words};

/// Most calls that can lie between two of the missed or the late: whoever waits for more has waited too long.
pub const CALLS_BETWEEN_MAX: u32 = 100;

words! {
    /// Who marks a called person missed (C1).
    pub enum Miss {
        /// The counter, once grace and recalls have passed.
        #[default]
        ByHand = "by_hand",
        /// The venue, at the moment at which the counter first could. Only where counters press "start": whoever is
        /// called and not started counts as not come.
        Automatic = "automatic",
    }
}

words! {
    /// Where a missed ticket rejoins its queue when the person reports again (C1). Kept by the ticket: whoever has
    /// rejoined stays where they were put, whatever the setting becomes.
    pub enum MissedRejoin {
        /// In the lane of the missed, by its weight.
        #[default]
        Lane = "lane",
        /// After `calls` more calls of the service, of whatever kind.
        AfterCalls = "after_calls",
        /// One of the missed after every `calls` turns of the cycle.
        PerCalls = "per_calls",
        /// In its own lane, behind everybody of the present slot.
        SlotEnd = "slot_end",
        /// In its own lane, behind everybody of the present session.
        SessionEnd = "session_end",
        /// In its own lane, behind everybody whose time has come.
        Tail = "tail",
    }
}

settings! {
    /// The rule for missed tickets that report again (C1).
    pub struct MissedRules, said by MissedPatch {
        /// Where a missed ticket rejoins when the person reports again (C1).
        rejoin: MissedRejoin = MissedRejoin::default();
        /// How many calls, where missed tickets rejoin `after_calls` or `per_calls` (C1).
        calls: u32 = 3, in 1..=CALLS_BETWEEN_MAX, of "calls";
    }
}

words! {
    /// Where somebody joins who checks in after the slot's end (C2).
    pub enum LateJoin {
        /// In the lane of the late, by its weight.
        #[default]
        Lane = "lane",
        /// One of the late after every `calls` turns of the cycle.
        PerCalls = "per_calls",
        /// Among the booked, as if the slot had begun later by as long as the person came after its end.
        Shifted = "shifted",
        /// Among the booked, behind everybody of the present slot.
        SlotEnd = "slot_end",
        /// Among the booked, behind everybody of the present session.
        SessionEnd = "session_end",
        /// Among the booked, in the slot that was booked.
        AsNormal = "as_normal",
    }
}

settings! {
    /// The rule for late check-ins (C2).
    pub struct LateRules, said by LatePatch {
        /// Where somebody joins who checks in after the slot's end (C2).
        rejoin: LateJoin = LateJoin::default();
        /// How many calls, where late check-ins join `per_calls` (C2).
        calls: u32 = 3, in 1..=CALLS_BETWEEN_MAX, of "calls";
    }
}

words! {
    /// What becomes of a check-in more than `check_in_early_s` before the slot (R9).
    pub enum EarlyCheckIn {
        /// Taken in; waits for the slot.
        #[default]
        Wait = "wait",
        /// Refused, with the moment from which it is not.
        Refuse = "refuse",
        /// Taken in as on site, until it may be called as booked.
        WalkIn = "walk_in",
    }
}

words! {
    /// Where overflow numbers join (R5).
    pub enum OverflowJoin {
        /// In a lane of their own, by its weight.
        #[default]
        Lane = "lane",
        /// Among the booked and those on site, by the moment of triage.
        TriageTime = "triage_time",
        /// Behind everybody else who can be called, by number.
        Last = "last",
    }
}

words! {
    /// For how long a quota counts (B14).
    pub enum QuotaPer {
        /// A session; where none are declared, the day.
        #[default]
        Session = "session",
        /// The business day.
        Day = "day",
    }
}

words! {
    /// When somebody who never came, or never reported again after a miss, is a no-show (B12).
    pub enum NoShowAt {
        /// At the end of their session and `no_show_after_s` more; where none are declared, at the day's end.
        #[default]
        SessionEnd = "session_end",
        /// At the day's end.
        DayEnd = "day_end",
    }
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

words! {
    /// The least role whose named holder can approve a number over the quota (B3).
    pub enum OverQuotaRole {
        /// Nobody can.
        #[default]
        Nobody = "nobody",
        /// Whoever works a counter, as a doctor does.
        Clerk = "clerk",
        /// Whoever works the triage desk.
        Nurse = "nurse",
        /// Whoever runs the venue.
        Manager = "manager",
        /// Whoever runs the installation.
        Administrator = "administrator",
    }
}

impl OverQuotaRole {
    /// The role; none where nobody can approve.
    pub const fn role(self) -> Option<ApproverRole> {
        match self {
            Self::Nobody => None,
            Self::Clerk => Some(ApproverRole::Clerk),
            Self::Nurse => Some(ApproverRole::Nurse),
            Self::Manager => Some(ApproverRole::Manager),
            Self::Administrator => Some(ApproverRole::Administrator),
        }
    }
}
