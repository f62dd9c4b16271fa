// A scanner is told from a person by its speed; a code is compared without what hands and input methods add.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createScanner, SCAN_GAP_MS, tidyCode } from "../../../static/lib/scanner.js";

/** Types a text with a pause between the signs, then Enter. */
function typed(text, pause) {
  const codes = [];
  const scanner = createScanner((code) => codes.push(code));
  let at = 1_000;
  for (const sign of text) scanner.key(sign, (at += pause));
  const taken = scanner.enter((at += pause));
  return { codes, taken };
}

test("fast signs ended by Enter are a scan", () => {
  assert.deepEqual(typed("yy-2001", 5), { codes: ["YY-2001"], taken: true });
});

test("a person is no scanner", () => {
  assert.deepEqual(typed("YY2001", SCAN_GAP_MS + 50), { codes: [], taken: false });
  assert.deepEqual(typed("12", 5), { codes: [], taken: false });
});

test("keys that are no signs do not count", () => {
  const codes = [];
  const scanner = createScanner((code) => codes.push(code));
  let at = 0;
  for (const key of ["Shift", "Y", "Shift", "Y", "2", "0", "0", "1"]) scanner.key(key, (at += 5));
  assert.equal(scanner.enter(at + 5), true);
  assert.deepEqual(codes, ["YY2001"]);
});

test("codes are compared in plain capital letters without spaces", () => {
  assert.equal(tidyCode(" yy 20 01\n"), "YY2001");
  assert.equal(tidyCode("ＹＹ２００１"), "YY2001");
});
