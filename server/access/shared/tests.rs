//! Two nodes, one Redis: what is done at one is so at the other, also when Redis forgets.

use std::time::Duration;

use callnext_engine::{Millis, Timestamp, VenueId};
use futures_util::future::join;
use loadtest::redis::Redis;

use crate::access::{Access, AccessError, DeviceKind, Principal, Roles, Secret, Token};
use crate::journal::{RedisJournal, redis::RedisOptions, redis::RedisUrl};

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const PASSWORD: &str = "correct horse";
const KEYS: [&str; 2] = ["callnext:{:accounts}:fields", "callnext:{:accounts}:changes"];

struct Installation {
    redis: Redis,
    folder: tempfile::TempDir,
}

impl Installation {
    fn new() -> Self {
        Self { redis: Redis::start().unwrap(), folder: tempfile::tempdir().unwrap() }
    }

    async fn node(&self) -> Access {
        let options =
            RedisOptions { patience_ms: 30_000, ..RedisOptions::single(RedisUrl::parse(&self.redis.url()).unwrap()) };
        let keeper = RedisJournal::connect(options).await.unwrap();
        Access::share(std::sync::Arc::new(keeper), &Secret::of(1), self.folder.path()).await.unwrap()
    }
}

async fn put(node: &Access, user: &str, roles: Roles) -> Result<(), AccessError> {
    node.put_account(user, Some(PASSWORD), roles, NOW).await.map(drop)
}

fn nobody() -> Roles {
    std::iter::empty().collect()
}

async fn who(node: &Access, token: &Token) -> Option<String> {
    match node.authenticate(token.reveal(), NOW).await? {
        Principal::Staff { user, .. } => Some(user.to_string()),
        Principal::Device { name, .. } => Some(name.to_string()),
        Principal::Anonymous => None,
    }
}

/// Waits until a node has heard of it by itself.
async fn heard(what: &str, is_so: impl AsyncFn() -> bool) {
    for _ in 0..1_000 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never heard: {what}");
}

#[tokio::test]
async fn what_is_let_in_at_one_node_is_let_in_at_every_other_at_once() {
    let installation = Installation::new();
    let (one, other) = (installation.node().await, installation.node().await);
    put(&one, "root", Roles::administrator()).await.unwrap();
    let (token, _) = other.login("ROOT", PASSWORD, NOW).await.unwrap();
    assert_eq!(who(&one, &token).await.as_deref(), Some("root"));
    let hall = VenueId::parse("hall").unwrap();
    let (screen, _) = one.create_device(&hall, "入口: 1", DeviceKind::Board, NOW).await.unwrap();
    assert_eq!(who(&other, &screen).await.as_deref(), Some("入口: 1"));
    let again = other.create_device(&hall, "入口: 1", DeviceKind::Board, NOW).await;
    assert!(matches!(again, Err(AccessError::DeviceExists)), "{again:?}");
    // A phone's link made at one is good at the other, and none of another installation's.
    let link = one.links().token(&hall, callnext_engine::TicketId(7));
    assert!(other.links().open(link.reveal()).is_some());
    // Nothing that lets its bearer in stands in Redis.
    let kept = installation.redis.cli(&["hgetall", KEYS[0]]).unwrap();
    assert!(kept.contains("login:") && !kept.contains(token.reveal()) && !kept.contains(screen.reveal()));
    assert!(!kept.contains(PASSWORD));
}

#[tokio::test]
async fn who_is_shut_out_at_one_node_is_shut_out_everywhere_a_moment_later() {
    let installation = Installation::new();
    let (one, other) = (installation.node().await, installation.node().await);
    let _following = tokio::spawn(one.clone().follow());
    put(&one, "root", Roles::administrator()).await.unwrap();
    put(&one, "clerk", nobody()).await.unwrap();
    let (token, _) = one.login("clerk", PASSWORD, NOW).await.unwrap();
    let (root, _) = one.login("root", PASSWORD, NOW).await.unwrap();
    other.logout(root.reveal()).await.unwrap();
    heard("the logout", async || who(&one, &root).await.is_none()).await;
    other.put_account("clerk", Some("battery staple"), nobody(), NOW).await.unwrap();
    heard("the new password", async || who(&one, &token).await.is_none()).await;
    let (token, _) = one.login("clerk", "battery staple", NOW).await.unwrap();
    other.delete_account("clerk").await.unwrap();
    heard("the deleted account", async || who(&one, &token).await.is_none()).await;
    assert_eq!(one.list_accounts().len(), 1);
}

#[tokio::test]
async fn two_nodes_never_make_the_last_two_administrators_go() {
    let installation = Installation::new();
    let (one, other) = (installation.node().await, installation.node().await);
    for _ in 0..10 {
        put(&one, "anna", Roles::administrator()).await.unwrap();
        put(&one, "berta", Roles::administrator()).await.unwrap();
        let (anna, berta) = join(one.delete_account("anna"), other.delete_account("berta")).await;
        let kinds = [anna, berta].map(|gone| gone.err().map_or("gone", |error| error.code()));
        assert!(kinds == ["gone", "last_administrator"] || kinds == ["last_administrator", "gone"], "{kinds:?}");
    }
}

#[tokio::test]
async fn a_redis_that_lost_everything_gets_it_back_from_the_nodes() {
    let installation = Installation::new();
    let (one, other) = (installation.node().await, installation.node().await);
    put(&one, "root", Roles::administrator()).await.unwrap();
    let (token, _) = one.login("root", PASSWORD, NOW).await.unwrap();
    assert!(who(&other, &token).await.is_some());
    installation.redis.cli(&["flushall"]).unwrap();
    put(&other, "clerk", nobody()).await.unwrap();
    let third = installation.node().await;
    assert_eq!(third.list_accounts().len(), 2);
    for node in [&one, &other, &third] {
        assert_eq!(who(node, &token).await.as_deref(), Some("root"));
        assert!(node.login("clerk", PASSWORD, NOW).await.is_ok());
    }
}

#[tokio::test]
async fn what_a_promoted_replica_never_had_is_forgotten_everywhere() {
    let installation = Installation::new();
    let node = installation.node().await;
    put(&node, "root", Roles::administrator()).await.unwrap();
    let copy = |from: &str, to: &str| installation.redis.cli(&["copy", from, to, "replace"]).unwrap();
    KEYS.iter().for_each(|key| assert_eq!(copy(key, &format!("copy:{key}")), "1"));
    let (token, _) = node.login("root", PASSWORD, NOW).await.unwrap();
    assert!(who(&node, &token).await.is_some());
    KEYS.iter().for_each(|key| assert_eq!(copy(&format!("copy:{key}"), key), "1"));
    // A change of as many as the node knows, and another one.
    let other = installation.node().await;
    put(&other, "clerk", nobody()).await.unwrap();
    let _following = tokio::spawn(node.clone().follow());
    heard("the other history", async || node.list_accounts().len() == 2).await;
    assert_eq!(who(&node, &token).await, None);
}

#[tokio::test]
async fn the_first_node_brings_what_it_knew_when_it_worked_alone() {
    let installation = Installation::new();
    let alone = Access::open(installation.folder.path()).unwrap();
    put(&alone, "root", Roles::administrator()).await.unwrap();
    let (token, _) = alone.login("root", PASSWORD, NOW).await.unwrap();
    drop(alone);
    let one = installation.node().await;
    assert_eq!(who(&one, &token).await.as_deref(), Some("root"));
    assert!(one.offer_setup().unwrap().is_none());
    // Whoever comes later brings nothing.
    put(&one, "clerk", nobody()).await.unwrap();
    assert_eq!(installation.node().await.list_accounts().len(), 2);
}

#[tokio::test]
async fn all_nodes_offer_the_same_set_up_and_it_is_taken_once() {
    let installation = Installation::new();
    let (one, other) = (installation.node().await, installation.node().await);
    let offered = one.offer_setup().unwrap().unwrap();
    assert_eq!(other.offer_setup().unwrap().unwrap(), offered);
    let (first, second) = join(
        one.set_up(offered.reveal(), "anna", PASSWORD, NOW),
        other.set_up(offered.reveal(), "berta", PASSWORD, NOW),
    )
    .await;
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    assert!(installation.node().await.offer_setup().unwrap().is_none());
}

#[tokio::test]
async fn without_redis_a_node_goes_on_with_what_it_knows() {
    let mut installation = Installation::new();
    let node = installation.node().await;
    put(&node, "root", Roles::administrator()).await.unwrap();
    let (token, _) = node.login("root", PASSWORD, NOW).await.unwrap();
    installation.redis.kill().unwrap();
    assert_eq!(who(&node, &token).await.as_deref(), Some("root"));
    let later = NOW + Millis::from_mins(60);
    assert!(node.authenticate(token.reveal(), later).await.is_some(), "although its renewal cannot be kept");
    assert!(node.authenticate(Token::random().unwrap().reveal(), NOW).await.is_none());
    installation.redis.restart().unwrap();
    heard("Redis is back", async || node.login("root", PASSWORD, NOW).await.is_ok()).await;
}
