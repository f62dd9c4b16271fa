//! One ticket's whole story, for whoever asks why: what happened to it, who did it, and each time it was passed over.
//!
//! Told from the events of its day alone. Nothing is kept for it: the [`Storyteller`] follows the day with a venue of
//! its own, one change at a time, so a story costs a replay and no memory between. Other people are numbers in it.

use std::sync::Arc;

use crate::command::Actor;
use crate::config::VenueConfig;
use crate::dispatch::{PassedBy, Place, Taken};
use crate::event::{Change, Event, OverflowGrant, Rule, Why};
use crate::handover::Arrival;
use crate::ids::{CounterId, Seq, ServiceId, TicketId, TicketNumber, VenueId};
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
    /// Somebody whose wait began later was called.
    PassedOver(PassedOver),
    /// Called.
    Called {
        counter: CounterId,
        lane: Lane,
        rule: Rule,
        reason: Option<Arc<str>>,
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
    Granted { urgency: Urgency, reason: Arc<str> },
    /// Let others go first.
    SteppedBack { places: u32 },
    /// Left, or was taken out.
    Cancelled { reason: Option<Arc<str>> },
    /// Did not come, for good.
    NotShown,
    /// What was done to it before was taken back.
    TakenBack,
}

/// Somebody else was called, whose wait had begun later.
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
    /// The reason on record: for the call by hand, for precedence, for the overflow number.
    pub reason: Option<Arc<str>>,
    /// Who answers for that reason.
    pub granted_by: Option<Actor>,
}

/// Follows a day and writes down one ticket's story.
#[derive(Debug)]
pub struct Storyteller {
    venue: Venue,
    ticket: TicketId,
    number: Option<TicketNumber>,
    steps: Vec<Step>,
    left_out: u32,
    is_over: bool,
}

impl Storyteller {
    /// Will tell of this ticket. The declaration is that of any day: the day's own comes with its first change.
    pub fn new(config: VenueConfig, ticket: TicketId) -> Self {
        let venue = Venue::new(config);
        Self { venue, ticket, number: None, steps: Vec::new(), left_out: 0, is_over: false }
    }

    /// Hears of a change: all of the ticket's day, oldest first, from the one that opened it.
    pub fn hear(&mut self, change: &Change) {
        for event in &change.events {
            if let Event::DayOpened { .. } = event {
                self.is_over |= self.number.is_some();
            }
            if !self.is_over {
                self.hear_event(event, change);
            }
        }
        self.venue.apply(change);
    }

    /// Tells; none where no such number was given.
    pub fn tell(self) -> Option<Story> {
        let Self { ticket, number, steps, left_out, .. } = self;
        Some(Story { ticket, number: number?, steps, left_out })
    }

    fn hear_event(&mut self, event: &Event, change: &Change) {
        if let Event::TicketIssued { ticket, number, .. } | Event::TicketReceived { ticket, number, .. } = event
            && *ticket == self.ticket
        {
            self.number = Some(number.clone());
        }
        if let Event::ChangeUndone { seq } = event {
            self.take_back(*seq, change);
        } else if let Event::TicketCalled { ticket, counter, why, .. } = event
            && *ticket != self.ticket
        {
            if let Some(passed) = self.passed_over(*ticket, counter, why, change.at) {
                self.add(What::PassedOver(passed), change, change.by.clone());
            }
        } else if let Some(what) = self.own(event, change.at) {
            let follows = matches!(what, What::WaitAnnounced { .. } | What::Readied);
            let by = if follows { Actor::System } else { change.by.clone() };
            self.add(what, change, by);
        }
    }

    fn add(&mut self, what: What, change: &Change, by: Actor) {
        if self.steps.len() >= STEPS_MAX {
            let pass = self.steps.iter().position(|step| matches!(step.what, What::PassedOver(_)));
            // The first step gives the number its story; it stays.
            self.steps.remove(pass.unwrap_or(1));
            self.left_out += 1;
        }
        self.steps.push(Step { seq: change.seq, at: change.at, by, is_undone: false, what });
    }

    /// What follows by itself (being told, the announced wait) is not taken back, as in the venue.
    fn take_back(&mut self, seq: Seq, change: &Change) {
        let mut is_own = false;
        let steps = self.steps.iter_mut().filter(|step| step.seq == seq);
        for step in steps.filter(|step| !matches!(step.what, What::WaitAnnounced { .. } | What::Readied)) {
            step.is_undone = true;
            is_own |= !matches!(step.what, What::PassedOver(_));
        }
        if is_own {
            self.add(What::TakenBack, change, change.by.clone());
        }
    }

    /// Whether this call passes the ticket over, as it stood before the change, and why.
    fn passed_over(&self, id: TicketId, counter: &CounterId, why: &Why, at: Timestamp) -> Option<PassedOver> {
        let own = self.venue.ticket(self.ticket)?;
        let called = self.venue.ticket(id).filter(|called| called.service == own.service)?;
        let policy = &self.venue.config().service(&called.service)?.policy;
        let place = called.place.clone().unwrap_or_else(|| Place::of(called, policy));
        let taken = Taken { ticket: id, place: &place, counter, rule: why.rule, at };
        if !taken.passes(self.ticket, own.place.as_ref()?) {
            return None;
        }
        let (reason, granted_by) = answered(called, why);
        Some(PassedOver {
            number: called.number.clone(),
            counter: counter.clone(),
            rule: why.rule,
            lane: called.lane,
            by: taken.passed_by(),
            reason,
            granted_by,
        })
    }

    /// What an event says of the ticket itself.
    fn own(&self, event: &Event, at: Timestamp) -> Option<What> {
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
            Event::TicketCalled { ticket, counter, why, .. } => (ticket, self.called(*ticket, counter, why, at)?),
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
            Event::GreenChannelGranted { ticket, urgency, reason } => {
                (ticket, What::Granted { urgency: *urgency, reason: reason.clone() })
            }
            Event::TicketSteppedBack { ticket, places } => (ticket, What::SteppedBack { places: *places }),
            Event::TicketNotShown { ticket } => (ticket, What::NotShown),
        };
        (*ticket == self.ticket).then_some(what)
    }

    fn called(&self, id: TicketId, counter: &CounterId, why: &Why, at: Timestamp) -> Option<What> {
        let ticket = self.venue.ticket(id)?;
        Some(What::Called {
            counter: counter.clone(),
            lane: ticket.lane,
            rule: why.rule,
            reason: answered(ticket, why).0,
            waited: if ticket.state == TicketState::Waiting { at.since(ticket.queued_at) } else { Millis::ZERO },
            overtaken: why.overtaken,
            passed: why.passed.count(),
        })
    }
}

/// The reason on record that let somebody go first, and who answers for it.
fn answered(ticket: &Ticket, why: &Why) -> (Option<Arc<str>>, Option<Actor>) {
    match (&why.reason, &ticket.grant, &ticket.overflow) {
        (Some(by_hand), _, _) => (Some(by_hand.clone()), None),
        (None, Some(grant), _) if why.rule == Rule::Urgent => (Some(grant.reason.clone()), Some(grant.by.clone())),
        (None, _, Some(overflow)) if ticket.lane == Lane::Overflow => {
            (Some(overflow.reason.clone()), Some(Actor::Staff { user: overflow.approved_by.clone() }))
        }
        _ => (None, None),
    }
}
