//! The second waiting areas, as those see them who send people there (C4).

use crate::ids::CounterId;

/// The second waiting area of an open counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Area {
    /// The counter.
    pub counter: CounterId,
    /// Most people there.
    pub limit: usize,
}

/// The areas that have room, the emptiest first, and of equals the one declared first: so that a few people are
/// spread over the counters.
pub fn emptiest(areas: &[Area], inside: impl Fn(&Area) -> usize) -> Vec<&Area> {
    let mut with_room: Vec<(usize, &Area)> = areas.iter().map(|area| (inside(area), area)).collect();
    with_room.retain(|(inside, area)| *inside < area.limit);
    with_room.sort_by_key(|(inside, _)| *inside);
    with_room.into_iter().map(|(_, area)| area).collect()
}
