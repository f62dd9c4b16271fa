//! What the person who starts a replay says, and what becomes of it: a player, ready to play.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::rc::Rc;

use callnext_engine::{CounterId, ServiceId, Timestamp, VenueId};
use chrono::NaiveDate;
use tokio::sync::mpsc;

use super::client::{Access, Client, ClientError, Seat, venue_path};
use super::day::{Day, DayError, Wanted};
use super::mapping::{MappingError, map_queues};
use super::pace::Pace;
use super::plan::{Mix, Plan, Target};
use super::player::{Cast, Heard, Player, Setup};
use super::progress::Progress;
use super::summary::ReplaySummary;
use crate::wire::{Console, Info, VenueSummary};

/// How many times faster than real a day is played, unless said otherwise or told by the server's own clock.
const SPEED_DEFAULT: u32 = 20;
/// No faster than this: a day would be over before its first answers are there.
const SPEED_MAX: u32 = 100_000;

/// A recorded day, played against a server.
#[derive(Clone, clap::Args)]
pub struct ReplayOptions {
    /// The recorded day: a CSV file with day,venue,queue,class,ticket,arrived_at,called_at,finished_at,counter
    pub file: PathBuf,
    /// How it is played
    #[command(flatten)]
    pub play: PlayOptions,
    /// How many waiting phones to hold open
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub phones: usize,
    /// The venue in the file, where it holds several
    #[arg(long, value_name = "NAME")]
    pub record_venue: Option<String>,
    /// The day in the file, where it holds several
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub day: Option<NaiveDate>,
}

/// Where and how a day is played, whatever day it is.
#[derive(Clone, clap::Args)]
pub struct PlayOptions {
    /// Address of the server
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub server: String,
    /// How many times faster than it was [default: as fast as the server's own clock, or 20]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(SPEED_MAX)))]
    pub speed: Option<u32>,
    /// The venue of the server, where it has several that fit
    #[arg(long, value_name = "VENUE")]
    pub venue: Option<String>,
    /// Account to play as; it must be allowed to do what a nurse and a clerk do
    #[arg(long, value_name = "NAME", requires = "password")]
    pub user: Option<String>,
    /// The account's password
    #[arg(long, value_name = "PASSWORD", env = "CALLNEXT_PASSWORD", hide_env_values = true)]
    pub password: Option<String>,
    /// A token to play with, instead of an account
    #[arg(long, value_name = "TOKEN", env = "CALLNEXT_TOKEN", hide_env_values = true, conflicts_with = "user")]
    pub token: Option<String>,
    /// Of a hundred people, so many are played as booked [default: those the file says]
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(0..=100), conflicts_with = "faithful")]
    pub booked: Option<u32>,
    /// Only what is in the file: everybody comes when called, nobody is given precedence
    #[arg(long)]
    pub faithful: bool,
}

/// Why a day could not be played, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The records.
    #[error(transparent)]
    Day(#[from] DayError),
    /// The queues of the day do not fit the venue.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// The server.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The server has no venue of this name, or several that would do.
    #[error("choose a venue with --venue; the server has {}", has.join(", "))]
    Venue {
        /// What it has.
        has: Vec<String>,
    },
    /// The server says something about the venue that makes no sense.
    #[error("venue \"{venue}\": the server gives {what} \"{text}\"")]
    Nonsense {
        /// The venue.
        venue: String,
        /// Of what sort.
        what: &'static str,
        /// What it gives.
        text: String,
    },
    /// Nobody said who the player is, and the server has no ready accounts.
    #[error("say who plays: --user and --password, or --token")]
    Nobody,
}

/// Plays a recorded day to its end, as the options say.
///
/// # Errors
///
/// The day cannot be read, does not fit the venue, or the server is lost on the way. Refusals are not errors: they are
/// counted in the summary.
pub async fn run(options: ReplayOptions) -> Result<ReplaySummary, ReplayError> {
    let wanted = Wanted { venue: options.record_venue.clone(), date: options.day };
    let day = Day::open(&options.file, &wanted)?;
    Ok(prepare(&day, &options.play, options.phones, None).await?.play().await?)
}

/// Makes a player of a day, ready to play at its own pace from the day's first moment, with so many waiting phones; what
/// happens is told to whoever listens.
///
/// # Errors
///
/// As [`run`].
pub async fn prepare(
    day: &Day,
    options: &PlayOptions,
    phones: usize,
    tell: Option<mpsc::UnboundedSender<Heard>>,
) -> Result<Player, ReplayError> {
    let client = Rc::new(Client::new(&options.server)?);
    let info = client.info().await?;
    let venues = client.venues().await?.venues;
    let venue = choose(venues, options.venue.as_deref(), &day.queues)?;
    let cast = cast(named(options), &info, &venue.id)?;
    let target = target(&client, &cast, &venue).await?;
    let mix = mix(options);
    let plan = Plan::new(day, target, mix)?;
    let speed = options.speed.unwrap_or(if info.clock_rate > 1 { info.clock_rate } else { SPEED_DEFAULT });
    let pace = Pace::own(plan.begins, speed, Timestamp::from_utc(info.at), info.clock_rate);
    let progress = Progress::shown(&plan);
    let leave = Vec::new();
    Ok(Player::new(Setup { client, cast, plan, mix, pace, phones, tell, progress, leave }))
}

fn mix(options: &PlayOptions) -> Mix {
    match (options.faithful, options.booked) {
        (true, _) => Mix::FAITHFUL,
        (false, Some(booked_percent)) => Mix { booked_percent, ..Mix::CLINIC },
        (false, None) => Mix::HALL,
    }
}

/// The venue that was named, or the only one that the queues fit.
fn choose(
    venues: Vec<VenueSummary>,
    wanted: Option<&str>,
    queues: &BTreeSet<String>,
) -> Result<VenueSummary, ReplayError> {
    let has = venues.iter().map(|venue| venue.id.clone()).collect();
    let fits = |venue: &VenueSummary| match wanted {
        Some(wanted) => venue.id == wanted,
        None => {
            let services: Option<Vec<_>> =
                venue.services.iter().map(|service| ServiceId::parse(&service.id).ok()).collect();
            services.is_some_and(|services| map_queues(queues, &services).is_ok())
        }
    };
    let mut fitting: Vec<_> = venues.into_iter().filter(fits).collect();
    match (fitting.pop(), fitting.is_empty()) {
        (Some(venue), true) => Ok(venue),
        _ => Err(ReplayError::Venue { has }),
    }
}

/// Whom the options name, if anybody.
fn named(options: &PlayOptions) -> Option<Access> {
    match (&options.token, &options.user, &options.password) {
        (Some(token), _, _) => Some(Access::Token(token.clone())),
        (None, Some(user), Some(password)) => Some(Access::Login { user: user.clone(), password: password.clone() }),
        _ => None,
    }
}

/// Who the player is where: who was named, for everything; or else the ready accounts and the kiosk of a demo.
///
/// # Errors
///
/// Nobody was named, and the server is no demo.
pub fn cast(named: Option<Access>, info: &Info, venue: &str) -> Result<Cast, ReplayError> {
    if let Some(access) = named {
        let seat = Rc::new(Seat::new(access));
        return Ok(Cast { kiosk: Rc::clone(&seat), nurse: Rc::clone(&seat), clerk: seat });
    }
    let demo = info.demo.as_ref().ok_or(ReplayError::Nobody)?;
    let account = |role: &str| {
        let account = demo.accounts.iter().find(|account| account.role == role)?;
        let (user, password) = (account.user.clone(), account.password.clone());
        Some(Rc::new(Seat::new(Access::Login { user, password })))
    };
    let kiosk = demo.devices.iter().find(|device| device.kind == "kiosk" && device.venue == venue);
    let kiosk = kiosk.and_then(|device| device.token.clone()).map(|token| Rc::new(Seat::new(Access::Token(token))));
    let nurse = account("nurse").ok_or(ReplayError::Nobody)?;
    let clerk = account("clerk").ok_or(ReplayError::Nobody)?;
    Ok(Cast { kiosk: kiosk.unwrap_or_else(|| Rc::clone(&nurse)), nurse, clerk })
}

/// What the server says of a venue, as the plan needs it.
///
/// # Errors
///
/// The server refuses to show the venue's queue, or says what makes no sense.
pub async fn target(client: &Client, cast: &Cast, venue: &VenueSummary) -> Result<Target, ReplayError> {
    let nonsense = |what, text: &str| ReplayError::Nonsense { venue: venue.id.clone(), what, text: text.to_owned() };
    let id = VenueId::parse(&venue.id).map_err(|_| nonsense("a name", &venue.id))?;
    let zone = venue.time_zone.parse().map_err(|_| nonsense("a time zone", &venue.time_zone))?;
    let date = venue.day.parse().map_err(|_| nonsense("a day", &venue.day))?;
    let console: Console = client.read(&cast.nurse, &venue_path(&id, "queue")).await?;
    let service = |name: &String| ServiceId::parse(name).map_err(|_| nonsense("a service", name));
    let services = console.services.iter().map(|queue| service(&queue.id)).collect::<Result<_, _>>()?;
    let counter = |row: &crate::wire::CounterRow| {
        let id = CounterId::parse(&row.id).map_err(|_| nonsense("a counter", &row.id))?;
        Ok((id, row.services.iter().map(service).collect::<Result<_, _>>()?))
    };
    let counters = console.counters.iter().map(counter).collect::<Result<_, ReplayError>>()?;
    Ok(Target { venue: id, zone, date, services, counters })
}

#[cfg(test)]
mod tests {
    use callnext_engine::Text;
    use chrono::DateTime;
    use clap::Parser;

    use super::*;
    use crate::wire::{DemoAccount, DemoInfo, DeviceAnswer, ServiceSummary};

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: ReplayOptions,
    }

    fn line(words: &[&str]) -> Result<ReplayOptions, clap::Error> {
        Line::try_parse_from([&["replay"], words].concat()).map(|line| line.options)
    }

    fn venue(id: &str, services: &[&str]) -> VenueSummary {
        let service = |id: &&str| ServiceSummary {
            id: (*id).to_owned(),
            name: Text::same(id),
            open: false,
            waiting: 0,
            estimate: None,
            estimate_reason: None,
            classes: Vec::new(),
            next_slot: None,
            closed: None,
        };
        VenueSummary {
            id: id.to_owned(),
            name: Text::same(id),
            time_zone: "Asia/Shanghai".to_owned(),
            day: "2026-11-22".to_owned(),
            at: DateTime::UNIX_EPOCH,
            join_by_phone: false,
            services: services.iter().map(service).collect(),
            open_counters: Vec::new(),
        }
    }

    #[test]
    fn the_command_line_reads_as_it_is_written() {
        let options = line(&["day.csv", "--server", "http://hall", "--speed", "60", "--day", "2019-12-30"]).unwrap();
        assert_eq!((options.play.speed, options.day), (Some(60), "2019-12-30".parse().ok()));
        assert_eq!(line(&["day.csv"]).unwrap().play.server, "http://127.0.0.1:8080");
        for bad in [
            &[][..],
            &["day.csv", "--speed", "0"],
            &["day.csv", "--day", "yesterday"],
            &["day.csv", "--booked", "101"],
            &["day.csv", "--token", "t", "--user", "u", "--password", "p"],
        ] {
            assert!(line(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_venue_is_the_named_one_or_the_only_one_that_fits() {
        let venues = || vec![venue("clinic", &["a", "b", "c"]), venue("hall", &["x", "y"])];
        let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let queues = named(&["B", "C"]);
        assert_eq!(choose(venues(), Some("hall"), &queues).unwrap().id, "hall");
        assert_eq!(choose(venues(), None, &named(&["P", "Q"])).unwrap().id, "hall");
        for (wanted, queues) in [(Some("bank"), &queues), (None, &queues), (None, &named(&["A", "1", "2", "3"]))] {
            let error = choose(venues(), wanted, queues).err().map(|error| error.to_string());
            let both_or_none = error.as_deref() == Some("choose a venue with --venue; the server has clinic, hall");
            assert!(both_or_none, "{wanted:?} {queues:?}: {error:?}");
        }
    }

    #[test]
    fn a_demo_says_itself_who_can_play() {
        let account =
            |role: &str| DemoAccount { user: role.to_owned(), password: "p".to_owned(), role: role.to_owned() };
        let kiosk = DeviceAnswer {
            name: "kiosk".to_owned(),
            kind: "kiosk".to_owned(),
            venue: "hall".to_owned(),
            token: Some("t".to_owned()),
        };
        let demo =
            DemoInfo { accounts: vec![account("nurse"), account("clerk")], devices: vec![kiosk], playing: false };
        let mut info = Info { version: String::new(), at: DateTime::UNIX_EPOCH, clock_rate: 20, demo: Some(demo) };
        let options = line(&["day.csv"]).unwrap().play;
        let theirs = cast(named(&options), &info, "hall").unwrap();
        assert!(!Rc::ptr_eq(&theirs.kiosk, &theirs.nurse));
        let without_kiosk = cast(named(&options), &info, "clinic").unwrap();
        assert!(Rc::ptr_eq(&without_kiosk.kiosk, &without_kiosk.nurse));
        info.demo = None;
        assert!(matches!(cast(named(&options), &info, "hall"), Err(ReplayError::Nobody)));
        let own = cast(named(&line(&["day.csv", "--token", "t"]).unwrap().play), &info, "hall").unwrap();
        assert!(Rc::ptr_eq(&own.kiosk, &own.clerk));
    }

    #[test]
    fn a_mix_is_what_the_options_say() {
        let mix = |words: &[&str]| mix(&line(words).unwrap().play);
        assert_eq!(mix(&["day.csv"]), Mix::HALL);
        assert_eq!(mix(&["day.csv", "--booked", "70"]), Mix::CLINIC);
        assert_eq!(mix(&["day.csv", "--faithful"]), Mix::FAITHFUL);
    }
}
