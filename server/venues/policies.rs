//! From a venue's policies to what travels: each setting with where it comes from, each change with what it did.

use callnext_engine::command::PolicyWish;
use callnext_engine::config::{Effect, Override, Policy, PolicyChange, PolicyPatch, SettingInfo};
use callnext_engine::{Action, Actor, Command, Event, Refusal, ServiceId, Timestamp, Venue};
use serde_json::Value;

use crate::wire::{
    PolicyAnswer, PolicyChangeRow, PolicyEffect, PolicyOverride, PolicyOverview, PolicySetting, PolicySource,
    PolicyValue, ServicePolicy, rfc3339,
};

/// The policies of a venue.
pub fn overview(venue: &Venue) -> PolicyOverview {
    let (config, infos) = (venue.config(), Policy::settings());
    let settings =
        |service: Option<&ServiceId>| infos.iter().filter_map(|info| setting(venue, service, info)).collect();
    let services = config.services.iter().map(|service| ServicePolicy {
        id: service.id.to_string(),
        name: service.name.clone(),
        settings: settings(Some(&service.id)),
    });
    PolicyOverview {
        version: venue.layers().version,
        services: services.collect(),
        venue: settings(None),
        changes: venue.policy_changes().map(|change| row(change, &infos)).collect(),
    }
}

/// One of today's changes.
pub fn change(venue: &Venue, version: u64) -> Option<PolicyChangeRow> {
    let change = venue.policy_changes().rfind(|change| change.version == version)?;
    Some(row(change, &Policy::settings()))
}

/// What would come of a change, without making it.
///
/// # Errors
///
/// The venue says no.
pub fn dry_run(venue: &Venue, by: Actor, wish: PolicyWish, now: Timestamp) -> Result<PolicyAnswer, Refusal> {
    let command = Command { id: None, by: by.clone(), action: Action::ChangePolicy(Box::new(wish.clone())) };
    let (events, _) = venue.decide(&command, now)?;
    let change = events.into_iter().find_map(|event| match event {
        Event::PolicyChanged { version, policies, .. } => Some((version, policies)),
        _ => None,
    });
    let Some((version, policies)) = change else {
        return Ok(PolicyAnswer { version: venue.layers().version, change: None });
    };
    let change = PolicyChange {
        version,
        at: now,
        by,
        service: wish.service,
        set: wish.set,
        dropped: wish.dropped,
        lasts: wish.lasts,
        reason: Some(wish.reason),
        effects: venue.config().effects(&venue.config().under(&policies)),
    };
    Ok(PolicyAnswer { version, change: Some(row(&change, &Policy::settings())) })
}

/// One setting of a service, or of the venue: the highest layer that says anything of it counts.
fn setting(venue: &Venue, service: Option<&ServiceId>, info: &SettingInfo) -> Option<PolicySetting> {
    let (config, layers, path) = (venue.config(), venue.layers(), info.path.as_str());
    let declared_for = |service: &ServiceId| layers.declared.get(service).and_then(|said| said.said(path));
    let changed = |service: Option<&ServiceId>| layers.of(service).find(|over| over.set.said(path).is_some());
    let (mut value, mut from, mut declared, mut change) = (info.default, PolicySource::BuiltIn, info.default, None);
    if let Some(said) = config.policy.said(path) {
        (value, from, declared) = (said, PolicySource::VenueFile, said);
    }
    if let Some(over) = changed(None) {
        (value, from, change) = (over.set.said(path)?, PolicySource::VenueChange, Some(over));
    }
    if let Some(service) = service {
        if let Some(said) = declared_for(service) {
            (value, from, declared, change) = (said, PolicySource::ServiceFile, said, None);
        }
        if let Some(over) = changed(Some(service)) {
            (value, from, change) = (over.set.said(path)?, PolicySource::ServiceChange, Some(over));
        }
    }
    Some(PolicySetting {
        path: path.to_owned(),
        value: json(value),
        declared: json(declared),
        from,
        change: change.map(overridden),
    })
}

fn overridden(over: &Override) -> PolicyOverride {
    PolicyOverride { by: who(&over.by), at: rfc3339(over.at), reason: over.reason.to_string(), lasts: over.lasts }
}

fn row(change: &PolicyChange, infos: &[SettingInfo]) -> PolicyChangeRow {
    let effects = change.effects.iter().flat_map(|effect| effects(effect, infos));
    PolicyChangeRow {
        version: change.version,
        at: rfc3339(change.at),
        by: who(&change.by),
        service: change.service.as_ref().map(ToString::to_string),
        set: said(&change.set, infos).map(|(path, value)| PolicyValue { path, value }).collect(),
        dropped: change.dropped.iter().map(ToString::to_string).collect(),
        lasts: change.lasts,
        reason: change.reason.as_ref().map(ToString::to_string),
        effects: effects.collect(),
    }
}

fn effects<'e>(effect: &'e Effect, infos: &'e [SettingInfo]) -> impl Iterator<Item = PolicyEffect> + 'e {
    said(&effect.after, infos).map(|(path, after)| PolicyEffect {
        service: effect.service.to_string(),
        before: effect.before.said(&path).map_or(Value::Null, json),
        path,
        after,
    })
}

fn said<'p>(patch: &'p PolicyPatch, infos: &'p [SettingInfo]) -> impl Iterator<Item = (String, Value)> + 'p {
    infos.iter().filter_map(|info| Some((info.path.clone(), json(patch.said(&info.path)?))))
}

fn json(value: callnext_engine::config::Value) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// The account of whoever asked; none for the settings file.
fn who(by: &Actor) -> Option<String> {
    match by {
        Actor::Staff { user } => Some(user.to_string()),
        Actor::Device { name } => Some(name.to_string()),
        Actor::Holder { .. } | Actor::Public | Actor::System => None,
    }
}
