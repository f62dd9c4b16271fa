//! What was understood of a settings file, in words: the output of `callnext config check`.

use std::fmt;
use std::path::{Path, PathBuf};

use callnext_engine::config::{Layers, VenueConfig, lane_name};
use callnext_engine::{Lane, TicketNumber};

use super::address::{Origin, PublicUrl};
use super::{ServerSettings, Settings, SettingsError, Store};
use crate::journal::redis::{Ack, RedisOptions, Topology};
use crate::snapshot::SnapshotSettings;

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
        let ServerSettings { listen, data, public_url, workers, merge_ms, trusted_origins } = &self.server;
        writeln!(f, "\nserver")?;
        writeln!(f, "  listens on  {listen}")?;
        writeln!(f, "  keeps data  in {}", data.display())?;
        writeln!(f, "  links name  {}", public_url.as_ref().map_or("the address of the request", PublicUrl::as_str))?;
        match workers {
            Some(workers) => writeln!(f, "  workers     {workers}")?,
            None => writeln!(f, "  workers     one per core")?,
        }
        writeln!(f, "  merges      what changes within {merge_ms} ms; calls are shown at once")?;
        if !trusted_origins.is_empty() {
            let origins: Vec<_> = trusted_origins.iter().map(Origin::as_str).collect();
            writeln!(f, "  trusts      {}", origins.join(", "))?;
        }
        match self.journal.store {
            Store::Sqlite => writeln!(f, "  journal     journal.sqlite in that folder")?,
            Store::Redis => {
                let RedisOptions { urls, topology, ack, prefix, .. } = &self.journal.redis;
                let urls: Vec<_> = urls.iter().map(ToString::to_string).collect();
                let topology = match topology {
                    Topology::Single => "Redis at",
                    Topology::Sentinel => "Redis, known to the sentinels at",
                    Topology::Cluster => "Redis cluster at",
                };
                writeln!(f, "  journal     {topology} {}, keys {prefix}:…", urls.join(", "))?;
                let saved = match ack {
                    Ack::Everysec => "in Redis's memory; a power cut there loses up to two seconds",
                    Ack::Always => "on Redis's disk",
                    Ack::Replicated => "in the memory of replicas, too",
                };
                writeln!(f, "  saved       when it is {saved}")?;
            }
        }
        if let Some(name) = &self.cluster.name {
            let address = self.cluster.address.as_ref().map_or("the address it listens on", PublicUrl::as_str);
            writeln!(
                f,
                "  node        {name}, reached by others at {address}; a lease is {} ms",
                self.cluster.lease_ms
            )?;
        }
        let SnapshotSettings { to, s3_endpoint, s3_region: _, tables, keep_days, keep_count, journal_days } =
            &self.snapshot;
        writeln!(f, "\nsnapshots")?;
        match s3_endpoint {
            Some(endpoint) => writeln!(f, "  go to       {to} at {endpoint}")?,
            None => writeln!(f, "  go to       {to}")?,
        }
        writeln!(f, "  tables      {}", if *tables { "beside each, as CSV and Parquet" } else { "none" })?;
        writeln!(f, "  stay        {}", stay(*keep_days, *keep_count))?;
        writeln!(f, "  journal     keeps {journal_days} closed days")?;
        self.venues.iter().try_for_each(|venue| describe(&venue.in_force(&Layers::default()), f))
    }
}

fn stay(days: u32, count: u32) -> String {
    match (days, count) {
        (0, 0) => "for ever".to_owned(),
        (days, 0) => format!("{days} days"),
        (0, count) => format!("the latest {count} of each venue"),
        (days, count) => format!("{days} days, and no more than {count} of each venue"),
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
