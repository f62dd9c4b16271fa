// @ts-check
/**
 * Which calls are to be announced, in what order. Pure: boards go in, one announcement at a time comes out.
 *
 * An announcement is bound to its own call and to its count of recalls, so that what is spoken is what was called,
 * whatever the newest board shows by then. Nothing overlaps, as the next one is only given once the last is done.
 *
 * @typedef {import("./wire").BoardFrame} BoardFrame
 * @typedef {import("./wire").BoardCall} BoardCall
 * @typedef {{ call: BoardCall, speech: import("./wire").Speech[] }} Announcement
 */

/** A call missed while cut off is still announced when it is younger than this, in the venue's time. */
export const CATCH_UP_MS = 60_000;
/** A person who went to the counter in the meantime need not be called after this, in the venue's time. */
export const STALE_MS = 60_000;
/** Calls remembered as announced: many times what any board lists. */
const REMEMBERED_MAX = 1000;

export function createAnnouncer() {
  /** What was announced or waits to be: call id to its number and recalls. @type {Map<number, { number: string, recalls: number }>} */
  const known = new Map();
  /** @type {Announcement[]} */
  let queue = [];
  /** @type {BoardFrame | null} */
  let last = null;
  let lastGeneration = 0;
  let busy = false;

  /** @param {BoardCall} call */
  function isNews(call) {
    const heard = known.get(call.id);
    return !heard || heard.number !== call.number || call.recalls > heard.recalls;
  }

  /** @param {BoardCall} call */
  function remember(call) {
    known.delete(call.id);
    known.set(call.id, { number: call.number, recalls: call.recalls });
    for (const id of known.keys()) {
      if (known.size <= REMEMBERED_MAX) break;
      known.delete(id);
    }
  }

  return {
    /**
     * Takes in the newest board.
     *
     * @param {BoardFrame} frame
     * @param {number} generation  of the connection; a new one may have missed something
     */
    frame(frame, generation) {
      const first = last === null;
      const caughtUp = !first && (generation !== lastGeneration || last?.epoch !== frame.epoch);
      last = frame;
      lastGeneration = generation;
      const now = Date.parse(frame.at);
      const oldestFirst = [...frame.calls].sort((a, b) => Date.parse(a.at) - Date.parse(b.at) || a.id - b.id);
      for (const call of oldestFirst) {
        if (!isNews(call)) continue;
        remember(call);
        if (first) continue;
        if (caughtUp && now - Date.parse(call.at) > CATCH_UP_MS) continue;
        queue.push({ call, speech: frame.speech });
      }
      queue = queue.filter((waiting) => !isVoid(waiting.call, frame));
    },

    /** The next announcement; null while one is being made or none waits. @returns {Announcement | null} */
    next() {
      if (busy) return null;
      const announcement = queue.shift() ?? null;
      busy = announcement !== null;
      return announcement;
    },

    /** The announcement that `next` gave is over. */
    done() {
      busy = false;
    },

    /** How many wait. */
    waiting: () => queue.length,
  };
}

/**
 * Whether nobody needs to hear a call any more: it was taken back, or the person has long gone to the counter.
 *
 * @param {BoardCall} call
 * @param {BoardFrame} frame
 */
function isVoid(call, frame) {
  const now = frame.calls.find((other) => other.id === call.id);
  if (now) return !now.open && Date.parse(frame.at) - Date.parse(now.at) > STALE_MS;
  // Not listed: it fell off the end of a short list, and is still owed; or it would be listed, and was taken back.
  const older = frame.calls.some((other) => other.id < call.id && Date.parse(other.at) < Date.parse(call.at));
  return older || frame.calls.length === 0;
}
