//! Judging the ratio (R1).

use callnext_engine::lane::Weights;
use callnext_engine::{CounterId, Timestamp};

use super::{Oracle, Person, expect};
use crate::play::Seen;

/// Turns given to two lanes since both had somebody, weighed against each other; and how far that ever went.
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

impl Oracle {
    /// R1: while two lanes both have somebody, the turns they get never stray more than one from their weights.
    pub(super) fn takes_a_turn(
        &mut self,
        person: &Person,
        counters: &[CounterId],
        staffed: &[CounterId],
        now: Timestamp,
        seen: &mut Seen,
    ) -> Result<(), String> {
        let service = &person.service;
        let lanes = self.lanes(service, counters, now);
        if lanes != self.lanes(service, staffed, now) {
            // Somebody waits for another counter only: the promise is not given.
            self.tainted.push(service.clone());
        }
        if self.tainted.contains(service) {
            return Ok(());
        }
        let weights: Weights = self.policy(service).weights;
        self.balances.retain(|(of, one, other), _| of != service || (lanes.contains(one) && lanes.contains(other)));
        for (at, one) in lanes.iter().enumerate() {
            for other in &lanes[at + 1..] {
                let (w_one, w_other) = (i64::from(weights.of(*one)), i64::from(weights.of(*other)));
                let balance = self.balances.entry((service.clone(), *one, *other)).or_default();
                balance.moves(match person.lane {
                    lane if lane == *one => w_other,
                    lane if lane == *other => -w_one,
                    _ => 0,
                });
                seen.one("turn judged");
                let strayed = balance.strayed();
                expect(strayed <= w_one + w_other, || {
                    format!("{one:?} and {other:?} strayed {strayed} at weights {w_one} and {w_other}")
                })?;
            }
        }
        Ok(())
    }
}
