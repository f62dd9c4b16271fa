//! Recounting whom each call passed over, from plain lists: what the call's event says, and what phones are told.

use std::collections::BTreeMap;

use callnext_engine::dispatch::{PASSED_MAX, PassedBy};
use callnext_engine::event::{Change, Rule, Why};
use callnext_engine::figures::Ledger;
use callnext_engine::story::{Storyteller, What};
use callnext_engine::ticket::Urgency;
use callnext_engine::{CounterId, Event, Lane, Venue};

use super::{Call, Is, Oracle, Person, expect};
use crate::play::Seen;

/// Stories told of a day: each is a replay.
const STORIES: usize = 3;

impl Oracle {
    /// The event names whom this call passes over, or sending somebody to the door: everybody it could have called
    /// who waits since earlier. Whoever was sent before passed over others then, and was overtaken before.
    pub(super) fn is_explained(
        &mut self,
        person: &Person,
        counter: &CounterId,
        why: &Why,
        sent: Option<&Call>,
        change: &Change,
        seen: &mut Seen,
    ) -> Result<(), String> {
        let now = change.at;
        let mut called = person.clone();
        if !matches!(called.is, Is::Waiting | Is::Inside) {
            // Away when called by hand: where they would have stood.
            called.place(&self.policy(&called.service));
        }
        let end = (called.since.min(now.0), called.id);
        let waiting = self.waiting(&person.service, std::slice::from_ref(counter));
        let mut passed: Vec<&Person> = waiting.collect();
        if matches!(why.rule, Rule::Urgent | Rule::ByHand) {
            let door = self.doors.get(counter).into_iter().flatten().map(|(_, id)| &self.people[id]);
            passed.extend(door.filter(|other| other.service == person.service));
        }
        passed.retain(|other| why.rule != Rule::Inside && (other.since, other.id) < end);
        passed.sort_by_key(|other| (other.since, other.id));
        let mut lanes: BTreeMap<Lane, u32> = BTreeMap::new();
        passed.iter().for_each(|other| *lanes.entry(other.lane).or_default() += 1);
        let first: Vec<_> = passed.iter().take(PASSED_MAX).map(|other| other.id).collect();
        expect(why.passed.lanes == lanes, || format!("{} passes over {lanes:?}, not {:?}", person.id, why.passed))?;
        expect(why.passed.first == first, || format!("{} passes over {first:?}, not {:?}", person.id, why.passed))?;
        let times = sent.map_or_else(|| self.overtaken(&called), |sent| sent.overtaken);
        expect(why.overtaken == times, || format!("{} was overtaken {times}, not {}", person.id, why.overtaken))?;
        if !passed.is_empty() {
            seen.one("call that passes over");
        }
        if passed.len() > PASSED_MAX {
            seen.one("call that passes over many");
        }
        for id in passed.iter().map(|other| other.id).collect::<Vec<_>>() {
            self.passed_by.entry(id).or_default().push((change.seq, person.id));
        }
        Ok(())
    }

    /// The stories of the last day name those calls, and the day's figures count them.
    pub fn stories_are_true(&self, history: &[Change], ledger: &Ledger, seen: &mut Seen) -> Result<(), String> {
        let opens = |change: &Change| change.events.iter().any(|event| matches!(event, Event::DayOpened { .. }));
        let from = history.iter().rposition(opens).ok_or("oracle: no day was opened")?;
        for (id, passed) in self.passed_by.iter().take(STORIES) {
            let mut teller = Storyteller::new(self.config().clone(), *id);
            history[from..].iter().for_each(|change| teller.hear(change));
            let story = teller.tell().ok_or_else(|| format!("{id} has no story"))?;
            let told = story.steps.iter().filter_map(|step| match &step.what {
                What::PassedOver(passed) => Some((step.seq, passed.number.clone())),
                _ => None,
            });
            let told: Vec<_> = told.collect();
            let own: Vec<_> = passed.iter().map(|(seq, by)| (*seq, self.people[by].number.clone())).collect();
            expect(told == own, || format!("{id} is told of {told:?}, not {own:?}"))?;
            seen.one("story");
        }
        let told = ledger.calls().map(|call| (call.ticket, call.class.lane, call.rule, call.overtaken));
        let own = self
            .calls
            .iter()
            .filter(|call| !call.is_sent)
            .map(|call| (call.ticket, call.lane, call.rule, call.overtaken));
        let (told, own): (Vec<_>, Vec<_>) = (told.collect(), own.collect());
        expect(told == own, || format!("the figures count {told:?}, not {own:?}"))
    }

    /// What every phone is told is what happened: calls of people whose wait began later, by what let them.
    pub(super) fn phones_are_told(&self, venue: &Venue, seen: &mut Seen) -> Result<(), String> {
        for person in self.people.values().filter(|person| person.is == Is::Waiting) {
            let mut counts: BTreeMap<PassedBy, u32> = BTreeMap::new();
            for call in self.passing(person) {
                *counts.entry(call.by).or_default() += 1;
            }
            let place = venue.ticket(person.id).and_then(|ticket| ticket.place.clone());
            let told =
                place.zip(venue.queue(&person.service)).map(|(place, queue)| queue.passed_over(person.id, &place));
            let own: Vec<(PassedBy, u32)> = counts.into_iter().collect();
            expect(told.as_ref() == Some(&own), || format!("{} is told {told:?}, not {own:?}", person.id))?;
            if !own.is_empty() {
                seen.one("phone told of others");
            }
        }
        Ok(())
    }
}

pub(super) fn passed_by(rule: Rule, person: &Person) -> PassedBy {
    match (rule, person.urgent, person.lane) {
        (Rule::Urgent, Some((Urgency::Emergency, _)), _) => PassedBy::Emergency,
        (Rule::Urgent, _, _) => PassedBy::GreenChannel,
        (Rule::Overdue, _, _) => PassedBy::Overdue,
        (Rule::ByHand, _, _) => PassedBy::ByHand,
        (_, _, Lane::Appointment) => PassedBy::Appointment,
        (_, _, Lane::WalkIn) => PassedBy::WalkIn,
        (_, _, Lane::Overflow) => PassedBy::Overflow,
        (_, _, Lane::ReturnVisit) => PassedBy::ReturnVisit,
        (_, _, Lane::Missed) => PassedBy::Missed,
        (_, _, Lane::Late) => PassedBy::Late,
        (_, _, Lane::Referral) => PassedBy::Referral,
    }
}
