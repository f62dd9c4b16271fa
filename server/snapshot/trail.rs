//! The trail of a venue: overflow and green-channel grants, calls by hand and changes of policy, as a hash chain (B3).
//!
//! Each entry carries the digest of the one before it, across days: whoever changes, removes or moves one breaks every
//! later one. A chain shows its own end only to whoever knows its head, so the head stands in the manifest, the next
//! day names it, and it can be noted elsewhere.
//!
//! ```text
//! hash = SHA-256( previous, in hexadecimal, "\n", body as canonical JSON )
//! ```
//!
//! Canonical JSON: keys sorted, no spaces, numbers whole. What is entered for a change follows from the change and the
//! day so far, so a trail can be held against the changes beside it. Other deeds need another format of snapshot.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use callnext_engine::event::Rule;
use callnext_engine::ticket::Urgency;
use callnext_engine::{Actor, Change, CounterId, Event, ReasonCode, Seq, ServiceId, TicketId, Timestamp, VenueId};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::digest::Digest;
use super::manifest::Link;

/// Entries that are remembered for being taken back: more than the engine lets anybody take back.
const RECENT_MAX: usize = 4_000;

/// One entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrailEntry {
    /// What was done, when and by whom.
    pub body: Value,
    /// The digest of the entry before.
    pub previous: Digest,
    /// The digest of this one.
    pub hash: Digest,
}

/// What was done, when and by whom.
#[derive(Debug, Serialize)]
struct Body<'a> {
    venue: &'a VenueId,
    seq: Seq,
    at: Timestamp,
    by: &'a Actor,
    #[serde(flatten)]
    deed: Deed<'a>,
}

/// What must be traceable.
#[derive(Debug, Serialize)]
#[serde(tag = "deed", rename_all = "snake_case")]
enum Deed<'a> {
    /// A day began, under these settings.
    DayOpened { date: NaiveDate, settings_sha256: Digest },
    /// Settings were changed while running (R11): by another declaration, or by somebody who said why.
    SettingsChanged {
        settings_sha256: Digest,
        changed: BTreeMap<String, Difference>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
    },
    /// A number was added beyond the quota (R5).
    OverflowGranted {
        ticket: TicketId,
        service: &'a ServiceId,
        reason: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<&'a ReasonCode>,
        approved_by: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        note: Option<&'a Arc<str>>,
    },
    /// Precedence was granted (R3, R10).
    GreenChannelGranted {
        ticket: TicketId,
        urgency: Urgency,
        reason: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<&'a ReasonCode>,
    },
    /// Somebody was called outside the rules.
    CalledByHand {
        ticket: TicketId,
        counter: &'a CounterId,
        reason: Option<&'a Arc<str>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<&'a ReasonCode>,
    },
    /// One of the above was taken back.
    Undone { change: Seq },
}

/// One setting, before and after.
#[derive(Debug, PartialEq, Serialize)]
struct Difference {
    from: Value,
    to: Value,
}

/// A chain that grows.
#[derive(Debug)]
pub struct Chain {
    venue: VenueId,
    head: Digest,
    settings: Value,
    recent: VecDeque<Seq>,
}

impl Chain {
    /// A chain that goes on from an earlier day, or begins.
    pub fn new(venue: &VenueId, previous: Option<&Link>) -> Self {
        let head = previous.map_or_else(|| beginning(venue), |link| link.head);
        Self { venue: venue.clone(), head, settings: Value::Null, recent: VecDeque::new() }
    }

    /// The digest of the last entry.
    pub fn head(&self) -> Digest {
        self.head
    }

    /// The entries that a change makes. Settings are entered as the snapshot has them, which is what `written` tells
    /// of the whole change: read by a later version and written again, they would have settings of that version too.
    pub fn follow(
        &mut self,
        change: &Change,
        written: impl Fn() -> Result<Value, serde_json::Error>,
    ) -> Result<Vec<TrailEntry>, serde_json::Error> {
        let mut entries = Vec::new();
        for (at, event) in change.events.iter().enumerate() {
            let written = |field: &str| {
                let mut written = written()?;
                let value = written.pointer_mut(&format!("/events/{at}/{field}"));
                Ok::<_, serde_json::Error>(value.map(Value::take).unwrap_or_default())
            };
            let deed = match event {
                Event::DayOpened { day, .. } => {
                    self.settings = written("config")?;
                    Deed::DayOpened { date: day.date, settings_sha256: digest(&self.settings) }
                }
                Event::VenueConfigured { .. } => self.settings_changed(written("config")?, None),
                Event::PolicyChanged { reason, .. } => {
                    let settings = under(self.settings.clone(), &written("policies")?);
                    self.settings_changed(settings, Some(reason))
                }
                Event::TicketIssued { ticket, service, overflow: Some(grant), .. } => {
                    let (reason, approved_by, note) = (&*grant.reason, &*grant.approved_by, grant.note.as_ref());
                    let code = grant.code.as_ref();
                    Deed::OverflowGranted { ticket: *ticket, service, reason, code, approved_by, note }
                }
                Event::GreenChannelGranted { ticket, urgency, reason, code } => {
                    Deed::GreenChannelGranted { ticket: *ticket, urgency: *urgency, reason, code: code.as_ref() }
                }
                Event::TicketCalled { ticket, counter, why, .. } if why.rule == Rule::ByHand => {
                    let (reason, code) = (why.reason.as_ref(), why.code.as_ref());
                    Deed::CalledByHand { ticket: *ticket, counter, reason, code }
                }
                Event::ChangeUndone { seq } if self.recent.contains(seq) => Deed::Undone { change: *seq },
                _ => continue,
            };
            let body = Body { venue: &self.venue, seq: change.seq, at: change.at, by: &change.by, deed };
            let body = serde_json::to_value(body)?;
            let (previous, hash) = (self.head, hash(self.head, &body));
            self.head = hash;
            entries.push(TrailEntry { body, previous, hash });
        }
        if !entries.is_empty() {
            self.recent.push_back(change.seq);
            if self.recent.len() > RECENT_MAX {
                self.recent.pop_front();
            }
        }
        Ok(entries)
    }

    fn settings_changed<'e>(&mut self, settings: Value, reason: Option<&'e str>) -> Deed<'e> {
        let mut changed = BTreeMap::new();
        differences(String::new(), &self.settings, &settings, &mut changed);
        self.settings = settings;
        Deed::SettingsChanged { settings_sha256: digest(&self.settings), changed, reason }
    }
}

/// The settings with these policies of some services.
fn under(mut settings: Value, policies: &Value) -> Value {
    for service in settings.get_mut("service").and_then(Value::as_array_mut).into_iter().flatten() {
        let policy = service.get("id").and_then(Value::as_str).and_then(|id| policies.get(id)).cloned();
        if let Some((of_service, policy)) = service.get_mut("policy").zip(policy) {
            *of_service = policy;
        }
    }
    settings
}

/// The digest that the first entry of a venue's trail goes on from.
pub fn beginning(venue: &VenueId) -> Digest {
    Digest::of(format!("callnext trail {venue}").as_bytes())
}

/// Where a chain is broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The entry does not go on from the one before it: one was removed, added or moved.
    #[error("entry {entry} does not go on from the one before it: an entry was removed, added or moved")]
    Order {
        /// Which, from 1.
        entry: u64,
    },
    /// The entry is not what it was.
    #[error("entry {entry} was altered")]
    Altered {
        /// Which, from 1.
        entry: u64,
    },
    /// The last entry is not the one that should be.
    #[error("it ends with {found} and not with {expected}: its last entries were removed or added")]
    End {
        /// The head it should have.
        expected: Digest,
        /// The head it has.
        found: Digest,
    },
}

/// Looks at entries one after the other.
#[derive(Debug)]
pub struct Checker {
    head: Digest,
    count: u64,
}

impl Checker {
    /// For entries that go on from here.
    pub fn new(from: Digest) -> Self {
        Self { head: from, count: 0 }
    }

    /// Whether this entry is whole, and goes on from the one before.
    pub fn check(&mut self, entry: &TrailEntry) -> Result<(), Broken> {
        self.count += 1;
        if entry.previous != self.head {
            return Err(Broken::Order { entry: self.count });
        }
        if hash(entry.previous, &entry.body) != entry.hash {
            return Err(Broken::Altered { entry: self.count });
        }
        self.head = entry.hash;
        Ok(())
    }

    /// Whether this is where it has to end.
    pub fn ends_with(&self, expected: Digest) -> Result<(), Broken> {
        if self.head == expected { Ok(()) } else { Err(Broken::End { expected, found: self.head }) }
    }

    /// How many entries it was, and the head after the last.
    pub fn reached(&self) -> (u64, Digest) {
        (self.count, self.head)
    }
}

fn hash(previous: Digest, body: &Value) -> Digest {
    let mut text = format!("{previous}\n");
    canonical(body, &mut text);
    Digest::of(text.as_bytes())
}

fn digest(value: &Value) -> Digest {
    let mut text = String::new();
    canonical(value, &mut text);
    Digest::of(text.as_bytes())
}

/// Keys sorted, no spaces. Written out here, as the order of a map's keys is a build option of the JSON library.
fn canonical(value: &Value, out: &mut String) {
    let text = |text: &str, out: &mut String| out.push_str(&Value::from(text).to_string());
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => out.push_str(&value.to_string()),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                canonical(item, out);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            let fields: BTreeMap<_, _> = fields.iter().collect();
            out.push('{');
            for (at, (key, item)) in fields.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                text(key, out);
                out.push(':');
                canonical(item, out);
            }
            out.push('}');
        }
    }
}

/// Every setting that differs, by its path; things with an id are told apart by it and not by their place.
fn differences(path: String, from: &Value, to: &Value, found: &mut BTreeMap<String, Difference>) {
    if from == to {
        return;
    }
    match (parts(from), parts(to)) {
        (Some(before), Some(after)) => {
            let keys: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
            for key in keys {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let side =
                    |side: &BTreeMap<String, &Value>| side.get(key).map_or(Value::Null, |value| (*value).clone());
                differences(path, &side(&before), &side(&after), found);
            }
        }
        _ => drop(found.insert(path, Difference { from: from.clone(), to: to.clone() })),
    }
}

/// What a value is made of, by name; none where it is told of as one.
fn parts(value: &Value) -> Option<BTreeMap<String, &Value>> {
    match value {
        Value::Object(fields) => Some(fields.iter().map(|(key, value)| (key.clone(), value)).collect()),
        Value::Array(items) if !items.is_empty() => {
            items.iter().map(|item| Some((item.get("id")?.as_str()?.to_owned(), item))).collect()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use callnext_engine::testing::{Plan, staff};
    use serde_json::json;

    use super::*;

    fn trail() -> Vec<TrailEntry> {
        let mut hall = Plan::default().counter("1").open("09:00");
        let tickets = hall.walk_ins(3);
        hall.overflow();
        hall.by(staff("nurse.wang")).grants(tickets[2], Urgency::GreenChannel);
        hall.calls_by_hand("1", tickets[1]);
        hall.undoes();
        hall.configures(|config| config.services[0].policy.ready_count = 5).unwrap();
        hall.by(staff("manager")).changes_policy(Some("ent"), |set| set.ready_count = Some(3)).unwrap();
        hall.walk_ins(4);
        let mut chain = Chain::new(&hall.venue().config().id, None);
        hall.changes()
            .iter()
            .flat_map(|change| chain.follow(change, || serde_json::to_value(change)).unwrap())
            .collect()
    }

    fn check(entries: &[TrailEntry]) -> Result<(), Broken> {
        let mut checker = Checker::new(beginning(&VenueId::parse("clinic").unwrap()));
        entries.iter().try_for_each(|entry| checker.check(entry))?;
        checker.ends_with(trail().last().unwrap().hash)
    }

    #[test]
    fn what_must_be_traceable_is_entered_and_nothing_else() {
        let deeds: Vec<_> = trail().iter().map(|entry| entry.body["deed"].as_str().unwrap().to_owned()).collect();
        let granted = ["day_opened", "overflow_granted", "green_channel_granted", "called_by_hand", "undone"];
        assert_eq!(deeds, [&granted[..], &["settings_changed"; 2]].concat());
        assert_eq!(trail()[2].body["by"], json!({"actor": "staff", "user": "nurse.wang"}));
        let changed = json!({"service.ent.policy.ready_count": {"from": 2, "to": 5}});
        assert_eq!(trail()[5].body["changed"], changed);
        let said = &trail()[6].body;
        assert_eq!(said["changed"], json!({"service.ent.policy.ready_count": {"from": 5, "to": 3}}));
        assert_eq!((&said["by"]["user"], &said["reason"]), (&json!("manager"), &json!("more people than expected")));
        assert_eq!(check(&trail()), Ok(()));
    }

    #[test]
    fn every_change_removal_and_reordering_is_found() {
        let whole = trail();
        for at in 0..whole.len() {
            let mut removed = whole.clone();
            removed.remove(at);
            assert!(check(&removed).is_err(), "{at} removed");
            for other in 0..at {
                let mut moved = whole.clone();
                moved.swap(at, other);
                assert!(check(&moved).is_err(), "{at} and {other} swapped");
            }
            let mut doubled = whole.clone();
            doubled.insert(at, whole[at].clone());
            assert!(check(&doubled).is_err(), "{at} doubled");
            for field in ["at", "seq", "by", "deed"] {
                let mut altered = whole.clone();
                altered[at].body[field] = json!("other");
                assert_eq!(check(&altered), Err(Broken::Altered { entry: at as u64 + 1 }), "{field} of {at}");
                // Whoever makes the entry agree with itself breaks the next one, or the end.
                altered[at].hash = hash(altered[at].previous, &altered[at].body);
                assert!(check(&altered).is_err(), "{field} of {at}, made to agree");
            }
        }
    }

    #[test]
    fn json_is_written_in_one_way() {
        let mut text = String::new();
        canonical(&json!({"b": [1, {"z": null, "a": "\"q\"\n"}], "a": true, "é": 2}), &mut text);
        assert_eq!(text, r#"{"a":true,"b":[1,{"a":"\"q\"\n","z":null}],"é":2}"#);
    }
}
