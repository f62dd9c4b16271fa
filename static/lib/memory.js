// @ts-check
/** What a browser may remember. Kiosks and private windows refuse: everything works without it. */

/** @param {string} name */
export function recall(name) {
  try {
    return localStorage.getItem(`callnext.${name}`);
  } catch {
    return null;
  }
}

/**
 * @param {string} name
 * @param {string | null} value  null forgets
 */
export function remember(name, value) {
  try {
    if (value === null) localStorage.removeItem(`callnext.${name}`);
    else localStorage.setItem(`callnext.${name}`, value);
  } catch {
    // Not remembered, then.
  }
}
