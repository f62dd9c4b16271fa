//! The weighted cycle over lanes (R1): self-clocked fair queueing, in whole numbers.
//!
//! Every lane with somebody eligible holds a *tag*, the virtual time at which its next call is due; the
//! smallest tag is called, and the lane's next tag lies `UNIT / weight` later. A lane that had nobody joins
//! again at the present virtual time: an absence banks nothing, and a debt is not forgiven. While two lanes
//! both have somebody, their shares never stray more than one call from the weights (Golestani, "A
//! self-clocked fair queueing scheme for broadband applications", INFOCOM 1994).

use serde::{Deserialize, Serialize};

use crate::lane::{Lane, Weights};

/// One round of virtual time: the least common multiple of 1 to [`crate::lane::WEIGHT_MAX`], so that every
/// `UNIT / weight` is a whole number.
const UNIT: u64 = 232_792_560;

/// Whose share of the cycle a call takes, and among whom: kept in the event, so that replay does not ask again
/// who was eligible.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The lane that is charged.
    pub lane: Lane,
    /// The lanes that had somebody eligible, itself included.
    pub among: Vec<Lane>,
    /// The lanes that had somebody eligible for other counters only: they keep their turn until one is free.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<Lane>,
}

/// The position of the cycle: part of the venue's state, recovered and replicated with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cycle {
    /// Virtual time: the tag of the latest call.
    clock: u64,
    /// When each lane's next call is due; none where the lane had nobody eligible at the latest call.
    due: [Option<u64>; Lane::ALL.len()],
    /// When each lane's latest call was due.
    done: [u64; Lane::ALL.len()],
}

impl Cycle {
    /// Whose turn it is among the lanes that have somebody eligible; ties go by the order of [`Lane::ALL`].
    pub fn turn(&self, among: impl IntoIterator<Item = Lane>, weights: &Weights) -> Option<Lane> {
        among.into_iter().min_by_key(|lane| (self.tag(*lane, weights), *lane))
    }

    /// Charges a call to a lane, in turn or out of it.
    pub fn charge(&mut self, share: &Share, weights: &Weights) {
        let mut due = [None; Lane::ALL.len()];
        for lane in share.among.iter().chain(&share.elsewhere).chain([&share.lane]) {
            if let Some(slot) = due.get_mut(lane.index()) {
                *slot = Some(self.tag(*lane, weights));
            }
        }
        let charged = self.tag(share.lane, weights);
        // Time goes on with those who could be called; whoever waits for another counter does not stop it.
        let earliest = share.among.iter().map(|lane| self.tag(*lane, weights)).fold(charged, u64::min);
        self.clock = self.clock.max(earliest);
        self.due = due;
        if let (Some(due), Some(done)) = (self.due.get_mut(share.lane.index()), self.done.get_mut(share.lane.index())) {
            *done = charged;
            *due = Some(charged + step(share.lane, weights));
        }
    }

    fn tag(&self, lane: Lane, weights: &Weights) -> u64 {
        let done = self.done.get(lane.index()).copied().unwrap_or_default();
        let due = self.due.get(lane.index()).copied().flatten();
        due.unwrap_or_else(|| done.max(self.clock) + step(lane, weights))
    }
}

fn step(lane: Lane, weights: &Weights) -> u64 {
    UNIT / u64::from(weights.of(lane))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lane::WEIGHT_MAX;

    fn run(cycle: &mut Cycle, among: &[Lane], weights: &Weights, calls: usize) -> Vec<Lane> {
        (0..calls)
            .map(|_| {
                let lane = cycle.turn(among.iter().copied(), weights).unwrap();
                cycle.charge(&Share { lane, among: among.to_vec(), elsewhere: Vec::new() }, weights);
                lane
            })
            .collect()
    }

    #[test]
    fn every_weight_divides_the_unit() {
        assert!((1..=u64::from(WEIGHT_MAX)).all(|weight| UNIT.is_multiple_of(weight)));
    }

    #[test]
    fn r1_seven_to_three_is_interleaved_not_batched() {
        let weights = Weights::new([(Lane::Appointment, 7), (Lane::WalkIn, 3)]);
        let calls = run(&mut Cycle::default(), &[Lane::Appointment, Lane::WalkIn], &weights, 20);
        let text: String = calls.iter().map(|lane| if *lane == Lane::Appointment { 'a' } else { 'w' }).collect();
        assert_eq!(text, "aawaawaaawaawaawaaaw");
    }

    #[test]
    fn b11_two_first_visits_one_return_one_missed() {
        let weights = Weights::new([(Lane::Appointment, 2), (Lane::ReturnVisit, 1), (Lane::Missed, 1)]);
        let among = [Lane::Appointment, Lane::ReturnVisit, Lane::Missed];
        let calls = run(&mut Cycle::default(), &among, &weights, 8);
        for round in calls.chunks(4) {
            assert_eq!(round.iter().filter(|lane| **lane == Lane::Appointment).count(), 2, "{calls:?}");
        }
    }

    #[test]
    fn r1_an_empty_lane_banks_nothing() {
        let weights = Weights::new([(Lane::Appointment, 1), (Lane::WalkIn, 1)]);
        let mut cycle = Cycle::default();
        run(&mut cycle, &[Lane::Appointment], &weights, 100);
        let calls = run(&mut cycle, &[Lane::Appointment, Lane::WalkIn], &weights, 4);
        assert_eq!(calls.iter().filter(|lane| **lane == Lane::WalkIn).count(), 2, "{calls:?}");
    }

    #[test]
    fn r1_leaving_and_coming_back_does_not_pay() {
        // Walk-ins flicker: there is somebody at every second call only. They still get no more than their share.
        let weights = Weights::new([(Lane::Appointment, 9), (Lane::WalkIn, 1)]);
        let mut cycle = Cycle::default();
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
        let mut cycle = Cycle::default();
        run(&mut cycle, &both, &weights, 2);
        for _ in 0..6 {
            // Out of turn, as the overdue are.
            cycle.charge(&Share { lane: Lane::WalkIn, among: both.to_vec(), elsewhere: Vec::new() }, &weights);
        }
        run(&mut cycle, &both[..1], &weights, 1);
        let calls = run(&mut cycle, &both, &weights, 5);
        assert!(!calls.contains(&Lane::WalkIn), "{calls:?}");
    }

    #[test]
    fn r1_waiting_for_another_counter_turns_no_clock_back() {
        let weights = Weights::new([(Lane::Appointment, 1), (Lane::WalkIn, 1), (Lane::Late, 1)]);
        let mut cycle = Cycle::default();
        let [far, here, new] = [Lane::Appointment, Lane::WalkIn, Lane::Late];
        run(&mut cycle, &[far, here], &weights, 2);
        for _ in 0..50 {
            cycle.charge(&Share { lane: here, among: vec![here], elsewhere: vec![far] }, &weights);
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
}
