//! The server under load: the same [`App`] that the program runs, with a venue made for measuring.
//!
//! In memory its journal costs nothing, so that a ratio to the bare loop says what the fan-out costs and not what the
//! disk does; a run that kills the server keeps its journal on the disk.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use callnext::access::{Access, AccessError, Roles};
use callnext::app::{App, AppError, Parts};
use callnext::clock::Clock;
use callnext::journal::Journal;
use callnext::journal::memory::MemoryJournal;
use callnext::replay::client;
use callnext::settings::{LEASE_MS, Settings};
use callnext::stores::Stores;
use callnext::venues::MERGE;
use callnext_engine::VenueConfig;
use serde_json::json;

/// The venue.
pub const VENUE: &str = "hall";
/// The service whose people are called.
pub const CALLED: &str = "a";
/// Boards that show another service only: their frames stay small, whatever is called.
pub const SMALL_BOARD: &str = "/ws/v1/venues/hall/board?services=b";
/// Boards that show every call.
pub const BOARD: &str = "/ws/v1/venues/hall/board";
/// Counters that call.
pub const COUNTERS: usize = 50;
const USER: &str = "clerk";
const PASSWORD: &str = "loadtest only";

/// How a server is started.
#[derive(Debug, Clone, clap::Args)]
pub struct ServerOptions {
    /// Address and port
    #[arg(long, default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Folder for its files
    #[arg(long)]
    pub data: PathBuf,
    /// Threads that serve
    #[arg(long, default_value_t = 1)]
    pub workers: usize,
    /// Keep the journal on the disk, as the program does
    #[arg(long, conflicts_with = "redis")]
    pub on_disk: bool,
    /// Be one of several nodes, under this name
    #[arg(long, requires = "redis")]
    pub node: Option<String>,
    /// What the nodes share
    #[arg(long, requires = "node")]
    pub redis: Option<String>,
}

/// Why it cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The server.
    #[error(transparent)]
    App(#[from] AppError),
    /// Its account.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Its files, or nobody listens.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The venue, or what makes it a node.
    #[error("the settings for measuring: {0}")]
    Settings(#[from] serde_json::Error),
    /// The account's role.
    #[error("the account for measuring has a role that is none")]
    Role,
}

/// Somebody who may call.
pub fn clerk() -> client::Access {
    client::Access::Login { user: USER.to_owned(), password: PASSWORD.to_owned() }
}

fn venue() -> Result<VenueConfig, serde_json::Error> {
    let counters: Vec<_> =
        (1..=COUNTERS).map(|n| json!({ "id": n.to_string(), "name": n.to_string(), "services": [CALLED] })).collect();
    serde_json::from_value(json!({
        "id": VENUE, "name": "H", "time_zone": "Asia/Shanghai", "join_by_phone": true, "public_board": true,
        "service": [
            { "id": CALLED, "name": "A", "prefix": "A" },
            { "id": "b", "name": "B", "prefix": "B" },
        ],
        "counter": counters,
    }))
}

/// The settings of one of several nodes. A machine that has all of them is busy: leases are as long as may be.
fn settings(redis: &str, node: &str) -> Result<Settings, serde_json::Error> {
    serde_json::from_value(json!({
        "journal": { "store": "redis", "redis": { "urls": [redis] } },
        "cluster": { "name": node, "secret": "5e".repeat(32), "lease_ms": LEASE_MS.end() },
    }))
}

/// Runs it, after `tell` was told where it listens.
///
/// # Errors
///
/// It cannot be started.
pub async fn run(
    options: ServerOptions,
    tell: impl FnOnce(SocketAddr) -> std::io::Result<()>,
) -> Result<(), ServerError> {
    callnext::app::make_data_folder(&options.data)?;
    let (journal, access, cluster) = match (&options.redis, &options.node) {
        (Some(redis), Some(node)) => {
            let Stores { journal, access, cluster } = Stores::open(&settings(redis, node)?, &options.data).await?;
            (Some(journal), access, cluster)
        }
        _ if options.on_disk => (None, Access::open(&options.data)?, None),
        _ => (Some(Arc::new(MemoryJournal::new()) as Arc<dyn Journal>), Access::open(&options.data)?, None),
    };
    if access.list_accounts().is_empty() {
        let roles = [(VENUE.to_owned(), "nurse".to_owned())].into();
        let roles = Roles::parse(&roles, |_| true).map_err(|_| ServerError::Role)?;
        access.put_account(USER, Some(PASSWORD), roles, Clock::machine().now()).await?;
    }
    let parts = Parts {
        listen: options.listen,
        data: options.data,
        public_url: None,
        trusted_origins: Vec::new(),
        workers: Some(options.workers),
        merge: MERGE,
        venues: vec![venue()?.into()],
        clock: Clock::machine(),
        access,
        demo: None,
        snapshot: None,
        cluster,
    };
    let app = match journal {
        Some(journal) => App::build_on(parts, journal).await?,
        None => App::build(parts).await?,
    };
    tell(app.address())?;
    Ok(app.run().await?)
}
