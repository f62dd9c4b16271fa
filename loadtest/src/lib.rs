//! Load that checks what it receives: boards, phones, kiosks and clerks.
//!
//! How fast a server is says little if a call is lost on the way. Every frame that arrives here is held against what
//! came before it and against what is known to have happened.
//!
//! # Layout
//!
//! * [`check`]: what must hold of frames. Pure.
//! * [`socket`]: one light WebSocket connection.
//! * [`crowd`]: many of them, each with its checker, on a thread of their own.
//! * [`day`]: a recorded day, with boards and every ticket's phone.
//! * [`chaos`]: three nodes and their Redis, everything that can go wrong, and a judge.
//! * [`spread`]: a thousand venues while nodes come and go.
//! * [`night`]: a big day is written while its venue goes on calling.
//! * [`verdict`]: what came of it.
//! * [`commits`]: how many durable commands one venue takes, on each store.
//! * [`redis`]: a Redis of one's own, for tests and for measuring.
//! * [`viewers`]: thousands of viewers in processes of their own; [`frames`]: the bytes they read.
//! * [`bare`]: the bare write loop, the limit of what any server can do; [`server`]: ours, with a venue for measuring.
//! * [`process`], [`instant`]: what they cost; [`clerk`]: who makes things happen; [`caller`]: who calls meanwhile.
//! * [`echo`]: an echo on the server's socket code, for conformance; [`autobahn`]: what the suite says of it.
//! * [`scenario`]: people who come and are called as a file says.
//! * [`streams`]: what one Redis bears of many venues that many nodes follow.
//! * [`table`]: the figures, each beside its bar.

pub mod autobahn;
pub mod bare;
pub mod caller;
pub mod chaos;
pub mod check;
pub mod clerk;
pub mod commits;
pub mod crowd;
pub mod day;
pub mod echo;
pub mod frames;
pub mod instant;
pub mod night;
pub mod process;
pub mod redis;
pub mod scenario;
pub mod server;
pub mod socket;
pub mod spread;
pub mod streams;
pub mod table;
pub mod verdict;
pub mod viewers;
