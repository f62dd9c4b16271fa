//! To another venue (R6, R7): each half in its own history, and nothing lost or doubled between them.

use std::collections::{BTreeSet, VecDeque};

use callnext_engine::command::{Command, Sending};
use callnext_engine::handover::{Arrival, Delivery, OUTBOX_MAX, TransferKey};
use callnext_engine::testing::{Hall, Plan, at, closed_service, counter_id, service_id, staff, venue_id};
use callnext_engine::ticket::{Note, Urgency, Visitor};
use callnext_engine::{Action, Actor, Decision, Lane, Millis, Outcome, Refusal, TicketId, TicketState, Venue};

/// The clinic sends people on to the hall, which has eyes as well, under other letters.
fn clinic() -> Hall {
    Plan::default().rules(|rules| rules.ready_count = 0).counter("1").open("08:00")
}

fn hall() -> Hall {
    let plan = Plan::default().named("hall").service("eye", "E").rules(|rules| rules.ready_count = 0);
    plan.counter("1").counter_for("2", &["eye"]).counter_for("3", &["eye"]).open("08:00")
}

fn sending(ticket: TicketId, venue: &str, service: &str) -> Sending {
    let (venue, service) = (venue_id(venue), service_id(service));
    Sending { ticket, venue, service, wants: None, reason: "nothing left here".into(), urgency: None }
}

fn sends(from: &mut Hall, ticket: TicketId, venue: &str, service: &str) {
    from.does(Action::Send(Box::new(sending(ticket, venue, service))));
}

fn delivery(from: &Hall) -> Delivery {
    from.venue().handovers().deliveries().next().expect("somebody is on the way")
}

fn receives(to: &mut Hall, delivery: Delivery) -> Arrival {
    match to.does(Action::Receive { delivery: Box::new(delivery) }) {
        Outcome::Arrival { came } => came,
        other => panic!("no arrival: {other:?}"),
    }
}

/// Carries everything that is on the way, once: what the courier does.
fn carries(from: &mut Hall, to: &mut Hall) -> Vec<Arrival> {
    let deliveries: Vec<Delivery> = from.venue().handovers().deliveries().collect();
    let carried = deliveries.into_iter().map(|delivery| {
        let transfer = delivery.parcel.transfer;
        let came = receives(to, delivery);
        from.does(Action::Settle { transfer, came: came.clone() });
        came
    });
    carried.collect()
}

fn arrived(came: &[Arrival]) -> TicketId {
    match came {
        [Arrival::Arrived { ticket }] => *ticket,
        other => panic!("did not arrive: {other:?}"),
    }
}

#[test]
fn r6_number_history_and_waiting_credit_go_along() {
    let (mut from, mut to) = (clinic(), hall());
    let name = Visitor { name: Some("张三".into()), ..Visitor::default() };
    let take =
        Action::TakeTicket { service: service_id("ent"), lane: Lane::WalkIn, visitor: name.clone(), wants: None };
    let Outcome::Ticket { ticket: patient } = from.does(take) else { panic!("no ticket") };
    to.at("08:30");
    let there = to.takes("eye", Lane::Referral);
    from.at("08:40");
    sends(&mut from, patient, "hall", "eye");
    assert_eq!(*from.state(patient), TicketState::Transferring { to: venue_id("hall") });
    assert_eq!(from.next("1"), None, "nobody's to call while on the way");
    to.at("08:41");
    let here = arrived(&carries(&mut from, &mut to));
    let ticket = to.ticket(here);
    assert_eq!((ticket.visitor.clone(), ticket.issued_at, ticket.queued_at), (name, at("08:00"), at("08:00")));
    assert_eq!(ticket.lane, Lane::Referral, "R7: a first visit there");
    let guest = ticket.guest.as_deref().unwrap();
    assert_eq!((&guest.home, guest.ticket, guest.number.to_string().as_str()), (&venue_id("clinic"), patient, "A001"));
    assert_eq!((guest.stops.len(), &*guest.stops[0].reason), (1, "nothing left here"));
    let gone = TicketState::Transferred { to: venue_id("hall"), arrived: Some(here) };
    assert_eq!(*from.state(patient), gone);
    assert_eq!(to.calls("2", 2), [here, there], "waits since eight");
}

#[test]
fn r6_a_number_that_could_be_mistaken_begins_with_where_it_is_from() {
    let (mut from, mut to) = (clinic(), hall());
    let tickets = from.walk_ins(2);
    sends(&mut from, tickets[0], "hall", "eye");
    let first = arrived(&carries(&mut from, &mut to));
    assert_eq!(to.number(first), "CLIN-A001", "the hall gives numbers with A itself");
    assert_eq!(to.walk_ins(1).len(), 1);
    assert_eq!(to.venue().tickets().last().unwrap().number.to_string(), "A001", "its own have no gap");

    let mut other = Plan::default().named("annex").counter("1").open("08:00");
    other.configures(|config| config.services[0].prefix = "Z".to_owned()).unwrap();
    sends(&mut from, tickets[1], "annex", "ent");
    let second = arrived(&carries(&mut from, &mut other));
    assert_eq!(other.number(second), "A002", "as on the paper");
}

#[test]
fn r6_who_comes_home_has_the_old_number_again() {
    let (mut clinic, mut hall) = (clinic(), hall());
    let patient = clinic.walk_in();
    sends(&mut clinic, patient, "hall", "eye");
    let there = arrived(&carries(&mut clinic, &mut hall));
    sends(&mut hall, there, "clinic", "ent");
    let back = arrived(&carries(&mut hall, &mut clinic));
    assert_eq!(clinic.number(back), "A001");
    assert_eq!(clinic.ticket(back).guest.as_deref().unwrap().stops.len(), 2);
    assert_eq!(clinic.next("1"), Some(back));
}

#[test]
fn r6_a_guest_who_left_and_came_again_is_not_brought_back_a_second_time() {
    let (mut from, mut to) = (clinic(), hall());
    let patient = from.walk_in();
    sends(&mut from, patient, "hall", "eye");
    let first = delivery(&from);
    let mut second = first.clone();
    second.parcel.transfer.seq = second.parcel.transfer.seq.next();
    let gone = arrived(&[receives(&mut to, first)]);
    to.by(staff("li")).cancels(gone);
    let here = arrived(&[receives(to.by(Actor::System), second)]);
    assert_eq!(to.number(gone), to.number(here));
    assert_eq!(to.by(staff("li")).refuses(Action::Undo), Refusal::UndoOvertaken, "two would have one number");
}

#[test]
fn r6_a_guest_who_comes_back_has_the_same_number_again() {
    let (mut clinic, mut hall) = (clinic(), hall());
    let mut patient = clinic.walk_in();
    for _ in 0..3 {
        sends(&mut clinic, patient, "hall", "eye");
        let there = arrived(&carries(&mut clinic, &mut hall));
        assert_eq!(hall.number(there), "CLIN-A001");
        sends(&mut hall, there, "clinic", "ent");
        patient = arrived(&carries(&mut hall, &mut clinic));
        assert_eq!(clinic.number(patient), "A001");
    }
}

#[test]
fn r7_urgency_goes_along_and_is_on_record_at_both() {
    let (mut from, mut to) = (clinic(), hall());
    to.takes("eye", Lane::WalkIn);
    let patient = from.walk_in();
    let urgent = Sending { urgency: Some(Urgency::Emergency), ..sending(patient, "hall", "eye") };
    from.does(Action::Send(Box::new(urgent)));
    let here = arrived(&carries(&mut from, &mut to));
    assert_eq!(from.ticket(patient).urgency(), Some(Urgency::Emergency));
    assert_eq!(to.ticket(here).urgency(), Some(Urgency::Emergency));
    assert_eq!(to.next("2"), Some(here));
}

#[test]
fn c5_the_wanted_counter_goes_along() {
    let (mut from, mut to) = (clinic(), hall());
    let patient = from.walk_in();
    let wanting = Sending { wants: Some(counter_id("3")), ..sending(patient, "hall", "eye") };
    from.does(Action::Send(Box::new(wanting)));
    let here = arrived(&carries(&mut from, &mut to));
    assert_eq!((to.next("2"), to.next("3")), (None, Some(here)));
}

#[test]
fn r6_who_is_turned_back_stands_where_they_stood_and_staff_see_why() {
    for (venue_closes, service, code) in [(true, "eye", "service_closed"), (false, "ear", "service_unknown")] {
        let (mut from, mut to) = (clinic(), hall());
        let [first, second] = [from.walk_in(), from.walk_in()];
        if venue_closes {
            to.closes(closed_service("eye"), None);
        }
        sends(&mut from, first, "hall", service);
        assert_eq!(carries(&mut from, &mut to), [Arrival::Declined { code: code.into() }]);
        let note = Note::TurnedBack { venue: venue_id("hall"), code: code.into() };
        assert_eq!(from.ticket(first).note, Some(note));
        assert_eq!(from.calls("1", 2), [first, second]);
        assert_eq!(to.venue().tickets().count(), 0);
    }
}

#[test]
fn r6_the_held_and_the_missed_are_again_what_they_were() {
    let (mut from, mut to) = (clinic(), hall());
    let [missed, held] = [from.walk_in(), from.walk_in()];
    from.next("1");
    from.misses_patiently("1");
    from.holds(held);
    for ticket in [missed, held] {
        sends(&mut from, ticket, "hall", "ear");
    }
    carries(&mut from, &mut to);
    assert_eq!((from.state(missed), from.state(held)), (&TicketState::Missed, &TicketState::Held));
}

#[test]
fn r6_from_a_counter_the_counter_is_free() {
    let (mut from, mut to) = (clinic(), hall());
    let patient = from.walk_in();
    from.next("1");
    from.starts("1");
    sends(&mut from, patient, "hall", "ear");
    assert!(from.venue().counter(&counter_id("1")).unwrap().current.is_none());
    carries(&mut from, &mut to);
    assert_eq!(*from.state(patient), TicketState::Waiting, "turned back to a counter that may have another by now");
}

#[test]
fn r6_while_on_the_way_nobody_can_change_it() {
    let mut from = clinic();
    let ticket = from.walk_in();
    sends(&mut from, ticket, "hall", "eye");
    let again = Action::Send(Box::new(sending(ticket, "hall", "eye")));
    let reason = || "because".into();
    for action in [
        again,
        Action::Cancel { ticket, reason: None },
        Action::Hold { ticket, reason: reason() },
        callnext_engine::testing::transfer(ticket, "ent"),
        Action::StepBack { ticket, places: 1 },
        Action::GrantGreenChannel { ticket, urgency: Urgency::Emergency, reason: reason().into() },
        Action::CallTicket { counter: counter_id("1"), ticket, reason: reason().into() },
    ] {
        assert!(matches!(from.refuses(action.clone()), Refusal::TicketNotInState { .. }), "{action:?}");
    }
    assert_eq!(from.refuses(Action::Undo), Refusal::UndoOvertaken, "it has left the house");
}

#[test]
fn r6_to_oneself_or_for_no_reason_makes_no_sense() {
    let mut from = clinic();
    let ticket = from.walk_in();
    for bad in [sending(ticket, "clinic", "ent"), Sending { reason: " ".into(), ..sending(ticket, "hall", "eye") }] {
        assert!(matches!(from.refuses(Action::Send(Box::new(bad))), Refusal::ValueInvalid { .. }));
    }
}

#[test]
fn r6_so_many_can_be_on_the_way_and_no_more() {
    let mut from = clinic();
    for _ in 0..OUTBOX_MAX {
        let ticket = from.walk_in();
        sends(&mut from, ticket, "hall", "eye");
    }
    let one_more = from.walk_in();
    let refused = from.refuses(Action::Send(Box::new(sending(one_more, "hall", "eye"))));
    assert!(matches!(refused, Refusal::VenueFull { .. }));
}

#[test]
fn r6_the_same_parcel_gets_the_same_answer_for_ever() {
    let (mut from, mut to) = (clinic(), hall());
    let people = from.walk_ins(2);
    sends(&mut from, people[0], "hall", "eye");
    let first = delivery(&from);
    to.closes(closed_service("eye"), None);
    let declined = receives(&mut to, first.clone());
    to.does(Action::Reopen { closed: closed_service("eye") });
    assert_eq!(receives(&mut to, first.clone()), declined, "it is back there: it must not be here as well");
    from.does(Action::Settle { transfer: first.parcel.transfer, came: declined });

    // The next delivery says that the first is settled; what still comes along of it changes nothing.
    from.after(Millis::from_secs(1));
    sends(&mut from, people[1], "hall", "eye");
    let second = delivery(&from);
    let came = receives(&mut to, second.clone());
    assert_eq!(receives(&mut to, first), Arrival::Settled);
    assert_eq!(receives(&mut to, second), came);
    assert_eq!(to.venue().tickets().count(), 1);
}

#[test]
fn r6_what_came_of_it_is_told_once() {
    let (mut from, mut to) = (clinic(), hall());
    let patient = from.walk_in();
    sends(&mut from, patient, "hall", "eye");
    let transfer = delivery(&from).parcel.transfer;
    carries(&mut from, &mut to);
    let came = Arrival::Declined { code: "late".into() };
    assert_eq!(from.refuses(Action::Settle { transfer, came }), Refusal::TransferUnknown);
}

#[test]
fn r6_days_may_end_on_the_way() {
    let (mut from, mut to) = (clinic(), hall());
    let patient = from.walk_in();
    sends(&mut from, patient, "hall", "eye");
    let late = delivery(&from);
    let tomorrow = from.venue().day().end + Millis::from_mins(1);
    from.at_instant(tomorrow);
    assert_eq!(from.venue().handovers().sent().len(), 1, "kept across the day");
    to.at_instant(tomorrow);
    let came = receives(&mut to, late.clone());
    assert_eq!(came, Arrival::Declined { code: Refusal::DayOver.code().into() });
    from.does(Action::Settle { transfer: late.parcel.transfer, came });
    assert!(from.venue().handovers().sent().is_empty());
    // And the answer is remembered across the next day.
    to.at_instant(to.venue().day().end + Millis::from_mins(1));
    assert_eq!(receives(&mut to, late), Arrival::Declined { code: Refusal::DayOver.code().into() });
}

#[test]
fn r6_a_venue_restored_from_an_older_copy_confuses_no_parcels() {
    let (mut from, mut to) = (clinic(), hall());
    let copy = from.clone();
    let first = from.walk_in();
    sends(&mut from, first, "hall", "eye");
    carries(&mut from, &mut to);
    // Restored: the same change numbers are used again, for somebody else, later.
    let mut from = copy;
    from.at("08:30");
    let second = from.walk_in();
    sends(&mut from, second, "hall", "eye");
    assert!(matches!(carries(&mut from, &mut to).as_slice(), [Arrival::Arrived { .. }]));
    assert_eq!(to.venue().live().count(), 2);
}

// Every order in which two halves can interleave.

/// One person, two venues, and a network that delivers late, twice, or never.
#[derive(Clone)]
struct World {
    venues: [Venue; 2],
    parcels: Vec<(usize, Delivery)>,
    answers: Vec<(usize, TransferKey, Arrival)>,
    sends_left: u32,
    doors_left: u32,
}

#[derive(Debug, Clone)]
enum Turn {
    /// Somebody sends the ticket on to the other venue.
    Send(usize),
    /// A courier reads what is to be carried; it, or the process, may end right after.
    PickUp(usize),
    /// A parcel comes to its venue; the copy on the way may come again.
    Arrive { parcel: usize, again: bool },
    /// An answer comes back.
    Settle { answer: usize, again: bool },
    /// The service the parcels go to is closed, or opened.
    Door(usize),
}

impl World {
    fn new() -> Self {
        let mut clinic = clinic();
        clinic.walk_in();
        Self {
            venues: [clinic.venue().clone(), hall().venue().clone()],
            parcels: Vec::new(),
            answers: Vec::new(),
            sends_left: 2,
            doors_left: 2,
        }
    }

    fn does(&mut self, at_venue: usize, action: Action) -> Option<Outcome> {
        let command = Command::system(action);
        match self.venues[at_venue].execute(&command, at("08:00")) {
            Ok(Decision::Changed(change)) => Some(change.outcome),
            Ok(Decision::Unchanged(outcome)) => Some(outcome),
            Ok(Decision::Repeated(_)) | Err(_) => None,
        }
    }

    fn turns(&self) -> Vec<Turn> {
        let mut turns = Vec::new();
        for side in 0..2 {
            if self.sends_left > 0 && self.here(side).is_some() {
                turns.push(Turn::Send(side));
            }
            let waiting = self.venues[side].handovers().deliveries().next();
            if waiting.is_some_and(|delivery| self.parcels.iter().all(|(_, known)| *known != delivery)) {
                turns.push(Turn::PickUp(side));
            }
            if self.doors_left > 0 {
                turns.push(Turn::Door(side));
            }
        }
        for again in [true, false] {
            turns.extend((0..self.parcels.len()).map(|parcel| Turn::Arrive { parcel, again }));
            turns.extend((0..self.answers.len()).map(|answer| Turn::Settle { answer, again }));
        }
        turns
    }

    fn take(&mut self, turn: &Turn) {
        match turn {
            Turn::Send(side) => {
                self.sends_left -= 1;
                let ticket = self.here(*side).unwrap();
                let sending = sending(ticket, ["hall", "clinic"][*side], "ent");
                self.does(*side, Action::Send(Box::new(sending))).unwrap();
            }
            Turn::PickUp(side) => {
                let delivery = self.venues[*side].handovers().deliveries().next().unwrap();
                self.parcels.push((1 - side, delivery));
            }
            Turn::Arrive { parcel, again } => {
                let (to, delivery) = self.parcels[*parcel].clone();
                if !again {
                    self.parcels.remove(*parcel);
                }
                let transfer = delivery.parcel.transfer;
                let answer = self.does(to, Action::Receive { delivery: Box::new(delivery) });
                let Some(Outcome::Arrival { came }) = answer else { panic!("no answer") };
                if self.answers.iter().all(|known| *known != (1 - to, transfer, came.clone())) {
                    self.answers.push((1 - to, transfer, came));
                }
            }
            Turn::Settle { answer, again } => {
                let (side, transfer, came) = self.answers[*answer].clone();
                if !again {
                    self.answers.remove(*answer);
                }
                self.does(side, Action::Settle { transfer, came });
            }
            Turn::Door(side) => {
                self.doors_left -= 1;
                let closed = closed_service("ent");
                let action = if self.venues[*side].closure(&closed).is_some() {
                    Action::Reopen { closed }
                } else {
                    let (reason, advice) = ("lunch".into(), callnext_engine::closure::Advice::Wait);
                    Action::Close {
                        closure: Box::new(callnext_engine::closure::Closure { closed, reason, advice, to: None }),
                    }
                };
                self.does(*side, action).unwrap();
            }
        }
    }

    /// The ticket at this venue that somebody could call.
    fn here(&self, side: usize) -> Option<TicketId> {
        self.venues[side].live().find(|ticket| ticket.state.is_here()).map(|ticket| ticket.id)
    }

    fn holds(&self, path: &[Turn]) {
        let here: usize =
            self.venues.iter().map(|venue| venue.live().filter(|ticket| ticket.state.is_here()).count()).sum();
        assert!(here <= 1, "doubled by {path:?}");
        let on_the_way: usize = self.venues.iter().map(|venue| venue.handovers().sent().len()).sum();
        assert!(here + on_the_way >= 1, "lost by {path:?}");
        for venue in &self.venues {
            assert_eq!(venue.check(), [], "{path:?}");
        }
    }

    /// The courier comes back to work, and nothing fails any more.
    fn comes_to_rest(mut self, path: &[Turn]) {
        for _ in 0..4 {
            for side in 0..2 {
                let deliveries: Vec<Delivery> = self.venues[side].handovers().deliveries().collect();
                for delivery in deliveries {
                    self.parcels.push((1 - side, delivery));
                    self.take(&Turn::Arrive { parcel: self.parcels.len() - 1, again: false });
                }
            }
            while !self.answers.is_empty() {
                self.take(&Turn::Settle { answer: 0, again: false });
            }
        }
        self.holds(path);
        let here = [self.here(0), self.here(1)].into_iter().flatten().count();
        assert_eq!(here, 1, "still on the way after {path:?}");
    }

    fn key(&self) -> String {
        let side = |venue: &Venue| {
            let tickets: Vec<_> = venue.tickets().map(|ticket| (&ticket.number, &ticket.state)).collect();
            serde_json::to_string(&(venue.seq(), tickets, venue.handovers(), venue.closures().count())).unwrap()
        };
        let (a, b) = (side(&self.venues[0]), side(&self.venues[1]));
        format!("{a} {b} {:?} {:?} {} {}", self.parcels, self.answers, self.sends_left, self.doors_left)
    }
}

#[test]
fn r6_however_the_halves_interleave_nobody_is_lost_or_doubled() {
    let mut seen = BTreeSet::new();
    let mut worlds = VecDeque::from([(World::new(), Vec::new())]);
    while let Some((world, path)) = worlds.pop_front() {
        world.holds(&path);
        for turn in world.turns() {
            let (mut next, mut path) = (world.clone(), path.clone());
            next.take(&turn);
            path.push(turn);
            if seen.insert(next.key()) {
                worlds.push_back((next, path));
            }
        }
        world.comes_to_rest(&path);
    }
    // Every world there is: the network holds no more than one copy of what is said, and a copy may stay for ever.
    assert!(seen.len() > 1_000, "only {} worlds were judged", seen.len());
}
