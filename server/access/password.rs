//! Passwords: hashed slowly, off the async threads, and never more at once than the machine can bear.

use std::sync::Arc;
use std::thread::available_parallelism;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use callnext_engine::Millis;
use tokio::sync::Semaphore;

use super::error::{AccessError, Failure};

/// Shortest password, characters: what guidance asks for where a throttle stands before it.
pub const PASSWORD_CHARS_MIN: usize = 10;

/// Longest password, bytes: a sentence fits, a megabyte to keep the hash busy does not.
pub const PASSWORD_BYTES_MAX: usize = 1024;

/// Logins that may wait for their turn. A whole hospital starts its shift within seconds; beyond this a flood is
/// turned away before it costs anything. At 30 ms a hash, the last of them waits a few seconds.
const WAITING_MAX: usize = 256;

/// What somebody who was turned away is told to wait.
const RETRY_AFTER: Millis = Millis::from_secs(5);

/// Hashes and checks passwords: argon2id with the parameters its authors recommend (19 MiB, two passes).
#[derive(Debug)]
pub(super) struct Passwords {
    /// Checked against when there is no account, so that the answer takes as long.
    decoy: Arc<str>,
    /// One permit per core: more would only take turns, each with 19 MiB in hand.
    turns: Semaphore,
    places: Semaphore,
}

impl Passwords {
    /// Takes as long as one hash.
    pub(super) fn new() -> Result<Self, AccessError> {
        Self::with_places(WAITING_MAX)
    }

    fn with_places(places: usize) -> Result<Self, AccessError> {
        let cores = available_parallelism().map_or(1, std::num::NonZero::get);
        let decoy = hash("a password that nobody has")?.into();
        Ok(Self { decoy, turns: Semaphore::new(cores), places: Semaphore::new(places) })
    }

    /// The hash to keep of a new password, if it is a good one.
    pub(super) async fn hash(&self, password: &str) -> Result<String, AccessError> {
        if password.len() > PASSWORD_BYTES_MAX {
            return Err(AccessError::PasswordTooLong);
        }
        if password.chars().count() < PASSWORD_CHARS_MIN {
            return Err(AccessError::PasswordTooShort);
        }
        let password = password.to_owned();
        self.in_turn(move || hash(&password)).await?
    }

    /// Whether this is the password of that hash. Without one it is not, after the same time.
    pub(super) async fn verify(&self, known: Option<Arc<str>>, password: &str) -> Result<bool, AccessError> {
        if password.len() > PASSWORD_BYTES_MAX {
            return Ok(false);
        }
        let exists = known.is_some();
        let known = known.unwrap_or_else(|| Arc::clone(&self.decoy));
        let password = password.to_owned();
        let matches = self.in_turn(move || verify(&known, &password)).await??;
        Ok(matches && exists)
    }

    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, AccessError> {
        let crowded = || AccessError::TooManyAttempts { retry_after: RETRY_AFTER };
        let _place = self.places.try_acquire().map_err(|_| crowded())?;
        let _turn = self.turns.acquire().await.map_err(|_| crowded())?;
        Ok(tokio::task::spawn_blocking(work).await.map_err(|_| Failure::Panicked)?)
    }
}

fn hash(password: &str) -> Result<String, AccessError> {
    let hash = Argon2::default().hash_password(password.as_bytes()).map_err(Failure::Hash)?;
    Ok(hash.to_string())
}

/// Compares in constant time, with the parameters that the hash itself names.
fn verify(known: &str, password: &str) -> Result<bool, AccessError> {
    let whole = PasswordHash::new(known).ok().filter(|known| known.salt.is_some() && known.hash.is_some());
    let known = whole.ok_or(Failure::Damaged { table: "accounts" })?;
    match Argon2::default().verify_password(password.as_bytes(), &known) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(Failure::Hash(error).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "correct horse";

    #[tokio::test]
    async fn a_password_is_known_again_and_no_other_is() {
        let passwords = Passwords::new().unwrap();
        let kept: Arc<str> = passwords.hash(GOOD).await.unwrap().into();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert!(passwords.verify(Some(Arc::clone(&kept)), GOOD).await.unwrap());
        for wrong in ["", "correct hors", "Correct horse", "correct horse "] {
            assert!(!passwords.verify(Some(Arc::clone(&kept)), wrong).await.unwrap(), "{wrong:?}");
        }
        assert_ne!(passwords.hash(GOOD).await.unwrap(), *kept, "each has its own salt");
    }

    #[tokio::test]
    async fn nobody_has_the_decoys_password() {
        let passwords = Passwords::new().unwrap();
        assert!(!passwords.verify(None, "a password that nobody has").await.unwrap());
        assert!(passwords.decoy.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "as dear as a real one");
    }

    #[tokio::test]
    async fn a_new_password_is_neither_short_nor_huge() {
        let passwords = Passwords::new().unwrap();
        for (password, code) in [
            ("九个汉字不够长的啊".to_owned(), "password_too_short"),
            (String::new(), "password_too_short"),
            ("x".repeat(PASSWORD_BYTES_MAX + 1), "password_too_long"),
        ] {
            assert_eq!(passwords.hash(&password).await.unwrap_err().code(), code, "{password}");
        }
        for password in ["十个汉字才够长的密码".to_owned(), "x".repeat(PASSWORD_BYTES_MAX)] {
            let kept = passwords.hash(&password).await.unwrap();
            assert!(passwords.verify(Some(kept.into()), &password).await.unwrap());
        }
        let huge = "x".repeat(1_000_000);
        assert!(!passwords.verify(None, &huge).await.unwrap());
    }

    #[tokio::test]
    async fn a_damaged_hash_is_a_failure_and_not_a_wrong_password() {
        let passwords = Passwords::new().unwrap();
        for damaged in ["", "nonsense", "$nonsense", "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ"] {
            let failed = passwords.verify(Some(damaged.into()), GOOD).await.unwrap_err();
            assert_eq!(failed.code(), "access_unavailable", "{damaged}");
        }
    }

    #[tokio::test]
    async fn a_flood_is_turned_away_before_it_costs_anything() {
        let passwords = Passwords::with_places(2).unwrap();
        let turns = passwords.turns.acquire_many(u32::try_from(passwords.turns.available_permits()).unwrap());
        let turns = turns.await.unwrap();
        let (one, two) = (passwords.verify(None, GOOD), passwords.verify(None, GOOD));
        let third = async {
            let third = passwords.verify(None, GOOD).await;
            drop(turns);
            third
        };
        let (one, two, third) = tokio::join!(one, two, third);
        assert_eq!(third.unwrap_err().code(), "too_many_attempts");
        assert!(!one.unwrap() && !two.unwrap(), "those in line are served");
    }
}
