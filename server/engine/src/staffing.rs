//! How many counters a service needs so that people wait no longer than wanted (E1, B9): a hint to managers, which
//! decides nothing.
//!
//! Two bounds, of which the larger holds:
//!
//! * **In the long run**, for arrivals as in the last hour: the fewest counters `c` whose mean wait is within the
//!   target, by the formula for `c` equal servers with random arrivals and service times (M/M/c; A. K. Erlang 1917;
//!   Gross and Harris, *Fundamentals of Queueing Theory*, section 2.3). With the offered load `a = arrivals per
//!   second * service seconds`, `B(0) = 1` and `B(k) = a B(k-1) / (k + a B(k-1))`, the share of people who wait at
//!   all is `C = B(c) / (1 - (a / c)(1 - B(c)))`, and the mean wait of all is `C * service / (c - a)`.
//! * **For those who wait now**: the last of them is called within the target if `c >= waiting * service / target`.
//!
//! Real service times vary less than the formula assumes, so it errs to the side of one counter too many.

use crate::config::COUNTERS_MAX;
use crate::counter::CounterState;
use crate::ids::ServiceId;
use crate::ticket::TicketState;
use crate::time::{Millis, Timestamp};
use crate::venue::Venue;

/// The span whose arrivals count.
pub const ARRIVALS_SPAN: Millis = Millis::from_mins(60);
/// Latest visits whose service times count.
pub const SERVED_MAX: usize = 50;
/// Tickets that are looked through for them, latest first: the time to look is bounded.
const LOOKED_MAX: usize = 5_000;

/// What one service needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staffing {
    /// People who came within [`ARRIVALS_SPAN`].
    pub arrivals: u32,
    /// People who wait now.
    pub waiting: u32,
    /// Mean time from call to completion of the latest visits; before there are any, the mean of the classes'
    /// expected times; none where neither is known.
    pub service: Option<Millis>,
    /// The wait aimed at; none where there is no aim.
    pub target: Option<Millis>,
    /// Counters that call for the service now.
    pub open: u32,
    /// Counters it needs; none where service time or target are not known.
    pub needed: Option<u32>,
}

/// Counters needed for so many arrivals in a span, so many who wait now, and a wait to be kept; 0 where nobody comes
/// and nobody waits. At most [`COUNTERS_MAX`].
pub fn counters_needed(arrivals: u32, span: Millis, waiting: u32, service: Millis, target: Millis) -> u32 {
    let most = u32::try_from(COUNTERS_MAX).unwrap_or(u32::MAX);
    let [span, service, target] = [span, service, target].map(|millis| millis.0.max(1));
    let backlog = (i64::from(waiting) * service + target - 1) / target;
    let backlog = u32::try_from(backlog).unwrap_or(most).min(most);
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a day are far below what a double holds exactly")]
    let (offered, service, target) =
        (f64::from(arrivals) * service as f64 / span as f64, service as f64, target as f64);
    if arrivals == 0 {
        return backlog;
    }
    let mut blocked = 1.0;
    for count in 1..=most {
        let counters = f64::from(count);
        blocked = offered * blocked / (counters + offered * blocked);
        if counters > offered {
            let delayed = blocked / (1.0 - (offered / counters) * (1.0 - blocked));
            if delayed * service / (counters - offered) <= target {
                return count.max(backlog);
            }
        }
    }
    most
}

impl Venue {
    /// What a service needs now; none if there is no such service.
    pub fn staffing(&self, service: &ServiceId, now: Timestamp) -> Option<Staffing> {
        let declared = self.config().service(service)?;
        let now = now.max(self.at());
        let ours = || self.tickets_latest_first().take(LOOKED_MAX).filter(|ticket| ticket.service == *service);
        let recent = self.tickets_latest_first().take_while(|ticket| now.since(ticket.issued_at) <= ARRIVALS_SPAN);
        let arrivals = recent.filter(|ticket| ticket.service == *service).count();
        let served = ours().filter(|ticket| ticket.state == TicketState::Completed);
        let served: Vec<Millis> =
            served.filter_map(|ticket| Some(ticket.ended_at?.since(ticket.called_at?))).take(SERVED_MAX).collect();
        let count = i64::try_from(served.len()).unwrap_or(i64::MAX);
        let measured = (count > 0).then(|| Millis(served.iter().map(|span| span.0).sum::<i64>() / count.max(1)));
        let expected = declared.expected_ms().and_then(|expected| i64::try_from(expected).ok()).map(Millis);
        let service_time = measured.filter(|time| time.0 > 0).or(expected);
        let target = Some(declared.policy.target_wait_s).filter(|target| *target > 0);
        let target = target.map(|target| Millis::from_secs(target.into()));
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let (arrivals, waiting) = (number(arrivals), number(self.queue(service)?.len()));
        let needed = service_time
            .zip(target)
            .map(|(time, target)| counters_needed(arrivals, ARRIVALS_SPAN, waiting, time, target));
        let calls = |counter: &&crate::counter::Counter| counter.state == CounterState::Open;
        let open = number(self.open_counters(service).filter(calls).count());
        Some(Staffing { arrivals, waiting, service: service_time, target, open, needed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Millis = Millis::from_mins(60);

    #[test]
    fn e1_by_the_textbook() {
        // Gross and Harris, example 2.1 in other words: 6 an hour, 20 minutes each, so a load of 2. Three counters
        // let people wait 8 min 53 s in the mean, four 1 min 44 s.
        let needed = |target_s| counters_needed(6, HOUR, 0, Millis::from_mins(20), Millis::from_secs(target_s));
        assert_eq!((needed(540), needed(530), needed(110), needed(100)), (3, 4, 4, 5));
        // One counter at a load of a half: the mean wait is one service time.
        assert_eq!(counters_needed(30, HOUR, 0, Millis::from_mins(1), Millis::from_secs(61)), 1);
        assert_eq!(counters_needed(30, HOUR, 0, Millis::from_mins(1), Millis::from_secs(59)), 2);
    }

    #[test]
    fn e1_those_who_wait_now_are_called_in_time() {
        assert_eq!(counters_needed(0, HOUR, 0, Millis::from_mins(5), Millis::from_mins(30)), 0);
        assert_eq!(counters_needed(0, HOUR, 24, Millis::from_mins(5), Millis::from_mins(30)), 4);
        assert_eq!(counters_needed(1, HOUR, 24, Millis::from_mins(5), Millis::from_mins(30)), 4);
    }

    #[test]
    fn e1_absurd_figures_have_an_end() {
        let most = u32::try_from(COUNTERS_MAX).unwrap();
        assert_eq!(counters_needed(u32::MAX, HOUR, u32::MAX, Millis::from_mins(600), Millis(0)), most);
        assert_eq!(counters_needed(1, Millis(0), 0, Millis(0), Millis(0)), 2, "an instant counts as a millisecond");
    }
}
