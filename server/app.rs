//! The composition root: builds everything, binds, runs, and takes it down in order.
//!
//! The only file that knows every module. Tests build the same server the binary runs.

use std::fs::{File, TryLockError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actix::Arbiter;
use actix_web::dev::ServerHandle;
use actix_web::web;
use callnext_engine::Declaration;
use tokio::signal::unix::{SignalKind, signal};

use crate::access::{Access, AccessError};
use crate::clock::Clock;
use crate::cluster::signature::{self, Signer};
use crate::cluster::{Leases, Member, MemberSettings, Peers};
use crate::database::DatabaseError;
use crate::http::{Admission, Closing, DemoState, Edge, Porters, app, listen, serve};
use crate::journal::Journal;
use crate::journal::redis::RedisError;
use crate::journal::sqlite::SqliteJournal;
use crate::journal::tail::Tail;
use crate::metrics::Metrics;
use crate::snapshot::{Keeper, Nightly, Nights, SnapshotError, SnapshotSettings, Store};
use crate::venues::{Bell, Courier, Hubs, Registry, RegistryError};

/// How long requests in flight may take after sockets were sent away.
const SHUTDOWN: Duration = Duration::from_secs(5);
/// Sockets that are sent away in one step when the server stops: their reconnecting must not come as one wave.
const SEND_AWAY: usize = 500;
/// Pause between two such steps.
const SEND_AWAY_PAUSE: Duration = Duration::from_millis(100);
/// Time for the last close frames to leave.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// What a server is made from.
pub struct Parts {
    /// Where it listens; port 0 for any.
    pub listen: SocketAddr,
    /// Where it keeps its files.
    pub data: PathBuf,
    /// Where phones reach it, if not where requests come in.
    pub public_url: Option<String>,
    /// Other origins whose pages may use it.
    pub trusted_origins: Vec<String>,
    /// Threads that answer requests; none for one per core.
    pub workers: Option<usize>,
    /// How long changes are merged before everybody is shown them; calls are shown at once.
    pub merge: Duration,
    /// Its venues.
    pub venues: Vec<Declaration>,
    /// The venues' time.
    pub clock: Clock,
    /// Accounts, logins, devices.
    pub access: Access,
    /// Where days that are over are kept; none to keep none, as in a demo.
    pub snapshot: Option<SnapshotSettings>,
    /// The demo, if this is one.
    pub demo: Option<DemoState>,
    /// The other nodes, if there are any.
    pub cluster: Option<ClusterParts>,
}

/// What a node needs beside its journal to work among others.
pub struct ClusterParts {
    /// How it takes part.
    pub settings: MemberSettings,
    /// Who owns what.
    pub leases: Arc<dyn Leases>,
    /// What others write.
    pub tail: Arc<dyn Tail>,
}

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The data folder cannot be made.
    #[error("the data folder {} cannot be used: {problem}", path.display())]
    Data {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        problem: std::io::Error,
    },
    /// Another server works in the data folder.
    #[error("the data folder {} is in use by another callnext; stop it, or name another folder with --data", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The journal cannot be opened.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// Redis cannot be used.
    #[error(transparent)]
    Redis(#[from] RedisError),
    /// The accounts cannot be opened.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// A venue cannot be opened.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// There is no such place for snapshots.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {listen}: {problem}")]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// What the system says.
        problem: std::io::Error,
    },
    /// Other nodes would not know where it is.
    #[error("other nodes cannot reach {listen}: name an address in [cluster] that they can")]
    Unnamed {
        /// Where it listens.
        listen: SocketAddr,
    },
    /// The server ended with an error of the system.
    #[error("the server ended: {0}")]
    Ended(#[from] std::io::Error),
}

fn member(cluster: ClusterParts, access: &Access) -> Result<Member, AppError> {
    let instance = signature::new_instance().map_err(|error| AppError::Ended(std::io::Error::other(error)))?;
    let peers = Peers::new(Arc::new(Signer::new(access.cluster_key(), instance)));
    Ok(Member::new(cluster.settings, cluster.leases, cluster.tail, peers))
}

/// A server that is built and bound, and not yet running.
pub struct App {
    server: actix_web::dev::Server,
    address: SocketAddr,
    edge: web::Data<Edge>,
    // Kept for their lifetimes: the venue actors live on the one, the data folder is ours by the other.
    _arbiter: Arbiter,
    _lock: File,
}

/// Makes sure that no other server works in this folder: two would not hear of each other's logins, and depose each
/// other's venues for ever. The lock goes with the process, however it ends.
pub fn lock(data: &Path) -> Result<File, AppError> {
    let failed = |problem| AppError::Data { path: data.to_owned(), problem };
    let file = File::create(data.join("lock")).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(AppError::InUse { path: data.to_owned() }),
        Err(TryLockError::Error(problem)) => Err(failed(problem)),
    }
}

/// Makes a folder for data that only its owner may read.
pub fn make_data_folder(path: &Path) -> Result<(), AppError> {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|problem| AppError::Data { path: path.to_owned(), problem })
}

impl App {
    /// Builds a server with its journal in its data folder, opens its venues, and binds its address.
    pub async fn build(parts: Parts) -> Result<Self, AppError> {
        make_data_folder(&parts.data)?;
        let journal = Arc::new(SqliteJournal::open(&parts.data.join("journal.sqlite"))?);
        Self::build_on(parts, journal).await
    }

    /// Builds a server on this journal, opens its venues, and binds its address.
    pub async fn build_on(parts: Parts, journal: Arc<dyn Journal>) -> Result<Self, AppError> {
        make_data_folder(&parts.data)?;
        let own = lock(&parts.data)?;
        let (metrics, hubs) = (Arc::new(Metrics::default()), Hubs::default());
        let arbiter = Arbiter::new();
        if parts.cluster.as_ref().is_some_and(|cluster| cluster.settings.address.is_none())
            && parts.listen.ip().is_unspecified()
        {
            return Err(AppError::Unnamed { listen: parts.listen });
        }
        let member = parts.cluster.map(|cluster| member(cluster, &parts.access)).transpose()?.map(Arc::new);
        let mut registry = Registry::new(
            parts.venues,
            journal.clone(),
            parts.clock.clone(),
            hubs.clone(),
            metrics.clone(),
            arbiter.handle(),
        )
        .merging(parts.merge);
        if let Some(member) = &member {
            registry = registry.among(member.writers());
        }
        let registry = Arc::new(registry);
        registry.open_all().await?;
        actix::spawn(registry.clone().keep_open());
        let bell = Bell::default();
        actix::spawn(Courier::new(registry.clone(), bell.clone()).run());
        actix::spawn(parts.access.clone().follow());
        let nights = Nights::default();
        if let Some(settings) = parts.snapshot {
            let store = Store::open(&settings, &parts.data)?;
            let keeper = Arc::new(Keeper::new(journal, store, settings));
            actix::spawn(Nightly::new(keeper, registry.clone(), metrics.clone(), nights.clone()).run());
        }
        let edge = web::Data::new(Edge {
            registry: registry.clone(),
            access: parts.access,
            clock: parts.clock,
            wall: Clock::machine(),
            metrics: metrics.clone(),
            nights,
            public_url: parts.public_url,
            trusted_origins: parts.trusted_origins,
            admission: Admission::default(),
            bell,
            closing: Closing::default(),
            demo: parts.demo,
            member: member.clone(),
        });
        let workers = parts.workers.or_else(|| std::thread::available_parallelism().ok().map(Into::into)).unwrap_or(2);
        let porters = Porters::start(workers, &edge.clock, &metrics)?;
        for porter in porters.iter() {
            hubs.add(Arc::new(porter.clone()));
            edge.closing.add(porter.clone());
        }
        let shared = edge.clone();
        let make = move || {
            // Each worker hands its lines to a porter of its own.
            let (shared, porter) = (shared.clone(), web::Data::new(porters.next()));
            move || app(shared.clone(), porter.clone())
        };
        let unbound = |problem| AppError::Listen { listen: parts.listen, problem };
        let listener = listen(parts.listen).map_err(unbound)?;
        let address = listener.local_addr().map_err(unbound)?;
        let server = serve(listener, workers, SHUTDOWN, make).map_err(unbound)?;
        if let Some(member) = member {
            actix::spawn(async move { member.run(registry, format!("http://{address}")).await });
        }
        Ok(Self { server, address, edge, _arbiter: arbiter, _lock: own })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What its requests work with.
    pub fn edge(&self) -> web::Data<Edge> {
        self.edge.clone()
    }

    /// Runs until the process is told to stop: SIGTERM or SIGINT, of which a second one ends it at once.
    pub async fn run(self) -> Result<(), AppError> {
        actix::spawn(stop_on_signal(self.server.handle(), self.edge.clone()));
        Ok(self.server.await?)
    }

    /// Runs until `stop` ends, for whoever has another reason to stop than a signal.
    pub async fn run_until(self, stop: impl Future<Output = ()> + 'static) -> Result<(), AppError> {
        let (handle, edge) = (self.server.handle(), self.edge.clone());
        actix::spawn(async move {
            stop.await;
            take_down(&handle, &edge).await;
        });
        Ok(self.server.await?)
    }
}

async fn stop_on_signal(handle: ServerHandle, edge: web::Data<Edge>) {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be received; stop the process with SIGKILL, nothing is lost by it");
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tokio::select! {
        () = take_down(&handle, &edge) => {}
        _ = terminate.recv() => handle.stop(false).await,
        _ = interrupt.recv() => handle.stop(false).await,
    }
}

/// Hands the venues to other nodes, sends sockets away in steps, then lets requests finish.
async fn take_down(handle: &ServerHandle, edge: &Edge) {
    let closing = &edge.closing;
    if let Some(member) = &edge.member {
        member.leave(&edge.registry).await;
    }
    let open = closing.begin();
    tracing::info!(sockets = open, "stopping: sockets are sent away first");
    while closing.close_some(SEND_AWAY) > 0 {
        tokio::time::sleep(SEND_AWAY_PAUSE).await;
    }
    tokio::time::sleep(LAST_WORDS).await;
    closing.end();
    handle.stop(true).await;
}
