//! Judging what is done with counters.

use crate::closure::Closable;
use crate::counter::CounterState;
use crate::event::Event;
use crate::ids::{CounterId, ServiceId};
use crate::refusal::Refusal;
use crate::venue::decide::Decided;
use crate::venue::decide::known::invalid;
use crate::venue::{Outcome, Venue};

impl Venue {
    pub(super) fn decide_set_counter(
        &self,
        id: &CounterId,
        state: CounterState,
        services: Option<&[ServiceId]>,
    ) -> Decided {
        let counter = self.known_counter(id)?;
        if let (CounterState::Closed, Some(ticket)) = (state, counter.current) {
            return Err(Refusal::CounterBusy { counter: id.clone(), ticket });
        }
        let mut served: Vec<ServiceId> = Vec::new();
        for service in services.unwrap_or(&counter.services) {
            self.known_service(service)?;
            if !served.contains(service) {
                served.push(service.clone());
            }
        }
        if served.is_empty() {
            return Err(invalid("services", "is empty: a counter serves at least one service"));
        }
        let outcome = Outcome::Counter { counter: id.clone() };
        if counter.state == state && counter.services == served {
            return Ok((Vec::new(), outcome));
        }
        let mut events = vec![Event::CounterSet { counter: id.clone(), state, services: served }];
        // Whoever opens it is there.
        let closed = Closable::Counter { counter: id.clone() };
        if state == CounterState::Open && self.closures.contains_key(&closed) {
            events.push(Event::Reopened { closed });
        }
        Ok((events, outcome))
    }
}
