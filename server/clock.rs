//! The one place that knows what time it is.
//!
//! A server runs on the machine's clock; a demo runs on its own, which starts in the middle of a recorded day
//! and may go faster. Nothing else in the project asks for the time, so both are the same to it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use callnext_engine::{Millis, Timestamp};
use chrono::Utc;

/// Tells the time.
#[derive(Debug, Clone)]
pub struct Clock(Kind);

#[derive(Debug, Clone)]
enum Kind {
    /// The machine's clock. It may jump; the engine holds its time where it was until the clock catches up.
    Machine,
    /// A clock of our own.
    Own(Arc<Mutex<Own>>),
}

#[derive(Debug)]
struct Own {
    set_at: Instant,
    shows: Timestamp,
    rate: u32,
}

impl Clock {
    /// The machine's clock.
    pub fn machine() -> Self {
        Self(Kind::Machine)
    }

    /// A clock that shows `start` now and runs `rate` times as fast as real time.
    pub fn own(start: Timestamp, rate: u32) -> Self {
        Self(Kind::Own(Arc::new(Mutex::new(Own { set_at: Instant::now(), shows: start, rate }))))
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            #[expect(clippy::disallowed_methods, reason = "this is the one place that asks")]
            Kind::Machine => Timestamp::from_utc(Utc::now()),
            Kind::Own(own) => own.lock().unwrap_or_else(PoisonError::into_inner).now(),
        }
    }

    /// How fast it runs against real time.
    pub fn rate(&self) -> u32 {
        match &self.0 {
            Kind::Machine => 1,
            Kind::Own(own) => own.lock().unwrap_or_else(PoisonError::into_inner).rate,
        }
    }

    /// Goes on from the present moment at another speed; a machine's clock cannot.
    pub fn set_rate(&self, rate: u32) {
        if let Kind::Own(own) = &self.0 {
            let mut own = own.lock().unwrap_or_else(PoisonError::into_inner);
            *own = Own { set_at: Instant::now(), shows: own.now(), rate };
        }
    }

    /// Shows another time from now on; a machine's clock does not.
    pub fn set(&self, shows: Timestamp) {
        if let Kind::Own(own) = &self.0 {
            let mut own = own.lock().unwrap_or_else(PoisonError::into_inner);
            *own = Own { set_at: Instant::now(), shows, rate: own.rate };
        }
    }

    /// How long in real time until it shows `at`; nothing if it does already.
    pub fn until(&self, at: Timestamp) -> Duration {
        let left = at.since(self.now()).0 / i64::from(self.rate().max(1));
        Duration::from_millis(u64::try_from(left).unwrap_or_default())
    }
}

impl Own {
    fn now(&self) -> Timestamp {
        let passed = i64::try_from(self.set_at.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.shows + Millis(passed.saturating_mul(i64::from(self.rate)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_of_its_own_runs_at_its_rate_and_never_goes_back() {
        let clock = Clock::own(Timestamp(1_000_000), 1000);
        let first = clock.now();
        assert!(first >= Timestamp(1_000_000));
        clock.set_rate(1);
        assert!(clock.now() >= first);
        assert_eq!(clock.rate(), 1);
        clock.set(Timestamp(9_000_000));
        assert!(clock.now() >= Timestamp(9_000_000));
        assert!(clock.until(clock.now() + Millis::from_secs(100)) > Duration::from_secs(90));
    }
}
