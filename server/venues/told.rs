//! From the engine's stories and figures to what travels. Only reads and renames; apart from `view.rs` because nothing
//! here is part of a publication.

use callnext_engine::Timestamp;
use callnext_engine::command::{Actor, Reason};
use callnext_engine::figures::{DayFigures, Figures, Group, SOON};
use callnext_engine::story::{Step, Story, What};

use crate::wire::{
    ByHandRow, FiguresAnswer, FiguresRow, Person, PersonKind, RatioRow, SoonRow, StoryAnswer, StoryKind, StoryStep,
    rfc3339,
};

/// A ticket's story.
pub fn story(story: &Story) -> StoryAnswer {
    StoryAnswer {
        id: story.ticket.0,
        number: story.number.to_string(),
        steps: story.steps.iter().map(step).collect(),
        left_out: story.left_out,
    }
}

fn person(actor: &Actor) -> Person {
    let (kind, name) = match actor {
        Actor::Staff { user } => (PersonKind::Staff, Some(user.to_string())),
        Actor::Device { name } => (PersonKind::Device, Some(name.to_string())),
        Actor::Holder { .. } => (PersonKind::Holder, None),
        Actor::Public => (PersonKind::Public, None),
        Actor::System => (PersonKind::System, None),
    };
    Person { kind, name }
}

/// A step of which there is nothing to tell but what it was.
fn plain(step: &Step, what: StoryKind) -> StoryStep {
    StoryStep {
        what,
        at: rfc3339(step.at),
        by: person(&step.by),
        undone: step.is_undone,
        number: None,
        service: None,
        venue: None,
        counter: None,
        lane: None,
        rule: None,
        passed_by: None,
        urgency: None,
        reason: None,
        reason_code: None,
        class: None,
        granted_by: None,
        wait_s: None,
        places: None,
        overtaken: None,
        passed: None,
        slot_start: None,
        slot_end: None,
    }
}

fn step(step: &Step) -> StoryStep {
    let text = |reason: &std::sync::Arc<str>| Some(reason.to_string());
    let words = |reason: &Reason| Some(reason.text.to_string());
    let code = |reason: &Reason| reason.code.as_ref().map(ToString::to_string);
    let plain = |what| plain(step, what);
    match &step.what {
        What::Issued { service, lane, slot, overflow } => StoryStep {
            service: Some(service.to_string()),
            lane: Some(*lane),
            slot_start: slot.map(|slot| rfc3339(slot.start)),
            slot_end: slot.map(|slot| rfc3339(slot.end)),
            reason: overflow.as_ref().map(|grant| grant.reason.to_string()),
            reason_code: overflow.as_ref().and_then(|grant| grant.code.as_ref()).map(ToString::to_string),
            granted_by: overflow.as_ref().map(|grant| {
                let name = Some(grant.approved_by.to_string());
                Person { kind: PersonKind::Staff, name }
            }),
            ..plain(StoryKind::Issued)
        },
        What::WaitAnnounced { wait } => StoryStep { wait_s: Some(wait.as_secs()), ..plain(StoryKind::WaitAnnounced) },
        What::Readied => plain(StoryKind::Readied),
        What::SentInside { counter, lane, rule, passed } => StoryStep {
            counter: Some(counter.to_string()),
            lane: Some(*lane),
            rule: Some(*rule),
            passed: Some(*passed),
            ..plain(StoryKind::SentInside)
        },
        What::SentBack => plain(StoryKind::SentBack),
        What::PassedOver(passed) => StoryStep {
            number: Some(passed.number.to_string()),
            counter: Some(passed.counter.to_string()),
            rule: Some(passed.rule),
            lane: Some(passed.lane),
            passed_by: Some(passed.by),
            reason: passed.reason.as_ref().and_then(words),
            reason_code: passed.reason.as_ref().and_then(code),
            granted_by: passed.granted_by.as_ref().map(person),
            ..plain(if passed.is_sent { StoryKind::PassedAtDoor } else { StoryKind::PassedOver })
        },
        What::Called { counter, lane, rule, reason, waited, overtaken, passed } => StoryStep {
            counter: Some(counter.to_string()),
            lane: Some(*lane),
            rule: Some(*rule),
            reason: reason.as_ref().and_then(words),
            reason_code: reason.as_ref().and_then(code),
            wait_s: Some(waited.as_secs()),
            overtaken: Some(*overtaken),
            passed: Some(*passed),
            ..plain(StoryKind::Called)
        },
        What::Recalled => plain(StoryKind::Recalled),
        What::Started => plain(StoryKind::Started),
        What::Completed => plain(StoryKind::Completed),
        What::Missed { is_final: false } => plain(StoryKind::Missed),
        What::Missed { is_final: true } => plain(StoryKind::MissedForGood),
        What::Held { reason } => StoryStep { reason: text(reason), ..plain(StoryKind::Held) },
        What::Returned => plain(StoryKind::Returned),
        What::Requeued { reason } => StoryStep { reason: text(reason), ..plain(StoryKind::Requeued) },
        What::Transferred { service, lane, reason } => StoryStep {
            service: Some(service.to_string()),
            lane: Some(*lane),
            reason: text(reason),
            ..plain(StoryKind::Transferred)
        },
        What::Sent { to } => StoryStep { venue: Some(to.to_string()), ..plain(StoryKind::Sent) },
        What::Received { from, service } => StoryStep {
            venue: Some(from.to_string()),
            service: Some(service.to_string()),
            ..plain(StoryKind::Received)
        },
        What::Gone => plain(StoryKind::Gone),
        What::TurnedBack { code } => StoryStep { reason: text(code), ..plain(StoryKind::TurnedBack) },
        What::MovedOn { service, reason } => StoryStep {
            service: service.as_ref().map(ToString::to_string),
            reason: text(reason),
            ..plain(StoryKind::MovedOn)
        },
        What::StepDone { service } => StoryStep { service: Some(service.to_string()), ..plain(StoryKind::StepDone) },
        What::StepSkipped { service, reason } => {
            StoryStep { service: Some(service.to_string()), reason: text(reason), ..plain(StoryKind::StepSkipped) }
        }
        What::StepsSet { reason } => StoryStep { reason: text(reason), ..plain(StoryKind::StepsSet) },
        What::SlotBegan => plain(StoryKind::SlotBegan),
        What::Granted { urgency, reason } => {
            let (reason, reason_code) = (words(reason), code(reason));
            StoryStep { urgency: Some(*urgency), reason, reason_code, ..plain(StoryKind::Granted) }
        }
        What::Classified { class } => {
            StoryStep { class: class.as_ref().map(ToString::to_string), ..plain(StoryKind::Classified) }
        }
        What::SteppedBack { places } => StoryStep { places: Some(*places), ..plain(StoryKind::SteppedBack) },
        What::Cancelled { reason } => {
            StoryStep { reason: reason.as_ref().and_then(text), ..plain(StoryKind::Cancelled) }
        }
        What::NotShown => plain(StoryKind::NotShown),
        What::TakenBack => plain(StoryKind::TakenBack),
    }
}

/// A day's figures.
pub fn figures(day: &str, at: Timestamp, figures: &DayFigures) -> FiguresAnswer {
    let ratio = |ratio: &callnext_engine::figures::Ratio| RatioRow {
        service: ratio.class.service.to_string(),
        lane: ratio.class.lane,
        weight: ratio.weight,
        turns: ratio.turns,
        due: ratio.due.to_f64(),
    };
    FiguresAnswer {
        day: day.to_owned(),
        at: rfc3339(at),
        groups: figures.groups.iter().map(|(group, figures)| row(group, figures)).collect(),
        ratios: figures.ratios.iter().map(ratio).collect(),
        by_hand: figures.by_hand.iter().map(|(by, count)| ByHandRow { by: person(by), count: *count }).collect(),
        soon: SoonRow { minutes: SOON.as_secs() / 60, called: figures.soon.called, of: figures.soon.of },
        emergencies: figures.emergencies,
        green_channels: figures.green_channels,
        overflows: figures.overflows,
    }
}

fn row(group: &Group, figures: &Figures) -> FiguresRow {
    let seconds = |span: Option<callnext_engine::Millis>| span.map(callnext_engine::Millis::as_secs);
    FiguresRow {
        service: group.service.as_ref().map(ToString::to_string),
        lane: group.lane,
        called: figures.called,
        wait_mean_s: seconds(figures.wait_mean),
        wait_median_s: seconds(figures.wait_median),
        wait_p90_s: seconds(figures.wait_p90),
        overtaken_mean: figures.overtaken_mean.map(callnext_engine::figures::Hundredths::to_f64),
        overtaken_max: figures.overtaken_max,
        no_shows: figures.no_shows,
        left: figures.left,
    }
}
