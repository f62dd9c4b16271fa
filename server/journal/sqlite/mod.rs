//! The embedded default: every venue's changes in one SQLite file.
//!
//! One thread writes and answers only after the commit is on the disk; all who ask meanwhile share the next
//! commit, so the price of a sync is paid once for many. Reading goes by connections of its own and waits for
//! nobody.
//!
//! The table is an ordinary one with a unique index, not `WITHOUT ROWID`: at 460 bytes a change it wrote 1.6 times
//! as many in batches of 64, and took 6 % less room.

mod readers;
mod writer;

use std::path::Path;
use std::sync::Arc;

use callnext_engine::{Change, Seq, VenueId};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use self::readers::Readers;
use self::writer::{Request, Work};
use super::{Epoch, Journal, JournalError, Mirror, Opened, codec};
use crate::database::{Database, DatabaseError};

/// Requests that may wait for the writer. Beyond it callers wait to be let in, so memory stays bounded; enough
/// for every venue of a large installation to have its one append under way.
const REQUESTS_WAITING_MAX: usize = 1024;

/// Changes forgotten in one transaction: a few milliseconds, for which an append may have to wait.
const PRUNED_AT_ONCE_MAX: u64 = 500;

/// Changes that are encoded where they come from: some 50 µs. To have more of them done elsewhere is worth the way there.
const ENCODED_HERE_MAX: usize = 32;

/// The journal's file. Its id reads `CNjl`.
const FILE: Database = Database {
    name: "journal",
    application_id: 0x434e_6a6c,
    format: 1,
    schema: "
        CREATE TABLE venues (
            venue TEXT NOT NULL PRIMARY KEY,
            epoch INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE changes (
            venue TEXT NOT NULL,
            seq INTEGER NOT NULL,
            epoch INTEGER NOT NULL, -- of the owner who wrote it
            at INTEGER NOT NULL, -- milliseconds since 1970 UTC
            opens_day INTEGER NOT NULL, -- 1: a venue can be rebuilt from here on
            body TEXT NOT NULL, -- JSON; its format number is inside
            PRIMARY KEY (venue, seq)
        ) STRICT;
        CREATE INDEX day_starts ON changes (venue, seq) WHERE opens_day = 1;
    ",
};

/// A journal in one SQLite file. Clones share the file's writer, which ends when the last clone goes.
#[derive(Debug, Clone)]
pub struct SqliteJournal {
    writer: mpsc::Sender<Request>,
    readers: Arc<Readers>,
}

impl SqliteJournal {
    /// Opens the file, and makes it when it is missing. Blocks: for the start of a program.
    pub fn open(path: &Path) -> Result<Self, DatabaseError> {
        Self::open_prepared(path, |_| Ok(()))
    }

    fn open_prepared(
        path: &Path,
        prepare: impl FnOnce(&Connection) -> rusqlite::Result<()>,
    ) -> Result<Self, DatabaseError> {
        let connection = FILE.open(path)?;
        prepare(&connection)?;
        let (writer, requests) = mpsc::channel(REQUESTS_WAITING_MAX);
        writer::spawn(connection, requests)
            .map_err(|cause| DatabaseError::Unopened { path: path.to_owned(), cause })?;
        Ok(Self { writer, readers: Arc::new(Readers::new(path)) })
    }

    /// The venues that were ever opened here.
    pub async fn venues(&self) -> Result<Vec<VenueId>, JournalError> {
        self.readers.venues().await
    }

    /// Forgets every change of a venue, and no epoch.
    pub(super) async fn forget(&self, venue: &VenueId) -> Result<(), JournalError> {
        let before = Seq(u64::MAX >> 1);
        self.write(Work::Prune { venue: venue.clone(), before }).await.map(drop)
    }

    async fn write(&self, work: Work) -> Result<Epoch, JournalError> {
        let stopped = || JournalError::Unavailable("its writer has stopped".to_owned());
        let (reply, answer) = oneshot::channel();
        self.writer.send(Request { work, reply }).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

impl Journal for SqliteJournal {
    fn claim(&self, venue: &VenueId, known: Epoch) -> BoxFuture<'static, Result<Epoch, JournalError>> {
        let (this, venue) = (self.clone(), venue.clone());
        async move { this.write(Work::Claim { venue, known }).await }.boxed()
    }

    fn load(&self, venue: &VenueId) -> BoxFuture<'static, Result<Opened, JournalError>> {
        let (readers, venue) = (Arc::clone(&self.readers), venue.clone());
        async move { readers.last_day(venue).await }.boxed()
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
            // Not in the writer: encoding may go on in parallel, writing may not. Many are encoded beside their venue.
            let entries = if changes.len() < ENCODED_HERE_MAX {
                codec::encode_all(&venue, &changes)?
            } else {
                let of = venue.clone();
                tokio::task::spawn_blocking(move || codec::encode_all(&of, &changes))
                    .await
                    .map_err(writer::unavailable)??
            };
            this.write(Work::Append { venue, epoch, entries }).await.map(drop)
        }
        .boxed()
    }

    fn prune(&self, venue: &VenueId, before: Seq) -> BoxFuture<'static, Result<(), JournalError>> {
        let (this, venue) = (self.clone(), venue.clone());
        async move {
            let Some((first, last_day)) = this.readers.ends(venue.clone()).await? else { return Ok(()) };
            let before = before.min(last_day);
            let mut reached = first;
            while reached < before {
                reached = before.min(Seq(reached.0 + PRUNED_AT_ONCE_MAX));
                this.write(Work::Prune { venue: venue.clone(), before: reached }).await?;
            }
            Ok(())
        }
        .boxed()
    }

    fn days(&self, venue: &VenueId) -> BoxFuture<'static, Result<Vec<Seq>, JournalError>> {
        let (readers, venue) = (Arc::clone(&self.readers), venue.clone());
        async move { readers.days(venue).await }.boxed()
    }

    fn read(&self, venue: &VenueId, after: Seq, limit: usize) -> BoxFuture<'static, Result<Vec<Change>, JournalError>> {
        let (readers, venue) = (Arc::clone(&self.readers), venue.clone());
        async move { readers.page(venue, after, limit).await }.boxed()
    }

    fn ready(&self) -> BoxFuture<'static, Result<(), JournalError>> {
        let this = self.clone();
        async move { this.write(Work::Probe).await.map(drop) }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use futures_util::future::join_all;
    use tempfile::TempDir;

    use super::super::{contract, sample};
    use super::*;

    struct File {
        path: PathBuf,
        _folder: TempDir,
    }

    impl File {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            Self { path: folder.path().join("journal.sqlite"), _folder: folder }
        }

        fn open(&self) -> SqliteJournal {
            SqliteJournal::open(&self.path).unwrap()
        }

        fn sql(&self, statement: &str) {
            Connection::open(&self.path).unwrap().execute_batch(statement).unwrap();
        }
    }

    impl contract::Store for File {
        fn journal(&self) -> Arc<dyn Journal> {
            Arc::new(self.open())
        }

        fn spoil(&self, venue: &VenueId, seq: Seq, body: &str) {
            self.sql(&format!("UPDATE changes SET body = '{body}' WHERE venue = '{venue}' AND seq = {seq}"));
        }
    }

    contract::suite!(File::new());

    #[test]
    fn a_foreign_file_is_refused() {
        let file = File::new();
        file.sql("CREATE TABLE theirs (a)");
        let refused = SqliteJournal::open(&file.path).unwrap_err();
        assert!(refused.to_string().contains("is not a callnext journal"), "{refused}");
    }

    #[tokio::test]
    async fn a_change_that_is_gone_is_reported_by_its_place() {
        let (file, venue) = (File::new(), sample::venue("hall"));
        let journal = file.open();
        let epoch = journal.open(&venue).await.unwrap().epoch;
        journal.append(&venue, epoch, sample::day(1, 5)).await.unwrap();
        file.sql("DELETE FROM changes WHERE seq = 3");
        for found in [journal.read(&venue, Seq(0), 9).await.map(drop), journal.open(&venue).await.map(drop)] {
            assert!(matches!(found, Err(JournalError::Unreadable { seq: Seq(3), .. })), "{found:?}");
        }
    }

    #[tokio::test]
    async fn a_full_disk_loses_nothing_that_was_acknowledged_and_writing_goes_on_when_there_is_room() {
        const PAGES: u32 = 60;
        let (file, venue) = (File::new(), sample::venue("hall"));
        let mut journal =
            SqliteJournal::open_prepared(&file.path, |file| file.pragma_update(None, "max_page_count", PAGES)).unwrap();
        let epoch = journal.open(&venue).await.unwrap().epoch;
        let mut kept = 0;
        let full = loop {
            match journal.append(&venue, epoch, sample::changes(kept + 1, kept + 20)).await {
                Ok(()) => kept += 20,
                Err(error) => break error,
            }
        };
        assert!(matches!(&full, JournalError::Unavailable(problem) if problem.contains("full")), "{full}");
        assert_eq!(journal.read(&venue, Seq(0), usize::MAX).await.unwrap(), sample::changes(1, kept));
        let unready = journal.ready().await;
        assert!(matches!(unready, Err(JournalError::Unavailable(_))), "it says so until it can write: {unready:?}");

        journal = file.open();
        journal.append(&venue, epoch, sample::changes(kept + 1, kept + 20)).await.unwrap();
        assert_eq!(journal.read(&venue, Seq(0), usize::MAX).await.unwrap(), sample::changes(1, kept + 20));
        journal.ready().await.unwrap();
    }

    #[tokio::test]
    async fn a_locked_file_is_unavailable_and_then_available() {
        let (file, venue) = (File::new(), sample::venue("hall"));
        let journal =
            SqliteJournal::open_prepared(&file.path, |file| file.busy_timeout(std::time::Duration::from_millis(1)))
                .unwrap();
        let epoch = journal.open(&venue).await.unwrap().epoch;
        let other = Connection::open(&file.path).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let locked = journal.append(&venue, epoch, sample::changes(1, 1)).await;
        assert!(matches!(locked, Err(JournalError::Unavailable(_))), "{locked:?}");
        other.execute_batch("ROLLBACK").unwrap();
        journal.append(&venue, epoch, sample::changes(1, 1)).await.unwrap();
    }

    #[tokio::test]
    async fn a_writer_that_panics_is_reported_to_all_who_wait_and_who_come_later() {
        let (file, venue) = (File::new(), sample::venue("hall"));
        let journal = file.open();
        let epoch = journal.open(&venue).await.unwrap().epoch;
        let answers = join_all([
            journal.write(Work::Panic),
            journal.write(Work::Append { venue: venue.clone(), epoch, entries: Vec::new() }),
        ])
        .await;
        for answer in answers.into_iter().chain([journal.ready().await.map(|()| epoch)]) {
            assert!(matches!(answer, Err(JournalError::Unavailable(_))), "{answer:?}");
        }
        assert_eq!(journal.read(&venue, Seq(0), 9).await.unwrap(), [], "reading goes on");
    }
}
