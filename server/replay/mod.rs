//! The player: plays a recorded day through the public API, as kiosk, nurse, counters and waiting phones.

pub mod aftermath;
pub mod agenda;
pub mod chance;
pub mod counters;
pub mod day;
pub mod mapping;
pub mod pace;
pub mod people;
pub mod plan;
