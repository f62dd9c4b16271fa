//! Texts that let their bearer in. They are told once, kept as hashes, and never printed.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest as _, Sha256};

use super::error::{AccessError, Failure};

/// What a random token is made of: 256 bits cannot be guessed, so it needs no slow hash and no throttle.
const TOKEN_BYTES: usize = 32;

/// A secret text. Neither `Debug` nor anything else shows it, except [`reveal`](Self::reveal).
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A new one that nobody can guess.
    pub(super) fn random() -> Result<Self, AccessError> {
        let mut bytes = [0; TOKEN_BYTES];
        getrandom::fill(&mut bytes).map_err(Failure::Random)?;
        Ok(Self(BASE64URL_NOPAD.encode(&bytes)))
    }

    /// A text that was made to be a token elsewhere.
    pub(super) fn made_of(text: String) -> Self {
        Self(text)
    }

    /// The text itself: for whom it is meant, and for nobody else.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub(super) fn digest(&self) -> Digest {
        Digest(Sha256::digest(&self.0).into())
    }

    /// What would be kept of a text somebody showed; none if it cannot be a random token.
    pub(super) fn digest_of(shown: &str) -> Option<Digest> {
        let bytes = BASE64URL_NOPAD.decode(shown.as_bytes()).ok()?;
        (bytes.len() == TOKEN_BYTES).then(|| Digest(Sha256::digest(shown).into()))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The SHA-256 of a token. Comparing two takes a time that says nothing useful: nobody can choose a hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Digest(pub(super) [u8; 32]);

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_tokens_differ_and_are_safe_in_an_address() {
        let (one, two) = (Token::random().unwrap(), Token::random().unwrap());
        assert_ne!(one, two);
        assert_eq!(one.reveal().len(), 43);
        assert!(one.reveal().bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
    }

    #[test]
    fn what_is_shown_is_known_by_its_digest() {
        let token = Token::random().unwrap();
        assert_eq!(Token::digest_of(token.reveal()), Some(token.digest()));
        assert_ne!(Token::digest_of(Token::random().unwrap().reveal()), Some(token.digest()));
    }

    #[test]
    fn what_cannot_be_a_token_has_no_digest() {
        let token = Token::random().unwrap();
        let padded = format!("{}=", token.reveal());
        let long = "A".repeat(1_000_000);
        for bad in ["", "a", &token.reveal()[1..], padded.as_str(), "中", long.as_str()] {
            assert_eq!(Token::digest_of(bad), None);
        }
    }

    #[test]
    fn nothing_prints_a_token() {
        let token = Token::random().unwrap();
        for printed in [format!("{token:?}"), format!("{token:#?}"), format!("{:?}", token.digest())] {
            assert!(!printed.contains(token.reveal()), "{printed}");
            assert!(printed.ends_with("(…)"), "{printed}");
        }
    }
}
