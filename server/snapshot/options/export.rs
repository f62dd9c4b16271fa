//! `callnext export`: a day's table, for people. Never over a file that is there.

use std::fs::OpenOptions;
use std::path::PathBuf;

use serde::Serialize;

use super::place::{Installation, OneDay};
use super::{OptionsError, Told};
use crate::progress::Progress;
use crate::snapshot::error::SnapshotError;
use crate::snapshot::reader::Snapshot;
use crate::snapshot::store::{Kind, Name};
use crate::snapshot::tables::{Form, KEPT, Persons, write};
use crate::snapshot::verify::verify_telling;

/// Writes the table of a day: one row per ticket, without names.
#[derive(Debug, Clone, clap::Args)]
pub struct ExportOptions {
    #[command(flatten)]
    day: OneDay,
    #[command(flatten)]
    installation: Installation,
    /// The folder to write to
    #[arg(long, value_name = "DIR", default_value = ".")]
    to: PathBuf,
    /// The form of the table; both, unless one is named
    #[arg(long, value_enum, value_name = "FORM")]
    form: Option<Form>,
    /// With names and phone numbers, for whoever may see them
    #[arg(long)]
    named: bool,
    /// Writes JSON, for programs
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Said {
    file: PathBuf,
    rows: u64,
}

pub(super) async fn run(options: &ExportOptions) -> Result<Told, OptionsError> {
    let file = options.day.find(&options.installation).await?;
    let forms = options.form.map_or_else(|| KEPT.to_vec(), |form| vec![form]);
    let progress = Progress::new(0);
    progress.pieces(1 + forms.len());
    verify_telling(file.path(), &progress)?;
    let snapshot = Snapshot::open(file.path())?;
    let persons = if options.named { Persons::Named } else { Persons::pseudonymous()? };
    let manifest = snapshot.manifest();
    let mut said = Vec::new();
    for form in forms {
        let name = Name { venue: manifest.venue.clone(), date: manifest.date, kind: Kind::Day }.with(form.kind());
        let path = options.to.join(format!("{}-{}", name.venue, name.file()));
        let out = match OpenOptions::new().write(true).create_new(true).open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Err(OptionsError::Exists(path)),
            out => out.map_err(SnapshotError::at(&path))?,
        };
        let written = write(&snapshot, form, &persons, &out, &progress);
        if written.is_err() {
            // Half a table would be taken for a whole one.
            drop(std::fs::remove_file(&path));
        }
        said.push(Said { file: path, rows: written? });
    }
    progress.finish();
    let text = if options.json {
        serde_json::to_string_pretty(&said)? + "\n"
    } else {
        let lines: Vec<_> = said.iter().map(|said| format!("{}  {} rows\n", said.file.display(), said.rows)).collect();
        lines.concat()
    };
    Ok(Told { text, is_well: true })
}
