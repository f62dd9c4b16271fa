// Why, in words: each step of a story says what happened, for what reason, and who did it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { maySeeFigures } from "../../../static/lib/figures.js";
import { storyLine } from "../../../static/lib/story.js";

const name = (text) => ({ "zh-Hans": text, "zh-Hant": text, en: text });
const reasons = { green_channel: [{ code: "pregnant", name: null }, { code: "donor", name: name("献血者") }], emergency: [], by_hand: [], overflow: [] };
const state = { reasons, time_zone: "Asia/Shanghai", services: [{ id: "ent", name: name("耳鼻喉科") }], counters: [{ id: "r1", name: name("1 号诊室") }] };
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

test("a reason with a code is told in the page's language, and with the words beside it", () => {
  const granted = (reason, code) => line({ what: "granted", urgency: "green_channel", reason, reason_code: code }).details;
  assert.deepEqual(granted("", "pregnant"), ["原因：孕产妇"]);
  assert.deepEqual(granted("第十次", "donor"), ["原因：献血者 · 第十次"]);
  assert.deepEqual(granted("说不清", "other"), ["原因：说不清"]);
});

test("whoever is sent to a door goes there by a rule, and goes before others", () => {
  const sent = line({ what: "sent_inside", counter: "r1", lane: "walk_in", rule: "ready", passed: 2 });
  assert.deepEqual([sent.text, ...sent.details], ["进入 1 号诊室 二次候诊区", "已通知准备", "越过 2 位等得更久的"]);
  const other = line({ what: "passed_at_door", number: "A007", counter: "r1", rule: "cycle", lane: "walk_in", passed_by: "walk_in" });
  assert.equal(other.text, "A007 先进入 1 号诊室 二次候诊区：轮到「现场」");
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
