//! The contract against a real Redis, and what a real Redis does to a journal: ends, hangs, fills up, fails over.

use std::sync::Arc;
use std::time::Duration;

use callnext_engine::{Lane, ServiceId, TicketId, Timestamp};
use futures_util::future::join_all;
use loadtest::redis::Redis;

use super::super::mirror::{MirrorQueue, MirrorTicket};
use super::super::{contract, sample};
use super::*;

mod nodes;

struct Store(Redis);

impl Store {
    fn new() -> Self {
        Self(Redis::start().unwrap())
    }

    /// Patient: a machine with much to do must not look like a Redis that is away.
    fn options(&self) -> RedisOptions {
        RedisOptions { patience_ms: 30_000, ..RedisOptions::single(RedisUrl::parse(&self.0.url()).unwrap()) }
    }

    async fn open(&self) -> RedisJournal {
        RedisJournal::connect(self.options()).await.unwrap()
    }
}

impl contract::Store for Store {
    fn journal(&self) -> Arc<dyn Journal> {
        let options = self.options();
        let connecting = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(RedisJournal::connect(options)).unwrap()
        });
        Arc::new(connecting.join().unwrap())
    }

    fn spoil(&self, venue: &VenueId, seq: Seq, body: &str) {
        // Streams are only ever added to: another body takes a new stream.
        const SPOIL: &str = "local all = redis.call('XRANGE', KEYS[1], '-', '+')
            redis.call('DEL', KEYS[1])
            for _, entry in ipairs(all) do
                if string.match(entry[1], '-(%d+)$') == ARGV[1] then entry[2][2] = ARGV[2] end
                redis.call('XADD', KEYS[1], entry[1], unpack(entry[2]))
            end";
        let key = format!("callnext:{{{venue}}}:changes");
        self.0.cli(&["eval", SPOIL, "1", &key, &seq.to_string(), body]).unwrap();
    }
}

contract::suite!(Store::new());

fn unavailable<T: std::fmt::Debug>(answer: Result<T, JournalError>) -> String {
    match answer {
        Err(JournalError::Unavailable(problem)) => problem,
        other => panic!("{other:?}"),
    }
}

fn mirror(seq: u64, waiting: &[u64]) -> Mirror {
    let ticket = |id: &u64| MirrorTicket {
        id: TicketId(*id),
        is_new: true,
        fields: vec![("number", format!("A{id:03}")), ("counter", String::new())],
    };
    Mirror {
        whole: true,
        seq: Seq(seq),
        at: Timestamp(1_800_000_000_000),
        expires_in: Duration::from_secs(3_600),
        tickets: waiting.iter().map(ticket).collect(),
        queues: vec![MirrorQueue {
            service: ServiceId::parse("ent").unwrap(),
            order: waiting.iter().map(|id| (Lane::WalkIn, TicketId(*id))).collect(),
        }],
        ..Mirror::default()
    }
}

#[tokio::test]
async fn changes_and_tickets_are_kept_in_one_step_or_not_at_all() {
    let (store, venue) = (Store::new(), sample::venue("hall"));
    let journal = store.open().await;
    let epoch = journal.open(&venue).await.unwrap().epoch;
    journal.keep(&venue, epoch, sample::changes(1, 2).into(), Some(mirror(2, &[7, 5]))).await.unwrap();
    let cli = |arguments: &[&str]| store.0.cli(arguments).unwrap();
    let queue = "callnext:{hall}:queue:ent:walk_in";
    assert_eq!(cli(&["zrange", queue, "0", "-1", "withscores"]), "7\n0\n5\n1");
    assert_eq!(cli(&["hget", "callnext:{hall}:ticket:7", "number"]), "A007");
    assert_eq!(cli(&["hget", "callnext:{hall}:live", "seq"]), "2");
    for key in ["live", "tickets", "queues", "ticket:5", "queue:ent:walk_in"] {
        let left: i64 = cli(&["pttl", &format!("callnext:{{hall}}:{key}")]).parse().unwrap();
        assert!(left > 0, "{key} expires");
    }
    // Refused changes show nothing.
    let refused = journal.keep(&venue, epoch, sample::changes(9, 9).into(), Some(mirror(9, &[8]))).await;
    assert!(matches!(refused, Err(JournalError::OutOfOrder { .. })), "{refused:?}");
    assert_eq!(cli(&["zrange", queue, "0", "-1"]), "7\n5");
    // A new owner's whole mirror takes away what it does not know of.
    let epoch = journal.open(&venue).await.unwrap().epoch;
    let mut whole = mirror(2, &[5]);
    whole.queues.clear();
    journal.keep(&venue, epoch, Arc::default(), Some(whole)).await.unwrap();
    assert_eq!(cli(&["keys", "callnext:{hall}:queue*"]), "");
    assert_eq!(cli(&["keys", "callnext:{hall}:ticket:*"]), "callnext:{hall}:ticket:5");
    // One whose visit is over is gone.
    let over =
        Mirror { whole: false, tickets: Vec::new(), over: vec![TicketId(5)], queues: Vec::new(), ..mirror(3, &[]) };
    journal.keep(&venue, epoch, sample::changes(3, 3).into(), Some(over)).await.unwrap();
    assert_eq!(cli(&["keys", "callnext:{hall}:ticket*"]), "");
}

#[tokio::test]
async fn what_is_shown_may_fail_and_what_is_saved_stands() {
    let (store, venue) = (Store::new(), sample::venue("hall"));
    let journal = store.open().await;
    let epoch = journal.open(&venue).await.unwrap().epoch;
    store.0.cli(&["set", "callnext:{hall}:live", "somebody else's"]).unwrap();
    journal.keep(&venue, epoch, sample::changes(1, 1).into(), Some(mirror(1, &[1]))).await.unwrap();
    assert_eq!(journal.read(&venue, Seq(0), 9).await.unwrap(), sample::changes(1, 1));
}

#[tokio::test]
async fn an_append_that_is_sent_again_is_kept_once() {
    let (store, venue) = (Store::new(), sample::venue("hall"));
    let options = RedisOptions { response_timeout_ms: 200, ..store.options() };
    let journal = RedisJournal::connect(options).await.unwrap();
    let epoch = journal.open(&venue).await.unwrap().epoch;
    // Redis takes it in and does not answer in time: it is asked again, and knows.
    store.0.freeze().unwrap();
    let (appended, ()) = futures_util::future::join(journal.append(&venue, epoch, sample::changes(1, 3)), async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        store.0.thaw().unwrap();
    })
    .await;
    appended.unwrap();
    assert_eq!(journal.read(&venue, Seq(0), 9).await.unwrap(), sample::changes(1, 3));
    journal.append(&venue, epoch, sample::changes(4, 4)).await.unwrap();
}

#[tokio::test]
async fn an_append_finds_out_that_it_was_kept_even_after_a_new_owner_came() {
    let (store, venue) = (Store::new(), sample::venue("hall"));
    let journal = store.open().await;
    let epoch = journal.open(&venue).await.unwrap().epoch;
    let mut call = script::Call::of(&script::APPEND);
    call.key("callnext:{hall}:owner").key("callnext:{hall}:changes");
    let owner = store.0.cli(&["hget", "callnext:{hall}:owner", "owner"]).unwrap();
    call.args(["1", owner.as_str(), "one-1", "0", "1", "1", "0", "{}"]);
    let client = redis::Client::open(store.0.url()).unwrap();
    let mut link = link::Link::Server(client.get_multiplexed_async_connection().await.unwrap());
    let mut ask = async |call: &script::Call| {
        let answer = link.run(call, None).await.unwrap();
        let answer: Vec<String> = redis::from_redis_value(answer).unwrap();
        answer[0].clone()
    };
    assert_eq!(epoch, Epoch(1));
    assert_eq!(ask(&call).await, "kept");
    assert_eq!(ask(&call).await, "kept", "and not added again");
    store.open().await.open(&venue).await.unwrap_or_else(|_| Opened { epoch, changes: Vec::new() });
    assert_eq!(ask(&call).await, "kept", "the new owner has it");
    let mut other = script::Call::of(&script::APPEND);
    other.key("callnext:{hall}:owner").key("callnext:{hall}:changes");
    other.args(["1", owner.as_str(), "one-2", "0", "1", "1", "0", "{}"]);
    assert_eq!(ask(&other).await, "deposed", "it is not this append that was kept");
    assert_eq!(store.0.cli(&["xlen", "callnext:{hall}:changes"]).unwrap(), "1");
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_when_redis_is_killed() {
    let (mut store, venue) = (Store::new(), sample::venue("hall"));
    let journal = store.open().await;
    let epoch = journal.open(&venue).await.unwrap().epoch;
    let mut kept = 0;
    for _ in 0..3 {
        let ((), ()) = futures_util::future::join(
            async {
                for _ in 0..20 {
                    // Killed in the middle, back within the patience: nobody hears of it.
                    journal.append(&venue, epoch, sample::changes(kept + 1, kept + 2)).await.unwrap();
                    kept += 2;
                }
            },
            async {
                tokio::time::sleep(Duration::from_millis(5)).await;
                store.0.kill().unwrap();
                store.0.restart().unwrap();
            },
        )
        .await;
        assert_eq!(journal.read(&venue, Seq(0), usize::MAX).await.unwrap(), sample::changes(1, kept));
    }
}

#[tokio::test]
async fn a_redis_that_is_away_is_said_at_once_and_found_again() {
    let (mut store, venue) = (Store::new(), sample::venue("hall"));
    let options = RedisOptions { patience_ms: 200, ..store.options() };
    let journal = RedisJournal::connect(options).await.unwrap();
    let epoch = journal.open(&venue).await.unwrap().epoch;
    store.0.kill().unwrap();
    unavailable(journal.append(&venue, epoch, sample::changes(1, 1)).await);
    let begun = std::time::Instant::now();
    for answer in join_all((0..100).map(|_| journal.open(&venue))).await {
        unavailable(answer);
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "nobody waits for the one before them: {:?}", begun.elapsed());
    unavailable(journal.ready().await);
    store.0.restart().unwrap();
    let back = tokio::time::timeout(Duration::from_secs(20), async {
        while journal.ready().await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    back.await.unwrap();
    let opened = journal.open(&venue).await.unwrap();
    assert!(opened.epoch > epoch);
    journal.append(&venue, opened.epoch, sample::changes(1, 1)).await.unwrap();
}

#[tokio::test]
async fn a_full_redis_says_so_and_loses_nothing() {
    let (store, venue) = (Store::new(), sample::venue("hall"));
    let journal = store.open().await;
    let epoch = journal.open(&venue).await.unwrap().epoch;
    let used = store.0.cli(&["info", "memory"]).unwrap();
    let used: u64 = used.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap().trim().parse().unwrap();
    store.0.cli(&["config", "set", "maxmemory", &(used + 1_000_000).to_string()]).unwrap();
    let mut kept = 0;
    let full = loop {
        match journal.keep(&venue, epoch, sample::changes(kept + 1, kept + 50).into(), Some(mirror(kept, &[1]))).await {
            Ok(()) => kept += 50,
            Err(error) => break error.to_string(),
        }
    };
    assert!(full.contains("maxmemory"), "{full}");
    assert!(kept > 0);
    assert!(unavailable(journal.ready().await).contains("maxmemory"), "it says so until it can write");
    assert_eq!(journal.read(&venue, Seq(0), usize::MAX).await.unwrap(), sample::changes(1, kept));
    store.0.cli(&["config", "set", "maxmemory", "0"]).unwrap();
    journal.append(&venue, epoch, sample::changes(kept + 1, kept + 50)).await.unwrap();
    journal.ready().await.unwrap();
}

#[tokio::test]
async fn an_append_has_a_limit() {
    let (store, venue) = (Store::new(), sample::venue("hall"));
    let journal = store.open().await;
    let epoch = journal.open(&venue).await.unwrap().epoch;
    let mut huge = mirror(1, &[1]);
    huge.tickets[0].fields[0].1 = "x".repeat(worker::APPEND_BYTES_MAX);
    let refused = unavailable(journal.keep(&venue, epoch, sample::changes(1, 1).into(), Some(huge)).await);
    assert!(refused.contains("more than"), "{refused}");
    journal.append(&venue, epoch, sample::changes(1, 1)).await.unwrap();
}

#[tokio::test]
async fn a_script_that_redis_forgot_is_told_to_it_again() {
    let (store, venue) = (Store::new(), sample::venue("hall"));
    let journal = store.open().await;
    let epoch = journal.open(&venue).await.unwrap().epoch;
    for n in 1..=3 {
        store.0.cli(&["script", "flush"]).unwrap();
        journal.append(&venue, epoch, sample::changes(n, n)).await.unwrap();
    }
}

#[tokio::test]
async fn history_is_found_across_many_epochs() {
    let (store, venue) = (Store::new(), sample::venue("hall"));
    let journal = store.open().await;
    for n in 0..20_u64 {
        let epoch = journal.open(&venue).await.unwrap().epoch;
        if n % 3 != 0 {
            let first = (n - n / 3 - 1) * 2;
            journal.append(&venue, epoch, sample::changes(first + 1, first + 2)).await.unwrap();
        }
    }
    let all = journal.read(&venue, Seq(0), 99).await.unwrap();
    for after in 0..=all.len() as u64 {
        let page = journal.read(&venue, Seq(after), 3).await.unwrap();
        let rest: Vec<_> = all.iter().skip(usize::try_from(after).unwrap()).take(3).cloned().collect();
        assert_eq!(page, rest, "after {after}");
    }
}

#[tokio::test]
async fn a_change_that_is_gone_is_reported_by_its_place() {
    let (store, venue) = (Store::new(), sample::venue("hall"));
    let journal = store.open().await;
    let epoch = journal.open(&venue).await.unwrap().epoch;
    journal.append(&venue, epoch, sample::day(1, 5)).await.unwrap();
    store.0.cli(&["xdel", "callnext:{hall}:changes", "1-3"]).unwrap();
    for found in [journal.read(&venue, Seq(0), 9).await.map(drop), journal.open(&venue).await.map(drop)] {
        assert!(matches!(found, Err(JournalError::Unreadable { seq: Seq(3), .. })), "{found:?}");
    }
}

#[tokio::test]
async fn what_redis_is_set_up_to_lose_is_told() {
    let store = Store::new();
    assert_eq!(store.open().await.shortfalls(), Vec::<String>::new());
    store.0.cli(&["config", "set", "appendfsync", "everysec"]).unwrap();
    assert!(store.open().await.shortfalls()[0].contains("everysec"));
    store.0.cli(&["config", "set", "appendonly", "no"]).unwrap();
    store.0.cli(&["config", "set", "maxmemory-policy", "allkeys-lru"]).unwrap();
    let told = store.open().await.shortfalls().join("; ");
    assert!(told.contains("appendonly is off") && told.contains("allkeys-lru"), "{told}");
}

#[tokio::test]
async fn a_wrong_password_is_told_and_a_right_one_works() {
    let redis = Redis::start_with(&["--requirepass", "right"]).unwrap();
    let with = |password: &str| {
        RedisOptions::single(RedisUrl::parse(&format!("redis://:{password}@127.0.0.1:{}", redis.port())).unwrap())
    };
    for wrong in ["wrong", ""] {
        let refused = RedisJournal::connect(with(wrong)).await;
        // Without any password only the first question is refused.
        let told = match refused {
            Err(error) => error.to_string(),
            Ok(journal) => unavailable(journal.ready().await),
        };
        assert!(told.contains("password"), "{told}");
        assert!(!told.contains("wrong@"), "{told}");
    }
    RedisJournal::connect(with("right")).await.unwrap().ready().await.unwrap();
}

// ---- more than one server -----------------------------------------------------------------------------------------

#[tokio::test]
async fn an_acknowledgement_waits_for_the_replica() {
    let (store, venue) = (Store::new(), sample::venue("hall"));
    let patient = RedisOptions { ack: Ack::Replicated, ..store.options() };
    let hasty = RedisOptions { replicated_within_ms: 100, patience_ms: 200, ..patient.clone() };
    let hasty = RedisJournal::connect(hasty).await.unwrap();
    assert!(hasty.shortfalls()[0].contains("0 of 1"), "{:?}", hasty.shortfalls());
    assert!(unavailable(hasty.open(&venue).await).contains("too few replicas"));
    let replica = Redis::start_with(&["--replicaof", "127.0.0.1", &store.0.port().to_string()]).unwrap();
    let journal = RedisJournal::connect(patient).await.unwrap();
    let epoch = tokio::time::timeout(Duration::from_secs(30), async {
        loop {
            if let Ok(opened) = journal.open(&venue).await {
                break opened.epoch;
            }
        }
    });
    let epoch = epoch.await.unwrap();
    journal.append(&venue, epoch, sample::changes(1, 2)).await.unwrap();
    assert_eq!(replica.cli(&["xlen", "callnext:{hall}:changes"]).unwrap(), "2");
    // What too few have is not acknowledged, however often it is asked for.
    replica.freeze().unwrap();
    assert!(unavailable(hasty.open(&venue).await).contains("too few replicas"));
    replica.thaw().unwrap();
}

#[tokio::test]
async fn sentinels_tell_where_the_primary_is_after_a_failover_too() {
    let mut store = Store::new();
    let replica = Redis::start_with(&["--replicaof", "127.0.0.1", &store.0.port().to_string()]).unwrap();
    let sentinel = Redis::sentinel_of(&store.0).unwrap();
    let within = Duration::from_secs(30);
    let known = tokio::time::timeout(within, async {
        while !sentinel.cli(&["sentinel", "replicas", "hall"]).unwrap().contains(&replica.port().to_string())
            || !replica.cli(&["info", "replication"]).unwrap().contains("master_link_status:up")
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    known.await.unwrap();
    let options = RedisOptions {
        urls: vec![RedisUrl::parse(&sentinel.url()).unwrap()],
        topology: Topology::Sentinel,
        primary: Some(RedisUrl::parse("redis://hall").unwrap()),
        patience_ms: 60_000,
        ..RedisOptions::default()
    };
    let (journal, venue) = (RedisJournal::connect(options).await.unwrap(), sample::venue("hall"));
    let epoch = journal.open(&venue).await.unwrap().epoch;
    journal.append(&venue, epoch, sample::changes(1, 3)).await.unwrap();
    let length = || replica.cli(&["xlen", "callnext:{hall}:changes"]).unwrap();
    let arrived = tokio::time::timeout(within, async {
        while length() != "3" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    arrived.await.unwrap();
    store.0.kill().unwrap();
    journal.append(&venue, epoch, sample::changes(4, 4)).await.unwrap();
    assert_eq!(length(), "4");
    assert_eq!(journal.open(&venue).await.unwrap().changes, sample::changes(1, 4));
}

/// A cluster of one node.
async fn cluster() -> (RedisJournal, Redis) {
    let redis = Redis::start_with(&["--cluster-enabled", "yes"]).unwrap();
    redis.cli(&["cluster", "addslotsrange", "0", "16383"]).unwrap();
    let ready = tokio::time::timeout(Duration::from_secs(20), async {
        while !redis.cli(&["cluster", "info"]).unwrap().contains("cluster_state:ok") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    ready.await.unwrap();
    let mut options = RedisOptions::single(RedisUrl::parse(&redis.url()).unwrap());
    options.topology = Topology::Cluster;
    (RedisJournal::connect(options).await.unwrap(), redis)
}

#[tokio::test]
async fn a_cluster_keeps_every_venue_in_one_slot() {
    let (journal, redis) = cluster().await;
    assert_eq!(journal.shortfalls(), Vec::<String>::new());
    journal.ready().await.unwrap();
    for name in ["hall", "clinic", "lab"] {
        let venue = sample::venue(name);
        let epoch = journal.open(&venue).await.unwrap().epoch;
        redis.cli(&["script", "flush"]).unwrap();
        journal.keep(&venue, epoch, sample::day(1, 4).into(), Some(mirror(4, &[1, 2]))).await.unwrap();
        assert_eq!(journal.open(&venue).await.unwrap().changes, sample::day(1, 4));
        assert_eq!(journal.read(&venue, Seq(2), 9).await.unwrap(), sample::changes(3, 4));
        let deposed = journal.append(&venue, epoch, sample::changes(5, 5)).await;
        assert!(matches!(deposed, Err(JournalError::Deposed { .. })), "{deposed:?}");
    }
}

#[tokio::test]
async fn tls_is_spoken_with_a_certificate_of_ones_own() {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.subject_alt_names.push(rcgen::SanType::IpAddress(std::net::IpAddr::from([127, 0, 0, 1])));
    let certificate = params.self_signed(&key).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    std::fs::write(file("cert.pem"), certificate.pem()).unwrap();
    std::fs::write(file("key.pem"), key.serialize_pem()).unwrap();
    let redis = Redis::start_as(|port, _| {
        let (cert, key) = (file("cert.pem").display().to_string(), file("key.pem").display().to_string());
        let port = port.to_string();
        let arguments = ["--port", "0", "--tls-port", &port, "--bind", "127.0.0.1", "--tls-cert-file", &cert];
        let more = ["--tls-key-file", &key, "--tls-ca-cert-file", &cert, "--tls-auth-clients", "no"];
        let last = ["--appendonly", "yes", "--appendfsync", "always"];
        arguments.into_iter().chain(more).chain(last).map(str::to_owned).collect()
    })
    .unwrap();
    let mut options = RedisOptions::single(RedisUrl::parse(&format!("rediss://127.0.0.1:{}", redis.port())).unwrap());
    assert!(RedisJournal::connect(options.clone()).await.is_err(), "nobody vouches for it");
    options.ca_file = Some(file("cert.pem"));
    let (journal, venue) = (RedisJournal::connect(options).await.unwrap(), sample::venue("hall"));
    let epoch = journal.open(&venue).await.unwrap().epoch;
    journal.append(&venue, epoch, sample::changes(1, 1)).await.unwrap();
}
