//! The columns of the table, and what a ticket has in each. One list: every form of table has the same.

use callnext_engine::config::lane_name;
use callnext_engine::event::Rule;
use callnext_engine::ticket::Urgency;
use callnext_engine::{Millis, Timestamp};
use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::super::error::SnapshotError;
use super::super::record::TicketRecord;

/// Bytes of a pseudonym: no two of a day's visitors share one.
const PSEUDONYM_BYTES: usize = 8;

/// How persons appear.
#[derive(Debug, Clone)]
pub enum Persons {
    /// Not at all, but for a pseudonym under this key where an identity was shown.
    Pseudonymous(Key),
    /// With name and phone number, and the reference as it is kept.
    Named,
}

/// A key that is made for one table and kept nowhere.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Persons {
    /// Pseudonyms under a new key.
    pub fn pseudonymous() -> Result<Self, SnapshotError> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| SnapshotError::Table(error.to_string()))?;
        Ok(Self::Pseudonymous(Key(key)))
    }

    fn reference(&self, reference: &str) -> Option<String> {
        match self {
            Self::Named => Some(reference.to_owned()),
            Self::Pseudonymous(Key(key)) => {
                let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
                mac.update(reference.as_bytes());
                let mac: [u8; 32] = mac.finalize().into_bytes().into();
                Some(HEXLOWER.encode(mac.get(..PSEUDONYM_BYTES)?))
            }
        }
    }
}

/// What stands in one cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A word or a name.
    Text(String),
    /// A count.
    Count(i64),
    /// An instant.
    At(Timestamp),
    /// A span of time.
    Span(Millis),
    /// Yes or no.
    Is(bool),
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// Words.
    Text,
    /// Counts.
    Count,
    /// Instants.
    At,
    /// Spans of time.
    Span,
    /// Yes or no.
    Is,
}

/// One column.
#[derive(Clone, Copy)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub holds: Holds,
    /// Whether it is only there where persons are named.
    pub is_personal: bool,
    value: fn(&Row<'_>) -> Option<Value>,
}

/// One ticket's row.
pub struct Row<'a> {
    /// The ticket.
    pub record: &'a TicketRecord,
    /// How its person appears.
    pub persons: &'a Persons,
}

impl Row<'_> {
    /// What stands in a column; none for an empty cell.
    pub fn value(&self, column: &Column) -> Option<Value> {
        (column.value)(self)
    }
}

/// The columns of a table with persons like these.
pub fn columns(persons: &Persons) -> impl Iterator<Item = &'static Column> + use<> {
    let named = matches!(persons, Persons::Named);
    COLUMNS.iter().filter(move |column| named || !column.is_personal)
}

const fn column(name: &'static str, holds: Holds, value: fn(&Row<'_>) -> Option<Value>) -> Column {
    Column { name, holds, is_personal: false, value }
}

const fn personal(name: &'static str, value: fn(&Row<'_>) -> Option<Value>) -> Column {
    Column { name, holds: Holds::Text, is_personal: true, value }
}

/// Every column. Names are for ever; new ones come last.
static COLUMNS: [Column; 28] = [
    column("number", Holds::Text, |row| Some(text(&row.record.number))),
    column("service", Holds::Text, |row| Some(text(&row.record.service))),
    column("lane", Holds::Text, |row| Some(text(lane_name(row.record.lane)))),
    column("state", Holds::Text, |row| Some(text(&row.record.state))),
    column("visitor", Holds::Text, |row| row.persons.reference(row.record.reference()?).map(Value::Text)),
    personal("name", |row| row.record.visitor.name.as_ref().map(text)),
    personal("phone", |row| row.record.visitor.phone.as_ref().map(text)),
    column("slot_at", Holds::At, |row| row.record.slot_at.map(Value::At)),
    column("issued_at", Holds::At, |row| Some(Value::At(row.record.issued_at))),
    column("called_at", Holds::At, |row| row.record.called_at.map(Value::At)),
    column("last_called_at", Holds::At, |row| row.record.last_called_at.map(Value::At)),
    column("started_at", Holds::At, |row| row.record.started_at.map(Value::At)),
    column("ended_at", Holds::At, |row| row.record.ended_at.map(Value::At)),
    column("counter", Holds::Text, |row| row.record.counter.as_ref().map(text)),
    column("rule", Holds::Text, |row| row.record.rule.map(|rule| text(rule_name(rule)))),
    column("waited_s", Holds::Span, |row| row.record.waited_ms.map(Value::Span)),
    column("waited_in_all_s", Holds::Span, |row| row.record.waited_in_all_ms.map(Value::Span)),
    column("overtaken", Holds::Count, |row| row.record.overtaken.map(count)),
    column("calls", Holds::Count, |row| Some(count(row.record.calls))),
    column("misses", Holds::Count, |row| Some(count(row.record.misses))),
    column("urgency", Holds::Text, |row| row.record.urgency.map(|urgency| text(urgency_name(urgency)))),
    column("is_overflow", Holds::Is, |row| Some(Value::Is(row.record.is_overflow))),
    column("announced_s", Holds::Span, |row| row.record.announced.map(|shown| Value::Span(shown.likely_ms))),
    column("announced_low_s", Holds::Span, |row| row.record.announced.map(|shown| Value::Span(shown.low_ms))),
    column("announced_high_s", Holds::Span, |row| row.record.announced.map(|shown| Value::Span(shown.high_ms))),
    column("estimate_error_s", Holds::Span, |row| row.record.estimate_error().map(Value::Span)),
    column("ticket", Holds::Count, |row| i64::try_from(row.record.ticket.0).ok().map(Value::Count)),
    column("served_s", Holds::Span, |row| {
        let (started, ended) = (row.record.started_at?, row.record.ended_at?);
        Some(Value::Span(ended.since(started)))
    }),
];

fn text<T: ToString + ?Sized>(value: &T) -> Value {
    Value::Text(value.to_string())
}

fn count(value: u32) -> Value {
    Value::Count(value.into())
}

fn rule_name(rule: Rule) -> &'static str {
    match rule {
        Rule::Urgent => "urgent",
        Rule::Inside => "inside",
        Rule::Overdue => "overdue",
        Rule::Ready => "ready",
        Rule::Rejoin => "rejoin",
        Rule::Cycle => "cycle",
        Rule::Early => "early",
        Rule::ByHand => "by_hand",
    }
}

fn urgency_name(urgency: Urgency) -> &'static str {
    match urgency {
        Urgency::Emergency => "emergency",
        Urgency::GreenChannel => "green_channel",
    }
}
