//! Plays the demo's days against the running server itself, by the server's clock, day after day.
//!
//! Apart, because it is the only part of the demo that does anything. It uses the public API like any other program;
//! of the server it shares the clock only.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use callnext_engine::{CounterId, Millis, Timestamp};
use tokio::sync::mpsc;

use super::days::day_of;
use super::{CLINIC, HALL};
use crate::clock::Clock;
use crate::replay::client::{Access, Client};
use crate::replay::day::Day;
use crate::replay::options::{ReplayError, cast, target};
use crate::replay::pace::Pace;
use crate::replay::plan::{Mix, Plan};
use crate::replay::player::{Heard, Player, Setup};
use crate::replay::progress::Progress;

/// The same step of the next day is so much later; that a zone may change its clocks between does not matter here.
const NEXT_DAY: Millis = Millis::from_mins(24 * 60);
/// The clock is put forward to this long before the first people come.
const BEFORE_OPENING: Millis = Millis::from_mins(5);

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

    /// A person has taken over.
    pub(super) fn stop(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Plays both venues against the server at `http://host:port`, which runs by `clock`, day after day: when both days
/// are over the clock is put forward to the next morning. A counter that a person takes over is left alone from then
/// on, the rest goes on; the clock is then nobody's to put forward.
///
/// It goes on from the venue's present time: whatever a demo that was stopped had done stays done. Must be run on a
/// local task set, as `actix::spawn` does. `player` is who plays, at both venues; `days` are played instead of the
/// embedded ones where they fit.
///
/// # Errors
///
/// The server does not answer any more, or not as the contract says.
pub async fn play(
    server: &str,
    clock: &Clock,
    playing: &Playing,
    player: &Access,
    hall_day: Option<&Day>,
) -> Result<(), ReplayError> {
    let mut leave = (Vec::new(), Vec::new());
    loop {
        let both = futures_util::future::try_join(
            play_day(server, clock, playing, player, CLINIC, None, &mut leave.0),
            play_day(server, clock, playing, player, HALL, hall_day, &mut leave.1),
        );
        let next = match both.await {
            Ok((clinic, hall)) => clinic.min(hall),
            Err(error) => {
                playing.stop();
                return Err(error);
            }
        };
        if playing.now() {
            clock.set(next - BEFORE_OPENING);
        }
        Pace::Follow(clock.clone()).until(next - BEFORE_OPENING).await;
    }
}

/// Plays the rest of one venue's day; tells when the next one begins.
async fn play_day(
    server: &str,
    clock: &Clock,
    playing: &Playing,
    player: &Access,
    name: &str,
    day: Option<&Day>,
    leave: &mut Vec<CounterId>,
) -> Result<Timestamp, ReplayError> {
    let client = Rc::new(Client::new(server)?);
    let venues = client.venues().await?.venues;
    let has = venues.iter().map(|venue| venue.id.clone()).collect();
    let Some((venue, embedded)) = venues.into_iter().find(|venue| venue.id == name).zip(day_of(name)) else {
        return Err(ReplayError::Venue { has });
    };
    let mix = if name == CLINIC { Mix::CLINIC } else { Mix::HALL };
    let cast = cast(Some(player.clone()), &client.info().await?, name)?;
    let target = target(&client, &cast, &venue).await?;
    let plan = match day {
        Some(day) => Plan::new(day, target, mix)?,
        None => Plan::new(&embedded?, target, mix)?,
    };
    let next = plan.begins + NEXT_DAY;
    let (tell, heard) = mpsc::unbounded_channel();
    let setup = Setup {
        client,
        cast,
        plan,
        mix,
        pace: Pace::Follow(clock.clone()),
        phones: 0,
        tell: Some(tell),
        progress: Progress::hidden(),
        leave: leave.clone(),
    };
    let (_, yielded) =
        futures_util::future::try_join(Player::new(setup).play(), async { Ok(listen(heard, playing).await) }).await?;
    leave.extend(yielded);
    Ok(next)
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
