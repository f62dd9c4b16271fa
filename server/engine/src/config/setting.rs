//! What a setting is, and the one declaration from which everything that knows the settings is made: the type in
//! force, the patch that names only what differs, the ranges, and the reference that people read.

use std::fmt;
use std::ops::{RangeFrom, RangeInclusive};

use serde::Serialize;

use crate::config::lane_name;
use crate::lane::{Lane, Weights};

/// How the value of a setting is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number.
    Number,
    /// `true` or `false`.
    YesNo,
    /// One of these words.
    Word(&'static [Word]),
}

/// A word that a setting can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// As it is written.
    pub word: &'static str,
    /// What it means.
    pub about: &'static str,
}

/// The value of a setting, as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// A whole number.
    Number(u64),
    /// `true` or `false`.
    YesNo(bool),
    /// One of a few words.
    Word(&'static str),
}

/// One setting, for the reference. A table of settings, such as the lanes' weights, has one of these for each entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingInfo {
    /// The way to it: `grace_s`, `weights.walk_in`.
    pub path: String,
    /// What it does, with the ids of the rules it belongs to in brackets.
    pub about: String,
    /// How its value is written.
    pub kind: Kind,
    /// What it counts; none where it counts nothing.
    pub unit: Option<&'static str>,
    /// The numbers it can be.
    pub range: Range,
    /// What it is where nobody says otherwise.
    pub default: Value,
}

/// What is wrong with what a patch says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingProblem {
    /// The way to the setting.
    pub path: String,
    /// What would be right.
    pub problem: String,
}

/// A type that a setting can have: a plain value, or a table of settings that can each be said apart.
pub trait Setting: Sized {
    /// What is said of it in one place: of a table, only what differs.
    type Said: Clone;

    /// Its settings for the reference, this being the default: a table has one per entry.
    fn infos(&self, outer: &Outer<'_>) -> Vec<SettingInfo>;

    /// The value in force, or that of an entry.
    fn value(&self, entry: Option<&str>) -> Option<Value>;

    /// Puts what is said over this.
    fn put_over(&mut self, said: &Self::Said);

    /// What has to be said over `base` to come to this.
    fn beyond(&self, base: &Self) -> Option<Self::Said>;

    /// The value that was said: none for an entry that was left out.
    fn said(said: &Self::Said, entry: Option<&str>) -> Option<Value>;

    /// Puts what is said in a higher place over what is said in a lower one.
    fn lay_over(lower: &mut Self::Said, said: &Self::Said);

    /// What is left to be said without this entry, or without all of it.
    fn without(said: &Self::Said, entry: Option<&str>) -> Option<Self::Said>;
}

/// How a setting is declared: what the reference tells of it beside its type and its default.
#[derive(Debug, Clone, Copy)]
pub struct Outer<'d> {
    /// Its name.
    pub name: &'d str,
    /// What it does.
    pub about: &'d [&'d str],
    /// What it can be.
    pub range: Range,
    /// What it counts.
    pub unit: Option<&'static str>,
}

/// The numbers that a setting can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Range {
    /// The least.
    pub least: Option<u64>,
    /// The most.
    pub most: Option<u64>,
    /// All of them, where they are few.
    pub among: &'static [u32],
}

impl From<RangeInclusive<u32>> for Range {
    fn from(range: RangeInclusive<u32>) -> Self {
        Self { least: Some((*range.start()).into()), most: Some((*range.end()).into()), among: &[] }
    }
}

impl From<RangeFrom<u32>> for Range {
    fn from(range: RangeFrom<u32>) -> Self {
        Self { least: Some(range.start.into()), most: None, among: &[] }
    }
}

impl From<&'static [u32]> for Range {
    fn from(among: &'static [u32]) -> Self {
        Self { least: among.iter().min().map(|n| (*n).into()), most: among.iter().max().map(|n| (*n).into()), among }
    }
}

impl Range {
    /// What is wrong with a number, if something is.
    pub fn problem(&self, number: u64) -> Option<String> {
        let Self { least, most, among } = self;
        let is_within = least.is_none_or(|least| number >= least) && most.is_none_or(|most| number <= most);
        let is_among = among.is_empty() || among.iter().any(|one| u64::from(*one) == number);
        (!is_within || !is_among).then(|| format!("{number} is not {self}"))
    }
}

impl fmt::Display for Range {
    /// As in "a whole number …".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.among, self.least, self.most) {
            ([first, among @ ..], ..) => {
                write!(f, "one of {first}")?;
                among.iter().try_for_each(|one| write!(f, ", {one}"))
            }
            ([], Some(least), Some(most)) => write!(f, "from {least} to {most}"),
            ([], Some(least), None) => write!(f, "from {least} on"),
            ([], None, Some(most)) => write!(f, "up to {most}"),
            ([], None, None) => Ok(()),
        }
    }
}

/// A setting that is one value.
pub trait Plain: Clone + PartialEq {
    /// How it is written.
    const KIND: Kind;

    /// As it is shown.
    fn shown(&self) -> Value;
}

impl Plain for u32 {
    const KIND: Kind = Kind::Number;

    fn shown(&self) -> Value {
        Value::Number((*self).into())
    }
}

impl Plain for bool {
    const KIND: Kind = Kind::YesNo;

    fn shown(&self) -> Value {
        Value::YesNo(*self)
    }
}

impl<P: Plain> Setting for P {
    type Said = Self;

    fn infos(&self, outer: &Outer<'_>) -> Vec<SettingInfo> {
        vec![outer.info(None, P::KIND, self.shown())]
    }

    fn value(&self, entry: Option<&str>) -> Option<Value> {
        entry.is_none().then(|| self.shown())
    }

    fn put_over(&mut self, said: &Self) {
        self.clone_from(said);
    }

    fn beyond(&self, base: &Self) -> Option<Self> {
        (self != base).then(|| self.clone())
    }

    fn said(said: &Self, entry: Option<&str>) -> Option<Value> {
        said.value(entry)
    }

    fn lay_over(lower: &mut Self, said: &Self) {
        lower.clone_from(said);
    }

    fn without(said: &Self, entry: Option<&str>) -> Option<Self> {
        entry.map(|_| said.clone())
    }
}

impl Outer<'_> {
    fn info(&self, entry: Option<&str>, kind: Kind, default: Value) -> SettingInfo {
        let Self { name, about, range, unit } = *self;
        let path = entry.map_or_else(|| name.to_owned(), |entry| format!("{name}.{entry}"));
        let about = about.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
        SettingInfo { path, about, kind, unit, range, default }
    }
}

fn lane(entry: Option<&str>) -> Option<Lane> {
    let name = entry?;
    Lane::ALL.into_iter().find(|lane| lane_name(*lane) == name)
}

impl Setting for Weights {
    type Said = Self;

    fn infos(&self, outer: &Outer<'_>) -> Vec<SettingInfo> {
        let info = |lane| outer.info(Some(lane_name(lane)), Kind::Number, Value::Number(self.of(lane).into()));
        Lane::ALL.map(info).to_vec()
    }

    fn value(&self, entry: Option<&str>) -> Option<Value> {
        let lane = lane(entry)?;
        // A weight out of range is shown as it was written: it is about to be refused.
        Some(Value::Number(self.given(lane).unwrap_or_else(|| self.of(lane)).into()))
    }

    fn put_over(&mut self, said: &Self) {
        *self = Self::new(self.iter().chain(said.iter()));
    }

    fn beyond(&self, base: &Self) -> Option<Self> {
        let default = Self::default();
        let named = |lane: &Lane| self.given(*lane) != base.given(*lane);
        let said = Lane::ALL.into_iter().filter(named).map(|lane| (lane, self.given(lane).unwrap_or(default.of(lane))));
        Some(Self::new(said)).filter(|said| *said != default)
    }

    fn said(said: &Self, entry: Option<&str>) -> Option<Value> {
        said.given(lane(entry)?).map(|weight| Value::Number(weight.into()))
    }

    fn lay_over(lower: &mut Self, said: &Self) {
        lower.put_over(said);
    }

    fn without(said: &Self, entry: Option<&str>) -> Option<Self> {
        entry?;
        let lane = lane(entry);
        Some(Self::new(said.iter().filter(|(given, _)| Some(*given) != lane))).filter(|left| *left != Self::default())
    }
}

/// Declares a closed set of words that a setting can be, once for the type, its stored form and the reference.
macro_rules! words {
    (
        $(#[doc = $about:literal])+
        $vis:vis enum $Name:ident {
            $( $(#[doc = $doc:literal])+ $(#[default $($mark:tt)?])? $Word:ident = $word:literal, )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
        $vis enum $Name {
            $( $(#[doc = $doc])+ $(#[default $($mark)?])? #[serde(rename = $word)] $Word, )+
        }

        impl $crate::config::setting::Plain for $Name {
            const KIND: $crate::config::setting::Kind = $crate::config::setting::Kind::Word(&[$(
                $crate::config::setting::Word { word: $word, about: concat!($($doc),+) }
            ),+]);

            fn shown(&self) -> $crate::config::setting::Value {
                $crate::config::setting::Value::Word(match self { $( Self::$Word => $word, )+ })
            }
        }
    };
}

/// Declares settings once: the struct in force, its patch, its ranges and its reference are made from this.
///
/// A setting is written `name: Type = default;`, with its range (`, in 0..=20`) and its unit (`, of "people"`) where
/// it has them. Its type is a [`Setting`]; its documentation is what the reference says, rule ids in brackets. What is
/// declared so is itself a `Setting`: a table within another.
macro_rules! settings {
    (
        $(#[doc = $about:literal])+
        $vis:vis struct $Full:ident, said by $Patch:ident {
            $(
                $(#[doc = $doc:literal])+
                $field:ident: $Type:ty = $default:expr $(, in $range:expr)? $(, of $unit:literal)?;
            )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        $vis struct $Full {
            $( $(#[doc = $doc])+ pub $field: $Type, )+
        }

        impl Default for $Full {
            fn default() -> Self {
                Self { $( $field: $default, )+ }
            }
        }

        /// What is said of the settings in one place: only what differs from the places below it.
        #[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        $vis struct $Patch {
            $( $(#[doc = $doc])+ #[serde(skip_serializing_if = "Option::is_none")]
            pub $field: Option<<$Type as $crate::config::setting::Setting>::Said>, )+
        }

        impl $Full {
            /// Every setting, in the order of the declaration.
            pub fn settings() -> Vec<$crate::config::setting::SettingInfo> {
                use $crate::config::setting::Setting;
                let default = Self::default();
                let mut all = Vec::new();
                $( all.extend(default.$field.infos(&$crate::config::setting::Outer {
                    name: stringify!($field),
                    about: &[$($doc),+],
                    range: $crate::config::setting::range!($($range)?),
                    unit: $crate::config::setting::unit!($($unit)?),
                })); )+
                all
            }

            /// The value of a setting.
            pub fn value(&self, path: &str) -> Option<$crate::config::setting::Value> {
                let (field, entry) = $crate::config::setting::split(path);
                match field {
                    $( stringify!($field) => $crate::config::setting::Setting::value(&self.$field, entry), )+
                    _ => None,
                }
            }

            /// Puts what is said over this.
            pub fn put_over(&mut self, said: &$Patch) {
                $( if let Some(said) = &said.$field {
                    $crate::config::setting::Setting::put_over(&mut self.$field, said);
                } )+
            }

            /// What has to be said over `base` to come to this.
            pub fn beyond(&self, base: &Self) -> $Patch {
                $Patch { $( $field: $crate::config::setting::Setting::beyond(&self.$field, &base.$field), )+ }
            }
        }

        impl $Patch {
            /// Whether nothing is said.
            pub fn is_empty(&self) -> bool {
                *self == Self::default()
            }

            /// What is said of a setting.
            pub fn said(&self, path: &str) -> Option<$crate::config::setting::Value> {
                let (field, entry) = $crate::config::setting::split(path);
                match field {
                    $( stringify!($field) => {
                        <$Type as $crate::config::setting::Setting>::said(self.$field.as_ref()?, entry)
                    } )+
                    _ => None,
                }
            }

            /// Puts what is said elsewhere over this.
            pub fn put_over(&mut self, said: &Self) {
                $( if let Some(said) = &said.$field {
                    match &mut self.$field {
                        Some(known) => <$Type as $crate::config::setting::Setting>::lay_over(known, said),
                        none => *none = Some(said.clone()),
                    }
                } )+
            }

            /// What is left without a setting, or without one entry of a table of settings.
            #[must_use]
            pub fn without(&self, path: &str) -> Self {
                let (field, entry) = $crate::config::setting::split(path);
                let mut left = self.clone();
                match field {
                    $( stringify!($field) => {
                        left.$field = self.$field.as_ref().and_then(|said| {
                            <$Type as $crate::config::setting::Setting>::without(said, entry)
                        });
                    } )+
                    _ => {}
                }
                left
            }
        }

        impl $crate::config::setting::Setting for $Full {
            type Said = $Patch;

            fn infos(&self, outer: &$crate::config::setting::Outer<'_>) -> Vec<$crate::config::setting::SettingInfo> {
                let within = |info: $crate::config::setting::SettingInfo| Some($crate::config::setting::SettingInfo {
                    default: self.value(&info.path)?,
                    path: format!("{}.{}", outer.name, info.path),
                    ..info
                });
                Self::settings().into_iter().filter_map(within).collect()
            }

            fn value(&self, entry: Option<&str>) -> Option<$crate::config::setting::Value> {
                self.value(entry?)
            }

            fn put_over(&mut self, said: &$Patch) {
                self.put_over(said);
            }

            fn beyond(&self, base: &Self) -> Option<$Patch> {
                Some(self.beyond(base)).filter(|said| !said.is_empty())
            }

            fn said(said: &$Patch, entry: Option<&str>) -> Option<$crate::config::setting::Value> {
                said.said(entry?)
            }

            fn lay_over(lower: &mut $Patch, said: &$Patch) {
                lower.put_over(said);
            }

            fn without(said: &$Patch, entry: Option<&str>) -> Option<$Patch> {
                Some(said.without(entry?)).filter(|left| !left.is_empty())
            }
        }
    };
}

/// A range, if there is one.
macro_rules! range {
    () => {
        $crate::config::setting::Range::default()
    };
    ($range:expr) => {
        $crate::config::setting::Range::from($range)
    };
}

/// A unit, if there is one.
macro_rules! unit {
    () => {
        None
    };
    ($unit:literal) => {
        Some($unit)
    };
}

pub(in crate::config) use {range, settings, unit, words};

/// `weights.walk_in` is the entry `walk_in` of `weights`.
pub(in crate::config) fn split(path: &str) -> (&str, Option<&str>) {
    path.split_once('.').map_or((path, None), |(field, entry)| (field, Some(entry)))
}
