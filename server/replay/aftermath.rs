//! What follows from a call: the person comes, or is late, or does not come, or is sent for tests.
//!
//! Apart from the plan because it begins with an answer of the server's: only then is it known who was called. It is
//! drawn from the number on the ticket, so a player that starts in the middle of a day goes on as one that did not.

use callnext_engine::Millis;

use super::chance::{About, one_in, percent, seconds};
use super::plan::Mix;

/// From the call to the person's sitting down, seconds.
const WALK_S: (u32, u32) = (15, 45);
/// From the call to the recall of somebody who is not there, seconds.
const RECALL_S: (u32, u32) = (25, 40);
/// From the recall to the miss, seconds: more than the usual grace of a minute.
const MISS_S: (u32, u32) = (65, 90);
/// From the start of a service to being sent for tests, seconds.
const TESTS_S: (u32, u32) = (60, 240);
/// From being sent for tests to being back, seconds.
const BACK_S: (u32, u32) = (15 * 60, 40 * 60);
/// From the miss to reporting again, seconds.
const REPORT_S: (u32, u32) = (3 * 60, 20 * 60);
/// Of a hundred people who did not come, so many report again.
const REPORT_PERCENT: u32 = 70;
/// A typical length is stretched and shrunk to between so many hundredths of itself.
const STRETCH_PERCENT: (u32, u32) = (70, 115);

/// Something a counter does with the ticket it called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Calls again.
    Recall,
    /// Begins.
    Start,
    /// Sends the person for tests.
    Hold,
    /// Ends.
    Complete,
    /// Gives up waiting for the person.
    Miss,
}

/// A ticket that was called.
#[derive(Debug, Clone, Copy)]
pub struct Called<'a> {
    /// Its number.
    pub number: &'a str,
    /// Whether it was called, missed or held before: life happens to each person once.
    pub again: bool,
    /// How long the service lasts.
    pub lasts: Length,
}

/// How long a service lasts, from the call on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// As recorded.
    Recorded(Millis),
    /// About so long.
    Typical(Millis),
}

/// What the counter does next, and how long after the call.
pub fn after_call(called: Called<'_>, mix: Mix) -> Vec<(Millis, Act)> {
    let Called { number, again, lasts } = called;
    let pause = |(low, high)| seconds(About::Pace, number, low, high);
    let walk = pause(WALK_S);
    let lasts = match lasts {
        Length::Recorded(span) => span,
        Length::Typical(span) => {
            let share = pause(STRETCH_PERCENT).0 / 1000;
            Millis(span.0.saturating_mul(share) / 100)
        }
    };
    // A service shorter than the walk to the counter: the records know no walks.
    let start = Millis(walk.0.min(lasts.0 / 2));
    if !again && one_in(About::Missed, number, mix.missed_one_in) {
        let recall = pause(RECALL_S);
        return vec![(recall, Act::Recall), (sum(recall, pause(MISS_S)), Act::Miss)];
    }
    if !again && one_in(About::Held, number, mix.held_one_in) {
        return vec![(start, Act::Start), (sum(start, pause(TESTS_S)), Act::Hold)];
    }
    vec![(start, Act::Start), (lasts, Act::Complete)]
}

/// When somebody who did not come reports again, after the miss; none for whoever went home.
pub fn reports_again(number: &str) -> Option<Millis> {
    percent(About::Reported, number, REPORT_PERCENT).then(|| seconds(About::Pace, number, REPORT_S.0, REPORT_S.1))
}

/// When somebody who was sent for tests is back.
pub fn back_from_tests(number: &str) -> Millis {
    seconds(About::Pace, number, BACK_S.0, BACK_S.1)
}

fn sum(one: Millis, other: Millis) -> Millis {
    Millis(one.0.saturating_add(other.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN_MINUTES: Millis = Millis::from_mins(10);

    fn acts(number: &str, again: bool, lasts: Length, mix: Mix) -> Vec<(Millis, Act)> {
        after_call(Called { number, again, lasts }, mix)
    }

    fn numbers() -> impl Iterator<Item = String> {
        (1..=600).map(|n| format!("A{n:03}"))
    }

    #[test]
    fn faithful_serves_everybody_for_as_long_as_recorded() {
        for number in numbers() {
            let acts = acts(&number, false, Length::Recorded(TEN_MINUTES), Mix::FAITHFUL);
            assert!(matches!(acts.as_slice(), [(_, Act::Start), (TEN_MINUTES, Act::Complete)]), "{acts:?}");
        }
    }

    #[test]
    fn some_do_not_come_and_some_are_sent_for_tests_but_once_only() {
        let count = |wanted: Act, again: bool| {
            let has = |number: &String| {
                acts(number, again, Length::Typical(TEN_MINUTES), Mix::CLINIC).iter().any(|(_, act)| *act == wanted)
            };
            numbers().filter(has).count()
        };
        assert!((20..=60).contains(&count(Act::Miss, false)), "{}", count(Act::Miss, false));
        assert!((25..=75).contains(&count(Act::Hold, false)), "{}", count(Act::Hold, false));
        assert_eq!((count(Act::Miss, true), count(Act::Hold, true)), (0, 0));
    }

    #[test]
    fn nobody_is_missed_without_a_recall_and_a_minute_after_it() {
        for number in numbers() {
            let acts = acts(&number, false, Length::Typical(TEN_MINUTES), Mix { missed_one_in: 1, ..Mix::FAITHFUL });
            let [(recall, Act::Recall), (miss, Act::Miss)] = acts.as_slice() else { panic!("{acts:?}") };
            assert!(miss.0 - recall.0 > 60_000);
        }
    }

    #[test]
    fn acts_come_in_order_however_short_the_service() {
        for lasts in [Length::Recorded(Millis::ZERO), Length::Recorded(Millis(7_000)), Length::Typical(TEN_MINUTES)] {
            for number in numbers() {
                let acts = acts(&number, false, lasts, Mix::CLINIC);
                assert!(acts.is_sorted_by_key(|(after, _)| *after), "{acts:?}");
            }
        }
    }

    #[test]
    fn most_who_did_not_come_report_again() {
        let back = numbers().filter(|number| reports_again(number).is_some()).count();
        assert!((360..=480).contains(&back), "{back} of 600");
        assert!(numbers().all(|number| back_from_tests(&number) >= Millis::from_mins(15)));
    }
}
