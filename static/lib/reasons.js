// @ts-check
/** The reasons that staff choose from, in the language of the page. What is chosen is kept on record as shown. */
import { t, tOf } from "./text.js";

const PRESETS = {
  by_hand: ["agreed", "moved_here", "companion"],
  hold: ["lab", "imaging", "payment", "documents"],
  transfer: ["wrong_service", "doctor", "urgent_change", "further_business"],
  close: ["doctor_away", "equipment", "full"],
  steps: ["doctor", "results_first", "further_business"],
  skip: ["done_before", "not_needed", "doctor"],
  requeue: ["came_late", "not_heard", "restroom"],
  cancel: ["asked", "duplicate", "left_hall"],
  green_channel: ["elderly", "pregnant", "disabled", "soldier", "infant", "pain"],
  emergency: ["chest_pain", "bleeding", "breathing", "fever", "collapse"],
  rules: ["crowded", "short_of_staff", "quiet_again", "trial"],
  overflow: ["doctor_agreed", "far_away", "follow_up", "results_today"],
};

/** @param {keyof typeof PRESETS} group */
export function reasons(group) {
  return [...PRESETS[group].map((name) => tOf("reason", name) ?? name), t("reason.other")];
}
