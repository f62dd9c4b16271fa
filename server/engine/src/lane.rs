//! The classes of people waiting for one service, and the share of calls each is given.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::dispatch::WEIGHT_MAX;

/// Why somebody stands in the queue. One ticket is in one lane at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Booked for a slot and checked in (R9).
    Appointment,
    /// Took a number on site (R4).
    WalkIn,
    /// Added by staff beyond the quota (R5, B3).
    Overflow,
    /// Back with test results, on the same registration (B11).
    ReturnVisit,
    /// Called, did not come, and reported again (C1).
    Missed,
    /// Booked, but checked in after the slot's end (C2).
    Late,
    /// Sent on by primary care or another service (B6, R7).
    Referral,
}

impl Lane {
    /// Every lane, in the order in which ties are broken.
    pub const ALL: [Self; 7] =
        [Self::Appointment, Self::WalkIn, Self::Overflow, Self::ReturnVisit, Self::Missed, Self::Late, Self::Referral];

    /// Position in [`Lane::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// Calls given to each lane in one round of the weighted cycle (R1), while the lane has somebody eligible.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Weights(BTreeMap<Lane, u32>);

impl Weights {
    /// Weights as given; lanes left out keep the default.
    pub fn new(given: impl IntoIterator<Item = (Lane, u32)>) -> Self {
        Self(given.into_iter().collect())
    }

    /// The weight of a lane, from 1 to [`WEIGHT_MAX`]: no lane can be shut out by a setting.
    pub fn of(&self, lane: Lane) -> u32 {
        let default = match lane {
            Lane::Appointment => 7,
            Lane::WalkIn | Lane::ReturnVisit | Lane::Referral => 3,
            Lane::Overflow | Lane::Missed => 2,
            Lane::Late => 1,
        };
        self.0.get(&lane).copied().unwrap_or(default).clamp(1, WEIGHT_MAX)
    }

    /// The weight a lane was given, in range or not; none where it keeps the default.
    pub fn given(&self, lane: Lane) -> Option<u32> {
        self.0.get(&lane).copied()
    }

    /// The weights that were given, by lane.
    pub fn iter(&self) -> impl Iterator<Item = (Lane, u32)> {
        self.0.iter().map(|(lane, weight)| (*lane, *weight))
    }
}
