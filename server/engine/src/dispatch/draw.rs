//! Asking the rules, again and again, without changing the queue.

use std::collections::{BTreeSet, VecDeque};

use crate::config::{OrderInLane, Policy};
use crate::dispatch::cycle::{Cycle, Share};
use crate::dispatch::queue::{Filed, Line, OrderKey, Queue, Readied, after};
use crate::event::Rule;
use crate::ids::{CounterId, TicketId};
use crate::lane::Lane;
use crate::time::Timestamp;

/// Which tickets can be called: those that want no counter in particular, and those that want one of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach(Vec<Option<CounterId>>);

impl Reach {
    /// What one counter can call.
    pub fn of(counter: &CounterId) -> Self {
        Self(vec![None, Some(counter.clone())])
    }

    /// What some of these counters can call.
    pub fn any<'c>(counters: impl IntoIterator<Item = &'c CounterId>) -> Self {
        Self(std::iter::once(None).chain(counters.into_iter().cloned().map(Some)).collect())
    }

    fn holds(&self, wants: Option<&CounterId>) -> bool {
        self.0.iter().any(|each| each.as_ref() == wants)
    }
}

/// The dispatcher's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Who.
    pub ticket: TicketId,
    /// By which rule.
    pub rule: Rule,
    /// Its lane.
    pub lane: Lane,
    /// Since when it could have been called.
    pub since: Timestamp,
    /// What the call costs its lane; none where the cycle is not charged, or was when it became ready.
    pub share: Option<Share>,
}

/// A queue as seen at one moment, from which one ticket after the other is drawn.
///
/// Drawing changes only the draw: its own copy of the cycle, and the list of those already drawn.
#[derive(Debug)]
pub struct Draw<'q> {
    queue: &'q Queue,
    policy: &'q Policy,
    now: Timestamp,
    drawn: BTreeSet<TicketId>,
    drawn_since: Vec<(Timestamp, TicketId)>,
    ready: VecDeque<Readied>,
    cycle: Cycle,
    urgent_run: u32,
    /// Where each line was last found to begin, for those that want no counter or this one: drawing never
    /// adds to a line, so everything before is drawn, and an end once reached stays the end.
    found: Vec<(LineName, Option<CounterId>, Option<Head>)>,
}

#[derive(Debug, Clone, Copy)]
struct Head {
    key: OrderKey,
    ticket: TicketId,
    filed: Filed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum LineName {
    Urgent,
    Age,
    Lane(Lane),
}

impl<'q> Draw<'q> {
    /// Looks at a queue as it is at `now`.
    pub fn new(queue: &'q Queue, policy: &'q Policy, now: Timestamp) -> Self {
        Self {
            queue,
            policy,
            now,
            drawn: BTreeSet::new(),
            drawn_since: Vec::new(),
            ready: queue.ready.iter().cloned().collect(),
            cycle: queue.cycle,
            urgent_run: queue.urgent_run,
            found: Vec::new(),
        }
    }

    /// Moves on in time: who was early may be eligible now.
    pub fn advance_to(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
    }

    /// Draws whoever is next for these counters; none if nobody can be called.
    pub fn next(&mut self, reach: &Reach) -> Option<Choice> {
        let ceiling = self.policy.urgent_run_max;
        let held_back = ceiling > 0 && self.urgent_run >= ceiling;
        let choice = if held_back {
            self.ordinary(reach).or_else(|| self.urgent(reach))
        } else {
            self.urgent(reach).or_else(|| self.ordinary(reach))
        };
        let choice = choice.or_else(|| self.early(reach))?;
        self.call(&choice);
        Some(choice)
    }

    /// Draws whoever should be told to get ready next: by the cycle alone, as precedence acts at the call (C3).
    pub fn next_ready(&mut self, reach: &Reach) -> Option<Choice> {
        let choice = self.by_cycle(reach)?;
        self.draw(&choice);
        Some(choice)
    }

    fn ordinary(&mut self, reach: &Reach) -> Option<Choice> {
        self.overdue(reach).or_else(|| self.ready(reach)).or_else(|| self.by_cycle(reach))
    }

    fn urgent(&mut self, reach: &Reach) -> Option<Choice> {
        let (ticket, filed) = self.head(LineName::Urgent, reach, |_| true, false)?;
        Some(Choice { ticket, rule: Rule::Urgent, lane: filed.lane, since: filed.since, share: None })
    }

    fn overdue(&mut self, reach: &Reach) -> Option<Choice> {
        let now = self.now;
        let (ticket, filed) = self.head(LineName::Age, reach, |filed| filed.since <= now, true)?;
        let waited_s = now.since(filed.since).0 / 1000;
        let too_long = self.policy.wait_max_s > 0 && waited_s >= i64::from(self.policy.wait_max_s);
        let too_often =
            self.policy.overtaken_max > 0 && self.overtaken(filed.since, ticket) >= self.policy.overtaken_max;
        if !too_long && !too_often {
            return None;
        }
        let paid = self.ready.iter().any(|readied| readied.ticket == ticket);
        let share = if paid { None } else { Some(self.share(filed.lane, reach)) };
        Some(Choice { ticket, rule: Rule::Overdue, lane: filed.lane, since: filed.since, share })
    }

    fn ready(&self, reach: &Reach) -> Option<Choice> {
        let readied = self.ready.iter().find(|readied| reach.holds(readied.wants.as_ref()))?;
        Some(Choice {
            ticket: readied.ticket,
            rule: Rule::Ready,
            lane: readied.lane,
            since: readied.since,
            share: None,
        })
    }

    fn by_cycle(&mut self, reach: &Reach) -> Option<Choice> {
        let heads = self.heads(reach);
        let among: Vec<Lane> = heads.iter().map(|(lane, _, _)| *lane).collect();
        let lane = self.cycle.turn(&among, &self.policy.weights)?;
        let (_, ticket, filed) = heads.into_iter().find(|(head, _, _)| *head == lane)?;
        Some(Choice { ticket, rule: Rule::Cycle, lane, since: filed.since, share: Some(Share { lane, among }) })
    }

    fn early(&mut self, reach: &Reach) -> Option<Choice> {
        if !self.policy.early_when_idle {
            return None;
        }
        let (ticket, filed) = self.head(LineName::Age, reach, |_| true, false)?;
        let share = Some(Share { lane: filed.lane, among: vec![filed.lane] });
        Some(Choice { ticket, rule: Rule::Early, lane: filed.lane, since: filed.since, share })
    }

    fn share(&mut self, lane: Lane, reach: &Reach) -> Share {
        Share { lane, among: self.heads(reach).iter().map(|(head, _, _)| *head).collect() }
    }

    /// The first eligible ticket of each lane that has one.
    fn heads(&mut self, reach: &Reach) -> Vec<(Lane, TicketId, Filed)> {
        let now = self.now;
        // By slot, whoever stands further back becomes eligible later still; other orders must look on.
        let by_slot = self.policy.order == OrderInLane::SlotThenCheckIn;
        let mut heads = Vec::with_capacity(Lane::ALL.len());
        for lane in Lane::ALL {
            if self.queue.lane(lane).is_empty() {
                continue;
            }
            let head = self.head(LineName::Lane(lane), reach, |filed| filed.since <= now, by_slot);
            if let Some((ticket, filed)) = head {
                heads.push((lane, ticket, filed));
            }
        }
        heads
    }

    /// The first ticket of a line that is within reach, not drawn, and good. A `sorted` line is good up to
    /// some point and never after it.
    fn head(
        &mut self,
        name: LineName,
        reach: &Reach,
        good: impl Fn(&Filed) -> bool,
        sorted: bool,
    ) -> Option<(TicketId, Filed)> {
        let mut best: Option<Head> = None;
        for wants in &reach.0 {
            let Some(first) = self.first_left(name, wants) else { continue };
            let found = if good(&first.filed) {
                Some(first)
            } else if sorted {
                None
            } else {
                after(self.line(name), (wants.clone(), first.key, first.ticket))
                    .take_while(|((same, _, _), _)| same == wants)
                    .find(|((_, _, ticket), filed)| !self.drawn.contains(ticket) && good(filed))
                    .map(|((_, key, ticket), filed)| Head { key: *key, ticket: *ticket, filed: *filed })
            };
            if let Some(found) = found
                && best.as_ref().is_none_or(|best| (found.key, found.ticket) < (best.key, best.ticket))
            {
                best = Some(found);
            }
        }
        best.map(|head| (head.ticket, head.filed))
    }

    /// The first ticket of a line, among those that want this counter, that is not drawn yet.
    fn first_left(&mut self, name: LineName, wants: &Option<CounterId>) -> Option<Head> {
        let found = self.found.iter().position(|(line, same, _)| *line == name && same == wants);
        let known = found.and_then(|at| self.found.get(at)).map(|(_, _, head)| *head);
        match known {
            Some(None) => return None,
            Some(Some(head)) if !self.drawn.contains(&head.ticket) => return Some(head),
            Some(Some(_)) | None => {}
        }
        let from = known.flatten().map_or((OrderKey::FIRST, TicketId(0)), |head| (head.key, head.ticket));
        let next = after(self.line(name), (wants.clone(), from.0, from.1))
            .take_while(|((same, _, _), _)| same == wants)
            .find(|((_, _, ticket), _)| !self.drawn.contains(ticket))
            .map(|((_, key, ticket), filed)| Head { key: *key, ticket: *ticket, filed: *filed });
        match found.and_then(|at| self.found.get_mut(at)) {
            Some(entry) => entry.2 = next,
            None => self.found.push((name, wants.clone(), next)),
        }
        next
    }

    fn line(&self, name: LineName) -> &'q Line {
        match name {
            LineName::Urgent => &self.queue.urgent,
            LineName::Age => &self.queue.age,
            LineName::Lane(lane) => self.queue.lane(lane),
        }
    }

    fn overtaken(&self, since: Timestamp, ticket: TicketId) -> u32 {
        let later = self.drawn_since.len() - self.drawn_since.partition_point(|key| *key <= (since, ticket));
        self.queue.overtaken(since, ticket).saturating_add(u32::try_from(later).unwrap_or(u32::MAX))
    }

    fn draw(&mut self, choice: &Choice) {
        self.drawn.insert(choice.ticket);
        self.ready.retain(|readied| readied.ticket != choice.ticket);
        if let Some(share) = &choice.share {
            self.cycle.charge(share, &self.policy.weights);
        }
    }

    fn call(&mut self, choice: &Choice) {
        self.draw(choice);
        if choice.rule == Rule::Urgent {
            self.urgent_run += 1;
        } else {
            self.urgent_run = 0;
            let key = (choice.since, choice.ticket);
            let at = self.drawn_since.partition_point(|other| *other < key);
            self.drawn_since.insert(at, key);
        }
    }
}

/// Of what a counter could call for each of its services, the one to call (C5): the stronger rule first, then
/// whoever could have been called for longest.
pub fn most_pressing<T>(choices: impl IntoIterator<Item = (T, Choice)>) -> Option<(T, Choice)> {
    let rank = |rule: Rule| match rule {
        Rule::Urgent => 0,
        Rule::Overdue => 1,
        Rule::Ready | Rule::Cycle => 2,
        Rule::Early => 3,
        Rule::ByHand => 4,
    };
    choices.into_iter().min_by_key(|(_, choice)| (rank(choice.rule), choice.since, choice.ticket))
}
