//! What the rules cost: a call among many, a look ahead, a day replayed. The targets stand beside each.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench that cannot go on stops"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use callnext_engine::config::OverflowJoin;
use callnext_engine::event::Change;
use callnext_engine::testing::{Plan, at, counter_id, service_id, slot};
use callnext_engine::ticket::Visitor;
use callnext_engine::venue::Decision;
use callnext_engine::{Action, Command, Lane, Millis, Timestamp, Venue};
use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};

fn system(action: Action) -> Command {
    Command::system(action)
}

fn does(venue: &mut Venue, action: Action, now: Timestamp) -> Change {
    match venue.execute(&system(action), now) {
        Ok(Decision::Changed(change)) => change,
        other => panic!("{other:?}"),
    }
}

fn call() -> Action {
    Action::CallNext { counter: counter_id("1") }
}

/// A service with so many people waiting in three lanes, as after a morning on which nobody was called.
fn crowd(waiting: usize) -> (Venue, Timestamp) {
    crowd_joining(waiting, OverflowJoin::Lane)
}

fn crowd_joining(waiting: usize, join: OverflowJoin) -> (Venue, Timestamp) {
    let plan = Plan::default().counter("1").rules(|rules| {
        (rules.overflow_max, rules.wait_max_s, rules.overflow_join) = (u32::MAX, 0, join);
    });
    let mut venue = Venue::new(plan.config());
    let mut now = at("08:00");
    venue.advance(now);
    for n in 0..waiting {
        now = now + Millis(i64::from(n % 10 == 0));
        let (service, visitor) = (service_id("ent"), Visitor::default());
        let action = match n % 10 {
            0..6 => Action::TakeTicket { service, lane: Lane::WalkIn, visitor, wants: None },
            6..9 => Action::TakeTicket { service, lane: Lane::Referral, visitor, wants: None },
            _ => Action::AddOverflow {
                service,
                visitor,
                reason: "far".into(),
                approved_by: "Li".into(),
                note: None,
                approval: None,
            },
        };
        does(&mut venue, action, now);
    }
    let state = callnext_engine::counter::CounterState::Open;
    does(&mut venue, Action::SetCounter { counter: counter_id("1"), state, services: None }, now);
    (venue, now)
}

/// At a million at most four times what it is at a hundred.
fn call_next(c: &mut Criterion) {
    calls(c, "call_next", OverflowJoin::Lane);
}

/// So too where overflow stands among the others by triage time.
fn call_next_by_triage_time(c: &mut Criterion) {
    calls(c, "call_next_by_triage_time", OverflowJoin::TriageTime);
}

fn calls(c: &mut Criterion, name: &str, join: OverflowJoin) {
    let mut group = c.benchmark_group(name);
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2)).sample_size(20);
    for waiting in [100, 10_000, 1_000_000] {
        let (full, now) = crowd_joining(waiting, join);
        let mut venue = full.clone();
        group.bench_function(BenchmarkId::from_parameter(waiting), |b| {
            b.iter_custom(|calls| {
                let mut took = Duration::ZERO;
                for _ in 0..calls {
                    // The queue is kept between full and nine tenths full; filling it again is not measured.
                    if venue.queue(&service_id("ent")).unwrap().len() < waiting * 9 / 10 {
                        venue = full.clone();
                    }
                    let command = system(call());
                    let begun = Instant::now();
                    black_box(venue.execute(&command, now)).unwrap();
                    took += begun.elapsed();
                }
                took
            });
        });
    }
    group.finish();
}

/// A person who takes a number in a full hall hears how long it will be.
fn take_ticket(c: &mut Criterion) {
    let mut group = c.benchmark_group("take_ticket");
    for waiting in [100, 1_000] {
        let (mut full, mut now) = crowd(waiting);
        for _ in 0..5 {
            // A pace, so that there is a wait to announce.
            now = now + Millis::from_mins(1);
            does(&mut full, call(), now);
        }
        let service = service_id("ent");
        group.bench_function(BenchmarkId::from_parameter(waiting), |b| {
            b.iter_batched_ref(
                || full.clone(),
                |venue| {
                    let (service, visitor) = (service.clone(), Visitor::default());
                    let action = Action::TakeTicket { service, lane: Lane::WalkIn, visitor, wants: None };
                    black_box(does(venue, action, now))
                },
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

/// Under a millisecond.
fn projection(c: &mut Criterion) {
    let (plain, now) = crowd(1_000);
    let mut wanting = plain.clone();
    let mut booked = plain.clone();
    let people: Vec<_> = plain.tickets().map(|ticket| ticket.id).collect();
    for ticket in people.iter().step_by(5) {
        let (service, wants) = (service_id("ent"), Some(counter_id("1")));
        does(
            &mut wanting,
            Action::Transfer { ticket: *ticket, service, reason: "known".into(), wants, urgency: None },
            now,
        );
    }
    let appointments: Vec<_> = (0..500)
        .map(|n| {
            let mut booking = callnext_engine::testing::appointment(&n.to_string(), "09:00");
            booking.slot = slot(["08:00", "09:00", "10:00", "11:00", "14:00"][n / 100]);
            booking
        })
        .collect();
    for ticket in &people[500..] {
        does(&mut booked, Action::Cancel { ticket: *ticket, reason: None }, now);
    }
    does(&mut booked, Action::SetAppointments { appointments }, now);
    for n in 0..500 {
        does(&mut booked, Action::CheckIn { code: n.to_string().into(), reference: None }, now);
    }
    let mut group = c.benchmark_group("projection_of_1000");
    for (name, venue) in [("plain", plain), ("wanting", wanting), ("booked", booked)] {
        assert_eq!(venue.project(&service_id("ent"), now).count(), 1_000);
        group.bench_function(name, |b| b.iter(|| black_box(venue.project(&service_id("ent"), now).count())));
    }
    group.finish();
}

/// A whole day of twenty thousand people from its journal: under a second.
fn replay(c: &mut Criterion) {
    let mut plan = Plan::default().service("eye", "B").service("ear", "C");
    for counter in 1..=30 {
        plan = plan.counter_for(&counter.to_string(), &[["ent", "eye", "ear"][counter % 3]]);
    }
    let config = plan.config();
    let mut venue = Venue::new(config.clone());
    let mut now = at("08:00");
    let mut changes = venue.advance(now);
    let counters: Vec<_> = venue.counters().map(|counter| counter.id.clone()).collect();
    for counter in &counters {
        let state = callnext_engine::counter::CounterState::Open;
        let action = Action::SetCounter { counter: counter.clone(), state, services: None };
        changes.push(does(&mut venue, action, now));
    }
    for n in 0..20_000_usize {
        now = now + Millis(1_800);
        changes.extend(venue.advance(now));
        let service = service_id(["ent", "eye", "ear"][n % 3]);
        let lane = if n % 4 == 0 { Lane::Referral } else { Lane::WalkIn };
        let action = Action::TakeTicket { service, lane, visitor: Visitor::default(), wants: None };
        changes.push(does(&mut venue, action, now));
        if n > 600 {
            let counter = counters[n % counters.len()].clone();
            for action in [Action::CallNext { counter: counter.clone() }, Action::Start { counter }] {
                if let Ok(Decision::Changed(change)) = venue.execute(&system(action), now) {
                    changes.push(change);
                }
            }
        }
    }
    let mut group = c.benchmark_group("replay_of_20000_tickets");
    group.sample_size(10);
    group.bench_function(BenchmarkId::new("changes", changes.len()), |b| {
        b.iter(|| {
            let mut venue = Venue::new(config.clone());
            for change in &changes {
                venue.apply(change);
            }
            black_box(venue.seq())
        });
    });
    group.finish();
}

criterion_group!(benches, call_next, call_next_by_triage_time, take_ticket, projection, replay);
criterion_main!(benches);
