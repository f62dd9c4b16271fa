//! A file that is being written, and nobody is to take for a whole one.
//!
//! It is locked while somebody writes it, so that what a killed process left behind can be told from what another one
//! is writing. It is deleted when it is dropped before it was kept.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;

use super::super::error::SnapshotError;

/// What every draft's name ends with.
const ENDING: &str = ".draft";

/// A file that is being written.
#[derive(Debug)]
pub struct Draft {
    file: File,
    path: PathBuf,
    is_kept: bool,
}

impl Draft {
    /// A new one in this folder, that nobody else can read.
    pub(super) fn new(folder: &Path, name: &str) -> Result<Self, SnapshotError> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| SnapshotError::Write(io::Error::other(error)))?;
        let path = folder.join(format!(".{name}.{}{ENDING}", HEXLOWER.encode(&random)));
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path);
        let file = file.map_err(SnapshotError::at(&path))?;
        let draft = Self { file, path, is_kept: false };
        draft.file.try_lock().map_err(io::Error::from).map_err(SnapshotError::at(&draft.path))?;
        Ok(draft)
    }

    /// What is written to.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the file its name, once it is on the disk.
    pub(super) fn rename(mut self, to: &Path) -> Result<(), SnapshotError> {
        self.file.sync_all().map_err(SnapshotError::at(&self.path))?;
        std::fs::rename(&self.path, to).map_err(SnapshotError::at(to))?;
        self.is_kept = true;
        Ok(())
    }

    /// Deletes the drafts of a folder that nobody writes any more.
    pub(super) fn tidy(folder: &Path) -> Result<(), SnapshotError> {
        let entries = match std::fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries.map_err(SnapshotError::at(folder))?,
        };
        for entry in entries {
            let path = entry.map_err(SnapshotError::at(folder))?.path();
            let is_ours = path
                .file_name()
                .and_then(|name| name.to_str())
                .is_some_and(|name| name.starts_with('.') && name.ends_with(ENDING));
            if is_ours && File::open(&path).is_ok_and(|file| file.try_lock().is_ok()) {
                tracing::info!(path = %path.display(), "a snapshot that was cut short is deleted");
                std::fs::remove_file(&path).map_err(SnapshotError::at(&path))?;
            }
        }
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_kept {
            // Should that fail, the next start tidies up.
            drop(std::fs::remove_file(&self.path));
        }
    }
}
