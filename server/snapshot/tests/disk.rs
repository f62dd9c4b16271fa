//! A disk that is full: a clear word, nothing torn, nothing forgotten.

use std::io::{self, Write};
use std::path::Path;
use std::process::Command;

use super::super::error::SnapshotError;
use super::super::sample;
use super::super::settings::SnapshotSettings;
use super::super::writer::Writer;
use super::House;
use crate::journal::Journal;

/// A disk with room for so many bytes.
struct Small(usize);

impl Write for Small {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        let written = bytes.len().min(self.0);
        self.0 -= written;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn wherever_the_room_ends_the_writer_says_so() {
    let days = sample::days(&sample::clinic());
    let whole = sample::file(&days[1], None).0.len();
    for room in 0..whole {
        let scratch = tempfile::tempfile().unwrap();
        let written = Writer::begin(Small(room), &scratch, &days[1][0], None).and_then(|mut writer| {
            days[1][1..].iter().try_for_each(|change| writer.change(change))?;
            writer.finish(true).map(drop)
        });
        let full = |error: &io::Error| error.kind() == io::ErrorKind::StorageFull;
        assert!(matches!(&written, Err(SnapshotError::Write(error)) if full(error)), "{room}: {written:?}");
    }
}

/// A file system of its own, small; only root may make one, and not in every container.
struct Mounted<'a>(&'a Path);

impl<'a> Mounted<'a> {
    fn new(at: &'a Path, size: &str) -> Option<Self> {
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(at).output();
        mount.is_ok_and(|mount| mount.status.success()).then_some(Self(at))
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(self.0).status());
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_nothing_is_forgotten_and_then_it_is_caught_up() {
    let hall = sample::clinic();
    let house = House::of(&hall).await;
    let settings = SnapshotSettings { journal_days: 0, ..SnapshotSettings::default() };
    let folder = tempfile::tempdir().unwrap();
    // Where no file system can be mounted, a file stands in the place of the venue's folder: it cannot be written to
    // either. What the writer itself makes of a full disk is the test above.
    let mounted = Mounted::new(folder.path(), "64k");
    let filler = folder.path().join(if mounted.is_some() { "filler" } else { "clinic" });
    if mounted.is_some() {
        let filled = std::fs::write(&filler, vec![1; 128 * 1024]);
        assert!(filled.is_err(), "there is room for 64 KiB");
    } else {
        std::fs::write(&filler, "").unwrap();
    }
    let keeper = house.keeper_in(folder.path(), settings);
    let done = keeper.catch_up(&house.venue).await.unwrap();
    assert_eq!(done.missing.len(), 2, "{done:?}");
    let told = done.problem.unwrap().to_string();
    let full = told.contains("/clinic: No space left on device");
    assert!(mounted.is_none() || full, "{told}");
    assert_eq!(house.journal.read(&house.venue, callnext_engine::Seq(0), 9_999).await.unwrap(), hall.changes());
    let torn = keeper.store().list().await.unwrap_or_default();
    assert!(torn.is_empty(), "{torn:?}");

    std::fs::remove_file(&filler).unwrap();
    let done = keeper.catch_up(&house.venue).await.unwrap();
    assert_eq!((done.written.len(), done.missing.len()), (2, 0), "{:?}", done.problem);
    assert_eq!(house.journal.days(&house.venue).await.unwrap().len(), 1);
}
