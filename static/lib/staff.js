// @ts-check
/**
 * What both staff consoles have: a login, the live queue of the venue, one wish at a time, and a way back.
 *
 * @typedef {import("./wire").SessionAnswer} SessionAnswer
 * @typedef {import("./store.js").State} State
 */
import { get, newKey, path, post, put, Refusal, remove, Unreachable } from "./api.js";
import { el, one, setText, show } from "./dom.js";
import { createFeed, followBrowser } from "./feed.js";
import { fillWords, lineBadge, pageClock, setIn, wasIn } from "./page.js";
import { reduce } from "./store.js";
import { problemText, t, words } from "./text.js";
import { hourMinute, secondsLeft } from "./time.js";
import { toast, toastFailure } from "./toast.js";

/** How long a change can be taken back, in the venue's time. */
const UNDO_MS = 30_000;

/**
 * Who is logged in, or null. Asks only where somebody has been: a browser that never saw a login gets no refusal.
 *
 * @returns {Promise<SessionAnswer | null>}
 */
export async function whoIsIn() {
  if (!wasIn("staff")) return null;
  try {
    return await get("/sessions/current");
  } catch (failure) {
    if (!(failure instanceof Refusal)) throw failure;
    setIn("staff", false);
    return null;
  }
}

/**
 * The form of the login, as a card.
 *
 * @param {(session: SessionAnswer) => void} done
 */
export function loginForm(done) {
  const user = el("input", { type: "text", name: "user", autocomplete: "username", autocapitalize: "none", spellcheck: "false", required: true });
  const password = el("input", { type: "password", name: "password", autocomplete: "current-password", required: true });
  const fault = el("p", { class: "dialog-fault", role: "alert", hidden: true });
  const button = el("button", { type: "submit", class: "button primary wide", "data-text": "login.enter" });
  const form = el(
    "form",
    { class: "card login" },
    el("h2", { "data-text": "login.title" }),
    el("label", { class: "field" }, el("span", { "data-text": "login.user" }), user),
    el("label", { class: "field" }, el("span", { "data-text": "login.password" }), password),
    fault,
    button,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    show(fault, false);
    try {
      const session = await post("/sessions", { user: user.value.trim(), password: password.value });
      setIn("staff", true);
      done(session);
    } catch (failure) {
      setText(fault, problemText(failure));
      show(fault, true);
      password.select();
    } finally {
      button.disabled = false;
    }
  });
  fillWords(form);
  return form;
}

/**
 * Runs a console: shows the login until somebody is in, then keeps the state and calls `render` on every change.
 *
 * @param {{ venue: string, render: (state: State) => void, tick?: () => void }} options
 */
export function createConsole({ venue, render, tick = () => {} }) {
  const clock = pageClock();
  const work = one(document, "#work");
  const door = one(document, "#door");
  const who = one(document, "#who");
  const leave = one(document, "#leave", "button");
  const undoBar = one(document, "#undo", "button");
  const said = one(document, "#said");
  /** @type {State | null} */
  let state = null;
  let busy = false;
  /** @type {string | null} */
  let role = null;
  /** @type {{ what: string, at: number } | null} */
  let undoable = null;
  /** The last wish without an answer, and where the queue stood then. @type {{ wish: string, key: string, seq: number } | null} */
  let unanswered = null;

  const feed = followBrowser(
    createFeed({
      address: () => `/ws/v1/venues/${path(venue)}/console`,
      onFrame(frame) {
        if (frame.type !== "console" && frame.type !== "change") return;
        const reduced = reduce(state, frame);
        if (reduced.gap) return feed.resume(state?.epoch ?? "", state?.seq ?? 0);
        feed.caughtUp();
        state = reduced.state;
        clock.set(frame.at);
        refresh();
      },
      onState(now) {
        if (now !== "refused") return;
        const code = feed.refused()?.code;
        if (code === "unauthenticated") return ask();
        setText(one(door, ".door-text"), problemText({ code }));
        open(false);
      },
    }),
  );
  lineBadge(one(document, "#line"), feed, () => (state?.paused_since ? hourMinute(state.paused_since, state.time_zone) : null));

  function refresh() {
    if (!state) return;
    document.title = `${words(state.venue.name)} · ${t("app.name")}`;
    setText(one(document, "#venue"), words(state.venue.name));
    open(true);
    render(state);
  }

  /** @param {boolean} isIn */
  function open(isIn) {
    show(work, isIn);
    show(door, !isIn);
  }

  /** Shows the login. */
  function ask() {
    setIn("staff", false);
    feed.stop();
    state = null;
    open(false);
    show(who, false);
    show(leave, false);
    setText(one(door, ".door-text"), "");
    one(door, ".door-form").replaceChildren(loginForm(enter));
    one(door, "input", "input").focus();
  }

  /** @param {SessionAnswer} session */
  function enter(session) {
    one(door, ".door-form").replaceChildren();
    setText(one(door, ".door-text"), t("line.connecting"));
    role = session.roles[venue] ?? session.roles["*"] ?? null;
    setText(who, session.user);
    show(who, true);
    show(leave, true);
    feed.start();
  }

  async function start() {
    try {
      const session = await whoIsIn();
      if (session) enter(session);
      else ask();
    } catch {
      // The server is away, not the login: try until it answers.
      setText(one(door, ".door-text"), t("problem.unreachable"));
      setTimeout(start, 2_000 + Math.random() * 3_000);
    }
  }

  /**
   * Sends one wish. While it is under way no other starts, so that a second press is not a second call; and pressed
   * again after an answer that never came, with nothing seen since, it is the same wish with the same key.
   *
   * @param {"POST" | "PUT"} method
   * @param {string} address
   * @param {object} body
   * @param {(answer: any) => string | null} done  what was done, for the message and the way back; null to be silent
   * @returns {Promise<any>}  the answer, or null where there is none
   */
  async function act(method, address, body, done) {
    if (busy) return null;
    setBusy(true);
    const wish = `${method} ${address} ${JSON.stringify(body)}`;
    const again = unanswered?.wish === wish && unanswered.seq === state?.seq;
    const key = again && unanswered ? unanswered.key : newKey();
    unanswered = null;
    try {
      const answer = await (method === "PUT" ? put : post)(address, body, key);
      const what = done(answer);
      if (what !== null) {
        undoable = { what, at: clock.now() };
        setText(said, what);
      }
      return answer;
    } catch (failure) {
      if (failure instanceof Unreachable) unanswered = { wish, key, seq: state?.seq ?? 0 };
      if (failure instanceof Refusal && failure.status === 401) ask();
      toastFailure(failure);
      return null;
    } finally {
      setBusy(false);
      showUndo();
    }
  }

  /** @param {boolean} is */
  function setBusy(is) {
    busy = is;
    document.body.toggleAttribute("data-busy", is);
    work.setAttribute("aria-busy", String(is));
    if (state) render(state);
  }

  function showUndo() {
    const left = undoable ? secondsLeft(undoable.at, UNDO_MS, clock.now()) : 0;
    if (left <= 0) undoable = null;
    show(undoBar, undoable !== null);
    if (undoable) setText(one(undoBar, ".undo-text"), t("undo.offer", { what: undoable.what, seconds: left }));
  }

  function undo() {
    if (!undoable) {
      toast(t("problem.nothing_to_undo"));
      return;
    }
    const { what } = undoable;
    void act("POST", `/venues/${path(venue)}/undo`, {}, () => {
      undoable = null;
      toast(t("undo.done", { what }), "good");
      return null;
    });
  }

  undoBar.addEventListener("click", undo);
  leave.addEventListener("click", async () => {
    try {
      await remove("/sessions/current");
    } catch (failure) {
      if (!(failure instanceof Refusal)) return toastFailure(failure);
    }
    ask();
  });
  setInterval(() => {
    showUndo();
    if (state) tick();
  }, 500);

  return {
    clock,
    start,
    act,
    undo,
    refresh,
    state: () => state,
    busy: () => busy,
    role: () => role,
    stale: () => feed.state() !== "live",
  };
}

/**
 * Keys of a console. None acts while a question is open, while somebody types, or by being held down.
 *
 * @param {Record<string, (event: KeyboardEvent) => void>} keys  by `KeyboardEvent.key`, lower case; `ctrl+z` likewise
 */
export function bindKeys(keys) {
  document.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    const control = event.ctrlKey || event.metaKey;
    if (event.altKey || document.querySelector("dialog[open]")) return;
    const typing = target.matches("input, select, textarea");
    if (typing && event.key !== "Escape") return;
    // A held Enter presses a focused button again and again.
    if (event.repeat && (event.key === "Enter" || event.key === " ")) return event.preventDefault();
    if (event.repeat && !event.key.startsWith("Arrow")) return;
    if ((event.key === "Enter" || event.key === " ") && target.matches("button, a, summary, [role=row]")) return;
    const act = keys[(control ? "ctrl+" : "") + event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act(event);
  });
}
