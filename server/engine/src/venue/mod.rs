//! A venue as a value: `decide` says what would happen, `apply` records what happened.
//!
//! [`Venue::execute`] is the two in one step, with what follows by itself. Nothing here can fail half way: a
//! command is refused before anything changes, and a change is applied whole.

mod apply;
mod check;
mod decide;
mod few;
mod follow;
mod inside;
mod preview;
mod receipts;
mod retire;
mod sessions;
mod slots;
mod tickets;
mod trail;
mod unattended;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::appointment::{Appointment, AppointmentState};
use crate::closure::{Closable, InForce};
use crate::command::{Action, Actor, Command, CommandId};
use crate::config::{Declaration, LOAD_MEAN, Layers, PolicyChange, ServiceConfig, VenueConfig};
use crate::counter::Counter;
use crate::dispatch::{Queue, Reach, emptiest};
use crate::estimate::{Forecast, Unknown};
use crate::event::{Change, Event, Rule};
use crate::handover::{Arrival, Handovers};
use crate::ids::{CallId, CounterId, Seq, ServiceId, SessionId, TicketId, TicketNumber};
use crate::projection::{Projected, project};
use crate::refusal::Refusal;
use crate::ticket::{Ticket, TicketState};
use crate::time::{BusinessDay, Millis, Timestamp};

use receipts::Receipts;
use tickets::Tickets;
use trail::Trail;

pub use check::Violation;
pub use preview::PREVIEW_MAX;
pub use retire::{Retired, RetiredCall};

/// Most tickets of one venue day.
pub const TICKETS_MAX: u32 = 2_000_000;
/// Most bookings of one venue day.
pub const APPOINTMENTS_MAX: usize = 20_000;
/// Latest calls that are remembered for the boards: more than can be called between two frames of a slow screen.
pub const CALLS_MAX: usize = 24;
/// Most places a person can step back at a time.
pub const STEP_BACK_MAX: u32 = 20;
/// Longest name, in characters.
pub const NAME_CHARS_MAX: usize = 64;
/// Longest reason or note, in characters.
pub const REASON_CHARS_MAX: usize = 200;
/// Most changes of policies in one venue day: each is remembered until the day ends.
pub const POLICY_CHANGES_MAX: usize = 500;
/// How long a person may take back their last change.
pub const UNDO_WINDOW: Millis = Millis::from_secs(30);

/// One hall with its own day, queues and counters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Venue {
    seq: Seq,
    at: Timestamp,
    day: BusinessDay,
    config: VenueConfig,
    layers: Layers,
    /// Today's changes of policies, oldest first.
    policy_changes: Vec<PolicyChange>,
    next_ticket: TicketId,
    next_call: CallId,
    /// How many were sent to second waiting areas today (C4).
    sent_inside: u64,
    /// Today's tickets, by id: the first has the id `next_ticket - len`.
    tickets: Tickets,
    /// Numbers given today, per prefix of a service.
    given: BTreeMap<String, u32>,
    /// The last number of each series: prefix, and the session's letter where each session has its own.
    numbers: BTreeMap<String, u32>,
    appointments: BTreeMap<Arc<str>, Appointment>,
    counters: BTreeMap<CounterId, Counter>,
    queues: BTreeMap<ServiceId, Queue>,
    /// Overflow numbers added today (B3).
    overflows: BTreeMap<ServiceId, Overflows>,
    /// People who are booked or took a slot, by the slot's start (R4).
    slots: BTreeMap<ServiceId, BTreeMap<Timestamp, u32>>,
    /// Sessions that are over (B12).
    closed: BTreeSet<(SessionId, ServiceId)>,
    /// What is closed today (B10).
    #[serde(serialize_with = "listed")]
    closures: BTreeMap<Closable, InForce>,
    /// What goes to other venues and comes from them (R6).
    handovers: Handovers,
    /// The latest calls, oldest first.
    calls: VecDeque<CallEntry>,
    receipts: Receipts,
    trail: Trail,
}

/// Overflow numbers of one service.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
struct Overflows {
    of_day: u32,
    of_session: BTreeMap<SessionId, u32>,
}

/// One of the latest calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallEntry {
    /// The call.
    pub call: CallId,
    /// Who.
    pub ticket: TicketId,
    /// The number called: the ticket itself may be a guest from another day.
    pub number: TicketNumber,
    /// Where to.
    pub counter: CounterId,
    /// What for.
    pub service: ServiceId,
    /// Which rule chose.
    pub rule: Rule,
    /// How often again.
    pub recalls: u32,
    /// When, or when again.
    pub at: Timestamp,
}

/// What the asker is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It was done; there is nothing to add.
    Done,
    /// It concerned this ticket.
    Ticket {
        /// The ticket.
        ticket: TicketId,
    },
    /// This ticket was called.
    Called {
        /// The ticket.
        ticket: TicketId,
        /// The call.
        call: CallId,
        /// The rule that chose.
        rule: Rule,
    },
    /// Nobody could be called.
    NobodyWaiting,
    /// The bookings were taken in.
    Appointments {
        /// How many the day has now.
        count: u32,
    },
    /// It concerned this counter.
    Counter {
        /// The counter.
        counter: CounterId,
    },
    /// Policies were changed.
    PolicyChanged {
        /// The count of changes with this one.
        version: u64,
    },
    /// This came of a parcel from another venue.
    Arrival {
        /// What.
        came: Arrival,
    },
    /// This was closed, or opened again.
    Closed {
        /// What.
        closed: Closable,
    },
    /// An earlier change was taken back.
    Undone {
        /// Which.
        seq: Seq,
        /// The tickets it had concerned.
        tickets: Vec<TicketId>,
    },
}

/// What was answered to a command that had been carried out before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// What was asked, digested.
    pub fingerprint: u64,
    /// The change that did it.
    pub seq: Seq,
    /// What was told.
    pub outcome: Outcome,
}

/// The answer to a command that was not refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It was carried out: save this change before anybody is told.
    Changed(Change),
    /// It changes nothing, and needs no saving.
    Unchanged(Outcome),
    /// It was carried out before; this was the answer.
    Repeated(Receipt),
}

impl Venue {
    /// A venue before its first day: time itself ([`Venue::advance`]) opens it, and closes whatever was done
    /// before.
    pub fn new(declaration: impl Into<Declaration>) -> Self {
        let declaration = declaration.into();
        let layers = Layers::default().under(&declaration);
        Self::under(declaration.in_force(&layers), layers)
    }

    fn under(config: VenueConfig, layers: Layers) -> Self {
        let never = Timestamp(i64::MIN);
        let queues = config.services.iter().map(|service| (service.id.clone(), Queue::default())).collect();
        let mut venue = Self {
            seq: Seq(0),
            at: never,
            day: BusinessDay { date: chrono::NaiveDate::MIN, start: never, end: never },
            config,
            layers,
            policy_changes: Vec::new(),
            next_ticket: TicketId(1),
            next_call: CallId(1),
            sent_inside: 0,
            tickets: Tickets::default(),
            given: BTreeMap::new(),
            numbers: BTreeMap::new(),
            appointments: BTreeMap::new(),
            counters: BTreeMap::new(),
            queues,
            overflows: BTreeMap::new(),
            slots: BTreeMap::new(),
            closed: BTreeSet::new(),
            closures: BTreeMap::new(),
            handovers: Handovers::default(),
            calls: VecDeque::new(),
            receipts: Receipts::default(),
            trail: Trail::default(),
        };
        venue.fit_counters(None);
        venue
    }

    /// Carries a command out on this value: decides, applies, and adds what follows by itself.
    ///
    /// Call [`Venue::advance`] first, or the day may be over. A clock that jumped back is held at the latest
    /// change. An answer that changed nothing leaves no receipt: a retry of it is asked anew.
    pub fn execute(&mut self, command: &Command, now: Timestamp) -> Result<Decision, Refusal> {
        let now = now.max(self.at);
        if let Some(receipt) = self.receipts.find(command.id.as_ref())? {
            return Ok(Decision::Repeated(receipt.clone()));
        }
        let (events, outcome) = self.decide(command, now)?;
        let mut change = Change {
            seq: self.seq.next(),
            at: now,
            by: command.by.clone(),
            command: command.id.clone(),
            outcome,
            events,
        };
        let before = self.images(&change);
        for event in &change.events {
            self.apply_event(event, now, &change.by);
        }
        self.follow(now, &mut change.events);
        if change.events.is_empty() {
            return Ok(Decision::Unchanged(change.outcome));
        }
        self.seal(&change, before);
        Ok(Decision::Changed(change))
    }

    /// Lets time pass up to `now`: everything that happens by itself, one change after the other.
    ///
    /// What is due within the day happens when it was due, so that a late timer tells the same people as a
    /// punctual one. The day's end happens when it is noticed.
    pub fn advance(&mut self, now: Timestamp) -> Vec<Change> {
        let now = now.max(self.at);
        let mut changes = Vec::new();
        while let Some(due) = self.next_deadline().filter(|due| *due <= now) {
            let at = if due < self.day.end { due } else { now };
            match self.execute(&Command::system(Action::Tick), at) {
                Ok(Decision::Changed(change)) => changes.push(change),
                // Due, but with nothing to do: asking again would not end.
                Ok(Decision::Unchanged(_) | Decision::Repeated(_)) | Err(_) => break,
            }
        }
        changes
    }

    /// Records a change that was decided earlier, here or elsewhere. Cannot fail and never judges again.
    pub fn apply(&mut self, change: &Change) {
        self.apply_watched(change, |_, _| {});
    }

    /// The same, and shows the venue as each event finds it.
    pub(crate) fn apply_watched(&mut self, change: &Change, mut watch: impl FnMut(&Self, &Event)) {
        let before = self.images(change);
        for event in &change.events {
            watch(self, event);
            self.apply_event(event, change.at, &change.by);
        }
        self.seal(change, before);
    }

    /// Position in the history.
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// Time of the latest change.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// The business day in progress.
    pub fn day(&self) -> BusinessDay {
        self.day
    }

    /// The declaration in force.
    pub fn config(&self) -> &VenueConfig {
        &self.config
    }

    /// What the policies in force are made from (R11).
    pub fn layers(&self) -> &Layers {
        &self.layers
    }

    /// Today's changes of policies, oldest first.
    pub fn policy_changes(&self) -> impl DoubleEndedIterator<Item = &PolicyChange> {
        self.policy_changes.iter()
    }

    /// One of today's tickets.
    pub fn ticket(&self, id: TicketId) -> Option<&Ticket> {
        self.tickets.get(self.place_of(id)?)
    }

    /// Today's tickets, in the order of their numbers.
    pub fn tickets(&self) -> impl Iterator<Item = &Ticket> {
        self.tickets.iter()
    }

    /// Today's tickets, the latest number first.
    pub(crate) fn tickets_latest_first(&self) -> impl Iterator<Item = &Ticket> {
        self.tickets.iter().rev()
    }

    /// Today's bookings, by code.
    pub fn appointments(&self) -> impl Iterator<Item = &Appointment> {
        self.appointments.values()
    }

    /// One booking.
    pub fn appointment(&self, code: &str) -> Option<&Appointment> {
        self.appointments.get(code)
    }

    /// One counter.
    pub fn counter(&self, id: &CounterId) -> Option<&Counter> {
        self.counters.get(id)
    }

    /// The counters in the order of the declaration.
    pub fn counters(&self) -> impl Iterator<Item = &Counter> {
        self.config.counters.iter().filter_map(|counter| self.counters.get(&counter.id))
    }

    /// One service's queue.
    pub fn queue(&self, service: &ServiceId) -> Option<&Queue> {
        self.queues.get(service)
    }

    /// The latest calls, oldest first.
    pub fn calls(&self) -> impl DoubleEndedIterator<Item = &CallEntry> {
        self.calls.iter()
    }

    /// What is closed today (B10).
    pub fn closures(&self) -> impl Iterator<Item = &InForce> {
        self.closures.values()
    }

    /// The closure of this, if it is closed.
    pub fn closure(&self, of: &Closable) -> Option<&InForce> {
        self.closures.get(of)
    }

    /// What goes to other venues and comes from them (R6).
    pub fn handovers(&self) -> &Handovers {
        &self.handovers
    }

    /// Counters that call for a service, in the order of the declaration.
    pub fn open_counters<'v>(&'v self, service: &'v ServiceId) -> impl Iterator<Item = &'v Counter> {
        self.counters().filter(move |counter| counter.serves(service))
    }

    /// The calls a service's waiting people can expect if nobody new comes, in order.
    pub fn project(&self, service: &ServiceId, now: Timestamp) -> impl Iterator<Item = Projected> + use<'_> {
        let serving = self.counters().filter(|counter| counter.serves(service));
        let serving: Vec<&CounterId> = serving.map(|counter| &counter.id).collect();
        let wanted: Vec<&CounterId> = self.counters.keys().collect();
        let queue = self.queues.get(service);
        let policy = self.config.service(service).map(|service| &service.policy);
        let now = now.max(self.at);
        queue
            .zip(policy)
            .map(|(queue, policy)| project(queue, policy, &serving, &wanted, self.areas(Some(service)), now))
            .into_iter()
            .flatten()
    }

    /// What can be said of every wait for a service, or why nobody can know.
    pub fn forecast(&self, service: &ServiceId) -> Result<Forecast, Unknown> {
        if self.open_counters(service).next().is_none() {
            return Err(Unknown::NoCounterOpen);
        }
        let gap = self.gap(service).ok_or(Unknown::NothingCalledYet)?;
        let queue = self.queues.get(service).ok_or(Unknown::NothingCalledYet)?;
        Ok(queue.pace().forecast(gap))
    }

    /// How long a ticket will take, in thousandths of the mean of its service's classes (E1).
    pub fn load(&self, ticket: TicketId) -> u32 {
        let service = self.ticket(ticket).and_then(|ticket| self.config.service(&ticket.service));
        service.map_or(LOAD_MEAN, |service| self.load_at(service, ticket))
    }

    /// The same of somebody who waits for this service.
    pub fn load_at(&self, service: &ServiceConfig, ticket: TicketId) -> u32 {
        // Nobody need be looked up, of whom there may be thousands, where all are alike.
        let ticket = if service.classes.is_empty() { None } else { self.ticket(ticket) };
        ticket.map_or(LOAD_MEAN, |ticket| service.load(ticket.visitor.class.as_ref()))
    }

    /// The gap between calls for people of mean load: as measured, and before that as the classes of the service
    /// and its open counters let expect (E1).
    fn gap(&self, service: &ServiceId) -> Option<Millis> {
        let measured = self.queues.get(service)?.pace().gap();
        measured.or_else(|| {
            let open = u64::try_from(self.open_counters(service).count()).ok().filter(|open| *open > 0)?;
            let expected = self.config.service(service)?.expected_ms()? / open;
            i64::try_from(expected).ok().map(Millis)
        })
    }

    /// When something will happen by itself, if anything: the day ends, a slot begins and somebody can be told to
    /// get ready, sent to a counter's door or waits as booked from then on, a session is over, a call is left alone
    /// too long. Later than the latest change, but for what a new declaration makes due at once.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let areas = self.areas(None);
        let roomy = emptiest(&areas, |area| self.inside(&area.counter));
        let roomy: Vec<&CounterId> = roomy.into_iter().map(|area| &area.counter).collect();
        let slots = self.config.services.iter().filter_map(|service| {
            let queue = self.queues.get(&service.id).filter(|queue| !queue.is_all_ready())?;
            let reach = self.staffed(&service.id)?;
            let told = (queue.room(&service.policy, &reach) > 0).then_some(reach);
            let roomy = roomy.iter().filter(|counter| self.serves(counter, &service.id));
            let sent: Vec<Reach<'_>> = roomy.map(|counter| Reach::of(counter)).collect();
            let overdue = sent.iter().filter_map(|reach| queue.next_overdue(reach, &service.policy, self.at));
            let eligible = told.iter().chain(&sent).filter_map(|reach| queue.next_eligible(reach, self.at));
            eligible.chain(overdue).min()
        });
        let turning = self.queues.values().filter_map(|queue| queue.turning().next()).map(|(at, _)| at);
        let others = [self.next_closing(), self.next_unattended(), Some(self.day.end)];
        slots.chain(turning).chain(others.into_iter().flatten()).min()
    }

    /// What the counters that work for a service today can call; none if there is no such counter.
    fn staffed<'v>(&'v self, service: &'v ServiceId) -> Option<Reach<'v>> {
        let is_served = self.counters.values().any(|counter| counter.serves(service));
        is_served.then(|| Reach::serving(&self.counters, service, None))
    }

    fn serves(&self, counter: &CounterId, service: &ServiceId) -> bool {
        self.counters.get(counter).is_some_and(|counter| counter.serves(service))
    }

    /// Where a ticket stands among today's, if it is one of them or will be.
    fn place_of(&self, id: TicketId) -> Option<usize> {
        let first = self.next_ticket.0 - u64::try_from(self.tickets.len()).unwrap_or(u64::MAX);
        usize::try_from(id.0.checked_sub(first)?).ok()
    }

    fn ticket_mut(&mut self, id: TicketId) -> Option<&mut Ticket> {
        let at = self.place_of(id)?;
        self.tickets.get_mut(at)
    }

    /// The tickets whose visits are not over.
    pub fn live(&self) -> impl Iterator<Item = &Ticket> {
        self.tickets.iter().filter(|ticket| !ticket.state.is_over())
    }

    /// The day before the next one may begin: everybody still here has left. Whoever was called and not marked
    /// missed was served: where nobody presses "start", the last person of each counter ends so.
    fn closing(&self) -> impl Iterator<Item = Event> + '_ {
        let never_here = self.appointments.values().filter(|booking| booking.state == AppointmentState::Expected);
        let codes: Vec<_> = never_here.map(|booking| booking.code.clone()).collect();
        let bookings = (!codes.is_empty()).then_some(Event::AppointmentsNotShown { codes });
        // What came of a ticket that is on its way is not known here; its parcel stays.
        let tickets = self.live().filter(|ticket| ticket.state.is_here()).map(|ticket| match ticket.state {
            TicketState::Called { .. } | TicketState::Serving { .. } => Event::ServiceCompleted { ticket: ticket.id },
            _ => Event::TicketNotShown { ticket: ticket.id },
        });
        bookings.into_iter().chain(tickets)
    }

    fn next_id(&self) -> TicketId {
        self.next_ticket
    }

    fn actor_is_staff(by: &Actor) -> bool {
        matches!(by, Actor::Staff { .. })
    }

    /// The receipt of a command, if it was carried out and is still remembered.
    pub fn receipt(&self, id: &CommandId) -> Option<&Receipt> {
        self.receipts.find(Some(id)).ok().flatten()
    }
}

/// As a list: not every format has maps whose keys are more than text.
fn listed<S: serde::Serializer>(closures: &BTreeMap<Closable, InForce>, to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(closures.values())
}
