//! A ticket: one visit's place, from the number it was given to the end of the visit.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::closure::Closable;
use crate::command::Actor;
use crate::dispatch::Place;
use crate::event::{OverflowGrant, Rule};
use crate::handover::Guest;
use crate::ids::{CallId, ClassId, CounterId, ReasonCode, ServiceId, TicketId, TicketNumber, VenueId};
use crate::joining::Joining;
use crate::lane::Lane;
use crate::step::Step;
use crate::text::Language;
use crate::time::{Millis, Timestamp};

/// Where a ticket stands in its life.
///
/// ```text
///            ┌──────────────── requeue ───────────── Missed ──► NoShow (final miss, day's end)
///            ▼                                          ▲
///  issue ► Waiting ── call ──► Called ── start ──► Serving ── complete ──► Completed
///            ▲                   │                   │
///            └──── return ── Held ◄──── hold ────────┘          cancel, from any state here ──► Cancelled
///
///  any state here ── send ──► Transferring ── arrived ──► Transferred
///            ▲                    │
///            └───── declined ─────┘
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum TicketState {
    /// In a lane, to be called. Being ready is kept by the queue, not here.
    Waiting,
    /// Summoned to a counter.
    Called { counter: CounterId, call: CallId },
    /// Being served there.
    Serving { counter: CounterId, call: CallId },
    /// Away for tests, with the intent to return (B11).
    Held,
    /// Called and did not come; may report again (C1).
    Missed,
    /// On its way to another venue: in no queue here, and nobody else's to change (R6).
    Transferring { to: VenueId },
    /// Served.
    Completed,
    /// Did not come, for good (B12).
    NoShow,
    /// Left, or taken out by staff.
    Cancelled,
    /// Goes on at another venue, as this ticket if that is known (R6).
    Transferred { to: VenueId, arrived: Option<TicketId> },
}

impl TicketState {
    /// Whether the visit is over.
    pub fn is_over(&self) -> bool {
        match self {
            Self::Waiting
            | Self::Called { .. }
            | Self::Serving { .. }
            | Self::Held
            | Self::Missed
            | Self::Transferring { .. } => false,
            Self::Completed | Self::NoShow | Self::Cancelled | Self::Transferred { .. } => true,
        }
    }

    /// Whether it is this venue's to change: not over, and not on its way to another.
    pub fn is_here(&self) -> bool {
        !self.is_over() && !matches!(self, Self::Transferring { .. })
    }

    /// The counter that has the ticket now.
    pub fn counter(&self) -> Option<&CounterId> {
        match self {
            Self::Called { counter, .. } | Self::Serving { counter, .. } => Some(counter),
            _ => None,
        }
    }

    /// The stable name used in refusals, frames and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Called { .. } => "called",
            Self::Serving { .. } => "serving",
            Self::Held => "held",
            Self::Missed => "missed",
            Self::Transferring { .. } => "transferring",
            Self::Completed => "completed",
            Self::NoShow => "no_show",
            Self::Cancelled => "cancelled",
            Self::Transferred { .. } => "transferred",
        }
    }
}

/// Justified precedence, most urgent first: the derived order is the order of calling (R3, R10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// A sudden emergency: seen at once.
    Emergency,
    /// The green channel: old, pregnant or disabled people, urgent cases.
    GreenChannel,
}

/// Who granted precedence, when and why: never silent (R3, B3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// How urgent.
    pub urgency: Urgency,
    /// The reason in words; empty where its code says it all.
    pub reason: Arc<str>,
    /// Which of the venue's reasons; none in histories older than the codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<ReasonCode>,
    /// Who granted it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// The person behind a ticket: as little as possible. Never on a screen unmasked, never in a log.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Visitor {
    /// The name to be called by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Arc<str>>,
    /// A phone number for messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Arc<str>>,
    /// A keyed hash of the identity shown at booking or at the kiosk (B4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Arc<str>>,
    /// The language the person reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// Which of the service's classes the person belongs to (E1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<ClassId>,
}

/// A booked interval, half open: a person is late from `end` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Slot {
    /// First instant of the slot.
    pub start: Timestamp,
    /// First instant after it.
    pub end: Timestamp,
}

/// Why a ticket is where nobody expected it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "note", rename_all = "snake_case")]
pub enum Note {
    /// What it waited for was closed, and it was moved (B10).
    Moved {
        /// What was closed.
        #[serde(flatten)]
        closed: Closable,
    },
    /// Another venue would not have it, by this refusal's code; it is back in its old place (R6).
    TurnedBack {
        /// The venue.
        venue: VenueId,
        /// The code.
        code: Arc<str>,
    },
}

/// One visit's place in a venue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Its name within the venue.
    pub id: TicketId,
    /// Its number as people read it.
    pub number: TicketNumber,
    /// How many numbers with this prefix came before it today, plus one: what ordering by number uses.
    pub count: u32,
    /// What the person waits for now.
    pub service: ServiceId,
    /// The lane the person waits in now.
    pub lane: Lane,
    /// Where it stands.
    #[serde(flatten)]
    pub state: TicketState,
    /// The person.
    pub visitor: Visitor,
    /// The booked interval, for appointments and for whoever took the next free slot.
    pub slot: Option<Slot>,
    /// The service in which it took a free slot, and holds it wherever it goes (R4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot_of: Option<ServiceId>,
    /// How it joined its queue, where not in the ordinary way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joining: Option<Joining>,
    /// The outside code of the booking it came from.
    pub appointment: Option<Arc<str>>,
    /// Why it was added beyond the quota, for overflow numbers (B3).
    pub overflow: Option<OverflowGrant>,
    /// The only counter the person wants to be served at (C5).
    pub wants: Option<CounterId>,
    /// Precedence granted, if any.
    pub grant: Option<Grant>,
    /// When the number was given.
    pub issued_at: Timestamp,
    /// When the present wait began: arrival, return, or re-report. A transfer does not begin it anew (R6).
    pub queued_at: Timestamp,
    /// When it came to its present queue: who was called there before that did not overtake it.
    pub joined_at: Timestamp,
    /// When the latest call or recall was made.
    pub called_at: Option<Timestamp>,
    /// Which rule chose it, at the latest call.
    pub rule: Option<Rule>,
    /// When service began.
    pub started_at: Option<Timestamp>,
    /// When the visit ended.
    pub ended_at: Option<Timestamp>,
    /// Recalls of the present call.
    pub recalls: u32,
    /// Times called and not come.
    pub misses: u32,
    /// Wait announced when the number was given, to be compared with what happened.
    pub announced: Option<Millis>,
    /// What is still to be done after this (G10).
    pub steps: Vec<Step>,
    /// Steps of the visit that are done.
    pub steps_done: u32,
    /// What its holder and staff must be told, until it is called.
    pub note: Option<Note>,
    /// What it brings from other venues, if it came from one (R6).
    pub guest: Option<Box<Guest>>,
    /// Where it stands in its queue, while waiting.
    pub place: Option<Place>,
}

impl Ticket {
    /// How urgent it is, if precedence was granted.
    pub fn urgency(&self) -> Option<Urgency> {
        self.grant.as_ref().map(|grant| grant.urgency)
    }
}
