//! Moving one ticket: to another service or venue, and from step to step.

use actix_web::web::{Data, Json};
use actix_web::{post, put};
use callnext_engine::command::Sending;
use callnext_engine::step::Step;
use callnext_engine::{Action, VenueId};

use super::edge::Edge;
use super::error::ApiError;
use super::here::Here;
use super::tickets::one;
use super::write::Write;
use crate::access::Permission;
use crate::wire::{ReasonRequest, StepRequest, StepsRequest, TicketAnswer, TransferRequest};

/// To another service or another venue, keeping number, history and waiting time (R6, R7). To another venue the
/// ticket is on its way (`transferring`) until that venue has answered; if it says no, the ticket is back in its
/// place with a `note`.
#[utoipa::path(tag = "tickets", request_body = TransferRequest, responses((status = 200, body = TicketAnswer)))]
#[post("/venues/{venue}/tickets/{id}/transfers")]
pub(super) async fn transfer(
    edge: Data<Edge>,
    here: Here,
    write: Write<TransferRequest>,
) -> Result<Json<TicketAnswer>, ApiError> {
    let (venue, ticket, asked) = (here.venue()?, here.ticket()?, &write.body);
    if asked.urgency.is_some() {
        write.asker.must(Permission::GrantGreenChannel, &venue)?;
    }
    let (service, reason, urgency) = (asked.service.clone(), asked.reason.as_str().into(), asked.urgency);
    let wants = asked.counter.clone();
    let Some(to) = asked.venue.clone().filter(|to| *to != venue) else {
        let action = Action::Transfer { ticket, service, reason, wants, urgency };
        return one(edge.submit(&venue, &write, Permission::Transfer, action).await?);
    };
    write.asker.must(Permission::Transfer, &venue)?;
    would_take(&edge, &to, asked).await?;
    let action = Action::Send(Box::new(Sending { ticket, venue: to, service, wants, reason, urgency }));
    let answer = edge.submit(&venue, &write, Permission::Transfer, action).await?;
    edge.bell.ring();
    one(answer)
}

/// Asks the other venue first, so that a plain no is heard at once; the answer that counts is given on arrival.
async fn would_take(edge: &Edge, to: &VenueId, asked: &TransferRequest) -> Result<(), ApiError> {
    let (service, wants) = (asked.service.clone(), asked.counter.clone());
    let joins = edge.registry.look(to, move |shown| shown.venue().can_join(&service, wants.as_ref()));
    Ok(joins.await??)
}

/// Sets what is still to be done after the present step: appended, left out, in another order (G10).
#[utoipa::path(tag = "tickets", request_body = StepsRequest, responses((status = 200, body = TicketAnswer)))]
#[put("/venues/{venue}/tickets/{id}/steps")]
pub(super) async fn set_steps(
    edge: Data<Edge>,
    here: Here,
    write: Write<StepsRequest>,
) -> Result<Json<TicketAnswer>, ApiError> {
    let (steps, reason) = (write.body.steps.iter().map(step).collect(), write.body.reason.as_str().into());
    let action = Action::SetSteps { ticket: here.ticket()?, steps, reason };
    one(edge.submit(&here.venue()?, &write, Permission::Transfer, action).await?)
}

/// Leaves out the present step and goes on to the next; the waiting time goes along (G10).
#[utoipa::path(tag = "tickets", request_body = ReasonRequest, responses((status = 200, body = TicketAnswer)))]
#[post("/venues/{venue}/tickets/{id}/skips")]
pub(super) async fn skip_step(
    edge: Data<Edge>,
    here: Here,
    write: Write<ReasonRequest>,
) -> Result<Json<TicketAnswer>, ApiError> {
    let reason = write.body.reason.as_deref().unwrap_or_default().into();
    let action = Action::SkipStep { ticket: here.ticket()?, reason };
    one(edge.submit(&here.venue()?, &write, Permission::Transfer, action).await?)
}

/// A step, as the engine knows it.
pub(super) fn step(asked: &StepRequest) -> Step {
    Step { service: asked.service.clone(), wants: asked.counter.clone() }
}
