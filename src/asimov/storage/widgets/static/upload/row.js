// The row of one file, from when it is chosen until it is stored: its name in the Store, its progress, and its result.
//
// A row is only a name until its list fills it, when the row is near the view. So most of thousands of rows are just names.

/** @typedef {"stored" | "failed" | "cancelled"} Outcome */
/** @typedef {"chosen" | UploadPhase | Outcome} RowPhase */
/**
 * @typedef {object} RowDoes
 * @property {(row: FileRow) => void} stop
 * @property {(row: FileRow) => void} again
 * @property {(row: FileRow) => void} remove
 * @property {(name: string) => Promise<string | null>} check Returns the problem with a name.
 * @property {(bytes: number) => void} moved Called with the number of bytes that were sent since the last call.
 */

const WORDS = { waiting: "Waiting", comparing: "Comparing", sending: "", storing: "Being stored" };

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
    this.told = ""; // the progress or the result
    this.wrong = ""; // the problem with its name
    this.together = false; // whether it is sent with others, so that it can't be stopped alone
    this.filled = false;
    this.element = make("li", {});
    this.paced = atMost(PROGRESS_EVERY, () => this.paint());
    this.show();
  }

  get isOpen() {
    return this.phase !== "chosen" && !this.isDone;
  }

  get isDone() {
    return this.phase === "stored" || this.phase === "failed" || this.phase === "cancelled";
  }

  get name() {
    return this.input?.value ?? this.chosen.name;
  }

  get md5() {
    return (this.expected?.value ?? this.chosen.expected ?? "").trim();
  }

  fill() {
    if (this.filled) return;
    this.filled = true;
    this.words = make("span", { class: "asimov-storage-said" });
    this.note = make("span", { class: "asimov-storage-problem", id: freshId() });
    this.show();
  }

  // Make the content of the row again, after a change of phase.
  show() {
    const shown = this.phase === "chosen" && this.filled ? this.editor() : nameShown(this.name, this.chosen.from);
    this.element.className = `asimov-storage-${this.phase}`;
    if (!this.filled) return this.element.replaceChildren(shown);
    const attributes = {
      class: "asimov-storage-icon",
      "aria-expanded": "false",
      "aria-label": `Details of ${this.name}`,
    };
    const acts = this.acts();
    this.action = acts.at(0);
    /** @type {HTMLElement | undefined} */
    this.details = undefined;
    this.more = button("", () => this.toggle(), attributes);
    const size = make("span", { class: "asimov-storage-number" }, inUnits(this.chosen.size));
    const buttons = make("span", { class: "asimov-storage-acts" }, ...acts, this.more);
    this.say(this.told);
    this.problem(this.wrong);
    this.element.replaceChildren(shown, size, this.words ?? "", buttons, this.note ?? "");
  }

  editor() {
    const { name, from, expected = "" } = this.chosen;
    const spoken = { "aria-label": `Name in the Store of ${lastPart(from)}`, "aria-describedby": this.note?.id };
    this.input = make("input", { type: "text", spellcheck: "false", title: from, ...spoken });
    this.input.value = name;
    this.expected = make("input", { type: "text", spellcheck: "false", autocomplete: "off" });
    this.expected.value = expected;
    this.expectedBox = field("Expected MD5 (optional)", this.expected);
    const hint = (words = "") => this.say(words || hintOnName(name, this.name));
    this.told = hintOnName(name, this.input.value);
    checkSoon(this.input, this, hint, () => this.does.check(this.name));
    return this.input;
  }

  acts() {
    const remove = () => iconButton("close", "Remove", () => this.does.remove(this));
    if (this.phase === "stored") return [];
    if (this.phase === "chosen") return [remove()];
    if (this.isDone) return [button("Try again", () => this.does.again(this)), remove()];
    const stop = button("Stop", () => this.does.stop(this));
    setOff(stop, this.together || this.phase === "storing");
    return [stop];
  }

  toggle() {
    const open = this.details === undefined;
    this.details?.remove();
    this.details = open ? this.madeDetails() : undefined;
    if (this.details !== undefined) this.element.append(this.details);
    this.more?.setAttribute("aria-expanded", String(open));
  }

  madeDetails() {
    const { from, size, expected } = this.chosen;
    const isChosen = this.phase === "chosen";
    const code = (/** @type {string} */ term, /** @type {string | undefined} */ text) =>
      text ? described(term, make("code", {}, text)) : [];
    const facts = [
      ...code("From", from),
      ...described("Size", `${counted(size)} B`),
      ...code("MD5", this.added?.hash),
      ...code("UUID", this.added?.uuid),
      ...code("Expected MD5", isChosen || this.added ? undefined : expected),
    ];
    return make(
      "div",
      { class: "asimov-storage-more" },
      isChosen ? this.expectedBox : undefined,
      make("dl", {}, ...facts),
    );
  }

  /** @param {string | null} [words] The problem with the name. */
  problem(words) {
    this.wrong = words ?? "";
    if (this.note) setText(this.note, this.wrong);
    if (words) this.input?.setAttribute("aria-invalid", "true");
    else this.input?.removeAttribute("aria-invalid");
  }

  /**
   * Show a problem with the expected MD5 at its box.
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
    this.phase = "waiting";
    this.done = 0;
    this.turn({ ...this.chosen, name: order.name, expected: order.expected }, "Waiting");
  }

  /**
   * Return to the phase in which the user can change the name.
   *
   * @param {Chosen} chosen
   */
  edit(chosen) {
    this.phase = "chosen";
    this.together = false;
    this.turn(chosen, "");
    this.fill();
    this.input?.focus();
  }

  /**
   * @param {Chosen} chosen
   * @param {string} words
   */
  turn(chosen, words) {
    this.chosen = chosen;
    this.input = undefined;
    this.expected = undefined;
    this.expectedBox = undefined;
    this.told = words;
    this.wrong = "";
    this.show();
  }

  // Note that the file is sent with others: all of them are stopped, or none.
  join() {
    this.together = true;
    this.say("On its way");
    if (this.action) setOff(this.action, true);
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
    if (!this.together) this.paced();
  }

  paint(silent = false) {
    if (!this.isOpen) return;
    if (silent) return this.say("Stopped: the kernel doesn't answer");
    if (this.together) return this.say("On its way");
    const phase = /** @type {UploadPhase} */ (this.phase);
    const share = this.chosen.size > 0 ? this.done / this.chosen.size : 1;
    const words = WORDS[phase] || `${Math.floor(100 * share)} %`;
    if (phase === "comparing" || phase === "sending") this.showBar(share, words);
    else this.say(words);
    if (this.action) setOff(this.action, phase === "storing");
  }

  /**
   * @param {number} share
   * @param {string} words
   */
  showBar(share, words) {
    if (!this.words) return;
    if (this.bar === undefined) {
      this.bar = make("progress", { max: 1, value: 0, "aria-label": this.name });
      this.percent = make("span", {});
      this.words.replaceChildren(this.bar, this.percent);
    }
    this.bar.value = share;
    this.bar.setAttribute("aria-valuetext", words);
    if (this.percent) setText(this.percent, words);
  }

  /** @param {string} words */
  say(words) {
    this.told = words;
    this.bar = undefined;
    if (!this.words) return;
    setText(this.words, words);
    this.words.title = visible(words);
  }

  /**
   * Show the result at the place of the file and without a change of height, so that buttons stay under the pointer.
   *
   * @param {Outcome} outcome
   * @param {{ words?: string, added?: Added }} told
   * @returns {boolean} Whether the focus was on a button of the row that is gone now.
   */
  finish(outcome, { words = "", added }) {
    this.paced.cancel();
    const root = /** @type {Document | ShadowRoot} */ (this.element.getRootNode());
    const hadFocus = this.action !== undefined && this.action === root.activeElement;
    this.added = added;
    if (added !== undefined) {
      this.does.moved(this.chosen.size - this.done);
      this.chosen = { ...this.chosen, file: undefined, entry: undefined }; // the page may free it
    }
    this.phase = outcome;
    this.told = outcome === "stored" ? "✔ Stored" : outcome === "failed" ? `✘ Not stored: ${words}` : `– ${words}`;
    this.show();
    if (hadFocus) this.action?.focus();
    return hadFocus && this.action === undefined;
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
