// @ts-check
/**
 * One's own number on one's own phone: how many are really ahead, an honest range of minutes, "come now".
 *
 * @typedef {import("../lib/wire").CardFrame} CardFrame
 */
import { newKey, path, post, Unreachable } from "../lib/api.js";
import { noticeText } from "../lib/closed.js";
import { ask } from "../lib/dialog.js";
import { el, one, setAttribute, setText, show } from "../lib/dom.js";
import { createFeed, followBrowser } from "../lib/feed.js";
import { dead, keepAwake, languageSwitcher, pageClock, span, startPage, subject, watchLine } from "../lib/page.js";
import { remember } from "../lib/memory.js";
import { onLanguage, problemText, t, tOf, words } from "../lib/text.js";
import { hourMinute, minutesOf } from "../lib/time.js";
import { toast, toastFailure } from "../lib/toast.js";

const STEPS = ["1", "2", "3"];
const OVER = new Set(["completed", "no_show", "cancelled", "transferred"]);
/** Nothing can be done with these from here. */
const OUT_OF_HAND = new Set([...OVER, "serving", "transferring"]);
const IN_QUEUE = new Set(["waiting", "ready", "inside"]);
const BUZZ = [400, 150, 400, 150, 800];
const FLASH_MS = 900;

startPage();
languageSwitcher(one(document, "#languages"));
const token = subject();
const clock = pageClock();
/** @type {CardFrame | null} */
let card = null;
/** The call the holder was told of: its id and recalls. */
let told = "";
let flashing = false;
let busy = false;

const stepBack = one(document, "#step-back", "button");
const leave = one(document, "#leave", "button");

const feed = followBrowser(
  createFeed({
    address: () => `/ws/v1/tickets/${path(token)}`,
    onFrame(frame) {
      if (frame.type !== "card") return;
      card = frame;
      clock.set(frame.at);
      render();
      // The same link now leads to the other venue: the line is opened anew.
      if (frame.state === "transferred") return reopen();
      if (OVER.has(frame.state)) remember(`ticket.${token.split(".")[0]}`, null);
    },
    onState(state) {
      if (state === "refused") dead(problemText(feed.refused()));
    },
  }),
);

/** Where the other venue is not there yet either, it says so again, and this waits a little longer each time. */
let reopened = 0;
function reopen() {
  reopened += 1;
  feed.stop();
  setTimeout(() => feed.start(), Math.min(5_000, 200 * 2 ** reopened) * (0.5 + Math.random()));
}

function render() {
  if (!card) return;
  const { state } = card;
  const counter = words(card.counter?.name);
  document.body.dataset.state = state;
  show(one(document, "#card"), true);
  show(one(document, "#loading"), false);
  setText(one(document, "#venue"), words(card.venue.name));
  setText(one(document, "#service"), words(card.service.name));
  setText(one(document, "#number"), card.number);
  renderTags(card);
  setText(one(document, "#title"), t(/** @type {any} */ (`card.${state}`), { counter }));
  setText(one(document, "#detail"), detail(card, counter));
  const waits = IN_QUEUE.has(state);
  show(one(document, "#facts"), waits);
  if (waits) {
    setText(one(document, "#ahead"), card.ahead === null ? "–" : t("ticket.people", { n: card.ahead }));
    const wait = card.estimate ? minutesOf(card.estimate) : null;
    setText(one(document, "#wait"), wait ? t("ticket.range", { low: wait.low, high: wait.high }) : t("ticket.unknown"));
    const note = wait && card.estimate
      ? t(card.estimate.scored > 0 ? "ticket.likely" : "ticket.guess", { likely: wait.likely })
      : (tOf("estimate", card.estimate_reason) ?? t("estimate.not_waiting"));
    setText(one(document, "#note"), note);
  }
  show(one(document, "#note"), waits);
  renderPassed(card);
  show(one(document, "#actions"), !OUT_OF_HAND.has(state));
  show(stepBack, waits);
  setText(one(document, "#times"), times(card));
  const notice = noticeText(card);
  show(one(document, "#notice"), notice !== "");
  setText(one(document, "#notice"), notice);
  renderSteps(card);
  tellCall(card, counter);
}

/**
 * @param {CardFrame} now
 * @param {string} counter
 */
function detail(now, counter) {
  if (now.state === "called") return now.recalls > 0 ? t("card.called_again", { counter }) : t("card.called_detail", { counter });
  return tOf("card", `${now.state}_detail`, { counter }) ?? "";
}

/**
 * Who was called first although they queued later: in numbers, by what let them.
 *
 * @param {CardFrame} now
 */
function renderPassed(now) {
  const passed = one(document, "#passed");
  const kinds = now.passed_over_by.map(({ by, count }) => t(/** @type {any} */ (`before.${by}`), { n: count }));
  show(passed, kinds.length > 0);
  setText(passed, kinds.length > 0 ? t("ticket.passed", { kinds: kinds.join(t("unit.list")) }) : "");
}

/** @param {CardFrame} now */
function renderTags(now) {
  const tags = [];
  if (now.green_channel) tags.push(el("span", { class: "chip", "data-kind": "green_channel" }, t("urgency.green_channel")));
  if (now.lane !== "walk_in") tags.push(el("span", { class: "chip" }, t(/** @type {any} */ (`lane.${now.lane}`))));
  one(document, "#tags").replaceChildren(...tags);
}

/** @param {CardFrame} now */
function renderSteps({ steps }) {
  show(one(document, "#steps"), steps !== null);
  if (!steps) return;
  setText(one(document, "#step"), t("ticket.step", { step: steps.step, of: steps.of }));
  const next = steps.next.map((named) => words(named.name)).join(" → ");
  setText(one(document, "#next-steps"), next === "" ? "" : t("ticket.next_steps", { next }));
  const bar = one(document, "#step-bar", "progress");
  bar.max = steps.of;
  bar.value = steps.step;
}

/** @param {CardFrame} now */
function times(now) {
  const parts = [t("ticket.issued_at", { time: hourMinute(now.issued_at, now.time_zone) })];
  if (now.slot_start && now.slot_end) {
    const from = hourMinute(now.slot_start, now.time_zone);
    parts.push(t("ticket.slot", { from, to: hourMinute(now.slot_end, now.time_zone) }));
  }
  return parts.join(" · ");
}

/**
 * Tells of a call and of each recall once: read out, buzzing, and in the title of the window.
 *
 * @param {CardFrame} now
 * @param {string} counter
 */
function tellCall(now, counter) {
  flashing = now.state === "called";
  const name = now.state === "called" ? `${now.call} ${now.recalls}` : "";
  if (name !== told) {
    told = name;
    setText(one(document, "#alert"), name === "" ? "" : `${now.number}. ${t("card.called_detail", { counter })}`);
    // Without a touch before, browsers refuse to buzz and some complain about being asked.
    if (name !== "" && navigator.vibrate && /** @type {any} */ (navigator).userActivation?.hasBeenActive !== false) {
      navigator.vibrate(BUZZ);
    }
  }
  title(false);
}

/** @param {boolean} lit */
function title(lit) {
  if (!card) return;
  const state = t(/** @type {any} */ (`card.${card.state}`), { counter: words(card.counter?.name) });
  document.title = flashing && lit ? `● ${state}` : `${card.number} ${state}`;
}

let lit = false;
setInterval(() => {
  lit = !lit;
  if (flashing) title(lit);
}, FLASH_MS);

/** The last wish without an answer: asked again, it keeps its key. @type {{ wish: string, key: string } | null} */
let unanswered = null;

/**
 * @param {string} name  of the action
 * @param {object} body
 * @param {string} done
 */
async function act(name, body, done) {
  if (busy) return;
  busy = true;
  const wish = name + JSON.stringify(body);
  const key = unanswered?.wish === wish ? unanswered.key : newKey();
  unanswered = null;
  setAttribute(one(document, "#actions"), "aria-busy", "true");
  try {
    await post(`/tickets/${path(token)}/${name}`, body, key);
    toast(done, "good");
  } catch (failure) {
    if (failure instanceof Unreachable) unanswered = { wish, key };
    toastFailure(failure);
  } finally {
    busy = false;
    setAttribute(one(document, "#actions"), "aria-busy", null);
  }
}

leave.addEventListener("click", async () => {
  const answer = await ask({ title: t("ticket.leave_title"), about: t("ticket.leave_about"), agree: t("ticket.leave"), danger: true });
  if (answer) await act("cancellations", {}, t("ticket.left"));
});

stepBack.addEventListener("click", async () => {
  const options = STEPS.map((value) => ({ value, label: t("ticket.places", { n: value }) }));
  const answer = await ask({
    title: t("ticket.step_back_title"),
    about: t("ticket.step_back_about"),
    agree: t("ticket.step_back_agree"),
    fields: [{ name: "places", label: t("ticket.how_many"), kind: "select", options, value: "1", required: true }],
  });
  if (!answer) return;
  const places = Number(answer["places"]);
  await act("step_backs", { places }, t("ticket.stepped_back", { n: places }));
});

watchLine(feed, (isStale, seconds) => {
  const offline = one(document, "#offline", "p");
  const shown = isStale && feed.state() !== "refused" && card !== null;
  show(offline, shown);
  document.body.toggleAttribute("data-stale", shown);
  if (shown && card) setText(offline, t("ticket.offline", { time: hourMinute(card.at, card.time_zone), age: span(seconds) }));
});

onLanguage(render);
keepAwake();
feed.start();
