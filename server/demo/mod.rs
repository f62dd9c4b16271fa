//! The demo: two venues, two real days, and the player that makes them move until a person takes over.
//!
//! It is a server like any other, given these venues, accounts and devices. Nothing else in the project may know that it
//! runs in a demo; what must differ (the clock, the banner) is told by whoever starts it.

mod days;
mod playing;
mod starting;
mod venues;

pub use days::{clinic_day, day_of, hall_day};
pub use playing::{Playing, play};
pub use starting::{Options, StartError, Started, start};
pub use venues::{DemoError, venues};

use chrono::NaiveTime;

/// The clinic's name in addresses.
pub const CLINIC: &str = "clinic";
/// The hall's name in addresses.
pub const HALL: &str = "hall";

/// A ready account, for everybody to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadyAccount {
    /// Account name.
    pub user: &'static str,
    /// Its password: simple, and as long as the server asks for.
    pub password: &'static str,
    /// Its role at both venues.
    pub role: &'static str,
}

/// The accounts a demo has from the start.
pub const DEMO_ACCOUNTS: [ReadyAccount; 3] = [
    ReadyAccount { user: "nurse", password: "nurse-demo", role: "nurse" },
    ReadyAccount { user: "clerk", password: "clerk-demo", role: "clerk" },
    ReadyAccount { user: "admin", password: "admin-demo", role: "administrator" },
];

/// A ready device: it gets its token when the demo starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadyDevice {
    /// The venue it belongs to.
    pub venue: &'static str,
    /// `board` or `kiosk`.
    pub kind: &'static str,
    /// Its name: where it hangs.
    pub name: &'static str,
}

/// The devices a demo has from the start.
pub const DEMO_DEVICES: [ReadyDevice; 4] = [
    ReadyDevice { venue: CLINIC, kind: "board", name: "clinic-board" },
    ReadyDevice { venue: CLINIC, kind: "kiosk", name: "clinic-kiosk" },
    ReadyDevice { venue: HALL, kind: "board", name: "hall-board" },
    ReadyDevice { venue: HALL, kind: "kiosk", name: "hall-kiosk" },
];

/// Venue time at which a demo best begins, local: shortly before the first people of the recorded days.
///
/// A later start is fine too: the people who would be waiting by then come all at once.
pub fn begins_at() -> NaiveTime {
    NaiveTime::from_hms_opt(7, 55, 0).unwrap_or_default()
}
