//! A journal in memory, for tests. It forgets everything when its last clone goes.
//!
//! It keeps the stored form, not the changes, so that whatever is tested on it also goes through the codec.
//! It can be told to fail and to wait, which a real store does only when it is least convenient.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use callnext_engine::{Change, Seq, VenueId};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

use super::codec::{self, Entry};
use super::tail::{News, Position, Tail};
use super::{Epoch, Journal, JournalError, Mirror, Opened, order};

/// A journal in memory. Clones share what is kept.
#[derive(Clone, Debug, Default)]
pub struct MemoryJournal {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    kept: Mutex<Kept>,
    held: watch::Sender<bool>,
    waiting: watch::Sender<usize>,
    away: AtomicBool,
    written: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Kept {
    venues: BTreeMap<VenueId, Venue>,
    failures_due: u32,
}

#[derive(Debug, Default)]
struct Venue {
    epoch: u64,
    entries: Vec<Entry>,
    /// The ownership under which each entry was written.
    epochs: Vec<Epoch>,
}

impl MemoryJournal {
    /// An empty journal.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the next `count` appends fail as [`JournalError::Unavailable`], with nothing written.
    pub fn fail_next(&self, count: u32) {
        self.with(|kept| kept.failures_due = count);
    }

    /// Lets every append wait until the hold is dropped. One hold at a time.
    pub fn hold(&self) -> Hold {
        self.inner.held.send_replace(true);
        Hold { inner: Arc::clone(&self.inner) }
    }

    /// Lets nothing be written or read, until it is told otherwise.
    pub fn be_away(&self, away: bool) {
        self.inner.away.store(away, Ordering::Relaxed);
    }

    fn is_there(&self) -> Result<(), JournalError> {
        let away = self.inner.away.load(Ordering::Relaxed);
        if away { Err(JournalError::Unavailable("told to be away".to_owned())) } else { Ok(()) }
    }

    fn with<T>(&self, f: impl FnOnce(&mut Kept) -> T) -> T {
        // A test that panicked with the lock has failed already; what is kept is whole after every statement.
        f(&mut self.inner.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Overwrites the stored form of an entry.
    #[cfg(test)]
    pub(super) fn spoil(&self, venue: &VenueId, seq: Seq, body: &str) {
        self.with(|kept| {
            let entries = &mut kept.venues.get_mut(venue).unwrap().entries;
            entries.iter_mut().find(|entry| entry.seq == seq).unwrap().body = body.to_owned();
        });
    }
}

/// While this lives, appends wait.
#[derive(Debug)]
pub struct Hold {
    inner: Arc<Inner>,
}

impl Hold {
    /// Ends once this many appends are waiting.
    pub async fn reached(&self, count: usize) {
        let mut waiting = self.inner.waiting.subscribe();
        // The sender lives in `inner`, which this hold keeps.
        drop(waiting.wait_for(|waiting| *waiting >= count).await);
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.inner.held.send_replace(false);
    }
}

impl Inner {
    async fn released(&self) {
        if !*self.held.borrow() {
            return;
        }
        self.waiting.send_modify(|waiting| *waiting += 1);
        let mut held = self.held.subscribe();
        drop(held.wait_for(|held| !held).await);
        self.waiting.send_modify(|waiting| *waiting -= 1);
    }
}

impl Kept {
    fn claim(&mut self, venue: &VenueId, known: Epoch) -> Epoch {
        let kept = self.venues.entry(venue.clone()).or_default();
        kept.epoch = kept.epoch.max(known.0) + 1;
        Epoch(kept.epoch)
    }

    fn load(&self, venue: &VenueId) -> Result<Opened, JournalError> {
        let Some(kept) = self.venues.get(venue) else { return Ok(Opened { epoch: Epoch(0), changes: Vec::new() }) };
        let start = kept.entries.iter().rposition(|entry| entry.opens_day).unwrap_or(0);
        Ok(Opened { epoch: Epoch(kept.epoch), changes: decode(venue, kept.entries.iter().skip(start))? })
    }

    fn append(&mut self, venue: &VenueId, epoch: Epoch, entries: Vec<Entry>) -> Result<(), JournalError> {
        if self.failures_due > 0 {
            self.failures_due -= 1;
            return Err(JournalError::Unavailable("told to fail".to_owned()));
        }
        let kept = self.venues.entry(venue.clone()).or_default();
        let last = kept.entries.last().map_or(Seq::default(), |entry| entry.seq);
        order::check(venue, Epoch(kept.epoch), last, epoch, &entries)?;
        kept.epochs.extend(entries.iter().map(|_| epoch));
        kept.entries.extend(entries);
        Ok(())
    }

    fn prune(&mut self, venue: &VenueId, before: Seq) {
        if let Some(kept) = self.venues.get_mut(venue) {
            let start = kept.entries.iter().rposition(|entry| entry.opens_day).unwrap_or(0);
            let forgotten = kept.entries.iter().take(start).take_while(|entry| entry.seq < before).count();
            kept.entries.drain(..forgotten);
            kept.epochs.drain(..forgotten);
        }
    }

    fn days(&self, venue: &VenueId) -> Vec<Seq> {
        let entries = self.venues.get(venue).map_or(&[][..], |kept| &kept.entries);
        entries.iter().filter(|entry| entry.opens_day).map(|entry| entry.seq).collect()
    }

    fn after(&self, positions: &BTreeMap<VenueId, Position>) -> Result<Vec<News>, JournalError> {
        let mut news: Vec<News> = Vec::new();
        for (venue, after) in positions {
            let Some(kept) = self.venues.get(venue) else { continue };
            for (epoch, entry) in kept.epochs.iter().zip(&kept.entries) {
                if (*epoch, entry.seq) <= (after.epoch, after.seq) {
                    continue;
                }
                let change = codec::decode(venue, entry.seq, &entry.body)?;
                match news.last_mut().filter(|(of, under, _)| of == venue && under == epoch) {
                    Some((_, _, changes)) => changes.push(change),
                    None => news.push((venue.clone(), *epoch, vec![change])),
                }
            }
        }
        Ok(news)
    }

    fn read(&self, venue: &VenueId, after: Seq, limit: usize) -> Result<Vec<Change>, JournalError> {
        let entries = self.venues.get(venue).map_or(&[][..], |kept| &kept.entries);
        decode(venue, entries.iter().filter(|entry| entry.seq > after).take(limit))
    }
}

fn decode<'a>(venue: &VenueId, entries: impl Iterator<Item = &'a Entry>) -> Result<Vec<Change>, JournalError> {
    entries.map(|entry| codec::decode(venue, entry.seq, &entry.body)).collect()
}

impl Tail for MemoryJournal {
    fn next(&self, after: BTreeMap<VenueId, Position>) -> BoxFuture<'static, Result<Vec<News>, JournalError>> {
        let this = self.clone();
        async move {
            let mut written = this.inner.written.subscribe();
            loop {
                written.mark_unchanged();
                let news = this.with(|kept| kept.after(&after))?;
                if !news.is_empty() || written.changed().await.is_err() {
                    return Ok(news);
                }
            }
        }
        .boxed()
    }
}

impl Journal for MemoryJournal {
    fn claim(&self, venue: &VenueId, known: Epoch) -> BoxFuture<'static, Result<Epoch, JournalError>> {
        let (this, venue) = (self.clone(), venue.clone());
        async move { this.is_there().map(|()| this.with(|kept| kept.claim(&venue, known))) }.boxed()
    }

    fn load(&self, venue: &VenueId) -> BoxFuture<'static, Result<Opened, JournalError>> {
        let (this, venue) = (self.clone(), venue.clone());
        async move { this.is_there().and_then(|()| this.with(|kept| kept.load(&venue))) }.boxed()
    }

    fn keep(
        &self,
        venue: &VenueId,
        epoch: Epoch,
        changes: Arc<[Change]>,
        _: Option<Mirror>,
    ) -> BoxFuture<'static, Result<(), JournalError>> {
        let (this, venue) = (self.clone(), venue.clone());
        async move {
            let entries = codec::encode_all(&venue, &changes)?;
            this.inner.released().await;
            this.is_there()?;
            this.with(|kept| kept.append(&venue, epoch, entries))?;
            this.inner.written.send_replace(());
            Ok(())
        }
        .boxed()
    }

    fn prune(&self, venue: &VenueId, before: Seq) -> BoxFuture<'static, Result<(), JournalError>> {
        let (this, venue) = (self.clone(), venue.clone());
        async move {
            this.with(|kept| kept.prune(&venue, before));
            Ok(())
        }
        .boxed()
    }

    fn days(&self, venue: &VenueId) -> BoxFuture<'static, Result<Vec<Seq>, JournalError>> {
        let (this, venue) = (self.clone(), venue.clone());
        async move { Ok(this.with(|kept| kept.days(&venue))) }.boxed()
    }

    fn read(&self, venue: &VenueId, after: Seq, limit: usize) -> BoxFuture<'static, Result<Vec<Change>, JournalError>> {
        let (this, venue) = (self.clone(), venue.clone());
        async move { this.is_there().and_then(|()| this.with(|kept| kept.read(&venue, after, limit))) }.boxed()
    }

    fn ready(&self) -> BoxFuture<'static, Result<(), JournalError>> {
        async { Ok(()) }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{contract, sample};
    use super::*;

    contract::suite!(MemoryJournal::new());

    impl contract::Store for MemoryJournal {
        fn journal(&self) -> Arc<dyn Journal> {
            Arc::new(self.clone())
        }

        fn spoil(&self, venue: &VenueId, seq: Seq, body: &str) {
            MemoryJournal::spoil(self, venue, seq, body);
        }
    }

    #[tokio::test]
    async fn it_fails_as_often_as_told_and_then_goes_on() {
        let (journal, venue) = (MemoryJournal::new(), sample::venue("hall"));
        let epoch = journal.open(&venue).await.unwrap().epoch;
        journal.fail_next(2);
        for _ in 0..2 {
            let failed = journal.append(&venue, epoch, sample::changes(1, 2)).await;
            assert!(matches!(failed, Err(JournalError::Unavailable(_))), "{failed:?}");
        }
        journal.append(&venue, epoch, sample::changes(1, 2)).await.unwrap();
        assert_eq!(journal.read(&venue, Seq(0), 9).await.unwrap(), sample::changes(1, 2));
    }

    #[tokio::test]
    async fn a_held_append_is_not_kept_until_it_is_released() {
        let (journal, venue) = (MemoryJournal::new(), sample::venue("hall"));
        let epoch = journal.open(&venue).await.unwrap().epoch;
        let hold = journal.hold();
        let append = tokio::spawn(journal.append(&venue, epoch, sample::changes(1, 1)));
        hold.reached(1).await;
        assert_eq!(journal.read(&venue, Seq(0), 9).await.unwrap(), []);
        drop(hold);
        append.await.unwrap().unwrap();
        assert_eq!(journal.read(&venue, Seq(0), 9).await.unwrap().len(), 1);
    }
}
