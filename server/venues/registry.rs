//! Where venues are found. A venue whose actor died, by a panic or because it could not save, is opened again
//! from its journal: on the next request, and by a look around every half second.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr, ArbiterHandle, MailboxError};
use callnext_engine::{Action, Command, Declaration, VenueId};
use tokio::sync::{Mutex, oneshot};

use super::hub::Hubs;
use super::messages::{Answer, Look, Submit, SubmitError};
use super::shown::Shown;
use super::venue_actor::VenueActor;
use crate::clock::Clock;
use crate::journal::{Journal, JournalError};
use crate::metrics::Metrics;

/// How often dead venues are looked for.
const LOOK_AROUND: Duration = Duration::from_millis(500);

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
    clock: Clock,
    hubs: Hubs,
    metrics: Arc<Metrics>,
    arbiter: ArbiterHandle,
}

struct Slot {
    config: Declaration,
    /// Held while the venue is opened, so that it is opened once.
    actor: Mutex<Option<Addr<VenueActor>>>,
}

impl Registry {
    /// A registry of these venues, none of them open yet; their actors will live on `arbiter`.
    pub fn new(
        configs: Vec<Declaration>,
        journal: Arc<dyn Journal>,
        clock: Clock,
        hubs: Hubs,
        metrics: Arc<Metrics>,
        arbiter: ArbiterHandle,
    ) -> Self {
        let order = configs.iter().map(|config| config.id.clone()).collect();
        let slot = |config: Declaration| (config.id.clone(), Slot { config, actor: Mutex::new(None) });
        Self { venues: configs.into_iter().map(slot).collect(), order, journal, clock, hubs, metrics, arbiter }
    }

    /// The venues, in the order of the settings.
    pub fn ids(&self) -> &[VenueId] {
        &self.order
    }

    /// The clock all venues go by.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Opens every venue.
    pub async fn open_all(&self) -> Result<(), RegistryError> {
        for id in &self.order {
            self.actor(id).await?;
        }
        Ok(())
    }

    /// Looks around for dead venues, for ever.
    pub async fn keep_open(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK_AROUND).await;
            for id in &self.order {
                if let Err(error) = self.actor(id).await {
                    tracing::warn!(venue = %id, %error, "a venue cannot be opened yet");
                }
            }
        }
    }

    /// Carries a command out. A venue that dies under it is opened again and asked once more: the command's id
    /// tells whether it was done before.
    pub async fn submit(&self, venue: &VenueId, command: Command) -> Result<Answer, SubmitOrRegistryError> {
        let may_repeat = command.id.is_some();
        let actor = self.actor(venue).await?;
        match actor.send(Submit(command.clone())).await {
            Ok(Err(SubmitError::Broken)) | Err(MailboxError::Closed) if may_repeat => {
                until_gone(&actor).await;
                match self.actor(venue).await?.send(Submit(command)).await {
                    Ok(answer) => Ok(answer?),
                    Err(_) => Err(SubmitError::Broken.into()),
                }
            }
            Ok(answer) => Ok(answer?),
            Err(_) => Err(SubmitError::Broken.into()),
        }
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

    /// Whether the journal answers.
    pub async fn ready(&self) -> Result<(), JournalError> {
        self.journal.ready().await
    }

    async fn actor(&self, venue: &VenueId) -> Result<Addr<VenueActor>, RegistryError> {
        let slot = self.venues.get(venue).ok_or_else(|| RegistryError::Unknown(venue.clone()))?;
        let mut actor = slot.actor.lock().await;
        if let Some(actor) = actor.as_ref().filter(|actor| actor.connected()) {
            return Ok(actor.clone());
        }
        if actor.is_some() {
            self.metrics.venue_reopened();
            tracing::warn!(venue = %venue, "a venue's actor ended; it is opened again from its journal");
        }
        let opened = self.open(&slot.config).await?;
        *actor = Some(opened.clone());
        Ok(opened)
    }

    async fn open(&self, config: &Declaration) -> Result<Addr<VenueActor>, RegistryError> {
        let opened = self.journal.open(&config.id).await?;
        tracing::info!(venue = %config.id, epoch = %opened.epoch, changes = opened.changes.len(), "venue opened");
        let (config, journal, clock) = (config.clone(), self.journal.clone(), self.clock.clone());
        let (hubs, metrics) = (self.hubs.clone(), self.metrics.clone());
        let declared = config.clone();
        let (tell, started) = oneshot::channel();
        self.arbiter.spawn_fn(move || {
            let actor = VenueActor::new(&opened, config, journal, clock, hubs, metrics);
            // Nobody waits for it any more only when the server is going down.
            drop(tell.send(Actor::start(actor)));
        });
        let actor: Addr<VenueActor> = started.await.map_err(|_| RegistryError::Broken)?;
        // The settings may have changed since the journal was written.
        let configure = Command::system(Action::Configure { declaration: Box::new(declared) });
        if let Ok(Err(error)) = actor.send(Submit(configure)).await {
            tracing::error!(%error, "the settings of a venue cannot be put in force; the earlier ones stay");
        }
        Ok(actor)
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
