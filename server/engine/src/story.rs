//! One ticket's whole story, for whoever asks why: what happened to it, who did it, and each time it was passed over.
//!
//! Told from the events of its day alone. Nothing is kept for it: the [`Storyteller`] follows the day with a venue of
//! its own, one change at a time, so a story costs a replay and no memory between. Other people are numbers in it.

use std::sync::Arc;

use crate::command::{Actor, Reason};
use crate::config::{LOAD_MEAN, VenueConfig};
use crate::dispatch::{PassedBy, Place, Taken};
use crate::event::{Change, Event, OverflowGrant, Rule, Why};
use crate::handover::Arrival;
use crate::ids::{ClassId, CounterId, ReasonCode, Seq, ServiceId, TicketId, TicketNumber, VenueId};
use crate::lane::Lane;
use crate::ticket::{Slot, Ticket, TicketState, Urgency};
use crate::time::{Millis, Timestamp};
use crate::venue::Venue;

/// Steps a story has at most: more than anybody reads. Beyond it the oldest times of being passed over are counted
/// only.
pub const STEPS_MAX: usize = 400;

/// What happened to one ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// Whose.
    pub ticket: TicketId,
    /// Its number.
    pub number: TicketNumber,
    /// What happened, in order.
    pub steps: Vec<Step>,
    /// Steps that are left out for their number.
    pub left_out: u32,
}

/// One thing that happened to a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The change it was part of.
    pub seq: Seq,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub by: Actor,
    /// Whether it was taken back.
    pub is_undone: bool,
    /// What.
    pub what: What,
}

/// What happened to a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The number was given.
    Issued { service: ServiceId, lane: Lane, slot: Option<Slot>, overflow: Option<OverflowGrant> },
    /// A wait was announced with it.
    WaitAnnounced { wait: Millis },
    /// Told to get ready (C3).
    Readied,
    /// Sent to a counter's door (C4).
    SentInside {
        counter: CounterId,
        lane: Lane,
        rule: Rule,
        /// How many it passed over itself.
        passed: u32,
    },
    /// The counter calls nobody any more: waits in the hall again, as the first (C4).
    SentBack,
    /// Somebody whose wait began later was called, or sent to a counter's door.
    PassedOver(PassedOver),
    /// Called.
    Called {
        counter: CounterId,
        lane: Lane,
        rule: Rule,
        reason: Option<Reason>,
        /// The wait that ended.
        waited: Millis,
        /// How often it had been overtaken in that wait.
        overtaken: u32,
        /// How many it passed over itself.
        passed: u32,
    },
    /// Called again.
    Recalled,
    /// Service began.
    Started,
    /// Service ended.
    Completed,
    /// Did not come.
    Missed { is_final: bool },
    /// Went for tests.
    Held { reason: Arc<str> },
    /// Came back from tests.
    Returned,
    /// Reported again after a miss.
    Requeued { reason: Arc<str> },
    /// Moved.
    Transferred { service: ServiceId, lane: Lane, reason: Arc<str> },
    /// Sent on its way to another venue.
    Sent { to: VenueId },
    /// Came from another venue, to wait for this.
    Received { from: VenueId, service: ServiceId },
    /// The other venue has it.
    Gone,
    /// The other venue would not have it, by this refusal's code: waits here as before.
    TurnedBack { code: Arc<str> },
    /// Moved with its place, as what it waited for was closed.
    MovedOn { service: Option<ServiceId>, reason: Arc<str> },
    /// One step of the visit was done; waits for the next.
    StepDone { service: ServiceId },
    /// One step was left out; waits for the next.
    StepSkipped { service: ServiceId, reason: Arc<str> },
    /// What is still to be done was set.
    StepsSet { reason: Arc<str> },
    /// Waited as on site, and waits as booked from now on.
    SlotBegan,
    /// Was granted precedence.
    Granted { urgency: Urgency, reason: Reason },
    /// Was found to belong to a class of the service, or to none (E1).
    Classified { class: Option<ClassId> },
    /// Let others go first.
    SteppedBack { places: u32 },
    /// Left, or was taken out.
    Cancelled { reason: Option<Arc<str>> },
    /// Did not come, for good.
    NotShown,
    /// What was done to it before was taken back.
    TakenBack,
}

/// Somebody else was called, or sent to a counter's door, whose wait had begun later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver {
    /// Whose number.
    pub number: TicketNumber,
    /// Where to.
    pub counter: CounterId,
    /// By which rule.
    pub rule: Rule,
    /// From which lane.
    pub lane: Lane,
    /// What let them go first.
    pub by: PassedBy,
    /// Whether it was sent to the counter's door, to be called from there.
    pub is_sent: bool,
    /// The reason on record: for the call by hand, for precedence, for the overflow number.
    pub reason: Option<Reason>,
    /// Who answers for that reason.
    pub granted_by: Option<Actor>,
}

/// Follows a day and writes down one ticket's story.
#[derive(Debug)]
pub struct Storyteller {
    venue: Venue,
    tale: Tale,
}

/// What has been written down.
#[derive(Debug)]
struct Tale {
    ticket: TicketId,
    number: Option<TicketNumber>,
    steps: Vec<Step>,
    left_out: u32,
    is_over: bool,
}

impl Storyteller {
    /// Will tell of this ticket. The declaration is that of any day: the day's own comes with its first change.
    pub fn new(config: VenueConfig, ticket: TicketId) -> Self {
        let tale = Tale { ticket, number: None, steps: Vec::new(), left_out: 0, is_over: false };
        Self { venue: Venue::new(config), tale }
    }

    /// Hears of a change: all of the ticket's day, oldest first, from the one that opened it.
    pub fn hear(&mut self, change: &Change) {
        let Self { venue, tale } = self;
        // A call was decided on the venue as it was; whoever is sent to a door follows from all before it.
        let calls = change.events.iter().map(|event| match event {
            Event::TicketCalled { ticket, counter, why, .. } => {
                tale.passed_over(venue, *ticket, counter, why, change.at)
            }
            _ => None,
        });
        let mut calls = calls.collect::<Vec<_>>().into_iter();
        venue.apply_watched(change, |venue, event| {
            let passed = calls.next().flatten();
            tale.is_over |= matches!(event, Event::DayOpened { .. }) && tale.number.is_some();
            if !tale.is_over {
                tale.hear(venue, event, change, passed);
            }
        });
    }

    /// Tells; none where no such number was given.
    pub fn tell(self) -> Option<Story> {
        let Tale { ticket, number, steps, left_out, .. } = self.tale;
        Some(Story { ticket, number: number?, steps, left_out })
    }
}

impl Tale {
    /// `venue` is as the event found it.
    fn hear(&mut self, venue: &Venue, event: &Event, change: &Change, passed: Option<PassedOver>) {
        if let Event::TicketIssued { ticket, number, .. } | Event::TicketReceived { ticket, number, .. } = event
            && *ticket == self.ticket
        {
            self.number = Some(number.clone());
        }
        let what = match event {
            Event::ChangeUndone { seq } => return self.take_back(*seq, change),
            Event::TicketCalled { ticket, .. } if *ticket != self.ticket => passed.map(What::PassedOver),
            Event::TicketSentInside { ticket, counter, why } if *ticket != self.ticket => {
                let passed = self.passed_over(venue, *ticket, counter, why, change.at);
                passed.map(|passed| What::PassedOver(PassedOver { is_sent: true, ..passed }))
            }
            _ => self.own(venue, event, change.at),
        };
        if let Some(what) = what {
            self.add(what, change);
        }
    }

    fn add(&mut self, what: What, change: &Change) {
        if self.steps.len() >= STEPS_MAX {
            let pass = self.steps.iter().position(|step| matches!(step.what, What::PassedOver(_)));
            // The first step gives the number its story; it stays.
            self.steps.remove(pass.unwrap_or(1));
            self.left_out += 1;
        }
        let by = if what.follows() { Actor::System } else { change.by.clone() };
        self.steps.push(Step { seq: change.seq, at: change.at, by, is_undone: false, what });
    }

    /// What follows by itself is not taken back, as in the venue.
    fn take_back(&mut self, seq: Seq, change: &Change) {
        let mut is_own = false;
        for step in self.steps.iter_mut().filter(|step| step.seq == seq && !step.what.follows()) {
            step.is_undone = true;
            is_own |= !matches!(step.what, What::PassedOver(_));
        }
        if is_own {
            self.add(What::TakenBack, change);
        }
    }

    /// Whether this call, or sending somebody to a door, passes the ticket over, as the venue stands, and why.
    fn passed_over(
        &self,
        venue: &Venue,
        id: TicketId,
        counter: &CounterId,
        why: &Why,
        at: Timestamp,
    ) -> Option<PassedOver> {
        let own = venue.ticket(self.ticket).filter(|_| id != self.ticket)?;
        let called = venue.ticket(id).filter(|called| called.service == own.service)?;
        let policy = &venue.config().service(&called.service)?.policy;
        let place = called.place.clone().unwrap_or_else(|| Place::of(called, policy));
        let taken = Taken { ticket: id, place: &place, counter, rule: why.rule, at, load: LOAD_MEAN };
        if !venue.queue(&own.service)?.is_passed(self.ticket, own.place.as_ref()?, &taken) {
            return None;
        }
        let (reason, granted_by) = answered(called, why);
        Some(PassedOver {
            number: called.number.clone(),
            counter: counter.clone(),
            rule: why.rule,
            lane: called.lane,
            by: taken.passed_by(),
            is_sent: false,
            reason,
            granted_by,
        })
    }

    /// What an event says of the ticket itself.
    fn own(&self, venue: &Venue, event: &Event, at: Timestamp) -> Option<What> {
        let (ticket, what) = match event {
            Event::DayOpened { .. }
            | Event::VenueConfigured { .. }
            | Event::PolicyChanged { .. }
            | Event::AppointmentsSet { .. }
            | Event::CounterSet { .. }
            | Event::ParcelDeclined { .. }
            | Event::Reopened { .. }
            | Event::AppointmentsNotShown { .. }
            | Event::SessionClosed { .. }
            | Event::ChangeUndone { .. } => return None,
            Event::Closed { closure, tickets } => {
                if !tickets.contains(&self.ticket) {
                    return None;
                }
                let service = closure.to.as_ref().and_then(|to| to.service.clone());
                (&self.ticket, What::MovedOn { service, reason: closure.reason.clone() })
            }
            Event::TicketSent { ticket, to, .. } => (ticket, What::Sent { to: to.clone() }),
            Event::TicketReceived { ticket, parcel, .. } => {
                (ticket, What::Received { from: parcel.from.clone(), service: parcel.service.clone() })
            }
            Event::TransferSettled { ticket, came: Arrival::Declined { code }, .. } => {
                (ticket, What::TurnedBack { code: code.clone() })
            }
            Event::TransferSettled { ticket, .. } => (ticket, What::Gone),
            Event::StepCompleted { ticket, service, .. } => (ticket, What::StepDone { service: service.clone() }),
            Event::StepSkipped { ticket, service, reason, .. } => {
                (ticket, What::StepSkipped { service: service.clone(), reason: reason.clone() })
            }
            Event::StepsSet { ticket, reason, .. } => (ticket, What::StepsSet { reason: reason.clone() }),
            Event::TicketSlotBegan { ticket } => (ticket, What::SlotBegan),
            Event::TicketIssued { ticket, service, lane, slot, overflow, .. } => {
                let (service, overflow) = (service.clone(), overflow.clone());
                (ticket, What::Issued { service, lane: *lane, slot: *slot, overflow })
            }
            Event::WaitAnnounced { ticket, raw } => (ticket, What::WaitAnnounced { wait: *raw }),
            Event::TicketReadied { ticket, .. } => (ticket, What::Readied),
            Event::TicketSentInside { ticket, counter, why } => {
                let lane = venue.ticket(*ticket)?.lane;
                let (counter, passed) = (counter.clone(), why.passed.count());
                (ticket, What::SentInside { counter, lane, rule: why.rule, passed })
            }
            Event::TicketSentBack { ticket } => (ticket, What::SentBack),
            Event::TicketCalled { ticket, counter, why, .. } => {
                (ticket, called(venue.ticket(*ticket)?, counter, why, at))
            }
            Event::TicketRecalled { ticket } => (ticket, What::Recalled),
            Event::ServiceStarted { ticket } => (ticket, What::Started),
            Event::ServiceCompleted { ticket } => (ticket, What::Completed),
            Event::TicketMissed { ticket, is_final } => (ticket, What::Missed { is_final: *is_final }),
            Event::TicketHeld { ticket, reason } => (ticket, What::Held { reason: reason.clone() }),
            Event::TicketReturned { ticket } => (ticket, What::Returned),
            Event::TicketRequeued { ticket, reason, .. } => (ticket, What::Requeued { reason: reason.clone() }),
            Event::TicketTransferred { ticket, service, lane, reason, .. } => {
                (ticket, What::Transferred { service: service.clone(), lane: *lane, reason: reason.clone() })
            }
            Event::TicketCancelled { ticket, reason } => (ticket, What::Cancelled { reason: reason.clone() }),
            Event::GreenChannelGranted { ticket, urgency, reason, code } => {
                (ticket, What::Granted { urgency: *urgency, reason: on_record(reason, code.as_ref()) })
            }
            Event::TicketClassified { ticket, class } => (ticket, What::Classified { class: class.clone() }),
            Event::TicketSteppedBack { ticket, places } => (ticket, What::SteppedBack { places: *places }),
            Event::TicketNotShown { ticket } => (ticket, What::NotShown),
        };
        (*ticket == self.ticket).then_some(what)
    }
}

fn called(ticket: &Ticket, counter: &CounterId, why: &Why, at: Timestamp) -> What {
    What::Called {
        counter: counter.clone(),
        lane: ticket.lane,
        rule: why.rule,
        reason: answered(ticket, why).0,
        waited: if ticket.state == TicketState::Waiting { at.since(ticket.queued_at) } else { Millis::ZERO },
        overtaken: why.overtaken,
        passed: why.passed.count(),
    }
}

impl What {
    /// Whether it happened by itself, as what follows from a change: nobody takes it back.
    fn follows(&self) -> bool {
        match self {
            Self::WaitAnnounced { .. } | Self::Readied | Self::SentInside { .. } | Self::SentBack => true,
            Self::PassedOver(passed) => passed.is_sent,
            _ => false,
        }
    }
}

/// The reason on record that let somebody go first, and who answers for it.
fn answered(ticket: &Ticket, why: &Why) -> (Option<Reason>, Option<Actor>) {
    match (&why.reason, &ticket.grant, &ticket.overflow) {
        (Some(by_hand), _, _) => (Some(on_record(by_hand, why.code.as_ref())), None),
        (None, Some(grant), _) if why.rule == Rule::Urgent => {
            (Some(on_record(&grant.reason, grant.code.as_ref())), Some(grant.by.clone()))
        }
        (None, _, Some(overflow)) if ticket.lane == Lane::Overflow => {
            let by = Actor::Staff { user: overflow.approved_by.clone() };
            (Some(on_record(&overflow.reason, overflow.code.as_ref())), Some(by))
        }
        _ => (None, None),
    }
}

fn on_record(text: &Arc<str>, code: Option<&ReasonCode>) -> Reason {
    Reason { code: code.cloned(), text: text.clone() }
}
