//! What happened. Events are the journal's content: names and fields are stable, and history is never re-judged.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::appointment::Appointment;
use crate::closure::{Closable, Closure};
use crate::command::{Actor, CommandId};
use crate::config::{ApproverRole, Lasts, Layers, Policy, PolicyPatch, VenueConfig};
use crate::counter::CounterState;
use crate::dispatch::{Passed, Share};
use crate::estimate::Prior;
use crate::handover::{Arrival, Handovers, Parcel, TransferKey};
use crate::ids::{CallId, ClassId, CounterId, ReasonCode, Seq, ServiceId, SessionId, TicketId, TicketNumber, VenueId};
use crate::joining::Joining;
use crate::lane::Lane;
use crate::step::Step;
use crate::ticket::{Slot, Urgency, Visitor};
use crate::time::{BusinessDay, Millis, Timestamp};
use crate::venue::Outcome;

/// Everything one command did, written to the journal as one entry: all of it, or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Position in the venue's history; one more than the change before.
    pub seq: Seq,
    /// When. Never before the change before it, whatever the clock did.
    pub at: Timestamp,
    /// Who asked.
    pub by: Actor,
    /// The wish it answers, if it is to be remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandId>,
    /// What the asker was told.
    pub outcome: Outcome,
    /// What happened, in order.
    pub events: Vec<Event>,
}

/// Which rule of the dispatcher chose a ticket, in the order in which the rules are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Emergency or green channel (R3, R10).
    Urgent,
    /// Overtaken too often, or waited too long.
    Overdue,
    /// Had been sent to the counter's second waiting area (C4).
    Inside,
    /// Had been told to get ready (C3).
    Ready,
    /// Had been missed or late, and so many calls had passed (C1, C2).
    Rejoin,
    /// The weighted cycle over the lanes (R1).
    Cycle,
    /// Somebody before their time, as nobody else waited.
    Early,
    /// By hand, outside the rules, with a reason.
    ByHand,
}

/// Why a ticket was called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    /// The rule that chose.
    pub rule: Rule,
    /// What the call costs its lane; none where the cycle is not charged, or was when it became ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Share>,
    /// Of a counter with weights: its services that had somebody, among which the call takes a turn (C5).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceId>,
    /// The reason given, where it was called by hand; empty where its code says it all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Arc<str>>,
    /// Which of the venue's reasons; none in histories older than the codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<ReasonCode>,
    /// How often the one called had been overtaken, in the wait that ends.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub overtaken: u32,
    /// Whom the call passed over. Histories from before this was recorded name nobody.
    #[serde(default, skip_serializing_if = "Passed::is_nobody")]
    pub passed: Passed,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A business day began. A full starting point: applied to any venue it gives the same state.
    DayOpened {
        day: BusinessDay,
        config: Box<VenueConfig>,
        next_ticket: TicketId,
        next_call: CallId,
        priors: BTreeMap<ServiceId, Prior>,
        #[serde(default, skip_serializing_if = "is_plain")]
        layers: Box<Layers>,
        #[serde(default, skip_serializing_if = "Handovers::is_empty")]
        handovers: Handovers,
    },
    /// The venue was declared anew.
    VenueConfigured {
        config: Box<VenueConfig>,
        #[serde(default, skip_serializing_if = "is_plain")]
        layers: Box<Layers>,
    },
    /// Policies were changed while running (R11): what was said, and the policies that came of it.
    PolicyChanged {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        service: Option<ServiceId>,
        set: Box<PolicyPatch>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        dropped: Vec<Arc<str>>,
        lasts: Lasts,
        reason: Arc<str>,
        version: u64,
        policies: BTreeMap<ServiceId, Policy>,
    },
    /// Bookings not yet checked in were replaced.
    AppointmentsSet { appointments: Vec<Appointment> },
    /// A number was given.
    TicketIssued {
        ticket: TicketId,
        number: TicketNumber,
        count: u32,
        service: ServiceId,
        lane: Lane,
        visitor: Visitor,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        slot: Option<Slot>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        appointment: Option<Arc<str>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wants: Option<CounterId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        overflow: Option<OverflowGrant>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        joining: Option<Joining>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        steps: Vec<Step>,
    },
    /// The wait that was announced with the number, before any correction: scored when the ticket is called.
    WaitAnnounced { ticket: TicketId, raw: Millis },
    /// Told to get ready, and frozen there (C3); the call is charged to its lane now, if it stands in one.
    TicketReadied {
        ticket: TicketId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        share: Option<Share>,
    },
    /// Sent to the second waiting area of a counter, and called from there (C4): the rules are asked now.
    TicketSentInside { ticket: TicketId, counter: CounterId, why: Why },
    /// The counter calls nobody any more: waits in the hall again, as the first of those who were told to get
    /// ready (C4).
    TicketSentBack { ticket: TicketId },
    /// Summoned.
    TicketCalled { ticket: TicketId, counter: CounterId, call: CallId, why: Why },
    /// Summoned again, by the same call.
    TicketRecalled { ticket: TicketId },
    /// Service began.
    ServiceStarted { ticket: TicketId },
    /// Service ended.
    ServiceCompleted { ticket: TicketId },
    /// Did not come.
    TicketMissed { ticket: TicketId, is_final: bool },
    /// Went for tests.
    TicketHeld { ticket: TicketId, reason: Arc<str> },
    /// Came back from tests.
    TicketReturned { ticket: TicketId },
    /// Reported again after a miss.
    TicketRequeued {
        ticket: TicketId,
        reason: Arc<str>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        joining: Option<Joining>,
    },
    /// Waited as on site, and waits as booked from now on (R9).
    TicketSlotBegan { ticket: TicketId },
    /// Moved to another service of the venue.
    TicketTransferred {
        ticket: TicketId,
        service: ServiceId,
        lane: Lane,
        reason: Arc<str>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wants: Option<CounterId>,
    },
    /// On its way to another venue (R6).
    TicketSent { ticket: TicketId, to: VenueId, parcel: Box<Parcel> },
    /// Came from another venue, and waits here under this number.
    TicketReceived { ticket: TicketId, number: TicketNumber, parcel: Box<Parcel>, settled_below: TransferKey },
    /// A ticket of another venue was not taken in.
    ParcelDeclined { from: VenueId, transfer: TransferKey, settled_below: TransferKey, code: Arc<str> },
    /// It is known what came of a ticket that was sent: it is gone, or back.
    TransferSettled { ticket: TicketId, transfer: TransferKey, came: Arrival },
    /// A service or a clinic was closed, and these were moved, in their order (B10).
    Closed {
        #[serde(flatten)]
        closure: Closure,
        tickets: Vec<TicketId>,
    },
    /// What was closed is open again.
    Reopened {
        #[serde(flatten)]
        closed: Closable,
    },
    /// One step of the visit is done; waits for the next (G10).
    StepCompleted {
        ticket: TicketId,
        service: ServiceId,
        lane: Lane,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wants: Option<CounterId>,
    },
    /// The present step was left out; waits for the next.
    StepSkipped {
        ticket: TicketId,
        service: ServiceId,
        lane: Lane,
        reason: Arc<str>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wants: Option<CounterId>,
    },
    /// What is still to be done after the present step.
    StepsSet { ticket: TicketId, steps: Vec<Step>, reason: Arc<str> },
    /// Left, or was taken out.
    TicketCancelled {
        ticket: TicketId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Arc<str>>,
    },
    /// Precedence was granted.
    GreenChannelGranted {
        ticket: TicketId,
        urgency: Urgency,
        reason: Arc<str>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<ReasonCode>,
    },
    /// Belongs to this class of its service, or to none (E1).
    TicketClassified {
        ticket: TicketId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        class: Option<ClassId>,
    },
    /// Let others go first; now stands behind this many of its own lane.
    TicketSteppedBack { ticket: TicketId, places: u32 },
    /// Booked, and did not come before the session was over, or the day (B12).
    AppointmentsNotShown { codes: Vec<Arc<str>> },
    /// A session is over for a service: whoever did not come for it is a no-show (B12, B14).
    SessionClosed { session: SessionId, service: ServiceId },
    /// Did not come, for good: the session or the day ended, or the last miss.
    TicketNotShown { ticket: TicketId },
    /// Opened, paused or closed.
    CounterSet { counter: CounterId, state: CounterState, services: Vec<ServiceId> },
    /// An earlier change was taken back.
    ChangeUndone { seq: Seq },
}

impl Event {
    /// The tickets it is about. Taking a change back is about those of that change.
    pub fn tickets(&self) -> &[TicketId] {
        use std::slice::from_ref;
        match self {
            Self::DayOpened { .. }
            | Self::VenueConfigured { .. }
            | Self::PolicyChanged { .. }
            | Self::AppointmentsSet { .. }
            | Self::AppointmentsNotShown { .. }
            | Self::SessionClosed { .. }
            | Self::ParcelDeclined { .. }
            | Self::Reopened { .. }
            | Self::CounterSet { .. }
            | Self::ChangeUndone { .. } => &[],
            Self::Closed { tickets, .. } => tickets,
            Self::TicketIssued { ticket, .. }
            | Self::WaitAnnounced { ticket, .. }
            | Self::TicketReadied { ticket, .. }
            | Self::TicketSentInside { ticket, .. }
            | Self::TicketSentBack { ticket }
            | Self::TicketCalled { ticket, .. }
            | Self::TicketRecalled { ticket }
            | Self::ServiceStarted { ticket }
            | Self::ServiceCompleted { ticket }
            | Self::TicketMissed { ticket, .. }
            | Self::TicketHeld { ticket, .. }
            | Self::TicketReturned { ticket }
            | Self::TicketRequeued { ticket, .. }
            | Self::TicketSlotBegan { ticket }
            | Self::TicketTransferred { ticket, .. }
            | Self::TicketSent { ticket, .. }
            | Self::TicketReceived { ticket, .. }
            | Self::TransferSettled { ticket, .. }
            | Self::StepCompleted { ticket, .. }
            | Self::StepSkipped { ticket, .. }
            | Self::StepsSet { ticket, .. }
            | Self::TicketCancelled { ticket, .. }
            | Self::GreenChannelGranted { ticket, .. }
            | Self::TicketClassified { ticket, .. }
            | Self::TicketSteppedBack { ticket, .. }
            | Self::TicketNotShown { ticket } => from_ref(ticket),
        }
    }
}

#[expect(clippy::borrowed_box, reason = "serde's signature")]
fn is_plain(layers: &Box<Layers>) -> bool {
    layers.is_plain()
}

/// Why a number was added beyond the quota: traceable (B3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverflowGrant {
    /// The reason in words; empty where its code says it all.
    pub reason: Arc<str>,
    /// Which of the venue's reasons; none in histories older than the codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<ReasonCode>,
    /// Who answers for it.
    pub approved_by: Arc<str>,
    /// Anything more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Arc<str>>,
    /// Who allowed it over the quota; none within the quota.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_quota: Option<Approval>,
}

/// Whose word lets a number be added over the quota (B3). When is the time of the change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The account that proved itself.
    pub by: Arc<str>,
    /// In which role.
    pub role: ApproverRole,
}
