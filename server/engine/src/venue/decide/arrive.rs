//! Judging arrivals: numbers taken, bookings, check-in, overflow.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::appointment::{Appointment, AppointmentState};
use crate::config::ServiceConfig;
use crate::event::{Event, OverflowGrant};
use crate::ids::{CounterId, ServiceId, TicketNumber};
use crate::joining::Joining;
use crate::lane::Lane;
use crate::refusal::Refusal;
use crate::step::Step;
use crate::ticket::{Slot, Visitor};
use crate::time::Timestamp;
use crate::venue::decide::Decided;
use crate::venue::decide::known::{check_reason, check_visitor, invalid};
use crate::venue::{APPOINTMENTS_MAX, Outcome, TICKETS_MAX, Venue};

impl Venue {
    pub(super) fn decide_take(
        &self,
        service: &ServiceId,
        lane: Lane,
        visitor: &Visitor,
        wants: Option<&CounterId>,
        now: Timestamp,
    ) -> Decided {
        let service = self.known_service(service)?;
        if !matches!(lane, Lane::WalkIn | Lane::Referral) {
            return Err(invalid("lane", "only walk_in and referral can be taken; the others come about by rule"));
        }
        self.takes_new(&service.id, wants)?;
        self.issued(service, Issue { wants, ..Issue::new(lane, visitor) }, now)
    }

    /// R4: whoever takes the next free slot is booked for it, and here.
    pub(super) fn decide_slot(
        &self,
        service: &ServiceId,
        visitor: &Visitor,
        wants: Option<&CounterId>,
        now: Timestamp,
    ) -> Decided {
        let service = self.known_service(service)?;
        self.takes_new(&service.id, wants)?;
        let full = || Refusal::NoFreeSlot { service: service.id.clone() };
        let slot = Some(self.next_free_slot(service, now).ok_or_else(full)?);
        self.issued(service, Issue { wants, slot, ..Issue::new(Lane::Appointment, visitor) }, now)
    }

    pub(super) fn decide_take_visit(&self, steps: &[Step], lane: Lane, visitor: &Visitor, now: Timestamp) -> Decided {
        let (first, steps) = steps.split_first().ok_or_else(|| invalid("steps", "are none"))?;
        self.check_steps(steps)?;
        let (mut events, outcome) = self.decide_take(&first.service, lane, visitor, first.wants.as_ref(), now)?;
        if let Some(Event::TicketIssued { steps: later, .. }) = events.first_mut() {
            *later = steps.to_vec();
        }
        Ok((events, outcome))
    }

    pub(super) fn decide_appointments(&self, appointments: &[Appointment]) -> Decided {
        let kept = self.appointments.values().filter(|known| known.state != AppointmentState::Expected);
        let mut codes: BTreeSet<&str> = kept.map(|known| known.code.as_ref()).collect();
        let full = || Refusal::VenueFull { limit: u32::try_from(APPOINTMENTS_MAX).unwrap_or(u32::MAX) };
        if appointments.len() > APPOINTMENTS_MAX {
            return Err(full());
        }
        let mut seen = BTreeSet::new();
        for appointment in appointments {
            Self::check_class(appointment.visitor.class.as_ref(), self.known_service(&appointment.service)?)?;
            self.check_wants(appointment.wants.as_ref(), &appointment.service)?;
            self.check_steps(&appointment.steps)?;
            check_visitor(&appointment.visitor)?;
            check_reason("code", &appointment.code)?;
            if !seen.insert(appointment.code.as_ref()) {
                return Err(invalid("code", &format!("\"{}\" is there twice", appointment.code)));
            }
            if appointment.slot.end <= appointment.slot.start {
                return Err(invalid("slot", "ends before it begins"));
            }
            if !self.day.holds(appointment.slot.start) {
                return Err(invalid("slot", &format!("of \"{}\" is not in today's business day", appointment.code)));
            }
            codes.insert(&appointment.code);
        }
        if codes.len() > APPOINTMENTS_MAX {
            return Err(full());
        }
        let count = u32::try_from(codes.len()).unwrap_or(u32::MAX);
        // Who is here is known from check-in, not from outside.
        let expected = |booking: &Appointment| Appointment { state: AppointmentState::Expected, ..booking.clone() };
        let appointments = appointments.iter().map(expected).collect();
        Ok((vec![Event::AppointmentsSet { appointments }], Outcome::Appointments { count }))
    }

    pub(super) fn decide_check_in(&self, code: &str, reference: Option<&str>, now: Timestamp) -> Decided {
        let booking = self.appointments.get(code).ok_or(Refusal::AppointmentUnknown)?;
        match booking.state {
            AppointmentState::Expected => {}
            AppointmentState::CheckedIn { ticket } => return Err(Refusal::AlreadyCheckedIn { ticket }),
            AppointmentState::NoShow => return Err(Refusal::AppointmentNotShown),
        }
        // B4: where the booking names an identity, the one shown must be it.
        if let (Some(booked), Some(shown)) = (booking.visitor.reference.as_deref(), reference)
            && booked != shown
        {
            return Err(Refusal::IdentityMismatch);
        }
        // B10: whoever was booked for what is closed goes where those went who had come before.
        let Step { service, wants } = self.instead_of(&booking.service, booking.wants.as_ref());
        let service = self.known_service(&service)?;
        let (lane, joining) = self.checked_in(service, booking.slot, now)?;
        // A wish that cannot be met any more must not turn away whoever is here.
        let wants = wants.as_ref().filter(|wants| self.check_wants(Some(wants), &service.id).is_ok());
        let class = booking.visitor.class.clone().filter(|class| service.class(class).is_some());
        let visitor = Visitor { class, ..booking.visitor.clone() };
        let issue = Issue {
            wants,
            slot: Some(booking.slot),
            appointment: Some(booking.code.clone()),
            joining,
            steps: booking.steps.clone(),
            ..Issue::new(lane, &visitor)
        };
        self.issued(service, issue, now)
    }

    /// B3: within the quota; over it only on the word of somebody whose role is enough. The word is recorded where
    /// it was needed.
    pub(super) fn decide_overflow(
        &self,
        service: &ServiceId,
        visitor: &Visitor,
        mut grant: OverflowGrant,
        now: Timestamp,
    ) -> Decided {
        let service = self.known_service(service)?;
        check_reason("approved_by", &grant.approved_by)?;
        if let Some(note) = &grant.note {
            check_reason("note", note)?;
        }
        self.takes_new(&service.id, None)?;
        let (quota, approver) = (service.policy.overflow_max, service.policy.over_quota_role.role());
        let approval = grant.over_quota.take();
        if self.overflow_count(&service.id, now) >= quota {
            let enough = approval.filter(|given| approver.is_some_and(|role| given.role >= role));
            let Some(approval) = enough else {
                return Err(Refusal::OverflowQuotaReached { service: service.id.clone(), quota, approver });
            };
            check_reason("approver", &approval.by)?;
            grant.over_quota = Some(approval);
        }
        self.issued(service, Issue { overflow: Some(grant), ..Issue::new(Lane::Overflow, visitor) }, now)
    }

    fn issued(&self, service: &ServiceConfig, issue: Issue<'_>, now: Timestamp) -> Decided {
        check_visitor(issue.visitor)?;
        Self::check_class(issue.visitor.class.as_ref(), service)?;
        self.check_wants(issue.wants, &service.id)?;
        if self.tickets.len() >= usize::try_from(TICKETS_MAX).unwrap_or(usize::MAX) {
            return Err(Refusal::VenueFull { limit: TICKETS_MAX });
        }
        let next = |counts: &BTreeMap<String, u32>, prefix: &str| counts.get(prefix).copied().unwrap_or_default() + 1;
        let series = self.number_prefix(&service.prefix, now);
        let ticket = self.next_id();
        let event = Event::TicketIssued {
            ticket,
            number: TicketNumber::of(&series, next(&self.numbers, &series)),
            count: next(&self.given, &service.prefix),
            service: service.id.clone(),
            lane: issue.lane,
            visitor: issue.visitor.clone(),
            slot: issue.slot,
            appointment: issue.appointment,
            wants: issue.wants.cloned(),
            overflow: issue.overflow,
            joining: issue.joining,
            steps: issue.steps,
        };
        Ok((vec![event], Outcome::Ticket { ticket }))
    }
}

/// What a new ticket is made of.
struct Issue<'a> {
    lane: Lane,
    visitor: &'a Visitor,
    wants: Option<&'a CounterId>,
    slot: Option<Slot>,
    appointment: Option<Arc<str>>,
    overflow: Option<OverflowGrant>,
    joining: Option<Joining>,
    steps: Vec<Step>,
}

impl<'a> Issue<'a> {
    fn new(lane: Lane, visitor: &'a Visitor) -> Self {
        Self {
            lane,
            visitor,
            wants: None,
            slot: None,
            appointment: None,
            overflow: None,
            joining: None,
            steps: Vec::new(),
        }
    }
}
