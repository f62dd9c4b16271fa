//! What is wrong with a declaration.

use std::collections::BTreeSet;
use std::fmt;

use crate::config::policy::Rules;
use crate::config::{
    CLASSES_MAX, COUNTERS_MAX, EXPECTED_S_MAX, INSIDE_MAX, Numbering, PREFIX_CHARS_MAX, REASONS_MAX, SERVICES_MAX,
    SESSIONS_MAX, ServiceConfig, VenueConfig,
};
use crate::dispatch::WEIGHT_MAX;
use crate::ids::VenueId;
use crate::text::Text;

/// What is wrong with a declaration: where, and in what words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The place, as a path: `venue "clinic": service "ent": prefix`.
    pub place: String,
    /// The problem and what would be right.
    pub problem: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}

impl<P: Rules + Default> VenueConfig<P> {
    /// Everything wrong with this declaration, in the order in which it is written; empty when it is sound.
    pub fn problems(&self) -> Vec<ConfigError> {
        let mut found = Problems { venue: self.id.clone(), list: Vec::new() };
        if self.name.is_blank() {
            found.add("name", "is empty");
        }
        if let Some(mark) = &self.mark
            && (mark.is_empty() || mark.chars().count() > PREFIX_CHARS_MAX || !mark.chars().all(char::is_alphabetic))
        {
            found.add("mark", &format!("use 1 to {PREFIX_CHARS_MAX} letters"));
        }
        if self.services.is_empty() || self.services.len() > SERVICES_MAX {
            found.add("service", &format!("a venue has 1 to {SERVICES_MAX} services, not {}", self.services.len()));
        }
        if self.counters.is_empty() || self.counters.len() > COUNTERS_MAX {
            found.add("counter", &format!("a venue has 1 to {COUNTERS_MAX} counters, not {}", self.counters.len()));
        }
        for wrong in self.policy.problems() {
            found.add(&format!("policy.{}", wrong.path), &wrong.problem);
        }
        self.reason_problems(&mut found);
        self.session_problems(&mut found);
        let mut seen = BTreeSet::new();
        for service in &self.services {
            let place = format!("service \"{}\"", service.id);
            if !seen.insert(service.id.as_str()) {
                found.add(&place, "is declared twice");
            }
            service.problems(&place, &mut found);
            let letters = service.prefix.chars().count() + usize::from(self.numbering == Numbering::Session);
            if letters > PREFIX_CHARS_MAX {
                found.add(
                    &format!("{place}: prefix"),
                    &format!("is longer than {PREFIX_CHARS_MAX} with a session's letter"),
                );
            }
        }
        let mut seen = BTreeSet::new();
        for counter in &self.counters {
            let place = format!("counter \"{}\"", counter.id);
            if !seen.insert(counter.id.as_str()) {
                found.add(&place, "is declared twice");
            }
            if counter.name.is_blank() {
                found.add(&format!("{place}: name"), "is empty");
            }
            if counter.services.is_empty() {
                found.add(&format!("{place}: services"), "is empty: a counter serves at least one service");
            }
            for service in counter.services.iter().filter(|id| self.service(id).is_none()) {
                found.add(&format!("{place}: services"), &format!("there is no service \"{service}\""));
            }
            if counter.second_waiting.is_some_and(|area| !(1..=INSIDE_MAX).contains(&area.limit)) {
                found.add(&format!("{place}: second_waiting.limit"), &format!("is not from 1 to {INSIDE_MAX}"));
            }
            for (service, weight) in counter.weights.given() {
                let place = format!("{place}: weights.{service}");
                if !counter.services.contains(service) {
                    found.add(&place, "is not one of the counter's services");
                }
                if !(1..=WEIGHT_MAX).contains(&weight) {
                    found.add(&place, &format!("{weight} is not from 1 to {WEIGHT_MAX}"));
                }
            }
        }
        found.list
    }

    fn reason_problems(&self, found: &mut Problems) {
        for (kind, list) in self.reasons.lists() {
            let place = format!("reasons.{kind}");
            if list.is_empty() || list.len() > REASONS_MAX {
                found.add(&place, &format!("has 1 to {REASONS_MAX} reasons, not {}", list.len()));
            }
            let mut seen = BTreeSet::new();
            for reason in list {
                if !seen.insert(reason.code.as_str()) {
                    found.add(&place, &format!("\"{}\" is there twice", reason.code));
                }
                if reason.name.as_ref().is_some_and(Text::is_blank) {
                    found.add(&format!("{place}.{}: name", reason.code), "is empty");
                }
            }
        }
    }

    fn session_problems(&self, found: &mut Problems) {
        if self.sessions.len() > SESSIONS_MAX {
            found.add("session", &format!("a day has at most {SESSIONS_MAX} sessions, not {}", self.sessions.len()));
        }
        if self.numbering == Numbering::Session && self.sessions.is_empty() {
            found.add("numbering", "is per session, but no session is declared");
        }
        let (mut ids, mut letters, mut free_from) = (BTreeSet::new(), BTreeSet::new(), 0);
        for session in &self.sessions {
            let place = format!("session \"{}\"", session.id);
            if !ids.insert(session.id.as_str()) {
                found.add(&place, "is declared twice");
            }
            if session.name.is_blank() {
                found.add(&format!("{place}: name"), "is empty");
            }
            let (start, end) = self.minutes_of(session);
            if end <= start {
                found.add(&format!("{place}: end"), "is not after its start within one business day");
            }
            if start < free_from {
                found.add(&format!("{place}: start"), "is before the end of the session declared before it");
            }
            free_from = end;
            if self.numbering == Numbering::Session {
                let letter = session.letter.as_str();
                if letter.chars().count() != 1 || !letter.chars().all(char::is_alphabetic) {
                    found.add(&format!("{place}: letter"), "is not one letter, and numbers are per session");
                } else if !letters.insert(letter) {
                    found.add(&format!("{place}: letter"), "is another session's too");
                }
            }
        }
    }
}

struct Problems {
    venue: VenueId,
    list: Vec<ConfigError>,
}

impl Problems {
    fn add(&mut self, place: &str, problem: &str) {
        let place = format!("venue \"{}\": {place}", self.venue);
        self.list.push(ConfigError { place, problem: problem.to_owned() });
    }
}

impl<P: Rules + Default> ServiceConfig<P> {
    fn problems(&self, place: &str, found: &mut Problems) {
        if self.name.is_blank() {
            found.add(&format!("{place}: name"), "is empty");
        }
        if self.prefix.chars().count() > PREFIX_CHARS_MAX || !self.prefix.chars().all(char::is_alphabetic) {
            found.add(&format!("{place}: prefix"), &format!("use at most {PREFIX_CHARS_MAX} letters"));
        }
        if self.classes.len() > CLASSES_MAX {
            found.add(&format!("{place}: class"), &format!("a service has at most {CLASSES_MAX} classes"));
        }
        let mut seen = BTreeSet::new();
        for class in &self.classes {
            let place = format!("{place}: class \"{}\"", class.id);
            if !seen.insert(class.id.as_str()) {
                found.add(&place, "is declared twice");
            }
            if class.name.is_blank() {
                found.add(&format!("{place}: name"), "is empty");
            }
            if !(1..=EXPECTED_S_MAX).contains(&class.expected_s) {
                found.add(&format!("{place}: expected_s"), &format!("is not from 1 to {EXPECTED_S_MAX}"));
            }
        }
        for wrong in self.policy.problems() {
            found.add(&format!("{place}: policy.{}", wrong.path), &wrong.problem);
        }
    }
}
