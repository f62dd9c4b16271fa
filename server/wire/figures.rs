//! A day in figures, for managers and the triage desk.

use callnext_engine::Lane;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Person;

/// A venue's day, so far or whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FiguresAnswer {
    /// The business day, by the local date on which it started.
    pub day: String,
    /// Up to when.
    pub at: DateTime<Utc>,
    /// Calls, waits and overtakes: of all, of each lane, of each service, and of each lane of each service.
    pub groups: Vec<FiguresRow>,
    /// Whether the ratio was kept (R1).
    pub ratios: Vec<RatioRow>,
    /// Calls outside the rules, by whom.
    pub by_hand: Vec<ByHandRow>,
    /// How many were called soon after they came (B9).
    pub soon: SoonRow,
    /// Emergencies granted (R10).
    pub emergencies: u32,
    /// Green channels granted (R3).
    pub green_channels: u32,
    /// Numbers added beyond the quota (B3).
    pub overflows: u32,
}

/// One group's figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FiguresRow {
    /// Of which service; null for all.
    pub service: Option<String>,
    /// Of which lane; null for all.
    pub lane: Option<Lane>,
    /// Calls. Whoever was called again after a miss or after tests counts again.
    pub called: i64,
    /// Wait until the call, mean, seconds.
    pub wait_mean_s: Option<i64>,
    /// The wait that half of the calls did not exceed, seconds.
    pub wait_median_s: Option<i64>,
    /// The wait that nine of ten calls did not exceed, seconds.
    pub wait_p90_s: Option<i64>,
    /// Times overtaken before the call, mean.
    pub overtaken_mean: Option<f64>,
    /// Times overtaken before the call, most.
    pub overtaken_max: Option<i64>,
    /// Who did not come, for good.
    pub no_shows: i64,
    /// Who left, or was taken out.
    pub left: i64,
}

/// The turns one lane had while another had somebody, too, against its weight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RatioRow {
    /// Of which service.
    pub service: String,
    /// Which lane.
    pub lane: Lane,
    /// Its weight, as it was last.
    pub weight: u32,
    /// Turns it had.
    pub turns: u32,
    /// Turns it should have had by the weights.
    pub due: f64,
}

/// Calls by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ByHandRow {
    /// By whom.
    pub by: Person,
    /// How many.
    pub count: u32,
}

/// Of those who were called, and those who were not although they waited that long, who was called soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SoonRow {
    /// Within so many minutes of taking a number or checking in.
    pub minutes: i64,
    /// So many.
    pub called: u32,
    /// Of so many.
    pub of: u32,
}
