//! What a venue's actor has its journal show to other programs: rows made from the state that is being saved.
//!
//! Only where the journal is a mirror. Tickets come with every change that touches them. The order of a queue comes
//! from the engine's projection, as everywhere, and so it is made anew at most every [`ORDERS_EVERY`]: at the pace of
//! a hall that is with every change, under a flood of them it follows a moment behind, and nobody who left a queue
//! stands in it meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use callnext_engine::config::{NamesOnScreen, lane_name};
use callnext_engine::ticket::{Ticket, Urgency};
use callnext_engine::venue::Outcome;
use callnext_engine::{Change, Lane, Millis, ServiceId, TicketId, TicketState, Timestamp, Venue};

use super::dirty::Dirty;
use super::view;
use crate::journal::Mirror;
use crate::journal::mirror::{MirrorQueue, MirrorTicket, time_text};
use crate::wire::CardState;

/// Longest time an order that others read stands behind the changes.
pub(super) const ORDERS_EVERY: Duration = Duration::from_millis(50);
/// How long after the business day's end the rows vanish, if nobody is there to take them away.
const KEPT_AFTER_DAY: Millis = Millis::from_mins(60);

/// What was shown so far.
#[derive(Debug, Default)]
pub(super) struct Mirroring {
    /// Tickets that are shown.
    tickets: BTreeSet<TicketId>,
    /// Orders that are shown.
    queues: BTreeMap<ServiceId, Vec<(Lane, TicketId)>>,
    /// Where each waiting ticket is shown.
    placed: BTreeMap<TicketId, (ServiceId, Lane)>,
    ordered_at: Option<Instant>,
    /// Whether an order may be another by now.
    is_behind: bool,
    has_begun: bool,
}

impl Mirroring {
    /// Whether it is time to show the orders again, although nothing is saved.
    pub(super) fn is_due(&self) -> bool {
        self.is_behind && self.ordered_at.is_none_or(|at| at.elapsed() >= ORDERS_EVERY)
    }

    /// Time alone can change an order: slots begin, waits grow too long.
    pub(super) fn look_again(&mut self) {
        self.is_behind = true;
    }

    /// What to show with these changes, which led to this state.
    pub(super) fn take(&mut self, venue: &Venue, changes: &[Change], now: Timestamp) -> Mirror {
        let now = now.max(venue.at());
        let mut dirty = Dirty { all: !self.has_begun, ..Dirty::default() };
        for change in changes {
            if let Outcome::Undone { tickets, .. } = &change.outcome {
                dirty.tickets.extend(tickets);
            }
            change.events.iter().for_each(|event| dirty.note(event));
        }
        let mut mirror = Mirror {
            whole: dirty.all,
            seq: venue.seq(),
            at: now,
            expires_at: venue.day().end.max(now) + KEPT_AFTER_DAY,
            ..Mirror::default()
        };
        if dirty.all {
            *self = Self { has_begun: true, ..Self::default() };
            dirty.tickets = venue.live().map(|ticket| ticket.id).collect();
        }
        self.is_behind |= !changes.is_empty();
        for id in dirty.tickets {
            let ticket = venue.ticket(id).filter(|ticket| !ticket.state.is_over());
            match ticket {
                Some(ticket) => {
                    let is_new = self.tickets.insert(id);
                    mirror.tickets.push(MirrorTicket { id, is_new, fields: fields(venue, ticket) });
                }
                None if self.tickets.remove(&id) => mirror.over.push(id),
                None => {}
            }
            let waits = ticket.filter(|ticket| ticket.state == TicketState::Waiting);
            let at = self.placed.get(&id).filter(|(service, lane)| {
                waits.is_none_or(|ticket| (&ticket.service, ticket.lane) != (service, *lane))
            });
            if let Some((service, lane)) = at.cloned() {
                self.placed.remove(&id);
                mirror.left.push((service, lane, id));
            }
        }
        if dirty.all || self.is_due() {
            self.order(venue, now, &mut mirror);
        }
        mirror
    }

    fn order(&mut self, venue: &Venue, now: Timestamp, mirror: &mut Mirror) {
        for (service, order) in view::orders(venue, now) {
            let lane = |id| venue.ticket(id).map(|ticket| (ticket.lane, id));
            let order: Vec<(Lane, TicketId)> = order.into_iter().filter_map(lane).collect();
            let shown = self.queues.get(&service);
            if shown.map_or(&[][..], Vec::as_slice) != order.as_slice() {
                self.queues.insert(service.clone(), order.clone());
                mirror.queues.push(MirrorQueue { service, order });
            }
        }
        let placed = self.queues.iter().flat_map(|(service, order)| order.iter().map(move |at| (service, at)));
        self.placed = placed.map(|(service, (lane, id))| (*id, (service.clone(), *lane))).collect();
        // Who left a queue that comes whole is not in it.
        mirror.left.retain(|(service, _, _)| mirror.queues.iter().all(|queue| queue.service != *service));
        self.ordered_at = Some(Instant::now());
        self.is_behind = false;
    }
}

/// One ticket as other programs may see it: no phone number, no reason, no link, and a name as on the screens.
fn fields(venue: &Venue, ticket: &Ticket) -> Vec<(&'static str, String)> {
    let time = |at: Option<Timestamp>| at.map(time_text).unwrap_or_default();
    let call = match &ticket.state {
        TicketState::Called { call, .. } | TicketState::Serving { call, .. } => Some(*call),
        _ => None,
    };
    let name = match venue.config().names {
        NamesOnScreen::Masked => ticket.visitor.name.as_deref().map(view::masked),
        NamesOnScreen::Numbers => None,
    };
    let urgency = ticket.urgency().map(|urgency| match urgency {
        Urgency::Emergency => "emergency",
        Urgency::GreenChannel => "green_channel",
    });
    vec![
        ("number", ticket.number.to_string()),
        ("service", ticket.service.to_string()),
        ("lane", lane_name(ticket.lane).to_owned()),
        ("state", state_name(view::card_state(venue, ticket)).to_owned()),
        ("name", name.unwrap_or_default()),
        ("urgency", urgency.unwrap_or_default().to_owned()),
        ("counter", ticket.state.counter().map(ToString::to_string).unwrap_or_default()),
        ("call", call.map(|call| call.to_string()).unwrap_or_default()),
        ("recalls", ticket.recalls.to_string()),
        ("issued_at", time_text(ticket.issued_at)),
        ("queued_at", time_text(ticket.queued_at)),
        ("called_at", time(call.and(ticket.called_at))),
        ("slot_start", time(ticket.slot.map(|slot| slot.start))),
        ("slot_end", time(ticket.slot.map(|slot| slot.end))),
    ]
}

/// The same names as on the wire.
fn state_name(state: CardState) -> &'static str {
    match state {
        CardState::Waiting => "waiting",
        CardState::Ready => "ready",
        CardState::Called => "called",
        CardState::Serving => "serving",
        CardState::Held => "held",
        CardState::Missed => "missed",
        CardState::Completed => "completed",
        CardState::NoShow => "no_show",
        CardState::Cancelled => "cancelled",
    }
}
