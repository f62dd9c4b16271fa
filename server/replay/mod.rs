//! The player: plays a recorded day through the public API, as kiosk, nurse, counters and waiting phones.

pub mod chance;
pub mod day;
pub mod mapping;
pub mod pace;
pub mod people;
pub mod plan;
