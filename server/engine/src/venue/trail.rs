//! The last half minute, with what things were before: for taking back one's own last change.

use std::collections::VecDeque;

use serde::Serialize;

use crate::closure::{Closable, Closure, InForce};
use crate::command::Actor;
use crate::counter::Counter;
use crate::dispatch::Inside;
use crate::event::{Change, Event, Rule};
use crate::ids::{CounterId, Seq, TicketId};
use crate::refusal::Refusal;
use crate::ticket::Ticket;
use crate::time::Timestamp;
use crate::venue::few::Few;
use crate::venue::{UNDO_WINDOW, Venue};

/// Changes that are remembered at most, however busy the half minute is.
pub const TRAIL_MAX: usize = 2_000;

/// The latest changes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(super) struct Trail(VecDeque<Step>);

/// One change and what it touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Step {
    pub(super) seq: Seq,
    pub(super) at: Timestamp,
    by: Actor,
    pub(super) before: Images,
}

/// What the things a change touched were before it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(super) struct Images {
    /// None where a change is never taken back: what others did than staff is only in the way of an older change.
    pub(super) tickets: Few<TicketId, Option<Box<TicketImage>>>,
    pub(super) counters: Few<CounterId, Counter>,
    /// What was closed and opened.
    pub(super) closures: Vec<(Closable, Option<InForce>)>,
    /// Whether the change has left the house, so that it can never be taken back.
    is_out: bool,
    /// Whether the change concerns everything, so that nothing before it can be taken back.
    everything: bool,
}

/// One ticket before a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct TicketImage {
    /// None where the change gave it its number.
    pub(super) ticket: Option<Ticket>,
    /// Where it stood among those told to get ready.
    pub(super) ready_at: Option<usize>,
    /// Where it was, if it waited at a door.
    pub(super) inside: Option<Inside>,
    /// The call, where the change called it.
    pub(super) call: Option<(CounterId, Rule)>,
}

impl Images {
    fn touches(&self, other: &Self) -> bool {
        self.everything
            || self.tickets.keys().any(|id| other.tickets.has(id))
            || self.counters.keys().any(|id| other.counters.has(id))
            || self.closures.iter().any(|(closed, _)| other.closures.iter().any(|(other, _)| other == closed))
    }

    fn is_empty(&self) -> bool {
        self.tickets.is_empty() && self.counters.is_empty() && self.closures.is_empty()
    }
}

impl Trail {
    /// The person's last change, if it can still be taken back.
    pub(super) fn last_of(&self, by: &Actor, now: Timestamp) -> Result<&Step, Refusal> {
        let at = self.0.iter().rposition(|step| step.by == *by).ok_or(Refusal::NothingToUndo)?;
        let step = self.0.get(at).ok_or(Refusal::NothingToUndo)?;
        if step.before.is_empty() {
            return Err(Refusal::NothingToUndo);
        }
        if now.since(step.at) > UNDO_WINDOW {
            return Err(Refusal::UndoTooLate);
        }
        if step.before.is_out || self.0.iter().skip(at + 1).any(|later| later.before.touches(&step.before)) {
            return Err(Refusal::UndoOvertaken);
        }
        Ok(step)
    }

    /// The oldest change that is remembered.
    pub(super) fn first(&self) -> Option<Seq> {
        self.0.front().map(|step| step.seq)
    }

    /// The tickets that the changes remembered are about.
    pub(super) fn tickets(&self) -> impl Iterator<Item = TicketId> {
        self.0.iter().flat_map(|step| step.before.tickets.keys().copied())
    }

    pub(super) fn take(&mut self, seq: Seq) -> Option<Step> {
        let at = self.0.iter().rposition(|step| step.seq == seq)?;
        self.0.remove(at)
    }

    pub(super) fn add(&mut self, change: &Change, before: Images) {
        // Kept twice as long as it is of use, so that "too late" can be told from "nothing to take back".
        while self.0.front().is_some_and(|oldest| change.at.since(oldest.at).0 > 2 * UNDO_WINDOW.0)
            || self.0.len() >= TRAIL_MAX
        {
            self.0.pop_front();
        }
        self.0.push_back(Step { seq: change.seq, at: change.at, by: change.by.clone(), before });
    }
}

impl Venue {
    /// What the things this change touches are now, before it is applied.
    pub(super) fn images(&self, change: &Change) -> Images {
        let mut images = Images::default();
        for event in &change.events {
            images.everything |= matches!(event, Event::VenueConfigured { .. } | Event::PolicyChanged { .. });
            images.is_out |= matches!(event, Event::TicketSent { .. });
            if let Event::Closed { closure: Closure { closed, .. }, .. } | Event::Reopened { closed } = event {
                images.closures.push((closed.clone(), self.closures.get(closed).cloned()));
            }
            let (tickets, counter) = touched(event);
            for id in tickets.iter().copied() {
                images.tickets.add(id, || self.image_of_ticket(id, &change.by));
                if let Event::TicketCalled { counter, why, .. } = event
                    && let Some(Some(image)) = images.tickets.get_mut(&id)
                {
                    image.call = Some((counter.clone(), why.rule));
                }
                let at_counter = self.ticket(id).and_then(|ticket| ticket.state.counter());
                self.image_of_counter(at_counter, &mut images);
            }
            self.image_of_counter(counter, &mut images);
        }
        images
    }

    fn image_of_ticket(&self, id: TicketId, by: &Actor) -> Option<Box<TicketImage>> {
        if !Self::actor_is_staff(by) {
            return None;
        }
        let ticket = self.ticket(id);
        let queue = ticket.and_then(|ticket| self.queues.get(&ticket.service));
        let ready_at = queue.and_then(|queue| queue.ready_at(id));
        let inside = queue.and_then(|queue| queue.inside_of(id)).cloned();
        Some(Box::new(TicketImage { ticket: ticket.cloned(), ready_at, inside, call: None }))
    }

    fn image_of_counter(&self, id: Option<&CounterId>, images: &mut Images) {
        if let Some(counter) = id.and_then(|id| self.counters.get(id)) {
            images.counters.add(counter.id.clone(), || counter.clone());
        }
    }
}

/// The tickets and the counter an event is about, where taking it back concerns them. What follows by itself
/// (being told to get ready, the wait announced) is not taken back.
fn touched(event: &Event) -> (&[TicketId], Option<&CounterId>) {
    match event {
        Event::WaitAnnounced { .. }
        | Event::TicketReadied { .. }
        | Event::TicketSentInside { .. }
        | Event::TicketSentBack { .. } => (&[], None),
        Event::TicketCalled { counter, .. } | Event::CounterSet { counter, .. } => (event.tickets(), Some(counter)),
        _ => (event.tickets(), None),
    }
}
