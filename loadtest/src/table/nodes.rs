//! Six nodes that follow one venue through a Redis, all on this machine, and as many bare loops after them.
//!
//! Two cores cannot write so many frames as often as people are called: the nodes merge what they cannot get to, and a
//! call waits for the frames before it and then for its own. The bare loops write one frame at a time, with nothing
//! else to do.

use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::time::Instant;

use super::rig::Bare;
use super::{Bar, Figure, TableError, TableOptions, median, progress};
use crate::clerk::Clerk;
use crate::instant::{NS_PER_S, ms, now_ns};
use crate::process::Process;
use crate::redis::Redis;
use crate::server::BOARD;
use crate::viewers::{By, Gallery, Tally, Viewers};

const NODES: usize = 6;
/// Calls of one run, and how often people are called.
const CALLS: usize = 25;
const CALLS_PER_S: u64 = 5;
/// Frames of the bare loops, one at a time.
const ALONE: usize = 7;
/// What is on its way may take so long.
const SETTLE_MS: u64 = 30_000;

/// One node and its viewers.
struct Node {
    process: Process,
    gallery: Gallery,
    // Removed when dropped.
    _folder: tempfile::TempDir,
}

impl Node {
    fn start(nth: usize, redis: &Redis, workers: usize) -> Result<Self, TableError> {
        let folder = tempfile::tempdir()?;
        let data = folder.path().join("data").to_string_lossy().into_owned();
        let (name, workers) = (format!("node-{nth}"), workers.to_string());
        let arguments = ["server", "--data", &data, "--workers", &workers, "--node", &name, "--redis", &redis.url()];
        Ok(Self { process: Process::start(&arguments)?, gallery: Gallery::start()?, _folder: folder })
    }
}

/// What is measured.
pub fn bars(options: &TableOptions) -> [Bar; 2] {
    let viewers = NODES * options.node_viewers;
    let bar = |what: &str, at_most| Bar::new(format!("nodes: {viewers} viewers over six nodes: {what}"), at_most);
    [bar("calls that did not reach all, or wrongly", 0.0), bar("a call at the last one, times the bare loops", 3.0)]
}

/// All viewers look at one venue, whose people are called five times a second.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
pub async fn nodes(options: &TableOptions) -> Result<Vec<Figure>, TableError> {
    let redis = Redis::start()?;
    let mut nodes = Vec::new();
    for nth in 1..=NODES {
        nodes.push(Node::start(nth, &redis, options.workers)?);
    }
    let Some(first) = nodes.first() else { return Err(TableError::Lost("there are no nodes".to_owned())) };
    let mut clerk = Clerk::at(first.process.address).await?;
    clerk.take(CALLS * usize::from(options.runs + 1)).await?;
    let began = now_ns();
    let opening = nodes.iter_mut().map(|node| {
        let viewers = vec![Viewers::boards(BOARD, options.node_viewers)];
        node.gallery.open(node.process.address, viewers, None)
    });
    try_join_all(opening).await?;
    let opened_s = (now_ns() - began) / NS_PER_S;
    progress(&format!("  {} viewers open after {opened_s} s", NODES * options.node_viewers));
    // Fills the boards, so that frames are as long as they get.
    turn(&mut clerk, &mut nodes).await?;
    let mut last_ms = Vec::new();
    let (mut bytes, mut not_all) = (0, 0);
    for run in 0..options.runs {
        let tallies = turn(&mut clerk, &mut nodes).await?;
        bytes = tallies.iter().map(|tally| tally.frame_bytes).max().unwrap_or_default();
        let last = last(&tallies);
        not_all += CALLS - last.len();
        let frames: u64 = tallies.iter().map(|tally| tally.frames).sum();
        let here = median(last.clone());
        progress(&format!("  run {}: {frames} frames of {bytes} B; a call at the last viewer {here:.0} ms", run + 1));
        last_ms.extend(last);
    }
    let mut violations = Vec::new();
    for node in &mut nodes {
        violations.extend(node.gallery.look().await?.first_violations);
    }
    drop(nodes);
    let bare_ms = alone(options.node_viewers, bytes).await?;
    let (ours, bare) = (median(last_ms.clone()), median(bare_ms));
    let worst = last_ms.into_iter().fold(0.0, f64::max);
    let note = format!(
        "{ours:.0} ms and {bare:.0} ms; the slowest call {worst:.0} ms; frames of {bytes} B; open after {opened_s} s"
    );
    let [reached, in_time] = bars(options);
    let wrong = not_all + violations.len();
    Ok(vec![
        reached.came_to(wrong as f64, violations.first().cloned().unwrap_or_default()),
        in_time.came_to(ours / bare, note),
    ])
}

/// Calls people, and gathers what the viewers of each node saw of it.
async fn turn(clerk: &mut Clerk, nodes: &mut [Node]) -> Result<Vec<Tally>, TableError> {
    let first = clerk.seq().await? + 1;
    for node in nodes.iter_mut() {
        node.gallery.tally(By::Seq, Vec::new(), 0).await?;
    }
    let (begun, begun_ns) = (Instant::now(), now_ns());
    let mut sent = Vec::new();
    for (nth, seq) in (0..CALLS as u64).zip(first..) {
        // Counted from when it was due, so that a call that waits for the one before it does not look quick.
        let after = Duration::from_millis(nth * 1_000 / CALLS_PER_S);
        tokio::time::sleep_until(begun + after).await;
        if clerk.call().await?.1.is_none() {
            return Err(TableError::Lost("nobody was waiting any more".to_owned()));
        }
        sent.push((seq, begun_ns + u64::try_from(after.as_nanos()).unwrap_or(u64::MAX)));
    }
    try_join_all(nodes.iter_mut().map(|node| node.gallery.tally(By::Seq, sent.clone(), SETTLE_MS)))
        .await
        .map_err(Into::into)
}

/// When each call had reached the last viewer of all nodes, milliseconds; only calls that reached all of them.
fn last(tallies: &[Tally]) -> Vec<f64> {
    let all = tallies.iter().filter(|tally| tally.delivered == tally.expected);
    if all.clone().count() < tallies.len() {
        return Vec::new();
    }
    let nth = |nth: usize| all.clone().filter_map(|tally| tally.last_ns.get(nth).copied()).max();
    (0..CALLS).filter_map(nth).map(ms).collect()
}

/// As many viewers at bare loops: how long one frame takes to the last of them, milliseconds.
async fn alone(viewers: usize, bytes: u64) -> Result<Vec<f64>, TableError> {
    let mut loops = Vec::new();
    for _ in 0..NODES {
        loops.push(Bare::start().await?);
    }
    try_join_all(loops.iter_mut().map(|bare| bare.open(viewers))).await?;
    let mut took = Vec::new();
    for _ in 0..ALONE {
        for bare in &mut loops {
            bare.gallery.tally(By::Seq, Vec::new(), 0).await?;
        }
        let begun = now_ns();
        let sent = try_join_all(loops.iter_mut().map(|bare| bare.publish(bytes, false))).await?;
        let each = loops.iter_mut().zip(sent).map(|(bare, (seq, _))| bare.reached_last((seq, begun)));
        took.push(try_join_all(each).await?.into_iter().max().map_or(f64::NAN, ms));
    }
    Ok(took)
}
