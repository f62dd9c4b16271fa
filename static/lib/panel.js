// @ts-check
/** A panel over the page to read in: its words come from the server and may be asked for again. Escape leaves. */
import { el } from "./dom.js";
import { t } from "./text.js";

/**
 * @param {{ title: string, kind: string }} options  `kind` names it for its style
 * @returns {{ body: HTMLElement, isOpen: () => boolean }}
 */
export function openPanel({ title, kind }) {
  const body = el("div", { class: `panel-body ${kind}`, role: "status" }, el("p", { class: "panel-wait" }, t("line.connecting")));
  const close = el("button", { type: "button", class: "button", click: () => leave() }, t("action.close"));
  const dialog = el("dialog", { class: "dialog panel", "aria-labelledby": "panel-title" }, el("h2", { id: "panel-title" }, title), body, el("div", { class: "dialog-buttons" }, close));
  let open = true;
  function leave() {
    open = false;
    dialog.remove();
  }
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    leave();
  });
  dialog.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") leave();
  });
  document.body.append(dialog);
  if (typeof dialog.showModal === "function") dialog.showModal();
  else dialog.setAttribute("open", "");
  close.focus();
  return { body, isOpen: () => open };
}
