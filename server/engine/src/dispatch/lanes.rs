//! The cycle over the lanes of one service (R1), and what a call costs its lane.
//!
//! **Returns going even** (B11). While they do, turns are given in two steps. First between three: all first
//! visits together, returns, and missed people; first visits and returns have the weight of `return_visit`, so
//! they go 1 : 1, and missed people keep theirs. Then, of the first visits, between their lanes, by their own
//! weights. So "two first visits, one return, one missed" becomes one of each. For each of the two steps the
//! shares hold within one call while the mode lasts; lanes that the mode takes out of the ordinary cycle stand
//! still there, and go on where they stood.

use serde::{Deserialize, Serialize};

use crate::dispatch::cycle::{Cycle, Present};
use crate::lane::{Lane, Lanes, Weights};

/// Whose share of the cycle a call takes, and among whom: kept in the event, so that replay does not ask again
/// who was eligible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The lane that is charged.
    pub lane: Lane,
    /// The lanes that had somebody eligible, itself included.
    pub among: Lanes,
    /// The lanes that had somebody eligible for other counters only: they keep their turn until one is free.
    #[serde(default, skip_serializing_if = "Lanes::is_empty")]
    pub elsewhere: Lanes,
    /// Whether returns went even (B11).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub even: bool,
}

/// Whose turn it is while returns go even.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Party {
    FirstVisits,
    Returns,
    Missed,
}

impl Party {
    const fn of(lane: Lane) -> Self {
        match lane {
            Lane::ReturnVisit => Self::Returns,
            Lane::Missed => Self::Missed,
            // R7: whoever is sent on is a first visit here.
            Lane::Appointment | Lane::WalkIn | Lane::Overflow | Lane::Late | Lane::Referral => Self::FirstVisits,
        }
    }

    fn weight(self, weights: &Weights) -> u32 {
        match self {
            Self::FirstVisits | Self::Returns => weights.of(Lane::ReturnVisit),
            Self::Missed => weights.of(Lane::Missed),
        }
    }

    fn all_of(lanes: Lanes) -> Vec<Self> {
        let mut parties: Vec<Self> = lanes.iter().map(Self::of).collect();
        parties.sort_unstable();
        parties.dedup();
        parties
    }
}

/// Whether this lane is one of first visits (B11, R7).
pub(super) fn is_first_visit(lane: Lane) -> bool {
    Party::of(lane) == Party::FirstVisits
}

/// The position of a service's cycle.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LaneCycle {
    lanes: Cycle<Lane>,
    /// Asked first, while returns go even.
    parties: Cycle<Party>,
}

impl LaneCycle {
    /// Whose turn it is among the lanes that have somebody eligible; ties go by the order of [`Lane::ALL`].
    pub fn turn(&self, among: Lanes, even: bool, weights: &Weights) -> Option<Lane> {
        let lane_of = |lanes: &mut dyn Iterator<Item = Lane>| self.lanes.turn(lanes, |lane| weights.of(*lane));
        if !even {
            return lane_of(&mut among.iter());
        }
        let party = self.parties.turn(Party::all_of(among), |party| party.weight(weights))?;
        lane_of(&mut among.iter().filter(|lane| Party::of(*lane) == party))
    }

    /// Charges a call to a lane, in turn or out of it.
    pub fn charge(&mut self, share: &Share, weights: &Weights) {
        if share.even {
            self.charge_even(*share, weights);
        } else {
            let present = Present { among: &share.among.row(), elsewhere: &share.elsewhere.row(), paused: &[] };
            self.lanes.charge(&share.lane, &present, |lane| weights.of(*lane));
        }
    }

    fn charge_even(&mut self, share: Share, weights: &Weights) {
        let among = Party::all_of(share.among);
        let mut elsewhere = Party::all_of(share.elsewhere);
        elsewhere.retain(|party| !among.contains(party));
        let present = Present { among: &among, elsewhere: &elsewhere, paused: &[] };
        self.parties.charge(&Party::of(share.lane), &present, |party| party.weight(weights));
        if is_first_visit(share.lane) {
            let first_visits =
                |lanes: Lanes| lanes.iter().filter(|lane| is_first_visit(*lane)).collect::<Lanes>().row();
            let (among, elsewhere) = (first_visits(share.among), first_visits(share.elsewhere));
            let paused = [Lane::ReturnVisit, Lane::Missed];
            let present = Present { among: &among, elsewhere: &elsewhere, paused: &paused };
            self.lanes.charge(&share.lane, &present, |lane| weights.of(*lane));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lanes(these: &[Lane]) -> Lanes {
        these.iter().copied().collect()
    }

    fn run(cycle: &mut LaneCycle, among: &[Lane], weights: &Weights, calls: usize) -> Vec<Lane> {
        let among = lanes(among);
        (0..calls)
            .map(|_| {
                let lane = cycle.turn(among, false, weights).unwrap();
                cycle.charge(&Share { lane, among, elsewhere: Lanes::default(), even: false }, weights);
                lane
            })
            .collect()
    }

    #[test]
    fn r1_seven_to_three_is_interleaved_not_batched() {
        let weights = Weights::new([(Lane::Appointment, 7), (Lane::WalkIn, 3)]);
        let calls = run(&mut LaneCycle::default(), &[Lane::Appointment, Lane::WalkIn], &weights, 20);
        let text: String = calls.iter().map(|lane| if *lane == Lane::Appointment { 'a' } else { 'w' }).collect();
        assert_eq!(text, "aawaawaaawaawaawaaaw");
    }

    #[test]
    fn b11_two_first_visits_one_return_one_missed() {
        let weights = Weights::new([(Lane::Appointment, 2), (Lane::ReturnVisit, 1), (Lane::Missed, 1)]);
        let among = [Lane::Appointment, Lane::ReturnVisit, Lane::Missed];
        let calls = run(&mut LaneCycle::default(), &among, &weights, 8);
        for round in calls.chunks(4) {
            assert_eq!(round.iter().filter(|lane| **lane == Lane::Appointment).count(), 2, "{calls:?}");
        }
    }

    #[test]
    fn r1_an_empty_lane_banks_nothing() {
        let weights = Weights::new([(Lane::Appointment, 1), (Lane::WalkIn, 1)]);
        let mut cycle = LaneCycle::default();
        run(&mut cycle, &[Lane::Appointment], &weights, 100);
        let calls = run(&mut cycle, &[Lane::Appointment, Lane::WalkIn], &weights, 4);
        assert_eq!(calls.iter().filter(|lane| **lane == Lane::WalkIn).count(), 2, "{calls:?}");
    }

    #[test]
    fn r1_leaving_and_coming_back_does_not_pay() {
        // Walk-ins flicker: there is somebody at every second call only. They still get no more than their share.
        let weights = Weights::new([(Lane::Appointment, 9), (Lane::WalkIn, 1)]);
        let mut cycle = LaneCycle::default();
        let mut walk_ins = 0;
        for call in 0..200 {
            let both = [Lane::Appointment, Lane::WalkIn];
            let among = if call % 2 == 0 { &both[..] } else { &both[..1] };
            walk_ins += run(&mut cycle, among, &weights, 1).iter().filter(|lane| **lane == Lane::WalkIn).count();
        }
        assert!(walk_ins <= 20, "{walk_ins}");
    }

    #[test]
    fn r1_a_debt_is_not_forgiven_by_leaving() {
        let weights = Weights::new([(Lane::Appointment, 1), (Lane::WalkIn, 1)]);
        let both = [Lane::Appointment, Lane::WalkIn];
        let mut cycle = LaneCycle::default();
        run(&mut cycle, &both, &weights, 2);
        for _ in 0..6 {
            // Out of turn, as the overdue are.
            cycle.charge(
                &Share { lane: Lane::WalkIn, among: lanes(&both), elsewhere: Lanes::default(), even: false },
                &weights,
            );
        }
        run(&mut cycle, &both[..1], &weights, 1);
        let calls = run(&mut cycle, &both, &weights, 5);
        assert!(!calls.contains(&Lane::WalkIn), "{calls:?}");
    }

    #[test]
    fn r1_waiting_for_another_counter_turns_no_clock_back() {
        let weights = Weights::new([(Lane::Appointment, 1), (Lane::WalkIn, 1), (Lane::Late, 1)]);
        let mut cycle = LaneCycle::default();
        let [far, here, new] = [Lane::Appointment, Lane::WalkIn, Lane::Late];
        run(&mut cycle, &[far, here], &weights, 2);
        for _ in 0..50 {
            cycle.charge(&Share { lane: here, among: lanes(&[here]), elsewhere: lanes(&[far]), even: false }, &weights);
        }
        // The counter is free at last: the lane that waited for it has its turns.
        assert_eq!(run(&mut cycle, &[far, here], &weights, 1), [far]);
        let calls = run(&mut cycle, &[here, new], &weights, 10);
        assert_eq!(
            calls.iter().filter(|lane| **lane == new).count(),
            5,
            "a newcomer has no fifty to make up: {calls:?}"
        );
    }

    fn run_even(cycle: &mut LaneCycle, share: (&[Lane], &[Lane]), weights: &Weights, calls: usize) -> Vec<Lane> {
        let (among, elsewhere) = (lanes(share.0), lanes(share.1));
        let turns = (0..calls).map(|_| {
            let lane = cycle.turn(among, true, weights).unwrap();
            cycle.charge(&Share { lane, among, elsewhere, even: true }, weights);
            lane
        });
        turns.collect()
    }

    #[test]
    fn b11_returns_go_even_with_first_visits_and_the_missed_by_their_weight() {
        let weights = Weights::new([(Lane::WalkIn, 9), (Lane::ReturnVisit, 3), (Lane::Missed, 1)]);
        let among = [Lane::WalkIn, Lane::ReturnVisit, Lane::Missed];
        let calls = run_even(&mut LaneCycle::default(), (&among, &[]), &weights, 14);
        let count = |lane| calls.iter().filter(|called| **called == lane).count();
        assert_eq!(among.map(count), [6, 6, 2], "{calls:?}");
    }

    #[test]
    fn b11_whoever_waits_for_another_counter_keeps_their_turn() {
        let weights = Weights::new([(Lane::WalkIn, 1), (Lane::ReturnVisit, 1), (Lane::Missed, 1)]);
        let mut cycle = LaneCycle::default();
        let here = [Lane::WalkIn, Lane::ReturnVisit];
        run_even(&mut cycle, (&here, &[Lane::Missed]), &weights, 6);
        let all = [Lane::WalkIn, Lane::ReturnVisit, Lane::Missed];
        assert_eq!(run_even(&mut cycle, (&all, &[]), &weights, 1), [Lane::Missed]);
    }
}
