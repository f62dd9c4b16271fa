//! How many sockets are let in: a ramp after the start, and then as many as can be served without a stall.
//!
//! When a server comes back, everybody comes back. Whoever is let in costs a handshake and a first frame; beyond what can
//! be done in time it is kinder to say "in a moment" at once (503 and `Retry-After`) than to let all of them wait. It
//! counts everybody together and never by address: a waiting room shares one.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::error::ApiError;

/// Sockets a second right after the start; one core opens ten times as many.
const FIRST_PER_S: f64 = 1_000.0;
/// Sockets a second in the end.
const MOST_PER_S: f64 = 5_000.0;
/// From the first to the last.
const RAMP: Duration = Duration::from_secs(10);
/// Sockets that may come at one moment.
const BURST: f64 = 1_000.0;
/// Sockets that may wait for their venue's first answer: if it is slow, more would only be slower.
const OPENING_MAX: usize = 1_024;
/// Whoever is sent away is told to come back within this, each at another second.
const RETRY_S_MAX: u32 = 5;

/// Lets sockets in.
pub struct Admission {
    bucket: Mutex<Bucket>,
    opening: AtomicUsize,
    sent_away: AtomicU32,
}

/// A socket on its way in.
pub struct Opening<'a>(&'a AtomicUsize);

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Default for Admission {
    fn default() -> Self {
        let bucket = Mutex::new(Bucket::new(Instant::now()));
        Self { bucket, opening: AtomicUsize::new(0), sent_away: AtomicU32::new(0) }
    }
}

impl Admission {
    /// Lets one more in, or says when to come back.
    pub fn admit(&self) -> Result<Opening<'_>, ApiError> {
        let opening = Opening(&self.opening);
        let has_room = self.opening.fetch_add(1, Ordering::Relaxed) < OPENING_MAX;
        if has_room && self.bucket.lock().unwrap_or_else(PoisonError::into_inner).take(Instant::now()) {
            return Ok(opening);
        }
        let retry_after_s = 1 + self.sent_away.fetch_add(1, Ordering::Relaxed) % RETRY_S_MAX;
        Err(ApiError::Crowded { retry_after_s })
    }
}

/// Fills up at a rate that grows, and is taken from.
#[derive(Debug)]
struct Bucket {
    begun: Instant,
    filled_at: Instant,
    holds: f64,
}

impl Bucket {
    fn new(now: Instant) -> Self {
        Self { begun: now, filled_at: now, holds: BURST }
    }

    fn take(&mut self, now: Instant) -> bool {
        let ramped = now.saturating_duration_since(self.begun).as_secs_f64() / RAMP.as_secs_f64();
        let per_s = FIRST_PER_S + (MOST_PER_S - FIRST_PER_S) * ramped.min(1.0);
        let passed = now.saturating_duration_since(self.filled_at).as_secs_f64();
        self.holds = (self.holds + passed * per_s).min(BURST);
        self.filled_at = now;
        if self.holds < 1.0 {
            return false;
        }
        self.holds -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of a crowd that keeps coming are let in during the second from here.
    fn let_in(bucket: &mut Bucket, from: Instant) -> u32 {
        (0..10_000).map(|n| u32::from(bucket.take(from + Duration::from_micros(100 * n)))).sum()
    }

    #[test]
    fn a_crowd_is_let_in_faster_and_faster() {
        let begun = Instant::now();
        let mut bucket = Bucket::new(begun);
        let seconds: Vec<u32> = (0..12).map(|s| let_in(&mut bucket, begun + Duration::from_secs(s))).collect();
        assert!((2_000..2_500).contains(&seconds[0]), "a burst and the first rate: {seconds:?}");
        assert!(seconds[1..10].is_sorted(), "{seconds:?}");
        assert!((4_950..=5_001).contains(&seconds[11]), "{seconds:?}");
        let all: u32 = seconds[..4].iter().sum();
        assert!(all > 7_000, "ten thousand are in within five seconds: {seconds:?}");
    }

    #[test]
    fn those_that_wait_for_a_slow_venue_are_bounded_and_others_are_told_when_to_come() {
        let admission = Admission::default();
        let waiting: Vec<_> = (0..OPENING_MAX).filter_map(|_| admission.admit().ok()).collect();
        assert!(waiting.len() >= 1_000);
        let told: Vec<u32> = (0..10)
            .filter_map(|_| match admission.admit() {
                Err(ApiError::Crowded { retry_after_s }) => Some(retry_after_s),
                _ => None,
            })
            .collect();
        assert_eq!(told.len(), 10);
        assert!(told.iter().all(|seconds| (1..=RETRY_S_MAX).contains(seconds)), "{told:?}");
        assert!(told.windows(2).all(|pair| pair[0] != pair[1]), "not all at once: {told:?}");
        drop(waiting);
        assert_eq!(admission.opening.load(Ordering::Relaxed), 0, "nobody is counted for ever");
    }
}
