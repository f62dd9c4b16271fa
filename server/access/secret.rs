//! The installation's one secret, in a file that only the server may read. Links are signed with it.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER_PERMISSIVE;
use serde::{Deserialize, Serialize, Serializer};

/// 256 bits, as much as the hash it keys gives back.
const SECRET_BYTES: usize = 32;

/// The installation's secret. Never printed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Secret([u8; SECRET_BYTES]);

/// Why a text is not a secret. The text is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a secret: use 64 hexadecimal digits, such as `openssl rand -hex 32` prints")]
pub struct NotASecret;

impl TryFrom<String> for Secret {
    type Error = NotASecret;

    fn try_from(text: String) -> Result<Self, NotASecret> {
        let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map_err(|_| NotASecret)?;
        bytes.try_into().map(Self).map_err(|_| NotASecret)
    }
}

/// Where settings are shown, it is as if there were none.
impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_none()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Why the secret cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It cannot be made or read.
    #[error("{} cannot be read or made: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The operating system's word.
        cause: io::Error,
    },
    /// Others on the machine could have read it.
    #[error("{} can be read by others: `chmod 600` it; if others may have read it, delete it: open links then end", path.display())]
    ReadableByOthers {
        /// The file.
        path: PathBuf,
    },
    /// It is cut off, or something else.
    #[error(
        "{} holds {found} bytes instead of {SECRET_BYTES}: restore it from a backup, or delete it: open links then end",
        path.display()
    )]
    WrongLength {
        /// The file.
        path: PathBuf,
        /// Its length.
        found: usize,
    },
}

impl Secret {
    /// Reads the secret; makes one when there is no file.
    pub fn load_or_make(path: &Path) -> Result<Self, SecretError> {
        let unreadable = |cause| SecretError::Unreadable { path: path.to_owned(), cause };
        if !path.try_exists().map_err(unreadable)? {
            make(path).map_err(unreadable)?;
        }
        let file = File::open(path).map_err(unreadable)?;
        if readable_by_others(&file).map_err(unreadable)? {
            return Err(SecretError::ReadableByOthers { path: path.to_owned() });
        }
        let bytes = std::fs::read(path).map_err(unreadable)?;
        let wrong = |bytes: Vec<u8>| SecretError::WrongLength { path: path.to_owned(), found: bytes.len() };
        bytes.try_into().map(Self).map_err(wrong)
    }

    /// A secret of its own, for the length of a test.
    #[cfg(test)]
    pub(super) fn of(byte: u8) -> Self {
        Self([byte; SECRET_BYTES])
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Makes the file: whole or not at all, and never over one that another process made meanwhile.
fn make(path: &Path) -> io::Result<()> {
    let mut bytes = [0; SECRET_BYTES];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    let draft = path.with_extension(format!("{}.draft", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&draft, path);
    std::fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
        Ok(()) => sync_folder(path),
    }
}

/// Makes the new name itself durable.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        #[cfg(unix)]
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn readable_by_others(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    const GROUP_AND_OTHERS: u32 = 0o077;
    Ok(file.metadata()?.permissions().mode() & GROUP_AND_OTHERS != 0)
}

#[cfg(not(unix))]
fn readable_by_others(_: &File) -> io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn it_is_made_once_and_then_stays() {
        let folder = folder();
        let path = folder.path().join("secret.key");
        let made = Secret::load_or_make(&path).unwrap();
        assert_eq!(Secret::load_or_make(&path).unwrap().bytes(), made.bytes());
        assert_ne!(Secret::load_or_make(&folder.path().join("other.key")).unwrap().bytes(), made.bytes());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "no draft is left");
    }

    #[test]
    fn of_two_who_make_it_at_once_both_get_the_same() {
        let folder = folder();
        let path = folder.path().join("secret.key");
        make(&path).unwrap();
        let first = std::fs::read(&path).unwrap();
        make(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), first);
    }

    #[cfg(unix)]
    #[test]
    fn others_cannot_read_it_and_if_they_could_it_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = folder();
        let path = folder.path().join("secret.key");
        Secret::load_or_make(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        for mode in [0o640, 0o604, 0o660] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let refused = Secret::load_or_make(&path).unwrap_err();
            assert!(matches!(refused, SecretError::ReadableByOthers { .. }), "{mode:o}: {refused}");
        }
    }

    #[test]
    fn a_file_of_another_length_is_refused() {
        let folder = folder();
        for length in [0, 31, 33] {
            let path = folder.path().join(format!("{length}.key"));
            make(&path).unwrap();
            std::fs::write(&path, vec![7; length]).unwrap();
            let refused = Secret::load_or_make(&path).unwrap_err();
            assert!(matches!(refused, SecretError::WrongLength { found, .. } if found == length), "{refused}");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let refused = Secret::load_or_make(&folder().path().join("missing/secret.key")).unwrap_err();
        assert!(refused.to_string().contains("missing/secret.key"), "{refused}");
    }

    #[test]
    fn it_can_be_declared_in_hexadecimal() {
        let declared = |text: String| Secret::try_from(text);
        assert_eq!(declared("0f".repeat(32)).unwrap(), Secret::of(15));
        assert_eq!(declared("0F".repeat(32)).unwrap(), Secret::of(15));
        for bad in [String::new(), "0f".repeat(31), "0f".repeat(33), "0x".repeat(32), "geheim".to_owned()] {
            assert_eq!(declared(bad).unwrap_err(), NotASecret);
        }
        assert!(!NotASecret.to_string().contains("geheim"));
    }

    #[test]
    fn nothing_prints_it() {
        assert_eq!(format!("{:?}", Secret::of(7)), "Secret(…)");
    }
}
