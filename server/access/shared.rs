//! What all nodes of an installation know of accounts, logins and devices.
//!
//! It is kept as fields with texts, which the keeper does not understand. Every change bears a mark that no other
//! has, and is made only where the last one is the one it was judged after: two nodes never both make the last
//! administrator go. A node takes in what others changed several times a second, and at once where somebody shows it
//! a token it does not know.

use std::collections::BTreeMap;
use std::sync::Arc;

use callnext_engine::{Timestamp, VenueId};
use data_encoding::HEXLOWER;
use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::account::{Account, Device, DeviceName, Roles, UserName};
use super::directory::{KeptLogin, Known};
use super::edit::Edit;
use super::error::{AccessError, Failure};
use super::role::DeviceKind;
use super::token::Digest;

/// Random bytes in a mark.
const MARK_BYTES: usize = 8;

/// A change, of all that were made: which one in order, and which of those that could have been it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Counts changes; 0 before the first.
    pub number: u64,
    /// Drawn at random; empty before the first.
    pub name: String,
}

impl Mark {
    /// Before the first change.
    pub fn none() -> Self {
        Self { number: 0, name: String::new() }
    }

    /// A new one that follows this.
    fn next(&self) -> Result<Self, AccessError> {
        let mut name = [0; MARK_BYTES];
        getrandom::fill(&mut name).map_err(Failure::Random)?;
        Ok(Self { number: self.number + 1, name: HEXLOWER.encode(&name) })
    }
}

/// A field, and its text from now on; none where it is gone.
pub type Field = (String, Option<String>);

/// Whoever keeps it does not answer. Whether it did as told is not known.
#[derive(Debug, Clone, thiserror::Error)]
#[error("accounts are not available: {0}")]
pub struct SharedError(pub String);

type Answer<T> = BoxFuture<'static, Result<T, SharedError>>;

/// Keeps what all nodes know.
pub trait SharedAccounts: Send + Sync + 'static {
    /// The last change; [`Mark::none`] where there was none, or all was lost.
    fn last(&self) -> Answer<Mark>;

    /// All fields, and the last change that is in them.
    fn load(&self) -> Answer<(Mark, Vec<Field>)>;

    /// What was changed after `mark`, and the last of it; none where that is not known any more.
    fn since(&self, mark: &Mark) -> Answer<Option<(Mark, Vec<Field>)>>;

    /// Makes the change `mark`, all of it or nothing: false where the last one is not `after`.
    fn change(&self, after: &Mark, mark: &Mark, fields: Vec<Field>) -> Answer<bool>;

    /// Begins anew with these fields, where nothing is kept: otherwise does nothing.
    fn fill(&self, mark: &Mark, fields: Vec<Field>) -> Answer<()>;
}

/// What is shared, from one node's side.
pub(super) struct Shared {
    keeper: Arc<dyn SharedAccounts>,
    mark: Mark,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("mark", &self.mark).finish_non_exhaustive()
    }
}

/// How what a node knows stands to what is kept.
pub(super) enum Standing {
    /// They are the same.
    Same,
    /// Others have changed it.
    Behind,
    /// The keeper has lost everything, and this node has not.
    Lost,
}

/// Waits for an answer on a thread that may.
fn wait<T>(answer: Answer<T>) -> Result<T, AccessError> {
    let waited = tokio::runtime::Handle::current().block_on(answer);
    waited.map_err(|SharedError(problem)| Failure::Shared(problem).into())
}

impl Shared {
    /// Reads all of it.
    pub(super) fn open(keeper: Arc<dyn SharedAccounts>) -> Result<(Self, Vec<Edit>), AccessError> {
        let mut shared = Self { keeper, mark: Mark::none() };
        let known = shared.reload()?;
        Ok((shared, known))
    }

    /// Reads all of it again.
    pub(super) fn reload(&mut self) -> Result<Vec<Edit>, AccessError> {
        let (mark, fields) = wait(self.keeper.load())?;
        let known = fields.into_iter().map(read).collect::<Result<_, _>>()?;
        self.mark = mark;
        Ok(known)
    }

    /// How what is known here stands to what is kept.
    pub(super) fn standing(&self) -> Result<Standing, AccessError> {
        let last = wait(self.keeper.last())?;
        Ok(if last == self.mark {
            Standing::Same
        } else if last == Mark::none() {
            Standing::Lost
        } else {
            Standing::Behind
        })
    }

    /// What was changed since; none where everything must be read again.
    pub(super) fn news(&mut self) -> Result<Option<Vec<Edit>>, AccessError> {
        let Some((mark, fields)) = wait(self.keeper.since(&self.mark))? else { return Ok(None) };
        let edits = fields.into_iter().map(read).collect::<Result<_, _>>()?;
        self.mark = mark;
        Ok(Some(edits))
    }

    /// Has a change kept; false where another node has made one since.
    pub(super) fn write(&mut self, edits: &[Edit]) -> Result<bool, AccessError> {
        let mark = self.mark.next()?;
        let is_kept = wait(self.keeper.change(&self.mark, &mark, edits.iter().map(written).collect()))?;
        if is_kept {
            self.mark = mark;
        }
        Ok(is_kept)
    }

    /// Has all of this kept where nothing is.
    pub(super) fn fill(&self, known: &[Edit]) -> Result<(), AccessError> {
        wait(self.keeper.fill(&self.mark.next()?, known.iter().map(written).collect()))
    }
}

// ---- fields and what they say ---------------------------------------------------------------------------------------

const ACCOUNT: &str = "account";
const LOGIN: &str = "login";
const DEVICE: &str = "device";

#[derive(Serialize, Deserialize)]
struct AccountText {
    name: String,
    /// argon2id, PHC form.
    password: String,
    roles: BTreeMap<String, String>,
    created_at: i64,
}

#[derive(Serialize, Deserialize)]
struct LoginText {
    account: String,
    expires_at: i64,
}

#[derive(Serialize, Deserialize)]
struct DeviceText {
    kind: String,
    /// SHA-256.
    token: String,
    created_at: i64,
}

/// An edit as its field. Tokens stand in it as digests: whoever reads it can log in as nobody.
fn written(edit: &Edit) -> Field {
    match edit {
        Edit::PutAccount(Known { account: Account { user, roles, created_at }, password }) => {
            let name = user.as_str().to_owned();
            let password = password.as_ref().to_owned();
            let text = AccountText { name, password, roles: roles.written(), created_at: created_at.0 };
            (format!("{ACCOUNT}:{}", user.key()), Some(json(&text)))
        }
        Edit::RemoveAccount(user) => (format!("{ACCOUNT}:{}", user.key()), None),
        Edit::PutLogin(token, KeptLogin { user, expires_at }) => {
            let text = LoginText { account: user.as_str().to_owned(), expires_at: expires_at.0 };
            (format!("{LOGIN}:{}", HEXLOWER.encode(&token.0)), Some(json(&text)))
        }
        Edit::RemoveLogin(token) => (format!("{LOGIN}:{}", HEXLOWER.encode(&token.0)), None),
        Edit::PutDevice(token, Device { venue, name, kind, created_at }) => {
            let token = HEXLOWER.encode(&token.0);
            let text = DeviceText { kind: kind.name().to_owned(), token, created_at: created_at.0 };
            (format!("{DEVICE}:{venue}:{}", name.as_str()), Some(json(&text)))
        }
        Edit::RemoveDevice(venue, name) => (format!("{DEVICE}:{venue}:{}", name.as_str()), None),
    }
}

/// Plain data with text keys: it can always be written.
fn json(text: &impl Serialize) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// What a field says.
fn read((field, text): Field) -> Result<Edit, AccessError> {
    let said = match field.split_once(':') {
        Some((ACCOUNT, key)) => read_account(key, text.as_deref()).ok_or(ACCOUNT),
        Some((LOGIN, token)) => read_login(token, text.as_deref()).ok_or(LOGIN),
        Some((DEVICE, device)) => read_device(device, text.as_deref()).ok_or(DEVICE),
        _ => Err("fields"),
    };
    said.map_err(|table| Failure::Damaged { table }.into())
}

fn parsed<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}

fn digest(hex: &str) -> Option<Digest> {
    Some(Digest(HEXLOWER.decode(hex.as_bytes()).ok()?.try_into().ok()?))
}

fn read_account(key: &str, text: Option<&str>) -> Option<Edit> {
    let Some(text) = text else { return Some(Edit::RemoveAccount(UserName::parse(key).ok()?)) };
    let AccountText { name, password, roles, created_at } = parsed(text)?;
    let (user, roles) = (UserName::parse(&name).ok()?, Roles::parse(&roles, |_| true).ok()?);
    let account = Account { user, roles, created_at: Timestamp(created_at) };
    Some(Edit::PutAccount(Known { account, password: password.into() }))
}

fn read_login(token: &str, text: Option<&str>) -> Option<Edit> {
    let token = digest(token)?;
    let Some(text) = text else { return Some(Edit::RemoveLogin(token)) };
    let LoginText { account, expires_at } = parsed(text)?;
    let login = KeptLogin { user: UserName::parse(&account).ok()?, expires_at: Timestamp(expires_at) };
    Some(Edit::PutLogin(token, login))
}

fn read_device(device: &str, text: Option<&str>) -> Option<Edit> {
    let (venue, name) = device.split_once(':')?;
    let (venue, name) = (VenueId::parse(venue).ok()?, DeviceName::parse(name).ok()?);
    let Some(text) = text else { return Some(Edit::RemoveDevice(venue, name)) };
    let DeviceText { kind, token, created_at } = parsed(text)?;
    let device = Device { venue, name, kind: DeviceKind::named(&kind)?, created_at: Timestamp(created_at) };
    Some(Edit::PutDevice(digest(&token)?, device))
}

#[cfg(test)]
mod tests;
