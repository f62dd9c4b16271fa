//! What anybody may ask: venues, the server itself, and answers to writes.

use std::collections::BTreeMap;

use callnext_engine::event::Rule;
use callnext_engine::{Lane, Text};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Card, ClosedNotice, CounterRow, Estimate, Named, TicketRow};

/// All venues of this server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VenueList {
    /// In the order of the settings file.
    pub venues: Vec<VenueSummary>,
}

/// One venue, as anybody may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VenueSummary {
    /// Name in addresses.
    pub id: String,
    /// Name as people read it.
    pub name: Text,
    /// IANA time zone of the clock on the wall.
    pub time_zone: String,
    /// The business day, by the local date on which it started.
    pub day: String,
    /// The venue's time.
    pub at: DateTime<Utc>,
    /// Whether people may take a number with their own phone.
    pub join_by_phone: bool,
    /// Its services.
    pub services: Vec<ServiceSummary>,
    /// Counters that are open.
    pub open_counters: Vec<Named>,
}

/// One service, as anybody may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServiceSummary {
    /// Name in addresses.
    pub id: String,
    /// Name as people read it.
    pub name: Text,
    /// Whether some counter calls for it.
    pub open: bool,
    /// People in its queue.
    pub waiting: u32,
    /// The wait of somebody who took a number now; null with a reason when nobody can know.
    pub estimate: Option<Estimate>,
    /// Why there is no estimate.
    pub estimate_reason: Option<String>,
    /// The next free slot, where people on site can take one (R4).
    pub next_slot: Option<SlotTimes>,
    /// Set when it is closed for the day and gives no numbers (B10).
    pub closed: Option<ClosedNotice>,
    /// Classes of its people, of which one may be chosen (E1).
    pub classes: Vec<ClassRow>,
}

/// A slot, half open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SlotTimes {
    /// First instant of it.
    pub start: DateTime<Utc>,
    /// First instant after it.
    pub end: DateTime<Utc>,
}

/// One class of a service's people (E1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClassRow {
    /// Name in addresses.
    pub id: String,
    /// Name as people read it.
    pub name: Text,
    /// How long one of them is expected to take, seconds.
    pub expected_s: u32,
}

/// How many counters each service needs: a hint that decides nothing (E1, B9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StaffingList {
    /// In the order of the declaration.
    pub services: Vec<StaffingRow>,
}

/// How many counters one service needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StaffingRow {
    /// Name in addresses.
    pub id: String,
    /// Name as people read it.
    pub name: Text,
    /// People who came within the last hour.
    pub arrivals: u32,
    /// People who wait now.
    pub waiting: u32,
    /// Mean time from call to completion of the latest 50 visits, seconds; before there are any, what the classes let
    /// expect; null where neither is known.
    pub service_s: Option<i64>,
    /// The mean wait aimed at, seconds; null where there is no aim.
    pub target_wait_s: Option<i64>,
    /// Counters that call for it now.
    pub open: u32,
    /// Counters it needs for that wait; null where it cannot be known.
    pub needed: Option<u32>,
}

/// A number was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TicketIssued {
    /// Name in addresses.
    pub id: u64,
    /// The number.
    pub number: String,
    /// Opens the card to whoever holds it: keep it out of logs.
    pub token: String,
    /// Address of the phone page.
    pub url: String,
    /// The card as it was when the number was given.
    pub card: Card,
}

/// What a counter is told when it calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CallAnswer {
    /// The ticket called; null when nobody waits.
    pub ticket: Option<TicketRow>,
    /// The call.
    pub call: Option<u64>,
    /// Why this one.
    pub why: Option<WhyAnswer>,
}

/// Why a ticket was called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WhyAnswer {
    /// The rule that chose.
    pub rule: Rule,
    /// The lane it came from.
    pub lane: Lane,
    /// The reason given, where it was called by hand.
    pub reason: Option<String>,
}

/// A ticket after a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TicketAnswer {
    /// The ticket.
    pub ticket: TicketRow,
}

/// A counter after a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CounterAnswer {
    /// The counter.
    pub counter: CounterRow,
}

/// How many bookings were taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AppointmentsAnswer {
    /// Bookings now expected or checked in today.
    pub appointments: u32,
}

/// What was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UndoAnswer {
    /// `seq` of the change taken back.
    pub undone: u64,
    /// The tickets it concerned, as they are now.
    pub tickets: Vec<TicketRow>,
}

/// A staff login.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionAnswer {
    /// Account name.
    pub user: String,
    /// Role per venue; `*` stands for every venue.
    pub roles: BTreeMap<String, String>,
    /// For programs: send as `Authorization: Bearer …`. Browsers use the cookie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// When the login ends by itself.
    pub expires_at: DateTime<Utc>,
}

/// A device that was let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceAnswer {
    /// The device's name.
    pub name: String,
    /// `board` or `kiosk`.
    pub kind: String,
    /// The venue it belongs to.
    pub venue: String,
    /// The token, told once when the device is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// The server itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Info {
    /// The server's version.
    pub version: String,
    /// The server's time.
    pub at: DateTime<Utc>,
    /// How fast it runs against real time: 1, or the demo's speed.
    pub clock_rate: u32,
    /// Present in the demo only: ready accounts and device tokens, for everybody to see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub demo: Option<DemoInfo>,
}

/// What a demo gives away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DemoInfo {
    /// Ready accounts.
    pub accounts: Vec<DemoAccount>,
    /// Ready device tokens.
    pub devices: Vec<DeviceAnswer>,
    /// Whether the recorded day is still played (nobody took over a counter yet).
    pub playing: bool,
}

/// One ready account of a demo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DemoAccount {
    /// Account name.
    pub user: String,
    /// Its password, for everybody to see.
    pub password: String,
    /// Its role.
    pub role: String,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountAnswer {
    /// Account name.
    pub user: String,
    /// Role per venue; `*` stands for every venue.
    pub roles: BTreeMap<String, String>,
}

/// All accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountList {
    /// In the order of their names.
    pub accounts: Vec<AccountAnswer>,
}

/// The devices of a venue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceList {
    /// In the order of their names.
    pub devices: Vec<DeviceAnswer>,
}
