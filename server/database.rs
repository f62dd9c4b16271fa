//! One SQLite file of ours: made, recognised, and opened the same way wherever one is kept.
//!
//! Apart from its users because each of them must get the same things right: a foreign file is refused before
//! it is touched, a file of a newer callnext is refused instead of guessed at, others on the machine cannot read
//! it, and what is committed is on the disk. It knows no table of anybody's.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

/// How long a statement waits for another process (a backup, somebody's `sqlite3`) before it gives up.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What a kind of file is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Database {
    /// What people call it, for errors: "journal".
    pub name: &'static str,
    /// Written into the file's header, so that no other file is taken for it.
    pub application_id: i32,
    /// The format that this program reads and writes. Counts up; never 0, which is a file just made.
    pub format: i32,
    /// Makes the tables in an empty file.
    pub schema: &'static str,
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// It belongs to some other program, or is no database at all.
    #[error("{} is not a callnext {name}: move it away, or choose another data directory", path.display())]
    Foreign {
        /// What was expected.
        name: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// A newer callnext wrote it.
    #[error(
        "{} has format {found}, and this callnext reads {readable}: start the newer version that wrote it",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i32,
        /// The format of this program.
        readable: i32,
    },
    /// It cannot be made or opened.
    #[error("{} cannot be opened: {cause}", path.display())]
    Unopened {
        /// The file.
        path: PathBuf,
        /// The operating system's word.
        cause: std::io::Error,
    },
    /// SQLite failed: disk full, damaged file, locked for too long.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}

impl Database {
    /// Opens the file for reading and writing; makes it when it is missing or empty.
    pub(crate) fn open(&self, path: &Path) -> Result<Connection, DatabaseError> {
        make_private(path).map_err(|cause| DatabaseError::Unopened { path: path.to_owned(), cause })?;
        let mut connection =
            Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        self.recognise(&mut connection, path)?;
        // After the file is known to be ours: the journal mode is written into it.
        connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        Ok(connection)
    }

    /// Opens a file that [`open`](Self::open) has recognised before, for reading alone.
    pub(crate) fn open_to_read(path: &Path) -> Result<Connection, DatabaseError> {
        let connection =
            Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        Ok(connection)
    }

    /// Makes the tables of an empty file, lets our own pass, and refuses everything else.
    fn recognise(&self, connection: &mut Connection, path: &Path) -> Result<(), DatabaseError> {
        let foreign = || DatabaseError::Foreign { name: self.name, path: path.to_owned() };
        // Immediate: of two processes that find an empty file, the second must see what the first made of it.
        let making = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate);
        let making = making.map_err(|error| if is_no_database(&error) { foreign() } else { error.into() })?;
        let application_id: i32 = making.pragma_query_value(None, "application_id", |row| row.get(0))?;
        let format: i32 = making.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if application_id == self.application_id {
            return match format {
                found if found > self.format => {
                    Err(DatabaseError::Newer { path: path.to_owned(), found, readable: self.format })
                }
                found if found == self.format => Ok(()),
                _ => Err(foreign()),
            };
        }
        let tables: i64 = making.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))?;
        if application_id != 0 || format != 0 || tables != 0 {
            return Err(foreign());
        }
        making.execute_batch(self.schema)?;
        making.pragma_update(None, "application_id", self.application_id)?;
        making.pragma_update(None, "user_version", self.format)?;
        making.commit()?;
        Ok(())
    }
}

fn is_no_database(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::NotADatabase)
}

/// Makes an empty file that only its owner may read. SQLite gives the files beside it the same mode.
fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: Database = Database {
        name: "sample",
        application_id: 0x0123_4567,
        format: 2,
        schema: "CREATE TABLE t(a INTEGER) STRICT;",
    };

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn a_missing_file_is_made_and_known_again() {
        let folder = folder();
        let path = folder.path().join("a.sqlite");
        SAMPLE.open(&path).unwrap().execute("INSERT INTO t VALUES (7)", ()).unwrap();
        let again = SAMPLE.open(&path).unwrap();
        assert_eq!(again.query_row("SELECT a FROM t", (), |row| row.get::<_, i64>(0)).unwrap(), 7);
        let reader = Database::open_to_read(&path).unwrap();
        assert!(reader.execute("INSERT INTO t VALUES (8)", ()).is_err(), "a reader cannot write");
    }

    #[test]
    fn what_is_committed_is_synced() {
        let folder = folder();
        let connection = SAMPLE.open(&folder.path().join("a.sqlite")).unwrap();
        let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        let synchronous: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap();
        assert_eq!((mode.as_str(), synchronous), ("wal", 2));
    }

    #[test]
    fn a_foreign_file_is_refused_and_left_as_it_was() {
        let folder = folder();
        let text = folder.path().join("notes.txt");
        std::fs::write(&text, "Not a database, but longer than the hundred bytes of a header. ".repeat(40)).unwrap();
        let database = folder.path().join("other.sqlite");
        Connection::open(&database).unwrap().execute_batch("CREATE TABLE theirs(a)").unwrap();
        let other_kind = folder.path().join("kind.sqlite");
        drop(Database { application_id: 99, ..SAMPLE }.open(&other_kind).unwrap());
        for path in [text, database, other_kind] {
            let before = std::fs::read(&path).unwrap();
            let refused = SAMPLE.open(&path).unwrap_err();
            assert!(matches!(refused, DatabaseError::Foreign { .. }), "{}: {refused}", path.display());
            assert_eq!(std::fs::read(&path).unwrap(), before, "{}", path.display());
        }
    }

    #[test]
    fn a_newer_format_is_refused_with_both_numbers() {
        let folder = folder();
        let path = folder.path().join("a.sqlite");
        drop(Database { format: 3, ..SAMPLE }.open(&path).unwrap());
        let refused = SAMPLE.open(&path).unwrap_err();
        assert!(matches!(refused, DatabaseError::Newer { found: 3, readable: 2, .. }), "{refused}");
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_on_the_machine_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = folder();
        let path = folder.path().join("a.sqlite");
        let connection = SAMPLE.open(&path).unwrap();
        connection.execute("INSERT INTO t VALUES (1)", ()).unwrap();
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let file = file.unwrap();
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{}", file.path().display());
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let folder = folder();
        let refused = SAMPLE.open(&folder.path().join("missing/a.sqlite")).unwrap_err();
        assert!(refused.to_string().contains("missing/a.sqlite"), "{refused}");
    }
}
