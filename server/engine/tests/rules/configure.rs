//! R11: the venue is declared anew while people wait.

use callnext_engine::config::{CounterConfig, OrderInLane, ServiceWeights};
use callnext_engine::counter::CounterState;
use callnext_engine::lane::{Lane, Weights};
use callnext_engine::testing::{Hall, Plan, counter_id, service_id, staff};
use callnext_engine::text::Text;
use callnext_engine::venue::Decision;
use callnext_engine::{Action, Refusal, TicketId, VenueConfig};

fn hall() -> Hall {
    Plan::default().service("eye", "B").counter("1").counter("2").open("08:00")
}

fn problems(hall: &mut Hall, change: impl FnOnce(&mut VenueConfig)) -> Vec<String> {
    match hall.configures(change) {
        Err(Refusal::ConfigInvalid { problems }) => problems,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn r11_other_weights_act_at_the_next_call_and_start_the_cycle_anew() {
    let mut hall = Plan::default().counter("1").rules(|rules| rules.ready_count = 0).open("08:00");
    hall.appointments(20, "08:00");
    hall.walk_ins(20);
    assert_eq!(hall.lanes_called("1", 5), "aawaa");
    let weights = Weights::new([(Lane::Appointment, 1), (Lane::WalkIn, 1)]);
    hall.configures(|config| config.services[0].policy.weights = weights).unwrap();
    assert_eq!(hall.lanes_called("1", 6), "awawaw");
}

#[test]
fn r11_other_settings_leave_the_cycle_where_it_is() {
    let mut hall = Plan::default().counter("1").rules(|rules| rules.ready_count = 0).open("08:00");
    hall.appointments(20, "08:00");
    hall.walk_ins(20);
    let mut untouched = hall.clone();
    hall.calls("1", 4);
    hall.configures(|config| config.services[0].policy.grace_s = 5).unwrap();
    untouched.calls("1", 4);
    assert_eq!(hall.lanes_called("1", 8), untouched.lanes_called("1", 8));
}

#[test]
fn r11_c3_the_ready_set_is_kept() {
    let mut hall = hall();
    let people = hall.walk_ins(4);
    hall.configures(|config| {
        config.services[0].policy.order = OrderInLane::Number;
        config.services[0].policy.weights = Weights::new([(Lane::WalkIn, 1)]);
        config.services[0].policy.ready_count = 1;
    })
    .unwrap();
    assert_eq!(hall.ready(), people[..2], "told is told");
    hall.next("1");
    assert_eq!(hall.ready(), people[1..2], "but nobody more than the setting says");
}

#[test]
fn r11_another_order_files_everybody_anew() {
    let mut hall = Plan::default().counter("1").rules(|rules| rules.ready_count = 0).open("08:00");
    hall.books(&[("late", "09:30"), ("soon", "09:00")]);
    let [late, soon] = [hall.checks_in("late"), hall.checks_in("soon")];
    hall.at("09:30");
    assert_eq!(hall.projected(), [soon, late]);
    hall.configures(|config| config.services[0].policy.order = OrderInLane::Number).unwrap();
    assert_eq!(hall.projected(), [late, soon]);
}

#[test]
fn r11_a_change_of_something_else_moves_nobody_who_stepped_back() {
    let mut hall = Plan::default().counter("1").rules(|rules| rules.ready_count = 0).open("08:00");
    let people = hall.walk_ins(3);
    hall.steps_back(people[0], 2);
    hall.configures(|config| config.services[0].policy.grace_s = 5).unwrap();
    assert_eq!(hall.calls("1", 3), [people[1], people[2], people[0]]);
}

#[test]
fn a_service_with_people_in_it_cannot_vanish() {
    let mut hall = hall();
    let patient = hall.takes("eye", Lane::WalkIn);
    assert_eq!(problems(&mut hall, |config| drop(config.services.pop())).len(), 1);
    hall.cancels(patient);
    hall.configures(|config| drop(config.services.pop())).unwrap();
    assert!(matches!(hall.asks(Action::Tick), Ok(Decision::Unchanged(_))));
}

#[test]
fn a_service_that_people_are_booked_for_cannot_vanish() {
    let mut hall = hall();
    let mut booking = callnext_engine::testing::appointment("a", "09:00");
    booking.service = service_id("eye");
    hall.does(Action::SetAppointments { appointments: vec![booking] });
    assert_eq!(problems(&mut hall, |config| drop(config.services.pop())).len(), 1);
}

#[test]
fn a_thousand_people_are_one_problem() {
    let mut hall = hall();
    for _ in 0..1000 {
        hall.takes("eye", Lane::WalkIn);
    }
    assert_eq!(problems(&mut hall, |config| drop(config.services.pop())).len(), 1);
}

#[test]
fn a_counter_with_somebody_at_it_cannot_vanish() {
    let mut hall = hall();
    hall.walk_in();
    hall.next("2");
    assert_eq!(problems(&mut hall, |config| drop(config.counters.pop())).len(), 1);
    hall.completes("2");
    hall.configures(|config| drop(config.counters.pop())).unwrap();
    assert!(hall.venue().counter(&counter_id("2")).is_none());
}

#[test]
fn c5_whoever_wanted_a_counter_that_is_gone_wants_none() {
    let mut hall = hall();
    let [waiting, held] = [hall.walk_in_wanting("2"), hall.walk_in_wanting("2")];
    hall.holds(held);
    hall.configures(|config| drop(config.counters.pop())).unwrap();
    assert_eq!((hall.ticket(waiting).wants.as_ref(), hall.ticket(held).wants.as_ref()), (None, None));
    hall.returns(held);
    assert_eq!(hall.calls("1", 2), [waiting, held]);
}

#[test]
fn a_new_service_and_a_new_counter_work_at_once() {
    let mut hall = hall();
    hall.configures(|config| {
        let mut service = config.services[0].clone();
        (service.id, service.prefix) = (service_id("xray"), "X".to_owned());
        config.services.push(service);
        let services = vec![service_id("xray")];
        config.counters.push(CounterConfig {
            id: counter_id("9"),
            name: Text::same("9"),
            services,
            weights: ServiceWeights::default(),
            second_waiting: None,
        });
    })
    .unwrap();
    assert_eq!(hall.venue().counter(&counter_id("9")).unwrap().state, CounterState::Closed);
    hall.counter("9", CounterState::Open);
    let patient = hall.takes("xray", Lane::WalkIn);
    assert_eq!(hall.next("9"), Some(patient));
}

#[test]
fn r11_a_counter_follows_its_declaration_unless_somebody_chose_for_the_day() {
    let mut hall = hall();
    let services = Some(vec![service_id("eye"), service_id("ent")]);
    hall.does(Action::SetCounter { counter: counter_id("2"), state: CounterState::Open, services });
    hall.configures(|config| {
        for counter in &mut config.counters {
            counter.services = vec![service_id("eye")];
        }
    })
    .unwrap();
    let served = |counter: &str| hall.venue().counter(&counter_id(counter)).unwrap().services.clone();
    assert_eq!(served("1"), [service_id("eye")]);
    assert_eq!(served("2"), [service_id("eye"), service_id("ent")]);
}

#[test]
fn a_counter_serves_no_service_that_is_gone() {
    let mut hall = hall();
    for (counter, services) in [("1", vec!["ent", "eye"]), ("2", vec!["eye"])] {
        let services = Some(services.into_iter().map(service_id).collect());
        hall.does(Action::SetCounter { counter: counter_id(counter), state: CounterState::Open, services });
    }
    hall.configures(|config| drop(config.services.pop())).unwrap();
    for counter in hall.venue().counters() {
        assert_eq!(counter.services, [service_id("ent")], "{}", counter.id);
    }
}

#[test]
fn the_same_declaration_changes_nothing() {
    let mut hall = hall();
    assert!(matches!(hall.configures(|_| {}), Ok(Decision::Unchanged(_))));
}

#[test]
fn faults_are_named() {
    let mut hall = hall();
    let found = problems(&mut hall, |config| {
        config.id = callnext_engine::testing::venue_id("other");
        config.services[0].policy.misses_max = 0;
        config.services[0].policy.weights = Weights::new([(Lane::Late, 0)]);
        config.services[1].prefix = "A1".to_owned();
        config.counters[0].services.clear();
        config.counters[1].id = counter_id("1");
    });
    assert_eq!(found.len(), 6, "{found:#?}");
}

#[test]
fn undo_does_not_reach_behind_a_new_declaration() {
    let mut hall = hall();
    let patient = hall.takes("eye", Lane::WalkIn);
    hall.cancels(patient);
    hall.by(staff("manager")).configures(|config| drop(config.services.pop())).unwrap();
    hall.by(staff("nurse"));
    assert_eq!(hall.refuses(Action::Undo), Refusal::UndoOvertaken);
    assert_eq!(hall.ticket(TicketId(1)).state.name(), "cancelled");
}
