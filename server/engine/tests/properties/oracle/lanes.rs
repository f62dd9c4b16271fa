//! Who stands where in the lanes, and who is the first of each: where people join changes it (C1, C2, R5, R9).

use callnext_engine::config::{OrderInLane, OverflowJoin, Policy};
use callnext_engine::{CounterId, Joining, Lane, ServiceId, TicketId, Timestamp};

use super::{Is, Oracle, Person};

/// Where somebody stands in their lane: by the policy's order, and how far behind that they chose to stand.
pub(super) type Key = (i64, i64, u32, f64);

/// Right behind: as near as anybody can stand.
const RIGHT_BEHIND: f64 = 1.0 / 4_294_967_296.0;

impl Person {
    pub(super) fn place(&mut self, policy: &Policy) {
        let early = i64::from(policy.early_s) * 1000;
        let booked = self.slot.filter(|_| self.lane == Lane::Appointment).map(|slot| slot.start.0);
        // As if the slot had begun then, and they had come then.
        let (slot, came, waits_for) = match self.joins {
            Some(Joining::AsOf { at, .. }) => (booked.map(|_| at.0), at.0, Some(at.0)),
            Some(Joining::Shifted { slot }) => (Some(slot.0), self.queued, Some(slot.0)),
            // Could be called on site already.
            Some(Joining::OnSite) => (booked, self.queued, None),
            Some(Joining::AfterCalls { .. } | Joining::PerCalls) => (None, self.queued, None),
            None => (booked, self.queued, booked),
        };
        let in_order = |slot: Option<i64>| match policy.order {
            OrderInLane::SlotThenCheckIn => (slot.unwrap_or(0), came, self.count, 0.0),
            OrderInLane::Number => (0, 0, self.count, 0.0),
            OrderInLane::CheckIn => (0, came, self.count, 0.0),
        };
        self.key = match (self.joins, policy.order) {
            (Some(Joining::AfterCalls { due }), _) => (i64::from(due), came, self.count, 0.0),
            (Some(Joining::PerCalls), _) => (0, came, self.count, 0.0),
            (Some(Joining::AsOf { count, .. }), OrderInLane::Number) => (0, 0, count, RIGHT_BEHIND),
            _ => in_order(slot),
        };
        let on_site = self.joins == Some(Joining::OnSite) && self.lane == Lane::WalkIn;
        let own = self.slot.filter(|_| on_site).map(|slot| slot.start.0);
        self.turns = own.map(|start| (start - early, in_order(Some(start))));
        self.since = waits_for.map_or(self.joined, |from| self.joined.max(from - early));
        self.put_off = matches!(self.joins, Some(Joining::AsOf { .. })) && self.since > self.joined;
    }

    /// Under another rule their slot has not begun yet, although it had: they are on site again.
    pub(super) fn is_booked_no_more(&mut self, policy: &Policy, now: Timestamp) {
        let turns = self.slot.map(|slot| slot.start.0 - i64::from(policy.early_s) * 1000);
        if self.joins == Some(Joining::OnSite) && turns.is_some_and(|turns| turns > now.0) {
            self.lane = Lane::WalkIn;
        }
    }

    /// Whether they stand in no lane, and come when others have been called.
    pub(super) fn is_by_calls(&self) -> bool {
        matches!(self.joins, Some(Joining::AfterCalls { .. } | Joining::PerCalls))
    }

    /// The lane they stand in at a moment, and where in it.
    pub(super) fn stands(&self, now: Timestamp) -> (Lane, Key) {
        match self.turns {
            Some((until, key)) if until <= now.0 => (Lane::Appointment, key),
            _ => (self.lane, self.key),
        }
    }

    /// Whether they stand in the same line as another: a lane, or beside the lanes.
    pub(super) fn is_in_line_with(&self, other: &Self) -> bool {
        let kind = |person: &Self| {
            person.joins.filter(|_| person.is_by_calls()).map(|joins| match joins {
                Joining::AfterCalls { .. } => None,
                _ => Some(person.lane),
            })
        };
        let lane = |person: &Self| (!person.is_by_calls()).then_some(person.lane);
        kind(self) == kind(other) && lane(self) == lane(other)
    }
}

impl Oracle {
    /// The first of each lane that has somebody these counters can call, who was not told to get ready.
    pub(super) fn heads(&self, service: &ServiceId, counters: &[CounterId], now: Timestamp) -> Vec<(Lane, TicketId)> {
        let untold: Vec<&Person> = self
            .eligible(service, counters, now)
            .filter(|person| !self.is_ready(person) && !person.is_by_calls())
            .collect();
        let of = |lane: Lane| {
            let here = untold.iter().map(|person| (person.stands(now), *person));
            first(here.filter(|((stands, _), _)| *stands == lane).map(|((_, key), person)| (key, person)))
        };
        let join = self.policy(service).overflow_join;
        let overflow = of(Lane::Overflow);
        let others = |lanes: &[Lane]| lanes.iter().any(|lane| *lane != Lane::Overflow && of(*lane).is_some());
        let mut heads = Vec::new();
        for lane in Lane::ALL {
            let Some(mut head) = of(lane) else { continue };
            match (join, lane) {
                // R5: no turn of its own while those it joins have somebody, or anybody else has.
                (OverflowJoin::TriageTime, Lane::Overflow) if others(&[Lane::Appointment, Lane::WalkIn]) => continue,
                (OverflowJoin::Last, Lane::Overflow) if others(&Lane::ALL) => continue,
                // R5: whoever came to triage before the first of the lane takes its turn.
                (OverflowJoin::TriageTime, Lane::Appointment | Lane::WalkIn) => {
                    head = overflow.filter(|added| triage(added, now) < triage(head, now)).unwrap_or(head);
                }
                _ => {}
            }
            heads.push((lane, head.id));
        }
        heads
    }

    /// Those of a service who stand in the line of a person who steps back, not told, with where they stand and from
    /// when on they can be called there.
    pub(super) fn line_of(&self, person: &Person) -> Vec<(Key, TicketId, i64)> {
        let ready = self.ready.get(&person.service).cloned().unwrap_or_default();
        let here = self.people.values().filter(|other| {
            other.is == Is::Waiting
                && other.id != person.id
                && other.urgent.is_none()
                && other.service == person.service
                && other.wants == person.wants
                && !ready.contains(&other.id)
        });
        let mut line: Vec<(Key, TicketId, i64)> = Vec::new();
        for other in here {
            if other.is_in_line_with(person) {
                line.push((other.key, other.id, other.since));
            }
            // Who will stand among the booked has a place there already.
            if let Some((until, key)) = other.turns
                && person.lane == Lane::Appointment
                && !person.is_by_calls()
            {
                line.push((key, other.id, until));
            }
        }
        line.sort_by(|a, b| (a.0, a.1).partial_cmp(&(b.0, b.1)).unwrap());
        line
    }
}

/// The later of slot and check-in, then the number; where the order is by number, that alone.
fn triage(person: &Person, now: Timestamp) -> (i64, u32, f64) {
    let (_, (slot, came, count, behind)) = person.stands(now);
    (slot.max(came), count, behind)
}

/// Who stands before all others.
pub(super) fn first<'a>(people: impl Iterator<Item = (Key, &'a Person)>) -> Option<&'a Person> {
    let by_place = |a: &(Key, &Person), b: &(Key, &Person)| (a.0, a.1.id).partial_cmp(&(b.0, b.1.id)).unwrap();
    people.min_by(by_place).map(|(_, person)| person)
}
