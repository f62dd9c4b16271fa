//! Going to another venue while the process is killed between the halves (R6): nobody is lost, nobody is doubled.
//!
//! `scripts/kills --handovers` runs it for longer. `CALLNEXT_KILLS` is the number of kills, `CALLNEXT_SEED` the chance.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use crate::harness::process::Process;
use crate::harness::{Caller, Chance, eventually};
use crate::recovery::number_from;
use crate::set_up::administrator;

const VENUES: [&str; 3] = ["east", "west", "north"];
const PEOPLE: usize = 24;
/// People at desks who send others on.
const DESKS: usize = 4;

/// Three halls; two of them give the same numbers. Their day does not end during the test.
fn settings(folder: &Path) -> PathBuf {
    let hour = callnext::clock::Clock::machine().now().to_utc().format("%H").to_string().parse::<u32>().unwrap();
    let day_start = (hour + 12) % 24;
    let hall = |venue: &str, prefix: &str| {
        format!(
            "[[venue]]\nid = \"{venue}\"\nname = \"{venue}\"\ntime_zone = \"UTC\"\nday_start = \"{day_start:02}:00\"\n\
             [[venue.service]]\nid = \"all\"\nname = \"All\"\nprefix = \"{prefix}\"\n\
             [[venue.counter]]\nid = \"1\"\nname = \"1\"\nservices = [\"all\"]\n"
        )
    };
    let path = folder.join("callnext.toml");
    std::fs::write(&path, [hall("east", "A"), hall("west", "A"), hall("north", "N")].concat()).unwrap();
    path
}

struct Town {
    base: RefCell<String>,
    token: String,
    works: Cell<bool>,
    sent: Cell<u64>,
    chance: RefCell<Chance>,
}

impl Town {
    fn caller(&self) -> Caller {
        Caller::new(&self.base.borrow(), Some(self.token.clone()))
    }

    fn below(&self, below: usize) -> usize {
        usize::try_from(self.chance.borrow_mut().below(below as u64)).unwrap()
    }

    /// One request; none when the server is gone.
    async fn asks(&self, caller: &Caller, method: &str, path: &str, body: Option<Value>) -> Option<(u16, Value)> {
        let body = body.map(|body| ("application/json", body.to_string().into_bytes()));
        let path = format!("/api/v1/{path}");
        let answer = caller.send(&method.parse().unwrap(), &path, Some(&caller.key()), body).await.ok()?;
        Some((answer.status, answer.json()))
    }

    /// Sends whoever is there on to another venue, again and again.
    async fn desk(&self) {
        let caller = self.caller();
        while self.works.get() {
            let (from, to) = (VENUES[self.below(3)], VENUES[self.below(3)]);
            let queue = self.asks(&caller, "GET", &format!("venues/{from}/queue"), None).await;
            let Some((200, queue)) = queue else { return };
            let rows = queue["tickets"].as_array().unwrap();
            if from == to || rows.is_empty() {
                continue;
            }
            let id = rows[self.below(rows.len())]["id"].clone();
            let wish = json!({ "venue": to, "service": "all", "reason": "full here" });
            let path = format!("venues/{from}/tickets/{id}/transfers");
            match self.asks(&caller, "POST", &path, Some(wish)).await {
                // Somebody else sent it on already, or the door was shut just now.
                Some((status, answer)) => {
                    assert!(matches!(status, 200 | 404 | 409), "{answer}");
                    self.sent.set(self.sent.get() + u64::from(status == 200));
                }
                None => return,
            }
        }
    }

    /// Shuts a door and opens it, so that some are turned back who were let go.
    async fn door(&self) {
        let caller = self.caller();
        while self.works.get() {
            for what in ["closures", "reopenings"] {
                let body = if what == "closures" { json!({ "reason": "full" }) } else { json!({}) };
                let path = format!("venues/west/services/all/{what}");
                let Some((status, answer)) = self.asks(&caller, "POST", &path, Some(body)).await else { return };
                assert!(matches!(status, 200 | 409), "{answer}");
            }
        }
    }

    /// When everybody has arrived: each person is in one place, and their first link leads there.
    async fn examine(&self, links: &BTreeMap<(String, String), String>) {
        let caller = self.caller();
        let look = async || {
            let mut queues = Vec::new();
            for venue in VENUES {
                queues.push((venue, caller.get(&format!("venues/{venue}/queue")).await.expect(200)));
            }
            queues
        };
        eventually("everybody arrives", || async {
            let queues = look().await;
            let mut rows = queues.iter().flat_map(|(_, queue)| queue["tickets"].as_array().unwrap());
            rows.all(|row| row["state"] != "transferring").then_some(())
        })
        .await;
        // One venue is read after the other: whoever arrived behind the reader is only seen the second time.
        let queues = look().await;
        let mut found: BTreeMap<(String, String), (&str, String)> = BTreeMap::new();
        for (venue, queue) in &queues {
            let mut shown = BTreeSet::new();
            for row in queue["tickets"].as_array().unwrap() {
                let number = row["number"].as_str().unwrap().to_owned();
                assert!(shown.insert(number.clone()), "two people at {venue} have {number}");
                let (home, first) = match row["guest"]["home"].as_str() {
                    Some(home) => (home.to_owned(), row["guest"]["number"].as_str().unwrap().to_owned()),
                    None => ((*venue).to_owned(), number.clone()),
                };
                let before = found.insert((home.clone(), first.clone()), (venue, number));
                assert!(before.is_none(), "{first} of {home} is at {venue}, and at {before:?}");
            }
        }
        let lost: Vec<_> = links.keys().filter(|person| !found.contains_key(person)).collect();
        assert!(lost.is_empty() && found.len() == links.len(), "lost: {lost:?}");
        for (person, link) in links {
            let card = caller.get(&format!("tickets/{link}")).await.expect(200);
            let (venue, number) = &found[person];
            assert_eq!((card["venue"]["id"].as_str(), card["number"].as_str()), (Some(*venue), Some(number.as_str())));
        }
    }
}

#[actix_web::test]
async fn r6_killed_between_the_halves_nobody_is_lost_or_doubled() {
    let kills = number_from("CALLNEXT_KILLS", 4);
    let seed = number_from("CALLNEXT_SEED", u64::from(std::process::id()));
    println!("seed {seed}, {kills} kills");
    let folder = tempfile::tempdir().unwrap();
    let (file, data) = (settings(folder.path()), folder.path().join("data"));
    let mut server = Process::serve(&file, &data);
    let admin = administrator(&server).await;
    let town = Rc::new(Town {
        base: RefCell::new(server.base.clone()),
        token: admin.token.clone().unwrap(),
        works: Cell::new(false),
        sent: Cell::new(0),
        chance: RefCell::new(Chance::new(seed)),
    });
    let mut links = BTreeMap::new();
    for n in 0..PEOPLE {
        let venue = VENUES[n % VENUES.len()];
        let issued = admin.post(&format!("venues/{venue}/tickets"), json!({ "service": "all" })).await.expect(201);
        let text = |field: &str| issued[field].as_str().unwrap().to_owned();
        links.insert((venue.to_owned(), text("number")), text("token"));
    }
    for kill in 1..=kills {
        town.works.set(true);
        let enough = town.sent.get() + 1 + town.below(40) as u64;
        let moments = town.below(4_000) as u64;
        let people = join(join_all((0..DESKS).map(|_| town.desk())), town.door());
        let blow = async {
            eventually("some are sent", || async { (town.sent.get() >= enough).then_some(()) }).await;
            tokio::time::sleep(Duration::from_micros(moments)).await;
            server.kill();
            town.works.set(false);
        };
        join(people, blow).await;
        server = Process::serve(&file, &data);
        town.base.replace(server.base.clone());
        town.examine(&links).await;
        println!("kill {kill} of {kills}: passed after {} transfers", town.sent.get());
    }
}
