//! Reads a snapshot to its end, and so knows whether it is whole.

use std::path::Path;

use super::error::SnapshotError;
use super::manifest::Manifest;
use super::reader::Snapshot;

/// Reads a file to its end.
pub fn verify(path: &Path) -> Result<Manifest, SnapshotError> {
    let snapshot = Snapshot::open(path)?;
    snapshot.lines()?.try_for_each(|line| line.map(drop))?;
    Ok(snapshot.manifest().clone())
}
