// @ts-check
/**
 * The triage desk: the whole queue at a glance, in the order in which people will be called, and every action on it
 * with its reason and a way back.
 *
 * @typedef {import("../lib/store.js").State} State
 * @typedef {import("../lib/wire").TicketRow} TicketRow
 * @typedef {import("../lib/wire").AppointmentRow} AppointmentRow
 * @typedef {import("../lib/wire").CardState} CardState
 * @typedef {{ group: string, row: TicketRow | null, place: number }} Line
 *   of the list: a ticket with its place, or the name of the service that follows
 */
import { path } from "../lib/api.js";
import { askClass, className, classesOf } from "../lib/classes.js";
import { ask } from "../lib/dialog.js";
import { el, follow, one, setAttribute, setText, show } from "../lib/dom.js";
import { maySeeFigures, showFigures } from "../lib/figures.js";
import { languageSwitcher, startPage, subject } from "../lib/page.js";
import { closeOrReopen, noteText, setSteps, skipStep, transfer, venueName } from "../lib/moves.js";
import { grounds, reasonText, reasons } from "../lib/reasons.js";
import { bindKeys, createConsole } from "../lib/staff.js";
import { matches, queueOf, ticketsIn } from "../lib/store.js";
import { showStory } from "../lib/story.js";
import { tags } from "../lib/tags.js";
import { onLanguage, t, words } from "../lib/text.js";
import { hourMinute, minutesSince } from "../lib/time.js";

/** After the queue: who is at a counter, away, or was missed. */
/** @type {CardState[]} */
const OTHERS = ["called", "serving", "held", "missed", "transferring"];
const NAME_CHARS_MAX = 40;
/** How long after a try that came to nothing the classes are asked for again. */
const CLASSES_AGAIN_MS = 5_000;

startPage();
languageSwitcher(one(document, "#languages"));
const venue = subject();
/** @type {"queue" | "appointments"} */
let view = "queue";
/** The service shown; empty for all. */
let service = "";
/** The row that the side panel is about: a ticket's id, or a booking's code. */
let selected = "";
let sideFor = "";
/** The classes of each service (E1). */
/** @type {Map<string, import("../lib/wire").ClassRow[]>} */
let classes = new Map();

const search = one(document, "#search", "input");
const side = one(document, "#side");
const desk = createConsole({ venue, render, tick });

/** @param {string} name */
const at = (name) => `/venues/${path(venue)}/${name}`;
/** @param {TicketRow} row @param {string} name */
const of = (row, name) => at(`tickets/${row.id}/${name}`);

/**
 * What can be done with a ticket: its key, in which states, and how.
 *
 * @type {{ name: string, key: string, states: CardState[], danger?: boolean, when?: (row: TicketRow) => boolean, act: (row: TicketRow) => Promise<void> }[]}
 */
const ACTS = [
  { name: "green_channel", key: "g", states: ["waiting", "ready", "inside"], act: (row) => grant(row, "green_channel") },
  { name: "emergency", key: "e", states: ["waiting", "ready", "inside"], act: (row) => grant(row, "emergency") },
  { name: "hold", key: "h", states: ["waiting", "ready", "inside", "called", "serving"], act: hold },
  { name: "return", key: "b", states: ["held"], act: giveBack },
  { name: "requeue", key: "b", states: ["missed"], act: requeue },
  { name: "transfer", key: "t", states: ["waiting", "ready", "inside", "called", "serving", "held", "missed"], act: (row) => transfer(desk, venue, row, { triage: true }).then(focusRow) },
  { name: "steps", key: "s", states: ["waiting", "ready", "inside", "called", "serving", "held", "missed"], act: (row) => setSteps(desk, venue, row).then(focusRow) },
  { name: "skip", key: "k", states: ["waiting", "ready", "inside", "called", "serving", "held", "missed"], when: (row) => row.steps.length > 0, act: (row) => skipStep(desk, venue, row).then(focusRow) },
  { name: "class", key: "l", states: ["waiting", "ready", "inside", "called", "serving", "held", "missed"], when: (row) => classesFor(row).length > 0, act: classify },
  { name: "cancel", key: "x", states: ["waiting", "ready", "inside", "called", "held", "missed"], danger: true, act: cancel },
];

/** @param {(typeof ACTS)[number]} act @param {TicketRow} row */
const can = (act, row) => act.states.includes(row.state) && (act.when?.(row) ?? true);

/**
 * @param {string} address
 * @param {object} body
 * @param {string} done
 */
async function send(address, body, done) {
  await desk.act("POST", address, body, () => done);
  focusRow();
}

/** @param {TicketRow} row @param {"green_channel" | "emergency"} urgency */
async function grant(row, urgency) {
  const state = desk.state();
  if (!state) return;
  const name = t(/** @type {any} */ (`urgency.${urgency}`));
  const answer = await ask({ title: t("triage.grant_title", { urgency: name, number: row.number }), about: t("triage.grant_about"), agree: name, danger: urgency === "emergency", reasons: grounds(state, urgency) });
  if (answer) await send(of(row, "green_channel"), { code: answer["code"], reason: answer["reason"], urgency }, t("triage.did_grant", { urgency: name, number: row.number }));
}

/** @param {TicketRow} row */
async function hold(row) {
  const answer = await ask({ title: t("counter.hold_title", { number: row.number }), about: t("counter.hold_about"), agree: t("act.hold"), reasons: reasons("hold") });
  if (answer) await send(of(row, "holds"), { reason: answer["reason"] }, t("counter.did_hold", { number: row.number }));
}

/** @param {TicketRow} row */
async function giveBack(row) {
  await send(of(row, "returns"), {}, t("counter.did_return", { number: row.number }));
}

/** @param {TicketRow} row */
async function requeue(row) {
  const answer = await ask({ title: t("triage.requeue_title", { number: row.number }), about: t("triage.requeue_about"), agree: t("act.requeue"), reasons: reasons("requeue") });
  if (answer) await send(of(row, "requeues"), { reason: answer["reason"] }, t("counter.did_requeue", { number: row.number }));
}

/** @param {TicketRow} row */
const classesFor = (row) => classes.get(row.service) ?? [];

/** @param {TicketRow} row */
async function classify(row) {
  const chosen = await askClass(row.number, classesFor(row), row.class);
  if (chosen === null) return;
  const name = chosen === "" ? t("triage.no_class") : className(classesFor(row), chosen);
  await desk.act("PUT", of(row, "class"), chosen === "" ? {} : { class: chosen }, () => t("triage.did_class", { number: row.number, class: name }));
  focusRow();
}

/** What the console is not told of: asked once, and again while nobody answers. */
async function learnClasses() {
  try {
    classes = await classesOf(venue);
    desk.refresh();
  } catch {
    setTimeout(learnClasses, CLASSES_AGAIN_MS);
  }
}

/** @param {TicketRow} row */
async function cancel(row) {
  const answer = await ask({ title: t("triage.cancel_title", { number: row.number }), about: t("triage.cancel_about"), agree: t("act.cancel"), danger: true, reasons: reasons("cancel") });
  if (answer) await send(of(row, "cancellations"), { reason: answer["reason"] }, t("triage.did_cancel", { number: row.number }));
}

async function addOverflow() {
  const state = desk.state();
  if (!state || desk.busy()) return;
  const options = state.services.map((other) => ({ value: other.id, label: `${words(other.name)} · ${quota(other)}` }));
  const answer = await ask({
    title: t("triage.overflow_title"),
    about: t("triage.overflow_about"),
    agree: t("triage.add_overflow"),
    fields: [
      { name: "service", label: t("triage.service"), kind: "select", options, value: service || (options[0]?.value ?? ""), required: true },
      { name: "approved_by", label: t("triage.approved_by"), required: true, max: NAME_CHARS_MAX },
      { name: "name", label: t("triage.name"), max: NAME_CHARS_MAX },
      { name: "note", label: t("triage.note") },
    ],
    reasons: grounds(state, "overflow"),
  });
  if (!answer) return;
  /** @type {Record<string, unknown>} */
  const body = { service: answer["service"], code: answer["code"], reason: answer["reason"], approved_by: answer["approved_by"] };
  if (answer["name"]) body["name"] = answer["name"];
  if (answer["note"]) body["note"] = answer["note"];
  const chosen = desk.state()?.services.find((other) => other.id === answer["service"]);
  if (chosen && chosen.overflow_count >= chosen.overflow_max && chosen.over_quota_role) {
    const approver = await askApprover(chosen, chosen.over_quota_role);
    if (!approver) return;
    if (approver.user) body["approver"] = approver;
  }
  const issued = await desk.act("POST", at("overflows"), body, (added) => t("triage.did_overflow", { number: added.number }));
  if (issued) select(String(issued.id));
}

/**
 * Over the quota somebody whose role is enough gives their word (B3): whoever is logged in, or another account.
 *
 * @param {import("../lib/wire").QueueOrder} row
 * @param {"clerk" | "nurse" | "manager" | "administrator"} least
 * @returns {Promise<{ user: string, password: string } | null>}  no user where it is one's own word; null when left
 */
async function askApprover(row, least) {
  const role = t(`role.${least}`);
  const answer = await ask({
    title: t("triage.over_quota_title"),
    about: t("triage.over_quota_about", { service: words(row.name), max: row.overflow_max, role }),
    agree: t("triage.add_overflow"),
    danger: true,
    fields: [
      { name: "user", label: t("triage.approver_user"), hint: t("triage.approver_hint"), max: NAME_CHARS_MAX },
      { name: "password", label: t("triage.approver_password"), kind: "password" },
    ],
  });
  return answer && { user: answer["user"] ?? "", password: answer["password"] ?? "" };
}

/** @param {AppointmentRow} row */
async function checkIn(row) {
  await desk.act("POST", at("check-ins"), { code: row.code }, (issued) => t("triage.did_check_in", { code: row.code, number: issued.number }));
}

/** @param {import("../lib/wire").QueueOrder} row */
const quota = (row) => t("triage.quota", { count: row.overflow_count, max: row.overflow_max });

/** @param {State} state */
function render(state) {
  renderViews();
  renderServices(state);
  show(one(document, "#show-figures"), maySeeFigures(desk.role()));
  if (view === "queue") renderQueue(state);
  else renderAppointments(state);
  renderSide(state);
}

function renderViews() {
  follow(
    one(document, "#views"),
    /** @type {("queue" | "appointments")[]} */ (["queue", "appointments"]),
    (name) => name,
    (name) => el("button", { type: "button", "data-view": name, click: () => turnTo(name) }),
    (button, name) => {
      setText(button, t(`triage.view_${name}`));
      setAttribute(button, "aria-pressed", String(name === view));
    },
  );
}

/** @param {"queue" | "appointments"} name */
function turnTo(name) {
  view = name;
  selected = "";
  one(document, "#rows").replaceChildren();
  desk.refresh();
}

/** @param {State} state */
function renderServices(state) {
  const all = { id: "", name: null, waiting: state.services.reduce((sum, row) => sum + row.waiting, 0), row: null };
  const entries = [all, ...state.services.map((row) => ({ id: row.id, name: row.name, waiting: row.waiting, row }))];
  follow(
    one(document, "#services"),
    entries,
    (entry) => entry.id,
    (entry) =>
      el(
        "li",
        {},
        el("button", { type: "button", class: "service", click: () => pick(entry.id) }, el("span", { class: "service-name" }), el("strong"), el("small", { class: "service-gap" }), el("small", { class: "service-quota" }), el("small", { class: "service-shut" })),
      ),
    (item, entry) => {
      setText(one(item, ".service-name"), entry.name ? words(entry.name) : t("triage.all"));
      setText(one(item, "strong"), String(entry.waiting));
      const gap = entry.row?.gap_s ?? null;
      setText(one(item, ".service-gap"), gap === null ? "" : t("triage.gap", { minutes: (gap / 60).toFixed(1) }));
      setText(one(item, ".service-quota"), entry.row ? quota(entry.row) : "");
      setText(one(item, ".service-shut"), entry.row?.closed ? `${t("closed.badge")} · ${entry.row.closed.reason}` : "");
      const button = one(item, "button");
      setAttribute(button, "aria-pressed", String(entry.id === service));
      setAttribute(one(item, ".service-quota"), "data-full", entry.row && entry.row.overflow_count >= entry.row.overflow_max ? "true" : null);
    },
  );
}

/** @param {string} id */
function pick(id) {
  service = id;
  desk.refresh();
}

/**
 * Every row of the queue that is shown, in order, with its place where it has one.
 *
 * @param {State} state
 */
function shownRows(state) {
  const services = state.services.filter((row) => service === "" || row.id === service);
  return services
    .flatMap((one) => [
      ...queueOf(state, one.id).map((row, index) => ({ row, place: index + 1 })),
      ...OTHERS.flatMap((name) => ticketsIn(state, one.id, [name])).map((row) => ({ row, place: 0 })),
    ])
    .filter(({ row }) => matches(row, search.value));
}

/** @param {...import("../lib/text.js").Key} keys */
function head(...keys) {
  const host = one(document, "#head");
  const wanted = keys.map((key) => t(key));
  if (host.textContent === wanted.join("")) return;
  host.replaceChildren(el("tr", {}, ...wanted.map((text) => el("th", { scope: "col" }, text))));
}

/** @param {State} state */
function renderQueue(state) {
  head("triage.place", "triage.number", "triage.name", "triage.marks", "triage.waited", "triage.state");
  const rows = shownRows(state);
  /** @type {Line[]} */
  const lines = [];
  for (const entry of rows) {
    const name = entry.row.service;
    if (service === "" && lines[lines.length - 1]?.row?.service !== name) lines.push({ group: name, row: null, place: 0 });
    lines.push({ group: "", ...entry });
  }
  const chosen = state.services.find((row) => row.id === service);
  setText(one(document, "#list-title"), `${chosen ? words(chosen.name) : t("triage.all")} · ${t("triage.shown", { n: rows.length })}`);
  follow(
    one(document, "#rows"),
    lines,
    ({ group, row }) => (row ? String(row.id) : `group ${group}`),
    ({ row }) => (row ? tableRow(String(row.id), 6) : el("tr", { class: "group" }, el("th", { scope: "colgroup", colspan: "6" }))),
    (line, { group, row, place }) => {
      if (!row) return setText(one(line, "th"), words(state.services.find((other) => other.id === group)?.name) || group);
      const [cell0, cell1, cell2, cell3, cell4, cell5] = Array.from(line.cells);
      if (!cell0 || !cell1 || !cell2 || !cell3 || !cell4 || !cell5) return;
      setText(cell0, place > 0 ? String(place) : "");
      setText(cell1, row.number);
      setText(cell2, row.name ?? "");
      const mark = JSON.stringify([row.urgency, row.lane, row.slot_start, row.wants, row.misses, row.steps, row.note, row.guest, service, row.service, document.documentElement.lang]);
      if (cell3.dataset.mark !== mark) {
        cell3.dataset.mark = mark;
        cell3.replaceChildren(...tags(row, state, { service: false }));
      }
      setText(cell4, t("unit.minutes", { n: minutesSince(row.queued_at, desk.clock.now()) }));
      setText(cell5, stateText(row, state));
      markRow(line, String(row.id), row.state);
    },
  );
  renderEmpty(rows.length, t("triage.nobody"));
  keepReachable();
}

/** @param {TicketRow} row @param {State} state */
function stateText(row, state) {
  const name = t(/** @type {any} */ (`state.${row.state}`));
  const counter = row.counter ? words(state.counters.find((other) => other.id === row.counter)?.name) || row.counter : "";
  return counter ? `${name} · ${counter}` : name;
}

/** @param {State} state */
function renderAppointments(state) {
  head("triage.code", "triage.name", "triage.service", "triage.slot", "triage.state");
  const rows = [...state.appointments.values()]
    .filter((row) => (service === "" || row.service === service) && matches({ ...row, number: state.tickets.get(row.ticket ?? -1)?.number ?? "" }, search.value))
    .sort((a, b) => Number(a.ticket !== null) - Number(b.ticket !== null) || a.slot_start.localeCompare(b.slot_start) || a.code.localeCompare(b.code));
  setText(one(document, "#list-title"), `${t("triage.view_appointments")} · ${t("triage.shown", { n: rows.length })}`);
  follow(
    one(document, "#rows"),
    rows,
    (row) => row.code,
    (row) => tableRow(row.code, 5),
    (line, row) => {
      const [cell0, cell1, cell2, cell3, cell4] = Array.from(line.cells);
      if (!cell0 || !cell1 || !cell2 || !cell3 || !cell4) return;
      setText(cell0, row.code);
      setText(cell1, row.name ?? "");
      setText(cell2, words(state.services.find((other) => other.id === row.service)?.name) || row.service);
      setText(cell3, `${hourMinute(row.slot_start, state.time_zone)}–${hourMinute(row.slot_end, state.time_zone)}`);
      const number = row.ticket === null ? null : (state.tickets.get(row.ticket)?.number ?? "");
      const away = row.no_show ? t("triage.not_shown") : t("triage.expected");
      setText(cell4, number === null ? away : t("triage.checked_in", { number }));
      markRow(line, row.code, row.no_show ? "no_show" : row.ticket === null ? "expected" : "arrived");
    },
  );
  renderEmpty(rows.length, t("triage.no_appointments"));
  keepReachable();
}

/** @param {string} key @param {number} cells */
function tableRow(key, cells) {
  const line = el("tr", { click: () => select(key), focus: () => select(key) });
  for (let index = 0; index < cells; index += 1) line.append(el("td"));
  return line;
}

/** @param {HTMLElement} line @param {string} key @param {string} state */
function markRow(line, key, state) {
  setAttribute(line, "data-state", state);
  setAttribute(line, "aria-selected", String(key === selected));
  setAttribute(line, "tabindex", key === selected ? "0" : "-1");
}

/** One row can always be reached by the tab key. */
function keepReachable() {
  const body = one(document, "#rows");
  if (!body.querySelector('[tabindex="0"]')) body.querySelector("tr[tabindex]")?.setAttribute("tabindex", "0");
}

/** @param {number} count @param {string} text */
function renderEmpty(count, text) {
  const empty = one(document, "#empty", "p");
  show(empty, count === 0);
  setText(empty, text);
}

/** @param {string} key */
function select(key) {
  if (key === selected) return;
  selected = key;
  desk.refresh();
}

function focusRow() {
  const row = one(document, "#rows").querySelector('[aria-selected="true"]');
  if (row instanceof HTMLElement) row.focus({ preventScroll: true });
}

/** @param {State} state */
function renderSide(state) {
  const ticket = view === "queue" ? state.tickets.get(Number(selected)) : undefined;
  const booking = view === "appointments" ? state.appointments.get(selected) : undefined;
  const name = JSON.stringify([ticket ?? booking ?? null, ticket ? classesFor(ticket) : null, document.documentElement.lang, desk.busy()]);
  if (name === sideFor) return;
  sideFor = name;
  // The panel is made anew only when its subject changed; a focused button of the same action keeps the focus.
  const focused = side.contains(document.activeElement) ? document.activeElement?.getAttribute("data-act") : null;
  if (ticket) side.replaceChildren(...ticketPanel(ticket, state));
  else if (booking) side.replaceChildren(...bookingPanel(booking, state));
  else side.replaceChildren(el("p", { class: "side-empty" }, t(view === "queue" ? "triage.choose_row" : "triage.choose_booking")), ...keysHelp());
  if (focused) side.querySelector(`[data-act="${focused}"]`)?.dispatchEvent(new Event("refocus", { bubbles: true }));
}

side.addEventListener("refocus", (event) => {
  if (event.target instanceof HTMLElement) event.target.focus({ preventScroll: true });
});

/** @param {TicketRow} row @param {State} state */
function ticketPanel(row, state) {
  /** @type {[string, string][]} */
  const facts = [
    [t("triage.service"), words(state.services.find((other) => other.id === row.service)?.name)],
    [t("triage.state"), stateText(row, state)],
    [t("triage.issued_at"), hourMinute(row.issued_at, state.time_zone)],
    [t("triage.queued_at"), hourMinute(row.queued_at, state.time_zone)],
  ];
  if (row.called_at) facts.push([t("triage.called_at"), hourMinute(row.called_at, state.time_zone)]);
  if (row.rule) facts.push([t("triage.why"), t(/** @type {any} */ (`rule.${row.rule}`), { lane: t(/** @type {any} */ (`lane.${row.lane}`)) })]);
  const reason = reasonText(state, row);
  if (reason !== "") facts.push([t("dialog.reason"), reason]);
  if (row.appointment) facts.push([t("triage.code"), row.appointment]);
  if (row.class) facts.push([t("triage.class"), className(classesFor(row), row.class)]);
  if (row.note) facts.push([t("triage.note"), noteText(row.note, state)]);
  if (row.steps.length > 0) facts.push([t("act.steps"), row.steps.map((step) => words(state.services.find((other) => other.id === step.service)?.name) || step.service).join(" → ")]);
  for (const stop of row.guest?.stops ?? []) facts.push([t("tag.guest", { venue: venueName(stop.venue) }), `${hourMinute(stop.at, state.time_zone)} · ${stop.reason}`]);
  return [
    el("h2", { class: "side-number" }, row.number),
    el("p", { class: "side-name" }, row.name ?? ""),
    el("p", { class: "side-tags" }, ...tags(row, state, { service: false })),
    factList(facts),
    el(
      "div",
      { class: "side-acts" },
      desk.role() !== "viewer" && el("button", { type: "button", class: "button", "data-act": "why", click: why }, el("span", {}, t("story.why")), el("kbd", {}, "W")),
      ...ACTS.filter((act) => can(act, row)).map((act) =>
        el("button", { type: "button", class: act.danger ? "button danger-text" : "button", "data-act": act.name, "aria-disabled": desk.busy() ? "true" : null, click: () => press(act.key) }, el("span", {}, t(/** @type {any} */ (`act.${act.name}`))), el("kbd", {}, act.key.toUpperCase())),
      ),
    ),
  ];
}

/** @param {AppointmentRow} row @param {State} state */
function bookingPanel(row, state) {
  /** @type {[string, string][]} */
  const facts = [
    [t("triage.service"), words(state.services.find((other) => other.id === row.service)?.name)],
    [t("triage.slot"), `${hourMinute(row.slot_start, state.time_zone)}–${hourMinute(row.slot_end, state.time_zone)}`],
  ];
  const number = row.ticket === null ? null : (state.tickets.get(row.ticket)?.number ?? "");
  if (number !== null) facts.push([t("triage.state"), t("triage.checked_in", { number })]);
  if (row.no_show) facts.push([t("triage.state"), t("triage.not_shown")]);
  return [
    el("h2", { class: "side-number" }, row.name ?? row.code),
    el("p", { class: "side-name" }, row.name ? row.code : ""),
    factList(facts),
    el(
      "div",
      { class: "side-acts" },
      number === null && !row.no_show && el("button", { type: "button", class: "button primary wide", "data-act": "check_in", "aria-disabled": desk.busy() ? "true" : null, click: () => press("enter") }, el("span", {}, t("act.check_in")), el("kbd", {}, "Enter")),
    ),
  ];
}

/** @param {[string, string][]} facts */
function factList(facts) {
  return el("dl", { class: "facts" }, ...facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

function keysHelp() {
  /** @type {[string, string][]} */
  const keys = [["↑ ↓", t("triage.key_move")], ["/", t("triage.search")], ["A", t("triage.add_overflow")], ["C", t("move.what")], ["U", t("undo.name")]];
  return [el("dl", { class: "facts keys" }, ...keys.map(([key, what]) => el("div", {}, el("dt", {}, el("kbd", {}, key)), el("dd", {}, what))))];
}

/** @param {string} key  of an action, on the selected row */
function press(key) {
  const state = desk.state();
  if (!state || desk.busy()) return;
  if (view === "appointments") {
    const booking = state.appointments.get(selected);
    if (key === "enter" && booking && booking.ticket === null) void checkIn(booking);
    return;
  }
  const row = state.tickets.get(Number(selected));
  const act = row && ACTS.find((candidate) => candidate.key === key && can(candidate, row));
  if (row && act) void act.act(row);
}

/** The story of the selected ticket. */
function why() {
  const state = desk.state();
  const row = view === "queue" ? state?.tickets.get(Number(selected)) : undefined;
  if (state && row && desk.role() !== "viewer") void showStory(venue, row, state);
}

function day() {
  const state = desk.state();
  if (state && maySeeFigures(desk.role())) void showFigures(venue, state);
}

/** @param {number} step */
function move(step) {
  const rows = Array.from(/** @type {NodeListOf<HTMLElement>} */ (one(document, "#rows").querySelectorAll("tr[tabindex]")));
  const index = rows.findIndex((row) => row.dataset.key === selected);
  const row = rows[index < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, index + step))];
  row?.focus();
}

/** Waiting minutes go on by themselves, once a minute of the venue. */
let minuteShown = -1;
function tick() {
  const minute = Math.floor(desk.clock.now() / 60_000);
  const state = desk.state();
  if (minute === minuteShown || !state || view !== "queue") return;
  minuteShown = minute;
  renderQueue(state);
}

search.addEventListener("input", desk.refresh);
search.addEventListener("keydown", (event) => {
  if (event.key === "Enter" || event.key === "ArrowDown") {
    event.preventDefault();
    event.stopPropagation();
    const first = one(document, "#rows").querySelector("tr[tabindex]");
    if (first instanceof HTMLElement) {
      select(first.dataset.key ?? "");
      first.focus();
    }
  }
});
one(document, "#close").addEventListener("click", () => void closeOrReopen(desk, venue, service));
one(document, "#add-overflow").addEventListener("click", () => void addOverflow());
one(document, "#show-figures").addEventListener("click", day);

bindKeys({
  a: () => void addOverflow(),
  c: () => void closeOrReopen(desk, venue, service),
  d: day,
  w: why,
  "/": () => {
    search.focus();
    search.select();
  },
  escape: () => {
    if (search.value !== "") {
      search.value = "";
      desk.refresh();
    }
    focusRow();
  },
  arrowdown: () => move(1),
  arrowup: () => move(-1),
  enter: () => press("enter"),
  u: desk.undo,
  "ctrl+z": desk.undo,
  ...Object.fromEntries(["g", "e", "h", "b", "t", "s", "k", "l", "x"].map((key) => [key, () => press(key)])),
});

onLanguage(() => {
  one(document, "#head").replaceChildren();
  desk.refresh();
});
void desk.start();
void learnClasses();
