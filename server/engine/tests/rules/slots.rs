//! R4: the grid of slots, and the next free one for whoever is on site.

use callnext_engine::testing::{Hall, Plan, at, service_id, slot};
use callnext_engine::ticket::Visitor;
use callnext_engine::{Action, Lane, Outcome, Refusal, TicketId};

fn capacity(most: u32) -> Plan {
    Plan::default().counter("1").rules(|rules| rules.slot_capacity = most)
}

fn take() -> Action {
    Action::TakeSlot { service: service_id("ent"), visitor: Visitor::default(), wants: None }
}

fn takes(hall: &mut Hall) -> TicketId {
    match hall.does(take()) {
        Outcome::Ticket { ticket } => ticket,
        other => panic!("no ticket: {other:?}"),
    }
}

#[test]
fn r4_slots_lie_on_the_clock_on_the_wall() {
    for (slot_min, start, end) in
        [(10, "09:40", "09:50"), (15, "09:45", "10:00"), (30, "09:30", "10:00"), (60, "09:00", "10:00")]
    {
        let hall = Plan::default().counter("1").rules(|rules| rules.slot_min = slot_min).open("08:00");
        let found = hall.venue().slot_at(&hall.venue().config().services[0], at("09:47:12"));
        assert_eq!((found.start, found.end), (at(start), at(end)), "{slot_min}");
    }
    // 05:45 ahead of Greenwich: the hour begins where the wall clock says.
    let mut config = Plan::default().counter("1").config();
    config.time_zone = chrono_tz::Asia::Kathmandu;
    let hall = Hall::before_first_day(config, at("08:00"));
    let found = hall.venue().slot_at(&hall.venue().config().services[0], at("09:47"));
    assert_eq!(found.start, at("09:45"), "07:30 in Kathmandu");
}

#[test]
fn r4_whoever_takes_the_next_free_slot_is_booked_for_it() {
    let mut hall = capacity(2).open("08:10");
    let [first, second, third] = [takes(&mut hall), takes(&mut hall), takes(&mut hall)];
    assert_eq!(hall.ticket(first).lane, Lane::Appointment);
    let slots = [first, second, third].map(|ticket| hall.ticket(ticket).slot);
    assert_eq!(slots, [Some(slot("08:30")), Some(slot("08:30")), Some(slot("09:00"))]);
    hall.at("08:14:59");
    let on_site = hall.walk_in();
    assert_eq!(hall.next("1"), Some(on_site), "not before its time, while somebody else waits");
}

#[test]
fn r4_bookings_fill_slots_and_whoever_goes_frees_theirs() {
    let mut hall = capacity(1).open("08:10");
    hall.books(&[("a", "08:30"), ("b", "09:30")]);
    let nine = takes(&mut hall);
    assert_eq!(hall.ticket(nine).slot, Some(slot("09:00")));
    let ten = takes(&mut hall);
    assert_eq!(hall.ticket(ten).slot, Some(slot("10:00")));
    hall.cancels(nine);
    hall.undoes();
    let half_past_ten = takes(&mut hall);
    assert_eq!(hall.ticket(half_past_ten).slot, Some(slot("10:30")), "a cancellation taken back frees nothing");
    hall.cancels(nine);
    hall.books(&[("b", "09:30")]);
    let free = [takes(&mut hall), takes(&mut hall)].map(|ticket| hall.ticket(ticket).slot);
    assert_eq!(free, [Some(slot("08:30")), Some(slot("09:00"))]);
}

#[test]
fn r4_slots_lie_in_sessions_and_may_all_be_taken() {
    let mut hall = capacity(1).session("morning", "08:00", "09:00").session("noon", "12:00", "12:45").open("08:10");
    let slots = [takes(&mut hall), takes(&mut hall)].map(|ticket| hall.ticket(ticket).slot);
    assert_eq!(slots, [Some(slot("08:30")), Some(slot("12:00"))]);
    assert_eq!(hall.refuses(take()), Refusal::NoFreeSlot { service: service_id("ent") });
}

#[test]
fn r4_without_a_capacity_there_are_no_slots_to_take() {
    let mut hall = capacity(0).open("08:10");
    assert_eq!(hall.refuses(take()), Refusal::NoFreeSlot { service: service_id("ent") });
    assert_eq!(hall.venue().next_free_slot(&hall.venue().config().services[0], hall.now()), None);
}
