//! The links in people's hands: whoever holds one sees and steers one ticket, and nothing else.
//!
//! Nothing is kept of a link. It says which ticket it means and proves with a keyed hash that this server made it,
//! so a hundred thousand open phones cost no memory, and any node of an installation can check any of them.

use std::fmt;
use std::sync::Arc;

use callnext_engine::{Actor, TicketId, VenueId};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::secret::Secret;
use super::token::Token;

/// What proves a link: the first 128 bits of the keyed hash. Out of reach of guessing, and still short in a QR code.
const PROOF_BYTES: usize = 16;

/// What a visitor's reference keeps of the keyed hash: 128 bits, so that no two people share one.
const REFERENCE_BYTES: usize = 16;

/// Signs and checks links.
pub struct Links {
    keyed: Hmac<Sha256>,
}

impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Links(…)")
    }
}

/// The ticket that a link means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketLink {
    /// The venue.
    pub venue: VenueId,
    /// The ticket.
    pub ticket: TicketId,
}

impl TicketLink {
    /// The name under which changes made by this link are kept.
    pub fn actor(&self) -> Actor {
        Actor::Holder { ticket: self.ticket }
    }
}

impl Links {
    /// Links under this secret.
    pub fn new(secret: &Secret) -> Self {
        // HMAC fills a short key up with zeros by itself; done here, nothing is left that could fail.
        let mut key = hmac::digest::Key::<Hmac<Sha256>>::default();
        key.iter_mut().zip(secret.bytes()).for_each(|(to, from)| *to = *from);
        Self { keyed: Hmac::new(&key) }
    }

    /// The token of a ticket's link: `{venue}.{ticket}.{proof}`. The same ticket always has the same one.
    pub fn token(&self, venue: &VenueId, ticket: TicketId) -> Token {
        let proof: Vec<u8> = self.over(venue, ticket).finalize().into_bytes().into_iter().take(PROOF_BYTES).collect();
        Token::made_of(format!("{venue}.{ticket}.{}", BASE64URL_NOPAD.encode(&proof)))
    }

    /// The ticket that a token means; none if this server did not make it.
    pub fn open(&self, token: &str) -> Option<TicketLink> {
        let mut parts = token.split('.');
        let (venue, number, proof) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let venue = VenueId::parse(venue).ok()?;
        let ticket = TicketId(number.parse().ok()?);
        // `+7` and `007` would be the same ticket under other names.
        if ticket.to_string() != number {
            return None;
        }
        let proof: [u8; PROOF_BYTES] = BASE64URL_NOPAD.decode(proof.as_bytes()).ok()?.try_into().ok()?;
        // Takes the same time wherever the two differ.
        self.over(&venue, ticket).verify_truncated_left(&proof).ok()?;
        Some(TicketLink { venue, ticket })
    }

    /// What is kept of an identity document's number (B4): the same for the same number at this installation,
    /// and of no use without its secret. None for a blank one. Space, hyphens and case do not matter.
    pub fn visitor_reference(&self, identity: &str) -> Option<Arc<str>> {
        let identity: String =
            identity.chars().filter(|c| !c.is_whitespace() && *c != '-').flat_map(char::to_uppercase).collect();
        if identity.is_empty() {
            return None;
        }
        let hash = self.keyed.clone().chain_update(b"visitor\0").chain_update(&identity).finalize().into_bytes();
        let hash: Vec<u8> = hash.into_iter().take(REFERENCE_BYTES).collect();
        Some(HEXLOWER.encode(&hash).into())
    }

    /// The key with which nodes of this installation sign what they send each other.
    pub fn cluster_key(&self) -> [u8; 32] {
        self.keyed.clone().chain_update(b"cluster\0").finalize().into_bytes().into()
    }

    /// The token with which the first account of an installation of several nodes is made.
    pub(super) fn setup_token(&self) -> Token {
        let bytes = self.keyed.clone().chain_update(b"setup\0").finalize().into_bytes();
        Token::made_of(BASE64URL_NOPAD.encode(&bytes))
    }

    /// The hash of a ticket. A label keeps the uses of the secret apart; no venue's name holds the separator.
    fn over(&self, venue: &VenueId, ticket: TicketId) -> Hmac<Sha256> {
        self.keyed
            .clone()
            .chain_update(b"ticket\0")
            .chain_update(venue.as_str())
            .chain_update([0])
            .chain_update(ticket.0.to_be_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links() -> Links {
        Links::new(&Secret::of(1))
    }

    fn venue(name: &str) -> VenueId {
        VenueId::parse(name).unwrap()
    }

    #[test]
    fn a_link_opens_its_own_ticket() {
        for (at, ticket) in [("clinic", 1), ("a_b-3", u64::MAX), ("7", 0)] {
            let token = links().token(&venue(at), TicketId(ticket));
            let opened = links().open(token.reveal()).unwrap();
            assert_eq!(opened, TicketLink { venue: venue(at), ticket: TicketId(ticket) });
            assert_eq!(opened.actor(), Actor::Holder { ticket: TicketId(ticket) });
        }
    }

    #[test]
    fn the_form_is_stable_so_that_links_outlive_an_upgrade() {
        let token = links().token(&venue("clinic"), TicketId(42));
        assert_eq!(token.reveal(), "clinic.42.qRnO1S-FZFH3qQfhcSD4og");
    }

    #[test]
    fn every_flipped_character_closes_it() {
        let token = links().token(&venue("clinic"), TicketId(42));
        let token = token.reveal();
        for place in 0..token.len() {
            for other in ['A', 'B', '7', '8', '.', '-', 'é'] {
                let mut forged: Vec<char> = token.chars().collect();
                if forged[place] != other {
                    forged[place] = other;
                    let forged: String = forged.into_iter().collect();
                    assert_eq!(links().open(&forged), None, "{forged}");
                }
            }
        }
    }

    #[test]
    fn a_proof_is_of_one_ticket_at_one_venue_under_one_secret() {
        let token = links().token(&venue("clinic"), TicketId(42));
        let proof = token.reveal().rsplit('.').next().unwrap();
        for forged in [
            format!("clinic.43.{proof}"),
            format!("hall.42.{proof}"),
            format!("clinic.042.{proof}"),
            format!("clinic.+42.{proof}"),
            format!("clinic.42.{proof}."),
            format!("clinic.42.{proof}="),
            format!("clinic.42.{}", &proof[..20]),
            format!("clinic.42.{proof}AAAA"),
            "clinic.42.".to_owned(),
            "clinic.42".to_owned(),
            String::new(),
            "..".to_owned(),
        ] {
            assert_eq!(links().open(&forged), None, "{forged}");
        }
        assert_eq!(Links::new(&Secret::of(2)).open(token.reveal()), None);
    }

    #[test]
    fn the_same_document_has_the_same_reference_however_it_is_typed() {
        let reference = links().visitor_reference("11010519491231002X").unwrap();
        for typed in [" 110105 19491231 002x ", "110105-19491231-002X"] {
            assert_eq!(links().visitor_reference(typed).as_ref(), Some(&reference));
        }
        assert_ne!(links().visitor_reference("110105194912310021").unwrap(), reference);
        assert_ne!(Links::new(&Secret::of(2)).visitor_reference("11010519491231002X").unwrap(), reference);
        assert!(!reference.contains("1101051949"));
        assert_eq!(links().visitor_reference(" - "), None);
    }

    #[test]
    fn nothing_prints_what_they_are_signed_with() {
        assert_eq!(format!("{:?}", links()), "Links(…)");
    }
}
