//! What the person who asks says, and what becomes of it: a report, or why there is none.

use std::path::PathBuf;

use callnext_engine::config::Layers;
use callnext_engine::{ServiceId, VenueConfig};
use chrono::NaiveDate;

use super::change::{ChangeError, Variants};
use super::report::{AS_THEY_ARE, Played, Report, Run};
use super::simulation::simulate;
use crate::demo::{self, DemoError};
use crate::progress::Progress;
use crate::replay::day::{Day, DayError, Wanted};
use crate::replay::mapping::{MappingError, map_queues};
use crate::replay::plan::{Mix, Plan, Target};
use crate::settings::{Settings, SettingsError};

/// A recorded day, and the settings to try on it.
#[derive(Debug, Clone, clap::Args)]
pub struct WhatIfOptions {
    /// The recorded day: a CSV file with day,venue,queue,class,ticket,arrived_at,called_at,finished_at,counter
    pub file: PathBuf,
    /// Settings to try
    #[command(flatten)]
    pub variants: Variants,
    /// The settings file with the venue [default: the venues of the demo]
    #[arg(long, value_name = "FILE", env = "CALLNEXT_CONFIG")]
    pub config: Option<PathBuf>,
    /// The venue to play the day at, where several fit
    #[arg(long, value_name = "VENUE")]
    pub venue: Option<String>,
    /// The venue in the file, where it holds several
    #[arg(long, value_name = "NAME")]
    pub record_venue: Option<String>,
    /// The day in the file, where it holds several
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub day: Option<NaiveDate>,
    /// Of a hundred people, so many are played as booked [default: those the file says; 70 for the demo's clinic day]
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(0..=100))]
    pub booked: Option<u32>,
    /// Nothing that is not in the file: everybody comes when called, nobody is given precedence or sent for tests
    #[arg(long)]
    pub faithful: bool,
    /// What the figures are told by, besides in all
    #[arg(long, value_enum, value_name = "WHAT", default_value = "lane")]
    pub by: By,
    /// Writes JSON, for programs
    #[arg(long)]
    pub json: bool,
}

/// What figures are told by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum By {
    /// By lane, all services together
    Lane,
    /// By lane, all services together and each apart
    Service,
}

/// Why there is nothing to report.
#[derive(Debug, thiserror::Error)]
pub enum WhatIfError {
    /// The records.
    #[error(transparent)]
    Day(#[from] DayError),
    /// The settings file.
    #[error(transparent)]
    Settings(#[from] Box<SettingsError>),
    /// The demo's settings.
    #[error(transparent)]
    Demo(#[from] DemoError),
    /// The queues of the day do not fit the venue.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// No venue of this name, or none or several that would do.
    #[error("choose a venue with --venue; there is {}", has.join(", "))]
    Venue {
        /// What there is.
        has: Vec<String>,
    },
    /// What is to be tried.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// The report cannot be written as JSON.
    #[error("the report cannot be written as JSON")]
    Json(#[from] serde_json::Error),
}

/// Plays the day once under the settings as they are, and once under each variant; tells what came out, as text.
///
/// # Errors
///
/// The day or the settings cannot be read, do not fit each other, or what is to be tried makes no sense.
pub fn run(options: &WhatIfOptions) -> Result<String, WhatIfError> {
    let report = report(options)?;
    Ok(if options.json { report.to_json()? + "\n" } else { report.to_string() })
}

fn report(options: &WhatIfOptions) -> Result<Report, WhatIfError> {
    let venues = match &options.config {
        Some(path) => Settings::load(path).map_err(Box::new)?.venues,
        None => demo::venues()?,
    };
    let day = Day::open(&options.file, &Wanted { venue: options.record_venue.clone(), date: options.day })?;
    let venues = venues.iter().map(|venue| venue.in_force(&Layers::default())).collect();
    let venue = choose(venues, options.venue.as_deref(), &day)?;
    // All that is to be tried is read before anything is played: a slip in the last one should not cost the first.
    let variants = options.variants.0.iter().map(|variant| Ok((variant, variant.of(&venue)?)));
    let variants: Vec<_> = variants.collect::<Result<_, ChangeError>>()?;
    let mix = mix(options, &day)?;
    let plan = Plan::new(&day, target(&venue, day.date), mix)?;
    let steps = plan.steps.len() * (1 + variants.len());
    let progress = Progress::new(u64::try_from(steps).unwrap_or(u64::MAX));
    let play = |config: &VenueConfig| simulate(&plan, mix, config, &mut || progress.steps(1));
    let mut runs = vec![Run { name: AS_THEY_ARE.to_owned(), settings: Vec::new(), history: play(&venue) }];
    runs.extend(variants.into_iter().map(|(variant, config)| {
        let (name, settings) = (variant.name.clone(), variant.settings.clone());
        Run { name, settings, history: play(&config) }
    }));
    progress.finish();
    let played = Played { day: &day, plan: &plan, mix, venue: &venue };
    Ok(Report::new(played, &runs, options.by == By::Service))
}

/// The venue that was named, or the only one that the queues fit.
fn choose(venues: Vec<VenueConfig>, wanted: Option<&str>, day: &Day) -> Result<VenueConfig, WhatIfError> {
    let has = venues.iter().map(|venue| venue.id.to_string()).collect();
    let fits = |venue: &VenueConfig| match wanted {
        Some(wanted) => venue.id.as_str() == wanted,
        None => map_queues(&day.queues, &services(venue)).is_ok(),
    };
    let mut fitting: Vec<_> = venues.into_iter().filter(fits).collect();
    match (fitting.pop(), fitting.is_empty()) {
        (Some(venue), true) => Ok(venue),
        _ => Err(WhatIfError::Venue { has }),
    }
}

fn services(venue: &VenueConfig) -> Vec<ServiceId> {
    venue.services.iter().map(|service| service.id.clone()).collect()
}

/// The venue on the date of the records: no clock is asked, and a day gives the same figures whenever it is played.
fn target(venue: &VenueConfig, date: NaiveDate) -> Target {
    Target {
        venue: venue.id.clone(),
        zone: venue.time_zone,
        date,
        services: services(venue),
        counters: venue.counters.iter().map(|counter| (counter.id.clone(), counter.services.clone())).collect(),
    }
}

/// How much real life is added, as by the player: booked people make it a clinic.
fn mix(options: &WhatIfOptions, day: &Day) -> Result<Mix, DayError> {
    let booked_percent = match options.booked {
        Some(booked) => booked,
        None if !options.faithful && *day == demo::clinic_day()? => Mix::CLINIC.booked_percent,
        None => 0,
    };
    let life = match (options.faithful, booked_percent) {
        (true, _) => Mix::FAITHFUL,
        (false, 0) => Mix::HALL,
        (false, _) => Mix::CLINIC,
    };
    Ok(Mix { booked_percent, ..life })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: WhatIfOptions,
    }

    fn line(words: &[&str]) -> Result<WhatIfOptions, clap::Error> {
        Line::try_parse_from([&["what-if"], words].concat()).map(|line| line.options)
    }

    #[test]
    fn the_command_line_reads_as_it_is_written() {
        let options =
            line(&["day.csv", "--set", "*.ratio.appointment=6", "--variant", "--set", "*.ready_count=0"]).unwrap();
        assert_eq!((options.variants.0.len(), options.by, options.json), (2, By::Lane, false));
        assert_eq!(line(&["--by", "service", "--json", "day.csv"]).unwrap().by, By::Service);
        for bad in
            [&[][..], &["day.csv", "--booked", "101"], &["day.csv", "--by", "weather"], &["day.csv", "--set", "x"]]
        {
            assert!(line(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_venue_is_the_named_one_or_the_only_one_that_fits() {
        let chosen = |wanted: Option<&str>, day: &Day| {
            let venues = demo::venues().unwrap();
            choose(venues.iter().map(|venue| venue.in_force(&Layers::default())).collect(), wanted, day)
                .map(|venue| venue.id.to_string())
                .map_err(|error| error.to_string())
        };
        let clinic = demo::clinic_day().unwrap();
        assert_eq!(chosen(None, &clinic).unwrap(), "clinic");
        assert_eq!(chosen(None, &demo::hall_day().unwrap()).unwrap(), "hall");
        assert_eq!(chosen(Some("hall"), &clinic).unwrap(), "hall", "whether the day fits is found out later");
        assert_eq!(chosen(Some("bank"), &clinic).unwrap_err(), "choose a venue with --venue; there is clinic, hall");
    }

    #[test]
    fn a_mix_is_what_the_options_say() {
        let (clinic, hall) = (demo::clinic_day().unwrap(), demo::hall_day().unwrap());
        let mix = |words: &[&str], day: &Day| mix(&line(&[&["day.csv"], words].concat()).unwrap(), day).unwrap();
        assert_eq!(mix(&[], &clinic), Mix::CLINIC);
        assert_eq!(mix(&[], &hall), Mix::HALL);
        assert_eq!(mix(&["--booked", "70"], &hall), Mix::CLINIC);
        assert_eq!(mix(&["--booked", "0"], &clinic), Mix::HALL);
        assert_eq!(mix(&["--faithful"], &clinic), Mix::FAITHFUL);
        assert_eq!(mix(&["--faithful", "--booked", "40"], &clinic), Mix { booked_percent: 40, ..Mix::FAITHFUL });
    }
}
