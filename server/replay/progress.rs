//! How far a replay is, for the person who started it. Written to a terminal only; a log gets nothing of it.

use callnext_engine::Timestamp;
use chrono_tz::Tz;
use indicatif::{ProgressBar, ProgressStyle};

use super::plan::Plan;
use super::summary::ReplaySummary;

/// A line that shows the venue's time and what was done so far.
pub struct Progress {
    bar: ProgressBar,
    zone: Tz,
}

impl Progress {
    /// Shown on the terminal, if there is one.
    pub fn shown(plan: &Plan) -> Self {
        let bar = ProgressBar::new(u64::try_from(plan.steps.len()).unwrap_or(u64::MAX));
        if let Ok(style) = ProgressStyle::with_template("{bar:24} {percent:>3} %  {msg}") {
            bar.set_style(style);
        }
        Self { bar, zone: plan.target.zone }
    }

    /// Not shown.
    pub fn hidden() -> Self {
        Self { bar: ProgressBar::hidden(), zone: Tz::UTC }
    }

    /// One step of the plan was taken.
    pub fn step(&self) {
        self.bar.inc(1);
    }

    /// Shows where the day stands.
    pub fn show(&self, summary: &ReplaySummary, now: Timestamp) {
        if self.bar.is_hidden() {
            return;
        }
        let time = now.to_utc().with_timezone(&self.zone).format("%H:%M");
        let (issued, called, waiting) = (summary.issued, summary.called, summary.waiting());
        self.bar.set_message(format!("{time}  {issued} issued  {called} called  {waiting} waiting"));
    }

    /// Takes the line away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
