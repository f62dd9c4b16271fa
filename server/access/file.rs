//! The accounts file: what one server knows of accounts, logins and devices, on its disk.
//!
//! The only place with SQL for it. Secrets are kept as hashes: whoever copies the file can log in as nobody. All of
//! it blocks.

use std::path::Path;

use callnext_engine::{Timestamp, VenueId};
use rusqlite::{Connection, Row, Transaction, params};

use super::account::{Account, Device, DeviceName, Roles, Scope, UserName};
use super::directory::{KeptLogin, Known};
use super::edit::Edit;
use super::error::{AccessError, Failure};
use super::role::{DeviceKind, Role};
use super::token::Digest;
use crate::database::Database;

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

/// The file.
#[derive(Debug)]
pub(super) struct AccountsFile(Connection);

impl AccountsFile {
    /// Opens the file, makes it when it is missing, and reads all of it.
    pub(super) fn open(path: &Path) -> Result<(Self, Vec<Edit>), AccessError> {
        let file = FILE.open(path).map_err(Failure::Database)?;
        let known = load(&file)?;
        Ok((Self(file), known))
    }

    /// Writes all of these, or none: they are on the disk when this ends well.
    pub(super) fn write(&mut self, edits: &[Edit]) -> Result<(), AccessError> {
        let transaction = self.0.transaction()?;
        edits.iter().try_for_each(|edit| write(&transaction, edit))?;
        Ok(transaction.commit()?)
    }

    /// Lets a change fail at once while another program holds the file.
    #[cfg(test)]
    pub(super) fn give_up_at_once(&self) {
        self.0.busy_timeout(std::time::Duration::ZERO).unwrap();
    }
}

fn write(file: &Transaction<'_>, edit: &Edit) -> rusqlite::Result<()> {
    match edit {
        Edit::PutAccount(known) => write_account(file, known),
        Edit::RemoveAccount(user) => run(file, "DELETE FROM accounts WHERE name_key = ?1", [user.key()]),
        Edit::PutLogin(token, KeptLogin { user, expires_at }) => run(
            file,
            "INSERT INTO logins (token, account, expires_at) VALUES (?1, ?2, ?3)
                ON CONFLICT (token) DO UPDATE SET expires_at = excluded.expires_at",
            params![token.0, user.key(), expires_at.0],
        ),
        Edit::RemoveLogin(token) => run(file, "DELETE FROM logins WHERE token = ?1", [token.0]),
        Edit::PutDevice(token, Device { venue, name, kind, created_at }) => run(
            file,
            "INSERT INTO devices (venue, name, kind, token, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![venue.as_str(), name.as_str(), kind.name(), token.0, created_at.0],
        ),
        Edit::RemoveDevice(venue, name) => {
            run(file, "DELETE FROM devices WHERE venue = ?1 AND name = ?2", [venue.as_str(), name.as_str()])
        }
    }
}

fn run(file: &Transaction<'_>, statement: &str, values: impl rusqlite::Params) -> rusqlite::Result<()> {
    file.execute(statement, values).map(drop)
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
fn load(file: &Connection) -> Result<Vec<Edit>, AccessError> {
    let mut known = Vec::new();
    let accounts = rows(file, "SELECT name, password, created_at FROM accounts", |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, Timestamp(row.get(2)?)))
    })?;
    for (name, password, created_at) in accounts {
        let user = UserName::parse(&name).map_err(|_| damaged("accounts"))?;
        let roles = load_roles(file, &user)?;
        let account = Account { user, roles, created_at };
        known.push(Edit::PutAccount(Known { account, password: password.into() }));
    }
    let logins = rows(file, "SELECT token, account, expires_at FROM logins", |row| {
        Ok((Digest(row.get(0)?), row.get::<_, String>(1)?, Timestamp(row.get(2)?)))
    })?;
    for (token, account, expires_at) in logins {
        let user = UserName::parse(&account).map_err(|_| damaged("logins"))?;
        known.push(Edit::PutLogin(token, KeptLogin { user, expires_at }));
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
        known.push(Edit::PutDevice(token, read().ok_or_else(|| damaged("devices"))?));
    }
    Ok(known)
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
