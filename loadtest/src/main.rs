//! `loadtest`: reads the command line, runs a scenario, prints its verdict. Exits with 1 when something happened that
//! must not, with 2 when the run itself failed.

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use loadtest::commits::{self, CommitsOptions};
use loadtest::day::{self, DayOptions};

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
}

fn main() -> ExitCode {
    let line = Line::parse();
    let ran: Result<(String, bool), Box<dyn Error>> = actix::System::new().block_on(async {
        match line.scenario {
            Scenario::Day(options) => {
                let verdict = day::run(*options).await?;
                let text = if line.json { format!("{:#}\n", verdict.json()) } else { verdict.to_string() };
                Ok((text, verdict.is_good()))
            }
            Scenario::Commits(options) => {
                let commits = commits::run(options).await?;
                let text = if line.json { format!("{:#}\n", commits.json()) } else { commits.to_string() };
                Ok((text, commits.is_good()))
            }
        }
    });
    let said = match &ran {
        Ok((text, _)) => write!(std::io::stdout(), "{text}"),
        Err(error) => writeln!(std::io::stderr(), "loadtest: {}", with_causes(error.as_ref())),
    };
    match ran {
        // A verdict that nobody could read is none.
        _ if said.is_err() => ExitCode::from(FAILED),
        Ok((_, true)) => ExitCode::SUCCESS,
        Ok((_, false)) => ExitCode::from(NOT_GOOD),
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
