//! The accounts file: what is known of accounts, logins and devices, on the disk.
//!
//! The only place with SQL for it. Every change is committed and synced, then made in the [`Directory`], then
//! answered; one change at a time. Secrets are kept as hashes: whoever copies the file can log in as nobody.
//! All of it blocks.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use callnext_engine::{Timestamp, VenueId};
use rusqlite::{Connection, Row, Transaction, params};

use super::account::{Account, Device, DeviceName, Put, Roles, Scope, UserName};
use super::directory::{Directory, KeptLogin, Known};
use super::error::{AccessError, Failure};
use super::role::{DeviceKind, Role};
use super::token::Digest;
use super::{LOGIN_LIFE, Login, lock};
use crate::database::Database;

/// Most accounts: more than a hospital group has staff at counters, and still small in memory.
pub(super) const ACCOUNTS_MAX: usize = 10_000;

/// Most logins of one account at a time; beyond it, the one that would end first ends. A shared desk account has
/// many, a script that never logs out must not have thousands.
pub(super) const LOGINS_PER_ACCOUNT_MAX: usize = 32;

/// Most devices of one venue.
pub(super) const DEVICES_PER_VENUE_MAX: usize = 1_000;

/// The accounts file. Its id reads `CNac`.
const FILE: Database = Database {
    name: "accounts file",
    application_id: 0x434e_6163,
    format: 1,
    schema: "
        CREATE TABLE accounts (
            name_key TEXT NOT NULL PRIMARY KEY, -- lower case
            name TEXT NOT NULL,
            password TEXT NOT NULL, -- argon2id, PHC form
            created_at INTEGER NOT NULL -- milliseconds since 1970 UTC, as all times here
        ) STRICT;
        CREATE TABLE roles (
            account TEXT NOT NULL REFERENCES accounts ON DELETE CASCADE,
            venue TEXT NOT NULL, -- or *
            role TEXT NOT NULL,
            PRIMARY KEY (account, venue)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE logins (
            token BLOB NOT NULL PRIMARY KEY, -- SHA-256
            account TEXT NOT NULL REFERENCES accounts ON DELETE CASCADE,
            expires_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX logins_of ON logins (account);
        CREATE TABLE devices (
            venue TEXT NOT NULL,
            name TEXT NOT NULL,
            kind TEXT NOT NULL,
            token BLOB NOT NULL UNIQUE, -- SHA-256
            created_at INTEGER NOT NULL,
            PRIMARY KEY (venue, name)
        ) STRICT, WITHOUT ROWID;
    ",
};

/// The file and its mirror.
#[derive(Debug)]
pub(super) struct Store {
    /// Held for the whole of a change, so that changes come one after another. Taken before the directory's lock.
    file: Mutex<Connection>,
    directory: RwLock<Directory>,
}

impl Store {
    /// Opens the file, makes it when it is missing, and reads all of it.
    pub(super) fn open(path: &Path) -> Result<Self, AccessError> {
        let file = FILE.open(path).map_err(Failure::Database)?;
        let directory = load(&file)?;
        Ok(Self { file: Mutex::new(file), directory: RwLock::new(directory) })
    }

    /// What is known. Never held while anything waits.
    pub(super) fn directory(&self) -> RwLockReadGuard<'_, Directory> {
        self.directory.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn directory_mut(&self) -> RwLockWriteGuard<'_, Directory> {
        self.directory.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes to the file, all or nothing, and then to the directory what `write` says follows from it.
    fn change<T, A: FnOnce(&mut Directory) -> T>(
        &self,
        write: impl FnOnce(&Transaction<'_>, &Directory) -> Result<A, AccessError>,
    ) -> Result<T, AccessError> {
        let mut file = lock(&self.file);
        let transaction = file.transaction()?;
        let apply = write(&transaction, &self.directory())?;
        transaction.commit()?;
        Ok(apply(&mut self.directory_mut()))
    }

    /// Lets a change fail at once while another program holds the file.
    #[cfg(test)]
    pub(super) fn give_up_at_once(&self) {
        lock(&self.file).busy_timeout(std::time::Duration::ZERO).unwrap();
    }

    // ---- accounts -----------------------------------------------------------------------------------------------

    /// Makes the first account, an administrator of everything; refuses when it is not the first.
    pub(super) fn add_first(&self, user: &UserName, password: String, now: Timestamp) -> Result<(), AccessError> {
        self.change(|file, directory| {
            if !directory.is_empty() {
                return Err(AccessError::SetupTokenInvalid);
            }
            let account = Account { user: user.clone(), roles: Roles::administrator(), created_at: now };
            let known = Known { account, password: password.into() };
            write_account(file, &known)?;
            Ok(|directory: &mut Directory| directory.put_account(known))
        })
    }

    pub(super) fn put_account(
        &self,
        user: &UserName,
        password: Option<String>,
        roles: Roles,
        now: Timestamp,
    ) -> Result<Put, AccessError> {
        self.change(|file, directory| {
            let before = directory.account(user);
            if before.is_none() && directory.account_count() >= ACCOUNTS_MAX {
                return Err(AccessError::AccountLimitReached { limit: ACCOUNTS_MAX });
            }
            let administers = roles.may_everywhere(super::Permission::ManageAccounts);
            if !administers && directory.is_last_administrator(user) {
                return Err(AccessError::LastAdministrator);
            }
            let ends_logins = password.is_some();
            let password = match (password, before) {
                (Some(new), _) => new.into(),
                (None, Some(before)) => Arc::clone(&before.password),
                (None, None) => return Err(AccessError::PasswordMissing),
            };
            let (user, created_at) =
                before.map_or((user.clone(), now), |b| (b.account.user.clone(), b.account.created_at));
            let put = if before.is_some() { Put::Changed } else { Put::Created };
            let known = Known { account: Account { user, roles, created_at }, password };
            write_account(file, &known)?;
            if ends_logins {
                file.execute("DELETE FROM logins WHERE account = ?1", [known.account.user.key()])?;
            }
            Ok(move |directory: &mut Directory| {
                if ends_logins {
                    directory.remove_logins_of(&known.account.user);
                }
                directory.put_account(known);
                put
            })
        })
    }

    pub(super) fn delete_account(&self, user: &UserName) -> Result<(), AccessError> {
        self.change(|file, directory| {
            if directory.account(user).is_none() {
                return Err(AccessError::UserUnknown);
            }
            if directory.is_last_administrator(user) {
                return Err(AccessError::LastAdministrator);
            }
            file.execute("DELETE FROM accounts WHERE name_key = ?1", [user.key()])?;
            Ok(|directory: &mut Directory| directory.remove_account(user))
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
        self.change(|file, directory| {
            let known = directory.account(user).filter(|known| Some(known.password.as_ref()) == password);
            let Account { user, roles, .. } = known.ok_or(AccessError::LoginFailed)?.account.clone();
            file.execute("DELETE FROM logins WHERE expires_at <= ?1", [now.0])?;
            let present: Vec<Digest> =
                directory.logins_of(&user).into_iter().filter(|login| directory.login(*login, now).is_some()).collect();
            let too_many = (present.len() + 1).saturating_sub(LOGINS_PER_ACCOUNT_MAX);
            let ended: Vec<Digest> = present.into_iter().take(too_many).collect();
            for login in &ended {
                file.execute("DELETE FROM logins WHERE token = ?1", [login.0])?;
            }
            let expires_at = now + LOGIN_LIFE;
            file.execute(
                "INSERT INTO logins (token, account, expires_at) VALUES (?1, ?2, ?3)",
                params![token.0, user.key(), expires_at.0],
            )?;
            Ok(move |directory: &mut Directory| {
                directory.remove_logins_over(now);
                for login in ended {
                    directory.remove_login(login);
                }
                directory.put_login(token, KeptLogin { user: user.clone(), expires_at });
                Login { user, roles, expires_at }
            })
        })
    }

    pub(super) fn renew(&self, token: Digest, expires_at: Timestamp) -> Result<(), AccessError> {
        self.change(|file, _| {
            file.execute(
                "UPDATE logins SET expires_at = max(expires_at, ?2) WHERE token = ?1",
                params![token.0, expires_at.0],
            )?;
            Ok(|directory: &mut Directory| directory.renew(token, expires_at))
        })
    }

    pub(super) fn delete_login(&self, token: Digest) -> Result<(), AccessError> {
        self.change(|file, _| {
            file.execute("DELETE FROM logins WHERE token = ?1", [token.0])?;
            Ok(|directory: &mut Directory| directory.remove_login(token))
        })
    }

    // ---- devices ------------------------------------------------------------------------------------------------

    pub(super) fn add_device(&self, token: Digest, device: Device) -> Result<Device, AccessError> {
        self.change(|file, directory| {
            if directory.has_device(&device.venue, &device.name) {
                return Err(AccessError::DeviceExists);
            }
            if directory.devices(&device.venue).len() >= DEVICES_PER_VENUE_MAX {
                return Err(AccessError::DeviceLimitReached { limit: DEVICES_PER_VENUE_MAX });
            }
            let Device { venue, name, kind, created_at } = &device;
            file.execute(
                "INSERT INTO devices (venue, name, kind, token, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![venue.as_str(), name.as_str(), kind.name(), token.0, created_at.0],
            )?;
            Ok(move |directory: &mut Directory| {
                directory.put_device(token, device.clone());
                device
            })
        })
    }

    pub(super) fn delete_device(&self, venue: &VenueId, name: &DeviceName) -> Result<(), AccessError> {
        self.change(|file, directory| {
            if !directory.has_device(venue, name) {
                return Err(AccessError::DeviceUnknown);
            }
            file.execute("DELETE FROM devices WHERE venue = ?1 AND name = ?2", [venue.as_str(), name.as_str()])?;
            Ok(|directory: &mut Directory| directory.remove_device(venue, name))
        })
    }
}

/// Writes an account as it is to be, roles and all.
fn write_account(file: &Transaction<'_>, known: &Known) -> rusqlite::Result<()> {
    let Known { account: Account { user, roles, created_at }, password } = known;
    file.execute(
        "INSERT INTO accounts (name_key, name, password, created_at) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (name_key) DO UPDATE SET password = excluded.password",
        params![user.key(), user.as_str(), password.as_ref(), created_at.0],
    )?;
    file.execute("DELETE FROM roles WHERE account = ?1", [user.key()])?;
    for (scope, role) in roles.iter() {
        file.execute(
            "INSERT INTO roles (account, venue, role) VALUES (?1, ?2, ?3)",
            [user.key(), scope.as_str(), role.name()],
        )?;
    }
    Ok(())
}

/// Reads the whole file.
fn load(file: &Connection) -> Result<Directory, AccessError> {
    let mut directory = Directory::default();
    let accounts = rows(file, "SELECT name, password, created_at FROM accounts", |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, Timestamp(row.get(2)?)))
    })?;
    for (name, password, created_at) in accounts {
        let user = UserName::parse(&name).map_err(|_| damaged("accounts"))?;
        let roles = load_roles(file, &user)?;
        let account = Account { user, roles, created_at };
        directory.put_account(Known { account, password: password.into() });
    }
    let logins = rows(file, "SELECT token, account, expires_at FROM logins", |row| {
        Ok((Digest(row.get(0)?), row.get::<_, String>(1)?, Timestamp(row.get(2)?)))
    })?;
    for (token, account, expires_at) in logins {
        let user = UserName::parse(&account).map_err(|_| damaged("logins"))?;
        directory.put_login(token, KeptLogin { user, expires_at });
    }
    let devices = rows(file, "SELECT token, venue, name, kind, created_at FROM devices", |row| {
        let words: [String; 3] = [row.get(1)?, row.get(2)?, row.get(3)?];
        Ok((Digest(row.get(0)?), words, Timestamp(row.get(4)?)))
    })?;
    for (token, [venue, name, kind], created_at) in devices {
        let read = || {
            let (venue, name) = (VenueId::parse(&venue).ok()?, DeviceName::parse(&name).ok()?);
            Some(Device { venue, name, kind: DeviceKind::named(&kind)?, created_at })
        };
        directory.put_device(token, read().ok_or_else(|| damaged("devices"))?);
    }
    Ok(directory)
}

fn load_roles(file: &Connection, user: &UserName) -> Result<Roles, AccessError> {
    let mut query = file.prepare_cached("SELECT venue, role FROM roles WHERE account = ?1")?;
    let rows = query.query_map([user.key()], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    let mut roles = Vec::new();
    for row in rows {
        let (scope, role) = row?;
        let read = Scope::parse(&scope).ok().zip(Role::named(&role));
        roles.push(read.ok_or_else(|| damaged("roles"))?);
    }
    Ok(roles.into_iter().collect())
}

fn rows<T>(
    file: &Connection,
    query: &str,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, AccessError> {
    let mut query = file.prepare(query)?;
    let rows = query.query_map((), read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn damaged(table: &'static str) -> AccessError {
    Failure::Damaged { table }.into()
}
