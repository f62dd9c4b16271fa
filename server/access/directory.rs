//! What is known of accounts, logins and devices, in memory: every request asks here, none asks the disk.
//!
//! A mirror of what is kept, changed only by the store, and only after that was. It is small: bounded by
//! the limits of the store.

use std::collections::BTreeMap;
use std::sync::Arc;

use callnext_engine::{Timestamp, VenueId};

use super::account::{Account, Device, DeviceName, Login, Roles, UserName};
use super::edit::Edit;
use super::principal::Principal;
use super::role::Permission;
use super::token::Digest;

/// An account with the hash of its password.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub account: Account,
    pub password: Arc<str>,
}

/// A login as it is kept.
#[derive(Debug, Clone)]
pub(super) struct KeptLogin {
    pub user: UserName,
    pub expires_at: Timestamp,
}

/// The mirror.
#[derive(Debug, Default)]
pub(super) struct Directory {
    accounts: BTreeMap<UserName, Known>,
    logins: BTreeMap<Digest, KeptLogin>,
    devices: BTreeMap<(VenueId, DeviceName), Device>,
    device_tokens: BTreeMap<Digest, (VenueId, DeviceName)>,
}

impl Directory {
    // ---- questions ----------------------------------------------------------------------------------------------

    /// Whether there is no account.
    pub(super) fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }

    /// The hash of an account's password.
    pub(super) fn password(&self, user: &UserName) -> Option<Arc<str>> {
        self.accounts.get(user).map(|known| Arc::clone(&known.password))
    }

    /// Whose token it is; for a login, also when it ends.
    pub(super) fn principal(&self, token: Digest, now: Timestamp) -> Option<(Principal, Option<Timestamp>)> {
        if let Some(Login { user, roles, expires_at }) = self.login(token, now) {
            return Some((Principal::Staff { user, roles }, Some(expires_at)));
        }
        let Device { venue, name, kind, .. } = self.devices.get(self.device_tokens.get(&token)?)?.clone();
        Some((Principal::Device { name, kind, venue }, None))
    }

    /// The login of this token, while it lasts.
    pub(super) fn login(&self, token: Digest, now: Timestamp) -> Option<Login> {
        let login = self.logins.get(&token).filter(|login| login.expires_at > now)?;
        let Account { user, roles, .. } = self.accounts.get(&login.user)?.account.clone();
        Some(Login { user, roles, expires_at: login.expires_at })
    }

    /// A login as it is kept, whether it lasts or not.
    pub(super) fn kept_login(&self, token: Digest) -> Option<&KeptLogin> {
        self.logins.get(&token)
    }

    /// The logins that are over.
    pub(super) fn logins_over(&self, now: Timestamp) -> Vec<Digest> {
        self.logins.iter().filter(|(_, login)| login.expires_at <= now).map(|(token, _)| *token).collect()
    }

    /// All accounts, by name.
    pub(super) fn accounts(&self) -> Vec<Account> {
        self.accounts.values().map(|known| known.account.clone()).collect()
    }

    /// One account.
    pub(super) fn account(&self, user: &UserName) -> Option<&Known> {
        self.accounts.get(user)
    }

    /// How many accounts there are.
    pub(super) fn account_count(&self) -> usize {
        self.accounts.len()
    }

    /// Whether nobody but this account could manage accounts.
    pub(super) fn is_last_administrator(&self, user: &UserName) -> bool {
        let administers = |roles: &Roles| roles.may_everywhere(Permission::ManageAccounts);
        self.accounts.get(user).is_some_and(|known| administers(&known.account.roles))
            && !self.accounts.values().any(|other| other.account.user != *user && administers(&other.account.roles))
    }

    /// The logins of an account, the one that ends first before the others.
    pub(super) fn logins_of(&self, user: &UserName) -> Vec<Digest> {
        let mut logins: Vec<_> = self.logins.iter().filter(|(_, login)| login.user == *user).collect();
        logins.sort_by_key(|(_, login)| login.expires_at);
        logins.into_iter().map(|(token, _)| *token).collect()
    }

    /// The devices of a venue, by name.
    pub(super) fn devices(&self, venue: &VenueId) -> Vec<Device> {
        self.devices.values().filter(|device| device.venue == *venue).cloned().collect()
    }

    /// Whether the venue has a device of this name.
    pub(super) fn has_device(&self, venue: &VenueId, name: &DeviceName) -> bool {
        self.devices.contains_key(&(venue.clone(), name.clone()))
    }

    // ---- changes ------------------------------------------------------------------------------------------------

    /// Makes these known.
    pub(super) fn make(&mut self, edits: impl IntoIterator<Item = Edit>) {
        for edit in edits {
            match edit {
                Edit::PutAccount(known) => drop(self.accounts.insert(known.account.user.clone(), known)),
                Edit::RemoveAccount(user) => {
                    self.accounts.remove(&user);
                    self.logins.retain(|_, login| login.user != user);
                }
                Edit::PutLogin(token, login) => drop(self.logins.insert(token, login)),
                Edit::RemoveLogin(token) => drop(self.logins.remove(&token)),
                Edit::PutDevice(token, device) => {
                    let name = (device.venue.clone(), device.name.clone());
                    self.devices.insert(name.clone(), device);
                    self.device_tokens.insert(token, name);
                }
                Edit::RemoveDevice(venue, name) => {
                    let name = (venue, name);
                    self.devices.remove(&name);
                    self.device_tokens.retain(|_, of| *of != name);
                }
            }
        }
    }

    /// Everything that is known, as it would be made known to somebody who knows nothing.
    pub(super) fn all(&self) -> Vec<Edit> {
        let accounts = self.accounts.values().cloned().map(Edit::PutAccount);
        let logins = self.logins.iter().map(|(token, login)| Edit::PutLogin(*token, login.clone()));
        let devices = self.device_tokens.iter().filter_map(|(token, name)| {
            let device = self.devices.get(name)?.clone();
            Some(Edit::PutDevice(*token, device))
        });
        accounts.chain(logins).chain(devices).collect()
    }
}

impl FromIterator<Edit> for Directory {
    fn from_iter<T: IntoIterator<Item = Edit>>(edits: T) -> Self {
        let mut directory = Self::default();
        directory.make(edits);
        directory
    }
}
