//! A visible text in the three languages of the pages. Simplified Chinese comes first.

use serde::{Deserialize, Serialize};

/// The languages a page, a notice or an announcement can be in (BCP 47).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Language {
    /// Simplified Chinese.
    #[default]
    #[serde(rename = "zh-Hans")]
    ZhHans,
    /// Traditional Chinese.
    #[serde(rename = "zh-Hant")]
    ZhHant,
    /// English.
    #[serde(rename = "en")]
    En,
}

/// A name as the operator wrote it: one text for all languages, or one for each.
///
/// In settings: `name = "Hall"`, or `name = { zh-Hans = "大厅", zh-Hant = "大廳", en = "Hall" }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(from = "Written")]
pub struct Text {
    /// Simplified Chinese.
    #[serde(rename = "zh-Hans")]
    pub zh_hans: String,
    /// Traditional Chinese.
    #[serde(rename = "zh-Hant")]
    pub zh_hant: String,
    /// English.
    pub en: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Same(String),
    Each(EachLanguage),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EachLanguage {
    #[serde(rename = "zh-Hans")]
    zh_hans: Option<String>,
    #[serde(rename = "zh-Hant")]
    zh_hant: Option<String>,
    en: Option<String>,
}

impl From<Written> for Text {
    /// A missing language borrows the nearest one that was given.
    fn from(written: Written) -> Self {
        let (simplified, traditional, en) = match written {
            Written::Same(text) => return Self::same(&text),
            Written::Each(e) => (e.zh_hans, e.zh_hant, e.en),
        };
        let any = simplified.clone().or_else(|| traditional.clone()).or_else(|| en.clone()).unwrap_or_default();
        Self {
            zh_hans: simplified.clone().or_else(|| traditional.clone()).unwrap_or_else(|| any.clone()),
            zh_hant: traditional.or(simplified).unwrap_or_else(|| any.clone()),
            en: en.unwrap_or(any),
        }
    }
}

impl Text {
    /// The same text in every language.
    pub fn same(text: &str) -> Self {
        Self { zh_hans: text.to_owned(), zh_hant: text.to_owned(), en: text.to_owned() }
    }

    /// True when no language has anything to show.
    pub fn is_blank(&self) -> bool {
        [&self.zh_hans, &self.zh_hant, &self.en].iter().any(|text| text.trim().is_empty())
    }
}
