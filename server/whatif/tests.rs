//! Whole days, from the records to the figures.

use std::collections::BTreeMap;

use callnext_engine::figures::{Figures, Group, Hundredths};
use callnext_engine::{Lane, Millis, VenueConfig};
use serde_json::json;

use super::change::{Setting, Variant};
use super::report::{AS_THEY_ARE, Played, Report, Run, recorded};
use super::simulation::{History, simulate};
use crate::demo;
use crate::replay::day::{Day, Wanted};
use crate::replay::plan::{Mix, Plan, Target};

/// Three take a number, three had booked and come later; one doctor calls every ten minutes.
const SIX_PEOPLE: &str = "\
day,venue,queue,class,ticket,arrived_at,called_at,finished_at,counter
2026-03-02,gp,ent,unknown,W1,2026-03-02T09:00:00,2026-03-02T09:10:00,2026-03-02T09:19:00,
2026-03-02,gp,ent,unknown,W2,2026-03-02T09:01:00,2026-03-02T09:20:00,2026-03-02T09:29:00,
2026-03-02,gp,ent,unknown,W3,2026-03-02T09:02:00,2026-03-02T09:30:00,2026-03-02T09:39:00,
2026-03-02,gp,ent,booked,A1,2026-03-02T09:03:00,2026-03-02T09:40:00,2026-03-02T09:49:00,
2026-03-02,gp,ent,booked,A2,2026-03-02T09:04:00,2026-03-02T09:50:00,2026-03-02T09:59:00,
2026-03-02,gp,ent,booked,A3,2026-03-02T09:05:00,2026-03-02T10:00:00,2026-03-02T10:09:00,
";

fn practice() -> VenueConfig {
    let name = |text: &str| json!({ "zh-Hans": text, "zh-Hant": text, "en": text });
    serde_json::from_value(json!({
        "id": "practice", "name": name("Practice"), "time_zone": "Asia/Shanghai",
        "service": [{
            "id": "ent", "name": name("ENT"), "prefix": "E",
            "policy": { "ready_count": 0, "weights": { "appointment": 1, "walk_in": 1 } },
        }],
        "counter": [{ "id": "1", "name": name("Room 1"), "services": ["ent"] }],
    }))
    .unwrap()
}

fn variant(settings: &[&str]) -> Variant {
    let settings = settings.iter().map(|text| text.parse::<Setting>().unwrap()).collect();
    Variant { name: "variant 1".to_owned(), settings }
}

fn plan(day: &Day, venue: &VenueConfig, mix: Mix) -> Plan {
    let target = Target {
        venue: venue.id.clone(),
        zone: venue.time_zone,
        date: day.date,
        services: venue.services.iter().map(|service| service.id.clone()).collect(),
        counters: venue.counters.iter().map(|counter| (counter.id.clone(), counter.services.clone())).collect(),
    };
    Plan::new(day, target, mix).unwrap()
}

fn play(day: &Day, venue: &VenueConfig, mix: Mix, settings: &[&str]) -> History {
    simulate(&plan(day, venue, mix), mix, &variant(settings).of(venue).unwrap(), &mut || {})
}

fn six(settings: &[&str]) -> (Vec<String>, Vec<i64>, BTreeMap<Group, Figures>) {
    let day = Day::read(SIX_PEOPLE.as_bytes(), &Wanted::default()).unwrap();
    let venue = practice();
    let plan = plan(&day, &venue, Mix::FAITHFUL);
    let history = play(&day, &venue, Mix::FAITHFUL, settings);
    let who = |person: usize| plan.people[person].code.trim_start_matches("ent").to_owned();
    let order = history.ledger.calls().map(|call| who(history.persons[&call.ticket])).collect();
    let waits = history.ledger.calls().map(|call| call.waited.0 / 60_000).collect();
    (order, waits, history.ledger.groups())
}

fn of(figures: &BTreeMap<Group, Figures>, lane: Option<Lane>) -> Figures {
    figures[&Group { service: None, lane }]
}

#[test]
fn six_people_are_called_in_turn_or_two_to_one_as_the_ratio_says() {
    let (order, waits, by_lane) = six(&[]);
    assert_eq!(order, ["A1", "W1", "A2", "W2", "A3", "W3"]);
    assert_eq!(waits, [7, 20, 26, 39, 45, 58]);
    let walk_in = of(&by_lane, Some(Lane::WalkIn));
    assert_eq!((walk_in.wait_mean, walk_in.wait_p90), (Some(Millis::from_mins(39)), Some(Millis::from_mins(58))));
    assert_eq!((walk_in.overtaken_mean, walk_in.overtaken_max), (Some(Hundredths(200)), Some(3)), "1, 2 and 3 times");

    let (order, waits, by_lane) = six(&["*.ratio.appointment=2"]);
    assert_eq!(order, ["A1", "A2", "W1", "A3", "W2", "W3"]);
    assert_eq!(waits, [7, 16, 30, 35, 49, 58]);
    let walk_in = of(&by_lane, Some(Lane::WalkIn));
    assert_eq!((walk_in.overtaken_mean, walk_in.overtaken_max), (Some(Hundredths(267)), Some(3)), "2, 3 and 3 times");
    let booked = of(&by_lane, Some(Lane::Appointment));
    assert_eq!(booked.wait_median, Some(Millis::from_mins(16)));
    assert_eq!((booked.overtaken_mean, booked.called), (Some(Hundredths(0)), 3));
    assert_eq!(of(&by_lane, None).wait_median, Some(Millis::from_mins(30)));
}

#[test]
fn who_leaves_is_not_called_and_a_place_in_the_day_is_needed() {
    let rows = SIX_PEOPLE.replace(
        "W3,2026-03-02T09:02:00,2026-03-02T09:30:00,2026-03-02T09:39:00",
        "W3,2026-03-02T09:02:00,,2026-03-02T09:15:00",
    );
    let night = "2026-03-02,gp,ent,unknown,N1,2026-03-02T03:00:00,2026-03-02T03:10:00,,\n";
    let day = Day::read((rows + night).as_bytes(), &Wanted::default()).unwrap();
    let history = play(&day, &practice(), Mix::FAITHFUL, &[]);
    assert_eq!((history.people, history.ledger.calls().count(), history.ledger.left().count()), (6, 5, 1));
    assert_eq!(history.outside, 1, "three at night belongs to the day before");
    assert_eq!((history.ledger.no_shows().count(), history.waiting_at_end), (0, 0));
}

#[test]
fn settings_that_are_the_same_make_no_difference() {
    for (day, mix) in [(demo::clinic_day().unwrap(), Mix::CLINIC), (demo::hall_day().unwrap(), Mix::HALL)] {
        let venue = venue_of(&day);
        let same = ["*.ratio.appointment=7", "*.policy.ready_count=2"];
        assert_eq!(play(&day, &venue, mix, &[]), play(&day, &venue, mix, &same));
        let report = report(&day, mix, &same);
        for group in report["groups"].as_array().unwrap() {
            for (figure, more) in group["runs"][1]["difference"].as_object().unwrap() {
                assert!(more.as_f64().unwrap_or(0.0) == 0.0, "{figure} {more}: {group}");
            }
        }
    }
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let day = demo::clinic_day().unwrap();
    let text = || report_of(&day, Mix::CLINIC, &["*.ratio.appointment=6", "*.ratio.walk_in=4"]);
    let (one, other) = (text(), text());
    assert_eq!(one.to_string(), other.to_string());
    assert_eq!(one.to_json().unwrap(), other.to_json().unwrap());
}

#[test]
fn on_the_days_of_the_demo_everybody_is_accounted_for() {
    for (day, mixes) in [
        (demo::clinic_day().unwrap(), [Mix::CLINIC, Mix::FAITHFUL]),
        (demo::hall_day().unwrap(), [Mix::HALL, Mix::FAITHFUL]),
    ] {
        for mix in mixes {
            for settings in
                [&[][..], &["*.ratio.appointment=1", "*.ready_count=0"], &["*.misses_max=1", "*.overtaken_max=2"]]
            {
                accounts(&day, mix, settings);
            }
        }
    }
}

fn accounts(day: &Day, mix: Mix, settings: &[&str]) {
    let history = play(day, &venue_of(day), mix, settings);
    let said = format!("{} {mix:?} {settings:?}", day.venue);
    assert_eq!(usize::try_from(history.people).unwrap(), day.visits.len(), "{said}");
    assert_eq!((history.outside, history.waiting_at_end), (0, 0), "{said}");
    assert!(history.refused.is_empty(), "{said}: {:?}", history.refused);
    let ledger = &history.ledger;
    let people: std::collections::BTreeSet<_> = ledger.calls().map(|call| call.ticket).collect();
    assert_eq!(people.len() + ledger.left().count(), day.visits.len(), "everybody is called at last: {said}");
    if mix == Mix::FAITHFUL {
        assert_eq!((ledger.calls().count(), ledger.no_shows().count()), (day.visits.len(), 0), "{said}");
    } else {
        assert!(ledger.calls().count() > day.visits.len() || settings.contains(&"*.misses_max=1"), "{said}");
        assert!(ledger.no_shows().next().is_some(), "{said}");
    }
    let all = history.ledger.groups();
    let whole = all[&Group::default()];
    let lanes =
        |service| all.iter().filter(move |(group, _)| group.lane.is_some() && group.service.is_some() == service);
    for service in [false, true] {
        assert_eq!(lanes(service).map(|(_, figures)| figures.called).sum::<i64>(), whole.called, "{said}");
        assert_eq!(lanes(service).map(|(_, figures)| figures.no_shows).sum::<i64>(), whole.no_shows, "{said}");
    }
    assert_eq!(usize::try_from(whole.called).unwrap(), ledger.calls().count(), "{said}");
}

/// The engine's count, held against one from nothing but the order of the calls.
#[test]
fn overtakes_are_those_that_the_order_of_the_calls_shows() {
    for day in [demo::clinic_day().unwrap(), demo::hall_day().unwrap()] {
        // Records and half of them booked, no more: each is called once, and nobody by precedence.
        let mix = Mix { booked_percent: 50, ..Mix::FAITHFUL };
        let venue = venue_of(&day);
        let plan = plan(&day, &venue, mix);
        let history = play(&day, &venue, mix, &[]);
        let came = |ticket| {
            let person = history.persons[&ticket];
            (plan.people[person].arrives, person)
        };
        let mut overtaken = 0;
        let calls: Vec<_> = history.ledger.calls().collect();
        for (at, call) in calls.iter().enumerate() {
            let before = calls[..at].iter().filter(|other| other.class.service == call.class.service);
            let first = before.filter(|other| came(other.ticket) > came(call.ticket)).count();
            assert_eq!(u32::try_from(first).unwrap(), call.overtaken, "{call:?}");
            overtaken += first;
        }
        assert!(overtaken > 100, "{overtaken}");
    }
}

#[test]
fn impossible_patience_blocks_no_counter_for_ever() {
    let day = demo::clinic_day().unwrap();
    for settings in [&["*.recalls_min=4000000000"][..], &["*.grace_s=86400"], &["*.recalls_min=9", "*.grace_s=0"]] {
        let history = play(&day, &venue_of(&day), Mix::CLINIC, settings);
        assert_eq!(history.people, 553, "{settings:?}");
        assert!(history.refused.is_empty(), "{settings:?} {:?}", history.refused);
    }
}

#[test]
fn a_quota_that_is_used_up_is_told_and_nobody_is_lost() {
    let day = demo::clinic_day().unwrap();
    let history = play(&day, &venue_of(&day), Mix::CLINIC, &["*.overflow_max=0"]);
    assert_eq!(history.people, 553);
    assert!(history.refused["overflow_quota_reached"] > 0);
    assert!(!history.ledger.groups().keys().any(|group| group.lane == Some(Lane::Overflow)));
}

fn venue_of(day: &Day) -> VenueConfig {
    let mut venues = demo::venues().unwrap();
    let at = venues.iter().position(|venue| venue.services.len() == day.queues.len()).unwrap();
    venues.remove(at).in_force(&callnext_engine::config::Layers::default())
}

fn report_of(day: &Day, mix: Mix, settings: &[&str]) -> Report {
    let (venue, variant) = (venue_of(day), variant(settings));
    let plan = plan(day, &venue, mix);
    let runs = [
        Run { name: AS_THEY_ARE.to_owned(), settings: Vec::new(), history: play(day, &venue, mix, &[]) },
        Run { history: play(day, &venue, mix, settings), name: variant.name, settings: variant.settings },
    ];
    Report::new(Played { day, plan: &plan, mix, venue: &venue }, &runs, true)
}

fn report(day: &Day, mix: Mix, settings: &[&str]) -> serde_json::Value {
    serde_json::from_str(&report_of(day, mix, settings).to_json().unwrap()).unwrap()
}

#[test]
fn the_settings_as_they_are_come_near_to_the_records() {
    for day in [demo::clinic_day().unwrap(), demo::hall_day().unwrap()] {
        let history = play(&day, &venue_of(&day), Mix::FAITHFUL, &[]);
        let (played, real) = (history.ledger.groups()[&Group::default()], recorded(&day));
        assert_eq!((played.called, played.left), (real.called, real.left));
        let (played, real) = (played.wait_mean.unwrap().0, real.wait_mean.unwrap().0);
        assert!(played.abs_diff(real) < real.unsigned_abs() / 20, "{}: {played} ms, not {real} ms", day.venue);
    }
}

#[test]
fn a_report_tells_every_service_and_every_lane_in_both_forms() {
    let day = demo::clinic_day().unwrap();
    let json = report(&day, Mix::CLINIC, &["*.ratio.appointment=1"]);
    assert_eq!((&json["record"]["tickets"], &json["record"]["called"]), (&json!(553), &json!(553)));
    assert_eq!(json["runs"][1]["settings"], json!(["*.ratio.appointment=1"]));
    let groups = json["groups"].as_array().unwrap();
    assert_eq!((&groups[0]["service"], &groups[0]["lane"]), (&json!(null), &json!(null)));
    for service in ["internal-medicine", "paediatrics", "surgery", "laboratory"] {
        for lane in [json!(null), json!("appointment"), json!("walk_in")] {
            assert!(
                groups.iter().any(|group| group["service"] == service && group["lane"] == lane),
                "{service} {lane}"
            );
        }
    }
    let run = &groups[0]["runs"][0];
    assert!(run["wait_p90_ms"].as_i64() >= run["wait_median_ms"].as_i64());
    assert!(run.get("difference").is_none() && groups[0]["runs"][1]["difference"]["called"].is_i64());

    let text = report_of(&day, Mix::CLINIC, &["*.ratio.appointment=1"]).to_string();
    assert!(text.starts_with("UD_Bielany, 2020-01-13, played at clinic: 553 people\n"), "{text}");
    for part in
        ["as they are", "*.ratio.appointment=1", "\nin all\n", "\nsurgery: walk_in\n", "difference", "70 of 100"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 100 && !line.ends_with(' ')), "{text}");
}
