//! What is always true of a venue. Tests and simulation ask after each step; the registry asks after recovery.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::appointment::AppointmentState;
use crate::dispatch::Turn;
use crate::ids::{TicketId, TicketNumber};
use crate::joining::Joining;
use crate::lane::Lane;
use crate::ticket::TicketState;
use crate::venue::Venue;

/// Something that must never be so, and is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation(pub String);

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Venue {
    /// Every invariant that does not hold; empty is good.
    pub fn check(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        self.check_queues(&mut found);
        self.check_counters(&mut found);
        self.check_numbers(&mut found);
        self.check_quotas(&mut found);
        self.check_misses(&mut found);
        self.check_handovers(&mut found);
        found
    }

    /// Everybody who waits stands in exactly one queue, their own; nobody else stands in any.
    fn check_queues(&self, found: &mut Vec<Violation>) {
        let mut filed = BTreeSet::new();
        for (service, queue) in &self.queues {
            for id in queue.filed() {
                let waits = self.ticket(id).is_some_and(|ticket| {
                    ticket.state == TicketState::Waiting && ticket.service == *service && ticket.place.is_some()
                });
                require(found, waits, || format!("ticket {id} stands in {service} but does not wait there"));
                require(found, filed.insert(id), || format!("ticket {id} stands in two places"));
            }
            require(found, queue.is_consistent(), || format!("the lines of {service} differ"));
            for id in queue.ready() {
                require(found, filed.contains(&id), || format!("ticket {id} is ready but not waiting"));
            }
        }
        for ticket in self.tickets.iter().filter(|ticket| ticket.state == TicketState::Waiting) {
            require(found, filed.contains(&ticket.id), || format!("ticket {} waits in no queue", ticket.id));
        }
    }

    /// A counter has at most one ticket, and a ticket at most one counter, and both know it.
    fn check_counters(&self, found: &mut Vec<Violation>) {
        let mut at_counters: BTreeSet<TicketId> = BTreeSet::new();
        for counter in self.counters.values() {
            let Some(id) = counter.current else { continue };
            let here = self.ticket(id).is_some_and(|ticket| ticket.state.counter() == Some(&counter.id));
            require(found, here, || format!("counter {} has ticket {id}, which is not there", counter.id));
            require(found, at_counters.insert(id), || format!("ticket {id} is at two counters"));
        }
        for ticket in self.tickets.iter() {
            let known = ticket.state.counter().is_none_or(|_| at_counters.contains(&ticket.id));
            require(found, known, || format!("ticket {} is at a counter that does not know it", ticket.id));
        }
    }

    /// Sessions and slots count no more than there are, and the day no less than its sessions (B3, B14, R4).
    fn check_quotas(&self, found: &mut Vec<Violation>) {
        let added = self.tickets.iter().filter(|ticket| ticket.overflow.is_some()).count();
        for (service, counts) in &self.overflows {
            let sessions: u32 = counts.of_session.values().sum();
            require(found, sessions <= counts.of_day, || format!("{service}: {sessions} overflow numbers in sessions"));
            require(found, usize::try_from(counts.of_day).is_ok_and(|count| count <= added), || {
                format!("{service}: {} overflow numbers, but {added} were added", counts.of_day)
            });
        }
        let coming = self.appointments.values().filter(|booking| booking.state != AppointmentState::NoShow).count();
        let took =
            self.tickets.iter().filter(|ticket| ticket.slot_of.is_some() && ticket.state != TicketState::Cancelled);
        let held: u32 = self.slots.values().flat_map(BTreeMap::values).sum();
        let people = coming + took.count();
        require(found, usize::try_from(held).ok() == Some(people), || format!("{held} in slots, but {people} come"));
    }

    /// Nobody was missed before their own slot, and everybody waits for the turn by which they joined (C1, C2, R9).
    fn check_misses(&self, found: &mut Vec<Violation>) {
        for ticket in self.tickets.iter().filter(|ticket| ticket.misses > 0) {
            let begun = ticket.slot.is_none_or(|slot| slot.start <= self.at);
            require(found, begun, || format!("ticket {} was missed before its slot", ticket.id));
        }
        for ticket in self.tickets.iter().filter(|ticket| ticket.place.is_some()) {
            let stands = ticket.place.as_ref().map(|place| place.turn);
            let fits = match ticket.joining {
                Some(Joining::AfterCalls { .. }) => stands == Some(Turn::AfterCalls),
                Some(Joining::PerCalls) => stands == Some(Turn::PerCalls),
                Some(Joining::OnSite) => matches!(stands, Some(Turn::OnSite { .. })) == (ticket.lane == Lane::WalkIn),
                Some(Joining::AsOf { .. } | Joining::Shifted { .. }) | None => {
                    matches!(stands, Some(Turn::Lane | Turn::PutOff))
                }
            };
            require(found, fits, || format!("ticket {} joined as {:?}, but has {stands:?}", ticket.id, ticket.joining));
        }
    }

    /// Numbers of a day are unique and without gaps, per prefix.
    fn check_numbers(&self, found: &mut Vec<Violation>) {
        let own = || self.tickets.iter().filter(|ticket| ticket.guest.is_none());
        let numbers: BTreeSet<&TicketNumber> = own().map(|ticket| &ticket.number).collect();
        require(found, numbers.len() == own().count(), || "a number was given twice".to_owned());
        let mut guests = BTreeSet::new();
        for guest in self.live().filter(|ticket| ticket.guest.is_some()) {
            require(found, guests.insert(&guest.number), || format!("two guests have number {}", guest.number));
        }
        for (prefix, count) in &self.numbers {
            let complete = (1..=*count).all(|n| numbers.contains(&TicketNumber::of(prefix, n)));
            require(found, complete, || format!("numbers with prefix \"{prefix}\" have a gap"));
        }
    }

    /// Whoever is on the way to another venue has a parcel that says so, and one only.
    fn check_handovers(&self, found: &mut Vec<Violation>) {
        let mut on_the_way = BTreeSet::new();
        for sent in self.handovers.sent() {
            let id = sent.ticket;
            // A parcel may outlive its day, and the day's tickets.
            let is_so = self
                .ticket(id)
                .is_none_or(|ticket| matches!(&ticket.state, TicketState::Transferring { to } if *to == sent.to));
            require(found, is_so, || format!("ticket {id} has a parcel, but is not on its way"));
            require(found, on_the_way.insert(id), || format!("ticket {id} has two parcels"));
        }
        for ticket in self.live().filter(|ticket| !ticket.state.is_here()) {
            let known = on_the_way.contains(&ticket.id);
            require(found, known, || format!("ticket {} is on its way without a parcel", ticket.id));
        }
    }
}

fn require(found: &mut Vec<Violation>, holds: bool, otherwise: impl FnOnce() -> String) {
    if !holds {
        found.push(Violation(otherwise()));
    }
}
