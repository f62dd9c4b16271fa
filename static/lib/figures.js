// @ts-check
/**
 * Today in figures, on the staff side: how soon people are called, how often they are overtaken, whether the ratio is
 * kept, and who called by hand.
 *
 * @typedef {import("./wire").FiguresAnswer} FiguresAnswer
 * @typedef {import("./wire").FiguresRow} FiguresRow
 * @typedef {import("./store.js").State} State
 */
import { get, path } from "./api.js";
import { el } from "./dom.js";
import { openPanel } from "./panel.js";
import { personText } from "./story.js";
import { problemText, t, words } from "./text.js";
import { hourMinute } from "./time.js";

/** While the panel is open it is asked again after this: the day goes on. */
const AGAIN_MS = 30_000;
/** Who may see figures; the server has the last word. */
const ROLES = ["administrator", "manager", "nurse"];

/** @param {string | null} role */
export const maySeeFigures = (role) => role !== null && ROLES.includes(role);

/**
 * Opens a panel with the day so far.
 *
 * @param {string} venue
 * @param {State} state
 */
export async function showFigures(venue, state) {
  const panel = openPanel({ title: t("figures.title"), kind: "figures" });
  let service = "";
  /** @type {FiguresAnswer | null} */
  let figures = null;
  function render() {
    if (!figures) return;
    const choice = el("select", { "aria-label": t("triage.service"), change: () => pick(choice.value) }, el("option", { value: "" }, t("triage.all")));
    for (const one of state.services) choice.append(el("option", { value: one.id, selected: one.id === service }, words(one.name)));
    panel.body.replaceChildren(...dayOf(figures, service, state, choice));
  }
  /** @param {string} id */
  function pick(id) {
    service = id;
    render();
    panel.body.querySelector("select")?.focus();
  }
  while (panel.isOpen()) {
    try {
      figures = await get(`/venues/${path(venue)}/figures`);
      // A list that is being chosen from is not taken away.
      if (panel.isOpen() && document.activeElement?.tagName !== "SELECT") render();
    } catch (failure) {
      if (!figures) panel.body.replaceChildren(el("p", { class: "dialog-fault" }, problemText(failure)));
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

/**
 * @param {FiguresAnswer} figures
 * @param {string} service  empty for all
 * @param {State} state
 * @param {HTMLElement} choice
 */
function dayOf(figures, service, state, choice) {
  const groups = figures.groups.filter((row) => (row.service ?? "") === service);
  const all = groups.find((row) => row.lane === null);
  const lanes = groups.filter((row) => row.lane !== null);
  const ratios = figures.ratios.filter((row) => service === "" || row.service === service);
  const { called, of, minutes } = figures.soon;
  const tile = (/** @type {string} */ name, /** @type {string} */ value, note = "") => el("div", { class: "figure" }, el("dt", {}, name), el("dd", {}, value), note !== "" && el("small", {}, note));
  const nameOf = (/** @type {string} */ id) => words(state.services.find((one) => one.id === id)?.name) || id;
  const by_hand = figures.by_hand.reduce((sum, row) => sum + row.count, 0);
  return [
    el("p", { class: "figures-at" }, t("figures.at", { time: hourMinute(figures.at, state.time_zone) })),
    el(
      "dl",
      { class: "figures-tiles" },
      tile(t("figures.soon", { minutes }), of === 0 ? "–" : `${Math.round((100 * called) / of)}%`, `${called} / ${of}`),
      tile(t("figures.by_hand"), String(by_hand), figures.by_hand.map((row) => `${personText(row.by)} ${row.count}`).join(t("unit.list"))),
      tile(t("urgency.green_channel"), String(figures.green_channels)),
      tile(t("urgency.emergency"), String(figures.emergencies)),
      tile(t("lane.overflow"), String(figures.overflows)),
    ),
    el("div", { class: "figures-head" }, el("h3", {}, t("figures.lanes")), choice),
    table(
      [t("figures.lane"), t("figures.called"), t("figures.wait_median"), t("figures.wait_p90"), t("figures.overtaken_mean"), t("figures.overtaken_max"), t("figures.no_shows"), t("figures.left")],
      [...lanes, ...(all ? [all] : [])].map((row) => [
        row.lane === null ? t("figures.all") : t(/** @type {any} */ (`lane.${row.lane}`)),
        String(row.called),
        minutesText(row.wait_median_s),
        minutesText(row.wait_p90_s),
        row.overtaken_mean === null ? "–" : row.overtaken_mean.toFixed(1),
        row.overtaken_max === null ? "–" : String(row.overtaken_max),
        String(row.no_shows),
        String(row.left),
      ]),
    ),
    el("h3", {}, t("figures.ratio")),
    ratios.length === 0
      ? el("p", { class: "story-details" }, t("figures.no_ratio"))
      : table(
          [t("figures.lane"), t("figures.weight"), t("figures.turns"), t("figures.due")],
          ratios.map((row) => [`${service === "" ? `${nameOf(row.service)} · ` : ""}${t(/** @type {any} */ (`lane.${row.lane}`))}`, String(row.weight), String(row.turns), row.due.toFixed(1)]),
        ),
  ];
}

/** @param {number | null} seconds */
function minutesText(seconds) {
  return seconds === null ? "–" : t("unit.minutes", { n: Math.round(seconds / 60) });
}

/** @param {string[]} heads @param {string[][]} rows */
function table(heads, rows) {
  const cell = (/** @type {string} */ text, /** @type {number} */ index) => (index === 0 ? el("th", { scope: "row" }, text) : el("td", {}, text));
  return el(
    "div",
    { class: "figures-scroll" },
    el("table", {}, el("thead", {}, el("tr", {}, ...heads.map((text) => el("th", { scope: "col" }, text)))), el("tbody", {}, ...rows.map((row) => el("tr", {}, ...row.map(cell))))),
  );
}
