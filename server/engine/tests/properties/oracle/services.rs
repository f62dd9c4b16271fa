//! Judging how a counter divides its calls between its services (C5).

use callnext_engine::event::{Rule, Why};
use callnext_engine::{CounterId, ServiceId, Timestamp};

use super::turns::Balance;
use super::{Oracle, expect};
use crate::play::Seen;

impl Oracle {
    /// While two services of a counter with weights both have somebody it can call, the calls they get by the
    /// cycle never stray more than one from the weights. The urgent, the overdue and those called by hand aside.
    pub(super) fn divides_fairly(
        &mut self,
        counter: &CounterId,
        service: &ServiceId,
        why: &Why,
        now: Timestamp,
        seen: &mut Seen,
    ) -> Result<(), String> {
        let declared = self.config().counters.iter().find(|declared| declared.id == *counter);
        let weights = declared.map(|declared| declared.weights.clone()).unwrap_or_default();
        let charged = !weights.is_empty() && !matches!(why.rule, Rule::Urgent | Rule::Inside | Rule::ByHand);
        expect(charged != why.services.is_empty(), || {
            format!("{counter} charges {:?} by {:?}", why.services, why.rule)
        })?;
        if !charged {
            return Ok(());
        }
        let early = why.rule == Rule::Early;
        let mut present = self.counters[counter].services.clone();
        let claim = |service: &ServiceId| self.claim_from_hall(service, counter, now);
        present.retain(|service| claim(service).is_some_and(|claim| early == (claim == 4)));
        expect(present == why.services, || format!("{counter} has {present:?}, but charged {:?}", why.services))?;
        if why.rule == Rule::Overdue && present.len() > 1 {
            self.indebted.push(counter.clone());
        }
        if self.indebted.contains(counter) {
            return Ok(());
        }
        let here = |service: &ServiceId| present.contains(service);
        self.divided.retain(|(of, one, other), _| of != counter || (here(one) && here(other)));
        for one in &present {
            for other in present.iter().filter(|other| *other > one) {
                let (w_one, w_other) = (i64::from(weights.of(one)), i64::from(weights.of(other)));
                let balance = self.divided.entry((counter.clone(), one.clone(), other.clone())).or_default();
                seen.one("division judged");
                balance.moves(if service == one {
                    w_other
                } else if service == other {
                    -w_one
                } else {
                    0
                });
                expect(balance.strayed() <= w_one + w_other, || {
                    format!("{counter}: {one} and {other} strayed {} at {w_one} and {w_other}", balance.strayed())
                })?;
            }
        }
        Ok(())
    }

    /// A call of this counter may have been taken back: what is given from here on is judged. Debts stay.
    pub(super) fn divides_on(&mut self, counter: &CounterId) {
        self.divided.retain(|(of, _, _), _| of != counter);
    }

    /// The weights of this counter are new: nothing is owed any more.
    pub(super) fn divides_anew(&mut self, counter: &CounterId) {
        self.divides_on(counter);
        self.indebted.retain(|of| of != counter);
    }
}

/// Calls given to two services of a counter since both had somebody.
pub(super) type Divided = std::collections::BTreeMap<(CounterId, ServiceId, ServiceId), Balance>;
