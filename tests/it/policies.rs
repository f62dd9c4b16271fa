//! R11: policies are seen, changed while running and given back, by those who may, with a reason.

use callnext_engine::Declaration;
use serde_json::{Value, json};

use crate::harness::server::Plan;
use crate::harness::venues::clinic;
use crate::harness::{Caller, Server};

const POLICIES: &str = "venues/clinic/policies";

async fn overview(caller: &Caller) -> Value {
    caller.get(POLICIES).await.expect(200)
}

/// One setting of a service, or of the venue.
fn setting(overview: &Value, service: Option<&str>, path: &str) -> Value {
    let settings = match service {
        None => &overview["venue"],
        Some(id) => {
            let services = overview["services"].as_array().unwrap();
            &services.iter().find(|service| service["id"] == id).unwrap()["settings"]
        }
    };
    settings.as_array().unwrap().iter().find(|setting| setting["path"] == path).unwrap().clone()
}

fn wish(service: Option<&str>, version: &Value, set: &Value) -> Value {
    json!({ "service": service, "version": version, "set": set, "reason": "more people than expected" })
}

async fn patch(caller: &Caller, path: &str, body: &Value) -> crate::harness::caller::Answer {
    caller.ask_for("PATCH", path, Some(body)).await
}

#[actix_web::test]
async fn r11_a_manager_changes_a_policy_and_everybody_on_staff_sees_who_and_why() {
    let server = Server::start().await;
    let (manager, viewer) = (server.staff("manager").await, server.staff("viewer").await);
    let before = overview(&viewer).await;
    let quota = setting(&before, Some("internal"), "overflow_max");
    assert_eq!((&quota["value"], &quota["from"]), (&json!(2), &json!("service_file")));
    let grace = setting(&before, Some("internal"), "grace_s");
    assert_eq!((&grace["value"], &grace["from"], &grace["change"]), (&json!(60), &json!("built_in"), &Value::Null));

    let wish = wish(Some("internal"), &before["version"], &json!({ "grace_s": 5, "weights": { "walk_in": 4 } }));
    let tried = patch(&manager, &format!("{POLICIES}?dry_run=true"), &wish).await.expect(200);
    assert_eq!(overview(&viewer).await, before, "only told");
    let done = patch(&manager, POLICIES, &wish).await.expect(200);
    assert_eq!(done["change"]["effects"], tried["change"]["effects"]);
    assert_eq!(
        done["change"]["effects"],
        json!([
            { "service": "internal", "path": "weights.walk_in", "before": 3, "after": 4 },
            { "service": "internal", "path": "grace_s", "before": 60, "after": 5 },
        ])
    );
    let after = overview(&viewer).await;
    let grace = setting(&after, Some("internal"), "grace_s");
    assert_eq!(
        (&grace["value"], &grace["declared"], &grace["from"]),
        (&json!(5), &json!(60), &json!("service_change"))
    );
    assert_eq!(grace["change"]["by"], "manager");
    assert_eq!(grace["change"]["reason"], "more people than expected");
    assert_eq!(setting(&after, Some("surgery"), "grace_s")["value"], 60);
    assert_eq!(after["changes"].as_array().unwrap().last(), Some(&done["change"]));

    let given_back = format!("{POLICIES}/grace_s?service=internal&version={}&reason=calm%20again", after["version"]);
    let back = manager.delete(&given_back).await.expect(200);
    assert_eq!(back["change"]["dropped"], json!(["grace_s"]));
    assert_eq!(setting(&overview(&viewer).await, Some("internal"), "grace_s")["from"], "built_in");
}

#[actix_web::test]
async fn r11_a_change_for_the_venue_acts_at_once_where_no_service_says_otherwise() {
    let server = Server::start().await;
    let (manager, nurse) = (server.staff("manager").await, server.staff("nurse").await);
    let version = overview(&manager).await["version"].clone();
    patch(&manager, POLICIES, &wish(None, &version, &json!({ "overflow_max": 0 }))).await.expect(200);
    let overflow = |service: &str| json!({ "service": service, "reason": "from afar", "approved_by": "Dr Li" });
    nurse.post("venues/clinic/overflows", overflow("internal")).await.expect(201);
    nurse.post("venues/clinic/overflows", overflow("surgery")).await.refused(429, "overflow_quota_reached");
}

#[actix_web::test]
async fn r11_of_two_managers_the_second_looks_again() {
    let server = Server::start().await;
    let (manager, admin) = (server.staff("manager").await, server.admin().await);
    let version = overview(&manager).await["version"].clone();
    patch(&manager, POLICIES, &wish(None, &version, &json!({ "grace_s": 90 }))).await.expect(200);
    let second = wish(None, &version, &json!({ "grace_s": 30 }));
    let refused = patch(&admin, POLICIES, &second).await.refused(409, "policy_changed_meanwhile");
    let again = wish(None, &refused["about"]["version"], &json!({ "grace_s": 30 }));
    patch(&admin, POLICIES, &again).await.expect(200);
}

#[actix_web::test]
async fn everything_wrong_with_a_change_is_told_at_once() {
    let server = Server::start().await;
    let manager = server.staff("manager").await;
    let set = json!({ "redy_count": 1, "grace_s": "soon", "misses_max": 0, "weights": { "late": 99 } });
    let refused = patch(&manager, POLICIES, &wish(Some("lab"), &json!(0), &set)).await.refused(422, "policy_invalid");
    let problems: Vec<_> = refused["about"]["problems"].as_array().unwrap().iter().collect();
    assert_eq!(problems.len(), 4, "{problems:#?}");
    for problem in problems {
        assert!(problem.as_str().unwrap().starts_with("service \"lab\": policy."), "{problem}");
    }
}

#[actix_web::test]
async fn a_change_asked_for_again_with_its_key_is_the_same_change() {
    let server = Server::start().await;
    let manager = server.staff("manager").await;
    let version = overview(&manager).await["version"].clone();
    let body = wish(None, &version, &json!({ "grace_s": 90 })).to_string().into_bytes();
    let send = async || {
        let sent = Some(("application/json", body.clone()));
        let method = actix_web::http::Method::PATCH;
        manager.send(&method, &format!("/api/v1/{POLICIES}"), Some("one"), sent).await.unwrap().expect(200)
    };
    let first = send().await;
    assert_eq!(send().await, first);
    assert_eq!(overview(&manager).await["changes"].as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn r11_what_was_changed_while_running_outlives_a_restart_with_another_file() {
    let server = Server::start().await;
    let manager = server.staff("manager").await;
    let version = overview(&manager).await["version"].clone();
    patch(&manager, POLICIES, &wish(Some("lab"), &version, &json!({ "grace_s": 90 }))).await.expect(200);
    let folder = server.stop();
    let mut edited: Declaration = clinic();
    edited.policy.grace_s = Some(45);
    edited.policy.recalls_min = Some(0);
    let server = Server::start_with(Plan { venues: vec![edited], folder: Some(folder), ..Plan::default() }).await;
    let after = overview(&server.staff("manager").await).await;
    let lab = setting(&after, Some("lab"), "grace_s");
    assert_eq!((&lab["value"], &lab["declared"], &lab["from"]), (&json!(90), &json!(45), &json!("service_change")));
    let surgery = setting(&after, Some("surgery"), "grace_s");
    assert_eq!((&surgery["value"], &surgery["from"]), (&json!(45), &json!("venue_file")));
    let changed = after["changes"].as_array().unwrap().last().unwrap();
    assert_eq!((&changed["by"], &changed["reason"]), (&Value::Null, &Value::Null), "the file changed");
}

#[actix_web::test]
async fn every_setting_of_a_policy_is_in_the_reference() {
    let server = Server::start().await;
    let reference = server.anybody().get("settings-reference").await.expect(200);
    let sections = reference["sections"].as_array().unwrap();
    let policy = &sections.iter().find(|section| section["name"] == "policy").unwrap()["settings"];
    let paths = |settings: &Value| -> Vec<Value> {
        settings.as_array().unwrap().iter().map(|setting| setting["path"].clone()).collect()
    };
    assert_eq!(paths(policy), paths(&overview(&server.staff("nurse").await).await["venue"]));
}
