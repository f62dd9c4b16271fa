//! The day's table: one row per ticket, the same in both forms, and nobody's name in it.

use parquet::file::reader::{FileReader as _, SerializedFileReader};

use crate::progress::Progress;

use super::super::reader::Snapshot;
use super::super::sample;
use super::super::tables::{Form, Persons, write};
use super::file;

fn tables(persons: &Persons) -> (String, Vec<u8>, u64) {
    let (content, manifest) = sample::file(&sample::days(&sample::clinic())[0], None);
    let (_folder, path) = file(&content);
    let snapshot = Snapshot::open(&path).unwrap();
    let (mut csv, mut parquet) = (Vec::new(), Vec::new());
    for (form, out) in [(Form::Csv, &mut csv), (Form::Parquet, &mut parquet)] {
        assert_eq!(write(&snapshot, form, persons, out, &Progress::new(0)).unwrap(), manifest.counts.tickets);
    }
    (String::from_utf8(csv).unwrap(), parquet, manifest.counts.tickets)
}

#[test]
fn the_table_has_a_row_for_every_ticket() {
    let (text, _, tickets) = tables(&Persons::pseudonymous().unwrap());
    let mut csv = csv::Reader::from_reader(text.as_bytes());
    let header = csv.headers().unwrap().clone();
    let rows: Vec<_> = csv.records().map(Result::unwrap).collect();
    assert_eq!(rows.len() as u64, tickets);
    let of = |row: usize, name: &str| {
        let at = header.iter().position(|column| column == name).unwrap();
        rows[row][at].to_owned()
    };
    assert_eq!((of(0, "number"), of(0, "lane"), of(0, "state")), ("A001".into(), "walk_in".into(), "completed".into()));
    assert_eq!(of(0, "issued_at"), "2026-03-02T08:00:00.000+08:00");
    assert_eq!(of(0, "waited_s"), "180.000", "{text}");
    let announced = (0..rows.len()).find(|row| !of(*row, "estimate_error_s").is_empty()).unwrap();
    let number = |name| of(announced, name).parse::<f64>().unwrap();
    assert!((number("waited_s") - number("announced_s") - number("estimate_error_s")).abs() < 0.001, "{text}");
}

#[test]
fn nobody_can_be_known_by_it_unless_it_is_asked_for() {
    let named = tables(&Persons::Named).0;
    for personal in ["张三", "13800000000", "5f1d"] {
        assert!(named.contains(personal), "{named}");
        for _ in 0..2 {
            let (csv, parquet, _) = tables(&Persons::pseudonymous().unwrap());
            assert!(!csv.contains(personal), "{csv}");
            assert!(!String::from_utf8_lossy(&parquet).contains(personal));
        }
    }
    let one = tables(&Persons::pseudonymous().unwrap()).0;
    let two = tables(&Persons::pseudonymous().unwrap()).0;
    assert_ne!(one, two, "a pseudonym leads from no table to another");
}

#[test]
fn both_forms_say_the_same() {
    let (text, parquet, tickets) = tables(&Persons::Named);
    let reader = SerializedFileReader::new(bytes::Bytes::from(parquet)).unwrap();
    assert_eq!(reader.metadata().file_metadata().num_rows().cast_unsigned(), tickets);
    let columns: Vec<_> =
        reader.metadata().file_metadata().schema().get_fields().iter().map(|f| f.name().to_owned()).collect();
    assert_eq!(columns.join(","), text.lines().next().unwrap());
    let mut csv = csv::Reader::from_reader(text.as_bytes());
    for (row, record) in reader.get_row_iter(None).unwrap().zip(csv.records()) {
        let (row, record) = (row.unwrap(), record.unwrap());
        for ((name, field), cell) in row.get_column_iter().zip(record.iter()) {
            use parquet::record::Field;
            let same = match field {
                Field::Null => cell.is_empty(),
                Field::Str(text) => text == cell,
                Field::Long(number) => number.to_string() == cell,
                Field::Double(seconds) => format!("{seconds:.3}") == cell,
                Field::Bool(is) => is.to_string() == cell,
                Field::TimestampMillis(at) => {
                    chrono::DateTime::parse_from_rfc3339(cell).unwrap().timestamp_millis() == *at
                }
                other => panic!("{name}: {other:?}"),
            };
            assert!(same, "{name}: {field:?} and {cell:?}");
        }
    }
}
