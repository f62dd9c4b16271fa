// @ts-check
/**
 * Words. Every visible word is in the tables of `static/text`, in three languages; here is which one is shown.
 *
 * @typedef {import("./wire").Language} Language
 * @typedef {keyof typeof import("../text/zh-hans.js").default} Key
 */
import hans from "../text/zh-hans.js";
import hant from "../text/zh-hant.js";
import en from "../text/en.js";
import { recall, remember } from "./memory.js";
import { hourMinute } from "./time.js";

/** @type {Record<Language, Record<string, string>>} */
const TABLES = { "zh-Hans": hans, "zh-Hant": hant, en };

/** In the order of the switcher, each named in itself. */
export const LANGUAGES = /** @type {const} */ (["zh-Hans", "zh-Hant", "en"]);

/** @type {Language} */
let current = "zh-Hans";
/** @type {Set<() => void>} */
const listeners = new Set();

/**
 * The language of a page, from a BCP 47 tag: Chinese by script, else by region.
 *
 * @param {string | null | undefined} tag
 * @returns {Language | null}
 */
export function languageOf(tag) {
  if (!tag) return null;
  const low = tag.toLowerCase().replace(/_/g, "-");
  if (/^(zh|yue|cmn)(-|$)/.test(low)) {
    if (low.includes("hant")) return "zh-Hant";
    if (low.includes("hans")) return "zh-Hans";
    return /-(tw|hk|mo)$/.test(low) || low.startsWith("yue") ? "zh-Hant" : "zh-Hans";
  }
  return /^en(-|$)/.test(low) ? "en" : null;
}

/**
 * The language to begin with: as asked in the address, as chosen before, as the browser wishes, else simplified Chinese.
 *
 * @param {string | null} asked
 * @param {string | null} chosen
 * @param {readonly string[]} wished
 * @returns {Language}
 */
export function firstLanguage(asked, chosen, wished) {
  for (const tag of [asked, chosen, ...wished]) {
    const found = languageOf(tag);
    if (found) return found;
  }
  return "zh-Hans";
}

/** Chooses the language of this page. To be called once, before anything is shown. */
export function startLanguage() {
  const asked = new URLSearchParams(location.search).get("lang");
  current = firstLanguage(asked, recall("language"), navigator.languages ?? [navigator.language]);
  document.documentElement.lang = current;
}

export function language() {
  return current;
}

/**
 * @param {Language} next
 * @param {{ keep?: boolean }} [options]  `keep: false` for a kiosk, whose next visitor starts afresh
 */
export function setLanguage(next, { keep = true } = {}) {
  if (keep) remember("language", next);
  if (next === current) return;
  current = next;
  document.documentElement.lang = next;
  for (const listener of listeners) listener();
}

/** @param {() => void} listener */
export function onLanguage(listener) {
  listeners.add(listener);
}

/**
 * The text of a key, with `{name}` replaced.
 *
 * @param {Key} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values) {
  return filled(TABLES[current][key] ?? key, values);
}

/**
 * The text of a key made of a group and a name that came over the wire; null where there is none.
 *
 * @param {string} group
 * @param {string | null | undefined} name
 * @param {Record<string, string | number>} [values]
 */
export function tOf(group, name, values) {
  const text = TABLES[current][`${group}.${name}`];
  return text === undefined ? null : filled(text, values);
}

/**
 * @param {string} text
 * @param {Record<string, string | number>} [values]
 */
export function filled(text, values) {
  if (!values) return text;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/**
 * A text of the server in the language of the page.
 *
 * @param {import("./wire").Text | null | undefined} text
 */
export function words(text) {
  return text ? text[current] || text["zh-Hans"] || text.en : "";
}

/**
 * A failed wish in words: by its code, else by what the server wrote.
 *
 * @param {unknown} failure
 * @param {string} [zone]  the venue's, where a time may be told
 */
export function problemText(failure, zone = "") {
  const code = failure && typeof failure === "object" && "code" in failure ? String(failure.code) : "internal_error";
  const from = /** @type {{ problem?: { about?: { from?: unknown } } } | null} */ (failure)?.problem?.about?.from;
  if (code === "check_in_too_early" && zone !== "" && typeof from === "number") return t("kiosk.check_in_from", { time: hourMinute(from, zone) });
  const detail = failure instanceof Error ? failure.message : "";
  return tOf("problem", code) ?? (detail || t("problem.internal_error"));
}
