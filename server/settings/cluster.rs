//! How a server works with others on one Redis.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::address::PublicUrl;
use crate::access::Secret;
use crate::cluster::MemberSettings;

/// Longest name of a node: it stands in logs and in every lease.
pub const NODE_NAME_BYTES_MAX: usize = 40;
/// Bounds of a lease, milliseconds: less, and a machine with much to do loses its venues; more, and people wait longer
/// for a node that died than a command waits for them.
pub const LEASE_MS: RangeInclusive<u64> = 1_000..=6_000;

/// How a server works with others: the settings of `[cluster]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClusterSettings {
    /// Its name among the nodes; none for a server that works alone.
    pub name: Option<String>,
    /// Where the others reach it; none for the address it listens on.
    #[schema(value_type = Option<String>)]
    pub address: Option<PublicUrl>,
    /// What all nodes have, and nobody else: 64 hexadecimal digits.
    #[schema(value_type = Option<String>)]
    pub secret: Option<Secret>,
    /// How long a venue stays with a node that says nothing, milliseconds.
    #[schema(minimum = 1_000, maximum = 6_000)]
    pub lease_ms: u64,
}

impl Default for ClusterSettings {
    fn default() -> Self {
        Self { name: None, address: None, secret: None, lease_ms: 4_000 }
    }
}

impl ClusterSettings {
    /// How it takes part, and the secret; none for a server that works alone.
    pub fn member(&self) -> Option<(MemberSettings, &Secret)> {
        let settings = MemberSettings {
            name: self.name.clone()?,
            address: self.address.as_ref().map(|address| address.as_str().to_owned()),
            lease: Duration::from_millis(self.lease_ms),
        };
        Some((settings, self.secret.as_ref()?))
    }

    /// What makes no sense: the name of a setting, and what would.
    pub(super) fn problems(&self, on_redis: bool, listens_on_one_address: bool) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        let mut add = |setting, problem: &str| found.push((setting, problem.to_owned()));
        let Some(name) = &self.name else {
            if *self != Self::default() {
                add("name", "is missing: name this node, or take [cluster] out for a server that works alone");
            }
            return found;
        };
        let good = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
        if !(1..=NODE_NAME_BYTES_MAX).contains(&name.len()) || !name.bytes().all(good) {
            add("name", &format!("use 1 to {NODE_NAME_BYTES_MAX} of a-z, A-Z, 0-9, -, _ and ."));
        }
        if !on_redis {
            add("name", "makes this one of several nodes: they share a Redis, so set store = \"redis\" in [journal]");
        }
        match &self.address {
            Some(address) if !address.as_str().starts_with("http://") => {
                add("address", "nodes talk plain HTTP inside your network: name an http:// address");
            }
            None if !listens_on_one_address => {
                add("address", "is missing: `listen` does not say where others reach it; use \"http://10.0.0.5:8080\"");
            }
            _ => {}
        }
        if self.secret.is_none() {
            add(
                "secret",
                "is missing: use 64 hexadecimal digits, the same at every node; `openssl rand -hex 32` prints some",
            );
        }
        if !LEASE_MS.contains(&self.lease_ms) {
            add("lease_ms", &format!("use {} to {}", LEASE_MS.start(), LEASE_MS.end()));
        }
        found
    }
}
