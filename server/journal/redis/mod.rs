//! The shared store: every venue's changes in one Redis stream, whose ids are `<epoch>-<seq>`.
//!
//! An append is one script: it looks at the epoch and the order, adds all entries and shows the live tickets, in one
//! step. Whether an append whose answer was lost was kept is never guessed: it is sent again, and the script finds its
//! entry by the explicit id. What is kept, for other programs to read, is told in `SCHEMA.md`.
//!
//! All of it runs on a thread of its own, so that encoding goes on beside the venues, a connection outlives whoever
//! asked first, and an append goes on to its end when its asker goes away.

mod accounts;
mod connect;
mod durability;
mod failure;
mod follow;
mod keys;
mod leases;
mod link;
mod options;
mod script;
mod shown;
mod worker;

use std::sync::Arc;

use callnext_engine::{Change, Seq, VenueId};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

pub use self::options::{Ack, NotARedisUrl, REPLICAS_MAX, RedisOptions, RedisUrl, TIMEOUT_MS, Topology};

use self::worker::Worker;
use super::mirror::Mirror;
use super::{Epoch, Journal, JournalError, Opened};

/// Why Redis cannot be used from the start.
#[derive(Debug, thiserror::Error)]
pub enum RedisError {
    /// A file of certificates cannot be read, or the thread not be started.
    #[error("the Redis journal cannot be set up")]
    SetUp(#[from] std::io::Error),
    /// Redis cannot be reached, or does not let us in.
    #[error("{0}")]
    Unreached(String),
}

/// A journal in Redis. Clones share its connection and its thread, which end with the last of them.
#[derive(Clone)]
pub struct RedisJournal {
    runtime: Arc<Runtime>,
    worker: Arc<Worker>,
}

impl RedisJournal {
    /// Reaches Redis and looks at how it is set up.
    pub async fn connect(options: RedisOptions) -> Result<Self, RedisError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("journal")
            .enable_all()
            .build()?;
        let worker = Arc::new(Worker::new(options)?);
        let this = Self { runtime: Arc::new(Runtime(Some(runtime))), worker };
        this.run(|worker| async move { worker.begin().await }).await.map_err(|error| match error {
            JournalError::Unavailable(problem) => RedisError::Unreached(problem),
            other => RedisError::Unreached(other.to_string()),
        })?;
        Ok(this)
    }

    /// Lets the worker do something on its own thread; it does so to the end, whoever waits.
    fn run<T, F>(&self, work: impl FnOnce(Arc<Worker>) -> F) -> BoxFuture<'static, Result<T, JournalError>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, JournalError>> + Send + 'static,
    {
        let runtime = self.runtime.clone();
        let task = runtime.0.as_ref().map(|runtime| runtime.spawn(work(self.worker.clone())));
        async move {
            let stopped = || JournalError::Unavailable("its thread has stopped".to_owned());
            let done = task.ok_or_else(stopped)?.await;
            drop(runtime);
            done.map_err(|_| stopped())?
        }
        .boxed()
    }
}

impl std::fmt::Debug for RedisJournal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisJournal").finish_non_exhaustive()
    }
}

impl Journal for RedisJournal {
    fn claim(&self, venue: &VenueId, known: Epoch) -> BoxFuture<'static, Result<Epoch, JournalError>> {
        let venue = venue.clone();
        self.run(move |worker| async move { worker.claim(&venue, known).await })
    }

    fn load(&self, venue: &VenueId) -> BoxFuture<'static, Result<Opened, JournalError>> {
        let venue = venue.clone();
        self.run(|worker| async move { worker.load(&venue).await })
    }

    fn keep(
        &self,
        venue: &VenueId,
        epoch: Epoch,
        changes: Arc<[Change]>,
        mirror: Option<Mirror>,
    ) -> BoxFuture<'static, Result<(), JournalError>> {
        let venue = venue.clone();
        self.run(move |worker| async move { worker.append(&venue, epoch, &changes, mirror.as_ref()).await })
    }

    fn is_mirror(&self) -> bool {
        true
    }

    /// It may be emptied by hand, lose its disk, or have a replica promoted that is behind.
    fn may_forget(&self) -> bool {
        true
    }

    fn read(&self, venue: &VenueId, after: Seq, limit: usize) -> BoxFuture<'static, Result<Vec<Change>, JournalError>> {
        let venue = venue.clone();
        self.run(move |worker| async move { worker.read(&venue, after, limit).await })
    }

    fn prune(&self, venue: &VenueId, before: Seq) -> BoxFuture<'static, Result<(), JournalError>> {
        let venue = venue.clone();
        self.run(move |worker| async move { worker.prune(&venue, before).await })
    }

    fn days(&self, venue: &VenueId) -> BoxFuture<'static, Result<Vec<Seq>, JournalError>> {
        let venue = venue.clone();
        self.run(|worker| async move { worker.days(&venue).await })
    }

    fn ready(&self) -> BoxFuture<'static, Result<(), JournalError>> {
        self.run(|worker| async move { worker.probe().await })
    }

    fn shortfalls(&self) -> Vec<String> {
        self.worker.shortfalls()
    }
}

/// A runtime that may be dropped anywhere: what still goes on in it is left alone.
struct Runtime(Option<tokio::runtime::Runtime>);

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests;
