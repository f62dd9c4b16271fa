//! A console as a page keeps it: the whole queue once, and then what changed.

use std::collections::BTreeMap;

use serde_json::Value;

use super::socket::stands;

/// What a console knows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Copy {
    pub epoch: String,
    pub seq: u64,
    rows: BTreeMap<(&'static str, String), Value>,
    /// Whole queues it was sent.
    pub wholes: usize,
}

/// The lists of rows, and what their rows are named by.
const LISTS: [(&str, &str); 4] = [("services", "id"), ("counters", "id"), ("tickets", "id"), ("appointments", "code")];

impl Copy {
    /// A copy of this queue.
    pub fn of(queue: &Value) -> Self {
        let mut copy = Self::default();
        assert!(copy.hear(queue));
        copy
    }

    /// Takes in a frame; false where something is missing before it.
    pub fn hear(&mut self, frame: &Value) -> bool {
        let (epoch, seq) = stands(frame);
        match frame["type"].as_str() {
            Some("console") => {
                self.rows.clear();
                self.wholes += 1;
            }
            Some("change") => {
                if epoch != self.epoch || frame["from"] != self.seq {
                    return false;
                }
                for (list, name) in [("tickets", "removed"), ("appointments", "appointments_removed")] {
                    for gone in frame[name].as_array().unwrap() {
                        self.rows.remove(&(list, named(gone)));
                    }
                }
            }
            other => panic!("no frame for consoles: {other:?}"),
        }
        for (list, name) in LISTS {
            for row in frame[list].as_array().unwrap() {
                self.rows.insert((list, named(&row[name])), row.clone());
            }
        }
        (self.epoch, self.seq) = (epoch, seq);
        true
    }

    /// What differs, in words.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let names = self.rows.keys().chain(other.rows.keys()).collect::<std::collections::BTreeSet<_>>();
        let differ = names.into_iter().filter(|name| self.rows.get(name) != other.rows.get(name));
        differ
            .map(|name| format!("{name:?}: {:?} here, {:?} there", self.rows.get(name), other.rows.get(name)))
            .collect()
    }
}

fn named(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}
