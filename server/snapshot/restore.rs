//! Gives a day back to a journal, as it was.
//!
//! Into a venue that has no history: nothing is ever overwritten. The day is played first, and must come to the same
//! value that was snapshotted; then it is appended as a whole, or not at all.

use callnext_engine::{Change, Event, Seq, Venue, VenueConfig};

use super::error::SnapshotError;
use super::line::Line;
use super::manifest::Manifest;
use super::reader::Snapshot;
use super::state;
use crate::journal::Journal;

/// A day that was read, and came to the value it should.
pub struct Day {
    /// What its file says.
    pub manifest: Manifest,
    /// Its changes.
    pub changes: Vec<Change>,
    /// Whether the value after the last of them is the one that was written down.
    pub is_same: bool,
}

/// Reads a day, and plays it; `told` hears of every change. A day is held in memory as a whole, as it is when its venue
/// is opened.
///
/// The value may differ where another version of the engine wrote the file: it is refused unless `other_state`. The
/// changes are the same all the same, to the byte.
pub fn read(snapshot: &Snapshot, other_state: bool, mut told: impl FnMut()) -> Result<Day, SnapshotError> {
    let mut changes = Vec::new();
    let mut venue: Option<Venue> = None;
    for line in snapshot.lines()? {
        if let Line::Change(change) = line? {
            if let (None, Some(Event::DayOpened { config, .. })) = (&venue, change.events.first()) {
                venue = Some(Venue::new(VenueConfig::clone(config)));
            }
            if let Some(venue) = &mut venue {
                venue.apply(&change);
            }
            changes.push(*change);
            told();
        }
    }
    let manifest = snapshot.manifest().clone();
    let venue = venue.ok_or(SnapshotError::NotADay { seq: manifest.first_seq })?;
    let is_same = state::digest(manifest.format, venue)? == manifest.state_sha256;
    if !is_same && !other_state {
        return Err(SnapshotError::StateDiffers { path: snapshot.path().to_owned(), engine: manifest.engine });
    }
    Ok(Day { manifest, changes, is_same })
}

/// Appends a day to a venue that has no history.
pub async fn restore(journal: &dyn Journal, day: Day) -> Result<Manifest, SnapshotError> {
    let venue = &day.manifest.venue;
    let not_empty = |change: &Change| Err(SnapshotError::NotEmpty { venue: venue.clone(), first: change.seq });
    if let Some(first) = journal.read(venue, Seq(0), 1).await?.first() {
        return not_empty(first);
    }
    let opened = journal.open(venue).await?;
    // Whoever wrote between the look and the opening is seen here; whoever writes later has deposed this owner.
    if let Some(first) = opened.changes.first() {
        return not_empty(first);
    }
    journal.append(venue, opened.epoch, day.changes).await?;
    Ok(day.manifest)
}
