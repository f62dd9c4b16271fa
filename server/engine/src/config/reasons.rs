//! The reasons on which precedence, calls by hand and numbers beyond the quota can be granted (R3, R10, B3).

use serde::{Deserialize, Serialize};

use crate::ids::ReasonCode;
use crate::text::Text;

/// The code under which a reason is kept that no other code says; it needs words.
pub const OTHER: &str = "other";
/// Most reasons of one kind: staff choose from them at a glance.
pub const REASONS_MAX: usize = 30;

/// The reasons of a venue. A grant names one of them; its code is kept on record, so that they can be counted.
///
/// In settings: `green_channel = ["elderly", { code = "donor", name = "献血者" }]`. The pages know the names of the
/// standard codes; `other` asks for words, and is what words without a code are kept under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Reasons {
    /// For the green channel (R3).
    #[cfg_attr(feature = "schema", schema(value_type = Vec<String>))]
    pub green_channel: Vec<Reason>,
    /// For an emergency (R10).
    #[cfg_attr(feature = "schema", schema(value_type = Vec<String>))]
    pub emergency: Vec<Reason>,
    /// For a call outside the rules.
    #[cfg_attr(feature = "schema", schema(value_type = Vec<String>))]
    pub by_hand: Vec<Reason>,
    /// For a number beyond the quota (B3).
    #[cfg_attr(feature = "schema", schema(value_type = Vec<String>))]
    pub overflow: Vec<Reason>,
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written")]
pub struct Reason {
    /// What is kept on record.
    pub code: ReasonCode,
    /// The reason as people read it; none where the pages know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Code(ReasonCode),
    Named(Named),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    code: ReasonCode,
    name: Option<Text>,
}

impl From<Written> for Reason {
    fn from(written: Written) -> Self {
        match written {
            Written::Code(code) => Self { code, name: None },
            Written::Named(Named { code, name }) => Self { code, name },
        }
    }
}

impl Default for Reasons {
    fn default() -> Self {
        let list = |codes: &[&str]| {
            let codes = codes.iter().filter_map(|code| ReasonCode::parse(code).ok());
            codes.map(|code| Reason { code, name: None }).collect()
        };
        Self {
            green_channel: list(&[
                "elderly",
                "pregnant",
                "disabled",
                "infant",
                "soldier",
                "veteran",
                "firefighter",
                "pain",
                OTHER,
            ]),
            emergency: list(&["critical", "chest_pain", "bleeding", "breathing", "fever", "collapse", OTHER]),
            by_hand: list(&["agreed", "moved_here", "companion", OTHER]),
            overflow: list(&["doctor_agreed", "far_away", "follow_up", "results_today", OTHER]),
        }
    }
}

impl Reasons {
    /// Whether these are the standard ones.
    pub fn are_standard(&self) -> bool {
        *self == Self::default()
    }

    /// The four lists, by name.
    pub fn lists(&self) -> [(&'static str, &[Reason]); 4] {
        [
            ("green_channel", &self.green_channel),
            ("emergency", &self.emergency),
            ("by_hand", &self.by_hand),
            ("overflow", &self.overflow),
        ]
    }
}
