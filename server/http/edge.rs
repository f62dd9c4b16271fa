//! What every handler works with.

use std::sync::Arc;

use actix_web::HttpRequest;
use callnext_engine::{Action, Command, TicketState, VenueId};

use super::admission::Admission;
use super::error::ApiError;
use super::watch::Closing;
use super::write::Write;
use crate::access::{Access, Permission, Principal, TicketLink};
use crate::clock::Clock;
use crate::cluster::Member;
use crate::metrics::Metrics;
use crate::snapshot::Nights;
use crate::venues::{Answer, Bell, Registry};
use crate::wire::DemoInfo;

/// Transfers a link is followed through: more than anybody is sent on in one day. Each arrival is a new ticket, so no
/// way leads round in circles.
const HOPS_MAX: usize = 1_000;

/// The parts of the server that requests need.
pub struct Edge {
    /// The venues.
    pub registry: Arc<Registry>,
    /// Accounts, logins and devices.
    pub access: Access,
    /// The venues' time.
    pub clock: Clock,
    /// The time by which logins end: the machine's, also in a demo that runs faster.
    pub wall: Clock,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// Whether every day that is over has its snapshot.
    pub nights: Nights,
    /// Where phones reach this server, if it is not where the request came in.
    pub public_url: Option<String>,
    /// Other origins whose pages may use this server.
    pub trusted_origins: Vec<String>,
    /// How many sockets are let in.
    pub admission: Admission,
    /// Wakes whoever carries tickets to other venues.
    pub bell: Bell,
    /// Whether the server is going down: sockets are told to come back.
    pub closing: Closing,
    /// The demo, if this is one.
    pub demo: Option<DemoState>,
    /// This node's part among others, if there are others.
    pub member: Option<Arc<Member>>,
}

/// What only a demo has.
pub struct DemoState {
    /// What it gives away.
    pub info: DemoInfo,
    /// Whether the recorded day is still played.
    pub playing: Box<dyn Fn() -> bool + Send + Sync>,
    /// Told whose account works a counter: the player's own, or a person's.
    pub works: Box<dyn Fn(&str) + Send + Sync>,
}

impl DemoState {
    /// What the demo gives away, as it is now.
    pub fn info(&self) -> DemoInfo {
        DemoInfo { playing: (self.playing)(), ..self.info.clone() }
    }
}

impl Edge {
    /// Submits what an asker wants, if they may.
    pub async fn submit<T>(
        &self,
        venue: &VenueId,
        write: &Write<T>,
        permission: Permission,
        action: Action,
    ) -> Result<Answer, ApiError> {
        let principal = write.asker.must(permission, venue)?;
        let id = write.command_id(key_space(&principal));
        Ok(self.registry.submit(venue, Command { id, by: principal.actor(), action }).await?)
    }

    /// Where the ticket of a link is now: it may have gone on to another venue, and on from there (R6).
    pub async fn follow(&self, link: TicketLink) -> Result<TicketLink, ApiError> {
        let mut link = link;
        for _ in 0..HOPS_MAX {
            let ticket = link.ticket;
            let gone = self.registry.look(&link.venue, move |shown| match &shown.venue().ticket(ticket)?.state {
                TicketState::Transferred { to, arrived: Some(ticket) } => {
                    Some(TicketLink { venue: to.clone(), ticket: *ticket })
                }
                _ => None,
            });
            match gone.await? {
                Some(next) => link = next,
                None => break,
            }
        }
        Ok(link)
    }

    /// Submits what the holder of a ticket wants.
    pub async fn submit_as_holder<T>(
        &self,
        link: &TicketLink,
        write: &Write<T>,
        action: Action,
    ) -> Result<Answer, ApiError> {
        let id = write.command_id(format!("ticket:{}", link.ticket));
        Ok(self.registry.submit(&link.venue, Command { id, by: link.actor(), action }).await?)
    }

    /// Where a person's phone finds this server.
    pub fn base_url(&self, request: &HttpRequest) -> String {
        if let Some(url) = &self.public_url {
            return url.trim_end_matches('/').to_owned();
        }
        let from = request.connection_info();
        format!("{}://{}", from.scheme(), from.host())
    }
}

/// Whose keys they are: two people's same key is not the same wish.
pub(super) fn key_space(principal: &Principal) -> String {
    match principal {
        Principal::Staff { user, .. } => format!("staff:{user}"),
        Principal::Device { name, venue, .. } => format!("device:{venue}/{name}"),
        Principal::Anonymous => "public".to_owned(),
    }
}
