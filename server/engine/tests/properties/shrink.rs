//! Finding a short day that still fails.

use std::cell::Cell;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::day::Day;
use crate::play::{self, Seen};

thread_local! {
    static PLAYING: Cell<bool> = const { Cell::new(false) };
}

/// Panics of a day are caught and reported with it; their own output would only be in the way.
pub fn hush() {
    let loud = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !PLAYING.get() {
            loud(info);
        }
    }));
}

/// Plays a day; a panic is a problem like any other.
pub fn play(day: &Day) -> Result<Seen, String> {
    PLAYING.set(true);
    let outcome = catch_unwind(AssertUnwindSafe(|| play::play(day)));
    PLAYING.set(false);
    match outcome {
        Ok(outcome) => outcome,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            Err(format!("panic: {}", text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("?")))
        }
    }
}

/// The shortest day found that fails as well, told step by step.
pub fn shortest(day: &Day) -> String {
    let mut best = day.clone();
    let mut chunk = best.steps.len() / 2;
    while chunk > 0 {
        let mut from = 0;
        while from < best.steps.len() {
            let mut shorter = best.clone();
            shorter.steps.drain(from..(from + chunk).min(best.steps.len()));
            if play(&shorter).is_err() {
                best = shorter;
            } else {
                from += chunk;
            }
        }
        chunk /= 2;
    }
    let mut told = format!("shortest: {} steps, {}\n", best.steps.len(), play(&best).unwrap_err());
    for service in &best.config.services {
        writeln!(told, "  {} {}: {:?}", service.id, service.prefix, service.policy).unwrap();
    }
    for counter in &best.config.counters {
        writeln!(told, "  counter {} serves {:?}", counter.id, counter.services).unwrap();
    }
    for line in play::tell(&best) {
        writeln!(told, "  {line}").unwrap();
    }
    told
}
