//! The sessions of the day: to which a moment counts, and what is over with them (B12, B14).

use crate::appointment::AppointmentState;
use crate::config::{NoShowAt, QuotaPer, Session};
use crate::event::Event;
use crate::ids::{ServiceId, SessionId};
use crate::ticket::TicketState;
use crate::time::Timestamp;
use crate::venue::Venue;

impl Venue {
    /// Today's sessions, in order; none where none are declared, and the day is one.
    pub fn sessions(&self) -> Vec<Session> {
        self.config.sessions_of(&self.day)
    }

    /// The session to which a moment belongs: the first of today's that is not over then. A break belongs to the
    /// session after it; what comes after the last belongs to none.
    pub fn session_at(&self, at: Timestamp) -> Option<Session> {
        self.sessions().into_iter().find(|session| at < session.end)
    }

    /// The end of the session to which a moment belongs, or of the day.
    pub fn session_end(&self, at: Timestamp) -> Timestamp {
        self.session_at(at).map_or(self.day.end, |session| session.end)
    }

    /// The session to which quotas and numbers of a moment count: after the last, the last.
    pub(super) fn counting_session(&self, at: Timestamp) -> Option<Session> {
        self.session_at(at).or_else(|| self.sessions().pop())
    }

    /// What a number given at a moment begins with.
    pub(super) fn number_prefix(&self, prefix: &str, at: Timestamp) -> String {
        let letter = self.counting_session(at).map(|session| session.letter).unwrap_or_default();
        format!("{prefix}{letter}")
    }

    /// Overflow numbers that count against the quota at a moment (B3, B14).
    pub fn overflow_count(&self, service: &ServiceId, at: Timestamp) -> u32 {
        let Some(counts) = self.overflows.get(service) else { return 0 };
        let per = self.config.service(service).map_or(QuotaPer::Day, |service| service.policy.overflow_per);
        match (per, self.counting_session(at)) {
            (QuotaPer::Session, Some(session)) => counts.of_session.get(&session.id).copied().unwrap_or_default(),
            (QuotaPer::Session, None) | (QuotaPer::Day, _) => counts.of_day,
        }
    }

    /// When the next session is over for some service, its allowance included.
    pub(super) fn next_closing(&self) -> Option<Timestamp> {
        self.closings().map(|(at, _, _)| at).min()
    }

    /// Those of the sessions over by now who are no-shows: booked and never here, missed and never back. Whoever
    /// waits goes on waiting.
    pub(super) fn close_sessions(&self, now: Timestamp) -> Vec<Event> {
        let over: Vec<_> = self.closings().filter(|(at, _, _)| *at <= now).collect();
        if over.is_empty() {
            return Vec::new();
        }
        let sessions = self.sessions();
        let belongs = |service: &ServiceId, at: Timestamp| {
            let session = sessions.iter().find(|session| at < session.end);
            session.is_some_and(|session| over.iter().any(|(_, id, of)| *id == session.id && of == service))
        };
        let not_here = self.appointments.values().filter(|booking| {
            booking.state == AppointmentState::Expected && belongs(&booking.service, booking.slot.start)
        });
        let codes: Vec<_> = not_here.map(|booking| booking.code.clone()).collect();
        let ended = |service: &ServiceId| {
            let of_service = over.iter().filter(|(_, _, of)| of == service);
            of_service
                .filter_map(|(_, id, _)| sessions.iter().find(|session| session.id == *id))
                .map(|ended| ended.end)
                .max()
        };
        let not_back = self.tickets.iter().filter(|ticket| {
            ticket.state == TicketState::Missed
                && ended(&ticket.service).is_some_and(|end| ticket.called_at.is_none_or(|called| called < end))
        });
        let mut events = Vec::new();
        if !codes.is_empty() {
            events.push(Event::AppointmentsNotShown { codes });
        }
        events.extend(not_back.map(|ticket| Event::TicketNotShown { ticket: ticket.id }));
        events.extend(over.into_iter().map(|(_, session, service)| Event::SessionClosed { session, service }));
        events
    }

    /// The sessions that are not closed yet, per service, and when they will be.
    fn closings(&self) -> impl Iterator<Item = (Timestamp, SessionId, ServiceId)> + '_ {
        self.sessions().into_iter().flat_map(move |session| {
            let at_its_end =
                self.config.services.iter().filter(|service| service.policy.no_show == NoShowAt::SessionEnd);
            at_its_end
                .map(move |service| {
                    (session.end + service.policy.no_show_after(), session.id.clone(), service.id.clone())
                })
                // What the allowance carries over the day's end is the day's end's.
                .filter(|(at, session, service)| {
                    *at < self.day.end && !self.closed.contains(&(session.clone(), service.clone()))
                })
                .collect::<Vec<_>>()
        })
    }
}
