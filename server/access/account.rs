//! What accounts and devices are made of: names, roles per venue, and what may be told about them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use callnext_engine::{Timestamp, VenueId};

use super::error::AccessError;
use super::role::{DeviceKind, Permission, Role};

/// Longest name of an account or a device, characters: it stands in every change and on every list.
pub const NAME_CHARS_MAX: usize = 64;

/// A name without space around it; none if it is empty, too long, or holds control characters.
fn tidy(name: &str) -> Option<&str> {
    let name = name.trim();
    let chars = name.chars().count();
    ((1..=NAME_CHARS_MAX).contains(&chars) && !name.chars().any(char::is_control)).then_some(name)
}

/// An account's name. Shown as it was first written; two that differ only in case are the same.
#[derive(Debug, Clone)]
pub struct UserName {
    shown: Arc<str>,
    key: Arc<str>,
}

impl UserName {
    /// Reads a name.
    pub fn parse(name: &str) -> Result<Self, AccessError> {
        let shown = tidy(name).ok_or(AccessError::UserInvalid)?;
        Ok(Self { shown: shown.into(), key: shown.to_lowercase().into() })
    }

    /// The name as people read it.
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// The name as people read it, to be kept.
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.shown)
    }

    /// What tells it from others.
    pub(super) fn key(&self) -> &str {
        &self.key
    }
}

impl PartialEq for UserName {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for UserName {}

impl PartialOrd for UserName {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for UserName {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// A device's name, unique at its venue: where it hangs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeviceName(Arc<str>);

impl DeviceName {
    /// Reads a name.
    pub fn parse(name: &str) -> Result<Self, AccessError> {
        tidy(name).map(|name| Self(name.into())).ok_or(AccessError::DeviceInvalid)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name, to be kept.
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a role holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// At every venue, those not declared yet included. Written `*`.
    Everywhere,
    /// At this one.
    Venue(VenueId),
}

impl Scope {
    /// How "everywhere" is written.
    const EVERYWHERE: &str = "*";

    /// Reads a scope.
    pub fn parse(text: &str) -> Result<Self, AccessError> {
        if text == Self::EVERYWHERE {
            return Ok(Self::Everywhere);
        }
        VenueId::parse(text).map(Self::Venue).map_err(|_| AccessError::VenueUnknown { venue: text.to_owned() })
    }

    /// The scope as it is written.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Everywhere => Self::EVERYWHERE,
            Self::Venue(venue) => venue.as_str(),
        }
    }
}

/// What one account is, and where: at most one role per scope. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roles(Arc<BTreeMap<Scope, Role>>);

impl Roles {
    /// Reads roles as they travel; `known` says whether there is such a venue.
    pub fn parse(written: &BTreeMap<String, String>, known: impl Fn(&VenueId) -> bool) -> Result<Self, AccessError> {
        let read = |(scope, role): (&String, &String)| {
            let at = Scope::parse(scope)?;
            if matches!(&at, Scope::Venue(venue) if !known(venue)) {
                return Err(AccessError::VenueUnknown { venue: scope.clone() });
            }
            let role = Role::named(role).ok_or_else(|| AccessError::RoleUnknown { role: role.clone() })?;
            Ok((at, role))
        };
        written.iter().map(read).collect()
    }

    /// An administrator of everything.
    pub fn administrator() -> Self {
        Self::from_iter([(Scope::Everywhere, Role::Administrator)])
    }

    /// Each scope with its role.
    pub fn iter(&self) -> impl Iterator<Item = (&Scope, Role)> {
        self.0.iter().map(|(scope, role)| (scope, *role))
    }

    /// The roles as they travel.
    pub fn written(&self) -> BTreeMap<String, String> {
        self.iter().map(|(scope, role)| (scope.as_str().to_owned(), role.name().to_owned())).collect()
    }

    /// Whether they allow this at this venue: by the role there, or by the one everywhere.
    pub fn may(&self, permission: Permission, venue: &VenueId) -> bool {
        self.may_everywhere(permission) || self.allow(permission, &Scope::Venue(venue.clone()))
    }

    /// Whether they allow this at every venue.
    pub fn may_everywhere(&self, permission: Permission) -> bool {
        self.allow(permission, &Scope::Everywhere)
    }

    /// The most powerful role at this venue: the one there, or the one everywhere.
    pub fn at(&self, venue: &VenueId) -> Option<Role> {
        let roles = [Scope::Everywhere, Scope::Venue(venue.clone())].map(|scope| self.0.get(&scope).copied());
        roles.into_iter().flatten().min()
    }

    fn allow(&self, permission: Permission, scope: &Scope) -> bool {
        self.0.get(scope).is_some_and(|role| role.may(permission))
    }
}

impl FromIterator<(Scope, Role)> for Roles {
    fn from_iter<T: IntoIterator<Item = (Scope, Role)>>(roles: T) -> Self {
        Self(Arc::new(roles.into_iter().collect()))
    }
}

/// An account, without its password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub user: UserName,
    /// What the person is, and where.
    pub roles: Roles,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Whether an account was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is new.
    Created,
    /// It was changed.
    Changed,
}

/// A login that lasts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// Whose.
    pub user: UserName,
    /// What the person is, and where.
    pub roles: Roles,
    /// When it ends, unless it is used.
    pub expires_at: Timestamp,
}

/// A screen or a kiosk that was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Where it stands.
    pub venue: VenueId,
    /// Its name there.
    pub name: DeviceName,
    /// What it is.
    pub kind: DeviceKind,
    /// When it was let in.
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_trimmed_and_its_case_does_not_matter() {
        let name = UserName::parse("  Wang Fang\t").unwrap();
        assert_eq!(name.as_str(), "Wang Fang");
        assert_eq!(name, UserName::parse("wANG fANG").unwrap());
        assert_eq!(UserName::parse("ÄRZTIN").unwrap(), UserName::parse("ärztin").unwrap());
        assert_ne!(name, UserName::parse("Wang Fan").unwrap());
        assert_eq!(UserName::parse("王芳").unwrap().as_str(), "王芳");
    }

    #[test]
    fn a_name_has_1_to_64_characters_and_no_control_characters() {
        let longest = "王".repeat(NAME_CHARS_MAX);
        assert_eq!(UserName::parse(&longest).unwrap().as_str(), longest);
        assert_eq!(DeviceName::parse(&longest).unwrap().as_str(), longest);
        let too_long = "a".repeat(NAME_CHARS_MAX + 1);
        for bad in ["", "  ", "a\nb", "a\0", "a\u{85}b", "a\u{7f}b", &too_long] {
            assert!(matches!(UserName::parse(bad), Err(AccessError::UserInvalid)), "{bad:?}");
            assert!(matches!(DeviceName::parse(bad), Err(AccessError::DeviceInvalid)), "{bad:?}");
        }
    }

    #[test]
    fn roles_travel_there_and_back() {
        let clinic = VenueId::parse("clinic").unwrap();
        let written: BTreeMap<_, _> =
            [("*", "viewer"), ("clinic", "nurse")].map(|(at, role)| (at.to_owned(), role.to_owned())).into();
        let roles = Roles::parse(&written, |venue| *venue == clinic).unwrap();
        assert_eq!(roles.written(), written);
    }

    #[test]
    fn roles_name_known_venues_and_known_roles() {
        let clinic = VenueId::parse("clinic").unwrap();
        for (scope, role, code) in [
            ("hall", "nurse", "venue_unknown"),
            ("no venue", "nurse", "venue_unknown"),
            ("", "nurse", "venue_unknown"),
            ("clinic", "Nurse", "role_unknown"),
            ("*", "root", "role_unknown"),
        ] {
            let written = BTreeMap::from([(scope.to_owned(), role.to_owned())]);
            let refused = Roles::parse(&written, |venue| *venue == clinic).unwrap_err();
            assert_eq!(refused.code(), code, "{scope} {role}");
        }
    }
}
