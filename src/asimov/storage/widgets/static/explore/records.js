// The Explorer's table: one page of records, the boxes that mark them, and the keys that move through it.

/** @typedef {[event: string, production: string, file: string]} RecordKey */
/**
 * One row of the table. `size` is in bytes, `added` in ms since 1970, and both are null if the file is missing. `verified`
 * is as in verifiedCell. `more` is what only some rows have.
 *
 * @typedef {[...RecordKey, hash: string, uuid: string, size: number | null, added: number | null, verified: number | null, more?: More]}
 * RecordRow
 */
/**
 * @typedef {object} More
 * @property {string} [why] The reason why the record was retracted.
 * @property {Record<string, string>} [notes] The notes that columns show.
 * @property {[key: string, text: string]} [found] A note that no column shows, in which a word of the search occurs.
 */
/**
 * @typedef {object} RecordsDo
 * @property {(column: string) => void} sort
 * @property {(key: RecordKey) => void} open
 * @property {(by: number) => void} turn
 * @property {(keys: RecordKey[], on: boolean) => Promise<boolean>} mark Returns whether the kernel has done it.
 */

class RecordsTable {
  /** @param {RecordsDo} does */
  constructor(does) {
    this.does = does;
    /** @type {RecordRow[]} */
    this.rows = [];
    /** @type {boolean[]} */
    this.marked = [];
    this.shownRow = 0;
    this.page = 0;
    this.painted = "";
    /** @type {string | undefined} The id of the record whose file is open beside the table. */
    this.openedId = undefined;
    /** @type {Map<string, { on: boolean }>} By the id of a key, the request to the kernel that isn't answered yet. */
    this.marking = new Map();
    /** @type {Map<string, { cell: HTMLElement, sort: HTMLElement, label: string }>} */
    this.heads = new Map();
    this.caption = make("caption", { class: "asimov-storage-unseen" }); // the summary above shows the same
    this.pageBox = this.box("Select this page", (on) => this.mark([...this.rows.keys()], on));
    this.body = make("tbody", { onkeydown: (/** @type {KeyboardEvent} */ pressed) => this.pressed(pressed) });
    this.headRow = make("tr", {});
    /** @type {string[]} */
    this.columns = [];
    const head = make("thead", {}, this.headRow);
    const table = make("table", { class: "asimov-storage-records" }, this.caption, head, this.body);
    const region = {
      class: "asimov-storage-wide asimov-storage-body",
      role: "region",
      "aria-label": "Records",
      tabindex: 0,
    };
    this.element = make("div", region, table);
    this.resized = new ResizeObserver(() => this.showOpenedRow());
    this.resized.observe(this.element);
  }

  /**
   * @param {string} label
   * @param {(on: boolean) => void} mark
   * @param {Attributes} attributes
   */
  box(label, mark, attributes = {}) {
    const onchange = () => mark(box.checked);
    const box = make("input", { type: "checkbox", "aria-label": label, onchange, ...attributes });
    return box;
  }

  /** @param {string[]} columns */
  setColumns(columns) {
    if (columns.join() === this.columns.join()) return;
    this.columns = columns;
    this.heads.clear();
    const heads = columns.map((column) => this.head(column));
    this.headRow.replaceChildren(make("th", { scope: "col" }, this.pageBox), ...heads);
  }

  /** @param {string} column */
  head(column) {
    const label = columnName(column);
    const sort = button(label, () => this.does.sort(column), { class: "asimov-storage-sort" });
    const cell = make("th", { scope: "col", class: columnClass(column) }, sort);
    this.heads.set(column, { cell, sort, label });
    return cell;
  }

  // --- Painting

  /**
   * @param {Page} page
   * @param {ExplorerState} view
   * @param {string} caption
   */
  paint({ rows, marked, records, page }, view, caption) {
    this.setColumns(view.columns);
    const words = wordsOf(view.search);
    const turned = this.page !== page;
    this.page = page;
    this.rows = rows;
    this.marked = marked;
    this.shownRow = Math.min(this.shownRow, Math.max(0, rows.length - 1));
    const painted = JSON.stringify([rows, records === 0, view.columns, words]);
    if (painted !== this.painted) this.paintRows(words, records); // only then: the mouse may be on a row
    this.painted = painted;
    if (turned) this.element.scrollTop = 0;
    setText(this.caption, caption);
    this.showOrder(view);
    this.showMarks();
    this.showOpened();
  }

  /**
   * @param {string[]} words
   * @param {number} records
   */
  paintRows(words, records) {
    const root = /** @type {Document | ShadowRoot} */ (this.body.getRootNode());
    const hadFocus = this.body.contains(root.activeElement);
    const onName = root.activeElement?.matches(".asimov-storage-name") ?? false;
    this.body.replaceChildren(...this.rows.map((row, position) => this.row(row, position, words)));
    if (this.rows.length === 0) this.body.append(nothing(records, this.columns.length));
    if (hadFocus) this.focusRow();
    /** @type {HTMLElement | null | undefined} */
    const name = onName ? this.rowAt(this.shownRow)?.querySelector(".asimov-storage-name") : null;
    if (hadFocus) name?.focus();
  }

  /**
   * Mark the row of the record whose file is open, and keep it in view. Without a key, no row is marked.
   *
   * @param {RecordKey | undefined} key
   */
  setOpened(key) {
    this.openedId = key && idOf(key);
    this.showOpened();
    this.showOpenedRow();
  }

  showOpenedRow() {
    const row = this.body.querySelector("[aria-current]");
    if (row !== null) this.scrollTo(row);
  }

  showOpened() {
    this.rows.forEach((row, position) => {
      const line = this.rowAt(position);
      if (idOf(keyOf(row)) === this.openedId) line.setAttribute("aria-current", "true");
      else line.removeAttribute("aria-current");
    });
  }

  /**
   * Scroll the table, but nothing around it, until a row is in view.
   *
   * @param {Element} row
   */
  scrollTo(row) {
    const view = this.element.getBoundingClientRect();
    const { top, bottom } = row.getBoundingClientRect();
    const first = view.top + this.headRow.getBoundingClientRect().height;
    if (top < first) this.element.scrollTop -= first - top;
    else if (bottom > view.bottom) this.element.scrollTop += bottom - view.bottom;
  }

  /** @param {ExplorerState} view */
  showOrder({ sort: sortedBy, descending }) {
    for (const [column, { cell, sort, label }] of this.heads) {
      const sorted = sortedBy === column;
      if (sorted) cell.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
      setText(sort, sorted ? `${label} ${descending ? "▼" : "▲"}` : label);
    }
  }

  /**
   * @param {RecordRow} row
   * @param {number} position
   * @param {string[]} words The words to mark.
   */
  row(row, position, words) {
    const label = `Select ${keyOf(row).join(" / ")}`;
    const box = this.box(label, (on) => this.mark([position], on), { tabindex: -1 });
    const cells = this.columns.map((column) =>
      column === "file" ? this.fileCell(row, words) : columnCell(column, row, words),
    );
    const tabindex = position === this.shownRow ? 0 : -1;
    return make("tr", { tabindex, onfocusin: () => this.reach(position) }, make("td", {}, box), ...cells);
  }

  /**
   * @param {RecordRow} row
   * @param {string[]} words
   */
  fileCell(row, words) {
    const open = button("", () => this.does.open(keyOf(row)), { class: "asimov-storage-name", tabindex: -1 });
    const name = make("bdi", {}, ...markedName(row[2], words));
    const path = row.slice(0, 3).join(" / ");
    const { why, found } = row[8] ?? {};
    open.append(why === undefined ? name : make("s", {}, name));
    const retracted = why === undefined ? undefined : make("span", { class: "asimov-storage-detail" }, "⊘ retracted");
    const noted =
      found && make("span", { class: "asimov-storage-detail" }, `${found[0]}: `, ...markedName(found[1], words));
    return textCell("file", why === undefined ? path : `${path}: retracted: ${why}`, open, retracted, noted);
  }

  close() {
    this.resized.disconnect();
  }

  // --- Marking

  /**
   * Mark or unmark rows. The boxes show it at once. If the request fails, they return to the last answer of the kernel.
   *
   * @param {number[]} positions
   * @param {boolean} on
   */
  async mark(positions, on) {
    const keys = positions.map((position) => keyOf(this.rows[position]));
    const ids = keys.map(idOf);
    const asked = { on };
    for (const id of ids) this.marking.set(id, asked);
    this.showMarks();
    const done = await this.does.mark(keys, on);
    for (const id of ids) {
      if (this.marking.get(id) === asked) this.marking.delete(id);
    }
    if (done) this.marked = this.rows.map((row, at) => (ids.includes(idOf(keyOf(row))) ? on : this.marked[at]));
    this.showMarks();
  }

  showMarks() {
    const marks = this.rows.map((row, position) => this.marking.get(idOf(keyOf(row)))?.on ?? this.marked[position]);
    marks.forEach((marked, position) => {
      this.boxOf(position).checked = marked;
      this.rowAt(position).classList.toggle("asimov-storage-marked", marked);
    });
    this.pageBox.checked = marks.length > 0 && marks.every(Boolean);
    this.pageBox.indeterminate = !this.pageBox.checked && marks.some(Boolean);
  }

  /**
   * @param {number} position
   * @returns {HTMLInputElement}
   */
  boxOf(position) {
    return /** @type {HTMLInputElement} */ (this.rowAt(position).querySelector("input"));
  }

  /** @param {number} position */
  rowAt(position) {
    return /** @type {HTMLElement} */ (this.body.children[position]);
  }

  // --- The keyboard

  /** @param {KeyboardEvent} pressed */
  pressed(pressed) {
    if (pressed.ctrlKey || pressed.metaKey || pressed.altKey || this.rows.length === 0) return;
    const onRow = /** @type {Element} */ (pressed.target).tagName === "TR";
    const to = this.moveOf(pressed.key);
    if (to !== undefined) this.focusRow(to);
    else if (pressed.key === "PageDown") this.does.turn(1);
    else if (pressed.key === "PageUp") this.does.turn(-1);
    else if (pressed.key === " " && onRow) this.mark([this.shownRow], !this.boxOf(this.shownRow).checked);
    else if (pressed.key === "Enter" && onRow) this.does.open(keyOf(this.rows[this.shownRow]));
    else return;
    pressed.preventDefault();
  }

  /**
   * Return the row that a key leads to.
   *
   * @param {string} key
   */
  moveOf(key) {
    const last = this.rows.length - 1;
    switch (key) {
      case "ArrowDown":
        return Math.min(last, this.shownRow + 1);
      case "ArrowUp":
        return Math.max(0, this.shownRow - 1);
      case "Home":
        return 0;
      case "End":
        return last;
      default:
        return undefined;
    }
  }

  /** @param {number} position */
  reach(position) {
    const before = this.rowAt(this.shownRow);
    if (before !== undefined) before.tabIndex = -1;
    this.shownRow = position;
    this.rowAt(position).tabIndex = 0;
  }

  focusRow(position = this.shownRow) {
    this.rowAt(position)?.focus();
  }
}

/**
 * @param {RecordRow} row
 * @returns {RecordKey}
 */
function keyOf([event, production, file]) {
  return [event, production, file];
}

/** @param {RecordKey} key */
function idOf(key) {
  return key.join("/"); // names don't contain "/"
}

/**
 * @param {number} records
 * @param {number} columns
 */
function nothing(records, columns) {
  const words =
    records === 0 ? "The Store is empty." : "No record matches. Use fewer words, or another event or production.";
  return make("tr", {}, make("td", { colspan: columns + 1 }, words));
}
