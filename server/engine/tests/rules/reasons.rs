//! R3, R10, B3: what is granted outside the rules has a reason from the venue's own list.

use callnext_engine::command::Reason;
use callnext_engine::event::Event;
use callnext_engine::testing::{Hall, Plan, counter_id, overflow, service_id};
use callnext_engine::ticket::{Urgency, Visitor};
use callnext_engine::{Action, ReasonCode, Refusal, TicketId};

fn code(code: &str) -> ReasonCode {
    ReasonCode::parse(code).unwrap()
}

fn because(given: &str, text: &str) -> Reason {
    Reason { code: Some(code(given)), text: text.into() }
}

fn hall() -> Hall {
    Plan::default().counter("1").open("08:00")
}

fn grant(ticket: TicketId, urgency: Urgency, reason: Reason) -> Action {
    Action::GrantGreenChannel { ticket, urgency, reason }
}

#[test]
fn r3_precedence_is_granted_for_a_code_with_or_without_words() {
    for (reason, kept) in [
        (because("elderly", ""), ("elderly", "")),
        (because("pregnant", "in her ninth month"), ("pregnant", "in her ninth month")),
        ("eighty-one".into(), ("other", "eighty-one")),
    ] {
        let mut hall = hall();
        let ticket = hall.walk_in();
        hall.does(grant(ticket, Urgency::GreenChannel, reason));
        let grant = hall.ticket(ticket).grant.clone().unwrap();
        assert_eq!((grant.code, grant.reason.as_ref()), (Some(code(kept.0)), kept.1));
        assert_eq!(grant.by, callnext_engine::testing::staff("nurse"), "and who granted it");
    }
}

#[test]
fn r3_r10_each_kind_has_its_own_list() {
    let mut hall = hall();
    let ticket = hall.walk_in();
    let refused = hall.refuses(grant(ticket, Urgency::GreenChannel, because("collapse", "")));
    match refused {
        Refusal::ReasonUnknown { reason, known } => {
            assert_eq!(reason, code("collapse"));
            assert!(known.contains(&code("veteran")), "the answer says what would do: {known:?}");
        }
        other => panic!("{other:?}"),
    }
    hall.does(grant(ticket, Urgency::Emergency, because("collapse", "")));
}

#[test]
fn r3_other_needs_words() {
    let mut hall = hall();
    let ticket = hall.walk_in();
    for reason in [because("other", ""), because("other", "  "), "".into()] {
        let refused = hall.refuses(grant(ticket, Urgency::GreenChannel, reason));
        assert!(matches!(refused, Refusal::ValueInvalid { .. }), "{refused:?}");
    }
}

#[test]
fn r3_a_call_by_hand_and_b3_an_overflow_number_keep_their_code() {
    let mut hall = hall();
    let ticket = hall.walk_in();
    hall.does(Action::CallTicket { counter: counter_id("1"), ticket, reason: because("companion", "") });
    let called = hall.last_events().iter().find_map(|event| match event {
        Event::TicketCalled { why, .. } => Some((why.code.clone(), why.reason.clone())),
        _ => None,
    });
    assert_eq!(called, Some((Some(code("companion")), Some("".into()))));
    let add = |reason| Action::AddOverflow {
        service: service_id("ent"),
        visitor: Visitor::default(),
        reason,
        approved_by: "Dr Li".into(),
        note: None,
        approval: None,
    };
    hall.does(add(because("far_away", "")));
    let added = hall.venue().tickets().last().unwrap();
    assert_eq!(added.overflow.as_ref().unwrap().code, Some(code("far_away")));
    assert!(matches!(hall.refuses(add(because("elderly", ""))), Refusal::ReasonUnknown { .. }));
}

#[test]
fn r3_a_venue_has_reasons_of_its_own() {
    let mut hall = hall();
    let list = serde_json::from_str(r#"["elderly", {"code": "donor", "name": "献血者"}]"#).unwrap();
    hall.configures(|config| config.reasons.green_channel = list).unwrap();
    let ticket = hall.walk_in();
    hall.does(grant(ticket, Urgency::GreenChannel, because("donor", "")));
    let without_code = hall.refuses(grant(ticket, Urgency::GreenChannel, "so".into()));
    assert!(matches!(without_code, Refusal::ReasonUnknown { .. }), "this venue has no \"other\"");
    hall.does(overflow("ent"));
}

#[test]
fn r3_lists_are_checked() {
    let same = r#"["elderly", "elderly"]"#;
    for (list, problem) in [
        ("[]", "has 1 to 30 reasons, not 0"),
        (same, "is there twice"),
        (r#"[{"code": "a", "name": " "}]"#, "is empty"),
    ] {
        let list = serde_json::from_str(list).unwrap();
        match hall().configures(|config| config.reasons.by_hand = list) {
            Err(Refusal::ConfigInvalid { problems }) => assert!(problems[0].ends_with(problem), "{problems:?}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn r3_a_history_without_codes_is_still_read() {
    let old = r#"{"event":"green_channel_granted","ticket":1,"urgency":"emergency","reason":"chest pain"}"#;
    let event: Event = serde_json::from_str(old).unwrap();
    assert!(matches!(&event, Event::GreenChannelGranted { code: None, .. }));
    assert_eq!(serde_json::to_string(&event).unwrap(), old);
}

#[test]
fn b6_a_referral_has_a_lane_and_a_weight_of_its_own() {
    use callnext_engine::lane::{Lane, Weights};
    let weights = Weights::new([(Lane::Referral, 3), (Lane::WalkIn, 1)]);
    let mut hall =
        Plan::default().counter("1").rules(|rules| (rules.weights, rules.ready_count) = (weights, 0)).open("08:00");
    hall.walk_ins(12);
    for _ in 0..12 {
        hall.takes("ent", Lane::Referral);
    }
    assert_eq!(hall.lanes_called("1", 8).matches('f').count(), 6);
}

#[test]
fn r10_urgency_acts_at_the_next_call() {
    let mut hall = hall();
    let people = hall.walk_ins(6);
    hall.next("1");
    hall.does(grant(people[5], Urgency::GreenChannel, because("pain", "")));
    hall.does(grant(people[4], Urgency::Emergency, because("critical", "")));
    assert_eq!(hall.calls("1", 3), [people[4], people[5], people[1]], "before those who were told to get ready");
}
