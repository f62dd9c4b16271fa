//! Second waiting areas: who is sent to a counter's door, and back (C4).

use crate::config::LOAD_MEAN;
use crate::dispatch::{Area, Inside, Queue, Taken, emptiest};
use crate::event::{Event, Why};
use crate::ids::{CounterId, ServiceId, TicketId};
use crate::time::Timestamp;
use crate::venue::Venue;

impl Venue {
    /// Who waits at this counter's door, in the order in which they will be called.
    pub fn at_door(&self, counter: &CounterId) -> Vec<TicketId> {
        let inside = self.queues.values().flat_map(Queue::inside).filter(|inside| inside.counter == *counter);
        let mut inside: Vec<&Inside> = inside.collect();
        inside.sort_by_key(|inside| inside.nth);
        inside.into_iter().map(|inside| inside.ticket).collect()
    }

    /// How many wait at this counter's door.
    pub fn inside(&self, counter: &CounterId) -> usize {
        self.queues.values().flat_map(Queue::inside).filter(|inside| inside.counter == *counter).count()
    }

    fn inside_for(&self, service: &ServiceId, counter: &CounterId) -> usize {
        let queue = self.queues.get(service).map(Queue::inside).unwrap_or_default();
        queue.iter().filter(|inside| inside.counter == *counter).count()
    }

    /// At whose door this ticket waits.
    pub fn inside_at(&self, ticket: TicketId) -> Option<&CounterId> {
        let queue = self.queues.get(&self.ticket(ticket)?.service)?;
        queue.inside_of(ticket).map(|inside| &inside.counter)
    }

    /// The second waiting areas of the open counters, in the order of the declaration: of those that serve this
    /// service, without the seats that people of other services have; or of all.
    pub(super) fn areas(&self, service: Option<&ServiceId>) -> Vec<Area> {
        let open = self.config.counters.iter().filter_map(|declared| {
            let limit = usize::try_from(declared.second_waiting?.limit).unwrap_or(usize::MAX);
            let counter = self.counters.get(&declared.id)?;
            let serves = match service {
                Some(service) => counter.serves(service),
                None => counter.services.iter().any(|service| counter.serves(service)),
            };
            let others =
                service.map_or(0, |service| self.inside(&declared.id) - self.inside_for(service, &declared.id));
            serves.then(|| Area { counter: declared.id.clone(), limit: limit.saturating_sub(others) })
        });
        open.collect()
    }

    /// Who waits at a counter that calls nobody for their service any more, the latest sent first: each is put
    /// before those put there before.
    pub(super) fn sent_back(&self) -> Vec<Event> {
        let areas = self.areas(None);
        let mut vain: Vec<&Inside> = self
            .queues
            .iter()
            .flat_map(|(service, queue)| queue.inside().iter().map(move |inside| (service, inside)))
            .filter(|(service, inside)| {
                !self.serves(&inside.counter, service) || areas.iter().all(|area| area.counter != inside.counter)
            })
            .map(|(_, inside)| inside)
            .collect();
        vain.sort_by_key(|inside| std::cmp::Reverse(inside.nth));
        vain.into_iter().map(|inside| Event::TicketSentBack { ticket: inside.ticket }).collect()
    }

    /// The next one to be sent to some counter's door; none while all are full, or nobody can be called.
    pub(super) fn sent_inside(&self, now: Timestamp) -> Option<Event> {
        let areas = self.areas(None);
        emptiest(&areas, |area| self.inside(&area.counter)).into_iter().find_map(|area| {
            let counter = self.counters.get(&area.counter)?;
            let sent = self.draw_for(counter, now).send_inside()?;
            let ticket = sent.choice.ticket;
            Some(Event::TicketSentInside { ticket, counter: counter.id.clone(), why: self.why(sent, counter, now) })
        })
    }

    pub(super) fn send_inside(&mut self, id: TicketId, counter: &CounterId, why: &Why, at: Timestamp) {
        let nth = self.sent_inside;
        self.sent_inside += 1;
        self.charge_counter(counter, id, why);
        self.with_queue(id, |queue, ticket, place, config| {
            if let Some(service) = config.service(&ticket.service) {
                let taken = Taken { ticket: id, place, counter, rule: why.rule, at, load: LOAD_MEAN };
                queue.send_inside(&taken, nth, why, &service.policy);
            }
        });
        // Whoever was told to get ready before their time waits from now on.
        if let Some(place) = self.ticket_mut(id).and_then(|ticket| ticket.place.as_mut()) {
            place.since = place.since.min(at);
        }
    }

    pub(super) fn send_back(&mut self, id: TicketId) {
        self.with_queue(id, |queue, ticket, place, _| {
            queue.unfile(ticket.id, place);
            queue.file(ticket.id, place);
            queue.put_ready(ticket.id, place, 0);
        });
    }
}
