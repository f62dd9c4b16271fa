//! A recorded day, played against a running server, with boards and every ticket's phone held open and checked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use callnext::replay::client::{Access, Client, ClientError, Seat};
use callnext::replay::day::{Day, Wanted};
use callnext::replay::options::prepare;
use callnext::replay::player::Heard;
use callnext::replay::{PlayOptions, ReplayError};
use callnext::wire::{Card, CardFrame};
use callnext_engine::Millis;
use chrono::{NaiveDate, NaiveTime};
use tokio::sync::{mpsc, oneshot};

use super::crowd::{Crowd, CrowdError};
use super::socket::{Address, SocketError};
use super::verdict::Verdict;

/// A recorded day, checked.
#[derive(Clone, clap::Args)]
pub struct DayOptions {
    /// How it is played
    #[command(flatten)]
    pub play: PlayOptions,
    /// A recorded day of your own [default: the 1,240 tickets of the demo's hall]
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// The venue in the file, where it holds several
    #[arg(long, value_name = "NAME")]
    pub record_venue: Option<String>,
    /// The day in the file, where it holds several
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub day: Option<NaiveDate>,
    /// Leave out whoever came before
    #[arg(long, value_name = "HH:MM", value_parser = time_of_day)]
    pub from: Option<NaiveTime>,
    /// Leave out whoever came later
    #[arg(long, value_name = "HH:MM", value_parser = time_of_day)]
    pub until: Option<NaiveTime>,
    /// How many boards to hold open
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub boards: usize,
    /// Open connections again that end: for a server that is killed and started again meanwhile
    #[arg(long)]
    pub heal: bool,
}

fn time_of_day(text: &str) -> Result<NaiveTime, chrono::ParseError> {
    NaiveTime::parse_from_str(text, "%H:%M")
}

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum DayRunError {
    /// The day could not be played to its end.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The server, when it was asked for the last cards.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The sockets.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// Their thread.
    #[error(transparent)]
    Crowd(#[from] CrowdError),
}

/// A phone that is held open, and where to tell it the truth.
struct Phone {
    token: String,
    truth: oneshot::Sender<Card>,
}

/// Plays a day and checks what every board and phone receives.
///
/// # Errors
///
/// The day could not be played to its end; what the server did wrong meanwhile is in the verdict, not here.
pub async fn run(options: DayOptions) -> Result<Verdict, DayRunError> {
    let day = read(&options)?;
    let address = Address::parse(&options.play.server)?;
    let crowd = Crowd::gather(address, options.heal)?;
    let (tell, mut heard) = mpsc::unbounded_channel();
    let player = prepare(&day, &options.play, 0, Some(tell)).await?;
    let mut boards = Vec::new();
    for at in 0..options.boards {
        let (open, truth) = crowd.board(at, player.venue().as_str());
        // A board that cannot be opened says so in its report.
        drop(open.await);
        boards.push(truth);
    }
    let mut phones = Vec::new();
    let mut made: BTreeMap<u64, u32> = BTreeMap::new();
    let (mut numbers, mut given_twice) = (BTreeSet::new(), 0);
    let mut listen = |heard: Heard| match heard {
        Heard::Issued { number, token, .. } => {
            given_twice += u64::from(!numbers.insert(number.clone()));
            let truth = crowd.phone(number, token.clone());
            phones.push(Phone { token, truth });
        }
        Heard::Called { call, recalls, .. } => {
            made.insert(call, recalls);
        }
        Heard::TakenOver { .. } => {}
    };
    let playing = player.play();
    tokio::pin!(playing);
    let summary = loop {
        tokio::select! {
            Some(heard) = heard.recv() => listen(heard),
            played = &mut playing => break played?,
        }
    };
    while let Ok(heard) = heard.try_recv() {
        listen(heard);
    }
    let made = Arc::new(made);
    for board in boards {
        // A board whose connection ended has said so.
        drop(board.send(Arc::clone(&made)));
    }
    let client = Client::new(&options.play.server)?;
    let anybody = Seat::new(Access::Public);
    for Phone { token, truth } in phones {
        let frame: CardFrame = client.read(&anybody, &format!("/tickets/{token}")).await?;
        drop(truth.send(frame.card));
    }
    let reports = crowd.disperse()?;
    Ok(Verdict { calls_made: made.len(), given_twice, summary, reports })
}

fn read(options: &DayOptions) -> Result<Day, ReplayError> {
    let wanted = Wanted { venue: options.record_venue.clone(), date: options.day };
    let day = match &options.file {
        None => callnext::demo::hall_day()?,
        Some(path) => Day::open(path, &wanted)?,
    };
    let midnight = |time: NaiveTime| Millis(time.signed_duration_since(NaiveTime::MIN).num_milliseconds());
    let from = options.from.map_or(Millis::ZERO, midnight);
    let until = options.until.map_or(Millis(i64::MAX), midnight);
    Ok(day.between(from, until))
}
