//! One node's part: it shows that it is there, renews what it owns, takes what nobody owns, hands over what another
//! should have, and follows the rest.
//!
//! Three things go on beside each other. It *looks around*, which waits for nobody but the keeper of the leases:
//! whatever else there is to do, leases are renewed in time. It *arranges* what it saw: takes venues, opens them, hands
//! them over. And it *follows* what others write.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use callnext_engine::VenueId;
use futures_util::StreamExt;
use tokio::sync::{Mutex, watch};

use super::holdings::{Holding, Holdings};
use super::lease::{LeaseError, Leases, Node, Standing};
use super::peers::Peers;
use super::spread::preferred;
use crate::journal::tail::{News, Position, Tail};
use crate::venues::{Registry, Writers};

/// Times a node looks how things stand within one lease: a missed one or two cost nothing.
const LOOKS_PER_LEASE: u32 = 8;
/// What is left of a lease when its owner stops writing: its clock may run a little slower than the keeper's, and
/// what it sent last may still be under way.
const MARGIN_DIVISOR: u32 = 5;
/// Looks during which a venue that nobody owns is left to the node that should have it.
const LOOKS_LEFT_TO_PREFERRED: u32 = 2;
/// Looks a new node must have been seen before venues are moved to it: one that comes and goes moves nothing.
const LOOKS_BEFORE_MOVING: u32 = 3;
/// Venues taken, opened or looked at, at the same time.
const AT_ONCE: usize = 32;
/// Venues handed over at the same time. What each costs is the processor's time: more of them at once would only make
/// each wait longer.
const HANDED_OVER_AT_ONCE: usize = 8;
/// Venues moved to their better place in one look.
const MOVES_PER_LOOK: usize = 64;
/// Pause after a journal that does not answer.
const TAIL_PAUSE: Duration = Duration::from_millis(250);
/// Least time between two changes of what is followed: while many venues move, news still come through.
const REGROUP_PAUSE: Duration = Duration::from_millis(50);

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
    /// What the last look showed.
    outlook: watch::Sender<Outlook>,
    /// Whether this node takes nothing more, because it is about to stop.
    is_leaving: AtomicBool,
    /// Held while it looks around: a look that ends after it left would say that it is still there.
    looking: Mutex<()>,
    /// Held while it arranges things: what it leaves behind must not be taken up again.
    arranging: Mutex<()>,
}

/// How things stood at the last look, and for how long.
#[derive(Debug, Clone, Default)]
struct Outlook {
    standing: Standing,
    /// For how many looks each node has been there.
    seen: BTreeMap<Node, u32>,
    /// For how many looks each venue has been without an owner.
    unowned: BTreeMap<VenueId, u32>,
}

impl Member {
    /// A node that takes part from now on, once [`Member::run`] is called.
    pub fn new(settings: MemberSettings, leases: Arc<dyn Leases>, tail: Arc<dyn Tail>, peers: Peers) -> Self {
        Self {
            settings,
            me: OnceLock::new(),
            leases,
            tail,
            holdings: Arc::new(Holdings::new(peers)),
            outlook: watch::Sender::default(),
            is_leaving: AtomicBool::new(false),
            looking: Mutex::default(),
            arranging: Mutex::default(),
        }
    }

    /// Where venues are written, for the registry.
    pub fn writers(&self) -> Arc<dyn Writers> {
        Arc::new(self.holdings.clone())
    }

    /// The line to the other nodes, and what judges what they send.
    pub fn peers(&self) -> &Peers {
        &self.holdings.peers
    }

    /// The node that writes a venue, as far as is known.
    pub fn holder(&self, venue: &VenueId) -> Option<Node> {
        match self.holdings.of(venue)? {
            Holding::Mine(_) => self.me.get().cloned(),
            Holding::Theirs(node) => Some(node),
        }
    }

    /// Takes part, for ever; this node listens at `address`.
    pub async fn run(&self, registry: Arc<Registry>, address: String) {
        self.me.get_or_init(|| Node {
            name: self.settings.name.clone(),
            address: self.settings.address.clone().unwrap_or(address),
            instance: self.peers().signer().instance().to_owned(),
        });
        futures_util::future::join3(self.look_around(&registry), self.arrange(&registry), self.follow(&registry)).await;
    }

    /// Who this node is. Before it takes part it is nobody, and owns nothing.
    fn me(&self) -> Result<&Node, LeaseError> {
        self.me.get().ok_or_else(|| LeaseError("this node does not take part yet".to_owned()))
    }

    fn is_leaving(&self) -> bool {
        self.is_leaving.load(Ordering::Acquire)
    }

    async fn look_around(&self, registry: &Registry) {
        let mut clock = tokio::time::interval(self.settings.lease / LOOKS_PER_LEASE);
        clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            clock.tick().await;
            let _looking = self.looking.lock().await;
            // What it has not handed over yet stays its own until then.
            let looked = if self.is_leaving() { self.renew().await } else { self.look(registry).await };
            registry.cut_off(registry.ids(), looked.is_err());
            if let Err(error) = looked {
                // Terms run out by themselves.
                tracing::warn!(%error, "this node cannot tell how things stand");
            }
        }
    }

    /// Looks once: says that this node is there, goes on owning what it owns, and notes what others own.
    async fn look(&self, registry: &Registry) -> Result<(), LeaseError> {
        let me = self.me()?;
        let asked = Instant::now();
        let standing = self.leases.beat(me, registry.ids(), self.settings.lease).await?;
        self.renew().await?;
        for venue in registry.ids() {
            match standing.holders.get(venue) {
                Some(holder) if holder != me => self.holdings.is_at(venue, holder, asked),
                // Given to this node, or taken by it: it says so itself.
                Some(_) => {}
                None => self.holdings.is_nowhere(venue),
            }
        }
        self.outlook.send_modify(|outlook| outlook.note(standing, registry.ids()));
        Ok(())
    }

    /// Goes on owning what is this node's.
    async fn renew(&self) -> Result<(), LeaseError> {
        let asked = Instant::now();
        let mine = self.holdings.mine();
        let venues: Vec<VenueId> = mine.keys().cloned().collect();
        for venue in self.leases.renew(self.me()?, &venues, self.settings.lease).await? {
            if let Some(term) = mine.get(&venue) {
                term.extend(self.end_of(asked));
            }
        }
        Ok(())
    }

    /// When an owner stops writing whose lease was asked for at that moment.
    fn end_of(&self, asked: Instant) -> Instant {
        asked + self.settings.lease.saturating_sub(self.settings.lease / MARGIN_DIVISOR)
    }

    /// Does what follows from each look, for ever.
    async fn arrange(&self, registry: &Registry) {
        let mut outlooks = self.outlook.subscribe();
        // It ends with this node.
        while outlooks.changed().await.is_ok() {
            let outlook = outlooks.borrow_and_update().clone();
            let _arranging = self.arranging.lock().await;
            if self.is_leaving() {
                return;
            }
            if let Err(error) = self.act_on(registry, &outlook).await {
                tracing::warn!(%error, "venues cannot be taken or handed over at the moment");
            }
        }
    }

    async fn act_on(&self, registry: &Registry, outlook: &Outlook) -> Result<(), LeaseError> {
        let (me, standing) = (self.me()?, &outlook.standing);
        self.lay_down(registry).await;
        let named = |venue: &&VenueId| standing.holders.get(*venue) == Some(me) && !self.holdings.is_mine(venue);
        // Given to this node, or taken by it a moment ago.
        self.accept(&registry.ids().iter().filter(named).cloned().collect::<Vec<_>>()).await?;
        let wanted = registry.ids().iter().filter(|venue| {
            let unowned = outlook.unowned.get(*venue).copied().unwrap_or_default();
            unowned > LOOKS_LEFT_TO_PREFERRED
                || (unowned > 0 && preferred(venue, &standing.nodes).is_some_and(|node| node == me))
                // The keeper of the leases has lost it, not we.
                || (unowned > 0 && self.holdings.is_mine(venue))
        });
        each(AT_ONCE, wanted, async |venue| {
            if let Err(error) = self.acquire(venue, registry).await {
                tracing::warn!(%venue, %error, "a venue without an owner cannot be taken yet");
            }
        })
        .await;
        // Whoever asks for one meanwhile has it opened first.
        self.open_mine(registry).await;
        self.move_on(registry, outlook, me).await;
        Ok(())
    }

    /// Stops writing what has become another's.
    async fn lay_down(&self, registry: &Registry) {
        let lost = |venue: &&VenueId| registry.is_owner(venue) && !self.holdings.is_mine(venue);
        let lost: Vec<&VenueId> = registry.ids().iter().filter(lost).collect();
        if lost.is_empty() {
            return;
        }
        let given_up = each(AT_ONCE, lost, async |venue| registry.give_up(venue).await);
        // What is under way may take its time; it will stop after that.
        let _late = tokio::time::timeout(self.settings.lease, given_up).await.is_err();
        // From now on they are followed.
        self.holdings.moved();
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
        }
        Ok(())
    }

    /// Takes up the venues of these whose lease names this node.
    async fn accept(&self, venues: &[VenueId]) -> Result<Vec<VenueId>, LeaseError> {
        if venues.is_empty() {
            return Ok(Vec::new());
        }
        let asked = Instant::now();
        let kept = self.leases.renew(self.me()?, venues, self.settings.lease).await?;
        for venue in &kept {
            self.holdings.keep(venue, self.end_of(asked));
        }
        Ok(kept)
    }

    /// Another node gave this venue to us: opens it. False if the lease does not say so.
    pub async fn given(&self, venue: &VenueId, registry: &Registry) -> bool {
        if self.is_leaving() || !self.accept(std::slice::from_ref(venue)).await.is_ok_and(|kept| kept.contains(venue)) {
            return false;
        }
        self.open(venue, registry).await;
        true
    }

    /// Opens what is this node's and is not open: it was just taken, its actor died, or its journal was away.
    async fn open_mine(&self, registry: &Registry) {
        let closed = self.holdings.mine().into_keys().filter(|venue| !registry.is_owner(venue));
        each(AT_ONCE, closed, async |venue| self.open(&venue, registry).await).await;
    }

    async fn open(&self, venue: &VenueId, registry: &Registry) {
        if let Err(error) = registry.take_up(venue).await {
            tracing::warn!(%venue, %error, "a venue of this node cannot be opened yet");
        }
    }

    /// Hands over what another node should have, a part at a time.
    async fn move_on(&self, registry: &Registry, outlook: &Outlook, me: &Node) {
        let is_settled =
            |node: &&Node| *node == me || outlook.seen.get(*node).is_some_and(|looks| *looks > LOOKS_BEFORE_MOVING);
        let settled: Vec<&Node> = outlook.standing.nodes.iter().filter(is_settled).collect();
        let moves = self.holdings.mine().into_keys().filter_map(|venue| {
            let to = preferred(&venue, settled.iter().copied()).filter(|to| *to != me)?;
            Some((venue, to.clone()))
        });
        self.hand_over(registry, moves.take(MOVES_PER_LOOK).collect()).await;
    }

    async fn hand_over(&self, registry: &Registry, moves: Vec<(VenueId, Node)>) {
        each(HANDED_OVER_AT_ONCE, moves, async |(venue, to)| {
            if let Err(error) = self.give(registry, &venue, &to).await {
                tracing::warn!(%venue, to = to.name, %error, "a venue cannot be handed over");
            }
        })
        .await;
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
        // It sees the lease at its next look in any case, so one that sleeps holds nobody up.
        let telling = tokio::time::timeout(self.settings.lease / 2, self.holdings.peers.give(to, venue));
        let told = telling.await.unwrap_or(false);
        tracing::info!(%venue, to = to.name, told, took_ms = begun.elapsed().as_millis(), "venue handed over");
        Ok(())
    }

    /// Hands everything over, before this node stops. What nobody can take is left to whoever comes.
    pub async fn leave(&self, registry: &Registry) {
        let Ok(me) = self.me() else { return };
        self.is_leaving.store(true, Ordering::Release);
        let _arranging = self.arranging.lock().await;
        // A look that had begun has ended; those that follow only renew.
        drop(self.looking.lock().await);
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
        each(AT_ONCE, self.holdings.mine().into_keys(), async |venue| {
            registry.give_up(&venue).await;
            if let Err(error) = self.leases.release(me, &venue, None, self.settings.lease).await {
                tracing::warn!(%venue, %error, "a venue cannot be given up; its lease runs out");
            }
            self.holdings.set(&venue, None);
        })
        .await;
    }

    /// Reads what other nodes write, for ever.
    async fn follow(&self, registry: &Registry) {
        let mut moves = self.holdings.moves();
        loop {
            let regrouped = tokio::time::Instant::now();
            let mut positions = positions_of(registry).await;
            loop {
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
                    () = moved_since(regrouped, &mut moves) => break,
                }
            }
        }
    }
}

/// Does something with each, so many at a time.
async fn each<T, F: Future<Output = ()>>(at_once: usize, all: impl IntoIterator<Item = T>, act: impl FnMut(T) -> F) {
    futures_util::stream::iter(all).for_each_concurrent(at_once, act).await;
}

/// Waits until something has moved, and some time has gone by since.
async fn moved_since(last: tokio::time::Instant, moves: &mut watch::Receiver<()>) {
    // They are told of as long as this node takes part.
    if moves.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
    // Not forgotten should whoever waits stop waiting.
    moves.mark_changed();
    tokio::time::sleep_until(last + REGROUP_PAUSE).await;
    moves.mark_unchanged();
}

/// The venues that are not written here, and how far each is known.
async fn positions_of(registry: &Registry) -> BTreeMap<VenueId, Position> {
    let followed = registry.ids().iter().filter(|venue| !registry.is_owner(venue));
    let positions = followed.map(async |venue| Some((venue.clone(), position_of(registry, venue).await?)));
    futures_util::stream::iter(positions)
        .buffer_unordered(AT_ONCE)
        .filter_map(async |position| position)
        .collect()
        .await
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

impl Outlook {
    fn note(&mut self, standing: Standing, venues: &[VenueId]) {
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
        self.standing = standing;
    }
}
