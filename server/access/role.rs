//! Roles, permissions, and the one table of who may do what.
//!
//! A route names the permission it needs and knows no role; a role is nothing but its column in the table.

use callnext_engine::config::ApproverRole;
use serde::{Deserialize, Serialize};

/// What a member of staff is at a venue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Runs the installation: everything, accounts included.
    Administrator,
    /// Runs a venue: everything there, but no accounts.
    Manager,
    /// Works the triage desk: who waits, and in which order for which reason.
    Nurse,
    /// Works a counter, as a doctor does: calls and serves.
    Clerk,
    /// Looks on.
    Viewer,
}

impl Role {
    /// Every role, the most powerful first.
    pub const ALL: [Self; 5] = [Self::Administrator, Self::Manager, Self::Nurse, Self::Clerk, Self::Viewer];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Manager => "manager",
            Self::Nurse => "nurse",
            Self::Clerk => "clerk",
            Self::Viewer => "viewer",
        }
    }

    /// The role of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// In which role somebody of this one can approve what the rules leave to a person (B3).
    pub const fn approves_as(self) -> Option<ApproverRole> {
        match self {
            Self::Administrator => Some(ApproverRole::Administrator),
            Self::Manager => Some(ApproverRole::Manager),
            Self::Nurse => Some(ApproverRole::Nurse),
            Self::Clerk => Some(ApproverRole::Clerk),
            Self::Viewer => None,
        }
    }

    /// Whether it allows this.
    pub fn may(self, permission: Permission) -> bool {
        permission.allowed_to().0.contains(&self)
    }
}

/// What stands in a hall and holds a token of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    /// A screen that shows calls.
    Board,
    /// A machine where people take numbers and check in.
    Kiosk,
}

impl DeviceKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Board, Self::Kiosk];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Board => "board",
            Self::Kiosk => "kiosk",
        }
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it may do this, at its own venue.
    pub fn may(self, permission: Permission) -> bool {
        permission.allowed_to().1.contains(&self)
    }
}

/// Everything that is not open to everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// See the board where it is not public.
    SeeBoard,
    /// See the whole queue, with names and reasons.
    SeeQueue,
    /// See why: a ticket's whole story, with who did what.
    SeeStory,
    /// See the day's figures: how fair it was, and who called by hand.
    SeeFigures,
    /// Give a number (R4, H1).
    TakeTicket,
    /// Set today's bookings.
    SetAppointments,
    /// Turn a booking into a waiting ticket (R9).
    CheckIn,
    /// Add a number beyond the quota (R5, B3).
    AddOverflow,
    /// Call whoever is next.
    CallNext,
    /// Call this one, outside the rule.
    CallByHand,
    /// Recall, start, complete and miss at a counter.
    ServeCounter,
    /// Open, pause and close a counter; set what it serves (C5).
    SetCounter,
    /// Send away for tests (B11).
    Hold,
    /// Take back from tests (B11).
    Return,
    /// Put a missed ticket back (C1).
    Requeue,
    /// Move to another service (R6, R7).
    Transfer,
    /// Take a ticket out.
    Cancel,
    /// Say to which class of the service a person belongs (E1).
    Classify,
    /// Close a service or a clinic for the day, and open it again (B10).
    Close,
    /// Grant precedence (R3, R10).
    GrantGreenChannel,
    /// Take back one's own last change.
    Undo,
    /// Let screens and kiosks in, and shut them out.
    ManageDevices,
    /// Declare the venue anew (R11).
    ConfigureVenue,
    /// Make, change and delete accounts. Asked everywhere, never at one venue: an account can hold any role.
    ManageAccounts,
}

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 24] = [
        Self::SeeBoard,
        Self::SeeQueue,
        Self::SeeStory,
        Self::SeeFigures,
        Self::TakeTicket,
        Self::SetAppointments,
        Self::CheckIn,
        Self::AddOverflow,
        Self::CallNext,
        Self::CallByHand,
        Self::ServeCounter,
        Self::SetCounter,
        Self::Hold,
        Self::Return,
        Self::Requeue,
        Self::Transfer,
        Self::Cancel,
        Self::Classify,
        Self::Close,
        Self::GrantGreenChannel,
        Self::Undo,
        Self::ManageDevices,
        Self::ConfigureVenue,
        Self::ManageAccounts,
    ];

    /// **The table**: the roles and the devices that may.
    const fn allowed_to(self) -> (&'static [Role], &'static [DeviceKind]) {
        use DeviceKind::{Board, Kiosk};
        use Role::{Administrator, Clerk, Manager, Nurse, Viewer};
        match self {
            Self::SeeBoard => (&[Administrator, Manager, Nurse, Clerk, Viewer], &[Board]),
            Self::SeeQueue => (&[Administrator, Manager, Nurse, Clerk, Viewer], &[]),
            Self::TakeTicket | Self::CheckIn => (&[Administrator, Manager, Nurse, Clerk], &[Kiosk]),
            Self::SeeStory
            | Self::CallNext
            | Self::CallByHand
            | Self::ServeCounter
            | Self::SetCounter
            | Self::Hold
            | Self::Return
            | Self::Requeue
            | Self::Transfer
            | Self::Cancel
            | Self::Classify
            | Self::Undo => (&[Administrator, Manager, Nurse, Clerk], &[]),
            Self::SeeFigures | Self::SetAppointments | Self::AddOverflow | Self::Close | Self::GrantGreenChannel => {
                (&[Administrator, Manager, Nurse], &[])
            }
            Self::ManageDevices | Self::ConfigureVenue => (&[Administrator, Manager], &[]),
            Self::ManageAccounts => (&[Administrator], &[]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table once more, by hand, as an operator would be shown it.
    const TABLE: &str = "
                            administrator  manager  nurse  clerk  viewer  board  kiosk
        SeeBoard            x              x        x      x      x       x      -
        SeeQueue            x              x        x      x      x       -      -
        SeeStory            x              x        x      x      -       -      -
        SeeFigures          x              x        x      -      -       -      -
        TakeTicket          x              x        x      x      -       -      x
        SetAppointments     x              x        x      -      -       -      -
        CheckIn             x              x        x      x      -       -      x
        AddOverflow         x              x        x      -      -       -      -
        CallNext            x              x        x      x      -       -      -
        CallByHand          x              x        x      x      -       -      -
        ServeCounter        x              x        x      x      -       -      -
        SetCounter          x              x        x      x      -       -      -
        Hold                x              x        x      x      -       -      -
        Return              x              x        x      x      -       -      -
        Requeue             x              x        x      x      -       -      -
        Transfer            x              x        x      x      -       -      -
        Cancel              x              x        x      x      -       -      -
        Classify            x              x        x      x      -       -      -
        Close               x              x        x      -      -       -      -
        GrantGreenChannel   x              x        x      -      -       -      -
        Undo                x              x        x      x      -       -      -
        ManageDevices       x              x        -      -      -       -      -
        ConfigureVenue      x              x        -      -      -       -      -
        ManageAccounts      x              -        -      -      -       -      -
    ";

    #[test]
    fn the_table_cell_by_cell() {
        let mut lines = TABLE.lines().map(str::trim).filter(|line| !line.is_empty());
        let columns: Vec<_> = lines.next().unwrap().split_whitespace().collect();
        let names = Role::ALL.map(Role::name).into_iter().chain(DeviceKind::ALL.map(DeviceKind::name));
        assert_eq!(columns, names.collect::<Vec<_>>());
        for permission in Permission::ALL {
            let line: Vec<_> = lines.next().unwrap().split_whitespace().collect();
            assert_eq!(line[0], format!("{permission:?}"));
            for (column, cell) in columns.iter().zip(&line[1..]) {
                let may = Role::named(column).map(|role| role.may(permission));
                let may = may.or_else(|| DeviceKind::named(column).map(|kind| kind.may(permission)));
                assert_eq!(may, Some(*cell == "x"), "{permission:?} of {column}");
            }
            assert_eq!(line.len(), columns.len() + 1);
        }
        assert_eq!(lines.next(), None);
    }

    #[test]
    fn names_are_those_of_the_serialised_form() {
        for role in Role::ALL {
            assert_eq!(serde_json::to_value(role).unwrap(), role.name());
            assert_eq!(Role::named(role.name()), Some(role));
        }
        for kind in DeviceKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
            assert_eq!(DeviceKind::named(kind.name()), Some(kind));
        }
        assert_eq!(Role::named("Administrator"), None);
        assert_eq!(DeviceKind::named(""), None);
    }
}
