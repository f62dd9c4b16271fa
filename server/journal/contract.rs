//! What every journal must do, as one suite that each of them runs: `contract::suite!(a new, empty store)`.

use std::sync::Arc;

use callnext_engine::{Seq, VenueId};
use futures_util::future::{join_all, try_join_all};

use super::{Epoch, Journal, JournalError, sample};

/// Where a journal keeps what it keeps; outlives the journals opened on it.
pub(super) trait Store {
    /// A journal over this store, as a program that was just started would open it.
    fn journal(&self) -> Arc<dyn Journal>;

    /// Overwrites the stored form of an entry.
    fn spoil(&self, venue: &VenueId, seq: Seq, body: &str);
}

macro_rules! suite {
    ($store:expr) => {
        $crate::journal::contract::suite!($store =>
            what_was_appended_is_there_after_a_restart,
            a_new_venue_is_empty_and_starts_at_change_one,
            a_restart_begins_at_the_last_day,
            order_is_enforced,
            an_append_is_all_or_nothing,
            an_empty_append_writes_nothing,
            an_owner_who_was_replaced_cannot_write,
            epochs_are_never_given_out_twice,
            an_epoch_is_above_every_one_that_its_owner_has_heard_of,
            nobody_writes_to_a_venue_that_was_never_opened,
            venues_do_not_see_each_other,
            many_appenders_at_once_lose_nothing,
            of_many_appends_of_the_same_change_one_is_kept,
            history_is_read_in_pages,
            an_unreadable_entry_is_reported_by_its_place,
            a_day_from_elsewhere_begins_an_empty_venue,
            days_are_found_by_their_first_change,
            what_is_pruned_is_forgotten_and_the_last_day_never,
            pruning_holds_up_nobody_and_touches_no_other_venue,
            it_says_that_it_is_ready,
        );
    };
    ($store:expr => $($name:ident,)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                $crate::journal::contract::$name(&$store).await;
            }
        )+
    };
}
pub(super) use suite;

async fn open(journal: &Arc<dyn Journal>, venue: &VenueId) -> Epoch {
    journal.open(venue).await.unwrap().epoch
}

pub(super) async fn what_was_appended_is_there_after_a_restart(store: &impl Store) {
    let (journal, venue) = (store.journal(), sample::venue("hall"));
    let epoch = open(&journal, &venue).await;
    journal.append(&venue, epoch, sample::day(1, 3)).await.unwrap();
    journal.append(&venue, epoch, sample::changes(4, 9)).await.unwrap();
    drop(journal);

    let journal = store.journal();
    let opened = journal.open(&venue).await.unwrap();
    assert_eq!(opened.changes, sample::day(1, 9));
    journal.append(&venue, opened.epoch, sample::changes(10, 10)).await.unwrap();
    assert_eq!(journal.read(&venue, Seq(0), 99).await.unwrap(), sample::day(1, 10));
}

pub(super) async fn a_new_venue_is_empty_and_starts_at_change_one(store: &impl Store) {
    let (journal, venue) = (store.journal(), sample::venue("hall"));
    let opened = journal.open(&venue).await.unwrap();
    assert_eq!((opened.epoch, opened.changes.as_slice()), (Epoch(1), &[][..]));
    let refused = journal.append(&venue, opened.epoch, sample::changes(2, 2)).await;
    assert!(matches!(refused, Err(JournalError::OutOfOrder { last: Seq(0), found: Seq(2), .. })), "{refused:?}");
    journal.append(&venue, opened.epoch, sample::changes(1, 1)).await.unwrap();
}

pub(super) async fn a_restart_begins_at_the_last_day(store: &impl Store) {
    let (journal, venue) = (store.journal(), sample::venue("hall"));
    let epoch = open(&journal, &venue).await;
    for day in [sample::day(1, 4), sample::day(5, 8), sample::day(9, 11)] {
        journal.append(&venue, epoch, day).await.unwrap();
    }
    assert_eq!(store.journal().open(&venue).await.unwrap().changes, sample::day(9, 11));
    assert_eq!(journal.read(&venue, Seq(0), 99).await.unwrap().len(), 11, "earlier days can still be read");
}

pub(super) async fn order_is_enforced(store: &impl Store) {
    let (journal, venue) = (store.journal(), sample::venue("hall"));
    let epoch = open(&journal, &venue).await;
    journal.append(&venue, epoch, sample::changes(1, 5)).await.unwrap();
    for first in [0, 1, 5, 7, 100] {
        let refused = journal.append(&venue, epoch, sample::changes(first, first)).await;
        assert!(
            matches!(refused, Err(JournalError::OutOfOrder { last: Seq(5), found, .. }) if found == Seq(first)),
            "{first}: {refused:?}"
        );
    }
    journal.append(&venue, epoch, sample::changes(6, 6)).await.unwrap();
    assert_eq!(journal.read(&venue, Seq(0), 99).await.unwrap(), sample::changes(1, 6));
}

pub(super) async fn an_append_is_all_or_nothing(store: &impl Store) {
    let (journal, venue) = (store.journal(), sample::venue("hall"));
    let epoch = open(&journal, &venue).await;
    let torn = [sample::changes(1, 3), sample::changes(5, 6)].concat();
    let refused = journal.append(&venue, epoch, torn).await;
    assert!(matches!(refused, Err(JournalError::OutOfOrder { last: Seq(3), found: Seq(5), .. })), "{refused:?}");
    assert_eq!(journal.read(&venue, Seq(0), 99).await.unwrap(), []);
    journal.append(&venue, epoch, sample::changes(1, 6)).await.unwrap();
}

pub(super) async fn an_empty_append_writes_nothing(store: &impl Store) {
    let (journal, venue) = (store.journal(), sample::venue("hall"));
    let epoch = open(&journal, &venue).await;
    journal.append(&venue, epoch, Vec::new()).await.unwrap();
    assert_eq!(journal.read(&venue, Seq(0), 99).await.unwrap(), []);
}

pub(super) async fn an_owner_who_was_replaced_cannot_write(store: &impl Store) {
    let venue = sample::venue("hall");
    let (older, newer) = (store.journal(), store.journal());
    let before = open(&older, &venue).await;
    older.append(&venue, before, sample::changes(1, 1)).await.unwrap();
    let after = open(&newer, &venue).await;
    assert!(after > before);
    for changes in [sample::changes(2, 2), Vec::new(), sample::changes(9, 9)] {
        let refused = older.append(&venue, before, changes).await;
        assert!(matches!(refused, Err(JournalError::Deposed { epoch, .. }) if epoch == before), "{refused:?}");
    }
    newer.append(&venue, after, sample::changes(2, 2)).await.unwrap();
    assert_eq!(older.read(&venue, Seq(0), 99).await.unwrap(), sample::changes(1, 2));
}

pub(super) async fn epochs_are_never_given_out_twice(store: &impl Store) {
    let venue = sample::venue("hall");
    for expected in 1..=3 {
        assert_eq!(open(&store.journal(), &venue).await, Epoch(expected), "also where nothing was written under it");
    }
    let journal = store.journal();
    let mut epochs = try_join_all((0..20).map(|_| journal.open(&venue))).await.unwrap();
    epochs.sort_by_key(|opened| opened.epoch);
    assert_eq!(epochs.iter().map(|opened| opened.epoch.0).collect::<Vec<_>>(), (4..24).collect::<Vec<_>>());
}

pub(super) async fn an_epoch_is_above_every_one_that_its_owner_has_heard_of(store: &impl Store) {
    let (journal, venue) = (store.journal(), sample::venue("hall"));
    assert_eq!(journal.claim(&venue, Epoch(41)).await.unwrap(), Epoch(42), "the store was another one before");
    assert_eq!(journal.claim(&venue, Epoch(7)).await.unwrap(), Epoch(43));
    journal.append(&venue, Epoch(43), sample::changes(1, 1)).await.unwrap();
}

pub(super) async fn nobody_writes_to_a_venue_that_was_never_opened(store: &impl Store) {
    let (journal, venue) = (store.journal(), sample::venue("hall"));
    for epoch in [Epoch(0), Epoch(1)] {
        let refused = journal.append(&venue, epoch, sample::changes(1, 1)).await;
        assert!(matches!(refused, Err(JournalError::Deposed { .. })), "{refused:?}");
    }
    assert_eq!(journal.read(&venue, Seq(0), 99).await.unwrap(), []);
}

pub(super) async fn venues_do_not_see_each_other(store: &impl Store) {
    let journal = store.journal();
    let (hall, hall2) = (sample::venue("hall"), sample::venue("hall2"));
    let epoch = open(&journal, &hall).await;
    open(&journal, &hall2).await;
    let second = open(&journal, &hall2).await;
    journal.append(&hall, epoch, sample::day(1, 3)).await.unwrap();
    journal.append(&hall2, second, sample::changes(1, 2)).await.unwrap();
    assert_eq!(journal.read(&hall, Seq(0), 99).await.unwrap(), sample::day(1, 3));
    assert_eq!(journal.read(&hall2, Seq(0), 99).await.unwrap(), sample::changes(1, 2));
}

pub(super) async fn many_appenders_at_once_lose_nothing(store: &impl Store) {
    const VENUES: usize = 20;
    const APPENDS: u64 = 30;
    let journal = store.journal();
    let writers = (0..VENUES).map(|venue| {
        let (journal, venue) = (Arc::clone(&journal), sample::venue(&format!("hall-{venue}")));
        tokio::spawn(async move {
            let epoch = open(&journal, &venue).await;
            for n in 0..APPENDS {
                journal.append(&venue, epoch, sample::changes(3 * n + 1, 3 * n + 3)).await.unwrap();
            }
            venue
        })
    });
    let venues = try_join_all(writers).await.unwrap();
    drop(journal);
    for venue in venues {
        assert_eq!(store.journal().open(&venue).await.unwrap().changes, sample::changes(1, 3 * APPENDS), "{venue}");
    }
}

pub(super) async fn of_many_appends_of_the_same_change_one_is_kept(store: &impl Store) {
    let (journal, venue) = (store.journal(), sample::venue("hall"));
    let epoch = open(&journal, &venue).await;
    let answers = join_all((0..50).map(|_| journal.append(&venue, epoch, sample::changes(1, 2)))).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert_eq!(journal.read(&venue, Seq(0), 99).await.unwrap(), sample::changes(1, 2));
}

pub(super) async fn history_is_read_in_pages(store: &impl Store) {
    let (journal, venue) = (store.journal(), sample::venue("hall"));
    let epoch = open(&journal, &venue).await;
    journal.append(&venue, epoch, sample::changes(1, 25)).await.unwrap();
    let mut all = Vec::new();
    loop {
        let after = all.last().map_or(Seq(0), |change: &callnext_engine::Change| change.seq);
        let page = journal.read(&venue, after, 10).await.unwrap();
        assert!(page.len() <= 10);
        if page.is_empty() {
            break;
        }
        all.extend(page);
    }
    assert_eq!(all, sample::changes(1, 25));
    assert_eq!(journal.read(&venue, Seq(0), 0).await.unwrap(), []);
    assert_eq!(journal.read(&sample::venue("nowhere"), Seq(0), 10).await.unwrap(), []);
}

pub(super) async fn an_unreadable_entry_is_reported_by_its_place(store: &impl Store) {
    let (journal, venue) = (store.journal(), sample::venue("hall"));
    let epoch = open(&journal, &venue).await;
    journal.append(&venue, epoch, sample::day(1, 5)).await.unwrap();
    store.spoil(&venue, Seq(3), r#"{"format":1,"change":{"seq":3}}"#);
    for found in [journal.open(&venue).await.map(drop), journal.read(&venue, Seq(0), 99).await.map(drop)] {
        assert!(matches!(found, Err(JournalError::Unreadable { seq: Seq(3), .. })), "{found:?}");
    }
    assert_eq!(journal.read(&venue, Seq(3), 99).await.unwrap(), sample::changes(4, 5), "what is whole can be read");
}

pub(super) async fn a_day_from_elsewhere_begins_an_empty_venue(store: &impl Store) {
    let (journal, venue) = (store.journal(), sample::venue("hall"));
    let epoch = open(&journal, &venue).await;
    let refused = journal.append(&venue, epoch, sample::changes(41, 44)).await;
    assert!(matches!(refused, Err(JournalError::OutOfOrder { .. })), "it does not open a day: {refused:?}");
    let torn = [sample::day(41, 44), sample::changes(46, 46)].concat();
    assert!(journal.append(&venue, epoch, torn).await.is_err());
    journal.append(&venue, epoch, sample::day(41, 44)).await.unwrap();
    let refused = journal.append(&venue, epoch, sample::day(60, 61)).await;
    assert!(matches!(refused, Err(JournalError::OutOfOrder { last: Seq(44), .. })), "only an empty one: {refused:?}");
    journal.append(&venue, epoch, sample::changes(45, 45)).await.unwrap();
    assert_eq!(store.journal().open(&venue).await.unwrap().changes, sample::day(41, 45));
}

pub(super) async fn days_are_found_by_their_first_change(store: &impl Store) {
    let (journal, venue) = (store.journal(), sample::venue("hall"));
    assert_eq!(journal.days(&venue).await.unwrap(), []);
    let epoch = open(&journal, &venue).await;
    for day in [sample::day(1, 4), sample::day(5, 5), sample::day(6, 9)] {
        journal.append(&venue, epoch, day).await.unwrap();
    }
    assert_eq!(journal.days(&venue).await.unwrap(), [Seq(1), Seq(5), Seq(6)]);
    assert_eq!(journal.days(&sample::venue("hall2")).await.unwrap(), []);
}

pub(super) async fn what_is_pruned_is_forgotten_and_the_last_day_never(store: &impl Store) {
    let (journal, venue) = (store.journal(), sample::venue("hall"));
    journal.prune(&venue, Seq(9)).await.unwrap();
    let epoch = open(&journal, &venue).await;
    for day in [sample::day(1, 4), sample::day(5, 8), sample::day(9, 11)] {
        journal.append(&venue, epoch, day).await.unwrap();
    }
    let kept = async || journal.read(&venue, Seq(0), 99).await.unwrap();
    journal.prune(&venue, Seq(0)).await.unwrap();
    assert_eq!(kept().await.len(), 11);
    journal.prune(&venue, Seq(5)).await.unwrap();
    assert_eq!(kept().await, [sample::day(5, 8), sample::day(9, 11)].concat());
    assert_eq!(journal.days(&venue).await.unwrap(), [Seq(5), Seq(9)]);
    journal.prune(&venue, Seq(u64::MAX >> 1)).await.unwrap();
    assert_eq!(kept().await, sample::day(9, 11), "a venue can always be opened");
    drop(journal);
    let journal = store.journal();
    let opened = journal.open(&venue).await.unwrap();
    assert_eq!(opened.changes, sample::day(9, 11));
    let refused = journal.append(&venue, opened.epoch, sample::day(40, 41)).await;
    assert!(matches!(refused, Err(JournalError::OutOfOrder { last: Seq(11), .. })), "{refused:?}");
    journal.append(&venue, opened.epoch, sample::changes(12, 12)).await.unwrap();
}

pub(super) async fn pruning_holds_up_nobody_and_touches_no_other_venue(store: &impl Store) {
    const OLD: u64 = 3_000;
    let (journal, venue, other) = (store.journal(), sample::venue("hall"), sample::venue("hall2"));
    let (epoch, others) = (open(&journal, &venue).await, open(&journal, &other).await);
    journal.append(&venue, epoch, sample::day(1, OLD)).await.unwrap();
    journal.append(&venue, epoch, sample::day(OLD + 1, OLD + 2)).await.unwrap();
    journal.append(&other, others, sample::day(1, 3)).await.unwrap();
    let appends = async {
        for seq in OLD + 3..OLD + 23 {
            journal.append(&venue, epoch, sample::changes(seq, seq)).await.unwrap();
        }
    };
    let (pruned, ()) = futures_util::future::join(journal.prune(&venue, Seq(OLD + 1)), appends).await;
    pruned.unwrap();
    assert_eq!(journal.read(&venue, Seq(0), 99).await.unwrap(), sample::day(OLD + 1, OLD + 22));
    assert_eq!(journal.read(&other, Seq(0), 99).await.unwrap(), sample::day(1, 3));
}

pub(super) async fn it_says_that_it_is_ready(store: &impl Store) {
    store.journal().ready().await.unwrap();
}
