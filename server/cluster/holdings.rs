//! Where venues are written, as this node last heard, and the way there.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use callnext_engine::{Command, VenueId};
use futures_util::future::LocalBoxFuture;
use tokio::sync::watch;

use super::lease::Node;
use super::peers::{Peers, Said};
use super::term::Term;
use crate::venues::{Answer, SubmitError, There, Writer, Writers};

/// Where venues are written, as this node last heard.
pub struct Holdings {
    pub(super) peers: Peers,
    venues: RwLock<BTreeMap<VenueId, Holding>>,
    /// Told when a venue is written elsewhere than before, or no longer here.
    moves: watch::Sender<()>,
}

/// Where one venue is written.
#[derive(Debug, Clone)]
pub(super) enum Holding {
    /// Here, until then.
    Mine(Term),
    /// At another node.
    Theirs(Node),
}

impl Holding {
    fn is_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Mine(_), Self::Mine(_)) => true,
            (Self::Theirs(one), Self::Theirs(other)) => one == other,
            (Self::Mine(_), Self::Theirs(_)) | (Self::Theirs(_), Self::Mine(_)) => false,
        }
    }
}

impl Holdings {
    pub(super) fn new(peers: Peers) -> Self {
        Self { peers, venues: RwLock::default(), moves: watch::Sender::new(()) }
    }

    /// The venue is written there; none for nowhere.
    pub(super) fn set(&self, venue: &VenueId, holding: Option<Holding>) {
        let mut venues = self.venues.write().unwrap_or_else(PoisonError::into_inner);
        let stays = match (venues.get(venue), &holding) {
            (Some(before), Some(after)) => before.is_as(after),
            (None, None) => true,
            _ => false,
        };
        match holding {
            Some(holding) => drop(venues.insert(venue.clone(), holding)),
            None => drop(venues.remove(venue)),
        }
        drop(venues);
        if !stays {
            self.moved();
        }
    }

    /// Whoever follows venues, or waits for one to be written somewhere, looks again.
    pub(super) fn moved(&self) {
        self.moves.send_replace(());
    }

    /// Told from now on when a venue has moved.
    pub(super) fn moves(&self) -> watch::Receiver<()> {
        self.moves.subscribe()
    }

    /// The venue is this node's until then. Whoever writes it already goes on with the term it has.
    pub(super) fn keep(&self, venue: &VenueId, until: Instant) {
        match self.of(venue) {
            Some(Holding::Mine(term)) => term.extend(until),
            _ => self.set(venue, Some(Holding::Mine(Term::until(until)))),
        }
    }

    /// Another node has the venue's lease, as asked at that moment. What became this node's since then stays so.
    pub(super) fn is_at(&self, venue: &VenueId, holder: &Node, asked: Instant) {
        match self.of(venue) {
            Some(Holding::Mine(term)) if term.begun() >= asked => return,
            Some(Holding::Mine(term)) => {
                tracing::warn!(%venue, now = holder.name, "a venue is another node's now");
                term.end();
            }
            Some(Holding::Theirs(_)) | None => {}
        }
        self.set(venue, Some(Holding::Theirs(holder.clone())));
    }

    /// Nobody has the venue's lease. Whoever writes it here stops by itself.
    pub(super) fn is_nowhere(&self, venue: &VenueId) {
        if matches!(self.of(venue), Some(Holding::Theirs(_))) {
            self.set(venue, None);
        }
    }

    /// The node that is thought to have the venue says who has it.
    fn hear(&self, venue: &VenueId, from: &Node, holder: Node) {
        let was_there = matches!(self.of(venue), Some(Holding::Theirs(node)) if node == *from);
        if was_there && holder != *from {
            // Whether it is this node's is for the leases to say.
            let is_here = holder.instance == self.peers.signer().instance();
            self.set(venue, (!is_here).then_some(Holding::Theirs(holder)));
        }
    }

    pub(super) fn of(&self, venue: &VenueId) -> Option<Holding> {
        self.venues.read().unwrap_or_else(PoisonError::into_inner).get(venue).cloned()
    }

    pub(super) fn is_mine(&self, venue: &VenueId) -> bool {
        matches!(self.of(venue), Some(Holding::Mine(_)))
    }

    pub(super) fn mine(&self) -> BTreeMap<VenueId, Term> {
        let venues = self.venues.read().unwrap_or_else(PoisonError::into_inner);
        let mine = venues.iter().filter_map(|(venue, holding)| match holding {
            Holding::Mine(term) => Some((venue.clone(), term.clone())),
            Holding::Theirs(_) => None,
        });
        mine.collect()
    }
}

impl Writers for Arc<Holdings> {
    fn writer(&self, venue: &VenueId) -> Writer {
        match self.of(venue) {
            Some(Holding::Mine(term)) => Writer::Here(term),
            Some(Holding::Theirs(node)) => Writer::There(Box::new(Elsewhere { node, holdings: self.clone() })),
            None => Writer::Nobody,
        }
    }

    fn moves(&self) -> watch::Receiver<()> {
        Holdings::moves(self)
    }
}

struct Elsewhere {
    node: Node,
    holdings: Arc<Holdings>,
}

impl There for Elsewhere {
    fn submit<'a>(
        &'a self,
        venue: &'a VenueId,
        command: &'a Command,
    ) -> LocalBoxFuture<'a, Result<Answer, SubmitError>> {
        Box::pin(async move {
            let Said { answer, holder } = self.holdings.peers.submit(&self.node, venue, command).await;
            if let Some(holder) = holder {
                self.holdings.hear(venue, &self.node, holder);
            }
            answer
        })
    }

    fn instance(&self) -> &str {
        &self.node.instance
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::signature::Signer;
    use super::*;

    fn node(name: &str) -> Node {
        Node { name: name.to_owned(), address: format!("http://{name}"), instance: name.to_owned() }
    }

    /// What node `a` holds.
    fn holdings() -> (Holdings, VenueId) {
        let peers = Peers::new(Arc::new(Signer::new([1; 32], "a".to_owned())));
        (Holdings::new(peers), VenueId::parse("hall").unwrap())
    }

    fn at(holdings: &Holdings, venue: &VenueId) -> Option<String> {
        match holdings.of(venue)? {
            Holding::Mine(_) => Some("here".to_owned()),
            Holding::Theirs(node) => Some(node.name),
        }
    }

    #[test]
    fn what_was_asked_before_a_venue_came_takes_it_from_nobody() {
        let (holdings, hall) = holdings();
        let asked = Instant::now();
        holdings.keep(&hall, asked + Duration::from_secs(60));
        holdings.is_at(&hall, &node("b"), asked);
        holdings.is_nowhere(&hall);
        assert_eq!(at(&holdings, &hall).as_deref(), Some("here"));
        let Some(Holding::Mine(term)) = holdings.of(&hall) else { panic!() };
        holdings.is_at(&hall, &node("b"), Instant::now() + Duration::from_millis(1));
        assert_eq!(at(&holdings, &hall).as_deref(), Some("b"));
        assert!(!term.holds(), "whoever writes it here stops");
    }

    #[test]
    fn the_one_who_was_asked_tells_who_has_it() {
        let (holdings, hall) = holdings();
        holdings.set(&hall, Some(Holding::Theirs(node("b"))));
        holdings.hear(&hall, &node("c"), node("d"));
        assert_eq!(at(&holdings, &hall).as_deref(), Some("b"), "it was not asked");
        holdings.hear(&hall, &node("b"), node("c"));
        assert_eq!(at(&holdings, &hall).as_deref(), Some("c"));
        holdings.hear(&hall, &node("c"), node("a"));
        assert_eq!(at(&holdings, &hall), None, "this node's it is once the lease says so");
    }

    #[test]
    fn whoever_waits_is_told_of_moves_and_of_nothing_else() {
        let (holdings, hall) = holdings();
        let mut moves = holdings.moves();
        let mut moved = || std::mem::replace(&mut moves, holdings.moves()).has_changed().unwrap();
        holdings.keep(&hall, Instant::now());
        assert!(moved());
        holdings.keep(&hall, Instant::now());
        assert!(!moved(), "it goes on");
        holdings.set(&hall, Some(Holding::Theirs(node("b"))));
        assert!(moved());
        holdings.is_at(&hall, &node("b"), Instant::now());
        assert!(!moved());
        holdings.is_nowhere(&hall);
        assert!(moved());
        holdings.is_nowhere(&hall);
        assert!(!moved());
    }
}
