//! Where snapshots are kept: a folder, or an S3-compatible store.
//!
//! A file is written as a draft on the local disk, and becomes visible under its name whole or not at all: by renaming,
//! or by the end of an upload. Nobody else's files are touched.

mod directory;
mod draft;
mod name;
mod objects;

use std::path::{Path, PathBuf};

pub use self::draft::Draft;
pub use self::name::{Kind, Name};

use self::directory::Directory;
use self::objects::Objects;
use super::error::SnapshotError;
use super::settings::{SnapshotSettings, Target};

/// The folder, within the data folder, of drafts on their way to an object store.
const SPOOL: &str = "snapshot-drafts";

/// Where snapshots are kept.
#[derive(Debug, Clone)]
pub enum Store {
    /// A folder.
    Directory(Directory),
    /// An S3-compatible store.
    Objects(Box<Objects>),
}

/// A file that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its name.
    pub name: Name,
    /// Its size.
    pub bytes: u64,
}

/// A file that can be read here and now.
#[derive(Debug)]
pub struct Fetched {
    path: PathBuf,
    /// A copy made for this purpose goes with it.
    _copy: Option<Draft>,
}

impl Fetched {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Store {
    /// The store that the settings name. Makes no folder yet.
    pub fn open(settings: &SnapshotSettings, data: &Path) -> Result<Self, SnapshotError> {
        match &settings.to {
            Target::Folder(folder) => Ok(Self::in_folder(&data.join(folder))),
            Target::Bucket { bucket, prefix } => {
                let (endpoint, region) = (settings.s3_endpoint.as_deref(), settings.s3_region.as_deref());
                let objects = Objects::open(bucket, prefix, endpoint, region, data.join(SPOOL))?;
                Ok(Self::Objects(Box::new(objects)))
            }
        }
    }

    /// A folder.
    pub fn in_folder(folder: &Path) -> Self {
        Self::Directory(Directory::new(folder))
    }

    /// A new draft, to become a file of this name. Blocks.
    pub fn draft(&self, name: &Name) -> Result<Draft, SnapshotError> {
        match self {
            Self::Directory(directory) => directory.draft(name),
            Self::Objects(objects) => objects.draft(name),
        }
    }

    /// The folder of the drafts of such a file.
    pub(super) fn drafts_of(&self, name: &Name) -> PathBuf {
        match self {
            Self::Directory(directory) => directory.venue_folder(name),
            Self::Objects(objects) => objects.spool().to_owned(),
        }
    }

    /// Makes a draft visible under its name, durably, in place of what was there.
    pub async fn keep(&self, draft: Draft, name: &Name) -> Result<(), SnapshotError> {
        match self {
            Self::Directory(directory) => {
                let (directory, name) = (directory.clone(), name.clone());
                blocking(move || directory.keep(draft, &name)).await
            }
            Self::Objects(objects) => objects.keep(draft, name).await,
        }
    }

    /// A file to be read; none where there is none of this name.
    pub async fn fetch(&self, name: &Name) -> Result<Option<Fetched>, SnapshotError> {
        match self {
            Self::Directory(directory) => {
                let path = directory.path(name);
                Ok(path.is_file().then(|| Fetched { path, _copy: None }))
            }
            Self::Objects(objects) => {
                let copy = objects.fetch(name).await?;
                Ok(copy.map(|copy| Fetched { path: copy.path().to_owned(), _copy: Some(copy) }))
            }
        }
    }

    /// Everything of ours that is kept, by venue, date and kind.
    pub async fn list(&self) -> Result<Vec<Kept>, SnapshotError> {
        let mut kept = match self {
            Self::Directory(directory) => {
                let directory = directory.clone();
                blocking(move || directory.list()).await?
            }
            Self::Objects(objects) => objects.list().await?,
        };
        kept.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(kept)
    }

    /// Deletes a file; nothing to do where there is none.
    pub async fn remove(&self, name: &Name) -> Result<(), SnapshotError> {
        match self {
            Self::Directory(directory) => {
                let (directory, name) = (directory.clone(), name.clone());
                blocking(move || directory.remove(&name)).await
            }
            Self::Objects(objects) => objects.remove(name).await,
        }
    }

    /// Deletes drafts that nobody writes any more: what a killed process left behind. Blocks.
    pub fn tidy(&self) -> Result<(), SnapshotError> {
        match self {
            Self::Directory(directory) => directory.tidy(),
            Self::Objects(objects) => objects.tidy(),
        }
    }

    /// The place, for people.
    pub fn place(&self) -> String {
        match self {
            Self::Directory(directory) => directory.folder().display().to_string(),
            Self::Objects(objects) => objects.place(),
        }
    }
}

/// Does slow work on a thread that may wait.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SnapshotError> + Send + 'static,
) -> Result<T, SnapshotError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| SnapshotError::Thread)?
}
