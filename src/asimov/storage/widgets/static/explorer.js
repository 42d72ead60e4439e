// The Explorer: a paged table over the Store, and what one does with its rows. The kernel's half is Browsing (_browsing.py).

const NEWS_EVERY = 5000; // ms
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

function mountExplorer(link, root, model) {
  const panel = new ExplorerPanel(link, root, model);
  return () => panel.close();
}

class ExplorerPanel {
  constructor(link, root, model) {
    Object.assign(this, { link, root, model, parts: [], shownRow: 0 });
    const { store, root: folder, read_only: readOnly, page } = model.get("_initial");
    this.view = { search: "", event: "", production: "", sort: "event", descending: false, page: 0 };
    this.pages = new NewestOnly((view) => link.request("explore/page", view), (reply) => this.paint(reply.result), (error) => this.say(error));
    this.summary = make("p", {});
    this.problem = make("p", { class: "asimov-storage-bad" });
    this.news = make("div", { class: "asimov-storage-row" });
    root.append(
      make("h2", {}, `Explore ${store}`),
      make("p", { class: "asimov-storage-about" }, make("code", {}, folder)),
      this.filters(),
      this.news,
      make("div", { class: "asimov-storage-status", role: "status" }, this.summary, this.problem),
      this.table(),
      this.pager(),
      this.selectionBar(readOnly),
    );
    this.openedPart();
    this.verifiedPart();
    if (!readOnly) {
      this.gatheredPart();
      this.addPart();
    }
    root.addEventListener("keydown", (pressed) => this.pressedAnywhere(pressed));
    link.on("explore/selected", () => this.ask());
    link.on("explore/read", () => this.ask());
    link.watch((silent) => setText(this.problem, silent ? GONE : ""));
    this.paint(page);
    this.ask(); // the first page came with the widget and may be old by now
    this.timer = setInterval(() => this.look(), NEWS_EVERY);
  }

  close() {
    clearInterval(this.timer);
    for (const part of this.parts) part.close();
  }

  // Shows a trait as it changes, and now.
  follow(trait, show) {
    this.model.on(`change:${trait}`, show);
    this.parts.push({ close: () => this.model.off(`change:${trait}`, show) });
    show();
  }

  // --- Asking

  ask(changes = {}) {
    Object.assign(this.view, changes);
    this.pages.ask({ ...this.view });
  }

  say(error) {
    setText(this.problem, error === undefined ? "" : `✗ ${inWords(error)}`);
  }

  async do(kind, fields = {}) {
    this.say();
    try {
      return (await this.link.request(kind, fields)).result;
    } catch (error) {
      this.say(error);
      return undefined;
    }
  }

  // Whether another process has added something; nobody looks while the page is hidden.
  async look() {
    if (document.hidden || this.looking || this.link.silent) return;
    this.looking = true;
    const answer = await this.link.request("explore/news").catch(() => undefined);
    this.looking = false;
    if (answer !== undefined) this.showNews(answer.result);
  }

  showNews({ changed, records, shown }) {
    if (!changed) return this.news.replaceChildren();
    if (this.news.childElementCount > 0) return;
    const more = records - shown;
    const words = more > 0 ? `${more.toLocaleString("en")} new ${more === 1 ? "record" : "records"}.` : "The Store has changed.";
    this.news.replaceChildren(make("span", {}, words));
    this.summary.textContent += ` ${words} Refresh shows them.`;
  }

  async refresh() {
    if ((await this.do("explore/refresh")) !== undefined) this.news.replaceChildren();
  }

  // --- What is looked for

  filters() {
    this.search = make("input", { type: "search", name: "search", spellcheck: "false", autocomplete: "off" });
    this.search.addEventListener("input", () => this.ask({ search: this.search.value, page: 0 }));
    this.event = make("select", { name: "event" });
    this.event.addEventListener("change", () => this.ask({ event: this.event.value, production: "", page: 0 }));
    this.production = make("select", { name: "production" });
    this.production.addEventListener("change", () => this.ask({ production: this.production.value, page: 0 }));
    const fields = [field("Search", this.search), field("Event", this.event), field("Production", this.production)];
    const refresh = button("Refresh", () => this.refresh());
    return make("div", {}, make("div", { class: "asimov-storage-fields" }, ...fields), make("div", { class: "asimov-storage-row" }, refresh));
  }

  fillChoices(select, all, choices, chosen) {
    const wanted = JSON.stringify([choices, chosen]);
    if (select.dataset.choices === wanted) return;
    select.dataset.choices = wanted;
    const options = choices.map(([name, count]) => make("option", { value: name }, `${name} (${count.toLocaleString("en")})`));
    if (chosen !== "" && !choices.some(([name]) => name === chosen)) options.push(make("option", { value: chosen }, chosen));
    select.replaceChildren(make("option", { value: "" }, all), ...options);
    select.value = chosen;
  }

  // --- The table

  table() {
    this.caption = make("caption", { class: "asimov-storage-unseen" }); // the summary above shows the same
    this.pageBox = make("input", { type: "checkbox", "aria-label": "Select this page", onchange: () => this.mark([...this.rows.keys()], this.pageBox.checked) });
    this.heads = new Map();
    const heads = COLUMNS.map(([column, label]) => this.head(column, label));
    this.body = make("tbody", { onkeydown: (pressed) => this.pressedInRows(pressed) });
    const head = make("thead", {}, make("tr", {}, make("th", { scope: "col" }, this.pageBox), ...heads));
    const element = make("table", { class: "asimov-storage-records" }, this.caption, head, this.body);
    // JupyterLab's shortcuts would take the arrows and Enter from the rows.
    return make("div", { class: "asimov-storage-wide", role: "region", "aria-label": "Records", tabindex: 0, "data-lm-suppress-shortcuts": "true" }, element);
  }

  head(column, label) {
    if (!SORTED_BY.has(column)) return make("th", { scope: "col" }, label);
    const sort = button(label, () => this.sortBy(column), { class: "asimov-storage-sort" });
    const cell = make("th", { scope: "col" }, sort);
    this.heads.set(column, { cell, sort, label });
    return cell;
  }

  sortBy(column) {
    this.ask({ descending: this.view.sort === column && !this.view.descending, sort: column, page: 0 });
  }

  paint(page) {
    const hadFocus = this.body.contains(this.body.getRootNode().activeElement);
    this.view.page = page.page;
    this.rows = page.rows;
    this.shownRow = Math.min(this.shownRow, Math.max(0, page.rows.length - 1));
    this.body.replaceChildren(...page.rows.map((row, position) => this.row(row, position, page.marked[position])));
    if (page.rows.length === 0) this.body.append(this.nothing(page));
    if (hadFocus) this.focusRow(this.shownRow);
    this.pageBox.checked = page.marked.length > 0 && page.marked.every(Boolean);
    this.pageBox.indeterminate = !this.pageBox.checked && page.marked.some(Boolean);
    for (const [column, { cell, sort, label }] of this.heads) {
      const sorted = this.view.sort === column;
      if (sorted) cell.setAttribute("aria-sort", this.view.descending ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
      setText(sort, sorted ? `${label} ${this.view.descending ? "▼" : "▲"}` : label);
    }
    this.fillChoices(this.event, `All events (${page.records.toLocaleString("en")})`, page.events, this.view.event);
    this.fillChoices(this.production, "All productions", page.productions, this.view.production);
    this.paintCounts(page);
  }

  paintCounts({ page, pages, total, records, selected }) {
    const first = total === 0 ? 0 : page * 50 + 1;
    const range = `${first.toLocaleString("en")}–${(first === 0 ? 0 : first + this.rows.length - 1).toLocaleString("en")}`;
    const all = `${records.toLocaleString("en")} ${records === 1 ? "record" : "records"}`;
    const shown = total === records ? `${range} of ${all}` : `${range} of ${total.toLocaleString("en")} that match, of ${all}`;
    setText(this.caption, `Records ${shown}`);
    setText(this.summary, `${shown}. ${selected.toLocaleString("en")} selected.`);
    setText(this.pageOf, `Page ${(page + 1).toLocaleString("en")} of ${pages.toLocaleString("en")}`);
    setOff(this.previous, page === 0);
    setOff(this.next, page + 1 >= pages);
    setText(this.selectAll, total === 1 ? "Select the one that matches" : `Select all ${total.toLocaleString("en")} that match`);
    setOff(this.selectAll, total === 0);
    for (const one of this.needSelection) setOff(one, selected === 0);
    Object.assign(this, { pageCount: pages, selected });
  }

  row(row, position, marked) {
    const [event, production, file, hash, uuid, size, added] = row;
    const box = make("input", { type: "checkbox", tabindex: -1, "aria-label": `Select ${event} / ${production} / ${file}`, onchange: () => this.mark([position], box.checked) });
    box.checked = marked;
    const open = button("", () => this.open(position), { class: "asimov-storage-name", tabindex: -1 });
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
    const attributes = { tabindex: position === this.shownRow ? 0 : -1, onfocusin: () => this.reach(position) };
    return make("tr", { ...attributes, class: marked ? "asimov-storage-marked" : "" }, ...cells);
  }

  nothing(page) {
    const words = page.records === 0 ? "The Store is empty." : "No record matches. Use fewer words, or another event or production.";
    return make("tr", {}, make("td", { colspan: COLUMNS.length + 1 }, words));
  }

  // --- The keyboard

  pressedAnywhere(pressed) {
    const typing = pressed.target.matches("input:not([type=checkbox]), select, textarea");
    if (pressed.key !== "/" || typing || pressed.ctrlKey || pressed.metaKey || pressed.altKey) return;
    pressed.preventDefault();
    pressed.stopPropagation();
    this.search.focus();
  }

  pressedInRows(pressed) {
    if (pressed.ctrlKey || pressed.metaKey || pressed.altKey || this.rows.length === 0) return;
    const last = this.rows.length - 1;
    const moves = { ArrowDown: this.shownRow + 1, ArrowUp: this.shownRow - 1, Home: 0, End: last };
    const onRow = pressed.target.tagName === "TR";
    if (pressed.key in moves) this.focusRow(Math.max(0, Math.min(last, moves[pressed.key])));
    else if (pressed.key === "PageDown") this.turn(1);
    else if (pressed.key === "PageUp") this.turn(-1);
    else if (pressed.key === " " && onRow) this.mark([this.shownRow], !this.boxOf(this.shownRow).checked);
    else if (pressed.key === "Enter" && onRow) this.open(this.shownRow);
    else return;
    pressed.preventDefault();
    pressed.stopPropagation();
  }

  boxOf(position) {
    return this.body.children[position].querySelector("input");
  }

  reach(position) {
    if (this.body.children[this.shownRow] !== undefined) this.body.children[this.shownRow].tabIndex = -1;
    this.shownRow = position;
    this.body.children[position].tabIndex = 0;
  }

  focusRow(position) {
    this.body.children[position]?.focus();
  }

  // --- Pages

  pager() {
    this.previous = button("Previous", () => this.turn(-1));
    this.next = button("Next", () => this.turn(1));
    this.pageOf = make("span", {});
    return make("div", { class: "asimov-storage-row" }, this.previous, this.pageOf, this.next);
  }

  turn(by) {
    const page = this.view.page + by;
    if (page >= 0 && page < this.pageCount) this.ask({ page });
  }

  // --- The selection

  selectionBar(readOnly) {
    this.selectAll = button("", () => this.do("explore/select-all", { ...this.view, on: true }));
    const clear = button("Clear selection", () => this.do("explore/select-none"));
    const verify = button("Verify selected", () => this.verifySelected());
    this.copyHashes = button("Copy hashes", () => this.hashes());
    const parts = [this.selectAll, clear, verify, this.copyHashes];
    this.needSelection = [clear, verify, this.copyHashes];
    if (!readOnly) {
      const gather = button("Fetch selected …", () => this.unfold(this.gatherPart, this.dest));
      parts.push(gather, button("Add …", () => this.openAdd()));
      this.needSelection.push(gather);
    }
    return make("div", { class: "asimov-storage-row", role: "group", "aria-label": "Selection" }, ...parts);
  }

  mark(positions, on) {
    return this.do("explore/select", { ...this.view, positions, on });
  }

  async hashes() {
    if (this.selected === 0) return;
    const found = await this.do("explore/hashes");
    if (found === undefined) return;
    try {
      await navigator.clipboard.writeText(found.text);
      setText(this.summary, `${found.count.toLocaleString("en")} ${found.count === 1 ? "hash" : "hashes"} copied.`);
    } catch {
      this.showText(found.text); // plain http has no clipboard
    }
  }

  showText(text) {
    const area = make("textarea", { rows: 6, readonly: true, "aria-label": "Hashes" });
    area.value = text;
    this.news.replaceChildren(area);
    area.select();
    setText(this.summary, "Selected: press Ctrl+C.");
  }

  // --- What opens below the table

  part(name, ...content) {
    const close = button("Close", () => {
      element.hidden = true;
      this.focusRow(this.shownRow);
    }, { "aria-label": `Close ${name}` });
    const head = make("div", { class: "asimov-storage-row asimov-storage-spread" }, make("h3", {}, name), close);
    const element = make("section", { class: "asimov-storage-part", "aria-label": name, hidden: true }, head, ...content);
    this.root.append(element);
    return element;
  }

  unfold(part, focused) {
    part.hidden = false;
    part.scrollIntoView({ block: "nearest" });
    focused?.focus();
  }

  openedPart() {
    const panel = new FetchedPanel(this.link);
    const part = this.part("File", panel.element, make("div", { class: "asimov-storage-row" }, panel.cancel));
    this.parts.push(panel);
    this.opened = { panel, part };
    this.follow("_shown", () => {
      const state = this.model.get("_shown") ?? {};
      if (state.phase !== undefined && this.openedHere) this.unfold(part);
      panel.show(state);
    });
  }

  open(position) {
    const [event, production, file] = this.rows[position];
    const { panel, part } = this.opened;
    this.openedHere = true;
    this.unfold(part, part.querySelector("button"));
    this.link.request("fetch/start", { event, production, file }).catch((error) => {
      if (!panel.busy && panel.state.phase !== "failed") panel.fail(error.details ?? { type: error.name, message: inWords(error) });
    });
  }

  verifiedPart() {
    this.verifying = new VerifyingPanel(this.link);
    this.verifyPart = this.part("Verification", this.verifying.element);
    this.parts.push(this.verifying);
    this.follow("_verified", () => this.verifying.show(this.model.get("_verified") ?? {}, this.model.get("_rows") ?? []));
  }

  verifySelected() {
    if (this.selected === 0) return;
    this.unfold(this.verifyPart, this.verifying.cancel);
    this.verifying.ask("verify/start", !this.verifying.busy);
  }

  gatheredPart() {
    this.dest = make("input", { type: "text", name: "dest", spellcheck: "false", autocomplete: "off" });
    const start = button("Fetch", () => this.gather(), { class: "asimov-storage-main" });
    const cancel = button("Cancel", () => this.do("gather/cancel"));
    this.gathering = { bar: progress("Progress"), verdict: make("p", { class: "asimov-storage-verdict" }), cancel };
    this.dest.addEventListener("keydown", (pressed) => {
      if (pressed.key !== "Enter") return;
      pressed.preventDefault();
      this.gather();
    });
    this.gatherPart = this.part(
      "Fetch to a folder",
      make("div", { class: "asimov-storage-fields" }, field("Folder on the server", this.dest, "It is made if need be. Nothing in it is written over.")),
      make("div", { class: "asimov-storage-row" }, start, cancel),
      make("div", { class: "asimov-storage-status", role: "status" }, this.gathering.verdict, this.gathering.bar),
    );
    this.follow("_gathered", () => this.showGathered(this.model.get("_gathered") ?? {}));
  }

  gather() {
    const verdict = this.gathering.verdict;
    this.link.request("gather/start", { dest: this.dest.value }).catch((error) => setVerdict(verdict, `✗ ${inWords(error)}`, "bad"));
  }

  showGathered({ phase, count = 0, dest, done, total, error }) {
    const { bar, verdict, cancel } = this.gathering;
    const busy = phase === "fetching";
    bar.classList.toggle("asimov-storage-away", !busy);
    setOff(cancel, !busy);
    const files = `${count.toLocaleString("en")} ${count === 1 ? "file" : "files"}`;
    if (busy) {
      setVerdict(verdict, `Fetching ${files}`);
      bar.set(done, total);
    } else if (phase === "fetched") setVerdict(verdict, `✓ Verified and copied ${files} to ${dest}`, "good");
    else if (phase === "cancelled") setVerdict(verdict, "○ Cancelled. Nothing was copied.");
    else if (phase === "failed") setVerdict(verdict, `✗ Nothing was copied: ${error.message}`, "bad");
  }

  addPart() {
    this.uploadBox = make("div", {});
    this.addingPart = this.part("Add files", this.uploadBox);
  }

  openAdd() {
    if (this.uploader === undefined) {
      this.uploader = new UploaderPanel(this.link, this.uploadBox, this.model);
      this.parts.push(this.uploader);
      let stored = this.model.get("_stored").count;
      this.follow("_stored", () => {
        const { count } = this.model.get("_stored");
        if (count !== stored) this.refresh();
        stored = count;
      });
    }
    this.unfold(this.addingPart, this.uploadBox.querySelector("input"));
  }
}

// One request under way; of what is asked meanwhile only the newest is sent, as soon as there is an answer.
class NewestOnly {
  constructor(send, take, fail) {
    Object.assign(this, { send, take, fail, busy: false, waiting: undefined });
  }

  async ask(what) {
    if (this.busy) {
      this.waiting = what;
      return;
    }
    this.busy = true;
    try {
      const reply = await this.send(what);
      if (this.waiting === undefined) this.take(reply);
    } catch (error) {
      this.fail(error);
    }
    this.busy = false;
    const next = this.waiting;
    this.waiting = undefined;
    if (next !== undefined) this.ask(next);
  }
}

// inDate(ms since 1970) is "2026-11-22 10:09", in the user's own time.
function inDate(ms) {
  const date = new Date(ms);
  const two = (number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
}
