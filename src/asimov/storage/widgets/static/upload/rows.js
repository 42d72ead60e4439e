// The list of files: those that are chosen, those being uploaded (some at once), and those that are done.

const AT_ONCE = 3; // large files, or batches of small ones
const FILLED_AT_ONCE = 200; // rows; in a longer list, only rows near the view are filled
const NOTHING_STORED = "Cancelled. Nothing was stored.";

/**
 * @typedef {object} RowsDo
 * @property {() => void} changed
 * @property {() => void} settled Called when no upload is under way any more.
 * @property {(chosen: Chosen) => Promise<Chosen>} anew Returns a file in its present state.
 * @property {(name: string) => Promise<string | null>} check
 * @property {() => void} leave Moves the focus elsewhere when no row is left.
 */
/** @typedef {{ run: () => Promise<unknown>, cancel: () => void, leave: () => void }} Runner */

class FileRows {
  /**
   * @param {Link} link
   * @param {RowsDo} does
   */
  constructor(link, does) {
    this.link = link;
    this.does = does;
    this.line = new Line();
    /** @type {FileRow[]} */
    this.rows = [];
    /** @type {FileRow[]} The files that wait to be sent. */
    this.queue = [];
    /** @type {Map<Runner, FileRow[]>} */
    this.running = new Map();
    /** Files and bytes since the last time that nothing was under way. */
    this.round = { files: 0, total: 0, done: 0 };
    this.list = make("ul", { class: "asimov-storage-files", "aria-label": "Files" });
    /** @type {WeakMap<Element, FileRow>} */
    this.rowOf = new WeakMap();
    /** @type {IntersectionObserver | undefined} */
    this.nearView = undefined;
    /** @type {RowDoes} */
    this.rowDoes = {
      stop: (row) => this.stop(row),
      again: (row) => this.tryAgain(row),
      remove: (row) => this.remove(row),
      check: (name) => this.does.check(name),
      moved: (bytes) => {
        this.round.done += bytes;
        this.does.changed();
      },
    };
  }

  get open() {
    return this.queue.length + [...this.running.values()].reduce((sum, rows) => sum + rows.length, 0);
  }

  get chosen() {
    return this.rows.filter((row) => row.phase === "chosen");
  }

  get failed() {
    return this.rows.filter((row) => row.phase === "failed");
  }

  /** @param {Chosen[]} files */
  add(files) {
    this.removeFailed(new Set(files.map(({ from }) => from)));
    const rows = files.map((chosen) => new FileRow(chosen, this.rowDoes));
    this.rows = [...this.rows, ...rows];
    for (const row of rows) this.rowOf.set(row.element, row);
    this.list.append(...rows.map(({ element }) => element));
    if (this.rows.length <= FILLED_AT_ONCE) for (const row of rows) row.fill();
    else this.fillNearView(rows);
    this.does.changed();
  }

  /** @param {FileRow[]} rows */
  fillNearView(rows) {
    const look = (/** @type {IntersectionObserverEntry[]} */ seen) => {
      for (const { isIntersecting, target } of seen) {
        if (!isIntersecting) continue;
        this.nearView?.unobserve(target);
        this.rowOf.get(target)?.fill();
      }
    };
    this.nearView ??= new IntersectionObserver(look, { root: this.list.parentElement, rootMargin: "400px 0px" });
    for (const { element } of rows) this.nearView.observe(element);
  }

  /**
   * Remove the rows of files that failed and are chosen again.
   *
   * @param {Set<string>} from
   */
  removeFailed(from) {
    const isReplaced = (/** @type {FileRow} */ row) =>
      row.isDone && row.phase !== "stored" && from.has(row.chosen.from);
    for (const row of this.rows) if (isReplaced(row)) row.element.remove();
    this.rows = this.rows.filter((row) => !isReplaced(row));
  }

  /**
   * Remove a row, and move the focus to the next.
   *
   * @param {FileRow} row
   */
  remove(row) {
    const place = this.rows.indexOf(row);
    this.rows.splice(place, 1);
    row.element.remove();
    const next = this.rows[place] ?? this.rows[place - 1];
    if (next === undefined) this.does.leave();
    else this.focus(next);
    this.does.changed();
  }

  removeChosen() {
    this.keep((row) => row.phase !== "chosen");
    this.does.changed();
  }

  /** @param {(row: FileRow) => boolean} which */
  keep(which) {
    if (this.rows.every(which)) return;
    this.rows = this.rows.filter(which);
    this.list.replaceChildren(...this.rows.map(({ element }) => element));
  }

  /** @param {FileRow} row */
  focus(row) {
    row.fill();
    row.action?.focus();
  }

  /**
   * @param {FileRow} row
   * @param {Order} order
   */
  launch(row, order) {
    if (this.open === 0) {
      this.round = { files: 0, total: 0, done: 0 };
      this.list.classList.remove("asimov-storage-settled");
    }
    this.round.files += 1;
    this.round.total += row.chosen.size;
    row.launch(order);
    this.queue.push(row);
  }

  // Start as many uploads as may run at once.
  next() {
    while (this.running.size < AT_ONCE && this.queue.length > 0) {
      const rows = this.isSmall(this.queue[0]) ? this.small() : this.queue.slice(0, 1);
      const taken = new Set(rows);
      this.queue = this.queue.filter((row) => !taken.has(row));
      if (this.isSmall(rows[0])) this.runBatch(rows);
      else this.run(rows[0]);
    }
    this.does.changed();
  }

  /**
   * Return whether a file is sent in one message with others. On a slow connection, only smaller files are.
   *
   * @param {FileRow} row
   */
  isSmall({ chosen: { file, size } }) {
    return file !== undefined && size <= Math.min(SMALL, this.line.limit);
  }

  // Return the small files to send next, as many as fit in a message. All have the first one's event, production and notes.
  small() {
    const most = Math.min(SLICE, this.line.limit);
    const first = /** @type {Order} */ (this.queue[0].order);
    let bytes = 0;
    return this.queue
      .filter((row) => this.isSmall(row) && row.order !== undefined && goTogether(row.order, first))
      .slice(0, BATCH_FILES)
      .filter(({ chosen: { size } }) => {
        bytes += size;
        return bytes <= most;
      });
  }

  /** @param {FileRow} row */
  async run(row) {
    const order = /** @type {Order} */ (row.order);
    /** @type {UploadTold} */
    const tell = (phase, done) => row.tell(phase, done);
    const { path } = row.chosen;
    const upload =
      path === undefined
        ? new Upload(this.link, this.line, row.chosen, order, tell)
        : new ServerUpload(this.link, path, order, tell);
    this.running.set(upload, [row]);
    try {
      this.finish(row, { added: await upload.run() });
    } catch (error) {
      this.finish(row, { error });
    }
    this.ended(upload);
  }

  /** @param {FileRow[]} rows */
  async runBatch(rows) {
    const parts = rows.map((row) => {
      const order = /** @type {Order} */ (row.order);
      row.join();
      return { chosen: row.chosen, order, tell: (/** @type {UploadPhase} */ phase) => row.tell(phase, 0) };
    });
    const batch = new Batch(this.link, this.line, parts);
    this.running.set(batch, rows);
    try {
      const verdicts = await batch.run();
      for (const [number, row] of rows.entries()) this.finish(row, verdicts[number]);
    } catch (error) {
      for (const row of rows) this.finish(row, { error });
    }
    this.ended(batch);
  }

  /**
   * @param {FileRow} row
   * @param {Verdict} verdict
   */
  finish(row, { added, error }) {
    if (error !== undefined) this.round.total -= row.chosen.size - row.done; // it won't be sent
    if (added !== undefined) {
      if (row.finish("stored", { added })) this.focusAfter(row);
    } else if (error instanceof Cancelled) row.finish("cancelled", { words: NOTHING_STORED });
    else row.finish("failed", { words: failure(error) });
  }

  /** @param {Runner} runner */
  ended(runner) {
    this.running.delete(runner);
    this.next();
    this.settle();
  }

  /** @param {FileRow} row */
  focusAfter(row) {
    const after = this.rows.slice(this.rows.indexOf(row)).find((one) => one.isOpen);
    const next = after ?? this.rows.find((one) => one.isOpen);
    if (next === undefined) this.does.leave();
    else this.focus(next);
  }

  // When no upload is under way, remove the stored files, which the list below shows, and let long messages of the others
  // take more lines.
  settle() {
    if (this.open > 0) return;
    this.keep((row) => row.phase !== "stored");
    this.list.classList.add("asimov-storage-settled");
    this.does.settled();
  }

  /**
   * Put a file back among those that are chosen, in its present state.
   *
   * @param {FileRow} row
   */
  async tryAgain(row) {
    try {
      row.edit(await this.does.anew(row.chosen));
    } catch (error) {
      row.say(`✘ Not stored: ${failure(error)}`);
    }
    this.does.changed();
  }

  async tryAllAgain() {
    for (const row of this.failed) await this.tryAgain(row);
  }

  cancelAll() {
    for (const row of this.queue.splice(0)) this.finish(row, { error: new Cancelled() });
    for (const runner of this.running.keys()) runner.cancel();
    this.does.changed();
    this.settle();
  }

  /** @param {FileRow} row */
  stop(row) {
    for (const [runner, rows] of this.running) {
      if (rows.includes(row)) return rows.length === 1 ? runner.cancel() : undefined;
    }
    this.queue = this.queue.filter((one) => one !== row);
    this.finish(row, { error: new Cancelled() });
    this.does.changed();
    this.settle();
  }

  /** @param {boolean} silent Whether the kernel is silent. */
  repaint(silent) {
    for (const rows of this.running.values()) for (const row of rows) row.paint(silent);
  }

  // Stop, as the page is closing.
  leave() {
    this.nearView?.disconnect();
    for (const runner of this.running.keys()) runner.leave();
  }
}

/**
 * @param {Order} one
 * @param {Order} other
 */
function goTogether(one, other) {
  return one.event === other.event && one.production === other.production && one.meta === other.meta;
}

/** @param {unknown} error */
function failure(error) {
  if (error instanceof KernelError) {
    const { type, event, production, file } = error.details;
    if (type === "AlreadyPresentException" && event !== undefined) {
      return `Already in the Store, as ${event} / ${production} / ${file}. Nothing was stored again.`;
    }
  }
  if (error instanceof KernelGone) return `${GONE} Then choose the same file: it goes on from where it stopped.`;
  return error instanceof UnreadableFile ? error.message : inWords(error);
}
