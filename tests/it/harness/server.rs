//! A server in this process, in a thread of its own, whose time the test sets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use actix_web::web::Data;
use callnext::access::{Access, DeviceKind, Roles};
use callnext::app::{App, ClusterParts, Parts};
use callnext::clock::Clock;
use callnext::http::Edge;
use callnext::journal::Journal;
use callnext::snapshot::SnapshotSettings;
use callnext::venues::MERGE;
use callnext_engine::{Declaration, Millis, Timestamp, VenueId};
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::{Caller, Socket, venues};

/// Everybody's password in these tests.
pub const PASSWORD: &str = "correct horse";

/// A running server. It is told to stop when this is dropped.
pub struct Server {
    pub base: String,
    pub clock: Clock,
    pub access: Access,
    pub edge: Data<Edge>,
    folder: Option<TempDir>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What a server is started with.
pub struct Plan {
    pub venues: Vec<Declaration>,
    pub clock: Clock,
    pub journal: Option<Arc<dyn Journal>>,
    pub trusted_origins: Vec<String>,
    pub snapshot: Option<SnapshotSettings>,
    pub folder: Option<TempDir>,
    /// Accounts shared with another server; none for its own.
    pub access: Option<Access>,
    /// The other nodes, if there are any.
    pub cluster: Option<ClusterParts>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            venues: venues::both(),
            // A clock that stands still: only the test lets time pass.
            clock: Clock::own(venues::morning(), 0),
            journal: None,
            trusted_origins: Vec::new(),
            snapshot: None,
            folder: None,
            access: None,
            cluster: None,
        }
    }
}

impl Server {
    /// A clinic and a hall on a Monday morning, on a journal on the disk.
    pub async fn start() -> Self {
        Self::start_with(Plan::default()).await
    }

    /// The clinic alone, with this declaration.
    pub async fn of(venue: Declaration) -> Self {
        Self::start_with(Plan { venues: vec![venue], ..Plan::default() }).await
    }

    pub async fn start_with(plan: Plan) -> Self {
        let folder = plan.folder.unwrap_or_else(|| tempfile::tempdir().unwrap());
        let access = plan.access.unwrap_or_else(|| Access::open(folder.path()).unwrap());
        let (clock, journal) = (plan.clock, plan.journal);
        let parts = Parts {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            data: folder.path().to_owned(),
            public_url: None,
            trusted_origins: plan.trusted_origins,
            workers: Some(2),
            merge: MERGE,
            venues: plan.venues,
            clock: clock.clone(),
            access: access.clone(),
            snapshot: plan.snapshot,
            demo: None,
            cluster: plan.cluster,
        };
        let (tell, started) = oneshot::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let system = actix::System::new();
            system.block_on(async move {
                let app = match journal {
                    Some(journal) => App::build_on(parts, journal).await.unwrap(),
                    None => App::build(parts).await.unwrap(),
                };
                tell.send((app.address(), app.edge())).ok().unwrap();
                app.run_until(async move { drop(stopped.await) }).await.unwrap();
            });
            // The venues' own thread ends with the system.
            actix::System::current().stop();
            system.run().unwrap();
        });
        let (address, edge) = started.await.expect("the server starts");
        let base = format!("http://{address}");
        Self { base, clock, access, edge, folder: Some(folder), stop: Some(stop), thread: Some(thread) }
    }

    /// Takes the server down and gives back its folder, for another one to start on.
    pub fn stop(mut self) -> TempDir {
        self.tell_to_stop();
        self.thread.take().unwrap().join().expect("the server ends well");
        self.folder.take().unwrap()
    }

    fn tell_to_stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // It may have ended by itself.
            let _gone = stop.send(()).is_err();
        }
    }

    /// Lets this much of the venue's time pass.
    pub fn pass(&self, seconds: i64) {
        self.clock.set(self.clock.now() + Millis::from_secs(seconds));
    }

    pub fn set_time(&self, at: Timestamp) {
        self.clock.set(at);
    }

    /// Somebody of whom nothing is known.
    pub fn anybody(&self) -> Caller {
        Caller::new(&self.base, None)
    }

    /// The administrator of everything.
    pub async fn admin(&self) -> Caller {
        self.account("admin", "*", "administrator").await
    }

    /// A member of staff of the clinic, named like the role.
    pub async fn staff(&self, role: &str) -> Caller {
        self.account(role, "clinic", role).await
    }

    /// An account with one role, logged in.
    pub async fn account(&self, user: &str, venue: &str, role: &str) -> Caller {
        let now = Clock::machine().now();
        if self.access.list_accounts().iter().all(|known| known.user.as_str() != user) {
            let roles = [(venue.to_owned(), role.to_owned())].into();
            let roles = Roles::parse(&roles, |_| true).unwrap();
            self.access.put_account(user, Some(PASSWORD), roles, now).await.unwrap();
        }
        let (token, _) = self.access.login(user, PASSWORD, now).await.unwrap();
        Caller::new(&self.base, Some(token.reveal().to_owned()))
    }

    /// The kiosk at the clinic's entrance.
    pub async fn kiosk(&self) -> Caller {
        self.device("clinic", "entrance", DeviceKind::Kiosk).await
    }

    /// A screen of the clinic.
    pub async fn screen(&self) -> Caller {
        self.device("clinic", "wall", DeviceKind::Board).await
    }

    /// A new device of a venue.
    pub async fn device(&self, venue: &str, name: &str, kind: DeviceKind) -> Caller {
        let venue = VenueId::parse(venue).unwrap();
        let now = Clock::machine().now();
        let (token, _) = self.access.create_device(&venue, name, kind, now).await.unwrap();
        Caller::new(&self.base, Some(token.reveal().to_owned()))
    }

    /// The clinic's board, open to everybody.
    pub async fn board(&self) -> Socket {
        self.anybody().socket("/ws/v1/venues/clinic/board").await
    }

    /// The phone that holds this ticket's link.
    pub async fn phone(&self, token: &str) -> Socket {
        self.anybody().socket(&format!("/ws/v1/tickets/{token}")).await
    }

    /// A console of the clinic.
    pub async fn console(&self) -> Socket {
        self.staff("viewer").await.socket("/ws/v1/venues/clinic/console").await
    }
}

impl Drop for Server {
    /// Nobody waits for it: it goes down beside the next test.
    fn drop(&mut self) {
        self.tell_to_stop();
    }
}
