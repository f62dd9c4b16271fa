// @ts-check
/**
 * The rules of the queues, for managers: what is in force and where it comes from, in words; changed with a reason,
 * after a look at what would come of it. The settings come from the reference: a new one appears by itself.
 *
 * @typedef {import("../lib/wire").PolicyOverview} PolicyOverview
 * @typedef {import("../lib/wire").PolicySetting} PolicySetting
 * @typedef {import("../lib/wire").PolicyChangeRow} PolicyChangeRow
 * @typedef {import("../lib/wire").PolicyAnswer} PolicyAnswer
 * @typedef {import("../lib/wire").PolicyValue} PolicyValue
 * @typedef {import("../lib/wire").ReferenceSetting} ReferenceSetting
 * @typedef {import("../lib/wire").SessionAnswer} SessionAnswer
 */
import { get, patch, path, Refusal, remove } from "../lib/api.js";
import { ask } from "../lib/dialog.js";
import { el, one, setText, show } from "../lib/dom.js";
import { languageSwitcher, setIn, span, startPage, subject } from "../lib/page.js";
import { reasons } from "../lib/reasons.js";
import { loginForm, whoIsIn } from "../lib/staff.js";
import { onLanguage, problemText, t, tOf, words } from "../lib/text.js";
import { hourMinute } from "../lib/time.js";
import { toast, toastFailure } from "../lib/toast.js";

/** How often the page looks whether somebody else changed something. */
const LOOK_MS = 15_000;
/** Seconds from which a time is said in minutes, where it is whole minutes. */
const MINUTES_FROM_S = 120;

startPage();
languageSwitcher(one(document, "#languages"));
const venue = subject();
const address = `/venues/${path(venue)}/policies`;
const door = one(document, "#door");
const only = one(document, "#only", "input");

/** @type {Map<string, ReferenceSetting>} */
const reference = new Map();
/** @type {PolicyOverview | null} */
let overview = null;
/** @type {import("../lib/wire").VenueSummary | null} */
let place = null;
let mayChange = false;
/** The service shown; empty for the whole venue. */
let scope = "";

/** The name of a setting: of an entry of a table, the table's with the lane's. */
const nameOf = (/** @type {string} */ setting) => {
  const whole = tOf("setting", setting);
  if (whole !== null) return whole;
  const [field, part] = setting.split(".");
  const table = tOf("setting", field) ?? setting;
  return part === undefined ? table : `${table} · ${tOf("lane", part) ?? part}`;
};

/** What a setting does, in the page's words; where there are none, in the reference's. */
const aboutOf = (/** @type {string} */ setting) =>
  tOf("setting_about", setting) ?? tOf("setting_about", setting.split(".")[0]) ?? reference.get(setting)?.about ?? "";

/** @param {string} setting @param {PolicyValue} value */
function valueOf(setting, value) {
  const known = reference.get(setting);
  if (typeof value === "boolean") return t(value ? "rules.yes" : "rules.no");
  if (typeof value === "string") return tOf("setting_word", `${setting}.${value}`) ?? value;
  if (known?.unit === "seconds" && value >= MINUTES_FROM_S && value % 60 === 0) return span(value);
  return (known?.unit && tOf("rule_unit", known.unit, { n: value })) ?? String(value);
}

/** @param {string} id */
const serviceOf = (id) => words(overview?.services.find((one) => one.id === id)?.name) || id;
/** @param {string | null} id */
const scopeName = (id) => (id ? serviceOf(id) : t("rules.venue"));
/** @param {string} at */
const timeOf = (at) => hourMinute(at, place?.time_zone ?? "UTC");

function settingsShown() {
  return (scope ? overview?.services.find((one) => one.id === scope)?.settings : overview?.venue) ?? [];
}

/** Whether a setting was changed while running, here and not for the whole venue. @param {PolicySetting} setting */
const changedHere = (setting) => setting.from === (scope ? "service_change" : "venue_change");

function render() {
  if (!overview) return;
  document.title = `${t("page.rules")} · ${t("app.name")}`;
  setText(one(document, "#venue"), `${words(place?.name)} · ${t("page.rules")}`);
  const scopes = [{ id: "", settings: overview.venue }, ...overview.services];
  one(document, "#scopes").replaceChildren(
    ...scopes.map(({ id, settings }) => {
      const changed = settings.filter((one) => one.from === (id ? "service_change" : "venue_change")).length;
      const button = el("button", { type: "button", "aria-current": String(id === scope), "data-scope": id, click: () => choose(id) }, scopeName(id));
      if (changed > 0) button.append(el("span", { class: "chip count", "data-kind": "late" }, String(changed)));
      return el("li", {}, button);
    }),
  );
  setText(one(document, "#scope-title"), scopeName(scope));
  setText(one(document, "#scope-about"), t(scope ? "rules.about_service" : "rules.about_venue"));
  const shown = settingsShown().filter((setting) => !only.checked || setting.change);
  one(document, "#rows").replaceChildren(...shown.map(row));
  show(one(document, "#empty"), shown.length === 0);
  renderToday(overview.changes);
}

/** @param {PolicySetting} setting */
function row(setting) {
  const { change } = setting;
  const from = el("td", {}, tOf("rule_from", setting.from) ?? setting.from);
  if (change) {
    const lasts = change.lasts === "today" ? ` · ${t("rule_lasts.today")}` : "";
    from.append(
      el("small", {}, `${t("rules.changed_by", { who: change.by ?? "", at: timeOf(change.at) })}${lasts}`),
      el("small", {}, change.reason),
      el("small", {}, t("rules.file_says", { value: valueOf(setting.path, setting.declared) })),
    );
  }
  const acts = el("td", { class: "acts" });
  if (mayChange) {
    const label = (/** @type {string} */ act) => `${act} ${nameOf(setting.path)}`;
    acts.append(el("button", { type: "button", class: "button small", "data-act": "change", "aria-label": label(t("rules.change")), click: () => changeIt(setting) }, t("rules.change")));
    if (changedHere(setting)) acts.append(el("button", { type: "button", class: "button small", "data-act": "give-back", "aria-label": label(t("rules.give_back")), click: () => giveBack(setting) }, t("rules.give_back")));
  }
  return el(
    "tr",
    { "data-path": setting.path, "data-changed": changedHere(setting) },
    el("th", { scope: "row" }, nameOf(setting.path), el("small", {}, aboutOf(setting.path))),
    el("td", { class: "value" }, valueOf(setting.path, setting.value)),
    from,
    acts,
  );
}

/** @param {PolicyChangeRow[]} changes */
function renderToday(changes) {
  const rows = [...changes].reverse().map((change) => {
    const who = change.by ? t("rules.changed_by", { who: change.by, at: timeOf(change.at) }) : `${t("rules.by_file")} ${timeOf(change.at)}`;
    const what = change.by
      ? [...change.set.map((one) => `${nameOf(one.path)}: ${valueOf(one.path, one.value)}`), ...change.dropped.map((one) => `${nameOf(one)}: ${t("rules.give_back")}`)]
      : effectsOf(change);
    const whose = change.by ? `${scopeName(change.service)} · ` : "";
    return el("li", {}, ...what.map((text) => el("strong", {}, whose + text)), el("small", {}, who), change.reason && el("small", {}, change.reason));
  });
  one(document, "#today").replaceChildren(...(rows.length > 0 ? rows : [el("li", {}, t("rules.none_today"))]));
}

/** @param {PolicyChangeRow} change */
function effectsOf(change) {
  return change.effects.map(({ service, path: setting, before, after }) =>
    t("rules.effect", { service: `${serviceOf(service)} · ${nameOf(setting)}`, before: valueOf(setting, before), after: valueOf(setting, after) }),
  );
}

/** @param {string} id */
function choose(id) {
  scope = id;
  render();
}

/**
 * The question for a new value, of the setting's type.
 *
 * @param {PolicySetting} setting
 * @returns {import("../lib/dialog.js").Field}
 */
function valueField(setting) {
  const known = reference.get(setting.path);
  const unit = known?.unit === "seconds" ? t("rule_unit.seconds", { n: "" }).trim() : "";
  const field = { name: "value", label: [t("rules.new_value"), unit].filter((part) => part !== "").join(" · "), required: true };
  const option = (/** @type {PolicyValue} */ value) => ({ value: String(value), label: valueOf(setting.path, value) });
  if (known?.type === "yes_no") return { ...field, kind: "select", value: String(setting.value), options: [true, false].map(option) };
  if (known?.among) return { ...field, kind: "select", value: String(setting.value), options: known.among.map(option) };
  if (known?.words) return { ...field, kind: "select", value: String(setting.value), options: known.words.map(({ word }) => option(word)) };
  return { ...field, value: String(setting.value), hint: rangeOf(setting) };
}

/** @param {PolicySetting} setting */
function rangeOf(setting) {
  const { least, most } = reference.get(setting.path) ?? {};
  if (least === undefined) return "";
  return most === undefined ? t("rules.at_least", { least }) : t("rules.range", { least, most });
}

/**
 * What was typed, as the setting's type; null where it cannot be that.
 *
 * @param {PolicySetting} setting
 * @param {string} typed
 * @returns {PolicyValue | null}
 */
function typedValue(setting, typed) {
  const known = reference.get(setting.path);
  if (known?.type === "yes_no") return typed === "true";
  if (known?.type !== "number") return typed;
  const value = Number(typed);
  return /^\d+$/.test(typed) && value >= (known.least ?? 0) && value <= (known.most ?? Infinity) ? value : null;
}

/** @param {PolicySetting} setting */
async function changeIt(setting) {
  const lasts = /** @type {const} */ (["for_good", "today"]).map((one) => ({ value: one, label: t(`rule_lasts.${one}`) }));
  const answer = await ask({
    title: t("rules.change_title", { setting: `${scopeName(scope)} · ${nameOf(setting.path)}` }),
    about: aboutOf(setting.path),
    agree: t("rules.see_effect"),
    reasons: reasons("rules"),
    fields: [valueField(setting), { name: "lasts", label: t("rules.how_long"), kind: "select", value: "for_good", options: lasts }],
  });
  if (!answer || !overview) return;
  const value = typedValue(setting, answer["value"] ?? "");
  if (value === null) return toast(t("rules.not_in_range", { setting: nameOf(setting.path), range: rangeOf(setting) }), "error");
  const wish = {
    ...(scope ? { service: scope } : {}),
    version: overview.version,
    set: { [setting.path]: value },
    lasts: answer["lasts"],
    reason: answer["reason"],
  };
  await carefully(async () => {
    /** @type {PolicyAnswer} */
    const told = await patch(`${address}?dry_run=true`, wish);
    if (!told.change) return toast(t("rules.unchanged"));
    const effects = effectsOf(told.change);
    const about = effects.length > 0 ? effects.join("\n") : t("rules.no_effect");
    if (!(await ask({ title: t("rules.effect_title"), about, agree: t("rules.apply") }))) return;
    await patch(address, wish);
    toast(t("rules.done", { setting: nameOf(setting.path) }), "good");
  });
}

/** @param {PolicySetting} setting */
async function giveBack(setting) {
  const answer = await ask({
    title: t("rules.give_back_title", { setting: `${scopeName(scope)} · ${nameOf(setting.path)}` }),
    about: t("rules.give_back_about", { value: valueOf(setting.path, setting.declared) }),
    agree: t("rules.give_back"),
    reasons: reasons("rules"),
  });
  if (!answer || !overview) return;
  const query = new URLSearchParams({ version: String(overview.version), reason: answer["reason"] ?? "" });
  if (scope) query.set("service", scope);
  await carefully(async () => {
    await remove(`${address}/${path(setting.path)}?${query}`);
    toast(t("rules.done", { setting: nameOf(setting.path) }), "good");
  });
}

/** Does it, says what went wrong in the server's words where it knows better, and looks again. @param {() => Promise<void>} act */
async function carefully(act) {
  try {
    await act();
  } catch (failure) {
    const problems = failure instanceof Refusal && failure.code === "policy_invalid" ? /** @type {any} */ (failure.problem.about)?.problems : null;
    if (problems) toast(`${problemText(failure)} (${problems.join("; ")})`, "error");
    else toastFailure(failure);
  }
  await look();
}

async function look() {
  try {
    overview = await get(address);
    place = await get(`/venues/${path(venue)}`);
    show(door, false);
    show(one(document, "#work"), true);
    // A question on the page is about what was shown: nothing moves under it.
    if (!document.querySelector("dialog[open]")) render();
  } catch (failure) {
    if (!(failure instanceof Refusal)) return;
    if (failure.status === 401) return logIn();
    show(one(document, "#work"), false);
    show(door, true);
    setText(one(door, ".door-text"), failure.status === 403 ? t("rules.not_staff") : problemText(failure));
  }
}

function logIn() {
  setIn("staff", false);
  overview = null;
  for (const id of ["#work", "#who", "#leave"]) show(one(document, id), false);
  show(door, true);
  setText(one(door, ".door-text"), "");
  one(door, ".door-form").replaceChildren(loginForm(enter));
}

/** @param {SessionAnswer} session */
function enter(session) {
  one(door, ".door-form").replaceChildren();
  setText(one(document, "#who"), session.user);
  for (const id of ["#who", "#leave"]) show(one(document, id), true);
  const roles = [session.roles[venue], session.roles["*"]];
  mayChange = roles.some((role) => role === "manager" || role === "administrator");
  void look();
}

async function start() {
  try {
    if (reference.size === 0) {
      /** @type {import("../lib/wire").Reference} */
      const all = await get("/settings-reference");
      for (const section of all.sections.filter((one) => one.changeable)) for (const one of section.settings) reference.set(one.path, one);
    }
    const session = await whoIsIn();
    if (session) enter(session);
    else logIn();
  } catch {
    setText(one(door, ".door-text"), t("problem.unreachable"));
    setTimeout(start, 2_000 + Math.random() * 3_000);
  }
}

only.addEventListener("change", render);
one(document, "#leave").addEventListener("click", async () => {
  try {
    await remove("/sessions/current");
  } catch (failure) {
    if (!(failure instanceof Refusal)) return toastFailure(failure);
  }
  logIn();
});
onLanguage(render);
setInterval(() => {
  if (overview) void look();
}, LOOK_MS);
void start();
