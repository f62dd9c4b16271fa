//! How far something is, for whoever has waited a while. To a terminal only, and never to standard output.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};

/// Whoever waits longer than this is shown how far it is.
const PATIENCE: Duration = Duration::from_secs(1);
/// What is shown. Parts in a hundred: what a step is differs, and is nobody's concern. The time goes on while a long
/// step takes its time.
const LOOKS: &str = "{elapsed:>4} {wide_bar} {percent:>3} %";
/// How often the time is shown anew.
const TICK: Duration = Duration::from_secs(1);
/// Steps of a piece of work whose length shows only when it begins.
const PIECE: u64 = 1_000;

/// A bar that appears when something takes long. Clones are the same bar.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    bar: ProgressBar,
    begun: Instant,
}

impl Progress {
    /// So many steps to go; nothing is shown yet.
    pub(crate) fn new(steps: u64) -> Self {
        // Whoever stops at an error takes it away as well.
        let bar = ProgressBar::hidden().with_finish(ProgressFinish::AndClear);
        bar.set_length(steps);
        if let Ok(style) = ProgressStyle::with_template(LOOKS) {
            bar.set_style(style);
        }
        Self { bar, begun: Instant::now() }
    }

    /// So many more pieces of work to go, all counted as equally long.
    pub(crate) fn pieces(&self, count: usize) {
        self.bar.inc_length(PIECE * u64::try_from(count).unwrap_or(u64::MAX / PIECE));
    }

    /// One piece begins, which is so long; who does it tells of every bit. What is not told of is done when what is
    /// returned is dropped.
    pub(crate) fn piece(&self, length: u64) -> Piece {
        Piece { progress: self.clone(), length, gone: 0, told: 0 }
    }

    /// So many steps were taken.
    pub(crate) fn steps(&self, steps: u64) {
        if self.bar.is_hidden() && self.begun.elapsed() > PATIENCE {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
            self.bar.enable_steady_tick(TICK);
        }
        self.bar.inc(steps);
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// One of several pieces of work.
#[derive(Debug)]
pub(crate) struct Piece {
    progress: Progress,
    length: u64,
    gone: u64,
    told: u64,
}

impl Piece {
    /// So many more bits are done.
    pub(crate) fn bits(&mut self, count: u64) {
        self.gone += count;
        let steps = (self.gone.saturating_mul(PIECE) / self.length.max(1)).min(PIECE);
        self.tell(steps);
    }

    fn tell(&mut self, steps: u64) {
        if steps > self.told {
            self.progress.steps(steps - self.told);
            self.told = steps;
        }
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.tell(PIECE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_count_alike_and_are_done_when_they_are_over() {
        let progress = Progress::new(0);
        progress.pieces(3);
        let mut long = progress.piece(3_000);
        long.bits(1_500);
        assert_eq!((progress.bar.position(), progress.bar.length()), (500, Some(3_000)));
        long.bits(9_000);
        assert_eq!(progress.bar.position(), 1_000, "longer than was said");
        drop(long);
        drop(progress.piece(0));
        assert_eq!(progress.bar.position(), 2_000);
        let mut short = progress.piece(2);
        short.bits(1);
        assert_eq!(progress.bar.position(), 2_500);
    }
}
