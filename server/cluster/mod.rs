//! Many nodes: who writes a venue, how the others follow it, and how it moves.
//!
//! One node at a time *owns* a venue: it has the venue's lease, and the journal's newest epoch. The lease spares
//! quarrels; the epoch settles them: an owner that overslept its lease is refused by the journal, whatever it
//! believes. Every other node *follows*: it reads what the owner wrote into the same engine, and serves boards,
//! phones and consoles from it. Commands go to the owner, signed, with their asker in them.
//!
//! * [`lease`]: the contract of whoever keeps the leases; [`memory`] is one for tests.
//! * [`term`]: for how long an owner may write.
//! * [`spread`]: which node should own which venue.
//! * [`holdings`]: where venues are written, as one node knows it.
//! * [`member`]: one node's part in all this. [`peers`]: how nodes talk. [`signature`]: how they know each other.

#[cfg(test)]
pub(crate) mod contract;
pub mod holdings;
pub mod lease;
pub mod member;
pub mod memory;
pub mod peers;
pub mod signature;
pub mod spread;
pub mod term;

pub use lease::{Holder, LeaseError, Leases, Node};
pub use member::{Member, MemberSettings};
pub use peers::Peers;
pub use term::Term;
