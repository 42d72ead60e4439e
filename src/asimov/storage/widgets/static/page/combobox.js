// A text box that suggests names while the user types, after the ARIA Authoring Practices' "editable combobox with list
// autocomplete". It is not a <datalist>: that opens in a window of the browser, which takes the Enter key from the form,
// and can't show how many names there are.

/** @typedef {{ names: string[], total: number, error?: unknown }} Suggestions */

/**
 * Make `input` suggest the names that ask(typed) finds. The user may still type anything. A screen reader doesn't read a
 * list that opens, so the number of names is announced separately.
 *
 * @param {HTMLInputElement} input
 * @param {(typed: string) => Promise<Suggestions>} ask
 */
function combobox(input, ask) {
  const list = make("ul", { role: "listbox", id: freshId(), "aria-label": "Suggestions" });
  const note = make("div", { class: "asimov-storage-hint" });
  const popup = make("div", { class: "asimov-storage-popup", popover: "manual" }, list, note);
  const attributes = { role: "combobox", autocomplete: "off", spellcheck: "false", "aria-autocomplete": "list" };
  for (const [key, value] of Object.entries({ ...attributes, "aria-controls": list.id }))
    input.setAttribute(key, value);
  const spoken = make("span", { class: "asimov-storage-unseen", "aria-live": "polite" });
  input.after(popup, spoken);
  return new Combobox({ input, list, note, popup, spoken }, ask);
}

class Combobox {
  /**
   * @param {Record<"list" | "note" | "popup" | "spoken", HTMLElement> & { input: HTMLInputElement }} elements
   * @param {(typed: string) => Promise<Suggestions>} ask
   */
  constructor({ input, list, note, popup, spoken }, ask) {
    this.input = input;
    this.list = list;
    this.note = note;
    this.popup = popup;
    this.spoken = spoken;
    this.active = -1;
    this.newest = 0;
    /** @type {string[]} The suggested names, without escapes. */
    this.names = [];
    this.placed = "";
    this.follow = () => this.place().join() === this.placed || this.close();
    /** @type {NewestOnly<{ typed: string, number: number }, Suggestions>} */
    this.questions = new NewestOnly(
      ({ typed }) => ask(typed),
      (found, asked) => this.show(found, asked.number),
      (error, asked) => this.show({ names: [], total: 0, error }, asked.number),
    );
    this.close();
    this.listen();
  }

  listen() {
    this.input.addEventListener("input", () => this.offer());
    this.input.addEventListener("click", () => this.offer());
    this.input.addEventListener("blur", () => this.close());
    this.input.addEventListener("keydown", (event) => this.press(event));
    // Without this, a click on the list would take the focus from the box.
    this.popup.addEventListener("mousedown", (event) => event.preventDefault());
    this.list.addEventListener("click", ({ target }) => {
      this.take(/** @type {Element} */ (target).closest("[role=option]"));
    });
  }

  get isOpen() {
    return this.input.getAttribute("aria-expanded") === "true";
  }

  offer() {
    this.questions.ask({ typed: this.input.value, number: ++this.newest });
  }

  /**
   * @param {Suggestions} found
   * @param {number} number The number of the question. The answer is dropped if a newer question was asked, or if the
   *   list was closed.
   */
  show(found, number) {
    if (number !== this.newest || document.activeElement !== this.input) return;
    const { names, total, error } = found;
    this.names = names;
    const options = names.map((text) => make("li", { role: "option", id: freshId(), "aria-selected": "false" }, text));
    this.list.replaceChildren(...options);
    this.list.hidden = names.length === 0; // a listbox must have options
    setText(this.note, noteOn(found));
    setText(this.spoken, error === undefined ? `Suggestions: ${names.length} of ${counted(total)}.` : noteOn(found));
    this.open();
  }

  place() {
    const { left, top, width } = this.input.getBoundingClientRect();
    return [left, top, width].map(Math.round);
  }

  open() {
    this.point(-1);
    this.input.setAttribute("aria-expanded", "true");
    this.lay();
    if (!this.popup.matches(":popover-open")) this.popup.showPopover();
    // The popup doesn't move with the page when that is scrolled, so it is closed then.
    this.placed = this.place().join();
    addEventListener("resize", this.follow);
    document.addEventListener("scroll", this.follow, { capture: true, passive: true });
  }

  // Place the popup below the box, or above it if there is more room.
  lay() {
    const box = this.input.getBoundingClientRect();
    const below = innerHeight - box.bottom;
    const room = Math.min(Math.max(below, box.top) - 8, 280);
    const isBelow = below >= 200 || below >= box.top;
    Object.assign(this.popup.style, {
      left: `${box.left}px`,
      width: `${box.width}px`,
      maxHeight: `${room}px`,
      top: isBelow ? `${box.bottom}px` : "auto",
      bottom: isBelow ? "auto" : `${innerHeight - box.top}px`,
    });
  }

  close() {
    this.newest += 1;
    this.point(-1);
    setText(this.spoken, "");
    removeEventListener("resize", this.follow);
    document.removeEventListener("scroll", this.follow, { capture: true });
    this.input.setAttribute("aria-expanded", "false");
    if (this.popup.isConnected && this.popup.matches(":popover-open")) this.popup.hidePopover();
  }

  /** @param {number} index */
  point(index) {
    const options = this.list.children;
    options[this.active]?.setAttribute("aria-selected", "false");
    this.active = index;
    const option = options[index];
    if (option === undefined) return this.input.removeAttribute("aria-activedescendant");
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", option.id);
  }

  /** @param {Element | null | undefined} option */
  take(option) {
    if (option === null || option === undefined) return;
    this.input.value = this.names[[...this.list.children].indexOf(option)] ?? "";
    this.close();
    this.input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      this.step(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && this.isOpen && this.active >= 0) {
      event.preventDefault();
      this.take(this.list.children[this.active]);
    } else if (event.key === "Escape" && this.isOpen) {
      event.stopPropagation();
      this.close();
    } else if (event.key === "Enter") {
      this.close();
    }
  }

  /** @param {1 | -1} by */
  step(by) {
    const count = this.list.children.length;
    if (!this.isOpen) this.offer();
    else if (this.active < 0 && by < 0) this.point(count - 1);
    else if (count > 0) this.point((this.active + by + count) % count);
  }
}

/** @param {Suggestions} found */
function noteOn({ names, total, error }) {
  if (error !== undefined) return `No suggestions: ${inWords(error)}`;
  const more = total - names.length;
  if (more > 0) return `${counted(more)} more: type to narrow.`;
  return total === 0 ? "Nothing on record matches." : "";
}
