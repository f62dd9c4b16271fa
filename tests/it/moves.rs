//! Closing, going to another venue, and visits in several steps, through the public interface.

use serde_json::{Value, json};

use crate::harness::{Caller, Server, eventually};

async fn take_at(caller: &Caller, venue: &str, body: Value) -> Value {
    caller.post(&format!("venues/{venue}/tickets"), body).await.expect(201)
}

fn token(issued: &Value) -> String {
    issued["token"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn b10_a_closed_service_says_so_to_everybody_and_can_be_taken_back() {
    let server = Server::start().await;
    let nurse = server.staff("nurse").await;
    let first = nurse.take("internal").await;
    let second = nurse.take("internal").await;
    let mut board = nurse.socket("/ws/v1/venues/clinic/board?services=surgery").await;
    board.next().await;
    let before = nurse.get("venues/clinic/services/internal/closure").await.expect(200);
    assert_eq!((&before["closure"], &before["concerns"]["waiting"]), (&Value::Null, &json!(2)));

    let wish = json!({ "reason": "doctor ill", "to_service": "surgery" });
    let closed = nurse.post("venues/clinic/services/internal/closures", wish).await.expect(200);
    assert_eq!((&closed["closure"]["to_service"], &closed["concerns"]["waiting"]), (&json!("surgery"), &json!(0)));
    nurse.post("venues/clinic/tickets", json!({ "service": "internal" })).await.refused(409, "service_closed");
    let summary = nurse.get("venues/clinic").await.expect(200);
    assert_eq!(summary["services"][0]["closed"]["to_service"]["id"], "surgery");
    assert_eq!(summary["services"][1]["closed"], Value::Null);
    let queue = nurse.queue().await;
    assert_eq!(queue["services"][1]["waiting"], 2);
    assert_eq!(queue["services"][0]["closed"]["reason"], "doctor ill");
    let moved = &queue["tickets"][0]["note"];
    assert_eq!((&moved["note"], &moved["service"]), (&json!("moved"), &json!("internal")));
    let card = nurse.get(&format!("tickets/{}", token(&first))).await.expect(200);
    assert_eq!(
        (&card["number"], &card["service"]["id"], &card["state"]),
        (&json!("A001"), &json!("surgery"), &json!("waiting"))
    );
    assert_eq!((&card["notice"]["moved"], &card["notice"]["service"]["id"]), (&json!(true), &json!("internal")));

    nurse.post("venues/clinic/undo", json!({})).await.expect(200);
    let card = nurse.get(&format!("tickets/{}", token(&second))).await.expect(200);
    assert_eq!((&card["service"]["id"], &card["notice"]), (&json!("internal"), &Value::Null));
    nurse.take("internal").await;
}

#[actix_web::test]
async fn b10_boards_and_phones_tell_what_is_closed() {
    let server = Server::start().await;
    let nurse = server.staff("nurse").await;
    let issued = take_at(&nurse, "clinic", json!({ "service": "internal", "counter": "r1" })).await;
    let wish = json!({ "reason": "doctor ill", "advice": "rebook" });
    nurse.post("venues/clinic/counters/r1/closures", wish).await.expect(200);
    for (services, told) in [("internal", 1), ("surgery", 0)] {
        let frame = nurse.socket(&format!("/ws/v1/venues/clinic/board?services={services}")).await.next().await;
        assert_eq!(frame["closed"].as_array().unwrap().len(), told, "{services}: {frame}");
        for closed in frame["closed"].as_array().unwrap() {
            assert_eq!((&closed["counter"]["id"], &closed["advice"]), (&json!("r1"), &json!("rebook")));
            assert!(closed.get("reason").is_none(), "reasons are for staff: {closed}");
        }
    }
    let card = nurse.get(&format!("tickets/{}", token(&issued))).await.expect(200);
    assert_eq!((&card["notice"]["advice"], &card["notice"]["moved"]), (&json!("rebook"), &json!(false)));
    let again = nurse.post("venues/clinic/counters/r1/closures", json!({ "reason": "x" })).await;
    again.refused(409, "counter_closed");
    nurse.post("venues/clinic/counters/r1/reopenings", json!({})).await.expect(200);
    nurse.post("venues/clinic/counters/r1/reopenings", json!({})).await.refused(409, "not_closed");
}

#[actix_web::test]
async fn b10_clerks_close_nothing_and_what_is_not_there_is_not_closed() {
    let server = Server::start().await;
    let (nurse, clerk) = (server.staff("nurse").await, server.staff("clerk").await);
    let wish = || json!({ "reason": "tired" });
    clerk.post("venues/clinic/services/internal/closures", wish()).await.refused(403, "forbidden");
    clerk.get("venues/clinic/services/internal/closure").await.expect(200);
    nurse.post("venues/clinic/services/none/closures", wish()).await.refused(404, "service_unknown");
    nurse.get("venues/clinic/services/none/closure").await.refused(404, "not_found");
    nurse.get("venues/clinic/services/NO%20NE/closure").await.refused(404, "not_found");
    let into_itself = json!({ "reason": "x", "to_service": "internal" });
    nurse.post("venues/clinic/services/internal/closures", into_itself).await.refused(422, "value_invalid");
}

#[actix_web::test]
async fn r6_a_ticket_goes_to_another_venue_and_its_old_link_with_it() {
    let server = Server::start().await;
    let nurse = server.admin().await;
    let issued = take_at(&nurse, "clinic", json!({ "service": "internal", "name": "王小明" })).await;
    let link = format!("tickets/{}", token(&issued));
    let mut phone = nurse.socket(&format!("/ws/v1/{link}")).await;
    assert_eq!(phone.next().await["venue"]["id"], "clinic");
    let wish = json!({ "venue": "hall", "service": "all", "reason": "nothing left here", "urgency": "green_channel" });
    let sent = nurse.ticket(&issued["id"], "transfers", wish).await.expect(200);
    assert_eq!(sent["ticket"]["state"], "transferring");
    let card = eventually("the ticket arrives", || async {
        let card = nurse.get(&link).await.expect(200);
        (card["venue"]["id"] == "hall").then_some(card)
    })
    .await;
    assert_eq!(
        (&card["number"], &card["lane"], &card["green_channel"]),
        (&json!("A001"), &json!("referral"), &json!(true))
    );
    // Whoever was looking is told that it goes on elsewhere, and finds it there under the same link.
    while phone.next().await["state"] != "transferred" {}
    let mut again = nurse.socket(&format!("/ws/v1/{link}")).await;
    assert_eq!(again.next().await["venue"]["id"], "hall");
    let row = nurse.get("venues/hall/queue").await.expect(200)["tickets"][0].clone();
    assert_eq!((&row["guest"]["home"], &row["guest"]["stops"][0]["service"]), (&json!("clinic"), &json!("internal")));
    assert_eq!(row["name"], "王小明");
    // And steers it there.
    nurse.post(&format!("{link}/cancellations"), json!({})).await.expect(200);
    assert_eq!(nurse.get(&link).await.expect(200)["state"], "cancelled");
    assert_eq!(nurse.get("venues/hall/queue").await.expect(200)["tickets"], json!([]));
}

#[actix_web::test]
async fn r6_a_plain_no_is_heard_at_once() {
    let server = Server::start().await;
    let (nurse, clerk) = (server.admin().await, server.staff("clerk").await);
    let issued = nurse.take("internal").await;
    let to = |venue: &str, service: &str| json!({ "venue": venue, "service": service, "reason": "full" });
    let sends = |body: Value| nurse.ticket(&issued["id"], "transfers", body);
    sends(to("nowhere", "all")).await.refused(404, "venue_unknown");
    sends(to("hall", "eyes")).await.refused(404, "service_unknown");
    sends(json!({ "venue": "hall", "service": "all", "counter": "7", "reason": "x" }))
        .await
        .refused(404, "counter_unknown");
    nurse.post("venues/hall/services/all/closures", json!({ "reason": "full" })).await.expect(200);
    sends(to("hall", "all")).await.refused(409, "service_closed");
    nurse.post("venues/hall/services/all/reopenings", json!({})).await.expect(200);
    sends(json!({ "venue": "hall", "service": "all", "reason": " " })).await.refused(422, "value_invalid");
    let urgent = json!({ "service": "surgery", "reason": "x", "urgency": "emergency" });
    clerk.ticket(&issued["id"], "transfers", urgent).await.refused(403, "forbidden");
    assert_eq!(nurse.queue().await["tickets"][0]["state"], "waiting");
}

#[actix_web::test]
async fn g10_one_number_for_a_visit_in_steps() {
    let server = Server::start().await;
    let nurse = server.staff("nurse").await;
    for counter in ["r1", "l1", "s1"] {
        nurse.open(counter).await;
    }
    let steps = json!([{ "service": "lab" }, { "service": "surgery", "counter": "s1" }]);
    let issued = take_at(&nurse, "clinic", json!({ "service": "internal", "steps": steps })).await;
    assert_eq!((&issued["card"]["steps"]["step"], &issued["card"]["steps"]["of"]), (&json!(1), &json!(3)));
    assert_eq!(issued["card"]["steps"]["next"][0]["id"], "lab");
    nurse.call("r1").await;
    let row = nurse.at("r1", "completions").await.expect(200);
    assert_eq!((&row["ticket"]["service"], &row["ticket"]["state"]), (&json!("lab"), &json!("ready")));
    let card = nurse.get(&format!("tickets/{}", token(&issued))).await.expect(200);
    assert_eq!((&card["steps"]["step"], &card["steps"]["of"]), (&json!(2), &json!(3)));
    let skipped = nurse.ticket(&issued["id"], "skips", json!({ "reason": "done yesterday" })).await.expect(200);
    assert_eq!((&skipped["ticket"]["service"], &skipped["ticket"]["wants"]), (&json!("surgery"), &json!("s1")));
    nurse.ticket(&issued["id"], "skips", json!({ "reason": "x" })).await.refused(409, "no_next_step");
    let path = format!("venues/clinic/tickets/{}/steps", issued["id"]);
    let more = json!({ "steps": [{ "service": "lab" }], "reason": "blood again" });
    assert_eq!(nurse.put(&path, more).await.expect(200)["ticket"]["steps"][0]["service"], "lab");
    nurse.call("s1").await;
    nurse.at("s1", "completions").await.expect(200);
    nurse.call("l1").await;
    nurse.at("l1", "completions").await.expect(200);
    assert_eq!(nurse.get(&format!("tickets/{}", token(&issued))).await.expect(200)["state"], "completed");
}

#[actix_web::test]
async fn g10_bookings_can_name_steps_and_strangers_cannot() {
    let server = Server::start().await;
    let nurse = server.staff("nurse").await;
    let booking = json!([{ "code": "x1", "service": "internal", "slot": "09:30", "steps": "lab surgery" }]);
    nurse.put("venues/clinic/appointments", booking).await.expect(200);
    let issued = nurse.post("venues/clinic/check-ins", json!({ "code": "x1" })).await.expect(201);
    assert_eq!(issued["card"]["steps"]["of"], 3);
    let bad = json!([{ "code": "x2", "service": "internal", "slot": "09:30", "steps": "LAB" }]);
    nurse.put("venues/clinic/appointments", bad).await.refused(422, "appointments_invalid");
    let anybody = Caller::new(&server.base, None);
    let wish = json!({ "service": "internal", "steps": [{ "service": "lab" }] });
    anybody.post("venues/clinic/tickets", wish).await.refused(401, "unauthenticated");
}
