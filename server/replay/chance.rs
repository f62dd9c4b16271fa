//! The little real life that records do not tell, drawn from names and not from dice.
//!
//! Every choice is a hash of a fixed salt and a name, so a day plays the same way twice, on every machine. Apart,
//! because hashes of the standard library may change between releases and these must not.

use callnext_engine::Millis;

/// What a choice is about: the salt that makes two choices about one name independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// Whether the person had booked.
    Booked,
    /// Whether the nurse added the number.
    Overflow,
    /// Whether precedence is granted.
    Green,
    /// Whether the person does not come when called.
    Missed,
    /// Whether somebody who did not come reports again.
    Reported,
    /// Whether the person is sent for tests.
    Held,
    /// How long anything of the person's takes.
    Pace,
    /// The person's invented name.
    Name,
}

impl About {
    const fn salt(self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::Overflow => "overflow",
            Self::Green => "green",
            Self::Missed => "missed",
            Self::Reported => "reported",
            Self::Held => "held",
            Self::Pace => "pace",
            Self::Name => "name",
        }
    }
}

/// A number that looks random and is always the same for the same salt and name.
pub fn draw(about: About, name: &str) -> u64 {
    // FNV-1a, then the finaliser of SplitMix64: FNV alone leaves the low bits of similar names alike.
    let bytes = about.salt().bytes().chain([0]).chain(name.bytes());
    let hash = bytes
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

/// True for one name in `n`; for none where `n` is 0.
pub fn one_in(about: About, name: &str, n: u32) -> bool {
    n > 0 && draw(about, name).is_multiple_of(n.into())
}

/// True for so many names in a hundred.
pub fn percent(about: About, name: &str, share: u32) -> bool {
    draw(about, name) % 100 < share.into()
}

/// A span from `low` to `high` seconds, by name.
pub fn seconds(about: About, name: &str, low: u32, high: u32) -> Millis {
    let width = u64::from(high.saturating_sub(low)) * 1000 + 1;
    let within = i64::try_from(draw(about, name) % width).unwrap_or(0);
    Millis(i64::from(low) * 1000 + within)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes() -> impl Iterator<Item = String> {
        (1..=10_000).map(|n| format!("A{n:03}"))
    }

    #[test]
    fn a_name_draws_the_same_on_every_machine() {
        assert_eq!(draw(About::Missed, "A001"), draw(About::Missed, "A001"));
        assert_ne!(draw(About::Missed, "A001"), draw(About::Held, "A001"));
        assert_eq!(draw(About::Booked, "") % 1000, 84, "changing the hash changes every demo");
    }

    #[test]
    fn shares_come_out_as_asked() {
        let close = |found: usize, wanted: usize| found.abs_diff(wanted) < wanted / 5;
        assert!(close(codes().filter(|code| one_in(About::Missed, code, 15)).count(), 667));
        assert!(close(codes().filter(|code| percent(About::Booked, code, 70)).count(), 7000));
        assert_eq!(codes().filter(|code| one_in(About::Held, code, 0)).count(), 0);
        assert_eq!(codes().filter(|code| percent(About::Booked, code, 0)).count(), 0);
    }

    #[test]
    fn spans_stay_within_their_ends() {
        for code in codes() {
            let span = seconds(About::Pace, &code, 15, 45);
            assert!((15_000..=45_000).contains(&span.0), "{span:?}");
        }
        assert_eq!(seconds(About::Pace, "A001", 30, 30), Millis::from_secs(30));
    }
}
