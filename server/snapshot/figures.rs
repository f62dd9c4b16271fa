//! A day in figures: how many, how long, how fair, and how true what was announced.
//!
//! Waits and overtakes are counted as in `what-if`, so that a real day and a played one can be put side by side.

use std::collections::BTreeMap;

use callnext_engine::event::Rule;
use callnext_engine::figures::{Class, Fact, Figures, Gathered, SOON};
use callnext_engine::{Lane, Millis, ServiceId, TicketState, Venue};
use serde::Serialize;

use super::record::TicketRecord;

/// A day in figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DayFigures {
    /// Numbers given.
    pub tickets: u64,
    /// Visits that ended with service.
    pub completed: u64,
    /// Numbers added beyond the quota (B3).
    pub overflow: u64,
    /// Tickets with precedence (R3).
    pub precedence: u64,
    /// Calls by the rule that chose; `by_hand` are those outside the rules.
    pub calls: BTreeMap<Rule, u64>,
    /// Of those called, how many waited no more than thirty minutes for their first call (B9).
    pub called_within_30_min: u64,
    /// All services and lanes together.
    pub all: Figures,
    /// By lane, all services together.
    pub lanes: BTreeMap<Lane, Figures>,
    /// By service.
    pub services: BTreeMap<ServiceId, ServiceFigures>,
    /// How true what was announced turned out to be.
    pub estimates: EstimateFigures,
}

/// One service's day.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ServiceFigures {
    /// All lanes together.
    pub all: Figures,
    /// By lane.
    pub lanes: BTreeMap<Lane, Figures>,
    /// The ratio that was declared and the calls that the cycle made (R1); a lane takes its part only while it has
    /// somebody.
    pub ratio: BTreeMap<Lane, Ratio>,
}

/// One lane's part in the cycle.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Ratio {
    /// Calls in one round, as declared in the end.
    pub weight: u32,
    /// Calls the cycle made.
    pub calls: u64,
}

/// Announced waits against true ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct EstimateFigures {
    /// Tickets that were announced a wait and were called.
    pub scored: u64,
    /// How much longer the wait was than announced, mean: the bias.
    pub error_mean_ms: Option<Millis>,
    /// How far off, mean.
    pub error_absolute_mean_ms: Option<Millis>,
    /// Whose wait was within the range that was shown; eight of ten should be.
    pub within_range: u64,
}

/// Counts what tickets leave behind.
#[derive(Debug, Default)]
pub(super) struct Tally {
    tickets: u64,
    completed: u64,
    overflow: u64,
    precedence: u64,
    soon: u64,
    scored: u64,
    within_range: u64,
    error_sum: i64,
    error_absolute_sum: i64,
    rules: BTreeMap<Rule, u64>,
    /// Calls that the cycle made.
    turns: BTreeMap<Class, u64>,
    gathered: Gathered,
}

impl Tally {
    /// What counts, that can no longer be taken back.
    pub(super) fn hear(&mut self, fact: &Fact) {
        self.gathered.add(fact);
        if let Fact::Called(call) = fact {
            *self.rules.entry(call.rule).or_default() += 1;
            if matches!(call.rule, Rule::Cycle | Rule::Ready | Rule::Rejoin) {
                *self.turns.entry(call.class.clone()).or_default() += 1;
            }
        }
    }

    /// What became of a ticket in the end.
    pub(super) fn add(&mut self, record: &TicketRecord) {
        self.tickets += 1;
        self.overflow += u64::from(record.is_overflow);
        self.precedence += u64::from(record.urgency.is_some());
        self.soon += u64::from(record.waited_ms.is_some_and(|waited| waited <= SOON));
        self.completed += u64::from(record.state == TicketState::Completed.name());
        if let (Some(error), Some(waited), Some(shown)) = (record.estimate_error(), record.waited_ms, record.announced)
        {
            self.scored += 1;
            self.error_sum = self.error_sum.saturating_add(error.0);
            self.error_absolute_sum = self.error_absolute_sum.saturating_add(error.0.saturating_abs());
            self.within_range += u64::from((shown.low_ms..=shown.high_ms).contains(&waited));
        }
    }

    pub(super) fn figures(self, venue: &Venue) -> DayFigures {
        let mut services: BTreeMap<ServiceId, ServiceFigures> = BTreeMap::new();
        for service in &venue.config().services {
            let ratio = Lane::ALL.map(|lane| (lane, Ratio { weight: service.policy.weights.of(lane), calls: 0 }));
            services.entry(service.id.clone()).or_default().ratio = ratio.into();
        }
        for (class, turns) in self.turns {
            services.entry(class.service).or_default().ratio.entry(class.lane).or_default().calls = turns;
        }
        let (mut all, mut lanes) = (Figures::default(), BTreeMap::new());
        for (group, figures) in self.gathered.groups() {
            match (group.service, group.lane) {
                (None, None) => all = figures,
                (None, Some(lane)) => drop(lanes.insert(lane, figures)),
                (Some(service), None) => services.entry(service).or_default().all = figures,
                (Some(service), Some(lane)) => drop(services.entry(service).or_default().lanes.insert(lane, figures)),
            }
        }
        let mean = |sum: i64| {
            let count = i64::try_from(self.scored).ok().filter(|count| *count > 0)?;
            Some(Millis(sum.div_euclid(count)))
        };
        DayFigures {
            tickets: self.tickets,
            completed: self.completed,
            overflow: self.overflow,
            precedence: self.precedence,
            calls: self.rules,
            called_within_30_min: self.soon,
            all,
            lanes,
            services,
            estimates: EstimateFigures {
                scored: self.scored,
                error_mean_ms: mean(self.error_sum),
                error_absolute_mean_ms: mean(self.error_absolute_sum),
                within_range: self.within_range,
            },
        }
    }
}
