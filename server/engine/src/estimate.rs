//! Minutes: people really ahead times the measured gap between calls, as a range that keeps score of itself.
//!
//! The gap has a long memory, as pace belongs to a service and not to its last half hour: today's latest
//! [`GAPS_MAX`] gaps are shrunk to the mean of earlier days, which counts as [`PRIOR_WEIGHT`] gaps. Only gaps
//! during which somebody waited count; the others measure arrivals. Where a service has classes, a gap counts by
//! the load of whoever was served in it, and the people ahead by theirs (E1); before there is a gap, the mean of
//! the classes' expected times stands for it. The range comes from the ratios of true to
//! announced waits of the latest [`SCORES_MAX`] people: their 10, 50 and 90 % points (online split conformal;
//! the plain quantiles of a model cover far less than they say).

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::config::LOAD_MEAN;
use crate::time::{Millis, Timestamp};

/// Gaps of today that count.
pub const GAPS_MAX: usize = 50;
/// Gaps that the mean of earlier days stands for.
pub const PRIOR_WEIGHT: i64 = 40;
/// The longest gap there can be: a day ends it.
const GAP_MAX: i64 = 25 * 60 * 60 * 1000;
/// Gaps needed before anything is said on a service's first day.
pub const GAPS_MIN: usize = 3;
/// Scored estimates that are remembered.
pub const SCORES_MAX: usize = 200;
/// Scored estimates needed before the range is learned from them; until then it is half to double.
pub const SCORES_MIN: usize = 20;
/// A ratio of one, in the whole numbers in which ratios are kept.
const ONE: i64 = 1000;
/// Ratios are kept between a hundredth and a hundred: one forgotten ticket must not own the range.
const RATIO_MAX: i64 = 100 * ONE;

/// What earlier days taught: carried into each new day.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Prior {
    /// Mean gap between calls while somebody waited; none before there was one.
    pub gap: Option<Millis>,
    /// The latest ratios of true to announced waits, in thousandths, oldest first.
    pub ratios: VecDeque<i64>,
}

/// How fast one service's queue moves.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Pace {
    prior: Option<Millis>,
    /// Today's latest gaps, each with the load of whoever was served in it.
    gaps: VecDeque<(i64, u32)>,
    ratios: VecDeque<i64>,
    last_call: Option<Timestamp>,
    /// How long whoever was called last will take, in thousandths of the mean (E1).
    last_load: u32,
    /// Whether somebody waited right after the latest call: only then is the next gap one of service.
    backlog: bool,
}

/// A wait, as a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// Half wait longer.
    pub likely: Millis,
    /// One in ten waits less.
    pub low: Millis,
    /// One in ten waits more.
    pub high: Millis,
    /// Scored estimates the range was learned from; 0 for half to double.
    pub scored: u32,
}

/// Why nothing can be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// Too few calls so far to measure a gap.
    NothingCalledYet,
    /// No counter calls for the service.
    NoCounterOpen,
    /// The ticket is not waiting.
    NotWaiting,
}

impl Unknown {
    /// The stable name on the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NothingCalledYet => "nothing_called_yet",
            Self::NoCounterOpen => "no_counter_open",
            Self::NotWaiting => "not_waiting",
        }
    }
}

impl Pace {
    /// The pace at a day's start.
    pub fn from_prior(prior: Prior) -> Self {
        let gap = prior.gap.map(|gap| Millis(gap.0.clamp(0, GAP_MAX)));
        Self { prior: gap, ratios: prior.ratios, ..Self::default() }
    }

    /// What today adds to what earlier days taught.
    pub fn to_prior(&self) -> Prior {
        Prior { gap: self.gap(), ratios: self.ratios.clone() }
    }

    /// Records a call, and whether somebody still waits after it.
    pub fn called(&mut self, now: Timestamp, backlog: bool, load: u32) {
        if let (Some(last), true) = (self.last_call, self.backlog) {
            push(&mut self.gaps, (now.since(last).0.min(GAP_MAX), self.last_load.max(1)), GAPS_MAX);
        }
        self.last_call = Some(now);
        self.last_load = load;
        self.backlog = backlog;
    }

    /// Forgets the latest call, which was taken back: the gap before it goes on.
    pub fn uncalled(&mut self) {
        let gap = self.gaps.pop_back();
        self.last_load = gap.map_or(LOAD_MEAN, |(_, load)| load);
        self.last_call = self.last_call.zip(gap).map(|(last, (gap, _))| last - Millis(gap));
        self.backlog &= self.last_call.is_some();
    }

    /// Compares an announced wait with the true one.
    pub fn score(&mut self, announced: Millis, waited: Millis) {
        if announced.0 > 0 {
            let ratio = waited.0.saturating_mul(ONE) / announced.0;
            push(&mut self.ratios, ratio.clamp(ONE * ONE / RATIO_MAX, RATIO_MAX), SCORES_MAX);
        }
    }

    /// The measured gap between calls, for people of mean load; none before there is enough to measure.
    pub fn gap(&self) -> Option<Millis> {
        let mean = i64::from(LOAD_MEAN);
        let load: i64 = self.gaps.iter().map(|(_, load)| i64::from(*load)).sum();
        let sum: i64 = self.gaps.iter().map(|(gap, _)| gap).sum();
        let prior_load = PRIOR_WEIGHT * mean;
        match self.prior {
            Some(prior) => Some(Millis((sum * mean + prior.0 * prior_load) / (load + prior_load))),
            None if self.gaps.len() >= GAPS_MIN => Some(Millis(sum * mean / load.max(1))),
            None => None,
        }
    }

    /// What can be said of every wait at this moment, at this gap between calls for people of mean load.
    pub fn forecast(&self, gap: Millis) -> Forecast {
        if self.ratios.len() < SCORES_MIN {
            return Forecast { gap, likely: ONE, low: ONE / 2, high: 2 * ONE, scored: 0 };
        }
        let mut sorted: Vec<i64> = self.ratios.iter().copied().collect();
        sorted.sort_unstable();
        let quantile = |percent: usize| {
            let rank = (sorted.len() * percent).div_ceil(100).clamp(1, sorted.len()) - 1;
            sorted.get(rank).copied().unwrap_or(ONE)
        };
        let scored = u32::try_from(sorted.len()).unwrap_or(u32::MAX);
        Forecast { gap, likely: quantile(50), low: quantile(10), high: quantile(90), scored }
    }
}

/// What can be said of every wait at one moment: made once, asked for each of thousands who wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forecast {
    gap: Millis,
    /// Ratios of true to announced waits, in thousandths.
    likely: i64,
    low: i64,
    high: i64,
    scored: u32,
}

impl Forecast {
    /// The wait of somebody with so many people of mean load really ahead.
    pub fn wait(&self, ahead: u32) -> Wait {
        self.wait_behind(u64::from(ahead) * u64::from(LOAD_MEAN))
    }

    /// The wait of somebody with such loads really ahead, in thousandths of the mean (E1).
    pub fn wait_behind(&self, load_ahead: u64) -> Wait {
        self.range(raw(self.gap, load_ahead))
    }

    /// The range that is shown for a plain product.
    pub fn range(&self, raw: Millis) -> Wait {
        let times = |ratio: i64| Millis(raw.0.saturating_mul(ratio) / ONE);
        Wait { likely: times(self.likely), low: times(self.low), high: times(self.high), scored: self.scored }
    }
}

/// The plain product before any correction: what is announced, kept with the ticket and scored later. The wait is
/// that of the loads ahead, in thousandths of the mean, and of whoever is being served.
pub fn raw(gap: Millis, load_ahead: u64) -> Millis {
    let load = i64::try_from(load_ahead).unwrap_or(i64::MAX).saturating_add(i64::from(LOAD_MEAN));
    Millis(i64::try_from(i128::from(gap.0) * i128::from(load) / i128::from(LOAD_MEAN)).unwrap_or(i64::MAX))
}

fn push<T>(kept: &mut VecDeque<T>, value: T, most: usize) {
    kept.push_back(value);
    if kept.len() > most {
        kept.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(m: i64) -> Timestamp {
        Timestamp(m * 60_000)
    }

    fn forecast(pace: &Pace) -> Forecast {
        pace.forecast(pace.gap().unwrap())
    }

    #[test]
    fn nothing_is_said_before_there_is_something_to_measure() {
        let mut pace = Pace::default();
        assert_eq!(pace.gap(), None);
        for call in 0..=GAPS_MIN {
            assert_eq!(pace.gap(), None, "{call} calls");
            pace.called(minute(2 * i64::try_from(call).unwrap()), true, LOAD_MEAN);
        }
        assert_eq!(pace.gap(), Some(Millis::from_mins(2)));
        assert_eq!(forecast(&pace).wait(3).likely, Millis::from_mins(8), "three ahead and oneself");
    }

    #[test]
    fn a_gap_while_nobody_waits_is_not_a_gap() {
        let mut pace = Pace::default();
        for call in 0..10 {
            pace.called(minute(call * 10), false, LOAD_MEAN);
        }
        assert_eq!(pace.gap(), None);
    }

    #[test]
    fn earlier_days_outweigh_a_few_odd_calls() {
        let mut pace = Pace::from_prior(Prior { gap: Some(Millis::from_mins(4)), ratios: VecDeque::new() });
        assert_eq!(pace.gap(), Some(Millis::from_mins(4)), "said from the first minute of the day");
        for call in 0..=10 {
            pace.called(minute(call), true, LOAD_MEAN);
        }
        assert_eq!(pace.gap(), Some(Millis((10 * 60_000 + 40 * 240_000) / 50)));
    }

    #[test]
    fn the_range_is_learned_from_its_own_errors() {
        let mut pace = Pace::from_prior(Prior { gap: Some(Millis::from_mins(1)), ratios: VecDeque::new() });
        assert_eq!(
            forecast(&pace).wait(9),
            Wait { likely: Millis::from_mins(10), low: Millis::from_mins(5), high: Millis::from_mins(20), scored: 0 }
        );
        for tenth in 1..=20 {
            pace.score(Millis(1000), Millis(tenth * 100));
        }
        let wait = forecast(&pace).wait(9);
        assert_eq!(
            (wait.low, wait.likely, wait.high),
            (Millis::from_mins(2), Millis::from_mins(10), Millis::from_mins(18))
        );
        assert_eq!(wait.scored, 20);
    }

    #[test]
    fn a_call_taken_back_makes_no_gap() {
        let mut pace = Pace::default();
        for call in [0, 2, 4, 6] {
            pace.called(minute(call), true, LOAD_MEAN);
        }
        pace.uncalled();
        pace.called(minute(8), true, LOAD_MEAN);
        assert_eq!(
            pace.gaps,
            [2, 2, 4].map(|minutes| (minutes * 60_000, LOAD_MEAN)),
            "from the fourth minute to the eighth"
        );
        let mut first = Pace::default();
        first.called(minute(0), true, LOAD_MEAN);
        first.uncalled();
        first.called(minute(5), true, LOAD_MEAN);
        assert!(first.gaps.is_empty());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut pace = Pace::default();
        for call in 0..10_000 {
            pace.called(minute(call), true, LOAD_MEAN);
            pace.score(Millis(1), Millis(i64::MAX));
        }
        assert_eq!((pace.gaps.len(), pace.ratios.len()), (GAPS_MAX, SCORES_MAX));
        assert!(forecast(&pace).wait_behind(u64::MAX).high > Millis(0), "no overflow at the ends");
    }

    #[test]
    fn e1_a_gap_counts_by_the_load_of_whoever_was_served_in_it() {
        // Those of load 500 take two minutes, those of 1500 take six: four for the mean, however they are mixed.
        for heavy in [1, 3, 9] {
            let (mut pace, mut now) = (Pace::default(), minute(0));
            for call in 0..=30 {
                let load = if call % 10 < heavy { 1500 } else { 500 };
                pace.called(now, true, load);
                now = now + Millis::from_secs(i64::from(load) * 240 / 1000);
            }
            assert_eq!(pace.gap(), Some(Millis::from_mins(4)), "{heavy} of ten");
        }
        assert_eq!(raw(Millis::from_mins(4), 500 + 1500), Millis::from_mins(12));
    }
}
