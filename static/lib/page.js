// @ts-check
/**
 * What every page has: its place in the address, words in three languages, the venue's clock, a mark of the line.
 *
 * @typedef {import("./feed.js").Feed} Feed
 */
import { get } from "./api.js";
import { el, one, setText, show } from "./dom.js";
import { recall, remember } from "./memory.js";
import { LANGUAGES, language, onLanguage, setLanguage, startLanguage, t } from "./text.js";
import { createClock } from "./time.js";

/** Begins a page: chooses the language and fills in the words of the skeleton. */
export function startPage() {
  startLanguage();
  fillWords();
  onLanguage(fillWords);
}

/** Fills in the words that the skeleton names by key. */
export function fillWords(/** @type {ParentNode} */ root = document) {
  for (const element of root.querySelectorAll("[data-text]")) {
    setText(element, t(/** @type {any} */ (element.getAttribute("data-text"))));
  }
  for (const element of root.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", t(/** @type {any} */ (element.getAttribute("data-label"))));
  }
  for (const element of root.querySelectorAll("[data-placeholder]")) {
    element.setAttribute("placeholder", t(/** @type {any} */ (element.getAttribute("data-placeholder"))));
  }
}

/** The part of the address after the page's name: the venue, or the token of a ticket. */
export function subject() {
  try {
    return decodeURIComponent(location.pathname.split("/")[2] ?? "");
  } catch {
    return "";
  }
}

/** @param {string} name */
export function parameter(name) {
  return new URLSearchParams(location.search).get(name);
}

/**
 * The token of a link, taken out of the address so that it is in no history, bookmark or photograph.
 *
 * @returns {string | null}
 */
export function takeToken() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token !== null) history.replaceState(null, "", location.pathname + location.search);
  return token;
}

/**
 * The switcher of languages.
 *
 * @param {HTMLElement} host
 * @param {{ keep?: boolean }} [options]
 */
export function languageSwitcher(host, options) {
  host.classList.add("languages");
  host.setAttribute("role", "group");
  host.setAttribute("data-label", "language.choose");
  const buttons = LANGUAGES.map((name) =>
    el("button", { type: "button", lang: name, click: () => setLanguage(name, options) }, t(`language.${name}`)),
  );
  host.append(...buttons);
  function mark() {
    buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(LANGUAGES[index] === language())));
  }
  onLanguage(mark);
  mark();
  fillWords(host.parentNode ?? document);
}

/** How often a clock that does not run in real time is asked for its rate. */
const RATE_ASKED_MS = 10_000;

/** The venue's clock, with the rate of the server as soon as it is known. */
export function pageClock() {
  const clock = createClock();
  async function ask() {
    try {
      /** @type {import("./wire").Info} */
      const info = await get("/info");
      clock.setRate(info.clock_rate);
      // A demo slows down to real time when somebody takes over.
      if (info.clock_rate !== 1) setTimeout(ask, RATE_ASKED_MS);
    } catch {
      // Without it the clock ticks as before between frames, and every frame sets it right.
    }
  }
  void ask();
  return clock;
}

/** A line may be lost for this long before a page says so: a hiccup is not news. */
const LOST_SHOWN_MS = 1_500;

/**
 * Calls back each second and at every change with whether the picture is old, and for how many real seconds.
 *
 * @param {Feed} feed
 * @param {(stale: boolean, seconds: number) => void} tell
 */
export function watchLine(feed, tell) {
  /** @type {number | null} */
  let lostAt = null;
  function look() {
    const state = feed.state();
    if (state === "live" || state === "idle") lostAt = null;
    else if (lostAt === null) lostAt = performance.now();
    const stale = state !== "idle" && lostAt !== null && (state === "refused" || performance.now() - lostAt >= LOST_SHOWN_MS);
    tell(stale, Math.round(feed.silenceMs() / 1000));
  }
  setInterval(look, 500);
  return look;
}

/**
 * A small mark in the bar of a page: live, connecting, or for how long the line has been lost.
 *
 * @param {HTMLElement} host
 * @param {Feed} feed
 * @param {() => string | null} [paused]  since when the server can save nothing, as people read it; null if it can
 */
export function lineBadge(host, feed, paused = () => null) {
  host.className = "badge";
  host.setAttribute("role", "status");
  return watchLine(feed, (stale, seconds) => {
    const state = feed.state();
    if (state === "idle") return setText(host, "");
    const since = stale ? null : paused();
    if (since !== null) {
      host.dataset.state = "lost";
      return setText(host, t("line.paused_since", { time: since }));
    }
    host.dataset.state = stale ? "lost" : state === "live" ? "live" : "connecting";
    setText(host, stale ? t("line.lost_for", { seconds: span(seconds) }) : t(state === "live" ? "line.live" : "line.connecting"));
  });
}

/** Seconds as people say them: `35 s`, `4 min`. */
export function span(/** @type {number} */ seconds) {
  return seconds < 120 ? t("unit.seconds", { n: seconds }) : t("unit.minutes", { n: Math.floor(seconds / 60) });
}

/**
 * A whole-page sentence where nothing else can be shown.
 *
 * @param {string} text
 * @param {{ label: string, act: () => void }} [button]
 */
export function dead(text, button) {
  const main = one(document, "main");
  for (const child of Array.from(main.children)) if (child instanceof HTMLElement) show(child, false);
  let sentence = main.querySelector(".dead");
  if (!sentence) {
    sentence = el("div", { class: "dead", role: "alert" });
    main.append(sentence);
  }
  sentence.replaceChildren(el("p", {}, text));
  if (button) sentence.append(el("button", { type: "button", class: "button", click: button.act }, button.label));
}

/** Keeps the screen of a device on while its page is seen, where the browser can. */
export function keepAwake() {
  const lock = /** @type {any} */ (navigator).wakeLock;
  if (!lock) return;
  const ask = () => {
    if (!document.hidden) lock.request("screen").catch(() => {});
  };
  ask();
  document.addEventListener("visibilitychange", ask);
}

/** Whether somebody logged in on this browser before: only then is it worth asking who. */
export const wasIn = (/** @type {"staff" | "device"} */ kind) => recall(`in.${kind}`) === "yes";
export const setIn = (/** @type {"staff" | "device"} */ kind, /** @type {boolean} */ is) =>
  remember(`in.${kind}`, is ? "yes" : null);
