//! `callnext snapshot now`: writes what is missing. Nothing is pruned and nothing expires by it.

use callnext_engine::VenueId;
use serde::Serialize;

use super::place::Installation;
use super::{OptionsError, Told};
use crate::progress::Progress;
use crate::snapshot::keeper::Keeper;
use crate::snapshot::manifest::Manifest;

/// Writes the days that are over and have no snapshot yet.
#[derive(Debug, Clone, clap::Args)]
pub struct NowOptions {
    #[command(flatten)]
    installation: Installation,
    /// This venue alone
    #[arg(long, value_name = "VENUE")]
    venue: Option<String>,
    /// Also the day in progress, as it is so far: before an upgrade, say
    #[arg(long)]
    so_far: bool,
    /// Writes JSON, for programs
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Said {
    written: Vec<Manifest>,
    problems: Vec<Problem>,
}

#[derive(Serialize)]
struct Problem {
    venue: VenueId,
    problem: String,
}

pub(super) async fn run(options: &NowOptions) -> Result<Told, OptionsError> {
    let found = options.installation.find()?;
    let (journal, mut venues) = found.journal().await?;
    let progress = Progress::new(0);
    let keeper = Keeper::new(journal, found.store, found.settings).telling(progress.clone());
    if let Some(wanted) = &options.venue {
        venues.retain(|venue| venue.as_str() == wanted);
        if venues.is_empty() {
            return Err(OptionsError::NoVenue(wanted.clone()));
        }
    }
    let mut said = Said { written: Vec::new(), problems: Vec::new() };
    for venue in venues {
        let mut problem = None;
        match keeper.write_missing(&venue).await {
            Ok(done) => {
                said.written.extend(done.written);
                problem = done.problem;
            }
            Err(error) => drop(problem.insert(error)),
        }
        if options.so_far
            && let Some(today) = keeper.days(&venue).await?.last()
        {
            match keeper.write(&venue, *today).await {
                Ok(manifest) => said.written.push(manifest),
                Err(error) => drop(problem.get_or_insert(error)),
            }
        }
        said.problems.extend(problem.map(|problem| Problem { venue, problem: problem.to_string() }));
    }
    progress.finish();
    let is_well = said.problems.is_empty();
    let text = if options.json { serde_json::to_string_pretty(&said)? + "\n" } else { text(&said) };
    Ok(Told { text, is_well })
}

fn text(said: &Said) -> String {
    let mut text = String::new();
    for manifest in &said.written {
        let so_far = if manifest.is_over { "" } else { "  so far" };
        let (changes, tickets) = (manifest.counts.changes, manifest.counts.tickets);
        text.push_str(&format!(
            "written and verified  {}  {}  {tickets} tickets  {changes} changes{so_far}\n",
            manifest.venue, manifest.date
        ));
    }
    for Problem { venue, problem } in &said.problems {
        text.push_str(&format!("NOT WRITTEN  {venue}: {problem}\n"));
    }
    if text.is_empty() {
        text.push_str("every day that is over has its snapshot\n");
    }
    text
}
