//! The real program in a process of its own: it can be told to stop, and killed.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use super::PATIENCE;

/// The program under test.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_callnext"));
    command.env_remove("CALLNEXT_LOG").env_remove("CALLNEXT_CONFIG").stdin(Stdio::null());
    command
}

/// Runs the program to its end.
pub fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

/// A running server process. It is killed when this is dropped.
pub struct Process {
    child: Child,
    pub base: String,
    /// What it printed before it was ready, and since.
    printed: Arc<Mutex<String>>,
}

impl Process {
    /// `serve` with this settings file.
    pub fn serve(settings: &Path, data: &Path) -> Self {
        Self::start(&["serve", "--config", settings.to_str().unwrap()], data)
    }

    /// Starts a server command on any free port, and waits until it says where it is.
    pub fn start(arguments: &[&str], data: &Path) -> Self {
        let mut child = program()
            .args(arguments)
            .args(["--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let printed = Arc::new(Mutex::new(String::new()));
        let (ready, is_ready) = mpsc::channel();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let copy = Arc::clone(&printed);
        std::thread::spawn(move || {
            let mut line = String::new();
            while lines.read_line(&mut line).is_ok_and(|read| read > 0) {
                copy.lock().unwrap().push_str(&line);
                if let Some((_, base)) = line.split_once("is running: ") {
                    drop(ready.send(base.trim().trim_end_matches('/').to_owned()));
                }
                line.clear();
            }
        });
        let Ok(base) = is_ready.recv_timeout(PATIENCE) else {
            drop(child.kill());
            panic!("{arguments:?} is not ready: {}", printed.lock().unwrap());
        };
        Self { child, base, printed }
    }

    /// What it printed so far that has this in it, looked for until it is there.
    pub async fn printed(&self, part: &str) -> String {
        super::eventually(part, || {
            let text = self.printed.lock().unwrap().clone();
            async move { text.contains(part).then_some(text) }
        })
        .await
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGSTOP: it holds its connections and answers nothing.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// SIGCONT.
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let told = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(told.success());
    }

    /// SIGTERM; returns how it ended, and how long that took.
    pub async fn terminate(&mut self) -> (ExitStatus, Duration) {
        let begun = Instant::now();
        self.signal("-TERM");
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end");
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        (status, begun.elapsed())
    }

    /// Memory in use, kilobytes.
    pub fn memory_kb(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").trim().parse().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
