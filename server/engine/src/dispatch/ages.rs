//! Who waits since when, counted: a call says how many it passed over, of each lane, without walking past them.

use crate::dispatch::overtakes::Since;
use crate::ids::TicketId;
use crate::lane::Lane;

/// Tickets of one block. A count looks at one block and at a logarithm of their number.
const BLOCK_MAX: usize = 64;

/// So many of each lane, by [`Lane::index`].
type Counts = [u32; Lane::ALL.len()];

/// Everybody in a queue who wants one counter, or none in particular, longest wait first, with precedence or
/// without.
///
/// Blocks of tickets in order, and the sums of their counts as a binary indexed tree (Fenwick, "A new data
/// structure for cumulative frequency tables", 1994).
#[derive(Debug, Clone, Default)]
pub(super) struct Ages {
    blocks: Vec<Block>,
    /// Of block `n`: the counts of the blocks that the tree keeps there.
    sums: Vec<Counts>,
    /// Blocks that nobody is left in.
    empty: usize,
}

#[derive(Debug, Clone)]
struct Block {
    /// No ticket of this block waits since later, and none of the next since before.
    end: Since,
    waiting: Vec<(Since, Lane)>,
}

impl Ages {
    pub(super) fn insert(&mut self, since: Since, lane: Lane) {
        let at = self.block_of(since);
        if at == self.blocks.len() && self.blocks.last().is_none_or(|last| last.waiting.len() >= BLOCK_MAX) {
            self.push(Block { end: since, waiting: vec![(since, lane)] });
            return;
        }
        let at = at.min(self.blocks.len().saturating_sub(1));
        let Some(block) = self.blocks.get_mut(at) else { return };
        self.empty -= usize::from(block.waiting.is_empty());
        block.end = block.end.max(since);
        block.waiting.insert(block.waiting.partition_point(|(other, _)| *other < since), (since, lane));
        if block.waiting.len() <= BLOCK_MAX {
            self.change(at, lane, 1);
        } else {
            self.halve(at);
        }
    }

    pub(super) fn remove(&mut self, since: Since) {
        let at = self.block_of(since);
        let Some(block) = self.blocks.get_mut(at) else { return };
        let Ok(found) = block.waiting.binary_search_by_key(&since, |(other, _)| *other) else { return };
        let (_, lane) = block.waiting.remove(found);
        let emptied = block.waiting.is_empty();
        self.change(at, lane, u32::MAX);
        self.empty += usize::from(emptied);
        if self.empty * 2 > self.blocks.len() {
            let blocks = std::mem::take(self).blocks;
            blocks.into_iter().filter(|block| !block.waiting.is_empty()).for_each(|block| self.push(block));
        }
    }

    /// How many of each lane wait since before this.
    pub(super) fn before(&self, since: Since) -> Counts {
        let at = self.block_of(since);
        let mut counts = Counts::default();
        let mut end = at;
        while let Some(sums) = end.checked_sub(1).and_then(|last| self.sums.get(last)) {
            add(&mut counts, sums);
            end &= end - 1;
        }
        let here = self.blocks.get(at).into_iter().flat_map(|block| &block.waiting);
        add(&mut counts, &counted(here.take_while(|(other, _)| *other < since)));
        counts
    }

    /// Those who wait longest, at most so many.
    pub(super) fn first(&self, most: usize) -> Vec<Since> {
        let mut first = Vec::new();
        while let Some(block) = self.block_behind(first.len()).filter(|_| first.len() < most) {
            let room = most - first.len();
            first.extend(block.waiting.iter().take(room).map(|(since, _)| *since));
        }
        first
    }

    /// Everybody's ticket, for [`crate::Venue::check`].
    pub(super) fn tickets(&self) -> impl Iterator<Item = TicketId> + '_ {
        self.blocks.iter().flat_map(|block| &block.waiting).map(|((_, ticket), _)| *ticket)
    }

    /// The block of whoever has so many before them, past those that nobody is left in.
    fn block_behind(&self, mut many: usize) -> Option<&Block> {
        let mut at = 0;
        let mut step = self.blocks.len().checked_ilog2().map_or(0, |log| 1 << log);
        while step > 0 {
            let here = self.sums.get(at + step - 1).map(|sums| sums.iter().sum::<u32>());
            if let Some(left) = here.and_then(|here| many.checked_sub(usize::try_from(here).ok()?)) {
                many = left;
                at += step;
            }
            step /= 2;
        }
        self.blocks.get(at)
    }

    /// The block in which somebody who waits since then stands, or would.
    fn block_of(&self, since: Since) -> usize {
        self.blocks.partition_point(|block| block.end < since)
    }

    fn push(&mut self, block: Block) {
        let mut sums = counted(&block.waiting);
        let place = self.blocks.len() + 1;
        let mut end = place - 1;
        while end > (place & (place - 1)) {
            if let Some(before) = self.sums.get(end - 1) {
                add(&mut sums, before);
            }
            end &= end - 1;
        }
        self.blocks.push(block);
        self.sums.push(sums);
    }

    fn halve(&mut self, at: usize) {
        let mut blocks = std::mem::take(self).blocks;
        if let Some(block) = blocks.get_mut(at) {
            let waiting = block.waiting.split_off(BLOCK_MAX / 2);
            let later = Block { end: block.end, waiting };
            block.end = block.waiting.last().map_or(block.end, |(since, _)| *since);
            blocks.insert(at + 1, later);
        }
        blocks.into_iter().filter(|block| !block.waiting.is_empty()).for_each(|block| self.push(block));
    }

    fn change(&mut self, at: usize, lane: Lane, by: u32) {
        let mut place = at + 1;
        while let Some(sums) = self.sums.get_mut(place - 1) {
            if let Some(count) = sums.get_mut(lane.index()) {
                *count = count.wrapping_add(by);
            }
            place += place & place.wrapping_neg();
        }
    }
}

/// The same people, however they are divided into blocks.
impl PartialEq for Ages {
    fn eq(&self, other: &Self) -> bool {
        let all = |ages: &Self| ages.blocks.iter().flat_map(|block| block.waiting.clone()).collect::<Vec<_>>();
        all(self) == all(other)
    }
}

impl Eq for Ages {}

fn add(counts: &mut Counts, more: &Counts) {
    for (count, more) in counts.iter_mut().zip(more) {
        *count = count.wrapping_add(*more);
    }
}

fn counted<'a>(waiting: impl IntoIterator<Item = &'a (Since, Lane)>) -> Counts {
    let mut counts = Counts::default();
    for (_, lane) in waiting {
        if let Some(count) = counts.get_mut(lane.index()) {
            *count += 1;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::time::Timestamp;

    /// A small generator: the same numbers every time (Knuth's MMIX).
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, end: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % end
        }
    }

    fn same(ages: &Ages, plain: &BTreeMap<Since, Lane>, at: Since) {
        let mut counts = Counts::default();
        plain.range(..at).for_each(|(_, lane)| counts[lane.index()] += 1);
        assert_eq!(ages.before(at), counts, "before {at:?}");
    }

    /// What makes a count cheap: small blocks, and few that nobody is left in.
    fn tidy(ages: &Ages) {
        let sizes: Vec<usize> = ages.blocks.iter().map(|block| block.waiting.len()).collect();
        assert!(sizes.iter().all(|size| *size <= BLOCK_MAX), "{sizes:?}");
        let empty = sizes.iter().filter(|size| **size == 0).count();
        assert_eq!(ages.empty, empty);
        assert!(empty * 2 <= sizes.len(), "{empty} of {} blocks", sizes.len());
    }

    #[test]
    fn counts_are_those_of_a_plain_list() {
        // Mostly at the end, as people come; or anywhere, as those come back who left for a while.
        for spread in [20, 5_000] {
            let (mut ages, mut plain, mut numbers) = (Ages::default(), BTreeMap::new(), Numbers(spread));
            for n in 0..6_000_u64 {
                let since = (Timestamp((n / 3 + numbers.below(spread)).cast_signed()), TicketId(n));
                let lane = Lane::ALL[usize::try_from(numbers.below(7)).unwrap()];
                ages.insert(since, lane);
                plain.insert(since, lane);
                // More come than go, then more go than come.
                for _ in 0..numbers.below(if n < 3_000 { 2 } else { 4 }) {
                    let at = usize::try_from(numbers.below(u64::try_from(plain.len()).unwrap().max(1))).unwrap();
                    if let Some(gone) = plain.keys().nth(if n % 2 == 0 { 0 } else { at }).copied() {
                        ages.remove(gone);
                        plain.remove(&gone);
                    }
                }
                tidy(&ages);
                let somewhere = (Timestamp(numbers.below(2_000 + spread).cast_signed()), TicketId(n));
                same(&ages, &plain, somewhere);
                same(&ages, &plain, since);
            }
            for most in [0, 1, 7, 500, plain.len(), plain.len() + 1] {
                assert!(ages.first(most).into_iter().eq(plain.keys().copied().take(most)), "the first {most}");
            }
            let blocks = ages.blocks.len();
            let half = plain.len() / 2;
            for gone in plain.keys().take(half) {
                ages.remove(*gone);
            }
            tidy(&ages);
            assert!(ages.blocks.len() <= blocks);
            for gone in plain.keys().skip(half) {
                ages.remove(*gone);
                tidy(&ages);
            }
            assert_eq!((&ages, ages.blocks.len()), (&Ages::default(), 0));
        }
    }

    #[test]
    fn people_who_come_one_after_the_other_fill_whole_blocks() {
        let mut ages = Ages::default();
        for n in 0..10 * BLOCK_MAX {
            ages.insert((Timestamp(0), TicketId(n.try_into().unwrap())), Lane::WalkIn);
        }
        assert_eq!(ages.blocks.len(), 10);
    }

    #[test]
    fn nobody_is_taken_out_twice() {
        let mut ages = Ages::default();
        ages.remove((Timestamp(0), TicketId(1)));
        ages.insert((Timestamp(0), TicketId(1)), Lane::WalkIn);
        ages.remove((Timestamp(0), TicketId(2)));
        ages.remove((Timestamp(0), TicketId(1)));
        ages.remove((Timestamp(0), TicketId(1)));
        assert_eq!(ages.before((Timestamp::MAX, TicketId(9))), Counts::default());
    }
}
