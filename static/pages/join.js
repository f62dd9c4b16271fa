// @ts-check
/** Taking a number with one's own phone, where the venue allows it. */
import { get, newKey, path, post } from "../lib/api.js";
import { closedText } from "../lib/closed.js";
import { el, follow, one, setText, show } from "../lib/dom.js";
import { recall, remember } from "../lib/memory.js";
import { dead, languageSwitcher, startPage, subject } from "../lib/page.js";
import { language, onLanguage, problemText, t, words } from "../lib/text.js";
import { waitText } from "../lib/waits.js";

/** @typedef {import("../lib/wire").VenueSummary} VenueSummary */

const REFRESH_MS = 15_000;

startPage();
languageSwitcher(one(document, "#languages"));
const id = subject();
const message = one(document, "#message", "p");
/** @type {VenueSummary | null} */
let venue = null;
/** The wish under way, and the key it keeps until it is answered. @type {{ service: string, key: string } | null} */
let wish = null;
let busy = false;

function render() {
  if (!venue) return;
  document.title = `${words(venue.name)} · ${t("page.join")}`;
  setText(one(document, "#venue"), words(venue.name));
  if (!venue.join_by_phone) return dead(t("problem.join_not_allowed"));
  const mine = recall(`ticket.${id}`);
  const link = one(document, "#mine", "a");
  show(link, mine !== null);
  if (mine) {
    link.href = `/t/${path(mine)}`;
    setText(link, t("join.mine"));
  }
  follow(
    one(document, "#services"),
    venue.services,
    (service) => service.id,
    (service) =>
      el("li", {}, el("button", { type: "button", class: "card join-service", click: () => take(service.id) }, el("strong"), el("span", { class: "join-waiting" }), el("span", { class: "join-estimate" }))),
    (row, service) => {
      setText(one(row, "strong"), words(service.name));
      const { closed } = service;
      setText(one(row, ".join-waiting"), closed ? t("closed.badge") : t("board.waiting", { n: service.waiting }));
      setText(one(row, ".join-estimate"), closed ? closedText(closed) : waitText(service));
      one(row, "button", "button").disabled = busy || closed !== null;
    },
  );
}

/** @param {string} service */
async function take(service) {
  if (busy) return;
  busy = true;
  // The same wish after a lost answer keeps its key: one number, however often it is tapped.
  if (wish?.service !== service) wish = { service, key: newKey() };
  show(message, false);
  render();
  try {
    const issued = await post(`/venues/${path(id)}/tickets`, { service, language: language() }, wish.key);
    wish = null;
    remember(`ticket.${id}`, issued.token);
    location.assign(`/t/${path(issued.token)}`);
  } catch (failure) {
    setText(message, problemText(failure));
    show(message, true);
  }
  busy = false;
  render();
}

async function load() {
  try {
    venue = await get(`/venues/${path(id)}`);
    render();
  } catch (failure) {
    if (!venue) dead(problemText(failure), { label: t("action.retry"), act: () => location.reload() });
  }
  setTimeout(load, REFRESH_MS * (0.8 + Math.random() * 0.4));
}

onLanguage(render);
void load();
