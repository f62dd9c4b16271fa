//! What Autobahn's suite says, told shortly.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

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
            format!(r#"{{"callnext": {{"1.1.1": {{"behavior": "OK", "behaviorClose": "{close}", "duration": 1, "remoteCloseCode": 1000, "reportfile": "x"}}}}}}"#)
        };
        assert!(read(index("OK").as_bytes()).unwrap().are_good());
        let failed = read(index("WRONG CODE").as_bytes()).unwrap();
        assert!(!failed.are_good());
        assert!(failed.to_string().contains("case 1.1.1: OK, close WRONG CODE (code 1000)"));
        assert!(!read(b"{}").unwrap().are_good(), "nothing was tested");
    }
}
