//! The stored form of a change: JSON with a format number. The only place that knows it.
//!
//! Every journal keeps this text, so an entry can be moved from one store to another, and read by eye. The
//! number lets a later reader know an earlier form; a form this program does not know is refused, not guessed at.

use callnext_engine::{Change, Event, Seq, VenueId};
use serde::{Deserialize, Serialize};

use super::JournalError;

/// The form that is written. A reader for every earlier one stays.
const FORMAT: u32 = 1;

/// One change, ready to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Position in the venue's history.
    pub seq: Seq,
    /// When it happened, milliseconds since 1970 UTC.
    pub at: i64,
    /// Whether it opens a business day: a venue can be rebuilt from here on.
    pub opens_day: bool,
    /// The stored form.
    pub body: String,
}

#[derive(Serialize)]
struct Written<'a> {
    format: u32,
    change: &'a Change,
}

#[derive(Deserialize)]
struct Read {
    format: u32,
    change: Change,
}

#[derive(Deserialize)]
struct Head {
    format: u32,
}

/// Puts a change into its stored form.
pub(super) fn encode(venue: &VenueId, change: &Change) -> Result<Entry, JournalError> {
    let body = serde_json::to_string(&Written { format: FORMAT, change })
        .map_err(|error| JournalError::Unavailable(format!("{venue}: change {}: {error}", change.seq)))?;
    let opens_day = matches!(change.events.first(), Some(Event::DayOpened { .. }));
    Ok(Entry { seq: change.seq, at: change.at.0, opens_day, body })
}

/// Puts changes into their stored form, in order.
pub(super) fn encode_all(venue: &VenueId, changes: &[Change]) -> Result<Vec<Entry>, JournalError> {
    changes.iter().map(|change| encode(venue, change)).collect()
}

/// Reads the change kept at `seq`.
pub(super) fn decode(venue: &VenueId, seq: Seq, body: &str) -> Result<Change, JournalError> {
    let problem = match serde_json::from_str::<Read>(body) {
        Ok(Read { format: FORMAT, change }) if change.seq == seq => return Ok(change),
        Ok(Read { format: FORMAT, change }) => format!("it says it is change {}", change.seq),
        Ok(Read { format, .. }) => unknown(format),
        // The form may have failed because it is another one: its number says more than the failure does.
        Err(error) => match serde_json::from_str::<Head>(body) {
            Ok(Head { format }) if format != FORMAT => unknown(format),
            _ => error.to_string(),
        },
    };
    Err(JournalError::Unreadable { venue: venue.clone(), seq, problem })
}

fn unknown(format: u32) -> String {
    format!("its format is {format}, and this callnext reads {FORMAT}")
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn problem(body: &str) -> String {
        match decode(&sample::venue("hall"), Seq(7), body) {
            Err(JournalError::Unreadable { seq: Seq(7), problem, .. }) => problem,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        let venue = sample::venue("hall");
        for change in [sample::day_opened(7), sample::change(8)] {
            let entry = encode(&venue, &change).unwrap();
            assert_eq!(entry.opens_day, change.seq == Seq(7));
            assert_eq!(decode(&venue, change.seq, &entry.body).unwrap(), change);
        }
    }

    #[test]
    fn the_stored_form_says_its_format_first() {
        let entry = encode(&sample::venue("hall"), &sample::change(8)).unwrap();
        assert!(entry.body.starts_with(r#"{"format":1,"change":{"seq":8,"#), "{}", entry.body);
    }

    #[test]
    fn a_later_format_is_refused_by_its_number() {
        assert!(problem(r#"{"format":2,"change":{"unheard":"of"}}"#).contains("format is 2"));
        let entry = encode(&sample::venue("hall"), &sample::change(7)).unwrap();
        assert!(problem(&entry.body.replacen(":1", ":2", 1)).contains("format is 2"));
    }

    #[test]
    fn garbage_and_an_entry_in_the_wrong_place_are_told_apart() {
        assert!(problem("{").contains("EOF"));
        let entry = encode(&sample::venue("hall"), &sample::change(9)).unwrap();
        assert_eq!(problem(&entry.body), "it says it is change 9");
    }
}
