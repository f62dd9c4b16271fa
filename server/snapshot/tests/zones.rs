//! A venue's day is its own: across clock changes, across midnight, and where a date is skipped.

use callnext_engine::testing::{Hall, Plan};
use callnext_engine::{Millis, Timestamp, VenueConfig};
use chrono::{DateTime, NaiveTime};
use chrono_tz::Tz;

use super::super::settings::SnapshotSettings;
use super::House;

fn at(text: &str) -> Timestamp {
    Timestamp(DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis())
}

fn config(zone: Tz, day_start: &str) -> VenueConfig {
    let mut config = Plan::default().counter("1").config();
    config.time_zone = zone;
    config.day_start = NaiveTime::parse_from_str(day_start, "%H:%M").unwrap();
    config
}

/// A hall that is open all the time from then on: a number is taken every hour, and called twenty minutes later.
fn open_for(config: VenueConfig, from: Timestamp, hours: i64) -> Hall {
    let mut hall = Hall::before_first_day(config, from);
    hall.let_time_pass();
    for hour in 0..hours {
        hall.at_instant(from + Millis::from_mins(60 * hour));
        hall.counter("1", callnext_engine::counter::CounterState::Open);
        hall.walk_in();
        hall.at_instant(from + Millis::from_mins(60 * hour + 20));
        hall.next("1");
    }
    hall
}

/// Writes the days that are over; gives their dates, lengths in hours, and numbers given.
async fn nights(hall: &Hall) -> Vec<(String, i64, u64)> {
    let house = House::of(hall).await;
    let settings = SnapshotSettings { journal_days: 9, ..SnapshotSettings::default() };
    let done = house.keeper(settings).catch_up(&house.venue).await.unwrap();
    assert!(done.problem.is_none(), "{:?}", done.problem);
    let day = |manifest: &super::super::Manifest| {
        let hours = manifest.ends_at.since(manifest.starts_at).0 / 3_600_000;
        (manifest.date.to_string(), hours, manifest.counts.tickets)
    };
    done.written.iter().map(day).collect()
}

fn night(date: &str, hours: i64) -> (String, i64, u64) {
    (date.to_owned(), hours, hours.cast_unsigned())
}

#[tokio::test]
async fn clock_changes_make_a_day_shorter_or_longer_and_nobody_is_lost() {
    use chrono_tz::{America::New_York, Asia::Shanghai, Europe::Berlin};
    for (zone, from, dates, hours) in [
        (Berlin, "2026-03-27T04:00:00+01:00", ["2026-03-27", "2026-03-28", "2026-03-29"], [24, 23, 24]),
        (Berlin, "2026-10-23T04:00:00+02:00", ["2026-10-23", "2026-10-24", "2026-10-25"], [24, 25, 24]),
        (New_York, "2026-03-06T04:00:00-05:00", ["2026-03-06", "2026-03-07", "2026-03-08"], [24, 23, 24]),
        (New_York, "2026-10-30T04:00:00-04:00", ["2026-10-30", "2026-10-31", "2026-11-01"], [24, 25, 24]),
        (Shanghai, "2026-03-27T04:00:00+08:00", ["2026-03-27", "2026-03-28", "2026-03-29"], [24, 24, 24]),
    ] {
        let expected: Vec<_> = dates.iter().zip(hours).map(|(date, hours)| night(date, hours)).collect();
        let found = nights(&open_for(config(zone, "04:00"), at(from), 74)).await;
        assert_eq!(found, expected, "{zone} from {from}");
    }
}

#[tokio::test]
async fn where_a_date_is_skipped_the_days_still_touch() {
    // Samoa had no 30 December 2011: the day that begins on the 29th is followed by the 31st.
    let hall = open_for(config(chrono_tz::Pacific::Apia, "04:00"), at("2011-12-28T04:00:00-10:00"), 80);
    let found = nights(&hall).await;
    let dates: Vec<_> = found.iter().map(|(date, ..)| date.as_str()).collect();
    assert_eq!(dates[..2], ["2011-12-28", "2011-12-29"]);
    assert!(dates.contains(&"2011-12-31") && !dates[2..].contains(&"2011-12-29"), "{dates:?}");
    let (hours, tickets): (i64, u64) = found.iter().fold((0, 0), |sum, (_, h, t)| (sum.0 + h, sum.1 + t));
    assert_eq!(hours.cast_unsigned(), tickets, "every hour belongs to one day: {found:?}");
}

#[tokio::test]
async fn a_hall_that_is_open_past_midnight_has_one_day() {
    // Half past two does not exist on 29 March: that day begins at three.
    let hall = open_for(config(chrono_tz::Europe::Berlin, "02:30"), at("2026-03-28T18:30:00+01:00"), 34);
    assert_eq!(nights(&hall).await, [("2026-03-28".to_owned(), 23, 8), ("2026-03-29".to_owned(), 23, 23)]);
}
