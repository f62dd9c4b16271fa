//! How Redis is reached, and what its word is worth.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo};
use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;

/// Longest prefix of keys.
pub const PREFIX_BYTES_MAX: usize = 40;
/// Most replicas that can be waited for: beyond what anybody runs, and below what would be a slip of the hand.
pub const REPLICAS_MAX: u32 = 8;
/// Bounds of every time that can be set: less only makes false alarms, more leaves people waiting.
pub const TIMEOUT_MS: std::ops::RangeInclusive<u64> = 50..=60_000;

/// How Redis is reached, and what its word is worth: the settings of `[journal.redis]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RedisOptions {
    /// Addresses: of the one server, of the sentinels, or of some nodes of the cluster.
    #[schema(value_type = Vec<String>)]
    pub urls: Vec<RedisUrl>,
    /// What stands behind the addresses.
    pub topology: Topology,
    /// With sentinels: the servers they watch, their name in place of a host.
    #[schema(value_type = Option<String>)]
    pub primary: Option<RedisUrl>,
    /// A file of certificates (PEM) that the servers' are checked against; none for those the system trusts.
    #[schema(value_type = Option<String>)]
    pub ca_file: Option<PathBuf>,
    /// Our own certificate (PEM), where servers ask for one.
    #[schema(value_type = Option<String>)]
    pub cert_file: Option<PathBuf>,
    /// The key of `cert_file` (PEM).
    #[schema(value_type = Option<String>)]
    pub key_file: Option<PathBuf>,
    /// What every key begins with.
    pub prefix: String,
    /// When a change counts as saved: on Redis's disk, in its memory alone, or in the memory of replicas as well.
    pub ack: Ack,
    /// With `replicated`: how many replicas must have it.
    #[schema(minimum = 1, maximum = 8)]
    pub replicas: u32,
    /// With `replicated`: how long they may take, milliseconds.
    #[schema(minimum = 50, maximum = 60_000)]
    pub replicated_within_ms: u64,
    /// How long making a connection may take, milliseconds.
    #[schema(minimum = 50, maximum = 60_000)]
    pub connect_timeout_ms: u64,
    /// How long an answer may take, milliseconds.
    #[schema(minimum = 50, maximum = 60_000)]
    pub response_timeout_ms: u64,
    /// How long a change is tried again before its people are told to come back, milliseconds.
    #[schema(minimum = 50, maximum = 60_000)]
    pub patience_ms: u64,
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self {
            urls: Vec::new(),
            topology: Topology::Single,
            primary: None,
            ca_file: None,
            cert_file: None,
            key_file: None,
            prefix: "callnext".to_owned(),
            ack: Ack::Always,
            replicas: 1,
            replicated_within_ms: 1_000,
            connect_timeout_ms: 1_000,
            response_timeout_ms: 2_000,
            patience_ms: 5_000,
        }
    }
}

/// What stands behind the addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Topology {
    /// One server.
    Single,
    /// Sentinels that know which server is the primary.
    Sentinel,
    /// A cluster.
    Cluster,
}

/// When a change counts as saved. What each can lose is told in `SCHEMA.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ack {
    /// When Redis has it in memory; its file follows within a second.
    Everysec,
    /// When it is in Redis's file, on the disk.
    Always,
    /// When it is also in the memory of so many replicas.
    Replicated,
}

impl RedisOptions {
    /// One server with everything else as it is by default.
    pub fn single(url: RedisUrl) -> Self {
        Self { urls: vec![url], ..Self::default() }
    }

    /// What makes no sense: the name of a setting, and what would.
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        let mut add = |setting, problem: &str| found.push((setting, problem.to_owned()));
        match (self.topology, self.urls.len()) {
            (_, 0) => add("urls", "there is none: name where Redis is, such as \"redis://127.0.0.1:6379\""),
            (Topology::Single, 2..) => add("urls", "there are several: name one, or set topology"),
            _ => {}
        }
        match (self.topology, &self.primary) {
            (Topology::Sentinel, None) => {
                add("primary", "is missing: name what the sentinels watch, such as \"redis://mymaster\"");
            }
            (Topology::Single | Topology::Cluster, Some(_)) => add("primary", "belongs to topology = \"sentinel\""),
            _ => {}
        }
        let first = if self.topology == Topology::Sentinel { self.primary.as_ref() } else { self.urls.first() };
        if self.topology == Topology::Cluster && self.urls.iter().any(|url| url.0.redis_settings().db() != 0) {
            add("urls", "a cluster has database 0 alone");
        }
        let same = |url: &RedisUrl| first.is_none_or(|first| first.is_secure() == url.is_secure());
        if !self.urls.iter().all(same) {
            add("urls", "some are redis:// and some rediss://: use one of them");
        }
        let files = [("ca_file", &self.ca_file), ("cert_file", &self.cert_file), ("key_file", &self.key_file)];
        if !self.urls.iter().any(RedisUrl::is_secure)
            && let Some((setting, _)) = files.iter().find(|(_, file)| file.is_some())
        {
            add(setting, "belongs to rediss:// addresses");
        }
        if self.cert_file.is_some() != self.key_file.is_some() {
            add("cert_file", "and key_file go together");
        }
        let good = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.' | b':');
        if !(1..=PREFIX_BYTES_MAX).contains(&self.prefix.len()) || !self.prefix.bytes().all(good) {
            add("prefix", &format!("use 1 to {PREFIX_BYTES_MAX} of a-z, A-Z, 0-9, -, _, . and :"));
        }
        if !(1..=REPLICAS_MAX).contains(&self.replicas) {
            add("replicas", &format!("use 1 to {REPLICAS_MAX}"));
        }
        let times = [
            ("replicated_within_ms", self.replicated_within_ms),
            ("connect_timeout_ms", self.connect_timeout_ms),
            ("response_timeout_ms", self.response_timeout_ms),
            ("patience_ms", self.patience_ms),
        ];
        for (setting, value) in times {
            if !TIMEOUT_MS.contains(&value) {
                add(setting, &format!("use {} to {}", TIMEOUT_MS.start(), TIMEOUT_MS.end()));
            }
        }
        found
    }

    /// How many replicas an acknowledgement waits for, and how long.
    pub(super) fn wait(&self) -> Option<(u32, Duration)> {
        (self.ack == Ack::Replicated).then(|| (self.replicas, Duration::from_millis(self.replicated_within_ms)))
    }

    pub(super) fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    /// An answer that waits for replicas may take so much longer.
    pub(super) fn response_timeout(&self) -> Duration {
        Duration::from_millis(self.response_timeout_ms) + self.wait().map_or(Duration::ZERO, |(_, within)| within)
    }

    pub(super) fn patience(&self) -> Duration {
        Duration::from_millis(self.patience_ms)
    }
}

/// An address of Redis: `redis://`, `rediss://` for TLS, `unix://`. It can hold a password, and never shows it.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct RedisUrl(pub(super) ConnectionInfo);

impl RedisUrl {
    /// Reads an address.
    pub fn parse(text: &str) -> Result<Self, NotARedisUrl> {
        let schemes = ["redis://", "rediss://", "unix://"];
        if !schemes.iter().any(|scheme| text.starts_with(scheme)) || text.contains('#') {
            return Err(NotARedisUrl);
        }
        text.into_connection_info().map(Self).map_err(|_| NotARedisUrl)
    }

    /// Whether the way there is encrypted.
    pub fn is_secure(&self) -> bool {
        matches!(self.0.addr(), ConnectionAddr::TcpTls { .. })
    }

    /// The host, for sentinels the name of what they watch.
    pub(super) fn host(&self) -> Option<&str> {
        match self.0.addr() {
            ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => Some(host),
            _ => None,
        }
    }
}

/// Why a text is not an address of Redis. The text is left out: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an address of Redis: use redis://[USER:PASSWORD@]HOST[:PORT][/DB], rediss://… for TLS, or unix:///PATH")]
pub struct NotARedisUrl;

impl TryFrom<String> for RedisUrl {
    type Error = NotARedisUrl;

    fn try_from(text: String) -> Result<Self, NotARedisUrl> {
        Self::parse(&text)
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.addr() {
            ConnectionAddr::Tcp(host, port) => write!(f, "redis://{host}:{port}")?,
            ConnectionAddr::TcpTls { host, port, .. } => write!(f, "rediss://{host}:{port}")?,
            ConnectionAddr::Unix(path) => write!(f, "unix://{}", path.display())?,
            _ => f.write_str("redis")?,
        }
        match self.0.redis_settings().db() {
            0 => Ok(()),
            db => write!(f, "/{db}"),
        }
    }
}

impl Serialize for RedisUrl {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl PartialEq for RedisUrl {
    fn eq(&self, other: &Self) -> bool {
        let parts = |url: &Self| {
            let settings = url.0.redis_settings();
            (url.to_string(), settings.username().map(str::to_owned), settings.password().map(str::to_owned))
        };
        parts(self) == parts(other)
    }
}

impl Eq for RedisUrl {}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> RedisUrl {
        RedisUrl::parse(text).unwrap()
    }

    #[test]
    fn an_address_never_shows_its_password() {
        for text in ["redis://anna:secret@db:7000/3", "rediss://:secret@db", "redis://db?x=secret"] {
            let Ok(url) = RedisUrl::parse(text) else { continue };
            let shown = format!("{url} {url:?} {:?}", RedisOptions::single(url.clone()));
            assert!(!shown.contains("secret"), "{shown}");
        }
        assert_eq!(url("redis://anna:secret@db:7000/3").to_string(), "redis://db:7000/3");
        assert!(!NotARedisUrl.to_string().contains("secret"));
        assert!(url("rediss://db").is_secure());
        assert_eq!(url("unix:///run/redis.sock").to_string(), "unix:///run/redis.sock");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["", "db", "http://db", "redis:/db", "valkey://db", "rediss://db#insecure"] {
            assert!(RedisUrl::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_told_by_its_setting() {
        let sound = || RedisOptions::single(url("redis://db"));
        let (one, two) = (url("redis://a"), url("rediss://b"));
        let cases: [(RedisOptions, &str); 13] = [
            (RedisOptions::default(), "urls"),
            (RedisOptions { urls: vec![one.clone(), one.clone()], ..sound() }, "urls"),
            (RedisOptions { urls: vec![one.clone(), two], topology: Topology::Cluster, ..sound() }, "urls"),
            (RedisOptions { urls: vec![url("redis://a/1")], topology: Topology::Cluster, ..sound() }, "urls"),
            (RedisOptions { topology: Topology::Sentinel, ..sound() }, "primary"),
            (RedisOptions { primary: Some(one), ..sound() }, "primary"),
            (RedisOptions { ca_file: Some("ca.pem".into()), ..sound() }, "ca_file"),
            (
                RedisOptions { urls: vec![url("rediss://a")], cert_file: Some("cert.pem".into()), ..sound() },
                "cert_file",
            ),
            (RedisOptions { prefix: "{x}".to_owned(), ..sound() }, "prefix"),
            (RedisOptions { prefix: "x".repeat(PREFIX_BYTES_MAX + 1), ..sound() }, "prefix"),
            (RedisOptions { replicas: REPLICAS_MAX + 1, ..sound() }, "replicas"),
            (RedisOptions { patience_ms: TIMEOUT_MS.end() + 1, ..sound() }, "patience_ms"),
            (RedisOptions { response_timeout_ms: TIMEOUT_MS.start() - 1, ..sound() }, "response_timeout_ms"),
        ];
        for (options, setting) in cases {
            let found = options.problems();
            assert!(matches!(found.as_slice(), [(named, _)] if *named == setting), "{setting}: {found:?}");
        }
        assert_eq!(sound().problems(), []);
    }
}
