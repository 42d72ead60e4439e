// One file, from when it is chosen until it is stored: its name in the Store, how far it is, and what came of it.

/** @typedef {"stored" | "failed" | "cancelled"} Outcome */
/** @typedef {"chosen" | UploadPhase | Outcome} RowPhase */
/**
 * @typedef {object} RowDoes
 * @property {(row: FileRow) => void} stop
 * @property {(row: FileRow) => void} again
 * @property {(row: FileRow) => void} remove
 * @property {(name: string) => Promise<string | null>} check Finds what is wrong with a name.
 * @property {(bytes: number) => void} moved So many more bytes have gone.
 */

class FileRow {
  /**
   * @param {Chosen} chosen
   * @param {RowDoes} does
   */
  constructor(chosen, does) {
    this.chosen = chosen;
    this.does = does;
    /** @type {Order | undefined} */
    this.order = undefined;
    /** @type {Added | undefined} */
    this.added = undefined;
    /** @type {RowPhase} */
    this.phase = "chosen";
    this.done = 0;
    this.words = make("span", { class: "asimov-storage-said" });
    this.note = make("span", { class: "asimov-storage-problem", id: freshId() });
    this.element = make("li", {});
    this.paced = atMost(PROGRESS_EVERY, () => this.paint());
    this.edit();
  }

  get isOpen() {
    return this.phase !== "chosen" && !this.isDone;
  }

  get isDone() {
    return this.phase === "stored" || this.phase === "failed" || this.phase === "cancelled";
  }

  // Name and MD5 can be changed.
  edit() {
    const { name, from, expected = "" } = this.chosen;
    this.phase = "chosen";
    this.bar = undefined;
    this.name = make("input", { type: "text", spellcheck: "false", title: from, "aria-describedby": this.note.id });
    this.name.value = name;
    this.name.setAttribute("aria-label", `Name in the Store of ${lastPart(from)}`);
    this.expected = make("input", { type: "text", spellcheck: "false", autocomplete: "off" });
    this.expected.value = expected;
    this.expectedBox = field("Expected MD5 (optional)", this.expected);
    this.say(hintOnName(name, this.name.value));
    checkSoon(
      this.name,
      this,
      (words) => this.say(words || hintOnName(name, this.name?.value ?? "")),
      () => this.does.check(this.name?.value ?? ""),
    );
    this.lay(this.name, this.removal());
  }

  /**
   * @param {HTMLElement} name
   * @param {HTMLElement[]} acts
   */
  lay(name, ...acts) {
    this.more = button("", () => this.toggle(), { class: "asimov-storage-icon", "aria-expanded": "false" });
    this.more.setAttribute("aria-label", `Details of ${this.called}`);
    /** @type {HTMLElement | undefined} */
    this.details = undefined;
    this.action = acts.at(0);
    const size = make("span", { class: "asimov-storage-number" }, inUnits(this.chosen.size));
    const buttons = make("span", { class: "asimov-storage-acts" }, ...acts, this.more);
    this.element.className = `asimov-storage-${this.phase}`;
    this.element.replaceChildren(name, size, this.words, buttons, this.note);
  }

  get called() {
    return this.order?.name ?? this.name?.value ?? "";
  }

  toggle() {
    const open = this.details === undefined;
    this.details?.remove();
    this.details = open ? this.madeDetails() : undefined;
    if (this.details !== undefined) this.element.append(this.details);
    this.more?.setAttribute("aria-expanded", String(open));
  }

  madeDetails() {
    const { from, size } = this.chosen;
    const facts = make(
      "dl",
      {},
      ...described("From", make("code", {}, from)),
      ...described("Size", `${counted(size)} B`),
    );
    if (this.added) {
      facts.append(...described("MD5", make("code", {}, this.added.hash)));
      facts.append(...described("UUID", make("code", {}, this.added.uuid)));
    } else if (this.order?.expected && this.phase !== "chosen") {
      facts.append(...described("Expected MD5", make("code", {}, this.order.expected)));
    }
    return make("div", { class: "asimov-storage-more" }, this.phase === "chosen" ? this.expectedBox : undefined, facts);
  }

  /** @param {string | null} [words] What is wrong with the name. */
  problem(words) {
    setText(this.note, words ?? "");
    if (words) this.name?.setAttribute("aria-invalid", "true");
    else this.name?.removeAttribute("aria-invalid");
  }

  /**
   * What is wrong with the expected MD5; it is shown where it is typed.
   *
   * @param {string} [words]
   */
  expectedProblem(words) {
    if (words && this.details === undefined) this.toggle();
    this.expectedBox?.problem(words);
  }

  /** @param {Order} order */
  launch(order) {
    this.order = order;
    this.chosen = { ...this.chosen, name: order.name, expected: order.expected };
    this.phase = "waiting";
    this.done = 0;
    this.name = undefined;
    this.expectedBox = undefined;
    this.problem();
    this.say("Waiting");
    this.lay(
      nameShown(order.name, this.chosen.from),
      button("Stop", () => this.does.stop(this)),
    );
  }

  /**
   * @param {UploadPhase} phase
   * @param {number} done In bytes.
   */
  tell(phase, done) {
    if (!this.isOpen) return; // an answer that came late
    this.does.moved(done - this.done);
    this.phase = phase;
    this.done = done;
    this.paced();
  }

  paint(silent = false) {
    if (!this.isOpen) return;
    const { size } = this.chosen;
    const share = size > 0 ? this.done / size : 1;
    const words = { waiting: "Waiting", comparing: "Comparing", storing: "Being stored", sending: "" };
    const percent = `${Math.floor(100 * share)} %`;
    const told = words[/** @type {UploadPhase} */ (this.phase)] || percent;
    if (silent) return this.say("Stopped: the kernel doesn't answer");
    if (this.phase === "comparing" || this.phase === "sending") this.showBar(share, told);
    else this.say(told);
    if (this.action) setOff(this.action, this.phase === "storing");
  }

  /**
   * @param {number} share
   * @param {string} words
   */
  showBar(share, words) {
    if (this.bar === undefined) {
      this.bar = make("progress", { max: 1, value: 0, "aria-label": this.called });
      this.percent = make("span", {});
      this.words.replaceChildren(this.bar, this.percent);
    }
    this.bar.value = share;
    this.bar.setAttribute("aria-valuetext", words);
    if (this.percent) setText(this.percent, words);
  }

  /** @param {string} words */
  say(words) {
    this.bar = undefined;
    setText(this.words, words);
    this.words.title = words;
  }

  /**
   * Show what came of it, at its place and of its height: others' buttons stay under the pointer.
   *
   * @param {Outcome} outcome
   * @param {{ words?: string, added?: Added }} told
   * @returns {boolean} Whether its button had the focus, which now is nowhere.
   */
  finish(outcome, { words = "", added }) {
    this.paced.cancel();
    const root = /** @type {Document | ShadowRoot} */ (this.element.getRootNode());
    const hadFocus = this.action !== undefined && this.action === root.activeElement;
    if (outcome === "stored") this.does.moved(this.chosen.size - this.done);
    this.phase = outcome;
    this.added = added;
    this.say(outcome === "stored" ? "✔ Stored" : outcome === "failed" ? `✘ Not stored: ${words}` : `– ${words}`);
    const shown = nameShown(this.called, this.chosen.from);
    if (outcome === "stored") {
      this.chosen = { ...this.chosen, file: undefined, entry: undefined }; // it may be let go
      this.lay(shown);
      return hadFocus;
    }
    const again = button("Try again", () => this.does.again(this));
    this.lay(shown, again, this.removal());
    if (hadFocus) again.focus();
    return false;
  }

  removal() {
    return iconButton("close", "Remove", () => this.does.remove(this));
  }
}

/**
 * @param {string} name
 * @param {string} title
 * @param {string} [place] Event and production.
 */
function nameShown(name, title, place) {
  const behind = place === undefined ? undefined : make("span", {}, make("bdi", {}, place));
  return make("span", { class: "asimov-storage-named", title }, make("bdi", {}, name), behind);
}
