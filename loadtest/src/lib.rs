//! Load that checks what it receives: boards, phones, kiosks and clerks in one process.
//!
//! How fast a server is says little if a call is lost on the way. Every frame that arrives here is held against what
//! came before it and against what the player knows to have happened.
//!
//! # Layout
//!
//! * [`check`]: what must hold of frames. Pure.
//! * [`socket`]: one light WebSocket connection.
//! * [`crowd`]: many of them, each with its checker, on a thread of their own.
//! * [`day`]: a recorded day, with boards and every ticket's phone.
//! * [`night`]: a big day is written while its venue goes on calling.
//! * [`verdict`]: what came of it.
//! * [`commits`]: how many durable commands one venue takes, on each store.
//! * [`redis`]: a Redis of one's own, for tests and for measuring.

pub mod check;
pub mod commits;
pub mod crowd;
pub mod day;
pub mod night;
pub mod redis;
pub mod socket;
pub mod verdict;
