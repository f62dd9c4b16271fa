//! What an operator says about snapshots: where they go, how long they stay.

use std::fmt;
use std::path::PathBuf;

use callnext_engine::config::ConfigError;
use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;

/// Longest time that can be asked for, in days: a century. More is a slip.
pub const KEEP_DAYS_MAX: u32 = 36_600;
/// Closed days that the journal can be asked to keep.
pub const JOURNAL_DAYS_MAX: u32 = 366;

/// Snapshots, as declared in `[snapshot]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SnapshotSettings {
    /// Where they are kept: a folder, relative to the data folder, or `s3://BUCKET/PREFIX`.
    #[schema(value_type = String)]
    pub to: Target,
    /// The address of an S3-compatible store that is not Amazon's.
    pub s3_endpoint: Option<String>,
    /// The store's region.
    pub s3_region: Option<String>,
    /// Whether a table of the day is written beside each, as CSV and as Parquet.
    pub tables: bool,
    /// Days after which a snapshot is deleted; 0 for never.
    #[schema(maximum = 36_600)]
    pub keep_days: u32,
    /// Snapshots that are kept of each venue; 0 for all.
    pub keep_count: u32,
    /// Closed days that stay in the journal although they have a snapshot.
    #[schema(maximum = 366)]
    pub journal_days: u32,
}

impl Default for SnapshotSettings {
    fn default() -> Self {
        Self {
            to: Target::Folder(PathBuf::from("snapshots")),
            s3_endpoint: None,
            s3_region: None,
            tables: true,
            keep_days: 0,
            keep_count: 0,
            journal_days: 2,
        }
    }
}

impl SnapshotSettings {
    /// Everything that makes no sense.
    pub fn problems(&self) -> Vec<ConfigError> {
        let mut found = Vec::new();
        let mut add = |field: &str, problem: String| {
            found.push(ConfigError { place: format!("snapshot.{field}"), problem });
        };
        if self.keep_days > KEEP_DAYS_MAX {
            add("keep_days", format!("use at most {KEEP_DAYS_MAX}, or 0 to keep all"));
        }
        if self.journal_days > JOURNAL_DAYS_MAX {
            add("journal_days", format!("use at most {JOURNAL_DAYS_MAX}: snapshots are what keeps the past"));
        }
        if matches!(self.to, Target::Folder(_)) && (self.s3_endpoint.is_some() || self.s3_region.is_some()) {
            add("to", "is a folder, but there are settings for S3: write s3://BUCKET/PREFIX".to_owned());
        }
        if self.s3_endpoint.as_ref().is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://")) {
            add("s3_endpoint", "is not an address like https://s3.example.org".to_owned());
        }
        found
    }
}

/// Where snapshots are kept.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Target {
    /// A folder; relative to the data folder.
    Folder(PathBuf),
    /// A bucket of an S3-compatible store, and what keys in it begin with.
    Bucket {
        /// Its name.
        bucket: String,
        /// What keys begin with; may be empty.
        prefix: String,
    },
}

/// Why a text names no place for snapshots.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotATarget {
    /// It is empty.
    #[error("is empty: name a folder, or s3://BUCKET/PREFIX")]
    Empty,
    /// It is an address of a kind that is not known.
    #[error("\"{0}\" is neither a folder nor s3://BUCKET/PREFIX")]
    Unknown(String),
}

impl TryFrom<String> for Target {
    type Error = NotATarget;
    fn try_from(text: String) -> Result<Self, NotATarget> {
        if text.is_empty() {
            return Err(NotATarget::Empty);
        }
        match text.split_once("://") {
            None => Ok(Self::Folder(text.into())),
            Some(("s3", place)) => {
                let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
                if bucket.is_empty() {
                    return Err(NotATarget::Unknown(text));
                }
                Ok(Self::Bucket { bucket: bucket.to_owned(), prefix: prefix.trim_matches('/').to_owned() })
            }
            Some(_) => Err(NotATarget::Unknown(text)),
        }
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "{}", path.display()),
            Self::Bucket { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_folder_or_a_bucket() {
        let target = |text: &str| Target::try_from(text.to_owned());
        let bucket =
            |bucket: &str, prefix: &str| Ok(Target::Bucket { bucket: bucket.to_owned(), prefix: prefix.to_owned() });
        assert_eq!(target("snapshots"), Ok(Target::Folder("snapshots".into())));
        assert_eq!(target("/var/backups/queue"), Ok(Target::Folder("/var/backups/queue".into())));
        assert_eq!(target("s3://night"), bucket("night", ""));
        assert_eq!(target("s3://night/a/b/"), bucket("night", "a/b"));
        assert_eq!(target(""), Err(NotATarget::Empty));
        for bad in ["s3://", "s3:///a", "ftp://night/a"] {
            assert_eq!(target(bad), Err(NotATarget::Unknown(bad.to_owned())));
        }
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        let problems = |settings: SnapshotSettings| {
            settings.problems().into_iter().map(|problem| problem.place).collect::<Vec<_>>()
        };
        assert!(problems(SnapshotSettings::default()).is_empty());
        let wrong = SnapshotSettings {
            keep_days: KEEP_DAYS_MAX + 1,
            journal_days: JOURNAL_DAYS_MAX + 1,
            s3_endpoint: Some("minio".to_owned()),
            ..SnapshotSettings::default()
        };
        let places = ["snapshot.keep_days", "snapshot.journal_days", "snapshot.to", "snapshot.s3_endpoint"];
        assert_eq!(problems(wrong), places);
        let ends = SnapshotSettings { keep_days: KEEP_DAYS_MAX, journal_days: JOURNAL_DAYS_MAX, ..Default::default() };
        assert!(problems(ends).is_empty());
    }
}
