//! Tickets: taking a number, adding one beyond the quota, and what staff do with them.

use std::sync::Arc;

use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, post, put};
use callnext_engine::command::Reason;
use callnext_engine::step::Step;
use callnext_engine::ticket::{Urgency, Visitor};
use callnext_engine::{Action, Actor, Command, Lane, VenueId};

use super::edge::{Edge, key_space};
use super::error::ApiError;
use super::here::Here;
use super::moves::step;
use super::write::Write;
use crate::access::{Permission, Principal};
use crate::venues::Answer;
use crate::wire::{
    ApproverRequest, ClassRequest, GreenChannelRequest, OverflowRequest, ReasonRequest, TicketAnswer, TicketIssued,
    TicketRequest,
};

/// Takes a number. For kiosks and staff; for everybody where the venue lets people join by phone.
#[utoipa::path(tag = "tickets", request_body = TicketRequest, responses((status = 201, body = TicketIssued)))]
#[post("/venues/{venue}/tickets")]
pub(super) async fn take(edge: Data<Edge>, here: Here, write: Write<TicketRequest>) -> Result<HttpResponse, ApiError> {
    let venue = here.venue()?;
    let asked = &write.body;
    let lane = asked.lane.unwrap_or(Lane::WalkIn);
    let permission = if lane == Lane::WalkIn { Permission::TakeTicket } else { Permission::AddOverflow };
    let visitor = Visitor {
        name: text(asked.name.as_deref()),
        phone: text(asked.phone.as_deref()),
        reference: asked.visitor.as_deref().and_then(|identity| edge.access.links().visitor_reference(identity)),
        language: asked.language,
        class: asked.class.clone(),
    };
    if asked.slot && (lane != Lane::WalkIn || !asked.steps.is_empty()) {
        return Err(ApiError::BodyInvalid(
            "`slot` goes with no other lane than `walk_in`, and with no `steps`".to_owned(),
        ));
    }
    let (service, wants) = (asked.service.clone(), asked.counter.clone());
    let action = if asked.slot {
        Action::TakeSlot { service, visitor, wants }
    } else if asked.steps.is_empty() {
        Action::TakeTicket { service, lane, visitor, wants }
    } else {
        let steps = std::iter::once(Step { service, wants }).chain(asked.steps.iter().map(step)).collect();
        Action::TakeVisit { steps, lane, visitor }
    };
    let answer = match write.asker.must(permission, &venue) {
        Ok(_) => edge.submit(&venue, &write, permission, action).await?,
        Err(refused) => {
            let open = edge.registry.look(&venue, |shown| shown.venue().config().join_by_phone).await?;
            if lane != Lane::WalkIn || !asked.steps.is_empty() {
                return Err(refused);
            }
            if !open {
                return Err(match refused {
                    ApiError::Unauthenticated => ApiError::JoinNotAllowed,
                    other => other,
                });
            }
            // Strangers share a key space, so their keys must be theirs alone: clients draw them at random.
            let id = write.command_id(key_space(&Principal::Anonymous));
            edge.registry.submit(&venue, Command { id, by: Actor::Public, action }).await?
        }
    };
    issued(&edge, &here, &venue, answer)
}

/// Adds an overflow number (加号), with a reason and who answers for it (R5, B3).
#[utoipa::path(tag = "tickets", request_body = OverflowRequest, responses((status = 201, body = TicketIssued)))]
#[post("/venues/{venue}/overflows")]
pub(super) async fn overflow(
    edge: Data<Edge>,
    here: Here,
    mut write: Write<OverflowRequest>,
) -> Result<HttpResponse, ApiError> {
    let venue = here.venue()?;
    // Nobody tries passwords here who could not use them.
    let asker = write.asker.must(Permission::AddOverflow, &venue)?;
    let approval = match write.body.approver.take() {
        None => asker.approval(&venue),
        Some(ApproverRequest { user, password }) => {
            write.told_by(&format!("{} {user}", here.0.path()));
            edge.access.vouch(&user, &password, edge.wall.now()).await?.approval(&venue)
        }
    };
    let asked = &write.body;
    let action = Action::AddOverflow {
        service: asked.service.clone(),
        visitor: Visitor { name: text(asked.name.as_deref()), ..Visitor::default() },
        reason: Reason { code: asked.code.clone(), text: asked.reason.as_str().into() },
        approved_by: asked.approved_by.as_str().into(),
        note: text(asked.note.as_deref()),
        approval,
    };
    let answer = edge.submit(&venue, &write, Permission::AddOverflow, action).await?;
    issued(&edge, &here, &venue, answer)
}

/// Away for tests (B11).
#[utoipa::path(tag = "tickets", request_body = ReasonRequest, responses((status = 200, body = TicketAnswer)))]
#[post("/venues/{venue}/tickets/{id}/holds")]
pub(super) async fn hold(
    edge: Data<Edge>,
    here: Here,
    write: Write<ReasonRequest>,
) -> Result<Json<TicketAnswer>, ApiError> {
    let action = Action::Hold { ticket: here.ticket()?, reason: needed(&write.body) };
    one(edge.submit(&here.venue()?, &write, Permission::Hold, action).await?)
}

/// Back from tests (B11).
#[utoipa::path(tag = "tickets", request_body = ReasonRequest, responses((status = 200, body = TicketAnswer)))]
#[post("/venues/{venue}/tickets/{id}/returns")]
pub(super) async fn bring_back(
    edge: Data<Edge>,
    here: Here,
    write: Write<ReasonRequest>,
) -> Result<Json<TicketAnswer>, ApiError> {
    let action = Action::Return { ticket: here.ticket()? };
    one(edge.submit(&here.venue()?, &write, Permission::Return, action).await?)
}

/// Reported again after a miss (C1).
#[utoipa::path(tag = "tickets", request_body = ReasonRequest, responses((status = 200, body = TicketAnswer)))]
#[post("/venues/{venue}/tickets/{id}/requeues")]
pub(super) async fn requeue(
    edge: Data<Edge>,
    here: Here,
    write: Write<ReasonRequest>,
) -> Result<Json<TicketAnswer>, ApiError> {
    let action = Action::Requeue { ticket: here.ticket()?, reason: needed(&write.body) };
    one(edge.submit(&here.venue()?, &write, Permission::Requeue, action).await?)
}

/// Takes a ticket out.
#[utoipa::path(tag = "tickets", request_body = ReasonRequest, responses((status = 200, body = TicketAnswer)))]
#[post("/venues/{venue}/tickets/{id}/cancellations")]
pub(super) async fn cancel(
    edge: Data<Edge>,
    here: Here,
    write: Write<ReasonRequest>,
) -> Result<Json<TicketAnswer>, ApiError> {
    let action = Action::Cancel { ticket: here.ticket()?, reason: Some(needed(&write.body)) };
    one(edge.submit(&here.venue()?, &write, Permission::Cancel, action).await?)
}

/// Says to which class of the service the person belongs (E1).
#[utoipa::path(tag = "tickets", request_body = ClassRequest, responses((status = 200, body = TicketAnswer)))]
#[put("/venues/{venue}/tickets/{id}/class")]
pub(super) async fn classify(
    edge: Data<Edge>,
    here: Here,
    write: Write<ClassRequest>,
) -> Result<Json<TicketAnswer>, ApiError> {
    let action = Action::Classify { ticket: here.ticket()?, class: write.body.class.clone() };
    one(edge.submit(&here.venue()?, &write, Permission::Classify, action).await?)
}

/// Grants precedence, with a reason on record (R3, R10).
#[utoipa::path(tag = "tickets", request_body = GreenChannelRequest, responses((status = 200, body = TicketAnswer)))]
#[post("/venues/{venue}/tickets/{id}/green_channel")]
pub(super) async fn green_channel(
    edge: Data<Edge>,
    here: Here,
    write: Write<GreenChannelRequest>,
) -> Result<Json<TicketAnswer>, ApiError> {
    let action = Action::GrantGreenChannel {
        ticket: here.ticket()?,
        urgency: write.body.urgency.unwrap_or(Urgency::GreenChannel),
        reason: Reason { code: write.body.code.clone(), text: write.body.reason.as_str().into() },
    };
    one(edge.submit(&here.venue()?, &write, Permission::GrantGreenChannel, action).await?)
}

/// The answer to whoever took a number.
pub(super) fn issued(edge: &Edge, here: &Here, venue: &VenueId, answer: Answer) -> Result<HttpResponse, ApiError> {
    let row = answer.tickets.into_iter().next().ok_or(ApiError::Internal)?;
    let ticket = callnext_engine::TicketId(row.id);
    let token = edge.access.links().token(venue, ticket).reveal().to_owned();
    let url = format!("{}/t/{token}", edge.base_url(&here.0));
    let card = answer.card.ok_or(ApiError::Internal)?;
    Ok(HttpResponse::Created().json(TicketIssued { id: row.id, number: row.number, token, url, card }))
}

/// The answer about one ticket.
pub(super) fn one(answer: Answer) -> Result<Json<TicketAnswer>, ApiError> {
    let ticket = answer.tickets.into_iter().next().ok_or(ApiError::Internal)?;
    Ok(Json(TicketAnswer { ticket }))
}

/// An optional text: blank is as good as none.
pub(super) fn text(given: Option<&str>) -> Option<Arc<str>> {
    given.map(str::trim).filter(|text| !text.is_empty()).map(Into::into)
}

/// A reason where people could ask why.
fn needed(body: &ReasonRequest) -> Arc<str> {
    // An empty reason is the engine's to refuse.
    body.reason.as_deref().unwrap_or_default().into()
}
