//! Opens what a server keeps things in, as its settings say: changes, accounts, and with other nodes the leases.

use std::path::Path;
use std::sync::Arc;

use crate::access::Access;
use crate::app::{AppError, ClusterParts};
use crate::journal::{Journal, RedisJournal, SpillJournal, SqliteJournal};
use crate::settings::{Settings, Store};

/// The stores of one server.
pub struct Stores {
    /// Where changes are kept.
    pub journal: Arc<dyn Journal>,
    /// Accounts, logins, devices.
    pub access: Access,
    /// What it shares with other nodes, if it is one of several.
    pub cluster: Option<ClusterParts>,
}

impl Stores {
    /// Opens them. What is not in Redis is in the folder.
    pub async fn open(settings: &Settings, data: &Path) -> Result<Self, AppError> {
        match (settings.journal.store, settings.cluster.member()) {
            (Store::Sqlite, _) => {
                let journal = Arc::new(SqliteJournal::open(&data.join("journal.sqlite"))?);
                Ok(Self { journal, access: Access::open(data)?, cluster: None })
            }
            (Store::Redis, None) => {
                let redis = Arc::new(RedisJournal::connect(settings.journal.redis.clone()).await?);
                let file = SqliteJournal::open(&data.join("spill.sqlite"))?;
                let journal = Arc::new(SpillJournal::new(redis, file, data));
                Ok(Self { journal, access: Access::open(data)?, cluster: None })
            }
            (Store::Redis, Some((member, secret))) => {
                let redis = Arc::new(RedisJournal::connect(settings.journal.redis.clone()).await?);
                let access = Access::share(redis.clone(), secret, data).await?;
                let cluster = ClusterParts { settings: member, leases: redis.clone(), tail: redis.clone() };
                Ok(Self { journal: redis, access, cluster: Some(cluster) })
            }
        }
    }
}
