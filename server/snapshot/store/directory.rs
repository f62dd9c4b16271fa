//! Snapshots in a folder: one folder per venue in it.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use super::super::error::SnapshotError;
use super::draft::Draft;
use super::{Kept, Name};

/// A folder of snapshots.
#[derive(Debug, Clone)]
pub struct Directory {
    folder: PathBuf,
}

impl Directory {
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn path(&self, name: &Name) -> PathBuf {
        self.venue_folder(name).join(name.file())
    }

    pub(super) fn venue_folder(&self, name: &Name) -> PathBuf {
        self.folder.join(name.venue.as_str())
    }

    pub(super) fn draft(&self, name: &Name) -> Result<Draft, SnapshotError> {
        let folder = self.venue_folder(name);
        make_folder(&folder)?;
        Draft::new(&folder, &name.file())
    }

    pub(super) fn keep(&self, draft: Draft, name: &Name) -> Result<(), SnapshotError> {
        draft.rename(&self.path(name))?;
        // The name is in the folder, and the folder's name in the one above.
        sync_folder(&self.venue_folder(name))?;
        sync_folder(&self.folder)
    }

    pub(super) fn list(&self) -> Result<Vec<Kept>, SnapshotError> {
        let mut kept = Vec::new();
        for (venue, folder) in self.venue_folders()? {
            for entry in std::fs::read_dir(&folder).map_err(SnapshotError::at(&folder))? {
                let entry = entry.map_err(SnapshotError::at(&folder))?;
                let name = entry.file_name().to_str().and_then(|file| Name::parse(&venue, file));
                if let Some(name) = name {
                    let bytes = entry.metadata().map_err(SnapshotError::at(&folder))?.len();
                    kept.push(Kept { name, bytes });
                }
            }
        }
        Ok(kept)
    }

    pub(super) fn remove(&self, name: &Name) -> Result<(), SnapshotError> {
        let path = self.path(name);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.map_err(SnapshotError::at(&path)),
        }
    }

    pub(super) fn tidy(&self) -> Result<(), SnapshotError> {
        self.venue_folders()?.iter().try_for_each(|(_, folder)| Draft::tidy(folder))
    }

    fn venue_folders(&self) -> Result<Vec<(String, PathBuf)>, SnapshotError> {
        let entries = match std::fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(SnapshotError::at(&self.folder))?,
        };
        let mut folders = Vec::new();
        for entry in entries {
            let entry = entry.map_err(SnapshotError::at(&self.folder))?;
            let name = entry.file_name().to_str().map(ToOwned::to_owned);
            if let Some(name) = name.filter(|_| entry.path().is_dir()) {
                folders.push((name, entry.path()));
            }
        }
        Ok(folders)
    }
}

/// A folder that only its owner may read: days hold names.
pub(super) fn make_folder(folder: &Path) -> Result<(), SnapshotError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(SnapshotError::at(folder))
}

fn sync_folder(folder: &Path) -> Result<(), SnapshotError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(SnapshotError::at(folder))
}
