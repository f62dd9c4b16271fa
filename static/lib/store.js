// @ts-check
/**
 * What a staff console knows: one whole queue, and then what changed. Pure: a frame in, a new state out.
 *
 * @typedef {import("./wire").ConsoleFrame} ConsoleFrame
 * @typedef {import("./wire").ChangeFrame} ChangeFrame
 * @typedef {import("./wire").TicketRow} TicketRow
 * @typedef {import("./wire").QueueOrder} QueueOrder
 * @typedef {import("./wire").CounterRow} CounterRow
 * @typedef {import("./wire").AppointmentRow} AppointmentRow
 * @typedef {{
 *   epoch: string, seq: number, at: string,
 *   venue: import("./wire").Named, time_zone: string,
 *   services: QueueOrder[], counters: CounterRow[], reasons: import("./wire").ReasonLists,
 *   tickets: Map<number, TicketRow>, appointments: Map<string, AppointmentRow>,
 *   paused_since?: string,
 * }} State
 * @typedef {{ state: State | null, gap: boolean }} Reduced  `gap`: something was missed; resume from `state`
 */

/**
 * @param {State | null} state
 * @param {ConsoleFrame | ChangeFrame} frame
 * @returns {Reduced}
 */
export function reduce(state, frame) {
  if (frame.type === "console") return { state: fromConsole(frame), gap: false };
  if (state === null) return { state, gap: true };
  if (frame.epoch !== state.epoch) return { state, gap: true };
  if (frame.from === state.seq) return { state: applied(state, frame), gap: false };
  // A change that is wholly in the past says nothing new; one that starts later, or ends later, leaves a hole.
  return { state, gap: frame.seq > state.seq };
}

/**
 * @param {ConsoleFrame} frame
 * @returns {State}
 */
function fromConsole(frame) {
  return {
    epoch: frame.epoch,
    seq: frame.seq,
    at: frame.at,
    venue: frame.venue,
    time_zone: frame.time_zone,
    services: frame.services,
    counters: frame.counters,
    reasons: frame.reasons,
    tickets: new Map(frame.tickets.map((row) => [row.id, row])),
    appointments: new Map(frame.appointments.map((row) => [row.code, row])),
    ...(frame.paused_since && { paused_since: frame.paused_since }),
  };
}

/**
 * @param {State} state
 * @param {ChangeFrame} frame
 * @returns {State}
 */
function applied(state, frame) {
  const tickets = new Map(state.tickets);
  for (const row of frame.tickets) tickets.set(row.id, row);
  for (const id of frame.removed) tickets.delete(id);
  const appointments = new Map(state.appointments);
  for (const row of frame.appointments) appointments.set(row.code, row);
  for (const code of frame.appointments_removed) appointments.delete(code);
  return {
    ...state,
    seq: frame.seq,
    at: frame.at,
    services: replaced(state.services, frame.services),
    counters: replaced(state.counters, frame.counters),
    tickets,
    appointments,
  };
}

/**
 * Rows replace rows of the same name; the order stays, new ones come last.
 *
 * @template {{ id: string }} Row
 * @param {Row[]} rows
 * @param {Row[]} news
 */
function replaced(rows, news) {
  if (news.length === 0) return rows;
  const byId = new Map(news.map((row) => [row.id, row]));
  const kept = rows.map((row) => {
    const row2 = byId.get(row.id);
    byId.delete(row.id);
    return row2 ?? row;
  });
  return [...kept, ...byId.values()];
}

/**
 * The waiting tickets of one service in the order in which they will be called.
 *
 * @param {State} state
 * @param {string} service
 * @returns {TicketRow[]}
 */
export function queueOf(state, service) {
  const order = state.services.find((row) => row.id === service)?.order ?? [];
  return order.flatMap((id) => state.tickets.get(id) ?? []);
}

/**
 * Tickets of one service that are here but in no queue: called, served, away for tests, missed.
 *
 * @param {State} state
 * @param {string} service
 * @param {import("./wire").CardState[]} states
 * @returns {TicketRow[]}
 */
export function ticketsIn(state, service, states) {
  return [...state.tickets.values()].filter((row) => row.service === service && states.includes(row.state));
}

/**
 * @param {State} state
 * @param {string} id
 */
export function counterOf(state, id) {
  return state.counters.find((row) => row.id === id) ?? null;
}

/**
 * The ticket at a counter.
 *
 * @param {State} state
 * @param {string} counter
 * @returns {TicketRow | null}
 */
export function currentOf(state, counter) {
  const id = counterOf(state, counter)?.current;
  return id === null || id === undefined ? null : (state.tickets.get(id) ?? null);
}

/**
 * Whom a counter will call, in this order, if nobody new comes and the other counters stand still.
 *
 * @param {State} state
 * @param {string} counter
 * @returns {TicketRow[]}
 */
export function nextOf(state, counter) {
  const next = counterOf(state, counter)?.next ?? [];
  return next.flatMap((id) => state.tickets.get(id) ?? []);
}

/**
 * How many wait whom a counter can call.
 *
 * @param {State} state
 * @param {string} counter
 * @returns {number}
 */
export function waitingFor(state, counter) {
  const services = counterOf(state, counter)?.services ?? [];
  return services.flatMap((service) => queueOf(state, service)).filter((row) => !row.wants || row.wants === counter).length;
}

/**
 * Whether a row answers a search: number, name, booking code; case and spaces do not matter.
 *
 * @param {{ number?: string, name: string | null, code?: string, appointment?: string | null }} row
 * @param {string} wanted
 */
export function matches(row, wanted) {
  const needle = squeezed(wanted);
  if (needle === "") return true;
  return [row.number, row.name, row.code, row.appointment].some((field) => !!field && squeezed(field).includes(needle));
}

/** @param {string} text */
function squeezed(text) {
  return text.toLowerCase().replace(/[\s-]+/g, "");
}
