//! What the person at the keyboard asks of snapshots, and what they are told.
//!
//! Every command answers with a text for standard output and whether all is well; what it could not do at all is an
//! error.

mod check;
mod export;
mod list;
mod now;
mod place;
mod restoring;
mod trail;

use std::path::PathBuf;

pub use self::check::VerifyOptions;
pub use self::export::ExportOptions;
pub use self::list::ListOptions;
pub use self::now::NowOptions;
pub use self::restoring::RestoreOptions;
pub use self::trail::{TrailExportOptions, TrailVerifyOptions};

use super::error::SnapshotError;
use crate::app::AppError;
use crate::database::DatabaseError;
use crate::settings::SettingsError;

/// `callnext snapshot …`
#[derive(Debug, clap::Subcommand)]
pub enum SnapshotCommand {
    /// Writes the days that are over and have no snapshot yet; the server may be running
    Now(NowOptions),
    /// Shows what is kept
    List(ListOptions),
}

/// `callnext trail …`
#[derive(Debug, clap::Subcommand)]
pub enum TrailCommand {
    /// Looks whether a trail is whole: finds whatever was changed, removed or moved
    Verify(TrailVerifyOptions),
    /// Writes the trail of a snapshot as lines of JSON
    Export(TrailExportOptions),
}

/// What somebody is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// For standard output.
    pub text: String,
    /// Whether all is well; otherwise the program ends with 1.
    pub is_well: bool,
}

/// Why a command could not do anything.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    /// Neither a data folder nor a settings file.
    #[error("name the settings file with --config, or the data folder with --data")]
    NoPlace,
    /// The settings.
    #[error(transparent)]
    Settings(#[from] Box<SettingsError>),
    /// The data folder.
    #[error(transparent)]
    App(#[from] AppError),
    /// The journal's file.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// There is no journal.
    #[error("there is no journal in {}", .0.display())]
    NoJournal(PathBuf),
    /// Snapshots.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// There is nothing to work on.
    #[error("there is no snapshot at {0}")]
    NothingThere(String),
    /// There is no such venue.
    #[error("the journal has no venue \"{0}\"")]
    NoVenue(String),
    /// Neither a file nor a day was named, or both.
    #[error("name a file, or a day with --venue and --day")]
    NoDay,
    /// There is a file where one should be written.
    #[error("{} is there already, and is left as it is", .0.display())]
    Exists(PathBuf),
    /// It cannot be said as JSON.
    #[error("it cannot be written as JSON")]
    Json(#[from] serde_json::Error),
}

impl SnapshotCommand {
    /// Does it.
    pub async fn run(self) -> Result<Told, OptionsError> {
        match self {
            Self::Now(options) => now::run(&options).await,
            Self::List(options) => list::run(&options).await,
        }
    }
}

impl TrailCommand {
    /// Does it.
    pub async fn run(self) -> Result<Told, OptionsError> {
        match self {
            Self::Verify(options) => trail::verify(&options),
            Self::Export(options) => trail::export(&options).await,
        }
    }
}

impl VerifyOptions {
    /// Does it.
    pub async fn run(self) -> Result<Told, OptionsError> {
        check::run(&self).await
    }
}

impl RestoreOptions {
    /// Does it.
    pub async fn run(self) -> Result<Told, OptionsError> {
        restoring::run(&self).await
    }
}

impl ExportOptions {
    /// Does it.
    pub async fn run(self) -> Result<Told, OptionsError> {
        export::run(&self).await
    }
}
