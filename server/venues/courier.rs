//! Carries tickets from one venue to another (R6), and brings back what came of them.
//!
//! It knows no rule and remembers nothing: what is on its way stands in the source's saved state, and both venues
//! answer the same however often they are told. So it may be killed at any moment, and begins again by looking.

use std::sync::Arc;
use std::time::Duration;

use callnext_engine::handover::{Arrival, Delivery};
use callnext_engine::venue::Outcome;
use callnext_engine::{Action, Command, Refusal, VenueId};
use tokio::sync::Notify;

use super::messages::SubmitError;
use super::registry::{Registry, RegistryError, SubmitOrRegistryError};

/// How often it looks although nobody rang: what was on its way when the server started, or was sent elsewhere.
const LOOK_AROUND: Duration = Duration::from_secs(2);
/// First pause after a venue could not be reached; it doubles each time.
const RETRY_FIRST: Duration = Duration::from_millis(200);
/// Longest such pause: a person stands in no queue meanwhile.
const RETRY_MAX: Duration = Duration::from_secs(5);

/// Rings for the courier when somebody was sent.
#[derive(Debug, Clone, Default)]
pub struct Bell(Arc<Notify>);

impl Bell {
    /// Somebody was sent.
    pub fn ring(&self) {
        self.0.notify_one();
    }
}

/// Carries for every venue of a registry.
pub struct Courier {
    registry: Arc<Registry>,
    bell: Bell,
}

impl Courier {
    /// A courier that this bell wakes.
    pub fn new(registry: Arc<Registry>, bell: Bell) -> Self {
        Self { registry, bell }
    }

    /// Carries, for ever.
    pub async fn run(self) {
        let mut failures = 0;
        loop {
            let done = self.round().await;
            failures = if done { 0 } else { failures + 1 };
            let pause = if done { LOOK_AROUND } else { backoff(failures) };
            tokio::select! {
                () = self.bell.0.notified() => {}
                () = tokio::time::sleep(jittered(pause)) => {}
            }
        }
    }

    /// Carries everything that is on its way once; whether all of it is settled.
    async fn round(&self) -> bool {
        let mut done = true;
        for from in self.registry.ids() {
            let on_the_way = |shown: &mut super::Shown| shown.venue().handovers().deliveries().collect::<Vec<_>>();
            match self.registry.look(from, on_the_way).await {
                Ok(deliveries) => {
                    for delivery in deliveries {
                        done &= self.carry(from, delivery).await;
                    }
                }
                Err(error) => {
                    tracing::debug!(venue = %from, %error, "what leaves a venue cannot be seen yet");
                    done = false;
                }
            }
        }
        done
    }

    async fn carry(&self, from: &VenueId, delivery: Delivery) -> bool {
        let (transfer, to) = (delivery.parcel.transfer, delivery.to.clone());
        let receive = Command::system(Action::Receive { delivery: Box::new(delivery) });
        let came = match self.registry.submit(&to, receive).await {
            Ok(answer) => match answer.outcome {
                Outcome::Arrival { came } => came,
                other => {
                    tracing::error!(%from, %to, ?other, "a venue answered something else than what came of a ticket");
                    return false;
                }
            },
            // It is not in the settings any more: nobody would ever call them there. Another node's settings may
            // differ, so whoever writes the source decides.
            Err(SubmitOrRegistryError::Registry(RegistryError::Unknown(_))) if self.registry.is_owner(from) => {
                Arrival::Declined { code: "venue_unknown".into() }
            }
            Err(error) => {
                tracing::warn!(%from, %to, %error, "a ticket on its way cannot be delivered yet");
                return false;
            }
        };
        match self.registry.submit(from, Command::system(Action::Settle { transfer, came })).await {
            // Settled before: another courier was faster.
            Ok(_) | Err(SubmitOrRegistryError::Submit(SubmitError::Refused(Refusal::TransferUnknown))) => true,
            Err(error) => {
                tracing::warn!(%from, %to, %error, "what came of a ticket cannot be told yet");
                false
            }
        }
    }
}

fn backoff(failures: u32) -> Duration {
    RETRY_FIRST.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1))).min(RETRY_MAX)
}

/// Between half of it and all of it, so that many servers do not come at once.
fn jittered(pause: Duration) -> Duration {
    let chance = getrandom::u32().unwrap_or(u32::MAX);
    pause / 2 + (pause / 2).mul_f64(f64::from(chance) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_are_jittered() {
        assert_eq!((backoff(1), backoff(2), backoff(3)), (RETRY_FIRST, RETRY_FIRST * 2, RETRY_FIRST * 4));
        assert_eq!((backoff(20), backoff(u32::MAX)), (RETRY_MAX, RETRY_MAX));
        for _ in 0..100 {
            assert!((RETRY_MAX / 2..=RETRY_MAX).contains(&jittered(RETRY_MAX)));
        }
    }
}
