//! A day in figures: how many were called, how long they waited, how often they were overtaken, whether the ratio was
//! kept, who called by hand. The [`Ledger`] hears of every change and remembers what counts; the live venue, a day
//! read again from its journal and a what-if run are counted by the same lines.
//!
//! Whole numbers throughout, so that a difference of nothing is nothing. Decides nothing and knows no layout.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Serialize, Serializer};

use crate::command::Actor;
use crate::dispatch::Share;
use crate::event::{Change, Event, Rule};
use crate::ids::{Seq, ServiceId, TicketId};
use crate::lane::Lane;
use crate::ticket::{Ticket, Urgency};
use crate::time::{Millis, Timestamp};
use crate::venue::Venue;

/// Within this of taking a number or checking in, a person is to be called (B9).
pub const SOON: Millis = Millis::from_mins(30);
/// A turn that falls due by the weights, in parts small enough to be added up.
const TURN: u64 = 1_000_000;

/// Where somebody stood.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Class {
    /// In which service's queue.
    pub service: ServiceId,
    /// In which lane of it.
    pub lane: Lane,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    /// Whom.
    pub ticket: TicketId,
    /// From where.
    pub class: Class,
    /// When.
    pub at: Timestamp,
    /// Since the number was taken, the booking checked in, or the person was back.
    pub waited: Millis,
    /// Since the number was taken or the booking checked in.
    pub since_arrival: Millis,
    /// Whether it was the ticket's first.
    pub is_first: bool,
    /// How often somebody whose wait began later was called first, by any rule but precedence.
    pub overtaken: u32,
    /// By which rule.
    pub rule: Rule,
    /// Who pressed.
    pub by: Actor,
}

/// What counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// Was called.
    Called(Called),
    /// Did not come, for good.
    NoShow(Class),
    /// Left before any call, or was taken out.
    Left(Class),
    /// Precedence was granted (R3, R10).
    Granted(Urgency),
    /// A number was added beyond the quota (B3).
    Overflow,
}

/// Turns of the cycle that a lane had while another had somebody, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Turns {
    given: u32,
    /// By the weights, in parts of [`TURN`].
    due: u64,
    weight: u32,
}

/// What a day is counted from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ledger {
    facts: Vec<(Seq, Fact)>,
    /// Who was called at least once.
    called: BTreeSet<TicketId>,
    turns: BTreeMap<(ServiceId, Lane), Turns>,
}

impl Ledger {
    /// Hears of a change, right after the venue applied it. A new day begins a new ledger.
    pub fn hear(&mut self, venue: &Venue, change: &Change) {
        for event in &change.events {
            self.hear_event(venue, change, event);
        }
    }

    /// The calls, in order; those taken back left out.
    pub fn calls(&self) -> impl Iterator<Item = &Called> {
        self.facts.iter().filter_map(|(_, fact)| match fact {
            Fact::Called(called) => Some(called),
            _ => None,
        })
    }

    /// Who did not come, for good.
    pub fn no_shows(&self) -> impl Iterator<Item = &Class> {
        self.facts.iter().filter_map(|(_, fact)| match fact {
            Fact::NoShow(class) => Some(class),
            _ => None,
        })
    }

    /// Who left or was taken out.
    pub fn left(&self) -> impl Iterator<Item = &Class> {
        self.facts.iter().filter_map(|(_, fact)| match fact {
            Fact::Left(class) => Some(class),
            _ => None,
        })
    }

    /// The figures of every group that has any, and of all together.
    pub fn groups(&self) -> BTreeMap<Group, Figures> {
        let mut gathered = Gathered::default();
        self.facts.iter().for_each(|(_, fact)| gathered.add(fact));
        gathered.groups()
    }

    /// Hands over what counts of the changes before this one, once none of them can be taken back, and forgets it; and
    /// that these tickets, which nobody will call again, were called. For whoever follows a day with little at hand.
    pub fn settle(&mut self, before: Seq, over: impl IntoIterator<Item = TicketId>) -> impl Iterator<Item = Fact> {
        for ticket in over {
            self.called.remove(&ticket);
        }
        let settled = self.facts.partition_point(|(seq, _)| *seq < before);
        self.facts.drain(..settled).map(|(_, fact)| fact)
    }

    /// The day so far; `venue` is as it was after the latest change heard.
    pub fn day(&self, venue: &Venue, now: Timestamp) -> DayFigures {
        let count = |wanted: &Fact| count(self.facts.iter().filter(|(_, fact)| fact == wanted).count());
        let mut by_hand: BTreeMap<Actor, u32> = BTreeMap::new();
        for call in self.calls().filter(|call| call.rule == Rule::ByHand) {
            *by_hand.entry(call.by.clone()).or_default() += 1;
        }
        let ratios = self.turns.iter().map(|((service, lane), turns)| Ratio {
            class: Class { service: service.clone(), lane: *lane },
            weight: turns.weight,
            turns: turns.given,
            due: Hundredths(i64::try_from((turns.due * 100 + TURN / 2) / TURN).unwrap_or(i64::MAX)),
        });
        DayFigures {
            groups: self.groups(),
            ratios: ratios.collect(),
            by_hand: by_hand.into_iter().collect(),
            soon: self.soon(venue, now),
            emergencies: count(&Fact::Granted(Urgency::Emergency)),
            green_channels: count(&Fact::Granted(Urgency::GreenChannel)),
            overflows: count(&Fact::Overflow),
        }
    }

    /// B9: of those who were called, and those who were not although they waited that long, how many were called
    /// within [`SOON`] of arriving.
    fn soon(&self, venue: &Venue, now: Timestamp) -> Soon {
        let first = || self.calls().filter(|call| call.is_first);
        let waited_in_vain = |ticket: &&Ticket| {
            let end = ticket.ended_at.unwrap_or(now);
            !self.called.contains(&ticket.id) && end.since(ticket.issued_at) > SOON
        };
        let in_vain = venue.tickets().filter(waited_in_vain).count();
        Soon {
            called: count(first().filter(|call| call.since_arrival <= SOON).count()),
            of: count(first().count() + in_vain),
        }
    }

    fn hear_event(&mut self, venue: &Venue, change: &Change, event: &Event) {
        let class = |id: &TicketId| venue.ticket(*id).map(class);
        let fact = match event {
            Event::DayOpened { .. } => {
                *self = Self::default();
                None
            }
            Event::TicketReadied { ticket, share } => {
                self.turn(venue, *ticket, share.as_ref());
                None
            }
            Event::TicketSentInside { ticket, why, .. } => {
                self.turn(venue, *ticket, why.share.as_ref());
                None
            }
            Event::TicketCalled { ticket, why, .. } => {
                self.turn(venue, *ticket, why.share.as_ref());
                let is_first = self.called.insert(*ticket);
                venue.ticket(*ticket).map(|known| {
                    Fact::Called(Called {
                        ticket: *ticket,
                        class: self::class(known),
                        at: change.at,
                        waited: change.at.since(known.queued_at),
                        since_arrival: change.at.since(known.issued_at),
                        is_first,
                        overtaken: why.overtaken,
                        rule: why.rule,
                        by: change.by.clone(),
                    })
                })
            }
            Event::TicketIssued { overflow, .. } => overflow.as_ref().map(|_| Fact::Overflow),
            Event::GreenChannelGranted { urgency, .. } => Some(Fact::Granted(*urgency)),
            Event::TicketNotShown { ticket } | Event::TicketMissed { ticket, is_final: true } => {
                class(ticket).map(Fact::NoShow)
            }
            Event::TicketCancelled { ticket, .. } => class(ticket).map(Fact::Left),
            Event::ChangeUndone { seq } => {
                self.take_back(*seq);
                None
            }
            Event::VenueConfigured { .. }
            | Event::PolicyChanged { .. }
            | Event::AppointmentsSet { .. }
            | Event::WaitAnnounced { .. }
            | Event::TicketSentBack { .. }
            | Event::TicketClassified { .. }
            | Event::TicketRecalled { .. }
            | Event::ServiceStarted { .. }
            | Event::ServiceCompleted { .. }
            | Event::TicketMissed { is_final: false, .. }
            | Event::TicketHeld { .. }
            | Event::TicketReturned { .. }
            | Event::TicketRequeued { .. }
            | Event::TicketTransferred { .. }
            | Event::TicketSteppedBack { .. }
            | Event::CounterSet { .. }
            | Event::TicketReceived { .. }
            | Event::TicketSent { .. }
            | Event::ParcelDeclined { .. }
            | Event::TransferSettled { .. }
            | Event::Closed { .. }
            | Event::Reopened { .. }
            | Event::StepCompleted { .. }
            | Event::StepSkipped { .. }
            | Event::StepsSet { .. }
            | Event::TicketSlotBegan { .. }
            | Event::AppointmentsNotShown { .. }
            | Event::SessionClosed { .. } => None,
        };
        self.facts.extend(fact.map(|fact| (change.seq, fact)));
    }

    /// A turn of the cycle, where more than one lane had somebody. A call that is taken back has had its turn.
    fn turn(&mut self, venue: &Venue, ticket: TicketId, share: Option<&Share>) {
        let Some((share, ticket)) = share.filter(|share| share.among.iter().count() > 1).zip(venue.ticket(ticket))
        else {
            return;
        };
        let Some(service) = venue.config().service(&ticket.service) else { return };
        let weight = |lane: Lane| service.policy.weights.of(lane);
        let all = u64::from(share.among.iter().map(weight).sum::<u32>()).max(1);
        for lane in share.among.iter() {
            let turns = self.turns.entry((service.id.clone(), lane)).or_default();
            turns.weight = weight(lane);
            turns.due += u64::from(turns.weight) * TURN / all;
            turns.given += u32::from(lane == share.lane);
        }
    }

    fn take_back(&mut self, undone: Seq) {
        // Nothing older than half a minute is taken back: it stands near the end.
        let recent = self.facts.iter().rposition(|(seq, _)| *seq < undone).map_or(0, |at| at + 1);
        for (seq, fact) in self.facts.split_off(recent) {
            if seq != undone {
                self.facts.push((seq, fact));
            } else if let Fact::Called(Called { is_first: true, ticket, .. }) = fact {
                self.called.remove(&ticket);
            }
        }
    }
}

fn class(ticket: &Ticket) -> Class {
    Class { service: ticket.service.clone(), lane: ticket.lane }
}

fn count(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}

/// A day, as a manager reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayFigures {
    /// Calls, waits and overtakes, of each group that has any.
    pub groups: BTreeMap<Group, Figures>,
    /// Whether the ratio was kept (R1).
    pub ratios: Vec<Ratio>,
    /// Calls outside the rules, and by whom.
    pub by_hand: Vec<(Actor, u32)>,
    /// Whether people are called soon (B9).
    pub soon: Soon,
    /// Emergencies granted (R10).
    pub emergencies: u32,
    /// Green channels granted (R3).
    pub green_channels: u32,
    /// Numbers added beyond the quota (B3).
    pub overflows: u32,
}

/// The turns of the cycle that one lane had, against its weight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ratio {
    /// Whose.
    pub class: Class,
    /// Its weight, as it was last.
    pub weight: u32,
    /// Turns it had while another lane had somebody, too.
    pub turns: u32,
    /// Turns it should have had by the weights.
    pub due: Hundredths,
}

/// How many were called within [`SOON`] of arriving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Soon {
    /// So many.
    pub called: u32,
    /// Of so many.
    pub of: u32,
}

/// Figures of one group, or the difference of two.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Calls. Whoever was called again after a miss or after tests counts again, in the lane of that call.
    pub called: i64,
    /// Wait until the call, mean; none where nobody was called.
    #[serde(rename = "wait_mean_ms")]
    pub wait_mean: Option<Millis>,
    /// The wait that half of the calls did not exceed.
    #[serde(rename = "wait_median_ms")]
    pub wait_median: Option<Millis>,
    /// The wait that nine of ten calls did not exceed.
    #[serde(rename = "wait_p90_ms")]
    pub wait_p90: Option<Millis>,
    /// Times overtaken before the call, mean.
    pub overtaken_mean: Option<Hundredths>,
    /// Times overtaken before the call, most.
    pub overtaken_max: Option<i64>,
    /// Who did not come, for good.
    pub no_shows: i64,
    /// Who left, or was taken out.
    pub left: i64,
}

/// A number with two decimals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hundredths(pub i64);

impl Hundredths {
    /// As a number with a point.
    pub fn to_f64(self) -> f64 {
        let hundredths = i32::try_from(self.0).unwrap_or(if self.0 < 0 { i32::MIN } else { i32::MAX });
        f64::from(hundredths) / 100.0
    }

    /// The mean of `count` numbers with this sum, rounded half up; none of none.
    fn mean(sum: u64, count: usize) -> Option<Self> {
        let count = u64::try_from(count).ok().filter(|count| *count > 0)?;
        i64::try_from((sum.saturating_mul(200) + count) / (2 * count)).ok().map(Self)
    }
}

impl fmt::Display for Hundredths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let whole = self.0.unsigned_abs();
        f.pad(&format!("{sign}{}.{:02}", whole / 100, whole % 100))
    }
}

impl Serialize for Hundredths {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(self.to_f64())
    }
}

impl Figures {
    /// From waits alone.
    pub fn of_waits(waits: Vec<Millis>) -> Self {
        Self { overtaken_mean: None, overtaken_max: None, ..Tally { waits, ..Tally::default() }.figures() }
    }

    /// How much more this is than `other`; what one of them does not have, the difference does not have.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        let span = |one: Option<Millis>, other: Option<Millis>| Some(Millis(one?.0 - other?.0));
        Self {
            called: self.called - other.called,
            wait_mean: span(self.wait_mean, other.wait_mean),
            wait_median: span(self.wait_median, other.wait_median),
            wait_p90: span(self.wait_p90, other.wait_p90),
            overtaken_mean: self.overtaken_mean.zip(other.overtaken_mean).map(|(one, two)| Hundredths(one.0 - two.0)),
            overtaken_max: self.overtaken_max.zip(other.overtaken_max).map(|(one, two)| one - two),
            no_shows: self.no_shows - other.no_shows,
            left: self.left - other.left,
        }
    }
}

/// Whose figures: of a service or of all, of a lane or of all.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// None for all services together.
    pub service: Option<ServiceId>,
    /// None for all lanes together.
    pub lane: Option<Lane>,
}

impl Group {
    /// The groups somebody belongs to.
    fn of(class: &Class) -> [Self; 4] {
        let (service, lane) = (Some(class.service.clone()), Some(class.lane));
        [
            Self::default(),
            Self { service: None, lane },
            Self { service: service.clone(), lane: None },
            Self { service, lane },
        ]
    }

    fn holds(&self, class: &Class) -> bool {
        self.service.as_ref().is_none_or(|service| *service == class.service)
            && self.lane.is_none_or(|lane| lane == class.lane)
    }
}

/// Calls, waits and overtakes, fact by fact. Of each call its wait stays: the quantiles are those of somebody.
#[derive(Debug, Clone, Default)]
pub struct Gathered(BTreeMap<Class, Tally>);

impl Gathered {
    /// One more.
    pub fn add(&mut self, fact: &Fact) {
        let mut of = |class: &Class, count: &dyn Fn(&mut Tally)| match self.0.get_mut(class) {
            Some(tally) => count(tally),
            None => count(self.0.entry(class.clone()).or_default()),
        };
        match fact {
            Fact::Called(call) => of(&call.class, &|tally| {
                tally.waits.push(call.waited);
                tally.overtaken_sum += u64::from(call.overtaken);
                tally.overtaken_max = tally.overtaken_max.max(call.overtaken);
            }),
            Fact::NoShow(class) => of(class, &|tally| tally.no_shows += 1),
            Fact::Left(class) => of(class, &|tally| tally.left += 1),
            Fact::Granted(_) | Fact::Overflow => {}
        }
    }

    /// The figures of every group that has any, and of all together.
    pub fn groups(&self) -> BTreeMap<Group, Figures> {
        let groups: BTreeSet<Group> = self.0.keys().flat_map(Group::of).chain([Group::default()]).collect();
        // One after the other: there is one copy of the waits at a time.
        let figures = groups.into_iter().map(|group| {
            let mut whole = Tally::default();
            self.0.iter().filter(|(class, _)| group.holds(class)).for_each(|(_, tally)| whole.join(tally));
            (group, whole.figures())
        });
        figures.collect()
    }
}

/// A group's figures while they are gathered.
#[derive(Debug, Clone, Default)]
struct Tally {
    waits: Vec<Millis>,
    overtaken_sum: u64,
    overtaken_max: u32,
    no_shows: i64,
    left: i64,
}

impl Tally {
    fn join(&mut self, other: &Self) {
        self.waits.extend(&other.waits);
        self.overtaken_sum += other.overtaken_sum;
        self.overtaken_max = self.overtaken_max.max(other.overtaken_max);
        self.no_shows += other.no_shows;
        self.left += other.left;
    }

    fn figures(mut self) -> Figures {
        self.waits.sort_unstable();
        let count = self.waits.len();
        Figures {
            called: i64::try_from(count).unwrap_or(i64::MAX),
            wait_mean: mean(&self.waits),
            wait_median: quantile(&self.waits, 50),
            wait_p90: quantile(&self.waits, 90),
            overtaken_mean: Hundredths::mean(self.overtaken_sum, count),
            overtaken_max: (count > 0).then_some(self.overtaken_max.into()),
            no_shows: self.no_shows,
            left: self.left,
        }
    }
}

/// The mean, rounded to the nearest millisecond; none of none.
fn mean(spans: &[Millis]) -> Option<Millis> {
    let count = i64::try_from(spans.len()).ok().filter(|count| *count > 0)?;
    let sum: i64 = spans.iter().map(|span| span.0).fold(0, i64::saturating_add);
    Some(Millis((sum.saturating_add(count / 2)).div_euclid(count)))
}

/// The smallest of these, in order, that `percent` of them do not exceed (nearest rank): somebody's real wait.
fn quantile(sorted: &[Millis], percent: usize) -> Option<Millis> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(list: &[i64]) -> Vec<Millis> {
        list.iter().copied().map(Millis).collect()
    }

    #[test]
    fn quantiles_are_the_waits_of_somebody() {
        for (list, median, p90) in [
            (&[7][..], 7, 7),
            (&[1, 9], 1, 9),
            (&[1, 2, 9], 2, 9),
            (&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 5, 9),
            (&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], 6, 10),
            (&[0, 0, 0, 0, 0, 0, 0, 0, 0, 100], 0, 0),
        ] {
            let list = spans(list);
            assert_eq!(quantile(&list, 50), Some(Millis(median)), "{list:?}");
            assert_eq!(quantile(&list, 90), Some(Millis(p90)), "{list:?}");
        }
        let hundred: Vec<_> = (1..=100).map(Millis).collect();
        assert_eq!((quantile(&hundred, 50), quantile(&hundred, 90)), (Some(Millis(50)), Some(Millis(90))));
        assert_eq!(quantile(&[], 50), None);
    }

    #[test]
    fn means_are_rounded_to_the_nearest() {
        assert_eq!(mean(&spans(&[1, 2])), Some(Millis(2)));
        assert_eq!(mean(&spans(&[1, 1, 2])), Some(Millis(1)));
        assert_eq!(mean(&[]), None);
        assert_eq!(Hundredths::mean(1, 3), Some(Hundredths(33)));
        assert_eq!(Hundredths::mean(2, 3), Some(Hundredths(67)));
        assert_eq!(Hundredths::mean(1, 8), Some(Hundredths(13)), "12.5 is rounded up");
        assert_eq!(Hundredths::mean(0, 0), None);
    }

    #[test]
    fn two_decimals_are_written_as_people_do() {
        for (hundredths, text) in [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (1234, "12.34"), (-100, "-1.00")] {
            assert_eq!(Hundredths(hundredths).to_string(), text);
            let json: f64 = text.parse().unwrap();
            assert_eq!(serde_json::to_value(Hundredths(hundredths)).unwrap(), serde_json::json!(json));
        }
    }

    #[test]
    fn a_difference_is_what_the_second_has_more() {
        let one = Figures { called: 3, wait_mean: Some(Millis(500)), overtaken_max: Some(4), ..Figures::default() };
        let two = Figures { called: 5, wait_mean: Some(Millis(200)), no_shows: 1, ..Figures::default() };
        let more = two.minus(&one);
        assert_eq!((more.called, more.wait_mean, more.no_shows), (2, Some(Millis(-300)), 1));
        assert_eq!(more.overtaken_max, None, "only one of them has it");
        let none = one.minus(&one);
        assert_eq!((none.called, none.wait_mean, none.overtaken_max), (0, Some(Millis(0)), Some(0)));
    }
}
