//! The contract: who may do what, and a whole visit from booking to leaving.

use callnext::access::DeviceKind;
use serde_json::{Value, json};

use crate::harness::server::PASSWORD;
use crate::harness::{Caller, Server, Socket, venues};

/// Everybody there is, in the order of the table's columns.
const WHO: [&str; 7] = ["administrator", "manager", "nurse", "clerk", "viewer", "board", "kiosk"];

/// Who may: one letter per column of [`WHO`], `-` for those who may not.
const STAFF: &str = "amncv--";
const ALL_BUT_VIEWERS: &str = "amnc---";
const TRIAGE: &str = "amn----";
const ENTRANCE: &str = "amnc--k";
const MANAGERS: &str = "am-----";
const ROOT: &str = "a------";

/// Every route that is not open to everybody. The bodies are sound; the tickets and codes are unknown, so that
/// whoever may gets as far as the venue's own answer and changes as little as can be.
fn guarded() -> Vec<(&'static str, &'static str, Value, &'static str)> {
    let reason = json!({ "reason": "because" });
    let empty = json!({});
    vec![
        ("GET", "venues/clinic/queue", Value::Null, STAFF),
        ("GET", "venues/clinic/staffing", Value::Null, STAFF),
        ("GET", "venues/clinic/tickets/99/story", Value::Null, ALL_BUT_VIEWERS),
        ("GET", "venues/clinic/figures", Value::Null, TRIAGE),
        ("POST", "venues/clinic/tickets", json!({ "service": "internal", "lane": "referral" }), TRIAGE),
        ("PUT", "venues/clinic/appointments", json!([]), TRIAGE),
        ("POST", "venues/clinic/check-ins", json!({ "code": "unknown" }), ENTRANCE),
        ("POST", "venues/clinic/overflows", json!({ "service": "unknown", "reason": "r", "approved_by": "b" }), TRIAGE),
        ("POST", "venues/clinic/counters/none/calls", empty.clone(), ALL_BUT_VIEWERS),
        ("POST", "venues/clinic/counters/none/calls", json!({ "ticket": 99, "reason": "r" }), ALL_BUT_VIEWERS),
        ("POST", "venues/clinic/counters/none/recalls", empty.clone(), ALL_BUT_VIEWERS),
        ("POST", "venues/clinic/counters/none/starts", empty.clone(), ALL_BUT_VIEWERS),
        ("POST", "venues/clinic/counters/none/completions", empty.clone(), ALL_BUT_VIEWERS),
        ("POST", "venues/clinic/counters/none/misses", empty.clone(), ALL_BUT_VIEWERS),
        ("PUT", "venues/clinic/counters/none", json!({ "state": "open" }), ALL_BUT_VIEWERS),
        ("POST", "venues/clinic/tickets/99/holds", reason.clone(), ALL_BUT_VIEWERS),
        ("POST", "venues/clinic/tickets/99/returns", empty.clone(), ALL_BUT_VIEWERS),
        ("POST", "venues/clinic/tickets/99/requeues", reason.clone(), ALL_BUT_VIEWERS),
        ("POST", "venues/clinic/tickets/99/transfers", json!({ "service": "lab", "reason": "r" }), ALL_BUT_VIEWERS),
        ("PUT", "venues/clinic/tickets/99/steps", json!({ "steps": [], "reason": "r" }), ALL_BUT_VIEWERS),
        ("POST", "venues/clinic/tickets/99/skips", reason.clone(), ALL_BUT_VIEWERS),
        ("GET", "venues/clinic/services/none/closure", Value::Null, STAFF),
        ("GET", "venues/clinic/counters/none/closure", Value::Null, STAFF),
        ("POST", "venues/clinic/services/none/closures", reason.clone(), TRIAGE),
        ("POST", "venues/clinic/counters/none/closures", reason.clone(), TRIAGE),
        ("POST", "venues/clinic/services/none/reopenings", empty.clone(), TRIAGE),
        ("POST", "venues/clinic/counters/none/reopenings", empty.clone(), TRIAGE),
        ("POST", "venues/clinic/tickets/99/cancellations", reason.clone(), ALL_BUT_VIEWERS),
        ("PUT", "venues/clinic/tickets/99/class", empty.clone(), ALL_BUT_VIEWERS),
        ("POST", "venues/clinic/tickets/99/green_channel", reason, TRIAGE),
        ("POST", "venues/clinic/undo", empty, ALL_BUT_VIEWERS),
        ("GET", "venues/clinic/policies", Value::Null, STAFF),
        ("PATCH", "venues/clinic/policies", json!({ "version": 99, "set": {}, "reason": "r" }), MANAGERS),
        ("PATCH", "venues/clinic/policies?dry_run=true", json!({ "version": 99, "set": {}, "reason": "r" }), MANAGERS),
        ("DELETE", "venues/clinic/policies/grace_s?version=99&reason=r", Value::Null, MANAGERS),
        ("GET", "venues/clinic/devices", Value::Null, MANAGERS),
        ("POST", "venues/clinic/devices", json!({ "name": "", "kind": "board" }), MANAGERS),
        ("DELETE", "venues/clinic/devices/none", Value::Null, MANAGERS),
        ("GET", "accounts", Value::Null, ROOT),
        ("PUT", "accounts/new", json!({ "roles": { "clinic": "clerk" } }), ROOT),
        ("DELETE", "accounts/none", Value::Null, ROOT),
    ]
}

async fn everybody(server: &Server) -> Vec<Caller> {
    let mut callers = vec![server.admin().await];
    for role in &WHO[1..5] {
        callers.push(server.staff(role).await);
    }
    callers.push(server.screen().await);
    callers.push(server.kiosk().await);
    callers
}

#[actix_web::test]
async fn every_route_lets_in_whom_it_should_and_nobody_else() {
    let server = Server::start().await;
    let callers = everybody(&server).await;
    // People who may do much, elsewhere.
    let foreigners = [
        server.account("boss-of-the-hall", "hall", "administrator").await,
        server.device("hall", "kiosk", DeviceKind::Kiosk).await,
    ];
    let anybody = server.anybody();
    for (method, path, body, may) in guarded() {
        let body = Some(&body).filter(|body| !body.is_null());
        for ((caller, who), column) in callers.iter().zip(WHO).zip(may.chars()) {
            let answer = caller.ask_for(method, path, body).await;
            if column == '-' {
                answer.refused(403, "forbidden");
            } else {
                assert!(!matches!(answer.status, 401 | 403 | 405 | 500..), "{who}: {answer}");
            }
        }
        for foreigner in &foreigners {
            foreigner.ask_for(method, path, body).await.refused(403, "forbidden");
        }
        let answer = anybody.ask_for(method, path, body).await;
        answer.refused(401, "unauthenticated");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
}

#[actix_web::test]
async fn sockets_let_in_whom_they_should_and_nobody_else() {
    let server = Server::start().await;
    let clinic = everybody(&server).await;
    let own =
        [server.account("hall-clerk", "hall", "clerk").await, server.device("hall", "b", DeviceKind::Board).await];
    let kiosk = server.device("hall", "k", DeviceKind::Kiosk).await;
    let anybody = server.anybody();
    let opened = async |caller: &Caller, path: &str| match caller.try_socket(path).await {
        Ok(mut socket) => {
            socket.next().await;
            200
        }
        Err(status) => status,
    };
    for (caller, column) in clinic.iter().zip(STAFF.chars()) {
        let may = if column == '-' { 403 } else { 200 };
        assert_eq!(opened(caller, "/ws/v1/venues/clinic/console").await, may, "{column}");
        assert_eq!(opened(caller, "/ws/v1/venues/clinic/board").await, 200, "open to everybody");
    }
    assert_eq!(opened(&anybody, "/ws/v1/venues/clinic/console").await, 401);
    assert_eq!(opened(&own[0], "/ws/v1/venues/clinic/console").await, 403);
    assert_eq!(opened(&anybody, "/ws/v1/venues/clinic/board").await, 200);
    for caller in &own {
        assert_eq!(opened(caller, "/ws/v1/venues/hall/board").await, 200);
    }
    assert_eq!(opened(&anybody, "/ws/v1/venues/hall/board").await, 401, "needs a device's token");
    assert_eq!(opened(&kiosk, "/ws/v1/venues/hall/board").await, 403);
    assert_eq!(opened(&clinic[5], "/ws/v1/venues/hall/board").await, 403, "a screen of another venue");
    assert_eq!(opened(&anybody, "/ws/v1/venues/none/board").await, 404);
    assert_eq!(opened(&anybody, "/ws/v1/venues/clinic/board?services=none").await, 404);
    assert_eq!(opened(&anybody, "/ws/v1/tickets/clinic.1.AAAAAAAAAAAAAAAAAAAAAA").await, 404);
}

#[actix_web::test]
async fn a_number_is_given_where_and_to_whom_the_venue_says() {
    let server = Server::start().await;
    let wish = json!({ "service": "internal" });
    for caller in everybody(&server).await {
        caller.post("venues/clinic/tickets", wish.clone()).await.expect(201);
    }
    server.anybody().post("venues/clinic/tickets", wish).await.expect(201);
    // The hall gives out numbers on site only.
    let wish = json!({ "service": "all" });
    server.anybody().post("venues/hall/tickets", wish.clone()).await.refused(403, "join_not_allowed");
    let stranger = server.device("clinic", "side-door", DeviceKind::Kiosk).await;
    stranger.post("venues/hall/tickets", wish.clone()).await.refused(403, "forbidden");
    let kiosk = server.device("hall", "k", DeviceKind::Kiosk).await;
    let issued = kiosk.post("venues/hall/tickets", wish).await.expect(201);
    assert_eq!(issued["number"], "H001");
}

#[actix_web::test]
async fn anybody_sees_the_venues() {
    let server = Server::start().await;
    let anybody = server.anybody();
    let venues = anybody.get("venues").await.expect(200);
    let names: Vec<_> = venues["venues"].as_array().unwrap().iter().map(|venue| &venue["id"]).collect();
    assert_eq!(names, ["clinic", "hall"]);
    let clinic = anybody.get("venues/clinic").await.expect(200);
    assert_eq!(clinic, venues["venues"][0]);
    assert_eq!(clinic["day"], "2026-03-02");
    assert_eq!(clinic["services"][0]["open"], false);
    assert_eq!(clinic["services"][0]["estimate"], Value::Null);
    assert_eq!(clinic["services"][0]["estimate_reason"], "no_counter_open");
    server.staff("clerk").await.open("r1").await;
    anybody.take("internal").await;
    let clinic = anybody.get("venues/clinic").await.expect(200);
    assert_eq!(clinic["services"][0]["open"], true);
    assert_eq!(clinic["services"][0]["waiting"], 1);
    assert_eq!(clinic["open_counters"][0]["id"], "r1");
    for path in ["/healthz", "/readyz", "/metrics", "/", "/board/clinic", "/t/anything", "/static/icon.svg"] {
        assert_eq!(anybody.get(path).await.status, 200, "{path}");
    }
}

fn shows(state: &str) -> impl Fn(&Value) -> bool + use<'_> {
    move |card| card["state"] == state
}

/// Books somebody, and checks them in.
async fn booked(server: &Server, nurse: &Caller, code: &str, slot: &str) -> Value {
    let list = json!([{ "code": code, "service": "internal", "slot": slot, "name": "王小明", "visitor": "id-1" }]);
    let set = nurse.put("venues/clinic/appointments", list).await.expect(200);
    assert!(set["appointments"].as_u64() >= Some(1));
    let kiosk = server.device("clinic", code, DeviceKind::Kiosk).await;
    let wrong = json!({ "code": code, "visitor": "somebody-else" });
    kiosk.post("venues/clinic/check-ins", wrong).await.refused(403, "identity_mismatch");
    kiosk.post("venues/clinic/check-ins", json!({ "code": "K0" })).await.refused(404, "appointment_unknown");
    let right = json!({ "code": code, "visitor": "id-1" });
    let issued = kiosk.post("venues/clinic/check-ins", right.clone()).await.expect(201);
    let again = kiosk.post("venues/clinic/check-ins", right).await.refused(409, "already_checked_in");
    assert_eq!(again["about"]["ticket"], issued["id"]);
    issued
}

#[actix_web::test]
async fn a_whole_visit() {
    let server = Server::start().await;
    let (nurse, clerk) = (server.staff("nurse").await, server.staff("clerk").await);
    let issued = booked(&server, &nurse, "K1", "09:00").await;
    assert_eq!(issued["number"], "A001");
    assert_eq!(issued["card"]["state"], "waiting");
    assert_eq!(issued["card"]["lane"], "appointment");
    assert_eq!(issued["card"]["slot_start"], "2026-03-02T01:00:00Z");
    let token = issued["token"].as_str().unwrap();
    assert_eq!(issued["url"], format!("{}/t/{token}", server.base));
    let mut phone = server.phone(token).await;
    phone.until("waiting", shows("waiting")).await;
    clerk.at("r1", "calls").await.refused(409, "counter_not_open");
    clerk.open("r1").await;
    phone.until("get ready", shows("ready")).await;

    let called = clerk.call("r1").await;
    assert_eq!(called["ticket"]["number"], "A001");
    assert_eq!(called["ticket"]["name"], "王小明", "staff see the whole name");
    assert_eq!(called["why"]["rule"], "ready");
    let card = phone.until("called", shows("called")).await;
    assert_eq!(card["counter"]["id"], "r1");
    assert_eq!(card["call"], called["call"]);
    let id = &called["ticket"]["id"];
    assert_eq!(*id, issued["id"]);

    let recalled = clerk.at("r1", "recalls").await.expect(200);
    assert_eq!(recalled["ticket"]["recalls"], 1);
    phone.until("called again", |card| card["recalls"] == 1).await;
    clerk.at("r1", "starts").await.expect(200);
    phone.until("served", shows("serving")).await;
    clerk.at("r1", "recalls").await.refused(409, "ticket_not_in_state");

    nurse.ticket(id, "holds", json!({})).await.refused(422, "value_invalid");
    let held = clerk.ticket(id, "holds", json!({ "reason": "blood test" })).await.expect(200);
    assert_eq!(held["ticket"]["state"], "held");
    phone.until("away", shows("held")).await;
    clerk.at("r1", "completions").await.refused(409, "counter_idle");
    let back = nurse.ticket(id, "returns", json!({})).await.expect(200);
    assert_eq!(back["ticket"]["lane"], "return_visit");
    assert_eq!(back["ticket"]["number"], "A001", "the number stays");

    let again = clerk.call("r1").await;
    assert_eq!(again["ticket"]["id"], *id);
    assert!(again["call"].as_u64() > called["call"].as_u64(), "a second call is another call");
    clerk.at("r1", "starts").await.expect(200);
    let over = clerk.at("r1", "completions").await.expect(200);
    assert_eq!(over["ticket"]["state"], "completed");
    let card = phone.until("over", shows("completed")).await;
    assert_eq!(card["ahead"], Value::Null);
    assert_eq!(clerk.call("r1").await["ticket"], Value::Null, "nobody waits");
    nurse.ticket(id, "cancellations", json!({ "reason": "r" })).await.refused(409, "ticket_not_in_state");
}

#[actix_web::test]
async fn who_does_not_come_is_missed_comes_back_once_and_then_not() {
    let server = Server::start().await;
    let (nurse, clerk) = (server.staff("nurse").await, server.staff("clerk").await);
    let issued = clerk.take("internal").await;
    let mut phone = server.phone(issued["token"].as_str().unwrap()).await;
    let id = &issued["id"];
    clerk.open("r1").await;
    nurse.ticket(id, "requeues", json!({ "reason": "r" })).await.refused(409, "ticket_not_in_state");
    for (misses, state) in [(1, "missed"), (2, "no_show")] {
        assert_eq!(clerk.call("r1").await["ticket"]["id"], *id);
        let early = clerk.at("r1", "misses").await.refused(409, "miss_too_early");
        assert_eq!(early["about"]["recalls"], 1);
        server.pass(61);
        clerk.at("r1", "misses").await.refused(409, "miss_too_early");
        clerk.at("r1", "recalls").await.expect(200);
        clerk.at("r1", "misses").await.refused(409, "miss_too_early");
        server.pass(60);
        let missed = clerk.at("r1", "misses").await.expect(200);
        assert_eq!((&missed["ticket"]["state"], &missed["ticket"]["misses"]), (&json!(state), &json!(misses)));
        phone.until(state, shows(state)).await;
        if state == "missed" {
            assert_eq!(server.board().await.next().await["missed"][0]["number"], "A001");
            let back = nurse.ticket(id, "requeues", json!({ "reason": "was in the wrong hall" })).await.expect(200);
            assert_eq!(back["ticket"]["lane"], "missed");
        }
    }
    nurse.ticket(id, "requeues", json!({ "reason": "r" })).await.refused(409, "ticket_not_in_state");
}

#[actix_web::test]
async fn nobody_is_missed_before_their_own_slot() {
    let server = Server::start().await;
    let (nurse, clerk) = (server.staff("nurse").await, server.staff("clerk").await);
    booked(&server, &nurse, "K1", "10:00").await;
    clerk.open("r1").await;
    let called = clerk.call("r1").await;
    assert_eq!(called["why"]["rule"], "early", "better early than idle");
    clerk.at("r1", "recalls").await.expect(200);
    server.pass(600);
    clerk.at("r1", "misses").await.refused(409, "slot_not_begun");
    server.set_time(venues::at("2026-03-02T10:00:00+08:00"));
    clerk.at("r1", "misses").await.expect(200);
    // Somebody who comes after the slot waits as late.
    server.set_time(venues::at("2026-03-02T11:00:00+08:00"));
    let late = booked(&server, &nurse, "K2", "10:00").await;
    assert_eq!(late["card"]["lane"], "late");
}

#[actix_web::test]
async fn a_transfer_keeps_the_number() {
    let server = Server::start().await;
    let (nurse, clerk) = (server.staff("nurse").await, server.staff("clerk").await);
    let issued = nurse.take("internal").await;
    let id = &issued["id"];
    let to = |service: &str, counter: &str| json!({ "service": service, "counter": counter, "reason": "knee" });
    nurse.ticket(id, "transfers", to("none", "s1")).await.refused(404, "service_unknown");
    nurse.ticket(id, "transfers", to("surgery", "none")).await.refused(404, "counter_unknown");
    nurse.ticket(id, "transfers", to("surgery", "r1")).await.refused(422, "value_invalid");
    nurse.ticket(id, "transfers", json!({ "service": "internal", "reason": "x" })).await.refused(422, "value_invalid");
    let moved = nurse.ticket(id, "transfers", to("surgery", "s1")).await.expect(200);
    assert_eq!(moved["ticket"]["number"], "A001");
    assert_eq!(moved["ticket"]["service"], "surgery");
    assert_eq!(moved["ticket"]["lane"], "referral");
    assert_eq!(moved["ticket"]["wants"], "s1");
    clerk.open("s1").await;
    assert_eq!(clerk.call("s1").await["ticket"]["id"], *id);
    nurse.ticket(&json!(99), "transfers", to("lab", "l1")).await.refused(404, "ticket_unknown");
}

#[actix_web::test]
async fn overflow_numbers_have_a_quota_and_a_reason() {
    let server = Server::start().await;
    let nurse = server.staff("nurse").await;
    let wish = |service: &str| json!({ "service": service, "reason": "came far", "approved_by": "Dr Li", "note": "x" });
    for field in ["reason", "approved_by"] {
        let mut blank = wish("internal");
        blank[field] = json!(" ");
        let refused = nurse.post("venues/clinic/overflows", blank).await.refused(422, "value_invalid");
        assert_eq!(refused["about"]["field"], field);
    }
    for _ in 0..2 {
        let issued = nurse.post("venues/clinic/overflows", wish("internal")).await.expect(201);
        assert_eq!(issued["card"]["lane"], "overflow");
    }
    let full = nurse.post("venues/clinic/overflows", wish("internal")).await.refused(429, "overflow_quota_reached");
    assert_eq!(full["about"], json!({ "service": "internal", "quota": 2 }));
    nurse.post("venues/clinic/overflows", wish("surgery")).await.expect(201);
    let queue = nurse.queue().await;
    assert_eq!(queue["services"][0]["overflow_count"], 2);
    assert_eq!(queue["services"][0]["overflow_max"], 2);
    assert_eq!(queue["tickets"][0]["reason"], "came far");
}

/// B3: the quota of the laboratory is 0, and a manager can approve more.
#[actix_web::test]
async fn over_the_quota_a_named_person_whose_role_is_enough_approves() {
    let server = Server::start().await;
    let (nurse, manager) = (server.staff("nurse").await, server.staff("manager").await);
    server.staff("clerk").await;
    let wish = |approver: Option<(&str, &str)>| {
        let approver = approver.map(|(user, password)| json!({ "user": user, "password": password }));
        json!({ "service": "lab", "reason": "came far", "approved_by": "Dr Li", "approver": approver })
    };
    let refused = nurse.post("venues/clinic/overflows", wish(None)).await.refused(429, "overflow_quota_reached");
    assert_eq!(refused["about"], json!({ "service": "lab", "quota": 0, "approver": "manager" }));
    for (user, password, status, code) in [
        ("clerk", PASSWORD, 429, "overflow_quota_reached"),
        ("nobody", PASSWORD, 403, "approver_refused"),
        ("manager", "wrong horse", 403, "approver_refused"),
        ("", "", 403, "approver_refused"),
    ] {
        nurse.post("venues/clinic/overflows", wish(Some((user, password)))).await.refused(status, code);
    }
    let issued = nurse.post("venues/clinic/overflows", wish(Some(("manager", PASSWORD)))).await.expect(201);
    assert_eq!(issued["card"]["lane"], "overflow");
    manager.post("venues/clinic/overflows", wish(None)).await.expect(201);
    let lab = nurse.queue().await["services"][2].clone();
    assert_eq!((&lab["overflow_count"], &lab["over_quota_role"]), (&json!(2), &json!("manager")));
    // It is watched like a login; and nobody tries passwords here who could not add the number.
    for _ in 0..10 {
        nurse
            .post("venues/clinic/overflows", wish(Some(("viewer", "wrong horse"))))
            .await
            .refused(403, "approver_refused");
    }
    nurse
        .post("venues/clinic/overflows", wish(Some(("viewer", "wrong horse"))))
        .await
        .refused(429, "too_many_attempts");
    let clerk = server.staff("clerk").await;
    clerk.post("venues/clinic/overflows", wish(Some(("manager", PASSWORD)))).await.refused(403, "forbidden");
}

/// R4: the laboratory has one place in each slot.
#[actix_web::test]
async fn on_site_a_plain_number_or_the_next_free_slot() {
    let server = Server::start().await;
    let kiosk = server.kiosk().await;
    let slot = || json!({ "service": "lab", "slot": true });
    let offered = kiosk.get("venues/clinic").await.expect(200)["services"][2]["next_slot"].clone();
    let issued = kiosk.post("venues/clinic/tickets", slot()).await.expect(201);
    assert_eq!(issued["card"]["lane"], "appointment");
    assert_eq!((&issued["card"]["slot_start"], &issued["card"]["slot_end"]), (&offered["start"], &offered["end"]));
    let next = kiosk.get("venues/clinic").await.expect(200)["services"][2]["next_slot"].clone();
    assert_eq!(next["start"], offered["end"], "the slot is full");
    assert_eq!(kiosk.get("venues/clinic").await.expect(200)["services"][0]["next_slot"], Value::Null);
    let none = json!({ "service": "internal", "slot": true });
    kiosk.post("venues/clinic/tickets", none).await.refused(429, "no_free_slot");
    let both = json!({ "service": "lab", "slot": true, "lane": "referral" });
    kiosk.post("venues/clinic/tickets", both).await.refused(400, "body_invalid");
}

#[actix_web::test]
async fn the_green_channel_goes_first_and_says_why() {
    let server = Server::start().await;
    let (nurse, clerk) = (server.staff("nurse").await, server.staff("clerk").await);
    for _ in 0..4 {
        nurse.take("internal").await;
    }
    clerk.open("r1").await;
    let last = &nurse.queue().await["tickets"][3]["id"];
    nurse.ticket(last, "green_channel", json!({ "reason": "" })).await.refused(422, "value_invalid");
    nurse.ticket(last, "green_channel", json!({ "code": "rich" })).await.refused(422, "reason_unknown");
    let granted = nurse.ticket(last, "green_channel", json!({ "code": "pregnant" })).await.expect(200);
    assert_eq!(granted["ticket"]["reason_code"], "pregnant");
    assert_eq!(granted["ticket"]["urgency"], "green_channel");
    let called = clerk.call("r1").await;
    assert_eq!(called["ticket"]["id"], *last);
    assert_eq!(called["why"]["rule"], "urgent");
    // By hand, with a reason: it is on record, and in the answer.
    let other = &nurse.queue().await["tickets"][2]["id"];
    let by_hand = json!({ "ticket": other, "reason": "must catch a train" });
    let called = clerk.post("venues/clinic/counters/r1/calls", by_hand).await.expect(200);
    assert_eq!(called["why"], json!({ "rule": "by_hand", "lane": "walk_in", "reason": "must catch a train" }));
    clerk
        .post("venues/clinic/counters/r1/calls", json!({ "ticket": other, "reason": "again" }))
        .await
        .refused(409, "ticket_not_in_state");
    let waiting = &nurse.queue().await["tickets"][0]["id"];
    clerk.post("venues/clinic/counters/r1/calls", json!({ "ticket": waiting })).await.refused(422, "value_invalid");
    clerk.open("s1").await;
    clerk
        .post("venues/clinic/counters/s1/calls", json!({ "ticket": waiting, "reason": "r" }))
        .await
        .refused(409, "counter_does_not_serve");
}

#[actix_web::test]
async fn a_change_is_taken_back_by_who_made_it_in_time_and_if_nothing_followed() {
    let server = Server::start().await;
    let (nurse, clerk) = (server.staff("nurse").await, server.staff("clerk").await);
    clerk.post("venues/clinic/undo", json!({})).await.refused(409, "nothing_to_undo");
    let issued = nurse.take("internal").await;
    clerk.open("r1").await;
    clerk.call("r1").await;
    server.pass(30);
    let undone = clerk.post("venues/clinic/undo", json!({})).await.expect(200);
    assert_eq!(undone["tickets"][0]["id"], issued["id"]);
    assert_eq!(undone["tickets"][0]["state"], "ready", "told to get ready as before");

    clerk.call("r1").await;
    server.pass(31);
    clerk.post("venues/clinic/undo", json!({})).await.refused(409, "undo_too_late");

    clerk.at("r1", "starts").await.expect(200);
    nurse.ticket(&issued["id"], "holds", json!({ "reason": "x-ray" })).await.expect(200);
    clerk.post("venues/clinic/undo", json!({})).await.refused(409, "undo_overtaken");
    // The nurse's own change is the last one.
    let undone = nurse.post("venues/clinic/undo", json!({})).await.expect(200);
    assert_eq!(undone["tickets"][0]["state"], "serving");
}

async fn ahead(phone: &mut Socket, ahead: u64) {
    phone.until(&format!("{ahead} ahead"), |card| card["ahead"] == ahead).await;
}

#[actix_web::test]
async fn a_phone_lets_others_go_first_and_leaves() {
    let server = Server::start().await;
    let (kiosk, clerk, anybody) = (server.kiosk().await, server.staff("clerk").await, server.anybody());
    clerk.open("r1").await;
    let mut phones = Vec::new();
    let mut tokens = Vec::new();
    for place in 0..5 {
        let issued = kiosk.take("internal").await;
        assert_eq!(issued["card"]["ahead"], place);
        let token = issued["token"].as_str().unwrap().to_owned();
        phones.push(server.phone(&token).await);
        tokens.push(token);
    }
    let third = format!("tickets/{}/step_backs", tokens[2]);
    for places in [0, 21] {
        anybody.post(&third, json!({ "places": places })).await.refused(422, "value_invalid");
    }
    let card = anybody.post(&third, json!({ "places": 1 })).await.expect(200);
    assert_eq!((&card["type"], &card["ahead"]), (&json!("card"), &json!(3)));
    ahead(&mut phones[2], 3).await;
    ahead(&mut phones[3], 2).await;
    let leave = format!("tickets/{}/cancellations", tokens[3]);
    let card = anybody.post(&leave, json!({})).await.expect(200);
    assert_eq!(card["state"], "cancelled");
    phones[3].until("left", shows("cancelled")).await;
    ahead(&mut phones[2], 2).await;
    anybody.post(&leave, json!({})).await.refused(409, "ticket_not_in_state");
    assert_eq!(anybody.get(&format!("tickets/{}", tokens[3])).await.expect(200)["state"], "cancelled");
    let picture = anybody.get(&format!("tickets/{}/qr.svg", tokens[0])).await;
    assert_eq!((picture.status, picture.header("content-type")), (200, "image/svg+xml"));
}

#[actix_web::test]
async fn a_counter_opens_pauses_closes_and_serves_what_it_is_told() {
    let server = Server::start().await;
    let clerk = server.staff("clerk").await;
    let set = async |body: Value| clerk.put("venues/clinic/counters/r1", body).await;
    let open = set(json!({ "state": "open", "services": ["internal", "lab"] })).await.expect(200);
    assert_eq!(open["counter"]["services"], json!(["internal", "lab"]));
    set(json!({ "state": "open", "services": [] })).await.refused(422, "value_invalid");
    set(json!({ "state": "open", "services": ["none"] })).await.refused(404, "service_unknown");
    let issued = clerk.take("lab").await;
    assert_eq!(clerk.call("r1").await["ticket"]["id"], issued["id"]);
    set(json!({ "state": "closed" })).await.refused(409, "counter_busy");
    set(json!({ "state": "paused" })).await.expect(200);
    clerk.at("r1", "calls").await.refused(409, "counter_not_open");
    clerk.at("r1", "completions").await.expect(200);
    clerk.at("r1", "completions").await.refused(409, "counter_idle");
    set(json!({ "state": "closed" })).await.expect(200);
}

#[actix_web::test]
async fn bookings_come_as_a_table_too() {
    let server = Server::start().await;
    let nurse = server.staff("nurse").await;
    let table = "code,service,slot,slot_minutes,name,visitor,counter\n\
                 K1,internal,09:30,,王小明,,r1\n\
                 K2,surgery,2026-03-02T10:00:00+08:00,15,,id-2,\n";
    let path = "/api/v1/venues/clinic/appointments";
    let body = Some(("text/csv; charset=utf-8", table.as_bytes().to_vec()));
    let answer = nurse.send(&awc::http::Method::PUT, path, Some("table"), body).await.unwrap();
    assert_eq!(answer.expect(200), json!({ "appointments": 2 }));
    let rows = nurse.queue().await["appointments"].clone();
    assert_eq!(rows[0]["name"], "王小明");
    assert_eq!(rows[0]["slot_end"], "2026-03-02T02:00:00Z", "half an hour where it does not say");
    assert_eq!(rows[1]["slot_end"], "2026-03-02T02:15:00Z");
    // Another list replaces those who have not come yet.
    nurse.post("venues/clinic/check-ins", json!({ "code": "K1" })).await.expect(201);
    let list = json!([{ "code": "K3", "service": "lab", "slot": "11:00" }]);
    assert_eq!(nurse.put("venues/clinic/appointments", list).await.expect(200), json!({ "appointments": 2 }));
    let rows = nurse.queue().await["appointments"].clone();
    let codes: Vec<_> = rows.as_array().unwrap().iter().map(|row| &row["code"]).collect();
    assert_eq!(codes, ["K1", "K3"]);
}
