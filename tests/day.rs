//! Recorded days against the real binary: every call on every board once and in order, every phone right in the end,
//! a counter left to the person who takes it, and a demo that goes on after it was killed.

#![cfg(test)]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use awc::http::Method;
use callnext::demo::{CLINIC, DEMO_ACCOUNTS, HALL, hall_day};
use callnext::replay::PlayOptions;
use callnext::replay::client::{Access, Client, Seat};
use callnext::replay::options::prepare;
use callnext::replay::player::Heard;
use callnext::replay::watch::{self, Told, Watch};
use callnext::wire::{CallAnswer, CallRequest, CounterRow};
use callnext_engine::counter::CounterState;
use callnext_engine::{Millis, VenueId};
use chrono::NaiveTime;
use loadtest::day::{self, DayOptions};
use loadtest::verdict::Verdict;
use tempfile::TempDir;
use tokio::sync::mpsc;

/// Something that must come is waited for this long: a slow machine gets its time, a failure its end.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often a server is killed in the middle of one morning.
const KILLS: u32 = 6;
/// Fast enough for a test; a counter still does one thing after another.
const SPEED: &str = "600";

/// A demo in a process of its own. Killed, not asked, when the test is over.
struct Demo {
    process: Child,
    address: String,
}

impl Demo {
    fn start(data: &Path, speed: &str, plays: bool) -> Self {
        Self::start_at("127.0.0.1:0", data, speed, plays)
    }

    fn start_at(listen: &str, data: &Path, speed: &str, plays: bool) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_callnext"));
        command.args(["demo", "--listen", listen, "--speed", speed, "--data"]).arg(data);
        if !plays {
            command.arg("--no-play");
        }
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        let address = first.rsplit_once("http://").unwrap().1.trim_end_matches('/');
        Self { address: format!("http://{address}"), process }
    }

    fn client(&self) -> Rc<Client> {
        Rc::new(Client::new(&self.address).unwrap())
    }

    async fn plays(&self) -> bool {
        self.client().info().await.unwrap().demo.unwrap().playing
    }

    fn play_options(&self, venue: &str) -> PlayOptions {
        PlayOptions {
            server: self.address.clone(),
            speed: None,
            venue: Some(venue.to_owned()),
            user: None,
            password: None,
            token: None,
            booked: None,
            faithful: false,
        }
    }

    async fn check(&self, venue: &str, more: impl FnOnce(&mut DayOptions)) -> Verdict {
        let mut options = self.day_options(venue);
        more(&mut options);
        day::run(options).await.unwrap()
    }

    fn day_options(&self, venue: &str) -> DayOptions {
        DayOptions {
            play: self.play_options(venue),
            file: None,
            record_venue: None,
            day: None,
            from: None,
            until: NaiveTime::from_hms_opt(8, 40, 0),
            boards: 20,
            heal: false,
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn seat(role: &str) -> Rc<Seat> {
    let account = DEMO_ACCOUNTS.iter().find(|account| account.role == role).unwrap();
    let (user, password) = (account.user.to_owned(), account.password.to_owned());
    Rc::new(Seat::new(Access::Login { user, password }))
}

/// The console of a venue, as it goes on.
struct Console {
    _watches: [Watch; 2],
    told: mpsc::Receiver<Told>,
}

impl Console {
    async fn open(client: &Rc<Client>, venue: &VenueId) -> Self {
        let seat = seat("nurse");
        // A socket cannot log in; the seat has its token from now on.
        client.read::<serde::de::IgnoredAny>(&seat, &format!("/venues/{venue}/queue")).await.unwrap();
        let (watches, told) = watch::venue(client, &seat, venue);
        Self { _watches: watches, told }
    }

    /// Waits for a row that fits among the counters that are shown next.
    async fn counter(&mut self, fits: impl Fn(&CounterRow) -> bool) -> CounterRow {
        let wait = async {
            loop {
                let rows = match self.told.recv().await.unwrap() {
                    Told::Console(frame) => frame.console.counters,
                    Told::Change(frame) => frame.change.counters,
                    Told::Board(_) => continue,
                };
                if let Some(row) = rows.into_iter().find(|row| fits(row)) {
                    return row;
                }
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("the counter shows it")
    }
}

#[actix::test]
async fn a_morning_at_the_hall_reaches_every_board_and_phone() {
    let data = TempDir::new().unwrap();
    let verdict = Demo::start(data.path(), SPEED, false).check(HALL, |_| {}).await;
    assert!(verdict.is_good(), "{verdict}");
    assert!(verdict.summary.issued > 50 && verdict.summary.missed > 0, "the morning was a real one: {verdict}");
    assert!(verdict.summary.refused.is_empty(), "{verdict}");
}

#[actix::test]
async fn a_morning_at_the_clinic_reaches_every_board_and_phone() {
    let data = TempDir::new().unwrap();
    let demo = Demo::start(data.path(), SPEED, false);
    let verdict = demo
        .check(CLINIC, |options| {
            options.file = Some("server/demo/data/warsaw_bielany_2020-01-13.csv".into());
            options.play.booked = Some(70);
            options.until = NaiveTime::from_hms_opt(9, 0, 0);
        })
        .await;
    assert!(verdict.is_good(), "{verdict}");
    assert!(verdict.summary.checked_in > 20, "most had booked: {verdict}");
    assert!(verdict.summary.refused.is_empty(), "{verdict}");
}

#[actix::test]
async fn a_server_that_is_killed_again_and_again_loses_nothing() {
    let data = TempDir::new().unwrap();
    let mut demo = Demo::start(data.path(), SPEED, false);
    let (address, mut options) = (demo.address.clone(), demo.day_options(HALL));
    options.heal = true;
    let checked = actix::spawn(day::run(options));
    let (mut kills, mut last) = (0, 0);
    while !checked.is_finished() && kills < KILLS {
        // It dies when it has worked for a while, at a moment that nobody chose.
        let mut console = Console::open(&demo.client(), &VenueId::parse(HALL).unwrap()).await;
        let beyond = |row: &CounterRow| row.current.is_some_and(|ticket| ticket > last + 6);
        last = console.counter(beyond).await.current.unwrap();
        drop(demo);
        demo = Demo::start_at(address.trim_start_matches("http://"), data.path(), SPEED, false);
        kills += 1;
    }
    let verdict = checked.await.unwrap().unwrap();
    assert!(verdict.is_good(), "{verdict}");
    assert!(kills > 2 && verdict.reports.iter().any(|report| report.returns > 1), "{kills} kills: {verdict}");
}

#[actix::test]
async fn a_counter_that_a_person_works_is_left_to_that_person() {
    let data = TempDir::new().unwrap();
    let demo = Demo::start(data.path(), SPEED, false);
    let (client, venue) = (demo.client(), VenueId::parse(HALL).unwrap());
    let mut console = Console::open(&client, &venue).await;
    let morning = hall_day().unwrap().between(Millis::ZERO, Millis::from_mins(8 * 60 + 40));
    let (tell, mut heard) = mpsc::unbounded_channel();
    let player = prepare(&morning, &demo.play_options(HALL), 0, Some(tell)).await.unwrap();
    let playing = actix::spawn(player.play());
    let busy = console.counter(|row| row.current.is_some()).await;
    let path = format!("/venues/{HALL}/counters/{}/calls", busy.id);
    let clerk = seat("clerk");
    let call = async || loop {
        let answer: CallAnswer = client.write(&clerk, Method::POST, &path, &CallRequest::default()).await.unwrap();
        if let Some(ticket) = answer.ticket {
            break ticket.id;
        }
    };
    call().await;
    // Until it hears of that, the player may have called there itself; from then on it must not.
    let yielded = async { while !matches!(heard.recv().await.unwrap(), Heard::TakenOver { .. }) {} };
    tokio::time::timeout(PATIENCE, yielded).await.expect("the player notices");
    let mine = Some(call().await);
    let summary = playing.await.unwrap().unwrap();
    assert_eq!(summary.taken_over, std::slice::from_ref(&busy.id), "{summary}");
    assert!(summary.called > 20, "the others went on: {summary}");
    let queue = format!("/venues/{HALL}/queue");
    let now: callnext::wire::Console = client.read(&seat("nurse"), &queue).await.unwrap();
    for row in now.counters {
        let expected = if row.id == busy.id { (CounterState::Open, mine) } else { (CounterState::Closed, None) };
        assert_eq!((row.state, row.current), expected, "counter {}", row.id);
    }
}

#[actix::test]
async fn a_demo_says_when_a_person_has_taken_over() {
    let data = TempDir::new().unwrap();
    let demo = Demo::start(data.path(), "100", true);
    let (client, venue) = (demo.client(), VenueId::parse(HALL).unwrap());
    assert!(demo.plays().await);
    let mut console = Console::open(&client, &venue).await;
    let busy = console.counter(|row| row.current.is_some()).await;
    let path = format!("/venues/{HALL}/counters/{}/calls", busy.id);
    let answer: CallAnswer = client.write(&seat("clerk"), Method::POST, &path, &CallRequest::default()).await.unwrap();
    console.counter(|row| row.id == busy.id && row.current == answer.ticket.as_ref().map(|ticket| ticket.id)).await;
    // The player hears of it by a console of its own, at about the same time as this one.
    let told = async {
        while demo.plays().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, told).await.expect("the demo says so");
}

#[actix::test]
async fn a_demo_that_was_killed_goes_on_where_it_was() {
    let data = TempDir::new().unwrap();
    let venue = VenueId::parse(HALL).unwrap();
    let mut last = 0;
    for _ in 0..3 {
        let demo = Demo::start(data.path(), "200", true);
        let mut console = Console::open(&demo.client(), &venue).await;
        // Tickets are counted up: a higher one at a counter is a later call.
        let row = console.counter(|row| row.current.is_some_and(|ticket| ticket > last + 20)).await;
        assert!(demo.plays().await, "nobody has taken anything over");
        last = row.current.unwrap();
    }
}
