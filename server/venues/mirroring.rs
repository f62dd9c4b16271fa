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
use callnext_engine::{Change, Lane, ServiceId, TicketId, TicketState, Timestamp, Venue};

use super::dirty::Dirty;
use super::view;
use crate::journal::Mirror;
use crate::journal::mirror::{MirrorQueue, MirrorTicket, time_text};
use crate::wire::CardState;

/// Longest time an order that others read stands behind the changes.
pub(super) const ORDERS_EVERY: Duration = Duration::from_millis(50);
/// How long after the business day's end the rows vanish, if nobody is there to take them away.
const KEPT_AFTER_DAY: Duration = Duration::from_secs(60 * 60);

/// What was shown so far.
#[derive(Debug, Default)]
pub(super) struct Mirroring {
    /// Tickets that are shown.
    tickets: BTreeSet<TicketId>,
    /// Orders that are shown.
    queues: BTreeMap<ServiceId, Vec<(Lane, TicketId)>>,
    /// Those of them that somebody left since: what is shown has a hole there.
    holes: BTreeSet<ServiceId>,
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
            expires_in: expires_in(venue, now),
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
                self.holes.insert(service.clone());
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
            if self.holes.contains(&service) || shown.map_or(&[][..], Vec::as_slice) != order.as_slice() {
                self.queues.insert(service.clone(), order.clone());
                mirror.queues.push(MirrorQueue { service, order });
            }
        }
        self.holes.clear();
        let placed = self.queues.iter().flat_map(|(service, order)| order.iter().map(move |at| (service, at)));
        self.placed = placed.map(|(service, (lane, id))| (*id, (service.clone(), *lane))).collect();
        // Who left a queue that comes whole is not in it.
        mirror.left.retain(|(service, _, _)| mirror.queues.iter().all(|queue| queue.service != *service));
        self.ordered_at = Some(Instant::now());
        self.is_behind = false;
    }
}

/// How long the rows stay if nobody takes them away: until the day is over, and somewhat longer.
fn expires_in(venue: &Venue, now: Timestamp) -> Duration {
    let left = u64::try_from(venue.day().end.0.saturating_sub(now.0)).unwrap_or_default();
    Duration::from_millis(left) + KEPT_AFTER_DAY
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
        CardState::Inside => "inside",
        CardState::Called => "called",
        CardState::Serving => "serving",
        CardState::Held => "held",
        CardState::Missed => "missed",
        CardState::Transferring => "transferring",
        CardState::Completed => "completed",
        CardState::NoShow => "no_show",
        CardState::Cancelled => "cancelled",
        CardState::Transferred => "transferred",
    }
}

#[cfg(test)]
mod tests {
    use callnext_engine::counter::CounterState;
    use callnext_engine::ticket::Visitor;
    use callnext_engine::{Action, Actor, Command, CounterId, Decision, Millis, VenueConfig};

    use super::*;

    /// Another program, that knows what it was shown.
    #[derive(Default)]
    struct Reader {
        tickets: BTreeMap<TicketId, Vec<(&'static str, String)>>,
        queues: BTreeMap<ServiceId, BTreeMap<TicketId, (Lane, usize)>>,
    }

    impl Reader {
        fn read(&mut self, mirror: Mirror) {
            if mirror.whole {
                *self = Self::default();
            }
            for ticket in mirror.tickets {
                assert_eq!(ticket.is_new, self.tickets.insert(ticket.id, ticket.fields).is_none());
            }
            for id in mirror.over {
                assert!(self.tickets.remove(&id).is_some());
            }
            for (service, lane, id) in mirror.left {
                let place = self.queues.entry(service).or_default().remove(&id);
                assert!(place.is_some_and(|(shown, _)| shown == lane));
            }
            for queue in mirror.queues {
                let order = queue.order.into_iter().enumerate().map(|(ahead, (lane, id))| (id, (lane, ahead)));
                self.queues.insert(queue.service, order.collect());
            }
        }

        fn check(&self, venue: &Venue, now: Timestamp, is_ordered: bool) {
            let live: BTreeMap<_, _> = venue.live().map(|ticket| (ticket.id, fields(venue, ticket))).collect();
            assert_eq!(self.tickets, live);
            for (service, queue) in &self.queues {
                for (id, (lane, _)) in queue {
                    let ticket = venue.ticket(*id).unwrap();
                    let stands = (&ticket.state, &ticket.service, ticket.lane);
                    assert_eq!(stands, (&TicketState::Waiting, service, *lane), "nobody stands where they are not");
                }
            }
            if is_ordered {
                for (service, order) in view::orders(venue, now) {
                    let shown = self.queues.get(&service);
                    let mut shown: Vec<_> = shown.into_iter().flatten().map(|(id, (_, ahead))| (*ahead, *id)).collect();
                    shown.sort_unstable();
                    assert_eq!(shown, order.into_iter().enumerate().collect::<Vec<_>>());
                }
            }
        }
    }

    fn hall() -> VenueConfig {
        serde_json::from_value(serde_json::json!({
            "id": "hall", "name": "Hall", "time_zone": "Asia/Shanghai",
            "service": [{ "id": "a", "name": "A", "prefix": "A" }, { "id": "b", "name": "B", "prefix": "B" }],
            "counter": [
                { "id": "1", "name": "1", "services": ["a"] },
                { "id": "2", "name": "2", "services": ["a", "b"] },
            ],
        }))
        .unwrap()
    }

    #[test]
    fn whoever_reads_every_mirror_knows_every_live_ticket_and_the_real_order() {
        let mut now = Timestamp(1_772_420_400_000);
        let (mut venue, mut mirroring, mut reader) = (Venue::new(hall()), Mirroring::default(), Reader::default());
        let mut chance = 7_u64;
        let mut below = |limit: u64| {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (chance >> 33) % limit
        };
        let mut done = 0;
        for step in 0..3_000 {
            now = now + Millis::from_secs(below(90).cast_signed());
            let mut changes = venue.advance(now);
            for _ in 0..=below(3) {
                let counter = CounterId::parse(if below(2) == 0 { "1" } else { "2" }).unwrap();
                let service = ServiceId::parse(if below(2) == 0 { "a" } else { "b" }).unwrap();
                let newest = venue.tickets().last().map_or(1, |ticket| ticket.id.0);
                let ticket = TicketId(newest.saturating_sub(below(30)).max(1));
                let reason = || "r".into();
                let visitor = Visitor { name: Some("张小三".into()), ..Visitor::default() };
                let action = match below(16) {
                    0..4 => Action::TakeTicket { service, lane: Lane::WalkIn, visitor, wants: None },
                    4..7 => Action::CallNext { counter },
                    7 => Action::Start { counter },
                    8 => Action::Complete { counter },
                    9 => Action::Miss { counter },
                    10 => Action::Hold { ticket, reason: reason() },
                    11 => Action::Return { ticket },
                    12 => Action::Transfer { ticket, service, reason: reason(), wants: None, urgency: None },
                    13 => Action::Undo,
                    14 => Action::StepBack { ticket, places: 1 },
                    _ => {
                        let state = if below(4) == 0 { CounterState::Closed } else { CounterState::Open };
                        Action::SetCounter { counter, state, services: None }
                    }
                };
                let by = Actor::Staff { user: "nurse".into() };
                let command = Command { by, ..Command::system(action) };
                if let Ok(Decision::Changed(change)) = venue.execute(&command, now) {
                    changes.push(change);
                    done += 1;
                }
            }
            let is_ordered = step % 3 == 0;
            // As if the last order had been long ago, or just now.
            mirroring.ordered_at = (!is_ordered).then(Instant::now);
            mirroring.is_behind |= is_ordered;
            let mirror = mirroring.take(&venue, &changes, now);
            let is_ordered = is_ordered || mirror.whole;
            reader.read(mirror);
            reader.check(&venue, now.max(venue.at()), is_ordered);
        }
        assert!(done > 1_000, "the test itself has done something: {done}");
    }
}
