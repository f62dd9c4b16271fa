//! A server and the bare loop side by side, each with viewers of its own, made to publish in turns.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::TableError;
use crate::bare::CONTROL;
use crate::clerk::Clerk;
use crate::frames::{head_end, upgrade};
use crate::instant::now_ns;
use crate::process::Process;
use crate::viewers::{By, Gallery, Tally, Viewers};

/// What is on its way may take so long, milliseconds.
const SETTLE_MS: u64 = 20_000;

/// What was asked for before a turn is published, and has arrived, after this.
const SETTLED: Duration = Duration::from_millis(500);

/// A number of publications at a fixed pace: the next is sent when it is due, whether or not the last has arrived.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    pub publications: usize,
    pub every: Duration,
}

/// What one turn came to.
#[derive(Debug, Clone, Default)]
pub struct Turn {
    /// Processor time per frame that arrived, nanoseconds.
    pub cpu_ns: f64,
    /// From publishing to the last viewer, milliseconds: the middle and one in a hundred.
    pub last_p50_ms: f64,
    pub last_p99_ms: f64,
    /// From publishing to the first viewer, milliseconds: the middle.
    pub first_p50_ms: f64,
    /// From publishing to any viewer, one in a hundred.
    pub any_p99_ms: f64,
    pub tally: Tally,
}

/// The server, its clerk and its viewers.
pub struct Ours {
    pub process: Process,
    pub clerk: Clerk,
    pub gallery: Gallery,
    // Removed when dropped.
    _folder: tempfile::TempDir,
}

impl Ours {
    /// Starts a server on nothing, its journal in memory.
    pub async fn start(workers: usize) -> Result<Self, TableError> {
        Self::start_with(workers, &[]).await
    }

    /// The same, its journal on the disk.
    pub async fn start_on_disk(workers: usize) -> Result<Self, TableError> {
        Self::start_with(workers, &["--on-disk"]).await
    }

    async fn start_with(workers: usize, more: &[&str]) -> Result<Self, TableError> {
        let folder = tempfile::tempdir()?;
        let workers = workers.to_string();
        let data = folder.path().join("data").to_string_lossy().into_owned();
        let arguments = ["server", "--data", &data, "--workers", &workers];
        let process = Process::start(&[&arguments, more].concat())?;
        let clerk = Clerk::at(process.address).await?;
        Ok(Self { process, clerk, gallery: Gallery::start()?, _folder: folder })
    }

    pub async fn open(&mut self, viewers: Vec<Viewers>) -> Result<u64, TableError> {
        Ok(self.gallery.open(self.process.address, viewers, None).await?)
    }

    /// Calls people at this pace. There must be as many waiting.
    pub async fn turn(&mut self, pace: Pace) -> Result<Turn, TableError> {
        // Whoever took a number before is on the boards by then, and every board has been told.
        tokio::time::sleep(SETTLED).await;
        let first = self.clerk.seq().await? + 1;
        // One that said nothing during the other side's turn is closed by the server.
        let mut caller = self.clerk.caller(self.process.address).await?;
        // What was asked for before is over.
        self.gallery.tally(By::Seq, Vec::new(), 0).await?;
        let before = self.process.cpu()?;
        let mut sent = Vec::new();
        let begun = Instant::now();
        for (seq, due) in (first..).zip(dues(begun, pace)) {
            tokio::time::sleep_until(due).await;
            let (at, call) = caller.call().await?;
            if call.is_none() {
                return Err(TableError::Lost("nobody was waiting any more".to_owned()));
            }
            sent.push((seq, at));
        }
        let tally = self.gallery.tally(By::Seq, sent, SETTLE_MS).await?;
        let cpu = self.process.cpu()?.saturating_sub(before);
        if self.clerk.seq().await? + 1 != first + pace.publications as u64 {
            return Err(TableError::Lost("something else happened in the venue meanwhile".to_owned()));
        }
        Turn::of(tally, cpu)
    }
}

/// The bare loop, its conductor and its viewers.
pub struct Bare {
    pub process: Process,
    pub gallery: Gallery,
    conductor: TcpStream,
    seq: u64,
}

impl Bare {
    pub async fn start() -> Result<Self, TableError> {
        let process = Process::start(&["bare"])?;
        let mut conductor = TcpStream::connect(process.address).await?;
        conductor.set_nodelay(true)?;
        conductor.write_all(upgrade("bare", CONTROL, None).as_bytes()).await?;
        let mut answer = Vec::new();
        while head_end(&answer).is_none() {
            if conductor.read_buf(&mut answer).await? == 0 {
                return Err(TableError::Lost("the bare loop does not answer".to_owned()));
            }
        }
        Ok(Self { process, gallery: Gallery::start()?, conductor, seq: 0 })
    }

    pub async fn open(&mut self, viewers: usize) -> Result<(), TableError> {
        // Viewers are open when they have seen a frame: they are written to until all of them have.
        let opening = self.gallery.open(self.process.address, vec![Viewers::boards("/", viewers)], None);
        tokio::pin!(opening);
        loop {
            tokio::select! {
                opened = &mut opening => { opened?; return Ok(()) }
                () = tokio::time::sleep(Duration::from_millis(300)) => {
                    self.seq += 1;
                    conduct(&mut self.conductor, &format!("same {} 300\n", self.seq)).await?;
                }
            }
        }
    }

    /// Writes frames of so many bytes at this pace, the same to all or to each one of its own.
    pub async fn turn(&mut self, pace: Pace, bytes: u64, each: bool) -> Result<Turn, TableError> {
        self.gallery.tally(By::Seq, Vec::new(), 0).await?;
        let before = self.process.cpu()?;
        let mut sent = Vec::new();
        let begun = Instant::now();
        for due in dues(begun, pace) {
            tokio::time::sleep_until(due).await;
            sent.push(self.publish(bytes, each).await?);
        }
        let tally = self.gallery.tally(By::Seq, sent, SETTLE_MS).await?;
        let cpu = self.process.cpu()?.saturating_sub(before);
        Turn::of(tally, cpu)
    }
}

impl Bare {
    /// Writes one frame of so many bytes; its number, and when it was begun.
    pub async fn publish(&mut self, bytes: u64, each: bool) -> Result<(u64, u64), TableError> {
        self.seq += 1;
        let sent = (self.seq, now_ns());
        let what = if each { "each" } else { "same" };
        conduct(&mut self.conductor, &format!("{what} {} {bytes}\n", self.seq)).await?;
        Ok(sent)
    }

    /// When the frame of this number reached the last viewer, nanoseconds from when it was sent.
    pub async fn reached_last(&mut self, sent: (u64, u64)) -> Result<u64, TableError> {
        let tally = self.gallery.tally(By::Seq, vec![sent], SETTLE_MS).await?;
        let never = || TableError::Lost(format!("{} of {} frames arrived", tally.delivered, tally.expected));
        tally.last_ns.first().copied().ok_or_else(never)
    }
}

/// Says a line and waits for it to come back.
async fn conduct(conductor: &mut TcpStream, line: &str) -> Result<(), TableError> {
    conductor.write_all(line.as_bytes()).await?;
    let mut answer = vec![0; line.len()];
    conductor.read_exact(&mut answer).await?;
    Ok(())
}

fn dues(begun: Instant, pace: Pace) -> impl Iterator<Item = Instant> {
    (0..pace.publications).map(move |nth| begun + pace.every * u32::try_from(nth).unwrap_or(u32::MAX))
}

impl Turn {
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    fn of(tally: Tally, cpu: Duration) -> Result<Self, TableError> {
        if tally.delivered != tally.expected {
            return Err(TableError::Lost(format!("{} of {} frames arrived", tally.delivered, tally.expected)));
        }
        let sorted = |mut times: Vec<u64>| {
            times.sort_unstable();
            times
        };
        let (first, last) = (sorted(tally.first_ns.clone()), sorted(tally.last_ns.clone()));
        let quantile = |times: &[u64], share: usize| {
            let at = (times.len() * share).div_ceil(100).max(1) - 1;
            times.get(at).copied().map_or(f64::NAN, crate::instant::ms)
        };
        Ok(Self {
            cpu_ns: cpu.as_nanos() as f64 / tally.frames.max(1) as f64,
            last_p50_ms: quantile(&last, 50),
            last_p99_ms: quantile(&last, 99),
            first_p50_ms: quantile(&first, 50),
            any_p99_ms: crate::instant::ms(tally.p99_ns),
            tally,
        })
    }
}
