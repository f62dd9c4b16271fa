//! Many at once, and everything twice: each wish is carried out once.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::process::Process;
use crate::harness::{Answer, Caller, Server, venues};
use crate::set_up::{administrator, settings};

const COUNTERS: usize = 200;

/// Everybody calls at the same moment, and sends it twice at once.
async fn everybody_calls(server: &Server, clerk: &Caller) -> Vec<(Answer, Answer)> {
    let call = async |counter: usize| {
        let path = format!("venues/clinic/counters/c{counter}/calls");
        let key = format!("call-of-{counter}");
        let one = || clerk.post_with_key(&path, json!({}), &key);
        futures_util::future::join(one(), one()).await
    };
    let answers = join_all((1..=COUNTERS).map(call)).await;
    // And once more, when all is over.
    let late = clerk.post_with_key("venues/clinic/counters/c1/calls", json!({}), "call-of-1").await;
    assert_eq!(late.bytes, answers[0].0.bytes, "however late it is asked again");
    assert_eq!(server.edge.registry.ids().len(), 1);
    answers
}

async fn two_hundred_clerks(waiting: usize) {
    let server = Server::of(venues::wide(COUNTERS)).await;
    let clerk = server.staff("clerk").await;
    let numbers = join_all((0..waiting).map(|_| clerk.take("all"))).await;
    assert_eq!(numbers.len(), waiting);
    let open = async |n: usize| clerk.open(&format!("c{n}")).await;
    join_all((1..=COUNTERS).map(open)).await;
    let mut board = server.board().await;
    let mut called: BTreeMap<u64, usize> = BTreeMap::new();
    let mut calls = BTreeSet::new();
    let mut idle = 0;
    for (counter, (first, second)) in (1..).zip(everybody_calls(&server, &clerk).await) {
        assert_eq!(first.bytes, second.bytes, "counter {counter}: both answers are the same to the byte");
        let answer = first.expect(200);
        match answer["ticket"]["id"].as_u64() {
            Some(ticket) => {
                assert_eq!(answer["ticket"]["counter"], format!("c{counter}"));
                let other = called.insert(ticket, counter);
                assert_eq!(other, None, "ticket {ticket} was called by counter {counter} too");
                assert!(calls.insert(answer["call"].as_u64().unwrap()), "each call has its own name");
            }
            None => idle += 1,
        }
    }
    assert_eq!(called.len(), waiting.min(COUNTERS));
    assert_eq!(idle, COUNTERS.saturating_sub(waiting));
    let queue = clerk.queue().await;
    for row in queue["counters"].as_array().unwrap() {
        if let Some(ticket) = row["current"].as_u64() {
            assert_eq!(json!(format!("c{}", called[&ticket])), row["id"], "as its clerk was told");
        }
    }
    let left = waiting.saturating_sub(COUNTERS);
    assert_eq!(queue["services"][0]["waiting"], left);
    board.until("as many wait as are left", |board| board["services"][0]["waiting"] == left).await;
}

#[actix_web::test]
async fn two_hundred_clerks_call_a_hundred_and_fifty_people() {
    two_hundred_clerks(150).await;
}

#[actix_web::test]
async fn two_hundred_clerks_call_out_of_five_hundred_people() {
    two_hundred_clerks(500).await;
}

#[actix_web::test]
async fn five_hundred_numbers_at_once_are_each_given_once() {
    let server = Server::of(venues::wide(1)).await;
    let kiosk = server.kiosk().await;
    let take = async |n: usize| {
        let key = format!("take-{n}");
        let one = || kiosk.post_with_key("venues/clinic/tickets", json!({ "service": "all" }), &key);
        futures_util::future::join(one(), one()).await
    };
    let mut numbers = BTreeSet::new();
    for (first, second) in join_all((0..500).map(take)).await {
        let issued = first.expect(201);
        assert_eq!(first.bytes, second.bytes);
        assert!(numbers.insert(issued["number"].as_str().unwrap().to_owned()), "{} was given twice", issued["number"]);
    }
    let expected: BTreeSet<String> = (1..=500).map(|n| format!("W{n:03}")).collect();
    assert_eq!(numbers, expected, "without a gap");
}

#[actix_web::test]
async fn two_peoples_same_key_is_not_the_same_wish() {
    let server = Server::start().await;
    let (kiosk, nurse) = (server.kiosk().await, server.staff("nurse").await);
    let wish = json!({ "service": "internal" });
    let take =
        async |caller: &Caller| caller.post_with_key("venues/clinic/tickets", wish.clone(), "1").await.expect(201);
    let (first, second) = (take(&kiosk).await, take(&nurse).await);
    assert_ne!(first["id"], second["id"]);
    assert_eq!(take(&kiosk).await, first);
    assert_eq!(take(&nurse).await, second);
    // At another venue it is another wish as well, even where the address were the same.
    kiosk
        .post_with_key("venues/clinic/tickets", json!({ "service": "lab" }), "1")
        .await
        .refused(422, "idempotency_key_reused");
}

#[actix_web::test]
async fn what_was_refused_or_found_nobody_can_be_asked_again() {
    let server = Server::start().await;
    let clerk = server.staff("clerk").await;
    let call = async |key: &str| clerk.post_with_key("venues/clinic/counters/r1/calls", json!({}), key).await;
    call("early").await.refused(409, "counter_not_open");
    clerk.open("r1").await;
    let nobody = call("early").await;
    assert_eq!(nobody.expect(200)["ticket"], Value::Null);
    clerk.take("internal").await;
    // The answer to that tap was "nobody"; another tap is another wish.
    assert_eq!(call("early").await.bytes, nobody.bytes);
    assert_eq!(call("next").await.expect(200)["ticket"]["number"], "A001");
}

#[actix_web::test]
async fn receipts_survive_being_killed() {
    let folder = tempfile::tempdir().unwrap();
    let (file, data) = (settings(folder.path()), folder.path().join("data"));
    let mut server = Process::serve(&file, &data);
    let admin = administrator(&server).await;
    let take = async |admin: &Caller, key: &str| {
        admin.post_with_key("venues/clinic/tickets", json!({ "service": "all" }), key).await.expect(201)
    };
    let first = take(&admin, "one").await;
    let second = take(&admin, "two").await;
    admin.open("c1").await;
    let by_hand = json!({ "ticket": second["id"], "reason": "train" });
    let call = async |admin: &Caller, body: Value| {
        admin.post_with_key("venues/clinic/counters/c1/calls", body, "call").await.expect(200)
    };
    let called = call(&admin, by_hand.clone()).await;
    server.kill();

    let server = Process::serve(&file, &data);
    let admin = admin.moved_to(&server.base);
    let again = take(&admin, "one").await;
    for field in ["id", "number", "token"] {
        assert_eq!(again[field], first[field], "{field}");
    }
    assert_eq!(call(&admin, by_hand).await, called);
    assert_eq!(take(&admin, "three").await["number"], "W003", "nobody was given a number twice");
    admin
        .post_with_key("venues/clinic/counters/c2/calls", json!({}), "call")
        .await
        .refused(422, "idempotency_key_reused");
}
