//! Taking out what the rest of a day can do without, for [`crate::replay`]. A venue with gaps must not judge.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::dispatch::PassedBy;
use crate::ids::{CounterId, Seq, ServiceId, TicketId};
use crate::ticket::Ticket;
use crate::time::Timestamp;
use crate::venue::Venue;

/// A ticket whose visit is over, with all that its queues had kept of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retired {
    /// The ticket.
    pub ticket: Ticket,
    /// Its calls.
    pub calls: Vec<RetiredCall>,
}

/// A call, as the queue of its service counts it against those who waited for longer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RetiredCall {
    /// The service.
    pub service: ServiceId,
    /// What let the ticket go first; none where the call is counted among those that overtake (R3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<PassedBy>,
    /// Whose call.
    pub counter: CounterId,
    /// When the wait began that it ended.
    pub since: Timestamp,
}

impl Venue {
    /// The first change that could still be taken back; of those before it, none.
    pub(crate) fn settled_before(&self) -> Seq {
        self.trail.first().unwrap_or_else(|| self.seq.next())
    }

    /// Whether this was one of today's tickets and was taken out.
    pub(crate) fn is_out(&self, id: TicketId) -> bool {
        self.place_of(id).is_some_and(|at| self.tickets.is_out(at))
    }

    /// How many of today's tickets are here.
    pub(crate) fn held(&self) -> usize {
        self.tickets.iter().count()
    }

    /// Takes out those of these tickets whose visits are over, and none that a change can still be taken back of.
    pub(crate) fn retire(&mut self, mut ids: BTreeSet<TicketId>) -> Vec<Retired> {
        let touched: BTreeSet<TicketId> = self.trail.tickets().collect();
        ids.retain(|id| !touched.contains(id) && self.ticket(*id).is_some_and(|ticket| ticket.state.is_over()));
        self.take_out(&ids)
    }

    /// Takes out every ticket.
    pub(crate) fn retire_all(&mut self) -> Vec<Retired> {
        let ids = self.tickets().map(|ticket| ticket.id).collect();
        self.take_out(&ids)
    }

    fn take_out(&mut self, ids: &BTreeSet<TicketId>) -> Vec<Retired> {
        let mut calls: Vec<(TicketId, RetiredCall)> = Vec::new();
        for (service, queue) in self.queues.iter_mut().filter(|_| !ids.is_empty()) {
            queue.forget_calls(ids, |by, counter, (since, ticket)| {
                let (service, counter) = (service.clone(), counter.clone());
                calls.push((ticket, RetiredCall { service, by, counter, since }));
            });
        }
        // Those of each ticket together, and in an order that does not depend on how many were taken out at once.
        calls.sort_unstable();
        let mut calls = calls.into_iter().peekable();
        let mut retired = Vec::new();
        for id in ids {
            let Some(ticket) = self.place_of(*id).and_then(|at| self.tickets.take_out(at)) else { continue };
            let calls = std::iter::from_fn(|| calls.next_if(|(of, _)| of == id)).map(|(_, call)| call).collect();
            retired.push(Retired { ticket, calls });
        }
        retired
    }

    /// Puts back what was taken out.
    pub(crate) fn give_back(&mut self, retired: Retired) {
        let Retired { ticket, calls } = retired;
        for RetiredCall { service, by, counter, since } in calls {
            if let Some(queue) = self.queues.get_mut(&service) {
                queue.remember_call(by, &counter, (since, ticket.id));
            }
        }
        if let Some(at) = self.place_of(ticket.id) {
            self.tickets.put_back(at, ticket);
        }
    }
}
