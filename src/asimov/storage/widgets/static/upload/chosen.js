// What is to be stored: files that are chosen or dropped, each on a card with its name in the Store and its MD5.

const MOST_FILES = 10_000; // at once: what the kernel checks the names of

/**
 * @typedef {object} Chosen
 * @property {string} name
 * @property {number} size In bytes.
 * @property {string} [expected] The MD5 that it must have.
 * @property {File} [file] Of the user's own disk.
 * @property {string} [path] Of the server's.
 */
/**
 * @typedef {object} Card
 * @property {Chosen} chosen
 * @property {HTMLInputElement} name
 * @property {HTMLInputElement} expected
 * @property {Field} nameBox
 * @property {Field} expectedBox
 * @property {HTMLElement} element
 */

class ChosenFiles {
  /**
   * @param {Place} place
   * @param {() => void} changed
   */
  constructor(place, changed) {
    this.place = place;
    this.changed = changed;
    /** @type {Card[]} */
    this.cards = [];
    this.input = make("input", { type: "file", multiple: true, onchange: () => this.choose() });
    this.zone = field("File", this.input, "Choose one or more, or drop them here.");
    this.zone.classList.add("asimov-storage-drop");
    this.list = make("ul", { class: "asimov-storage-cards" });
  }

  choose() {
    this.addFiles([...(this.input.files ?? [])]);
    this.input.value = ""; // so that the same file can be chosen again
  }

  /** @param {HTMLElement} root */
  acceptDrops(root) {
    /** @param {DragEvent} happened */
    const over = (happened) => {
      const data = happened.dataTransfer;
      if (!data?.types.includes("Files")) return;
      happened.preventDefault();
      happened.stopPropagation();
      const { type } = happened;
      if (type === "dragleave" && root.contains(/** @type {Node | null} */ (happened.relatedTarget))) return;
      this.zone.classList.toggle("asimov-storage-over", type === "dragenter" || type === "dragover");
      if (type === "drop") this.dropped(data);
    };
    for (const kind of /** @type {const} */ (["dragenter", "dragover", "dragleave", "drop"])) {
      root.addEventListener(kind, over);
    }
  }

  /** @param {DataTransfer} data */
  dropped(data) {
    const entries = [...data.items].map((item) => item.webkitGetAsEntry?.());
    const folders = entries.flatMap((entry) => (entry?.isDirectory ? [entry.name] : []));
    this.addFiles([...data.files].filter((file) => !folders.includes(file.name)));
    if (folders.length > 0) {
      const names = [...new Set(folders)].join(", ");
      this.zone.problem(`${names}: a folder can't be stored. Choose the files in it.`);
    }
  }

  /** @param {File[]} files */
  addFiles(files) {
    this.zone.problem();
    const count = this.cards.length + files.length;
    if (count > MOST_FILES) {
      const most = `At most ${counted(MOST_FILES)} files can be uploaded at once, and these are ${counted(count)}.`;
      const advice = "Choose fewer; files that the kernel can reach, Store.add_files() adds at any number.";
      return this.zone.problem(`${most} ${advice}`);
    }
    for (const file of files) this.add({ file, name: file.name, size: file.size });
  }

  /**
   * Nothing is chosen: say so, unless something is on its way.
   *
   * @param {boolean} busy
   */
  askForFiles(busy) {
    this.zone.problem(busy ? undefined : "Choose a file first.");
    if (!busy) this.input.focus();
  }

  /**
   * Add a card.
   *
   * @param {Chosen} chosen
   * @returns {Card}
   */
  add(chosen) {
    const name = make("input", { type: "text", spellcheck: "false" });
    const expected = make("input", { type: "text", spellcheck: "false", autocomplete: "off" });
    name.value = chosen.name;
    expected.value = chosen.expected ?? "";
    const nameBox = field("Name in the Store", name);
    const expectedBox = field("Expected MD5 (optional)", expected);
    const remove = button("Remove", () => this.remove(card));
    const element = this.cardElement(chosen, remove, nameBox, expectedBox);
    const card = { chosen, name, expected, nameBox, expectedBox, element };
    const check = async () => (await this.place.problems([name.value])).names[0];
    checkSoon(name, nameBox, hintOf(nameBox, name), check);
    expected.addEventListener("input", () => expectedBox.problem());
    this.list.append(element);
    this.cards.push(card);
    this.changed();
    return card;
  }

  /**
   * @param {Chosen} chosen
   * @param {HTMLElement} remove
   * @param {HTMLElement[]} boxes
   */
  cardElement({ path, name, size }, remove, ...boxes) {
    const words = `${path ?? name}, ${inUnits(size)}`;
    const what = make("span", { class: "asimov-storage-mono", id: freshId() }, words);
    const parts = make("div", { class: "asimov-storage-fields" }, ...boxes);
    const head = make("div", { class: "asimov-storage-row asimov-storage-spread" }, what, remove);
    return make("li", {}, make("div", { role: "group", "aria-labelledby": what.id }, head, parts));
  }

  /**
   * Remove a card, and give the focus to the next.
   *
   * @param {Card} card
   */
  remove(card) {
    const position = this.cards.indexOf(card);
    this.drop(card);
    const next = this.cards[position] ?? this.cards[position - 1];
    if (next === undefined) this.input.focus();
    else next.element.querySelector("button")?.focus();
  }

  /** @param {Card} card */
  drop(card) {
    this.cards.splice(this.cards.indexOf(card), 1);
    card.element.remove();
    this.changed();
  }
}
