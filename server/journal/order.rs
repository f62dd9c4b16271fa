//! Whether an append may be kept: by the newest owner, and right after the last change.
//!
//! Apart, so that every journal that decides for itself decides alike. (Redis decides in its script.)

use callnext_engine::{Seq, VenueId};

use super::codec::Entry;
use super::{Epoch, JournalError};

/// Judges entries offered by the owner of `epoch` to a venue whose newest epoch and last change are these.
pub(super) fn check(
    venue: &VenueId,
    newest: Epoch,
    last: Seq,
    epoch: Epoch,
    entries: &[Entry],
) -> Result<(), JournalError> {
    // Epochs begin at 1: at 0 nobody has opened the venue. One above the newest was never given out here.
    if epoch != newest || newest == Epoch(0) {
        return Err(JournalError::Deposed { venue: venue.clone(), epoch });
    }
    let mut expected = last;
    if let (Seq(0), Some(first)) = (last, entries.first().filter(|entry| entry.opens_day && entry.seq > Seq(0))) {
        // A day from elsewhere begins a venue that has none: its first change is a full starting point.
        expected = Seq(first.seq.0 - 1);
    }
    for entry in entries {
        if entry.seq != expected.next() {
            return Err(JournalError::OutOfOrder { venue: venue.clone(), last: expected, found: entry.seq });
        }
        expected = entry.seq;
    }
    Ok(())
}

/// Holds a change that was read against the one before it: none may be missing.
pub(super) fn check_follows(venue: &VenueId, last: Seq, read: Seq) -> Result<(), JournalError> {
    if read == last.next() {
        return Ok(());
    }
    Err(JournalError::Unreadable { venue: venue.clone(), seq: last.next(), problem: "it is missing".to_owned() })
}
