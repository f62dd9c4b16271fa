//! Who is next for one counter, of everybody who waits for any of its services (C5).

use crate::config::{Policy, ServiceWeights};
use crate::dispatch::cycle::{Cycle, Present};
use crate::dispatch::draw::{Choice, Draw};
use crate::dispatch::queue::Queue;
use crate::dispatch::reach::Reach;
use crate::event::Rule;
use crate::ids::{CounterId, ServiceId};
use crate::time::Timestamp;

/// The position of a counter's cycle over its services.
pub type ServiceCycle = Cycle<ServiceId>;

/// One service of a counter: its queue, its rules, and what the counters that work for it can call.
pub type Served<'q> = (&'q ServiceId, &'q Queue, &'q Policy, Reach<'q>);

/// What a counter calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CounterChoice<'q> {
    /// For which service.
    pub service: &'q ServiceId,
    /// Whom, and by which of its rules.
    pub choice: Choice,
    /// The services among which the call takes a turn of the counter's cycle; none where the cycle is not asked.
    pub among: Vec<ServiceId>,
}

/// The queues of a counter's services as seen at one moment, from which one ticket after the other is drawn.
///
/// The services' own rules come first: the urgent of any service, then whoever waits at the counter's door, then
/// the overdue of any service, then the others. Among the others of several services the counter's weights decide,
/// where it has some, and otherwise whoever could have been called for longest.
#[derive(Debug)]
pub struct CounterDraw<'q> {
    counter: &'q CounterId,
    reach: Reach<'q>,
    draws: Vec<(&'q ServiceId, Draw<'q>)>,
    weights: &'q ServiceWeights,
    cycle: ServiceCycle,
}

impl<'q> CounterDraw<'q> {
    /// Looks at the queues as they are at `now`.
    pub fn new(
        counter: &'q CounterId,
        served: impl IntoIterator<Item = Served<'q>>,
        weights: &'q ServiceWeights,
        cycle: &ServiceCycle,
        now: Timestamp,
    ) -> Self {
        let draw = |(service, queue, policy, staffed)| (service, Draw::new(queue, policy, staffed, now));
        let draws = served.into_iter().map(draw).collect();
        Self { counter, reach: Reach::of(counter), draws, weights, cycle: cycle.clone() }
    }

    /// Draws whoever is next for the counter; none if nobody can be called.
    pub fn draw_next(&mut self) -> Option<CounterChoice<'q>> {
        let reach = &self.reach;
        let choices: Vec<(&ServiceId, Choice)> =
            self.draws.iter_mut().filter_map(|(service, draw)| Some((*service, draw.peek(reach)?))).collect();
        let (service, choice) = self.strongest(&choices)?;
        let among = self.charged_among(choice.rule, &choices);
        let called = CounterChoice { service, choice: *choice, among };
        self.charge(&called);
        if let Some((_, draw)) = self.draws.iter_mut().find(|(drawn, _)| *drawn == *service) {
            draw.call(&called.choice, &self.reach);
        }
        Some(called)
    }

    /// Chooses whom to send to the counter's second waiting area now, and sends them; none if nobody can be called
    /// who is neither urgent nor inside already (C4).
    pub fn send_inside(&mut self) -> Option<CounterChoice<'q>> {
        let reach = &self.reach;
        let choices: Vec<(&ServiceId, Choice)> =
            self.draws.iter_mut().filter_map(|(service, draw)| Some((*service, draw.next_for_door(reach)?))).collect();
        let (service, choice) = self.strongest(&choices)?;
        let among = self.charged_among(choice.rule, &choices);
        let sent = CounterChoice { service, choice: *choice, among };
        self.charge(&sent);
        let inside = self.draws.iter().flat_map(|(_, draw)| draw.inside(self.counter));
        let nth = inside.map(|inside| inside.nth + 1).max().unwrap_or_default();
        if let Some((_, draw)) = self.draws.iter_mut().find(|(drawn, _)| *drawn == *service) {
            draw.send_inside(self.counter, &sent.choice, nth);
        }
        Some(sent)
    }

    /// Keeps the ready sets full, and this counter's second waiting area, as they are in a venue between two calls.
    pub fn fill(&mut self, limit: usize) {
        loop {
            for (_, draw) in &mut self.draws {
                draw.fill_ready();
            }
            let inside: usize = self.draws.iter().map(|(_, draw)| draw.inside(self.counter).count()).sum();
            if inside >= limit || self.send_inside().is_none() {
                return;
            }
        }
    }

    fn strongest<'c>(&self, choices: &'c [(&'q ServiceId, Choice)]) -> Option<&'c (&'q ServiceId, Choice)> {
        let best = choices.iter().map(|(_, choice)| strength(choice.rule)).min()?;
        let best = || choices.iter().filter(move |(_, choice)| strength(choice.rule) == best);
        let (_, first) = best().next()?;
        if first.rule == Rule::Inside {
            return best().min_by_key(|(_, choice)| self.nth(choice));
        }
        if self.asks_cycle(first.rule) && first.rule != Rule::Overdue {
            let services = best().map(|(service, _)| (*service).clone());
            let turn = self.cycle.turn(services, |service| self.weights.of(service))?;
            return best().find(|(service, _)| **service == turn);
        }
        best().min_by_key(|(_, choice)| (choice.since, choice.ticket))
    }

    /// Whether a call by this rule is charged to the counter's cycle.
    fn asks_cycle(&self, rule: Rule) -> bool {
        match rule {
            Rule::Overdue | Rule::Ready | Rule::Rejoin | Rule::Cycle | Rule::Early => !self.weights.is_empty(),
            Rule::Urgent | Rule::Inside | Rule::ByHand => false,
        }
    }

    fn nth(&self, choice: &Choice) -> Option<u64> {
        let mut inside = self.draws.iter().flat_map(|(_, draw)| draw.inside(self.counter));
        inside.find(|inside| inside.ticket == choice.ticket).map(|inside| inside.nth)
    }

    /// The overdue take a turn like the others, so the cycle makes up for them.
    fn charged_among(&self, rule: Rule, choices: &[(&ServiceId, Choice)]) -> Vec<ServiceId> {
        if !self.asks_cycle(rule) {
            return Vec::new();
        }
        let could = choices.iter().filter(|(_, choice)| (choice.rule == Rule::Early) == (rule == Rule::Early));
        could.map(|(service, _)| (*service).clone()).collect()
    }

    fn charge(&mut self, called: &CounterChoice<'_>) {
        charge(&mut self.cycle, called.service, &called.among, self.weights);
    }
}

/// Charges a call to a service of the counter's cycle; nothing where the cycle was not asked.
pub fn charge(cycle: &mut ServiceCycle, service: &ServiceId, among: &[ServiceId], weights: &ServiceWeights) {
    if !among.is_empty() {
        cycle.charge(service, &Present { among, elsewhere: &[], paused: &[] }, |service| weights.of(service));
    }
}

/// Which rule goes first across services.
fn strength(rule: Rule) -> u8 {
    match rule {
        Rule::Urgent => 0,
        Rule::Inside => 1,
        Rule::Overdue => 2,
        Rule::Ready | Rule::Rejoin | Rule::Cycle => 3,
        Rule::Early => 4,
        Rule::ByHand => 5,
    }
}
