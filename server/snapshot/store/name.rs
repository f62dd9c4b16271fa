//! What files are called: `clinic/2026-11-22.callnext.zst`.

use std::fmt;

use callnext_engine::VenueId;
use chrono::NaiveDate;

/// What a file is. The order is that of lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A day that is over.
    Day,
    /// A day that was not over yet.
    SoFar,
    /// The day's table as CSV.
    Csv,
    /// The day's table as Parquet.
    Parquet,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Day, Self::SoFar, Self::Csv, Self::Parquet];

    /// What follows the date.
    const fn ending(self) -> &'static str {
        match self {
            Self::Day => ".callnext.zst",
            Self::SoFar => ".so-far.callnext.zst",
            Self::Csv => ".csv",
            Self::Parquet => ".parquet",
        }
    }
}

/// The name of a file: the same in a folder and in an object store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// The venue.
    pub venue: VenueId,
    /// The business day.
    pub date: NaiveDate,
    /// What it is.
    pub kind: Kind,
}

impl Name {
    /// The file of another kind of the same day.
    #[must_use]
    pub fn with(&self, kind: Kind) -> Self {
        Self { kind, ..self.clone() }
    }

    /// The part after the venue.
    pub fn file(&self) -> String {
        format!("{}{}", self.date, self.kind.ending())
    }

    /// Reads a name; none where a file is not ours.
    pub fn parse(venue: &str, file: &str) -> Option<Self> {
        let (date, _) = file.split_at_checked("2026-11-22".len())?;
        let (venue, date) = (VenueId::parse(venue).ok()?, date.parse().ok()?);
        Kind::ALL.into_iter().map(|kind| Self { venue: venue.clone(), date, kind }).find(|name| name.file() == file)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.venue, self.file())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written_and_others_are_left_alone() {
        let venue = VenueId::parse("clinic").unwrap();
        let date = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        for kind in Kind::ALL {
            let name = Name { venue: venue.clone(), date, kind };
            assert_eq!(Name::parse("clinic", &name.file()), Some(name));
        }
        for file in
            ["", "2026-11-22", "2026-11-22.zst", "2026-13-22.csv", "notes.csv", "ü026-11-22.csv", ".2026-11-22.csv"]
        {
            assert_eq!(Name::parse("clinic", file), None, "{file}");
        }
        assert_eq!(Name::parse("Clinic", "2026-11-22.csv"), None);
    }
}
