//! What was understood of a settings file, in words: the output of `callnext config check`.

use std::fmt;
use std::path::{Path, PathBuf};

use callnext_engine::config::{Layers, VenueConfig, lane_name};
use callnext_engine::{Lane, TicketNumber};

use super::address::{Origin, PublicUrl};
use super::{ServerSettings, Settings, SettingsError};

/// What was understood, or what is wrong: the output of `callnext config check`.
#[derive(Debug)]
pub struct Report {
    path: PathBuf,
    outcome: Result<Settings, SettingsError>,
}

impl Report {
    pub(super) fn new(path: &Path, outcome: Result<Settings, SettingsError>) -> Self {
        Self { path: path.to_owned(), outcome }
    }

    /// Whether the settings can be used.
    pub fn is_sound(&self) -> bool {
        self.outcome.is_ok()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            Ok(settings) => write!(f, "{}: sound\n{settings}", self.path.display()),
            Err(error) => write!(f, "{error}"),
        }
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ServerSettings { listen, data, public_url, workers, trusted_origins } = &self.server;
        writeln!(f, "\nserver")?;
        writeln!(f, "  listens on  {listen}")?;
        writeln!(f, "  keeps data  in {}", data.display())?;
        writeln!(f, "  links name  {}", public_url.as_ref().map_or("the address of the request", PublicUrl::as_str))?;
        match workers {
            Some(workers) => writeln!(f, "  workers     {workers}")?,
            None => writeln!(f, "  workers     one per core")?,
        }
        if !trusted_origins.is_empty() {
            let origins: Vec<_> = trusted_origins.iter().map(Origin::as_str).collect();
            writeln!(f, "  trusts      {}", origins.join(", "))?;
        }
        self.venues.iter().try_for_each(|venue| describe(&venue.in_force(&Layers::default()), f))
    }
}

fn describe(venue: &VenueConfig, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "\nvenue {}  {}", venue.id, venue.name.zh_hans)?;
    writeln!(f, "  day         starts {} {}", venue.day_start.format("%H:%M"), venue.time_zone)?;
    writeln!(
        f,
        "  phones      {}",
        if venue.join_by_phone { "may take numbers" } else { "show numbers taken elsewhere" }
    )?;
    writeln!(f, "  board       {}", if venue.public_board { "open to everybody" } else { "for paired screens" })?;
    for service in &venue.services {
        let shares = Lane::ALL.map(|lane| format!("{} {}", lane_name(lane), service.policy.weights.of(lane)));
        writeln!(
            f,
            "  service {}  {}  numbers {}",
            service.id,
            service.name.zh_hans,
            TicketNumber::of(&service.prefix, 1)
        )?;
        writeln!(f, "    shares    {}", shares.join(" : "))?;
    }
    for counter in &venue.counters {
        let serves: Vec<_> = counter.services.iter().map(ToString::to_string).collect();
        writeln!(f, "  counter {}  {}  serves {}", counter.id, counter.name.zh_hans, serves.join(", "))?;
    }
    Ok(())
}
