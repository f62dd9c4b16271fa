//! For how long an owner may write.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The right to write a venue until some moment. Clones share it: whoever renews the lease moves the moment.
///
/// Measured on the monotonic clock, so that a clock on the wall that jumps takes nothing away and gives nothing.
#[derive(Debug, Clone)]
pub struct Term {
    begun: Instant,
    /// Milliseconds after `begun`.
    until: Arc<AtomicU64>,
}

impl Term {
    /// A right without end: there are no other nodes.
    pub fn unlimited() -> Self {
        Self { begun: Instant::now(), until: Arc::new(AtomicU64::new(u64::MAX)) }
    }

    /// A right until `end`.
    pub fn until(end: Instant) -> Self {
        let term = Self { begun: Instant::now(), until: Arc::default() };
        term.extend(end);
        term
    }

    /// Since when.
    pub fn begun(&self) -> Instant {
        self.begun
    }

    /// Moves the end further away, never nearer.
    pub fn extend(&self, end: Instant) {
        self.until.fetch_max(millis(end.saturating_duration_since(self.begun)), Ordering::Relaxed);
    }

    /// Ends it now, for good unless it is extended.
    pub fn end(&self) {
        self.until.store(0, Ordering::Relaxed);
    }

    /// Whether writing is allowed at this moment.
    pub fn holds(&self) -> bool {
        millis(self.begun.elapsed()) < self.until.load(Ordering::Relaxed)
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_ends_and_can_be_extended_but_not_shortened() {
        let now = Instant::now();
        let term = Term::until(now);
        assert!(!term.holds());
        term.extend(now + Duration::from_secs(60));
        assert!(term.holds());
        term.extend(now);
        assert!(term.clone().holds(), "a late answer to an early renewal takes nothing away");
        term.end();
        assert!(!term.holds());
        assert!(Term::unlimited().holds());
    }
}
