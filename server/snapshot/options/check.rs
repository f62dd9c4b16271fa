//! `callnext verify`: reads files to their ends. Ends with 1 where anything is not as it was written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use callnext_engine::VenueId;
use serde::Serialize;

use super::place::Installation;
use super::{OptionsError, Told};
use crate::progress::Progress;
use crate::snapshot::error::SnapshotError;
use crate::snapshot::manifest::Manifest;
use crate::snapshot::store::{Kind, Name};
use crate::snapshot::verify::verify_telling;

/// Reads snapshots to their ends and tells which are whole.
#[derive(Debug, Clone, clap::Args)]
pub struct VerifyOptions {
    /// Files, or folders with files; otherwise all that the installation keeps
    paths: Vec<PathBuf>,
    #[command(flatten)]
    installation: Installation,
    /// Writes JSON, for programs
    #[arg(long)]
    json: bool,
}

/// What was found of one file.
#[derive(Serialize)]
struct Row {
    file: String,
    is_whole: bool,
    /// Whether it could be read at all.
    is_read: bool,
    manifest: Option<Manifest>,
    problem: Option<String>,
    /// What is odd about it beside others, though it is whole.
    remark: Option<String>,
}

impl Row {
    fn of(file: String, verified: Result<Manifest, SnapshotError>) -> Self {
        let is_read = matches!(verified, Ok(_) | Err(SnapshotError::Damaged { .. }));
        let (manifest, problem) = match verified {
            Ok(manifest) => (Some(manifest), None),
            Err(error) => (None, Some(error.to_string())),
        };
        Self { file, is_whole: problem.is_none(), is_read, manifest, problem, remark: None }
    }
}

pub(super) async fn run(options: &VerifyOptions) -> Result<Told, OptionsError> {
    let progress = Progress::new(0);
    let mut rows = if options.paths.is_empty() {
        let store = options.installation.find()?.store;
        let mut rows = Vec::new();
        let mut kept = store.list().await?;
        kept.retain(|kept| is_snapshot(&kept.name));
        progress.pieces(kept.len());
        for kept in kept {
            let Some(file) = store.fetch(&kept.name).await? else { continue };
            rows.push(Row::of(kept.name.to_string(), verify_telling(file.path(), &progress)));
        }
        rows
    } else {
        let mut files = Vec::new();
        for path in &options.paths {
            collect(path, true, &mut files)?;
        }
        progress.pieces(files.len());
        let checked = files.iter().map(|file| Row::of(file.display().to_string(), verify_telling(file, &progress)));
        checked.collect()
    };
    progress.finish();
    if rows.is_empty() {
        let place: Vec<_> = options.paths.iter().map(|path| path.display().to_string()).collect();
        return Err(OptionsError::NothingThere(if place.is_empty() { "all".to_owned() } else { place.join(", ") }));
    }
    compare(&mut rows);
    let is_well = rows.iter().all(|row| row.is_whole);
    let text = if options.json { serde_json::to_string_pretty(&rows)? + "\n" } else { text(&rows) };
    Ok(Told { text, is_well })
}

fn is_snapshot(name: &Name) -> bool {
    matches!(name.kind, Kind::Day | Kind::SoFar)
}

/// The snapshots in a folder and the folders in it; a file that was named, whatever it is called.
fn collect(path: &Path, is_named: bool, files: &mut Vec<PathBuf>) -> Result<(), OptionsError> {
    if path.is_dir() {
        let entries = std::fs::read_dir(path).map_err(SnapshotError::at(path))?;
        let mut inside = Vec::new();
        for entry in entries {
            inside.push(entry.map_err(SnapshotError::at(path))?.path());
        }
        inside.sort();
        return inside.iter().try_for_each(|path| collect(path, false, files));
    }
    if is_named || path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(".callnext.zst")) {
        files.push(path.to_owned());
    }
    Ok(())
}

/// Each day names the one it goes on from: does that one agree?
fn compare(rows: &mut [Row]) {
    let manifests = rows.iter().filter_map(|row| row.manifest.as_ref().filter(|manifest| manifest.is_over));
    let links: BTreeMap<_, _> =
        manifests.map(|manifest| ((manifest.venue.clone(), manifest.date), manifest.link())).collect();
    for row in rows {
        let Some(manifest) = &row.manifest else { continue };
        let key = |venue: &VenueId, date| (venue.clone(), date);
        match &manifest.trail.previous {
            Some(previous) => match links.get(&key(&manifest.venue, previous.date)) {
                Some(link) if link != previous => {
                    row.is_whole = false;
                    let problem =
                        format!("its trail does not go on from that of {}: one of them is not genuine", link.date);
                    row.problem = Some(problem);
                }
                _ if previous.last_seq.next() != manifest.first_seq => {
                    let (from, to) = (previous.last_seq.next(), manifest.first_seq.0 - 1);
                    let missing = format!("changes {from} to {to} are in no day before it");
                    row.remark = Some(missing);
                }
                _ => {}
            },
            None if manifest.first_seq.0 > 1 => {
                row.remark = Some("it was written without the days before it: its trail begins anew".to_owned());
            }
            None => {}
        }
    }
}

fn text(rows: &[Row]) -> String {
    let mut text = String::new();
    for row in rows {
        match (&row.manifest, &row.problem) {
            (_, Some(problem)) => {
                let found = if row.is_read { "DAMAGED" } else { "UNREAD " };
                text.push_str(&format!("{found}  {}\n  {problem}\n", row.file));
            }
            (Some(manifest), None) => {
                let (tickets, changes) = (manifest.counts.tickets, manifest.counts.changes);
                text.push_str(&format!("whole    {}  {tickets} tickets  {changes} changes\n", row.file));
            }
            (None, None) => {}
        }
        if let Some(remark) = &row.remark {
            text.push_str(&format!("  {remark}\n"));
        }
    }
    let (whole, unread) = (rows.iter().filter(|row| row.is_whole), rows.iter().filter(|row| !row.is_read));
    let (whole, unread) = (whole.count(), unread.count());
    text.push_str(&format!("{whole} whole, {} damaged", rows.len() - whole - unread));
    text.push_str(&if unread > 0 { format!(", {unread} could not be read\n") } else { "\n".to_owned() });
    text
}
