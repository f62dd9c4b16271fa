//! From a venue's state to what travels: names looked up, people masked, places counted.
//!
//! Everything here only reads. The order of waiting people comes from the engine's projection; nothing is
//! sorted here.

use std::collections::BTreeMap;

use callnext_engine::closure::Closable;
use callnext_engine::config::{ClassConfig, LOAD_MEAN, NamesOnScreen, ServiceConfig, VenueConfig};
use callnext_engine::counter::Counter;
use callnext_engine::dispatch::{CounterChoice, PassedBy};
use callnext_engine::estimate::{Unknown, Wait};
use callnext_engine::ticket::Ticket;
use callnext_engine::{CounterId, ServiceId, Text, TicketId, TicketState, Timestamp, Venue};

use super::notices;
use super::publication::Facts;
use crate::wire::{
    AppointmentRow, Board, BoardCall, BoardInside, BoardService, BoardTicket, CardState, ClassRow, Console, CounterRow,
    Estimate, Named, PassedOver, QueueOrder, ReasonLists, ReasonRow, ServiceSummary, SlotTimes, StaffingList,
    StaffingRow, TicketRow, VenueSummary, rfc3339,
};

/// The waiting tickets of each service in the order in which they will be called.
pub type Orders = BTreeMap<ServiceId, Vec<TicketId>>;

/// Runs the projection of every service once.
pub fn orders(venue: &Venue, now: Timestamp) -> Orders {
    let services = venue.config().services.iter();
    services.map(|service| (service.id.clone(), order(venue, &service.id, now))).collect()
}

/// The waiting tickets of one service in the order in which they will be called; without those whom no open
/// counter can call.
pub fn order(venue: &Venue, service: &ServiceId, now: Timestamp) -> Vec<TicketId> {
    venue.project(service, now).map(|call| call.choice.ticket).collect()
}

/// A venue's name.
pub fn venue_named(config: &VenueConfig) -> Named {
    Named { id: config.id.to_string(), name: config.name.clone() }
}

/// A service's name.
pub fn service_named(config: &VenueConfig, id: &ServiceId) -> Named {
    let name = config.service(id).map_or_else(|| Text::same(id.as_str()), |service| service.name.clone());
    Named { id: id.to_string(), name }
}

/// A counter's name.
pub fn counter_named(config: &VenueConfig, id: &CounterId) -> Named {
    let name = config.counter(id).map_or_else(|| Text::same(id.as_str()), |counter| counter.name.clone());
    Named { id: id.to_string(), name }
}

/// A name as strangers may read it (C7): the characters between the first and the last are hidden, of a
/// two-character name the second: 张*三, 张*, J***n.
pub fn masked(name: &str) -> String {
    let chars: Vec<char> = name.trim().chars().collect();
    match chars.as_slice() {
        [] => String::new(),
        [only] => only.to_string(),
        [first, _] => format!("{first}*"),
        [first, middle @ .., last] => format!("{first}{}{last}", "*".repeat(middle.len())),
    }
}

fn name_on_screen(config: &VenueConfig, ticket: &Ticket) -> Option<String> {
    match config.names {
        NamesOnScreen::Masked => ticket.visitor.name.as_deref().map(masked),
        NamesOnScreen::Numbers => None,
    }
}

/// Where a ticket stands, as its holder and the consoles see it.
pub fn card_state(venue: &Venue, ticket: &Ticket) -> CardState {
    match &ticket.state {
        TicketState::Waiting if venue.inside_at(ticket.id).is_some() => CardState::Inside,
        TicketState::Waiting => {
            let ready = venue.queue(&ticket.service).is_some_and(|queue| queue.is_ready(ticket.id));
            if ready { CardState::Ready } else { CardState::Waiting }
        }
        TicketState::Called { .. } => CardState::Called,
        TicketState::Serving { .. } => CardState::Serving,
        TicketState::Held => CardState::Held,
        TicketState::Missed => CardState::Missed,
        TicketState::Transferring { .. } => CardState::Transferring,
        TicketState::Transferred { .. } => CardState::Transferred,
        TicketState::Completed => CardState::Completed,
        TicketState::NoShow => CardState::NoShow,
        TicketState::Cancelled => CardState::Cancelled,
    }
}

/// A wait in whole minutes' worth of seconds: finer would only flicker.
pub fn estimate(wait: Wait) -> Estimate {
    let minute = |millis: callnext_engine::Millis| ((millis.as_secs() + 30) / 60).max(1) * 60;
    let (likely_s, low_s, high_s) = (minute(wait.likely), minute(wait.low), minute(wait.high));
    Estimate { likely_s, low_s: low_s.min(likely_s), high_s: high_s.max(likely_s), scored: wait.scored }
}

/// The counter that has a ticket, or at whose door it waits.
fn has<'v>(venue: &'v Venue, ticket: &'v Ticket) -> Option<&'v CounterId> {
    ticket.state.counter().or_else(|| venue.inside_at(ticket.id))
}

/// Where somebody stands who can be called: how many are really ahead, and what that means in minutes.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    ahead: u32,
    wait: Result<Estimate, Unknown>,
}

/// Everybody who can be called for a service, in this order, with where they stand.
pub fn turns(
    venue: &Venue,
    service: &ServiceId,
    order: impl Iterator<Item = TicketId>,
) -> impl Iterator<Item = (TicketId, Turn)> {
    let forecast = venue.forecast(service);
    let config = venue.config().service(service);
    let (mut ahead, mut load) = (0, 0);
    order.map(move |id| {
        let turn = Turn { ahead, wait: forecast.map(|forecast| estimate(forecast.wait_behind(load))) };
        ahead += 1;
        // E1: people of some classes take longer than others.
        load += u64::from(config.map_or(LOAD_MEAN, |config| venue.load_at(config, id)));
        (id, turn)
    })
}

/// Everything a phone shows of one ticket.
pub fn facts(venue: &Venue, ticket: &Ticket, turn: Option<Turn>) -> Facts {
    let wait = match turn {
        Some(turn) => turn.wait,
        None if ticket.state == TicketState::Waiting => Err(Unknown::NoCounterOpen),
        None => Err(Unknown::NotWaiting),
    };
    let call = match &ticket.state {
        TicketState::Called { call, .. } | TicketState::Serving { call, .. } => Some(*call),
        _ => None,
    };
    Facts {
        service: ticket.service.clone(),
        number: ticket.number.clone(),
        state: card_state(venue, ticket),
        lane: ticket.lane,
        ahead: turn.map(|turn| turn.ahead),
        wait,
        counter: has(venue, ticket).cloned(),
        call,
        recalls: ticket.recalls,
        issued_at: ticket.issued_at,
        called_at: call.and(ticket.called_at),
        slot: ticket.slot,
        green_channel: ticket.grant.is_some(),
        notice: notices::card_notice(venue, ticket).map(Box::new),
        steps: notices::card_steps(venue, ticket).map(Box::new),
        passed_over_by: passed_over(venue, ticket),
    }
}

/// Who was called before a waiting ticket, in numbers.
fn passed_over(venue: &Venue, ticket: &Ticket) -> Vec<(PassedBy, u32)> {
    let found = ticket.place.as_ref().zip(venue.queue(&ticket.service));
    found.map(|(place, queue)| queue.passed_over(ticket.id, place)).unwrap_or_default()
}

/// The card a phone shows.
pub fn card(config: &VenueConfig, facts: &Facts) -> crate::wire::Card {
    crate::wire::Card {
        venue: venue_named(config),
        time_zone: config.time_zone.name().to_owned(),
        service: service_named(config, &facts.service),
        number: facts.number.to_string(),
        state: facts.state,
        lane: facts.lane,
        ahead: facts.ahead,
        estimate: facts.wait.ok(),
        estimate_reason: facts.wait.err().map(|unknown| unknown.code().to_owned()),
        counter: facts.counter.as_ref().map(|counter| counter_named(config, counter)),
        call: facts.call.map(|call| call.0),
        recalls: facts.recalls,
        issued_at: rfc3339(facts.issued_at),
        called_at: facts.called_at.map(rfc3339),
        slot_start: facts.slot.map(|slot| rfc3339(slot.start)),
        slot_end: facts.slot.map(|slot| rfc3339(slot.end)),
        green_channel: facts.green_channel,
        notice: facts.notice.as_deref().cloned(),
        steps: facts.steps.as_deref().cloned(),
        passed_over_by: facts.passed_over_by.iter().map(|(by, count)| PassedOver { by: *by, count: *count }).collect(),
    }
}

/// The whole board, with those who were missed; [`super::Publication`] narrows it to the services of each screen.
pub fn board(venue: &Venue, missed: impl Iterator<Item = TicketId>) -> Board {
    let config = venue.config();
    let ticket_on_board = |ticket: &Ticket| BoardTicket {
        number: ticket.number.to_string(),
        name: name_on_screen(config, ticket),
        service: ticket.service.to_string(),
    };
    let ready = config
        .services
        .iter()
        .filter_map(|service| venue.queue(&service.id))
        .flat_map(callnext_engine::dispatch::Queue::ready);
    let calls = venue.calls().rev().map(|entry| {
        let ticket = venue.ticket(entry.ticket);
        let open = ticket
            .is_some_and(|ticket| matches!(&ticket.state, TicketState::Called { call, .. } if *call == entry.call));
        BoardCall {
            id: entry.call.0,
            number: entry.number.to_string(),
            name: ticket.and_then(|ticket| name_on_screen(config, ticket)),
            counter: counter_named(config, &entry.counter),
            service: entry.service.to_string(),
            recalls: entry.recalls,
            at: rfc3339(entry.at),
            open,
            urgency: ticket.filter(|_| entry.rule == callnext_engine::event::Rule::Urgent).and_then(Ticket::urgency),
        }
    });
    Board {
        venue: venue_named(config),
        time_zone: config.time_zone.name().to_owned(),
        services: config.services.iter().map(|service| board_service(venue, service)).collect(),
        calls: calls.collect(),
        ready: ready.filter_map(|id| venue.ticket(id)).map(ticket_on_board).collect(),
        inside: board_inside(venue),
        missed: missed.filter_map(|id| venue.ticket(id)).map(ticket_on_board).collect(),
        closed: notices::closed(venue),
        notices: Vec::new(),
        speech: config.speech.clone(),
        paused_since: None,
    }
}

fn board_inside(venue: &Venue) -> Vec<BoardInside> {
    let config = venue.config();
    let at_door =
        venue.counters().flat_map(|counter| venue.at_door(&counter.id).into_iter().map(move |id| (counter, id)));
    let row = |(counter, id): (&Counter, TicketId)| {
        let ticket = venue.ticket(id)?;
        Some(BoardInside {
            number: ticket.number.to_string(),
            name: name_on_screen(config, ticket),
            service: ticket.service.to_string(),
            counter: counter_named(config, &counter.id),
        })
    };
    at_door.filter_map(row).collect()
}

fn waiting(venue: &Venue, service: &ServiceId) -> u32 {
    venue.queue(service).map_or(0, |queue| u32::try_from(queue.len()).unwrap_or(u32::MAX))
}

fn board_service(venue: &Venue, service: &ServiceConfig) -> BoardService {
    BoardService {
        id: service.id.to_string(),
        name: service.name.clone(),
        waiting: waiting(venue, &service.id),
        open_counters: u32::try_from(venue.open_counters(&service.id).count()).unwrap_or(u32::MAX),
    }
}

/// One ticket, as staff see it.
pub fn ticket_row(venue: &Venue, ticket: &Ticket) -> TicketRow {
    let call = match &ticket.state {
        TicketState::Called { call, .. } | TicketState::Serving { call, .. } => Some(*call),
        _ => None,
    };
    let granted = ticket.grant.as_ref().map(|grant| (&grant.reason, &grant.code));
    let granted = granted.or(ticket.overflow.as_ref().map(|overflow| (&overflow.reason, &overflow.code)));
    TicketRow {
        id: ticket.id.0,
        number: ticket.number.to_string(),
        service: ticket.service.to_string(),
        lane: ticket.lane,
        state: card_state(venue, ticket),
        name: ticket.visitor.name.as_deref().map(ToOwned::to_owned),
        urgency: ticket.urgency(),
        reason: granted.map(|(words, _)| words.to_string()).filter(|words| !words.is_empty()),
        reason_code: granted.and_then(|(_, code)| code.as_ref()).map(ToString::to_string),
        class: ticket.visitor.class.as_ref().map(ToString::to_string),
        appointment: ticket.appointment.as_deref().map(ToOwned::to_owned),
        wants: ticket.wants.as_ref().map(ToString::to_string),
        counter: has(venue, ticket).map(ToString::to_string),
        call: call.map(|call| call.0),
        rule: call.and(ticket.rule),
        recalls: ticket.recalls,
        misses: ticket.misses,
        steps: notices::step_rows(ticket),
        steps_done: ticket.steps_done,
        note: notices::note_row(ticket),
        guest: notices::guest_row(ticket),
        issued_at: rfc3339(ticket.issued_at),
        queued_at: rfc3339(ticket.queued_at),
        called_at: ticket.called_at.map(rfc3339),
        slot_start: ticket.slot.map(|slot| rfc3339(slot.start)),
        slot_end: ticket.slot.map(|slot| rfc3339(slot.end)),
    }
}

/// Whom a counter will call: as many as a page of it shows.
const NEXT_SHOWN: usize = 12;

/// One counter, as staff see it.
pub fn counter_row(venue: &Venue, id: &CounterId, now: Timestamp) -> Option<CounterRow> {
    let counter = venue.counter(id)?;
    Some(counter_with(venue, counter, &venue.preview(id, NEXT_SHOWN, now)))
}

/// Every counter, as staff see it.
pub fn counter_rows(venue: &Venue, now: Timestamp) -> Vec<CounterRow> {
    let rows = venue.previews(NEXT_SHOWN, now).into_iter();
    rows.map(|(counter, next)| counter_with(venue, counter, &next)).collect()
}

fn counter_with(venue: &Venue, counter: &Counter, next: &[CounterChoice<'_>]) -> CounterRow {
    let id = &counter.id;
    CounterRow {
        id: id.to_string(),
        name: counter_named(venue.config(), id).name,
        state: counter.state,
        services: counter.services.iter().map(ToString::to_string).collect(),
        current: counter.current.map(|ticket| ticket.0),
        next: next.iter().map(|called| called.choice.ticket.0).collect(),
        closed: notices::closure_row(venue, &Closable::Counter { counter: id.clone() }),
    }
}

/// One service's queue, as staff see it.
pub fn queue_order(venue: &Venue, service: &ServiceConfig, order: &[TicketId]) -> QueueOrder {
    QueueOrder {
        id: service.id.to_string(),
        name: service.name.clone(),
        waiting: waiting(venue, &service.id),
        order: order.iter().map(|ticket| ticket.0).collect(),
        gap_s: venue.queue(&service.id).and_then(|queue| queue.pace().gap()).map(callnext_engine::Millis::as_secs),
        overflow_count: venue.overflow_count(&service.id, venue.at()),
        overflow_max: service.policy.overflow_max,
        over_quota_role: service.policy.over_quota_role.role(),
        closed: notices::closure_row(venue, &Closable::Service { service: service.id.clone() }),
    }
}

/// Today's bookings, as staff see them.
pub fn appointment_rows(venue: &Venue) -> Vec<AppointmentRow> {
    use callnext_engine::appointment::AppointmentState;
    let row = |booking: &callnext_engine::appointment::Appointment| AppointmentRow {
        code: booking.code.to_string(),
        service: booking.service.to_string(),
        slot_start: rfc3339(booking.slot.start),
        slot_end: rfc3339(booking.slot.end),
        name: booking.visitor.name.as_deref().map(ToOwned::to_owned),
        ticket: match booking.state {
            AppointmentState::Expected | AppointmentState::NoShow => None,
            AppointmentState::CheckedIn { ticket } => Some(ticket.0),
        },
        no_show: booking.state == AppointmentState::NoShow,
    };
    venue.appointments().map(row).collect()
}

/// The whole queue, as staff see it: waiting tickets in projected order, then the others.
pub fn console(venue: &Venue, orders: &Orders, now: Timestamp) -> Console {
    let config = venue.config();
    let placed: std::collections::BTreeSet<TicketId> = orders.values().flatten().copied().collect();
    let first = orders_in_config_order(config, orders).filter_map(|id| venue.ticket(id));
    let rest = venue.live().filter(|ticket| !placed.contains(&ticket.id));
    Console {
        venue: venue_named(config),
        time_zone: config.time_zone.name().to_owned(),
        services: config
            .services
            .iter()
            .map(|service| queue_order(venue, service, orders.get(&service.id).map_or(&[], Vec::as_slice)))
            .collect(),
        counters: counter_rows(venue, now),
        tickets: first.chain(rest).map(|ticket| ticket_row(venue, ticket)).collect(),
        appointments: appointment_rows(venue),
        reasons: reason_lists(config),
        paused_since: None,
    }
}

fn reason_lists(config: &VenueConfig) -> ReasonLists {
    let rows = |list: &[callnext_engine::config::Reason]| {
        list.iter().map(|reason| ReasonRow { code: reason.code.to_string(), name: reason.name.clone() }).collect()
    };
    let reasons = &config.reasons;
    ReasonLists {
        green_channel: rows(&reasons.green_channel),
        emergency: rows(&reasons.emergency),
        by_hand: rows(&reasons.by_hand),
        overflow: rows(&reasons.overflow),
    }
}

fn orders_in_config_order<'o>(config: &'o VenueConfig, orders: &'o Orders) -> impl Iterator<Item = TicketId> + 'o {
    config.services.iter().filter_map(|service| orders.get(&service.id)).flatten().copied()
}

/// A venue, as anybody may see it.
pub fn summary(venue: &Venue, now: Timestamp) -> VenueSummary {
    let config = venue.config();
    let services = config.services.iter().map(|service| {
        let waiting = waiting(venue, &service.id);
        let wait = venue.forecast(&service.id).map(|forecast| forecast.wait(waiting));
        ServiceSummary {
            id: service.id.to_string(),
            name: service.name.clone(),
            open: venue.open_counters(&service.id).next().is_some(),
            waiting,
            estimate: wait.ok().map(estimate),
            estimate_reason: wait.err().map(|unknown| unknown.code().to_owned()),
            classes: service.classes.iter().map(class_row).collect(),
            next_slot: venue
                .next_free_slot(service, now)
                .map(|slot| SlotTimes { start: rfc3339(slot.start), end: rfc3339(slot.end) }),
            closed: notices::closed_service(venue, &service.id),
        }
    });
    let open = venue.counters().filter(|counter| counter.state == callnext_engine::counter::CounterState::Open);
    VenueSummary {
        id: config.id.to_string(),
        name: config.name.clone(),
        time_zone: config.time_zone.name().to_owned(),
        day: venue.day().date.to_string(),
        at: rfc3339(now),
        join_by_phone: config.join_by_phone,
        services: services.collect(),
        open_counters: open.map(|counter| counter_named(config, &counter.id)).collect(),
    }
}

fn class_row(class: &ClassConfig) -> ClassRow {
    ClassRow { id: class.id.to_string(), name: class.name.clone(), expected_s: class.expected_s }
}

/// How many counters each service needs.
pub fn staffing(venue: &Venue, now: Timestamp) -> StaffingList {
    let row = |service: &ServiceConfig| {
        let needs = venue.staffing(&service.id, now)?;
        Some(StaffingRow {
            id: service.id.to_string(),
            name: service.name.clone(),
            arrivals: needs.arrivals,
            waiting: needs.waiting,
            service_s: needs.service.map(callnext_engine::Millis::as_secs),
            target_wait_s: needs.target.map(callnext_engine::Millis::as_secs),
            open: needs.open,
            needed: needs.needed,
        })
    };
    StaffingList { services: venue.config().services.iter().filter_map(row).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c7_names_are_masked() {
        for (name, shown) in
            [("张三", "张*"), ("张小三", "张*三"), ("欧阳小三", "欧**三"), ("李", "李"), ("John", "J**n"), ("", "")]
        {
            assert_eq!(masked(name), shown, "{name}");
        }
    }
}
