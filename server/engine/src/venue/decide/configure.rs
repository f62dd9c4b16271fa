//! Judging a new declaration.

use std::collections::BTreeMap;

use crate::appointment::AppointmentState;
use crate::config::VenueConfig;
use crate::event::Event;
use crate::ids::ServiceId;
use crate::refusal::Refusal;
use crate::step::Step;
use crate::venue::decide::Decided;
use crate::venue::{Outcome, Venue};

impl Venue {
    pub(super) fn decide_configure(&self, config: &VenueConfig) -> Decided {
        let mut problems: Vec<String> = config.problems().iter().map(ToString::to_string).collect();
        if config.id != self.config.id {
            problems.push(format!("this is venue \"{}\", not \"{}\"", self.config.id, config.id));
        }
        problems.extend(self.people_without_service(config));
        problems.extend(self.people_without_counter(config));
        if !problems.is_empty() {
            return Err(Refusal::ConfigInvalid { problems });
        }
        if *config == self.config {
            return Ok((Vec::new(), Outcome::Done));
        }
        Ok((vec![Event::VenueConfigured { config: Box::new(config.clone()) }], Outcome::Done))
    }

    /// A service with people in it, or booked for it, cannot vanish under them.
    fn people_without_service(&self, config: &VenueConfig) -> Vec<String> {
        let booked = self.appointments.values().filter(|booking| booking.state == AppointmentState::Expected);
        let booked = booked.flat_map(|booking| wished(&booking.service, &booking.steps));
        let people = self.live().flat_map(|ticket| wished(&ticket.service, &ticket.steps)).chain(booked);
        let mut left: BTreeMap<&ServiceId, u32> = BTreeMap::new();
        for service in people.filter(|service| config.service(service).is_none()) {
            *left.entry(service).or_default() += 1;
        }
        left.iter().map(|(service, count)| format!("service \"{service}\" is gone, but {count} are in it")).collect()
    }

    /// A counter with somebody at it cannot vanish either.
    fn people_without_counter(&self, config: &VenueConfig) -> Vec<String> {
        let gone = self.counters.values().filter(|counter| config.counter(&counter.id).is_none());
        let at_it = gone.filter_map(|counter| self.at_counter(counter).ok().map(|ticket| (&counter.id, ticket)));
        at_it.map(|(id, ticket)| format!("counter \"{id}\" is gone, but {} is at it", ticket.number)).collect()
    }
}

/// What somebody waits for, and what they will wait for after that.
fn wished<'v>(service: &'v ServiceId, steps: &'v [Step]) -> impl Iterator<Item = &'v ServiceId> {
    steps.iter().map(|step| &step.service).chain([service])
}
