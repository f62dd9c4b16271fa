//! Who may do what: accounts, roles, logins, devices, and the links in people's hands.
//!
//! [`Access`] is the one door. What it knows stands in memory, so that a request costs no disk; every change is on
//! the disk before it is answered, and in force from that moment, revocations first of all. It decides nothing
//! about queues, and no route asks anything but [`Principal::may`].
//!
//! Times are passed in, always wall-clock time, also in a demo whose venues run faster.
//!
//! # Layout
//!
//! * [`role`]: **the one table** of who may do what. [`principal`]: who asks.
//! * `account`: names, roles of one account, devices. [`token`], [`secret`], [`link`]: what must not be guessed.
//! * `password`, `attempts`: the cost of guessing, to each node by itself.
//! * `directory`: what is known. `store`: how it changes, in steps (`edit`), kept in a `file` or [`shared`] by nodes.
//! * [`error`]: every way in which access says no.

mod account;
mod attempts;
mod directory;
mod edit;
pub mod error;
mod file;
pub mod link;
mod password;
pub mod principal;
pub mod role;
pub mod secret;
pub mod shared;
mod store;
pub mod token;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use callnext_engine::{Millis, Timestamp, VenueId};

pub use self::account::{Account, Device, DeviceName, Login, NAME_CHARS_MAX, Put, Roles, Scope, UserName};
pub use self::error::{AccessError, AccessErrorKind, Failure};
pub use self::link::{Links, TicketLink};
pub use self::password::{PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN};
pub use self::principal::Principal;
pub use self::role::{DeviceKind, Permission, Role};
pub use self::secret::Secret;
pub use self::shared::SharedAccounts;
pub use self::token::Token;

use self::attempts::Attempts;
use self::password::Passwords;
use self::store::Store;
use self::token::Digest;

/// A login ends this long after it was last used: longer than any shift, shorter than from one day's to the next.
pub const LOGIN_LIFE: Millis = Millis::from_mins(12 * 60);

/// The accounts of a server that works alone.
const ACCOUNTS_FILE: &str = "accounts.sqlite";

/// How far a login's end may lag behind its use: one write per login and ten minutes, not one per request.
const RENEWAL_STEP: Millis = Millis::from_mins(10);

/// How often a node takes in what others have changed: who was shut out at one of them is shut out everywhere after this.
const CATCH_UP_EVERY: Duration = Duration::from_millis(250);

/// The accounts and the secret of one installation, opened. Clones share everything.
#[derive(Debug, Clone)]
pub struct Access {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    passwords: Passwords,
    links: Links,
    attempts: Mutex<Attempts>,
    /// The set-up token on offer. In memory only: the next start offers another, so one in an old log is dead.
    setup: Mutex<Option<Digest>>,
    /// When what other nodes know was last asked for; none where there are none.
    caught_up: Option<tokio::sync::Mutex<Instant>>,
}

impl Access {
    /// Opens `accounts.sqlite` and `secret.key` in the data directory, and makes them when they are missing.
    /// Blocks: for the start of a program.
    pub fn open(data: &Path) -> Result<Self, AccessError> {
        let store = Store::open(&data.join(ACCOUNTS_FILE))?;
        let secret = Secret::load_or_make(&data.join("secret.key")).map_err(Failure::Secret)?;
        Self::of(store, &secret, None)
    }

    /// What all nodes of an installation share, and the secret they all have. The first of them brings the accounts
    /// that are in its data directory from when it worked alone.
    pub async fn share(keeper: Arc<dyn SharedAccounts>, secret: &Secret, data: &Path) -> Result<Self, AccessError> {
        let file = data.join(ACCOUNTS_FILE);
        let opened = tokio::task::spawn_blocking(move || Store::share(keeper, &file));
        Self::of(opened.await.map_err(|_| Failure::Panicked)??, secret, Some(tokio::sync::Mutex::new(Instant::now())))
    }

    fn of(store: Store, secret: &Secret, caught_up: Option<tokio::sync::Mutex<Instant>>) -> Result<Self, AccessError> {
        let inner = Inner {
            store,
            passwords: Passwords::new()?,
            links: Links::new(secret),
            attempts: Mutex::default(),
            setup: Mutex::default(),
            caught_up,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Takes in what other nodes change, for ever; ends at once where there are none.
    pub async fn follow(self) {
        let mut was_well = true;
        while self.inner.caught_up.is_some() {
            tokio::time::sleep(CATCH_UP_EVERY).await;
            let is_well = self.catch_up().await;
            if was_well && !is_well {
                tracing::warn!("this node goes on with the accounts it knows");
            }
            was_well = is_well;
        }
    }

    /// Takes in what other nodes have changed by now. Many who ask at once ask once. False if it cannot be known.
    async fn catch_up(&self) -> bool {
        let Some(caught_up) = &self.inner.caught_up else { return true };
        let asked = Instant::now();
        let mut last = caught_up.lock().await;
        if *last >= asked {
            return true;
        }
        *last = Instant::now();
        let done = self.blocking(|inner| inner.store.catch_up()).await;
        if let Err(error) = &done {
            tracing::debug!(%error, "what other nodes changed is not known");
        }
        done.is_ok()
    }

    /// The key with which nodes of this installation sign what they send each other.
    pub fn cluster_key(&self) -> [u8; 32] {
        self.links().cluster_key()
    }

    /// The links of phones, and the references of visitors.
    pub fn links(&self) -> &Links {
        &self.inner.links
    }

    // ---- set-up -------------------------------------------------------------------------------------------------

    /// Whether there is no account yet, so that nobody could log in.
    pub fn needs_setup(&self) -> bool {
        self.inner.store.directory().is_empty()
    }

    /// A token that lets its bearer make the first account, once; none when there is an account already. An
    /// earlier offer is void.
    pub fn offer_setup(&self) -> Result<Option<Token>, AccessError> {
        if !self.needs_setup() {
            return Ok(None);
        }
        // Any node's link works at any of them: whoever follows it comes to one of them by chance.
        let token = if self.inner.caught_up.is_some() { self.links().setup_token() } else { Token::random()? };
        *lock(&self.inner.setup) = Some(token.digest());
        Ok(Some(token))
    }

    /// Makes the first account, an administrator everywhere, and uses the token up.
    pub async fn set_up(&self, token: &str, user: &str, password: &str, now: Timestamp) -> Result<(), AccessError> {
        let offered = Token::digest_of(token).ok_or(AccessError::SetupTokenInvalid)?;
        if *lock(&self.inner.setup) != Some(offered) {
            return Err(AccessError::SetupTokenInvalid);
        }
        let user = UserName::parse(user)?;
        let password: Arc<str> = self.inner.passwords.hash(password).await?.into();
        self.blocking(move |inner| inner.store.add_first(&user, &password, now)).await?;
        *lock(&self.inner.setup) = None;
        Ok(())
    }

    // ---- logins -------------------------------------------------------------------------------------------------

    /// Lets a member of staff in. The answer is the same, and takes as long, whether the name or the password
    /// was wrong.
    pub async fn login(&self, user: &str, password: &str, now: Timestamp) -> Result<(Token, Login), AccessError> {
        let user = UserName::parse(user).map_err(|_| AccessError::LoginFailed)?;
        let known = self.prove(&user, password, now).await?.ok_or(AccessError::LoginFailed)?;
        let token = Token::random()?;
        let digest = token.digest();
        let login = self.blocking(move |inner| inner.store.add_login(digest, &user, Some(&known), now)).await?;
        Ok((token, login))
    }

    /// Somebody beside the asker gives their word: who they are, and what. It makes no login, and is watched like
    /// one: each try counts against the name.
    pub async fn vouch(&self, user: &str, password: &str, now: Timestamp) -> Result<Principal, AccessError> {
        let user = UserName::parse(user).map_err(|_| AccessError::ApproverRefused)?;
        self.prove(&user, password, now).await?.ok_or(AccessError::ApproverRefused)?;
        let account = self.list_accounts().into_iter().find(|account| account.user == user);
        let account = account.ok_or(AccessError::ApproverRefused)?;
        Ok(Principal::Staff { user: account.user, roles: account.roles })
    }

    /// The stored password of an account, if this is it. An unknown name takes as long.
    async fn prove(&self, user: &UserName, password: &str, now: Timestamp) -> Result<Option<Arc<str>>, AccessError> {
        lock(&self.inner.attempts).begin(user, now)?;
        self.catch_up().await;
        let known = self.inner.store.directory().password(user);
        if !self.inner.passwords.verify(known.clone(), password).await? {
            return Ok(None);
        }
        lock(&self.inner.attempts).succeeded(user);
        Ok(known)
    }

    /// Ends a login. One that is over, or never was, is over as well.
    pub async fn logout(&self, token: &str) -> Result<(), AccessError> {
        let Some(digest) = Token::digest_of(token) else { return Ok(()) };
        self.blocking(move |inner| inner.store.delete_login(digest)).await
    }

    /// Whose token it is, a login's or a device's. Using a login keeps it alive for another [`LOGIN_LIFE`].
    pub async fn authenticate(&self, token: &str, now: Timestamp) -> Option<Principal> {
        let digest = Token::digest_of(token)?;
        // A statement of its own: the lock must be free again before anything waits.
        let mut found = self.inner.store.directory().principal(digest, now);
        if found.is_none() && self.inner.caught_up.is_some() {
            // Given out by another node a moment ago, perhaps.
            self.catch_up().await;
            found = self.inner.store.directory().principal(digest, now);
        }
        let (principal, expires_at) = found?;
        if expires_at.is_some_and(|at| at.since(now) < Millis(LOGIN_LIFE.0 - RENEWAL_STEP.0)) {
            let renewed = self.blocking(move |inner| inner.store.renew(digest, now + LOGIN_LIFE)).await;
            if let Err(error) = renewed {
                // The login is good until its earlier end; the next request tries again.
                tracing::warn!(%error, "a login could not be renewed");
            }
        }
        Some(principal)
    }

    /// The login of this token, if it is one and lasts.
    pub fn login_of(&self, token: &str, now: Timestamp) -> Option<Login> {
        self.inner.store.directory().login(Token::digest_of(token)?, now)
    }

    // ---- accounts -----------------------------------------------------------------------------------------------

    /// Makes or changes an account. A new password ends the account's logins; without one the present password
    /// stays. Changed roles are in force at the next request.
    pub async fn put_account(
        &self,
        user: &str,
        password: Option<&str>,
        roles: Roles,
        now: Timestamp,
    ) -> Result<Put, AccessError> {
        let user = UserName::parse(user)?;
        let password = match password {
            Some(password) => Some(self.inner.passwords.hash(password).await?.into()),
            None => None,
        };
        self.blocking(move |inner| inner.store.put_account(&user, password.as_ref(), &roles, now)).await
    }

    /// All accounts, by name.
    pub fn list_accounts(&self) -> Vec<Account> {
        self.inner.store.directory().accounts()
    }

    /// Deletes an account and ends its logins. The last administrator of everything stays.
    pub async fn delete_account(&self, user: &str) -> Result<(), AccessError> {
        let user = UserName::parse(user).map_err(|_| AccessError::UserUnknown)?;
        self.blocking(move |inner| inner.store.delete_account(&user)).await
    }

    // ---- devices ------------------------------------------------------------------------------------------------

    /// Lets a screen or a kiosk in. Its token is told here, and never again.
    pub async fn create_device(
        &self,
        venue: &VenueId,
        name: &str,
        kind: DeviceKind,
        now: Timestamp,
    ) -> Result<(Token, Device), AccessError> {
        let device = Device { venue: venue.clone(), name: DeviceName::parse(name)?, kind, created_at: now };
        let token = Token::random()?;
        let digest = token.digest();
        let device = self.blocking(move |inner| inner.store.add_device(digest, &device)).await?;
        Ok((token, device))
    }

    /// The devices of a venue, by name.
    pub fn list_devices(&self, venue: &VenueId) -> Vec<Device> {
        self.inner.store.directory().devices(venue)
    }

    /// Shuts a device out.
    pub async fn delete_device(&self, venue: &VenueId, name: &str) -> Result<(), AccessError> {
        let name = DeviceName::parse(name).map_err(|_| AccessError::DeviceUnknown)?;
        let venue = venue.clone();
        self.blocking(move |inner| inner.store.delete_device(&venue, &name)).await
    }

    /// Does what waits for the disk where waiting harms nobody.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, AccessError> + Send + 'static,
    ) -> Result<T, AccessError> {
        let inner = Arc::clone(&self.inner);
        tokio::task::spawn_blocking(move || work(&inner)).await.map_err(|_| Failure::Panicked)?
    }
}

/// Whoever panicked with the lock left the value whole: each change of it is a single statement.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
