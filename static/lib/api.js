// @ts-check
/**
 * Requests to the server. Every write carries an `Idempotency-Key`, and a retry after a lost answer carries the same
 * one: however often a tap is sent, it counts once.
 *
 * @typedef {import("./wire").Problem} Problem
 */

const BASE = "/api/v1";
const TIMEOUT_MS = 8_000;
/** Waits before the second, third and fourth attempt of the same wish. */
const RETRY_MS = [300, 1_000, 2_500];
const RETRY_AFTER_MAX_MS = 5_000;

/** The server said no; `code` is stable and has a text in every language. */
export class Refusal extends Error {
  /** @param {Problem} problem */
  constructor(problem) {
    super(problem.detail);
    this.name = "Refusal";
    this.problem = problem;
    this.code = problem.code;
    this.status = problem.status;
  }
}

/** No answer came: whether the wish was heard is not known. Ask again with the same key. */
export class Unreachable extends Error {
  constructor() {
    super("no answer");
    this.name = "Unreachable";
    this.code = "unreachable";
  }
}

/** A fresh idempotency key. `randomUUID` is missing on plain-http addresses, where most kiosks live. */
export function newKey() {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * @param {string} path
 * @returns {Promise<any>}
 */
export function get(path) {
  return send("GET", path, undefined, null);
}

/**
 * Why a socket is refused, asked by an ordinary request to its address: a browser keeps the answer to the handshake to
 * itself. Null when nobody answers. What is not refused answers with a problem of its own, about the missing handshake.
 *
 * @param {string} address  `/ws/v1/…`
 * @returns {Promise<Problem | null>}
 */
export async function whyRefused(address) {
  try {
    await once("GET", address, undefined, null);
    return null;
  } catch (failure) {
    return failure instanceof Refusal ? failure.problem : null;
  }
}

/**
 * @param {string} path
 * @param {unknown} [body]
 * @param {string} [key]  of the wish; left out for a wish that is not repeated by hand
 * @returns {Promise<any>}
 */
export function post(path, body = {}, key = newKey()) {
  return send("POST", path, body, key);
}

/**
 * @param {string} path
 * @param {unknown} body
 * @param {string} [key]
 * @returns {Promise<any>}
 */
export function put(path, body, key = newKey()) {
  return send("PUT", path, body, key);
}

/**
 * @param {string} path
 * @param {unknown} body
 * @param {string} [key]
 * @returns {Promise<any>}
 */
export function patch(path, body, key = newKey()) {
  return send("PATCH", path, body, key);
}

/**
 * @param {string} path
 * @returns {Promise<any>}
 */
export function remove(path) {
  return send("DELETE", path, undefined, newKey());
}

/**
 * @param {string} method
 * @param {string} path
 * @param {unknown} body
 * @param {string | null} key
 */
async function send(method, path, body, key) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await once(method, path, body, key);
    } catch (failure) {
      const patience = RETRY_MS[attempt];
      const again = failure instanceof Unreachable || (failure instanceof Refusal && failure.status === 503);
      if (!again || patience === undefined) throw failure;
      const asked = failure instanceof Refusal ? (retryAfter.get(failure) ?? 0) : 0;
      await new Promise((resolve) => setTimeout(resolve, Math.max(asked, patience * (0.5 + Math.random()))));
    }
  }
}

/** What the server asked to wait. @type {WeakMap<Refusal, number>} */
const retryAfter = new WeakMap();

/**
 * @param {string} method
 * @param {string} path
 * @param {unknown} body
 * @param {string | null} key
 */
async function once(method, path, body, key) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  if (key !== null) headers["Idempotency-Key"] = key;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), TIMEOUT_MS);
  let response;
  let text;
  try {
    response = await fetch(path.startsWith("/ws/") ? path : BASE + path, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      credentials: "same-origin",
      cache: "no-store",
      signal: abort.signal,
    });
    text = await response.text();
  } catch {
    throw new Unreachable();
  } finally {
    clearTimeout(timer);
  }
  const answer = parsed(text);
  if (response.ok) return answer;
  const refusal = new Refusal(problemOf(answer, response));
  const seconds = Number(response.headers.get("Retry-After"));
  if (seconds > 0) retryAfter.set(refusal, Math.min(seconds * 1000, RETRY_AFTER_MAX_MS));
  throw refusal;
}

/** @param {string} text */
function parsed(text) {
  try {
    return text === "" ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

/**
 * A proxy in between may answer with a page of its own: that, too, becomes a problem with a code.
 *
 * @param {any} answer
 * @param {Response} response
 * @returns {Problem}
 */
function problemOf(answer, response) {
  if (answer && typeof answer.code === "string") return { ...answer, status: response.status };
  const code = response.status === 401 ? "unauthenticated" : response.status === 503 ? "service_unavailable" : "internal_error";
  return { type: "about:blank", title: response.statusText, status: response.status, detail: `${response.status} ${response.statusText}`, code };
}

/** @param {string} segment */
export const path = (segment) => encodeURIComponent(segment);
