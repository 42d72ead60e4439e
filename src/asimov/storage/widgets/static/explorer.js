// The Explorer: a paged table over the Store (records.js), and what one does with its rows. The kernel's half is Browsing
// (_browsing.py).

const NEWS_EVERY = 5000; // ms

function mountExplorer(link, root, model) {
  const panel = new ExplorerPanel(link, root, model);
  return () => panel.close();
}

class ExplorerPanel {
  constructor(link, root, model) {
    Object.assign(this, { link, root, model, parts: [], openers: new Map() });
    const { store, root: folder, read_only: readOnly, page } = model.get("_initial");
    this.view = { search: "", event: "", production: "", sort: "event", descending: false, page: 0 }; // what is asked for
    this.pages = new NewestOnly(
      (view) => link.request("explore/page", { ...view, known: this.filters.known }),
      (reply, view, newest) => this.paint(reply.result, view, newest),
      (error) => setText(this.pageProblem, `✗ ${inWords(error)}`),
    );
    this.readings = new NewestOnly(
      () => link.request("explore/refresh"),
      () => this.refreshed(),
      (error) => this.say(`✗ ${inWords(error)}`),
    );
    this.filters = new Filters((changes) => this.ask({ ...changes, page: 0 }));
    this.records = new RecordsTable({
      sort: (column) => this.sortBy(column),
      mark: async (keys, on) => (await this.do("explore/select", { keys, on })) !== undefined,
      open: (key) => this.open(key),
      turn: (by) => this.turn(by),
    });
    root.append(
      make("h2", {}, `Explore ${store}`),
      make("p", { class: "asimov-storage-about" }, make("code", {}, folder)),
      this.filters.element,
      make("div", { class: "asimov-storage-row" }, button("Refresh", () => this.refresh())),
      this.status(),
      this.records.element,
      this.pager(),
      this.selectionBar(readOnly),
    );
    this.openedPart();
    this.verifiedPart();
    this.hashesPart();
    if (!readOnly) {
      this.gatheredPart();
      this.addPart();
    }
    root.addEventListener("keydown", (pressed) => this.pressed(pressed));
    link.on("explore/selected", () => this.ask());
    link.on("explore/read", () => this.ask());
    link.watch((silent) => setText(this.silence, silent ? GONE : ""));
    this.paint(page, this.view, true);
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

  async do(kind, fields = {}) {
    this.say();
    try {
      return (await this.link.request(kind, fields)).result;
    } catch (error) {
      this.say(`✗ ${inWords(error)}`);
      return undefined;
    }
  }

  // --- What is said

  status() {
    this.summary = make("span", {});
    this.done = make("span", {});
    this.news = make("span", {});
    const [silence, pageProblem, problem] = Array.from({ length: 3 }, () => make("p", { class: "asimov-storage-bad" }));
    Object.assign(this, { silence, pageProblem, problem });
    const status = make("div", { class: "asimov-storage-status", role: "status" });
    status.append(make("p", {}, this.summary, " ", this.done, " ", this.news), silence, pageProblem, problem);
    return status;
  }

  // What went wrong with the last thing that was asked, or what came of it.
  say(problem = "", done = "") {
    setText(this.problem, problem);
    setText(this.done, done);
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
    const more = records - shown;
    const words = more > 0 ? `${more.toLocaleString("en")} new ${more === 1 ? "record" : "records"}.` : "The Store has changed.";
    setText(this.news, changed ? `${words} Refresh shows ${more === 1 ? "it" : "them"}.` : "");
  }

  // Of uploads that end together each asks for this; the kernel reads the Store once for the first, and once for the others.
  refresh() {
    this.say();
    this.readings.ask(true);
  }

  // The page is asked for anew also where no record is new: a file may have gone, or come back.
  refreshed() {
    setText(this.news, "");
    this.ask();
  }

  // --- The table

  sortBy(column) {
    this.ask({ descending: this.view.sort === column && !this.view.descending, sort: column, page: 0 });
  }

  // Paints what answers `view`; while a newer one is asked for, the boxes go on showing what that looks for.
  paint(page, view, newest) {
    this.painted = { ...view, page: page.page };
    setText(this.pageProblem, "");
    if (newest) {
      this.view.page = page.page;
      if (page.choices !== null) this.filters.fill(page.choices, page.records, this.view);
    }
    const shown = shownOf(page);
    this.records.paint(page, view, `Records ${shown}`);
    setText(this.summary, `${shown}. ${page.selected.toLocaleString("en")} selected.`);
    this.paintButtons(page);
  }

  paintButtons({ page, pages, total, selected }) {
    Object.assign(this, { pageCount: pages, total, selected });
    setText(this.pageOf, `Page ${(page + 1).toLocaleString("en")} of ${pages.toLocaleString("en")}`);
    setOff(this.previous, page === 0);
    setOff(this.next, page + 1 >= pages);
    setText(this.selectAll, total === 1 ? "Select the one that matches" : `Select all ${total.toLocaleString("en")} that match`);
    setOff(this.selectAll, total === 0);
    for (const one of this.needSelection) setOff(one, selected === 0);
  }

  pressed(pressed) {
    const typing = pressed.target.matches("input:not([type=checkbox]), select, textarea");
    if (pressed.key !== "/" || typing || pressed.ctrlKey || pressed.metaKey || pressed.altKey) return;
    pressed.preventDefault();
    this.filters.search.focus();
  }

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
    this.selectAll = button("", () => this.do("explore/select-all", { ...this.painted, total: this.total, on: true }));
    const clear = button("Clear selection", () => this.do("explore/select-none"));
    const verify = button("Verify selected", () => this.verifySelected());
    const copy = button("Copy hashes", () => this.copyHashes());
    const parts = [this.selectAll, clear, verify, copy];
    this.needSelection = [clear, verify, copy];
    if (!readOnly) {
      const gather = button("Fetch selected …", () => this.unfold(this.gatherPart, this.gathering.dest));
      parts.push(gather, button("Add …", () => this.openAdd()));
      this.needSelection.push(gather);
    }
    return make("div", { class: "asimov-storage-row", role: "group", "aria-label": "Selection" }, ...parts);
  }

  async copyHashes() {
    if (this.selected === 0) return;
    const found = await this.do("explore/hashes");
    if (found === undefined) return;
    try {
      await navigator.clipboard.writeText(found.text);
      this.say("", `${found.count.toLocaleString("en")} ${found.count === 1 ? "hash" : "hashes"} copied.`);
    } catch {
      this.showHashes(found.text); // plain http has no clipboard
    }
  }

  hashesPart() {
    this.hashes = make("textarea", { rows: 6, readonly: true });
    this.hashPart = this.part("Copy hashes", field("Hashes", this.hashes, "They are selected: press Ctrl+C (⌘C on a Mac)."));
  }

  showHashes(text) {
    this.hashes.value = text;
    this.unfold(this.hashPart, this.hashes);
    this.hashes.select();
  }

  // --- What opens below the table

  part(name, ...content) {
    const close = button("Close", () => this.fold(element), { "aria-label": `Close ${name}` });
    const head = make("div", { class: "asimov-storage-row asimov-storage-spread" }, make("h3", {}, name), close);
    const element = make("section", { class: "asimov-storage-part", "aria-label": name, hidden: true }, head, ...content);
    this.root.append(element);
    return element;
  }

  unfold(part, focused) {
    const active = this.root.getRootNode().activeElement;
    if (!part.contains(active)) this.openers.set(part, active);
    part.hidden = false;
    part.scrollIntoView({ block: "nearest" });
    focused.focus();
  }

  // Gives the focus back to where it was; the row that had it may have been painted anew.
  fold(part) {
    const opener = this.openers.get(part);
    part.hidden = true;
    if (opener?.isConnected && this.root.contains(opener)) opener.focus();
    else this.records.focusRow();
  }

  // The last file that was opened in any view is in the widget's state, but this one shows what was opened here.
  openedPart() {
    const panel = new FetchedPanel(this.link);
    const part = this.part("File", make("div", { class: "asimov-storage-row" }, panel.cancel), panel.element);
    this.parts.push(panel);
    this.opened = { panel, part, asked: false };
    this.follow("_shown", () => {
      const state = this.model.get("_shown") ?? {};
      if (this.opened.key !== undefined && idOf([state.event, state.production, state.file]) === idOf(this.opened.key)) panel.show(state);
    });
  }

  async open(key) {
    const { panel, part, asked } = this.opened;
    if (asked || panel.busy) {
      part.hidden = false;
      return this.say(`✗ ${this.opened.key[2]} is being fetched or downloaded, below. Wait for it, or cancel it.`);
    }
    const before = panel.state.number;
    Object.assign(this.opened, { key, asked: true });
    this.say();
    this.unfold(part, part.querySelector("button"));
    const [event, production, file] = key;
    try {
      await this.link.request("fetch/start", { event, production, file });
    } catch (error) {
      panel.refuse(before, error);
    }
    this.opened.asked = false;
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
    this.gathering = new GatheringPanel(this.link);
    this.gatherPart = this.part("Fetch to a folder", this.gathering.element);
    this.follow("_gathered", () => this.gathering.show(this.model.get("_gathered") ?? {}));
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

// shownOf(page) is "51–100 of 120 records", or "1–5 of 5 that match, of 120 records".
function shownOf({ rows, page, total, records }) {
  const first = total === 0 ? 0 : page * 50 + 1;
  const range = `${first.toLocaleString("en")}–${(first === 0 ? 0 : first + rows.length - 1).toLocaleString("en")}`;
  const all = `${records.toLocaleString("en")} ${records === 1 ? "record" : "records"}`;
  return total === records ? `${range} of ${all}` : `${range} of ${total.toLocaleString("en")} that match, of ${all}`;
}

// One request under way; of what is asked meanwhile only the newest is sent, as soon as there is an answer. Every answer is
// taken, with what it answers and whether nothing newer waits: else who types faster than the kernel answers sees nothing.
class NewestOnly {
  constructor(send, take, fail) {
    Object.assign(this, { send, take, fail, busy: false, waiting: undefined });
  }

  async ask(what) {
    this.waiting = what;
    if (this.busy) return;
    this.busy = true;
    while (this.waiting !== undefined) {
      const asked = this.waiting;
      this.waiting = undefined;
      await this.send(asked).then((reply) => this.take(reply, asked, this.waiting === undefined)).catch(this.fail);
    }
    this.busy = false;
  }
}
