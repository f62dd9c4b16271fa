//! Whom a call passes over: waiting since before the one who was called, and within the counter's reach.
//!
//! Kept twice. With the call stands whom it passed over ([`Passed`], part of the event); with the queue, who was
//! called before whom and for what ([`PassedBy`]), so that a phone can be told in numbers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::Rule;
use crate::ids::TicketId;
use crate::lane::Lane;
use crate::ticket::Urgency;

/// Of those passed over by one call, the longest waiting are named up to this many; all are counted. Eight tell
/// a nurse who complains first, and keep a call's entry in the journal small.
pub const PASSED_MAX: usize = 8;

/// Who was passed over by a call: everybody the counter could have called whose wait began earlier.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Passed {
    /// How many, by the lanes they stood in.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lanes: BTreeMap<Lane, u32>,
    /// Those who wait longest, at most [`PASSED_MAX`], longest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub first: Vec<TicketId>,
}

impl Passed {
    /// Whether nobody was.
    pub fn is_nobody(&self) -> bool {
        self.lanes.is_empty()
    }

    /// How many in all.
    pub fn count(&self) -> u32 {
        self.lanes.values().sum()
    }
}

/// What let somebody be called before people who wait for longer, as everybody may know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PassedBy {
    /// An emergency (R10).
    Emergency,
    /// The green channel (R3).
    GreenChannel,
    /// Waited too long, or was overtaken too often.
    Overdue,
    /// Called by hand, outside the rules.
    ByHand,
    /// The turn of those who booked (R1).
    Appointment,
    /// The turn of those who took a number on site.
    WalkIn,
    /// The turn of numbers added beyond the quota (R5).
    Overflow,
    /// The turn of those back with test results (B11).
    ReturnVisit,
    /// The turn of those who had missed a call (C1).
    Missed,
    /// The turn of those who came late (C2).
    Late,
    /// The turn of those sent on by others (B6).
    Referral,
}

impl PassedBy {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::Emergency,
        Self::GreenChannel,
        Self::Overdue,
        Self::ByHand,
        Self::Appointment,
        Self::WalkIn,
        Self::Overflow,
        Self::ReturnVisit,
        Self::Missed,
        Self::Late,
        Self::Referral,
    ];

    /// What lets a call by this rule go first.
    pub fn of(rule: Rule, lane: Lane, urgency: Option<Urgency>) -> Self {
        match (rule, urgency) {
            (Rule::Urgent, Some(Urgency::Emergency)) => Self::Emergency,
            (Rule::Urgent, _) => Self::GreenChannel,
            (Rule::Overdue, _) => Self::Overdue,
            (Rule::ByHand, _) => Self::ByHand,
            (Rule::Inside | Rule::Ready | Rule::Rejoin | Rule::Cycle | Rule::Early, _) => match lane {
                Lane::Appointment => Self::Appointment,
                Lane::WalkIn => Self::WalkIn,
                Lane::Overflow => Self::Overflow,
                Lane::ReturnVisit => Self::ReturnVisit,
                Lane::Missed => Self::Missed,
                Lane::Late => Self::Late,
                Lane::Referral => Self::Referral,
            },
        }
    }
}
