//! One step of a change of what is known, ready to be kept and to be made in memory. It judges nothing.

use callnext_engine::VenueId;

use super::account::{Device, DeviceName, UserName};
use super::directory::{KeptLogin, Known};
use super::token::Digest;

/// One step.
#[derive(Debug, Clone)]
pub(super) enum Edit {
    /// An account is so, whether it is new or was another way before.
    PutAccount(Known),
    /// An account is gone, and all its logins.
    RemoveAccount(UserName),
    /// A login lasts so long.
    PutLogin(Digest, KeptLogin),
    /// A login is over.
    RemoveLogin(Digest),
    /// A device was let in.
    PutDevice(Digest, Device),
    /// A device was shut out.
    RemoveDevice(VenueId, DeviceName),
}
