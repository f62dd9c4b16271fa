//! The first account, further accounts, and devices.

use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse, delete, get, post, put};

use super::asker::{Asker, DEVICE_COOKIE};
use super::edge::Edge;
use super::error::ApiError;
use super::here::Here;
use super::sessions::secret_cookie;
use super::write::Write;
use crate::access::{Account, Device, DeviceKind, Permission, Principal, Roles};
use crate::wire::{
    AccountAnswer, AccountList, AccountRequest, DeviceAnswer, DeviceList, DeviceLoginRequest, DeviceRequest,
    SetupRequest,
};

/// Makes the first administrator, by the one-time link printed at the first start.
#[utoipa::path(tag = "accounts", request_body = SetupRequest, responses((status = 201, body = AccountAnswer)))]
#[post("/setup")]
pub(super) async fn set_up(edge: Data<Edge>, write: Write<SetupRequest>) -> Result<HttpResponse, ApiError> {
    let asked = &write.body;
    edge.access.set_up(&asked.token, &asked.user, &asked.password, edge.wall.now()).await?;
    let answer = AccountAnswer { user: asked.user.trim().to_owned(), roles: Roles::administrator().written() };
    Ok(HttpResponse::Created().json(answer))
}

/// All accounts.
#[utoipa::path(tag = "accounts", responses((status = 200, body = AccountList)))]
#[get("/accounts")]
pub(super) async fn list(edge: Data<Edge>, asker: Asker) -> Result<Json<AccountList>, ApiError> {
    asker.must_everywhere(Permission::ManageAccounts)?;
    let accounts = edge.access.list_accounts().into_iter();
    let answer = |account: Account| AccountAnswer { user: account.user.to_string(), roles: account.roles.written() };
    Ok(Json(AccountList { accounts: accounts.map(answer).collect() }))
}

/// Makes an account, or changes its password and roles.
#[utoipa::path(tag = "accounts", request_body = AccountRequest, responses((status = 200, body = AccountAnswer)))]
#[put("/accounts/{user}")]
pub(super) async fn put(
    edge: Data<Edge>,
    here: Here,
    write: Write<AccountRequest>,
) -> Result<Json<AccountAnswer>, ApiError> {
    write.asker.must_everywhere(Permission::ManageAccounts)?;
    let roles = Roles::parse(&write.body.roles, |venue| edge.registry.ids().contains(venue))?;
    let (user, password) = (here.part("user"), write.body.password.as_deref());
    edge.access.put_account(user, password, roles.clone(), edge.wall.now()).await?;
    Ok(Json(AccountAnswer { user: user.trim().to_owned(), roles: roles.written() }))
}

/// Removes an account and ends its logins.
#[utoipa::path(tag = "accounts", responses((status = 204)))]
#[delete("/accounts/{user}")]
pub(super) async fn delete(edge: Data<Edge>, here: Here, asker: Asker) -> Result<HttpResponse, ApiError> {
    asker.must_everywhere(Permission::ManageAccounts)?;
    edge.access.delete_account(here.part("user")).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Lets a browser in as a screen or kiosk; its token then lives in a cookie.
#[utoipa::path(tag = "devices", request_body = DeviceLoginRequest, responses((status = 201, body = DeviceAnswer)))]
#[post("/devices/current")]
pub(super) async fn device_login(
    request: HttpRequest,
    edge: Data<Edge>,
    write: Write<DeviceLoginRequest>,
) -> Result<HttpResponse, ApiError> {
    let principal = edge.access.authenticate(&write.body.token, edge.wall.now()).await;
    let device = principal.as_ref().and_then(device_answer).ok_or(ApiError::Unauthenticated)?;
    let cookie = secret_cookie(&request, DEVICE_COOKIE, write.body.token.clone());
    Ok(HttpResponse::Created().cookie(cookie).json(device))
}

/// Which device this browser is.
#[utoipa::path(tag = "devices", responses((status = 200, body = DeviceAnswer)))]
#[get("/devices/current")]
pub(super) async fn device_current(asker: Asker) -> Result<Json<DeviceAnswer>, ApiError> {
    asker.device().and_then(device_answer).map(Json).ok_or(ApiError::Unauthenticated)
}

/// Makes a screen or kiosk of a venue; its token is told once.
#[utoipa::path(tag = "devices", request_body = DeviceRequest, responses((status = 201, body = DeviceAnswer)))]
#[post("/venues/{venue}/devices")]
pub(super) async fn create_device(
    edge: Data<Edge>,
    here: Here,
    write: Write<DeviceRequest>,
) -> Result<HttpResponse, ApiError> {
    let venue = here.venue()?;
    write.asker.must(Permission::ManageDevices, &venue)?;
    if !edge.registry.ids().contains(&venue) {
        return Err(ApiError::VenueUnknown);
    }
    let kind = DeviceKind::named(&write.body.kind)
        .ok_or_else(|| ApiError::BodyInvalid("kind is neither board nor kiosk".to_owned()))?;
    let (token, device) = edge.access.create_device(&venue, &write.body.name, kind, edge.wall.now()).await?;
    let answer = DeviceAnswer {
        name: device.name.to_string(),
        kind: device.kind.name().to_owned(),
        venue: device.venue.to_string(),
        token: Some(token.reveal().to_owned()),
    };
    Ok(HttpResponse::Created().json(answer))
}

/// The screens and kiosks of a venue.
#[utoipa::path(tag = "devices", responses((status = 200, body = DeviceList)))]
#[get("/venues/{venue}/devices")]
pub(super) async fn list_devices(edge: Data<Edge>, here: Here, asker: Asker) -> Result<Json<DeviceList>, ApiError> {
    let venue = here.venue()?;
    asker.must(Permission::ManageDevices, &venue)?;
    let devices = edge.access.list_devices(&venue).into_iter();
    let answer = |device: Device| DeviceAnswer {
        name: device.name.to_string(),
        kind: device.kind.name().to_owned(),
        venue: device.venue.to_string(),
        token: None,
    };
    Ok(Json(DeviceList { devices: devices.map(answer).collect() }))
}

/// Shuts a screen or kiosk out.
#[utoipa::path(tag = "devices", responses((status = 204)))]
#[delete("/venues/{venue}/devices/{name}")]
pub(super) async fn delete_device(edge: Data<Edge>, here: Here, asker: Asker) -> Result<HttpResponse, ApiError> {
    let venue = here.venue()?;
    asker.must(Permission::ManageDevices, &venue)?;
    edge.access.delete_device(&venue, here.part("name")).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn device_answer(principal: &Principal) -> Option<DeviceAnswer> {
    let Principal::Device { name, kind, venue } = principal else { return None };
    Some(DeviceAnswer { name: name.to_string(), kind: kind.name().to_owned(), venue: venue.to_string(), token: None })
}
