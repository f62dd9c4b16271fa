// @ts-check
/**
 * The waiting-room screen. A projection of the newest board, except for the large call, which is bound to the
 * announcement that is being made. Left on for months: it says when it is old, heals, and reloads itself.
 *
 * @typedef {import("../lib/wire").BoardFrame} BoardFrame
 * @typedef {import("../lib/wire").BoardCall} BoardCall
 * @typedef {import("../lib/wire").BoardTicket} BoardTicket
 * @typedef {import("../lib/wire").BoardInside} BoardInside
 */
import { createAnnouncer } from "../lib/announce.js";
import { get, path } from "../lib/api.js";
import { closedText } from "../lib/closed.js";
import { enterDevice } from "../lib/device.js";
import { el, follow, one, setAttribute, setText, show } from "../lib/dom.js";
import { createFeed, followBrowser } from "../lib/feed.js";
import { keepAwake, pageClock, parameter, span, startPage, subject, watchLine } from "../lib/page.js";
import { createSpeaker, wait } from "../lib/speech.js";
import { language, problemText, t, words } from "../lib/text.js";
import { dateAndWeekday, hourMinute } from "../lib/time.js";

/** What fits on one screen; more than that takes turns. */
const ROWS = { calls: 7, ready: 6, inside: 4, missed: 7, services: 6 };
const TURN_MS = 8_000;
/** A call stays large this long, spoken or not. */
const CALL_SHOWN_MS = 4_500;
/** A refused screen asks again: somebody may have paired it. */
const REFUSED_RETRY_MS = 60_000;
/** Cut off for this long, while the server answers plain requests: only a new page can help. */
const RELOAD_AFTER_S = 180;
/** After a fault of the page itself; not at once, so that a fault at every start does not spin. */
const RELOAD_FAULT_MS = 10_000;
/** A page that has run this long starts afresh in a quiet hour of the venue. */
const FRESH_AFTER_MS = 20 * 3_600_000;
const QUIET_HOUR = "04";

startPage();
const venue = subject();
const clock = pageClock();
const announcer = createAnnouncer();
const speaker = createSpeaker();
const startedAt = performance.now();
/** @type {BoardFrame | null} */
let board = null;
/** The call being announced. @type {BoardCall | null} */
let announced = null;
let turn = 0;

const hero = one(document, "#hero");
const sound = one(document, "#sound", "button");
const stale = one(document, "#stale", "p");

const feed = followBrowser(
  createFeed({
    address() {
      const services = parameter("services");
      return `/ws/v1/venues/${path(venue)}/board${services ? `?services=${encodeURIComponent(services)}` : ""}`;
    },
    onFrame(frame, generation) {
      if (frame.type !== "board") return;
      board = frame;
      clock.set(frame.at);
      announcer.frame(frame, generation);
      render();
      void announce();
    },
    onState(state) {
      if (state === "refused") setTimeout(() => feed.start(), REFUSED_RETRY_MS);
      look();
    },
  }),
);

/** Makes one announcement after the other, until none waits. */
async function announce() {
  for (let next = announcer.next(); next; next = announcer.next()) {
    announced = next.call;
    setText(one(document, "#spoken"), callText(next.call));
    render();
    flash();
    const shown = CALL_SHOWN_MS / Math.min(clock.rate(), 4);
    try {
      await Promise.all([speaker.announce(next), wait(shown)]);
    } finally {
      announcer.done();
    }
  }
  announced = null;
  render();
}

/** Restarts the attention ring of the large call. */
function flash() {
  hero.classList.remove("flash");
  void hero.offsetWidth;
  hero.classList.add("flash");
}

/** @param {BoardCall} call */
function callText(call) {
  return t("board.call_text", { number: call.number, name: call.name ?? "", counter: words(call.counter.name) });
}

function render() {
  if (!board) return;
  const { calls, ready, inside, missed, services } = board;
  document.title = `${words(board.venue.name)} · ${t("page.board")}`;
  setText(one(document, "#venue"), words(board.venue.name));

  const big = announced ?? calls[0] ?? null;
  show(one(document, "#hero-call"), big !== null);
  show(one(document, "#hero-empty"), big === null);
  if (big) {
    setText(one(document, "#hero-number"), big.number);
    setText(one(document, "#hero-name"), big.name ?? "");
    setText(one(document, "#hero-counter"), words(big.counter.name));
    setAttribute(hero, "data-open", String(big.open || big === announced));
    setAttribute(hero, "data-length", big.number.length > 5 ? "long" : "short");
  }

  // Calls still open must all be seen: beyond one screen they take turns.
  const openCount = calls.filter((call) => call.open).length;
  const callPages = Math.max(1, Math.ceil(openCount / ROWS.calls));
  const callPage = turn % callPages;
  const openFirst = callPages > 1 ? [...calls].sort((a, b) => Number(b.open) - Number(a.open)) : calls;
  setText(one(document, "#calls-page"), callPages > 1 ? `${callPage + 1} / ${callPages}` : "");
  follow(
    one(document, "#calls"),
    openFirst.slice(callPage * ROWS.calls, (callPage + 1) * ROWS.calls),
    (call) => String(call.id),
    () => el("li", { class: "call" }, el("span", { class: "call-number" }), el("span", { class: "call-name" }), el("span", { class: "call-marks" }, el("span", { class: "call-urgency" }), el("span", { class: "call-recalls" })), el("span", { class: "call-counter" })),
    (row, call) => {
      setText(one(row, ".call-number"), call.number);
      setText(one(row, ".call-name"), call.name ?? "");
      setText(one(row, ".call-counter"), words(call.counter.name));
      setText(one(row, ".call-urgency"), call.urgency ? t(/** @type {any} */ (`urgency.${call.urgency}`)) : "");
      setText(one(row, ".call-recalls"), call.recalls > 0 ? t("board.recalled", { n: call.recalls }) : "");
      setAttribute(row, "data-open", String(call.open));
      setAttribute(row, "data-call", String(call.id));
      setAttribute(row, "data-now", announced?.id === call.id ? "true" : null);
    },
  );

  chips("#ready", page([...inside, ...ready], inside.length > 0 ? ROWS.inside : ROWS.ready));
  chips("#missed", page(missed, ROWS.missed));
  follow(
    one(document, "#services"),
    page(services, ROWS.services),
    (service) => service.id,
    () => el("li", {}, el("span", { class: "service-name" }), el("strong"), el("span", { class: "service-closed" })),
    (row, service) => {
      setText(one(row, ".service-name"), words(service.name));
      setText(one(row, "strong"), t("board.waiting", { n: service.waiting }));
      const closed = board?.closed.some((notice) => notice.service?.id === service.id);
      setText(one(row, ".service-closed"), closed ? t("closed.badge") : service.open_counters === 0 ? t("board.no_counter") : "");
    },
  );

  const notices = [...board.closed.map(closedText), ...board.notices.map((text) => words(text))];
  const notice = notices[turn % Math.max(1, notices.length)] ?? "";
  show(one(document, "#notice"), notice !== "");
  setText(one(document, "#notice"), notice);
}

/**
 * The part of a list whose turn it is.
 *
 * @template Item
 * @param {Item[]} items
 * @param {number} size
 */
function page(items, size) {
  const pages = Math.max(1, Math.ceil(items.length / size));
  return items.slice((turn % pages) * size, ((turn % pages) + 1) * size);
}

/**
 * @param {string} selector
 * @param {(BoardTicket | BoardInside)[]} tickets
 */
function chips(selector, tickets) {
  const host = one(document, selector);
  follow(
    host,
    tickets,
    (ticket) => ticket.number,
    () => el("li", {}, el("strong"), el("span"), el("em")),
    (row, ticket) => {
      setText(one(row, "strong"), ticket.number);
      setText(one(row, "span"), ticket.name ?? "");
      const counter = "counter" in ticket ? words(ticket.counter.name) : "";
      setText(one(row, "em"), counter === "" ? "" : t("board.inside", { counter }));
      setAttribute(row, "data-inside", counter === "" ? null : "true");
    },
  );
  setAttribute(host, "data-empty", tickets.length === 0 ? t("board.none") : null);
}

function tickClock() {
  if (!board) return;
  const now = clock.now();
  setText(one(document, "#clock"), hourMinute(now, board.time_zone));
  setText(one(document, "#date"), dateAndWeekday(now, board.time_zone, language()));
}

let healing = false;
/** Says how old the picture is, and starts the page afresh when nothing else helps. */
const look = watchLine(feed, (isStale, seconds) => {
  const paused = board?.paused_since;
  document.body.toggleAttribute("data-stale", isStale || paused !== undefined);
  show(stale, isStale || paused !== undefined);
  if (!isStale) {
    if (board && paused) setText(stale, t("board.paused", { time: hourMinute(paused, board.time_zone) }));
    return;
  }
  const refused = feed.refused();
  if (refused) setText(stale, t("board.refused", { why: problemText(refused) }));
  else if (!board) setText(stale, t("line.connecting"));
  else setText(stale, t("board.stale", { time: hourMinute(board.at, board.time_zone), age: span(seconds) }));
  if (!refused && seconds > RELOAD_AFTER_S && !healing) void reload();
});

/** Reloads only while the server is there: a page that cannot be fetched would leave an error on the wall. */
async function reload() {
  healing = true;
  try {
    await get("/info");
    location.reload();
  } catch {
    setTimeout(() => {
      healing = false;
    }, 30_000);
  }
}

function showSound() {
  show(sound, speaker.possible() && !speaker.unlocked());
}

async function unlock() {
  await speaker.unlock();
  showSound();
}

addEventListener("pointerdown", unlock);
addEventListener("keydown", unlock);
for (const fault of ["error", "unhandledrejection"]) addEventListener(fault, () => setTimeout(reload, RELOAD_FAULT_MS));
setInterval(() => {
  turn += 1;
  render();
  showSound();
  const hour = board ? hourMinute(clock.now(), board.time_zone).slice(0, 2) : "";
  if (performance.now() - startedAt > FRESH_AFTER_MS && hour === QUIET_HOUR && !healing) void reload();
}, TURN_MS);
setInterval(tickClock, 250);

keepAwake();
setTimeout(showSound, 500);
void enterDevice().then(({ refusal }) => {
  if (refusal) {
    setText(stale, problemText(refusal));
    show(stale, true);
  }
  feed.start();
});
