// The Explorer's table: one page of records, which of them are marked, and the keys that move through it.

/** @typedef {[event: string, production: string, file: string]} RecordKey */
/** @typedef {[...RecordKey, hash: string, uuid: string, size: number | null, added: number | null]} RecordRow null: missing. */
/**
 * @typedef {object} RecordsDo
 * @property {(column: string) => void} sort
 * @property {(key: RecordKey) => void} open
 * @property {(by: number) => void} turn
 * @property {(keys: RecordKey[], on: boolean) => Promise<boolean>} mark Tells whether that was done.
 */

const COLUMNS = [
  ["event", "Event"],
  ["production", "Production"],
  ["file", "File"],
  ["size", "Size"],
  ["added", "Added"],
  ["hash", "Hash"],
  ["uuid", "UUID"],
];
const SORTED_BY = new Set(["event", "production", "file", "hash", "uuid"]); // size and added are known of a page only

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
    /** @type {string | undefined} The id of the record whose file is open beside the table. */
    this.openedId = undefined;
    /** @type {Map<string, { on: boolean }>} By the id of a key, what was asked of the kernel, until it answers. */
    this.marking = new Map();
    /** @type {Map<string, { cell: HTMLElement, sort: HTMLElement, label: string }>} */
    this.heads = new Map();
    this.caption = make("caption", { class: "asimov-storage-unseen" }); // the summary above shows the same
    this.pageBox = this.box("Select this page", (on) => this.mark([...this.rows.keys()], on));
    this.body = make("tbody", { onkeydown: (/** @type {KeyboardEvent} */ pressed) => this.pressed(pressed) });
    const heads = COLUMNS.map(([column, label]) => this.head(column, label));
    this.headRow = make("tr", {}, make("th", { scope: "col" }, this.pageBox), ...heads);
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

  /**
   * @param {string} column
   * @param {string} label
   */
  head(column, label) {
    const attributes = { scope: "col", class: `asimov-storage-of-${column}` };
    if (!SORTED_BY.has(column)) return make("th", attributes, label);
    const sort = button(label, () => this.does.sort(column), { class: "asimov-storage-sort" });
    const cell = make("th", attributes, sort);
    this.heads.set(column, { cell, sort, label });
    return cell;
  }

  // --- Painting

  /**
   * @param {Page} page
   * @param {View} view
   * @param {string} caption
   */
  paint({ rows, marked, records, page }, view, caption) {
    const root = /** @type {Document | ShadowRoot} */ (this.body.getRootNode());
    const hadFocus = this.body.contains(root.activeElement);
    const turned = this.page !== page;
    this.page = page;
    this.rows = rows;
    this.marked = marked;
    this.shownRow = Math.min(this.shownRow, Math.max(0, rows.length - 1));
    this.body.replaceChildren(...rows.map((row, position) => this.row(row, position)));
    if (rows.length === 0) this.body.append(nothing(records));
    if (turned) this.element.scrollTop = 0;
    if (hadFocus) this.focusRow();
    setText(this.caption, caption);
    this.showOrder(view);
    this.showMarks();
    this.showOpened();
  }

  /**
   * Mark the row of the record whose file is open, and keep it in view; none where no file is.
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
   * Scroll the table, and nothing around it, as far as is needed to see a row.
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

  /** @param {View} view */
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
   */
  row(row, position) {
    const [event, production, file, hash, uuid, size, added] = row;
    const label = `Select ${event} / ${production} / ${file}`;
    const box = this.box(label, (on) => this.mark([position], on), { tabindex: -1 });
    const open = button("", () => this.does.open(keyOf(row)), { class: "asimov-storage-name", tabindex: -1 });
    open.append(make("bdi", {}, file));
    const cells = [
      make("td", {}, box),
      make("td", { class: "asimov-storage-of-event", title: event }, make("bdi", {}, event)),
      make("td", { class: "asimov-storage-of-production", title: production }, make("bdi", {}, production)),
      make("td", { class: "asimov-storage-of-file", title: file }, open),
      sizeCell(size),
      make("td", { class: "asimov-storage-of-added" }, added === null ? "" : inDate(added)),
      make("td", { class: "asimov-storage-of-hash" }, make("code", { title: hash }, hash)),
      make("td", { class: "asimov-storage-of-uuid" }, make("code", { title: uuid }, uuid)),
    ];
    const tabindex = position === this.shownRow ? 0 : -1;
    return make("tr", { tabindex, onfocusin: () => this.reach(position) }, ...cells);
  }

  close() {
    this.resized.disconnect();
  }

  // --- Marking

  /**
   * The boxes show at once what was asked; should that fail, they show again what the kernel said last.
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
  return key.join("/"); // no name has one
}

/** @param {number | null} size */
function sizeCell(size) {
  if (size === null) return make("td", { class: "asimov-storage-of-size asimov-storage-bad" }, "○ missing");
  return make("td", { class: "asimov-storage-of-size" }, inUnits(size));
}

/** @param {number} records */
function nothing(records) {
  const words =
    records === 0 ? "The Store is empty." : "No record matches. Use fewer words, or another event or production.";
  return make("tr", {}, make("td", { colspan: COLUMNS.length + 1 }, words));
}

/**
 * inDate(ms since 1970) is "2026-11-22 10:09", in the user's own time.
 *
 * @param {number} ms
 */
function inDate(ms) {
  const date = new Date(ms);
  const [year, month, day] = [date.getFullYear(), date.getMonth() + 1, date.getDate()];
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  return `${year}-${two(month)}-${two(day)} ${two(date.getHours())}:${two(date.getMinutes())}`;
}
