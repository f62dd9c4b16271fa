//! `loadtest`: reads the command line, runs a scenario, prints its verdict. Exits with 1 when something happened that
//! must not, with 2 when the run itself failed.

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use loadtest::commits::{self, CommitsOptions};
use loadtest::day::{self, DayOptions};
use loadtest::night::{self, NightOptions};

/// Something happened that must not.
const NOT_GOOD: u8 = 1;
/// The run failed: there is no verdict.
const FAILED: u8 = 2;

/// Load for a callnext server that checks what it receives.
#[derive(Parser)]
#[command(version, about)]
struct Line {
    #[command(subcommand)]
    scenario: Scenario,
    /// Print the verdict as JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Scenario {
    /// Play a recorded day with boards and every ticket's phone open
    Day(Box<DayOptions>),
    /// Measure how many durable commands a second one venue takes on each store; needs redis-server
    Commits(CommitsOptions),
    /// Write a big day's snapshot while the same venue goes on calling, and measure both
    Night(NightOptions),
}

/// What is said of a run, and whether it is good.
struct Said {
    text: String,
    is_good: bool,
}

fn main() -> ExitCode {
    let line = Line::parse();
    let system = actix::System::new();
    let ran: Result<Said, Box<dyn Error>> = system.block_on(async {
        Ok(match line.scenario {
            Scenario::Day(options) => {
                let verdict = day::run(*options).await?;
                let text = if line.json { format!("{:#}\n", verdict.json()) } else { verdict.to_string() };
                Said { text, is_good: verdict.is_good() }
            }
            Scenario::Commits(options) => {
                let commits = commits::run(options).await?;
                let text = if line.json { format!("{:#}\n", commits.json()) } else { commits.to_string() };
                Said { text, is_good: commits.is_good() }
            }
            Scenario::Night(options) => {
                let night = night::run(options).await?;
                let text = if line.json { serde_json::to_string_pretty(&night)? + "\n" } else { night.to_string() };
                Said { text, is_good: night.is_good() }
            }
        })
    });
    let said = match &ran {
        Ok(said) => write!(std::io::stdout(), "{}", said.text),
        Err(error) => writeln!(std::io::stderr(), "loadtest: {}", with_causes(error.as_ref())),
    };
    match ran {
        // A verdict that nobody could read is none.
        _ if said.is_err() => ExitCode::from(FAILED),
        Ok(said) if said.is_good => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(NOT_GOOD),
        Err(_) => ExitCode::from(FAILED),
    }
}

fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
