//! Reads what is said of policies, setting by setting: by a request, or on the command line.
//!
//! The one place where a way (`weights.walk_in`) and a value become part of a patch. What settings there are, and
//! which values they can have, the engine's declaration alone knows.

use std::collections::BTreeSet;
use std::sync::Arc;

use callnext_engine::config::{Kind, Policy, PolicyPatch, Rules, SettingInfo, SettingProblem};
use serde_json::{Map, Value};

/// What people call the weights of the lanes.
const RATIO: &str = "ratio";
/// The ratio's name in the policy.
const WEIGHTS: &str = "weights";

/// What is said of policies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// The settings that are given a value.
    pub set: PolicyPatch,
    /// The settings that are given back (`null`).
    pub dropped: Vec<Arc<str>>,
}

/// Reads all that is said, `{"grace_s": 90, "weights": {"walk_in": 4}, "weights.late": null}`.
///
/// # Errors
///
/// Everything that is no setting or no value of it, out of range included.
pub fn read(said: &Map<String, Value>) -> Result<Said, Vec<SettingProblem>> {
    let (mut read, mut problems) = (Said::default(), Vec::new());
    let known = Policy::settings();
    for (path, value) in leaves(said, "") {
        match known.iter().find(|info| info.path == path) {
            Some(info) if value.is_null() => read.dropped.push(info.path.as_str().into()),
            Some(info) => match patch(info, &value) {
                Some(patch) => read.set.put_over(&patch),
                None => problems.push(SettingProblem { path, problem: unfit(info, &value) }),
            },
            None => problems.push(SettingProblem { problem: unknown(&known, &path), path }),
        }
    }
    problems.extend(read.set.problems());
    if problems.is_empty() { Ok(read) } else { Err(problems) }
}

/// The way to each value; `ratio` is another name of the weights.
fn leaves(said: &Map<String, Value>, within: &str) -> Vec<(String, Value)> {
    let leaf = |(name, value): (&String, &Value)| {
        let path = format!("{within}{name}");
        match value {
            Value::Object(inside) if !inside.is_empty() => leaves(inside, &format!("{path}.")),
            other => vec![(path, other.clone())],
        }
    };
    let named = |(path, value): (String, Value)| match path.split_once('.') {
        Some((RATIO, lane)) => (format!("{WEIGHTS}.{lane}"), value),
        _ => (path, value),
    };
    said.iter().flat_map(leaf).map(named).collect()
}

fn patch(info: &SettingInfo, value: &Value) -> Option<PolicyPatch> {
    let nest = |value: Value, name: &str| Value::Object(Map::from_iter([(name.to_owned(), value)]));
    serde_json::from_value(info.path.rsplit('.').fold(value.clone(), nest)).ok()
}

fn unfit(info: &SettingInfo, value: &Value) -> String {
    match info.kind {
        Kind::Number if info.range.among.is_empty() => format!("{value} is not a whole number {}", info.range),
        Kind::Number => format!("{value} is not {}", info.range),
        Kind::YesNo => format!("{value} is neither true nor false"),
        Kind::Word(words) => {
            let words: Vec<_> = words.iter().map(|word| word.word).collect();
            format!("{value} is none of {}", words.join(", "))
        }
    }
}

fn unknown(known: &[SettingInfo], path: &str) -> String {
    let within = path.split_once('.').map(|(field, _)| format!("{field}."));
    let inside = known.iter().filter_map(|info| info.path.strip_prefix(within.as_deref()?)).collect::<Vec<_>>();
    if !inside.is_empty() {
        return format!("there is no such setting; there are {}", inside.join(", "));
    }
    let fields: BTreeSet<&str> = known.iter().filter_map(|info| info.path.split('.').next()).collect();
    if fields.contains(path) {
        return "is a table: name what is in it".to_owned();
    }
    format!("there is no such setting; there are {}", Vec::from_iter(fields).join(", "))
}

#[cfg(test)]
mod tests {
    use callnext_engine::Lane;
    use callnext_engine::config::{LateJoin, LatePatch, MissedPatch};
    use serde_json::json;

    use super::*;

    fn said(value: &Value) -> Result<Said, Vec<SettingProblem>> {
        read(value.as_object().unwrap())
    }

    fn problems(value: &Value) -> Vec<String> {
        said(value).unwrap_err().into_iter().map(|wrong| format!("{}: {}", wrong.path, wrong.problem)).collect()
    }

    #[test]
    fn every_setting_can_be_said_with_its_default() {
        for info in Policy::settings() {
            let value = serde_json::to_value(info.default).unwrap();
            let read = said(&json!({ info.path.clone(): value })).unwrap();
            assert_eq!(read.set.said(&info.path), Some(info.default), "{}", info.path);
        }
    }

    #[test]
    fn a_table_can_be_said_whole_or_in_part_and_by_its_short_name() {
        let whole = said(&json!({ "weights": { "walk_in": 4, "late": 2 } })).unwrap();
        assert_eq!(whole, said(&json!({ "weights.walk_in": 4, "ratio.late": 2 })).unwrap());
        assert_eq!(whole.set.weights.unwrap().of(Lane::WalkIn), 4);
    }

    #[test]
    fn the_parts_of_a_rule_are_said_apart() {
        let read = said(&json!({ "missed": { "calls": 5 }, "late.rejoin": "tail" }));
        assert_eq!(read.unwrap_err()[0].path, "late.rejoin", "only the missed go to the tail");
        let read = said(&json!({ "missed.calls": 5, "late": { "rejoin": "shifted" } })).unwrap();
        let missed = MissedPatch { calls: Some(5), ..MissedPatch::default() };
        let late = LatePatch { rejoin: Some(LateJoin::Shifted), ..LatePatch::default() };
        assert_eq!(read.set, PolicyPatch { missed: Some(missed), late: Some(late), ..PolicyPatch::default() });
    }

    #[test]
    fn null_gives_a_setting_back() {
        let read = said(&json!({ "grace_s": null, "weights": { "late": null }, "ready_count": 3 })).unwrap();
        assert_eq!(read.dropped, [Arc::<str>::from("grace_s"), "weights.late".into()]);
        assert_eq!(read.set, PolicyPatch { ready_count: Some(3), ..PolicyPatch::default() });
    }

    #[test]
    fn everything_wrong_is_told_at_once_with_what_would_be_right() {
        let told = problems(&json!({
            "redy_count": 3, "ready_count": "many", "early_when_idle": 1, "order": "alphabet", "grace_s": 86401,
            "misses_max": -1, "weights": 7, "slot_min": "long", "slot_capacity": -1, "missed": { "rejoin": "soon" }, "ratio": { "vip": 3, "late": 1.5 },
        }));
        let expected = [
            "early_when_idle: 1 is neither true nor false",
            "misses_max: -1 is not a whole number from 1 on",
            "slot_min: \"long\" is not one of 10, 15, 30, 60",
            "slot_capacity: -1 is not a whole number from 0 on",
            "missed.rejoin: \"soon\" is none of lane, after_calls, per_calls, slot_end, session_end, tail",
            "order: \"alphabet\" is none of slot_then_check_in, number, check_in",
            "weights.late: 1.5 is not a whole number from 1 to 20",
            "weights.vip: there is no such setting; there are appointment, walk_in, overflow, return_visit, missed, \
             late, referral",
            "ready_count: \"many\" is not a whole number from 0 to 20",
            "weights: is a table: name what is in it",
            "grace_s: 86401 is not from 0 to 86400",
        ];
        assert_eq!(told.len(), expected.len() + 1, "{told:#?}");
        for problem in expected {
            assert!(told.iter().any(|told| told == problem), "{problem} in {told:#?}");
        }
        let unknown = told.iter().find(|told| told.starts_with("redy_count: there is no such setting")).unwrap();
        assert!(unknown.contains("ready_count") && !unknown.contains("weights."), "{unknown}");
    }
}
