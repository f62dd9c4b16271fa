//! The scripts, and how one is called: by its digest, with its text where the server does not know it yet.
//!
//! A script runs in Redis as one step. Each of ours may be sent again without harm: a claim gives out one more epoch,
//! an append that was kept says so.

use std::sync::LazyLock;

use redis::{Cmd, Script};

/// One script.
pub(super) struct Lua {
    text: &'static str,
    digest: LazyLock<String>,
}

macro_rules! lua {
    ($name:ident, $file:literal) => {
        pub(super) static $name: Lua = Lua {
            text: include_str!($file),
            digest: LazyLock::new(|| Script::new(include_str!($file)).get_hash().to_owned()),
        };
    };
}

lua!(CLAIM, "claim.lua");
lua!(APPEND, "append.lua");
lua!(PAGE, "page.lua");
lua!(ACQUIRE, "acquire.lua");
lua!(BEAT, "beat.lua");
lua!(RENEW, "renew.lua");
lua!(RELEASE, "release.lua");
lua!(CHANGE, "change.lua");
lua!(FILL, "fill.lua");
lua!(DAYS, "days.lua");
lua!(PRUNE, "prune.lua");
lua!(PROBE, "probe.lua");

/// A script with what it is called with; can be sent as often as needed.
pub(super) struct Call {
    script: &'static Lua,
    keys: Vec<String>,
    arguments: Vec<Vec<u8>>,
}

impl Call {
    pub(super) fn of(script: &'static Lua) -> Self {
        Self { script, keys: Vec::new(), arguments: Vec::new() }
    }

    pub(super) fn key(&mut self, key: impl Into<String>) -> &mut Self {
        self.keys.push(key.into());
        self
    }

    pub(super) fn arg(&mut self, argument: impl Into<Vec<u8>>) -> &mut Self {
        self.arguments.push(argument.into());
        self
    }

    pub(super) fn args(&mut self, arguments: impl IntoIterator<Item: Into<Vec<u8>>>) -> &mut Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Bytes of what it brings.
    pub(super) fn weight(&self) -> usize {
        self.arguments.iter().map(Vec::len).sum()
    }

    /// The key that tells a cluster where to go; all keys of a call are in one slot.
    pub(super) fn slot_key(&self) -> &str {
        self.keys.first().map_or("", String::as_str)
    }

    pub(super) fn by_digest(&self) -> Cmd {
        self.cmd("EVALSHA", &self.script.digest)
    }

    pub(super) fn by_text(&self) -> Cmd {
        self.cmd("EVAL", self.script.text)
    }

    fn cmd(&self, name: &str, script: &str) -> Cmd {
        let mut cmd = redis::cmd(name);
        cmd.arg(script).arg(self.keys.len()).arg(&self.keys);
        for argument in &self.arguments {
            cmd.arg(argument.as_slice());
        }
        cmd
    }
}
