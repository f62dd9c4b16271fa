// @ts-check
/** The small marks of a ticket: lane, precedence, slot, wanted counter, steps, where from, misses. */
import { el } from "./dom.js";
import { noteText, venueName } from "./moves.js";
import { t, words } from "./text.js";
import { hourMinute } from "./time.js";

/**
 * @param {import("./wire").TicketRow} row
 * @param {import("./store.js").State} state
 * @param {{ service?: boolean }} [options]
 */
export function tags(row, state, { service = true } = {}) {
  /** @type {HTMLElement[]} */
  const list = [];
  /** @param {string} kind @param {string} text */
  const tag = (kind, text) => list.push(el("span", { class: "chip", "data-kind": kind }, text));
  if (row.urgency) tag(row.urgency, t(/** @type {any} */ (`urgency.${row.urgency}`)));
  tag(row.lane, t(/** @type {any} */ (`lane.${row.lane}`)));
  if (service) tag("service", words(state.services.find((other) => other.id === row.service)?.name) || row.service);
  if (row.slot_start && row.slot_end) tag("slot", `${hourMinute(row.slot_start, state.time_zone)}–${hourMinute(row.slot_end, state.time_zone)}`);
  if (row.wants) tag("wants", t("tag.wants", { counter: words(state.counters.find((other) => other.id === row.wants)?.name) || row.wants }));
  if (row.steps.length > 0 || row.steps_done > 0) tag("steps", t("tag.steps", { step: row.steps_done + 1, of: row.steps_done + 1 + row.steps.length }));
  if (row.guest) tag("guest", t("tag.guest", { venue: venueName(row.guest.home) }));
  if (row.note) tag(row.note.note, noteText(row.note, state));
  if (row.misses > 0) tag("misses", t("tag.misses", { n: row.misses }));
  return list;
}
