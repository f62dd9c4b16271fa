//! What a venue actor tells the hubs after a change: one message per worker, whatever the number of viewers.
//!
//! Frames are serialised on first need and then shared, once per audience: the same bytes go to every screen
//! that shows the same services.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use callnext_engine::config::VenueConfig;
use callnext_engine::dispatch::PassedBy;
use callnext_engine::estimate::Unknown;
use callnext_engine::ticket::Slot;
use callnext_engine::{CallId, CounterId, Lane, Seq, ServiceId, TicketId, TicketNumber, Timestamp, VenueId};

use super::card_line::{CardLine, Names};
use super::frame::{Draft, Frame};
use crate::journal::Epoch;
use crate::wire::{
    Board, BoardFrame, CardNotice, CardState, CardSteps, Change, ChangeFrame, Console, ConsoleFrame, Estimate, rfc3339,
};

/// Everything a phone shows of one ticket, before names are looked up: cheap to make and to compare.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `wire::Card`, documented there")]
pub struct Facts {
    pub service: ServiceId,
    pub number: TicketNumber,
    pub state: CardState,
    pub lane: Lane,
    pub ahead: Option<u32>,
    pub wait: Result<Estimate, Unknown>,
    pub counter: Option<CounterId>,
    pub call: Option<CallId>,
    pub recalls: u32,
    pub issued_at: Timestamp,
    pub called_at: Option<Timestamp>,
    pub slot: Option<Slot>,
    pub green_channel: bool,
    pub notice: Option<Box<CardNotice>>,
    pub steps: Option<Box<CardSteps>>,
    pub passed_over_by: Vec<(PassedBy, u32)>,
}

/// The services a board shows; empty for all.
pub type BoardFilter = Vec<ServiceId>;

/// The state of a venue at one moment, ready to be shown.
#[derive(Debug)]
pub struct Publication {
    /// The venue.
    pub venue: VenueId,
    /// One unbroken ownership.
    pub epoch: Epoch,
    /// Count of changes.
    pub seq: Seq,
    /// The venue's time.
    pub at: Timestamp,
    /// Counts publications of an epoch: tells which of two with the same `seq` is newer.
    pub edition: u64,
    /// The declaration.
    pub config: Arc<VenueConfig>,
    /// Its names, as cards show them.
    pub names: Arc<Names>,
    /// The board of all services.
    pub board: Board,
    /// Whether it shows something else than at the last publication.
    pub board_changed: bool,
    /// What each live ticket's phone shows.
    pub facts: Arc<BTreeMap<TicketId, Facts>>,
    /// Tickets whose phones show something else than at the last publication, in their order.
    pub changed: Vec<TicketId>,
    /// What the phones of those show whose visits ended since.
    pub ended: BTreeMap<TicketId, Facts>,
    /// What consoles are told; none while none is open.
    pub console: Option<Arc<ConsoleNews>>,
    boards: Mutex<BTreeMap<BoardFilter, Frame>>,
}

/// What consoles are told at one moment. Apart from its publication because it is kept for longer: for those who
/// come back, and without the boards and cards of that moment.
#[derive(Debug)]
pub struct ConsoleNews {
    epoch: Epoch,
    seq: Seq,
    at: Timestamp,
    edition: u64,
    told: ForConsoles,
    frame: OnceLock<Frame>,
}

impl ConsoleNews {
    /// News that are not serialised yet.
    pub fn new(epoch: Epoch, seq: Seq, at: Timestamp, edition: u64, told: ForConsoles) -> Self {
        Self { epoch, seq, at, edition, told, frame: OnceLock::new() }
    }

    /// Its place among all publications of its venue.
    pub fn moment(&self) -> (Epoch, u64) {
        (self.epoch, self.edition)
    }

    /// The `seq` they build on; none where they tell all.
    pub fn from(&self) -> Option<Seq> {
        match self.told {
            ForConsoles::Change { from, .. } => Some(from),
            ForConsoles::All(_) => None,
        }
    }

    /// What consoles are sent.
    pub fn frame(&self) -> Frame {
        let (epoch, seq, at) = (self.epoch.to_string(), self.seq.0, rfc3339(self.at));
        let frame = || match &self.told {
            ForConsoles::Change { from, change } => Frame::of(&ChangeFrame {
                kind: "change".to_owned(),
                epoch,
                seq,
                at,
                from: from.0,
                change: change.clone(),
            }),
            ForConsoles::All(console) => {
                Frame::of(&ConsoleFrame { kind: "console".to_owned(), epoch, seq, at, console: (**console).clone() })
            }
        };
        self.frame.get_or_init(frame).clone()
    }
}

/// What consoles are told of a publication.
#[derive(Debug)]
pub enum ForConsoles {
    /// What changed since this `seq`.
    Change {
        /// The `seq` it builds on.
        from: Seq,
        /// The rows.
        change: Change,
    },
    /// All of it: rows would not say it.
    All(Box<Console>),
}

impl Publication {
    /// A publication with nothing serialised yet.
    #[expect(clippy::too_many_arguments, reason = "one call, by the venue actor")]
    pub fn new(
        venue: VenueId,
        epoch: Epoch,
        seq: Seq,
        at: Timestamp,
        edition: u64,
        (config, names): (Arc<VenueConfig>, Arc<Names>),
        (board, board_changed): (Board, bool),
        facts: Arc<BTreeMap<TicketId, Facts>>,
        (changed, ended): (Vec<TicketId>, BTreeMap<TicketId, Facts>),
        console: Option<ForConsoles>,
    ) -> Self {
        let console = console.map(|told| Arc::new(ConsoleNews::new(epoch, seq, at, edition, told)));
        let boards = Mutex::default();
        Self {
            venue,
            epoch,
            seq,
            at,
            edition,
            config,
            names,
            board,
            board_changed,
            facts,
            changed,
            ended,
            console,
            boards,
        }
    }

    /// What a ticket's phone shows, if its visit is not over or ended just now.
    pub fn facts_of(&self, ticket: TicketId) -> Option<&Facts> {
        self.facts.get(&ticket).or_else(|| self.ended.get(&ticket))
    }

    /// Whether this is newer than another.
    pub fn is_after(&self, other: &Self) -> bool {
        self.moment() > other.moment()
    }

    /// Its place among all publications of its venue.
    pub fn moment(&self) -> (Epoch, u64) {
        (self.epoch, self.edition)
    }

    /// The board frame for the screens that show these services.
    pub fn board_frame(&self, filter: &BoardFilter) -> Frame {
        let mut boards = self.boards.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(frame) = boards.get(filter) {
            return frame.clone();
        }
        let frame = Frame::of(&BoardFrame {
            kind: "board".to_owned(),
            epoch: self.epoch.to_string(),
            seq: self.seq.0,
            at: rfc3339(self.at),
            board: narrowed(&self.board, filter),
        });
        boards.insert(filter.clone(), frame.clone());
        frame
    }

    /// Draws the card frame of one ticket.
    pub fn draw_card(&self, facts: &Facts, draft: &mut Draft) {
        draft.write(&CardLine::of(self, facts));
    }

    /// A console frame that says only "still here".
    pub fn sign_of_life(&self) -> Frame {
        Frame::of(&ChangeFrame {
            kind: "change".to_owned(),
            epoch: self.epoch.to_string(),
            seq: self.seq.0,
            at: rfc3339(self.at),
            from: self.seq.0,
            change: Change::default(),
        })
    }
}

fn narrowed(board: &Board, filter: &BoardFilter) -> Board {
    if filter.is_empty() {
        return board.clone();
    }
    let shown = |service: &str| filter.iter().any(|id| id.as_str() == service);
    let mut board = board.clone();
    board.services.retain(|service| shown(&service.id));
    board.calls.retain(|call| shown(&call.service));
    board.ready.retain(|ticket| shown(&ticket.service));
    board.inside.retain(|ticket| shown(&ticket.service));
    board.missed.retain(|ticket| shown(&ticket.service));
    board.closed.retain(|closed| closed.concerns.iter().any(|service| shown(service)));
    board
}
