//! How nodes know each other: every request between them is signed, for one receiver, once.
//!
//! The key comes from the secret that all nodes of an installation share. What is signed names the receiver's
//! present start and a count of the sender's, so a request heard on the way can be sent again to nobody: not to
//! another node, not to the same one twice, not to one that was started anew. No clock is asked: one node's may be
//! an hour off.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// Counts remembered of each sender: more than it can have under way at one time.
const COUNTS_MAX: usize = 8_192;
/// Senders remembered: starts of nodes since this one was started. Beyond it the one first heard of goes.
const SENDERS_MAX: usize = 1_024;
/// Random bytes in the name of a start.
const INSTANCE_BYTES: usize = 16;

/// The header that carries a signature: `instance.count.mac`.
pub const HEADER: &str = "Callnext-Node";

/// The name of one start of a node: drawn at random.
pub fn new_instance() -> Result<String, getrandom::Error> {
    let mut bytes = [0; INSTANCE_BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(HEXLOWER.encode(&bytes))
}

/// Signs what this node sends, and judges what it receives.
pub struct Signer {
    keyed: Hmac<Sha256>,
    instance: String,
    sent: AtomicU64,
    heard: Mutex<Heard>,
}

#[derive(Default)]
struct Heard {
    senders: BTreeMap<String, Counts>,
    in_order: std::collections::VecDeque<String>,
}

/// What was heard of one sender: everything up to `below`, and these.
#[derive(Default)]
struct Counts {
    below: u64,
    seen: BTreeSet<u64>,
}

impl Signer {
    /// A node's signer; `key` is the same at all of them.
    pub fn new(key: [u8; 32], instance: String) -> Self {
        let mut padded = hmac::digest::Key::<Hmac<Sha256>>::default();
        padded.iter_mut().zip(key).for_each(|(to, from)| *to = from);
        Self { keyed: Hmac::new(&padded), instance, sent: AtomicU64::new(0), heard: Mutex::default() }
    }

    /// The name of this start.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// The header of a request to `receiver`, the name of a start.
    pub fn sign(&self, receiver: &str, path: &str, body: &[u8]) -> String {
        let count = self.sent.fetch_add(1, Ordering::Relaxed) + 1;
        let mac = self.mac(&self.instance, count, receiver, path, body).finalize().into_bytes();
        format!("{}.{count}.{}", self.instance, HEXLOWER.encode(&mac))
    }

    /// Whether a request is from a node of this installation, for this start of this node, and new.
    pub fn accepts(&self, header: &str, path: &str, body: &[u8]) -> bool {
        let mut parts = header.split('.');
        let (Some(sender), Some(count), Some(mac), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return false;
        };
        let (Ok(count), Ok(mac)) = (count.parse(), HEXLOWER.decode(mac.as_bytes())) else { return false };
        let right = self.mac(sender, count, &self.instance, path, body).verify_slice(&mac).is_ok();
        right && self.heard.lock().unwrap_or_else(PoisonError::into_inner).is_new(sender, count)
    }

    fn mac(&self, sender: &str, count: u64, receiver: &str, path: &str, body: &[u8]) -> Hmac<Sha256> {
        let digest = Sha256::digest(body);
        self.keyed.clone().chain_update(format!("node\0{sender}\0{count}\0{receiver}\0{path}\0")).chain_update(digest)
    }
}

impl Heard {
    fn is_new(&mut self, sender: &str, count: u64) -> bool {
        if !self.senders.contains_key(sender) {
            if self.in_order.len() >= SENDERS_MAX
                && let Some(first) = self.in_order.pop_front()
            {
                self.senders.remove(&first);
            }
            self.in_order.push_back(sender.to_owned());
        }
        let counts = self.senders.entry(sender.to_owned()).or_default();
        if count <= counts.below || !counts.seen.insert(count) {
            return false;
        }
        if counts.seen.len() > COUNTS_MAX
            && let Some(lowest) = counts.seen.pop_first()
        {
            counts.below = lowest;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(key: u8, instance: &str) -> Signer {
        Signer::new([key; 32], instance.to_owned())
    }

    #[test]
    fn a_request_is_taken_once_by_the_one_it_was_for() {
        let (a, b) = (signer(1, "a"), signer(1, "b"));
        let header = a.sign("b", "/x", b"body");
        assert!(!signer(1, "c").accepts(&header, "/x", b"body"), "meant for another");
        assert!(!signer(2, "b").accepts(&header, "/x", b"body"), "another installation");
        assert!(!b.accepts(&header, "/y", b"body"), "another path");
        assert!(!b.accepts(&header, "/x", b"bodies"), "another body");
        assert!(b.accepts(&header, "/x", b"body"));
        assert!(!b.accepts(&header, "/x", b"body"), "a second time");
        assert!(b.accepts(&a.sign("b", "/x", b"body"), "/x", b"body"), "the next one");
    }

    #[test]
    fn what_is_no_signature_is_refused() {
        let b = signer(1, "b");
        for header in ["", "a", "a.1", "a.x.00", "a.1.zz", "a.1.00", "a.1.00.00"] {
            assert!(!b.accepts(header, "/x", b""), "{header}");
        }
    }

    #[test]
    fn memory_of_what_was_heard_is_bounded_and_lets_nothing_old_through() {
        let (a, b) = (signer(1, "a"), signer(1, "b"));
        let first = a.sign("b", "/x", b"");
        assert!(b.accepts(&first, "/x", b""));
        for _ in 0..=COUNTS_MAX {
            assert!(b.accepts(&a.sign("b", "/x", b""), "/x", b""));
        }
        assert!(!b.accepts(&first, "/x", b""), "forgotten, and refused all the same");
        let mut heard = b.heard.lock().unwrap();
        assert!(heard.senders["a"].seen.len() <= COUNTS_MAX);
        for sender in 0..2 * SENDERS_MAX {
            heard.is_new(&sender.to_string(), 1);
        }
        assert!(heard.senders.len() <= SENDERS_MAX);
    }
}
