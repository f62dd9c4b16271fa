//! Judging reasons: a venue grants what is outside the rules for reasons of its own list only (R3, R10, B3).

use crate::command;
use crate::config::{OTHER, Reason};
use crate::ids::ReasonCode;
use crate::refusal::Refusal;
use crate::venue::decide::known::check_reason;

/// The code to be kept on record. Words without a code are "other"; "other" needs words.
pub(super) fn recorded(known: &[Reason], given: &command::Reason) -> Result<Option<ReasonCode>, Refusal> {
    let code = match &given.code {
        Some(code) => Some(code.clone()),
        None => ReasonCode::parse(OTHER).ok(),
    };
    if given.code.is_none() || !given.text.is_empty() || code.as_ref().is_some_and(|code| code.as_str() == OTHER) {
        check_reason("reason", &given.text)?;
    }
    match code {
        Some(reason) if known.iter().all(|known| known.code != reason) => {
            let known = known.iter().map(|known| known.code.clone()).collect();
            Err(Refusal::ReasonUnknown { reason, known })
        }
        code => Ok(code),
    }
}
