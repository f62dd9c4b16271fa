//! `callnext trail`: the hash chain of what must be traceable (B3), looked at and written out.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::place::{Installation, OneDay};
use super::{OptionsError, Told};
use crate::snapshot::digest::Digest;
use crate::snapshot::error::{Damage, SnapshotError};
use crate::snapshot::line::Line;
use crate::snapshot::reader::Snapshot;
use crate::snapshot::trail::{Checker, TrailEntry};

/// What a trail that was written out ends with: `{"head":…}`, the digest of its last entry.
const HEAD: &str = "head";

/// Looks whether a trail is whole.
#[derive(Debug, Clone, clap::Args)]
pub struct TrailVerifyOptions {
    /// Snapshots of one venue in the order of their days, or trails that were written out
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The digest that the last entry must have, as it was noted elsewhere
    #[arg(long, value_name = "SHA-256")]
    head: Option<Digest>,
    /// Writes JSON, for programs
    #[arg(long)]
    json: bool,
}

/// Writes a trail out.
#[derive(Debug, Clone, clap::Args)]
pub struct TrailExportOptions {
    #[command(flatten)]
    day: OneDay,
    #[command(flatten)]
    installation: Installation,
}

/// What was found of one file.
#[derive(Serialize)]
struct Row {
    file: PathBuf,
    entries: u64,
    head: Option<Digest>,
    problem: Option<String>,
}

/// The ends of a trail that holds together.
struct Whole {
    from: Option<Digest>,
    entries: u64,
    head: Digest,
}

pub(super) fn verify(options: &TrailVerifyOptions) -> Result<Told, OptionsError> {
    let mut rows: Vec<Row> = Vec::new();
    let mut reached: Option<Digest> = None;
    for file in &options.files {
        let row = match check(file) {
            Ok(whole) => {
                let goes_on = reached.is_none_or(|reached| whole.from.is_none_or(|from| from == reached));
                let problem = "it does not go on from the file before it: days are missing, moved or not genuine";
                let problem = (!goes_on).then(|| problem.to_owned());
                reached = Some(whole.head);
                Row { file: file.clone(), entries: whole.entries, head: Some(whole.head), problem }
            }
            Err(error @ SnapshotError::Damaged { .. }) => {
                reached = None;
                Row { file: file.clone(), entries: 0, head: None, problem: Some(error.to_string()) }
            }
            Err(error) => return Err(error.into()),
        };
        rows.push(row);
    }
    if let (Some(expected), Some(last)) = (options.head, rows.last_mut())
        && last.head != Some(expected)
    {
        last.problem.get_or_insert_with(|| format!("it does not end with {expected}"));
    }
    let is_well = rows.iter().all(|row| row.problem.is_none());
    let text = if options.json { serde_json::to_string_pretty(&rows)? + "\n" } else { text(&rows) };
    Ok(Told { text, is_well })
}

fn text(rows: &[Row]) -> String {
    let mut text = String::new();
    for row in rows {
        match (&row.problem, row.head) {
            (Some(problem), _) => text.push_str(&format!("BROKEN  {}\n  {problem}\n", row.file.display())),
            (None, Some(head)) => {
                text.push_str(&format!("whole   {}  {} entries  head {head}\n", row.file.display(), row.entries));
            }
            (None, None) => {}
        }
    }
    text
}

/// A snapshot is read to its end, so that its trail is held against its changes too.
fn check(path: &Path) -> Result<Whole, SnapshotError> {
    match Snapshot::open(path) {
        Err(SnapshotError::Damaged { damage: Damage::NotASnapshot, .. }) => check_lines(path),
        Err(error) => Err(error),
        Ok(_) => {
            let manifest = crate::snapshot::verify::verify(path)?;
            let from = manifest.trail.previous.map(|link| link.head);
            Ok(Whole { from, entries: manifest.counts.trail, head: manifest.trail.head })
        }
    }
}

fn check_lines(path: &Path) -> Result<Whole, SnapshotError> {
    let damaged = |problem: String| SnapshotError::damaged(path)(Damage::Trail(problem));
    let lines = BufReader::new(File::open(path).map_err(SnapshotError::at(path))?).lines();
    let (mut checker, mut from, mut end): (Option<Checker>, Option<Digest>, Option<Digest>) = (None, None, None);
    for (number, line) in (1..).zip(lines) {
        let line = line.map_err(SnapshotError::at(path))?;
        let unread = |error: serde_json::Error| {
            SnapshotError::damaged(path)(Damage::Line { line: number, problem: error.to_string() })
        };
        if end.is_some() {
            return Err(damaged("there is something behind its end".to_owned()));
        }
        let value: serde_json::Value = match serde_json::from_str(&line) {
            Err(_) if number == 1 => return Err(SnapshotError::damaged(path)(Damage::NotASnapshot)),
            value => value.map_err(unread)?,
        };
        if let Some(head) = value.get(HEAD) {
            end = Some(serde_json::from_value(head.clone()).map_err(unread)?);
            continue;
        }
        let entry: TrailEntry = serde_json::from_value(value).map_err(unread)?;
        from = from.or(Some(entry.previous));
        let checker = checker.get_or_insert_with(|| Checker::new(entry.previous));
        checker.check(&entry).map_err(|broken| damaged(broken.to_string()))?;
    }
    match (checker, end) {
        (Some(checker), Some(head)) => {
            checker.ends_with(head).map_err(|broken| damaged(broken.to_string()))?;
            Ok(Whole { from, entries: checker.reached().0, head })
        }
        _ => Err(damaged("it does not say with what it ends: its last lines are missing".to_owned())),
    }
}

pub(super) async fn export(options: &TrailExportOptions) -> Result<Told, OptionsError> {
    let file = options.day.find(&options.installation).await?;
    let snapshot = Snapshot::open(file.path())?;
    let mut text = String::new();
    for line in snapshot.lines()? {
        if let Line::Trail(entry) = line? {
            text.push_str(&serde_json::to_string(&entry)?);
            text.push('\n');
        }
    }
    text.push_str(&format!("{{\"{HEAD}\":\"{}\"}}\n", snapshot.manifest().trail.head));
    Ok(Told { text, is_well: true })
}
