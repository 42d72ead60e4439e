// The parts that open beside the table, or below it if there is little room, and their handling of the focus.

class Parts {
  /**
   * @param {HTMLElement} root
   * @param {() => void} refocus Moves the focus to the table, when the element that had it is gone.
   * @param {(part: HTMLElement) => void} folded Called with a part that was closed.
   */
  constructor(root, refocus, folded) {
    this.root = root;
    this.refocus = refocus;
    this.folded = folded;
    this.element = make("div", { class: "asimov-storage-parts", hidden: true });
    /** @type {Map<HTMLElement, Element | null>} For each part, the element that had the focus when it was opened. */
    this.openers = new Map();
    /** @type {(() => void)[]} */
    this.closing = [];
  }

  close() {
    for (const close of this.closing) close();
  }

  /**
   * Call `show` now, and whenever a trait changes.
   *
   * @param {Model} model
   * @param {string} trait
   * @param {() => void} show
   */
  follow(model, trait, show) {
    model.on(`change:${trait}`, show);
    this.closing.push(() => model.off(`change:${trait}`, show));
    show();
  }

  /**
   * @param {string} name
   * @param {HTMLElement} head The first line, beside Close.
   * @param {HTMLElement[]} content
   */
  add(name, head, ...content) {
    const close = iconButton("close", `Close ${name}`, () => this.fold(part));
    const line = make("div", { class: "asimov-storage-row asimov-storage-spread" }, head, close);
    const attributes = { class: "asimov-storage-part asimov-storage-column", "aria-label": name, hidden: true };
    const part = make("section", attributes, line, ...content);
    this.element.append(part);
    return part;
  }

  /**
   * Show a part above the others that are open. The focus moves to `focused`, if it is given.
   *
   * @param {HTMLElement} part
   * @param {HTMLElement | null} [focused]
   */
  unfold(part, focused) {
    const active = /** @type {Document | ShadowRoot} */ (this.root.getRootNode()).activeElement;
    if (!part.contains(active)) this.openers.set(part, active);
    if (part.hidden) this.element.prepend(part);
    part.hidden = false;
    this.settle();
    this.element.scrollTop = 0;
    focused?.focus();
  }

  /**
   * Hide a part. If the focus was in it, it returns to the element that had it before. If that was painted again, and so
   * is gone, the table gets the focus.
   *
   * @param {HTMLElement} part
   */
  fold(part) {
    const opener = this.openers.get(part);
    const focused = part.matches(":focus-within");
    part.hidden = true;
    this.settle();
    this.folded(part);
    if (!focused) return;
    if (opener instanceof HTMLElement && opener !== this.root && this.root.contains(opener)) opener.focus();
    else this.refocus();
  }

  settle() {
    const open = this.open() !== undefined;
    this.element.hidden = !open;
    this.root.classList.toggle("asimov-storage-open", open);
  }

  // Return the uppermost part that is open.
  open() {
    return /** @type {HTMLElement[]} */ ([...this.element.children]).find((part) => !part.hidden);
  }

  /** @param {KeyboardEvent} pressed */
  pressed(pressed) {
    const part = this.open();
    if (pressed.key !== "Escape" || pressed.defaultPrevented || part === undefined) return;
    pressed.preventDefault();
    pressed.stopPropagation();
    this.fold(part);
  }
}
