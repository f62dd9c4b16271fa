//! The one thread that writes the journal's file.
//!
//! It takes everything that waits, up to a limit, writes it in one transaction, and answers when the commit is on
//! the disk. A request that may not be kept is answered so without touching the others of its batch; a failure of
//! the disk fails the whole batch, and leaves the file as it was before.

use std::collections::BTreeMap;
use std::collections::btree_map;
use std::panic::AssertUnwindSafe;

use callnext_engine::{Seq, VenueId};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use tokio::sync::{mpsc, oneshot};

use super::super::codec::Entry;
use super::super::{Epoch, JournalError, order};

/// Changes written in one transaction, unless a single request brings more. Some 50 ms of writing: long enough to
/// share a sync among all who wait, short enough for the first of them to wait for the last.
const BATCH_CHANGES_MAX: usize = 2048;

/// One wish of the writer, and who waits for the answer.
pub(super) struct Request {
    pub work: Work,
    pub reply: oneshot::Sender<Result<Epoch, JournalError>>,
}

/// What the writer can do. Each is answered with the epoch it was done under.
pub(super) enum Work {
    /// Take a venue over.
    Claim { venue: VenueId, known: Epoch },
    /// Keep these entries.
    Append { venue: VenueId, epoch: Epoch, entries: Vec<Entry> },
    /// Forget what is before this change.
    Prune { venue: VenueId, before: Seq },
    /// Show that writing is possible.
    Probe,
    /// Break, as a mistake in this file would.
    #[cfg(test)]
    Panic,
}

impl Work {
    /// How many changes it brings; at least 1, so that a batch has an end.
    fn weight(&self) -> usize {
        match self {
            Self::Append { entries, .. } => entries.len().max(1),
            Self::Claim { .. } | Self::Prune { .. } | Self::Probe => 1,
            #[cfg(test)]
            Self::Panic => 1,
        }
    }
}

/// The store's failure, in the words of the contract.
pub(super) fn unavailable(error: impl std::fmt::Display) -> JournalError {
    JournalError::Unavailable(error.to_string())
}

/// Starts the thread. It ends when nobody is left who could ask.
pub(super) fn spawn(file: Connection, mut requests: mpsc::Receiver<Request>) -> std::io::Result<()> {
    let mut writer = Writer { file, failed: false };
    let run = move || {
        let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| writer.run(&mut requests)));
        if outcome.is_err() {
            // Whoever waits is told by the dropped reply, and so is everybody who comes later.
            tracing::error!("the journal's writer panicked: nothing can be written until the server is restarted");
        }
    };
    std::thread::Builder::new().name("journal".to_owned()).spawn(run).map(drop)
}

/// Waits for a request and takes all that wait behind it, up to [`BATCH_CHANGES_MAX`].
fn next_batch(requests: &mut mpsc::Receiver<Request>) -> Option<Vec<Request>> {
    let first = requests.blocking_recv()?;
    let mut weight = first.work.weight();
    let mut batch = vec![first];
    while weight < BATCH_CHANGES_MAX {
        let Ok(next) = requests.try_recv() else { break };
        weight += next.work.weight();
        batch.push(next);
    }
    Some(batch)
}

struct Writer {
    file: Connection,
    /// Whether the last transaction failed.
    failed: bool,
}

impl Writer {
    fn run(&mut self, requests: &mut mpsc::Receiver<Request>) {
        while let Some(batch) = next_batch(requests) {
            self.serve(batch);
        }
    }

    /// Writes a batch and answers everybody in it.
    fn serve(&mut self, batch: Vec<Request>) {
        let outcome = self.write(&batch);
        self.failed = outcome.is_err();
        // Whoever no longer waits has given up: their answer goes nowhere.
        match outcome {
            Ok(answers) => {
                for (request, answer) in batch.into_iter().zip(answers) {
                    drop(request.reply.send(answer));
                }
            }
            Err(error) => {
                let error = unavailable(error);
                for request in batch {
                    drop(request.reply.send(Err(error.clone())));
                }
            }
        }
    }

    fn write(&mut self, batch: &[Request]) -> rusqlite::Result<Vec<Result<Epoch, JournalError>>> {
        if !self.file.is_autocommit() {
            // The roll-back of a failed transaction failed too.
            self.file.execute_batch("ROLLBACK")?;
        }
        let probe_writes = self.failed;
        let transaction = self.file.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut heads = Heads { file: &transaction, known: BTreeMap::new() };
        let mut answers = Vec::with_capacity(batch.len());
        for request in batch {
            answers.push(match &request.work {
                Work::Claim { venue, known } => Ok(heads.claim(venue, *known)?),
                Work::Append { venue, epoch, entries } => heads.append(venue, *epoch, entries)?,
                Work::Prune { venue, before } => Ok(prune(&transaction, venue, *before)?),
                Work::Probe if probe_writes => Ok(probe(&transaction)?),
                Work::Probe => Ok(Epoch(0)),
                #[cfg(test)]
                Work::Panic => panic!("told to"),
            });
        }
        transaction.commit()?;
        Ok(answers)
    }
}

/// Asked under no epoch: what is forgotten here is kept elsewhere, whoever owns the venue.
fn prune(file: &Transaction<'_>, venue: &VenueId, before: Seq) -> rusqlite::Result<Epoch> {
    file.prepare_cached("DELETE FROM changes WHERE venue = ?1 AND seq < ?2")?
        .execute(params![venue.as_str(), before.0.cast_signed()])?;
    Ok(Epoch(0))
}

/// Writes enough to need a fresh page, and takes it away again, so that a full disk shows.
fn probe(file: &Transaction<'_>) -> rusqlite::Result<Epoch> {
    file.execute("INSERT INTO venues (venue, epoch) VALUES ('?' || hex(zeroblob(8192)), 0)", ())?;
    file.execute("DELETE FROM venues WHERE epoch = 0", ())?;
    Ok(Epoch(0))
}

/// The newest epoch and the last change of each venue a transaction touches: read from the file once in every
/// transaction, never carried over, so that another process that took a venue over is seen.
struct Heads<'a> {
    file: &'a Transaction<'a>,
    known: BTreeMap<VenueId, Head>,
}

#[derive(Clone, Copy)]
struct Head {
    epoch: Epoch,
    last: Seq,
}

impl Heads<'_> {
    fn of(&mut self, venue: &VenueId) -> rusqlite::Result<&mut Head> {
        const HEAD: &str = "SELECT coalesce((SELECT epoch FROM venues WHERE venue = ?1), 0),
            coalesce((SELECT max(seq) FROM changes WHERE venue = ?1), 0)";
        match self.known.entry(venue.clone()) {
            btree_map::Entry::Occupied(known) => Ok(known.into_mut()),
            btree_map::Entry::Vacant(unknown) => {
                let head = self.file.prepare_cached(HEAD)?.query_row([venue.as_str()], |row| {
                    let (epoch, last): (i64, i64) = (row.get(0)?, row.get(1)?);
                    Ok(Head { epoch: Epoch(epoch.cast_unsigned()), last: Seq(last.cast_unsigned()) })
                })?;
                Ok(unknown.insert(head))
            }
        }
    }

    fn claim(&mut self, venue: &VenueId, known: Epoch) -> rusqlite::Result<Epoch> {
        const SET: &str = "INSERT INTO venues (venue, epoch) VALUES (?1, ?2)
            ON CONFLICT (venue) DO UPDATE SET epoch = excluded.epoch";
        let head = self.of(venue)?;
        head.epoch = Epoch(head.epoch.max(known).0 + 1);
        let epoch = head.epoch;
        self.file.prepare_cached(SET)?.execute(params![venue.as_str(), epoch.0.cast_signed()])?;
        Ok(epoch)
    }

    /// The outer result is the disk's, the inner one the venue's.
    fn append(
        &mut self,
        venue: &VenueId,
        epoch: Epoch,
        entries: &[Entry],
    ) -> rusqlite::Result<Result<Epoch, JournalError>> {
        const INSERT: &str =
            "INSERT INTO changes (venue, seq, epoch, at, opens_day, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let head = self.of(venue)?;
        if let Err(refused) = order::check(venue, head.epoch, head.last, epoch, entries) {
            return Ok(Err(refused));
        }
        head.last = entries.last().map_or(head.last, |entry| entry.seq);
        let mut insert = self.file.prepare_cached(INSERT)?;
        for Entry { seq, at, opens_day, body } in entries {
            let (seq, epoch) = (seq.0.cast_signed(), epoch.0.cast_signed());
            insert.execute(params![venue.as_str(), seq, epoch, at, opens_day, body])?;
        }
        Ok(Ok(epoch))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{codec, sample};
    use super::super::FILE;
    use super::*;

    type Answer = oneshot::Receiver<Result<Epoch, JournalError>>;

    fn request(work: Work) -> (Request, Answer) {
        let (reply, answer) = oneshot::channel();
        (Request { work, reply }, answer)
    }

    fn append(epoch: u64, first: u64, last: u64) -> (Request, Answer) {
        let venue = sample::venue("hall");
        let entries = codec::encode_all(&venue, &sample::changes(first, last)).unwrap();
        request(Work::Append { venue, epoch: Epoch(epoch), entries })
    }

    fn open() -> (Request, Answer) {
        request(Work::Claim { venue: sample::venue("hall"), known: Epoch(0) })
    }

    #[test]
    fn one_bad_request_does_not_spoil_the_others_of_its_batch() {
        let folder = tempfile::tempdir().unwrap();
        let file = FILE.open(&folder.path().join("journal.sqlite")).unwrap();
        let mut writer = Writer { file, failed: false };
        let (batch, mut answers): (Vec<_>, Vec<_>) = [
            open(),
            append(1, 1, 2),
            append(1, 5, 6), // a gap
            append(1, 3, 3),
            open(), // deposes
            append(1, 4, 4),
            append(2, 4, 5),
        ]
        .into_iter()
        .unzip();
        writer.serve(batch);
        let answers: Vec<_> = answers.iter_mut().map(|answer| answer.try_recv().unwrap()).collect();
        let [Ok(Epoch(1)), Ok(_), Err(gap), Ok(_), Ok(Epoch(2)), Err(deposed), Ok(_)] = &answers[..] else {
            panic!("{answers:?}")
        };
        assert!(matches!(gap, JournalError::OutOfOrder { last: Seq(2), found: Seq(5), .. }), "{gap}");
        assert!(matches!(deposed, JournalError::Deposed { epoch: Epoch(1), .. }), "{deposed}");
        let kept: i64 = writer.file.query_row("SELECT count(*) FROM changes", (), |row| row.get(0)).unwrap();
        assert_eq!(kept, 5);
    }

    #[test]
    fn what_waits_is_taken_together_up_to_the_limit() {
        let half = BATCH_CHANGES_MAX as u64 / 2;
        let (sender, mut requests) = mpsc::channel(9);
        let asked = [open(), append(1, 1, half), append(1, half + 1, 2 * half), append(1, 2 * half + 1, 3 * half)];
        for (request, _answer) in asked {
            assert!(sender.try_send(request).is_ok());
        }
        drop(sender);
        assert_eq!(next_batch(&mut requests).map(|batch| batch.len()), Some(3));
        assert_eq!(next_batch(&mut requests).map(|batch| batch.len()), Some(1));
        assert!(next_batch(&mut requests).is_none());
    }
}
