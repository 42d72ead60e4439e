// The files on their way, some at once.

const FILES_AT_ONCE = 3;
const NOTHING_STORED = "Cancelled. Nothing was stored.";

/**
 * @typedef {object} RowsDo
 * @property {() => void} changed
 * @property {(chosen: Chosen) => void} again Puts a file back to those that are chosen.
 * @property {() => void} leave Gives the focus to something else, as nothing is left here.
 */

class UploadRows {
  /**
   * @param {Link} link
   * @param {RowsDo} does
   */
  constructor(link, does) {
    this.link = link;
    this.does = does;
    this.line = new Line();
    /** @type {UploadRow[]} */
    this.rows = [];
    /** @type {Set<UploadRow>} */
    this.running = new Set();
    this.list = make("ul", { class: "asimov-storage-cards" });
  }

  get open() {
    return this.rows.filter((row) => row.isOpen).length;
  }

  get failed() {
    return this.rows.filter((row) => row.outcome === "failed").length;
  }

  /**
   * @param {Chosen} chosen
   * @param {Order} order
   */
  add(chosen, order) {
    const does = { stop: this.cancel.bind(this), again: this.tryAgain.bind(this) };
    const row = new UploadRow(this.link, this.line, chosen, order, does);
    this.list.append(row.element);
    this.rows.push(row);
  }

  // Begin with as many as may run.
  next() {
    for (const row of this.rows) {
      if (this.running.size >= FILES_AT_ONCE) break;
      if (row.isOpen && !this.running.has(row)) this.run(row);
    }
    this.does.changed();
  }

  /** @param {UploadRow} row */
  async run(row) {
    this.running.add(row);
    try {
      await row.upload?.run();
      if (row.finish("stored")) this.focusAfter(row);
    } catch (error) {
      if (error instanceof Cancelled) row.finish("cancelled", NOTHING_STORED);
      else row.finish("failed", failure(error));
    }
    this.running.delete(row);
    this.next();
    this.settle();
  }

  /** @param {UploadRow} row */
  focusAfter(row) {
    const after = this.rows.slice(this.rows.indexOf(row)).find((one) => one.isOpen);
    const next = after ?? this.rows.find((one) => one.isOpen);
    if (next === undefined) this.does.leave();
    else next.stop.focus();
  }

  // Once nothing is under way: what was stored stands below, and of what was not the words may take their room.
  settle() {
    if (this.open > 0) return;
    for (const row of this.rows) {
      if (row.outcome === "stored") row.element.remove();
      row.element.style.height = "";
    }
    this.rows = this.rows.filter((row) => row.outcome !== "stored");
  }

  /**
   * Back to the list, where its name and MD5 can be changed.
   *
   * @param {UploadRow} row
   */
  tryAgain(row) {
    row.element.remove();
    this.rows.splice(this.rows.indexOf(row), 1);
    const { name, expected } = row.order;
    if (row.chosen !== undefined) this.does.again({ ...row.chosen, name, expected });
  }

  cancelAll() {
    for (const row of [...this.rows]) {
      if (row.isOpen) this.cancel(row);
    }
  }

  /** @param {UploadRow} row */
  cancel(row) {
    if (this.running.has(row)) return row.upload?.cancel();
    row.finish("cancelled", NOTHING_STORED);
    this.does.changed();
    this.settle();
  }

  repaint() {
    for (const row of this.running) row.repaint();
  }

  // The page goes.
  leave() {
    for (const row of this.running) row.upload?.leave();
  }
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
