// The Uploader: event and production (place.js), notes (notes.js), the chosen files (chosen.js), the progress of each
// (rows.js), and the stored files (stored.js).

/**
 * The initial state of an UploaderPanel.
 *
 * @typedef {object} UploaderInitial
 * @property {string | null} refusal A message that says why nothing can be added.
 * @property {string} store
 * @property {string} event
 * @property {string} production
 * @property {string | null} server The folder on the server whose files can be stored too.
 */

/** @type {Mount} */
function mountUploader(link, root, model) {
  const panel = new UploaderPanel(link, root, model);
  return () => panel.close();
}

class UploaderPanel {
  /**
   * @param {Link} link
   * @param {HTMLElement} root
   * @param {Model} model
   */
  constructor(link, root, model) {
    this.link = link;
    /** @type {UploaderInitial} */
    const initial = model.get("_initial");
    this.place = new Place(link, initial);
    this.summarize = atMost(PROGRESS_EVERY, () => this.paintSummary());
    this.rows = this.fileRows();
    this.chosen = new ChosenFiles(link, {
      add: (files) => this.rows.add(files),
      names: () => this.rows.chosen.map(({ name }) => name),
    });
    const above = () => new Set(this.rows.rows.flatMap(({ added }) => added?.uuid ?? []));
    this.stored = new StoredList(model, above, () => this.summarize());
    this.submit = button("Upload", undefined, { type: "submit", class: "asimov-storage-main" });
    this.cancel = button("Cancel", () => this.rows.cancelAll(), { hidden: true });
    this.bar = progress("All files");
    this.bar.hidden = true;
    this.again = button("Try all again", () => this.rows.tryAllAgain(), { hidden: true });
    this.clear = button("Remove all", () => this.removeAll(), { hidden: true });
    this.summary = make("span", {});
    this.news = make("span", { class: "asimov-storage-unseen" });
    this.notice = make("p", { class: "asimov-storage-bad" });
    /** @type {Notes | undefined} */
    this.notes = model.get("_notes") === undefined ? undefined : new Notes(link, model);
    if (initial.server !== null) this.server = new ServerBox(link, initial.server, (chosen) => this.rows.add([chosen]));
    const form = this.form(initial.store);
    this.refusal = initial.refusal;
    if (this.refusal) this.refuse(this.refusal);
    root.append(form);
    this.chosen.acceptDrops(form);
    this.stored.paint();
    link.watch((silent) => this.repaint(silent));
    this.pings = whileBusy(link, () => this.rows.running.size > 0, this.notice);
  }

  fileRows() {
    return new FileRows(this.link, {
      changed: () => this.summarize(),
      settled: () => this.settled(),
      anew: (chosen) => this.anew(chosen),
      check: async (name) => (await this.place.problems([name])).names[0],
      leave: () => this.submit.focus(),
    });
  }

  close() {
    clearInterval(this.pings);
    this.stored.close();
    this.notes?.close();
    this.summarize.cancel();
    this.rows.leave();
    this.link.request("upload/leave").catch(() => {});
  }

  /**
   * Show before the user chooses any file that nothing can be added.
   *
   * @param {string} words
   */
  refuse(words) {
    this.chosen.say(`✗ ${words}`);
    setOff(this.submit, true);
  }

  /** @param {string} store */
  form(store) {
    const title = make("h2", {}, "Upload to ", make("bdi", {}, store));
    const status = statusRegion(this.summary, this.news);
    status.setAttribute("aria-atomic", "false");
    const { event, production } = this.place;
    return make(
      "form",
      {
        class: "asimov-storage-upload",
        novalidate: true,
        onsubmit: (/** @type {SubmitEvent} */ happened) => this.start(happened),
        onkeydown: submitOnEnter,
      },
      make("div", { class: "asimov-storage-top" }, title, status, this.again, this.clear, this.cancel, this.submit),
      this.bar,
      make("div", { class: "asimov-storage-place" }, event.box, production.box, this.chosen.element),
      this.server?.element,
      this.notes?.element,
      this.chosen.said,
      this.notice,
      make("div", { class: "asimov-storage-body" }, this.rows.list, this.stored.list, this.stored.before),
    );
  }

  /** @param {SubmitEvent} happened */
  async start(happened) {
    happened.preventDefault();
    if (this.refusal) return this.refuse(this.refusal);
    await this.server?.adding; // a file on the server that the kernel is still looking at
    await this.chosen.reading;
    const rows = this.rows.chosen;
    if (rows.length === 0) return this.chosen.askForFiles(this.rows.open > 0);
    this.chosen.say();
    try {
      if (!(await allWell(this.place, rows))) return;
      const meta = this.notes === undefined ? "" : await this.notes.settled();
      if (meta !== undefined) this.launch(rows, meta);
    } catch (error) {
      return this.chosen.say(inWords(error));
    }
  }

  /**
   * @param {FileRow[]} rows
   * @param {string} meta
   */
  launch(rows, meta) {
    for (const row of rows) {
      if (row.phase !== "chosen") continue;
      this.rows.launch(row, { ...this.place.value, name: row.name, expected: row.md5, meta });
    }
    this.rows.next();
  }

  removeAll() {
    this.rows.removeChosen();
    this.chosen.say();
    this.chosen.choose.focus();
  }

  /**
   * Return a file in its present state, on the user's or on the server's disk.
   *
   * @param {Chosen} chosen
   */
  async anew(chosen) {
    if (chosen.path === undefined) return takenAnew(chosen);
    /** @type {Reply<{ size: number }>} */
    const { result } = await this.link.request("server/size", { path: chosen.path });
    return { ...chosen, size: result.size };
  }

  /** @param {boolean} silent */
  repaint(silent) {
    this.bar.restart();
    this.rows.repaint(silent);
  }

  settled() {
    const [first, ...others] = this.rows.failed;
    const more = others.length > 0 ? `, and ${counted(others.length, "other")}` : "";
    setText(this.news, first === undefined ? "" : `${first.name}${more}: ${first.told}`);
    this.stored.paint();
  }

  paintSummary() {
    const { open, chosen, failed, round } = this.rows;
    const { count } = this.stored;
    const told = [];
    if (open > 0) told.push(`${counted(open)} on the way`);
    if (chosen.length > 0) told.push(`${counted(chosen.length)} to upload (${inUnits(totalSize(chosen))})`);
    if (count > 0) told.push(`${counted(count)} stored`);
    if (failed.length > 0) told.push(`${counted(failed.length)} not stored`);
    setText(this.summary, told.length > 0 ? `${told.join(", ")}.` : "Choose files, or drop them here.");
    this.bar.set(round.done, round.total);
    this.bar.hidden = open === 0;
    setShown(this.cancel, open > 0, this.submit);
    setShown(this.again, open === 0 && failed.length > 1, this.submit);
    setShown(this.clear, open === 0 && chosen.length > 1, this.submit);
  }
}

/** @param {FileRow[]} rows */
function totalSize(rows) {
  return rows.reduce((sum, { chosen }) => sum + chosen.size, 0);
}

/**
 * Return whether all files can be uploaded. Show the problems at their boxes, and move the focus to the first.
 *
 * @param {Place} place
 * @param {FileRow[]} rows
 */
async function allWell(place, rows) {
  const found = await place.problems(rows.map(({ name }) => name));
  /** @type {(() => HTMLElement | undefined)[]} */
  const wrong = [];
  place.event.box.problem(found.event);
  place.production.box.problem(found.production);
  if (found.event) wrong.push(() => place.event.input);
  if (found.production) wrong.push(() => place.production.input);
  const names = new Set();
  rows.forEach((row, position) => {
    const problem =
      found.names[position] ?? (names.has(row.name) ? "Another file of this list has that name." : undefined);
    names.add(row.name);
    row.problem(problem);
    if (problem) wrong.push(() => row.input);
    const isMd5 = /^([0-9a-f]{32})?$/i.test(row.md5);
    if (!isMd5) row.fill();
    row.expectedProblem(isMd5 ? undefined : "An MD5 is 32 of the digits 0-9 and a-f.");
    if (!isMd5) wrong.push(() => row.expected);
  });
  const first = rows.find((row) => row.wrong);
  first?.fill();
  wrong[0]?.()?.focus();
  return wrong.length === 0;
}
