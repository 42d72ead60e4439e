// The overview of the Store: a grid of events by productions. Each cell has the number of its files, and shows how long
// ago the oldest verification among them was. Below it, a time line shows when files were added. A click on a part of
// the overview filters the table by it. The kernel's half is Overview (_exploring/overview.py).

/**
 * @typedef {object} OverviewPage
 * @property {number} page
 * @property {number} pages
 * @property {number} total The number of all events.
 * @property {string[]} events
 * @property {string[]} productions
 * @property {number} hidden The number of productions that are left out.
 * @property {number[][]} counts For each event, a number for each production, or only one if all are the same.
 * @property {string[]} states For each event, a letter for each production, or only one if all are the same.
 * @property {number[] | null} sizes For each event, in bytes.
 * @property {{ from: number, span: number, counts: number[] } | null} line The time line; `from` and `span` are in ms.
 */

/** @type {Record<string, [sign: string, words: string]>} */
const CELL_STATES = {
  f: ["✗", "one failed its last verification"],
  n: ["○", "not all were verified yet"],
  o: ["◔", "last verified over 90 days ago"],
  m: ["◑", "last verified over 30 days ago"],
  l: ["●", "verified within 30 days"],
  "?": ["", "verification not looked up yet"],
};

class OverviewPicture {
  /**
   * @param {object} does
   * @param {(page: number) => Promise<OverviewPage>} does.ask
   * @param {(changes: Partial<ExplorerState>) => void} does.filter
   * @param {(folded: boolean) => void} does.fold
   */
  constructor({ ask, filter, fold }) {
    this.filter = filter;
    this.page = 0;
    /** @type {OverviewPage | undefined} */
    this.shown = undefined;
    this.painted = "";
    this.state = PLAIN_STATE;
    /** @type {[row: number, column: number]} The cell that Tab leads to. */
    this.at = [0, 0];
    this.questions = new NewestOnly(
      ask,
      (found) => this.show(found),
      () => {},
    );
    this.opener = button("", () => fold(!this.state.overview_folded), { class: "asimov-storage-link" });
    this.body = make("tbody", { onkeydown: (/** @type {KeyboardEvent} */ pressed) => this.pressed(pressed) });
    this.head = make("thead", {});
    const caption = make("caption", { class: "asimov-storage-unseen" }, "Files by event and production");
    this.table = make("table", {}, caption, this.head, this.body);
    this.pager = new Pager((by) => this.turn(by), " events");
    this.hidden = make("p", { class: "asimov-storage-hint" });
    this.line = make("div", { class: "asimov-storage-timeline", role: "group", "aria-label": "Added" });
    const legend = "● within 30 d · ◑ over 30 d · ◔ over 90 d · ○ never · ✗ failed";
    this.legend = make("p", { class: "asimov-storage-hint" }, `Verified: ${legend}`);
    const matrix = make("div", { class: "asimov-storage-matrix asimov-storage-body" }, this.table);
    const beside = make(
      "div",
      { class: "asimov-storage-beside" },
      this.pager.element,
      this.hidden,
      this.line,
      this.legend,
    );
    this.content = make("div", { class: "asimov-storage-pictured asimov-storage-column" }, matrix, beside);
    const attributes = { class: "asimov-storage-overview asimov-storage-column", "aria-label": "Overview" };
    this.element = make("section", attributes, this.opener, this.content);
  }

  // Ask the kernel for the page, unless the overview is folded away.
  refresh() {
    if (!this.state.overview_folded) this.questions.ask(this.page);
  }

  /** @param {number} by */
  turn(by) {
    this.page += by;
    this.at = [0, 0];
    this.questions.ask(this.page);
  }

  /** @param {OverviewPage} found */
  show(found) {
    this.shown = found;
    this.page = found.page;
    this.paint(this.state);
  }

  /** @param {ExplorerState} state The state of the Explorer. The cells that the table is filtered by are marked. */
  paint(state) {
    const unfolded = this.state.overview_folded && !state.overview_folded;
    this.state = state;
    this.content.hidden = state.overview_folded;
    this.opener.setAttribute("aria-expanded", String(!state.overview_folded));
    setText(this.opener, state.overview_folded ? "▸ Overview" : "▾ Overview");
    if (unfolded) this.refresh();
    if (this.shown === undefined || state.overview_folded) return;
    const { event, production, added_from: from, added_to: to } = state;
    const painted = JSON.stringify([this.shown, event, production, from, to]);
    if (painted !== this.painted) this.paintAnew(this.shown);
    this.painted = painted;
  }

  /** @param {OverviewPage} shown */
  paintAnew(shown) {
    const { productions, events, hidden, line } = shown;
    const focused = this.body.matches(":focus-within");
    const heads = productions.map((name) => this.headOf({ production: name }, name));
    this.head.replaceChildren(
      make(
        "tr",
        {},
        make("td", {}),
        ...heads,
        make("th", { scope: "col" }, make("span", { class: "asimov-storage-unseen" }, "Size")),
      ),
    );
    this.body.replaceChildren(...events.map((name, row) => this.row(name, row)));
    this.pager.paint(shown);
    setText(this.hidden, hidden > 0 ? `${counted(hidden, "further production")} not shown: use Search.` : "");
    this.line.replaceChildren(...(line === null || line.counts.length < 2 ? [] : this.timeLine(line)));
    this.aim(...this.at);
    if (focused) this.cell(...this.at)?.focus();
  }

  /**
   * @param {{ event?: string, production?: string }} filters
   * @param {string} name
   */
  headOf(filters, name) {
    const { event = "", production = "" } = filters;
    const pressed = this.state.event === event && this.state.production === production;
    const attributes = { class: "asimov-storage-sort", "aria-pressed": String(pressed), title: name };
    const press = () => this.filter(pressed ? { event: "", production: "" } : { event, production });
    const head = button("", press, attributes);
    head.append(make("bdi", {}, name));
    return make("th", { scope: event ? "row" : "col" }, head);
  }

  /**
   * @param {string} event
   * @param {number} row
   */
  row(event, row) {
    const { productions, sizes } = /** @type {OverviewPage} */ (this.shown);
    const cells = productions.map((production, column) => this.cellOf(event, production, row, column));
    return make(
      "tr",
      {},
      this.headOf({ event }, event),
      ...cells,
      sizes === null ? make("td", {}) : sizeBar(row, sizes),
    );
  }

  /**
   * @param {string} event
   * @param {string} production
   * @param {number} row
   * @param {number} column
   */
  cellOf(event, production, row, column) {
    const { counts, states } = /** @type {OverviewPage} */ (this.shown);
    const count = counts[row][column] ?? counts[row][0];
    if (count === 0)
      return make("td", { class: "asimov-storage-empty", title: `${event}, ${production}: no files` }, "·");
    const state = states[row][column] ?? states[row][0];
    const [sign, words] = CELL_STATES[state];
    const pressed = this.state.event === event && this.state.production === production;
    const label = `${event}, ${production}: ${counted(count, "file")}, ${words}`;
    const press = () => {
      this.at = [row, column];
      this.filter(pressed ? { event: "", production: "" } : { event, production });
    };
    const attributes = { "aria-pressed": String(pressed), "aria-label": label, title: label, tabindex: -1 };
    const kind = state === "?" ? "unknown" : state;
    return make(
      "td",
      {},
      button(`${sign} ${counted(count)}`, press, { ...attributes, class: `asimov-storage-cell-${kind}` }),
    );
  }

  // --- The time line

  /** @param {{ from: number, span: number, counts: number[] }} line */
  timeLine({ from, span, counts }) {
    const dates = [from, from + counts.length * span - 1].map((time) => inDate(time).slice(0, 10));
    const [begin, end] = dates.map((date) => make("span", { "aria-hidden": "true" }, date));
    return [begin, ...this.spans({ from, span, counts }), end];
  }

  /** @param {{ from: number, span: number, counts: number[] }} line */
  spans({ from, span, counts }) {
    const most = Math.max(...counts);
    const { added_from: first, added_to: last } = this.state;
    return counts.map((count, number) => {
      const begin = from + number * span;
      const end = begin + span;
      const pressed = first !== null && last !== null && first <= begin && end <= last;
      const label = `${inDate(begin).slice(0, 10)} to ${inDate(end - 1).slice(0, 10)}: ${counted(count, "file")} added`;
      const attributes = { "aria-pressed": String(pressed), "aria-label": label, title: label };
      /** @param {MouseEvent} clicked Shift extends the time that is marked already. */
      const press = (clicked) => this.filter(this.spanned(begin, end, pressed, clicked.shiftKey));
      const bar = make("button", { type: "button", onclick: press, disabled: count === 0, ...attributes });
      bar.style.setProperty("--as-part", String(most === 0 ? 0 : count / most));
      return bar;
    });
  }

  /**
   * @param {number} begin
   * @param {number} end
   * @param {boolean} pressed
   * @param {boolean} further
   */
  spanned(begin, end, pressed, further) {
    const { added_from: first, added_to: last } = this.state;
    if (further && first !== null && last !== null)
      return { added_from: Math.min(first, begin), added_to: Math.max(last, end) };
    return pressed ? { added_from: null, added_to: null } : { added_from: begin, added_to: end };
  }

  // --- The keyboard

  /** @param {KeyboardEvent} pressed */
  pressed(pressed) {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[pressed.key];
    if (step === undefined || this.shown === undefined) return;
    pressed.preventDefault();
    let [row, column] = this.at;
    do {
      row += step[0];
      column += step[1];
      if (row < 0 || column < 0 || row >= this.shown.events.length || column >= this.shown.productions.length) return;
    } while (this.cell(row, column) === null);
    this.aim(row, column);
    this.cell(row, column)?.focus();
  }

  /**
   * Make Tab lead to one cell, or to the first that has files if that one is empty.
   *
   * @param {number} row
   * @param {number} column
   */
  aim(row, column) {
    const before = this.cell(...this.at);
    if (before !== null) before.tabIndex = -1;
    this.at = [row, column];
    const cell = this.cell(row, column) ?? this.body.querySelector("td button");
    if (cell instanceof HTMLElement) cell.tabIndex = 0;
  }

  /**
   * @param {number} row
   * @param {number} column
   * @returns {HTMLElement | null}
   */
  cell(row, column) {
    return this.body.rows[row]?.cells[column + 1]?.querySelector("button") ?? null;
  }
}

/**
 * Return a cell with a bar whose length is the size of an event's files, relative to the largest on the page.
 *
 * @param {number} row
 * @param {number[]} sizes In bytes.
 */
function sizeBar(row, sizes) {
  const most = Math.max(...sizes, 1);
  const words = inUnits(sizes[row]);
  const bar = make("span", { class: "asimov-storage-bar-of-size", "aria-hidden": "true" });
  bar.style.setProperty("--as-part", String(sizes[row] / most));
  return make("td", { title: words }, bar, make("span", { class: "asimov-storage-unseen" }, words));
}
