//! Leases in Redis: one string per venue that vanishes by itself, and one hash of the nodes that are there.
//!
//! No replica is waited for: should a promotion lose a lease, two nodes claim the venue one after the other, and the
//! journal knows which epoch is the newest.

use std::time::Duration;

use callnext_engine::VenueId;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, TryStreamExt};

use super::RedisJournal;
use super::keys::nodes;
use super::script::{ACQUIRE, BEAT, Call, RELEASE, RENEW};
use super::worker::{Question, Worker};
use crate::cluster::lease::{LeaseError, Leases, Node, Standing};
use crate::journal::JournalError;

/// Leases asked about in one command: Redis answers nobody else meanwhile, which is well under a millisecond.
const TOGETHER: usize = 250;
/// Such commands under way at the same time: over one socket, they share its way there and back.
const AT_ONCE: usize = 64;

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
        let known: Vec<String> = self.ask(Question::Quick(&call), Self::soon()).await?;
        let held = self.of_each(venues, |part| async move {
            let keys: Vec<String> = part.iter().map(|venue| self.keys(venue).lease()).collect();
            let mut command = redis::cmd("MGET");
            command.arg(&keys);
            let first = keys.first().map_or("", String::as_str);
            let holders: Vec<Option<String>> = self.ask(Question::Command(first, command), Self::soon()).await?;
            let held = part.into_iter().zip(holders);
            Ok(held.filter_map(|(venue, holder)| Some((venue, serde_json::from_str(&holder?).ok()?))).collect())
        });
        Ok(Standing {
            holders: held.await?.into_iter().collect(),
            nodes: known.iter().filter_map(|text| serde_json::from_str(text).ok()).collect(),
        })
    }

    async fn acquire(&self, me: &Node, venue: &VenueId, lease: Duration, held: bool) -> Result<bool, JournalError> {
        let keys = self.keys(venue);
        let mut call = Call::of(&ACQUIRE);
        call.key(keys.lease()).key(keys.owner());
        call.arg(written(me)).arg(millis(lease)).arg(if held { "1" } else { "0" });
        Ok(self.ask::<i64>(Question::Quick(&call), Self::soon()).await? == 1)
    }

    async fn renew(&self, me: &Node, venues: &[VenueId], lease: Duration) -> Result<Vec<VenueId>, JournalError> {
        let (me, lease) = (written(me), millis(lease));
        let (me, lease) = (me.as_str(), lease.as_str());
        self.of_each(venues, |part| async move {
            let mut call = Call::of(&RENEW);
            for venue in &part {
                call.key(self.keys(venue).lease());
            }
            call.arg(me).arg(lease);
            let ours: Vec<i64> = self.ask(Question::Quick(&call), Self::soon()).await?;
            Ok(part.into_iter().zip(ours).filter(|(_, is_ours)| *is_ours == 1).map(|(venue, _)| venue).collect())
        })
        .await
    }

    /// What is answered about venues, asked for together where one server has all keys.
    async fn of_each<T, F: Future<Output = Result<Vec<T>, JournalError>>>(
        &self,
        venues: &[VenueId],
        ask: impl Fn(Vec<VenueId>) -> F,
    ) -> Result<Vec<T>, JournalError> {
        let together = if self.is_cluster() { 1 } else { TOGETHER };
        let parts: Vec<Vec<VenueId>> = venues.chunks(together).map(<[VenueId]>::to_vec).collect();
        let answers = futures_util::stream::iter(parts).map(ask).buffer_unordered(AT_ONCE);
        Ok(answers.try_collect::<Vec<_>>().await?.into_iter().flatten().collect())
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
        Ok(self.ask::<i64>(Question::Quick(&call), Self::soon()).await? == 1)
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

    fn acquire(&self, me: &Node, venue: &VenueId, lease: Duration, held: bool) -> Answer<bool> {
        let (me, venue) = (me.clone(), venue.clone());
        told(self.run(move |worker| async move { worker.acquire(&me, &venue, lease, held).await }))
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
