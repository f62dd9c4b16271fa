//! Whether Redis is set up to keep what the settings promise.
//!
//! Looked at whenever a connection is made, so also after a fail-over. What falls short is logged, counted, and told
//! at `/readyz`; the server works on, since it is for its operator to decide.

use std::collections::BTreeMap;

use super::link::Link;
use super::options::Ack;

/// Asks every primary how it is set up, and tells what falls short of the promise.
pub(super) async fn shortfalls(link: &mut Link, ack: Ack, replicas: u32) -> Vec<String> {
    let mut info = redis::cmd("INFO");
    info.arg("everything");
    let infos: Vec<String> = match link.ask_primaries(info).await {
        Ok(infos) => infos,
        Err(error) => return vec![format!("how Redis is set up cannot be found out: {error}")],
    };
    let mut config = redis::cmd("CONFIG");
    config.arg("GET").arg("appendfsync");
    // Where CONFIG is not allowed, as with hosted ones, the rest still is known.
    let fsync: Vec<BTreeMap<String, String>> = link.ask_primaries(config).await.unwrap_or_default();
    let mut found = Vec::new();
    for (node, text) in infos.iter().enumerate() {
        let fields = fields(text);
        let fsync = fsync.get(node).and_then(|config| config.get("appendfsync")).map(String::as_str);
        for problem in judge(&fields, fsync, ack, replicas) {
            if !found.contains(&problem) {
                found.push(problem);
            }
        }
    }
    found
}

/// `INFO` as a table.
fn fields(info: &str) -> BTreeMap<&str, &str> {
    info.lines().filter_map(|line| line.trim_end().split_once(':')).collect()
}

fn judge(info: &BTreeMap<&str, &str>, fsync: Option<&str>, ack: Ack, replicas: u32) -> Vec<String> {
    let mut found = Vec::new();
    let field = |name: &str| info.get(name).copied().unwrap_or_default();
    let policy = field("maxmemory_policy");
    if policy != "noeviction" {
        found.push(format!(
            "maxmemory-policy is {policy}: Redis may throw saved changes away when it is full; set noeviction"
        ));
    }
    if field("aof_enabled") == "1" {
        match (ack, fsync) {
            (_, None) => found.push("appendfsync cannot be read: what is lost on a power cut is not known".to_owned()),
            (_, Some("no")) => found.push(
                "appendfsync is no: some half minute of changes is lost on a power cut; set always or everysec"
                    .to_owned(),
            ),
            (Ack::Always, Some("everysec")) => {
                let lost = "up to two seconds of changes are lost on a power cut";
                found.push(format!("appendfsync is everysec, and ack = \"always\" was promised: {lost}"));
            }
            _ => {}
        }
        if field("aof_last_write_status") == "err" {
            found.push("Redis could not write its file the last time: look at its disk".to_owned());
        }
    } else {
        let lost = "everything since Redis's last dump is lost when it ends";
        found.push(format!("appendonly is off: {lost}; set appendonly yes"));
    }
    if ack == Ack::Replicated {
        let connected = field("connected_slaves").parse::<u32>().unwrap_or_default();
        if connected < replicas {
            found
                .push(format!("{connected} of {replicas} replicas are connected: nothing can be saved until they are"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_falls_short_is_told() {
        let sound = "# Persistence\r\naof_enabled:1\r\naof_last_write_status:ok\r\nmaxmemory_policy:noeviction\r\nconnected_slaves:1\r\n";
        let judged = |text: &str, fsync: Option<&str>, ack| judge(&fields(text), fsync, ack, 1);
        let nothing: [String; 0] = [];
        assert_eq!(judged(sound, Some("always"), Ack::Always), nothing);
        assert_eq!(judged(sound, Some("everysec"), Ack::Everysec), nothing);
        assert_eq!(judged(sound, Some("everysec"), Ack::Replicated), nothing);
        let cases = [
            (sound.replace("aof_enabled:1", "aof_enabled:0"), Some("always"), Ack::Always, "appendonly is off"),
            (sound.to_owned(), Some("everysec"), Ack::Always, "promised"),
            (sound.to_owned(), Some("no"), Ack::Everysec, "half minute"),
            (sound.to_owned(), None, Ack::Everysec, "cannot be read"),
            (sound.replace("noeviction", "allkeys-lru"), Some("always"), Ack::Always, "allkeys-lru"),
            (sound.replace("status:ok", "status:err"), Some("always"), Ack::Always, "its disk"),
            (sound.replace("slaves:1", "slaves:0"), Some("always"), Ack::Replicated, "0 of 1 replicas"),
        ];
        for (info, fsync, ack, told) in cases {
            let found = judged(&info, fsync, ack);
            assert!(matches!(found.as_slice(), [only] if only.contains(told)), "{told}: {found:?}");
        }
    }
}
