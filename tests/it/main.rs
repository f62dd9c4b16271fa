//! The server from outside: what anybody with a network cable can see of it.
//!
//! One file per topic, one harness, one binary. The harness runs a server in this process, where a test sets the
//! venue's time, or the real program in a process of its own, where a test can kill it.

#![cfg(test)]

mod bad_input;
mod chaos;
mod cluster;
mod contract;
mod documents;
mod exactly_once;
mod explain;
mod handover;
mod harness;
mod moves;
mod nodes;
mod policies;
mod recovery;
mod redis;
mod set_up;
mod snapshot;
mod snapshot_kill;
mod sockets;
mod what_if;
