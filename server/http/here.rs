//! The names in a request's address, parsed. An address that names nothing possible is simply not found.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use callnext_engine::{CounterId, ServiceId, TicketId, VenueId};

use super::edge::Edge;
use super::error::ApiError;
use crate::access::TicketLink;

/// The request's address.
pub struct Here(pub HttpRequest);

impl Here {
    /// `{venue}`
    pub fn venue(&self) -> Result<VenueId, ApiError> {
        VenueId::parse(self.part("venue")).map_err(|_| ApiError::VenueUnknown)
    }

    /// `{counter}`
    pub fn counter(&self) -> Result<CounterId, ApiError> {
        CounterId::parse(self.part("counter")).map_err(|_| ApiError::NotFound)
    }

    /// `{service}`
    pub fn service(&self) -> Result<ServiceId, ApiError> {
        ServiceId::parse(self.part("service")).map_err(|_| ApiError::NotFound)
    }

    /// `{id}` of a ticket.
    pub fn ticket(&self) -> Result<TicketId, ApiError> {
        let id = self.part("id").parse().map(TicketId).map_err(|_| ApiError::NotFound)?;
        // `+7` and `007` would be the same ticket under other names.
        if id.to_string() == self.part("id") { Ok(id) } else { Err(ApiError::NotFound) }
    }

    /// `{token}` of a phone link, as it was given out; [`Edge::follow`] tells where its ticket is now.
    pub fn link(&self) -> Result<TicketLink, ApiError> {
        let edge = self.0.app_data::<web::Data<Edge>>().ok_or(ApiError::Internal)?;
        edge.access.links().open(self.part("token")).ok_or(ApiError::TokenUnknown)
    }

    /// Another part of the address, as text.
    pub fn part(&self, name: &str) -> &str {
        self.0.match_info().get(name).unwrap_or_default()
    }
}

impl FromRequest for Here {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(request.clone())))
    }
}
