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
//! 2. [`Rule::Inside`]: whoever was sent to the counter's second waiting area, in that order (C4). The rules below
//!    are asked when somebody is sent there, and not again.
//! 3. [`Rule::Overdue`]: whoever was overtaken `overtaken_max` times, or has waited `wait_max_s`; of several
//!    whoever waits longest.
//! 4. [`Rule::Ready`]: whoever was told to get ready, in that order (C3).
//! 5. [`Rule::Rejoin`]: whoever was missed or late and rejoined by calls, when those calls have passed (C1, C2).
//! 6. [`Rule::Cycle`]: the weighted cycle over the lanes that have somebody eligible (R1), where a policy says so
//!    with returns going even (B11), and inside the lane its own order (R2).
//! 7. [`Rule::Rejoin`] again: whoever rejoined by calls that have not passed yet, as nobody else can be called.
//! 8. [`Rule::Early`]: whoever was put off to a later moment, soonest first; then, where the policy lets no counter
//!    stand idle, an appointment before its time.
//!
//! People are told to get ready by rules 5 and 6 alone, and sent to a counter's second waiting area by rules 3 to 6.
//! A counter with several services asks each of them; [`CounterDraw`] says which answer is called (C5).
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
//!   Whoever is sent inside overtakes then, not when called; nobody is sent past somebody who is at the limit.
//! * **Every call explains itself.** Whom it passes over are those it overtakes, and by precedence likewise: everybody
//!   its counter could have called whose wait began earlier. They are counted by lane in the event of the call, or of
//!   being sent inside; a call from inside passes over nobody any more.
//! * **No idle counter** while somebody it can call is eligible, or was missed or late and has rejoined. Whoever was
//!   sent inside waits for that counter alone; should it close or pause, they are the first in the hall.
//! * **Order inside a lane** as the policy says, among those eligible.
//! * **The ready set** changes only at its end, and by people leaving it; whoever is sent back from a counter's
//!   door, or whose call is taken back, stands first.
//!
//! # Where people join
//!
//! Decided when they do, kept in [`Ticket::joining`](crate::ticket::Ticket::joining) whatever the settings become, and
//! gone when the ticket returns from tests or moves to another service. *Now* is the moment of the command. *Turn* is
//! what the cycle gives: one for each ticket told to get ready, or called without having been, with a
//! [`Share`] in its event. *Since* is when the wait begins that counts for rule 3 and for overtaking.
//!
//! **Missed, and reported again** (C1, `missed.rejoin`):
//!
//! * `lane`: in the lane `missed`, as of now.
//! * `after_calls`: in no lane. `due` is the calls the service has made today (every call of every rule, by hand and
//!   urgent included, those taken back excluded) plus `missed.calls`. Rule 5 has them when the calls made are `due` or
//!   more; for the ready set, the calls made plus those told before them, for counters that work. Whoever is at a
//!   counter's door counts as called. Of several the lowest `due`, then the earlier re-report, then the lower number.
//!   Since now. So exactly `calls` calls go before, or as many as had been told to get ready or sent to a door, if those
//!   are more; fewer where nobody else can be called (rule 7), or by rules 1 and 3.
//! * `per_calls`: in no lane. Rule 5 has the first of them, by re-report and then number, when the cycle has given
//!   `missed.calls` turns or more since the latest of them had theirs (told to get ready, or sent to a door or
//!   called by rules 3, 5 or 7 without having been told), or since one joined while none was waiting untold. After those of `after_calls`.
//!   Emergencies, green channel and calls by hand are no turns. Since now.
//! * `slot_end`, `session_end`, `tail`: in the lane the ticket had, as if its slot had begun and it had come at a
//!   moment *T*. For `slot_end`, *T* is the last millisecond of the present slot of the grid: slots of `slot_min`
//!   minutes, counted from each full hour of the venue's clock. For `session_end` the last millisecond of the session
//!   to which now belongs ([`Venue::session_at`](crate::Venue::session_at)), or of the day. For `tail`, now. In the
//!   order by slot and check-in, *T* stands for both; by check-in, for the check-in; by number, the ticket stands right
//!   behind the last number given so far of its prefix. Callable, and since, *T* less `early_s`, but not before now;
//!   sooner by rule 8 alone, for which `early_when_idle` is not needed.
//!
//! **Checked in at or after the slot's end** (C2, `late.rejoin`):
//!
//! * `lane`: in the lane `late`, as of now.
//! * `per_calls`: as above, among the late, with `late.calls` and a count of their own; after the missed.
//! * `shifted`: in the lane `appointment`, as if the slot had begun at its start plus the time from its end to now. The
//!   check-in is now. By check-in or number the slot is nothing.
//! * `slot_end`, `session_end`: as above, in the lane `appointment`.
//! * `as_normal`: in the lane `appointment`, in the slot booked, checked in now.
//!
//! **Checked in more than `check_in_early_s` before the slot** (R9, `check_in_early`):
//!
//! * `wait`: in the lane `appointment`; callable `early_s` before the slot, as everybody booked.
//! * `refuse`: refused, with the moment from which it is not.
//! * `walk_in`: until `early_s` before the slot in the lane `walk_in`, as somebody without a booking who came now; from
//!   that moment on in the lane `appointment`, in the slot booked, checked in when they were. Since now throughout. Told
//!   to get ready before, they stay told. Whoever checks in later than that moment is simply booked.
//!
//! **Overflow** (R5, `overflow_join`), read at each call:
//!
//! * `lane`: in the lane `overflow`.
//! * `triage_time`: when the lanes `appointment` or `walk_in` have somebody eligible, the lane `overflow` has no turn of
//!   its own. Its first stands before the first of either lane if its check-in is before that one's *triage*, the later
//!   of slot and check-in (equal: the lower number; in the order by number, the lower number alone), and then takes
//!   that lane's turn, which is charged to that lane. When neither has anybody eligible, as `lane`.
//! * `last`: the lane `overflow` has a turn only when no other lane has anybody eligible.
//!
//! **Next free slot** (R4): as somebody booked for it who checked in now.
//!
//! [`Rule::Urgent`]: crate::event::Rule::Urgent
//! [`Rule::Inside`]: crate::event::Rule::Inside
//! [`Rule::Overdue`]: crate::event::Rule::Overdue
//! [`Rule::Ready`]: crate::event::Rule::Ready
//! [`Rule::Rejoin`]: crate::event::Rule::Rejoin
//! [`Rule::Cycle`]: crate::event::Rule::Cycle
//! [`Rule::Early`]: crate::event::Rule::Early

mod ages;
mod area;
mod aside;
mod census;
mod counter_draw;
mod cycle;
mod draw;
mod lanes;
mod line;
mod marks;
mod overtakes;
mod passed;
mod queue;
mod reach;

pub use area::{Area, emptiest};
pub use aside::Turn;
pub(crate) use counter_draw::charge;
pub use counter_draw::{CounterChoice, CounterDraw, Served, ServiceCycle};
pub use cycle::{Cycle, WEIGHT_MAX};
pub use draw::{Choice, Draw};
pub use lanes::{LaneCycle, Share};
pub use line::OrderKey;
pub use passed::{PASSED_MAX, Passed, PassedBy};
pub use queue::{Inside, Place, Queue, Taken};
pub use reach::Reach;
