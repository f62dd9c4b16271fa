//! Autobahn's fuzzing client against the echo on the server's socket code, and what it says, told shortly.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;
use serde_json::json;

use crate::process::Process;

/// Framing, pings, reserved bits, opcodes, fragments, UTF-8, closing; and frames cut into pieces. Not 9 (endurance), 12 and
/// 13 (compression, which is not offered).
const CASES: [&str; 8] = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*"];

/// Where `loadtest/autobahn` puts the suite.
pub fn suite() -> PathBuf {
    std::env::var_os("AUTOBAHN").map_or_else(|| PathBuf::from("target/autobahn"), PathBuf::from)
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum AutobahnError {
    /// The suite is not there.
    #[error("{} is not there; loadtest/autobahn puts it there", .0.display())]
    NoSuite(PathBuf),
    /// A process or a file.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Its report.
    #[error("the suite's report: {0}")]
    Report(#[from] serde_json::Error),
    /// It ended with an error.
    #[error("the suite failed:\n{0}")]
    Failed(String),
}

/// Runs the suite that is in this folder. Takes a minute or two.
///
/// # Errors
///
/// It could not be run; what it found is in the cases.
pub fn run(suite: &Path) -> Result<Cases, AutobahnError> {
    let program = suite.join("bin/wstest");
    if !program.exists() {
        return Err(AutobahnError::NoSuite(program));
    }
    let echo = Process::start(&["echo"])?;
    let folder = tempfile::tempdir()?;
    let (reports, spec) = (folder.path().join("reports"), folder.path().join("spec.json"));
    let spec_text = json!({
        "outdir": reports, "cases": CASES, "exclude-cases": [], "exclude-agent-cases": {},
        "servers": [{ "agent": "callnext", "url": format!("ws://{}", echo.address) }],
    });
    std::fs::write(&spec, serde_json::to_vec(&spec_text)?)?;
    let ran = Command::new(program).args(["-m", "fuzzingclient", "-s"]).arg(&spec).stdin(Stdio::null()).output()?;
    if !ran.status.success() {
        return Err(AutobahnError::Failed(String::from_utf8_lossy(&ran.stderr).into_owned()));
    }
    Ok(read(&std::fs::read(reports.join("index.json"))?)?)
}

/// What came of each case, by its name.
#[derive(Debug)]
pub struct Cases(BTreeMap<String, Case>);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    behavior: String,
    behavior_close: String,
    remote_close_code: Option<u16>,
}

/// Reads the suite's `index.json`.
///
/// # Errors
///
/// It is none.
pub fn read(index: &[u8]) -> Result<Cases, serde_json::Error> {
    let agents: BTreeMap<String, BTreeMap<String, Case>> = serde_json::from_slice(index)?;
    Ok(Cases(agents.into_values().flatten().collect()))
}

impl Case {
    /// Neither what was said nor how it ended is wrong.
    fn is_good(&self) -> bool {
        let good = |word: &str| matches!(word, "OK" | "NON-STRICT" | "INFORMATIONAL");
        good(&self.behavior) && good(&self.behavior_close)
    }
}

impl Cases {
    /// How many there are, and how many of them are not good.
    pub fn count(&self) -> (usize, usize) {
        (self.0.len(), self.0.values().filter(|case| !case.is_good()).count())
    }

    /// Whether none failed, and all ended with the right code.
    pub fn are_good(&self) -> bool {
        !self.0.is_empty() && self.0.values().all(Case::is_good)
    }
}

impl fmt::Display for Cases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut counts: BTreeMap<(&str, &str), u32> = BTreeMap::new();
        for case in self.0.values() {
            *counts.entry((&case.behavior, &case.behavior_close)).or_default() += 1;
        }
        for ((behavior, close), count) in counts {
            writeln!(f, "{count:>5}  {behavior}, close {close}")?;
        }
        for (name, case) in self.0.iter().filter(|(_, case)| !case.is_good()) {
            let code = case.remote_close_code.map_or_else(|| "none".to_owned(), |code| code.to_string());
            writeln!(f, "case {name}: {}, close {} (code {code})", case.behavior, case.behavior_close)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wrong_close_is_a_failure() {
        let index = |close: &str| {
            format!(
                r#"{{"callnext": {{"1.1.1": {{"behavior": "OK", "behaviorClose": "{close}", "duration": 1, "remoteCloseCode": 1000, "reportfile": "x"}}}}}}"#
            )
        };
        assert!(read(index("OK").as_bytes()).unwrap().are_good());
        let failed = read(index("WRONG CODE").as_bytes()).unwrap();
        assert!(!failed.are_good());
        assert!(failed.to_string().contains("case 1.1.1: OK, close WRONG CODE (code 1000)"));
        assert!(!read(b"{}").unwrap().are_good(), "nothing was tested");
    }
}
