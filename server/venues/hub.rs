//! One hub per worker thread: it knows the sockets of its own thread and sends each the frame it needs.
//!
//! A venue actor sends one message to each hub, not to each viewer. A session's mailbox is bounded; where it is
//! full, the viewer is behind, and gets the newest state once it can take one again: nothing piles up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use actix::prelude::*;
use bytestring::ByteString;
use callnext_engine::{TicketId, VenueId};

use super::publication::{BoardFilter, Facts, Publication};
use crate::journal::Epoch;
use crate::metrics::Metrics;
use crate::wire::HEARTBEAT_S;

/// How often a hub looks for viewers that are behind or have heard nothing for long.
const ROUND: Duration = Duration::from_secs(1);
/// A viewer that could take nothing for this long has stopped reading, and is let go.
const STALLED_MAX: Duration = Duration::from_secs(20);
/// Messages a hub's mailbox holds. Publications are few; joins and leaves come in storms.
const MAILBOX: usize = 16_384;

/// What a viewer watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// A board showing these services.
    Board(BoardFilter),
    /// The phone of one ticket, and what it shows to begin with.
    Phone(TicketId, Box<Facts>),
    /// A staff console.
    Console,
}

/// The sending end of a session: takes a frame, or says that it is full.
pub trait Viewer: Send + 'static {
    /// Hands over a frame; false if the session is full.
    fn send(&self, frame: ByteString) -> bool;
    /// Ends the session from outside: it may be stuck and hear nothing any more.
    fn end(&self);
}

/// The hubs of all workers: where venue actors publish.
#[derive(Clone, Default)]
pub struct Hubs(Arc<RwLock<Vec<Addr<Hub>>>>);

impl Hubs {
    /// Adds a worker's hub.
    pub fn add(&self, hub: Addr<Hub>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).push(hub);
    }

    /// Sends a publication to every worker.
    pub fn publish(&self, publication: &Arc<Publication>) {
        for hub in self.0.read().unwrap_or_else(PoisonError::into_inner).iter() {
            // A full hub has the next publication to look forward to: each is complete for boards and phones, and
            // consoles notice the gap and resume.
            let _full = hub.try_send(Published(publication.clone())).is_err();
        }
    }
}

/// The sockets of one worker.
pub struct Hub {
    metrics: Arc<Metrics>,
    venues: BTreeMap<VenueId, Hall>,
    next: u64,
}

/// The viewers of one venue on this worker.
#[derive(Default)]
struct Hall {
    latest: Option<Arc<Publication>>,
    viewers: BTreeMap<u64, Watching>,
    phones: BTreeMap<TicketId, BTreeSet<u64>>,
    boards: BTreeSet<u64>,
    consoles: BTreeSet<u64>,
}

struct Watching {
    audience: Audience,
    viewer: Box<dyn Viewer>,
    /// Up to which publication it was shown everything when it joined: earlier ones may still be on their way.
    joined_at: (Epoch, u64),
    heard_at: Instant,
    /// Since when it could take nothing.
    behind_since: Option<Instant>,
}

#[derive(Message)]
#[rtype(result = "()")]
struct Published(Arc<Publication>);

/// A session begins to watch. It was already given what `seen` holds.
pub struct Join {
    /// The venue.
    pub venue: VenueId,
    /// What it watches.
    pub audience: Audience,
    /// Where frames go.
    pub viewer: Box<dyn Viewer>,
    /// The publication its first frame came from.
    pub seen: Arc<Publication>,
}

impl Message for Join {
    type Result = u64;
}

#[derive(Message)]
#[rtype(result = "()")]
struct Leave {
    venue: VenueId,
    key: u64,
}

#[derive(Message)]
#[rtype(result = "()")]
struct Resend {
    venue: VenueId,
    key: u64,
}

impl Hub {
    /// A hub without viewers.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, venues: BTreeMap::new(), next: 0 }
    }

    /// A session watches no longer: `key` is the name it was given when it joined.
    pub fn leave(hub: &Addr<Self>, venue: VenueId, key: u64) {
        // Past the mailbox's limit: it must not be lost, and there is one for each session at most.
        #[expect(clippy::disallowed_methods, reason = "bounded by the number of sessions")]
        hub.do_send(Leave { venue, key });
    }

    /// A board or a phone asks for the newest state again.
    pub fn resend(hub: &Addr<Self>, venue: VenueId, key: u64) {
        // A full hub has a publication under way that says the same.
        let _full = hub.try_send(Resend { venue, key }).is_err();
    }

    fn round(&mut self, _: &mut Context<Self>) {
        let now = Instant::now();
        for hall in self.venues.values_mut() {
            let Some(latest) = hall.latest.clone() else { continue };
            for watching in hall.viewers.values_mut() {
                let silent = now.duration_since(watching.heard_at).as_secs() >= HEARTBEAT_S.saturating_sub(2);
                if watching.behind_since.is_some() || silent {
                    watching.show(&latest, now);
                }
                if watching.behind_since.is_some_and(|since| now.duration_since(since) > STALLED_MAX) {
                    self.metrics.stalled_viewer();
                    watching.viewer.end();
                }
            }
        }
    }
}

impl Actor for Hub {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        ctx.run_interval(ROUND, Self::round);
    }
}

impl Handler<Published> for Hub {
    type Result = ();

    fn handle(&mut self, Published(publication): Published, _: &mut Self::Context) {
        let hall = self.venues.entry(publication.venue.clone()).or_default();
        if hall.latest.as_ref().is_some_and(|latest| !publication.is_after(latest)) {
            return;
        }
        let now = Instant::now();
        // The people called first: a phone in a hand is nearer than a screen on a wall.
        for (ticket, facts) in &publication.changed {
            for key in hall.phones.get(ticket).into_iter().flatten() {
                if let Some(watching) = hall.viewers.get_mut(key)
                    && publication.moment() > watching.joined_at
                {
                    // Kept, because an ended ticket is in no later publication.
                    watching.audience = Audience::Phone(*ticket, Box::new(facts.clone()));
                    watching.deliver(publication.card_frame(facts), now);
                }
            }
        }
        for key in &hall.boards {
            if let Some(watching) = hall.viewers.get_mut(key)
                && let Audience::Board(filter) = &watching.audience
                && publication.moment() > watching.joined_at
            {
                let frame = publication.board_frame(filter);
                watching.deliver(frame, now);
            }
        }
        for key in &hall.consoles {
            if let Some(watching) = hall.viewers.get_mut(key)
                && publication.moment() > watching.joined_at
            {
                watching.deliver(publication.console.frame(), now);
            }
        }
        hall.latest = Some(publication);
    }
}

impl Handler<Join> for Hub {
    type Result = u64;

    fn handle(&mut self, join: Join, _: &mut Self::Context) -> u64 {
        self.next += 1;
        let key = self.next;
        let hall = self.venues.entry(join.venue).or_default();
        let (now, joined_at) = (Instant::now(), join.seen.moment());
        let mut watching =
            Watching { audience: join.audience, viewer: join.viewer, joined_at, heard_at: now, behind_since: None };
        match &watching.audience {
            Audience::Board(_) => hall.boards.insert(key),
            Audience::Console => hall.consoles.insert(key),
            Audience::Phone(ticket, _) => hall.phones.entry(*ticket).or_default().insert(key),
        };
        match &hall.latest {
            // Something was published between the first frame and now.
            Some(latest) if latest.is_after(&join.seen) => watching.show(latest, now),
            Some(_) => {}
            None => hall.latest = Some(join.seen),
        }
        hall.viewers.insert(key, watching);
        key
    }
}

impl Handler<Leave> for Hub {
    type Result = ();

    fn handle(&mut self, Leave { venue, key }: Leave, _: &mut Self::Context) {
        let Some(hall) = self.venues.get_mut(&venue) else { return };
        let Some(watching) = hall.viewers.remove(&key) else { return };
        hall.boards.remove(&key);
        hall.consoles.remove(&key);
        if let Audience::Phone(ticket, _) = watching.audience
            && let Some(keys) = hall.phones.get_mut(&ticket)
        {
            keys.remove(&key);
            if keys.is_empty() {
                hall.phones.remove(&ticket);
            }
        }
    }
}

impl Handler<Resend> for Hub {
    type Result = ();

    fn handle(&mut self, Resend { venue, key }: Resend, _: &mut Self::Context) {
        let Some(hall) = self.venues.get_mut(&venue) else { return };
        if let (Some(latest), Some(watching)) = (&hall.latest, hall.viewers.get_mut(&key)) {
            watching.show(latest, Instant::now());
        }
    }
}

impl Watching {
    fn deliver(&mut self, frame: ByteString, now: Instant) {
        if self.viewer.send(frame) {
            self.heard_at = now;
            self.behind_since = None;
        } else {
            self.behind_since.get_or_insert(now);
        }
    }

    /// Sends the newest state, or a sign of life where that would be much.
    fn show(&mut self, latest: &Publication, now: Instant) {
        if latest.moment() < self.joined_at {
            // What it was shown when it joined is still on its way to this hub.
            return;
        }
        let frame = match &self.audience {
            Audience::Board(filter) => latest.board_frame(filter),
            Audience::Phone(ticket, last) => latest.card_frame(latest.facts.get(ticket).unwrap_or(last)),
            // A console that missed something sees another `seq` than its own, and resumes.
            Audience::Console => latest.sign_of_life(),
        };
        self.deliver(frame, now);
    }
}
