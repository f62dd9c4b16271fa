//! The published documents against what the server really sends: every operation, every kind of frame.
//!
//! The schemas are read more strictly than they are written: an object may hold nothing that its schema does not
//! name, so that a field nobody documented is found as well.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use awc::http::Method;
use callnext::http::ApiError;
use callnext_engine::{CounterId, Refusal, ServiceId, TicketId, Timestamp};
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::harness::raw::{exchange, frame, upgraded};
use crate::harness::{Answer, Caller, Server, venues};

/// A document's schemas, each ready to judge.
struct Schemas {
    components: Value,
    ready: RefCell<BTreeMap<String, Validator>>,
}

impl Schemas {
    fn of(document: &Value) -> Self {
        let mut components = json!({ "schemas": document["components"]["schemas"] });
        close(&mut components);
        Self { components, ready: RefCell::default() }
    }

    /// What is wrong with a value by a schema, in words.
    fn faults(&self, schema: &Value, value: &Value) -> Vec<String> {
        let mut ready = self.ready.borrow_mut();
        let validator = ready.entry(schema.to_string()).or_insert_with(|| {
            let mut whole = schema.clone();
            close(&mut whole);
            whole["components"] = self.components.clone();
            whole["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
            jsonschema::draft202012::options().should_validate_formats(true).build(&whole).unwrap()
        });
        validator.iter_errors(value).map(|fault| format!("{}: {fault}", fault.instance_path())).collect()
    }
}

/// Lets objects hold nothing that is not named. `unevaluatedProperties` looks through `allOf` and `$ref`, so it is
/// put where an object is used, not where it is one of several parts.
fn close(schema: &mut Value) {
    fn walk(value: &mut Value, is_part: bool) {
        match value {
            Value::Object(fields) => {
                let names = fields.contains_key("properties") || fields.contains_key("allOf");
                let is_free = fields.contains_key("additionalProperties");
                for (name, inner) in fields.iter_mut() {
                    walk(inner, name == "allOf");
                }
                if names && !is_part && !is_free {
                    fields.insert("unevaluatedProperties".to_owned(), json!(false));
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| walk(item, is_part)),
            _ => {}
        }
    }
    // A component that is only ever a part of others is left open; frames are made of such parts.
    if let Some(schemas) = schema.get_mut("schemas").and_then(Value::as_object_mut) {
        for (name, schema) in schemas {
            let is_part = ["Board", "Card", "Console", "Change"].contains(&name.as_str());
            walk(schema, is_part);
        }
    } else {
        walk(schema, false);
    }
}

/// A caller whose answers are held against the document.
struct Held<'d> {
    document: &'d Value,
    schemas: &'d Schemas,
    /// Operations that answered well, and those that answered with a problem.
    well: RefCell<BTreeSet<String>>,
    badly: RefCell<BTreeSet<String>>,
}

impl Held<'_> {
    /// The address of the document that this path is, and what it says of the method.
    fn operation(&self, method: &Method, path: &str) -> Option<(String, &Value)> {
        let path = path.split('?').next().unwrap();
        let fits = |address: &str| {
            let (ours, theirs): (Vec<_>, Vec<_>) = (path.split('/').collect(), address.split('/').collect());
            ours.len() == theirs.len()
                && theirs.iter().zip(ours).all(|(part, ours)| part.starts_with('{') || *part == ours)
        };
        let paths = self.document["paths"].as_object().unwrap();
        // The address with the fewest names in braces is meant: `/sessions/current` before `/sessions/{id}`.
        let address =
            paths.keys().filter(|address| fits(address)).min_by_key(|address| address.matches('{').count())?;
        let method = method.as_str().to_lowercase();
        Some((format!("{method} {address}"), paths[address].get(&method)?))
    }

    fn hold(&self, method: &Method, path: &str, answer: &Answer) {
        let (name, operation) = self.operation(method, path).unwrap_or_else(|| panic!("undocumented: {answer}"));
        let responses = &operation["responses"];
        let is_problem = answer.status >= 400;
        let response = if is_problem {
            answer.problem();
            self.badly.borrow_mut().insert(name);
            &responses["default"]
        } else {
            self.well.borrow_mut().insert(name);
            responses.get(answer.status.to_string()).unwrap_or_else(|| panic!("an undocumented status: {answer}"))
        };
        let kind = answer.header("content-type");
        let Some(content) = response.get("content").and_then(Value::as_object) else {
            assert!(answer.bytes.is_empty(), "an undocumented body: {answer}");
            return;
        };
        let content = content.get(kind).unwrap_or_else(|| panic!("an undocumented kind {kind}: {answer}"));
        let Some(schema) = content.get("schema") else { return };
        if kind.ends_with("json") {
            let faults = self.schemas.faults(schema, &answer.json());
            assert!(faults.is_empty(), "{answer}\nis not what the document says: {faults:#?}");
        }
    }

    async fn ask(&self, caller: &Caller, method: &str, path: &str, body: Value) -> Value {
        let method: Method = method.parse().unwrap();
        let path = format!("/api/v1/{path}");
        // The wish itself must be one that the document allows.
        let documented = self.operation(&method, &path).unwrap_or_else(|| panic!("undocumented: {method} {path}")).1;
        let schema = documented["requestBody"]["content"]["application/json"].get("schema");
        let sent = (!body.is_null()).then(|| ("application/json", body.to_string().into_bytes()));
        let answer = caller.send(&method, &path, Some(&caller.key()), sent).await.unwrap();
        self.hold(&method, &path, &answer);
        if let Some(schema) = schema.filter(|_| !body.is_null()) {
            let faults = self.schemas.faults(schema, &body);
            // What the document forbids is refused, and what cannot be read is forbidden by it.
            let agree = if faults.is_empty() { answer.status != 400 } else { answer.status >= 400 };
            assert!(agree, "{body} by the document: {faults:#?}, by the server: {answer}");
        }
        if answer.header("content-type").ends_with("json") { answer.json() } else { Value::Null }
    }
}

async fn document(server: &Server, name: &str) -> Value {
    server.anybody().get(name).await.expect(200)
}

#[actix_web::test]
async fn every_operation_answers_as_the_document_says() {
    let server = Server::start().await;
    let document = document(&server, "openapi.json").await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
    let schemas = Schemas::of(&document);
    let held = Held { document: &document, schemas: &schemas, well: RefCell::default(), badly: RefCell::default() };
    let (admin, nurse, anybody) = (server.admin().await, server.staff("nurse").await, server.anybody());
    let ask = async |caller: &Caller, method: &str, path: &str, body: Value| held.ask(caller, method, path, body).await;
    let none = Value::Null;

    let v = "venues/clinic";
    // The server, and people.
    for path in ["info", "openapi.json", "asyncapi.json", "settings-reference", "venues", v] {
        ask(&anybody, "GET", path, none.clone()).await;
    }
    let login = json!({ "user": "nurse", "password": crate::harness::server::PASSWORD });
    ask(&anybody, "POST", "sessions", login).await;
    ask(&nurse, "GET", "sessions/current", none.clone()).await;
    let roles = json!({ "password": "a good long one", "roles": { "*": "viewer", "hall": "clerk" } });
    ask(&admin, "PUT", "accounts/new", roles).await;
    ask(&admin, "GET", "accounts", none.clone()).await;
    ask(&admin, "DELETE", "accounts/new", none.clone()).await;
    let device = ask(&admin, "POST", &format!("{v}/devices"), json!({ "name": "door", "kind": "kiosk" })).await;
    ask(&anybody, "POST", "devices/current", json!({ "token": device["token"] })).await;
    let kiosk = Caller::new(&server.base, Some(device["token"].as_str().unwrap().to_owned()));
    ask(&kiosk, "GET", "devices/current", none.clone()).await;
    ask(&admin, "GET", &format!("{v}/devices"), none.clone()).await;

    // A day.
    let bookings = json!([
        { "code": "K1", "service": "internal", "slot": "09:00", "name": "王小明", "visitor": "1", "counter": "r1" },
        { "code": "K2", "service": "surgery", "slot": "2026-03-02T10:00:00+08:00", "slot_minutes": 15 },
    ]);
    ask(&nurse, "PUT", &format!("{v}/appointments"), bookings).await;
    let booked = ask(&kiosk, "POST", &format!("{v}/check-ins"), json!({ "code": "K1", "visitor": "1" })).await;
    let wish = json!({ "service": "internal", "lane": "walk_in", "name": "Ann", "phone": "1", "visitor": "2",
        "counter": "r2", "language": "en" });
    let taken = ask(&kiosk, "POST", &format!("{v}/tickets"), wish).await;
    let other = ask(&nurse, "POST", &format!("{v}/tickets"), json!({ "service": "lab", "lane": "referral" })).await;
    let extra = json!({ "service": "surgery", "reason": "r", "approved_by": "b", "name": "n", "note": "n" });
    let extra = ask(&nurse, "POST", &format!("{v}/overflows"), extra).await;
    let urgent = json!({ "code": "critical", "reason": "pale", "urgency": "emergency" });
    ask(&nurse, "POST", &format!("{v}/tickets/{}/green_channel", extra["id"]), urgent).await;
    for counter in ["r1", "r2", "s1", "l1"] {
        ask(&nurse, "PUT", &format!("{v}/counters/{counter}"), json!({ "state": "open" })).await;
    }
    ask(&nurse, "POST", &format!("{v}/counters/r1/calls"), json!({})).await;
    ask(&nurse, "POST", &format!("{v}/counters/r1/recalls"), json!({})).await;
    ask(&nurse, "POST", &format!("{v}/counters/r1/starts"), json!({})).await;
    ask(&nurse, "GET", &format!("{v}/queue"), none.clone()).await;
    ask(&nurse, "GET", &format!("{v}/staffing"), none.clone()).await;
    ask(&nurse, "PUT", &format!("{v}/tickets/{}/class", taken["id"]), json!({})).await;
    let id = &booked["id"];
    ask(&nurse, "GET", &format!("{v}/tickets/{id}/story"), none.clone()).await;
    ask(&nurse, "GET", &format!("{v}/figures"), none.clone()).await;
    ask(&nurse, "POST", &format!("{v}/tickets/{id}/holds"), json!({ "reason": "x-ray" })).await;
    ask(&nurse, "POST", &format!("{v}/tickets/{id}/returns"), json!({})).await;
    ask(&nurse, "POST", &format!("{v}/undo"), json!({})).await;
    ask(&nurse, "POST", &format!("{v}/counters/s1/calls"), json!({})).await;
    ask(&nurse, "POST", &format!("{v}/counters/s1/completions"), json!({})).await;
    ask(&nurse, "POST", &format!("{v}/counters/s1/calls"), json!({})).await;
    let by_hand = json!({ "ticket": other["id"], "reason": "train" });
    ask(&nurse, "POST", &format!("{v}/counters/l1/calls"), by_hand).await;
    ask(&nurse, "POST", &format!("{v}/counters/l1/recalls"), json!({})).await;
    server.pass(61);
    ask(&nurse, "POST", &format!("{v}/counters/l1/misses"), json!({})).await;
    ask(&nurse, "GET", &format!("{v}/queue"), none.clone()).await;
    ask(&nurse, "POST", &format!("{v}/tickets/{}/requeues", other["id"]), json!({ "reason": "r" })).await;
    let moved = json!({ "service": "internal", "reason": "r", "counter": "r2" });
    ask(&nurse, "POST", &format!("{v}/tickets/{}/transfers", other["id"]), moved).await;
    let steps = json!({ "steps": [{ "service": "lab", "counter": "l1" }], "reason": "r" });
    ask(&nurse, "PUT", &format!("{v}/tickets/{}/steps", other["id"]), steps).await;
    for (what, into) in [("services/internal", json!("surgery")), ("counters/r2", Value::Null)] {
        let wish = json!({ "reason": "ill", "to_service": into, "advice": "wait", "to_any_counter": false });
        ask(&nurse, "POST", &format!("{v}/{what}/closures"), wish).await;
        ask(&nurse, "GET", &format!("{v}/{what}/closure"), none.clone()).await;
        ask(&nurse, "GET", &format!("{v}/queue"), none.clone()).await;
        ask(&anybody, "GET", &format!("tickets/{}", taken["token"].as_str().unwrap()), none.clone()).await;
        ask(&anybody, "GET", v, none.clone()).await;
        ask(&nurse, "POST", &format!("{v}/{what}/reopenings"), json!({})).await;
    }
    ask(&nurse, "POST", &format!("{v}/tickets/{}/skips", other["id"]), json!({ "reason": "r" })).await;
    let token = taken["token"].as_str().unwrap();
    ask(&anybody, "GET", &format!("tickets/{token}"), none.clone()).await;
    ask(&anybody, "GET", &format!("tickets/{token}/qr.svg"), none.clone()).await;
    ask(&anybody, "POST", &format!("tickets/{token}/step_backs"), json!({ "places": 1 })).await;
    ask(&anybody, "POST", &format!("tickets/{token}/cancellations"), json!({})).await;
    ask(&nurse, "POST", &format!("{v}/tickets/{}/cancellations", other["id"]), json!({ "reason": "left" })).await;
    ask(&admin, "GET", &format!("{v}/policies"), none.clone()).await;
    let wish = json!({ "service": "lab", "version": 0, "set": { "grace_s": 5 }, "lasts": "today", "reason": "r" });
    ask(&admin, "PATCH", &format!("{v}/policies?dry_run=true"), wish.clone()).await;
    ask(&admin, "PATCH", &format!("{v}/policies"), wish).await;
    ask(&admin, "GET", &format!("{v}/policies"), none.clone()).await;
    ask(&admin, "DELETE", &format!("{v}/policies/grace_s?service=lab&version=1&reason=r"), none.clone()).await;
    ask(&admin, "DELETE", &format!("{v}/devices/door"), none.clone()).await;
    ask(&nurse, "DELETE", "sessions/current", none.clone()).await;

    every_operation_refuses(&held, &server).await;
    set_up_by(&held).await;
    let all: BTreeSet<String> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(address, item)| item.as_object().unwrap().keys().map(move |method| format!("{method} {address}")))
        .collect();
    let well = held.well.into_inner();
    assert_eq!(all.difference(&well).collect::<Vec<_>>(), Vec::<&String>::new(), "these were not asked");
    // These refuse nobody.
    let open = ["info", "openapi.json", "asyncapi.json", "settings-reference", "venues", "sessions/current"];
    let badly = held.badly.into_inner();
    let never: BTreeSet<&str> = all.difference(&badly).map(|name| name.split_once("/api/v1/").unwrap().1).collect();
    assert_eq!(never, BTreeSet::from(open), "these were not seen to refuse");
}

/// Every operation says no in the documented way: to nobody in particular, and to what is not there.
async fn every_operation_refuses(held: &Held<'_>, server: &Server) {
    let anybody = server.anybody();
    let paths = held.document["paths"].as_object().unwrap();
    for (address, item) in paths {
        let path = address.trim_start_matches("/api/v1/");
        let path = path.replace("{venue}", "none").replace("{token}", "none").replace("{id}", "1");
        let path = path.replace(['{', '}'], "");
        for method in item.as_object().unwrap().keys() {
            // A body that nothing can be made of, where one is taken.
            let body =
                if ["post", "put", "patch"].contains(&method.as_str()) { json!({ "x": 1 }) } else { Value::Null };
            if path == "sessions/current" && method == "delete" {
                continue;
            }
            held.ask(&anybody, &method.to_uppercase(), &path, body).await;
        }
    }
}

/// Another server, that nobody has set up yet.
async fn set_up_by(held: &Held<'_>) {
    let fresh = Server::start().await;
    let token = fresh.access.offer_setup().unwrap().unwrap();
    let wish = json!({ "token": token.reveal(), "user": "root", "password": "a good long one" });
    held.ask(&fresh.anybody(), "POST", "setup", wish).await;
}

#[actix_web::test]
async fn every_route_is_in_the_document() {
    let source = include_str!("../../server/http/mod.rs");
    let services =
        source.lines().filter(|line| line.trim_start().starts_with(".service(") && line.contains("::")).count();
    let server = Server::start().await;
    let document = document(&server, "openapi.json").await;
    let paths = document["paths"].as_object().unwrap();
    let operations: usize = paths.values().map(|item| item.as_object().unwrap().len()).sum();
    assert_eq!(services, operations, "{:?}", paths.keys().collect::<Vec<_>>());
    let sockets = source.matches(".route(\"/ws/").count();
    let frames = self::document(&server, "asyncapi.json").await;
    assert_eq!(frames["channels"].as_object().unwrap().len(), sockets);
    for operation in paths.values().flat_map(|item| item.as_object().unwrap().values()) {
        for field in ["responses", "tags", "parameters", "summary"] {
            assert!(!operation[field].is_null(), "{} has no {field}", operation["operationId"]);
        }
    }
    // The document must itself be sound: every reference leads somewhere.
    for document in [&document, &frames] {
        for reference in references(document) {
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference} leads nowhere");
        }
    }
}

fn references(value: &Value) -> Vec<&str> {
    match value {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, inner)| match inner.as_str() {
                Some(to) if name == "$ref" => vec![to],
                _ => references(inner),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

#[actix_web::test]
async fn every_frame_is_as_the_document_says() {
    let server = Server::start().await;
    let document = document(&server, "asyncapi.json").await;
    assert_eq!(document["asyncapi"], "3.0.0");
    let schemas = Schemas::of(&document);
    let (nurse, clerk) = (server.staff("nurse").await, server.staff("clerk").await);
    let mut board = server.board().await;
    let mut console = server.console().await;
    let wish = json!({ "service": "internal", "name": "王小明" });
    let issued = nurse.post("venues/clinic/tickets", wish).await.expect(201);
    let mut phone = server.phone(issued["token"].as_str().unwrap()).await;
    let bookings = json!([{ "code": "K1", "service": "internal", "slot": "09:00", "name": "n" }]);
    nurse.put("venues/clinic/appointments", bookings).await.expect(200);
    nurse.post("venues/clinic/check-ins", json!({ "code": "K1" })).await.expect(201);
    clerk.open("r1").await;
    for _ in 0..2 {
        clerk.call("r1").await;
        clerk.at("r1", "recalls").await.expect(200);
        server.pass(61);
        clerk.at("r1", "misses").await.expect(200);
    }
    nurse.ticket(&issued["id"], "requeues", json!({ "reason": "r" })).await.expect(200);
    nurse.ticket(&issued["id"], "green_channel", json!({ "reason": "r" })).await.expect(200);
    nurse.post("venues/clinic/services/lab/closures", json!({ "reason": "r" })).await.expect(200);
    nurse
        .post("venues/clinic/counters/r2/closures", json!({ "reason": "r", "to_any_counter": true }))
        .await
        .expect(200);
    clerk.call("r1").await;
    clerk.at("r1", "starts").await.expect(200);
    clerk.at("r1", "completions").await.expect(200);
    let seq = nurse.queue().await["seq"].clone();
    board.until("everything", |frame| frame["seq"] == seq).await;
    phone.until("the end", |frame| frame["state"] == "completed").await;
    console.until("everything", |frame| frame["seq"] == seq).await;
    console.resume("0", 0).await;
    console.until("everything anew", |frame| frame["type"] == "console").await;
    let mut raw = upgraded(&server.base, "/ws/v1/venues/clinic/board").await;
    raw.send(&frame(0x81, true, b"nonsense")).await;
    let rest = raw.rest().await;
    let text = String::from_utf8_lossy(&rest).into_owned();
    let error = text.find(r#"{"type":"error""#).unwrap();
    let error = serde_json::Deserializer::from_str(&text[error..]).into_iter::<Value>().next().unwrap().unwrap();

    let schema = |kind: &str| {
        let name = match kind {
            "board" => "BoardFrame",
            "card" => "CardFrame",
            "console" => "ConsoleFrame",
            "change" => "ChangeFrame",
            _ => "ErrorFrame",
        };
        json!({ "$ref": format!("#/components/schemas/{name}") })
    };
    let mut kinds = BTreeSet::new();
    for frame in board.seen.iter().chain(&phone.seen).chain(&console.seen).chain([&error]) {
        let kind = frame["type"].as_str().unwrap();
        kinds.insert(kind.to_owned());
        let faults = schemas.faults(&schema(kind), frame);
        assert!(faults.is_empty(), "{frame}\nis not what the document says: {faults:#?}");
    }
    assert_eq!(kinds.iter().map(String::as_str).collect::<Vec<_>>(), ["board", "card", "change", "console", "error"]);
    // A judge that lets everything pass would prove nothing.
    let board = board.seen.pop().unwrap();
    for (field, wrong) in [("seq", json!("7")), ("calls", json!({})), ("type", json!("card")), ("more", json!(1))] {
        let mut other = board.clone();
        other[field] = wrong;
        assert!(!schemas.faults(&schema("board"), &other).is_empty(), "{field}");
    }
    let resume = json!({ "type": "resume", "epoch": "1", "seq": 3 });
    let client = json!({ "$ref": "#/components/schemas/ClientFrame" });
    assert_eq!(schemas.faults(&client, &resume), Vec::<String>::new());
}

#[actix_web::test]
async fn the_documents_have_a_page_that_needs_no_other_server() {
    let server = Server::start().await;
    let anybody = server.anybody();
    let moved = anybody.get("docs").await;
    assert_eq!(
        (moved.status, moved.header("location"), anybody.get("docs/").await.status),
        (307, "/api/v1/docs/", 200),
        "{moved}"
    );
    let page = anybody.get("docs/").await;
    assert_eq!(page.status, 200, "{page}");
    let text = String::from_utf8(page.bytes.clone()).unwrap();
    let mut files = vec!["docs/swagger-initializer.js".to_owned()];
    for part in text.split(['"', '\'']) {
        assert!(!part.starts_with("//"), "{part}");
        // The only address with a host that stands there is a picture's name space.
        assert!(!part.starts_with("http") || part.contains("www.w3.org"), "{part}");
        if let Some(file) = part.strip_prefix("./") {
            files.push(format!("docs/{file}"));
        }
    }
    assert!(files.len() > 3, "{text}");
    for file in files {
        assert_eq!(anybody.get(&file).await.status, 200, "{file}");
    }
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'self'") && !policy.contains("http"), "{policy}");
    let initializer = String::from_utf8(anybody.get("docs/swagger-initializer.js").await.bytes).unwrap();
    assert!(initializer.contains("/api/v1/openapi.json"), "{initializer}");
    let raw = exchange(&server.base, b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!(raw.json(), document(&server, "openapi.json").await);
}

/// Every code there is, of refusals and of the edge's own problems.
fn codes() -> BTreeSet<String> {
    let (service, counter) = (ServiceId::parse("s").unwrap(), CounterId::parse("c").unwrap());
    let ticket = TicketId(1);
    let refusals = [
        Refusal::ServiceUnknown { service: service.clone() },
        Refusal::CounterUnknown { counter: counter.clone() },
        Refusal::TicketUnknown { ticket },
        Refusal::AppointmentUnknown,
        Refusal::AlreadyCheckedIn { ticket },
        Refusal::IdentityMismatch,
        Refusal::CounterNotOpen { counter: counter.clone() },
        Refusal::CounterIdle { counter: counter.clone() },
        Refusal::CounterBusy { counter: counter.clone(), ticket },
        Refusal::CounterDoesNotServe { counter, ticket },
        Refusal::TicketNotInState { ticket, state: String::new(), needed: String::new() },
        Refusal::MissTooEarly { ticket, grace_ms: 0, recalls: 0 },
        Refusal::SlotNotBegun { ticket },
        Refusal::CheckInTooEarly { from: Timestamp(0) },
        Refusal::AppointmentNotShown,
        Refusal::NoFreeSlot { service: service.clone() },
        Refusal::ServiceClosed { service: service.clone() },
        Refusal::CounterClosed { counter: CounterId::parse("c").unwrap() },
        Refusal::NotClosed,
        Refusal::NoNextStep { ticket },
        Refusal::DayOver,
        Refusal::TransferUnknown,
        Refusal::OverflowQuotaReached { service, quota: 0, approver: None },
        Refusal::VenueFull { limit: 0 },
        Refusal::ConfigInvalid { problems: Vec::new() },
        Refusal::PolicyInvalid { problems: Vec::new() },
        Refusal::PolicyChangedMeanwhile { version: 1 },
        Refusal::ValueInvalid { field: String::new(), problem: String::new() },
        Refusal::ReasonUnknown { reason: callnext_engine::ReasonCode::parse("x").unwrap(), known: Vec::new() },
        Refusal::NothingToUndo,
        Refusal::UndoTooLate,
        Refusal::UndoOvertaken,
        Refusal::IdempotencyKeyReused,
    ];
    // The codes are told in one place each; whoever adds one there finds this list too short.
    let sources = [
        include_str!("../../server/engine/src/refusal.rs"),
        include_str!("../../server/access/error.rs"),
        include_str!("../../server/http/error.rs"),
    ];
    let told = sources.iter().flat_map(|source| {
        let begin = source.find("fn code(&self)").unwrap();
        let rest = &source[begin..];
        let end = rest.find("\n    }\n").unwrap();
        rest[..end].split('"').skip(1).step_by(2).map(str::to_owned)
    });
    let codes: BTreeSet<String> = told.collect();
    for refusal in refusals {
        let code = ApiError::from(refusal).problem().code;
        assert!(codes.contains(&code), "{code}");
    }
    assert!(codes.len() > 45, "{codes:?}");
    codes
}

#[test]
fn every_code_has_words_in_every_language() {
    let tables = [
        ("zh-hans", include_str!("../../static/text/zh-hans.js")),
        ("zh-hant", include_str!("../../static/text/zh-hant.js")),
        ("en", include_str!("../../static/text/en.js")),
    ];
    let mut missing = Vec::new();
    for code in codes() {
        for (language, table) in tables {
            if !table.contains(&format!("\"problem.{code}\": \"")) {
                missing.push(format!("{language}: {code}"));
            }
        }
    }
    assert!(missing.is_empty(), "no words for {missing:?}");
}

#[actix_web::test]
async fn every_refusal_is_a_problem_of_its_kind() {
    let server = Server::of(venues::clinic()).await;
    // One of each status, with what it is about beside the words.
    let nurse = server.staff("nurse").await;
    let unknown = nurse.ticket(&json!(7), "holds", json!({ "reason": "r" })).await.refused(404, "ticket_unknown");
    assert_eq!(unknown["about"], json!({ "ticket": 7 }));
    let closed = nurse.at("r1", "calls").await.refused(409, "counter_not_open");
    assert_eq!(closed["about"], json!({ "counter": "r1" }));
    let idle = nurse.at("r1", "completions").await.refused(409, "counter_idle");
    assert!(idle["detail"].as_str().unwrap().contains("r1"));
}
