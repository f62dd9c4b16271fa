// Words: three tables with the same keys, and a text for everything that can come over the wire.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import en from "../../../static/text/en.js";
import hans from "../../../static/text/zh-hans.js";
import hant from "../../../static/text/zh-hant.js";
import { filled, firstLanguage, languageOf } from "../../../static/lib/text.js";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const TABLES = { hans, hant, en };
const source = (path) => readFileSync(ROOT + path, "utf8");
const files = (folder, end) => readdirSync(`${ROOT}static/${folder}`).filter((name) => name.endsWith(end)).map((name) => `static/${folder}/${name}`);
const HTML = files(".", ".html");
const SCRIPTS = [...files("lib", ".js"), ...files("pages", ".js")];
/** The names of a Rust enum's variants as they travel. */
const variants = (path, name) => {
  const body = new RegExp(`pub enum ${name} \\{([^}]*)\\}`).exec(source(path))[1];
  return [...body.matchAll(/^ {4}([A-Z]\w*)/gm)].map((match) => match[1].replace(/(?!^)([A-Z])/g, "_$1").toLowerCase());
};
const has = (group, names) => {
  for (const name of names) assert.ok(`${group}.${name}` in hans, `no text for ${group}.${name}`);
};

test("the three tables have the same keys, in the same order", () => {
  assert.deepEqual(Object.keys(hant), Object.keys(hans));
  assert.deepEqual(Object.keys(en), Object.keys(hans));
});

test("every text is filled in and has the same places for values", () => {
  const places = (text) => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();
  for (const [language, table] of Object.entries(TABLES)) {
    for (const [key, text] of Object.entries(table)) {
      assert.ok(text.trim() !== "", `${language} ${key} is empty`);
      assert.deepEqual(places(text), places(hans[key]), `${language} ${key}`);
    }
  }
});

test("simplified and traditional Chinese are not mixed", () => {
  const onlyHans = /[诊号请业务检个开关报预约过转绿确认录权释门间]/;
  const onlyHant = /[診號請業務檢個開關報預約過轉綠確認錄權釋門間]/;
  for (const [key, text] of Object.entries(hans)) if (!key.startsWith("language.")) assert.doesNotMatch(text, onlyHant, key);
  for (const [key, text] of Object.entries(hant)) if (!key.startsWith("language.")) assert.doesNotMatch(text, onlyHans, key);
});

test("every refusal of the engine has a text", () => {
  const codes = [...source("server/engine/src/refusal.rs").matchAll(/Self::\w+(?: \{ \.\. \})? => "(\w+)"/g)].map((match) => match[1]);
  assert.ok(codes.length > 15, "the codes were found");
  has("problem", codes);
});

test("every problem of the edge has a text", () => {
  has("problem", [
    "unauthenticated", "forbidden", "login_failed", "too_many_attempts", "venue_unknown", "token_unknown", "body_invalid",
    "body_too_large", "origin_foreign", "not_found", "method_not_allowed", "service_unavailable", "internal_error",
    "user_unknown", "user_invalid", "password_too_short", "setup_token_invalid", "device_unknown", "join_not_allowed",
    "appointments_invalid", "idempotency_key_invalid", "unreachable",
  ]);
});

test("every name that travels has a text", () => {
  const states = variants("server/wire/card.rs", "CardState");
  has("state", states);
  has("card", states);
  has("card", states.map((state) => `${state}_detail`));
  has("lane", variants("server/engine/src/lane.rs", "Lane"));
  has("urgency", variants("server/engine/src/ticket.rs", "Urgency"));
  has("counter_state", variants("server/engine/src/counter.rs", "CounterState"));
  has("rule", variants("server/engine/src/event.rs", "Rule"));
  has("chosen", variants("server/engine/src/event.rs", "Rule"));
  has("passed_by", variants("server/engine/src/dispatch/passed.rs", "PassedBy"));
  has("before", variants("server/engine/src/dispatch/passed.rs", "PassedBy"));
  has("story", variants("server/wire/story.rs", "StoryKind"));
  has("person", variants("server/wire/story.rs", "PersonKind"));
  has("estimate", ["nothing_called_yet", "no_counter_open", "not_waiting"]);
  has("role", ["administrator", "manager", "nurse", "clerk", "viewer"]);
});

test("every setting of a policy has its texts", () => {
  const policy = /## policy\n([\s\S]*?)\n## /.exec(source("server/SETTINGS.md"))[1];
  const rows = [...policy.matchAll(/^\| `([\w.]+)` \| ([^|]*) \| ([^|]*) \| ([^|]*) \|/gm)];
  assert.ok(rows.length > 10, "the settings were found");
  const missing = [];
  const need = (...keys) => keys.some((key) => key in hans) || missing.push(keys[0]);
  for (const [, path, type, unit, range] of rows) {
    const [field, part] = path.split(".");
    for (const group of ["setting", "setting_about"]) need(`${group}.${path}`, `${group}.${field}`);
    if (part && !(`setting.${path}` in hans)) need(`lane.${part}`);
    if (unit.trim()) need(`rule_unit.${unit.trim()}`);
    if (type.trim() === "word") for (const [, word] of range.matchAll(/`(\w+)`/g)) need(`setting_word.${path}.${word}`);
  }
  assert.deepEqual(missing, [], "these have no text in static/text");
});

test("every key that a page names is in the tables", () => {
  for (const path of [...HTML, ...SCRIPTS]) {
    const named = [
      ...source(path).matchAll(/data-(?:text|label|placeholder)"?[=:]\s*"([\w.-]+)"/g),
      ...source(path).matchAll(/\bt\(\s*"([\w.-]+)"/g),
    ];
    for (const [, key] of named) assert.ok(key in hans, `${path} names ${key}`);
  }
});

test("every reason that staff may choose has a text", () => {
  const lists = [
    ...source("static/lib/reasons.js").matchAll(/\w+: \[([^\]]*)\]/g),
    ...source("server/engine/src/config/reasons.rs").matchAll(/\w+: list\(&\[([^\]]*)\]/g),
  ];
  const names = lists.flatMap((match) => [...match[1].matchAll(/"(\w+)"/g)].map((one) => one[1]));
  assert.ok(names.length > 20);
  has("reason", names);
});

test("no page has words, styles or scripts of its own", () => {
  for (const path of HTML) {
    const page = source(path);
    const words = page.replace(/<title>callnext<\/title>/, "").replace(/<kbd>\w+<\/kbd>/g, "").replace(/<[^>]*>/g, "").trim();
    assert.equal(words, "", `${path} has words of its own`);
    assert.doesNotMatch(page, /\sstyle=|<style|\son\w+=|<script(?![^>]*src=)/, path);
    assert.doesNotMatch(page, /https?:\/\//, `${path} reaches outside`);
  }
  for (const path of SCRIPTS) {
    assert.doesNotMatch(source(path), /innerHTML|outerHTML|insertAdjacentHTML|document\.write|https?:\/\//, path);
    // The words of speech belong to the spoken language, not to the language of the page.
    const code = source(path).replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
    if (path !== "static/lib/spoken.js") assert.doesNotMatch(code, /\p{Script=Han}/u, `${path} has words of its own`);
  }
});

test("pages keep to what old televisions understand", () => {
  for (const path of SCRIPTS) assert.doesNotMatch(source(path), /\bthis\.#|\.at\(-|\.replaceAll\(|structuredClone|Object\.hasOwn|static \{|\?\?=|\|\|=|&&=/, path);
});

test("a language is found in any tag", () => {
  const expected = { "zh-CN": "zh-Hans", zh: "zh-Hans", "zh-SG": "zh-Hans", "zh-TW": "zh-Hant", "zh-HK": "zh-Hant", "zh-Hant-HK": "zh-Hant", "zh-Hans-HK": "zh-Hans", "yue-HK": "zh-Hant", "en-GB": "en", de: null, "": null };
  for (const [tag, language] of Object.entries(expected)) assert.equal(languageOf(tag), language, tag);
});

test("the address comes before the choice, the choice before the browser, and simplified Chinese last", () => {
  assert.equal(firstLanguage("en", "zh-Hant", ["zh-CN"]), "en");
  assert.equal(firstLanguage(null, "zh-Hant", ["en"]), "zh-Hant");
  assert.equal(firstLanguage("xx", null, ["de", "en-US"]), "en");
  assert.equal(firstLanguage(null, null, ["de"]), "zh-Hans");
});

test("values fill their places and nothing else", () => {
  assert.equal(filled("{a} and {b} and {a}", { a: 1, b: "{a}" }), "1 and {a} and 1");
  assert.equal(filled("{missing}", {}), "{missing}");
});
