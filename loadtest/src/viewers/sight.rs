//! What a viewer sees of a frame, at little cost: boards that look at the same get the same bytes, so each frame is
//! read in full once and recognised afterwards.

use callnext::wire::{BoardFrame, CardFrame};

use crate::frames::number_after;

/// Frames that are remembered: those of one moment, for all sets of services.
const REMEMBERED: usize = 16;

/// What matters of a frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sight {
    pub epoch: u64,
    pub seq: u64,
    /// The calls it shows: the newest and the oldest, and whether none between is left out.
    pub calls: Option<(u64, u64)>,
}

/// Reads frames, each once.
#[derive(Default)]
pub struct Reader {
    known: Vec<(Vec<u8>, Sight)>,
    next: usize,
}

impl Reader {
    /// What a board is shown; none if it cannot be read.
    pub fn board(&mut self, content: &[u8]) -> Result<Sight, String> {
        if let Some((_, sight)) = self.known.iter().find(|(bytes, _)| bytes == content) {
            return Ok(*sight);
        }
        let sight = if content.starts_with(b"{\"type\":\"bare\"") { place(content) } else { read(content)? };
        if self.known.len() < REMEMBERED {
            self.known.push((content.to_vec(), sight));
        } else if let Some(oldest) = self.known.get_mut(self.next % REMEMBERED) {
            *oldest = (content.to_vec(), sight);
        }
        self.next = self.next.wrapping_add(1);
        Ok(sight)
    }
}

/// Where a frame stands, without reading the rest.
pub fn place(content: &[u8]) -> Sight {
    Sight {
        epoch: number_after(content, b"\"epoch\":\"").unwrap_or_default(),
        seq: number_after(content, b"\"seq\":").unwrap_or_default(),
        calls: None,
    }
}

fn read(content: &[u8]) -> Result<Sight, String> {
    let frame: BoardFrame = serde_json::from_slice(content).map_err(|error| error.to_string())?;
    let calls = &frame.board.calls;
    for (newer, older) in calls.iter().zip(calls.iter().skip(1)) {
        if newer.id <= older.id {
            return Err(format!("call {} stands before call {}", newer.id, older.id));
        }
    }
    let (newest, oldest) = (calls.first().map(|call| call.id), calls.last().map(|call| call.id));
    Ok(Sight {
        epoch: frame.epoch.parse().map_err(|_| format!("epoch {:?}", frame.epoch))?,
        seq: frame.seq,
        calls: newest.zip(oldest),
    })
}

/// A phone's last card, in full.
pub fn card(content: &[u8]) -> Result<CardFrame, String> {
    serde_json::from_slice(content).map_err(|error| error.to_string())
}
