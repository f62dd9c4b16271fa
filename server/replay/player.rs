//! Plays a plan against a server: takes numbers, checks in, calls, serves, and leaves to people what they take over.
//!
//! One task does one thing after another, as the agenda has it, so a day plays in one order however the machine is
//! loaded; when it is behind it goes on without pauses. It decides nothing that the server decides.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use awc::http::Method;
use callnext_engine::counter::CounterState;
use callnext_engine::{CounterId, Lane, Millis, ServiceId, Timestamp, VenueId};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::aftermath::{Act, Called, Length, after_call, back_from_tests, reports_again};
use super::agenda::Agenda;
use super::client::{Access, Client, ClientError, Seat, counter_path, venue_path};
use super::counters::{Counters, Work};
use super::pace::Pace;
use super::plan::{Arrival, Mix, Plan, SLOT, Step};
use super::progress::Progress;
use super::summary::ReplaySummary;
use super::watch::{self, Told, Watch};
use crate::wire::{
    AppointmentRequest, AppointmentsAnswer, CallAnswer, CallRequest, CardState, CheckInRequest, Console, CounterAnswer,
    CounterRequest, EmptyRequest, GreenChannelRequest, OverflowRequest, ReasonRequest, TicketIssued, TicketRequest,
    TicketRow,
};

/// A counter that finds itself with a ticket at the start is done with it after this.
const FOUND_SERVING: Millis = Millis::from_mins(2);
/// While people are still away for tests, a counter that closes looks again after this.
const LOOK_AGAIN: Millis = Millis::from_mins(1);
/// After a miss that came too early, at least this passes before the next try.
const MISS_AGAIN_MIN: Millis = Millis::from_secs(5);
/// A grace that takes longer than this in the plan (the server's clock is slower than the player's) is not waited
/// for: nobody stays away then, or one person who did not come would block a counter for an hour.
const GRACE_IN_PLAN_MAX: Millis = Millis::from_mins(5);
/// The grace that is usual (C1).
const GRACE_USUAL: Millis = Millis::from_secs(60);
/// The shortest slot there is on the wire, minutes.
const SLOT_MINUTES_MIN: i64 = 1;

/// Reasons on record. They are what a nurse in the demo's venues would write.
const OVERFLOW_REASON: &str = "当日号满，医生同意加号";
const OVERFLOW_APPROVED_BY: &str = "值班医生";
const GREEN_REASON: &str = "高龄老人，优先照顾";
const HOLD_REASON: &str = "去做检查";
const REQUEUE_REASON: &str = "过号后重新报到";
const RETURN_REASON: &str = "检查回来";

/// Who the player is where. One seat may serve for all.
#[derive(Clone)]
pub struct Cast {
    /// Takes numbers and checks people in.
    pub kiosk: Rc<Seat>,
    /// Sets bookings, adds overflow numbers, grants precedence, brings people back.
    pub nurse: Rc<Seat>,
    /// Works the counters.
    pub clerk: Rc<Seat>,
}

/// What a replay tells whoever listens, as it happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A number was given.
    Issued {
        /// Name in addresses.
        id: u64,
        /// The number.
        number: String,
        /// Opens the card.
        token: String,
    },
    /// A ticket was called, or called again.
    Called {
        /// Name in addresses.
        id: u64,
        /// The call.
        call: u64,
        /// How often it was called again.
        recalls: u32,
    },
    /// A person took a counter over.
    TakenOver {
        /// The counter.
        counter: CounterId,
    },
}

/// Everything a player needs.
pub struct Setup {
    /// The server.
    pub client: Rc<Client>,
    /// Who the player is where.
    pub cast: Cast,
    /// What is to be done.
    pub plan: Plan,
    /// How much real life is added after calls.
    pub mix: Mix,
    /// The clock.
    pub pace: Pace,
    /// How many waiting phones are held open.
    pub phones: usize,
    /// Where to tell what happens; none to tell nobody.
    pub tell: Option<mpsc::UnboundedSender<Heard>>,
    /// How far it is, for a person to see.
    pub progress: Progress,
    /// Counters that people have already: the player leaves them alone from the start.
    pub leave: Vec<CounterId>,
}

/// What is still to be done.
#[derive(Debug)]
enum Task {
    /// A step of the plan.
    Step(Step),
    /// A counter does something with the ticket it called.
    Act { counter: CounterId, ticket: u64, act: Act },
    /// Somebody who did not come reports again.
    Requeue(u64),
    /// Somebody is back from tests.
    Return(u64),
    /// A counter calls whoever is left.
    WindUp(CounterId),
    /// A counter that found nobody closes, once nobody is to come back.
    Close(CounterId),
}

impl Task {
    fn brings_somebody_back(&self) -> bool {
        matches!(self, Self::Requeue(_) | Self::Return(_))
    }
}

/// A ticket the player holds for one of its people.
struct Held {
    id: u64,
    token: String,
}

/// Plays one plan.
pub struct Player {
    client: Rc<Client>,
    cast: Cast,
    plan: Plan,
    mix: Mix,
    pace: Pace,
    phones_wanted: usize,
    phones: Vec<Watch>,
    cards: Rc<Cell<u64>>,
    tell: Option<mpsc::UnboundedSender<Heard>>,
    leave: Vec<CounterId>,
    counters: Counters,
    agenda: Agenda<Task>,
    /// Recorded calls that found no counter or nobody to call; they are made up for as soon as both are there.
    owed: BTreeMap<ServiceId, VecDeque<Option<Millis>>>,
    held: BTreeMap<usize, Held>,
    /// Tickets that were called: nobody grants them anything, and they do not leave.
    called: BTreeSet<u64>,
    winding_up: bool,
    summary: ReplaySummary,
    progress: Progress,
}

impl Player {
    /// A player of this plan.
    pub fn new(setup: Setup) -> Self {
        let Setup { client, cast, plan, mut mix, pace, phones, tell, progress, leave } = setup;
        if pace.span_in_plan(GRACE_USUAL) > GRACE_IN_PLAN_MAX {
            mix.missed_one_in = 0;
        }
        let summary = ReplaySummary { venue: plan.target.venue.to_string(), ..ReplaySummary::default() };
        Self {
            client,
            cast,
            plan,
            mix,
            pace,
            phones_wanted: phones,
            phones: Vec::new(),
            cards: Rc::default(),
            tell,
            leave,
            counters: Counters::default(),
            agenda: Agenda::default(),
            owed: BTreeMap::new(),
            held: BTreeMap::new(),
            called: BTreeSet::new(),
            winding_up: false,
            summary,
            progress,
        }
    }

    /// The venue it plays at.
    pub fn venue(&self) -> &VenueId {
        &self.plan.target.venue
    }

    /// Plays from the present moment to the end.
    ///
    /// # Errors
    ///
    /// The server does not answer any more, or not what the contract says. Refusals are counted and do not stop it.
    pub async fn play(mut self) -> Result<ReplaySummary, ClientError> {
        let started = Instant::now();
        let path = venue_path(&self.plan.target.venue, "queue");
        let console: Console = self.client.read(&self.cast.nurse, &path).await?;
        let now = self.pace.now();
        self.counters = Counters::of(&console.counters, now);
        for counter in &self.leave {
            self.counters.leave_to_staff(counter);
        }
        self.write_agenda(&console, now);
        self.book(&console, now).await?;
        let (_watches, mut told) = watch::venue(&self.client, &self.cast.clerk, &self.plan.target.venue);
        while let Some(due) = self.agenda.next_at() {
            tokio::select! {
                // What people did comes first: a counter they took must not be used once more.
                biased;
                Some(told) = told.recv() => self.hear(told),
                () = self.pace.until(due) => {
                    let Some((at, task)) = self.agenda.take() else { break };
                    self.note_lateness(at);
                    self.carry_out(task).await?;
                }
            }
        }
        self.summary.taken_over = self.counters.taken_over().map(ToString::to_string).collect();
        self.summary.cards = self.cards.get();
        self.summary.seconds = started.elapsed().as_secs();
        self.progress.finish();
        Ok(self.summary)
    }

    /// Writes down what is still to come. What is past stays past, but for one thing: where nothing has happened at the
    /// venue yet, the people who would be waiting by now come all at once.
    fn write_agenda(&mut self, console: &Console, now: Timestamp) {
        let fresh = console.tickets.is_empty() && console.counters.iter().all(|row| row.state == CounterState::Closed);
        for (at, step) in self.plan.steps.clone() {
            let wanted = match &step {
                _ if at >= now => true,
                Step::Open => fresh,
                Step::Arrive(person) => fresh && self.still_waits(*person, now),
                Step::WindUp => true,
                Step::Grant(_) | Step::Leave(_) | Step::Call { .. } => false,
            };
            if wanted {
                self.agenda.add(at.max(now), Task::Step(step));
            }
        }
        for (counter, ticket) in self.counters.serving() {
            let task = Task::Act { counter: counter.clone(), ticket, act: Act::Complete };
            self.agenda.add(now + FOUND_SERVING, task);
        }
    }

    /// Whether a person who came before `now` was still there by then; if so, the person comes now.
    fn still_waits(&mut self, person: usize, now: Timestamp) -> bool {
        let Some(person) = self.plan.people.get_mut(person) else { return false };
        let waits = person.ends.is_none_or(|ends| ends >= now);
        if waits {
            person.arrives = now;
        }
        waits
    }

    /// Hands over the bookings of everybody who is still to come, unless that was done before.
    async fn book(&mut self, console: &Console, now: Timestamp) -> Result<(), ClientError> {
        let zone = self.plan.target.zone;
        let slot_minutes = (self.pace.span_on_server(SLOT).0 / 60_000).max(SLOT_MINUTES_MIN);
        let booking = |person: &super::plan::Person| AppointmentRequest {
            class: None,
            code: person.booking(),
            service: person.service.clone(),
            slot: self.pace.on_server(person.slot(zone)).to_utc().to_rfc3339(),
            slot_minutes: u32::try_from(slot_minutes).ok(),
            name: person.name(),
            visitor: None,
            counter: None,
            steps: None,
        };
        let bookings: Vec<_> = self.plan.booked().filter(|person| person.arrives >= now).map(booking).collect();
        if bookings.is_empty() || !console.appointments.is_empty() {
            return Ok(());
        }
        let path = venue_path(&self.plan.target.venue, "appointments");
        let answer = self.client.write::<AppointmentsAnswer>(&self.cast.nurse, Method::PUT, &path, &bookings).await;
        self.unless_refused(answer).map(drop)
    }

    async fn carry_out(&mut self, task: Task) -> Result<(), ClientError> {
        match task {
            Task::Step(step) => {
                self.progress.step();
                self.step(step).await?;
            }
            Task::Act { counter, ticket, act } => {
                // What was planned for a ticket that has gone on, or for a counter that a person has, is not done.
                if self.counters.work(&counter).and_then(Work::ticket) == Some(ticket) {
                    self.act(&counter, ticket, act).await?;
                }
            }
            Task::Requeue(ticket) => {
                if self.bring_back(ticket, "requeues", REQUEUE_REASON).await? {
                    self.summary.requeued += 1;
                }
            }
            Task::Return(ticket) => {
                if self.bring_back(ticket, "returns", RETURN_REASON).await? {
                    self.summary.returned += 1;
                }
            }
            Task::WindUp(counter) => self.wind_up(&counter).await?,
            Task::Close(counter) => self.close(counter).await?,
        }
        self.progress.show(&self.summary, self.pace.now());
        Ok(())
    }

    async fn step(&mut self, step: Step) -> Result<(), ClientError> {
        match step {
            Step::Open => {
                let closed: Vec<_> =
                    self.counters.own().filter(|(_, open)| !open).map(|(counter, _)| counter.clone()).collect();
                for counter in closed {
                    self.set_counter(&counter, CounterState::Open).await?;
                }
                Ok(())
            }
            Step::Arrive(person) => self.arrive(person).await,
            Step::Grant(person) => self.grant(person).await,
            Step::Leave(person) => self.leave(person).await,
            Step::Call { service, lasted } => {
                self.owed.entry(service.clone()).or_default().push_back(lasted);
                match self.counters.choose(&service) {
                    Some(counter) => self.call_owed(&counter, &service).await,
                    None => Ok(()),
                }
            }
            Step::WindUp => {
                self.winding_up = true;
                let now = self.pace.now();
                for (counter, open) in self.counters.own() {
                    if open {
                        self.agenda.add(now, Task::WindUp(counter.clone()));
                    }
                }
                Ok(())
            }
        }
    }

    async fn set_counter(&mut self, counter: &CounterId, state: CounterState) -> Result<(), ClientError> {
        let path = counter_path(&self.plan.target.venue, counter, "");
        let body = CounterRequest { state, services: None };
        let answer = self.client.write::<CounterAnswer>(&self.cast.clerk, Method::PUT, &path, &body).await;
        if self.at_counter(counter, answer)?.is_some() {
            self.counters.set_open(counter, state == CounterState::Open);
        }
        Ok(())
    }

    async fn arrive(&mut self, at: usize) -> Result<(), ClientError> {
        let Some(person) = self.plan.people.get(at) else { return Ok(()) };
        let (service, name) = (person.service.clone(), person.name());
        let path = |rest| venue_path(&self.plan.target.venue, rest);
        let number = TicketRequest {
            class: None,
            service: service.clone(),
            lane: None,
            name: name.clone(),
            phone: None,
            visitor: None,
            counter: None,
            steps: Vec::new(),
            language: None,
            slot: false,
        };
        let arrival = person.arrival;
        let answer = match arrival {
            Arrival::WalkIn => self.post::<TicketIssued>(&self.cast.kiosk, &path("tickets"), &number).await,
            Arrival::Booked => {
                let body = CheckInRequest { code: person.booking(), visitor: None };
                self.post::<TicketIssued>(&self.cast.kiosk, &path("check-ins"), &body).await
            }
            Arrival::Overflow => {
                let body = OverflowRequest {
                    code: None,
                    service: service.clone(),
                    reason: OVERFLOW_REASON.to_owned(),
                    approved_by: OVERFLOW_APPROVED_BY.to_owned(),
                    name,
                    note: None,
                    approver: None,
                };
                match self.post::<TicketIssued>(&self.cast.nurse, &path("overflows"), &body).await {
                    // The day's quota is used up: the person takes a number like everybody else.
                    Err(error) if error.code() == Some("overflow_quota_reached") => {
                        self.post::<TicketIssued>(&self.cast.kiosk, &path("tickets"), &number).await
                    }
                    other => other,
                }
            }
        };
        let Some(issued) = self.unless_refused(answer)? else { return Ok(()) };
        self.summary.issued += 1;
        match arrival {
            Arrival::WalkIn => {}
            Arrival::Booked => self.summary.checked_in += 1,
            Arrival::Overflow => self.summary.overflows += 1,
        }
        if self.phones.len() < self.phones_wanted {
            self.phones.push(watch::phone(&self.client, &issued.token, &self.cards));
        }
        self.say(Heard::Issued { id: issued.id, number: issued.number, token: issued.token.clone() });
        self.held.insert(at, Held { id: issued.id, token: issued.token });
        self.make_up_for(&service).await
    }

    async fn grant(&mut self, person: usize) -> Result<(), ClientError> {
        let Some(held) = self.held.get(&person).filter(|held| !self.called.contains(&held.id)) else { return Ok(()) };
        let path = venue_path(&self.plan.target.venue, &format!("tickets/{}/green_channel", held.id));
        let body = GreenChannelRequest { code: None, reason: GREEN_REASON.to_owned(), urgency: None };
        let answer = self.post::<IgnoredAny>(&self.cast.nurse, &path, &body).await;
        self.summary.granted += u32::from(self.unless_refused(answer)?.is_some());
        Ok(())
    }

    async fn leave(&mut self, person: usize) -> Result<(), ClientError> {
        let Some(held) = self.held.get(&person).filter(|held| !self.called.contains(&held.id)) else { return Ok(()) };
        let path = format!("/tickets/{}/cancellations", held.token);
        let answer = self.post::<IgnoredAny>(&Seat::new(Access::Public), &path, &EmptyRequest {}).await;
        self.summary.left += u32::from(self.unless_refused(answer)?.is_some());
        Ok(())
    }

    /// Somebody who missed a call, or was away for tests, stands in the queue again and will be called once more.
    async fn bring_back(&mut self, ticket: u64, how: &str, reason: &str) -> Result<bool, ClientError> {
        let path = venue_path(&self.plan.target.venue, &format!("tickets/{ticket}/{how}"));
        let body = ReasonRequest { reason: Some(reason.to_owned()) };
        let answer = self.post::<AboutTicket>(&self.cast.nurse, &path, &body).await;
        let Some(back) = self.unless_refused(answer)? else { return Ok(false) };
        if let Ok(service) = ServiceId::parse(&back.ticket.service) {
            self.owed.entry(service.clone()).or_default().push_back(None);
            self.make_up_for(&service).await?;
        }
        Ok(true)
    }

    /// If a counter of this service has nothing to do and a call is owed, it calls.
    async fn make_up_for(&mut self, service: &ServiceId) -> Result<(), ClientError> {
        let Some(counter) = self.counters.idle(service) else { return Ok(()) };
        self.call_what_is_owed(&counter).await
    }

    async fn call_what_is_owed(&mut self, counter: &CounterId) -> Result<(), ClientError> {
        let owed = |service: &&ServiceId| self.owed.get(*service).is_some_and(|calls| !calls.is_empty());
        match self.counters.services(counter).iter().find(owed).cloned() {
            Some(service) => self.call_owed(counter, &service).await,
            None => Ok(()),
        }
    }

    /// Makes the oldest call that is owed for a service; it stays owed if nobody waits.
    async fn call_owed(&mut self, counter: &CounterId, service: &ServiceId) -> Result<(), ClientError> {
        let lasted = self.owed.get(service).and_then(|calls| calls.front().copied()).flatten();
        if self.call(counter, lasted).await?
            && let Some(calls) = self.owed.get_mut(service)
        {
            calls.pop_front();
        }
        Ok(())
    }

    /// Calls the next ticket to a counter, and writes down what follows. False if nobody waits, or a person has the
    /// counter.
    async fn call(&mut self, counter: &CounterId, lasted: Option<Millis>) -> Result<bool, ClientError> {
        let path = counter_path(&self.plan.target.venue, counter, "/calls");
        let answer = self.post::<CallAnswer>(&self.cast.clerk, &path, &CallRequest::default()).await;
        let Some(answer) = self.at_counter(counter, answer)? else { return Ok(false) };
        let now = self.pace.now();
        if matches!(self.counters.work(counter), Some(Work::Serving { .. })) {
            self.summary.completed += 1;
        }
        let Some(ticket) = answer.ticket else {
            self.summary.found_nobody += 1;
            self.counters.freed(counter, now);
            return Ok(false);
        };
        self.summary.called += 1;
        self.called.insert(ticket.id);
        self.counters.called(counter, ticket.id, answer.call, now);
        if let Some(call) = answer.call {
            self.say(Heard::Called { id: ticket.id, call, recalls: ticket.recalls });
        }
        let typical = || ServiceId::parse(&ticket.service).map_or(FOUND_SERVING, |service| self.plan.typical(&service));
        let called = Called {
            number: &ticket.number,
            again: ticket.misses > 0 || matches!(ticket.lane, Lane::Missed | Lane::ReturnVisit),
            lasts: lasted.map_or_else(|| Length::Typical(typical()), Length::Recorded),
        };
        for (after, act) in after_call(called, self.mix) {
            self.agenda.add(now + after, Task::Act { counter: counter.clone(), ticket: ticket.id, act });
        }
        Ok(true)
    }

    async fn act(&mut self, counter: &CounterId, ticket: u64, act: Act) -> Result<(), ClientError> {
        let now = self.pace.now();
        let at_counter = |rest| counter_path(&self.plan.target.venue, counter, rest);
        let clerk = &self.cast.clerk;
        match act {
            Act::Recall => {
                let answer = self.post::<AboutTicket>(clerk, &at_counter("/recalls"), &EmptyRequest {}).await;
                if let Some(AboutTicket { ticket }) = self.at_counter(counter, answer)? {
                    self.summary.recalled += 1;
                    if let Some(call) = ticket.call {
                        self.say(Heard::Called { id: ticket.id, call, recalls: ticket.recalls });
                    }
                }
                Ok(())
            }
            Act::Start => {
                let answer = self.post::<IgnoredAny>(clerk, &at_counter("/starts"), &EmptyRequest {}).await;
                if self.at_counter(counter, answer)?.is_some() {
                    self.counters.started(counter);
                }
                Ok(())
            }
            Act::Complete => {
                let answer = self.post::<IgnoredAny>(clerk, &at_counter("/completions"), &EmptyRequest {}).await;
                if self.at_counter(counter, answer)?.is_some() {
                    self.summary.completed += 1;
                    self.free(counter, now).await?;
                }
                Ok(())
            }
            Act::Hold => {
                let path = venue_path(&self.plan.target.venue, &format!("tickets/{ticket}/holds"));
                let body = ReasonRequest { reason: Some(HOLD_REASON.to_owned()) };
                let answer = self.post::<AboutTicket>(clerk, &path, &body).await;
                if let Some(held) = self.at_counter(counter, answer)? {
                    self.summary.held += 1;
                    self.agenda.add(now + back_from_tests(&held.ticket.number), Task::Return(ticket));
                    self.free(counter, now).await?;
                }
                Ok(())
            }
            Act::Miss => {
                let answer = self.post::<AboutTicket>(clerk, &at_counter("/misses"), &EmptyRequest {}).await;
                if let Err(ClientError::Refused { problem, .. }) = &answer
                    && problem.code == "miss_too_early"
                {
                    let grace = problem.about.get("grace_ms").and_then(serde_json::Value::as_i64).unwrap_or_default();
                    let again = now + self.pace.span_in_plan(Millis(grace)).max(MISS_AGAIN_MIN);
                    self.agenda.add(again, Task::Act { counter: counter.clone(), ticket, act });
                    return Ok(());
                }
                if let Some(missed) = self.at_counter(counter, answer)? {
                    self.summary.missed += 1;
                    if missed.ticket.state == CardState::Missed
                        && let Some(after) = reports_again(&missed.ticket.number)
                    {
                        self.agenda.add(now + after, Task::Requeue(ticket));
                    }
                    self.free(counter, now).await?;
                }
                Ok(())
            }
        }
    }

    /// A counter has nothing to do any more: it makes a call that is owed, or winds up.
    async fn free(&mut self, counter: &CounterId, now: Timestamp) -> Result<(), ClientError> {
        self.counters.freed(counter, now);
        if self.winding_up {
            self.agenda.add(now, Task::WindUp(counter.clone()));
            return Ok(());
        }
        self.call_what_is_owed(counter).await
    }

    async fn wind_up(&mut self, counter: &CounterId) -> Result<(), ClientError> {
        if self.is_idle(counter) && !self.call(counter, None).await? && self.is_idle(counter) {
            self.agenda.add(self.pace.now(), Task::Close(counter.clone()));
        }
        Ok(())
    }

    /// Closes a counter that has nothing to do; whoever is still to come back is waited for, and called when there.
    async fn close(&mut self, counter: CounterId) -> Result<(), ClientError> {
        if self.agenda.any(Task::brings_somebody_back) {
            self.agenda.add(self.pace.now() + LOOK_AGAIN, Task::Close(counter));
        } else if self.is_idle(&counter) {
            self.set_counter(&counter, CounterState::Closed).await?;
        }
        Ok(())
    }

    fn is_idle(&self, counter: &CounterId) -> bool {
        matches!(self.counters.work(counter), Some(Work::Idle { .. }))
    }

    /// Console and board show what happened: what the player did not do at a counter of its own, a person did.
    fn hear(&mut self, told: Told) {
        let (rows, ended) = match told {
            Told::Board(frame) => {
                for counter in self.counters.on_board(&frame.board.calls) {
                    self.leave_to_staff(&counter);
                }
                return;
            }
            Told::Console(frame) => (frame.console.counters, Vec::new()),
            Told::Change(frame) => (frame.change.counters, frame.change.removed),
        };
        let closed: Vec<_> = rows.into_iter().filter(|row| self.counters.seen(row)).map(|row| row.id).collect();
        let closed = closed.iter().filter_map(|id| CounterId::parse(id).ok());
        let freed = ended.into_iter().filter_map(|ticket| self.counters.has(ticket));
        for counter in closed.chain(freed).collect::<Vec<_>>() {
            self.leave_to_staff(&counter);
        }
    }

    fn leave_to_staff(&mut self, counter: &CounterId) {
        if self.counters.leave_to_staff(counter) {
            self.say(Heard::TakenOver { counter: counter.clone() });
        }
    }

    /// An answer about a counter of the player's own. That it is not as the player left it means a person has it.
    fn at_counter<A>(&mut self, counter: &CounterId, answer: Result<A, ClientError>) -> Result<Option<A>, ClientError> {
        if let Err(error) = &answer
            && matches!(
                error.code(),
                Some("counter_idle" | "counter_not_open" | "counter_busy" | "ticket_not_in_state")
            )
        {
            self.leave_to_staff(counter);
        }
        self.unless_refused(answer)
    }

    /// Counts a refusal and goes on; anything else that went wrong ends the replay.
    fn unless_refused<A>(&mut self, answer: Result<A, ClientError>) -> Result<Option<A>, ClientError> {
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(error) => match error.code() {
                Some(code) => {
                    *self.summary.refused.entry(code.to_owned()).or_default() += 1;
                    Ok(None)
                }
                None => Err(error),
            },
        }
    }

    async fn post<A: DeserializeOwned>(
        &self,
        seat: &Seat,
        path: &str,
        body: &impl Serialize,
    ) -> Result<A, ClientError> {
        self.client.write(seat, Method::POST, path, body).await
    }

    fn say(&self, heard: Heard) {
        if let Some(tell) = &self.tell {
            // Nobody listens any more: that is the listener's affair.
            drop(tell.send(heard));
        }
    }

    fn note_lateness(&mut self, due: Timestamp) {
        let behind = self.pace.real(self.pace.now().since(due));
        let behind = u64::try_from(behind.as_millis()).unwrap_or(u64::MAX);
        self.summary.late_max_ms = self.summary.late_max_ms.max(behind);
    }
}

/// What the answers to actions on a ticket have in common.
#[derive(Deserialize)]
struct AboutTicket {
    ticket: TicketRow,
}
