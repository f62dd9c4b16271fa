//! The grid of slots, and how many people each of them has (R4).

use chrono::Timelike;

use crate::appointment::{Appointment, AppointmentState};
use crate::config::ServiceConfig;
use crate::ids::ServiceId;
use crate::ticket::Slot;
use crate::time::{Millis, Timestamp};
use crate::venue::Venue;

impl Venue {
    /// The slot of a service's grid that holds a moment. Slots begin with each hour of the clock on the wall.
    pub fn slot_at(&self, service: &ServiceConfig, at: Timestamp) -> Slot {
        let length = Millis::from_mins(service.policy.slot_min.into());
        let wall = at.to_utc().with_timezone(&self.config.time_zone);
        let into_hour = Millis::from_secs((wall.minute() * 60 + wall.second()).into()).0 + at.0.rem_euclid(1000);
        let start = at - Millis(into_hour % length.0.max(1));
        Slot { start, end: start + length }
    }

    /// The next slot of today that begins after a moment and has room; none where the service offers no slots.
    pub fn next_free_slot(&self, service: &ServiceConfig, at: Timestamp) -> Option<Slot> {
        let capacity = service.policy.slot_capacity;
        if capacity == 0 {
            return None;
        }
        let sessions = self.sessions();
        let held = |slot: &Slot| {
            sessions.is_empty() || sessions.iter().any(|session| session.start <= slot.start && slot.end <= session.end)
        };
        let present = self.slot_at(service, at);
        let length = present.end.since(present.start);
        std::iter::successors(Some(Slot { start: present.end, end: present.end + length }), |slot| {
            Some(Slot { start: slot.end, end: slot.end + length })
        })
        .take_while(|slot| slot.end <= self.day.end)
        .find(|slot| held(slot) && self.people_in(&service.id, slot) < capacity)
    }

    /// How many are booked for a slot, or took it at the kiosk: whoever cancelled or did not come is none of them.
    fn people_in(&self, service: &ServiceId, slot: &Slot) -> u32 {
        let Some(starts) = self.slots.get(service) else { return 0 };
        starts.range(slot.start..slot.end).map(|(_, people)| people).sum()
    }

    /// One more who comes in a slot.
    pub(super) fn fill_slot(&mut self, service: &ServiceId, start: Timestamp) {
        *self.slots.entry(service.clone()).or_default().entry(start).or_default() += 1;
    }

    /// One less.
    pub(super) fn free_slot(&mut self, service: &ServiceId, start: Timestamp) {
        if let Some(people) = self.slots.get_mut(service).and_then(|starts| starts.get_mut(&start)) {
            *people = people.saturating_sub(1);
        }
    }

    /// Replaces the bookings of those who are not here. Whoever was a no-show can be booked for another slot.
    pub(super) fn book(&mut self, appointments: &[Appointment]) {
        let expected = |booking: &Appointment| booking.state == AppointmentState::Expected;
        let gone: Vec<_> = self.appointments.values().filter(|booking| expected(booking)).cloned().collect();
        for booking in gone {
            self.appointments.remove(&booking.code);
            self.free_slot(&booking.service, booking.slot.start);
        }
        for booking in appointments {
            let known = self.appointments.get(&booking.code);
            let again = |known: &Appointment| known.state == AppointmentState::NoShow && known.slot != booking.slot;
            if known.is_none_or(again) {
                self.appointments.insert(booking.code.clone(), booking.clone());
                self.fill_slot(&booking.service, booking.slot.start);
            }
        }
    }
}
