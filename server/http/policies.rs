//! Policies: what is in force, and their change while running (R11).

use actix_web::web::{Data, Json};
use actix_web::{delete, get, patch};
use callnext_engine::Action;
use callnext_engine::command::PolicyWish;
use callnext_engine::config::{Lasts, PolicyPatch, SettingProblem};
use callnext_engine::refusal::Refusal;
use callnext_engine::venue::Outcome;
use serde::de::DeserializeOwned;

use super::asker::Asker;
use super::edge::Edge;
use super::error::ApiError;
use super::here::Here;
use super::write::Write;
use crate::access::Permission;
use crate::settings::reference::{Reference, reference};
use crate::settings::said;
use crate::venues::policies;
use crate::wire::{EmptyRequest, PolicyAnswer, PolicyDropQuery, PolicyOverview, PolicyQuery, PolicyRequest};

/// Every setting: what it does, its type, unit, range, default and rule. The same as `callnext config reference`.
#[utoipa::path(tag = "policies", responses((status = 200, body = Reference)))]
#[get("/settings-reference")]
pub(super) async fn settings_reference() -> Json<Reference> {
    Json(reference())
}

/// The policies in force, setting by setting, with where each comes from; and today's changes. Staff only.
#[utoipa::path(tag = "policies", responses((status = 200, body = PolicyOverview)))]
#[get("/venues/{venue}/policies")]
pub(super) async fn list(edge: Data<Edge>, here: Here, asker: Asker) -> Result<Json<PolicyOverview>, ApiError> {
    let venue = here.venue()?;
    asker.must(Permission::SeeQueue, &venue)?;
    Ok(Json(edge.registry.look(&venue, |shown| policies::overview(shown.venue())).await?))
}

/// Changes policies of a service, or of all that do not say otherwise, from the next call on. Whoever was told to get
/// ready stays so. It stands over the settings file, also when that changes, until it is given back or its day ends.
#[utoipa::path(
    tag = "policies",
    params(PolicyQuery),
    request_body = PolicyRequest,
    responses((status = 200, body = PolicyAnswer))
)]
#[patch("/venues/{venue}/policies")]
pub(super) async fn change(
    edge: Data<Edge>,
    here: Here,
    write: Write<PolicyRequest>,
) -> Result<Json<PolicyAnswer>, ApiError> {
    let PolicyQuery { dry_run } = query(&here)?;
    let PolicyRequest { service, version, set, lasts, reason } = write.body.clone();
    let venue = here.venue()?;
    let principal = write.asker.must(Permission::ConfigureVenue, &venue)?;
    let said = said::read(&set).map_err(|problems| ApiError::Refused(invalid(service.as_ref(), &problems)))?;
    let wish = PolicyWish { service, set: said.set, dropped: said.dropped, lasts, reason: reason.into(), version };
    if dry_run {
        let told = move |shown: &mut crate::venues::Shown| {
            policies::dry_run(shown.venue(), principal.actor(), wish, shown.now())
        };
        return Ok(Json(edge.registry.look(&venue, told).await??));
    }
    submit(&edge, &here, &write, wish).await
}

/// Gives a setting back that was changed while running: the settings file counts again.
#[utoipa::path(
    tag = "policies",
    params(PolicyDropQuery),
    request_body = EmptyRequest,
    responses((status = 200, body = PolicyAnswer))
)]
#[delete("/venues/{venue}/policies/{setting}")]
pub(super) async fn give_back(
    edge: Data<Edge>,
    here: Here,
    write: Write<EmptyRequest>,
) -> Result<Json<PolicyAnswer>, ApiError> {
    let PolicyDropQuery { service, version, reason } = query(&here)?;
    let dropped = vec![here.part("setting").into()];
    let (set, lasts, reason) = (PolicyPatch::default(), Lasts::ForGood, reason.into());
    submit(&edge, &here, &write, PolicyWish { service, set, dropped, lasts, reason, version }).await
}

async fn submit<T>(
    edge: &Edge,
    here: &Here,
    write: &Write<T>,
    wish: PolicyWish,
) -> Result<Json<PolicyAnswer>, ApiError> {
    let known = wish.version;
    let action = Action::ChangePolicy(Box::new(wish));
    let answer = edge.submit(&here.venue()?, write, Permission::ConfigureVenue, action).await?;
    match answer.outcome {
        Outcome::PolicyChanged { version } => Ok(Json(PolicyAnswer { version, change: answer.policy })),
        Outcome::Done => Ok(Json(PolicyAnswer { version: known, change: None })),
        _ => Err(ApiError::Internal),
    }
}

fn query<T: DeserializeOwned>(here: &Here) -> Result<T, ApiError> {
    let query = actix_web::web::Query::<T>::from_query(here.0.query_string());
    query.map(actix_web::web::Query::into_inner).map_err(|error| ApiError::QueryInvalid(error.to_string()))
}

fn invalid(service: Option<&callnext_engine::ServiceId>, problems: &[SettingProblem]) -> Refusal {
    let place = service.map(|service| format!("service \"{service}\": ")).unwrap_or_default();
    let told = problems.iter().map(|wrong| format!("{place}policy.{}: {}", wrong.path, wrong.problem));
    Refusal::PolicyInvalid { problems: told.collect() }
}
