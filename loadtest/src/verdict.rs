//! What came of a run: figures, and whether anything happened that must not.

use std::fmt;

use callnext::replay::ReplaySummary;
use serde::Serialize;

use super::crowd::{Report, Who};

/// Clients with violations that are named in the table; the JSON has all of them.
const NAMED_MAX: usize = 20;

/// What came of a day.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Calls the player made.
    pub calls_made: usize,
    /// Numbers that were given to two tickets.
    pub given_twice: u64,
    /// What else it did.
    pub summary: ReplaySummary,
    /// What each client saw.
    pub reports: Vec<Report>,
}

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Figure {
    /// What was measured.
    pub figure: &'static str,
    /// How much of it there was.
    pub value: u64,
    /// What there must be; none where the figure only informs.
    pub bar: Option<u64>,
    /// Whether it is.
    pub ok: bool,
}

impl Figure {
    fn told(figure: &'static str, value: u64) -> Self {
        Self { figure, value, bar: None, ok: true }
    }

    fn must_be(figure: &'static str, value: u64, bar: u64) -> Self {
        Self { figure, value, bar: Some(bar), ok: value == bar }
    }
}

impl Verdict {
    /// Whether nothing happened that must not.
    pub fn is_good(&self) -> bool {
        self.figures().iter().all(|figure| figure.ok)
    }

    /// Violations of all clients.
    pub fn violations(&self) -> u64 {
        self.reports.iter().map(|report| report.violations.count).sum()
    }

    /// The table.
    pub fn figures(&self) -> Vec<Figure> {
        let phone = |report: &&Report| matches!(report.who, Who::Phone(_));
        let frames = |phones: bool| -> u64 {
            self.reports.iter().filter(|report| phone(report) == phones).map(|report| report.frames).sum()
        };
        let phones = self.reports.iter().filter(phone).count();
        let boards = self.reports.len() - phones;
        let blind = self
            .reports
            .iter()
            .filter(|report| !phone(report) && report.calls + report.excused < self.calls_made)
            .count();
        let excused = self.reports.iter().map(|report| report.excused).sum();
        let refused: u32 = self.summary.refused.values().sum();
        vec![
            Figure::told("boards", count(boards)),
            Figure::must_be("phones", count(phones), self.summary.issued.into()),
            Figure::told("calls made", count(self.calls_made)),
            Figure::told("recalls made", self.summary.recalled.into()),
            Figure::told("board frames", frames(false)),
            Figure::told("card frames", frames(true)),
            Figure::told("connections opened again", self.reports.iter().map(|report| report.returns).sum()),
            Figure::must_be("numbers given twice", self.given_twice, 0),
            Figure::told("calls missed while away", count(excused)),
            Figure::must_be("boards that missed a call", count(blind), 0),
            Figure::must_be("violations", self.violations(), 0),
            Figure::told("refusals", refused.into()),
            Figure::must_be("counters taken over", count(self.summary.taken_over.len()), 0),
            Figure::told("most behind, ms", self.summary.late_max_ms),
            Figure::told("seconds", self.summary.seconds),
        ]
    }

    /// The verdict for programs.
    pub fn json(&self) -> serde_json::Value {
        let violations: Vec<_> = self
            .with_violations()
            .map(|report| serde_json::json!({"who": report.who, "violations": report.violations}))
            .collect();
        serde_json::json!({
            "ok": self.is_good(),
            "figures": self.figures(),
            "replay": self.summary,
            "violations": violations,
        })
    }

    fn with_violations(&self) -> impl Iterator<Item = &Report> {
        self.reports.iter().filter(|report| report.violations.count > 0)
    }
}

fn count(of: usize) -> u64 {
    u64::try_from(of).unwrap_or(u64::MAX)
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.summary)?;
        writeln!(f, "\n{:<28} {:>10} {:>10}", "figure", "value", "bar")?;
        for Figure { figure, value, bar, ok } in self.figures() {
            let bar = bar.map(|bar| bar.to_string()).unwrap_or_default();
            writeln!(f, "{figure:<28} {value:>10} {bar:>10}  {}", if ok { "" } else { "NOT OK" })?;
        }
        for report in self.with_violations().take(NAMED_MAX) {
            match &report.who {
                Who::Board(at) => writeln!(f, "\nboard {at}: {} violations", report.violations.count)?,
                Who::Phone(number) => writeln!(f, "\nphone {number}: {} violations", report.violations.count)?,
            }
            for violation in &report.violations.first {
                writeln!(f, "  {violation}")?;
            }
        }
        writeln!(f, "\n{}", if self.is_good() { "good" } else { "NOT GOOD" })
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::{Violation, Violations};
    use super::*;

    fn verdict(violation: Option<Violation>, calls_seen: usize) -> Verdict {
        let mut violations = Violations::default();
        violation.into_iter().for_each(|violation| violations.add(violation));
        let board = Report {
            who: Who::Board(0),
            frames: 9,
            calls: calls_seen,
            excused: 0,
            returns: 0,
            violations: Violations::default(),
        };
        let phone =
            Report { who: Who::Phone("A001".to_owned()), frames: 3, calls: 0, excused: 0, returns: 0, violations };
        let summary = ReplaySummary { issued: 1, ..ReplaySummary::default() };
        Verdict { calls_made: 5, given_twice: 0, summary, reports: vec![board, phone] }
    }

    #[test]
    fn a_day_without_violations_is_good() {
        let verdict = verdict(None, 5);
        assert!(verdict.is_good());
        assert!(verdict.to_string().ends_with("\ngood\n"));
        assert_eq!(verdict.json().get("ok"), Some(&serde_json::Value::Bool(true)));
    }

    #[test]
    fn one_violation_is_enough_to_be_not_good() {
        let verdict = verdict(Some(Violation::NoCard), 5);
        assert!(!verdict.is_good());
        let text = verdict.to_string();
        assert!(text.contains("phone A001: 1 violations\n  no card came"), "{text}");
        assert!(text.ends_with("\nNOT GOOD\n"));
    }

    #[test]
    fn a_number_given_twice_is_not_good() {
        assert!(!Verdict { given_twice: 1, ..verdict(None, 5) }.is_good());
    }

    #[test]
    fn a_board_that_saw_too_few_calls_is_not_good() {
        assert!(!verdict(None, 4).is_good());
    }
}
