//! Flags in, a running server out. What each command does is in the library; here it is only chosen.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use callnext::app::{App, Parts, make_data_folder};
use callnext::clock::Clock;
use callnext::demo;
use callnext::replay::{self, ReplayOptions};
use callnext::settings::Settings;
use callnext::settings::reference::reference;
use callnext::snapshot::options::{ExportOptions, RestoreOptions, SnapshotCommand, Told, TrailCommand, VerifyOptions};
use callnext::stores::Stores;
use callnext::telemetry::{self, LogFormat};
use callnext::whatif::{self, WhatIfOptions};
use clap::{Args, Parser, Subcommand};

/// Why another than the C library's: see `Cargo.toml`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The settings file to begin with.
const EXAMPLE: &str = include_str!("callnext.example.toml");

/// Calls people in hospital clinics and service halls: kiosks, counters, screens, phones.
///
/// Try it: `callnext demo` shows a clinic and a hall at work, with nothing to set up.
#[derive(Parser)]
#[command(name = "callnext", version, max_term_width = 100, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// How log lines are written to standard error; CALLNEXT_LOG sets what is logged (info, debug, …)
    #[arg(long, global = true, value_enum, default_value = "text", value_name = "FORM")]
    log: LogFormat,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the server for the venues of a settings file, alone or as one of several nodes on a Redis
    Serve(Serve),
    /// Runs a clinic and a service hall that move by themselves, through a recorded day
    Demo(Demo),
    /// Plays a recorded day through the public interface of a running server
    Replay(ReplayOptions),
    /// Plays a recorded day under other settings and compares waits and fairness; needs no server
    WhatIf(WhatIfOptions),
    /// Writes and shows the files in which venues' days are kept
    #[command(subcommand)]
    Snapshot(SnapshotCommand),
    /// Reads snapshots to their ends and tells which are whole
    Verify(VerifyOptions),
    /// Gives a day back from its snapshot, to a venue without a history or to a new data folder
    Restore(RestoreOptions),
    /// Writes the table of a day from its snapshot: one row per ticket, without names
    Export(ExportOptions),
    /// Looks at the trail of what must be traceable: overflow, green channel, calls by hand, changed rules
    #[command(subcommand)]
    Trail(TrailCommand),
    /// Looks at settings without starting anything
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(Args)]
struct Serve {
    /// The settings file; `callnext config example` prints one to begin with
    #[arg(long, value_name = "FILE", env = "CALLNEXT_CONFIG", default_value = "callnext.toml")]
    config: PathBuf,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
struct Demo {
    /// How many times faster than real time the day is played
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    speed: u32,
    /// A recorded day to play in the hall instead of the one that comes with it (CSV, see `callnext replay --help`)
    #[arg(long, value_name = "FILE")]
    day: Option<PathBuf>,
    /// Opens the venues but plays nothing: for `callnext replay` and for trying things out alone
    #[arg(long)]
    no_play: bool,
    #[command(flatten)]
    place: Place,
}

/// Where a server listens and keeps its files.
#[derive(Args)]
struct Place {
    /// Address and port to listen on [default: 127.0.0.1:8080, or the settings file's]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Folder for the journal, the accounts and the secret [default: callnext-data, the demo's callnext-demo-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Reads a settings file and tells what was understood, or everything that is wrong
    Check {
        /// The settings file
        #[arg(long, value_name = "FILE", env = "CALLNEXT_CONFIG", default_value = "callnext.toml")]
        config: PathBuf,
    },
    /// Prints a settings file to begin with: every setting, explained
    Example,
    /// Prints every setting: what it does, its type, unit, range, default and rule (Markdown)
    Reference {
        /// As JSON, for programs
        #[arg(long)]
        json: bool,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    telemetry::start(cli.log);
    let ended = actix::System::new().block_on(async {
        match cli.command {
            Command::Serve(serve) => run_serve(serve).await,
            Command::Demo(demo) => run_demo(demo).await,
            Command::Replay(options) => run_replay(options).await,
            Command::WhatIf(options) => say(&whatif::run(&options)?),
            Command::Snapshot(command) => tell(&command.run().await?),
            Command::Verify(options) => tell(&options.run().await?),
            Command::Restore(options) => tell(&options.run().await?),
            Command::Export(options) => tell(&options.run().await?),
            Command::Trail(command) => tell(&command.run().await?),
            Command::Config(ConfigCommand::Check { config }) => check(&config),
            Command::Config(ConfigCommand::Example) => say(EXAMPLE),
            Command::Config(ConfigCommand::Reference { json: false }) => say(&reference().to_string()),
            Command::Config(ConfigCommand::Reference { json: true }) => {
                say(&(serde_json::to_string_pretty(&reference())? + "\n"))
            }
        }
    });
    match ended {
        Ok(code) => code,
        Err(error) => {
            // The chain of causes, each on its own line: the last one is usually what can be mended.
            let mut line = format!("callnext: {error}\n");
            let mut cause = error.source();
            while let Some(error) = cause {
                line.push_str(&format!("  because: {error}\n"));
                cause = error.source();
            }
            drop(std::io::stderr().write_all(line.as_bytes()));
            ExitCode::FAILURE
        }
    }
}

type Ended = Result<ExitCode, Box<dyn std::error::Error>>;

fn say(text: &str) -> Ended {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// Says it, and ends as well as it is.
fn tell(told: &Told) -> Ended {
    say(&told.text)?;
    Ok(if told.is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn run_serve(serve: Serve) -> Ended {
    let settings = Settings::load(&serve.config)?;
    let data = serve.place.data.unwrap_or_else(|| settings.server.data.clone());
    make_data_folder(&data)?;
    let Stores { journal, access, cluster } = Stores::open(&settings, &data).await?;
    let setup = access.offer_setup()?;
    let parts = Parts {
        listen: serve.place.listen.unwrap_or(settings.server.listen),
        data,
        public_url: settings.server.public_url.as_ref().map(|url| url.as_str().to_owned()),
        trusted_origins: settings.server.trusted_origins.iter().map(|origin| origin.as_str().to_owned()).collect(),
        workers: settings.server.workers,
        merge: settings.server.merge(),
        venues: settings.venues,
        clock: Clock::machine(),
        access,
        snapshot: Some(settings.snapshot),
        demo: None,
        cluster,
    };
    let app = App::build_on(parts, journal).await?;
    let base =
        settings.server.public_url.map_or_else(|| format!("http://{}", app.address()), |url| url.as_str().to_owned());
    let mut text = format!("callnext is running: {base}/\n");
    if let Some(token) = setup {
        text.push_str(&format!(
            "\nThere is no account yet. Make the first one with this link, which works once:\n  {base}/setup#token={}\n",
            token.reveal()
        ));
    }
    say(&text)?;
    app.run().await?;
    Ok(ExitCode::SUCCESS)
}

async fn run_demo(options: Demo) -> Ended {
    let data = options.place.data.unwrap_or_else(|| PathBuf::from("callnext-demo-data"));
    make_data_folder(&data)?;
    let listen = options.place.listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8080)));
    let started =
        demo::start(demo::Options { listen, data, speed: options.speed, day: options.day, plays: !options.no_play })
            .await?;
    say(&started.welcome())?;
    started.run().await?;
    Ok(ExitCode::SUCCESS)
}

async fn run_replay(options: ReplayOptions) -> Ended {
    let summary = replay::run(options).await?;
    say(&format!("{summary}\n"))
}

fn check(config: &std::path::Path) -> Ended {
    let report = Settings::check(config);
    if report.is_sound() { say(&format!("{report}\n")) } else { Err(report.to_string().into()) }
}
