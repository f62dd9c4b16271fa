//! The table of a day that people open: one row per ticket, as CSV and as Parquet.
//!
//! Pseudonymous: without names, phone numbers and booking codes. Whoever came twice on a day can be told by `visitor`,
//! which is keyed anew for every table, so that it leads nowhere else. Read from the snapshot, row by row.

pub mod csv;
pub mod parquet;
mod row;

use std::io::Write;

pub use self::row::{Column, Persons, Row, Value};

use super::error::SnapshotError;
use super::line::Line;
use super::reader::Snapshot;
use super::store::{Draft, Kind, Name, Store};
use crate::progress::Progress;

/// The forms of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Form {
    /// Comma-separated text, times in the venue's zone: for spreadsheets
    Csv,
    /// Parquet, times as instants: for statistics programs
    Parquet,
}

/// The forms that are kept beside a snapshot.
pub(super) const KEPT: [Form; 2] = [Form::Csv, Form::Parquet];

impl Form {
    /// The kind of file.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Csv => Kind::Csv,
            Self::Parquet => Kind::Parquet,
        }
    }
}

/// Writes the table of a day; returns how many rows it has. It is one piece of what somebody waits for.
pub(super) fn write<W: Write + Send>(
    snapshot: &Snapshot,
    form: Form,
    persons: &Persons,
    out: W,
    progress: &Progress,
) -> Result<u64, SnapshotError> {
    let mut piece = progress.piece(snapshot.manifest().counts.lines());
    let zone = snapshot.manifest().time_zone;
    let mut table: Box<dyn Table + '_> = match form {
        Form::Csv => Box::new(csv::Csv::begin(out, zone, persons)?),
        Form::Parquet => Box::new(parquet::Parquet::begin(out, persons)?),
    };
    let mut rows = 0;
    for line in snapshot.lines()? {
        piece.bits(1);
        if let Line::Ticket(record) = line? {
            table.row(&Row { record: &record, persons })?;
            rows += 1;
        }
    }
    table.end()?;
    Ok(rows)
}

/// A table that is being written.
trait Table {
    fn row(&mut self, row: &Row<'_>) -> Result<(), SnapshotError>;
    fn end(self: Box<Self>) -> Result<(), SnapshotError>;
}

/// The tables of a day that are kept beside its snapshot, as drafts.
pub(super) fn drafts(
    snapshot: &Snapshot,
    store: &Store,
    day: &Name,
    progress: &Progress,
) -> Result<Vec<(Name, Draft)>, SnapshotError> {
    let persons = Persons::pseudonymous()?;
    let mut drafts = Vec::new();
    for form in KEPT {
        let name = day.with(form.kind());
        let draft = store.draft(&name)?;
        write(snapshot, form, &persons, draft.file(), progress)?;
        drafts.push((name, draft));
    }
    Ok(drafts)
}
