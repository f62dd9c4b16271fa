//! What an error of Redis means for what was asked.

use redis::{ErrorKind, RedisError, ServerErrorKind};

/// What an error means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// Nobody knows whether it was done, or this server is not the right one any more: ask again, anew connected.
    Lost,
    /// It was not done, and may be in a moment.
    Later,
    /// It was not done, and will not be until somebody mends something.
    Refused,
}

impl Failure {
    pub(super) fn of(error: &RedisError) -> Self {
        match error.kind() {
            ErrorKind::Server(
                ServerErrorKind::BusyLoading
                | ServerErrorKind::TryAgain
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::MasterDown,
            ) => Self::Later,
            // A primary that was made a replica: who is asked anew knows the other one.
            ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::Moved | ServerErrorKind::Ask)
            | ErrorKind::Io
            | ErrorKind::Parse
            | ErrorKind::ClusterConnectionNotFound
            | ErrorKind::MasterNameNotFoundBySentinel
            | ErrorKind::NoValidReplicasFoundBySentinel => Self::Lost,
            _ => match error.code() {
                // Busy with another's script; fewer replicas than Redis itself was told to insist on.
                Some("BUSY" | "NOREPLICAS") => Self::Later,
                // The connection is no longer let in: a new one says so, or is.
                Some("NOAUTH" | "UNBLOCKED") => Self::Lost,
                _ => Self::Refused,
            },
        }
    }
}

const NOT_LET_IN: &str = "Redis does not let us in: look at the user and password in its address";

/// An error in words that tell an operator what to do where that is known.
pub(super) fn describe(error: &RedisError) -> String {
    if error.kind() == ErrorKind::AuthenticationFailed {
        return NOT_LET_IN.to_owned();
    }
    let hint = match error.code() {
        Some("OOM") => "Redis is full (maxmemory); give it more memory, nothing that was acknowledged is lost: ",
        Some("MISCONF") => "Redis cannot write its file and takes no changes; look at its disk: ",
        Some("NOREPLICAS") => "Redis has too few replicas to take changes: ",
        Some("NOPERM") => "Redis does not let this user do that: ",
        Some("NOAUTH" | "WRONGPASS") => return NOT_LET_IN.to_owned(),
        _ => "Redis: ",
    };
    format!("{hint}{error}")
}
