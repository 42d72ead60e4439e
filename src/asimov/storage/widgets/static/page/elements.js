// The elements that panels are made of.
// Every name from a manifest, a browser or a kernel becomes textContent or the value of an attribute, never HTML. Its
// invisible characters are spelled out. Only the content of files, in <pre>, is shown without escapes.

/** @typedef {string | number | boolean | null | undefined} AttributeValue */
/**
 * @typedef {object} Handlers
 * @property {(happened: MouseEvent) => void} [onclick]
 * @property {(happened: Event) => void} [onchange]
 * @property {(happened: SubmitEvent) => void} [onsubmit]
 * @property {(happened: KeyboardEvent) => void} [onkeydown]
 * @property {(happened: FocusEvent) => void} [onfocusin]
 */
/** @typedef {Handlers & { [name: string]: AttributeValue | ((happened: never) => void) }} Attributes */
/** @typedef {Node | string | null | undefined} Child */

const SPOKEN = new Set(["title", "aria-label", "aria-valuetext"]); // attributes that users read or hear
let countOfIds = 0;

// Return an id that is unique in the whole page, for `for`, `list` and aria-*.
function freshId() {
  return `asimov-storage-${randomId()}-${++countOfIds}`;
}

/**
 * make("button", {type: "button", class: "x", onclick: f, disabled: true}, "text", element, ...) is a new element. A text
 * is never parsed as HTML.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} attributes
 * @param {Child[]} children
 */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null) {
      element.setAttribute(name, SPOKEN.has(name) ? visible(String(value)) : String(value));
    }
  }
  for (const child of children) {
    if (child !== undefined && child !== null) element.append(isText(child, tag) ? visible(child) : child);
  }
  return element;
}

/**
 * @param {Node | string} child
 * @param {string} tag
 * @returns {child is string}
 */
function isText(child, tag) {
  return typeof child === "string" && tag !== "pre";
}

/**
 * @param {string} text
 * @param {(() => void) | undefined} onclick
 * @param {Attributes} attributes
 */
function button(text, onclick, attributes = {}) {
  return make("button", { type: "button", ...(onclick && { onclick }), ...attributes }, text);
}

/**
 * Return a label and its input in one element. Its `.problem(words)` shows a problem with the input, and `.problem()`
 * removes it.
 *
 * @param {string} text
 * @param {HTMLElement} input
 * @param {string} [hint]
 */
function field(text, input, hint) {
  input.id ||= freshId();
  const label = make("label", { for: input.id }, text);
  const note = make("span", { class: "asimov-storage-problem", id: freshId() });
  input.setAttribute("aria-describedby", note.id);
  const hinted = hint === undefined ? undefined : make("span", { class: "asimov-storage-hint" }, hint);
  const box = make("div", { class: "asimov-storage-field" }, label, input, hinted, note);
  /** @param {string | null} [words] */
  const problem = (words) => {
    setText(note, words ?? "");
    if (words) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  };
  return Object.assign(box, { problem });
}

/** @typedef {ReturnType<typeof field>} Field */

/**
 * Return the only region of a widget whose changes a screen reader reads out.
 *
 * @param {Child[]} children
 */
function statusRegion(...children) {
  return make("div", { class: "asimov-storage-status", role: "status" }, ...children);
}

/**
 * Return a box that the keyboard can scroll.
 *
 * @param {string} name
 * @param {HTMLElement} content
 */
function scrolling(name, content) {
  const attributes = { class: "asimov-storage-scroll", role: "region", "aria-label": name, tabindex: 0 };
  return make("div", attributes, content);
}

/**
 * described("Path", element, ...) is a term and its description, for a <dl>.
 *
 * @param {string} term
 * @param {Child[]} description
 */
function described(term, ...description) {
  return [make("dt", {}, term), make("dd", {}, ...description)];
}

/**
 * Set the text of an element only if it has changed, so that a screen reader reads nothing twice.
 *
 * @param {Element} element
 * @param {string} text
 */
function setText(element, text) {
  const shown = visible(text);
  if (element.textContent !== shown) element.textContent = shown;
}

/**
 * Disable or enable a button. A disabled one keeps the focus and its place in the tab order.
 *
 * @param {HTMLElement} element
 * @param {boolean} off
 */
function setOff(element, off) {
  if (off) element.setAttribute("aria-disabled", "true");
  else element.removeAttribute("aria-disabled");
}

/**
 * Show or hide an element. If it has the focus when it is hidden, `refuge` gets the focus.
 *
 * @param {HTMLElement} element
 * @param {boolean} shown
 * @param {HTMLElement} [refuge]
 */
function setShown(element, shown, refuge) {
  const focused = !shown && element.matches(":focus-within");
  element.hidden = !shown;
  if (focused) refuge?.focus();
}

/**
 * Submit a form when Enter is pressed, as its onkeydown. JupyterLab keeps the browser from doing this itself.
 *
 * @param {KeyboardEvent} event
 */
function submitOnEnter(event) {
  const input = /** @type {Element} */ (event.target);
  const form = /** @type {HTMLFormElement} */ (event.currentTarget);
  if (event.key !== "Enter" || event.defaultPrevented || !input.matches("input:not([type=file])")) return;
  event.preventDefault();
  form.requestSubmit();
}
