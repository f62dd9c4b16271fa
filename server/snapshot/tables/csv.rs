//! The table as CSV: times on the venue's clock, with their offset; spans in seconds; empty where there is nothing.

use std::io::Write;

use callnext_engine::Millis;
use chrono_tz::Tz;

use super::super::error::SnapshotError;
use super::row::columns;
use super::{Column, Persons, Row, Table, Value};

pub(super) struct Csv<W: Write> {
    out: csv::Writer<W>,
    columns: Vec<&'static Column>,
    zone: Tz,
}

impl<W: Write> Csv<W> {
    pub(super) fn begin(out: W, zone: Tz, persons: &Persons) -> Result<Self, SnapshotError> {
        let columns: Vec<_> = columns(persons).collect();
        let mut out = csv::Writer::from_writer(out);
        out.write_record(columns.iter().map(|column| column.name)).map_err(failed)?;
        Ok(Self { out, columns, zone })
    }
}

impl<W: Write> Table for Csv<W> {
    fn row(&mut self, row: &Row<'_>) -> Result<(), SnapshotError> {
        for column in &self.columns {
            let cell = row.value(column).map(|value| cell(value, self.zone)).unwrap_or_default();
            self.out.write_field(cell).map_err(failed)?;
        }
        self.out.write_record(None::<&[u8]>).map_err(failed)
    }

    fn end(mut self: Box<Self>) -> Result<(), SnapshotError> {
        Ok(self.out.flush()?)
    }
}

fn cell(value: Value, zone: Tz) -> String {
    match value {
        Value::Text(text) => harmless(text),
        Value::Count(count) => count.to_string(),
        Value::At(at) => at.to_utc().with_timezone(&zone).to_rfc3339_opts(chrono::SecondsFormat::Millis, false),
        Value::Span(Millis(ms)) => {
            let sign = if ms < 0 { "-" } else { "" };
            format!("{sign}{}.{:03}", ms.unsigned_abs() / 1000, ms.unsigned_abs() % 1000)
        }
        Value::Is(is) => is.to_string(),
    }
}

/// A text that a spreadsheet would take for a formula is given an apostrophe, which it shows as text.
fn harmless(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text }
}

fn failed(error: csv::Error) -> SnapshotError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => SnapshotError::Write(error),
        other => SnapshotError::Table(format!("{other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use callnext_engine::Timestamp;

    use super::*;

    #[test]
    fn cells_are_what_a_spreadsheet_reads() {
        let zone = chrono_tz::Europe::Berlin;
        let at = Value::At(Timestamp(1_792_890_000_000));
        assert_eq!(cell(at, zone), "2026-10-25T03:00:00.000+02:00".replace("03:00:00.000+02", "02:00:00.000+01"));
        for (ms, text) in [(0, "0.000"), (90_500, "90.500"), (-1_250, "-1.250")] {
            assert_eq!(cell(Value::Span(Millis(ms)), zone), text);
        }
        for (text, shown) in [("=1+1", "'=1+1"), ("@x", "'@x"), ("A001", "A001"), ("", "")] {
            assert_eq!(cell(Value::Text(text.to_owned()), zone), shown);
        }
    }
}
