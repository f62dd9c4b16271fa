//! Why a snapshot could not be written, read, kept or restored.

use std::path::{Path, PathBuf};

use callnext_engine::{Seq, VenueId};
use chrono::NaiveDate;

use crate::journal::JournalError;

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// Not one of ours.
    #[error("it is not a callnext snapshot")]
    NotASnapshot,
    /// Its end is missing.
    #[error("it is cut off: its manifest is missing at the end")]
    CutOff,
    /// The manifest was changed.
    #[error("its manifest was altered")]
    ManifestAltered,
    /// The content is not what the manifest says.
    #[error("its content is not what its manifest says: the SHA-256 differs")]
    ContentAltered,
    /// What is inside does not agree with the manifest, or with itself.
    #[error("its content is not what its manifest says: {0}")]
    Disagrees(String),
    /// A line cannot be read.
    #[error("line {line} of its content cannot be read: {problem}")]
    Line {
        /// Which, from 1.
        line: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// A newer callnext wrote it.
    #[error("its format is {found}, and this callnext reads up to {readable}: use the newer version that wrote it")]
    Newer {
        /// Its format.
        found: u32,
        /// The newest one that is known here.
        readable: u32,
    },
    /// The trail in it does not hold together (B3).
    #[error("its trail is broken: {0}")]
    Trail(String),
}

/// Why a snapshot could not be written, read, kept or restored.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// A file is not what it should be.
    #[error("{}: {damage}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        damage: Damage,
    },
    /// The operating system says no: a full disk, a missing folder.
    #[error("{}: {cause}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Its word.
        cause: std::io::Error,
    },
    /// The day could not be written into its file.
    #[error("the snapshot cannot be written: {0}")]
    Write(#[from] std::io::Error),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A change of the day does not follow the one before it.
    #[error("venue {venue}: change {found} does not follow {last}: the journal has a hole")]
    Hole {
        /// The venue.
        venue: VenueId,
        /// The change that had to be followed.
        last: Seq,
        /// The change that came instead.
        found: Seq,
    },
    /// A day has to begin with its opening.
    #[error("change {seq} does not open a business day")]
    NotADay {
        /// The change.
        seq: Seq,
    },
    /// One file has one day.
    #[error("change {seq} opens another business day")]
    SecondDay {
        /// The change.
        seq: Seq,
    },
    /// There is a good snapshot of another history for this day.
    #[error(
        "there is a snapshot of venue {venue} for {date} already, with changes {kept} in place of {found}: it is left \
         as it is; move it away if the journal is right"
    )]
    Conflict {
        /// The venue.
        venue: VenueId,
        /// The day.
        date: NaiveDate,
        /// The changes it has.
        kept: String,
        /// The changes that the journal has.
        found: String,
    },
    /// A whole snapshot of this very day does not have what the journal has.
    #[error(
        "the snapshot of venue {venue} for {date} has another change {seq} than the journal: both are left as they \
         are; move the file away if the journal is right"
    )]
    Differs {
        /// The venue.
        venue: VenueId,
        /// The day.
        date: NaiveDate,
        /// The first change that differs.
        seq: Seq,
    },
    /// The venue has a history that would be lost.
    #[error(
        "venue {venue} has a history already, from change {first} on: a snapshot is restored into an empty venue only"
    )]
    NotEmpty {
        /// The venue.
        venue: VenueId,
        /// The first change that is kept of it.
        first: Seq,
    },
    /// The restored value is not the one that was snapshotted.
    #[error(
        "the changes of {} no longer come to the same state: callnext {engine} wrote it, this is {}; restore it with \
         that version, or as it comes out now with --accept-other-version",
        path.display(),
        callnext_engine::VERSION
    )]
    StateDiffers {
        /// The file.
        path: PathBuf,
        /// The version that wrote it.
        engine: String,
    },
    /// The object store.
    #[error("the object store: {0}")]
    Objects(#[from] object_store::Error),
    /// A file is not there any more.
    #[error("{0} was kept a moment ago, and is gone")]
    Gone(String),
    /// A table could not be written.
    #[error("the table cannot be written: {0}")]
    Table(String),
    /// A thread that wrote or read ended without an answer.
    #[error("the thread at work on a snapshot ended without an answer")]
    Thread,
}

impl SnapshotError {
    /// The system's failure at this place.
    pub(super) fn at(path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |cause| Self::Io { path, cause }
    }

    /// The same, naming where it could not be written: whoever hears of a full disk asks which.
    pub(super) fn writing(self, folder: &Path) -> Self {
        match self {
            Self::Write(cause) => Self::Io { path: folder.to_owned(), cause },
            other => other,
        }
    }

    /// This file is damaged.
    pub(super) fn damaged(path: &Path) -> impl FnOnce(Damage) -> Self + use<> {
        let path = path.to_owned();
        move |damage| Self::Damaged { path, damage }
    }
}
