//! What is known of accounts, logins and devices, and how it changes.
//!
//! Every change is judged against the [`Directory`], kept, then made in the directory, then answered; one change at
//! a time. It is kept in a file of this server's own, or where all nodes of an installation read it: then a change
//! that was judged while another node made one is judged again. All of it blocks.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use callnext_engine::{Timestamp, VenueId};

use super::account::{Account, Device, DeviceName, Put, Roles, UserName};
use super::directory::{Directory, KeptLogin, Known};
use super::edit::Edit;
use super::error::{AccessError, Failure};
use super::file::AccountsFile;
use super::shared::{Shared, SharedAccounts, Standing};
use super::token::Digest;
use super::{LOGIN_LIFE, Login, Permission, lock};

/// Most accounts: more than a hospital group has staff at counters, and still small in memory.
pub(super) const ACCOUNTS_MAX: usize = 10_000;

/// Most logins of one account at a time; beyond it, the one that would end first ends. A shared desk account has
/// many, a script that never logs out must not have thousands.
pub(super) const LOGINS_PER_ACCOUNT_MAX: usize = 32;

/// Most devices of one venue.
pub(super) const DEVICES_PER_VENUE_MAX: usize = 1_000;

/// How often a change is judged again because another node was quicker. Each time that one got on.
const TRIES_MAX: usize = 32;

/// What is known, and where it is kept.
#[derive(Debug)]
pub(super) struct Store {
    /// Held for the whole of a change, so that changes come one after another. Taken before the directory's lock.
    kept: Mutex<Kept>,
    directory: RwLock<Directory>,
}

/// Where it is kept.
#[derive(Debug)]
enum Kept {
    File(AccountsFile),
    Shared(Shared),
}

impl Store {
    /// What one server knows, in a file of its own.
    pub(super) fn open(path: &Path) -> Result<Self, AccessError> {
        let (file, known) = AccountsFile::open(path)?;
        Ok(Self { kept: Mutex::new(Kept::File(file)), directory: RwLock::new(known.into_iter().collect()) })
    }

    /// What all nodes know. Where nothing is known yet, they begin with what the file of one of them holds.
    pub(super) fn share(keeper: Arc<dyn SharedAccounts>, file: &Path) -> Result<Self, AccessError> {
        let (mut shared, mut known) = Shared::open(keeper)?;
        if known.is_empty() && file.exists() {
            let (_, own) = AccountsFile::open(file)?;
            if !own.is_empty() {
                shared.fill(&own)?;
                known = shared.reload()?;
            }
        }
        Ok(Self { kept: Mutex::new(Kept::Shared(shared)), directory: RwLock::new(known.into_iter().collect()) })
    }

    /// What is known. Never held while anything waits.
    pub(super) fn directory(&self) -> RwLockReadGuard<'_, Directory> {
        self.directory.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn directory_mut(&self) -> RwLockWriteGuard<'_, Directory> {
        self.directory.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has what `judge` says kept, all or nothing, and then makes it known.
    fn change<T>(&self, judge: impl Fn(&Directory) -> Result<(Vec<Edit>, T), AccessError>) -> Result<T, AccessError> {
        let mut kept = lock(&self.kept);
        for _ in 0..TRIES_MAX {
            self.take_in(&mut kept)?;
            let (edits, answer) = judge(&self.directory())?;
            let is_kept = edits.is_empty()
                || match &mut *kept {
                    Kept::File(file) => {
                        file.write(&edits)?;
                        true
                    }
                    Kept::Shared(shared) => shared.write(&edits)?,
                };
            if is_kept {
                self.directory_mut().make(edits);
                return Ok(answer);
            }
        }
        Err(Failure::Shared("the other nodes change accounts all the time".to_owned()).into())
    }

    /// Makes known here what other nodes have changed.
    pub(super) fn catch_up(&self) -> Result<(), AccessError> {
        self.take_in(&mut lock(&self.kept))
    }

    fn take_in(&self, kept: &mut Kept) -> Result<(), AccessError> {
        let Kept::Shared(shared) = kept else { return Ok(()) };
        match shared.standing()? {
            Standing::Same => return Ok(()),
            Standing::Behind => {}
            Standing::Lost => {
                let known = self.directory().all();
                shared.fill(&known)?;
            }
        }
        match shared.news()? {
            Some(edits) => self.directory_mut().make(edits),
            None => *self.directory_mut() = shared.reload()?.into_iter().collect(),
        }
        Ok(())
    }

    /// Lets a change fail at once while another program holds the file.
    #[cfg(test)]
    pub(super) fn give_up_at_once(&self) {
        if let Kept::File(file) = &*lock(&self.kept) {
            file.give_up_at_once();
        }
    }

    // ---- accounts -----------------------------------------------------------------------------------------------

    /// Makes the first account, an administrator of everything; refuses when it is not the first.
    pub(super) fn add_first(&self, user: &UserName, password: &Arc<str>, now: Timestamp) -> Result<(), AccessError> {
        self.change(|directory| {
            if !directory.is_empty() {
                return Err(AccessError::SetupTokenInvalid);
            }
            let account = Account { user: user.clone(), roles: Roles::administrator(), created_at: now };
            Ok((vec![Edit::PutAccount(Known { account, password: Arc::clone(password) })], ()))
        })
    }

    pub(super) fn put_account(
        &self,
        user: &UserName,
        password: Option<&Arc<str>>,
        roles: &Roles,
        now: Timestamp,
    ) -> Result<Put, AccessError> {
        self.change(|directory| {
            let before = directory.account(user);
            if before.is_none() && directory.account_count() >= ACCOUNTS_MAX {
                return Err(AccessError::AccountLimitReached { limit: ACCOUNTS_MAX });
            }
            let administers = roles.may_everywhere(Permission::ManageAccounts);
            if !administers && directory.is_last_administrator(user) {
                return Err(AccessError::LastAdministrator);
            }
            let ended = if password.is_some() { directory.logins_of(user) } else { Vec::new() };
            let password = match (password, before) {
                (Some(new), _) => Arc::clone(new),
                (None, Some(before)) => Arc::clone(&before.password),
                (None, None) => return Err(AccessError::PasswordMissing),
            };
            let (user, created_at) =
                before.map_or((user.clone(), now), |b| (b.account.user.clone(), b.account.created_at));
            let put = if before.is_some() { Put::Changed } else { Put::Created };
            let account = Account { user, roles: roles.clone(), created_at };
            let edits = ended.into_iter().map(Edit::RemoveLogin);
            Ok((edits.chain([Edit::PutAccount(Known { account, password })]).collect(), put))
        })
    }

    pub(super) fn delete_account(&self, user: &UserName) -> Result<(), AccessError> {
        self.change(|directory| {
            if directory.account(user).is_none() {
                return Err(AccessError::UserUnknown);
            }
            if directory.is_last_administrator(user) {
                return Err(AccessError::LastAdministrator);
            }
            let ended = directory.logins_of(user).into_iter().map(Edit::RemoveLogin);
            Ok((ended.chain([Edit::RemoveAccount(user.clone())]).collect(), ()))
        })
    }

    // ---- logins -------------------------------------------------------------------------------------------------

    /// Keeps a new login of an account whose password was just found right: it must still be the password.
    pub(super) fn add_login(
        &self,
        token: Digest,
        user: &UserName,
        password: Option<&str>,
        now: Timestamp,
    ) -> Result<Login, AccessError> {
        self.change(|directory| {
            let known = directory.account(user).filter(|known| Some(known.password.as_ref()) == password);
            let Account { user, roles, .. } = known.ok_or(AccessError::LoginFailed)?.account.clone();
            let present: Vec<Digest> =
                directory.logins_of(&user).into_iter().filter(|login| directory.login(*login, now).is_some()).collect();
            let too_many = (present.len() + 1).saturating_sub(LOGINS_PER_ACCOUNT_MAX);
            let ended = directory.logins_over(now).into_iter().chain(present.into_iter().take(too_many));
            let login = Login { user: user.clone(), roles, expires_at: now + LOGIN_LIFE };
            let new = Edit::PutLogin(token, KeptLogin { user, expires_at: login.expires_at });
            Ok((ended.map(Edit::RemoveLogin).chain([new]).collect(), login))
        })
    }

    /// Lets a login last until then, if it is still there.
    pub(super) fn renew(&self, token: Digest, expires_at: Timestamp) -> Result<(), AccessError> {
        self.change(|directory| {
            let longer = directory.kept_login(token).filter(|login| login.expires_at < expires_at);
            let renewed = longer.map(|login| Edit::PutLogin(token, KeptLogin { expires_at, ..login.clone() }));
            Ok((renewed.into_iter().collect(), ()))
        })
    }

    pub(super) fn delete_login(&self, token: Digest) -> Result<(), AccessError> {
        self.change(|_| Ok((vec![Edit::RemoveLogin(token)], ())))
    }

    // ---- devices ------------------------------------------------------------------------------------------------

    pub(super) fn add_device(&self, token: Digest, device: &Device) -> Result<Device, AccessError> {
        self.change(|directory| {
            if directory.has_device(&device.venue, &device.name) {
                return Err(AccessError::DeviceExists);
            }
            if directory.devices(&device.venue).len() >= DEVICES_PER_VENUE_MAX {
                return Err(AccessError::DeviceLimitReached { limit: DEVICES_PER_VENUE_MAX });
            }
            Ok((vec![Edit::PutDevice(token, device.clone())], device.clone()))
        })
    }

    pub(super) fn delete_device(&self, venue: &VenueId, name: &DeviceName) -> Result<(), AccessError> {
        self.change(|directory| {
            if !directory.has_device(venue, name) {
                return Err(AccessError::DeviceUnknown);
            }
            Ok((vec![Edit::RemoveDevice(venue.clone(), name.clone())], ()))
        })
    }
}
