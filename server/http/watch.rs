//! What each kind of socket watches: a board, a phone, a console.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use actix::Addr;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use bytestring::ByteString;
use callnext_engine::{ServiceId, VenueId};

use super::asker::{Asker, tokens};
use super::edge::Edge;
use super::error::ApiError;
use super::here::Here;
use super::socket::{Heard, Out, Talk, open};
use super::write::ByName;
use crate::access::Permission;
use crate::venues::{Audience, Hub, Join, Publication, Shown, Viewer};
use crate::wire::{ClientFrame, ErrorFrame, rfc3339};

/// Whether the server is going down, and the sockets to tell.
#[derive(Clone, Default)]
pub struct Closing(Arc<State>);

#[derive(Default)]
struct State {
    begun: AtomicBool,
    open: Mutex<std::collections::BTreeMap<u64, Out>>,
    next: std::sync::atomic::AtomicU64,
}

impl Closing {
    /// Whether it has begun.
    pub fn has_begun(&self) -> bool {
        self.0.begun.load(Ordering::Relaxed)
    }

    /// Begins: no new sockets from now on. Returns how many are open.
    pub fn begin(&self) -> usize {
        self.0.begun.store(true, Ordering::Relaxed);
        self.open().len()
    }

    /// Tells up to `most` sockets to come back elsewhere; returns how many are left.
    pub fn close_some(&self, most: usize) -> usize {
        let mut open = self.open();
        for _ in 0..most {
            let Some((_, out)) = open.pop_first() else { break };
            out.restart();
        }
        open.len()
    }

    fn add(&self, out: Out) -> u64 {
        let key = self.0.next.fetch_add(1, Ordering::Relaxed);
        self.open().insert(key, out);
        key
    }

    fn remove(&self, key: u64) {
        self.open().remove(&key);
    }

    fn open(&self) -> std::sync::MutexGuard<'_, std::collections::BTreeMap<u64, Out>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `GET /ws/v1/venues/{venue}/board?services=a,b`
pub async fn board(
    request: HttpRequest,
    payload: Payload,
    edge: Data<Edge>,
    hub: Data<Addr<Hub>>,
    asker: Asker,
) -> Result<HttpResponse, actix_web::Error> {
    let venue = Here(request.clone()).venue()?;
    let filter = services(&request)?;
    let seen = edge.registry.look(&venue, Shown::current).await.map_err(ApiError::from)?;
    let needs = (!seen.config.public_board).then_some(Permission::SeeBoard);
    if let Some(permission) = needs {
        asker.must(permission, &venue)?;
    }
    if let Some(unknown) = filter.iter().find(|id| seen.config.service(id).is_none()) {
        return Err(ApiError::ServiceUnknown(unknown.to_string()).into());
    }
    let first = seen.board_frame(&filter);
    watch(&request, payload, &edge, &hub, Start { audience: Audience::Board(filter), needs, seen, first })
}

/// `GET /ws/v1/venues/{venue}/console`
pub async fn console(
    request: HttpRequest,
    payload: Payload,
    edge: Data<Edge>,
    hub: Data<Addr<Hub>>,
    asker: Asker,
) -> Result<HttpResponse, actix_web::Error> {
    let venue = Here(request.clone()).venue()?;
    asker.must(Permission::SeeQueue, &venue)?;
    let now = edge.registry.look(&venue, |shown| (shown.current(), shown.console_frame())).await;
    let (seen, first) = now.map_err(ApiError::from)?;
    let needs = Some(Permission::SeeQueue);
    watch(&request, payload, &edge, &hub, Start { audience: Audience::Console, needs, seen, first })
}

/// `GET /ws/v1/tickets/{token}`
pub async fn phone(
    request: HttpRequest,
    payload: Payload,
    edge: Data<Edge>,
    hub: Data<Addr<Hub>>,
) -> Result<HttpResponse, actix_web::Error> {
    let link = edge.follow(Here(request.clone()).link()?).await?;
    let ticket = link.ticket;
    let now = edge.registry.look(&link.venue, move |shown| shown.card_frame(ticket)).await.map_err(ApiError::from)?;
    let (first, facts, seen) = now.ok_or(ApiError::TokenUnknown)?;
    let audience = Audience::Phone(ticket, Box::new(facts));
    watch(&request, payload, &edge, &hub, Start { audience, needs: None, seen, first })
}

fn services(request: &HttpRequest) -> Result<Vec<ServiceId>, ApiError> {
    let query = request.uri().query().unwrap_or_default();
    let Some(list) = query.split('&').find_map(|pair| pair.strip_prefix("services=")) else { return Ok(Vec::new()) };
    let list = list.replace("%2C", ",").replace("%2c", ",");
    let ids = list.split(',').filter(|id| !id.is_empty());
    let mut ids = ids
        .map(|id| ServiceId::parse(id).map_err(|_| ApiError::ServiceUnknown(id.chars().take(40).collect())))
        .collect::<Result<Vec<_>, _>>()?;
    // The same services in another order are the same audience.
    ids.sort();
    ids.dedup();
    Ok(ids)
}

/// What a socket begins with.
struct Start {
    audience: Audience,
    /// What it must be allowed; none where anybody may watch.
    needs: Option<Permission>,
    seen: Arc<Publication>,
    first: ByteString,
}

fn watch(
    request: &HttpRequest,
    payload: Payload,
    edge: &Data<Edge>,
    hub: &Data<Addr<Hub>>,
    start: Start,
) -> Result<HttpResponse, actix_web::Error> {
    if edge.closing.has_begun() {
        return Err(ApiError::Unavailable.into());
    }
    let Start { audience, needs, seen, first } = start;
    let kind = match &audience {
        Audience::Board(_) => "board",
        Audience::Phone(..) => "phone",
        Audience::Console => "console",
    };
    let watcher = Watcher {
        edge: edge.clone(),
        hub: hub.get_ref().clone(),
        venue: seen.venue.clone(),
        audience,
        pass: needs.map(|permission| (permission, tokens(request).into())),
        kind,
        start: Some((seen, first)),
        joined: Arc::default(),
        closing: None,
    };
    open(request, payload, Box::new(watcher))
}

/// One viewer's side of its socket.
struct Watcher {
    edge: Data<Edge>,
    hub: Addr<Hub>,
    venue: VenueId,
    audience: Audience,
    /// What it must be allowed, and by which tokens; none where anybody may watch.
    pass: Option<(Permission, Arc<[String]>)>,
    kind: &'static str,
    /// The publication and the frame to begin with.
    start: Option<(Arc<Publication>, ByteString)>,
    /// The name the hub gave it.
    joined: Arc<Mutex<Joined>>,
    closing: Option<u64>,
}

#[derive(Default)]
enum Joined {
    #[default]
    OnTheWay,
    As(u64),
    LeftBefore,
}

impl Talk for Watcher {
    fn opened(&mut self, out: Out) {
        self.edge.metrics.viewer_came(self.kind);
        self.closing = Some(self.edge.closing.add(out.clone()));
        let Some((seen, first)) = self.start.take() else { return };
        out.send(first);
        let join = Join { venue: self.venue.clone(), audience: self.audience.clone(), viewer: Box::new(out), seen };
        let (hub, venue, joined) = (self.hub.clone(), self.venue.clone(), self.joined.clone());
        actix::spawn(async move {
            let Ok(key) = hub.send(join).await else { return };
            let mut joined = joined.lock().unwrap_or_else(PoisonError::into_inner);
            if matches!(*joined, Joined::LeftBefore) {
                drop(joined);
                Hub::leave(&hub, venue, key);
            } else {
                *joined = Joined::As(key);
            }
        });
    }

    fn heard(&mut self, text: &str, out: Out) -> Heard {
        let Ok(ByName(ClientFrame::Resume { epoch, seq })) = serde_json::from_str(text) else {
            return Heard::Refuse(self.not_understood());
        };
        if self.audience == Audience::Console {
            let (edge, venue) = (self.edge.clone(), self.venue.clone());
            actix::spawn(async move {
                match edge.registry.look(&venue, move |shown| shown.resume(&epoch, seq)).await {
                    // What does not fit is noticed as a gap, and asked for again.
                    Ok(frames) => {
                        let _all = frames.into_iter().all(|frame| out.send(frame));
                    }
                    // The venue is away; its next frame will show the gap again.
                    Err(error) => tracing::debug!(%error, "a console cannot resume yet"),
                }
            });
        } else if let Joined::As(key) = *self.joined.lock().unwrap_or_else(PoisonError::into_inner) {
            Hub::resend(&self.hub, self.venue.clone(), key);
        }
        Heard::GoOn
    }

    /// A login that ended, or a device that was shut out, watches no longer.
    fn went_on(&mut self, out: Out) {
        let Some((permission, tokens)) = self.pass.clone() else { return };
        let (edge, venue) = (self.edge.clone(), self.venue.clone());
        actix::spawn(async move {
            for token in tokens.iter() {
                let known = edge.access.authenticate(token, edge.wall.now()).await;
                if known.is_some_and(|principal| principal.may(permission, &venue)) {
                    return;
                }
            }
            out.refuse();
        });
    }

    fn closed(&mut self) {
        self.edge.metrics.viewer_left(self.kind);
        if let Some(key) = self.closing.take() {
            self.edge.closing.remove(key);
        }
        let mut joined = self.joined.lock().unwrap_or_else(PoisonError::into_inner);
        if let Joined::As(key) = *joined {
            Hub::leave(&self.hub, self.venue.clone(), key);
        } else {
            *joined = Joined::LeftBefore;
        }
    }
}

impl Watcher {
    fn not_understood(&self) -> ByteString {
        let frame = ErrorFrame {
            kind: "error".to_owned(),
            epoch: String::new(),
            seq: 0,
            at: rfc3339(self.edge.clock.now()),
            code: "frame_invalid".to_owned(),
            detail: "send {\"type\":\"resume\",\"epoch\":…,\"seq\":…} or nothing".to_owned(),
        };
        serde_json::to_string(&frame).unwrap_or_default().into()
    }
}
