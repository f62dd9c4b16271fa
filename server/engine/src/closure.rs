//! A service or a doctor's clinic that is closed for the rest of the day (B10): it takes nobody new, nobody who
//! waits is lost, and everybody concerned is told.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::command::Actor;
use crate::ids::{CounterId, ServiceId};
use crate::time::Timestamp;

/// What can be closed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Closable {
    /// Everybody who waits for this.
    Service {
        /// The service.
        service: ServiceId,
    },
    /// Everybody who wants this counter and no other: a doctor's clinic.
    Counter {
        /// The counter.
        counter: CounterId,
    },
}

/// Where those go who waited for what is closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// The service; none to stay in one's own, where only a counter is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceId>,
    /// The counter they want from now on: the substitute. None for any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wants: Option<CounterId>,
}

/// What people are told to do who are not moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Advice {
    /// Come to the desk.
    #[default]
    SeeDesk,
    /// Stay: it goes on later.
    Wait,
    /// Book another day.
    Rebook,
}

/// One thing closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closure {
    /// What.
    #[serde(flatten)]
    pub closed: Closable,
    /// Why; kept on record.
    pub reason: Arc<str>,
    /// What people are told who are not moved.
    #[serde(default)]
    pub advice: Advice,
    /// Where people were moved, and where those booked go who come later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Destination>,
}

/// A closure in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InForce {
    /// What was decided.
    pub closure: Closure,
    /// By whom.
    pub by: Actor,
    /// Since when.
    pub since: Timestamp,
}

/// Whom a closure concerns: what staff are shown before they do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Concerned {
    /// Waiting, with those told to get ready.
    pub waiting: u32,
    /// Told to get ready: they are told anew where they are moved to.
    pub ready: u32,
    /// Away for tests.
    pub held: u32,
    /// Missed, and may report again.
    pub missed: u32,
    /// Called or being served: they are served to the end.
    pub at_counters: u32,
    /// Booked and not here yet.
    pub booked: u32,
}
