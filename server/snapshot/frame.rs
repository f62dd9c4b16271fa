//! The outer form of a snapshot file, the same for every format.
//!
//! ```text
//! skippable frame   head: JSON, names the format, the venue and the day
//! zstd frame        the content
//! skippable frame   manifest: JSON, its SHA-256, its length, "CNsn"
//! ```
//!
//! Skippable frames are part of the zstd format, so `zstd -dc FILE` gives the content. Every byte is covered: the
//! manifest has the SHA-256 of all that stands before it, and is itself followed by its own.

use std::io::{self, Read, Seek, SeekFrom, Write};

use super::digest::Digest;
use super::error::Damage;

/// Marks the head, one of the sixteen marks that zstd keeps for skippable frames.
const HEAD_MARK: [u8; 4] = 0x184D_2A50_u32.to_le_bytes();
/// Marks the manifest.
const SEAL_MARK: [u8; 4] = 0x184D_2A5F_u32.to_le_bytes();
/// The last bytes of every file.
const END: [u8; 4] = *b"CNsn";
/// Longest head: it is a line. What announces more is not ours.
const HEAD_BYTES_MAX: u32 = 4 * 1024;
/// Longest manifest: it is a page.
pub(super) const MANIFEST_BYTES_MAX: u32 = 64 * 1024;
/// What follows the manifest: its digest, its length, the end.
const TAIL_BYTES: u32 = 32 + 4 + 4;
/// The mark and the length that begin a frame.
const OPENING_BYTES: u32 = 4 + 4;

/// Writes the head.
pub(super) fn write_head(out: &mut impl Write, head: &[u8]) -> io::Result<()> {
    let length = u32::try_from(head.len()).unwrap_or(u32::MAX);
    if length > HEAD_BYTES_MAX {
        return Err(io::Error::other("the head of a snapshot is too long"));
    }
    out.write_all(&HEAD_MARK)?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(head)
}

/// Writes the manifest, and with it the end.
pub(super) fn write_seal(out: &mut impl Write, manifest: &[u8]) -> io::Result<()> {
    let length = u32::try_from(manifest.len()).unwrap_or(u32::MAX);
    if length > MANIFEST_BYTES_MAX {
        return Err(io::Error::other("the manifest of a snapshot is too long"));
    }
    out.write_all(&SEAL_MARK)?;
    out.write_all(&(length + TAIL_BYTES).to_le_bytes())?;
    out.write_all(manifest)?;
    out.write_all(Digest::of(manifest).as_bytes())?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(&END)
}

/// What can be known of a file without reading its content.
pub(super) struct Outer {
    pub(super) head: Vec<u8>,
    pub(super) manifest: Vec<u8>,
    /// Where the content begins.
    pub(super) content_at: u64,
    /// Where the manifest begins.
    pub(super) seal_at: u64,
}

/// Why a file could not be read so far.
pub(super) enum Unread {
    Damaged(Damage),
    Io(io::Error),
}

impl From<Damage> for Unread {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage)
    }
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        // Less than was announced: the file is shorter than it was.
        if error.kind() == io::ErrorKind::UnexpectedEof { Self::Damaged(Damage::CutOff) } else { Self::Io(error) }
    }
}

/// Reads head and manifest. The manifest is what was written; whether the content is, is not known yet.
pub(super) fn read_outer(file: &mut (impl Read + Seek)) -> Result<Outer, Unread> {
    let size = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(0))?;
    let mut opening = [0; OPENING_BYTES as usize];
    file.read_exact(&mut opening).map_err(|_| Damage::NotASnapshot)?;
    let (mark, length) = parts(opening);
    if mark != HEAD_MARK || length > HEAD_BYTES_MAX {
        return Err(Damage::NotASnapshot.into());
    }
    let head = read(file, length)?;
    let content_at = u64::from(OPENING_BYTES + length);

    let closing_at = size.checked_sub(8).filter(|at| *at >= content_at).ok_or(Damage::CutOff)?;
    file.seek(SeekFrom::Start(closing_at))?;
    let mut closing = [0; 8];
    file.read_exact(&mut closing)?;
    let (length, end) = parts(closing);
    let (length, end) = (u32::from_le_bytes(length), end.to_le_bytes());
    if end != END || length > MANIFEST_BYTES_MAX {
        return Err(Damage::CutOff.into());
    }
    let seal_bytes = u64::from(OPENING_BYTES + length + TAIL_BYTES);
    let seal_at = size.checked_sub(seal_bytes).filter(|at| *at >= content_at).ok_or(Damage::CutOff)?;
    file.seek(SeekFrom::Start(seal_at))?;
    file.read_exact(&mut opening)?;
    if parts(opening) != (SEAL_MARK, length + TAIL_BYTES) {
        return Err(Damage::ManifestAltered.into());
    }
    let manifest = read(file, length)?;
    let mut digest = [0; 32];
    file.read_exact(&mut digest)?;
    if Digest::of(&manifest) != Digest::from(digest) {
        return Err(Damage::ManifestAltered.into());
    }
    Ok(Outer { head, manifest, content_at, seal_at })
}

/// Eight bytes as four and a number.
fn parts(bytes: [u8; 8]) -> ([u8; 4], u32) {
    let whole = u64::from_le_bytes(bytes);
    let half = |half: u64| u32::try_from(half & u64::from(u32::MAX)).unwrap_or_default();
    (half(whole).to_le_bytes(), half(whole >> 32))
}

fn read(file: &mut impl Read, length: u32) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}
