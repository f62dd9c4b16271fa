//! Where log lines go. What goes into them is up to each place that logs; addresses and tokens never do.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// The level that is logged unless `CALLNEXT_LOG` says otherwise.
const DEFAULT: &str = "info,actix_server=warn,actix_http=error";

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for collectors.
    Json,
}

/// Begins to log to standard error. A second call, as tests make, changes nothing.
pub fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_env("CALLNEXT_LOG").unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let started = match format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    drop(started);
}
