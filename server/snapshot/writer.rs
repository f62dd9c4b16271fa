//! Writes one day into one file, change by change.
//!
//! Through buffers of a fixed size: nothing of the file is kept in memory, and of the day who is still here. What is
//! written depends on the changes and on the day before alone, so the same day gives the same bytes.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use callnext_engine::{Change, Event, Seq};
use serde::Serialize;

use super::digest::Hashing;
use super::error::SnapshotError;
use super::frame;
use super::ledger::{Closed, Ledger};
use super::line::Written;
use super::manifest::{Counts, FORMAT, Head, Link, Manifest, TrailEnds};
use super::trail::Chain;

/// How hard it is compressed: a day of 20,000 tickets in well under a second.
const LEVEL: i32 = 3;
/// The buffer between lines and the compressor. The compressor's own are 4 MiB at this level.
const BUFFER_BYTES: usize = 256 * 1024;

type Content<W> = Counting<BufWriter<zstd::Encoder<'static, Hashing<W>>>>;

/// A snapshot that is being written.
pub struct Writer<'r, W: Write> {
    content: Content<W>,
    ledger: Ledger<'r>,
    chain: Chain,
    previous: Option<Link>,
    counts: Counts,
    first_seq: Seq,
    last_seq: Seq,
}

impl<'r, W: Write> Writer<'r, W> {
    /// Begins with the change that opens the day, which goes on from this earlier one. `room` is an empty file, of no
    /// use to anybody afterwards, in which the day's tickets find room.
    pub fn begin(out: W, room: &'r File, first: &Change, previous: Option<Link>) -> Result<Self, SnapshotError> {
        let Some(ledger) = Ledger::open(first, room)? else {
            return Err(SnapshotError::NotADay { seq: first.seq });
        };
        let mut out = Hashing::new(out);
        let venue = ledger.venue().config().id.clone();
        let head = Head { format: FORMAT, venue: venue.clone(), date: ledger.venue().day().date };
        frame::write_head(&mut out, &serde_json::to_vec(&head).map_err(io::Error::from)?)?;
        let mut encoder = zstd::Encoder::new(out, LEVEL)?;
        encoder.include_checksum(true)?;
        let mut writer = Self {
            content: Counting { inner: BufWriter::with_capacity(BUFFER_BYTES, encoder), count: 0 },
            ledger,
            chain: Chain::new(&venue, previous.as_ref()),
            previous,
            counts: Counts::default(),
            first_seq: first.seq,
            last_seq: first.seq,
        };
        writer.note(first)?;
        Ok(writer)
    }

    /// One more change of the day.
    pub fn change(&mut self, change: &Change) -> Result<(), SnapshotError> {
        if change.seq != self.last_seq.next() {
            let venue = self.ledger.venue().config().id.clone();
            return Err(SnapshotError::Hole { venue, last: self.last_seq, found: change.seq });
        }
        if matches!(change.events.first(), Some(Event::DayOpened { .. })) {
            return Err(SnapshotError::SecondDay { seq: change.seq });
        }
        self.last_seq = change.seq;
        self.ledger.follow(change)?;
        self.note(change)
    }

    fn note(&mut self, change: &Change) -> Result<(), SnapshotError> {
        self.counts.changes += 1;
        self.counts.events += u64::try_from(change.events.len()).unwrap_or(u64::MAX);
        line(&mut self.content, &Written::Change(change))?;
        for entry in self.chain.follow(change, || serde_json::to_value(change)).map_err(io::Error::from)? {
            self.counts.trail += 1;
            line(&mut self.content, &Written::Trail(&entry))?;
        }
        Ok(())
    }

    /// Ends the day, and returns where it was written to. It is for the caller to see it onto the disk.
    pub fn finish(self, is_over: bool) -> Result<(W, Manifest), SnapshotError> {
        let Self { mut content, ledger, chain, previous, mut counts, first_seq, last_seq } = self;
        let Closed { config, day, figures, state } = ledger.close(|record, line| {
            counts.tickets += 1;
            counts.estimates += u64::from(record.announced.is_some());
            content.write_all(line)?;
            Ok(content.write_all(b"\n")?)
        })?;
        line(&mut content, &Written::Settings(&config))?;
        line(&mut content, &Written::Figures(&figures))?;
        let Counting { inner, count: content_bytes } = content;
        let encoder = inner.into_inner().map_err(io::IntoInnerError::into_error)?;
        let (mut out, _, sha256) = encoder.finish()?.finish();
        let manifest = Manifest {
            format: FORMAT,
            engine: callnext_engine::VERSION.to_owned(),
            venue: config.id,
            date: day.date,
            time_zone: config.time_zone,
            starts_at: day.start,
            ends_at: day.end,
            is_over,
            first_seq,
            last_seq,
            counts,
            content_bytes,
            sha256,
            state_sha256: state,
            trail: TrailEnds { previous, head: chain.head() },
        };
        frame::write_seal(&mut out, &serde_json::to_vec(&manifest).map_err(io::Error::from)?)?;
        out.flush()?;
        Ok((out, manifest))
    }
}

fn line(out: &mut impl Write, content: &impl Serialize) -> Result<(), SnapshotError> {
    // Straight into the buffer: a line is never there as a text of its own.
    serde_json::to_writer(&mut *out, content).map_err(io::Error::from)?;
    Ok(out.write_all(b"\n")?)
}

/// Counts what passes through it.
struct Counting<W> {
    inner: W,
    count: u64,
}

impl<W: Write> Write for Counting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.count += u64::try_from(written).unwrap_or(u64::MAX);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
