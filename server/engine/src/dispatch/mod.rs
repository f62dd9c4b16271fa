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
//! 2. [`Rule::Overdue`]: whoever was overtaken `overtaken_max` times, or has waited `wait_max_s`; of several
//!    whoever waits longest.
//! 3. [`Rule::Ready`]: whoever was told to get ready, in that order (C3).
//! 4. [`Rule::Cycle`]: the weighted cycle over the lanes that have somebody eligible (R1), and inside the
//!    lane its own order (R2).
//! 5. [`Rule::Early`]: an appointment before its time, where the policy lets no counter stand idle.
//!
//! What is promised, and held against an oracle that shares no code with this module:
//!
//! * **Ratio.** While two lanes both have somebody eligible, and every counter that works for the service can
//!   call either, the turns of the cycle given to them never stray more than one from their weights. A turn is
//!   given when somebody is told to get ready, or called by the cycle; whoever leaves after being told has had
//!   it. Calls of the overdue are charged too, so the cycle makes up for them; emergencies, green channel and
//!   calls by hand are not.
//! * **Overtaking.** Somebody is overtaken by a call of a counter that could have called them, if the wait it
//!   ends began later. No call by a rule overtakes anybody who was overtaken `overtaken_max` times; several who
//!   are go in the order in which their waits began. Emergencies, green channel and calls by hand aside. The
//!   ready set gives way to the overdue, as to emergencies.
//! * **Every call explains itself.** Whom it passes over are those it overtakes, and by precedence likewise: everybody
//!   its counter could have called whose wait began earlier. They are counted by lane in the call's event.
//! * **No idle counter** while somebody it can call is eligible.
//! * **Order inside a lane** as the policy says, among those eligible.
//! * **The ready set** changes only at its end, and by people leaving it; a call that is taken back puts its
//!   ticket first.
//!
//! [`Rule::Urgent`]: crate::event::Rule::Urgent
//! [`Rule::Overdue`]: crate::event::Rule::Overdue
//! [`Rule::Ready`]: crate::event::Rule::Ready
//! [`Rule::Cycle`]: crate::event::Rule::Cycle
//! [`Rule::Early`]: crate::event::Rule::Early

mod ages;
mod cycle;
mod draw;
mod line;
mod marks;
mod overtakes;
mod passed;
mod queue;
mod reach;

pub use cycle::{Cycle, Share};
pub use draw::{Choice, Draw, most_pressing};
pub use line::OrderKey;
pub use passed::{PASSED_MAX, Passed, PassedBy};
pub use queue::{Place, Queue, Taken};
pub use reach::Reach;
