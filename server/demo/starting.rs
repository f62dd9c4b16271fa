//! Starts a server as a demo: its venues, its ready accounts and devices, its own clock, and the player.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use callnext_engine::{BusinessDay, Declaration, Timestamp, VenueId};

use super::playing::{Playing, play};
use super::{DEMO_ACCOUNTS, DEMO_DEVICES, DemoError, begins_at, venues};
use crate::access::{Access, AccessError, DeviceKind, Failure, Roles};
use crate::app::{App, AppError, Parts};
use crate::clock::Clock;
use crate::http::DemoState;
use crate::replay::client;
use crate::replay::day::{Day, DayError, Wanted};
use crate::venues::{MERGE, RegistryError};
use crate::wire::{DemoAccount, DemoInfo, DeviceAnswer};

/// The account the player uses: its changes are its own, so that a person's undo finds the person's.
const PLAYER: &str = "demo-player";
/// How often the demo looks whether a person has taken over.
const LOOK: Duration = Duration::from_millis(250);

/// What a demo is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where it keeps its files: started again there, it goes on.
    pub data: PathBuf,
    /// How many times faster than real time its clock runs while it plays.
    pub speed: u32,
    /// A recorded day for the hall, instead of its own.
    pub day: Option<PathBuf>,
    /// Whether it plays at all.
    pub plays: bool,
}

/// Why a demo cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its settings.
    #[error(transparent)]
    Demo(#[from] DemoError),
    /// The recorded day that was named.
    #[error(transparent)]
    Day(#[from] DayError),
    /// Its accounts and devices.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The server.
    #[error(transparent)]
    App(#[from] AppError),
    /// A venue cannot be looked at.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

/// A demo that is bound and ready to run.
pub struct Started {
    app: App,
    clock: Clock,
    playing: Playing,
    player: client::Access,
    day: Option<Day>,
    speed: u32,
}

/// Builds the demo.
pub async fn start(options: Options) -> Result<Started, StartError> {
    let day = options.day.as_deref().map(|path| Day::open(path, &Wanted::default())).transpose()?;
    let venues = venues()?;
    let access = Access::open(&options.data)?;
    let wall = Clock::machine();
    let player = ready_accounts(&access, wall.now()).await?;
    let devices = ready_devices(&access, wall.now()).await?;
    let clock = Clock::own(morning(&venues, wall.now()), options.speed);
    let playing = Playing::new(options.plays);
    let info = DemoInfo { accounts: accounts(), devices, playing: options.plays };
    let (still, taken) = (playing.clone(), playing.clone());
    let works = move |user: &str| {
        if user != PLAYER {
            taken.stop();
        }
    };
    let app = App::build(Parts {
        listen: options.listen,
        data: options.data,
        public_url: None,
        trusted_origins: Vec::new(),
        workers: None,
        merge: MERGE,
        venues,
        clock: clock.clone(),
        access,
        snapshot: None,
        demo: Some(DemoState { info, playing: Box::new(move || still.now()), works: Box::new(works) }),
        cluster: None,
    })
    .await?;
    go_on_from_the_journal(&app, &clock).await?;
    Ok(Started { app, clock, playing, player, day, speed: options.speed })
}

/// The first moments of the recorded day, on today's date at the venues.
fn morning(venues: &[Declaration], now: Timestamp) -> Timestamp {
    venues.first().map_or(now, |venue| {
        BusinessDay::holding(now, venue.time_zone, venue.day_start).at(begins_at(), venue.time_zone, venue.day_start)
    })
}

/// A demo that was stopped in the middle of its day goes on there.
async fn go_on_from_the_journal(app: &App, clock: &Clock) -> Result<(), StartError> {
    let edge = app.edge();
    for venue in edge.registry.ids() {
        let at = edge.registry.look(venue, |shown| shown.venue().at()).await?;
        if at > clock.now() {
            clock.set(at);
        }
    }
    Ok(())
}

fn accounts() -> Vec<DemoAccount> {
    let shown = |account: &super::ReadyAccount| DemoAccount {
        user: account.user.to_owned(),
        password: account.password.to_owned(),
        role: account.role.to_owned(),
    };
    DEMO_ACCOUNTS.iter().map(shown).collect()
}

/// Makes the accounts a demo gives away, and the player's own; tells how the player is let in.
async fn ready_accounts(access: &Access, now: Timestamp) -> Result<client::Access, AccessError> {
    let everywhere = |role: &str| {
        let roles = [("*".to_owned(), role.to_owned())].into();
        Roles::parse(&roles, |_| true)
    };
    let known = access.list_accounts();
    for account in &DEMO_ACCOUNTS {
        if known.iter().all(|known| known.user.as_str() != account.user) {
            access.put_account(account.user, Some(account.password), everywhere(account.role)?, now).await?;
        }
    }
    // Another password at each start: nobody else is to play.
    let password = data_encoding::BASE64URL_NOPAD.encode(&random()?);
    access.put_account(PLAYER, Some(&password), everywhere("manager")?, now).await?;
    Ok(client::Access::Login { user: PLAYER.to_owned(), password })
}

fn random() -> Result<[u8; 24], AccessError> {
    let mut bytes = [0; 24];
    getrandom::fill(&mut bytes).map_err(Failure::Random)?;
    Ok(bytes)
}

/// Makes the devices a demo gives away, anew at each start: a token is told only when it is made.
async fn ready_devices(access: &Access, now: Timestamp) -> Result<Vec<DeviceAnswer>, AccessError> {
    let mut devices = Vec::new();
    for device in &DEMO_DEVICES {
        let (Ok(venue), Some(kind)) = (VenueId::parse(device.venue), DeviceKind::named(device.kind)) else { continue };
        if access.list_devices(&venue).iter().any(|known| known.name.as_str() == device.name) {
            access.delete_device(&venue, device.name).await?;
        }
        let (token, made) = access.create_device(&venue, device.name, kind, now).await?;
        devices.push(DeviceAnswer {
            name: made.name.to_string(),
            kind: kind.name().to_owned(),
            venue: venue.to_string(),
            token: Some(token.reveal().to_owned()),
        });
    }
    Ok(devices)
}

impl Started {
    /// What a newcomer is told.
    pub fn welcome(&self) -> String {
        let base = format!("http://{}", self.app.address());
        let mut text = format!("callnext demo is running: {base}/\n\n");
        for venue in [super::CLINIC, super::HALL] {
            for page in ["board", "kiosk", "counter", "triage"] {
                text += &format!("  {page:<8} {base}/{page}/{venue}\n");
            }
        }
        text.push_str("\nReady accounts (anybody can use them; this is a demo):\n");
        for account in &DEMO_ACCOUNTS {
            text += &format!("  {:<14} {:<12} {}\n", account.role, account.user, account.password);
        }
        if self.playing.now() {
            text += &format!(
                "\nA recorded day is played at {} times real speed until somebody works a counter.\n",
                self.speed
            );
        }
        text.push_str("Ctrl-C stops it; started again, it goes on where it was.\n");
        text
    }

    /// Runs until the process is told to stop.
    pub async fn run(self) -> Result<(), AppError> {
        let server = format!("http://{}", reachable(self.app.address()));
        let Self { app, clock, playing, player, day, .. } = self;
        if playing.now() {
            let (clock_of_player, still) = (clock.clone(), playing.clone());
            actix::spawn(async move {
                if let Err(error) = play(&server, &clock_of_player, &still, &player, day.as_ref()).await {
                    tracing::error!(%error, "the recorded day is no longer played");
                }
            });
            actix::spawn(async move {
                while playing.now() {
                    tokio::time::sleep(LOOK).await;
                }
                clock.set_rate(1);
                tracing::info!("somebody works a counter: the clock now runs in real time");
            });
        }
        app.run().await
    }
}

/// An address of this machine under which a server that listens everywhere is reached.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    address
}
