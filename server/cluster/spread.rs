//! Which node should own which venue: rendezvous hashing (Thaler and Ravishankar, "A name-based mapping scheme for
//! rendezvous", 1996).
//!
//! Every node reckons it for itself and comes to the same answer. A node that comes takes its share from all; one
//! that goes leaves its share to all; no other venue moves.

use callnext_engine::VenueId;
use sha2::{Digest, Sha256};

use super::lease::Node;

/// The node that should own this venue; none if there are none.
pub fn preferred<'n>(venue: &VenueId, nodes: impl IntoIterator<Item = &'n Node>) -> Option<&'n Node> {
    nodes.into_iter().max_by_key(|node| (weight(venue, &node.name), &node.name))
}

fn weight(venue: &VenueId, node: &str) -> u64 {
    let digest = Sha256::new().chain_update(venue.as_str()).chain_update([0]).chain_update(node).finalize();
    u64::from_be_bytes(digest.first_chunk().copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn nodes(names: &[&str]) -> Vec<Node> {
        let node = |name: &&str| Node { name: (*name).to_owned(), address: String::new(), instance: String::new() };
        names.iter().map(node).collect()
    }

    fn owners(nodes: &[Node]) -> BTreeMap<String, String> {
        let venue = |n: u32| VenueId::parse(&format!("venue-{n}")).unwrap();
        (0..1_000).map(|n| (format!("{n}"), preferred(&venue(n), nodes).unwrap().name.clone())).collect()
    }

    #[test]
    fn a_thousand_venues_spread_evenly() {
        let owners = owners(&nodes(&["a", "b", "c"]));
        for name in ["a", "b", "c"] {
            let share = owners.values().filter(|owner| *owner == name).count();
            assert!((270..400).contains(&share), "{name}: {share}");
        }
    }

    #[test]
    fn a_node_that_comes_moves_only_what_it_gets() {
        let (before, after) = (owners(&nodes(&["a", "b", "c"])), owners(&nodes(&["a", "b", "c", "d"])));
        for (venue, owner) in &after {
            assert!(owner == "d" || before[venue] == *owner, "{venue} moved from {} to {owner}", before[venue]);
        }
        assert!(after.values().any(|owner| owner == "d"));
    }

    #[test]
    fn nobody_is_preferred_among_none() {
        assert_eq!(preferred(&VenueId::parse("hall").unwrap(), &[]), None);
    }
}
