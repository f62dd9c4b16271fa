//! Every metric of the server, in one file: names, units, labels. Served at `/metrics`.

use std::time::Duration;

use callnext_engine::event::Rule;
use callnext_engine::{Change, Event, Refusal, Timestamp, Venue, VenueId};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Seconds that divide the request histogram: from a read in memory to a hung disk.
const REQUEST_SECONDS: [f64; 9] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0];

/// All metrics.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    changes: Family<ByVenue, Counter>,
    calls: Family<ByRule, Counter>,
    refusals: Family<ByCode, Counter>,
    waiting: Family<ByService, Gauge>,
    viewers: Family<ByKind, Gauge>,
    stalled: Counter,
    reopened: Counter,
    shortfalls: Gauge,
    nights_missing: Family<ByVenue, Gauge>,
    snapshots_failed: Family<ByVenue, Counter>,
    snapshotted: Family<ByVenue, Gauge>,
    requests: Family<ByRoute, Counter>,
    request_seconds: Histogram,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByVenue {
    venue: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByRule {
    venue: String,
    rule: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByCode {
    venue: String,
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByService {
    venue: String,
    service: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByKind {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByRoute {
    method: String,
    route: String,
    status: u16,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut all = Self {
            registry: Registry::with_prefix("callnext"),
            changes: Family::default(),
            calls: Family::default(),
            refusals: Family::default(),
            waiting: Family::default(),
            viewers: Family::default(),
            stalled: Counter::default(),
            reopened: Counter::default(),
            shortfalls: Gauge::default(),
            nights_missing: Family::default(),
            snapshots_failed: Family::default(),
            snapshotted: Family::default(),
            requests: Family::default(),
            request_seconds: Histogram::new(REQUEST_SECONDS),
        };
        let registry = &mut all.registry;
        registry.register("changes", "Changes saved, per venue", all.changes.clone());
        registry.register("calls", "Calls made, per venue and rule", all.calls.clone());
        registry.register("refusals", "Commands a venue said no to", all.refusals.clone());
        registry.register("waiting", "People in a queue", all.waiting.clone());
        registry.register("viewers", "Open sockets, per kind", all.viewers.clone());
        registry.register("stalled_viewers", "Sockets ended because they stopped reading", all.stalled.clone());
        registry.register("venues_reopened", "Venues brought back from their journals", all.reopened.clone());
        let help = "In how many ways the journal's store may lose more than the settings promise";
        registry.register("journal_shortfalls", help, all.shortfalls.clone());
        let missing = all.nights_missing.clone();
        registry.register(
            "snapshot_nights_missing",
            "Closed days without a verified snapshot; above 0 is an alarm",
            missing,
        );
        let failed = all.snapshots_failed.clone();
        registry.register("snapshot_failures", "Times that snapshots could not be looked after", failed);
        let newest = all.snapshotted.clone();
        registry.register(
            "snapshot_newest_day_end_timestamp_seconds",
            "When the newest day ended that has a verified snapshot, on the venue's clock",
            newest,
        );
        registry.register("http_requests", "Requests answered", all.requests.clone());
        registry.register("http_request_seconds", "Time to answer a request", all.request_seconds.clone());
        all
    }
}

impl Metrics {
    /// The text form of all metrics.
    pub fn render(&self) -> String {
        let mut out = String::new();
        // Writing to a string does not fail.
        if text::encode(&mut out, &self.registry).is_err() {
            out.clear();
        }
        out
    }

    /// A change was saved.
    pub fn changed(&self, venue: &VenueId, change: &Change) {
        let venue = venue.to_string();
        self.changes.get_or_create(&ByVenue { venue: venue.clone() }).inc();
        for event in &change.events {
            if let Event::TicketCalled { why, .. } = event {
                self.calls.get_or_create(&ByRule { venue: venue.clone(), rule: rule_name(why.rule) }).inc();
            }
        }
    }

    /// A venue said no.
    pub fn refused(&self, venue: &VenueId, refusal: &Refusal) {
        self.refusals.get_or_create(&ByCode { venue: venue.to_string(), code: refusal.code() }).inc();
    }

    /// A venue published how things stand.
    pub fn published(&self, venue: &Venue) {
        for service in &venue.config().services {
            let labels = ByService { venue: venue.config().id.to_string(), service: service.id.to_string() };
            let waiting = venue.queue(&service.id).map_or(0, callnext_engine::dispatch::Queue::len);
            self.waiting.get_or_create(&labels).set(i64::try_from(waiting).unwrap_or(i64::MAX));
        }
    }

    /// A socket of this kind was opened.
    pub fn viewer_came(&self, kind: &'static str) {
        self.viewers.get_or_create(&ByKind { kind }).inc();
    }

    /// A socket of this kind was closed.
    pub fn viewer_left(&self, kind: &'static str) {
        self.viewers.get_or_create(&ByKind { kind }).dec();
    }

    /// A socket stopped reading and was ended.
    pub fn stalled_viewer(&self) {
        self.stalled.inc();
    }

    /// A venue was brought back from its journal.
    pub fn venue_reopened(&self) {
        self.reopened.inc();
    }

    /// The store's set-up was held against the settings: see `/readyz`.
    pub fn judged(&self, shortfalls: usize) {
        self.shortfalls.set(i64::try_from(shortfalls).unwrap_or(i64::MAX));
    }

    /// A venue's snapshots were looked after: so many closed days have none, and whether anything went wrong.
    pub fn nights(&self, venue: &VenueId, missing: usize, failed: bool) {
        let labels = ByVenue { venue: venue.to_string() };
        self.nights_missing.get_or_create(&labels).set(i64::try_from(missing).unwrap_or(i64::MAX));
        self.snapshots_failed.get_or_create(&labels).inc_by(u64::from(failed));
    }

    /// The newest day of a venue that has a verified snapshot ended then.
    pub fn snapshotted(&self, venue: &VenueId, day_end: Timestamp) {
        let labels = ByVenue { venue: venue.to_string() };
        self.snapshotted.get_or_create(&labels).set(day_end.0.div_euclid(1000));
    }

    /// A request was answered. `route` is the pattern, never the address: addresses hold tokens.
    pub fn requested(&self, method: &str, route: &str, status: u16, took: Duration) {
        let labels = ByRoute { method: method.to_owned(), route: route.to_owned(), status };
        self.requests.get_or_create(&labels).inc();
        self.request_seconds.observe(took.as_secs_f64());
    }
}

fn rule_name(rule: Rule) -> &'static str {
    match rule {
        Rule::Urgent => "urgent",
        Rule::Overdue => "overdue",
        Rule::Inside => "inside",
        Rule::Ready => "ready",
        Rule::Rejoin => "rejoin",
        Rule::Cycle => "cycle",
        Rule::Early => "early",
        Rule::ByHand => "by_hand",
    }
}
