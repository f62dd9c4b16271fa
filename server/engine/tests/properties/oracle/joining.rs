//! Judging where people join who were missed, came late or came early (C1, C2, R9), whose turn it is of those who
//! join by calls, and that nothing due by itself is left undone.

use callnext_engine::config::{EarlyCheckIn, LateJoin, Miss, MissedRejoin, NoShowAt, Policy};
use callnext_engine::ticket::Slot;
use callnext_engine::{CounterId, Joining, Lane, ServiceId, TicketId, Timestamp};

use super::{Is, Oracle, Person, expect, first};
use crate::play::Seen;

/// Turns given since the latest of the missed, or of the late, who join one per so many.
pub(super) type Turns = std::collections::BTreeMap<(ServiceId, Lane), u32>;

impl Oracle {
    /// C1: where somebody missed goes who reports again now.
    fn rejoins(&self, person: &Person, now: Timestamp) -> Option<Joining> {
        let policy = self.policy(&person.service);
        match policy.missed.rejoin {
            MissedRejoin::Lane => None,
            MissedRejoin::AfterCalls => {
                Some(Joining::AfterCalls { due: self.calls_made(&person.service) + policy.missed.calls })
            }
            MissedRejoin::PerCalls => Some(Joining::PerCalls),
            MissedRejoin::SlotEnd => Some(self.as_of(&person.service, slot_end(&policy, now) - 1)),
            MissedRejoin::SessionEnd => Some(self.as_of(&person.service, self.session_end(now) - 1)),
            MissedRejoin::Tail => Some(self.as_of(&person.service, now.0)),
        }
    }

    pub(super) fn requeued(
        &mut self,
        id: TicketId,
        joining: Option<Joining>,
        at: Timestamp,
        seen: &mut Seen,
    ) -> Result<(), String> {
        let person = self.person(id)?.clone();
        let joins = self.rejoins(&person, at);
        expect(joining == joins, || format!("{id} rejoins {joining:?}, not {joins:?}"))?;
        seen.one(format!("rejoining {:?}", self.policy(&person.service).missed.rejoin));
        self.leave(id, &[Is::Missed])?;
        let in_own_lane = matches!(joins, Some(Joining::AsOf { .. }));
        let lane = if in_own_lane { person.lane } else { Lane::Missed };
        self.begins_to_count(&person.service, lane, joins);
        self.wait(id, |person| {
            (person.lane, person.queued, person.joined, person.joins) = (lane, at.0, at.0, joins);
        });
        Ok(())
    }

    /// C2, R9: where somebody goes who is booked for this slot and checks in now.
    pub(super) fn checks_in(
        &self,
        service: &ServiceId,
        slot: Slot,
        now: Timestamp,
    ) -> Result<(Lane, Option<Joining>), String> {
        let policy = self.policy(service);
        if now >= slot.end {
            return Ok(match policy.late.rejoin {
                LateJoin::Lane => (Lane::Late, None),
                LateJoin::PerCalls => (Lane::Late, Some(Joining::PerCalls)),
                LateJoin::Shifted => {
                    let slot = Timestamp(slot.start.0 + now.0 - slot.end.0);
                    (Lane::Appointment, Some(Joining::Shifted { slot }))
                }
                LateJoin::SlotEnd => (Lane::Appointment, Some(self.as_of(service, slot_end(&policy, now) - 1))),
                LateJoin::SessionEnd => (Lane::Appointment, Some(self.as_of(service, self.session_end(now) - 1))),
                LateJoin::AsNormal => (Lane::Appointment, None),
            });
        }
        let not_early = slot.start.0 - i64::from(policy.check_in_early_s) * 1000;
        let callable = slot.start.0 - i64::from(policy.early_s) * 1000;
        let early = now.0 < not_early;
        let refused = early && policy.check_in_early == EarlyCheckIn::Refuse;
        expect(!refused, || format!("checked in at {now}, before {}", Timestamp(not_early)))?;
        if early && policy.check_in_early == EarlyCheckIn::WalkIn && now.0 < callable {
            return Ok((Lane::WalkIn, Some(Joining::OnSite)));
        }
        Ok((Lane::Appointment, None))
    }

    fn as_of(&self, service: &ServiceId, at: i64) -> Joining {
        let prefix = &self.config().services.iter().find(|known| known.id == *service).unwrap().prefix;
        Joining::AsOf { at: Timestamp(at), count: self.given.get(prefix).copied().unwrap_or_default() }
    }

    /// The end of the session to which a moment belongs: the first that is not over; or of the day.
    fn session_end(&self, now: Timestamp) -> i64 {
        let not_over = self.sessions.iter().find(|session| now < session.end);
        not_over.map_or(self.day_end, |session| session.end.0)
    }

    /// The session to which quotas and numbers of a moment count.
    pub(super) fn counting_session(&self, at: i64) -> Option<usize> {
        let not_over = self.sessions.iter().position(|session| at < session.end.0);
        not_over.or_else(|| self.sessions.len().checked_sub(1))
    }

    /// Today's calls of a service, of every kind.
    fn calls_made(&self, service: &ServiceId) -> u32 {
        let made = self.calls.iter().filter(|call| call.service == *service && !call.is_sent);
        u32::try_from(made.count()).unwrap()
    }

    /// Those who stand in no lane and were not told yet.
    fn by_calls<'a>(
        &'a self,
        service: &'a ServiceId,
        counters: &'a [CounterId],
    ) -> impl Iterator<Item = (&'a Person, Joining)> {
        let here = self.waiting(service, counters).filter(|person| person.urgent.is_none() && !self.is_ready(person));
        here.filter_map(|person| Some((person, person.joins.filter(|_| person.is_by_calls())?)))
    }

    /// C1, C2: whose calls have been made, or whose turns given, of those these counters can call.
    pub(super) fn due_to_rejoin(&self, service: &ServiceId, counters: &[CounterId], told: usize) -> Option<TicketId> {
        let at_doors = self.doors.values().flatten().filter(|(_, id)| self.people[id].service == *service).count();
        let made = usize::try_from(self.calls_made(service)).unwrap() + at_doors + told;
        let made = i64::try_from(made).unwrap();
        // Whoever stepped back behind another comes with them: the first of the key is the calls they wait for.
        let after = self
            .by_calls(service, counters)
            .filter(|(person, joins)| matches!(joins, Joining::AfterCalls { .. }) && person.key.0 <= made);
        let after = first(after.map(|(person, _)| (person.key, person))).map(|person| person.id);
        let one_per = || {
            let policy = self.policy(service);
            [(Lane::Missed, policy.missed.calls), (Lane::Late, policy.late.calls)].into_iter().find_map(
                |(lane, calls)| {
                    let given = self.turns.get(&(service.clone(), lane)).copied().unwrap_or_default();
                    if given >= calls { self.first_per_calls(service, counters, lane) } else { None }
                },
            )
        };
        after.or_else(one_per)
    }

    /// Who comes before their calls have been made, when nobody else can be called.
    pub(super) fn before_their_calls(&self, service: &ServiceId, counters: &[CounterId]) -> Option<TicketId> {
        let after = self.by_calls(service, counters).filter(|(_, joins)| matches!(joins, Joining::AfterCalls { .. }));
        let after = first(after.map(|(person, _)| (person.key, person))).map(|person| person.id);
        let missed = || self.first_per_calls(service, counters, Lane::Missed);
        let late = || self.first_per_calls(service, counters, Lane::Late);
        after.or_else(missed).or_else(late)
    }

    fn first_per_calls(&self, service: &ServiceId, counters: &[CounterId], lane: Lane) -> Option<TicketId> {
        let here = self.by_calls(service, counters);
        let here = here.filter(|(person, joins)| *joins == Joining::PerCalls && person.lane == lane);
        first(here.map(|(person, _)| (person.key, person))).map(|person| person.id)
    }

    /// Counts from now for those who join one per so many turns, unless somebody waits for them already.
    pub(super) fn begins_to_count(&mut self, service: &ServiceId, lane: Lane, joins: Option<Joining>) {
        let everywhere: Vec<CounterId> = self.config().counters.iter().map(|counter| counter.id.clone()).collect();
        if joins == Some(Joining::PerCalls) && self.first_per_calls(service, &everywhere, lane).is_none() {
            self.turns.insert((service.clone(), lane), 0);
        }
    }

    /// Somebody is told, sent to a door or called, by a rule and without having been told.
    pub(super) fn has_a_turn(&mut self, person: &Person, shares: bool) {
        let service = &person.service;
        if shares {
            for lane in [Lane::Missed, Lane::Late] {
                *self.turns.entry((service.clone(), lane)).or_default() += 1;
            }
        } else if person.joins == Some(Joining::PerCalls) {
            self.turns.insert((service.clone(), person.lane), 0);
        }
    }

    /// A second miss is final; nobody is missed before their slot, nor before grace and recalls have passed.
    pub(super) fn missed(&mut self, id: TicketId, is_final: bool, at: Timestamp) -> Result<(), String> {
        let person = self.person(id)?.clone();
        let policy = self.policy(&person.service);
        expect(person.slot.is_none_or(|slot| slot.start <= at), || format!("{id} was missed before their slot"))?;
        let called = person.called.ok_or("oracle: missed, but never called")?;
        let graced = at.0 - called >= i64::from(policy.grace_s) * 1000;
        expect(graced, || format!("{id}, called at {}, was missed within the grace", Timestamp(called)))?;
        let recalls = person.recalls;
        expect(recalls >= policy.recalls_min, || format!("{id} was missed after {recalls} recalls"))?;
        let last = person.misses + 1 >= policy.misses_max;
        expect(is_final == last, || {
            format!("{id}: miss {} of {} is final: {is_final}", person.misses + 1, policy.misses_max)
        })?;
        self.leave(id, &[Is::Called])?;
        self.people.get_mut(&id).unwrap().misses += 1;
        self.set(id, if is_final { Is::Over } else { Is::Missed });
        Ok(())
    }

    /// B12: before the day ends only those who were missed and not back by the end of their session.
    pub(super) fn not_shown(&self, id: TicketId, at: Timestamp) -> Result<(), String> {
        let person = self.person(id)?;
        let policy = self.policy(&person.service);
        let over = self.sessions.iter().any(|session| {
            at.0 >= session.end.0 + i64::from(policy.no_show_after_s) * 1000
                && person.called.is_none_or(|called| called < session.end.0)
        });
        let missed = person.is == Is::Missed && policy.no_show == NoShowAt::SessionEnd && over;
        expect(at.0 >= self.day_end || missed, || format!("{id} is a no-show at {at}, being {:?}", person.is))
    }

    /// R9: from this moment on among the booked, and not later.
    pub(super) fn slot_began(&mut self, id: TicketId, at: Timestamp) -> Result<(), String> {
        let person = self.person(id)?.clone();
        let began = person.turns.is_some_and(|(until, _)| until <= at.0);
        expect(began && person.is == Is::Waiting, || format!("the slot of {id} began, but {person:?}"))?;
        expect(!self.is_ready(&person), || format!("{id} was told, and stays told"))?;
        self.wait(id, |person| person.lane = Lane::Appointment);
        // Whoever let others go first was not overtaken by them.
        let began = self.people.get_mut(&id).unwrap();
        began.since = began.since.max(person.since);
        Ok(())
    }

    /// Whatever happens by itself has happened before anything later does.
    pub(super) fn nothing_is_left_undone(&self, at: Timestamp) -> Result<(), String> {
        let latest = self.latest.map_or(i64::MIN, |(_, latest)| latest.0);
        for person in self.people.values() {
            let due = match person.is {
                Is::Waiting if person.urgent.is_none() && !self.is_ready(person) => {
                    person.turns.map(|(until, _)| until)
                }
                Is::Called => self.left_alone(person),
                _ => None,
            };
            let late = due.is_some_and(|due| due.max(latest) < at.0.min(self.day_end));
            expect(!late, || format!("nothing happened to {} at {due:?}, before {at}", person.id))?;
        }
        Ok(())
    }

    /// When somebody who was called and does not come is recalled or missed by itself.
    fn left_alone(&self, person: &Person) -> Option<i64> {
        let policy = &self.config().services.iter().find(|known| known.id == person.service)?.policy;
        let called = person.called?;
        if person.recalls < policy.recalls_min {
            let every = i64::from(policy.recall_every_s) * 1000;
            return (every > 0).then_some(called + every);
        }
        let graced = called + i64::from(policy.grace_s) * 1000;
        (policy.miss == Miss::Automatic).then(|| person.slot.map_or(graced, |slot| graced.max(slot.start.0)))
    }
}

/// The end of the present slot of the grid: the clock on the wall is whole hours ahead of the calendar's.
fn slot_end(policy: &Policy, now: Timestamp) -> i64 {
    let length = i64::from(policy.slot_min) * 60_000;
    (now.0.div_euclid(length) + 1) * length
}
