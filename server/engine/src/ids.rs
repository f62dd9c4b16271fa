//! Names of things. A newtype for each, so that a counter is never passed where a service is meant.
//!
//! Names that people choose (venue, service, counter) are *slugs*: short, lower case, safe in a URL, a
//! file name and a Redis key. Names the venue gives (ticket, call, change) are counted up from its state,
//! so replay gives the same ones.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Longest slug in bytes. Long enough for a department's name, short enough for a key or a log line.
pub const SLUG_BYTES_MAX: usize = 40;

/// Why a text is not a slug.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotASlug(String);

impl fmt::Display for NotASlug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "\"{}\" is not a name: use 1 to {SLUG_BYTES_MAX} of a-z, 0-9, - and _, beginning with a letter or digit",
            self.0.escape_default()
        )
    }
}

impl std::error::Error for NotASlug {}

fn parse_slug(text: &str) -> Result<Arc<str>, NotASlug> {
    let letters = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let good = (1..=SLUG_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|b| letters(b) || b == b'-' || b == b'_')
        && text.bytes().next().is_some_and(letters);
    if good { Ok(text.into()) } else { Err(NotASlug(text.chars().take(SLUG_BYTES_MAX).collect())) }
}

macro_rules! slug {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Reads a name, refusing anything that is not a slug.
            pub fn parse(text: &str) -> Result<Self, NotASlug> {
                parse_slug(text).map(Self)
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NotASlug;
            fn try_from(text: String) -> Result<Self, NotASlug> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.as_ref().into()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

slug! {
    /// One hall with its own day, queues and counters: the unit of consistency.
    VenueId
}
slug! {
    /// What people come for: a department, a kind of business.
    ServiceId
}
slug! {
    /// Where service is given: a window, a consulting room.
    CounterId
}

slug! {
    /// A class of a service's people, which has its own expected time (E1).
    ClassId
}
slug! {
    /// A reason from a venue's own list (R3, B3).
    ReasonCode
}

slug! {
    /// A part of the business day with quotas of its own (B14).
    SessionId
}

macro_rules! counted {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// The one after this.
            #[must_use]
            pub fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

counted! {
    /// A ticket of a venue. Never used again, on no later day either.
    TicketId
}
counted! {
    /// One summons of one ticket to one counter. Recalls keep it; a second call gets a new one.
    CallId
}
counted! {
    /// Position of a change in a venue's history. The first change is 1; a new venue stands at 0.
    Seq
}

/// A number as people read it on paper and on the board: `A012`. Unique per venue and day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TicketNumber(pub Arc<str>);

impl TicketNumber {
    /// The `count`-th number of the day with this prefix; at least three digits.
    pub fn of(prefix: &str, count: u32) -> Self {
        Self(format!("{prefix}{count:03}").into())
    }
}

impl fmt::Display for TicketNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_short_lower_case_and_safe() {
        for good in ["a", "clinic", "room-3", "3", "ent_2"] {
            assert_eq!(VenueId::parse(good).map(|v| v.to_string()), Ok(good.to_owned()));
        }
        let long = "a".repeat(SLUG_BYTES_MAX + 1);
        for bad in ["", "-a", "_a", "A", "a b", "a/b", "{a}", "门诊", "a.b", long.as_str()] {
            assert!(VenueId::parse(bad).is_err(), "{bad:?} should be refused");
        }
    }

    #[test]
    fn a_number_has_at_least_three_digits() {
        assert_eq!(TicketNumber::of("A", 7).to_string(), "A007");
        assert_eq!(TicketNumber::of("", 1234).to_string(), "1234");
    }
}
