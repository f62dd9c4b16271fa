//! Sockets: frames in order and complete, gaps mended, slow clients harmless, and a server that says good-bye.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use callnext::wire::HEARTBEAT_S;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::net::TcpSocket;

use crate::harness::copy::Copy;
use crate::harness::process::Process;
use crate::harness::raw::{Raw, frames, upgraded_on};
use crate::harness::socket::{Said, stands};
use crate::harness::{Caller, PATIENCE, Server, Socket, venues};

#[actix_web::test]
async fn the_first_frame_of_a_board_is_complete() {
    let server = Server::start().await;
    let clerk = server.staff("clerk").await;
    for _ in 0..5 {
        clerk.post("venues/clinic/tickets", json!({ "service": "internal", "name": "王小明" })).await.expect(201);
    }
    clerk.open("r1").await;
    let called = clerk.call("r1").await;
    let board = server.board().await.next().await;
    assert_eq!(board["type"], "board");
    assert_eq!(board["venue"]["id"], "clinic");
    assert_eq!(board["services"].as_array().unwrap().len(), 3);
    assert_eq!((&board["services"][0]["waiting"], &board["services"][0]["open_counters"]), (&json!(4), &json!(1)));
    assert_eq!(board["calls"].as_array().unwrap().len(), 1);
    let call = &board["calls"][0];
    assert_eq!((&call["id"], &call["number"], &call["open"]), (&called["call"], &json!("A001"), &json!(true)));
    assert_eq!(call["name"], "王*明", "masked");
    assert_eq!(board["ready"].as_array().unwrap().len(), 2);
    assert_eq!(board["ready"][0]["name"], "王*明");
    assert!(!board.to_string().contains("王小明"), "the whole name is nowhere");
}

#[actix_web::test]
async fn every_call_is_on_the_board_in_order_and_the_console_needs_no_help() {
    let server = Server::of(venues::wide(40)).await;
    let clerk = server.staff("clerk").await;
    let mut board = server.board().await;
    let mut console = server.console().await;
    join_all((0..40).map(|_| clerk.take("all"))).await;
    for counter in 1..=40 {
        clerk.open(&format!("c{counter}")).await;
    }
    let mut made = Vec::new();
    for counter in 1..=40 {
        let name = format!("c{counter}");
        made.push(clerk.call(&name).await["call"].as_u64().unwrap());
        if counter % 3 == 0 {
            clerk.at(&name, "starts").await.expect(200);
        }
        if counter % 5 == 0 {
            clerk.at(&name, "completions").await.expect(200);
        }
    }
    let queue = clerk.queue().await;
    board.until("the last state", |frame| frame["seq"] == queue["seq"]).await;
    let mut shown = Vec::new();
    for frame in &board.seen {
        let ids: Vec<u64> =
            frame["calls"].as_array().unwrap().iter().map(|call| call["id"].as_u64().unwrap()).collect();
        assert!(ids.is_sorted_by(|newer, older| newer > older), "newest first: {ids:?}");
        let last = shown.last().copied().unwrap_or_default();
        shown.extend(ids.into_iter().rev().filter(|id| *id > last));
    }
    assert_eq!(shown, made, "each call once and in order");
    console.until("the last state", |frame| frame["seq"] == queue["seq"]).await;
    let mut copy = Copy::default();
    for frame in &console.seen {
        assert!(copy.hear(frame), "a gap after {}: {frame}", copy.seq);
    }
    assert_eq!(copy.wholes, 1, "one whole queue, and then changes");
    assert_eq!(copy.differences(&Copy::of(&queue)), Vec::<String>::new());
}

/// Everything up to a frame that stands at the newest `seq`.
async fn up_to(socket: &mut Socket, seq: &Value) -> Vec<Value> {
    let mut heard = Vec::new();
    loop {
        heard.push(socket.next().await);
        if heard.last().unwrap()["seq"] == *seq {
            return heard;
        }
    }
}

#[actix_web::test]
async fn a_console_that_was_away_gets_what_it_missed_or_everything() {
    let server = Server::start().await;
    let clerk = server.staff("clerk").await;
    let mut console = server.console().await;
    let mut copy = Copy::of(&console.next().await);
    let (epoch, then) = (copy.epoch.clone(), copy.seq);
    let mut seqs = BTreeSet::new();
    for round in 0..6 {
        clerk.take("internal").await;
        if round == 2 {
            clerk.open("r1").await;
        }
        if round > 2 {
            clerk.call("r1").await;
        }
        // Each in a publication of its own: the console has seen it.
        let seq = clerk.queue().await["seq"].clone();
        seqs.insert(up_to(&mut console, &seq).await.last().unwrap()["seq"].as_u64().unwrap());
    }
    let queue = clerk.queue().await;
    let mut back = server.console().await;
    back.next().await;
    back.resume(&epoch, then).await;
    let missed = up_to(&mut back, &queue["seq"]).await;
    assert!(missed.len() > 3, "change by change: {missed:#?}");
    for frame in &missed {
        assert_eq!(frame["type"], "change");
        assert!(copy.hear(frame), "contiguous: {frame} after {}", copy.seq);
    }
    assert_eq!(copy.differences(&Copy::of(&queue)), Vec::<String>::new());

    // Nothing was missed: a sign of life, and nothing else.
    back.resume(&epoch, copy.seq).await;
    let sign = back.next().await;
    assert_eq!((&sign["type"], &sign["from"], &sign["seq"]), (&json!("change"), &queue["seq"], &queue["seq"]));
    assert_eq!(sign["tickets"], json!([]));
    for (epoch, seq) in [("77", copy.seq), (epoch.as_str(), copy.seq + 1), (&epoch, 0), ("", 0), (&epoch, u64::MAX)] {
        back.resume(epoch, seq).await;
        let whole = back.next().await;
        assert_eq!(whole["type"], "console", "from {epoch:?}, {seq}");
        assert_eq!(Copy::of(&whole).differences(&copy), Vec::<String>::new());
    }
    // A board and a phone are told the newest state again.
    let mut board = server.board().await;
    let first = board.next().await;
    board.resume("whatever", 0).await;
    assert_eq!(board.next().await["seq"], first["seq"]);
}

#[actix_web::test]
async fn every_open_line_hears_something_in_time() {
    let server = Server::start().await;
    let clerk = server.staff("clerk").await;
    let issued = clerk.take("internal").await;
    let token = issued["token"].as_str().unwrap();
    clerk.ticket(&issued["id"], "cancellations", json!({ "reason": "left" })).await.expect(200);
    let waiting = clerk.take("internal").await;
    let mut lines = [
        server.board().await,
        server.console().await,
        // The phone of a visit that is over, and one of somebody who waits.
        server.phone(token).await,
        server.phone(waiting["token"].as_str().unwrap()).await,
    ];
    let quiet = lines.iter_mut().map(async |line| {
        line.next().await;
        let begun = Instant::now();
        line.next().await;
        assert!(begun.elapsed() < Duration::from_secs(HEARTBEAT_S), "after {:?}", begun.elapsed());
    });
    join_all(quiet).await;
    assert_eq!(lines[2].seen[1]["state"], "cancelled");
}

#[actix_web::test]
async fn a_board_shows_the_services_it_is_for() {
    let server = Server::start().await;
    let clerk = server.staff("clerk").await;
    for service in ["internal", "lab", "lab", "lab", "surgery"] {
        clerk.take(service).await;
    }
    clerk.open("l1").await;
    clerk.open("r1").await;
    clerk.call("l1").await;
    clerk.call("r1").await;
    let of = async |filter: &str| {
        let mut board = server.anybody().socket(&format!("/ws/v1/venues/clinic/board?services={filter}")).await;
        let frame = board.next().await;
        (board, frame)
    };
    let (mut board, frame) = of("lab").await;
    let ids = |list: &Value, name: &str| -> Vec<String> {
        list.as_array().unwrap().iter().map(|row| row[name].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&frame["services"], "id"), ["lab"]);
    assert_eq!(ids(&frame["calls"], "number"), ["L001"]);
    assert_eq!(ids(&frame["ready"], "service"), ["lab", "lab"]);
    for filter in ["surgery,lab", "lab,surgery,,lab", "lab%2Csurgery"] {
        assert_eq!(ids(&of(filter).await.1["services"], "id"), ["surgery", "lab"], "{filter}");
    }
    assert_eq!(ids(&of("").await.1["services"], "id").len(), 3);
    // It stays so.
    clerk.call("l1").await;
    let next = board.until("the next call", |frame| frame["calls"].as_array().unwrap().len() == 2).await;
    assert_eq!(ids(&next["services"], "id"), ["lab"]);
}

#[actix_web::test]
async fn a_phone_is_told_when_the_day_ends_and_a_new_one_begins() {
    let server = Server::start().await;
    let (nurse, clerk) = (server.staff("nurse").await, server.staff("clerk").await);
    let waits = clerk.take("internal").await;
    let served = clerk.take("lab").await;
    clerk.open("l1").await;
    clerk.call("l1").await;
    clerk.at("l1", "starts").await.expect(200);
    let token = waits["token"].as_str().unwrap();
    let mut phone = server.phone(token).await;
    let mut other = server.phone(served["token"].as_str().unwrap()).await;
    let (mut board, mut console) = (server.board().await, server.console().await);
    server.set_time(venues::at("2026-03-03T04:00:01+08:00"));
    phone.until("the end of the visit", |card| card["state"] == "no_show").await;
    other.until("the end of the visit", |card| card["state"] == "completed").await;
    board.until("an empty hall", |board| board["services"][0]["waiting"] == 0).await;
    console.until("a whole new queue", |frame| frame["type"] == "console" && frame["tickets"] == json!([])).await;
    assert_eq!(server.anybody().try_socket(&format!("/ws/v1/tickets/{token}")).await.err(), Some(404));
    server.anybody().get(&format!("tickets/{token}")).await.refused(404, "token_unknown");
    assert_eq!(nurse.take("internal").await["number"], "A001", "numbers begin anew");
    assert_eq!(server.anybody().get("venues/clinic").await.expect(200)["day"], "2026-03-03");
}

#[actix_web::test]
async fn what_happens_between_asking_and_joining_is_not_missed() {
    let server = Server::start().await;
    let clerk = server.staff("clerk").await;
    // Boards that come while things change: each ends with what there is.
    for _ in 0..10 {
        let opened = join_all((0..5).map(|_| server.board()));
        let (mut boards, ..) = futures_util::future::join(opened, clerk.take("internal")).await;
        let seq = clerk.queue().await["seq"].clone();
        for board in &mut boards {
            board.until("the newest state", |frame| frame["seq"] == seq).await;
        }
    }
}

/// Opens a socket with small buffers, and reads nothing from it.
async fn deaf(server: &Process, filter: &str) -> Raw {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 * 1024).unwrap();
    let address = server.base.trim_start_matches("http://").parse().unwrap();
    let stream = socket.connect(address).await.unwrap();
    upgraded_on(stream, &format!("/ws/v1/venues/clinic/board?services={filter}")).await
}

#[actix_web::test]
async fn a_client_that_does_not_read_harms_nobody_and_is_shown_the_newest_in_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(&["demo", "--no-play"], folder.path());
    let login = json!({ "user": "nurse", "password": "nurse-demo" });
    let session = Caller::new(&server.base, None).post("sessions", login).await.expect(201);
    let nurse = Caller::new(&server.base, Some(session["token"].as_str().unwrap().to_owned()));
    let counter = |n: usize| format!("venues/clinic/counters/n{n}");
    for n in 1..=9 {
        nurse.put(&counter(n), json!({ "state": "open" })).await.expect(200);
    }
    let services = ["internal-medicine", "paediatrics", "surgery", "laboratory"];
    let mut reader = nurse.socket("/ws/v1/venues/clinic/board").await;
    let mut deaf_ones = Vec::new();
    let (mut warm, mut normally, mut told, mut asleep) = (0, 0, 0, None);
    for round in 0..64 {
        match round {
            // By now most of what is kept of a fixed number is kept.
            16 => warm = server.memory_kb(),
            40 => {
                normally = server.memory_kb().saturating_sub(warm);
                // Every set of services with the busy one in it: frames of their own for each.
                for set in 0..8 {
                    let others = (0..3).filter(|bit| set >> bit & 1 == 1).map(|bit| services[bit + 1]);
                    let filter: Vec<_> = std::iter::once(services[0]).chain(others).collect();
                    deaf_ones.push(deaf(&server, &filter.join(",")).await);
                }
                (warm, told) = (server.memory_kb(), 0);
            }
            48 => asleep = Some((deaf(&server, services[0]).await, Instant::now())),
            _ => {}
        }
        let body = json!({ "service": services[0], "name": "Somebody" });
        join_all((0..9).map(|_| nurse.post("venues/clinic/tickets", body.clone()))).await;
        let begun = Instant::now();
        let mut last = Value::Null;
        for n in 1..=9 {
            last = nurse.post(&format!("{}/calls", counter(n)), json!({})).await.expect(200)["call"].clone();
        }
        // Whoever reads is shown every call at once, whatever the others do.
        reader.until("the call", |board| board["calls"][0]["id"] == last).await;
        assert!(begun.elapsed() < PATIENCE, "round {round}");
        told += reader.seen.drain(..).map(|frame| frame.to_string().len() / 1024).sum::<usize>();
    }
    // As many rounds as without them grew by this much; the rest would be what they were not told.
    let grown = server.memory_kb().saturating_sub(warm);
    let untold = u64::try_from(told * deaf_ones.len()).unwrap();
    assert!(
        grown < normally + untold / 4,
        "{grown} kB more, {normally} kB without those who do not read, of {untold} kB that nobody read"
    );
    // One that slept for a while wakes up: what it is shown ends with what there is now.
    let newest = nurse.get("venues/clinic/queue").await.expect(200)["seq"].as_u64().unwrap();
    let (mut awake, since) = asleep.unwrap();
    let (mut bytes, mut shown) = (Vec::new(), 0);
    let waking = async {
        while shown < newest {
            if !awake.more(&mut bytes).await {
                // Whoever sleeps for longer is let go.
                assert!(since.elapsed() > Duration::from_secs(20), "let go after {:?}", since.elapsed());
                return;
            }
            for (kind, content) in frames(&mut bytes) {
                if kind == 1 {
                    let (_, seq) = stands(&serde_json::from_slice(&content).unwrap());
                    assert!(seq >= shown, "seq went back from {shown} to {seq}");
                    shown = seq;
                }
            }
        }
    };
    tokio::time::timeout(PATIENCE, waking).await.expect("it is shown the newest state in time");
}

#[actix_web::test]
async fn sigterm_sends_everybody_away_and_ends_soon() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Process::start(&["demo", "--no-play"], folder.path());
    let anybody = Caller::new(&server.base, None);
    let issued = anybody.post("venues/hall/tickets", json!({ "service": "tax" })).await.expect(201);
    let phone = format!("/ws/v1/tickets/{}", issued["token"].as_str().unwrap());
    let paths = ["/ws/v1/venues/clinic/board", "/ws/v1/venues/hall/board", &phone];
    let mut sockets = join_all((0..50).map(|n| anybody.socket(paths[n % 3]))).await;
    for socket in &mut sockets {
        socket.next().await;
    }
    let said = async {
        join_all(sockets.iter_mut().map(async |socket| {
            loop {
                if let Said::Closed(code) = socket.hear().await {
                    return code;
                }
            }
        }))
        .await
    };
    let ((status, took), codes) = futures_util::future::join(server.terminate(), said).await;
    assert!(status.success(), "{status}");
    assert!(took < Duration::from_secs(3), "{took:?}");
    assert_eq!(codes, vec![1012; 50]);
}
