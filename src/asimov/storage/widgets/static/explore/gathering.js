// The part beside the table that fetches the selected records to a folder on the server. The kernel's half is Gathering
// (_exploring/gathering.py).

/**
 * The state that Gathering shows. It is empty before the first fetch.
 *
 * @typedef {object} GatheringState
 * @property {"fetching" | "fetched" | "cancelled" | "failed"} [phase]
 * @property {number} [count] The number of files.
 * @property {string} [dest]
 * @property {boolean} [tree] Whether each file is copied to EVENT/PRODUCTION.
 * @property {number} [done] In bytes.
 * @property {number} [total]
 * @property {ErrorDetails} [error]
 */

class GatheredSelection {
  /**
   * @param {Link} link
   * @param {Model} model
   * @param {Parts} parts
   */
  constructor(link, model, parts) {
    this.parts = parts;
    this.panel = new GatheringPanel(link);
    this.part = parts.add("Fetch to a folder", make("h3", {}, "Fetch to a folder"), this.panel.element);
    parts.follow(model, "_gathered", () => this.panel.show(model.get("_gathered") ?? {}));
  }

  open() {
    this.parts.unfold(this.part, this.panel.dest);
  }
}

class GatheringPanel {
  /** @param {Link} link */
  constructor(link) {
    this.link = link;
    this.dest = make("input", { type: "text", name: "dest", spellcheck: "false", autocomplete: "off" });
    this.cancel = button("Cancel", () => this.ask("gather/cancel"));
    this.bar = progress("Progress");
    this.verdict = make("p", { class: "asimov-storage-verdict" });
    const box = field("Folder on the server", this.dest, "It is made if need be. Nothing in it is written over.");
    const submit = button("Fetch", undefined, { type: "submit", class: "asimov-storage-main" });
    /** @param {SubmitEvent} happened */
    const start = (happened) => {
      happened.preventDefault();
      this.ask("gather/start", { dest: this.dest.value });
    };
    this.submit = submit;
    this.cancel.hidden = true;
    this.bar.hidden = true;
    this.element = make(
      "form",
      { novalidate: true, onsubmit: start, onkeydown: submitOnEnter },
      make("div", { class: "asimov-storage-fields" }, box),
      make("div", { class: "asimov-storage-row" }, submit, this.cancel),
      statusRegion(this.verdict, this.bar),
    );
  }

  /**
   * @param {string} kind
   * @param {Fields} fields
   */
  ask(kind, fields = {}) {
    this.link.request(kind, fields).catch((error) => this.say(`✗ ${inWords(error)}`, "bad"));
  }

  /**
   * @param {string} words
   * @param {string} [how]
   */
  say(words, how) {
    setVerdict(this.verdict, words, how);
  }

  /** @param {GatheringState} state */
  show({ phase, count = 0, dest, tree, done = 0, total = 0, error }) {
    const busy = phase === "fetching";
    setShown(this.cancel, busy, this.submit);
    this.bar.hidden = !busy;
    const files = counted(count, "file");
    const where = tree ? ", each in EVENT/PRODUCTION there: some have the same name" : "";
    if (busy) {
      this.say(`Fetching ${files}${where}`);
      this.bar.set(done, total);
    } else if (phase === "fetched") this.say(`✓ Verified and copied ${files} to ${dest}${where}`, "good");
    else if (phase === "cancelled") this.say("○ Cancelled. Nothing was copied.");
    else if (phase === "failed") this.say(`✗ Nothing was copied: ${error?.message}`, "bad");
  }
}
