//! A booked place in a slot. It waits for nobody: it becomes a ticket only when the person checks in (R9).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ids::{CounterId, ServiceId, TicketId};
use crate::step::Step;
use crate::ticket::{Slot, Visitor};

/// What became of a booking today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum AppointmentState {
    /// Not here yet.
    Expected,
    /// Checked in, as this ticket.
    CheckedIn { ticket: TicketId },
    /// Did not come before the session was over (B12).
    NoShow,
}

/// Somebody booked for today.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appointment {
    /// The code of the booking system, as printed or scanned.
    pub code: Arc<str>,
    /// What it is for.
    pub service: ServiceId,
    /// When.
    pub slot: Slot,
    /// Who.
    pub visitor: Visitor,
    /// The only counter that will do: a named doctor (C5).
    pub wants: Option<CounterId>,
    /// What is to be done after that (G10).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// What became of it.
    #[serde(flatten)]
    pub state: AppointmentState,
}
