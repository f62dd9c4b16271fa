//! Who asks: a bearer token, or the cookies of a browser that logged in or was paired.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use callnext_engine::VenueId;
use futures_util::future::LocalBoxFuture;

use super::edge::Edge;
use super::error::ApiError;
use crate::access::{Permission, Principal};

/// Cookie of a staff login.
pub const STAFF_COOKIE: &str = "callnext_session";
/// Cookie of a paired screen or kiosk.
pub const DEVICE_COOKIE: &str = "callnext_device";

/// Everybody a request can speak for: a browser may be both a kiosk and somebody's login.
#[derive(Debug, Clone)]
pub struct Asker {
    principals: Vec<Principal>,
}

impl Asker {
    /// Whoever of them may do this; a problem if nobody may.
    pub fn must(&self, permission: Permission, venue: &VenueId) -> Result<Principal, ApiError> {
        match self.principals.iter().find(|principal| principal.may(permission, venue)) {
            Some(principal) => Ok(principal.clone()),
            None if self.principals.is_empty() => Err(ApiError::Unauthenticated),
            None => Err(ApiError::Forbidden),
        }
    }

    /// Whoever of them may do this on the whole server.
    pub fn must_everywhere(&self, permission: Permission) -> Result<Principal, ApiError> {
        match self.principals.iter().find(|principal| principal.may_everywhere(permission)) {
            Some(principal) => Ok(principal.clone()),
            None if self.principals.is_empty() => Err(ApiError::Unauthenticated),
            None => Err(ApiError::Forbidden),
        }
    }

    /// The staff login among them.
    pub fn staff(&self) -> Option<&Principal> {
        self.principals.iter().find(|principal| matches!(principal, Principal::Staff { .. }))
    }

    /// The device among them.
    pub fn device(&self) -> Option<&Principal> {
        self.principals.iter().find(|principal| matches!(principal, Principal::Device { .. }))
    }
}

/// The secrets a request carries, most deliberate first.
pub fn tokens(request: &HttpRequest) -> Vec<String> {
    let bearer = request.headers().get("Authorization").and_then(|value| value.to_str().ok());
    if let Some(token) = bearer.and_then(|value| value.strip_prefix("Bearer ")) {
        return vec![token.trim().to_owned()];
    }
    let cookie = |name| request.cookie(name).map(|cookie| cookie.value().to_owned());
    [STAFF_COOKIE, DEVICE_COOKIE].into_iter().filter_map(cookie).collect()
}

impl FromRequest for Asker {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        if let Some(known) = request.extensions().get::<Self>() {
            let known = known.clone();
            return Box::pin(async move { Ok(known) });
        }
        let request = request.clone();
        Box::pin(async move {
            let edge = request.app_data::<web::Data<Edge>>().ok_or(ApiError::Internal)?;
            let mut principals = Vec::new();
            for token in tokens(&request) {
                if let Some(principal) = edge.access.authenticate(&token, edge.wall.now()).await {
                    principals.push(principal);
                }
            }
            let asker = Self { principals };
            request.extensions_mut().insert(asker.clone());
            Ok(asker)
        })
    }
}
