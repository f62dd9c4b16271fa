// @ts-check
/**
 * A live line to the server: connects, notices silence, reconnects with jitter, and hands on complete frames in order.
 *
 * Knows nothing of what a frame shows. Time, chance and the socket come in from outside, so that it can be tested
 * without a browser. It never gives up by itself, except where the server says that trying again is no use.
 *
 * @typedef {import("./wire").Frame} Frame
 * @typedef {"idle" | "connecting" | "live" | "lost" | "refused"} FeedState
 * @typedef {{ code: string, detail: string }} Refused  why there is no use in trying again
 * @typedef {{
 *   readyState: number, send: (data: string) => void, close: (code?: number) => void,
 *   onopen: ((event: any) => any) | null, onmessage: ((event: any) => any) | null,
 *   onclose: ((event: any) => any) | null, onerror: ((event: any) => any) | null,
 * }} Socket  the part of a WebSocket that is used
 * @typedef {{
 *   now: () => number, random: () => number, connect: (address: string) => Socket,
 *   whyRefused: (address: string) => Promise<Refused | null>,
 *   setTimeout: (task: () => void, ms: number) => any, clearTimeout: (timer: any) => void,
 * }} World  everything that is not decided here
 */

import { whyRefused } from "./api.js";

/** A live line hears something at least every 20 s; after this long it is cut off. */
export const SILENCE_MS = 45_000;
/** A connection that has not opened and spoken by then never will. */
export const CONNECT_MS = 15_000;
/** First and largest ceiling of the wait between attempts, and the least wait. */
export const BACKOFF_BASE_MS = 500;
export const BACKOFF_MIN_MS = 100;
export const BACKOFF_MAX_MS = 30_000;
/** A resume that is not answered by then is answered by a new connection. */
export const RESUME_MS = 10_000;

/** A page that was connected before asks why it is refused at every so many failed attempts. */
const ASK_EVERY = 4;

const POLICY = 1008;
const RESTART = 1012;

/** Problems that do not go away by trying again. */
const FINAL = new Set(["unauthenticated", "forbidden", "venue_unknown", "token_unknown", "service_unknown", "origin_foreign"]);

/**
 * Full jitter: anywhere between nothing and an exponentially growing ceiling, so that a thousand screens that lost the
 * same server do not come back in the same instant.
 *
 * @param {number} attempt  failed attempts so far, from 0
 * @param {() => number} random  in [0, 1)
 */
export function backoffMs(attempt, random) {
  const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_BASE_MS * 2 ** Math.min(attempt, 16));
  return Math.round(random() * ceiling);
}

/**
 * What to do after a close.
 *
 * @param {number} code  WebSocket close code
 * @returns {"refused" | "restart" | "retry"}
 */
export function closeMeaning(code) {
  if (code === POLICY) return "refused";
  if (code === RESTART) return "restart";
  return "retry";
}

/**
 * Whether a frame is older than what was shown. Equal `seq` passes: the later one has newer estimates.
 *
 * @param {{ epoch: string, seq: number } | null} last
 * @param {{ epoch: string, seq: number }} frame
 */
export function goesBack(last, frame) {
  return last !== null && last.epoch === frame.epoch && frame.seq < last.seq;
}

/** @returns {World} */
function browserWorld() {
  return {
    now: () => performance.now(),
    random: Math.random,
    connect: (address) => new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${address}`),
    whyRefused,
    setTimeout: (task, ms) => setTimeout(task, ms),
    clearTimeout: (timer) => clearTimeout(timer),
  };
}

/**
 * @typedef {{
 *   state: () => FeedState,
 *   refused: () => Refused | null,
 *   silenceMs: () => number,
 *   start: () => Feed,
 *   stop: () => void,
 *   nudge: () => void,
 *   doubt: () => void,
 *   resume: (epoch: string, seq: number) => void,
 *   caughtUp: () => void,
 * }} Feed
 */

/**
 * @param {{
 *   address: () => string,
 *   onFrame: (frame: Exclude<Frame, { type: "error" }>, generation: number) => void,
 *   onState?: (state: FeedState, feed: Feed) => void,
 *   world?: World,
 * }} options
 *   `address` is `/ws/v1/…`; `generation` counts the connections that have delivered a frame: when it changes,
 *   something may have been missed
 * @returns {Feed}
 */
export function createFeed({ address, onFrame, onState = () => {}, world = browserWorld() }) {
  /** @type {FeedState} */
  let state = "idle";
  /** @type {Refused | null} */
  let refused = null;
  /** @type {Refused | null} */
  let lastError = null;
  /** @type {Socket | null} */
  let socket = null;
  /** @type {{ epoch: string, seq: number } | null} */
  let last = null;
  /** @type {number | null} */
  let resumedAt = null;
  /** @type {any} */
  let retryTimer = null;
  /** @type {any} */
  let watchTimer = null;
  let generation = 0;
  let attempt = 0;
  let heardAt = world.now();
  let spoken = false;
  let stopped = true;

  /** @param {FeedState} next */
  function setState(next) {
    if (state === next) return;
    state = next;
    onState(state, feed);
  }

  function forget() {
    world.clearTimeout(retryTimer);
    world.clearTimeout(watchTimer);
    const old = socket;
    socket = null;
    if (!old) return;
    old.onopen = old.onmessage = old.onclose = old.onerror = null;
    old.close();
  }

  /** @param {Refused} why */
  function refuse(why) {
    forget();
    refused = why;
    setState("refused");
  }

  /** The line is dead, whatever the browser thinks of it. */
  function lose() {
    forget();
    if (stopped) return;
    setState("lost");
    const wait = Math.max(BACKOFF_MIN_MS, backoffMs(attempt, world.random));
    attempt += 1;
    retryTimer = world.setTimeout(connect, wait);
  }

  /** @param {number} ms */
  function watchFor(ms) {
    world.clearTimeout(watchTimer);
    watchTimer = world.setTimeout(lose, ms);
  }

  /** A connection that never opened may have been refused: only an ordinary request is told why. */
  async function ask() {
    const why = await world.whyRefused(address()).catch(() => null);
    if (why && FINAL.has(why.code) && !stopped && state === "lost") refuse(why);
  }

  /** @param {unknown} data */
  function receive(data) {
    /** @type {Frame} */
    let frame;
    try {
      frame = JSON.parse(String(data));
    } catch {
      return lose();
    }
    heardAt = world.now();
    watchFor(SILENCE_MS);
    if (frame.type === "error") {
      lastError = { code: frame.code, detail: frame.detail };
      if (FINAL.has(frame.code)) refuse(lastError);
      return;
    }
    if (!spoken) {
      spoken = true;
      attempt = 0;
      generation += 1;
    }
    if (goesBack(last, frame)) return;
    last = { epoch: frame.epoch, seq: frame.seq };
    setState("live");
    onFrame(frame, generation);
  }

  function connect() {
    forget();
    spoken = false;
    resumedAt = null;
    lastError = null;
    let opened = false;
    /** @type {Socket} */
    let mine;
    try {
      mine = world.connect(address());
    } catch {
      return lose();
    }
    socket = mine;
    mine.onopen = () => {
      opened = true;
    };
    mine.onmessage = (event) => receive(event.data);
    mine.onerror = () => {};
    mine.onclose = (event) => {
      const meaning = closeMeaning(event.code);
      if (meaning === "refused") return refuse(lastError ?? { code: "forbidden", detail: String(event.reason ?? "") });
      if (meaning === "restart") attempt = 0;
      lose();
      // Not each time: a thousand pages that lost the same server must not ask it twice as much.
      if (!opened && (generation === 0 || attempt % ASK_EVERY === 0)) void ask();
    };
    watchFor(CONNECT_MS);
  }

  /** @type {Feed} */
  const feed = {
    state: () => state,
    refused: () => refused,
    /** Milliseconds of real time since anything was heard. */
    silenceMs: () => world.now() - heardAt,
    /** Connects, and stays connected until `stop`. */
    start() {
      stopped = false;
      refused = null;
      attempt = 0;
      setState("connecting");
      connect();
      return feed;
    },
    stop() {
      stopped = true;
      forget();
      setState("idle");
    },
    /** The network came back, or the page is seen again: do not wait for the timer. */
    nudge() {
      if (stopped || state === "refused") return;
      // A line that spoke lately, or an attempt under way, is left to itself.
      if (socket && (state !== "live" || feed.silenceMs() < SILENCE_MS / 2)) return;
      attempt = 0;
      connect();
    },
    /** The network is said to be gone: find out now instead of after the silence. */
    doubt() {
      if (!stopped && state !== "refused") lose();
    },
    /** Asks for what was missed after `seq`; asked again while unanswered, it waits, and then connects anew. */
    resume(epoch, seq) {
      if (resumedAt !== null) {
        if (world.now() - resumedAt > RESUME_MS) lose();
        return;
      }
      resumedAt = world.now();
      socket?.send(JSON.stringify({ type: "resume", epoch, seq }));
    },
    /** The reader stands where the server is. */
    caughtUp() {
      resumedAt = null;
    },
  };
  return feed;
}

/**
 * Ties a feed to what the browser knows of the network and of the page being seen.
 *
 * @param {Feed} feed
 */
export function followBrowser(feed) {
  addEventListener("online", () => feed.nudge());
  addEventListener("offline", () => feed.doubt());
  addEventListener("pageshow", () => feed.nudge());
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) feed.nudge();
  });
  return feed;
}
