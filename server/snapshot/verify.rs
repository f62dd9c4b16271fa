//! Reads a snapshot to its end, and so knows whether it is whole.

use std::path::Path;

use super::error::SnapshotError;
use super::manifest::Manifest;
use super::reader::Snapshot;

/// Reads a file to its end. `read` is told the changes so far, now and then.
pub fn verify(path: &Path, read: &mut dyn FnMut(u64)) -> Result<Manifest, SnapshotError> {
    /// Lines between two words to whoever waits.
    const TOLD_EVERY: u64 = 1_000;
    let snapshot = Snapshot::open(path)?;
    let mut count = 0;
    for line in snapshot.lines()? {
        line?;
        count += 1;
        if count % TOLD_EVERY == 0 {
            read(count);
        }
    }
    Ok(snapshot.manifest().clone())
}
