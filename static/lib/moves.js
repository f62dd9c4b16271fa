// @ts-check
/**
 * The questions of the staff consoles about moving people: to another service or venue, from step to step, out of
 * what is closed. Each says what it will do before it is done, and asks for a reason.
 *
 * @typedef {import("./store.js").State} State
 * @typedef {import("./wire").TicketRow} TicketRow
 * @typedef {import("./wire").VenueSummary} VenueSummary
 * @typedef {import("./wire").ClosureAnswer} ClosureAnswer
 * @typedef {import("./wire").NoteRow} NoteRow
 * @typedef {ReturnType<typeof import("./staff.js").createConsole>} Desk
 */
import { get, path } from "./api.js";
import { ask } from "./dialog.js";
import { reasons } from "./reasons.js";
import { t, tOf, words } from "./text.js";
import { toast, toastFailure } from "./toast.js";

/** A plan of more steps than this is made in two goes. */
const STEPS_SHOWN_MAX = 8;

/** The other venues, for their names; asked for once. @type {VenueSummary[]} */
let venues = [];

async function loadVenues() {
  try {
    venues = (await get("/venues")).venues;
  } catch {
    // Names of other venues fall back to their ids.
  }
  return venues;
}
void loadVenues();

/** @param {string} id */
export const venueName = (id) => words(venues.find((venue) => venue.id === id)?.name) || id;

/** @param {State} state @param {string} id */
const serviceName = (state, id) => words(state.services.find((service) => service.id === id)?.name) || id;
/** @param {State} state @param {string} id */
const counterName = (state, id) => words(state.counters.find((counter) => counter.id === id)?.name) || id;

/**
 * Why a ticket is where nobody expected it, in words.
 *
 * @param {NoteRow} note
 * @param {State} state
 */
export function noteText(note, state) {
  if (note.note === "turned_back") return `${t("tag.turned_back", { venue: venueName(note.venue) })}: ${tOf("problem", note.code) ?? note.code}`;
  return t("tag.moved", { what: note.service ? serviceName(state, note.service) : counterName(state, note.counter ?? "") });
}

/**
 * To another service of the venue, or to one of another venue.
 *
 * @param {Desk} desk
 * @param {string} venue
 * @param {TicketRow} row
 * @param {{ triage: boolean }} options  the desk may also name a counter, and grant precedence
 */
export async function transfer(desk, venue, row, { triage }) {
  const state = desk.state();
  if (!state) return;
  const here = state.services
    .filter((service) => service.id !== row.service && !service.closed)
    .map((service) => ({ value: `/${service.id}`, label: `${words(service.name)} (${t("board.waiting", { n: service.waiting })})` }));
  const elsewhere = (await loadVenues())
    .filter((other) => other.id !== venue)
    .flatMap((other) => other.services.filter((service) => !service.closed).map((service) => ({ value: `${other.id}/${service.id}`, label: `${words(other.name)} · ${words(service.name)} (${t("board.waiting", { n: service.waiting })})` })));
  const options = [...here, ...elsewhere];
  if (options.length === 0) return toast(t("counter.no_other_service"));
  const counters = [{ value: "", label: t("triage.any_counter") }, ...state.counters.map((counter) => ({ value: counter.id, label: words(counter.name) }))];
  const urgencies = [{ value: "", label: t("move.no_urgency") }, { value: "green_channel", label: t("urgency.green_channel") }, { value: "emergency", label: t("urgency.emergency") }];
  /** @type {import("./dialog.js").Field[]} */
  const fields = [{ name: "to", label: t("move.to"), kind: "select", options, value: options[0]?.value ?? "", required: true }];
  if (triage) {
    fields.push({ name: "counter", label: t("triage.wanted_counter"), kind: "select", options: counters, value: "" });
    fields.push({ name: "urgency", label: t("move.urgency"), kind: "select", options: urgencies, value: "" });
  }
  const about = elsewhere.length > 0 ? t("move.send_about") : undefined;
  const answer = await ask({ title: t("counter.transfer_title", { number: row.number }), ...(about ? { about } : {}), agree: t("act.transfer"), fields, reasons: reasons("transfer") });
  if (!answer) return;
  const [to = "", service = ""] = (answer["to"] ?? "").split("/");
  /** @type {Record<string, string | undefined>} */
  const body = { service, reason: answer["reason"] };
  if (to !== "") body["venue"] = to;
  if (answer["counter"] && to === "") body["counter"] = answer["counter"];
  if (answer["urgency"]) body["urgency"] = answer["urgency"];
  await desk.act("POST", `/venues/${path(venue)}/tickets/${row.id}/transfers`, body, () => {
    if (to === "") return t("counter.did_transfer", { number: row.number });
    // What has left the house cannot be taken back, so no way back is offered.
    toast(t("move.did_send", { number: row.number, venue: venueName(to) }), "good");
    return null;
  });
}

/**
 * What is still to be done after the present step.
 *
 * @param {Desk} desk
 * @param {string} venue
 * @param {TicketRow} row
 */
export async function setSteps(desk, venue, row) {
  const state = desk.state();
  if (!state) return;
  const options = [{ value: "", label: t("move.no_step") }, ...state.services.map((service) => ({ value: service.id, label: words(service.name) }))];
  const shown = Math.min(STEPS_SHOWN_MAX, Math.max(3, row.steps.length + 1));
  const fields = Array.from({ length: shown }, (_, index) => ({
    name: `step${index}`,
    label: t("move.step", { n: row.steps_done + index + 2 }),
    kind: /** @type {const} */ ("select"),
    options,
    value: row.steps[index]?.service ?? "",
  }));
  const answer = await ask({ title: t("move.steps_title", { number: row.number }), about: t("move.steps_about"), agree: t("act.steps"), fields, reasons: reasons("steps") });
  if (!answer) return;
  const chosen = fields.map((field) => answer[field.name] ?? "").filter((service) => service !== "");
  const steps = [...chosen, ...row.steps.slice(shown).map((step) => step.service)].map((service) => {
    // A step that stays keeps its counter.
    const counter = row.steps.find((step) => step.service === service)?.counter;
    return counter ? { service, counter } : { service };
  });
  await desk.act("PUT", `/venues/${path(venue)}/tickets/${row.id}/steps`, { steps, reason: answer["reason"] }, () => t("move.did_steps", { number: row.number }));
}

/**
 * @param {Desk} desk
 * @param {string} venue
 * @param {TicketRow} row
 */
export async function skipStep(desk, venue, row) {
  const state = desk.state();
  const next = row.steps[0];
  if (!state || !next) return toast(t("problem.no_next_step"));
  const answer = await ask({ title: t("move.skip_title", { number: row.number }), about: t("move.skip_about", { next: serviceName(state, next.service) }), agree: t("act.skip"), reasons: reasons("skip") });
  if (answer) await desk.act("POST", `/venues/${path(venue)}/tickets/${row.id}/skips`, { reason: answer["reason"] }, () => t("move.did_skip", { number: row.number }));
}

/**
 * Closes a service or a clinic, or opens it again: first what, then whom it concerns and where they go.
 *
 * @param {Desk} desk
 * @param {string} venue
 * @param {string} service  the one that is looked at, to begin with
 */
export async function closeOrReopen(desk, venue, service) {
  const state = desk.state();
  if (!state || desk.busy()) return;
  /** @param {boolean} closed @param {string} label */
  const marked = (closed, label) => (closed ? `${label} · ${t("closed.badge")}` : label);
  const options = [
    ...state.services.map((row) => ({ value: `services/${row.id}`, label: marked(row.closed !== null, t("move.service", { name: words(row.name) })) })),
    ...state.counters.map((row) => ({ value: `counters/${row.id}`, label: marked(row.closed !== null, t("move.clinic", { name: words(row.name) })) })),
  ];
  const value = service === "" ? (options[0]?.value ?? "") : `services/${service}`;
  const chosen = await ask({ title: t("move.what"), about: t("move.choose_about"), agree: t("move.go_on"), fields: [{ name: "what", label: t("move.what"), kind: "select", options, value, required: true }] });
  if (!chosen) return;
  const [kind = "", id = ""] = (chosen["what"] ?? "").split("/");
  const address = `/venues/${path(venue)}/${kind}/${path(id)}`;
  const what = kind === "services" ? serviceName(state, id) : counterName(state, id);
  /** @type {ClosureAnswer} */
  let found;
  try {
    found = await get(`${address}/closure`);
  } catch (failure) {
    return toastFailure(failure);
  }
  if (found.closure) await reopen(desk, address, what, found.closure.reason);
  else await close(desk, address, { kind, id, what, found });
}

/** @param {Desk} desk @param {string} address @param {string} what @param {string} reason */
async function reopen(desk, address, what, reason) {
  const answer = await ask({ title: t("move.reopen_title", { what }), about: t("move.reopen_about", { reason }), agree: t("act.reopen") });
  if (answer) await desk.act("POST", `${address}/reopenings`, {}, () => t("move.did_reopen", { what }));
}

/**
 * @param {Desk} desk
 * @param {string} address
 * @param {{ kind: string, id: string, what: string, found: ClosureAnswer }} about
 */
async function close(desk, address, { kind, id, what, found }) {
  const state = desk.state();
  if (!state) return;
  const into =
    kind === "services"
      ? state.services.filter((row) => row.id !== id && !row.closed).map((row) => ({ value: `service/${row.id}`, label: t("move.into", { name: words(row.name), n: row.waiting }) }))
      : [
          { value: "any/", label: t("move.into_any") },
          ...state.counters.filter((row) => row.id !== id && !row.closed && sharesService(state, id, row.id)).map((row) => ({ value: `counter/${row.id}`, label: t("move.into_counter", { name: words(row.name) }) })),
        ];
  // Nothing is chosen beforehand: where everybody goes is not left to a mis-click.
  const options = [
    { value: "", label: t("move.choose") },
    ...into,
    { value: "tell/see_desk", label: t("move.tell_see_desk") },
    { value: "tell/wait", label: t("move.tell_wait") },
    { value: "tell/rebook", label: t("move.tell_rebook") },
  ];
  const answer = await ask({
    title: t("move.close_title", { what }),
    about: t("move.concerns", { ...found.concerns }),
    agree: t("act.close").replace("…", ""),
    danger: true,
    fields: [{ name: "to", label: t("move.people"), kind: "select", options, value: "", required: true }],
    reasons: reasons("close"),
  });
  if (!answer) return;
  const [how = "", to = ""] = (answer["to"] ?? "").split("/");
  const where = { service: { to_service: to }, counter: { to_counter: to }, any: { to_any_counter: true }, tell: { advice: to } }[how] ?? {};
  await desk.act("POST", `${address}/closures`, { reason: answer["reason"], ...where }, () => t("move.did_close", { what }));
}

/** @param {State} state @param {string} one @param {string} other */
function sharesService(state, one, other) {
  const services = (/** @type {string} */ id) => state.counters.find((row) => row.id === id)?.services ?? [];
  return services(one).some((service) => services(other).includes(service));
}
