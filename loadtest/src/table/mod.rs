//! The figures that a server of this kind is judged by, each beside its bar.
//!
//! Whatever can be told as a ratio to the bare write loop is, taken in the same run and in turns, so that a machine that
//! is slow, or busy with other things, slows both. Every figure is the median of its runs.

mod conformance;
mod fanout;
mod herds;
mod idle;
mod rig;

use std::fmt;
use std::io::Write as _;

use callnext::replay::client::ClientError;
use serde::{Deserialize, Serialize};

use crate::viewers::GalleryError;

/// What of the table is made, and how thoroughly.
#[derive(Debug, Clone, clap::Args)]
pub struct TableOptions {
    /// Runs of each figure; the median counts
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    pub runs: u16,
    /// Viewers of the fan-out figures
    #[arg(long, value_name = "N,N", value_delimiter = ',', default_values_t = [1_000, 10_000])]
    pub viewers: Vec<usize>,
    /// Only figures whose names have this in them
    #[arg(long, value_name = "PART")]
    pub only: Option<String>,
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
    /// A process.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The viewers did not get what was sent.
    #[error("{0}")]
    Lost(String),
}

impl Figure {
    fn at_most(figure: impl Into<String>, value: f64, bar: f64, note: impl Into<String>) -> Self {
        Self { figure: figure.into(), value: Some(value), bar, ok: value <= bar, note: note.into() }
    }

    fn not_measured(figure: impl Into<String>, bar: f64, note: impl Into<String>) -> Self {
        Self { figure: figure.into(), value: None, bar, ok: false, note: note.into() }
    }
}

/// Makes the table.
///
/// # Errors
///
/// A figure could not be taken at all; one that misses its bar is in the table.
pub async fn run(options: &TableOptions) -> Result<Vec<Figure>, TableError> {
    let mut figures = Vec::new();
    let wants = |name: &str| options.only.as_ref().is_none_or(|only| name.contains(only.as_str()));
    for viewers in &options.viewers {
        if wants("boards") {
            progress(&format!("boards: {viewers} viewers"));
            figures.extend(fanout::boards(options, *viewers).await?);
        }
    }
    if wants("phones") {
        progress("phones: every card another");
        let phones = options.viewers.iter().copied().max().unwrap_or(10_000);
        figures.extend(fanout::phones(options, phones).await?);
    }
    if wants("idle") {
        progress("idle connections");
        figures.extend(idle::memory(options).await?);
    }
    if wants("nodes") {
        let what = "nodes: 90,000 viewers over six nodes, last viewer to the bare loop's time";
        figures.push(Figure::not_measured(what, 3.0, "not measured yet"));
    }
    if wants("stragglers") {
        progress("stragglers: one in a hundred never reads");
        figures.extend(herds::stragglers(options).await?);
    }
    if wants("restart") {
        progress("restart: the server is killed under its viewers");
        figures.extend(herds::restart(options).await?);
    }
    if wants("churn") {
        progress("churn: viewers that come and go");
        figures.extend(herds::churn(options).await?);
    }
    if wants("conformance") {
        progress("conformance: Autobahn, and announced frames");
        figures.extend(conformance::conformance(options).await?);
    }
    if wants("storm") {
        progress("storm: viewers kicked again and again");
        figures.extend(herds::storm(options).await?);
    }
    Ok(figures)
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

/// A table for people.
pub struct Shown<'a>(pub &'a [Figure]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<76} {:>10} {:>10}", "figure", "value", "bar")?;
        for Figure { figure, value, bar, ok, note } in self.0 {
            let value = value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}"));
            let ok = if *ok { "ok" } else { "NOT OK" };
            writeln!(f, "{figure:<76} {value:>10} {bar:>10.2}  {ok:<6}  {note}")?;
        }
        Ok(())
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
            Figure::at_most("a", 1.1, 1.15, ""),
            Figure::at_most("b", 1.2, 1.15, ""),
            Figure::not_measured("c", 3.0, "not measured yet"),
        ];
        assert_eq!(figures.iter().map(|figure| figure.ok).collect::<Vec<_>>(), [true, false, false]);
        let text = Shown(&figures).to_string();
        assert!(text.contains("not measured yet") && text.contains('–'), "{text}");
        let json = serde_json::to_value(&figures[0]).unwrap();
        assert_eq!(json, serde_json::json!({"figure": "a", "value": 1.1, "bar": 1.15, "ok": true}));
    }
}
