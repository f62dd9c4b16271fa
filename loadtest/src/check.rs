//! What must hold of the frames a client gets. Pure: frames go in, violations come out.
//!
//! Apart from the sockets, so that each violation can be provoked in a test. It judges what a client sees and nothing
//! else; how fast it came is not its affair.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use callnext::wire::{BoardFrame, Card, CardFrame};
use serde::Serialize;

/// Violations kept in full per client; more of them say no more.
pub const KEPT_MAX: usize = 8;

/// Something that must not happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "violation", rename_all = "snake_case")]
pub enum Violation {
    /// `seq` went back within an epoch.
    WentBack {
        /// The epoch.
        epoch: String,
        /// Where the client stood.
        from: u64,
        /// Where the frame stands.
        to: u64,
    },
    /// An epoch came back that another had followed.
    OldEpoch {
        /// The epoch.
        epoch: String,
    },
    /// The calls of one frame are not newest first, or one of them is there twice.
    CallsUnordered {
        /// The call that stands wrong.
        call: u64,
    },
    /// A call came into sight after a later one.
    CallLate {
        /// The call.
        call: u64,
        /// The later one.
        after: u64,
    },
    /// A call went out of sight and came back: it would be spoken twice.
    CallAgain {
        /// The call.
        call: u64,
    },
    /// A call was recalled fewer times than before.
    RecallsWentBack {
        /// The call.
        call: u64,
        /// As seen before.
        from: u32,
        /// As in the frame.
        to: u32,
    },
    /// A call was never seen, or not its last recall.
    CallMissing {
        /// The call.
        call: u64,
        /// Its recalls.
        recalls: u32,
    },
    /// A card of another ticket.
    WrongTicket {
        /// The number on it.
        number: String,
    },
    /// The last card is not what the server says of the ticket.
    CardDiffers {
        /// The field of the card that does.
        field: String,
        /// As on the card.
        card: String,
        /// As the server says.
        server: String,
    },
    /// No card ever came.
    NoCard,
    /// Nothing came for longer than the contract allows.
    Silent {
        /// For how long, milliseconds.
        silence_ms: u64,
    },
    /// A frame that cannot be read, or of a kind that does not belong here.
    Unreadable {
        /// What is wrong with it.
        reason: String,
    },
    /// The connection ended before its time, or never began.
    Ended {
        /// What is known of the cause.
        reason: String,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WentBack { epoch, from, to } => write!(f, "seq went back from {from} to {to} in epoch {epoch}"),
            Self::OldEpoch { epoch } => write!(f, "epoch {epoch} came back"),
            Self::CallsUnordered { call } => write!(f, "call {call} stands out of order in a frame"),
            Self::CallLate { call, after } => write!(f, "call {call} appeared after call {after}"),
            Self::CallAgain { call } => write!(f, "call {call} disappeared and came back"),
            Self::RecallsWentBack { call, from, to } => write!(f, "recalls of call {call} went from {from} to {to}"),
            Self::CallMissing { call, recalls } => write!(f, "call {call} (recall {recalls}) was never shown"),
            Self::WrongTicket { number } => write!(f, "a card of ticket {number}"),
            Self::CardDiffers { field, card, server } => {
                write!(f, "{field} is {card} on the last card and {server} on the server")
            }
            Self::NoCard => write!(f, "no card came"),
            Self::Silent { silence_ms } => write!(f, "nothing came for {silence_ms} ms"),
            Self::Unreadable { reason } => write!(f, "a frame that cannot be read: {reason}"),
            Self::Ended { reason } => write!(f, "the connection ended: {reason}"),
        }
    }
}

/// The violations of one client: all counted, the first ones kept.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Violations {
    /// How many there were.
    pub count: u64,
    /// The first of them.
    pub first: Vec<Violation>,
}

impl Violations {
    /// Notes one.
    pub fn add(&mut self, violation: Violation) {
        self.count += 1;
        if self.first.len() < KEPT_MAX {
            self.first.push(violation);
        }
    }
}

/// Where a client stands, and that it never goes back.
#[derive(Debug, Default)]
struct Place {
    epoch: String,
    seq: u64,
    left: BTreeSet<String>,
}

impl Place {
    fn moves(&mut self, epoch: &str, seq: u64, violations: &mut Violations) {
        if epoch != self.epoch {
            if self.left.contains(epoch) {
                violations.add(Violation::OldEpoch { epoch: epoch.to_owned() });
            }
            self.left.insert(std::mem::replace(&mut self.epoch, epoch.to_owned()));
        } else if seq < self.seq {
            violations.add(Violation::WentBack { epoch: epoch.to_owned(), from: self.seq, to: seq });
        }
        self.seq = seq;
    }
}

/// Checks the frames of one board.
#[derive(Debug, Default)]
pub struct BoardCheck {
    place: Place,
    /// Calls ever seen, with the most recalls.
    seen: BTreeMap<u64, u32>,
    /// Calls of the frame before.
    shown: BTreeSet<u64>,
    begun: bool,
    /// Its connection ended: the next frame may leave out what happened meanwhile.
    away: bool,
    /// Calls that a frame after an absence no longer held: from the first to before the second.
    forgotten: Vec<(u64, u64)>,
    /// Frames taken in.
    pub frames: u64,
    /// What must not have happened.
    pub violations: Violations,
}

impl BoardCheck {
    /// Its connection ended. A board remembers its latest calls only: whoever is away for longer misses the others.
    pub fn went_away(&mut self) {
        self.away = self.begun;
    }

    /// Takes in the next frame.
    pub fn frame(&mut self, frame: &BoardFrame) {
        self.frames += 1;
        self.place.moves(&frame.epoch, frame.seq, &mut self.violations);
        let calls = &frame.board.calls;
        if std::mem::take(&mut self.away)
            && let (Some(last), Some(oldest)) = (self.shown.first(), calls.last())
            && *last < oldest.id
        {
            self.forgotten.push((*last, oldest.id));
        }
        for (newer, older) in calls.iter().zip(calls.iter().skip(1)) {
            if older.id >= newer.id {
                self.violations.add(Violation::CallsUnordered { call: older.id });
            }
        }
        let newest = self.seen.last_key_value().map(|(call, _)| *call);
        for call in calls {
            match (self.seen.insert(call.id, call.recalls), newest) {
                (None, Some(newest)) if call.id < newest => {
                    self.violations.add(Violation::CallLate { call: call.id, after: newest });
                }
                (None, _) => {}
                (Some(recalls), _) => {
                    if call.recalls < recalls {
                        let (from, to) = (recalls, call.recalls);
                        self.violations.add(Violation::RecallsWentBack { call: call.id, from, to });
                        self.seen.insert(call.id, recalls);
                    }
                    if self.begun && !self.shown.contains(&call.id) {
                        self.violations.add(Violation::CallAgain { call: call.id });
                    }
                }
            }
        }
        self.shown = calls.iter().map(|call| call.id).collect();
        self.begun = true;
    }

    /// Calls of these that were not seen, or not with their last recall.
    pub fn missing<'a>(&'a self, made: &'a BTreeMap<u64, u32>) -> impl Iterator<Item = (u64, u32)> + 'a {
        let seen = |call: &u64, recalls: u32| self.seen.get(call).is_some_and(|seen| *seen >= recalls);
        let forgotten = |call: &u64| self.forgotten.iter().any(|(first, end)| (*first..*end).contains(call));
        made.iter()
            .filter(move |(call, recalls)| !seen(call, **recalls) && !forgotten(call))
            .map(|(call, recalls)| (*call, *recalls))
    }

    /// How many calls were seen.
    pub fn calls(&self) -> usize {
        self.seen.len()
    }

    /// How many calls it could not be told any more when it came back.
    pub fn excused(&self) -> usize {
        let gone: BTreeSet<u64> = self.forgotten.iter().flat_map(|(first, end)| *first..*end).collect();
        gone.iter().filter(|call| !self.seen.contains_key(call)).count()
    }
}

/// Checks the frames of one phone.
#[derive(Debug)]
pub struct PhoneCheck {
    number: String,
    place: Place,
    last: Option<Card>,
    /// Frames taken in.
    pub frames: u64,
    /// What must not have happened.
    pub violations: Violations,
}

impl PhoneCheck {
    /// A checker for the phone of the ticket with this number.
    pub fn new(number: String) -> Self {
        Self { number, place: Place::default(), last: None, frames: 0, violations: Violations::default() }
    }

    /// Takes in the next frame.
    pub fn frame(&mut self, frame: CardFrame) {
        self.frames += 1;
        self.place.moves(&frame.epoch, frame.seq, &mut self.violations);
        if frame.card.number != self.number {
            self.violations.add(Violation::WrongTicket { number: frame.card.number.clone() });
        }
        self.last = Some(frame.card);
    }

    /// How the last card differs from what the server says; none if it agrees.
    ///
    /// The estimate is left out: it is made anew for every frame, and the server's is newer.
    pub fn differs(&self, server: &Card) -> Option<Violation> {
        let Some(last) = &self.last else { return Some(Violation::NoCard) };
        let (last, server) = (without_estimate(last), without_estimate(server));
        let (card, server) = (last.as_object()?, server.as_object()?);
        card.iter().find(|(field, value)| server.get(*field) != Some(*value)).map(|(field, value)| {
            let other = server.get(field).map(ToString::to_string).unwrap_or_default();
            Violation::CardDiffers { field: field.clone(), card: value.to_string(), server: other }
        })
    }
}

fn without_estimate(card: &Card) -> serde_json::Value {
    let card = Card { estimate: None, estimate_reason: None, ..card.clone() };
    serde_json::to_value(card).unwrap_or_default()
}

/// A silence, if it is longer than a live connection may keep: twice the time between signs of life.
pub fn silence(lasted: Duration) -> Option<Violation> {
    let most = Duration::from_secs(2 * callnext::wire::HEARTBEAT_S);
    let silence_ms = u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX);
    (lasted > most).then_some(Violation::Silent { silence_ms })
}

#[cfg(test)]
mod tests {
    use callnext::wire::{Board, BoardCall, Named};
    use callnext_engine::Text;
    use serde_json::json;

    use super::*;

    /// Of the wire's own type, so that a field it gets does not compile until it is here.
    fn board(epoch: &str, seq: u64, calls: &[(u64, u32)]) -> BoardFrame {
        let named = |id: &str| Named { id: id.to_owned(), name: Text::same("x") };
        let at = "2026-11-22T08:00:00Z".parse().unwrap();
        let call = |(id, recalls): &(u64, u32)| BoardCall {
            id: *id,
            number: "A001".to_owned(),
            name: None,
            counter: named("1"),
            service: "a".to_owned(),
            recalls: *recalls,
            at,
            open: true,
            urgency: None,
        };
        let board = Board {
            venue: named("hall"),
            time_zone: "Asia/Shanghai".to_owned(),
            services: Vec::new(),
            calls: calls.iter().map(call).collect(),
            ready: Vec::new(),
            inside: Vec::new(),
            missed: Vec::new(),
            closed: Vec::new(),
            notices: Vec::new(),
            speech: Vec::new(),
            paused_since: None,
        };
        BoardFrame { kind: "board".to_owned(), epoch: epoch.to_owned(), seq, at, board }
    }

    fn card(seq: u64, number: &str, state: &str, estimate: Option<i64>) -> CardFrame {
        let name = json!({"zh-Hans": "x", "zh-Hant": "x", "en": "x"});
        let estimate = estimate.map(|s| json!({"likely_s": s, "low_s": s, "high_s": s, "scored": 0}));
        serde_json::from_value(json!({"type": "card", "epoch": "1", "seq": seq, "at": "2026-11-22T08:00:00Z",
            "venue": {"id": "hall", "name": name}, "time_zone": "Asia/Shanghai", "service": {"id": "a", "name": name},
            "number": number, "state": state, "lane": "walk_in", "ahead": null, "estimate": estimate,
            "estimate_reason": null, "counter": null, "call": null, "recalls": 0, "issued_at": "2026-11-22T08:00:00Z",
            "called_at": null, "slot_start": null, "slot_end": null, "green_channel": false}))
        .unwrap()
    }

    fn found(frames: &[BoardFrame]) -> Vec<Violation> {
        let mut check = BoardCheck::default();
        frames.iter().for_each(|frame| check.frame(frame));
        check.violations.first
    }

    #[test]
    fn an_orderly_board_gives_no_cause() {
        let frames = [
            board("1", 1, &[]),
            board("1", 2, &[(1, 0)]),
            board("1", 2, &[(1, 0)]),
            board("1", 5, &[(3, 0), (2, 0), (1, 1)]),
            board("2", 4, &[(3, 0), (2, 1)]),
            board("2", 9, &[(5, 0), (4, 0), (3, 0)]),
        ];
        assert_eq!(found(&frames), []);
    }

    #[test]
    fn frames_that_go_back_are_found() {
        assert_eq!(
            found(&[board("1", 5, &[]), board("1", 4, &[])]),
            [Violation::WentBack { epoch: "1".to_owned(), from: 5, to: 4 }]
        );
        assert_eq!(
            found(&[board("1", 5, &[]), board("2", 6, &[]), board("1", 7, &[])]),
            [Violation::OldEpoch { epoch: "1".to_owned() }]
        );
    }

    #[test]
    fn calls_out_of_order_are_found() {
        assert_eq!(found(&[board("1", 1, &[(1, 0), (2, 0)])]), [Violation::CallsUnordered { call: 2 }]);
        assert_eq!(found(&[board("1", 1, &[(2, 0), (2, 0)])]), [Violation::CallsUnordered { call: 2 }]);
        assert_eq!(
            found(&[board("1", 1, &[(2, 0)]), board("1", 2, &[(2, 0), (1, 0)])]),
            [Violation::CallLate { call: 1, after: 2 }]
        );
    }

    #[test]
    fn a_call_shown_twice_is_found() {
        assert_eq!(
            found(&[board("1", 1, &[(1, 0)]), board("1", 2, &[(2, 0)]), board("1", 3, &[(2, 0), (1, 0)])]),
            [Violation::CallAgain { call: 1 }]
        );
    }

    #[test]
    fn a_recall_taken_back_is_found() {
        assert_eq!(
            found(&[board("1", 1, &[(1, 2)]), board("1", 2, &[(1, 1)])]),
            [Violation::RecallsWentBack { call: 1, from: 2, to: 1 }]
        );
    }

    #[test]
    fn only_who_was_away_may_miss_what_a_board_forgot() {
        let frames = [board("1", 1, &[(2, 0), (1, 0)]), board("2", 9, &[(9, 0), (8, 0)])];
        let made: BTreeMap<u64, u32> = (1..=9).map(|call| (call, u32::from(call == 2))).collect();
        let missing = |away: bool| {
            let mut check = BoardCheck::default();
            check.frame(&frames[0]);
            if away {
                check.went_away();
            }
            check.frame(&frames[1]);
            check.missing(&made).map(|(call, _)| call).collect::<Vec<_>>()
        };
        assert_eq!(missing(false), [2, 3, 4, 5, 6, 7]);
        assert_eq!(missing(true), [0; 0]);
    }

    #[test]
    fn a_call_that_never_came_is_found() {
        let mut check = BoardCheck::default();
        check.frame(&board("1", 1, &[(1, 0)]));
        check.frame(&board("1", 2, &[(3, 0), (1, 0)]));
        let made = BTreeMap::from([(1, 1), (2, 0), (3, 0)]);
        assert_eq!(check.missing(&made).collect::<Vec<_>>(), [(1, 1), (2, 0)]);
        assert_eq!(check.missing(&BTreeMap::from([(1, 0), (3, 0)])).count(), 0);
        assert_eq!(check.calls(), 2);
    }

    #[test]
    fn a_phone_that_agrees_gives_no_cause_whatever_the_estimate() {
        let mut check = PhoneCheck::new("A001".to_owned());
        check.frame(card(1, "A001", "waiting", Some(600)));
        check.frame(card(1, "A001", "waiting", Some(540)));
        assert_eq!(check.differs(&card(9, "A001", "waiting", None).card), None);
        assert_eq!(check.violations, Violations::default());
        assert_eq!(check.frames, 2);
    }

    #[test]
    fn a_phone_that_does_not_agree_is_found() {
        let mut check = PhoneCheck::new("A001".to_owned());
        assert_eq!(check.differs(&card(1, "A001", "waiting", None).card), Some(Violation::NoCard));
        check.frame(card(7, "A001", "waiting", None));
        assert_eq!(
            check.differs(&card(9, "A001", "called", None).card),
            Some(Violation::CardDiffers {
                field: "state".to_owned(),
                card: "\"waiting\"".to_owned(),
                server: "\"called\"".to_owned()
            })
        );
        check.frame(card(6, "A002", "waiting", None));
        assert_eq!(
            check.violations.first,
            [
                Violation::WentBack { epoch: "1".to_owned(), from: 7, to: 6 },
                Violation::WrongTicket { number: "A002".to_owned() }
            ]
        );
    }

    #[test]
    fn a_long_silence_is_found() {
        assert_eq!(silence(Duration::from_secs(39)), None);
        assert_eq!(silence(Duration::from_secs(41)), Some(Violation::Silent { silence_ms: 41_000 }));
    }

    #[test]
    fn all_violations_are_counted_and_the_first_kept() {
        let mut violations = Violations::default();
        for call in 0..100 {
            violations.add(Violation::CallAgain { call });
        }
        assert_eq!((violations.count, violations.first.len()), (100, KEPT_MAX));
    }
}
