// The pages in a real browser, against a real server: the demo at CALLNEXT_URL.
//
// They work against each other: what the kiosk gives, the counter calls, and the board and the phone show. No page may
// write an error to its console; where the network is taken away on purpose, only what that causes is allowed.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

const URL_OF_SERVER = (process.env.CALLNEXT_URL ?? "").replace(/\/+$/, "");
const SHOTS = process.env.CALLNEXT_SHOTS ?? "";
const CHROMIUM = process.env.CALLNEXT_CHROMIUM ?? "/usr/bin/chromium";
const ARGUMENTS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];
const SIZES = { board: [1920, 1080], kiosk: [1080, 1920], desk: [1280, 800], phone: [390, 844] };
const VENUE = "clinic";
/** What a page may complain of while its network is away, or when it asks whether it was refused and was not. */
const CUT_OFF = /426 \(Upgrade Required\)|ERR_INTERNET_DISCONNECTED|ERR_NETWORK|WebSocket connection to .* failed/;
const PRESSES_MAX = 150;
/** The demo's first people come fifteen seconds after its start; a busy machine may take longer. */
const ALIVE_MS_MAX = 120_000;
const WAITING_MIN = 3;
const SLOW = { timeout: 300_000 };

/** @type {import("playwright-core").Browser} */
let browser;
let info;
/** Pages that are open, with what their consoles said. */
const opened = [];

before(async () => {
  assert.ok(URL_OF_SERVER, "CALLNEXT_URL is not set: start `callnext demo` and give its address, as in CALLNEXT_URL=http://127.0.0.1:8080");
  if (SHOTS) mkdirSync(SHOTS, { recursive: true });
  info = await (await fetch(`${URL_OF_SERVER}/api/v1/info`)).json();
  assert.ok(info.demo, "the server at CALLNEXT_URL is not a demo: it has no ready accounts to test with");
  await alive();
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS });
});

/** Waits until the recorded day has begun: pages are looked at as people see them, with a queue. */
async function alive() {
  for (const until = Date.now() + ALIVE_MS_MAX; Date.now() < until; ) {
    const { services, open_counters } = await (await fetch(`${URL_OF_SERVER}/api/v1/venues/${VENUE}`)).json();
    if (open_counters.length > 0 && services.reduce((sum, one) => sum + one.waiting, 0) >= WAITING_MIN) return;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  assert.fail(`nobody came to ${VENUE}: is the recorded day played?`);
}

after(async () => {
  await browser?.close();
});

/** A page of its own browser profile, at the size of its device. */
async function open(path, size, options = {}) {
  const [width, height] = SIZES[size];
  const phone = size === "phone" ? { isMobile: true, hasTouch: true } : {};
  const context = await browser.newContext({ viewport: { width, height }, locale: "zh-CN", baseURL: URL_OF_SERVER, ...phone, ...options.context });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const seen = { path, page, errors: [], allowed: null };
  opened.push(seen);
  page.on("console", (message) => {
    if (message.type() !== "error" && message.type() !== "warning") return;
    if (!seen.allowed?.test(message.text())) seen.errors.push(`${message.type()}: ${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => seen.errors.push(String(error.stack ?? error)));
  await options.prepare?.(page);
  await page.goto(path);
  page.seen = seen;
  return page;
}

async function shot(page, name) {
  if (SHOTS) await page.screenshot({ path: join(SHOTS, `${name}.png`) });
}

/** Closes the pages of a test; none may have complained. */
async function closeAll() {
  const errors = opened.flatMap(({ path, errors }) => errors.map((error) => `${path}: ${error}`));
  for (const { page } of opened.splice(0)) await page.context().close();
  assert.deepEqual(errors, [], "no page writes an error to its console");
}

/** A test of pages: at its end its pages are closed and their consoles looked at. */
function pages(name, body) {
  test(name, SLOW, async () => {
    try {
      await body();
    } finally {
      for (const { page, path } of opened) if (SHOTS) await page.screenshot({ path: join(SHOTS, `end-${name}-${path}`.replace(/[^\w-]+/g, "-").slice(0, 80) + ".png") }).catch(() => {});
    }
    await closeAll();
  });
}

const account = (role) => info.demo.accounts.find((one) => one.role === role);
const deviceLink = (kind) => `/${kind}/${VENUE}#token=${info.demo.devices.find((one) => one.kind === kind && one.venue === VENUE).token}`;

async function logIn(page, role) {
  const { user, password } = account(role);
  await page.fill("[name=user]", user);
  await page.fill("[name=password]", password);
  await page.click(".login [type=submit]");
}

/** The queue as staff read it, by the page's own login. */
async function queue(page) {
  const answer = await page.request.get(`/api/v1/venues/${VENUE}/queue`);
  assert.equal(answer.status(), 200);
  return answer.json();
}

/** Waits until the text of an element is as wished. */
async function reads(page, selector, wanted) {
  const test = wanted instanceof RegExp ? wanted : new RegExp(wanted.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  await page.locator(selector).filter({ hasText: test }).first().waitFor({ state: "visible" });
}

/** A counter that is logged in, chosen and open. Once somebody works a counter, the demo's player lets go. */
async function openCounter(counter) {
  const desk = await open(`/counter/${VENUE}?counter=${counter}`, "desk");
  await logIn(desk, "clerk");
  await desk.waitForSelector("#desk:not([hidden])");
  for (const state of ["paused", "open"]) {
    await desk.click(`#counter-state [data-state="${state}"]`);
    await desk.waitForSelector(`#counter-state [data-state="${state}"][aria-pressed="true"]`);
  }
  // From here on nobody else calls: the recorded day is no longer played.
  for (;;) {
    const { demo } = await (await desk.request.get("/api/v1/info")).json();
    if (!demo.playing) return desk;
  }
}

/** The quietest service, so that a journey is short, and a counter for it. */
async function quietest() {
  const nurse = await open(`/triage/${VENUE}`, "desk");
  await logIn(nurse, "nurse");
  await nurse.waitForSelector("#work:not([hidden])");
  const { services, counters } = await queue(nurse);
  const service = [...services].sort((a, b) => a.waiting - b.waiting)[0];
  const counter = counters.find((one) => one.services.includes(service.id));
  return { nurse, service, counter };
}

/** Takes a number at the kiosk; tells its number and the address of its phone page. */
async function takeNumber(kiosk, service) {
  const button = `[data-service="${service}"]`;
  await kiosk.waitForSelector(button);
  const [answer] = await Promise.all([kiosk.waitForResponse((one) => one.url().endsWith("/tickets") && one.request().method() === "POST"), kiosk.click(button)]);
  assert.equal(answer.status(), 201);
  const issued = await answer.json();
  await reads(kiosk, "#result-number", issued.number);
  return { number: issued.number, phone: `/t/${issued.token}` };
}

/** Pauses the other counters of a service, so that the recorded day calls nobody away from a test. */
async function alone(desk, service, counter) {
  for (const other of (await queue(desk)).counters) {
    if (other.id === counter || !other.services.includes(service)) continue;
    const answer = await desk.request.put(`/api/v1/venues/${VENUE}/counters/${other.id}`, { data: { state: "paused" } });
    assert.equal(answer.status(), 200);
  }
}

/** Presses a key of a console once its last wish is answered: while one is under way, no other begins. */
async function press(page, key) {
  await page.waitForSelector("body:not([data-busy])");
  await page.keyboard.press(key);
}

/** Presses "next" until a number is at the counter. */
async function callUntil(desk, number) {
  for (let count = 0; count < PRESSES_MAX; count += 1) {
    if ((await desk.textContent("#current-number")) === number) return;
    await desk.waitForSelector("#act-next:not([aria-disabled])");
    const before = await desk.textContent("#current-number");
    await press(desk, "n");
    await desk.waitForFunction((old) => document.querySelector("#current-number")?.textContent !== old, before);
  }
  assert.fail(`${number} was not called in ${PRESSES_MAX} presses`);
}

/** Speech and its voices, as a browser with a Mandarin voice has them; what is spoken is kept. */
const SPEAKS = () => {
  window.spoken = [];
  window.SpeechSynthesisUtterance = class {
    constructor(text) {
      this.text = text;
    }
  };
  const speech = {
    getVoices: () => [{ lang: "zh-CN", localService: true }],
    resume() {},
    cancel() {},
    speak(utterance) {
      window.spoken.push(utterance.text);
      setTimeout(() => utterance.onend?.(), 30);
    },
  };
  Object.defineProperty(window, "speechSynthesis", { value: speech });
};

pages("the start page leads everywhere and gives the demo away", async () => {
  const start = await open("/", "desk");
  await start.waitForSelector(".venue a[data-page=board]");
  assert.equal(await start.locator(".demo-account").count(), info.demo.accounts.length);
  for (const page of ["board", "kiosk", "counter", "triage", "rules", "join"]) assert.ok((await start.locator(`a[data-page=${page}]`).count()) >= 1, page);
  assert.match(await start.locator("a[data-page=board]").first().getAttribute("href"), /#token=/);
  await start.locator(".demo-account button").first().click();
  await reads(start, "#signed", "已登录");
  await shot(start, "start");
});

pages("a number taken at the kiosk is called at a counter, on the board and on the phone", async () => {
  const { nurse, service, counter } = await quietest();
  const desk = await openCounter(counter.id);
  await alone(desk, service.id, counter.id);
  const board = await open(deviceLink("board"), "board", { prepare: (page) => page.addInitScript(SPEAKS) });
  assert.equal(new URL(board.url()).hash, "", "the token is taken out of the address");
  await board.waitForSelector("#services li");
  await board.mouse.click(900, 600);
  await board.waitForSelector("#sound", { state: "hidden" });
  const kiosk = await open(deviceLink("kiosk"), "kiosk");
  await kiosk.waitForSelector("[data-service]");
  await shot(kiosk, "kiosk");
  const { number, phone } = await takeNumber(kiosk, service.id);
  await kiosk.waitForFunction(() => document.querySelector("#qr")?.naturalWidth > 0);
  await shot(kiosk, "kiosk-number");

  const holder = await open(phone, "phone");
  await reads(holder, "#number", number);
  await holder.waitForSelector("#facts:not([hidden])");
  await shot(holder, "ticket-waiting");

  await callUntil(desk, number);
  await shot(desk, "counter-called");
  const name = counter.name["zh-Hans"];
  await reads(board, "#calls .call[data-open=true]", number);
  await reads(board, "#calls .call[data-open=true]", name);
  await reads(holder, "#title", `请到 ${name}`);
  assert.equal(await holder.evaluate(() => document.body.dataset.state), "called");
  await board.waitForFunction((wanted) => document.querySelector("#hero-number")?.textContent === wanted, number);
  const digits = [...number].map((sign) => "零一二三四五六七八九"[Number(sign)] ?? sign).join(" ");
  const sentence = `${digits} 号`;
  await board.waitForFunction((wanted) => window.spoken.filter((text) => text.includes(wanted)).length === 1, sentence);
  await shot(board, "board");
  await shot(holder, "ticket-called");

  await press(desk, "r");
  await reads(board, "#calls .call", /重呼 1 次/);
  await board.waitForFunction((wanted) => window.spoken.filter((text) => text.includes(wanted)).length === 2, sentence);
  await press(desk, "s");
  await reads(holder, "#title", `正在 ${name} 办理`);
  await press(desk, "c");
  await reads(holder, "#title", "已办结");
  await reads(desk, "#undo", "已办结");
  await press(desk, "u");
  await reads(holder, "#title", `正在 ${name} 办理`);
  await press(desk, "c");
  await reads(holder, "#title", "已办结");
  assert.equal(await board.evaluate((wanted) => window.spoken.filter((text) => text.includes(wanted)).length, sentence), 2, "spoken once for the call and once for the recall");

  await kiosk.waitForSelector("#home:not([hidden])", { timeout: 20_000 });
  assert.ok(await nurse.locator("#rows").isVisible());
});

pages("a tap that is repeated, and an answer that is lost, give one number", async () => {
  const kiosk = await open(deviceLink("kiosk"), "kiosk");
  await kiosk.waitForSelector("[data-service]");
  const keys = [];
  let lost = true;
  kiosk.seen.allowed = /ERR_FAILED|ERR_CONNECTION/;
  await kiosk.route("**/tickets", async (route) => {
    keys.push(route.request().headers()["idempotency-key"]);
    if (!lost) return route.continue();
    lost = false;
    await route.fetch();
    await route.abort("connectionfailed");
  });
  await kiosk.evaluate(() => {
    const button = document.querySelector("[data-service]");
    button.click();
    button.click();
  });
  await kiosk.waitForSelector("#result:not([hidden])");
  assert.equal(keys.length, 2, "sent, lost, sent again");
  assert.equal(keys[0], keys[1], "one wish has one key");
});

pages("the triage desk adds an overflow number, grants precedence, holds, brings back and takes back", async () => {
  const { nurse, service } = await quietest();
  await press(nurse, "a");
  await nurse.selectOption("dialog [name=service]", service.id);
  await nurse.fill("dialog [name=approved_by]", "陈医生");
  await nurse.fill("dialog [name=name]", "欧阳小红");
  await shot(nurse, "triage-overflow");
  await nurse.click("dialog [type=submit]");
  await reads(nurse, "#side", "欧阳小红");
  await reads(nurse, "#side", "加号");
  const number = await nurse.textContent(".side-number");
  const row = nurse.locator("#rows tr", { hasText: number });
  await row.click();

  await press(nurse, "g");
  await press(nurse, "2");
  await press(nurse, "Enter");
  await reads(nurse, "#side", "孕产妇");
  await row.locator('[data-kind="green_channel"]').waitFor();
  await shot(nurse, "triage");
  await press(nurse, "u");
  await row.locator('[data-kind="green_channel"]').waitFor({ state: "detached" });

  await press(nurse, "h");
  await press(nurse, "Enter");
  await reads(nurse, '#rows tr[aria-selected="true"]', "检查中");
  await press(nurse, "b");
  await reads(nurse, '#rows tr[aria-selected="true"]', "回诊");

  await press(nurse, "/");
  await nurse.keyboard.type("欧阳");
  await nurse.waitForFunction(() => document.querySelectorAll("#rows tr[tabindex]").length === 1);
  await press(nurse, "Enter");
  await press(nurse, "x");
  await press(nurse, "Enter");
  await nurse.waitForFunction(() => document.querySelectorAll("#rows tr[tabindex]").length === 0);
});

pages("a manager sees the rules, changes one with a reason, and gives it back", async () => {
  const rules = await open(`/rules/${VENUE}`, "desk");
  await logIn(rules, "administrator");
  await rules.waitForSelector("#rows tr");
  const policy = (await (await fetch(`${URL_OF_SERVER}/api/v1/settings-reference`)).json()).sections.find((one) => one.name === "policy");
  assert.equal(await rules.locator("#rows tr").count(), policy.settings.length, "every setting of the reference is there");
  await shot(rules, "rules-venue");

  await rules.locator("#scopes button").nth(1).click();
  const grace = rules.locator('tr[data-path="grace_s"]');
  await grace.locator("[data-act=change]").click();
  await rules.fill(".dialog [name=value]", "soon");
  await rules.click(".dialog [type=submit]");
  await reads(rules, ".toasts", "0 至 86400");
  await grace.locator("[data-act=change]").click();
  await rules.fill(".dialog [name=value]", "45");
  await rules.selectOption(".dialog [name=lasts]", "today");
  await shot(rules, "rules-change");
  await rules.click(".dialog [type=submit]");
  await reads(rules, ".dialog-about", "45 秒");
  await shot(rules, "rules-effect");
  await rules.click(".dialog [type=submit]");
  await reads(rules, 'tr[data-path="grace_s"] .value', "45 秒");
  await reads(rules, 'tr[data-path="grace_s"]', "人多");
  await reads(rules, "#today", "45 秒");
  await shot(rules, "rules-service");
  await rules.click('#languages [lang="en"]');
  await reads(rules, 'tr[data-path="grace_s"]', "Grace before a miss");
  await rules.check("#only");
  await shot(rules, "rules-en");

  const nurse = await open(`/rules/${VENUE}`, "desk");
  await logIn(nurse, "nurse");
  await nurse.waitForSelector("#rows tr");
  assert.equal(await nurse.locator("[data-act]").count(), 0, "a nurse sees the rules and changes none");

  await grace.locator("[data-act=give-back]").click();
  await rules.click(".dialog [type=submit]");
  await rules.waitForSelector("#empty:not([hidden])");
  await reads(rules, "#today", "Give back");
});

/** Selects a ticket at the triage desk by its number. */
async function find(nurse, number) {
  await press(nurse, "/");
  await nurse.fill("#search", number);
  await nurse.waitForFunction(() => document.querySelectorAll("#rows tr[tabindex]").length === 1);
  await press(nurse, "Enter");
}

pages("the desk closes a service after it was shown whom that concerns, and everybody is told", async () => {
  const { nurse, service } = await quietest();
  const kiosk = await open(deviceLink("kiosk"), "kiosk");
  const { phone } = await takeNumber(kiosk, service.id);
  const holder = await open(phone, "phone");
  await holder.waitForSelector("#card:not([hidden])");

  await press(nurse, "c");
  await nurse.selectOption("dialog [name=what]", `services/${service.id}`);
  await nurse.click("dialog [type=submit]");
  await reads(nurse, "dialog .dialog-about", "影响：候诊");
  await nurse.click("dialog [type=submit]");
  await reads(nurse, "dialog .dialog-fault", "候诊者");
  await nurse.selectOption("dialog [name=to]", { index: 1 });
  await shot(nurse, "triage-close");
  await nurse.click("dialog [type=submit]");
  await reads(nurse, "#services", "今日停诊");
  await reads(holder, "#notice", "今日停诊，已为您转到");
  await shot(holder, "ticket-moved");
  await shot(nurse, "triage-closed");
  const board = await open(deviceLink("board"), "board");
  await reads(board, "#notice", "今日停诊，候诊者已转至");
  await shot(board, "board-closed");
  await kiosk.click("#done");
  await kiosk.waitForSelector(`[data-service="${service.id}"]:disabled`, { timeout: 40_000 });
  await shot(kiosk, "kiosk-closed");

  await press(nurse, "c");
  await nurse.selectOption("dialog [name=what]", `services/${service.id}`);
  await nurse.click("dialog [type=submit]");
  await reads(nurse, "dialog .dialog-about", "已转走的人不会转回");
  await nurse.click("dialog [type=submit]");
  await nurse.waitForFunction(() => !document.querySelector("#services")?.textContent?.includes("今日停诊"));
});

pages("a ticket is given steps, and goes to another venue with its phone page", async () => {
  const { nurse, service } = await quietest();
  const kiosk = await open(deviceLink("kiosk"), "kiosk");
  const { number, phone } = await takeNumber(kiosk, service.id);
  const holder = await open(phone, "phone");
  await find(nurse, number);
  await press(nurse, "s");
  const others = (await queue(nurse)).services.filter((one) => one.id !== service.id);
  await nurse.selectOption("dialog [name=step0]", others[0].id);
  await nurse.selectOption("dialog [name=step1]", others[1].id);
  await shot(nurse, "triage-steps");
  await nurse.click("dialog [type=submit]");
  await reads(holder, "#step", "第 1 项，共 3 项");
  await reads(nurse, "#side", "第 1/3 项");
  await shot(holder, "ticket-steps");

  await press(nurse, "t");
  await nurse.waitForSelector("dialog [name=to]");
  const elsewhere = await nurse.locator('dialog [name=to] option[value^="hall/"]').first().getAttribute("value");
  await nurse.selectOption("dialog [name=to]", elsewhere);
  await shot(nurse, "triage-transfer");
  await nurse.click("dialog [type=submit]");
  await reads(holder, "#venue", "大厅");
  await reads(holder, "#number", number);
  await shot(holder, "ticket-transferred");
});

pages("a booking is checked in by scanner at the kiosk, and by the nurse", async () => {
  const { nurse, service } = await quietest();
  // Bookings of the test's own, so that it does not matter how far the demo's day has come.
  const present = (await queue(nurse)).appointments;
  const codes = [`TEST-${Date.now()}`, `TEST-${Date.now() + 1}`];
  const admin = await open("/login", "desk");
  await logIn(admin, "administrator");
  await admin.waitForSelector(".venue");
  const kept = present.filter((row) => row.ticket === null).map((row) => ({ code: row.code, service: row.service, slot: row.slot_start, slot_minutes: Math.round((Date.parse(row.slot_end) - Date.parse(row.slot_start)) / 60_000), ...(row.name ? { name: row.name } : {}) }));
  const slot = (await queue(nurse)).at;
  const mine = codes.map((code) => ({ code, service: service.id, slot: new Date(Math.floor(Date.parse(slot) / 60_000) * 60_000).toISOString(), slot_minutes: 30, name: "司徒明" }));
  const put = await admin.request.put(`/api/v1/venues/${VENUE}/appointments`, { data: [...kept, ...mine], headers: { "Idempotency-Key": codes[0], Origin: URL_OF_SERVER } });
  assert.equal(put.status(), 200, await put.text());

  const kiosk = await open(deviceLink("kiosk"), "kiosk");
  await kiosk.waitForSelector("[data-service]");
  // A scanner: all signs at once, then Enter.
  await kiosk.evaluate((code) => {
    for (const key of [...code, "Enter"]) document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  }, codes[0]);
  await kiosk.waitForSelector("#result:not([hidden])");
  await shot(kiosk, "kiosk-checked-in");

  await nurse.click('[data-view="appointments"]');
  await nurse.fill("#search", codes[1]);
  await reads(nurse, "#rows tr", "未到");
  await press(nurse, "Enter");
  await press(nurse, "Enter");
  await reads(nurse, "#rows tr", "已报到");
  await shot(nurse, "triage-check-in");
});

pages("who went first is told to the phone in numbers, and to the staff in words", async () => {
  const { nurse, service, counter } = await quietest();
  const desk = await openCounter(counter.id);
  await alone(desk, service.id, counter.id);
  const kiosk = await open(deviceLink("kiosk"), "kiosk");
  const first = await takeNumber(kiosk, service.id);
  await kiosk.reload();
  const second = await takeNumber(kiosk, service.id);
  const holder = await open(first.phone, "phone");
  await reads(holder, "#number", first.number);
  assert.ok(await holder.locator("#passed").isHidden(), "nobody went first yet");

  const { tickets } = await queue(desk);
  const later = tickets.find((row) => row.number === second.number);
  const called = await desk.request.post(`/api/v1/venues/${VENUE}/counters/${counter.id}/calls`, { data: { ticket: later.id, reason: "同行家属" }, headers: { Origin: URL_OF_SERVER } });
  assert.equal(called.status(), 200);
  await reads(holder, "#passed", "工作人员指定 1 位");
  assert.ok(!(await holder.textContent("main")).includes(second.number), "the phone does not say who");
  await shot(holder, "ticket-passed");

  await reads(desk, "#current-number", second.number);
  await press(desk, "w");
  await reads(desk, ".story-step", `叫到 ${counter.name["zh-Hans"]}`);
  await shot(desk, "counter-why");
  await desk.keyboard.press("Escape");
  await desk.waitForSelector(".panel", { state: "detached" });
  await desk.locator(".row-number", { hasText: first.number }).first().click();
  await reads(desk, "#panel-title", `${first.number} 的经过`);
  await desk.keyboard.press("Escape");

  await nurse.fill("#search", first.number);
  await nurse.waitForFunction(() => document.querySelectorAll("#rows tr[tabindex]").length === 1);
  await press(nurse, "Enter");
  await press(nurse, "w");
  await reads(nurse, '.story-step[data-what="passed_over"]', `${second.number} 先叫到`);
  await reads(nurse, '.story-step[data-what="passed_over"]', "原因：同行家属");
  await shot(nurse, "triage-why");
  await nurse.keyboard.press("Escape");
  await nurse.waitForSelector(".panel", { state: "detached" });

  await press(nurse, "d");
  await reads(nurse, ".figures-tiles", "人工指定");
  await reads(nurse, ".figures-tiles", account("clerk").user);
  await nurse.selectOption(".panel select", service.id);
  await reads(nurse, ".figures table", "合计");
  await shot(nurse, "triage-figures");
  await nurse.keyboard.press("Escape");
  assert.ok(await desk.locator("#show-figures").count() === 0, "figures are for the triage desk");
  await nurse.setViewportSize({ width: 640, height: 400 });
  await press(nurse, "d");
  await nurse.waitForSelector(".figures-tiles");
  assert.ok(await nurse.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth) <= 1, "narrow windows scroll the table, not the page");
});

pages("a phone joins, lets others go first, and leaves", async () => {
  const phone = await open(`/join/${VENUE}`, "phone");
  await phone.waitForSelector(".join-service");
  await shot(phone, "join");
  await phone.locator(".join-service").first().click();
  await phone.waitForURL(/\/t\//);
  await phone.waitForSelector("#card:not([hidden])");
  if ((await phone.evaluate(() => document.body.dataset.state)) === "waiting") {
    await phone.click("#step-back");
    await phone.selectOption("dialog select", "2");
    await phone.click("dialog [type=submit]");
    await reads(phone, ".toast", "已往后移 2 位");
  }
  await phone.click("#leave");
  await phone.click("dialog [type=submit]");
  await reads(phone, "#title", "已取消");
  await phone.waitForSelector("#actions", { state: "hidden" });
  await shot(phone, "ticket-left");
});

pages("every page speaks three languages and remembers the choice", async () => {
  const start = await open("/", "desk");
  await reads(start, ".venue", "候诊屏");
  await start.click('#languages [lang="en"]');
  await reads(start, ".venue", "Waiting-room screen");
  assert.equal(await start.evaluate(() => document.documentElement.lang), "en");
  await start.reload();
  await reads(start, ".venue", "Waiting-room screen");
  await start.click('#languages [lang="zh-Hant"]');
  await reads(start, ".venue", "候診屏");

  const board = await open(`/board/${VENUE}?lang=en`, "board");
  await reads(board, "#calls-title", "Latest calls");
  await shot(board, "board-en");
  const counter = await open(`/counter/${VENUE}?lang=zh-Hant`, "desk");
  await reads(counter, ".login", "工作人員登入");
  const triage = await open(`/triage/${VENUE}?lang=en`, "desk");
  await logIn(triage, "nurse");
  await reads(triage, "#add-overflow", "Add overflow");
  await triage.waitForSelector("#services li");
  await shot(triage, "triage-en");
  const kiosk = await open(deviceLink("kiosk"), "kiosk");
  await kiosk.click('#languages [lang="en"]');
  await reads(kiosk, "#home-title", "Please choose a service");
  await shot(kiosk, "kiosk-en");
  const wished = await open("/login", "desk", { context: { locale: "zh-TW" } });
  await reads(wished, ".login", "工作人員登入");
});

pages("a board whose line is cut says so at once, and heals by itself", async () => {
  const lines = [];
  let cut = false;
  const board = await open(deviceLink("board"), "board", {
    prepare: (page) =>
      page.routeWebSocket(/\/ws\/v1\//, (line) => {
        if (cut) return void line.close({ code: 1011 });
        lines.push(line);
        line.connectToServer();
      }),
  });
  await board.waitForSelector("#services li");
  assert.ok(await board.locator("#stale").isHidden());
  // Cut off for long, it asks the socket's address why, and that answers that it wants a handshake.
  board.seen.allowed = CUT_OFF;
  cut = true;
  await lines[0].close({ code: 1012 });
  await reads(board, "#stale", "连接中断");
  assert.ok(await board.evaluate(() => document.body.hasAttribute("data-stale")));
  await shot(board, "board-stale");
  cut = false;
  await board.waitForSelector("#stale", { state: "hidden", timeout: 40_000 });
  assert.ok(lines.length >= 2);
});

pages("a phone, a kiosk and a counter without a network say so, and heal", async () => {
  const phone = await open(`/join/${VENUE}`, "phone");
  await phone.locator(".join-service").first().click();
  await phone.waitForSelector("#card:not([hidden])");
  const kiosk = await open(deviceLink("kiosk"), "kiosk");
  await kiosk.waitForSelector("[data-service]");
  const { nurse } = await quietest();
  for (const page of [phone, kiosk, nurse]) {
    page.seen.allowed = CUT_OFF;
    await page.context().setOffline(true);
  }
  await reads(phone, "#offline", "网络中断");
  await reads(kiosk, "#lost", "暂停服务");
  await reads(nurse, '#line[data-state="lost"]', "连接中断");
  await shot(phone, "ticket-offline");
  await shot(kiosk, "kiosk-lost");
  for (const page of [phone, kiosk, nurse]) await page.context().setOffline(false);
  await phone.waitForSelector("#offline", { state: "hidden", timeout: 40_000 });
  await kiosk.waitForSelector("#lost", { state: "hidden", timeout: 40_000 });
  await nurse.waitForSelector('#line[data-state="live"]', { timeout: 40_000 });
  await phone.click("#leave");
  await phone.click("dialog [type=submit]");
  await reads(phone, "#title", "已取消");
});

pages("links that lead nowhere and wrong passwords are told in words", async () => {
  const refused = /status of 40[134]|WebSocket connection to .* failed/;
  const ticket = await open("/t/not-a-ticket", "phone", { prepare: (page) => (opened[opened.length - 1].allowed = refused) });
  await reads(ticket, ".dead", "链接无效或已过期");
  const board = await open("/board/nowhere", "board", { prepare: () => (opened[opened.length - 1].allowed = refused) });
  await reads(board, "#stale", "没有这个大厅");
  const setup = await open("/setup", "desk");
  await reads(setup, ".dead", "请使用服务器首次启动时给出的链接打开此页");
  const login = await open("/login", "desk", { prepare: () => (opened[opened.length - 1].allowed = refused) });
  await login.fill("[name=user]", "nobody");
  await login.fill("[name=password]", "wrong password");
  await login.click("[type=submit]");
  await reads(login, ".dialog-fault", "账号或密码不正确");
  await shot(login, "login");
});

pages("at twice the size and on a narrow window nothing is cut off sideways", async () => {
  const sizes = { "/": "desk", [`/triage/${VENUE}`]: "desk", [`/counter/${VENUE}`]: "desk", [`/rules/${VENUE}`]: "desk", [`/join/${VENUE}`]: "phone" };
  for (const path of Object.keys(sizes)) {
    const page = await open(path, "desk", { context: { viewport: { width: 640, height: 400 } } });
    if (/^\/(triage|counter|rules)/.test(path)) {
      await logIn(page, "nurse");
      await page.waitForSelector("#work:not([hidden])");
    } else await page.waitForSelector("button");
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(over <= 1, `${path} is ${over} px too wide at 200 %`);
  }
});
