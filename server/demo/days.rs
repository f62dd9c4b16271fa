//! The recorded days of the demo, embedded. See `data/README.md` for whose they are and what was done to them.

use super::{CLINIC, HALL};
use crate::replay::day::{Day, DayError, Wanted};

const CLINIC_DAY: &str = include_str!("data/warsaw_bielany_2020-01-13.csv");
const HALL_DAY: &str = include_str!("data/warsaw_bemowo_2019-12-30.csv");

/// The day that is played at the clinic: 553 tickets in four queues.
///
/// # Errors
///
/// The embedded records are at fault: a mistake of ours, which the tests would find.
pub fn clinic_day() -> Result<Day, DayError> {
    Day::read(CLINIC_DAY.as_bytes(), &Wanted::default())
}

/// The day that is played at the hall: 1,240 tickets in seven queues.
///
/// # Errors
///
/// As [`clinic_day`].
pub fn hall_day() -> Result<Day, DayError> {
    Day::read(HALL_DAY.as_bytes(), &Wanted::default())
}

/// The day that is played at this venue of the demo, if one is.
///
/// # Errors
///
/// As [`clinic_day`].
pub fn day_of(venue: &str) -> Option<Result<Day, DayError>> {
    match venue {
        CLINIC => Some(clinic_day()),
        HALL => Some(hall_day()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use callnext_engine::{Declaration, Millis, ServiceId};

    use super::super::venues;
    use super::*;
    use crate::replay::mapping::map_queues;
    use crate::replay::plan::{Arrival, Mix, Plan, Target};

    fn target(venue: &Declaration) -> Target {
        Target {
            venue: venue.id.clone(),
            zone: venue.time_zone,
            date: "2026-11-23".parse().unwrap(),
            services: venue.services.iter().map(|service| service.id.clone()).collect(),
            counters: venue.counters.iter().map(|counter| (counter.id.clone(), counter.services.clone())).collect(),
        }
    }

    #[test]
    fn the_days_are_whole() {
        let (clinic, hall) = (clinic_day().unwrap(), hall_day().unwrap());
        assert_eq!((clinic.visits.len(), clinic.queues.len()), (553, 4));
        assert_eq!((hall.visits.len(), hall.queues.len()), (1240, 7));
        assert!(hall.visits.iter().all(|visit| visit.called.is_some()));
    }

    #[test]
    fn each_queue_of_the_hall_keeps_its_letter() {
        let hall = venues().unwrap().pop().unwrap();
        let services: Vec<ServiceId> = hall.services.iter().map(|service| service.id.clone()).collect();
        for (queue, service) in map_queues(&hall_day().unwrap().queues, &services).unwrap() {
            assert_eq!(hall.service(&service).unwrap().prefix, queue);
        }
    }

    #[test]
    fn both_days_can_be_planned() {
        for (venue, mix) in venues().unwrap().iter().zip([Mix::CLINIC, Mix::HALL]) {
            let day = day_of(venue.id.as_str()).unwrap().unwrap();
            let plan = Plan::new(&day, target(venue), mix).unwrap();
            assert_eq!(plan.people.len(), day.visits.len());
            for service in &plan.target.services {
                let typical = plan.typical(service);
                assert!(typical > Millis::from_secs(45), "{service}: {typical:?}");
            }
        }
    }

    #[test]
    fn seven_of_ten_at_the_clinic_had_booked() {
        let clinic = venues().unwrap().remove(0);
        let plan = Plan::new(&clinic_day().unwrap(), target(&clinic), Mix::CLINIC).unwrap();
        let count = |how| plan.people.iter().filter(|person| person.arrival == how).count();
        assert!((350..=410).contains(&count(Arrival::Booked)), "{}", count(Arrival::Booked));
        assert!((5..=25).contains(&count(Arrival::Overflow)), "{}", count(Arrival::Overflow));
    }
}
