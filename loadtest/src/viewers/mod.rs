//! Thousands of boards and phones that check what they see, in processes of their own.
//!
//! A process has so many descriptors and one loop costs so much processor: galleries take both out of the process that
//! makes the load. A gallery is asked on its standard input and tells on its standard output, one line of JSON each.

mod eye;
mod gallery;
mod sight;

use std::net::SocketAddr;
use std::process::Stdio;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

pub use gallery::run;

/// What a gallery is asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Ask {
    /// Open viewers, so many a second, and tell when all of them are.
    Open {
        /// The server.
        server: SocketAddr,
        /// Whom.
        viewers: Vec<Viewers>,
        /// How many a second; all at once if none.
        per_s: Option<f64>,
    },
    /// Look at what came since the last tally: when each publication was sent, in order. Tells when all viewers have
    /// the last one, or when `wait_ms` are over.
    Tally {
        /// What is told by its number.
        by: By,
        /// Which number was sent when, in nanoseconds of the machine's clock.
        sent: Vec<(u64, u64)>,
        /// How long to wait for the last, milliseconds.
        wait_ms: u64,
    },
    /// Open and close other viewers beside, at this rate, until told otherwise by a rate of zero.
    Churn {
        /// The server.
        server: SocketAddr,
        /// What they look at.
        path: String,
        /// How many a second.
        per_s: f64,
    },
    /// Cut this many connections now, chosen at random; they come back by themselves.
    Kick {
        /// How many.
        count: usize,
    },
    /// Tell how things stand.
    Look,
}

/// What publications are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Their `seq`.
    Seq,
    /// The call they show first: boards only.
    Call,
}

/// Viewers of one kind.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Viewers {
    /// What they look at; one viewer for each, as often as `times`.
    pub paths: Vec<String>,
    /// How many look at each.
    pub times: usize,
    /// How they look.
    pub kind: Kind,
}

impl Viewers {
    /// This many boards.
    pub fn boards(path: &str, times: usize) -> Self {
        Self { paths: vec![path.to_owned()], times, kind: Kind::Board }
    }

    /// One phone for each of these.
    pub fn phones(paths: Vec<String>) -> Self {
        Self { paths, times: 1, kind: Kind::Phone }
    }

    /// Some that never read.
    pub fn deaf(path: &str, times: usize) -> Self {
        Self { paths: vec![path.to_owned()], times, kind: Kind::Deaf }
    }
}

/// How a viewer looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A screen.
    Board,
    /// A phone.
    Phone,
    /// Opens a socket and never reads it.
    Deaf,
}

/// What a gallery tells.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "tell", rename_all = "snake_case")]
pub enum Tell {
    /// All viewers that were asked for are open and have seen a first frame.
    Opened {
        /// From the first attempt to the last first frame.
        took_ns: u64,
    },
    /// What came of the publications.
    Tally(Tally),
    /// How things stand.
    Standing(Standing),
}

/// What came of publications that were sent.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Frames or newer ones that reached a viewer.
    pub delivered: u64,
    /// Frames that really came: fewer where several publications came as one.
    pub frames: u64,
    /// As many as there should have been.
    pub expected: u64,
    /// From sending to the first viewer, nanoseconds, one for each publication that reached all.
    pub first_ns: Vec<u64>,
    /// From sending to the last viewer.
    pub last_ns: Vec<u64>,
    /// From sending to each viewer: the middle, nanoseconds.
    pub p50_ns: u64,
    /// One in ten came later.
    pub p90_ns: u64,
    /// One in a hundred came later.
    pub p99_ns: u64,
    /// The latest.
    pub max_ns: u64,
    /// Bytes of the last frame's content.
    pub frame_bytes: u64,
}

/// How the viewers of a gallery stand.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Standing {
    /// Open, without those that do not read.
    pub open: u64,
    /// Should be.
    pub wanted: u64,
    /// The oldest `seq` at which one of them stands.
    pub behind_most: u64,
    /// The newest.
    pub newest: u64,
    /// How many stand at the newest `seq` in the newest epoch.
    pub current: u64,
    /// Frames that came.
    pub frames: u64,
    /// Connections that ended or were cut, and came back.
    pub returns: u64,
    /// Times the server said "not now" (503).
    pub shed: u64,
    /// The most attempts one viewer made within a second of its first.
    pub attempts_in_first_s_max: u64,
    /// When the last viewer became current after coming back, nanoseconds of the machine's clock.
    pub back_at_ns: u64,
    /// From opening to the first frame, of churning viewers: the middle, nanoseconds.
    pub churn_p50_ns: u64,
    /// One in a hundred took longer.
    pub churn_p99_ns: u64,
    /// Churning viewers that saw their first frame.
    pub churned: u64,
    /// What must not have happened, and how often.
    pub violations: u64,
    /// The first of them, in words.
    pub first_violations: Vec<String>,
}

/// A gallery in a process of its own.
pub struct Gallery {
    // Killed when dropped.
    _process: Child,
    ask: ChildStdin,
    told: Lines<BufReader<ChildStdout>>,
}

/// A gallery failed.
#[derive(Debug, thiserror::Error)]
pub enum GalleryError {
    /// Its process.
    #[error("a process of viewers: {0}")]
    Process(#[from] std::io::Error),
    /// What it said.
    #[error("a process of viewers: {0}")]
    Line(#[from] serde_json::Error),
    /// It ended.
    #[error("a process of viewers ended early")]
    Ended,
    /// It said something else than it was asked for.
    #[error("a process of viewers told something else: {0:?}")]
    Unexpected(Box<Tell>),
}

impl Gallery {
    /// An empty gallery.
    ///
    /// # Errors
    ///
    /// The machine gives no process.
    pub fn start() -> Result<Self, GalleryError> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg("viewers")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let (Some(ask), Some(told)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(GalleryError::Ended);
        };
        Ok(Self { _process: process, ask, told: BufReader::new(told).lines() })
    }

    /// Asks for something that is not answered.
    ///
    /// # Errors
    ///
    /// The process ended.
    pub async fn say(&mut self, ask: &Ask) -> Result<(), GalleryError> {
        let mut line = serde_json::to_vec(ask)?;
        line.push(b'\n');
        self.ask.write_all(&line).await?;
        Ok(self.ask.flush().await?)
    }

    async fn hear(&mut self) -> Result<Tell, GalleryError> {
        let line = self.told.next_line().await?.ok_or(GalleryError::Ended)?;
        Ok(serde_json::from_str(&line)?)
    }

    /// Opens viewers and waits until all of them have seen something; tells how long that took, in nanoseconds.
    ///
    /// # Errors
    ///
    /// The process failed.
    pub async fn open(
        &mut self,
        server: SocketAddr,
        viewers: Vec<Viewers>,
        per_s: Option<f64>,
    ) -> Result<u64, GalleryError> {
        self.say(&Ask::Open { server, viewers, per_s }).await?;
        match self.hear().await? {
            Tell::Opened { took_ns } => Ok(took_ns),
            other => Err(GalleryError::Unexpected(Box::new(other))),
        }
    }

    /// What came of these publications.
    ///
    /// # Errors
    ///
    /// The process failed.
    pub async fn tally(&mut self, by: By, sent: Vec<(u64, u64)>, wait_ms: u64) -> Result<Tally, GalleryError> {
        self.say(&Ask::Tally { by, sent, wait_ms }).await?;
        match self.hear().await? {
            Tell::Tally(tally) => Ok(tally),
            other => Err(GalleryError::Unexpected(Box::new(other))),
        }
    }

    /// How they stand.
    ///
    /// # Errors
    ///
    /// The process failed.
    pub async fn look(&mut self) -> Result<Standing, GalleryError> {
        self.say(&Ask::Look).await?;
        match self.hear().await? {
            Tell::Standing(standing) => Ok(standing),
            other => Err(GalleryError::Unexpected(Box::new(other))),
        }
    }
}
