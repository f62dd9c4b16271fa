//! Every call explains itself: in its event, to the nurse who asks why, to the phone, and in the day's figures.

use std::collections::BTreeMap;

use callnext_engine::command::Actor;
use callnext_engine::dispatch::{PASSED_MAX, Passed, PassedBy};
use callnext_engine::event::{Change, Event, Rule, Why};
use callnext_engine::figures::{Class, DayFigures, Group, Hundredths, Ledger, Soon};
use callnext_engine::lane::{Lane, Weights};
use callnext_engine::story::{STEPS_MAX, Step, Story, Storyteller, What};
use callnext_engine::testing::{Hall, Plan, at, service_id, staff};
use callnext_engine::ticket::Urgency;
use callnext_engine::{Millis, TicketId, Venue};

/// What the latest call says of itself.
fn why(hall: &Hall) -> Why {
    let called = |event: &Event| match event {
        Event::TicketCalled { why, .. } => Some(why.clone()),
        _ => None,
    };
    hall.last_events().iter().find_map(called).expect("a call")
}

fn told(hall: &Hall, ticket: TicketId) -> Vec<(PassedBy, u32)> {
    let place = hall.ticket(ticket).place.clone().expect("waiting");
    hall.venue().queue(&hall.ticket(ticket).service).unwrap().passed_over(ticket, &place)
}

fn story(hall: &Hall, ticket: TicketId) -> Story {
    let mut teller = Storyteller::new(hall.venue().config().clone(), ticket);
    hall.changes().iter().for_each(|change| teller.hear(change));
    teller.tell().expect("a story")
}

fn figures(hall: &Hall) -> DayFigures {
    let (mut venue, mut ledger) = (Venue::new(hall.venue().config().clone()), Ledger::default());
    for change in hall.changes() {
        venue.apply(change);
        ledger.hear(&venue, change);
    }
    ledger.day(&venue, hall.now())
}

fn one_to_one() -> Plan {
    let weights = Weights::new([(Lane::WalkIn, 1), (Lane::Referral, 1)]);
    Plan::default().counter("1").rules(|rules| (rules.weights, rules.ready_count) = (weights, 0))
}

#[test]
fn a_call_names_those_it_passes_over_longest_wait_first() {
    let mut hall = one_to_one().open("08:00");
    let early = hall.walk_ins(3);
    let referred = hall.takes("ent", Lane::Referral);
    assert_eq!(hall.next("1"), Some(early[0]));
    assert_eq!(why(&hall).passed, Passed::default(), "who waits longest passes over nobody");
    assert_eq!(hall.next_and_why("1"), Some((referred, Rule::Cycle)));
    let expected = Passed { lanes: BTreeMap::from([(Lane::WalkIn, 2)]), first: early[1..].to_vec() };
    assert_eq!(why(&hall).passed, expected);
    assert_eq!(why(&hall).overtaken, 0);
}

#[test]
fn a_call_counts_all_but_names_few() {
    let mut hall = one_to_one().open("08:00");
    let people = hall.walk_ins(PASSED_MAX + 5);
    let urgent = hall.takes("ent", Lane::Referral);
    hall.grants(urgent, Urgency::Emergency);
    hall.next("1");
    let passed = why(&hall).passed;
    assert_eq!(passed.first, people[..PASSED_MAX]);
    assert_eq!(usize::try_from(passed.count()).unwrap(), people.len());
}

#[test]
fn only_those_are_passed_over_whom_the_counter_could_have_called() {
    let plan = Plan::default().service("eye", "B").counter_for("1", &["ent"]).counter_for("2", &["ent"]);
    let mut hall = plan.rules(|rules| rules.ready_count = 0).open("08:00");
    let other_counter = hall.walk_in_wanting("2");
    let this_counter = hall.walk_in_wanting("1");
    let other_service = hall.takes("eye", Lane::WalkIn);
    let booked = hall.appointments(1, "11:00")[0];
    let away = hall.walk_in();
    hall.holds(away);
    let urgent = hall.walk_in();
    hall.grants(urgent, Urgency::GreenChannel);
    assert_eq!(hall.next("1"), Some(urgent));
    assert_eq!(why(&hall).passed.first, [this_counter]);
    assert_eq!(told(&hall, this_counter), [(PassedBy::GreenChannel, 1)]);
    for nobody in [other_counter, other_service, booked] {
        assert_eq!(told(&hall, nobody), []);
    }
}

#[test]
fn c3_those_told_to_get_ready_are_passed_over_by_what_comes_first() {
    let mut hall = Plan::default().counter("1").open("08:00");
    let people = hall.walk_ins(3);
    let last = hall.walk_in();
    hall.calls_by_hand("1", last);
    assert_eq!(why(&hall).passed.first, people, "two of them are ready");
    assert!(people.iter().all(|ticket| told(&hall, *ticket) == [(PassedBy::ByHand, 1)]));
}

#[test]
fn a_call_says_how_often_its_ticket_was_overtaken() {
    let mut hall = one_to_one().rules(|rules| rules.overtaken_max = 2).open("08:00");
    let patient = hall.walk_in();
    for _ in 0..2 {
        let other = hall.walk_in();
        hall.calls_by_hand("1", other);
    }
    assert_eq!(hall.next_and_why("1"), Some((patient, Rule::Overdue)));
    assert_eq!(why(&hall).overtaken, 2);
}

#[test]
fn the_phone_hears_what_let_others_go_first_since_its_wait_began() {
    let mut hall = one_to_one().open("08:00");
    let patient = hall.walk_ins(2)[1];
    assert_eq!(told(&hall, patient), []);
    hall.next("1");
    let back = hall.walk_in();
    hall.calls_by_hand("1", back);
    hall.holds(back);
    hall.after(Millis::from_mins(5)).returns(back);
    let [urgent, sudden] = [hall.walk_in(), hall.walk_in()];
    hall.grants(urgent, Urgency::GreenChannel);
    hall.grants(sudden, Urgency::Emergency);
    hall.calls("1", 2);
    // The weights of all lanes are equal but for the walk-ins' turn, which was taken.
    hall.configures(|config| config.services[0].policy.weights = Weights::new([(Lane::ReturnVisit, 20)])).unwrap();
    assert_eq!(hall.next_and_why("1"), Some((back, Rule::Cycle)));
    let expected =
        [(PassedBy::Emergency, 1), (PassedBy::GreenChannel, 1), (PassedBy::ByHand, 1), (PassedBy::ReturnVisit, 1)];
    assert_eq!(told(&hall, patient), expected);
    // Whom one lets go first did not push in.
    hall.after(Millis::from_mins(1)).steps_back(patient, 1);
    assert_eq!(told(&hall, patient), []);
}

#[test]
fn a_call_taken_back_passed_over_nobody() {
    let mut hall = one_to_one().open("08:00");
    let patient = hall.walk_in();
    let other = hall.walk_in();
    hall.calls_by_hand("1", other);
    assert_eq!(told(&hall, patient), [(PassedBy::ByHand, 1)]);
    hall.undoes();
    assert_eq!(told(&hall, patient), []);
    let story = story(&hall, patient);
    let passed: Vec<&Step> = story.steps.iter().filter(|step| matches!(step.what, What::PassedOver(_))).collect();
    assert_eq!(passed.iter().map(|step| step.is_undone).collect::<Vec<_>>(), [true], "it is told, as taken back");
    assert_eq!(figures(&hall).by_hand, []);
}

#[test]
fn the_story_is_told_step_by_step() {
    let mut hall = Plan::default().service("eye", "B").counter("1").counter_for("2", &["eye"]).open("08:00");
    hall.by(Actor::Public);
    let first = hall.walk_in();
    hall.by(staff("clerk"));
    hall.next("1");
    let patient = hall.at("08:10").walk_in();
    let pregnant = hall.walk_in();
    hall.by(staff("wu")).grants(pregnant, Urgency::GreenChannel);
    hall.by(staff("clerk")).at("08:12").next("1");
    let friend = hall.walk_in();
    hall.by(staff("li")).at("08:15").calls_by_hand("1", friend);
    hall.by(staff("clerk")).at("08:20").next("1");
    hall.misses_patiently("1");
    hall.by(staff("wu")).at("08:30").requeues(patient);
    hall.at("08:31").transfers(patient, "eye");
    hall.by(staff("eye-clerk")).at("08:40").next("2");
    hall.undoes();
    hall.next("2");
    hall.starts("2");
    hall.completes("2");
    let story = story(&hall, patient);
    assert_eq!((story.number.to_string(), story.left_out), (hall.number(patient), 0));
    let steps: Vec<String> = story.steps.iter().map(line).collect();
    let expected = [
        "08:10 clerk issued walk_in in ent",
        "08:10 - told to get ready",
        "08:12 clerk passed over by A003 (GreenChannel, Urgent, chest pain, granted by wu)",
        "08:15 li passed over by A004 (ByHand, ByHand, asked for, granted by nobody)",
        "08:20 clerk called to 1 by Ready after 10 min, overtaken 1, passing 0",
        "08:20 clerk recalled",
        "08:21 clerk missed",
        "08:30 wu requeued: was outside",
        "08:30 - told to get ready",
        "08:31 wu transferred to eye: wrong department",
        "08:31 - told to get ready",
        "08:40 eye-clerk called to 2 by Ready after 10 min, overtaken 0, passing 0 UNDONE",
        "08:40 eye-clerk taken back",
        "08:40 eye-clerk called to 2 by Ready after 10 min, overtaken 0, passing 0",
        "08:40 eye-clerk started",
        "08:40 eye-clerk completed",
    ];
    assert_eq!(steps, expected);
    assert_eq!(line(&self::story(&hall, first).steps[0]), "08:00 public issued walk_in in ent");
}

#[test]
fn c4_whoever_is_sent_to_a_door_passes_over_others_then_and_nobody_when_called() {
    let mut hall = one_to_one().door(1).open("08:00");
    hall.by(staff("li"));
    let early = hall.walk_ins(4);
    let referred = hall.takes("ent", Lane::Referral);
    assert_eq!(hall.next_and_why("1"), Some((early[0], Rule::Inside)));
    assert_eq!(hall.next_and_why("1"), Some((early[1], Rule::Inside)));
    let sent = hall.last_events().iter().find_map(|event| match event {
        Event::TicketSentInside { ticket, why, .. } => Some((*ticket, why.passed.clone())),
        _ => None,
    });
    let passed = Passed { lanes: BTreeMap::from([(Lane::WalkIn, 2)]), first: early[2..].to_vec() };
    assert_eq!(sent, Some((referred, passed)));
    let by_referral = [(PassedBy::Referral, 1)];
    assert_eq!(told(&hall, early[2]), by_referral);
    assert_eq!(hall.next_and_why("1"), Some((referred, Rule::Inside)));
    assert_eq!(why(&hall).passed, Passed::default(), "it passed over them before");
    assert_eq!(told(&hall, early[3]), by_referral, "and is not counted twice");
    hall.undoes();
    assert_eq!(hall.inside("1"), [referred, early[2]], "back at the door, beside whoever was sent meanwhile");
    assert_eq!(told(&hall, early[3]), by_referral);
    assert_eq!(hall.calls("1", 2), [referred, early[2]]);
    assert_eq!(why(&hall).overtaken, 1, "before it was sent");
    let story: Vec<String> = story(&hall, early[2]).steps.iter().map(line).collect();
    assert_eq!(
        story,
        [
            "08:00 li issued walk_in in ent",
            "08:00 - passed over by A005 (Referral, Cycle, no reason, granted by nobody), sent to the door",
            "08:00 - sent to the door of 1 by Cycle, passing 0",
            "08:00 li called to 1 by Inside after 0 min, overtaken 1, passing 0",
        ]
    );
}

#[test]
fn c4_an_emergency_passes_over_those_at_its_own_door_only() {
    let mut hall = Plan::default().counter("1").door(1).counter("2").door(1).open("08:00");
    let people = hall.walk_ins(2);
    hall.after(Millis(1));
    let urgent = hall.walk_in();
    hall.grants(urgent, Urgency::Emergency);
    assert_eq!(hall.next("2"), Some(urgent));
    let expected = Passed { lanes: BTreeMap::from([(Lane::WalkIn, 1)]), first: vec![people[1]] };
    assert_eq!(why(&hall).passed, expected);
    let passed_over = |ticket| story(&hall, ticket).steps.iter().any(|step| matches!(step.what, What::PassedOver(_)));
    assert_eq!([passed_over(people[0]), passed_over(people[1])], [false, true]);
}

/// A step as a line of text.
fn line(step: &Step) -> String {
    let at = (step.at - Millis(at("00:00").0)).0 / 60_000;
    let name = |actor: &Actor| match actor {
        Actor::Staff { user } => user.to_string(),
        Actor::Public => "public".to_owned(),
        Actor::System => "-".to_owned(),
        other => format!("{other:?}"),
    };
    let what = match &step.what {
        What::Issued { service, lane, .. } => {
            format!("issued {} in {service}", callnext_engine::config::lane_name(*lane))
        }
        What::Readied => "told to get ready".to_owned(),
        What::PassedOver(passed) => format!(
            "passed over by {} ({:?}, {:?}, {}, granted by {}){}",
            passed.number,
            passed.by,
            passed.rule,
            passed.reason.as_ref().map_or("no reason", |reason| &reason.text),
            passed.granted_by.as_ref().map_or("nobody".to_owned(), name),
            if passed.is_sent { ", sent to the door" } else { "" }
        ),
        What::Called { counter, rule, waited, overtaken, passed, .. } => {
            let minutes = waited.0 / 60_000;
            format!("called to {counter} by {rule:?} after {minutes} min, overtaken {overtaken}, passing {passed}")
        }
        What::SentInside { counter, rule, passed, .. } => {
            format!("sent to the door of {counter} by {rule:?}, passing {passed}")
        }
        What::Recalled => "recalled".to_owned(),
        What::Started => "started".to_owned(),
        What::Completed => "completed".to_owned(),
        What::Missed { .. } => "missed".to_owned(),
        What::Requeued { reason } => format!("requeued: {reason}"),
        What::Transferred { service, reason, .. } => format!("transferred to {service}: {reason}"),
        What::TakenBack => "taken back".to_owned(),
        other => format!("{other:?}"),
    };
    let undone = if step.is_undone { " UNDONE" } else { "" };
    format!("{:02}:{:02} {} {what}{undone}", at / 60, at % 60, name(&step.by))
}

#[test]
fn nobody_has_a_story_without_a_number() {
    let hall = Plan::default().counter("1").open("08:00");
    let mut teller = Storyteller::new(hall.venue().config().clone(), TicketId(1));
    hall.changes().iter().for_each(|change| teller.hear(change));
    assert_eq!(teller.tell(), None);
}

#[test]
fn a_long_story_keeps_its_beginning_and_its_end() {
    let plan = one_to_one().rules(|rules| (rules.overtaken_max, rules.wait_max_s) = (0, 0));
    let mut hall = plan.open("08:00");
    let patient = hall.walk_in();
    for _ in 0..STEPS_MAX + 20 {
        let other = hall.walk_in();
        hall.calls_by_hand("1", other);
    }
    hall.next("1");
    let story = story(&hall, patient);
    assert_eq!((story.steps.len(), story.left_out), (STEPS_MAX, 22));
    assert!(matches!(story.steps.first().unwrap().what, What::Issued { .. }));
    assert!(matches!(story.steps.last().unwrap().what, What::Called { .. }));
}

#[test]
fn b9_r1_b3_the_days_figures() {
    let mut hall = one_to_one().rules(|rules| rules.overflow_max = 9).open("08:00");
    let early = hall.walk_ins(4);
    hall.takes("ent", Lane::Referral);
    hall.takes("ent", Lane::Referral);
    hall.overflow();
    hall.by(staff("clerk")).at("08:10").calls("1", 2);
    hall.by(staff("li")).calls_by_hand("1", early[3]);
    hall.by(staff("nurse")).grants(early[2], Urgency::GreenChannel);
    hall.undoes();
    hall.at("08:45").grants(early[2], Urgency::Emergency);
    hall.next("1");
    hall.cancels(early[1]);
    let day = figures(&hall);
    let walk_in = day.groups[&Group { service: None, lane: Some(Lane::WalkIn) }];
    assert_eq!((walk_in.called, walk_in.left), (3, 1));
    // The overflow number went first; who was called by hand overtook the one who became an emergency.
    assert_eq!((walk_in.overtaken_max, walk_in.overtaken_mean), (Some(2), Some(Hundredths(133))));
    assert_eq!(day.by_hand, [(staff("li"), 1)]);
    assert_eq!((day.emergencies, day.green_channels, day.overflows), (1, 0, 1));
    // Three within half an hour; one later; one left after three quarters of an hour, and two still wait.
    assert_eq!(day.soon, Soon { called: 3, of: 7 });
    let class = |lane| Class { service: service_id("ent"), lane };
    let ratios: Vec<_> =
        day.ratios.iter().map(|ratio| (ratio.class.clone(), ratio.weight, ratio.turns, ratio.due)).collect();
    let expected = [
        (class(Lane::WalkIn), 1, 1, Hundredths(75)),
        (class(Lane::Overflow), 2, 1, Hundredths(50)),
        (class(Lane::Referral), 1, 0, Hundredths(75)),
    ];
    assert_eq!(ratios, expected);
}

#[test]
fn a_new_day_begins_new_figures() {
    let mut hall = one_to_one().open("08:00");
    hall.walk_ins(3);
    hall.next("1");
    hall.after(Millis::from_mins(24 * 60));
    let day = figures(&hall);
    assert_eq!(day.groups.keys().collect::<Vec<_>>(), [&Group::default()]);
    assert_eq!(day.soon, Soon::default());
}

#[test]
fn calls_from_before_this_was_recorded_are_read_and_told() {
    let old = r#"{"seq":7,"at":0,"by":{"actor":"system"},"outcome":{"outcome":"done"},"events":[{"event":"ticket_called",
        "ticket":12,"counter":"3","call":5,"why":{"rule":"cycle"}}]}"#;
    let change: Change = serde_json::from_str(old).unwrap();
    let Event::TicketCalled { why, .. } = &change.events[0] else { panic!("{change:?}") };
    assert_eq!((why.overtaken, &why.passed), (0, &Passed::default()));
}
