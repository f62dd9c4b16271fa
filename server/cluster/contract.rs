//! What holds of every keeper of leases.

use std::time::Duration;

use callnext_engine::VenueId;

use super::lease::{Leases, Node};

/// Longer than a busy machine takes from one step to the next.
const LONG: Duration = Duration::from_secs(60);
/// Over at once.
const SHORT: Duration = Duration::from_millis(60);

fn node(name: &str, instance: &str) -> Node {
    Node { name: name.to_owned(), address: format!("http://{name}"), instance: instance.to_owned() }
}

fn venue(name: &str) -> VenueId {
    VenueId::parse(name).unwrap()
}

/// Waits until `is_so`: leases end by the keeper's clock.
async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    for _ in 0..2_000 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("never: {what}");
}

pub async fn a_venue_has_one_owner_until_its_lease_ends(leases: impl Leases) {
    let (a, b, hall) = (node("a", "1"), node("b", "1"), venue("hall"));
    assert!(leases.acquire(&a, &hall, LONG, true).await.unwrap());
    assert!(!leases.acquire(&b, &hall, LONG, true).await.unwrap());
    assert!(leases.renew(&b, std::slice::from_ref(&hall), LONG).await.unwrap().is_empty());
    let standing = leases.beat(&b, &[hall.clone(), venue("other")], LONG).await.unwrap();
    assert_eq!(standing.holders.into_iter().collect::<Vec<_>>(), [(hall.clone(), a.clone())]);
    assert_eq!(leases.renew(&a, std::slice::from_ref(&hall), SHORT).await.unwrap(), std::slice::from_ref(&hall));
    until("the lease ends", async || leases.acquire(&b, &hall, LONG, true).await.unwrap()).await;
    assert!(leases.renew(&a, &[hall], LONG).await.unwrap().is_empty(), "whoever overslept has nothing");
}

pub async fn a_lease_is_of_one_start_of_a_node(leases: impl Leases) {
    let (before, after, hall) = (node("a", "1"), node("a", "2"), venue("hall"));
    assert!(leases.acquire(&before, &hall, LONG, true).await.unwrap());
    assert!(leases.renew(&after, std::slice::from_ref(&hall), LONG).await.unwrap().is_empty());
    assert!(!leases.release(&after, &hall, None, LONG).await.unwrap());
    assert!(!leases.acquire(&after, &hall, LONG, true).await.unwrap());
}

pub async fn a_lease_can_be_given_and_given_up(leases: impl Leases) {
    let (a, b, hall) = (node("a", "1"), node("b", "1"), venue("hall"));
    assert!(leases.acquire(&a, &hall, LONG, true).await.unwrap());
    assert!(leases.release(&a, &hall, Some(&b), LONG).await.unwrap());
    assert!(!leases.release(&a, &hall, None, LONG).await.unwrap(), "it is not a's any more");
    assert_eq!(leases.renew(&b, std::slice::from_ref(&hall), LONG).await.unwrap(), std::slice::from_ref(&hall));
    assert!(leases.release(&b, &hall, None, LONG).await.unwrap());
    assert!(leases.acquire(&a, &hall, LONG, true).await.unwrap());
}

pub async fn nodes_are_known_as_long_as_they_show_themselves(leases: impl Leases) {
    let (a, b) = (node("a", "1"), node("b", "1"));
    let names = async |of: &Node| {
        let mut nodes = leases.beat(of, &[], LONG).await.unwrap().nodes;
        nodes.sort();
        nodes
    };
    assert_eq!(names(&a).await, std::slice::from_ref(&a));
    assert_eq!(names(&b).await, [a.clone(), b.clone()]);
    let again = node("b", "2");
    assert_eq!(names(&again).await, [a.clone(), again.clone()], "a start takes the place of the one before");
    leases.leave(&again).await.unwrap();
    assert_eq!(names(&a).await, std::slice::from_ref(&a));
    leases.beat(&b, &[], SHORT).await.unwrap();
    until("b is no longer there", async || names(&a).await.len() == 1).await;
}

pub async fn many_venues_are_renewed_at_once(leases: impl Leases) {
    let (a, b) = (node("a", "1"), node("b", "1"));
    let venues: Vec<VenueId> = (0..600).map(|n| venue(&format!("v{n:03}"))).collect();
    for (n, venue) in venues.iter().enumerate() {
        assert!(leases.acquire(if n % 3 == 0 { &b } else { &a }, venue, LONG, true).await.unwrap());
    }
    let mut ours = leases.renew(&a, &venues, LONG).await.unwrap();
    ours.sort();
    let expected: Vec<VenueId> =
        venues.iter().enumerate().filter(|(n, _)| n % 3 != 0).map(|(_, venue)| venue.clone()).collect();
    assert_eq!(ours, expected);
    let standing = leases.beat(&b, &venues, LONG).await.unwrap();
    assert_eq!(standing.holders.len(), venues.len());
    assert_eq!(standing.holders.values().filter(|holder| **holder == b).count(), 200);
}

/// Holds a keeper of leases to the contract: `suite!(expression)`, made anew for each.
macro_rules! suite {
    ($leases:expr) => {
        $crate::cluster::contract::suite!(@each $leases;
            a_venue_has_one_owner_until_its_lease_ends,
            a_lease_is_of_one_start_of_a_node,
            a_lease_can_be_given_and_given_up,
            nodes_are_known_as_long_as_they_show_themselves,
            many_venues_are_renewed_at_once,
        );
    };
    (@each $leases:expr; $($name:ident,)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                let (leases, _kept) = $leases;
                $crate::cluster::contract::$name(leases).await;
            }
        )*
    };
}
pub(crate) use suite;
