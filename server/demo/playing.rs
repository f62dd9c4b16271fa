//! Plays the demo's days against the running server itself, by the server's clock, day after day.
//!
//! Apart, because it is the only part of the demo that does anything. It uses the public API like any other program;
//! of the server it shares the clock only.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use callnext_engine::{CounterId, Millis};
use tokio::sync::mpsc;

use super::days::day_of;
use super::{CLINIC, HALL};
use crate::clock::Clock;
use crate::replay::client::Client;
use crate::replay::options::{ReplayError, cast, target};
use crate::replay::pace::Pace;
use crate::replay::plan::{Mix, Plan};
use crate::replay::player::{Heard, Player, Setup};
use crate::replay::progress::Progress;

/// The same step of the next day is so much later; that a zone may change its clocks between does not matter here.
const NEXT_DAY: Millis = Millis::from_mins(24 * 60);

/// Whether the demo still plays by itself alone: true from the start, false once a person has taken over a counter, or
/// the player has given up.
#[derive(Debug, Clone)]
pub struct Playing(Arc<AtomicBool>);

impl Playing {
    /// A demo that plays, or one that was started without a player.
    pub fn new(plays: bool) -> Self {
        Self(Arc::new(AtomicBool::new(plays)))
    }

    /// Whether it does now.
    pub fn now(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn stop(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Plays both venues against the server at `http://host:port`, which runs by `clock`. Does not end by itself: when a day
/// is over it waits for the next. A counter that a person takes over is left alone from then on, the rest goes on.
///
/// It goes on from the venue's present time: whatever a demo that was stopped had done stays done. Must be run on a
/// local task set, as `actix::spawn` does.
///
/// # Errors
///
/// The server does not answer any more, or not as the contract says.
pub async fn play(server: &str, clock: &Clock, playing: &Playing) -> Result<(), ReplayError> {
    let both = futures_util::future::try_join(
        play_venue(server, clock, playing, CLINIC, Mix::CLINIC),
        play_venue(server, clock, playing, HALL, Mix::HALL),
    );
    let ended = both.await;
    playing.stop();
    ended.map(|_| ())
}

async fn play_venue(server: &str, clock: &Clock, playing: &Playing, name: &str, mix: Mix) -> Result<(), ReplayError> {
    let client = Rc::new(Client::new(server)?);
    let mut leave: Vec<CounterId> = Vec::new();
    loop {
        let venues = client.venues().await?.venues;
        let has = venues.iter().map(|venue| venue.id.clone()).collect();
        let Some(venue) = venues.into_iter().find(|venue| venue.id == name) else {
            return Err(ReplayError::Venue { has });
        };
        let Some(day) = day_of(name) else { return Err(ReplayError::Venue { has }) };
        let cast = cast(None, &client.info().await?, name)?;
        let target = target(&client, &cast, &venue).await?;
        let plan = Plan::new(&day?, target, mix)?;
        let next = plan.begins + NEXT_DAY;
        let pace = Pace::Follow(clock.clone());
        let (tell, heard) = mpsc::unbounded_channel();
        let setup = Setup {
            client: Rc::clone(&client),
            cast,
            plan,
            mix,
            pace: pace.clone(),
            phones: 0,
            tell: Some(tell),
            progress: Progress::hidden(),
            leave: leave.clone(),
        };
        let (_, yielded) =
            futures_util::future::try_join(Player::new(setup).play(), async { Ok(listen(heard, playing).await) })
                .await?;
        leave.extend(yielded);
        pace.until(next).await;
    }
}

/// Notes which counters people take over, until the player has ended.
async fn listen(mut heard: mpsc::UnboundedReceiver<Heard>, playing: &Playing) -> Vec<CounterId> {
    let mut counters = Vec::new();
    while let Some(heard) = heard.recv().await {
        if let Heard::TakenOver { counter } = heard {
            playing.stop();
            counters.push(counter);
        }
    }
    counters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix::test]
    async fn a_counter_taken_over_ends_the_playing_by_itself() {
        let playing = Playing::new(true);
        let (tell, heard) = mpsc::unbounded_channel();
        let counter = CounterId::parse("3").unwrap();
        tell.send(Heard::Called { id: 1, call: 1, recalls: 0 }).unwrap();
        tell.send(Heard::TakenOver { counter: counter.clone() }).unwrap();
        assert!(playing.now());
        drop(tell);
        assert_eq!(listen(heard, &playing).await, [counter]);
        assert!(!playing.now());
    }
}
