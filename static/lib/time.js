// @ts-check
/**
 * Times as people read them. Ages are told against the venue's time, which comes with every frame; the reader's own
 * clock is only used to count on from the last frame.
 *
 * @typedef {import("./wire").Estimate} Estimate
 */

const MINUTE_MS = 60_000;

/**
 * The venue's clock between two frames: set by each, ticking at the server's rate.
 *
 * @param {() => number} monotonic  milliseconds of the reader, never set back
 */
export function createClock(monotonic = () => performance.now()) {
  /** @type {{ at: number, heard: number } | null} */
  let mark = null;
  let rate = 1;
  return {
    /** @param {string} at  the time of a frame */
    set(at) {
      const ms = Date.parse(at);
      if (Number.isFinite(ms)) mark = { at: ms, heard: monotonic() };
    },
    /** @param {number} value  1, or the demo's speed */
    setRate(value) {
      if (value > 0) rate = value;
    },
    rate: () => rate,
    known: () => mark !== null,
    /** The venue's time now, milliseconds since 1970; NaN before the first frame. */
    now: () => (mark ? mark.at + (monotonic() - mark.heard) * rate : Number.NaN),
  };
}

/**
 * Whole minutes since `from`, never negative.
 *
 * @param {string} from
 * @param {number} now
 */
export function minutesSince(from, now) {
  const ms = now - Date.parse(from);
  return Number.isFinite(ms) ? Math.max(0, Math.floor(ms / MINUTE_MS)) : 0;
}

/**
 * An estimate in whole minutes, rounded outwards: a promise of less than it is would be a lie. Long waits are told
 * in steps of five, since nobody knows them to the minute.
 *
 * @param {Estimate} estimate
 * @returns {{ low: number, high: number, likely: number }}
 */
export function minutesOf(estimate) {
  const low = stepped(estimate.low_s / 60, Math.floor);
  const high = Math.max(stepped(estimate.high_s / 60, Math.ceil), low + 1);
  const likely = Math.min(high, Math.max(low, stepped(estimate.likely_s / 60, Math.round)));
  return { low, high, likely };
}

/**
 * @param {number} minutes
 * @param {(value: number) => number} round
 */
function stepped(minutes, round) {
  if (!(minutes > 0)) return 0;
  return minutes < 30 ? round(minutes) : round(minutes / 5) * 5;
}

/**
 * Seconds left of a span that began at `from`, never negative.
 *
 * @param {number} from
 * @param {number} span
 * @param {number} now
 */
export function secondsLeft(from, span, now) {
  return Math.max(0, Math.ceil((from + span - now) / 1000));
}

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/**
 * @param {string} language
 * @param {string} timeZone
 * @param {string} name
 * @param {Intl.DateTimeFormatOptions} options
 */
function format(language, timeZone, name, options) {
  const key = `${language} ${timeZone} ${name}`;
  let found = formats.get(key);
  if (!found) {
    try {
      found = new Intl.DateTimeFormat(language, { timeZone, ...options });
    } catch {
      // An old browser may not know the zone: a clock an hour off is a lie, so it shows its own zone's name with it.
      found = new Intl.DateTimeFormat(language, { ...options, timeZoneName: "short" });
    }
    formats.set(key, found);
  }
  return found;
}

/**
 * `09:41`, in the venue's own zone.
 *
 * @param {number | string} at
 * @param {string} timeZone
 */
export function hourMinute(at, timeZone) {
  const ms = typeof at === "string" ? Date.parse(at) : at;
  if (!Number.isFinite(ms)) return "";
  return format("en-GB", timeZone, "hm", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(ms);
}

/**
 * The date with its weekday, in the venue's own zone.
 *
 * @param {number} ms
 * @param {string} timeZone
 * @param {string} language
 */
export function dateAndWeekday(ms, timeZone, language) {
  if (!Number.isFinite(ms)) return "";
  return format(language, timeZone, "date", { month: "long", day: "numeric", weekday: "long" }).format(ms);
}
