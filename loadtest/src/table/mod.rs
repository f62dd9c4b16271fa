//! The figures that a server of this kind is judged by, each beside its bar.
//!
//! Whatever can be told as a ratio to the bare write loop is, taken in the same run and in turns, so that a machine that
//! is slow, or busy with other things, slows both. Every figure is the median of its runs.

mod conformance;
mod fanout;
mod herds;
mod idle;
mod nodes;
mod part;
mod rig;

use std::fmt;
use std::io::Write as _;
use std::time::{Duration, Instant};

use callnext::replay::client::ClientError;
use serde::{Deserialize, Serialize};

use crate::caller::CallerError;
use crate::redis::NoRedis;
use crate::viewers::GalleryError;

use part::Part;

/// A part that takes so many times as long as it should, and a minute, is given up.
const PATIENCE: u32 = 4;
const PATIENCE_LEAST: Duration = Duration::from_secs(60);

/// What of the table is made, and how thoroughly.
#[derive(Debug, Clone, clap::Args)]
pub struct TableOptions {
    /// Runs of each figure; the median counts
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    pub runs: u16,
    /// Viewers of the fan-out figures
    #[arg(long, value_name = "N,N", value_delimiter = ',', default_values_t = [1_000, 10_000])]
    pub viewers: Vec<usize>,
    /// Viewers at each of the six nodes
    #[arg(long, value_name = "N", default_value_t = 15_000)]
    pub node_viewers: usize,
    /// Only these parts: boards, phones, idle, nodes, stragglers, hour, restart, churn, conformance, storm
    #[arg(long, value_name = "PART,PART", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Threads of the server; one, as the bare loop has
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub workers: usize,
}

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// What was measured.
    pub figure: String,
    /// How much of it there was; none if it was not measured.
    pub value: Option<f64>,
    /// What there may be at most.
    pub bar: f64,
    /// Whether it is so.
    pub ok: bool,
    /// What else there is to know.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// Why there is no table.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// Viewers.
    #[error(transparent)]
    Gallery(#[from] GalleryError),
    /// The server said no.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The server did not answer a call.
    #[error(transparent)]
    Caller(#[from] CallerError),
    /// A process.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Nodes have nothing to share.
    #[error(transparent)]
    Redis(#[from] NoRedis),
    /// It took too long.
    #[error("given up after {} s", .0.as_secs())]
    TooLong(Duration),
    /// There is no such part.
    #[error("no part of the table is called {0:?}")]
    NoPart(String),
    /// The viewers did not get what was sent.
    #[error("{0}")]
    Lost(String),
}

/// What is to be measured, and what there may be of it at most.
#[derive(Debug, Clone, PartialEq)]
struct Bar {
    figure: String,
    at_most: f64,
}

impl Bar {
    fn new(figure: impl Into<String>, at_most: f64) -> Self {
        Self { figure: figure.into(), at_most }
    }

    /// It was measured.
    fn came_to(self, value: f64, note: impl Into<String>) -> Figure {
        let Self { figure, at_most: bar } = self;
        // What is not a number, or never ended, is no figure.
        let is_measured = value.is_finite();
        Figure { figure, value: is_measured.then_some(value), bar, ok: value <= bar, note: note.into() }
    }

    /// It could not be, which is as bad as missing it.
    fn not_measured(self, why: impl Into<String>) -> Figure {
        let note = format!("not measured: {}", why.into());
        Figure { figure: self.figure, value: None, bar: self.at_most, ok: false, note }
    }
}

/// Makes the table. A part that cannot be measured stands in it, as not reached.
///
/// # Errors
///
/// A part was asked for that there is not.
pub async fn run(options: &TableOptions) -> Result<Vec<Figure>, TableError> {
    let parts = Part::wanted(options)?;
    let expected: Duration = parts.iter().map(|part| part.expected(options)).sum();
    progress(&format!("{} parts, about {}", parts.len(), minutes(expected)));
    let (begun, mut figures) = (Instant::now(), Vec::new());
    for part in parts {
        let expected = part.expected(options);
        progress(&format!("{} in: {part}, about {}", minutes(begun.elapsed()), minutes(expected)));
        let most = expected * PATIENCE + PATIENCE_LEAST;
        let measured = tokio::time::timeout(most, part.measure(options)).await;
        let taken = measured.unwrap_or(Err(TableError::TooLong(most))).unwrap_or_else(|error| {
            progress(&format!("  not measured: {error}"));
            part.bars(options).into_iter().map(|bar| bar.not_measured(error.to_string())).collect()
        });
        taken.iter().for_each(|figure| progress(&format!("  {}", Line(figure))));
        figures.extend(taken);
    }
    progress(&format!("done after {}", minutes(begun.elapsed())));
    Ok(figures)
}

fn minutes(of: Duration) -> String {
    format!("{}:{:02} min", of.as_secs() / 60, of.as_secs() % 60)
}

fn progress(what: &str) {
    // Beside the table, which goes to standard output.
    drop(writeln!(std::io::stderr(), "{what}"));
}

/// The middle of these.
fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    let middle = of.len() / 2;
    match (of.get(middle.wrapping_sub(1)), of.get(middle)) {
        (Some(below), Some(above)) if of.len().is_multiple_of(2) => f64::midpoint(*below, *above),
        (_, Some(middle)) => *middle,
        _ => f64::NAN,
    }
}

/// A figure for people.
struct Line<'a>(&'a Figure);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Figure { figure, value, bar, ok, note } = self.0;
        let value = value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}"));
        let ok = if *ok { "ok" } else { "NOT OK" };
        write!(f, "{figure:<84} {value:>8} {bar:>8.2}  {ok:<6}  {note}")
    }
}

/// A table for people.
pub struct Shown<'a>(pub &'a [Figure]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<84} {:>8} {:>8}", "figure", "value", "bar")?;
        self.0.iter().try_for_each(|figure| writeln!(f, "{}", Line(figure)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_even_and_odd_many() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]).to_bits(), 2.0_f64.to_bits());
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]).to_bits(), 2.5_f64.to_bits());
        assert!(median(Vec::new()).is_nan());
    }

    #[test]
    fn what_was_not_measured_is_not_ok() {
        let figures = [
            Bar::new("a", 1.15).came_to(1.1, ""),
            Bar::new("b", 1.15).came_to(1.2, ""),
            Bar::new("c", 3.0).not_measured("nobody listens"),
            Bar::new("d", 30.0).came_to(f64::INFINITY, "never"),
            Bar::new("e", 30.0).came_to(f64::NAN, "of nothing"),
        ];
        assert_eq!(figures.iter().map(|figure| figure.ok).collect::<Vec<_>>(), [true, false, false, false, false]);
        assert_eq!(figures.iter().filter(|figure| figure.value.is_none()).count(), 3);
        let text = Shown(&figures).to_string();
        assert!(text.contains("not measured: nobody listens") && text.contains('–'), "{text}");
        let json = serde_json::to_value(&figures[0]).unwrap();
        assert_eq!(json, serde_json::json!({"figure": "a", "value": 1.1, "bar": 1.15, "ok": true}));
    }
}
