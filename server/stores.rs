//! Opens what a server keeps things in, as its settings say: changes, accounts, and with other nodes the leases.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::access::Access;
use crate::app::{AppError, ClusterParts};
use crate::journal::{Journal, RedisJournal, SpillJournal, SqliteJournal};
use crate::settings::{JournalSettings, Settings, Store};

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
            (Store::Redis, None) => {
                let redis = open_journal(&settings.journal, data).await?;
                let file = SqliteJournal::open(&data.join("spill.sqlite"))?;
                let journal = Arc::new(SpillJournal::new(redis, file, data));
                Ok(Self { journal, access: Access::open(data)?, cluster: None })
            }
            (Store::Sqlite, _) => {
                let journal = open_journal(&settings.journal, data).await?;
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

/// The journal alone: for whoever works on days that are over, beside a server or without one.
pub async fn open_journal(settings: &JournalSettings, data: &Path) -> Result<Arc<dyn Journal>, AppError> {
    Ok(match settings.store {
        Store::Sqlite => Arc::new(SqliteJournal::open(&journal_file(data))?),
        Store::Redis => Arc::new(RedisJournal::connect(settings.redis.clone()).await?),
    })
}

/// Where in a data folder the journal is, unless it is in Redis.
pub fn journal_file(data: &Path) -> PathBuf {
    data.join("journal.sqlite")
}
