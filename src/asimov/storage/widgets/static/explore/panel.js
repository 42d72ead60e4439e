// The Explorer: a paged table of the Store's records (records.js), and the actions on its rows. The kernel's half is
// Browsing (_exploring/browsing.py).

/**
 * @typedef {object} Page
 * @property {RecordRow[]} rows
 * @property {boolean[]} marked
 * @property {number} page
 * @property {number} pages
 * @property {number} total The number of records that match.
 * @property {number} records The number of all records.
 * @property {number} selected
 * @property {boolean} waits Whether facts for the order or the filters of the page are still being looked up.
 * @property {Choices | null} choices The choices of the filters, if they are new.
 * @property {string} mark Another one for another answer.
 */
/** @typedef {Page | { same: string }} PageAnswer The mark alone if the page has this answer. */
/** @typedef {{ store: string, root: string, read_only: boolean, view: Partial<ExplorerState>, page: Page }} ExplorerInitial */

/** @type {Mount} */
function mountExplorer(link, root, model) {
  const panel = new ExplorerPanel(link, root, model);
  return () => panel.close();
}

class ExplorerPanel {
  /**
   * @param {Link} link
   * @param {HTMLElement} root
   * @param {Model} model
   */
  constructor(link, root, model) {
    this.link = link;
    this.model = model;
    /** @type {ExplorerInitial} */
    const { store, root: folder, read_only: readOnly, page, view } = model.get("_initial");
    this.state = new SharedState(model, (names) => this.heard(names));
    this.painted = { ...this.state.now, total: 0 };
    /** @type {Page | undefined} The last answer, without the choices. */
    this.page = undefined;
    this.bar = make("div", { class: "asimov-storage-bar" });
    this.status = new ExplorerStatus(link);
    this.pages = this.newestPages();
    this.readings = new NewestOnly(
      () => link.request("explore/refresh"),
      () => this.refreshed(),
      (error) => this.status.say(`✗ ${inWords(error)}`),
    );
    this.filters = new Filters((changes) => this.ask({ ...changes, page: 0 }));
    this.columns = new ColumnChoice(
      (columns) => this.setColumns(columns),
      () => this.do("explore/keys"),
    );
    this.overview = this.overviewPicture();
    this.records = this.recordsTable();
    this.pager = new Pager((by) => this.turn(by));
    this.parts = new Parts(
      root,
      () => this.records.focusRow(),
      (part) => part === this.opened.part && this.opened.closed(),
    );
    this.selection = this.selectionBar();
    this.fill(root, store, folder);
    this.opened = this.openedFile();
    this.verified = new VerifiedSelection(link, model, this.parts);
    this.selection.addHashesPart();
    if (!readOnly) this.addWriting();
    this.selection.addClear();
    this.listen(root);
    this.paintState();
    if (Object.entries(view).every(([name, value]) => isShown(this.state.now, name, value))) {
      this.paint(page, this.state.now, true);
    }
    this.ask(); // the first page came with the widget and may be old by now
    this.opened.follow(this.state.now.opened);
    this.overview.refresh();
    this.status.lookForNews();
  }

  /**
   * @param {HTMLElement} root
   * @param {string} store
   * @param {string} folder
   */
  fill(root, store, folder) {
    const refresh = iconButton("refresh", "Refresh", () => this.refresh());
    const title = make("h2", { title: `${store}, in ${folder}` }, make("bdi", {}, store));
    this.bar.append(title, this.filters.element, this.filters.more.opener, this.columns.opener, refresh);
    const table = make("div", { class: "asimov-storage-column" }, this.status.element, this.records.element);
    this.selection.element.append(this.pager.element);
    const { element: overview } = this.overview;
    const work = make("div", { class: "asimov-storage-work" }, overview, table, this.parts.element);
    const drawers = [this.filters.more.drawer.element, this.columns.drawer.element];
    root.append(this.bar, ...drawers, work, this.selection.element);
  }

  /** @param {HTMLElement} root */
  listen(root) {
    this.filters.search.addEventListener("change", () => this.state.save());
    root.addEventListener("keydown", (pressed) => this.pressed(pressed));
    root.addEventListener("keydown", (pressed) => this.parts.pressed(pressed));
    this.link.on("explore/selected", () => this.ask());
    this.link.on("explore/read", () => this.ask());
    this.link.on("explore/looked", () => this.ask());
    for (const told of ["explore/read", "explore/looked"]) this.link.on(told, () => this.overview.refresh());
    this.link.on("explore/looking", ({ done = 0, total = 0 }) => this.status.sayLooking(done, total));
  }

  /** @returns {NewestOnly<ExplorerState, Reply<PageAnswer>>} */
  newestPages() {
    return new NewestOnly(
      (view) => this.link.request("explore/page", { ...view, known: this.filters.known, has: this.page?.mark }),
      ({ result }, view, newest) =>
        this.paint("same" in result ? /** @type {Page} */ (this.page) : result, view, newest),
      (error) => this.status.sayOfPage(`✗ ${inWords(error)}`),
    );
  }

  recordsTable() {
    return new RecordsTable({
      sort: (column) => this.sortBy(column),
      mark: async (keys, on) => (await this.do("explore/select", { keys, on })) !== undefined,
      open: (key) => this.opened.open(key),
      turn: (by) => this.turn(by),
    });
  }

  overviewPicture() {
    return new OverviewPicture({
      ask: async (page) => {
        /** @type {Reply<OverviewPage>} */
        const { result } = await this.link.request("explore/overview", { page });
        return result;
      },
      filter: (changes) => this.ask({ ...changes, page: 0 }),
      fold: (folded) => this.ask({ overview_folded: folded }),
    });
  }

  openedFile() {
    return new OpenedFile(this.link, this.model, this.parts, {
      say: (problem) => this.status.say(problem),
      opened: (key) => {
        this.records.setOpened(key);
        this.state.set({ opened: key ?? null });
      },
    });
  }

  selectionBar() {
    return new SelectionBar(this.parts, {
      ask: (kind, fields) => this.do(kind, fields),
      say: (problem, done) => this.status.say(problem, done),
      painted: () => this.painted,
      verify: () => this.verified.start(),
    });
  }

  // Add the buttons that change the Store, or a folder on the server. Apps that anybody may use don't have them.
  addWriting() {
    const gathered = new GatheredSelection(this.link, this.model, this.parts);
    const adding = new Adding(this.link, this.model, this.parts, () => this.refresh());
    this.selection.addButton("Fetch to …", () => gathered.open());
    this.bar.append(button("Add …", () => adding.open(), { class: "asimov-storage-main" }));
  }

  close() {
    this.state.close();
    this.status.close();
    this.records.close();
    this.parts.close();
  }

  // --- Asking

  /** @param {Partial<ExplorerState>} changes */
  ask(changes = {}) {
    if (Object.keys(changes).length > 0) {
      this.state.set(changes);
      this.paintState();
    }
    this.pages.ask({ ...this.state.now });
  }

  /**
   * Show changes made by Python or by another view.
   *
   * @param {Set<keyof ExplorerState>} names
   */
  heard(names) {
    this.paintState();
    if (names.delete("opened")) this.opened.follow(this.state.now.opened);
    if (names.size > 0) this.pages.ask({ ...this.state.now });
  }

  paintState() {
    this.filters.paint(this.state.now);
    this.columns.paint(this.state.now.columns);
    this.overview.paint({ ...this.state.now });
  }

  /** @param {string[]} columns */
  setColumns(columns) {
    this.ask({ columns });
  }

  /**
   * Send a request to the kernel, and show its error if there is one.
   *
   * @template T
   * @param {string} kind
   * @param {Fields} fields
   * @returns {Promise<T | undefined>}
   */
  async do(kind, fields = {}) {
    this.status.say();
    try {
      /** @type {Reply<T>} */
      const { result } = await this.link.request(kind, fields);
      return result;
    } catch (error) {
      this.status.say(`✗ ${inWords(error)}`);
      return undefined;
    }
  }

  // Each of several uploads that end together asks for this. The kernel reads the Store once for the first of them, and
  // once for all others.
  refresh() {
    this.status.say();
    this.readings.ask(true);
  }

  // Ask for the page even if no record is new, as a file may be missing now, or be back.
  refreshed() {
    this.status.sayNews("");
    this.ask();
  }

  /** @param {string} column */
  sortBy(column) {
    const { sort, descending } = this.state.now;
    this.ask({ descending: sort === column && !descending, sort: column, page: 0 });
  }

  /** @param {number} by */
  turn(by) {
    const page = this.state.now.page + by;
    if (page >= 0 && page < this.pager.pages) this.ask({ page });
  }

  // --- Painting

  /**
   * Paint the page that answers `view`. If a newer view has been asked for, the boxes keep showing that one.
   *
   * @param {Page} page
   * @param {ExplorerState} view
   * @param {boolean} newest
   */
  paint(page, view, newest) {
    this.page = { ...page, choices: null };
    this.painted = { ...view, page: page.page, total: page.total };
    this.status.sayOfPage("");
    if (newest) {
      if (this.state.now.page !== page.page) this.state.set({ page: page.page });
      if (page.choices !== null) this.filters.fill(page.choices, this.state.now);
      if (!page.waits) this.status.sayLooking(0, 0);
    }
    const shown = shownOf(page);
    this.records.paint(page, view, `Records ${shown}`);
    this.status.sum(`${shown}. ${counted(page.selected)} selected.`);
    this.pager.paint(page);
    this.selection.paint(page);
  }

  /** @param {KeyboardEvent} pressed */
  pressed(pressed) {
    const target = /** @type {Element} */ (pressed.target);
    const typing = target.matches("input:not([type=checkbox]), select, textarea");
    if (pressed.key !== "/" || typing || pressed.ctrlKey || pressed.metaKey || pressed.altKey) return;
    pressed.preventDefault();
    this.filters.search.focus();
  }
}

/**
 * Return whether a state has the value that the kernel has sent. Null and an empty value count as the same.
 *
 * @param {ExplorerState} state
 * @param {string} name
 * @param {unknown} value
 */
function isShown(state, name, value) {
  return (state[/** @type {keyof ExplorerState} */ (name)] || null) === (value || null);
}
