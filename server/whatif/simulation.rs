//! One run of a recorded day through the engine: the same people, the same moments of calling, some settings.
//!
//! It does what the player of `replay` does, with a venue's value in place of a server and the plan's times in place of
//! a clock. Pure: same plan, mix and declaration, same history. It decides nothing that the venue decides.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use callnext_engine::appointment::{Appointment, AppointmentState};
use callnext_engine::counter::CounterState;
use callnext_engine::figures::Ledger;
use callnext_engine::ticket::{Slot, Urgency, Visitor};
use callnext_engine::venue::APPOINTMENTS_MAX;
use callnext_engine::{
    Action, BusinessDay, Command, CounterId, Decision, Lane, Millis, Outcome, Refusal, ServiceId, TicketId,
    TicketState, Timestamp, Venue, VenueConfig,
};

use crate::replay::aftermath::{Act, Called, Length, after_call, back_from_tests, reports_again};
use crate::replay::agenda::Agenda;
use crate::replay::counters::{Counters, Work};
use crate::replay::plan::{Arrival, Mix, Plan, SLOT, Step};
use crate::wire::CounterRow;

/// While people are still away for tests, a counter that closes looks again after this.
const LOOK_AGAIN: Millis = Millis::from_mins(1);
/// After a miss that came too early, at least this passes before the next try.
const MISS_AGAIN_MIN: Millis = Millis::from_secs(5);
/// The reason on record for whatever needs one. Nobody reads it: it is only not to be empty.
const REASON: &str = "what-if";

/// What became of a day under some settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// Numbers given.
    pub people: u32,
    /// Who came at a time that is not part of the venue's business day, and was left out.
    pub outside: u32,
    /// Whose number is whose, by the place in the plan's list of people.
    pub persons: BTreeMap<TicketId, usize>,
    /// What the figures are counted from. Whoever is still missed, away or waiting when the day ends is a no-show.
    pub ledger: Ledger,
    /// Of the no-shows, who was still waiting to be called when the day ended.
    pub waiting_at_end: u32,
    /// What the venue said no to, by code.
    pub refused: BTreeMap<&'static str, u32>,
}

/// Plays a day at a venue that is declared like this. `taken` is told of every step of the plan that was taken.
pub fn simulate(plan: &Plan, mix: Mix, config: &VenueConfig, taken: &mut dyn FnMut()) -> History {
    let mut simulation = Simulation::new(plan, mix, config);
    while let Some((at, task)) = simulation.agenda.take() {
        if at >= simulation.day.end {
            break;
        }
        simulation.pass(at);
        if matches!(task, Task::Step(_)) {
            taken();
        }
        simulation.carry_out(task);
    }
    simulation.end_day();
    simulation.history
}

/// What is still to be done.
#[derive(Debug)]
enum Task<'p> {
    /// A step of the plan.
    Step(&'p Step),
    /// A counter does something with the ticket it called.
    Act { counter: CounterId, ticket: TicketId, act: Act },
    /// Somebody who did not come reports again.
    Requeue(TicketId),
    /// Somebody is back from tests.
    Return(TicketId),
    /// A counter calls whoever is left.
    WindUp(CounterId),
    /// A counter that found nobody closes, once nobody is to come back.
    Close(CounterId),
}

impl Task<'_> {
    fn brings_somebody_back(&self) -> bool {
        matches!(self, Self::Requeue(_) | Self::Return(_))
    }
}

struct Simulation<'p> {
    plan: &'p Plan,
    mix: Mix,
    day: BusinessDay,
    venue: Venue,
    counters: Counters,
    agenda: Agenda<Task<'p>>,
    now: Timestamp,
    /// Recorded calls that found no counter or nobody to call; they are made up for as soon as both are there.
    owed: BTreeMap<ServiceId, VecDeque<Option<Millis>>>,
    tickets: BTreeMap<usize, TicketId>,
    /// Who was called at least once: nobody grants them anything, and they do not leave.
    called: BTreeSet<TicketId>,
    winding_up: bool,
    history: History,
}

impl<'p> Simulation<'p> {
    fn new(plan: &'p Plan, mix: Mix, config: &VenueConfig) -> Self {
        let day = BusinessDay::starting_on(plan.target.date, config.time_zone, config.day_start);
        let now = plan.begins.clamp(day.start, day.end - Millis(1));
        let rows = config.counters.iter().map(|counter| CounterRow {
            id: counter.id.to_string(),
            name: counter.name.clone(),
            state: CounterState::Closed,
            services: counter.services.iter().map(ToString::to_string).collect(),
            current: None,
            next: Vec::new(),
            closed: None,
        });
        let mut simulation = Self {
            plan,
            mix,
            day,
            venue: Venue::new(config.clone()),
            counters: Counters::of(&rows.collect::<Vec<_>>(), now),
            agenda: Agenda::default(),
            now,
            owed: BTreeMap::new(),
            tickets: BTreeMap::new(),
            called: BTreeSet::new(),
            winding_up: false,
            history: History::default(),
        };
        simulation.venue.advance(now);
        simulation.write_agenda();
        simulation.book();
        simulation
    }

    /// What lies outside the business day is no part of it; but counters open with it at the latest.
    fn write_agenda(&mut self) {
        for (at, step) in &self.plan.steps {
            let at = if *step == Step::Open { (*at).clamp(self.now, self.day.end - Millis(1)) } else { *at };
            if self.day.holds(at) {
                self.agenda.add(at, Task::Step(step));
            } else {
                self.history.outside += u32::from(matches!(step, Step::Arrive(_)));
            }
        }
    }

    /// Hands over the bookings. Codes are places in the plan: they need not look like anything.
    fn book(&mut self) {
        let booked = self.plan.people.iter().enumerate().filter(|(_, person)| person.arrival == Arrival::Booked);
        let booking = |(at, person): (usize, &crate::replay::plan::Person)| {
            let start = person.slot(self.plan.target.zone);
            Appointment {
                code: booking_code(at),
                service: person.service.clone(),
                slot: Slot { start, end: start + SLOT },
                visitor: Visitor::default(),
                wants: None,
                steps: Vec::new(),
                state: AppointmentState::Expected,
            }
        };
        let appointments = booked.map(booking).filter(|booking| self.day.holds(booking.slot.start));
        let appointments = appointments.take(APPOINTMENTS_MAX).collect();
        drop(self.ask(Action::SetAppointments { appointments }));
    }

    /// Lets time pass, so that everything that happens by itself happens at its own moment.
    fn pass(&mut self, now: Timestamp) {
        while let Some(due) = self.venue.next_deadline().filter(|due| *due <= now) {
            let changes = self.venue.advance(due);
            if changes.is_empty() {
                break;
            }
            changes.iter().for_each(|change| self.history.ledger.hear(&self.venue, change));
        }
        self.now = now;
    }

    /// The day's end, up to where the venue says who was not shown; the next day is nobody's here.
    fn end_day(&mut self) {
        self.pass(self.day.end - Millis(1));
        let waiting = self.venue.live().filter(|ticket| ticket.state == TicketState::Waiting).count();
        self.history.waiting_at_end = u32::try_from(waiting).unwrap_or(u32::MAX);
        self.now = self.day.end;
        // With nobody left it would be the next day at once.
        if self.venue.live().next().is_some() {
            drop(self.ask(Action::Tick));
        }
    }

    /// Asks the venue. A refusal is an answer: it is counted, except where it says only that it is too early.
    fn ask(&mut self, action: Action) -> Result<Outcome, Refusal> {
        match self.venue.execute(&Command::system(action), self.now) {
            Ok(Decision::Changed(change)) => {
                self.history.ledger.hear(&self.venue, &change);
                Ok(change.outcome)
            }
            Ok(Decision::Unchanged(outcome)) => Ok(outcome),
            Ok(Decision::Repeated(receipt)) => Ok(receipt.outcome),
            Err(refusal) => {
                if !matches!(refusal, Refusal::MissTooEarly { .. } | Refusal::SlotNotBegun { .. }) {
                    *self.history.refused.entry(refusal.code()).or_default() += 1;
                }
                Err(refusal)
            }
        }
    }

    fn carry_out(&mut self, task: Task<'p>) {
        match task {
            Task::Step(step) => self.step(step),
            Task::Act { counter, ticket, act } => {
                // What was planned for a ticket that has gone on is not done.
                if self.counters.work(&counter).and_then(Work::ticket) == Some(ticket.0) {
                    self.act(&counter, ticket, act);
                }
            }
            Task::Requeue(ticket) => self.bring_back(ticket, Action::Requeue { ticket, reason: reason() }),
            Task::Return(ticket) => self.bring_back(ticket, Action::Return { ticket }),
            Task::WindUp(counter) => self.wind_up(&counter),
            Task::Close(counter) => self.close(counter),
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Open => {
                let closed: Vec<_> = self.counters.own().map(|(counter, _)| counter.clone()).collect();
                closed.iter().for_each(|counter| self.set_counter(counter, CounterState::Open));
            }
            Step::Arrive(person) => self.arrive(*person),
            Step::Grant(person) => {
                let (urgency, reason) = (Urgency::GreenChannel, reason());
                if let Some(ticket) = self.uncalled(*person) {
                    drop(self.ask(Action::GrantGreenChannel { ticket, urgency, reason: reason.into() }));
                }
            }
            Step::Leave(person) => {
                if let Some(ticket) = self.uncalled(*person) {
                    drop(self.ask(Action::Cancel { ticket, reason: None }));
                }
            }
            Step::Call { service, lasted } => {
                self.owed.entry(service.clone()).or_default().push_back(*lasted);
                if let Some(counter) = self.counters.choose(service) {
                    self.call_owed(&counter, service);
                }
            }
            Step::WindUp => {
                self.winding_up = true;
                for (counter, _) in self.counters.own().filter(|(_, open)| *open) {
                    self.agenda.add(self.now, Task::WindUp(counter.clone()));
                }
            }
        }
    }

    fn set_counter(&mut self, counter: &CounterId, state: CounterState) {
        if self.ask(Action::SetCounter { counter: counter.clone(), state, services: None }).is_ok() {
            self.counters.set_open(counter, state == CounterState::Open);
        }
    }

    /// Somebody gets into the queue. Whose way in is barred (no overflow number left) takes a number like everybody.
    fn arrive(&mut self, at: usize) {
        let Some(person) = self.plan.people.get(at) else { return };
        let (service, visitor) = (person.service.clone(), Visitor::default());
        let own_way = match person.arrival {
            Arrival::WalkIn => None,
            Arrival::Booked => Some(Action::CheckIn { code: booking_code(at), reference: None }),
            Arrival::Overflow => Some(Action::AddOverflow {
                service: service.clone(),
                visitor: visitor.clone(),
                reason: reason().into(),
                approved_by: reason(),
                note: None,
                approval: None,
            }),
        };
        let issued = own_way.and_then(|action| self.ask(action).ok());
        let lane = Lane::WalkIn;
        let take = Action::TakeTicket { service: service.clone(), lane, visitor, wants: None };
        if let Some(Outcome::Ticket { ticket }) = issued.or_else(|| self.ask(take).ok()) {
            self.history.people += 1;
            self.tickets.insert(at, ticket);
            self.history.persons.insert(ticket, at);
            self.make_up_for(&service);
        }
    }

    /// The ticket of somebody who is there and was never called.
    fn uncalled(&self, person: usize) -> Option<TicketId> {
        self.tickets.get(&person).copied().filter(|ticket| !self.called.contains(ticket))
    }

    /// Somebody who missed a call, or was away for tests, stands in the queue again and will be called once more.
    fn bring_back(&mut self, ticket: TicketId, how: Action) {
        if self.ask(how).is_err() {
            return;
        }
        if let Some(service) = self.venue.ticket(ticket).map(|ticket| ticket.service.clone()) {
            self.owed.entry(service.clone()).or_default().push_back(None);
            self.make_up_for(&service);
        }
    }

    /// If a counter of this service has nothing to do and a call is owed, it calls.
    fn make_up_for(&mut self, service: &ServiceId) {
        if let Some(counter) = self.counters.idle(service) {
            self.call_what_is_owed(&counter);
        }
    }

    fn call_what_is_owed(&mut self, counter: &CounterId) {
        let owed = |service: &&ServiceId| self.owed.get(*service).is_some_and(|calls| !calls.is_empty());
        if let Some(service) = self.counters.services(counter).iter().find(owed).cloned() {
            self.call_owed(counter, &service);
        }
    }

    /// Makes the oldest call that is owed for a service; it stays owed if nobody waits.
    fn call_owed(&mut self, counter: &CounterId, service: &ServiceId) {
        let lasted = self.owed.get(service).and_then(|calls| calls.front().copied()).flatten();
        if self.call(counter, lasted)
            && let Some(calls) = self.owed.get_mut(service)
        {
            calls.pop_front();
        }
    }

    /// Calls the next ticket to a counter, and writes down what follows. False if nobody waits.
    fn call(&mut self, counter: &CounterId, lasted: Option<Millis>) -> bool {
        let action = Action::CallNext { counter: counter.clone() };
        let Ok(Outcome::Called { ticket, call: made, .. }) = self.ask(action) else {
            self.counters.freed(counter, self.now);
            return false;
        };
        self.called.insert(ticket);
        self.counters.called(counter, ticket.0, Some(made.0), self.now);
        for (after, act) in self.what_follows(ticket, lasted) {
            self.agenda.add(self.now + after, Task::Act { counter: counter.clone(), ticket, act });
        }
        true
    }

    /// Drawn from the person, not from the number as in the player: whoever is called, they are the same people.
    fn what_follows(&self, id: TicketId, lasted: Option<Millis>) -> Vec<(Millis, Act)> {
        let Some((ticket, number)) = self.venue.ticket(id).zip(self.code(id)) else { return Vec::new() };
        let again = ticket.misses > 0 || matches!(ticket.lane, Lane::Missed | Lane::ReturnVisit);
        let typical = || Length::Typical(self.plan.typical(&ticket.service));
        after_call(Called { number, again, lasts: lasted.map_or_else(typical, Length::Recorded) }, self.mix)
    }

    fn code(&self, ticket: TicketId) -> Option<&'p str> {
        self.plan.people.get(*self.history.persons.get(&ticket)?).map(|person| person.code.as_str())
    }

    fn act(&mut self, counter: &CounterId, ticket: TicketId, act: Act) {
        let at = counter.clone();
        match act {
            Act::Recall => drop(self.ask(Action::Recall { counter: at })),
            Act::Start => {
                if self.ask(Action::Start { counter: at }).is_ok() {
                    self.counters.started(counter);
                }
            }
            Act::Complete => {
                drop(self.ask(Action::Complete { counter: at }));
                self.free(counter);
            }
            Act::Hold => {
                if self.ask(Action::Hold { ticket, reason: reason() }).is_ok()
                    && let Some(code) = self.code(ticket)
                {
                    self.agenda.add(self.now + back_from_tests(code), Task::Return(ticket));
                }
                self.free(counter);
            }
            Act::Miss => self.miss(counter, ticket),
        }
    }

    /// Gives up waiting for somebody, once grace and recalls are as the policy wants them.
    fn miss(&mut self, counter: &CounterId, ticket: TicketId) {
        let wait = match self.ask(Action::Miss { counter: counter.clone() }) {
            Err(Refusal::MissTooEarly { grace_ms, recalls, .. }) => {
                if recalls > 0 {
                    drop(self.ask(Action::Recall { counter: counter.clone() }));
                }
                Some(Millis(grace_ms).max(MISS_AGAIN_MIN))
            }
            Err(Refusal::SlotNotBegun { .. }) => Some(LOOK_AGAIN),
            Ok(_) | Err(_) => None,
        };
        if let Some(wait) = wait {
            self.agenda.add(self.now + wait, Task::Act { counter: counter.clone(), ticket, act: Act::Miss });
            return;
        }
        let may_come_back = self.venue.ticket(ticket).is_some_and(|ticket| ticket.state == TicketState::Missed);
        if let Some(after) = self.code(ticket).filter(|_| may_come_back).and_then(reports_again) {
            self.agenda.add(self.now + after, Task::Requeue(ticket));
        }
        self.free(counter);
    }

    /// A counter has nothing to do any more: it makes a call that is owed, or winds up.
    fn free(&mut self, counter: &CounterId) {
        self.counters.freed(counter, self.now);
        if self.winding_up {
            self.agenda.add(self.now, Task::WindUp(counter.clone()));
        } else {
            self.call_what_is_owed(counter);
        }
    }

    fn wind_up(&mut self, counter: &CounterId) {
        if self.is_idle(counter) && !self.call(counter, None) {
            self.agenda.add(self.now, Task::Close(counter.clone()));
        }
    }

    /// Closes a counter that has nothing to do; whoever is still to come back is waited for, and called when there.
    fn close(&mut self, counter: CounterId) {
        if self.agenda.any(Task::brings_somebody_back) {
            self.agenda.add(self.now + LOOK_AGAIN, Task::Close(counter));
        } else if self.is_idle(&counter) {
            self.set_counter(&counter, CounterState::Closed);
        }
    }

    fn is_idle(&self, counter: &CounterId) -> bool {
        matches!(self.counters.work(counter), Some(Work::Idle { .. }))
    }
}

fn booking_code(person: usize) -> Arc<str> {
    person.to_string().into()
}

fn reason() -> Arc<str> {
    REASON.into()
}
