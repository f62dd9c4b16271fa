//! What follows from a change by itself: new tickets hear how long they will wait, and the ready sets (C3) and
//! second waiting areas (C4) are kept full.

use crate::command::Actor;
use crate::config::{LOAD_MEAN, ServiceConfig};
use crate::dispatch::Draw;
use crate::estimate::raw;
use crate::event::Event;
use crate::ids::{ServiceId, TicketId};
use crate::time::Timestamp;
use crate::venue::Venue;

/// Calls looked ahead for the wait announced with a number. Whoever is further back is counted, not projected.
pub const ANNOUNCED_AHEAD_MAX: usize = 2_000;

impl Venue {
    /// Applies and lists what follows at this moment.
    pub(super) fn follow(&mut self, now: Timestamp, events: &mut Vec<Event>) {
        if !self.day.holds(now) {
            return;
        }
        let announced: Vec<Event> = events.iter().filter_map(|event| self.announced(event, now)).collect();
        self.add(announced, now, events);
        self.add(self.sent_back(), now, events);
        self.ready_sets(now, events);
        while let Some(sent) = self.sent_inside(now) {
            self.add(vec![sent], now, events);
            self.ready_sets(now, events);
        }
    }

    fn ready_sets(&mut self, now: Timestamp, events: &mut Vec<Event>) {
        let readied = self.config.services.iter().flat_map(|service| self.readied(service, now)).collect();
        self.add(readied, now, events);
    }

    fn add(&mut self, more: Vec<Event>, now: Timestamp, events: &mut Vec<Event>) {
        for event in more {
            self.apply_event(&event, now, &Actor::System);
            events.push(event);
        }
    }

    fn announced(&self, event: &Event, now: Timestamp) -> Option<Event> {
        let Event::TicketIssued { ticket, service, .. } = event else { return None };
        self.open_counters(service).next()?;
        // Looking ahead is the dear part: not before there is a pace.
        let raw = raw(self.gap(service)?, self.load_ahead(*ticket, service, now)?);
        Some(Event::WaitAnnounced { ticket: *ticket, raw })
    }

    fn load_ahead(&self, ticket: TicketId, service: &ServiceId, now: Timestamp) -> Option<u64> {
        let config = self.config.service(service)?;
        let queue = self.queues.get(service)?;
        let others = queue.len().saturating_sub(1);
        let counted = u64::try_from(others).ok()?.saturating_mul(LOAD_MEAN.into());
        // Most often nobody need be looked at: whoever takes a number stands last in the only lane with people in it.
        // At counters' doors (C4) those who were sent to one may be called before others who were sent to another.
        let is_last = self.areas(Some(service)).is_empty() && queue.is_behind_all(ticket, now);
        if is_last && (config.classes.is_empty() || others >= ANNOUNCED_AHEAD_MAX) {
            return Some(counted);
        }
        let load = |other| u64::from(self.load_at(config, other));
        if is_last {
            return Some(queue.filed().filter(|other| *other != ticket).map(load).sum());
        }
        let mut ahead = 0;
        for call in self.project(service, now).take(ANNOUNCED_AHEAD_MAX) {
            if call.choice.ticket == ticket {
                return Some(ahead);
            }
            ahead += load(call.choice.ticket);
        }
        Some(counted)
    }

    /// Who is told to get ready now, for one service: nobody before a counter is open.
    fn readied(&self, service: &ServiceConfig, now: Timestamp) -> Vec<Event> {
        let queue = self.queues.get(&service.id).filter(|queue| !queue.is_all_ready());
        let Some((queue, staffed)) = queue.zip(self.staffed(&service.id)) else { return Vec::new() };
        if queue.room(&service.policy, &staffed) == 0 {
            return Vec::new();
        }
        let mut draw = Draw::new(queue, &service.policy, staffed, now);
        let told = std::iter::from_fn(|| draw.tell_ready());
        told.map(|choice| Event::TicketReadied { ticket: choice.ticket, share: choice.share }).collect()
    }
}
