//! Leases in Redis: one string per venue that vanishes by itself, and one hash of the nodes that are there.
//!
//! No replica is waited for: should a promotion lose a lease, two nodes claim the venue one after the other, and the
//! journal knows which epoch is the newest.

use std::time::Duration;

use callnext_engine::VenueId;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};

use super::RedisJournal;
use super::keys::nodes;
use super::script::{BEAT, Call, RELEASE, RENEW};
use super::worker::{Question, Worker};
use crate::cluster::lease::{LeaseError, Leases, Node, Standing};
use crate::journal::JournalError;

/// Leases asked about at the same time: over one socket, they share its way there and back.
const AT_ONCE: usize = 128;

type Answer<T> = BoxFuture<'static, Result<T, LeaseError>>;

fn millis(span: Duration) -> String {
    span.as_millis().to_string()
}

/// A node as it stands in Redis. Plain data with text keys: it can always be written.
fn written(node: &Node) -> String {
    serde_json::to_string(node).unwrap_or_default()
}

impl Worker {
    async fn beat(&self, me: &Node, venues: &[VenueId], lease: Duration) -> Result<Standing, JournalError> {
        let mut call = Call::of(&BEAT);
        call.key(nodes(self.prefix())).arg(me.name.as_str()).arg(written(me)).arg(millis(lease));
        let known: Vec<String> = self.ask(Question::Read(&call), Self::soon()).await?;
        let held = futures_util::stream::iter(venues).map(|venue| async move {
            let key = self.keys(venue).lease();
            let mut command = redis::cmd("GET");
            command.arg(&key);
            let holder: Option<String> = self.ask(Question::Command(&key, command), Self::soon()).await?;
            Ok::<_, JournalError>(holder.and_then(|text| Some((venue.clone(), serde_json::from_str(&text).ok()?))))
        });
        let held: Vec<_> = held.buffer_unordered(AT_ONCE).collect().await;
        Ok(Standing {
            nodes: known.iter().filter_map(|text| serde_json::from_str(text).ok()).collect(),
            holders: held.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect(),
        })
    }

    async fn acquire(&self, me: &Node, venue: &VenueId, lease: Duration) -> Result<bool, JournalError> {
        let key = self.keys(venue).lease();
        let mut command = redis::cmd("SET");
        command.arg(&key).arg(written(me)).arg("NX").arg("PX").arg(millis(lease));
        let set: Option<String> = self.ask(Question::Command(&key, command), Self::soon()).await?;
        Ok(set.is_some())
    }

    async fn renew(&self, me: &Node, venues: &[VenueId], lease: Duration) -> Result<Vec<VenueId>, JournalError> {
        let (me, lease) = (written(me), millis(lease));
        let renewed = futures_util::stream::iter(venues).map(|venue| {
            let mut call = Call::of(&RENEW);
            call.key(self.keys(venue).lease()).arg(me.as_str()).arg(lease.as_str());
            async move {
                let ours: i64 = self.ask(Question::Read(&call), Self::soon()).await?;
                Ok::<_, JournalError>((ours == 1).then(|| venue.clone()))
            }
        });
        let renewed: Vec<_> = renewed.buffer_unordered(AT_ONCE).collect().await;
        Ok(renewed.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    async fn release(
        &self,
        me: &Node,
        venue: &VenueId,
        to: Option<&Node>,
        lease: Duration,
    ) -> Result<bool, JournalError> {
        let mut call = Call::of(&RELEASE);
        let to = to.map(written).unwrap_or_default();
        call.key(self.keys(venue).lease()).arg(written(me)).arg(to).arg(millis(lease));
        Ok(self.ask::<i64>(Question::Read(&call), Self::soon()).await? == 1)
    }

    async fn leave(&self, me: &Node) -> Result<(), JournalError> {
        let key = nodes(self.prefix());
        let mut command = redis::cmd("HDEL");
        command.arg(&key).arg(&me.name);
        self.ask::<i64>(Question::Command(&key, command), Self::soon()).await.map(drop)
    }
}

fn told<T: Send + 'static>(answer: BoxFuture<'static, Result<T, JournalError>>) -> Answer<T> {
    answer.map(|answer| answer.map_err(|error| LeaseError(error.to_string()))).boxed()
}

impl Leases for RedisJournal {
    fn beat(&self, me: &Node, venues: &[VenueId], lease: Duration) -> Answer<Standing> {
        let (me, venues) = (me.clone(), venues.to_vec());
        told(self.run(move |worker| async move { worker.beat(&me, &venues, lease).await }))
    }

    fn acquire(&self, me: &Node, venue: &VenueId, lease: Duration) -> Answer<bool> {
        let (me, venue) = (me.clone(), venue.clone());
        told(self.run(move |worker| async move { worker.acquire(&me, &venue, lease).await }))
    }

    fn renew(&self, me: &Node, venues: &[VenueId], lease: Duration) -> Answer<Vec<VenueId>> {
        let (me, venues) = (me.clone(), venues.to_vec());
        told(self.run(move |worker| async move { worker.renew(&me, &venues, lease).await }))
    }

    fn release(&self, me: &Node, venue: &VenueId, to: Option<&Node>, lease: Duration) -> Answer<bool> {
        let (me, venue, to) = (me.clone(), venue.clone(), to.cloned());
        told(self.run(move |worker| async move { worker.release(&me, &venue, to.as_ref(), lease).await }))
    }

    fn leave(&self, me: &Node) -> Answer<()> {
        let me = me.clone();
        told(self.run(move |worker| async move { worker.leave(&me).await }))
    }
}
