//! A few of the faults that `scripts/chaos` draws many of.

use loadtest::chaos::{self, ChaosOptions};
use loadtest::spread::{self, SpreadOptions};

async fn goes_well(only: &str, seed: u64) {
    run(ChaosOptions { seed, only: Some(only.to_owned()), ..options() }).await;
}

fn options() -> ChaosOptions {
    ChaosOptions { rounds: 1, seed: 1, program: env!("CARGO_BIN_EXE_callnext").into(), only: None, away: None }
}

async fn run(options: ChaosOptions) {
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

#[actix_web::test]
async fn a_server_that_works_alone_goes_on_while_its_redis_is_away() {
    run(ChaosOptions { away: Some(3), ..options() }).await;
}

#[actix_web::test]
async fn venues_have_an_owner_while_nodes_come_and_go_and_die() {
    let program = env!("CARGO_BIN_EXE_callnext").into();
    let options = SpreadOptions { venues: 60, lease_ms: 4_000, asks: 40, program };
    let spread = spread::run(&options).await.unwrap();
    assert!(spread.is_owned(), "{spread}");
}
