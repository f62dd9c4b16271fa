//! Every way in which access says no, each with a stable code.

use callnext_engine::Millis;

use super::account::NAME_CHARS_MAX;
use super::password::{PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN};
use super::secret::SecretError;
use crate::database::DatabaseError;

/// What sort of no it is; the edge picks the HTTP status from this alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessErrorKind {
    /// It is not known who asks.
    Unauthenticated,
    /// Somebody's word is not good enough.
    Forbidden,
    /// There is no such thing.
    Unknown,
    /// Not in this state.
    Conflict,
    /// A value that makes no sense here.
    Invalid,
    /// A limit is reached.
    Limit,
    /// The world fails: not the asker's fault.
    Unavailable,
}

/// Why access said no.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// No such account, or not its password: which of the two is not said.
    #[error("the name or the password is wrong")]
    LoginFailed,
    /// Whoever was to approve something did not prove who they are: no such account, or not its password.
    #[error("the approver's name or password is wrong")]
    ApproverRefused,
    /// Too many wrong passwords for this account, or too many logins at once.
    #[error("too many attempts: try again in {} s", retry_after.as_secs())]
    TooManyAttempts {
        /// When another attempt can be made.
        retry_after: Millis,
    },
    /// No account of this name.
    #[error("there is no such account")]
    UserUnknown,
    /// Not a name for an account.
    #[error("an account's name has 1 to {NAME_CHARS_MAX} characters, none of them a control character")]
    UserInvalid,
    /// Too easily guessed.
    #[error("a password has at least {PASSWORD_CHARS_MIN} characters")]
    PasswordTooShort,
    /// More than is worth hashing.
    #[error("a password has at most {PASSWORD_BYTES_MAX} bytes")]
    PasswordTooLong,
    /// A new account needs one.
    #[error("a new account needs a password")]
    PasswordMissing,
    /// Not the token of the link printed last, or there is an account already.
    #[error("this set-up link is not valid, or was used: the server prints a new one when it starts without accounts")]
    SetupTokenInvalid,
    /// Nobody could manage accounts after this.
    #[error("this is the last administrator of every venue: make another one first")]
    LastAdministrator,
    /// No device of this name at the venue.
    #[error("there is no such device at this venue")]
    DeviceUnknown,
    /// The name is taken.
    #[error("the venue has a device of this name already")]
    DeviceExists,
    /// Not a name for a device.
    #[error("a device's name has 1 to {NAME_CHARS_MAX} characters, none of them a control character")]
    DeviceInvalid,
    /// Not a kind of device.
    #[error("a device is a board or a kiosk, not \"{}\"", kind.escape_debug())]
    DeviceKindUnknown {
        /// What was asked for.
        kind: String,
    },
    /// No venue of this name.
    #[error("there is no venue \"{}\"", venue.escape_debug())]
    VenueUnknown {
        /// What was asked for.
        venue: String,
    },
    /// No role of this name.
    #[error("there is no role \"{}\"", role.escape_debug())]
    RoleUnknown {
        /// What was asked for.
        role: String,
    },
    /// No more accounts.
    #[error("there can be no more than {limit} accounts")]
    AccountLimitReached {
        /// How many there can be.
        limit: usize,
    },
    /// No more devices.
    #[error("a venue can have no more than {limit} devices")]
    DeviceLimitReached {
        /// How many there can be.
        limit: usize,
    },
    /// The world fails.
    #[error("access is not available: {0}")]
    Unavailable(#[from] Failure),
}

/// What failed when the world did.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The accounts file.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A row of the accounts says something that cannot be.
    #[error("the accounts are damaged: table {table}")]
    Damaged {
        /// Where.
        table: &'static str,
    },
    /// Whoever keeps accounts for all nodes.
    #[error("accounts cannot be reached: {0}")]
    Shared(String),
    /// The secret's file.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The system's source of chance.
    #[error("no random numbers: {0}")]
    Random(#[from] getrandom::Error),
    /// Hashing a password.
    #[error("a password could not be hashed: {0}")]
    Hash(argon2::password_hash::Error),
    /// A mistake of ours; its trace is in the log.
    #[error("a task panicked")]
    Panicked,
}

impl From<rusqlite::Error> for AccessError {
    fn from(error: rusqlite::Error) -> Self {
        Failure::Database(error.into()).into()
    }
}

impl AccessError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::LoginFailed => "login_failed",
            Self::ApproverRefused => "approver_refused",
            Self::TooManyAttempts { .. } => "too_many_attempts",
            Self::UserUnknown => "user_unknown",
            Self::UserInvalid => "user_invalid",
            Self::PasswordTooShort => "password_too_short",
            Self::PasswordTooLong => "password_too_long",
            Self::PasswordMissing => "password_missing",
            Self::SetupTokenInvalid => "setup_token_invalid",
            Self::LastAdministrator => "last_administrator",
            Self::DeviceUnknown => "device_unknown",
            Self::DeviceExists => "device_exists",
            Self::DeviceInvalid => "device_invalid",
            Self::DeviceKindUnknown { .. } => "device_kind_unknown",
            Self::VenueUnknown { .. } => "venue_unknown",
            Self::RoleUnknown { .. } => "role_unknown",
            Self::AccountLimitReached { .. } => "account_limit_reached",
            Self::DeviceLimitReached { .. } => "device_limit_reached",
            Self::Unavailable(_) => "access_unavailable",
        }
    }

    /// What sort of no it is.
    pub const fn kind(&self) -> AccessErrorKind {
        match self {
            Self::ApproverRefused => AccessErrorKind::Forbidden,
            Self::LoginFailed | Self::SetupTokenInvalid => AccessErrorKind::Unauthenticated,
            Self::UserUnknown | Self::DeviceUnknown => AccessErrorKind::Unknown,
            Self::LastAdministrator | Self::DeviceExists => AccessErrorKind::Conflict,
            Self::UserInvalid
            | Self::PasswordTooShort
            | Self::PasswordTooLong
            | Self::PasswordMissing
            | Self::DeviceInvalid
            | Self::DeviceKindUnknown { .. }
            | Self::VenueUnknown { .. }
            | Self::RoleUnknown { .. } => AccessErrorKind::Invalid,
            Self::TooManyAttempts { .. } | Self::AccountLimitReached { .. } | Self::DeviceLimitReached { .. } => {
                AccessErrorKind::Limit
            }
            Self::Unavailable(_) => AccessErrorKind::Unavailable,
        }
    }
}
