//! The player: plays a recorded day through the public API, as kiosk, nurse, counters and waiting phones.
//!
//! A program like any other that uses the API: it has no way into the server but the contract, so what it shows is
//! what anybody would see. It must not decide who is called.
//!
//! # Layout
//!
//! * [`day`] reads the records; [`plan`] lays them out in time for a venue; [`mapping`] fits queues to services.
//! * [`chance`], [`aftermath`] and [`people`] add the real life that records do not tell, by hashing.
//! * [`pace`] is the clock, [`agenda`] what is still to be done, [`counters`] the picture of the counters.
//! * [`client`] and [`watch`] speak HTTP and WebSocket.
//! * [`player`] puts them together; [`summary`] and [`progress`] tell what it did.
//! * [`options`] is how it is started: by `callnext replay`, by the demo, by the load test.

pub mod aftermath;
pub mod agenda;
pub mod chance;
pub mod client;
pub mod counters;
pub mod day;
pub mod mapping;
pub mod options;
pub mod pace;
pub mod people;
pub mod plan;
pub mod player;
pub mod progress;
pub mod summary;
pub mod watch;

pub use options::{PlayOptions, ReplayError, ReplayOptions, run};
pub use summary::ReplaySummary;
