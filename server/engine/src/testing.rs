//! Words for tests, so that they read like the rule book: a hall is planned and opened, people come, counters
//! call. Only with the feature `testing`; nothing here runs in production.
//!
//! Every step is followed by [`Venue::check`], and every change is applied to a second venue as well, which
//! must stay equal to the first: each test of a rule is also a test of replay.

#![allow(clippy::expect_used, clippy::panic, clippy::missing_panics_doc, reason = "a test that cannot go on stops")]

use std::sync::Arc;

use chrono::{NaiveDate, NaiveTime};

use crate::appointment::{Appointment, AppointmentState};
use crate::closure::{Advice, Closable, Closure, Destination};
use crate::command::{Action, Actor, Command, CommandId, PolicyWish};
use crate::config::{
    CounterConfig, Lasts, NamesOnScreen, Numbering, Policy, PolicyPatch, Reasons, SecondWaiting, ServiceConfig,
    ServiceWeights, SessionConfig, Speech, VenueConfig,
};
use crate::counter::CounterState;
use crate::event::{Change, Event, Rule};
use crate::ids::{CounterId, ServiceId, SessionId, TicketId, VenueId};
use crate::lane::Lane;
use crate::refusal::Refusal;
use crate::text::Text;
use crate::ticket::{Slot, Ticket, TicketState, Urgency, Visitor};
use crate::time::{BusinessDay, Millis, Timestamp};
use crate::venue::{Decision, Outcome, Venue};

/// A venue's name.
pub fn venue_id(name: &str) -> VenueId {
    VenueId::parse(name).expect("a good name")
}

/// A service's name.
pub fn service_id(name: &str) -> ServiceId {
    ServiceId::parse(name).expect("a good name")
}

/// A counter's name.
pub fn counter_id(name: &str) -> CounterId {
    CounterId::parse(name).expect("a good name")
}

/// A member of staff.
pub fn staff(user: &str) -> Actor {
    Actor::Staff { user: user.into() }
}

/// A local time of day, `"09:00"` or `"09:00:30"`, on the day every test plays: 2 March 2026 in Shanghai.
pub fn at(time: &str) -> Timestamp {
    let format = if time.len() > 5 { "%H:%M:%S" } else { "%H:%M" };
    let time = NaiveTime::parse_from_str(time, format).expect("a time of day");
    let date = NaiveDate::from_ymd_opt(2026, 3, 2).expect("a date");
    BusinessDay::starting_on(date, chrono_tz::Asia::Shanghai, NaiveTime::MIN).at(
        time,
        chrono_tz::Asia::Shanghai,
        NaiveTime::MIN,
    )
}

/// The half-hour slot that starts at this time.
pub fn slot(start: &str) -> Slot {
    Slot { start: at(start), end: at(start) + Millis::from_mins(30) }
}

/// A venue being declared. The first service is `ent`, with the default rules and numbers `A001` on.
#[derive(Debug, Clone)]
pub struct Plan {
    config: VenueConfig,
    shut: Vec<CounterId>,
}

impl Default for Plan {
    fn default() -> Self {
        let config = VenueConfig {
            id: venue_id("clinic"),
            name: Text::same("Clinic"),
            time_zone: chrono_tz::Asia::Shanghai,
            mark: None,
            day_start: NaiveTime::from_hms_opt(4, 0, 0).expect("a time of day"),
            join_by_phone: false,
            public_board: false,
            names: NamesOnScreen::Masked,
            speech: vec![Speech::Mandarin],
            policy: PolicyPatch::default(),
            reasons: Reasons::default(),
            sessions: Vec::new(),
            numbering: Numbering::Day,
            services: Vec::new(),
            counters: Vec::new(),
        };
        Self { config, shut: Vec::new() }.service("ent", "A")
    }
}

impl Plan {
    /// The same under another name.
    #[must_use]
    pub fn named(mut self, venue: &str) -> Self {
        self.config.id = venue_id(venue);
        self
    }

    /// One more service, with its numbers' prefix.
    #[must_use]
    pub fn service(mut self, name: &str, prefix: &str) -> Self {
        self.config.services.push(ServiceConfig {
            id: service_id(name),
            name: Text::same(name),
            prefix: prefix.to_owned(),
            classes: Vec::new(),
            policy: Policy::default(),
        });
        self
    }

    /// One more counter, open from the start, for the first service.
    #[must_use]
    pub fn counter(self, name: &str) -> Self {
        let first = self.config.services.first().expect("a service").id.to_string();
        self.counter_for(name, &[&first])
    }

    /// One more counter, open from the start, for these services.
    #[must_use]
    pub fn counter_for(mut self, name: &str, services: &[&str]) -> Self {
        let services = services.iter().map(|service| service_id(service)).collect();
        let (id, name, weights) = (counter_id(name), Text::same(name), ServiceWeights::default());
        self.config.counters.push(CounterConfig { id, name, services, weights, second_waiting: None });
        self
    }

    /// The counter declared last has a second waiting area for so many.
    #[must_use]
    pub fn door(mut self, limit: u32) -> Self {
        let counter = self.config.counters.last_mut().expect("a counter");
        counter.second_waiting = Some(SecondWaiting { limit });
        self
    }

    /// One more counter, open from the start, that serves these services by weight.
    #[must_use]
    pub fn counter_by_weight(mut self, name: &str, weights: &[(&str, u32)]) -> Self {
        let services: Vec<&str> = weights.iter().map(|(service, _)| *service).collect();
        self = self.counter_for(name, &services);
        let weights = weights.iter().map(|(service, weight)| (service_id(service), *weight));
        self.config.counters.last_mut().expect("a counter").weights = ServiceWeights::new(weights);
        self
    }

    /// One more counter for the first service, which nobody has opened yet.
    #[must_use]
    pub fn closed_counter(mut self, name: &str) -> Self {
        self.shut.push(counter_id(name));
        self.counter(name)
    }

    /// Changes the rules of the service declared last.
    #[must_use]
    pub fn rules(mut self, change: impl FnOnce(&mut Policy)) -> Self {
        change(&mut self.config.services.last_mut().expect("a service").policy);
        self
    }

    /// One more session, by local time; its letter is its name's first.
    #[must_use]
    pub fn session(mut self, name: &str, start: &str, end: &str) -> Self {
        let time = |text: &str| NaiveTime::parse_from_str(text, "%H:%M").expect("a time of day");
        self.config.sessions.push(SessionConfig {
            id: SessionId::parse(name).expect("a good name"),
            name: Text::same(name),
            start: time(start),
            end: time(end),
            letter: name.chars().take(1).collect::<String>().to_uppercase(),
        });
        self
    }

    /// Numbers begin at 1 with each session.
    #[must_use]
    pub fn numbered_by_session(mut self) -> Self {
        self.config.numbering = Numbering::Session;
        self
    }

    /// The declaration.
    pub fn config(self) -> VenueConfig {
        self.config
    }

    /// The hall at this time of the day, its counters open.
    pub fn open(self, time: &str) -> Hall {
        let mut hall = Hall::before_first_day(self.config, at(time));
        hall.let_time_pass();
        let open: Vec<CounterId> = hall.venue.counters().map(|counter| counter.id.clone()).collect();
        for counter in open.iter().filter(|counter| !self.shut.contains(counter)) {
            hall.does(Action::SetCounter { counter: counter.clone(), state: CounterState::Open, services: None });
        }
        hall
    }
}

/// A venue that is played with.
#[derive(Debug, Clone)]
pub struct Hall {
    venue: Venue,
    replica: Venue,
    now: Timestamp,
    by: Actor,
    changes: Vec<Change>,
}

impl Hall {
    /// A hall that has not seen its first day.
    pub fn before_first_day(config: VenueConfig, now: Timestamp) -> Self {
        let venue = Venue::new(config);
        Self { replica: venue.clone(), venue, now, by: staff("nurse"), changes: Vec::new() }
    }

    /// The venue as it is.
    pub fn venue(&self) -> &Venue {
        &self.venue
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Everything that happened, oldest first.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The events of the latest change.
    pub fn last_events(&self) -> &[Event] {
        self.changes.last().map(|change| change.events.as_slice()).unwrap_or_default()
    }

    // Time.

    /// It is this time of day now; what is due by itself happens.
    pub fn at(&mut self, time: &str) -> &mut Self {
        self.at_instant(at(time))
    }

    /// It is this instant now, even if that is earlier than before.
    pub fn at_instant(&mut self, now: Timestamp) -> &mut Self {
        self.now = now;
        self.let_time_pass();
        self
    }

    /// So much time passes.
    pub fn after(&mut self, span: Millis) -> &mut Self {
        self.at_instant(self.now + span)
    }

    /// What is due by itself happens.
    pub fn let_time_pass(&mut self) {
        for change in self.venue.advance(self.now) {
            self.record(change);
        }
        self.examine();
    }

    // Asking.

    /// From now on this one asks.
    pub fn by(&mut self, by: Actor) -> &mut Self {
        self.by = by;
        self
    }

    /// Asks for something that may be refused.
    pub fn asks(&mut self, action: Action) -> Result<Decision, Refusal> {
        self.asks_with(None, action)
    }

    /// Asks under an idempotency key.
    pub fn asks_with(&mut self, id: Option<CommandId>, action: Action) -> Result<Decision, Refusal> {
        let command = Command { id, by: self.by.clone(), action };
        let answer = self.venue.execute(&command, self.now);
        if let Ok(Decision::Changed(change)) = &answer {
            self.record(change.clone());
        }
        self.examine();
        answer
    }

    /// Asks for something that is done.
    #[expect(clippy::needless_pass_by_value, reason = "tests read better")]
    pub fn does(&mut self, action: Action) -> Outcome {
        match self.asks(action.clone()) {
            Ok(Decision::Changed(change)) => change.outcome,
            Ok(Decision::Unchanged(outcome)) => outcome,
            other => panic!("{action:?} gave {other:?}"),
        }
    }

    /// Asks for something that is refused, and changes nothing.
    #[expect(clippy::needless_pass_by_value, reason = "tests read better")]
    pub fn refuses(&mut self, action: Action) -> Refusal {
        let before = self.venue.clone();
        match self.asks(action.clone()) {
            Err(refusal) => {
                assert_eq!(before, self.venue, "a refusal changes nothing");
                refusal
            }
            Ok(decision) => panic!("{action:?} was not refused: {decision:?}"),
        }
    }

    fn record(&mut self, change: Change) {
        self.replica.apply(&change);
        self.changes.push(change);
    }

    fn examine(&self) {
        assert_eq!(self.venue.check(), [], "after {:?}", self.changes.last());
        assert_eq!(self.venue, self.replica, "replay of {:?}", self.changes.last());
    }

    fn makes_ticket(&mut self, action: Action) -> TicketId {
        match self.does(action) {
            Outcome::Ticket { ticket } => ticket,
            other => panic!("no ticket: {other:?}"),
        }
    }

    // People.

    /// Somebody takes a number for a service, in a lane.
    pub fn takes(&mut self, service: &str, lane: Lane) -> TicketId {
        let service = service_id(service);
        self.makes_ticket(Action::TakeTicket { service, lane, visitor: Visitor::default(), wants: None })
    }

    /// Somebody walks in, for the first service.
    pub fn walk_in(&mut self) -> TicketId {
        self.takes("ent", Lane::WalkIn)
    }

    /// So many people walk in, for the first service.
    pub fn walk_ins(&mut self, count: usize) -> Vec<TicketId> {
        (0..count).map(|_| self.walk_in()).collect()
    }

    /// Somebody walks in who wants this counter and no other.
    pub fn walk_in_wanting(&mut self, counter: &str) -> TicketId {
        let wants = Some(counter_id(counter));
        let (service, visitor) = (service_id("ent"), Visitor::default());
        self.makes_ticket(Action::TakeTicket { service, lane: Lane::WalkIn, visitor, wants })
    }

    /// These are today's bookings of the first service: code and start of a half-hour slot.
    pub fn books(&mut self, bookings: &[(&str, &str)]) -> Outcome {
        let appointments = bookings.iter().map(|(code, start)| appointment(code, start)).collect();
        self.does(Action::SetAppointments { appointments })
    }

    /// Somebody booked is here.
    pub fn checks_in(&mut self, code: &str) -> TicketId {
        self.makes_ticket(Action::CheckIn { code: code.into(), reference: None })
    }

    /// So many people are booked for the slot and check in.
    pub fn appointments(&mut self, count: usize, start: &str) -> Vec<TicketId> {
        let known: Vec<Appointment> = self.venue.appointments().cloned().collect();
        let codes: Vec<String> = (0..count).map(|n| format!("{start}-{}-{n}", known.len())).collect();
        let new = codes.iter().map(|code| appointment(code, start));
        let expected = known.into_iter().filter(|known| known.state == AppointmentState::Expected);
        let appointments = expected.chain(new).collect();
        self.does(Action::SetAppointments { appointments });
        codes.iter().map(|code| self.checks_in(code)).collect()
    }

    /// The desk adds an overflow number to the first service.
    pub fn overflow(&mut self) -> TicketId {
        self.makes_ticket(overflow("ent"))
    }

    // Counters.

    /// The counter is open, paused or closed now.
    pub fn counter(&mut self, counter: &str, state: CounterState) -> Outcome {
        self.does(Action::SetCounter { counter: counter_id(counter), state, services: None })
    }

    /// The counter calls next, and whom.
    pub fn next(&mut self, counter: &str) -> Option<TicketId> {
        self.next_and_why(counter).map(|(ticket, _)| ticket)
    }

    /// The counter calls next, whom, and by which rule.
    pub fn next_and_why(&mut self, counter: &str) -> Option<(TicketId, Rule)> {
        match self.does(Action::CallNext { counter: counter_id(counter) }) {
            Outcome::Called { ticket, rule, .. } => Some((ticket, rule)),
            Outcome::NobodyWaiting => None,
            other => panic!("no call: {other:?}"),
        }
    }

    /// The counter calls next so many times: the tickets.
    pub fn calls(&mut self, counter: &str, count: usize) -> Vec<TicketId> {
        (0..count).filter_map(|_| self.next(counter)).collect()
    }

    /// The counter calls next so many times: the initials of the lanes, `a`ppointment, `w`alk-in, `o`verflow,
    /// `r`eturn, `m`issed, `l`ate, re`f`erral.
    pub fn lanes_called(&mut self, counter: &str, count: usize) -> String {
        let calls = self.calls(counter, count);
        calls.into_iter().map(|ticket| initial(self.ticket(ticket).lane)).collect()
    }

    /// The counter calls this ticket by hand.
    pub fn calls_by_hand(&mut self, counter: &str, ticket: TicketId) -> Outcome {
        self.does(Action::CallTicket { counter: counter_id(counter), ticket, reason: "asked for".into() })
    }

    /// The called ticket is called again.
    pub fn recalls(&mut self, counter: &str) -> Outcome {
        self.does(Action::Recall { counter: counter_id(counter) })
    }

    /// The called person has come.
    pub fn starts(&mut self, counter: &str) -> Outcome {
        self.does(Action::Start { counter: counter_id(counter) })
    }

    /// The person is done.
    pub fn completes(&mut self, counter: &str) -> Outcome {
        self.does(Action::Complete { counter: counter_id(counter) })
    }

    /// The called person did not come.
    pub fn misses(&mut self, counter: &str) -> Outcome {
        self.does(Action::Miss { counter: counter_id(counter) })
    }

    /// The called person is called again and waited for as long as the default rules ask, and did not come.
    pub fn misses_patiently(&mut self, counter: &str) -> Outcome {
        self.recalls(counter);
        self.after(Millis::from_mins(1));
        self.misses(counter)
    }

    // Tickets.

    /// Off for tests.
    pub fn holds(&mut self, ticket: TicketId) -> Outcome {
        self.does(Action::Hold { ticket, reason: "blood test".into() })
    }

    /// Back from tests.
    pub fn returns(&mut self, ticket: TicketId) -> Outcome {
        self.does(Action::Return { ticket })
    }

    /// Reports again after a miss.
    pub fn requeues(&mut self, ticket: TicketId) -> Outcome {
        self.does(Action::Requeue { ticket, reason: "was outside".into() })
    }

    /// Moves to another service.
    pub fn transfers(&mut self, ticket: TicketId, service: &str) -> Outcome {
        self.does(transfer(ticket, service))
    }

    /// This is closed, and people are moved there.
    pub fn closes(&mut self, closed: Closable, to: Option<Destination>) -> Outcome {
        let closure = Closure { closed, reason: "doctor away".into(), advice: Advice::SeeDesk, to };
        self.does(Action::Close { closure: Box::new(closure) })
    }

    /// Leaves.
    pub fn cancels(&mut self, ticket: TicketId) -> Outcome {
        self.does(Action::Cancel { ticket, reason: None })
    }

    /// Gets precedence.
    pub fn grants(&mut self, ticket: TicketId, urgency: Urgency) -> Outcome {
        self.does(Action::GrantGreenChannel { ticket, urgency, reason: "chest pain".into() })
    }

    /// Lets others go first.
    pub fn steps_back(&mut self, ticket: TicketId, places: u32) -> Outcome {
        self.does(Action::StepBack { ticket, places })
    }

    /// Takes back one's own last change.
    pub fn undoes(&mut self) -> Outcome {
        self.does(Action::Undo)
    }

    /// Declares the venue anew, with this changed.
    pub fn configures(&mut self, change: impl FnOnce(&mut VenueConfig)) -> Result<Decision, Refusal> {
        let mut config = self.venue.config().clone();
        change(&mut config);
        self.asks(Action::Configure { declaration: Box::new(config.into()) })
    }

    /// A wish to change policies, of a service or of the venue, by whoever has seen everything so far.
    pub fn policy_wish(&self, service: Option<&str>) -> PolicyWish {
        PolicyWish {
            service: service.map(service_id),
            set: PolicyPatch::default(),
            dropped: Vec::new(),
            lasts: Lasts::ForGood,
            reason: "more people than expected".into(),
            version: self.venue.layers().version,
        }
    }

    /// Changes policies while running, of a service or of the venue.
    pub fn changes_policy(
        &mut self,
        service: Option<&str>,
        change: impl FnOnce(&mut PolicyPatch),
    ) -> Result<Decision, Refusal> {
        let mut wish = self.policy_wish(service);
        change(&mut wish.set);
        self.asks(Action::ChangePolicy(Box::new(wish)))
    }

    /// Drops what was changed while running.
    pub fn drops_policy(&mut self, service: Option<&str>, path: &str) -> Result<Decision, Refusal> {
        let mut wish = self.policy_wish(service);
        wish.dropped.push(path.into());
        self.asks(Action::ChangePolicy(Box::new(wish)))
    }

    // Looking.

    /// A ticket of today.
    pub fn ticket(&self, id: TicketId) -> &Ticket {
        self.venue.ticket(id).expect("a ticket of today")
    }

    /// The number on a ticket.
    pub fn number(&self, id: TicketId) -> String {
        self.ticket(id).number.to_string()
    }

    /// Where a ticket stands.
    pub fn state(&self, id: TicketId) -> &TicketState {
        &self.ticket(id).state
    }

    /// Who of the first service was told to get ready, in order.
    pub fn ready(&self) -> Vec<TicketId> {
        self.venue.queue(&service_id("ent")).expect("the queue").ready().collect()
    }

    /// Who waits at a counter's door, in order, of those who came for the first service.
    pub fn inside(&self, counter: &str) -> Vec<TicketId> {
        let queue = self.venue.queue(&service_id("ent")).expect("the queue");
        let inside = queue.inside().iter().filter(|inside| inside.counter == counter_id(counter));
        inside.map(|inside| inside.ticket).collect()
    }

    /// Whom a counter calls next, and next, while the others stand still.
    pub fn previewed(&self, counter: &str, count: usize) -> Vec<TicketId> {
        let preview = self.venue.preview(&counter_id(counter), count, self.now);
        preview.into_iter().map(|called| called.choice.ticket).collect()
    }

    /// The order in which the first service's people would be called if nobody new came.
    pub fn projected(&self) -> Vec<TicketId> {
        self.venue.project(&service_id("ent"), self.now).map(|call| call.choice.ticket).collect()
    }
}

/// Somebody booked for the first service.
pub fn appointment(code: &str, start: &str) -> Appointment {
    Appointment {
        code: code.into(),
        service: service_id("ent"),
        slot: slot(start),
        visitor: Visitor::default(),
        wants: None,
        steps: Vec::new(),
        state: AppointmentState::Expected,
    }
}

/// A wish for a number beyond the quota.
pub fn overflow(service: &str) -> Action {
    Action::AddOverflow {
        service: service_id(service),
        visitor: Visitor::default(),
        reason: "came from afar".into(),
        approved_by: "Dr Li".into(),
        note: None,
        approval: None,
    }
}

/// A wish to be moved.
pub fn transfer(ticket: TicketId, service: &str) -> Action {
    Action::Transfer {
        ticket,
        service: service_id(service),
        reason: "wrong department".into(),
        wants: None,
        urgency: None,
    }
}

/// A service, as something to be closed.
pub fn closed_service(name: &str) -> Closable {
    Closable::Service { service: service_id(name) }
}

/// A doctor's clinic, as something to be closed.
pub fn closed_counter(name: &str) -> Closable {
    Closable::Counter { counter: counter_id(name) }
}

/// Where people are moved: a service or their own, a counter or any.
pub fn to(service: Option<&str>, wants: Option<&str>) -> Option<Destination> {
    Some(Destination { service: service.map(service_id), wants: wants.map(counter_id) })
}

/// The name of a wish.
pub fn key(key: &str, fingerprint: u64) -> Option<CommandId> {
    Some(CommandId { key: Arc::from(key), fingerprint })
}

fn initial(lane: Lane) -> char {
    match lane {
        Lane::Appointment => 'a',
        Lane::WalkIn => 'w',
        Lane::Overflow => 'o',
        Lane::ReturnVisit => 'r',
        Lane::Missed => 'm',
        Lane::Late => 'l',
        Lane::Referral => 'f',
    }
}
