//! What is due is done: missed nights are caught up, and nothing is forgotten before it is kept.

use std::fs;

use callnext_engine::testing::staff;
use callnext_engine::{Millis, Seq};

use super::super::error::SnapshotError;
use super::super::keeper::DayRange;
use super::super::sample;
use super::super::settings::SnapshotSettings;
use super::super::store::{Kind, Name};
use super::super::verify::verify;
use super::House;
use crate::journal::Journal;

fn settings(journal_days: u32) -> SnapshotSettings {
    SnapshotSettings { journal_days, ..SnapshotSettings::default() }
}

#[tokio::test]
async fn nights_that_were_missed_are_caught_up_and_linked() {
    let house = House::of(&sample::clinic()).await;
    let keeper = house.keeper(settings(2));
    let done = keeper.catch_up(&house.venue).await.unwrap();
    let dates: Vec<_> = done.written.iter().map(|manifest| manifest.date.to_string()).collect();
    assert_eq!(dates, ["2026-03-02", "2026-03-03"], "the day in progress is not over");
    assert_eq!(done.written[1].trail.previous, Some(done.written[0].link()));
    assert!(done.problem.is_none() && done.missing.is_empty());
    assert_eq!(house.files().len(), 6, "each with two tables: {:?}", house.files());
    for again in [keeper, house.keeper(settings(2))] {
        let done = again.catch_up(&house.venue).await.unwrap();
        assert!(done.written.is_empty(), "what is there is not written again");
        assert_eq!(done.newest.unwrap().date.to_string(), "2026-03-03");
    }
}

#[tokio::test]
async fn the_journal_forgets_what_is_kept_and_never_the_day_in_progress() {
    let hall = sample::clinic();
    let days = sample::days(&hall);
    for (journal_days, from) in [(2, 0), (1, 1), (0, 2)] {
        let house = House::of(&hall).await;
        house.keeper(settings(journal_days)).catch_up(&house.venue).await.unwrap();
        let kept = house.journal.read(&house.venue, Seq(0), 9_999).await.unwrap();
        assert_eq!(kept, days[from..].concat(), "{journal_days}");
        assert_eq!(house.journal.open(&house.venue).await.unwrap().changes, days[2]);
        let again = house.keeper(settings(journal_days)).catch_up(&house.venue).await.unwrap();
        assert_eq!(
            again.newest.unwrap().date.to_string(),
            "2026-03-03",
            "also where the journal has none that is over"
        );
    }
}

#[tokio::test]
async fn a_damaged_snapshot_is_written_again_while_the_journal_has_the_day() {
    let house = House::of(&sample::clinic()).await;
    house.keeper(settings(2)).catch_up(&house.venue).await.unwrap();
    let path = house.folder.path().join("clinic/2026-03-02.callnext.zst");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let done = house.keeper(settings(2)).catch_up(&house.venue).await.unwrap();
    assert_eq!(done.written.len(), 1);
    assert_eq!(fs::read(&path).unwrap(), whole);
}

#[tokio::test]
async fn a_file_that_goes_bad_just_before_pruning_is_noticed() {
    let house = House::of(&sample::clinic()).await;
    house.keeper(settings(2)).catch_up(&house.venue).await.unwrap();
    let path = house.folder.path().join("clinic/2026-03-02.callnext.zst");
    let whole = fs::read(&path).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    // The keeper has seen it whole before, and looks all the same before anything is forgotten.
    let keeper = house.keeper(settings(2));
    keeper.catch_up(&house.venue).await.unwrap();
    fs::write(&path, &flipped).unwrap();
    let pruning = house.keeper(settings(0));
    pruning.catch_up(&house.venue).await.unwrap();
    assert_eq!(fs::read(&path).unwrap(), whole, "written again from the journal, and only then forgotten");
    assert_eq!(house.journal.days(&house.venue).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_snapshot_of_another_history_is_left_alone_and_nothing_is_forgotten() {
    let hall = sample::clinic();
    let house = House::of(&hall).await;
    let days = sample::days(&hall);
    let other = sample::file(&days[0][..10], None).0;
    let path = house.folder.path().join("clinic/2026-03-02.callnext.zst");
    fs::create_dir(path.parent().unwrap()).unwrap();
    fs::write(&path, &other).unwrap();
    let done = house.keeper(settings(0)).catch_up(&house.venue).await.unwrap();
    assert!(matches!(done.problem, Some(SnapshotError::Conflict { .. })), "{:?}", done.problem);
    assert_eq!((done.missing.len(), done.written.len()), (1, 1), "the other day is written all the same");
    assert_eq!(fs::read(&path).unwrap(), other);
    assert_eq!(house.journal.days(&house.venue).await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_snapshot_that_differs_from_the_journal_in_one_change_keeps_it_from_forgetting() {
    let hall = sample::clinic();
    let house = House::of(&hall).await;
    let mut other = sample::days(&hall)[0].clone();
    other.last_mut().unwrap().by = staff("nurse.li");
    let path = house.folder.path().join("clinic/2026-03-02.callnext.zst");
    fs::create_dir(path.parent().unwrap()).unwrap();
    fs::write(&path, sample::file(&other, None).0).unwrap();
    verify(&path).unwrap();
    let done = house.keeper(settings(0)).catch_up(&house.venue).await.unwrap();
    let last = other.last().unwrap().seq;
    assert!(matches!(done.problem, Some(SnapshotError::Differs { seq, .. }) if seq == last), "{:?}", done.problem);
    assert_eq!(house.journal.days(&house.venue).await.unwrap().len(), 3);
}

#[tokio::test]
async fn the_day_so_far_is_written_on_demand_and_replaced_by_the_whole() {
    let mut hall = sample::clinic();
    let house = House::of(&hall).await;
    let keeper = house.keeper(settings(9));
    let today = *keeper.days(&house.venue).await.unwrap().last().unwrap();
    let manifest = keeper.write(&house.venue, today).await.unwrap();
    assert!(!manifest.is_over);
    let so_far = house.folder.path().join("clinic/2026-03-04.so-far.callnext.zst");
    assert_eq!(verify(&so_far).unwrap(), manifest);

    let before = hall.changes().len();
    let end = hall.venue().day().end;
    hall.at_instant(end + Millis::from_mins(5));
    let epoch = house.journal.open(&house.venue).await.unwrap().epoch;
    house.journal.append(&house.venue, epoch, hall.changes()[before..].to_vec()).await.unwrap();
    keeper.catch_up(&house.venue).await.unwrap();
    assert!(!so_far.exists());
    let name = Name { venue: house.venue.clone(), date: manifest.date, kind: Kind::Day };
    let day = keeper.read(&name).await.unwrap().unwrap();
    assert!(day.manifest.is_over && day.manifest.last_seq > manifest.last_seq);
}

#[tokio::test]
async fn old_files_expire_with_their_tables() {
    let house = House::of(&sample::clinic()).await;
    let keep_one = SnapshotSettings { keep_count: 1, journal_days: 0, ..SnapshotSettings::default() };
    let done = house.keeper(keep_one).catch_up(&house.venue).await.unwrap();
    assert_eq!(done.expired.len(), 1);
    let left = ["2026-03-03.callnext.zst", "2026-03-03.csv", "2026-03-03.parquet"];
    assert_eq!(house.files(), left);
}

#[tokio::test]
async fn a_hole_in_the_journal_is_told_and_leaves_no_file() {
    let hall = sample::clinic();
    let house = House::of(&hall).await;
    let keeper = house.keeper(settings(9));
    let day = DayRange { first: Seq(1), next: Some(Seq(sample::days(&hall)[0].len() as u64 + 4)) };
    let refused = keeper.write(&house.venue, day).await;
    assert!(matches!(refused, Err(SnapshotError::SecondDay { .. })), "{refused:?}");
    let last = *keeper.days(&house.venue).await.unwrap().last().unwrap();
    let beyond = DayRange { first: last.first, next: Some(Seq(9_999)) };
    let refused = keeper.write(&house.venue, beyond).await;
    assert!(matches!(refused, Err(SnapshotError::Hole { found: Seq(9_999), .. })), "{refused:?}");
    assert!(house.files().is_empty(), "{:?}", house.files());
}
