// @ts-check
/** The start page: every page of every venue, and what a demo gives away. */
import { get, path, post } from "../lib/api.js";
import { el, one, setText, show } from "../lib/dom.js";
import { fillWords, languageSwitcher, setIn, startPage } from "../lib/page.js";
import { onLanguage, problemText, t, tOf, words } from "../lib/text.js";

/**
 * @typedef {import("../lib/wire").Info} Info
 * @typedef {import("../lib/wire").VenueSummary} VenueSummary
 * @typedef {import("../lib/wire").DeviceAnswer} DeviceAnswer
 */

startPage();
languageSwitcher(one(document, "#languages"));
document.title = t("app.name");

/** @type {Info | null} */
let info = null;
/** @type {VenueSummary[] | null} */
let venues = null;
let fault = "";

function render() {
  document.title = t("app.name");
  renderDemo();
  renderVenues();
  setText(one(document, "#version"), info ? `callnext ${info.version}` : "");
}

function renderDemo() {
  const demo = info?.demo;
  show(one(document, "#demo"), !!demo);
  if (!info || !demo) return;
  const rate = info.clock_rate;
  setText(one(document, "#demo-lead"), t(demo.playing ? "start.demo_playing" : "start.demo_taken_over", { rate }));
  one(document, "#accounts").replaceChildren(
    ...demo.accounts.map((account) =>
      el(
        "div",
        { class: "demo-account" },
        el("strong", {}, tOf("role", account.role) ?? account.role),
        el("code", {}, `${account.user} / ${account.password}`),
        el("button", { type: "button", class: "button small", click: () => signIn(account) }, t("start.sign_in_as")),
      ),
    ),
  );
}

/** @param {import("../lib/wire").DemoAccount} account */
async function signIn(account) {
  const signed = one(document, "#signed");
  try {
    await post("/sessions", { user: account.user, password: account.password });
    setIn("staff", true);
    setText(signed, t("start.signed_in", { user: account.user }));
  } catch (failure) {
    setText(signed, problemText(failure));
  }
  show(signed, true);
}

/**
 * A link to a device's page; in a demo it carries the token of a ready device.
 *
 * @param {"board" | "kiosk"} kind
 * @param {string} venue
 */
function deviceLink(kind, venue) {
  const ready = info?.demo?.devices.find((device) => device.kind === kind && device.venue === venue);
  return `/${kind}/${path(venue)}${ready?.token ? `#token=${path(ready.token)}` : ""}`;
}

function renderVenues() {
  const host = one(document, "#venues");
  if (!venues) {
    host.replaceChildren(el("p", { class: "start-wait" }, fault || t("line.connecting")));
    return;
  }
  host.setAttribute("aria-busy", "false");
  host.replaceChildren(
    ...venues.map((venue) => {
      const waiting = venue.services.reduce((sum, service) => sum + service.waiting, 0);
      /** @type {[string, string, string][]} */
      const links = [
        ["board", deviceLink("board", venue.id), t("start.board_hint")],
        ["kiosk", deviceLink("kiosk", venue.id), t("start.kiosk_hint")],
        ["counter", `/counter/${path(venue.id)}`, t("start.counter_hint")],
        ["triage", `/triage/${path(venue.id)}`, t("start.triage_hint")],
      ];
      links.push(["rules", `/rules/${path(venue.id)}`, t("start.rules_hint")]);
      if (venue.join_by_phone) links.push(["join", `/join/${path(venue.id)}`, t("start.join_hint")]);
      return el(
        "article",
        { class: "card venue" },
        el("h3", {}, words(venue.name)),
        el("p", { class: "venue-now" }, t("start.venue_now", { waiting, counters: venue.open_counters.length })),
        el(
          "ul",
          {},
          ...links.map(([name, address, hint]) =>
            el("li", {}, el("a", { href: address, "data-page": name }, el("strong", {}, tOf("page", name) ?? name), el("span", {}, hint))),
          ),
        ),
      );
    }),
  );
  fillWords();
}

async function load() {
  try {
    const [list, about] = await Promise.all([get("/venues"), get("/info")]);
    venues = list.venues;
    info = about;
  } catch (failure) {
    fault = problemText(failure);
    setTimeout(load, 3_000 + Math.random() * 3_000);
  }
  render();
}

onLanguage(render);
void load();
