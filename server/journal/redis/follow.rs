//! Following what others write: the streams are asked, all at once, every few milliseconds.
//!
//! Asked and not waited on: a command that blocks holds up everything else on its socket, and a cluster lets it name
//! streams of one slot only. An answer with nothing in it costs Redis less than a line of log.

use std::collections::BTreeMap;
use std::time::Duration;

use callnext_engine::VenueId;
use futures_util::future::BoxFuture;

use super::RedisJournal;
use super::worker::{Entry, Question, Worker, decode};
use crate::journal::tail::{News, Position, Tail};
use crate::journal::{Epoch, JournalError};

/// How old news may be: less than a person sees.
const PAUSE_MIN: Duration = Duration::from_millis(20);
/// What each followed stream adds to it, so that a thousand venues take no more of Redis than ten.
const PAUSE_PER_STREAM: Duration = Duration::from_micros(50);
/// The same where every stream is asked by itself.
const PAUSE_PER_STREAM_IN_CLUSTER: Duration = Duration::from_micros(500);
/// Entries of one stream in one answer.
const ENTRIES_MAX: usize = 500;

type Streams = Option<Vec<(String, Vec<Entry>)>>;

impl Worker {
    /// What was written after these positions by now.
    async fn written_after(&self, after: &BTreeMap<VenueId, Position>) -> Result<Vec<News>, JournalError> {
        let keys: BTreeMap<String, &VenueId> = after.keys().map(|venue| (self.keys(venue).changes(), venue)).collect();
        let together = if self.is_cluster() { 1 } else { keys.len().max(1) };
        let mut news = Vec::new();
        for part in keys.iter().collect::<Vec<_>>().chunks(together) {
            let Some((first, _)) = part.first() else { continue };
            let mut command = redis::cmd("XREAD");
            command.arg("COUNT").arg(ENTRIES_MAX).arg("STREAMS");
            command.arg(part.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>());
            for Position { epoch, seq } in part.iter().filter_map(|(_, venue)| after.get(**venue)) {
                command.arg(format!("{epoch}-{seq}"));
            }
            let streams: Streams = self.ask(Question::Command(first, command), Self::soon()).await?;
            for (key, entries) in streams.into_iter().flatten() {
                if let Some(venue) = keys.get(&key) {
                    news.extend(by_owner(venue, entries)?);
                }
            }
        }
        Ok(news)
    }
}

/// What each owner wrote.
fn by_owner(venue: &VenueId, entries: Vec<Entry>) -> Result<Vec<News>, JournalError> {
    let mut owners: Vec<(Epoch, Vec<Entry>)> = Vec::new();
    for entry in entries {
        let epoch = Epoch(entry.0.split_once('-').and_then(|(epoch, _)| epoch.parse().ok()).unwrap_or_default());
        match owners.last_mut().filter(|(known, _)| *known == epoch) {
            Some((_, entries)) => entries.push(entry),
            None => owners.push((epoch, vec![entry])),
        }
    }
    owners.into_iter().map(|(epoch, entries)| Ok((venue.clone(), epoch, decode(venue, &entries)?))).collect()
}

impl Tail for RedisJournal {
    fn next(&self, after: BTreeMap<VenueId, Position>) -> BoxFuture<'static, Result<Vec<News>, JournalError>> {
        let this = self.clone();
        let per_stream = if self.worker.is_cluster() { PAUSE_PER_STREAM_IN_CLUSTER } else { PAUSE_PER_STREAM };
        let pause = PAUSE_MIN.max(per_stream.saturating_mul(u32::try_from(after.len()).unwrap_or(u32::MAX)));
        Box::pin(async move {
            loop {
                let positions = after.clone();
                let asked = this.run(|worker| async move { worker.written_after(&positions).await });
                let news = asked.await?;
                if !news.is_empty() {
                    return Ok(news);
                }
                tokio::time::sleep(pause).await;
            }
        })
    }
}
