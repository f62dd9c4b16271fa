//! What each kind of socket watches: a board, a phone, a console.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use bytestring::ByteString;
use callnext_engine::{ServiceId, VenueId};

use super::asker::{Asker, tokens};
use super::edge::Edge;
use super::error::ApiError;
use super::handover::{can_hand_over, hand_over};
use super::here::Here;
use super::porter::{AskPass, Join, Porter};
use super::socket::{Heard, Out, Talk, open};
use super::write::ByName;
use crate::access::Permission;
use crate::clock::Clock;
use crate::venues::{Audience, Frame, Publication, Shown, Sight, ViewerKey, Watch};
use crate::wire::{ClientFrame, ErrorFrame, rfc3339};

/// Whether the server is going down, and who is to tell the sockets.
#[derive(Clone, Default)]
pub struct Closing(Arc<State>);

#[derive(Default)]
struct State {
    begun: AtomicBool,
    porters: RwLock<Vec<Porter>>,
}

impl Closing {
    /// Adds a porter that is to be told.
    pub fn add(&self, porter: Porter) {
        self.0.porters.write().unwrap_or_else(PoisonError::into_inner).push(porter);
    }

    /// Whether it has begun.
    pub fn has_begun(&self) -> bool {
        self.0.begun.load(Ordering::Relaxed)
    }

    /// Begins: no new sockets from now on. Returns how many are open.
    pub fn begin(&self) -> usize {
        self.0.begun.store(true, Ordering::Relaxed);
        self.porters().iter().map(Porter::open).sum()
    }

    /// Tells up to `most` sockets to come back elsewhere; returns how many were left before that.
    pub fn close_some(&self, most: usize) -> usize {
        let porters = self.porters();
        let each = most.div_ceil(porters.len().max(1));
        porters
            .iter()
            .map(|porter| {
                let open = porter.open();
                porter.send_away(each);
                open
            })
            .sum()
    }

    /// Ends whatever is still open.
    pub fn end(&self) {
        self.porters().iter().for_each(Porter::stop);
    }

    fn porters(&self) -> Vec<Porter> {
        self.0.porters.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// `GET /ws/v1/venues/{venue}/board?services=a,b`
pub async fn board(
    request: HttpRequest,
    payload: Payload,
    edge: Data<Edge>,
    porter: Data<Porter>,
    asker: Asker,
) -> Result<HttpResponse, actix_web::Error> {
    let venue = Here(request.clone()).venue()?;
    let filter = services(&request)?;
    let _opening = edge.admission.admit()?;
    let seen = edge.registry.look(&venue, Shown::current).await.map_err(ApiError::from)?;
    let needs = (!seen.config.public_board).then_some(Permission::SeeBoard);
    if let Some(permission) = needs {
        asker.must(permission, &venue)?;
    }
    if let Some(unknown) = filter.iter().find(|id| seen.config.service(id).is_none()) {
        return Err(ApiError::ServiceUnknown(unknown.to_string()).into());
    }
    let audience = Audience::Board(filter);
    watch(&request, payload, &edge, &porter, Start { audience, needs, seen, first: None, watch: None })
}

/// `GET /ws/v1/venues/{venue}/console`
pub async fn console(
    request: HttpRequest,
    payload: Payload,
    edge: Data<Edge>,
    porter: Data<Porter>,
    asker: Asker,
) -> Result<HttpResponse, actix_web::Error> {
    let venue = Here(request.clone()).venue()?;
    asker.must(Permission::SeeQueue, &venue)?;
    let watching = edge.registry.watched().watch(&venue, Sight::Console);
    let now = edge.registry.look(&venue, |shown| (shown.current(), shown.console_frame())).await;
    let (seen, first) = now.map_err(ApiError::from)?;
    let (needs, first) = (Some(Permission::SeeQueue), Some(first.text()));
    let start = Start { audience: Audience::Console, needs, seen, first, watch: Some(watching) };
    watch(&request, payload, &edge, &porter, start)
}

/// `GET /ws/v1/tickets/{token}`
pub async fn phone(
    request: HttpRequest,
    payload: Payload,
    edge: Data<Edge>,
    porter: Data<Porter>,
) -> Result<HttpResponse, actix_web::Error> {
    let link = edge.follow(Here(request.clone()).link()?).await?;
    let ticket = link.ticket;
    let _opening = edge.admission.admit()?;
    let watching = edge.registry.watched().watch(&link.venue, Sight::Card(ticket));
    let now = edge.registry.look(&link.venue, move |shown| shown.card(ticket)).await.map_err(ApiError::from)?;
    let (facts, seen) = now.ok_or(ApiError::TokenUnknown)?;
    let audience = Audience::Phone(ticket, Box::new(facts));
    let start = Start { audience, needs: None, seen, first: None, watch: Some(watching) };
    watch(&request, payload, &edge, &porter, start)
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
    /// The first frame, where it is not what the publication shows.
    first: Option<ByteString>,
    watch: Option<Watch>,
}

fn watch(
    request: &HttpRequest,
    payload: Payload,
    edge: &Data<Edge>,
    porter: &Data<Porter>,
    start: Start,
) -> Result<HttpResponse, actix_web::Error> {
    if edge.closing.has_begun() {
        return Err(ApiError::Unavailable.into());
    }
    let Start { audience, needs, seen, first, watch } = start;
    let kind = match &audience {
        Audience::Board(_) => "board",
        Audience::Phone(..) => "phone",
        Audience::Console => "console",
    };
    let pass = needs.map(|permission| Pass {
        edge: edge.clone(),
        venue: seen.venue.clone(),
        permission,
        tokens: tokens(request).into(),
    });
    let is_console = audience == Audience::Console;
    let pass = pass.map(|pass| pass.asked(porter));
    let join = Join { audience, seen, kind, was_shown: first.is_some(), pass, watch };
    if !is_console && can_hand_over(request) {
        let porter = porter.get_ref().clone();
        return Ok(hand_over(request, move |stream, early| porter.take_over(stream, early, join))?);
    }
    let watcher = Watcher {
        edge: edge.clone(),
        porter: porter.get_ref().clone(),
        venue: join.seen.venue.clone(),
        is_console,
        start: Some((join, first)),
        joined: Arc::default(),
    };
    open(request, payload, Box::new(watcher))
}

/// By what a viewer may watch: asked now and then, as logins end and devices are shut out.
#[derive(Clone)]
struct Pass {
    edge: Data<Edge>,
    venue: VenueId,
    permission: Permission,
    tokens: Arc<[String]>,
}

impl Pass {
    /// Asks in the background, on the thread that let the viewer in; tells the porter if it may watch no longer.
    fn asked(self, porter: &Porter) -> AskPass {
        let (porter, runtime) = (porter.clone(), tokio::runtime::Handle::current());
        Arc::new(move |viewer| {
            let (pass, porter) = (self.clone(), porter.clone());
            runtime.spawn(async move {
                if !pass.is_good().await {
                    porter.refuse(viewer);
                }
            });
        })
    }

    async fn is_good(&self) -> bool {
        for token in self.tokens.iter() {
            let known = self.edge.access.authenticate(token, self.edge.wall.now()).await;
            if known.is_some_and(|principal| principal.may(self.permission, &self.venue)) {
                return true;
            }
        }
        false
    }
}

/// One session's side of its socket.
struct Watcher {
    edge: Data<Edge>,
    porter: Porter,
    venue: VenueId,
    is_console: bool,
    /// How it joins, and the frame to begin with.
    start: Option<(Join, Option<ByteString>)>,
    /// The name the porter gave it.
    joined: Arc<Mutex<Joined>>,
}

#[derive(Default)]
enum Joined {
    #[default]
    OnTheWay,
    As(ViewerKey),
    LeftBefore,
}

impl Talk for Watcher {
    fn opened(&mut self, out: Out) {
        let Some((join, first)) = self.start.take() else { return };
        if let Some(first) = first {
            out.send(first);
        }
        let (porter, joined) = (self.porter.clone(), self.joined.clone());
        actix::spawn(async move {
            let Some(key) = porter.join(out, join).await else { return };
            let mut joined = joined.lock().unwrap_or_else(PoisonError::into_inner);
            if matches!(*joined, Joined::LeftBefore) {
                drop(joined);
                porter.leave(key);
            } else {
                *joined = Joined::As(key);
            }
        });
    }

    fn heard(&mut self, text: &str, out: Out) -> Heard {
        let Ok(ByName(ClientFrame::Resume { epoch, seq })) = serde_json::from_str(text) else {
            return Heard::Refuse(not_understood(&self.edge.clock).text());
        };
        if self.is_console {
            let (edge, venue) = (self.edge.clone(), self.venue.clone());
            actix::spawn(async move {
                match edge.registry.look(&venue, move |shown| shown.resume(&epoch, seq)).await {
                    // What does not fit is noticed as a gap, and asked for again.
                    Ok(frames) => {
                        let _all = frames.into_iter().all(|frame| out.send(frame.text()));
                    }
                    // The venue is away; its next frame will show the gap again.
                    Err(error) => tracing::debug!(%error, "a console cannot resume yet"),
                }
            });
        } else if let Joined::As(key) = *self.joined.lock().unwrap_or_else(PoisonError::into_inner) {
            self.porter.resend(key);
        }
        Heard::GoOn
    }

    fn closed(&mut self) {
        let mut joined = self.joined.lock().unwrap_or_else(PoisonError::into_inner);
        if let Joined::As(key) = *joined {
            self.porter.leave(key);
        } else {
            *joined = Joined::LeftBefore;
        }
    }
}

/// What a client is told that sent what nobody understands.
pub(super) fn not_understood(clock: &Clock) -> Frame {
    Frame::of(&ErrorFrame {
        kind: "error".to_owned(),
        epoch: String::new(),
        seq: 0,
        at: rfc3339(clock.now()),
        code: "frame_invalid".to_owned(),
        detail: "send {\"type\":\"resume\",\"epoch\":…,\"seq\":…} or nothing".to_owned(),
    })
}
