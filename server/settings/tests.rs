//! Settings from files and variables, sound and unsound.

use std::collections::BTreeMap;

use callnext_engine::config::{EXPECTED_S_MAX, INSIDE_MAX, Layers, Policy, PolicyPatch};
use callnext_engine::{Lane, Text, VenueConfig};

use super::*;
use crate::journal::redis::{REPLICAS_MAX, TIMEOUT_MS};
use crate::snapshot::settings::{JOURNAL_DAYS_MAX, KEEP_DAYS_MAX};

const EXAMPLE: &str = include_str!("../callnext.example.toml");

const VENUE: &str = r#"
    [[venue]]
    id = "hall"
    name = "Hall"
    time_zone = "Europe/Berlin"
    [[venue.service]]
    id = "all"
    name = "All"
    [[venue.counter]]
    id = "1"
    name = "1"
    services = ["all"]
"#;

fn read_with(text: &str, variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Settings::read(Path::new("hall.toml"), text, environment().source(Some(variables)))
}

fn read(text: &str) -> Result<Settings, SettingsError> {
    read_with(text, &[])
}

fn in_force(settings: &Settings) -> Vec<VenueConfig> {
    settings.venues.iter().map(|venue| venue.in_force(&Layers::default())).collect()
}

fn refused(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

#[test]
fn a_venue_is_all_that_must_be_declared() {
    let settings = read(VENUE).unwrap();
    assert_eq!(settings.server, ServerSettings::default());
    assert_eq!(settings.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.venues.len(), 1);
    assert_eq!(settings.venues[0].name, Text::same("Hall"));
    assert_eq!(in_force(&settings)[0].services[0].policy, Policy::default());
}

#[test]
fn everything_can_be_declared() {
    let server = r#"
        [server]
        listen = "[::]:80"
        data = "/var/lib/callnext"
        public_url = "https://queue.example.org/"
        workers = 3
        merge_ms = 0
        trusted_origins = ["https://desk.example.org"]
        [snapshot]
        to = "s3://night/hall"
        s3_endpoint = "https://s3.example.org"
        s3_region = "eu-central-1"
        tables = false
        keep_days = 400
        keep_count = 1000
        journal_days = 7
    "#;
    let venue = VENUE.replace(
        r#"name = "All""#,
        r#"name = { zh-Hans = "全部", en = "All" }
           policy = { ready_count = 0, order = "number", early_when_idle = false, weights = { walk_in = 20 } }"#,
    );
    let settings = read(&format!("{server}{venue}")).unwrap();
    assert_eq!(settings.server.public_url.as_ref().unwrap().as_str(), "https://queue.example.org");
    assert_eq!(settings.server.workers, Some(3));
    assert_eq!(settings.server.merge(), Duration::ZERO);
    assert_eq!(settings.server.trusted_origins[0].as_str(), "https://desk.example.org");
    let snapshot = &settings.snapshot;
    assert_eq!(snapshot.to.to_string(), "s3://night/hall");
    assert_eq!(
        (snapshot.tables, snapshot.keep_days, snapshot.keep_count, snapshot.journal_days),
        (false, 400, 1000, 7)
    );
    let service = &in_force(&settings)[0].services[0];
    assert_eq!((service.name.zh_hans.as_str(), service.name.en.as_str()), ("全部", "All"));
    assert_eq!((service.policy.ready_count, service.policy.weights.of(Lane::WalkIn)), (0, 20));
}

#[test]
fn variables_stand_over_the_file() {
    let file = format!("[server]\nlisten = \"10.0.0.1:1\"\nworkers = 2\n{VENUE}");
    let settings = read_with(
        &file,
        &[
            ("CALLNEXT__SERVER__LISTEN", "0.0.0.0:80"),
            ("CALLNEXT__SERVER__DATA", "/data"),
            ("CALLNEXT__SERVER__PUBLIC_URL", "https://queue.example.org"),
            ("CALLNEXT__SERVER__TRUSTED_ORIGINS", "https://a.example.org,https://b.example.org"),
            ("CALLNEXT__SNAPSHOT__TO", "/mnt/nights"),
            ("CALLNEXT__SNAPSHOT__KEEP_DAYS", "30"),
            ("CALLNEXT_LOG", "debug"),
            ("PATH", "/bin"),
        ],
    )
    .unwrap();
    assert_eq!(settings.server.listen.to_string(), "0.0.0.0:80");
    assert_eq!(settings.server.data, Path::new("/data"));
    assert_eq!(settings.server.workers, Some(2), "what no variable names stays");
    assert_eq!(settings.server.trusted_origins.len(), 2);
    assert_eq!((settings.snapshot.to.to_string().as_str(), settings.snapshot.keep_days), ("/mnt/nights", 30));
}

#[test]
fn a_variable_that_names_no_setting_is_refused() {
    let refused = read_with(VENUE, &[("CALLNEXT__SERVER__LISTNE", "0.0.0.0:80")]).unwrap_err().to_string();
    assert!(refused.contains("listne"), "{refused}");
    let refused = read_with(VENUE, &[("CALLNEXT__SERVER__WORKERS", "many")]).unwrap_err().to_string();
    assert!(refused.contains("environment") && refused.contains("server.workers"), "{refused}");
}

#[test]
fn what_cannot_be_read_names_its_place() {
    for (text, words) in [
        ("[server".to_owned(), &["hall.toml", "1 |"][..]),
        (format!("[server]\nlisten = \"here\"\n{VENUE}"), &["server.listen", "127.0.0.1:8080"]),
        (format!("[server]\nworkers = \"many\"\n{VENUE}"), &["server.workers", "many"]),
        (format!("[server]\nmerge_ms = \"soon\"\n{VENUE}"), &["server.merge_ms", "soon"]),
        (format!("[server]\npublic_url = \"queue\"\n{VENUE}"), &["server.public_url", "\"queue\"", "https://"]),
        (format!("[server]\nprot = 80\n{VENUE}"), &["prot", "listen"]),
        (format!("[sever]\n{VENUE}"), &["sever"]),
        (VENUE.replace("time_zone", "zone"), &["venue 1: ", "`zone`", "`time_zone`"]),
        (VENUE.replace("Europe/Berlin", "Berlin"), &["venue 1: time_zone", "Asia/Shanghai"]),
        (VENUE.replace("id = \"hall\"", "id = \"Great Hall\""), &["venue 1: id", "Great Hall", "a-z"]),
        (
            VENUE.replace("id = \"all\"", "id = \"all\"\npolicy = { redy_count = 2 }"),
            &["venue 1: service 1: policy", "redy_count", "ready_count"],
        ),
        (VENUE.replace("id = \"hall\"", "id = \"hall\"\nday_start = \"4\""), &["venue 1: day_start", "04:00"]),
    ] {
        let refused = refused(&text);
        for word in words {
            assert!(refused.contains(word), "{word:?} in: {refused}");
        }
    }
}

#[test]
fn everything_that_makes_no_sense_is_told_at_once() {
    let text = format!("[server]\nworkers = 0\nmerge_ms = 1001\n{VENUE}{}", VENUE.replace("[\"all\"]", "[\"none\"]"));
    let refused = refused(&text);
    assert!(refused.starts_with("hall.toml: 4 problems to put right\n"), "{refused}");
    for words in [
        "server.workers",
        "server.merge_ms: use 0 to 1000",
        "venue \"hall\": is declared twice",
        "there is no service \"none\"",
    ] {
        assert!(refused.contains(words), "{words} in: {refused}");
    }
}

#[test]
fn there_is_at_least_one_venue_and_a_bound_to_their_number() {
    assert!(refused("").contains("[[venue]]"));
    let many: String = (0..=VENUES_MAX).map(|n| VENUE.replace("\"hall\"", &format!("\"hall-{n}\""))).collect();
    assert!(refused(&many).contains("no more than 2000"));
}

#[test]
fn a_file_that_is_not_there_is_named_with_what_to_do() {
    let refused = Settings::load(Path::new("/nowhere/hall.toml")).unwrap_err().to_string();
    assert!(refused.contains("/nowhere/hall.toml") && refused.contains("callnext.example.toml"), "{refused}");
}

#[test]
fn a_check_tells_what_was_understood() {
    let report = Report::new(Path::new("example.toml"), read(EXAMPLE));
    assert!(report.is_sound());
    let report = report.to_string();
    for words in ["example.toml: sound", "127.0.0.1:8080", "venue clinic  示范门诊", "04:00 Asia/Shanghai"] {
        assert!(report.contains(words), "{words} in: {report}");
    }
    for words in [
        "service internal  内科  numbers A001",
        "appointment 7 : walk_in 3",
        "counter room-1  1号诊室  serves internal",
    ] {
        assert!(report.contains(words), "{words} in: {report}");
    }
    let report = Report::new(Path::new("hall.toml"), read(""));
    assert!(!report.is_sound());
    assert!(report.to_string().contains("1 problem to put right"));
}

// ---- the example ----------------------------------------------------------------------------------------------------

/// The names that the example sets or shows, each with its value.
fn shown() -> BTreeMap<&'static str, &'static str> {
    EXAMPLE
        .lines()
        .filter_map(|line| line.trim_start_matches(['#', ' ']).split_once(" = "))
        .filter(|(name, _)| !name.contains(' '))
        .collect()
}

const WHERE_REDIS_IS: [&str; 5] = ["urls", "primary", "ca_file", "cert_file", "key_file"];
const WHAT_A_NODE_IS: [&str; 3] = ["name = \"node-1", "address", "secret"];

#[test]
fn the_example_is_sound_and_all_it_shows_as_default_is_the_default() {
    let settings = read(EXAMPLE).unwrap();
    // Each line of a default, put in force, must change nothing but what has no fixed default.
    let every_line: Vec<_> = EXAMPLE
        .lines()
        .map(|line| {
            let setting = line.strip_prefix('#').filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()));
            // Where Redis or a bucket is has no default, and would be wrong without what says that there is one.
            let nowhere = |rest: &&str| {
                WHERE_REDIS_IS.iter().chain(&WHAT_A_NODE_IS).chain(&["s3_"]).any(|name| rest.starts_with(name))
            };
            let setting = setting.filter(|rest| !nowhere(rest));
            setting.unwrap_or(line)
        })
        .collect();
    let mut full = read(&every_line.join("\n")).unwrap();
    assert!(full.server.public_url.take().is_some());
    assert!(full.server.workers.take().is_some());
    assert_eq!(std::mem::take(&mut full.server.trusted_origins).len(), 1);
    assert!(full.venues.iter_mut().all(|venue| venue.mark.take().is_some()));
    let mut in_full = in_force(&full);
    for venue in &mut in_full {
        venue.policy = PolicyPatch::default();
        for service in &mut venue.services {
            for info in Policy::settings() {
                assert_eq!(service.policy.value(&info.path), Some(info.default), "{}", info.path);
            }
            service.policy = Policy::default();
        }
    }
    assert_eq!(in_full, in_force(&settings));
    full.venues.clone_from(&settings.venues);
    assert_eq!(full, settings);
}

#[test]
fn the_example_shows_every_setting() {
    let shown = shown();
    for section in reference::reference().sections {
        for reference::Setting { path, rules, .. } in section.settings {
            let name = path.rsplit('.').next().unwrap();
            let is_shown = shown.contains_key(name) || EXAMPLE.contains(&format!("{{ {name} = "));
            assert!(is_shown, "{path} of {} is not in the example", section.name);
            for rule in rules {
                assert!(EXAMPLE.contains(&rule), "the example does not name {rule} of {path}");
            }
        }
    }
}

#[test]
fn the_reference_tells_the_ranges_that_are_checked() {
    let sections = reference::reference().sections;
    let range = |section: &str, path: &str| {
        let section = sections.iter().find(|one| one.name == section).unwrap();
        let setting = section.settings.iter().find(|setting| setting.path == path).unwrap();
        (setting.least, setting.most)
    };
    let times = (Some(*TIMEOUT_MS.start()), Some(*TIMEOUT_MS.end()));
    for time in ["replicated_within_ms", "connect_timeout_ms", "response_timeout_ms", "patience_ms"] {
        assert_eq!(range("redis", time), times, "{time}");
    }
    assert_eq!(range("redis", "replicas"), (Some(1), Some(REPLICAS_MAX.into())));
    assert_eq!(range("cluster", "lease_ms"), (Some(*LEASE_MS.start()), Some(*LEASE_MS.end())));
    assert_eq!(range("cluster", "secret"), (None, None), "it is told of, and shown to nobody");
    assert_eq!(range("snapshot", "keep_days"), (Some(0), Some(KEEP_DAYS_MAX.into())));
    assert_eq!(range("snapshot", "journal_days"), (Some(0), Some(JOURNAL_DAYS_MAX.into())));
    assert_eq!(range("server", "workers"), (Some(1), Some(WORKERS_MAX as u64)));
    assert_eq!(range("server", "merge_ms"), (Some(0), Some(MERGE_MS_MAX)));
    assert_eq!(range("class", "expected_s"), (Some(1), Some(EXPECTED_S_MAX.into())));
    assert_eq!(range("second_waiting", "limit"), (Some(1), Some(INSIDE_MAX.into())));
}

#[test]
fn a_venues_policy_holds_for_its_services() {
    let venue = VENUE.replace("[[venue.service]]", "[venue.policy]\ngrace_s = 90\n[[venue.service]]");
    assert_eq!(in_force(&read(&venue).unwrap())[0].services[0].policy.grace_s, 90);
    let refused = refused(&venue.replace("grace_s = 90", "grace_s = 90000\nmisses_max = 0"));
    for words in
        ["venue \"hall\": policy.grace_s: 90000 is not from 0 to 86400", "policy.misses_max: 0 is not from 1 on"]
    {
        assert!(refused.contains(words), "{refused}");
    }
    assert_eq!(refused.lines().count(), 3, "once each: {refused}");
}

#[test]
fn redis_is_declared_in_the_file_or_by_variables() {
    let file = format!(
        "[journal]\nstore = \"redis\"\n[journal.redis]\nurls = [\"redis://db:7000\"]\nack = \"replicated\"\n{VENUE}"
    );
    let settings = read(&file).unwrap();
    assert_eq!(settings.journal.store, Store::Redis);
    assert_eq!(settings.journal.redis.urls[0].to_string(), "redis://db:7000");
    let variables = [
        ("CALLNEXT__JOURNAL__STORE", "redis"),
        ("CALLNEXT__JOURNAL__REDIS__URLS", "redis://:secret@a,redis://:secret@b"),
        ("CALLNEXT__JOURNAL__REDIS__TOPOLOGY", "cluster"),
    ];
    let settings = read_with(VENUE, &variables).unwrap();
    assert_eq!(settings.journal.redis.urls.len(), 2);
    let report = settings.to_string();
    assert!(
        report.contains("Redis cluster at redis://a:6379, redis://b:6379") && !report.contains("secret"),
        "{report}"
    );
    assert_eq!(read(VENUE).unwrap().journal, JournalSettings::default(), "one file is the default");
}

#[test]
fn what_is_wrong_with_redis_is_told_without_its_password() {
    let redis = |settings: &str| format!("[journal]\nstore = \"redis\"\n[journal.redis]\n{settings}\n{VENUE}");
    for (text, words) in [
        (redis(""), &["journal.redis.urls", "redis://127.0.0.1:6379"][..]),
        (redis("urls = [\"http://:secret@db\"]"), &["journal.redis.urls", "rediss://"]),
        (redis("urls = [\"redis://db\"]\nack = \"never\""), &["journal.redis.ack", "never", "everysec"]),
        (redis("urls = [\"redis://db\"]\nacks = 1"), &["acks", "ack"]),
        (redis("urls = [\"redis://db\"]\nreplicas = 0"), &["journal.redis.replicas", "1 to 8"]),
        (format!("[journal.redis]\nurls = [\"redis://db\"]\n{VENUE}"), &["journal.redis", "store = \"redis\""]),
        (format!("[journal]\nstore = \"postgres\"\n{VENUE}"), &["journal.store", "postgres", "sqlite"]),
    ] {
        let refused = refused(&text);
        for word in words {
            assert!(refused.contains(word), "{word:?} in: {refused}");
        }
        assert!(!refused.contains("secret"), "{refused}");
    }
}

#[test]
fn a_node_is_declared_in_the_file_or_by_variables() {
    let redis = "[journal]\nstore = \"redis\"\n[journal.redis]\nurls = [\"redis://db\"]\n";
    let secret = "0123456789abcdef".repeat(4);
    let file = format!("{redis}[cluster]\nname = \"node-1\"\nsecret = \"{secret}\"\n{VENUE}");
    let settings = read(&file).unwrap();
    let (member, _) = settings.cluster.member().unwrap();
    assert_eq!((member.name.as_str(), member.lease.as_millis()), ("node-1", 4_000));
    let report = settings.to_string();
    assert!(report.contains("node-1") && !report.contains(&secret), "{report}");
    let variables = [
        ("CALLNEXT__CLUSTER__NAME", "2"),
        ("CALLNEXT__CLUSTER__ADDRESS", "http://10.0.0.5:8080"),
        ("CALLNEXT__CLUSTER__SECRET", secret.as_str()),
        ("CALLNEXT__CLUSTER__LEASE_MS", "2000"),
    ];
    let settings = read_with(&format!("{redis}{VENUE}"), &variables).unwrap();
    let (member, _) = settings.cluster.member().unwrap();
    assert_eq!((member.name.as_str(), member.address.as_deref()), ("2", Some("http://10.0.0.5:8080")));
    assert_eq!(member.lease.as_millis(), 2_000);
    assert!(read(VENUE).unwrap().cluster.member().is_none(), "alone is the default");
}

#[test]
fn what_is_wrong_with_a_node_is_told_without_its_secret() {
    let secret = "0123456789abcdef".repeat(4);
    let node = |settings: &str| {
        let redis = "[journal]\nstore = \"redis\"\n[journal.redis]\nurls = [\"redis://db\"]";
        format!("{redis}\n[cluster]\n{settings}\n{VENUE}")
    };
    let sound = format!("name = \"a\"\nsecret = \"{secret}\"");
    for (text, words) in [
        (node("name = \"a\""), &["cluster.secret", "openssl rand -hex 32"][..]),
        (node(&format!("secret = \"{secret}\"")), &["cluster.name", "missing"]),
        (node("name = \"a\"\nsecret = \"geheim\""), &["cluster.secret", "64 hexadecimal"]),
        (node(&sound.replace("\"a\"", "\"a b\"")), &["cluster.name", "1 to 40"]),
        (node(&format!("{sound}\nlease_ms = 999")), &["cluster.lease_ms", "1000 to 6000"]),
        (node(&format!("{sound}\naddress = \"https://a\"")), &["cluster.address", "http://"]),
        (format!("[server]\nlisten = \"0.0.0.0:80\"\n{}", node(&sound)), &["cluster.address", "missing"]),
        (format!("[cluster]\n{sound}\n{VENUE}"), &["cluster.name", "store = \"redis\""]),
    ] {
        let refused = refused(&text);
        for word in words {
            assert!(refused.contains(word), "{word:?} in: {refused}");
        }
        assert!(!refused.contains(&secret) && !refused.contains("geheim"), "{refused}");
    }
}
