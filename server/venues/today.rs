//! The day's changes as they were shown, packed: what a store that forgets is given back.
//!
//! Kept beside the state on every node that shows a venue, and only where the journal may forget. A venue with ten
//! thousand visitors takes some two megabytes.

use callnext_engine::{Change, Seq};

/// Changes packed together: enough that what they have in common is said once.
const BLOCK: usize = 256;
/// Packing must not hold the venue up.
const LEVEL: i32 = 1;

/// The changes since the one that opened the day, in order.
#[derive(Debug, Default)]
pub(super) struct Today {
    packed: Vec<Block>,
    /// Not packed yet, one after the other.
    recent: Vec<u8>,
    /// How many these are.
    count: usize,
}

#[derive(Debug)]
struct Block {
    last: Seq,
    bytes: Vec<u8>,
}

impl Today {
    /// Begins anew.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Remembers the next change.
    pub(super) fn push(&mut self, change: &Change) {
        if let Err(error) = serde_json::to_writer(&mut self.recent, change) {
            tracing::error!(%error, "the day cannot be remembered beside its journal");
            return self.forget();
        }
        self.count += 1;
        if self.count >= BLOCK
            && let Ok(bytes) = zstd::encode_all(self.recent.as_slice(), LEVEL)
        {
            self.packed.push(Block { last: change.seq, bytes });
            (self.recent, self.count) = (Vec::new(), 0);
        }
    }

    /// The changes after this one; none if they cannot be read.
    pub(super) fn after(&self, after: Seq) -> Vec<Change> {
        let mut changes = Vec::new();
        let packed = self.packed.iter().filter(|block| block.last > after).map(|block| unpack(&block.bytes));
        for some in packed.chain([read(&self.recent)]) {
            match some {
                Ok(some) => changes.extend(some),
                Err(error) => {
                    tracing::error!(%error, "what was remembered of the day cannot be read");
                    return Vec::new();
                }
            }
        }
        changes.retain(|change: &Change| change.seq > after);
        changes
    }

    /// Whether all of these were shown, just so.
    pub(super) fn knows(&self, changes: &[Change]) -> bool {
        let Some(first) = changes.first() else { return true };
        self.after(Seq(first.seq.0.saturating_sub(1))).starts_with(changes)
    }

    /// What a store no longer has that keeps only these of it: nothing where it has another history.
    pub(super) fn lost_by(&self, kept: &[Change]) -> Vec<Change> {
        let all = self.after(Seq(0));
        let (Some(first), Some(last)) = (all.first(), kept.last()) else { return all };
        if first.seq == last.seq.next() {
            return all;
        }
        if all.starts_with(kept) { all.into_iter().skip(kept.len()).collect() } else { Vec::new() }
    }
}

fn unpack(bytes: &[u8]) -> std::io::Result<Vec<Change>> {
    read(&zstd::decode_all(bytes)?)
}

/// Changes that were written one after the other.
fn read(bytes: &[u8]) -> std::io::Result<Vec<Change>> {
    Ok(serde_json::Deserializer::from_slice(bytes).into_iter().collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use callnext_engine::venue::Outcome;
    use callnext_engine::{Actor, Timestamp};

    use super::*;

    fn change(seq: u64) -> Change {
        let at = Timestamp(1_772_420_400_000 + seq.cast_signed());
        Change { seq: Seq(seq), at, by: Actor::System, command: None, outcome: Outcome::Done, events: Vec::new() }
    }

    fn today(last: u64) -> (Today, Vec<Change>) {
        let changes: Vec<_> = (11..=last).map(change).collect();
        let mut today = Today::default();
        changes.iter().for_each(|change| today.push(change));
        (today, changes)
    }

    #[test]
    fn a_day_is_remembered_whole_and_small() {
        let (today, changes) = today(5_010);
        assert_eq!(today.after(Seq(0)), changes);
        assert_eq!(today.after(Seq(5_000)), changes[4_990..]);
        assert!(today.count < BLOCK);
        let bytes: usize = today.packed.iter().map(|block| block.bytes.len()).sum();
        assert!(bytes < 200_000, "{bytes}");
    }

    #[test]
    fn what_a_store_lost_is_known_and_another_history_is_left_alone() {
        let (today, changes) = today(1_010);
        assert_eq!(today.lost_by(&[]), changes);
        assert_eq!(today.lost_by(&changes[..600]), changes[600..]);
        assert_eq!(today.lost_by(&[change(9), change(10)]), changes, "it ends with the day before");
        assert_eq!(today.lost_by(&[change(8), change(9)]), [], "a hole cannot be mended");
        let mut other = changes[..600].to_vec();
        other.push(Change { by: Actor::Public, ..change(611) });
        assert_eq!(today.lost_by(&other), []);
        assert!(today.knows(&changes[500..900]) && !today.knows(&other[500..]));
        assert!(!today.knows(&[change(1_010), change(1_011)]));
    }
}
