//! `callnext restore`: gives a day back to an installation that has no history of the venue.

use serde::Serialize;

use super::place::{Installation, OneDay};
use super::{OptionsError, Told};
use crate::app;
use crate::progress::Progress;
use crate::snapshot::manifest::Manifest;
use crate::snapshot::reader::Snapshot;
use crate::snapshot::restore;
use crate::stores;

/// Gives a day back, as it was, to a venue without a history or to a new data folder.
#[derive(Debug, Clone, clap::Args)]
pub struct RestoreOptions {
    #[command(flatten)]
    day: OneDay,
    #[command(flatten)]
    installation: Installation,
    /// Accepts a day whose changes come to another state now than when another version of callnext wrote it
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
    is_same_state: bool,
}

pub(super) async fn run(options: &RestoreOptions) -> Result<Told, OptionsError> {
    let file = options.day.find(&options.installation).await?;
    let found = options.installation.find()?;
    let snapshot = Snapshot::open(file.path())?;
    let progress = Progress::new(0);
    // Read, and put into the journal.
    progress.pieces(2);
    let mut reading = progress.piece(snapshot.manifest().counts.changes);
    // To its end: all of it is known to be whole before anything is touched.
    let day = restore::read(&snapshot, options.accept_other_version, || reading.bits(1))?;
    drop(reading);
    app::make_data_folder(&found.data)?;
    // A server at work in the folder would not hear of it.
    let _own = app::lock(&found.data)?;
    let journal = stores::open_journal(&found.journal, &found.data).await?;
    let is_same = day.is_same;
    let restored = restore::restore(&*journal, day).await?;
    progress.finish();
    let into = found.place_of_journal();
    let text = if options.json {
        serde_json::to_string_pretty(&Said { restored, into, is_same_state: is_same })? + "\n"
    } else {
        let Manifest { venue, date, counts, .. } = &restored;
        let (tickets, changes) = (counts.tickets, counts.changes);
        let state = if is_same { "the state as it was" } else { "the state as this version makes it" };
        format!("restored {venue} {date} into {into}: {tickets} tickets, {changes} changes, {state}\n")
    };
    Ok(Told { text, is_well: true })
}
