//! Redis, and a file of one's own beside it: a single server goes on calling while its Redis is away.
//!
//! Every change is written to both at the same time and counts as saved when it is in the file and in Redis, or in the
//! file while Redis is away. When Redis is back it is given, in order, what it missed. Only for a server that works
//! alone: among several nodes nobody could know what another has in a file. Why it is so: decisions/0012.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use callnext_engine::{Change, Seq, VenueId};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::Mutex;

use super::mirror::Mirror;
use super::sqlite::SqliteJournal;
use super::{Epoch, Journal, JournalError, Opened, codec};

/// How often it is looked whether Redis is back.
const LOOK: Duration = Duration::from_millis(500);
/// Changes given to Redis in one append.
const GIVEN: usize = 500;

/// A shared journal with a file beside it. Clones share both.
#[derive(Clone)]
pub struct SpillJournal {
    shared: Arc<dyn Journal>,
    file: SqliteJournal,
    /// Where a history goes that Redis has another one of.
    folder: PathBuf,
    venues: Arc<RwLock<BTreeMap<VenueId, Arc<Venue>>>>,
}

/// One venue. Whoever writes it, here or there, holds its state.
struct Venue {
    id: VenueId,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// The owner in the file.
    epoch: Epoch,
    shared: Shared,
    /// Whether other programs were not shown what changed last.
    must_show_all: bool,
}

/// What Redis has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Shared {
    /// The same as the file, written under this epoch.
    Level(Epoch),
    /// Less: it is, or was, away.
    #[default]
    Behind,
}

impl SpillJournal {
    /// This journal, with a file in this folder.
    pub fn new(shared: Arc<dyn Journal>, file: SqliteJournal, folder: &Path) -> Self {
        Self { shared, file, folder: folder.to_owned(), venues: Arc::default() }
    }

    fn venue(&self, id: &VenueId) -> Arc<Venue> {
        if let Some(venue) = self.venues.read().unwrap_or_else(PoisonError::into_inner).get(id) {
            return venue.clone();
        }
        let mut venues = self.venues.write().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Venue { id: id.clone(), state: Mutex::default() });
        venues.entry(id.clone()).or_insert_with(new).clone()
    }

    async fn take_over(&self, id: &VenueId, known: Epoch) -> Result<Epoch, JournalError> {
        let venue = self.venue(id);
        let mut state = venue.state.lock().await;
        let level = self.level(id, known).await;
        let shared = match &level {
            Ok(epoch) => *epoch,
            Err(error @ JournalError::Unavailable(_)) => {
                tracing::warn!(venue = %id, %error, "Redis is away: the venue goes on from its file");
                self.catch_up_later(&venue);
                known
            }
            Err(error) => return Err(error.clone()),
        };
        // One above is given out: the two need not be the same, only never go back.
        state.epoch = self.file.claim(id, Epoch(shared.0.max(known.0).saturating_sub(1))).await?;
        state.shared = level.map_or(Shared::Behind, Shared::Level);
        Ok(state.epoch)
    }

    /// Takes the venue over in Redis, and makes both sides have the same.
    async fn level(&self, id: &VenueId, known: Epoch) -> Result<Epoch, JournalError> {
        let epoch = self.shared.claim(id, known).await?;
        let (there, here) = (self.shared.load(id).await?.changes, self.file.load(id).await?.changes);
        let end = |changes: &[Change]| changes.last().map_or(Seq(0), |last| last.seq);
        let (behind, ahead) = if end(&there) <= end(&here) { (&there, &here) } else { (&here, &there) };
        if !self.is_same(id, behind, ahead).await? {
            self.put_aside(id).await?;
            self.fill(id, &there).await?;
        } else if end(&there) > end(&here) {
            self.fill(id, &there).await?;
        } else {
            self.give(id, epoch, end(&there)).await?;
        }
        Ok(epoch)
    }

    /// Whether the longer history goes on from where the shorter one ends.
    async fn is_same(&self, id: &VenueId, shorter: &[Change], longer: &[Change]) -> Result<bool, JournalError> {
        let Some(last) = shorter.last() else { return Ok(true) };
        let before = Seq(last.seq.0.saturating_sub(1));
        if longer.first().is_some_and(|first| first.seq <= last.seq) {
            return Ok(longer.iter().find(|change| change.seq == last.seq) == Some(last));
        }
        // The longer one has begun another day since: its earlier days are where it is kept.
        let here = self.file.read(id, before, 1).await?;
        let there = self.shared.read(id, before, 1).await?;
        Ok(here.first() == there.first())
    }

    /// Gives Redis what follows on this change.
    async fn give(&self, id: &VenueId, epoch: Epoch, after: Seq) -> Result<(), JournalError> {
        // An empty one begins with the day: what came before it is elsewhere.
        let day = self.file.load(id).await?.changes;
        let first = day.first().map_or(Seq(0), |first| Seq(first.seq.0.saturating_sub(1)));
        let mut after = if after == Seq(0) { first } else { after };
        let mut given = 0;
        loop {
            let missed = self.file.read(id, after, GIVEN).await?;
            let Some(last) = missed.last() else { break };
            (after, given) = (last.seq, given + missed.len());
            self.shared.append(id, epoch, missed).await?;
        }
        if given > 0 {
            tracing::warn!(venue = %id, changes = given, "Redis was given what it had missed");
        }
        Ok(())
    }

    /// Writes into the file what only Redis has.
    async fn fill(&self, id: &VenueId, there: &[Change]) -> Result<(), JournalError> {
        let epoch = self.file.claim(id, Epoch(0)).await?;
        let kept = self.file.load(id).await?.changes.last().map_or(Seq(0), |last| last.seq);
        let missed: Vec<Change> = there.iter().filter(|change| change.seq > kept).cloned().collect();
        if missed.first().is_some_and(|first| kept != Seq(0) && first.seq != kept.next()) {
            // Days have passed that this server was no part of.
            self.file.forget(id).await?;
        }
        self.file.append(id, epoch, missed).await
    }

    /// Redis is right; what the file has is kept for whoever wants to know, and begun anew.
    async fn put_aside(&self, id: &VenueId) -> Result<(), JournalError> {
        let changes = self.file.load(id).await?.changes;
        let last = changes.last().map_or(Seq(0), |last| last.seq);
        let path = self.folder.join(format!("not-in-redis-{id}-{last}.jsonl"));
        let lines = codec::encode_all(id, &changes)?.into_iter().map(|entry| entry.body + "\n").collect::<String>();
        tracing::error!(venue = %id, file = %path.display(), "ALARM: Redis has another history than this server kept");
        std::fs::write(&path, lines).map_err(|error| JournalError::Unavailable(error.to_string()))?;
        self.file.forget(id).await
    }

    /// Looks until Redis is back, and gives it what it missed.
    fn catch_up_later(&self, venue: &Arc<Venue>) {
        let (this, venue) = (self.clone(), Arc::downgrade(venue));
        // Ends when it has caught up, or when nobody is left who writes.
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK).await;
                let Some(venue) = venue.upgrade() else { return };
                // Most of it beside the calling, the rest while it holds still.
                let mut state = venue.state.lock().await;
                if state.shared != Shared::Behind {
                    return;
                }
                match this.give_missed(&venue.id, state.epoch).await {
                    Ok(epoch) => {
                        state.shared = Shared::Level(epoch);
                        state.must_show_all = true;
                        tracing::warn!(venue = %venue.id, "Redis is back");
                        return;
                    }
                    Err(JournalError::Unavailable(_)) => {}
                    Err(error) => {
                        // Whoever writes finds out with the next change, and opens the venue anew.
                        tracing::error!(venue = %venue.id, %error, "Redis does not take what it missed");
                        state.epoch = Epoch(0);
                        return;
                    }
                }
            }
        });
    }

    async fn give_missed(&self, id: &VenueId, known: Epoch) -> Result<Epoch, JournalError> {
        let epoch = self.shared.claim(id, known).await?;
        let there = self.shared.load(id).await?.changes;
        let here = self.file.load(id).await?.changes;
        let last = there.last().map_or(Seq(0), |last| last.seq);
        if last > here.last().map_or(Seq(0), |last| last.seq) || !self.is_same(id, &there, &here).await? {
            return Err(JournalError::Deposed { venue: id.clone(), epoch });
        }
        self.give(id, epoch, last).await?;
        Ok(epoch)
    }

    async fn write(
        &self,
        id: &VenueId,
        epoch: Epoch,
        changes: Arc<[Change]>,
        mirror: Option<Mirror>,
    ) -> Result<(), JournalError> {
        let venue = self.venue(id);
        let mut state = venue.state.lock().await;
        if state.epoch != epoch {
            return Err(JournalError::Deposed { venue: id.clone(), epoch });
        }
        let Shared::Level(there) = state.shared else { return self.file.keep(id, epoch, changes, None).await };
        let sent = self.shared.keep(id, there, changes.clone(), mirror);
        let (here, there) = futures_util::future::join(self.file.keep(id, epoch, changes, None), sent).await;
        here?;
        match there {
            Err(error @ JournalError::Unavailable(_)) => {
                tracing::warn!(venue = %id, %error, "Redis is away: changes are kept in the file");
                state.shared = Shared::Behind;
                self.catch_up_later(&venue);
                Ok(())
            }
            there => there,
        }
    }

    /// Who is asked about what was: Redis has more, the file is here.
    fn is_level(&self, id: &VenueId) -> bool {
        self.venue(id).state.try_lock().is_ok_and(|state| state.shared != Shared::Behind)
    }
}

impl Journal for SpillJournal {
    fn claim(&self, venue: &VenueId, known: Epoch) -> BoxFuture<'static, Result<Epoch, JournalError>> {
        let (this, venue) = (self.clone(), venue.clone());
        async move { this.take_over(&venue, known).await }.boxed()
    }

    fn load(&self, venue: &VenueId) -> BoxFuture<'static, Result<Opened, JournalError>> {
        self.file.load(venue)
    }

    fn keep(
        &self,
        venue: &VenueId,
        epoch: Epoch,
        changes: Arc<[Change]>,
        mirror: Option<Mirror>,
    ) -> BoxFuture<'static, Result<(), JournalError>> {
        let (this, venue) = (self.clone(), venue.clone());
        // To its end, whoever waits: half of it may be done.
        let done = tokio::spawn(async move { this.write(&venue, epoch, changes, mirror).await });
        async move { done.await.map_err(|error| JournalError::Unavailable(error.to_string()))? }.boxed()
    }

    fn is_mirror(&self) -> bool {
        self.shared.is_mirror()
    }

    fn must_show_all(&self, venue: &VenueId) -> bool {
        let venue = self.venue(venue);
        venue.state.try_lock().is_ok_and(|mut state| std::mem::take(&mut state.must_show_all))
    }

    fn read(&self, venue: &VenueId, after: Seq, limit: usize) -> BoxFuture<'static, Result<Vec<Change>, JournalError>> {
        if self.is_level(venue) { self.shared.read(venue, after, limit) } else { self.file.read(venue, after, limit) }
    }

    fn prune(&self, venue: &VenueId, before: Seq) -> BoxFuture<'static, Result<(), JournalError>> {
        let (shared, file, venue) = (self.shared.clone(), self.file.clone(), venue.clone());
        async move {
            shared.prune(&venue, before).await?;
            file.prune(&venue, before).await
        }
        .boxed()
    }

    fn days(&self, venue: &VenueId) -> BoxFuture<'static, Result<Vec<Seq>, JournalError>> {
        if self.is_level(venue) { self.shared.days(venue) } else { self.file.days(venue) }
    }

    /// Without Redis it goes on; without its file it does not.
    fn ready(&self) -> BoxFuture<'static, Result<(), JournalError>> {
        self.file.ready()
    }

    fn shortfalls(&self) -> Vec<String> {
        let venues = self.venues.read().unwrap_or_else(PoisonError::into_inner);
        let behind = venues.keys().filter(|id| {
            let state = venues.get(*id).map(|venue| venue.state.try_lock().map(|state| state.shared));
            matches!(state, Some(Ok(Shared::Behind)))
        });
        let away = behind.map(|id| format!("Redis is away: changes of {id} are in this server's file alone"));
        self.shared.shortfalls().into_iter().chain(away).collect()
    }
}

#[cfg(test)]
mod tests {
    use callnext_engine::Seq;
    use tempfile::TempDir;

    use super::super::memory::MemoryJournal;
    use super::super::{contract, sample};
    use super::*;

    /// A shared store, and a folder for the file.
    struct Store {
        shared: MemoryJournal,
        folder: TempDir,
    }

    impl Store {
        fn new() -> Self {
            Self { shared: MemoryJournal::default(), folder: tempfile::tempdir().unwrap() }
        }

        fn open(&self) -> SpillJournal {
            let file = SqliteJournal::open(&self.folder.path().join("spill.sqlite")).unwrap();
            SpillJournal::new(Arc::new(self.shared.clone()), file, self.folder.path())
        }

        async fn caught_up(&self, venue: &VenueId, last: u64) {
            for _ in 0..2_000 {
                let kept = self.shared.read(venue, Seq(0), 9_999).await.unwrap();
                if kept.last().is_some_and(|change| change.seq == Seq(last)) {
                    assert_eq!(kept, sample::day(1, last), "in order");
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            panic!("Redis was never given what it missed");
        }
    }

    impl contract::Store for Store {
        fn journal(&self) -> Arc<dyn Journal> {
            Arc::new(self.open())
        }

        fn spoil(&self, venue: &VenueId, seq: Seq, body: &str) {
            self.shared.spoil(venue, seq, body);
            let file = rusqlite::Connection::open(self.folder.path().join("spill.sqlite")).unwrap();
            let change = (body, venue.as_str(), seq.0.cast_signed());
            file.execute("UPDATE changes SET body = ?1 WHERE venue = ?2 AND seq = ?3", change).unwrap();
        }
    }

    contract::suite!(Store::new());

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn it_goes_on_while_the_shared_store_is_away_and_gives_back_what_it_missed() {
        let (store, venue) = (Store::new(), sample::venue("hall"));
        let journal = store.open();
        let epoch = journal.open(&venue).await.unwrap().epoch;
        journal.append(&venue, epoch, sample::day(1, 3)).await.unwrap();
        store.shared.be_away(true);
        for seq in 4..1_204 {
            journal.append(&venue, epoch, sample::changes(seq, seq)).await.unwrap();
        }
        assert!(!journal.shortfalls().is_empty());
        journal.ready().await.unwrap();
        store.shared.be_away(false);
        store.caught_up(&venue, 1_203).await;
        journal.append(&venue, epoch, sample::changes(1_204, 1_204)).await.unwrap();
        store.caught_up(&venue, 1_204).await;
        assert!(journal.shortfalls().is_empty());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn it_opens_without_the_shared_store_and_nothing_is_lost_between_two_starts() {
        let (store, venue) = (Store::new(), sample::venue("hall"));
        let journal = store.open();
        let epoch = journal.open(&venue).await.unwrap().epoch;
        journal.append(&venue, epoch, sample::day(1, 3)).await.unwrap();
        store.shared.be_away(true);
        journal.append(&venue, epoch, sample::changes(4, 6)).await.unwrap();
        drop(journal);
        let journal = store.open();
        let opened = journal.open(&venue).await.unwrap();
        assert_eq!(opened.changes, sample::day(1, 6));
        journal.append(&venue, opened.epoch, sample::changes(7, 7)).await.unwrap();
        drop(journal);
        store.shared.be_away(false);
        let opened = store.open().open(&venue).await.unwrap();
        assert_eq!(opened.changes, sample::day(1, 7));
        store.caught_up(&venue, 7).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn another_history_in_the_shared_store_is_right_and_ours_is_put_aside() {
        let (store, venue) = (Store::new(), sample::venue("hall"));
        let journal = store.open();
        let epoch = journal.open(&venue).await.unwrap().epoch;
        journal.append(&venue, epoch, sample::day(1, 3)).await.unwrap();
        store.shared.be_away(true);
        journal.append(&venue, epoch, sample::changes(4, 6)).await.unwrap();
        drop(journal);
        store.shared.be_away(false);
        // Another server went on with it meanwhile.
        let other = store.shared.open(&venue).await.unwrap().epoch;
        store.shared.append(&venue, other, sample::day(4, 4)).await.unwrap();
        let opened = store.open().open(&venue).await.unwrap();
        assert_eq!(opened.changes, sample::day(4, 4));
        let aside = std::fs::read_to_string(store.folder.path().join("not-in-redis-hall-6.jsonl")).unwrap();
        assert_eq!(aside.lines().count(), 6);
    }
}
