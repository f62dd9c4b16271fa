//! Judging calls, and what follows when nobody comes.

use crate::command::Reason;
use crate::config::LOAD_MEAN;
use crate::counter::Counter;
use crate::dispatch::{CounterChoice, Place, Taken};
use crate::event::{Event, Rule, Why};
use crate::ids::{CounterId, TicketId};
use crate::refusal::Refusal;
use crate::ticket::TicketState;
use crate::time::{Millis, Timestamp};
use crate::venue::decide::Decided;
use crate::venue::decide::known::about;
use crate::venue::decide::reason::recorded;
use crate::venue::{Outcome, Venue};

impl Venue {
    pub(super) fn decide_call_next(&self, counter: &CounterId, now: Timestamp) -> Decided {
        let counter = self.open_counter(counter)?;
        let mut events: Vec<Event> = counter.current.map(|ticket| self.completed(ticket)).into_iter().collect();
        let Some(called) = self.draw_for(counter, now).draw_next() else {
            return Ok((events, Outcome::NobodyWaiting));
        };
        let (ticket, rule) = (called.choice.ticket, called.choice.rule);
        let why = self.why(called, counter, now);
        events.push(self.called(ticket, counter, why));
        Ok((events, Outcome::Called { ticket, call: self.next_call, rule }))
    }

    pub(super) fn decide_call_ticket(
        &self,
        counter: &CounterId,
        ticket: TicketId,
        reason: &Reason,
        now: Timestamp,
    ) -> Decided {
        let counter = self.open_counter(counter)?;
        let ticket = self.in_state(ticket, "waiting, held or missed", |state| {
            matches!(state, TicketState::Waiting | TicketState::Held | TicketState::Missed)
        })?;
        let code = recorded(&self.config.reasons.by_hand, reason)?;
        let wanted = ticket.wants.as_ref().is_none_or(|wants| *wants == counter.id);
        if !wanted || !counter.services.contains(&ticket.service) {
            return Err(Refusal::CounterDoesNotServe { counter: counter.id.clone(), ticket: ticket.id });
        }
        let mut events: Vec<Event> = counter.current.map(|ticket| self.completed(ticket)).into_iter().collect();
        let explained = self.explained(ticket.id, counter, Rule::ByHand, now);
        let why = Why { reason: Some(reason.text.clone()), code, ..explained };
        events.push(self.called(ticket.id, counter, why));
        Ok((events, Outcome::Called { ticket: ticket.id, call: self.next_call, rule: Rule::ByHand }))
    }

    /// What a counter's call, or sending somebody to its door, has for its event.
    pub(in crate::venue) fn why(&self, chosen: CounterChoice<'_>, counter: &Counter, now: Timestamp) -> Why {
        let CounterChoice { choice, among, .. } = chosen;
        let explained = self.explained(choice.ticket, counter, choice.rule, now);
        Why { share: choice.share, services: among, ..explained }
    }

    /// Every call explains itself: by which rule, how often its ticket was overtaken, and whom it passes over.
    fn explained(&self, id: TicketId, counter: &Counter, rule: Rule, now: Timestamp) -> Why {
        let known = self.ticket(id).and_then(|ticket| {
            let policy = &self.config.service(&ticket.service)?.policy;
            let place = ticket.place.clone().unwrap_or_else(|| Place::of(ticket, policy));
            Some((self.queues.get(&ticket.service)?, place))
        });
        let (overtaken, passed) = known.map_or_else(Default::default, |(queue, place)| {
            let taken = Taken { ticket: id, place: &place, counter: &counter.id, rule, at: now, load: LOAD_MEAN };
            (queue.overtaken(id, &place), queue.passes(&taken))
        });
        Why { rule, share: None, services: Vec::new(), reason: None, code: None, overtaken, passed }
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
