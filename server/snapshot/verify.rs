//! Reads a snapshot to its end, and so knows whether it is whole.

use std::path::Path;

use super::error::SnapshotError;
use super::manifest::Manifest;
use super::reader::Snapshot;
use crate::progress::Progress;

/// Reads a file to its end.
pub fn verify(path: &Path) -> Result<Manifest, SnapshotError> {
    verify_telling(path, &Progress::new(0))
}

/// The same, as one piece of what somebody waits for.
pub(super) fn verify_telling(path: &Path, progress: &Progress) -> Result<Manifest, SnapshotError> {
    let snapshot = Snapshot::open(path)?;
    let mut piece = progress.piece(snapshot.manifest().counts.lines());
    snapshot.lines()?.try_for_each(|line| {
        piece.bits(1);
        line.map(drop)
    })?;
    Ok(snapshot.manifest().clone())
}
