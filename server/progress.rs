//! How far something is, for whoever has waited a while. To a terminal only, and never to standard output.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget};

/// Whoever waits longer than this is shown how far it is.
const PATIENCE: Duration = Duration::from_secs(1);

/// A bar that appears when something takes long. Clones are the same bar.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    bar: ProgressBar,
    begun: Instant,
}

impl Progress {
    /// So many steps to go; nothing is shown yet.
    pub(crate) fn new(steps: u64) -> Self {
        let bar = ProgressBar::hidden();
        bar.set_length(steps);
        Self { bar, begun: Instant::now() }
    }

    /// More steps to go than was thought.
    pub(crate) fn more(&self, steps: u64) {
        self.bar.inc_length(steps);
    }

    /// So many steps were taken.
    pub(crate) fn steps(&self, steps: u64) {
        if self.bar.is_hidden() && self.begun.elapsed() > PATIENCE {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.inc(steps);
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
