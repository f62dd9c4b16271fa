//! The judge: what people were told, held against what the journal has. Pure.
//!
//! It knows nothing of nodes and stores. Nothing acknowledged may be lost, nothing may be there twice, no ticket is at
//! two counters, numbers have no gap, and what was answered before something else was asked comes before it.

use std::collections::{BTreeMap, BTreeSet};

use callnext_engine::{Change, Event, Venue, VenueConfig};

/// Changes after which the venue's own invariants are looked at again, and at the end.
const CHECK_EVERY: usize = 100;

/// Somebody took a number, and was told which.
#[derive(Debug, Clone)]
pub(super) struct Taken {
    pub(super) key: String,
    pub(super) number: String,
    pub(super) ticket: u64,
    /// When it was first asked for, and when answered: nanoseconds of one clock.
    pub(super) asked: u64,
    pub(super) answered: u64,
}

/// A counter called, and was told whom; nobody where nobody waited.
#[derive(Debug, Clone)]
pub(super) struct Called {
    pub(super) key: String,
    pub(super) counter: String,
    pub(super) ticket: Option<u64>,
    pub(super) call: Option<u64>,
}

/// What people were told.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) taken: Vec<Taken>,
    pub(super) called: Vec<Called>,
    /// Answers that nobody should ever get.
    pub(super) strange: Vec<String>,
}

/// Everything that must not be.
pub(super) fn judge(told: &Told, changes: &[Change], config: VenueConfig) -> Vec<String> {
    let mut found = told.strange.clone();
    let mut issued = BTreeMap::new();
    let mut calls = BTreeMap::new();
    let mut keys = BTreeMap::new();
    let mut venue = Venue::new(config);
    for (at, change) in changes.iter().enumerate() {
        if at > 0 && change.seq != venue.seq().next() {
            found.push(format!("change {} follows {}", change.seq, venue.seq()));
        }
        if let Some(command) = &change.command
            && let Some(before) = keys.insert(own_key(&command.key).to_owned(), change.seq)
        {
            found.push(format!("wish {} was carried out twice: {before} and {}", command.key, change.seq));
        }
        for event in &change.events {
            match event {
                Event::TicketIssued { ticket, number, .. } => {
                    let before = issued.insert(ticket.0, (number.to_string(), change.seq));
                    found.extend(before.map(|_| format!("ticket {ticket} was issued twice")));
                }
                Event::TicketCalled { ticket, counter, call, .. } => {
                    let stands = venue.ticket(*ticket).and_then(|ticket| ticket.state.counter());
                    if let Some(other) = stands {
                        found.push(format!("ticket {ticket} was called to {counter} while it was at {other}"));
                    }
                    if calls.insert(call.0, (ticket.0, counter.to_string(), change.seq)).is_some() {
                        found.push(format!("call {call} was made twice"));
                    }
                }
                _ => {}
            }
        }
        venue.apply(change);
        if at % CHECK_EVERY == 0 || at + 1 == changes.len() {
            found.extend(venue.check().iter().map(|violation| format!("at change {}: {violation}", change.seq)));
        }
    }
    found.extend(gaps(issued.values().map(|(number, _)| number.as_str())));
    for taken in &told.taken {
        let at = keys.get(&taken.key);
        match issued.get(&taken.ticket) {
            Some((number, seq)) if *number == taken.number && at == Some(seq) => {}
            kept => {
                found.push(format!("{} was told {}; kept is {kept:?}, its wish at {at:?}", taken.key, taken.number));
            }
        }
    }
    for called in &told.called {
        let at = keys.get(&called.key);
        let Some(call) = called.call else { continue };
        match calls.get(&call) {
            Some((ticket, counter, seq))
                if Some(*ticket) == called.ticket && *counter == called.counter && at == Some(seq) => {}
            kept => found.push(format!("{called:?}; kept is {kept:?}, its wish at {at:?}")),
        }
    }
    found.extend(out_of_order(&told.taken));
    found
}

/// The key as it was sent: who asked is put before it.
fn own_key(key: &str) -> &str {
    key.rsplit_once('|').map_or(key, |(_, own)| own)
}

/// Numbers of one day are 1 to n, each once.
fn gaps<'n>(numbers: impl Iterator<Item = &'n str>) -> Vec<String> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for number in numbers {
        let count: Option<u64> = number.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().ok();
        if count.is_none_or(|count| !seen.insert(count)) {
            found.push(format!("number {number} was given twice, or is none"));
        }
    }
    if let Some(last) = seen.last()
        && usize::try_from(*last).ok() != Some(seen.len())
    {
        found.push(format!("{} numbers were given, the last is {last}", seen.len()));
    }
    found
}

/// Whoever was answered before another asked has the smaller number.
fn out_of_order(taken: &[Taken]) -> Vec<String> {
    let mut by_ticket: Vec<&Taken> = taken.iter().collect();
    by_ticket.sort_by_key(|taken| taken.ticket);
    let mut latest: Option<&Taken> = None;
    let mut found = Vec::new();
    for taken in by_ticket {
        if let Some(before) = latest
            && taken.answered < before.asked
        {
            found
                .push(format!("{} was given before {} was asked for, and comes after it", taken.number, before.number));
        }
        if latest.is_none_or(|latest| taken.asked > latest.asked) {
            latest = Some(taken);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use callnext_engine::counter::CounterState;
    use callnext_engine::ticket::Visitor;
    use callnext_engine::venue::Outcome;
    use callnext_engine::{Action, Actor, Command, CommandId, CounterId, Decision, Lane, ServiceId, Timestamp};

    use super::*;

    fn config() -> VenueConfig {
        serde_json::from_value(serde_json::json!({
            "id": "hall", "name": "Hall", "time_zone": "UTC",
            "service": [{ "id": "a", "name": "A", "prefix": "A" }],
            "counter": [{ "id": "1", "name": "1", "services": ["a"] }, { "id": "2", "name": "2", "services": ["a"] }],
        }))
        .unwrap()
    }

    /// Three numbers and a call, as they really happened.
    fn happened() -> (Told, Vec<Change>) {
        let now = Timestamp(1_772_420_400_000);
        let (mut venue, mut told) = (Venue::new(config()), Told::default());
        let mut changes = venue.advance(now);
        let counter = CounterId::parse("1").unwrap();
        let take = || Action::TakeTicket {
            service: ServiceId::parse("a").unwrap(),
            lane: Lane::WalkIn,
            visitor: Visitor::default(),
            wants: None,
        };
        let open = Action::SetCounter { counter: counter.clone(), state: CounterState::Open, services: None };
        let wishes = [open, take(), take(), take(), Action::CallNext { counter: counter.clone() }];
        for (n, action) in (0_u64..).zip(wishes) {
            let id = CommandId { key: format!("staff|k{n}").into(), fingerprint: n };
            let by = Actor::Staff { user: "nurse".into() };
            let Ok(Decision::Changed(change)) =
                venue.execute(&Command { by, id: Some(id), ..Command::system(action) }, now)
            else {
                panic!("step {n}")
            };
            let key = format!("k{n}");
            match &change.outcome {
                Outcome::Ticket { ticket } => {
                    let number = venue.ticket(*ticket).unwrap().number.to_string();
                    told.taken.push(Taken { key, number, ticket: ticket.0, asked: n * 10, answered: n * 10 + 5 });
                }
                Outcome::Called { ticket, call, .. } => {
                    let (ticket, call) = (Some(ticket.0), Some(call.0));
                    told.called.push(Called { key, counter: "1".to_owned(), ticket, call });
                }
                _ => {}
            }
            changes.push(change);
        }
        (told, changes)
    }

    #[test]
    fn what_happened_is_good() {
        let (told, changes) = happened();
        assert_eq!((told.taken.len(), told.called.len()), (3, 1));
        assert_eq!(judge(&told, &changes, config()), Vec::<String>::new());
    }

    #[test]
    fn each_wrong_is_found() {
        let says = |told: &Told, changes: &[Change], what: &str| {
            let found = judge(told, changes, config()).join("\n");
            assert!(found.contains(what), "{what}: {found}");
        };
        let (told, changes) = happened();
        says(&told, &changes[..changes.len() - 1], "Called { key: \"k4\"");
        let lost = changes.len() - 2;
        says(&told, &changes[..lost], "was told A003; kept is None");
        let mut hole = changes.clone();
        hole.remove(lost);
        says(&told, &hole, "follows");
        let (mut other, _) = happened();
        other.taken[0].number = "A002".to_owned();
        says(&other, &changes, "was told A002");
        let (mut late, _) = happened();
        (late.taken[2].asked, late.taken[2].answered) = (1, 2);
        says(&late, &changes, "A003 was given before");
        let mut twice = changes.clone();
        let again = Change { seq: changes[changes.len() - 1].seq.next(), ..changes[changes.len() - 1].clone() };
        twice.push(again);
        says(&told, &twice, "was carried out twice");
        says(&told, &twice, "was made twice");
        says(&told, &twice, "while it was at 1");
        let (mut strange, _) = happened();
        strange.strange.push("409".to_owned());
        says(&strange, &changes, "409");
        assert_eq!(gaps(["A001", "A003"].into_iter()).len(), 1);
        assert_eq!(gaps(["A001", "A001"].into_iter()).len(), 1);
    }
}
