//! Whom a counter will call: asked by the call itself, and shown before it.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::ServiceWeights;
use crate::counter::{Counter, CounterState};
use crate::dispatch::{CounterChoice, CounterDraw, Queue, Reach, Served};
use crate::ids::{CounterId, ServiceId};
use crate::time::Timestamp;
use crate::venue::Venue;

/// Most calls of one counter that are looked ahead.
pub const PREVIEW_MAX: usize = 20;

static NO_WEIGHTS: ServiceWeights = ServiceWeights::NONE;

impl Venue {
    /// Whom this counter calls if it calls now, and again, and so on, while the other counters stand still,
    /// nobody new comes or is sent to another counter's door, and no time passes: at most [`PREVIEW_MAX`]. The first is the one `CallNext` calls.
    /// For a counter that is not open: as if it opened now.
    ///
    /// Unlike [`Venue::project`], which lets all counters of a service call in turn, this does not guess how fast
    /// the other counters are.
    pub fn preview(&self, counter: &CounterId, count: usize, now: Timestamp) -> Vec<CounterChoice<'_>> {
        let Some(counter) = self.counters.get(counter) else { return Vec::new() };
        let mut draw = self.draw_for(counter, now.max(self.at));
        let declared = self.config.counter(&counter.id).and_then(|declared| declared.second_waiting);
        let limit = declared.map_or(0, |area| usize::try_from(area.limit).unwrap_or(usize::MAX));
        if counter.state != CounterState::Open {
            draw.fill(limit);
        }
        let next = std::iter::from_fn(|| {
            let choice = draw.draw_next()?;
            draw.fill(limit);
            Some(choice)
        });
        next.take(count.min(PREVIEW_MAX)).collect()
    }

    /// The same of every counter, in the order of the declaration. Counters of which nobody wants any one, and which
    /// have no doors and no weights, will call the same people: a hall has many, and they are asked once.
    pub fn previews(&self, count: usize, now: Timestamp) -> Vec<(&Counter, Vec<CounterChoice<'_>>)> {
        let wanted: BTreeSet<&CounterId> = self.queues.values().flat_map(Queue::wanted).collect();
        let is_like_others = |counter: &Counter| {
            let declared = self.config.counter(&counter.id);
            let is_plain = declared.is_none_or(|it| it.second_waiting.is_none() && it.weights.is_empty());
            is_plain && !wanted.contains(&counter.id)
        };
        let mut known: BTreeMap<(&[ServiceId], bool), Vec<CounterChoice<'_>>> = BTreeMap::new();
        let preview = |counter: &Counter| self.preview(&counter.id, count, now);
        let each = self.counters().map(|counter| {
            let next = if is_like_others(counter) {
                let work = (counter.services.as_slice(), counter.state == CounterState::Open);
                known.entry(work).or_insert_with(|| preview(counter)).clone()
            } else {
                preview(counter)
            };
            (counter, next)
        });
        each.collect()
    }

    /// What this counter can call now.
    pub(super) fn draw_for<'v>(&'v self, counter: &'v Counter, now: Timestamp) -> CounterDraw<'v> {
        let weights = self.config.counter(&counter.id).map_or(&NO_WEIGHTS, |declared| &declared.weights);
        let served = counter.services.iter().filter_map(|id| self.served(id, counter));
        CounterDraw::new(&counter.id, served, weights, &counter.cycle, now)
    }

    fn served<'v>(&'v self, id: &'v ServiceId, counter: &'v Counter) -> Option<Served<'v>> {
        let policy = &self.config.service(id)?.policy;
        let queue = self.queues.get(id).filter(|queue| !queue.is_empty())?;
        Some((id, queue, policy, Reach::serving(&self.counters, id, Some(&counter.id))))
    }
}
