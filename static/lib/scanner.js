// @ts-check
/**
 * Tells a scanner from a person: a scanner types a whole code faster than any hand, and ends it with Enter. Pure.
 */

/** Longest pause between two signs of a scanner. */
export const SCAN_GAP_MS = 80;
/** Fewer signs than this are never a scan. */
export const SCAN_CHARS_MIN = 4;

/**
 * @param {(code: string) => void} scanned
 */
export function createScanner(scanned) {
  let buffer = "";
  let lastAt = -Infinity;
  return {
    /**
     * @param {string} key  as of a keyboard event
     * @param {number} at  milliseconds
     */
    key(key, at) {
      if ([...key].length !== 1) return;
      buffer = at - lastAt > SCAN_GAP_MS ? key : buffer + key;
      lastAt = at;
    },
    /**
     * @param {number} at
     * @returns {boolean}  whether this Enter ended a scan
     */
    enter(at) {
      const code = tidyCode(buffer);
      const fast = at - lastAt <= SCAN_GAP_MS;
      buffer = "";
      if (!fast || code.length < SCAN_CHARS_MIN) return false;
      scanned(code);
      return true;
    },
  };
}

/**
 * A code as it is compared: capital letters, no spaces; what input methods make full-width becomes plain.
 *
 * @param {string} code
 */
export function tidyCode(code) {
  return code.normalize("NFKC").replace(/\s+/g, "").toUpperCase();
}
