//! Every setting there is, made from the types that read them: what it does, its type, unit, range, default and rule.
//!
//! A policy's settings come from the engine's declaration of them, the others from the schemas and the defaults of
//! the settings' own types. There is no list here: `callnext config reference`, `SETTINGS.md`, the interface and the
//! managers' page all show this.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use callnext_engine::config::{Kind, Policy, Reasons, SettingInfo};
use callnext_engine::{Declaration, Text};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{ClusterSettings, JournalSettings, ServerSettings};
use crate::journal::redis::RedisOptions;
use crate::snapshot::SnapshotSettings;

/// Every setting, in the order in which a settings file is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Reference {
    /// The tables of a settings file.
    pub sections: Vec<Section>,
}

/// The settings of one table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Section {
    /// What they are of: `server`, `venue`, `policy` …
    pub name: String,
    /// Where they are written.
    pub place: String,
    /// Whether a manager can change them while the server runs, and the settings file counts only where nobody did.
    pub changeable: bool,
    /// The settings.
    pub settings: Vec<Setting>,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ReferenceSetting)]
pub struct Setting {
    /// Its name; of an entry of a table, the way to it.
    pub path: String,
    /// What it does.
    pub about: String,
    /// How it is written.
    #[serde(rename = "type")]
    pub kind: SettingType,
    /// What it can be, where it is one of a few words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<SettingWord>,
    /// What it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The least it can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub least: Option<u64>,
    /// The most it can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<u64>,
    /// All it can be, where that is a few numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub among: Vec<u32>,
    /// Whether it has to be written.
    pub required: bool,
    /// What it is where it is not written; none where there is nothing then.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub default: Value,
    /// The rules of the rule book it belongs to.
    pub rules: Vec<String>,
}

/// How a setting is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SettingType {
    /// A whole number.
    Number,
    /// `true` or `false`.
    YesNo,
    /// One of a few words.
    Word,
    /// A text.
    Text,
    /// A text, or one for each language: `{ zh-Hans = "…", zh-Hant = "…", en = "…" }`.
    Name,
    /// Several texts or words.
    List,
    /// A table of whole numbers.
    Numbers,
}

/// One of a few words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettingWord {
    /// As it is written.
    pub word: String,
    /// What it means.
    pub about: String,
}

/// Every setting there is.
pub fn reference() -> Reference {
    let venue = declared();
    let part = |name: &str| venue.pointer(&format!("/{name}/0")).cloned().unwrap_or_default();
    let section = |name: &str, place: &str, settings| Section {
        name: name.to_owned(),
        place: place.to_owned(),
        changeable: false,
        settings,
    };
    let policy = Section {
        changeable: true,
        ..section(
            "policy",
            "[venue.policy] for every service that does not say otherwise, [venue.service.policy] for one",
            Policy::settings().iter().map(of_policy).collect(),
        )
    };
    Reference {
        sections: vec![
            section("server", "[server]", of_default::<ServerSettings>()),
            section("journal", "[journal]", of_default::<JournalSettings>()),
            section("redis", "[journal.redis]", of_default::<RedisOptions>()),
            section("cluster", "[cluster]", of_default::<ClusterSettings>()),
            section("snapshot", "[snapshot]", of_default::<SnapshotSettings>()),
            section("venue", "[[venue]]", of_schema::<Declaration>("VenueConfig", &venue)),
            section("reasons", "[venue.reasons]", of_default::<Reasons>()),
            section("session", "[[venue.session]]", of_schema::<Declaration>("SessionConfig", &part("session"))),
            section("service", "[[venue.service]]", of_schema::<Declaration>("ServiceConfig", &part("service"))),
            section("class", "[[venue.service.class]]", of_schema::<Declaration>("ClassConfig", &Value::Null)),
            policy,
            section("counter", "[[venue.counter]]", of_schema::<Declaration>("CounterConfig", &part("counter"))),
            section(
                "second_waiting",
                "[venue.counter.second_waiting]",
                of_schema::<Declaration>("SecondWaiting", &Value::Null),
            ),
        ],
    }
}

/// What is understood of a venue that says only what it must: what is not among it has its default.
fn declared() -> Value {
    let written = json!({
        "id": "x", "name": "x", "time_zone": "UTC",
        "session": [{ "id": "x", "name": "x", "start": "08:00", "end": "12:00" }], "service": [{ "id": "x", "name": "x" }], "counter": [{ "id": "x", "name": "x", "services": ["x"] }],
    });
    let understood = serde_json::from_value::<Declaration>(written).ok();
    understood.and_then(|venue| serde_json::to_value(venue).ok()).unwrap_or_default()
}

fn of_policy(info: &SettingInfo) -> Setting {
    let (about, rules) = rules_of(&info.about);
    let (kind, words) = match info.kind {
        Kind::Number => (SettingType::Number, Vec::new()),
        Kind::YesNo => (SettingType::YesNo, Vec::new()),
        Kind::Word(words) => {
            let word = |word: &callnext_engine::config::Word| SettingWord {
                word: word.word.to_owned(),
                about: word.about.trim().to_owned(),
            };
            (SettingType::Word, words.iter().map(word).collect())
        }
    };
    Setting {
        path: info.path.clone(),
        about,
        kind,
        words,
        unit: info.unit.map(str::to_owned),
        least: info.range.least,
        most: info.range.most,
        among: info.range.among.to_vec(),
        required: false,
        default: serde_json::to_value(info.default).unwrap_or_default(),
        rules,
    }
}

fn of_default<T: ToSchema + Default + Serialize>() -> Vec<Setting> {
    of_schema::<T>(&T::name(), &serde_json::to_value(T::default()).unwrap_or_default())
}

/// The settings of a type, as its schema describes them. Tables within it have sections of their own.
fn of_schema<T: ToSchema>(name: &str, defaults: &Value) -> Vec<Setting> {
    let mut schemas = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut schemas);
    let schemas: BTreeMap<String, Value> =
        schemas.into_iter().filter_map(|(name, schema)| Some((name, serde_json::to_value(schema).ok()?))).collect();
    let Some(schema) = schemas.iter().find(|(known, _)| known.starts_with(name)).map(|(_, schema)| schema) else {
        return Vec::new();
    };
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let none = Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&none);
    let setting = |(name, property): (&String, &Value)| {
        let (kind, words) = kind_of(property, &schemas)?;
        let (about, rules) = rules_of(property["description"].as_str().unwrap_or_default());
        let required = required.contains(&name.as_str());
        let default = [&defaults[name], &property["default"]].into_iter().find(|known| !known.is_null() && !required);
        let default = default.cloned().unwrap_or_default();
        let (unit, least, most) = (unit_of(name), property["minimum"].as_u64(), property["maximum"].as_u64());
        let (path, among) = (name.clone(), Vec::new());
        Some(Setting { path, about, kind, words, unit, least, most, among, required, default, rules })
    };
    properties.iter().filter_map(setting).collect()
}

/// How a property is written; none for a table with a section of its own.
fn kind_of(property: &Value, schemas: &BTreeMap<String, Value>) -> Option<(SettingType, Vec<SettingWord>)> {
    let inner =
        ["oneOf", "allOf"].iter().find_map(|of| property[*of].as_array()?.iter().find(|one| one["$ref"].is_string()));
    let reference = inner.unwrap_or(property)["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
    if let Some(name) = reference {
        let words = words_of(schemas.get(name)?);
        return match (name == Text::name(), words.is_empty()) {
            (true, _) => Some((SettingType::Name, Vec::new())),
            (false, false) => Some((SettingType::Word, words)),
            (false, true) => None,
        };
    }
    let kind = match &property["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null")?,
        kind => kind.as_str()?,
    };
    match kind {
        "integer" => Some((SettingType::Number, Vec::new())),
        "boolean" => Some((SettingType::YesNo, Vec::new())),
        "string" => Some((SettingType::Text, Vec::new())),
        "object" if property.pointer("/additionalProperties/type").is_some_and(|kind| kind == "integer") => {
            Some((SettingType::Numbers, Vec::new()))
        }
        "array" => {
            let (kind, words) = kind_of(&property["items"], schemas)?;
            matches!(kind, SettingType::Text | SettingType::Word).then_some((SettingType::List, words))
        }
        _ => None,
    }
}

fn words_of(schema: &Value) -> Vec<SettingWord> {
    let words = schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
    words.map(|word| SettingWord { word: word.to_owned(), about: String::new() }).collect()
}

/// Units stand last in a name.
fn unit_of(name: &str) -> Option<String> {
    let units = [("_s", "seconds"), ("_ms", "milliseconds"), ("_days", "days")];
    units.iter().find(|(end, _)| name.ends_with(end)).map(|(_, unit)| (*unit).to_owned())
}

/// A description without the ids of rules in brackets, and the ids.
fn rules_of(about: &str) -> (String, Vec<String>) {
    let is_rule = |id: &str| {
        let digits = id.trim_start_matches(|c: char| c.is_ascii_uppercase());
        digits.len() + 1 == id.len() && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let (mut text, mut rules, mut rest) = (String::new(), Vec::new(), about);
    while let Some((before, (inside, after))) =
        rest.split_once('(').and_then(|(before, rest)| Some((before, rest.split_once(')')?)))
    {
        let ids: Vec<&str> = inside.split(',').map(str::trim).collect();
        if ids.iter().all(|id| is_rule(id)) {
            text.push_str(before.trim_end());
            rules.extend(ids.into_iter().map(str::to_owned));
        } else {
            text.push_str(&format!("{before}({inside})"));
        }
        rest = after;
    }
    text.push_str(rest);
    (text.split_whitespace().collect::<Vec<_>>().join(" "), rules)
}

impl fmt::Display for Reference {
    /// Markdown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEAD)?;
        self.sections.iter().try_for_each(|section| write!(f, "{section}"))
    }
}

const HEAD: &str = "# Settings

<!-- Made by `callnext config reference > server/SETTINGS.md`: change the types, not this file. -->

One TOML file; `callnext config example` prints one to begin with, `callnext config check` reads one back. Every
setting of `[server]`, `[journal]`, `[journal.redis]`, `[cluster]` and `[snapshot]` can also come from the environment
(`CALLNEXT__SERVER__LISTEN`), which stands over the file.

Policies are put together from layers, of which each names only what it says otherwise. From the ground up: what is
built in, `[venue.policy]`, what was changed for the venue while running, `[venue.service.policy]`, what was changed
for the service while running. A change made while running stands over the file, also when the file changes, until a
manager gives the setting back or, if it was made for today, until the business day ends.

A rule is named by its id in the rule book of the queue.
";

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let changeable = if self.changeable { " Changeable while running, in force at the next call." } else { "" };
        write!(f, "\n## {}\n\n{}.{changeable}\n\n", self.name, in_code(&self.place))?;
        f.write_str(
            "| setting | type | unit | range | default | rule | what it does |\n|---|---|---|---|---|---|---|\n",
        )?;
        for setting in &self.settings {
            writeln!(
                f,
                "| `{}` | {} | {} | {} | {} | {} | {} |",
                setting.path,
                setting.kind_in_words(),
                setting.unit.as_deref().unwrap_or_default(),
                setting.range(),
                setting.default_in_words(),
                setting.rules.join(", "),
                setting.about_in_words(),
            )?;
        }
        Ok(())
    }
}

fn in_code(place: &str) -> String {
    place.replace('[', "`[").replace("`[`[", "`[[").replace(']', "]`").replace("]`]`", "]]`")
}

impl Setting {
    fn kind_in_words(&self) -> &'static str {
        match self.kind {
            SettingType::Number => "whole number",
            SettingType::YesNo => "yes or no",
            SettingType::Word => "word",
            SettingType::Text => "text",
            SettingType::Name => "text, or one per language",
            SettingType::List => "list",
            SettingType::Numbers => "table of whole numbers",
        }
    }

    fn range(&self) -> String {
        if !self.among.is_empty() {
            return self.among.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        }
        match (self.least, self.most) {
            (Some(least), Some(most)) => format!("{least} to {most}"),
            (Some(least), None) => format!("{least} or more"),
            (None, Some(most)) => format!("at most {most}"),
            (None, None) => {
                let words: Vec<_> = self.words.iter().map(|word| format!("`{}`", word.word)).collect();
                words.join(", ")
            }
        }
    }

    fn default_in_words(&self) -> String {
        match &self.default {
            Value::Null if self.required => "must be written".to_owned(),
            Value::Null => "none".to_owned(),
            value => format!("`{value}`"),
        }
    }

    fn about_in_words(&self) -> String {
        let mut text = self.about.clone();
        for word in self.words.iter().filter(|word| !word.about.is_empty()) {
            // A string takes whatever is written to it.
            let _ = write!(text, " `{}`: {}", word.word, word.about);
        }
        text.replace('|', "\\|")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/server/SETTINGS.md");

    #[test]
    fn the_document_is_what_the_types_say() {
        let made = reference().to_string();
        if std::env::var_os("CALLNEXT_BLESS").is_some() {
            std::fs::write(FILE, &made).unwrap();
        }
        let kept = std::fs::read_to_string(FILE).unwrap_or_default();
        assert!(made == kept, "server/SETTINGS.md is stale: run callnext config reference > server/SETTINGS.md");
    }

    #[test]
    fn every_setting_says_what_it_does() {
        for section in reference().sections {
            assert!(!section.settings.is_empty(), "{}", section.name);
            for setting in section.settings {
                let Setting { path, about, kind, words, .. } = &setting;
                assert!(about.ends_with('.') && about.len() > 10, "{}.{path}: {about:?}", section.name);
                assert_eq!(
                    matches!(kind, SettingType::Word),
                    !words.is_empty() && *kind != SettingType::List,
                    "{path}"
                );
            }
        }
    }

    #[test]
    fn rules_are_told_apart_from_other_brackets() {
        for (written, about, rules) in [
            ("Order inside a lane (R2).", "Order inside a lane.", vec!["R2"]),
            ("Calls (R1, B11), in turn.", "Calls, in turn.", vec!["R1", "B11"]),
            ("A zone (IANA name) of it.", "A zone (IANA name) of it.", vec![]),
            ("Open (", "Open (", vec![]),
        ] {
            let rules = rules.into_iter().map(str::to_owned).collect::<Vec<_>>();
            assert_eq!(rules_of(written), (about.to_owned(), rules));
        }
    }
}
