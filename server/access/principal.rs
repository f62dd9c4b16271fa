//! Who asks. The only thing a route needs to know about access.

use callnext_engine::event::Approval;
use callnext_engine::{Actor, VenueId};

use super::account::{DeviceName, Roles, UserName};
use super::role::{DeviceKind, Permission};

/// Who asks, as far as it is known. The holder of a ticket's link is none of these: the link is the permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// A member of staff.
    Staff {
        /// The account.
        user: UserName,
        /// What the person is, and where.
        roles: Roles,
    },
    /// A screen or a kiosk.
    Device {
        /// Its name at its venue.
        name: DeviceName,
        /// What it is.
        kind: DeviceKind,
        /// Where it stands.
        venue: VenueId,
    },
    /// Anybody.
    Anonymous,
}

impl Principal {
    /// Whether it may do this at this venue.
    pub fn may(&self, permission: Permission, venue: &VenueId) -> bool {
        match self {
            Self::Staff { roles, .. } => roles.may(permission, venue),
            Self::Device { kind, venue: own, .. } => own == venue && kind.may(permission),
            Self::Anonymous => false,
        }
    }

    /// Whether it may do this at every venue, those not declared yet included.
    pub fn may_everywhere(&self, permission: Permission) -> bool {
        match self {
            Self::Staff { roles, .. } => roles.may_everywhere(permission),
            Self::Device { .. } | Self::Anonymous => false,
        }
    }

    /// Whose word this is at a venue, and in which role; none where nobody's word is asked for (B3).
    pub fn approval(&self, venue: &VenueId) -> Option<Approval> {
        match self {
            Self::Staff { user, roles } => {
                let role = roles.at(venue)?.approves_as()?;
                Some(Approval { by: user.shared(), role })
            }
            Self::Device { .. } | Self::Anonymous => None,
        }
    }

    /// The name under which its changes are kept.
    pub fn actor(&self) -> Actor {
        match self {
            Self::Staff { user, .. } => Actor::Staff { user: user.shared() },
            Self::Device { name, .. } => Actor::Device { name: name.shared() },
            Self::Anonymous => Actor::Public,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::account::Scope;
    use super::super::role::Role;
    use super::*;

    fn venue(name: &str) -> VenueId {
        VenueId::parse(name).unwrap()
    }

    fn staff(roles: &[(&str, Role)]) -> Principal {
        let scope = |name: &str| if name == "*" { Scope::Everywhere } else { Scope::Venue(venue(name)) };
        Principal::Staff {
            user: UserName::parse("Wang").unwrap(),
            roles: roles.iter().map(|(at, role)| (scope(at), *role)).collect(),
        }
    }

    #[test]
    fn a_role_holds_at_its_own_venue() {
        let nurse = staff(&[("clinic", Role::Nurse)]);
        assert!(nurse.may(Permission::AddOverflow, &venue("clinic")));
        assert!(!nurse.may(Permission::AddOverflow, &venue("hall")));
        assert!(!nurse.may_everywhere(Permission::AddOverflow));
    }

    #[test]
    fn a_role_everywhere_adds_to_the_one_at_a_venue_and_takes_nothing_from_it() {
        let both = staff(&[("*", Role::Clerk), ("clinic", Role::Viewer), ("hall", Role::Manager)]);
        assert!(both.may(Permission::CallNext, &venue("clinic")));
        assert!(both.may(Permission::ManageDevices, &venue("hall")));
        assert!(!both.may(Permission::ManageDevices, &venue("clinic")));
        assert!(both.may_everywhere(Permission::CallNext));
    }

    #[test]
    fn accounts_need_an_administrator_of_everything() {
        assert!(!staff(&[("clinic", Role::Administrator)]).may_everywhere(Permission::ManageAccounts));
        assert!(staff(&[("*", Role::Administrator)]).may_everywhere(Permission::ManageAccounts));
    }

    #[test]
    fn a_device_acts_at_its_own_venue_only() {
        let kiosk = Principal::Device {
            name: DeviceName::parse("Entrance").unwrap(),
            kind: DeviceKind::Kiosk,
            venue: venue("clinic"),
        };
        assert!(kiosk.may(Permission::TakeTicket, &venue("clinic")));
        assert!(!kiosk.may(Permission::TakeTicket, &venue("hall")));
        assert!(!kiosk.may_everywhere(Permission::TakeTicket));
        assert_eq!(kiosk.actor(), Actor::Device { name: "Entrance".into() });
    }

    #[test]
    fn anybody_may_do_nothing_that_needs_a_permission() {
        for permission in Permission::ALL {
            assert!(!Principal::Anonymous.may(permission, &venue("clinic")));
            assert!(!Principal::Anonymous.may_everywhere(permission));
        }
        assert_eq!(Principal::Anonymous.actor(), Actor::Public);
        assert_eq!(staff(&[]).actor(), Actor::Staff { user: "Wang".into() });
    }
}
