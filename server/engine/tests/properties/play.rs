//! Playing a day, with everything that must hold after every step.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use callnext_engine::counter::{Counter, CounterState};
use callnext_engine::event::{Change, Event};
use callnext_engine::figures::Ledger;
use callnext_engine::replay::Replay;
use callnext_engine::venue::{Decision, PREVIEW_MAX};
use callnext_engine::{
    Action, Command, CommandId, CounterId, Outcome, ServiceId, TicketId, TicketState, Timestamp, Venue,
};

use crate::day::{self, Day, Filled};
use crate::dice::Dice;
use crate::oracle::Oracle;

/// What a run came across: properties that were never put to the test prove nothing.
#[derive(Debug, Default)]
pub struct Seen {
    counts: BTreeMap<String, u64>,
}

impl Seen {
    pub fn one(&mut self, what: impl Into<String>) {
        *self.counts.entry(what.into()).or_default() += 1;
    }

    pub fn add(&mut self, other: &Self) {
        for (what, count) in &other.counts {
            *self.counts.entry(what.clone()).or_default() += count;
        }
    }

    pub fn must_be_telling(&self) {
        for what in [
            "rule Urgent",
            "rule Overdue",
            "rule Ready",
            "rule Inside",
            "event ticket_sent_back",
            "rule Cycle",
            "rule Early",
            "rule ByHand",
            "nobody waiting",
            "turn judged",
            "division judged",
            "even turn judged",
            "projected call",
            "previewed call",
            "announced wait",
            "announced to the last",
            "call that passes over",
            "call that passes over many",
            "phone told of others",
            "story",
            "retry",
            "retired",
            "refusal",
            "event change_undone",
            "event day_opened",
            "event ticket_stepped_back",
            "event venue_configured",
            "event session_closed",
            "event appointments_not_shown",
            "event ticket_sent",
            "event ticket_received",
            "event parcel_declined",
            "event transfer_settled",
            "event closed",
            "event reopened",
            "event step_completed",
            "event step_skipped",
            "event steps_set",
        ] {
            assert!(self.counts.get(what).is_some_and(|count| *count >= 10), "hardly ever: {what}\n{self}");
        }
    }
}

impl Seen {
    /// What only a long run comes across often enough.
    pub fn must_have_seen_the_rare(&self) {
        for what in [
            "rule Rejoin",
            "told as rejoining",
            "turn taken by overflow",
            "overflow over the quota",
            "event ticket_slot_began",
            "rejoining Lane",
            "rejoining AfterCalls",
            "rejoining PerCalls",
            "rejoining SlotEnd",
            "rejoining SessionEnd",
            "rejoining Tail",
            "late Lane",
            "late PerCalls",
            "late Shifted",
            "late SlotEnd",
            "late SessionEnd",
            "late AsNormal",
        ] {
            assert!(self.counts.get(what).is_some_and(|count| *count >= 10), "hardly ever: {what}\n{self}");
        }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts: Vec<_> = self.counts.iter().map(|(what, count)| format!("{what}: {count}")).collect();
        f.write_str(&counts.join(", "))
    }
}

struct Game {
    venue: Venue,
    replica: Venue,
    oracle: Oracle,
    ledger: Ledger,
    now: Timestamp,
    keys: u64,
    latest: Option<Command>,
    seen: Seen,
    story: Vec<String>,
    history: Vec<Change>,
}

pub fn play(day: &Day) -> Result<Seen, String> {
    let mut game = Game::of(day);
    game.run(day)?;
    Ok(game.seen)
}

/// A day told step by step, up to where it fails.
pub fn tell(day: &Day) -> Vec<String> {
    let mut game = Game::of(day);
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| game.run(day))) {
        drop(panic);
        game.story.push("panic".to_owned());
    }
    game.story
}

fn expect(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

impl Game {
    fn of(day: &Day) -> Self {
        let venue = Venue::new(day.config.clone());
        Self {
            replica: venue.clone(),
            venue,
            oracle: Oracle::default(),
            ledger: Ledger::default(),
            now: day::start(),
            keys: 0,
            latest: None,
            seen: Seen::default(),
            story: Vec::new(),
            history: Vec::new(),
        }
    }

    fn run(&mut self, day: &Day) -> Result<(), String> {
        let mut dice = Dice::new(day.seed ^ 0x5eed);
        self.seen.one("day");
        self.time_passes()?;
        for counter in &day.config.counters {
            let state = CounterState::Open;
            if dice.chance(85) {
                let action = Action::SetCounter { counter: counter.id.clone(), state, services: None };
                self.ask(&Command::system(action), false)?;
            }
        }
        for step in &day.steps {
            match step.fill(&self.venue, day.joining, self.now) {
                Filled::Clock(now) => {
                    self.now = now;
                    self.story.push(format!("clock {now}"));
                    self.time_passes()?;
                }
                Filled::Wish { by, action } => {
                    self.keys += 1;
                    let id = CommandId { key: format!("key-{}", self.keys).into(), fingerprint: step.chance };
                    let command = Command { id: dice.chance(70).then_some(id), by, action };
                    self.latest = Some(command.clone());
                    self.ask(&command, dice.chance(10))?;
                }
                Filled::Retry => self.retry()?,
            }
            if dice.chance(5) {
                self.projection_comes_true()?;
                self.previews_come_true()?;
            }
        }
        self.oracle.stories_are_true(&self.history, &self.ledger, &mut self.seen)?;
        self.holes_are_survived(&mut dice, day)?;
        self.little_at_hand_is_the_same_day(&mut dice, day)?;
        let (live, replica) = (serde_json::to_vec(&self.venue), serde_json::to_vec(&self.replica));
        let (live, replica) = (live.map_err(|e| e.to_string())?, replica.map_err(|e| e.to_string())?);
        expect(live == replica, || "the replica's bytes differ".to_owned())
    }

    /// A history with holes is no history, but applying it must not end the process.
    fn holes_are_survived(&self, dice: &mut Dice, day: &Day) -> Result<(), String> {
        let mut venue = Venue::new(day.config.clone());
        for change in &self.history {
            if dice.chance(90) {
                venue.apply(change);
            }
        }
        expect(venue.seq() <= self.venue.seq(), || "a history with holes went too far".to_owned())
    }

    /// Followed with the tickets handed out whose visits are over, the day is the same: nobody comes back to one of
    /// those, and what is left and what was handed out are what they are of the whole value.
    fn little_at_hand_is_the_same_day(&mut self, dice: &mut Dice, day: &Day) -> Result<(), String> {
        let mut replay = Replay::new(Venue::new(day.config.clone()));
        let mut out = Vec::new();
        for change in &self.history {
            if matches!(change.events.first(), Some(Event::DayOpened { .. })) {
                out.clear();
            }
            let needs = replay.needs(change);
            expect(needs.is_empty(), || format!("{needs:?} were over, and are not: {}", events(change)))?;
            replay.apply(change);
            if dice.chance(20) {
                let retired = replay.retire();
                retired.iter().for_each(|_| self.seen.one("retired"));
                out.extend(retired);
            }
        }
        let mut whole = Replay::new(self.venue.clone());
        out.extend(replay.retire_all());
        out.sort_by_key(|retired| retired.ticket.id);
        expect(out == whole.retire_all(), || "what was handed out differs".to_owned())?;
        expect(replay.venue() == whole.venue() && replay.held() == 0, || "what is left differs".to_owned())
    }

    fn time_passes(&mut self) -> Result<(), String> {
        let changes = self.venue.advance(self.now);
        for (at, change) in changes.iter().enumerate() {
            self.record(change, at + 1 == changes.len())?;
        }
        let due = self.venue.next_deadline();
        let now = self.now.max(self.venue.at());
        expect(due.is_some_and(|due| due > now), || format!("due {due:?} is not after {now}"))?;
        expect(self.venue.day().holds(now), || format!("{now} is not in {:?}", self.venue.day()))
    }

    fn ask(&mut self, command: &Command, refilled: bool) -> Result<(), String> {
        self.time_passes()?;
        self.story.push(format!("{} {:?} asks {:?}", self.now, command.by, command.action));
        let before = self.venue.clone();
        let decided = self.venue.decide(command, self.now);
        expect(decided == before.decide(command, self.now), || "decided differently twice".to_owned())?;
        match self.venue.execute(command, self.now) {
            Ok(Decision::Changed(change)) => {
                let (events, outcome) = decided.map_err(|refusal| format!("decided {refusal:?}, but executed"))?;
                let prefix = change.events.starts_with(&events) && change.outcome == outcome;
                expect(prefix, || "executed something else than was decided".to_owned())?;
                self.record(&change, true)?;
                self.announced_is_projected(&change)?;
                if change.outcome == Outcome::NobodyWaiting {
                    self.seen.one("nobody waiting");
                    // Whoever has just ended a step is only in the queue when the call is over.
                    if !change.events.iter().any(|event| matches!(event, Event::StepCompleted { .. })) {
                        self.oracle.nobody_waiting(&command.action, change.at)?;
                    }
                }
                if refilled && command.id.is_some() {
                    self.repeated(command, &change)?;
                }
            }
            Ok(Decision::Unchanged(outcome)) => {
                expect(before == self.venue, || "changed, but said nothing".to_owned())?;
                if outcome == Outcome::NobodyWaiting {
                    self.seen.one("nobody waiting");
                    self.oracle.nobody_waiting(&command.action, self.now.max(self.venue.at()))?;
                }
            }
            Ok(Decision::Repeated(_)) => return Err("a new wish was taken for an old one".to_owned()),
            Err(refusal) => {
                self.seen.one("refusal");
                self.story.push(format!("  refused: {refusal:?}"));
                expect(before == self.venue, || "refused, but changed".to_owned())?;
            }
        }
        Ok(())
    }

    /// The wait told with a number is that of everybody who will be called before.
    fn announced_is_projected(&mut self, change: &Change) -> Result<(), String> {
        // Whoever goes to a door after it was said may go before others at another.
        let moved = |event: &Event| matches!(event, Event::TicketSentInside { .. } | Event::TicketSentBack { .. });
        if change.events.iter().any(moved) {
            return Ok(());
        }
        for event in &change.events {
            let Event::WaitAnnounced { ticket, raw } = event else { continue };
            let service = self.venue.ticket(*ticket).map(|ticket| ticket.service.clone()).unwrap();
            let declared = self.venue.config().service(&service).unwrap();
            let forecast = self.venue.forecast(&service).map_err(|unknown| format!("announced: {unknown:?}"))?;
            let projected: Vec<_> = self.venue.project(&service, change.at).map(|call| call.choice.ticket).collect();
            let Some(place) = projected.iter().position(|called| called == ticket) else { continue };
            let load = |ahead: &TicketId| u64::from(self.venue.load_at(declared, *ahead));
            let ahead: u64 = projected[..place].iter().map(load).sum();
            expect(forecast.range(*raw) == forecast.wait_behind(ahead), || {
                format!("{ticket} was told {raw:?}, with loads of {ahead} ahead")
            })?;
            self.seen.one("announced wait");
            if self.venue.queue(&service).is_some_and(|queue| queue.is_behind_all(*ticket, change.at)) {
                self.seen.one("announced to the last");
            }
        }
        Ok(())
    }

    fn repeated(&mut self, command: &Command, change: &Change) -> Result<(), String> {
        let before = self.venue.clone();
        match self.venue.execute(command, self.now) {
            Ok(Decision::Repeated(receipt)) if receipt.seq == change.seq && receipt.outcome == change.outcome => {}
            other => return Err(format!("a retry gave {other:?}")),
        }
        let mut reused = command.clone();
        reused.id.iter_mut().for_each(|id| id.fingerprint ^= 1);
        let refused = self.venue.execute(&reused, self.now);
        expect(refused == Err(callnext_engine::Refusal::IdempotencyKeyReused), || format!("reused: {refused:?}"))?;
        expect(before == self.venue, || "a retry changed something".to_owned())
    }

    /// Whatever became of the latest wish, asking again under its key does nothing twice.
    fn retry(&mut self) -> Result<(), String> {
        let Some(command) = self.latest.clone() else { return Ok(()) };
        let Some(receipt) = command.id.as_ref().and_then(|id| self.venue.receipt(id)).cloned() else { return Ok(()) };
        self.seen.one("retry");
        let before = self.venue.clone();
        let again = self.venue.execute(&command, self.now);
        expect(again == Ok(Decision::Repeated(receipt)), || format!("a retry gave {again:?}"))?;
        expect(before == self.venue, || "a retry changed something".to_owned())
    }

    /// Replays a change from its stored form; the venue itself may be further already, if more follow.
    fn record(&mut self, change: &Change, is_latest: bool) -> Result<(), String> {
        let json = serde_json::to_string(change).map_err(|error| error.to_string())?;
        self.story.push(format!("  {} {:?} {}", change.seq, change.outcome, events(change)));
        let read: Change = serde_json::from_str(&json).map_err(|error| format!("{error}: {json}"))?;
        expect(read == *change, || format!("{json} reads as {read:?}"))?;
        self.replica.apply(&read);
        self.ledger.hear(&self.replica, &read);
        self.history.push(read.clone());
        expect(!is_latest || self.replica == self.venue, || format!("replay differs after {json}"))?;
        let violations = self.replica.check();
        expect(violations.is_empty(), || format!("{violations:?} after {json}"))?;
        for event in &change.events {
            self.seen.one(format!("event {}", serde_json::to_value(event).unwrap()["event"].as_str().unwrap()));
        }
        self.oracle.judge(change, &self.replica, &mut self.seen)
    }

    /// Whom a counter is said to call is whom it calls, if it alone calls, again and again.
    fn previews_come_true(&mut self) -> Result<(), String> {
        // Whoever goes on to a next step comes new to its queue.
        if self.venue.live().any(|ticket| !ticket.steps.is_empty()) {
            return Ok(());
        }
        let now = self.now.max(self.venue.at());
        for (counter, next) in self.venue.previews(usize::MAX, now) {
            let alone = self.venue.preview(&counter.id, usize::MAX, now);
            expect(next == alone, || format!("{}: {next:?} asked with the others, {alone:?} alone", counter.id))?;
        }
        for counter in self.venue.counters().map(|counter| counter.id.clone()).collect::<Vec<_>>() {
            let mut later = self.venue.clone();
            // A turn may be the last that somebody waited for, who goes to another counter's door then.
            let goes_elsewhere = |change: &Change| {
                let to = |event: &Event| match event {
                    Event::TicketSentInside { counter, .. } => Some(counter.clone()),
                    _ => None,
                };
                change.events.iter().filter_map(to).any(|to| to != counter)
            };
            let open = Action::SetCounter { counter: counter.clone(), state: CounterState::Open, services: None };
            let opened = later.execute(&Command::system(open), now).map_err(|refusal| format!("{refusal:?}"))?;
            if matches!(&opened, Decision::Changed(change) if goes_elsewhere(change)) {
                continue;
            }
            let preview: Vec<_> = self.venue.preview(&counter, usize::MAX, now);
            let mut ends = false;
            for (at, expected) in preview.iter().enumerate() {
                let command = Command::system(Action::CallNext { counter: counter.clone() });
                let Ok(Decision::Changed(change)) = later.execute(&command, now) else {
                    return Err(format!("{counter}: nobody, but {expected:?} at {at} of the preview"));
                };
                let Outcome::Called { ticket, rule, .. } = change.outcome else {
                    return Err(format!("{counter}: {:?}, but {expected:?} at {at}", change.outcome));
                };
                expect((ticket, rule) == (expected.choice.ticket, expected.choice.rule), || {
                    format!("{counter}: {ticket} by {rule:?}, but {expected:?} at {at} of the preview")
                })?;
                self.seen.one("previewed call");
                ends = goes_elsewhere(&change);
                if ends {
                    break;
                }
            }
            if preview.len() < PREVIEW_MAX && !ends {
                let command = Command::system(Action::CallNext { counter: counter.clone() });
                let more = later.execute(&command, now);
                let called = matches!(&more, Ok(Decision::Changed(Change { outcome: Outcome::Called { .. }, .. })));
                expect(!called, || format!("{counter}: {more:?} behind the end of the preview"))?;
            }
        }
        Ok(())
    }

    /// What is projected is what happens when nobody new comes: the counters call in turn, at these times.
    fn projection_comes_true(&mut self) -> Result<(), String> {
        // Whoever goes on to a next step comes new to its queue.
        if self.venue.live().any(|ticket| !ticket.steps.is_empty()) {
            return Ok(());
        }
        let services: Vec<ServiceId> = self.venue.config().services.iter().map(|service| service.id.clone()).collect();
        for service in services {
            let counters: Vec<CounterId> =
                self.venue.open_counters(&service).map(|counter| counter.id.clone()).collect();
            let alone = |counter: &Counter| !counter.serves(&service) || counter.services.len() == 1;
            if counters.is_empty() || !self.venue.counters().all(alone) {
                continue;
            }
            let now = self.now.max(self.venue.at());
            let mut later = self.venue.clone();
            let mut turn = 0;
            let projected: Vec<_> = self.venue.project(&service, now).collect();
            let called_here = |wants: &CounterId| counters.contains(wants);
            let waiting = self.venue.tickets().filter(|ticket| {
                ticket.state == TicketState::Waiting
                    && ticket.service == service
                    && ticket.wants.as_ref().is_none_or(called_here)
            });
            let waiting = waiting.count();
            expect(projected.len() == waiting, || {
                format!("{service}: {waiting} wait, but {} calls are projected", projected.len())
            })?;
            for call in &projected {
                if call.at >= later.day().end {
                    break;
                }
                later.advance(call.at);
                let mut called = None;
                for step in 0..counters.len() {
                    let at = (turn + step) % counters.len();
                    let command = Command::system(Action::CallNext { counter: counters[at].clone() });
                    let Ok(Decision::Changed(Change { outcome, .. }) | Decision::Unchanged(outcome)) =
                        later.execute(&command, call.at)
                    else {
                        return Err(format!("{service}: {command:?} was refused in a projection"));
                    };
                    if let Outcome::Called { ticket, rule, .. } = outcome {
                        turn = at + 1;
                        called = Some((ticket, rule));
                        break;
                    }
                }
                let expected = Some((call.choice.ticket, call.choice.rule));
                expect(called == expected, || {
                    format!("{service}: projected {projected:?} from {now}, but at {} came {called:?}", call.at)
                })?;
                self.seen.one("projected call");
            }
        }
        Ok(())
    }
}

fn events(change: &Change) -> String {
    let short = |event: &Event| match event {
        Event::VenueConfigured { .. } => "VenueConfigured".to_owned(),
        Event::DayOpened { .. } => "DayOpened".to_owned(),
        other => format!("{other:?}"),
    };
    change.events.iter().map(short).collect::<Vec<_>>().join("; ")
}
