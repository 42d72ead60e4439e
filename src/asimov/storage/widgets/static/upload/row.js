// One file on its way: its bar and its Stop button, and what came of it.

/** @typedef {"stored" | "failed" | "cancelled"} Outcome */
/** @typedef {{ stop: (row: UploadRow) => void, again: (row: UploadRow) => void }} RowDoes */

class UploadRow {
  /**
   * @param {Link} link
   * @param {Line} line
   * @param {Chosen} chosen
   * @param {Order} order
   * @param {RowDoes} does
   */
  constructor(link, line, chosen, order, does) {
    this.link = link;
    /** @type {Chosen | undefined} */
    this.chosen = chosen;
    this.size = chosen.size;
    this.order = order;
    this.does = does;
    /** @type {UploadPhase} */
    this.phase = "waiting";
    this.done = 0;
    /** @type {Outcome | undefined} */
    this.outcome = undefined;
    this.bar = progress(order.name);
    this.stop = button("Stop", () => does.stop(this), { "aria-describedby": freshId() });
    const named = { class: "asimov-storage-mono", id: this.stop.getAttribute("aria-describedby") };
    const title = make("span", named, order.name);
    const head = make("div", { class: "asimov-storage-row asimov-storage-spread" }, title, this.stop);
    this.element = make("li", {}, head, this.bar);
    this.paced = atMost(PROGRESS_EVERY, () => this.paint());
    /** @type {Upload | ServerUpload | undefined} */
    this.upload = this.uploadOf(link, line, chosen);
    this.paint();
  }

  /**
   * @param {Link} link
   * @param {Line} line
   * @param {Chosen} chosen
   */
  uploadOf(link, line, { file, path = "" }) {
    /** @type {UploadTold} */
    const tell = (phase, done) => {
      if (phase !== this.phase) this.bar.restart();
      this.phase = phase;
      this.done = done;
      this.paced();
    };
    if (file === undefined) return new ServerUpload(link, path, this.order, tell);
    return new Upload(link, line, file, this.order, tell);
  }

  get isOpen() {
    return this.outcome === undefined;
  }

  paint() {
    if (!this.isOpen) return;
    this.bar.set(this.done, this.size);
    const words = this.words();
    if (words !== undefined) this.bar.say(words);
    setOff(this.stop, this.phase === "storing");
  }

  // What the bar says instead of how many bytes are done, and how fast.
  words() {
    if (this.link.silent) return `Stopped at ${inUnits(this.done)}: the kernel doesn't answer`;
    switch (this.phase) {
      case "waiting":
        return "Waiting";
      case "comparing":
        return `Comparing: ${inUnits(this.done)} of ${inUnits(this.size)}`;
      case "storing":
        return `${inUnits(this.size)} are there; being stored`;
      default:
        return undefined;
    }
  }

  // The kernel fell silent, or is heard again: the rate begins anew.
  repaint() {
    this.bar.restart();
    this.paint();
  }

  /**
   * Turn the row into what came of it, at its place and of its height: others' Stop buttons stay under the pointer.
   *
   * @param {Outcome} outcome
   * @returns {boolean} Whether its button had the focus, which now is nowhere.
   */
  finish(outcome, words = "") {
    this.outcome = outcome;
    this.paced.cancel();
    this.element.style.height = `${this.element.getBoundingClientRect().height}px`;
    const root = /** @type {Document | ShadowRoot} */ (this.stop.getRootNode());
    const hadFocus = this.stop === root.activeElement;
    if (outcome === "stored") this.showStored();
    else this.showFailed(outcome, words, hadFocus);
    return hadFocus && outcome === "stored";
  }

  showStored() {
    this.upload = undefined; // the page may let go of the file
    this.chosen = undefined;
    this.bar.set(1, 1);
    this.bar.say("✔ Stored");
    this.stop.classList.add("asimov-storage-away");
  }

  /**
   * @param {Outcome} outcome
   * @param {string} words
   * @param {boolean} hadFocus
   */
  showFailed(outcome, words, hadFocus) {
    const again = button("Try again", () => this.does.again(this));
    this.stop.replaceWith(again);
    if (hadFocus) again.focus();
    const sign = outcome === "failed" ? "✘ Not stored: " : "– ";
    const attributes = { class: outcome === "failed" ? "asimov-storage-bad" : "" };
    this.bar.replaceWith(make("p", attributes, sign + words));
  }
}
