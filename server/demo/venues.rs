//! The demo's venues, read from the embedded settings.

use callnext_engine::Declaration;
use callnext_engine::config::{ConfigError, Layers};
use config::{Config, FileFormat};
use serde::Deserialize;

const SETTINGS: &str = include_str!("demo.toml");

/// The demo's own settings are at fault: a mistake of ours, which the tests would find.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// Not in the form of settings.
    #[error("the demo's settings cannot be read")]
    Unreadable(#[from] config::ConfigError),
    /// A venue is not sound.
    #[error("the demo's settings: {0}")]
    Unsound(ConfigError),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    venue: Vec<Declaration>,
}

/// The venues of the demo: a hospital clinic and a service hall.
///
/// # Errors
///
/// The embedded settings are at fault.
pub fn venues() -> Result<Vec<Declaration>, DemoError> {
    let source = config::File::from_str(SETTINGS, FileFormat::Toml);
    let settings: Settings = Config::builder().add_source(source).build()?.try_deserialize()?;
    match settings.venue.iter().flat_map(|venue| venue.problems_under(&Layers::default())).next() {
        Some(problem) => Err(DemoError::Unsound(problem)),
        None => Ok(settings.venue),
    }
}

#[cfg(test)]
mod tests {
    use callnext_engine::Lane;

    use super::super::{CLINIC, DEMO_ACCOUNTS, DEMO_DEVICES, HALL};
    use super::*;

    #[test]
    fn both_venues_are_sound_and_can_be_joined() {
        let venues = venues().unwrap();
        assert_eq!(venues.iter().map(|venue| venue.id.as_str()).collect::<Vec<_>>(), [CLINIC, HALL]);
        for venue in &venues {
            assert!(venue.public_board && venue.join_by_phone);
            assert_eq!(venue.time_zone, chrono_tz::Asia::Shanghai);
            for name in venue.services.iter().map(|service| &service.name).chain([&venue.name]) {
                assert!(!name.is_blank());
                assert_ne!(name.zh_hans, name.en, "each language has its own text");
            }
        }
    }

    #[test]
    fn the_clinic_calls_booked_and_on_site_seven_to_three() {
        let venues = venues().unwrap();
        let clinic = venues.first().unwrap().in_force(&Layers::default());
        let service = clinic.services.first().unwrap();
        assert_eq!((service.policy.weights.of(Lane::Appointment), service.policy.weights.of(Lane::WalkIn)), (7, 3));
    }

    #[test]
    fn the_hall_has_the_offices_counters() {
        let venues = venues().unwrap();
        let hall = venues.last().unwrap();
        let counters = |prefix: &str| {
            let service = hall.services.iter().find(|service| service.prefix == prefix).unwrap();
            hall.counters.iter().filter(|counter| counter.services.contains(&service.id)).count()
        };
        assert_eq!(["B", "C", "F", "G", "L", "P", "T"].map(counters), [1, 3, 3, 3, 6, 5, 6]);
    }

    #[test]
    fn accounts_and_devices_are_what_a_server_takes() {
        assert!(DEMO_ACCOUNTS.iter().all(|account| account.password.chars().count() >= 10));
        let venues = venues().unwrap();
        assert!(DEMO_DEVICES.iter().all(|device| venues.iter().any(|venue| venue.id.as_str() == device.venue)));
    }
}
