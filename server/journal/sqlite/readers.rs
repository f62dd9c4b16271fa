//! Reading the journal's file: a few connections, each used by one reader at a time, off the async threads.
//!
//! Apart from the writer so that a long read holds up no call. Nothing here can write.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use callnext_engine::{Change, Seq, VenueId};
use rusqlite::{Connection, OptionalExtension, Params, params};
use tokio::sync::Semaphore;

use super::super::{Epoch, JournalError, Opened, codec, order};
use super::writer::unavailable;
use crate::database::Database;

/// Connections for reading. Reads are rare (starts, exports), and the disk is one.
const READERS_MAX: usize = 4;

/// A pool of connections that only read.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    permits: Semaphore,
}

impl Readers {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), idle: Mutex::default(), permits: Semaphore::new(READERS_MAX) }
    }

    /// A venue's newest epoch, and its changes from the last one that opens a day; all of them when none does.
    pub(super) async fn last_day(self: &Arc<Self>, venue: VenueId) -> Result<Opened, JournalError> {
        const EPOCH: &str = "SELECT epoch FROM venues WHERE venue = ?1";
        const START: &str = "SELECT max(seq) FROM changes WHERE venue = ?1 AND opens_day = 1";
        const FROM: &str = "SELECT seq, body FROM changes WHERE venue = ?1 AND seq >= ?2 ORDER BY seq";
        self.with(move |file| {
            let epoch: Option<i64> = file
                .prepare_cached(EPOCH)
                .and_then(|mut query| query.query_row([venue.as_str()], |row| row.get(0)).optional())
                .map_err(unavailable)?;
            let start: Option<i64> = file
                .prepare_cached(START)
                .and_then(|mut query| query.query_row([venue.as_str()], |row| row.get(0)).optional())
                .map_err(unavailable)?
                .flatten();
            let changes = changes(file, FROM, &venue, params![venue.as_str(), start.unwrap_or(0)])?;
            Ok(Opened { epoch: Epoch(epoch.unwrap_or(0).cast_unsigned()), changes })
        })
        .await
    }

    /// The first change of a venue that is kept, and the one that opens its last day; none where no day is.
    pub(super) async fn ends(self: &Arc<Self>, venue: VenueId) -> Result<Option<(Seq, Seq)>, JournalError> {
        const ENDS: &str = "SELECT (SELECT min(seq) FROM changes WHERE venue = ?1),
            (SELECT max(seq) FROM changes WHERE venue = ?1 AND opens_day = 1)";
        self.with(move |file| {
            let ends = file.prepare_cached(ENDS).and_then(|mut query| {
                query.query_row([venue.as_str()], |row| {
                    let (first, day): (Option<i64>, Option<i64>) = (row.get(0)?, row.get(1)?);
                    Ok(first.zip(day).map(|(first, day)| (Seq(first.cast_unsigned()), Seq(day.cast_unsigned()))))
                })
            });
            ends.map_err(unavailable)
        })
        .await
    }

    /// The venues of the file, by name.
    pub(super) async fn venues(self: &Arc<Self>) -> Result<Vec<VenueId>, JournalError> {
        self.with(|file| {
            let names = file.prepare_cached("SELECT venue FROM venues ORDER BY venue").and_then(|mut query| {
                let rows = query.query_map((), |row| row.get::<_, String>(0))?;
                rows.collect::<Result<Vec<_>, _>>()
            });
            let names = names.map_err(unavailable)?;
            names.iter().map(|name| VenueId::parse(name).map_err(unavailable)).collect()
        })
        .await
    }

    /// The changes of a venue that open its days.
    pub(super) async fn days(self: &Arc<Self>, venue: VenueId) -> Result<Vec<Seq>, JournalError> {
        const DAYS: &str = "SELECT seq FROM changes WHERE venue = ?1 AND opens_day = 1 ORDER BY seq";
        self.with(move |file| {
            let days = file.prepare_cached(DAYS).and_then(|mut query| {
                let rows = query.query_map([venue.as_str()], |row| Ok(Seq(row.get::<_, i64>(0)?.cast_unsigned())))?;
                rows.collect()
            });
            days.map_err(unavailable)
        })
        .await
    }

    /// The changes of a venue after one of them, at most `limit`.
    pub(super) async fn page(
        self: &Arc<Self>,
        venue: VenueId,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<Change>, JournalError> {
        const AFTER: &str = "SELECT seq, body FROM changes WHERE venue = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.with(move |file| changes(file, AFTER, &venue, params![venue.as_str(), after.0.cast_signed(), limit])).await
    }

    async fn with<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&Connection) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        let stopped = |problem: &str| JournalError::Unavailable(problem.to_owned());
        let _permit = self.permits.acquire().await.map_err(|_| stopped("reading has ended"))?;
        let this = Arc::clone(self);
        let reading = tokio::task::spawn_blocking(move || {
            let idle = this.idle().pop();
            let file = match idle {
                Some(file) => file,
                None => Database::open_to_read(&this.path).map_err(unavailable)?,
            };
            let result = read(&file);
            // After a failure a fresh connection is the safer one.
            if result.is_ok() {
                this.idle().push(file);
            }
            result
        });
        reading.await.map_err(|_| stopped("a reader panicked"))?
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        // A list of idle connections is whole after every push and pop, whoever panicked meanwhile.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads `(seq, body)` rows, which must follow each other without a gap.
fn changes(file: &Connection, query: &str, venue: &VenueId, params: impl Params) -> Result<Vec<Change>, JournalError> {
    let mut statement = file.prepare_cached(query).map_err(unavailable)?;
    let mut rows = statement.query(params).map_err(unavailable)?;
    let mut changes: Vec<Change> = Vec::new();
    while let Some(row) = rows.next().map_err(unavailable)? {
        let seq = Seq(row.get::<_, i64>(0).map_err(unavailable)?.cast_unsigned());
        if let Some(last) = changes.last() {
            order::check_follows(venue, last.seq, seq)?;
        }
        let body = row.get_ref(1).and_then(|body| Ok(body.as_str()?)).map_err(unavailable)?;
        changes.push(codec::decode(venue, seq, body)?);
    }
    Ok(changes)
}
