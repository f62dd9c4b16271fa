//! The server on Redis: what it keeps there, what others can read of it, and what happens when Redis goes away.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use callnext::journal::redis::{RedisJournal, RedisOptions, RedisUrl};
use callnext::journal::{SpillJournal, SqliteJournal};
use loadtest::redis::Redis;
use serde_json::{Value, json};

use crate::harness::process::{Process, run};
use crate::harness::server::Plan;
use crate::harness::{Server, eventually};
use crate::recovery::kill_while_people_work;
use crate::set_up::{administrator, settings};

fn options(redis: &Redis) -> RedisOptions {
    RedisOptions { patience_ms: 300, ..RedisOptions::single(RedisUrl::parse(&redis.url()).unwrap()) }
}

/// A clinic on this Redis, with what an earlier one left behind.
async fn clinic(redis: &Redis, before: Option<tempfile::TempDir>) -> Server {
    let journal = RedisJournal::connect(options(redis)).await.unwrap();
    Server::start_with(Plan { journal: Some(Arc::new(journal)), folder: before, ..Plan::default() }).await
}

fn cli(redis: &Redis, arguments: &[&str]) -> Vec<String> {
    redis.cli(arguments).unwrap().lines().map(str::to_owned).filter(|line| !line.is_empty()).collect()
}

/// The ids of a service's queue as other programs read it, in order.
fn order(redis: &Redis, service: &str) -> Vec<String> {
    let prefix = format!("{service}:");
    let names = cli(redis, &["smembers", "callnext:{clinic}:queues"]);
    let keys: Vec<String> = names
        .iter()
        .filter(|name| name.starts_with(&prefix))
        .map(|name| format!("callnext:{{clinic}}:queue:{name}"))
        .collect();
    let count = keys.len().to_string();
    let ask: Vec<&str> = ["zunion", &count].into_iter().chain(keys.iter().map(String::as_str)).collect();
    if keys.is_empty() { Vec::new() } else { cli(redis, &ask) }
}

/// The order that a console shows.
fn shown_order(queue: &Value) -> Vec<String> {
    queue["services"][0]["order"].as_array().unwrap().iter().map(ToString::to_string).collect()
}

#[actix_web::test]
async fn others_read_the_live_tickets_as_the_consoles_show_them() {
    let redis = Redis::start().unwrap();
    let server = clinic(&redis, None).await;
    let nurse = server.staff("nurse").await;
    nurse.open("r1").await;
    let take = async |name: &str| {
        let wish = json!({ "service": "internal", "name": name, "phone": "13800138000" });
        nurse.post("venues/clinic/tickets", wish).await.expect(201)["id"].clone()
    };
    let first = take("张小三").await;
    for name in ["李四", "王五", "赵六"] {
        take(name).await;
    }
    nurse.ticket(&json!(4), "green_channel", json!({ "reason": "a secret" })).await.expect(200);
    nurse.call("r1").await;
    nurse.at("r1", "starts").await.expect(200);
    nurse.ticket(&json!(4), "holds", json!({ "reason": "a secret" })).await.expect(200);
    nurse.call("r1").await;
    let queue = nurse.queue().await;
    eventually("the same order", || async { (order(&redis, "internal") == shown_order(&queue)).then_some(()) }).await;
    for row in queue["tickets"].as_array().unwrap() {
        let key = format!("callnext:{{clinic}}:ticket:{}", row["id"]);
        let field = |name: &str| redis.cli(&["hget", &key, name]).unwrap();
        for name in ["number", "service", "lane", "state", "counter", "urgency", "issued_at", "called_at"] {
            let shown = row[name].as_str().unwrap_or_default();
            // Elsewhere the call of one who is away for tests is still told.
            if name != "called_at" || !row["call"].is_null() {
                assert_eq!(field(name), shown, "{name} of {row}");
            }
        }
    }
    let live = cli(&redis, &["smembers", "callnext:{clinic}:tickets"]);
    assert_eq!(live.len(), queue["tickets"].as_array().unwrap().len());
    // Names are masked, and nothing else of a person is there.
    assert_eq!(redis.cli(&["hget", &format!("callnext:{{clinic}}:ticket:{first}"), "name"]).unwrap(), "张*三");
    for key in cli(&redis, &["keys", "callnext:{clinic}:ticket:*"]) {
        let told = redis.cli(&["hgetall", &key]).unwrap();
        for secret in ["13800138000", "a secret", "李四"] {
            assert!(!told.contains(secret), "{key}: {told}");
        }
        assert!(redis.cli(&["pttl", &key]).unwrap().parse::<i64>().unwrap() > 0, "{key} expires");
    }
    // The day ends, and with it all of it.
    server.pass(24 * 3600);
    eventually("nobody is left", || async {
        cli(&redis, &["keys", "callnext:{clinic}:ticket*"]).is_empty().then_some(())
    })
    .await;
    assert_eq!(order(&redis, "internal"), Vec::<String>::new());
}

#[actix_web::test]
async fn a_server_on_redis_goes_on_where_another_one_stopped() {
    let redis = Redis::start().unwrap();
    let server = clinic(&redis, None).await;
    let nurse = server.staff("nurse").await;
    nurse.open("r1").await;
    for _ in 0..3 {
        nurse.take("internal").await;
    }
    let before = nurse.queue().await;
    let server = clinic(&redis, Some(server.stop())).await;
    let nurse = nurse.moved_to(&server.base);
    let after = nurse.queue().await;
    assert!(after["epoch"].as_str().unwrap() > before["epoch"].as_str().unwrap());
    assert_eq!((&after["tickets"], &after["services"]), (&before["tickets"], &before["services"]));
    assert_eq!(nurse.call("r1").await["ticket"]["number"], "A001");
    assert_eq!(nurse.take("internal").await["number"], "A004");
}

#[actix_web::test]
async fn a_deposed_owner_shows_nothing_more_and_finds_out() {
    let redis = Redis::start().unwrap();
    let old = clinic(&redis, None).await;
    let kiosk = old.kiosk().await;
    assert_eq!(kiosk.take("internal").await["number"], "A001");
    let new = clinic(&redis, None).await;
    let other = new.kiosk().await;
    assert_eq!(other.take("internal").await["number"], "A002");
    // What the old one decides now rests on a state that is no longer so, unless it has found out by itself: every few
    // seconds it shows Redis its live tickets again.
    let answer = kiosk.post_with_key("venues/clinic/tickets", json!({ "service": "internal" }), "again").await;
    if answer.status != 201 {
        answer.refused(503, "service_unavailable");
    }
    let asked_again = eventually("the old one has opened the venue anew", || async {
        let answer = kiosk.post_with_key("venues/clinic/tickets", json!({ "service": "internal" }), "again").await;
        (answer.status == 201).then(|| answer.json())
    });
    assert_eq!(asked_again.await["number"], "A003");
}

#[actix_web::test]
async fn redis_away_is_told_and_heals() {
    let mut redis = Redis::start().unwrap();
    let server = clinic(&redis, None).await;
    let nurse = server.staff("nurse").await;
    assert_eq!(server.anybody().get("/readyz").await.status, 200);
    assert_eq!(nurse.take("internal").await["number"], "A001");
    redis.kill().unwrap();
    let take = async || nurse.post_with_key("venues/clinic/tickets", json!({ "service": "internal" }), "one").await;
    for _ in 0..3 {
        let answer = take().await;
        answer.refused(503, "service_unavailable");
        assert!(answer.header("retry-after").parse::<u32>().unwrap() > 0);
    }
    server.anybody().get("/readyz").await.refused(503, "service_unavailable");
    redis.restart().unwrap();
    let back = eventually("it is back", || async {
        let answer = take().await;
        (answer.status == 201).then(|| answer.json())
    });
    assert_eq!(back.await["number"], "A002", "no number was lost to it");
    assert_eq!(server.anybody().get("/readyz").await.status, 200);
}

#[actix_web::test]
async fn what_redis_may_lose_is_told_at_readyz_and_in_the_metrics() {
    let redis = Redis::start_with(&["--appendonly", "no"]).unwrap();
    let server = clinic(&redis, None).await;
    let ready = server.anybody().get("/readyz").await;
    assert_eq!(ready.status, 200, "it is for the operator to decide");
    let told = String::from_utf8(ready.bytes).unwrap();
    assert!(told.starts_with("ready\nwarning: appendonly is off"), "{told}");
    let metrics = String::from_utf8(server.anybody().get("/metrics").await.bytes).unwrap();
    assert!(metrics.contains("callnext_journal_shortfalls 1"), "{metrics}");
}

// ---- the program, by its settings -----------------------------------------------------------------------------------

pub fn settings_on(redis: &Redis, folder: &Path) -> PathBuf {
    let file = settings(folder);
    let text = std::fs::read_to_string(&file).unwrap();
    let journal =
        format!("[journal]\nstore = \"redis\"\n[journal.redis]\nurls = [\"{}\"]\npatience_ms = 30000\n", redis.url());
    std::fs::write(&file, journal + &text).unwrap();
    file
}

#[actix_web::test]
async fn killed_at_any_moment_nothing_that_was_told_is_lost_on_redis() {
    let (redis, folder) = (Redis::start().unwrap(), tempfile::tempdir().unwrap());
    kill_while_people_work(&settings_on(&redis, folder.path()), &folder.path().join("data"), 3).await;
    assert!(!folder.path().join("data/journal.sqlite").exists());
}

#[actix_web::test]
async fn everything_acknowledged_is_there_when_redis_was_killed() {
    let (mut redis, folder) = (Redis::start().unwrap(), tempfile::tempdir().unwrap());
    let data = folder.path().join("data");
    let file = settings_on(&redis, folder.path());
    let mut server = Process::serve(&file, &data);
    let admin = administrator(&server).await;
    let mut told = Vec::new();
    for _ in 0..4 {
        for _ in 0..5 {
            told.push(admin.take("all").await["number"].clone());
        }
        redis.kill().unwrap();
        // Whoever asks now waits, and is answered when Redis is back: it is away for less than the patience.
        let (number, ()) = futures_util::future::join(admin.take("all"), async { redis.restart().unwrap() }).await;
        told.push(number["number"].clone());
    }
    server.kill();
    let server = Process::serve(&file, &data);
    let queue = admin.moved_to(&server.base).queue().await;
    let kept: Vec<Value> = queue["tickets"].as_array().unwrap().iter().map(|ticket| ticket["number"].clone()).collect();
    for number in &told {
        assert!(kept.contains(number), "{number} was told, and is not in {kept:?}");
    }
    assert_eq!(kept.len(), told.len());
}

#[test]
fn a_server_does_not_start_without_its_redis_and_says_why() {
    let (mut redis, folder) = (Redis::start().unwrap(), tempfile::tempdir().unwrap());
    let file = settings_on(&redis, folder.path());
    redis.kill().unwrap();
    let data = folder.path().join("data");
    let output = run(&["serve", "--config", file.to_str().unwrap(), "--data", data.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("Redis") && told.contains("refused"), "{told}");
}

#[actix_web::test]
async fn a_single_server_goes_on_while_redis_is_away_and_gives_it_everything_afterwards() {
    let mut redis = Redis::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let shared = RedisJournal::connect(options(&redis)).await.unwrap();
    let file = SqliteJournal::open(&folder.path().join("spill.sqlite")).unwrap();
    let journal = SpillJournal::new(Arc::new(shared), file, folder.path());
    let plan = Plan { journal: Some(Arc::new(journal)), folder: Some(folder), ..Plan::default() };
    let server = Server::start_with(plan).await;
    let nurse = server.staff("nurse").await;
    nurse.open("r1").await;
    assert_eq!(nurse.take("internal").await["number"], "A001");
    redis.kill().unwrap();
    for n in 2..=30 {
        assert_eq!(nurse.take("internal").await["number"], format!("A{n:03}"), "nobody notices");
        nurse.call("r1").await;
    }
    assert_eq!(server.anybody().get("/readyz").await.status, 200);
    redis.restart().unwrap();
    let seq = nurse.queue().await["seq"].as_u64().unwrap();
    eventually("everything is there, in order", || async {
        let ids = cli(&redis, &["--raw", "eval", IDS, "1", "callnext:{clinic}:changes"]);
        let seqs: Vec<u64> = ids.iter().map(|id| id.split_once('-').unwrap().1.parse().unwrap()).collect();
        assert!(seqs.windows(2).all(|pair| pair[1] == pair[0] + 1), "{seqs:?}");
        (seqs.first() == Some(&1) && seqs.last() >= Some(&seq)).then_some(())
    })
    .await;
    let queue = nurse.queue().await;
    eventually("others see it, too", || async { (order(&redis, "internal") == shown_order(&queue)).then_some(()) })
        .await;
    assert_eq!(nurse.take("internal").await["number"], "A031");
}

/// The ids of a stream.
const IDS: &str = "local ids = {} for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+')) do ids[#ids + 1] = entry[1] end return ids";
