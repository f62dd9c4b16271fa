//! Where venues are found. One that cannot write, because its actor died, because it could not save, or because it
//! has only now become this node's, is opened from its journal: on the next request, and by a look around.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix::prelude::SendError;
use actix::{Actor, Addr, ArbiterHandle};
use callnext_engine::{Action, Change, Command, Declaration, Seq, Venue, VenueId};
use tokio::sync::{Mutex, oneshot, watch};
use tokio::time::Instant;

use super::hubs::Hubs;
use super::messages::{Answer, Follow, Look, Promote, Submit, SubmitError, Yield};
use super::past::Past;
use super::shown::{MERGE, Shown};
use super::venue_actor::VenueActor;
use super::watched::Watched;
use super::writers::{Alone, There, Writer, Writers};
use crate::clock::Clock;
use crate::journal::{Epoch, Journal, JournalError, Opened};
use crate::metrics::Metrics;

/// How often dead venues are looked for.
const LOOK_AROUND: Duration = Duration::from_millis(500);
/// How long a command waits for somebody to write the venue: longer than a venue takes to move, and than a lease.
const PATIENCE: Duration = Duration::from_secs(8);
/// Pauses between two looks who that is.
const PAUSE_MIN: Duration = Duration::from_millis(2);
const PAUSE_MAX: Duration = Duration::from_millis(100);
/// How long an answer from another node waits until this one shows what it tells: nobody reads an older state than
/// they have written. Beyond it, the answer is worth more.
const CATCH_UP_MAX: Duration = Duration::from_millis(500);
/// Changes given back to a journal in one append.
const GIVEN_BACK: usize = 500;
/// Changes read at a time.
const PAGE: usize = 5_000;

/// Why a venue cannot be reached.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RegistryError {
    /// There is no such venue here.
    #[error("there is no venue \"{0}\"")]
    Unknown(VenueId),
    /// It cannot be opened.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// It died while it was asked.
    #[error("the venue failed")]
    Broken,
}

/// The venues of this server.
pub struct Registry {
    venues: BTreeMap<VenueId, Slot>,
    order: Vec<VenueId>,
    journal: Arc<dyn Journal>,
    past: Past,
    writers: Arc<dyn Writers>,
    clock: Clock,
    hubs: Hubs,
    metrics: Arc<Metrics>,
    merge: Duration,
    arbiter: ArbiterHandle,
}

struct Slot {
    config: Declaration,
    /// Held while the venue is opened, so that it is opened once.
    actor: Mutex<Option<Addr<VenueActor>>>,
    /// Whether the actor writes.
    is_owner: Arc<AtomicBool>,
    /// Whether it can be neither opened nor followed at the moment.
    is_cut_off: Arc<AtomicBool>,
    /// Whether it ever did.
    was_owner: AtomicBool,
}

impl Registry {
    /// A registry of these venues, none of them open yet, all of them written here; their actors will live on
    /// `arbiter`.
    pub fn new(
        configs: Vec<Declaration>,
        journal: Arc<dyn Journal>,
        clock: Clock,
        hubs: Hubs,
        metrics: Arc<Metrics>,
        arbiter: ArbiterHandle,
    ) -> Self {
        let order = configs.iter().map(|config| config.id.clone()).collect();
        let slot = |config: Declaration| {
            let id = config.id.clone();
            (
                id,
                Slot {
                    config,
                    actor: Mutex::new(None),
                    is_owner: Arc::default(),
                    is_cut_off: Arc::default(),
                    was_owner: AtomicBool::new(false),
                },
            )
        };
        let venues = configs.into_iter().map(slot).collect();
        let past = Past::new(journal.clone());
        Self {
            venues,
            order,
            journal,
            past,
            writers: Arc::new(Alone::default()),
            clock,
            hubs,
            metrics,
            merge: MERGE,
            arbiter,
        }
    }

    /// The same, with changes within this span published together; calls are published at once in any case.
    #[must_use]
    pub fn merging(self, merge: Duration) -> Self {
        Self { merge, ..self }
    }

    /// The same, among other nodes.
    #[must_use]
    pub fn among(self, writers: Arc<dyn Writers>) -> Self {
        Self { writers, ..self }
    }

    /// The venues, in the order of the settings.
    pub fn ids(&self) -> &[VenueId] {
        &self.order
    }

    /// What is watched here.
    pub fn watched(&self) -> &Watched {
        self.hubs.watched()
    }

    /// The clock all venues go by.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Opens every venue: those that are written here for writing.
    pub async fn open_all(&self) -> Result<(), RegistryError> {
        for id in &self.order {
            self.owner(id).await?;
        }
        Ok(())
    }

    /// Looks around for venues that should be open and are not, for ever.
    pub async fn keep_open(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK_AROUND).await;
            for id in &self.order {
                if let Err(error) = self.owner(id).await {
                    tracing::warn!(venue = %id, %error, "a venue cannot be opened yet");
                    self.cut_off(std::slice::from_ref(id), true);
                }
            }
        }
    }

    /// Says whether these venues are cut off from whoever writes them. Where they are written here it means nothing.
    pub fn cut_off(&self, venues: &[VenueId], cut_off: bool) {
        for slot in venues.iter().filter_map(|venue| self.venues.get(venue)) {
            slot.is_cut_off.store(cut_off, Ordering::Relaxed);
        }
    }

    /// Carries a command out, wherever the venue is written. A venue that dies under it is opened again and asked
    /// once more: the command's id tells whether it was done before.
    pub async fn submit(&self, venue: &VenueId, command: Command) -> Result<Answer, SubmitOrRegistryError> {
        let until = Instant::now() + PATIENCE;
        let (mut pause, mut tries_left) = (PAUSE_MIN, 1);
        let mut moves = self.writers.moves();
        loop {
            moves.mark_unchanged();
            let answer = match self.writers.writer(venue) {
                Writer::Here(_) => self.submit_here(venue, command.clone()).await,
                Writer::There(there) => self.submit_there(venue, &command, there.as_ref(), &mut moves).await,
                Writer::Nobody => Err(SubmitError::NotOwner.into()),
            };
            match answer {
                Err(SubmitOrRegistryError::Submit(SubmitError::Broken | SubmitError::Unsure))
                    if command.id.is_some() && tries_left > 0 =>
                {
                    tries_left -= 1;
                }
                // Nobody would know whether to ask again.
                Err(SubmitOrRegistryError::Submit(SubmitError::Unsure)) if command.id.is_none() => {
                    return Err(SubmitError::Broken.into());
                }
                Err(SubmitOrRegistryError::Submit(SubmitError::NotOwner | SubmitError::Moved))
                    if Instant::now() < until => {}
                answer => return answer,
            }
            // A venue that comes to somebody is asked at once.
            let _came = tokio::time::timeout(pause, changed(&mut moves)).await.is_ok();
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Has a command carried out at another node, and waits until what came of it is shown here.
    ///
    /// Should the venue go to somebody else first, a node that sleeps or is lost is waited for no longer: whether it did
    /// anything, the command's id tells the next one. A command without an id is worth the wait for its only answer.
    async fn submit_there(
        &self,
        venue: &VenueId,
        command: &Command,
        there: &dyn There,
        moves: &mut watch::Receiver<()>,
    ) -> Result<Answer, SubmitOrRegistryError> {
        let asked = there.submit(venue, command);
        let answer = if command.id.is_some() {
            tokio::select! {
                answer = asked => answer?,
                () = self.moved_from(venue, there, moves) => return Err(SubmitError::Moved.into()),
            }
        } else {
            asked.await?
        };
        self.catch_up(venue, answer.seq).await;
        Ok(answer)
    }

    /// Waits until a venue is no longer thought to be there.
    async fn moved_from(&self, venue: &VenueId, there: &dyn There, moves: &mut watch::Receiver<()>) {
        let is_there = || match self.writers.writer(venue) {
            Writer::There(now) => now.instance() == there.instance(),
            Writer::Here(_) | Writer::Nobody => false,
        };
        while is_there() {
            changed(moves).await;
        }
    }

    /// Carries a command out here, if the venue is written here.
    pub async fn submit_here(&self, venue: &VenueId, command: Command) -> Result<Answer, SubmitOrRegistryError> {
        let actor = self.owner(venue).await?;
        match ask(&actor, command).await {
            Some(answer) => Ok(answer?),
            None => {
                until_gone(&actor).await;
                Err(SubmitError::Broken.into())
            }
        }
    }

    /// What reads days again.
    pub(super) fn past(&self) -> &Past {
        &self.past
    }

    /// Looks at what the world sees of a venue.
    pub async fn look<R: Send + 'static>(
        &self,
        venue: &VenueId,
        look: impl FnOnce(&mut Shown) -> R + Send + 'static,
    ) -> Result<R, RegistryError> {
        let actor = self.actor(venue).await?;
        actor.send(Look(Box::new(look))).await.map_err(|_| RegistryError::Broken)
    }

    /// Takes in what another node wrote. What does not follow on what is known here has the venue loaded anew; then
    /// the answer is false.
    pub async fn follow(&self, venue: &VenueId, epoch: Epoch, changes: Vec<Change>) -> Result<bool, RegistryError> {
        let actor = self.actor(venue).await?;
        if actor.send(Follow { epoch, changes }).await.map_err(|_| RegistryError::Broken)? {
            return Ok(true);
        }
        tracing::warn!(venue = %venue, "what another node wrote does not follow on what is known; loading anew");
        let opened = self.journal.load(venue).await?;
        let reload = Look(Box::new(move |shown: &mut Shown| shown.reload(&opened)));
        actor.send(reload).await.map_err(|_| RegistryError::Broken)?;
        Ok(false)
    }

    /// Stops writing a venue, once what is under way is saved.
    pub async fn give_up(&self, venue: &VenueId) {
        let Some(slot) = self.venues.get(venue) else { return };
        let actor = slot.actor.lock().await.clone();
        if let Some(actor) = actor {
            // A dead actor writes no more either.
            let _dead = actor.send(Yield).await.is_err();
        }
    }

    /// Opens a venue for writing if it is this node's now.
    pub async fn take_up(&self, venue: &VenueId) -> Result<(), RegistryError> {
        self.owner(venue).await.map(drop)
    }

    /// Whether a venue is being written here.
    pub fn is_owner(&self, venue: &VenueId) -> bool {
        self.venues.get(venue).is_some_and(|slot| slot.is_owner.load(Ordering::Acquire))
    }

    /// Whether the journal answers.
    pub async fn ready(&self) -> Result<(), JournalError> {
        self.journal.ready().await
    }

    /// In how far the journal's store may lose more than the settings promise.
    pub fn shortfalls(&self) -> Vec<String> {
        self.journal.shortfalls()
    }

    /// The venue's actor, whether it writes or not.
    async fn actor(&self, venue: &VenueId) -> Result<Addr<VenueActor>, RegistryError> {
        let slot = self.slot(venue)?;
        self.started(slot, &mut *slot.actor.lock().await).await
    }

    /// The venue's actor, opened for writing if it should be written here and is not.
    async fn owner(&self, venue: &VenueId) -> Result<Addr<VenueActor>, RegistryError> {
        let slot = self.slot(venue)?;
        let mut held = slot.actor.lock().await;
        let actor = self.started(slot, &mut held).await?;
        if let Writer::Here(term) = self.writers.writer(venue)
            && !slot.is_owner.load(Ordering::Acquire)
            && term.holds()
        {
            if slot.was_owner.swap(true, Ordering::Relaxed) {
                self.metrics.venue_reopened();
                tracing::warn!(venue = %venue, "a venue is opened again from its journal");
            }
            let opened = self.claim(venue, &actor).await?;
            tracing::info!(venue = %venue, epoch = %opened.epoch, "venue opened");
            actor.send(Promote { opened, term }).await.map_err(|_| RegistryError::Broken)?;
            // The settings may have changed since the journal was written.
            let configure = Command::system(Action::Configure { declaration: Box::new(slot.config.clone()) });
            if let Some(Err(error)) = ask(&actor, configure).await {
                tracing::error!(%error, "the settings of a venue cannot be put in force; the earlier ones stay");
            }
        }
        Ok(actor)
    }

    fn slot(&self, venue: &VenueId) -> Result<&Slot, RegistryError> {
        self.venues.get(venue).ok_or_else(|| RegistryError::Unknown(venue.clone()))
    }

    async fn started(
        &self,
        slot: &Slot,
        held: &mut Option<Addr<VenueActor>>,
    ) -> Result<Addr<VenueActor>, RegistryError> {
        if let Some(actor) = held.as_ref().filter(|actor| actor.connected()) {
            return Ok(actor.clone());
        }
        let actor = self.start(slot).await?;
        *held = Some(actor.clone());
        Ok(actor)
    }

    /// Starts an actor that shows what the journal has.
    async fn start(&self, slot: &Slot) -> Result<Addr<VenueActor>, RegistryError> {
        let (config, clock) = (slot.config.clone(), self.clock.clone());
        let (hubs, metrics, journal) = (self.hubs.clone(), self.metrics.clone(), self.journal.clone());
        let loaded = self.journal.load(&config.id).await?;
        let (is_owner, is_cut_off) = (slot.is_owner.clone(), slot.is_cut_off.clone());
        let (may_forget, merge) = (journal.may_forget(), self.merge);
        let (tell, started) = oneshot::channel();
        self.arbiter.spawn_fn(move || {
            let mut shown = Shown::new(Venue::new(config), loaded.epoch, clock, hubs, metrics).merging(merge);
            if may_forget {
                shown = shown.remembering();
            }
            shown.catch_up(&loaded);
            // Nobody waits for it any more only when the server is going down.
            drop(tell.send(Actor::start(VenueActor::new(shown, journal, is_owner, is_cut_off))));
        });
        started.await.map_err(|_| RegistryError::Broken)
    }

    /// Takes ownership, and reads what the actor does not have: little, where it followed; the whole day, where it
    /// begins, or where the journal has another history than it.
    async fn claim(&self, venue: &VenueId, actor: &Addr<VenueActor>) -> Result<Opened, RegistryError> {
        let known = actor.send(Look(Box::new(|shown: &mut Shown| (shown.last_change().cloned(), shown.epoch())))).await;
        let (last, known) = known.map_err(|_| RegistryError::Broken)?;
        let epoch = self.journal.claim(venue, known).await?;
        if let Some(last) = &last {
            let changes = self.read_from(venue, last.seq).await?;
            if changes.first() == Some(last) {
                return Ok(Opened { epoch, changes });
            }
        }
        let loaded = self.journal.load(venue).await?;
        if let Some(last) = last
            && self.give_back(venue, epoch, loaded.changes.clone(), actor).await?
        {
            return Ok(Opened { epoch, changes: self.read_from(venue, last.seq).await? });
        }
        Ok(Opened { epoch, ..loaded })
    }

    /// Gives the journal what it has lost of the day, if what it kept is how the day began. Everything of it was kept
    /// once and acknowledged. False if there is nothing to give.
    async fn give_back(
        &self,
        venue: &VenueId,
        epoch: Epoch,
        kept: Vec<Change>,
        actor: &Addr<VenueActor>,
    ) -> Result<bool, RegistryError> {
        let lost = actor.send(Look(Box::new(move |shown: &mut Shown| shown.lost_by(&kept)))).await;
        let lost = lost.map_err(|_| RegistryError::Broken)?;
        if lost.is_empty() {
            return Ok(false);
        }
        tracing::error!(venue = %venue, changes = lost.len(), "ALARM: the journal has lost changes; it is given them back");
        for part in lost.chunks(GIVEN_BACK) {
            self.journal.append(venue, epoch, part.to_vec()).await?;
        }
        Ok(true)
    }

    async fn read_from(&self, venue: &VenueId, seq: Seq) -> Result<Vec<Change>, JournalError> {
        let mut changes: Vec<Change> = Vec::new();
        loop {
            let after = changes.last().map_or(Seq(seq.0.saturating_sub(1)), |last| last.seq);
            let page = self.journal.read(venue, after, PAGE).await?;
            let is_last = page.len() < PAGE;
            changes.extend(page);
            if is_last {
                return Ok(changes);
            }
        }
    }

    async fn catch_up(&self, venue: &VenueId, seq: Seq) {
        let Ok(mut progress) = self.look(venue, |shown| shown.progress()).await else { return };
        // Too late is not wrong: what this node shows says itself how old it is.
        drop(tokio::time::timeout(CATCH_UP_MAX, progress.wait_for(|reached| *reached >= seq)).await);
    }
}

/// Asks an actor; none if it died. Whoever comes when its mailbox is full waits for a place there.
async fn ask(actor: &Addr<VenueActor>, command: Command) -> Option<Result<Answer, SubmitError>> {
    let (reply, answered) = oneshot::channel();
    match actor.try_send(Submit { command, reply }) {
        Ok(()) => {}
        Err(SendError::Full(submit)) => actor.send(submit).await.ok()?,
        Err(SendError::Closed(_)) => return None,
    }
    answered.await.ok()
}

/// Waits for the next move; for ever where there are no more.
async fn changed(moves: &mut watch::Receiver<()>) {
    if moves.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Waits for the end of an actor that is dying: its callers hear of it a moment before its address does, and
/// asking at that address again would be asking nobody.
async fn until_gone(actor: &Addr<VenueActor>) {
    const LOOK: Duration = Duration::from_millis(1);
    const LOOKS_MAX: u32 = 1_000;
    for _ in 0..LOOKS_MAX {
        if !actor.connected() {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Why a command was not carried out.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SubmitOrRegistryError {
    /// The venue did not do it.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The venue could not be reached.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use actix::Arbiter;
    use callnext_engine::counter::CounterState;
    use callnext_engine::ticket::Visitor;
    use callnext_engine::{CounterId, Lane, ServiceId, TicketId, Timestamp, VenueConfig};

    use super::*;
    use crate::journal::memory::MemoryJournal;
    use crate::venues::{Publication, Sight, Subscriber};

    /// Counts what is published.
    #[derive(Default)]
    struct Counted(AtomicU32);

    impl Subscriber for Counted {
        fn published(&self, _: &Arc<Publication>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn hall() -> Declaration {
        let config: VenueConfig = serde_json::from_value(serde_json::json!({
            "id": "hall", "name": "Hall", "time_zone": "UTC",
            "service": [{ "id": "all", "name": "All", "prefix": "A" }],
            "counter": [{ "id": "1", "name": "1", "services": ["all"] }],
        }))
        .unwrap();
        config.into()
    }

    fn registry(hubs: Hubs) -> (Registry, VenueId) {
        let clock = Clock::own(Timestamp(1_772_420_400_000), 0);
        let (journal, metrics) = (Arc::new(MemoryJournal::new()), Arc::default());
        let registry = Registry::new(vec![hall()], journal, clock, hubs, metrics, Arbiter::current());
        (registry, VenueId::parse("hall").unwrap())
    }

    fn open() -> Action {
        let counter = CounterId::parse("1").unwrap();
        Action::SetCounter { counter, state: CounterState::Open, services: None }
    }

    fn take() -> Action {
        let (service, visitor) = (ServiceId::parse("all").unwrap(), Visitor::default());
        Action::TakeTicket { service, lane: Lane::WalkIn, visitor, wants: None }
    }

    fn call() -> Action {
        Action::CallNext { counter: CounterId::parse("1").unwrap() }
    }

    /// Publications for three numbers taken one after the other, and for the call after them.
    async fn published(merge: Duration) -> (u32, u32) {
        let (hubs, counted) = (Hubs::default(), Arc::new(Counted::default()));
        hubs.add(counted.clone());
        let (registry, venue) = registry(hubs);
        let registry = registry.merging(merge);
        let done = async |action| registry.submit(&venue, Command::system(action)).await.unwrap();
        // What is asked of the actor after a command is answered after what follows on it.
        let seen = async |look: fn(&mut Shown)| {
            registry.look(&venue, look).await.unwrap();
            counted.0.load(Ordering::Relaxed)
        };
        done(open()).await;
        let begun = seen(|shown| drop(shown.current())).await;
        for _ in 0..3 {
            done(take()).await;
        }
        let taken = seen(|_| ()).await;
        done(call()).await;
        (taken - begun, seen(|_| ()).await - taken)
    }

    #[actix::test]
    async fn changes_are_merged_for_as_long_as_was_set_and_calls_never() {
        assert_eq!(published(Duration::ZERO).await, (3, 1), "each by itself");
        assert_eq!(published(Duration::from_secs(3600)).await, (0, 1), "all with the next call");
    }

    #[actix::test]
    async fn cards_are_reckoned_for_open_phones_and_are_the_same_for_whoever_asks() {
        let (registry, venue) = registry(Hubs::default());
        let done = async |action| registry.submit(&venue, Command::system(action)).await.unwrap();
        done(open()).await;
        for _ in 0..5 {
            done(take()).await;
        }
        let current = async || registry.look(&venue, Shown::current).await.unwrap();
        let card = async |ticket| registry.look(&venue, move |shown| shown.card(ticket)).await.unwrap().unwrap().0;
        assert!(current().await.facts.is_empty(), "nobody looks");
        let tickets: Vec<TicketId> = (1..=5).map(TicketId).collect();
        let mut asked = BTreeMap::new();
        for ticket in &tickets {
            asked.insert(*ticket, card(*ticket).await);
        }
        assert_eq!(asked.values().map(|facts| facts.ahead).collect::<Vec<_>>(), [0, 1, 2, 3, 4].map(Some));
        let open: Vec<_> =
            tickets.iter().skip(1).map(|ticket| registry.watched().watch(&venue, Sight::Card(*ticket))).collect();
        done(call()).await;
        let after = current().await;
        assert!(after.facts.keys().eq(tickets.iter().skip(1)), "those that are open");
        assert_eq!(after.changed, tickets[1..], "all of them moved up");
        let moved = after.facts.values().map(|facts| facts.ahead).collect::<Vec<_>>();
        assert_eq!(moved, [0, 1, 2, 3].map(Some));
        for ticket in &tickets[1..] {
            assert_eq!(after.facts.get(ticket), Some(&card(*ticket).await));
        }
        drop(open);
        done(call()).await;
        assert!(current().await.facts.is_empty(), "nobody looks any more");
    }
}
