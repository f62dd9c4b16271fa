// @ts-check
/** Short messages that go away by themselves, read out by screen readers. Errors stay longer and can be closed. */
import { el } from "./dom.js";
import { problemText, t } from "./text.js";

const SHOWN_MS = 4_000;
const ERROR_SHOWN_MS = 10_000;
const TOASTS_MAX = 3;

/** @type {HTMLElement | null} */
let region = null;

/**
 * @param {string} text
 * @param {"good" | "error" | "plain"} [kind]
 */
export function toast(text, kind = "plain") {
  if (!region) {
    region = el("div", { class: "toasts", role: "region", "aria-live": "polite" });
    document.body.append(region);
  }
  // An open dialog covers everything below it, so messages go into it.
  (document.querySelector("dialog[open]") ?? document.body).append(region);
  for (const old of Array.from(region.children)) {
    if (old.firstChild?.textContent === text) old.remove();
  }
  const message = el("div", { class: "toast", "data-kind": kind, role: kind === "error" ? "alert" : "status" }, el("span", {}, text));
  message.append(el("button", { type: "button", "aria-label": t("action.close"), click: () => message.remove() }, "×"));
  region.append(message);
  while (region.children.length > TOASTS_MAX) region.firstElementChild?.remove();
  setTimeout(() => message.remove(), kind === "error" ? ERROR_SHOWN_MS : SHOWN_MS);
}

/** @param {unknown} failure */
export function toastFailure(failure) {
  toast(problemText(failure), "error");
}
