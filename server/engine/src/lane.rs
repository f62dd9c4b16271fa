//! The classes of people waiting for one service, and the share of calls each is given.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

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

/// Some lanes, in the order of [`Lane::ALL`]; written as a list. A word, as one is made for each turn that is looked
/// ahead.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Lanes(u8);

impl Lanes {
    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// Whether a lane is one of them.
    pub const fn holds(self, lane: Lane) -> bool {
        self.0 & Self::bit(lane) != 0
    }

    /// One after the other.
    pub fn iter(self) -> impl Iterator<Item = Lane> + Clone {
        Lane::ALL.into_iter().filter(move |lane| self.holds(*lane))
    }

    /// The same, side by side.
    pub(crate) fn row(self) -> LaneRow {
        let mut row = LaneRow { lanes: Lane::ALL, len: 0 };
        for (place, lane) in row.lanes.iter_mut().zip(self.iter()) {
            *place = lane;
            row.len += 1;
        }
        row
    }

    pub(crate) const fn add(&mut self, lane: Lane) {
        self.0 |= Self::bit(lane);
    }

    pub(crate) const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    const fn bit(lane: Lane) -> u8 {
        1 << lane.index()
    }
}

/// Some lanes side by side, without an allocation.
#[derive(Debug)]
pub(crate) struct LaneRow {
    lanes: [Lane; Lane::ALL.len()],
    len: usize,
}

impl std::ops::Deref for LaneRow {
    type Target = [Lane];

    fn deref(&self) -> &[Lane] {
        self.lanes.get(..self.len).unwrap_or_default()
    }
}

impl<const N: usize> From<[Lane; N]> for Lanes {
    fn from(lanes: [Lane; N]) -> Self {
        lanes.into_iter().collect()
    }
}

impl FromIterator<Lane> for Lanes {
    fn from_iter<I: IntoIterator<Item = Lane>>(lanes: I) -> Self {
        let mut these = Self::default();
        lanes.into_iter().for_each(|lane| these.add(lane));
        these
    }
}

impl std::fmt::Debug for Lanes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl Serialize for Lanes {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Lanes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Vec::deserialize(from).map(Self::from_iter)
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
