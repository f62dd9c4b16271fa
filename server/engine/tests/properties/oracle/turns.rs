//! Judging the ratio (R1), and the returns that go even with first visits (B11).

use std::collections::BTreeMap;

use callnext_engine::dispatch::Share;
use callnext_engine::{CounterId, Lane, ServiceId, Timestamp};

use super::{Oracle, Person, expect};
use crate::play::Seen;

/// Turns given to two sides since both had somebody, weighed against each other; and how far that ever went.
#[derive(Debug, Clone, Default)]
pub(super) struct Balance {
    now: i64,
    low: i64,
    high: i64,
}

impl Balance {
    pub(super) fn moves(&mut self, by: i64) {
        self.now += by;
        (self.low, self.high) = (self.low.min(self.now), self.high.max(self.now));
    }

    pub(super) fn strayed(&self) -> i64 {
        self.high - self.low
    }
}

/// Some lanes that have one weight together: most often one lane.
type Side = Vec<Lane>;

pub(super) type Balances = BTreeMap<(ServiceId, Side, Side), Balance>;

const FIRST_VISITS: [Lane; 5] = [Lane::Appointment, Lane::WalkIn, Lane::Overflow, Lane::Late, Lane::Referral];

impl Oracle {
    /// R1: while two lanes both have somebody, the turns they get never stray more than one from their weights.
    /// B11: where returns go even, that is so for all first visits as one side with the weight of returns, for
    /// returns and for missed people; and inside the first visits for each of their lanes.
    pub(super) fn takes_a_turn(
        &mut self,
        person: &Person,
        counters: &[CounterId],
        share: Share,
        now: Timestamp,
        seen: &mut Seen,
    ) -> Result<(), String> {
        let (service, even) = (&person.service, share.even);
        let heads = self.heads(service, counters, now);
        let first = heads.iter().find(|(lane, _)| *lane == share.lane).map(|(_, id)| *id);
        expect(first == Some(person.id), || {
            format!("{} chosen for the turn of {:?}, before {first:?}", person.id, share.lane)
        })?;
        if share.lane != person.stands(now).0 {
            seen.one("turn taken by overflow");
        }
        let lanes = self.lanes(service, counters, now);
        let mut among: Vec<Lane> = share.among.iter().collect();
        among.sort();
        expect(among == lanes, || format!("{} chosen among {among:?}, not {lanes:?}", person.id))?;
        if lanes != self.lanes(service, &self.staffed(service), now) {
            // Somebody waits for another counter only: the promise is not given.
            self.tainted.push(service.clone());
        }
        self.goes_even(service, even, now)?;
        if self.tainted.contains(service) {
            return Ok(());
        }
        let weights = self.policy(service).weights;
        let alone = |lane: Lane| (vec![lane], i64::from(weights.of(lane)));
        let mut sides: Vec<(Side, i64)> = lanes.iter().copied().map(alone).collect();
        let mut pairs: Vec<(usize, usize)> = pairs(0, sides.len());
        if even {
            sides.sort_by_key(|(side, _)| !FIRST_VISITS.contains(&side[0]));
            let first = sides.iter().filter(|(side, _)| FIRST_VISITS.contains(&side[0])).count();
            if first > 0 {
                let together = sides[..first].iter().flat_map(|(side, _)| side.clone()).collect();
                sides.insert(first, (together, i64::from(weights.of(Lane::ReturnVisit))));
            }
            pairs = self::pairs(0, first);
            pairs.extend(self::pairs(first, sides.len()));
        }
        // All first visits are one side whichever of their lanes are there.
        let name = |side: &Side| if side.len() > 1 { FIRST_VISITS.to_vec() } else { side.clone() };
        let there: Vec<(Side, Side)> =
            pairs.iter().map(|(one, other)| (name(&sides[*one].0), name(&sides[*other].0))).collect();
        self.balances.retain(|(of, one, other), _| of != service || there.contains(&(one.clone(), other.clone())));
        for (one, other) in pairs {
            let ((one, w_one), (other, w_other)) = (&sides[one], &sides[other]);
            let balance = self.balances.entry((service.clone(), name(one), name(other))).or_default();
            if one.contains(&share.lane) {
                balance.moves(*w_other);
            } else if other.contains(&share.lane) {
                balance.moves(-w_one);
            }
            seen.one(if even { "even turn judged" } else { "turn judged" });
            let strayed = balance.strayed();
            expect(strayed <= w_one + w_other, || {
                format!("{one:?} and {other:?} strayed {strayed} at weights {w_one} and {w_other}, even: {even}")
            })?;
        }
        Ok(())
    }

    /// B11: returns go even exactly while more of them than first visits can be called and were not told yet.
    fn goes_even(&mut self, service: &ServiceId, even: bool, now: Timestamp) -> Result<(), String> {
        let here = self.people.values().filter(|person| {
            person.is == super::Is::Waiting
                && person.service == *service
                && person.urgent.is_none()
                && person.since <= now.0
                && !person.is_by_calls()
                && !self.is_ready(person)
        });
        let here: Vec<Lane> = here.map(|person| person.lane).collect();
        let returns = here.iter().filter(|lane| **lane == Lane::ReturnVisit).count();
        let first = here.iter().filter(|lane| FIRST_VISITS.contains(lane)).count();
        let should = self.policy(service).returns_even && returns > first;
        expect(even == should, || format!("{service}: {returns} returns, {first} first visits, even: {even}"))?;
        if even != self.even.contains(service) {
            // The promise is given for as long as the mode lasts.
            self.balances.retain(|of, _| of.0 != *service);
            self.even.retain(|of| of != service);
            if even {
                self.even.push(service.clone());
            }
        }
        Ok(())
    }
}

fn pairs(from: usize, to: usize) -> Vec<(usize, usize)> {
    (from..to).flat_map(|one| (one + 1..to).map(move |other| (one, other))).collect()
}
