//! Everything that should not be sent: each gets a clear problem, and nothing else happens.

use callnext::access::DeviceKind;
use callnext::clock::Clock;
use callnext_engine::Millis;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::process::Process;
use crate::harness::raw::{Raw, close_code, exchange, frame, upgraded};
use crate::harness::server::PASSWORD;
use crate::harness::{Caller, Server, eventually};

/// One bad request, and what it must get.
struct Case {
    what: String,
    request: Vec<u8>,
    status: u16,
    /// The problem's code; empty where there is no body.
    code: &'static str,
}

/// The people who send bad things.
struct Cast {
    kiosk: String,
    nurse: String,
    manager: String,
    clerk: String,
    hall_kiosk: String,
    expired: String,
    phone: String,
}

/// A request written by hand.
fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: callnext.test\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        text.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    [text.as_bytes(), body].concat()
}

fn api(path: &str) -> String {
    format!("/api/v1/{path}")
}

const JSON: (&str, &str) = ("Content-Type", "application/json");
const CSV: (&str, &str) = ("Content-Type", "text/csv");
const TICKETS: &str = "venues/clinic/tickets";
const APPOINTMENTS: &str = "venues/clinic/appointments";
const MEGABYTE: usize = 1024 * 1024;

impl Cast {
    fn post_as(token: &str, path: &str, body: &[u8]) -> Vec<u8> {
        request("POST", &api(path), &[JSON, ("Authorization", &format!("Bearer {token}"))], body)
    }

    fn put_as(token: &str, path: &str, kind: (&str, &str), body: &[u8]) -> Vec<u8> {
        request("PUT", &api(path), &[kind, ("Authorization", &format!("Bearer {token}"))], body)
    }

    /// At the kiosk: bodies that are not what they should be.
    fn bodies(&self, table: &mut Table) {
        let deep = "[".repeat(20_000);
        let many = format!("{{\"service\":\"internal\",{}\"name\":\"x\"}}", "\"name\":\"x\",".repeat(500));
        let bodies: [(&str, &[u8]); 17] = [
            ("malformed", br#"{"service":"#),
            ("two documents", br#"{"service":"internal"}{"service":"internal"}"#),
            ("something after it", br#"{"service":"internal"} x"#),
            ("an array", br#"["internal"]"#),
            ("a number", b"17"),
            ("null", b"null"),
            ("nothing", b"  \n "),
            ("an unknown field", br#"{"service":"internal","priority":1}"#),
            ("an unknown value", br#"{"service":"internal","lane":"vip"}"#),
            ("an unknown language", br#"{"service":"internal","language":"tlh"}"#),
            ("a number for a name", br#"{"service":"internal","name":7}"#),
            ("an object for a service", br#"{"service":{}}"#),
            ("a service that is no name", br#"{"service":"../etc"}"#),
            ("the same key twice", br#"{"service":"internal","service":"surgery"}"#),
            ("the same key many times", many.as_bytes()),
            ("bytes that are no text", b"{\"service\":\"internal\",\"name\":\"\xff\xfe\"}"),
            ("twenty thousand brackets", deep.as_bytes()),
        ];
        for (what, body) in bodies {
            table.add(what, Self::post_as(&self.kiosk, TICKETS, body), 400, "body_invalid");
        }
        let sound = br#"{"service":"internal"}"#;
        for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "nonsense"] {
            let headers = [("Content-Type", kind), ("Authorization", &format!("Bearer {}", self.kiosk))];
            table.add(kind, request("POST", &api(TICKETS), &headers, sound), 400, "body_invalid");
        }
        let spaces = " ".repeat(MEGABYTE);
        let large = format!(r#"{{"service":"internal","name":"{}"}}"#, "x".repeat(MEGABYTE));
        for (what, body) in [("a megabyte of blanks", &spaces), ("a megabyte of name", &large)] {
            table.add(what, Self::post_as(&self.kiosk, TICKETS, body.as_bytes()), 413, "body_too_large");
        }
        let headers = [JSON, ("Authorization", &format!("Bearer {}", self.kiosk)), ("Transfer-Encoding", "chunked")];
        let mut chunked = request("POST", &api(TICKETS), &headers, b"");
        for _ in 0..16 {
            chunked.extend(format!("10000\r\n{}\r\n", " ".repeat(0x1_0000)).bytes());
        }
        chunked.extend(b"0\r\n\r\n");
        table.add("a megabyte in chunks", chunked, 413, "body_too_large");
        let anonymous = request("POST", &api("sessions"), &[JSON], large.as_bytes());
        table.add("a megabyte from nobody", anonymous, 413, "body_too_large");
    }

    /// Slots that are not offered, and approvers who are nobody.
    fn joining(&self, table: &mut Table) {
        for (what, body, status, code) in [
            (
                "a slot in another lane",
                json!({ "service": "lab", "lane": "referral", "slot": true }),
                400,
                "body_invalid",
            ),
            ("a slot that is no truth", json!({ "service": "lab", "slot": "next" }), 400, "body_invalid"),
            ("a slot where there are none", json!({ "service": "internal", "slot": true }), 429, "no_free_slot"),
        ] {
            table.add(what, Self::post_as(&self.kiosk, TICKETS, body.to_string().as_bytes()), status, code);
        }
        for (what, approver, status, code) in [
            ("an approver without a password", json!({ "user": "admin" }), 400, "body_invalid"),
            ("an approver who is a text", json!("admin"), 400, "body_invalid"),
            (
                "an approver nobody can be",
                json!({ "user": "no\u{0}body", "password": PASSWORD }),
                403,
                "approver_refused",
            ),
            (
                "an approver with a long password",
                json!({ "user": "admin", "password": "x".repeat(5000) }),
                403,
                "approver_refused",
            ),
        ] {
            let body = json!({ "service": "lab", "reason": "r", "approved_by": "b", "approver": approver }).to_string();
            table.add(what, Self::post_as(&self.nurse, "venues/clinic/overflows", body.as_bytes()), status, code);
        }
    }

    /// Texts and numbers that make no sense.
    fn values(&self, table: &mut Table) {
        let long = "长".repeat(10_000);
        for (what, name, status, code) in [
            ("a control character in a name", "a\u{7}b", 422, "value_invalid"),
            ("a line break in a name", "a\nb", 422, "value_invalid"),
            ("65 characters of name", &"长".repeat(65), 422, "value_invalid"),
            ("10,000 characters of name", &long, 413, "body_too_large"),
            ("10,000 letters of name", &"x".repeat(10_000), 422, "value_invalid"),
        ] {
            let body = json!({ "service": "internal", "name": name }).to_string();
            // Three bytes each: ten thousand of them are within the limit of a body.
            let (status, code) = if body.len() < 32 * 1024 { (422, "value_invalid") } else { (status, code) };
            table.add(what, Self::post_as(&self.kiosk, TICKETS, body.as_bytes()), status, code);
        }
        let phone = json!({ "service": "internal", "phone": "\u{0}" }).to_string();
        table.add("a null character", Self::post_as(&self.kiosk, TICKETS, phone.as_bytes()), 422, "value_invalid");
        let gone = json!({ "service": "dentist" }).to_string();
        table.add("an unknown service", Self::post_as(&self.kiosk, TICKETS, gone.as_bytes()), 404, "service_unknown");
        let class = json!({ "service": "internal", "class": "giant" }).to_string();
        table.add("an unknown class", Self::post_as(&self.kiosk, TICKETS, class.as_bytes()), 422, "value_invalid");
        let class = json!({ "service": "internal", "class": "../etc" }).to_string();
        table.add(
            "a class that is no name",
            Self::post_as(&self.kiosk, TICKETS, class.as_bytes()),
            400,
            "body_invalid",
        );
        let extra = |code: &str| json!({ "service": "internal", "code": code, "approved_by": "b" }).to_string();
        for (what, code, status, refusal) in [
            ("a reason of another kind", "pregnant", 422, "reason_unknown"),
            ("a reason that is no name", "<b>", 400, "body_invalid"),
            ("no reason but that there is one", "other", 422, "value_invalid"),
        ] {
            let asked = Self::post_as(&self.nurse, "venues/clinic/overflows", extra(code).as_bytes());
            table.add(what, asked, status, refusal);
        }
        let counter = json!({ "service": "internal", "counter": "r9" }).to_string();
        table.add(
            "an unknown counter",
            Self::post_as(&self.kiosk, TICKETS, counter.as_bytes()),
            404,
            "counter_unknown",
        );
        let lane = json!({ "service": "internal", "lane": "overflow" }).to_string();
        table.add("a lane by wish", Self::post_as(&self.nurse, TICKETS, lane.as_bytes()), 422, "value_invalid");
        for places in ["-1", "4294967296", "1.5", "\"2\"", "null"] {
            let path = format!("tickets/{}/step_backs", self.phone);
            let body = format!("{{\"places\":{places}}}");
            let asked = request("POST", &api(&path), &[JSON], body.as_bytes());
            table.add(&format!("{places} places back"), asked, 400, "body_invalid");
        }
        for ticket in ["-1", "18446744073709551616", "1e3", "\"1\""] {
            let body = format!("{{\"ticket\":{ticket},\"reason\":\"r\"}}");
            let asked = Self::post_as(&self.clerk, "venues/clinic/counters/r1/calls", body.as_bytes());
            table.add(&format!("a call of ticket {ticket}"), asked, 400, "body_invalid");
        }
        let none = json!({ "ticket": u64::MAX, "reason": "r" }).to_string();
        let asked = Self::post_as(&self.clerk, "venues/clinic/counters/r1/calls", none.as_bytes());
        table.add("a call of the last ticket of all", asked, 404, "ticket_unknown");
    }

    /// Transfers, closures and steps that make no sense.
    fn moves(&self, table: &mut Table) {
        let ticket = "venues/clinic/tickets/99";
        let many = vec![json!({ "service": "lab" }); 17];
        let (unknown, invalid) = ("body_invalid", "value_invalid");
        for (what, path, body, status, code) in [
            (
                "to a venue that is no name",
                "transfers",
                json!({ "venue": "../x", "service": "lab", "reason": "r" }),
                400,
                unknown,
            ),
            (
                "to no venue",
                "transfers",
                json!({ "venue": "none", "service": "lab", "reason": "r" }),
                404,
                "venue_unknown",
            ),
            (
                "with an unknown urgency",
                "transfers",
                json!({ "service": "lab", "reason": "r", "urgency": "vip" }),
                400,
                unknown,
            ),
            ("without a reason", "transfers", json!({ "service": "lab" }), 400, unknown),
            ("a skip of nobody", "skips", json!({ "reason": "r" }), 404, "ticket_unknown"),
        ] {
            let asked = Self::post_as(&self.nurse, &format!("{ticket}/{path}"), body.to_string().as_bytes());
            table.add(what, asked, status, code);
        }
        for (what, steps) in [("steps of a number", json!(7)), ("a step of a text", json!(["lab"]))] {
            let body = json!({ "steps": steps, "reason": "r" }).to_string();
            let asked = Self::put_as(&self.nurse, &format!("{ticket}/steps"), JSON, body.as_bytes());
            table.add(what, asked, 400, unknown);
        }
        let visit = json!({ "service": "internal", "steps": many }).to_string();
        table.add("seventeen steps", Self::post_as(&self.kiosk, TICKETS, visit.as_bytes()), 422, invalid);
        let closures = "venues/clinic/services/lab/closures";
        for (what, body, status, code) in [
            ("a closure without a reason", json!({}), 400, unknown),
            ("a closure for a blank reason", json!({ "reason": " " }), 422, invalid),
            ("a closure with other advice", json!({ "reason": "r", "advice": "go_home" }), 400, unknown),
            ("a closure into itself", json!({ "reason": "r", "to_service": "lab" }), 422, invalid),
            ("a closure into any counter", json!({ "reason": "r", "to_any_counter": true }), 422, invalid),
            ("a closure into nothing", json!({ "reason": "r", "to_service": "none" }), 404, "service_unknown"),
        ] {
            table.add(what, Self::post_as(&self.nurse, closures, body.to_string().as_bytes()), status, code);
        }
        let open = Self::post_as(&self.nurse, "venues/clinic/services/lab/reopenings", b"{}");
        table.add("opening what is open", open, 409, "not_closed");
    }

    /// Lists of bookings that cannot be taken in.
    fn bookings(&self, table: &mut Table) {
        let one = |slot: Value| json!([{ "code": "X", "service": "internal", "slot": slot }]).to_string();
        let minutes = |minutes: Value| {
            json!([{ "code": "X", "service": "internal", "slot": "09:00", "slot_minutes": minutes }]).to_string()
        };
        let twice = json!([
            { "code": "X", "service": "internal", "slot": "09:00" },
            { "code": "X", "service": "internal", "slot": "09:30" },
        ]);
        let many: Vec<Value> =
            (0..20_001).map(|n| json!({ "code": format!("X{n}"), "service": "internal", "slot": "09:00" })).collect();
        for (what, body, status, code) in [
            ("25 o'clock", one(json!("25:00")), 422, "appointments_invalid"),
            ("yesterday", one(json!("yesterday")), 422, "appointments_invalid"),
            ("no slot", one(json!("")), 422, "appointments_invalid"),
            ("a slot with seconds", one(json!("09:00:00")), 422, "appointments_invalid"),
            ("another day's slot", one(json!("2026-03-09T09:00:00+08:00")), 422, "value_invalid"),
            ("a slot in the year 262142", one(json!("+262142-12-31T23:59:59Z")), 422, "appointments_invalid"),
            ("a number for a slot", one(json!(9)), 400, "body_invalid"),
            ("a slot of no length", minutes(json!(0)), 422, "appointments_invalid"),
            ("a slot of a day", minutes(json!(1440)), 422, "appointments_invalid"),
            ("a slot of minus one", minutes(json!(-1)), 400, "body_invalid"),
            ("the same code twice", twice.to_string(), 422, "value_invalid"),
            (
                "an unknown service",
                json!([{ "code": "X", "service": "x", "slot": "09:00" }]).to_string(),
                404,
                "service_unknown",
            ),
            (
                "a code of nothing",
                json!([{ "code": " ", "service": "internal", "slot": "09:00" }]).to_string(),
                422,
                "value_invalid",
            ),
            ("one booking, not a list", json!({ "code": "X" }).to_string(), 400, "body_invalid"),
            ("20,001 bookings", json!(many).to_string(), 429, "venue_full"),
            ("a megabyte that is no list", "x".repeat(MEGABYTE), 400, "body_invalid"),
            ("five megabytes", " ".repeat(5 * MEGABYTE), 413, "body_too_large"),
        ] {
            table.add(what, Self::put_as(&self.nurse, APPOINTMENTS, JSON, body.as_bytes()), status, code);
        }
        let head = "code,service,slot\n";
        for (what, text, status, code) in [
            ("a column too many", "code,service,slot,colour\nX,internal,09:00,red\n".to_owned(), 400, "body_invalid"),
            ("a column too few", "code,service\nX,internal\n".to_owned(), 400, "body_invalid"),
            ("a field too many", format!("{head}X,internal,09:00,x\n"), 400, "body_invalid"),
            ("no such slot", format!("{head}X,internal,9 o'clock\n"), 422, "appointments_invalid"),
            ("a name that is none", format!("{head}X,Internal Medicine,09:00\n"), 400, "body_invalid"),
            (
                "a megabyte in one field",
                format!("{head}{},internal,09:00\n", "x".repeat(MEGABYTE)),
                422,
                "value_invalid",
            ),
            ("five megabytes of table", "x".repeat(5 * MEGABYTE), 413, "body_too_large"),
        ] {
            table.add(what, Self::put_as(&self.nurse, APPOINTMENTS, CSV, text.as_bytes()), status, code);
        }
        let binary = Self::put_as(&self.nurse, APPOINTMENTS, CSV, b"code,service,slot\n\xff\xfe,internal,09:00\n");
        table.add("a table that is no text", binary, 400, "body_invalid");
        let kind = ("Content-Type", "application/pdf");
        let paper = Self::put_as(&self.nurse, APPOINTMENTS, kind, b"[]");
        table.add("bookings on paper", paper, 400, "body_invalid");
    }

    /// People who are not who they say.
    fn strangers(&self, table: &mut Table) {
        let call = "venues/clinic/counters/r1/calls";
        let short: String = self.clerk.chars().take(self.clerk.len() - 1).collect();
        for (what, token) in [
            ("a wrong token", "x".repeat(43)),
            ("a token cut short", short),
            ("a token and more", format!("{}A", self.clerk)),
            ("no token", String::new()),
            ("a very long token", "x".repeat(8_000)),
            ("an expired token", self.expired.clone()),
            ("a phone's token", self.phone.clone()),
        ] {
            table.add(what, Self::post_as(&token, call, b"{}"), 401, "unauthenticated");
        }
        for scheme in ["Basic", "bearer-ish", ""] {
            let value = format!("{scheme} {}", self.clerk);
            let asked = request("POST", &api(call), &[JSON, ("Authorization", &value)], b"{}");
            table.add(&format!("the scheme \"{scheme}\""), asked, 401, "unauthenticated");
        }
        table.add("a kiosk at a counter", Self::post_as(&self.kiosk, call, b"{}"), 403, "forbidden");
        table.add(
            "a kiosk of another venue",
            Self::post_as(&self.hall_kiosk, "venues/clinic/check-ins", br#"{"code":"K"}"#),
            403,
            "forbidden",
        );
        let wrong = json!({ "user": "clerk", "password": "wrong password" }).to_string();
        table.add(
            "a wrong password",
            request("POST", &api("sessions"), &[JSON], wrong.as_bytes()),
            401,
            "login_failed",
        );
        let nobody = json!({ "user": "no\u{0}body", "password": PASSWORD }).to_string();
        table.add(
            "nobody's password",
            request("POST", &api("sessions"), &[JSON], nobody.as_bytes()),
            401,
            "login_failed",
        );
        let setup = json!({ "token": "x", "user": "me", "password": PASSWORD }).to_string();
        table.add(
            "a set-up link made up",
            request("POST", &api("setup"), &[JSON], setup.as_bytes()),
            401,
            "setup_token_invalid",
        );
        let device = json!({ "token": self.clerk }).to_string();
        table.add(
            "a person as a device",
            request("POST", &api("devices/current"), &[JSON], device.as_bytes()),
            401,
            "unauthenticated",
        );

        let (venue, rest) = self.phone.split_once('.').unwrap();
        let (ticket, proof) = rest.split_once('.').unwrap();
        for (what, token) in [
            ("a link cut short", self.phone[..self.phone.len() - 1].to_owned()),
            ("a link of another venue", format!("hall.{ticket}.{proof}")),
            ("a link of another ticket", format!("{venue}.{}.{proof}", ticket.parse::<u64>().unwrap() + 1)),
            ("a link in other words", format!("{venue}.0{ticket}.{proof}")),
            ("a link without proof", format!("{venue}.{ticket}.")),
            ("a link of dots", "....".to_owned()),
            ("a very long link", "x".repeat(8_000)),
            ("a link with a null", format!("{}%00", self.phone)),
        ] {
            for (method, rest) in [("GET", ""), ("GET", "/qr.svg"), ("POST", "/cancellations")] {
                let path = api(&format!("tickets/{token}{rest}"));
                table.add(&format!("{what}{rest}"), request(method, &path, &[], b""), 404, "token_unknown");
            }
        }
    }

    /// Requests that another site's page would send.
    fn foreign_pages(&self, table: &mut Table) {
        let bearer = format!("Bearer {}", self.clerk);
        for origin in
            ["https://evil.example", "null", "http://callnext.test.evil.example", "callnext.test", "", "\u{e9}"]
        {
            let headers = [JSON, ("Authorization", bearer.as_str()), ("Origin", origin)];
            let asked = request("POST", &api("venues/clinic/counters/r1/calls"), &headers, b"{}");
            table.add(&format!("a page of \"{origin}\""), asked, 403, "origin_foreign");
            let asked = request("DELETE", &api("sessions/current"), &headers, b"");
            table.add(&format!("a log-out by \"{origin}\""), asked, 403, "origin_foreign");
            let mut headers = UPGRADE.to_vec();
            headers.extend([("Authorization", bearer.as_str()), ("Origin", origin)]);
            let asked = request("GET", "/ws/v1/venues/clinic/console", &headers, b"");
            table.add(&format!("a socket of \"{origin}\""), asked, 403, "origin_foreign");
        }
    }

    /// Addresses that lead nowhere.
    fn addresses(&self, table: &mut Table) {
        let nurse = |what: &str, path: &str, status, code, table: &mut Table| {
            table.add(what, Self::post_as(&self.nurse, path, br#"{"reason":"r"}"#), status, code);
        };
        for id in
            ["18446744073709551616", "-1", "+1", "1.5", "0x1", "%31%00", "one", "%20", "99999999999999999999999999"]
        {
            nurse(id, &format!("venues/clinic/tickets/{id}/holds"), 404, "not_found", table);
        }
        nurse("no ticket 0", "venues/clinic/tickets/0/holds", 404, "ticket_unknown", table);
        nurse("no such ticket", "venues/clinic/tickets/18446744073709551615/holds", 404, "ticket_unknown", table);
        nurse("no such venue", "venues/none/tickets/1/holds", 403, "forbidden", table);
        let one = |path: &str| request("GET", path, &[], b"");
        for venue in ["none", "%2e%2e", "..%2f..", "CLINIC", "clinic%00", "%e9%97%a8", &"x".repeat(5_000)] {
            let what = format!("venue {}", venue.chars().take(20).collect::<String>());
            table.add(&what, one(&api(&format!("venues/{venue}"))), 404, "venue_unknown");
        }
        for path in [
            "/api/v1/nothing",
            "/api/v2/venues",
            "/api/v1/venues/clinic/%2e%2e/%2e%2e/accounts",
            "/api//v1/venues",
            "/static/../Cargo.toml",
            "/static/%2e%2e/Cargo.toml",
            "/static/..%2fCargo.toml",
            "/static/%2fetc/passwd",
            "/static//etc/passwd",
            "/static/",
            "/static/text",
            "/../../etc/passwd",
            "/board/clinic/x",
            "/.git/config",
            "/ws/v1/venues/clinic",
        ] {
            table.add(path, one(path), 404, "not_found");
        }
        table.add("a long way", one(&format!("/{}", "x".repeat(50_000))), 404, "not_found");
        let counter = |name: &str| Self::post_as(&self.clerk, &format!("venues/clinic/counters/{name}/calls"), b"{}");
        table.add("an unknown counter", counter("r9"), 404, "counter_unknown");
        table.add("a counter that is no name", counter("R%201"), 404, "not_found");
    }

    /// Changes of policies that cannot be: nothing else happens (R11).
    fn policies(&self, table: &mut Table) {
        let path = "venues/clinic/policies";
        let bearer = format!("Bearer {}", self.manager);
        let patch = |path: &str, body: &Value| {
            request("PATCH", &api(path), &[JSON, ("Authorization", &bearer)], body.to_string().as_bytes())
        };
        let wish = |set: Value| json!({ "version": 0, "set": set, "reason": "r" });
        for (what, set) in [
            ("no setting", json!({})),
            ("an unknown setting", json!({ "redy_count": 3 })),
            ("an unknown lane", json!({ "weights": { "vip": 3 } })),
            ("a table for a number", json!({ "grace_s": { "x": 1 } })),
            ("a list for a number", json!({ "grace_s": [1] })),
            ("a number below nought", json!({ "grace_s": -1 })),
            ("a number that is too large", json!({ "grace_s": 1e300 })),
            ("more than a day", json!({ "grace_s": 86_401 })),
            ("a weight of nought", json!({ "weights.late": 0 })),
            ("nothing to give back", json!({ "grace_s": null })),
            ("a long name", json!({ "x".repeat(10_000): 1 })),
        ] {
            table.add(what, patch(path, &wish(set)), 422, "policy_invalid");
        }
        let sound = json!({ "grace_s": 5 });
        let with = |name: &str, value: Value| {
            let mut wish = wish(sound.clone());
            wish[name] = value;
            patch(path, &wish)
        };
        table.add("an unknown service", with("service", json!("dentist")), 404, "service_unknown");
        table.add("no reason", with("reason", json!(" ")), 422, "value_invalid");
        table.add("a long reason", with("reason", json!("x".repeat(201))), 422, "value_invalid");
        table.add("a count of later", with("version", json!(u64::MAX)), 409, "policy_changed_meanwhile");
        for (name, value) in [
            ("set", json!([])),
            ("set", json!("grace_s=5")),
            ("version", json!(-1)),
            ("version", Value::Null),
            ("lasts", json!("for_ever")),
            ("service", json!("No Name")),
            ("who", json!("me")),
        ] {
            table.add(&format!("{name} {value}"), with(name, value), 400, "body_invalid");
        }
        for query in ["dry_run=maybe", "dry=true", "dry_run=true&dry_run=true", "dry_run=%ff"] {
            table.add(query, patch(&format!("{path}?{query}"), &wish(sound.clone())), 400, "query_invalid");
        }
        for (query, status, code) in [
            ("grace_s", 400, "query_invalid"),
            ("grace_s?version=0", 400, "query_invalid"),
            ("grace_s?version=x&reason=r", 400, "query_invalid"),
            ("grace_s?version=0&reason=", 422, "value_invalid"),
            ("grace_s?version=0&reason=r", 422, "policy_invalid"),
            ("%2e%2e?version=0&reason=r", 422, "policy_invalid"),
            ("grace_s?version=0&reason=r&service=dentist", 404, "service_unknown"),
        ] {
            let asked = request("DELETE", &api(&format!("{path}/{query}")), &[("Authorization", &bearer)], b"");
            table.add(query, asked, status, code);
        }
    }

    /// Keys that are none, or stand for something else.
    fn keys(&self, table: &mut Table) {
        let bearer = format!("Bearer {}", self.kiosk);
        let with = |key: &str, body: &[u8]| {
            request("POST", &api(TICKETS), &[JSON, ("Authorization", &bearer), ("Idempotency-Key", key)], body)
        };
        let sound: &[u8] = br#"{"service":"internal"}"#;
        for (what, key) in [("an empty key", ""), ("a long key", &"k".repeat(201)), ("a key of bytes", "\u{e9}")] {
            table.add(what, with(key, sound), 400, "idempotency_key_invalid");
        }
        table.add("a used key", with("used", br#"{"service":"surgery"}"#), 422, "idempotency_key_reused");
    }

    /// What these addresses do not take.
    fn methods(table: &mut Table) {
        for (method, path) in [
            ("PATCH", "/api/v1/venues/clinic"),
            ("DELETE", "/api/v1/venues/clinic"),
            ("GET", "/api/v1/venues/clinic/tickets"),
            ("PUT", "/api/v1/venues/clinic/tickets"),
            ("OPTIONS", "/api/v1/venues/clinic/tickets"),
            ("TRACE", "/api/v1/venues"),
            ("BREW", "/api/v1/venues"),
            ("POST", "/healthz"),
            ("POST", "/"),
            ("POST", "/board/clinic"),
            ("POST", "/ws/v1/venues/clinic/board"),
            ("DELETE", "/static/icon.svg"),
        ] {
            table.add(&format!("{method} {path}"), request(method, path, &[], b""), 405, "method_not_allowed");
        }
        table.add("HEAD of nothing", request("HEAD", "/api/v1/nothing", &[], b""), 404, "");
        table.add("HEAD of no venue", request("HEAD", "/api/v1/venues/none", &[], b""), 404, "");
    }

    /// Sockets that are not asked for properly.
    fn handshakes(&self, table: &mut Table) {
        let board = "/ws/v1/venues/clinic/board";
        table.add("a socket without asking", request("GET", board, &[], b""), 426, "upgrade_required");
        for (left_out, (name, _)) in UPGRADE.iter().enumerate() {
            let others = UPGRADE.iter().enumerate().filter(|(n, _)| *n != left_out);
            let headers: Vec<_> = others.map(|(_, header)| *header).collect();
            let what = format!("a socket without {name}");
            table.add(&what, request("GET", board, &headers, b""), 426, "upgrade_required");
        }
        table.add("a socket nowhere", request("GET", "/ws/v1/venues/none/board", &UPGRADE, b""), 404, "venue_unknown");
        let phone = format!("/ws/v1/tickets/{}x", self.phone);
        table.add("a socket of no ticket", request("GET", &phone, &UPGRADE, b""), 404, "token_unknown");
        let filter = format!("{board}?services=internal,,%00");
        table.add("a socket of no service", request("GET", &filter, &UPGRADE, b""), 404, "service_unknown");
        let console = "/ws/v1/venues/clinic/console";
        table.add("a console for nobody", request("GET", console, &UPGRADE, b""), 401, "unauthenticated");
    }
}

const UPGRADE: [(&str, &str); 4] = [
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

#[derive(Default)]
struct Table(Vec<Case>);

impl Table {
    fn add(&mut self, what: &str, request: Vec<u8>, status: u16, code: &'static str) {
        self.0.push(Case { what: what.to_owned(), request, status, code });
    }
}

/// What the venue is, as far as anybody is told.
async fn state(nurse: &Caller) -> Value {
    nurse.get("/readyz").await;
    nurse.queue().await
}

#[actix_web::test]
async fn every_bad_request_gets_its_problem_and_changes_nothing() {
    let server = Server::start().await;
    let (kiosk, nurse, clerk) = (server.kiosk().await, server.staff("nurse").await, server.staff("clerk").await);
    let hall_kiosk = server.device("hall", "k", DeviceKind::Kiosk).await;
    let issued = kiosk.post_with_key(TICKETS, json!({ "service": "internal" }), "used").await.expect(201);
    clerk.open("r1").await;
    // A login of yesterday.
    let long_ago = Clock::machine().now() - Millis::from_mins(13 * 60);
    let (expired, _) = server.access.login("clerk", PASSWORD, long_ago).await.unwrap();
    let cast = Cast {
        kiosk: kiosk.token.unwrap(),
        nurse: nurse.token.clone().unwrap(),
        manager: server.staff("manager").await.token.unwrap(),
        clerk: clerk.token.unwrap(),
        hall_kiosk: hall_kiosk.token.unwrap(),
        expired: expired.reveal().to_owned(),
        phone: issued["token"].as_str().unwrap().to_owned(),
    };
    let mut table = Table::default();
    cast.bodies(&mut table);
    cast.joining(&mut table);
    cast.values(&mut table);
    cast.bookings(&mut table);
    cast.moves(&mut table);
    cast.strangers(&mut table);
    cast.foreign_pages(&mut table);
    cast.addresses(&mut table);
    cast.policies(&mut table);
    cast.keys(&mut table);
    Cast::methods(&mut table);
    cast.handshakes(&mut table);
    let mut before = state(&nurse).await;
    let mut wrong = Vec::new();
    for Case { what, request, status, code } in table.0 {
        let answer = exchange(&server.base, &request).await;
        let got = if answer.body.is_empty() { String::new() } else { answer.problem_code() };
        if answer.status != status || got != code {
            let body: String = String::from_utf8_lossy(&answer.body).chars().take(200).collect();
            wrong.push(format!("{what}: {status} {code} expected, {} {got} came: {body}", answer.status));
        }
        if answer.status == 405 {
            assert!(answer.head.contains("\r\nallow: "), "{what}: {}", answer.head);
        }
        let after = state(&nurse).await;
        if after != before {
            wrong.push(format!("{what}: something has changed"));
            before = after;
        }
    }
    assert!(wrong.is_empty(), "{} are answered otherwise:\n{}", wrong.len(), wrong.join("\n"));
}

impl crate::harness::raw::RawAnswer {
    /// The code of a problem in the form of RFC 9457; what it is instead otherwise.
    fn problem_code(&self) -> String {
        let Ok(problem) = serde_json::from_slice::<Value>(&self.body) else { return "(not JSON)".to_owned() };
        let code = problem["code"].as_str().unwrap_or_default();
        let whole = self.head.contains("content-type: application/problem+json")
            && problem["type"] == format!("urn:callnext:problem:{code}")
            && problem["status"] == self.status
            && problem["title"].is_string()
            && problem["detail"].is_string();
        if whole { code.to_owned() } else { format!("(no problem: {code})") }
    }
}

#[actix_web::test]
async fn what_can_be_read_has_a_head_of_its_own() {
    let server = Server::start().await;
    for path in ["/healthz", "/readyz", "/", "/api/v1/venues", "/static/icon.svg"] {
        let answer = exchange(&server.base, &request("HEAD", path, &[], b"")).await;
        assert_eq!(answer.status, 200, "{path}");
        let whole = exchange(&server.base, &request("GET", path, &[], b"")).await;
        assert!(answer.head.contains(&format!("content-length: {}", whole.body.len())), "{path}: {}", answer.head);
        assert!(answer.body.is_empty(), "{path}");
    }
}

#[actix_web::test]
async fn a_trusted_page_and_the_servers_own_are_welcome() {
    let plan =
        crate::harness::server::Plan { trusted_origins: vec!["https://desk.example".to_owned()], ..Default::default() };
    let server = Server::start_with(plan).await;
    let clerk = server.staff("clerk").await.token.unwrap();
    let bearer = format!("Bearer {clerk}");
    for origin in ["http://callnext.test", "https://callnext.test", "https://desk.example"] {
        let headers = [JSON, ("Authorization", bearer.as_str()), ("Origin", origin)];
        let asked = request("PUT", &api("venues/clinic/counters/r1"), &headers, br#"{"state":"open"}"#);
        assert_eq!(exchange(&server.base, &asked).await.status, 200, "{origin}");
    }
}

#[actix_web::test]
async fn a_request_that_breaks_off_or_never_ends_harms_nobody() {
    let server = Server::start().await;
    let nurse = server.staff("nurse").await;
    let before = state(&nurse).await;
    let token = nurse.token.clone().unwrap();
    let whole = Cast::post_as(&token, TICKETS, br#"{"service":"internal"}"#);
    for end in [1, 20, whole.len() - 1] {
        let mut raw = Raw::to(&server.base).await;
        raw.send(&whole[..end]).await;
        drop(raw);
    }
    for nonsense in
        [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], b"GET / HTTP/9.9\r\n\r\n", b"\r\n\r\n\r\n", b"\0\0\0\0"]
    {
        let mut raw = Raw::to(&server.base).await;
        raw.send(nonsense).await;
        drop(raw);
    }
    let mut headers = Raw::to(&server.base).await;
    headers.send(format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(MEGABYTE)).as_bytes()).await;
    let answer = String::from_utf8_lossy(&headers.rest().await).into_owned();
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "a megabyte of head: {answer}");
    assert_eq!(state(&nurse).await, before);
}

// ---- sockets ----------------------------------------------------------------------------------------------------

const TEXT: u8 = 0x81;
const BOARD: &str = "/ws/v1/venues/clinic/board";

#[actix_web::test]
async fn every_bad_frame_closes_the_socket_with_its_code() {
    let server = Server::start().await;
    let nurse = server.staff("nurse").await;
    let kiosk = server.kiosk().await;
    let token = kiosk.take("internal").await["token"].as_str().unwrap().to_owned();
    let phone = format!("/ws/v1/tickets/{token}");
    let before = state(&nurse).await;
    let large = vec![b'x'; MEGABYTE];
    let announced = [&[TEXT, 0xff][..], &(1_u64 << 30).to_be_bytes(), &[0; 4]].concat();
    let endless = [&[TEXT, 0xff][..], &u64::MAX.to_be_bytes(), &[0; 4]].concat();
    let cases: Vec<(&str, Vec<u8>, u16)> = vec![
        ("a binary frame", frame(0x82, true, b"{}"), 1003),
        ("the first part of a text", frame(0x01, true, b"{\"type\":"), 1003),
        ("a part of no text", frame(0x80, true, b"}"), 1002),
        ("an unmasked frame", frame(TEXT, false, b"{}"), 1002),
        ("a reserved kind", frame(0x83, true, b"{}"), 1002),
        ("text that is none", frame(TEXT, true, b"\xff\xfe\xfd"), 1007),
        ("text that is no JSON", frame(TEXT, true, b"hello"), 1008),
        ("an unknown wish", frame(TEXT, true, br#"{"type":"call_next"}"#), 1008),
        ("a wish of wrong types", frame(TEXT, true, br#"{"type":"resume","epoch":1,"seq":"x"}"#), 1008),
        ("a wish with more", frame(TEXT, true, br#"{"type":"resume","epoch":"1","seq":1,"x":1}"#), 1008),
        (
            "a wish beyond all numbers",
            frame(TEXT, true, br#"{"type":"resume","epoch":"1","seq":18446744073709551616}"#),
            1008,
        ),
        ("a megabyte", frame(TEXT, true, &large), 1009),
        ("a gigabyte announced", announced, 1009),
        ("more than there is", endless, 1009),
    ];
    // All at once: a closed connection stays for a second, for the client to read why.
    let send = async |path: &str, what: &str, bytes: &[u8], code: u16| {
        let mut raw = upgraded(&server.base, path).await;
        raw.send(bytes).await;
        let rest = raw.rest().await;
        let text = String::from_utf8_lossy(&rest).into_owned();
        assert_eq!(close_code(&rest), Some(code), "{what} at {path}: {text:?}");
        if code == 1008 {
            let told = text.contains(r#""type":"error""#) && text.contains(r#""code":"frame_invalid""#);
            assert!(told, "{what}: {text}");
        }
    };
    let both = cases.iter().flat_map(|(what, bytes, code)| [BOARD, &phone].map(|path| send(path, what, bytes, *code)));
    join_all(both).await;
    assert_eq!(state(&nurse).await, before);
    let viewers = r#"callnext_viewers{kind="board"} 0"#;
    eventually("the closed sockets are let go", || async {
        let text = String::from_utf8(nurse.get("/metrics").await.bytes).unwrap();
        text.contains(viewers).then_some(())
    })
    .await;
}

#[actix_web::test]
async fn a_gigabyte_announced_takes_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(&["demo", "--no-play"], folder.path());
    let open = async || {
        let mut raw = upgraded(&server.base, BOARD).await;
        raw.send(&[&[TEXT, 0xff][..], &(1_u64 << 30).to_be_bytes(), &[0; 4]].concat()).await;
        raw.send(&vec![b'x'; 8 * MEGABYTE]).await;
        assert_eq!(close_code(&raw.rest().await), Some(1009));
    };
    open().await;
    let before = server.memory_kb();
    join_all((0..8).map(|_| open())).await;
    let after = server.memory_kb();
    assert!(after < before + 16 * 1024, "from {before} kB to {after} kB");
    // Bodies are bounded as well: what is too much is read and thrown away.
    let anybody = Caller::new(&server.base, None);
    let headers = [JSON];
    for _ in 0..4 {
        let asked = request("POST", &api("sessions"), &headers, &vec![b' '; 8 * MEGABYTE]);
        assert_eq!(exchange(&server.base, &asked).await.status, 413);
    }
    let after = server.memory_kb();
    assert!(after < before + 16 * 1024, "from {before} kB to {after} kB");
    assert_eq!(anybody.get("/healthz").await.status, 200);
}
