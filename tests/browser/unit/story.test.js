// Why, in words: each step of a story says what happened, for what reason, and who did it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { maySeeFigures } from "../../../static/lib/figures.js";
import { storyLine } from "../../../static/lib/story.js";

const name = (text) => ({ "zh-Hans": text, "zh-Hant": text, en: text });
const state = { time_zone: "Asia/Shanghai", services: [{ id: "ent", name: name("耳鼻喉科") }], counters: [{ id: "r1", name: name("1 号诊室") }] };
const line = (step) => storyLine({ at: "2026-03-02T01:00:00Z", by: { kind: "system" }, undone: false, ...step }, state);

test("a number taken names the service, the lane and the slot", () => {
  const { text, details } = line({ what: "issued", service: "ent", lane: "appointment", slot_start: "2026-03-02T01:00:00Z", slot_end: "2026-03-02T01:30:00Z", by: { kind: "holder" } });
  assert.equal(text, "取号：耳鼻喉科 · 预约");
  assert.deepEqual(details, ["预约时段 09:00–09:30", "操作：本人"]);
});

test("somebody who went first is a number, with what let them, the reason and who granted it", () => {
  const { text, details } = line({ what: "passed_over", number: "A007", counter: "r1", rule: "urgent", lane: "walk_in", passed_by: "green_channel", reason: "孕产妇", granted_by: { kind: "staff", name: "wu" }, by: { kind: "staff", name: "li" } });
  assert.equal(text, "A007 先叫到 1 号诊室：绿色通道");
  assert.deepEqual(details, ["原因：孕产妇", "wu 批准", "操作：li"]);
});

test("a call says by which rule, after how long, and how often others went first", () => {
  const { text, details } = line({ what: "called", counter: "r1", lane: "walk_in", rule: "cycle", wait_s: 1790, overtaken: 2, passed: 0, undone: true, by: { kind: "staff", name: "li" } });
  assert.equal(text, "叫到 1 号诊室");
  assert.deepEqual(details, ["已撤销", "轮到「现场」", "等了 30 分钟", "之前 2 位后到的先叫", "操作：li"]);
});

test("what is not known any more is told by its name", () => {
  assert.equal(line({ what: "transferred", service: "eye", lane: "referral", reason: "r" }).text, "转到 eye · 转诊");
  assert.equal(line({ what: "something new" }).text, "something new");
});

test("figures are for those who run the hall", () => {
  assert.deepEqual(["administrator", "manager", "nurse", "clerk", "viewer", null].map(maySeeFigures), [true, true, true, false, false, false]);
});
