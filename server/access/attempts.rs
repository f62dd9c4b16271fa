//! How often a password may be tried. Counted per account name, known or not, so that the answer tells nothing.
//!
//! Not per address: a hospital shares one. Whoever is logged in stays so while somebody else guesses at the name.

use std::collections::BTreeMap;

use callnext_engine::{Millis, Timestamp};

use super::account::UserName;
use super::error::AccessError;

/// Attempts that can be made in a row: enough for the wrong keyboard layout, too few for a list.
const ATTEMPTS_MAX: i64 = 10;

/// After which time one more can be made: at most 960 guesses a day.
const ATTEMPT_EVERY: Millis = Millis::from_secs(90);

/// The names that are watched at once, some 2 MB. To push one out takes as many attempts, each the price of a hash.
const NAMES_MAX: usize = 10_000;

/// The attempts that still count, per account name.
///
/// Each name has one instant, up to which its attempts are paid for: an attempt moves it by [`ATTEMPT_EVERY`], time
/// catches up with it, and it may not be further ahead than [`ATTEMPTS_MAX`] attempts.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    paid_until: BTreeMap<UserName, Timestamp>,
}

impl Attempts {
    /// Counts an attempt before it is made, so that many at once count as many; or refuses it.
    pub(super) fn begin(&mut self, user: &UserName, now: Timestamp) -> Result<(), AccessError> {
        let latest = now + Millis(ATTEMPT_EVERY.0 * ATTEMPTS_MAX);
        // Never beyond the latest: a clock that was put back must not shut anybody out for the difference.
        let paid = self.paid_until.get(user).copied().unwrap_or(now).clamp(now, latest);
        let next = paid + ATTEMPT_EVERY;
        if next > latest {
            return Err(AccessError::TooManyAttempts { retry_after: next.since(latest) });
        }
        if !self.paid_until.contains_key(user) {
            self.make_room(now);
        }
        self.paid_until.insert(user.clone(), next);
        Ok(())
    }

    /// Forgets the attempts that came before the right password.
    pub(super) fn succeeded(&mut self, user: &UserName) {
        self.paid_until.remove(user);
    }

    /// Drops what no longer counts; if that is not enough, whoever has tried least.
    fn make_room(&mut self, now: Timestamp) {
        if self.paid_until.len() < NAMES_MAX {
            return;
        }
        self.paid_until.retain(|_, paid| *paid > now);
        if self.paid_until.len() >= NAMES_MAX {
            let least = self.paid_until.iter().min_by_key(|(_, paid)| **paid).map(|(user, _)| user.clone());
            least.and_then(|user| self.paid_until.remove(&user));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn user(name: &str) -> UserName {
        UserName::parse(name).unwrap()
    }

    /// Attempts until the first refusal, and what it says.
    fn exhaust(attempts: &mut Attempts, name: &str, now: Timestamp) -> (i64, Millis) {
        for made in 0.. {
            match attempts.begin(&user(name), now) {
                Ok(()) => {}
                Err(AccessError::TooManyAttempts { retry_after }) => return (made, retry_after),
                Err(other) => panic!("{other}"),
            }
        }
        unreachable!()
    }

    #[test]
    fn ten_in_a_row_and_then_one_every_minute_and_a_half() {
        let mut attempts = Attempts::default();
        assert_eq!(exhaust(&mut attempts, "wang", NOW), (ATTEMPTS_MAX, ATTEMPT_EVERY));
        assert_eq!(exhaust(&mut attempts, "wang", NOW + Millis::from_secs(60)), (0, Millis::from_secs(30)));
        assert_eq!(exhaust(&mut attempts, "WANG", NOW + ATTEMPT_EVERY), (1, ATTEMPT_EVERY), "whatever its case");
        assert_eq!(exhaust(&mut attempts, "wang", NOW + Millis::from_mins(60)).0, ATTEMPTS_MAX);
    }

    #[test]
    fn one_name_does_not_shut_out_another() {
        let mut attempts = Attempts::default();
        exhaust(&mut attempts, "wang", NOW);
        assert_eq!(exhaust(&mut attempts, "li", NOW).0, ATTEMPTS_MAX);
    }

    #[test]
    fn the_right_password_clears_what_came_before() {
        let mut attempts = Attempts::default();
        exhaust(&mut attempts, "wang", NOW);
        attempts.succeeded(&user("wang"));
        assert_eq!(exhaust(&mut attempts, "wang", NOW).0, ATTEMPTS_MAX);
    }

    #[test]
    fn a_clock_put_back_shuts_nobody_out_for_longer() {
        let mut attempts = Attempts::default();
        exhaust(&mut attempts, "wang", NOW);
        let before = Timestamp(NOW.0 - Millis::from_mins(24 * 60).0);
        assert_eq!(exhaust(&mut attempts, "wang", before), (0, ATTEMPT_EVERY));
        assert_eq!(exhaust(&mut attempts, "li", before).0, ATTEMPTS_MAX);
    }

    #[test]
    fn memory_is_bounded_and_a_flood_of_names_does_not_free_the_one_under_attack() {
        let mut attempts = Attempts::default();
        exhaust(&mut attempts, "victim", NOW);
        for n in 0..NAMES_MAX + 500 {
            attempts.begin(&user(&format!("flood-{n}")), NOW).unwrap();
        }
        assert_eq!(attempts.paid_until.len(), NAMES_MAX);
        assert_eq!(exhaust(&mut attempts, "victim", NOW).0, 0);
        attempts.begin(&user("later"), NOW + Millis::from_mins(60)).unwrap();
        assert_eq!(attempts.paid_until.len(), 1, "what no longer counts is dropped");
    }
}
