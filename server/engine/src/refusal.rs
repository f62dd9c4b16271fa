//! How a venue says no. A refusal is not an error: it is an answer, with a stable code and no change.

use serde::{Deserialize, Serialize};

use crate::config::ApproverRole;
use crate::ids::{CounterId, ReasonCode, ServiceId, TicketId};
use crate::time::Timestamp;

/// What sort of no it is; the edge picks the HTTP status from this alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// Not for this asker.
    Forbidden,
    /// There is no such thing.
    Unknown,
    /// Not in this state.
    Conflict,
    /// A value that makes no sense here.
    Invalid,
    /// A limit is reached.
    Limit,
}

/// Every way in which a venue says no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Refusal {
    /// No service of this name.
    ServiceUnknown { service: ServiceId },
    /// No counter of this name.
    CounterUnknown { counter: CounterId },
    /// No ticket of this name today.
    TicketUnknown { ticket: TicketId },
    /// No booking with this code today.
    AppointmentUnknown,
    /// This booking was checked in before.
    AlreadyCheckedIn { ticket: TicketId },
    /// The identity shown is not the one that booked (B4).
    IdentityMismatch,
    /// The counter is closed or paused.
    CounterNotOpen { counter: CounterId },
    /// Nobody was called to this counter.
    CounterIdle { counter: CounterId },
    /// The counter is serving; it cannot close over the person's head.
    CounterBusy { counter: CounterId, ticket: TicketId },
    /// The counter does not serve what the ticket waits for, or the ticket wants another counter (C5).
    CounterDoesNotServe { counter: CounterId, ticket: TicketId },
    /// The ticket is not in a state in which this can be done.
    TicketNotInState { ticket: TicketId, state: String, needed: String },
    /// Grace is not over, or there were too few recalls (C1).
    MissTooEarly { ticket: TicketId, grace_ms: i64, recalls: u32 },
    /// The person's own slot has not begun: nobody is missed before their time (C1).
    SlotNotBegun { ticket: TicketId },
    /// It is too long before the slot to check in (R9).
    CheckInTooEarly { from: Timestamp },
    /// The session booked is over: whoever did not come is a no-show (B12).
    AppointmentNotShown,
    /// No slot of today has room (R4).
    NoFreeSlot { service: ServiceId },
    /// The overflow quota is used up (B3). With a role: nobody of it, or of a more powerful one, has approved.
    OverflowQuotaReached {
        service: ServiceId,
        quota: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approver: Option<ApproverRole>,
    },
    /// The service is closed for the day, and takes nobody new (B10).
    ServiceClosed { service: ServiceId },
    /// The doctor's clinic is closed for the day, and takes nobody new (B10).
    CounterClosed { counter: CounterId },
    /// It is not closed.
    NotClosed,
    /// The ticket has no step after this one (G10).
    NoNextStep { ticket: TicketId },
    /// The day on which it was sent is over.
    DayOver,
    /// No such transfer is on its way.
    TransferUnknown,
    /// Too many tickets, bookings or live things for one venue day.
    VenueFull { limit: u32 },
    /// The declaration has faults.
    ConfigInvalid { problems: Vec<String> },
    /// What is said of policies makes no sense; all of it.
    PolicyInvalid { problems: Vec<String> },
    /// Somebody else changed policies since the asker looked.
    PolicyChangedMeanwhile { version: u64 },
    /// A value is blank, too long, or out of range.
    ValueInvalid { field: String, problem: String },
    /// The venue does not grant this for that reason (R3, B3).
    ReasonUnknown { reason: ReasonCode, known: Vec<ReasonCode> },
    /// There is nothing to take back.
    NothingToUndo,
    /// It was too long ago.
    UndoTooLate,
    /// Something followed from it.
    UndoOvertaken,
    /// The same key was used for another wish.
    IdempotencyKeyReused,
}

impl Refusal {
    /// The stable code, as in the serialised form.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ServiceUnknown { .. } => "service_unknown",
            Self::CounterUnknown { .. } => "counter_unknown",
            Self::TicketUnknown { .. } => "ticket_unknown",
            Self::AppointmentUnknown => "appointment_unknown",
            Self::AlreadyCheckedIn { .. } => "already_checked_in",
            Self::IdentityMismatch => "identity_mismatch",
            Self::CounterNotOpen { .. } => "counter_not_open",
            Self::CounterIdle { .. } => "counter_idle",
            Self::CounterBusy { .. } => "counter_busy",
            Self::CounterDoesNotServe { .. } => "counter_does_not_serve",
            Self::TicketNotInState { .. } => "ticket_not_in_state",
            Self::MissTooEarly { .. } => "miss_too_early",
            Self::SlotNotBegun { .. } => "slot_not_begun",
            Self::CheckInTooEarly { .. } => "check_in_too_early",
            Self::AppointmentNotShown => "appointment_not_shown",
            Self::NoFreeSlot { .. } => "no_free_slot",
            Self::ServiceClosed { .. } => "service_closed",
            Self::CounterClosed { .. } => "counter_closed",
            Self::NotClosed => "not_closed",
            Self::NoNextStep { .. } => "no_next_step",
            Self::DayOver => "day_over",
            Self::TransferUnknown => "transfer_unknown",
            Self::OverflowQuotaReached { .. } => "overflow_quota_reached",
            Self::VenueFull { .. } => "venue_full",
            Self::ConfigInvalid { .. } => "config_invalid",
            Self::PolicyInvalid { .. } => "policy_invalid",
            Self::PolicyChangedMeanwhile { .. } => "policy_changed_meanwhile",
            Self::ValueInvalid { .. } => "value_invalid",
            Self::ReasonUnknown { .. } => "reason_unknown",
            Self::NothingToUndo => "nothing_to_undo",
            Self::UndoTooLate => "undo_too_late",
            Self::UndoOvertaken => "undo_overtaken",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
        }
    }

    /// What sort of no it is.
    pub const fn kind(&self) -> RefusalKind {
        match self {
            Self::ServiceUnknown { .. }
            | Self::CounterUnknown { .. }
            | Self::TicketUnknown { .. }
            | Self::AppointmentUnknown
            | Self::TransferUnknown => RefusalKind::Unknown,
            Self::IdentityMismatch => RefusalKind::Forbidden,
            Self::AlreadyCheckedIn { .. }
            | Self::CounterNotOpen { .. }
            | Self::CounterIdle { .. }
            | Self::CounterBusy { .. }
            | Self::CounterDoesNotServe { .. }
            | Self::TicketNotInState { .. }
            | Self::MissTooEarly { .. }
            | Self::SlotNotBegun { .. }
            | Self::CheckInTooEarly { .. }
            | Self::AppointmentNotShown
            | Self::ServiceClosed { .. }
            | Self::CounterClosed { .. }
            | Self::NotClosed
            | Self::NoNextStep { .. }
            | Self::DayOver
            | Self::PolicyChangedMeanwhile { .. }
            | Self::NothingToUndo
            | Self::UndoTooLate
            | Self::UndoOvertaken => RefusalKind::Conflict,
            Self::ConfigInvalid { .. }
            | Self::PolicyInvalid { .. }
            | Self::ValueInvalid { .. }
            | Self::ReasonUnknown { .. }
            | Self::IdempotencyKeyReused => RefusalKind::Invalid,
            Self::OverflowQuotaReached { .. } | Self::NoFreeSlot { .. } | Self::VenueFull { .. } => RefusalKind::Limit,
        }
    }
}
