//! A recorded day: who came when, when they were called, and who left. Read from tidy CSV, one row per ticket.
//!
//! Apart from the plan because it is only about the records: it knows no venue of ours, no clock and no zone, and
//! must not mend what it reads. A row that makes no sense stops the reading, with its line.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use callnext_engine::Millis;
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use csv::StringRecord;

/// Most rows of one file: the three weeks of a busy call centre are 24,000; a million is another kind of file.
pub const ROWS_MAX: u64 = 1_000_000;
/// Longest field: names and times are short; more is not a queue record.
pub const FIELD_BYTES_MAX: usize = 200;
/// A business day may run past midnight, but not into the evening after.
pub const DAY_HOURS_MAX: i64 = 36;
/// Venue-days named in an error, before "and more".
const CHOICES_SHOWN: usize = 12;

/// The columns, as the header names them.
const COLUMNS: [&str; 9] =
    ["day", "venue", "queue", "class", "ticket", "arrived_at", "called_at", "finished_at", "counter"];

/// One venue's recorded day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// The local date the records give the day.
    pub date: NaiveDate,
    /// The venue's name in the records.
    pub venue: String,
    /// The names of its queues. Mapping by position goes by their order, whatever the order of the rows.
    pub queues: BTreeSet<String>,
    /// Who came, in order of arrival.
    pub visits: Vec<Visit>,
}

/// One ticket of a recorded day. Times are spans since the day's local midnight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// The queue's name in the records.
    pub queue: String,
    /// The class given in the records: free text, `unknown` where they have none.
    pub class: String,
    /// The ticket's name in the records, unique within its queue.
    pub code: String,
    /// Arrival.
    pub arrived: Millis,
    /// The call; none for somebody who left, or was still waiting at the end.
    pub called: Option<Millis>,
    /// The end of the service; the time of leaving where there was no call.
    pub finished: Option<Millis>,
    /// Who served, where the records say.
    pub counter: Option<String>,
}

impl Visit {
    /// Whether the person left without being called.
    pub fn left(&self) -> Option<Millis> {
        if self.called.is_none() { self.finished } else { None }
    }
}

/// Which venue-day of a file is wanted. With neither set, the file must hold one only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The venue's name in the records.
    pub venue: Option<String>,
    /// The local date.
    pub date: Option<NaiveDate>,
}

/// A venue-day that a file holds, for the person who has to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choices(Vec<(String, NaiveDate, usize)>);

impl fmt::Display for Choices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (venue, date, tickets)) in self.0.iter().take(CHOICES_SHOWN).enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(f, "{comma}{venue} {date} ({tickets} tickets)")?;
        }
        match self.0.len().saturating_sub(CHOICES_SHOWN) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// Why there is no day to play.
#[derive(Debug, thiserror::Error)]
pub enum DayError {
    /// The file cannot be opened.
    #[error("cannot open {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The text is not CSV, or not UTF-8.
    #[error("not a CSV file")]
    NotCsv(#[from] csv::Error),
    /// The header lacks a column.
    #[error("the header has no column \"{column}\"; a day needs {}", COLUMNS.join(","))]
    NoColumn {
        /// The missing one.
        column: &'static str,
    },
    /// A row makes no sense.
    #[error("line {line}: {problem}")]
    Row {
        /// Line of the file, counted from 1, header included.
        line: u64,
        /// What is wrong with it.
        problem: RowProblem,
    },
    /// More rows than [`ROWS_MAX`].
    #[error("more than {ROWS_MAX} rows")]
    TooLong,
    /// A header and nothing under it.
    #[error("no tickets in it")]
    Empty,
    /// No venue-day is the wanted one.
    #[error("no such venue and day in it; it holds {0}")]
    NotThere(Choices),
    /// More than one venue-day is.
    #[error("choose one with --record-venue and --day; it holds {0}")]
    Several(Choices),
}

/// What is wrong with one row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowProblem {
    /// A field that must be there is blank.
    #[error("{0} is blank")]
    Blank(&'static str),
    /// A field is longer than [`FIELD_BYTES_MAX`].
    #[error("{0} is longer than {FIELD_BYTES_MAX} bytes")]
    TooLong(&'static str),
    /// Not a date.
    #[error("{column} \"{text}\" is not a date like 2019-12-30")]
    NotADate {
        /// Where.
        column: &'static str,
        /// What stands there.
        text: String,
    },
    /// Not a local time.
    #[error("{column} \"{text}\" is not a local time like 2019-12-30T08:04:36")]
    NotATime {
        /// Where.
        column: &'static str,
        /// What stands there.
        text: String,
    },
    /// A time that cannot belong to the row's day.
    #[error("{column} is not within {DAY_HOURS_MAX} hours of the start of {day}")]
    NotOfTheDay {
        /// Where.
        column: &'static str,
        /// The row's day.
        day: NaiveDate,
    },
    /// Something happened before what must come first.
    #[error("{later} is before {earlier}")]
    Backwards {
        /// What must come first.
        earlier: &'static str,
        /// What stands before it.
        later: &'static str,
    },
    /// The ticket was on another line already.
    #[error("ticket \"{code}\" of queue \"{queue}\" was on line {line} already")]
    Twice {
        /// The ticket.
        code: String,
        /// Its queue.
        queue: String,
        /// Where it was first.
        line: u64,
    },
}

impl Day {
    /// Reads one venue-day from a file.
    ///
    /// # Errors
    ///
    /// Whatever [`DayError`] says: the file cannot be read, makes no sense, or does not hold just one such day.
    pub fn open(path: &Path, wanted: &Wanted) -> Result<Self, DayError> {
        let file = File::open(path).map_err(|source| DayError::Unreadable { path: path.to_owned(), source })?;
        Self::read(file, wanted)
    }

    /// Reads one venue-day from CSV text.
    ///
    /// # Errors
    ///
    /// As [`Day::open`].
    pub fn read(from: impl Read, wanted: &Wanted) -> Result<Self, DayError> {
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(from);
        let columns = Columns::of(reader.headers()?)?;
        let mut days: BTreeMap<(String, NaiveDate), Rows> = BTreeMap::new();
        let mut record = StringRecord::new();
        let mut rows = 0;
        while reader.read_record(&mut record)? {
            rows += 1;
            if rows > ROWS_MAX {
                return Err(DayError::TooLong);
            }
            let line = record.position().map_or(0, csv::Position::line);
            let row = columns.row(&record).map_err(|problem| DayError::Row { line, problem })?;
            let day = days.entry((row.venue, row.date)).or_default();
            day.add(row.visit, line).map_err(|problem| DayError::Row { line, problem })?;
        }
        Self::pick(days, wanted)
    }

    fn pick(days: BTreeMap<(String, NaiveDate), Rows>, wanted: &Wanted) -> Result<Self, DayError> {
        let fits = |venue: &str, date: NaiveDate| {
            wanted.venue.as_deref().is_none_or(|wanted| wanted == venue)
                && wanted.date.is_none_or(|wanted| wanted == date)
        };
        let choices = |days: &BTreeMap<(String, NaiveDate), Rows>| {
            Choices(days.iter().map(|((venue, date), rows)| (venue.clone(), *date, rows.visits.len())).collect())
        };
        if days.is_empty() {
            return Err(DayError::Empty);
        }
        let all = choices(&days);
        let mut fitting: BTreeMap<_, _> = days.into_iter().filter(|((venue, date), _)| fits(venue, *date)).collect();
        if fitting.len() > 1 {
            return Err(DayError::Several(choices(&fitting)));
        }
        let Some(((venue, date), rows)) = fitting.pop_first() else { return Err(DayError::NotThere(all)) };
        let mut visits = rows.visits;
        visits.sort_by(|a, b| (a.arrived, &a.queue, &a.code).cmp(&(b.arrived, &b.queue, &b.code)));
        let queues = visits.iter().map(|visit| visit.queue.clone()).collect();
        Ok(Self { date, venue, queues, visits })
    }

    /// The same day without what happened outside a stretch of it: for a short run.
    ///
    /// It keeps its queues, also those to which nobody came then. People are kept by their arrival; calls and endings after `until` are dropped, so that they still wait then.
    #[must_use]
    pub fn between(&self, from: Millis, until: Millis) -> Self {
        let inside = |at: &Millis| *at < until;
        let visits = self.visits.iter().filter(|visit| from <= visit.arrived && visit.arrived < until);
        let cut = |visit: &Visit| Visit {
            called: visit.called.filter(inside),
            finished: visit.finished.filter(inside),
            ..visit.clone()
        };
        let visits = visits.map(cut).collect();
        Self { visits, venue: self.venue.clone(), queues: self.queues.clone(), ..*self }
    }
}

/// The rows of one venue-day while a file is read.
#[derive(Default)]
struct Rows {
    visits: Vec<Visit>,
    lines: BTreeMap<(String, String), u64>,
}

impl Rows {
    fn add(&mut self, visit: Visit, line: u64) -> Result<(), RowProblem> {
        match self.lines.insert((visit.queue.clone(), visit.code.clone()), line) {
            Some(line) => Err(RowProblem::Twice { code: visit.code, queue: visit.queue, line }),
            None => {
                self.visits.push(visit);
                Ok(())
            }
        }
    }
}

/// One row, read.
struct Row {
    date: NaiveDate,
    venue: String,
    visit: Visit,
}

/// Where each column of [`COLUMNS`] stands in this file. Columns it does not know are left alone.
struct Columns(BTreeMap<&'static str, usize>);

impl Columns {
    fn of(header: &StringRecord) -> Result<Self, DayError> {
        // Some programs begin a file with a byte order mark; it belongs to no name.
        let place = |column: &str| header.iter().position(|name| name.trim_start_matches('\u{feff}') == column);
        COLUMNS
            .into_iter()
            .map(|column| place(column).map(|at| (column, at)).ok_or(DayError::NoColumn { column }))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    fn row(&self, record: &StringRecord) -> Result<Row, RowProblem> {
        let day = self.needed(record, "day")?;
        let date = NaiveDate::parse_from_str(day, "%Y-%m-%d")
            .map_err(|_| RowProblem::NotADate { column: "day", text: day.to_owned() })?;
        let arrived = parse_time(self.needed(record, "arrived_at")?, "arrived_at", date)?;
        let called = self.time(record, "called_at", date)?;
        let finished = self.time(record, "finished_at", date)?;
        if called.is_some_and(|called| called < arrived) {
            return Err(RowProblem::Backwards { earlier: "arrived_at", later: "called_at" });
        }
        if finished.is_some_and(|finished| finished < called.unwrap_or(arrived)) {
            let earlier = if called.is_some() { "called_at" } else { "arrived_at" };
            return Err(RowProblem::Backwards { earlier, later: "finished_at" });
        }
        let visit = Visit {
            queue: self.needed(record, "queue")?.to_owned(),
            class: self.field(record, "class")?.to_owned(),
            code: self.needed(record, "ticket")?.to_owned(),
            arrived,
            called,
            finished,
            counter: Some(self.field(record, "counter")?).filter(|text| !text.is_empty()).map(str::to_owned),
        };
        Ok(Row { date, venue: self.needed(record, "venue")?.to_owned(), visit })
    }

    fn field<'r>(&self, record: &'r StringRecord, column: &'static str) -> Result<&'r str, RowProblem> {
        let text = self.0.get(column).and_then(|at| record.get(*at)).unwrap_or_default();
        if text.len() > FIELD_BYTES_MAX { Err(RowProblem::TooLong(column)) } else { Ok(text) }
    }

    fn needed<'r>(&self, record: &'r StringRecord, column: &'static str) -> Result<&'r str, RowProblem> {
        match self.field(record, column)? {
            "" => Err(RowProblem::Blank(column)),
            text => Ok(text),
        }
    }

    fn time(&self, record: &StringRecord, column: &'static str, day: NaiveDate) -> Result<Option<Millis>, RowProblem> {
        match self.field(record, column)? {
            "" => Ok(None),
            text => parse_time(text, column, day).map(Some),
        }
    }
}

/// A local time, as a span since the local midnight with which `day` starts.
fn parse_time(text: &str, column: &'static str, day: NaiveDate) -> Result<Millis, RowProblem> {
    let at = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f")
        .map_err(|_| RowProblem::NotATime { column, text: text.to_owned() })?;
    let since = at.signed_duration_since(day.and_time(NaiveTime::MIN));
    if (0..DAY_HOURS_MAX).contains(&since.num_hours()) && since >= chrono::TimeDelta::zero() {
        Ok(Millis(since.num_milliseconds()))
    } else {
        Err(RowProblem::NotOfTheDay { column, day })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "day,venue,queue,class,ticket,arrived_at,called_at,finished_at,counter\n";

    fn read(rows: &str) -> Result<Day, DayError> {
        Day::read(format!("{HEADER}{rows}").as_bytes(), &Wanted::default())
    }

    fn problem(rows: &str) -> String {
        read(rows).expect_err("should be refused").to_string()
    }

    fn clock(text: &str) -> Millis {
        Millis(
            NaiveTime::parse_from_str(text, "%H:%M:%S")
                .unwrap()
                .signed_duration_since(NaiveTime::MIN)
                .num_milliseconds(),
        )
    }

    #[test]
    fn a_row_is_a_visit_with_times_since_midnight() {
        let day = read("2020-01-13,hall,B,unknown,B001,2020-01-13T08:04:36,2020-01-13T08:15:15,,\n").unwrap();
        assert_eq!((day.venue.as_str(), day.date.to_string()), ("hall", "2020-01-13".to_owned()));
        let visit = day.visits.first().unwrap();
        assert_eq!((visit.arrived, visit.called), (clock("08:04:36"), Some(clock("08:15:15"))));
        assert_eq!((visit.finished, visit.left(), visit.counter.as_deref()), (None, None, None));
    }

    #[test]
    fn finished_without_a_call_is_somebody_who_left() {
        let day = read("2020-01-13,hall,B,,1,2020-01-13T08:00:00,,2020-01-13T08:20:00,A16\n").unwrap();
        assert_eq!(day.visits.first().unwrap().left(), Some(clock("08:20:00")));
    }

    #[test]
    fn visits_come_in_order_of_arrival_and_queues_in_order_of_name() {
        let day = read(
            "2020-01-13,hall,Z,,1,2020-01-13T09:00:00,,,\n\
             2020-01-13,hall,A,,2,2020-01-13T08:30:00,,,\n\
             2020-01-13,hall,Z,,3,2020-01-13T08:00:00.250,,,\n",
        )
        .unwrap();
        assert_eq!(day.visits.iter().map(|visit| visit.code.as_str()).collect::<Vec<_>>(), ["3", "2", "1"]);
        assert_eq!(day.queues.iter().collect::<Vec<_>>(), ["A", "Z"]);
    }

    #[test]
    fn the_night_after_belongs_to_the_day() {
        let day = read("1999-02-01,bank,PS,,1,1999-02-01T23:58:00,1999-02-02T00:01:00,1999-02-02T00:05:00,\n").unwrap();
        assert_eq!(day.visits.first().unwrap().called, Some(Millis::from_mins(24 * 60 + 1)));
    }

    #[test]
    fn nonsense_is_refused_with_its_line() {
        let good = "2020-01-13,hall,B,,1,2020-01-13T08:00:00,2020-01-13T08:20:00,,\n";
        for (row, said) in [
            ("2020-13-13,hall,B,,2,2020-01-13T08:00:00,,,\n", "line 3: day \"2020-13-13\" is not a date like"),
            ("2020-01-13,,B,,2,2020-01-13T08:00:00,,,\n", "line 3: venue is blank"),
            ("2020-01-13,hall,,,2,2020-01-13T08:00:00,,,\n", "line 3: queue is blank"),
            ("2020-01-13,hall,B,,,2020-01-13T08:00:00,,,\n", "line 3: ticket is blank"),
            ("2020-01-13,hall,B,,2,,,,\n", "line 3: arrived_at is blank"),
            ("2020-01-13,hall,B,,2,08:00,,,\n", "line 3: arrived_at \"08:00\" is not a local time like"),
            ("2020-01-13,hall,B,,2,2020-01-13T08:00:00,soon,,\n", "line 3: called_at \"soon\" is not a local time"),
            ("2020-01-13,hall,B,,2,2020-01-12T23:59:59,,,\n", "line 3: arrived_at is not within 36 hours"),
            ("2020-01-13,hall,B,,2,2020-01-15T08:00:00,,,\n", "line 3: arrived_at is not within 36 hours"),
            (
                "2020-01-13,hall,B,,2,2020-01-13T08:00:00,2020-01-13T07:59:59,,\n",
                "line 3: called_at is before arrived_at",
            ),
            (
                "2020-01-13,hall,B,,2,2020-01-13T08:00:00,2020-01-13T08:10:00,2020-01-13T08:09:00,\n",
                "line 3: finished_at is before called_at",
            ),
            (
                "2020-01-13,hall,B,,2,2020-01-13T08:00:00,,2020-01-13T07:00:00,\n",
                "line 3: finished_at is before arrived_at",
            ),
            (
                "2020-01-13,hall,B,,1,2020-01-13T09:00:00,,,\n",
                "line 3: ticket \"1\" of queue \"B\" was on line 2 already",
            ),
            ("2020-01-13,hall,B\n", "not a CSV file"),
        ] {
            let said_instead = problem(&format!("{good}{row}"));
            assert!(said_instead.starts_with(said), "{row:?} gave {said_instead:?}");
        }
        let long = "x".repeat(FIELD_BYTES_MAX + 1);
        assert_eq!(
            problem(&format!("2020-01-13,{long},B,,2,2020-01-13T08:00:00,,,\n")),
            "line 2: venue is longer than 200 bytes"
        );
    }

    #[test]
    fn a_file_that_is_no_day_is_refused() {
        assert!(matches!(read(""), Err(DayError::Empty)));
        let read = |bytes: &[u8]| Day::read(bytes, &Wanted::default());
        assert!(matches!(read(b""), Err(DayError::NoColumn { column: "day" })));
        assert!(matches!(read(b"day,venue\n2020-01-13,hall\n"), Err(DayError::NoColumn { column: "queue" })));
        assert!(matches!(read(&[HEADER.as_bytes(), b"\xff\xfe,,,,,,,,\n"].concat()), Err(DayError::NotCsv(_))));
        let missing = Day::open(Path::new("no/such/file.csv"), &Wanted::default()).expect_err("there is none");
        assert_eq!(missing.to_string(), "cannot open no/such/file.csv");
    }

    #[test]
    fn a_byte_order_mark_and_unknown_columns_do_no_harm() {
        let text = "\u{feff}day,venue,note,queue,class,ticket,arrived_at,called_at,finished_at,counter\n\
                    2020-01-13,hall,hello,B,,1,2020-01-13T08:00:00,,,\n";
        assert_eq!(Day::read(text.as_bytes(), &Wanted::default()).unwrap().visits.len(), 1);
    }

    #[test]
    fn one_venue_day_is_chosen_and_the_choice_is_named() {
        let rows = "2020-01-13,a,B,,1,2020-01-13T08:00:00,,,\n2020-01-14,a,B,,1,2020-01-14T08:00:00,,,\n\
                    2020-01-13,b,B,,1,2020-01-13T08:00:00,,,\n";
        let text = format!("{HEADER}{rows}");
        let pick = |venue: Option<&str>, date: Option<&str>| {
            let wanted = Wanted { venue: venue.map(str::to_owned), date: date.map(|date| date.parse().unwrap()) };
            Day::read(text.as_bytes(), &wanted)
        };
        assert_eq!(pick(Some("b"), None).unwrap().venue, "b");
        assert_eq!(pick(Some("a"), Some("2020-01-14")).unwrap().date.to_string(), "2020-01-14");
        assert_eq!(
            pick(Some("a"), None).expect_err("two days").to_string(),
            "choose one with --record-venue and --day; it holds a 2020-01-13 (1 tickets), a 2020-01-14 (1 tickets)"
        );
        assert!(matches!(pick(Some("c"), None), Err(DayError::NotThere(_))));
        assert!(matches!(pick(None, None), Err(DayError::Several(_))));
    }

    #[test]
    fn a_stretch_keeps_arrivals_and_forgets_what_came_after_it() {
        let day = read(
            "2020-01-13,hall,B,,1,2020-01-13T08:00:00,2020-01-13T08:10:00,2020-01-13T08:40:00,\n\
             2020-01-13,hall,B,,2,2020-01-13T08:20:00,2020-01-13T09:10:00,,\n\
             2020-01-13,hall,B,,3,2020-01-13T09:20:00,,,\n",
        )
        .unwrap()
        .between(clock("08:00:00"), clock("08:30:00"));
        let kept: Vec<_> = day.visits.iter().map(|visit| (visit.code.as_str(), visit.called, visit.finished)).collect();
        assert_eq!(kept, [("1", Some(clock("08:10:00")), None), ("2", None, None)]);
    }
}
