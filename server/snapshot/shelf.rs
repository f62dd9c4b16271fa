//! Where the tickets of a day are while it is followed and their visits are over: in a file, not in memory.
//!
//! Two lines for each: what the engine handed out, and the line of the snapshot. In memory stays where they begin,
//! eight bytes for each ticket of the day.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Read, Write};
use std::num::NonZeroU64;
use std::os::unix::fs::FileExt as _;

use callnext_engine::TicketId;
use callnext_engine::replay::Retired;

use super::error::SnapshotError;
use super::line::Written;
use super::record::TicketRecord;

/// The buffer before the file.
const BUFFER_BYTES: usize = 64 * 1024;
/// What is read at a time: most tickets are shorter.
const READ_BYTES: usize = 4 * 1024;

/// Tickets in a file.
#[derive(Debug)]
pub(super) struct Shelf<'f> {
    file: &'f File,
    out: BufWriter<&'f File>,
    first: TicketId,
    /// Where each ticket begins in the file, counted from 1; none for those who are not here.
    places: Vec<Option<NonZeroU64>>,
    next: NonZeroU64,
}

/// A ticket as it stands in the file: its two lines, without their ends.
#[derive(Debug, Default)]
pub(super) struct Shelved {
    /// What the engine handed out.
    pub(super) retired: Vec<u8>,
    /// The line of the snapshot.
    pub(super) line: Vec<u8>,
}

impl<'f> Shelf<'f> {
    /// In this file, which is empty, for the tickets of a day from this one on.
    pub(super) fn new(file: &'f File, first: TicketId) -> Self {
        let out = BufWriter::with_capacity(BUFFER_BYTES, file);
        Self { file, out, first, places: Vec::new(), next: NonZeroU64::MIN }
    }

    /// Puts a ticket here.
    pub(super) fn put(&mut self, retired: &Retired, record: &TicketRecord) -> io::Result<()> {
        let mut lines = serde_json::to_vec(retired)?;
        lines.push(b'\n');
        serde_json::to_writer(&mut lines, &Written::Ticket(record))?;
        lines.push(b'\n');
        self.out.write_all(&lines)?;
        let begins = self.next;
        self.next = begins.saturating_add(u64::try_from(lines.len()).unwrap_or(u64::MAX));
        let at = self.at(retired.ticket.id);
        if self.places.len() <= at {
            self.places.resize(at + 1, None);
        }
        if let Some(place) = self.places.get_mut(at) {
            *place = Some(begins);
        }
        Ok(())
    }

    /// Takes a ticket away, if it is here.
    pub(super) fn take(&mut self, ticket: TicketId) -> io::Result<Option<Shelved>> {
        let at = self.at(ticket);
        let Some(begins) = self.places.get_mut(at).and_then(Option::take) else { return Ok(None) };
        self.out.flush()?;
        let mut shelved = Shelved::default();
        self.read(begins, &mut shelved)?;
        Ok(Some(shelved))
    }

    /// Shows every ticket that is here, by number.
    pub(super) fn each(
        mut self,
        mut show: impl FnMut(&Shelved) -> Result<(), SnapshotError>,
    ) -> Result<(), SnapshotError> {
        self.out.flush()?;
        let mut shelved = Shelved::default();
        for begins in self.places.iter().flatten() {
            self.read(*begins, &mut shelved)?;
            show(&shelved)?;
        }
        Ok(())
    }

    fn at(&self, ticket: TicketId) -> usize {
        usize::try_from(ticket.0.saturating_sub(self.first.0)).unwrap_or_default()
    }

    fn read(&self, begins: NonZeroU64, into: &mut Shelved) -> io::Result<()> {
        let mut lines = BufReader::with_capacity(READ_BYTES, Onward { file: self.file, at: begins.get() - 1 });
        for text in [&mut into.retired, &mut into.line] {
            text.clear();
            lines.read_until(b'\n', text)?;
            if text.pop() != Some(b'\n') {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }
}

/// A file from some place on; where it is written goes on being its end.
struct Onward<'f> {
    file: &'f File,
    at: u64,
}

impl Read for Onward<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += u64::try_from(read).unwrap_or_default();
        Ok(read)
    }
}
