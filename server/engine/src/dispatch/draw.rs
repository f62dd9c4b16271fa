//! Asking the rules, again and again, without changing the queue.

use std::collections::BTreeSet;

use crate::config::{OrderInLane, OverflowJoin, Policy};
use crate::dispatch::area::{Area, emptiest};
use crate::dispatch::aside::{Kind, PER_CALLS, Spacing};
use crate::dispatch::census::Drawn;
use crate::dispatch::lanes::{LaneCycle, Share};
use crate::dispatch::line::{Entries, Entry};
use crate::dispatch::marks::Marks;
use crate::dispatch::overtakes::Overtakes;
use crate::dispatch::passed::PassedBy;
use crate::dispatch::queue::{Inside, Queue, Readied, room, told};
use crate::dispatch::reach::Reach;
use crate::event::Rule;
use crate::ids::{CounterId, TicketId};
use crate::lane::{Lane, Lanes};
use crate::time::Timestamp;

/// The dispatcher's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// What gave it its turn.
    pub(super) kind: Kind,
}

/// A queue as seen at one moment, from which one ticket after the other is drawn.
///
/// Drawing changes only the draw: its own copy of the cycle and of the ready set, and the list of those
/// already drawn.
#[derive(Debug)]
pub struct Draw<'q> {
    queue: &'q Queue,
    policy: &'q Policy,
    /// What the counters that work for the service can call together: the cycle turns among their lanes.
    staffed: Reach<'q>,
    now: Timestamp,
    /// Those called in this draw.
    called: Marks,
    /// Those who have left their lanes: called, or told to get ready.
    taken: Marks,
    overtakes: Overtakes,
    ready: Vec<Readied>,
    inside: Vec<Inside>,
    cycle: LaneCycle,
    spacing: Spacing,
    /// Calls made today, those of this draw and those promised to people at counters' doors among them.
    calls: usize,
    urgent_run: u32,
    drawn: Drawn,
    groups: Vec<Group<'q>>,
}

/// Those who want one counter, or none in particular.
#[derive(Debug)]
struct Group<'q> {
    wants: Option<&'q CounterId>,
    staffed: bool,
    lines: [Cursor<'q>; LineName::COUNT],
}

/// Where a line was last found to begin: drawing never adds to a line, so everything before is drawn, and an
/// end once reached stays the end.
#[derive(Debug, Default)]
struct Cursor<'q> {
    head: Option<Entry<'q>>,
    /// Those behind the head; none before the line was first looked at.
    rest: Option<Entries<'q>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LineName {
    Lane(Lane),
    Urgent,
    Age,
    /// Those of the line of age who could not be called yet.
    Soon,
    /// Those who come after so many calls.
    AfterCalls,
    /// Those of a lane of whom one comes per so many turns.
    PerCalls(Lane),
    /// Those in a lane who came before their time.
    PutOff,
}

impl LineName {
    const COUNT: usize = Lane::ALL.len() + 7;

    const fn index(self) -> usize {
        match self {
            Self::Lane(lane) => lane.index(),
            Self::Urgent => Lane::ALL.len(),
            Self::Age => Lane::ALL.len() + 1,
            Self::Soon => Lane::ALL.len() + 2,
            Self::AfterCalls => Lane::ALL.len() + 3,
            Self::PutOff => Lane::ALL.len() + 4,
            Self::PerCalls(Lane::Late) => Lane::ALL.len() + 5,
            Self::PerCalls(_) => Lane::ALL.len() + 6,
        }
    }
}

/// For whom a question is asked: some counters, or all that work for the service.
#[derive(Debug, Clone, Copy)]
enum Whose<'r> {
    These(&'r Reach<'r>),
    Staffed,
}

impl Whose<'_> {
    fn holds(self, group: &Group<'_>) -> bool {
        match self {
            Self::These(reach) => reach.holds(group.wants),
            Self::Staffed => group.staffed,
        }
    }
}

impl<'q> Draw<'q> {
    /// Looks at a queue as it is at `now`, while the counters of `staffed` work for the service.
    pub fn new(queue: &'q Queue, policy: &'q Policy, staffed: Reach<'q>, now: Timestamp) -> Self {
        let wanted: BTreeSet<Option<&CounterId>> =
            queue.age.wanted().chain(queue.urgent.wanted()).map(Option::as_ref).collect();
        let group = |wants| Group { wants, staffed: staffed.holds(wants), lines: Default::default() };
        Self {
            queue,
            policy,
            groups: wanted.into_iter().map(group).collect(),
            staffed,
            now,
            called: Marks::default(),
            taken: queue.ready().chain(queue.inside.iter().map(|inside| inside.ticket)).collect(),
            overtakes: Overtakes::default(),
            ready: queue.ready.clone(),
            inside: queue.inside.clone(),
            cycle: queue.cycle.clone(),
            spacing: queue.aside.spacing,
            calls: usize::try_from(queue.calls).unwrap_or(usize::MAX).saturating_add(queue.inside.len()),
            urgent_run: queue.urgent_run,
            drawn: Drawn::default(),
        }
    }

    /// Lets time pass, in which people are told to get ready, or sent to a door, as their time comes.
    pub fn advance_to(&mut self, now: Timestamp, areas: &[Area]) {
        while (self.room() > 0 || !areas.is_empty())
            && let Some(due) = self.next_eligible().filter(|due| *due <= now)
        {
            self.now = due;
            self.fill(areas);
        }
        self.now = self.now.max(now);
    }

    /// The first moment from now on at which somebody who cannot be called yet can be.
    pub fn next_eligible(&mut self) -> Option<Timestamp> {
        let mut soonest: Option<Timestamp> = None;
        for group in 0..self.groups.len() {
            if self.is(Whose::Staffed, group)
                && let Some(entry) = self.first(group, LineName::Soon)
            {
                soonest = Some(soonest.map_or(entry.filed.since, |at| at.min(entry.filed.since)));
            }
        }
        soonest
    }

    /// Draws whoever is next for these counters; none if nobody can be called.
    pub fn next(&mut self, reach: &Reach<'_>) -> Option<Choice> {
        let choice = self.peek(reach)?;
        self.call(&choice, reach);
        Some(choice)
    }

    /// Whoever is next for these counters, without drawing them.
    pub(super) fn peek(&mut self, reach: &Reach<'_>) -> Option<Choice> {
        let ceiling = self.policy.urgent_run_max;
        let held_back = ceiling > 0 && self.urgent_run >= ceiling;
        let choice = if held_back {
            self.ordinary(reach).or_else(|| self.urgent(reach))
        } else {
            self.urgent(reach).or_else(|| self.ordinary(reach))
        };
        choice.or_else(|| self.early(reach))
    }

    /// Tells people to get ready until the set is full.
    pub fn fill_ready(&mut self) {
        while self.tell_ready().is_some() {}
    }

    /// Tells whoever is next to get ready, if there is room: by the cycle alone, as precedence acts at the call (C3).
    pub fn tell_ready(&mut self) -> Option<Choice> {
        if self.room() == 0 {
            return None;
        }
        let (choice, found) = self.turn(Whose::Staffed)?;
        self.give_turn(&choice);
        self.leaves_lane(&choice);
        let wants = found.wants.cloned();
        self.ready.push(Readied { ticket: choice.ticket, wants, lane: choice.lane, since: choice.since });
        Some(choice)
    }

    /// Keeps the ready set full, and the second waiting areas of counters that serve nothing else: as a venue does
    /// between two calls.
    pub fn fill(&mut self, areas: &[Area]) {
        self.fill_ready();
        while let Some((area, choice)) = emptiest(areas, |area| self.inside(&area.counter).count())
            .into_iter()
            .find_map(|area| Some((area, self.next_for_door(&Reach::of(&area.counter))?)))
        {
            // People of one service stand there in the order in which they are sent, whatever is said of it.
            self.send_inside(&area.counter, &choice, 0);
            self.fill_ready();
        }
    }

    fn room(&self) -> usize {
        room(&self.ready, self.policy, &self.staffed)
    }

    /// Sends whoever is next for this counter to its second waiting area, by the rules for everybody but the
    /// urgent (C4): they are called at once, and from anywhere.
    pub(super) fn send_inside(&mut self, counter: &CounterId, choice: &Choice, nth: u64) {
        // For the rules the person has been called, but for the one that calls from inside.
        self.leaves_hall(choice);
        self.calls = self.calls.saturating_add(1);
        let Choice { ticket, lane, .. } = *choice;
        let since = choice.since.min(self.now);
        self.overtakes.add([counter], (since, ticket));
        let by = PassedBy::of(choice.rule, lane, None);
        self.inside.push(Inside { ticket, counter: counter.clone(), nth, lane, since, by, overtaken: 0 });
    }

    /// Those who are in the second waiting area of this counter.
    pub(super) fn inside(&self, counter: &CounterId) -> impl Iterator<Item = &Inside> {
        self.inside.iter().filter(move |inside| inside.counter == *counter)
    }

    fn ordinary(&mut self, reach: &Reach<'_>) -> Option<Choice> {
        self.first_inside(reach).or_else(|| self.next_in_hall(reach))
    }

    fn first_inside(&self, reach: &Reach<'_>) -> Option<Choice> {
        let Inside { ticket, lane, since, .. } =
            *self.inside.iter().find(|inside| reach.holds(Some(&inside.counter)))?;
        Some(Choice { ticket, rule: Rule::Inside, lane, since, share: None, kind: Kind::Lane })
    }

    /// Whoever is next, of those who are neither urgent nor inside.
    fn next_in_hall(&mut self, reach: &Reach<'_>) -> Option<Choice> {
        self.next_for_door(reach).or_else(|| self.before_their_calls(reach))
    }

    /// Whoever is next to be sent inside: as for a call, but nobody goes there because nobody else can be called.
    pub(super) fn next_for_door(&mut self, reach: &Reach<'_>) -> Option<Choice> {
        self.overdue(reach)
            .or_else(|| self.ready(reach))
            .or_else(|| self.turn(Whose::These(reach)).map(|(choice, _)| choice))
    }

    /// Whose turn it is: of those whose calls have passed, then of the cycle.
    fn turn(&mut self, whose: Whose<'_>) -> Option<(Choice, Found<'q>)> {
        self.rejoining(whose).or_else(|| self.by_cycle(whose))
    }

    /// Whoever rejoins after so many calls, when those have been made or promised; one of those who join per so
    /// many turns, when those have been given (C1, C2).
    fn rejoining(&mut self, whose: Whose<'_>) -> Option<(Choice, Found<'q>)> {
        let promised = match whose {
            Whose::Staffed => told(&self.ready, &self.staffed),
            // Whoever was told for these counters has gone before.
            Whose::These(_) => 0,
        };
        let made = i64::try_from(self.calls.saturating_add(promised)).unwrap_or(i64::MAX);
        let after_calls = self.best(LineName::AfterCalls, whose, |_, found| found.entry.key.band <= made);
        let found = after_calls.or_else(|| {
            PER_CALLS.into_iter().find_map(|lane| {
                let due = self.spacing.of(lane) >= self.policy.calls_between(lane);
                if due { self.best(LineName::PerCalls(lane), whose, |_, _| true) } else { None }
            })
        })?;
        Some((self.choice(Rule::Rejoin, &found, None), found))
    }

    /// Whoever rejoins after so many calls, before those have been made: nobody else can be called.
    fn before_their_calls(&mut self, reach: &Reach<'_>) -> Option<Choice> {
        let lines = [LineName::AfterCalls].into_iter().chain(PER_CALLS.map(LineName::PerCalls));
        let found = lines.into_iter().find_map(|line| self.best(line, Whose::These(reach), |_, _| true))?;
        Some(self.choice(Rule::Rejoin, &found, None))
    }

    fn urgent(&mut self, reach: &Reach<'_>) -> Option<Choice> {
        let found = self.best(LineName::Urgent, Whose::These(reach), |_, _| true)?;
        Some(self.choice(Rule::Urgent, &found, None))
    }

    fn overdue(&mut self, reach: &Reach<'_>) -> Option<Choice> {
        let found = self.best(LineName::Age, Whose::These(reach), |draw, found| {
            let Found { entry: Entry { ticket, filed, .. }, wants } = *found;
            if filed.since > draw.now {
                return false;
            }
            let overtaken_max = draw.policy.overtaken_max;
            let since = (filed.since, ticket);
            draw.policy.overdue_from(filed.since).is_some_and(|from| from <= draw.now)
                || (overtaken_max > 0
                    && draw.queue.overtakes.of(wants, since).saturating_add(draw.overtakes.of(wants, since))
                        >= overtaken_max)
        })?;
        let paid = self.ready.iter().any(|readied| readied.ticket == found.entry.ticket);
        let filed = found.entry.filed;
        let charged = filed.kind == Kind::Lane && !paid;
        let share = if charged { Some(self.heads(Whose::These(reach)).share(filed.lane(self.now))) } else { None };
        Some(self.choice(Rule::Overdue, &found, share))
    }

    fn ready(&self, reach: &Reach<'_>) -> Option<Choice> {
        let Readied { ticket, lane, since, .. } =
            *self.ready.iter().find(|readied| reach.holds(readied.wants.as_ref()))?;
        Some(Choice { ticket, rule: Rule::Ready, lane, since, share: None, kind: Kind::Lane })
    }

    fn by_cycle(&mut self, whose: Whose<'_>) -> Option<(Choice, Found<'q>)> {
        let heads = self.heads(whose);
        let lane = self.cycle.turn(heads.lanes(), heads.even, &self.policy.weights)?;
        let found = heads.of(lane)?;
        Some((self.choice(Rule::Cycle, &found, Some(heads.share(lane))), found))
    }

    /// Whoever was put off, soonest first; then an appointment before its time, in the order of its lane.
    fn early(&mut self, reach: &Reach<'_>) -> Option<Choice> {
        let put_off = self.best(LineName::PutOff, Whose::These(reach), |_, _| true);
        let found = put_off.or_else(|| {
            let line = LineName::Lane(Lane::Appointment);
            if self.policy.early_when_idle { self.best(line, Whose::These(reach), |_, _| true) } else { None }
        })?;
        let lane = found.entry.filed.lane(self.now);
        let share = Share { lane, among: [lane].into(), elsewhere: Lanes::default(), even: false };
        Some(self.choice(Rule::Early, &found, Some(share)))
    }

    /// The first eligible ticket of each lane that has one.
    fn heads(&mut self, whose: Whose<'_>) -> Heads<'q> {
        let even = self.policy.returns_even && self.drawn.returns_outnumber(&self.queue.census, self.now);
        let mut heads = Heads { even, ..Heads::default() };
        for lane in Lane::ALL.into_iter().filter(|lane| !self.queue.lane(*lane).is_empty()) {
            for group in 0..self.groups.len() {
                let asked = self.is(whose, group);
                if (asked || self.is(Whose::Staffed, group))
                    && let Some(found) = self.first_eligible(group, lane)
                {
                    heads.add(lane, found, asked);
                }
            }
        }
        match self.policy.overflow_join {
            OverflowJoin::Lane => {}
            OverflowJoin::TriageTime => heads.merge_overflow(),
            OverflowJoin::Last => heads.put_overflow_last(),
        }
        heads
    }

    fn first_eligible(&mut self, group: usize, lane: Lane) -> Option<Found<'q>> {
        let first = self.first(group, LineName::Lane(lane))?;
        let wants = self.groups.get(group)?.wants;
        let entry = if first.filed.from <= self.now {
            first
        } else if self.policy.order == OrderInLane::SlotThenCheckIn {
            // Whoever stands further back becomes eligible later still.
            return None;
        } else {
            let left = |entry: &Entry<'_>| !self.taken.has(entry.ticket) && !entry.filed.has_left(lane, self.now);
            let mut others = self.queue.lane(lane).behind(wants, *first.key, first.ticket);
            others.find(|entry| entry.filed.from <= self.now && left(entry))?
        };
        Some(Found { entry, wants })
    }

    /// Of the first ones left in a line, for each counter wanted, the first good one.
    fn best(
        &mut self,
        line: LineName,
        whose: Whose<'_>,
        good: impl Fn(&Self, &Found<'q>) -> bool,
    ) -> Option<Found<'q>> {
        let mut best: Option<Found<'q>> = None;
        for group in 0..self.groups.len() {
            if self.is(whose, group)
                && let Some(entry) = self.first(group, line)
                && let Some(wants) = self.groups.get(group).map(|group| group.wants)
            {
                let found = Found { entry, wants };
                if best.is_none_or(|best| found.stands_before(&best)) && good(self, &found) {
                    best = Some(found);
                }
            }
        }
        best
    }

    /// The first ticket left in a line among those of a group.
    fn first(&mut self, group: usize, line: LineName) -> Option<Entry<'q>> {
        let Self { queue, groups, taken, called, now, .. } = self;
        let Group { wants, lines, .. } = groups.get_mut(group)?;
        let cursor = lines.get_mut(line.index())?;
        let left = |entry: &Entry<'_>| match line {
            LineName::Lane(lane) => !taken.has(entry.ticket) && !entry.filed.has_left(lane, *now),
            LineName::AfterCalls | LineName::PerCalls(_) | LineName::PutOff => !taken.has(entry.ticket),
            LineName::Urgent | LineName::Age => !called.has(entry.ticket),
            LineName::Soon => entry.filed.since > *now && !taken.has(entry.ticket),
        };
        if !cursor.head.as_ref().is_some_and(left) {
            let rest = cursor.rest.get_or_insert_with(|| match line {
                LineName::Lane(lane) => queue.lane(lane).of(*wants),
                LineName::Urgent => queue.urgent.of(*wants),
                LineName::Age => queue.age.of(*wants),
                LineName::Soon => queue.soon(*wants, *now),
                LineName::AfterCalls => queue.aside.after_calls.of(*wants),
                LineName::PutOff => queue.aside.put_off.of(*wants),
                LineName::PerCalls(lane) => queue.aside.per_calls(lane).of(*wants),
            });
            cursor.head = rest.find(left);
        }
        cursor.head
    }

    fn choice(&self, rule: Rule, found: &Found<'_>, share: Option<Share>) -> Choice {
        let Entry { ticket, filed, .. } = found.entry;
        Choice { ticket, rule, lane: filed.lane(self.now), since: filed.since, share, kind: filed.kind }
    }

    fn is(&self, whose: Whose<'_>, group: usize) -> bool {
        self.groups.get(group).is_some_and(|group| whose.holds(group))
    }

    fn leaves_lane(&mut self, choice: &Choice) {
        if choice.rule != Rule::Urgent && choice.kind == Kind::Lane && !self.taken.has(choice.ticket) {
            self.drawn.leaves(choice, self.now);
        }
        self.taken.add(choice.ticket);
    }

    /// As the queue does when a ticket is told to get ready, called or sent to a door without having been.
    fn give_turn(&mut self, choice: &Choice) {
        if let Some(share) = &choice.share {
            self.cycle.charge(share, &self.policy.weights);
            self.spacing.count();
        } else if choice.kind == Kind::PerCalls {
            self.spacing.restart(choice.lane);
        }
    }

    /// Has had a turn, now or when told to get ready, and can be drawn no more.
    fn leaves_hall(&mut self, choice: &Choice) {
        let told = self.ready.iter().any(|readied| readied.ticket == choice.ticket);
        if !told && choice.rule != Rule::Urgent {
            self.give_turn(choice);
        }
        self.leaves_lane(choice);
        self.called.add(choice.ticket);
        self.ready.retain(|readied| readied.ticket != choice.ticket);
    }

    /// Takes out whoever is called.
    pub(super) fn call(&mut self, choice: &Choice, reach: &Reach<'_>) {
        self.leaves_hall(choice);
        if choice.rule != Rule::Inside {
            self.calls = self.calls.saturating_add(1);
        }
        self.inside.retain(|inside| inside.ticket != choice.ticket);
        if choice.rule == Rule::Urgent {
            self.urgent_run = if self.somebody_eligible() { self.urgent_run + 1 } else { 0 };
        } else {
            self.urgent_run = 0;
            if choice.rule == Rule::Inside {
                // Overtook when it was sent.
                return;
            }
            let wanted = self.groups.iter().filter_map(|group| group.wants).filter(|wants| reach.holds(Some(wants)));
            self.overtakes.add(wanted, (choice.since.min(self.now), choice.ticket));
        }
    }

    /// Whether anybody without precedence could be called, by some counter.
    fn somebody_eligible(&mut self) -> bool {
        !self.inside.is_empty()
            || (0..self.groups.len())
                .any(|group| self.first(group, LineName::Age).is_some_and(|entry| entry.filed.since <= self.now))
    }
}

/// A ticket found in a line, and the counter it wants.
#[derive(Debug, Clone, Copy)]
struct Found<'q> {
    entry: Entry<'q>,
    wants: Option<&'q CounterId>,
}

impl Found<'_> {
    fn stands_before(&self, other: &Self) -> bool {
        (self.entry.key, self.entry.ticket) < (other.entry.key, other.entry.ticket)
    }
}

/// The first eligible ticket of each lane, for those asked about; and which lanes have one only for others.
#[derive(Debug, Default)]
struct Heads<'q> {
    first: [Option<Found<'q>>; Lane::ALL.len()],
    elsewhere: Lanes,
    /// Whether returns go even (B11).
    even: bool,
}

impl<'q> Heads<'q> {
    fn add(&mut self, lane: Lane, found: Found<'q>, asked: bool) {
        let Some(first) = self.first.get_mut(lane.index()) else { return };
        if !asked {
            self.elsewhere.add(lane);
        } else if first.as_ref().is_none_or(|best| found.stands_before(best)) {
            *first = Some(found);
        }
    }

    fn of(&self, lane: Lane) -> Option<Found<'q>> {
        self.first.get(lane.index()).copied().flatten()
    }

    /// R5: whoever came to triage before the first of the booked, or of those on site, could have been called,
    /// takes their lane's turn. Where neither has anybody, the lane of overflow has turns of its own.
    fn merge_overflow(&mut self) {
        let Some(overflow) = self.of(Lane::Overflow) else { return };
        let mut stands_elsewhere = false;
        for lane in [Lane::Appointment, Lane::WalkIn] {
            if let Some(Some(first)) = self.first.get_mut(lane.index()) {
                stands_elsewhere = true;
                if overflow.entry.key.triage() < first.entry.key.triage() {
                    *first = overflow;
                }
            }
        }
        if stands_elsewhere {
            self.clear(Lane::Overflow);
        }
    }

    /// R5: overflow has a turn when nobody else has.
    fn put_overflow_last(&mut self) {
        if self.lanes().iter().any(|lane| lane != Lane::Overflow) {
            self.clear(Lane::Overflow);
        }
    }

    fn clear(&mut self, lane: Lane) {
        if let Some(first) = self.first.get_mut(lane.index()) {
            *first = None;
        }
    }

    fn lanes(&self) -> Lanes {
        Lane::ALL.into_iter().filter(|lane| self.of(*lane).is_some()).collect()
    }

    fn share(&self, lane: Lane) -> Share {
        let among = self.lanes();
        Share { lane, among, elsewhere: self.elsewhere.without(among), even: self.even }
    }
}
