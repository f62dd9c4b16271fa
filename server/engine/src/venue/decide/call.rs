//! Judging calls, and what follows when nobody comes.

use std::sync::Arc;

use crate::counter::Counter;
use crate::dispatch::{Draw, Place, Reach, Share, Taken, most_pressing};
use crate::event::{Event, Rule, Why};
use crate::ids::{CounterId, TicketId};
use crate::refusal::Refusal;
use crate::ticket::TicketState;
use crate::time::{Millis, Timestamp};
use crate::venue::decide::Decided;
use crate::venue::decide::known::{about, check_reason};
use crate::venue::{Outcome, Venue};

impl Venue {
    pub(super) fn decide_call_next(&self, counter: &CounterId, now: Timestamp) -> Decided {
        let counter = self.open_counter(counter)?;
        let reach = Reach::of(&counter.id);
        let choices = counter.services.iter().filter_map(|id| {
            let service = self.config.service(id)?;
            let queue = self.queues.get(id)?;
            let staffed = self.staffed(id).filter(|_| !queue.is_empty())?;
            Some((id, Draw::new(queue, &service.policy, staffed, now).next(&reach)?))
        });
        let mut events: Vec<Event> = counter.current.map(|ticket| self.completed(ticket)).into_iter().collect();
        let Some((_, choice)) = most_pressing(choices) else {
            return Ok((events, Outcome::NobodyWaiting));
        };
        let why = self.why(choice.ticket, counter, choice.rule, choice.share, now);
        events.push(self.called(choice.ticket, counter, why));
        Ok((events, Outcome::Called { ticket: choice.ticket, call: self.next_call, rule: choice.rule }))
    }

    pub(super) fn decide_call_ticket(
        &self,
        counter: &CounterId,
        ticket: TicketId,
        reason: &Arc<str>,
        now: Timestamp,
    ) -> Decided {
        let counter = self.open_counter(counter)?;
        let ticket = self.in_state(ticket, "waiting, held or missed", |state| {
            matches!(state, TicketState::Waiting | TicketState::Held | TicketState::Missed)
        })?;
        check_reason("reason", reason)?;
        let wanted = ticket.wants.as_ref().is_none_or(|wants| *wants == counter.id);
        if !wanted || !counter.services.contains(&ticket.service) {
            return Err(Refusal::CounterDoesNotServe { counter: counter.id.clone(), ticket: ticket.id });
        }
        let mut events: Vec<Event> = counter.current.map(|ticket| self.completed(ticket)).into_iter().collect();
        let why = Why { reason: Some(reason.clone()), ..self.why(ticket.id, counter, Rule::ByHand, None, now) };
        events.push(self.called(ticket.id, counter, why));
        Ok((events, Outcome::Called { ticket: ticket.id, call: self.next_call, rule: Rule::ByHand }))
    }

    /// Every call explains itself: by which rule, how often its ticket was overtaken, and whom it passes over.
    fn why(&self, id: TicketId, counter: &Counter, rule: Rule, share: Option<Share>, now: Timestamp) -> Why {
        let known = self.ticket(id).and_then(|ticket| {
            let policy = &self.config.service(&ticket.service)?.policy;
            let place = ticket.place.clone().unwrap_or_else(|| Place::of(ticket, policy));
            Some((self.queues.get(&ticket.service)?, place))
        });
        let (overtaken, passed) = known.map_or_else(Default::default, |(queue, place)| {
            let taken = Taken { ticket: id, place: &place, counter: &counter.id, rule, at: now };
            (queue.overtaken(id, &place), queue.passes(&taken))
        });
        Why { rule, share, reason: None, overtaken, passed }
    }

    fn called(&self, ticket: TicketId, counter: &Counter, why: Why) -> Event {
        Event::TicketCalled { ticket, counter: counter.id.clone(), call: self.next_call, why }
    }

    /// C1: never before the person's own slot, nor before grace and recalls have passed.
    pub(super) fn decide_miss(&self, counter: &CounterId, now: Timestamp) -> Decided {
        let ticket = self.called_at(counter)?;
        let policy = self.policy(&ticket.service)?;
        if ticket.slot.is_some_and(|slot| now < slot.start) {
            return Err(Refusal::SlotNotBegun { ticket: ticket.id });
        }
        let called_at = ticket.called_at.unwrap_or(now);
        let left = (called_at + policy.grace()).since(now);
        let recalls = policy.recalls_min.saturating_sub(ticket.recalls);
        if left > Millis::ZERO || recalls > 0 {
            return Err(Refusal::MissTooEarly { ticket: ticket.id, grace_ms: left.0, recalls });
        }
        let is_final = ticket.misses + 1 >= policy.misses_max;
        Ok(about(ticket.id, Event::TicketMissed { ticket: ticket.id, is_final }))
    }
}
