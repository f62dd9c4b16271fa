//! Recording a new day, a new declaration, and changes of policies.

use std::collections::BTreeMap;

use crate::closure::{Closable, Destination};
use crate::command::Actor;
use crate::config::{Lasts, Layers, Override, PolicyChange, PolicyPatch, VenueConfig};
use crate::counter::{Counter, CounterState};
use crate::dispatch::{Queue, ServiceCycle};
use crate::estimate::{Pace, Prior};
use crate::event::Event;
use crate::ids::{CallId, CounterId, ServiceId, TicketId};
use crate::joining::Joining;
use crate::lane::Lane;
use crate::time::{BusinessDay, Timestamp};
use crate::venue::{POLICY_CHANGES_MAX, Venue};

impl Venue {
    pub(super) fn open_day(
        &mut self,
        day: BusinessDay,
        config: &VenueConfig,
        next_ticket: TicketId,
        next_call: CallId,
        priors: &BTreeMap<ServiceId, Prior>,
    ) {
        let mut fresh = Self::under(config.clone(), Layers::default());
        fresh.day = day;
        fresh.next_ticket = next_ticket;
        fresh.next_call = next_call;
        for service in &config.services {
            let prior = priors.get(&service.id).cloned().unwrap_or_default();
            fresh.queues.insert(service.id.clone(), Queue::with_pace(Pace::from_prior(prior)));
        }
        *self = fresh;
    }

    /// A declaration that changes policies is remembered as their change.
    pub(super) fn declare(&mut self, config: &VenueConfig, layers: &Layers, at: Timestamp, by: &Actor) {
        let effects = self.config.effects(config);
        self.configure(config, at);
        self.layers.clone_from(layers);
        if !effects.is_empty() && self.policy_changes.len() < POLICY_CHANGES_MAX {
            self.policy_changes.push(PolicyChange {
                version: layers.version,
                at,
                by: by.clone(),
                service: None,
                set: PolicyPatch::default(),
                dropped: Vec::new(),
                lasts: Lasts::ForGood,
                reason: None,
                effects,
            });
        }
    }

    pub(super) fn change_policy(&mut self, event: &Event, at: Timestamp, by: &Actor) {
        let Event::PolicyChanged { service, set, dropped, lasts, reason, version, policies } = event else { return };
        let (service, set, lasts, by) = (service.clone(), PolicyPatch::clone(set), *lasts, by.clone());
        let over = Override { service, set, lasts, by, at, reason: reason.clone() };
        self.layers.lay_over(over.clone(), dropped);
        self.layers.version = *version;
        let config = self.config.under(policies);
        let effects = self.config.effects(&config);
        self.configure(&config, at);
        self.policy_changes.push(PolicyChange {
            version: *version,
            at,
            by: over.by,
            service: over.service,
            set: over.set,
            dropped: dropped.clone(),
            lasts: over.lasts,
            reason: Some(over.reason),
            effects,
        });
    }

    fn configure(&mut self, config: &VenueConfig, at: Timestamp) {
        let before = std::mem::replace(&mut self.config, config.clone());
        if (before.day_start, before.time_zone) != (config.day_start, config.time_zone) {
            self.move_days_end(at);
        }
        self.fit_counters(Some(&before));
        self.drop_vain_wishes();
        self.drop_vain_closures();
        for service in &config.services {
            let old = before.service(&service.id).map(|old| &old.policy);
            let queue = self.queues.entry(service.id.clone()).or_default();
            if old.is_none_or(|old| old.weights != service.policy.weights) {
                queue.reset_cycle();
            }
            if old.is_some_and(|old| (old.order, old.early_s) != (service.policy.order, service.policy.early_s)) {
                self.refile(&service.id, at);
            }
        }
    }

    /// The day keeps its date, so it ends where the next date's day begins; not in the past.
    fn move_days_end(&mut self, at: Timestamp) {
        let day = BusinessDay::starting_on(self.day.date, self.config.time_zone, self.config.day_start);
        if day.end > at && self.day.holds(at) {
            self.day.end = day.end;
        }
    }

    /// The order of a service's lanes has changed: everybody is filed anew. The ready set and those inside stay.
    fn refile(&mut self, service: &ServiceId, at: Timestamp) {
        let Some(queue) = self.queues.get(service) else { return };
        let early = self.config.service(service).map(|service| service.policy.early()).unwrap_or_default();
        let waiting: Vec<TicketId> =
            queue.filed().filter(|id| !queue.is_ready(*id) && queue.inside_of(*id).is_none()).collect();
        for id in waiting {
            self.update(id, |ticket| {
                // Booked since a moment that is still to come now: on site again until then, or they would stand
                // callable behind people of earlier slots who are not (R9).
                let on_site = ticket.joining == Some(Joining::OnSite) && ticket.lane == Lane::Appointment;
                if on_site && ticket.slot.is_some_and(|slot| slot.start - early > at) {
                    ticket.lane = Lane::WalkIn;
                }
            });
        }
    }

    /// Whoever wants a counter that is not there any more wants none.
    fn drop_vain_wishes(&mut self) {
        let counters = &self.counters;
        let vain = |wants: &Option<CounterId>| wants.as_ref().is_some_and(|counter| !counters.contains_key(counter));
        for booking in self.appointments.values_mut().filter(|booking| vain(&booking.wants)) {
            booking.wants = None;
        }
        for step in self.appointments.values_mut().flat_map(|booking| &mut booking.steps) {
            step.wants.take_if(|counter| !counters.contains_key(counter));
        }
        let live = self.tickets.iter_mut().filter(|ticket| !ticket.state.is_over());
        for step in live.flat_map(|ticket| &mut ticket.steps) {
            step.wants.take_if(|counter| !counters.contains_key(counter));
        }
        let tickets = self.live().filter(|ticket| vain(&ticket.wants)).map(|ticket| ticket.id);
        for id in tickets.collect::<Vec<_>>() {
            if self.inside_at(id).is_some() {
                // Stands in no line, and is sent back by an event of its own.
                if let Some(ticket) = self.ticket_mut(id) {
                    ticket.wants = None;
                    ticket.place.iter_mut().for_each(|place| place.wants = None);
                }
                continue;
            }
            let ready_at = self.ready_at(id);
            self.unfile(id);
            if let Some(ticket) = self.ticket_mut(id) {
                ticket.wants = None;
                ticket.place.iter_mut().for_each(|place| place.wants = None);
            }
            self.with_queue(id, |queue, ticket, place, _| queue.file(ticket.id, place));
            self.put_ready(id, ready_at);
        }
    }

    /// What is not there any more is not closed, and nobody is sent there.
    fn drop_vain_closures(&mut self) {
        let (config, counters) = (&self.config, &self.counters);
        let known = |closed: &Closable| match closed {
            Closable::Service { service } => config.service(service).is_some(),
            Closable::Counter { counter } => counters.contains_key(counter),
        };
        self.closures.retain(|closed, _| known(closed));
        for closed in self.closures.values_mut() {
            let gone = |to: &Destination| {
                to.service.as_ref().is_some_and(|service| config.service(service).is_none())
                    || to.wants.as_ref().is_some_and(|counter| !counters.contains_key(counter))
            };
            closed.closure.to.take_if(|to| gone(to));
        }
    }

    /// Counters that are declared exist; those that are not, and stand empty, go. A counter whose services
    /// nobody chose for the day follows its declaration.
    pub(in crate::venue) fn fit_counters(&mut self, before: Option<&VenueConfig>) {
        let config = &self.config;
        self.counters.retain(|id, counter| config.counter(id).is_some() || counter.current.is_some());
        for declared in &config.counters {
            let counter = self.counters.entry(declared.id.clone()).or_insert_with(|| Counter {
                id: declared.id.clone(),
                state: CounterState::Closed,
                services: Vec::new(),
                current: None,
                cycle: ServiceCycle::default(),
            });
            let old = before.and_then(|before| before.counter(&declared.id));
            if old.is_some_and(|old| old.weights != declared.weights) {
                counter.cycle = ServiceCycle::default();
            }
            counter.cycle.retain(|service| config.service(service).is_some());
            if old.is_some_and(|old| old.services == counter.services) {
                counter.services.clear();
            }
            counter.services.retain(|service| config.service(service).is_some());
            if counter.services.is_empty() {
                counter.services.clone_from(&declared.services);
            }
        }
    }
}
