//! The plan: a recorded day, laid out in time for one target venue. Pure: same day, venue and mix, same plan.
//!
//! The plan says when people arrive and when counters call, never who is called: that is the server's to decide.
//! What follows from a call is not in it either, see [`super::aftermath`].

use std::collections::BTreeMap;

use callnext_engine::{CounterId, Millis, ServiceId, Timestamp, VenueId};
use chrono::{NaiveDate, NaiveTime, TimeZone, Timelike};
use chrono_tz::Tz;

use super::chance::{About, one_in, percent};
use super::day::{Day, Visit};
use super::mapping::{MappingError, map_queues};
use super::people::invented;

/// Counters open so long before the first thing that was recorded.
const OPENING_LEAD: Millis = Millis::from_mins(1);
/// Bookings are handed over so long before the counters open.
const BOOKING_LEAD: Millis = Millis::from_mins(1);
/// Counters begin to close so long after the last thing that was recorded.
const CLOSING_LAG: Millis = Millis::from_mins(10);
/// Length of a booked slot (R4).
pub const SLOT: Millis = Millis::from_mins(30);
/// Service times to believe where the records have none: nobody is done sooner, nobody is kept longer.
const SERVICE_MIN: Millis = Millis::from_secs(45);
const SERVICE_MAX: Millis = Millis::from_mins(20);
/// Between a person's leaving the kiosk and a grant by the nurse.
const GREEN_AFTER: Millis = Millis::from_secs(60);

/// How much real life is added to the records, each share chosen by hashing the ticket. Zero is never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mix {
    /// Arrivals in a hundred who are played as people who had booked the half hour in which they come.
    pub booked_percent: u32,
    /// One arrival in so many gets an overflow number from the nurse.
    pub overflow_one_in: u32,
    /// One ticket in so many is granted the green channel.
    pub green_one_in: u32,
    /// One called person in so many does not come.
    pub missed_one_in: u32,
    /// One served person in so many is sent for tests and returns.
    pub held_one_in: u32,
}

impl Mix {
    /// The records and nothing else.
    pub const FAITHFUL: Self =
        Self { booked_percent: 0, overflow_one_in: 0, green_one_in: 0, missed_one_in: 0, held_one_in: 0 };
    /// A service hall: numbers at the door, some do not come when called, some have to fetch a paper.
    pub const HALL: Self =
        Self { booked_percent: 0, overflow_one_in: 0, green_one_in: 50, missed_one_in: 15, held_one_in: 30 };
    /// An outpatient clinic: booked and on-site 7:3 (R1), overflow (R5), tests (B11).
    pub const CLINIC: Self =
        Self { booked_percent: 70, overflow_one_in: 40, green_one_in: 50, missed_one_in: 15, held_one_in: 12 };
}

/// The venue a day is played at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The venue.
    pub venue: VenueId,
    /// Its zone: recorded local times become times of its wall clock.
    pub zone: Tz,
    /// The business day it has, by local date.
    pub date: NaiveDate,
    /// Its services, in its order.
    pub services: Vec<ServiceId>,
    /// Its counters and what each serves.
    pub counters: Vec<(CounterId, Vec<ServiceId>)>,
}

/// How a person gets into the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// Takes a number at the kiosk.
    WalkIn,
    /// Had booked, and checks in at the kiosk.
    Booked,
    /// Is given an overflow number by the nurse.
    Overflow,
}

/// One person of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The ticket's name in the records, with its queue where that is needed to tell it from others.
    pub code: String,
    /// What for.
    pub service: ServiceId,
    /// When.
    pub arrives: Timestamp,
    /// How.
    pub arrival: Arrival,
    /// When the records call the person, or have them go; none for whoever was still there at the end.
    pub ends: Option<Timestamp>,
}

impl Person {
    /// The code of the booking, for who has one. 约 (yuē), "booked", begins it: it must not look like a number.
    pub fn booking(&self) -> String {
        format!("Y-{}", self.code)
    }

    /// Start of the half hour in which the person comes.
    pub fn slot(&self, zone: Tz) -> Timestamp {
        let local = self.arrives.to_utc().with_timezone(&zone);
        let into = i64::from(local.minute() % 30) * 60_000 + i64::from(local.second()) * 1000;
        self.arrives - Millis(into + self.arrives.0.rem_euclid(1000))
    }

    /// The name to be called by: booked people give one, and so does whoever the nurse adds.
    pub fn name(&self) -> Option<String> {
        match self.arrival {
            Arrival::WalkIn => None,
            Arrival::Booked | Arrival::Overflow => Some(invented(&self.code)),
        }
    }
}

/// Something to be done at a moment known beforehand. People are named by their place in [`Plan::people`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// All counters open.
    Open,
    /// Somebody gets into the queue.
    Arrive(usize),
    /// Precedence is granted, if the person still waits.
    Grant(usize),
    /// Some counter calls for this service.
    Call {
        /// The service.
        service: ServiceId,
        /// How long the service then lasted, where that was recorded.
        lasted: Option<Millis>,
    },
    /// Somebody who was never called goes.
    Leave(usize),
    /// No more is recorded: counters serve who is left, and close.
    WindUp,
}

impl Step {
    /// What comes first of two steps at the same moment: a call at the moment of an arrival finds the person.
    fn rank(&self) -> u8 {
        match self {
            Self::Open => 0,
            Self::Arrive(_) => 1,
            Self::Grant(_) => 2,
            Self::Leave(_) => 3,
            Self::Call { .. } => 4,
            Self::WindUp => 5,
        }
    }
}

/// A day laid out in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Where it is played.
    pub target: Target,
    /// Who comes.
    pub people: Vec<Person>,
    /// When the bookings are handed over: before the first step.
    pub begins: Timestamp,
    /// What happens, in order of time.
    pub steps: Vec<(Timestamp, Step)>,
    /// How long a service lasts where the records do not say.
    pub typical: BTreeMap<ServiceId, Millis>,
}

impl Plan {
    /// Lays a day out for a venue.
    ///
    /// # Errors
    ///
    /// The queues of the day do not fit the services of the venue.
    pub fn new(day: &Day, target: Target, mix: Mix) -> Result<Self, MappingError> {
        let services = map_queues(&day.queues, &target.services)?;
        let wall = Wall::new(target.zone, target.date);
        let mut people = Vec::new();
        let mut steps = Vec::new();
        for visit in &day.visits {
            let Some(service) = services.get(&visit.queue) else { continue };
            let at = people.len();
            let code = code(visit);
            let arrives = wall.at(visit.arrived);
            let ends = visit.called.or(visit.finished).map(|at| wall.at(at));
            steps.push((arrives, Step::Arrive(at)));
            if one_in(About::Green, &code, mix.green_one_in) {
                steps.push((arrives + GREEN_AFTER, Step::Grant(at)));
            }
            if let Some(left) = visit.left() {
                steps.push((wall.at(left), Step::Leave(at)));
            }
            if let Some(called) = visit.called {
                let lasted = visit.finished.map(|finished| Millis(finished.0 - called.0));
                steps.push((wall.at(called), Step::Call { service: service.clone(), lasted }));
            }
            let arrival = arrival(visit, &code, mix);
            people.push(Person { code, service: service.clone(), arrives, arrival, ends });
        }
        let first = steps.iter().map(|(at, _)| *at).min().unwrap_or_else(|| wall.at(Millis::ZERO));
        let last = steps.iter().map(|(at, _)| *at).max().unwrap_or(first);
        steps.push((first - OPENING_LEAD, Step::Open));
        steps.push((last + CLOSING_LAG, Step::WindUp));
        steps.sort_by_key(|(at, step)| (*at, step.rank()));
        let typical = typical(&steps, &target);
        Ok(Self { target, people, begins: first - OPENING_LEAD - BOOKING_LEAD, steps, typical })
    }

    /// How long a service lasts where the records do not say.
    pub fn typical(&self, service: &ServiceId) -> Millis {
        self.typical.get(service).copied().unwrap_or(SERVICE_MIN)
    }

    /// Who had booked, in the order of their coming.
    pub fn booked(&self) -> impl Iterator<Item = &Person> {
        self.people.iter().filter(|person| person.arrival == Arrival::Booked)
    }
}

/// The ticket's name, made unlike those of other queues: `B001` of queue `B` stays, `17` of queue `PS` is `PS17`.
fn code(visit: &Visit) -> String {
    if visit.code.starts_with(&visit.queue) { visit.code.clone() } else { format!("{}{}", visit.queue, visit.code) }
}

fn arrival(visit: &Visit, code: &str, mix: Mix) -> Arrival {
    match visit.class.as_str() {
        "appointment" | "booked" => Arrival::Booked,
        "overflow" => Arrival::Overflow,
        _ if one_in(About::Overflow, code, mix.overflow_one_in) => Arrival::Overflow,
        _ if percent(About::Booked, code, mix.booked_percent) => Arrival::Booked,
        _ => Arrival::WalkIn,
    }
}

/// How long a service typically lasts: in a busy hour, as many calls are made as there are counters to make them,
/// so the middle gap between two calls times the counters. An idle hour stretches the mean, hardly the median.
fn typical(steps: &[(Timestamp, Step)], target: &Target) -> BTreeMap<ServiceId, Millis> {
    let calls = |wanted: &ServiceId| -> Vec<Timestamp> {
        let of = |(at, step): &(Timestamp, Step)| match step {
            Step::Call { service, .. } if service == wanted => Some(*at),
            _ => None,
        };
        steps.iter().filter_map(of).collect()
    };
    let length = |service: &ServiceId| {
        let calls = calls(service);
        let mut gaps: Vec<_> = calls.iter().zip(calls.iter().skip(1)).map(|(one, next)| next.since(*one)).collect();
        gaps.sort_unstable();
        let middle = gaps.get(gaps.len() / 2).copied().unwrap_or(SERVICE_MIN);
        let counters = target.counters.iter().filter(|(_, services)| services.contains(service)).count();
        Millis(middle.0.saturating_mul(i64::try_from(counters).unwrap_or(1))).clamp(SERVICE_MIN, SERVICE_MAX)
    };
    target.services.iter().map(|service| (service.clone(), length(service))).collect()
}

/// The wall clock of one local date.
struct Wall {
    noon: Timestamp,
}

impl Wall {
    /// Spans since midnight are counted from noon: where the clocks change they do so at night, and nine stays nine.
    fn new(zone: Tz, date: NaiveDate) -> Self {
        let noon = date.and_time(NaiveTime::from_hms_opt(12, 0, 0).unwrap_or_default());
        let instant = zone.from_local_datetime(&noon).earliest().map_or_else(|| noon.and_utc(), |at| at.to_utc());
        Self { noon: Timestamp::from_utc(instant) }
    }

    fn at(&self, since_midnight: Millis) -> Timestamp {
        self.noon + Millis(since_midnight.0 - Millis::from_mins(12 * 60).0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::day::Wanted;
    use super::*;

    const HEADER: &str = "day,venue,queue,class,ticket,arrived_at,called_at,finished_at,counter\n";

    fn target(zone: Tz, date: &str) -> Target {
        let service = |name: &str| ServiceId::parse(name).unwrap();
        let counter = |name: &str, services: &[&str]| {
            (CounterId::parse(name).unwrap(), services.iter().copied().map(service).collect())
        };
        Target {
            venue: VenueId::parse("hall").unwrap(),
            zone,
            date: date.parse().unwrap(),
            services: vec![service("b"), service("c")],
            counters: vec![counter("1", &["b"]), counter("2", &["b", "c"])],
        }
    }

    fn plan(rows: &str, mix: Mix) -> Plan {
        let day = Day::read(format!("{HEADER}{rows}").as_bytes(), &Wanted::default()).unwrap();
        Plan::new(&day, target(chrono_tz::Asia::Shanghai, "2026-11-22"), mix).unwrap()
    }

    fn shown(plan: &Plan) -> Vec<String> {
        let show = |(at, step): &(Timestamp, Step)| {
            let local = at.to_utc().with_timezone(&plan.target.zone).format("%H:%M:%S");
            match step {
                Step::Arrive(at) => format!("{local} arrive {}", plan.people.get(*at).unwrap().code),
                Step::Grant(at) => format!("{local} grant {}", plan.people.get(*at).unwrap().code),
                Step::Leave(at) => format!("{local} leave {}", plan.people.get(*at).unwrap().code),
                Step::Call { service, lasted } => {
                    format!(
                        "{local} call {service}{}",
                        lasted.map_or(String::new(), |span| format!(" {}s", span.as_secs()))
                    )
                }
                Step::Open => format!("{local} open"),
                Step::WindUp => format!("{local} wind up"),
            }
        };
        plan.steps.iter().map(show).collect()
    }

    #[test]
    fn recorded_times_become_times_of_the_venues_wall_clock() {
        let plan = plan(
            "2019-12-30,w,B,unknown,B001,2019-12-30T08:00:00,2019-12-30T08:10:00,2019-12-30T08:15:00,\n\
             2019-12-30,w,B,unknown,B002,2019-12-30T08:10:00,2019-12-30T08:20:00,,\n\
             2019-12-30,w,C,unknown,7,2019-12-30T08:05:00,,2019-12-30T08:30:00,\n",
            Mix::FAITHFUL,
        );
        assert_eq!(
            shown(&plan),
            [
                "07:59:00 open",
                "08:00:00 arrive B001",
                "08:05:00 arrive C7",
                "08:10:00 arrive B002",
                "08:10:00 call b 300s",
                "08:20:00 call b",
                "08:30:00 leave C7",
                "08:40:00 wind up",
            ]
        );
        assert!(plan.begins < plan.steps.first().unwrap().0);
    }

    #[test]
    fn nine_stays_nine_where_the_clocks_change() {
        let rows =
            "2019-12-30,w,B,unknown,B001,2019-12-30T09:00:00,,,\n2019-12-30,w,C,unknown,C001,2019-12-30T09:00:00,,,\n";
        let day = Day::read(format!("{HEADER}{rows}").as_bytes(), &Wanted::default()).unwrap();
        for date in ["2026-03-29", "2026-10-25", "2026-06-01"] {
            let zone = chrono_tz::Europe::Berlin;
            let plan = Plan::new(&day, target(zone, date), Mix::FAITHFUL).unwrap();
            let arrives = plan.people.first().unwrap().arrives.to_utc().with_timezone(&zone);
            assert_eq!(arrives.format("%F %T").to_string(), format!("{date} 09:00:00"));
        }
    }

    fn crowd(count: usize) -> String {
        use std::fmt::Write;
        let mut rows = String::new();
        for at in 0..count {
            let (hour, minute, second) = (8 + at / 120, at / 2 % 60, at % 2 * 30);
            let time = format!("2019-12-30T{hour:02}:{minute:02}:{second:02}");
            writeln!(rows, "2019-12-30,w,B,unknown,B{at:03},{time},{time},,").unwrap();
        }
        rows
    }

    #[test]
    fn a_clinic_has_booked_people_in_the_half_hour_of_their_coming() {
        let plan = plan(&crowd(1000), Mix::CLINIC);
        let share = plan.booked().count();
        assert!((620..=740).contains(&share), "{share} of 1000 booked");
        let overflow = plan.people.iter().filter(|person| person.arrival == Arrival::Overflow).count();
        assert!((10..=45).contains(&overflow), "{overflow} overflow");
        for person in plan.booked() {
            let slot = person.slot(plan.target.zone);
            assert!(slot <= person.arrives && person.arrives < slot + SLOT);
            assert_eq!(slot.0 % SLOT.0, 0, "Shanghai's half hours are the world's");
            assert!(person.name().is_some());
        }
    }

    #[test]
    fn faithful_adds_nothing_and_everything_is_the_same_twice() {
        let rows = crowd(300);
        let faithful = plan(&rows, Mix::FAITHFUL);
        assert!(faithful.people.iter().all(|person| person.arrival == Arrival::WalkIn));
        assert!(!faithful.steps.iter().any(|(_, step)| matches!(step, Step::Grant(_))));
        assert_eq!(plan(&rows, Mix::CLINIC), plan(&rows, Mix::CLINIC));
    }

    #[test]
    fn a_typical_service_is_the_middle_gap_times_the_counters() {
        let plan = plan(&crowd(500), Mix::FAITHFUL);
        assert_eq!(plan.typical(&ServiceId::parse("b").unwrap()), Millis::from_secs(60), "30 s, two counters");
        assert_eq!(plan.typical(&ServiceId::parse("c").unwrap()), SERVICE_MIN, "nobody was called");
    }

    #[test]
    fn classes_of_the_records_are_kept() {
        let rows =
            "2019-12-30,w,B,booked,B1,2019-12-30T09:00:00,,,\n2019-12-30,w,C,overflow,C1,2019-12-30T09:10:00,,,\n";
        let plan = plan(rows, Mix::FAITHFUL);
        let how: Vec<_> = plan.people.iter().map(|person| person.arrival).collect();
        assert_eq!(how, [Arrival::Booked, Arrival::Overflow]);
    }
}
