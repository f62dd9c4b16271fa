//! The nightly snapshot: what a venue's day was, in one file that outlives the journal.
//!
//! A business day that is over is written as one compressed file that describes itself, read back and verified, and
//! only then may the journal forget it. The same day gives the same bytes, whoever writes it and when: two nodes that
//! both write it do no harm.
//!
//! # Layout
//!
//! * [`manifest`] says what a file holds; `frame` is the outer form, the same for every format; `line` what stands
//!   in the first one.
//! * [`ledger`] follows a day and keeps what becomes of each ticket ([`record`]), in a file of its own (`shelf`), and
//!   of all ([`figures`]); [`state`](mod@state) is the digest of the value it comes to, [`trail`] is the hash chain of what must be traceable (B3).
//! * [`writer`] and [`reader`] are the two ends of a file, [`verify`](mod@verify) and [`restore`](mod@restore) use
//!   them; [`tables`] are what people open.
//! * [`store`] is where files are kept; [`keeper`] does what is due for a venue, [`nightly`] decides when.
//! * [`options`] is the command line.
//!
//! Nothing here decides about people, and nothing reads a clock but for showing progress.

pub mod digest;
pub mod error;
pub mod figures;
mod frame;
pub mod keeper;
pub mod ledger;
mod line;
pub mod manifest;
pub mod nightly;
pub mod options;
pub mod reader;
pub mod record;
pub mod restore;
#[cfg(test)]
mod sample;
pub mod settings;
mod shelf;
pub mod state;
pub mod store;
pub mod tables;
pub mod trail;
pub mod verify;
pub mod writer;

pub use error::SnapshotError;
pub use keeper::Keeper;
pub use manifest::Manifest;
pub use nightly::{Nightly, Nights};
pub use reader::Snapshot;
pub use settings::SnapshotSettings;
pub use store::Store;
pub use writer::Writer;

#[cfg(test)]
mod tests;
