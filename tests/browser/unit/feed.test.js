// The line to the server, with time, chance and the socket in the hands of the test.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BACKOFF_BASE_MS, BACKOFF_MAX_MS, backoffMs, closeMeaning, CONNECT_MS, createFeed, goesBack, RESUME_MS, SILENCE_MS,
} from "../../../static/lib/feed.js";

/** A world in which time passes only when the test says so. */
function world() {
  let now = 0;
  let timers = [];
  const sockets = [];
  return {
    sockets,
    last: () => sockets[sockets.length - 1],
    now: () => now,
    random: () => 0.5,
    whyRefused: async () => null,
    connect(address) {
      const socket = { address, sent: [], closed: false, readyState: 0, send: (data) => socket.sent.push(data), close: () => (socket.closed = true) };
      sockets.push(socket);
      return socket;
    },
    setTimeout(task, ms) {
      const timer = { task, at: now + ms };
      timers.push(timer);
      return timer;
    },
    clearTimeout(timer) {
      timers = timers.filter((other) => other !== timer);
    },
    pass(ms) {
      const end = now + ms;
      for (;;) {
        const due = timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
        if (!due) break;
        timers = timers.filter((timer) => timer !== due);
        now = due.at;
        due.task();
      }
      now = end;
    },
  };
}

function given(options = {}) {
  const place = world();
  const frames = [];
  const states = [];
  const feed = createFeed({
    address: () => "/ws/v1/test",
    world: place,
    onFrame: (frame, generation) => frames.push({ ...frame, generation }),
    onState: (state) => states.push(state),
    ...options,
  }).start();
  const say = (frame) => place.last().onmessage({ data: JSON.stringify(frame) });
  const board = (seq, epoch = "a") => say({ type: "board", epoch, seq, at: "2026-01-01T00:00:00Z" });
  return { place, frames, states, feed, say, board };
}

test("backoff is full jitter under an exponential ceiling", () => {
  assert.equal(backoffMs(0, () => 0), 0);
  assert.equal(backoffMs(0, () => 0.999999), BACKOFF_BASE_MS);
  assert.equal(backoffMs(3, () => 0.5), BACKOFF_BASE_MS * 4);
  assert.equal(backoffMs(1000, () => 0.999999), BACKOFF_MAX_MS);
});

test("close codes say whether trying again is of use", () => {
  assert.equal(closeMeaning(1008), "refused");
  assert.equal(closeMeaning(1012), "restart");
  for (const code of [1000, 1001, 1006, 1011, 1013]) assert.equal(closeMeaning(code), "retry");
});

test("only a smaller seq of the same epoch goes back", () => {
  assert.equal(goesBack(null, { epoch: "a", seq: 1 }), false);
  assert.equal(goesBack({ epoch: "a", seq: 5 }, { epoch: "a", seq: 4 }), true);
  assert.equal(goesBack({ epoch: "a", seq: 5 }, { epoch: "a", seq: 5 }), false);
  assert.equal(goesBack({ epoch: "a", seq: 5 }, { epoch: "b", seq: 1 }), false);
});

test("frames are handed on in order, and what goes back is dropped", () => {
  const { frames, states, board } = given();
  board(5);
  board(4);
  board(5);
  board(6);
  board(1, "b");
  assert.deepEqual(frames.map((frame) => [frame.epoch, frame.seq]), [["a", 5], ["a", 5], ["a", 6], ["b", 1]]);
  assert.deepEqual(states, ["connecting", "live"]);
});

test("a silent line is cut off, said to be lost, and connected anew", () => {
  const { place, frames, states, board } = given();
  board(1);
  place.pass(SILENCE_MS - 1);
  assert.equal(place.sockets.length, 1);
  place.pass(1);
  assert.deepEqual(states, ["connecting", "live", "lost"]);
  assert.equal(place.sockets[0].closed, true);
  place.pass(BACKOFF_BASE_MS);
  assert.equal(place.sockets.length, 2);
  board(1);
  assert.deepEqual(states, ["connecting", "live", "lost", "live"]);
  assert.deepEqual(frames.map((frame) => frame.generation), [1, 2]);
});

test("a connection that never speaks is given up", () => {
  const { place, states } = given();
  place.pass(CONNECT_MS + BACKOFF_BASE_MS);
  assert.deepEqual(states, ["connecting", "lost"]);
  assert.equal(place.sockets.length, 2);
});

test("attempts are spread further and further apart, and begin again after a frame", () => {
  const { place, board } = given();
  const gaps = [];
  for (let attempt = 0; attempt < 4; attempt += 1) {
    const count = place.sockets.length;
    const from = place.now();
    place.last().onclose({ code: 1006 });
    while (place.sockets.length === count) place.pass(10);
    gaps.push(place.now() - from);
  }
  assert.deepEqual(gaps, [250, 500, 1000, 2000]);
  board(1);
  const from = place.now();
  place.last().onclose({ code: 1006 });
  place.pass(250);
  assert.equal(place.now() - from, 250);
  assert.equal(place.sockets.length, 6);
});

test("a policy close is final, with the reason that came before it", () => {
  const { place, feed, states, say } = given();
  say({ type: "error", epoch: "", seq: 0, at: "", code: "token_unknown", detail: "no such ticket" });
  assert.equal(feed.state(), "refused");
  assert.deepEqual(feed.refused(), { code: "token_unknown", detail: "no such ticket" });
  place.pass(10 * 60_000);
  assert.equal(place.sockets.length, 1);
  assert.deepEqual(states, ["connecting", "refused"]);
});

test("a problem that may pass is tried again", () => {
  const { place, feed, say } = given();
  say({ type: "error", epoch: "", seq: 0, at: "", code: "service_unavailable", detail: "" });
  place.last().onclose({ code: 1011 });
  assert.equal(feed.state(), "lost");
  place.pass(BACKOFF_BASE_MS);
  assert.equal(place.sockets.length, 2);
});

test("a refused handshake is found out by asking", async () => {
  const { place, feed } = given();
  place.whyRefused = async () => ({ code: "unauthenticated", detail: "" });
  place.last().onclose({ code: 1006 });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(feed.state(), "refused");
});

test("resume is asked once, and a line that does not answer it is left", () => {
  const { place, feed, states, board } = given();
  board(1);
  feed.resume("a", 1);
  feed.resume("a", 1);
  assert.deepEqual(place.last().sent, [JSON.stringify({ type: "resume", epoch: "a", seq: 1 })]);
  feed.caughtUp();
  feed.resume("a", 2);
  assert.equal(place.last().sent.length, 2);
  place.pass(RESUME_MS + 1);
  feed.resume("a", 2);
  assert.deepEqual(states, ["connecting", "live", "lost"]);
});

test("a nudge does not disturb a line that works or is being made", () => {
  const { place, feed, board } = given();
  feed.nudge();
  assert.equal(place.sockets.length, 1);
  board(1);
  feed.nudge();
  assert.equal(place.sockets.length, 1);
  feed.doubt();
  feed.nudge();
  assert.equal(place.sockets.length, 2);
});

test("a stopped feed stays silent", () => {
  const { place, feed } = given();
  feed.stop();
  place.pass(10 * 60_000);
  assert.equal(place.sockets.length, 1);
});
