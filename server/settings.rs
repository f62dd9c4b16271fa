//! What an operator declares for an installation: one TOML file, environment variables over it.
//!
//! Read once at the start, into types; everything wrong is found and told together, with its place and what would
//! be right. Nothing here opens a port or makes a folder, so `callnext config check` can be run anywhere.
//!
//! `CALLNEXT__SERVER__LISTEN=0.0.0.0:80` stands over `listen` of `[server]`, and so on for every setting of `[server]`,
//! `[journal]`, `[journal.redis]`, `[cluster]` and `[snapshot]`; lists are separated by commas. Venues are declared in the
//! file alone.

mod address;
mod cluster;
mod place;
pub mod reference;
mod report;
pub mod said;

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use callnext_engine::Declaration;
use callnext_engine::config::{ConfigError, Layers};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::address::{NotAnAddress, Origin, PublicUrl};
pub use self::cluster::{ClusterSettings, LEASE_MS};
pub use self::report::Report;

use self::place::Placed;
use crate::journal::redis::RedisOptions;
use crate::snapshot::SnapshotSettings;

/// Most threads that serve requests: beyond any machine's cores they only take memory.
pub const WORKERS_MAX: usize = 256;

/// Longest time changes are gathered, milliseconds: with more, a screen that is right looks like one that is late.
pub const MERGE_MS_MAX: u64 = 1_000;

/// Most venues of one installation: each costs an actor and its queues.
pub const VENUES_MAX: usize = 2_000;

/// What every variable begins with.
const ENVIRONMENT_PREFIX: &str = "CALLNEXT";

/// Stands between the parts of a variable's name; setting names hold single underscores.
const ENVIRONMENT_SEPARATOR: &str = "__";

/// The settings of an installation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where and how the server runs.
    #[serde(default)]
    pub server: ServerSettings,
    /// Where changes are kept.
    #[serde(default)]
    pub journal: JournalSettings,
    /// How this server works with others.
    #[serde(default)]
    pub cluster: ClusterSettings,
    /// Where days that are over are kept, and how long.
    #[serde(default)]
    pub snapshot: SnapshotSettings,
    /// The venues, in the order in which they are written.
    #[serde(default, rename = "venue")]
    pub venues: Vec<Declaration>,
}

/// Where and how the server runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ServerSettings {
    /// Address and port to listen on.
    #[schema(value_type = String)]
    pub listen: SocketAddr,
    /// The folder of the journal, the accounts and the secret. Relative to where the server is started.
    #[schema(value_type = String)]
    pub data: PathBuf,
    /// The address under which people reach the server, for links and QR codes; none to take it from requests.
    #[schema(value_type = Option<String>)]
    pub public_url: Option<PublicUrl>,
    /// Threads that serve requests; none for one per core.
    #[schema(minimum = 1, maximum = 256)]
    pub workers: Option<usize>,
    /// How long changes are gathered before screens and phones are shown them, milliseconds; calls are shown at once.
    #[schema(minimum = 0, maximum = 1_000)]
    pub merge_ms: u64,
    /// Other origins whose pages may use this server with a login.
    #[schema(value_type = Vec<String>)]
    pub trusted_origins: Vec<Origin>,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            data: PathBuf::from("callnext-data"),
            public_url: None,
            workers: None,
            merge_ms: 50,
            trusted_origins: Vec::new(),
        }
    }
}

impl ServerSettings {
    /// How long changes are gathered before they are shown.
    pub fn merge(&self) -> Duration {
        Duration::from_millis(self.merge_ms)
    }
}

/// Where changes are kept before anybody is shown them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct JournalSettings {
    /// Which store: one file in the data folder, or Redis.
    pub store: Store,
    /// How Redis is reached, where it is the store.
    pub redis: RedisOptions,
}

/// A kind of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Store {
    /// One file in the data folder.
    #[default]
    Sqlite,
    /// Redis, as `[journal.redis]` says.
    Redis,
}

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// There is no such file, or it cannot be read.
    #[error("{}: {cause}\n  copy callnext.example.toml there, or name another file with --config", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The operating system's word.
        cause: std::io::Error,
    },
    /// It is not TOML, or a setting has the wrong form; the text says where.
    #[error("{}: {}", path.display(), Placed(cause))]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What and where.
        cause: config::ConfigError,
    },
    /// It can be read, and makes no sense; all that is wrong.
    #[error("{}: {} to put right{}", path.display(), Count(problems.len(), "problem"), Lines(problems))]
    Invalid {
        /// The file.
        path: PathBuf,
        /// In the order in which they are written.
        problems: Vec<ConfigError>,
    },
}

impl Settings {
    /// Reads the file and the environment.
    pub fn load(path: &Path) -> Result<Self, SettingsError> {
        let text = std::fs::read_to_string(path)
            .map_err(|cause| SettingsError::Unreadable { path: path.to_owned(), cause })?;
        Self::read(path, &text, environment())
    }

    /// Reads the file and the environment, and tells what was understood or what is wrong.
    pub fn check(path: &Path) -> Report {
        Report::new(path, Self::load(path))
    }

    fn read(path: &Path, text: &str, environment: config::Environment) -> Result<Self, SettingsError> {
        let settings: Self = config::Config::builder()
            .add_source(config::File::from_str(text, config::FileFormat::Toml))
            .add_source(environment)
            .build()
            .and_then(config::Config::try_deserialize)
            .map_err(|cause| SettingsError::Malformed { path: path.to_owned(), cause })?;
        let problems = settings.problems();
        if problems.is_empty() { Ok(settings) } else { Err(SettingsError::Invalid { path: path.to_owned(), problems }) }
    }

    /// Everything that makes no sense, in the order in which it is written.
    fn problems(&self) -> Vec<ConfigError> {
        let mut found = Vec::new();
        let mut add = |place: String, problem: String| found.push(ConfigError { place, problem });
        if self.server.workers.is_some_and(|workers| !(1..=WORKERS_MAX).contains(&workers)) {
            let problem = format!("use 1 to {WORKERS_MAX}, or leave it out for one per core");
            add("server.workers".to_owned(), problem);
        }
        if self.server.merge_ms > MERGE_MS_MAX {
            add("server.merge_ms".to_owned(), format!("use 0 to {MERGE_MS_MAX}"));
        }
        if self.server.data.as_os_str().is_empty() {
            add("server.data".to_owned(), "is empty: name a folder".to_owned());
        }
        match self.journal.store {
            Store::Redis => {
                for (setting, problem) in self.journal.redis.problems() {
                    add(format!("journal.redis.{setting}"), problem);
                }
            }
            Store::Sqlite if self.journal.redis != RedisOptions::default() => {
                let problem = "has no effect: set store = \"redis\" in [journal], or take it out".to_owned();
                add("journal.redis".to_owned(), problem);
            }
            Store::Sqlite => {}
        }
        let listens_on_one_address = !self.server.listen.ip().is_unspecified();
        for (setting, problem) in self.cluster.problems(self.journal.store == Store::Redis, listens_on_one_address) {
            add(format!("cluster.{setting}"), problem);
        }
        found.extend(self.snapshot.problems());
        let mut add = |place: String, problem: String| found.push(ConfigError { place, problem });
        if self.venues.is_empty() {
            add("venue".to_owned(), "there is none: declare at least one with [[venue]]".to_owned());
        }
        if self.venues.len() > VENUES_MAX {
            add("venue".to_owned(), format!("there can be no more than {VENUES_MAX}, not {}", self.venues.len()));
        }
        let mut seen = BTreeSet::new();
        for venue in &self.venues {
            if !seen.insert(&venue.id) {
                found.push(ConfigError {
                    place: format!("venue \"{}\"", venue.id),
                    problem: "is declared twice".to_owned(),
                });
            }
            found.extend(venue.problems_under(&Layers::default()));
        }
        found
    }
}

fn environment() -> config::Environment {
    config::Environment::with_prefix(ENVIRONMENT_PREFIX)
        .prefix_separator(ENVIRONMENT_SEPARATOR)
        .separator(ENVIRONMENT_SEPARATOR)
        .list_separator(",")
        .with_list_parse_key("server.trusted_origins")
        .with_list_parse_key("journal.redis.urls")
        .try_parsing(true)
}

/// A count with its noun.
struct Count(usize, &'static str);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.0, self.1, if self.0 == 1 { "" } else { "s" })
    }
}

/// Each on a line of its own.
struct Lines<'a>(&'a [ConfigError]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

#[cfg(test)]
mod tests;
