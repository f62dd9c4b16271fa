//! How a counter divides its calls between its services.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::dispatch::WEIGHT_MAX;
use crate::ids::ServiceId;

/// Calls given to each service in one round of a counter's cycle (C5), while the service has somebody the
/// counter can call. Without any, whoever could have been called for longest goes first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ServiceWeights(BTreeMap<ServiceId, u32>);

impl ServiceWeights {
    /// No cycle.
    pub(crate) const NONE: Self = Self(BTreeMap::new());

    /// Weights as given.
    pub fn new(given: impl IntoIterator<Item = (ServiceId, u32)>) -> Self {
        Self(given.into_iter().collect())
    }

    /// Whether none is given: the counter has no cycle.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The weight of a service, from 1 to [`WEIGHT_MAX`]: 1 where none is given for it, so that a service added
    /// for the day is not shut out.
    pub fn of(&self, service: &ServiceId) -> u32 {
        self.0.get(service).copied().unwrap_or(1).clamp(1, WEIGHT_MAX)
    }

    /// Each weight as given.
    pub(super) fn given(&self) -> impl Iterator<Item = (&ServiceId, u32)> {
        self.0.iter().map(|(service, weight)| (service, *weight))
    }
}
