//! What if: a recorded day under other settings, in the engine alone, and the figures side by side.
//!
//! No server, no clock, no chance: the same input gives the same bytes. It must not decide who is called; the venue's
//! value does, by the same dispatcher as a real call.
//!
//! # Layout
//!
//! * [`change`] reads the settings to try; [`simulation`] plays the day once; the engine's
//!   [`figures`](callnext_engine::figures) count what became of it; [`report`] puts the runs side by side.
//! * [`options`] is how it is started: by `callnext what-if`.
//!
//! The day, its plan and the real life added to it are those of [`crate::replay`].

pub mod change;
pub mod options;
pub mod report;
pub mod simulation;

pub use options::{WhatIfError, WhatIfOptions, run};

#[cfg(test)]
mod tests;
