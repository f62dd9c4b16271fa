//! Changes of settings as they are written on the command line, and the declaration they make of a venue's.
//!
//! There is no list of settings here: a setting is read as one that a manager changes while running (`settings::said`),
//! and the engine's own checks say whether the whole is sound.

use std::fmt;
use std::str::FromStr;

use callnext_engine::VenueConfig;
use callnext_engine::config::{ConfigError, PolicyPatch, SettingProblem};
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::settings::said;

/// Most variants of one run: more do not fit a page, and each plays the whole day.
pub const VARIANTS_MAX: usize = 20;
/// Stands for every service.
const EVERY: &str = "*";
/// The policy's name in a service's settings; a path may begin with it or not.
const POLICY: &str = "policy";

const SET_HELP: &str = "A setting to try: a service, or * for all, then a field of its policy as in the settings file \
('*.policy.weights.appointment=6', in short '*.ratio.appointment=6'; 'surgery.ready_count=3'). Several make one variant";
const VARIANT_HELP: &str = "Begins another variant: the settings after it are tried apart from those before it";

/// One setting to try.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// As it was written.
    text: String,
    service: String,
    /// The way to the field, from the policy on.
    path: String,
    value: Value,
}

/// Why a change cannot be tried.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// Not in the form of a setting.
    #[error("\"{0}\" is not SERVICE.FIELD=VALUE, like '*.ratio.appointment=6'")]
    NotASetting(String),
    /// The venue has no such service.
    #[error("{setting}: venue \"{venue}\" has no service \"{service}\"; it has {}, and * is all of them", has.join(", "))]
    ServiceUnknown {
        /// As it was written.
        setting: String,
        /// What was asked for.
        service: String,
        /// The venue.
        venue: String,
        /// What it has.
        has: Vec<String>,
    },
    /// There is no such setting, or it cannot have this value.
    #[error("{setting}: {}", Told(problems))]
    Unfit {
        /// As it was written.
        setting: String,
        /// What is wrong, and what there is.
        problems: Vec<SettingProblem>,
    },
    /// The venue would make no sense.
    #[error("{variant} cannot be tried{}", Lines(problems))]
    Unsound {
        /// The variant's name.
        variant: String,
        /// What is wrong.
        problems: Vec<ConfigError>,
    },
}

impl FromStr for Setting {
    type Err = ChangeError;

    fn from_str(text: &str) -> Result<Self, ChangeError> {
        let not_a_setting = || ChangeError::NotASetting(text.to_owned());
        let (place, value) = text.split_once('=').ok_or_else(not_a_setting)?;
        let (service, path) = place.trim().split_once('.').ok_or_else(not_a_setting)?;
        let path = path.strip_prefix(POLICY).and_then(|rest| rest.strip_prefix('.')).unwrap_or(path);
        let value = value.trim();
        if service.is_empty() || value.is_empty() || path.split('.').any(str::is_empty) || path == POLICY {
            return Err(not_a_setting());
        }
        // A number, a yes or no, or a table; anything else is a word.
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
        Ok(Self { text: text.to_owned(), service: service.to_owned(), path: path.to_owned(), value })
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Setting {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl Setting {
    fn put_into(&self, venue: &mut VenueConfig) -> Result<(), ChangeError> {
        let concerned = |id: &str| self.service == EVERY || self.service == id;
        if !venue.services.iter().any(|service| concerned(service.id.as_str())) {
            return Err(ChangeError::ServiceUnknown {
                setting: self.text.clone(),
                service: self.service.clone(),
                venue: venue.id.to_string(),
                has: venue.services.iter().map(|service| service.id.to_string()).collect(),
            });
        }
        let patch = self.patch()?;
        for service in venue.services.iter_mut().filter(|service| concerned(service.id.as_str())) {
            service.policy.put_over(&patch);
        }
        Ok(())
    }

    fn patch(&self) -> Result<PolicyPatch, ChangeError> {
        let said = said::read(&Map::from_iter([(self.path.clone(), self.value.clone())]));
        let unfit = |problems| ChangeError::Unfit { setting: self.text.clone(), problems };
        match said.map_err(unfit)? {
            said if said.dropped.is_empty() => Ok(said.set),
            // Nothing was changed while running, on a recorded day: there is nothing to give back.
            _ => Err(ChangeError::NotASetting(self.text.clone())),
        }
    }
}

/// Settings that are tried together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Variant {
    /// What it is called in the report.
    pub name: String,
    /// What differs from the settings as they are; of two for the same field the later counts.
    pub settings: Vec<Setting>,
}

impl Variant {
    /// The venue under these settings.
    ///
    /// # Errors
    ///
    /// There is no such service, field or value, or the whole makes no sense.
    pub fn of(&self, venue: &VenueConfig) -> Result<VenueConfig, ChangeError> {
        let mut changed = venue.clone();
        self.settings.iter().try_for_each(|setting| setting.put_into(&mut changed))?;
        let problems = changed.problems();
        if problems.is_empty() {
            Ok(changed)
        } else {
            Err(ChangeError::Unsound { variant: self.name.clone(), problems })
        }
    }
}

/// The variants of a command line. Read by hand, because which settings belong together is a matter of their order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Variants(pub Vec<Variant>);

impl Args for Variants {
    fn augment_args(command: Command) -> Command {
        let set = Arg::new("set").long("set").value_name("SETTING").action(ArgAction::Append);
        let variant = Arg::new("variant").long("variant").value_name("NAME").action(ArgAction::Append);
        command
            .arg(set.value_parser(Setting::from_str).help(SET_HELP))
            .arg(variant.num_args(0..=1).require_equals(true).default_missing_value("").help(VARIANT_HELP))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Variants {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let settings = places(matches, "set").zip(matches.get_many::<Setting>("set").into_iter().flatten());
        let begins = places(matches, "variant").zip(matches.get_many::<String>("variant").into_iter().flatten());
        let mut words: Vec<_> = settings.map(|(at, setting)| (at, Word::Set(setting))).collect();
        words.extend(begins.map(|(at, name)| (at, Word::Begin(name))));
        words.sort_by_key(|(at, _)| *at);
        Self::gathered(words.into_iter().map(|(_, word)| word))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn places<'m>(matches: &'m ArgMatches, argument: &str) -> impl Iterator<Item = usize> + use<'m> {
    matches.indices_of(argument).into_iter().flatten()
}

/// What a command line says about variants, in its order.
enum Word<'m> {
    Set(&'m Setting),
    Begin(&'m str),
}

impl Variants {
    fn gathered<'m>(words: impl Iterator<Item = Word<'m>>) -> Result<Self, clap::Error> {
        let mut variants: Vec<Variant> = Vec::new();
        for word in words {
            let begins = match &word {
                Word::Begin(name) => Some(*name),
                Word::Set(_) => variants.is_empty().then_some(""),
            };
            if let Some(name) = begins {
                let name = if name.is_empty() { format!("variant {}", variants.len() + 1) } else { name.to_owned() };
                variants.push(Variant { name, settings: Vec::new() });
            }
            if let (Word::Set(setting), Some(variant)) = (word, variants.last_mut()) {
                variant.settings.push(setting.clone());
            }
        }
        if let Some(empty) = variants.iter().find(|variant| variant.settings.is_empty()) {
            let problem = format!("{} has no setting: write --set after --variant", empty.name);
            return Err(clap::Error::raw(ErrorKind::MissingRequiredArgument, problem));
        }
        if variants.len() > VARIANTS_MAX {
            let problem = format!("there can be no more than {VARIANTS_MAX} variants, not {}", variants.len());
            return Err(clap::Error::raw(ErrorKind::TooManyValues, problem));
        }
        Ok(Self(variants))
    }
}

/// Each on a line of its own.
struct Lines<'a>(&'a [ConfigError]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

/// Beside each other.
struct Told<'a>(&'a [SettingProblem]);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told: Vec<_> = self.0.iter().map(|wrong| format!("{}: {}", wrong.path, wrong.problem)).collect();
        f.write_str(&told.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use callnext_engine::Lane;
    use callnext_engine::config::{Layers, OrderInLane, Policy};
    use clap::Parser;

    use super::*;
    use crate::demo;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        variants: Variants,
    }

    fn line(words: &[&str]) -> Result<Vec<Variant>, clap::Error> {
        Line::try_parse_from([&["what-if"], words].concat()).map(|line| line.variants.0)
    }

    fn clinic() -> VenueConfig {
        demo::venues().unwrap().remove(0).in_force(&Layers::default())
    }

    fn tried(settings: &[&str]) -> Result<VenueConfig, ChangeError> {
        let settings = settings.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
        Variant { name: "variant 1".to_owned(), settings }.of(&clinic())
    }

    fn problem(setting: &str) -> String {
        tried(&[setting]).expect_err(setting).to_string()
    }

    #[test]
    fn a_setting_goes_by_the_path_of_the_settings_file_and_by_the_short_one() {
        let long = tried(&["*.policy.weights.appointment=6", "*.policy.weights.walk_in=4"]).unwrap();
        assert_eq!(long, tried(&["*.ratio.appointment=6", "*.ratio.walk_in=4"]).unwrap());
        assert_eq!(long, tried(&["*.weights={\"appointment\": 6, \"walk_in\": 4}"]).unwrap());
        for service in &long.services {
            assert_eq!(service.policy.weights.of(Lane::Appointment), 6);
            assert_eq!(service.policy.weights.of(Lane::WalkIn), 4);
        }
    }

    #[test]
    fn every_setting_of_a_policy_can_be_tried() {
        for info in Policy::settings() {
            let value = serde_json::to_string(&info.default).unwrap();
            tried(&[&format!("*.{}={value}", info.path)]).unwrap();
        }
    }

    #[test]
    fn a_named_service_changes_alone_and_the_later_setting_counts() {
        let venue = tried(&["*.ready_count=1", "surgery.ready_count=3", "surgery.order=number"]).unwrap();
        let ready: Vec<_> = venue.services.iter().map(|service| service.policy.ready_count).collect();
        assert_eq!(ready, [1, 1, 3, 1]);
        assert_eq!(venue.services[2].policy.order, OrderInLane::Number);
        assert_eq!(venue.services[0].policy.order, OrderInLane::default());
        assert!(!tried(&["surgery.early_when_idle=false"]).unwrap().services[2].policy.early_when_idle);
    }

    #[test]
    fn what_is_the_same_changes_nothing() {
        assert_eq!(tried(&["internal-medicine.ratio.appointment=7"]).unwrap(), clinic());
    }

    #[test]
    fn what_there_is_not_is_answered_with_what_there_is() {
        assert_eq!(
            problem("ent.ready_count=3"),
            "ent.ready_count=3: venue \"clinic\" has no service \"ent\"; it has internal-medicine, paediatrics, \
             surgery, laboratory, and * is all of them"
        );
        let unknown_field = problem("*.redy_count=3");
        assert!(unknown_field.contains("redy_count: there is no such setting; there are"), "{unknown_field}");
        assert!(unknown_field.contains("ready_count"), "{unknown_field}");
        let unknown_part = problem("*.policy.rules.ready_count=3");
        assert!(unknown_part.contains("rules.ready_count: there is no such setting"), "{unknown_part}");
        let unknown_lane = problem("*.ratio.vip=3");
        assert!(
            unknown_lane.contains("weights.vip: there is no such setting; there are appointment,"),
            "{unknown_lane}"
        );
        assert!(unknown_lane.contains("walk_in"), "{unknown_lane}");
        let unknown_order = problem("*.order=alphabet");
        assert!(unknown_order.contains("is none of slot_then_check_in, number, check_in"), "{unknown_order}");
        let unknown_inside = problem("*.ready_count.first=3");
        assert!(unknown_inside.contains("ready_count.first: there is no such setting"), "{unknown_inside}");
    }

    #[test]
    fn what_cannot_be_is_answered_with_what_would_be_right() {
        assert_eq!(
            problem("*.ready_count=many"),
            "*.ready_count=many: ready_count: \"many\" is not a whole number from 0 to 20"
        );
        assert_eq!(
            problem("surgery.ratio.appointment=21"),
            "surgery.ratio.appointment=21: weights.appointment: 21 is not from 1 to 20"
        );
        for bad in [
            "ready_count=3",
            "surgery.=3",
            ".ready_count=3",
            "surgery.ready_count",
            "surgery.ready_count=",
            "*.policy={}",
            "*.grace_s=null",
        ] {
            assert!(problem(bad).ends_with("is not SERVICE.FIELD=VALUE, like '*.ratio.appointment=6'"), "{bad}");
        }
    }

    #[test]
    fn settings_make_one_variant_until_another_begins() {
        let shown = |words: &[&str]| -> Vec<String> {
            let show = |variant: &Variant| {
                let settings: Vec<_> = variant.settings.iter().map(ToString::to_string).collect();
                format!("{}: {}", variant.name, settings.join(" "))
            };
            line(words).unwrap().iter().map(show).collect()
        };
        assert_eq!(shown(&[]), [""; 0]);
        assert_eq!(shown(&["--set", "a.x=1", "--set", "b.y=2"]), ["variant 1: a.x=1 b.y=2"]);
        assert_eq!(
            shown(&["--set", "a.x=1", "--variant", "--set", "b.y=2", "--variant=even", "--set=*.z=3"]),
            ["variant 1: a.x=1", "variant 2: b.y=2", "even: *.z=3"]
        );
        assert_eq!(shown(&["--variant=even", "--set", "a.x=1"]), ["even: a.x=1"]);
    }

    #[test]
    fn empty_and_too_many_variants_are_refused() {
        for bad in [&["--variant"][..], &["--set", "a.x=1", "--variant"], &["--variant", "--variant", "--set", "a.x=1"]]
        {
            assert_eq!(line(bad).expect_err("empty").kind(), ErrorKind::MissingRequiredArgument, "{bad:?}");
        }
        let many = ["--variant", "--set", "a.x=1"].repeat(VARIANTS_MAX + 1);
        assert_eq!(line(&many).expect_err("too many").kind(), ErrorKind::TooManyValues);
        assert_eq!(line(&["--set", "nonsense"]).expect_err("no setting").kind(), ErrorKind::ValueValidation);
    }
}
