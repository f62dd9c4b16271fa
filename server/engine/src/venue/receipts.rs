//! What was answered to the latest commands, so that a retried tap gets the same answer and does nothing twice.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::Serialize;

use crate::command::CommandId;
use crate::refusal::Refusal;
use crate::venue::Receipt;

/// Receipts that are remembered: half an hour of a very large hall.
pub const RECEIPTS_MAX: usize = 10_000;

/// The latest receipts, by key.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(super) struct Receipts {
    by_key: BTreeMap<Arc<str>, Receipt>,
    oldest_first: VecDeque<Arc<str>>,
}

impl Receipts {
    /// The receipt of this very wish; a refusal if its key stood for another wish.
    pub(super) fn find(&self, id: Option<&CommandId>) -> Result<Option<&Receipt>, Refusal> {
        let Some((id, receipt)) = id.and_then(|id| Some((id, self.by_key.get(&id.key)?))) else { return Ok(None) };
        if receipt.fingerprint == id.fingerprint { Ok(Some(receipt)) } else { Err(Refusal::IdempotencyKeyReused) }
    }

    pub(super) fn keep(&mut self, id: &CommandId, receipt: Receipt) {
        if self.by_key.insert(id.key.clone(), receipt).is_none() {
            self.oldest_first.push_back(id.key.clone());
        }
        if self.oldest_first.len() > RECEIPTS_MAX
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.by_key.remove(&oldest);
        }
    }
}
