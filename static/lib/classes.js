// @ts-check
/**
 * The classes into which a service sorts its people, each with its own expected time (E1).
 *
 * @typedef {import("./wire").ClassRow} ClassRow
 */
import { get, path } from "./api.js";
import { ask } from "./dialog.js";
import { t, words } from "./text.js";

/**
 * Those of every service of a venue, as it is set up now.
 *
 * @param {string} venue
 * @returns {Promise<Map<string, ClassRow[]>>}
 */
export async function classesOf(venue) {
  /** @type {import("./wire").VenueSummary} */
  const summary = await get(`/venues/${path(venue)}`);
  return new Map(summary.services.map((service) => [service.id, service.classes]));
}

/**
 * The class's name, as people read it.
 *
 * @param {ClassRow[]} classes
 * @param {string | null} id
 */
export function className(classes, id) {
  return words(classes.find((one) => one.id === id)?.name) || (id ?? "");
}

/**
 * Asks to which class somebody belongs; null when left, an empty text for none.
 *
 * @param {string} number
 * @param {ClassRow[]} classes
 * @param {string | null} now
 */
export async function askClass(number, classes, now) {
  const options = [{ value: "", label: t("triage.no_class") }, ...classes.map(({ id, name }) => ({ value: id, label: words(name) }))];
  const answer = await ask({
    title: t("triage.class_title", { number }),
    about: t("triage.class_about"),
    agree: t("act.class"),
    fields: [{ name: "class", label: t("triage.class"), kind: "select", options, value: now ?? "" }],
  });
  return answer && (answer["class"] ?? "");
}
