//! Judging where a ticket joins its queue: after a miss, too late, too early (C1, C2, R9).

use std::sync::Arc;

use crate::config::{EarlyCheckIn, LateJoin, MissedRejoin, ServiceConfig};
use crate::dispatch::Queue;
use crate::event::Event;
use crate::ids::TicketId;
use crate::joining::Joining;
use crate::lane::Lane;
use crate::refusal::Refusal;
use crate::ticket::{Slot, TicketState};
use crate::time::{Millis, Timestamp};
use crate::venue::Venue;
use crate::venue::decide::Decided;
use crate::venue::decide::known::{about, check_reason};

impl Venue {
    /// C1: reported again after a miss.
    pub(super) fn decide_requeue(&self, ticket: TicketId, reason: &Arc<str>, now: Timestamp) -> Decided {
        let ticket = self.in_state(ticket, "missed", |state| *state == TicketState::Missed)?;
        check_reason("reason", reason)?;
        let service = self.known_service(&ticket.service)?;
        let rules = &service.policy.missed;
        let joining = match rules.rejoin {
            MissedRejoin::Lane => None,
            MissedRejoin::AfterCalls => {
                let made = self.queues.get(&service.id).map_or(0, Queue::calls);
                Some(Joining::AfterCalls { due: made.saturating_add(rules.calls) })
            }
            MissedRejoin::PerCalls => Some(Joining::PerCalls),
            MissedRejoin::SlotEnd => Some(self.behind(service, self.slot_at(service, now).end, now)),
            MissedRejoin::SessionEnd => Some(self.behind(service, self.session_end(now), now)),
            MissedRejoin::Tail => Some(self.as_of(service, now, now)),
        };
        let event = Event::TicketRequeued { ticket: ticket.id, reason: reason.clone(), joining };
        Ok(about(ticket.id, event))
    }

    /// Where somebody booked joins who checks in now: as booked, as late, or, long before the slot, as the policy
    /// says.
    pub(super) fn checked_in(
        &self,
        service: &ServiceConfig,
        slot: Slot,
        now: Timestamp,
    ) -> Result<(Lane, Option<Joining>), Refusal> {
        let policy = &service.policy;
        if now >= slot.end {
            return Ok(self.late(service, slot, now));
        }
        let from = slot.start - policy.check_in();
        match policy.check_in_early {
            EarlyCheckIn::Refuse if now < from => Err(Refusal::CheckInTooEarly { from }),
            EarlyCheckIn::WalkIn if now < from.min(slot.start - policy.early()) => {
                Ok((Lane::WalkIn, Some(Joining::OnSite)))
            }
            EarlyCheckIn::Wait | EarlyCheckIn::Refuse | EarlyCheckIn::WalkIn => Ok((Lane::Appointment, None)),
        }
    }

    fn late(&self, service: &ServiceConfig, slot: Slot, now: Timestamp) -> (Lane, Option<Joining>) {
        match service.policy.late.rejoin {
            LateJoin::Lane => (Lane::Late, None),
            LateJoin::PerCalls => (Lane::Late, Some(Joining::PerCalls)),
            LateJoin::Shifted => (Lane::Appointment, Some(Joining::Shifted { slot: slot.start + now.since(slot.end) })),
            LateJoin::SlotEnd => (Lane::Appointment, Some(self.behind(service, self.slot_at(service, now).end, now))),
            LateJoin::SessionEnd => (Lane::Appointment, Some(self.behind(service, self.session_end(now), now))),
            LateJoin::AsNormal => (Lane::Appointment, None),
        }
    }

    /// Behind everybody whose time is before `end`, ahead of everybody whose time is `end` or later.
    fn behind(&self, service: &ServiceConfig, end: Timestamp, now: Timestamp) -> Joining {
        self.as_of(service, end - Millis(1), now)
    }

    fn as_of(&self, service: &ServiceConfig, at: Timestamp, now: Timestamp) -> Joining {
        Joining::AsOf { at: at.max(now), count: self.given.get(&service.prefix).copied().unwrap_or_default() }
    }
}
