//! What snapshots promise, from the file to the night.

mod damage;
mod disk;
mod format;
mod keeping;
mod memory;
mod tables;
mod zones;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use callnext_engine::testing::Hall;
use callnext_engine::{Change, VenueId};
use tempfile::TempDir;

use super::keeper::Keeper;
use super::settings::SnapshotSettings;
use super::store::Store;
use crate::journal::{Journal, MemoryJournal};

/// A file with this content.
fn file(content: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("2026-03-02.callnext.zst");
    std::fs::write(&path, content).unwrap();
    (folder, path)
}

/// A journal with the history of a hall, and who looks after it.
struct House {
    journal: MemoryJournal,
    venue: VenueId,
    folder: TempDir,
}

impl House {
    async fn of(hall: &Hall) -> Self {
        Self::with(hall.venue().config().id.clone(), hall.changes()).await
    }

    async fn with(venue: VenueId, changes: &[Change]) -> Self {
        let journal = MemoryJournal::new();
        let epoch = journal.open(&venue).await.unwrap().epoch;
        journal.append(&venue, epoch, changes.to_vec()).await.unwrap();
        Self { journal, venue, folder: tempfile::tempdir().unwrap() }
    }

    fn keeper(&self, settings: SnapshotSettings) -> Keeper {
        self.keeper_in(self.folder.path(), settings)
    }

    fn keeper_in(&self, folder: &Path, settings: SnapshotSettings) -> Keeper {
        Keeper::new(Arc::new(self.journal.clone()), Store::in_folder(folder), settings)
    }

    fn files(&self) -> Vec<String> {
        let mut files: Vec<_> = std::fs::read_dir(self.folder.path().join(self.venue.as_str()))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        files
    }
}
