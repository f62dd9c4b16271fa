//! Where the policy in force comes from, layer by layer, and the one place where the layers are put together (R11).
//!
//! From the ground up: what is built in, what the venue declares, what was changed for the venue while running, what
//! the service declares, what was changed for the service while running. A layer names only what it says otherwise,
//! so a changed default reaches every service that did not. What was changed while running stays until its end or
//! until it is dropped, also when the declaration changes under it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::command::Actor;
use crate::config::{ConfigError, Declaration, Policy, PolicyPatch, ServiceConfig, VenueConfig};
use crate::ids::ServiceId;
use crate::time::Timestamp;

/// How long a change of policy lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Lasts {
    /// Until the business day ends.
    Today,
    /// Until it is dropped or changed again.
    #[default]
    ForGood,
}

/// What was changed while running and stands over the declaration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// For which service; none for the whole venue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceId>,
    /// What it says. A setting stands in one override of a service, or of the venue, at a time.
    pub set: PolicyPatch,
    /// How long it stands.
    pub lasts: Lasts,
    /// Who wanted it.
    pub by: Actor,
    /// Since when.
    pub at: Timestamp,
    /// Why.
    pub reason: Arc<str>,
}

/// What a venue's policies are made from, beside what the venue declares for all its services.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Layers {
    /// What is declared for each service that says anything.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub declared: BTreeMap<ServiceId, PolicyPatch>,
    /// What was changed while running, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<Override>,
    /// Counts the changes of policies: whoever changes one says which count they looked at.
    #[serde(default)]
    pub version: u64,
}

/// A change of policies, as it is remembered for the day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyChange {
    /// The count of changes with this one.
    pub version: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: Actor,
    /// For which service; none for the whole venue.
    pub service: Option<ServiceId>,
    /// What was set.
    pub set: PolicyPatch,
    /// What was dropped, so that the declaration counts again.
    pub dropped: Vec<Arc<str>>,
    /// How long it lasts.
    pub lasts: Lasts,
    /// Why; none where the declaration was changed.
    pub reason: Option<Arc<str>>,
    /// What came of it, for each service that it reached.
    pub effects: Vec<Effect>,
}

/// What a change of policies did to one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Effect {
    /// The service.
    pub service: ServiceId,
    /// What was in force before, of what is no longer.
    pub before: PolicyPatch,
    /// What is in force instead.
    pub after: PolicyPatch,
}

impl Layers {
    /// Whether there is nothing to remember.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// The policies of a declaration with these layers' overrides: the only place where layers are put together.
    pub fn policies(
        &self,
        venue: &PolicyPatch,
        services: impl IntoIterator<Item = ServiceId>,
    ) -> BTreeMap<ServiceId, Policy> {
        let mut for_all = Policy::default();
        for_all.put_over(venue);
        self.of(None).for_each(|change| for_all.put_over(&change.set));
        let policy = |id: ServiceId| {
            let mut policy = for_all.clone();
            if let Some(declared) = self.declared.get(&id) {
                policy.put_over(declared);
            }
            self.of(Some(&id)).for_each(|change| policy.put_over(&change.set));
            (id, policy)
        };
        services.into_iter().map(policy).collect()
    }

    /// The overrides of one service, or of the venue.
    pub fn of(&self, service: Option<&ServiceId>) -> impl Iterator<Item = &Override> {
        self.overrides.iter().filter(move |change| change.service.as_ref() == service)
    }

    /// These layers under another declaration: what was changed for services that are gone goes with them.
    #[must_use]
    pub fn under(&self, declaration: &Declaration) -> Self {
        let said = declaration.services.iter().filter(|service| !service.policy.is_empty());
        let known = |change: &&Override| change.service.as_ref().is_none_or(|id| declaration.service(id).is_some());
        Self {
            declared: said.map(|service| (service.id.clone(), service.policy.clone())).collect(),
            overrides: self.overrides.iter().filter(known).cloned().collect(),
            version: self.version,
        }
    }

    /// These layers on another day.
    #[must_use]
    pub fn tomorrow(&self) -> Self {
        let mut layers = self.clone();
        layers.overrides.retain(|change| change.lasts == Lasts::ForGood);
        layers.version += u64::from(layers.overrides.len() != self.overrides.len());
        layers
    }

    /// Lays a change over: what it sets or drops is in no older override of the same service any more.
    pub fn lay_over(&mut self, change: Override, dropped: &[Arc<str>]) {
        let paths: Vec<String> = Policy::settings().into_iter().map(|info| info.path).collect();
        let said = paths.iter().filter(|path| change.set.said(path).is_some()).map(String::as_str);
        let gone: Vec<&str> = said.chain(dropped.iter().map(AsRef::as_ref)).collect();
        for older in self.overrides.iter_mut().filter(|older| older.service == change.service) {
            older.set = gone.iter().fold(older.set.clone(), |left, path| left.without(path));
        }
        self.overrides.push(change);
        self.overrides.retain(|change| !change.set.is_empty());
    }
}

impl Declaration {
    /// Everything wrong with this declaration, or else with what comes of it under these layers.
    pub fn problems_under(&self, layers: &Layers) -> Vec<ConfigError> {
        let declared = self.problems();
        if declared.is_empty() { self.in_force(layers).problems() } else { declared }
    }

    /// What comes of this declaration, with what was changed while running over it.
    pub fn in_force(&self, layers: &Layers) -> VenueConfig {
        let layers = layers.under(self);
        let mut policies = layers.policies(&self.policy, self.services.iter().map(|service| service.id.clone()));
        self.clone().with(|service| policies.remove(&service).unwrap_or_default())
    }
}

impl VenueConfig {
    /// The same venue under other policies; a service that is not named keeps its own.
    #[must_use]
    pub fn under(&self, policies: &BTreeMap<ServiceId, Policy>) -> Self {
        let mut config = self.clone();
        for service in &mut config.services {
            if let Some(policy) = policies.get(&service.id) {
                service.policy.clone_from(policy);
            }
        }
        config
    }

    /// What differs between the policies of this venue and those of `after`, service by service.
    pub fn effects(&self, after: &Self) -> Vec<Effect> {
        let pairs = after.services.iter().filter_map(|new| Some((&self.service(&new.id)?.policy, new)));
        let changed = pairs.filter(|(old, new)| **old != new.policy);
        let effect = |(old, new): (&Policy, &ServiceConfig)| Effect {
            service: new.id.clone(),
            before: old.beyond(&new.policy),
            after: new.policy.beyond(old),
        };
        changed.map(effect).collect()
    }
}

impl From<VenueConfig> for Declaration {
    /// A declaration that comes to this: each service says what differs from what the venue says for all.
    fn from(config: VenueConfig) -> Self {
        let mut for_all = Policy::default();
        for_all.put_over(&config.policy);
        let said: BTreeMap<ServiceId, PolicyPatch> =
            config.services.iter().map(|service| (service.id.clone(), service.policy.beyond(&for_all))).collect();
        config.with(|service| said.get(&service).cloned().unwrap_or_default())
    }
}

impl<P: Default> VenueConfig<P> {
    fn with<Q: Default>(self, mut policy: impl FnMut(ServiceId) -> Q) -> VenueConfig<Q> {
        let service = |service: ServiceConfig<P>| ServiceConfig {
            policy: policy(service.id.clone()),
            id: service.id,
            name: service.name,
            prefix: service.prefix,
            classes: service.classes,
        };
        VenueConfig {
            services: self.services.into_iter().map(service).collect(),
            id: self.id,
            name: self.name,
            time_zone: self.time_zone,
            day_start: self.day_start,
            mark: self.mark,
            join_by_phone: self.join_by_phone,
            public_board: self.public_board,
            names: self.names,
            speech: self.speech,
            sessions: self.sessions,
            numbering: self.numbering,
            reasons: self.reasons,
            policy: self.policy,
            counters: self.counters,
        }
    }
}
