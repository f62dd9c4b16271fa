//! Counters: one press for next, and what follows at the counter.

use actix_web::web::{Data, Json};
use actix_web::{post, put};
use callnext_engine::Action;
use callnext_engine::command::Reason;
use callnext_engine::venue::Outcome;

use super::edge::Edge;
use super::error::ApiError;
use super::here::Here;
use super::tickets::one;
use super::write::Write;
use crate::access::{Permission, Principal};
use crate::venues::Answer;
use crate::wire::{CallAnswer, CallRequest, CounterAnswer, CounterRequest, EmptyRequest, TicketAnswer, WhyAnswer};

/// Calls whoever is next, or this one for a reason. Completes what the counter was doing.
#[utoipa::path(tag = "counters", request_body = CallRequest, responses((status = 200, body = CallAnswer)))]
#[post("/venues/{venue}/counters/{counter}/calls")]
pub(super) async fn make_call(
    edge: Data<Edge>,
    here: Here,
    write: Write<CallRequest>,
) -> Result<Json<CallAnswer>, ApiError> {
    let counter = here.counter()?;
    let reason =
        Reason { code: write.body.code.clone(), text: write.body.reason.as_deref().unwrap_or_default().into() };
    let (permission, action) = match write.body.ticket {
        None => (Permission::CallNext, Action::CallNext { counter }),
        Some(ticket) => (Permission::CallByHand, Action::CallTicket { counter, ticket, reason }),
    };
    let answer = work(&edge, &here, &write, permission, action).await?;
    // The same key stands for the same reason: it need not be looked for.
    let given = write.body.ticket.and(write.body.reason);
    Ok(Json(called(answer, given)))
}

/// Calls the present ticket again.
#[utoipa::path(tag = "counters", request_body = EmptyRequest, responses((status = 200, body = TicketAnswer)))]
#[post("/venues/{venue}/counters/{counter}/recalls")]
pub(super) async fn recall(
    edge: Data<Edge>,
    here: Here,
    write: Write<EmptyRequest>,
) -> Result<Json<TicketAnswer>, ApiError> {
    let action = Action::Recall { counter: here.counter()? };
    one(work(&edge, &here, &write, Permission::ServeCounter, action).await?)
}

/// The person has come.
#[utoipa::path(tag = "counters", request_body = EmptyRequest, responses((status = 200, body = TicketAnswer)))]
#[post("/venues/{venue}/counters/{counter}/starts")]
pub(super) async fn start(
    edge: Data<Edge>,
    here: Here,
    write: Write<EmptyRequest>,
) -> Result<Json<TicketAnswer>, ApiError> {
    let action = Action::Start { counter: here.counter()? };
    one(work(&edge, &here, &write, Permission::ServeCounter, action).await?)
}

/// The person has been served.
#[utoipa::path(tag = "counters", request_body = EmptyRequest, responses((status = 200, body = TicketAnswer)))]
#[post("/venues/{venue}/counters/{counter}/completions")]
pub(super) async fn complete(
    edge: Data<Edge>,
    here: Here,
    write: Write<EmptyRequest>,
) -> Result<Json<TicketAnswer>, ApiError> {
    let action = Action::Complete { counter: here.counter()? };
    one(work(&edge, &here, &write, Permission::ServeCounter, action).await?)
}

/// The person did not come: after the grace and the recalls the service asks for, never before their own slot (C1).
#[utoipa::path(tag = "counters", request_body = EmptyRequest, responses((status = 200, body = TicketAnswer)))]
#[post("/venues/{venue}/counters/{counter}/misses")]
pub(super) async fn miss(
    edge: Data<Edge>,
    here: Here,
    write: Write<EmptyRequest>,
) -> Result<Json<TicketAnswer>, ApiError> {
    let action = Action::Miss { counter: here.counter()? };
    one(work(&edge, &here, &write, Permission::ServeCounter, action).await?)
}

/// Opens, pauses or closes a counter, and sets what it serves.
#[utoipa::path(tag = "counters", request_body = CounterRequest, responses((status = 200, body = CounterAnswer)))]
#[put("/venues/{venue}/counters/{counter}")]
pub(super) async fn set(
    edge: Data<Edge>,
    here: Here,
    write: Write<CounterRequest>,
) -> Result<Json<CounterAnswer>, ApiError> {
    let (state, services) = (write.body.state, write.body.services.clone());
    let action = Action::SetCounter { counter: here.counter()?, state, services };
    let answer = work(&edge, &here, &write, Permission::SetCounter, action).await?;
    Ok(Json(CounterAnswer { counter: answer.counter.ok_or(ApiError::Internal)? }))
}

async fn work<T>(
    edge: &Edge,
    here: &Here,
    write: &Write<T>,
    permission: Permission,
    action: Action,
) -> Result<Answer, ApiError> {
    let answer = edge.submit(&here.venue()?, write, permission, action).await?;
    if let (Some(demo), Some(Principal::Staff { user, .. })) = (&edge.demo, write.asker.staff()) {
        (demo.works)(user.as_str());
    }
    Ok(answer)
}

fn called(answer: Answer, reason: Option<String>) -> CallAnswer {
    let ticket = answer.tickets.into_iter().next();
    match answer.outcome {
        Outcome::Called { call, rule, .. } => CallAnswer {
            call: Some(call.0),
            why: ticket.as_ref().map(|ticket| WhyAnswer { rule, lane: ticket.lane, reason }),
            ticket,
        },
        _ => CallAnswer { ticket: None, call: None, why: None },
    }
}
