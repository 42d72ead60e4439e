// What opens below the table, and where the focus goes.

class Parts {
  /**
   * @param {HTMLElement} root
   * @param {() => void} refocus Takes the focus where that which had it is gone.
   */
  constructor(root, refocus) {
    this.root = root;
    this.refocus = refocus;
    /** @type {Map<HTMLElement, Element | null>} What had the focus when a part was opened. */
    this.openers = new Map();
    /** @type {(() => void)[]} */
    this.closing = [];
  }

  close() {
    for (const close of this.closing) close();
  }

  /**
   * Show a trait as it changes, and now.
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
   * @param {HTMLElement[]} content
   */
  add(name, ...content) {
    const close = button("Close", () => this.fold(part), { "aria-label": `Close ${name}` });
    const head = make("div", { class: "asimov-storage-row asimov-storage-spread" }, make("h3", {}, name), close);
    const attributes = { class: "asimov-storage-part", "aria-label": name, hidden: true };
    const part = make("section", attributes, head, ...content);
    this.root.append(part);
    return part;
  }

  /**
   * @param {HTMLElement} part
   * @param {HTMLElement | null} focused
   */
  unfold(part, focused) {
    const active = /** @type {Document | ShadowRoot} */ (this.root.getRootNode()).activeElement;
    if (!part.contains(active)) this.openers.set(part, active);
    part.hidden = false;
    part.scrollIntoView({ block: "nearest" });
    focused?.focus();
  }

  /**
   * Give the focus back to where it was; the row that had it may have been painted anew.
   *
   * @param {HTMLElement} part
   */
  fold(part) {
    const opener = this.openers.get(part);
    part.hidden = true;
    if (opener instanceof HTMLElement && this.root.contains(opener)) opener.focus();
    else this.refocus();
  }
}
