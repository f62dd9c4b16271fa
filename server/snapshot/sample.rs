//! Days for the tests of snapshots: everything that can happen to a ticket happens.

use std::io::Cursor;

use callnext_engine::testing::{Hall, Plan, staff};
use callnext_engine::ticket::{Urgency, Visitor};
use callnext_engine::{Action, Change, Event, Lane, Millis};

use super::manifest::{Link, Manifest};
use super::writer::Writer;

/// A clinic with two days behind it and a third begun. The first is the richest.
pub(super) fn clinic() -> Hall {
    let mut hall = Plan::default().rules(|policy| policy.ready_count = 1).counter("1").counter("2").open("08:00");
    hall.books(&[("B-1", "09:00"), ("B-2", "09:30"), ("B-3", "10:00")]);
    let tickets = hall.walk_ins(6);
    let visitor = Visitor {
        name: Some("张三".into()),
        phone: Some("13800000000".into()),
        reference: Some("5f1d".into()),
        ..Visitor::default()
    };
    hall.does(Action::TakeTicket {
        service: hall.venue().config().services[0].id.clone(),
        lane: Lane::WalkIn,
        visitor,
        wants: None,
    });
    hall.checks_in("B-1");
    hall.by(staff("nurse.wang"));
    hall.overflow();
    hall.grants(tickets[5], Urgency::GreenChannel);
    for minute in 0..4 {
        hall.after(Millis::from_mins(3));
        hall.next("1");
        hall.starts("1");
        if minute % 2 == 0 {
            hall.next("2");
        }
    }
    hall.calls_by_hand("2", tickets[4]);
    hall.undoes();
    hall.next("2");
    hall.misses_patiently("2");
    hall.walk_ins(2);
    let away = hall.walk_in();
    hall.holds(away);
    hall.configures(|config| config.services[0].policy.ready_count = 2).unwrap();
    hall.after(Millis::from_mins(7));
    for _ in 0..5 {
        hall.next("1");
        hall.after(Millis::from_secs(95));
    }
    hall.walk_in();
    // Two more days, each opened when the one before is over.
    for count in [3, 1] {
        let end = hall.venue().day().end;
        hall.at_instant(end + Millis::from_mins(240));
        hall.walk_ins(count);
    }
    hall
}

/// The changes of each business day, the last of them not over.
pub(super) fn days(hall: &Hall) -> Vec<Vec<Change>> {
    let mut days: Vec<Vec<Change>> = Vec::new();
    for change in hall.changes() {
        if matches!(change.events.first(), Some(Event::DayOpened { .. })) {
            days.push(Vec::new());
        }
        days.last_mut().unwrap().push(change.clone());
    }
    days
}

/// A day as a file.
pub(super) fn file(day: &[Change], previous: Option<Link>) -> (Vec<u8>, Manifest) {
    let room = tempfile::tempfile().unwrap();
    let mut writer = Writer::begin(Cursor::new(Vec::new()), &room, &day[0], previous).unwrap();
    day[1..].iter().for_each(|change| writer.change(change).unwrap());
    let (out, manifest) = writer.finish(true).unwrap();
    (out.into_inner(), manifest)
}
