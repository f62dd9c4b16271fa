//! What came out, side by side: as a page for people, as JSON for programs, with what is real and what is assumed.
//!
//! Only puts figures next to each other; it works nothing out but differences.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use callnext_engine::config::lane_name;
use callnext_engine::figures::{Figures, Group};
use callnext_engine::{Lane, Millis, ServiceId, VenueConfig, VenueId};
use chrono::NaiveDate;
use serde::Serialize;

use super::change::Setting;
use super::simulation::History;
use crate::replay::day::Day;
use crate::replay::plan::{Arrival, Mix, Plan, Step};

/// The run that the others are compared with.
pub const AS_THEY_ARE: &str = "as they are";
/// Longest name of a run in the table; what is longer is cut there.
const NAME_CHARS_MAX: usize = 32;
/// Between the edge and a row's name.
const INDENT: usize = 2;
/// A table's columns after the names, and how wide each is.
const COLUMNS: [(&str, usize); 8] =
    [("called", 8), ("mean", 9), ("median", 8), ("p90", 8), ("mean", 11), ("max", 6), ("no-shows", 10), ("left", 6)];
/// What stands over them, where a title is shared.
const OVER_COLUMNS: [(&str, usize); 3] = [("", 8), ("wait in minutes", 25), ("times overtaken", 17)];

/// A day under some settings.
#[derive(Debug, Clone)]
pub struct Run {
    /// What it is called.
    pub name: String,
    /// What differs from the settings as they are.
    pub settings: Vec<Setting>,
    /// What became of the day.
    pub history: History,
}

/// What came out.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    record: Record,
    venue: VenueId,
    runs: Vec<Told>,
    groups: Vec<Compared>,
    assumed: Vec<String>,
}

/// The day that was played.
#[derive(Debug, Clone, Serialize)]
struct Record {
    venue: String,
    day: NaiveDate,
    tickets: usize,
    called: i64,
    wait_mean_ms: Option<Millis>,
    wait_median_ms: Option<Millis>,
    wait_p90_ms: Option<Millis>,
    left: i64,
}

impl Record {
    fn of(day: &Day) -> Self {
        let Figures { called, wait_mean, wait_median, wait_p90, left, .. } = recorded(day);
        Self {
            venue: day.venue.clone(),
            day: day.date,
            tickets: day.visits.len(),
            called,
            wait_mean_ms: wait_mean,
            wait_median_ms: wait_median,
            wait_p90_ms: wait_p90,
            left,
        }
    }
}

/// The waits of the records themselves, whoever was called then: what the run under the settings as they are should
/// come near to. Records know no misses, and whom a call passed over is not worked out.
pub fn recorded(day: &Day) -> Figures {
    let waited = day.visits.iter().filter_map(|visit| Some(Millis(visit.called?.0 - visit.arrived.0)));
    let left = day.visits.iter().filter(|visit| visit.left().is_some()).count();
    Figures { left: i64::try_from(left).unwrap_or(i64::MAX), ..Figures::of_waits(waited.collect()) }
}

/// What is to be told of a run, apart from its figures.
#[derive(Debug, Clone, Serialize)]
struct Told {
    name: String,
    settings: Vec<Setting>,
    people: u32,
    outside_the_day: u32,
    waiting_at_end: u32,
    refused: BTreeMap<&'static str, u32>,
}

/// One group's figures, run by run.
#[derive(Debug, Clone, Serialize)]
struct Compared {
    service: Option<ServiceId>,
    lane: Option<Lane>,
    runs: Vec<Row>,
}

#[derive(Debug, Clone, Serialize)]
struct Row {
    run: String,
    #[serde(flatten)]
    figures: Figures,
    /// What this run has more than the first; the first has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<Figures>,
}

/// How a day was played: what the report says about it.
#[derive(Debug, Clone, Copy)]
pub struct Played<'a> {
    /// The records.
    pub day: &'a Day,
    /// As laid out for the venue.
    pub plan: &'a Plan,
    /// With how much real life.
    pub mix: Mix,
    /// The venue as it is.
    pub venue: &'a VenueConfig,
}

impl Report {
    /// Puts runs side by side; the first is what the others are compared with. Every service apart, if wanted.
    pub fn new(played: Played<'_>, runs: &[Run], by_service: bool) -> Self {
        let Played { day, plan, mix, venue } = played;
        let told = |run: &Run| Told {
            name: run.name.clone(),
            settings: run.settings.clone(),
            people: run.history.people,
            outside_the_day: run.history.outside,
            waiting_at_end: run.history.waiting_at_end,
            refused: run.history.refused.clone(),
        };
        Self {
            record: Record::of(day),
            venue: venue.id.clone(),
            runs: runs.iter().map(told).collect(),
            groups: compared(venue, runs, by_service),
            assumed: assumed(plan, mix),
        }
    }

    /// For programs.
    ///
    /// # Errors
    ///
    /// None that could be thought of; `serde_json` may have its own.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }
}

/// All groups that have anything in any run: first of all services, then of each, as the venue declares them.
fn compared(venue: &VenueConfig, runs: &[Run], by_service: bool) -> Vec<Compared> {
    let all: Vec<BTreeMap<Group, Figures>> = runs.iter().map(|run| run.history.ledger.groups()).collect();
    let groups: BTreeSet<&Group> = all.iter().flat_map(BTreeMap::keys).collect();
    let services = venue.services.iter().filter(|_| by_service).map(|service| Some(&service.id));
    let row = |run: &Run, figures: Figures, first: Option<&Figures>| Row {
        run: run.name.clone(),
        figures,
        difference: first.map(|first| figures.minus(first)),
    };
    let group = |group: &Group| {
        let of = |all: &BTreeMap<Group, Figures>| all.get(group).copied().unwrap_or_default();
        let first = all.first().map(of);
        let rows = runs.iter().zip(&all).enumerate();
        let rows = rows.map(|(at, (run, all))| row(run, of(all), first.as_ref().filter(|_| at > 0)));
        Compared { service: group.service.clone(), lane: group.lane, runs: rows.collect() }
    };
    let of_service = |service: Option<&ServiceId>| {
        groups.iter().filter(|found| found.service.as_ref() == service).map(|found| group(found)).collect::<Vec<_>>()
    };
    std::iter::once(None).chain(services).flat_map(of_service).collect()
}

/// What the reader has to know of how the figures came about, a sentence each.
fn assumed(plan: &Plan, mix: Mix) -> Vec<String> {
    let mut said = vec![
        "Real, and the same in every run: who came when, the moments at which a counter called, and when those left who \
         were never called. Who is called at those moments is what differs."
            .to_owned(),
        "Assumed: of a service's counters the one idle longest calls, or else the one serving longest; it calls from all \
         the services it serves. Whoever comes back gets a call of their own, and after the last record counters call \
         whoever is left."
            .to_owned(),
    ];
    let recorded = plan.steps.iter().any(|(_, step)| matches!(step, Step::Call { lasted: Some(_), .. }));
    let lengths = if recorded { "as long as recorded for that call, whoever is called, and else " } else { "" };
    said.push(format!("Assumed: a service lasts {lengths}about as long as the pace of the calls suggests."));
    if mix.booked_percent > 0 {
        said.push(format!(
            "Assumed: {} of 100 people had booked the half hour in which they came; the records do not say who.",
            mix.booked_percent
        ));
    } else if plan.people.iter().any(|person| person.arrival == Arrival::Booked) {
        said.push("Assumed: whoever had booked, as the records say, had booked the half hour they came in.".to_owned());
    }
    let lives: Vec<_> = [
        (mix.overflow_one_in, "is given an overflow number"),
        (mix.green_one_in, "is granted the green channel"),
        (mix.missed_one_in, "does not come when called (most report again)"),
        (mix.held_one_in, "is sent for tests and returns"),
    ]
    .into_iter()
    .filter(|(one_in, _)| *one_in > 0)
    .map(|(one_in, what)| format!("one in {one_in} {what}"))
    .collect();
    if !lives.is_empty() {
        said.push(format!(
            "Assumed: {}. They are the same people in every run, chosen by ticket; --faithful leaves this out.",
            lives.join(", ")
        ));
    }
    said.push(
        "A wait is from taking a number, checking in or coming back to the call; whoever is called again counts again, in \
         the lane of that call. The median and p90 are somebody's real wait (nearest rank)."
            .to_owned(),
    );
    said.push(
        "Overtaken, as the engine counts at the moment of the call: how often somebody whose wait began later was called \
         first, other than by precedence. No-shows are final: the last miss, or not back when the day ended."
            .to_owned(),
    );
    said
}

/// Longest line of the text below the table.
const LINE_CHARS_MAX: usize = 100;

/// Breaks a sentence into lines.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < LINE_CHARS_MAX => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Record { venue, day, tickets, called, left, .. } = &self.record;
        let [mean, median, p90] =
            [self.record.wait_mean_ms, self.record.wait_median_ms, self.record.wait_p90_ms].map(minutes);
        writeln!(f, "{venue}, {day}, played at {}: {tickets} people", self.venue)?;
        write!(
            f,
            "In the records: {called} called after {mean} minutes in the mean, {median} in the median, {p90} at p90; "
        )?;
        writeln!(f, "{left} left.\n")?;
        let name_chars = self.runs.iter().map(|run| short(&run.name).chars().count()).max().unwrap_or_default();
        for run in &self.runs {
            let settings: Vec<_> = run.settings.iter().map(ToString::to_string).collect();
            let settings =
                if settings.is_empty() { "the settings of the venue".to_owned() } else { settings.join("  ") };
            writeln!(f, "  {:name_chars$}  {settings}", short(&run.name))?;
        }
        let name_chars = INDENT + name_chars.max("difference".len()) + INDENT;
        writeln!(f, "\n{}", heading(name_chars, &OVER_COLUMNS))?;
        writeln!(f, "{}", heading(name_chars, &COLUMNS))?;
        let mut service = None;
        for group in &self.groups {
            if group.service != service {
                service.clone_from(&group.service);
                writeln!(f)?;
            }
            writeln!(f, "{}", title(group))?;
            for row in &group.runs {
                line(f, name_chars, &format!("{:INDENT$}{}", "", short(&row.run)), &row.figures, Signs::None)?;
                if let Some(difference) = &row.difference {
                    line(f, name_chars, &format!("{:INDENT$}{:INDENT$}difference", "", ""), difference, Signs::All)?;
                }
            }
        }
        self.runs.iter().try_for_each(|run| remarks(f, run))?;
        writeln!(f)?;
        for sentence in &self.assumed {
            wrapped(sentence).iter().try_for_each(|line| writeln!(f, "{line}"))?;
        }
        Ok(())
    }
}

fn heading(name_chars: usize, titles: &[(&str, usize)]) -> String {
    let line = titles.iter().fold(" ".repeat(name_chars), |line, (title, width)| line + &format!("{title:>width$}"));
    line.trim_end().to_owned()
}

fn title(group: &Compared) -> String {
    let lane = group.lane.map_or("in all", lane_name);
    match &group.service {
        Some(service) => format!("{service}: {lane}"),
        None => lane.to_owned(),
    }
}

/// What a run has that its figures do not tell.
fn remarks(f: &mut fmt::Formatter<'_>, run: &Told) -> fmt::Result {
    let mut said = Vec::new();
    if run.outside_the_day > 0 {
        said.push(format!("{} came outside the venue's business day and are left out", run.outside_the_day));
    }
    if run.waiting_at_end > 0 {
        said.push(format!("{} were still waiting when the day ended and count as no-shows", run.waiting_at_end));
    }
    if !run.refused.is_empty() {
        let refused: Vec<_> = run.refused.iter().map(|(code, count)| format!("{code} {count}")).collect();
        said.push(format!("the venue refused: {}", refused.join(", ")));
    }
    if said.is_empty() { Ok(()) } else { writeln!(f, "\n{}: {}.", short(&run.name), said.join("; ")) }
}

fn short(name: &str) -> String {
    if name.chars().count() <= NAME_CHARS_MAX {
        return name.to_owned();
    }
    name.chars().take(NAME_CHARS_MAX - 1).chain(['…']).collect()
}

/// Which numbers have a sign.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Signs {
    /// Figures: none is negative.
    None,
    /// Differences: all but nothing.
    All,
}

fn line(f: &mut fmt::Formatter<'_>, name_chars: usize, name: &str, figures: &Figures, signs: Signs) -> fmt::Result {
    let signed = |text: String, value: i64| if signs == Signs::All && value > 0 { format!("+{text}") } else { text };
    let count = |value: i64| signed(value.to_string(), value);
    let minutes = |span: Option<Millis>| signed(minutes(span), span.map_or(0, tenths_of_minutes));
    let cells = [
        count(figures.called),
        minutes(figures.wait_mean),
        minutes(figures.wait_median),
        minutes(figures.wait_p90),
        figures.overtaken_mean.map_or_else(none, |mean| signed(mean.to_string(), mean.0)),
        figures.overtaken_max.map_or_else(none, count),
        count(figures.no_shows),
        count(figures.left),
    ];
    write!(f, "{name:name_chars$}")?;
    cells.iter().zip(COLUMNS).try_for_each(|(cell, (_, width))| write!(f, "{cell:>width$}"))?;
    writeln!(f)
}

fn none() -> String {
    "–".to_owned()
}

fn minutes(span: Option<Millis>) -> String {
    span.map_or_else(none, |span| decimal(tenths_of_minutes(span)))
}

/// Rounded to the nearest tenth, half away from nothing, so that a difference and its opposite look alike.
fn tenths_of_minutes(span: Millis) -> i64 {
    const TENTH_MS: i64 = 6_000;
    span.0.signum() * ((span.0.abs() + TENTH_MS / 2) / TENTH_MS)
}

fn decimal(tenths: i64) -> String {
    let sign = if tenths < 0 { "-" } else { "" };
    let whole = tenths.unsigned_abs();
    format!("{sign}{}.{}", whole / 10, whole % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_have_one_decimal_and_nothing_has_no_sign() {
        let shown = |ms| decimal(tenths_of_minutes(Millis(ms)));
        for (ms, text) in
            [(0, "0.0"), (2_999, "0.0"), (-2_999, "0.0"), (3_000, "0.1"), (-3_000, "-0.1"), (754_000, "12.6")]
        {
            assert_eq!(shown(ms), text, "{ms}");
        }
    }

    #[test]
    fn long_names_are_cut_and_sentences_broken() {
        assert_eq!(short("variant 1"), "variant 1");
        assert_eq!(short(&"x".repeat(40)).chars().count(), NAME_CHARS_MAX);
        let lines = wrapped(&"word ".repeat(60));
        assert!(lines.len() > 2 && lines.iter().all(|line| line.chars().count() <= LINE_CHARS_MAX));
        assert_eq!(lines.join(" "), "word ".repeat(60));
    }
}
