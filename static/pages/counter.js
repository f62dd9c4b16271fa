// @ts-check
/**
 * The counter: one key for the next person. What is shown comes from the live queue; a press only sends a wish.
 *
 * @typedef {import("../lib/store.js").State} State
 * @typedef {import("../lib/wire").TicketRow} TicketRow
 * @typedef {import("../lib/wire").CallAnswer} CallAnswer
 * @typedef {import("../lib/wire").CounterState} CounterState
 */
import { path } from "../lib/api.js";
import { ask } from "../lib/dialog.js";
import { el, follow, one, setAttribute, setText, show } from "../lib/dom.js";
import { recall, remember } from "../lib/memory.js";
import { transfer } from "../lib/moves.js";
import { languageSwitcher, parameter, startPage, subject } from "../lib/page.js";
import { bindKeys, createConsole } from "../lib/staff.js";
import { counterOf, currentOf, nextOf, ticketsIn, waitingFor } from "../lib/store.js";
import { grounds, reasonText, reasons } from "../lib/reasons.js";
import { showStory } from "../lib/story.js";
import { tags } from "../lib/tags.js";
import { onLanguage, t, words } from "../lib/text.js";
import { minutesSince } from "../lib/time.js";
import { toast } from "../lib/toast.js";

const AWAY_ROWS = 8;
/** After a call, "next" rests: a bouncing key must not send the person just called away. */
const NEXT_RESTS_MS = 1_500;

startPage();
languageSwitcher(one(document, "#languages"));
const venue = subject();
let counter = parameter("counter") ?? recall(`counter.${venue}`) ?? "";
let nextRestsUntil = 0;
let spokenOf = "";

const desk = createConsole({ venue, render, tick });

/** @param {string} name */
const at = (name) => `/venues/${path(venue)}/counters/${path(counter)}/${name}`;
/** @param {TicketRow} row @param {string} name */
const of = (row, name) => `/venues/${path(venue)}/tickets/${row.id}/${name}`;

/** @param {State} state @returns {TicketRow | null} */
const current = (state) => currentOf(state, counter);

/**
 * The actions on the person at the counter: what each is called, its key, when it makes sense, and what it does.
 *
 * @type {{ name: string, key: string, states: string[], act: (row: TicketRow) => void }[]}
 */
const ACTS = [
  { name: "recall", key: "r", states: ["called"], act: (row) => void send(at("recalls"), {}, t("counter.did_recall", { number: row.number })) },
  { name: "start", key: "s", states: ["called"], act: (row) => void send(at("starts"), {}, t("counter.did_start", { number: row.number })) },
  { name: "complete", key: "c", states: ["called", "serving"], act: (row) => void send(at("completions"), {}, t("counter.did_complete", { number: row.number })) },
  { name: "missed", key: "m", states: ["called"], act: (row) => void send(at("misses"), {}, t("counter.did_miss", { number: row.number })) },
  { name: "hold", key: "h", states: ["called", "serving"], act: hold },
  { name: "transfer", key: "t", states: ["called", "serving"], act: (row) => void transfer(desk, venue, row, { triage: false }).then(() => next.focus()) },
];

const next = one(document, "#act-next", "button");
next.append(el("span", { class: "act-name" }), el("span", { class: "act-detail" }), el("kbd"));
next.addEventListener("click", callNext);
for (const act of ACTS) {
  const button = el("button", { type: "button", class: "act", "data-act": act.name, click: () => press(act.name) }, el("span", { class: "act-name" }), el("kbd", {}, act.key.toUpperCase()));
  one(document, "#acts").append(button);
}

/** @param {string} name */
function press(name) {
  const state = desk.state();
  const row = state && current(state);
  const act = ACTS.find((candidate) => candidate.name === name);
  if (!act || desk.busy()) return;
  if (!row || !act.states.includes(row.state)) return toast(t("counter.not_now"));
  act.act(row);
}

/**
 * @param {string} address
 * @param {object} body
 * @param {string} done
 */
async function send(address, body, done) {
  await desk.act("POST", address, body, () => done);
  next.focus();
}

async function callNext() {
  if (performance.now() < nextRestsUntil || desk.busy()) return;
  await desk.act("POST", at("calls"), {}, told);
  next.focus();
}

/** @param {CallAnswer} answer */
function told(answer) {
  if (!answer.ticket) {
    toast(t("counter.nobody_waits"));
    return null;
  }
  nextRestsUntil = performance.now() + NEXT_RESTS_MS;
  setTimeout(desk.refresh, NEXT_RESTS_MS + 20);
  return t("counter.did_call", { number: answer.ticket.number });
}

/** @param {TicketRow} row */
async function callThis(row) {
  const state = desk.state();
  if (!state) return;
  const answer = await ask({
    title: t("counter.call_this", { number: row.number }),
    about: t("counter.call_this_about"),
    agree: t("counter.call"),
    reasons: grounds(state, "by_hand"),
  });
  if (answer) await desk.act("POST", at("calls"), { ticket: row.id, code: answer["code"], reason: answer["reason"] }, told);
  next.focus();
}

/** @param {TicketRow} row */
async function hold(row) {
  const answer = await ask({
    title: t("counter.hold_title", { number: row.number }),
    about: t("counter.hold_about"),
    agree: t("act.hold"),
    reasons: reasons("hold"),
  });
  if (answer) await send(of(row, "holds"), { reason: answer["reason"] }, t("counter.did_hold", { number: row.number }));
}

/** @param {CounterState} wanted */
async function setState(wanted) {
  const name = t(/** @type {any} */ (`counter_state.${wanted}`));
  await desk.act("PUT", `/venues/${path(venue)}/counters/${path(counter)}`, { state: wanted }, () => t("counter.did_set", { state: name }));
  next.focus();
}

/** @param {string} id */
function choose(id) {
  counter = id;
  remember(`counter.${venue}`, id === "" ? null : id);
  const address = new URL(location.href);
  if (id === "") address.searchParams.delete("counter");
  else address.searchParams.set("counter", id);
  history.replaceState(null, "", address);
  desk.refresh();
  if (id !== "") next.focus();
}

/** @param {State} state */
function render(state) {
  const row = counterOf(state, counter);
  show(one(document, "#choose"), !row);
  show(one(document, "#desk"), row !== null);
  const change = one(document, "#change-counter");
  show(change, row !== null);
  show(one(document, "#counter-state"), row !== null);
  if (!row) return renderChoice(state);
  setText(change, t("counter.at", { counter: words(row.name) }));
  document.title = `${words(row.name)} · ${words(state.venue.name)}`;
  renderState(row.state);
  renderCurrent(state);
  renderActs(state, row.state);
  renderPreview(state);
  tick();
}

/** @param {State} state */
function renderChoice(state) {
  follow(
    one(document, "#counters"),
    state.counters,
    (row) => row.id,
    (row) => el("li", {}, el("button", { type: "button", class: "card choice", "data-counter": row.id, click: () => choose(row.id) }, el("strong"), el("span", { class: "choice-services" }), el("span", { class: "chip" }))),
    (item, row) => {
      setText(one(item, "strong"), words(row.name));
      const names = row.services.map((id) => words(state.services.find((service) => service.id === id)?.name) || id);
      setText(one(item, ".choice-services"), names.join(t("unit.list")));
      const chip = one(item, ".chip");
      setText(chip, row.closed ? t("closed.badge") : t(/** @type {any} */ (`counter_state.${row.state}`)));
      setAttribute(chip, "data-kind", row.closed ? "closed" : `counter_${row.state}`);
    },
  );
}

/** @param {CounterState} state */
function renderState(state) {
  /** @type {CounterState[]} */
  const all = ["open", "paused", "closed"];
  follow(
    one(document, "#counter-state"),
    all,
    (name) => name,
    (name) => el("button", { type: "button", "data-state": name, click: () => void setState(name) }),
    (button, name) => {
      setText(button, t(/** @type {any} */ (`counter_state.${name}`)));
      setAttribute(button, "aria-pressed", String(name === state));
    },
  );
}

/** @param {State} state */
function renderCurrent(state) {
  const row = current(state);
  const card = one(document, ".current");
  setAttribute(card, "data-state", row?.state ?? "idle");
  setText(one(document, "#current-title"), row ? t(/** @type {any} */ (`state.${row.state}`)) : t("counter.idle"));
  setText(one(document, "#current-number"), row?.number ?? "–");
  setText(one(document, "#current-name"), row?.name ?? "");
  one(document, "#current-tags").replaceChildren(...(row ? tags(row, state) : []));
  setText(one(document, "#current-why"), row ? [row.rule ? why(row, state) : "", goesOn(row, state)].filter((part) => part !== "").join(" · ") : "");
  show(one(document, "#why"), row !== null && desk.role() !== "viewer");
  const name = row ? `${row.id} ${row.call} ${row.state} ${row.recalls}` : "";
  if (name !== spokenOf) {
    spokenOf = name;
    setText(one(document, "#spoken"), row ? `${row.number} ${t(/** @type {any} */ (`state.${row.state}`))}` : t("counter.idle"));
  }
}

/** What comes after this. @param {TicketRow} row @param {State} state */
function goesOn(row, state) {
  if (row.steps.length === 0) return "";
  const names = row.steps.map((step) => words(state.services.find((service) => service.id === step.service)?.name) || step.service);
  return t("ticket.next_steps", { next: names.join(" → ") });
}

/** @param {TicketRow} row @param {State} state */
function why(row, state) {
  const rule = t(/** @type {any} */ (`rule.${row.rule}`), { lane: t(/** @type {any} */ (`lane.${row.lane}`)) });
  const reason = reasonText(state, row);
  return reason === "" ? rule : `${rule} · ${reason}`;
}

/**
 * @param {State} state
 * @param {CounterState} counterState
 */
function renderActs(state, counterState) {
  const row = current(state);
  const waits = waitingFor(state, counter);
  const open = counterState === "open";
  setText(one(next, ".act-name"), t("act.next"));
  setText(one(next, "kbd"), t("counter.next_keys"));
  const detail = !open ? t("counter.open_first") : row ? t("counter.next_completes", { number: row.number }) : waits > 0 ? t("counter.next_waiting", { n: waits }) : t("counter.nobody_waits");
  setText(one(next, ".act-detail"), detail);
  // Not `disabled`, which would take the focus away from the hand that rests on it.
  const rests = desk.busy() || !open || performance.now() < nextRestsUntil;
  setAttribute(next, "aria-disabled", rests ? "true" : null);
  for (const act of ACTS) {
    const button = one(document, `[data-act="${act.name}"]`);
    setText(one(button, ".act-name"), t(/** @type {any} */ (`act.${act.name}`)));
    setAttribute(button, "aria-disabled", !row || !act.states.includes(row.state) || desk.busy() ? "true" : null);
  }
}

/** @param {State} state */
function renderPreview(state) {
  const services = counterOf(state, counter)?.services ?? [];
  setText(one(document, "#preview-title"), t("counter.preview", { n: waitingFor(state, counter) }));
  follow(one(document, "#preview"), nextOf(state, counter), (row) => String(row.id), create, (item, row) => {
    update(item, row, state);
    const button = one(item, ".button");
    setText(button, t("counter.call"));
    setAttribute(button, "aria-label", t("counter.call_this", { number: row.number }));
  });
  const away = services.flatMap((service) => ticketsIn(state, service, ["held", "missed"]));
  setText(one(document, "#away-title"), t("counter.away", { n: away.length }));
  follow(one(document, "#away"), away.slice(0, AWAY_ROWS), (row) => `${row.id} ${row.state}`, create, (item, row) => {
    update(item, row, state);
    const name = row.state === "held" ? t("act.return") : t("act.requeue");
    const button = one(item, ".button");
    setText(button, name);
    setAttribute(button, "aria-label", `${row.number} ${name}`);
  });
}

/** @param {TicketRow} row */
function create(row) {
  return el("li", { class: "row" }, el("button", { type: "button", class: "row-number", click: () => story(row.id) }), el("span", { class: "row-name" }), el("span", { class: "row-tags" }), el("span", { class: "row-minutes" }), el("button", { type: "button", class: "button small", click: () => rowPressed(row.id) }));
}

/**
 * @param {HTMLElement} item
 * @param {TicketRow} row
 * @param {State} state
 */
function update(item, row, state) {
  const number = one(item, ".row-number");
  setText(number, row.number);
  setAttribute(number, "aria-label", `${row.number} ${t("story.why")}`);
  setText(one(item, ".row-name"), row.name ?? "");
  one(item, ".row-tags").replaceChildren(...tags(row, state, { service: (counterOf(state, counter)?.services.length ?? 0) > 1 }));
  setText(one(item, ".row-minutes"), t("unit.minutes", { n: minutesSince(row.queued_at, desk.clock.now()) }));
}

/** @param {number | undefined} id  the ticket at the counter, if none is named */
function story(id) {
  const state = desk.state();
  const row = state && (id === undefined ? current(state) : state.tickets.get(id));
  if (state && row && desk.role() !== "viewer") void showStory(venue, row, state);
}

/** @param {number} id */
function rowPressed(id) {
  const row = desk.state()?.tickets.get(id);
  if (!row) return;
  if (row.state === "held") void send(of(row, "returns"), {}, t("counter.did_return", { number: row.number }));
  else if (row.state === "missed") void bringBack(row);
  else void callThis(row);
}

/** @param {TicketRow} row */
async function bringBack(row) {
  const answer = await ask({ title: t("triage.requeue_title", { number: row.number }), agree: t("act.requeue"), reasons: reasons("requeue") });
  if (answer) await send(of(row, "requeues"), { reason: answer["reason"] }, t("counter.did_requeue", { number: row.number }));
}

/** Counts on what ages by itself. */
function tick() {
  const state = desk.state();
  const row = state && current(state);
  if (!row || !row.called_at) return setText(one(document, "#current-since"), "");
  const n = minutesSince(row.called_at, desk.clock.now());
  const recalls = row.recalls > 0 ? ` · ${t("board.recalled", { n: row.recalls })}` : "";
  setText(one(document, "#current-since"), (n === 0 ? t("counter.since_now") : t("counter.since", { n })) + recalls);
}

one(document, "#why").addEventListener("click", () => story(undefined));
one(document, "#change-counter").addEventListener("click", () => choose(""));

/** @param {string} name */
const key = (name) => () => {
  if (counter !== "" && desk.state()) press(name);
};
const nextKey = () => {
  if (counter !== "" && desk.state()) void callNext();
};
bindKeys({
  n: nextKey,
  " ": nextKey,
  enter: nextKey,
  ...Object.fromEntries(ACTS.map((act) => [act.key, key(act.name)])),
  w: () => story(undefined),
  u: desk.undo,
  "ctrl+z": desk.undo,
});

onLanguage(desk.refresh);
void desk.start();
