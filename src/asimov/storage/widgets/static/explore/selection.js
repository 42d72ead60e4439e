// The actions on the selected records: the bar below the table, and the hashes to copy.

/**
 * @typedef {object} SelectionDoes
 * @property {<T>(kind: string, fields?: Fields) => Promise<T | undefined>} ask
 * @property {(problem?: string, done?: string) => void} say
 * @property {() => ExplorerState & { total: number }} painted Returns the state that the page shows.
 * @property {() => void} verify
 */

class SelectionBar {
  /**
   * @param {Parts} parts
   * @param {SelectionDoes} does
   */
  constructor(parts, does) {
    this.parts = parts;
    this.does = does;
    const link = { class: "asimov-storage-link" };
    this.selectAll = button("", () => does.ask("explore/select-all", { ...does.painted(), on: true }), link);
    this.group = make("div", { class: "asimov-storage-row", role: "group", "aria-label": "Selection", hidden: true });
    this.element = make("div", { class: "asimov-storage-foot" }, this.group, this.selectAll);
    this.addButton("Verify", () => does.verify());
    this.addButton("Copy hashes", () => this.copyHashes());
  }

  /**
   * @param {string} words
   * @param {() => void} onclick
   */
  addButton(words, onclick) {
    this.group.append(button(words, onclick));
  }

  addClear() {
    this.addButton("Clear", () => this.does.ask("explore/select-none"));
  }

  /** @param {Page} page */
  paint({ total, selected }) {
    setText(this.selectAll, `Select all ${counted(total)}`);
    this.selectAll.setAttribute("aria-label", `Select all ${counted(total)} that match`);
    setShown(this.selectAll, total > 0);
    setShown(this.group, selected > 0, this.selectAll);
  }

  async copyHashes() {
    /** @type {{ text: string, count: number } | undefined} */
    const found = await this.does.ask("explore/hashes");
    if (found === undefined) return;
    try {
      await navigator.clipboard.writeText(found.text);
      this.does.say("", `${counted(found.count, "hash", "hashes")} copied.`);
    } catch {
      this.showHashes(found.text); // a page over plain http can't use the clipboard
    }
  }

  addHashesPart() {
    this.hashes = make("textarea", { rows: 6, readonly: true });
    const box = field("Hashes", this.hashes, "They are selected: press Ctrl+C (⌘C on a Mac).");
    this.hashPart = this.parts.add("Copy hashes", make("h3", {}, "Copy hashes"), box);
  }

  /** @param {string} text */
  showHashes(text) {
    if (this.hashes === undefined || this.hashPart === undefined) return;
    this.hashes.value = text;
    this.parts.unfold(this.hashPart, this.hashes);
    this.hashes.select();
  }
}
