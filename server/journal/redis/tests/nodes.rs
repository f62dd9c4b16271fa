//! What nodes share in Redis: leases, and what others write.

use std::collections::BTreeMap;

use super::*;
use crate::access::SharedAccounts;
use crate::access::shared::Mark;
use crate::cluster::{Leases, Node};
use crate::journal::tail::{News, Position, Tail};

async fn leases() -> (RedisJournal, Store) {
    let store = Store::new();
    (store.open().await, store)
}

crate::cluster::contract::suite!(leases().await);

/// The same in a cluster, where venues are in different slots.
mod in_a_cluster {
    use super::*;

    crate::cluster::contract::suite!(cluster().await);
}

/// Follows a venue from here, until this change was told; returns what was told.
async fn told(journal: &RedisJournal, mut from: Position, venue: &VenueId, until: Seq) -> Vec<News> {
    let mut told = Vec::new();
    while from.seq < until {
        let news = journal.next(BTreeMap::from([(venue.clone(), from)])).await.unwrap();
        for (_, epoch, changes) in &news {
            from = Position { epoch: *epoch, seq: changes.last().unwrap().seq };
        }
        told.extend(news);
    }
    told
}

#[tokio::test]
async fn what_is_written_is_told_by_owner_and_in_order() {
    let (store, venue) = (Store::new(), sample::venue("hall"));
    let (one, other) = (store.open().await, store.open().await);
    let nothing = Position { epoch: Epoch(0), seq: Seq(0) };
    let first = one.open(&venue).await.unwrap().epoch;
    let (news, ()) = futures_util::future::join(told(&other, nothing, &venue, Seq(2)), async {
        one.append(&venue, first, sample::changes(1, 2)).await.unwrap();
    })
    .await;
    assert_eq!(news, [(venue.clone(), first, sample::changes(1, 2))], "to whoever waits for it");
    let second = other.open(&venue).await.unwrap().epoch;
    other.append(&venue, second, sample::changes(3, 4)).await.unwrap();
    let news = told(&one, nothing, &venue, Seq(4)).await;
    let (of_first, of_second) = (sample::changes(1, 2), sample::changes(3, 4));
    assert_eq!(news, [(venue.clone(), first, of_first), (venue.clone(), second, of_second.clone())]);
    let after_one = Position { epoch: first, seq: Seq(2) };
    assert_eq!(told(&one, after_one, &venue, Seq(4)).await, [(venue, second, of_second)]);
}

#[tokio::test]
async fn whoever_was_shown_what_a_store_lost_is_told_of_the_new_history() {
    let (store, venue) = (Store::new(), sample::venue("hall"));
    let journal = store.open().await;
    let first = journal.open(&venue).await.unwrap().epoch;
    journal.append(&venue, first, sample::changes(1, 3)).await.unwrap();
    let second = journal.claim(&venue, first).await.unwrap();
    journal.append(&venue, second, sample::changes(4, 4)).await.unwrap();
    // As if a replica without changes 2 and 3 had been promoted before the second owner came.
    let ahead = Position { epoch: first, seq: Seq(9) };
    let news = journal.next(BTreeMap::from([(venue.clone(), ahead)])).await.unwrap();
    assert_eq!(news, [(venue, second, sample::changes(4, 4))]);
}

#[tokio::test]
async fn more_than_fits_one_answer_is_told_in_parts_and_of_many_venues() {
    let store = Store::new();
    let journal = store.open().await;
    let venues: Vec<VenueId> = (0..30).map(|n| sample::venue(&format!("v{n}"))).collect();
    let mut positions = BTreeMap::new();
    for venue in &venues {
        let epoch = journal.open(venue).await.unwrap().epoch;
        journal.append(venue, epoch, sample::changes(1, 700)).await.unwrap();
        positions.insert(venue.clone(), Position { epoch: Epoch(0), seq: Seq(0) });
    }
    while positions.values().any(|position| position.seq < Seq(700)) {
        for (venue, epoch, changes) in journal.next(positions.clone()).await.unwrap() {
            let position = positions.get_mut(&venue).unwrap();
            assert_eq!(changes.first().unwrap().seq, position.seq.next(), "{venue}");
            *position = Position { epoch, seq: changes.last().unwrap().seq };
        }
    }
}

#[tokio::test]
async fn a_change_of_accounts_is_made_on_the_last_one_and_once() {
    let store = Store::new();
    let journal = store.open().await;
    let mark = |number, name: &str| Mark { number, name: name.to_owned() };
    let field = |name: &str, text: Option<&str>| (format!("login:{name}"), text.map(str::to_owned));
    let (first, second) = (mark(1, "a"), mark(2, "b"));
    assert_eq!(journal.last().await.unwrap(), Mark::none());
    assert!(journal.change(&Mark::none(), &first, vec![field("x", Some("1")), field("y", Some("2"))]).await.unwrap());
    assert!(
        !journal.change(&Mark::none(), &mark(1, "c"), vec![field("x", None)]).await.unwrap(),
        "another was quicker"
    );
    assert!(journal.change(&first, &second, vec![field("x", None)]).await.unwrap());
    // Sent again, because its answer was lost: at once, and after others.
    assert!(journal.change(&first, &second, vec![field("x", None)]).await.unwrap());
    assert!(journal.change(&Mark::none(), &first, vec![field("x", Some("1"))]).await.unwrap());
    assert_eq!(SharedAccounts::load(&journal).await.unwrap(), (second.clone(), vec![field("y", Some("2"))]));
    assert_eq!(journal.since(&first).await.unwrap(), Some((second.clone(), vec![field("x", None)])));
    assert_eq!(journal.since(&second).await.unwrap(), Some((second.clone(), Vec::new())));
    for unknown in [Mark::none(), mark(1, "c"), mark(2, "c"), mark(3, "d")] {
        assert_eq!(journal.since(&unknown).await.unwrap(), None, "{unknown:?}");
    }
    // Filled only where there is nothing.
    journal.fill(&mark(3, "d"), vec![field("z", Some("3"))]).await.unwrap();
    assert_eq!(journal.last().await.unwrap(), second);
    store.0.cli(&["flushall"]).unwrap();
    journal.fill(&mark(3, "d"), vec![field("z", Some("3"))]).await.unwrap();
    journal.fill(&mark(9, "e"), vec![field("z", Some("9"))]).await.unwrap();
    assert_eq!(SharedAccounts::load(&journal).await.unwrap(), (mark(3, "d"), vec![field("z", Some("3"))]));
    assert!(journal.change(&mark(3, "d"), &mark(4, "f"), vec![field("z", None)]).await.unwrap());
}

#[tokio::test]
async fn a_venue_that_redis_forgot_goes_first_to_whoever_held_it() {
    let (store, venue) = (Store::new(), sample::venue("hall"));
    let journal = store.open().await;
    let node = |name: &str| Node { name: name.to_owned(), address: String::new(), instance: String::new() };
    let (stranger, holder, lease) = (node("a"), node("b"), Duration::from_millis(300));
    let take = async |node: &Node, held| journal.acquire(node, &venue, lease, held).await.unwrap();
    assert!(!take(&stranger, false).await && !take(&stranger, false).await, "for one lease it is the holder's");
    assert!(take(&holder, true).await && take(&holder, true).await && !take(&stranger, false).await);
    // The holder never wrote, and is gone: after all that time anybody may have it.
    let begun = std::time::Instant::now();
    while !take(&stranger, false).await {
        assert!(begun.elapsed() < Duration::from_secs(30), "never");
    }
    // Known from now on: nobody waits.
    assert!(journal.release(&stranger, &venue, None, lease).await.unwrap());
    assert!(take(&holder, false).await);
}
