// The Explorer's table: one page of records, which of them are marked, and the keys that move through it.

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
  // `does` has sort(column), open(key), turn(by), and mark(keys, on), a promise of whether that was done. A key is
  // [event, production, file].
  constructor(does) {
    Object.assign(this, { does, rows: [], marked: [], shownRow: 0 });
    this.marking = new Map(); // id of a key -> {on}: what was asked of the kernel, until it answers
    this.caption = make("caption", { class: "asimov-storage-unseen" }); // the summary above shows the same
    this.pageBox = make("input", { type: "checkbox", "aria-label": "Select this page", onchange: () => this.mark([...this.rows.keys()], this.pageBox.checked) });
    this.heads = new Map();
    const heads = COLUMNS.map(([column, label]) => this.head(column, label));
    this.body = make("tbody", { onkeydown: (pressed) => this.pressed(pressed) });
    const head = make("thead", {}, make("tr", {}, make("th", { scope: "col" }, this.pageBox), ...heads));
    const table = make("table", { class: "asimov-storage-records" }, this.caption, head, this.body);
    this.element = make("div", { class: "asimov-storage-wide", role: "region", "aria-label": "Records", tabindex: 0 }, table);
  }

  head(column, label) {
    if (!SORTED_BY.has(column)) return make("th", { scope: "col", class: column === "size" && "asimov-storage-number" }, label);
    const sort = button(label, () => this.does.sort(column), { class: "asimov-storage-sort" });
    const cell = make("th", { scope: "col" }, sort);
    this.heads.set(column, { cell, sort, label });
    return cell;
  }

  // --- Painting

  paint({ rows, marked, records }, view, caption) {
    const hadFocus = this.body.contains(this.body.getRootNode().activeElement);
    Object.assign(this, { rows, marked });
    this.shownRow = Math.min(this.shownRow, Math.max(0, rows.length - 1));
    this.body.replaceChildren(...rows.map((row, position) => this.row(row, position)));
    if (rows.length === 0) this.body.append(nothing(records));
    if (hadFocus) this.focusRow();
    setText(this.caption, caption);
    this.showOrder(view);
    this.showMarks();
  }

  showOrder({ sort: sortedBy, descending }) {
    for (const [column, { cell, sort, label }] of this.heads) {
      const sorted = sortedBy === column;
      if (sorted) cell.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
      setText(sort, sorted ? `${label} ${descending ? "▼" : "▲"}` : label);
    }
  }

  row(row, position) {
    const [event, production, file, hash, uuid, size, added] = row;
    const box = make("input", { type: "checkbox", tabindex: -1, "aria-label": `Select ${event} / ${production} / ${file}`, onchange: () => this.mark([position], box.checked) });
    const open = button("", () => this.does.open(keyOf(row)), { class: "asimov-storage-name", tabindex: -1 });
    open.append(make("bdi", {}, file));
    const cells = [
      make("td", {}, box),
      make("td", {}, make("bdi", {}, event)),
      make("td", {}, make("bdi", {}, production)),
      make("td", {}, open),
      size === null ? make("td", { class: "asimov-storage-bad" }, "○ missing") : make("td", { class: "asimov-storage-number" }, inUnits(size)),
      make("td", { class: "asimov-storage-added" }, added === null ? "" : inDate(added)),
      make("td", {}, make("code", { class: "asimov-storage-short", title: hash }, hash)),
      make("td", {}, make("code", { class: "asimov-storage-short", title: uuid }, uuid)),
    ];
    return make("tr", { tabindex: position === this.shownRow ? 0 : -1, onfocusin: () => this.reach(position) }, ...cells);
  }

  // --- Marking

  // The boxes show at once what was asked; should that fail, they show again what the kernel said last.
  async mark(positions, on) {
    const keys = positions.map((position) => keyOf(this.rows[position]));
    const ids = keys.map(idOf);
    const asked = { on };
    for (const id of ids) this.marking.set(id, asked);
    this.showMarks();
    const done = await this.does.mark(keys, on);
    for (const id of ids) if (this.marking.get(id) === asked) this.marking.delete(id);
    if (done) this.marked = this.rows.map((row, position) => (ids.includes(idOf(keyOf(row))) ? on : this.marked[position]));
    this.showMarks();
  }

  showMarks() {
    const marks = this.rows.map((row, position) => this.marking.get(idOf(keyOf(row)))?.on ?? this.marked[position]);
    marks.forEach((marked, position) => {
      this.boxOf(position).checked = marked;
      this.body.children[position].classList.toggle("asimov-storage-marked", marked);
    });
    this.pageBox.checked = marks.length > 0 && marks.every(Boolean);
    this.pageBox.indeterminate = !this.pageBox.checked && marks.some(Boolean);
  }

  boxOf(position) {
    return this.body.children[position].querySelector("input");
  }

  // --- The keyboard

  pressed(pressed) {
    if (pressed.ctrlKey || pressed.metaKey || pressed.altKey || this.rows.length === 0) return;
    const last = this.rows.length - 1;
    const moves = { ArrowDown: this.shownRow + 1, ArrowUp: this.shownRow - 1, Home: 0, End: last };
    const onRow = pressed.target.tagName === "TR";
    if (pressed.key in moves) this.focusRow(Math.max(0, Math.min(last, moves[pressed.key])));
    else if (pressed.key === "PageDown") this.does.turn(1);
    else if (pressed.key === "PageUp") this.does.turn(-1);
    else if (pressed.key === " " && onRow) this.mark([this.shownRow], !this.boxOf(this.shownRow).checked);
    else if (pressed.key === "Enter" && onRow) this.does.open(keyOf(this.rows[this.shownRow]));
    else return;
    pressed.preventDefault();
  }

  reach(position) {
    if (this.body.children[this.shownRow] !== undefined) this.body.children[this.shownRow].tabIndex = -1;
    this.shownRow = position;
    this.body.children[position].tabIndex = 0;
  }

  focusRow(position = this.shownRow) {
    this.body.children[position]?.focus();
  }
}

function keyOf(row) {
  return row.slice(0, 3);
}

function idOf(key) {
  return key.join("/"); // no name has one
}

function nothing(records) {
  const words = records === 0 ? "The Store is empty." : "No record matches. Use fewer words, or another event or production.";
  return make("tr", {}, make("td", { colspan: COLUMNS.length + 1 }, words));
}

// inDate(ms since 1970) is "2026-11-22 10:09", in the user's own time.
function inDate(ms) {
  const date = new Date(ms);
  const two = (number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
}
