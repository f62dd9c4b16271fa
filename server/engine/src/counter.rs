//! A counter: where service is given, to one ticket at a time.

use serde::{Deserialize, Serialize};

use crate::dispatch::ServiceCycle;
use crate::ids::{CounterId, ServiceId, TicketId};

/// Whether a counter takes people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CounterState {
    /// Nobody works here.
    #[default]
    Closed,
    /// Calls people.
    Open,
    /// Staffed, but calls nobody for a while.
    Paused,
}

/// The state of one counter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    /// Its name within the venue.
    pub id: CounterId,
    /// Whether it takes people.
    pub state: CounterState,
    /// What it serves today (C5).
    pub services: Vec<ServiceId>,
    /// The ticket that was called here or is being served. One at most.
    pub current: Option<TicketId>,
    /// Whose turn it is among its services, where it has weights (C5).
    pub cycle: ServiceCycle,
}

impl Counter {
    /// Whether it would call somebody who waits for this service.
    pub fn serves(&self, service: &ServiceId) -> bool {
        self.state == CounterState::Open && self.services.contains(service)
    }
}
