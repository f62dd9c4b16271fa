//! The venues of the tests: a clinic open to everybody's eyes, and a hall that is not.

use callnext_engine::{Declaration, Timestamp};
use chrono::{DateTime, TimeZone};
use serde_json::{Value, json};

/// A Monday morning, nine o'clock in Shanghai.
pub fn morning() -> Timestamp {
    at("2026-03-02T09:00:00+08:00")
}

/// An instant, as people write it.
pub fn at(text: &str) -> Timestamp {
    Timestamp::from_utc(chrono::Utc.from_utc_datetime(&DateTime::parse_from_rfc3339(text).unwrap().naive_utc()))
}

/// The two venues.
pub fn both() -> Vec<Declaration> {
    vec![clinic(), hall()]
}

/// Departments with booked and other people; screens and phones are open to everybody.
pub fn clinic() -> Declaration {
    serde_json::from_value(json!({
        "id": "clinic", "name": { "zh-Hans": "门诊", "zh-Hant": "門診", "en": "Clinic" },
        "time_zone": "Asia/Shanghai", "join_by_phone": true, "public_board": true,
        "service": [
            { "id": "internal", "name": "Internal", "prefix": "A", "policy": { "overflow_max": 2 } },
            { "id": "surgery", "name": "Surgery", "prefix": "B" },
            {
                "id": "lab", "name": "Laboratory", "prefix": "L",
                "policy": { "overflow_max": 0, "over_quota_role": "manager", "slot_capacity": 1 },
            },
        ],
        "counter": [
            { "id": "r1", "name": "Room 1", "services": ["internal"] },
            { "id": "r2", "name": "Room 2", "services": ["internal"] },
            { "id": "s1", "name": "Surgery 1", "services": ["surgery"] },
            { "id": "l1", "name": "Window 1", "services": ["lab"] },
        ],
    }))
    .unwrap()
}

/// One queue; nobody looks on who was not let in.
pub fn hall() -> Declaration {
    serde_json::from_value(json!({
        "id": "hall", "name": "Hall", "time_zone": "Europe/Warsaw",
        "service": [{ "id": "all", "name": "All", "prefix": "H" }],
        "counter": [{ "id": "1", "name": "Counter 1", "services": ["all"] }],
    }))
    .unwrap()
}

/// One queue and many counters.
pub fn wide(counters: usize) -> Declaration {
    let counter = |n: usize| json!({ "id": format!("c{n}"), "name": format!("Counter {n}"), "services": ["all"] });
    let counters: Vec<Value> = (1..=counters).map(counter).collect();
    serde_json::from_value(json!({
        "id": "clinic", "name": "Wide hall", "time_zone": "Asia/Shanghai", "public_board": true,
        "service": [{ "id": "all", "name": "All", "prefix": "W" }],
        "counter": counters,
    }))
    .unwrap()
}
