// Announcements: bound to their call, one after the other, none lost, none twice.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createAnnouncer } from "../../../static/lib/announce.js";

const START = Date.parse("2026-01-01T08:00:00Z");
const time = (seconds) => new Date(START + seconds * 1000).toISOString();
const call = (id, at, more = {}) => ({ id, number: `A${id}`, name: null, counter: { id: "1", name: {} }, service: "ent", recalls: 0, at: time(at), open: true, ...more });
const board = (at, calls, more = {}) => ({ type: "board", epoch: "a", seq: at, at: time(at), calls, speech: ["cmn"], ...more });

/** Everything that would be spoken now, as `id` or `id+recalls`. */
function spoken(announcer) {
  const said = [];
  for (let next = announcer.next(); next; next = announcer.next()) {
    said.push(next.call.recalls > 0 ? `${next.call.id}+${next.call.recalls}` : `${next.call.id}`);
    announcer.done();
  }
  return said;
}

test("the first board announces nothing old", () => {
  const announcer = createAnnouncer();
  announcer.frame(board(10, [call(2, 9), call(1, 5)]), 1);
  assert.deepEqual(spoken(announcer), []);
});

test("calls of one instant are all announced, oldest first, and only once", () => {
  const announcer = createAnnouncer();
  announcer.frame(board(10, []), 1);
  const many = [call(3, 11), call(2, 11), call(1, 11)];
  announcer.frame(board(11, many), 1);
  announcer.frame(board(12, many), 1);
  assert.deepEqual(spoken(announcer), ["1", "2", "3"]);
  announcer.frame(board(13, many), 1);
  assert.deepEqual(spoken(announcer), []);
});

test("one announcement at a time", () => {
  const announcer = createAnnouncer();
  announcer.frame(board(10, []), 1);
  announcer.frame(board(11, [call(2, 11), call(1, 11)]), 1);
  assert.equal(announcer.next().call.id, 1);
  assert.equal(announcer.next(), null);
  announcer.done();
  assert.equal(announcer.next().call.id, 2);
});

test("what is spoken stays what was called, whatever the newest board shows", () => {
  const announcer = createAnnouncer();
  announcer.frame(board(10, []), 1);
  announcer.frame(board(11, [call(1, 11)]), 1);
  announcer.frame(board(12, [call(2, 12), call(1, 11)]), 1);
  assert.equal(announcer.next().call.number, "A1");
});

test("each recall is announced once", () => {
  const announcer = createAnnouncer();
  announcer.frame(board(10, [call(1, 5)]), 1);
  announcer.frame(board(20, [call(1, 20, { recalls: 1 })]), 1);
  announcer.frame(board(21, [call(1, 20, { recalls: 1 })]), 1);
  assert.deepEqual(spoken(announcer), ["1+1"]);
  announcer.frame(board(30, [call(1, 30, { recalls: 2 })]), 1);
  assert.deepEqual(spoken(announcer), ["1+2"]);
});

test("after a reconnect only calls younger than a minute are caught up", () => {
  const announcer = createAnnouncer();
  announcer.frame(board(10, [call(1, 5)]), 1);
  announcer.frame(board(200, [call(4, 190), call(3, 145), call(2, 100), call(1, 5)]), 2);
  assert.deepEqual(spoken(announcer), ["3", "4"]);
});

test("another epoch does not repeat what was announced", () => {
  const announcer = createAnnouncer();
  announcer.frame(board(10, []), 1);
  announcer.frame(board(11, [call(1, 11)]), 1);
  assert.deepEqual(spoken(announcer), ["1"]);
  announcer.frame(board(12, [call(2, 12), call(1, 11)], { epoch: "b" }), 1);
  assert.deepEqual(spoken(announcer), ["2"]);
});

test("a call id that was given anew to another number is news", () => {
  const announcer = createAnnouncer();
  announcer.frame(board(10, [call(1, 9)]), 1);
  announcer.frame(board(11, [call(1, 11, { number: "B7" })], { epoch: "b" }), 2);
  assert.equal(announcer.next().call.number, "B7");
});

test("a call that was taken back before its turn is not announced", () => {
  const announcer = createAnnouncer();
  announcer.frame(board(10, [call(1, 5)]), 1);
  announcer.frame(board(11, [call(2, 11), call(1, 5)]), 1);
  announcer.frame(board(12, [call(1, 5)]), 1);
  assert.deepEqual(spoken(announcer), []);
});

test("a call that fell off the end of a short list is still announced", () => {
  const announcer = createAnnouncer();
  announcer.frame(board(10, []), 1);
  announcer.frame(board(11, [call(2, 11), call(1, 11)]), 1);
  announcer.frame(board(12, [call(4, 12), call(3, 12)]), 1);
  assert.deepEqual(spoken(announcer), ["1", "2", "3", "4"]);
});

test("a person long at the counter is not called any more; one just gone there still is", () => {
  const announcer = createAnnouncer();
  announcer.frame(board(10, []), 1);
  announcer.frame(board(11, [call(2, 11), call(1, 11)]), 1);
  announcer.frame(board(20, [call(2, 11, { open: false }), call(1, 11)]), 1);
  assert.equal(announcer.waiting(), 2);
  announcer.frame(board(120, [call(2, 11, { open: false }), call(1, 11)]), 1);
  assert.deepEqual(spoken(announcer), ["1"]);
});

test("a thousand random boards: every call once, in order", () => {
  let seed = 20240104;
  const random = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
  const announcer = createAnnouncer();
  announcer.frame(board(0, []), 1);
  const expected = [];
  const heard = [];
  let calls = [];
  let id = 0;
  for (let at = 1; at <= 1000; at += 1) {
    for (let count = Math.floor(random() * 4); count > 0; count -= 1) {
      id += 1;
      calls.unshift(call(id, at));
      expected.push(`${id}`);
    }
    calls = calls.slice(0, 12);
    // Boards are dropped when the screen is slow: only some arrive, but never so few that a call is not listed once.
    if (random() < 0.7 || calls.filter((one) => Date.parse(one.at) > START + (at - 2) * 1000).length > 4) announcer.frame(board(at, calls), 1);
    if (random() < 0.5) heard.push(...spoken(announcer));
  }
  announcer.frame(board(1001, calls), 1);
  heard.push(...spoken(announcer));
  assert.deepEqual(heard, expected);
});
