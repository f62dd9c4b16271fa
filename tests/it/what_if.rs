//! `callnext what-if`: a recorded day under other settings, from the command line.

use serde_json::Value;

use super::harness::process::run;

const CLINIC_DAY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/server/demo/data/warsaw_bielany_2020-01-13.csv");
const HALL_DAY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/server/demo/data/warsaw_bemowo_2019-12-30.csv");

fn printed(arguments: &[&str]) -> String {
    let output = run(&[&["what-if"], arguments].concat());
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn refused(arguments: &[&str]) -> String {
    let output = run(&[&["what-if"], arguments].concat());
    assert!(!output.status.success() && output.stdout.is_empty(), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn the_help_tells_how_settings_are_written() {
    let help = printed(&["--help"]);
    for part in ["--set <SETTING>", "*.ratio.appointment=6", "--variant", "--booked", "--faithful", "--by", "--json"] {
        assert!(help.contains(part), "{part}: {help}");
    }
}

#[test]
fn the_clinics_day_is_compared_with_two_variants() {
    let arguments =
        [CLINIC_DAY, "--set", "*.ratio.appointment=6", "--set", "*.ratio.walk_in=4", "--variant=even", "--set"];
    let arguments = [&arguments[..], &["*.policy.weights={\"appointment\":5,\"walk_in\":5}"]].concat();
    let text = printed(&arguments);
    assert!(text.starts_with("UD_Bielany, 2020-01-13, played at clinic: 553 people\n"), "{text}");
    assert_eq!(text, printed(&arguments), "the same input gives the same bytes");

    let json: Value = serde_json::from_str(&printed(&[&arguments[..], &["--json"]].concat())).unwrap();
    let names: Vec<_> = json["runs"].as_array().unwrap().iter().map(|run| run["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["as they are", "variant 1", "even"]);
    let group = |lane: &str| {
        let groups = json["groups"].as_array().unwrap();
        groups.iter().find(|group| group["lane"] == lane && group["service"].is_null()).unwrap().clone()
    };
    let shorter = |lane: &str| group(lane)["runs"][2]["difference"]["wait_mean_ms"].as_i64().unwrap();
    assert!(shorter("walk_in") < 0, "who has more of the calls waits less: {}", shorter("walk_in"));
    assert!(shorter("appointment") > 0, "and who has less of them more: {}", shorter("appointment"));
}

#[test]
fn the_halls_day_finds_its_venue_and_tells_every_service() {
    let text = printed(&[HALL_DAY, "--by", "service", "--set", "passports.ready_count=0"]);
    assert!(text.starts_with("UD_Bemowo, 2019-12-30, played at hall: 1240 people\n"), "{text}");
    assert!(text.contains("\npassports: walk_in\n") && text.contains("\ntax: in all\n"), "{text}");
}

#[test]
fn a_slip_is_answered_with_what_there_is() {
    let service = refused(&[CLINIC_DAY, "--set", "ent.ready_count=3"]);
    assert!(service.contains("no service \"ent\"; it has internal-medicine, paediatrics"), "{service}");
    let field = refused(&[CLINIC_DAY, "--set", "surgery.redy_count=3"]);
    assert!(field.contains("redy_count: there is no such setting") && field.contains(" ready_count,"), "{field}");
    let value = refused(&[CLINIC_DAY, "--set", "surgery.ratio.appointment=0"]);
    assert!(value.contains("0 is not from 1 to 20"), "{value}");
    let venue = refused(&[CLINIC_DAY, "--venue", "bank"]);
    assert!(venue.contains("there is clinic, hall"), "{venue}");
    let unfit = refused(&[CLINIC_DAY, "--venue", "hall"]);
    assert!(unfit.contains("match the services of the venue"), "{unfit}");
    let form = refused(&[CLINIC_DAY, "--set", "ready_count"]);
    assert!(form.contains("SERVICE.FIELD=VALUE"), "{form}");
}
