//! What a setting is, and the one declaration from which everything that knows the settings is made: the type in
//! force, the patch that names only what differs, the ranges, and the reference that people read.

use serde::Serialize;
use serde::de::DeserializeOwned;

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

/// One setting, for the reference. A table of settings, such as the lanes' weights, has one of these per entry.
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
    /// The least it can be.
    pub least: Option<u64>,
    /// The most it can be.
    pub most: Option<u64>,
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

/// A type that a setting can have.
pub trait Setting: Clone + PartialEq + Serialize + DeserializeOwned {
    /// How its value is written, or that of each of its parts.
    const KIND: Kind;

    /// The names of its parts, where each can be said apart.
    fn parts() -> Vec<&'static str> {
        Vec::new()
    }

    /// The value in force, or that of a part.
    fn value(&self, part: Option<&str>) -> Option<Value>;

    /// The value that was said: none for a part that was left out.
    fn said(&self, part: Option<&str>) -> Option<Value> {
        self.value(part)
    }

    /// Puts what is said elsewhere over this.
    fn put_over(&mut self, said: &Self) {
        self.clone_from(said);
    }

    /// What has to be said over `base` to come to this.
    fn beyond(&self, base: &Self) -> Option<Self> {
        (self != base).then(|| self.clone())
    }

    /// What is left to be said without this part, or without all of it.
    fn without(&self, part: Option<&str>) -> Option<Self> {
        part.map(|_| self.clone())
    }
}

impl Setting for u32 {
    const KIND: Kind = Kind::Number;

    fn value(&self, part: Option<&str>) -> Option<Value> {
        part.is_none().then_some(Value::Number((*self).into()))
    }
}

impl Setting for bool {
    const KIND: Kind = Kind::YesNo;

    fn value(&self, part: Option<&str>) -> Option<Value> {
        part.is_none().then_some(Value::YesNo(*self))
    }
}

fn lane(part: Option<&str>) -> Option<Lane> {
    let name = part?;
    Lane::ALL.into_iter().find(|lane| lane_name(*lane) == name)
}

impl Setting for Weights {
    const KIND: Kind = Kind::Number;

    fn parts() -> Vec<&'static str> {
        Lane::ALL.map(lane_name).to_vec()
    }

    fn value(&self, part: Option<&str>) -> Option<Value> {
        let lane = lane(part)?;
        // A weight out of range is shown as it was written: it is about to be refused.
        Some(Value::Number(self.given(lane).unwrap_or_else(|| self.of(lane)).into()))
    }

    fn said(&self, part: Option<&str>) -> Option<Value> {
        self.given(lane(part)?).map(|weight| Value::Number(weight.into()))
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

    fn without(&self, part: Option<&str>) -> Option<Self> {
        part?;
        let lane = lane(part);
        Some(Self::new(self.iter().filter(|(given, _)| Some(*given) != lane))).filter(|left| *left != Self::default())
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

        impl $crate::config::setting::Setting for $Name {
            const KIND: $crate::config::setting::Kind = $crate::config::setting::Kind::Word(&[$(
                $crate::config::setting::Word { word: $word, about: concat!($($doc),+) }
            ),+]);

            fn value(&self, part: Option<&str>) -> Option<$crate::config::setting::Value> {
                let word = match self { $( Self::$Word => $word, )+ };
                part.is_none().then_some($crate::config::setting::Value::Word(word))
            }
        }
    };
}

/// Declares settings once: the struct in force, its patch, its ranges and its reference are made from this.
///
/// A setting is written `name: Type = default;`, with its range (`, in 0..=20`) and its unit (`, of "people"`) where
/// it has them. Its type is a [`Setting`]; its documentation is what the reference says, rule ids in brackets.
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
        #[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
        #[serde(default, deny_unknown_fields)]
        $vis struct $Patch {
            $( $(#[doc = $doc])+ #[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<$Type>, )+
        }

        impl $Full {
            /// Every setting, in the order of the declaration.
            pub fn settings() -> Vec<$crate::config::setting::SettingInfo> {
                let default = Self::default();
                let mut all = Vec::new();
                $( {
                    let range = $crate::config::setting::bounds!($($range)?);
                    let unit = $crate::config::setting::unit!($($unit)?);
                    let about = [$($doc),+].map(str::trim).join(" ");
                    all.extend($crate::config::setting::infos(stringify!($field), &about, &default.$field, range, unit));
                } )+
                all
            }

            /// The value of a setting.
            pub fn value(&self, path: &str) -> Option<$crate::config::setting::Value> {
                use $crate::config::setting::Setting;
                let (field, part) = $crate::config::setting::split(path);
                match field {
                    $( stringify!($field) => self.$field.value(part), )+
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
                use $crate::config::setting::Setting;
                let (field, part) = $crate::config::setting::split(path);
                match field {
                    $( stringify!($field) => self.$field.as_ref()?.said(part), )+
                    _ => None,
                }
            }

            /// Puts what is said elsewhere over this.
            pub fn put_over(&mut self, said: &Self) {
                $( if let Some(said) = &said.$field {
                    match &mut self.$field {
                        Some(known) => $crate::config::setting::Setting::put_over(known, said),
                        none => *none = Some(said.clone()),
                    }
                } )+
            }

            /// What is left without a setting, or without one entry of a table of settings.
            #[must_use]
            pub fn without(&self, path: &str) -> Self {
                use $crate::config::setting::Setting;
                let (field, part) = $crate::config::setting::split(path);
                let mut left = self.clone();
                match field {
                    $( stringify!($field) => {
                        left.$field = self.$field.as_ref().and_then(|said| said.without(part));
                    } )+
                    _ => {}
                }
                left
            }
        }
    };
}

/// The bounds of a range, if there is one.
macro_rules! bounds {
    () => {
        (None, None)
    };
    ($range:expr) => {
        $crate::config::setting::bounds_of(&$range)
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

pub(in crate::config) use {bounds, settings, unit, words};

type Bounds = (Option<u64>, Option<u64>);

pub(in crate::config) fn bounds_of(range: &impl std::ops::RangeBounds<u32>) -> Bounds {
    use std::ops::Bound::{Excluded, Included, Unbounded};
    let least = match range.start_bound() {
        Included(least) => Some(u64::from(*least)),
        Excluded(below) => Some(u64::from(*below) + 1),
        Unbounded => None,
    };
    let most = match range.end_bound() {
        Included(most) => Some(u64::from(*most)),
        Excluded(above) => Some(u64::from(*above).saturating_sub(1)),
        Unbounded => None,
    };
    (least, most)
}

/// `weights.walk_in` is the entry `walk_in` of `weights`.
pub(in crate::config) fn split(path: &str) -> (&str, Option<&str>) {
    path.split_once('.').map_or((path, None), |(field, part)| (field, Some(part)))
}

pub(in crate::config) fn infos<S: Setting>(
    name: &str,
    about: &str,
    default: &S,
    (least, most): Bounds,
    unit: Option<&'static str>,
) -> Vec<SettingInfo> {
    let parts = S::parts();
    let parts = if parts.is_empty() { vec![None] } else { parts.into_iter().map(Some).collect() };
    let info = |part: Option<&'static str>| {
        let path = part.map_or_else(|| name.to_owned(), |part| format!("{name}.{part}"));
        let default = default.value(part)?;
        Some(SettingInfo { path, about: about.to_owned(), kind: S::KIND, unit, least, most, default })
    };
    parts.into_iter().filter_map(info).collect()
}
