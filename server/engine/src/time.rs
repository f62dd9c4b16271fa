//! Time as an input: instants, spans and a venue's own business day. Nothing here asks what time it is.

use std::fmt;
use std::ops::{Add, Sub};

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// An instant: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// A span of time in milliseconds; never negative where the engine makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub i64);

impl Millis {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A span of whole seconds.
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds * 1000)
    }

    /// A span of whole minutes.
    pub const fn from_mins(minutes: i64) -> Self {
        Self::from_secs(minutes * 60)
    }

    /// Whole seconds, rounded to the nearest.
    pub const fn as_secs(self) -> i64 {
        self.0.saturating_add(500).div_euclid(1000)
    }
}

impl Timestamp {
    /// The end of time: sorts after every real instant.
    pub const MAX: Self = Self(i64::MAX);

    /// From a date and time; anything finer than a millisecond is cut off.
    pub fn from_utc(at: DateTime<Utc>) -> Self {
        Self(at.timestamp_millis())
    }

    /// As a date and time. Instants beyond what chrono can hold are clamped to its ends.
    pub fn to_utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or(if self.0 < 0 {
            DateTime::<Utc>::MIN_UTC
        } else {
            DateTime::<Utc>::MAX_UTC
        })
    }

    /// Time passed since `earlier`; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Millis {
        Millis(self.0.saturating_sub(earlier.0).max(0))
    }
}

impl Add<Millis> for Timestamp {
    type Output = Self;
    fn add(self, span: Millis) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub<Millis> for Timestamp {
    type Output = Self;
    fn sub(self, span: Millis) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_utc().to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
    }
}

/// A venue's own day: it is named by the local date on which it starts, and starts at the venue's hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BusinessDay {
    /// The local date on which the day starts.
    pub date: NaiveDate,
    /// The first instant of the day.
    pub start: Timestamp,
    /// The first instant that is no longer part of it. Days touch; 23 or 25 hours where the clocks change.
    pub end: Timestamp,
}

/// The second of January of the year 1: well within what can be reckoned with, in any zone.
const CALENDAR_START: Timestamp = Timestamp(-62_135_510_400_000);
/// The second to last day of the year 9999.
const CALENDAR_END: Timestamp = Timestamp(253_402_128_000_000);

impl BusinessDay {
    /// The business day that holds `now`, for a venue that starts its days at `start_hour` local time.
    ///
    /// The first and the last day of the calendar (years 1 and 9999) have no other end.
    pub fn holding(now: Timestamp, zone: Tz, start_hour: NaiveTime) -> Self {
        if now < CALENDAR_START {
            return Self { start: Timestamp(i64::MIN), ..Self::holding(CALENDAR_START, zone, start_hour) };
        }
        if now > CALENDAR_END {
            return Self { end: Timestamp::MAX, ..Self::holding(CALENDAR_END, zone, start_hour) };
        }
        let local = now.to_utc().with_timezone(&zone).date_naive();
        // Around the start hour, and where a zone skips a whole date, the day may be a neighbour's.
        let around = [back(local, 1), local, forth(local, 1)];
        around
            .into_iter()
            .map(|date| Self::starting_on(date, zone, start_hour))
            .find(|day| day.holds(now))
            .unwrap_or_else(|| Self::starting_on(local, zone, start_hour))
    }

    /// The business day that starts on this local date.
    pub fn starting_on(date: NaiveDate, zone: Tz, start_hour: NaiveTime) -> Self {
        Self { date, start: instant(date, start_hour, zone), end: instant(forth(date, 1), start_hour, zone) }
    }

    /// Whether an instant belongs to this day.
    pub fn holds(&self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }

    /// The instant of a local time of day within this day: a time before the start hour is the next morning's.
    pub fn at(&self, time: NaiveTime, zone: Tz, start_hour: NaiveTime) -> Timestamp {
        let date = if time < start_hour { forth(self.date, 1) } else { self.date };
        instant(date, time, zone)
    }
}

fn back(date: NaiveDate, days: u64) -> NaiveDate {
    date.checked_sub_days(Days::new(days)).unwrap_or(date)
}

fn forth(date: NaiveDate, days: u64) -> NaiveDate {
    date.checked_add_days(Days::new(days)).unwrap_or(date)
}

/// The instant a wall clock in `zone` shows `date` `time`. Of two (clocks put back) the first; of none
/// (clocks put forward, or a date a zone never had) the first instant after the gap, so that days still touch.
fn instant(date: NaiveDate, time: NaiveTime, zone: Tz) -> Timestamp {
    /// No zone has ever skipped more than a day.
    const GAP_MINUTES_MAX: i64 = 26 * 60;
    let wall = date.and_time(time);
    (0..=GAP_MINUTES_MAX)
        .find_map(|minutes| zone.from_local_datetime(&wall.checked_add_signed(TimeDelta::minutes(minutes))?).earliest())
        .map_or(Timestamp(wall.and_utc().timestamp_millis()), |at| Timestamp(at.timestamp_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp(DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis())
    }

    fn hours(day: BusinessDay) -> i64 {
        day.end.since(day.start).0 / 3_600_000
    }

    fn four() -> NaiveTime {
        NaiveTime::from_hms_opt(4, 0, 0).unwrap()
    }

    #[test]
    fn a_day_is_the_venues_own() {
        let day = BusinessDay::holding(at("2026-11-22T19:30:00Z"), chrono_tz::Asia::Shanghai, four());
        assert_eq!(day.date.to_string(), "2026-11-22", "03:30 in Shanghai still belongs to the evening before");
        assert_eq!(day.start, at("2026-11-21T20:00:00Z"));
        let next = BusinessDay::holding(day.end, chrono_tz::Asia::Shanghai, four());
        assert_eq!(next.date.to_string(), "2026-11-23");
    }

    #[test]
    fn clock_changes_make_days_of_23_and_25_hours() {
        for (zone, spring, autumn) in [
            (chrono_tz::Europe::Berlin, "2026-03-28T12:00:00Z", "2026-10-24T12:00:00Z"),
            (chrono_tz::America::New_York, "2026-03-07T18:00:00Z", "2026-10-31T18:00:00Z"),
        ] {
            assert_eq!(hours(BusinessDay::holding(at(spring), zone, four())), 23, "{zone}");
            assert_eq!(hours(BusinessDay::holding(at(autumn), zone, four())), 25, "{zone}");
        }
        let gap = NaiveTime::from_hms_opt(2, 30, 0).unwrap();
        let day =
            BusinessDay::starting_on(NaiveDate::from_ymd_opt(2026, 3, 29).unwrap(), chrono_tz::Europe::Berlin, gap);
        assert_eq!(day.start, at("2026-03-29T01:00:00Z"), "02:30 does not exist that night: the day starts at 03:00");
    }

    #[test]
    fn days_touch_even_where_a_zone_skips_a_date() {
        // Samoa had no 30 December 2011.
        let zone = chrono_tz::Pacific::Apia;
        let mut now = at("2011-12-28T15:00:00Z");
        let mut day = BusinessDay::holding(now, zone, four());
        while now < at("2012-01-03T00:00:00Z") {
            assert!(day.holds(now), "{now}");
            now = day.end;
            let next = BusinessDay::holding(now, zone, four());
            assert_eq!(next.start, day.end);
            day = next;
        }
    }

    #[test]
    fn the_ends_of_the_calendar_hold_whatever_lies_beyond() {
        for zone in [chrono_tz::Pacific::Kiritimati, chrono_tz::Etc::GMTPlus12, chrono_tz::Asia::Shanghai] {
            for now in [i64::MIN, -62_135_510_400_001, 253_402_128_000_001, i64::MAX - 1] {
                assert!(BusinessDay::holding(Timestamp(now), zone, four()).holds(Timestamp(now)), "{now} in {zone}");
            }
        }
        assert_eq!(CALENDAR_START.to_string(), "0001-01-02T00:00:00.000Z");
        assert_eq!(CALENDAR_END.to_string(), "9999-12-30T00:00:00.000Z");
    }

    #[test]
    fn a_time_before_the_start_hour_is_the_next_mornings() {
        let zone = chrono_tz::Asia::Shanghai;
        let day = BusinessDay::holding(at("2026-11-22T04:00:00Z"), zone, four());
        let one = NaiveTime::from_hms_opt(1, 0, 0).unwrap();
        assert_eq!(day.at(one, zone, four()), at("2026-11-22T17:00:00Z"));
        assert!(day.holds(day.at(one, zone, four())));
    }
}
