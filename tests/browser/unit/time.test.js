// Times as people read them, against the venue's clock.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createClock, dateAndWeekday, hourMinute, minutesOf, minutesSince, secondsLeft } from "../../../static/lib/time.js";

test("the clock is set by frames and ticks at the server's rate", () => {
  let now = 5_000;
  const clock = createClock(() => now);
  assert.equal(clock.known(), false);
  assert.ok(Number.isNaN(clock.now()));
  clock.set("2026-01-01T08:00:00Z");
  now += 1_000;
  assert.equal(clock.now(), Date.parse("2026-01-01T08:00:01Z"));
  clock.setRate(20);
  assert.equal(clock.now(), Date.parse("2026-01-01T08:00:20Z"));
  clock.set("2026-01-01T09:00:00Z");
  assert.equal(clock.now(), Date.parse("2026-01-01T09:00:00Z"));
  clock.set("nonsense");
  clock.setRate(0);
  assert.equal(clock.now(), Date.parse("2026-01-01T09:00:00Z"));
  assert.equal(clock.rate(), 20);
});

test("ages are whole minutes and never negative", () => {
  const now = Date.parse("2026-01-01T08:10:59Z");
  assert.equal(minutesSince("2026-01-01T08:00:00Z", now), 10);
  assert.equal(minutesSince("2026-01-01T09:00:00Z", now), 0);
  assert.equal(minutesSince("2026-01-01T08:00:00Z", Number.NaN), 0);
});

test("an estimate is rounded outwards, long ones in steps of five", () => {
  const minutes = (low_s, likely_s, high_s) => minutesOf({ low_s, likely_s, high_s, scored: 1 });
  assert.deepEqual(minutes(350, 610, 950), { low: 5, likely: 10, high: 16 });
  assert.deepEqual(minutes(0, 20, 50), { low: 0, likely: 0, high: 1 });
  assert.deepEqual(minutes(2_340, 3_700, 6_020), { low: 35, likely: 60, high: 105 });
  assert.deepEqual(minutes(600, 600, 600), { low: 10, likely: 10, high: 11 });
  assert.deepEqual(minutes(-60, -30, 0), { low: 0, likely: 0, high: 1 });
});

test("what is left of a span is whole seconds and ends at nothing", () => {
  assert.equal(secondsLeft(1_000, 30_000, 2_500), 29);
  assert.equal(secondsLeft(1_000, 30_000, 60_000), 0);
});

test("hours and dates are the venue's own", () => {
  assert.equal(hourMinute("2026-03-16T16:05:00Z", "Asia/Shanghai"), "00:05");
  assert.equal(hourMinute("2026-07-01T12:00:00Z", "Europe/Berlin"), "14:00");
  assert.equal(hourMinute("nonsense", "Asia/Shanghai"), "");
  assert.equal(dateAndWeekday(Date.parse("2026-03-16T16:05:00Z"), "Asia/Shanghai", "zh-Hans"), "3月17日星期二");
});
