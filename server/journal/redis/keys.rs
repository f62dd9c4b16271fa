//! Every key of this program in Redis. Nothing else builds one.
//!
//! All keys of a venue hold its name in braces, so that a cluster keeps them in one slot and one script may touch
//! them all. A venue's name is a slug and holds no brace. `SCHEMA.md` tells what is behind each.

use callnext_engine::config::lane_name;
use callnext_engine::{Lane, ServiceId, TicketId, VenueId};

/// The keys of one venue.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    base: String,
}

impl Keys {
    pub(super) fn of(prefix: &str, venue: &VenueId) -> Self {
        Self { base: format!("{prefix}:{{{venue}}}") }
    }

    /// Who may write: a hash.
    pub(super) fn owner(&self) -> String {
        format!("{}:owner", self.base)
    }

    /// Which node owns the venue, until it stops renewing: a string.
    pub(super) fn lease(&self) -> String {
        format!("{}:lease", self.base)
    }

    /// The history: a stream.
    pub(super) fn changes(&self) -> String {
        format!("{}:changes", self.base)
    }

    /// At which change the live tickets stand: a hash.
    pub(super) fn live(&self) -> String {
        format!("{}:live", self.base)
    }

    /// The ids of the live tickets: a set.
    pub(super) fn tickets(&self) -> String {
        format!("{}:tickets", self.base)
    }

    /// One live ticket: a hash.
    pub(super) fn ticket(&self, ticket: TicketId) -> String {
        self.ticket_named(&ticket.to_string())
    }

    /// A ticket by the name it has among the [live](Self::tickets) ones.
    pub(super) fn ticket_named(&self, id: &str) -> String {
        format!("{}:ticket:{id}", self.base)
    }

    /// The names of the queues that are kept: a set.
    pub(super) fn queues(&self) -> String {
        format!("{}:queues", self.base)
    }

    /// Who waits in one lane of a service: a sorted set.
    pub(super) fn queue(&self, service: &ServiceId, lane: Lane) -> String {
        self.queue_named(&Self::queue_name(service, lane))
    }

    /// A queue by its name.
    pub(super) fn queue_named(&self, name: &str) -> String {
        format!("{}:queue:{name}", self.base)
    }

    /// The name of a queue among the [kept](Self::queues) ones.
    pub(super) fn queue_name(service: &ServiceId, lane: Lane) -> String {
        format!("{service}:{}", lane_name(lane))
    }
}

/// What all nodes know of accounts, logins and devices: a hash. A cluster keeps it in one slot with its changes; no
/// venue's name begins with a colon.
pub(super) fn accounts(prefix: &str) -> String {
    format!("{prefix}:{{:accounts}}:fields")
}

/// The latest changes of it: a stream.
pub(super) fn account_changes(prefix: &str) -> String {
    format!("{prefix}:{{:accounts}}:changes")
}

/// The nodes that are there: a hash.
pub(super) fn nodes(prefix: &str) -> String {
    format!("{prefix}:nodes")
}

/// What readiness is tried on: a string that vanishes by itself.
pub(super) fn probe(prefix: &str) -> String {
    format!("{prefix}:probe")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_keys_of_a_venue_are_in_one_slot() {
        let keys = Keys::of("callnext", &VenueId::parse("hall-1").unwrap());
        let service = ServiceId::parse("ent").unwrap();
        let all = [
            keys.owner(),
            keys.changes(),
            keys.lease(),
            keys.live(),
            keys.tickets(),
            keys.ticket(TicketId(7)),
            keys.queues(),
            keys.queue(&service, Lane::WalkIn),
        ];
        let slot = redis::cluster_routing::Slot::for_key(&all[0]);
        for key in &all {
            assert_eq!(redis::cluster_routing::Slot::for_key(key), slot, "{key}");
        }
        let slots = [accounts("callnext"), account_changes("callnext")].map(redis::cluster_routing::Slot::for_key);
        assert_eq!(slots[0], slots[1]);
        assert_eq!(all[5], "callnext:{hall-1}:ticket:7");
        assert_eq!(all[7], "callnext:{hall-1}:queue:ent:walk_in");
    }
}
