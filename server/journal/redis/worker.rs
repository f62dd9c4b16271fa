//! What the journal does in Redis, step by step, on its own thread.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use callnext_engine::{Change, Seq, VenueId};
use data_encoding::HEXLOWER;
use redis::{Cmd, FromRedisValue, Value};
use tokio::time::Instant;

use super::super::mirror::Mirror;
use super::super::{Epoch, JournalError, Opened, codec, order};
use super::connect::{Connector, certificates, pause};
use super::durability;
use super::failure::{Failure, describe};
use super::keys::{Keys, probe};
use super::options::{RedisOptions, Topology};
use super::script::{APPEND, CLAIM, Call, DAYS, PAGE, PROBE, PRUNE};
use super::shown::{self, Before};

/// Entries looked through or forgotten in one step of Redis: a few milliseconds, in which nobody else is served.
const STRETCH: usize = 1_000;
/// Entries read in one answer: enough to be quick, few enough that Redis answers others in between.
const PAGE_ENTRIES: usize = 1_000;
/// Bytes of one append. Redis answers nobody else while it takes one in, and this is some 50 ms; a venue's actor gathers
/// a tenth of it at most.
pub(super) const APPEND_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes of a look at readiness: as much as a large batch, so that a Redis that is nearly full shows before people feel it.
const PROBE_BYTES: usize = 64 * 1024;
/// How long the trace of a look at readiness stays.
const PROBE_MS: u64 = 60_000;

/// One entry of a stream: its id, and its fields with their values in turn.
pub(super) type Entry = (String, Vec<String>);

/// What Redis is asked.
pub(super) enum Question<'q> {
    /// A script that writes.
    Write(&'q Call),
    /// A script that reads, or whose effect needs no replica.
    Quick(&'q Call),
    /// A command about a key.
    Command(&'q str, Cmd),
}

pub(super) struct Worker {
    connector: Connector,
    /// Tells this program from every other one: an epoch that was given out twice, by a Redis that lost its memory,
    /// still has one owner.
    name: String,
    appends: AtomicU64,
    shortfalls: Mutex<Vec<String>>,
}

impl Worker {
    pub(super) fn new(options: RedisOptions) -> std::io::Result<Self> {
        if options.urls.iter().any(super::RedisUrl::is_secure) {
            // Fails where it was chosen before, which is as good.
            let _chosen = rustls::crypto::ring::default_provider().install_default().is_ok();
        }
        let mut name = [0_u8; 8];
        getrandom::fill(&mut name).map_err(std::io::Error::other)?;
        let certificates = certificates(&options)?;
        Ok(Self {
            connector: Connector::new(options, certificates),
            name: HEXLOWER.encode(&name),
            appends: AtomicU64::new(0),
            shortfalls: Mutex::default(),
        })
    }

    /// Reaches Redis for the first time and looks at how it is set up.
    pub(super) async fn begin(&self) -> Result<(), JournalError> {
        let mut linked = self.connector.link().await.map_err(JournalError::Unavailable)?;
        self.judge(&mut linked.link).await;
        Ok(())
    }

    pub(super) fn shortfalls(&self) -> Vec<String> {
        self.shortfalls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks at how Redis is set up, and logs what is new of it.
    async fn judge(&self, link: &mut super::link::Link) {
        let options = self.connector.options();
        let found = durability::shortfalls(link, options.ack, options.replicas).await;
        let mut known = self.shortfalls.lock().unwrap_or_else(PoisonError::into_inner);
        for problem in found.iter().filter(|problem| !known.contains(problem)) {
            tracing::warn!(problem, "Redis may lose more than the settings promise");
        }
        *known = found;
    }

    pub(super) fn prefix(&self) -> &str {
        &self.connector.options().prefix
    }

    /// How long what people wait for is tried again.
    pub(super) fn patience(&self) -> Duration {
        self.connector.options().patience()
    }

    pub(super) fn is_cluster(&self) -> bool {
        self.connector.options().topology == Topology::Cluster
    }

    pub(super) fn keys(&self, venue: &VenueId) -> Keys {
        Keys::of(&self.connector.options().prefix, venue)
    }

    /// Asks until there is an answer, or `patience` is over. Everything asked here may be asked twice.
    pub(super) async fn ask<T: FromRedisValue>(
        &self,
        question: Question<'_>,
        patience: Duration,
    ) -> Result<T, JournalError> {
        let unavailable = |problem: String| Err(JournalError::Unavailable(problem));
        let wait = self.connector.options().wait();
        let wait = wait.map(|(replicas, within)| (replicas, u64::try_from(within.as_millis()).unwrap_or(u64::MAX)));
        let deadline = Instant::now() + patience;
        let mut failures = 0;
        loop {
            let problem = match self.connector.link().await {
                Err(problem) => problem,
                Ok(mut linked) => {
                    if linked.is_new {
                        self.judge(&mut linked.link).await;
                    }
                    let answer = match &question {
                        Question::Write(call) => linked.link.run(call, wait).await,
                        Question::Quick(call) => linked.link.run(call, None).await,
                        Question::Command(key, command) => linked.link.ask(key, command.clone()).await,
                    };
                    let error = match answer {
                        Ok(value) => {
                            return T::from_redis_value(value)
                                .or_else(|error| unavailable(format!("Redis answered something else: {error}")));
                        }
                        Err(error) => error,
                    };
                    match Failure::of(&error) {
                        Failure::Refused => return unavailable(describe(&error)),
                        Failure::Lost => self.connector.give_up(linked.count).await,
                        Failure::Later => {}
                    }
                    describe(&error)
                }
            };
            let now = Instant::now();
            if now >= deadline {
                return unavailable(problem);
            }
            tracing::debug!(problem, failures, "Redis is asked again");
            tokio::time::sleep(pause(failures).min(deadline - now)).await;
            failures += 1;
        }
    }

    /// The first answer, good or bad, but for a connection that turns out to be broken: people wait for a venue to
    /// open, and there is more than one who asks for it.
    pub(super) fn soon() -> Duration {
        super::connect::PAUSE_MIN
    }

    pub(super) async fn claim(&self, venue: &VenueId, known: Epoch) -> Result<Epoch, JournalError> {
        let keys = self.keys(venue);
        let mut call = Call::of(&CLAIM);
        call.key(keys.owner()).key(keys.changes()).arg(self.name.as_str()).arg(known.to_string());
        Ok(Epoch(self.ask(Question::Write(&call), Self::soon()).await?))
    }

    pub(super) async fn load(&self, venue: &VenueId) -> Result<Opened, JournalError> {
        let keys = self.keys(venue);
        let owner = keys.owner();
        let mut command = redis::cmd("HGET");
        command.arg(&owner).arg("epoch");
        // Asked first: whoever follows from here on is told again of what a newer owner has written meanwhile.
        let epoch: Option<u64> = self.ask(Question::Command(&owner, command), Self::soon()).await?;
        let changes = self.last_day(venue, &keys.changes()).await?;
        Ok(Opened { epoch: Epoch(epoch.unwrap_or_default()), changes })
    }

    /// Reads backwards up to the change that opened the last day: the stream itself knows best where that is.
    async fn last_day(&self, venue: &VenueId, stream: &str) -> Result<Vec<Change>, JournalError> {
        let mut newest_first: Vec<Entry> = Vec::new();
        let mut end = "+".to_owned();
        loop {
            let mut command = redis::cmd("XREVRANGE");
            command.arg(stream).arg(&end).arg("-").arg("COUNT").arg(PAGE_ENTRIES);
            let page: Vec<Entry> = self.ask(Question::Command(stream, command), Self::soon()).await?;
            let is_last = page.len() < PAGE_ENTRIES;
            let start = page.iter().position(|entry| field(entry, "opens_day").is_some());
            newest_first.extend(page.into_iter().take(start.map_or(usize::MAX, |start| start + 1)));
            match newest_first.last() {
                Some((id, _)) if start.is_none() && !is_last => end = format!("({id}"),
                _ => break,
            }
        }
        newest_first.reverse();
        decode(venue, &newest_first)
    }

    pub(super) async fn append(
        &self,
        venue: &VenueId,
        epoch: Epoch,
        changes: &[Change],
        mirror: Option<&Mirror>,
    ) -> Result<(), JournalError> {
        let keys = self.keys(venue);
        let number = self.appends.fetch_add(1, Ordering::Relaxed);
        let mut call = Call::of(&APPEND);
        call.key(keys.owner()).key(keys.changes());
        call.arg(epoch.to_string()).arg(self.name.as_str()).arg(format!("{}-{number}", self.name));
        call.arg(if self.connector.options().wait().is_some() { "1" } else { "0" }).arg(changes.len().to_string());
        for change in changes {
            let entry = codec::encode(venue, change)?;
            call.arg(entry.seq.to_string()).arg(if entry.opens_day { "1" } else { "0" }).arg(entry.body);
        }
        if let Some(mirror) = mirror {
            let before = if mirror.whole { self.before(&keys).await? } else { Before::default() };
            shown::add(&mut call, &keys, mirror, &before);
        }
        if call.weight() > APPEND_BYTES_MAX {
            let problem = format!("{} bytes at once are more than {APPEND_BYTES_MAX}", call.weight());
            return Err(JournalError::Unavailable(problem));
        }
        let answer: Vec<String> = self.ask(Question::Write(&call), self.patience()).await?;
        let answer: Vec<&str> = answer.iter().map(String::as_str).collect();
        match answer.as_slice() {
            ["kept", ""] => Ok(()),
            ["kept", problem] => {
                tracing::warn!(%venue, problem, "the live tickets in Redis are not as they should be");
                Ok(())
            }
            ["deposed"] => Err(JournalError::Deposed { venue: venue.clone(), epoch }),
            ["order", last, found] => {
                let seq = |text: &str| Seq(text.parse().unwrap_or_default());
                Err(JournalError::OutOfOrder { venue: venue.clone(), last: seq(last), found: seq(found) })
            }
            _ => Err(JournalError::Unavailable("Redis answered something else".to_owned())),
        }
    }

    /// What an earlier owner showed.
    async fn before(&self, keys: &Keys) -> Result<Before, JournalError> {
        let members = async |key: String| {
            let mut command = redis::cmd("SMEMBERS");
            command.arg(&key);
            self.ask::<Vec<String>>(Question::Command(&key, command), self.patience()).await
        };
        Ok(Before { tickets: members(keys.tickets()).await?, queues: members(keys.queues()).await? })
    }

    pub(super) async fn read(&self, venue: &VenueId, after: Seq, limit: usize) -> Result<Vec<Change>, JournalError> {
        let stream = self.keys(venue).changes();
        let mut changes: Vec<Change> = Vec::new();
        while changes.len() < limit {
            let after = changes.last().map_or(after, |change| change.seq);
            let count = (limit - changes.len()).min(PAGE_ENTRIES);
            let mut call = Call::of(&PAGE);
            call.key(stream.as_str()).arg(after.to_string()).arg(count.to_string());
            let page: Vec<Entry> = self.ask(Question::Quick(&call), Self::soon()).await?;
            let is_last = page.len() < count;
            if let (Some(last), Some(entry)) = (changes.last(), page.first()) {
                order::check_follows(venue, last.seq, seq(entry))?;
            }
            changes.extend(decode(venue, &page)?);
            if is_last {
                break;
            }
        }
        Ok(changes)
    }

    pub(super) async fn days(&self, venue: &VenueId) -> Result<Vec<Seq>, JournalError> {
        let stream = self.keys(venue).changes();
        let (mut days, mut from) = (Vec::new(), "-".to_owned());
        loop {
            let mut call = Call::of(&DAYS);
            call.key(stream.as_str()).arg(from).arg(STRETCH.to_string());
            let answer: Vec<String> = self.ask(Question::Quick(&call), Self::soon()).await?;
            let mut answer = answer.into_iter();
            let next = answer.next().unwrap_or_default();
            days.extend(answer.filter_map(|seq| seq.parse().ok().map(Seq)));
            if next.is_empty() {
                return Ok(days);
            }
            from = next;
        }
    }

    pub(super) async fn prune(&self, venue: &VenueId, before: Seq) -> Result<(), JournalError> {
        // Without a day there is nothing that could be opened instead.
        let Some(last_day) = self.days(venue).await?.pop() else { return Ok(()) };
        let (stream, bound) = (self.keys(venue).changes(), before.min(last_day));
        loop {
            let mut call = Call::of(&PRUNE);
            call.key(stream.as_str()).arg(bound.to_string()).arg(STRETCH.to_string());
            if self.ask::<i64>(Question::Write(&call), Self::soon()).await? == 0 {
                return Ok(());
            }
        }
    }

    /// Writes something, so that a full Redis shows.
    pub(super) async fn probe(&self) -> Result<(), JournalError> {
        let mut call = Call::of(&PROBE);
        call.key(probe(&self.connector.options().prefix));
        call.arg(self.name.as_str()).arg(PROBE_MS.to_string()).arg(vec![b'-'; PROBE_BYTES]);
        self.ask::<Value>(Question::Write(&call), Self::soon()).await.map(drop)
    }
}

pub(super) fn field<'e>((_, fields): &'e Entry, name: &str) -> Option<&'e str> {
    fields.chunks_exact(2).find_map(|pair| match pair {
        [field, value] if field == name => Some(value.as_str()),
        _ => None,
    })
}

/// The position an entry has by its id.
fn seq((id, _): &Entry) -> Seq {
    Seq(id.split_once('-').and_then(|(_, seq)| seq.parse().ok()).unwrap_or_default())
}

/// Reads entries, which must follow each other without a gap.
pub(super) fn decode(venue: &VenueId, entries: &[Entry]) -> Result<Vec<Change>, JournalError> {
    let mut changes: Vec<Change> = Vec::with_capacity(entries.len());
    for entry in entries {
        let seq = seq(entry);
        if let Some(last) = changes.last() {
            order::check_follows(venue, last.seq, seq)?;
        }
        changes.push(codec::decode(venue, seq, field(entry, "change").unwrap_or_default())?);
    }
    Ok(changes)
}
