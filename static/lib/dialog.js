// @ts-check
/**
 * Questions to staff: a reason from a list or in own words, and whatever else the wish needs. Reachable by keys alone:
 * digits choose a reason, Enter agrees, Escape leaves.
 *
 * @typedef {{
 *   name: string, label: string, kind?: "text" | "password" | "select", options?: { value: string, label: string }[],
 *   value?: string, required?: boolean, hint?: string, max?: number,
 * }} Field
 */
import { el, setText, show } from "./dom.js";
import { OTHER } from "./reasons.js";
import { t } from "./text.js";

const REASON_CHARS_MAX = 200;

/**
 * @param {{
 *   title: string, about?: string, agree: string, danger?: boolean,
 *   reasons?: (string | { code: string, label: string })[], reasonNeeded?: boolean, fields?: Field[],
 * }} question
 * @returns {Promise<Record<string, string> | null>}  the fields, with `reason`, and `code` where reasons have codes; null
 *   when left
 */
export function ask({ title, about, agree, danger = false, reasons = [], reasonNeeded = true, fields = [] }) {
  return new Promise((resolve) => {
    const fault = el("p", { class: "dialog-fault", role: "alert", hidden: true });
    const form = el("form", { method: "dialog", novalidate: true });
    const dialog = el("dialog", { class: "dialog", "aria-labelledby": "dialog-title" }, form);
    form.append(el("h2", { id: "dialog-title" }, title));
    if (about) form.append(el("p", { class: "dialog-about" }, about));

    const inputs = fields.map((field) => {
      const input = field.kind === "select" ? select(field) : text(field);
      const label = el("label", { class: "field" }, el("span", {}, field.label), input);
      if (field.hint) label.append(el("small", {}, field.hint));
      form.append(label);
      return { field, input };
    });

    const own = el("input", { type: "text", maxlength: String(REASON_CHARS_MAX), autocomplete: "off", "aria-label": t("dialog.own_words"), placeholder: t("dialog.own_words") });
    /** @type {HTMLInputElement[]} */
    const radios = [];
    if (reasons.length > 0) {
      const list = el("div", { class: "reasons" });
      reasons.forEach((reason, index) => {
        const label = typeof reason === "string" ? reason : reason.label;
        const radio = el("input", { type: "radio", name: "reason", value: label });
        radios.push(radio);
        list.append(el("label", { class: "reason" }, radio, el("kbd", { "aria-hidden": "true" }, String(index + 1)), el("span", {}, label)));
      });
      const first = radios[0];
      if (reasonNeeded && first) first.checked = true;
      form.append(el("fieldset", {}, el("legend", {}, t("dialog.reason")), list, own));
    }

    form.append(
      fault,
      el(
        "div",
        { class: "dialog-buttons" },
        el("button", { type: "button", class: "button", click: () => leave(null) }, t("action.back")),
        el("button", { type: "submit", class: danger ? "button danger" : "button primary" }, agree),
      ),
    );

    /** @param {Record<string, string> | null} answer */
    function leave(answer) {
      // A message may have moved in; it stays on the page.
      const messages = dialog.querySelector(".toasts");
      if (messages) document.body.append(messages);
      dialog.remove();
      resolve(answer);
    }

    /** @param {string} text @param {HTMLElement} where */
    function complain(text, where) {
      setText(fault, text);
      show(fault, true);
      where.focus();
    }

    form.addEventListener("submit", (event) => {
      event.preventDefault();
      /** @type {Record<string, string>} */
      const answer = {};
      for (const { field, input } of inputs) {
        const value = input.value.trim();
        if (field.required && value === "") return complain(t("dialog.needed", { field: field.label }), input);
        answer[field.name] = value;
      }
      if (reasons.length > 0) {
        const chosen = reasons[radios.findIndex((radio) => radio.checked)] ?? "";
        const said = own.value.trim();
        if (typeof chosen === "string") {
          answer["reason"] = [chosen, said].filter((part) => part !== "").join(" · ");
        } else {
          answer["code"] = chosen.code;
          answer["reason"] = said;
          if (chosen.code === OTHER && said === "") return complain(t("dialog.say_other"), own);
          return leave(answer);
        }
        if (reasonNeeded && answer["reason"] === "") return complain(t("dialog.needed", { field: t("dialog.reason") }), own);
      }
      leave(answer);
    });
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      leave(null);
    });
    dialog.addEventListener("keydown", (event) => {
      event.stopPropagation();
      const target = /** @type {HTMLElement} */ (event.target);
      const typing = target instanceof HTMLSelectElement || (target instanceof HTMLInputElement && target.type !== "radio");
      const radio = radios[Number(event.key) - 1];
      if (!typing && radio && !event.ctrlKey && !event.altKey && !event.metaKey) {
        radio.checked = true;
        radio.focus();
        event.preventDefault();
      }
    });
    document.body.append(dialog);
    // Browsers without modal dialogs show it in the middle of the page all the same.
    if (typeof dialog.showModal === "function") dialog.showModal();
    else dialog.setAttribute("open", "");
    const firstEmpty = inputs.find(({ input }) => input.value === "")?.input;
    (firstEmpty ?? radios[0] ?? inputs[0]?.input ?? form.querySelector("[type=submit]"))?.focus();
  });
}

/** @param {Field} field */
function text(field) {
  return el("input", {
    type: field.kind === "password" ? "password" : "text",
    name: field.name,
    value: field.value ?? "",
    maxlength: String(field.max ?? REASON_CHARS_MAX),
    // Somebody else's password: nothing for the browser to keep.
    autocomplete: field.kind === "password" ? "one-time-code" : "off",
    required: field.required === true,
  });
}

/** @param {Field} field */
function select(field) {
  const element = el("select", { name: field.name, required: field.required === true });
  for (const option of field.options ?? []) {
    element.append(el("option", { value: option.value, selected: option.value === field.value }, option.label));
  }
  return element;
}
