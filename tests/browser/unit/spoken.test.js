// The sentence of a call (C6), and the voice that speaks it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readName, readOut, sentence, voiceFor } from "../../../static/lib/spoken.js";

const room = { "zh-Hans": "3号诊室", "zh-Hant": "3號診室", en: "Room 3" };
const call = { id: 1, number: "A023", name: "张*三", counter: { id: "3", name: room }, service: "ent", recalls: 0, at: "", open: true };

test("digits are read one by one in every language", () => {
  assert.equal(readOut("A023", "cmn"), "A 零 二 三");
  assert.equal(readOut("A023", "yue"), "A 零 二 三");
  assert.equal(readOut("b10", "en"), "B, 1, zero");
  assert.equal(readOut("急12", "cmn"), "急 一 二");
});

test("a call is spoken as hospitals speak it", () => {
  assert.equal(sentence(call, "cmn"), "请 A 零 二 三 号 张某三 到 3号诊室 就诊");
  assert.equal(sentence(call, "yue"), "請 A 零 二 三 號 张某三 到 3號診室 就診");
  assert.equal(sentence(call, "en"), "Number A, zero, 2, 3, please go to Room 3.");
});

test("a service counter is not for seeing a doctor, and a call may have no name", () => {
  const counter = { id: "5", name: { "zh-Hans": "5号窗口", "zh-Hant": "5號窗口", en: "Counter 5" } };
  assert.equal(sentence({ ...call, name: null, counter }, "cmn"), "请 A 零 二 三 号 到 5号窗口 办理");
});

test("nobody says asterisk", () => {
  assert.equal(readName("张*", "cmn"), "张某");
  assert.equal(readName("欧**红", "cmn"), "欧某红");
  assert.equal(readName("J*** S****", "en"), "");
  assert.equal(readName("Ann Lee", "en"), "Ann Lee");
  assert.equal(readName(null, "cmn"), "");
});

test("the voice speaks the right tongue, and the one on the machine comes first", () => {
  const voices = [
    { lang: "en-US", localService: false },
    { lang: "zh_HK", localService: true },
    { lang: "zh-CN", localService: false },
    { lang: "zh-CN", localService: true, name: "local" },
  ];
  assert.equal(voiceFor(voices, "cmn").name, "local");
  assert.equal(voiceFor(voices, "yue").lang, "zh_HK");
  assert.equal(voiceFor(voices, "en").lang, "en-US");
  assert.equal(voiceFor([{ lang: "zh-HK" }], "cmn"), null, "Cantonese is not Mandarin");
  assert.equal(voiceFor([{ lang: "de-DE" }], "en"), null);
});
