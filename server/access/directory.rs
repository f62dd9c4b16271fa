//! What is known of accounts, logins and devices, in memory: every request asks here, none asks the disk.
//!
//! A mirror of the accounts file, changed only by the store, and only after the file was. It is small: bounded by
//! the limits of the store.

use std::collections::BTreeMap;
use std::sync::Arc;

use callnext_engine::{Timestamp, VenueId};

use super::account::{Account, Device, DeviceName, Login, Roles, UserName};
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

    pub(super) fn put_account(&mut self, known: Known) {
        self.accounts.insert(known.account.user.clone(), known);
    }

    pub(super) fn remove_account(&mut self, user: &UserName) {
        self.accounts.remove(user);
        self.remove_logins_of(user);
    }

    pub(super) fn put_login(&mut self, token: Digest, login: KeptLogin) {
        self.logins.insert(token, login);
    }

    /// Lets a login last until then, if it is still there.
    pub(super) fn renew(&mut self, token: Digest, expires_at: Timestamp) {
        if let Some(login) = self.logins.get_mut(&token) {
            login.expires_at = login.expires_at.max(expires_at);
        }
    }

    pub(super) fn remove_login(&mut self, token: Digest) {
        self.logins.remove(&token);
    }

    pub(super) fn remove_logins_of(&mut self, user: &UserName) {
        self.logins.retain(|_, login| login.user != *user);
    }

    pub(super) fn remove_logins_over(&mut self, now: Timestamp) {
        self.logins.retain(|_, login| login.expires_at > now);
    }

    pub(super) fn put_device(&mut self, token: Digest, device: Device) {
        let name = (device.venue.clone(), device.name.clone());
        self.devices.insert(name.clone(), device);
        self.device_tokens.insert(token, name);
    }

    pub(super) fn remove_device(&mut self, venue: &VenueId, name: &DeviceName) {
        let name = (venue.clone(), name.clone());
        self.devices.remove(&name);
        self.device_tokens.retain(|_, of| *of != name);
    }
}
