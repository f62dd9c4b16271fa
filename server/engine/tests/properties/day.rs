//! A random day: a venue with its rules, and a list of steps. A step names a wish and the chance with which it
//! is filled in when its turn comes, so that any part of the list is a day as well.

use std::sync::Arc;

use callnext_engine::appointment::{Appointment, AppointmentState};
use callnext_engine::closure::{Advice, Closable, Closure, Destination};
use callnext_engine::command::Sending;
use callnext_engine::config::{
    ApproverRole, ClassConfig, DAY_S, EarlyCheckIn, Lasts, LateJoin, LateRules, Miss, MissedRejoin, MissedRules,
    NoShowAt, Numbering, OrderInLane, OverQuotaRole, OverflowJoin, Policy, QuotaPer, SLOT_LENGTHS, SecondWaiting,
    ServiceWeights,
};
use callnext_engine::counter::CounterState;
use callnext_engine::event::Approval;
use callnext_engine::handover::{Arrival, Delivery, Guest, Parcel, TransferKey};
use callnext_engine::lane::Weights;
use callnext_engine::testing::{Plan, at, counter_id, service_id, staff, venue_id};
use callnext_engine::text::Text;
use callnext_engine::ticket::{Slot, Urgency, Visitor};
use callnext_engine::{Action, Actor, ClassId, CounterId, Lane, Millis, ServiceId, TicketId, TicketState, Timestamp};
use callnext_engine::{PolicyWish, Seq, TicketNumber, Venue, VenueConfig};

use crate::dice::Dice;

#[derive(Debug, Clone)]
pub struct Day {
    pub seed: u64,
    pub config: VenueConfig,
    /// Whether people join in other ways than the plain ones: not judged by the oracle yet.
    pub joining: bool,
    pub steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy)]
pub struct Step {
    pub kind: Kind,
    pub chance: u64,
}

/// What happens, roughly as often as its number says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Wait,
    Take,
    Book,
    CheckIn,
    Overflow,
    CallNext,
    CallTicket,
    Recall,
    Start,
    Complete,
    Miss,
    SetCounter,
    Hold,
    Return,
    Requeue,
    Transfer,
    Send,
    Settle,
    Receive,
    Close,
    Reopen,
    Visit,
    SetSteps,
    SkipStep,
    Cancel,
    Grant,
    Classify,
    StepBack,
    Undo,
    Configure,
    ChangePolicy,
    Retry,
    Nonsense,
}

const OFTEN: [(Kind, usize); 33] = [
    (Kind::Wait, 22),
    (Kind::Take, 22),
    (Kind::Book, 3),
    (Kind::CheckIn, 14),
    (Kind::Overflow, 3),
    (Kind::CallNext, 26),
    (Kind::CallTicket, 2),
    (Kind::Recall, 4),
    (Kind::Start, 6),
    (Kind::Complete, 3),
    (Kind::Miss, 5),
    (Kind::SetCounter, 4),
    (Kind::Hold, 4),
    (Kind::Return, 4),
    (Kind::Requeue, 4),
    (Kind::Transfer, 3),
    (Kind::Send, 2),
    (Kind::Settle, 2),
    (Kind::Receive, 2),
    (Kind::Close, 1),
    (Kind::Reopen, 1),
    (Kind::Visit, 2),
    (Kind::SetSteps, 1),
    (Kind::SkipStep, 1),
    (Kind::Cancel, 3),
    (Kind::Grant, 3),
    (Kind::Classify, 2),
    (Kind::StepBack, 3),
    (Kind::Undo, 5),
    (Kind::Configure, 1),
    (Kind::ChangePolicy, 1),
    (Kind::Retry, 3),
    (Kind::Nonsense, 2),
];

impl Day {
    pub fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let joining = dice.chance(40);
        let config = venue(&mut dice, joining);
        // On some days nearly everybody is sent for tests, and comes back.
        let tests = if dice.chance(30) { 10 } else { 1 };
        let often = OFTEN.map(|(kind, often)| match kind {
            Kind::Hold | Kind::Return => (kind, often * tests),
            _ => (kind, often),
        });
        let all: usize = often.iter().map(|(_, often)| often).sum();
        let count = dice.pick(&[30, 100, 200, 400]);
        let steps = (0..count).map(|_| {
            let mut at = dice.below(all);
            let kind = often.iter().find(|(_, often)| {
                let found = at < *often;
                at = at.saturating_sub(*often);
                found
            });
            Step { kind: kind.unwrap().0, chance: dice.roll() }
        });
        Self { seed, steps: steps.collect(), config, joining }
    }
}

fn venue(dice: &mut Dice, joining: bool) -> VenueConfig {
    let mut plan = Plan::default();
    let names: Vec<&str> = ["ent", "eye", "ear"][..dice.pick(&[1, 1, 2, 3])].to_vec();
    for name in names.iter().skip(1) {
        // Sometimes they count together.
        plan = plan.service(name, dice.pick(&["A", "B"]));
    }
    for counter in 1..=dice.pick(&[1, 1, 2, 3, 5]) {
        let mut served = vec![dice.pick(&names)];
        if dice.chance(40) {
            served.clone_from(&names);
        }
        plan = plan.counter_for(&counter.to_string(), &served);
    }
    if joining {
        for (name, start, end) in dice.pick(&[&SESSIONS[..0], &SESSIONS[..2], &SESSIONS[1..], &SESSIONS[..]]) {
            plan = plan.session(name, start, end);
        }
    }
    let mut config = plan.config();
    if !config.sessions.is_empty() && dice.chance(50) {
        config.numbering = Numbering::Session;
    }
    for service in &mut config.services {
        service.policy = policy(dice);
        if joining {
            join_otherwise(&mut service.policy, dice);
        }
    }
    for service in &mut config.services {
        for (id, expected_s) in [("quick", 60), ("slow", 900)] {
            if dice.chance(40) {
                let id = ClassId::parse(id).unwrap();
                service.classes.push(ClassConfig { id, name: Text::same("class"), expected_s });
            }
        }
    }
    for counter in &mut config.counters {
        counter.weights = weights(dice, &counter.services);
        counter.second_waiting = door(dice);
    }
    config
}

fn door(dice: &mut Dice) -> Option<SecondWaiting> {
    dice.chance(30).then(|| SecondWaiting { limit: dice.between(1, 3) })
}

fn weights(dice: &mut Dice, services: &[ServiceId]) -> ServiceWeights {
    if dice.chance(50) {
        return ServiceWeights::default();
    }
    ServiceWeights::new(services.iter().map(|service| (service.clone(), dice.pick(&[1, 1, 2, 3, 7, 20]))))
}

/// A day begins at 08:00 by the clock on the wall, and at 04:00 by the calendar.
const SESSIONS: [(&str, &str, &str); 3] =
    [("early", "07:00", "08:45"), ("late", "09:15", "10:00"), ("night", "22:00", "04:00")];

/// Every way in which people can join.
fn join_otherwise(policy: &mut Policy, dice: &mut Dice) {
    policy.missed = MissedRules {
        rejoin: dice.pick(&[
            MissedRejoin::Lane,
            MissedRejoin::AfterCalls,
            MissedRejoin::PerCalls,
            MissedRejoin::SlotEnd,
            MissedRejoin::SessionEnd,
            MissedRejoin::Tail,
        ]),
        calls: dice.pick(&[1, 2, 3, 5, 100]),
    };
    policy.late = LateRules {
        rejoin: dice.pick(&[
            LateJoin::Lane,
            LateJoin::PerCalls,
            LateJoin::Shifted,
            LateJoin::SlotEnd,
            LateJoin::SessionEnd,
            LateJoin::AsNormal,
        ]),
        calls: dice.pick(&[1, 2, 3, 100]),
    };
    policy.misses_max = dice.pick(&[2, 2, 3, 9]);
    policy.check_in_early = dice.pick(&[EarlyCheckIn::Wait, EarlyCheckIn::Refuse, EarlyCheckIn::WalkIn]);
    policy.check_in_early_s = dice.pick(&[0, 600, 1800, 7200, DAY_S]);
    policy.miss = dice.pick(&[Miss::ByHand, Miss::Automatic]);
    policy.grace_s = policy.grace_s.max(1);
    policy.recall_every_s = dice.pick(&[0, 20, 60, DAY_S]);
    policy.overflow_join = dice.pick(&[OverflowJoin::Lane, OverflowJoin::TriageTime, OverflowJoin::Last]);
    policy.overflow_per = dice.pick(&[QuotaPer::Session, QuotaPer::Day]);
    policy.over_quota_role = dice.pick(&[OverQuotaRole::Nobody, OverQuotaRole::Manager]);
    policy.no_show = dice.pick(&[NoShowAt::SessionEnd, NoShowAt::DayEnd]);
    policy.no_show_after_s = dice.pick(&[0, 0, 1800, DAY_S]);
    policy.slot_min = dice.pick(&SLOT_LENGTHS);
    policy.slot_capacity = dice.pick(&[0, 1, 3]);
}

fn policy(dice: &mut Dice) -> Policy {
    let lanes = Lane::ALL.into_iter().filter(|_| dice.chance(60)).collect::<Vec<_>>();
    let weights = Weights::new(lanes.into_iter().map(|lane| (lane, dice.pick(&[1, 1, 2, 3, 5, 7, 20]))));
    Policy {
        weights,
        returns_even: dice.chance(40),
        order: dice.pick(&[OrderInLane::SlotThenCheckIn, OrderInLane::Number, OrderInLane::CheckIn]),
        ready_count: dice.pick(&[0, 0, 1, 2, 2, 4]),
        urgent_run_max: dice.pick(&[0, 1, 2, 3, u32::MAX]),
        overtaken_max: dice.pick(&[0, 0, 1, 2, 5, 12, u32::MAX]),
        wait_max_s: dice.pick(&[0, 0, 0, 600, 1800, 7200, DAY_S]),
        target_wait_s: dice.pick(&[0, 600, DAY_S]),
        early_s: dice.pick(&[0, 600, 600, 900, 900, 3600, DAY_S]),
        early_when_idle: dice.chance(60),
        grace_s: dice.pick(&[0, 0, 30, 60, 60, DAY_S]),
        recalls_min: dice.pick(&[0, 0, 1, 2]),
        misses_max: dice.pick(&[1, 2, 2, 3]),
        overflow_max: dice.pick(&[0, 2, 5, 20]),
        ..Policy::default()
    }
}

/// What a step comes to.
#[derive(Debug, Clone)]
pub enum Filled {
    /// The clock shows this now; it may have jumped back.
    Clock(Timestamp),
    Wish {
        by: Actor,
        action: Action,
    },
    /// The latest wish is sent again.
    Retry,
}

impl Step {
    pub fn fill(self, venue: &Venue, joining: bool, now: Timestamp) -> Filled {
        let mut dice = Dice::new(self.chance);
        let by = staff(dice.pick(&["nurse", "clerk", "doctor"]));
        let wish = |action| Filled::Wish { by: by.clone(), action };
        let mut filling = Filling { venue, joining, dice: &mut dice, now };
        match self.kind {
            Kind::Wait => Filled::Clock(filling.later()),
            Kind::Take => filling.take(),
            Kind::Retry => Filled::Retry,
            Kind::Undo => wish(Action::Undo),
            Kind::Book => wish(filling.book()),
            Kind::CheckIn => wish(filling.check_in()),
            Kind::Overflow => wish(filling.overflow()),
            Kind::CallNext => wish(Action::CallNext { counter: filling.counter() }),
            Kind::CallTicket => wish(filling.call_ticket()),
            Kind::Recall => wish(Action::Recall { counter: filling.busy_counter() }),
            Kind::Start => wish(Action::Start { counter: filling.busy_counter() }),
            Kind::Complete => wish(Action::Complete { counter: filling.busy_counter() }),
            Kind::Miss => wish(Action::Miss { counter: filling.busy_counter() }),
            Kind::SetCounter => wish(filling.set_counter()),
            Kind::Hold => wish(Action::Hold { ticket: filling.live(|_| true), reason: "x-ray".into() }),
            Kind::Return => wish(Action::Return { ticket: filling.live(|state| *state == TicketState::Held) }),
            Kind::Requeue => {
                let ticket = filling.live(|state| *state == TicketState::Missed);
                wish(Action::Requeue { ticket, reason: "was outside".into() })
            }
            Kind::Transfer => wish(filling.transfer()),
            Kind::Send => wish(filling.send()),
            Kind::Settle => Filled::Wish { by: Actor::System, action: filling.settle() },
            Kind::Receive => Filled::Wish { by: Actor::System, action: filling.receive() },
            Kind::Close => wish(filling.close()),
            Kind::Reopen => wish(filling.reopen()),
            Kind::Visit => wish(Action::TakeVisit { steps: filling.steps(), lane: Lane::WalkIn, visitor: visitor() }),
            Kind::SetSteps => {
                let ticket = filling.live(|_| true);
                wish(Action::SetSteps { ticket, steps: filling.steps(), reason: "more tests".into() })
            }
            Kind::SkipStep => {
                let ticket = filling.with_steps();
                wish(Action::SkipStep { ticket, reason: "done before".into() })
            }
            Kind::Cancel => wish(Action::Cancel { ticket: filling.live(|_| true), reason: None }),
            Kind::Grant => wish(filling.grant()),
            Kind::StepBack => {
                let ticket = filling.live(|state| *state == TicketState::Waiting);
                wish(Action::StepBack { ticket, places: filling.dice.between(1, 4) })
            }
            Kind::Classify => {
                let class = filling.dice.pick(&[None, ClassId::parse("quick").ok(), ClassId::parse("slow").ok()]);
                wish(Action::Classify { ticket: filling.live(|_| true), class })
            }
            Kind::Configure => wish(filling.configure()),
            Kind::ChangePolicy => wish(filling.change_policy()),
            Kind::Nonsense => filling.nonsense(),
        }
    }
}

struct Filling<'a> {
    venue: &'a Venue,
    joining: bool,
    dice: &'a mut Dice,
    now: Timestamp,
}

impl Filling<'_> {
    fn later(&mut self) -> Timestamp {
        match self.dice.below(100) {
            0 => self.now - Millis::from_mins(i64::from(self.dice.between(1, 90))),
            1 => self.venue.day().end + Millis::from_secs(i64::from(self.dice.between(0, 100_000))),
            2..20 => self.venue.next_deadline().filter(|due| *due < self.venue.day().end).unwrap_or(self.now),
            20..60 => self.now + Millis::from_secs(i64::from(self.dice.between(0, 40))),
            _ => self.now + Millis(i64::from(self.dice.between(0, 600_000))),
        }
    }

    fn service(&mut self) -> ServiceId {
        let services: Vec<_> = self.venue.config().services.iter().map(|service| service.id.clone()).collect();
        self.dice.pick(&services)
    }

    fn counter(&mut self) -> CounterId {
        let counters: Vec<_> = self.venue.config().counters.iter().map(|counter| counter.id.clone()).collect();
        self.dice.pick(&counters)
    }

    fn busy_counter(&mut self) -> CounterId {
        let busy = self.venue.counters().filter(|counter| counter.current.is_some() || self.dice.chance(10));
        let busy: Vec<_> = busy.map(|counter| counter.id.clone()).collect();
        if busy.is_empty() { self.counter() } else { self.dice.pick(&busy) }
    }

    fn wants(&mut self, percent: usize) -> Option<CounterId> {
        if self.dice.chance(percent) { Some(self.counter()) } else { None }
    }

    fn live(&mut self, good: fn(&TicketState) -> bool) -> TicketId {
        let fitting = self.venue.live().filter(|ticket| good(&ticket.state) || self.dice.chance(3));
        let fitting: Vec<_> = fitting.map(|ticket| ticket.id).collect();
        if fitting.is_empty() { TicketId(self.dice.pick(&[0, 1, 2, 77, u64::MAX])) } else { self.dice.pick(&fitting) }
    }

    fn with_steps(&mut self) -> TicketId {
        let fitting = self.venue.live().filter(|ticket| !ticket.steps.is_empty());
        let fitting: Vec<_> = fitting.map(|ticket| ticket.id).collect();
        if fitting.is_empty() { TicketId(1) } else { self.dice.pick(&fitting) }
    }

    fn take(&mut self) -> Filled {
        let by = self.dice.pick(&[Actor::Public, Actor::Device { name: "kiosk".into() }, staff("nurse")]);
        let lane = self.dice.pick(&[Lane::WalkIn, Lane::WalkIn, Lane::Referral]);
        let (service, wants) = (self.service(), self.wants(8));
        let action = if self.dice.chance(20) {
            Action::TakeSlot { service, visitor: visitor(), wants }
        } else {
            Action::TakeTicket { service, lane, visitor: visitor(), wants }
        };
        Filled::Wish { by, action }
    }

    fn book(&mut self) -> Action {
        let known: Vec<_> = self.venue.appointments().cloned().collect();
        let mut appointments: Vec<Appointment> = known.into_iter().filter(|_| self.dice.chance(80)).collect();
        for _ in 0..self.dice.below(12) {
            let start = self.now.max(self.venue.at()).0.div_euclid(1_800_000) + i64::from(self.dice.between(0, 5)) - 1;
            let start = Timestamp(start * 1_800_000);
            let code: Arc<str> = format!("code-{}", self.dice.below(300)).into();
            if appointments.iter().all(|other| other.code != code) {
                appointments.push(Appointment {
                    code,
                    service: self.service(),
                    slot: Slot { start, end: start + Millis::from_mins(30) },
                    visitor: visitor(),
                    wants: self.wants(8),
                    steps: if self.dice.chance(20) { self.steps() } else { Vec::new() },
                    state: AppointmentState::Expected,
                });
            }
        }
        Action::SetAppointments { appointments }
    }

    fn check_in(&mut self) -> Action {
        let expected = self.venue.appointments();
        let expected = expected.filter(|booking| booking.state == AppointmentState::Expected || self.dice.chance(5));
        let expected: Vec<_> = expected.map(|booking| booking.code.clone()).collect();
        let code = if expected.is_empty() { "nobody".into() } else { self.dice.pick(&expected) };
        Action::CheckIn { code, reference: None }
    }

    fn overflow(&mut self) -> Action {
        Action::AddOverflow {
            service: self.service(),
            visitor: visitor(),
            reason: "from afar".into(),
            approved_by: "Dr Li".into(),
            approval: self.dice.pick(&[None, Some(ApproverRole::Nurse), Some(ApproverRole::Manager)]).map(approval),
            note: None,
        }
    }

    fn call_ticket(&mut self) -> Action {
        let ticket = self.live(|state| matches!(state, TicketState::Waiting | TicketState::Held | TicketState::Missed));
        Action::CallTicket { counter: self.counter(), ticket, reason: "asked for".into() }
    }

    fn set_counter(&mut self) -> Action {
        use CounterState::{Closed, Open, Paused};
        let services = if self.dice.chance(20) { Some(vec![self.service(), self.service()]) } else { None };
        Action::SetCounter {
            counter: self.counter(),
            state: self.dice.pick(&[Open, Open, Open, Paused, Closed]),
            services,
        }
    }

    fn transfer(&mut self) -> Action {
        let ticket = self.live(|_| true);
        Action::Transfer {
            ticket,
            service: self.service(),
            reason: "wrong door".into(),
            wants: self.wants(20),
            urgency: self.urgency(),
        }
    }

    fn urgency(&mut self) -> Option<Urgency> {
        self.dice.pick(&[None, None, None, Some(Urgency::GreenChannel), Some(Urgency::Emergency)])
    }

    fn send(&mut self) -> Action {
        Action::Send(Box::new(Sending {
            ticket: self.live(|_| true),
            venue: venue_id("hall"),
            service: service_id("desk"),
            wants: self.wants(20),
            reason: "full here".into(),
            urgency: self.urgency(),
        }))
    }

    /// What the other venue says, sometimes for the second time, or to nothing that was asked.
    fn settle(&mut self) -> Action {
        let sent: Vec<TransferKey> = self.venue.handovers().sent().iter().map(|sent| sent.parcel.transfer).collect();
        let transfer = if sent.is_empty() { TransferKey { at: self.now, seq: Seq(1) } } else { self.dice.pick(&sent) };
        let ticket = TicketId(5);
        let declined = Arrival::Declined { code: "service_closed".into() };
        let came = self.dice.pick(&[Arrival::Arrived { ticket }, declined.clone(), declined, Arrival::Settled]);
        Action::Settle { transfer, came }
    }

    fn receive(&mut self) -> Action {
        let at = self.now - Millis(i64::from(self.dice.between(0, 100_000)));
        let transfer = TransferKey { at, seq: Seq(u64::from(self.dice.between(1, 9))) };
        let from = venue_id("hall");
        let home = if self.dice.chance(20) { venue_id("clinic") } else { from.clone() };
        let guest = Guest {
            home: home.clone(),
            day: self.venue.day().date - chrono::Days::new(u64::from(home != from)),
            ticket: TicketId(3),
            number: TicketNumber::of(self.dice.pick(&["A", "B", "Z"]), self.dice.between(1, 6)),
            count: 3,
            mark: "HALL".into(),
            stops: Vec::new(),
        };
        let parcel = Parcel {
            from,
            transfer,
            service: self.service(),
            wants: self.wants(20),
            visitor: visitor(),
            slot: None,
            issued_at: at,
            queued_at: at - Millis::from_mins(i64::from(self.dice.between(0, 60))),
            grant: None,
            misses: 0,
            guest,
        };
        Action::Receive { delivery: Box::new(Delivery { to: venue_id("clinic"), parcel, settled_below: transfer }) }
    }

    fn closable(&mut self) -> Closable {
        if self.dice.chance(50) {
            Closable::Service { service: self.service() }
        } else {
            Closable::Counter { counter: self.counter() }
        }
    }

    fn close(&mut self) -> Action {
        let service = if self.dice.chance(70) { Some(self.service()) } else { None };
        let to = Destination { service, wants: self.wants(30) };
        let to = self.dice.pick(&[None, Some(to.clone()), Some(to)]);
        let closure = Closure { closed: self.closable(), reason: "doctor away".into(), advice: Advice::SeeDesk, to };
        Action::Close { closure: Box::new(closure) }
    }

    fn reopen(&mut self) -> Action {
        let closed: Vec<Closable> = self.venue.closures().map(|closed| closed.closure.closed.clone()).collect();
        Action::Reopen { closed: if closed.is_empty() { self.closable() } else { self.dice.pick(&closed) } }
    }

    fn steps(&mut self) -> Vec<callnext_engine::step::Step> {
        let count = self.dice.below(4);
        (0..count).map(|_| callnext_engine::step::Step { service: self.service(), wants: self.wants(8) }).collect()
    }

    fn grant(&mut self) -> Action {
        let ticket = self.live(|state| matches!(state, TicketState::Waiting | TicketState::Held | TicketState::Missed));
        let urgency = self.dice.pick(&[Urgency::Emergency, Urgency::GreenChannel]);
        Action::GrantGreenChannel { ticket, urgency, reason: "chest pain".into() }
    }

    fn configure(&mut self) -> Action {
        let mut config = self.venue.config().clone();
        let service = self.dice.below(config.services.len());
        let counter = self.dice.below(config.counters.len());
        match self.dice.below(12) {
            0 if self.joining => join_otherwise(&mut config.services[service].policy, self.dice),
            0 => config.services[service].policy = policy(self.dice),
            1 => config.services[service].policy.weights = policy(self.dice).weights,
            2 => config.services[service].policy.order = policy(self.dice).order,
            3 => config.services[service].policy.ready_count = self.dice.between(0, 5),
            4 => config.services[service].policy.early_s = self.dice.pick(&[0, 600, 7200]),
            5 => drop(config.services.remove(service)),
            6 => drop(config.counters.remove(counter)),
            7 => config.counters[counter].weights = weights(self.dice, &config.counters[counter].services),
            8 => config.services[service].policy.returns_even ^= true,
            9 => config.counters[counter].second_waiting = door(self.dice),
            10 => {
                let mut more = config.counters[counter].clone();
                more.id = counter_id(&self.dice.between(1, 9).to_string());
                config.counters.push(more);
            }
            _ => {
                let mut more = config.services[service].clone();
                more.id = service_id(self.dice.pick(&["ent", "eye", "ear"]));
                config.counters[counter].services = vec![more.id.clone()];
                config.counters[counter].weights = ServiceWeights::default();
                config.services.push(more);
            }
        }
        Action::Configure { declaration: Box::new(config.into()) }
    }

    /// Some of another policy, for a service or for all, and sometimes what was changed before dropped again.
    fn change_policy(&mut self) -> Action {
        let service = if self.dice.chance(60) { Some(self.service()) } else { None };
        let mut wanted = policy(self.dice);
        if self.joining {
            join_otherwise(&mut wanted, self.dice);
        }
        let mut set = wanted.beyond(&Policy::default());
        for info in Policy::settings() {
            if self.dice.chance(60) {
                set = set.without(&info.path);
            }
        }
        let over = self.venue.layers().of(service.as_ref()).next().map(|over| over.set.clone()).unwrap_or_default();
        let known = Policy::settings().into_iter().map(|info| info.path).find(|path| over.said(path).is_some());
        let dropped = known.filter(|_| self.dice.chance(30)).map(Into::into).into_iter().collect();
        Action::ChangePolicy(Box::new(PolicyWish {
            service,
            set,
            dropped,
            lasts: self.dice.pick(&[Lasts::Today, Lasts::ForGood]),
            reason: "more people than expected".into(),
            version: self.venue.layers().version,
        }))
    }

    /// Wishes that make no sense at all must be refused, or do nothing, but never hurt.
    fn nonsense(&mut self) -> Filled {
        let by = self.dice.pick(&[Actor::Public, Actor::System, Actor::Holder { ticket: TicketId(0) }, staff("")]);
        let ticket = TicketId(self.dice.pick(&[0, 1, u64::MAX]));
        let (service, counter) = (service_id("nothing"), counter_id("nowhere"));
        let long: Arc<str> = "长".repeat(1000).into();
        let action = match self.dice.below(14) {
            0 => Action::Tick,
            1 => Action::Undo,
            2 => Action::StepBack { ticket: self.live(|_| true), places: u32::MAX },
            3 => Action::TakeTicket { service, lane: Lane::Late, visitor: visitor(), wants: Some(counter) },
            4 => Action::CheckIn { code: long, reference: Some("".into()) },
            5 => Action::CallTicket { counter: self.counter(), ticket, reason: "".into() },
            6 => Action::Transfer { ticket: self.live(|_| true), service, reason: long, wants: None, urgency: None },
            7 => Action::SetCounter { counter: self.counter(), state: CounterState::Open, services: Some(vec![]) },
            8 => Action::Hold { ticket, reason: long },
            9 => Action::CallNext { counter },
            10 => {
                let config = VenueConfig { services: vec![], ..self.venue.config().clone() };
                Action::Configure { declaration: Box::new(config.into()) }
            }
            11 => Action::SetAppointments {
                appointments: vec![Appointment {
                    code: "far".into(),
                    service: self.service(),
                    slot: Slot { start: Timestamp(i64::MIN), end: Timestamp::MAX },
                    visitor: visitor(),
                    wants: None,
                    steps: Vec::new(),
                    state: AppointmentState::CheckedIn { ticket },
                }],
            },
            12 => Action::Cancel { ticket: self.live(|_| true), reason: Some("\u{0}".into()) },
            _ => Action::GrantGreenChannel { ticket, urgency: Urgency::Emergency, reason: "x".into() },
        };
        Filled::Wish { by, action }
    }
}

fn approval(role: ApproverRole) -> Approval {
    Approval { by: "chief".into(), role }
}

fn visitor() -> Visitor {
    Visitor::default()
}

/// When the day's first step is taken.
pub fn start() -> Timestamp {
    at("08:00")
}
