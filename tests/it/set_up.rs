//! The program's commands, the first start, and who is let in.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use awc::http::Method;
use callnext::access::{DeviceKind, Role};
use serde_json::{Value, json};

use crate::harness::process::{Process, program, run};
use crate::harness::server::PASSWORD;
use crate::harness::{Answer, Caller, Server};

/// A settings file of one hall, whose day does not end while a test runs.
pub fn settings(folder: &Path) -> PathBuf {
    let path = folder.join("callnext.toml");
    let counter = |n: u32| format!("[[venue.counter]]\nid = \"c{n}\"\nname = \"Counter {n}\"\nservices = [\"all\"]\n");
    let counters = [1, 2, 3, 4].map(counter).concat();
    let hour = callnext::clock::Clock::machine().now().to_utc().format("%H").to_string().parse::<u32>().unwrap();
    let day_start = (hour + 12) % 24;
    let text = format!(
        "[[venue]]\nid = \"clinic\"\nname = \"Hall\"\ntime_zone = \"UTC\"\nday_start = \"{day_start:02}:00\"\n\
         join_by_phone = true\npublic_board = true\n\
         [[venue.service]]\nid = \"all\"\nname = \"All\"\nprefix = \"W\"\n{counters}"
    );
    std::fs::write(&path, text).unwrap();
    path
}

/// The token of the link that a first start prints.
async fn link(server: &Process) -> String {
    let printed = server.printed("/setup#token=").await;
    assert!(printed.contains(&format!("{}/setup#token=", server.base)), "{printed}");
    printed.split("/setup#token=").nth(1).unwrap().lines().next().unwrap().trim().to_owned()
}

/// Makes the first account with the printed link, and logs in.
pub async fn administrator(server: &Process) -> Caller {
    let anybody = Caller::new(&server.base, None);
    let wish = json!({ "token": link(server).await, "user": "admin", "password": PASSWORD });
    anybody.post("setup", wish).await.expect(201);
    log_in(&anybody, "admin", PASSWORD).await
}

async fn log_in(anybody: &Caller, user: &str, password: &str) -> Caller {
    let session = anybody.post("sessions", json!({ "user": user, "password": password })).await.expect(201);
    Caller::new(&anybody.base, Some(session["token"].as_str().unwrap().to_owned()))
}

#[actix_web::test]
async fn the_example_is_served_and_its_link_works_once() {
    let folder = tempfile::tempdir().unwrap();
    let (file, data) = (folder.path().join("callnext.toml"), folder.path().join("data"));
    let example = run(&["config", "example"]);
    assert!(example.status.success());
    std::fs::write(&file, &example.stdout).unwrap();
    let mut server = Process::serve(&file, &data);
    let anybody = Caller::new(&server.base, None);
    assert_eq!(anybody.get("/setup").await.status, 200);
    assert_eq!(anybody.get("venues").await.expect(200)["venues"][0]["id"], "clinic");
    let token = link(&server).await;
    let wish = |token: &str, password: &str| json!({ "token": token, "user": "admin", "password": password });
    anybody.post("setup", wish(&token, "short")).await.refused(422, "password_too_short");
    anybody.post("setup", wish(&format!("{token}x"), PASSWORD)).await.refused(401, "setup_token_invalid");
    let made = anybody.post("setup", wish(&token, PASSWORD)).await.expect(201);
    assert_eq!(made, json!({ "user": "admin", "roles": { "*": "administrator" } }));
    anybody.post("setup", wish(&token, PASSWORD)).await.refused(401, "setup_token_invalid");
    let admin = log_in(&anybody, "admin", PASSWORD).await;
    admin.get("accounts").await.expect(200);
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&data).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o700, "nobody else looks into the data folder");

    // Another start on it has accounts, and offers no link.
    let (status, _) = server.terminate().await;
    assert!(status.success());
    let server = Process::serve(&file, &data);
    admin.moved_to(&server.base).get("accounts").await.expect(200);
    let printed = server.printed("is running").await;
    assert!(!printed.contains("token"), "{printed}");
}

#[actix_web::test]
async fn two_servers_do_not_share_a_folder_or_an_address() {
    let folder = tempfile::tempdir().unwrap();
    let (file, data) = (settings(folder.path()), folder.path().join("data"));
    let server = Process::serve(&file, &data);
    let other = |listen: &str, data: &Path| {
        let (file, data) = (file.to_str().unwrap(), data.to_str().unwrap());
        let output = run(&["serve", "--config", file, "--listen", listen, "--data", data]);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let told = other("127.0.0.1:0", &data);
    assert!(told.contains(data.to_str().unwrap()), "{told}");
    let address = server.base.trim_start_matches("http://");
    let told = other(address, &folder.path().join("other"));
    assert!(told.contains(&format!("cannot listen on {address}")), "{told}");
    Caller::new(&server.base, None).get("/readyz").await.expect_text(200, "ready");
}

impl Answer {
    #[track_caller]
    fn expect_text(&self, status: u16, text: &str) {
        assert_eq!((self.status, String::from_utf8_lossy(&self.bytes).trim()), (status, text), "{self}");
    }
}

/// One request with a cookie instead of a token.
async fn with_cookie(base: &str, method: Method, path: &str, cookie: &str) -> (u16, String) {
    let client = awc::Client::default();
    let mut answer =
        client.request(method, format!("{base}/api/v1/{path}")).insert_header(("Cookie", cookie)).send().await.unwrap();
    let set = answer.headers().get("set-cookie").map(|value| value.to_str().unwrap().to_owned());
    answer.body().await.unwrap();
    (answer.status().as_u16(), set.unwrap_or_default())
}

#[actix_web::test]
async fn a_login_is_a_cookie_for_browsers_and_a_token_for_programs() {
    let server = Server::start().await;
    server.staff("nurse").await;
    let anybody = server.anybody();
    let wish = json!({ "user": "nurse", "password": PASSWORD });
    let answer = anybody.post("sessions", wish).await;
    let session = answer.expect(201);
    assert_eq!(session["roles"], json!({ "clinic": "nurse" }));
    let set = answer.header("set-cookie");
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age="] {
        assert!(set.contains(part), "{set}");
    }
    let cookie = set.split(';').next().unwrap().to_owned();
    assert_eq!(with_cookie(&server.base, Method::GET, "sessions/current", &cookie).await.0, 200);
    assert_eq!(with_cookie(&server.base, Method::GET, "venues/clinic/queue", &cookie).await.0, 200);
    let program = Caller::new(&server.base, Some(session["token"].as_str().unwrap().to_owned()));
    let current = program.get("sessions/current").await.expect(200);
    assert_eq!(current["user"], "nurse");
    assert_eq!(current["token"], Value::Null, "told once");
    // Out by the one is out by the other: it is the same login.
    let (status, set) = with_cookie(&server.base, Method::DELETE, "sessions/current", &cookie).await;
    assert!(status == 204 && set.contains("Max-Age=0"), "{status} {set}");
    program.get("sessions/current").await.refused(401, "unauthenticated");
    assert_eq!(with_cookie(&server.base, Method::GET, "venues/clinic/queue", &cookie).await.0, 401);
}

#[actix_web::test]
async fn guessing_passwords_is_slowed_down() {
    let server = Server::start().await;
    server.staff("nurse").await;
    let anybody = server.anybody();
    let guess = json!({ "user": "nurse", "password": "not this one" });
    let mut answers = Vec::new();
    while answers.last() != Some(&429) {
        assert!(answers.len() < 50, "nobody stops it");
        let answer = anybody.post("sessions", guess.clone()).await;
        if answer.status == 429 {
            answer.refused(429, "too_many_attempts");
            assert!(answer.header("retry-after").parse::<u32>().unwrap() > 0);
        } else {
            answer.refused(401, "login_failed");
        }
        answers.push(answer.status);
    }
    assert!(answers.len() > 3, "a slip of the finger is none");
}

#[actix_web::test]
async fn accounts_have_roles_per_venue() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let put = async |roles: Value| admin.put("accounts/wang", json!({ "password": PASSWORD, "roles": roles })).await;
    put(json!({ "clinic": "king" })).await.refused(422, "role_unknown");
    put(json!({ "none": "clerk" })).await.refused(422, "venue_unknown");
    put(json!({ "clinic": "clerk", "hall": "viewer" })).await.expect(200);
    let wang = log_in(&server.anybody(), "wang", PASSWORD).await;
    wang.open("r1").await;
    wang.get("venues/hall/queue").await.expect(200);
    wang.put("venues/hall/counters/1", json!({ "state": "open" })).await.refused(403, "forbidden");
    // In force at the next request.
    admin.put("accounts/wang", json!({ "roles": { "hall": "clerk" } })).await.expect(200);
    wang.get("venues/clinic/queue").await.refused(403, "forbidden");
    wang.put("venues/hall/counters/1", json!({ "state": "open" })).await.expect(200);
    let listed = admin.get("accounts").await.expect(200);
    assert_eq!(listed["accounts"][1], json!({ "user": "wang", "roles": { "hall": "clerk" } }));
    admin.delete("accounts/wang").await.expect(204);
    wang.get("venues/hall/queue").await.refused(401, "unauthenticated");
    admin.delete("accounts/wang").await.refused(404, "user_unknown");
    admin.delete("accounts/admin").await.refused(409, "last_administrator");
    assert_eq!(Role::ALL.len(), 5, "every role stands in the contract's table");
}

#[actix_web::test]
async fn devices_are_let_in_by_a_token_and_shut_out_again() {
    let server = Server::start().await;
    let manager = server.staff("manager").await;
    let make = async |name: &str, kind: &str| {
        manager.post("venues/clinic/devices", json!({ "name": name, "kind": kind })).await
    };
    make("door", "toaster").await.refused(400, "body_invalid");
    let made = make("door", "kiosk").await.expect(201);
    make("door", "kiosk").await.refused(409, "device_exists");
    make("a\nb", "kiosk").await.refused(422, "device_invalid");
    let token = made["token"].as_str().unwrap();
    let answer = server.anybody().post("devices/current", json!({ "token": token })).await;
    assert_eq!(answer.expect(201), json!({ "name": "door", "kind": "kiosk", "venue": "clinic" }));
    let set = answer.header("set-cookie");
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict"), "{set}");
    let cookie = set.split(';').next().unwrap().to_owned();
    assert_eq!(with_cookie(&server.base, Method::GET, "devices/current", &cookie).await.0, 200);
    let listed = manager.get("venues/clinic/devices").await.expect(200);
    assert_eq!(listed["devices"], json!([{ "name": "door", "kind": "kiosk", "venue": "clinic" }]));
    manager.delete("venues/clinic/devices/door").await.expect(204);
    assert_eq!(with_cookie(&server.base, Method::GET, "devices/current", &cookie).await.0, 401);
    Caller::new(&server.base, Some(token.to_owned())).get("devices/current").await.refused(401, "unauthenticated");
    manager.delete("venues/clinic/devices/door").await.refused(404, "device_unknown");
    assert_eq!(DeviceKind::ALL.len(), 2);
}

#[test]
fn settings_are_checked_before_anything_is_started() {
    let folder = tempfile::tempdir().unwrap();
    let good = settings(folder.path());
    let check = |path: &Path| run(&["config", "check", "--config", path.to_str().unwrap()]);
    let output = check(&good);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && told.contains("sound") && told.contains("counter c4"), "{told}");
    let text = std::fs::read_to_string(&good).unwrap();
    let bad = folder.path().join("bad.toml");
    for (wrong, instead, says) in [
        ("prefix = \"W\"", "prefix = \"W1\"", "prefix"),
        ("time_zone = \"UTC\"", "time_zone = \"Mars/Olympus\"", "time_zone"),
        ("id = \"c4\"", "id = \"c3\"", "declared twice"),
        ("services = [\"all\"]", "services = [\"none\"]", "there is no service \"none\""),
        ("join_by_phone = true", "join_by_fax = true", "join_by_fax"),
        ("[[venue.service]]", "[[venue.service", "bad.toml"),
        ("id = \"clinic\"", "id = \"The Clinic\"", "The Clinic"),
    ] {
        std::fs::write(&bad, text.replace(wrong, instead)).unwrap();
        let output = check(&bad);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{instead}");
        assert!(told.contains(says) && !told.contains("panicked"), "{instead}: {told}");
    }
    let output = check(&folder.path().join("none.toml"));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && told.contains("none.toml"), "{told}");
    // A server does not start on them either.
    let output =
        run(&["serve", "--config", bad.to_str().unwrap(), "--data", folder.path().join("d").to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!folder.path().join("d").exists(), "nothing is made before the settings are sound");
}

#[test]
fn every_command_helps() {
    let help = |command: &[&str]| {
        let output = run(&[command, &["--help"]].concat());
        assert!(output.status.success(), "{command:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    for (command, mentions) in [
        (&[][..], &["serve", "demo", "replay", "config", "--log", "--version"][..]),
        (&["serve"], &["--config", "--listen", "--data", "CALLNEXT_CONFIG", "127.0.0.1:8080"]),
        (&["demo"], &["--speed", "--day", "--no-play", "--listen", "--data", "[default: 20]"]),
        (&["replay"], &["--server", "--speed", "FILE"]),
        (&["config"], &["check", "example"]),
        (&["config", "check"], &["--config"]),
    ] {
        let text = help(command);
        for word in mentions {
            assert!(text.contains(word), "callnext {} --help does not mention {word}:\n{text}", command.join(" "));
        }
    }
    let nothing = run(&[]);
    assert_eq!(nothing.status.code(), Some(2));
    assert!(String::from_utf8(nothing.stderr).unwrap().contains("Usage"));
    let wrong = run(&["demo", "--speed", "0"]);
    assert_eq!(wrong.status.code(), Some(2));
    // A reader that goes away before the end is no reason to panic.
    let mut child =
        program().args(["config", "example"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let told = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
    assert!(!told.contains("panicked"), "{told}");
}

#[actix_web::test]
async fn a_demo_says_so_and_lets_everybody_in() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Process::start(&["demo", "--no-play"], folder.path());
    let anybody = Caller::new(&server.base, None);
    let info = anybody.get("info").await.expect(200);
    assert_eq!(info["demo"]["playing"], false);
    let printed = server.printed("Ctrl-C").await;
    let accounts = info["demo"]["accounts"].as_array().unwrap();
    assert_eq!(accounts.len(), 3);
    for account in accounts {
        let (user, password) = (account["user"].as_str().unwrap(), account["password"].as_str().unwrap());
        assert!(printed.contains(user) && printed.contains(password), "{printed}");
        log_in(&anybody, user, password).await.get("venues/clinic/queue").await.expect(200);
    }
    for device in info["demo"]["devices"].as_array().unwrap() {
        let token = device["token"].as_str().unwrap().to_owned();
        let known = Caller::new(&server.base, Some(token)).get("devices/current").await.expect(200);
        assert_eq!((&known["name"], &known["kind"]), (&device["name"], &device["kind"]));
    }
    for venue in ["clinic", "hall"] {
        for page in ["board", "kiosk", "counter", "triage"] {
            assert!(printed.contains(&format!("{}/{page}/{venue}", server.base)), "{printed}");
            assert_eq!(anybody.get(&format!("/{page}/{venue}")).await.status, 200);
        }
    }
    let nurse = log_in(&anybody, "nurse", "nurse-demo").await;
    let issued = nurse.post("venues/hall/tickets", json!({ "service": "tax" })).await.expect(201);
    let (status, _) = server.terminate().await;
    assert!(status.success());
    // Started again, it goes on where it was.
    let server = Process::start(&["demo", "--no-play"], folder.path());
    let card = Caller::new(&server.base, None).get(&format!("tickets/{}", issued["token"].as_str().unwrap())).await;
    assert_eq!(card.expect(200)["number"], issued["number"]);
}

#[actix_web::test]
async fn a_demo_that_plays_moves_by_itself_until_somebody_works_a_counter() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(&["demo", "--speed", "600"], folder.path());
    let anybody = Caller::new(&server.base, None);
    let info = anybody.get("info").await.expect(200);
    assert_eq!((&info["demo"]["playing"], &info["clock_rate"]), (&json!(true), &json!(600)));
    let mut board = anybody.socket("/ws/v1/venues/hall/board").await;
    let moving = board.until("calls", |frame| frame["calls"].as_array().unwrap().len() > 3).await;
    assert!(moving["calls"][0]["id"].as_u64() > moving["calls"][1]["id"].as_u64());
    let clerk = log_in(&anybody, "clerk", "clerk-demo").await;
    // The latest counter that called has more people waiting sooner or later: somebody else calls there.
    let counter = moving["calls"][0]["counter"]["id"].as_str().unwrap().to_owned();
    crate::harness::eventually("somebody to call", || async {
        let path = format!("venues/hall/counters/{counter}/calls");
        let called = clerk.post(&path, json!({})).await.expect(200);
        (!called["ticket"].is_null()).then_some(())
    })
    .await;
    let stopped = crate::harness::eventually("it no longer plays", || async {
        let info = anybody.get("info").await.expect(200);
        (info["demo"]["playing"] == false && info["clock_rate"] == 1).then_some(info)
    })
    .await;
    assert_eq!(stopped["clock_rate"], 1);
}
