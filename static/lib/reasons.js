// @ts-check
/**
 * The reasons that staff choose from, in the language of the page. What is granted outside the rules has a code from
 * the venue's own list; the others are kept on record as shown.
 *
 * @typedef {import("./store.js").State} State
 */
import { t, tOf, words } from "./text.js";

/** The code that needs words. */
export const OTHER = "other";

const PRESETS = {
  hold: ["lab", "imaging", "payment", "documents"],
  transfer: ["wrong_service", "doctor", "urgent_change", "further_business"],
  close: ["doctor_away", "equipment", "full"],
  steps: ["doctor", "results_first", "further_business"],
  skip: ["done_before", "not_needed", "doctor"],
  requeue: ["came_late", "not_heard", "restroom"],
  cancel: ["asked", "duplicate", "left_hall"],
  rules: ["crowded", "short_of_staff", "quiet_again", "trial"],
};

/** @param {keyof typeof PRESETS} group */
export function reasons(group) {
  return [...PRESETS[group].map((name) => tOf("reason", name) ?? name), t("reason.other")];
}

/**
 * The reasons the venue accepts for what is outside the rules.
 *
 * @param {State} state
 * @param {keyof import("./wire").ReasonLists} group
 */
export function grounds(state, group) {
  return state.reasons[group].map(({ code }) => ({ code, label: labelOf(state, code) }));
}

/**
 * The reason on record, in words.
 *
 * @param {Pick<State, "reasons">} state
 * @param {{ reason: string | null, reason_code: string | null }} row
 */
export function reasonText(state, { reason, reason_code: code }) {
  const label = code && !(code === OTHER && reason) ? labelOf(state, code) : "";
  return [label, reason ?? ""].filter((part) => part !== "").join(" · ");
}

/** @param {Pick<State, "reasons">} state @param {string} code */
function labelOf(state, code) {
  const own = Object.values(state.reasons).flat().find((row) => row.code === code && row.name);
  return own?.name ? words(own.name) : (tOf("reason", code) ?? code);
}
