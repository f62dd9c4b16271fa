//! Accounts, logins and devices in Redis: a hash of what is known, and a stream of the latest changes of it.
//!
//! It bears the mark of its last change. A change names the one it was judged after, and is made only on that: one
//! script, one step.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::RedisJournal;
use super::keys::{account_changes, accounts};
use super::script::{CHANGE, Call, FILL};
use super::worker::{Entry, Question, Worker, field};
use crate::access::SharedAccounts;
use crate::access::shared::{Field, Mark, SharedError};
use crate::journal::JournalError;

/// Changes kept for nodes to catch up by; one that is further behind reads everything. More than a busy morning's
/// logins within the second that a node may be away.
const CHANGES_KEPT: &str = "2000";
/// The field of the last change's mark; all others have a colon in their names.
const MARK: &str = "mark";

fn written(mark: &Mark) -> String {
    format!("{}-{}", mark.number, mark.name)
}

fn read(text: &str) -> Result<Mark, JournalError> {
    let read = text.split_once('-').and_then(|(number, name)| Some((number.parse().ok()?, name.to_owned())));
    let (number, name) = read.ok_or_else(|| strange("the mark of the accounts"))?;
    Ok(Mark { number, name })
}

fn strange(what: &str) -> JournalError {
    JournalError::Unavailable(format!("somebody else wrote to Redis: {what} cannot be read"))
}

impl Worker {
    async fn last_account_change(&self) -> Result<Mark, JournalError> {
        let key = accounts(self.prefix());
        let mut command = redis::cmd("HGET");
        command.arg(&key).arg(MARK);
        let mark: Option<String> = self.ask(Question::Command(&key, command), Self::soon()).await?;
        mark.map_or_else(|| Ok(Mark::none()), |mark| read(&mark))
    }

    async fn load_accounts(&self) -> Result<(Mark, Vec<Field>), JournalError> {
        let key = accounts(self.prefix());
        let mut command = redis::cmd("HGETALL");
        command.arg(&key);
        let all: Vec<(String, String)> = self.ask(Question::Command(&key, command), Self::soon()).await?;
        let (mut mark, mut fields) = (Mark::none(), Vec::with_capacity(all.len()));
        for (field, text) in all {
            if field == MARK {
                mark = read(&text)?;
            } else {
                fields.push((field, Some(text)));
            }
        }
        Ok((mark, fields))
    }

    async fn accounts_since(&self, mark: &Mark) -> Result<Option<(Mark, Vec<Field>)>, JournalError> {
        let key = account_changes(self.prefix());
        let mut command = redis::cmd("XRANGE");
        command.arg(&key).arg(format!("{}-0", mark.number)).arg("+");
        let entries: Vec<Entry> = self.ask(Question::Command(&key, command), Self::soon()).await?;
        let mut entries = entries.iter();
        // Another history than the one that is known, or only a later part of it.
        if entries.next().and_then(|entry| field(entry, MARK)) != Some(written(mark).as_str()) {
            return Ok(None);
        }
        let (mut last, mut fields) = (mark.clone(), Vec::new());
        for entry in entries {
            last = read(field(entry, MARK).unwrap_or_default())?;
            let changed: Vec<Field> = serde_json::from_str(field(entry, "fields").unwrap_or_default())
                .map_err(|_| strange("a change of the accounts"))?;
            fields.extend(changed);
        }
        Ok(Some((last, fields)))
    }

    async fn change_accounts(&self, after: &Mark, mark: &Mark, fields: &[Field]) -> Result<bool, JournalError> {
        let mut call = Call::of(&CHANGE);
        call.key(accounts(self.prefix())).key(account_changes(self.prefix()));
        // Plain data with text keys: it can always be written.
        let text = serde_json::to_string(fields).unwrap_or_default();
        call.arg(written(after)).arg(written(mark)).arg(text).arg(CHANGES_KEPT);
        for (field, text) in fields {
            let is_there = if text.is_some() { "1" } else { "0" };
            call.arg(field.as_str()).arg(is_there).arg(text.as_deref().unwrap_or_default());
        }
        Ok(self.ask::<i64>(Question::Write(&call), self.patience()).await? == 1)
    }

    async fn fill_accounts(&self, mark: &Mark, fields: &[Field]) -> Result<(), JournalError> {
        let mut call = Call::of(&FILL);
        call.key(accounts(self.prefix())).key(account_changes(self.prefix())).arg(written(mark));
        for (field, text) in fields.iter().filter_map(|(field, text)| Some((field, text.as_deref()?))) {
            call.arg(field.as_str()).arg(text);
        }
        self.ask::<i64>(Question::Write(&call), self.patience()).await.map(drop)
    }
}

type Answer<T> = BoxFuture<'static, Result<T, SharedError>>;

fn told<T: Send + 'static>(answer: BoxFuture<'static, Result<T, JournalError>>) -> Answer<T> {
    answer.map(|answer| answer.map_err(|error| SharedError(error.to_string()))).boxed()
}

impl SharedAccounts for RedisJournal {
    fn last(&self) -> Answer<Mark> {
        told(self.run(|worker| async move { worker.last_account_change().await }))
    }

    fn load(&self) -> Answer<(Mark, Vec<Field>)> {
        told(self.run(|worker| async move { worker.load_accounts().await }))
    }

    fn since(&self, mark: &Mark) -> Answer<Option<(Mark, Vec<Field>)>> {
        let mark = mark.clone();
        told(self.run(|worker| async move { worker.accounts_since(&mark).await }))
    }

    fn change(&self, after: &Mark, mark: &Mark, fields: Vec<Field>) -> Answer<bool> {
        let (after, mark) = (after.clone(), mark.clone());
        told(self.run(|worker| async move { worker.change_accounts(&after, &mark, &fields).await }))
    }

    fn fill(&self, mark: &Mark, fields: Vec<Field>) -> Answer<()> {
        let mark = mark.clone();
        told(self.run(|worker| async move { worker.fill_accounts(&mark, &fields).await }))
    }
}
