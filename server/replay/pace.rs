//! How fast a day is played, and what time the venue has meanwhile.
//!
//! Apart, so that the plan knows venue time only and nothing else of the player asks a clock.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use callnext_engine::{Millis, Timestamp};
use tokio::time::Instant;

/// Longest single wait: a followed clock may be set forward meanwhile.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// Gives the present time of the venue.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The clock a day is played by. Its times are the plan's: the recorded times of day, on the venue's day.
#[derive(Clone)]
pub enum Pace {
    /// The server's own clock: a step recorded at nine happens when the venue has nine.
    Follow {
        /// Its time.
        now: Now,
        /// How many of its seconds pass in a real one.
        rate: u32,
    },
    /// A clock of the player's own, which starts at the first step and leaves the server's alone.
    Own {
        /// When it started.
        started: Instant,
        /// What it showed then.
        first: Timestamp,
        /// What the server's clock showed then.
        server: Timestamp,
        /// How many of its seconds pass in a real one.
        speed: u32,
        /// How many of the server's seconds do.
        server_rate: u32,
    },
}

impl Pace {
    /// The server's own clock, for whoever shares the server's process.
    pub fn follow(now: Now, rate: u32) -> Self {
        Self::Follow { now, rate: rate.max(1) }
    }

    /// A clock that starts now and shows `first`, while the server's shows `server`.
    pub fn own(first: Timestamp, speed: u32, server: Timestamp, server_rate: u32) -> Self {
        Self::Own { started: Instant::now(), first, server, speed: speed.max(1), server_rate: server_rate.max(1) }
    }

    /// The venue's time, as the plan counts it.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::Follow { now, .. } => now(),
            Self::Own { started, first, speed, .. } => {
                let real = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
                *first + Millis(real.saturating_mul((*speed).into()))
            }
        }
    }

    /// How many plan seconds pass in a real one.
    pub fn speed(&self) -> u32 {
        match self {
            Self::Follow { rate, .. } => *rate,
            Self::Own { speed, .. } => *speed,
        }
    }

    /// What the server's clock shows when the plan's shows `at`: what a slot or a grace is told in.
    pub fn on_server(&self, at: Timestamp) -> Timestamp {
        match self {
            Self::Follow { .. } => at,
            Self::Own { first, server, .. } => *server + self.span_on_server(Millis(at.0.saturating_sub(first.0))),
        }
    }

    /// How long a span of the plan is by the server's clock.
    pub fn span_on_server(&self, span: Millis) -> Millis {
        match self {
            Self::Follow { .. } => span,
            Self::Own { speed, server_rate, .. } => {
                Millis(span.0.saturating_mul((*server_rate).into()) / i64::from(*speed))
            }
        }
    }

    /// How long a span of the server's clock is in the plan: the other way round.
    pub fn span_in_plan(&self, span: Millis) -> Millis {
        match self {
            Self::Follow { .. } => span,
            Self::Own { speed, server_rate, .. } => {
                Millis(span.0.saturating_mul((*speed).into()) / i64::from(*server_rate))
            }
        }
    }

    /// Waits until the plan's clock shows `at`; not at all if it does already.
    pub async fn until(&self, at: Timestamp) {
        loop {
            let left = at.since(self.now());
            if left == Millis::ZERO {
                return;
            }
            // Rounded up, so that waking is never a moment early and then a loop of nothing.
            let real = u64::try_from(left.0).unwrap_or(0).div_ceil(self.speed().into());
            tokio::time::sleep(Duration::from_millis(real).min(WAIT_MAX)).await;
        }
    }
}

impl fmt::Debug for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Follow { rate, .. } => write!(f, "Pace::Follow {{ rate: {rate} }}"),
            Self::Own { speed, .. } => write!(f, "Pace::Own {{ speed: {speed} }}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[test]
    fn an_own_clock_stretches_what_the_server_sees() {
        let pace = Pace::own(Timestamp(1_000_000), 60, Timestamp(5_000_000), 1);
        assert!(pace.now() >= Timestamp(1_000_000));
        assert_eq!(pace.on_server(Timestamp(1_600_000)), Timestamp(5_010_000), "ten minutes are ten seconds there");
        assert_eq!(pace.span_on_server(Millis::from_mins(60)), Millis::from_secs(60));
        assert_eq!(pace.span_in_plan(Millis::from_secs(60)), Millis::from_mins(60), "and a minute there an hour here");
    }

    #[test]
    fn as_fast_as_the_server_means_the_same_spans() {
        let pace = Pace::own(Timestamp(0), 20, Timestamp(7_000), 20);
        assert_eq!(pace.on_server(Timestamp(60_000)), Timestamp(67_000));
        assert_eq!(pace.span_in_plan(Millis::from_secs(60)), Millis::from_secs(60));
    }

    #[tokio::test]
    async fn following_waits_until_the_servers_clock_has_the_time() {
        let shown = Arc::new(AtomicI64::new(0));
        let clock = Arc::clone(&shown);
        // Each look moves the clock half a minute on: however short the naps, it must be looked at again.
        let now = move || Timestamp(clock.fetch_add(30_000, Ordering::Relaxed));
        let pace = Pace::follow(Arc::new(now), 1_000_000);
        pace.until(Timestamp(600_000)).await;
        assert_eq!(shown.load(Ordering::Relaxed), 630_000);
        pace.until(Timestamp(1)).await;
        assert_eq!(shown.load(Ordering::Relaxed), 660_000, "what is past is not waited for");
    }
}
