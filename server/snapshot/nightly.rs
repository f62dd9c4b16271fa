//! Decides when: at the start, whenever a venue's business day has ended, and again after something went wrong.
//!
//! A venue's day is its own (its hour, its zone, clock changes included), and the venue itself says which day it has:
//! nothing is reckoned here. One day is written at a time, so a night of many venues takes the memory of one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use callnext_engine::{Timestamp, VenueId};

use super::keeper::{Done, Keeper};
use crate::metrics::Metrics;
use crate::venues::Registry;

/// How often it is looked whether a day has ended. Looking costs one message per venue.
const LOOK_AROUND: Duration = Duration::from_secs(15);
/// After something went wrong, it is tried again no sooner than this.
const TRY_AGAIN: Duration = Duration::from_secs(5 * 60);

/// How a venue's nights are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Night {
    /// Closed days without a verified snapshot.
    pub missing: usize,
    /// What went wrong last, if it still does.
    pub problem: Option<String>,
}

/// How the nights of all venues are, for whoever asks.
#[derive(Debug, Clone, Default)]
pub struct Nights(Arc<Mutex<BTreeMap<VenueId, Night>>>);

impl Nights {
    /// The venues where something is wrong.
    pub fn troubled(&self) -> Vec<(VenueId, Night)> {
        let nights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let troubled = nights.iter().filter(|(_, night)| night.missing > 0 || night.problem.is_some());
        troubled.map(|(venue, night)| (venue.clone(), night.clone())).collect()
    }

    fn forget(&self, venue: &VenueId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(venue);
    }

    fn set(&self, venue: &VenueId, night: Night) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(venue.clone(), night);
    }
}

/// Writes every day that has ended.
pub struct Nightly {
    keeper: Arc<Keeper>,
    registry: Arc<Registry>,
    metrics: Arc<Metrics>,
    nights: Nights,
    seen: BTreeMap<VenueId, Seen>,
}

/// What was last done about a venue.
struct Seen {
    /// When the day began that it had then.
    day: Timestamp,
    /// When that was, if it went wrong.
    failed: Option<Instant>,
}

impl Nightly {
    /// For the venues of this registry.
    pub fn new(keeper: Arc<Keeper>, registry: Arc<Registry>, metrics: Arc<Metrics>, nights: Nights) -> Self {
        Self { keeper, registry, metrics, nights, seen: BTreeMap::new() }
    }

    /// Looks around for ever.
    pub async fn run(mut self) {
        let store = self.keeper.store().clone();
        let tidied = super::store::blocking(move || store.tidy()).await;
        if let Err(error) = tidied {
            tracing::warn!(%error, "what is left of snapshots that were cut short cannot be deleted");
        }
        loop {
            self.look_around().await;
            tokio::time::sleep(LOOK_AROUND).await;
        }
    }

    /// Does what is due, for every venue.
    pub async fn look_around(&mut self) {
        for venue in self.registry.ids().to_vec() {
            if !self.registry.is_owner(&venue) {
                // Its owner writes its nights; should that node die, whoever takes over finds what is missing.
                if self.seen.remove(&venue).is_some() {
                    self.nights.forget(&venue);
                    self.metrics.nights(&venue, 0, false);
                }
                continue;
            }
            // A venue that cannot be reached has said so elsewhere, and is looked at again.
            let Ok(day) = self.registry.look(&venue, |shown| shown.venue().day().start).await else { continue };
            if self.is_due(&venue, day) {
                let failed = self.see_to(&venue).await;
                self.seen.insert(venue, Seen { day, failed: failed.then(Instant::now) });
            }
        }
    }

    fn is_due(&self, venue: &VenueId, day: Timestamp) -> bool {
        self.seen
            .get(venue)
            .is_none_or(|seen| seen.day != day || seen.failed.is_some_and(|failed| failed.elapsed() >= TRY_AGAIN))
    }

    /// Does what is due for a venue; true where something went wrong.
    async fn see_to(&self, venue: &VenueId) -> bool {
        let night = match self.keeper.catch_up(venue).await {
            Ok(done) => self.tell(venue, done),
            Err(error) => {
                tracing::error!(%venue, %error, "ALARM: snapshots cannot be looked after; the journal keeps everything");
                Night { missing: self.missing_before(venue), problem: Some(error.to_string()) }
            }
        };
        let failed = night.problem.is_some();
        self.metrics.nights(venue, night.missing, failed);
        self.nights.set(venue, night);
        failed
    }

    fn tell(&self, venue: &VenueId, done: Done) -> Night {
        for manifest in &done.written {
            let (tickets, changes) = (manifest.counts.tickets, manifest.counts.changes);
            tracing::info!(%venue, date = %manifest.date, tickets, changes, "a day was written and verified");
        }
        for name in &done.expired {
            tracing::info!(%name, "a snapshot expired");
        }
        if let Some(newest) = &done.newest {
            self.metrics.snapshotted(venue, newest.ends_at);
        }
        if let Some(error) = &done.problem {
            let missing: Vec<_> = done.missing.iter().map(ToString::to_string).collect();
            let missing = missing.join(", ");
            let alarm =
                if missing.is_empty() { "a day that is kept is not forgotten" } else { "nights have no snapshot" };
            tracing::error!(%venue, %error, missing, "ALARM: {alarm}; the journal keeps everything");
        }
        Night { missing: done.missing.len(), problem: done.problem.map(|error| error.to_string()) }
    }

    fn missing_before(&self, venue: &VenueId) -> usize {
        self.nights.troubled().into_iter().find(|(troubled, _)| troubled == venue).map_or(0, |(_, night)| night.missing)
    }
}
