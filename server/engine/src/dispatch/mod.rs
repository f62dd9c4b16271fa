//! Who is called next. **The one ordering in the whole system.**
//!
//! [`Queue`] keeps the waiting tickets of one service filed under the keys the rules ask for; [`Draw`] asks
//! the rules, in order, without changing anything. The real call, the ready set, the projection, the
//! estimator and the what-if replay all draw; nothing else sorts a queue.
//!
//! The rules, first that has an answer:
//!
//! 1. [`Rule::Urgent`]: emergency, then green channel, then by time; at most `urgent_run_max` in a row while
//!    others are eligible (R3, R10).
//! 2. [`Rule::Overdue`]: whoever was overtaken `overtaken_max` times, or has waited `wait_max_s`.
//! 3. [`Rule::Ready`]: whoever was told to get ready, in that order (C3).
//! 4. [`Rule::Cycle`]: the weighted cycle over the lanes that have somebody eligible (R1), and inside the
//!    lane its own order (R2).
//! 5. [`Rule::Early`]: an appointment before its time, where the policy lets no counter stand idle.
//!
//! [`Rule::Urgent`]: crate::event::Rule::Urgent
//! [`Rule::Overdue`]: crate::event::Rule::Overdue
//! [`Rule::Ready`]: crate::event::Rule::Ready
//! [`Rule::Cycle`]: crate::event::Rule::Cycle
//! [`Rule::Early`]: crate::event::Rule::Early

mod cycle;
mod draw;
mod queue;

pub use cycle::{Cycle, Share};
pub use draw::{Choice, Draw, Reach, most_pressing};
pub use queue::{Place, Queue};
