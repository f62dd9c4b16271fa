//! One node's part: it shows that it is there, renews what it owns, takes what nobody owns, hands over what another
//! should have, and follows the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use callnext_engine::{Command, VenueId};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use tokio::sync::{Mutex, Notify};

use super::lease::{LeaseError, Leases, Node, Standing};
use super::peers::Peers;
use super::spread::preferred;
use super::term::Term;
use crate::journal::tail::{News, Position, Tail};
use crate::venues::{Answer, Registry, SubmitError, There, Writer, Writers};

/// Times a node looks how things stand within one lease: a missed one or two cost nothing.
const LOOKS_PER_LEASE: u32 = 8;
/// What is left of a lease when its owner stops writing: its clock may run a little slower than the keeper's, and
/// what it sent last may still be under way.
const MARGIN_DIVISOR: u32 = 5;
/// Looks during which a venue that nobody owns is left to the node that should have it.
const LOOKS_LEFT_TO_PREFERRED: u32 = 2;
/// Looks a new node must have been seen before venues are moved to it: one that comes and goes moves nothing.
const LOOKS_BEFORE_MOVING: u32 = 3;
/// Venues taken, given or opened at the same time.
const AT_ONCE: usize = 32;
/// Venues moved to their better place in one look.
const MOVES_PER_LOOK: usize = 64;
/// Pause after a journal that does not answer.
const TAIL_PAUSE: Duration = Duration::from_millis(250);

/// How a node takes part.
#[derive(Debug, Clone)]
pub struct MemberSettings {
    /// Its name: stays over restarts, and no two nodes have the same.
    pub name: String,
    /// Where the others reach it; none for the address it listens on.
    pub address: Option<String>,
    /// How long a venue stays with a node that says nothing. A dead node's venues are called from again after this.
    pub lease: Duration,
}

/// One node among others.
pub struct Member {
    settings: MemberSettings,
    /// Set once it is known where this node listens.
    me: OnceLock<Node>,
    leases: Arc<dyn Leases>,
    tail: Arc<dyn Tail>,
    holdings: Arc<Holdings>,
    /// Whether this node takes nothing more, because it is about to stop.
    is_leaving: AtomicBool,
    /// Held while it looks around: a look that ends after it left would say that it is still there.
    looking: Mutex<()>,
}

/// Where venues are written, as this node last heard.
pub struct Holdings {
    peers: Peers,
    venues: RwLock<BTreeMap<VenueId, Holding>>,
    /// Woken when a venue became this node's, or another's.
    changed: Notify,
}

#[derive(Debug, Clone)]
enum Holding {
    Mine(Term),
    Theirs(Node),
}

impl Holdings {
    fn set(&self, venue: &VenueId, holding: Option<Holding>) {
        // Followed from now on, or no longer.
        let kind = |holding: Option<&Holding>| holding.map(|holding| matches!(holding, Holding::Mine(_)));
        let after = kind(holding.as_ref());
        let mut venues = self.venues.write().unwrap_or_else(PoisonError::into_inner);
        let before = match holding {
            Some(holding) => venues.insert(venue.clone(), holding),
            None => venues.remove(venue),
        };
        if after != kind(before.as_ref()) {
            self.changed.notify_one();
        }
    }

    /// The venue is this node's until then. Whoever writes it already goes on with the term it has.
    fn keep(&self, venue: &VenueId, until: Instant) {
        match self.of(venue) {
            Some(Holding::Mine(term)) => term.extend(until),
            _ => self.set(venue, Some(Holding::Mine(Term::until(until)))),
        }
    }

    fn of(&self, venue: &VenueId) -> Option<Holding> {
        self.venues.read().unwrap_or_else(PoisonError::into_inner).get(venue).cloned()
    }

    fn mine(&self) -> BTreeMap<VenueId, Term> {
        let venues = self.venues.read().unwrap_or_else(PoisonError::into_inner);
        let mine = venues.iter().filter_map(|(venue, holding)| match holding {
            Holding::Mine(term) => Some((venue.clone(), term.clone())),
            Holding::Theirs(_) => None,
        });
        mine.collect()
    }
}

impl Writers for Holdings {
    fn writer(&self, venue: &VenueId) -> Writer {
        match self.of(venue) {
            Some(Holding::Mine(term)) => Writer::Here(term),
            Some(Holding::Theirs(node)) => Writer::There(Box::new(Elsewhere { node, peers: self.peers.clone() })),
            None => Writer::Nobody,
        }
    }
}

struct Elsewhere {
    node: Node,
    peers: Peers,
}

impl There for Elsewhere {
    fn submit<'a>(
        &'a self,
        venue: &'a VenueId,
        command: &'a Command,
    ) -> LocalBoxFuture<'a, Result<Answer, SubmitError>> {
        Box::pin(self.peers.submit(&self.node, venue, command))
    }
}

/// What a node remembers from look to look.
#[derive(Default)]
struct Memory {
    /// For how many looks each node has been there.
    seen: BTreeMap<Node, u32>,
    /// For how many looks each venue has been without an owner.
    unowned: BTreeMap<VenueId, u32>,
}

impl Member {
    /// A node that takes part from now on, once [`Member::run`] is called.
    pub fn new(settings: MemberSettings, leases: Arc<dyn Leases>, tail: Arc<dyn Tail>, peers: Peers) -> Self {
        let holdings = Arc::new(Holdings { peers, venues: RwLock::default(), changed: Notify::new() });
        Self {
            settings,
            me: OnceLock::new(),
            leases,
            tail,
            holdings,
            is_leaving: AtomicBool::new(false),
            looking: Mutex::default(),
        }
    }

    /// Where venues are written, for the registry.
    pub fn writers(&self) -> Arc<dyn Writers> {
        self.holdings.clone()
    }

    /// Judges what other nodes send.
    pub fn peers(&self) -> &Peers {
        &self.holdings.peers
    }

    /// Takes part, for ever; this node listens at `address`.
    pub async fn run(&self, registry: Arc<Registry>, address: String) {
        self.me.get_or_init(|| Node {
            name: self.settings.name.clone(),
            address: self.settings.address.clone().unwrap_or(address),
            instance: self.peers().signer().instance().to_owned(),
        });
        futures_util::future::join(self.look_around(&registry), self.follow(&registry)).await;
    }

    /// Who this node is. Before it takes part it is nobody, and owns nothing.
    fn me(&self) -> Result<&Node, LeaseError> {
        self.me.get().ok_or_else(|| LeaseError("this node does not take part yet".to_owned()))
    }

    async fn look_around(&self, registry: &Registry) {
        let mut memory = Memory::default();
        let mut clock = tokio::time::interval(self.settings.lease / LOOKS_PER_LEASE);
        clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            clock.tick().await;
            let _looking = self.looking.lock().await;
            if self.is_leaving.load(Ordering::Acquire) {
                return;
            }
            let looked = self.look(registry, &mut memory).await;
            registry.cut_off(registry.ids(), looked.is_err());
            if let Err(error) = looked {
                // Terms run out by themselves.
                tracing::warn!(%error, "this node cannot tell how things stand");
            }
        }
    }

    /// Looks once, and does what follows.
    async fn look(&self, registry: &Registry, memory: &mut Memory) -> Result<(), LeaseError> {
        let me = self.me()?;
        let begun = Instant::now();
        let standing = self.leases.beat(me, registry.ids(), self.settings.lease).await?;
        memory.note(&standing, registry.ids());
        self.renew(begun).await?;
        for venue in registry.ids() {
            match standing.holders.get(venue) {
                Some(holder) if holder != me => {
                    if let Some(Holding::Mine(term)) = self.holdings.of(venue) {
                        tracing::warn!(%venue, now = holder.name, "a venue is another node's now");
                        term.end();
                        registry.give_up(venue).await;
                    }
                    self.holdings.set(venue, Some(Holding::Theirs(holder.clone())));
                }
                Some(_) => {
                    if self.holdings.of(venue).is_none_or(|holding| matches!(holding, Holding::Theirs(_))) {
                        // Given to this node, or taken by it a moment ago.
                        self.accept(venue).await?;
                    }
                }
                None => {
                    if matches!(self.holdings.of(venue), Some(Holding::Theirs(_))) {
                        self.holdings.set(venue, None);
                    }
                }
            }
        }
        let wanted = registry.ids().iter().filter(|venue| {
            let unowned = memory.unowned.get(*venue).copied().unwrap_or_default();
            unowned > LOOKS_LEFT_TO_PREFERRED
                || (unowned > 0 && preferred(venue, &standing.nodes).is_some_and(|node| node == me))
                // The keeper of the leases has lost it, not we.
                || (unowned > 0 && matches!(self.holdings.of(venue), Some(Holding::Mine(_))))
        });
        let taken = wanted.map(|venue| async move {
            if let Err(error) = self.acquire(venue, registry).await {
                tracing::warn!(%venue, %error, "a venue without an owner cannot be taken yet");
            }
        });
        futures_util::stream::iter(taken).buffer_unordered(AT_ONCE).for_each(|()| async {}).await;
        self.open_mine(registry).await;
        self.move_on(registry, memory, &standing, me).await;
        Ok(())
    }

    /// Goes on owning what is this node's.
    async fn renew(&self, begun: Instant) -> Result<(), LeaseError> {
        let mine = self.holdings.mine();
        let venues: Vec<VenueId> = mine.keys().cloned().collect();
        let kept: BTreeSet<VenueId> =
            self.leases.renew(self.me()?, &venues, self.settings.lease).await?.into_iter().collect();
        for (venue, term) in mine {
            if kept.contains(&venue) {
                term.extend(self.end_of(begun));
            }
        }
        Ok(())
    }

    /// When an owner stops writing whose lease was asked for at that moment.
    fn end_of(&self, asked: Instant) -> Instant {
        asked + self.settings.lease.saturating_sub(self.settings.lease / MARGIN_DIVISOR)
    }

    async fn acquire(&self, venue: &VenueId, registry: &Registry) -> Result<(), LeaseError> {
        let asked = Instant::now();
        let held = matches!(self.holdings.of(venue), Some(Holding::Mine(term)) if term.holds());
        if self.leases.acquire(self.me()?, venue, self.settings.lease, held).await? {
            if !held {
                // It may have been another's meanwhile: what is known here counts only once the journal says so.
                self.holdings.set(venue, None);
                registry.give_up(venue).await;
            }
            self.holdings.keep(venue, self.end_of(asked));
            self.open(venue, registry).await;
        }
        Ok(())
    }

    /// Takes up a venue whose lease names this node.
    async fn accept(&self, venue: &VenueId) -> Result<bool, LeaseError> {
        let asked = Instant::now();
        let kept = self.leases.renew(self.me()?, std::slice::from_ref(venue), self.settings.lease).await?;
        let mine = kept.contains(venue);
        if mine {
            self.holdings.keep(venue, self.end_of(asked));
        }
        Ok(mine)
    }

    /// Another node gave this venue to us: opens it. False if the lease does not say so.
    pub async fn given(&self, venue: &VenueId, registry: &Registry) -> bool {
        if self.is_leaving.load(Ordering::Acquire) || !matches!(self.accept(venue).await, Ok(true)) {
            return false;
        }
        self.open(venue, registry).await;
        true
    }

    /// Opens what is this node's and is not open: its actor died, or its journal was away.
    async fn open_mine(&self, registry: &Registry) {
        for venue in self.holdings.mine().into_keys().filter(|venue| !registry.is_owner(venue)) {
            self.open(&venue, registry).await;
        }
    }

    async fn open(&self, venue: &VenueId, registry: &Registry) {
        if let Err(error) = registry.take_up(venue).await {
            tracing::warn!(%venue, %error, "a venue of this node cannot be opened yet");
        }
    }

    /// Hands over what another node should have, a part at a time.
    async fn move_on(&self, registry: &Registry, memory: &Memory, standing: &Standing, me: &Node) {
        let settled: Vec<Node> = standing
            .nodes
            .iter()
            .filter(|node| *node == me || memory.seen.get(*node).is_some_and(|looks| *looks > LOOKS_BEFORE_MOVING))
            .cloned()
            .collect();
        let moves = self.holdings.mine().into_keys().filter_map(|venue| {
            let to = preferred(&venue, &settled).filter(|to| *to != me)?;
            Some((venue, to.clone()))
        });
        let moves: Vec<(VenueId, Node)> = moves.take(MOVES_PER_LOOK).collect();
        self.hand_over(registry, moves).await;
    }

    async fn hand_over(&self, registry: &Registry, moves: Vec<(VenueId, Node)>) {
        let moved = moves.into_iter().map(|(venue, to)| async move {
            if let Err(error) = self.give(registry, &venue, &to).await {
                tracing::warn!(%venue, to = to.name, %error, "a venue cannot be handed over");
            }
        });
        futures_util::stream::iter(moved).buffer_unordered(AT_ONCE).for_each(|()| async {}).await;
    }

    /// Stops writing a venue, gives its lease to another node, and tells it. Commands meanwhile wait in the registry.
    async fn give(&self, registry: &Registry, venue: &VenueId, to: &Node) -> Result<(), LeaseError> {
        let begun = Instant::now();
        self.holdings.set(venue, None);
        registry.give_up(venue).await;
        if !self.leases.release(self.me()?, venue, Some(to), self.settings.lease).await? {
            return Ok(());
        }
        self.holdings.set(venue, Some(Holding::Theirs(to.clone())));
        let told = self.holdings.peers.give(to, venue).await;
        tracing::info!(%venue, to = to.name, told, took_ms = begun.elapsed().as_millis(), "venue handed over");
        Ok(())
    }

    /// Hands everything over, before this node stops. What nobody can take is left to whoever comes.
    pub async fn leave(&self, registry: &Registry) {
        let Ok(me) = self.me() else { return };
        self.is_leaving.store(true, Ordering::Release);
        let _looking = self.looking.lock().await;
        let nodes = match self.leases.beat(me, registry.ids(), self.settings.lease).await {
            Ok(standing) => standing.nodes,
            Err(error) => return tracing::warn!(%error, "this node leaves without handing over"),
        };
        let others: Vec<Node> = nodes.into_iter().filter(|node| node != me).collect();
        if let Err(error) = self.leases.leave(me).await {
            tracing::warn!(%error, "the others will notice by themselves that this node is gone");
        }
        let mine = self.holdings.mine();
        let moves = mine.keys().filter_map(|venue| Some((venue.clone(), preferred(venue, &others)?.clone())));
        self.hand_over(registry, moves.collect()).await;
        for venue in self.holdings.mine().into_keys() {
            registry.give_up(&venue).await;
            if let Err(error) = self.leases.release(me, &venue, None, self.settings.lease).await {
                tracing::warn!(%venue, %error, "a venue cannot be given up; its lease runs out");
            }
            self.holdings.set(&venue, None);
        }
    }

    /// Reads what other nodes write, for ever.
    async fn follow(&self, registry: &Registry) {
        let mut positions = BTreeMap::new();
        let mut is_stale = true;
        loop {
            if std::mem::take(&mut is_stale) {
                positions = positions_of(registry).await;
            }
            tokio::select! {
                news = self.tail.next(positions.clone()) => match news {
                    Ok(news) => {
                        for news in news {
                            take_in(registry, news, &mut positions).await;
                        }
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the journal cannot be followed at the moment");
                        tokio::time::sleep(TAIL_PAUSE).await;
                    }
                },
                // Other venues are followed now.
                () = self.holdings.changed.notified() => is_stale = true,
            }
        }
    }
}

/// The venues that are not written here, and how far each is known.
async fn positions_of(registry: &Registry) -> BTreeMap<VenueId, Position> {
    let mut positions = BTreeMap::new();
    for venue in registry.ids().iter().filter(|venue| !registry.is_owner(venue)) {
        if let Some(position) = position_of(registry, venue).await {
            positions.insert(venue.clone(), position);
        }
    }
    positions
}

async fn position_of(registry: &Registry, venue: &VenueId) -> Option<Position> {
    match registry.look(venue, |shown| shown.position()).await {
        Ok(position) => Some(position),
        Err(error) => {
            tracing::warn!(%venue, %error, "a venue cannot be followed at the moment");
            None
        }
    }
}

async fn take_in(registry: &Registry, (venue, epoch, changes): News, positions: &mut BTreeMap<VenueId, Position>) {
    let last = changes.last().map(|change| Position { epoch, seq: change.seq });
    let known = match registry.follow(&venue, epoch, changes).await {
        Ok(true) => last,
        // It was loaded anew.
        Ok(false) => position_of(registry, &venue).await,
        Err(error) => {
            tracing::warn!(%venue, %error, "a venue cannot be followed at the moment");
            tokio::time::sleep(TAIL_PAUSE).await;
            return;
        }
    };
    if let Some(known) = known {
        positions.insert(venue, known);
    }
}

impl Memory {
    fn note(&mut self, standing: &Standing, venues: &[VenueId]) {
        self.seen.retain(|node, _| standing.nodes.contains(node));
        for node in &standing.nodes {
            *self.seen.entry(node.clone()).or_default() += 1;
        }
        for venue in venues {
            if standing.holders.contains_key(venue) {
                self.unowned.remove(venue);
            } else {
                *self.unowned.entry(venue.clone()).or_default() += 1;
            }
        }
    }
}
