//! A process under load: what it costs, from the outside.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A child that prints its address and then serves. Killed when dropped.
pub struct Process {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

/// What a process holds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Memory {
    /// Resident, bytes.
    pub resident: u64,
    /// Of that, its own and not of a file.
    pub anonymous: u64,
}

impl Process {
    /// Starts this program again as something else, and waits for the address that it prints first.
    ///
    /// # Errors
    ///
    /// It does not start, or says something else.
    pub fn start(arguments: &[&str]) -> std::io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out).read_line(&mut line)?;
        }
        match line.trim().parse() {
            Ok(address) => Ok(Self { child, address }),
            Err(_) => {
                drop(child.kill());
                drop(child.wait());
                Err(std::io::Error::other(format!("{} did not start: {line:?}", arguments.join(" "))))
            }
        }
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Processor time of all its threads so far. To the nanosecond, from the scheduler: `stat` counts hundredths of a
    /// second, which is as much as a thousand frames take.
    ///
    /// # Errors
    ///
    /// It is gone.
    pub fn cpu(&self) -> std::io::Result<Duration> {
        let mut total = 0;
        for task in std::fs::read_dir(Path::new("/proc").join(self.id().to_string()).join("task"))? {
            let text = std::fs::read_to_string(task?.path().join("schedstat"))?;
            let ran = text.split(' ').next().and_then(|ran| ran.parse::<u64>().ok());
            total += ran.ok_or_else(|| std::io::Error::other("schedstat cannot be read"))?;
        }
        Ok(Duration::from_nanos(total))
    }

    /// What it holds.
    ///
    /// # Errors
    ///
    /// It is gone.
    pub fn memory(&self) -> std::io::Result<Memory> {
        let text = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", self.id()))?;
        let bytes = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
            kib.map(|kib| kib * 1024).ok_or_else(|| std::io::Error::other(format!("no {name} in smaps_rollup")))
        };
        Ok(Memory { resident: bytes("Rss:")?, anonymous: bytes("Anonymous:")? })
    }

    /// Its open sockets. A client cannot be asked whether it is connected: what its kernel has no room for, it throws
    /// away, the news that the connection is over among it.
    ///
    /// # Errors
    ///
    /// It is gone.
    pub fn sockets(&self) -> std::io::Result<usize> {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.id()))?;
        let names = open.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
        Ok(names.filter(|name| name.to_string_lossy().starts_with("socket:")).count())
    }

    /// `kill -9`.
    ///
    /// # Errors
    ///
    /// It cannot be.
    pub fn kill(&mut self) -> std::io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Waits until something is so, for at most so long; tells whether it was.
///
/// # Errors
///
/// As what is looked at.
pub async fn eventually<E>(most: Duration, mut is_so: impl AsyncFnMut() -> Result<bool, E>) -> Result<bool, E> {
    let begun = Instant::now();
    loop {
        if is_so().await? {
            return Ok(true);
        }
        if begun.elapsed() > most {
            return Ok(false);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
