//! `callnext snapshot list`: what is kept, by what the files say of themselves. Whether it is true, `verify` tells.

use callnext_engine::VenueId;
use chrono::NaiveDate;
use serde::Serialize;

use super::place::Installation;
use super::{OptionsError, Told};
use crate::snapshot::manifest::Manifest;
use crate::snapshot::reader::Snapshot;
use crate::snapshot::store::{Kind, Store};

/// Shows what is kept.
#[derive(Debug, Clone, clap::Args)]
pub struct ListOptions {
    #[command(flatten)]
    installation: Installation,
    /// Writes JSON, for programs
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Row {
    venue: VenueId,
    date: NaiveDate,
    file: String,
    is_over: bool,
    bytes: u64,
    /// What a file says of itself; not fetched from an object store for a list.
    manifest: Option<Manifest>,
    problem: Option<String>,
}

pub(super) async fn run(options: &ListOptions) -> Result<Told, OptionsError> {
    let store = options.installation.find()?.store;
    let mut rows = Vec::new();
    for kept in store.list().await? {
        if !matches!(kept.name.kind, Kind::Day | Kind::SoFar) {
            continue;
        }
        let (mut manifest, mut problem) = (None, None);
        if let (Store::Directory(_), Some(file)) = (&store, store.fetch(&kept.name).await?) {
            match Snapshot::open(file.path()) {
                Ok(snapshot) => manifest = Some(snapshot.manifest().clone()),
                Err(error) => problem = Some(error.to_string()),
            }
        }
        rows.push(Row {
            file: kept.name.to_string(),
            is_over: kept.name.kind == Kind::Day,
            venue: kept.name.venue,
            date: kept.name.date,
            bytes: kept.bytes,
            manifest,
            problem,
        });
    }
    let is_well = rows.iter().all(|row| row.problem.is_none());
    let text = if options.json { serde_json::to_string_pretty(&rows)? + "\n" } else { table(&store.place(), &rows) };
    Ok(Told { text, is_well })
}

fn table(place: &str, rows: &[Row]) -> String {
    if rows.is_empty() {
        return format!("there is no snapshot in {place}\n");
    }
    let width = rows.iter().map(|row| row.venue.as_str().len()).max().unwrap_or_default();
    let mut text = format!("{place}\n");
    for row in rows {
        let size = indicatif::HumanBytes(row.bytes).to_string();
        text.push_str(&format!("{:width$}  {}  {size:>11}", row.venue.as_str(), row.date));
        if let Some(Manifest { counts, engine, .. }) = &row.manifest {
            text.push_str(&format!("  {:>7} tickets  {:>8} changes  engine {engine}", counts.tickets, counts.changes));
        }
        if !row.is_over {
            text.push_str("  so far");
        }
        if let Some(problem) = &row.problem {
            text.push_str(&format!("  DAMAGED: {problem}"));
        }
        text.push('\n');
    }
    text
}
