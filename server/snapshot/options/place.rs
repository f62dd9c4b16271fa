//! Which installation is meant, and which of its days.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use callnext_engine::VenueId;
use chrono::NaiveDate;

use super::OptionsError;
use crate::journal::{Journal, SqliteJournal};
use crate::settings::{self, JournalSettings, ServerSettings, Settings};
use crate::snapshot::SnapshotError;
use crate::snapshot::settings::SnapshotSettings;
use crate::snapshot::store::{Fetched, Kind, Name, Store};
use crate::stores;

/// An installation: by its settings, or by its data folder with the settings as they come.
#[derive(Debug, Clone, clap::Args)]
pub struct Installation {
    /// The settings file of the installation
    #[arg(long, value_name = "FILE", env = "CALLNEXT_CONFIG")]
    config: Option<PathBuf>,
    /// Its data folder [default: the settings file's]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// An installation that was found.
pub(super) struct Found {
    pub(super) data: PathBuf,
    pub(super) journal: JournalSettings,
    /// The venues that the settings declare.
    declared: Vec<VenueId>,
    pub(super) settings: SnapshotSettings,
    pub(super) store: Store,
}

impl Installation {
    pub(super) fn find(&self) -> Result<Found, OptionsError> {
        let (server, journal, settings, declared) = match &self.config {
            Some(path) => {
                let settings = Settings::load(path).map_err(Box::new)?;
                let declared = settings.venues.into_iter().map(|venue| venue.id).collect();
                (settings.server, settings.journal, settings.snapshot, declared)
            }
            None if self.data.is_some() => {
                let (journal, snapshot) = (JournalSettings::default(), SnapshotSettings::default());
                (ServerSettings::default(), journal, snapshot, Vec::new())
            }
            None => return Err(OptionsError::NoPlace),
        };
        let data = self.data.clone().unwrap_or(server.data);
        let store = Store::open(&settings, &data)?;
        Ok(Found { data, journal, declared, settings, store })
    }
}

impl Found {
    /// The journal, which must be there, and the venues to look for in it: in a file all that were ever opened, in
    /// Redis those that are declared.
    pub(super) async fn journal(&self) -> Result<(Arc<dyn Journal>, Vec<VenueId>), OptionsError> {
        match self.journal.store {
            settings::Store::Sqlite => {
                let path = stores::journal_file(&self.data);
                if !path.is_file() {
                    return Err(OptionsError::NoJournal(self.data.clone()));
                }
                let journal = SqliteJournal::open(&path)?;
                let venues = journal.venues().await.map_err(SnapshotError::from)?;
                Ok((Arc::new(journal), venues))
            }
            settings::Store::Redis => {
                Ok((stores::open_journal(&self.journal, &self.data).await?, self.declared.clone()))
            }
        }
    }

    /// Where the journal is, for people.
    pub(super) fn place_of_journal(&self) -> String {
        match self.journal.store {
            settings::Store::Sqlite => self.data.display().to_string(),
            settings::Store::Redis => "Redis".to_owned(),
        }
    }
}

/// One day: a file, or a day of an installation.
#[derive(Debug, Clone, clap::Args)]
pub struct OneDay {
    /// The snapshot's file
    file: Option<PathBuf>,
    /// The venue, to take a day from the installation's snapshots instead
    #[arg(long, value_name = "VENUE", conflicts_with = "file", requires = "day")]
    venue: Option<String>,
    /// The business day, by the date on which it began
    #[arg(long, value_name = "YYYY-MM-DD", requires = "venue")]
    day: Option<NaiveDate>,
}

/// A day's file, here and now.
pub(super) enum DayFile {
    Given(PathBuf),
    Fetched(Fetched),
}

impl DayFile {
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Given(path) => path,
            Self::Fetched(fetched) => fetched.path(),
        }
    }
}

impl OneDay {
    pub(super) async fn find(&self, installation: &Installation) -> Result<DayFile, OptionsError> {
        match (&self.file, &self.venue, self.day) {
            (Some(file), ..) => Ok(DayFile::Given(file.clone())),
            (None, Some(venue), Some(date)) => {
                let found = installation.find()?;
                let nothing = || OptionsError::NothingThere(format!("{}/{venue}/{date}", found.store.place()));
                let venue = VenueId::parse(venue).map_err(|_| nothing())?;
                let name = Name { venue, date, kind: Kind::Day };
                found.store.fetch(&name).await?.map(DayFile::Fetched).ok_or_else(nothing)
            }
            (None, ..) => Err(OptionsError::NoDay),
        }
    }
}
