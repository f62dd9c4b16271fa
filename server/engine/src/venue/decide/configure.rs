//! Judging a new declaration, and changes of policies while running (R11).

use std::collections::BTreeMap;

use crate::appointment::AppointmentState;
use crate::command::{Actor, PolicyWish};
use crate::config::{Declaration, Lasts, Layers, Override, PolicyPatch, Rules, VenueConfig};
use crate::event::Event;
use crate::ids::ServiceId;
use crate::refusal::Refusal;
use crate::step::Step;
use crate::time::Timestamp;
use crate::venue::decide::Decided;
use crate::venue::decide::known::check_reason;
use crate::venue::{Outcome, POLICY_CHANGES_MAX, Venue};

impl Venue {
    pub(super) fn decide_configure(&self, declaration: &Declaration) -> Decided {
        let mut layers = self.layers.under(declaration);
        let config = &declaration.in_force(&layers);
        let mut problems: Vec<String> = declaration.problems_under(&layers).iter().map(ToString::to_string).collect();
        if config.id != self.config.id {
            problems.push(format!("this is venue \"{}\", not \"{}\"", self.config.id, config.id));
        }
        problems.extend(self.people_without_service(config));
        problems.extend(self.people_without_counter(config));
        if !problems.is_empty() {
            return Err(Refusal::ConfigInvalid { problems });
        }
        if *config == self.config && layers == self.layers {
            return Ok((Vec::new(), Outcome::Done));
        }
        if layers != self.layers || config.policy != self.config.policy {
            layers.version += 1;
        }
        let event = Event::VenueConfigured { config: Box::new(config.clone()), layers: Box::new(layers) };
        Ok((vec![event], Outcome::Done))
    }

    /// What is said while running stands over the declaration, and is in force at the next call.
    pub(super) fn decide_policy(&self, wish: &PolicyWish, by: &Actor, now: Timestamp) -> Decided {
        check_reason("reason", &wish.reason)?;
        if let Some(service) = &wish.service {
            self.known_service(service)?;
        }
        if wish.version != self.layers.version {
            return Err(Refusal::PolicyChangedMeanwhile { version: self.layers.version });
        }
        if self.policy_changes.len() >= POLICY_CHANGES_MAX {
            return Err(Refusal::VenueFull { limit: u32::try_from(POLICY_CHANGES_MAX).unwrap_or(u32::MAX) });
        }
        let over = Override {
            service: wish.service.clone(),
            set: wish.set.clone(),
            lasts: wish.lasts,
            by: by.clone(),
            at: now,
            reason: wish.reason.clone(),
        };
        let mut layers = self.layers.clone();
        layers.lay_over(over, &wish.dropped);
        let services = self.config.services.iter().map(|service| service.id.clone());
        let mut policies = layers.policies(&self.config.policy, services);
        let problems = self.policy_problems(wish, &self.config.under(&policies));
        if !problems.is_empty() {
            return Err(Refusal::PolicyInvalid { problems });
        }
        let said = |layers: &Layers| -> Vec<(PolicyPatch, Lasts)> {
            layers.of(wish.service.as_ref()).map(|over| (over.set.clone(), over.lasts)).collect()
        };
        if said(&layers) == said(&self.layers) {
            return Ok((Vec::new(), Outcome::Done));
        }
        policies.retain(|id, policy| self.config.service(id).is_some_and(|service| service.policy != *policy));
        let version = self.layers.version + 1;
        let event = Event::PolicyChanged {
            service: wish.service.clone(),
            set: Box::new(wish.set.clone()),
            dropped: wish.dropped.clone(),
            lasts: wish.lasts,
            reason: wish.reason.clone(),
            version,
            policies,
        };
        Ok((vec![event], Outcome::PolicyChanged { version }))
    }

    /// Everything that makes no sense, of what was said and of what would come of it.
    fn policy_problems(&self, wish: &PolicyWish, config: &VenueConfig) -> Vec<String> {
        if wish.set.is_empty() && wish.dropped.is_empty() {
            return vec!["there is nothing to change: name at least one setting".to_owned()];
        }
        let place = |path: &str| match &wish.service {
            Some(service) => format!("service \"{service}\": policy.{path}"),
            None => format!("policy.{path}"),
        };
        let said = wish.set.problems();
        let mut problems: Vec<String> =
            said.iter().map(|wrong| format!("{}: {}", place(&wrong.path), wrong.problem)).collect();
        let is_over = |path: &str| {
            let mut over = self.layers.of(wish.service.as_ref());
            over.any(|over| over.set.without(path) != over.set)
        };
        let vain = wish.dropped.iter().filter(|path| !is_over(path));
        problems.extend(vain.map(|path| format!("{}: was not changed while running", place(path))));
        if problems.is_empty() {
            problems = config.problems().iter().map(ToString::to_string).collect();
        }
        problems
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
