// @ts-check
/**
 * The kiosk: a number, or a check-in, within ten seconds. One wish at a time, each with one key, however often it is
 * tapped; every screen goes back to the start by itself.
 *
 * @typedef {import("../lib/wire").VenueSummary} VenueSummary
 * @typedef {import("../lib/wire").ServiceSummary} ServiceSummary
 * @typedef {import("../lib/wire").TicketIssued} TicketIssued
 */
import { get, newKey, path, post, Refusal, Unreachable } from "../lib/api.js";
import { closedText } from "../lib/closed.js";
import { enterDevice } from "../lib/device.js";
import { el, follow, one, setAttribute, setText, show } from "../lib/dom.js";
import { createFeed, followBrowser } from "../lib/feed.js";
import { createScanner, tidyCode } from "../lib/scanner.js";
import { keepAwake, languageSwitcher, pageClock, parameter, span, startPage, subject, watchLine } from "../lib/page.js";
import { language, onLanguage, problemText, setLanguage, t, words } from "../lib/text.js";
import { dateAndWeekday, hourMinute } from "../lib/time.js";
import { waitText } from "../lib/waits.js";

const SERVICES_PER_PAGE = 8;
const CODE_CHARS_MAX = 32;
/** A number stays on the screen this long; a screen left alone this long goes back to the start. */
const RESULT_SHOWN_S = 15;
const TROUBLE_SHOWN_S = 20;
const IDLE_S = 45;
const REFRESH_MS = 15_000;
const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0", ..."ABCDEFGHIJKLMNOPQRSTUVWXYZ", "-"];

startPage();
const languages = one(document, "#languages");
languageSwitcher(languages, { keep: false });
const firstLanguage = language();
const venueId = subject();
const clock = pageClock();
const screens = ["home", "check-in", "busy", "result", "trouble"];

/** @type {VenueSummary | null} */
let venue = null;
/** Counts of the live line, by service: newer than those of the venue's summary. @type {Map<string, number>} */
const waiting = new Map();
let screen = "home";
let page = 0;
/** The service of which a class is chosen (E1). */
let choosing = "";
let code = "";
let codeFault = "";
/** @type {TicketIssued | null} */
let issued = null;
/** What is being wished for, kept whole so that "try again" is the same wish. @type {{ path: string, body: object, key: string } | null} */
let wish = null;
/** @type {unknown} */
let trouble = null;
let secondsLeft = 0;
/** Whether plain requests are answered, for a kiosk whose live line is refused. */
let answered = true;

// Another venue language chosen by the last visitor must not greet the next one.
function home() {
  issued = null;
  wish = null;
  trouble = null;
  code = "";
  codeFault = "";
  page = 0;
  choosing = "";
  if (language() !== firstLanguage) setLanguage(firstLanguage, { keep: false });
  go("home");
}

/** @param {string} next */
function go(next) {
  screen = next;
  secondsLeft = next === "result" ? RESULT_SHOWN_S : next === "trouble" ? TROUBLE_SHOWN_S : IDLE_S;
  render();
}

function render() {
  for (const name of screens) show(one(document, `#${name}`), name === screen);
  document.title = `${venue ? words(venue.name) : ""} · ${t("page.kiosk")}`;
  setText(one(document, "#venue"), venue ? words(venue.name) : "");
  show(languages, screen === "home" || screen === "check-in");
  if (screen === "home") renderHome();
  if (screen === "check-in") renderCode();
  if (screen === "result") renderResult();
  if (screen === "trouble") renderTrouble();
}

function renderHome() {
  const services = choices();
  const pages = Math.max(1, Math.ceil(services.length / SERVICES_PER_PAGE));
  page = Math.min(page, pages - 1);
  follow(
    one(document, "#services"),
    services.slice(page * SERVICES_PER_PAGE, (page + 1) * SERVICES_PER_PAGE),
    (choice) => choice.key,
    (choice) =>
      el(
        "li",
        {},
        el("button", { type: "button", class: "kiosk-service-button", "data-service": choice.key, click: choice.act }, el("strong"), el("span", { class: "kiosk-waiting" }), el("span", { class: "kiosk-estimate" })),
        el("button", { type: "button", class: "kiosk-slot-button", "data-slot": choice.key, hidden: true, click: choice.takeSlot }),
      ),
    (row, { name, service, open, closed, slot }) => {
      setText(one(row, "strong"), name);
      const wait = service && !closed;
      setText(one(row, ".kiosk-waiting"), closed ? t("closed.badge") : wait ? t("board.waiting", { n: waiting.get(service.id) ?? service.waiting }) : "");
      setText(one(row, ".kiosk-estimate"), closed ? closedText(closed) : wait ? waitText(service) : "");
      const plain = one(row, ".kiosk-service-button", "button");
      setAttribute(plain, "data-open", String(open));
      plain.disabled = closed !== null;
      // R4: a plain number, or the next free slot.
      const slotButton = one(row, ".kiosk-slot-button");
      show(slotButton, slot !== null && closed === null);
      if (slot && venue) {
        const [from, to] = [slot.start, slot.end].map((at) => hourMinute(at, venue?.time_zone ?? ""));
        setText(slotButton, t("kiosk.take_slot", { from: from ?? "", to: to ?? "" }));
      }
    },
  );
  setAttribute(one(document, "#services"), "data-count", services.length > 4 ? "many" : "few");
  show(one(document, "#pages"), pages > 1);
  setText(one(document, "#page"), `${page + 1} / ${pages}`);
}

/**
 * What can be touched: the services, or the classes of one and the way back.
 *
 * @typedef {{
 *   key: string, name: string, service: ServiceSummary | null, open: boolean,
 *   closed: ServiceSummary["closed"], slot: ServiceSummary["next_slot"], act: () => void, takeSlot: () => void,
 * }} Choice
 * @returns {Choice[]}
 */
function choices() {
  const services = venue?.services ?? [];
  const chosen = services.find((service) => service.id === choosing && service.classes.length > 0);
  if (!chosen) {
    return services.map((service) => ({
      key: service.id,
      name: words(service.name),
      service,
      open: service.open,
      closed: service.closed,
      // The class comes first.
      slot: service.classes.length === 0 ? service.next_slot : null,
      act: () => touch(service),
      takeSlot: () => take(service.id, { slot: true }),
    }));
  }
  const { id: service, open, closed, next_slot: slot } = chosen;
  const classes = chosen.classes.map(({ id, name }) => ({
    key: `${service}/${id}`,
    name: words(name),
    service: null,
    open,
    closed,
    slot,
    act: () => take(service, { class: id }),
    takeSlot: () => take(service, { class: id, slot: true }),
  }));
  const back = { key: "back", name: t("action.back"), service: null, open: false, closed: null, slot: null, act: home, takeSlot: home };
  return [...classes, back];
}

/** @param {ServiceSummary} service */
function touch(service) {
  if (service.classes.length === 0) return take(service.id);
  choosing = service.id;
  page = 0;
  go("home");
}

function renderCode() {
  setText(one(document, "#code"), code);
  setAttribute(one(document, "#code"), "data-empty", code === "" ? t("kiosk.code_empty") : null);
  const fault = one(document, "#code-fault", "p");
  setText(fault, codeFault);
  show(fault, codeFault !== "");
  one(document, "#send-code", "button").disabled = code === "";
}

function renderResult() {
  if (!issued) return;
  const { card, number } = issued;
  setText(one(document, "#result-service"), words(card.service.name));
  setText(one(document, "#result-number"), number);
  setText(one(document, "#result-facts"), facts(issued));
  setText(one(document, "#done"), t("kiosk.done", { seconds: secondsLeft }));
  setText(one(document, "#receipt-venue"), words(card.venue.name));
  setText(one(document, "#receipt-service"), words(card.service.name));
  setText(one(document, "#receipt-number"), number);
  setText(one(document, "#receipt-facts"), facts(issued));
  setText(one(document, "#receipt-time"), `${dateAndWeekday(Date.parse(card.issued_at), card.time_zone, language())} ${hourMinute(card.issued_at, card.time_zone)}`);
  setAttribute(one(document, "#qr"), "alt", t("kiosk.scan_to_follow"));
}

/** @param {TicketIssued} ticket */
function facts({ card }) {
  const ahead = card.ahead === null ? "" : t("kiosk.ahead", { n: card.ahead });
  const slot = card.slot_start && card.slot_end ? `${hourMinute(card.slot_start, card.time_zone)}–${hourMinute(card.slot_end, card.time_zone)}` : "";
  const wait = waitText({ open: card.estimate_reason !== "no_counter_open", estimate: card.estimate, estimate_reason: card.estimate_reason });
  return [slot, ahead, wait].filter((part) => part !== "").join(" · ");
}

function renderTrouble() {
  setText(one(document, "#trouble-text"), problemText(trouble, venue?.time_zone));
  show(one(document, "#trouble-retry"), trouble instanceof Unreachable || (trouble instanceof Refusal && trouble.status >= 500));
}

/** @param {string} service @param {{ class?: string, slot?: true }} [how]  its class; the next free slot instead of a plain number */
function take(service, how = {}) {
  void send(`/venues/${path(venueId)}/tickets`, { service, language: language(), ...how });
}

/** @param {string} address @param {object} body */
async function send(address, body) {
  // While one wish is under way, a second tap belongs to it.
  if (screen === "busy") return;
  wish = { path: address, body, key: newKey() };
  await attempt();
}

async function attempt() {
  const now = wish;
  if (!now) return;
  go("busy");
  try {
    const answer = await post(now.path, now.body, now.key);
    if (wish !== now) return;
    issued = /** @type {TicketIssued} */ (answer);
    picture(issued);
    go("result");
    if (parameter("print") === "auto") print();
  } catch (failure) {
    if (wish !== now) return;
    trouble = failure;
    // A wrong code is put right where it was typed.
    if (failure instanceof Refusal && (failure.code === "appointment_unknown" || failure.code === "value_invalid") && "code" in now.body) {
      codeFault = problemText(failure);
      go("check-in");
    } else go("trouble");
  }
}

/** @param {TicketIssued} ticket */
function picture(ticket) {
  const address = `/api/v1/tickets/${path(ticket.token)}/qr.svg`;
  one(document, "#qr", "img").src = address;
  one(document, "#receipt-qr", "img").src = address;
}

function sendCode() {
  const tidy = tidyCode(code);
  if (tidy === "") return;
  codeFault = "";
  void send(`/venues/${path(venueId)}/check-ins`, { code: tidy });
}

/** @param {string} sign */
function type(sign) {
  codeFault = "";
  code = (code + sign).slice(0, CODE_CHARS_MAX);
  go("check-in");
}

function backspace() {
  code = code.slice(0, -1);
  codeFault = "";
  go("check-in");
}

const keypad = one(document, "#keypad");
keypad.append(
  ...KEYS.map((key) => el("button", { type: "button", class: "key", click: () => type(key) }, key)),
  el("button", { type: "button", class: "key key-back", "data-label": "kiosk.backspace", click: backspace }, "⌫"),
);
keypad.querySelectorAll("[data-label]").forEach((key) => key.setAttribute("aria-label", t("kiosk.backspace")));

one(document, "#to-check-in").addEventListener("click", () => go("check-in"));
one(document, "#from-check-in").addEventListener("click", home);
one(document, "#send-code").addEventListener("click", sendCode);
one(document, "#done").addEventListener("click", home);
one(document, "#print").addEventListener("click", () => {
  secondsLeft = RESULT_SHOWN_S;
  print();
});
one(document, "#trouble-back").addEventListener("click", home);
one(document, "#trouble-retry").addEventListener("click", () => void attempt());
one(document, "#previous").addEventListener("click", () => {
  page = Math.max(0, page - 1);
  go("home");
});
one(document, "#next").addEventListener("click", () => {
  page += 1;
  go("home");
});

// A scanner types a whole code in no time and ends it with Enter, on whatever screen the kiosk is.
const scanner = createScanner((scanned) => {
  if (screen === "busy" || screen === "result") return;
  code = scanned.slice(0, CODE_CHARS_MAX);
  sendCode();
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Enter" && scanner.enter(performance.now())) return event.preventDefault();
  scanner.key(event.key, performance.now());
  if (screen !== "check-in") return;
  if (event.key === "Backspace") backspace();
  else if (event.key === "Escape") home();
  else if (event.key === "Enter" && document.activeElement?.closest("button") === null) sendCode();
  else if (/^[\p{L}\p{N}-]$/u.test(event.key)) type(event.key.toUpperCase());
});
document.addEventListener("pointerdown", () => {
  if (screen === "home" || screen === "check-in") secondsLeft = IDLE_S;
});
addEventListener("contextmenu", (event) => event.preventDefault());

setInterval(() => {
  if (screen === "busy") return;
  secondsLeft -= 1;
  const idle = screen === "home" && page === 0 && choosing === "" && language() === firstLanguage;
  if (secondsLeft <= 0 && !idle) home();
  else if (screen === "result") renderResult();
}, 1_000);

setInterval(() => {
  if (!venue) return;
  setText(one(document, "#clock"), hourMinute(clock.now(), venue.time_zone));
  setText(one(document, "#date"), dateAndWeekday(clock.now(), venue.time_zone, language()));
}, 250);

async function load() {
  try {
    venue = await get(`/venues/${path(venueId)}`);
    answered = true;
    if (venue && feed.state() !== "live") clock.set(venue.at);
    if (screen === "home") render();
  } catch (failure) {
    answered = !(failure instanceof Unreachable);
    if (!venue && failure instanceof Refusal) {
      trouble = failure;
      go("trouble");
    }
  }
  setTimeout(load, (venue ? REFRESH_MS : 3_000) * (0.8 + Math.random() * 0.4));
}

const feed = followBrowser(
  createFeed({
    address: () => `/ws/v1/venues/${path(venueId)}/board`,
    onFrame(frame) {
      if (frame.type !== "board") return;
      clock.set(frame.at);
      for (const service of frame.services) waiting.set(service.id, service.waiting);
      if (screen === "home") render();
    },
  }),
);

watchLine(feed, (isStale, seconds) => {
  // A kiosk that may not read the board still works as long as requests are answered.
  const lost = isStale && (feed.state() !== "refused" || !answered) && screen !== "result";
  show(one(document, "#lost"), lost);
  one(document, "main").toggleAttribute("inert", lost);
  if (lost) setText(one(document, "#lost-for"), t("line.lost_for", { seconds: span(seconds) }));
});

onLanguage(render);
keepAwake();
render();
void enterDevice().then(({ refusal }) => {
  if (refusal) {
    trouble = refusal;
    go("trouble");
  }
  feed.start();
  void load();
});
