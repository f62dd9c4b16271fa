//! Does what is due for a venue: writes the days that are over, verifies them, lets the journal forget them, and lets
//! old files expire. In this order, and each only where the one before went well.
//!
//! It reads the journal in pages, beside its owner and off the venue's thread: a call waits for none of it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use callnext_engine::{BusinessDay, Change, Event, Seq, VenueId};
use chrono::NaiveDate;
use tokio::sync::mpsc;

use super::error::{Damage, SnapshotError};
use super::line::Line;
use super::manifest::{Link, Manifest};
use super::reader::Snapshot;
use super::settings::SnapshotSettings;
use super::store::{Draft, Kept, Kind, Name, Store, blocking};
use super::tables;
use super::verify::{verify, verify_telling};
use super::writer::Writer;
use crate::journal::Journal;
use crate::progress::Progress;

/// Changes read from the journal at once.
const PAGE_CHANGES: usize = 500;
/// Pages that may be on their way to the thread that writes.
const PAGES_WAITING_MAX: usize = 2;

/// A business day in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayRange {
    /// The change that opens it.
    pub first: Seq,
    /// The change that opens the next day; none for the day in progress.
    pub next: Option<Seq>,
}

/// Keeps the snapshots of venues.
pub struct Keeper {
    journal: Arc<dyn Journal>,
    store: Store,
    settings: SnapshotSettings,
    progress: Progress,
    /// The days that this process has seen whole in the store: they need not be read again at every look.
    verified: Mutex<BTreeSet<(VenueId, Seq)>>,
}

/// What was done for a venue.
#[derive(Debug, Default)]
pub struct Done {
    /// The days that were written.
    pub written: Vec<Manifest>,
    /// Closed days in the journal that have no verified snapshot.
    pub missing: Vec<NaiveDate>,
    /// What went wrong first, with one of them or in forgetting a day that is kept.
    pub problem: Option<SnapshotError>,
    /// The newest day that has a verified snapshot.
    pub newest: Option<Manifest>,
    /// Files that expired.
    pub expired: Vec<Name>,
}

impl Keeper {
    /// A keeper of the days in this journal.
    pub fn new(journal: Arc<dyn Journal>, store: Store, settings: SnapshotSettings) -> Self {
        Self { journal, store, settings, progress: Progress::new(0), verified: Mutex::default() }
    }

    /// Tells somebody who waits how far it is.
    #[must_use]
    pub(super) fn telling(mut self, progress: Progress) -> Self {
        self.progress = progress;
        self
    }

    /// Where snapshots are kept.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Does everything that is due for a venue.
    pub async fn catch_up(&self, venue: &VenueId) -> Result<Done, SnapshotError> {
        let mut done = self.write_missing(venue).await?;
        if done.newest.is_none() && done.problem.is_none() {
            done.newest = self.newest(venue).await?;
        }
        if done.problem.is_none() {
            match self.prune(venue).await {
                Ok(()) => done.expired = self.expire(venue).await?,
                Err(error) => done.problem = Some(error),
            }
        }
        Ok(done)
    }

    /// Writes the days that are over and have no whole snapshot. What goes wrong with one does not keep the others from
    /// being written.
    pub async fn write_missing(&self, venue: &VenueId) -> Result<Done, SnapshotError> {
        let mut done = Done::default();
        for day in self.closed(venue).await? {
            match self.see_to(venue, day).await {
                Ok((manifest, is_new)) => {
                    done.written.extend(is_new.then(|| manifest.clone()));
                    done.newest = Some(manifest);
                }
                Err(error) => {
                    done.missing.extend(self.opening(venue, day.first).await.ok().map(|day| day.date));
                    done.problem.get_or_insert(error);
                }
            }
        }
        Ok(done)
    }

    async fn closed(&self, venue: &VenueId) -> Result<Vec<DayRange>, SnapshotError> {
        let mut days = self.days(venue).await?;
        days.retain(|day| day.next.is_some());
        Ok(days)
    }

    /// The business days of a venue that the journal has, in order.
    pub async fn days(&self, venue: &VenueId) -> Result<Vec<DayRange>, SnapshotError> {
        let starts = self.journal.days(venue).await?;
        let nexts = starts.iter().skip(1).copied().map(Some).chain([None]);
        Ok(starts.iter().copied().zip(nexts).map(|(first, next)| DayRange { first, next }).collect())
    }

    /// Makes sure that a closed day has a snapshot, and tells whether it had to be written.
    async fn see_to(&self, venue: &VenueId, day: DayRange) -> Result<(Manifest, bool), SnapshotError> {
        let opening = self.opening(venue, day.first).await?;
        let name = Name { venue: venue.clone(), date: opening.date, kind: Kind::Day };
        if let Some(kept) = self.store.fetch(&name).await? {
            let known = self.verified().contains(&(venue.clone(), day.first));
            let path = kept.path().to_owned();
            let found =
                blocking(move || if known { Ok(Snapshot::open(&path)?.manifest().clone()) } else { verify(&path) });
            match found.await {
                Ok(manifest) => {
                    is_of(&manifest, venue, day)?;
                    self.verified().insert((venue.clone(), day.first));
                    return Ok((manifest, false));
                }
                Err(error @ SnapshotError::Damaged { .. }) => {
                    tracing::error!(%venue, date = %opening.date, %error, "a snapshot is damaged; it is written again");
                }
                Err(error) => return Err(error),
            }
        }
        let manifest = self.write(venue, day).await?;
        self.verified().insert((venue.clone(), day.first));
        Ok((manifest, true))
    }

    /// Writes a day, reads it back, and writes its tables. The day in progress is written as it is so far.
    pub async fn write(&self, venue: &VenueId, day: DayRange) -> Result<Manifest, SnapshotError> {
        let opening = self.opening(venue, day.first).await?;
        let kind = if day.next.is_some() { Kind::Day } else { Kind::SoFar };
        let name = Name { venue: venue.clone(), date: opening.date, kind };
        let previous = self.previous(venue, opening.date, day.first).await?;
        let place = self.store.drafts_of(&name);
        let tables = self.settings.tables && kind == Kind::Day;
        // It is written, and read for each table and once more.
        self.progress.pieces(2 + if tables { tables::KEPT.len() } else { 0 });
        let (draft, manifest) = self.draft(&name, day, previous).await.map_err(|error| error.writing(&place))?;
        // Tables first: where the snapshot is there, so are they.
        if tables {
            let (path, store, name) = (draft.path().to_owned(), self.store.clone(), name.clone());
            let progress = self.progress.clone();
            let tables = blocking(move || tables::drafts(&Snapshot::open(&path)?, &store, &name, &progress)).await;
            let tables = tables.map_err(|error| error.writing(&place))?;
            for (name, table) in tables {
                self.store.keep(table, &name).await?;
            }
        }
        self.store.keep(draft, &name).await?;
        let kept = self.store.fetch(&name).await?.ok_or_else(|| SnapshotError::Gone(name.to_string()))?;
        let (path, progress) = (kept.path().to_owned(), self.progress.clone());
        let read = blocking(move || verify_telling(&path, &progress)).await?;
        if read != manifest {
            let damage = Damage::Disagrees("what was read back is not what was written".to_owned());
            return Err(SnapshotError::damaged(kept.path())(damage));
        }
        if kind == Kind::Day {
            self.store.remove(&name.with(Kind::SoFar)).await?;
        }
        Ok(manifest)
    }

    /// Streams a day from the journal through the thread that writes.
    async fn draft(
        &self,
        name: &Name,
        day: DayRange,
        previous: Option<Link>,
    ) -> Result<(Draft, Manifest), SnapshotError> {
        let (pages, mut waiting) = mpsc::channel::<Vec<Change>>(PAGES_WAITING_MAX);
        let (store, draft_name) = (self.store.clone(), name.clone());
        let is_over = day.next.is_some();
        let writing = tokio::task::spawn_blocking(move || -> Result<(Draft, Manifest), SnapshotError> {
            let draft = store.draft(&draft_name)?;
            // Beside it, where there is room for such a day or for none.
            let room = store.draft(&draft_name)?;
            let mut writer: Option<Writer<'_, _>> = None;
            let mut previous = previous;
            while let Some(page) = waiting.blocking_recv() {
                for change in &page {
                    match &mut writer {
                        Some(writer) => writer.change(change)?,
                        None => writer = Some(Writer::begin(draft.file(), room.file(), change, previous.take())?),
                    }
                }
            }
            let writer = writer.ok_or(SnapshotError::NotADay { seq: day.first })?;
            let (_, manifest) = writer.finish(is_over)?;
            Ok((draft, manifest))
        });
        // Of the day in progress nobody knows how long it is.
        let length = day.next.map_or(u64::MAX, |next| next.0 - day.first.0);
        let mut piece = self.progress.piece(length);
        let read = self.pages(&name.venue, day, &pages, |changes| piece.bits(changes)).await;
        drop((pages, piece));
        // The writer's own trouble is the cause of whatever the reading ran into; but what was read only in part is
        // never kept, whatever the writer made of it.
        let (draft, manifest) = writing.await.map_err(|_| SnapshotError::Thread)??;
        read?;
        match day.next {
            Some(next) if manifest.last_seq.next() != next => {
                Err(SnapshotError::Hole { venue: name.venue.clone(), last: manifest.last_seq, found: next })
            }
            _ => Ok((draft, manifest)),
        }
    }

    async fn pages(
        &self,
        venue: &VenueId,
        day: DayRange,
        pages: &mpsc::Sender<Vec<Change>>,
        mut told: impl FnMut(u64),
    ) -> Result<(), SnapshotError> {
        let mut after = Seq(day.first.0.saturating_sub(1));
        loop {
            let mut page = self.journal.read(venue, after, PAGE_CHANGES).await?;
            if let Some(next) = day.next {
                page.truncate(page.partition_point(|change| change.seq < next));
            }
            let Some(last) = page.last().map(|change| change.seq) else { return Ok(()) };
            after = last;
            told(u64::try_from(page.len()).unwrap_or(u64::MAX));
            if pages.send(page).await.is_err() {
                // The writer has given up, and will say why.
                return Ok(());
            }
        }
    }

    /// The business day that a change opens.
    async fn opening(&self, venue: &VenueId, first: Seq) -> Result<BusinessDay, SnapshotError> {
        let change = self.journal.read(venue, Seq(first.0.saturating_sub(1)), 1).await?.pop();
        match change.as_ref().and_then(|change| change.events.first()) {
            Some(Event::DayOpened { day, .. }) if change.as_ref().is_some_and(|change| change.seq == first) => Ok(*day),
            _ => Err(SnapshotError::NotADay { seq: first }),
        }
    }

    /// The latest earlier day that is kept: the trail goes on from it.
    async fn previous(&self, venue: &VenueId, date: NaiveDate, first: Seq) -> Result<Option<Link>, SnapshotError> {
        for kept in self.days_kept(venue).await?.into_iter().rev().filter(|kept| kept.name.date < date) {
            let Some(file) = self.store.fetch(&kept.name).await? else { continue };
            let path = file.path().to_owned();
            let found = blocking(move || Ok(Snapshot::open(&path)?.manifest().clone())).await;
            match found {
                Ok(manifest) if manifest.last_seq < first => return Ok(Some(manifest.link())),
                Ok(_) | Err(SnapshotError::Damaged { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// The newest day that is kept, where the journal has none that is over.
    async fn newest(&self, venue: &VenueId) -> Result<Option<Manifest>, SnapshotError> {
        let Some(kept) = self.days_kept(venue).await?.pop() else { return Ok(None) };
        let Some(file) = self.store.fetch(&kept.name).await? else { return Ok(None) };
        let path = file.path().to_owned();
        blocking(move || verify(&path)).await.map(Some)
    }

    async fn days_kept(&self, venue: &VenueId) -> Result<Vec<Kept>, SnapshotError> {
        let mut kept = self.store.list().await?;
        kept.retain(|kept| kept.name.venue == *venue && kept.name.kind == Kind::Day);
        Ok(kept)
    }

    /// Holds a snapshot against the journal, change by change: a whole file of the same length may still be of another
    /// history, as after a restored day was gone on with.
    async fn compare(&self, venue: &VenueId, day: DayRange, manifest: &Manifest) -> Result<(), SnapshotError> {
        let (venue_name, date) = (venue.clone(), manifest.date);
        let name = Name { venue: venue.clone(), date, kind: Kind::Day };
        let kept = self.store.fetch(&name).await?.ok_or_else(|| SnapshotError::Gone(name.to_string()))?;
        let path = kept.path().to_owned();
        let (pages, mut waiting) = mpsc::channel::<Vec<Change>>(PAGES_WAITING_MAX);
        let comparing = tokio::task::spawn_blocking(move || -> Result<(), SnapshotError> {
            let snapshot = Snapshot::open(&path)?;
            let mut changes = snapshot.lines()?.filter_map(|line| match line {
                Ok(Line::Change(change)) => Some(Ok(*change)),
                Ok(_) => None,
                Err(error) => Some(Err(error)),
            });
            while let Some(page) = waiting.blocking_recv() {
                for change in page {
                    if changes.next().transpose()?.as_ref() != Some(&change) {
                        return Err(SnapshotError::Differs { venue: venue_name, date, seq: change.seq });
                    }
                }
            }
            match changes.next().transpose()? {
                Some(change) => Err(SnapshotError::Differs { venue: venue_name, date, seq: change.seq }),
                None => Ok(()),
            }
        });
        let read = self.pages(venue, day, &pages, |_| ()).await;
        drop(pages);
        let compared = comparing.await.map_err(|_| SnapshotError::Thread)?;
        // Where the journal could not be read to the end of the day, the file seems to have too much.
        read.and(compared)
    }

    /// Lets the journal forget the days that it need not keep, each read back once more just before.
    async fn prune(&self, venue: &VenueId) -> Result<(), SnapshotError> {
        let closed = self.closed(venue).await?;
        let stay = usize::try_from(self.settings.journal_days).unwrap_or(usize::MAX);
        for day in closed.iter().take(closed.len().saturating_sub(stay)) {
            let Some(next) = day.next else { break };
            self.verified().remove(&(venue.clone(), day.first));
            let (manifest, is_new) = self.see_to(venue, *day).await?;
            self.compare(venue, *day, &manifest).await?;
            self.journal.prune(venue, next).await?;
            self.verified().remove(&(venue.clone(), day.first));
            tracing::info!(%venue, date = %manifest.date, is_new, "the journal forgets a day that is kept");
        }
        Ok(())
    }

    /// Deletes what the operator no longer wants kept; never the newest day, nor one that the journal still has.
    async fn expire(&self, venue: &VenueId) -> Result<Vec<Name>, SnapshotError> {
        let kept: Vec<_> = self.days_kept(venue).await?.into_iter().map(|kept| kept.name.date).collect();
        let days = self.days(venue).await?;
        let (Some(first), Some(last)) = (days.first(), days.last()) else { return Ok(Vec::new()) };
        let in_journal = self.opening(venue, first.first).await?.date;
        // The venue's own day, and not a clock's: whoever set a clock wrong must not have lost the past by it.
        let today = self.opening(venue, last.first).await?.date;
        let mut expired = Vec::new();
        for date in expired_dates(&kept, today, in_journal, &self.settings) {
            for kind in Kind::ALL {
                self.store.remove(&Name { venue: venue.clone(), date, kind }).await?;
            }
            expired.push(Name { venue: venue.clone(), date, kind: Kind::Day });
        }
        Ok(expired)
    }

    /// Reads a kept day.
    #[cfg(test)]
    pub(super) async fn read(&self, name: &Name) -> Result<Option<super::restore::Day>, SnapshotError> {
        let Some(kept) = self.store.fetch(name).await? else { return Ok(None) };
        let path = kept.path().to_owned();
        blocking(move || super::restore::read(&Snapshot::open(&path)?, false, || ())).await.map(Some)
    }

    fn verified(&self) -> std::sync::MutexGuard<'_, BTreeSet<(VenueId, Seq)>> {
        // A set of days is whole after every statement.
        self.verified.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a snapshot is of this very day of this journal.
fn is_of(manifest: &Manifest, venue: &VenueId, day: DayRange) -> Result<(), SnapshotError> {
    let last = day.next.map(|next| Seq(next.0 - 1));
    if manifest.first_seq == day.first && last.is_none_or(|last| manifest.last_seq == last) {
        return Ok(());
    }
    let (kept, date) = (manifest.range(), manifest.date);
    let found = last.map_or_else(|| format!("{}..", day.first), |last| format!("{}..={last}", day.first));
    Err(SnapshotError::Conflict { venue: venue.clone(), date, kept, found })
}

/// The days whose time is over, of those that are kept, oldest first.
fn expired_dates(
    kept: &[NaiveDate],
    today: NaiveDate,
    in_journal: NaiveDate,
    settings: &SnapshotSettings,
) -> Vec<NaiveDate> {
    let newest = kept.last().copied();
    let too_many = match settings.keep_count {
        0 => 0,
        count => kept.len().saturating_sub(usize::try_from(count).unwrap_or(usize::MAX)),
    };
    let too_old = |date: NaiveDate| {
        settings.keep_days > 0 && today.signed_duration_since(date).num_days() > i64::from(settings.keep_days)
    };
    let expired = kept.iter().enumerate().filter(|(at, date)| *at < too_many || too_old(**date)).map(|(_, date)| *date);
    expired.filter(|date| Some(*date) != newest && *date < in_journal).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dates(days: &[u32]) -> Vec<NaiveDate> {
        days.iter().map(|day| NaiveDate::from_ymd_opt(2026, 11, *day).unwrap()).collect()
    }

    #[test]
    fn files_expire_by_age_and_by_count_and_the_newest_never() {
        let kept = dates(&[1, 2, 3, 4, 5]);
        let expired = |keep_days, keep_count, today: u32, in_journal: u32| {
            let settings = SnapshotSettings { keep_days, keep_count, ..SnapshotSettings::default() };
            expired_dates(&kept, dates(&[today])[0], dates(&[in_journal])[0], &settings)
        };
        assert_eq!(expired(0, 0, 30, 30), [], "for ever, unless told otherwise");
        assert_eq!(expired(3, 0, 6, 6), dates(&[1, 2]));
        assert_eq!(expired(0, 2, 6, 6), dates(&[1, 2, 3]));
        assert_eq!(expired(3, 4, 6, 6), dates(&[1, 2]), "what either says");
        assert_eq!(expired(1, 1, 30, 30), dates(&[1, 2, 3, 4]));
        assert_eq!(expired(1, 1, 30, 3), dates(&[1, 2]), "what the journal still has would be written again");
    }
}
