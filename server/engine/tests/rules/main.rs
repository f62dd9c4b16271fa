//! The rule book as tests: one file per chapter, with the rule ids in the names of the tests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod appointments;
mod calling;
mod classes;
mod closing;
mod configure;
mod counters;
mod day;
mod early_and_late;
mod explain;
mod handover;
mod idempotency;
mod missed;
mod moving;
mod next_step;
mod overflow;
mod places;
mod policy;
mod precedence;
mod projection;
mod ready;
mod reasons;
mod refusals;
mod rejoin;
mod retire;
mod returns;
mod second_waiting;
mod sessions;
mod slots;
mod step_back;
mod undo;
mod visits;
mod weights;
