//! Policies: what is in force, where it comes from, and how it is changed while running (R11).

use callnext_engine::config::Lasts;
use callnext_engine::{ServiceId, Text};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

/// `PATCH /venues/{venue}/policies`
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyRequest {
    /// For which service; left out for all services that do not say otherwise.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub service: Option<ServiceId>,
    /// The `version` that was looked at: two people do not change policies unseen.
    pub version: u64,
    /// Settings with their values; `null` lets the settings file count again. See `/settings-reference`.
    #[schema(value_type = Object)]
    pub set: Map<String, Value>,
    /// How long; for good when left out.
    #[serde(default)]
    pub lasts: Lasts,
    /// Why; kept on record.
    pub reason: String,
}

/// What a change may be asked with.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PolicyQuery {
    /// Only tell what would change.
    pub dry_run: bool,
}

/// What is said with `DELETE /venues/{venue}/policies/{setting}`.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PolicyDropQuery {
    /// Of which service; left out for what was changed for the whole venue.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    pub service: Option<ServiceId>,
    /// The `version` that was looked at.
    pub version: u64,
    /// Why; kept on record.
    pub reason: String,
}

/// The policies of a venue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PolicyOverview {
    /// Counts the changes of policies: a change says which one it was made in view of.
    pub version: u64,
    /// What holds for every service that does not say otherwise.
    pub venue: Vec<PolicySetting>,
    /// The services, in the venue's order.
    pub services: Vec<ServicePolicy>,
    /// Today's changes, oldest first.
    pub changes: Vec<PolicyChangeRow>,
}

/// The policy of one service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ServicePolicy {
    /// Name in addresses.
    pub id: String,
    /// Name as people read it.
    pub name: Text,
    /// Every setting, in the order of the reference.
    pub settings: Vec<PolicySetting>,
}

/// One setting in force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PolicySetting {
    /// The way to it, as in the reference.
    pub path: String,
    /// What is in force.
    pub value: Value,
    /// What would be in force had nothing been changed while running.
    pub declared: Value,
    /// Where the value comes from.
    pub from: PolicySource,
    /// Who changed it while running, if somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<PolicyOverride>,
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PolicySource {
    /// Nobody says otherwise.
    BuiltIn,
    /// The settings file, for the venue.
    VenueFile,
    /// Somebody, while running, for the venue.
    VenueChange,
    /// The settings file, for the service.
    ServiceFile,
    /// Somebody, while running, for the service.
    ServiceChange,
}

/// Who changed a setting while running.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyOverride {
    /// Account name.
    pub by: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
    /// Why.
    pub reason: String,
    /// How long it stands.
    pub lasts: Lasts,
}

/// A change of policies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PolicyChangeRow {
    /// The count of changes with this one.
    pub version: u64,
    /// When.
    pub at: DateTime<Utc>,
    /// Account name; none where the settings file was changed.
    pub by: Option<String>,
    /// For which service; none for the whole venue.
    pub service: Option<String>,
    /// What was set.
    pub set: Vec<PolicyValue>,
    /// What was given back, so that the settings file counts again.
    pub dropped: Vec<String>,
    /// How long it lasts.
    pub lasts: Lasts,
    /// Why; none where the settings file was changed.
    pub reason: Option<String>,
    /// What came of it, for each service that it reached.
    pub effects: Vec<PolicyEffect>,
}

/// A setting and its value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PolicyValue {
    /// The way to it.
    pub path: String,
    /// Its value.
    pub value: Value,
}

/// What a change did to one setting of one service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PolicyEffect {
    /// The service.
    pub service: String,
    /// The setting.
    pub path: String,
    /// What was in force before.
    pub before: Value,
    /// What is in force instead.
    pub after: Value,
}

/// What came of a change, or would come of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PolicyAnswer {
    /// The count of changes after it.
    pub version: u64,
    /// The change; none where all was as wished before.
    pub change: Option<PolicyChangeRow>,
}
