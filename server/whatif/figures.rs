//! A history in figures: how many were called, how long they waited, how often they were overtaken.
//!
//! Whole numbers throughout, so that a difference of nothing is nothing. Knows no settings and no layout.

use std::collections::BTreeMap;
use std::fmt;

use callnext_engine::{Lane, Millis, ServiceId};
use serde::{Serialize, Serializer};

use super::simulation::{Class, History};
use crate::replay::day::Day;

/// Figures of one run, or the difference of two.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Calls. Whoever was called again after a miss or after tests counts again, in the lane of that call.
    pub called: i64,
    /// Wait until the call, mean; none where nobody was called.
    #[serde(rename = "wait_mean_ms")]
    pub wait_mean: Option<Millis>,
    /// The wait that half of the calls did not exceed.
    #[serde(rename = "wait_median_ms")]
    pub wait_median: Option<Millis>,
    /// The wait that nine of ten calls did not exceed.
    #[serde(rename = "wait_p90_ms")]
    pub wait_p90: Option<Millis>,
    /// Times overtaken before the call, mean.
    pub overtaken_mean: Option<Hundredths>,
    /// Times overtaken before the call, most.
    pub overtaken_max: Option<i64>,
    /// Who did not come, for good.
    pub no_shows: i64,
    /// Who left before any call.
    pub left: i64,
}

/// A number with two decimals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hundredths(pub i64);

impl Hundredths {
    /// The mean of `count` numbers with this sum, rounded half up; none of none.
    fn mean(sum: u64, count: usize) -> Option<Self> {
        let count = u64::try_from(count).ok().filter(|count| *count > 0)?;
        i64::try_from((sum.saturating_mul(200) + count) / (2 * count)).ok().map(Self)
    }
}

impl fmt::Display for Hundredths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let whole = self.0.unsigned_abs();
        f.pad(&format!("{sign}{}.{:02}", whole / 100, whole % 100))
    }
}

impl Serialize for Hundredths {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let hundredths = i32::try_from(self.0).unwrap_or(if self.0 < 0 { i32::MIN } else { i32::MAX });
        to.serialize_f64(f64::from(hundredths) / 100.0)
    }
}

impl Figures {
    /// How much more this is than `other`; what one of them does not have, the difference does not have.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        let span = |one: Option<Millis>, other: Option<Millis>| Some(Millis(one?.0 - other?.0));
        Self {
            called: self.called - other.called,
            wait_mean: span(self.wait_mean, other.wait_mean),
            wait_median: span(self.wait_median, other.wait_median),
            wait_p90: span(self.wait_p90, other.wait_p90),
            overtaken_mean: self.overtaken_mean.zip(other.overtaken_mean).map(|(one, two)| Hundredths(one.0 - two.0)),
            overtaken_max: self.overtaken_max.zip(other.overtaken_max).map(|(one, two)| one - two),
            no_shows: self.no_shows - other.no_shows,
            left: self.left - other.left,
        }
    }
}

/// Whose figures: of a service or of all, of a lane or of all.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// None for all services together.
    pub service: Option<ServiceId>,
    /// None for all lanes together.
    pub lane: Option<Lane>,
}

impl Group {
    /// The groups somebody belongs to.
    fn of(class: &Class) -> [Self; 4] {
        let (service, lane) = (Some(class.service.clone()), Some(class.lane));
        [
            Self::default(),
            Self { service: None, lane },
            Self { service: service.clone(), lane: None },
            Self { service, lane },
        ]
    }
}

/// The figures of a history, for every group that has any.
pub fn figures(history: &History) -> BTreeMap<Group, Figures> {
    let mut tallies: BTreeMap<Group, Tally> = BTreeMap::new();
    tallies.insert(Group::default(), Tally::default());
    let mut add = |class: &Class, what: &dyn Fn(&mut Tally)| {
        for group in Group::of(class) {
            what(tallies.entry(group).or_default());
        }
    };
    for call in &history.calls {
        add(&call.class, &|tally| {
            tally.waits.push(call.waited);
            tally.overtaken_sum += u64::from(call.overtaken);
            tally.overtaken_max = tally.overtaken_max.max(call.overtaken);
        });
    }
    history.no_shows.iter().for_each(|class| add(class, &|tally| tally.no_shows += 1));
    history.left.iter().for_each(|class| add(class, &|tally| tally.left += 1));
    tallies.into_iter().map(|(group, tally)| (group, tally.figures())).collect()
}

/// The waits of the records themselves, whoever was called then: what the run under the settings as they are should
/// come near to. Records know no misses, and whom a call passed over is not worked out.
pub fn recorded(day: &Day) -> Figures {
    let waited = day.visits.iter().filter_map(|visit| Some(Millis(visit.called?.0 - visit.arrived.0)));
    let left = day.visits.iter().filter(|visit| visit.left().is_some()).count();
    let tally = Tally { waits: waited.collect(), left: i64::try_from(left).unwrap_or(i64::MAX), ..Tally::default() };
    Figures { overtaken_mean: None, overtaken_max: None, ..tally.figures() }
}

/// A group's figures while they are gathered.
#[derive(Default)]
struct Tally {
    waits: Vec<Millis>,
    overtaken_sum: u64,
    overtaken_max: u32,
    no_shows: i64,
    left: i64,
}

impl Tally {
    fn figures(mut self) -> Figures {
        self.waits.sort_unstable();
        let count = self.waits.len();
        Figures {
            called: i64::try_from(count).unwrap_or(i64::MAX),
            wait_mean: mean(&self.waits),
            wait_median: quantile(&self.waits, 50),
            wait_p90: quantile(&self.waits, 90),
            overtaken_mean: Hundredths::mean(self.overtaken_sum, count),
            overtaken_max: (count > 0).then_some(self.overtaken_max.into()),
            no_shows: self.no_shows,
            left: self.left,
        }
    }
}

/// The mean, rounded to the nearest millisecond; none of none.
fn mean(spans: &[Millis]) -> Option<Millis> {
    let count = i64::try_from(spans.len()).ok().filter(|count| *count > 0)?;
    let sum: i64 = spans.iter().map(|span| span.0).fold(0, i64::saturating_add);
    Some(Millis((sum.saturating_add(count / 2)).div_euclid(count)))
}

/// The smallest of these, in order, that `percent` of them do not exceed (nearest rank): somebody's real wait.
fn quantile(sorted: &[Millis], percent: usize) -> Option<Millis> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use callnext_engine::Timestamp;

    use super::super::simulation::Call;
    use super::*;

    fn spans(list: &[i64]) -> Vec<Millis> {
        list.iter().copied().map(Millis).collect()
    }

    fn class(service: &str, lane: Lane) -> Class {
        Class { service: ServiceId::parse(service).unwrap(), lane }
    }

    fn call(service: &str, lane: Lane, minutes: i64, overtaken: u32) -> Call {
        let waited = Millis::from_mins(minutes);
        Call { person: 0, class: class(service, lane), at: Timestamp(0), waited, overtaken }
    }

    #[test]
    fn quantiles_are_the_waits_of_somebody() {
        for (list, median, p90) in [
            (&[7][..], 7, 7),
            (&[1, 9], 1, 9),
            (&[1, 2, 9], 2, 9),
            (&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 5, 9),
            (&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], 6, 10),
            (&[0, 0, 0, 0, 0, 0, 0, 0, 0, 100], 0, 0),
        ] {
            let list = spans(list);
            assert_eq!(quantile(&list, 50), Some(Millis(median)), "{list:?}");
            assert_eq!(quantile(&list, 90), Some(Millis(p90)), "{list:?}");
        }
        let hundred: Vec<_> = (1..=100).map(Millis).collect();
        assert_eq!((quantile(&hundred, 50), quantile(&hundred, 90)), (Some(Millis(50)), Some(Millis(90))));
        assert_eq!(quantile(&[], 50), None);
    }

    #[test]
    fn means_are_rounded_to_the_nearest() {
        assert_eq!(mean(&spans(&[1, 2])), Some(Millis(2)));
        assert_eq!(mean(&spans(&[1, 1, 2])), Some(Millis(1)));
        assert_eq!(mean(&[]), None);
        assert_eq!(Hundredths::mean(1, 3), Some(Hundredths(33)));
        assert_eq!(Hundredths::mean(2, 3), Some(Hundredths(67)));
        assert_eq!(Hundredths::mean(1, 8), Some(Hundredths(13)), "12.5 is rounded up");
        assert_eq!(Hundredths::mean(0, 0), None);
    }

    #[test]
    fn two_decimals_are_written_as_people_do() {
        for (hundredths, text) in [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (1234, "12.34"), (-100, "-1.00")] {
            assert_eq!(Hundredths(hundredths).to_string(), text);
            let json: f64 = text.parse().unwrap();
            assert_eq!(serde_json::to_value(Hundredths(hundredths)).unwrap(), serde_json::json!(json));
        }
    }

    #[test]
    fn everybody_counts_in_the_lane_in_the_service_and_in_all() {
        let history = History {
            calls: vec![
                call("a", Lane::WalkIn, 10, 1),
                call("a", Lane::Appointment, 20, 0),
                call("b", Lane::WalkIn, 60, 4),
            ],
            no_shows: vec![class("b", Lane::Missed)],
            left: vec![class("a", Lane::WalkIn)],
            ..History::default()
        };
        let all = figures(&history);
        let of = |service: Option<&str>, lane| {
            let service = service.map(|service| ServiceId::parse(service).unwrap());
            all.get(&Group { service, lane }).copied().unwrap_or_default()
        };
        let whole = of(None, None);
        assert_eq!((whole.called, whole.no_shows, whole.left), (3, 1, 1));
        assert_eq!((whole.wait_mean, whole.wait_median), (Some(Millis::from_mins(30)), Some(Millis::from_mins(20))));
        assert_eq!((whole.overtaken_mean, whole.overtaken_max), (Some(Hundredths(167)), Some(4)));
        let walk_in = of(None, Some(Lane::WalkIn));
        assert_eq!((walk_in.called, walk_in.wait_mean, walk_in.left), (2, Some(Millis::from_mins(35)), 1));
        assert_eq!(of(Some("a"), None).called, 2);
        assert_eq!(of(Some("b"), Some(Lane::WalkIn)).overtaken_max, Some(4));
        let missed = of(Some("b"), Some(Lane::Missed));
        assert_eq!((missed.called, missed.no_shows, missed.wait_mean, missed.overtaken_max), (0, 1, None, None));
    }

    #[test]
    fn a_difference_is_what_the_second_has_more() {
        let one = Figures { called: 3, wait_mean: Some(Millis(500)), overtaken_max: Some(4), ..Figures::default() };
        let two = Figures { called: 5, wait_mean: Some(Millis(200)), no_shows: 1, ..Figures::default() };
        let more = two.minus(&one);
        assert_eq!((more.called, more.wait_mean, more.no_shows), (2, Some(Millis(-300)), 1));
        assert_eq!(more.overtaken_max, None, "only one of them has it");
        let none = one.minus(&one);
        assert_eq!((none.called, none.wait_mean, none.overtaken_max), (0, Some(Millis(0)), Some(0)));
    }
}
