//! How fast a day is played, and what time the venue has meanwhile.
//!
//! Apart, so that the plan knows venue time only and nothing else of the player asks a clock.

use std::time::Duration;

use callnext_engine::{Millis, Timestamp};
use tokio::time::Instant;

use crate::clock::Clock;

/// Longest single wait: a followed clock may be set, or set to another speed, meanwhile.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// The clock a day is played by. Its times are the plan's: the recorded times of day, on the venue's day.
#[derive(Debug, Clone)]
pub enum Pace {
    /// The server's own clock, for whoever shares its process: a step recorded at nine happens when it shows nine.
    Follow(Clock),
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
    /// A clock that starts now and shows `first`, while the server's shows `server`.
    pub fn own(first: Timestamp, speed: u32, server: Timestamp, server_rate: u32) -> Self {
        Self::Own { started: Instant::now(), first, server, speed: speed.max(1), server_rate: server_rate.max(1) }
    }

    /// The venue's time, as the plan counts it.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::Follow(clock) => clock.now(),
            Self::Own { started, first, speed, .. } => {
                let real = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
                *first + Millis(real.saturating_mul((*speed).into()))
            }
        }
    }

    /// What the server's clock shows when the plan's shows `at`: what a slot is told in.
    pub fn on_server(&self, at: Timestamp) -> Timestamp {
        match self {
            Self::Follow(_) => at,
            Self::Own { first, server, .. } => *server + self.span_on_server(Millis(at.0.saturating_sub(first.0))),
        }
    }

    /// How long a span of the plan is by the server's clock.
    pub fn span_on_server(&self, span: Millis) -> Millis {
        match self {
            Self::Follow(_) => span,
            Self::Own { speed, server_rate, .. } => {
                Millis(span.0.saturating_mul((*server_rate).into()) / i64::from(*speed))
            }
        }
    }

    /// How long a span of the server's clock is in the plan: the other way round.
    pub fn span_in_plan(&self, span: Millis) -> Millis {
        match self {
            Self::Follow(_) => span,
            Self::Own { speed, server_rate, .. } => {
                Millis(span.0.saturating_mul((*speed).into()) / i64::from(*server_rate))
            }
        }
    }

    /// How long a span of the plan is in real time.
    pub fn real(&self, span: Millis) -> Duration {
        let speed = match self {
            Self::Follow(clock) => clock.rate().max(1),
            Self::Own { speed, .. } => *speed,
        };
        Duration::from_millis(u64::try_from(span.0).unwrap_or(0)) / speed
    }

    /// Waits until the plan's clock shows `at`; not at all if it does already.
    pub async fn until(&self, at: Timestamp) {
        while self.now() < at {
            let left = self.real(at.since(self.now()));
            // A millisecond more, so that waking is never a moment early and then a loop of nothing.
            tokio::time::sleep((left + Duration::from_millis(1)).min(WAIT_MAX)).await;
        }
    }
}

#[cfg(test)]
mod tests {
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
    async fn a_step_waits_for_its_time_and_no_longer() {
        for pace in [Pace::Follow(Clock::own(Timestamp(0), 100_000)), Pace::own(Timestamp(0), 100_000, Timestamp(0), 1)]
        {
            pace.until(Timestamp(600_000)).await;
            assert!(pace.now() >= Timestamp(600_000), "{pace:?}");
            pace.until(Timestamp(1)).await;
        }
    }
}
