//! A point in time that several processes agree on.

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds of the machine's own clock, since it was started.
pub fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let (seconds, rest) =
        (u64::try_from(now.tv_sec).unwrap_or_default(), u64::try_from(now.tv_nsec).unwrap_or_default());
    seconds * NS_PER_S + rest
}

/// Nanoseconds in a second.
pub const NS_PER_S: u64 = 1_000_000_000;
/// Nanoseconds in a millisecond.
pub const NS_PER_MS: u64 = 1_000_000;

/// Nanoseconds as milliseconds, for people.
#[expect(clippy::cast_precision_loss, reason = "a run is shorter than 2^53 ns, a hundred days")]
pub fn ms(ns: u64) -> f64 {
    ns as f64 / NS_PER_MS as f64
}
