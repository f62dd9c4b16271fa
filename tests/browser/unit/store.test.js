// What a console knows: snapshots, changes, gaps.
import assert from "node:assert/strict";
import { test } from "node:test";
import { currentOf, matches, nextOf, queueOf, reduce, ticketsIn, waitingFor } from "../../../static/lib/store.js";

const ticket = (id, more = {}) => ({ id, number: `A00${id}`, service: "ent", state: "waiting", name: null, wants: null, queued_at: `2026-01-01T08:0${id}:00Z`, ...more });
const queue = (order, id = "ent") => ({ id, name: {}, waiting: order.length, order, gap_s: null, overflow_count: 0, overflow_max: 5 });
const snapshot = () => ({
  type: "console", epoch: "a", seq: 10, at: "2026-01-01T08:10:00Z", venue: {}, time_zone: "Asia/Shanghai",
  services: [queue([2, 1])],
  counters: [{ id: "1", name: {}, state: "open", services: ["ent"], current: 3, next: [2, 1] }],
  tickets: [ticket(2), ticket(1), ticket(3, { state: "called", counter: "1" })],
  appointments: [{ code: "X1", service: "ent", name: null, ticket: null }],
});
const change = (from, seq, more = {}) => ({ type: "change", epoch: "a", from, seq, at: "2026-01-01T08:11:00Z", services: [], counters: [], tickets: [], removed: [], appointments: [], appointments_removed: [], ...more });
const begun = () => reduce(null, snapshot()).state;

test("a snapshot is taken whole", () => {
  const state = begun();
  assert.equal(state.seq, 10);
  assert.deepEqual(queueOf(state, "ent").map((row) => row.id), [2, 1]);
  assert.equal(currentOf(state, "1").id, 3);
});

test("a change replaces rows of the same name and leaves the rest", () => {
  const before = begun();
  const { state, gap } = reduce(before, change(10, 11, {
    services: [queue([1])],
    counters: [{ id: "1", name: {}, state: "open", services: ["ent"], current: 2, next: [1] }],
    tickets: [ticket(2, { state: "called", counter: "1" })],
    removed: [3],
    appointments: [{ code: "X2", service: "ent", name: null, ticket: null }],
    appointments_removed: ["X1"],
  }));
  assert.equal(gap, false);
  assert.equal(state.seq, 11);
  assert.equal(state.at, "2026-01-01T08:11:00Z");
  assert.deepEqual([...state.tickets.keys()], [2, 1]);
  assert.deepEqual([...state.appointments.keys()], ["X2"]);
  assert.equal(currentOf(state, "1").id, 2);
  assert.equal(before.seq, 10, "the old state is left alone");
  assert.equal(before.tickets.size, 3);
});

test("a change with the same seq carries newer estimates or a sign of life", () => {
  const { state, gap } = reduce(begun(), change(10, 10));
  assert.equal(gap, false);
  assert.equal(state.at, "2026-01-01T08:11:00Z");
});

test("a missed change is a gap, and the state stays what it was", () => {
  const before = begun();
  assert.deepEqual(reduce(before, change(11, 12)), { state: before, gap: true });
  assert.deepEqual(reduce(before, change(9, 12)), { state: before, gap: true });
});

test("a change of another epoch, or before any snapshot, is a gap", () => {
  assert.equal(reduce(begun(), { ...change(10, 11), epoch: "b" }).gap, true);
  assert.equal(reduce(null, change(10, 11)).gap, true);
});

test("a change that is past says nothing", () => {
  const before = begun();
  assert.deepEqual(reduce(before, change(8, 9)), { state: before, gap: false });
});

test("whom a counter calls next is the server's list, and who wants another counter is not counted", () => {
  const state = reduce(null, {
    ...snapshot(),
    services: [queue([1, 4]), queue([2, 5], "eye")],
    counters: [{ id: "1", name: {}, state: "open", services: ["ent", "eye"], current: null, next: [5, 1, 77] }],
    tickets: [ticket(1), ticket(2, { service: "eye" }), ticket(4, { wants: "9" }), ticket(5, { service: "eye", wants: "1" })],
  }).state;
  assert.deepEqual(nextOf(state, "1").map((row) => row.id), [5, 1]);
  assert.equal(waitingFor(state, "1"), 3);
  assert.deepEqual(ticketsIn(state, "eye", ["waiting"]).map((row) => row.id), [2, 5]);
});

test("search looks at number, name and code, whatever the case and the spaces", () => {
  const row = { number: "A023", name: "欧阳 小红", appointment: "YY-2001" };
  for (const wanted of ["", "a02", "阳小", "yy2001", " A 023 "]) assert.equal(matches(row, wanted), true, wanted);
  assert.equal(matches(row, "B"), false);
});
