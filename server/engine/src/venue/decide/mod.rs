//! Judging commands: every rule that can say no. Reads only.

use crate::command::{Action, Actor, Command, Reason};
use crate::event::{Event, OverflowGrant};
use crate::ids::TicketId;
use crate::refusal::Refusal;
use crate::ticket::{TicketState, Urgency};
use crate::time::{BusinessDay, Timestamp};
use crate::venue::decide::known::{about, check_reason, invalid, not_in_state};
use crate::venue::decide::reason::recorded;
use crate::venue::{Outcome, STEP_BACK_MAX, Venue};

mod arrive;
mod call;
mod closing;
mod configure;
mod counters;
mod handover;
mod joining;
mod known;
mod moving;
mod reason;
mod steps;

pub(super) type Decided = Result<(Vec<Event>, Outcome), Refusal>;

impl Venue {
    /// Decides what a command would do: the events, and what its asker is told. Changes nothing.
    pub fn decide(&self, command: &Command, now: Timestamp) -> Decided {
        let now = now.max(self.at);
        match &command.action {
            Action::Configure { declaration } => self.decide_configure(declaration),
            Action::ChangePolicy(wish) => self.decide_policy(wish, &command.by, now),
            Action::TakeTicket { service, lane, visitor, wants } => {
                self.decide_take(service, *lane, visitor, wants.as_ref(), now)
            }
            Action::TakeSlot { service, visitor, wants } => self.decide_slot(service, visitor, wants.as_ref(), now),
            Action::TakeVisit { steps, lane, visitor } => self.decide_take_visit(steps, *lane, visitor, now),
            Action::SetAppointments { appointments } => self.decide_appointments(appointments),
            Action::CheckIn { code, reference } => self.decide_check_in(code, reference.as_deref(), now),
            Action::AddOverflow { service, visitor, reason, approved_by, note, approval } => {
                let grant = OverflowGrant {
                    reason: reason.text.clone(),
                    code: recorded(&self.config.reasons.overflow, reason)?,
                    approved_by: approved_by.clone(),
                    note: note.clone(),
                    over_quota: approval.clone(),
                };
                self.decide_overflow(service, visitor, grant, now)
            }
            Action::CallNext { counter } => self.decide_call_next(counter, now),
            Action::CallTicket { counter, ticket, reason } => self.decide_call_ticket(counter, *ticket, reason, now),
            Action::Recall { counter } => {
                let ticket = self.called_at(counter)?;
                Ok(about(ticket.id, Event::TicketRecalled { ticket: ticket.id }))
            }
            Action::Start { counter } => {
                let ticket = self.called_at(counter)?;
                Ok(about(ticket.id, Event::ServiceStarted { ticket: ticket.id }))
            }
            Action::Complete { counter } => {
                let ticket = self.at_counter(self.known_counter(counter)?)?;
                Ok(about(ticket.id, self.completed(ticket.id)))
            }
            Action::Miss { counter } => self.decide_miss(counter, now),
            Action::SetCounter { counter, state, services } => {
                self.decide_set_counter(counter, *state, services.as_deref())
            }
            Action::Hold { ticket, reason } => {
                let held = self.in_state(*ticket, "waiting, called or serving", |state| {
                    matches!(state, TicketState::Waiting | TicketState::Called { .. } | TicketState::Serving { .. })
                })?;
                check_reason("reason", reason)?;
                Ok(about(held.id, Event::TicketHeld { ticket: held.id, reason: reason.clone() }))
            }
            Action::Return { ticket } => {
                let ticket = self.in_state(*ticket, "held", |state| *state == TicketState::Held)?;
                Ok(about(ticket.id, Event::TicketReturned { ticket: ticket.id }))
            }
            Action::Requeue { ticket, reason } => self.decide_requeue(*ticket, reason, now),
            Action::Transfer { ticket, service, reason, wants, urgency } => {
                self.decide_transfer(*ticket, service, reason, wants.as_ref(), *urgency)
            }
            Action::Send(sending) => self.decide_send(sending, &command.by, now),
            Action::Receive { delivery } => self.decide_receive(delivery),
            Action::Settle { transfer, came } => self.decide_settle(*transfer, came),
            Action::Close { closure } => self.decide_close(closure),
            Action::Reopen { closed } => self.decide_reopen(closed),
            Action::SetSteps { ticket, steps, reason } => self.decide_set_steps(*ticket, steps, reason),
            Action::SkipStep { ticket, reason } => self.decide_skip_step(*ticket, reason),
            Action::Cancel { ticket, reason } => {
                let ticket = self.in_state(*ticket, "here", TicketState::is_here)?;
                if let Some(reason) = reason {
                    check_reason("reason", reason)?;
                }
                Ok(about(ticket.id, Event::TicketCancelled { ticket: ticket.id, reason: reason.clone() }))
            }
            Action::GrantGreenChannel { ticket, urgency, reason } => self.decide_grant(*ticket, *urgency, reason),
            Action::Classify { ticket, class } => {
                let ticket = self.in_state(*ticket, "not over", |state| !state.is_over())?;
                Self::check_class(class.as_ref(), self.known_service(&ticket.service)?)?;
                if ticket.visitor.class == *class {
                    return Ok((Vec::new(), Outcome::Ticket { ticket: ticket.id }));
                }
                Ok(about(ticket.id, Event::TicketClassified { ticket: ticket.id, class: class.clone() }))
            }
            Action::StepBack { ticket, places } => {
                let ticket = self.in_state(*ticket, "waiting", |state| *state == TicketState::Waiting)?;
                if !(1..=STEP_BACK_MAX).contains(places) {
                    return Err(invalid("places", &format!("is not from 1 to {STEP_BACK_MAX}")));
                }
                if ticket.grant.is_some() {
                    return Err(not_in_state(ticket, "waiting without precedence"));
                }
                Ok(about(ticket.id, Event::TicketSteppedBack { ticket: ticket.id, places: *places }))
            }
            Action::Undo => self.decide_undo(&command.by, now),
            Action::Tick => Ok((self.decide_tick(now), Outcome::Done)),
        }
    }

    fn decide_grant(&self, ticket: TicketId, urgency: Urgency, reason: &Reason) -> Decided {
        let ticket = self.in_state(ticket, "waiting, held or missed", |state| {
            matches!(state, TicketState::Waiting | TicketState::Held | TicketState::Missed)
        })?;
        let known = match urgency {
            Urgency::Emergency => &self.config.reasons.emergency,
            Urgency::GreenChannel => &self.config.reasons.green_channel,
        };
        let code = recorded(known, reason)?;
        let (ticket, reason) = (ticket.id, reason.text.clone());
        Ok(about(ticket, Event::GreenChannelGranted { ticket, urgency, reason, code }))
    }

    fn decide_undo(&self, by: &Actor, now: Timestamp) -> Decided {
        if !Self::actor_is_staff(by) {
            return Err(Refusal::NothingToUndo);
        }
        let step = self.trail.last_of(by, now)?;
        // Whoever left as a guest may have come once more since, and has the number again.
        let gone = step.before.tickets.keys().filter_map(|id| self.ticket(*id));
        let mut guests = gone.filter(|ticket| ticket.guest.is_some() && ticket.state.is_over());
        if guests.any(|gone| self.live().any(|ticket| ticket.id != gone.id && ticket.number == gone.number)) {
            return Err(Refusal::UndoOvertaken);
        }
        let tickets = step.before.tickets.keys().copied().collect();
        Ok((vec![Event::ChangeUndone { seq: step.seq }], Outcome::Undone { seq: step.seq, tickets }))
    }

    /// What is due by itself. The day's end takes two steps, so that the new day stands first in its own change.
    fn decide_tick(&self, now: Timestamp) -> Vec<Event> {
        if now < self.day.end {
            let turning = self.queues.values().flat_map(|queue| queue.turning().take_while(|(at, _)| *at <= now));
            let began = turning.map(|(_, ticket)| Event::TicketSlotBegan { ticket });
            return began.chain(self.unattended_by(now)).chain(self.close_sessions(now)).collect();
        }
        let closing: Vec<Event> = self.closing().collect();
        if !closing.is_empty() {
            return closing;
        }
        let day = BusinessDay::holding(now, self.config.time_zone, self.config.day_start);
        if day == self.day {
            // The end of time: there is no other day.
            return Vec::new();
        }
        let priors = self.queues.iter().map(|(service, queue)| (service.clone(), queue.pace().to_prior())).collect();
        let (mut config, layers) = (self.config.clone(), self.layers.tomorrow());
        if layers != self.layers {
            let services = config.services.iter().map(|service| service.id.clone());
            config = config.under(&layers.policies(&config.policy, services));
        }
        vec![Event::DayOpened {
            day,
            config: Box::new(config),
            layers: Box::new(layers),
            next_ticket: self.next_ticket,
            next_call: self.next_call,
            priors,
            handovers: self.handovers.clone(),
        }]
    }
}
