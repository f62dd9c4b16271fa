//! callnext: a real-time dispatch server for places where people wait to be called.
//!
//! # Layout
//!
//! The pure rules are the crate `callnext_engine`. Around it, in reading order:
//!
//! * [`wire`]: what travels to browsers, as types.
//! * [`journal`]: where changes are kept before anybody is shown them.
//! * [`venues`]: one actor per venue, the registry, a hub per worker.
//! * [`cluster`]: many nodes: who writes a venue, how the others follow, how it moves.
//! * [`access`]: who may do what: accounts, roles, devices, phone links.
//! * [`http`]: the edge: one route table, sockets, problems, documents, pages.
//! * [`replay`] and [`demo`]: a recorded day played through the public interface; [`whatif`]: in the engine alone.
//! * [`snapshot`]: each venue's day in a file of its own, written every night, verified, restored.
//! * [`settings`], [`clock`], [`metrics`], [`telemetry`], [`database`]: what everything stands on.
//! * [`stores`]: opens what the settings name. [`app`]: the composition root, the only place that knows them all.
//!
//! `server/ARCHITECTURE.md` has the map, `server/GLOSSARY.md` the words.

#![warn(missing_docs)]

pub mod access;
pub mod app;
pub mod clock;
pub mod cluster;
pub mod database;
pub mod demo;
pub mod http;
pub mod journal;
pub mod metrics;
mod progress;
pub mod replay;
pub mod settings;
pub mod snapshot;
pub mod stores;
pub mod telemetry;
pub mod venues;
pub mod whatif;
pub mod wire;
