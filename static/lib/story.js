// @ts-check
/**
 * Why: one ticket's story in words, for staff. Other people are numbers in it.
 *
 * @typedef {import("./wire").StoryAnswer} StoryAnswer
 * @typedef {import("./wire").StoryStep} StoryStep
 * @typedef {import("./wire").Person} Person
 * @typedef {import("./store.js").State} State
 */
import { get, path } from "./api.js";
import { el } from "./dom.js";
import { openPanel } from "./panel.js";
import { reasonText } from "./reasons.js";
import { problemText, t, tOf, words } from "./text.js";
import { hourMinute } from "./time.js";

/**
 * Opens a panel with a ticket's story.
 *
 * @param {string} venue
 * @param {{ id: number, number: string }} ticket
 * @param {State} state
 */
export async function showStory(venue, ticket, state) {
  const { body } = openPanel({ title: t("story.title", { number: ticket.number }), kind: "story" });
  try {
    body.replaceChildren(...storyOf(await get(`/venues/${path(venue)}/tickets/${ticket.id}/story`), state));
  } catch (failure) {
    body.replaceChildren(el("p", { class: "dialog-fault" }, problemText(failure)));
  }
}

/**
 * @param {StoryAnswer} story
 * @param {State} state
 */
function storyOf(story, state) {
  const line = (/** @type {StoryStep} */ step) => {
    const { text, details } = storyLine(step, state);
    return el(
      "li",
      { class: "story-step", "data-what": step.what, "data-undone": step.undone ? "true" : null },
      el("time", { datetime: step.at }, hourMinute(step.at, state.time_zone)),
      el("div", {}, el("p", { class: "story-text" }, text), details.length > 0 && el("p", { class: "story-details" }, details.join(" · "))),
    );
  };
  const more = story.left_out > 0 && el("p", { class: "story-details" }, t("story.left_out", { n: story.left_out }));
  return [el("ol", { class: "story-steps" }, ...story.steps.map(line)), ...(more ? [more] : [])];
}

/**
 * A step in words: what happened, and by whom and why.
 *
 * @param {StoryStep} step
 * @param {Pick<State, "services" | "counters" | "reasons" | "time_zone">} state
 * @returns {{ text: string, details: string[] }}
 */
export function storyLine(step, state) {
  const lane = tOf("lane", step.lane) ?? "";
  const minutes = step.wait_s === undefined ? 0 : Math.round(step.wait_s / 60);
  const values = {
    lane,
    minutes,
    number: step.number ?? "",
    service: words(state.services.find((one) => one.id === step.service)?.name) || (step.service ?? ""),
    venue: step.venue ?? "",
    counter: words(state.counters.find((one) => one.id === step.counter)?.name) || (step.counter ?? ""),
    urgency: tOf("urgency", step.urgency) ?? "",
    by: tOf("passed_by", step.passed_by) ?? "",
    n: step.places ?? 0,
    class: step.class ?? "–",
  };
  const details = [];
  if (step.undone) details.push(t("story.undone"));
  if (step.what === "called") {
    details.push(tOf("chosen", step.rule, { lane }) ?? "", t("story.waited", { minutes }));
    if (step.overtaken) details.push(t("story.overtaken", { n: step.overtaken }));
    if (step.passed) details.push(t("story.passed", { n: step.passed }));
  }
  if (step.slot_start && step.slot_end) details.push(t("ticket.slot", { from: hourMinute(step.slot_start, state.time_zone), to: hourMinute(step.slot_end, state.time_zone) }));
  if (step.what === "sent_inside") {
    details.push(tOf("chosen", step.rule, { lane }) ?? "");
    if (step.passed) details.push(t("story.passed", { n: step.passed }));
  }
  // Another venue turns a ticket back by a refusal's code; what a person wrote is shown as it is.
  const onRecord = { reason: step.reason ?? null, reason_code: step.reason_code ?? null };
  const reason = step.what === "turned_back" ? tOf("problem", step.reason) : reasonText(state, onRecord);
  if (reason) details.push(t("story.reason", { reason }));
  if (step.granted_by) details.push(t("story.granted_by", { who: personText(step.granted_by) }));
  if (step.by.kind !== "system") details.push(t("story.by", { who: personText(step.by) }));
  return { text: tOf("story", step.what, values) ?? step.what, details };
}

/** @param {Person} person */
export function personText(person) {
  return tOf("person", person.kind, { name: person.name ?? "" }) ?? person.kind;
}
