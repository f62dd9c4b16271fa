//! R11: policies, layer by layer, and their change while people wait.

use callnext_engine::config::{
    DAY_S, Lasts, Miss, MissedPatch, MissedRejoin, MissedRules, OrderInLane, Policy, PolicyPatch,
};
use callnext_engine::lane::{Lane, Weights};
use callnext_engine::testing::{Hall, Plan, service_id, staff};
use callnext_engine::venue::{Decision, Outcome, POLICY_CHANGES_MAX};
use callnext_engine::{Action, Declaration, Event, Millis, Refusal, Venue};

fn hall() -> Hall {
    Plan::default().service("eye", "B").counter("1").open("08:00")
}

fn policy<'h>(hall: &'h Hall, service: &str) -> &'h Policy {
    &hall.venue().config().service(&service_id(service)).unwrap().policy
}

fn grace(hall: &Hall) -> [u32; 2] {
    ["ent", "eye"].map(|service| policy(hall, service).grace_s)
}

/// Declares the venue anew, in the words of a settings file.
fn declares(hall: &mut Hall, change: impl FnOnce(&mut Declaration)) {
    let mut declaration: Declaration = Plan::default().service("eye", "B").counter("1").config().into();
    change(&mut declaration);
    hall.asks(Action::Configure { declaration: Box::new(declaration) }).unwrap();
}

fn tomorrow(hall: &mut Hall) {
    hall.after(Millis::from_mins(24 * 60)).let_time_pass();
}

fn problems(refused: Result<Decision, Refusal>) -> Vec<String> {
    match refused {
        Err(Refusal::PolicyInvalid { problems }) => problems,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn r11_a_service_says_only_what_differs_from_the_venue() {
    let mut hall = hall();
    declares(&mut hall, |venue| {
        venue.policy.grace_s = Some(90);
        venue.policy.ready_count = Some(4);
        venue.services[1].policy.grace_s = Some(30);
    });
    assert_eq!(grace(&hall), [90, 30]);
    assert_eq!(policy(&hall, "eye").ready_count, 4);
    assert_eq!(policy(&hall, "eye").recalls_min, Policy::default().recalls_min);
    declares(&mut hall, |venue| {
        venue.policy.grace_s = Some(120);
        venue.services[1].policy.grace_s = Some(30);
    });
    assert_eq!(grace(&hall), [120, 30], "a changed default reaches whoever did not say otherwise");
    assert_eq!(policy(&hall, "eye").ready_count, 2);
}

#[test]
fn r11_of_the_weights_each_lane_is_said_apart() {
    let mut hall = hall();
    let weights = |lane, weight| Some(Weights::new([(lane, weight)]));
    declares(&mut hall, |venue| {
        venue.policy.weights = weights(Lane::Appointment, 6);
        venue.services[0].policy.weights = weights(Lane::WalkIn, 4);
    });
    hall.changes_policy(Some("ent"), |set| set.weights = weights(Lane::Late, 5)).unwrap();
    let of = |lane| policy(&hall, "ent").weights.of(lane);
    assert_eq!([Lane::Appointment, Lane::WalkIn, Lane::Late, Lane::Missed].map(of), [6, 4, 5, 2]);
    hall.drops_policy(Some("ent"), "weights.late").unwrap();
    assert_eq!(policy(&hall, "ent").weights.of(Lane::Late), 1);
}

#[test]
fn r11_of_the_rules_for_the_missed_each_part_is_said_apart() {
    let mut hall = hall();
    declares(&mut hall, |venue| {
        venue.policy.missed = Some(MissedPatch { rejoin: Some(MissedRejoin::PerCalls), calls: Some(5) });
        venue.services[0].policy.missed = Some(MissedPatch { calls: Some(2), ..MissedPatch::default() });
    });
    let rules = |hall: &Hall, service| policy(hall, service).missed.clone();
    assert_eq!(rules(&hall, "ent"), MissedRules { rejoin: MissedRejoin::PerCalls, calls: 2 });
    let tail = || Some(MissedPatch { rejoin: Some(MissedRejoin::Tail), ..MissedPatch::default() });
    hall.changes_policy(Some("ent"), |set| set.missed = tail()).unwrap();
    assert_eq!(rules(&hall, "ent"), MissedRules { rejoin: MissedRejoin::Tail, calls: 2 });
    assert_eq!(rules(&hall, "eye"), MissedRules { rejoin: MissedRejoin::PerCalls, calls: 5 });
    let effect = &hall.venue().policy_changes().next_back().unwrap().effects[0];
    assert_eq!(effect.after, PolicyPatch { missed: tail(), ..PolicyPatch::default() });
    hall.drops_policy(Some("ent"), "missed.rejoin").unwrap();
    assert_eq!(rules(&hall, "ent"), MissedRules { rejoin: MissedRejoin::PerCalls, calls: 2 });
}

#[test]
fn r11_what_cannot_be_together_is_refused_wherever_its_parts_are_said() {
    let mut hall = hall();
    hall.changes_policy(Some("eye"), |set| set.grace_s = Some(0)).unwrap();
    let told = problems(hall.changes_policy(None, |set| set.miss = Some(Miss::Automatic)));
    let expected = "service \"eye\": policy.grace_s: is 0, and misses are automatic";
    assert!(told.len() == 1 && told[0].contains(expected), "{told:?}");
    let mut declaration: Declaration = Plan::default().service("eye", "B").counter("1").config().into();
    declaration.policy.miss = Some(Miss::Automatic);
    let refused = hall.refuses(Action::Configure { declaration: Box::new(declaration.clone()) });
    let Refusal::ConfigInvalid { problems: told } = refused else { panic!("{refused:?}") };
    assert!(told[0].contains(expected), "what was changed while running counts as well: {told:?}");
    hall.drops_policy(Some("eye"), "grace_s").unwrap();
    hall.does(Action::Configure { declaration: Box::new(declaration) });
    assert_eq!(policy(&hall, "eye").miss, Miss::Automatic);
}

#[test]
fn r11_a_change_for_the_venue_leaves_alone_what_a_service_says_itself() {
    let mut hall = hall();
    declares(&mut hall, |venue| venue.services[1].policy.grace_s = Some(30));
    hall.changes_policy(None, |set| set.grace_s = Some(90)).unwrap();
    assert_eq!(grace(&hall), [90, 30]);
    hall.changes_policy(Some("eye"), |set| set.grace_s = Some(45)).unwrap();
    assert_eq!(grace(&hall), [90, 45]);
}

#[test]
fn r11_a_change_acts_at_the_next_call_and_keeps_the_ready_set() {
    let mut hall = Plan::default().counter("1").open("08:00");
    hall.appointments(6, "08:00");
    hall.walk_ins(6);
    let ready = hall.ready();
    hall.changes_policy(None, |set| {
        set.weights = Some(Weights::new([(Lane::Appointment, 1), (Lane::WalkIn, 1)]));
        set.order = Some(OrderInLane::Number);
        set.ready_count = Some(1);
    })
    .unwrap();
    assert_eq!(hall.ready(), ready, "told is told (C3)");
    assert_eq!(hall.calls("1", 2), ready);
    assert_eq!(hall.lanes_called("1", 4).len(), 4);
}

#[test]
fn r11_other_weights_start_the_cycle_anew_and_other_settings_do_not() {
    let start = || {
        let mut hall = Plan::default().counter("1").rules(|rules| rules.ready_count = 0).open("08:00");
        hall.appointments(20, "08:00");
        hall.walk_ins(20);
        hall.calls("1", 4);
        hall
    };
    let (mut untouched, mut graced, mut weighed) = (start(), start(), start());
    graced.changes_policy(None, |set| set.grace_s = Some(5)).unwrap();
    assert_eq!(graced.lanes_called("1", 8), untouched.lanes_called("1", 8));
    let even = Weights::new([(Lane::Appointment, 1), (Lane::WalkIn, 1)]);
    weighed.changes_policy(Some("ent"), |set| set.weights = Some(even)).unwrap();
    assert_eq!(weighed.lanes_called("1", 6), "awawaw");
}

#[test]
fn r11_what_was_changed_while_running_stands_over_a_new_declaration_until_it_is_dropped() {
    let mut hall = hall();
    hall.changes_policy(Some("ent"), |set| set.grace_s = Some(90)).unwrap();
    declares(&mut hall, |venue| {
        venue.services[0].policy.grace_s = Some(10);
        venue.services[0].policy.ready_count = Some(5);
    });
    assert_eq!((grace(&hall), policy(&hall, "ent").ready_count), ([90, 60], 5));
    hall.drops_policy(Some("ent"), "grace_s").unwrap();
    assert_eq!(grace(&hall), [10, 60], "the declaration counts again");
    assert!(hall.venue().layers().overrides.is_empty());
}

#[test]
fn r11_what_was_changed_outlives_the_day_unless_it_was_for_today() {
    let mut hall = hall();
    hall.changes_policy(None, |set| set.grace_s = Some(90)).unwrap();
    let mut today = hall.policy_wish(Some("ent"));
    (today.set.grace_s, today.lasts) = (Some(120), Lasts::Today);
    hall.does(Action::ChangePolicy(Box::new(today)));
    assert_eq!((grace(&hall), hall.venue().policy_changes().count()), ([120, 90], 2));
    let version = hall.venue().layers().version;
    tomorrow(&mut hall);
    assert_eq!((grace(&hall), hall.venue().policy_changes().count()), ([90, 90], 0));
    assert!(hall.venue().layers().version > version, "whoever looked yesterday looks again");
}

#[test]
fn r11_a_venue_loaded_from_its_day_knows_what_was_changed() {
    let mut hall = hall();
    hall.changes_policy(Some("eye"), |set| set.grace_s = Some(90)).unwrap();
    tomorrow(&mut hall);
    let opened = hall.changes().iter().rposition(|change| matches!(change.events[0], Event::DayOpened { .. })).unwrap();
    let mut loaded = Venue::new(Plan::default().config());
    for change in &hall.changes()[opened..] {
        loaded.apply(change);
    }
    assert_eq!(&loaded, hall.venue());
    assert_eq!(loaded.layers().overrides[0].by, staff("nurse"));
}

#[test]
fn r11_two_people_do_not_change_policies_unseen() {
    let mut hall = hall();
    let [mut first, mut second] = [hall.policy_wish(None), hall.policy_wish(None)];
    first.set.grace_s = Some(90);
    second.set.grace_s = Some(30);
    hall.does(Action::ChangePolicy(Box::new(first)));
    let version = hall.venue().layers().version;
    assert_eq!(hall.refuses(Action::ChangePolicy(Box::new(second))), Refusal::PolicyChangedMeanwhile { version });
    assert_eq!(grace(&hall), [90, 90]);
}

#[test]
fn r11_each_change_says_who_when_why_and_what_came_of_it() {
    let mut hall = hall();
    declares(&mut hall, |venue| venue.services[1].policy.grace_s = Some(30));
    hall.by(staff("manager")).changes_policy(None, |set| set.grace_s = Some(90)).unwrap();
    let change = hall.venue().policy_changes().next_back().unwrap();
    assert_eq!((&change.by, change.at, change.reason.is_some()), (&staff("manager"), hall.now(), true));
    let [effect] = &change.effects[..] else { panic!("{:?}", change.effects) };
    assert_eq!(effect.service, service_id("ent"), "the other one says otherwise itself");
    let said = |grace_s| PolicyPatch { grace_s: Some(grace_s), ..PolicyPatch::default() };
    assert_eq!((&effect.before, &effect.after), (&said(60), &said(90)));
    let declared = hall.venue().policy_changes().next().unwrap();
    assert_eq!((&declared.reason, declared.effects.len()), (&None, 1), "another declaration is a change as well");
}

#[test]
fn r11_the_same_once_more_changes_nothing() {
    let mut hall = hall();
    hall.changes_policy(Some("ent"), |set| set.grace_s = Some(90)).unwrap();
    let again = hall.changes_policy(Some("ent"), |set| set.grace_s = Some(90)).unwrap();
    assert_eq!(again, Decision::Unchanged(Outcome::Done));
}

#[test]
fn r11_a_service_that_goes_takes_its_changes_with_it() {
    let mut hall = hall();
    hall.changes_policy(Some("eye"), |set| set.grace_s = Some(90)).unwrap();
    declares(&mut hall, |venue| drop(venue.services.pop()));
    assert!(hall.venue().layers().overrides.is_empty());
    declares(&mut hall, |_| {});
    assert_eq!(grace(&hall), [60, 60]);
}

#[test]
fn r11_everything_wrong_is_told_at_once_in_the_words_of_its_place() {
    let mut hall = hall();
    let mut wish = hall.policy_wish(Some("ent"));
    wish.set = PolicyPatch {
        weights: Some(Weights::new([(Lane::Late, 0), (Lane::WalkIn, 21)])),
        grace_s: Some(DAY_S + 1),
        misses_max: Some(0),
        ..PolicyPatch::default()
    };
    wish.dropped.push("early_s".into());
    let told = problems(hall.asks(Action::ChangePolicy(Box::new(wish))));
    assert_eq!(
        told,
        [
            "service \"ent\": policy.weights.walk_in: 21 is not from 1 to 20",
            "service \"ent\": policy.weights.late: 0 is not from 1 to 20",
            "service \"ent\": policy.grace_s: 86401 is not from 0 to 86400",
            "service \"ent\": policy.misses_max: 0 is not from 1 on",
            "service \"ent\": policy.early_s: was not changed while running",
        ]
    );
    assert_eq!(problems(hall.changes_policy(None, |_| {})).len(), 1, "nothing to change");
    let unknown = hall.changes_policy(Some("ear"), |set| set.grace_s = Some(5)).unwrap_err();
    assert_eq!(unknown, Refusal::ServiceUnknown { service: service_id("ear") });
    let mut unexplained = hall.policy_wish(None);
    (unexplained.set.grace_s, unexplained.reason) = (Some(5), " ".into());
    assert!(matches!(hall.refuses(Action::ChangePolicy(Box::new(unexplained))), Refusal::ValueInvalid { .. }));
}

#[test]
fn r11_a_change_of_policy_is_not_taken_back_but_changed_back() {
    let mut hall = hall();
    hall.walk_in();
    hall.by(staff("manager")).changes_policy(None, |set| set.grace_s = Some(5)).unwrap();
    assert_eq!(hall.refuses(Action::Undo), Refusal::NothingToUndo);
    assert_eq!(hall.by(staff("nurse")).refuses(Action::Undo), Refusal::UndoOvertaken);
}

#[test]
fn r11_there_is_a_bound_to_a_days_changes() {
    let mut hall = hall();
    for change in 0..POLICY_CHANGES_MAX {
        hall.changes_policy(None, |set| set.grace_s = Some(1 + u32::try_from(change % 2).unwrap())).unwrap();
    }
    let refused = hall.changes_policy(None, |set| set.grace_s = Some(9)).unwrap_err();
    assert_eq!(refused, Refusal::VenueFull { limit: 500 });
    assert_eq!(hall.venue().layers().overrides.len(), 1, "what was said before is not kept twice");
}

#[test]
fn every_setting_says_what_it_is() {
    let settings = Policy::settings();
    for info in &settings {
        let (path, value) = (&info.path, Policy::default().value(&info.path));
        assert_eq!(value, Some(info.default), "{path}");
        assert!(info.about.ends_with(").") && info.about.len() > 20, "{path}: {} names no rule", info.about);
        assert_eq!(info.path.ends_with("_s"), info.unit == Some("seconds"), "{path}");
    }
    let stored = serde_json::to_value(Policy::default()).unwrap();
    for field in stored.as_object().unwrap().keys() {
        assert!(settings.iter().any(|info| info.path.split('.').next() == Some(field)), "{field}");
    }
}
