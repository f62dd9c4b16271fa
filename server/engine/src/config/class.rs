//! Classes of a service's people, each with its own expected time (E1).

use serde::{Deserialize, Serialize};

use crate::config::ServiceConfig;
use crate::ids::ClassId;
use crate::text::Text;

/// Most classes of one service: a kiosk shows them on one page.
pub const CLASSES_MAX: usize = 20;
/// Longest expected time of a class, seconds: a working day.
pub const EXPECTED_S_MAX: u32 = 8 * 60 * 60;
/// The load of somebody of whom nothing is known: loads are thousandths of the mean of a service's classes.
pub const LOAD_MEAN: u32 = 1000;

/// A class of people who come for one service: an age group, a kind of test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ClassConfig {
    /// The class's name in addresses and keys.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub id: ClassId,
    /// The class's name as people read it.
    pub name: Text,
    /// How long one of them is expected to take (E1). Used until gaps between calls are measured;
    /// from then on it says how the classes compare.
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 28_800))]
    pub expected_s: u32,
}

impl ServiceConfig {
    /// A class of this service.
    pub fn class(&self, id: &ClassId) -> Option<&ClassConfig> {
        self.classes.iter().find(|class| class.id == *id)
    }

    /// Mean expected time of the classes, milliseconds; none where there are no classes.
    pub fn expected_ms(&self) -> Option<u64> {
        let count = u64::try_from(self.classes.len()).ok().filter(|count| *count > 0)?;
        let sum: u64 = self.classes.iter().map(|class| u64::from(class.expected_s)).sum();
        Some((sum * 1000 / count).max(1))
    }

    /// How long somebody of this class takes, in thousandths of the mean of the classes.
    pub fn load(&self, class: Option<&ClassId>) -> u32 {
        let class = class.and_then(|class| self.class(class));
        let Some((class, mean)) = class.zip(self.expected_ms()) else { return LOAD_MEAN };
        let load = u64::from(class.expected_s) * 1000 * u64::from(LOAD_MEAN) / mean;
        u32::try_from(load).unwrap_or(u32::MAX).max(1)
    }
}
