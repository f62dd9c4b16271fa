// @ts-check
/** The first administrator, by the one-time link that the server prints at its first start. */
import { post } from "../lib/api.js";
import { el, one, setText, show } from "../lib/dom.js";
import { dead, fillWords, languageSwitcher, setIn, startPage, takeToken } from "../lib/page.js";
import { onLanguage, problemText, t } from "../lib/text.js";

const PASSWORD_CHARS_MIN = 10;

startPage();
languageSwitcher(one(document, "#languages"));
const token = takeToken();

const user = el("input", { type: "text", autocomplete: "username", autocapitalize: "none", spellcheck: "false", required: true });
const password = el("input", { type: "password", autocomplete: "new-password", required: true });
const again = el("input", { type: "password", autocomplete: "new-password", required: true });
const fault = el("p", { class: "dialog-fault", role: "alert", hidden: true });
const button = el("button", { type: "submit", class: "button primary wide", "data-text": "setup.create" });
const form = el(
  "form",
  { class: "card login" },
  el("h2", { "data-text": "setup.title" }),
  el("p", { "data-text": "setup.lead" }),
  el("label", { class: "field" }, el("span", { "data-text": "login.user" }), user),
  el("label", { class: "field" }, el("span", { "data-text": "login.password" }), password, el("small", { "data-text": "setup.password_hint" })),
  el("label", { class: "field" }, el("span", { "data-text": "setup.password_again" }), again),
  fault,
  button,
);

/** @param {string} text */
function complain(text) {
  setText(fault, text);
  show(fault, true);
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  show(fault, false);
  if ([...password.value].length < PASSWORD_CHARS_MIN) return complain(t("problem.password_too_short"));
  if (password.value !== again.value) return complain(t("setup.different"));
  button.disabled = true;
  try {
    await post("/setup", { token, user: user.value.trim(), password: password.value });
    setIn("staff", true);
    location.assign("/");
  } catch (failure) {
    complain(problemText(failure));
    button.disabled = false;
  }
});

const name = () => {
  document.title = `${t("setup.title")} · ${t("app.name")}`;
};
onLanguage(name);
name();
if (token === null) dead(t("setup.no_token"));
else {
  one(document, "#place").append(form);
  fillWords(form);
  user.focus();
}
