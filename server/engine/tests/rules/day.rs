//! The business day: one ends, the next begins.

use callnext_engine::command::Actor;
use callnext_engine::event::Event;
use callnext_engine::testing::{Hall, Plan, at, service_id};
use callnext_engine::{Action, Command, Millis, Seq, TicketId, TicketState, Timestamp, Venue};

fn busy() -> Hall {
    let mut hall = Plan::default().counter("1").open("08:00");
    let people = hall.walk_ins(8);
    hall.calls("1", 2);
    hall.starts("1");
    hall.holds(people[6]);
    hall
}

#[test]
fn a_day_ends_in_two_changes_and_the_new_day_stands_alone_and_first() {
    let mut hall = busy();
    let before = hall.changes().len();
    let end = hall.venue().day().end;
    assert_eq!(hall.venue().next_deadline(), Some(end));
    hall.at_instant(end);
    let [closing, opening] = &hall.changes()[before..] else { panic!("two changes") };
    assert_eq!((&closing.by, &opening.by), (&Actor::System, &Actor::System));
    assert_eq!(closing.events.len(), 7, "one is done already");
    assert!(matches!(closing.events[0], Event::ServiceCompleted { ticket: TicketId(2) }), "who is served is served");
    assert!(closing.events[1..].iter().all(|event| matches!(event, Event::TicketNotShown { .. })));
    assert!(matches!(opening.events[..], [Event::DayOpened { .. }]));
    assert_eq!(hall.venue().day().start, end);
    assert_eq!(hall.venue().tickets().count(), 0);
}

#[test]
fn whoever_was_called_last_was_served_unless_somebody_said_otherwise() {
    let mut hall = Plan::default().counter("1").open("08:00");
    hall.walk_ins(2);
    hall.calls("1", 1);
    let before = hall.changes().len();
    hall.at_instant(hall.venue().day().end);
    let events = &hall.changes()[before].events;
    assert!(matches!(events[0], Event::ServiceCompleted { ticket: TicketId(1) }), "{events:?}");
    assert!(matches!(events[1], Event::TicketNotShown { ticket: TicketId(2) }), "{events:?}");
}

#[test]
fn numbers_restart_and_ids_go_on() {
    let mut hall = busy();
    let end = hall.venue().day().end;
    let seq = hall.venue().seq();
    hall.at_instant(end + Millis::from_mins(240));
    hall.counter("1", callnext_engine::counter::CounterState::Open);
    let first = hall.walk_in();
    assert_eq!((first, hall.number(first)), (TicketId(9), "A001".to_owned()));
    hall.next("1");
    assert_eq!(hall.venue().calls().next().unwrap().call.0, 3);
    assert!(hall.venue().seq() > Seq(seq.0 + 2));
    assert!(hall.venue().ticket(TicketId(1)).is_none(), "yesterday's are gone");
}

#[test]
fn what_the_pace_taught_is_carried_over() {
    let mut hall = Plan::default().counter("1").open("08:00");
    hall.walk_ins(10);
    for _ in 0..5 {
        hall.after(Millis::from_mins(4)).next("1");
    }
    let gap = hall.venue().queue(&service_id("ent")).unwrap().pace().gap();
    assert_eq!(gap, Some(Millis::from_mins(4)));
    let end = hall.venue().day().end;
    hall.at_instant(end);
    assert_eq!(hall.venue().queue(&service_id("ent")).unwrap().pace().gap(), gap);
}

#[test]
fn a_day_opened_applied_to_any_venue_gives_the_same_state() {
    let mut hall = busy();
    let end = hall.venue().day().end;
    hall.at_instant(end);
    let mut other = Venue::new(Plan::default().service("xray", "X").counter("9").config());
    other.apply(hall.changes().last().unwrap());
    assert_eq!(other, *hall.venue());
}

#[test]
fn missed_nights_are_caught_up_at_once() {
    let mut hall = busy();
    let end = hall.venue().day().end;
    let before = hall.changes().len();
    hall.at_instant(end + Millis::from_mins(10 * 24 * 60 + 30));
    assert_eq!(hall.changes().len() - before, 2, "one closing, one opening, however long it was");
    assert!(hall.venue().day().holds(hall.now()));
}

#[test]
fn the_first_day_is_opened_by_time_itself() {
    let mut venue = Venue::new(Plan::default().counter("1").config());
    assert_eq!(venue.check(), []);
    let changes = venue.advance(at("10:00"));
    assert!(matches!(&changes[..], [change] if matches!(change.events[..], [Event::DayOpened { .. }])));
    assert_eq!((venue.seq(), venue.at()), (Seq(1), at("10:00")));
    assert!(venue.day().holds(at("10:00")));
}

#[test]
fn whatever_is_done_before_the_first_day_is_closed_with_it() {
    let mut hall = Hall::before_first_day(Plan::default().counter("1").config(), at("08:00"));
    hall.walk_in();
    hall.let_time_pass();
    assert_eq!(hall.venue().tickets().count(), 0);
    assert_eq!(hall.walk_in(), TicketId(2));
}

#[test]
fn a_clock_that_jumps_back_is_held_at_the_latest_change() {
    let mut hall = Plan::default().counter("1").open("08:00");
    hall.at("09:00").walk_in();
    hall.at("08:30");
    let ticket = hall.walk_in();
    assert_eq!(hall.ticket(ticket).issued_at, at("09:00"));
    assert_eq!(hall.venue().at(), at("09:00"));
    assert_eq!(hall.venue().project(&service_id("ent"), hall.now()).next().unwrap().at, at("09:00"));
    assert!(hall.changes().windows(2).all(|pair| pair[0].at <= pair[1].at));
}

#[test]
fn yesterday_cannot_come_back() {
    let mut hall = busy();
    let end = hall.venue().day().end;
    hall.at_instant(end);
    let day = hall.venue().day();
    hall.at_instant(end - Millis::from_mins(60));
    hall.walk_in();
    assert_eq!(hall.venue().day(), day);
}

#[test]
fn the_ends_of_time_are_survived() {
    for now in [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX / 2, i64::MAX - 1, i64::MAX] {
        let mut venue = Venue::new(Plan::default().counter("1").config());
        let changes = venue.advance(Timestamp(now));
        assert!(changes.len() <= 3, "at {now}: {} changes", changes.len());
        assert_eq!(venue.check(), [], "at {now}");
        for action in [
            Action::SetCounter {
                counter: callnext_engine::testing::counter_id("1"),
                state: callnext_engine::counter::CounterState::Open,
                services: None,
            },
            Action::Tick,
            Action::CallNext { counter: callnext_engine::testing::counter_id("1") },
        ] {
            let _ = venue.execute(&Command::system(action), Timestamp(now)).unwrap();
        }
        let _ = venue.project(&service_id("ent"), Timestamp(now)).count();
        let _ = format!("{} {:?}", Timestamp(now), venue.next_deadline());
    }
}

#[test]
fn a_clock_that_leaps_within_a_day_breaks_no_sum() {
    let mut hall = Plan::default().counter("1").open("08:00");
    hall.walk_ins(200);
    let mut venue = hall.venue().clone();
    for n in 0..100 {
        // Without `advance`: far more time between two calls than a day has.
        let call = Command::system(Action::CallNext { counter: callnext_engine::testing::counter_id("1") });
        let _ = venue.execute(&call, Timestamp(i64::MAX / 100 * n)).unwrap();
    }
    let wait = venue.forecast(&service_id("ent")).unwrap().wait(u32::MAX);
    let _ = (wait.likely.as_secs(), wait.low.as_secs(), wait.high.as_secs());
    venue.advance(Timestamp(i64::MAX));
}

#[test]
fn a_later_start_hour_lengthens_the_day_and_no_date_comes_twice() {
    let mut hall = Plan::default().counter("1").open("12:00");
    let date = hall.venue().day().date;
    let six = chrono::NaiveTime::from_hms_opt(6, 0, 0).unwrap();
    hall.configures(|config| config.day_start = six).unwrap();
    let end = hall.venue().day().end;
    assert_eq!(end, at("06:00") + Millis::from_mins(24 * 60));
    hall.at_instant(end);
    assert_eq!(hall.venue().day().date, date.succ_opt().unwrap());
}

#[test]
fn an_earlier_start_hour_does_not_end_the_day_under_peoples_feet() {
    let mut hall = Plan::default().counter("1").open("03:00");
    let end = hall.venue().day().end;
    let patient = hall.walk_in();
    let two = chrono::NaiveTime::from_hms_opt(2, 0, 0).unwrap();
    hall.configures(|config| config.day_start = two).unwrap();
    hall.let_time_pass();
    assert_eq!(hall.venue().day().end, end);
    assert_eq!(*hall.state(patient), TicketState::Waiting);
}
