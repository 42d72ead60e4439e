// What one does with the selected records: the buttons below the table, and the hashes to copy.

/**
 * @typedef {object} SelectionDoes
 * @property {<T>(kind: string, fields?: Fields) => Promise<T | undefined>} ask
 * @property {(problem?: string, done?: string) => void} say
 * @property {() => View & { total: number }} painted What the page shows.
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
    this.selected = 0;
    this.selectAll = button("", () => does.ask("explore/select-all", { ...does.painted(), on: true }));
    const group = { class: "asimov-storage-row", role: "group", "aria-label": "Selection" };
    this.element = make("div", group, this.selectAll);
    /** @type {HTMLElement[]} */
    this.needSelection = [];
    this.addButton("Clear selection", () => does.ask("explore/select-none"), true);
    this.addButton("Verify selected", () => this.selected > 0 && does.verify(), true);
    this.addButton("Copy hashes", () => this.selected > 0 && this.copyHashes(), true);
  }

  /**
   * @param {string} words
   * @param {() => void} onclick
   * @param {boolean} needsSelection
   */
  addButton(words, onclick, needsSelection) {
    const added = button(words, onclick);
    this.element.append(added);
    if (needsSelection) this.needSelection.push(added);
  }

  /** @param {Page} page */
  paint({ total, selected }) {
    this.selected = selected;
    const all = `Select all ${counted(total)} that match`;
    setText(this.selectAll, total === 1 ? "Select the one that matches" : all);
    setOff(this.selectAll, total === 0);
    for (const one of this.needSelection) setOff(one, selected === 0);
  }

  async copyHashes() {
    /** @type {{ text: string, count: number } | undefined} */
    const found = await this.does.ask("explore/hashes");
    if (found === undefined) return;
    try {
      await navigator.clipboard.writeText(found.text);
      this.does.say("", `${counted(found.count, "hash", "hashes")} copied.`);
    } catch {
      this.showHashes(found.text); // plain http has no clipboard
    }
  }

  addHashesPart() {
    this.hashes = make("textarea", { rows: 6, readonly: true });
    const box = field("Hashes", this.hashes, "They are selected: press Ctrl+C (⌘C on a Mac).");
    this.hashPart = this.parts.add("Copy hashes", box);
  }

  /** @param {string} text */
  showHashes(text) {
    if (this.hashes === undefined || this.hashPart === undefined) return;
    this.hashes.value = text;
    this.parts.unfold(this.hashPart, this.hashes);
    this.hashes.select();
  }
}
