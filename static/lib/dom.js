// @ts-check
/** Small hands for the document. Text is only ever set as text. */

/**
 * @typedef {Node | string | null | undefined | false} Child
 */

/**
 * An element. Properties that are functions become listeners; `class`, `data-…`, `aria-…` and the like attributes.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} [properties]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) if (child) element.append(child);
  return element;
}

/**
 * Sets a text only where it differs, so that nothing is read out or painted twice.
 *
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * @param {Element} element
 * @param {string} name
 * @param {string | null} value
 */
export function setAttribute(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/**
 * @param {HTMLElement} element
 * @param {boolean} shown
 */
export function show(element, shown) {
  if (element.hidden === shown) element.hidden = !shown;
}

/**
 * Makes the children of `parent` follow `items`: one element per key, kept while its key is there, so that focus,
 * scroll and a running animation survive a new frame.
 *
 * @template Item
 * @template {HTMLElement} Row
 * @param {Element} parent
 * @param {readonly Item[]} items
 * @param {(item: Item) => string} keyOf
 * @param {(item: Item) => Row} create
 * @param {(row: Row, item: Item, index: number) => void} update
 */
export function follow(parent, items, keyOf, create, update) {
  /** @type {Map<string, Row>} */
  const rows = new Map();
  for (const child of Array.from(parent.children)) {
    const row = /** @type {Row} */ (child);
    rows.set(row.dataset.key ?? "", row);
  }
  /** @type {Element | null} */
  let after = null;
  items.forEach((item, index) => {
    const key = keyOf(item);
    let row = rows.get(key);
    if (row) rows.delete(key);
    else {
      row = create(item);
      row.dataset.key = key;
    }
    update(row, item, index);
    const place = /** @type {Element | null} */ (after ? after.nextElementSibling : parent.firstElementChild);
    if (place !== row) parent.insertBefore(row, place);
    after = row;
  });
  for (const row of rows.values()) row.remove();
}

/**
 * The one element of a selector; a page without it is a broken page.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Element | Document} root
 * @param {string} selector
 * @param {Tag} [_tag]  of the element, for the type checker
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function one(root, selector, _tag) {
  const found = root.querySelector(selector);
  if (!found) throw new Error(`no ${selector} on this page`);
  return /** @type {HTMLElementTagNameMap[Tag]} */ (found);
}
