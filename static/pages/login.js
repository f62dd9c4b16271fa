// @ts-check
/** The login on a page of its own; the consoles have the same form inside. */
import { one } from "../lib/dom.js";
import { languageSwitcher, parameter, startPage } from "../lib/page.js";
import { loginForm } from "../lib/staff.js";
import { onLanguage, t } from "../lib/text.js";

startPage();
languageSwitcher(one(document, "#languages"));

/** Where to go after: only ever a page of this server. */
function next() {
  const wanted = new URL(parameter("next") ?? "/", location.origin);
  return wanted.origin === location.origin ? wanted.href : "/";
}

one(document, "#place").append(loginForm(() => location.assign(next())));
const name = () => {
  document.title = `${t("login.title")} · ${t("app.name")}`;
};
onLanguage(name);
name();
