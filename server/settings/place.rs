//! Where in the settings something is wrong, and what would be right, for failures of the `config` crate.
//!
//! Apart because that crate knows the place and the value but not the reader: it counts from nought, drops dots, and
//! says "invalid socket address syntax".

use std::fmt;

use config::ConfigError::{At, Type};

/// A failure told as all problems are: the place, the problem, what would be right.
pub(super) struct Placed<'a>(pub &'a config::ConfigError);

impl fmt::Display for Placed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (origin, key) = match self.0 {
            At { origin, key, .. } | Type { origin, key, .. } => {
                (origin.as_deref(), key.as_deref().unwrap_or_default())
            }
            other => return write!(f, "{other}"),
        };
        if let Some(origin) = origin {
            write!(f, "(from {origin}) ")?;
        }
        if !key.is_empty() {
            write!(f, "{}: ", readable(key))?;
        }
        match self.0 {
            At { error, .. } => write!(f, "{error}")?,
            Type { unexpected, expected, .. } => write!(f, "{unexpected} is not {expected}")?,
            other => write!(f, "{other}")?,
        }
        f.write_str(remedy(key))
    }
}

/// `venue[0]service[2]prefix` as `venue 1: service 3: prefix`, in which everything counts from 1.
fn readable(key: &str) -> String {
    let parts = key.split_inclusive(']').map(|part| match part.trim_start_matches('.').split_once('[') {
        Some((name, index)) => match index.trim_end_matches(']').parse::<usize>() {
            Ok(index) => format!("{name} {}", index + 1),
            Err(_) => part.to_owned(),
        },
        None => part.trim_start_matches('.').to_owned(),
    });
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
}

/// What would be right, where the failure itself does not say.
fn remedy(key: &str) -> &'static str {
    if key == "server.listen" {
        ": use an address and a port, like 127.0.0.1:8080"
    } else if key.ends_with("time_zone") {
        ": use an IANA name, like Asia/Shanghai"
    } else {
        match key {
            "journal.store" => ": use \"sqlite\" or \"redis\"",
            "journal.redis.topology" => ": use \"single\", \"sentinel\" or \"cluster\"",
            "journal.redis.ack" => ": use \"always\", \"everysec\" or \"replicated\"",
            _ => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::readable;

    #[test]
    fn a_place_is_written_for_people() {
        for (key, place) in [
            ("server.listen", "server.listen"),
            ("venue[0]", "venue 1"),
            ("venue[0]time_zone", "venue 1: time_zone"),
            ("venue[1]service[9].policy.weights", "venue 2: service 10: policy.weights"),
        ] {
            assert_eq!(readable(key), place);
        }
    }
}
