//! The latest answers, word for word: a retry reads the same as the first answer did, whatever happened since.
//!
//! Apart from the engine's receipts, which outlive the process and say the same in substance.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use callnext_engine::CommandId;

use super::messages::Answer;

/// Answers remembered.
const ANSWERS_MAX: usize = 4_096;

/// The latest answers, word for word: a retry reads the same as the first answer did.
#[derive(Default)]
pub(super) struct Answers {
    by_key: BTreeMap<Arc<str>, (u64, Answer)>,
    oldest_first: VecDeque<Arc<str>>,
}

impl Answers {
    pub(super) fn find(&self, id: Option<&CommandId>) -> Option<Answer> {
        let id = id?;
        let (fingerprint, answer) = self.by_key.get(&id.key)?;
        // Another wish under the same key is the engine's to refuse.
        (*fingerprint == id.fingerprint).then(|| answer.clone())
    }

    pub(super) fn keep(&mut self, id: Option<CommandId>, answer: &Answer) {
        let Some(id) = id else { return };
        if self.by_key.insert(id.key.clone(), (id.fingerprint, answer.clone())).is_none() {
            self.oldest_first.push_back(id.key);
        }
        if self.oldest_first.len() > ANSWERS_MAX
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.by_key.remove(&oldest);
        }
    }
}
