//! How many wait in each lane while a queue is drawn from: whether returns outnumber first visits (B11).

use crate::dispatch::draw::Choice;
use crate::dispatch::lanes::is_first_visit;
use crate::dispatch::queue::Queue;
use crate::lane::Lane;
use crate::time::Timestamp;

/// Those still in the lanes. Whoever was told to get ready has left them; whoever wants a counter that is busy,
/// or closed, has not.
#[derive(Debug)]
pub(super) struct Census {
    waiting: [usize; Lane::ALL.len()],
    /// From when on those could have been called who were drawn before their time.
    drawn_early: Vec<Timestamp>,
}

impl Census {
    pub(super) fn of(queue: &Queue) -> Self {
        Self { waiting: Lane::ALL.map(|lane| queue.lane(lane).len()), drawn_early: Vec::new() }
    }

    pub(super) fn leaves(&mut self, choice: &Choice, now: Timestamp) {
        if let Some(count) = self.waiting.get_mut(choice.lane.index()) {
            *count = count.saturating_sub(1);
        }
        if choice.since > now {
            self.drawn_early.push(choice.since);
        }
    }

    /// Whether more people are back with results than are here for the first time, of those who can be called.
    pub(super) fn returns_outnumber(&self, queue: &Queue, now: Timestamp) -> bool {
        let waiting = |lane: Lane| self.waiting.get(lane.index()).copied().unwrap_or_default();
        let first: usize = Lane::ALL.into_iter().filter(|lane| is_first_visit(*lane)).map(waiting).sum();
        let drawn = self.drawn_early.iter().filter(|since| **since > now).count();
        let early = queue.before_their_time(now).saturating_sub(drawn);
        waiting(Lane::ReturnVisit) > first.saturating_sub(early)
    }
}
