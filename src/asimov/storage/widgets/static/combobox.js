// A text box that offers names as one types, after the ARIA Authoring Practices' "editable combobox with list autocomplete".
// Not a <datalist>: those open in a window of the browser's own, which takes Enter from the form, and can't say how many there are.

// combobox(input, ask) makes one of `input`: ask(typed) -> Promise of {names, total}. Anything may be typed all the same.
// How many there are is said to a screen reader, too: a list that opens is not.
function combobox(input, ask) {
  const list = make("ul", { role: "listbox", id: freshId(), "aria-label": "Suggestions" });
  const note = make("div", { class: "asimov-storage-hint" });
  const popup = make("div", { class: "asimov-storage-popup", popover: "manual" }, list, note);
  const attributes = { role: "combobox", autocomplete: "off", spellcheck: "false", "aria-autocomplete": "list" };
  for (const [key, value] of Object.entries({ ...attributes, "aria-controls": list.id })) input.setAttribute(key, value);
  const spoken = make("span", { class: "asimov-storage-unseen", "aria-live": "polite" });
  input.after(popup, spoken);
  return new Combobox({ input, list, note, popup, spoken, ask: newestOnly(ask) });
}

class Combobox {
  constructor({ input, list, note, popup, spoken, ask }) {
    Object.assign(this, { input, list, note, popup, spoken, ask });
    this.active = -1;
    this.newest = 0;
    this.follow = () => this.place().join() === this.placed || this.close();
    this.close();
    input.addEventListener("input", () => this.offer());
    input.addEventListener("click", () => this.offer());
    input.addEventListener("blur", () => this.close());
    input.addEventListener("keydown", (event) => this.press(event));
    // The box would lose the focus to what is clicked.
    popup.addEventListener("mousedown", (event) => event.preventDefault());
    list.addEventListener("click", (event) => this.take(event.target.closest("[role=option]")));
  }

  get isOpen() {
    return this.input.getAttribute("aria-expanded") === "true";
  }

  async offer() {
    const number = ++this.newest;
    const found = await this.ask(this.input.value);
    if (number !== this.newest || found === undefined || document.activeElement !== this.input) return;
    const option = (text) => make("li", { role: "option", id: freshId(), "aria-selected": "false" }, text);
    this.list.replaceChildren(...found.names.map(option));
    this.list.hidden = found.names.length === 0; // a listbox without options is none
    setText(this.note, noteOn(found));
    setText(this.spoken, found.error === undefined ? `Suggestions: ${found.names.length} of ${found.total.toLocaleString("en")}.` : noteOn(found));
    this.open();
  }

  place() {
    const { left, top, width } = this.input.getBoundingClientRect();
    return [left, top, width].map(Math.round);
  }

  open() {
    this.point(-1);
    this.input.setAttribute("aria-expanded", "true");
    const box = this.input.getBoundingClientRect();
    const below = innerHeight - box.bottom;
    const room = Math.max(below, box.top) - 8;
    Object.assign(this.popup.style, { left: `${box.left}px`, width: `${box.width}px`, maxHeight: `${Math.min(room, 280)}px` });
    Object.assign(this.popup.style, below >= 200 || below >= box.top ? { top: `${box.bottom}px`, bottom: "auto" } : { top: "auto", bottom: `${innerHeight - box.top}px` });
    if (!this.popup.matches(":popover-open")) this.popup.showPopover();
    // It stands still when the page moves below it, by wheel, scrollbar, touch or keys.
    this.placed = this.place().join();
    addEventListener("resize", this.follow);
    document.addEventListener("scroll", this.follow, { capture: true, passive: true });
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

  point(index) {
    const options = [...this.list.children];
    options[this.active]?.setAttribute("aria-selected", "false");
    this.active = index;
    const option = options[index];
    if (option === undefined) return this.input.removeAttribute("aria-activedescendant");
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", option.id);
  }

  take(option) {
    if (option === null || option === undefined) return;
    this.input.value = option.textContent;
    this.close();
    this.input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  press(event) {
    const count = this.list.children.length;
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in steps) {
      event.preventDefault();
      if (!this.isOpen) this.offer();
      else if (count > 0) this.point((this.active + steps[event.key] + (this.active < 0 && steps[event.key] < 0 ? 1 : 0) + count) % count);
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
}

function noteOn({ names, total, error }) {
  if (error !== undefined) return `No suggestions: ${inWords(error)}`;
  const more = total - names.length;
  if (more > 0) return `${more.toLocaleString("en")} more: type to narrow.`;
  return total === 0 ? "Nothing on record matches." : "";
}

// newestOnly(ask): at most one question is open at a time; of those that come meanwhile, only the newest is asked. An error
// is an answer: names none, total 0, and error.
function newestOnly(ask) {
  let open = false;
  let waiting;
  const run = async ([value, resolve]) => {
    open = true;
    resolve(await ask(value).catch((error) => ({ names: [], total: 0, error })));
    open = false;
    const next = waiting;
    waiting = undefined;
    if (next !== undefined) run(next);
  };
  return (value) =>
    new Promise((resolve) => {
      waiting?.[1](undefined);
      waiting = undefined;
      if (open) waiting = [value, resolve];
      else run([value, resolve]);
    });
}
