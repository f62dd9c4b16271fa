//! What can be asked of a venue, and who asks. A closed set: adding one breaks every place that must know.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::appointment::Appointment;
use crate::closure::{Closable, Closure};
use crate::config::{Declaration, Lasts, PolicyPatch};
use crate::counter::CounterState;
use crate::event::Approval;
use crate::handover::{Arrival, Delivery, TransferKey};
use crate::ids::{ClassId, CounterId, ReasonCode, ServiceId, TicketId, VenueId};
use crate::lane::Lane;
use crate::step::Step;
use crate::ticket::{Urgency, Visitor};

/// Who asked. Part of every command and of every change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "actor", rename_all = "snake_case")]
pub enum Actor {
    /// A member of staff, by account name.
    Staff { user: Arc<str> },
    /// A kiosk, a screen or a program, by the name it was given.
    Device { name: Arc<str> },
    /// Whoever holds the link of this ticket.
    Holder { ticket: TicketId },
    /// Somebody with a phone who takes a number; nothing is known of them.
    Public,
    /// The venue itself: what happens because time passes, and the settings file.
    System,
}

/// The name of one wish, chosen by whoever has it: the same id gets the same answer, however often it is sent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CommandId {
    /// Idempotency key, unique per asker; the edge prefixes who asked.
    pub key: Arc<str>,
    /// Digest of what was asked, so that one key cannot stand for two wishes.
    pub fingerprint: u64,
}

/// Why something is granted that is not by the rules: a code from the venue's list, words, or both (R3, B3).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reason {
    /// One of the venue's reasons; none for words alone, which are kept as "other".
    pub code: Option<ReasonCode>,
    /// In words; may be empty where a code says it.
    pub text: Arc<str>,
}

impl<T: Into<Arc<str>>> From<T> for Reason {
    fn from(text: T) -> Self {
        Self { code: None, text: text.into() }
    }
}

/// A wish with its asker. Written out where it goes from one node to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// For telling a retry from a second wish; none for what needs no receipt.
    pub id: Option<CommandId>,
    /// Who asks.
    pub by: Actor,
    /// For what.
    pub action: Action,
}

impl Command {
    /// A command of the venue itself.
    pub fn system(action: Action) -> Self {
        Self { id: None, by: Actor::System, action }
    }
}

/// A change of policies that somebody wants (R11).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyWish {
    /// For which service; none for the whole venue.
    pub service: Option<ServiceId>,
    /// What is to be said there.
    pub set: PolicyPatch,
    /// Settings changed while running for which the declaration is to count again.
    pub dropped: Vec<Arc<str>>,
    /// How long.
    pub lasts: Lasts,
    /// Why.
    pub reason: Arc<str>,
    /// The count of policy changes that the asker knew of: two people do not change the same thing unseen.
    pub version: u64,
}

/// Everything that can be asked of a venue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Declare the venue anew, from the settings file. In force at the next call (R11).
    Configure { declaration: Box<Declaration> },
    /// Change policies while running, of one service or of all that do not say otherwise (R11). In force at the next
    /// call, over what the settings file says.
    ChangePolicy(Box<PolicyWish>),
    /// Take a number (R4, H1).
    TakeTicket { service: ServiceId, lane: Lane, visitor: Visitor, wants: Option<CounterId> },
    /// Take one number for a visit in several steps; the first is waited for at once (G10).
    TakeVisit { steps: Vec<Step>, lane: Lane, visitor: Visitor },
    /// Set today's bookings: replaces those not yet checked in (R9).
    SetAppointments { appointments: Vec<Appointment> },
    /// "I am here": a booking becomes a waiting ticket (R9, B4).
    CheckIn { code: Arc<str>, reference: Option<Arc<str>> },
    /// Add a number beyond the quota (R5, B3).
    AddOverflow {
        service: ServiceId,
        visitor: Visitor,
        reason: Reason,
        approved_by: Arc<str>,
        note: Option<Arc<str>>,
        /// Who allows it over the quota. Of no effect, and not recorded, within the quota.
        approval: Option<Approval>,
    },
    /// Take the next free slot of today, as if booked for it (R4).
    TakeSlot { service: ServiceId, visitor: Visitor, wants: Option<CounterId> },
    /// Call whoever is next for this counter (R1 to R3, C3, C5). Completes what the counter was doing.
    CallNext { counter: CounterId },
    /// Call this one, outside the rule, for a recorded reason.
    CallTicket { counter: CounterId, ticket: TicketId, reason: Reason },
    /// Summon the called ticket again.
    Recall { counter: CounterId },
    /// The person has come; service begins.
    Start { counter: CounterId },
    /// Service ends.
    Complete { counter: CounterId },
    /// The person did not come (C1).
    Miss { counter: CounterId },
    /// Open, pause or close a counter; set what it serves today (C5).
    SetCounter { counter: CounterId, state: CounterState, services: Option<Vec<ServiceId>> },
    /// Away for tests (B11).
    Hold { ticket: TicketId, reason: Arc<str> },
    /// Back from tests (B11).
    Return { ticket: TicketId },
    /// Reported again after a miss (C1).
    Requeue { ticket: TicketId, reason: Arc<str> },
    /// To another service of the venue, keeping number and history (R6, R7).
    Transfer {
        ticket: TicketId,
        service: ServiceId,
        reason: Arc<str>,
        wants: Option<CounterId>,
        urgency: Option<Urgency>,
    },
    /// To another venue, keeping number and history (R6, R7).
    Send(Box<Sending>),
    /// A ticket of another venue comes in: whatever is answered is answered for good.
    Receive { delivery: Box<Delivery> },
    /// What came of a ticket that was sent.
    Settle { transfer: TransferKey, came: Arrival },
    /// Close a service or a clinic, moving people or telling them (B10).
    Close { closure: Box<Closure> },
    /// Open again what was closed.
    Reopen { closed: Closable },
    /// Set what is still to be done after the present step: appended, left out, in another order (G10).
    SetSteps { ticket: TicketId, steps: Vec<Step>, reason: Arc<str> },
    /// Leave out the present step and go on to the next (G10).
    SkipStep { ticket: TicketId, reason: Arc<str> },
    /// Leaves, or is taken out.
    Cancel { ticket: TicketId, reason: Option<Arc<str>> },
    /// Grant precedence (R3, R10).
    GrantGreenChannel { ticket: TicketId, urgency: Urgency, reason: Reason },
    /// Say to which class of the service the person belongs (E1).
    Classify { ticket: TicketId, class: Option<ClassId> },
    /// Let others go first, by one's own wish.
    StepBack { ticket: TicketId, places: u32 },
    /// Take back one's own last change.
    Undo,
    /// Time has passed.
    Tick,
}

/// A wish to send a ticket to another venue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sending {
    /// The ticket.
    pub ticket: TicketId,
    /// Where to.
    pub venue: VenueId,
    /// What the person shall wait for there.
    pub service: ServiceId,
    /// The only counter that will do there (C5).
    pub wants: Option<CounterId>,
    /// Why; kept on record at both venues.
    pub reason: Arc<str>,
    /// Precedence that goes with it (R7).
    pub urgency: Option<Urgency>,
}
