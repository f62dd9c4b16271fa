//! A few of the faults that `scripts/chaos` draws many of.

use loadtest::chaos::{self, ChaosOptions};

async fn goes_well(only: &str, seed: u64) {
    let options =
        ChaosOptions { rounds: 1, seed, program: env!("CARGO_BIN_EXE_callnext").into(), only: Some(only.to_owned()) };
    let mut told = Vec::new();
    let chaos = chaos::run(&options, &mut told).await.unwrap();
    assert!(chaos.is_good() && chaos.answers > 0, "{}", String::from_utf8(told).unwrap());
}

#[actix_web::test]
async fn nothing_is_lost_with_a_killed_owner() {
    goes_well("kill -9 of the owner", 1).await;
}

#[actix_web::test]
async fn nothing_is_lost_with_a_killed_redis() {
    goes_well("kill -9 of Redis", 2).await;
}

#[actix_web::test]
async fn nothing_is_lost_with_an_owner_that_is_cut_off() {
    goes_well("the owner is cut off", 3).await;
}

#[actix_web::test]
async fn nothing_is_lost_with_a_wiped_redis() {
    goes_well("wiped", 4).await;
}

#[actix_web::test]
async fn nothing_is_lost_with_a_promoted_replica() {
    goes_well("promoted", 5).await;
}
