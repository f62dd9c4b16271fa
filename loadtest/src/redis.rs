//! A `redis-server` of one's own: on any free port, in a folder of its own, gone when it is dropped.
//!
//! For the tests of the journal, from inside and outside, and for measuring. It needs `redis-server` and `redis-cli`
//! in the path (Debian: `redis-server`, `redis-tools`); `scripts/test` installs them.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use tempfile::TempDir;

/// Longest time a start may take, reading its file included.
const START_MAX: Duration = Duration::from_secs(30);
/// How often another port is tried when somebody else was quicker.
const PORTS_TRIED_MAX: u32 = 20;
/// What it logs when it can be asked.
const READY: [&str; 2] = ["Ready to accept connections", "Sentinel ID is"];

/// Why there is no Redis.
#[derive(Debug, thiserror::Error)]
pub enum NoRedis {
    /// Its folder or process cannot be made.
    #[error("redis-server cannot be run; install it (Debian: redis-server)")]
    Unstarted(#[from] std::io::Error),
    /// It ended, or did not get ready.
    #[error("redis-server did not get ready:\n{0}")]
    Unready(String),
}

/// A running Redis, saving every write before it answers, unless told otherwise.
#[derive(Debug)]
pub struct Redis {
    child: Child,
    folder: TempDir,
    arguments: Vec<String>,
    port: u16,
}

impl Redis {
    /// One with `appendfsync always`.
    pub fn start() -> Result<Self, NoRedis> {
        Self::start_with(&[])
    }

    /// One with further settings, such as `["--maxmemory", "4mb"]`.
    pub fn start_with(settings: &[&str]) -> Result<Self, NoRedis> {
        let defaults = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""];
        Self::start_as(|port, _| {
            let own = ["--port".to_owned(), port.to_string(), "--bind".to_owned(), "127.0.0.1".to_owned()];
            own.into_iter().chain(defaults.into_iter().chain(settings.iter().copied()).map(str::to_owned)).collect()
        })
    }

    /// A sentinel that watches this server under the name `hall`, and thinks it gone after half a second.
    pub fn sentinel_of(watched: &Self) -> Result<Self, NoRedis> {
        let port_watched = watched.port;
        Self::start_as(|port, folder| {
            let file = folder.join("sentinel.conf");
            let text = format!(
                "port {port}\nbind 127.0.0.1\nsentinel monitor hall 127.0.0.1 {port_watched} 1\n\
                 sentinel down-after-milliseconds hall 500\nsentinel failover-timeout hall 2000\n"
            );
            // Without its file it does not start, and says so.
            drop(std::fs::write(&file, text));
            vec![file.display().to_string(), "--sentinel".to_owned()]
        })
    }

    /// One with these arguments, made from its port and its folder.
    pub fn start_as(arguments: impl Fn(u16, &Path) -> Vec<String>) -> Result<Self, NoRedis> {
        let mut problem = String::new();
        for _ in 0..PORTS_TRIED_MAX {
            let folder = tempfile::tempdir()?;
            let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
            let arguments = arguments(port, folder.path());
            match run(folder.path(), &arguments) {
                Ok(child) => return Ok(Self { child, folder, arguments, port }),
                Err(NoRedis::Unready(log)) => problem = log,
                Err(error) => return Err(error),
            }
        }
        Err(NoRedis::Unready(problem))
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `kill -9`.
    pub fn kill(&mut self) -> std::io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// Starts it again with what is in its folder.
    pub fn restart(&mut self) -> Result<(), NoRedis> {
        self.child = run(self.folder.path(), &self.arguments)?;
        Ok(())
    }

    /// SIGSTOP: it holds its connections and answers nothing.
    pub fn freeze(&self) -> std::io::Result<()> {
        self.signal("-STOP")
    }

    /// SIGCONT.
    pub fn thaw(&self) -> std::io::Result<()> {
        self.signal("-CONT")
    }

    fn signal(&self, signal: &str) -> std::io::Result<()> {
        Command::new("kill").args([signal, &self.child.id().to_string()]).status().map(drop)
    }

    /// What `redis-cli` answers.
    pub fn cli(&self, arguments: &[&str]) -> std::io::Result<String> {
        let output = Command::new("redis-cli").args(["-p", &self.port.to_string()]).args(arguments).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.kill());
    }
}

/// Runs it and waits until it can be asked.
fn run(folder: &Path, arguments: &[String]) -> Result<Child, NoRedis> {
    let mut child = Command::new("redis-server")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let (ready, is_ready) = mpsc::channel::<Result<(), String>>();
    let Some(log) = child.stdout.take() else { return Err(NoRedis::Unready("it has no output".to_owned())) };
    // Reads on to the end, so that it can go on writing.
    std::thread::spawn(move || {
        let mut said = String::new();
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            if READY.iter().any(|ready| line.contains(ready)) {
                drop(ready.send(Ok(())));
            } else if said.len() < 16 * 1024 {
                said.push_str(&line);
                said.push('\n');
            }
        }
        drop(ready.send(Err(said)));
    });
    match is_ready.recv_timeout(START_MAX) {
        Ok(Ok(())) => Ok(child),
        Ok(Err(said)) => {
            drop(child.wait());
            Err(NoRedis::Unready(said))
        }
        Err(_) => {
            drop(child.kill());
            drop(child.wait());
            Err(NoRedis::Unready(format!("not within {START_MAX:?}")))
        }
    }
}
