//! Closures and moves, from a venue's state to what travels.

use callnext_engine::closure::{Closable, InForce};
use callnext_engine::config::VenueConfig;
use callnext_engine::ticket::{Note, Ticket};
use callnext_engine::{ServiceId, Venue};

use super::view::{counter_named, service_named};
use crate::wire::{
    CardNotice, CardSteps, ClosedNotice, ClosureAnswer, ClosureConcerns, ClosureRow, GuestRow, Named, NoteRow, StepRow,
    StopRow, rfc3339,
};

fn named(config: &VenueConfig, closed: &Closable) -> (Option<Named>, Option<Named>) {
    match closed {
        Closable::Service { service } => (Some(service_named(config, service)), None),
        Closable::Counter { counter } => (None, Some(counter_named(config, counter))),
    }
}

/// The closure of this, as staff see it.
pub fn closure_row(venue: &Venue, closed: &Closable) -> Option<ClosureRow> {
    let InForce { closure, since, .. } = venue.closure(closed)?;
    let to = closure.to.as_ref();
    Some(ClosureRow {
        reason: closure.reason.to_string(),
        advice: closure.advice,
        to_service: to.and_then(|to| to.service.as_ref()).map(ToString::to_string),
        to_counter: to.and_then(|to| to.wants.as_ref()).map(ToString::to_string),
        moved: to.is_some(),
        since: rfc3339(*since),
    })
}

/// Whether it is closed, and whom closing it would concern.
pub fn closure_answer(venue: &Venue, closed: &Closable) -> ClosureAnswer {
    let found = venue.closing_concerns(closed);
    ClosureAnswer {
        closure: closure_row(venue, closed),
        concerns: ClosureConcerns {
            waiting: found.waiting,
            ready: found.ready,
            held: found.held,
            missed: found.missed,
            at_counters: found.at_counters,
            booked: found.booked,
        },
    }
}

/// Everything that is closed, as anybody may read it.
pub fn closed(venue: &Venue) -> Vec<ClosedNotice> {
    let config = venue.config();
    let notice = |InForce { closure, since, .. }: &InForce| {
        let (service, counter) = named(config, &closure.closed);
        let concerns = match &closure.closed {
            Closable::Service { service } => vec![service.to_string()],
            Closable::Counter { counter } => {
                let counter = config.counter(counter);
                counter.into_iter().flat_map(|counter| &counter.services).map(ToString::to_string).collect()
            }
        };
        let to = closure.to.as_ref();
        ClosedNotice {
            service,
            counter,
            to_service: to.and_then(|to| to.service.as_ref()).map(|service| service_named(config, service)),
            to_counter: to.and_then(|to| to.wants.as_ref()).map(|counter| counter_named(config, counter)),
            moved: to.is_some(),
            advice: closure.advice,
            concerns,
            since: rfc3339(*since),
        }
    };
    venue.closures().map(notice).collect()
}

/// The closure of a service, as anybody may read it.
pub fn closed_service(venue: &Venue, service: &ServiceId) -> Option<ClosedNotice> {
    let id = Some(service.as_str());
    closed(venue).into_iter().find(|notice| notice.service.as_ref().map(|service| service.id.as_str()) == id)
}

/// What the holder of a ticket must be told: it was moved, or what it waits for was closed.
pub fn card_notice(venue: &Venue, ticket: &Ticket) -> Option<CardNotice> {
    let config = venue.config();
    if let Some(Note::Moved { closed }) = &ticket.note {
        let (service, counter) = named(config, closed);
        return Some(CardNotice { service, counter, moved: true, advice: callnext_engine::closure::Advice::default() });
    }
    // Whoever is at a counter is served to the end.
    if !ticket.state.is_here() || ticket.state.counter().is_some() {
        return None;
    }
    let clinic = ticket.wants.clone().map(|counter| Closable::Counter { counter });
    let service = Closable::Service { service: ticket.service.clone() };
    let found = [Some(service), clinic].into_iter().flatten().find_map(|closed| venue.closure(&closed))?;
    let (service, counter) = named(config, &found.closure.closed);
    Some(CardNotice { service, counter, moved: false, advice: found.closure.advice })
}

/// Where a visit in several steps stands; none where there is only one.
pub fn card_steps(venue: &Venue, ticket: &Ticket) -> Option<CardSteps> {
    if ticket.steps_done == 0 && ticket.steps.is_empty() {
        return None;
    }
    let step = ticket.steps_done + 1;
    let next: Vec<Named> = ticket.steps.iter().map(|step| service_named(venue.config(), &step.service)).collect();
    Some(CardSteps { step, of: step + u32::try_from(next.len()).unwrap_or(u32::MAX), next })
}

/// What is still to be done, as staff see it.
pub fn step_rows(ticket: &Ticket) -> Vec<StepRow> {
    let row = |step: &callnext_engine::step::Step| StepRow {
        service: step.service.to_string(),
        counter: step.wants.as_ref().map(ToString::to_string),
    };
    ticket.steps.iter().map(row).collect()
}

/// Why a ticket is where nobody expected it.
pub fn note_row(ticket: &Ticket) -> Option<NoteRow> {
    Some(match ticket.note.as_ref()? {
        Note::Moved { closed: Closable::Service { service } } => {
            NoteRow::Moved { service: Some(service.to_string()), counter: None }
        }
        Note::Moved { closed: Closable::Counter { counter } } => {
            NoteRow::Moved { service: None, counter: Some(counter.to_string()) }
        }
        Note::TurnedBack { venue, code } => NoteRow::TurnedBack { venue: venue.to_string(), code: code.to_string() },
    })
}

/// Where a ticket of another venue comes from.
pub fn guest_row(ticket: &Ticket) -> Option<GuestRow> {
    let guest = ticket.guest.as_deref()?;
    let stop = |stop: &callnext_engine::handover::Stop| StopRow {
        venue: stop.venue.to_string(),
        service: stop.service.to_string(),
        at: rfc3339(stop.at),
        reason: stop.reason.to_string(),
    };
    Some(GuestRow {
        home: guest.home.to_string(),
        number: guest.number.to_string(),
        stops: guest.stops.iter().map(stop).collect(),
    })
}
