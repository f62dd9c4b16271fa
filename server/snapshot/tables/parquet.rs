//! The table as Parquet: instants in UTC, spans in seconds as numbers. Written in groups of rows of a fixed size.

use std::io::Write;
use std::sync::Arc;

use callnext_engine::{Millis, Timestamp};
use parquet::basic::{Compression, ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;

use super::super::error::SnapshotError;
use super::row::{Holds, columns};
use super::{Column, Persons, Row, Table, Value};

/// Rows that are gathered before they are written: what is in memory, some 2 MB.
const GROUP_ROWS: usize = 8_192;

pub(super) struct Parquet<W: Write + Send> {
    out: SerializedFileWriter<W>,
    columns: Vec<(&'static Column, Vec<Option<Value>>)>,
    rows: usize,
}

impl<W: Write + Send> Parquet<W> {
    pub(super) fn begin(out: W, persons: &Persons) -> Result<Self, SnapshotError> {
        let columns: Vec<_> = columns(persons).map(|column| (column, Vec::new())).collect();
        let fields: Result<Vec<_>, _> = columns.iter().map(|(column, _)| field(column).map(Arc::new)).collect();
        let schema = Type::group_type_builder("day").with_fields(fields.map_err(failed)?).build().map_err(failed)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by(format!("callnext {}", callnext_engine::VERSION))
            .build();
        let out = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties)).map_err(failed)?;
        Ok(Self { out, columns, rows: 0 })
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        let mut group = self.out.next_row_group()?;
        for (column, values) in &mut self.columns {
            write_column(&mut group, column.holds, values)?;
            values.clear();
        }
        self.rows = 0;
        group.close().map(drop)
    }
}

impl<W: Write + Send> Table for Parquet<W> {
    fn row(&mut self, row: &Row<'_>) -> Result<(), SnapshotError> {
        for (column, values) in &mut self.columns {
            values.push(row.value(column));
        }
        self.rows += 1;
        if self.rows == GROUP_ROWS { self.write_group().map_err(failed) } else { Ok(()) }
    }

    fn end(mut self: Box<Self>) -> Result<(), SnapshotError> {
        if self.rows > 0 {
            self.write_group().map_err(failed)?;
        }
        self.out.close().map(drop).map_err(failed)
    }
}

fn field(column: &Column) -> Result<Type, ParquetError> {
    let (physical, logical) = match column.holds {
        Holds::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Holds::Count => (Physical::INT64, None),
        Holds::At => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MILLIS))),
        Holds::Span => (Physical::DOUBLE, None),
        Holds::Is => (Physical::BOOLEAN, None),
    };
    Type::primitive_type_builder(column.name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical)
        .with_converted_type(ConvertedType::NONE)
        .build()
}

fn write_column<W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    holds: Holds,
    values: &[Option<Value>],
) -> Result<(), ParquetError> {
    let Some(mut writer) = group.next_column()? else { return Ok(()) };
    let is_there: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
    let there = values.iter().flatten();
    let level = Some(is_there.as_slice());
    match holds {
        Holds::Text => {
            let texts: Vec<ByteArray> = there.map(|value| text(value).into_bytes().into()).collect();
            writer.typed::<ByteArrayType>().write_batch(&texts, level, None)?;
        }
        Holds::Count | Holds::At => {
            let numbers: Vec<i64> = there.map(number).collect();
            writer.typed::<Int64Type>().write_batch(&numbers, level, None)?;
        }
        Holds::Span => {
            let seconds: Vec<f64> = there.map(seconds).collect();
            writer.typed::<DoubleType>().write_batch(&seconds, level, None)?;
        }
        Holds::Is => {
            let is: Vec<bool> = there.map(|value| *value == Value::Is(true)).collect();
            writer.typed::<BoolType>().write_batch(&is, level, None)?;
        }
    }
    writer.close()
}

fn text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Count(_) | Value::At(_) | Value::Span(_) | Value::Is(_) => String::new(),
    }
}

fn number(value: &Value) -> i64 {
    match value {
        Value::Count(number) | Value::At(Timestamp(number)) | Value::Span(Millis(number)) => *number,
        Value::Text(_) | Value::Is(_) => 0,
    }
}

/// Exact to the millisecond for longer than a day can be.
fn seconds(value: &Value) -> f64 {
    let ms = number(value);
    i32::try_from(ms).map_or(f64::MAX, f64::from) / 1000.0
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
fn failed(error: ParquetError) -> SnapshotError {
    SnapshotError::Table(error.to_string())
}
