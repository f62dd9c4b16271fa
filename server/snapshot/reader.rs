//! Reads a snapshot: its manifest at once, its content line by line.
//!
//! Whoever has read all lines knows that the file is whole: the last thing that [`Lines`] gives is what does not agree
//! with the manifest. Each format has its own reader of lines; those of formats 1 and 2 are the same, which differ in what
//! the digest of the state is made of ([`super::state`]).

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read, Take};
use std::path::{Path, PathBuf};

use callnext_engine::{Event, Seq};
use serde_json::Value;

use super::digest::Hashing;
use super::error::{Damage, SnapshotError};
use super::frame::{self, Unread};
use super::line::{LINE_BYTES_MAX, Line};
use super::manifest::{Counts, FORMAT, Head, Manifest};
use super::trail::{Chain, Checker, TrailEntry, beginning};

/// The buffer before the decompressor.
const BUFFER_BYTES: usize = 256 * 1024;

/// A snapshot in a file, its manifest read.
#[derive(Debug)]
pub struct Snapshot {
    path: PathBuf,
    manifest: Manifest,
    content_at: u64,
    seal_at: u64,
}

impl Snapshot {
    /// Reads what a file says of itself. Whether its content agrees is not known yet.
    pub fn open(path: &Path) -> Result<Self, SnapshotError> {
        let mut file = File::open(path).map_err(SnapshotError::at(path))?;
        let read = frame::read_outer(&mut file).and_then(|outer| {
            let head: Head = serde_json::from_slice(&outer.head).map_err(|_| Damage::NotASnapshot)?;
            if head.format > FORMAT {
                return Err(Damage::Newer { found: head.format, readable: FORMAT }.into());
            }
            let manifest: Manifest = serde_json::from_slice(&outer.manifest).map_err(|_| Damage::ManifestAltered)?;
            let says = (manifest.format, &manifest.venue, manifest.date);
            if says != (head.format, &head.venue, head.date) {
                let problem = format!("it begins as {} {}, and ends as {} {}", head.venue, head.date, says.1, says.2);
                return Err(Damage::Disagrees(problem).into());
            }
            let (content_at, seal_at) = (outer.content_at, outer.seal_at);
            Ok(Self { path: path.to_owned(), manifest, content_at, seal_at })
        });
        read.map_err(|unread| match unread {
            Unread::Damaged(damage) => SnapshotError::damaged(path)(damage),
            Unread::Io(cause) => SnapshotError::at(path)(cause),
        })
    }

    /// What the file says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its content. Read to the end, it is verified.
    pub fn lines(&self) -> Result<Lines, SnapshotError> {
        let at = SnapshotError::at;
        let file = File::open(&self.path).map_err(at(&self.path))?;
        // The digest is of everything before the manifest, the head included.
        let mut hashing = Hashing::new(file.take(self.seal_at));
        std::io::copy(&mut (&mut hashing).take(self.content_at), &mut std::io::sink()).map_err(at(&self.path))?;
        let compressed = BufReader::with_capacity(BUFFER_BYTES, hashing);
        let decoder = zstd::Decoder::with_buffer(compressed).map_err(at(&self.path))?.single_frame();
        let (venue, previous) = (&self.manifest.venue, self.manifest.trail.previous.as_ref());
        Ok(Lines {
            path: self.path.clone(),
            content: Some(BufReader::with_capacity(BUFFER_BYTES, decoder)),
            manifest: self.manifest.clone(),
            text: Vec::new(),
            seen: Seen {
                counts: Counts::default(),
                content_bytes: 0,
                lines: 0,
                last_seq: Seq(self.manifest.first_seq.0.wrapping_sub(1)),
                due: Vec::new(),
                chain: Chain::new(venue, previous),
                trail: Checker::new(previous.map_or_else(|| beginning(venue), |link| link.head)),
            },
        })
    }
}

type Content = BufReader<zstd::Decoder<'static, BufReader<Hashing<Take<File>>>>>;

/// The content of a snapshot, in order. After an error there is nothing more.
pub struct Lines {
    path: PathBuf,
    content: Option<Content>,
    manifest: Manifest,
    text: Vec<u8>,
    seen: Seen,
}

/// What was read so far, to be held against the manifest.
struct Seen {
    counts: Counts,
    content_bytes: u64,
    lines: u64,
    last_seq: Seq,
    /// What the latest change must have added to the trail, and has not come yet.
    due: Vec<TrailEntry>,
    chain: Chain,
    trail: Checker,
}

impl Iterator for Lines {
    type Item = Result<Line, SnapshotError>;

    fn next(&mut self) -> Option<Self::Item> {
        let content = self.content.as_mut()?;
        let read = next_line(content, &mut self.text, &mut self.seen);
        let next = match read {
            Ok(Some(line)) => Ok(Some(line)),
            Ok(None) => self.content.take().map_or(Ok(None), |content| self.seen.end(content, &self.manifest)),
            Err(unread) => Err(unread),
        };
        match next {
            Ok(line) => line.map(Ok),
            Err(unread) => {
                self.content = None;
                Some(Err(match unread {
                    Unread::Damaged(damage) => SnapshotError::damaged(&self.path)(damage),
                    Unread::Io(cause) => SnapshotError::at(&self.path)(cause),
                }))
            }
        }
    }
}

fn next_line(content: &mut Content, text: &mut Vec<u8>, seen: &mut Seen) -> Result<Option<Line>, Unread> {
    text.clear();
    // What the decompressor stumbles over is the content's fault, not the disk's.
    let read = content.take(LINE_BYTES_MAX).read_until(b'\n', text).map_err(|_| Damage::ContentAltered)?;
    if read == 0 {
        return Ok(None);
    }
    seen.lines += 1;
    seen.content_bytes += u64::try_from(read).unwrap_or(u64::MAX);
    let line = seen.lines;
    let parsed = serde_json::from_slice(text).map_err(|error| Damage::Line { line, problem: error.to_string() })?;
    seen.note(&parsed, text)?;
    Ok(Some(parsed))
}

impl Seen {
    fn note(&mut self, line: &Line, text: &[u8]) -> Result<(), Damage> {
        match line {
            Line::Change(change) => {
                self.all_entered()?;
                if change.seq != self.last_seq.next() {
                    return Err(Damage::Disagrees(format!("change {} follows {}", change.seq, self.last_seq)));
                }
                let opens = matches!(change.events.first(), Some(Event::DayOpened { .. }));
                if opens != (self.counts.changes == 0) {
                    return Err(Damage::Disagrees("it is not one business day".to_owned()));
                }
                self.last_seq = change.seq;
                self.counts.changes += 1;
                self.counts.events += u64::try_from(change.events.len()).unwrap_or(u64::MAX);
                let written = || {
                    let mut line: Value = serde_json::from_slice(text)?;
                    Ok(line.get_mut("change").map(Value::take).unwrap_or_default())
                };
                self.due = self.chain.follow(change, written).map_err(|error| Damage::Trail(error.to_string()))?;
                self.due.reverse();
            }
            Line::Trail(entry) => {
                self.counts.trail += 1;
                self.trail.check(entry).map_err(|broken| Damage::Trail(broken.to_string()))?;
                if self.due.pop().as_ref() != Some(&**entry) {
                    let problem = format!("entry {} is not what change {} says", self.counts.trail, self.last_seq);
                    return Err(Damage::Trail(problem));
                }
            }
            Line::Ticket(record) => {
                self.counts.tickets += 1;
                self.counts.estimates += u64::from(record.announced.is_some());
            }
            Line::Settings(_) | Line::Figures(_) => {}
        }
        Ok(())
    }

    fn all_entered(&self) -> Result<(), Damage> {
        if self.due.is_empty() {
            Ok(())
        } else {
            Err(Damage::Trail(format!("an entry for change {} is missing", self.last_seq)))
        }
    }

    /// The content has ended: is it the one that the manifest is about?
    fn end(&self, content: Content, manifest: &Manifest) -> Result<Option<Line>, Unread> {
        let mut rest = content.into_inner().finish();
        // What stands behind the compressed part was never written by us.
        let surplus = std::io::copy(&mut rest, &mut std::io::sink())?;
        let (_, _, sha256) = rest.into_inner().finish();
        if sha256 != manifest.sha256 || surplus > 0 {
            return Err(Damage::ContentAltered.into());
        }
        self.all_entered()?;
        let found = (self.counts, self.content_bytes, self.last_seq);
        if found != (manifest.counts, manifest.content_bytes, manifest.last_seq) {
            let problem = format!("{found:?} in place of {:?}", (manifest.counts, manifest.content_bytes));
            return Err(Damage::Disagrees(problem).into());
        }
        self.trail.ends_with(manifest.trail.head).map_err(|broken| Damage::Trail(broken.to_string()))?;
        Ok(None)
    }
}
