//! `loadtest`: reads the command line, runs what it asks for, prints what came of it. Exits with 1 when something
//! happened that must not, with 2 when the run itself failed.

use std::error::Error;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use loadtest::chaos::{self, ChaosOptions};
use loadtest::commits::{self, CommitsOptions};
use loadtest::day::{self, DayOptions};
use loadtest::night::{self, NightOptions};
use loadtest::scenario::{self, ScenarioOptions};
use loadtest::server::{self, ServerOptions};
use loadtest::spread::{self, SpreadOptions};
use loadtest::streams::{self, StreamsOptions};
use loadtest::table::{self, Figure, Shown, TableOptions};
use loadtest::{autobahn, bare, echo, viewers};

/// The server's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Something happened that must not.
const NOT_GOOD: u8 = 1;
/// The run failed: there is no verdict.
const FAILED: u8 = 2;

/// Load for a callnext server that checks what it receives.
#[derive(Parser)]
#[command(version, about)]
struct Line {
    #[command(subcommand)]
    what: What,
    /// Print what came of it as JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum What {
    /// Play a recorded day with boards and every ticket's phone open
    Day(Box<DayOptions>),
    /// Measure how many durable commands a second one venue takes on each store; needs redis-server
    Commits(CommitsOptions),
    /// Let everything go wrong for three nodes and their Redis, and judge what people were told; needs redis-server
    Chaos(ChaosOptions),
    /// Let nodes come and go under many venues, and tell how long each had no owner; needs redis-server
    Spread(SpreadOptions),
    /// Write a big day's snapshot while the same venue goes on calling, and measure both
    Night(NightOptions),
    /// Run a scenario against a server of its own, and check what everybody sees
    Run(ScenarioOptions),
    /// Measure the server beside the bare write loop, and print each figure beside its bar
    Table(TableOptions),
    /// Measure what one Redis bears of many venues that many nodes follow; needs redis-server
    Streams(StreamsOptions),
    /// Print a table that was kept as JSON
    #[command(hide = true)]
    Show {
        /// The file
        file: PathBuf,
    },
    /// Run Autobahn's cases 1 to 7 and 10 against an echo on the server's socket code; see loadtest/autobahn
    Autobahn,
    /// The bare write loop; prints its address
    #[command(hide = true)]
    Bare,
    /// An echo on the server's socket code; prints its address
    #[command(hide = true)]
    Echo {
        /// Address and port
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: SocketAddr,
    },
    /// A server with a venue for measuring; prints its address
    #[command(hide = true)]
    Server(ServerOptions),
    /// Viewers, asked and telling in lines of JSON
    #[command(hide = true)]
    Viewers,
}

/// What came of it, ready to be printed, and whether it is good.
struct Outcome {
    text: String,
    is_good: bool,
}

fn main() -> ExitCode {
    let line = Line::parse();
    match run(line) {
        // A verdict that nobody could read is none.
        Ok(outcome) if write!(std::io::stdout(), "{}", outcome.text).is_err() => ExitCode::from(FAILED),
        Ok(outcome) if outcome.is_good => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(NOT_GOOD),
        Err(error) => {
            drop(writeln!(std::io::stderr(), "loadtest: {}", with_causes(error.as_ref())));
            ExitCode::from(FAILED)
        }
    }
}

fn run(line: Line) -> Result<Outcome, Box<dyn Error>> {
    let system = actix::System::new();
    let served = Outcome { text: String::new(), is_good: true };
    match line.what {
        What::Day(options) => {
            let verdict = system.block_on(day::run(*options))?;
            let text = if line.json { format!("{:#}\n", verdict.json()) } else { verdict.to_string() };
            Ok(Outcome { text, is_good: verdict.is_good() })
        }
        What::Commits(options) => {
            let commits = system.block_on(commits::run(options))?;
            let text = if line.json { format!("{:#}\n", commits.json()) } else { commits.to_string() };
            Ok(Outcome { text, is_good: commits.is_good() })
        }
        What::Chaos(options) => {
            let chaos = system.block_on(chaos::run(&options, std::io::stdout()))?;
            Ok(Outcome { text: chaos.to_string(), is_good: chaos.is_good() })
        }
        What::Spread(options) => {
            let spread = system.block_on(spread::run(&options))?;
            Ok(Outcome { text: spread.to_string(), is_good: spread.is_good() })
        }
        What::Night(options) => {
            let night = system.block_on(night::run(options))?;
            let text =
                if line.json { format!("{}\n", serde_json::to_string_pretty(&night)?) } else { night.to_string() };
            Ok(Outcome { text, is_good: night.is_good() })
        }
        What::Run(options) => {
            let report = system.block_on(scenario::run(&options))?;
            let text =
                if line.json { format!("{}\n", serde_json::to_string_pretty(&report)?) } else { report.to_string() };
            Ok(Outcome { text, is_good: report.ok })
        }
        What::Table(options) => {
            let figures = system.block_on(table::run(&options))?;
            let text = if line.json {
                format!("{}\n", serde_json::to_string_pretty(&figures)?)
            } else {
                Shown(&figures).to_string()
            };
            Ok(Outcome { text, is_good: figures.iter().all(|figure| figure.ok) })
        }
        What::Streams(options) => {
            let streams = system.block_on(streams::run(options))?;
            let text =
                if line.json { format!("{}\n", serde_json::to_string_pretty(&streams)?) } else { streams.to_string() };
            Ok(Outcome { text, is_good: true })
        }
        What::Show { file } => {
            let figures: Vec<Figure> = serde_json::from_slice(&std::fs::read(file)?)?;
            Ok(Outcome { text: Shown(&figures).to_string(), is_good: true })
        }
        What::Autobahn => {
            let cases = autobahn::run(&autobahn::suite())?;
            Ok(Outcome { text: cases.to_string(), is_good: cases.are_good() })
        }
        What::Bare => bare::serve(tell).map(|()| served).map_err(Into::into),
        What::Echo { listen } => system.block_on(echo::run(listen, tell)).map(|()| served).map_err(Into::into),
        What::Server(options) => system.block_on(server::run(options, tell)).map(|()| served).map_err(Into::into),
        What::Viewers => viewers::run().map(|()| served).map_err(Into::into),
    }
}

/// The first line of a process that others talk to.
fn tell(address: SocketAddr) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{address}")?;
    out.flush()
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
