//! `callnext restore`: gives a day back to an installation that has no history of the venue.

use serde::Serialize;

use super::place::{Installation, OneDay};
use super::{OptionsError, Told};
use crate::app;
use crate::journal::SqliteJournal;
use crate::snapshot::manifest::Manifest;
use crate::snapshot::reader::Snapshot;
use crate::snapshot::restore;
use crate::snapshot::verify::verify;

/// Gives a day back, as it was, to a venue without a history or to a new data folder.
#[derive(Debug, Clone, clap::Args)]
pub struct RestoreOptions {
    #[command(flatten)]
    day: OneDay,
    #[command(flatten)]
    installation: Installation,
    /// Accepts a day that another version of callnext wrote, where its changes come to another state now
    #[arg(long)]
    accept_other_version: bool,
    /// Writes JSON, for programs
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Said {
    restored: Manifest,
    into: String,
}

pub(super) async fn run(options: &RestoreOptions) -> Result<Told, OptionsError> {
    let file = options.day.find(&options.installation).await?;
    let data = options.installation.find()?.data;
    // All of it is known to be whole before anything is touched.
    verify(file.path())?;
    let day = restore::read(&Snapshot::open(file.path())?, options.accept_other_version)?;
    app::make_data_folder(&data)?;
    // A server at work in the folder would not hear of it.
    let _own = app::lock(&data)?;
    let journal = SqliteJournal::open(&data.join("journal.sqlite"))?;
    let restored = restore::restore(&journal, day).await?;
    let into = data.display().to_string();
    let text = if options.json {
        serde_json::to_string_pretty(&Said { restored, into })? + "\n"
    } else {
        let Manifest { venue, date, counts, .. } = &restored;
        let (tickets, changes) = (counts.tickets, counts.changes);
        format!("restored {venue} {date} into {into}: {tickets} tickets, {changes} changes, the state as it was\n")
    };
    Ok(Told { text, is_well: true })
}
