//! Every call explains itself: to the nurse in words, to the phone in numbers, to the manager in figures.

use callnext::clock::Clock;
use serde_json::{Value, json};

use crate::harness::server::Plan;
use crate::harness::{Caller, Server, eventually};

/// Three take a number. The third gets the green channel, the second is called by hand, the first waits.
async fn morning(server: &Server) -> Vec<Value> {
    let (nurse, clerk, anybody) = (server.staff("nurse").await, server.staff("clerk").await, server.anybody());
    let mut people = Vec::new();
    for _ in 0..3 {
        people.push(anybody.take("internal").await);
    }
    let reason = json!({ "reason": "pregnant" });
    nurse.ticket(&people[2]["id"], "green_channel", reason).await.expect(200);
    clerk.open("r1").await;
    server.pass(10 * 60);
    clerk.call("r1").await;
    let by_hand = json!({ "ticket": people[1]["id"], "reason": "friends" });
    clerk.post("venues/clinic/counters/r1/calls", by_hand).await.expect(200);
    people
}

async fn story(caller: &Caller, ticket: &Value) -> Value {
    caller.get(&format!("venues/clinic/tickets/{ticket}/story")).await.expect(200)
}

#[actix_web::test]
async fn the_phone_is_told_in_numbers_who_went_first() {
    let server = Server::start().await;
    let anybody = server.anybody();
    let elsewhere = anybody.take("surgery").await;
    let people = morning(&server).await;
    let mut phone = server.phone(people[0]["token"].as_str().unwrap()).await;
    let both = json!([{ "by": "green_channel", "count": 1 }, { "by": "by_hand", "count": 1 }]);
    phone.until("both went first", |frame| frame["passed_over_by"] == both).await;
    let seen = Value::from(phone.seen).to_string();
    for secret in ["A002", "A003", "pregnant", "friends", "clerk", "nurse"] {
        assert!(!seen.contains(secret), "{secret}: {seen}");
    }
    // Taken back, it was not so; and who was called has nothing to complain of.
    let clerk = server.staff("clerk").await;
    clerk.post("venues/clinic/undo", json!({})).await.expect(200);
    let cards = [
        (&people[0], json!([both[0]])),
        (&people[1], json!([both[0]])),
        (&people[2], json!([])),
        (&elsewhere, json!([])),
    ];
    for (issued, expected) in cards {
        let card = anybody.get(&format!("tickets/{}", issued["token"].as_str().unwrap())).await.expect(200);
        assert_eq!(card["passed_over_by"], expected, "{card}");
    }
}

#[actix_web::test]
async fn the_nurse_reads_a_tickets_whole_story() {
    let server = Server::start().await;
    let people = morning(&server).await;
    let clerk = server.staff("clerk").await;
    let told = story(&clerk, &people[0]["id"]).await;
    assert_eq!((&told["number"], &told["left_out"]), (&json!("A001"), &json!(0)));
    let steps = told["steps"].as_array().unwrap();
    let kinds: Vec<_> = steps.iter().map(|step| step["what"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["issued", "readied", "passed_over", "passed_over"]);
    assert_eq!(steps[0]["by"], json!({ "kind": "public" }));
    let green = &steps[2];
    assert_eq!(
        (&green["number"], &green["passed_by"], &green["reason"]),
        (&json!("A003"), &json!("green_channel"), &json!("pregnant"))
    );
    assert_eq!(green["granted_by"], json!({ "kind": "staff", "name": "nurse" }));
    assert_eq!(green["by"], json!({ "kind": "staff", "name": "clerk" }));
    let by_hand = &steps[3];
    assert_eq!(
        (&by_hand["number"], &by_hand["rule"], &by_hand["reason"]),
        (&json!("A002"), &json!("by_hand"), &json!("friends"))
    );
    // A mis-click taken back stays in the story, as what it was.
    clerk.post("venues/clinic/undo", json!({})).await.expect(200);
    let undone: Vec<_> = story(&clerk, &people[0]["id"]).await["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["undone"].clone())
        .collect();
    assert_eq!(undone, [false, false, false, true]);
    let told = story(&clerk, &people[2]["id"]).await;
    let steps = told["steps"].as_array().unwrap();
    let kinds: Vec<_> = steps.iter().map(|step| step["what"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        ["issued", "granted", "called", "completed", "taken_back"],
        "the call by hand had ended its visit"
    );
    assert_eq!((&steps[2]["wait_s"], &steps[2]["passed"], &steps[3]["undone"]), (&json!(600), &json!(2), &json!(true)));
    clerk.get("venues/clinic/tickets/99/story").await.refused(404, "ticket_unknown");
    clerk.get("venues/clinic/tickets/x/story").await.refused(404, "not_found");
}

#[actix_web::test]
async fn the_days_figures_are_counted_live_after_a_restart_and_when_it_is_over() {
    let server = Server::start().await;
    let people = morning(&server).await;
    let manager = server.staff("manager").await;
    let live = manager.get("venues/clinic/figures").await.expect(200);
    assert_eq!(
        (&live["day"], &live["green_channels"], &live["overflows"]),
        (&json!("2026-03-02"), &json!(1), &json!(0))
    );
    assert_eq!(live["by_hand"], json!([{ "by": { "kind": "staff", "name": "clerk" }, "count": 1 }]));
    assert_eq!(live["soon"], json!({ "minutes": 30, "called": 2, "of": 2 }));
    let all = &live["groups"][0];
    assert_eq!((&all["service"], &all["lane"], &all["called"]), (&Value::Null, &Value::Null, &json!(2)));
    assert_eq!((&all["wait_median_s"], &all["overtaken_max"]), (&json!(600), &json!(0)));
    let named = manager.get("venues/clinic/figures?day=2026-03-02").await.expect(200);
    assert_eq!(named["groups"], live["groups"]);
    for (query, status, code) in [
        ("day=2026-03-01", 404, "day_unknown"),
        ("day=2026-03-03", 404, "day_unknown"),
        ("day=yesterday", 422, "value_invalid"),
        ("day=2026-02-30", 422, "value_invalid"),
        ("day=", 422, "value_invalid"),
        ("days=2026-03-02", 422, "value_invalid"),
        ("day=2026-03-02&day=2026-03-01", 422, "value_invalid"),
    ] {
        manager.get(&format!("venues/clinic/figures?{query}")).await.refused(status, code);
    }

    let (now, folder) = (server.clock.now(), server.stop());
    let server = Server::start_with(Plan { folder: Some(folder), clock: Clock::own(now, 0), ..Plan::default() }).await;
    let manager = server.staff("manager").await;
    let again = manager.get("venues/clinic/figures").await.expect(200);
    assert_eq!(
        (&again["groups"], &again["soon"], &again["by_hand"]),
        (&live["groups"], &live["soon"], &live["by_hand"])
    );
    assert_eq!(story(&manager, &people[0]["id"]).await["steps"].as_array().unwrap().len(), 4);

    server.pass(24 * 60 * 60);
    eventually("the next day", async || {
        let today = manager.get("venues/clinic/figures").await.expect(200);
        (today["day"] == "2026-03-03").then_some(())
    })
    .await;
    manager.get(&format!("venues/clinic/tickets/{}/story", people[0]["id"])).await.refused(404, "ticket_unknown");
    let over = manager.get("venues/clinic/figures?day=2026-03-02").await.expect(200);
    assert_eq!((&over["day"], &over["by_hand"]), (&json!("2026-03-02"), &live["by_hand"]));
    assert_eq!(over["soon"], json!({ "minutes": 30, "called": 2, "of": 3 }), "the first was never called");
    assert_eq!((&over["groups"][0]["called"], &over["groups"][0]["no_shows"]), (&json!(2), &json!(1)));
    let today = manager.get("venues/clinic/figures").await.expect(200);
    assert_eq!((&today["groups"][0]["called"], &today["by_hand"]), (&json!(0), &json!([])));
}
